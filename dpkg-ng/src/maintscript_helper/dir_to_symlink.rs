//! `dir_to_symlink`: a directory that becomes a symbolic link, which dpkg by itself never makes
//! of it.
//!
//! preinst moves the directory to `.dpkg-backup` and puts an empty *staging directory* in its
//! place, marked by a file: dpkg unpacks into that, so that neither what it removes of the old
//! version nor what it unpacks of the new one touches what the link will lead to. postinst moves
//! what has come to the link's target and makes the link.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;

use super::Helper;
use super::call::{Call, argument};
use super::files;
use crate::shell::{self, Exit, Step};

/// What marks a staging directory.
const MARK: &str = "/.dpkg-staging-dir";
/// xargs's exit code when a command failed.
const XARGS_FAILED: i32 = 123;

/// `dir_to_symlink DIR TARGET`
pub fn dir_to_symlink(helper: &Helper, args: &[OsString]) -> Step {
    let (dir, target) = (argument(args, 0), argument(args, 1));
    let dir = dir.strip_suffix(b"/").unwrap_or(dir);
    let call = helper.call(args, 2)?;
    check(helper, &call, dir, target)?;
    let what = [b"PATHNAME=", dir, b" SYMLINK_TARGET=", target].concat();
    helper.debug_call(&what, &call);

    let place = helper.below_root(dir, "");
    let backup = helper.below_root(dir, ".dpkg-backup");
    let is_plain = || Ok(!helper.is_symlink(&place)? && helper.is_dir(&place)?);
    let is_staging = || Ok(is_plain()? && helper.is_file(&helper.below_root(dir, MARK))?);
    match &*call.script {
        b"preinst" => {
            if call.begins()
                && !call.param.is_empty()
                && (is_plain()? || helper.is_dir(&backup)?)
                && helper.is_upgrade_from(&call)
                && !resume(helper, &place, &backup, is_plain()?)?
                && is_plain()?
            {
                prepare(helper, &call, dir)?;
            }
        }
        // Whatever the version: that of the last configuration need not be the one that was
        // unpacked last.
        b"postinst" => {
            if call.action == b"configure" && helper.is_dir(&backup)? {
                match is_staging()? {
                    true => finish(helper, dir, target)?,
                    false => finish_finishing(helper, dir, target)?,
                }
            }
        }
        b"postrm" => {
            if call.action == b"purge" && helper.is_dir(&backup)? {
                files::rm_rf(&helper.env, &backup)?;
            }
            if call.aborts() && !call.param.is_empty() && helper.is_dir(&backup)? {
                // The script asks for this in any case, and what asking says is seen.
                let resolves = helper.resolves_to(dir, target);
                let switched =
                    helper.is_symlink(&place)? && (helper.readlink(&place)? == target || resolves);
                if (is_staging()? || switched) && helper.is_upgrade_from(&call) {
                    abort(helper, dir)?;
                }
            }
        }
        _ => helper.debug_not_required(&call),
    }
    Ok(())
}

fn check(helper: &Helper, call: &Call, dir: &[u8], target: &[u8]) -> Step {
    helper.demand_environment()?;
    helper.demand(!call.package.is_empty(), "cannot identify the package")?;
    helper.demand(!dir.is_empty(), "directory parameter is missing")?;
    helper.demand(
        dir.starts_with(b"/"),
        "directory parameter is not an absolute path",
    )?;
    helper.demand(!target.is_empty(), "new symlink target is missing")?;
    helper.demand(
        !call.action.is_empty(),
        "maintainer script parameters are missing",
    )?;
    helper.demand_version(&call.last_version)
}

/// preinst, when one before it was interrupted, or what came after it: the directory has been moved
/// away, and there may not be a staging directory yet. False when it was not so.
fn resume(helper: &Helper, place: &[u8], backup: &[u8], is_plain: bool) -> Step<bool> {
    if !helper.is_dir(backup)? {
        return Ok(false);
    }
    let mark = [place, MARK.as_bytes()].concat();
    if is_plain && helper.is_file(&mark)? {
        return Ok(true);
    }
    let is_free = !helper.is_symlink(place)? && !helper.exists(place)?;
    if is_free {
        files::mkdir(&helper.env, place)?;
    } else if !is_plain || !files::entries(&helper.env, place)?.is_empty() {
        return Ok(false);
    }
    files::touch(&helper.env, &mark)?;
    Ok(true)
}

