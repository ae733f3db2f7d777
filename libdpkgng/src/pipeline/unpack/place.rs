//! Making one object beside its place, with owner, mode, times and label, and putting the old
//! one aside.

use std::fs::File;
use std::io::{self, Read, Seek as _, Write};
use std::os::fd::OwnedFd;

use super::super::Run;
use super::entries::Entries;
use super::extract::{Item, Job, hash_data, path_of, skip_padding};
use super::spots::{NEW_SUFFIX, Spots};
use crate::archive::take_error;
use crate::archive::tar::Kind;
use crate::digest;
use crate::error::{Error, OrFail, Result};
use crate::force::Force;
use crate::fsys::NodeFlags;
use crate::msg::Msg;
use crate::pkg::{PkgId, Which};
use crate::report::debug;
use crate::sys::place::{Absence, Spot, Stat, device};
use crate::sys::writeback;
use crate::{bail, err, msg};

/// Why data could not be copied.
enum CopyError {
    Read(io::Error),
    Write(io::Error),
}

/// Copy data, computing its digest on the way if somebody wants it.
fn copy_data(
    from: &mut impl Read,
    to: &mut File,
    buffer: &mut [u8],
    hashed: bool,
) -> Result<Option<String>, CopyError> {
    let mut hasher = hashed.then(|| digest::Hasher::new(digest::Kind::Md5));
    loop {
        let n = from.read(buffer).map_err(CopyError::Read)?;
        let data = buffer.get(..n).unwrap_or_default();
        if data.is_empty() {
            return Ok(hasher.map(digest::Hasher::finish));
        }
        if let Some(hasher) = &mut hasher {
            hasher.update(data);
        }
        to.write_all(data).map_err(CopyError::Write)?;
    }
}

/// The same for content that is in a file. Without a digest the kernel copies, and need not copy
/// where the file system can share blocks.
fn copy_file(
    from: &mut File,
    to: &mut File,
    buffer: &mut [u8],
    hashed: bool,
) -> Result<Option<String>, CopyError> {
    if hashed {
        return copy_data(from, to, buffer, hashed);
    }
    io::copy(from, to).map_err(CopyError::Write)?;
    Ok(None)
}

/// Files that are open at once because they are not durable yet.
const OPEN_FILES: usize = 256;
/// Content from which on the disk is told early to write it.
const LARGE: u64 = 1 << 20;

/// Make what was written durable, and what else has to be with it: all at once. It keeps the
/// promise that no file gets its name before its content is on the disk.
pub(super) fn sync_written(job: &mut Job, also: Vec<(Msg, OwnedFd)>) -> Result<()> {
    let written = std::mem::take(&mut job.written);
    let (mut whats, mut files): (Vec<_>, Vec<_>) = also.into_iter().unzip();
    let mut names = Vec::with_capacity(written.len());
    for (name, shown, file) in written {
        whats.push(msg!("unable to sync file '%.255s'", shown));
        names.push(name);
        files.push(file);
    }
    if let Err((index, e)) = writeback::sync_all(&files) {
        let what = whats.into_iter().nth(index);
        let what = what.unwrap_or_else(|| msg!("unable to sync file '%.255s'", ""));
        return Err(Error::os(what, e));
    }
    let first = files.len() - names.len();
    for (file, name) in files.into_iter().skip(first).zip(names) {
        let closed = writeback::close(file.into());
        closed.or_fail(|| msg!("error closing/writing '%.255s'", name))?;
    }
    Ok(())
}

/// The file of a payload that an entry's content is in, and where it may be linked from.
pub(super) struct OnDisk {
    pub(super) file: File,
    link: Option<Spot>,
}

impl Run {
    /// `forcible_nonroot_error()`: not being allowed to is fine with `--force-not-root`.
    fn forgive_nonroot(&self, result: io::Result<()>) -> io::Result<()> {
        self.opts.force.forgive_not_root(result)
    }

    /// Remove what is left beside a path under the names `.dpkg-new` and `.dpkg-tmp`.
    fn clear(&mut self, spots: &Spots) -> Result<()> {
        self.remove_tree(&spots.new, &spots.shown_new())?;
        self.remove_tree(&spots.tmp, &spots.shown_tmp())
    }

