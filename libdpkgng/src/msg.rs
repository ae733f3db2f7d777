//! Messages as data: dpkg's msgid and its arguments, rendered at the border.
//!
//! Message texts are dpkg's own (`printf` templates), because scripts parse them and because
//! the catalogues that Debian ships (`dpkg.mo`) are keyed by them. A [`Msg`] therefore keeps
//! the template and the arguments apart until a [`Catalog`] renders it; the library never
//! formats a user-visible text by itself.
//!
//! ```
//! use libdpkgng::msg;
//! let m = msg!("cannot access archive '%.255s': %s", "x.deb", msg::Arg::Errno(2));
//! assert_eq!(m.to_string(), "cannot access archive 'x.deb': No such file or directory");
//! ```

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// A C string's worth of `bytes`.
pub fn until_nul(bytes: &[u8]) -> &[u8] {
    match memchr::memchr(0, bytes) {
        Some(end) => &bytes[..end],
        None => bytes,
    }
}

/// One argument of a [`Msg`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arg {
    /// A string; bytes because paths and control data need not be UTF-8.
    Bytes(Vec<u8>),
    /// An integer for `%d`, `%u`, `%zu`, `%jd`, `%o`, `%x` or `%c`.
    Int(i128),
    /// The text of an `errno` value, as `strerror(3)` puts it.
    Errno(i32),
    /// A message inside a message (dpkg's nested `_()`), rendered by the same catalogue.
    Msg(Box<Msg>),
}

/// Where translations come from; the default methods leave dpkg's English untouched.
///
/// Translations are bytes in the character set of the user's locale, which need not be UTF-8.
pub trait Catalog {
    /// The translation of `id`, or `id`.
    fn lookup<'a>(&'a self, _domain: &str, id: &'a str) -> Cow<'a, [u8]> {
        Cow::Borrowed(id.as_bytes())
    }
    /// The translation of a plural message for the count `n`.
    fn lookup_plural<'a>(
        &'a self,
        _domain: &str,
        one: &'a str,
        many: &'a str,
        n: u64,
    ) -> Cow<'a, [u8]> {
        Cow::Borrowed(if n == 1 { one } else { many }.as_bytes())
    }
}

/// The text domain of dpkg's messages.
pub const DOMAIN: &str = "dpkg";

/// What gettext puts between the context of a message and the message.
const CONTEXT_END: char = '\x04';

/// dpkg's English, as in `LC_ALL=C.UTF-8`.
pub struct English;
impl Catalog for English {}

/// A `printf` template of dpkg's and its arguments. Built by [`msg!`](crate::msg!) and
/// [`msgn!`](crate::msgn!).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Msg {
    /// Whose message it is: [`DOMAIN`], or that of a program whose work is done here.
    pub domain: &'static str,
    /// The singular (or only) msgid; with its context in front, if it has one.
    pub id: &'static str,
    /// The plural msgid and the count that chooses, where there is one.
    pub plural: Option<(&'static str, u64)>,
    /// The arguments in the order of the English template.
    pub args: Vec<Arg>,
}

impl Msg {
    /// The message in the words of `catalog`.
    pub fn render(&self, catalog: &dyn Catalog) -> Vec<u8> {
        let template = match self.plural {
            None => catalog.lookup(self.domain, self.id),
            Some((many, n)) => catalog.lookup_plural(self.domain, self.id, many, n),
        };
        // Whoever has no translation gives back what was asked for.
        let template = match self.id.split_once(CONTEXT_END) {
            Some((_, text)) if *template == *self.id.as_bytes() => text.as_bytes(),
            _ => &template,
        };
        format_printf(template, &self.args, catalog)
    }

    /// The same as a message of another program's.
    pub fn of(self, domain: &'static str) -> Msg {
        Msg { domain, ..self }
    }

    /// A message that is an already formatted text and is never translated.
    pub fn verbatim(text: impl Into<Arg>) -> Msg {
        Msg {
            domain: DOMAIN,
            id: "%s",
            plural: None,
            args: vec![text.into()],
        }
    }
}

impl fmt::Display for Msg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.render(&English)))
    }
}

/// `msg!("template", arg, …)`: a [`Msg`].
#[macro_export]
macro_rules! msg {
    ($id:expr $(, $arg:expr)* $(,)?) => {
        $crate::msg::Msg {
            domain: $crate::msg::DOMAIN,
            id: $id,
            plural: None,
            args: vec![$($crate::msg::Arg::from($arg)),*],
        }
    };
}

/// `msgn!(n, "one", "many", arg, …)`: a [`Msg`] with dpkg's `ngettext` forms.
#[macro_export]
macro_rules! msgn {
    ($n:expr, $one:expr, $many:expr $(, $arg:expr)* $(,)?) => {
        $crate::msg::Msg {
            domain: $crate::msg::DOMAIN,
            id: $one,
            plural: Some(($many, $n as u64)),
            args: vec![$($crate::msg::Arg::from($arg)),*],
        }
    };
}

