//! What the script leaves to mv, rm, mkdir, … Ours does the plain case itself, and leaves to
//! those programs what is not plain or fails: their verdicts and words are the tool's too.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, IsTerminal as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use libdpkgng::digest;
use libdpkgng::sys::locale::strerror;
use libdpkgng::sys::place::Absence as _;

use super::Helper;
use crate::cli::Env;
use crate::shell::{Exit, Step, os, output, run, substituted};

fn path(bytes: &[u8]) -> &Path {
    Path::new(os(bytes))
}

/// What a file is. The script's `[ … ]` takes every error for absence; a file that is taken for
/// missing is not put back, or written over.
impl Helper {
    /// `[ -e FILE ]`
    pub fn exists(&self, file: &[u8]) -> Step<bool> {
        let found = self.found(file, fs::metadata(path(file)))?;
        Ok(found.is_some())
    }

    /// `[ -d FILE ]`
    pub fn is_dir(&self, file: &[u8]) -> Step<bool> {
        let found = self.found(file, fs::metadata(path(file)))?;
        Ok(found.is_some_and(|meta| meta.is_dir()))
    }

    /// `[ -f FILE ]`
    pub fn is_file(&self, file: &[u8]) -> Step<bool> {
        let found = self.found(file, fs::metadata(path(file)))?;
        Ok(found.is_some_and(|meta| meta.is_file()))
    }

    /// `[ -h FILE ]`
    pub fn is_symlink(&self, file: &[u8]) -> Step<bool> {
        let found = self.found(file, fs::symlink_metadata(path(file)))?;
        Ok(found.is_some_and(|meta| meta.is_symlink()))
    }

    /// `$(readlink FILE)`: empty for what is no link.
    pub fn readlink(&self, file: &[u8]) -> Step<Vec<u8>> {
        let target = match fs::read_link(path(file)) {
            Err(e) if e.kind() == io::ErrorKind::InvalidInput => return Ok(Vec::new()),
            target => self.found(file, target)?.unwrap_or_default(),
        };
        Ok(substituted(target.as_os_str().as_bytes()))
    }

    fn found<T>(&self, file: &[u8], found: io::Result<T>) -> Step<Option<T>> {
        found.if_reached().map_err(|e| {
            let why = strerror(e.raw_os_error().unwrap_or(libc::EIO));
            let text = [b"cannot stat '", file, b"': ", &*why];
            self.words.error(&text.concat())
        })
    }
}

/// Whether there is nothing of that name. What cannot be said is left to the program.
fn is_free(file: &[u8]) -> bool {
    matches!(fs::symlink_metadata(path(file)).if_there(), Ok(None))
}

/// Make durable that these names were given and taken: what dpkg notes next relies on it. A
/// directory that went itself needs nothing.
fn settle(files: &[&[u8]]) -> Step {
    let mut dirs: Vec<&Path> = files.iter().filter_map(|f| path(f).parent()).collect();
    dirs.dedup();
    for dir in dirs {
        let synced = fs::File::open(dir).if_there().and_then(|dir| match dir {
            Some(dir) => dir.sync_all(),
            None => Ok(()),
        });
        synced.map_err(|e| {
            eprintln!("sync: {}: {e}", dir.display());
            Exit(1)
        })?;
    }
    Ok(())
}

/// Whether mv and rm may ask before they act, unless told not to.
fn may_ask(force: bool) -> bool {
    !force && io::stdin().is_terminal()
}

/// `mv FROM TO`, with `-f` where `force`.
pub fn mv(env: &Env, from: &[u8], to: &[u8], force: bool) -> Step {
    let plain = is_free(to) && !may_ask(force);
    if !plain || fs::rename(path(from), path(to)).is_err() {
        match force {
            true => run(env, "mv", &[b"-f", from, to])?,
            false => run(env, "mv", &[from, to])?,
        }
    }
    settle(&[to, from])
}

/// `rm -f FILE…`
pub fn rm_f(env: &Env, files: &[&[u8]]) -> Step {
    let failed = |e: &io::Error| e.kind() != io::ErrorKind::NotFound;
    let mut removed = files.iter().map(|file| fs::remove_file(path(file)));
    if removed.any(|r| r.as_ref().is_err_and(failed)) {
        run(env, "rm", &[&[&b"-f"[..]], files].concat())?;
    }
    settle(files)
}

/// `rm FILE`
pub fn rm(env: &Env, file: &[u8]) -> Step {
    if may_ask(false) || fs::remove_file(path(file)).is_err() {
        run(env, "rm", &[file])?;
    }
    settle(&[file])
}

/// `rm -rf TREE`
pub fn rm_rf(env: &Env, tree: &[u8]) -> Step {
    if fs::remove_dir_all(path(tree)).is_err() {
        run(env, "rm", &[b"-rf", tree])?;
    }
    settle(&[tree])
}

/// `mkdir DIR`
pub fn mkdir(env: &Env, dir: &[u8]) -> Step {
    fs::create_dir(path(dir)).or_else(|_| run(env, "mkdir", &[dir]))?;
    settle(&[dir])
}

