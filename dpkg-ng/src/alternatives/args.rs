//! What update-alternatives' command line says, as plain values, and how it is read.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use libdpkgng::alternatives::{Dirs, Install};
use libdpkgng::error::Error;
use libdpkgng::msg;

use super::help;
use super::options::{self, Effect, OPTIONS, Opt};
use super::voice::{Verbosity, Voice};
use crate::cli::{ADMINDIR, Env, Step, Stop};

/// A command, with its arguments.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub enum Request {
    Install(Install),
    Remove(Vec<u8>, Vec<u8>),
    Set(Vec<u8>, Vec<u8>),
    RemoveAll(Vec<u8>),
    Auto(Vec<u8>),
    Config(Vec<u8>),
    ConfigAll,
    Display(Vec<u8>),
    Query(Vec<u8>),
    List(Vec<u8>),
    GetSelections,
    SetSelections,
}

/// What options and environment have set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `DPKG_ROOT`, `DPKG_ADMINDIR`, `--root`, `--altdir`, `--admindir`.
    pub dirs: Dirs,
    /// How many bytes of an altdir are compared with the instdir.
    instdir_len: usize,
    /// `--log`, on this system.
    pub log: Vec<u8>,
    /// `--force`
    pub force: bool,
    /// `--skip-auto`
    pub skip_auto: bool,
    /// `--quiet`, `--verbose`, `--debug`
    pub verbosity: Verbosity,
}

impl Settings {
    /// As the environment says.
    pub fn new(env: &Env) -> Settings {
        let mut settings = Settings {
            dirs: Dirs::default(),
            instdir_len: 0,
            log: Vec::new(),
            force: false,
            skip_auto: false,
            verbosity: Verbosity::Normal,
        };
        settings.set_root(env.get("DPKG_ROOT").unwrap_or_default().as_bytes());
        if let Some(dir) = env.get("DPKG_ADMINDIR") {
            settings.dirs.admdir = [dir.as_bytes(), b"/alternatives"].concat();
        }
        settings
    }

    fn below_root(&self, path: &[u8]) -> Vec<u8> {
        [&self.dirs.instdir, path].concat()
    }

    /// `--root`: everything is where it is by default, below that directory.
    pub fn set_root(&mut self, dir: &[u8]) {
        self.dirs.instdir = dir.to_vec();
        self.instdir_len = dir.len();
        self.log = self.below_root(b"/var/log/alternatives.log");
        self.dirs.altdir = b"/etc/alternatives".to_vec();
        self.dirs.admdir = self.below_root(&[ADMINDIR.as_bytes(), b"/alternatives"].concat());
    }

    /// `--instdir`: stock takes only its length, for later comparisons of the altdir with the
    /// root directory; the root directory itself stays.
    pub fn set_instdir(&mut self, dir: &[u8]) {
        self.instdir_len = dir.len();
        self.strip_altdir();
    }

    /// `--altdir`, as seen from this system or from the root directory.
    pub fn set_altdir(&mut self, dir: &[u8]) {
        self.dirs.altdir = dir.to_vec();
        self.strip_altdir();
    }

    /// strncmp(3) of altdir and instdir, and the altdir without what is equal.
    fn strip_altdir(&mut self) {
        let padded = |s: &[u8]| -> Vec<u8> {
            let end = std::iter::once(0);
            s.iter()
                .copied()
                .chain(end)
                .take(self.instdir_len)
                .collect()
        };
        if padded(&self.dirs.altdir) == padded(&self.dirs.instdir) {
            let end = self.instdir_len.min(self.dirs.altdir.len());
            self.dirs.altdir.drain(..end);
        }
    }

    /// `--log`, below the root directory of that moment.
    pub fn set_log(&mut self, file: &[u8]) {
        self.log = self.below_root(file);
    }
}

/// A whole command line.
#[derive(Debug)]
pub struct Args {
    /// What to do.
    pub request: Request,
    /// How.
    pub settings: Settings,
    /// The words, as alternatives.log has them.
    pub invocation: Vec<u8>,
}

/// The longest invocation that is logged in full, with a terminator.
const LONGEST_INVOCATION: usize = 2048;

/// The words of a call with blanks between them, as many as are logged.
fn invocation(args: &[OsString]) -> Vec<u8> {
    let mut line = Vec::new();
    for arg in args.iter().map(|a| a.as_bytes()) {
        if line.len() + arg.len() + 2 > LONGEST_INVOCATION {
            break;
        }
        if !line.is_empty() {
            line.push(b' ');
        }
        line.extend_from_slice(arg);
    }
    line
}

