//! What persons ruled: hidden versions and pinned libraries, those of the current generation with the request's.

use std::collections::BTreeSet;

use super::Request;
use super::error::PlanError;
use super::relations::{Index, Place};
use crate::layout::Soname;
use crate::manifest::{Hide, LibraryPin, Manifest};

/// The hides that hold from now on.
pub(super) fn hides(current: Option<&Manifest>, request: &Request) -> Vec<Hide> {
    let mut hides: Vec<Hide> = Vec::new();
    let present = current.iter().flat_map(|m| &m.hides);
    let present = present.filter(|h| !request.unhide.contains(h));
    for hide in present.chain(&request.hide) {
        if !hides.contains(hide) {
            hides.push(hide.clone());
        }
    }
    hides
}

/// The sonames that a package has for everybody.
pub(super) fn public_sonames<'w>(index: &Index<'w>, package: Place) -> BTreeSet<&'w Soname> {
    let objects = index.facts(package).objects.iter();
    objects
        .filter(|o| o.public)
        .filter_map(|o| o.soname.as_ref())
        .collect()
}

/// The pins that hold from now on. One of the request takes the place of an older one for the same consumer, if both
/// are about libraries of one build: those stay together.
pub(super) fn pins(
    index: &Index<'_>,
    current: Option<&Manifest>,
    request: &Request,
) -> Result<Vec<LibraryPin>, PlanError> {
    for pin in &request.pin {
        let place = index.place(&pin.provider);
        let place = place.ok_or_else(|| PlanError::NoFacts(pin.provider.clone()))?;
        if !public_sonames(index, place).contains(&pin.soname) {
            let why = "it has no such library for everybody".into();
            return Err(PlanError::Pin {
                pin: Box::new(pin.clone()),
                why,
            });
        }
    }
    let has = |pin: &LibraryPin, soname: &Soname| {
        let place = index.place(&pin.provider);
        place.is_some_and(|p| public_sonames(index, p).contains(soname))
    };
    let gives_way = |old: &&LibraryPin| {
        let unpinned = (old.soname.clone(), old.only.clone());
        request.unpin.contains(&unpinned)
            || request.pin.iter().any(|new| {
                let about = new.only == old.only
                    && new.provider.architecture() == old.provider.architecture();
                about && (has(new, &old.soname) || has(old, &new.soname))
            })
    };
    let mut pins: Vec<LibraryPin> = Vec::new();
    let present = current.iter().flat_map(|m| &m.pins);
    for pin in present.filter(|p| !gives_way(p)).chain(&request.pin) {
        if !pins.contains(pin) {
            pins.push(pin.clone());
        }
    }
    Ok(pins)
}

/// The pins that are about something that is still there. A pinned provider must not be removed, and a new pin must
/// be about a member.
pub(super) fn settle(
    index: &Index<'_>,
    pins: Vec<LibraryPin>,
    set: &BTreeSet<Place>,
    request: &Request,
) -> Result<Vec<LibraryPin>, PlanError> {
    let mut settled = Vec::new();
    for pin in pins {
        let named = |p: &Place| pin.only.as_ref() == Some(index.id(*p).package());
        let consumer = pin.only.is_none() || set.iter().any(named);
        let provider = index.place(&pin.provider).is_some_and(|p| set.contains(&p));
        match (consumer, provider) {
            (true, true) => settled.push(pin),
            (false, _) if !request.pin.contains(&pin) => {}
            (false, _) => {
                let why = "its consumer is not in the view".into();
                return Err(PlanError::Pin {
                    pin: Box::new(pin),
                    why,
                });
            }
            (true, false) => {
                let why = "it is not, or no longer, in the view".into();
                return Err(PlanError::Pin {
                    pin: Box::new(pin),
                    why,
                });
            }
        }
    }
    Ok(settled)
}
