//! `triggers/Unincorp`: activations that dpkg has not looked at yet (trigdeferred.c).
//!
//! `dpkg-trigger` adds to it while maintainer scripts run, dpkg takes it over and leaves it
//! empty. Both hold `triggers/Lock` while they do, and replace the file as a whole.

use std::fs::File;
use std::io::{BufWriter, Read, Write};

use crate::err;
use crate::error::{OrFail, Result};
use crate::msg;
use crate::sys::dir;
use crate::sys::lines::Lines;
use crate::sys::lock::FileLock;
use crate::sys::place::{Absence, Spot};

const LOCKFILE: &[u8] = b"Lock";
const DEFERRED: &[u8] = b"Unincorp";
const DEFERRED_NEW: &[u8] = b"Unincorp.new";

/// The longest line, with newline and terminator (`_POSIX2_LINE_MAX`).
const LINE_MAX: usize = 2048;

/// What a caller wants to do with the file, and what it takes for granted
/// (`trigdef_update_flags`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// Take the lock and write a new file.
    pub write: bool,
    /// Also when the old one is empty.
    pub write_if_empty: bool,
    /// Also when there is none.
    pub write_if_missing: bool,
}

/// What was found (`trigdef_update_status`).
#[derive(Debug)]
pub enum Start {
    /// There is no `triggers/` to lock in.
    NoDir,
    /// The file is empty, and that is no reason to write.
    Empty,
    /// There is no file, and that is no reason to write.
    Missing,
    /// There was no file; a new one is being written.
    Fresh(Update),
    /// The old file is open, and, if asked for, a new one is being written.
    Ok(Update),
}

/// The file between reading and replacing; the lock is held as long as this lives.
#[derive(Debug)]
pub struct Update {
    dir: Spot,
    old: Option<File>,
    new: Option<BufWriter<File>>,
    _lock: Option<FileLock>,
}

/// Receives what the file says.
pub trait Receiver {
    /// A line starts: the trigger that was activated.
    fn begin(&mut self, trigger: &[u8]) -> Result<()>;
    /// A package that awaits it, `-` for none.
    fn package(&mut self, name: &[u8]) -> Result<()>;
    /// The line ends.
    fn end(&mut self) -> Result<()>;
}

fn leads_nowhere(link: &Spot) -> bool {
    matches!(link.stat().if_there(), Ok(None))
}

/// Open and lock the file in the triggers directory `dir` (`trigdef_update_start`).
///
/// # Errors
/// Any failure but the ones that [`Start`] names.
pub fn start(dir: &Spot, flags: Flags) -> Result<Start> {
    let mut lock = None;
    if flags.write {
        let name = dir.child(LOCKFILE);
        let open = match name.open_lock(0o600) {
            // A link is not followed. One that leads nowhere is, to stock, a directory that lacks.
            Err(e) if e.raw_os_error() == Some(libc::ELOOP) && leads_nowhere(&name) => Ok(None),
            open => open.if_there(),
        };
        let open =
            open.or_fail(|| msg!("unable to open/create triggers lock file '%.250s'", &name))?;
        let Some(file) = open else {
            return Ok(Start::NoDir);
        };
        lock = Some(FileLock::lock(file, true, msg!("triggers database lock"))?);
    }

    let name = dir.child(DEFERRED);
    let open = name.read().if_there();
    let open = open.or_fail(|| msg!("unable to open triggers deferred file '%.250s'", &name))?;
    let old = match open {
        Some(file) => {
            let meta = file
                .metadata()
                .or_fail(|| msg!("unable to stat triggers deferred file '%.250s'", &name))?;
            if meta.len() == 0 && !flags.write_if_empty {
                return Ok(Start::Empty);
            }
            Some(file)
        }
        None if !flags.write_if_missing => return Ok(Start::Missing),
        None => None,
    };

    let mut new = None;
    if flags.write {
        let name = dir.child(DEFERRED_NEW);
        let file = name.create_anew(0o666).or_fail(|| {
            msg!(
                "unable to open/create new triggers deferred file '%.250s'",
                &name
            )
        })?;
        new = Some(BufWriter::new(file));
    }
    let found = old.is_some();
    let update = Update {
        dir: dir.clone(),
        old,
        new,
        _lock: lock,
    };
    Ok(if found {
        Start::Ok(update)
    } else {
        Start::Fresh(update)
    })
}

