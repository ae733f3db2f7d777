//! Option rows and the parser over them (stock's `cmdinfo` and options.c).

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use libdpkgng::error::Error;
use libdpkgng::msg;
use libdpkgng::msg::Arg;

use super::{Process, Step};

/// How an option is called; what error texts cite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name {
    /// Without its two dashes.
    pub long: Option<&'static str>,
    /// Without its dash.
    pub short: Option<u8>,
}

impl Name {
    /// The long name, for texts about options that have one.
    pub fn long(&self) -> &'static str {
        self.long.unwrap_or_default()
    }
}

/// What a flag or value does: a function over the settings and the surrounding process.
type Flag<S> = fn(&mut S, &mut Process) -> Step;
type Value<S> = fn(&mut S, &mut Process, Name, &OsStr) -> Step;

/// What meeting an option does, and by that whether it takes a value.
pub enum Effect<A, S> {
    /// Choose the action; only one may be chosen.
    Action(A),
    /// Choose the action, `--option-VALUE` (or `--option VALUE`) saying which one of its kind.
    ActionOf(A, fn(&mut S, &OsStr)),
    /// Change a setting.
    Flag(Flag<S>),
    /// Take `--option=VALUE`, `--option VALUE`, `-oVALUE`, `-o=VALUE`, `-o VALUE`.
    Value(Value<S>),
    /// Take `--option-VALUE` (or `--option VALUE`).
    Suffix(Value<S>),
}

/// One row: an option of a tool.
pub struct Opt<A, S> {
    /// Its names.
    pub name: Name,
    /// Its effect.
    pub effect: Effect<A, S>,
}

/// No short name.
pub const LONG: char = '\0';

impl<A, S> Opt<A, S> {
    /// A row; no long name is `""`, no short one [`LONG`].
    const fn new(long: &'static str, short: char, effect: Effect<A, S>) -> Opt<A, S> {
        Opt {
            name: Name {
                long: if long.is_empty() { None } else { Some(long) },
                short: if short == LONG {
                    None
                } else {
                    Some(short as u8)
                },
            },
            effect,
        }
    }

    /// A row of [`Effect::Action`].
    pub const fn action(long: &'static str, short: char, action: A) -> Opt<A, S> {
        Opt::new(long, short, Effect::Action(action))
    }

    /// A row of [`Effect::ActionOf`].
    pub const fn action_of(long: &'static str, action: A, store: fn(&mut S, &OsStr)) -> Opt<A, S> {
        Opt::new(long, LONG, Effect::ActionOf(action, store))
    }

    /// A row of [`Effect::Flag`].
    pub const fn flag(long: &'static str, short: char, set: Flag<S>) -> Opt<A, S> {
        Opt::new(long, short, Effect::Flag(set))
    }

    /// A row of [`Effect::Value`].
    pub const fn value(long: &'static str, short: char, set: Value<S>) -> Opt<A, S> {
        Opt::new(long, short, Effect::Value(set))
    }

    /// A row of [`Effect::Suffix`].
    pub const fn suffix(long: &'static str, set: Value<S>) -> Opt<A, S> {
        Opt::new(long, LONG, Effect::Suffix(set))
    }

    /// Whether there must be a value.
    pub fn takes_value(&self) -> bool {
        !matches!(self.effect, Effect::Action(_) | Effect::Flag(_))
    }

    /// Whether the value is part of the option's name.
    pub fn takes_suffix(&self) -> bool {
        matches!(self.effect, Effect::ActionOf(..) | Effect::Suffix(_))
    }
}

/// The state of one command line being read.
pub struct Parser<A: 'static, S: 'static> {
    pub(super) rows: &'static [Opt<A, S>],
    /// What options have set so far.
    pub settings: S,
    /// The action chosen so far, and by which option.
    pub action: Option<(A, Name)>,
}

fn option_char(short: Option<u8>) -> Arg {
    // Stock prints a backspace for an option without short name.
    Arg::Int(i128::from(short.unwrap_or(b'\x08')))
}

impl<A: Copy, S> Parser<A, S> {
    /// A parser over a tool's table, starting from these settings.
    pub fn new(rows: &'static [Opt<A, S>], settings: S) -> Parser<A, S> {
        Parser {
            rows,
            settings,
            action: None,
        }
    }

    fn choose(&mut self, action: A, name: Name) -> Step {
        if let Some((_, before)) = self.action {
            return Err(Error::usage(msg!(
                "conflicting actions -%c (--%s) and -%c (--%s)",
                option_char(name.short),
                name.long(),
                option_char(before.short),
                before.long()
            ))
            .into());
        }
        self.action = Some((action, name));
        Ok(())
    }

