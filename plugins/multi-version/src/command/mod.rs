//! What of a command line is the plugin's: reading it, and which command does it.
//!
//! | first words | read by | done by |
//! |---|---|---|
//! | `run` | [`cli`] | [`crate::context`] |
//! | `view`, `gc` | [`cli`] | [`crate::view`] |
//! | `doctor` | [`cli`] | [`crate::doctor`] |
//! | `view create`, `view clone`, `view apt`, `upgrade` | [`cli`] | `apt`, by [`crate::engine`] |
//! | `view exec` | [`cli`] | `actions`, by [`crate::engine`] |
//! | `relink` | [`cli`] | [`relink`](mod@relink) |
//! | `--multi-version`, `--view` with an action of dpkg's | [`line`] | `actions`, by [`crate::engine`] |

mod actions;
mod apt;
mod cli;
mod errors;
pub mod line;
pub mod relink;
mod shown;
mod stores;
mod views;

use std::ffi::OsString;
use std::os::unix::fs::MetadataExt;

use clap::Parser as _;
use dpkgng_plugin::{Failed, Host};

use self::cli::{Cli, Words};
use self::stores::Store;
use crate::generation::{Disk, Sys};
use crate::layout::{Layout, VAR_SYS};
use crate::{context, doctor};

/// What a command ends with that was not understood, as clap has it.
const USAGE: i32 = 2;

/// Run a command line that is the plugin's; gives the exit code.
pub fn run(host: Host, args: &[OsString]) -> Result<i32, Failed> {
    let is_option = args
        .first()
        .is_some_and(|a| a.to_string_lossy().starts_with('-'));
    let before_end = args.iter().take_while(|a| *a != "--");
    let asks_for_help = is_option && before_end.clone().any(|a| a == "--help" || a == "-?");
    if is_option && !asks_for_help {
        return actions::act(host, args);
    }
    let help = [OsString::from("--help")];
    let read = Words::try_parse_from(if asks_for_help { &help } else { args });
    let words = match read {
        Ok(words) => words,
        Err(e) if e.use_stderr() => {
            host.notice(e.render().to_string().trim_end())?;
            return Ok(USAGE);
        }
        Err(help) => {
            host.output(help.render().to_string())?;
            return Ok(0);
        }
    };
    let command = crate::manifest::command_line(&[&["dpkg-ng".into()], args].concat());
    let about = words.command.about();
    let store = match &words.command {
        // It tells of a store that can't be one.
        Cli::Doctor(_) | Cli::Complete(_) => Store::Machine,
        _ => Store::of(words.store.as_deref(), about)?,
    };
    let does = about.does;
    let layout = || store.enter(host, does);
    match words.command {
        Cli::Run(run) => become_command(host, &store, run),
        Cli::View(view) => views::view(host, &layout()?, view, command),
        Cli::Gc(gc) => views::gc(host, &layout()?, &gc),
        Cli::Relink(asked) => views::relink(host, &layout()?, asked, command),
        Cli::Upgrade(upgrade) => apt::upgrade(host, &layout()?, &upgrade, &command),
        Cli::Doctor(json) => {
            let found = doctor::examine(words.store.as_deref());
            let printed = views::with_out(host, json.json, |out| doctor::print(&found, out));
            printed.map_err(|e| Failed::new(e.to_string()))
        }
        Cli::Complete(complete) => {
            host.output(cli::complete(&complete))?;
            Ok(0)
        }
    }
}

/// Everything, locked, with nothing half-done in it.
fn open(host: Host, layout: &Layout) -> Result<Sys, Failed> {
    may_change(layout)?;
    let sys = Sys::open(layout.clone(), Disk::default(), false)?;
    crate::engine::recover(host, &sys)?;
    Ok(sys)
}

/// Whether everything there is ours: root's, or a user's own.
fn may_change(layout: &Layout) -> Result<(), Failed> {
    let us = rustix::process::geteuid();
    let is_ours = || std::fs::metadata(layout.root()).is_ok_and(|is| is.uid() == us.as_raw());
    match us.is_root() || is_ours() {
        true => Ok(()),
        false => Err(crate::engine::EngineError::NeedsRoot(layout.root().into()).into()),
    }
}

/// `dpkg-ng run`: only returns when it fails.
fn become_command(host: Host, store: &Store, run: cli::Run) -> Result<i32, Failed> {
    let options = context::Options {
        view: run.view.view,
        generation: run.view.number,
        packages: run.packages,
        world: run.world,
        pure: run.pure,
        command: run.command,
    };
    // What can't be said any more is no reason not to run.
    let own = match store {
        Store::Own(own) => Some(own),
        Store::Machine => None,
    };
    let error = context::run(&Layout::new(VAR_SYS), own, &options, &mut || {
        drop(host.flush());
    });
    let code = error.status();
    host.notice(format!("error: {error}"))?;
    Ok(code)
}
