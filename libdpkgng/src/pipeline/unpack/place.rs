//! Making one object beside its place, with owner, mode, times and label, and putting the old
//! one aside.

use std::fs::File;
use std::io::{self, Read, Write};

use super::super::Run;
use super::extract::{Item, Job, Tar, hash_data, path_of, skip_padding};
use super::spots::NEW_SUFFIX;
use crate::archive::take_error;
use crate::archive::tar::Kind;
use crate::digest;
use crate::error::{OrFail, Result};
use crate::force::Force;
use crate::fsys::NodeFlags;
use crate::pkg::{PkgId, Which};
use crate::report::debug;
use crate::sys::place::device;
use crate::sys::writeback;
use crate::{err, msg};

/// Why data could not be copied.
enum CopyError {
    Read(io::Error),
    Write(io::Error),
}

/// Copy the current entry's data, computing its digest on the way.
fn copy_data(tar: &mut Tar, file: &mut File, buffer: &mut [u8]) -> Result<String, CopyError> {
    let mut hasher = digest::Hasher::new(digest::Kind::Md5);
    loop {
        let n = tar.read(buffer).map_err(CopyError::Read)?;
        let data = buffer.get(..n).unwrap_or_default();
        if data.is_empty() {
            return Ok(hasher.finish());
        }
        hasher.update(data);
        file.write_all(data).map_err(CopyError::Write)?;
    }
}

impl Run {
    /// `forcible_nonroot_error()`: not being allowed to is fine with `--force-not-root`.
    fn forgive_nonroot(&self, result: io::Result<()>) -> io::Result<()> {
        self.opts.force.forgive_not_root(result)
    }

    /// Make the new object as `.dpkg-new` (`tarobject_extract`), after removing what is left
    /// under that name and under `.dpkg-tmp`.
    pub(super) fn create(&mut self, tar: &mut Tar, job: &mut Job, item: &Item) -> Result<()> {
        let spots = &item.spots;
        let name = &item.entry.name;
        self.remove_tree(&spots.new, &spots.shown_new())?;
        self.remove_tree(&spots.tmp, &spots.shown_tmp())?;
        self.push_install_undo(item.node);
        let detail = debug::EACHFILEDETAIL;
        match item.entry.kind {
            Kind::File => self.create_file(tar, job, item)?,
            Kind::Fifo => {
                let made = spots.new.mkfifo();
                made.or_fail(|| msg!("error creating pipe '%.255s'", name))?;
                self.report.debug(detail, || msg!("tarobject fifo"));
            }
            Kind::CharDevice | Kind::BlockDevice => {
                let (kind, text) = match item.entry.kind {
                    Kind::CharDevice => (libc::S_IFCHR, "tarobject chardev"),
                    _ => (libc::S_IFBLK, "tarobject blockdev"),
                };
                let made = spots
                    .new
                    .mknod(kind, device(item.entry.major, item.entry.minor));
                made.or_fail(|| msg!("error creating device '%.255s'", name))?;
                self.report.debug(detail, || msg!(text));
            }
            Kind::HardLink => {
                let target = self.link_target(job, item);
                let made = self.unpack.place().spot(&target).link(&spots.new);
                made.or_fail(|| msg!("error creating hard link '%.255s'", name))?;
                self.take_over_hash(item);
            }
            Kind::Symlink => {
                let made = spots.new.symlink(&item.entry.linkname);
                made.or_fail(|| msg!("error creating symbolic link '%.255s'", name))?;
                self.report
                    .debug(detail, || msg!("tarobject symlink creating"));
            }
            Kind::Directory => {
                let made = spots.new.mkdir();
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

    fn create_file(&mut self, tar: &mut Tar, job: &mut Job, item: &Item) -> Result<()> {
        let spots = &item.spots;
        let entry = &item.entry;
        let name = &entry.name;
        let detail = debug::EACHFILEDETAIL;
        // Mode 0: nobody can do anything with it before it has the right one.
        let mut file = spots.new.create().or_fail(|| {
            msg!(
                "unable to create '%.255s' (while processing '%.255s')",
                spots.shown_new(),
                name
            )
        })?;
        self.report
            .debug(detail, || msg!("tarobject file open size=%jd", entry.size));
        let copied = copy_data(tar, &mut file, &mut job.buffer);
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
        if self.is_rewritten(job.pkg, item) {
            let given = hash;
            (file, hash) = self.rewrite(job, item, file)?;
            if hash != given {
                self.unpack.rewritten.insert(item.node);
            }
        }
        self.report
            .debug(detail, || msg!("tarobject file digest=%s", &hash));
        self.db
            .fsys
            .set_newhash(item.node, Some(hash.into_bytes().into()));
        skip_padding(tar, entry)?;
        writeback::start(&file);

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
        let owned = std::os::unix::fs::fchown(&file, Some(owner.uid), Some(owner.gid));
        self.forgive_nonroot(owned)
            .or_fail(|| msg!("error setting ownership of '%.255s'", name))?;
        let permitted = writeback::set_mode(&file, owner.mode & !libc::S_IFMT);
        self.forgive_nonroot(permitted)
            .or_fail(|| msg!("error setting permissions of '%.255s'", name))?;
        if !self.opts.force.has(Force::UnsafeIo) {
            *self.db.fsys.flags_mut(item.node) |= NodeFlags::DEFERRED_FSYNC;
        }
        writeback::close(file).or_fail(|| msg!("error closing/writing '%.255s'", name))
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
    pub(super) fn set_metadata(&mut self, item: &Item) -> Result<()> {
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
        let timed = spots.new.set_times(self.unpack.now, item.entry.mtime);
        match timed {
            Err(e) if kind == Kind::Symlink && e.raw_os_error() == Some(libc::ENOSYS) => {}
            timed => timed.or_fail(|| msg!("error setting timestamps of '%.255s'", &shown))?,
        }
        self.unpack
            .labels
            .set(&spots.shown_main(), &spots.new, &shown, owner.mode)
    }

    /// Keep what is at the path as `.dpkg-tmp`, so that it can be put back.
    pub(super) fn put_aside(&mut self, item: &Item) -> Result<()> {
        let spots = &item.spots;
        let name = &item.entry.name;
        let detail = debug::EACHFILEDETAIL;
        let Some(there) = item.there else {
            self.report
                .debug(detail, || msg!("tarobject new - no backup"));
            return Ok(());
        };
        if item.entry.kind == Kind::Directory || there.is_dir() {
            self.report
                .debug(detail, || msg!("tarobject directory, nonatomic"));
            *self.db.fsys.flags_mut(item.node) |= NodeFlags::NO_ATOMIC_OVERWRITE;
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
