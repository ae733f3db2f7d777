//! Dependencies of installed packages, for configuring and removing: ready, ready later, or
//! never (`dependencies_ok`, `breakses_ok`).

use std::sync::Arc;

use super::super::depcon::{Explanation, dependency_text, status_words};
use super::super::{DependTry, Istobe, Run};
use crate::error::{Error, Result};
use crate::force::Force;
use crate::msg;
use crate::msg::Msg;
use crate::pkg::{DepType, Dependency, NameWhen, PkgId, Possi, PossiRef, SetId, Which};
use crate::report::debug;
use crate::state::Status;
use crate::version::{Epoch, Relation};

/// What may be done with a package as its dependencies stand (`dep_check`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DepCheck {
    /// It must not be processed.
    Halt,
    /// Not now, maybe later.
    Defer,
    /// It may be processed.
    Ok,
}

/// How far an alternative, or a whole dependency, is satisfied (`found_status`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Found {
    /// It cannot be.
    None,
    /// It may be later, or at a higher [`DependTry`].
    Defer,
    /// It is not, and that is forced.
    Forced,
    /// It is.
    Ok,
}

/// What is gathered while the alternatives of one dependency are looked at.
#[derive(Default)]
struct Group {
    why: Explanation,
    /// The package being removed is among them.
    matched: bool,
    /// Something other than that was said.
    interesting: bool,
    /// A package whose triggers would help.
    fixbytrig: Option<PkgId>,
}

impl Run {
    /// Whether the [Pre-]Depends of an installed package are satisfied, `removing` taken as
    /// gone; and dpkg's explanation (`dependencies_ok`).
    pub fn dependencies_ok(
        &mut self,
        pkg: PkgId,
        removing: Option<PkgId>,
    ) -> Result<(DepCheck, Explanation)> {
        let mut why = Explanation::default();
        let check = self.check_dependencies(pkg, removing, &mut why)?;
        Ok((check, why))
    }

    /// [`Run::dependencies_ok`], adding to an explanation.
    pub(crate) fn check_dependencies(
        &mut self,
        pkg: PkgId,
        removing: Option<PkgId>,
        msgs: &mut Explanation,
    ) -> Result<DepCheck> {
        let table = &self.db.table;
        let depends = table[pkg].installed.depends.clone();
        self.report.debug(debug::DEPCON, || {
            let removing = removing.map(|p| table.name(p, NameWhen::Always));
            msg!(
                "checking dependencies of %s (- %s)",
                table.name(pkg, NameWhen::Always),
                removing.as_deref().unwrap_or("<none>")
            )
        });
        let mut ok = DepCheck::Ok;
        let mut fixbytrig = None;
        let mut all_fixable = true;
        for (index, dep) in depends.iter().enumerate() {
            if !matches!(dep.kind, DepType::Depends | DepType::PreDepends) {
                continue;
            }
            self.report
                .debug(debug::DEPCONDETAIL, || msg!("  checking group ..."));
            let mut group = Group::default();
            let mut found = self.check_group(pkg, removing, &depends, index, &mut group)?;
            if self.opts.force.has(Force::Depends) {
                let forced = self.forced_from(DependTry::ForceDepends);
                if forced > found {
                    found = forced;
                    self.report.debug(debug::DEPCONDETAIL, || {
                        msg!("  rescued by force-depends, found %d", found as i32)
                    });
                }
            }
            self.report.debug(debug::DEPCONDETAIL, || {
                let by = group.fixbytrig;
                let by = by.map(|p| self.db.table.name(p, NameWhen::Always));
                msg!(
                    "  found %d matched %d possfixbytrig %s",
                    found as i32,
                    i32::from(group.matched),
                    by.as_deref().unwrap_or("-")
                )
            });
            if removing.is_some() && !group.matched {
                continue;
            }
            match found {
                Found::None | Found::Forced => {
                    if found == Found::None {
                        all_fixable = false;
                        ok = DepCheck::Halt;
                    }
                    let table = &self.db.table;
                    msgs.push(msg!(" %s", table.name(pkg, NameWhen::NonAmbig)));
                    msgs.push(msg!(" depends on "));
                    msgs.push(Msg::verbatim(dependency_text(table, dep)));
                    if group.interesting {
                        msgs.push(msg!("; however:\n"));
                        msgs.append(group.why);
                    } else {
                        // That the one being removed is being removed goes without saying.
                        msgs.push(msg!(".\n"));
                    }
                }
                Found::Defer => {
                    match group.fixbytrig {
                        Some(by) => fixbytrig = Some(by),
                        None => all_fixable = false,
                    }
                    ok = ok.min(DepCheck::Defer);
                }
                Found::Ok => {}
            }
        }
        if ok == DepCheck::Halt && self.istobe(pkg) == Istobe::Remove {
            ok = DepCheck::Defer;
        }
        if all_fixable && fixbytrig.is_some() {
            self.progress_bytrigproc = fixbytrig;
        }
        self.report.debug(debug::DEPCON, || {
            msg!("ok %d msgs >>%s<<", ok as i32, &*msgs)
        });
        Ok(ok)
    }

