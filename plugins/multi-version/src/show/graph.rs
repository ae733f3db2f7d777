//! What uses which version of what, and why: packages, and an edge for each pair with all its reasons.

use std::collections::{BTreeMap, BTreeSet};

use super::{Names, group, members};
use crate::layout::InstallationId;
use crate::manifest::{Reason, State};
use crate::plan::{Plan, Satisfied};

/// What a node stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Is {
    /// A package that was asked for.
    Wanted,
    /// One that came along.
    Auto,
    /// One that nothing wanted needs.
    Orphan,
    /// One that was removed and left its conffiles.
    Gone,
    /// A package or a library of the host.
    Host,
    /// What nothing satisfies.
    Unmet,
}

/// A node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The package, with its architecture where that tells something.
    pub name: String,
    /// Its version, if it is of the view.
    pub version: String,
    /// Its slot.
    pub slot: Option<String>,
    /// What it stands for.
    pub is: Is,
    /// Whether the view has other versions of it.
    pub several: bool,
}

/// The kind of a reason, the weakest first: the strongest of an edge is how it is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A dependency.
    Depends,
    /// A library, by the view's choice.
    Library,
    /// A dependency that saw no newer version for a rule.
    Hidden,
    /// A library that is not the view's.
    Override,
    /// A conflict that is ignored.
    Relaxed,
}

impl Kind {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Depends => "depends",
            Kind::Library => "library",
            Kind::Hidden => "hidden",
            Kind::Override => "override",
            Kind::Relaxed => "relaxed",
        }
    }

    /// All of them.
    pub const ALL: [Kind; 5] = [
        Kind::Depends,
        Kind::Library,
        Kind::Hidden,
        Kind::Override,
        Kind::Relaxed,
    ];
}

/// An edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// Who uses.
    pub from: usize,
    /// What is used.
    pub to: usize,
    /// Why: never empty.
    pub why: BTreeMap<Kind, BTreeSet<String>>,
}

impl Edge {
    /// The strongest of its reasons.
    pub fn kind(&self) -> Kind {
        self.why
            .keys()
            .next_back()
            .copied()
            .unwrap_or(Kind::Depends)
    }

    /// What is written at it: the kind, and its reasons.
    pub fn label(&self) -> String {
        let kind = self.kind();
        let reasons = self.why.get(&kind).into_iter().flatten();
        let reasons: Vec<&str> = reasons.map(String::as_str).collect();
        format!("{}: {}", kind.word(), reasons.join(", "))
    }

    /// All of its reasons, a line for each kind.
    pub fn lines(&self) -> Vec<String> {
        let line = |(kind, reasons): (&Kind, &BTreeSet<String>)| {
            let reasons: Vec<&str> = reasons.iter().map(String::as_str).collect();
            format!("{}: {}", kind.word(), reasons.join(", "))
        };
        self.why.iter().map(line).collect()
    }
}

/// A plan as a graph.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    /// Packages and what else is used.
    pub nodes: Vec<Node>,
    /// Who uses what, sorted by both ends.
    pub edges: Vec<Edge>,
}

