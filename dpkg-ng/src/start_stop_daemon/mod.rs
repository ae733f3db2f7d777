//! The tool `start-stop-daemon`: its command line, and who does what.
//!
//! Its grammar is getopt's, unlike that of dpkg's other programs, and so are its exit codes:
//! 0 done, 1 nothing done, 2 processes would not die or something failed, 3 wrong usage; with
//! `--status` those of the LSB, where 4 is any trouble.

mod help;
pub mod options;
mod request;
mod voice;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use libdpkgng::daemon::launch::{Await, Background, Elsewhere, Launch, RunAs};
use libdpkgng::daemon::stop::{Stop, Stopped};
use libdpkgng::error::{Error, Kind, Result};
use libdpkgng::msg;
use libdpkgng::msg::{English, Msg};
use libdpkgng::report::{Reporter, debug};

use crate::cli::Env;
use crate::cli::getopt::{Form, Getopt};
use options::{Command, Given, OPTIONS, Text};
use request::{Request, Resolved};
use voice::Voice;

/// The program's name.
const NAME: &str = "start-stop-daemon";

/// How a run ends that does not fail.
enum End {
    Code(i32),
    /// What was to be said is not.
    Silent(Elsewhere),
}

/// Run start-stop-daemon; `args` are without the program's name.
pub fn main(env: Env, args: &[OsString]) -> i32 {
    let mut words = std::env::args_os();
    // Among the arguments of dpkg-ng it is called by its own name.
    let is_argument = words.len() > args.len() + 1;
    let called = words.next().filter(|_| !is_argument);
    let mut voice = Voice::new(called.unwrap_or_else(|| NAME.into()));
    let mut given = Given::default();
    let outcome = run(env, args, &mut given, &mut voice);
    let code = match outcome {
        Ok(End::Silent(Elsewhere)) => return 0,
        Ok(End::Code(code)) => code,
        Err(error) => {
            voice.fail(&error);
            match (given.command, error.kind) {
                (Some(Command::Status | Command::Pidof), _) => 4,
                (_, Kind::Usage | Kind::Internal) => 3,
                (_, Kind::Failure | Kind::Run) => 2,
            }
        }
    };
    voice.flush();
    code
}

fn run(env: Env, args: &[OsString], given: &mut Given, voice: &mut Voice) -> Result<End> {
    let forms: Vec<Form> = OPTIONS.iter().map(options::Row::form).collect();
    let strict = env.get("POSIXLY_CORRECT").is_some();
    let mut line = Getopt::new(&forms, args, strict);
    for met in &mut line {
        let (index, value) = met.map_err(|text| Error::usage(Msg::verbatim(text)))?;
        let text = match OPTIONS.get(index) {
            Some(row) => row.obey(given, value)?,
            None => None,
        };
        if let Some(text) = text {
            match text {
                Text::Help => help::HELP.iter().for_each(|t| voice.print(t.as_bytes())),
                Text::Version => voice.print(help::version().as_bytes()),
            }
            return Ok(End::Code(0));
        }
    }
    let operands = line.operands();
    let request = Request::new(given, voice)?;
    voice.level = given.level;
    let resolved = request.resolve(given)?;
    match request.command {
        Command::Start => start(env, given, &request, resolved, &operands, voice),
        Command::Stop => {
            let stop = Stop {
                what: request.what(given, resolved.exec.as_ref()),
                search: resolved.search,
                signal: request.signal,
                schedule: request.schedule,
                test: given.test,
                remove_pidfile: match &given.pidfile {
                    Some(path) if given.remove_pidfile => Some(PathBuf::from(path)),
                    _ => None,
                },
            };
            Ok(End::Code(match stop.run(voice)? {
                Stopped::Done => 0,
                Stopped::Nothing => nothing_done(given),
                Stopped::Refused => 2,
            }))
        }
        Command::Status => Ok(End::Code(resolved.search.once()?.status as i32)),
        Command::Pidof => {
            let found = resolved.search.once()?;
            for pid in found.processes.iter().rev() {
                voice.print(format!("{pid}\n").as_bytes());
            }
            Ok(End::Code(found.status as i32))
        }
    }
}

fn nothing_done(given: &Given) -> i32 {
    i32::from(!given.oknodo)
}

