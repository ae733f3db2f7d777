//! `--info`: what is in the control member, and single control files of it.
//!
//! The control files are read into memory; nothing is written to disk for them.

use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use libdpkgng::archive::deb::{DebFile, DebMember, Part};
use libdpkgng::archive::extract::CONTROL_FILE_MAX;
use libdpkgng::archive::take_error;
use libdpkgng::archive::tar::{Kind, TarReader};
use libdpkgng::error::{Error, Result};
use libdpkgng::report::{Event, Reporter};
use libdpkgng::{bail, err, msg, msgn};

use super::args::DebArgs;
use crate::cli::{Process, Step};

/// The longest interpreter that is shown, and one for the terminator stock keeps.
const INTERPRETER_MAX: usize = 127;
/// All control files of an archive together stay below this.
const CONTROL_MAX: u64 = CONTROL_FILE_MAX;

/// One file (or something else) of the control member.
struct ControlFile {
    name: Vec<u8>,
    /// Its mode and contents, if it is a plain file.
    file: Option<(u32, Vec<u8>)>,
}

fn find(args: &DebArgs, process: &mut Process) -> Result<(DebMember, Vec<u8>)> {
    let Some(deb) = args.args.first() else {
        return Err(Error::usage(msg!(
            "--%s needs a .deb filename argument",
            args.verb()
        )));
    };
    let file = DebFile::open(Path::new(deb))?;
    let member = file.member(Part::Control, &mut process.report)?;
    Ok((member, deb.as_bytes().to_vec()))
}

