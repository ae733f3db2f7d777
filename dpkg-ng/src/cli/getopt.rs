//! The grammar of getopt_long(3) in the GNU C library, for the tools that have it: options and
//! operands mixed, long names abbreviated, its own words for what is wrong.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use super::Name;

/// What the grammar has to know of one option.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    /// How it is called.
    pub name: Name,
    /// Whether there must be a value.
    pub takes_value: bool,
    /// Whether its long name may be abbreviated.
    pub abbreviates: bool,
}

/// A command line being read.
pub struct Getopt<'a> {
    forms: &'a [Form],
    args: std::slice::Iter<'a, OsString>,
    /// What is left of an argument of several short options.
    cluster: &'a [u8],
    operands: Vec<&'a OsStr>,
    /// `POSIXLY_CORRECT`: the first operand ends the options.
    strict: bool,
}

/// An option that was met: its place in the list of forms, and its value.
pub type Met<'a> = (usize, Option<&'a OsStr>);

/// What is wrong, in the C library's words.
pub type Complaint = Vec<u8>;

impl<'a> Getopt<'a> {
    /// Read `args`, which are without the program's name; `strict` is whether `POSIXLY_CORRECT`
    /// is in the environment.
    pub fn new(forms: &'a [Form], args: &'a [OsString], strict: bool) -> Getopt<'a> {
        Getopt {
            forms,
            args: args.iter(),
            cluster: &[],
            operands: Vec::new(),
            strict,
        }
    }

    /// All that is no option, once there are no more options.
    pub fn operands(self) -> Vec<&'a OsStr> {
        let rest = self.args.map(OsString::as_os_str);
        self.operands.into_iter().chain(rest).collect()
    }

    fn value(&mut self) -> Option<&'a OsStr> {
        self.args.next().map(OsString::as_os_str)
    }

    fn long(&mut self, option: &'a [u8]) -> Result<Met<'a>, Complaint> {
        let sign = option.iter().position(|c| *c == b'=');
        let (name, given) = match sign {
            Some(at) => (&option[..at], Some(OsStr::from_bytes(&option[at + 1..]))),
            None => (option, None),
        };
        let forms = self.forms;
        let long = |form: &Form| form.name.long.unwrap_or_default().as_bytes();
        let index = match forms.iter().position(|f| long(f) == name) {
            Some(index) => index,
            None => {
                let mut possible = (0..forms.len())
                    .filter(|i| forms[*i].abbreviates && long(&forms[*i]).starts_with(name));
                match (possible.next(), possible.next()) {
                    (Some(one), None) => one,
                    (Some(one), Some(other)) => {
                        let mut text =
                            complaint("option '--", option, "' is ambiguous; possibilities:");
                        for i in [one, other].into_iter().chain(possible) {
                            text.extend(complaint(" '--", long(&forms[i]), "'"));
                        }
                        return Err(text);
                    }
                    (None, _) => return Err(complaint("unrecognized option '--", option, "'")),
                }
            }
        };
        let form = &forms[index];
        match (form.takes_value, given) {
            (false, Some(_)) => {
                let what = "' doesn't allow an argument";
                Err(complaint("option '--", long(form), what))
            }
            (true, None) => {
                let what = "' requires an argument";
                let value = self.value();
                let value = value.ok_or_else(|| complaint("option '--", long(form), what))?;
                Ok((index, Some(value)))
            }
            (_, given) => Ok((index, given)),
        }
    }

    fn short(&mut self, letter: u8) -> Result<Met<'a>, Complaint> {
        let form = |f: &Form| f.name.short == Some(letter);
        let Some(index) = self.forms.iter().position(form) else {
            return Err(complaint("invalid option -- '", &[letter], "'"));
        };
        if !self.forms[index].takes_value {
            return Ok((index, None));
        }
        let attached = std::mem::take(&mut self.cluster);
        let value = match attached.is_empty() {
            true => self.value(),
            false => Some(OsStr::from_bytes(attached)),
        };
        let what = "option requires an argument -- '";
        let value = value.ok_or_else(|| complaint(what, &[letter], "'"))?;
        Ok((index, Some(value)))
    }
}

impl<'a> Iterator for Getopt<'a> {
    type Item = Result<Met<'a>, Complaint>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((letter, rest)) = self.cluster.split_first() {
                self.cluster = rest;
                return Some(self.short(*letter));
            }
            let arg = self.args.as_slice().first()?;
            match arg.as_bytes() {
                b"--" => {
                    // What follows are operands all the same.
                    self.args.next();
                    let rest = std::mem::take(&mut self.args);
                    self.operands.extend(rest.map(OsString::as_os_str));
                    return None;
                }
                [b'-', b'-', long @ ..] => {
                    self.args.next();
                    return Some(self.long(long));
                }
                [b'-', cluster @ ..] if !cluster.is_empty() => {
                    self.args.next();
                    self.cluster = cluster;
                }
                _ if self.strict => return None,
                _ => {
                    self.args.next();
                    self.operands.push(arg);
                }
            }
        }
    }
}

fn complaint(before: &str, word: &[u8], after: &str) -> Complaint {
    [before.as_bytes(), word, after.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn form(long: &'static str, short: u8, takes_value: bool) -> Form {
        Form {
            name: Name {
                long: Some(long),
                short: Some(short),
            },
            takes_value,
            abbreviates: true,
        }
    }

    static FORMS: [Form; 4] = [
        form("name", b'n', true),
        form("pid", b'p', true),
        form("pidfile", b'f', true),
        form("quiet", b'q', false),
    ];

    /// The options as text, then what was wrong or the operands.
    fn read(line: &str, strict: bool) -> String {
        let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let mut options = Getopt::new(&FORMS, &args, strict);
        let mut out = String::new();
        for met in &mut options {
            match met {
                Ok((i, None)) => out += &format!("{i} "),
                Ok((i, Some(value))) => out += &format!("{i}={} ", value.display()),
                Err(e) => return out + &String::from_utf8_lossy(&e),
            }
        }
        let operands = options.operands();
        let operands: Vec<_> = operands.iter().map(|o| o.display().to_string()).collect();
        format!("{out}| {}", operands.join(" "))
    }

    #[test]
    fn options_and_operands_mix() {
        assert_eq!(
            read("a -q b --name=x c -- -d e", false),
            "3 0=x | a b c -d e"
        );
        assert_eq!(read("-q a -q -- b", true), "3 | a -q -- b");
        assert_eq!(read("-q -- a", true), "3 | a");
        assert_eq!(read("- -qn x", false), "3 0=x | -");
    }

    #[test]
    fn values_where_they_may_stand() {
        assert_eq!(read("-nx -qny -n --pid", false), "0=x 3 0=y 0=--pid | ");
        assert_eq!(read("--n= --name -q", false), "0= 0=-q | ");
        assert_eq!(read("-n", false), "option requires an argument -- 'n'");
        assert_eq!(read("--na", false), "option '--name' requires an argument");
    }

    #[test]
    fn abbreviations() {
        assert_eq!(read("--pid 1 --pidf 2 --q", false), "1=1 2=2 3 | ");
        assert_eq!(
            read("--p=1", false),
            "option '--p=1' is ambiguous; possibilities: '--pid' '--pidfile'"
        );
        assert_eq!(
            read("--qu=1", false),
            "option '--quiet' doesn't allow an argument"
        );
        assert_eq!(read("--x=1", false), "unrecognized option '--x=1'");
        assert_eq!(read("-qx", false), "3 invalid option -- 'x'");
    }
}
