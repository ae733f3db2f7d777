//! `ADMDIR/NAME`: one link group on disk.
//!
//! One value a line: `auto` or `manual`; the master link; for each slave its name and its link;
//! an empty line; for each choice its path, its priority, and for each slave the file, or an
//! empty line where it has none; an empty line. An empty file is as good as none.

use std::fs::File;
use std::io::{self, Read, Write};

use super::{Alternatives, Choice, Group, Mode, SlaveLink, TMP_EXT};
use crate::error::{Error, OrFail, Result};
use crate::msg;
use crate::msg::Msg;
use crate::report::Event;
use crate::sys::collate;
use crate::sys::dir::{self, make_path};
use crate::sys::place::{Absence, Spot, names};
use crate::sys::stdio::BLOCK;
use crate::{bail, err};

/// How a group is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// By its name: a corrupt file is an error, and choices that are gone are spoken of.
    Named,
    /// Along with all others: corrupt files are passed over.
    All,
}

/// Why a text is no priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PriorityError {
    /// No integer, or something behind it.
    NotInteger,
    /// Too large or too small.
    OutOfRange,
}

/// A priority, as strtol(3) reads it.
///
/// # Errors
/// It is none.
pub fn parse_priority(text: &[u8]) -> Result<i32, PriorityError> {
    let blank = |c: &u8| matches!(c, b' ' | b'\t'..=b'\r');
    let start = text.iter().position(|c| !blank(c)).unwrap_or(text.len());
    let number = text.get(start..).unwrap_or_default();
    let digits = match number.split_first() {
        Some((b'+' | b'-', rest)) => rest,
        _ => number,
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(PriorityError::NotInteger);
    }
    let number = std::str::from_utf8(number).ok();
    let value = number.and_then(|n| n.parse().ok());
    value.ok_or(PriorityError::OutOfRange)
}

/// Why a file could not be parsed.
enum Trouble {
    /// The file is corrupt, in these words.
    Corrupt(Msg),
    /// Something else.
    Other(Error),
}

impl From<Error> for Trouble {
    fn from(e: Error) -> Trouble {
        Trouble::Other(e)
    }
}

/// The lines of a file, and how reading it ended.
struct Lines {
    data: Vec<u8>,
    at: usize,
    failed: Option<io::Error>,
}

impl Lines {
    /// `size` is what it should have.
    fn read(file: File, size: u64) -> Lines {
        let mut data = Vec::with_capacity(size.min(64 << 10) as usize + 1);
        // As a `Take`, so that its size is not asked for once more.
        let failed = file.take(u64::MAX).read_to_end(&mut data).err();
        Lines {
            data,
            at: 0,
            failed,
        }
    }

    /// The next line, which is to be a `what`.
    fn next(&mut self, what: &'static str) -> Result<Vec<u8>, Trouble> {
        let rest = self.data.get(self.at..).unwrap_or_default();
        // Not by memchr: it asks the processor what it can do, which takes longer than all of such a file, above
        // all in a virtual machine.
        let line = match rest.iter().position(|b| *b == b'\n') {
            Some(end) => &rest[..end],
            None => match &self.failed {
                Some(e) => {
                    let text = msg!("while reading %s: %s", msg!(what), e);
                    return Err(Trouble::Corrupt(text));
                }
                None if rest.is_empty() => {
                    let text = "unexpected end of file while trying to read %s";
                    return Err(Trouble::Corrupt(msg!(text, msg!(what))));
                }
                None => return Err(not_terminated(what)),
            },
        };
        // To stock, a NUL ends the line, so that its newline is not seen.
        if line.contains(&0) {
            return Err(not_terminated(what));
        }
        self.at += line.len() + 1;
        Ok(line.to_vec())
    }
}

fn not_terminated(what: &'static str) -> Trouble {
    Trouble::Corrupt(msg!(
        "line not terminated while trying to read %s",
        msg!(what)
    ))
}