    /// Whether something may be left beside a path that making `.dpkg-new` would not meet, or
    /// somebody listens. Where the path itself is free so is `.dpkg-tmp`: it would be in its place.
    fn must_clear(&self, item: &Item) -> bool {
        let absent = |spot: &Spot| matches!(spot.lstat().if_there(), Ok(None));
        self.report.debug_flags() & debug::EACHFILE != 0
            || (item.there.is_some() && !absent(&item.spots.tmp))
    }

    /// Make something as `.dpkg-new`. That something is in the way is rare, and shows when it cannot
    /// be made.
    fn make<T>(
        &mut self,
        item: &Item,
        make: impl Fn(&Spot) -> io::Result<T>,
    ) -> Result<io::Result<T>> {
        let made = make(&item.spots.new);
        if made.is_ok() {
            return Ok(made);
        }
        // So it is done as if it were the first thing to be done.
        self.unpack.unwind.retract();
        self.clear(&item.spots)?;
        self.push_install_undo(item.node);
        Ok(make(&item.spots.new))
    }

    /// Make the new object as `.dpkg-new` (`tarobject_extract`), after removing what is left
    /// under that name and under `.dpkg-tmp`.
    pub(super) fn create(&mut self, tar: &mut Entries, job: &mut Job, item: &Item) -> Result<()> {
        let spots = &item.spots;
        let name = &item.entry.name;
        if self.must_clear(item) {
            self.clear(spots)?;
        }
        self.push_install_undo(item.node);
        let flags = self.db.fsys.flags(item.node);
        if flags.contains(NodeFlags::DEFERRED_FSYNC) {
            job.again.insert(item.node);
        }
        // The path may come twice.
        job.linked.remove(&item.node);
        let detail = debug::EACHFILEDETAIL;
        match item.entry.kind {
            Kind::File => self.create_file(tar, job, item)?,
            Kind::Fifo => {
                let made = self.make(item, Spot::mkfifo)?;
                made.or_fail(|| msg!("error creating pipe '%.255s'", name))?;
                self.report.debug(detail, || msg!("tarobject fifo"));
            }
            Kind::CharDevice | Kind::BlockDevice => {
                let (kind, text) = match item.entry.kind {
                    Kind::CharDevice => (libc::S_IFCHR, "tarobject chardev"),
                    _ => (libc::S_IFBLK, "tarobject blockdev"),
                };
                let dev = device(item.entry.major, item.entry.minor);
                let made = self.make(item, |new| new.mknod(kind, dev))?;
                made.or_fail(|| msg!("error creating device '%.255s'", name))?;
                self.report.debug(detail, || msg!(text));
            }
            Kind::HardLink => {
                let target = self.link_target(job, item);
                self.part_from_payload(job, item, &target)?;
                let target = self.unpack.place().spot(&target);
                let made = self.make(item, |new| target.link(new))?;
                made.or_fail(|| msg!("error creating hard link '%.255s'", name))?;
                self.take_over_hash(job, item);
            }
            Kind::Symlink => {
                let made = self.make(item, |new| new.symlink(&item.entry.linkname))?;
                made.or_fail(|| msg!("error creating symbolic link '%.255s'", name))?;
                self.report
                    .debug(detail, || msg!("tarobject symlink creating"));
            }
            Kind::Directory => {
                let made = self.make(item, Spot::mkdir)?;
                made.or_fail(|| msg!("error creating directory '%.255s'", name))?;
                self.report
                    .debug(detail, || msg!("tarobject directory creating"));
            }
        }
        Ok(())
    }

    /// Where the file is that a hard link refers to: at its place, or beside it still.
    fn link_target(&mut self, job: &Job, item: &Item) -> Vec<u8> {
        let link = self.db.fsys.find(&item.entry.linkname);
        let usenode = self.namenode_to_use(link, job.pkg, Which::Available);
        let mut target = self.db.fsys.name(usenode).to_vec();
        let beside = NodeFlags::DEFERRED_RENAME | NodeFlags::NEW_CONFF;
        if self.db.fsys.flags(link).intersects(beside) {
            target.extend_from_slice(NEW_SUFFIX);
        }
        target
    }

