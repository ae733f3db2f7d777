//! `--yet-to-unpack`: packages that are selected for installation and not there.

use super::{describe_briefly, flush};
use crate::db::Database;
use crate::db::modstatdb::{AvailMode, OpenMode};
use crate::error::Result;
use crate::pkg::{NameWhen, PkgId};
use crate::report::{Event, Reporter};
use crate::state::{Status, Want};
use crate::{msg, msgc, msgn};

/// The most packages, and the most sections, that are shown one per line.
const FEW: usize = 12;

/// The packages of one section.
struct Section {
    name: Vec<u8>,
    pkgs: Vec<PkgId>,
}

/// By section, sections in the order of their names; case does not count (`yettobeunpacked`).
fn by_section(db: &Database, report: &dyn Reporter) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let unknown = report.words(&msgc!("section", "<unknown>"));
    for pkg in db.table.in_hash_order() {
        let p = &db.table[pkg];
        let absent = matches!(
            p.status(),
            Status::NotInstalled | Status::HalfInstalled | Status::ConfigFiles
        );
        if p.want != Want::Install || !absent {
            continue;
        }
        let name = p.section.as_deref().filter(|s| !s.is_empty());
        let name = name.unwrap_or(&unknown);
        let lower = name.to_ascii_lowercase();
        let place = sections.binary_search_by(|s| s.name.to_ascii_lowercase().cmp(&lower));
        match place {
            Ok(i) => sections[i].pkgs.push(pkg),
            Err(i) => {
                let section = Section {
                    name: name.to_vec(),
                    pkgs: vec![pkg],
                };
                sections.insert(i, section);
            }
        }
    }
    sections
}

/// `--yet-to-unpack`
///
/// # Errors
/// A database that cannot be read.
pub fn yet_to_unpack(db: &mut Database, report: &mut dyn Reporter) -> Result<i32> {
    db.open(OpenMode::ReadOnly, AvailMode::None, report)?;
    let sections = by_section(db, report);
    let total: usize = sections.iter().map(|s| s.pkgs.len()).sum();
    if total == 0 {
        return Ok(0);
    }
    if total <= FEW {
        let mut order = db.table.in_hash_order();
        order.retain(|p| sections.iter().any(|s| s.pkgs.contains(p)));
        for pkg in order {
            describe_briefly(db, pkg, report);
        }
    } else if sections.len() <= FEW {
        for section in &sections {
            list_section(db, section, report);
        }
    } else {
        report.output(msgn!(
            total,
            " %d package, from the following section:",
            " %d packages, from the following sections:",
            total
        ));
        let mut room = 0i64;
        for section in &sections {
            let count = section.pkgs.len();
            let used = (section.name.len() + count.to_string().len()) as i64;
            room -= 6 + used;
            if room < 0 {
                report.event(&Event::Data(b"\n"));
                room = 73 - used;
            }
            report.output(msg!("   %s (%d)", &section.name, count));
        }
        report.event(&Event::Data(b"\n"));
    }
    flush(report)?;
    Ok(0)
}

/// One line: how many, where, and the first of them.
fn list_section(db: &Database, section: &Section, report: &mut dyn Reporter) {
    let count = section.pkgs.len();
    report.output(msg!(" %d in %s: ", count, &section.name));
    let used = (section.name.len() + count.to_string().len()) as i64;
    let mut room = 70 - used;
    while room > 59 {
        report.event(&Event::Data(b" "));
        room -= 1;
    }
    for pkg in &section.pkgs {
        let name = db.table.name(*pkg, NameWhen::NonAmbig);
        room -= name.len() as i64 + 1;
        if room < 4 {
            report.event(&Event::Data(b" ..."));
            break;
        }
        report.output(msg!(" %s", name));
    }
    report.event(&Event::Data(b"\n"));
}
