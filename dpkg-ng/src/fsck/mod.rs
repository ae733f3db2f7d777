//! `dpkg-ng fsck`: checks the database, and repairs what needs no guess.
//!
//! A repair makes others possible (with the stanza of a package its files can be looked at), so check and repair are
//! repeated until nothing is left that can be repaired. The locks of dpkg are held all the while. What is
//! reported as repaired was done and is not found any more; what a last check finds is what is left.
//!
//! The exit code is fsck(8)'s, not dpkg's.

mod download;
mod excludes;
mod help;
mod json;
pub mod options;
mod show;
mod words;

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use libdpkgng::arch::{ArchTable, BUILD_ARCHITECTURE};
use libdpkgng::db::{self, Database};
use libdpkgng::error::Kind;
use libdpkgng::fsck::{self, Done, Fault, Findings, Keep, Repair, Severity};
use libdpkgng::msg;
use libdpkgng::pkg::Bytes;
use libdpkgng::report::{Event, Reporter, Silent};

use crate::cli::{Env, Parser, Process, Step, Stop};
use crate::receivers::Buffering;
use download::Downloads;
use options::Settings;
use show::Style;

/// Something was repaired.
const REPAIRED: i32 = 1;
/// Something is wrong, and was left.
const LEFT: i32 = 4;
/// Something could not be looked at or done.
const FAILED: i32 = 8;
/// The command line is wrong.
const USAGE: i32 = 16;

/// So often is what one repair made possible looked at.
const ROUNDS: usize = 16;

/// A repair that was tried, and the faults that it was for.
pub struct Repaired {
    /// What became of it.
    pub done: Done,
    /// What was wrong.
    pub faults: Vec<Fault>,
}

/// Run it; `args` are behind the command's name.
pub fn main(env: Env, args: &[OsString]) -> i32 {
    let mut process = Process::start("dpkg-ng", env, Buffering::Line);
    let outcome = run(&mut process, args);
    let failed = match &outcome {
        Err(Stop::Error(e)) if e.kind == Kind::Usage => Some(USAGE),
        Err(Stop::Error(_)) => Some(FAILED),
        Err(Stop::Exit(_)) | Ok(_) => None,
    };
    let code = process.finish(outcome);
    failed.unwrap_or(code)
}

fn run(process: &mut Process, args: &[OsString]) -> Step<i32> {
    process.set_help_hint(help::HINT);
    let mut parser = Parser::new(options::OPTIONS, Settings::default());
    let names = parser.parse(process, args)?;
    let settings = parser.settings;
    let dirs = settings.dirs.clone().settle(process)?;
    let mut filters = excludes::excludes(&dirs)?;
    for (pattern, include) in &settings.filters {
        filters.add(pattern, *include, &mut Silent);
    }
    let variable = |name| process.env.get(name).map(|v| v.as_bytes().to_vec());
    let mut options = fsck::Options {
        hash: settings.files,
        packages: names.iter().map(|n| n.as_bytes().to_vec()).collect(),
        filters,
        debs: settings.debs.clone(),
        accounts: (variable("DPKG_PATH_PASSWD"), variable("DPKG_PATH_GROUP")),
    };
    let mut db = Database::new(dirs.clone(), ArchTable::new(BUILD_ARCHITECTURE));
    db.set_frontend_locked(process.env.get("DPKG_FRONTEND_LOCKED").is_some());
    db.sysusers.passwd = options.accounts.0.as_deref().map(Bytes::from);
    db.sysusers.group = options.accounts.1.as_deref().map(Bytes::from);
    let mut keep = Keep::default();
    let (findings, done) = match settings.repair {
        true => {
            db.lock()?;
            repair(process, &mut db, &mut keep, &mut options, settings.download)?
        }
        false => {
            // Who may not ask is told nothing.
            if db.is_locked().unwrap_or(false) {
                process.report.warning(msg!(
                    "dpkg is at work: what is found may be of the moment only"
                ));
            }
            (fsck::check(&dirs, &options)?, Vec::new())
        }
    };
    db.unlock();
    let code = code(&findings, &done);
    tell(process, &settings, &names, &findings, &done, code, &dirs)?;
    Ok(code)
}