    /// See to it that a hard link to a file that is a payload's does not change that one: the
    /// link is as the payload has it too, or else all its names so far get a copy.
    fn part_from_payload(&mut self, job: &mut Job, item: &Item, target: &[u8]) -> Result<()> {
        let link = self.db.fsys.find(&item.entry.linkname);
        if !job.linked.contains(&link) {
            let elsewhere = self.hooks.install_path(&self.db.table, job.pkg).is_some();
            return match elsewhere && !target.ends_with(NEW_SUFFIX) {
                true => self.part_from_others(job, item, target),
                false => Ok(()),
            };
        }
        let name = &item.entry.name;
        let fail = || msg!("error creating hard link '%.255s'", name);
        let spot = self.unpack.place().spot(target);
        let stat = spot.lstat().or_fail(fail)?;
        if item.is_as_wanted(&stat) {
            job.linked.insert(item.node);
            return Ok(());
        }
        let mut from = File::from(spot.open(libc::O_RDONLY, false).or_fail(fail)?);
        let copy = &item.spots.new;
        let mut to = copy.create().or_fail(fail)?;
        io::copy(&mut from, &mut to).or_fail(fail)?;
        drop(to);
        self.relink(job, &stat, copy, name)?;
        copy.unlink().or_fail(fail)
    }

    /// Make all names so far of a payload's file names of its copy.
    fn relink(&mut self, job: &mut Job, of: &Stat, copy: &Spot, name: &[u8]) -> Result<()> {
        let fail = || msg!("error creating hard link '%.255s'", name);
        for node in job.newfiles.clone() {
            if !job.linked.contains(&node) {
                continue;
            }
            let usenode = self.namenode_to_use(node, job.pkg, Which::Available);
            let name = [self.db.fsys.name(usenode), NEW_SUFFIX].concat();
            let other = self.unpack.place().spot(&name);
            let there = other.lstat().or_fail(fail)?;
            if (there.dev, there.ino) != (of.dev, of.ino) {
                continue;
            }
            other.unlink().or_fail(fail)?;
            copy.link(&other).or_fail(fail)?;
            job.linked.remove(&node);
            if !self.opts.force.has(Force::UnsafeIo) {
                *self.db.fsys.flags_mut(node) |= NodeFlags::DEFERRED_FSYNC;
            }
        }
        Ok(())
    }

    /// The same with what was there before in a tree that is not the instdir's: a payload or another
    /// tree may have it, too. It is replaced by a copy if the link is to be otherwise.
    fn part_from_others(&mut self, job: &mut Job, item: &Item, target: &[u8]) -> Result<()> {
        let name = &item.entry.name;
        let fail = || msg!("error creating hard link '%.255s'", name);
        let spot = self.unpack.place().spot(target);
        let Ok(stat) = spot.lstat() else {
            return Ok(()); // It says so itself that it can't be linked to.
        };
        if stat.nlink < 2 || job.parted.contains(&(stat.dev, stat.ino)) {
            return Ok(());
        }
        if item.is_as_wanted(&stat) {
            job.linked.insert(item.node);
            return Ok(());
        }
        let copy = &item.spots.new;
        match stat.kind() {
            libc::S_IFREG => {
                let mut from = File::from(spot.open(libc::O_RDONLY, false).or_fail(fail)?);
                let mut to = copy.create().or_fail(fail)?;
                io::copy(&mut from, &mut to).or_fail(fail)?;
                if !self.opts.force.has(Force::UnsafeIo) {
                    to.sync_all().or_fail(fail)?;
                }
            }
            libc::S_IFLNK => {
                let to = spot.readlink().or_fail(fail)?;
                copy.symlink(&to).or_fail(fail)?;
            }
            libc::S_IFIFO => copy.mkfifo().or_fail(fail)?,
            kind => copy.mknod(kind, stat.rdev).or_fail(fail)?,
        }
        copy.chown(stat.uid, stat.gid).or_fail(fail)?;
        if !stat.is_symlink() {
            copy.chmod(stat.mode & !libc::S_IFMT).or_fail(fail)?;
        }
        let times = copy.set_times(self.unpack.now, stat.mtime);
        times.or_fail(fail)?;
        self.relink(job, &stat, copy, name)?;
        let own = copy.lstat().or_fail(fail)?;
        job.parted.insert((own.dev, own.ino));
        copy.rename(&spot).or_fail(fail)
    }