impl Update {
    /// The old content.
    ///
    /// # Errors
    /// The old file cannot be read.
    pub fn old(&self) -> Result<Vec<u8>> {
        let mut content = Vec::new();
        if let Some(mut file) = self.old.as_ref() {
            let read = file.read_to_end(&mut content);
            read.or_fail(|| msg!("read error in '%.250s'", &self.name()))?;
        }
        Ok(content)
    }

    /// The file's name, for errors.
    pub fn name(&self) -> Spot {
        self.dir.child(DEFERRED)
    }

    /// Add to the new content; nothing happens when none is being written
    /// (`trigdef_update_printf`).
    ///
    /// # Errors
    /// The new file cannot be written.
    pub fn put(&mut self, text: &[u8]) -> Result<()> {
        let Some(new) = &mut self.new else {
            return Ok(());
        };
        let name = self.dir.child(DEFERRED_NEW);
        new.write_all(text)
            .or_fail(|| msg!("unable to write new triggers deferred file '%.250s'", &name))
    }

    /// Put the new file in place and unlock (`trigdef_process_done`).
    ///
    /// # Errors
    /// The new file cannot be written or put in place.
    pub fn done(mut self) -> Result<()> {
        let Some(mut new) = self.new.take() else {
            return Ok(());
        };
        let new_name = self.dir.child(DEFERRED_NEW);
        new.flush().or_fail(|| {
            msg!(
                "unable to close new triggers deferred file '%.250s'",
                &new_name
            )
        })?;
        drop(new);
        let name = self.name();
        new_name.rename(&name).or_fail(|| {
            msg!(
                "unable to install new triggers deferred file '%.250s'",
                &name
            )
        })?;
        dir::sync(&self.dir)
    }
}

