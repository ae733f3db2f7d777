//! Accounts: what scripts added to `/etc/passwd` and its like is added to the host's, under its lock, and never removed:
//! files of the machine have these owners from now on.
//!
//! What was added is what the transaction's files have and the host's had not when it began (`before/`). So a
//! user whom the administrator removes meanwhile does not come back.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::Path;
use std::time::Duration;

use rustix::fs::{FlockOperation, Mode, OFlags, XattrFlags};
use rustix::io::Errno;

use super::rules::ACCOUNTS;
use super::{Done, Kept, StateError, Wanted, Why, place, upper};
use crate::generation::{Disk, unless_absent};
use crate::manifest::path::{escape, unescape_any};

/// What is to be added to the host's accounts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Additions {
    /// Entries.
    pub entries: Vec<Entry>,
    /// Members of groups that were there before.
    pub members: Vec<Member>,
}

/// A line of an accounts file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Of which of [`ACCOUNTS`], by its place there.
    pub file: usize,
    /// The line, whose first field is its name.
    pub line: Vec<u8>,
    /// Whether its number, or part of its range, was another's, too, when it was made: that is so on purpose.
    pub shared: bool,
}

/// A member of a group, in group(5) or gshadow(5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Of which of [`ACCOUNTS`].
    pub file: usize,
    /// Of which group.
    pub group: Vec<u8>,
    /// Who.
    pub member: Vec<u8>,
}

const PASSWD: usize = 0;
const GROUP: usize = 1;
const GSHADOW: usize = 3;
const SUBUID: usize = 4;

/// The order in which files are written: nothing names what is not there yet.
const ORDER: [usize; 6] = [GROUP, GSHADOW, PASSWD, 2, SUBUID, 5];

/// How often, and how long apart, the lock is tried: 15 seconds in all, as lckpwdf(3) does.
const TRIES: u32 = 150;
const PAUSE: Duration = Duration::from_millis(100);

/// The lock of all accounts, lckpwdf(3).
pub(super) const LOCK: &str = ".pwd.lock";

/// Lines of one file.
#[derive(Debug, Clone, Default)]
struct Lines(Vec<Vec<u8>>);

fn fields(line: &[u8]) -> Vec<&[u8]> {
    line.split(|b| *b == b':').collect()
}

fn name(line: &[u8]) -> &[u8] {
    line.split(|b| *b == b':').next().unwrap_or_default()
}

fn list(field: &[u8]) -> impl Iterator<Item = &[u8]> {
    field.split(|b| *b == b',').filter(|m| !m.is_empty())
}

/// Of an entry of subuid(5): first and behind last.
fn range(line: &[u8]) -> Option<(u64, u64)> {
    let fields = fields(line);
    let number =
        |at: usize| -> Option<u64> { std::str::from_utf8(fields.get(at)?).ok()?.parse().ok() };
    let (start, count) = (number(1)?, number(2)?);
    Some((start, start.checked_add(count)?))
}

fn is_range(file: usize) -> bool {
    file >= SUBUID
}

/// The number of an entry of passwd(5) or group(5).
fn number(file: usize, line: &[u8]) -> Option<u32> {
    if file != PASSWD && file != GROUP {
        return None;
    }
    std::str::from_utf8(fields(line).get(2)?).ok()?.parse().ok()
}

/// Whether two entries want the same number, or parts of the same range.
fn meet(file: usize, a: &[u8], b: &[u8]) -> bool {
    if is_range(file) {
        return match (range(a), range(b)) {
            (Some((a, a_end)), Some((b, b_end))) => a < b_end && b < a_end,
            _ => false,
        };
    }
    number(file, a).is_some_and(|n| Some(n) == number(file, b))
}

impl Lines {
    fn of(text: &[u8]) -> Lines {
        let lines = text.split(|b| *b == b'\n').map(<[u8]>::to_vec);
        let mut lines: Vec<_> = lines.collect();
        if lines.last().is_some_and(Vec::is_empty) {
            lines.pop();
        }
        Lines(lines)
    }