    fn create_file(&mut self, tar: &mut Entries, job: &mut Job, item: &Item) -> Result<()> {
        let spots = &item.spots;
        let entry = &item.entry;
        let name = &entry.name;
        let rewritten = self.is_rewritten(job.pkg, item);
        let mut ondisk = self.content_file(job, item)?;
        if let Some(ondisk) = &mut ondisk
            && !rewritten
            && self.link_content(job, item, ondisk)?
        {
            return Ok(());
        }
        let (mut file, copied) = self.write_content(tar, job, item, ondisk, rewritten)?;
        let mut hash = copied.map_err(|e| {
            let why = match e {
                CopyError::Read(e) => take_error(e, || msg!("failed to read")).msg,
                CopyError::Write(e) => msg!("%s (%s)", msg!("failed to write"), e),
            };
            err!(
                "cannot copy extracted data for '%.255s' to '%.255s': %s",
                name,
                spots.shown_new(),
                why
            )
        })?;
        if rewritten {
            let given = hash;
            let (new, made) = self.rewrite(job, item, file)?;
            file = new;
            hash = Some(made);
            if hash != given {
                job.rewritten.insert(item.node);
            }
        }
        self.note_hash(item, hash);
        skip_padding(tar, entry)?;

        let owner = item.owner;
        self.describe_override(item);
        let owned = std::os::unix::fs::fchown(&file, Some(owner.uid), Some(owner.gid));
        self.forgive_nonroot(owned)
            .or_fail(|| msg!("error setting ownership of '%.255s'", name))?;
        let permitted = writeback::set_mode(&file, owner.mode & !libc::S_IFMT);
        self.forgive_nonroot(permitted)
            .or_fail(|| msg!("error setting permissions of '%.255s'", name))?;
        writeback::set_times(&file, self.unpack.now, entry.mtime)
            .or_fail(|| msg!("error setting timestamps of '%.255s'", spots.shown_new()))?;
        if self.opts.force.has(Force::UnsafeIo) {
            return writeback::close(file).or_fail(|| msg!("error closing/writing '%.255s'", name));
        }
        *self.db.fsys.flags_mut(item.node) |= NodeFlags::DEFERRED_FSYNC;
        job.written
            .push((name.clone(), spots.shown_new(), file.into()));
        match job.written.len() < OPEN_FILES {
            true => Ok(()),
            false => sync_written(job, Vec::new()),
        }
    }

    /// Have a file with the content of an entry as `.dpkg-new`: the one it waits in, if it does and
    /// that can be, or a new one. Its digest, if it is wanted, or why it has not all of it.
    fn write_content(
        &mut self,
        tar: &mut Entries,
        job: &mut Job,
        item: &Item,
        ondisk: Option<OnDisk>,
        rewritten: bool,
    ) -> Result<(File, Result<Option<String>, CopyError>)> {
        let spots = &item.spots;
        let entry = &item.entry;
        let opened = || msg!("tarobject file open size=%jd", entry.size);
        let detail = debug::EACHFILEDETAIL;
        let hashed = job.hash_all || rewritten;
        let waiting = tar.take_unnamed();
        // A fault behind what is in a file is to be told when that is there.
        let fault = match &waiting {
            Some(_) => tar.content_fault(),
            None => Ok(()),
        };
        let mut from = ondisk.map(|ondisk| ondisk.file);
        if let Some(unnamed) = waiting {
            let mut file = unnamed.file;
            let named = self.make(item, |new| new.link_file(&file))?;
            let rewound = file.rewind();
            if named.is_ok() {
                self.report.debug(detail, opened);
                let hash = rewound.and_then(|()| {
                    fault?;
                    match hashed {
                        true => hash_data(&mut file, &mut job.buffer).map(Some),
                        false => Ok(None),
                    }
                });
                return Ok((file, hash.map_err(CopyError::Read)));
            }
            from = Some(file);
        }
        // Mode 0: nobody can do anything with it before it has the right one.
        let made = self.make(item, Spot::create)?;
        let mut file = made.or_fail(|| {
            msg!(
                "unable to create '%.255s' (while processing '%.255s')",
                spots.shown_new(),
                &entry.name
            )
        })?;
        self.report.debug(detail, opened);
        let copied = match from {
            None => copy_data(tar, &mut file, &mut job.buffer, hashed),
            Some(mut from) => copy_file(&mut from, &mut file, &mut job.buffer, hashed),
        };
        let copied = copied.and_then(|hash| fault.map(|()| hash).map_err(CopyError::Read));
        if entry.size > LARGE {
            writeback::start(&file);
        }
        Ok((file, copied))
    }

