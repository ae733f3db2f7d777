//! The tool `dpkg-maintscript-helper`: what maintainer scripts cannot easily do themselves
//! (dpkg-maintscript-helper(1)).
//!
//! Stock's is a shell script. This one reads its parameters and says its words as that script
//! does, but asks dpkg-query in-process, and runs mv, rm and their like only for what is not
//! plain (see [`files`]).

mod call;
mod conffile;
mod dir_to_symlink;
mod files;
mod help;
mod owner;
mod symlink_to_dir;

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;

use nix::sys::stat::{Mode, umask};

use crate::cli::Env;
use crate::completions::{Kind, Outline, Shape, Value};
use crate::shell::{self, Exit, Step, Words, print};

/// What the tool is called.
const NAME: &str = "dpkg-maintscript-helper";
/// Set for the calls that the tool makes to itself.
const INTERNAL_API: &str = "DPKG_MAINTSCRIPT_HELPER_INTERNAL_API";

/// What a command does with the arguments after it.
type Run = fn(&Helper, &[OsString]) -> Step;

/// Every command, and whether `supports` knows it.
const COMMANDS: &[(&str, bool, Run)] = &[
    ("supports", false, supports),
    ("rm_conffile", true, conffile::rm_conffile),
    ("mv_conffile", true, conffile::mv_conffile),
    ("symlink_to_dir", true, symlink_to_dir::symlink_to_dir),
    ("dir_to_symlink", true, dir_to_symlink::dir_to_symlink),
    ("_internal_pkg_must_own_file", false, owner::must_own_file),
    ("help", false, print_usage),
    ("--help", false, print_usage),
    ("--version", false, print_version),
];

/// What surrounds one call of the tool.
pub struct Helper {
    /// For the programs it runs: with a canonical `DPKG_ROOT`.
    env: Env,
    /// The path the tool was executed by.
    path: Vec<u8>,
    /// `DPKG_ROOT`, empty for `/`.
    root: Vec<u8>,
    words: Words,
    /// The command given.
    command: Vec<u8>,
    umask: Mode,
}

/// Run dpkg-maintscript-helper; `args` are without the program's name.
pub fn main(env: Env, args: &[OsString]) -> i32 {
    match run(env, args) {
        Ok(()) => 0,
        Err(Exit(code)) => code,
    }
}

fn run(mut env: Env, args: &[OsString]) -> Step {
    let mut root = match env.get_nonempty("DPKG_ROOT").map(|r| r.as_bytes().to_vec()) {
        Some(root) => files::realpath(&env, &root)?,
        None => Vec::new(),
    };
    if root == b"/" {
        root.clear();
    }
    env.set("DPKG_ROOT", &root);
    let path = shell::own_path(NAME);
    let words = Words::new(&env, &path);
    let Some((command, rest)) = args.split_first() else {
        return Err(words.badusage(b"missing command"));
    };
    let mask = umask(Mode::empty());
    umask(mask);
    let helper = Helper {
        env,
        path,
        root,
        words,
        command: command.as_bytes().to_vec(),
        umask: mask,
    };
    let known = COMMANDS.iter().find(|(name, ..)| command == name);
    match (known, helper.command.as_slice()) {
        (Some((_, _, run)), _) => run(&helper, rest),
        // The script's pattern `-?` is any letter.
        (None, [b'-', _]) => print_usage(&helper, rest),
        (None, command) => {
            let text = [
                b"command ",
                command,
                b" is unknown\nHint: upgrading dpkg to a newer version might help.",
            ];
            Err(helper.words.badusage(&text.concat()))
        }
    }
}

/// What completions are made from.
pub fn outline() -> Outline {
    let option = |name: &'static str| Shape {
        long: Some(name),
        short: None,
        value: Value::None,
    };
    let (options, words): (Vec<&str>, Vec<&str>) = COMMANDS
        .iter()
        .map(|c| c.0)
        .partition(|n| n.starts_with("--"));
    let shapes = options.iter().filter_map(|n| n.strip_prefix("--"));
    let words = words.into_iter().filter(|w| !w.starts_with('_'));
    Outline::new(shapes.map(option).collect(), &[help::USAGE])
        .with_operands(vec![Kind::Words(words.map(str::to_owned).collect())])
}

/// `supports`
fn supports(helper: &Helper, args: &[OsString]) -> Step {
    let asked = args.first().map(OsString::as_os_str).unwrap_or_default();
    let mut yes = COMMANDS
        .iter()
        .any(|(name, supported, _)| *supported && asked == *name);
    for variable in ["DPKG_MAINTSCRIPT_NAME", "DPKG_MAINTSCRIPT_PACKAGE"] {
        if helper.env.get_nonempty(variable).is_none() {
            let text = format!("environment variable {variable} missing");
            helper.words.warning(text.as_bytes());
            yes = false;
        }
    }
    match yes {
        true => Ok(()),
        false => Err(Exit(1)),
    }
}

/// `help`
fn print_usage(helper: &Helper, _: &[OsString]) -> Step {
    print(&help::usage(helper.words.program()))
}

/// `--version`
fn print_version(helper: &Helper, _: &[OsString]) -> Step {
    print(&help::version(helper.words.program()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_help_and_parity_agree() {
        let listed = include_str!("../../../compat-tests/parity.tsv");
        let listed: Vec<&str> = listed
            .lines()
            .filter_map(|l| {
                l.strip_prefix("command\t")?
                    .strip_prefix(NAME)?
                    .strip_prefix(' ')
            })
            .filter_map(|l| l.split('\t').next())
            .collect();
        let known: Vec<&str> = COMMANDS.iter().map(|c| c.0).collect();
        assert_eq!(listed, known);
        let promised = help::USAGE.lines().filter_map(|l| l.strip_prefix("  "));
        for line in promised.filter(|l| !l.starts_with(' ')) {
            let word = line.split(' ').find(|w| *w != "-?,").unwrap_or_default();
            assert!(known.contains(&word), "{word}");
        }
    }
}
