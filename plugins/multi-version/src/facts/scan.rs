//! What the files of a payload are.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::{FactsError, Object, cache};
use crate::elf::{DynamicInfo, Fault, Image, View, notes, sonames};
use crate::layout::{Soname, inside, merged, merged_target};

/// What the files of a package are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Payload {
    /// See [`Facts::objects`](super::Facts::objects).
    pub objects: Vec<Object>,
    /// See [`Facts::paths`](super::Facts::paths).
    pub paths: Vec<PathBuf>,
    /// See [`Facts::damaged`](super::Facts::damaged).
    pub damaged: Vec<(PathBuf, String)>,
}

/// An ELF file that is larger is no object: nothing of this size is loaded.
const LARGEST: u64 = 1 << 31;

/// No real object speaks of more.
const MENTIONS: usize = 1 << 12;

/// Of a file in `etc/ld.so.conf.d`.
const LONGEST_CONF: u64 = 1 << 16;

impl Payload {
    /// Of an installation: as it was written down when it was stored, or, where that is gone or damaged, as
    /// the files say.
    ///
    /// # Errors
    /// They can't be read.
    pub fn of(top: &Path) -> Result<Payload, FactsError> {
        let kept = super::bounded(&top.join(inside::OBJECTS));
        let kept = kept.ok().and_then(|t| String::from_utf8(t).ok());
        match kept.and_then(|text| cache::from_text(&text).ok()) {
            Some(payload) => Ok(payload),
            None => Payload::derive(top),
        }
    }

    /// As the files below `top` say.
    ///
    /// # Errors
    /// They can't be read.
    pub fn derive(top: &Path) -> Result<Payload, FactsError> {
        let (paths, mut links) = (walk(top)?, BTreeMap::new());
        let public = public_dirs(top, &paths)?;
        let is_public = |path: &Path| {
            path.parent()
                .is_some_and(|dir| is_library_dir(dir, &public))
        };
        for (path, kind) in &paths {
            if kind.is_symlink() {
                let target = at(&top.join(path), |p| fs::read_link(p))?;
                links.insert(path.clone(), target);
            }
        }
        // By each path that a link leads over, the names of those links.
        let mut linked: BTreeMap<PathBuf, BTreeSet<Soname>> = BTreeMap::new();
        for link in links.keys().filter(|link| is_public(link)) {
            for path in follow(link, &links) {
                let names = linked.entry(path).or_default();
                names.extend(name_of(link));
            }
        }
        let mut known: BTreeMap<(u64, u64), Content> = BTreeMap::new();
        let (mut objects, mut damaged) = (Vec::new(), Vec::new());
        for (path, _) in paths.iter().filter(|(_, kind)| kind.is_file()) {
            let names = linked.get(path);
            match object(top, path, &mut known)? {
                Content::Object(object) => {
                    // Of configured directories only ldconfig's names are known.
                    let is_default = path.parent().is_some_and(is_default_library_dir);
                    let own = name_of(path).filter(|_| is_default);
                    let names = own.into_iter().chain(names.into_iter().flatten().cloned());
                    let public = is_public(path) || linked.contains_key(path);
                    objects.push(named(*object, path, public, names.collect()));
                }
                Content::Damaged(why) => damaged.push((path.clone(), why.to_string())),
                Content::Nothing => {}
            }
        }
        Ok(Payload {
            objects,
            paths: paths.into_iter().map(|(path, _)| path).collect(),
            damaged,
        })
    }

    /// As it is written.
    pub fn to_text(&self) -> String {
        cache::to_text(self)
    }
}

/// Do something with a path, and say which it was.
fn at<T>(path: &Path, act: impl FnOnce(&Path) -> io::Result<T>) -> Result<T, FactsError> {
    act(path).map_err(|source| FactsError::Read {
        path: path.into(),
        source,
    })
}

/// Every path below `top` that is no directory, its metadata apart, with what it is; sorted.
fn walk(top: &Path) -> Result<Vec<(PathBuf, fs::FileType)>, FactsError> {
    let (mut found, mut dirs) = (Vec::new(), vec![PathBuf::new()]);
    while let Some(dir) = dirs.pop() {
        let full = top.join(&dir);
        let entries = at(&full, |p| fs::read_dir(p)?.collect::<io::Result<Vec<_>>>())?;
        for entry in entries {
            let (path, kind) = (
                dir.join(entry.file_name()),
                at(&full, |_| entry.file_type())?,
            );
            match kind.is_dir() {
                true if path == Path::new(inside::METADATA) => {}
                true => dirs.push(path),
                false => found.push((path, kind)),
            }
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(found)
}

/// The directories that the package's own `etc/ld.so.conf.d` names.
fn public_dirs(
    top: &Path,
    paths: &[(PathBuf, fs::FileType)],
) -> Result<BTreeSet<PathBuf>, FactsError> {
    let mut dirs = BTreeSet::new();
    for (path, kind) in paths {
        let named = path.extension().is_some_and(|e| e == "conf");
        let there = path.parent() == Some(Path::new("etc/ld.so.conf.d"));
        if !named || !there || !kind.is_file() {
            continue;
        }
        let mut text = Vec::new();
        let file = at(&top.join(path), open)?;
        at(path, |_| file.take(LONGEST_CONF).read_to_end(&mut text))?;
        for line in text.split(|b| *b == b'\n') {
            let line = line.split(|b| *b == b'#').next().unwrap_or_default();
            let dir = Path::new(OsStr::from_bytes(line.trim_ascii()));
            if dir.is_absolute() {
                dirs.extend(merged(dir));
            }
        }
    }
    Ok(dirs)
}

/// Whether ld.so looks there for everybody.
fn is_library_dir(dir: &Path, more: &BTreeSet<PathBuf>) -> bool {
    let own = ["usr/lib", "usr/lib32", "usr/lib64", "usr/libx32"];
    if own.iter().any(|d| dir == Path::new(d)) || more.contains(dir) {
        return true;
    }
    let below = dir.strip_prefix("usr/lib").ok().and_then(Path::to_str);
    below.is_some_and(is_triplet)
}

/// Whether ld.so looks there for everybody, whatever is configured.
pub(crate) fn is_default_library_dir(dir: &Path) -> bool {
    is_library_dir(dir, &BTreeSet::new())
}

/// Whether it is the name of a directory of Debian's multiarch, such as `x86_64-linux-gnu`.
fn is_triplet(name: &str) -> bool {
    let word = |w: &str| {
        let may = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        !w.is_empty() && w.bytes().all(may)
    };
    let mut parts = name.split('-');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(cpu), Some(os), Some(libc), None) => {
            word(cpu) && word(os) && word(libc) && libc.starts_with("gnu")
        }
        (Some(cpu), Some(libc), None, None) => word(cpu) && libc == "gnu",
        _ => false,
    }
}

