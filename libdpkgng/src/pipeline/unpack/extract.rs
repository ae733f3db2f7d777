//! Placing the files of the data member, entry by entry (`tarobject`).
//!
//! What happens to a path:
//!
//! | on the disk | new non-directory | new symlink | new directory |
//! |---|---|---|---|
//! | nothing | placed | placed | made |
//! | file, device, symlink | beside it, backed up by a link, renamed over | the same | moved aside, made |
//! | directory | moved aside, placed | left | left |
//!
//! Files and links stay beside their place (`.dpkg-new`) until all of the archive is there and
//! durable ([`super::deferred`]); conffiles stay there until they are configured.

use std::collections::HashSet;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use super::super::Run;
use super::ahead::Data;
use super::clash::Clash;
use super::conffiles::EMPTY_HASH;
use super::entries::Entries;
use super::plan::{OwnerCache, SystemOwners};
use super::prepare::Prepared;
use super::spots::Spots;
use super::unwind::Undo;
use super::{Entered, NodeSet, Nodes};
use crate::archive::take_error;
use crate::archive::tar::{Kind, TarEntry};
use crate::db::filehash::HASHFILE;
use crate::digest;
use crate::error::{OrFail, Result};
use crate::filter;
use crate::force::Force;
use crate::fsys::{NodeFlags, NodeId};
use crate::pkg::{PkgId, Which};
use crate::report::{Event, debug};
use crate::state::Status;
use crate::sys::place::{Place, Spot, Stat};
use crate::{bail, msg};

/// A package whose files are all in place.
#[must_use]
pub struct Extracted {
    pub(super) pkg: PkgId,
    pub(super) cidir: Spot,
    pub(super) old_status: Status,
    /// Paths whose old object is still beside them.
    pub(super) backups: NodeSet,
    /// Paths that a hook has rewritten.
    pub(super) rewritten: NodeSet,
    /// The paths of the archive, in its order.
    pub(super) newfiles: Nodes,
    pub(super) newconffiles: Nodes,
}

/// What is remembered between the entries of an archive.
pub(super) struct Job {
    pub(super) pkg: PkgId,
    /// Where the content of regular files is, if not in the archive's stream: the number of the
    /// hook that knows, and the directory.
    pub(super) payload: Option<(usize, Place)>,
    /// Whether every file needs a digest.
    pub(super) hash_all: bool,
    /// The paths so far (`newfiles_queue`).
    pub(super) newfiles: Nodes,
    /// All instances of the package are going to be of this version
    /// (`pkgset_getting_in_sync`).
    pub(super) in_sync: bool,
    /// Symbolic links among what is to be renamed.
    pub(super) links: NodeSet,
    /// Files that are a payload's.
    pub(super) linked: NodeSet,
    /// Files that were written and may not be durable yet: the archive's name and that on this
    /// system.
    pub(super) written: Vec<(Vec<u8>, Vec<u8>, OwnedFd)>,
    /// Paths of such files that the archive has once more.
    pub(super) again: NodeSet,
    /// Paths whose old object was put aside.
    pub(super) backups: NodeSet,
    /// Paths that a hook has rewritten.
    pub(super) rewritten: NodeSet,
    /// What was there before and is a copy now, by device and inode.
    pub(super) parted: HashSet<(u64, u64)>,
    pub(super) buffer: Vec<u8>,
    owners: OwnerCache,
}

/// Owner and mode (with type bits) that a path is to have: the archive's or an override's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owner {
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) mode: u32,
    pub(super) overridden: bool,
}

/// One entry on its way.
pub(super) struct Item {
    pub(super) entry: TarEntry,
    pub(super) node: NodeId,
    pub(super) owner: Owner,
    pub(super) spots: Spots,
    /// The path on the way to its parent, below the instdir; follows a diversion.
    pub(super) usename: Vec<u8>,
    /// What is there already.
    pub(super) there: Option<Stat>,
    /// What is there is the same file of another instance of the package, and has to be
    /// (`refcounting`).
    pub(super) shared: bool,
    /// It is a conffile of the archive.
    pub(super) is_conffile: bool,
}

impl Item {
    /// Whether a file has the owner, mode and time that this one is to have.
    pub(super) fn is_as_wanted(&self, stat: &Stat) -> bool {
        let owner = self.owner;
        (stat.mode, stat.uid, stat.gid) == (owner.mode, owner.uid, owner.gid)
            && (stat.mtime, stat.mtime_nsec) == (self.entry.mtime, 0)
    }
}