/// Read all control files, in the order of their names; a later one replaces an earlier one.
fn read(member: DebMember, args: &DebArgs) -> Result<Vec<ControlFile>> {
    let mut tar = TarReader::new(member.stream(args.settings.params.threads_max)?);
    let mut files: Vec<ControlFile> = Vec::new();
    let mut total = 0u64;
    while let Some(entry) = tar.next_entry()? {
        let name = entry.name.strip_prefix(b"./").unwrap_or(&entry.name);
        let name = name.strip_suffix(b"/").unwrap_or(name);
        if name.is_empty() || name == b"." || name.contains(&b'/') {
            continue;
        }
        let file = if entry.kind == Kind::File {
            total = total.saturating_add(entry.size);
            if total > CONTROL_MAX {
                bail!("control file '%s' is too large", name);
            }
            let mut data = Vec::new();
            tar.read_to_end(&mut data)
                .map_err(|e| take_error(e, || msg!("failed to read")))?;
            Some((entry.mode, data))
        } else {
            None
        };
        files.retain(|f| f.name != name);
        files.push(ControlFile {
            name: name.to_vec(),
            file,
        });
    }
    tar.into_inner().finish()?;
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

/// `--info`
pub fn info(process: &mut Process, args: &DebArgs) -> Step<i32> {
    let (member, deb) = find(args, process)?;
    if let [_, components @ ..] = args.args.as_slice() {
        if !components.is_empty() {
            let files = read(member, args)?;
            let names: Vec<&OsStr> = components.iter().map(|c| c.as_os_str()).collect();
            print_files(process, &deb, &files, &names)?;
            return Ok(0);
        }
    }
    let version = member.version;
    let (size, control) = (member.size, member.control_size);
    let announcement = match member.main_size {
        None => msg!(
            " new Debian package, version %d.%d.\n size %jd bytes: control archive=%jd bytes.\n",
            version.major,
            version.minor,
            size,
            control
        ),
        Some(main) => msg!(
            " old Debian package, version %d.%d.\n size %jd bytes: control archive=%jd, main archive=%jd.\n",
            version.major,
            version.minor,
            size,
            control,
            main
        ),
    };
    process.report.output(announcement);
    process.flush_output()?;
    let files = read(member, args)?;
    for file in &files {
        print_line(process, file);
    }
    let control = files.iter().find(|f| f.name == b"control");
    match control.and_then(|f| f.file.as_ref()) {
        None => process
            .report
            .warning(msg!("no 'control' file in control archive!")),
        Some((_, text)) => {
            let mut shown = Vec::with_capacity(text.len() + 256);
            for line in text.split_inclusive(|&b| b == b'\n') {
                shown.push(b' ');
                shown.extend_from_slice(line);
            }
            if text.last().is_some_and(|&b| b != b'\n') {
                shown.push(b'\n');
            }
            process.report.event(&Event::Data(&shown));
        }
    }
    process.flush_output()?;
    Ok(0)
}

/// One line about a control file: size, lines, whether it can be executed, interpreter.
fn print_line(process: &mut Process, file: &ControlFile) {
    let name = file.name.as_slice();
    let Some((mode, text)) = &file.file else {
        process
            .report
            .output(msg!("     not a plain file          %.255s\n", name));
        return;
    };
    let mark = if mode & 0o100 != 0 { '*' } else { ' ' };
    let (interpreter, lines) = script(text);
    let line = match interpreter {
        Some(interpreter) => msg!(
            " %7jd bytes, %5d lines   %c  %-20.127s %.127s\n",
            text.len(),
            lines,
            mark,
            name,
            interpreter
        ),
        None => msg!(
            " %7jd bytes, %5d lines   %c  %.127s\n",
            text.len(),
            lines,
            mark,
            name
        ),
    };
    process.report.output(line);
}

/// The interpreter with its `#!`, and the number of lines as stock counts them: what was read
/// to find out about the interpreter counts only if it was one.
fn script(text: &[u8]) -> (Option<Vec<u8>>, usize) {
    let newlines = |t: &[u8]| t.iter().filter(|&&b| b == b'\n').count();
    let Some(rest) = text.strip_prefix(b"#!") else {
        // The characters looked at are gone: one, or two after a '#'.
        let looked_at = if text.first() == Some(&b'#') { 2 } else { 1 };
        return (None, newlines(text.get(looked_at..).unwrap_or_default()));
    };
    let start = rest.iter().position(|&b| b != b' ').unwrap_or(rest.len());
    let rest = &rest[start..];
    let is_space = |b: &u8| matches!(b, b' ' | b'\t'..=b'\r');
    let end = rest.iter().position(is_space).unwrap_or(rest.len());
    let end = end.min(INTERPRETER_MAX - 2);
    let interpreter = [b"#!", &rest[..end]].concat();
    (Some(interpreter), newlines(&rest[end..]))
}

/// `--field` without fields: the control file itself.
pub fn control_file(process: &mut Process, args: &DebArgs) -> Step<i32> {
    let (member, deb) = find(args, process)?;
    let files = read(member, args)?;
    print_files(process, &deb, &files, &[OsStr::new("control")])?;
    Ok(0)
}

/// The contents of control files, one after the other (`info_spew`).
fn print_files(
    process: &mut Process,
    deb: &[u8],
    files: &[ControlFile],
    names: &[&OsStr],
) -> Result<()> {
    let mut missing = 0u64;
    for name in names {
        let found = files.iter().find(|f| f.name == name.as_bytes());
        match found.map(|f| &f.file) {
            Some(Some((_, text))) => {
                process.report.event(&Event::Data(text));
                // Stock writes to the descriptor, past stdio.
                process.report.drain_output();
            }
            Some(None) => {
                return Err(err!(
                    "cannot extract control file '%s' from '%s': %s",
                    *name,
                    deb,
                    msg!("not a plain file")
                ));
            }
            None => {
                process.report.notice(msg!(
                    "'%.255s' contains no control component '%.255s'",
                    deb,
                    *name
                ));
                missing += 1;
            }
        }
    }
    if missing > 0 {
        return Err(Error::new(msgn!(
            missing,
            "%d requested control component is missing",
            "%d requested control components are missing",
            missing
        )));
    }
    Ok(())
}
