//! An index of paths: which file lists have which paths, without the lists being read.
//!
//! It is a copy of what the lists said, made when all of them were read ([`PathIndex::build`]), with what
//! tells whether a list is still the same. A path is in it by its hash alone: 128 bits, keyed by numbers that
//! whoever makes packages does not know.
//!
//! ```text
//! magic     8 bytes
//! key       2 x u64
//! counts    u32 each: lists, paths, owners, bytes of names
//! lists     inode, size, seconds and nanoseconds of ctime, place on the disk: 5 x 8; name: start, length: 2 x u32
//! hashes    u128, ascending
//! starts    u32: where the owners of each path start, and the end of the last
//! owners    u32: the number of a list
//! names     of lists
//! ```
//!
//! All little-endian. Whatever a damaged one says, nothing is read outside of it.

use std::hash::{BuildHasher, RandomState};
use std::ops::Range;

use siphasher::sip128::SipHasher13;

use super::{Fsys, NodeId};
use crate::pkg::PkgId;

const MAGIC: &[u8; 8] = b"DPKGNGP1";
const COUNTS: usize = 24;
const HEADER: usize = COUNTS + 4 * 4;
const LIST: usize = 5 * 8 + 2 * 4;
const HASH: usize = 16;

/// What tells whether a list is the one that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Inode.
    pub ino: u64,
    /// Bytes.
    pub size: u64,
    /// When anything of it last changed: seconds since the epoch, and nanoseconds.
    pub ctime: (i64, i64),
}

/// A file list as the index knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Indexed<'a> {
    /// The name of its file.
    pub name: &'a [u8],
    /// Of that file.
    pub stamp: Stamp,
    /// Where that lies on the disk, as `physical_offset` told it.
    pub offset: i64,
}

/// The index, as it is in its file.
#[derive(Debug)]
pub struct PathIndex {
    bytes: Vec<u8>,
    key: (u64, u64),
    lists: usize,
    hashes: Range<usize>,
    starts: Range<usize>,
    owners: Range<usize>,
    names: Range<usize>,
}

/// What an index says of the lists that are the same.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// Paths that any of them has.
    pub paths: usize,
    /// Of each list the paths that no other of them has.
    pub sole: Vec<u32>,
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(array(bytes, at)?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(array(bytes, at)?))
}

fn hash(key: (u64, u64), path: &[u8]) -> u128 {
    SipHasher13::new_with_keys(key.0, key.1)
        .hash(path)
        .as_u128()
}

impl PathIndex {
    /// The content of a file; `None` if it is no index.
    pub fn read(bytes: Vec<u8>) -> Option<PathIndex> {
        if bytes.get(..MAGIC.len())? != MAGIC {
            return None;
        }
        let count = |i: usize| u32_at(&bytes, COUNTS + 4 * i).map(|n| n as usize);
        let (lists, paths, owners, names) = (count(0)?, count(1)?, count(2)?, count(3)?);
        let mut end = HEADER.checked_add(lists.checked_mul(LIST)?)?;
        let mut part = |count: usize, size: usize| {
            let start = end;
            end = start.checked_add(count.checked_mul(size)?)?;
            Some(start..end)
        };
        let hashes = part(paths, HASH)?;
        let starts = part(paths.checked_add(1)?, 4)?;
        let owners = part(owners, 4)?;
        let names = part(names, 1)?;
        Some(PathIndex {
            key: (u64_at(&bytes, 8)?, u64_at(&bytes, 16)?),
            lists,
            hashes,
            starts,
            owners,
            names,
            bytes,
        })
        .filter(|index| index.names.end == index.bytes.len())
    }

