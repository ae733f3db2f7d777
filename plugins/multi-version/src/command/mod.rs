//! What of a command line is the plugin's: reading it, and which command does it.
//!
//! | first words | read by | done by |
//! |---|---|---|
//! | `run` | [`cli`] | [`crate::context`] |
//! | `view`, `gc` | [`cli`] | [`crate::view`] |
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
mod views;

use std::ffi::OsString;

use clap::Parser as _;
use dpkgng_plugin::{Failed, Host};

use self::cli::Cli;
use crate::context;
use crate::generation::{Disk, Sys};
use crate::layout::{Layout, VAR_SYS};

/// What a command ends with that was not understood, as clap has it.
const USAGE: i32 = 2;

/// Run a command line that is the plugin's; gives the exit code.
pub fn run(host: Host, args: &[OsString]) -> Result<i32, Failed> {
    let layout = Layout::new(VAR_SYS);
    let is_option = args
        .first()
        .is_some_and(|a| a.to_string_lossy().starts_with('-'));
    let before_end = args.iter().take_while(|a| *a != "--");
    let asks_for_help = is_option && before_end.clone().any(|a| a == "--help" || a == "-?");
    if is_option && !asks_for_help {
        return actions::act(host, &layout, args);
    }
    let help = [OsString::from("--help")];
    let read = Cli::try_parse_from(if asks_for_help { &help } else { args });
    let cli = match read {
        Ok(cli) => cli,
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
    match cli {
        Cli::Run(run) => become_command(host, &layout, run),
        Cli::View(view) => views::view(host, &layout, view, command),
        Cli::Gc(gc) => views::gc(host, &layout, &gc),
        Cli::Relink(asked) => views::relink(host, &layout, asked, command),
        Cli::Upgrade(upgrade) => apt::upgrade(host, &layout, &upgrade, &command),
        Cli::Complete(complete) => {
            host.output(cli::complete(&complete))?;
            Ok(0)
        }
    }
}

/// Everything, locked, with nothing half-done in it.
fn open(host: Host, layout: &Layout) -> Result<Sys, Failed> {
    needs_root(layout)?;
    let sys = Sys::open(layout.clone(), Disk::default(), false)?;
    crate::engine::recover(host, &sys)?;
    Ok(sys)
}

fn needs_root(layout: &Layout) -> Result<(), Failed> {
    match rustix::process::geteuid().is_root() {
        true => Ok(()),
        false => Err(crate::engine::EngineError::NeedsRoot(layout.root().into()).into()),
    }
}

/// `dpkg-ng run`: only returns when it fails.
fn become_command(host: Host, layout: &Layout, run: cli::Run) -> Result<i32, Failed> {
    let options = context::Options {
        view: run.view.view,
        generation: run.view.number,
        packages: run.packages,
        world: run.world,
        pure: run.pure,
        command: run.command,
    };
    // What can't be said any more is no reason not to run.
    let error = context::run(layout, &options, &mut || drop(host.flush()));
    let code = error.status();
    host.notice(format!("error: {error}"))?;
    Ok(code)
}
