//! `info/`: of each package the members of its control archive, and its list of paths.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use md5::{Digest, Md5};

use super::{AdmindirError, Present, read};
use crate::generation::Disk;
use crate::layout::inside;
use crate::manifest::State;

/// What of a package's control archive matters for the rest of the database.
pub(super) struct Info {
    /// Path and MD5 of each conffile that the payload has.
    pub(super) conffiles: Vec<(String, String)>,
    /// The lines of its `triggers`.
    pub(super) triggers: Vec<u8>,
}

/// Members that are not of the archive, or that are in the status file.
const NOT_INFO: [&str; 4] = ["control", "objects", "installation", "list"];

/// Write those of a package to `info`.
pub(super) fn write(
    disk: &Disk,
    payload: &Path,
    info: &Path,
    present: &Present<'_>,
) -> Result<Info, AdmindirError> {
    let (name, debian) = (present.info_name(), payload.join(inside::METADATA));
    let to = |member: &str| info.join(format!("{name}.{member}"));
    let gone = present.member.state == State::ConfigFiles;
    let mut found = Info {
        conffiles: conffiles(payload)?,
        triggers: Vec::new(),
    };
    let paths = match gone {
        // As dpkg leaves it: what still is there, and the directories on the way.
        true => on_the_way(found.conffiles.iter().map(|(path, _)| below(path))),
        false => payload_paths(payload)?,
    };
    let mut list = b"/.\n".to_vec();
    for path in &paths {
        let bytes = path.as_os_str().as_bytes();
        if memchr::memchr(b'\n', bytes).is_some() {
            return Err(AdmindirError::Newline(
                path.clone(),
                Box::new(present.id().clone()),
            ));
        }
        list.push(b'/');
        list.extend_from_slice(bytes);
        list.push(b'\n');
    }
    disk.write(&to("list"), &list)?;
    let mut has_sums = false;
    for entry in entries(&debian)? {
        let Some(member) = entry.to_str() else {
            continue;
        };
        let path = debian.join(member);
        let is = fs::symlink_metadata(&path).map_err(|e| read_error(&path, e))?;
        if NOT_INFO.contains(&member)
            || !is.is_file()
            || inside::INSTALLATION.ends_with(&format!("/{member}"))
            || gone && member != "postrm"
        {
            continue;
        }
        if member == "triggers" {
            found.triggers = read(&path)?;
        }
        if member == "md5sums" {
            has_sums = true;
            let sums = read(&path)?;
            let merged = merged_sums(&sums);
            if merged != sums {
                disk.write(&to(member), &merged)?;
                continue;
            }
        }
        disk.link(&path, &to(member))?;
    }
    if !has_sums && !gone {
        let sums = sums(payload, &paths, &found.conffiles)?;
        if !sums.is_empty() {
            disk.write(&to("md5sums"), sums.as_slice())?;
        }
    }
    Ok(found)
}

fn read_error(path: &Path, source: io::Error) -> AdmindirError {
    AdmindirError::Read {
        path: path.into(),
        source,
    }
}

fn present_or_none(path: &Path) -> Result<Option<Vec<u8>>, AdmindirError> {
    match fs::read(path) {
        Ok(text) => Ok(Some(text)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(read_error(path, e)),
    }
}

fn entries(dir: &Path) -> Result<Vec<std::ffi::OsString>, AdmindirError> {
    let read =
        || -> io::Result<Vec<_>> { fs::read_dir(dir)?.map(|e| Ok(e?.file_name())).collect() };
    let mut names = read().map_err(|e| read_error(dir, e))?;
    names.sort();
    Ok(names)
}

/// Every path of a payload but its metadata, relative to it, directories before what is in them.
pub(crate) fn payload_paths(payload: &Path) -> Result<Vec<PathBuf>, AdmindirError> {
    let mut paths = Vec::new();
    walk(payload, Path::new(""), &mut paths)?;
    Ok(paths)
}

fn walk(payload: &Path, dir: &Path, paths: &mut Vec<PathBuf>) -> Result<(), AdmindirError> {
    let from = payload.join(dir);
    for name in entries(&from)? {
        if dir.as_os_str().is_empty() && name == inside::METADATA {
            continue;
        }
        let path = dir.join(&name);
        let whole = payload.join(&path);
        let is = fs::symlink_metadata(&whole).map_err(|e| read_error(&whole, e))?;
        paths.push(path.clone());
        if is.is_dir() {
            walk(payload, &path, paths)?;
        }
    }
    Ok(())
}

/// A conffile, relative to the payload.
pub(crate) fn below(conffile: &str) -> &Path {
    Path::new(conffile.trim_start_matches('/'))
}

/// Files and the directories on the way to them.
pub(crate) fn on_the_way<'p>(files: impl Iterator<Item = &'p Path>) -> Vec<PathBuf> {
    let all = files.flat_map(|f| f.ancestors().map(Path::to_path_buf).collect::<Vec<_>>());
    let mut paths: BTreeSet<PathBuf> = all.collect();
    paths.remove(Path::new(""));
    paths.into_iter().collect()
}

