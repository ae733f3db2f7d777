//! dpkg-ng under its own name: what it says of itself, not of dpkg.
//!
//! Called as `dpkg-ng`, the first argument may be one of these options, or a tool's name; with
//! anything else it is dpkg. Under a tool's name it has none of them.

use std::ffi::OsString;
use std::fmt::Write as _;

use crate::cli::{Env, Process};
use crate::completions::Outline;
use crate::{TOOLS, Tool, completions, fsck, parity};

/// The name.
pub const NAME: &str = "dpkg-ng";

/// What usage errors end with.
pub const HINT: &str = "Type dpkg-ng --help for what dpkg-ng is.";

/// A command of dpkg-ng's own: what it does when its name is the first argument. It is no tool: no program has
/// that name.
pub struct Command {
    /// Its name.
    pub name: &'static str,
    /// What follows it.
    pub args: &'static str,
    /// What it is for.
    pub about: &'static str,
    /// What it does with what follows it.
    pub run: Tool,
    /// What completions are made from.
    pub outline: fn() -> Outline,
}

/// They all.
pub const COMMANDS: &[Command] = &[Command {
    name: "fsck",
    args: " [--repair] [<option>...]",
    about: "Check the database and the files of packages; repair them",
    run: fsck::main,
    outline: fsck::options::outline,
}];

/// An option of dpkg-ng's own.
pub struct OwnOption {
    /// Without its dashes.
    pub name: &'static str,
    /// What follows it.
    pub args: &'static str,
    /// What it is for.
    pub about: &'static str,
    /// What it does with what follows it, when it is first; the others go with the rest of
    /// the command line.
    pub run: Option<Tool>,
}

/// They all.
pub const OPTIONS: &[OwnOption] = &[
    OwnOption {
        name: "help",
        args: "",
        about: "Show this help; that of dpkg: dpkg-ng dpkg --help",
        run: Some(help),
    },
    OwnOption {
        name: "tools",
        args: "",
        about: "List the tools, one a line",
        run: Some(list_tools),
    },
    OwnOption {
        name: "parity",
        args: "",
        about: "Show how far this is stock dpkg, as a table",
        run: Some(parity::main),
    },
    OwnOption {
        name: "completions",
        args: " <shell> [<command>...]",
        about: "Make completions for bash, fish or zsh",
        run: Some(completions::main),
    },
    OwnOption {
        name: "plugin",
        args: " <file>",
        about: "Be dpkg with this plugin; anywhere before --",
        run: None,
    },
    OwnOption {
        name: "read-ahead",
        args: " <MiB>",
        about: "Memory for archives read before their turn (default: 64)",
        run: None,
    },
    OwnOption {
        name: "no-read-ahead",
        args: "",
        about: "Read each archive in its turn, as dpkg does",
        run: None,
    },
    OwnOption {
        name: "path-index",
        args: " <paths>",
        about: "Keep an index of paths from so many on (default: 100000)",
        run: None,
    },
    OwnOption {
        name: "no-path-index",
        args: "",
        about: "Read all file lists, as dpkg does",
        run: None,
    },
];

/// They all, with their dashes.
pub fn options() -> impl Iterator<Item = String> {
    OPTIONS.iter().map(|o| format!("--{}", o.name))
}

/// The text of `dpkg-ng --help`.
fn help_text() -> String {
    let mut out = include_str!("own.txt").to_owned();
    let mut tools = String::new();
    for (name, _) in TOOLS {
        // Nothing written to a string fails.
        let _ = writeln!(tools, "  {name}");
    }
    let mut options = String::new();
    for option in OPTIONS {
        let spelt = format!("--{}{}", option.name, option.args);
        options.push_str(&entry(&spelt, option.about));
    }
    let commands = COMMANDS
        .iter()
        .map(|c| entry(&format!("{}{}", c.name, c.args), c.about));
    out = out.replace("@TOOLS@\n", &tools);
    out = out.replace("@COMMANDS@\n", &commands.collect::<String>());
    out.replace("@OPTIONS@\n", &options)
}

/// A line of a list, or two, if the first part is long.
fn entry(spelt: &str, about: &str) -> String {
    match spelt.len() {
        ..20 => format!("  {spelt:<20} {about}\n"),
        _ => format!("  {spelt}\n  {:<20} {about}\n", ""),
    }
}

fn help(env: Env, _: &[OsString]) -> i32 {
    Process::print(env, help_text().as_bytes())
}

/// The names this binary answers to.
fn list_tools(env: Env, _: &[OsString]) -> i32 {
    let names: String = TOOLS.iter().map(|(name, _)| format!("{name}\n")).collect();
    Process::print(env, names.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The manual page.
    const PAGE: &str = include_str!("../../man/dpkg-ng.1");

    /// The words that come in a section of the page as tagged paragraphs.
    fn tags(section: &str) -> Vec<String> {
        let start = format!(".SH {section}\n");
        let text = PAGE.split_once(&start).expect("the section").1;
        let text = text.split("\n.SH ").next().unwrap_or(text);
        let mut lines = text.lines();
        let mut found = Vec::new();
        while let Some(line) = lines.next() {
            if line == ".TP" {
                let tag = lines.next().unwrap_or_default();
                let tag = tag.trim_start_matches(['.', 'B', 'R', 'I']).trim_start();
                let word = tag.split(' ').next().unwrap_or_default();
                found.push(word.replace('\\', ""));
            }
        }
        found
    }

    #[test]
    fn the_page_and_the_help_name_every_tool_and_option() {
        let tools: Vec<&str> = TOOLS.iter().map(|(name, _)| *name).collect();
        assert_eq!(tags("TOOLS"), tools);
        assert_eq!(tags("OPTIONS"), options().collect::<Vec<_>>());
        let commands: Vec<&str> = COMMANDS.iter().map(|c| c.name).collect();
        assert_eq!(tags("COMMANDS"), commands);
        let help = help_text();
        for word in tools
            .into_iter()
            .chain(commands)
            .map(str::to_owned)
            .chain(options())
        {
            assert!(help.contains(&format!("\n  {word}")), "{word}");
        }
        assert!(!help.contains('@'));
    }

    #[test]
    fn parity_has_a_row_for_each() {
        let names: Vec<&str> = OPTIONS.iter().map(|o| o.name).collect();
        parity::expect_names(NAME, &names, &[]);
    }
}
