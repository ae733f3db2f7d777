//! The programs of the Debian `dpkg` package.
//!
//! [`dpkg_ng`] is one multicall program that stands in for all of them. The program's name says
//! which tool it is. As `dpkg-ng` it takes the tool's name as its first argument, or else dpkg's
//! own options, and then it is dpkg.
//!
//! Seven tools are programs of their own too, whatever their name (`src/bin/`). What the dynamic
//! linker does before `main` grows with a program, and the whole of dpkg around these, small
//! programs with stock, would cost up to a tenth of their start. Installed, the tool's name leads
//! there.

mod alternatives;
mod children;
mod cli;
mod completions;
mod db_backup;
mod deb;
mod divert;
mod dpkg;
mod fsck;
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
use std::os::unix::ffi::OsStrExt;

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

/// The option or command of dpkg-ng's own that an argument is.
fn own(arg: &OsStr) -> Option<(&'static str, Tool)> {
    let name = arg.to_str()?;
    if let Some(command) = own::COMMANDS.iter().find(|c| c.name == name) {
        return Some((own::NAME, command.run));
    }
    let name = name.strip_prefix("--")?;
    let found = own::OPTIONS.iter().find(|o| o.name == name)?;
    Some((own::NAME, found.run?))
}

/// Makes a program of a function that returns the exit code: where the C library enters. Rust's own
/// start-up reads `/proc/self/maps` and makes a stack for signals, which takes a tenth of a short
/// run's time, and it has SIGPIPE ignored, where dpkg's tools, as any C program, leave it as it was.
#[macro_export]
macro_rules! program {
    ($run:path) => {
        // SAFETY: this is the one function of that name.
        #[allow(unsafe_code)]
        #[unsafe(no_mangle)]
        extern "C" fn main(_: i32, _: *const *const std::ffi::c_char) -> i32 {
            $run()
        }
    };
}

/// `dpkg-ng`: the tool that the program's name or first argument names; gives the exit code.
pub fn dpkg_ng() -> i32 {
    let Some((name, mut args)) = called_as() else {
        return 2;
    };
    // `Path::file_name` is of another part of the program, from where it would first be read.
    let base = name.as_bytes().rsplit(|&b| b == b'/').next();
    let base = OsStr::from_bytes(base.unwrap_or_default());
    // Plugins have nothing to say to who asks for a tool of dpkg's.
    let mut as_ourselves = false;
    let (name, run) = match tool(base) {
        Some(tool) => tool,
        None => match args.first().and_then(|a| tool(a).or_else(|| own(a))) {
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

macro_rules! alone {
    ($($function:ident is $name:literal of $tool:ident,)*) => {$(
        #[doc = concat!("`", $name, "`; gives the exit code.")]
        pub fn $function() -> i32 {
            alone($name, $tool::main)
        }
    )*};
}

alone! {
    dpkg_divert is "dpkg-divert" of divert,
    dpkg_query is "dpkg-query" of query,
    dpkg_realpath is "dpkg-realpath" of realpath,
    dpkg_split is "dpkg-split" of split,
    dpkg_trigger is "dpkg-trigger" of trigger,
    start_stop_daemon is "start-stop-daemon" of start_stop_daemon,
    update_alternatives is "update-alternatives" of alternatives,
}

fn alone(name: &str, run: Tool) -> i32 {
    let Some((_, args)) = called_as() else {
        return 2;
    };
    let env = Env::inherited();
    locale::follow(name, &env);
    run(env, &args)
}

/// The program's name and its arguments, once nothing can be opened in place of a standard
/// descriptor; `None` if that is not to be had.
fn called_as() -> Option<(OsString, Vec<OsString>)> {
    inherited::hold_standard().ok()?;
    let mut args = std::env::args_os();
    Some((args.next().unwrap_or_default(), args.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_of_one_tool_has_its_name() {
        let sources = concat!(env!("CARGO_MANIFEST_DIR"), "/src/bin");
        let mut programs = 0;
        for source in std::fs::read_dir(sources).unwrap() {
            let path = source.unwrap().path();
            let name = path.file_stem().unwrap();
            assert!(tool(name).is_some(), "{}", path.display());
            let function = format!("dpkg_ng::{}", name.to_str().unwrap().replace('-', "_"));
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(text.contains(&function), "{}", path.display());
            programs += 1;
        }
        assert_ne!(programs, 0);
    }
}