    /// One dependency: the best that its alternatives have.
    fn check_group(
        &mut self,
        pkg: PkgId,
        removing: Option<PkgId>,
        depends: &Arc<[Dependency]>,
        index: usize,
        group: &mut Group,
    ) -> Result<Found> {
        let dep = &depends[index];
        let mut found = Found::None;
        for (i, possi) in dep.possi.iter().enumerate() {
            if found == Found::Ok {
                break;
            }
            self.report.debug(debug::DEPCONDETAIL, || {
                let name = &*self.db.table[possi.ed].name;
                msg!("    checking possibility  -> %s", name)
            });
            let here = PossiRef {
                pkg,
                dep: index as u32,
                possi: i as u32,
                gone: 0,
            };
            if self.is_cycle_break(here) {
                self.report.debug(debug::DEPCONDETAIL, || {
                    msg!("      break cycle so ok and found")
                });
                return Ok(Found::Ok);
            }
            if self.hooks.satisfies(&self.db.table, pkg, dep.kind, possi) {
                return Ok(Found::Ok);
            }
            for other in self.candidates(pkg, dep.kind, possi, Some(Which::Installed)) {
                let this = self.check_one(other, pkg, removing, None, possi, group)?;
                found = found.max(this);
                if found == Found::Ok {
                    break;
                }
            }
            if found != Found::Ok {
                for r in self.providers(pkg, possi.ed, Which::Installed) {
                    self.report.debug(debug::DEPCONDETAIL, || {
                        let name = self.db.table.name(r.pkg, NameWhen::Always);
                        msg!("     checking provider %s", name)
                    });
                    let table = &self.db.table;
                    let Some((_, provided)) = table.possi(Which::Installed, r) else {
                        continue;
                    };
                    let bin = &table[r.pkg].installed;
                    if !super::super::depcon::arch_matches(
                        table,
                        bin,
                        provided.arch,
                        dep.kind,
                        possi,
                    ) {
                        self.report.debug(debug::DEPCONDETAIL, || {
                            msg!("       provider does not satisfy arch")
                        });
                        continue;
                    }
                    let provided = provided.clone();
                    let mut this =
                        self.check_one(r.pkg, pkg, removing, Some(&provided), possi, group)?;
                    // What a package provides to itself will be there once it is configured.
                    if this == Found::Defer && r.pkg == pkg && removing.is_none() {
                        this = Found::Ok;
                    }
                    found = found.max(this);
                    if found == Found::Ok {
                        break;
                    }
                }
            }
            self.report
                .debug(debug::DEPCONDETAIL, || msg!("    found %d", found as i32));
        }
        Ok(found)
    }

    /// What a force that works from `level` on makes of an unsatisfied dependency
    /// (`found_forced_on`).
    fn forced_from(&self, level: DependTry) -> Found {
        if self.dependtry >= level {
            Found::Forced
        } else {
            Found::Defer
        }
    }

