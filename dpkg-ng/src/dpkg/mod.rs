//! The tool `dpkg`: its command line, what surrounds an action, and the choice of action.

mod admin;
pub mod args;
mod enquiry;
mod help;
mod hooks;
pub mod options;
mod packages;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use libdpkgng::error::Error;
use libdpkgng::force::{Force, ForceSet, Known};
use libdpkgng::hooks::{Hook, HookSet};
use libdpkgng::msg;
use libdpkgng::pipeline;

use crate::cli::table::knows;
use crate::cli::{Effect, Env, Opt, Parser, Process, Step, force, need_action};
use crate::receivers::Buffering;
use crate::{deb, query};
use args::{Action, Backend, DpkgArgs, Settings};

/// Run dpkg; `args` are without the program's name.
pub fn main(env: Env, args: &[OsString]) -> i32 {
    with_hooks(env, args, Vec::new())
}

/// The same with hooks, which actions that work on packages ask.
pub fn with_hooks(env: Env, args: &[OsString], hooks: Vec<Box<dyn Hook>>) -> i32 {
    let mut process = Process::start("dpkg", env, Buffering::Line);
    let outcome = run(&mut process, args, hooks);
    process.finish(outcome)
}

/// Whether dpkg has an option `--NAME`.
pub fn has_option(name: &str) -> bool {
    knows(options::OPTIONS, name)
}

/// The options that say who is to hear what.
const HEARERS: &[&str] = &["debug", "log", "status-fd"];

/// Obey the options that say who is to hear what, on a command line that is a plugin's to read.
pub fn add_hearers(process: &mut Process, args: &[OsString]) -> Step {
    let mut settings = Settings::new(force::initial(process, Known::ALL)?);
    let mut left = args.iter().take_while(|a| *a != "--");
    while let Some(arg) = left.next() {
        let name = arg.as_bytes().strip_prefix(b"--").unwrap_or_default();
        let mut parts = name.splitn(2, |b| *b == b'=');
        let name = parts.next().unwrap_or_default();
        let is_it = |row: &&Opt<Action, Settings>| {
            let long = row.name.long.filter(|l| HEARERS.contains(l));
            long.is_some_and(|l| l.as_bytes() == name)
        };
        let Some(row) = options::OPTIONS.iter().find(is_it) else {
            continue;
        };
        let value = parts.next().map(OsStr::from_bytes);
        // That it is missing is the plugin's to say.
        let Some(value) = value.or_else(|| left.next().map(OsString::as_os_str)) else {
            break;
        };
        if let Effect::Value(set) = row.effect {
            set(&mut settings, process, row.name, value)?;
        }
    }
    Ok(())
}

/// Read configuration and command line.
fn parse(process: &mut Process, args: &[OsString]) -> Step<DpkgArgs> {
    let force = force::initial(process, Known::ALL)?;
    let settings = Settings::new(force);
    let mut parser = Parser::new(options::OPTIONS, settings);
    parser.load_config(process, "dpkg")?;
    process.set_help_hint(help::HINT);
    let args = parser.parse(process, args)?;
    let settings = parser.settings;
    let dirs = settings.dirs.clone().settle(process)?;
    adopt_root_group(settings.force)?;

    let (action, name) = need_action(parser.action)?;
    // Always, so that what was inherited is never taken for what we say.
    process
        .env
        .set("DPKG_ADMINDIR", dirs.admindir.as_os_str().as_bytes());
    process
        .env
        .set("DPKG_ROOT", dirs.instdir.as_os_str().as_bytes());
    let names = settings.force.names();
    process.env.set("DPKG_FORCE", names.as_bytes());
    Ok(DpkgArgs {
        action,
        name,
        settings,
        dirs,
        args,
        hooks: HookSet::default(),
    })
}

/// Root's group is root, so that what maintainer scripts create belongs to it.
fn adopt_root_group(force: ForceSet) -> Result<(), Error> {
    use nix::unistd::{Gid, getgid, getuid, setgid};
    if force.has(Force::NonRoot) || !getuid().is_root() || getgid() == Gid::from_raw(0) {
        return Ok(());
    }
    setgid(Gid::from_raw(0)).map_err(|e| Error::os(msg!("cannot set primary group ID to root"), e))
}

fn run(process: &mut Process, args: &[OsString], asked: Vec<Box<dyn Hook>>) -> Step<i32> {
    let mut args = parse(process, args)?;
    asked.into_iter().for_each(|hook| args.hooks.push(hook));
    let hooks = hooks::may_run(&args);
    if hooks {
        hooks::run(process, args.verb(), &args.settings.pre_invoke)?;
        hooks::start_status_loggers(process, &args.settings.status_loggers)?;
    }
    let code = act(process, &mut args)?;
    if hooks {
        hooks::run(process, args.verb(), &args.settings.post_invoke)?;
    }
    Ok(code)
}

fn act(process: &mut Process, args: &mut DpkgArgs) -> Step<i32> {
    match args.action {
        Action::Help => Ok(help::print_usage(process)?),
        Action::Version => Ok(help::print_version(process, args.settings.robot)?),
        Action::ValidatePkgname => enquiry::validate_pkgname(args),
        Action::ValidateTrigname => enquiry::validate_trigname(args),
        Action::ValidateArchname => enquiry::validate_archname(args),
        Action::ValidateVersion => enquiry::validate_version(process, args),
        Action::CompareVersions => enquiry::compare_versions(process, args),
        Action::AssertFeature => enquiry::assert_feature(process, args),
        Action::PrintArchitecture => admin::print_architecture(process, args),
        Action::PrintForeignArchitectures => admin::print_foreign_architectures(process, args),
        Action::AddArchitecture => admin::add_architecture(process, args),
        Action::RemoveArchitecture => admin::remove_architecture(process, args),
        Action::Audit => admin::audit(process, args),
        Action::Verify => admin::verify(process, args),
        Action::YetToUnpack => admin::yet_to_unpack(process, args),
        Action::PredepPackage => admin::predep_package(process, args),
        Action::GetSelections => admin::get_selections(process, args),
        Action::SetSelections => admin::set_selections(process, args),
        Action::ClearSelections => admin::clear_selections(process, args),
        Action::UpdateAvail => admin::update_available(process, args, false),
        Action::MergeAvail => admin::update_available(process, args, true),
        Action::ClearAvail => admin::clear_available(process, args),
        Action::ForgetOldUnavail => admin::forget_old_unavailable(process, args),
        Action::Backend(backend) => {
            // The hand-over ends dpkg, as execvp does: what the tool returns is the exit code.
            process.flush_output()?;
            let mut list: Vec<OsString> = vec![format!("--{}", args.verb()).into(), "--".into()];
            list.append(&mut args.args);
            let env = process.env.clone();
            Ok(match backend {
                Backend::Deb => deb::main(env, &list),
                Backend::Query => query::main(env, &list),
            })
        }
        Action::Install => packages::run(process, args, pipeline::Action::Install),
        Action::Unpack => packages::run(process, args, pipeline::Action::Unpack),
        Action::RecordAvail => packages::run(process, args, pipeline::Action::RecordAvail),
        Action::Configure => packages::run(process, args, pipeline::Action::Configure),
        Action::TriggersOnly => packages::run(process, args, pipeline::Action::TriggersOnly),
        Action::Remove => packages::run(process, args, pipeline::Action::Remove),
        Action::Purge => packages::run(process, args, pipeline::Action::Purge),
    }
}
