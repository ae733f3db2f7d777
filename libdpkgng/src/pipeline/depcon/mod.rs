//! Is a relation satisfied, why not, and what would fix it (depcon.c).
//!
//! Verdicts are facts about the table and about what this run is going to do to each package
//! ([`Istobe`]); forgiving (`--force-…`, `--ignore-depends`) is the caller's, with
//! [`Run::force_depends`] and its like. Policy §7.

mod cycles;
pub mod explain;

use super::{Istobe, Run};
use crate::arch::{ArchId, ArchType};
use crate::force::Force;
use crate::msg;
use crate::msg::Msg;
use crate::pkg::{
    DepType, Dependency, MultiArch, NameWhen, PkgBin, PkgId, PkgTable, Possi, PossiRef, SetId,
    Which,
};
use crate::state::Status;
use crate::version::{Epoch, Relation};

pub use explain::{Explanation, status_words};

/// What became of a dependency (`depisok`).
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// It is satisfied.
    pub ok: bool,
    /// Why not (or, for conflicts, what is in the way); dpkg's text.
    pub whynot: Explanation,
    /// The package whose removal (or deconfiguration) would fix it.
    pub fixbyrm: Option<PkgId>,
    /// The package that would fix it were its awaited triggers processed.
    pub fixbytrigaw: Option<PkgId>,
}

/// Whether a package with the description `bin`, seen as one of architecture `arch`, is of the
/// architecture an alternative asks for (`deparchsatisfied`).
pub fn arch_matches(
    table: &PkgTable,
    bin: &PkgBin,
    arch: ArchId,
    kind: DepType,
    possi: &Possi,
) -> bool {
    if possi.arch_is_implicit && bin.multiarch == MultiArch::Foreign {
        return true;
    }
    let any_instance = matches!(
        kind,
        DepType::Conflicts | DepType::Replaces | DepType::Breaks
    );
    if table.arches.kind(possi.arch) == ArchType::Wildcard
        && (bin.multiarch == MultiArch::Allowed || any_instance)
    {
        return true;
    }
    let real = |arch| match arch {
        ArchId::NONE | ArchId::ALL => ArchId::NATIVE,
        other => other,
    };
    real(possi.arch) == real(arch)
}

/// Whether a `Provides` alternative is good enough for one that asks for what it provides
/// (`pkg_virtual_deppossi_satisfied`): a versioned relation needs an exact provided version.
pub fn provide_satisfies(wanted: &Possi, provided: &Possi) -> bool {
    match (provided.relation, wanted.relation) {
        (Relation::None, Relation::None) | (Relation::Eq, _) => {
            wanted.relation.holds(&provided.version, &wanted.version)
        }
        _ => false,
    }
}

/// The text of a relation as fields have it (`varbufdependency`).
pub(crate) fn dependency_text(table: &PkgTable, dep: &Dependency) -> Vec<u8> {
    let mut out = Vec::new();
    crate::relations::write(table, dep, &mut out);
    out
}

impl Run {
    /// Judge a relation of `up` (`depisok`). `want_fixbyrm`: look for all that is in the way
    /// of a conflict, to name the one whose removal would do; otherwise stop at the first.
    /// `allow_unconfigured`: Pre-Depends before an unpack, for which it is enough that both
    /// the unpacked and the last configured version are good.
    pub fn depisok(
        &mut self,
        up: PkgId,
        dep: &Dependency,
        want_fixbyrm: bool,
        want_fixbytrigaw: bool,
        allow_unconfigured: bool,
    ) -> Verdict {
        let mut verdict = Verdict::default();
        if !self.relation_counts(up, dep.kind) {
            verdict.ok = true;
            return verdict;
        }
        verdict
            .whynot
            .push(msg!(" %s\n", self.describe_depcon(up, dep)));
        verdict.ok = match dep.kind {
            DepType::Depends | DepType::PreDepends | DepType::Recommends | DepType::Suggests => {
                self.positive_ok(up, dep, want_fixbytrigaw, allow_unconfigured, &mut verdict)
            }
            // dpkg judges Enhances like Conflicts; no caller asks it to.
            DepType::Conflicts | DepType::Breaks | DepType::Enhances => {
                self.negative_ok(up, dep, want_fixbyrm, &mut verdict)
            }
            DepType::Provides | DepType::Replaces => true,
        };
        verdict
    }

    /// Whether the state `up` is in, or is about to be in, makes its relations matter at all.
    fn relation_counts(&self, up: PkgId, kind: DepType) -> bool {
        let early = matches!(
            kind,
            DepType::PreDepends | DepType::Conflicts | DepType::Breaks
        );
        match self.istobe(up) {
            Istobe::Remove | Istobe::Deconfigure => false,
            Istobe::InstallNew | Istobe::Preinstall => true,
            Istobe::Normal => match self.db.table[up].status() {
                Status::Installed | Status::TriggersPending | Status::TriggersAwaited => true,
                Status::HalfConfigured | Status::Unpacked | Status::HalfInstalled => early,
                Status::ConfigFiles | Status::NotInstalled => false,
            },
        }
    }

