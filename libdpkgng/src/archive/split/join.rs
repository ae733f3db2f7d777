//! Putting a package together again.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::{DEB_EXTENSION, PartInfo};
use crate::archive::copy_exact;
use crate::error::{OrFail as _, Result};
use crate::msg::Msg;
use crate::report::{Event, Reporter};
use crate::{bail, err, msg, msgn};

/// The parts of one package by number.
pub(super) type PartList = BTreeMap<i32, PartInfo>;

/// Add a part of the package that `reference` is a part of (`addtopartlist`).
pub(super) fn add(
    list: &mut PartList,
    part: PartInfo,
    reference: &PartInfo,
    report: &mut dyn Reporter,
) -> Result<()> {
    if !part.belongs_to(reference) {
        report.output(part.describe());
        report.output(reference.describe());
        bail!(
            "files '%.250s' and '%.250s' are not parts of the same file",
            &part.filename,
            &reference.filename
        );
    }
    if let Some(other) = list.get(&part.number) {
        bail!(
            "there are several versions of part %d - at least '%.250s' and '%.250s'",
            part.number,
            &part.filename,
            &other.filename
        );
    }
    list.insert(part.number, part);
    Ok(())
}

/// The first of the numbers from 1 to `count` that is not in the list.
pub(super) fn first_missing(list: &PartList, count: i32) -> Option<i32> {
    let numbers = list.keys().zip(1..);
    let gap = numbers
        .filter(|(have, want)| **have != *want)
        .map(|(_, want)| want)
        .next();
    gap.or_else(|| {
        let next = i32::try_from(list.len()).ok()?.checked_add(1)?;
        (next <= count).then_some(next)
    })
}

/// Write the package that a complete list of parts holds (`reassemble`).
pub(super) fn reassemble(list: &PartList, output: &Path, report: &mut dyn Reporter) -> Result<()> {
    let Some(first) = list.values().next() else {
        bail!("part %d is missing", 1);
    };
    report.output(msgn!(
        first.count,
        "Putting package %s together from %d part: ",
        "Putting package %s together from %d parts: ",
        &first.package,
        first.count
    ));
    let mut to = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o644)
        .open(output)
        .or_fail(|| msg!("unable to open output file '%.250s'", output))?;
    for part in list.values() {
        let mut from = File::open(part.path()).or_fail(|| {
            msg!(
                "unable to (re)open input part file '%.250s'",
                &part.filename
            )
        })?;
        skip(&mut from, part.header_len).map_err(|why| {
            err!(
                "cannot skip split package header for '%s': %s",
                &part.filename,
                why
            )
        })?;
        copy_exact(&mut from, &mut to, part.len.cast_unsigned()).map_err(|why| {
            err!(
                "cannot append split package part '%s' to '%s': %s",
                &part.filename,
                output,
                why
            )
        })?;
        report.event(&Event::Output(msg!("%d ", part.number)));
    }
    to.sync_all()
        .or_fail(|| msg!("unable to sync file '%s'", output))?;
    report.output(msg!("done\n"));
    Ok(())
}

/// Go on by `count` bytes: by seeking, or in a pipe by reading (`fd_skip`).
fn skip(file: &mut File, count: u64) -> std::result::Result<(), Msg> {
    match file.seek(SeekFrom::Current(count.cast_signed())) {
        Ok(_) => Ok(()),
        Err(e) if e.raw_os_error() == Some(libc::ESPIPE) => {
            copy_exact(file, &mut io::sink(), count)
        }
        Err(e) => Err(msg!("%s (%s)", msg!("failed to seek"), e)),
    }
}

/// Put these parts of one package together, in a file of that name or of the package's.
///
/// # Errors
/// They are not all the parts of one package, or cannot be read, or the package not be written.
pub fn join(parts: &[PathBuf], output: Option<&Path>, report: &mut dyn Reporter) -> Result<()> {
    let mut infos = Vec::new();
    // What stock tried last before it reads the first part: whether it writes to a terminal.
    let mut errno = match report.stdout_is_terminal() {
        true => 0,
        false => libc::ENOTTY,
    };
    for path in parts {
        infos.push(PartInfo::demand(path, errno)?);
        errno = 0;
    }
    // Errors name parts in the order in which stock looks at them: from the last one.
    infos.reverse();
    let mut reference: Option<&PartInfo> = None;
    for info in &infos {
        if reference.is_none_or(|r| info.number < r.number) {
            reference = Some(info);
        }
    }
    let Some(reference) = reference.cloned() else {
        bail!("part %d is missing", 1);
    };
    let mut list = PartList::new();
    for info in infos {
        add(&mut list, info, &reference, report)?;
    }
    if let Some(number) = first_missing(&list, reference.count) {
        bail!("part %d is missing", number);
    }
    let named;
    let output = match output {
        Some(output) => output,
        None => {
            named = default_name(&reference);
            Path::new(std::ffi::OsStr::from_bytes(&named))
        }
    };
    reassemble(&list, output, report)
}

/// `PACKAGE_VERSION_ARCH.deb`
fn default_name(part: &PartInfo) -> Vec<u8> {
    let arch = part.arch.as_deref().unwrap_or(b"unknown");
    let words = [&*part.package, &*part.version, arch].join(&b'_');
    [&*words, DEB_EXTENSION.as_bytes()].concat()
}
