//! `dpkg-ng fsck` on a small system that is damaged as power cuts and full disks do it.
//!
//! For each row of [`damage::TABLE`]: ours says which file and line are damaged, repairs what the row says is repaired,
//! finds nothing more afterwards than what it has only named; and stock then says the same of the system as
//! before the damage.

mod damage;
mod kill;
mod system;

use std::fmt;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::report::{Totals, diff};
use crate::sandbox::{self, Who};
use crate::{During, Res};
use damage::{Case, Line, Outcome, TABLE};
use system::{CASE, PRISTINE};

/// Ours, in the sandbox.
const OURS: &str = "/t/ours";

/// What the row of the kills is called.
const KILLED: &str = "killed-in-the-middle";

/// How many rows there are.
pub fn count() -> usize {
    TABLE.len() + 1
}

/// Runs the rows whose names contain one of the filters. The process moves into a sandbox for good.
pub fn run(filters: &[String]) -> Res<Totals> {
    let ours = sandbox::our_binary()?;
    sandbox::enter("trixie", Who::Theirs, &[(ours, "ours")])?;
    system::build()?;
    let healthy = system::stock_says(Path::new(PRISTINE))?;
    let mut totals = Totals::default();
    let found = fsck(PRISTINE, &[])?;
    if found.code != 0 {
        return Err(format!("the healthy system: {found}"));
    }
    let chosen = |name: &str| filters.is_empty() || filters.iter().any(|f| name.contains(f));
    let mut count = |name: &str, outcome: Res<()>| {
        if let Err(why) = &outcome {
            eprintln!("--- {name}\n{why}");
        }
        totals.count(&format!("fsck/{name}"), outcome.is_ok());
    };
    for case in TABLE.iter().filter(|case| chosen(case.name)) {
        count(case.name, one(case, &healthy));
    }
    if chosen(KILLED) {
        count(KILLED, kill::repairs(&healthy));
    }
    Ok(totals)
}

/// What ours says of a root.
struct Said {
    code: i32,
    /// Its JSON.
    json: Value,
    errors: String,
}

impl Said {
    /// Whether a fault is this one; with `way_out`, one that a person is told what to do about.
    fn names(&self, kind: &str, file: &str, line: Option<usize>, way_out: bool) -> bool {
        let faults = self.json["faults"].as_array().into_iter().flatten();
        let mut faults = faults.filter(|fault| !way_out || fault["way_out"].is_string());
        faults.any(|f| f["kind"] == kind && f["file"] == file && f["line"] == json!(line))
    }

    /// Whether anything that was replaced is kept.
    fn keeps(&self) -> bool {
        let mut repaired = self.json["repaired"].as_array().into_iter().flatten();
        repaired.any(|r| r["kept"].is_string())
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit {}: {:#}\n{}", self.code, self.json, self.errors)
    }
}

fn fsck(root: &str, options: &[&str]) -> Res<Said> {
    let out = sandbox::command(OURS)
        .args(["fsck", "--json", "--root", root])
        .args(options)
        .output()
        .during("fsck")?;
    let errors = String::from_utf8_lossy(&out.stderr).into_owned();
    let json: Value = serde_json::from_slice(&out.stdout)
        .map_err(|e| format!("no JSON: {e}: {:?}, {errors}", out.status))?;
    let code = out.status.code().unwrap_or(-1);
    if json["exit"] != json!(code) {
        return Err(format!("exit {code}, but {json}"));
    }
    Ok(Said { code, json, errors })
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

    let found = fsck(CASE, &[])?;
    let line = match case.line {
        Line::None => None,
        Line::At(line) => Some(line),
        Line::Nul => Some(line_of_nul(&fs::read(&file).during(case.file)?)),
        Line::Last => {
            let text = fs::read(&file).during(case.file)?;
            Some(text.iter().filter(|c| **c == b'\n').count() + 1)
        }
    };
    let place = format!("{CASE}/{}", case.file);
    if !found.names(case.kind, &place, line, false) {
        return Err(format!(
            "not named: {} {place} {line:?}\n{found}",
            case.kind
        ));
    }
    if found.code & 4 == 0 {
        return Err(format!("a damaged system: {found}"));
    }
    if system::snapshot(root)? != damaged {
        return Err("a check changed something".into());
    }

    let done = fsck(CASE, &["--repair"])?;
    let left = fsck(CASE, &[])?;
    match case.outcome {
        Outcome::Repaired => {
            if done.code != 1 || left.code != 0 {
                return Err(format!("{found}\n--repair: {done}\nthen: {left}"));
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
                return Err(format!(
                    "stock says otherwise:\n{}{done}",
                    diff(healthy, &now)
                ));
            }
            if !done.keeps() && file.exists() && case.keeps {
                return Err(format!("nothing kept: {done}"));
            }
        }
        Outcome::Named => {
            if done.code & 4 == 0 || left.code & 4 == 0 {
                return Err(format!("--repair: {done}\nthen: {left}"));
            }
            if !left.names(case.kind, &place, line, true) {
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