/// The type bits of an entry's mode; a hard link counts as the file it is (usually) one of.
fn type_bits(kind: Kind) -> u32 {
    match kind {
        Kind::File | Kind::HardLink => libc::S_IFREG,
        Kind::Symlink => libc::S_IFLNK,
        Kind::CharDevice => libc::S_IFCHR,
        Kind::BlockDevice => libc::S_IFBLK,
        Kind::Directory => libc::S_IFDIR,
        Kind::Fifo => libc::S_IFIFO,
    }
}

/// The type byte of tar(5), and the letter of a listing.
fn type_byte(kind: Kind) -> (u8, char) {
    match kind {
        Kind::File => (b'0', '-'),
        Kind::HardLink => (b'1', 'h'),
        Kind::Symlink => (b'2', 'l'),
        Kind::CharDevice => (b'3', 'c'),
        Kind::BlockDevice => (b'4', 'b'),
        Kind::Directory => (b'5', 'd'),
        Kind::Fifo => (b'6', 'p'),
    }
}

pub(super) fn path_of(bytes: Vec<u8>) -> PathBuf {
    PathBuf::from(std::ffi::OsString::from_vec(bytes))
}

impl Run {
    /// Place everything, and rename it when it is durable.
    pub(super) fn extract(&mut self, prepared: Prepared) -> Result<Extracted> {
        let Prepared {
            pkg,
            control,
            data,
            old_status,
            newconffiles,
        } = prepared;
        let Data {
            entries: mut tar,
            payload,
        } = data;
        let mut job = Job {
            pkg,
            payload,
            hash_all: self.needs_hashes(pkg, &control.path),
            newfiles: Vec::new(),
            in_sync: self.is_getting_in_sync(pkg),
            links: NodeSet::new(),
            linked: NodeSet::new(),
            written: Vec::new(),
            again: NodeSet::new(),
            backups: NodeSet::new(),
            rewritten: NodeSet::new(),
            parted: HashSet::new(),
            buffer: vec![0; 128 * 1024],
            owners: OwnerCache::default(),
        };
        self.unpack.place().forget();
        self.unpack.unwind.push(Undo::Stream);
        let result = self.extract_entries(&mut tar, &mut job);
        for line in tar.complaints() {
            self.report.event(&Event::Stderr(line));
        }
        if let Err(e) = result {
            self.unpack.unwind.child_says = tar.abandon();
            return Err(e);
        }
        if !tar.finished_well() {
            bail!(
                "%s subprocess returned error exit status %d",
                "dpkg-deb --fsys-tarfile",
                2
            );
        }
        drop(tar);
        self.place_deferred(&mut job, control.to_sync)?;
        Ok(Extracted {
            pkg,
            cidir: control.path,
            backups: job.backups,
            rewritten: job.rewritten,
            old_status,
            newfiles: job.newfiles,
            newconffiles,
        })
    }

    /// Whether anybody asks for the digests of all files: who shares them with this package, an
    /// archive that brings no md5sums, or debugging.
    fn needs_hashes(&self, pkg: PkgId, cidir: &Spot) -> bool {
        let table = &self.db.table;
        let mut others = table[table[pkg].set].pkgs.iter();
        let sums = cidir.child(HASHFILE.as_bytes()).lstat();
        self.report.debug_flags() & debug::EACHFILEDETAIL != 0
            || !sums.is_ok_and(|st| st.is_file())
            || others.any(|o| *o != pkg && table[*o].status() != Status::NotInstalled)
    }

    /// `pkgset_getting_in_sync()`
    fn is_getting_in_sync(&self, pkg: PkgId) -> bool {
        let table = &self.db.table;
        let mut others = table[table[pkg].set].pkgs.iter();
        others.all(|o| {
            *o == pkg
                || table[*o].status() <= Status::ConfigFiles
                || table[pkg].available.version == table[*o].installed.version
        })
    }

    fn extract_entries(&mut self, tar: &mut Entries, job: &mut Job) -> Result<()> {
        loop {
            match tar.next_entry() {
                Ok(Some(entry)) => self.extract_entry(tar, job, entry)?,
                Ok(None) => return Ok(()),
                Err(e) => bail!(
                    "%s: %s",
                    msg!("corrupted filesystem tarfile in package archive"),
                    e.msg
                ),
            }
        }
    }

