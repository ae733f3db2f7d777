//! File lists that need not be read, as an index says whose the paths are.
//!
//! With an index, a path gets its owners when it becomes a node. That is as if the lists had been read, as
//! long as nobody asks for a list itself: then it is read ([`Fsys::is_current`] tells that it need not be for
//! its owners' sake).

use std::collections::{HashMap, HashSet};

use super::index::PathIndex;
use super::{Fsys, NO_LINK, NodeId};
use crate::pkg::PkgId;

/// The index, and what of it holds.
#[derive(Debug)]
pub(super) struct Unread {
    index: PathIndex,
    /// Of each of its lists the package, if the list is the same.
    packages: Vec<Option<PkgId>>,
    /// Which package's list would have been read when.
    turns: HashMap<PkgId, usize>,
    /// The packages whose lists were not read.
    unread: HashSet<PkgId>,
    /// How many paths a package alone has that are no node yet.
    sole: HashMap<PkgId, u32>,
    /// Paths of the lists that are the same.
    paths: usize,
    /// Nodes that are such a path.
    nodes: usize,
}

impl Fsys {
    /// Take over an index. `packages` are, by the numbers of its lists, those whose list is the same; none of
    /// them has been read.
    pub fn take_index(&mut self, index: PathIndex, packages: Vec<Option<PkgId>>) {
        let same = |list: usize| packages.get(list).is_some_and(Option::is_some);
        let survey = index.survey(same);
        let sole = packages.iter().zip(&survey.sole);
        let sole = sole.filter_map(|(pkg, count)| Some(((*pkg)?, *count)));
        self.unread = Some(Box::new(Unread {
            unread: packages.iter().flatten().copied().collect(),
            turns: HashMap::new(),
            sole: sole.collect(),
            paths: survey.paths,
            nodes: 0,
            packages,
            index,
        }));
        for node in self.nodes() {
            self.own_by_index(node);
        }
    }

    /// The order in which all lists would have been read, now that those which had to be are: that of the
    /// owners of a path.
    pub fn set_turns(&mut self, order: &[PkgId]) {
        let Some(unread) = &mut self.unread else {
            return;
        };
        unread.turns = order.iter().enumerate().map(|(i, pkg)| (*pkg, i)).collect();
        for node in self.nodes() {
            let mut owners: Vec<PkgId> = self.owners(node).collect();
            if owners.len() > 1 {
                self.nodes[node.0 as usize].owners = NO_LINK;
                self.own(node, &mut owners);
            }
        }
    }

    /// Whether owners of paths are as the list of this package on disk says, be it read or not.
    pub fn is_current(&self, pkg: PkgId) -> bool {
        let unread = self.unread.as_ref();
        self.files(pkg).is_some() || unread.is_some_and(|u| u.unread.contains(&pkg))
    }

    /// Whether there is a path that no node is made of, so nobody has met, and that only this package has.
    pub fn has_unmet_path(&self, pkg: PkgId) -> bool {
        let Some(unread) = &self.unread else {
            return false;
        };
        unread.unread.contains(&pkg) && unread.sole.get(&pkg).is_some_and(|sole| *sole > 0)
    }

    /// How many paths are known, those that are no node because their lists were not read included
    /// (`fsys_hash_entries`).
    pub fn count_paths(&self) -> usize {
        let hidden = self.unread.as_ref().map_or(0, |u| u.paths - u.nodes);
        self.len() + hidden
    }

    /// The list of a package was read for its own sake. Yes, if its paths have their owner already.
    pub(super) fn was_unread(&mut self, pkg: PkgId) -> bool {
        let unread = self.unread.as_mut();
        unread.is_some_and(|unread| unread.unread.remove(&pkg))
    }

    /// Give a new node the owners that the index knows.
    pub(super) fn own_by_index(&mut self, node: NodeId) {
        let Some(mut unread) = self.unread.take() else {
            return;
        };
        let lists = unread.index.owners(self.name(node));
        let same = lists.filter_map(|list| *unread.packages.get(list)?);
        let mut owners: Vec<PkgId> = same.collect();
        if let [pkg] = &owners[..]
            && let Some(sole) = unread.sole.get_mut(pkg)
        {
            *sole = sole.saturating_sub(1);
        }
        if !owners.is_empty() {
            unread.nodes += 1;
        }
        self.unread = Some(unread);
        self.own(node, &mut owners);
    }

