//! Hooks: where something other than stock behaviour may step in.
//!
//! Four things are done between a [`Hook::pre`] and a [`Hook::post`]: a run, a step of a
//! package, a maintainer script, the placing of a file ([`Scope`]). `pre` may veto by returning
//! an error, which fails what was about to be done as any other error there would; `post` runs
//! whenever `pre` agreed, also when what is between them failed. The other questions let a hook
//! change what dpkg takes as given: where a package goes, what counts as installed or available
//! while a relation is judged, what a file contains. Every default is stock's behaviour, so the
//! path with hooks is the path every test takes.
//!
//! With `--no-act` nothing is done, so there are no pairs; relations are judged as ever.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use crate::archive::deb::DebFile;
use crate::error::Result;
use crate::pkg::{DepType, PkgId, PkgTable, Possi, Which};

/// What is about to happen to a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PackageStep {
    /// Its archive is being unpacked: all that fails after it was decided that it may be.
    Unpack,
    /// It is being configured.
    Configure,
    /// It is being removed (conffiles kept); also in favour of another package.
    Remove,
    /// Its conffiles are being removed; within a removal, or on its own later.
    Purge,
    /// Its triggers are being processed.
    Triggers,
    /// It disappears, as another package has taken over all its files. A veto comes too late
    /// to undo the unpack of that other one, which is then half-installed.
    Disappear,
}

/// What is done between [`Hook::pre`] and [`Hook::post`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope<'a> {
    /// The whole run. Nothing was locked or read before, all was written after it.
    Run {
        /// The long name of dpkg's action.
        action: &'a str,
    },
    /// A step of a package.
    Package {
        /// Which.
        pkg: PkgId,
        /// See [`PackageStep`].
        step: PackageStep,
    },
    /// A maintainer script that is there and is called.
    Script {
        /// Whose.
        pkg: PkgId,
        /// Its kind (`postinst`).
        script: &'a str,
        /// Its arguments.
        args: &'a [&'a [u8]],
        /// In `post`: its raw wait status; `None` when it never ran.
        status: Option<i32>,
    },
    /// A path of an archive that is going to be placed: once for each entry but directories
    /// that exist, paths that are filtered, and files that another instance has placed.
    /// `post` comes once it has its final name (a conffile: once it stands beside it).
    File {
        /// Whose.
        pkg: PkgId,
        /// As the archive has it, from the root (`/usr/bin/x`).
        path: &'a [u8],
    },
}

/// The content of an archive's regular files, on disk already.
///
/// With it no data member is decompressed: what it would be told by, `headers` tells. A file whose
/// owner, mode and time are what they are to be becomes another name of the payload's file (a
/// hard link); it is copied where they are not, where it is a conffile or is going to be
/// rewritten, and where it cannot be linked.
pub struct Payload {
    /// The data member without the content of its files
    /// ([`TarReader::copy_headers`](crate::archive::tar::TarReader::copy_headers)); read from its
    /// start, whatever its position.
    pub headers: File,
    /// The directory below which [`Hook::payload_file`] finds the files. All of them are there,
    /// durable, and written to by nobody; symbolic links on the way do not lead out of it.
    pub root: OwnedFd,
}

/// Where a [`Payload`] has one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayloadFile {
    /// Below the payload's root, from a slash.
    pub path: Vec<u8>,
    /// Whether what is placed may be the same inode.
    pub link: bool,
}

/// One who wants to know or to change.
#[allow(unused_variables)]
pub trait Hook {
    /// Before something is done.
    ///
    /// # Errors
    /// A veto; this hook gets no `post`, those that agreed before it do.
    fn pre(&mut self, table: &PkgTable, scope: &Scope<'_>) -> Result<()> {
        Ok(())
    }
    /// After it; `ok` tells whether all of it was done.
    fn post(&mut self, table: &PkgTable, scope: &Scope<'_>, ok: bool) {}
    /// Where the files of a package go instead of the instdir: an existing directory. Asked
    /// whenever its files are touched, and to be answered in the same way until it is removed.
    /// File lists, diversions and overrides keep the archive's paths; scripts run where they
    /// always do.
    fn install_path(&mut self, table: &PkgTable, pkg: PkgId) -> Option<PathBuf> {
        None
    }
    /// Whether a package counts as not there while a relation of `by` is judged.
    fn hides(&mut self, table: &PkgTable, by: PkgId, pkg: PkgId, which: Which) -> bool {
        false
    }
    /// Whether an alternative of a Depends or Pre-Depends of `by` is satisfied by what dpkg
    /// does not know of.
    fn satisfies(&mut self, table: &PkgTable, by: PkgId, kind: DepType, possi: &Possi) -> bool {
        false
    }
    /// Where the content of an archive is on disk already. Asked once for each archive that is
    /// going to be unpacked, before its data member is read; maybe while one before it is at hand.
    ///
    /// # Errors
    /// The archive fails.
    fn payload(&mut self, table: &PkgTable, archive: &DebFile) -> Result<Option<Payload>> {
        Ok(None)
    }
    /// Where the payload that this hook gave for the archive at hand has the regular file `path`
    /// of `pkg`, as the archive has it, from the root.
    ///
    /// # Errors
    /// The archive fails and is unwound.
    fn payload_file(&mut self, table: &PkgTable, pkg: PkgId, path: &[u8]) -> Result<PayloadFile> {
        Ok(PayloadFile {
            path: path.to_vec(),
            link: true,
        })
    }
    /// What of an installed package's file `path` is to be compared with the digest that the archive
    /// had, where what stands there was made of it since.
    fn shipped(&mut self, table: &PkgTable, pkg: PkgId, path: &[u8]) -> Option<PathBuf> {
        None
    }
    /// Whether this hook wants to see (and may rewrite) the content of `path`, a regular file
    /// of `pkg`. Not asked for further hard links to a file.
    fn wants_content(&mut self, table: &PkgTable, pkg: PkgId, path: &[u8]) -> bool {
        false
    }
    /// Rewrite the file just extracted at `file` on disk, in place or by replacing it, before
    /// it is given owner, mode and times. What it then contains is what the database says of it:
    /// the digest of a conffile, and its line in the package's md5sums.
    ///
    /// # Errors
    /// The archive fails and is unwound.
    fn rewrite(&mut self, table: &PkgTable, pkg: PkgId, path: &[u8], file: &Path) -> Result<()> {
        Ok(())
    }
}

/// The hooks of a run, asked in order. Empty is stock dpkg.
#[derive(Default)]
pub struct HookSet {
    hooks: Vec<Box<dyn Hook>>,
}

impl HookSet {
    /// Add one, asked after those added before.
    pub fn push(&mut self, hook: Box<dyn Hook>) {
        self.hooks.push(hook);
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.hooks.is_empty()
    }

