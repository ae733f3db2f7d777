//! The index of paths on disk: `/var/cache/dpkg-ng/paths` of a system whose database is in its usual place.
//!
//! It is a cache and nothing else. Who runs dpkg for one package is spared the reading of all lists: of
//! each list inode, size and ctime are looked at, those that differ are read, and the index stands for the
//! others. It is made anew, of all lists, when too much of it differs. A list that changed in the seconds before
//! it was read is not in it, as its time would not tell of another change. An index that is missing, damaged, of
//! another user or that others can write to is none, and failing to write one is no failure.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::Database;
use super::filelist::LISTFILE;
use super::modstatdb::OpenMode;
use crate::error::Result;
use crate::fsys::{Indexed, PathIndex, Stamp};
use crate::pkg::{PkgId, Which};
use crate::report::Reporter;
use crate::state::Status;
use crate::sys::place::{Absence, Spot, Stat};

/// So many paths make an index worth having, if nothing else is said.
pub const FROM: usize = 100_000;

const DIRECTORY: &[u8] = b"/var/cache/dpkg-ng";
const FILE: &[u8] = b"/var/cache/dpkg-ng/paths";

/// No index is larger than this: 10 million paths.
const SIZE_MAX: u64 = 512 << 20;

/// What may differ: one part in so many.
const STALE: u64 = 16;

/// A file system's clock is not finer than this, whatever it is.
const TICK: Duration = Duration::from_secs(2);

/// What the database knows of it.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// From how many paths on there is to be one; `None`: none is looked at.
    pub from: Option<usize>,
    /// It stands for lists.
    in_use: bool,
}

/// Whether so many bytes of lists, of so many, are too many to be read beside an index.
fn differs(some: u64, all: u64) -> bool {
    some.saturating_mul(STALE) > all
}

fn stamp(stat: &Stat) -> Stamp {
    Stamp {
        ino: stat.ino,
        size: stat.size,
        ctime: stat.ctime,
    }
}

/// Whether only who we are can have written this.
fn is_ours(stat: &Stat) -> bool {
    stat.uid == nix::unistd::geteuid().as_raw() && stat.mode & 0o022 == 0
}

impl Database {
    /// From how many paths on an index of them is kept and used; `None`: never. That is what a new
    /// database does.
    pub fn set_path_index(&mut self, from: Option<usize>) {
        self.path_index.from = from;
    }

    /// Where it is. Others can't be found by what they are about.
    fn path_index_spot(&self) -> Option<Spot> {
        self.path_index.from?;
        let usual = self.dirs.instdir.as_os_str().as_bytes();
        let usual = [usual, b"/var/lib/dpkg"].concat();
        let admindir = self.dirs.admindir.as_os_str().as_bytes();
        (admindir == usual).then(|| self.dirs.place().spot(FILE))
    }

    fn read_path_index(&self) -> io::Result<Option<PathIndex>> {
        let Some(spot) = self.path_index_spot() else {
            return Ok(None);
        };
        let directory = self.dirs.place().spot(DIRECTORY).lstat().if_there()?;
        if !directory.is_some_and(|stat| stat.is_dir() && is_ours(&stat)) {
            return Ok(None);
        }
        let file = spot.open(libc::O_RDONLY | libc::O_NONBLOCK, false)?;
        let stat = Stat::of(&file)?;
        if !stat.is_file() || !is_ours(&stat) || stat.size > SIZE_MAX {
            return Ok(None);
        }
        let mut content = Vec::with_capacity(stat.size as usize);
        std::fs::File::from(file)
            .take(stat.size)
            .read_to_end(&mut content)?;
        Ok(PathIndex::read(content))
    }