    fn describe_override(&mut self, item: &Item) {
        let owner = item.owner;
        if owner.overridden {
            self.report.debug(debug::EACHFILE, || {
                msg!(
                    "tarobject ... stat override, uid=%d, gid=%d, mode=%04o",
                    owner.uid as i32,
                    owner.gid as i32,
                    owner.mode & !libc::S_IFMT
                )
            });
        }
    }

    /// Keep the digest of a file just extracted.
    fn note_hash(&mut self, item: &Item, hash: Option<String>) {
        if let Some(hash) = &hash {
            self.report.debug(debug::EACHFILEDETAIL, || {
                msg!("tarobject file digest=%s", &**hash)
            });
        }
        let hash = hash.map(|h| h.into_bytes().into());
        self.db.fsys.set_newhash(item.node, hash);
    }

    /// Open the file that has an entry's content, where that is not in the archive's stream.
    pub(super) fn content_file(&mut self, job: &mut Job, item: &Item) -> Result<Option<OnDisk>> {
        let Some((by, place)) = &mut job.payload else {
            return Ok(None);
        };
        let path = self.db.fsys.name(item.node);
        let hooks = &mut self.hooks;
        let Some(found) = hooks.payload_file(*by, &self.db.table, job.pkg, path)? else {
            return Ok(None);
        };
        let spot = place.spot(&found.path);
        let fail = || msg!("unable to open '%.255s'", &found.path);
        let file = File::from(
            spot.open(libc::O_RDONLY | libc::O_NONBLOCK, false)
                .or_fail(fail)?,
        );
        let stat = Stat::of(&file).or_fail(fail)?;
        if !stat.is_file() || stat.size != item.entry.size {
            bail!(
                "payload's '%.255s' is not the file '%.255s' of the archive",
                &found.path,
                &item.entry.name
            );
        }
        // A conffile is going to be edited, labels are set on the inode, and some bits are taken
        // from it when it is removed.
        let may_link = found.link
            && !item.is_conffile
            && stat.mode & 0o7000 == 0
            && !self.unpack.labels.are_set()
            && item.is_as_wanted(&stat);
        Ok(Some(OnDisk {
            file,
            link: may_link.then_some(spot),
        }))
    }

    /// Make the file in a payload the new file, if it may be and can be.
    fn link_content(&mut self, job: &mut Job, item: &Item, ondisk: &mut OnDisk) -> Result<bool> {
        let Some(Ok(())) = ondisk.link.as_ref().map(|spot| spot.link(&item.spots.new)) else {
            // Too many links, another file system, …: whatever it is, copying tells.
            return Ok(false);
        };
        self.describe_override(item);
        let mut hash = None;
        if job.hash_all {
            let hashed = hash_data(&mut ondisk.file, &mut job.buffer);
            hash = Some(hashed.map_err(|e| {
                let why = msg!("%s (%s)", msg!("failed to read"), e);
                let name = &item.entry.name;
                err!("cannot compute MD5 digest for file '%s': %s", name, why)
            })?);
        }
        self.note_hash(item, hash);
        job.linked.insert(item.node);
        Ok(true)
    }

    /// Whether a hook is going to see the content of an entry.
    pub(super) fn is_rewritten(&mut self, pkg: PkgId, item: &Item) -> bool {
        if item.entry.kind != Kind::File || self.hooks.is_empty() {
            return false;
        }
        let path = self.db.fsys.name(item.node);
        self.hooks.wants_content(&self.db.table, pkg, path)
    }

    /// Let the hooks rewrite the content just written; the digest is then that of what they
    /// made of it.
    fn rewrite(&mut self, job: &mut Job, item: &Item, file: File) -> Result<(File, String)> {
        let (spots, buffer) = (&item.spots, &mut job.buffer);
        let shown = spots.shown_new();
        let path = path_of(shown.clone());
        let fail = || msg!("unable to open '%.255s'", &shown);
        writeback::set_mode(&file, 0o600).or_fail(fail)?;
        drop(file);
        let name = self.db.fsys.name(item.node);
        self.hooks.rewrite(&self.db.table, job.pkg, name, &path)?;
        let mut file = File::from(spots.new.open(libc::O_RDWR, false).or_fail(fail)?);
        let hash = hash_data(&mut file, buffer).map_err(|e| {
            let why = msg!("%s (%s)", msg!("failed to read"), e);
            err!("cannot compute MD5 digest for file '%s': %s", &shown, why)
        })?;
        Ok((file, hash))
    }

