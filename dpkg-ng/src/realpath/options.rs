//! dpkg-realpath's option table (dpkg-realpath(1)), in stock's order.
//!
//! It has no commands: `--help` and `--version` end it when they are met.

use std::convert::Infallible;

use super::help;
use crate::cli::{Dirs, LONG, Opt, Stop};
use crate::completions::{Kind, Outline};

/// What the options have set.
#[derive(Debug)]
pub struct Settings {
    /// `--root`, `--instdir`
    pub dirs: Dirs,
    /// What ends the line: not a newline with `--zero`.
    pub end: u8,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            dirs: Dirs::default(),
            end: b'\n',
        }
    }
}

/// Every option of dpkg-realpath.
#[rustfmt::skip]
pub static OPTIONS: &[Opt<Infallible, Settings>] = &[
    Opt::flag("zero", 'z', |s, _| { s.end = 0; Ok(()) }),
    Opt::value("instdir", LONG, |s, p, _, v| Ok(s.dirs.set_instdir(&p.env, v)?)),
    Opt::value("root", LONG, |s, p, _, v| Ok(s.dirs.set_instdir(&p.env, v)?)),
    Opt::flag("version", LONG, |_, p| Err(Stop::Exit(help::print_version(p)?))),
    Opt::flag("help", '?', |_, p| Err(Stop::Exit(help::print_usage(p)?))),
];

/// What completions are made from.
pub fn outline() -> Outline {
    Outline::of(OPTIONS, &[help::HELP]).with_operands(vec![Kind::File])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_help_and_parity_agree() {
        crate::parity::expect_consistent("dpkg-realpath", OPTIONS, &[help::HELP]);
    }
}
