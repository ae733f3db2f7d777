//! `dpkg-ng view …` and `dpkg-ng gc …`: what stands on the command line, and who does it.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;

use dpkgng_plugin::{Failed, Host};

use crate::generation::Reader;
use crate::layout::{Layout, Place};
use crate::output::{Out, terminal_width};
use crate::view::{self, Collection};

/// Options and words of a command line.
#[derive(Debug, Default, PartialEq, Eq)]
struct Words {
    /// Behind the subcommand.
    words: Vec<String>,
    json: bool,
    dry_run: bool,
    no_scripts: bool,
    keep: Option<usize>,
    why: Option<PathBuf>,
    harmless: BTreeSet<u32>,
}

impl Words {
    fn parse(args: &[OsString]) -> Result<Words, Failed> {
        let mut parsed = Words::default();
        let mut left = args.iter();
        while let Some(arg) = left.next() {
            let text = arg.to_string_lossy();
            let (name, value) = match text.split_once('=') {
                Some((name, value)) if name.starts_with("--") => {
                    (name.to_owned(), Some(OsString::from(value)))
                }
                _ => (text.clone().into_owned(), None),
            };
            let mut value = || {
                let value = value.clone().or_else(|| left.next().cloned());
                value.ok_or_else(|| Failed::new(format!("{name} takes a value")))
            };
            match name.as_str() {
                "--json" => parsed.json = true,
                "--dry-run" | "--no-act" | "--simulate" => parsed.dry_run = true,
                "--no-scripts" => parsed.no_scripts = true,
                "--keep" => parsed.keep = Some(number(&name, &value()?)?),
                "--why" => parsed.why = Some(value()?.into()),
                "--ignore-process" => {
                    parsed.harmless.insert(number(&name, &value()?)?);
                }
                option if option.starts_with('-') => {
                    return Err(Failed::new(format!("unknown option {option}")));
                }
                _ => parsed.words.push(name),
            }
        }
        Ok(parsed)
    }
}

fn number<T: std::str::FromStr>(option: &str, value: &OsString) -> Result<T, Failed> {
    let text = value.to_string_lossy();
    let wrong = || Failed::new(format!("{option}: '{text}' is not a number"));
    text.parse().map_err(|_| wrong())
}

/// Standard output, by the host, which knows of errors there.
struct Output(Host);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .output(bytes)
            .map_err(|e| io::Error::other(e.to_string()))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Where lists are printed.
pub fn with_out<T>(host: Host, json: bool, print: impl FnOnce(&mut Out<'_>) -> T) -> T {
    let mut output = Output(host);
    print(&mut Out::new(&mut output, terminal_width(), json))
}

/// `dpkg-ng view …`
pub fn view(host: Host, layout: &Layout, args: &[OsString]) -> Result<i32, Failed> {
    const USAGE: &str =
        "view needs one of: create, clone, list, diff, switch, rollback, rm, pin, unpin, apt";
    let Some(sub) = args.first().map(|a| a.to_string_lossy().into_owned()) else {
        return Err(Failed::new(USAGE));
    };
    let rest = args.get(1..).unwrap_or_default();
    if sub == "apt" {
        return super::apt::apt(host, layout, rest);
    }
    let parsed = Words::parse(rest)?;
    let words: Vec<&str> = parsed.words.iter().map(String::as_str).collect();
    let reader = Reader::new(layout.clone());
    let open = || super::open(host, layout);
    let place = |word: &str| -> Result<Place, Failed> { Ok(word.parse()?) };
    with_out(host, parsed.json, |out| {
        Ok(match (sub.as_str(), &words[..]) {
            ("list", []) => view::list(&reader, None, out)?,
            ("list", [view]) => view::list(&reader, Some(&view.parse()?), out)?,
            ("diff", [old, new]) => view::diff(&reader, &place(old)?, &place(new)?, out)?,
            ("create", [view]) => {
                let view = view.parse()?;
                super::apt::create(host, layout, &view, None)?;
                view::at(&reader, &view, out)?
            }
            ("clone", [from, new]) => {
                view::clone_view(&open()?, &place(from)?, &new.parse()?, out)?
            }
            ("switch", [to]) => view::switch(&open()?, &place(to)?, out)?,
            ("rollback", [view]) => view::rollback(&open()?, &view.parse()?, out)?,
            ("rm", [what]) => view::remove(&open()?, &place(what)?, &parsed.harmless, out)?,
            ("pin", [name, what]) => view::pin(&open()?, &name.parse()?, &place(what)?, out)?,
            ("unpin", [name]) => view::unpin(&open()?, &name.parse()?, out)?,
            (
                "list" | "diff" | "create" | "clone" | "switch" | "rollback" | "rm" | "pin"
                | "unpin",
                _,
            ) => {
                return Err(Failed::new(format!("view {sub}: {}", usage(&sub))));
            }
            _ => return Err(Failed::new(USAGE)),
        })
    })
}

fn usage(sub: &str) -> &'static str {
    match sub {
        "list" => "[VIEW]",
        "diff" => "VIEW[@GENERATION] VIEW[@GENERATION]",
        "clone" => "VIEW[@GENERATION] NEW",
        "switch" => "VIEW@GENERATION",
        "rm" => "VIEW[@GENERATION]",
        "pin" => "NAME VIEW[@GENERATION]",
        "unpin" => "NAME",
        _ => "VIEW",
    }
}

/// `dpkg-ng gc …`
pub fn gc(host: Host, layout: &Layout, args: &[OsString]) -> Result<i32, Failed> {
    let parsed = Words::parse(args)?;
    if let Some(word) = parsed.words.first() {
        return Err(Failed::new(format!("gc takes no '{word}'")));
    }
    let asked = Collection {
        keep: parsed.keep,
        harmless: parsed.harmless.clone(),
    };
    let reader = Reader::new(layout.clone());
    if let Some(path) = &parsed.why {
        return with_out(host, parsed.json, |out| Ok(asked.why(&reader, path, out)?));
    }
    if parsed.dry_run {
        return with_out(host, parsed.json, |out| Ok(asked.dry_run(&reader, out)?));
    }
    let sys = super::open(host, layout)?;
    with_out(host, parsed.json, |out| {
        Ok(view::collect(&sys, &asked, out)?)
    })
}
