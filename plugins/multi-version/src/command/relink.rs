//! `dpkg-ng relink LIB=VERSION [--only PKG] [--view V | --all] [--check]`: another version of a library for all of a
//! view, or for one package of it.
//!
//! LIB is a soname, or a package, which means all its libraries. VERSION is that of the package that provides it,
//! which is in the view, or in the store; `auto` takes that back. Nothing is rewritten but what takes another library by its own
//! `lib/`: the next generation's `lib/` leads elsewhere. At its end stands a verdict: who gets it, who keeps the old one, and why.
//! `--check` shows that, and changes nothing; `--all` does it in every view that has the library.
//!
//! What is in a view, and making its next generation, is the engine's: [`Views`].

use std::collections::{BTreeMap, BTreeSet};

use dpkgng_plugin::{Failed, Services};

use crate::decide::HostOrder;
use crate::facts::{self, Facts};
use crate::layout::{Architecture, InstallationId, Layout, PackageName, Soname, Version, ViewName};
use crate::link::{Abi, POLICY};
use crate::manifest::LibraryPin;
use crate::output::Out;
use crate::plan::{Known, LinkPlan, Observed, Rules, Warning, plan};
use crate::show;
use crate::store;

/// What stands behind `relink`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// A soname or a package.
    pub library: String,
    /// `None`: `auto`.
    pub version: Option<Version>,
    /// For whom: for all.
    pub only: Option<PackageName>,
    /// Where; `None`: in every view that has it.
    pub view: Option<ViewName>,
    /// Only say what would be.
    pub check: bool,
    /// Print all reasons, too.
    pub explain: bool,
}

impl Options {
    /// `LIB=VERSION`
    ///
    /// # Errors
    /// It is not that.
    pub fn library(word: &str) -> Result<(String, Option<Version>), Failed> {
        let shape = || Failed::new(format!("'{word}' is not LIBRARY=VERSION, nor LIBRARY=auto"));
        let (library, version) = word.split_once('=').ok_or_else(shape)?;
        let version = match version {
            "auto" => None,
            version => Some(version.parse()?),
        };
        match library.is_empty() {
            true => Err(shape()),
            false => Ok((library.into(), version)),
        }
    }
}

/// A view as it stands.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Its worlds.
    pub observed: Observed,
    /// The rules of its current generation.
    pub rules: Rules,
    /// Of all installations of its worlds, and of what the rules speak of.
    pub facts: BTreeMap<InstallationId, Facts>,
}

/// What the engine does for `relink`.
pub trait Views {
    /// All views.
    ///
    /// # Errors
    /// They can't be read.
    fn all(&self) -> Result<Vec<ViewName>, Failed>;
    /// A view; `None`: there is none of this name, or it has no generation.
    ///
    /// # Errors
    /// It can't be read.
    fn look(&self, view: &ViewName) -> Result<Option<Seen>, Failed>;
    /// Make the next generation of a view: as the current one, but by these rules.
    ///
    /// # Errors
    /// That fails; nothing was changed.
    fn commit(&self, view: &ViewName, rules: &Rules) -> Result<(), Failed>;
}

/// What it would come to in a view.
struct Outcome {
    rules: Rules,
    after: LinkPlan,
    given: Vec<show::Given>,
    /// The choices of this command that can't be followed.
    refused: Vec<Warning>,
    /// From whom the library is to come; none, if a choice is taken back.
    asked: BTreeSet<InstallationId>,
}

impl Outcome {
    fn is_asked(&self, given: &show::Given) -> bool {
        let gets = given.gets.as_ref();
        self.asked.is_empty() || gets.is_some_and(|provider| self.asked.contains(provider))
    }

    /// Whether somebody gets neither what was asked for nor what it has.
    fn strays(&self) -> bool {
        self.given.iter().any(|g| g.changes() && !self.is_asked(g))
    }

