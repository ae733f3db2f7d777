//! The in-core table of packages: dpkg's `pkgset`, `pkginfo`, `pkgbin` (dpkg-db.h, pkg-hash.c).
//!
//! Everything is named by small ids into one [`PkgTable`]. Nothing is ever removed, so ids stay
//! valid. Iteration is in the order of dpkg's hash table (name hash, then first sight), because
//! `--configure -a` and friends process packages in that order and scripts observe it.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use hashbrown::HashTable;

use crate::arch::{ArchId, ArchTable, ArchType};
use crate::err;
use crate::error::Result;
use crate::state::{EFlag, Status, Want};
use crate::version::{Relation, Version};

/// A byte string of the database. Fields that are absent are `None`, not empty.
pub type Bytes = Box<[u8]>;

/// A package name with all its instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SetId(pub u32);

/// One instance (architecture) of a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PkgId(pub u32);

/// Which of a package's two descriptions is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Which {
    /// What is (or was) installed.
    Installed,
    /// What `available` or an archive offers.
    Available,
}

/// The relation fields (`deptype`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum DepType {
    Suggests,
    Recommends,
    Depends,
    PreDepends,
    Breaks,
    Conflicts,
    Provides,
    Replaces,
    Enhances,
}

/// One comma-separated element of a relation field.
#[derive(Clone, Debug)]
pub struct Dependency {
    /// The field it stands in.
    pub kind: DepType,
    /// Its alternatives (`|`), at least one.
    pub possi: Vec<Possi>,
}

/// One alternative of a [`Dependency`] (`deppossi`).
#[derive(Clone, Debug)]
pub struct Possi {
    /// The package it names.
    pub ed: SetId,
    /// The architecture qualifier in force.
    pub arch: ArchId,
    /// Whether `arch` was not written but follows from the field and the package.
    pub arch_is_implicit: bool,
    /// How `version` is compared.
    pub relation: Relation,
    /// The version, blank for [`Relation::None`].
    pub version: Version,
}

/// Where a [`Possi`] stands: the reverse link that dpkg keeps in `pkgset.depended`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PossiRef {
    /// The package whose field it is.
    pub pkg: PkgId,
    /// Index into [`PkgBin::depends`].
    pub dep: u32,
    /// Index into [`Dependency::possi`].
    pub possi: u32,
    /// Which relations: 0 for those there are, n for those blanked as the n-th.
    pub gone: u32,
}

/// A line of the `Conffiles` field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conffile {
    /// The path as in the field, with its leading slash.
    pub name: Bytes,
    /// The md5sum, or `newconffile`, or `nonexistent`…
    pub hash: Bytes,
    /// No longer shipped by the package.
    pub obsolete: bool,
    /// To be removed when the package is upgraded.
    pub remove_on_upgrade: bool,
}

/// The `Multi-Arch` field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum MultiArch {
    #[default]
    No,
    Same,
    Allowed,
    Foreign,
}

impl MultiArch {
    /// The word of the field.
    pub const fn as_str(self) -> &'static str {
        match self {
            MultiArch::No => "no",
            MultiArch::Same => "same",
            MultiArch::Allowed => "allowed",
            MultiArch::Foreign => "foreign",
        }
    }
}

/// The `Priority` field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Priority {
    Required,
    Important,
    Standard,
    Optional,
    Extra,
    /// A word dpkg does not know; written back as it was.
    Other(Bytes),
    #[default]
    Unknown,
}

impl Priority {
    /// The word of the field (`pkg_priority_name`).
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Priority::Required => b"required",
            Priority::Important => b"important",
            Priority::Standard => b"standard",
            Priority::Optional => b"optional",
            Priority::Extra => b"extra",
            Priority::Other(word) => word,
            Priority::Unknown => b"unknown",
        }
    }
}

/// A field dpkg has no meaning for, kept in order of appearance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArbitraryField {
    /// The name as first spelled.
    pub name: Bytes,
    /// The value as it stood after the colon, blanks trimmed, continuation lines included.
    pub value: Bytes,
}

