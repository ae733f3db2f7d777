//! `--add-architecture`, `--remove-architecture`, `--print-foreign-architectures`.

use super::flush;
use crate::arch::{ArchType, check_name};
use crate::db::Database;
use crate::db::arch;
use crate::db::modstatdb::{AvailMode, OpenMode};
use crate::error::Result;
use crate::force::{Force, ForceSet};
use crate::report::Reporter;
use crate::state::Status;
use crate::{bail, msg};

/// `--print-foreign-architectures`
///
/// # Errors
/// The list cannot be read.
pub fn print_foreign(db: &mut Database, report: &mut dyn Reporter) -> Result<i32> {
    arch::load_into(&db.dirs, &mut db.table.arches)?;
    for (_, name, kind) in db.table.arches.iter() {
        if kind == ArchType::Foreign {
            report.output(msg!("%s\n", name));
        }
    }
    flush(report)?;
    Ok(0)
}

/// `--add-architecture NAME`
///
/// # Errors
/// The name is none or reserved, or the list cannot be read or written.
pub fn add(db: &mut Database, name: &[u8]) -> Result<i32> {
    let arches = &mut db.table.arches;
    arch::load_into(&db.dirs, arches)?;
    let text = String::from_utf8_lossy(name);
    let id = arches.add(&text);
    match arches.kind(id) {
        ArchType::Native | ArchType::Foreign => {}
        ArchType::Illegal => {
            let why = check_name(&text).unwrap_or_else(|| msg!(""));
            bail!("architecture '%s' is illegal: %s", name, why);
        }
        _ => bail!("architecture '%s' is reserved and cannot be added", name),
    }
    arch::save(&db.dirs, arches)?;
    Ok(0)
}

/// `--remove-architecture NAME`
///
/// # Errors
/// A package of it is there (and that is not forced), or the list cannot be read or written.
pub fn remove(
    db: &mut Database,
    name: &[u8],
    force: ForceSet,
    report: &mut dyn Reporter,
) -> Result<i32> {
    db.open(OpenMode::ReadOnly, AvailMode::None, report)?;
    let text = String::from_utf8_lossy(name);
    let id = db.table.arches.find(&text);
    if db.table.arches.kind(id) != ArchType::Foreign {
        report.warning(msg!(
            "cannot remove non-foreign architecture '%s'",
            db.table.arches.name(id)
        ));
        return Ok(0);
    }
    let used = db.table.in_hash_order().into_iter().any(|p| {
        let p = &db.table[p];
        p.status() >= Status::HalfInstalled && p.installed.arch == id
    });
    if used {
        if !force.has(Force::Architecture) {
            bail!(
                "cannot remove architecture '%s' currently in use by the database",
                &*text
            );
        }
        report.warning(msg!(
            "removing architecture '%s' currently in use by database",
            &*text
        ));
    }
    db.table.arches.unmark(id);
    arch::save(&db.dirs, &mut db.table.arches)?;
    db.shutdown(report)?;
    Ok(0)
}
