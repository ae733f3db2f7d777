//! dpkg-divert's option table (dpkg-divert(1)), in stock's order.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::completions::Outline;
use libdpkgng::admin::divert::Whose;
use libdpkgng::error::Error;
use libdpkgng::msg;

use super::args::{Action, Settings};
use super::help;
use crate::cli::{Effect, Name, Opt, Process, Step};

type Row = Opt<Action, Settings>;

const fn action(long: &'static str, short: char, action: Action) -> Row {
    Opt::new(long, short, Effect::Action(action))
}

/// No short name.
const LONG: char = '\0';

/// Every option of dpkg-divert.
#[rustfmt::skip]
pub static OPTIONS: &[Row] = &[
    action("add", LONG, Action::Add),
    action("remove", LONG, Action::Remove),
    action("list", LONG, Action::List),
    action("listpackage", LONG, Action::Listpackage),
    action("truename", LONG, Action::Truename),
    action("help", '?', Action::Help),
    action("version", LONG, Action::Version),
    Opt::new("admindir", LONG, Effect::Value(|s, _, _, v| Ok(s.dirs.set_admindir(v)?))),
    Opt::new("instdir", LONG, Effect::Value(|s, p, _, v| Ok(s.dirs.set_instdir(&p.env, v)?))),
    Opt::new("root", LONG, Effect::Value(|s, p, _, v| Ok(s.dirs.set_root(&p.env, v)?))),
    Opt::new("divert", LONG, Effect::Value(set_divert_to)),
    Opt::new("package", LONG, Effect::Value(|s, _, _, v| { s.whose = package(v)?; Ok(()) })),
    Opt::new("local", LONG, Effect::Flag(|s, _| { s.whose = Whose::Local; Ok(()) })),
    Opt::new("quiet", LONG, Effect::Flag(|s, _| { s.quiet = true; Ok(()) })),
    Opt::new("rename", LONG, Effect::Flag(|s, _| { s.rename = Some(true); Ok(()) })),
    Opt::new("no-rename", LONG, Effect::Flag(|s, _| { s.rename = Some(false); Ok(()) })),
    Opt::new("test", LONG, Effect::Flag(|s, _| { s.act = false; Ok(()) })),
];

/// The package that `--package` or the environment names.
pub fn package(name: &OsStr) -> Result<Whose, Error> {
    if name.as_bytes().contains(&b'\n') {
        return Err(Error::usage(msg!("package may not contain newlines")));
    }
    Ok(Whose::Package(name.as_bytes().to_vec()))
}

fn set_divert_to(settings: &mut Settings, _: &mut Process, _: Name, value: &OsStr) -> Step {
    if value.as_bytes().first() != Some(&b'/') {
        return Err(Error::usage(msg!("filename \"%s\" is not absolute", value)).into());
    }
    if value.as_bytes().contains(&b'\n') {
        return Err(Error::usage(msg!("divert-to may not contain newlines")).into());
    }
    settings.divert_to = Some(value.as_bytes().to_vec());
    Ok(())
}

/// What completions are made from.
pub fn outline() -> Outline {
    Outline::of(OPTIONS, &[help::COMMANDS, help::OPTIONS])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_help_and_parity_agree() {
        crate::parity::expect_consistent("dpkg-divert", OPTIONS, &[help::COMMANDS, help::OPTIONS]);
    }
}