/// Tell `receiver` what the content of the file `name` says (`trigdef_parse`): on each line a
/// trigger and the packages that await it; reading ends at the first empty line.
///
/// # Errors
/// Of syntax, naming line and column; or the receiver's.
pub fn parse(content: &[u8], name: &Spot, receiver: &mut dyn Receiver) -> Result<()> {
    let mut lines = Lines::over(content, name.shown(), LINE_MAX);
    let mut number = 0;
    while let Some(line) = lines.next_line()?.filter(|l| !l.is_empty()) {
        number += 1;
        let broken = |at: usize| {
            err!(
                "syntax error in triggers deferred file '%.250s' at line %d character %zd '%s'",
                name,
                number,
                at + 1,
                line.get(at..).unwrap_or_default()
            )
        };
        let at = |i: usize| line.get(i).copied();
        let skip_blanks = |i: usize| {
            let blanks = line[i..].iter().take_while(|c| matches!(c, b' ' | b'\t'));
            i + blanks.count()
        };

        let start = skip_blanks(0);
        if matches!(at(start), None | Some(b'#')) {
            continue;
        }
        let graphic = line[start..].iter().take_while(|c| c.is_ascii_graphic());
        let mut i = start + graphic.count();
        if i == start || i == line.len() {
            return Err(broken(i));
        }
        receiver.begin(&line[start..i])?;
        i += 1;

        while i < line.len() {
            let start = skip_blanks(i);
            let first = |c: u8| c.is_ascii_digit() || c.is_ascii_lowercase() || c == b'-';
            if !at(start).is_some_and(first) {
                return Err(broken(start));
            }
            let inner = |c: &&u8| first(**c) || matches!(c, b':' | b'+' | b'.');
            i = start + 1;
            i += line[i..].iter().take_while(inner).count();
            if !matches!(at(i), None | Some(b'#' | b' ' | b'\t')) {
                return Err(broken(i));
            }
            let package = &line[start..i];
            i += 1;
            if package[0] == b'-' && package.len() > 1 {
                return Err(err!(
                    "invalid package name '%.250s' in triggers deferred file '%.250s'",
                    package,
                    name
                ));
            }
            receiver.package(package)?;
        }
        receiver.end()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::place::Place;

    #[derive(Default)]
    struct Said(Vec<u8>);
    impl Receiver for Said {
        fn begin(&mut self, trigger: &[u8]) -> Result<()> {
            self.0.extend_from_slice(trigger);
            Ok(())
        }
        fn package(&mut self, name: &[u8]) -> Result<()> {
            self.0.push(b' ');
            self.0.extend_from_slice(name);
            Ok(())
        }
        fn end(&mut self) -> Result<()> {
            self.0.push(b';');
            Ok(())
        }
    }

    fn said(text: &str) -> String {
        let mut said = Said::default();
        let result = parse(text.as_bytes(), &Spot::path(b"U"), &mut said);
        let mut out = String::from_utf8(said.0).unwrap();
        if let Err(e) = result {
            out.push('!');
            out += &e.to_string();
        }
        out
    }

    // The cases of lib/dpkg/t/t-trigdeferred.c, and the corners of its parser.
    #[test]
    fn lines_of_triggers_and_packages() {
        assert_eq!(said(""), "");
        assert_eq!(said("# comment\n"), "");
        assert_eq!(said("trigger package\n"), "trigger package;");
        assert_eq!(said("/file/trigger  -\n"), "/file/trigger -;");
        assert_eq!(said(" \ttrig0 pkg0 -\ta.b:c+ \n"), "trig0 pkg0 - a.b:c+;");
        assert_eq!(said("a b\n\nc d\n"), "a b;");
        assert_eq!(said("a b#c\n"), "a b c;");
        assert_eq!(said("a \n"), "a;");
    }

    #[test]
    fn errors_name_the_place() {
        let at = |line, column, rest: &str| {
            format!(
                "!syntax error in triggers deferred file 'U' at line {line} character {column} '{rest}'"
            )
        };
        assert_eq!(said("trigger\n"), at(1, 8, ""));
        assert_eq!(said("a b\na P\n"), format!("a b;a{}", at(2, 3, "P")));
        assert_eq!(said("a b  \n"), format!("a b{}", at(1, 6, "")));
        assert_eq!(said("a b_c\n"), format!("a{}", at(1, 4, "_c")));
        assert_eq!(said("\x07 b\n"), at(1, 1, "\x07 b"));
        let invalid = "a!invalid package name '-b' in triggers deferred file 'U'";
        assert_eq!(said("a -b\n"), invalid);
    }

    #[test]
    fn replaced_under_the_lock() {
        let dir = tempfile::tempdir().unwrap();
        let triggers = Place::new(dir.path()).spot(b"/triggers");
        let write = Flags {
            write: true,
            ..Flags::default()
        };
        assert!(matches!(start(&triggers, write).unwrap(), Start::NoDir));
        std::fs::create_dir(triggers.shown_path()).unwrap();
        assert!(matches!(start(&triggers, write).unwrap(), Start::Missing));
        let always = Flags {
            write_if_missing: true,
            write_if_empty: true,
            ..write
        };
        let Start::Fresh(mut update) = start(&triggers, always).unwrap() else {
            panic!("a file out of nothing");
        };
        update.put(b"a -\n").unwrap();
        update.done().unwrap();
        let Start::Ok(update) = start(&triggers, Flags::default()).unwrap() else {
            panic!("the file is there");
        };
        assert_eq!(update.old().unwrap(), b"a -\n");
        update.done().unwrap();
        let Start::Ok(update) = start(&triggers, write).unwrap() else {
            panic!("the file is there");
        };
        update.done().unwrap();
        assert!(matches!(start(&triggers, write).unwrap(), Start::Empty));
        assert!(triggers.child(DEFERRED_NEW).exists().is_err());
    }
}
