//! `--audit`: packages that are in a state that needs attention.

use super::{describe_briefly, flush};
use crate::arch::ArchType;
use crate::db::Database;
use crate::db::filehash::HASHFILE;
use crate::db::filelist::LISTFILE;
use crate::db::modstatdb::{AvailMode, OpenMode};
use crate::error::Result;
use crate::msg;
use crate::pkg::{NameWhen, PkgId, Which};
use crate::pkgspec::package_arg;
use crate::report::{Event, Reporter};
use crate::state::{EFlag, Status};

/// What may be wrong with a package.
#[derive(Clone, Copy, Debug)]
enum Check {
    ReinstReq,
    Status(Status),
    MissingFile(&'static str),
    Arch(ArchType),
}

/// In the order dpkg looks for them, with what it says.
const PROBLEMS: &[(Check, &str)] = &[
    (
        Check::ReinstReq,
        "The following packages are in a mess due to serious problems during\ninstallation.  They must be reinstalled for them (and any packages\nthat depend on them) to function properly:\n",
    ),
    (
        Check::Status(Status::Unpacked),
        "The following packages have been unpacked but not yet configured.\nThey must be configured using dpkg --configure or the configure\nmenu option in dselect for them to work:\n",
    ),
    (
        Check::Status(Status::HalfConfigured),
        "The following packages are only half configured, probably due to problems\nconfiguring them the first time.  The configuration should be retried using\ndpkg --configure <package> or the configure menu option in dselect:\n",
    ),
    (
        Check::Status(Status::HalfInstalled),
        "The following packages are only half installed, due to problems during\ninstallation.  The installation can probably be completed by retrying it;\nthe packages can be removed using dselect or dpkg --remove:\n",
    ),
    (
        Check::Status(Status::TriggersAwaited),
        "The following packages are awaiting processing of triggers that they\nhave activated in other packages.  This processing can be requested using\ndselect or dpkg --configure --pending (or dpkg --triggers-only):\n",
    ),
    (
        Check::Status(Status::TriggersPending),
        "The following packages have been triggered, but the trigger processing\nhas not yet been done.  Trigger processing can be requested using\ndselect or dpkg --configure --pending (or dpkg --triggers-only):\n",
    ),
    (
        Check::MissingFile(LISTFILE),
        "The following packages are missing the list control file in the\ndatabase, they need to be reinstalled:\n",
    ),
    (
        Check::MissingFile(HASHFILE),
        "The following packages are missing the md5sums control file in the\ndatabase, they need to be reinstalled:\n",
    ),
    (
        Check::Arch(ArchType::Empty),
        "The following packages do not have an architecture:\n",
    ),
    (
        Check::Arch(ArchType::Illegal),
        "The following packages have an illegal architecture:\n",
    ),
    (
        Check::Arch(ArchType::Unknown),
        "The following packages have an unknown foreign architecture, which will\ncause dependency issues on front-ends. This can be fixed by registering\nthe foreign architecture with dpkg --add-architecture:\n",
    ),
];

fn applies(db: &Database, pkg: PkgId, check: Check) -> Result<bool> {
    let p = &db.table[pkg];
    let there = p.status() >= Status::HalfInstalled;
    Ok(match check {
        Check::ReinstReq => p.eflag == EFlag::ReinstReq,
        Check::Status(status) => p.eflag != EFlag::ReinstReq && p.status() == status,
        Check::MissingFile(kind) => there && !db.infodb_has_file(pkg, Which::Installed, kind)?,
        Check::Arch(kind) => there && db.table.arches.kind(p.installed.arch) == kind,
    })
}

/// `--audit [PACKAGE…]`: without names, all packages.
///
/// # Errors
/// A name that is none, or a database that cannot be read.
pub fn audit(
    db: &mut Database,
    verb: &str,
    names: &[Vec<u8>],
    report: &mut dyn Reporter,
) -> Result<i32> {
    db.open(OpenMode::ReadOnly, AvailMode::None, report)?;
    let mut pkgs = Vec::new();
    for name in names {
        let pkg = package_arg(&mut db.table, verb, name)?;
        if db.table[pkg].status() == Status::NotInstalled {
            let name = db.table.name(pkg, NameWhen::NonAmbig);
            report.notice(msg!("package '%s' is not installed", name));
        }
        pkgs.push(pkg);
    }
    if names.is_empty() {
        pkgs = db.table.in_hash_order();
    }
    db.table.sort(&mut pkgs);

    let mut any = false;
    for (check, explanation) in PROBLEMS {
        let mut head = false;
        for pkg in &pkgs {
            if !applies(db, *pkg, *check)? {
                continue;
            }
            if !any && db.is_locked()? {
                let note = msg!(
                    "Another process has locked the database for writing, and might currently be\nmodifying it, some of the following problems might just be due to that.\n"
                );
                report.output(msg!("%s\n", note));
            }
            any = true;
            if !head {
                report.output(msg!(explanation));
                head = true;
            }
            describe_briefly(db, *pkg, report);
        }
        if head {
            report.event(&Event::Data(b"\n"));
        }
    }
    flush(report)?;
    Ok(0)
}