    /// Whether somebody gets what was asked for, and has another now.
    fn serves(&self) -> bool {
        self.given.iter().any(|g| g.changes() && self.is_asked(g))
    }

    /// Whether it comes to what was asked for, though some may keep what they have.
    fn follows(&self) -> bool {
        let there = self.given.iter().all(|g| self.is_asked(g));
        self.refused.is_empty() && !self.strays() && (there || self.serves())
    }
}

/// Run it: 0, or 1 if somebody does not get what was asked for.
///
/// # Errors
/// Nothing has the library, or a generation can't be made.
pub fn relink(
    services: Services,
    layout: &Layout,
    options: &Options,
    views: &dyn Views,
    out: &mut Out<'_>,
) -> Result<i32, Failed> {
    let asked = match &options.view {
        Some(view) => vec![view.clone()],
        None => views.all()?,
    };
    let mut all = Vec::new();
    for view in asked {
        let seen = views.look(&view)?;
        if seen.is_none() && options.view.is_some() {
            return Err(Failed::new(format!("there is no view {view}")));
        }
        if let Some(seen) = seen
            && let Some(outcome) = outcome(services, layout, options, seen)?
        {
            all.push((view, outcome));
        }
    }
    if all.is_empty() {
        let place = match &options.view {
            Some(view) => format!("view {view}"),
            None => "any view".into(),
        };
        let library = &options.library;
        return Err(Failed::new(match &options.version {
            Some(version) => format!(
                "neither {place} nor the store has version {version} of a package that provides {library}, or nothing there needs it"
            ),
            None => format!("no choice of {library} was made in {place}"),
        }));
    }
    let mut status = 0;
    for (view, outcome) in &all {
        let follows = outcome.follows();
        // What was asked for one package is done or not; for all, for those it suits.
        let some = options.only.is_none() && outcome.serves() && !outcome.strays();
        let done = follows || some;
        print(out, options, view, outcome, done).map_err(|e| Failed::new(e.to_string()))?;
        if !follows {
            status = 1;
        }
        if !options.check && done {
            views.commit(view, &outcome.rules)?;
        }
    }
    Ok(status)
}

fn print(
    out: &mut Out<'_>,
    options: &Options,
    view: &ViewName,
    outcome: &Outcome,
    done: bool,
) -> std::io::Result<()> {
    if out.json {
        return out.line(&show::pretty(&show::verdict_json(
            view,
            &outcome.given,
            &outcome.refused,
        )));
    }
    if options.explain {
        show::explain(&outcome.after, &BTreeMap::new(), out)?;
        out.line("")?;
    }
    let table = show::verdict_table(&outcome.after, &outcome.given);
    if !table.is_empty() {
        out.table(&table)?;
    }
    for warning in &outcome.refused {
        out.line(&warning.to_string())?;
    }
    let summary = show::verdict_summary(&outcome.given, &outcome.refused);
    let note = match (options.check, done) {
        (true, _) => " (checked only)",
        (false, true) => "",
        (false, false) => " (not done)",
    };
    out.line(&format!("{view}: {summary}{note}"))?;
    if outcome.strays() {
        out.line("some would get neither what was asked for nor what they have")?;
    }
    Ok(())
}

