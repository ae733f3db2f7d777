//! Hooks that do something, run through real runs.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::Action;
use super::rig::Rig;
use crate::err;
use crate::error::Result;
use crate::hooks::{Hook, Scope};
use crate::pkg::PkgTable;

mod files;
mod pairs;
mod payload;
mod relations;

/// What hooks were told, a line each.
type Log = Rc<RefCell<Vec<String>>>;

/// Writes down what it is told, and vetoes what it is asked to.
#[derive(Default)]
struct Recorder {
    tag: &'static str,
    log: Log,
    veto: Option<&'static str>,
}

fn describe(table: &PkgTable, scope: &Scope<'_>) -> String {
    let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
    match *scope {
        Scope::Run { action } => format!("run {action}"),
        Scope::Package { pkg, step } => format!("{step:?} {}", table.set_name(pkg)),
        Scope::Script {
            pkg,
            script,
            args,
            status,
        } => {
            let args: Vec<_> = args.iter().map(|a| text(a)).collect();
            let status = status.map_or(String::new(), |s| format!(" = {s}"));
            let name = table.set_name(pkg);
            format!("{name}.{script} {}{status}", args.join(" "))
        }
        Scope::File { path, .. } => format!("file {}", text(path)),
    }
}

impl Hook for Recorder {
    fn pre(&mut self, table: &PkgTable, scope: &Scope<'_>) -> Result<()> {
        let what = describe(table, scope);
        let veto = self.veto == Some(&what);
        self.log.borrow_mut().push(format!("{}+ {what}", self.tag));
        match veto {
            true => Err(err!("not while the sun shines")),
            false => Ok(()),
        }
    }
    fn post(&mut self, table: &PkgTable, scope: &Scope<'_>, ok: bool) {
        let what = describe(table, scope);
        let ok = if ok { "" } else { " FAILED" };
        self.log
            .borrow_mut()
            .push(format!("{}- {what}{ok}", self.tag));
    }
}

/// Run an action with hooks; the exit code, or the error that ended the run.
fn try_dpkg(rig: &Rig, action: Action, args: &[&str], hooks: Vec<Box<dyn Hook>>) -> Result<i32> {
    let mut run = rig.run(action);
    for hook in hooks {
        run.hooks.push(hook);
    }
    match action {
        Action::Install | Action::Unpack => {
            let archives: Vec<PathBuf> = args.iter().map(PathBuf::from).collect();
            run.archive_files(&archives)?;
        }
        _ => {
            let names: Vec<_> = args.iter().map(|n| n.as_bytes().to_vec()).collect();
            run.packages(&names)?;
        }
    }
    Ok(run.finish())
}

/// The same of a run that does not end with an error.
fn dpkg(rig: &Rig, action: Action, args: &[&str], hooks: Vec<Box<dyn Hook>>) -> i32 {
    try_dpkg(rig, action, args, hooks).unwrap()
}

/// What one recorder was told of a run, and the exit code.
fn recorded(rig: &Rig, action: Action, args: &[&str], veto: Option<&'static str>) -> (String, i32) {
    let log = Log::default();
    let hook = Recorder {
        log: log.clone(),
        veto,
        ..Recorder::default()
    };
    let code = dpkg(rig, action, args, vec![Box::new(hook)]);
    let log = log.borrow().join("\n");
    (log, code)
}

fn control(name: &str, extra: &str) -> String {
    format!(
        "Package: {name}\nVersion: 2\nArchitecture: amd64\nMaintainer: T <t@e.x>\n{extra}\
         Description: x\n"
    )
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A package with scripts, a directory, two files, and a conffile.
fn package(rig: &Rig) -> PathBuf {
    rig.deb(
        &control("a", ""),
        &[
            ("DEBIAN/preinst", Some("#!/bin/sh\n")),
            ("DEBIAN/postinst", Some("#!/bin/sh\n")),
            ("DEBIAN/conffiles", Some("/etc/a.conf\n")),
            ("etc/a.conf", Some("c\n")),
            ("usr/a1", Some("1\n")),
            ("usr/a2", Some("2\n")),
        ],
        |_| {},
    )
}

/// Everything below a root, as paths with contents.
fn tree(rig: &Rig) -> Vec<(PathBuf, Option<Vec<u8>>)> {
    fn walk(dir: &Path, out: &mut Vec<(PathBuf, Option<Vec<u8>>)>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, out);
                out.push((path, None));
            } else {
                let content = std::fs::read(&path).ok();
                out.push((path, content));
            }
        }
    }
    let mut out = Vec::new();
    walk(&rig.path("/"), &mut out);
    out.sort();
    out
}
