//! What must hold of every plan, told from its data alone.

use std::collections::{BTreeMap, BTreeSet};

use super::super::*;
use super::made::{Made, spec};
use crate::elf::Port;
use crate::facts::Object;

/// A plan, and what it is about.
struct Sound<'s> {
    made: &'s Made,
    plan: &'s LinkPlan,
    realizations: BTreeMap<RealizationId, &'s Realization>,
}

/// Where a program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Inside,
    Outside,
}

pub fn check(made: &Made, observed: &Observed, plan: &LinkPlan) {
    let realizations = plan.realizations.iter().map(|r| (r.id(), r)).collect();
    let sound = Sound {
        made,
        plan,
        realizations,
    };
    sound.order();
    assert_eq!(plan.worlds.len(), observed.worlds.len());
    for world in &plan.worlds {
        let seen = observed
            .worlds
            .iter()
            .find(|w| w.name == world.name)
            .unwrap();
        sound.members(seen, world);
        sound.links(world);
        sound.processes(world);
    }
    sound.pins();
    let members: BTreeSet<RealizationId> =
        plan.members().into_iter().map(|m| m.realization).collect();
    assert_eq!(
        members,
        sound.realizations.keys().cloned().collect(),
        "nothing is made for nothing"
    );
}

impl Sound<'_> {
    /// Each once, and providers before those that are linked with them.
    fn order(&self) {
        let mut seen = BTreeSet::new();
        for realization in &self.plan.realizations {
            for provider in realization.overrides.values() {
                assert!(seen.contains(provider), "{provider} comes later");
            }
            assert!(seen.insert(realization.id()));
        }
    }

    /// All that was observed is there, and what the main world's lib/ can serve is linked once.
    fn members(&self, observed: &ObservedWorld, world: &WorldPlan) {
        let stored: BTreeSet<&InstallationId> = observed
            .members
            .iter()
            .filter_map(|m| m.installation())
            .collect();
        assert_eq!(stored, world.members.keys().collect());
        assert_eq!(
            world.members.len() + world.apart.len(),
            observed.members.len()
        );
        for (id, linked) in &world.members {
            assert_eq!(self.realizations[&linked.realization].installation, *id);
        }
        for (soname, offered) in world.lib.values().flatten() {
            let here = self.realized(world, &offered.installation);
            assert_eq!(here, Some(&offered.realization), "{soname}");
        }
    }

    fn realized<'w>(&self, world: &'w WorldPlan, id: &InstallationId) -> Option<&'w RealizationId> {
        let member = world.members.get(id).map(|m| &m.realization);
        member.or_else(|| world.kept.get(id))
    }

    fn public(&self, id: &InstallationId, soname: &Soname) -> bool {
        let objects = &self.made.facts[id].objects;
        objects
            .iter()
            .any(|o| o.public && o.soname.as_ref() == Some(soname))
    }

    /// What ld.so does with what is written in a realization and in lib/.
    fn find(
        &self,
        place: Place,
        world: &WorldPlan,
        by: &RealizationId,
        soname: &Soname,
    ) -> Option<RealizationId> {
        let realization = self.realizations[by];
        assert!(!realization.own.contains(soname) || !realization.overrides.contains_key(soname));
        if realization.own.contains(soname) {
            return Some(by.clone());
        }
        if let Some(provider) = realization.overrides.get(soname) {
            return Some(provider.clone());
        }
        let facts = &self.made.facts[&realization.installation];
        let port = Port::of(&facts.objects.first()?.target)?;
        let architecture: Architecture = port.architecture.parse().unwrap();
        let lib = if place == Place::Inside {
            &world.lib
        } else {
            &self.plan.lib
        };
        if let Some(offered) = lib.get(&architecture).and_then(|l| l.get(soname)) {
            return Some(offered.realization.clone());
        }
        // By its file name, through a RUNPATH of the archive's.
        let has = |id: &InstallationId| {
            let objects = &self.made.facts[id].objects;
            objects
                .iter()
                .any(|o| !o.public && o.path.ends_with(soname.as_str()))
        };
        let mut there = world.members.keys().filter(|id| has(id));
        if has(&realization.installation) {
            return Some(by.clone());
        }
        there
            .next()
            .and_then(|id| self.realized(world, id).cloned())
    }

    /// The table says what is so.
    fn links(&self, world: &WorldPlan) {
        for link in &world.links {
            let Some(by) = self.realized(world, &link.consumer) else {
                continue;
            };
            if link.architecture != *link.consumer.architecture() {
                continue;
            }
            let found = self.find(Place::Inside, world, by, &link.soname);
            let found = found.map(|r| &self.realizations[&r].installation);
            assert_eq!(
                found,
                link.provider.as_ref(),
                "{} {}",
                link.consumer,
                link.soname
            );
        }
    }

    /// Every program finds its own world's libraries, in a context of it and, if the package is at home there, outside.
    fn processes(&self, world: &WorldPlan) {
        let main = self.plan.main().unwrap();
        for (id, linked) in &world.members {
            let home = world.name.is_none() || !main.members.contains_key(id);
            for program in self.made.facts[id]
                .objects
                .iter()
                .filter(|o| o.interpreter.is_some())
            {
                self.process(Place::Inside, world, id, linked, program);
                if home {
                    self.process(Place::Outside, world, id, linked, program);
                }
            }
        }
    }

    fn process(
        &self,
        place: Place,
        world: &WorldPlan,
        id: &InstallationId,
        linked: &Linked,
        program: &Object,
    ) {
        let warned = self
            .plan
            .warnings
            .iter()
            .any(|w| matches!(w, Warning::Process { package, .. } if package == id));
        if warned {
            return;
        }
        let mut loaded: BTreeMap<Soname, Option<RealizationId>> = BTreeMap::new();
        let mut queue: Vec<(RealizationId, &Object)> = vec![(linked.realization.clone(), program)];
        let mut asked = Vec::new();
        let mut at = 0;
        while let Some((by, object)) = queue.get(at).cloned() {
            let mut needed = object.needed.clone();
            if at == 0 {
                needed.extend(self.realizations[&by].needed.iter().cloned());
            }
            for soname in needed {
                asked.push((by.clone(), soname.clone()));
                if loaded.contains_key(&soname) {
                    continue;
                }
                let found = self.find(place, world, &by, &soname);
                loaded.insert(soname.clone(), found.clone());
                if let Some(found) = found {
                    let objects = &self.made.facts[&self.realizations[&found].installation].objects;
                    let named = |o: &&Object| {
                        o.soname.as_ref() == Some(&soname) || o.path.ends_with(soname.as_str())
                    };
                    queue.push((found, objects.iter().find(named).unwrap()));
                }
            }
            at += 1;
        }
        let architecture: Architecture = Port::of(&program.target)
            .unwrap()
            .architecture
            .parse()
            .unwrap();
        for (by, soname) in asked {
            let Some(found) = &loaded[&soname] else {
                continue;
            };
            let (by, of) = (
                &self.realizations[&by].installation,
                &self.realizations[found].installation,
            );
            let about = || {
                format!(
                    "{place:?} {:?} {}: {} gets {soname} of {}",
                    world.name,
                    spec(id),
                    spec(by),
                    spec(of)
                )
            };
            // It is linked as here.
            assert_eq!(self.realized(world, of), Some(found), "{}", about());
            let due = world.lib.get(&architecture).and_then(|l| l.get(&soname));
            let of_world = due.is_none_or(|d| d.realization == *found);
            let ruled = !self.plan.pins.is_empty() || !self.plan.hides.is_empty();
            let several = || {
                world
                    .members
                    .keys()
                    .filter(|m| self.public(m, &soname))
                    .count()
                    > 1
            };
            assert!(of_world || ruled || several(), "{}", about());
            if !of_world && by != of {
                let verdict = self.made.verdict(by, &architecture, &soname, None, of);
                let came_with = due.map(|d| &d.installation);
                let worse = came_with.is_some_and(|c| {
                    self.made
                        .verdict(by, &architecture, &soname, None, c)
                        .missing
                        .is_empty()
                });
                assert!(verdict.missing.is_empty() || !worse, "{}", about());
            }
        }
    }

    /// A pin for one package is followed, or said not to be.
    fn pins(&self) {
        let pins = self
            .plan
            .pins
            .iter()
            .filter_map(|p| Some((p, p.only.as_ref()?)));
        for (pin, only) in pins {
            for world in &self.plan.worlds {
                let said = |w: &Warning| match w {
                    Warning::Pin {
                        pin: about,
                        world: at,
                        ..
                    } => about == pin && at.as_ref().is_none_or(|at| *at == world.name),
                    _ => false,
                };
                if self.plan.warnings.iter().any(said) {
                    continue;
                }
                for (id, linked) in world.members.iter().filter(|(id, _)| id.package() == only) {
                    let overrides = &self.realizations[&linked.realization].overrides;
                    let given = overrides.get(&pin.soname);
                    let given = given.map(|r| &self.realizations[r].installation);
                    let foreign = id.architecture() != pin.provider.architecture();
                    let later = self
                        .plan
                        .pins
                        .iter()
                        .any(|p| p != pin && p.only == pin.only && p.provider != pin.provider);
                    let itself = *id == pin.provider;
                    let mut worlds = world.lib.values().filter_map(|l| l.get(&pin.soname));
                    let is_world =
                        given.is_none() && worlds.any(|o| o.installation == pin.provider);
                    assert!(
                        given == Some(&pin.provider) || foreign || is_world || later || itself,
                        "{pin} {:?}",
                        world.name
                    );
                }
            }
        }
    }
}
