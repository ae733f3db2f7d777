//! `dpkg-divert`: paths whose files go elsewhere, for all packages but one
//! (src/divert/main.c).
//!
//! | module | |
//! |---|---|
//! | this | the commands: what is asked, checked against the database, and written |
//! | [`rename`] | moving the file aside and back |
//!
//! What is to be done is decided, and told, before anything is changed. Adding writes the
//! database before it moves the file, removing moves the file first: an interruption between
//! the two leaves a diversion whose file is in place, never a diverted file without diversion.
//! The same command, given again, goes on: adding what is there already moves a file that another
//! package has and that is still in place.

mod rename;

use crate::arch::ArchType;
use crate::db::Database;
use crate::db::diversions::LOCAL;
use crate::db::modstatdb::{AvailMode, OpenMode};
use crate::error::{Error, Result};
use crate::fsys::{Diversion, NodeId};
use crate::msg::Msg;
use crate::pkg::{PkgId, SetId};
use crate::report::{Event, Reporter};
use crate::sys::fnmatch::Pattern;
use crate::{bail, msg};
use rename::{End, Move};

/// Whose files are not diverted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Nothing was said: adding takes it for nobody's, removing for anybody's.
    Any,
    /// `--local`: nobody's.
    Local,
    /// `--package`, or the package whose maintainer script is running.
    Package(Vec<u8>),
}

/// What is asked of `--add` and `--remove`.
#[derive(Clone, Debug)]
pub struct Request {
    /// The path, absolute.
    pub file: Vec<u8>,
    /// `--divert`, absolute.
    pub divert_to: Option<Vec<u8>>,
    /// `--package`, `--local`
    pub whose: Whose,
    /// `--rename`
    pub rename: bool,
    /// Not `--test`.
    pub act: bool,
    /// `--quiet`
    pub quiet: bool,
    /// The architecture of the package whose maintainer script is running.
    pub script_arch: Option<Vec<u8>>,
}

impl Request {
    fn package(&self) -> Option<&[u8]> {
        match &self.whose {
            Whose::Package(name) => Some(name),
            Whose::Any | Whose::Local => None,
        }
    }

    fn pkgset(&self, db: &mut Database) -> Option<SetId> {
        let name = self.package()?;
        Some(db.table.find_set(&String::from_utf8_lossy(name)))
    }

    /// What was asked for, in words (`diversion_current`).
    fn describe(&self) -> Msg {
        let to = self.divert_to.as_deref();
        match (&self.whose, to) {
            (Whose::Any, None) => msg!("any diversion of %s", &self.file),
            (Whose::Any, Some(to)) => msg!("any diversion of %s to %s", &self.file, to),
            _ => describe(&self.file, to, self.package()),
        }
    }

    fn say(&self, text: Msg, report: &mut dyn Reporter) {
        if !self.quiet {
            report.output(text);
        }
    }
}

/// `varbuf_diversion()`
fn describe(from: &[u8], to: Option<&[u8]>, package: Option<&[u8]>) -> Msg {
    match (package, to) {
        (None, None) => msg!("local diversion of %s", from),
        (None, Some(to)) => msg!("local diversion of %s to %s", from, to),
        (Some(package), None) => msg!("diversion of %s by %s", from, package),
        (Some(package), Some(to)) => msg!("diversion of %s to %s by %s", from, to, package),
    }
}

/// The diversion that a path takes part in, in words (`diversion_describe`).
fn describe_found(db: &Database, node: NodeId, divert: &Diversion) -> Msg {
    let from = divert.camefrom.unwrap_or(node);
    let to = db.fsys.diversion(from).and_then(|d| d.useinstead);
    let package = divert.pkgset.map(|set| db.table[set].name.as_bytes());
    let to = db.fsys.name(to.unwrap_or(node));
    describe(db.fsys.name(from), Some(to), package)
}

fn open(db: &mut Database, report: &mut dyn Reporter) -> Result<()> {
    db.open(OpenMode::ReadOnly, AvailMode::None, report)?;
    db.ensure_diversions(report)
}

/// Whether the file lists of these packages, which are read for it, have the path.
fn owned_by(
    db: &mut Database,
    node: NodeId,
    packages: Vec<PkgId>,
    report: &mut dyn Reporter,
) -> Result<bool> {
    for pkg in &packages {
        db.ensure_files(*pkg, report)?;
    }
    Ok(db.fsys.owners(node).any(|owner| packages.contains(&owner)))
}

/// `diversion_is_owned_by_self()`
fn is_owned_by_self(
    db: &mut Database,
    set: Option<SetId>,
    node: NodeId,
    report: &mut dyn Reporter,
) -> Result<bool> {
    let packages = set.map_or_else(Vec::new, |set| db.table[set].pkgs.clone());
    owned_by(db, node, packages, report)
}

/// `diversion_is_essential()`
fn is_essential(db: &mut Database, node: NodeId, report: &mut dyn Reporter) -> Result<bool> {
    let mut packages = db.table.in_hash_order();
    packages.retain(|pkg| db.table[*pkg].installed.essential);
    owned_by(db, node, packages, report)
}

