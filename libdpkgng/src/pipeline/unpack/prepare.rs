//! Going ahead: everything between the decision and the first file. From here on each step
//! pushes its undo before it acts.

use super::super::{Deconf, Run};
use super::Entered;
use super::ahead::Data;
use super::plan::{ControlDir, Plan};
use super::unwind::Undo;
use crate::error::{Error, Result};
use crate::fsys::NodeId;
use crate::msg;
use crate::pkg::{NameWhen, PkgId, Which};
use crate::report::debug;
use crate::state::{EFlag, Status, Want};
use crate::sys::place::Spot;

/// A package whose old version is out of service and whose preinst ran.
#[must_use]
pub struct Prepared {
    pub(super) pkg: PkgId,
    pub(super) control: ControlDir,
    pub(super) data: Data,
    /// The status it had; `unpacked` where the old prerm brought it down to that.
    pub(super) old_status: Status,
    /// Its conffiles, as its control member lists them.
    pub(super) newconffiles: Vec<NodeId>,
}

/// The words of a status in texts (`statusstrings`).
fn describe(status: Status) -> &'static str {
    match status {
        Status::NotInstalled => "not installed",
        Status::ConfigFiles => "not installed but configs remain",
        Status::HalfInstalled => "broken due to failed removal or installation",
        Status::Unpacked => "unpacked but not configured",
        Status::HalfConfigured => "broken due to postinst failure",
        Status::TriggersAwaited => "awaiting trigger processing by another package",
        Status::TriggersPending => "triggered",
        Status::Installed => "installed",
    }
}

/// Whether a package of this status has a prerm to be called before it goes.
fn is_in_service(status: Status) -> bool {
    status >= Status::HalfConfigured
}

impl Run {
    /// Note a status, before what it says becomes true: it is durable before a script runs or a file
    /// gets its name.
    fn note_status(&mut self, pkg: PkgId, status: Status) -> Result<()> {
        self.db.table.set_status(pkg, status);
        self.db.note_unsettled(pkg, &mut *self.report)
    }

    /// Scripts up to and including the new preinst.
    pub(super) fn prepare(&mut self, plan: Plan) -> Result<Prepared> {
        let Plan {
            pkg,
            control,
            data,
            deconfigure,
            conflictors,
        } = plan;
        let cidir = control.path.clone();
        self.activate_package_processing(pkg)?;
        let triggers = cidir.child(b"triggers");
        self.db
            .parse_ci_activations(&triggers, pkg, &mut *self.report)?;
        let newconffiles = self.parse_conffiles(pkg, &cidir.child(b"conffiles"))?;
        self.conffiles_mark_old(pkg);
        for conflictor in &conflictors {
            self.conffiles_mark_old(*conflictor);
        }
        let mut old_status = self.db.table[pkg].status();
        self.report.debug(debug::GENERAL, || {
            msg!("process_archive oldversionstatus=%s", describe(old_status))
        });
        if is_in_service(old_status) {
            self.db.table[pkg].eflag = EFlag::ReinstReq;
            self.note_status(pkg, Status::HalfConfigured)?;
            self.unpack.unwind.push(Undo::PrermUpgrade(pkg));
            self.script_fallback(
                pkg,
                "prerm",
                "pre-removal",
                &cidir,
                "upgrade",
                "failed-upgrade",
            )?;
            old_status = Status::Unpacked;
            self.note_status(pkg, Status::Unpacked)?;
        }
        for deconf in deconfigure {
            self.deconfigure_for(pkg, deconf)?;
        }
        for conflictor in conflictors {
            self.enter(Entered::Removal(conflictor))?;
            self.prerm_in_favour(conflictor, pkg)?;
        }
        self.db.table[pkg].eflag = EFlag::ReinstReq;
        if self.db.table[pkg].status() == Status::NotInstalled {
            let p = &mut self.db.table[pkg];
            p.installed.version = p.available.version.clone();
            p.installed.multiarch = p.available.multiarch;
        }
        self.note_status(pkg, Status::HalfInstalled)?;
        self.run_preinst(pkg, old_status, &cidir)?;

        let table = &self.db.table;
        let name = table.bin_name(pkg, Which::Available, NameWhen::NonAmbig);
        let p = &table[pkg];
        let line = match old_status {
            Status::NotInstalled | Status::ConfigFiles => {
                msg!(
                    "Unpacking %s (%s) ...\n",
                    name,
                    p.available.version.to_string()
                )
            }
            _ => msg!(
                "Unpacking %s (%s) over (%s) ...\n",
                name,
                p.available.version.to_string(),
                p.installed.version.to_string()
            ),
        };
        self.report.output(line);
        Ok(Prepared {
            pkg,
            control,
            data,
            old_status,
            newconffiles,
        })
    }

