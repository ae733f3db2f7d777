//! The option table of start-stop-daemon(8), and what options leave behind as they are met.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use libdpkgng::error::{Error, Result};
use libdpkgng::{msg, number};

use crate::cli::getopt::Form;
use crate::cli::{LONG, Name};
use crate::completions::{Outline, Shape, Value};

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Start a daemon that does not run.
    Start,
    /// Signal it.
    Stop,
    /// Tell by the exit code whether it runs.
    Status,
    /// Print the numbers of its processes as well (dpkg 1.23).
    Pidof,
}

/// How much is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Problems only.
    Quiet,
    /// What was done.
    #[default]
    Normal,
    /// Each step.
    Verbose,
}

/// The command line as it was given; words are not looked at before all of them are there.
#[derive(Default)]
pub struct Given {
    pub command: Option<Command>,
    pub pid: Option<OsString>,
    pub ppid: Option<OsString>,
    pub pidfile: Option<OsString>,
    pub exec: Option<OsString>,
    pub name: Option<OsString>,
    pub user: Option<OsString>,
    pub group: Option<OsString>,
    pub chuid: Option<OsString>,
    pub signal: Option<OsString>,
    pub startas: Option<OsString>,
    pub chroot: Option<OsString>,
    pub chdir: Option<OsString>,
    pub nice: i32,
    pub procsched: Option<OsString>,
    pub iosched: Option<OsString>,
    pub umask: Option<OsString>,
    pub background: bool,
    pub notify_await: bool,
    pub notify_timeout: Option<OsString>,
    pub no_close: bool,
    pub output: Option<OsString>,
    pub make_pidfile: bool,
    pub remove_pidfile: bool,
    pub retry: Option<OsString>,
    pub test: bool,
    pub oknodo: bool,
    pub level: Level,
}

/// A text to print before all else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Text {
    Help,
    Version,
}

/// What meeting an option does.
pub enum Effect {
    /// Choose what to do; that may be said again, but not otherwise.
    Command(Command),
    /// Print this and end at once.
    Print(Text),
    /// Change a setting.
    Flag(fn(&mut Given)),
    /// Take a value.
    Value(fn(&mut Given, &OsStr) -> Result<()>),
}

/// One option.
pub struct Row {
    pub name: Name,
    pub effect: Effect,
}

impl Row {
    const fn new(long: &'static str, short: char, effect: Effect) -> Row {
        let short = if short == LONG {
            None
        } else {
            Some(short as u8)
        };
        let long = Some(long);
        Row {
            name: Name { long, short },
            effect,
        }
    }

    /// What getopt's grammar has to know of it. An option that stock lacks must not make any
    /// of stock's abbreviations ambiguous.
    pub fn form(&self) -> Form {
        Form {
            name: self.name,
            takes_value: matches!(self.effect, Effect::Value(_)),
            abbreviates: !matches!(self.effect, Effect::Command(Command::Pidof)),
        }
    }

    /// Obey it; `value` is there exactly if it takes one. Gives the text to print, if it is one
    /// that asks for that.
    pub fn obey(&self, given: &mut Given, value: Option<&OsStr>) -> Result<Option<Text>> {
        match self.effect {
            Effect::Print(text) => return Ok(Some(text)),
            Effect::Flag(set) => set(given),
            Effect::Value(set) => set(given, value.unwrap_or_default())?,
            Effect::Command(command) => {
                if given.command.is_some_and(|c| c != command) {
                    return Err(Error::usage(msg!("only one command can be specified")));
                }
                given.command = Some(command);
            }
        }
        Ok(None)
    }
}

/// `USER[:GROUP]`
fn chuid(given: &mut Given, value: &OsStr) -> Result<()> {
    let mut parts = value.as_bytes().splitn(2, |c| *c == b':');
    given.chuid = parts.next().map(|user| OsStr::from_bytes(user).to_owned());
    match parts.next() {
        Some([]) => return Err(Error::new(msg!("missing group name"))),
        Some(group) => given.group = Some(OsStr::from_bytes(group).to_owned()),
        None => {}
    }
    Ok(())
}

