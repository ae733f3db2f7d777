//! The queue: `ADMINDIR/parts`, where parts wait for the others of their package.
//!
//! A plain directory with a file for each part, `MD5SUM.PARTLEN.NUMBER.COUNT`, the numbers in
//! hexadecimal. A part gets there under a temporary name, is made durable and renamed.

use std::fs::File;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::join::{self, PartList};
use super::number::strtoimax;
use super::part::is_md5_digit;
use super::{MD5_LEN, PartInfo};
use crate::archive::copy_exact;
use crate::error::{OrFail as _, Result};
use crate::report::{Event, Reporter};
use crate::sys::place::Spot;
use crate::{bail, err, msg, sys};

/// A directory of waiting parts.
pub struct Depot {
    dir: Vec<u8>,
}

/// What became of a file given to [`Depot::auto`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auto {
    /// It is no part.
    NotAPart,
    /// It waits for others now, or the package was put together.
    Done,
}

/// A file of the directory.
struct Entry {
    path: Vec<u8>,
    /// What its name says; `None` for junk.
    key: Option<Key>,
}

/// What the name of a part says.
#[derive(Clone, Debug)]
struct Key {
    md5sum: Vec<u8>,
    part_len: i64,
    number: i32,
    count: i32,
    /// The package, once the part was looked into.
    package: Option<Vec<u8>>,
}

impl Key {
    /// `decompose_filename()`
    fn parse(name: &[u8]) -> Option<Key> {
        let digits = name.iter().take_while(|c| is_md5_digit(c)).count();
        if digits != MD5_LEN {
            return None;
        }
        let (md5sum, rest) = name.split_at(digits);
        let part_len = strtoimax(rest.strip_prefix(b".")?, 16)?;
        let number = strtoimax(part_len.rest.strip_prefix(b".")?, 16)?;
        let count = strtoimax(number.rest.strip_prefix(b".")?, 16)?;
        if part_len.overflow || number.overflow || count.overflow || !count.rest.is_empty() {
            return None;
        }
        // As C converts a long to an int.
        let int = |n: i64| Some(n as i32).filter(|n| *n >= 0);
        Some(Key {
            md5sum: md5sum.to_vec(),
            part_len: part_len.value,
            number: int(number.value)?,
            count: int(count.value)?,
            package: None,
        })
    }

    /// Whether it names a part of the package that `info` is a part of (`partmatches`).
    fn matches(&self, info: &PartInfo) -> bool {
        self.md5sum == info.md5sum && self.count == info.count && self.part_len == info.part_len
    }
}

fn as_path(bytes: &[u8]) -> &Path {
    Path::new(std::ffi::OsStr::from_bytes(bytes))
}

impl Depot {
    /// The depot in this directory, which need not be there.
    pub fn new(dir: &Path) -> Depot {
        Depot {
            dir: dir.as_os_str().as_bytes().to_vec(),
        }
    }

    fn file(&self, name: &[u8]) -> Vec<u8> {
        [&*self.dir, name].join(&b'/')
    }

