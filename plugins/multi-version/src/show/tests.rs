use super::*;
use crate::plan::Request;
use crate::plan::tests::conflicts::MAIL;
use crate::plan::tests::libraries::{NEW, OLD, SUITES};
use crate::plan::tests::made::{Made, View, hide, install, pin, remove};

fn text(plan: &Plan, json: bool) -> String {
    let mut bytes = Vec::new();
    explain(plan, &mut Out::new(&mut bytes, None, json)).unwrap();
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

fn suites() -> (Made, Request, Request) {
    let old = install(&[&OLD[..], &["getent=2.36"]].concat());
    (Made::new(SUITES), old, install(&NEW))
}

#[test]
fn libraries_with_candidates_and_who_decided() {
    let (made, old, new) = suites();
    let mut view = View::new(&made);
    let plan = view.go(&old);
    assert_says(
        &text(&plan, false),
        &["6 libraries of which there is one version only"],
    );
    let plan = view.go(&new);
    assert_says(
        &text(&plan, false),
        &[
            "libcurl 7 auto installed libc-2.36 curl 7 needs it",
            "* libc.so.6 libc 2.41 1 3 chosen: fewest overrides",
            "libc 2.36 3 4 curl 8 needs libc (>= 2.38) and 2 more",
            "* libcurl.so.4 libcurl 8 1 1 chosen: newest",
            "getent 2.36 libc.so.6 libc 2.36 needs libc (= 2.36)",
            "curl 7 libcurl.so.4 libcurl 7 needs libcurl (= 7)",
            "curl-8 curl 8 curl 7 has /usr/bin/curl, too",
        ],
    );
    let json = text(&plan, true);
    assert!(json.contains("\"decided_by\": \"fewest overrides\""));
    assert!(json.contains("\"override\": \"needs libcurl (= 7)\""));
    let plan = view.go(&pin("libssl.so.3", "libssl=3.5", None));
    assert_says(&text(&plan, false), &["libssl.so.3 libssl 3.5 all"]);
}

#[test]
fn conflicts_hides_and_orphans() {
    let made = Made::new(MAIL);
    let mut view = View::new(&made);
    view.go(&install(&["postfix=3"]));
    let plan = view.go(&install(&["exim4=4", "exim4-daemon=4", "exim4-base=4"]));
    assert_says(
        &text(&plan, false),
        &[
            "exim4-daemon 4 Conflicts postfix 3 ignored: exim4-daemon is in slot exim4",
            "exim4 exim4-daemon 4 postfix 3 has /usr/sbin/sendmail, too",
        ],
    );
    let dot = dot(&Graph::of(&plan));
    assert!(
        dot.contains("label=\"exim4-daemon\\n4\\nslot exim4\""),
        "{dot}"
    );
    assert!(
        dot.contains("[label=\"relaxed: Conflicts\", color=\"#c2255c\""),
        "{dot}"
    );
    let plan = view.go(&remove(&["exim4=4"]));
    assert_says(&text(&plan, false), &["exim4-base 4"]);
    assert!(text(&plan, false).contains("Orphans"));

    let (made, old, new) = suites();
    let mut view = View::new(&made);
    view.go(&old);
    view.go(&hide(&["libssl=3.5:for tool"]));
    view.go(&new);
    let plan = view.go(&install(&["tool=1"]));
    assert_says(
        &text(&plan, false),
        &["libssl=3.5:for tool tool 1 libssl 3.0 libssl (>= 3.0)"],
    );
    let graph = Graph::of(&plan);
    let hidden = graph
        .edges
        .iter()
        .find(|e| e.why.contains_key(&graph::Kind::Hidden));
    assert!(hidden.is_some());
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
    let plan = View::new(&made).go(&install(&["app=1", "lib=1", "data=1", "libc=1"]));
    let graph = Graph::of(&plan);
    let drawn = |edges: Vec<&graph::Edge>| -> Vec<String> {
        let name = |n: usize| graph.nodes[n].name.clone();
        edges
            .iter()
            .map(|e| format!("{}>{}", name(e.from), name(e.to)))
            .collect()
    };
    assert_eq!(drawn(graph.edges.iter().collect()).len(), 5);
    assert_eq!(
        drawn(graph.reduced()),
        ["app>lib", "data>lib", "lib>data", "lib>libc"]
    );
}

#[test]
fn a_picture_of_many_packages() {
    let mut world = String::new();
    for n in 0..300 {
        world.push_str(&format!("p{n}=1\n"));
        if n > 0 {
            let on: Vec<String> = [n / 2, n / 3, n / 7]
                .iter()
                .map(|d| format!("p{d}"))
                .collect();
            world.push_str(&format!(" Depends: {}\n", on.join(", ")));
        }
    }
    world.push_str("odd=1\n Depends: p1 | p2\n file usr/x <&\"'\n");
    let made = Made::new(&world);
    let names: Vec<String> = (0..300).map(|n| format!("p{n}=1")).collect();
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.push("odd=1");
    let plan = View::new(&made).go(&install(&names));
    let graph = Graph::of(&plan);
    let picture = svg(&graph, "view <system> & \u{1}more");
    assert!(picture.contains(">view &lt;system&gt; &amp; ?more</text>"));
    // No two packages on top of each other.
    let mut places = Vec::new();
    for line in picture.lines().filter(|l| l.starts_with("<g class=\"n ")) {
        let number = |name: &str| -> f64 {
            let at = line.find("<rect").unwrap();
            let at = at + line[at..].find(&format!("{name}=\"")).unwrap() + name.len() + 2;
            line[at..].split('"').next().unwrap().parse().unwrap()
        };
        places.push((number(" x"), number(" y"), number("width")));
    }
    assert_eq!(places.len(), 301);
    for (n, a) in places.iter().enumerate() {
        for b in &places[..n] {
            let apart = a.0 + a.2 < b.0 || b.0 + b.2 < a.0 || (a.1 - b.1).abs() >= 20.0;
            assert!(apart, "{a:?} {b:?}");
        }
    }
    let empty = svg(&Graph::default(), "nothing");
    assert!(empty.ends_with("</svg>\n"));
}
