//! Plugins on the command line of `dpkg-ng` (never of `dpkg` or another of dpkg's tools).
//!
//! A plugin is loaded when it is asked for, and then before anything else is done:
//!
//! - `--plugin PATH`, anywhere before `--`: what the command line has of the plugin's own is
//!   its to run; otherwise dpkg runs with the plugin's hooks;
//! - an option that dpkg does not have, or a command as first argument, for which there is a
//!   file `NAME.so` in [`DIR`] (or which is in [`KNOWN`]): that plugin runs the command line.
//!
//! So without one of these nothing of a plugin is looked for. The directory is the running
//! system's, whatever `--root`, `DPKG_ROOT` or the rest of the environment say: what lies in
//! another root is not to become code of this process.

use std::cell::RefCell;
use std::ffi::{OsStr, OsString};
use std::io::{IsTerminal, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use libdpkgng::error::{Error, Result};
use libdpkgng::hooks::Hook;
use libdpkgng::msg;
use libdpkgng::msg::Msg;
use libdpkgng::plugin::host::Frontend;
use libdpkgng::plugin::{Claim, Plugin, Refused};
use libdpkgng::report::{Event, Prompter, Reporter};

use crate::cli::{Env, Process, REFERENCE_VERSION, Step};
use crate::dpkg;
use crate::prompt::Terminal;
use crate::receivers::{Buffering, Receivers};

/// Where plugins are that come in packages.
const DIR: &str = "/usr/lib/dpkg-ng/plugins";

/// A plugin that is known without looking.
struct Known {
    /// Its file in [`DIR`], without `.so`.
    file: &'static str,
    options: &'static [&'static str],
    commands: &'static [&'static str],
    /// What to install to have it.
    package: &'static str,
}

/// So that their absence can be explained.
const KNOWN: &[Known] = &[Known {
    file: "multi-version",
    options: &["multi-version", "view"],
    commands: &["view", "doctor", "gc", "relink", "run", "upgrade", COMPLETE],
    package: "dpkg-ng-multi-version",
}];

/// The command by which a plugin tells shells what may come next of its other ones.
const COMPLETE: &str = "complete";

/// The commands of known plugins, for a person.
pub fn commands() -> impl Iterator<Item = &'static str> {
    let all = KNOWN.iter().flat_map(|k| k.commands);
    all.copied().filter(|c| *c != COMPLETE)
}

/// A command line that plugins have to do with.
pub struct Asked {
    /// The files of `--plugin`, or `None`: one was last and had no file.
    files: Option<Vec<PathBuf>>,
    /// What belongs to a plugin of [`DIR`], and its file.
    claimed: Option<(Claim, PathBuf)>,
    /// Without the `--plugin`s.
    args: Vec<OsString>,
}

/// What a command line asks of plugins, if anything.
pub fn asked_for(args: &[OsString]) -> Option<Asked> {
    let mut files = Some(Vec::new());
    let mut rest = Vec::new();
    let mut left = args.iter();
    while let Some(arg) = left.next() {
        let bytes = arg.as_bytes();
        if bytes == b"--" {
            rest.push(arg.clone());
            rest.extend(left.cloned());
            break;
        }
        let file = match bytes.strip_prefix(b"--plugin") {
            Some(b"") => left.next().cloned(),
            Some([b'=', path @ ..]) if !path.is_empty() => Some(OsStr::from_bytes(path).into()),
            Some(b"=") => None,
            _ => {
                rest.push(arg.clone());
                continue;
            }
        };
        files = match (files, file) {
            (Some(files), Some(file)) => Some([files, vec![file.into()]].concat()),
            _ => None,
        };
    }
    let claimed = claimed(&rest, |file| file.exists());
    let nothing = files.as_ref().is_some_and(Vec::is_empty) && claimed.is_none();
    (!nothing).then_some(Asked {
        files,
        claimed,
        args: rest,
    })
}

/// Whether a name may be that of a plugin's file.
fn is_name(name: &str) -> bool {
    let good = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    !name.is_empty() && !name.starts_with('-') && name.bytes().all(good)
}