    fn positive_ok(
        &mut self,
        up: PkgId,
        dep: &Dependency,
        want_fixbytrigaw: bool,
        allow_unconfigured: bool,
        verdict: &mut Verdict,
    ) -> bool {
        // Outlives the alternatives: a later one that matches no known instance says nothing
        // of its own when an earlier one left something said.
        let mut line: Option<Msg> = None;
        for possi in &dep.possi {
            if self.hooks.satisfies(&self.db.table, up, dep.kind, possi) {
                return true;
            }
            for pkg in self.candidates(up, dep.kind, possi, None) {
                if want_fixbytrigaw
                    && matches!(self.istobe(pkg), Istobe::Normal | Istobe::Preinstall)
                    && self.db.table[pkg].status() == Status::TriggersAwaited
                    && self.version_satisfied(pkg, Which::Installed, possi)
                {
                    verdict.fixbytrigaw = Some(pkg);
                }
                match self.instance_whynot(pkg, possi, allow_unconfigured) {
                    Ok(()) => return true,
                    Err(why) => line = why,
                }
                verdict.whynot.extend(line.clone());
            }
            // What is about to be unpacked may provide it.
            for r in self.providers(up, possi.ed, Which::Available) {
                let good = self.provides(Which::Available, r, possi);
                if good && self.istobe(r.pkg) == Istobe::InstallNew {
                    return true;
                }
            }
            for r in self.providers(up, possi.ed, Which::Installed) {
                if !self.provides(Which::Installed, r, possi) {
                    continue;
                }
                let name = self.db.table.name(r.pkg, NameWhen::NonAmbig);
                let virt = &*self.db.table[possi.ed].name;
                let status = self.db.table[r.pkg].status();
                line = Some(match self.istobe(r.pkg) {
                    // Its old Provides do not count, the new ones were seen above.
                    Istobe::InstallNew => continue,
                    Istobe::Remove => {
                        msg!(
                            "  %.250s provides %.250s but is to be removed.\n",
                            name,
                            virt
                        )
                    }
                    Istobe::Deconfigure => msg!(
                        "  %.250s provides %.250s but is to be deconfigured.\n",
                        name,
                        virt
                    ),
                    Istobe::Normal | Istobe::Preinstall => {
                        match status {
                            Status::Installed | Status::TriggersPending => return true,
                            Status::TriggersAwaited if want_fixbytrigaw => {
                                verdict.fixbytrigaw = Some(r.pkg);
                            }
                            _ => {}
                        }
                        let words = status_words(status);
                        msg!("  %.250s provides %.250s but is %s.\n", name, virt, words)
                    }
                });
                verdict.whynot.extend(line.clone());
            }
            if line.is_none() {
                let name = &*self.db.table[possi.ed].name;
                line = Some(msg!("  %.250s is not installed.\n", name));
                verdict.whynot.extend(line.clone());
            }
        }
        false
    }

    /// Whether one instance satisfies an alternative; if not, what is to be said about it
    /// (nothing of what is not installed: it may be virtual).
    fn instance_whynot(
        &self,
        pkg: PkgId,
        possi: &Possi,
        allow_unconfigured: bool,
    ) -> Result<(), Option<Msg>> {
        let table = &self.db.table;
        let name = table.name(pkg, NameWhen::NonAmbig);
        let installed = table[pkg].installed.version.describe(Epoch::NonAmbig);
        let good = |which| self.version_satisfied(pkg, which, possi);
        let status = table[pkg].status();
        let why = match self.istobe(pkg) {
            Istobe::Remove => msg!("  %.250s is to be removed.\n", name),
            Istobe::Deconfigure => msg!("  %.250s is to be deconfigured.\n", name),
            Istobe::InstallNew => {
                if good(Which::Available) {
                    return Ok(());
                }
                let name = table.bin_name(pkg, Which::Available, NameWhen::NonAmbig);
                let version = table[pkg].available.version.describe(Epoch::NonAmbig);
                let id = "  %.250s is to be installed, but is version %.250s.\n";
                msg!(id, name, version)
            }
            Istobe::Normal | Istobe::Preinstall => match status {
                Status::Installed | Status::TriggersPending => {
                    if good(Which::Installed) {
                        return Ok(());
                    }
                    let id = "  %.250s is installed, but is version %.250s.\n";
                    msg!(id, name, installed)
                }
                Status::NotInstalled => return Err(None),
                Status::TriggersAwaited | Status::Unpacked | Status::HalfConfigured
                    if allow_unconfigured =>
                {
                    let configured = &table[pkg].configversion;
                    if !configured.is_informative() {
                        let id = "  %.250s is unpacked, but has never been configured.\n";
                        msg!(id, name)
                    } else if !good(Which::Installed) {
                        let id = "  %.250s is unpacked, but is version %.250s.\n";
                        msg!(id, name, installed)
                    } else if !possi.relation.holds(configured, &possi.version) {
                        let id = "  %.250s latest configured version is %.250s.\n";
                        msg!(id, name, configured.describe(Epoch::NonAmbig))
                    } else {
                        return Ok(());
                    }
                }
                _ => msg!("  %.250s is %s.\n", name, status_words(status)),
            },
        };
        Err(Some(why))
    }

