//! `--info`: what is in the control member, and single control files of it.
//!
//! The control files are read into memory; nothing is written to disk for them. Only what we
//! cannot read goes to tar(1) and a temporary directory, as everything does with stock, so
//! that the verdict and its words are tar's.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use libdpkgng::archive::deb::{DebFile, DebMember, DebStream, PIPE_SIZE, Part, Paste};
use libdpkgng::archive::extract::CONTROL_FILE_MAX;
use libdpkgng::archive::take_error;
use libdpkgng::archive::tar::{Kind, TarReader};
use libdpkgng::error::{Error, OrFail, Result};
use libdpkgng::msg::Msg;
use libdpkgng::pkg::{PkgId, PkgTable};
use libdpkgng::report::{Event, Reporter};
use libdpkgng::{bail, err, msg, msgn};

use super::args::DebArgs;
use super::extract::{Source, TarMode, feed_tar, move_control_files};
use super::fields;
use crate::cli::{Process, Step};

/// The longest interpreter that is looked for.
const INTERPRETER_MAX: usize = libc::PATH_MAX as usize;
/// All control files of an archive together stay below this.
const CONTROL_MAX: u64 = CONTROL_FILE_MAX;

/// One file (or something else) of the control member.
struct ControlFile {
    /// Its path below the top.
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

/// A stream that keeps what was read of it and how that failed, so that it can be read again from
/// its start.
struct Replay {
    stream: DebStream,
    bytes: Vec<u8>,
    /// How far it is being read again; past the end, the stream itself goes on.
    again: usize,
    failed: Option<io::Error>,
}

impl Read for Replay {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut kept = self.bytes.get(self.again..).unwrap_or_default();
        if !kept.is_empty() {
            let count = kept.read(buf)?;
            self.again += count;
            return Ok(count);
        }
        match self.failed.take() {
            Some(e) => Err(e),
            None => self.stream.read(buf),
        }
    }
}

impl Source for Replay {
    fn paste(&mut self) -> Paste {
        self.stream.paste()
    }

    fn paste_failed_ahead(&mut self) -> Option<Error> {
        self.stream.paste_failed_ahead()
    }

    fn write_error(&self, e: io::Error) -> Error {
        self.stream.write_error(e)
    }
}

/// Reads a [`Replay`] for the first time.
struct First<'a>(&'a mut Replay);

impl Read for First<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let Replay {
            stream,
            bytes,
            failed,
            ..
        } = self.0;
        if bytes.len() as u64 > CONTROL_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let count = match stream.read(buf) {
            Err(e) if e.kind() != io::ErrorKind::Interrupted => {
                *failed = Some(e);
                return Err(io::ErrorKind::Other.into());
            }
            read => read?,
        };
        bytes.extend_from_slice(buf.get(..count).unwrap_or_default());
        Ok(count)
    }
}

/// Read all control files, in the order of their names.
fn read(process: &mut Process, member: DebMember, args: &DebArgs) -> Result<Vec<ControlFile>> {
    let inner = member.version.inner_control_dir();
    let mut replay = Replay {
        stream: member.stream(args.settings.params.threads_max)?,
        bytes: Vec::new(),
        again: 0,
        failed: None,
    };
    if inner.is_none()
        && let Ok(files) = read_tar(&mut First(&mut replay))
    {
        // tar stops reading where the archive ends; what follows has to fit into the pipe.
        let rest = io::copy(&mut First(&mut replay).take(PIPE_SIZE), &mut io::sink());
        // Of nothing at all tar has something to say.
        let something = !replay.bytes.is_empty();
        if something && rest.is_ok() && matches!(replay.stream.paste(), Paste::Complete) {
            return Ok(files);
        }
    }
    through_directory(process, &mut replay, inner)
}

