//! One .deb into a directory.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use dpkgng_plugin::{Entry, Failed, Services};
use sha2::Digest;

use super::arrange::{Arrangement, EntryError, Header, What};
use crate::facts::{ControlError, FactsError, Payload, control};
use crate::generation::{Disk, DiskError};
use crate::layout::{InstallationId, Sha256, inside};
use crate::manifest::{Installation, ManifestError};

/// Why a .deb can't be stored.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// The host's words.
    #[error("{0}")]
    Dpkg(#[from] Failed),
    /// It can't be read.
    #[error("it cannot be read: {0}")]
    Read(#[from] std::io::Error),
    /// It was changed while it was read.
    #[error("it was changed meanwhile")]
    Changed,
    /// There is no control file in it.
    #[error("it has no control file")]
    NoControl,
    /// Its control file.
    #[error("control file: {0}")]
    Control(#[from] ControlError),
    /// A file of its control member can't be kept.
    #[error("control file '{0}' cannot be kept: {1}")]
    Member(String, &'static str),
    /// An entry of its data member.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// Its metadata can't be written.
    #[error(transparent)]
    Metadata(#[from] ManifestError),
    /// What was unpacked can't be read.
    #[error(transparent)]
    Facts(#[from] FactsError),
    /// A change failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// A .deb, known but for its data member.
pub(super) struct Deb {
    path: PathBuf,
    was: Identity,
    pub(super) id: InstallationId,
    pub(super) sha256: Sha256,
    members: Vec<Member>,
}

/// A file of the control member.
struct Member {
    name: OsString,
    content: Vec<u8>,
    mode: u32,
}

/// What tells whether a file is still the one that was read: device, inode, length, change time.
type Identity = (u64, u64, u64, i64, i64);

/// A .deb that is in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// What it is there.
    pub id: InstallationId,
    was: Identity,
}

impl Known {
    /// Whether an open file is still the one that was stored.
    pub fn is(&self, file: &File) -> bool {
        file.metadata().is_ok_and(|is| of_metadata(&is) == self.was)
    }
}

/// Files of the control member, and bytes of one: more than any package has.
const MEMBERS: usize = 1000;
const MEMBER: usize = 16 << 20;

fn identity_of(path: &Path) -> std::io::Result<Identity> {
    Ok(of_metadata(&std::fs::metadata(path)?))
}

fn of_metadata(is: &std::fs::Metadata) -> Identity {
    (is.dev(), is.ino(), is.len(), is.ctime(), is.ctime_nsec())
}

impl Deb {
    /// What can tell it again.
    pub(super) fn known(&self) -> Known {
        Known {
            id: self.id.clone(),
            was: self.was,
        }
    }

    /// Read what it says of itself.
    pub(super) fn open(host: Services, path: &Path) -> Result<Deb, PackageError> {
        let was = identity_of(path)?;
        let sha256 = sha256(path)?;
        let mut members: Vec<Member> = Vec::new();
        host.deb_members(path, |name, content, mode| {
            check_member(name, content, &members)?;
            members.push(Member {
                name: name.into(),
                content: content.into(),
                mode,
            });
            Ok::<(), PackageError>(())
        })?;
        let member = members.iter().find(|m| m.name == "control");
        let text = &member.ok_or(PackageError::NoControl)?.content;
        let stanza = control::the_one(host, text)?;
        let (name, version, architecture) = control::identity(&stanza)?;
        let id = InstallationId::new(&name, &version, &architecture, &sha256);
        // Here, where they can still be refused, rather than whenever they are needed.
        host.version_compare(version.as_str(), version.as_str())?;
        control::read(host, text, &id)?;
        Ok(Deb {
            path: path.into(),
            was,
            id,
            sha256,
            members,
        })
    }

    /// Unpack it into a directory that is made for it; its metadata comes last.
    pub(super) fn unpack(
        &self,
        host: Services,
        disk: &Disk,
        top: &Path,
    ) -> Result<(), PackageError> {
        disk.make_dir(top)?;
        let dir = File::open(top)?;
        let own = dir.metadata()?;
        let us = (own.uid() != 0).then(|| (own.uid(), own.gid()));
        let mut arrangement = Arrangement::new(us);
        disk.make_dir(&top.join(inside::METADATA))?;
        let headers = top.join(inside::HEADERS);
        disk.write(&headers, b"")?;
        let headers = File::options().write(true).open(&headers)?;
        host.deb_entries_headers(&self.path, &headers, |mut entry| {
            place(&mut entry, &mut arrangement, disk, top, &dir)
        })?;
        let (setuid, size) = arrangement.finish();
        for Member {
            name,
            content,
            mode,
        } in &self.members
        {
            let path = top.join(inside::METADATA).join(name);
            let mode = if mode & 0o111 != 0 { 0o755 } else { 0o644 };
            disk.write_as(&path, content, mode)?;
        }
        let objects = Payload::derive(top)?.to_text();
        disk.write(&top.join(inside::OBJECTS), objects.as_bytes())?;
        let installation = Installation {
            package: self.id.package().clone(),
            version: self.id.version().clone(),
            architecture: self.id.architecture().clone(),
            sha256: self.sha256,
            size,
            setuid,
        };
        if identity_of(&self.path)? != self.was {
            return Err(PackageError::Changed);
        }
        let text = installation.to_text()?;
        Ok(disk.write(&top.join(inside::INSTALLATION), text.as_bytes())?)
    }
}

fn check_member(name: &OsStr, content: &[u8], before: &[Member]) -> Result<(), PackageError> {
    let wrong = |why| Err(PackageError::Member(name.to_string_lossy().into(), why));
    let ours = [
        inside::INSTALLATION,
        inside::HEADERS,
        inside::OBJECTS,
        inside::REALIZATION,
    ];
    let full = Path::new(inside::METADATA).join(name);
    match name.as_bytes() {
        b"" | b"." | b".." => wrong("it is no name"),
        bytes if bytes.contains(&b'/') => wrong("it is in a directory"),
        _ if ours.iter().any(|o| full == Path::new(o)) => wrong("the name is taken"),
        _ if before.iter().any(|m| m.name == name) => wrong("it is there twice"),
        _ if before.len() >= MEMBERS => wrong("there are too many"),
        _ if content.len() > MEMBER => wrong("it is too large"),
        _ => Ok(()),
    }
}

/// Place an entry where it belongs.
fn place(
    entry: &mut Entry<'_>,
    arrangement: &mut Arrangement,
    disk: &Disk,
    top: &Path,
    dir: &File,
) -> Result<(), PackageError> {
    let step = arrangement.next(&Header {
        kind: entry.kind,
        name: entry.name,
        link: entry.link,
        length: entry.length,
        mode: entry.mode,
        owner: (entry.uid, entry.gid),
    })?;
    for missing in &step.missing {
        disk.make_dir(&top.join(missing))?;
    }
    match step.what {
        What::Skip => Ok(()),
        What::Compare if same_content(entry, &top.join(&step.path))? => Ok(()),
        What::Compare => Err(EntryError::Clash(step.path).into()),
        What::Place(mode) => {
            disk.announce("place", &top.join(&step.path))?;
            let mut placed = entry.as_is();
            placed.name = step.path.as_os_str().as_bytes();
            placed.link = step.link.as_os_str().as_bytes();
            placed.mode = mode;
            Ok(entry.place(dir, &placed)?)
        }
    }
}

/// Whether what comes in an entry is what is in a file.
fn same_content(entry: &mut Entry<'_>, path: &Path) -> Result<bool, PackageError> {
    let flags = rustix::fs::OFlags::NOFOLLOW.bits() as i32;
    let mut options = File::options();
    let mut file = options.read(true).custom_flags(flags).open(path)?;
    if file.metadata()?.len() != entry.length {
        return Ok(false);
    }
    let (mut left, mut right) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        let count = entry.read(&mut left)?;
        let (Some(left), Some(right)) = (left.get(..count), right.get_mut(..count)) else {
            return Ok(false);
        };
        file.read_exact(right)?;
        if left != right {
            return Ok(false);
        }
        if count == 0 {
            return Ok(true);
        }
    }
}

fn sha256(path: &Path) -> Result<Sha256, PackageError> {
    let mut file = File::open(path)?;
    let mut hasher = sha2::Sha256::new();
    let mut buffer = vec![0; 1 << 17];
    loop {
        let count = file.read(&mut buffer)?;
        match buffer.get(..count) {
            Some(bytes) if count > 0 => hasher.update(bytes),
            _ => return Ok(Sha256::from_bytes(hasher.finalize().into())),
        }
    }
}