/// As atoi(3) reads it: what is no number is none.
fn nicelevel(given: &mut Given, value: &OsStr) -> Result<()> {
    given.nice = number::scan(value.as_bytes(), 10).map_or(0, |n| n.value as i32);
    Ok(())
}

/// An option that keeps its value in the field of this name.
macro_rules! value {
    ($long:literal, $short:expr, $field:ident) => {
        Row::new(
            $long,
            $short,
            Effect::Value(|given, value| {
                given.$field = Some(value.to_owned());
                Ok(())
            }),
        )
    };
}

/// An option that sets the field of this name to a value.
macro_rules! flag {
    ($long:literal, $short:expr, $field:ident = $value:expr) => {
        Row::new($long, $short, Effect::Flag(|given| given.$field = $value))
    };
}

/// Every option, in stock's order, which shows when an abbreviation is ambiguous.
#[rustfmt::skip]
pub static OPTIONS: &[Row] = &[
    Row::new("help", 'H', Effect::Print(Text::Help)),
    Row::new("stop", 'K', Effect::Command(Command::Stop)),
    Row::new("start", 'S', Effect::Command(Command::Start)),
    Row::new("status", 'T', Effect::Command(Command::Status)),
    Row::new("pidof", LONG, Effect::Command(Command::Pidof)),
    Row::new("version", 'V', Effect::Print(Text::Version)),
    value!("startas", 'a', startas),
    value!("name", 'n', name),
    flag!("oknodo", 'o', oknodo = true),
    value!("pid", LONG, pid),
    value!("ppid", LONG, ppid),
    value!("pidfile", 'p', pidfile),
    flag!("quiet", 'q', level = Level::Quiet),
    value!("signal", 's', signal),
    flag!("test", 't', test = true),
    value!("user", 'u', user),
    value!("group", 'g', group),
    value!("chroot", 'r', chroot),
    flag!("verbose", 'v', level = Level::Verbose),
    value!("exec", 'x', exec),
    Row::new("chuid", 'c', Effect::Value(chuid)),
    Row::new("nicelevel", 'N', Effect::Value(nicelevel)),
    value!("procsched", 'P', procsched),
    value!("iosched", 'I', iosched),
    value!("umask", 'k', umask),
    flag!("background", 'b', background = true),
    flag!("notify-await", LONG, notify_await = true),
    value!("notify-timeout", LONG, notify_timeout),
    flag!("no-close", 'C', no_close = true),
    value!("output", 'O', output),
    flag!("make-pidfile", 'm', make_pidfile = true),
    flag!("remove-pidfile", LONG, remove_pidfile = true),
    value!("retry", 'R', retry),
    value!("chdir", 'd', chdir),
];

/// What completions are made from.
pub fn outline() -> Outline {
    let shape = |row: &Row| Shape {
        long: row.name.long,
        short: row.name.short.map(char::from),
        value: match row.effect {
            Effect::Value(_) => Value::Equals,
            _ => Value::None,
        },
    };
    Outline::new(OPTIONS.iter().map(shape).collect(), &super::help::HELP)
}

#[cfg(test)]
mod tests {
    use super::super::help;
    use super::*;

    #[test]
    fn table_help_and_parity_agree() {
        let names: Vec<&str> = OPTIONS.iter().map(|row| row.name.long()).collect();
        // The dashes before the daemon's arguments are no option.
        let help = help::HELP.map(|text| text.replace(" -- ", " "));
        let help: Vec<&str> = help.iter().map(String::as_str).collect();
        crate::parity::expect_names("start-stop-daemon", &names, &help);
        for (i, row) in OPTIONS.iter().enumerate() {
            let short = row.name.short;
            assert!(short.is_none() || OPTIONS[..i].iter().all(|r| r.name.short != short));
        }
    }
}