/// The first part of a command line that is a plugin's; `exists` tells of files.
fn claimed(args: &[OsString], exists: impl Fn(&Path) -> bool) -> Option<(Claim, PathBuf)> {
    let file = |name: &str| Path::new(DIR).join(name).with_extension("so");
    let search = |name: &str, known: fn(&Known) -> &[&str]| {
        if !is_name(name) {
            return None;
        }
        let ours = KNOWN.iter().find(|k| known(k).contains(&name));
        let file = file(ours.map_or(name, |k| k.file));
        (ours.is_some() || exists(&file)).then_some(file)
    };
    let command = args.first().and_then(|a| a.to_str());
    if let Some(name) = command
        && let Some(file) = search(name, |k| k.commands)
    {
        return Some((Claim::Command(name.into()), file));
    }
    let before_end = args.iter().take_while(|a| *a != "--");
    before_end
        .filter_map(|a| a.to_str()?.strip_prefix("--"))
        .map(|option| option.split_once('=').map_or(option, |(name, _)| name))
        .filter(|name| is_name(name) && !dpkg::has_option(name))
        .find_map(|name| {
            let file = search(name, |k| k.options)?;
            Some((Claim::Option(name.into()), file))
        })
}

/// Load what is asked for, and run the command line. Gives the exit code.
pub fn run(env: Env, asked: Asked) -> i32 {
    let mut process = Process::start("dpkg-ng", env, Buffering::Line);
    let outcome = run_asked(&mut process, asked);
    process.finish(outcome)
}

fn run_asked(process: &mut Process, asked: Asked) -> Step<i32> {
    let front = Rc::new(Front {
        env: process.env.clone(),
        report: process.report.clone(),
        terminal: RefCell::new(Terminal::new(
            process.env.clone(),
            process.report.clone(),
            true,
        )),
    });
    let Some(files) = asked.files else {
        return Err(Error::new(msg!("--%s option takes a value", "plugin")).into());
    };
    let mut plugins = Vec::new();
    for file in files {
        plugins.push(load(&file, None, &front)?);
    }
    let its_own = |plugin: &Plugin| plugin.claims().iter().any(|c| has(&asked.args, c));
    if let Some(plugin) = plugins.iter().find(|p| its_own(p)) {
        dpkg::add_hearers(process, &asked.args)?;
        return Ok(plugin.command(&asked.args)?);
    }
    if let Some((claim, file)) = &asked.claimed {
        let plugin = load(file, Some(claim), &front)?;
        if !plugin.claims().contains(claim) {
            let text = msg!("plugin '%s' has no '%s'", file, shown(claim));
            return Err(Error::new(text).into());
        }
        dpkg::add_hearers(process, &asked.args)?;
        return Ok(plugin.command(&asked.args)?);
    }
    let hooks: Vec<Box<dyn Hook>> = plugins.iter().filter_map(Plugin::hook).collect();
    process.flush_output()?;
    Ok(dpkg::with_hooks(process.env.clone(), &asked.args, hooks))
}

/// Whether a command line has what a plugin claims.
fn has(args: &[OsString], claim: &Claim) -> bool {
    match claim {
        Claim::Command(name) => args.first().is_some_and(|a| a.as_bytes() == name),
        Claim::Option(name) => {
            let is_it = |arg: &OsString| {
                let rest = arg.as_bytes().strip_prefix(b"--");
                let rest = rest.and_then(|a| a.strip_prefix(&name[..]));
                rest.is_some_and(|r| r.is_empty() || r.starts_with(b"="))
            };
            args.iter().take_while(|a| *a != "--").any(is_it)
        }
    }
}

fn shown(claim: &Claim) -> Vec<u8> {
    match claim {
        Claim::Option(name) => [b"--", &name[..]].concat(),
        Claim::Command(name) => name.clone(),
    }
}

/// Load one; when it is not there, say what to install.
fn load(file: &Path, claim: Option<&Claim>, front: &Rc<Front>) -> Result<Plugin> {
    let error = match Plugin::load(file, front.clone()) {
        Ok(plugin) => return Ok(plugin),
        Err(error) => error,
    };
    if !matches!(error, Refused::Missing(_)) {
        return Err(error.into());
    }
    let known = file.file_stem().and_then(OsStr::to_str);
    let known = KNOWN.iter().find(|k| Some(k.file) == known);
    let hint = match known {
        Some(known) => msg!("install the package %s", known.package),
        None => msg!("install the package that brings it, or give the path of its file"),
    };
    Err(Error::new(match claim {
        Some(claim) => msg!("%s needs the plugin '%s': %s", shown(claim), file, hint),
        None => msg!("%s: %s", Error::from(error).msg, hint),
    }))
}

/// The program, for plugins.
struct Front {
    env: Env,
    report: Receivers,
    terminal: RefCell<Terminal>,
}

impl Frontend for Front {
    fn event(&self, event: &Event<'_>) {
        self.report.clone().event(event);
    }

