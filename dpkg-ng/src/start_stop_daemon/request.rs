//! From words to values: what `Given` has is checked and looked up, in stock's order, as the
//! first problem is the one that is told.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use libdpkgng::daemon::account::{self, Account};
use libdpkgng::daemon::priority::{self, Priority};
use libdpkgng::daemon::process::{FileId, Pid};
use libdpkgng::daemon::schedule::Schedule;
use libdpkgng::daemon::search::{Among, Search, Trait};
use libdpkgng::daemon::{failed, signals, unsigned};
use libdpkgng::error::{Error, Result};
use libdpkgng::msg;
use libdpkgng::msg::Msg;
use libdpkgng::report::Reporter;

use super::options::{Command, Given};

/// The kernel keeps so many bytes of a name.
const LONGEST_NAME: usize = 15;
/// How long a daemon may take to be ready, in seconds.
const NOTIFY_TIMEOUT: u32 = 60;

/// A command line that makes sense in itself.
pub struct Request {
    pub command: Command,
    pub pid: Option<Pid>,
    pub ppid: Option<Pid>,
    pub signal: i32,
    pub schedule: Option<Schedule>,
    pub process: Option<Priority>,
    pub io: Option<Priority>,
    pub umask: Option<u32>,
    pub notify_timeout: Duration,
    /// The program to start.
    pub program: Option<OsString>,
}

/// What of a request is found on this machine.
pub struct Resolved {
    /// `--exec` as an absolute name, within the root directory of `--chroot`.
    pub exec: Option<OsString>,
    pub search: Search,
    /// The user to become.
    pub user: Option<Account>,
    /// The group to become: its name and number, where one was named.
    pub group: Option<(Vec<u8>, u32)>,
}

fn usage(text: &'static str) -> Error {
    Error::usage(msg!(text))
}

/// `text` read by `parse`; where that fails, `problem`.
fn parsed<T>(
    text: Option<&OsString>,
    problem: &'static str,
    parse: impl FnOnce(&[u8]) -> Option<T>,
) -> Result<Option<T>> {
    text.map(|text| parse(text.as_bytes()).ok_or_else(|| usage(problem)))
        .transpose()
}

fn pid(text: &[u8]) -> Option<Pid> {
    Pid::new(unsigned(text, 10).ok()?)
}

fn seconds(text: &[u8]) -> Option<u32> {
    u32::try_from(unsigned(text, 10).ok()?).ok()
}

impl Request {
    /// Check what was given.
    ///
    /// # Errors
    /// Usage errors mostly.
    pub fn new(given: &Given, reporter: &mut dyn Reporter) -> Result<Request> {
        let problem = "pid value must be a number greater than 0";
        let own = parsed(given.pid.as_ref(), problem, pid)?;
        let problem = "ppid value must be a number greater than 0";
        let parent = parsed(given.ppid.as_ref(), problem, pid)?;
        let problem = "signal value must be numeric or name of signal (KILL, INT, ...)";
        let signal = parsed(given.signal.as_ref(), problem, signals::parse)?;
        let signal = signal.unwrap_or(libc::SIGTERM);
        let bytes = |text: &'_ Option<OsString>| text.as_ref().map(|t| t.as_bytes().to_vec());
        let schedule = bytes(&given.retry).map(|text| Schedule::parse(&text, signal));
        let schedule = schedule.transpose()?;
        let process = bytes(&given.procsched).map(|text| priority::process(&text));
        let process = process.transpose()?;
        let io = bytes(&given.iosched).map(|text| priority::io(&text));
        let io = io.transpose()?;
        let problem = "umask value must be a positive number";
        let umask = parsed(given.umask.as_ref(), problem, |text| {
            u32::try_from(unsigned(text, 0).ok()?).ok()
        })?;
        let output = given.output.as_ref();
        if output.is_some_and(|o| !o.as_bytes().starts_with(b"/")) {
            return Err(usage("--output file needs to be an absolute filename"));
        }
        let problem = "invalid notify timeout value";
        let timeout = parsed(given.notify_timeout.as_ref(), problem, seconds)?;
        let Some(command) = given.command else {
            return Err(usage("need one of --start or --stop or --status"));
        };
        let program = given.startas.as_ref().or(given.exec.as_ref()).cloned();
        check_together(given, command, program.is_some(), reporter)?;
        Ok(Request {
            command,
            pid: own,
            ppid: parent,
            signal,
            schedule,
            process,
            io,
            umask,
            notify_timeout: Duration::from_secs(timeout.unwrap_or(NOTIFY_TIMEOUT).into()),
            program,
        })
    }

