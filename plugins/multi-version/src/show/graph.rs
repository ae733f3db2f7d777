//! What uses which version of what, and why: packages of all worlds, and an edge for each pair with all its reasons.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use petgraph::Direction;
use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, EdgeIndex, NodeIndex};
use petgraph::visit::{Dfs, EdgeFiltered, EdgeRef, Walker};

use super::{Names, group};
use crate::layout::{Architecture, InstallationId, PackageName};
use crate::manifest::Reason;
use crate::plan::{LinkPlan, Satisfied, WorldPlan};

/// What a node stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Is {
    /// A package that was asked for.
    Wanted,
    /// One that came along.
    Auto,
    /// One that nothing wanted needs.
    Orphan,
    /// One that is there for its libraries alone.
    Kept,
    /// A package or a library of the host.
    Host,
    /// What is not linked.
    Apart,
}

/// A node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The package, with its architecture where that tells something.
    pub name: String,
    /// Its version, if it is of the view.
    pub version: String,
    /// The side worlds it is in, if the main one does not have it.
    pub worlds: Vec<String>,
    /// What it stands for.
    pub is: Is,
}

/// The kind of a reason, the weakest first: the strongest of an edge is how it is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A dependency.
    Depends,
    /// A library, by what a lib/ offers.
    Library,
    /// A library by its own lib/.
    Override,
}

impl Kind {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Depends => "depends",
            Kind::Library => "library",
            Kind::Override => "override",
        }
    }
}

/// Why one uses another: never empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reasons(pub BTreeMap<Kind, BTreeSet<String>>);

impl Reasons {
    /// The strongest.
    pub fn kind(&self) -> Kind {
        self.0.keys().next_back().copied().unwrap_or(Kind::Depends)
    }

    /// All, a line for each kind.
    pub fn lines(&self) -> Vec<String> {
        let line = |(kind, reasons): (&Kind, &BTreeSet<String>)| {
            let reasons: Vec<&str> = reasons.iter().map(String::as_str).collect();
            format!("{}: {}", kind.word(), reasons.join(", "))
        };
        self.0.iter().map(line).collect()
    }
}

/// A plan as a graph.
#[derive(Debug, Clone, Default)]
pub struct Graph(pub DiGraph<Node, Reasons>);

impl Graph {
    /// Of all worlds of a plan.
    pub fn of(plan: &LinkPlan) -> Graph {
        let mut making = Making {
            names: Names::of(plan),
            graph: DiGraph::new(),
            packages: BTreeMap::new(),
            others: HashMap::new(),
        };
        for world in &plan.worlds {
            making.members(world);
        }
        for world in &plan.worlds {
            making.edges(world);
        }
        Graph(making.graph)
    }

    /// The edges that are worth drawing: a dependency or a library that is reached by others of them, too, is not.
    pub fn reduced(&self) -> Vec<EdgeIndex> {
        let graph = &self.0;
        let plain = |edge: &petgraph::graph::EdgeReference<'_, Reasons>| {
            edge.weight().kind() <= Kind::Library && edge.source() != edge.target()
        };
        let plainly = EdgeFiltered::from_fn(graph, |e| plain(&e));
        let reach: HashMap<NodeIndex, BTreeSet<NodeIndex>> = graph
            .node_indices()
            .map(|n| (n, Dfs::new(&plainly, n).iter(&plainly).collect()))
            .collect();
        // In a circle each could be left out for the others: an edge of one stays.
        let mut circle = HashMap::new();
        for (number, nodes) in tarjan_scc(&plainly).into_iter().enumerate() {
            circle.extend(nodes.into_iter().map(|n| (n, number)));
        }
        let together = |a: NodeIndex, b: NodeIndex| circle.get(&a) == circle.get(&b);
        let implied = |from: NodeIndex, to: NodeIndex| {
            let mut between = graph
                .edges_directed(from, Direction::Outgoing)
                .filter(plain);
            !together(from, to)
                && between.any(|e| {
                    let middle = e.target();
                    let reaches = || reach.get(&middle).is_some_and(|r| r.contains(&to));
                    middle != to && !together(from, middle) && reaches()
                })
        };
        let drawn = graph.edge_references().filter(|edge| {
            let (from, to) = (edge.source(), edge.target());
            from != to && !(plain(edge) && implied(from, to))
        });
        drawn.map(|e| e.id()).collect()
    }
}

