//! `--predep-package`: what has to be installed first for the sake of Pre-Depends.

use super::flush;
use crate::control;
use crate::db::modstatdb::{AvailMode, OpenMode};
use crate::error::Result;
use crate::pipeline::depcon::provide_satisfies;
use crate::pipeline::{Istobe, Run};
use crate::pkg::{DepType, Dependency, NameWhen, PkgId, Possi, Which};
use crate::report::Event;
use crate::state::Want;
use crate::{bail, msg};

/// Print the available paragraph of a package that another one, wanted and available,
/// pre-depends on, and that has no unsatisfied pre-dependencies itself. `run` is not open yet.
/// The exit code is 1 when there is none.
///
/// # Errors
/// There is one that nothing can satisfy, or the database cannot be read.
pub fn predep_package(run: &mut Run) -> Result<i32> {
    run.db
        .open(OpenMode::ReadOnly, AvailMode::Read, &mut *run.report)?;
    run.clear_istobes();
    let mut found = None;
    for pkg in run.db.table.in_hash_order() {
        let p = &run.db.table[pkg];
        if p.want != Want::Install || p.archives.is_empty() {
            continue;
        }
        run.state(pkg).istobe = Istobe::Preinstall;
        let dep = unsatisfied(run, pkg);
        run.state(pkg).istobe = Istobe::Normal;
        if let Some(dep) = dep {
            found = Some((pkg, dep));
            break;
        }
    }
    let Some((start, mut dep)) = found else {
        return Ok(1);
    };
    // What was visited is marked, so that a loop ends where nothing unmarked is left.
    run.state(start).istobe = Istobe::Preinstall;
    let mut up = start;
    loop {
        let Some(pkg) = satisfier(run, &dep) else {
            let why = run.describe_depcon(up, &dep);
            run.report
                .notice(msg!("cannot see how to satisfy pre-dependency:\n %s", why));
            let table = &run.db.table;
            let name = |pkg| table.bin_name(pkg, Which::Available, NameWhen::NonAmbig);
            bail!(
                "cannot satisfy pre-dependencies for %.250s (wanted due to %.250s)",
                name(up),
                name(start)
            );
        };
        run.state(pkg).istobe = Istobe::Preinstall;
        match unsatisfied(run, pkg) {
            Some(next) => (up, dep) = (pkg, next),
            None => {
                let text = control::stanza(&run.db.table, pkg, Which::Available);
                run.report.event(&Event::Data(&text));
                flush(&mut *run.report)?;
                return Ok(0);
            }
        }
    }
}

/// The first pre-dependency of an available package that is not satisfied.
fn unsatisfied(run: &mut Run, pkg: PkgId) -> Option<Dependency> {
    let depends = run.db.table[pkg].available.depends.clone();
    let mut predepends = depends.iter().filter(|d| d.kind == DepType::PreDepends);
    predepends
        .find(|dep| !run.depisok(pkg, dep, false, false, true).ok)
        .cloned()
}

/// An available package that would satisfy it and was not visited yet.
fn satisfier(run: &Run, dep: &Dependency) -> Option<PkgId> {
    dep.possi
        .iter()
        .find_map(|p| satisfier_of(run, dep.kind, p))
}

fn satisfier_of(run: &Run, kind: DepType, possi: &Possi) -> Option<PkgId> {
    let table = &run.db.table;
    let usable = |pkg: PkgId| {
        let unvisited = run.istobe(pkg) == Istobe::Normal;
        unvisited && !table[pkg].archives.is_empty()
    };
    // Providers are only looked at for instances that may be meant, as stock does.
    for pkg in run.possi_pkgs(kind, possi, Some(Which::Available)) {
        if usable(pkg) && run.version_satisfied(pkg, Which::Available, possi) {
            return Some(pkg);
        }
        for r in table.depended(possi.ed, Which::Available) {
            let Some((dep, provided)) = table.possi(Which::Available, r) else {
                continue;
            };
            let provides = dep.kind == DepType::Provides;
            if provides && provide_satisfies(possi, provided) && usable(r.pkg) {
                return Some(r.pkg);
            }
        }
    }
    None
}
