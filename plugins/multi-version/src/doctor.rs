//! `dpkg-ng doctor`: what of views this machine and this user can have, what is in the way, and what to do about it.
//!
//! Nothing is concluded from versions where it can be tried: namespaces and an overlay are made, in a child that ends.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use dpkgng_plugin::fork_in_our_place;

use crate::context::{self, OwnStore};
use crate::generation::{Reader, is_dir, unless_absent};
use crate::layout::{Layout, VAR_SYS, ViewName, inside};
use crate::link::unlinked;
use crate::output::{Column, Json, Out, Size, Table, json};

/// Less room than this, in bytes, is worth a word.
const LITTLE_ROOM: u64 = 1 << 30;
/// So many things of a kind are named.
const NAMED: usize = 3;

/// What was found out about something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// About what.
    pub what: &'static str,
    /// Whether it is as it should be.
    pub verdict: Verdict,
    /// What is so.
    pub says: String,
    /// What to do; nothing, where nothing is to be done.
    pub help: String,
}

/// Whether something is as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It is.
    Good,
    /// Something is not to be had, or to be known.
    Note,
    /// Views can't be made or run.
    Bad,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Verdict::Good => "good",
            Verdict::Note => "note",
            Verdict::Bad => "bad",
        })
    }
}

fn finding(what: &'static str, verdict: Verdict, says: impl ToString) -> Finding {
    Finding {
        what,
        verdict,
        says: says.to_string(),
        help: String::new(),
    }
}

impl Finding {
    fn help(self, help: impl ToString) -> Finding {
        Finding {
            help: help.to_string(),
            ..self
        }
    }
}

/// Look at everything. `asked`: `--store`.
pub fn examine(asked: Option<&Path>) -> Vec<Finding> {
    let is_root = rustix::process::geteuid().is_root();
    let machine = Layout::new(VAR_SYS);
    let mut found = Vec::new();
    let dir = match asked {
        Some(dir) => Ok(std::path::absolute(dir).unwrap_or_else(|_| dir.into())),
        None if is_root => Ok(VAR_SYS.into()),
        None => OwnStore::usual(),
    };
    let (layout, is_there) = match dir {
        Ok(dir) => store(&dir, &mut found),
        Err(e) => {
            found.push(finding("store", Verdict::Bad, e));
            (machine.clone(), false)
        }
    };
    found.push(merged_usr(&machine));
    found.push(contexts(&layout, is_there, is_root));
    found.push(apt());
    if is_there {
        views(&layout, is_root, &mut found);
    }
    if !is_root && layout != machine {
        found.extend(of_machine(&machine));
    }
    found
}

/// The machine's own store, if it has one.
fn of_machine(machine: &Layout) -> Option<Finding> {
    let looked = || -> Result<Option<String>, String> {
        if !is_dir(&machine.views()).map_err(|e| unread(&machine.views(), e))? {
            return Ok(None);
        }
        let all = Reader::new(machine.clone()).views();
        let all = all.map_err(|e| e.to_string())?;
        Ok(Some(format!(
            "{VAR_SYS} has {}",
            words("view", &names(&all))
        )))
    };
    match looked() {
        Ok(says) => says.map(|says| finding("machine", Verdict::Good, says)),
        Err(why) => Some(finding("machine", Verdict::Note, why)),
    }
}

fn unread(path: &Path, error: io::Error) -> String {
    format!("cannot read '{}': {error}", path.display())
}

