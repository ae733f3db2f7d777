//! `--graph=svg`: a picture that needs nothing else, for a browser.
//!
//! Left is who uses, right what is used. An edge that others imply is not drawn ([`Graph::reduced`]); pointing at a
//! package tells all of what it uses and who uses it, and shows its own edges.

use std::fmt::Write;

use super::graph::{Edge, Graph, Is, Kind, Node};
use super::layered::{Laid, Plain, lay_out};

const LINE: f64 = 20.0;
const LETTER: f64 = 6.7;
const MARGIN: f64 = 16.0;
/// So many edges can all be labelled.
const FEW: usize = 40;
const HEAD: f64 = 96.0;

const STYLE: &str = "\
text{font:11px ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;fill:#1b1b1b}\
.v{fill:#5a5a5a}.h{font-weight:bold;font-size:14px}.l{font-size:9px;fill:#444;paint-order:stroke;stroke:#fff;stroke-width:3px}\
rect{stroke:#8a8a8a;fill:#f5f5f5;rx:3}.wanted rect{fill:#d6e6ff;stroke:#2f6fd0;stroke-width:2}\
.orphan rect{stroke-dasharray:5 3;fill:#fff}.gone rect{stroke-dasharray:1 3;fill:#fff}\
.host rect{fill:#fff4c8;stroke:#b99a2b;rx:9}.unmet rect{fill:#ffdada;stroke:#c92a2a}\
.several rect{stroke:#0b7a4b;stroke-width:2}.slot rect{fill:#efe3ff}\
path{fill:none;stroke:#b5b5b5;stroke-width:1}path.library{stroke:#8a8a8a}path.hidden{stroke:#8a4fbe;stroke-width:2}\
path.override{stroke:#e8590c;stroke-width:2}path.relaxed{stroke:#c2255c;stroke-width:2;stroke-dasharray:2 4}\
path.depends{stroke-dasharray:4 3}\
g.e:hover path,g.n:hover+g path,g.n:hover rect{stroke:#1060d0;stroke-width:3}g.e:hover text{fill:#1060d0;font-weight:bold}";

/// The picture. `title` stands above it.
pub fn svg(graph: &Graph, title: &str) -> String {
    let drawn = graph.reduced();
    let labels: Vec<String> = graph.nodes.iter().map(label).collect();
    let plain = |e: &&Edge| (e.from, e.to, e.kind() <= Kind::Library);
    let ends: Vec<(usize, usize, bool)> = drawn.iter().map(plain).collect();
    let labelled = drawn.len() <= FEW;
    let heights = vec![if labelled { 2.0 * LINE } else { LINE }; labels.len()];
    let laid = lay_out(&Plain {
        heights: &heights,
        edges: &ends,
    });
    let between = if labelled { 250.0 } else { 110.0 };
    let page = Page::new(&laid, &labels, between, labelled);
    let mut text = String::new();
    page.head(title, &mut text);
    for (nth, edge) in drawn.iter().enumerate() {
        let bends = laid.bends.get(nth).map(Vec::as_slice).unwrap_or_default();
        page.edge(edge, bends, &mut text);
    }
    for (number, node) in graph.nodes.iter().enumerate() {
        page.node(graph, number, node, &mut text);
    }
    text.push_str("</svg>\n");
    text
}

/// What a node says.
fn label(node: &Node) -> String {
    let slot = node.slot.as_ref().map(|s| format!(" @{s}"));
    let label = format!("{} {}{}", node.name, node.version, slot.unwrap_or_default());
    label.trim_end().to_string()
}

/// Where layers and nodes are.
struct Page<'a> {
    laid: &'a Laid,
    labels: &'a [String],
    /// Of each layer: where it begins, and how wide it is.
    columns: Vec<(f64, f64)>,
    /// Whether every edge says what it is.
    labelled: bool,
}

fn wide(label: &str) -> f64 {
    label.chars().count() as f64 * LETTER + 12.0
}

