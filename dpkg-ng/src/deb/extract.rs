//! Actions that take members out of an archive: through tar(1), as stock does it, because its
//! listing and its complaints are part of what users and scripts see.

use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Stdio};

use libdpkgng::archive::deb::{DebFile, DebMember, DebStream, Part, Paste};
use libdpkgng::archive::take_error;
use libdpkgng::error::{Error, OrFail, Result};
use libdpkgng::sys::{locale, signal};
use libdpkgng::{bail, msg};

use super::args::{Action, DebArgs};
use crate::children;
use crate::cli::{Process, Step};

/// What tar is to do with a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TarMode {
    /// List it.
    List,
    /// Extract it with its permissions.
    Extract,
    /// The same, listing what is extracted.
    ExtractVerbosely,
    /// Extract control files.
    ExtractControl,
    /// Extract control files into a directory that must not be there.
    ExtractControlNew,
    /// Extract control files to look at, with the time of now.
    ExtractBriefly,
}

impl TarMode {
    fn options(self) -> &'static [&'static str] {
        match self {
            TarMode::List => &["-tv"],
            TarMode::Extract => &["-x", "-p"],
            TarMode::ExtractVerbosely => &["-xv", "-p"],
            TarMode::ExtractControl | TarMode::ExtractControlNew => &["-x"],
            TarMode::ExtractBriefly => &["-x", "-m"],
        }
    }
}

/// The size of what is handed on at a time (`DPKG_BUFFER_SIZE`).
const PIECE: usize = 32 * 1024;
/// The default directory for control files.
const CONTROL_DIR: &str = "DEBIAN";

/// A usage error about the action's arguments.
fn wrong_usage(template: &'static str, args: &DebArgs) -> Error {
    Error::usage(msg!(template, args.verb()))
}

/// `--contents`
pub fn contents(process: &mut Process, args: &DebArgs) -> Step<i32> {
    let [deb] = args.args.as_slice() else {
        return Err(wrong_usage("--%s takes exactly one argument", args).into());
    };
    through_tar(process, args, deb, Part::Data, None, TarMode::List)?;
    Ok(0)
}

/// `--control`
pub fn control(process: &mut Process, args: &DebArgs) -> Step<i32> {
    let (deb, dir) = match args.args.as_slice() {
        [] => return Err(wrong_usage("--%s needs a .deb filename argument", args).into()),
        [deb] => (deb, OsStr::new(CONTROL_DIR)),
        [deb, dir] => (deb, dir.as_os_str()),
        _ => {
            let text = "--%s takes at most two arguments (.deb and directory)";
            return Err(wrong_usage(text, args).into());
        }
    };
    let mode = TarMode::ExtractControl;
    through_tar(process, args, deb, Part::Control, Some(dir), mode)?;
    Ok(0)
}

/// The archive and the directory of `--extract` and its kin.
fn deb_and_dir(args: &DebArgs) -> Result<(&OsStr, &OsStr)> {
    match args.args.as_slice() {
        [] => Err(wrong_usage(
            "--%s needs .deb filename and directory arguments",
            args,
        )),
        [deb] if args.action == Action::RawExtract && deb == "-" => Err(wrong_usage(
            "--%s does not support (yet) reading the .deb from standard input",
            args,
        )),
        [_] => Err(wrong_usage(
            "--%s needs a target directory.\nPerhaps you should be using dpkg --install ?",
            args,
        )),
        [deb, dir] => Ok((deb, dir)),
        _ => Err(wrong_usage(
            "--%s takes at most two arguments (.deb and directory)",
            args,
        )),
    }
}

/// `--extract`, `--vextract`
pub fn extract(process: &mut Process, args: &DebArgs, verbose: bool) -> Step<i32> {
    let (deb, dir) = deb_and_dir(args)?;
    through_tar(
        process,
        args,
        deb,
        Part::Data,
        Some(dir),
        data_mode(verbose),
    )?;
    Ok(0)
}

fn data_mode(verbose: bool) -> TarMode {
    if verbose {
        TarMode::ExtractVerbosely
    } else {
        TarMode::Extract
    }
}

/// `--raw-extract`
pub fn raw_extract(process: &mut Process, args: &DebArgs) -> Step<i32> {
    let (deb, dir) = deb_and_dir(args)?;
    if deb == "-" {
        let text = "--%s does not support (yet) reading the .deb from standard input";
        return Err(wrong_usage(text, args).into());
    }
    let mode = data_mode(args.settings.verbose);
    through_tar(process, args, deb, Part::Data, Some(dir), mode)?;
    let control = [dir.as_bytes(), b"/", CONTROL_DIR.as_bytes()].concat();
    let control = Some(OsStr::from_bytes(&control));
    let mode = TarMode::ExtractControlNew;
    through_tar(process, args, deb, Part::Control, control, mode)?;
    Ok(0)
}

