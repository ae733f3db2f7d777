//! dpkg's actions on a view: what changes it is a transaction of the engine's, what reads it is dpkg on its database.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use dpkgng_plugin::{Failed, Host};

use super::cli::Exec;
use super::line::{Action, Line};
use super::shown;
use super::stores::Store;
use crate::engine::{self, Asked, Committed, Transaction};
use crate::generation::unless_absent;
use crate::layout::{Layout, Place};
use crate::manifest::command_line;

/// Do what a command line says.
pub fn act(host: Host, args: &[OsString]) -> Result<i32, Failed> {
    let line = Line::parse(args)?;
    let about = line.about();
    let layout = &Store::of(line.store.as_deref(), about)?.enter(host, about.does)?;
    match line.action {
        Some(Action::Archives) => install(host, layout, &line, args),
        Some(Action::Change) => change(host, layout, &line, args),
        Some(Action::Read | Action::Verify | Action::Show) => read(host, layout, &line),
        None if line.explain || line.graph.is_some() || line.has_rules() => {
            rules(host, layout, &line, args)
        }
        // No action, or one that is about no database: dpkg's to say.
        None => Ok(host.dpkg(&line.to_dpkg(), None)?),
    }
}

impl Line {
    /// Whether it says what is to be seen from now on.
    fn has_rules(&self) -> bool {
        !self.hide.is_empty() || !self.unhide.is_empty()
    }

    fn asked(&self, args: &[OsString]) -> Asked {
        let words: Vec<OsString> = std::iter::once("dpkg-ng".into())
            .chain(args.iter().cloned())
            .collect();
        Asked {
            command: command_line(&words),
            hide: self.hide.clone(),
            unhide: self.unhide.clone(),
            own_libraries: self.own_libraries,
            rpath: self.link_mode == crate::elf::PathTag::Rpath,
            strict: self.strict,
            as_auto: self.as_auto.clone(),
            as_wanted: self.as_wanted.clone(),
            ..Asked::default()
        }
    }
}

fn begin(host: Host, layout: &Layout, line: &Line) -> Result<Transaction, Failed> {
    let transaction = match &line.transaction {
        Some(dir) => Transaction::join(host, layout, &line.view, dir)?,
        None => Transaction::begin(host, layout, &line.view)?,
    };
    if line.json {
        transaction.leave_output();
    }
    Ok(transaction)
}

/// Commit what went well; of what did not, nothing stays.
pub(super) fn end(
    host: Host,
    line: &Line,
    transaction: Transaction,
    asked: &Asked,
    code: i32,
) -> Result<i32, Failed> {
    if transaction.is_joined() {
        return Ok(code);
    }
    if line.no_act {
        if line.explain || line.graph.is_some() || line.json {
            let (plan, sides) = transaction.planned(asked)?;
            shown::plan(host, &plan, &sides, line)?;
        }
        transaction.fail(false)?;
        return Ok(code);
    }
    if code != 0 {
        let kept = transaction.fail(line.keep_failed)?;
        let view = &line.view;
        host.notice(match kept {
            Some(place) => format!("view {view} is as it was; what failed is {place}"),
            None => {
                format!("view {view} is as it was; --keep-failed would keep what failed for a look")
            }
        })?;
        return Ok(code);
    }
    let (committed, plan, sides) = transaction.commit(asked)?;
    if line.explain || line.graph.is_some() {
        shown::plan(host, &plan, &sides, line)?;
    }
    say(host, line, &committed)?;
    Ok(0)
}

fn say(host: Host, line: &Line, committed: &Committed) -> Result<(), Failed> {
    let view = &line.view;
    match committed {
        Committed::Nothing => host.notice(format!("nothing of view {view} has changed")),
        Committed::Generation(number) if line.json => {
            host.output(format!("{{\"view\":\"{view}\",\"generation\":{number}}}\n"))
        }
        Committed::Generation(number) => {
            host.output(format!("View {view} is at generation {number}.\n"))
        }
    }
}