    /// The content of the file of an index: the paths of `fsys` that any of these lists has, all of
    /// which are read. `None` if there is too much of anything.
    pub fn build(fsys: &Fsys, lists: &[(PkgId, Indexed<'_>)]) -> Option<Vec<u8>> {
        let random = RandomState::new();
        let key = (random.hash_one(0), random.hash_one(1));
        let most = lists.iter().map(|(pkg, _)| pkg.0 as usize + 1).max();
        let mut number = vec![None; most.unwrap_or(0)];
        for (i, (pkg, _)) in lists.iter().enumerate() {
            number[pkg.0 as usize] = Some(u32::try_from(i).ok()?);
        }
        let number = |pkg: PkgId| number.get(pkg.0 as usize).copied().flatten();
        let mut paths: Vec<(u128, NodeId)> = fsys
            .nodes()
            .filter(|node| fsys.owners(*node).any(|owner| number(owner).is_some()))
            .map(|node| (hash(key, fsys.name(node)), node))
            .collect();
        paths.sort_unstable();
        if paths.windows(2).any(|two| two[0].0 == two[1].0) {
            return None;
        }
        let mut starts = Vec::with_capacity(4 * (paths.len() + 1));
        let mut owners: Vec<u8> = Vec::new();
        let start = |owners: &[u8]| u32::try_from(owners.len() / 4).map(u32::to_le_bytes);
        for (_, node) in &paths {
            starts.extend(start(&owners).ok()?);
            let mine = fsys.owners(*node).filter_map(number);
            owners.extend(mine.flat_map(u32::to_le_bytes));
        }
        starts.extend(start(&owners).ok()?);

        let names = lists.iter().map(|(_, list)| list.name.len()).sum();
        let mut out = Vec::new();
        out.extend(MAGIC);
        out.extend(key.0.to_le_bytes());
        out.extend(key.1.to_le_bytes());
        for count in [lists.len(), paths.len(), owners.len() / 4, names] {
            out.extend(u32::try_from(count).ok()?.to_le_bytes());
        }
        let mut at = 0u32;
        for (_, list) in lists {
            let Stamp { ino, size, ctime } = list.stamp;
            out.extend(ino.to_le_bytes());
            out.extend(size.to_le_bytes());
            for number in [ctime.0, ctime.1, list.offset] {
                out.extend(number.to_le_bytes());
            }
            let len = list.name.len() as u32;
            out.extend(at.to_le_bytes());
            out.extend(len.to_le_bytes());
            at += len;
        }
        out.reserve(paths.len() * HASH + starts.len() + owners.len() + names);
        out.extend(paths.iter().flat_map(|(hash, _)| hash.to_le_bytes()));
        out.extend(starts);
        out.extend(owners);
        for (_, list) in lists {
            out.extend(list.name);
        }
        Some(out)
    }

    /// How many lists it is about.
    pub fn lists(&self) -> usize {
        self.lists
    }

    /// One of them.
    pub fn list(&self, number: usize) -> Option<Indexed<'_>> {
        let at = HEADER + number.checked_mul(LIST)?;
        if number >= self.lists {
            return None;
        }
        let long = |i: usize| u64_at(&self.bytes, at + 8 * i);
        let short = |i: usize| u32_at(&self.bytes, at + 40 + 4 * i);
        let start = self.names.start + short(0)? as usize;
        let name = self.bytes.get(start..start + short(1)? as usize)?;
        Some(Indexed {
            name,
            stamp: Stamp {
                ino: long(0)?,
                size: long(1)?,
                ctime: (long(2)? as i64, long(3)? as i64),
            },
            offset: long(4)? as i64,
        })
    }

    fn starts(&self) -> &[u8] {
        &self.bytes[self.starts.clone()]
    }

    /// The numbers of the lists that have the path at this place, those read last first.
    fn owners_at(&self, place: usize) -> impl Iterator<Item = usize> + '_ {
        let start = |place: usize| u32_at(self.starts(), 4 * place).map(|n| 4 * n as usize);
        let range = start(place).zip(start(place + 1));
        let owners = &self.bytes[self.owners.clone()];
        let mine = range.and_then(|(start, end)| owners.get(start..end));
        let mine = mine.unwrap_or_default().chunks_exact(4);
        mine.filter_map(|number| Some(u32_at(number, 0)? as usize))
    }