/// Parse a group. `is_missing` says of a choice's path whether it is gone, and tells so.
fn parse(
    name: &[u8],
    lines: &mut Lines,
    is_missing: &mut dyn FnMut(&[u8]) -> Result<bool>,
) -> Result<Group, Trouble> {
    let mode = match lines.next("status")?.as_slice() {
        b"auto" => Mode::Auto,
        b"manual" => Mode::Manual,
        _ => return Err(Trouble::Corrupt(msg!("invalid status"))),
    };
    let link = lines.next("master link")?;
    let mut group = Group::new(name, &link, mode);
    while parse_slave(&mut group, lines)? {}
    let mut pruned = false;
    while let Some(kept) = parse_choice(&mut group, lines, is_missing)? {
        pruned |= !kept;
    }
    group.modified = pruned;
    Ok(group)
}

/// One slave; false at the end of their list.
fn parse_slave(group: &mut Group, lines: &mut Lines) -> Result<bool, Trouble> {
    let name = lines.next("slave name")?;
    if name.is_empty() {
        return Ok(false);
    }
    let corrupt = |text: &'static str, what: &[u8]| Err(Trouble::Corrupt(msg!(text, what)));
    if group.slave(&name).is_some() {
        return corrupt("duplicate slave name %s", &name);
    }
    let link = lines.next("slave link")?;
    if link == group.link {
        return corrupt("slave link same as main link %s", &link);
    }
    if group.slaves.iter().any(|s| s.link == link) {
        return corrupt("duplicate slave link %s", &link);
    }
    group.slaves.push(SlaveLink {
        name,
        link,
        updated: false,
    });
    Ok(true)
}

/// One choice; whether it is kept, or nothing at the end of their list.
fn parse_choice(
    group: &mut Group,
    lines: &mut Lines,
    is_missing: &mut dyn FnMut(&[u8]) -> Result<bool>,
) -> Result<Option<bool>, Trouble> {
    let path = lines.next("master file")?;
    if path.is_empty() {
        return Ok(None);
    }
    if group.choice(&path).is_some() {
        return Err(Trouble::Corrupt(msg!("duplicate path %s", &path)));
    }
    let missing = is_missing(&path)?;
    let priority = lines.next("priority")?;
    let priority = match parse_priority(&priority) {
        _ if missing => 0,
        Ok(priority) => priority,
        Err(why) => {
            let text = match why {
                PriorityError::NotInteger => "priority of %s: %s",
                PriorityError::OutOfRange => "priority of %s is out of range: %s",
            };
            return Err(Trouble::Corrupt(msg!(text, &path, &priority)));
        }
    };
    let mut slaves = Vec::with_capacity(group.slaves.len());
    for slave in &group.slaves {
        slaves.push((slave.name.clone(), lines.next("slave file")?));
    }
    if !missing {
        group.choices.push(Choice {
            path,
            priority,
            slaves,
        });
    }
    Ok(Some(!missing))
}

/// The content of a group's file, or the value in it that cannot be written, and what comes
/// before that. Slaves are those of the group; a choice may know fewer or more.
fn render(group: &Group) -> Result<Vec<u8>, (Vec<u8>, Vec<u8>)> {
    let mut lines: Vec<&[u8]> = vec![group.mode.word().as_bytes(), &group.link];
    for slave in &group.slaves {
        lines.extend([slave.name.as_slice(), &slave.link]);
    }
    lines.push(b"");
    let number = |c: &Choice| c.priority.to_string().into_bytes();
    let priorities: Vec<Vec<u8>> = group.choices.iter().map(number).collect();
    for (choice, priority) in group.choices.iter().zip(&priorities) {
        lines.extend([choice.path.as_slice(), priority]);
        let files = group.slaves.iter().map(|s| choice.slave(&s.name));
        lines.extend(files.map(Option::unwrap_or_default));
    }
    lines.push(b"");
    let mut out = Vec::new();
    for line in lines {
        if line.contains(&b'\n') {
            return Err((line.to_vec(), out));
        }
        out.extend_from_slice(line);
        out.push(b'\n');
    }
    Ok(out)
}

/// Read the content of a group's file, its choices as they stand there, for who looks at it without
/// taking part.
///
/// # Errors
/// The line (the first is 1) at which it is corrupt, and how.
pub fn read_group(name: &[u8], content: Vec<u8>) -> Result<Group, (usize, Msg)> {
    let mut lines = Lines {
        data: content,
        at: 0,
        failed: None,
    };
    parse(name, &mut lines, &mut |_| Ok(false)).map_err(|trouble| {
        let read = lines.data.get(..lines.at).unwrap_or_default();
        let passed = read.iter().filter(|c| **c == b'\n').count();
        // What was read and found wrong is the line before; what could not be read is the next.
        match trouble {
            Trouble::Corrupt(reason) => (passed.max(1), reason),
            Trouble::Other(e) => (passed.max(1), e.msg),
        }
    })
}