/// `diversion_is_shared()`: whether the file belongs to an instance of the package for another
/// architecture than the one whose maintainer script is running.
fn is_shared(
    db: &mut Database,
    request: &Request,
    set: Option<SetId>,
    node: NodeId,
    report: &mut dyn Reporter,
) -> Result<bool> {
    let (Some(set), Some(arch)) = (set, &request.script_arch) else {
        return Ok(false);
    };
    let arch = db.table.arches.find(&String::from_utf8_lossy(arch));
    if db.table.arches.kind(arch) == ArchType::Empty {
        return Ok(false);
    }
    let packages = db.table[set].pkgs.clone();
    for pkg in &packages {
        db.ensure_files(*pkg, report)?;
    }
    let other = |pkg: PkgId| db.table[pkg].set == set && db.table[pkg].installed.arch != arch;
    Ok(db.fsys.owners(node).any(other))
}

/// `--add FILE`
///
/// # Errors
/// The file is a directory or takes part in another diversion, moving it would overwrite
/// another one, or the database or a file cannot be changed.
pub fn add(db: &mut Database, mut request: Request, report: &mut dyn Reporter) -> Result<i32> {
    if request.whose == Whose::Any {
        request.whose = Whose::Local;
    }
    open(db, report)?;
    let place = db.dirs.place().clone();
    let mut from = End::new(&place, &request.file);
    if from.look()?.is_some_and(|there| there.is_dir()) {
        return Err(Error::usage(msg!("cannot divert directories")));
    }
    let from_node = db.fsys.find(&request.file);
    let divert_to = match request.divert_to.clone() {
        Some(to) => to,
        None => [&request.file[..], b".distrib"].concat(),
    };
    request.divert_to = Some(divert_to.clone());
    let mut to = End::new(&place, &divert_to);
    let to_node = db.fsys.find(&divert_to);
    // Stock compares the words, and loses the file when two of them name one path.
    if from_node == to_node {
        return Err(Error::usage(msg!(
            "cannot divert file '%s' to itself",
            &request.file
        )));
    }
    let pkgset = request.pkgset(db);

    let there = (db.fsys.diversion(from_node), db.fsys.diversion(to_node));
    match there {
        (None, None) => {}
        (Some(c), Some(a)) if c.pkgset == pkgset && request.names(db, c, a) => {
            let found = describe_found(db, from_node, c);
            request.say(msg!("Leaving '%s'\n", found), report);
            if request.rename && request.act {
                finish(db, pkgset, from_node, (&mut from, &mut to), report)?;
            }
            db.shutdown(report)?;
            return Ok(0);
        }
        (Some(d), _) => {
            let found = describe_found(db, from_node, d);
            bail!("'%s' clashes with '%s'", request.describe(), found);
        }
        (None, Some(d)) => {
            let found = describe_found(db, to_node, d);
            bail!("'%s' clashes with '%s'", request.describe(), found);
        }
    }
    let contest = Diversion {
        useinstead: Some(to_node),
        camefrom: None,
        pkgset,
    };
    let altname = Diversion {
        useinstead: None,
        camefrom: Some(from_node),
        pkgset,
    };
    db.fsys.set_diversion(from_node, Some(contest.clone()));
    db.fsys.set_diversion(to_node, Some(altname));

    let adding = describe_found(db, from_node, &contest);
    request.say(msg!("Adding '%s'\n", adding), report);
    let mut moving = match request.rename {
        true => Move::decide(&mut from, &mut to)?,
        false => None,
    };
    if moving.is_some() && is_owned_by_self(db, pkgset, from_node, report)? {
        let text = msg!(
            "Ignoring request to rename file '%s' owned by diverting package '%s'\n",
            &request.file,
            pkgset.map_or("", |set| &db.table[set].name)
        );
        request.say(text, report);
        moving = None;
    }
    if moving.is_some() && is_essential(db, from_node, report)? {
        report.warning(msg!(
            "diverting file '%s' from an Essential package with rename is dangerous, use --no-rename",
            &request.file
        ));
    }
    if request.act {
        db.write_diversions()?;
        if let Some(moving) = moving {
            moving.perform(&from, &to)?;
        }
    }
    db.shutdown(report)?;
    Ok(0)
}

/// Move the file that an interrupted run has left in place: another package than the diverting one
/// has it, and nothing is where it goes. (A file that no package has may be the administrator's, put
/// there since.)
fn finish(
    db: &mut Database,
    set: Option<SetId>,
    node: NodeId,
    (from, to): (&mut End, &mut End),
    report: &mut dyn Reporter,
) -> Result<()> {
    if from.look()?.is_none() || to.look()?.is_some() {
        return Ok(());
    }
    let all = db.table.in_hash_order();
    if !owned_by(db, node, all, report)? || is_owned_by_self(db, set, node, report)? {
        return Ok(());
    }
    match Move::decide(from, to)? {
        Some(moving) => moving.perform(from, to),
        None => Ok(()),
    }
}

