//! Packages as text: one field, one stanza, a file of the database (dump.c).

use std::io::Write;
use std::path::Path;

use super::fields::{FIELDS, FieldKind};
use crate::arch::ArchId;
use crate::error::{OrFail, Result};
use crate::msg;
use crate::pkg::{
    ArbitraryField, ArchiveDetails, Bytes, MultiArch, NameWhen, PkgId, PkgTable, Priority, Which,
};
use crate::relations;
use crate::state::Status;
use crate::sys::atomic::AtomicFile;
use crate::sys::place::Spot;
use crate::version::{Epoch, Version};

/// One field. With `header` as a whole line, or nothing when there is nothing to say (absent,
/// `no`); without, the bare value, for showformat.
pub fn write_field(
    table: &PkgTable,
    pkg: PkgId,
    which: Which,
    info: &super::FieldInfo,
    header: bool,
    out: &mut Vec<u8>,
) {
    let p = &table[pkg];
    let bin = p.bin(which);
    let installed = which == Which::Installed;
    let mut value = |text: &[u8]| line(info.name, text, header, out);
    let mut text = |text: &Option<Bytes>| {
        if let Some(text) = text.as_ref().filter(|t| !t.is_empty()) {
            value(text);
        }
    };
    match info.kind {
        FieldKind::Package => value(table.set_name(pkg).as_bytes()),
        FieldKind::Section => text(&p.section),
        FieldKind::InstalledSize => text(&bin.installed_size),
        FieldKind::Origin => text(&bin.origin),
        FieldKind::Maintainer => text(&bin.maintainer),
        FieldKind::Bugs => text(&bin.bugs),
        FieldKind::Source => text(&bin.source),
        FieldKind::Description => text(&bin.description),
        FieldKind::Essential if bin.essential || !header => value(yes_no(bin.essential)),
        FieldKind::Protected if bin.protected || !header => value(yes_no(bin.protected)),
        FieldKind::MultiArch if bin.multiarch != MultiArch::No || !header => {
            value(bin.multiarch.as_str().as_bytes());
        }
        FieldKind::Status if installed => {
            value(format!("{} {} {}", p.want, p.eflag, p.status()).as_bytes());
        }
        FieldKind::Priority if p.priority != Priority::Unknown => value(p.priority.as_bytes()),
        FieldKind::Architecture if !matches!(bin.arch, ArchId::NONE | ArchId::EMPTY) => {
            value(table.arches.name(bin.arch).as_bytes());
        }
        FieldKind::Version => version(&bin.version, &mut value),
        FieldKind::ConfigVersion
            if installed
                && !matches!(
                    p.status(),
                    Status::Installed | Status::NotInstalled | Status::TriggersPending
                ) =>
        {
            version(&p.configversion, &mut value);
        }
        FieldKind::Relation(kind) => {
            let mut first = true;
            for dep in bin.depends.iter().filter(|d| d.kind == kind) {
                match (first, header) {
                    (false, _) => out.extend_from_slice(b", "),
                    (true, true) => start(info.name, out),
                    (true, false) => {}
                }
                first = false;
                relations::write(table, dep, out);
            }
            if header && !first {
                out.push(b'\n');
            }
        }
        FieldKind::Conffiles if installed && !bin.conffiles.is_empty() => {
            if header {
                out.extend_from_slice(b"Conffiles:\n");
            }
            for (i, c) in bin.conffiles.iter().enumerate() {
                if i > 0 {
                    out.push(b'\n');
                }
                for part in [&b" "[..], &c.name, b" ", &c.hash] {
                    out.extend_from_slice(part);
                }
                if c.obsolete {
                    out.extend_from_slice(b" obsolete");
                }
                if c.remove_on_upgrade {
                    out.extend_from_slice(b" remove-on-upgrade");
                }
            }
            if header {
                out.push(b'\n');
            }
        }
        FieldKind::Filename if !installed => {
            archives(&p.archives, |a| &a.name, info.name, header, out);
        }
        FieldKind::Size if !installed => {
            archives(&p.archives, |a| &a.size, info.name, header, out);
        }
        FieldKind::Md5sum if !installed => {
            archives(&p.archives, |a| &a.md5sum, info.name, header, out);
        }
        FieldKind::MsdosFilename if !installed => {
            archives(&p.archives, |a| &a.msdosname, info.name, header, out);
        }
        FieldKind::TriggersPending if installed && !p.trigpend.is_empty() => {
            words(p.trigpend.iter().map(|t| &**t), info.name, header, out);
        }
        FieldKind::TriggersAwaited if installed && !p.trigaw.is_empty() => {
            let names = p.trigaw.iter().map(|t| table.name(*t, NameWhen::NonAmbig));
            words(names, info.name, header, out);
        }
        // Obsolete fields, and those whose condition above does not hold.
        _ => {}
    }
}