/// `-i`, `--unpack`
fn install(host: Host, layout: &Layout, line: &Line, args: &[OsString]) -> Result<i32, Failed> {
    let transaction = begin(host, layout, line)?;
    let archives = archives(line)?;
    let mut asked = line.asked(args);
    asked.newcomers = transaction.store(&archives)?;
    let world = match (&line.world, line.multi_version) {
        (Some(side), _) => transaction.side(side)?,
        (None, true) => transaction.world_for(&mut asked)?,
        (None, false) => transaction.main(),
    };
    let code = transaction.dpkg(&world, &line.to_dpkg())?;
    end(host, line, transaction, &asked, code)
}

/// Anything else that changes a world's database.
fn change(host: Host, layout: &Layout, line: &Line, args: &[OsString]) -> Result<i32, Failed> {
    let transaction = begin(host, layout, line)?;
    let asked = line.asked(args);
    let code = match &line.world {
        Some(side) => transaction.dpkg(&transaction.side(side)?, &line.to_dpkg())?,
        None => transaction.dpkg(&transaction.main(), &line.to_dpkg())?,
    };
    end(host, line, transaction, &asked, code)
}

/// `view exec`; `command`: the command line.
pub fn exec(host: Host, layout: &Layout, exec: &Exec, command: String) -> Result<i32, Failed> {
    let transaction = Transaction::begin(host, layout, &exec.view)?;
    let world = match &exec.into {
        Some(side) => transaction.side(side)?,
        None => transaction.main(),
    };
    let code = transaction.exec(&world, &exec.command)?;
    let line = Line {
        keep_failed: exec.keep_failed,
        ..Line::new(exec.view.clone())
    };
    let asked = Asked {
        command,
        ..Asked::default()
    };
    end(host, &line, transaction, &asked, code)
}

/// `--hide`, `--explain`, `--graph` on a view as it stands.
fn rules(host: Host, layout: &Layout, line: &Line, args: &[OsString]) -> Result<i32, Failed> {
    let asked = line.asked(args);
    if line.has_rules() && !line.no_act {
        let transaction = begin(host, layout, line)?;
        return end(host, line, transaction, &asked, 0);
    }
    let place = Place {
        view: line.view.clone(),
        number: line.generation,
    };
    let (worlds, manifest) = engine::as_it_stands(host, layout, &place, &asked)?;
    shown::plan(host, &worlds.plan(host, layout)?, &manifest.sides, line)?;
    Ok(0)
}

/// What only reads.
fn read(host: Host, layout: &Layout, line: &Line) -> Result<i32, Failed> {
    if line.json {
        let why = "--json is about changes; -W --showformat prints for programs what is there";
        return Err(Failed::new(why));
    }
    let asked = engine::Query {
        place: Place {
            view: line.view.clone(),
            number: line.generation,
        },
        world: line.world.clone(),
        transaction: line.transaction.clone(),
        reads_files: line.action == Some(Action::Verify),
    };
    let args = line.to_dpkg();
    Ok(engine::query(
        host,
        layout,
        &asked,
        |host, admindir, hooks| {
            let mut option = OsString::from("--admindir=");
            option.push(admindir);
            let args = [&[option], &args[..]].concat();
            match line.action {
                Some(Action::Show) => host.tool("dpkg-query", &args),
                _ => host.dpkg(&args, hooks),
            }
        },
    )?)
}

/// The .debs of a command line, as far as they are there: dpkg complains of the others.
fn archives(line: &Line) -> Result<Vec<PathBuf>, Failed> {
    let named = line.operands.iter().map(PathBuf::from);
    if !line.recursive {
        return Ok(named.collect());
    }
    let mut found = Vec::new();
    for top in named {
        below(&top, &mut found)?;
    }
    Ok(found)
}

/// Every `*.deb` below a directory; links to files are followed, links to directories are not.
fn below(top: &Path, found: &mut Vec<PathBuf>) -> Result<(), Failed> {
    let failed = |e| Failed::new(format!("cannot read '{}': {e}", top.display()));
    let Some(entries) = unless_absent(std::fs::read_dir(top)).map_err(failed)? else {
        return Ok(());
    };
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        if entry.file_type().map_err(failed)?.is_dir() {
            below(&path, found)?;
        } else if path.as_os_str().as_bytes().ends_with(b".deb") {
            found.push(path);
        }
    }
    Ok(())
}