    /// Make these owners of a node, in the order in which their lists are read.
    fn own(&mut self, node: NodeId, owners: &mut [PkgId]) {
        if let Some(unread) = &self.unread {
            owners.sort_by_key(|pkg| unread.turns.get(pkg).copied());
        }
        for pkg in owners {
            let n = &mut self.nodes[node.0 as usize];
            self.links.push((*pkg, n.owners));
            n.owners = self.links.len() as u32 - 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::index::{Indexed, Stamp};
    use super::*;

    const LISTS: [(u32, &[&str]); 3] = [
        (1, &["/.", "/usr", "/usr/a", "/both"]),
        (2, &["/.", "/usr", "/usr/b"]),
        (3, &["/.", "/both"]),
    ];

    fn read(fsys: &mut Fsys, pkg: u32) {
        let paths = LISTS.iter().find(|l| l.0 == pkg).expect("a list").1;
        let nodes = paths.iter().map(|p| fsys.find(p.as_bytes())).collect();
        fsys.set_files(PkgId(pkg), nodes);
    }

    fn with_index(same: &[u32]) -> Fsys {
        let mut whole = Fsys::new();
        for (pkg, _) in LISTS {
            read(&mut whole, pkg);
        }
        let stamp = Stamp {
            ino: 1,
            size: 1,
            ctime: (1, 1),
        };
        let list = |(pkg, _): &(u32, _)| {
            let name = b"x";
            (
                PkgId(*pkg),
                Indexed {
                    name,
                    stamp,
                    offset: 0,
                },
            )
        };
        let lists: Vec<_> = LISTS.iter().map(list).collect();
        let bytes = PathIndex::build(&whole, &lists).expect("index");
        let mut fsys = Fsys::new();
        fsys.find(b"/both");
        let packages = lists.iter().map(|(pkg, _)| *pkg);
        let packages = packages.map(|pkg| same.contains(&pkg.0).then_some(pkg));
        let index = PathIndex::read(bytes).expect("an index");
        fsys.take_index(index, packages.collect());
        for (pkg, _) in LISTS {
            if !fsys.is_current(PkgId(pkg)) {
                read(&mut fsys, pkg);
            }
        }
        let order: Vec<PkgId> = LISTS.iter().map(|l| PkgId(l.0)).collect();
        fsys.set_turns(&order);
        fsys
    }

    #[test]
    fn it_is_as_if_the_lists_were_read() {
        for same in [&[][..], &[1], &[2], &[1, 3], &[2, 3], &[1, 2, 3]] {
            let mut fsys = with_index(same);
            assert_eq!(fsys.count_paths(), 5, "{same:?}");
            for (path, owners) in [
                ("/.", &[3, 2, 1][..]),
                ("/usr", &[2, 1]),
                ("/usr/a", &[1]),
                ("/both", &[3, 1]),
                ("/new", &[]),
            ] {
                let node = fsys.find(path.as_bytes());
                let found: Vec<u32> = fsys.owners(node).map(|p| p.0).collect();
                assert_eq!(found, owners, "{same:?} {path}");
            }
            assert_eq!(fsys.count_paths(), 6, "{same:?}");
        }
    }

    #[test]
    fn a_list_may_be_read_later_and_change() {
        let mut fsys = with_index(&[1, 2, 3]);
        let one = PkgId(1);
        assert_eq!(fsys.files(one), None);
        assert!(fsys.has_unmet_path(one));
        assert!(!fsys.has_unmet_path(PkgId(3)));
        read(&mut fsys, 1);
        assert_eq!(fsys.files(one).map(<[NodeId]>::len), Some(4));
        assert!(!fsys.has_unmet_path(one));
        let owners = |fsys: &mut Fsys, path: &str| {
            let node = fsys.find(path.as_bytes());
            fsys.owners(node).map(|p| p.0).collect::<Vec<_>>()
        };
        assert_eq!(owners(&mut fsys, "/both"), [3, 1]);
        let kept = vec![fsys.find(b"/usr/a")];
        fsys.set_files(one, kept);
        assert_eq!(owners(&mut fsys, "/both"), [3]);
        assert_eq!(owners(&mut fsys, "/usr/a"), [1]);
        assert_eq!(owners(&mut fsys, "/usr"), [2]);
        assert_eq!(fsys.count_paths(), 5);
    }

    #[test]
    fn a_path_that_was_met_is_not_unmet() {
        let mut fsys = with_index(&[1, 2, 3]);
        fsys.find(b"/usr/b");
        assert!(!fsys.has_unmet_path(PkgId(2)));
    }
}
