//! Dependency cycles: finding one and breaking it (`findbreakcycle`).
//!
//! The search goes down the dependencies of installed packages. It keeps its own stack, as a
//! chain of dependencies may be as long as the database.

use std::sync::Arc;

use super::super::{CycleColor, Istobe, Run};
use crate::error::Result;
use crate::msg;
use crate::pkg::{DepType, Dependency, NameWhen, PkgId, PossiRef, Which};
use crate::report::debug;

/// One package on the way down, and how far its dependencies were followed.
struct Link {
    pkg: PkgId,
    depends: Arc<[Dependency]>,
    /// The next alternative to look at: dependency, alternative.
    next: (usize, usize),
    /// The alternative being followed.
    possi: Option<PossiRef>,
    /// The packages it may mean, the last to be tried next.
    candidates: Vec<PkgId>,
}

impl Run {
    /// Look for a dependency cycle that `pkg` leads into and break it at one of its links, if
    /// possible at one of a package without postinst (to which the order does not matter).
    /// Returns whether one was broken (`findbreakcycle`).
    pub fn find_break_cycle(&mut self, pkg: PkgId) -> Result<bool> {
        for state in &mut self.per_package {
            state.color = CycleColor::White;
        }
        let mut chain: Vec<Link> = Vec::new();
        self.enter_link(&mut chain, pkg);
        while let Some(link) = chain.last_mut() {
            let Some(candidate) = link.candidates.pop() else {
                if !self.next_possi(link) {
                    let done = link.pkg;
                    self.state(done).color = CycleColor::Black;
                    chain.pop();
                }
                continue;
            };
            let above = chain.len() - 1;
            if chain[..above].iter().any(|l| l.pkg == candidate) {
                self.break_cycle(&chain, candidate)?;
                return Ok(true);
            }
            self.enter_link(&mut chain, candidate);
        }
        Ok(false)
    }

    /// Start on a package's dependencies, unless they are known to lead into no cycle.
    fn enter_link(&mut self, chain: &mut Vec<Link>, pkg: PkgId) {
        if self.state(pkg).color == CycleColor::Black {
            return;
        }
        self.state(pkg).color = CycleColor::Gray;
        let table = &self.db.table;
        self.report.debug(debug::DEPCONDETAIL, || {
            let mut so_far = String::new();
            for link in chain.iter().rev() {
                so_far.push_str(" <- ");
                so_far.push_str(&table.name(link.pkg, NameWhen::NonAmbig));
            }
            let name = table.name(pkg, NameWhen::Always);
            msg!("findbreakcyclerecursive %s %s", name, so_far)
        });
        chain.push(Link {
            pkg,
            depends: table[pkg].installed.depends.clone(),
            next: (0, 0),
            possi: None,
            candidates: Vec::new(),
        });
    }

    /// Move on to the next alternative of a [Pre-]Depends and gather what it may mean.
    fn next_possi(&mut self, link: &mut Link) -> bool {
        while let Some(dep) = link.depends.get(link.next.0) {
            let wanted = matches!(dep.kind, DepType::Depends | DepType::PreDepends);
            let Some(possi) = dep.possi.get(link.next.1).filter(|_| wanted) else {
                link.next = (link.next.0 + 1, 0);
                continue;
            };
            let r = PossiRef {
                pkg: link.pkg,
                dep: link.next.0 as u32,
                possi: link.next.1 as u32,
                gone: 0,
            };
            link.next.1 += 1;
            if self.is_cycle_break(r) {
                continue;
            }
            link.possi = Some(r);
            let mut found = self.candidates(link.pkg, dep.kind, possi, Some(Which::Installed));
            for provide in self.providers(link.pkg, possi.ed, Which::Installed) {
                // Only a provider that is being worked on can still come in time.
                if self.istobe(provide.pkg) != Istobe::Normal {
                    found.push(provide.pkg);
                }
            }
            found.reverse();
            link.candidates = found;
            return true;
        }
        false
    }

    /// Choose where to break: the lowest package without postinst, or else the first link of
    /// the cycle, that of `first`.
    fn break_cycle(&mut self, chain: &[Link], first: PkgId) -> Result<()> {
        self.report.debug(debug::DEPCON, || msg!("found cycle"));
        let lowest = chain.len().saturating_sub(1);
        let mut chosen = None;
        for (i, link) in chain.iter().enumerate().rev() {
            chosen = link.possi;
            if i != lowest && link.pkg == first {
                break;
            }
            let has = self
                .db
                .infodb_has_file(link.pkg, Which::Installed, "postinst")?;
            if !has {
                break;
            }
        }
        if let Some(r) = chosen {
            self.cycle_breaks.insert(r);
            let table = &self.db.table;
            self.report.debug(debug::DEPCON, || {
                let ed = table.possi(Which::Installed, r).map(|(_, p)| p.ed);
                let ed = ed.map_or("", |set| &table[set].name);
                msg!(
                    "cycle broken at %s -> %s",
                    table.name(r.pkg, NameWhen::Always),
                    ed
                )
            });
        }
        Ok(())
    }
}