impl Request {
    /// Whether a diversion that is there has the very words of this one.
    fn names(&self, db: &Database, contest: &Diversion, altname: &Diversion) -> bool {
        let is =
            |node: Option<NodeId>, word: Option<&[u8]>| node.map(|node| db.fsys.name(node)) == word;
        is(altname.camefrom, Some(&self.file)) && is(contest.useinstead, self.divert_to.as_deref())
    }
}

/// `--remove FILE`
///
/// # Errors
/// The diversion is not the one asked for, moving the file back would overwrite another one,
/// or the database or a file cannot be changed.
pub fn remove(db: &mut Database, request: &Request, report: &mut dyn Reporter) -> Result<i32> {
    open(db, report)?;
    let node = db.fsys.lookup(&request.file);
    let found = node.and_then(|node| {
        let contest = db.fsys.diversion(node)?;
        Some((node, contest.useinstead?, contest.clone()))
    });
    let Some((from_node, to_node, contest)) = found else {
        let text = msg!("No diversion '%s', none removed.\n", request.describe());
        request.say(text, report);
        db.shutdown(report)?;
        return Ok(0);
    };
    let pkgset = request.pkgset(db);
    let told = describe_found(db, from_node, &contest);
    if let Some(to) = &request.divert_to
        && to != db.fsys.name(to_node)
    {
        bail!(
            "mismatch on divert-to\n  when removing '%s'\n  found '%s'",
            request.describe(),
            told
        );
    }
    if request.whose != Whose::Any && pkgset != contest.pkgset {
        bail!(
            "mismatch on package\n  when removing '%s'\n  found '%s'",
            request.describe(),
            told
        );
    }
    if is_shared(db, request, pkgset, from_node, report)? {
        let text = msg!("Ignoring request to remove shared diversion '%s'.\n", told);
        request.say(text, report);
        db.shutdown(report)?;
        return Ok(0);
    }
    request.say(msg!("Removing '%s'\n", told), report);

    let place = db.dirs.place().clone();
    let mut from = End::new(&place, db.fsys.name(from_node));
    let mut to = End::new(&place, db.fsys.name(to_node));
    db.fsys.set_diversion(to_node, None);
    db.fsys.set_diversion(from_node, None);
    let moving = match request.rename {
        true => Move::decide(&mut to, &mut from)?,
        false => None,
    };
    if request.act {
        if let Some(moving) = moving {
            moving.perform(&to, &from)?;
        }
        db.write_diversions()?;
    }
    db.shutdown(report)?;
    Ok(0)
}

/// `--list [PATTERN…]`: the diversions whose package or either path matches.
///
/// # Errors
/// A database that cannot be read.
pub fn list(db: &mut Database, patterns: &[&[u8]], report: &mut dyn Reporter) -> Result<i32> {
    open(db, report)?;
    let patterns: Vec<Pattern> = match patterns {
        [] => vec![Pattern::new(b"*")],
        given => given.iter().map(|p| Pattern::new(p)).collect(),
    };
    for node in db.fsys.diverted() {
        let Some(contest) = db.fsys.diversion(node) else {
            continue;
        };
        let package = contest.pkgset.map(|set| db.table[set].name.as_bytes());
        let to = contest.useinstead.map(|to| db.fsys.name(to));
        let subjects = [
            package.unwrap_or(LOCAL),
            to.unwrap_or_default(),
            db.fsys.name(node),
        ]
        .map(Pattern::subject);
        let matches = |p: &Pattern| subjects.iter().any(|s| p.matches(s));
        if patterns.iter().any(matches) {
            report.output(msg!("%s\n", describe_found(db, node, contest)));
        }
    }
    db.shutdown(report)?;
    Ok(0)
}

/// `--truename FILE`: where a file goes.
///
/// # Errors
/// A database that cannot be read.
pub fn truename(db: &mut Database, file: &[u8], report: &mut dyn Reporter) -> Result<i32> {
    open(db, report)?;
    let node = db.fsys.lookup(file);
    let divert = node.and_then(|node| db.fsys.diversion(node));
    let to = divert.and_then(|d| d.useinstead);
    let name = to.map_or(file, |to| db.fsys.name(to));
    report.event(&Event::Data(&[name, b"\n"].concat()));
    db.shutdown(report)?;
    Ok(0)
}

/// `--listpackage FILE`: who diverts it.
///
/// # Errors
/// A database that cannot be read.
pub fn listpackage(db: &mut Database, file: &[u8], report: &mut dyn Reporter) -> Result<i32> {
    open(db, report)?;
    let node = db.fsys.lookup(file);
    if let Some(divert) = node.and_then(|node| db.fsys.diversion(node)) {
        // No package can be called that.
        let name = divert.pkgset.map_or("LOCAL", |set| &db.table[set].name);
        report.output(msg!("%s\n", name));
    }
    db.shutdown(report)?;
    Ok(0)
}
