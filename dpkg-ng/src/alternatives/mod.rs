//! The tool `update-alternatives`: its command line and the choice of command.
//!
//! Unlike dpkg's other tools it has a grammar of its own ([`options`]), no colours, no debug
//! areas, and a log of its own ([`voice`]).

mod args;
mod help;
mod menu;
pub mod options;
mod show;
mod voice;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use libdpkgng::alternatives::{Alternatives, Tree};
use libdpkgng::error::Result;
use libdpkgng::msg;
use libdpkgng::report::{Event, Reporter, debug};
use libdpkgng::sys::place::Place;
use libdpkgng::sys::stdio::Stdin;
use nix::sys::stat::{Mode, umask};

use crate::cli::{Env, Step, Stop};
use args::{Args, Request};
use menu::Menu;
use voice::Voice;

/// Run update-alternatives; `args` are without the program's name.
pub fn main(env: Env, args: &[OsString]) -> i32 {
    umask(Mode::from_bits_truncate(0o022));
    let mut voice = Voice::new();
    let code = match run(&env, args, &mut voice) {
        Ok(()) => 0,
        Err(Stop::Exit(code)) => code,
        Err(Stop::Error(error)) => {
            voice.error(&error);
            2
        }
    };
    voice.end_log();
    voice.event(&Event::Flush);
    code
}

fn run(env: &Env, args: &[OsString], voice: &mut Voice) -> Step {
    let args = args::parse(env, args, voice)?;
    let root = Place::new(Path::new(OsStr::from_bytes(&args.settings.dirs.instdir)));
    voice.set_log(root.spot_of_path(&args.settings.log));
    let dirs = &args.settings.dirs;
    (voice as &mut dyn Reporter).debug(debug::GENERAL, || {
        let text = "root=%s admdir=%s altdir=%s";
        msg!(text, &dirs.instdir, &dirs.admdir, &dirs.altdir)
    });
    Ok(obey(args, voice)?)
}

fn obey(args: Args, voice: &mut Voice) -> Result<()> {
    let settings = args.settings;
    let mut alternatives = Alternatives {
        tree: Tree::new(settings.dirs, settings.force),
        invocation: args.invocation,
        report: voice,
    };
    match args.request {
        Request::Install(install) => alternatives.install(&install),
        Request::Remove(name, path) => alternatives.remove(&name, &path),
        Request::Set(name, path) => alternatives.set(&name, &path),
        Request::RemoveAll(name) => alternatives.remove_all(&name),
        Request::Auto(name) => alternatives.auto(&name),
        Request::Config(name) => {
            let mut input = Stdin::new();
            let mut menu = Menu::new(&mut input, settings.skip_auto);
            alternatives.config(&name, &mut menu)
        }
        Request::ConfigAll => {
            let mut input = Stdin::new();
            let mut menu = Menu::new(&mut input, settings.skip_auto);
            alternatives.config_all(&mut menu)
        }
        Request::Display(name) => {
            let mut group = alternatives.must_load(&name)?;
            show::display_group(alternatives.report, &group);
            let current = alternatives.current(&mut group)?;
            show::display_choices(alternatives.report, &group, current.as_deref());
            Ok(())
        }
        Request::Query(name) => {
            let mut group = alternatives.must_load(&name)?;
            show::query_group(alternatives.report, &group);
            let current = alternatives.current(&mut group)?;
            show::query_choices(alternatives.report, &group, current.as_deref());
            Ok(())
        }
        Request::List(name) => {
            let group = alternatives.must_load(&name)?;
            show::list(alternatives.report, &group);
            Ok(())
        }
        Request::GetSelections => alternatives.get_selections(|a, s| {
            show::selection(a.report, &s);
            Ok(())
        }),
        Request::SetSelections => alternatives.set_selections(&mut Stdin::new()),
    }
}
