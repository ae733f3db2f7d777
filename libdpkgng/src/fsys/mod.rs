//! The in-core table of paths: dpkg's `fsys_namenode` (fsys-hash.c, pkg-files.c).
//!
//! A path is a [`NodeId`]; its name, with a leading slash and without a trailing one, lies in an arena
//! that grows with each new path, or where a list was read to ([`Lines`]). Per path: the packages that own it, and, for the few paths that have them,
//! a diversion, a statoverride and what this run found out about it. Per package: its file
//! list. What is on disk (`info/*.list`, `diversions`, `statoverride`) is read and written by
//! `db`; this module knows no files. An index ([`PathIndex`]) may stand for lists that nobody reads.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::ops::Range;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::pkg::{Bytes, PkgId, SetId, fnv_hash};

mod index;
mod unread;

pub use index::{Indexed, PathIndex, Stamp, Survey};

/// A path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u32);

bitflags::bitflags! {
    /// What the current unpack knows of a path (`fsys_namenode_flags`).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct NodeFlags: u16 {
        /// In the newconffiles list.
        const NEW_CONFF = 1 << 0;
        /// In the new filesystem archive.
        const NEW_INARCHIVE = 1 << 1;
        /// In the old package's conffiles list.
        const OLD_CONFF = 1 << 2;
        /// Obsolete conffile.
        const OBS_CONFF = 1 << 3;
        /// Must be removed from other packages' lists.
        const ELIDE_OTHER_LISTS = 1 << 4;
        /// At least one instance is a directory, cannot rename over.
        const NO_ATOMIC_OVERWRITE = 1 << 5;
        /// The new file has been placed on the disk.
        const PLACED_ON_DISK = 1 << 6;
        /// Its data has still to be made durable.
        const DEFERRED_FSYNC = 1 << 7;
        /// It has still to be renamed into place.
        const DEFERRED_RENAME = 1 << 8;
        /// Excluded by `--path-exclude`.
        const FILTERED = 1 << 9;
        /// Conffile removal requested by upgrade.
        const RM_CONFF_ON_UPGRADE = 1 << 10;
    }
}

/// One half of a diversion as seen from a path (`fsys_diversion`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diversion {
    /// On the original path: where its files go instead.
    pub useinstead: Option<NodeId>,
    /// On the diverted-to path: where its files come from.
    pub camefrom: Option<NodeId>,
    /// The package whose files are not diverted; `None` for a local diversion.
    pub pkgset: Option<SetId>,
}

/// Owner, group and mode the administrator imposed (`file_stat`, statoverride(5)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatOverride {
    /// Numeric owner; unset when the name is unknown and that is forgiven.
    pub uid: u32,
    /// Numeric group.
    pub gid: u32,
    /// Permission bits.
    pub mode: u32,
    /// The owner as written in the file (a name or `#NUMBER`), where a name.
    pub uname: Option<Bytes>,
    /// The group likewise.
    pub gname: Option<Bytes>,
}

/// What only few paths have.
#[derive(Clone, Debug, Default)]
struct Extra {
    divert: Option<Diversion>,
    statoverride: Option<StatOverride>,
    oldhash: Option<Bytes>,
    newhash: Option<Bytes>,
    ondisk: Option<Option<(u64, u64)>>,
}

const NO_LINK: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
struct Node {
    /// Where its name, with the slash, starts.
    start: u32,
    /// How long that is.
    len: u32,
    /// The hash of its name without the slash: growing the index looks at no name.
    hash: u32,
    owners: u32,
    /// In which of the arenas its name is.
    arena: u16,
    flags: NodeFlags,
}

/// File lists as they were read, their lines found and hashed: the part of making paths of them
/// that takes no table, so that several may do it at a time.
#[derive(Debug, Default)]
pub struct Lines {
    text: Vec<u8>,
    lines: Vec<Line>,
}

#[derive(Clone, Copy, Debug)]
struct Line {
    start: u32,
    len: u32,
    hash: u32,
}

