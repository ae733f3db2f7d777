//! Linked files in the tree of a world.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, Mode, OFlags, ResolveFlags, XattrFlags, fchown, openat2, renameat, statat, unlinkat,
};

use super::{AsItStands, Done, read};
use crate::facts::Facts;
use crate::generation::{
    self, Attributes, DiskError, attributes_of, same_bytes, unless_absent, what_is_at,
};
use crate::layout::{InstallationId, Layout, RealizationId};
use crate::link::unlinked;
use crate::manifest::Manifest;
use crate::plan::WorldPlan;
use crate::world::WorldDir;

/// How packages were linked: whose files may stand in a tree that was cloned.
#[derive(Debug, Clone, Default)]
pub struct Former(BTreeMap<(String, String, String), BTreeSet<RealizationId>>);

impl Former {
    /// As the generation has them that a pending one was cloned from.
    pub fn of(manifest: &Manifest) -> Former {
        let mut former = Former::default();
        for member in &manifest.packages {
            let id = &member.realization;
            let of = former
                .0
                .entry(words(id.package(), id.version(), id.architecture()));
            of.or_default().insert(id.clone());
        }
        former
    }

    fn get(&self, id: &InstallationId) -> impl Iterator<Item = &RealizationId> {
        let of = self
            .0
            .get(&words(id.package(), id.version(), id.architecture()));
        of.into_iter().flatten()
    }
}

fn words(
    name: impl ToString,
    version: impl ToString,
    architecture: impl ToString,
) -> (String, String, String) {
    (
        name.to_string(),
        version.to_string(),
        architecture.to_string(),
    )
}

/// What became of the objects of a world.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Placed {
    /// How many were put into the tree.
    pub placed: usize,
    /// How many were there.
    pub there: usize,
    /// What runs as it stands, sorted.
    pub as_it_stands: Vec<AsItStands>,
}

/// The name that a file has until it is renamed. dpkg's own are `.dpkg-…` behind the name.
const ASIDE: &str = ".dpkg-ng-link";

/// Where below a tree objects are placed: the rest is state.
const TOPS: [&str; 2] = ["usr", "opt"];

/// Put what the realizations of a world have into its tree.
///
/// # Errors
/// The tree, the store or a realization can't be read, or the tree not be changed.
pub fn place(
    layout: &Layout,
    dir: &WorldDir,
    plan: &WorldPlan,
    facts: &BTreeMap<InstallationId, Facts>,
    former: &Former,
) -> Done<Placed> {
    let mut placed = Placed::default();
    let tree = Tree::open(dir.tree())?;
    for (id, linked) in &plan.members {
        let Some(facts) = facts.get(id) else {
            continue;
        };
        let homes = former.get(id).map(|r| layout.realization(r));
        let package = Package {
            store: layout.installation(id),
            wanted: layout.realization(&linked.realization),
            former: homes.collect(),
        };
        let refused = unlinked(layout, &linked.realization)?;
        for object in &facts.objects {
            match refused.iter().find(|u| u.path == object.path) {
                Some(unlinked) => {
                    tree.settle(&package, &object.path, &mut placed)?;
                    // Nobody misses what no program of the world could load.
                    if unlinked.is_warning() {
                        placed.note(id, &object.path, unlinked.why.clone());
                    }
                }
                None => match tree.settle(&package, &object.path, &mut placed)? {
                    Stands::Own | Stands::Nothing => {}
                    Stands::Other(why) => placed.note(id, &object.path, why.into()),
                },
            }
        }
    }
    placed.as_it_stands.sort();
    placed.as_it_stands.dedup();
    Ok(placed)
}

/// Put a package's files back into a tree as its .deb has them: for one that is linked no longer.
///
/// # Errors
/// As [`place`].
pub fn restore(layout: &Layout, dir: &WorldDir, facts: &Facts, former: &Former) -> Done<Placed> {
    let mut placed = Placed::default();
    let tree = Tree::open(dir.tree())?;
    let store = layout.installation(&facts.id);
    let package = Package {
        wanted: store.clone(),
        store,
        former: former
            .get(&facts.id)
            .map(|r| layout.realization(r))
            .collect(),
    };
    for object in &facts.objects {
        tree.settle(&package, &object.path, &mut placed)?;
    }
    Ok(placed)
}

impl Placed {
    fn note(&mut self, package: &InstallationId, path: &Path, why: String) {
        let (package, path) = (package.clone(), path.to_path_buf());
        self.as_it_stands.push(AsItStands { package, path, why });
    }
}

/// A package, and where its files may be from.
struct Package {
    store: PathBuf,
    wanted: PathBuf,
    former: Vec<PathBuf>,
}

/// What stands at a path.
enum Stands {
    /// What is wanted, by now.
    Own,
    /// Nothing: it was diverted, excluded or removed.
    Nothing,
    /// Something else, and why it stays.
    Other(&'static str),
}

/// A tree, entered by no symbolic link.
struct Tree {
    root: File,
    path: PathBuf,
}

impl Tree {
    fn open(path: PathBuf) -> Done<Tree> {
        let root = File::open(&path).map_err(read(&path))?;
        Ok(Tree { root, path })
    }

    /// The directory of a path, and the path's name in it.
    fn directory<'n>(&self, path: &'n Path) -> io::Result<Option<(File, &'n OsStr)>> {
        let (Some(dir), Some(name)) = (path.parent(), path.file_name()) else {
            return Ok(None);
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let beneath = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
        match openat2(&self.root, dir, flags, Mode::empty(), beneath) {
            Ok(dir) => Ok(Some((dir.into(), name))),
            // A directory that a link took the place of is not the package's any more.
            Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR | rustix::io::Errno::LOOP) => {
                Ok(None)
            }
            Err(e) => Err(e.into()),
        }
    }