    /// Obey one row. `value` is there exactly if the row takes one.
    pub(super) fn obey(
        &mut self,
        row: &'static Opt<A, S>,
        process: &mut Process,
        value: &OsStr,
    ) -> Step {
        match row.effect {
            Effect::Action(action) => self.choose(action, row.name),
            Effect::ActionOf(action, store) => {
                self.choose(action, row.name)?;
                store(&mut self.settings, value);
                Ok(())
            }
            Effect::Flag(set) => set(&mut self.settings, process),
            Effect::Value(set) | Effect::Suffix(set) => {
                set(&mut self.settings, process, row.name, value)
            }
        }
    }

    /// Read options up to the first argument that is none, or past `--`. Returns the rest.
    ///
    /// # Errors
    /// Usage errors, and whatever an option's effect returns.
    pub fn parse(&mut self, process: &mut Process, args: &[OsString]) -> Step<Vec<OsString>> {
        let mut rest = args.iter();
        while let Some(arg) = rest.as_slice().first() {
            let bytes = arg.as_bytes();
            let Some(option) = bytes.strip_prefix(b"-").filter(|o| !o.is_empty()) else {
                break;
            };
            rest.next();
            match option.strip_prefix(b"-") {
                Some([]) => break,
                Some(long) => self.long(process, long, &mut rest)?,
                None => self.shorts(process, option, &mut rest)?,
            }
        }
        Ok(rest.cloned().collect())
    }

    fn long<'a>(
        &mut self,
        process: &mut Process,
        option: &'a [u8],
        rest: &mut std::slice::Iter<'a, OsString>,
    ) -> Step {
        let matching = self.rows.iter().find_map(|row| {
            let tail = option.strip_prefix(row.name.long?.as_bytes())?;
            let separator = if row.takes_suffix() { b'-' } else { b'=' };
            match tail {
                [] => Some((row, None)),
                [s, value @ ..] if *s == separator => Some((row, Some(OsStr::from_bytes(value)))),
                _ => None,
            }
        });
        let Some((row, value)) = matching else {
            return Err(Error::usage(msg!("unknown option --%s", option)).into());
        };
        let long = row.name.long();
        if !row.takes_value() {
            if value.is_some() {
                return Err(Error::usage(msg!("--%s option does not take a value", long)).into());
            }
            return self.obey(row, process, OsStr::new(""));
        }
        let Some(value) = value.or_else(|| rest.next().map(OsString::as_os_str)) else {
            return Err(Error::usage(msg!("--%s option takes a value", long)).into());
        };
        self.obey(row, process, value)
    }

    fn shorts<'a>(
        &mut self,
        process: &mut Process,
        mut options: &'a [u8],
        rest: &mut std::slice::Iter<'a, OsString>,
    ) -> Step {
        while let Some((&letter, tail)) = options.split_first() {
            let Some(row) = self.rows.iter().find(|r| r.name.short == Some(letter)) else {
                return Err(Error::usage(msg!("unknown option -%c", letter)).into());
            };
            options = tail;
            if !row.takes_value() {
                if tail.first() == Some(&b'=') {
                    return Err(
                        Error::usage(msg!("-%c option does not take a value", letter)).into(),
                    );
                }
                self.obey(row, process, OsStr::new(""))?;
                continue;
            }
            let value = if tail.is_empty() {
                rest.next().map(OsString::as_os_str)
            } else {
                options = &[];
                Some(OsStr::from_bytes(tail.strip_prefix(b"=").unwrap_or(tail)))
            };
            let Some(value) = value else {
                return Err(Error::usage(msg!("-%c option takes a value", letter)).into());
            };
            self.obey(row, process, value)?;
        }
        Ok(())
    }
}

/// The action of a command line that must have one, and the option that chose it.
///
/// # Errors
/// A usage error if there is none.
pub fn need_action<A>(chosen: Option<(A, Name)>) -> Result<(A, Name), Error> {
    chosen.ok_or_else(|| Error::usage(msg!("need an action option")))
}

/// A non-negative integer as an option's value, in any of C's notations.
///
/// # Errors
/// A usage error that names the option.
pub fn parse_int(name: Name, value: &OsStr) -> Result<i32, Error> {
    super::strtol(value.as_bytes(), 0)
        .and_then(|n| i32::try_from(n).ok())
        .filter(|n| *n >= 0)
        .ok_or_else(|| match name.long {
            Some(long) => Error::usage(msg!("invalid integer for --%s: '%.250s'", long, value)),
            None => Error::usage(msg!(
                "invalid integer for -%c: '%.250s'",
                option_char(name.short),
                value
            )),
        })
}

/// Whether a table has an option that a text calls `word`, which may end in the dash that
/// leads to a placeholder (`force-<thing>`).
pub fn knows<A, S>(rows: &[Opt<A, S>], word: &str) -> bool {
    rows.iter().any(|row| {
        let long = row.name.long();
        let of_many = word.ends_with('-') && long.starts_with(word);
        let tail = word.strip_prefix(long).filter(|_| !long.is_empty());
        of_many || tail.is_some_and(|t| t.is_empty() || (row.takes_suffix() && t.starts_with('-')))
    })
}
