//! The steps in their order.

use std::collections::{BTreeMap, BTreeSet};

use super::error::{PlanError, Warning, named};
use super::index::{Index, MAIN, Place, World, needs};
use super::linking::{Linking, Override, Scope, Strength};
use super::needs::{Key, Needs};
use super::observed::{Known, Observed, ObservedMember, Origin, Rules};
use super::{Apart, LinkPlan, Linked, WorldPlan, process, realize, vote};
use crate::decide::needed;
use crate::layout::{InstallationId, RealizationId, Soname};
use crate::manifest::{LibraryPin, Reason, Standing, State};

/// How the packages of these worlds are linked.
///
/// # Errors
/// The facts of an installation that a world has were not given.
pub fn plan(known: &Known<'_>, observed: &Observed, rules: &Rules) -> Result<LinkPlan, PlanError> {
    let index = Index::new(*known, observed, rules)?;
    let needs = Needs::new(&index);
    let mut warnings = unheard(&index, rules);
    let mut worlds = Vec::new();
    for world in 0..index.worlds.len() {
        worlds.push(vote::of_world(&needs, world, rules, &mut warnings));
    }
    let generation = vote::of_generation(&needs, &worlds);
    let mut linking = Linking::new(&needs, &worlds, &generation);
    for world in 0..index.worlds.len() {
        link(&mut linking, world, rules, &mut warnings);
    }
    // What mending gave was looked at one by one, and a copy that was parted from the main world's since then is not
    // in that: a circle would leave nothing to be made.
    break_circles(&mut linking, rules, &mut warnings);
    let (realizations, realized) = realize::realizations(&linking);
    let plans = (0..index.worlds.len()).map(|world| world_plan(&linking, &realized, world));
    Ok(LinkPlan {
        worlds: plans.collect(),
        realizations,
        lib: realize::lib(&linking, &realized, &generation),
        libraries: generation.libraries.clone(),
        hides: rules.hides.clone(),
        pins: rules.pins.clone(),
        warnings,
    })
}

/// Pins that are about nothing.
fn unheard(index: &Index<'_>, rules: &Rules) -> Vec<Warning> {
    let why = |pin: &LibraryPin| -> Option<String> {
        let Some(facts) = index.known.facts.get(&pin.provider) else {
            return Some("the store does not have that".into());
        };
        let mut public = facts.objects.iter().filter(|o| o.public);
        if !public.any(|o| o.soname.as_ref() == Some(&pin.soname)) {
            return Some("it has no such library for everybody".into());
        }
        let named = |only| {
            let mut members = index.spots.iter().filter(|s| s.member.is_some());
            members.any(|s| s.facts.id.package() == only)
        };
        match &pin.only {
            Some(only) if !named(only) => Some("its consumer is not in the view".into()),
            Some(_) => None,
            None if index.spots.iter().any(|s| s.facts.id == pin.provider) => None,
            None => Some("nothing in the view needs it".into()),
        }
    };
    let about = |pin: &LibraryPin| {
        Some(Warning::Pin {
            pin: pin.clone(),
            world: None,
            why: why(pin)?,
        })
    };
    rules.pins.iter().filter_map(about).collect()
}

/// How often what was mended in contexts is looked at again outside of them: twice is much.
const ROUNDS: usize = 8;

/// Link the packages of a world; the main one's before those of side worlds.
fn link(
    linking: &mut Linking<'_, '_, '_>,
    world: World,
    rules: &Rules,
    warnings: &mut Vec<Warning>,
) {
    if world != MAIN {
        linking.share(world);
    }
    give(linking, world);
    break_circles(linking, rules, warnings);
    // What is mended for one scope may part a copy from the main world's, which the other is to see.
    let scopes = [Scope::Outside, Scope::Inside];
    for scope in scopes.into_iter().cycle().take(2 * ROUNDS) {
        let (mut refused, mut mended) = (Vec::new(), false);
        if !is_uniform(linking, scope, world) {
            (refused, mended) = process::mend(linking, scope, world);
        }
        for refused in refused {
            let about = refused.taken_back;
            let pins = about.map(|(package, provider)| {
                about_pins(linking, rules, package, provider, None, &refused.why)
            });
            let told = pins
                .filter(|p| !p.is_empty())
                .unwrap_or_else(|| vec![refused.warning]);
            for warning in told {
                if !warnings.contains(&warning) {
                    warnings.push(warning);
                }
            }
        }
        if scope == Scope::Inside && !mended {
            break;
        }
    }
    without_effect(linking, world, rules, warnings);
}

