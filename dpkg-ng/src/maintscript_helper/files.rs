//! What the script leaves to mv, rm, mkdir, … Ours does the plain case itself, and leaves to
//! those programs what is not plain or fails: their verdicts and words are the tool's too.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, IsTerminal as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use libdpkgng::digest;

use crate::cli::Env;
use crate::shell::{Exit, Step, os, output, run, substituted};

fn path(bytes: &[u8]) -> &Path {
    Path::new(os(bytes))
}

/// `[ -e FILE ]`
pub fn exists(file: &[u8]) -> bool {
    path(file).exists()
}

/// `[ -d FILE ]`
pub fn is_dir(file: &[u8]) -> bool {
    path(file).is_dir()
}

/// `[ -f FILE ]`
pub fn is_file(file: &[u8]) -> bool {
    path(file).is_file()
}

/// `[ -h FILE ]`
pub fn is_symlink(file: &[u8]) -> bool {
    path(file).is_symlink()
}

/// `$(readlink FILE)`: empty for what is no link.
pub fn readlink(file: &[u8]) -> Vec<u8> {
    let target = fs::read_link(path(file)).unwrap_or_default();
    substituted(target.as_os_str().as_bytes())
}

/// Whether mv and rm may ask before they act, unless told not to.
fn may_ask(force: bool) -> bool {
    !force && io::stdin().is_terminal()
}

/// `mv FROM TO`, with `-f` where `force`.
pub fn mv(env: &Env, from: &[u8], to: &[u8], force: bool) -> Step {
    let plain = fs::symlink_metadata(path(to)).is_err() && !may_ask(force);
    if plain && fs::rename(path(from), path(to)).is_ok() {
        return Ok(());
    }
    match force {
        true => run(env, "mv", &[b"-f", from, to]),
        false => run(env, "mv", &[from, to]),
    }
}

/// `rm -f FILE…`
pub fn rm_f(env: &Env, files: &[&[u8]]) -> Step {
    let failed = |e: &io::Error| e.kind() != io::ErrorKind::NotFound;
    let mut removed = files.iter().map(|file| fs::remove_file(path(file)));
    if removed.any(|r| r.as_ref().is_err_and(failed)) {
        return run(env, "rm", &[&[&b"-f"[..]], files].concat());
    }
    Ok(())
}

/// `rm FILE`
pub fn rm(env: &Env, file: &[u8]) -> Step {
    match !may_ask(false) && fs::remove_file(path(file)).is_ok() {
        true => Ok(()),
        false => run(env, "rm", &[file]),
    }
}

/// `rm -rf TREE`
pub fn rm_rf(env: &Env, tree: &[u8]) -> Step {
    match fs::remove_dir_all(path(tree)) {
        Ok(()) => Ok(()),
        Err(_) => run(env, "rm", &[b"-rf", tree]),
    }
}

/// `mkdir DIR`
pub fn mkdir(env: &Env, dir: &[u8]) -> Step {
    fs::create_dir(path(dir)).or_else(|_| run(env, "mkdir", &[dir]))
}

/// `rmdir DIR`
pub fn rmdir(env: &Env, dir: &[u8]) -> Step {
    fs::remove_dir(path(dir)).or_else(|_| run(env, "rmdir", &[dir]))
}

/// `touch FILE`, for one that is not there.
pub fn touch(env: &Env, file: &[u8]) -> Step {
    match fs::File::create_new(path(file)) {
        Ok(_) => Ok(()),
        Err(_) => run(env, "touch", &[file]),
    }
}

/// `ln -s TARGET LINK`
pub fn ln_s(env: &Env, target: &[u8], link: &[u8]) -> Step {
    let plain = !target.starts_with(b"-");
    if plain && std::os::unix::fs::symlink(os(target), os(link)).is_ok() {
        return Ok(());
    }
    run(env, "ln", &[b"-s", target, link])
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

/// The first word of what md5sum(1) prints: empty for what cannot be read.
pub fn md5sum(env: &Env, file: &[u8]) -> Step<Vec<u8>> {
    let sum = fs::File::open(path(file)).and_then(|mut f| digest::md5_reader(&mut f));
    let Ok(sum) = sum else {
        output(env, "md5sum", &[file], false)?;
        return Ok(Vec::new());
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