/// `rmdir DIR`
pub fn rmdir(env: &Env, dir: &[u8]) -> Step {
    fs::remove_dir(path(dir)).or_else(|_| run(env, "rmdir", &[dir]))?;
    settle(&[dir])
}

/// `touch FILE`, for one that is not there.
pub fn touch(env: &Env, file: &[u8]) -> Step {
    if fs::File::create_new(path(file)).is_err() {
        run(env, "touch", &[file])?;
    }
    settle(&[file])
}

/// `ln -s TARGET LINK`
pub fn ln_s(env: &Env, target: &[u8], link: &[u8]) -> Step {
    let plain = !target.starts_with(b"-");
    if !plain || std::os::unix::fs::symlink(os(target), os(link)).is_err() {
        run(env, "ln", &[b"-s", target, link])?;
    }
    settle(&[link])
}

/// `$(realpath FILE)`
pub fn realpath(env: &Env, file: &[u8]) -> Step<Vec<u8>> {
    if let Ok(real) = fs::canonicalize(path(file)) {
        return Ok(substituted(real.as_os_str().as_bytes()));
    }
    match output(env, "realpath", &[file], false)? {
        (0, real) => Ok(substituted(&real)),
        (code, _) => Err(Exit(code)),
    }
}

/// The first word of what md5sum(1) prints: empty for what it cannot read.
pub fn md5sum(env: &Env, file: &[u8]) -> Step<Vec<u8>> {
    let sum = fs::File::open(path(file)).and_then(|mut f| digest::md5_reader(&mut f));
    let Ok(sum) = sum else {
        let (_, printed) = output(env, "md5sum", &[file], false)?;
        let word = printed.split(|c| *c == b' ').next();
        return Ok(word.unwrap_or_default().to_vec());
    };
    // It marks names that it cannot print as they are.
    let marked = file.iter().any(|c| matches!(c, b'\\' | b'\n' | b'\r'));
    let mark = if marked { "\\" } else { "" };
    Ok([mark, &sum].concat().into_bytes())
}

/// A tree in the order of `find TREE`.
pub fn find(env: &Env, tree: &[u8]) -> Step<Vec<Vec<u8>>> {
    let mut found = Vec::new();
    if walk(path(tree), &mut found).is_ok() {
        return Ok(found);
    }
    let (_, list) = output(env, "find", &[tree, b"-print0"], false)?;
    let mut names: Vec<_> = list.split(|c| *c == 0).map(<[u8]>::to_vec).collect();
    names.pop();
    Ok(names)
}

fn walk(tree: &Path, found: &mut Vec<Vec<u8>>) -> io::Result<()> {
    let kind = fs::symlink_metadata(tree)?;
    found.push(tree.as_os_str().as_bytes().to_vec());
    if kind.is_dir() {
        for entry in fs::read_dir(tree)? {
            walk(&entry?.path(), found)?;
        }
    }
    Ok(())
}

/// What is directly in a directory.
pub fn entries(env: &Env, dir: &[u8]) -> Step<Vec<Vec<u8>>> {
    let bytes = |p: PathBuf| p.as_os_str().as_bytes().to_vec();
    let list: io::Result<Vec<_>> =
        fs::read_dir(path(dir)).and_then(|list| list.map(|e| Ok(bytes(e?.path()))).collect());
    match list {
        Ok(list) => Ok(list),
        Err(_) => {
            let args: [&[u8]; 6] = [dir, b"-mindepth", b"1", b"-maxdepth", b"1", b"-print0"];
            let (_, list) = output(env, "find", &args, false)?;
            let mut names: Vec<_> = list.split(|c| *c == 0).map(<[u8]>::to_vec).collect();
            names.pop();
            Ok(names)
        }
    }
}

/// The last component of a path.
pub fn base(file: &[u8]) -> &OsStr {
    path(file).file_name().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::call::tests::helper;
    use super::*;

    #[test]
    fn only_what_is_missing_is_missing() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name).into_os_string().into_encoded_bytes();
        fs::write(dir.path().join("file"), "").unwrap();
        std::os::unix::fs::symlink("none", dir.path().join("link")).unwrap();
        let helper = helper();
        assert_eq!(helper.exists(&at("file")), Ok(true));
        assert_eq!(helper.is_symlink(&at("link")), Ok(true));
        assert_eq!(helper.readlink(&at("link")), Ok(b"none".to_vec()));
        for missing in ["none", "link", "file/below"] {
            assert_eq!(helper.exists(&at(missing)), Ok(false), "{missing}");
            assert_eq!(helper.is_dir(&at(missing)), Ok(false), "{missing}");
        }
        assert_eq!(helper.readlink(&at("file")), Ok(Vec::new()));
        let unknown = at(&"x".repeat(300));
        assert_eq!(helper.exists(&unknown), Err(Exit(1)));
        assert_eq!(helper.is_dir(&unknown), Err(Exit(1)));
        assert_eq!(helper.is_file(&unknown), Err(Exit(1)));
        assert_eq!(helper.is_symlink(&unknown), Err(Exit(1)));
        assert_eq!(helper.readlink(&unknown), Err(Exit(1)));
        assert!(!is_free(&unknown));
    }
}