/// One description of a package (`pkgbin`).
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct PkgBin {
    /// Shared, so that a judgement can walk it while the table changes.
    pub depends: Arc<[Dependency]>,
    pub essential: bool,
    pub protected: bool,
    pub multiarch: MultiArch,
    pub arch: ArchId,
    pub description: Option<Bytes>,
    pub maintainer: Option<Bytes>,
    pub source: Option<Bytes>,
    pub installed_size: Option<Bytes>,
    pub origin: Option<Bytes>,
    pub bugs: Option<Bytes>,
    pub version: Version,
    pub conffiles: Vec<Conffile>,
    pub arbs: Vec<ArbitraryField>,
}

/// A description of which most packages of a table have none: blank, it takes no memory.
///
/// Stands for the [`PkgBin`] in it everywhere; changing anything makes it.
#[derive(Clone, Debug, Default)]
pub struct LazyBin(Option<Box<PkgBin>>);

/// What a blank [`LazyBin`] shows; never changed.
static BLANK: LazyLock<PkgBin> = LazyLock::new(PkgBin::default);

impl std::ops::Deref for LazyBin {
    type Target = PkgBin;
    fn deref(&self) -> &PkgBin {
        match &self.0 {
            Some(bin) => bin,
            None => &BLANK,
        }
    }
}
impl std::ops::DerefMut for LazyBin {
    fn deref_mut(&mut self) -> &mut PkgBin {
        self.0.get_or_insert_default()
    }
}

/// An entry of the `Filename`, `MSDOS-Filename`, `Size` and `MD5sum` fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct ArchiveDetails {
    pub name: Option<Bytes>,
    pub msdosname: Option<Bytes>,
    pub size: Option<Bytes>,
    pub md5sum: Option<Bytes>,
}

/// One instance of a package (`pkginfo`).
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Pkg {
    pub set: SetId,
    pub want: Want,
    pub eflag: EFlag,
    /// Set through [`PkgTable::set_status`] only (it counts instances).
    status: Status,
    /// `None` is dpkg's unset.
    pub priority: Priority,
    pub section: Option<Bytes>,
    pub configversion: Version,
    pub installed: LazyBin,
    pub available: LazyBin,
    pub archives: Vec<ArchiveDetails>,
    /// `Triggers-Pending`, in the order the field is written.
    pub trigpend: Vec<Box<str>>,
    /// `Triggers-Awaited`: the packages this one awaits, in the order the field is written.
    pub trigaw: Vec<PkgId>,
    /// The packages that await this one; iterate as it stands.
    pub othertrigaw: Vec<PkgId>,
    /// The status changed and has not been logged yet.
    pub status_dirty: bool,
}

impl Pkg {
    fn blank(set: SetId) -> Pkg {
        Pkg {
            set,
            want: Want::Unknown,
            eflag: EFlag::Ok,
            status: Status::NotInstalled,
            priority: Priority::Unknown,
            section: None,
            configversion: Version::default(),
            installed: LazyBin::default(),
            available: LazyBin::default(),
            archives: Vec::new(),
            trigpend: Vec::new(),
            trigaw: Vec::new(),
            othertrigaw: Vec::new(),
            status_dirty: false,
        }
    }

    /// How far it is installed.
    pub fn status(&self) -> Status {
        self.status
    }

    /// One of its two descriptions.
    pub fn bin(&self, which: Which) -> &PkgBin {
        match which {
            Which::Installed => &self.installed,
            Which::Available => &self.available,
        }
    }

    /// The same, to change. Change `depends` only through [`PkgTable::set_depends`].
    pub fn bin_mut(&mut self, which: Which) -> &mut PkgBin {
        match which {
            Which::Installed => &mut self.installed,
            Which::Available => &mut self.available,
        }
    }

