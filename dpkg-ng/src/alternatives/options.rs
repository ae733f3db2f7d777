//! update-alternatives' option table (update-alternatives(1)), in the order of its help.
//!
//! Its grammar is its own: every option is one whole word, its arguments are the words that
//! follow it, commands are options too, and there is nothing else on a command line.

use crate::completions::{Outline, Shape, Value};
use libdpkgng::alternatives::adminfile::{PriorityError, parse_priority};
use libdpkgng::alternatives::{Choice, Group, Install, Mode, SlaveLink, check_name, check_path};
use libdpkgng::error::{Error, Result};
use libdpkgng::msg;

use super::args::{Request, Settings};
use super::help;
use super::voice::Verbosity;

/// One option.
pub struct Opt {
    /// Without its two dashes.
    pub name: &'static str,
    /// What it does.
    pub effect: Effect,
}

/// What an option does, and by that how many arguments it takes.
#[derive(Clone, Copy)]
pub enum Effect {
    /// Chooses the command; only one may be chosen.
    Command {
        /// How many arguments.
        args: usize,
        /// What a call with fewer is told.
        needs: &'static str,
        /// The command that they make.
        make: fn(&[&[u8]]) -> Result<Request>,
    },
    /// `--slave`, which adds to `--install`.
    Slave,
    /// Changes a setting.
    Flag(fn(&mut Settings)),
    /// Changes a setting, by one argument.
    Value {
        /// What a call without it is told.
        needs: &'static str,
        /// The change.
        set: fn(&mut Settings, &[u8]),
    },
    /// Shows the help, as the settings so far have it.
    Help,
    /// Shows the version.
    Version,
}

/// What `--slave` is told without its arguments.
pub const SLAVE_NEEDS: &str = "--%s needs <link> <name> <path>";
const FILE: &str = "--%s needs a <file> argument";
const DIRECTORY: &str = "--%s needs a <directory> argument";

const fn opt(name: &'static str, effect: Effect) -> Opt {
    Opt { name, effect }
}

/// A command about one group.
const fn named(name: &'static str, make: fn(&[&[u8]]) -> Result<Request>) -> Opt {
    let needs = "--%s needs <name>";
    opt(
        name,
        Effect::Command {
            args: 1,
            needs,
            make,
        },
    )
}

/// A command about a choice of a group.
const fn chosen(name: &'static str, make: fn(&[&[u8]]) -> Result<Request>) -> Opt {
    let needs = "--%s needs <name> <path>";
    opt(
        name,
        Effect::Command {
            args: 2,
            needs,
            make,
        },
    )
}

/// A command about everything.
const fn plain(name: &'static str, make: fn(&[&[u8]]) -> Result<Request>) -> Opt {
    opt(
        name,
        Effect::Command {
            args: 0,
            needs: "",
            make,
        },
    )
}

const fn value(name: &'static str, needs: &'static str, set: fn(&mut Settings, &[u8])) -> Opt {
    opt(name, Effect::Value { needs, set })
}

const fn flag(name: &'static str, set: fn(&mut Settings)) -> Opt {
    opt(name, Effect::Flag(set))
}

/// Every option of update-alternatives.
#[rustfmt::skip]
pub static OPTIONS: &[Opt] = &[
    opt("install", Effect::Command {
        args: 4,
        needs: "--%s needs <link> <name> <path> <priority>",
        make: install,
    }),
    opt("slave", Effect::Slave),
    chosen("remove", |a| choice(a, Request::Remove)),
    named("remove-all", |a| name(a, Request::RemoveAll)),
    named("auto", |a| name(a, Request::Auto)),
    named("display", |a| name(a, Request::Display)),
    named("query", |a| name(a, Request::Query)),
    named("list", |a| name(a, Request::List)),
    plain("get-selections", |_| Ok(Request::GetSelections)),
    plain("set-selections", |_| Ok(Request::SetSelections)),
    named("config", |a| name(a, Request::Config)),
    chosen("set", |a| choice(a, Request::Set)),
    plain("all", |_| Ok(Request::ConfigAll)),
    value("altdir", DIRECTORY, |s, dir| s.set_altdir(dir)),
    value("admindir", DIRECTORY, |s, dir| s.dirs.admdir = dir.to_vec()),
    value("instdir", DIRECTORY, |s, dir| s.set_instdir(dir)),
    value("root", DIRECTORY, |s, dir| s.set_root(dir)),
    value("log", FILE, |s, file| s.set_log(file)),
    flag("force", |s| s.force = true),
    flag("skip-auto", |s| s.skip_auto = true),
    flag("quiet", |s| s.verbosity = Verbosity::Quiet),
    flag("verbose", |s| s.verbosity = Verbosity::Verbose),
    flag("debug", |s| s.verbosity = Verbosity::Debug),
    opt("help", Effect::Help),
    opt("version", Effect::Version),
];