/// The store, and whether it is there.
fn store(dir: &Path, found: &mut Vec<Finding>) -> (Layout, bool) {
    let none = (Layout::new(dir), false);
    match OwnStore::open(dir, false) {
        Err(e) => {
            let help =
                "give it to yourself alone: chown and chmod go-w, also of the directories it is in";
            found.push(finding("store", Verdict::Bad, e).help(help));
            none
        }
        Ok(None) => {
            let says = format!(
                "there is none yet: '{}' is made by the first command that needs it",
                dir.display()
            );
            found.push(finding("store", Verdict::Good, says));
            none
        }
        Ok(Some(own)) => {
            let room = rustix::fs::statvfs(own.dir()).map(|is| is.f_bavail * is.f_frsize);
            let (verdict, room) = match room {
                Ok(room) => {
                    let little = room < LITTLE_ROOM;
                    let verdict = if little { Verdict::Note } else { Verdict::Good };
                    (verdict, format!(", {} free", Size(room)))
                }
                Err(e) => (
                    Verdict::Note,
                    format!(", whose free space is not told: {e}"),
                ),
            };
            let says = format!("'{}'{room}", own.dir().display());
            let help = match verdict {
                Verdict::Good => "",
                _ => "dpkg-ng gc --keep 1 gives up old generations",
            };
            found.push(finding("store", verdict, says).help(help));
            (Layout::new(own.dir()), true)
        }
    }
}

fn merged_usr(machine: &Layout) -> Finding {
    match context::Host::look(machine).map(|host| host.unmerged) {
        Ok(None) => finding("/usr", Verdict::Good, "is merged"),
        Ok(Some(path)) => {
            let says = format!("is not merged: '{}' is no link into it", path.display());
            finding("/usr", Verdict::Bad, says).help("the package usrmerge merges it")
        }
        Err(e) => finding("/usr", Verdict::Bad, e),
    }
}

/// Whether contexts can be made, and how.
fn contexts(layout: &Layout, is_there: bool, is_root: bool) -> Finding {
    let how = match is_root {
        true => "in a mount namespace",
        false => "in a user namespace",
    };
    let mut scratch = None;
    if is_there {
        let tmp = layout.tmp();
        match is_dir(&tmp) {
            Ok(true) => scratch = Some(tmp),
            Ok(false) => {}
            Err(e) => return finding("contexts", Verdict::Bad, unread(&tmp, e)),
        }
    }
    match tried(|| context::try_out(scratch.as_deref())) {
        Ok(()) if scratch.is_some() => finding("contexts", Verdict::Good, how),
        Ok(()) => finding(
            "contexts",
            Verdict::Good,
            format!("{how}; the store's file system was not tried"),
        ),
        Err(why) => {
            let help = "what is linked (view list --commands) still runs by itself; nothing else of a view does";
            finding("contexts", Verdict::Bad, why).help(help)
        }
    }
}

/// Do something in a child that ends; gives what went wrong.
fn tried(act: impl FnOnce() -> Result<(), context::ContextError>) -> Result<(), String> {
    let (mut from, to) = io::pipe().map_err(|e| e.to_string())?;
    let mut child = to.try_clone().map_err(|e| e.to_string())?;
    let ended = fork_in_our_place(move || match act() {
        Ok(()) => 0,
        Err(e) => {
            // Without it there is still the exit code.
            let _ = child.write_all(e.to_string().as_bytes());
            1
        }
    });
    drop(to);
    let mut why = String::new();
    // The exit code tells as much, if less well.
    let _ = from.read_to_string(&mut why);
    match ended {
        Ok(0) => Ok(()),
        Ok(code) if why.is_empty() => Err(format!("trying it ended with {code}")),
        Ok(_) => Err(why),
        Err(e) => Err(e.to_string()),
    }
}

fn apt() -> Finding {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let there = std::env::split_paths(&path).any(|dir| dir.join("apt-get").is_file());
    match there {
        true => finding("apt", Verdict::Good, "is there"),
        false => finding(
            "apt",
            Verdict::Note,
            "apt-get is not on the PATH: views can only be made of files",
        ),
    }
}

