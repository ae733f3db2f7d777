//! `--graph=dot`: for graphviz, every edge with all its reasons.

use std::fmt::Write;

use super::graph::{Graph, Is, Kind};

/// The text.
pub fn dot(graph: &Graph) -> String {
    let mut text = String::from(
        "digraph view {\n  rankdir=LR;\n  node [shape=box, style=filled, fontname=\"sans-serif\"];\n  \
         edge [fontname=\"sans-serif\", fontsize=9];\n",
    );
    // Writing to a string does not fail.
    for (number, node) in graph.nodes.iter().enumerate() {
        let slot = node.slot.as_ref().map(|s| format!("\nslot {s}"));
        let label = format!(
            "{}\n{}{}",
            node.name,
            node.version,
            slot.unwrap_or_default()
        );
        let (fill, style) = match node.is {
            Is::Wanted => ("#cfe3ff", "filled,bold"),
            Is::Auto => ("#f2f2f2", "filled"),
            Is::Orphan => ("#ffffff", "filled,dashed"),
            Is::Gone => ("#ffffff", "filled,dotted"),
            Is::Host => ("#fff3c4", "filled,rounded"),
            Is::Unmet => ("#ffd0d0", "filled"),
        };
        let _ = writeln!(
            text,
            "  n{number} [label={}, fillcolor=\"{fill}\", style=\"{style}\"];",
            quoted(label.trim_end())
        );
    }
    for edge in &graph.edges {
        let (color, style) = match edge.kind() {
            Kind::Depends => ("#909090", "dashed"),
            Kind::Library => ("#404040", "solid"),
            Kind::Hidden => ("#8a4fbe", "solid"),
            Kind::Override => ("#d9480f", "bold"),
            Kind::Relaxed => ("#c2255c", "dotted"),
        };
        let _ = writeln!(
            text,
            "  n{} -> n{} [label={}, color=\"{color}\", style={style}];",
            edge.from,
            edge.to,
            quoted(&edge.lines().join("\n"))
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