    fn run_preinst(&mut self, pkg: PkgId, old_status: Status, cidir: &Spot) -> Result<()> {
        let old = self.db.table[pkg].installed.version.to_string();
        let new = self.db.table[pkg].available.version.to_string();
        let (undo, args) = match old_status {
            Status::NotInstalled => (Undo::PreinstVeryNew(pkg, cidir.clone()), vec!["install"]),
            Status::ConfigFiles => (
                Undo::PreinstNew(pkg, cidir.clone()),
                vec!["install", &old, &new],
            ),
            status => (
                Undo::PreinstUpgrade(pkg, cidir.clone(), status),
                vec!["upgrade", &old, &new],
            ),
        };
        self.unpack.unwind.push(undo);
        self.script_new(pkg, "preinst", "pre-installation", cidir, &args)?;
        Ok(())
    }

    /// One entry of `pkg_deconfigure_others()`.
    fn deconfigure_for(&mut self, pkg: PkgId, deconf: Deconf) -> Result<()> {
        let table = &self.db.table;
        let name = |p: PkgId| table.name(p, NameWhen::NonAmbig);
        let installed = |p: PkgId| table[p].installed.version.to_string();
        let available = table[pkg].available.version.to_string();
        let (down, version) = (name(deconf.pkg), installed(deconf.pkg));
        let line = match (deconf.reason, deconf.pkg_removal) {
            (Want::Deinstall, Some(removing)) => msg!(
                "De-configuring %s (%s), to allow removal of %s (%s) ...\n",
                down,
                version,
                name(removing),
                installed(removing)
            ),
            (Want::Deinstall, None) => {
                let text = msg!("deconfiguring %s for no removal", down);
                return Err(Error::internal(text));
            }
            (Want::Install, _) => msg!(
                "De-configuring %s (%s), to allow installation of %s (%s) ...\n",
                down,
                version,
                name(pkg),
                &available
            ),
            _ => msg!(
                "De-configuring %s (%s), to allow configuration of %s (%s) ...\n",
                down,
                version,
                name(pkg),
                &available
            ),
        };
        let favoured = table.bin_name(pkg, Which::Available, NameWhen::NonAmbig);
        let removing = deconf
            .pkg_removal
            .map(|removing| (name(removing), installed(removing)));
        self.report.output(line);
        self.activate_package_processing(deconf.pkg)?;
        self.note_status(deconf.pkg, Status::HalfConfigured)?;
        self.unpack.unwind.push(Undo::PrermDeconfigure {
            deconf: deconf.pkg,
            removing: deconf.pkg_removal,
            infavour: pkg,
        });
        let mut args = vec!["deconfigure", "in-favour", &favoured, &available];
        if let Some((name, version)) = &removing {
            args.extend(["removing", name, version]);
        }
        self.script_installed(deconf.pkg, "prerm", "pre-removal", &args)?;
        Ok(())
    }

    /// Call the prerm of a package that is going to be removed.
    fn prerm_in_favour(&mut self, conflictor: PkgId, pkg: PkgId) -> Result<()> {
        if !is_in_service(self.db.table[conflictor].status()) {
            return Ok(());
        }
        self.activate_package_processing(conflictor)?;
        self.note_status(conflictor, Status::HalfConfigured)?;
        self.unpack.unwind.push(Undo::PrermInFavour {
            conflictor,
            infavour: pkg,
        });
        let name = self
            .db
            .table
            .bin_name(pkg, Which::Available, NameWhen::NonAmbig);
        let version = self.db.table[pkg].available.version.to_string();
        let args = ["remove", "in-favour", &name, &version];
        self.script_installed(conflictor, "prerm", "pre-removal", &args)?;
        self.note_status(conflictor, Status::HalfInstalled)
    }
}