/// preinst: only for a directory in which there is nothing but the package's own files, and no
/// conffiles.
fn prepare(helper: &Helper, call: &Call, dir: &[u8]) -> Step {
    let inside = [dir, b"/"].concat();
    let conffiles = helper.conffiles(&call.package, "${Conffiles}\\n");
    // Who cannot be asked is asked once more, for the files, and refuses what cannot be told.
    let known = conffiles.as_deref().unwrap_or_default();
    let mut lines = known.split(|c| *c == b'\n');
    if lines.any(|line| line.trim_ascii_start().starts_with(&inside)) {
        let text = [
            b"directory '",
            dir,
            b"' contains conffiles, cannot switch to symlink",
        ];
        return Err(helper.words.error(&text.concat()));
    }
    let place = helper.below_root(dir, "");
    if !helper.must_own_tree(&call.package, &place)? {
        let text = [
            b"directory '",
            dir,
            b"' contains files not owned by package ",
            &*call.package,
            b", cannot switch to symlink",
        ];
        return Err(helper.words.error(&text.concat()));
    }
    conffiles?;
    let backup = helper.below_root(dir, ".dpkg-backup");
    files::mv(&helper.env, &place, &backup, true)?;
    files::mkdir(&helper.env, &place)?;
    files::touch(&helper.env, &helper.below_root(dir, MARK))
}

/// postinst
fn finish(helper: &Helper, dir: &[u8], target: &[u8]) -> Step {
    let place = helper.below_root(dir, "");
    let absolute = match target.starts_with(b"/") {
        true => target.to_vec(),
        false => [dirname(dir), b"/", target].concat(),
    };
    let destination = helper.below_root(&absolute, "/");
    let mark = helper.below_root(dir, MARK);
    let mut failed = false;
    for entry in files::entries(&helper.env, &place)? {
        // It goes last: until then the next run begins here.
        if entry != mark {
            failed |= move_into(helper, &entry, &destination).is_err();
        }
    }
    files::rm(&helper.env, &mark)?;
    if failed {
        return Err(Exit(XARGS_FAILED));
    }
    files::rmdir(&helper.env, &place)?;
    files::ln_s(&helper.env, target, &place)?;
    files::rm_rf(&helper.env, &helper.below_root(dir, ".dpkg-backup"))
}

/// postinst, when one before it was interrupted after the mark was gone: what is left of it, if there
/// is nothing else where the directory was.
fn finish_finishing(helper: &Helper, dir: &[u8], target: &[u8]) -> Step {
    let place = helper.below_root(dir, "");
    if helper.is_symlink(&place)? {
        if helper.readlink(&place)? != target {
            return Ok(());
        }
    } else {
        if helper.exists(&place)? {
            let is_empty =
                helper.is_dir(&place)? && files::entries(&helper.env, &place)?.is_empty();
            if !is_empty {
                return Ok(());
            }
            files::rmdir(&helper.env, &place)?;
        }
        files::ln_s(&helper.env, target, &place)?;
    }
    files::rm_rf(&helper.env, &helper.below_root(dir, ".dpkg-backup"))
}

/// `xargs -I% mv -f % DESTINATION`
fn move_into(helper: &Helper, entry: &[u8], destination: &[u8]) -> Step {
    let pieces: Vec<&[u8]> = destination.split(|c| *c == b'%').collect();
    let destination = pieces.join(entry);
    let file = [&*destination, files::base(entry).as_bytes()].concat();
    match helper.is_dir(&destination)? {
        true if !helper.exists(&file)? => files::mv(&helper.env, entry, &file, true),
        _ => shell::run(&helper.env, "mv", &[b"-f", entry, &destination]),
    }
}

/// postrm
fn abort(helper: &Helper, dir: &[u8]) -> Step {
    let place = helper.below_root(dir, "");
    let text = [b"Restoring backup of ", &*place, b" ..."].concat();
    helper.words.say(&text)?;
    if helper.is_symlink(&place)? {
        files::rm_f(&helper.env, &[&place])?;
    } else {
        files::rm_f(&helper.env, &[&helper.below_root(dir, MARK)])?;
        files::rmdir(&helper.env, &place)?;
    }
    let backup = helper.below_root(dir, ".dpkg-backup");
    files::mv(&helper.env, &backup, &place, false)
}

/// dirname(1) of an absolute path without a slash at its end.
fn dirname(path: &[u8]) -> &[u8] {
    let at = path.iter().rposition(|c| *c == b'/').unwrap_or(0);
    let mut head = path.get(..at).unwrap_or_default();
    while let [rest @ .., b'/'] = head {
        head = rest;
    }
    if head.is_empty() { b"/" } else { head }
}