    /// `tarobject_set_perms`, `tarobject_set_mtime`, `tarobject_set_se_context`
    pub(super) fn set_metadata(&mut self, job: &Job, item: &Item) -> Result<()> {
        if job.linked.contains(&item.node) {
            return Ok(()); // It is as wanted, and not ours to change.
        }
        let spots = &item.spots;
        let owner = item.owner;
        let kind = item.entry.kind;
        let shown = spots.shown_new();
        // A hard link to a symbolic link must not lead us to its target.
        let is_link = kind == Kind::Symlink
            || (kind == Kind::HardLink && spots.new.lstat().is_ok_and(|st| st.is_symlink()));
        if kind != Kind::File {
            let owned = self.forgive_nonroot(spots.new.chown(owner.uid, owner.gid));
            owned.or_fail(|| match kind {
                Kind::Symlink => msg!("error setting ownership of symlink '%.255s'", &shown),
                _ => msg!("error setting ownership of '%.255s'", &shown),
            })?;
        }
        if kind != Kind::File && !is_link {
            let permitted = self.forgive_nonroot(spots.new.chmod(owner.mode & !libc::S_IFMT));
            permitted.or_fail(|| msg!("error setting permissions of '%.255s'", &shown))?;
        }
        // A file has it from when it was open.
        let timed = match kind {
            Kind::File => Ok(()),
            _ => spots.new.set_times(self.unpack.now, item.entry.mtime),
        };
        match timed {
            Err(e) if kind == Kind::Symlink && e.raw_os_error() == Some(libc::ENOSYS) => {}
            timed => timed.or_fail(|| msg!("error setting timestamps of '%.255s'", &shown))?,
        }
        self.unpack
            .labels
            .set(&spots.shown_main(), &spots.new, &shown, owner.mode)
    }

    /// Keep what is at the path as `.dpkg-tmp`, so that it can be put back.
    pub(super) fn put_aside(&mut self, job: &mut Job, item: &Item) -> Result<()> {
        let spots = &item.spots;
        let name = &item.entry.name;
        let detail = debug::EACHFILEDETAIL;
        let Some(there) = item.there else {
            self.report
                .debug(detail, || msg!("tarobject new - no backup"));
            return Ok(());
        };
        job.backups.insert(item.node);
        if item.entry.kind == Kind::Directory || there.is_dir() {
            self.report
                .debug(detail, || msg!("tarobject directory, nonatomic"));
            *self.db.fsys.flags_mut(item.node) |= NodeFlags::NO_ATOMIC_OVERWRITE;
            // For a while nothing is there: that the package is half-installed is durable before.
            self.db.settle()?;
            let moved = spots.main.rename(&spots.tmp);
            moved.or_fail(|| msg!("unable to move aside '%.255s' to install new version", name))?;
            self.unpack.place().forget();
        } else if there.is_symlink() {
            // A symbolic link cannot portably have two names; a copy serves as well.
            let target = spots.main.readlink();
            let target = target.or_fail(|| msg!("unable to read link '%.255s'", name))?;
            self.check_link_size(&there, &target, &spots.shown_main())?;
            let made = spots.tmp.symlink(&target);
            made.or_fail(|| msg!("unable to make backup symlink for '%.255s'", name))?;
            let owned = self.forgive_nonroot(spots.tmp.chown(there.uid, there.gid));
            owned.or_fail(|| msg!("unable to chown backup symlink for '%.255s'", name))?;
            self.unpack.labels.set(
                &spots.shown_main(),
                &spots.tmp,
                &spots.shown_tmp(),
                there.mode,
            )?;
        } else {
            self.report
                .debug(detail, || msg!("tarobject nondirectory, 'link' backup"));
            let linked = spots.main.link(&spots.tmp);
            linked.or_fail(|| {
                msg!(
                    "unable to make backup link of '%.255s' before installing new version",
                    name
                )
            })?;
        }
        Ok(())
    }
}