    /// What is an entry: no comment, no reference to another source of names.
    fn entries(&self) -> impl Iterator<Item = &[u8]> {
        let lines = self.0.iter().map(Vec::as_slice);
        lines.filter(|l| !matches!(l.first(), None | Some(b'#' | b'+' | b'-')))
    }

    /// By name; of a name with several entries, which only ranges have, there is no telling by it.
    fn find(&self, wanted: &[u8]) -> Option<&[u8]> {
        self.entries().find(|l| name(l) == wanted)
    }

    fn add(&mut self, line: &[u8]) {
        // References come last: what is behind them is not looked at.
        let refers = |l: &Vec<u8>| matches!(l.first(), Some(b'+' | b'-'));
        let at = self.0.iter().position(refers).unwrap_or(self.0.len());
        self.0.insert(at, line.to_vec());
    }

    fn text(&self) -> Vec<u8> {
        let mut text = self.0.join(&b'\n');
        if !text.is_empty() {
            text.push(b'\n');
        }
        text
    }
}

/// The members that an entry of group(5) or gshadow(5) names.
fn members(line: &[u8]) -> Vec<Vec<u8>> {
    let fields = fields(line);
    let members = fields.get(3).copied().unwrap_or_default();
    list(members).map(<[u8]>::to_vec).collect()
}

impl Additions {
    /// What `made`, a directory, has more than `before`; and what was done that only the administrator may do. Of files
    /// that are not in `made` nothing was changed.
    pub(super) fn between(before: &Path, made: &Path) -> Done<(Additions, Vec<Kept>)> {
        let (mut additions, mut kept) = (Additions::default(), Vec::new());
        for (file, called) in ACCOUNTS.iter().enumerate() {
            let Some(made) = read(&made.join(called))? else {
                continue;
            };
            let before = read(&before.join(called))?.unwrap_or_default();
            let changed = additions.compare(file, &before, &made);
            kept.extend(changed.into_iter().map(|name| Kept {
                path: Path::new("etc").join(called),
                wanted: Wanted::Change,
                why: Why::Account(String::from_utf8_lossy(&name).into_owned()),
            }));
        }
        Ok((additions, kept))
    }

    /// Add what a file has more; gives the names of entries that differ otherwise.
    fn compare(&mut self, file: usize, before: &Lines, made: &Lines) -> Vec<Vec<u8>> {
        let mut changed = Vec::new();
        for line in made.entries() {
            let was = match is_range(file) {
                true => before.entries().find(|l| *l == line),
                false => before.find(name(line)),
            };
            let Some(was) = was else {
                self.entries.push(Entry {
                    file,
                    line: line.to_vec(),
                    shared: before.entries().any(|other| meet(file, line, other)),
                });
                continue;
            };
            if was == line {
                continue;
            }
            let (old, new) = (members(was), members(line));
            let with_members = file == GROUP || file == GSHADOW;
            if !with_members || fields(was).get(..3) != fields(line).get(..3) {
                changed.push(name(line).to_vec());
            }
            if with_members {
                if old.iter().any(|m| !new.contains(m)) {
                    changed.push(name(line).to_vec());
                }
                let more = new.into_iter().filter(|m| !old.contains(m));
                self.members.extend(more.map(|member| Member {
                    file,
                    group: name(line).to_vec(),
                    member,
                }));
            }
        }
        let gone = before.entries().filter(|l| match is_range(file) {
            true => !made.entries().any(|m| m == *l),
            false => made.find(name(l)).is_none(),
        });
        changed.extend(gone.map(|l| name(l).to_vec()));
        changed.sort();
        changed.dedup();
        changed
    }