    /// Whether the database has anything to say about it (`pkg_is_informative`).
    pub fn is_informative(&self, which: Which) -> bool {
        if which == Which::Installed
            && (self.want != Want::Unknown
                || self.eflag != EFlag::Ok
                || self.status != Status::NotInstalled
                || self.configversion.is_informative())
        {
            return true;
        }
        let set = |b: &Option<Bytes>| b.as_ref().is_some_and(|b| !b.is_empty());
        let bin = self.bin(which);
        !bin.depends.is_empty()
            || set(&bin.description)
            || set(&bin.maintainer)
            || set(&bin.origin)
            || set(&bin.bugs)
            || set(&bin.installed_size)
            || set(&bin.source)
            || bin.version.is_informative()
            || !bin.conffiles.is_empty()
            || !bin.arbs.is_empty()
    }
}

/// All instances of one name (`pkgset`).
#[derive(Clone, Debug)]
pub struct PkgSet {
    /// The name, lower case.
    pub name: Box<str>,
    /// Its instances, at least one, in dpkg's `arch_next` order.
    pub pkgs: Vec<PkgId>,
    installed_instances: u32,
    /// [`fnv_hash`] of the name.
    hash: u32,
}

/// When a name carries its architecture (`pkg_name_arch_when`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameWhen {
    /// Never.
    Never,
    /// When needed to be unambiguous on this system.
    NonAmbig,
    /// When the package is `Multi-Arch: same`.
    Same,
    /// When not native.
    Foreign,
    /// Always (except when there is no architecture).
    Always,
}

/// dpkg's hash table size; part of the observable iteration order.
const BINS: u32 = 65521;

/// FNV-1a over the bytes as C's signed chars, as `str_fnv_hash` does.
pub(crate) fn fnv_hash(name: &[u8]) -> u32 {
    name.iter().fold(2_166_136_261, |h, c| {
        (h ^ (*c as i8 as u32)).wrapping_mul(16_777_619)
    })
}

/// Link the relations of a package to the sets they name.
fn push_links(pkg: PkgId, gone: u32, depends: &[Dependency], lists: &mut [Vec<PossiRef>]) {
    for (dep, dependency) in depends.iter().enumerate() {
        for (possi, p) in dependency.possi.iter().enumerate() {
            if let Some(list) = lists.get_mut(p.ed.0 as usize) {
                list.push(PossiRef {
                    pkg,
                    dep: dep as u32,
                    possi: possi as u32,
                    gone,
                });
            }
        }
    }
}

/// The hash for `PkgTable::by_name`, which wants well mixed upper bits.
fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Relations that were blanked, after the number they had among all that were linked.
type Blanked = (u32, Arc<[Dependency]>);

/// The packages known in this run.
#[derive(Clone, Debug)]
pub struct PkgTable {
    /// The architectures that names and relations refer to.
    pub arches: ArchTable,
    sets: Vec<PkgSet>,
    pkgs: Vec<Pkg>,
    /// Indices into `sets`, by the hash of the name.
    by_name: HashTable<u32>,
    /// Packages that a `Triggers-Awaited` field read so far names, each once, in the order of
    /// reading; opening the database drains it (`trig_awaited_pend_enqueue`).
    pub awaited_pend: Vec<PkgId>,
    /// Per instance and side, when its relations were last replaced; 0 for never.
    linked: Vec<[u32; 2]>,
    /// The last number in `linked`.
    last_linked: u32,
    /// Per side and set the relations that name it, the latest last. Made when first asked
    /// for: most runs never ask, and for those that do not, reading is faster and smaller.
    depended: [OnceCell<Vec<Vec<PossiRef>>>; 2],
    /// Relations of blanked descriptions, which reverse links still find.
    blanked: HashMap<(PkgId, Which), Vec<Blanked>>,
}