fn start(
    mut env: Env,
    given: &Given,
    request: &Request,
    resolved: Resolved,
    operands: &[&OsStr],
    voice: &mut Voice,
) -> Result<End> {
    if let Some(user) = &resolved.user
        && std::fs::metadata(&user.home).is_ok()
    {
        env.set("HOME", user.home.as_os_str().as_bytes());
    }
    if !resolved.search.once()?.processes.is_empty() {
        let exec = resolved.exec.as_deref().unwrap_or(OsStr::new("process"));
        (voice as &mut dyn Reporter).output(msg!("%s already running.\n", exec));
        return Ok(End::Code(nothing_done(given)));
    }
    if given.test {
        let text = would_start(given, request, &resolved, operands);
        (voice as &mut dyn Reporter).output(text);
        return Ok(End::Code(0));
    }
    let program = request.program.as_deref().unwrap_or_default();
    (voice as &mut dyn Reporter).debug(debug::GENERAL, || msg!("Starting %s...\n", program));
    let launch = launch(&env, given, request, resolved, operands);
    launch.run(voice).map(End::Silent)
}

fn launch(
    env: &Env,
    given: &Given,
    request: &Request,
    resolved: Resolved,
    operands: &[&OsStr],
) -> Launch {
    let bytes = |text: &OsStr| text.as_bytes().to_vec();
    let path = |text: &Option<OsString>| text.as_ref().map(PathBuf::from);
    let user = resolved.user;
    let group = resolved.group.map(|(_, gid)| gid);
    Launch {
        program: bytes(request.program.as_deref().unwrap_or_default()),
        args: operands.iter().map(|arg| bytes(arg)).collect(),
        env: env
            .vars()
            .iter()
            .map(|(n, v)| (bytes(n), bytes(v)))
            .collect(),
        pidfile: path(&given.pidfile).filter(|_| given.make_pidfile),
        background: given.background.then(|| background(env, given, request)),
        umask: request.umask,
        nice: given.nice,
        process: request.process.clone(),
        io: request.io.clone(),
        chroot: path(&given.chroot),
        chdir: PathBuf::from(request::chdir(given)),
        run_as: RunAs {
            gid: group.or(user.as_ref().map(|u| u.gid)),
            user: user.map(|u| (u.name, u.uid)),
        },
    }
}

fn background(env: &Env, given: &Given, request: &Request) -> Background {
    let close = !given.no_close;
    let output = given.output.as_ref().map(PathBuf::from);
    let notify = given.notify_await.then(|| Await {
        base: socket_base(env),
        time: request.notify_timeout,
    });
    Background {
        close,
        output: output.or_else(|| close.then(|| "/dev/null".into())),
        notify,
    }
}

/// Where the socket of `--notify-await` goes.
fn socket_base(env: &Env) -> PathBuf {
    const RUN: &str = "/run";
    if nix::unistd::getuid().is_root() && Path::new(RUN).exists() {
        return RUN.into();
    }
    env.get("TMPDIR").unwrap_or(OsStr::new("/tmp")).into()
}

/// The line that `--test` prints.
fn would_start(given: &Given, request: &Request, resolved: &Resolved, operands: &[&OsStr]) -> Msg {
    let program = request.program.as_deref().unwrap_or_default();
    let mut text = Vec::new();
    let mut add = |part: Msg| text.extend(part.render(&English));
    add(msg!("Would start %s ", program));
    for operand in operands {
        add(msg!("%s ", *operand));
    }
    if let Some(user) = &resolved.user {
        add(msg!(" (as user %s[%d]", &user.name, user.uid as i32));
        let (group, gid) = match &resolved.group {
            Some((name, gid)) => (name.as_slice(), *gid),
            None => (&b""[..], user.gid),
        };
        add(msg!(", and group %s[%d])", group, gid as i32));
    }
    if let Some(root) = &given.chroot {
        add(msg!(" in directory %s", root));
    }
    if given.nice != 0 {
        add(msg!(", and add %i to the priority", given.nice));
    }
    if let Some(p) = &request.process {
        let what = ", with scheduling policy %s with priority %i";
        add(msg!(what, &p.name, p.priority));
    }
    if let Some(p) = &request.io {
        let what = ", with IO scheduling class %s with priority %i";
        add(msg!(what, &p.name, p.priority));
    }
    add(msg!(".\n"));
    Msg::verbatim(text)
}