/// What it comes to in a view; `None`: the library is not there.
fn outcome(
    services: Services,
    layout: &Layout,
    options: &Options,
    mut seen: Seen,
) -> Result<Option<Outcome>, Failed> {
    let mut rules = seen.rules.clone();
    let about = |pin: &LibraryPin| {
        let library = [pin.soname.as_str(), pin.provider.package().as_str()];
        library.contains(&options.library.as_str()) && pin.only == options.only
    };
    let mut pins: Vec<LibraryPin> = Vec::new();
    let mut sonames: BTreeSet<Soname> = BTreeSet::new();
    match &options.version {
        None => sonames.extend(
            rules
                .pins
                .iter()
                .filter(|p| about(p))
                .map(|p| p.soname.clone()),
        ),
        Some(version) => {
            for facts in providers(services, layout, options, version, &seen)? {
                for soname in provided(&facts, &options.library) {
                    sonames.insert(soname.clone());
                    let (provider, only) = (facts.id.clone(), options.only.clone());
                    pins.push(LibraryPin {
                        soname,
                        provider,
                        only,
                    });
                }
                seen.facts.insert(facts.id.clone(), facts);
            }
        }
    }
    if sonames.is_empty() {
        return Ok(None);
    }
    // One of a library and a consumer takes the place of the other, of each architecture.
    let gives_way = |old: &LibraryPin| {
        let by = |new: &LibraryPin| {
            new.only == old.only
                && new.soname == old.soname
                && new.provider.architecture() == old.provider.architecture()
        };
        about(old) || pins.iter().any(by)
    };
    rules.pins.retain(|old| !gives_way(old));
    rules.pins.extend(pins.iter().cloned());

    let native: Architecture = services.architecture()?.parse()?;
    let files = Abi::new(layout, &native, &seen.facts);
    let known = Known {
        facts: &seen.facts,
        native: &native,
        policy: POLICY,
        versions: &HostOrder(services),
        files: &files,
    };
    let before = plan(&known, &seen.observed, &seen.rules)?;
    let after = plan(&known, &seen.observed, &rules)?;
    files.finish()?;
    let of_this = |w: &&Warning| matches!(w, Warning::Pin { pin, .. } if pins.contains(pin));
    let refused: Vec<Warning> = after.warnings.iter().filter(of_this).cloned().collect();
    let given = show::verdict(&before, &after, &sonames);
    let given: Vec<show::Given> = given
        .into_iter()
        .filter(|g| {
            options
                .only
                .as_ref()
                .is_none_or(|only| only == g.package.package())
        })
        .collect();
    let nothing = given.is_empty() && refused.is_empty();
    let asked = pins.into_iter().map(|p| p.provider).collect();
    Ok((!nothing).then_some(Outcome {
        asked,
        rules,
        after,
        given,
        refused,
    }))
}

/// The packages of this version that provide the library: one of each architecture, of the view, else of the store.
fn providers(
    services: Services,
    layout: &Layout,
    options: &Options,
    version: &Version,
    seen: &Seen,
) -> Result<Vec<Facts>, Failed> {
    let stored = store::all(layout)?;
    let others = stored.iter().filter(|id| !seen.facts.contains_key(id));
    let mut found: Vec<Facts> = Vec::new();
    for id in seen
        .facts
        .keys()
        .chain(others)
        .filter(|id| id.version() == version)
    {
        if found
            .iter()
            .any(|f| f.id.architecture() == id.architecture())
        {
            continue;
        }
        let facts = match seen.facts.get(id) {
            Some(facts) => facts.clone(),
            None => facts::read(services, layout, id)?,
        };
        if !provided(&facts, &options.library).is_empty() {
            found.push(facts);
        }
    }
    Ok(found)
}

/// What of a package's libraries is meant.
fn provided(facts: &Facts, library: &str) -> BTreeSet<Soname> {
    let public = facts.objects.iter().filter(|o| o.public);
    let all = public.filter_map(|o| o.soname.clone());
    let whole = facts.id.package().as_str() == library;
    all.filter(|s| whole || s.as_str() == library).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_said() {
        let (library, version) = Options::library("libssl.so.3=1:3.0.17-1~deb12u2").unwrap();
        assert_eq!(
            (library.as_str(), version.unwrap().as_str()),
            ("libssl.so.3", "1:3.0.17-1~deb12u2")
        );
        assert_eq!(
            Options::library("libc6=auto").unwrap(),
            ("libc6".into(), None)
        );
        for wrong in ["", "libc6", "=1", "libc6=", "libc6=a b"] {
            assert!(Options::library(wrong).is_err(), "{wrong}");
        }
    }
}