impl Graph {
    /// Of a plan.
    pub fn of(plan: &Plan) -> Graph {
        let names = Names::of(plan);
        let mut making = Making::default();
        for (id, member) in members(plan) {
            let is = match member.reason {
                _ if member.state == State::ConfigFiles => Is::Gone,
                _ if plan.needed.orphans.contains(id) => Is::Orphan,
                Reason::Want => Is::Wanted,
                Reason::Auto => Is::Auto,
            };
            let twin = |other: &&InstallationId| {
                (other.package(), other.architecture()) == (id.package(), id.architecture())
            };
            let node = Node {
                name: names.package(id),
                version: id.version().to_string(),
                slot: member.slot.as_ref().map(ToString::to_string),
                is,
                several: plan.realized.keys().filter(twin).count() > 1,
            };
            making.packages.insert(id.clone(), making.nodes.len());
            making.nodes.push(node);
        }
        for edge in &plan.edges {
            let to = match &edge.by {
                Satisfied::By(id) => making.packages.get(id).copied(),
                Satisfied::ByHost(name) => Some(making.other(name.to_string(), Is::Host)),
                Satisfied::Unmet => Some(making.other(group(&edge.group), Is::Unmet)),
            };
            let hidden = edge.hidden.iter().map(|h| (Kind::Hidden, h.to_string()));
            let why = std::iter::once((Kind::Depends, group(&edge.group))).chain(hidden);
            making.edge(&edge.from, to, why);
        }
        for link in &plan.links {
            let soname = link.soname.to_string();
            let (to, why) = match (&link.provider, &link.overriding) {
                (Some(id), _) if *id == link.consumer => continue,
                (Some(id), None) => (making.packages.get(id).copied(), (Kind::Library, soname)),
                (Some(id), Some(why)) => {
                    let why = (Kind::Override, format!("{soname} ({why})"));
                    (making.packages.get(id).copied(), why)
                }
                (None, _) => {
                    let to = making.other(soname.clone(), Is::Host);
                    (Some(to), (Kind::Library, soname))
                }
            };
            making.edge(&link.consumer, to, [why]);
        }
        for conflict in &plan.conflicts.relaxed {
            let to = making.packages.get(&conflict.with).copied();
            let why = (Kind::Relaxed, conflict.field.to_string());
            making.edge(&conflict.by, to, [why]);
        }
        Graph {
            nodes: making.nodes,
            edges: making
                .edges
                .into_iter()
                .map(|((from, to), why)| Edge { from, to, why })
                .collect(),
        }
    }

    /// The edges that are worth drawing: a dependency or a library that is reached by others of them, too, is not.
    /// It is still one of the reasons that a node's description lists.
    pub fn reduced(&self) -> Vec<&Edge> {
        let plain = |e: &&Edge| e.kind() <= Kind::Library && e.from != e.to;
        let mut next: Vec<Vec<usize>> = vec![Vec::new(); self.nodes.len()];
        for edge in self.edges.iter().filter(plain) {
            if let Some(next) = next.get_mut(edge.from) {
                next.push(edge.to);
            }
        }
        // In a circle each could be left out for the others: an edge of one stays.
        let reach: Vec<BTreeSet<usize>> = (0..next.len()).map(|n| reached(&next, n)).collect();
        let in_circle = |a: usize, b: usize| reach.get(b).is_some_and(|r| r.contains(&a));
        let implied = |edge: &Edge| {
            let (from, to) = (edge.from, edge.to);
            !in_circle(from, to)
                && next.get(from).into_iter().flatten().any(|middle| {
                    *middle != to
                        && !in_circle(from, *middle)
                        && reach.get(*middle).is_some_and(|r| r.contains(&to))
                })
        };
        let drawn = |e: &&Edge| e.from != e.to && (e.kind() > Kind::Library || !implied(e));
        self.edges.iter().filter(drawn).collect()
    }
}

/// Everything that can be reached from a node.
fn reached(next: &[Vec<usize>], from: usize) -> BTreeSet<usize> {
    let (mut seen, mut left) = (BTreeSet::new(), vec![from]);
    while let Some(node) = left.pop() {
        for to in next.get(node).into_iter().flatten() {
            if seen.insert(*to) {
                left.push(*to);
            }
        }
    }
    seen
}

#[derive(Default)]
struct Making {
    nodes: Vec<Node>,
    packages: BTreeMap<InstallationId, usize>,
    others: BTreeMap<String, usize>,
    edges: BTreeMap<(usize, usize), BTreeMap<Kind, BTreeSet<String>>>,
}

impl Making {
    /// What is of no package of the view.
    fn other(&mut self, name: String, is: Is) -> usize {
        let Making { nodes, others, .. } = self;
        *others.entry(name.clone()).or_insert_with(|| {
            nodes.push(Node {
                name,
                version: String::new(),
                slot: None,
                is,
                several: false,
            });
            nodes.len() - 1
        })
    }

    fn edge(
        &mut self,
        from: &InstallationId,
        to: Option<usize>,
        why: impl IntoIterator<Item = (Kind, String)>,
    ) {
        let (Some(from), Some(to)) = (self.packages.get(from).copied(), to) else {
            return;
        };
        let edge = self.edges.entry((from, to)).or_default();
        for (kind, reason) in why {
            edge.entry(kind).or_default().insert(reason);
        }
    }
}