/// Drop what packages can't be linked with as they would be in a circle.
fn break_circles(linking: &mut Linking<'_, '_, '_>, rules: &Rules, warnings: &mut Vec<Warning>) {
    for (package, key, of) in linking.break_circles() {
        let soname = Some(linking.needs.soname(key));
        let why = "it is itself linked with that package";
        let told = about_pins(linking, rules, package, of.provider, soname, why);
        warnings.extend(told);
    }
}

/// Give the packages of a world what they are to have by their own `lib/`.
fn give(linking: &mut Linking<'_, '_, '_>, world: World) {
    let (needs, index) = (linking.needs, linking.index());
    let (choice, generation) = (&linking.worlds[world], linking.generation);
    for ((package, key), (provider, why)) in &choice.others {
        if linking.of(*package) == *package {
            let (why, strength) = (why.clone(), Strength::Special);
            linking.give(
                *package,
                *key,
                Override {
                    provider: *provider,
                    why,
                    strength,
                },
            );
        }
    }
    let home = index
        .in_world(world)
        .map(|(p, _)| p)
        .filter(|p| index.is_home(*p));
    for package in home {
        for key in needs.needed_by(package) {
            let Some(provider) = choice.providers[*key] else {
                continue;
            };
            let general = generation.providers[*key];
            if general.is_none_or(|g| !linking.same(g, provider)) && !linking.is_own(package, *key)
            {
                let why = match general {
                    Some(general) => {
                        format!("outside of contexts {} is in use", named(index.id(general)))
                    }
                    None => "outside of contexts the host's is in use".into(),
                };
                let strength = Strength::World;
                linking.give(
                    package,
                    *key,
                    Override {
                        provider,
                        why,
                        strength,
                    },
                );
            }
        }
    }
}

/// Whether there is nothing in a world that a process could get and should not.
fn is_uniform(linking: &Linking<'_, '_, '_>, scope: Scope, world: World) -> bool {
    let choice = &linking.worlds[world];
    let is_its =
        |key: Key, place: Place| choice.providers[key].is_none_or(|p| linking.same(p, place));
    let general = &linking.generation.providers;
    let outside = scope == Scope::Inside
        || linking
            .needs
            .keys()
            .all(|key| match (choice.providers[key], general[key]) {
                (Some(own), Some(general)) => linking.same(own, general),
                (own, _) => own.is_none(),
            });
    let of_package = |place: Place| {
        let overrides = linking
            .overrides
            .get(&linking.of(place))
            .into_iter()
            .flatten();
        let mut own = linking.own(place);
        overrides
            .into_iter()
            .all(|(key, of)| is_its(*key, of.provider))
            && own.all(|key| is_its(key, place))
    };
    outside
        && linking
            .index()
            .in_world(world)
            .all(|(place, _)| of_package(place))
}

/// What becomes of a person's choice of a provider for a package (of one library, or all), if there is one.
fn about_pins(
    linking: &Linking<'_, '_, '_>,
    rules: &Rules,
    package: Place,
    provider: Place,
    soname: Option<&Soname>,
    why: &str,
) -> Vec<Warning> {
    let index = linking.index();
    let about = |pin: &&LibraryPin| {
        let only = pin
            .only
            .as_ref()
            .is_none_or(|o| o == index.id(package).package());
        only && pin.provider == *index.id(provider) && soname.is_none_or(|s| *s == pin.soname)
    };
    let world = index.world_name(index.world(package)).cloned();
    let warning = |pin: &LibraryPin| Warning::Pin {
        pin: pin.clone(),
        world: Some(world.clone()),
        why: why.into(),
    };
    rules.pins.iter().filter(about).map(warning).collect()
}

