//! `gc [--dry-run] [--keep N] [--why PATH] [--ignore-process PID]…`

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Done, ViewError, proc};
use crate::gc::Plan;
use crate::generation::{Reader, Sys, Told};
use crate::layout::StoreKey;
use crate::output::{Column, Json, Out, Size, Table, json};

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct Collection {
    /// `--keep`: how many of the newest generations of each view stay; all, if it is not given. The current one, and
    /// what is pinned or in use, stays whatever it says.
    pub keep: Option<usize>,
    /// `--ignore-process`: processes that can't be looked into and use nothing here.
    pub harmless: BTreeSet<u32>,
}

impl Collection {
    fn plan(&self, reader: &Reader, proc: &Path) -> Done<Plan> {
        Ok(reader.plan_collection(self.keep.unwrap_or(usize::MAX), proc)?)
    }

    /// `--dry-run`: what would go, and who stands in the way. Needs no lock.
    pub fn dry_run(&self, reader: &Reader, out: &mut Out<'_>) -> Done<i32> {
        let plan = self.plan(reader, proc())?;
        self.print(&plan, true, proc(), out)
    }

    /// `--why PATH`: what keeps what is there, from it up to a root. 1, if nothing does. Needs no lock.
    pub fn why(&self, reader: &Reader, path: &Path, out: &mut Out<'_>) -> Done<i32> {
        self.why_as(reader, path, proc(), out)
    }

    pub(super) fn why_as(
        &self,
        reader: &Reader,
        path: &Path,
        proc: &Path,
        out: &mut Out<'_>,
    ) -> Done<i32> {
        let (key, path) = key_of(reader, path)?;
        let plan = self.plan(reader, proc)?;
        let chain = plan.why(reader.layout(), &path);
        let steps = chain.iter().flatten();
        if out.json {
            let step = |(key, why): &(StoreKey, crate::gc::Why)| {
                json::object(vec![("what", json::text(key)), ("why", json::text(why))])
            };
            out.value(&json::object(vec![
                ("what", json::text(&key)),
                ("kept", Json::from(chain.is_some())),
                ("because", steps.map(step).collect::<Json>()),
            ]))?;
        } else if chain.is_none() {
            out.line(&format!("{key}: nothing keeps it"))?;
        } else {
            for (key, why) in steps {
                out.line(&format!("{key}: {why}"))?;
            }
        }
        Ok(i32::from(chain.is_none()))
    }

    pub(super) fn print(
        &self,
        plan: &Plan,
        dry: bool,
        proc: &Path,
        out: &mut Out<'_>,
    ) -> Done<i32> {
        let hidden: Vec<u32> = plan.hidden.difference(&self.harmless).copied().collect();
        if out.json {
            let removal = |r: &crate::gc::Removal| {
                json::object(vec![
                    ("what", json::text(&r.key)),
                    ("bytes", Json::from(r.bytes)),
                ])
            };
            let process = |pid: &u32| {
                json::object(vec![
                    ("pid", Json::from(u64::from(*pid))),
                    ("name", json::maybe(name_of(proc, *pid))),
                ])
            };
            out.value(&json::object(vec![
                ("dry_run", Json::from(dry)),
                ("removed", plan.remove.iter().map(removal).collect::<Json>()),
                ("bytes", Json::from(plan.bytes())),
                (
                    "unseen_processes",
                    hidden.iter().map(process).collect::<Json>(),
                ),
            ]))?;
            return Ok(0);
        }
        let head = [(Column::Wide, "What"), (Column::Right, "Size")];
        let mut table = Table::new(&head);
        for removal in &plan.remove {
            table.row([removal.key.to_string(), Size(removal.bytes).to_string()]);
        }
        if !table.is_empty() {
            out.table(&table)?;
        }
        let (count, size) = (plan.remove.len(), Size(plan.bytes()));
        let things = if count == 1 { "thing" } else { "things" };
        let would = if dry { "would be freed" } else { "freed" };
        out.line(&format!("{count} {things}, {size} {would}"))?;
        for pid in hidden {
            let name = name_of(proc, pid).unwrap_or_default();
            out.line(&format!(
                "cannot see what process {pid} ({name}) uses: nothing would be removed without --ignore-process {pid}"
            ))?;
        }
        Ok(0)
    }
}

/// Collect; `told` hears how far it is.
pub fn collect(sys: &Sys, asked: &Collection, told: Told<'_>, out: &mut Out<'_>) -> Done<i32> {
    collect_as(sys, asked, proc(), told, out)
}

pub(super) fn collect_as(
    sys: &Sys,
    asked: &Collection,
    proc: &Path,
    told: Told<'_>,
    out: &mut Out<'_>,
) -> Done<i32> {
    let plan = asked.plan(sys, proc)?;
    sys.collect(&plan, proc, &asked.harmless, told)?;
    asked.print(&plan, false, proc, out)
}

fn name_of(proc: &Path, pid: u32) -> Option<String> {
    let name = fs::read(proc.join(pid.to_string()).join("comm")).ok()?;
    Some(String::from_utf8_lossy(name.trim_ascii_end()).into_owned())
}

/// What a path is of, as it stands or by where its links lead.
fn key_of(reader: &Reader, path: &Path) -> Done<(StoreKey, PathBuf)> {
    let layout = reader.layout();
    if let Some(key) = layout.key_of(path) {
        return Ok((key, path.into()));
    }
    let real = fs::canonicalize(path).unwrap_or_else(|_| path.into());
    let root = fs::canonicalize(layout.root()).unwrap_or_else(|_| layout.root().into());
    let real = match real.strip_prefix(&root) {
        Ok(below) => layout.root().join(below),
        Err(_) => real,
    };
    match layout.key_of(&real) {
        Some(key) => Ok((key, real)),
        None => Err(ViewError::NotOurs(path.into())),
    }
}