impl<'a> Page<'a> {
    fn new(laid: &'a Laid, labels: &'a [String], between: f64, labelled: bool) -> Page<'a> {
        let count = laid
            .nodes
            .iter()
            .map(|(layer, _)| layer + 1)
            .max()
            .unwrap_or(0);
        let mut columns = vec![(0.0, 0.0); count];
        for ((layer, _), label) in laid.nodes.iter().zip(labels) {
            if let Some((_, width)) = columns.get_mut(*layer) {
                *width = wide(label).max(*width);
            }
        }
        let mut x = MARGIN;
        for (start, width) in &mut columns {
            *start = x;
            x += *width + between;
        }
        Page {
            laid,
            labels,
            columns,
            labelled,
        }
    }

    fn column(&self, layer: usize) -> (f64, f64) {
        self.columns.get(layer).copied().unwrap_or_default()
    }

    /// Left end, right end and middle height of a node.
    fn of(&self, node: usize) -> (f64, f64, f64) {
        let (layer, y) = self.laid.nodes.get(node).copied().unwrap_or_default();
        let start = self.column(layer).0;
        let width = self.labels.get(node).map_or(0.0, |l| wide(l));
        (start, start + width, y + HEAD)
    }

    fn head(&self, title: &str, to: &mut String) {
        let last = self.columns.last().copied().unwrap_or_default();
        let width = (last.0 + last.1 + MARGIN).max(760.0);
        let height = self.laid.height + HEAD + MARGIN;
        // Writing to a string does not fail.
        let _ = writeln!(
            to,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
             viewBox=\"0 0 {width:.0} {height:.0}\">\n<style>{STYLE}</style>\n\
             <rect width=\"100%\" height=\"100%\" style=\"fill:#fff;stroke:none\"/>\n\
             <text class=\"h\" x=\"{MARGIN}\" y=\"24\">{}</text>",
            escaped(title)
        );
        let mut x = MARGIN;
        for (class, word) in [
            ("wanted", "asked for"),
            ("auto", "came along"),
            ("several", "one of several versions"),
            ("slot", "in a slot"),
            ("orphan", "orphan"),
            ("host", "of the host"),
        ] {
            let width = wide(word);
            let _ = writeln!(
                to,
                "<g class=\"{class}\"><rect x=\"{x:.0}\" y=\"36\" width=\"{width:.0}\" height=\"{LINE}\"/>\
                 <text x=\"{:.0}\" y=\"50\">{word}</text></g>",
                x + 6.0
            );
            x += width + 10.0;
        }
        x = MARGIN;
        for kind in Kind::ALL {
            let word = kind.word();
            let _ = writeln!(
                to,
                "<path class=\"{word}\" d=\"M{x:.0} 74h30\"/><text x=\"{:.0}\" y=\"78\">{word}</text>",
                x + 36.0
            );
            x += 36.0 + wide(word) + 10.0;
        }
    }

    fn edge(&self, edge: &Edge, bends: &[(usize, f64)], to: &mut String) {
        let (from, end) = (self.of(edge.from), self.of(edge.to));
        let backwards = from.0 >= end.0;
        let (mut x, mut y) = if backwards {
            (from.0, from.2)
        } else {
            (from.1, from.2)
        };
        let mut path = format!("M{x:.0} {y:.0}");
        let mut middle = None;
        let mut step = |to_x: f64, to_y: f64, path: &mut String| {
            let half = (to_x - x) / 2.0;
            let _ = write!(
                path,
                "C{:.0} {y:.0} {:.0} {to_y:.0} {to_x:.0} {to_y:.0}",
                x + half,
                to_x - half
            );
            // On the curve, nearer to the beginning or the end for each other end.
            let t = [0.5, 0.38, 0.62].get(edge.to % 3).copied().unwrap_or(0.5);
            let along = 1.5 * t * (1.0 - t) + t * t * t;
            let up = t * t * (3.0 - 2.0 * t);
            middle.get_or_insert((x + (to_x - x) * along, y + (to_y - y) * up));
            (x, y) = (to_x, to_y);
        };
        let mut bends = bends.to_vec();
        if backwards {
            bends.reverse();
        }
        for (layer, height) in bends {
            let (start, width) = self.column(layer);
            let sides = [start, start + width];
            let [near, far] = if backwards {
                [sides[1], sides[0]]
            } else {
                sides
            };
            step(near, height + HEAD, &mut path);
            step(far, height + HEAD, &mut path);
        }
        step(if backwards { end.1 } else { end.0 }, end.2, &mut path);
        let kind = edge.kind();
        let names = [edge.from, edge.to].map(|n| self.labels.get(n).cloned().unwrap_or_default());
        let [user, used] = names;
        let _ = write!(
            to,
            "<g class=\"e\"><title>{}</title><path class=\"{}\" d=\"{path}\"/>",
            escaped(&format!("{user} → {used}\n{}", edge.lines().join("\n"))),
            kind.word()
        );
        // What is not as usual says so where it is.
        if let Some((x, y)) = middle.filter(|_| kind > Kind::Library || self.labelled) {
            let mut words = edge.label();
            if words.chars().count() > 34 {
                words = words.chars().take(33).chain(['…']).collect();
            }
            let _ = write!(
                to,
                "<text class=\"l\" text-anchor=\"middle\" x=\"{x:.0}\" y=\"{:.0}\">{}</text>",
                y - 3.0,
                escaped(&words)
            );
        }
        to.push_str("</g>\n");
    }

    fn node(&self, graph: &Graph, number: usize, node: &Node, to: &mut String) {
        let (x, end, y) = self.of(number);
        let class = match node.is {
            Is::Wanted => "wanted",
            Is::Auto => "auto",
            Is::Orphan => "orphan",
            Is::Gone => "gone",
            Is::Host => "host",
            Is::Unmet => "unmet",
        };
        let several = if node.several { " several" } else { "" };
        let slot = if node.slot.is_some() { " slot" } else { "" };
        let other = |n: usize| self.labels.get(n).cloned().unwrap_or_default();
        let mut lines = vec![other(number)];
        for edge in graph.edges.iter().filter(|e| e.from == number) {
            lines.push(format!(
                "uses {} ({})",
                other(edge.to),
                edge.lines().join("; ")
            ));
        }
        for edge in graph.edges.iter().filter(|e| e.to == number) {
            lines.push(format!("used by {}", other(edge.from)));
        }
        let version = format!(" {}", node.version);
        let rest = node.slot.as_ref().map(|s| format!(" @{s}"));
        let _ = writeln!(
            to,
            "<g class=\"n {class}{several}{slot}\"><title>{}</title>\
             <rect x=\"{x:.0}\" y=\"{:.0}\" width=\"{:.0}\" height=\"{LINE}\"/>\
             <text x=\"{:.0}\" y=\"{:.0}\" xml:space=\"preserve\">{}<tspan class=\"v\">{}{}</tspan></text></g>",
            escaped(&lines.join("\n")),
            y - LINE / 2.0,
            end - x,
            x + 6.0,
            y + 4.0,
            escaped(&node.name),
            escaped(&version),
            escaped(&rest.unwrap_or_default()),
        );
    }
}

/// For XML; a control character may not stand in it at all.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            c if c.is_control() => escaped.push('?'),
            c => escaped.push(c),
        }
    }
    escaped
}
