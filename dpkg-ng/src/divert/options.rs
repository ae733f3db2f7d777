//! dpkg-divert's option table (dpkg-divert(1)), in stock's order.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::completions::Outline;
use libdpkgng::admin::divert::Whose;
use libdpkgng::error::Error;
use libdpkgng::msg;

use super::args::{Action, Settings};
use super::help;
use crate::cli::{LONG, Name, Opt, Process, Step};

type Row = Opt<Action, Settings>;

/// Every option of dpkg-divert.
#[rustfmt::skip]
pub static OPTIONS: &[Row] = &[
    Row::action("add", LONG, Action::Add),
    Row::action("remove", LONG, Action::Remove),
    Row::action("list", LONG, Action::List),
    Row::action("listpackage", LONG, Action::Listpackage),
    Row::action("truename", LONG, Action::Truename),
    Row::action("help", '?', Action::Help),
    Row::action("version", LONG, Action::Version),
    Row::value("admindir", LONG, |s, _, _, v| Ok(s.dirs.set_admindir(v)?)),
    Row::value("instdir", LONG, |s, p, _, v| Ok(s.dirs.set_instdir(&p.env, v)?)),
    Row::value("root", LONG, |s, p, _, v| Ok(s.dirs.set_root(&p.env, v)?)),
    Row::value("divert", LONG, set_divert_to),
    Row::value("package", LONG, |s, _, _, v| { s.whose = package(v)?; Ok(()) }),
    Row::flag("local", LONG, |s, _| { s.whose = Whose::Local; Ok(()) }),
    Row::flag("quiet", LONG, |s, _| { s.quiet = true; Ok(()) }),
    Row::flag("rename", LONG, |s, _| { s.rename = Some(true); Ok(()) }),
    Row::flag("no-rename", LONG, |s, _| { s.rename = Some(false); Ok(()) }),
    Row::flag("test", LONG, |s, _| { s.act = false; Ok(()) }),
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
