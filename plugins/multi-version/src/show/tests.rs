use super::*;
use crate::manifest::{Relaxed, Side};
use crate::plan::Rules;
use crate::plan::tests::libraries::{NEW, OLD, SUITES};
use crate::plan::tests::made::{Made, go, pin, rules};

fn text(plan: &LinkPlan, sides: &BTreeMap<SideName, Side>, json: bool) -> String {
    let mut bytes = Vec::new();
    explain(plan, sides, &mut Out::new(&mut bytes, None, json)).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// That all these lines are there, blanks being as they may.
fn assert_says(said: &str, lines: &[&str]) {
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let all: Vec<String> = said.lines().map(words).collect();
    for line in lines {
        assert!(all.contains(&words(line)), "{line}\n{said}");
    }
}

#[test]
fn two_worlds_with_their_reasons() {
    let made = Made::new(SUITES);
    let main = [&OLD[..], &["getent=2.36", "host:mawk=1"]].concat();
    let plan = go(
        &made,
        &[("main", &main), ("curl@8", &NEW)],
        &rules(&["libcurl=9"], &[]),
    );
    let relaxed: Relaxed = "Version curl curl".parse().unwrap();
    let sides = BTreeMap::from([(
        "curl@8".parse().unwrap(),
        Side {
            relaxed: vec![relaxed],
        },
    )]);
    let said = text(&plan, &sides, false);
    assert_says(
        &said,
        &[
            "Packages",
            "libcurl 7 auto installed curl 7 needs it",
            "Packages of curl@8 that are not the main world's",
            "curl 8 want installed it was asked for",
            "curl@8 curl Version curl",
            "* libc.so.6 libc 2.36 3 4 chosen: fewest overrides",
            "libc 2.41 4 3 curl 7: its world has libc 2.36 and 3 more",
            "* libcurl.so.4 libcurl 7 1 1 chosen: the main world's",
            "libcurl 8 1 1 curl 7: its world has libcurl 7",
            "curl@8 curl 8 libcurl.so.4 libcurl 8 outside of contexts libcurl 7 is in use",
            "libcurl=9",
        ],
    );
    let json: serde_json::Value = serde_json::from_str(&text(&plan, &sides, true)).unwrap();
    assert_eq!(json["worlds"][1]["world"], "curl@8");
    assert_eq!(json["worlds"][1]["relaxed"][0]["field"], "Version");
    assert_eq!(json["worlds"][0]["packages"][0]["package"], "curl");
    assert_eq!(
        json["worlds"][0]["packages"][0]["needed_by"],
        serde_json::Value::Null
    );
    assert_eq!(json["libraries"][0]["decided_by"], "fewest overrides");

    let graph = Graph::of(&plan);
    let dot = dot(&graph);
    assert!(dot.contains("label=\"curl\\n8\\ncurl@8\""), "{dot}");
    assert!(
        dot.contains("override: libcurl.so.4 (outside of contexts libcurl 7 is in use)"),
        "{dot}"
    );
    assert!(
        dot.contains("label=\"mawk\\n1\", fillcolor=\"#fff3c4\""),
        "{dot}"
    );
    let mut bytes = Vec::new();
    tree(&graph, &mut Out::new(&mut bytes, None, false)).unwrap();
    let tree = String::from_utf8(bytes).unwrap();
    assert_eq!(
        tree,
        "curl 7\n\
         └ libcurl 7\n  \
         └ libssl 3.0\n    \
         └ libc 2.36\n\
         curl 8 [curl@8]\n\
         ├ libc 2.41 [curl@8] by its own lib/\n\
         └ libcurl 8 [curl@8] by its own lib/\n  \
         ├ libc 2.41 [curl@8] by its own lib/\n  \
         └ libssl 3.5 [curl@8] by its own lib/\n    \
         └ libc 2.41 [curl@8] by its own lib/\n\
         getent 2.36\n\
         └ libc 2.36\n"
    );
}

#[test]
fn implied_edges_are_not_drawn_and_circles_are() {
    let made = Made::new(
        "
app=1
 Depends: lib, libc
lib=1
 Depends: libc, data
data=1
 Depends: lib
libc=1
",
    );
    let plan = go(
        &made,
        &[("main", &["app", "(lib=1)", "(data=1)", "(libc=1)"])],
        &Rules::default(),
    );
    let graph = Graph::of(&plan);
    assert_eq!(graph.0.edge_count(), 5);
    let name = |n: petgraph::graph::NodeIndex| graph.0[n].name.clone();
    let ends = graph
        .reduced()
        .into_iter()
        .map(|e| graph.0.edge_endpoints(e).unwrap());
    let mut drawn: Vec<String> = ends
        .map(|(a, b)| format!("{}>{}", name(a), name(b)))
        .collect();
    drawn.sort();
    assert_eq!(drawn, ["app>lib", "data>lib", "lib>data", "lib>libc"]);
    // A circle ends where it began.
    let mut bytes = Vec::new();
    tree(&graph, &mut Out::new(&mut bytes, None, false)).unwrap();
    let tree = String::from_utf8(bytes).unwrap();
    assert_eq!(
        tree,
        "app 1\n└ lib 1\n  ├ data 1\n  │ └ lib 1 …\n  └ libc 1\n"
    );
}

#[test]
fn the_verdict_of_relink() {
    let made = Made::new(
        "
lib=1
 library libl.so.1
 exports libl:old libl:both
lib=2
 library libl.so.1
 exports libl:both
app=1
 Depends: lib
 program usr/bin/app libl.so.1
 takes libl:old
other=1
 Depends: lib
 program usr/bin/other libl.so.1
 takes libl:both
",
    );
    let members = ["app", "other", "(lib=1)"];
    let before = go(&made, &[("main", &members)], &Rules::default());
    let sonames = BTreeSet::from(["libl.so.1".parse().unwrap()]);
    let after = go(
        &made,
        &[("main", &members)],
        &rules(&[], &[pin("libl.so.1", "lib=2", None)]),
    );
    let given = verdict(&before, &after, &sonames);
    let table = verdict_table(&after, &given).to_text(None);
    assert_says(
        &table,
        &[
            "app 1 libl.so.1 lib 1 the same needs symbol libl:old",
            "other 1 libl.so.1 lib 1 lib 2",
        ],
    );
    assert_eq!(
        verdict_summary(&given, &after.warnings),
        "1 package gets another, 1 package keeps what it has"
    );
    let pins = [pin("libl.so.1", "lib=2", Some("app"))];
    let after = go(&made, &[("main", &members)], &rules(&[], &pins));
    let given = verdict(&before, &after, &sonames);
    assert_eq!(
        verdict_summary(&given, &after.warnings),
        "2 packages keep what they have, 1 choice can't be followed"
    );
    let json = verdict_json(&"work".parse().unwrap(), &given, &after.warnings);
    assert_eq!(json["packages"][0]["because"], serde_json::Value::Null);
    let refused = json["refused"][0].as_str().unwrap();
    assert!(
        refused.ends_with("app 1 needs symbol libl:old"),
        "{refused}"
    );
}