    /// Let an index stand for the lists that are as it says, if it does for most of them.
    pub(super) fn consult_path_index(&mut self, report: &dyn Reporter) -> Result<()> {
        // Some debugging texts are about each file that another package has.
        if report.debug_flags() != 0 {
            return Ok(());
        }
        // An index that can't be read is none.
        let Ok(Some(index)) = self.read_path_index() else {
            return Ok(());
        };
        self.infodb_format()?;
        let numbered = (0..index.lists()).filter_map(|n| Some((index.list(n)?.name, n)));
        let numbers: HashMap<&[u8], usize> = numbered.collect();
        let (mut packages, mut offsets) = (vec![None; index.lists()], Vec::new());
        let (mut all, mut stale) = (0, 0);
        for pkg in self.table.in_hash_order() {
            let is_read = self.fsys.files(pkg).is_some();
            if self.table[pkg].status() == Status::NotInstalled || is_read {
                continue;
            }
            let spot = self.infodb_file(pkg, Which::Installed, LISTFILE);
            // What is wrong shows when it is read.
            let Ok(stat) = spot.stat() else {
                continue;
            };
            all += stat.size;
            let number = numbers.get(spot.name().as_bytes()).copied();
            let known = number.and_then(|n| Some((n, index.list(n)?)));
            match known.filter(|(_, list)| stat.is_file() && list.stamp == stamp(&stat)) {
                Some((n, list)) => {
                    packages[n] = Some(pkg);
                    offsets.push((pkg, list.offset));
                }
                None => stale += stat.size,
            }
        }
        if differs(stale, all) {
            return Ok(());
        }
        self.filelists.know_offsets(offsets);
        self.fsys.take_index(index, packages);
        self.path_index.in_use = true;
        Ok(())
    }

    /// All lists are read or stood for, in this order and since that time: what follows from it for the
    /// index.
    pub(super) fn lists_are_read(&mut self, order: &[PkgId], since: SystemTime) {
        if self.path_index.in_use {
            self.fsys.set_turns(order);
        } else if self.path_index.from.is_some_and(|n| n <= self.fsys.len())
            && self.mode() == OpenMode::Write
        {
            // Without one everything is only slower.
            let _ = self.write_path_index(order, since);
        }
    }

    fn write_path_index(&self, order: &[PkgId], since: SystemTime) -> io::Result<()> {
        let Some(spot) = self.path_index_spot() else {
            return Ok(());
        };
        let since = since.duration_since(UNIX_EPOCH).unwrap_or_default();
        let settled = since.saturating_sub(TICK).as_secs() as i64;
        let (mut known, mut all, mut young) = (Vec::new(), 0, 0);
        for pkg in order {
            if self.table[*pkg].status() == Status::NotInstalled {
                continue;
            }
            let list = self.infodb_file(*pkg, Which::Installed, LISTFILE);
            let Some(stat) = list.stat().if_there()? else {
                continue;
            };
            all += stat.size;
            match stat.ctime.0 < settled {
                true => known.push((*pkg, list, stat)),
                false => young += stat.size,
            }
        }
        // Nor is one worth its writing that the next run would not take.
        if differs(young, all) {
            return Ok(());
        }
        let lists = known.iter().map(|(pkg, list, stat)| {
            let indexed = Indexed {
                name: list.name().as_bytes(),
                stamp: stamp(stat),
                offset: self.filelists.offset(*pkg),
            };
            (*pkg, indexed)
        });
        let lists: Vec<_> = lists.collect();
        let Some(content) = PathIndex::build(&self.fsys, &lists) else {
            return Ok(());
        };
        // Whose system has no /var/cache gets none.
        let directory = self.dirs.place().spot(DIRECTORY);
        if directory.lstat().if_there()?.is_none() {
            directory.mkdir_mode(0o755)?;
        }
        let stat = directory.lstat()?;
        if !stat.is_dir() || !is_ours(&stat) {
            return Ok(());
        }
        let spot = spot.again();
        let new = spot.with_suffix(b"-new");
        let mut file = new.create_anew(0o600)?;
        let written = file.write_all(&content);
        // Complete before it has its name: nothing tells a torn one.
        let written = written.and_then(|()| file.sync_all());
        drop(file);
        written.and_then(|()| new.rename(&spot)).or_else(|e| {
            new.unlink()?;
            Err(e)
        })
    }
}