/// A name and an architecture in a world.
type Named = (Option<String>, PackageName, Architecture);

struct Making {
    names: Names,
    graph: DiGraph<Node, Reasons>,
    packages: BTreeMap<InstallationId, NodeIndex>,
    others: HashMap<Named, NodeIndex>,
}

impl Making {
    fn members(&mut self, world: &WorldPlan) {
        let side = world.name.as_ref().map(ToString::to_string);
        let members = world.members.iter().map(|(id, linked)| {
            let is = match linked.standing.reason {
                _ if world.needed.orphans.contains(id) => Is::Orphan,
                Reason::Want => Is::Wanted,
                Reason::Auto => Is::Auto,
            };
            (id, is)
        });
        let kept = world.kept.keys().map(|id| (id, Is::Kept));
        for (id, is) in members.chain(kept) {
            let known = self.packages.get(id).copied();
            let node = known.unwrap_or_else(|| {
                self.graph.add_node(Node {
                    name: self.names.package(id),
                    version: id.version().to_string(),
                    worlds: Vec::new(),
                    is,
                })
            });
            self.packages.insert(id.clone(), node);
            // The main world comes first: what it has is no side world's.
            if let (Some(of), Some(side)) = (self.graph.node_weight_mut(node), &side)
                && (known.is_none() || !of.worlds.is_empty())
            {
                of.worlds.push(side.clone());
            }
            self.others.insert(key(&side, id), node);
        }
        for apart in &world.apart {
            let name = self.names.name(&apart.name, &apart.architecture);
            let is = if apart.why.is_some() {
                Is::Apart
            } else {
                Is::Host
            };
            let key = (side.clone(), apart.name.clone(), apart.architecture.clone());
            // What the host lends it lends all worlds.
            let main = (None, apart.name.clone(), apart.architecture.clone());
            let known = self.others.get(&main).copied().filter(|_| is == Is::Host);
            let node = known.unwrap_or_else(|| {
                let version = apart.version.to_string();
                self.graph.add_node(Node {
                    name,
                    version,
                    worlds: side.iter().cloned().collect(),
                    is,
                })
            });
            self.others.insert(key, node);
        }
    }

    fn edges(&mut self, world: &WorldPlan) {
        let side = world.name.as_ref().map(ToString::to_string);
        for edge in &world.edges {
            let Satisfied::By(name, architecture) = &edge.by else {
                continue;
            };
            let from = (side.clone(), edge.from.0.clone(), edge.from.1.clone());
            let to = (side.clone(), name.clone(), architecture.clone());
            let why = (Kind::Depends, group(&edge.group));
            self.edge(
                self.others.get(&from).copied(),
                self.others.get(&to).copied(),
                why,
            );
        }
        for link in &world.links {
            let soname = link.soname.to_string();
            let Some(provider) = link.provider.as_ref().filter(|p| **p != link.consumer) else {
                continue;
            };
            let why = match &link.overriding {
                None => (Kind::Library, soname),
                Some(why) => (Kind::Override, format!("{soname} ({why})")),
            };
            let ends = (
                self.packages.get(&link.consumer).copied(),
                self.packages.get(provider).copied(),
            );
            self.edge(ends.0, ends.1, why);
        }
    }

    fn edge(
        &mut self,
        from: Option<NodeIndex>,
        to: Option<NodeIndex>,
        (kind, why): (Kind, String),
    ) {
        let (Some(from), Some(to)) = (from, to) else {
            return;
        };
        let edge = self.graph.find_edge(from, to);
        let edge = edge.unwrap_or_else(|| self.graph.add_edge(from, to, Reasons::default()));
        if let Some(reasons) = self.graph.edge_weight_mut(edge) {
            reasons.0.entry(kind).or_default().insert(why);
        }
    }
}

fn key(side: &Option<String>, id: &InstallationId) -> Named {
    (
        side.clone(),
        id.package().clone(),
        id.architecture().clone(),
    )
}