/// `--ctrl-tarfile`, `--fsys-tarfile`
pub fn tarfile(process: &mut Process, args: &DebArgs) -> Step<i32> {
    let deb = match args.args.as_slice() {
        [] => return Err(wrong_usage("--%s needs a .deb filename argument", args).into()),
        [deb] => deb,
        _ => {
            let text = "--%s takes only one argument (.deb filename)";
            return Err(wrong_usage(text, args).into());
        }
    };
    let part = if args.action == Action::CtrlTarfile {
        Part::Control
    } else {
        Part::Data
    };
    let mut stream = stream(open(process, deb, part)?, args)?;
    let report = process.report.clone();
    let mut write = |bytes: &[u8]| report.write_through(bytes);
    pass_on(process, &mut stream, &mut write)??;
    Ok(0)
}

/// Open an archive and find a member in it.
fn open(process: &mut Process, deb: &OsStr, part: Part) -> Result<DebMember> {
    DebFile::open(Path::new(deb))?.member(part, &mut process.report)
}

/// The tar stream of a member.
fn stream(member: DebMember, args: &DebArgs) -> Result<DebStream> {
    member.stream(args.settings.params.threads_max)
}

/// A tar stream, and how the reading of its archive ended.
pub trait Source: Read {
    /// See [`DebStream::paste`].
    fn paste(&mut self) -> Paste;
    /// See [`DebStream::paste_failed_ahead`].
    fn paste_failed_ahead(&mut self) -> Option<Error>;
    /// What the decompressor says when it cannot write.
    fn write_error(&self, e: std::io::Error) -> Error;
}

impl Source for DebStream {
    fn paste(&mut self) -> Paste {
        DebStream::paste(self)
    }
    fn paste_failed_ahead(&mut self) -> Option<Error> {
        DebStream::paste_failed_ahead(self)
    }
    fn write_error(&self, e: std::io::Error) -> Error {
        DebStream::write_error(self, e)
    }
}

/// How the copy of a member ended, in terms of the process that stock has for it.
pub enum Copied {
    /// All of it arrived.
    Complete,
    /// Nobody reads the other end any more.
    ReaderGone,
    /// The member could not be decompressed, or its bytes not be written.
    Failed(Error),
}

/// Hand a stream on, in pieces as big as stock's: of a damaged member, the piece with the
/// damage is lost as a whole.
pub fn copy(
    stream: &mut dyn Source,
    say: &mut dyn FnMut(Error),
    write: &mut dyn FnMut(&[u8]) -> std::io::Result<()>,
) -> Copied {
    let mut block = vec![0; PIECE];
    loop {
        if let Some(e) = stream.paste_failed_ahead() {
            say(e);
        }
        let count = match stream.read(&mut block) {
            Ok(0) => return Copied::Complete,
            Ok(count) => count,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(e) => return Copied::Failed(take_error(e, || msg!("failed to read"))),
        };
        match write(block.get(..count).unwrap_or_default()) {
            Ok(()) => {}
            Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => return Copied::ReaderGone,
            Err(e) => return Copied::Failed(stream.write_error(e)),
        }
    }
}

/// Broken pipes are told by write(2) meanwhile.
fn ignoring_sigpipe<T>(body: impl FnOnce() -> T) -> Result<T> {
    let failed = || {
        msg!(
            "unable to ignore signal %s before running %.250s",
            "SIGPIPE",
            "tar"
        )
    };
    let saved = signal::ignore(libc::SIGPIPE).or_fail(failed)?;
    let result = body();
    saved.restore().or_fail(failed)?;
    Ok(result)
}

/// Hand a stream on and say what the processes say that stock has for reading the file and for
/// decompressing, in the order in which they end. Inside is what the parent finds out when it
/// waits for them.
fn pass_on(
    process: &mut Process,
    stream: &mut dyn Source,
    write: &mut dyn FnMut(&[u8]) -> std::io::Result<()>,
) -> Result<Result<()>> {
    let mut told = false;
    let copied = ignoring_sigpipe(|| {
        let mut say = |e| {
            subprocess_says(process, &e);
            told = true;
        };
        copy(stream, &mut say, write)
    })?;
    let paste = stream.paste();
    if let Paste::Failed(e) = &paste
        && !told
    {
        subprocess_says(process, e);
    }
    Ok(verdict(process, copied, paste))
}