impl Alternatives<'_> {
    /// Read a group (`alternative_load`); nothing if there is none, or it is not to be read.
    ///
    /// # Errors
    /// Its file cannot be opened, a path in it not be looked at, or it is corrupt.
    pub fn load(&mut self, name: &[u8], reading: Reading) -> Result<Option<Group>> {
        let file_name = self.tree.admin(name);
        let open = file_name.read().if_there();
        let open = open.or_fail(|| msg!("unable to open file '%s'", &file_name))?;
        let Some(file) = open else {
            return Ok(None);
        };
        let meta = file.metadata();
        let size = meta
            .or_fail(|| msg!("cannot stat file '%s'", &file_name))?
            .len();
        if size == 0 {
            return Ok(None);
        }
        let mut lines = Lines::read(file, size);
        let (tree, report) = (&self.tree, &mut *self.report);
        let mut is_missing = |path: &[u8]| {
            let missing = tree.is_missing(path)?;
            if missing && reading == Reading::Named {
                report.warning(msg!(
                    concat!(
                        "alternative %s (part of link group %s) ",
                        "doesn't exist; removing from list of alternatives"
                    ),
                    path,
                    name
                ));
            }
            Ok(missing)
        };
        match parse(name, &mut lines, &mut is_missing) {
            Ok(group) => Ok(Some(group)),
            Err(Trouble::Other(e)) => Err(e),
            Err(Trouble::Corrupt(_)) if reading == Reading::All => Ok(None),
            Err(Trouble::Corrupt(text)) => Err(err!("%s corrupt: %s", &file_name, text)),
        }
    }

    /// Read every group that can be read, in the order of the locale.
    ///
    /// # Errors
    /// The directory or a file cannot be read.
    pub fn load_all(&mut self) -> Result<Vec<Group>> {
        let mut groups = Vec::new();
        for name in self.names()? {
            groups.extend(self.load(&name, Reading::All)?);
        }
        Ok(groups)
    }

    /// The names of the files in the administrative directory (`altdb_get_namelist`).
    fn names(&self) -> Result<Vec<Vec<u8>>> {
        let dir = self.tree.admdir();
        let cannot = || msg!("cannot scan directory '%.255s'", &dir);
        let open = dir.open(libc::O_RDONLY | libc::O_DIRECTORY, true);
        let Some(open) = open.if_there().or_fail(cannot)? else {
            return Ok(Vec::new());
        };
        let mut names = names(open).or_fail(cannot)?;
        names.retain(|name| {
            let staged = name.len() > TMP_EXT.len() && name.ends_with(TMP_EXT.as_bytes());
            !staged && !matches!(&name[..], b"." | b"..")
        });
        names.sort_by(|a, b| collate::compare(a, b));
        Ok(names)
    }

    /// Write a group down (`alternative_save`).
    ///
    /// # Errors
    /// The file cannot be written or put in place.
    pub(super) fn save(&mut self, group: &mut Group) -> Result<()> {
        for slave in group.tidy() {
            let text = "discarding obsolete slave link %s (%s)";
            self.say(Event::Verbose(msg!(text, &slave.name, &slave.link)))?;
        }
        let new = [&group.name, TMP_EXT.as_bytes()].concat();
        let (new, file) = self.create(&new)?;
        let content = match render(group) {
            Ok(content) => content,
            Err((line, before)) => {
                let _ = (&file).write_all(&before);
                bail!(
                    "newlines prohibited in update-alternatives files (%s)",
                    &line
                );
            }
        };
        // Where stdio writes: a block when more is to come, and what is left at the end.
        let (blocks, rest) = content.split_at(content.len().saturating_sub(1) / BLOCK * BLOCK);
        (&file)
            .write_all(blocks)
            .or_fail(|| msg!("unable to write file '%s'", &new))?;
        (&file)
            .write_all(rest)
            .or_fail(|| msg!("unable to flush file '%s'", &new))?;
        file.sync_all()
            .or_fail(|| msg!("unable to sync file '%s'", &new))?;
        drop(file);
        let name = self.tree.admin(&group.name);
        self.rename(&new, &name)?;
        // Before links that it would not know: those count as changed by somebody.
        dir::sync_parent(&name)
    }

    /// Create a file to be written, with its directory.
    fn create(&self, name: &[u8]) -> Result<(Spot, File)> {
        let mut spot = self.tree.admin(name);
        let cannot = || msg!("unable to create file '%s'", self.tree.admin(name).shown());
        if let Some(file) = spot.create_anew(0o666).if_there().or_fail(cannot)? {
            return Ok((spot, file));
        }
        let dir = self.tree.admdir();
        make_path(&dir, 0o755)
            .or_fail(|| msg!("cannot create administrative directory '%s'", &dir))?;
        dir::sync_parent(&dir.again())?;
        spot = spot.again();
        let file = spot.create_anew(0o666).or_fail(cannot)?;
        Ok((spot, file))
    }

    /// Remove a group's file.
    pub(super) fn unlink_admin_file(&self, name: &[u8]) -> Result<()> {
        let file = self.tree.admin(name);
        super::tree::unlink(&file)?;
        dir::sync_parent_if_there(&file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, gone: &[u8]) -> Result<Group, String> {
        let mut lines = Lines {
            data: text.into(),
            at: 0,
            failed: None,
        };
        let parsed = parse(b"g", &mut lines, &mut |p| Ok(p == gone));
        parsed.map_err(|e| match e {
            Trouble::Corrupt(text) => text.to_string(),
            Trouble::Other(e) => e.to_string(),
        })
    }

    const FILE: &str = "manual\n/l\nb\n/lb\na\n/la\n\n/x\n10\n/xb\n\n/w\n-5\n\n/wa\n\n";

    #[test]
    fn what_is_read_is_written_sorted() {
        let mut group = read(FILE, b"").unwrap();
        assert_eq!(group.mode, Mode::Manual);
        assert_eq!(group.choices[0].slave(b"b"), Some(b"/xb".as_slice()));
        assert_eq!(group.choices[0].slave(b"a"), None);
        assert!(!group.modified);
        let same = render(&group).unwrap();
        assert_eq!(String::from_utf8(same).unwrap(), FILE);
        group.tidy();
        let sorted = "manual\n/l\na\n/la\nb\n/lb\n\n/w\n-5\n/wa\n\n/x\n10\n\n/xb\n\n";
        assert_eq!(String::from_utf8(render(&group).unwrap()).unwrap(), sorted);
    }

    #[test]
    fn choices_that_are_gone_are_dropped_unchecked() {
        let text = FILE.replace("10", "ten");
        assert_eq!(read(&text, b"").unwrap_err(), "priority of /x: ten");
        let group = read(&text, b"/x").unwrap();
        assert!(group.modified);
        assert_eq!(group.choices.len(), 1);
    }

    #[test]
    fn corrupt_files_are_told_apart() {
        for (text, problem) in [
            ("garbage\n", "invalid status"),
            ("auto", "line not terminated while trying to read status"),
            (
                "au\0to\n",
                "line not terminated while trying to read status",
            ),
            (
                "auto\n",
                "unexpected end of file while trying to read master link",
            ),
            ("auto\n/l\na\n/l\n", "slave link same as main link /l"),
            ("auto\n/l\na\n/a\na\n", "duplicate slave name a"),
            ("auto\n/l\na\n/a\nb\n/a\n", "duplicate slave link /a"),
            ("auto\n/l\n\n/x\n1\n/x\n", "duplicate path /x"),
            (
                "auto\n/l\n\n/x\n99999999999\n",
                "priority of /x is out of range: 99999999999",
            ),
        ] {
            assert_eq!(read(text, b"").unwrap_err(), problem);
        }
    }

    #[test]
    fn priorities_are_c_integers() {
        let out = Err(PriorityError::OutOfRange);
        let none = Err(PriorityError::NotInteger);
        for (text, value) in [
            ("5", Ok(5)),
            (" +5", Ok(5)),
            ("-2147483648", Ok(i32::MIN)),
            ("2147483648", out),
            ("99999999999999999999999", out),
            ("99999999999999999999999x", none),
            ("", none),
            ("+", none),
            ("1 ", none),
            ("--1", none),
        ] {
            assert_eq!(parse_priority(text.as_bytes()), value, "{text}");
        }
    }
}