    /// What messages call that which is to be stopped.
    pub fn what(&self, given: &Given, exec: Option<&OsString>) -> Msg {
        if let Some(name) = given.name.as_ref().or(exec) {
            Msg::verbatim(name)
        } else if let Some(path) = &given.pidfile {
            msg!("process in pidfile '%s'", path)
        } else if let Some(pid) = self.pid {
            msg!("process with pid %d", pid)
        } else if let Some(ppid) = self.ppid {
            msg!("process(es) with parent pid %d", ppid)
        } else {
            let user = given.user.as_deref().unwrap_or_default();
            msg!("process(es) owned by '%s'", user)
        }
    }

    /// Look up files and users.
    ///
    /// # Errors
    /// The program, a user or a group is not there.
    pub fn resolve(&self, given: &Given) -> Result<Resolved> {
        let mut traits = Vec::new();
        let exec = given.exec.as_deref().map(|exec| absolute(given, exec));
        if let Some(exec) = &exec {
            let full = match &given.chroot {
                Some(root) => joined(root, exec),
                None => exec.clone(),
            };
            let file = FileId::of(Path::new(&full));
            let file = file.map_err(|e| failed(msg!("unable to stat %s", &full), e))?;
            traits.push(Trait::Executable(file));
        }
        traits.extend(self.ppid.map(Trait::Parent));
        if let Some(user) = &given.user {
            traits.push(Trait::Owner(account::uid(user.as_bytes())?));
        }
        if let Some(name) = &given.name {
            traits.push(Trait::Name(name.as_bytes().to_vec()));
        }
        let group = given.group.as_ref().map(|g| account::group(g.as_bytes()));
        let group = group.transpose()?;
        let user = given.chuid.as_ref().map(|u| Account::find(u.as_bytes()));
        let user = user.transpose()?;
        let among = match (self.pid, &given.pidfile) {
            (Some(pid), _) => Among::Pid(pid),
            (None, Some(path)) => Among::Pidfile(PathBuf::from(path)),
            (None, None) => Among::All,
        };
        let alive = self.command != Command::Stop;
        Ok(Resolved {
            exec,
            search: Search::new(among, traits, alive),
            user,
            group,
        })
    }
}

/// Which options need, exclude or make sense with which.
fn check_together(
    given: &Given,
    command: Command,
    has_program: bool,
    reporter: &mut dyn Reporter,
) -> Result<()> {
    let matching = [
        &given.exec,
        &given.pid,
        &given.ppid,
        &given.pidfile,
        &given.user,
        &given.name,
    ];
    if matching.iter().all(|option| option.is_none()) {
        return Err(usage(
            "need at least one of --exec, --pid, --ppid, --pidfile, --user or --name",
        ));
    }
    if given.name.as_ref().is_some_and(|n| n.len() > LONGEST_NAME) {
        reporter.warning(msg!(
            concat!(
                "this system is not able to track process names\n",
                "longer than %d characters, please use --exec instead of --name."
            ),
            LONGEST_NAME
        ));
    }
    let start = command == Command::Start;
    let problems = [
        (start && !has_program, "--start needs --exec or --startas"),
        (
            given.make_pidfile && given.pidfile.is_none(),
            "--make-pidfile requires --pidfile",
        ),
        (
            given.remove_pidfile && given.pidfile.is_none(),
            "--remove-pidfile requires --pidfile",
        ),
        (
            given.pid.is_some() && given.pidfile.is_some(),
            "need either --pid or --pidfile, not both",
        ),
        (
            given.background && !start,
            "--background is only relevant with --start",
        ),
        (
            given.no_close && !given.background,
            "--no-close is only relevant with --background",
        ),
        (
            given.output.is_some() && !given.background,
            "--output is only relevant with --background",
        ),
    ];
    match problems.iter().find(|(wrong, _)| *wrong) {
        Some((_, problem)) => Err(usage(problem)),
        None => Ok(()),
    }
}

/// The working directory of the daemon.
pub fn chdir(given: &Given) -> &OsStr {
    given.chdir.as_deref().unwrap_or(OsStr::new("/"))
}

fn joined(dir: &OsStr, name: &OsStr) -> OsString {
    OsString::from_vec([dir.as_bytes(), b"/", name.as_bytes()].concat())
}

fn absolute(given: &Given, exec: &OsStr) -> OsString {
    match exec.as_bytes().first() {
        Some(b'/') => exec.to_owned(),
        _ => joined(chdir(given), exec),
    }
}