fn verdict(process: &mut Process, copied: Copied, paste: Paste) -> Result<()> {
    if let Copied::Failed(e) = copied {
        subprocess_says(process, &e);
        bail!(
            "%s subprocess returned error exit status %d",
            msg!("<decompress>"),
            2
        );
    }
    match paste {
        Paste::Complete => Ok(()),
        Paste::BrokenPipe => bail!(
            "%s subprocess was killed by signal (%s)%s",
            msg!("paste"),
            locale::strsignal(libc::SIGPIPE),
            ""
        ),
        Paste::Failed(_) => bail!(
            "%s subprocess returned error exit status %d",
            msg!("paste"),
            2
        ),
    }
}

/// What a child of stock's says before it exits with 2.
fn subprocess_says(process: &mut Process, e: &Error) {
    let program = process.program();
    process
        .report
        .stderr(msg!("%s (subprocess): %s\n", program, &e.msg));
}

/// Move control files out of the directory around them.
pub fn move_control_files(process: &mut Process, dir: &OsStr, inner: &str) -> Result<()> {
    let mut text = OsString::from("mv ");
    text.push(dir);
    text.push(format!("/{inner}/* "));
    text.push(dir);
    text.push("/ && rmdir ");
    text.push(dir);
    text.push(format!("/{inner}"));
    let what = msg!("shell command to move files");
    let mut child = children::shell_command(&process.env, &text)
        .spawn()
        .map_err(|e| children::cannot_execute(&what, &text, e))?;
    let status = child
        .wait()
        .or_fail(|| msg!("wait for %s subprocess failed", &what))?;
    children::check(status, &what)
}

/// Give a member to tar.
fn through_tar(
    process: &mut Process,
    args: &DebArgs,
    deb: &OsStr,
    part: Part,
    dir: Option<&OsStr>,
    mode: TarMode,
) -> Result<()> {
    let member = open(process, deb, part)?;
    let inner = member.version.inner_control_dir();
    let inner = inner.filter(|_| part == Part::Control);
    feed_tar(process, &mut stream(member, args)?, dir, mode)?;
    match (inner, dir) {
        (Some(inner), Some(dir)) => move_control_files(process, dir, inner),
        _ => Ok(()),
    }
}

/// Run tar on a stream, in `dir`, which is made if need be.
pub fn feed_tar(
    process: &mut Process,
    stream: &mut dyn Source,
    dir: Option<&OsStr>,
    mode: TarMode,
) -> Result<()> {
    let what = msg!("tar");
    let mut command = Command::new("tar");
    command.args(mode.options());
    command.args(["-f", "-", "--warning=no-timestamp"]);
    let mut env = process.env.clone();
    env.unset("TAR_OPTIONS");
    env.apply(&mut command);
    command.stdin(Stdio::piped());
    let prepared = match dir {
        None => Ok(()),
        Some(dir) => prepare_dir(dir, mode, &mut command),
    };
    let spawned = prepared.and_then(|()| {
        command
            .spawn()
            .map_err(|e| children::cannot_execute(&what, OsStr::new("tar"), e))
    });
    let mut child = match spawned {
        Ok(child) => child,
        Err(e) => {
            if let Paste::Failed(e) = stream.paste() {
                subprocess_says(process, &e);
            }
            subprocess_says(process, &e);
            bail!("%s subprocess returned error exit status %d", what, 2);
        }
    };
    let Some(mut pipe) = child.stdin.take() else {
        return Err(Error::internal(msg!("tar without a pipe")));
    };
    let said = pass_on(process, stream, &mut |bytes| pipe.write_all(bytes))?;
    // tar has waited for more until now.
    drop(pipe);
    let status = child
        .wait()
        .or_fail(|| msg!("wait for %s subprocess failed", &what))?;
    children::check(status, &what)?;
    said
}

fn prepare_dir(dir: &OsStr, mode: TarMode, command: &mut Command) -> Result<()> {
    if let Err(e) = std::fs::create_dir(dir) {
        if e.kind() != std::io::ErrorKind::AlreadyExists {
            return Err(Error::os(msg!("failed to create directory"), e));
        }
        if mode == TarMode::ExtractControlNew {
            return Err(Error::os(
                msg!("unexpected pre-existing pathname %s", dir),
                e,
            ));
        }
    }
    let chdir = || msg!("failed to chdir to directory");
    let stat = std::fs::metadata(dir).or_fail(chdir)?;
    if !stat.is_dir() {
        return Err(Error::os(
            chdir(),
            std::io::Error::from_raw_os_error(libc::ENOTDIR),
        ));
    }
    command.current_dir(dir);
    Ok(())
}