/// What is to be said of the current generations.
fn views(layout: &Layout, is_root: bool, found: &mut Vec<Finding>) {
    let reader = Reader::new(layout.clone());
    let all = match reader.views() {
        Ok(all) => all,
        Err(e) => return found.push(finding("views", Verdict::Bad, e)),
    };
    let (mut set_ids, mut left, mut bins) = (Vec::new(), BTreeMap::new(), Vec::new());
    let mut whole = Vec::new();
    for view in &all {
        let mut looked = || -> Result<(), String> {
            let Some(number) = reader.current(view).map_err(|e| e.to_string())? else {
                return Ok(());
            };
            let manifest = reader.manifest(view, number).map_err(|e| e.to_string())?;
            for member in &manifest.packages {
                for object in unlinked(layout, &member.realization).map_err(|e| e.to_string())? {
                    if object.is_warning() {
                        let package = member.realization.package();
                        left.insert(
                            format!("{} of {package}", object.path.display()),
                            object.why,
                        );
                    }
                }
            }
            let noted = reader.set_ids(view, number).map_err(|e| e.to_string())?;
            let tree = Path::new("main").join(inside::TREE);
            let paths = noted.into_iter().filter_map(|s| {
                let path = s.path.strip_prefix(&tree).ok()?;
                Some(format!("/{} of view {view}", path.display()))
            });
            set_ids.extend(paths);
            let bin = layout.current(view).join(inside::BIN);
            let commands = unless_absent(fs::read_dir(&bin)).map_err(|e| unread(&bin, e))?;
            let has_commands = commands.is_some_and(|mut names| names.next().is_some());
            bins.extend(has_commands.then_some(bin));
            whole.push(view.clone());
            Ok(())
        };
        if let Err(why) = looked() {
            let says = format!("view {view}: {why}");
            let help = format!("dpkg-ng view rollback {view}, if another generation is whole");
            found.push(finding("views", Verdict::Bad, says).help(help));
        }
    }
    if !whole.is_empty() {
        found.push(finding(
            "views",
            Verdict::Good,
            words("view", &names(&whole)),
        ));
    }
    if !left.is_empty() {
        let names: Vec<String> = left
            .iter()
            .map(|(what, why)| format!("{what} ({why})"))
            .collect();
        let says = format!("{} left as they are: {}", names.len(), shortened(&names));
        found.push(finding("objects", Verdict::Note, says).help("they run in contexts"));
    }
    if !is_root && !set_ids.is_empty() {
        let says = format!("{} not set: {}", set_ids.len(), shortened(&set_ids));
        found.push(
            finding("set-id", Verdict::Note, says)
                .help("what needs them does not work in your own views"),
        );
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let missing: Vec<String> = bins
        .iter()
        .filter(|bin| !on_path.contains(bin))
        .map(|bin| bin.display().to_string())
        .collect();
    if !missing.is_empty() {
        let says = format!("does not have {}", missing.join(" "));
        found.push(
            finding("PATH", Verdict::Note, says)
                .help("add those whose commands you want to call by their names"),
        );
    }
}

fn names(views: &[ViewName]) -> Vec<String> {
    views.iter().map(ToString::to_string).collect()
}

fn words(what: &str, names: &[String]) -> String {
    match names {
        [] => format!("no {what}"),
        [one] => format!("{what} {one}"),
        all => format!("{what}s {}", all.join(", ")),
    }
}

fn shortened(names: &[String]) -> String {
    let first = names.iter().take(NAMED).map(String::as_str);
    let mut text = first.collect::<Vec<_>>().join(", ");
    if names.len() > NAMED {
        text.push_str(", …");
    }
    text
}

/// Print what was found; gives the exit code: 1, if something is bad.
///
/// # Errors
/// It can't be printed.
pub fn print(found: &[Finding], out: &mut Out<'_>) -> io::Result<i32> {
    let bad = found.iter().any(|f| f.verdict == Verdict::Bad);
    if out.json {
        let value = |f: &Finding| {
            json::object(vec![
                ("about", json::text(f.what)),
                ("verdict", json::text(f.verdict)),
                ("says", json::text(&f.says)),
                ("help", json::text(&f.help)),
            ])
        };
        out.value(&found.iter().map(value).collect::<Json>())?;
        return Ok(i32::from(bad));
    }
    let head = [
        (Column::Left, "About"),
        (Column::Left, "Is"),
        (Column::Left, "What"),
    ];
    let mut table = Table::new(&head);
    for f in found {
        table.row([f.what, &f.verdict.to_string(), &f.says]);
        if !f.help.is_empty() {
            table.row(["", "", &f.help]);
        }
    }
    out.table(&table)?;
    Ok(i32::from(bad))
}