    fn extract_entry(
        &mut self,
        tar: &mut Entries,
        job: &mut Job,
        mut entry: TarEntry,
    ) -> Result<()> {
        let pkg = job.pkg;
        entry.resolve(&mut SystemOwners {
            db: &self.db,
            cache: &mut job.owners,
        })?;
        if entry.name.contains(&b'\n') {
            bail!(
                "newline not allowed in archive object name '%.255s'",
                &entry.name
            );
        }
        let node = self.db.fsys.find(&entry.name);
        if self
            .db
            .fsys
            .flags(node)
            .contains(NodeFlags::RM_CONFF_ON_UPGRADE)
        {
            bail!(
                "conffile '%s' marked for removal on upgrade, shipped in package",
                &entry.name
            );
        }
        job.newfiles.push(node);
        *self.db.fsys.flags_mut(node) |= NodeFlags::NEW_INARCHIVE;
        self.describe_entry(&entry, node);
        self.check_diverted_version(node)?;

        let bits = type_bits(entry.kind);
        let owner = match self.db.fsys.statoverride(node) {
            Some(o) => Owner {
                uid: o.uid,
                gid: o.gid,
                mode: o.mode | bits,
                overridden: true,
            },
            None => Owner {
                uid: entry.uid,
                gid: entry.gid,
                mode: entry.mode | bits,
                overridden: false,
            },
        };
        let usenode = self.namenode_to_use(node, pkg, Which::Available);
        self.db.activate_file(usenode, pkg, &mut *self.report)?;

        let mut usename = self.db.fsys.name(usenode).to_vec();
        let is_conffile = self.db.fsys.flags(node).contains(NodeFlags::NEW_CONFF);
        if is_conffile {
            // Stock takes the path that was followed only where following failed, and then
            // with the root's path in front once more; elsewhere `.dpkg-new` stands beside a
            // symbolic link and not beside its target.
            if let Err(followed) = self.conffderef_or_last(pkg, &usename)? {
                usename = followed.shown().to_vec();
            }
            self.report.debug(debug::CONFF, || {
                msg!("tarobject FNNF_NEW_CONFF deref='%s'", &usename)
            });
        }
        let mut spots = self.spots(&usename);
        let there = self.look_at(&entry, &mut spots)?;
        let mut item = Item {
            entry,
            node,
            owner,
            spots,
            usename,
            there,
            shared: false,
            is_conffile,
        };

        let existing = self.is_existing_directory(&item)?;
        if !existing {
            match self.check_clashes(job, &item)? {
                Clash::KeepExisting => {
                    if is_conffile {
                        *self.db.fsys.flags_mut(node) |= NodeFlags::OBS_CONFF;
                    }
                    job.newfiles.pop();
                    return skip_entry(tar, &item.entry);
                }
                Clash::Shared => item.shared = true,
                Clash::Free => {}
            }
        }
        let may_lead = matches!(item.entry.kind, Kind::Directory | Kind::Symlink);
        let filtered = self.opts.filters.skips(
            &item.entry.name,
            match may_lead {
                true => filter::Entry::MayLead,
                false => filter::Entry::Leaf,
            },
            &mut *self.report,
        );
        if filtered {
            let flags = self.db.fsys.flags_mut(node);
            flags.remove(NodeFlags::NEW_INARCHIVE);
            flags.insert(NodeFlags::FILTERED);
            return skip_entry(tar, &item.entry);
        }
        if existing {
            return Ok(());
        }
        self.place_entry(tar, job, item)
    }