    fn progress(&self, done: u64, total: u64, what: &[u8]) {
        let mut out = std::io::stderr();
        if !out.is_terminal() {
            return;
        }
        self.report.drain_output();
        let mut line = b"\r\x1b[K".to_vec();
        if total == 0 || done < total {
            line.extend_from_slice(what);
            line.extend(bar(done, total).bytes());
        }
        // Nobody watches any more: no reason to fail.
        let _ = out.write_all(&line);
    }

    fn ask(&self, question: &[u8]) -> Result<Option<Vec<u8>>> {
        let question = Msg::verbatim(question.to_vec());
        self.terminal.borrow_mut().ask(&question)
    }

    fn dpkg_version(&self) -> &'static str {
        REFERENCE_VERSION
    }

    fn tool(&self, name: &[u8], args: Vec<OsString>) -> Option<i32> {
        let (_, tool) = crate::tool(OsStr::from_bytes(name))?;
        self.report.drain_output();
        Some(tool(self.env.clone(), &args))
    }

    fn dpkg(&self, args: Vec<OsString>, hook: Option<Box<dyn Hook>>) -> i32 {
        self.report.drain_output();
        dpkg::with_hooks(self.env.clone(), &args, hook.into_iter().collect())
    }
}

/// How far it is: `[#####.....]  50 %`, or how much, if nobody knows of how much.
fn bar(done: u64, total: u64) -> String {
    const WIDTH: u64 = 30;
    let of = |whole: u64| done.min(total).saturating_mul(whole).checked_div(total);
    match (of(WIDTH), of(100)) {
        (Some(full), Some(percent)) => {
            let (full, left) = (
                "#".repeat(full as usize),
                ".".repeat((WIDTH - full) as usize),
            );
            format!(" [{full}{left}] {percent:3} %")
        }
        _ => format!(": {done}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn how_far_it_is() {
        assert_eq!(bar(0, 4), format!(" [{}]   0 %", ".".repeat(30)));
        assert_eq!(
            bar(2, 4),
            format!(" [{}{}]  50 %", "#".repeat(15), ".".repeat(15))
        );
        assert_eq!(bar(9, 4), format!(" [{}] 100 %", "#".repeat(30)));
        assert_eq!(bar(7, 0), ": 7");
    }

    #[test]
    fn plain_command_lines_look_for_nothing() {
        for line in [
            "-i a.deb",
            "--install --force-all a.deb",
            "--force-not-root --admindir=/x --status-fd 3 --unpack --recursive dir",
            "--no-force-overwrite --debug=1 -l",
            "--assert-multi-arch",
            "-l -- --view view",
            "--unknown=x",
            "",
        ] {
            let found = claimed(&args(line), |file| {
                assert_eq!(file, Path::new("/usr/lib/dpkg-ng/plugins/unknown.so"));
                false
            });
            assert_eq!(found, None, "{line}");
            assert!(asked_for(&args(line)).is_none(), "{line}");
        }
    }

    #[test]
    fn options_and_commands_have_files() {
        let file = |name: &str| Path::new(DIR).join(name);
        let known = |_: &Path| false;
        for (line, claim, name) in [
            (
                "--multi-version -i a.deb",
                Claim::Option("multi-version".into()),
                "multi-version.so",
            ),
            (
                "-i --view=x a.deb",
                Claim::Option("view".into()),
                "multi-version.so",
            ),
            (
                "view list",
                Claim::Command("view".into()),
                "multi-version.so",
            ),
            (
                "gc --dry-run",
                Claim::Command("gc".into()),
                "multi-version.so",
            ),
        ] {
            assert_eq!(
                claimed(&args(line), known),
                Some((claim, file(name))),
                "{line}"
            );
        }
        let there = |path: &Path| path.ends_with("other.so");
        let found = claimed(&args("other --x"), there);
        assert_eq!(
            found,
            Some((Claim::Command("other".into()), file("other.so")))
        );
        assert_eq!(claimed(&args("../other"), |_| true), None);
        assert_eq!(claimed(&args("-l ../other --../x"), |_| true), None);
    }

    #[test]
    fn plugin_options_are_taken_out() {
        let asked = asked_for(&args("--plugin /a -l --plugin=b -- --plugin c")).unwrap();
        assert_eq!(asked.files, Some(vec!["/a".into(), "b".into()]));
        assert_eq!(asked.args, args("-l -- --plugin c"));
        for line in ["-l --plugin", "--plugin= -l"] {
            assert_eq!(asked_for(&args(line)).unwrap().files, None, "{line}");
        }
    }
}
