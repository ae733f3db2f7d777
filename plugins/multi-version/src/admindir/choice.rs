//! Which packages of a generation a dpkg database can hold: one version of each, no conflicts, and the
//! dependencies of what is shown hold among what is shown as they hold in the view.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

use super::Present;
use crate::decide::Versions;
use crate::facts::{MultiArch, Op, Relation};
use crate::layout::{Architecture, InstallationId, PackageName, Version};
use crate::manifest::State;

/// Why a package is not shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeftOut {
    /// Another version of it is.
    OtherVersion(InstallationId),
    /// It is shown for another architecture, and they can't both be in a database.
    OtherArchitecture(InstallationId),
    /// It conflicts with what is shown.
    Conflict(InstallationId),
    /// It depends on what is not shown.
    Needs(InstallationId),
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, id) = match self {
            LeftOut::OtherVersion(id) => ("version", id),
            LeftOut::OtherArchitecture(id) => ("architecture", id),
            LeftOut::Conflict(id) => {
                return write!(f, "conflicts with {} {}", id.package(), id.version());
            }
            LeftOut::Needs(id) => {
                return write!(
                    f,
                    "depends on {} {}, which is left out",
                    id.package(),
                    id.version()
                );
            }
        };
        let (name, version, arch) = (id.package(), id.version(), id.architecture());
        write!(f, "another {what} of it is shown: {name}:{arch} {version}")
    }
}

/// Choose: what is shown, and why the rest is not.
pub fn choose<'a>(
    present: &[Present<'a>],
    native: &Architecture,
    versions: &dyn Versions,
) -> (Vec<Present<'a>>, BTreeMap<InstallationId, LeftOut>) {
    let mut choice = Choice {
        all: present,
        native,
        versions,
        shown: BTreeMap::new(),
        left_out: BTreeMap::new(),
    };
    choice.one_of_each();
    choice.no_conflicts();
    while choice.no_gaps() {}
    let shown = choice.shown.into_values().collect();
    (shown, choice.left_out)
}

struct Choice<'c, 'a> {
    all: &'c [Present<'a>],
    native: &'c Architecture,
    versions: &'c dyn Versions,
    shown: BTreeMap<InstallationId, Present<'a>>,
    left_out: BTreeMap<InstallationId, LeftOut>,
}

impl<'a> Choice<'_, 'a> {
    fn leave_out(&mut self, id: &InstallationId, why: LeftOut) {
        self.shown.remove(id);
        self.left_out.entry(id.clone()).or_insert(why);
    }

    fn one_of_each(&mut self) {
        let mut of_name: BTreeMap<&PackageName, Vec<Present<'a>>> = BTreeMap::new();
        for present in self.all {
            let same = of_name.entry(present.facts.id.package()).or_default();
            same.push(*present);
        }
        for (_, mut same) in of_name {
            // The best first: what is there, in root/, of this machine, and new.
            same.sort_by(|a, b| {
                let rank = |p: &Present<'a>| {
                    let gone = p.member.state == State::ConfigFiles;
                    let arch = p.facts.id.architecture();
                    let foreign = arch != self.native && arch.as_str() != "all";
                    (gone, p.member.slot.is_some(), foreign)
                };
                let newer = self
                    .versions
                    .compare(b.facts.id.version(), a.facts.id.version());
                rank(a).cmp(&rank(b)).then(newer)
            });
            let mut taken: Vec<Present<'a>> = Vec::new();
            for present in same {
                let id = present.id();
                match taken.iter().find_map(|t| excludes(t, &present)) {
                    Some(why) if !taken.iter().any(|t| t.id() == id) => self.leave_out(id, why),
                    Some(_) => {}
                    None => {
                        taken.push(present);
                        self.shown.insert(id.clone(), present);
                    }
                }
            }
        }
    }

    fn no_conflicts(&mut self) {
        for present in self.all {
            for relaxed in &present.member.relaxed {
                let with = self.shown.values().find(|s| {
                    let (id, of) = (s.id(), &relaxed.with);
                    (id.package(), id.version(), id.architecture())
                        == (of.package(), of.version(), of.architecture())
                });
                let (Some(with), true) = (with.copied(), self.shown.contains_key(present.id()))
                else {
                    continue;
                };
                // The one in a slot goes, or else the one that has the field.
                let (stays, goes) = match with.member.slot.is_some() {
                    true if present.member.slot.is_none() => (*present, with),
                    _ => (with, *present),
                };
                self.leave_out(goes.id(), LeftOut::Conflict(stays.id().clone()));
            }
        }
    }

    /// Leave out what needs something that is left out; whether there was any.
    fn no_gaps(&mut self) -> bool {
        let mut gaps = Vec::new();
        for (id, present) in &self.shown {
            if present.member.state == State::ConfigFiles {
                continue;
            }
            for group in &present.control().depends {
                let by =
                    |p: &&Present<'a>| group.iter().any(|r| self.satisfies(r, p, present.id()));
                if self.shown.values().any(|p| by(&p)) {
                    continue;
                }
                // What nothing in the view satisfies the host does, or else nobody.
                if let Some(hidden) = self.all.iter().find(by) {
                    gaps.push((id.clone(), LeftOut::Needs(hidden.id().clone())));
                    break;
                }
            }
        }
        let found = !gaps.is_empty();
        for (id, why) in gaps {
            self.leave_out(&id, why);
        }
        found
    }

    fn satisfies(&self, relation: &Relation, by: &Present<'a>, of: &InstallationId) -> bool {
        if by.member.state == State::ConfigFiles {
            return false;
        }
        let (id, control) = (by.id(), by.control());
        let own = |arch: &Architecture| match arch.as_str() {
            "all" => self.native.clone(),
            _ => arch.clone(),
        };
        let fits = match relation.architecture.as_deref() {
            None => {
                own(id.architecture()) == own(of.architecture())
                    || control.multi_arch == MultiArch::Foreign
            }
            Some("any") => matches!(control.multi_arch, MultiArch::Allowed | MultiArch::Foreign),
            Some(arch) => own(id.architecture()).as_str() == arch,
        };
        let version = |version: &Version| match &relation.version {
            None => true,
            Some((op, than)) => holds(self.versions.compare(version, than), *op),
        };
        let provided = || {
            control.provides.iter().any(|p| {
                p.name == relation.name
                    && match &p.version {
                        None => relation.version.is_none(),
                        Some(of) => version(of),
                    }
            })
        };
        fits && (relation.name == *id.package() && version(id.version()) || provided())
    }
}

fn holds(order: Ordering, op: Op) -> bool {
    match op {
        Op::Lt => order.is_lt(),
        Op::Le => order.is_le(),
        Op::Eq => order.is_eq(),
        Op::Ge => order.is_ge(),
        Op::Gt => order.is_gt(),
    }
}

/// Why a package can't be shown beside another of its name.
fn excludes(shown: &Present<'_>, other: &Present<'_>) -> Option<LeftOut> {
    let (id, of) = (shown.id(), other.id());
    if id.architecture() == of.architecture() {
        return Some(LeftOut::OtherVersion(id.clone()));
    }
    let same = |p: &Present<'_>| p.control().multi_arch == MultiArch::Same;
    if !same(shown) || !same(other) {
        return Some(LeftOut::OtherArchitecture(id.clone()));
    }
    // apt takes them for one source's: they are of one version, or not both there.
    (id.version() != of.version()).then(|| LeftOut::OtherVersion(id.clone()))
}