/// Check and repair until nothing is left that can be repaired.
fn repair(
    process: &mut Process,
    db: &mut Database,
    keep: &mut Keep,
    options: &mut fsck::Options,
    download: bool,
) -> Step<(Findings, Vec<Repaired>)> {
    let dirs = db.dirs.clone();
    let mut all: Vec<Repaired> = Vec::new();
    let mut downloads: Option<Downloads> = None;
    let mut asked = Vec::new();
    for _ in 0..ROUNDS {
        let findings = fsck::check(&dirs, options)?;
        let tried = |r: &&Repair| all.iter().any(|a| a.done.repair == **r);
        let planned: Vec<&Repair> = findings
            .repairs()
            .into_iter()
            .filter(|r| !tried(r))
            .collect();
        if planned.is_empty() {
            let missing = findings
                .wanted()
                .into_iter()
                .filter(|w| !asked.contains(*w));
            let missing: Vec<fsck::Wanted> = missing.cloned().collect();
            if !download || missing.is_empty() {
                return Ok((findings, all));
            }
            let into = match &mut downloads {
                Some(downloads) => downloads,
                none => {
                    let new = none.insert(Downloads::new()?);
                    options.debs.push(new.path().to_owned());
                    new
                }
            };
            process.flush_output()?;
            for wanted in missing {
                into.fetch(&wanted, &dirs)?;
                asked.push(wanted);
            }
            continue;
        }
        for done in fsck::carry_out(db, keep, &planned) {
            let of = |f: &&Fault| f.repair.as_ref() == Some(&done.repair);
            let faults = findings.faults.iter().filter(of).cloned().collect();
            all.push(Repaired { done, faults });
        }
    }
    Ok((fsck::check(&dirs, options)?, all))
}

fn code(findings: &Findings, done: &[Repaired]) -> i32 {
    let left = findings
        .faults
        .iter()
        .any(|f| f.severity() > Severity::Note);
    let failed = done.iter().any(|d| d.done.outcome.is_err());
    let unchecked = !findings.unchecked.is_empty() || !findings.unknown.is_empty();
    let mut code = 0;
    if done.iter().any(|d| d.done.outcome.is_ok()) {
        code += REPAIRED;
    }
    if left {
        code += LEFT;
    }
    if failed || unchecked {
        code += FAILED;
    }
    code
}

fn tell(
    process: &mut Process,
    settings: &Settings,
    names: &[OsString],
    findings: &Findings,
    done: &[Repaired],
    code: i32,
    dirs: &db::Dirs,
) -> Step {
    for name in &findings.unknown {
        process
            .report
            .notice(msg!("package '%s' is not installed", name));
    }
    if settings.json {
        let text = json::render(findings, done, code, dirs);
        process.report.event(&Event::Data(text.as_bytes()));
        process.flush_output()?;
        return Ok(());
    }
    let mut again = "dpkg-ng fsck --repair".to_owned();
    if !dirs.inst_is_root() {
        again.push_str(&format!(" --root={}", dirs.instdir.display()));
    }
    names
        .iter()
        .for_each(|n| again.push_str(&format!(" {}", n.to_string_lossy())));
    let style = Style {
        verbose: settings.verbose,
        repair: (!settings.repair).then_some(again),
    };
    let text = [
        show::repaired(done, dirs),
        show::faults(findings, &style, dirs),
        show::summary(findings, done, &style),
    ];
    process.report.event(&Event::Data(text.concat().as_bytes()));
    process.flush_output()?;
    let unchecked = show::unchecked(findings, &style, dirs);
    // Where this cannot be written, nobody is left to tell; the exit code tells, too.
    let _ = std::io::Write::write_all(&mut std::io::stderr(), unchecked.as_bytes());
    Ok(())
}
