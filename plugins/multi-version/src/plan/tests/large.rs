//! A view as large as real ones: 300 packages, 31,000 paths, 1,500 objects.

use std::fmt::Write;
use std::time::Instant;

use super::Request;
use super::made::*;

/// Two suites of 150 packages: every one has two programs, three libraries and ninety-eight files, and uses ten others.
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
            for k in 0..98 {
                let content = if k % 3 == 0 { suite } else { 0 };
                writeln!(text, " file usr/share/p{n}/sub{}/f{k} {content}", k % 7).unwrap();
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
    let names = |specs: &[String]| install(&specs.iter().map(String::as_str).collect::<Vec<_>>());
    let mut view = View::new(&made);
    view.go(&names(&old));
    for own_libraries in [false, true] {
        let request = Request {
            own_libraries,
            ..names(&new)
        };
        let start = Instant::now();
        let plan = view.plan(&request).unwrap();
        println!("{} members: {:?}", plan.members.len(), start.elapsed());
        assert_eq!(plan.members.len(), 300);
        // Half a second when optimised; what is quadratic takes minutes.
        assert!(start.elapsed().as_secs() < 30, "{:?}", start.elapsed());
    }
}
