//! Archives of installed packages: in apt's cache of the installed system, and in directories that the
//! caller names.
//!
//! Only one whose `control` has exactly the name, version and architecture that `status` has is taken. One that
//! cannot be read to its end is as good as none.

use std::collections::{BTreeMap, HashMap};
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::stanzas::Head;
use super::{Wanted, Where};
use crate::archive::deb::{DebFile, Part};
use crate::archive::extract::CONTROL_FILE_MAX;
use crate::archive::tar::{Kind, TarEntry, TarReader};
use crate::db::Dirs;
use crate::digest::md5_reader;
use crate::error::{OrFail as _, Result};
use crate::fsys::skip_slash_dotslash;
use crate::msg;
use crate::report::Silent;
use crate::sys::place::Spot;

/// Where apt keeps what it fetched.
const CACHE: &str = "/var/cache/apt/archives";

/// A path of an archive's file system.
pub(super) struct Member {
    /// With its leading slash.
    pub path: Vec<u8>,
    pub entry: TarEntry,
    /// The MD5 digest of a file's content.
    pub digest: Option<Vec<u8>>,
}

/// An archive that was read.
pub(super) struct Archive {
    pub path: PathBuf,
    /// The control files by name, with content and mode.
    pub control: ControlFiles,
    /// In the order of dpkg's lists.
    pub members: Vec<Member>,
}

/// All that are at hand.
pub(super) struct Debs {
    /// By file name.
    known: Vec<(Vec<u8>, PathBuf)>,
    read: HashMap<Wanted, Option<Rc<Archive>>>,
}

impl Debs {
    pub fn new(dirs: &Dirs, extra: &[PathBuf]) -> Debs {
        let cache = Where::System(CACHE.into()).spot(dirs);
        let extra = extra
            .iter()
            .map(|dir| Spot::path(dir.as_os_str().as_bytes()));
        let mut known = Vec::new();
        for dir in extra.chain([cache]) {
            // A directory that is not there has no archives; that others cannot be read is
            // no fault of the database.
            for (name, spot) in dir.entries().unwrap_or_default() {
                if name.extension().is_some_and(|e| e == "deb") {
                    known.push((name.as_os_str().as_bytes().to_vec(), spot.host_path()));
                }
            }
        }
        known.sort();
        Debs {
            known,
            read: HashMap::new(),
        }
    }

    /// The archive that a package was installed from.
    pub fn find(&mut self, wanted: &Wanted) -> Option<Rc<Archive>> {
        if let Some(known) = self.read.get(wanted) {
            return known.clone();
        }
        let prefix = [&wanted.package[..], b"_"].concat();
        let mut paths = self
            .known
            .iter()
            .filter(|(name, _)| name.starts_with(&prefix));
        let found = paths.find_map(|(_, path)| Archive::read(path, wanted).ok().flatten());
        let found = found.map(Rc::new);
        self.read.insert(wanted.clone(), found.clone());
        found
    }
}

impl Archive {
    /// Read one, if it is what is wanted.
    fn read(path: &Path, wanted: &Wanted) -> Result<Option<Archive>> {
        let deb = DebFile::open(path)?;
        let control = control_files(&deb)?;
        let head = control.get(&b"control"[..]);
        let head = head.map(|(text, _)| Head::of(text)).unwrap_or_default();
        let is_it = head.package == wanted.package
            && head.version == wanted.version
            && head.arch == wanted.arch;
        if !is_it {
            return Ok(None);
        }
        let mut members = Vec::new();
        each_member(path, |path, entry, tar| {
            let digest = match entry.kind {
                Kind::File if !entry.slash => {
                    let digest = md5_reader(tar).or_fail(|| msg!("failed to read"))?;
                    Some(digest.into_bytes())
                }
                _ => None,
            };
            members.push(Member {
                path: path.to_vec(),
                entry: entry.clone(),
                digest,
            });
            Ok(())
        })?;
        let path = path.to_owned();
        Ok(Some(Archive {
            path,
            control,
            members,
        }))
    }

    /// A member by its path; a hard link is the file that it names.
    pub fn member(&self, path: &[u8]) -> Option<&Member> {
        let member = self.members.iter().find(|m| m.path == path)?;
        if member.entry.kind != Kind::HardLink {
            return Some(member);
        }
        let target = [b"/", skip_slash_dotslash(&member.entry.linkname)].concat();
        self.members
            .iter()
            .find(|m| m.path == target && m.entry.kind == Kind::File)
    }

    /// The list of files that dpkg makes of it.
    pub fn list(&self) -> Vec<&[u8]> {
        self.members.iter().map(|m| &m.path[..]).collect()
    }

    /// The digests that go with it: its own, or those that dpkg makes when it has none.
    pub fn digests(&self) -> Vec<u8> {
        if let Some((content, _)) = self.control.get(&b"md5sums"[..]) {
            return content.clone();
        }
        let mut out = Vec::new();
        for member in &self.members {
            if let Some(digest) = &member.digest {
                out.extend_from_slice(digest);
                out.extend_from_slice(b"  ");
                out.extend_from_slice(member.path.get(1..).unwrap_or_default());
                out.push(b'\n');
            }
        }
        out
    }
}

/// Content and mode, by name.
type ControlFiles = BTreeMap<Vec<u8>, (Vec<u8>, u32)>;

fn control_files(deb: &DebFile) -> Result<ControlFiles> {
    let stream = deb.member(Part::Control, &mut Silent)?.stream(-1)?;
    let mut tar = TarReader::new(stream);
    let mut files = BTreeMap::new();
    while let Some(entry) = tar.next_entry()? {
        let name = skip_slash_dotslash(&entry.name).to_vec();
        if entry.kind != Kind::File || entry.slash || name.contains(&b'/') {
            continue;
        }
        if entry.size > CONTROL_FILE_MAX {
            crate::bail!("control file '%s' is too large", &name);
        }
        let mut content = Vec::new();
        tar.read_to_end(&mut content)
            .or_fail(|| msg!("failed to read"))?;
        files.insert(name, (content, entry.mode));
    }
    tar.into_inner().finish()?;
    Ok(files)
}

/// Go through the file system of an archive in the order in which dpkg places it.
pub(super) fn each_member(
    path: &Path,
    mut see: impl FnMut(&[u8], &TarEntry, &mut dyn std::io::Read) -> Result<()>,
) -> Result<()> {
    let deb = DebFile::open(path)?;
    let stream = deb.member(Part::Data, &mut Silent)?.stream(-1)?;
    let mut tar = TarReader::new(stream);
    while let Some(entry) = tar.next_entry()? {
        let path = [b"/", skip_slash_dotslash(&entry.name)].concat();
        see(&path, &entry, &mut tar)?;
    }
    tar.into_inner().finish()
}