    /// An entry that is going to be placed (or, when shared, compared).
    fn place_entry(&mut self, tar: &mut Entries, job: &mut Job, item: Item) -> Result<()> {
        let node = item.node;
        let mut oldhash = Vec::new();
        if item.shared {
            oldhash = self.hash_on_disk(job.pkg, &item)?;
        }
        let compare_only = item.shared && !self.opts.force.has(Force::Overwrite);
        if compare_only && self.is_rewritten(job.pkg, &item) {
            // What is to be compared is what a hook makes of it.
            self.create(tar, job, &item)?;
            self.remove_tree(&item.spots.new, &item.spots.shown_new())?;
            let flags = self.db.fsys.flags_mut(node);
            flags.remove(NodeFlags::DEFERRED_FSYNC);
        } else if compare_only {
            self.hash_entry(tar, &item, job)?;
        } else {
            self.enter(Entered::File(job.pkg, node))?;
            self.create(tar, job, &item)?;
        }
        if item.shared {
            self.check_matches(job, &item, &oldhash)?;
        }
        if compare_only {
            return Ok(());
        }
        self.set_metadata(job, &item)?;

        if item.is_conffile {
            self.report
                .debug(debug::CONFFDETAIL, || msg!("tarobject conffile extracted"));
            *self.db.fsys.flags_mut(node) |= NodeFlags::ELIDE_OTHER_LISTS;
            self.leave(Entered::File(job.pkg, node), true);
            return Ok(());
        }
        self.put_aside(job, &item)?;
        match item.entry.kind {
            Kind::File | Kind::HardLink | Kind::Symlink => {
                *self.db.fsys.flags_mut(node) |= NodeFlags::DEFERRED_RENAME;
                if item.entry.kind == Kind::Symlink {
                    job.links.insert(node);
                }
                self.report.debug(debug::EACHFILEDETAIL, || {
                    msg!("tarobject done and installation deferred")
                });
            }
            _ => {
                let renamed = item.spots.new.rename(&item.spots.main);
                renamed.or_fail(|| {
                    msg!(
                        "unable to install new version of '%.255s'",
                        &item.entry.name
                    )
                })?;
                *self.db.fsys.flags_mut(node) |=
                    NodeFlags::PLACED_ON_DISK | NodeFlags::ELIDE_OTHER_LISTS;
                self.report.debug(debug::EACHFILEDETAIL, || {
                    msg!("tarobject done and installed")
                });
                self.leave(Entered::File(job.pkg, node), true);
            }
        }
        Ok(())
    }

    /// The hash a shared file has to have.
    fn hash_on_disk(&mut self, pkg: PkgId, item: &Item) -> Result<Vec<u8>> {
        let main = item.spots.shown_main();
        self.report.debug(debug::EACHFILEDETAIL, || {
            msg!(
                "tarobject computing on-disk file '%s' digest, refcounting",
                &main
            )
        });
        if item.is_conffile {
            return self.previous_conffile_hash(pkg, &item.spots.new, item.node);
        }
        if item.there.is_some_and(|st| st.is_file()) {
            return self.md5hash(pkg, &item.spots.main);
        }
        Ok(EMPTY_HASH.to_vec())
    }

    /// `tarobject_hash()`: the digest of an entry that is not placed.
    fn hash_entry(&mut self, tar: &mut Entries, item: &Item, job: &mut Job) -> Result<()> {
        let entry = &item.entry;
        match entry.kind {
            Kind::File => {
                let hashed = match self.content_file(job, item)? {
                    None => hash_data(tar, &mut job.buffer),
                    Some(mut ondisk) => hash_data(&mut ondisk.file, &mut job.buffer),
                };
                let hash = hashed.map_err(|e| {
                    let why = take_error(e, || msg!("failed to read")).msg;
                    crate::err!(
                        "cannot compute MD5 digest for file '%.255s' in tar archive: %s",
                        &entry.name,
                        why
                    )
                })?;
                skip_padding(tar, entry)?;
                self.report.debug(debug::EACHFILEDETAIL, || {
                    msg!("tarobject file digest=%s", &hash)
                });
                self.db
                    .fsys
                    .set_newhash(item.node, Some(hash.into_bytes().into()));
            }
            Kind::HardLink => self.take_over_hash(job, item),
            _ => {}
        }
        Ok(())
    }

    /// A hard link has the digest of what it is a link to.
    pub(super) fn take_over_hash(&mut self, job: &mut Job, item: &Item) {
        let link = self.db.fsys.find(&item.entry.linkname);
        let hash = self.db.fsys.newhash(link).map(Box::from);
        self.report.debug(debug::EACHFILEDETAIL, || {
            let shown: &[u8] = hash.as_deref().unwrap_or(b"(null)");
            msg!("tarobject hardlink digest=%s", shown)
        });
        self.db.fsys.set_newhash(item.node, hash);
        if job.rewritten.contains(&link) {
            job.rewritten.insert(item.node);
        }
    }

    fn describe_entry(&mut self, entry: &TarEntry, node: NodeId) {
        let fsys = &self.db.fsys;
        self.report.debug(debug::EACHFILE, || {
            let (byte, letter) = type_byte(entry.kind);
            let instead = fsys.diversion(node).and_then(|d| d.useinstead);
            msg!(
                "tarobject ti->name='%s' mode=%lo owner=%u:%u type=%d(%c) ti->linkname='%s' namenode='%s' flags=%o instead='%s'",
                &entry.name,
                entry.mode | type_bits(entry.kind),
                entry.uid,
                entry.gid,
                byte,
                letter as u32,
                &entry.linkname,
                fsys.name(node),
                fsys.flags(node).bits(),
                instead.map_or(&b"<none>"[..], |n| fsys.name(n))
            )
        });
    }