    /// Every file that is not hidden, the last one of the directory first (`scandepot`).
    fn scan(&self) -> Result<Vec<Entry>> {
        let fail = || msg!("unable to read depot directory '%.250s'", &self.dir);
        let entries = match std::fs::read_dir(as_path(&self.dir)) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.or_fail(fail)?,
        };
        let mut found = Vec::new();
        for entry in entries {
            let name = entry.or_fail(fail)?.file_name();
            let name = name.as_bytes();
            if !name.starts_with(b".") {
                found.push(Entry {
                    path: self.file(name),
                    key: Key::parse(name),
                });
            }
        }
        found.reverse();
        Ok(found)
    }

    /// Add a part; when it was the last one missing, put the package together as `output`.
    ///
    /// # Errors
    /// A file cannot be read or written, or contradicts another.
    pub fn auto(&self, part: &Path, output: &Path, report: &mut dyn Reporter) -> Result<Auto> {
        let Some(info) = PartInfo::read(part)? else {
            return Ok(Auto::NotAPart);
        };
        let queue = self.scan()?;
        if queue.is_empty() {
            sys::dir::make_path(&Spot::path(&self.dir), 0o755)
                .or_fail(|| msg!("cannot create directory %s", &self.dir))?;
        }
        let mut list = PartList::new();
        for entry in &queue {
            if entry.key.as_ref().is_some_and(|k| k.matches(&info)) {
                let known = PartInfo::demand(as_path(&entry.path), 0)?;
                join::add(&mut list, known, &info, report)?;
            }
        }
        // The new one is preferred to one that is here already.
        let replaced = list.insert(info.number, info.clone());
        if let Some(first) = join::first_missing(&list, info.count) {
            self.file_part(part, &info)?;
            self.tell_missing(&list, &info, first, report);
            sys::dir::sync(&Spot::path(&self.dir))?;
            return Ok(Auto::Done);
        }
        join::reassemble(&list, output, report)?;
        // What was given is the caller's; only what was copied here is used up.
        list.remove(&info.number);
        list.extend(replaced.map(|r| (r.number, r)));
        for used in list.values() {
            std::fs::remove_file(used.path()).or_fail(|| {
                msg!(
                    "unable to delete used-up depot file '%.250s'",
                    &used.filename
                )
            })?;
        }
        Ok(Auto::Done)
    }

    /// Copy a part into the directory.
    fn file_part(&self, part: &Path, info: &PartInfo) -> Result<()> {
        let temporary = self.file(format!("t.{:x}", std::process::id()).as_bytes());
        let numbers = format!(".{:x}.{:x}.{:x}", info.part_len, info.number, info.count);
        let name = self.file(&[&*info.md5sum, numbers.as_bytes()].concat());
        let mut from =
            File::open(part).or_fail(|| msg!("unable to reopen part file '%.250s'", part))?;
        let mut to = Spot::path(&temporary)
            .create_anew(0o644)
            .or_fail(|| msg!("unable to open new depot file '%.250s'", &temporary))?;
        copy_exact(&mut from, &mut to, info.file_len)
            .map_err(|why| err!("cannot extract split package part '%s': %s", part, why))?;
        to.sync_all()
            .or_fail(|| msg!("unable to sync file '%s'", &temporary))?;
        std::fs::rename(as_path(&temporary), as_path(&name)).or_fail(|| {
            msg!(
                "unable to rename new depot file '%.250s' to '%.250s'",
                &temporary,
                &name
            )
        })
    }

    fn tell_missing(
        &self,
        list: &PartList,
        info: &PartInfo,
        first: i32,
        report: &mut dyn Reporter,
    ) {
        report.output(msg!(
            "Part %d of package %s filed (still want ",
            info.number,
            &info.package
        ));
        let missing = |n: &i32| !list.contains_key(n);
        let last = (first..=info.count).rev().find(missing);
        for number in (first..=info.count).filter(missing) {
            if number != first {
                report.output(match Some(number) == last {
                    true => msg!(" and "),
                    false => msg!(", "),
                });
            }
            report.output(msg!("%d", number));
        }
        report.output(msg!(").\n"));
    }

    /// What waits, and what is there that does not belong there.
    ///
    /// # Errors
    /// A file cannot be read, or is not what its name says.
    pub fn list(&self, report: &mut dyn Reporter) -> Result<()> {
        let mut queue = self.scan()?;
        let mut heading = Some(msg!("Junk files left around in the depot directory:\n"));
        for entry in queue.iter().filter(|e| e.key.is_none()) {
            if let Some(heading) = heading.take() {
                report.output(heading);
            }
            let Ok(stat) = std::fs::symlink_metadata(as_path(&entry.path)) else {
                bail!("unable to stat '%.250s'", &entry.path);
            };
            report.output(match stat.is_file() {
                true => msg!(" %s (%jd bytes)\n", &entry.path, stat.len()),
                false => msg!(" %s (not a plain file)\n", &entry.path),
            });
        }
        if heading.is_none() {
            report.event(&Event::Data(b"\n"));
        }
        for at in 0..queue.len() {
            let rest = queue.get_mut(at..).unwrap_or_default();
            let Some(Entry { path, key: Some(_) }) = rest.first() else {
                continue;
            };
            let info = PartInfo::demand(as_path(path), 0)?;
            // Stock says so before every package.
            report.output(msg!("Packages not yet reassembled:\n"));
            list_package(rest, &info, report)?;
        }
        Ok(())
    }

    /// Delete junk and the parts of these packages, or with no packages named everything.
    ///
    /// # Errors
    /// A file cannot be read or deleted.
    pub fn discard(&self, packages: &[&[u8]], report: &mut dyn Reporter) -> Result<()> {
        let mut queue = self.scan()?;
        if packages.is_empty() {
            return queue.iter().try_for_each(|e| delete(e, report));
        }
        for entry in &mut queue {
            if let Some(key) = &mut entry.key {
                key.package = Some(PartInfo::demand(as_path(&entry.path), 0)?.package);
            }
        }
        let mut junk = queue.iter().filter(|e| e.key.is_none());
        junk.try_for_each(|e| delete(e, report))?;
        for package in packages {
            for entry in &queue {
                let of = entry.key.as_ref().and_then(|k| k.package.as_ref());
                if of.is_some_and(|p| p.eq_ignore_ascii_case(package)) {
                    delete(entry, report)?;
                }
            }
        }
        Ok(())
    }
}