impl std::ops::Index<PkgId> for PkgTable {
    type Output = Pkg;
    fn index(&self, id: PkgId) -> &Pkg {
        &self.pkgs[id.0 as usize]
    }
}
impl std::ops::IndexMut<PkgId> for PkgTable {
    fn index_mut(&mut self, id: PkgId) -> &mut Pkg {
        &mut self.pkgs[id.0 as usize]
    }
}
impl std::ops::Index<SetId> for PkgTable {
    type Output = PkgSet;
    fn index(&self, id: SetId) -> &PkgSet {
        &self.sets[id.0 as usize]
    }
}

impl PkgTable {
    /// An empty table.
    pub fn new(arches: ArchTable) -> PkgTable {
        PkgTable {
            arches,
            sets: Vec::new(),
            pkgs: Vec::new(),
            by_name: HashTable::new(),
            awaited_pend: Vec::new(),
            linked: Vec::new(),
            last_linked: 0,
            depended: [OnceCell::new(), OnceCell::new()],
            blanked: HashMap::new(),
        }
    }

    /// The set of a name (case is folded), made when new (`pkg_hash_find_set`).
    pub fn find_set(&mut self, name: &str) -> SetId {
        if let Some(id) = self.lookup_set(name) {
            return id;
        }
        let name: Box<str> = name.to_ascii_lowercase().into();
        let hash = fnv_hash(name.as_bytes());
        let set = SetId(self.sets.len() as u32);
        let pkg = PkgId(self.pkgs.len() as u32);
        self.pkgs.push(Pkg::blank(set));
        self.sets.push(PkgSet {
            name,
            pkgs: vec![pkg],
            installed_instances: 0,
            hash,
        });
        let sets = &self.sets;
        self.by_name
            .insert_unique(spread(hash), set.0, |i| spread(sets[*i as usize].hash));
        set
    }

    /// The set of a name, if it is known.
    pub fn lookup_set(&self, name: &str) -> Option<SetId> {
        if name.bytes().any(|c| c.is_ascii_uppercase()) {
            return self.lookup_set(&name.to_ascii_lowercase());
        }
        let same = |i: &u32| *self.sets[*i as usize].name == *name;
        let found = self.by_name.find(spread(fnv_hash(name.as_bytes())), same);
        found.map(|i| SetId(*i))
    }

    /// The only installed instance, or the likeliest candidate when none is; `None` when
    /// several are installed (`pkg_hash_get_singleton`).
    pub fn singleton(&self, set: SetId) -> Option<PkgId> {
        let pkgs = &self[set].pkgs;
        match self[set].installed_instances {
            0 => {
                let likely = |p: &&PkgId| {
                    let kind = self.arches.kind(self[**p].available.arch);
                    matches!(kind, ArchType::Native | ArchType::All)
                };
                pkgs.iter().find(likely).or(pkgs.first()).copied()
            }
            1 => {
                let installed = |p: &&PkgId| self[**p].status > Status::NotInstalled;
                pkgs.iter().find(installed).copied()
            }
            _ => None,
        }
    }

    /// [`PkgTable::singleton`] by name; ambiguity is an error (`pkg_hash_find_singleton`).
    pub fn find_singleton(&mut self, name: &str) -> Result<PkgId> {
        let set = self.find_set(name);
        self.singleton(set).ok_or_else(|| {
            err!(
                "ambiguous package name '%s' with more than one installed instance",
                &*self[set].name
            )
        })
    }

    /// The instance for `arch`, made when new (`pkg_hash_get_pkg`). A set's unused first slot
    /// is taken over. `arch` must not be [`ArchId::NONE`].
    pub fn get_pkg(&mut self, set: SetId, arch: ArchId) -> PkgId {
        let first = self[set].pkgs[0];
        if self[set].pkgs.len() == 1 && self[first].installed.arch == ArchId::NONE {
            self[first].installed.arch = arch;
            self[first].available.arch = arch;
            return first;
        }
        let same = |p: &&PkgId| self[**p].installed.arch == arch;
        if let Some(found) = self[set].pkgs.iter().find(same) {
            return *found;
        }
        let id = PkgId(self.pkgs.len() as u32);
        let mut pkg = Pkg::blank(set);
        pkg.installed.arch = arch;
        pkg.available.arch = arch;
        self.pkgs.push(pkg);
        self.sets[set.0 as usize].pkgs.push(id);
        id
    }