impl Lines {
    /// Take over a list; which lines are its. `None` if it is not one as dpkg writes them: each line a
    /// path with one slash in front.
    pub fn push(&mut self, list: &[u8], hasher: &Hasher) -> Option<Range<usize>> {
        if !list.is_empty() && list.last() != Some(&b'\n') || memchr::memchr(0, list).is_some() {
            return None;
        }
        u32::try_from(self.text.len() + list.len()).ok()?;
        let first = self.lines.len();
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', list) {
            let line = list.get(start..end)?;
            let line = line.strip_suffix(b"/").unwrap_or(line);
            if line.is_empty() || skip_slash_dotslash(line).len() + 1 != line.len() {
                self.lines.truncate(first);
                return None;
            }
            self.lines.push(Line {
                start: (self.text.len() + start) as u32,
                len: line.len() as u32,
                hash: hasher.hash(&line[1..]),
            });
            start = end + 1;
        }
        self.text.extend_from_slice(list);
        Some(first..self.lines.len())
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

/// How paths are hashed by one table.
#[derive(Clone, Debug, Default)]
pub struct Hasher(DefaultHashBuilder);

impl Hasher {
    fn hash(&self, path: &[u8]) -> u32 {
        self.0.hash_one(path) as u32
    }
}

/// Lines of which paths can be made now: their text is an arena of the table.
#[derive(Debug)]
pub struct Adopted {
    arena: u16,
    lines: Vec<Line>,
}

/// The file list of a package, as far as it is known in core.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum FileList {
    #[default]
    Unread,
    /// Read, and the file was rewritten since: to be read again before use.
    Stale(Vec<NodeId>),
    Valid(Vec<NodeId>),
}

/// All paths known in this run.
#[derive(Debug, Default)]
pub struct Fsys {
    /// The arena that grows, number 0.
    names: Vec<u8>,
    /// Those of lists.
    texts: Vec<Vec<u8>>,
    nodes: Vec<Node>,
    /// `(owner, next)` chains, the latest owner first, as dpkg keeps them.
    links: Vec<(PkgId, u32)>,
    index: HashTable<u32>,
    hasher: Hasher,
    extra: HashMap<NodeId, Extra>,
    lists: HashMap<PkgId, FileList>,
    /// Lists that an index stands for.
    unread: Option<Box<unread::Unread>>,
}

/// The path without leading `/` and `./` (`path_skip_slash_dotslash`).
pub fn skip_slash_dotslash(mut path: &[u8]) -> &[u8] {
    loop {
        path = match path {
            [b'/', rest @ ..] => rest,
            [b'.', b'/', ..] => &path[1..],
            _ => return path,
        };
    }
}

/// The path without trailing `/` and `/.` (`path_trim_slash_slashdot`).
pub fn trim_slash_slashdot(path: &[u8]) -> &[u8] {
    let mut path = path;
    while let [head @ .., before, last] = path {
        if *last == b'/' || (*before == b'/' && *last == b'.') {
            path = &path[..head.len() + 1];
        } else {
            break;
        }
    }
    path
}

/// A hash as the index wants it, which looks at the highest bits and at the lowest.
fn widen(hash: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(hash)
}

impl Fsys {
    /// An empty table.
    pub fn new() -> Fsys {
        Fsys::default()
    }

    /// The node of a path, made when new (`fsys_hash_find_node`). Leading `/` and `./` do not
    /// matter; a trailing slash does, callers strip it.
    pub fn find(&mut self, path: &[u8]) -> NodeId {
        let path = skip_slash_dotslash(path);
        let hash = self.hasher.hash(path);
        if let Some(i) = self.probe(hash, path) {
            return NodeId(i);
        }
        let start = self.names.len() as u32;
        self.names.push(b'/');
        self.names.extend_from_slice(path);
        let len = path.len() as u32 + 1;
        self.add(0, Line { start, len, hash })
    }

    fn add(&mut self, arena: u16, name: Line) -> NodeId {
        let Line { start, len, hash } = name;
        let id = self.nodes.len() as u32;
        self.nodes.push(Node {
            start,
            len,
            hash,
            owners: NO_LINK,
            arena,
            flags: NodeFlags::empty(),
        });
        let nodes = &self.nodes;
        self.index
            .insert_unique(widen(hash), id, |i| widen(nodes[*i as usize].hash));
        self.own_by_index(NodeId(id));
        NodeId(id)
    }

