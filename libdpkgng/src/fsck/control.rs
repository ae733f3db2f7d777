//! The control files of one package: `conffiles`, maintainer scripts, and the rest; of `list` and `md5sums` see
//! [`super::lists`].
//!
//! What is damaged comes from the archive the package was installed from, where that is at hand.

use std::rc::Rc;

use super::debs::Archive;
use super::scan::{Content, Scan};
use super::{Action, Fault, Kind, Repair, Source, WayOut, Where, text};
use crate::pkg::PkgId;

/// The scripts that dpkg runs.
const SCRIPTS: [&str; 4] = ["preinst", "postinst", "prerm", "postrm"];

/// So many NULs in a row are no text of anybody's.
const NUL_RUN: usize = 64;

pub(super) fn check(scan: &mut Scan<'_>, pkg: PkgId) {
    conffiles_there(scan, pkg);
    let stem = scan.stem(pkg);
    let mut this = Package {
        name: scan.name(pkg),
        pkg,
        archive: None,
    };
    let digests = this.digests(scan);
    this.list(scan, &digests);
    for kind in scan.info.get(&stem).cloned().unwrap_or_default() {
        let kind = String::from_utf8_lossy(&kind).into_owned();
        match &*kind {
            "list" | "md5sums" => {}
            _ => this.other(scan, &kind),
        }
    }
}

/// Conffiles that an administrator has removed stay removed.
fn conffiles_there(scan: &mut Scan<'_>, pkg: PkgId) {
    if !scan.is_unpacked(pkg) {
        return;
    }
    let conffiles = scan.db.table[pkg].installed.conffiles.clone();
    for conffile in conffiles
        .iter()
        .filter(|c| !c.obsolete && !c.remove_on_upgrade)
    {
        let file = Where::System(conffile.name.to_vec());
        let spot = file.spot(scan.dirs);
        if spot
            .lstat()
            .is_err_and(|e| e.raw_os_error() == Some(libc::ENOENT))
        {
            let name = scan.name(pkg);
            scan.fault(Fault::new(Kind::ConffileMissing, file).of(&name));
        }
    }
}

/// The package being looked at.
pub(super) struct Package {
    pub(super) pkg: PkgId,
    name: String,
    /// Looked for when first needed.
    archive: Option<Option<Rc<Archive>>>,
}

impl Package {
    fn archive(&mut self, scan: &mut Scan<'_>) -> Option<Rc<Archive>> {
        let wanted = scan.wanted(self.pkg);
        self.archive
            .get_or_insert_with(|| scan.debs.find(&wanted))
            .clone()
    }

    /// A fault in a control file, with what brings the file back.
    pub(super) fn fault(&mut self, scan: &mut Scan<'_>, fault: Fault, repair: Option<Repair>) {
        let name = self.name.clone();
        let fault = fault.of(&name).way_out(WayOut::Reinstall(name.clone()));
        let wanted = scan.wanted(self.pkg);
        let fault = match repair {
            Some(_) => fault.repair(repair),
            None => fault.wants(&wanted),
        };
        scan.fault(fault);
    }

    pub(super) fn faults(
        &mut self,
        scan: &mut Scan<'_>,
        faults: Vec<Fault>,
        repair: Option<Repair>,
    ) {
        for fault in faults {
            self.fault(scan, fault, repair.clone());
        }
    }

    /// The control file as the archive has it.
    pub(super) fn archived(
        &mut self,
        scan: &mut Scan<'_>,
        file: &Where,
        kind: &str,
    ) -> Option<Repair> {
        let archive = self.archive(scan)?;
        let (content, mode) = match kind {
            "list" => (self.list_of(scan, &archive), None),
            "md5sums" => (archive.digests(), None),
            _ => {
                let (content, mode) = archive.control.get(kind.as_bytes())?;
                (content.clone(), Some(mode & 0o7777))
            }
        };
        let source = Source::Archive(archive.path.as_os_str().as_encoded_bytes().to_vec());
        let file = file.clone();
        Some(Repair::new(
            Action::Write {
                file,
                content,
                mode,
            },
            source,
        ))
    }