/// The links that a link in a public directory leads over, and where it ends.
fn follow(link: &Path, links: &BTreeMap<PathBuf, PathBuf>) -> Vec<PathBuf> {
    let mut over: Vec<PathBuf> = Vec::new();
    let mut here = link.to_path_buf();
    while let Some(target) = links.get(&here) {
        match merged_target(&here, target) {
            Some(next) if next != link && !over.contains(&next) => {
                here = next.clone();
                over.push(next);
            }
            _ => break,
        }
    }
    over
}

fn open(path: &Path) -> io::Result<File> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let mut options = File::options();
    let file = options
        .read(true)
        .custom_flags(flags.bits() as i32)
        .open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("it is no file")),
    }
}

/// A file's name, if it can be one of a library.
fn name_of(path: &Path) -> Option<Soname> {
    Soname::new(path.file_name()?.to_str()?).ok()
}

/// What there is in a file.
#[derive(Clone)]
enum Content {
    /// An ELF file with a dynamic table.
    Object(Box<Object>),
    /// An ELF file that no loader takes.
    Damaged(Fault),
    /// Anything else.
    Nothing,
}

/// What is in a file; of further names of a file, the same.
fn object(
    top: &Path,
    path: &Path,
    known: &mut BTreeMap<(u64, u64), Content>,
) -> Result<Content, FactsError> {
    let full = top.join(path);
    let mut file = at(&full, open)?;
    let is = at(&full, |_| file.metadata())?;
    let inode = (is.dev(), is.ino());
    if let Some(read) = known.get(&inode) {
        return Ok(read.clone());
    }
    let read = at(&full, |_| elf(&mut file, is.len()))?;
    if is.nlink() > 1 {
        known.insert(inode, read.clone());
    }
    Ok(read)
}

/// An object by one of the names of its file.
fn named(object: Object, path: &Path, public: bool, mut names: BTreeSet<Soname>) -> Object {
    let library = object.interpreter.is_none();
    let own = || name_of(path).filter(|_| public && library);
    let soname = object.soname.clone().or_else(own);
    names.retain(|name| Some(name) != soname.as_ref());
    Object {
        path: path.into(),
        public,
        soname,
        names: names.into_iter().collect(),
        ..object
    }
}

/// What an ELF file says, if it is one with a dynamic table.
fn elf(file: &mut File, len: u64) -> io::Result<Content> {
    let mut head = [0; 4];
    if !(64..=LARGEST).contains(&len) {
        return Ok(Content::Nothing);
    }
    file.read_exact(&mut head)?;
    if head != *b"\x7fELF" {
        return Ok(Content::Nothing);
    }
    let mut bytes = head.to_vec();
    file.take(LARGEST).read_to_end(&mut bytes)?;
    Ok(of_bytes(&bytes).unwrap_or_else(Content::Damaged))
}

fn of_bytes(bytes: &[u8]) -> Result<Content, Fault> {
    let image = Image::read(View::of(bytes))?;
    if image.dynamic.is_none() {
        return Ok(Content::Nothing);
    }
    let info = DynamicInfo::of(&image)?;
    let word = |name: &Vec<u8>| Soname::new(std::str::from_utf8(name).ok()?).ok();
    let noted = notes::dlopens(&image).into_iter().flat_map(|d| d.sonames);
    let noted = noted.map(String::into_bytes);
    let mentions: BTreeSet<Vec<u8>> = noted.chain(sonames::mentioned(&image)).collect();
    let mentions = mentions.iter().filter_map(word).take(MENTIONS);
    let interpreter = info.interpreter.as_deref();
    Ok(Content::Object(Box::new(Object {
        path: PathBuf::new(),
        target: info.target,
        interpreter: interpreter.map(|i| PathBuf::from(OsStr::from_bytes(i))),
        soname: info.soname.as_ref().and_then(word),
        names: Vec::new(),
        public: false,
        rpath: info.rpath.is_some() && info.runpath.is_none(),
        needed: info.needed.iter().filter_map(word).collect(),
        mentions: mentions.collect(),
    })))
}