/// `NAME`
fn name(args: &[&[u8]], make: fn(Vec<u8>) -> Request) -> Result<Request> {
    let name = args.first().copied().unwrap_or_default();
    check_name(name)?;
    Ok(make(name.to_vec()))
}

/// `NAME PATH`
fn choice(args: &[&[u8]], make: fn(Vec<u8>, Vec<u8>) -> Request) -> Result<Request> {
    let &[name, path] = args else {
        return Err(Error::internal(msg!("arguments were not counted")));
    };
    check_name(name)?;
    check_path(path)?;
    Ok(make(name.to_vec(), path.to_vec()))
}

fn same_as_path(link: &[u8], path: &[u8]) -> Result<()> {
    if link != path {
        return Ok(());
    }
    let text = "<link> '%s' is the same as <path>";
    Err(Error::usage(msg!(text, link)))
}

/// `LINK NAME PATH PRIORITY`
fn install(args: &[&[u8]]) -> Result<Request> {
    let &[link, name, path, priority] = args else {
        return Err(Error::internal(msg!("arguments were not counted")));
    };
    same_as_path(link, path)?;
    let priority = parse_priority(priority).map_err(|why| {
        let text = match why {
            PriorityError::NotInteger => "priority '%s' must be an integer",
            PriorityError::OutOfRange => "priority '%s' is out of range",
        };
        Error::usage(msg!(text, priority))
    })?;
    Ok(Request::Install(Install {
        group: Group::new(name, link, Mode::Auto),
        choice: Choice {
            path: path.to_vec(),
            priority,
            slaves: Vec::new(),
        },
    }))
}

/// `--slave LINK NAME PATH`
pub fn slave(install: &mut Install, args: &[&[u8]]) -> Result<()> {
    let &[link, name, path] = args else {
        return Err(Error::internal(msg!("arguments were not counted")));
    };
    let Install { group, choice } = install;
    same_as_path(link, path)?;
    let problem = if group.name == name {
        Some(("<name> '%s' is both primary and slave", name))
    } else if group.link == link {
        Some(("<link> '%s' is both primary and slave", link))
    } else if group.slave(name).is_some() {
        Some(("duplicate slave <name> '%s'", name))
    } else if group.slaves.iter().any(|s| s.link == link) {
        Some(("duplicate slave <link> '%s'", link))
    } else {
        None
    };
    if let Some((text, what)) = problem {
        return Err(Error::usage(msg!(text, what)));
    }
    group.add_slave(SlaveLink {
        name: name.to_vec(),
        link: link.to_vec(),
        updated: false,
    });
    choice.slaves.push((name.to_vec(), path.to_vec()));
    Ok(())
}

/// What completions are made from.
pub fn outline() -> Outline {
    let shape = |opt: &Opt| Shape {
        long: Some(opt.name),
        short: None,
        value: match opt.effect {
            Effect::Value { .. } => Value::Next,
            _ => Value::None,
        },
    };
    let shapes = OPTIONS.iter().map(shape).collect();
    Outline::new(shapes, &[help::COMMANDS, help::OPTIONS])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_help_and_parity_agree() {
        let names: Vec<&str> = OPTIONS.iter().map(|o| o.name).collect();
        let texts = [help::COMMANDS, help::OPTIONS];
        crate::parity::expect_names("update-alternatives", &names, &texts);
    }
}