    /// The node of a path, if it is known (`FHFF_NO_NEW`).
    pub fn lookup(&self, path: &[u8]) -> Option<NodeId> {
        let path = skip_slash_dotslash(path);
        self.probe(self.hasher.hash(path), path).map(NodeId)
    }

    /// How this table hashes paths.
    pub fn hasher(&self) -> Hasher {
        self.hasher.clone()
    }

    /// Make room for so many more paths, each of one list.
    pub fn reserve(&mut self, count: usize) {
        self.nodes.reserve(count);
        self.links.reserve(count);
        let nodes = &self.nodes;
        self.index
            .reserve(count, |i| widen(nodes[*i as usize].hash));
    }

    /// Take over the text of lists, hashed by [`Fsys::hasher`], for [`Fsys::find_lines`]; `None` if
    /// there is no room for more of them.
    pub fn adopt(&mut self, lines: Lines) -> Option<Adopted> {
        let Lines { text, lines } = lines;
        let mut arena = 0;
        if !lines.is_empty() {
            self.texts.push(text);
            arena = u16::try_from(self.texts.len()).ok()?;
        }
        Some(Adopted { arena, lines })
    }

    /// The nodes of some of the lines, as [`Fsys::find`] gives them.
    pub fn find_lines(&mut self, adopted: &Adopted, range: Range<usize>) -> Vec<NodeId> {
        let lines = adopted.lines.get(range).unwrap_or_default();
        let mut nodes = Vec::with_capacity(lines.len());
        for line in lines {
            let name = self.text(adopted.arena, line.start, line.len);
            nodes.push(match self.probe(line.hash, &name[1..]) {
                Some(i) => NodeId(i),
                None => self.add(adopted.arena, *line),
            });
        }
        nodes
    }

    fn text(&self, arena: u16, start: u32, len: u32) -> &[u8] {
        let text = match usize::from(arena).checked_sub(1) {
            None => &self.names,
            Some(i) => &self.texts[i],
        };
        &text[start as usize..(start + len) as usize]
    }

    fn probe(&self, hash: u32, path: &[u8]) -> Option<u32> {
        let same = |i: &u32| {
            self.nodes[*i as usize].hash == hash && self.name(NodeId(*i)).get(1..) == Some(path)
        };
        self.index.find(widen(hash), same).copied()
    }

    /// The path, with its leading slash.
    pub fn name(&self, node: NodeId) -> &[u8] {
        let Node {
            arena, start, len, ..
        } = self.nodes[node.0 as usize];
        self.text(arena, start, len)
    }

