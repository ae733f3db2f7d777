//! What fsck found and did as text, sorted by file.

use std::collections::HashMap;

use libdpkgng::db::Dirs;
use libdpkgng::fsck::{Fault, Findings, Kind, Severity};

use super::Repaired;
use super::words;

/// So many faults of one kind in one file, or of one package, are shown in full.
const SHOWN: usize = 10;

/// What is to be shown.
pub struct Style {
    /// All faults, notes among them.
    pub verbose: bool,
    /// The command for repairs, to be named; nothing if they have been tried.
    pub repair: Option<String>,
}

fn plural(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// What was done, a line each.
pub fn repaired(done: &[Repaired], dirs: &Dirs) -> String {
    let mut out = String::new();
    for repaired in done {
        let file = words::path(repaired.done.repair.target(), dirs);
        let what = words::repair(&repaired.done.repair, dirs);
        match &repaired.done.outcome {
            Ok(kept) => {
                let why: Vec<&str> = repaired
                    .faults
                    .iter()
                    .map(|f| words::sentence(f.kind))
                    .collect();
                out.push_str(&format!("{file}: repaired ({what}): {}\n", why.join("; ")));
                if let Some(kept) = kept {
                    out.push_str(&format!("    the former one: {}\n", words::printable(kept)));
                }
            }
            Err(e) => {
                let error = words::printable(e.to_string().as_bytes());
                out.push_str(&format!("{file}: not repaired ({what}): {error}\n"));
            }
        }
    }
    out
}

/// What is wrong, a fault in two lines: what it is, and what to do.
pub fn faults(findings: &Findings, style: &Style, dirs: &Dirs) -> String {
    let mut out = String::new();
    let mut counts: HashMap<(Kind, Group), usize> = HashMap::new();
    let shown = |f: &&Fault| style.verbose || f.severity() > Severity::Note;
    let mut more: Vec<((Kind, Group), usize)> = Vec::new();
    for fault in findings.faults.iter().filter(shown) {
        let key = (fault.kind, Group::of(fault, dirs));
        let count = counts.entry(key.clone()).or_default();
        *count += 1;
        if *count > SHOWN && !style.verbose {
            match more.iter_mut().find(|(k, _)| *k == key) {
                Some((_, count)) => *count += 1,
                None => more.push((key, 1)),
            }
            continue;
        }
        out.push_str(&words::fault(fault, dirs));
        out.push('\n');
        let by_hand = words::way_out(&fault.way_out, dirs);
        if let Some(repair) = fault.repair.as_ref().filter(|_| style.repair.is_some()) {
            out.push_str(&format!(
                "    --repair would {}\n",
                words::repair(repair, dirs)
            ));
        } else if let Some(way) = by_hand {
            out.push_str(&format!("    {way}\n"));
        }
    }
    for ((kind, group), count) in more {
        out.push_str(&format!(
            "{}: {count} more: {}\n",
            group.0,
            words::sentence(kind)
        ));
    }
    out
}

/// What faults of one kind have in common: their package, or else their file.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Group(String);

impl Group {
    fn of(fault: &Fault, dirs: &Dirs) -> Group {
        let of_files = matches!(
            fault.kind,
            Kind::FileMissing | Kind::FileChanged | Kind::FileType | Kind::Leftover
        );
        match &fault.package {
            Some(package) if of_files => Group(format!("package {package}")),
            _ => Group(words::path(&fault.file, dirs)),
        }
    }
}

/// The last lines.
pub fn summary(findings: &Findings, done: &[Repaired], style: &Style) -> String {
    let mut out = String::new();
    let of = |s| findings.faults.iter().filter(|f| f.severity() == s).count();
    let (errors, warnings, notes) = (
        of(Severity::Error),
        of(Severity::Warning),
        of(Severity::Note),
    );
    let looked = format!(
        "{}, {}",
        plural(findings.packages, "package", "packages"),
        plural(findings.paths, "path", "paths")
    );
    let repaired = done.iter().filter(|d| d.done.outcome.is_ok()).count();
    if repaired > 0 {
        out.push_str(&format!("{} repaired\n", plural(repaired, "file", "files")));
    }
    if errors + warnings == 0 {
        let left = if repaired > 0 {
            "nothing else wrong"
        } else {
            "nothing wrong"
        };
        out.push_str(&format!("{looked}: {left}\n"));
    } else {
        let (errors, warnings) = (
            plural(errors, "error", "errors"),
            plural(warnings, "warning", "warnings"),
        );
        out.push_str(&format!("{looked}: {errors}, {warnings}\n"));
        let repairable = findings
            .faults
            .iter()
            .filter(|f| f.repair.is_some())
            .count();
        if let Some(command) = style.repair.as_ref().filter(|_| repairable > 0) {
            let these = plural(
                repairable,
                "of these can be repaired",
                "of these can be repaired",
            );
            out.push_str(&format!("{these} without a guess: {command}\n"));
        }
    }
    if notes > 0 && !style.verbose {
        out.push_str(&format!(
            "{} not shown (--verbose)\n",
            plural(notes, "note", "notes")
        ));
    }
    out
}

/// What could not be looked at, for standard error.
pub fn unchecked(findings: &Findings, style: &Style, dirs: &Dirs) -> String {
    let all = &findings.unchecked;
    if all.is_empty() {
        return String::new();
    }
    let mut out = format!("not checked: {}\n", plural(all.len(), "file", "files"));
    let count = if style.verbose { all.len() } else { SHOWN };
    for unchecked in all.iter().take(count) {
        let why = std::io::Error::from_raw_os_error(unchecked.errno);
        let why = why.to_string();
        let why = why
            .split(" (os error")
            .next()
            .unwrap_or_default()
            .to_owned();
        out.push_str(&format!(
            "    {}: {why}\n",
            words::path(&unchecked.file, dirs)
        ));
    }
    if all.len() > count {
        out.push_str(&format!("    {} more (--verbose)\n", all.len() - count));
    }
    if all.iter().any(|u| u.is_forbidden()) {
        out.push_str("    run as root to check these, too\n");
    }
    out
}