/// What is in a tar; a later entry replaces an earlier one.
fn read_tar(stream: impl Read) -> Result<Vec<ControlFile>> {
    let mut tar = TarReader::new(stream);
    let mut files: Vec<ControlFile> = Vec::new();
    while let Some(entry) = tar.next_entry()? {
        let name = entry.name.strip_prefix(b"./").unwrap_or(&entry.name);
        let name = name.strip_suffix(b"/").unwrap_or(name);
        if name.is_empty() || name == b"." {
            continue;
        }
        let plain = matches!(entry.kind, Kind::File | Kind::Directory);
        if !plain || name.starts_with(b"/") || name.split(|&b| b == b'/').any(|w| w == b"..") {
            bail!("unable to create '%.255s'", name);
        }
        let file = if entry.kind == Kind::File && !entry.slash {
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
    if !tar.orderly() {
        bail!("tar would have something to say");
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

/// The same by way of tar(1) and a directory.
fn through_directory(
    process: &mut Process,
    stream: &mut dyn Source,
    inner: Option<&str>,
) -> Result<Vec<ControlFile>> {
    let template = temporary_template(process, b"");
    let dir = TempDir(
        nix::unistd::mkdtemp(OsStr::from_bytes(&template))
            .or_fail(|| msg!("unable to create temporary directory"))?,
    );
    let mode = TarMode::ExtractBriefly;
    feed_tar(process, stream, Some(dir.0.as_os_str()), mode)?;
    if let Some(inner) = inner {
        move_control_files(process, dir.0.as_os_str(), inner)?;
    }
    let scan = || msg!("cannot scan directory '%.255s'", &dir.0);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&dir.0).or_fail(scan)? {
        let entry = entry.or_fail(scan)?;
        let path = entry.path();
        let stat = std::fs::metadata(&path)
            .or_fail(|| msg!("cannot get file '%.255s' metadata", &path))?;
        let file = if stat.is_file() {
            let text = if stat.len() > CONTROL_MAX {
                Err(io::ErrorKind::FileTooLarge.into())
            } else {
                std::fs::read(&path)
            };
            let text = text.or_fail(|| msg!("cannot read file '%.255s'", &path))?;
            Some((stat.mode(), text))
        } else {
            None
        };
        files.push(ControlFile {
            name: entry.file_name().as_bytes().to_vec(),
            file,
        });
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

/// The template of stock's temporary directory, and something below it.
fn temporary_template(process: &Process, tail: &[u8]) -> Vec<u8> {
    let tmpdir = process.env.get("TMPDIR").unwrap_or(OsStr::new("/tmp"));
    [tmpdir.as_bytes(), b"/dpkg-deb.XXXXXX", tail].concat()
}

/// A directory that goes away with its contents, whatever their modes are.
struct TempDir(PathBuf);

impl Drop for TempDir {
    fn drop(&mut self) {
        open_up(&self.0);
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Make every directory of a tree accessible. What fails here shows when it is removed.
fn open_up(dir: &Path) {
    let _ = std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o755));
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|t| t.is_dir()) {
            open_up(&entry.path());
        }
    }
}

/// `--info`
pub fn info(process: &mut Process, args: &DebArgs) -> Step<i32> {
    let (member, deb) = find(args, process)?;
    if let [_, components @ ..] = args.args.as_slice()
        && !components.is_empty()
    {
        let files = read(process, member, args)?;
        let names: Vec<&OsStr> = components.iter().map(|c| c.as_os_str()).collect();
        print_files(process, &deb, &files, &names)?;
        return Ok(0);
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
    let files = read(process, member, args)?;
    for file in files.iter().filter(|f| !f.name.contains(&b'/')) {
        print_line(process, file);
    }
    let control = files.iter().find(|f| f.name == b"control");
    match control.map(|f| &f.file) {
        None => process
            .report
            .warning(msg!("no 'control' file in control archive!")),
        Some(None) => {
            let path = temporary_template(process, b"/control");
            return Err(is_directory(msg!("cannot read file '%.255s'", &path)).into());
        }
        Some(Some((_, text))) => {
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
    let files = read(process, member, args)?;
    print_files(process, &deb, &files, &[OsStr::new("control")])?;
    Ok(0)
}

/// The control file as a package paragraph, for `--field` and `--show`.
pub fn paragraph(process: &mut Process, args: &DebArgs) -> Result<(PkgTable, PkgId)> {
    let (member, _) = find(args, process)?;
    let files = read(process, member, args)?;
    // Where stock has it by now; it cites the name in what it says about the fields.
    let path = temporary_template(process, b"/control");
    let control = files.iter().find(|f| f.name == b"control");
    match control.map(|f| &f.file) {
        Some(Some((_, text))) => fields::parse(process, &path, text),
        Some(None) => Err(is_directory(msg!(
            "reading package info file '%.255s'",
            &path
        ))),
        None => Err(Error::os(
            msg!(
                "failed to open package info file '%.255s' for reading",
                &path
            ),
            io::Error::from_raw_os_error(libc::ENOENT),
        )),
    }
}

/// What is no plain file in a control member is a directory, and stock finds out by reading it.
fn is_directory(what: Msg) -> Error {
    Error::os(what, io::Error::from_raw_os_error(libc::EISDIR))
}

/// What a path below the top leads to.
enum Found<'a> {
    Text(&'a [u8]),
    Directory,
    /// Not even open(2) takes it.
    BelowFile,
}

fn look_up<'a>(files: &'a [ControlFile], path: &[u8]) -> Option<Found<'a>> {
    let mut found = Found::Directory;
    let mut walked = Vec::new();
    for word in path.split(|c| *c == b'/') {
        if matches!(found, Found::Text(_)) {
            return Some(Found::BelowFile);
        }
        if word.is_empty() || word == b"." {
            continue;
        }
        walked.push(word);
        let name = walked.join(&b'/');
        let file = files.iter().find(|f| f.name == name)?;
        found = match &file.file {
            Some((_, text)) => Found::Text(text),
            None => Found::Directory,
        };
    }
    Some(found)
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
        let fails = |errno| io::Result::<()>::Err(io::Error::from_raw_os_error(errno));
        let path = temporary_template(process, &[b"/", name.as_bytes()].concat());
        let copied = match look_up(files, name.as_bytes()) {
            Some(Found::Text(text)) => {
                let written = process.report.write_through(text);
                written.or_put(|| msg!("failed to write"))
            }
            Some(Found::Directory) => fails(libc::EISDIR).or_put(|| msg!("failed to read")),
            Some(Found::BelowFile) => {
                return fails(libc::ENOTDIR).or_fail(|| msg!("cannot open file '%.255s'", &path));
            }
            None => {
                process.report.notice(msg!(
                    "'%.255s' contains no control component '%.255s'",
                    deb,
                    *name
                ));
                missing += 1;
                Ok(())
            }
        };
        copied.map_err(|problem| {
            err!(
                "cannot extract control file '%s' from '%s': %s",
                &path,
                deb,
                problem.msg
            )
        })?;
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