    /// The numbers of the lists that have a path (as a node's name: with its leading slash), those read
    /// last first.
    pub fn owners(&self, path: &[u8]) -> impl Iterator<Item = usize> + '_ {
        let hash = hash(self.key, path);
        let hashes = &self.bytes[self.hashes.clone()];
        let at = |i: usize| array(hashes, HASH * i).map(u128::from_le_bytes);
        let (mut low, mut high) = (0, hashes.len() / HASH);
        while low < high {
            let middle = low.midpoint(high);
            match at(middle) {
                Some(there) if there < hash => low = middle + 1,
                _ => high = middle,
            }
        }
        let found = (at(low) == Some(hash)).then_some(low);
        found.into_iter().flat_map(|place| self.owners_at(place))
    }

    /// What it says of the lists that are the same.
    pub fn survey(&self, same: impl Fn(usize) -> bool) -> Survey {
        let mut survey = Survey {
            paths: 0,
            sole: vec![0; self.lists],
        };
        for place in 0..self.hashes.len() / HASH {
            let mut owners = self.owners_at(place).filter(|list| same(*list));
            if let Some(first) = owners.next() {
                survey.paths += 1;
                if owners.next().is_none()
                    && let Some(sole) = survey.sole.get_mut(first)
                {
                    *sole += 1;
                }
            }
        }
        survey
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn indexed(name: &str) -> Indexed<'_> {
        Indexed {
            name: name.as_bytes(),
            stamp: Stamp {
                ino: 1 << 40,
                size: 7,
                ctime: (-3, 999_999_999),
            },
            offset: -1,
        }
    }

    fn sample() -> Vec<u8> {
        let mut fsys = Fsys::new();
        let mut files = |pkg: u32, paths: &[&str]| {
            let nodes = paths.iter().map(|p| fsys.find(p.as_bytes())).collect();
            fsys.set_files(PkgId(pkg), nodes);
        };
        files(9, &["/.", "/usr", "/usr/a"]);
        files(2, &["/.", "/usr", "/usr/b", "/usr/c"]);
        files(4, &["/elsewhere", "/usr"]);
        fsys.find(b"/nobodys");
        let lists = [(PkgId(2), indexed("two.list")), (PkgId(9), indexed("nine"))];
        PathIndex::build(&fsys, &lists).expect("index")
    }

    #[test]
    fn it_says_what_the_lists_said() {
        let index = PathIndex::read(sample()).expect("an index");
        assert_eq!(index.lists(), 2);
        assert_eq!(index.list(0), Some(indexed("two.list")));
        assert_eq!(index.list(1), Some(indexed("nine")));
        assert_eq!(index.list(2), None);
        let owners = |path: &str| index.owners(path.as_bytes()).collect::<Vec<_>>();
        assert_eq!(owners("/."), [0, 1]);
        assert_eq!(owners("/usr"), [0, 1]);
        assert_eq!(owners("/usr/a"), [1]);
        assert_eq!(owners("/usr/c"), [0]);
        for other in ["/elsewhere", "/nobodys", "/usr/", ""] {
            assert_eq!(owners(other), [0; 0], "{other}");
        }
        let survey = |same: fn(usize) -> bool| index.survey(same);
        let all = Survey {
            paths: 5,
            sole: vec![2, 1],
        };
        assert_eq!(survey(|_| true), all);
        let second = Survey {
            paths: 3,
            sole: vec![0, 3],
        };
        assert_eq!(survey(|list| list == 1), second);
    }

    #[test]
    fn what_is_damaged_is_read_nowhere_outside() {
        let whole = sample();
        for len in 0..whole.len() {
            assert!(PathIndex::read(whole[..len].to_vec()).is_none(), "{len}");
        }
        for at in 0..whole.len() {
            for byte in [0, 0x7f, 0xff] {
                let mut bytes = whole.clone();
                bytes[at] = byte;
                let Some(index) = PathIndex::read(bytes) else {
                    continue;
                };
                for list in 0..index.lists() {
                    index.list(list);
                }
                index.owners(b"/usr").count();
                index.survey(|_| true);
            }
        }
    }
}
