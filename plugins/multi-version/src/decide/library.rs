//! Which of several versions of a library is the one of a world, or of a generation.
//!
//! Versions that fail a hard check of a consumer which can't be given another drop out; of the rest
//! the one with the fewest overrides, then the one most consumers came with, then the newest.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::Versions;
use super::abi::Verdict;
use crate::elf::symbols::Versioned;
use crate::layout::{InstallationId, Soname};

/// Somebody who needs the soname.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consumer {
    /// Who.
    pub id: InstallationId,
    /// The provider of the closure it came in, if that is a candidate.
    pub came_with: Option<InstallationId>,
    /// Whether it can be given another provider than the system's: not, if its files can't be
    /// rewritten.
    pub can_be_overridden: bool,
    /// How it does with each candidate; one that is not here was not found wanting.
    pub fits: BTreeMap<InstallationId, Fit>,
}

/// How a consumer does with a candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fit {
    /// Symbol by symbol.
    Abi(Verdict),
    /// A relation of it does not hold with this version.
    Relation(String),
    /// Its world has this other one.
    World(String),
}

impl Fit {
    /// What is wrong with a candidate, in words; `foreign`: it is not the one the consumer came with.
    pub fn complaint(&self, foreign: bool) -> Option<String> {
        let abi = match self {
            Fit::Relation(why) => return Some(format!("needs {why}")),
            Fit::World(why) => return Some(format!("its world has {why}")),
            Fit::Abi(abi) => abi,
        };
        if let Some(symbol) = abi.missing.first() {
            let others = match abi.missing.len() {
                1 => String::new(),
                n => format!(" and {} more", n - 1),
            };
            return Some(format!("needs symbol {}{others}", Shown(symbol)));
        }
        let private = abi.private.first().filter(|_| foreign)?;
        let private = String::from_utf8_lossy(private);
        Some(format!("needs {private} of its own build"))
    }
}

impl Consumer {
    fn complaint(&self, candidate: &InstallationId) -> Option<String> {
        let foreign = self.came_with.as_ref() != Some(candidate);
        self.fits.get(candidate)?.complaint(foreign)
    }
}

struct Shown<'a>(&'a Versioned);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0.name))?;
        match &self.0.version {
            Some(version) => write!(f, "@{}", String::from_utf8_lossy(version)),
            None => Ok(()),
        }
    }
}

/// What made the decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Criterion {
    /// A person chose it.
    Pinned,
    /// No other is there, or all others dropped out.
    Only,
    /// Others need more overrides.
    FewestOverrides,
    /// More consumers came with it.
    MostConsumers,
    /// Others need as many overrides, and it is the main world's.
    Main,
    /// It is newer than the others.
    Newest,
}

impl fmt::Display for Criterion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Criterion::Pinned => "pinned",
            Criterion::Only => "the only one possible",
            Criterion::FewestOverrides => "fewest overrides",
            Criterion::MostConsumers => "most consumers",
            Criterion::Main => "the main world's",
            Criterion::Newest => "newest",
        })
    }
}

/// A consumer that gets another provider than the system's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// Who.
    pub consumer: InstallationId,
    /// What it gets.
    pub provider: InstallationId,
    /// Why not the system's.
    pub why: String,
}

/// A line of the table of `--explain`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The candidate.
    pub provider: InstallationId,
    /// What it would take to make it the system's.
    pub overrides: Vec<Override>,
    /// How many consumers came with it.
    pub consumers: usize,
    /// Why it can't be: which consumer, and what is wrong.
    pub dropped: Option<(InstallationId, String)>,
}

/// The system's provider of a soname.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The soname.
    pub soname: Soname,
    /// Its provider.
    pub provider: InstallationId,
    /// What decided.
    pub by: Criterion,
    /// Who gets another.
    pub overrides: Vec<Override>,
    /// All candidates, the best first.
    pub table: Vec<Row>,
}

/// No candidate can be the system's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no version of {soname} can be everybody's{}", .table.iter().map(dropped).collect::<String>())]
pub struct NoLibrary {
    /// The soname.
    pub soname: Soname,
    /// All candidates, none, if there is no provider at all.
    pub table: Vec<Row>,
}

fn dropped(row: &Row) -> String {
    match &row.dropped {
        Some((consumer, why)) => format!(
            "; {} {}: {} {} {why}",
            row.provider.package(),
            row.provider.version(),
            consumer.package(),
            consumer.version(),
        ),
        None => String::new(),
    }
}

/// Decide. `pin` is the provider a person chose, which is taken if it can be.
pub fn system_library(
    soname: &Soname,
    candidates: &[InstallationId],
    consumers: &[Consumer],
    pin: Option<&InstallationId>,
    versions: &dyn Versions,
) -> Result<Decision, NoLibrary> {
    // Newest first; the sort below is stable.
    let mut providers: Vec<&InstallationId> = candidates.iter().collect();
    providers.sort_by(|a, b| {
        let newer = versions.compare(b.version(), a.version());
        newer.then_with(|| a.cmp(b))
    });
    providers.dedup();
    let row = |provider: &&InstallationId| row(provider, &providers, consumers);
    let mut table: Vec<Row> = providers.iter().map(row).collect();
    let rank = |row: &Row| {
        let usable = row.dropped.is_none();
        let pinned = usable && pin == Some(&row.provider);
        let rank = (row.overrides.len(), Reverse(row.consumers));
        (!pinned, !usable, rank)
    };
    table.sort_by_key(rank);
    let pin_fails = pin.is_some_and(|p| table.first().is_none_or(|r| r.provider != *p));
    let mut usable = table.iter().filter(|r| r.dropped.is_none());
    let Some(best) = usable.next().filter(|_| !pin_fails) else {
        let soname = soname.clone();
        if let Some(pin) = pin {
            table.retain(|r| r.provider == *pin);
        }
        return Err(NoLibrary { soname, table });
    };
    let by = match usable.next() {
        _ if pin.is_some() => Criterion::Pinned,
        None => Criterion::Only,
        Some(second) if second.overrides.len() > best.overrides.len() => Criterion::FewestOverrides,
        Some(second) if second.consumers < best.consumers => Criterion::MostConsumers,
        Some(_) => Criterion::Newest,
    };
    Ok(Decision {
        soname: soname.clone(),
        provider: best.provider.clone(),
        by,
        overrides: best.overrides.clone(),
        table,
    })
}

/// What making `provider` the system's would mean. `newest_first` are all providers.
fn row(provider: &InstallationId, newest_first: &[&InstallationId], consumers: &[Consumer]) -> Row {
    let mut row = Row {
        provider: provider.clone(),
        overrides: Vec::new(),
        consumers: 0,
        dropped: None,
    };
    let mut seen = BTreeSet::new();
    for consumer in consumers.iter().filter(|c| seen.insert(&c.id)) {
        row.consumers += usize::from(consumer.came_with.as_ref() == Some(provider));
        let Some(why) = consumer.complaint(provider) else {
            continue;
        };
        // Its own, or the newest it does well with.
        let own = consumer.came_with.as_ref();
        let own = own.filter(|own| newest_first.contains(own));
        let mut others = own.into_iter().chain(newest_first.iter().copied());
        let other = others.find(|o| *o != provider && consumer.complaint(o).is_none());
        match other.filter(|_| consumer.can_be_overridden) {
            Some(other) => row.overrides.push(Override {
                consumer: consumer.id.clone(),
                provider: other.clone(),
                why,
            }),
            None if row.dropped.is_none() => row.dropped = Some((consumer.id.clone(), why)),
            None => {}
        }
    }
    row
}
