//! A view as large as real ones: 300 packages, 1,500 objects.

use std::fmt::Write;
use std::time::Instant;

use super::made::*;
use super::{Known, Observed, ObservedMember, ObservedWorld, Rules};

/// Two suites of 150 packages: every one has two programs and three libraries, and uses ten others.
fn suites() -> (String, [Vec<String>; 2]) {
    let (mut text, mut specs) = (String::new(), [Vec::new(), Vec::new()]);
    for suite in 1..=2 {
        for n in 0..150 {
            let spec = format!("pp{n}={suite}");
            let uses: Vec<usize> = (1..=10)
                .map(|k| k * k)
                .filter(|k| *k <= n)
                .map(|k| n - k)
                .collect();
            let depends = uses.iter().map(|u| format!("pp{u} (>= {suite})"));
            let depends: Vec<String> = depends.collect();
            let sonames: Vec<String> = uses
                .iter()
                .map(|u| format!("lib{u}-{}.so.1", n % 3))
                .collect();
            let needs = sonames.join(" ");
            writeln!(text, "{spec}").unwrap();
            if !depends.is_empty() {
                writeln!(text, " Depends: {}", depends.join(", ")).unwrap();
            }
            for k in 0..3 {
                let own = if k > 0 {
                    format!("lib{n}-0.so.1")
                } else {
                    String::new()
                };
                writeln!(text, " library lib{n}-{k}.so.1 {needs} {own}").unwrap();
            }
            for k in 0..2 {
                writeln!(text, " program usr/bin/p{n}-{k} {needs}").unwrap();
            }
            specs[suite - 1].push(spec);
        }
    }
    (text, specs)
}

#[test]
fn a_large_view_is_planned_soon() {
    let (text, [old, new]) = suites();
    let made = Made::new(&text);
    // Beside the old suite, the same with a third of the new.
    let mixed: Vec<String> = old
        .iter()
        .take(100)
        .chain(new.iter().skip(100))
        .cloned()
        .collect();
    let all = |specs: &[String]| -> Vec<ObservedMember> {
        let specs: Vec<&str> = specs.iter().map(String::as_str).collect();
        world(&made, "main", &specs).members
    };
    let side = |name: &str, specs: &[String]| ObservedWorld {
        name: Some(name.parse().unwrap()),
        members: all(specs),
        ..ObservedWorld::default()
    };
    let main = ObservedWorld {
        members: all(&old),
        ..ObservedWorld::default()
    };
    let worlds = [main, side("mixed@1", &mixed), side("new@1", &new)];
    for count in 1..=worlds.len() {
        let observed = Observed {
            worlds: worlds.iter().take(count).cloned().collect(),
        };
        let known = Known {
            facts: &made.facts,
            native: &made.native,
            policy: 1,
            versions: &Numbers,
            files: &made,
        };
        let start = Instant::now();
        let plan = super::plan(&known, &observed, &Rules::default()).unwrap();
        println!(
            "{count} worlds, {} realizations: {:?}",
            plan.realizations.len(),
            start.elapsed()
        );
        if count == 2 {
            super::sound::check(&made, &observed, &plan);
        }
    }
}