    /// One package (through `provided`, if that is given) for one alternative
    /// (`deppossi_ok_found`).
    fn check_one(
        &mut self,
        other: PkgId,
        required_by: PkgId,
        removing: Option<PkgId>,
        provided: Option<&Possi>,
        wanted: &Possi,
        group: &mut Group,
    ) -> Result<Found> {
        let say = |run: &mut Run, text: &'static str| {
            run.report.debug(debug::DEPCONDETAIL, || msg!(text));
        };
        if self.ignore_depends(other) {
            say(self, "      ignoring depended package so ok and found");
            return Ok(Found::Ok);
        }
        let table = &self.db.table;
        let name = table.name(other, NameWhen::NonAmbig);
        let virt = provided.map(|p| table[p.ed].name.clone());
        let status = table[other].status();
        // The two forms every complaint has: about a package, or about one that provides.
        let complain = |real: &'static str, virtual_: &'static str| match &virt {
            Some(virt) => msg!(virtual_, &name, &**virt),
            None => msg!(real, &name),
        };
        if Some(other) == removing {
            group.why.push(complain(
                "  Package %s is to be removed.\n",
                "  Package %s which provides %s is to be removed.\n",
            ));
            group.matched = true;
            self.report.debug(debug::DEPCONDETAIL, || {
                let none = Found::None as i32;
                msg!("      removing possdependee, returning %d", none)
            });
            return Ok(Found::None);
        }
        if status < Status::Unpacked {
            group.why.push(complain(
                "  Package %s is not installed.\n",
                "  Package %s which provides %s is not installed.\n",
            ));
            say(self, "      not installed");
            return Ok(self.unsuitable(Found::None, group));
        }
        if let Some(why) = self.check_version(other, provided, wanted) {
            group.why.push(why);
            let forced = self.opts.force.has(Force::DependsVersion);
            let this = match forced {
                true => self.forced_from(DependTry::ForceDependsVersion),
                false => Found::None,
            };
            say(self, "      bad version");
            return Ok(self.unsuitable(this, group));
        }
        if matches!(status, Status::Installed | Status::TriggersPending) {
            say(self, "      is installed, ok and found");
            return Ok(Found::Ok);
        }
        if status == Status::TriggersAwaited {
            let Some(by) = self.db.table[other].trigaw.first().copied() else {
                let name = self.db.table.name(other, NameWhen::Always);
                let id = "package %s in state %s, has no awaited triggers";
                return Err(Error::internal(msg!(id, name, status.as_str())));
            };
            if removing.is_some() {
                group.why.push(complain(
                    "  Package %s awaits trigger processing.\n",
                    "  Package %s which provides %s awaits trigger processing.\n",
                ));
                say(self, "      triggers-awaited, no fixbytrig");
                return Ok(self.unsuitable(Found::None, group));
            }
            // Whether it really has pending triggers does not matter: processing none also
            // settles those that await it.
            group.fixbytrig = Some(by);
            self.report.debug(debug::DEPCONDETAIL, || {
                let by = self.db.table.name(by, NameWhen::Always);
                msg!("      triggers-awaited, fixbytrig '%s', defer", by)
            });
            return Ok(Found::Defer);
        }
        if self.istobe(other) == Istobe::InstallNew {
            say(self, "      unpacked/halfconfigured, defer");
            return Ok(Found::Defer);
        }
        if removing.is_none()
            && self.opts.force.has(Force::ConfigureAny)
            && !self.skip_due_to_hold(other)
            && status != Status::HalfConfigured
        {
            let by = self.db.table.name(required_by, NameWhen::NonAmbig);
            let line = msg!("also configuring '%s' (required by '%s')", name, by);
            self.report.notice(line);
            self.enqueue_package(other);
            self.sincenothing = 0;
            return Ok(Found::Defer);
        }
        group.why.push(complain(
            "  Package %s is not configured yet.\n",
            "  Package %s which provides %s is not configured yet.\n",
        ));
        say(self, "      not configured/able");
        Ok(self.unsuitable(Found::None, group))
    }

    fn unsuitable(&mut self, found: Found, group: &mut Group) -> Found {
        self.report.debug(debug::DEPCONDETAIL, || {
            msg!("        returning %d", found as i32)
        });
        group.interesting = true;
        found
    }

    /// What is wrong with the version, if it is.
    fn check_version(
        &mut self,
        other: PkgId,
        provided: Option<&Possi>,
        wanted: &Possi,
    ) -> Option<Msg> {
        let table = &self.db.table;
        let full_name = table.name(other, NameWhen::Always);
        let wanted_name = &*table[wanted.ed].name;
        match provided {
            Some(provided) => {
                self.report.debug(debug::DEPCONDETAIL, || {
                    let id = "      checking package %s provided by pkg %s";
                    msg!(id, wanted_name, &full_name)
                });
                let good = super::super::depcon::provide_satisfies(wanted, provided);
                (!good).then(|| {
                    msg!(
                        "  Version of %s on system, provided by %s, is %s.\n",
                        wanted_name,
                        &full_name,
                        provided.version.describe(Epoch::NonAmbig)
                    )
                })
            }
            None => {
                self.report.debug(debug::DEPCONDETAIL, || {
                    msg!("      checking non-provided pkg %s", &full_name)
                });
                let version = &table[other].installed.version;
                let good = wanted.relation.holds(version, &wanted.version);
                (!good).then(|| {
                    msg!(
                        "  Version of %s on system is %s.\n",
                        table.name(other, NameWhen::NonAmbig),
                        version.describe(Epoch::NonAmbig)
                    )
                })
            }
        }
    }

    /// Whether no installed package breaks one that is to be configured; and dpkg's
    /// explanation (`breakses_ok`).
    pub fn breakses_ok(&mut self, pkg: PkgId) -> (DepCheck, Explanation) {
        let mut why = Explanation::default();
        let check = self.check_breaks(pkg, &mut why);
        (check, why)
    }

    /// [`Run::breakses_ok`], adding to an explanation.
    pub(crate) fn check_breaks(&mut self, pkg: PkgId, msgs: &mut Explanation) -> DepCheck {
        self.report
            .debug(debug::DEPCON, || msg!("    checking Breaks"));
        let set = self.db.table[pkg].set;
        let mut ok = self.breaks_of_set(pkg, set, None, msgs);
        let depends = self.db.table[pkg].installed.depends.clone();
        for dep in depends.iter().filter(|d| d.kind == DepType::Provides) {
            let Some(provided) = dep.possi.first() else {
                continue;
            };
            self.report.debug(debug::DEPCONDETAIL, || {
                let name = &*self.db.table[provided.ed].name;
                msg!("     checking virtbroken %s", name)
            });
            ok = ok.min(self.breaks_of_set(pkg, provided.ed, Some(provided), msgs));
        }
        ok
    }

    /// The Breaks that name a set (`breaks_check_target`).
    fn breaks_of_set(
        &mut self,
        broken: PkgId,
        set: SetId,
        provided: Option<&Possi>,
        msgs: &mut Explanation,
    ) -> DepCheck {
        let mut ok = DepCheck::Ok;
        for r in self.db.table.depended(set, Which::Installed) {
            let depends = self.db.table.linked_depends(Which::Installed, r);
            let Some(dep) = depends.get(r.dep as usize) else {
                continue;
            };
            let Some(possi) = dep.possi.get(r.possi as usize) else {
                continue;
            };
            if dep.kind == DepType::Breaks
                && !self
                    .hooks
                    .hides(&self.db.table, broken, r.pkg, Which::Installed)
                && self.is_broken(broken, r.pkg, dep, possi, provided, msgs)
            {
                ok = DepCheck::Halt;
            }
        }
        ok
    }

    /// One `Breaks` of `breaker` (`breaks_check_one`).
    fn is_broken(
        &mut self,
        broken: PkgId,
        breaker: PkgId,
        dep: &Dependency,
        breaks: &Possi,
        provided: Option<&Possi>,
        msgs: &mut Explanation,
    ) -> bool {
        let table = &self.db.table;
        self.report.debug(debug::DEPCONDETAIL, || {
            let virt = provided.map_or("<none>", |p| &table[p.ed].name);
            let name = table.name(breaker, NameWhen::Always);
            msg!("      checking breaker %s virtbroken %s", name, virt)
        });
        let status = table[breaker].status();
        if matches!(status, Status::NotInstalled | Status::ConfigFiles)
            || broken == breaker
            || !self.version_satisfied(broken, Which::Installed, breaks)
            || !self.arch_satisfied(broken, Which::Installed, dep.kind, breaks)
            || self.ignore_depends(breaker)
        {
            return false;
        }
        if let Some(provided) = provided {
            let first = table[provided.ed].pkgs.first();
            if first.is_some_and(|p| self.ignore_depends(*p))
                || !super::super::depcon::provide_satisfies(breaks, provided)
            {
                return false;
            }
        }
        let name = table.name(broken, NameWhen::NonAmbig);
        let version = table[broken].installed.version.describe(Epoch::NonAmbig);
        msgs.push(msg!(
            " %s (%s) breaks %s and is %s.\n",
            table.name(breaker, NameWhen::NonAmbig),
            table[breaker].installed.version.describe(Epoch::NonAmbig),
            dependency_text(table, dep),
            status_words(status)
        ));
        if let Some(provided) = provided {
            let virt = &*table[provided.ed].name;
            msgs.push(msg!("  %s (%s) provides %s.\n", name, version, virt));
        } else if breaks.relation != Relation::None {
            let id = "  Version of %s to be configured is %s.\n";
            msgs.push(msg!(id, name, version));
            if self.opts.force.has(Force::DependsVersion) {
                return false;
            }
        }
        !self.force_breaks(breaker, dep)
    }
}