/// `msgc!("context", "template")`: a [`Msg`] whose words another message has too, in another
/// sense (dpkg's `C_()`).
#[macro_export]
macro_rules! msgc {
    ($context:literal, $id:literal) => {
        $crate::msg!(concat!($context, "\x04", $id))
    };
}

macro_rules! arg_bytes {
    ($($t:ty => |$v:ident| $e:expr),* $(,)?) => {
        $(impl From<$t> for Arg { fn from($v: $t) -> Arg { Arg::Bytes($e) } })*
    };
}
arg_bytes! {
    &str => |v| v.as_bytes().to_vec(),
    &&str => |v| v.as_bytes().to_vec(),
    String => |v| v.into_bytes(),
    &String => |v| v.as_bytes().to_vec(),
    &[u8] => |v| v.to_vec(),
    Vec<u8> => |v| v,
    &Vec<u8> => |v| v.clone(),
    Box<[u8]> => |v| v.into_vec(),
    &Box<[u8]> => |v| v.to_vec(),
    &OsStr => |v| v.as_bytes().to_vec(),
    &OsString => |v| v.as_bytes().to_vec(),
    &Path => |v| v.as_os_str().as_bytes().to_vec(),
    &PathBuf => |v| v.as_os_str().as_bytes().to_vec(),
    Cow<'_, [u8]> => |v| v.into_owned(),
    Cow<'_, str> => |v| v.into_owned().into_bytes(),
    char => |v| v.to_string().into_bytes(),
}
macro_rules! arg_int {
    ($($t:ty),*) => { $(impl From<$t> for Arg { fn from(v: $t) -> Arg { Arg::Int(v as i128) } })* };
}
arg_int!(i8, u8, i16, u16, i32, u32, i64, u64, isize, usize, i128);
impl From<Msg> for Arg {
    fn from(v: Msg) -> Arg {
        Arg::Msg(Box::new(v))
    }
}
impl From<&Msg> for Arg {
    fn from(v: &Msg) -> Arg {
        Arg::Msg(Box::new(v.clone()))
    }
}
impl From<&std::io::Error> for Arg {
    fn from(v: &std::io::Error) -> Arg {
        match v.raw_os_error() {
            Some(code) => Arg::Errno(code),
            None => Arg::Bytes(v.to_string().into_bytes()),
        }
    }
}
impl From<std::io::Error> for Arg {
    fn from(v: std::io::Error) -> Arg {
        Arg::from(&v)
    }
}
impl From<nix::errno::Errno> for Arg {
    fn from(v: nix::errno::Errno) -> Arg {
        Arg::Errno(v as i32)
    }
}

/// `printf(3)`, as far as dpkg's templates (and their translations) go: flags `-0 +#`, width
/// and precision (numbers or `*`), any length modifier, `d i u o x X c s %`, and `%N$`.
/// A directive without an argument renders as nothing; no template can make this fail.
pub fn format_printf(template: &[u8], args: &[Arg], catalog: &dyn Catalog) -> Vec<u8> {
    let mut out = Vec::with_capacity(template.len() + 32);
    let mut next = 0usize;
    let mut i = 0usize;
    while i < template.len() {
        if template[i] != b'%' {
            out.push(template[i]);
            i += 1;
            continue;
        }
        i += 1;
        if template.get(i) == Some(&b'%') {
            out.push(b'%');
            i += 1;
            continue;
        }
        let number = |i: &mut usize| -> Option<usize> {
            let start = *i;
            let mut n = 0usize;
            while let Some(d) = template.get(*i).filter(|c| c.is_ascii_digit()) {
                n = n.saturating_mul(10).saturating_add(usize::from(d - b'0'));
                *i += 1;
            }
            (*i > start).then_some(n)
        };
        let mut position = None;
        let mark = i;
        match (number(&mut i), template.get(i)) {
            (Some(n), Some(b'$')) => {
                position = Some(n);
                i += 1;
            }
            _ => i = mark,
        }
        let (mut left, mut zero, mut alt) = (false, false, false);
        // What stands in front of a number that is not negative.
        let mut sign = "";
        while let Some(c) = template.get(i) {
            match c {
                b'-' => left = true,
                b'0' => zero = true,
                b'+' => sign = "+",
                b'#' => alt = true,
                b' ' if sign.is_empty() => sign = " ",
                b' ' | b'\'' => {}
                _ => break,
            }
            i += 1;
        }
        // The number that a `*` stands for: the next argument, or with `*N$` that one.
        let int_arg = |i: &mut usize, next: &mut usize| -> i128 {
            let mark = *i;
            let at = match (number(i), template.get(*i)) {
                (Some(n), Some(b'$')) => {
                    *i += 1;
                    n.wrapping_sub(1)
                }
                _ => {
                    *i = mark;
                    *next += 1;
                    *next - 1
                }
            };
            match args.get(at) {
                Some(Arg::Int(n)) => *n,
                _ => 0,
            }
        };
        let mut width = None;
        if template.get(i) == Some(&b'*') {
            i += 1;
            let n = int_arg(&mut i, &mut next);
            left |= n < 0;
            width = Some(n.unsigned_abs() as usize);
        } else if let Some(n) = number(&mut i) {
            width = Some(n);
        }
        let mut precision = None;
        if template.get(i) == Some(&b'.') {
            i += 1;
            if template.get(i) == Some(&b'*') {
                i += 1;
                precision = usize::try_from(int_arg(&mut i, &mut next)).ok();
            } else {
                precision = Some(number(&mut i).unwrap_or(0));
            }
        }
        while matches!(
            template.get(i),
            Some(b'h' | b'l' | b'j' | b'z' | b't' | b'q' | b'L')
        ) {
            i += 1;
        }
        let Some(&conversion) = template.get(i) else {
            break;
        };
        i += 1;
        let arg = match position {
            Some(n) => args.get(n.wrapping_sub(1)),
            None => {
                next += 1;
                args.get(next - 1)
            }
        };
        let body = convert(conversion, arg, precision, sign, alt, catalog);
        let pad = width.unwrap_or(0).min(65_536).saturating_sub(body.len());
        if left {
            out.extend_from_slice(&body);
            out.extend(std::iter::repeat_n(b' ', pad));
        } else if zero && conversion != b's' && conversion != b'c' {
            let sign = usize::from(body.first() == Some(&b'-'));
            out.extend_from_slice(&body[..sign]);
            out.extend(std::iter::repeat_n(b'0', pad));
            out.extend_from_slice(&body[sign..]);
        } else {
            out.extend(std::iter::repeat_n(b' ', pad));
            out.extend_from_slice(&body);
        }
    }
    out
}

