//! Every `use crate::…` goes to the same floor or a lower one, by the table in lib.rs.
#![allow(clippy::disallowed_methods, reason = "the sources are read")]

use std::collections::HashMap;
use std::path::{Path, PathBuf};

fn sources(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).expect("source directory") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

#[test]
fn imports_only_go_down() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let head = std::fs::read_to_string(src.join("lib.rs")).expect("lib.rs");
    let mut floors: HashMap<String, u32> = HashMap::new();
    for line in head.lines().filter_map(|l| l.strip_prefix("//! | ")) {
        let mut cells = line.split('|').map(str::trim);
        let Some(floor) = cells.next().and_then(|c| c.parse().ok()) else {
            continue;
        };
        for module in cells.next().unwrap_or("").split('`').skip(1).step_by(2) {
            floors.insert(module.to_owned(), floor);
        }
    }
    let declared = head.lines().filter_map(|l| l.strip_prefix("pub mod "));
    for module in declared.map(|l| l.trim_end_matches(';')) {
        assert!(floors.contains_key(module), "lib.rs's table lacks {module}");
    }

    let mut files = Vec::new();
    sources(&src, &mut files);
    let (mut climbs, mut seen) = (Vec::new(), 0);
    for file in files {
        let inner = file.strip_prefix(&src).expect("below src");
        let top = inner.components().next().expect("a component");
        let top = Path::new(top.as_os_str()).with_extension("");
        let Some(&here) = floors.get(&*top.to_string_lossy()) else {
            assert_eq!(inner, Path::new("lib.rs"), "a module outside the table");
            continue;
        };
        let text = std::fs::read_to_string(&file).expect("source");
        for (number, line) in text.lines().enumerate() {
            if line.trim_start().starts_with("//") {
                continue;
            }
            for (at, _) in line.match_indices("crate::") {
                let rest = &line[at + "crate::".len()..];
                let module: String = rest
                    .chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect();
                let Some(&there) = floors.get(&module) else {
                    continue;
                };
                seen += 1;
                if there > here {
                    let at = format!("{}:{}", inner.display(), number + 1);
                    climbs.push(format!("{at}: floor {here} uses {module} (floor {there})"));
                }
            }
        }
    }
    assert!(seen > 50, "only {seen} imports found: the search is broken");
    assert!(climbs.is_empty(), "{}", climbs.join("\n"));
}