    /// Whether there is nothing to be added.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.members.is_empty()
    }

    /// All that is added, with what another world adds, too.
    pub(super) fn extend(&mut self, other: Additions) {
        self.entries.extend(other.entries);
        self.members.extend(other.members);
    }

    /// The files of `etc` that change, as they will be.
    ///
    /// # Errors
    /// [`StateError::Clash`]
    pub(super) fn check(&self, etc: &Path) -> Done<BTreeMap<usize, Vec<u8>>> {
        let mut files = BTreeMap::new();
        for (file, called) in ACCOUNTS.iter().enumerate() {
            let path = etc.join(called);
            let now = read(&path)?;
            // Without shadow files passwords are elsewhere; that is the administrator's choice. Ranges may be the first.
            let Some(now) = now.or_else(|| is_range(file).then(Lines::default)) else {
                continue;
            };
            let mut new = now.clone();
            for entry in self.entries.iter().filter(|e| e.file == file) {
                entry.add_to(&path, &mut new)?;
            }
            for member in self.members.iter().filter(|m| m.file == file) {
                member.add_to(&mut new);
            }
            if new.0 != now.0 {
                files.insert(file, new.text());
            }
        }
        Ok(files)
    }

    /// Add them to the files of `etc`, each at once and durably, under the lock.
    ///
    /// # Errors
    /// [`StateError::Clash`]: nothing was changed.
    pub(super) fn add(&self, disk: &Disk, etc: &Path) -> Done {
        if self.is_empty() {
            return Ok(());
        }
        let _lock = lock(etc, TRIES)?;
        let files = self.check(etc)?;
        for file in ORDER {
            if let (Some(text), Some(called)) = (files.get(&file), ACCOUNTS.get(file)) {
                replace(disk, etc, called, text)?;
            }
        }
        if !files.is_empty() {
            disk.sync_dir(etc)?;
        }
        Ok(())
    }

    /// As lines of the log.
    pub(super) fn to_lines(&self) -> Vec<String> {
        let word = |bytes: &[u8]| escape(Path::new(OsStr::from_bytes(bytes)));
        let entries = self.entries.iter().map(|e| {
            let how = if e.shared { "shared" } else { "entry" };
            format!("{how} {} {}", e.file, word(&e.line))
        });
        let members = self
            .members
            .iter()
            .map(|m| format!("member {} {} {}", m.file, word(&m.group), word(&m.member)));
        entries.chain(members).collect()
    }

    /// Read a line of the log.
    pub(super) fn take_line(&mut self, line: &str) -> Result<(), String> {
        let wrong = || format!("'{line}' is no account");
        let bytes = |word: &str| unescape_any(word).map(|p| p.into_os_string().into_vec());
        let words: Vec<&str> = line.split(' ').collect();
        let file = |word: &str| match word.parse() {
            Ok(file) if file < ACCOUNTS.len() => Ok(file),
            _ => Err(wrong()),
        };
        match words[..] {
            [how @ ("entry" | "shared"), at, line] => self.entries.push(Entry {
                file: file(at)?,
                line: bytes(line)?,
                shared: how == "shared",
            }),
            ["member", at, group, member] => self.members.push(Member {
                file: file(at)?,
                group: bytes(group)?,
                member: bytes(member)?,
            }),
            _ => return Err(wrong()),
        }
        Ok(())
    }
}

impl Entry {
    fn add_to(&self, path: &Path, lines: &mut Lines) -> Done {
        let own = name(&self.line);
        let clash = |why: String| StateError::Clash {
            path: path.into(),
            name: String::from_utf8_lossy(own).into_owned(),
            why,
        };
        if is_range(self.file) && lines.entries().any(|l| l == self.line) {
            return Ok(());
        }
        if !is_range(self.file)
            && let Some(there) = lines.find(own)
        {
            // Made before, by us or by the administrator, in the same way; of a password there is no number.
            return match number(self.file, there) == number(self.file, &self.line) {
                true => Ok(()),
                false => Err(clash("is there meanwhile with another number".into())),
            };
        }
        let other = lines
            .entries()
            .find(|l| !self.shared && name(l) != own && meet(self.file, &self.line, l));
        if let Some(other) = other {
            let other = String::from_utf8_lossy(name(other));
            return Err(clash(format!(
                "has a number that {other} has got meanwhile"
            )));
        }
        lines.add(&self.line);
        Ok(())
    }
}

