//! Packages into the store: `store/ID/` is the payload of a .deb, as merged /usr has it and without set-id
//! bits, and `DEBIAN/` with all its control files, with `installation`, `headers` and `objects`.
//!
//! ```text
//! store    tmp/ID/… for each, on several threads; syncfs once; rename each to store/ID; fsync store/
//! ```
//!
//! - A package that is there already is not unpacked again, and nothing in the store is ever changed: its
//!   files are linked into realizations and generations.
//! - A package is stored whole or not at all; what a kill leaves in `tmp/` the next
//!   [`Sys::open`](crate::generation::Sys::open) clears away.
//! - Whatever an archive has in it, nothing outside of `tmp/ID` is written: see `arrange`, and the host, which
//!   follows no link.
//! - Owners are the archive's, by number. Conffiles are where they are in the package, pristine.
#![forbid(unsafe_code)]

mod arrange;
#[cfg(test)]
mod tests;
mod unpack;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;

use dpkgng_plugin::Host;

use crate::facts::{self, FactsError};
use crate::generation::{self, DiskError, Sys};
use crate::layout::{Architecture, InstallationId, Layout, PackageName, Version, inside};

pub use arrange::EntryError;
use unpack::Deb;
pub use unpack::{Known, PackageError};

/// Why packages can't be stored or found.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A .deb is not one to store.
    #[error("cannot store '{}': {why}", .deb.display())]
    Package {
        /// The file.
        deb: PathBuf,
        /// Why not.
        why: Box<PackageError>,
    },
    /// Another package has its name in the store.
    #[error("cannot store '{}': {id} is another package", .deb.display())]
    Taken {
        /// The file.
        deb: PathBuf,
        /// The name.
        id: InstallationId,
    },
    /// What is in the store can't be read.
    #[error(transparent)]
    Facts(#[from] FactsError),
    /// A change failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// A package in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The file it came from.
    pub deb: PathBuf,
    /// Its name.
    pub id: InstallationId,
    /// By what it is known again.
    pub known: Known,
    /// Whether it was not there before.
    pub new: bool,
}

/// Unpacking is decompression and hashing for the most part; more would only fill memory.
const THREADS: usize = 4;

/// Store those of some .debs that can be stored, in the same order. Of the others dpkg complains, or it takes them all the
/// same: what is not in the store is not linked.
///
/// # Errors
/// The store can't be written.
pub fn store(host: Host, sys: &Sys, debs: &[PathBuf]) -> Result<Vec<Stored>, StoreError> {
    let (layout, services) = (sys.layout(), host.services());
    let opened: Vec<Option<Deb>> = in_parallel(
        debs,
        |path| Ok::<_, StoreError>(Deb::open(services, path).ok()),
        |_| {},
    )?;
    let (mut stored, mut new, mut ids) = (Vec::new(), Vec::new(), BTreeSet::new());
    for (path, deb) in debs.iter().zip(&opened) {
        let Some(deb) = deb else { continue };
        let there = is_there(layout, path, deb)?;
        if !there && ids.insert(&deb.id) {
            new.push((path, deb));
        }
        stored.push(Stored {
            deb: path.clone(),
            id: deb.id.clone(),
            known: deb.known(),
            new: !there,
        });
    }
    if new.is_empty() {
        return Ok(stored);
    }
    let (aside, disk) = (
        |deb: &Deb| layout.tmp().join(deb.id.to_string()),
        sys.disk(),
    );
    let unpacked = in_parallel(
        &new,
        |(path, deb)| match deb.unpack(services, disk, &aside(deb)) {
            Ok(()) => Ok(true),
            Err(why @ PackageError::Disk(_)) => Err(failed(path, why)),
            Err(_) => Ok(disk.remove_tree(&aside(deb)).map(|()| false)?),
        },
        // It is no reason to fail that nobody sees it.
        |done| drop(host.progress(done as u64, new.len() as u64, "unpacking")),
    )?;
    disk.sync_fs(&layout.tmp())?;
    let mut broken = BTreeSet::new();
    for ((_, deb), whole) in new.iter().zip(unpacked) {
        match whole {
            true => disk.rename(&aside(deb), &layout.installation(&deb.id))?,
            false => drop(broken.insert(&deb.id)),
        }
    }
    disk.sync_dir(&layout.store())?;
    stored.retain(|s| !broken.contains(&s.id));
    Ok(stored)
}

