//! `dpkg-statoverride`: owner, group and mode that the administrator imposes on paths
//! (src/statoverride/main.c).
//!
//! Only `statoverride` is read, and written as a whole. `--update` also changes the file
//! itself, before it is written down.

use std::fs::File;

use crate::db::Database;
use crate::db::statoverrides::{UNKNOWN_ID, parse_gid, parse_mode, parse_uid};
use crate::error::{OrFail, Result};
use crate::force::{Force, ForceSet};
use crate::fsys::{StatOverride, trim_slash_slashdot};
use crate::report::{Event, Reporter};
use crate::sys::fnmatch::Pattern;
use crate::sys::place::{Absence, Spot, Stat};
use crate::sys::selinux::Labels;
use crate::{bail, msg};

/// How it is to be done.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// `--update`
    pub update: bool,
    /// `--quiet`
    pub quiet: bool,
    /// What is in force.
    pub force: ForceSet,
}

/// The path as the database has it (`path_cleanup`).
fn cleaned<'a>(path: &'a [u8], options: &Options, report: &mut dyn Reporter) -> &'a [u8] {
    let trimmed = trim_slash_slashdot(path);
    if !options.quiet && trimmed != path {
        report.warning(msg!("stripping trailing /"));
    }
    trimmed
}

/// What the words of a command line mean (`statdb_node_new`).
fn parse(db: &Database, user: &[u8], group: &[u8], mode: &[u8]) -> Result<StatOverride> {
    let uid = parse_uid(user, |name| db.uid_of(name))?;
    if uid == UNKNOWN_ID {
        bail!("user '%s' does not exist", user);
    }
    let gid = parse_gid(group, |name| db.gid_of(name))?;
    if gid == UNKNOWN_ID {
        bail!("group '%s' does not exist", group);
    }
    Ok(StatOverride {
        uid,
        gid,
        mode: parse_mode(mode)?,
        uname: None,
        gname: None,
    })
}

/// `--add USER GROUP MODE PATH`
///
/// # Errors
/// There is an override for the path already and that is not forced, or a word is wrong, or
/// the file or the database cannot be changed.
pub fn add(
    db: &mut Database,
    [user, group, mode, path]: [&[u8]; 4],
    options: &Options,
    report: &mut dyn Reporter,
) -> Result<i32> {
    db.ensure_statoverrides(true, report)?;
    let path = cleaned(path, options, report);
    let node = db.fsys.find(path);
    if db.fsys.statoverride(node).is_some() {
        if !options.force.has(Force::StatoverrideAdd) {
            bail!("an override for '%s' already exists; aborting", path);
        }
        report.warning(msg!(
            "an override for '%s' already exists, but --force specified so will be ignored",
            path
        ));
    }
    let value = parse(db, user, group, mode)?;
    if options.update {
        update(db, path, &value, options, report)?;
    }
    db.fsys.set_statoverride(node, Some(value));
    db.write_statoverrides()?;
    Ok(0)
}

/// Give what is at `path`, symbolic links followed, its owner, group and mode.
fn update(
    db: &Database,
    path: &[u8],
    value: &StatOverride,
    options: &Options,
    report: &mut dyn Reporter,
) -> Result<()> {
    let full = [db.dirs.instdir.as_os_str().as_encoded_bytes(), path].concat();
    let found = match path.first() {
        Some(b'/') => db.dirs.place().follow(path),
        // Like stock, a relative path is appended to the root's.
        _ => Spot::path(&full).follow(),
    };
    let found = found.and_then(|spot| spot.lstat().map(|stat| (spot, stat)));
    // Stock takes every error for absence, and notes an override that it has not applied.
    let found = found.if_reached();
    match found.or_fail(|| msg!("cannot stat file '%s'", &full))? {
        Some((spot, there)) => apply(&full, &spot, &there, value, options.force),
        None => {
            if !options.quiet {
                report.warning(msg!("--update given but %s does not exist", &full));
            }
            Ok(())
        }
    }
}

/// `statdb_node_apply()`
fn apply(
    full: &[u8],
    spot: &Spot,
    there: &Stat,
    value: &StatOverride,
    force: ForceSet,
) -> Result<()> {
    force
        .forgive_not_root(spot.chown(value.uid, value.gid))
        .or_fail(|| msg!("error setting ownership of '%.255s'", full))?;
    force
        .forgive_not_root(spot.chmod(value.mode))
        .or_fail(|| msg!("error setting permissions of '%.255s'", full))?;
    let mut labels = Labels::default();
    labels.load(force.has(Force::SecurityMac))?;
    labels.set(full, spot, full, there.kind() | value.mode)?;
    labels.close();
    // What is written down next says that it is so.
    if there.is_file() || there.is_dir() {
        let open = spot.open(libc::O_RDONLY | libc::O_NONBLOCK, false);
        let synced = open.and_then(|open| File::from(open).sync_all());
        force
            .forgive_not_root(synced)
            .or_fail(|| msg!("unable to sync file '%s'", full))?;
    }
    Ok(())
}

/// `--remove PATH`: exit code 2 when there is no override, unless that is forced.
///
/// # Errors
/// A database that cannot be read or written.
pub fn remove(
    db: &mut Database,
    path: &[u8],
    options: &Options,
    report: &mut dyn Reporter,
) -> Result<i32> {
    db.ensure_statoverrides(true, report)?;
    let path = cleaned(path, options, report);
    let node = db.fsys.lookup(path);
    let Some(node) = node.filter(|n| db.fsys.statoverride(*n).is_some()) else {
        if !options.quiet {
            report.warning(msg!("no override present"));
        }
        let forced = options.force.has(Force::StatoverrideDel);
        return Ok(if forced { 0 } else { 2 });
    };
    db.fsys.set_statoverride(node, None);
    if options.update && !options.quiet {
        report.warning(msg!("--update is useless for --remove"));
    }
    db.write_statoverrides()?;
    Ok(0)
}

/// `--list [PATTERN…]`: exit code 1 when there is nothing to show.
///
/// # Errors
/// A database that cannot be read.
pub fn list(
    db: &mut Database,
    patterns: &[&[u8]],
    options: &Options,
    report: &mut dyn Reporter,
) -> Result<i32> {
    db.ensure_statoverrides(true, report)?;
    let patterns: Vec<Pattern> = match patterns {
        [] => vec![Pattern::new(b"*")],
        given => given
            .iter()
            .map(|p| Pattern::new(cleaned(p, options, report)))
            .collect(),
    };
    let mut code = 1;
    for node in db.fsys.overridden() {
        let path = Pattern::subject(db.fsys.name(node));
        if patterns.iter().any(|p| p.matches(&path)) {
            report.event(&Event::Data(&db.statoverride_line(node)?));
            code = 0;
        }
    }
    Ok(code)
}