impl Member {
    /// Of a group that is gone meanwhile there are no members.
    fn add_to(&self, lines: &mut Lines) {
        let is = |l: &&mut Vec<u8>| name(l) == self.group;
        let Some(line) = lines.0.iter_mut().find(is) else {
            return;
        };
        let there = members(line);
        if there.contains(&self.member) || fields(line).len() != 4 {
            return;
        }
        if !there.is_empty() {
            line.push(b',');
        }
        line.extend_from_slice(&self.member);
    }
}

fn read(path: &Path) -> Done<Option<Lines>> {
    let read = |e| StateError::read(path, e);
    // A whiteout is no file.
    let is = unless_absent(fs::metadata(path)).map_err(read)?;
    if !is.is_some_and(|is| is.is_file()) {
        return Ok(None);
    }
    let text = unless_absent(fs::read(path)).map_err(read)?;
    Ok(text.map(|text| Lines::of(&text)))
}

/// As lckpwdf(3), which all that change accounts call. Given back when it is closed.
pub(super) fn lock(etc: &Path, tries: u32) -> Done<File> {
    let path = etc.join(LOCK);
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let file = rustix::fs::open(&path, flags, Mode::from_raw_mode(0o600));
    let file = file.map_err(|e| StateError::io("open", &path, e))?;
    for _ in 0..tries {
        match rustix::fs::fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(file.into()),
            Err(Errno::ACCESS | Errno::AGAIN | Errno::INTR) => std::thread::sleep(PAUSE),
            Err(e) => return Err(StateError::io("lock", &path, e)),
        }
    }
    Err(StateError::AccountsLocked(path))
}

/// Put a file in the place of one of the same name, with its owner, mode and attributes.
fn replace(disk: &Disk, etc: &Path, called: &str, text: &[u8]) -> Done {
    let (path, aside) = (etc.join(called), etc.join(format!("{called}.dpkg-ng")));
    disk.remove_file(&aside)?;
    disk.write_as(&aside, text, 0o600)?;
    let dressed = disk.step("set the owner of", &aside, || dress(&path, &aside));
    dressed?;
    disk.sync_file(&aside)?;
    Ok(disk.rename(&aside, &path)?)
}

fn dress(like: &Path, aside: &Path) -> io::Result<()> {
    let file = File::options().write(true).open(aside)?;
    let (mode, owner) = match fs::symlink_metadata(like) {
        Ok(is) => (is.mode() & 0o7777, Some((is.uid(), is.gid()))),
        Err(e) if e.kind() == io::ErrorKind::NotFound => (0o644, None),
        Err(e) => return Err(e),
    };
    if let Some((uid, gid)) = owner {
        fchown(&file, Some(uid), Some(gid))?;
        for (name, value) in upper::attributes(like)? {
            rustix::fs::fsetxattr(&file, name, &value, XattrFlags::empty())?;
        }
    }
    file.set_permissions(fs::Permissions::from_mode(mode))
}

/// Copies of the host's accounts, for [`Additions::between`].
pub(super) fn note(disk: &Disk, etc: &Path, before: &Path) -> Done {
    for called in ACCOUNTS {
        let (from, to) = (etc.join(called), before.join(called));
        let is = match File::open(&from) {
            // What the caller may not read, scripts of theirs can't change.
            Err(e) if place::is_left(&e) => None,
            file => unless_absent(file.and_then(|f| f.metadata()))
                .map_err(|e| StateError::read(&from, e))?,
        };
        if is.is_some_and(|is| is.is_file()) && upper::stat(&to)?.is_none() {
            disk.copy(&from, &to)?;
        }
    }
    Ok(())
}