    /// Conflicts and Breaks: there is one alternative; ok when nothing matches it.
    fn negative_ok(
        &mut self,
        up: PkgId,
        dep: &Dependency,
        want_fixbyrm: bool,
        verdict: &mut Verdict,
    ) -> bool {
        let Some(possi) = dep.possi.first() else {
            return true;
        };
        let up_set = self.db.table[up].set;
        let mut in_the_way = 0;
        // A package that conflicts with its own name means others that provide the name.
        let real = if possi.ed == up_set {
            Vec::new()
        } else {
            self.candidates(up, dep.kind, possi, None)
        };
        for pkg in real {
            let which = match self.istobe(pkg) {
                Istobe::Remove => continue,
                Istobe::InstallNew => Which::Available,
                _ if self.is_harmless(pkg, dep.kind) => continue,
                _ => Which::Installed,
            };
            if !self.version_satisfied(pkg, which, possi) {
                continue;
            }
            let table = &self.db.table;
            let name = table.bin_name(pkg, which, NameWhen::NonAmbig);
            let version = table[pkg].bin(which).version.describe(Epoch::NonAmbig);
            verdict.whynot.push(if which == Which::Available {
                let id = "  %.250s (version %.250s) is to be installed.\n";
                msg!(id, name, version)
            } else {
                let id = "  %.250s (version %.250s) is present and %s.\n";
                msg!(id, name, version, status_words(table[pkg].status()))
            });
            if !want_fixbyrm {
                return false;
            }
            in_the_way += 1;
            verdict.fixbyrm = Some(pkg);
        }
        for r in self.providers(up, possi.ed, Which::Available) {
            if self.istobe(r.pkg) != Istobe::InstallNew
                || self.db.table[r.pkg].set == up_set
                || !self.provides(Which::Available, r, possi)
            {
                continue;
            }
            let table = &self.db.table;
            let name = table.bin_name(r.pkg, Which::Available, NameWhen::NonAmbig);
            let id = "  %.250s provides %.250s and is to be installed.\n";
            verdict.whynot.push(msg!(id, name, &*table[possi.ed].name));
            // What is being installed cannot be removed.
            verdict.fixbyrm = None;
            return false;
        }
        for r in self.providers(up, possi.ed, Which::Installed) {
            if self.db.table[r.pkg].set == up_set
                || !self.provides(Which::Installed, r, possi)
                || matches!(self.istobe(r.pkg), Istobe::InstallNew | Istobe::Remove)
                || self.is_harmless(r.pkg, dep.kind)
            {
                continue;
            }
            let table = &self.db.table;
            let name = table.name(r.pkg, NameWhen::NonAmbig);
            let virt = &*table[possi.ed].name;
            let words = status_words(table[r.pkg].status());
            let id = "  %.250s provides %.250s and is present and %s.\n";
            verdict.whynot.push(msg!(id, name, virt, words));
            if !want_fixbyrm {
                return false;
            }
            in_the_way += 1;
            verdict.fixbyrm = Some(r.pkg);
        }
        if in_the_way > 1 {
            verdict.fixbyrm = None;
        }
        in_the_way == 0
    }

    /// Whether an instance that stays as it is cannot be in the way: it is not there, or, for
    /// Breaks, is not (or will not be) configured.
    fn is_harmless(&self, pkg: PkgId, kind: DepType) -> bool {
        let breaks = kind == DepType::Breaks;
        match self.db.table[pkg].status() {
            _ if breaks && self.istobe(pkg) == Istobe::Deconfigure => true,
            Status::NotInstalled | Status::ConfigFiles => true,
            Status::HalfInstalled | Status::Unpacked | Status::HalfConfigured => breaks,
            Status::Installed | Status::TriggersPending | Status::TriggersAwaited => false,
        }
    }