fn convert(
    conversion: u8,
    arg: Option<&Arg>,
    precision: Option<usize>,
    sign: &str,
    alt: bool,
    catalog: &dyn Catalog,
) -> Vec<u8> {
    let Some(arg) = arg else { return Vec::new() };
    match (conversion, arg) {
        (b'c', Arg::Int(n)) => vec![*n as u8],
        (b'o', Arg::Int(n)) if alt => format!("0{n:o}").into_bytes(),
        (b'o', Arg::Int(n)) => format!("{n:o}").into_bytes(),
        (b'x', Arg::Int(n)) if alt => format!("{n:#x}").into_bytes(),
        (b'x', Arg::Int(n)) => format!("{n:x}").into_bytes(),
        (b'X', Arg::Int(n)) => format!("{n:X}").into_bytes(),
        (b'd' | b'i', Arg::Int(n)) if *n >= 0 => format!("{sign}{n}").into_bytes(),
        (_, Arg::Int(n)) => n.to_string().into_bytes(),
        (_, text) => {
            let mut bytes = match text {
                Arg::Bytes(b) => b.clone(),
                Arg::Errno(code) => crate::sys::locale::strerror(*code),
                Arg::Msg(m) => m.render(catalog),
                Arg::Int(_) => Vec::new(),
            };
            if let Some(p) = precision {
                bytes.truncate(p);
            }
            bytes
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn printf_forms() {
        assert_eq!(msg!("%s-%d%%", "a", 3).to_string(), "a-3%");
        assert_eq!(
            msg!("[%-5s|%5s|%.2s]", "ab", "cd", "xyz").to_string(),
            "[ab   |   cd|xy]"
        );
        assert_eq!(
            msg!("%04o %jd %zu %c", 0o644, -7, 9usize, 120u8).to_string(),
            "0644 -7 9 x"
        );
        assert_eq!(msg!("%+d|% -4d|% d", 1, 2, -3).to_string(), "+1| 2  |-3");
        assert_eq!(msg!("%2$s %1$s", "a", "b").to_string(), "b a");
        assert_eq!(msg!("%-*.*s|", 5, 2, "xyz").to_string(), "xy   |");
        assert_eq!(msg!("%3$.*1$s%2$d", 2, 7, "xyz").to_string(), "xy7");
        assert_eq!(msg!("%s %d").to_string(), " ");
        assert_eq!(msg!("%").to_string(), "");
    }

    #[test]
    fn plural_follows_count() {
        assert_eq!(msgn!(1, "%d file", "%d files", 1).to_string(), "1 file");
        assert_eq!(msgn!(2, "%d file", "%d files", 2).to_string(), "2 files");
    }

    #[test]
    fn contexts_are_never_seen() {
        use super::*;
        struct German;
        impl Catalog for German {
            fn lookup<'a>(&'a self, _: &str, id: &'a str) -> Cow<'a, [u8]> {
                match id {
                    "version\x04<none>" => Cow::Borrowed(b"<keine>"),
                    _ => Cow::Borrowed(id.as_bytes()),
                }
            }
        }
        assert_eq!(msgc!("version", "<none>").to_string(), "<none>");
        assert_eq!(msgc!("version", "<none>").render(&German), b"<keine>");
        assert_eq!(msgc!("section", "<none>").render(&German), b"<none>");
    }

    #[test]
    fn nested_messages_render_in_place() {
        assert_eq!(msg!("a: %s", msg!("b %d", 1)).to_string(), "a: b 1");
    }
}