    /// The list that dpkg makes: what the archive has, and conffiles that it has no longer.
    fn list_of(&self, scan: &Scan<'_>, archive: &Archive) -> Vec<u8> {
        let mut paths = archive.list();
        let conffiles = &scan.db.table[self.pkg].installed.conffiles;
        for conffile in conffiles.iter().filter(|c| c.obsolete) {
            if !paths.contains(&&conffile.name[..]) {
                paths.push(&conffile.name);
            }
        }
        text::join(paths)
    }

    /// Any other control file.
    fn other(&mut self, scan: &mut Scan<'_>, kind: &str) {
        let file = scan.control_file(self.pkg, kind);
        let is_script = SCRIPTS.contains(&kind);
        if is_script
            && file
                .spot(scan.dirs)
                .lstat()
                .is_ok_and(|s| s.is_file() && s.mode & 0o111 == 0)
        {
            let mode = self
                .archive(scan)
                .and_then(|a| a.control.get(kind.as_bytes()).map(|f| f.1));
            let action = Action::Mode(file.clone(), mode.unwrap_or(0o755) & 0o7777 | 0o500);
            let repair = Repair::new(action, Source::Itself);
            self.fault(
                scan,
                Fault::new(Kind::NotExecutable, file.clone()),
                Some(repair),
            );
        }
        let Content::Data(data) = scan.read(&file) else {
            return;
        };
        let program = data.starts_with(b"\x7fELF");
        let fault = if data.is_empty() && is_script {
            Fault::new(Kind::Empty, file.clone())
        } else if let Some(at) = zeroes(&data).filter(|_| !program) {
            Fault::new(Kind::ZeroFilled, file.clone()).at(text::line_at(&data, at))
        } else if is_script && !program && !data.starts_with(b"#!") {
            Fault::new(Kind::NoInterpreter, file.clone()).at(1)
        } else if kind == "conffiles" {
            match conffiles_flaw(&data, &file) {
                Some(fault) => fault,
                None => return,
            }
        } else {
            return;
        };
        let repair = self.archived(scan, &file, kind);
        self.fault(scan, fault, repair);
    }
}

/// Where a text was filled with NULs: from its first byte, up to its last, or a long run.
fn zeroes(data: &[u8]) -> Option<usize> {
    if data.first() == Some(&0) {
        return Some(0);
    }
    if data.last() == Some(&0) {
        let end = data.iter().rposition(|c| *c != 0).map_or(0, |at| at + 1);
        return Some(end);
    }
    memchr::memmem::find(data, &[0; NUL_RUN])
}

fn conffiles_flaw(data: &[u8], file: &Where) -> Option<Fault> {
    for (line, content) in text::lines(data) {
        let path = content
            .strip_prefix(b"remove-on-upgrade ")
            .unwrap_or(content);
        let path = path.trim_ascii();
        if !path.is_empty() && !text::is_good_path(path) {
            let fault = Fault::new(Kind::BadPath, file.clone()).at(line);
            return Some(fault.detail(shorten(content)));
        }
    }
    let cut = !text::is_terminated(data);
    cut.then(|| Fault::new(Kind::NoFinalNewline, file.clone()).at(text::line_count(data)))
}

/// A line for a message.
pub(super) fn shorten(line: &[u8]) -> &[u8] {
    line.get(..80).unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_zeroes_begin() {
        assert_eq!(zeroes(b"#!/bin/sh\n"), None);
        assert_eq!(zeroes(b"#!/bin/sh\n a\0b\n"), None);
        assert_eq!(zeroes(b"\0a"), Some(0));
        assert_eq!(zeroes(b"ab\0\0"), Some(2));
        assert_eq!(zeroes(&[b"ab", &[0; 100][..], b"c"].concat()), Some(2));
    }
}