/// Choices for one package that nothing of it would see. Of several libraries of a provider, it may do without some.
fn without_effect(
    linking: &Linking<'_, '_, '_>,
    world: World,
    rules: &Rules,
    warnings: &mut Vec<Warning>,
) {
    let index = linking.index();
    let mut wishes: BTreeMap<_, Vec<(&LibraryPin, Result<(), &str>)>> = BTreeMap::new();
    for pin in rules.pins.iter().filter(|p| p.only.is_some()) {
        for (place, spot) in index.in_world(world).filter(|(_, s)| s.member.is_some()) {
            let overrides = linking
                .overrides
                .get(&linking.of(place))
                .into_iter()
                .flatten();
            let is_it = |(key, of): &(&Key, &Override)| {
                *linking.needs.soname(**key) == pin.soname && *index.id(of.provider) == pin.provider
            };
            let mut given = overrides.into_iter().filter(is_it);
            if pin.only.as_ref() == Some(spot.facts.id.package())
                && let Some((key, _)) = given.next()
            {
                let effect = process::effect(linking, place, *key);
                wishes
                    .entry((place, &pin.provider))
                    .or_default()
                    .push((pin, effect));
            }
        }
    }
    for effects in wishes.into_values() {
        if let Some((pin, Err(why))) = effects.first()
            && effects.iter().all(|(_, effect)| effect.is_err())
        {
            let (pin, why) = ((*pin).clone(), (*why).to_string());
            let world = Some(index.world_name(world).cloned());
            warnings.push(Warning::Pin { pin, world, why });
        }
    }
}

/// What of the plan is a world's.
fn world_plan(
    linking: &Linking<'_, '_, '_>,
    realized: &BTreeMap<Place, RealizationId>,
    world: World,
) -> WorldPlan {
    let index = linking.index();
    let observed = index.worlds[world];
    let standing = |m: &ObservedMember| Standing {
        reason: m.reason,
        state: m.state,
    };
    let mut plan = WorldPlan {
        name: observed.name.clone(),
        made: observed.made.clone(),
        kept: realize::kept(linking, realized, world),
        lib: realize::lib(linking, realized, &linking.worlds[world]),
        libraries: linking.worlds[world].libraries.clone(),
        links: realize::links(linking, world),
        edges: index.edges[world].clone(),
        ..WorldPlan::default()
    };
    for (place, spot) in index.in_world(world) {
        if let (Some(member), Some(realization)) = (spot.member, realized.get(&place)) {
            let (realization, standing) = (realization.clone(), standing(member));
            plan.members.insert(
                spot.facts.id.clone(),
                Linked {
                    realization,
                    standing,
                },
            );
        }
    }
    let present = observed
        .members
        .iter()
        .filter(|m| m.state != State::ConfigFiles);
    for member in present.filter(|m| m.installation().is_none()) {
        plan.apart.push(Apart {
            name: member.name.clone(),
            version: member.version.clone(),
            architecture: member.architecture.clone(),
            standing: standing(member),
            why: match &member.origin {
                Origin::Tree(why) => Some(why.clone()),
                _ => None,
            },
        });
    }
    plan.apart
        .sort_by(|a, b| (&a.name, &a.architecture).cmp(&(&b.name, &b.architecture)));
    let wanted = plan
        .members
        .iter()
        .filter(|(_, l)| l.standing.reason == Reason::Want);
    let wanted: BTreeSet<InstallationId> = wanted
        .map(|(id, _)| id.clone())
        .chain(plan.kept.keys().cloned())
        .collect();
    plan.needed = needed(&needs(index, world), &wanted);
    plan
}
