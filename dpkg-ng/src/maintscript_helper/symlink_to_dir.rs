//! `symlink_to_dir`: a symbolic link that becomes a directory, which dpkg by itself never makes
//! of it. preinst moves the link to `.dpkg-backup`; postinst removes that.

use std::ffi::OsString;

use super::Helper;
use super::call::{Call, argument};
use super::files;
use crate::shell::Step;

/// `symlink_to_dir LINK TARGET`
pub fn symlink_to_dir(helper: &Helper, args: &[OsString]) -> Step {
    let (link, target) = (argument(args, 0), argument(args, 1));
    let call = helper.call(args, 2)?;
    check(helper, &call, link, target)?;
    helper.debug_call(&[b"SYMLINK=", link, b" -> ", target].concat(), &call);

    let file = helper.below_root(link, "");
    let backup = helper.below_root(link, ".dpkg-backup");
    let backed_up = [link, b".dpkg-backup"].concat();
    match &*call.script {
        b"preinst" => {
            if call.begins()
                && !call.param.is_empty()
                && helper.is_symlink(&file)?
                && helper.leads_to(link, target)?
                && helper.is_upgrade_from(&call)
            {
                files::mv(&helper.env, &file, &backup, true)?;
            }
        }
        // Whatever the version: that of the last configuration need not be the one that was
        // unpacked last.
        b"postinst" => {
            if call.action == b"configure"
                && helper.is_symlink(&backup)?
                && helper.leads_to(&backed_up, target)?
            {
                files::rm_f(&helper.env, &[&backup])?;
            }
        }
        b"postrm" => {
            if call.action == b"purge" && helper.is_symlink(&backup)? {
                files::rm_f(&helper.env, &[&backup])?;
            }
            if call.aborts()
                && !call.param.is_empty()
                && !helper.exists(&file)?
                && helper.is_symlink(&backup)?
                && helper.leads_to(&backed_up, target)?
                && helper.is_upgrade_from(&call)
            {
                let text = [b"Restoring backup of ", &*file, b" ..."].concat();
                helper.words.say(&text)?;
                files::mv(&helper.env, &backup, &file, false)?;
            }
        }
        _ => helper.debug_not_required(&call),
    }
    Ok(())
}

fn check(helper: &Helper, call: &Call, link: &[u8], target: &[u8]) -> Step {
    helper.demand_environment()?;
    helper.demand(!call.package.is_empty(), "cannot identify the package")?;
    helper.demand(!link.is_empty(), "symlink parameter is missing")?;
    helper.demand(
        link.starts_with(b"/"),
        "symlink pathname is not an absolute path",
    )?;
    helper.demand(!link.ends_with(b"/"), "symlink pathname ends with a slash")?;
    helper.demand(!target.is_empty(), "original symlink target is missing")?;
    helper.demand(
        !call.action.is_empty(),
        "maintainer script parameters are missing",
    )?;
    helper.demand_version(&call.last_version)
}