    /// How many paths are nodes.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether no path is known.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Every path in the order of first sight.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..self.nodes.len() as u32).map(NodeId)
    }

    /// Sort paths into the order of dpkg's hash table (bin, then first sight), which is that of
    /// the output of `dpkg-query --search`.
    pub fn sort_in_hash_order(&self, nodes: &mut [NodeId]) {
        /// dpkg's hash table size.
        const BINS: u32 = 262_139;
        nodes.sort_by_cached_key(|n| {
            let path = self.name(*n).get(1..).unwrap_or_default();
            (fnv_hash(path) % BINS, *n)
        });
    }

    /// Forget what the last unpack found out (`fsys_hash_init`): flags, hashes, on-disk ids.
    pub fn forget_run_state(&mut self) {
        for node in &mut self.nodes {
            node.flags = NodeFlags::empty();
        }
        for extra in self.extra.values_mut() {
            extra.oldhash = None;
            extra.newhash = None;
            extra.ondisk = None;
        }
    }

    /// The flags of a path.
    pub fn flags(&self, node: NodeId) -> NodeFlags {
        self.nodes[node.0 as usize].flags
    }

    /// The flags of a path, to change.
    pub fn flags_mut(&mut self, node: NodeId) -> &mut NodeFlags {
        &mut self.nodes[node.0 as usize].flags
    }

    /// The packages whose file lists have this path, the one read last first.
    pub fn owners(&self, node: NodeId) -> Owners<'_> {
        Owners {
            links: &self.links,
            next: self.nodes[node.0 as usize].owners,
        }
    }

    /// The diversion a path takes part in.
    pub fn diversion(&self, node: NodeId) -> Option<&Diversion> {
        self.extra.get(&node)?.divert.as_ref()
    }

    /// Set or clear it.
    pub fn set_diversion(&mut self, node: NodeId, divert: Option<Diversion>) {
        self.extra.entry(node).or_default().divert = divert;
    }

    /// The override of a path's owner and mode.
    pub fn statoverride(&self, node: NodeId) -> Option<&StatOverride> {
        self.extra.get(&node)?.statoverride.as_ref()
    }

    /// Set or clear it.
    pub fn set_statoverride(&mut self, node: NodeId, value: Option<StatOverride>) {
        self.extra.entry(node).or_default().statoverride = value;
    }

    /// Every path whose files go elsewhere, in the order of dpkg's hash table.
    pub fn diverted(&self) -> Vec<NodeId> {
        self.with_extra(|e| e.divert.as_ref().is_some_and(|d| d.useinstead.is_some()))
    }

    /// Every path with a statoverride, in the order of dpkg's hash table.
    pub fn overridden(&self) -> Vec<NodeId> {
        self.with_extra(|e| e.statoverride.is_some())
    }

    fn with_extra(&self, wanted: impl Fn(&Extra) -> bool) -> Vec<NodeId> {
        let extra = self.extra.iter().filter(|(_, e)| wanted(e));
        let mut nodes: Vec<NodeId> = extra.map(|(node, _)| *node).collect();
        self.sort_in_hash_order(&mut nodes);
        nodes
    }

    /// Drop every diversion (before the file is read again).
    pub fn clear_diversions(&mut self) {
        self.extra.values_mut().for_each(|e| e.divert = None);
    }

    /// Drop every statoverride (before the file is read again).
    pub fn clear_statoverrides(&mut self) {
        self.extra.values_mut().for_each(|e| e.statoverride = None);
    }

    /// The hash of the conffile as the old package shipped it (`oldhash`).
    pub fn oldhash(&self, node: NodeId) -> Option<&[u8]> {
        self.extra.get(&node)?.oldhash.as_deref()
    }

    /// Set it.
    pub fn set_oldhash(&mut self, node: NodeId, hash: Option<Bytes>) {
        self.extra.entry(node).or_default().oldhash = hash;
    }

    /// The hash of the file as unpacked in this run (`newhash`).
    pub fn newhash(&self, node: NodeId) -> Option<&[u8]> {
        self.extra.get(&node)?.newhash.as_deref()
    }

    /// Set it.
    pub fn set_newhash(&mut self, node: NodeId, hash: Option<Bytes>) {
        self.extra.entry(node).or_default().newhash = hash;
    }

    /// Device and inode found on disk in this run: `None` when not looked at yet,
    /// `Some(None)` when looked and there is nothing (`file_ondisk_id`).
    pub fn ondisk(&self, node: NodeId) -> Option<Option<(u64, u64)>> {
        self.extra.get(&node)?.ondisk
    }

    /// Set it.
    pub fn set_ondisk(&mut self, node: NodeId, id: Option<Option<(u64, u64)>>) {
        self.extra.entry(node).or_default().ondisk = id;
    }

    /// The file list of a package; `None` unless it has been read and is current.
    pub fn files(&self, pkg: PkgId) -> Option<&[NodeId]> {
        match self.lists.get(&pkg) {
            Some(FileList::Valid(files)) => Some(files),
            _ => None,
        }
    }

    /// Replace the file list of a package, moving the ownership links along.
    pub fn set_files(&mut self, pkg: PkgId, files: Vec<NodeId>) {
        if self.was_unread(pkg) {
            self.lists.insert(pkg, FileList::Valid(files));
            return;
        }
        self.blank_files(pkg);
        self.links.reserve(files.len());
        for node in &files {
            let n = &mut self.nodes[node.0 as usize];
            self.links.push((pkg, n.owners));
            n.owners = self.links.len() as u32 - 1;
        }
        self.lists.insert(pkg, FileList::Valid(files));
    }

    /// The list on disk was rewritten (`note_must_reread_files_inpackage`): ownership stays as
    /// it is until the list is read again.
    pub fn mark_stale(&mut self, pkg: PkgId) {
        if let Some(list) = self.lists.get_mut(&pkg) {
            *list = match std::mem::take(list) {
                FileList::Valid(files) => FileList::Stale(files),
                other => other,
            };
        }
    }

    /// The package owns nothing (`pkg_files_blank`); its list counts as unread.
    pub fn blank_files(&mut self, pkg: PkgId) {
        let Some(FileList::Stale(files) | FileList::Valid(files)) = self.lists.remove(&pkg) else {
            return;
        };
        for node in files {
            let mut at = self.nodes[node.0 as usize].owners;
            let mut before = NO_LINK;
            while at != NO_LINK {
                let (owner, next) = self.links[at as usize];
                if owner == pkg {
                    match before {
                        NO_LINK => self.nodes[node.0 as usize].owners = next,
                        b => self.links[b as usize].1 = next,
                    }
                    break;
                }
                before = at;
                at = next;
            }
        }
    }
}