fn failed(deb: &Path, why: PackageError) -> StoreError {
    StoreError::Package {
        deb: deb.into(),
        why: why.into(),
    }
}

/// Whether a package is in the store.
fn is_there(layout: &Layout, path: &Path, deb: &Deb) -> Result<bool, StoreError> {
    if !is_whole(layout, &deb.id)? {
        return Ok(false);
    }
    match facts::installation(layout, &deb.id)?.sha256 == deb.sha256 {
        true => Ok(true),
        false => Err(StoreError::Taken {
            deb: path.into(),
            id: deb.id.clone(),
        }),
    }
}

/// Whether it has its metadata: what has not is being removed.
fn is_whole(layout: &Layout, id: &InstallationId) -> Result<bool, StoreError> {
    let metadata = layout.installation(id).join(inside::INSTALLATION);
    let read = |source| FactsError::Read {
        path: metadata.clone(),
        source,
    };
    Ok(generation::is_there(&metadata).map_err(read)?)
}

/// Do something with each of a list, on some threads; `done` is told here how many are done. Gives the
/// results in order, or the first error in that order; after one, no more is begun.
fn in_parallel<T: Sync, R: Send, E: Send>(
    list: &[T],
    act: impl Fn(&T) -> Result<R, E> + Sync,
    done: impl Fn(usize),
) -> Result<Vec<R>, E> {
    let results: Vec<Mutex<Option<Result<R, E>>>> = list.iter().map(|_| Mutex::new(None)).collect();
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let available = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let (tell, told) = mpsc::channel();
        for _ in 0..available.min(THREADS).min(list.len()) {
            let tell = tell.clone();
            let (results, next, stop, act) = (&results, &next, &stop, &act);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let (Some(item), Some(result)) = (list.get(at), results.get(at)) else {
                        return;
                    };
                    let outcome = act(item);
                    stop.fetch_or(outcome.is_err(), Ordering::Relaxed);
                    if let Ok(mut result) = result.lock() {
                        *result = Some(outcome);
                    }
                    if tell.send(()).is_err() {
                        return;
                    }
                }
            });
        }
        drop(tell);
        for (count, ()) in told.iter().enumerate() {
            done(count + 1);
        }
    });
    // Work is begun in order: what was not begun comes after an error.
    let outcomes = results.into_iter().filter_map(|r| r.into_inner().ok()?);
    outcomes.collect()
}

/// The packages of a name in the store, sorted.
///
/// # Errors
/// The store can't be read.
pub fn find(
    layout: &Layout,
    name: &PackageName,
    version: Option<&Version>,
    architecture: Option<&Architecture>,
) -> Result<Vec<InstallationId>, StoreError> {
    let mut found = all(layout)?;
    found.retain(|id| {
        id.package() == name
            && version.is_none_or(|v| id.version() == v)
            && architecture.is_none_or(|a| id.architecture() == a)
    });
    Ok(found)
}

/// Every package in the store, sorted.
///
/// # Errors
/// The store can't be read.
pub fn all(layout: &Layout) -> Result<Vec<InstallationId>, StoreError> {
    let dir = layout.store();
    let read = |source| FactsError::Read {
        path: dir.clone(),
        source,
    };
    let entries = match std::fs::read_dir(&dir) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(read)?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(read)?.file_name();
        let id = entry.to_str().and_then(|n| n.parse().ok());
        if let Some(id) = id
            && is_whole(layout, &id)?
        {
            found.push(id);
        }
    }
    found.sort();
    Ok(found)
}