    /// How many instances of a name are more than not-installed.
    pub fn installed_instances(&self, set: SetId) -> u32 {
        self[set].installed_instances
    }

    /// The number of instances (`pkg_hash_count_pkg`).
    pub fn count(&self) -> usize {
        self.pkgs.len()
    }

    /// The number of names.
    pub fn count_sets(&self) -> usize {
        self.sets.len()
    }

    /// All sets in dpkg's hash order.
    pub fn sets_in_hash_order(&self) -> Vec<SetId> {
        let mut order: Vec<(u32, u32)> = (0..self.sets.len() as u32)
            .map(|i| (self.sets[i as usize].hash % BINS, i))
            .collect();
        order.sort_unstable();
        order.into_iter().map(|(_, i)| SetId(i)).collect()
    }

    /// All instances in dpkg's hash order.
    pub fn in_hash_order(&self) -> Vec<PkgId> {
        let sets = self.sets_in_hash_order();
        let pkgs = sets.into_iter().flat_map(|s| self[s].pkgs.iter().copied());
        pkgs.collect()
    }

    /// All instances in the order of database files: by name, then those whose name needs no
    /// architecture, then by architecture name (`pkg_sorter_by_nonambig_name_arch`).
    pub fn sorted(&self) -> Vec<PkgId> {
        // Names are unique among sets, and most differ in their first eight bytes.
        let prefix = |set: &PkgSet| {
            let mut bytes = [0; 8];
            let len = set.name.len().min(8);
            bytes[..len].copy_from_slice(&set.name.as_bytes()[..len]);
            u64::from_be_bytes(bytes)
        };
        let numbered = self.sets.iter().enumerate();
        let mut sets: Vec<(u64, u32)> = numbered.map(|(i, s)| (prefix(s), i as u32)).collect();
        let name = |i: u32| &self.sets[i as usize].name;
        sets.sort_unstable_by(|(p, a), (q, b)| p.cmp(q).then_with(|| name(*a).cmp(name(*b))));
        let mut order = Vec::with_capacity(self.pkgs.len());
        for (_, set) in sets {
            let start = order.len();
            order.extend_from_slice(&self.sets[set as usize].pkgs);
            if order.len() - start > 1 {
                self.sort(&mut order[start..]);
            }
        }
        order
    }

    /// Sort instances as [`PkgTable::sorted`] does; stable.
    pub fn sort(&self, order: &mut [PkgId]) {
        let arch = |p: PkgId| {
            let needed = self.needs_arch(p, Which::Installed, NameWhen::NonAmbig);
            needed.then(|| self.arches.name(self[p].installed.arch))
        };
        order.sort_by(|a, b| {
            let names = self.set_name(*a).cmp(self.set_name(*b));
            names.then_with(|| arch(*a).cmp(&arch(*b)))
        });
    }

    /// Change the status, keeping the count of instances (`pkg_set_status`).
    pub fn set_status(&mut self, pkg: PkgId, status: Status) {
        let old = self[pkg].status;
        if old == status {
            return;
        }
        let set = &mut self.sets[self.pkgs[pkg.0 as usize].set.0 as usize];
        if old == Status::NotInstalled {
            set.installed_instances += 1;
        } else if status == Status::NotInstalled {
            set.installed_instances = set.installed_instances.saturating_sub(1);
        }
        self[pkg].status = status;
        self[pkg].status_dirty = true;
    }

