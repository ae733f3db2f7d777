//! Completions for shells, made from the option tables: `dpkg-ng --completions SHELL [TOOL…]`.

mod bash;
mod fish;
mod outline;
mod zsh;

pub use outline::{Kind, Outline, Shape, Value};

use std::ffi::OsString;

use libdpkgng::error::Error;
use libdpkgng::msg;

use crate::cli::{Env, Process};
use crate::receivers::Buffering;
use crate::{
    alternatives, db_backup, deb, divert, dpkg, maintscript_helper, own, query, realpath, split,
    start_stop_daemon, statoverride, trigger,
};

/// A tool's name and what its command line looks like.
type Outlined = (&'static str, fn() -> Outline);

/// Every tool, in the order of the tools.
const OUTLINES: &[Outlined] = &[
    ("dpkg", dpkg::options::outline),
    ("dpkg-db-backup", db_backup::outline),
    ("dpkg-deb", deb::options::outline),
    ("dpkg-divert", divert::options::outline),
    ("dpkg-maintscript-helper", maintscript_helper::outline),
    ("dpkg-query", query::options::outline),
    ("dpkg-realpath", realpath::options::outline),
    ("dpkg-split", split::options::outline),
    ("dpkg-statoverride", statoverride::options::outline),
    ("dpkg-trigger", trigger::options::outline),
    ("start-stop-daemon", start_stop_daemon::options::outline),
    ("update-alternatives", alternatives::options::outline),
];

/// A tool to complete for.
struct Tool {
    name: &'static str,
    outline: Outline,
}

impl Tool {
    /// The name as part of a function's name.
    fn word(&self) -> String {
        self.name.replace('-', "_")
    }
}

/// Everything a shell is told of.
struct Tools {
    /// The tools.
    tools: Vec<Tool>,
    /// The commands of dpkg-ng's own, which are no programs of that name.
    own: Vec<Tool>,
    /// The commands that completions are registered for.
    commands: Vec<String>,
}

/// A shell's name and how its script is made.
type Shell = (&'static str, fn(&Tools) -> String);

const SHELLS: [Shell; 3] = [
    ("bash", bash::script),
    ("zsh", zsh::script),
    ("fish", fish::script),
];

/// The script for a shell, registered for these commands (for all, if there are none).
fn script(shell: &str, commands: &[String]) -> Option<String> {
    let (_, make) = SHELLS.iter().find(|(name, _)| *name == shell)?;
    let tool = |(name, outline): &Outlined| Tool {
        name,
        outline: outline(),
    };
    let all = || std::iter::once(own::NAME).chain(OUTLINES.iter().map(|(name, _)| *name));
    let commands = match commands {
        [] => all().map(str::to_owned).collect(),
        some if some.iter().all(|c| all().any(|a| a == c)) => some.to_vec(),
        _ => return None,
    };
    let command = |c: &own::Command| Tool {
        name: c.name,
        outline: (c.outline)(),
    };
    Some(make(&Tools {
        tools: OUTLINES.iter().map(tool).collect(),
        own: own::COMMANDS.iter().map(command).collect(),
        commands,
    }))
}

/// Print the script for a shell.
pub fn main(env: Env, args: &[OsString]) -> i32 {
    let words: Vec<String> = args
        .iter()
        .map(|a| a.to_string_lossy().into_owned())
        .collect();
    let text = words
        .split_first()
        .and_then(|(shell, commands)| script(shell, commands));
    match text {
        Some(text) => Process::print(env, text.as_bytes()),
        None => {
            let mut process = Process::start(own::NAME, env, Buffering::Line);
            process.set_help_hint(own::HINT);
            let error = Error::usage(msg!("--%s takes exactly one argument", "completions"));
            process.finish(Err(error.into()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_has_an_outline() {
        let tools: Vec<&str> = crate::TOOLS.iter().map(|(name, _)| *name).collect();
        let outlined: Vec<&str> = OUTLINES.iter().map(|(name, _)| *name).collect();
        assert_eq!(outlined, tools);
    }

    #[test]
    fn the_tables_are_all_there() {
        for (name, outline) in OUTLINES {
            let outline = outline();
            let described = outline.items.iter().filter(|i| !i.about.is_empty()).count();
            // Stock's dpkg-db-backup has no help.
            assert!(
                described * 10 > outline.items.len() * 6 || *name == "dpkg-db-backup",
                "{name}: {described}"
            );
            for (shell, _) in SHELLS {
                let text = script(shell, &[]).expect("a script");
                for item in &outline.items {
                    let long = item.shape.long.unwrap_or_default();
                    assert!(text.contains(long), "{shell} {name} {long}");
                }
            }
        }
        assert!(script("csh", &[]).is_none());
        assert!(script("bash", &["ls".into()]).is_none());
    }
}