/// The commands in the order in which a call without any lists them.
const NEEDED: [&str; 12] = [
    "display",
    "query",
    "list",
    "get-selections",
    "config",
    "set",
    "set-selections",
    "install",
    "remove",
    "all",
    "remove-all",
    "auto",
];

/// Read a command line.
///
/// # Errors
/// Wrong usage; names and paths that cannot be right; or the help was asked for and shown.
pub fn parse(env: &Env, args: &[OsString], voice: &mut Voice) -> Step<Args> {
    let mut settings = Settings::new(env);
    let mut chosen: Option<(&Opt, Request)> = None;
    let mut rest = args.iter().map(|a| a.as_bytes());
    while let Some(word) = rest.next() {
        let Some(name) = word.strip_prefix(b"--") else {
            return Err(Error::new(msg!("unknown argument '%s'", word)).into());
        };
        let Some(option) = OPTIONS.iter().find(|o| o.name.as_bytes() == name) else {
            return Err(Error::usage(msg!("unknown option '%s'", word)).into());
        };
        let mut take = |count: usize, needs: &'static str| -> Step<Vec<&[u8]>> {
            let taken: Vec<&[u8]> = rest.by_ref().take(count).collect();
            if taken.len() < count {
                return Err(Error::usage(msg!(needs, option.name)).into());
            }
            Ok(taken)
        };
        match option.effect {
            Effect::Command { args, needs, make } => {
                if let Some((before, _)) = chosen {
                    let text = "two commands specified: --%s and --%s";
                    return Err(Error::usage(msg!(text, before.name, option.name)).into());
                }
                chosen = Some((option, make(&take(args, needs)?)?));
            }
            Effect::Slave => {
                let Some((_, Request::Install(install))) = &mut chosen else {
                    let text = "--%s only allowed with --%s";
                    return Err(Error::usage(msg!(text, option.name, "install")).into());
                };
                options::slave(install, &take(3, options::SLAVE_NEEDS)?)?;
            }
            Effect::Flag(set) => set(&mut settings),
            Effect::Value { needs, set } => {
                take(1, needs)?
                    .into_iter()
                    .for_each(|v| set(&mut settings, v));
            }
            Effect::Help => {
                help::print_usage(voice, &settings.dirs);
                return Err(Stop::Exit(0));
            }
            Effect::Version => {
                help::print_version(voice);
                return Err(Stop::Exit(0));
            }
        }
        // Whatever is said from here on depends on it.
        voice.verbosity = settings.verbosity;
    }
    let Some((_, request)) = chosen else {
        let mut text = msg!(concat!(
            "need --%s, --%s, --%s, --%s, --%s, --%s, --%s, ",
            "--%s, --%s, --%s, --%s or --%s"
        ));
        text.args.extend(NEEDED.iter().map(|name| (*name).into()));
        return Err(Error::usage(text).into());
    };
    Ok(Args {
        request,
        settings,
        invocation: invocation(args),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(root: &str, set: &[(&str, &str)]) -> String {
        let mut env = Env::default();
        env.set("DPKG_ROOT", root.as_bytes());
        let mut s = Settings::new(&env);
        for (what, dir) in set {
            match *what {
                "root" => s.set_root(dir.as_bytes()),
                "altdir" => s.set_altdir(dir.as_bytes()),
                _ => s.set_instdir(dir.as_bytes()),
            }
        }
        let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
        format!("{} {}", text(&s.dirs.instdir), text(&s.dirs.altdir))
    }

    #[test]
    fn altdirs_below_the_root_lose_it() {
        for (root, set, expected) in [
            ("/r", vec![("altdir", "/r/alt")], "/r /alt"),
            ("/r", vec![("altdir", "/s/alt")], "/r /s/alt"),
            (
                "",
                vec![("altdir", "/r/alt"), ("root", "/r")],
                "/r /etc/alternatives",
            ),
            (
                "/r",
                vec![("instdir", "/i"), ("altdir", "/r/alt")],
                "/r /alt",
            ),
            (
                "/r",
                vec![("instdir", "/long"), ("altdir", "/r/alt")],
                "/r /r/alt",
            ),
            ("/r", vec![("instdir", "/long"), ("altdir", "/r")], "/r "),
        ] {
            assert_eq!(settings(root, &set), expected, "{root} {set:?}");
        }
    }

    #[test]
    fn the_logged_call_is_bounded() {
        let words: Vec<OsString> = ["", "--x", "y"].map(OsString::from).to_vec();
        assert_eq!(invocation(&words), b"--x y");
        let long = vec![
            OsString::from("a".repeat(2000)),
            OsString::from("b".repeat(47)),
        ];
        assert_eq!(invocation(&long).len(), 2000);
    }
}