    /// A relation as a sentence (`describedepcon`).
    pub fn describe_depcon(&self, up: PkgId, dep: &Dependency) -> Msg {
        let id = match dep.kind {
            DepType::Depends => "%s depends on %s",
            DepType::PreDepends => "%s pre-depends on %s",
            DepType::Recommends => "%s recommends %s",
            DepType::Suggests => "%s suggests %s",
            DepType::Breaks => "%s breaks %s",
            DepType::Conflicts => "%s conflicts with %s",
            DepType::Enhances => "%s enhances %s",
            // Never judged, so never described by dpkg.
            DepType::Provides => "%s provides %s",
            DepType::Replaces => "%s replaces %s",
        };
        let name = self.db.table.name(up, NameWhen::NonAmbig);
        msg!(id, name, dependency_text(&self.db.table, dep))
    }

    /// Whether a dependency of `up` is to be forgiven (`force_depends`).
    pub fn force_depends(&self, up: PkgId, dep: &Dependency) -> bool {
        self.opts.force.has(Force::Depends) || self.is_ignored(up, dep)
    }

    /// The same for Breaks (`force_breaks`).
    pub fn force_breaks(&self, up: PkgId, dep: &Dependency) -> bool {
        self.opts.force.has(Force::Breaks) || self.is_ignored(up, dep)
    }

    /// The same for Conflicts (`force_conflicts`).
    pub fn force_conflicts(&self) -> bool {
        self.opts.force.has(Force::Conflicts)
    }

    /// Whether `--ignore-depends` names the package or one that its relation may mean.
    fn is_ignored(&self, up: PkgId, dep: &Dependency) -> bool {
        let Some(possi) = dep.possi.first() else {
            return false;
        };
        let pkgs = self.possi_pkgs(dep.kind, possi, Some(Which::Installed));
        pkgs.into_iter().any(|p| self.ignore_depends(p)) || self.ignore_depends(up)
    }

    /// Whether `--ignore-depends` names a package (`ignore_depends`).
    pub fn ignore_depends(&self, pkg: PkgId) -> bool {
        self.opts.ignore_depends.contains(&pkg)
    }

    /// Whether a package's description is of the architecture an alternative asks for
    /// (`archsatisfied`); `kind` is the field the alternative stands in.
    pub fn arch_satisfied(&self, pkg: PkgId, which: Which, kind: DepType, possi: &Possi) -> bool {
        let bin = self.db.table[pkg].bin(which);
        arch_matches(&self.db.table, bin, bin.arch, kind, possi)
    }

    /// Whether it is of the version it asks for (`versionsatisfied`).
    pub fn version_satisfied(&self, pkg: PkgId, which: Which, possi: &Possi) -> bool {
        let version = &self.db.table[pkg].bin(which).version;
        possi.relation.holds(version, &possi.version)
    }

    /// The instances an alternative may mean, judged by one description or (`None`) by the one
    /// that will count, the new one of what is about to be installed (`deppossi_pkg_iter`).
    pub fn possi_pkgs(&self, kind: DepType, possi: &Possi, which: Option<Which>) -> Vec<PkgId> {
        let meant = |pkg: &PkgId| {
            let which = which.unwrap_or(match self.istobe(*pkg) {
                Istobe::InstallNew => Which::Available,
                _ => Which::Installed,
            });
            self.arch_satisfied(*pkg, which, kind, possi)
        };
        let pkgs = self.db.table[possi.ed].pkgs.iter().copied();
        pkgs.filter(meant).collect()
    }

    /// [`Run::possi_pkgs`] without what hooks hide from `by`.
    pub(super) fn candidates(
        &mut self,
        by: PkgId,
        kind: DepType,
        possi: &Possi,
        which: Option<Which>,
    ) -> Vec<PkgId> {
        let mut pkgs = self.possi_pkgs(kind, possi, which);
        pkgs.retain(|pkg| {
            let which = which.unwrap_or(match self.istobe(*pkg) {
                Istobe::InstallNew => Which::Available,
                _ => Which::Installed,
            });
            !self.hooks.hides(&self.db.table, by, *pkg, which)
        });
        pkgs
    }

    /// The `Provides` that name a set, in dpkg's order, without what hooks hide from `by`.
    pub(super) fn providers(&mut self, by: PkgId, set: SetId, which: Which) -> Vec<PossiRef> {
        let table = &self.db.table;
        let mut links = table.depended(set, which);
        links.retain(|r| {
            let kind = table.possi(which, *r).map(|(dep, _)| dep.kind);
            kind == Some(DepType::Provides) && !self.hooks.hides(&self.db.table, by, r.pkg, which)
        });
        links
    }

    /// Whether the `Provides` at `r` is good enough for `wanted`.
    pub(super) fn provides(&self, which: Which, r: PossiRef, wanted: &Possi) -> bool {
        let provided = self.db.table.possi(which, r);
        provided.is_some_and(|(_, p)| provide_satisfies(wanted, p))
    }

    /// Whether a cycle was broken at this alternative.
    pub fn is_cycle_break(&self, r: PossiRef) -> bool {
        self.cycle_breaks.contains(&r)
    }
}

#[cfg(test)]
mod tests;
