//! How such a tool speaks: line by line, with the functions of dpkg-error.sh, through its
//! shell's `echo`. None of it is translated.

use std::io::Write as _;
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::OsStrExt as _;

use libdpkgng::sys::inherited::{self, STDOUT};

use super::{Exit, Step};
use crate::cli::Env;
use crate::receivers::{Colors, Part};

/// The functions of dpkg-error.sh.
pub struct Words {
    program: Vec<u8>,
    colors: Colors,
    debug: bool,
}

impl Words {
    /// For a program executed by this path, unless the environment has a name for it.
    pub fn new(env: &Env, path: &[u8]) -> Words {
        let named = env.get_nonempty("PROGNAME").map(|n| n.as_bytes().to_vec());
        let base = path.rsplit(|c| *c == b'/').next().unwrap_or(path);
        Words {
            program: named.unwrap_or_else(|| base.to_vec()),
            colors: Colors::new(env),
            debug: env.get_nonempty("DPKG_DEBUG").is_some(),
        }
    }

    /// The program's name.
    pub fn program(&self) -> &[u8] {
        &self.program
    }

    /// `echo`
    pub fn say(&self, text: &[u8]) -> Step {
        print(&echoed(text))
    }

    /// `debug`
    pub fn debug(&self, text: impl FnOnce() -> Vec<u8>) {
        if self.debug {
            self.complain(&[b"debug: ", &*text()].concat());
        }
    }

    /// `warning`
    pub fn warning(&self, text: &[u8]) {
        let kind = self.colored(Part::Warning, "warning");
        self.complain(&[&*kind, b": ", text].concat());
    }

    /// `error`: what it returns ends the tool.
    pub fn error(&self, text: &[u8]) -> Exit {
        let kind = self.colored(Part::Error, "error");
        self.complain(&[&*kind, b": ", text].concat());
        Exit(1)
    }

    /// `badusage`: what it returns ends the tool.
    pub fn badusage(&self, text: &[u8]) -> Exit {
        let exit = self.error(text);
        let hint = [
            b"\nUse '",
            &*self.program,
            b" --help' for program usage information.",
        ];
        to_stderr(&echoed(&hint.concat()));
        exit
    }

    fn complain(&self, text: &[u8]) {
        let (on, off) = (self.colors.get(Part::Program), self.colors.get(Part::Reset));
        let line = [on.as_bytes(), &*self.program, off.as_bytes(), b": ", text];
        to_stderr(&echoed(&line.concat()));
    }

    fn colored(&self, part: Part, word: &str) -> Vec<u8> {
        let (on, off) = (self.colors.get(part), self.colors.get(Part::Reset));
        [on, word, off].concat().into_bytes()
    }
}

/// Write to standard output.
pub fn print(text: &[u8]) -> Step {
    inherited::write_all(STDOUT.as_raw_fd(), text).map_err(|_| Exit(1))
}

fn to_stderr(text: &[u8]) {
    // As little as the script's echo can we tell of it.
    let _ = std::io::stderr().write_all(text);
}

/// What dash's `echo` makes of its argument: escapes count, `\c` ends it all.
fn echoed(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 1);
    let mut rest = text;
    while let Some((&c, tail)) = rest.split_first() {
        rest = tail;
        let Some((&escape, after)) = tail.split_first().filter(|_| c == b'\\') else {
            out.push(c);
            continue;
        };
        rest = after;
        let byte = match escape {
            b'a' => 7,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 11,
            b'\\' => b'\\',
            b'c' => return out,
            b'e' => 27,
            first @ b'0'..=b'7' => {
                // A leading zero stands beside the three digits.
                let at_most = if first == b'0' { 3 } else { 2 };
                let digits = after.iter().take(at_most);
                let digits = digits.take_while(|d| matches!(d, b'0'..=b'7')).count();
                let (number, behind) = after.split_at(digits);
                rest = behind;
                number.iter().fold(first - b'0', |n, d| {
                    n.wrapping_mul(8).wrapping_add(d - b'0')
                })
            }
            other => {
                out.push(b'\\');
                other
            }
        };
        out.push(byte);
    }
    out.push(b'\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn echo_takes_escapes() {
        assert_eq!(echoed(b"a b"), b"a b\n");
        assert_eq!(echoed(br"a\tb\\c\d\0101\060"), b"a\tb\\c\\dA0\n");
        assert_eq!(echoed(br"\1012\01012\18\e\777"), b"A2A2\x018\x1b\xff\n");
        assert_eq!(echoed(br"a\cb"), b"a");
        assert_eq!(echoed(b"a\\"), b"a\\\n");
    }
}