/// Iterator over the owners of a path.
pub struct Owners<'a> {
    links: &'a [(PkgId, u32)],
    next: u32,
}

impl Iterator for Owners<'_> {
    type Item = PkgId;
    fn next(&mut self) -> Option<PkgId> {
        let (pkg, next) = *self.links.get(self.next as usize)?;
        self.next = next;
        Some(pkg)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_normalised_at_the_front_only() {
        let mut f = Fsys::new();
        let a = f.find(b"./usr/bin");
        assert_eq!(f.find(b"/usr/bin"), a);
        assert_eq!(f.find(b"//./usr/bin"), a);
        assert_ne!(f.find(b"/usr/bin/"), a);
        assert_eq!(f.name(a), b"/usr/bin");
        let root = f.find(b"/.");
        assert_eq!(f.name(root), b"/.");
        assert_eq!(f.lookup(b"nope"), None);
        assert_eq!(f.len(), 3);
    }

    #[test]
    fn lines_are_the_paths_that_they_are_one_by_one() {
        let mut f = Fsys::new();
        let (bin, hasher) = (f.find(b"/usr/bin"), f.hasher());
        let mut lines = Lines::default();
        let a = lines.push(b"/.\n/usr/\n/usr/bin\n", &hasher).expect("a");
        for odd in [
            "usr\n", "//usr\n", "/./usr\n", "/usr", "\n", "/\n", "/a\n\n", "/a\0b\n",
        ] {
            assert_eq!(lines.push(odd.as_bytes(), &hasher), None, "{odd:?}");
        }
        let b = lines.push(b"/usr\n/b\n", &hasher).expect("b");
        assert_eq!(lines.push(b"", &hasher), Some(5..5));
        let lines = f.adopt(lines).expect("room");
        let b = f.find_lines(&lines, b);
        let a = f.find_lines(&lines, a);
        assert_eq!((a[1], a[2]), (b[0], bin));
        for (node, path) in [(a[0], "/."), (a[1], "/usr"), (b[1], "/b")] {
            assert_eq!(f.name(node), path.as_bytes());
            assert_eq!(f.find(path.as_bytes()), node);
        }
        assert_eq!(f.len(), 4);
    }

    #[test]
    fn trailing_slashes_and_dots_go() {
        // lib/dpkg/t/t-path.c
        for (path, trimmed) in [
            ("/", "/"),
            ("/a/./", "/a"),
            ("/a//.", "/a"),
            ("a/.", "a"),
            (".", "."),
            ("/.", "/"),
            ("/a.", "/a."),
        ] {
            let got = trim_slash_slashdot(path.as_bytes());
            assert_eq!(got, trimmed.as_bytes(), "{path}");
        }
    }

    #[test]
    fn owners_latest_first_and_blanking() {
        let mut f = Fsys::new();
        let (a, b) = (f.find(b"/a"), f.find(b"/b"));
        f.set_files(PkgId(1), vec![a, b]);
        f.set_files(PkgId(2), vec![a]);
        f.set_files(PkgId(3), vec![a]);
        let owners = |f: &Fsys, n| f.owners(n).map(|p| p.0).collect::<Vec<_>>();
        assert_eq!(owners(&f, a), [3, 2, 1]);
        f.mark_stale(PkgId(2));
        assert_eq!(f.files(PkgId(2)), None);
        assert_eq!(owners(&f, a), [3, 2, 1]);
        f.set_files(PkgId(2), vec![b]);
        assert_eq!(owners(&f, a), [3, 1]);
        assert_eq!(owners(&f, b), [2, 1]);
    }
}
