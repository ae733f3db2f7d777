//! Small files that are replaced as a whole: what [`super::diversions`], [`super::overrides`] and [`super::arch`] share.
//!
//! What is lost of one comes from the copy in `/var/backups` that has its time, which is the file as it was. Else of
//! `-old`, or an older copy, where the system shows that an entry still holds (the file a diversion leads to is there, the path of
//! an override has that owner and mode), and what is left of the file agrees. dpkg-divert and dpkg-statoverride change one entry
//! a call: one entry of `-old` may have been taken back since, and a file that lacks more has lost them.

use super::scan::{Content, Scan};
use super::{Action, Fault, Kind, Repair, Source, Where, backups, text};

/// A file read as entries.
pub(super) struct Read<T> {
    pub entries: Vec<T>,
    pub faults: Vec<Fault>,
}

impl<T> Read<T> {
    /// Nothing read yet, and the faults that any file of lines can have.
    pub fn new(file: &Where, data: &[u8]) -> Read<T> {
        let mut faults = Vec::new();
        if let Some(line) = text::nul_line(data) {
            faults.push(Fault::new(Kind::ZeroFilled, file.clone()).at(line));
        } else if !text::is_terminated(data) {
            let line = text::line_count(data);
            faults.push(Fault::new(Kind::NoFinalNewline, file.clone()).at(line));
        }
        Read {
            entries: Vec::new(),
            faults,
        }
    }
}

/// What is to be known of a file to put its entries together again.
pub(super) struct Table<T: 'static> {
    /// Its name in the directory of the database.
    pub name: &'static [u8],
    /// Reads it.
    pub read: fn(&mut Scan<'_>, &Where, &[u8]) -> Read<T>,
    /// Whether the system has what an entry says.
    pub holds: fn(&Scan<'_>, &T) -> bool,
    /// Whether two entries are about the same thing.
    pub same: fn(&T, &T) -> bool,
    /// The lines of an entry.
    pub lines: fn(&T) -> Vec<u8>,
}

impl<T: Clone> Table<T> {
    pub fn file(&self) -> Where {
        Where::Admin(self.name.to_vec())
    }

    fn old(&self) -> Where {
        Where::Admin([self.name, b"-old"].concat())
    }

    /// The file with these entries.
    pub fn write(&self, entries: &[T], source: Source) -> Repair {
        let content = self.content(entries);
        let action = Action::Write {
            file: self.file(),
            content,
            mode: None,
        };
        Repair::new(action, source)
    }

    fn content(&self, entries: &[T]) -> Vec<u8> {
        entries.iter().flat_map(self.lines).collect()
    }

    /// Read the file itself: its entries, what is wrong, and its content, if it is there. Nothing if it cannot be read.
    pub fn load(&self, scan: &mut Scan<'_>) -> Option<(Read<T>, Option<Vec<u8>>)> {
        let file = self.file();
        let data = match scan.read(&file) {
            Content::Unread => return None,
            Content::Data(data) => Some(data),
            Content::Missing => None,
        };
        let mut read = (self.read)(scan, &file, data.as_deref().unwrap_or_default());
        let old = self.old();
        let Ok(Some(Some(before))) = super::scan::read(&old.spot(scan.dirs)) else {
            return Some((read, data));
        };
        if data.is_none() && !before.is_empty() {
            read.faults.push(Fault::new(Kind::Missing, file));
        } else if read.faults.is_empty() {
            let before = (self.read)(scan, &old, &before);
            let has = |entry: &&T| !read.entries.iter().any(|e| (self.same)(e, entry));
            let gone: Vec<&T> = before.entries.iter().filter(has).collect();
            let hold = gone.iter().filter(|entry| (self.holds)(scan, entry));
            // One of them may have been taken back by the last call.
            let lost = gone.len() > 1 && hold.count() + 1 >= gone.len();
            if lost && before.faults.is_empty() {
                let kind = match read.entries.is_empty() {
                    true => Kind::Empty,
                    false => Kind::EntriesLost,
                };
                let fault = Fault::new(kind, file).detail(gone.len().to_string());
                read.faults.push(fault);
            }
        }
        Some((read, data))
    }

    /// What brings a damaged file back, and a copy that may help a person.
    pub fn restored(
        &self,
        scan: &mut Scan<'_>,
        here: &[T],
        damaged: &[u8],
    ) -> (Option<Repair>, Option<Where>) {
        if let Some(copy) = backups::of_same_time(scan, self.name, damaged) {
            let read = (self.read)(scan, &copy.file, &copy.data);
            if read.faults.is_empty() {
                let source = Source::Copy(vec![copy.file.clone()]);
                return (Some(self.write(&read.entries, source)), Some(copy.file));
            }
        }
        let mut copies = Vec::new();
        let old = self.old();
        if let Ok(Some(Some(data))) = super::scan::read(&old.spot(scan.dirs)) {
            copies.push((old, data));
        }
        let backups = backups::of(scan, &[b"dpkg.", self.name].concat());
        copies.extend(backups.into_iter().map(|copy| (copy.file, copy.data)));
        let mut example = None;
        for (copy, data) in copies {
            let read = (self.read)(scan, &copy, &data);
            if !read.faults.is_empty() {
                continue;
            }
            example.get_or_insert(copy.clone());
            if let Some(entries) = self.merge(scan, here, &read.entries, damaged) {
                return (
                    Some(self.write(&entries, Source::Copy(vec![copy]))),
                    example,
                );
            }
        }
        (None, example)
    }

    /// The entries of a damaged file and those of a copy that it lacks; nothing where more than one reading is
    /// possible, or none.
    fn merge(&self, scan: &Scan<'_>, here: &[T], copy: &[T], damaged: &[u8]) -> Option<Vec<T>> {
        let lacks = |entry: &&T| !here.iter().any(|h| (self.same)(h, entry));
        let (holding, others): (Vec<&T>, Vec<&T>) = copy
            .iter()
            .filter(lacks)
            .partition(|entry| (self.holds)(scan, entry));
        if others.len() > 1 {
            return None;
        }
        let with = |added: &[&T]| -> Option<Vec<T>> {
            let mut all = here.to_vec();
            all.extend(added.iter().map(|entry| (*entry).clone()));
            text::explains(damaged, &self.content(&all)).then_some(all)
        };
        if let Some(all) = with(&holding) {
            return Some(all);
        }
        if !others.is_empty() {
            return None;
        }
        // One that was taken back leaves its mark on the system.
        let mut found = (0..holding.len()).filter_map(|at| {
            let mut some = holding.clone();
            some.remove(at);
            with(&some)
        });
        let only = found.next()?;
        found.next().is_none().then_some(only)
    }
}

/// Lines that are whole: without NUL, and with a newline.
pub(super) fn whole_lines(data: &[u8]) -> Vec<(usize, &[u8])> {
    let end = match memchr::memchr(0, data) {
        Some(nul) => memchr::memrchr(b'\n', &data[..nul]).map_or(0, |n| n + 1),
        None => memchr::memrchr(b'\n', data).map_or(0, |n| n + 1),
    };
    text::lines(&data[..end]).collect()
}
