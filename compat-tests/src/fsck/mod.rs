//! `dpkg-ng fsck` on a small system that is damaged as power cuts and full disks do it.
//!
//! For each row of [`damage::TABLE`]: ours says which file and line are damaged, repairs what the row says is repaired,
//! finds nothing more afterwards than what it has only named; and stock then says the same of the system as
//! before the damage.

mod damage;
mod system;

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::report::Totals;
use crate::sandbox::{self, Who};
use crate::{During, Res};
use damage::{Case, Line, Outcome, TABLE};
use system::{CASE, PRISTINE};

/// Ours, in the sandbox.
const OURS: &str = "/t/ours";

/// How many rows there are.
pub fn count() -> usize {
    TABLE.len()
}

/// Runs the rows whose names contain one of the filters. The process moves into a sandbox for good.
pub fn run(filters: &[String]) -> Res<Totals> {
    let ours = sandbox::our_binary()?;
    sandbox::enter("trixie", Who::Theirs, &[(ours, "ours")])?;
    system::build()?;
    let healthy = system::stock_says(Path::new(PRISTINE))?;
    let mut totals = Totals::default();
    let (code, found) = fsck(PRISTINE, &[])?;
    if code != 0 {
        return Err(format!("the healthy system: exit {code}: {found}"));
    }
    let chosen =
        |c: &&Case| filters.is_empty() || filters.iter().any(|f| c.name.contains(f.as_str()));
    for case in TABLE.iter().filter(chosen) {
        match one(case, &healthy) {
            Ok(()) => totals.passed += 1,
            Err(why) => {
                eprintln!("--- {}\n{why}", case.name);
                totals.failed.push(case.name.to_owned());
            }
        }
    }
    Ok(totals)
}

/// Ours on a root, as JSON, with its exit code.
fn fsck(root: &str, options: &[&str]) -> Res<(i32, String)> {
    let out = sandbox::command(OURS)
        .args(["fsck", "--json", "--root", root])
        .args(options)
        .output()
        .during("fsck")?;
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let errors = String::from_utf8_lossy(&out.stderr);
    Ok((out.status.code().unwrap_or(-1), text + &errors))
}

/// Whether any of a JSON's faults (a `way_out` that is none is `null`) is of this kind.
fn has(json: &str, part: &str) -> bool {
    json.contains(part)
}

fn one(case: &Case, healthy: &str) -> Res<()> {
    if Path::new(CASE).exists() {
        fs::remove_dir_all(CASE).during(CASE)?;
    }
    run_ok(Command::new("cp").args(["-a", PRISTINE, CASE]))?;
    let root = Path::new(CASE);
    system::withhold(root, case.without)?;
    let file = root.join(case.file);
    (case.damage)(&file)?;
    let damaged = system::snapshot(root)?;

    let (code, found) = fsck(CASE, &[])?;
    let line = match case.line {
        Line::None => "null".to_owned(),
        Line::At(line) => line.to_string(),
        Line::Nul => line_of_nul(&fs::read(&file).during(case.file)?).to_string(),
        Line::Last => {
            let text = fs::read(&file).during(case.file)?;
            (text.iter().filter(|c| **c == b'\n').count() + 1).to_string()
        }
    };
    let named = format!("\"kind\":\"{}\"", case.kind);
    let place = format!("\"file\":\"{CASE}/{}\",\"line\":{line},", case.file);
    let faults = found.split("{\"kind\"").map(|f| format!("{{\"kind\"{f}"));
    if !faults
        .clone()
        .any(|f| f.contains(&named) && f.contains(&place))
    {
        return Err(format!("not named: {named} {place}\nfound: {found}"));
    }
    if code & 4 == 0 {
        return Err(format!("exit {code} for a damaged system"));
    }
    if system::snapshot(root)? != damaged {
        return Err("a check changed something".into());
    }

    let (code, done) = fsck(CASE, &["--repair"])?;
    let (again, left) = fsck(CASE, &[])?;
    match case.outcome {
        Outcome::Repaired => {
            if code != 1 || again != 0 {
                return Err(format!(
                    "exit {code}, then {again}\nfound: {found}\ndone: {done}\nleft: {left}"
                ));
            }
            let mut now = system::stock_says(root)?;
            if case.triggers_run {
                let trigger = |line: &&str| line.starts_with("Processing triggers for ");
                let (run, rest): (Vec<_>, Vec<_>) = now.split_inclusive('\n').partition(trigger);
                if run.is_empty() {
                    return Err(format!("no triggers:\n{now}"));
                }
                now = rest.concat();
            }
            if now != healthy {
                let diff = similar::TextDiff::from_lines(healthy, &now);
                return Err(format!(
                    "stock says otherwise:\n{}done: {done}",
                    diff.unified_diff()
                ));
            }
            if !has(&done, "\"kept\":\"") && file.exists() && case.keeps {
                return Err(format!("nothing kept: {done}"));
            }
        }
        Outcome::Named => {
            if code & 4 == 0 || again & 4 == 0 {
                return Err(format!(
                    "exit {code}, then {again}\ndone: {done}\nleft: {left}"
                ));
            }
            let still = left.split("{\"kind\"").map(|f| format!("{{\"kind\"{f}"));
            let mut ours = still.filter(|f| f.contains(&named) && f.contains(&place));
            if !ours.any(|f| !f.contains("\"way_out\":null")) {
                return Err(format!("without a way out: {left}"));
            }
        }
    }
    Ok(())
}

fn line_of_nul(data: &[u8]) -> usize {
    let at = data.iter().position(|c| *c == 0).unwrap_or(0);
    data[..at].iter().filter(|c| **c == b'\n').count() + 1
}

fn run_ok(command: &mut Command) -> Res<()> {
    let out = command.output().during("command")?;
    match out.status.success() {
        true => Ok(()),
        false => Err(format!(
            "{command:?}: {}",
            String::from_utf8_lossy(&out.stderr)
        )),
    }
}