    /// Forget a description (`pkgbin_blank`), all but the architecture and what follows from
    /// it. Relations that named others go on being found from there to the end of the run,
    /// as in dpkg, also when the package comes back with other relations.
    pub fn blank_bin(&mut self, pkg: PkgId, which: Which) {
        let bin = self[pkg].bin_mut(which);
        let blank = PkgBin {
            arch: bin.arch,
            multiarch: bin.multiarch,
            ..PkgBin::default()
        };
        let old = std::mem::replace(bin, blank).depends;
        if old.is_empty() {
            return;
        }
        let side = which as usize;
        let number = self.linked.get(pkg.0 as usize).map_or(0, |l| l[side]);
        let blanked = self.blanked.entry((pkg, which)).or_default();
        blanked.push((number, old.clone()));
        let gone = blanked.len() as u32;
        let Some(lists) = self.depended[side].get_mut() else {
            return;
        };
        for possi in old.iter().flat_map(|d| &d.possi) {
            let links = lists.get_mut(possi.ed.0 as usize).into_iter().flatten();
            for link in links.filter(|r| r.pkg == pkg && r.gone == 0) {
                link.gone = gone;
            }
        }
    }

    /// Replace the relations of one description, moving the reverse links along
    /// (`copy_dependency_links`).
    pub fn set_depends(&mut self, pkg: PkgId, which: Which, depends: Arc<[Dependency]>) {
        let old = std::mem::replace(&mut self[pkg].bin_mut(which).depends, depends.clone());
        let side = which as usize;
        let index = pkg.0 as usize;
        if self.linked.len() <= index {
            self.linked.resize(self.pkgs.len(), [0; 2]);
        }
        self.last_linked += 1;
        self.linked[index][side] = self.last_linked;
        if let Some(lists) = self.depended[side].get_mut() {
            for possi in old.iter().flat_map(|d| &d.possi) {
                if let Some(list) = lists.get_mut(possi.ed.0 as usize) {
                    list.retain(|r| r.pkg != pkg || r.gone != 0);
                }
            }
            lists.resize_with(self.sets.len(), Vec::new);
            push_links(pkg, 0, &depends, lists);
        }
    }

    /// All reverse links of one side, in the order in which relations were replaced last.
    fn build_links(&self, which: Which) -> Vec<Vec<PossiRef>> {
        let numbered = (0..).map(PkgId).zip(&self.linked);
        let mut order: Vec<(u32, PkgId, u32, &[Dependency])> = numbered
            .map(|(pkg, numbers)| (numbers[which as usize], pkg))
            .filter(|(number, _)| *number > 0)
            .map(|(number, pkg)| (number, pkg, 0, &*self[pkg].bin(which).depends))
            .collect();
        let blanked = self.blanked.iter().filter(|((_, side), _)| *side == which);
        for ((pkg, _), groups) in blanked {
            let groups = (1..).zip(groups);
            order.extend(groups.map(|(gone, (number, d))| (*number, *pkg, gone, &**d)));
        }
        order.sort_unstable_by_key(|(number, pkg, ..)| (*number, *pkg));
        let mut lists = vec![Vec::new(); self.sets.len()];
        for (_, pkg, gone, depends) in order {
            push_links(pkg, gone, depends, &mut lists);
        }
        lists
    }

    /// The relations that a reverse link stands in; none when the link is stale.
    pub fn linked_depends(&self, which: Which, r: PossiRef) -> Arc<[Dependency]> {
        self.linked(which, r).cloned().unwrap_or_default()
    }

    fn linked(&self, which: Which, r: PossiRef) -> Option<&Arc<[Dependency]>> {
        let Some(nth) = r.gone.checked_sub(1) else {
            return Some(&self[r.pkg].bin(which).depends);
        };
        let groups = self.blanked.get(&(r.pkg, which))?;
        groups.get(nth as usize).map(|(_, depends)| depends)
    }

    /// Forget all about an instance, its architecture too (`pkg_blank`). Its file list is the
    /// caller's to forget.
    pub fn blank(&mut self, pkg: PkgId) {
        for which in [Which::Installed, Which::Available] {
            self.blank_bin(pkg, which);
        }
        self.set_status(pkg, Status::NotInstalled);
        self[pkg] = Pkg::blank(self[pkg].set);
    }

