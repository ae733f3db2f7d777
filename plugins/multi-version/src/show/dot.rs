//! `--graph=dot`: for Graphviz (`dot -Tsvg`), every edge with all its reasons.

use std::fmt::Write;

use petgraph::visit::EdgeRef;

use super::graph::{Graph, Is, Kind};

/// The text.
pub fn dot(graph: &Graph) -> String {
    let mut text = String::from(
        "digraph view {\n  rankdir=LR;\n  node [shape=box, style=filled, fontname=\"sans-serif\"];\n  \
         edge [fontname=\"sans-serif\", fontsize=9];\n",
    );
    // Writing to a string does not fail.
    for (number, node) in graph.0.node_weights().enumerate() {
        let worlds = node
            .worlds
            .iter()
            .map(|w| format!("\n{w}"))
            .collect::<String>();
        let label = format!("{}\n{}{worlds}", node.name, node.version);
        let (fill, style) = match node.is {
            Is::Wanted => ("#cfe3ff", "filled,bold"),
            Is::Auto => ("#f2f2f2", "filled"),
            Is::Orphan => ("#ffffff", "filled,dashed"),
            Is::Kept => ("#ffffff", "filled,dotted"),
            Is::Host => ("#fff3c4", "filled,rounded"),
            Is::Apart => ("#ffd0d0", "filled"),
        };
        let label = quoted(label.trim_end());
        let _ = writeln!(
            text,
            "  n{number} [label={label}, fillcolor=\"{fill}\", style=\"{style}\"];"
        );
    }
    for edge in graph.0.edge_references() {
        let (color, style) = match edge.weight().kind() {
            Kind::Depends => ("#909090", "dashed"),
            Kind::Library => ("#404040", "solid"),
            Kind::Override => ("#d9480f", "bold"),
        };
        let (from, to) = (edge.source().index(), edge.target().index());
        let label = quoted(&edge.weight().lines().join("\n"));
        let _ = writeln!(
            text,
            "  n{from} -> n{to} [label={label}, color=\"{color}\", style={style}];"
        );
    }
    text.push_str("}\n");
    text
}

/// A string of DOT; a newline in it is one in the label.
fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", escaped.replace('\n', "\\n"))
}
