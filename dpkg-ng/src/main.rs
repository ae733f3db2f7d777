//! One multicall binary that stands in for the programs of the Debian `dpkg` package.
//!
//! The program's name says which tool it is. As `dpkg-ng` it takes the tool's name as its
//! first argument, or else dpkg's own options, and then it is dpkg.

#![cfg_attr(not(test), no_main)]

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

use cli::Env;
use libdpkgng::sys::inherited;

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

/// Where the C library enters. Rust's own start-up reads `/proc/self/maps` and makes a stack for
/// signals, which takes a tenth of a short run's time, and it has SIGPIPE ignored, where dpkg's
/// tools, as any C program, leave it as it was.
// SAFETY: this is the one function of that name.
#[cfg(not(test))]
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
extern "C" fn main(_: libc::c_int, _: *const *const libc::c_char) -> libc::c_int {
    start()
}

/// The tests have a start-up of their own.
#[cfg(test)]
fn main() {
    start();
}

/// Run the tool that the program's name or first argument names; gives the exit code.
fn start() -> i32 {
    if inherited::hold_standard().is_err() {
        return 2;
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
    match as_ourselves.then(|| plugins::asked_for(&args)).flatten() {
        Some(asked) => plugins::run(env, asked),
        None => run(env, &args),
    }
}
