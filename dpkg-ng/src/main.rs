//! One multicall binary that stands in for the programs of the Debian `dpkg` package.
//!
//! The program's name says which tool it is. As `dpkg-ng` it takes the tool's name as its
//! first argument, or else dpkg's own options, and then it is dpkg.

mod alternatives;
mod children;
mod cli;
mod completions;
mod db_backup;
mod deb;
mod divert;
mod dpkg;
mod locale;
mod maintscript_helper;
mod own;
mod pager;
mod parity;
mod plugins;
mod prompt;
mod query;
mod realpath;
mod receivers;
mod shell;
mod split;
mod start_stop_daemon;
mod statoverride;
mod trigger;

use std::ffi::{OsStr, OsString};
use std::process::ExitCode;

use cli::Env;
use libdpkgng::sys::signal;

/// A tool: runs with this environment and these arguments, returns the exit code.
type Tool = fn(Env, &[OsString]) -> i32;

/// The tools by name.
const TOOLS: &[(&str, Tool)] = &[
    ("dpkg", dpkg::main),
    ("dpkg-db-backup", db_backup::main),
    ("dpkg-deb", deb::main),
    ("dpkg-divert", divert::main),
    ("dpkg-maintscript-helper", maintscript_helper::main),
    ("dpkg-query", query::main),
    ("dpkg-realpath", realpath::main),
    ("dpkg-split", split::main),
    ("dpkg-statoverride", statoverride::main),
    ("dpkg-trigger", trigger::main),
    ("start-stop-daemon", start_stop_daemon::main),
    ("update-alternatives", alternatives::main),
];

fn tool(name: &OsStr) -> Option<(&'static str, Tool)> {
    TOOLS.iter().find(|(n, _)| name == *n).copied()
}

/// The option of dpkg-ng's own that an argument is.
fn own_option(arg: &OsStr) -> Option<(&'static str, Tool)> {
    let name = arg.to_str()?.strip_prefix("--")?;
    let found = own::OPTIONS.iter().find(|o| o.name == name)?;
    Some((own::NAME, found.run?))
}

fn main() -> ExitCode {
    // Like any C program: a broken pipe ends it quietly. Rust's start-up ignores the signal.
    if signal::default(libc::SIGPIPE).is_err() {
        return ExitCode::from(2);
    }
    let mut args: Vec<OsString> = std::env::args_os().collect();
    let name = if args.is_empty() {
        OsString::new()
    } else {
        args.remove(0)
    };
    let base = std::path::Path::new(&name).file_name().unwrap_or_default();
    // Plugins have nothing to say to who asks for a tool of dpkg's.
    let mut as_ourselves = false;
    let (name, run) = match tool(base) {
        Some(tool) => tool,
        None => match args.first().and_then(|a| tool(a).or_else(|| own_option(a))) {
            Some(named) => {
                args.remove(0);
                named
            }
            None => {
                as_ourselves = true;
                ("dpkg", dpkg::main as Tool)
            }
        },
    };
    let env = Env::inherited();
    locale::follow(name, &env);
    let code = match as_ourselves.then(|| plugins::asked_for(&args)).flatten() {
        Some(asked) => plugins::run(env, asked),
        None => run(env, &args),
    };
    // dpkg's exit codes are 0, 1 and 2.
    ExitCode::from(u8::try_from(code).unwrap_or(2))
}