/// The line on the package of `info`; its parts among these files are not looked at again.
fn list_package(rest: &mut [Entry], info: &PartInfo, report: &mut dyn Reporter) -> Result<()> {
    report.output(msg!(" Package %s: part(s) ", &info.package));
    let mut total = 0u64;
    let mut numbers: Vec<i32> = rest
        .iter()
        .filter_map(|e| e.key.as_ref().filter(|k| k.matches(info)))
        .map(|k| k.number)
        .filter(|n| (1..=info.count).contains(n))
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    for number in numbers {
        let found = rest.iter_mut().find(|e| {
            let key = e.key.as_ref();
            key.is_some_and(|k| k.matches(info) && k.number == number)
        });
        let Some(entry) = found else { continue };
        report.output(msg!("%d ", number));
        let stat = std::fs::symlink_metadata(as_path(&entry.path))
            .or_fail(|| msg!("unable to stat '%.250s'", &entry.path))?;
        if !stat.is_file() {
            bail!("part file '%.250s' is not a plain file", &entry.path);
        }
        total = total.saturating_add(stat.len());
        entry.key = None;
    }
    report.output(msg!("(total %jd bytes)\n", total));
    Ok(())
}

fn delete(entry: &Entry, report: &mut dyn Reporter) -> Result<()> {
    let path: PathBuf = as_path(&entry.path).to_owned();
    std::fs::remove_file(&path).or_fail(|| msg!("unable to discard '%.250s'", &path))?;
    report.output(msg!("Deleted %s.\n", &path));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_waiting_parts() {
        let md5 = "0123456789abcdef0123456789abcdef";
        let parse = |tail: &str| {
            let key = Key::parse(format!("{md5}{tail}").as_bytes())?;
            Some((key.part_len, key.number, key.count))
        };
        assert_eq!(parse(".6fc00.1.a"), Some((457_728, 1, 10)));
        assert_eq!(parse(".6fc00.1"), None);
        assert_eq!(parse(".6fc00.1.2.3"), None);
        assert_eq!(parse(".6fc00.-1.2"), None);
        assert_eq!(parse("0.6fc00.1.2"), None);
        assert_eq!(parse(".x.1.2"), None);
        assert!(Key::parse(b"t.1234").is_none());
    }
}
