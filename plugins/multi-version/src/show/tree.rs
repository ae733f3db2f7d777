//! `--graph` on a terminal: each wanted package, and below it what it uses, without what is implied by that.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use petgraph::graph::NodeIndex;

use super::graph::{Graph, Is, Kind};
use crate::output::Out;

/// Print it. What stands above with all below it stands there once.
///
/// # Errors
/// It can't be printed.
pub fn tree(graph: &Graph, out: &mut Out<'_>) -> io::Result<()> {
    let mut below: BTreeMap<NodeIndex, Vec<(NodeIndex, Kind)>> = BTreeMap::new();
    for edge in graph.reduced() {
        if let (Some((from, to)), Some(why)) =
            (graph.0.edge_endpoints(edge), graph.0.edge_weight(edge))
        {
            below.entry(from).or_default().push((to, why.kind()));
        }
    }
    let label = |node: NodeIndex| graph.0.node_weight(node).map(|n| (&n.name, &n.version));
    for nodes in below.values_mut() {
        nodes.sort_by_key(|(node, _)| label(*node));
    }
    let mut roots: Vec<NodeIndex> = graph
        .0
        .node_indices()
        .filter(|n| {
            graph
                .0
                .node_weight(*n)
                .is_some_and(|n| matches!(n.is, Is::Wanted | Is::Orphan))
        })
        .collect();
    roots.sort_by_key(|n| {
        (
            graph.0.node_weight(*n).map(|n| n.is == Is::Orphan),
            label(*n),
        )
    });
    let mut seen = BTreeSet::new();
    for root in roots {
        let mut left: Vec<(NodeIndex, Option<Kind>, String, String)> =
            vec![(root, None, String::new(), String::new())];
        while let Some((node, kind, lead, next)) = left.pop() {
            let Some(of) = graph.0.node_weight(node) else {
                continue;
            };
            let children = below.get(&node).map_or(&[][..], Vec::as_slice);
            let again = !seen.insert(node) && !children.is_empty();
            let mut line = format!("{lead}{} {}", of.name, of.version);
            match of.is {
                Is::Host => line.push_str(" (the host's)"),
                Is::Apart => line.push_str(" (not linked)"),
                Is::Kept => line.push_str(" (for its libraries)"),
                Is::Orphan => line.push_str(" (an orphan)"),
                Is::Wanted | Is::Auto => {}
            }
            if !of.worlds.is_empty() {
                line.push_str(&format!(" [{}]", of.worlds.join(", ")));
            }
            if kind == Some(Kind::Override) {
                line.push_str(" by its own lib/");
            }
            if again {
                line.push_str(" …");
            }
            out.line(line.trim_end())?;
            if again {
                continue;
            }
            for (at, (child, kind)) in children.iter().enumerate().rev() {
                let last = at + 1 == children.len();
                let (own, further) = if last {
                    ("└ ", "  ")
                } else {
                    ("├ ", "│ ")
                };
                left.push((
                    *child,
                    Some(*kind),
                    format!("{next}{own}"),
                    format!("{next}{further}"),
                ));
            }
        }
    }
    Ok(())
}