/// The conffiles that the payload has, with their MD5s. A line with a flag in front is about one that it has not any more.
pub(crate) fn conffiles(payload: &Path) -> Result<Vec<(String, String)>, AdmindirError> {
    let text = present_or_none(&payload.join(inside::METADATA).join("conffiles"))?;
    let text = text.unwrap_or_default();
    let mut conffiles = Vec::new();
    for line in text.split(|b| *b == b'\n') {
        let Some(path) = std::str::from_utf8(line).ok().map(str::trim_end) else {
            continue;
        };
        let normal = |p: &str| !p.split('/').any(|part| part == ".." || part.is_empty());
        let Some(below) = path.strip_prefix('/').filter(|p| normal(p)) else {
            continue;
        };
        let file = payload.join(below);
        let is_file = fs::symlink_metadata(&file).is_ok_and(|is| is.is_file());
        if is_file && !is_linked(payload, Path::new(below)) {
            conffiles.push((path.to_string(), md5(&file)?));
        }
    }
    Ok(conffiles)
}

/// Whether a symbolic link of the payload leads to a path of it.
fn is_linked(payload: &Path, path: &Path) -> bool {
    let mut on_the_way = path.ancestors().skip(1);
    on_the_way.any(|p| fs::symlink_metadata(payload.join(p)).is_ok_and(|is| is.is_symlink()))
}

fn md5(path: &Path) -> Result<String, AdmindirError> {
    let hash = || -> io::Result<Md5> {
        let (mut hash, mut file) = (Md5::new(), File::open(path)?);
        io::copy(&mut file, &mut hash)?;
        Ok(hash)
    };
    let digest = hash().map_err(|e| read_error(path, e))?.finalize();
    Ok(digest.iter().map(|b| format!("{b:02x}")).collect())
}

/// Directories that are links into `usr/` on a system with merged `/usr`.
const MERGED: [&str; 7] = ["bin", "sbin", "lib", "lib32", "lib64", "libo32", "libx32"];

/// The md5sums with the payload's paths.
fn merged_sums(sums: &[u8]) -> Vec<u8> {
    let mut merged = Vec::with_capacity(sums.len());
    for line in sums.split_inclusive(|b| *b == b'\n') {
        let at = memchr::memchr(b' ', line).map_or(line.len(), |blank| blank + 2);
        let (hash, path) = line.split_at(at.min(line.len()));
        let top = path.split(|b| *b == b'/').next().unwrap_or_default();
        merged.extend_from_slice(hash);
        if top.len() < path.len() && MERGED.iter().any(|m| m.as_bytes() == top) {
            merged.extend_from_slice(b"usr/");
        }
        merged.extend_from_slice(path);
    }
    merged
}

/// The md5sums of what is no conffile, as dpkg makes them.
fn sums(
    payload: &Path,
    paths: &[PathBuf],
    conffiles: &[(String, String)],
) -> Result<Vec<u8>, AdmindirError> {
    let conffiles: BTreeSet<&[u8]> = conffiles.iter().map(|(p, _)| p.as_bytes()).collect();
    let mut sums = Vec::new();
    for path in paths {
        let whole = payload.join(path);
        let is = fs::symlink_metadata(&whole).map_err(|e| read_error(&whole, e))?;
        let bytes = OsStr::as_bytes(path.as_os_str());
        if !is.is_file() || conffiles.contains([b"/", bytes].concat().as_slice()) {
            continue;
        }
        sums.extend_from_slice(md5(&whole)?.as_bytes());
        sums.extend_from_slice(b"  ");
        sums.extend_from_slice(bytes);
        sums.push(b'\n');
    }
    Ok(sums)
}
