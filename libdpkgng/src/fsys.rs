//! The in-core table of paths: dpkg's `fsys_namenode` (fsys-hash.c, pkg-files.c).
//!
//! A path is a [`NodeId`]; its name lies in one byte arena with a leading slash and without a
//! trailing one. Per path: the packages that own it, and, for the few paths that have them,
//! a diversion, a statoverride and what this run found out about it. Per package: its file
//! list. What is on disk (`info/*.list`, `diversions`, `statoverride`) is read and written by
//! `db`; this module knows no files.

use std::collections::HashMap;
use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::pkg::{Bytes, PkgId, SetId, fnv_hash};

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
    /// Where its name, with the slash, starts; it ends where the next one's starts.
    start: u32,
    /// The hash of its name without the slash: growing the index looks at no name.
    hash: u32,
    owners: u32,
    flags: NodeFlags,
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
    names: Vec<u8>,
    nodes: Vec<Node>,
    /// `(owner, next)` chains, the latest owner first, as dpkg keeps them.
    links: Vec<(PkgId, u32)>,
    index: HashTable<u32>,
    hasher: DefaultHashBuilder,
    extra: HashMap<NodeId, Extra>,
    lists: HashMap<PkgId, FileList>,
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
        let hash = self.hash(path);
        if let Some(i) = self.probe(hash, path) {
            return NodeId(i);
        }
        let id = self.nodes.len() as u32;
        let start = self.names.len() as u32;
        self.names.push(b'/');
        self.names.extend_from_slice(path);
        self.nodes.push(Node {
            start,
            hash,
            owners: NO_LINK,
            flags: NodeFlags::empty(),
        });
        let nodes = &self.nodes;
        self.index
            .insert_unique(widen(hash), id, |i| widen(nodes[*i as usize].hash));
        NodeId(id)
    }

    /// The node of a path, if it is known (`FHFF_NO_NEW`).
    pub fn lookup(&self, path: &[u8]) -> Option<NodeId> {
        let path = skip_slash_dotslash(path);
        self.probe(self.hash(path), path).map(NodeId)
    }

    fn hash(&self, path: &[u8]) -> u32 {
        self.hasher.hash_one(path) as u32
    }

    fn probe(&self, hash: u32, path: &[u8]) -> Option<u32> {
        let same = |i: &u32| {
            self.nodes[*i as usize].hash == hash && self.name(NodeId(*i)).get(1..) == Some(path)
        };
        self.index.find(widen(hash), same).copied()
    }

    /// The path, with its leading slash.
    pub fn name(&self, node: NodeId) -> &[u8] {
        let at = node.0 as usize;
        let end = self.nodes.get(at + 1).map(|next| next.start as usize);
        &self.names[self.nodes[at].start as usize..end.unwrap_or(self.names.len())]
    }

    /// How many paths are known (`fsys_hash_entries`).
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
