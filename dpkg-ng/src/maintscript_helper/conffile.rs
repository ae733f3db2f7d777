//! `rm_conffile` and `mv_conffile`: conffiles that a new version no longer has, or has under
//! another name.
//!
//! preinst moves the old one out of the way, as `.dpkg-remove` when the administrator has not
//! changed it and as `.dpkg-backup` otherwise; postinst makes that final; postrm undoes it when
//! the upgrade is given up.

use std::ffi::OsString;

use super::Helper;
use super::call::{Call, argument};
use super::files;
use super::owner::FileList;
use crate::shell::Step;

/// What both commands demand of a call with these absolute paths.
fn check(helper: &Helper, call: &Call, paths: &[(&str, &[u8])]) -> Step {
    helper.demand(!call.package.is_empty(), "couldn't identify the package")?;
    helper.demand(
        !call.action.is_empty(),
        "maintainer script parameters are missing",
    )?;
    helper.demand_environment()?;
    for (what, path) in paths {
        if !path.starts_with(b"/") {
            let text = [what.as_bytes(), b" '", path, b"' is not an absolute path"];
            return Err(helper.words.error(&text.concat()));
        }
    }
    helper.demand_version(&call.last_version)
}

/// `rm_conffile CONFFILE`
pub fn rm_conffile(helper: &Helper, args: &[OsString]) -> Step {
    let conffile = argument(args, 0);
    let call = helper.call(args, 1)?;
    check(helper, &call, &[("conffile", conffile)])?;
    helper.debug_call(&[b"CONFFILE=", conffile].concat(), &call);
    match &*call.script {
        b"preinst" => {
            if call.begins() && helper.is_upgrade_from(&call) {
                move_away(helper, &call, conffile, true)?;
            }
        }
        b"postinst" => {
            if call.action == b"configure" && helper.is_upgrade_from(&call) {
                finish_rm(helper, conffile)?;
            }
        }
        b"postrm" => {
            if call.action == b"purge" {
                let suffixes = [".dpkg-bak", ".dpkg-remove", ".dpkg-backup"];
                let files = suffixes.map(|s| helper.below_root(conffile, s));
                files::rm_f(&helper.env, &files.each_ref().map(Vec::as_slice))?;
            }
            if call.aborts() && helper.is_upgrade_from(&call) {
                let backup = (".dpkg-backup", "backed-up");
                put_back(
                    helper,
                    &call,
                    conffile,
                    &[(".dpkg-remove", "moved away"), backup],
                )?;
            }
        }
        _ => helper.debug_not_required(&call),
    }
    Ok(())
}

/// `mv_conffile OLD NEW`
pub fn mv_conffile(helper: &Helper, args: &[OsString]) -> Step {
    let (old, new) = (argument(args, 0), argument(args, 1));
    let call = helper.call(args, 2)?;
    check(
        helper,
        &call,
        &[("old-conffile", old), ("new-conffile", new)],
    )?;
    helper.debug_call(&[b"CONFFILE=", old, b" -> ", new].concat(), &call);
    match &*call.script {
        b"preinst" => {
            if call.begins() && helper.is_upgrade_from(&call) {
                move_away(helper, &call, old, false)?;
            }
        }
        b"postinst" => {
            if call.action == b"configure" && helper.is_upgrade_from(&call) {
                finish_mv(helper, &call, old, new)?;
            }
        }
        b"postrm" => {
            if call.aborts() && helper.is_upgrade_from(&call) {
                put_back(helper, &call, old, &[(".dpkg-remove", "moved away")])?;
            }
        }
        _ => helper.debug_not_required(&call),
    }
    Ok(())
}

/// preinst: move a conffile away, one that was changed only if `changed_too`.
fn move_away(helper: &Helper, call: &Call, conffile: &[u8], changed_too: bool) -> Step {
    let file = helper.below_root(conffile, "");
    if !helper.exists(&file)? || !helper.owns(&FileList::of(&call.package), conffile)? {
        return Ok(());
    }
    let md5sum = files::md5sum(&helper.env, &file)?;
    let suffix = match helper.shipped_md5sum(&call.package, conffile)? == md5sum {
        true => ".dpkg-remove",
        false if changed_too => ".dpkg-backup",
        false => return Ok(()),
    };
    let aside = helper.below_root(conffile, suffix);
    files::mv(&helper.env, &file, &aside, true)
}

/// postinst of `rm_conffile`.
fn finish_rm(helper: &Helper, conffile: &[u8]) -> Step {
    let file = helper.below_root(conffile, "");
    let backup = helper.below_root(conffile, ".dpkg-backup");
    if helper.exists(&backup)? {
        let kept = helper.below_root(conffile, ".dpkg-bak");
        let words = &helper.words;
        words.say(&[b"Obsolete conffile ", &*file, b" has been modified by you."].concat())?;
        words.say(&[b"Saving as ", &*kept, b" ..."].concat())?;
        files::mv(&helper.env, &backup, &kept, true)?;
    }
    let unchanged = helper.below_root(conffile, ".dpkg-remove");
    if helper.exists(&unchanged)? {
        let text = [b"Removing obsolete conffile ", &*file, b" ..."].concat();
        helper.words.say(&text)?;
        files::rm_f(&helper.env, &[&unchanged])?;
    }
    Ok(())
}

/// postinst of `mv_conffile`: what was not moved away has been changed, and replaces the new one.
fn finish_mv(helper: &Helper, call: &Call, old: &[u8], new: &[u8]) -> Step {
    files::rm_f(&helper.env, &[&helper.below_root(old, ".dpkg-remove")])?;
    let (from, to) = (helper.below_root(old, ""), helper.below_root(new, ""));
    if !helper.exists(&from)? || !helper.owns(&FileList::of(&call.package), old)? {
        return Ok(());
    }
    let text = [
        b"Preserving user changes to ",
        &*to,
        b" (renamed from ",
        &from,
        b")...",
    ];
    helper.words.say(&text.concat())?;
    if helper.exists(&to)? {
        let aside = helper.below_root(new, ".dpkg-new");
        files::mv(&helper.env, &to, &aside, true)?;
    }
    files::mv(&helper.env, &from, &to, true)
}

/// postrm: put back what was moved away under one of these suffixes.
fn put_back(helper: &Helper, call: &Call, conffile: &[u8], aside: &[(&str, &str)]) -> Step {
    if !helper.owns(&FileList::of(&call.package), conffile)? {
        return Ok(());
    }
    let file = helper.below_root(conffile, "");
    for (suffix, how) in aside {
        let saved = helper.below_root(conffile, suffix);
        if helper.exists(&saved)? {
            let text = [b"Reinstalling ", &*file, b" that was ", how.as_bytes()].concat();
            helper.words.say(&text)?;
            files::mv(&helper.env, &saved, &file, false)?;
        }
    }
    Ok(())
}
