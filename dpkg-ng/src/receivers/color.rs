//! Colours of message prefixes: `DPKG_COLORS` is `auto` (the default), `always`, or anything
//! else for never; `auto` asks once whether standard *output* is a terminal.

use std::cell::Cell;
use std::io::IsTerminal;

use libdpkgng::sys::inherited::STDOUT;

use crate::cli::Env;

/// A part of a line that has a colour.
#[derive(Clone, Copy, Debug)]
pub enum Part {
    /// The program's name.
    Program,
    /// `hint:`
    Hint,
    /// `warning:`
    Warning,
    /// `error:`
    Error,
    /// What ends a coloured part.
    Reset,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Auto,
    On,
    Off,
}

/// Whether and how to colour.
#[derive(Debug)]
pub struct Colors(Cell<Mode>);

impl Colors {
    /// As the environment says.
    pub fn new(env: &Env) -> Colors {
        let mode = match env.get("DPKG_COLORS").map(|v| v.as_encoded_bytes()) {
            None | Some(b"auto") => Mode::Auto,
            Some(b"always") => Mode::On,
            Some(_) => Mode::Off,
        };
        Colors(Cell::new(mode))
    }

    /// The escape sequence for a part, or nothing. The first call settles `auto`.
    pub fn get(&self, part: Part) -> &'static str {
        if self.0.get() == Mode::Auto {
            let terminal = STDOUT.is_terminal();
            self.0.set(if terminal { Mode::On } else { Mode::Off });
        }
        match (self.0.get(), part) {
            (Mode::Off | Mode::Auto, _) => "",
            (Mode::On, Part::Program) => "\x1b[1m",
            (Mode::On, Part::Hint) => "\x1b[1;34m",
            (Mode::On, Part::Warning) => "\x1b[1;33m",
            (Mode::On, Part::Error) => "\x1b[1;31m",
            (Mode::On, Part::Reset) => "\x1b[0m",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_decides() {
        let mut env = Env::default();
        env.set("DPKG_COLORS", b"always");
        assert_eq!(Colors::new(&env).get(Part::Error), "\x1b[1;31m");
        env.set("DPKG_COLORS", b"yes");
        assert_eq!(Colors::new(&env).get(Part::Error), "");
    }
}