    /// Have the wanted file at a path, if the package's own is there.
    fn settle(&self, package: &Package, path: &Path, placed: &mut Placed) -> Done<Stands> {
        if !TOPS.iter().any(|top| path.starts_with(top)) {
            return Ok(Stands::Other("it is not below /usr or /opt"));
        }
        let wanted = package.wanted.join(path);
        let target = fs::symlink_metadata(&wanted).map_err(read(&wanted))?;
        let shown = self.path.join(path);
        let Some((dir, name)) = self.directory(path).map_err(read(&shown))? else {
            return Ok(Stands::Nothing);
        };
        let here = match statat(&dir, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(here) => here,
            Err(rustix::io::Errno::NOENT) => return Ok(Stands::Nothing),
            Err(e) => return Err(read(&shown)(e.into())),
        };
        if (here.st_dev, here.st_ino) == (target.dev(), target.ino()) {
            placed.there += 1;
            return Ok(Stands::Own);
        }
        if !rustix::fs::FileType::from_raw_mode(here.st_mode).is_file() {
            return Ok(Stands::Other("something else stands at its path"));
        }
        let beneath = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat2(&dir, name, flags, Mode::empty(), beneath);
        let mut file = File::from(file.map_err(|e| read(&shown)(e.into()))?);
        let is = file.metadata().map_err(read(&shown))?;
        let sources: Vec<PathBuf> = [&package.store]
            .into_iter()
            .chain(&package.former)
            .map(|s| s.join(path))
            .collect();
        let mut by_inode = false;
        for source in &sources {
            by_inode = by_inode || is_file(&is, source).map_err(read(source))?;
        }
        if !by_inode {
            // A copy of its own: for its mode or owner, or as dpkg wrote it.
            let mut same = |other: &Path| same_content(&mut file, &is, other).map_err(read(&shown));
            if same(&wanted)? {
                placed.there += 1;
                return Ok(Stands::Own);
            }
            let mut own = false;
            for source in &sources {
                own = own || same(source)?;
            }
            if !own {
                let why = "another file, of another package or changed here, stands at its path";
                return Ok(Stands::Other(why));
            }
        }
        self.replace(&dir, name, &file, &wanted, &target, &shown)?;
        placed.placed += 1;
        Ok(Stands::Own)
    }

    /// Put a file in the place of another, `file`, by a hard link, or, where that one has another mode or owner, or
    /// extended attributes (capabilities), by a copy that has those.
    fn replace(
        &self,
        dir: &File,
        name: &OsStr,
        file: &File,
        wanted: &Path,
        target: &Metadata,
        shown: &Path,
    ) -> Done {
        let failed = |what: &'static str| {
            move |source: io::Error| DiskError {
                what,
                path: shown.into(),
                source,
            }
        };
        let aside = [name.as_bytes(), ASIDE.as_bytes()].concat();
        let aside = OsStr::from_bytes(&aside);
        match unlinkat(dir, aside, AtFlags::empty()) {
            Ok(()) | Err(rustix::io::Errno::NOENT) => {}
            Err(e) => return Err(failed("remove")(e.into()).into()),
        }
        let attributes = |m: &Metadata| (m.mode(), m.uid(), m.gid());
        let is = &file.metadata().map_err(failed("read"))?;
        let own = attributes_of(file).and_then(|own| Ok((own, generation::attributes(wanted)?)));
        let (own, wanteds) = own.map_err(failed("read the attributes of"))?;
        if attributes(is) == attributes(target) && own == wanteds {
            let link = rustix::fs::linkat(rustix::fs::CWD, wanted, dir, aside, AtFlags::empty());
            link.map_err(|e| failed("link")(e.into()))?;
        } else {
            copy(dir, aside, is, &own, wanted).map_err(failed("copy"))?;
        }
        renameat(dir, aside, dir, name).map_err(|e| failed("rename")(e.into()))?;
        Ok(())
    }
}

fn copy(
    dir: &File,
    name: &OsStr,
    like: &Metadata,
    attributes: &Attributes,
    from: &Path,
) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let to = rustix::fs::openat(dir, name, flags, Mode::from_raw_mode(0o600))?;
    let mut to = File::from(to);
    let mut from = File::open(from)?;
    io::copy(&mut from, &mut to)?;
    fchown(
        to.as_fd(),
        Some(rustix::fs::Uid::from_raw(like.uid())),
        Some(rustix::fs::Gid::from_raw(like.gid())),
    )?;
    rustix::fs::fchmod(&to, Mode::from_raw_mode(like.mode() & 0o7777))?;
    // A capability is gone with a change of owner.
    for (name, value) in attributes {
        rustix::fs::fsetxattr(&to, &name[..], value, XattrFlags::empty())?;
    }
    to.set_modified(from.metadata()?.modified()?)
}

/// Whether a file is what stands at a path, if anything does.
fn is_file(is: &Metadata, path: &Path) -> io::Result<bool> {
    let there = what_is_at(path)?;
    Ok(there.is_some_and(|there| (there.dev(), there.ino()) == (is.dev(), is.ino())))
}

/// Whether a file has the content of another, which may not be there.
fn same_content(file: &mut File, is: &Metadata, other: &Path) -> io::Result<bool> {
    use std::io::Seek;
    let Some(there) = unless_absent(File::open(other))? else {
        return Ok(false);
    };
    let of = there.metadata()?;
    if !of.is_file() || of.len() != is.len() {
        return Ok(false);
    }
    file.rewind()?;
    same_bytes(file, there)
}