fn start(name: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
}

fn line(name: &str, text: &[u8], header: bool, out: &mut Vec<u8>) {
    if header {
        start(name, out);
    }
    out.extend_from_slice(text);
    if header {
        out.push(b'\n');
    }
}

fn yes_no(value: bool) -> &'static [u8] {
    if value { b"yes" } else { b"no" }
}

fn version(version: &Version, value: &mut dyn FnMut(&[u8])) {
    if version.is_informative() {
        value(&version.to_bytes(Epoch::NonAmbig));
    }
}

/// Values with a space before each, also where there is no header.
fn words(
    words: impl Iterator<Item = impl AsRef<[u8]>>,
    name: &str,
    header: bool,
    out: &mut Vec<u8>,
) {
    if header {
        out.extend_from_slice(name.as_bytes());
        out.push(b':');
    }
    for word in words {
        out.push(b' ');
        out.extend_from_slice(word.as_ref());
    }
    if header {
        out.push(b'\n');
    }
}

fn archives(
    archives: &[ArchiveDetails],
    part: impl Fn(&ArchiveDetails) -> &Option<Bytes>,
    name: &str,
    header: bool,
    out: &mut Vec<u8>,
) {
    if archives.first().is_some_and(|a| part(a).is_some()) {
        words(archives.iter().flat_map(part), name, header, out);
    }
}

/// A field dpkg has no meaning for, as [`write_field`].
pub fn write_arbitrary_field(field: &ArbitraryField, header: bool, out: &mut Vec<u8>) {
    if header {
        out.extend_from_slice(&field.name);
        out.extend_from_slice(b": ");
    }
    out.extend_from_slice(&field.value);
    if header {
        out.push(b'\n');
    }
}

/// The stanza of a package, without an empty line behind it (`varbuf_stanza`).
pub fn stanza(table: &PkgTable, pkg: PkgId, which: Which) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    append_stanza(table, pkg, which, &mut out);
    out
}

fn append_stanza(table: &PkgTable, pkg: PkgId, which: Which, out: &mut Vec<u8>) {
    for info in FIELDS {
        write_field(table, pkg, which, info, true, out);
    }
    for field in &table[pkg].bin(which).arbs {
        write_arbitrary_field(field, true, out);
    }
}

/// All packages there is something to say about, sorted, an empty line behind each
/// (`writedb_stanzas`). `path` is for errors.
pub fn write_stanzas(
    to: &mut dyn Write,
    path: &Path,
    table: &PkgTable,
    which: Which,
) -> Result<()> {
    let what = match which {
        Which::Installed => "status",
        Which::Available => "available",
    };
    let mut text = Vec::with_capacity(4096);
    for pkg in table.sorted() {
        if !table[pkg].is_informative(which) {
            continue;
        }
        text.clear();
        append_stanza(table, pkg, which, &mut text);
        text.push(b'\n');
        to.write_all(&text).or_fail(|| {
            msg!(
                "failed to write %s database stanza about '%s' to '%s'",
                what,
                table.bin_name(pkg, which, NameWhen::NonAmbig),
                path
            )
        })?;
    }
    Ok(())
}

/// Replace a file of the database (`writedb`): `status` with a backup, `available` without.
pub fn write_db(path: &Spot, table: &PkgTable, which: Which, must_sync: bool) -> Result<()> {
    let mut file = AtomicFile::create(path, false)?;
    write_stanzas(&mut file, path.shown_path(), table, which)?;
    if must_sync {
        file.sync()?;
    }
    file.commit(which == Which::Installed)?;
    if must_sync {
        crate::sys::dir::sync_parent(path)?;
    }
    Ok(())
}