    /// The relations that name a set, in dpkg's order (the latest link first).
    pub fn depended(&self, set: SetId, which: Which) -> Vec<PossiRef> {
        let lists = self.depended[which as usize].get_or_init(|| self.build_links(which));
        let links = lists.get(set.0 as usize);
        links.map_or(Vec::new(), |l| l.iter().rev().copied().collect())
    }

    /// The relation a reverse link stands for; `None` when the link is stale.
    pub fn possi(&self, which: Which, r: PossiRef) -> Option<(&Dependency, &Possi)> {
        let dep = self.linked(which, r)?.get(r.dep as usize)?;
        Some((dep, dep.possi.get(r.possi as usize)?))
    }

    /// The package name of an instance, without architecture.
    pub fn set_name(&self, pkg: PkgId) -> &str {
        &self[self[pkg].set].name
    }

    /// The name of an instance by its installed description (`pkg_name`).
    pub fn name(&self, pkg: PkgId, when: NameWhen) -> String {
        self.bin_name(pkg, Which::Installed, when)
    }

    /// The name of an instance by one of its descriptions (`pkgbin_name`).
    pub fn bin_name(&self, pkg: PkgId, which: Which, when: NameWhen) -> String {
        let name = self.set_name(pkg);
        if self.needs_arch(pkg, which, when) {
            format!("{name}{}", self.arches.qualifier(self[pkg].bin(which).arch))
        } else {
            name.to_owned()
        }
    }

    fn needs_arch(&self, pkg: PkgId, which: Which, when: NameWhen) -> bool {
        let bin = self[pkg].bin(which);
        if matches!(bin.arch, ArchId::NONE | ArchId::EMPTY) {
            return false;
        }
        let foreign = !matches!(bin.arch, ArchId::NATIVE | ArchId::ALL);
        match when {
            NameWhen::Never => false,
            NameWhen::NonAmbig => bin.multiarch == MultiArch::Same || foreign,
            NameWhen::Same => bin.multiarch == MultiArch::Same,
            NameWhen::Foreign => foreign,
            NameWhen::Always => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conflicts(table: &mut PkgTable, with: &str) -> Arc<[Dependency]> {
        let possi = Possi {
            ed: table.find_set(with),
            arch: ArchId::NONE,
            arch_is_implicit: true,
            relation: Relation::None,
            version: Version::default(),
        };
        let dep = Dependency {
            kind: DepType::Conflicts,
            possi: vec![possi],
        };
        vec![dep].into()
    }

    /// As `dpkg -i` of trixie does when one run removes a package and brings it back.
    #[test]
    fn relations_of_blanked_packages_go_on_being_found() {
        for built_before in [false, true] {
            let mut t = PkgTable::new(ArchTable::new("amd64"));
            let set = t.find_set("gone");
            let pkg = t.get_pkg(set, ArchId::NATIVE);
            let (a, b) = (t.find_set("a"), t.find_set("b"));
            let on_a = conflicts(&mut t, "a");
            t.set_depends(pkg, Which::Installed, on_a);
            if built_before {
                assert_eq!(t.depended(a, Which::Installed).len(), 1);
            }
            t.blank_bin(pkg, Which::Installed);
            let on_b = conflicts(&mut t, "b");
            t.set_depends(pkg, Which::Installed, on_b.clone());
            t.set_depends(pkg, Which::Installed, on_b);
            for (set, gone) in [(a, 1), (b, 0)] {
                let links = t.depended(set, Which::Installed);
                assert_eq!(links.iter().map(|r| r.gone).collect::<Vec<_>>(), [gone]);
                let possi = t.possi(Which::Installed, links[0]);
                assert_eq!(possi.map(|(_, p)| p.ed), Some(set));
            }
        }
    }
}