    /// Nothing may be placed where the diverted version of another file is.
    fn check_diverted_version(&mut self, node: NodeId) -> Result<()> {
        let fsys = &self.db.fsys;
        let Some(divert) = fsys.diversion(node) else {
            return Ok(());
        };
        let Some(camefrom) = divert.camefrom else {
            return Ok(());
        };
        let text = match divert.pkgset {
            Some(set) => msg!(
                "trying to overwrite '%.250s', which is the diverted version of '%.250s' (package: %.100s)",
                fsys.name(node),
                fsys.name(camefrom),
                &*self.db.table[set].name
            ),
            None => msg!(
                "trying to overwrite '%.250s', which is the diverted version of '%.250s'",
                fsys.name(node),
                fsys.name(camefrom)
            ),
        };
        self.forcible(Force::OverwriteDiverted, text)
    }

    /// What is at a path. A backup that an interrupted run left is put back first.
    fn look_at(&mut self, entry: &TarEntry, spots: &mut Spots) -> Result<Option<Stat>> {
        match spots.main.lstat() {
            Ok(there) => {
                self.report
                    .debug(debug::EACHFILEDETAIL, || msg!("tarobject already exists"));
                return Ok(Some(there));
            }
            Err(e) if matches!(e.raw_os_error(), Some(libc::ENOENT | libc::ENOTDIR)) => {}
            Err(e) => {
                return Err(e).or_fail(|| {
                    msg!(
                        "unable to stat '%.255s' (which was about to be installed)",
                        &entry.name
                    )
                });
            }
        }
        // Mostly there is none, and looking is cheaper than trying.
        let restored = match spots.tmp.lstat() {
            Err(e) if e.raw_os_error() == Some(libc::ENOENT) => Err(e),
            _ => spots.tmp.rename(&spots.main),
        };
        let Err(mut error) = restored else {
            self.report.debug(debug::EACHFILEDETAIL, || {
                msg!("tarobject restored tmp to main")
            });
            let there = spots.main.lstat().or_fail(|| {
                msg!(
                    "unable to stat restored '%.255s' before installing another version",
                    &entry.name
                )
            })?;
            return Ok(Some(there));
        };
        // On a read-only file system this is the error even of what does not exist.
        if error.raw_os_error() == Some(libc::EROFS)
            && let Err(absent) = spots.tmp.exists()
        {
            error = absent;
        }
        match error.raw_os_error() {
            Some(libc::ENOENT | libc::ENOTDIR) => {
                self.report
                    .debug(debug::EACHFILEDETAIL, || msg!("tarobject nonexistent"));
                Ok(None)
            }
            _ => Err(error).or_fail(|| {
                msg!(
                    "unable to clean up mess surrounding '%.255s' before installing another version",
                    &entry.name
                )
            }),
        }
    }

    /// Stock's `push_cleanup(cu_installnew)`.
    pub(super) fn push_install_undo(&mut self, node: NodeId) {
        self.unpack.unwind.push(Undo::InstallNew(node));
    }
}

/// The digest of the current entry's data.
pub(super) fn hash_data(
    src: &mut impl std::io::Read,
    buffer: &mut [u8],
) -> std::io::Result<String> {
    let mut hasher = digest::Hasher::new(digest::Kind::Md5);
    loop {
        match src.read(buffer)? {
            0 => return Ok(hasher.finish()),
            n => hasher.update(buffer.get(..n).unwrap_or_default()),
        }
    }
}

/// `tarobject_skip_padding()`
pub(super) fn skip_padding(tar: &mut Entries, entry: &TarEntry) -> Result<()> {
    tar.skip_padding().map_err(|e| {
        crate::err!(
            "cannot skip padding for file '%.255s': %s",
            &entry.name,
            e.msg
        )
    })
}

/// `tarobject_skip_entry()`
fn skip_entry(tar: &mut Entries, entry: &TarEntry) -> Result<()> {
    if entry.kind != Kind::File {
        return Ok(());
    }
    tar.skip_data().map_err(|e| {
        crate::err!(
            "cannot skip file '%.255s' (replaced or excluded?) from pipe: %s",
            &entry.name,
            e.msg
        )
    })?;
    skip_padding(tar, entry)
}