    /// Every hook's `pre`, in order; when it succeeds, [`HookSet::leave`] is owed.
    ///
    /// # Errors
    /// The first veto; the hooks before it have had their `post`.
    pub fn enter(&mut self, table: &PkgTable, scope: &Scope<'_>) -> Result<()> {
        for index in 0..self.hooks.len() {
            let (agreed, rest) = self.hooks.split_at_mut(index);
            let Some(hook) = rest.first_mut() else { break };
            if let Err(veto) = hook.pre(table, scope) {
                for hook in agreed.iter_mut().rev() {
                    hook.post(table, scope, false);
                }
                return Err(veto);
            }
        }
        Ok(())
    }

    /// Every hook's `post`, in reverse order.
    pub fn leave(&mut self, table: &PkgTable, scope: &Scope<'_>, ok: bool) {
        for hook in self.hooks.iter_mut().rev() {
            hook.post(table, scope, ok);
        }
    }

    /// The first hook's wish where a package goes.
    pub fn install_path(&mut self, table: &PkgTable, pkg: PkgId) -> Option<PathBuf> {
        let mut hooks = self.hooks.iter_mut();
        hooks.find_map(|h| h.install_path(table, pkg))
    }

    /// Whether any hook hides `pkg` from a relation of `by`.
    pub fn hides(&mut self, table: &PkgTable, by: PkgId, pkg: PkgId, which: Which) -> bool {
        let mut hooks = self.hooks.iter_mut();
        hooks.any(|h| h.hides(table, by, pkg, which))
    }

    /// Whether any hook satisfies an alternative of `by`.
    pub fn satisfies(&mut self, table: &PkgTable, by: PkgId, kind: DepType, possi: &Possi) -> bool {
        let mut hooks = self.hooks.iter_mut();
        hooks.any(|h| h.satisfies(table, by, kind, possi))
    }

    /// The first payload that a hook has for an archive, and which one.
    ///
    /// # Errors
    /// The first failure.
    pub fn payload(
        &mut self,
        table: &PkgTable,
        archive: &DebFile,
    ) -> Result<Option<(usize, Payload)>> {
        for (by, hook) in self.hooks.iter_mut().enumerate() {
            if let Some(payload) = hook.payload(table, archive)? {
                return Ok(Some((by, payload)));
            }
        }
        Ok(None)
    }

    /// Where the payload of hook number `by` has a file; none where there is no such hook.
    ///
    /// # Errors
    /// It does not have it.
    pub fn payload_file(
        &mut self,
        by: usize,
        table: &PkgTable,
        pkg: PkgId,
        path: &[u8],
    ) -> Result<Option<PayloadFile>> {
        let hook = self.hooks.get_mut(by);
        hook.map(|h| h.payload_file(table, pkg, path)).transpose()
    }

    /// What the first hook that knows it says a file of the archive was.
    pub fn shipped(&mut self, table: &PkgTable, pkg: PkgId, path: &[u8]) -> Option<PathBuf> {
        let mut hooks = self.hooks.iter_mut();
        hooks.find_map(|h| h.shipped(table, pkg, path))
    }

    /// Whether any hook wants the content of a path.
    pub fn wants_content(&mut self, table: &PkgTable, pkg: PkgId, path: &[u8]) -> bool {
        let mut hooks = self.hooks.iter_mut();
        hooks.any(|h| h.wants_content(table, pkg, path))
    }

    /// Let every hook that wants the content rewrite it, each what the one before made of it.
    ///
    /// # Errors
    /// The first failure.
    pub fn rewrite(
        &mut self,
        table: &PkgTable,
        pkg: PkgId,
        path: &[u8],
        file: &Path,
    ) -> Result<()> {
        for hook in &mut self.hooks {
            if hook.wants_content(table, pkg, path) {
                hook.rewrite(table, pkg, path, file)?;
            }
        }
        Ok(())
    }
}
