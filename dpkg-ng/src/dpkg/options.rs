//! dpkg's option table (dpkg(1) "ACTIONS" and "OPTIONS"), in stock's order.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use crate::cli::text::HELP_OPTIONS;
use crate::completions::Outline;
use libdpkgng::arch::{ArchTable, BUILD_ARCHITECTURE};
use libdpkgng::error::Error;
use libdpkgng::force::Force;
use libdpkgng::force::Known;
use libdpkgng::msg;
use libdpkgng::pkg::PkgTable;
use libdpkgng::pkgspec;

use super::args::{Action, Backend, Settings, VerifyFormat};
use super::help;
use crate::cli::{LONG, Name, Opt, Process, Step, Stop, force, parse_int};

type Row = Opt<Action, Settings>;

const fn backend(long: &'static str, short: char, backend: Backend) -> Row {
    Row::action(long, short, Action::Backend(backend))
}

/// Every option of dpkg.
#[rustfmt::skip]
pub static OPTIONS: &[Row] = &[
    Row::action("install", 'i', Action::Install),
    Row::action("unpack", LONG, Action::Unpack),
    Row::action("record-avail", 'A', Action::RecordAvail),
    Row::action("configure", LONG, Action::Configure),
    Row::action("remove", 'r', Action::Remove),
    Row::action("purge", 'P', Action::Purge),
    Row::action("triggers-only", LONG, Action::TriggersOnly),
    Row::action("verify", 'V', Action::Verify),
    backend("listfiles", 'L', Backend::Query),
    backend("status", 's', Backend::Query),
    Row::action("get-selections", LONG, Action::GetSelections),
    Row::action("set-selections", LONG, Action::SetSelections),
    Row::action("clear-selections", LONG, Action::ClearSelections),
    backend("print-avail", 'p', Backend::Query),
    Row::action("update-avail", LONG, Action::UpdateAvail),
    Row::action("merge-avail", LONG, Action::MergeAvail),
    Row::action("clear-avail", LONG, Action::ClearAvail),
    Row::action("forget-old-unavail", LONG, Action::ForgetOldUnavail),
    Row::action("audit", 'C', Action::Audit),
    Row::action("yet-to-unpack", LONG, Action::YetToUnpack),
    backend("list", 'l', Backend::Query),
    backend("search", 'S', Backend::Query),
    Row::action_of("assert", Action::AssertFeature, |s, v| s.assert_feature = v.to_owned()),
    Row::action("add-architecture", LONG, Action::AddArchitecture),
    Row::action("remove-architecture", LONG, Action::RemoveArchitecture),
    Row::action("print-architecture", LONG, Action::PrintArchitecture),
    Row::action("print-foreign-architectures", LONG, Action::PrintForeignArchitectures),
    Row::action("predep-package", LONG, Action::PredepPackage),
    Row::action("validate-pkgname", LONG, Action::ValidatePkgname),
    Row::action("validate-trigname", LONG, Action::ValidateTrigname),
    Row::action("validate-archname", LONG, Action::ValidateArchname),
    Row::action("validate-version", LONG, Action::ValidateVersion),
    Row::action("compare-versions", LONG, Action::CompareVersions),
    Row::action("help", '?', Action::Help),
    Row::action("version", LONG, Action::Version),
    Row::value("pre-invoke", LONG, |s, _, _, v| { s.pre_invoke.push(v.to_owned()); Ok(()) }),
    Row::value("post-invoke", LONG, |s, _, _, v| { s.post_invoke.push(v.to_owned()); Ok(()) }),
    Row::value("path-exclude", LONG, |s, p, _, v| { s.filters.add(v.as_bytes(), false, &mut p.report); Ok(()) }),
    Row::value("path-include", LONG, |s, p, _, v| { s.filters.add(v.as_bytes(), true, &mut p.report); Ok(()) }),
    Row::value("verify-format", LONG, set_verify_format),
    Row::value("status-logger", LONG, |s, _, _, v| { s.status_loggers.push(v.to_owned()); Ok(()) }),
    Row::value("status-fd", LONG, |_, p, name, v| Ok(p.report.add_status_fd(parse_int(name, v)?)?)),
    Row::value("log", LONG, |_, p, _, v| { p.report.set_log_file(v); Ok(()) }),
    Row::flag("pending", 'a', |s, _| { s.pending = true; Ok(()) }),
    Row::flag("recursive", 'R', |s, _| { s.recursive = true; Ok(()) }),
    Row::flag("no-act", LONG, |s, _| { s.act = false; Ok(()) }),
    Row::flag("dry-run", LONG, |s, _| { s.act = false; Ok(()) }),
    Row::flag("simulate", LONG, |s, _| { s.act = false; Ok(()) }),
    Row::flag("no-pager", LONG, set_no_pager),
    Row::flag("no-debsig", LONG, |s, _| { s.debsig = false; Ok(()) }),
    Row::flag("", 'G', |s, _| { s.force.reset(Force::Downgrade); Ok(()) }),
    Row::flag("selected-only", 'O', |s, _| { s.also_select = false; Ok(()) }),
    Row::flag("triggers", LONG, |s, _| { s.triggers = Some(true); Ok(()) }),
    Row::flag("no-triggers", LONG, |s, _| { s.triggers = Some(false); Ok(()) }),
    Row::flag("no-also-select", 'N', |s, _| { s.also_select = false; Ok(()) }),
    Row::flag("skip-same-version", 'E', |s, _| { s.skip_same_version = true; Ok(()) }),
    Row::flag("auto-deconfigure", 'B', |s, _| { s.auto_deconfigure = true; Ok(()) }),
    Row::flag("robot", LONG, |s, _| { s.robot = true; Ok(()) }),
    Row::value("root", LONG, |s, p, _, v| Ok(s.dirs.set_root(&p.env, v)?)),
    Row::value("abort-after", LONG, |s, _, name, v| { s.abort_after = parse_int(name, v)?; Ok(()) }),
    Row::value("admindir", LONG, |s, _, _, v| Ok(s.dirs.set_admindir(v)?)),
    Row::value("instdir", LONG, |s, p, _, v| Ok(s.dirs.set_instdir(&p.env, v)?)),
    Row::value("ignore-depends", LONG, set_ignore_depends),
    // Not stock's: dpkg-ng --help has them.
    Row::value("read-ahead", LONG, |s, _, name, v| { s.read_ahead = parse_int(name, v)?; Ok(()) }),
    Row::flag("no-read-ahead", LONG, |s, _| { s.read_ahead = 0; Ok(()) }),
    Row::value("path-index", LONG, |s, _, name, v| { s.path_index = Some(parse_int(name, v)?); Ok(()) }),
    Row::flag("no-path-index", LONG, |s, _| { s.path_index = None; Ok(()) }),
    Row::suffix("force", |s, p, _, v| force::obey(&mut s.force, p, v.as_bytes(), true)),
    Row::suffix("refuse", |s, p, _, v| force::obey(&mut s.force, p, v.as_bytes(), false)),
    Row::suffix("no-force", |s, p, _, v| force::obey(&mut s.force, p, v.as_bytes(), false)),
    Row::value("debug", 'D', set_debug),
    backend("build", 'b', Backend::Deb),
    backend("contents", 'c', Backend::Deb),
    backend("control", 'e', Backend::Deb),
    backend("info", 'I', Backend::Deb),
    backend("field", 'f', Backend::Deb),
    backend("extract", 'x', Backend::Deb),
    backend("vextract", 'X', Backend::Deb),
    backend("ctrl-tarfile", LONG, Backend::Deb),
    backend("fsys-tarfile", LONG, Backend::Deb),
];

fn set_debug(_: &mut Settings, process: &mut Process, name: Name, value: &OsStr) -> Step {
    if value.as_bytes().first() == Some(&b'h') {
        help::print_debug_areas(process)?;
        return Err(Stop::Exit(0));
    }
    if process.set_debug(value) {
        return Ok(());
    }
    Err(Error::usage(msg!("--%s requires a positive octal argument", name.long())).into())
}

fn set_no_pager(settings: &mut Settings, process: &mut Process) -> Step {
    settings.pager = false;
    // For the tools we hand over to.
    process.env.set("DPKG_PAGER", b"cat");
    Ok(())
}

fn set_verify_format(settings: &mut Settings, _: &mut Process, _: Name, value: &OsStr) -> Step {
    if value != "rpm" {
        return Err(Error::usage(msg!("unknown verify output format '%s'", value)).into());
    }
    settings.verify_format = VerifyFormat::Rpm;
    Ok(())
}

fn set_ignore_depends(settings: &mut Settings, _: &mut Process, name: Name, value: &OsStr) -> Step {
    if value.is_empty() {
        return Ok(());
    }
    let names: Vec<&[u8]> = value.as_bytes().split(|&b| b == b',').collect();
    if names.iter().any(|n| n.is_empty()) {
        return Err(Error::usage(msg!(
            "null package name in --%s comma-separated list '%.250s'",
            name.long(),
            value
        ))
        .into());
    }
    for given in names {
        // No database is open yet: the names are what can be checked now.
        let mut table = PkgTable::new(ArchTable::new(BUILD_ARCHITECTURE));
        pkgspec::package_arg(&mut table, name.long(), given)?;
        let given: OsString = OsStr::from_bytes(given).to_owned();
        settings.ignore_depends.insert(0, given);
    }
    Ok(())
}

/// What completions and the man page are made from.
pub fn outline() -> Outline {
    // What is handed on is described by those who get it.
    let help = [
        help::COMMANDS,
        help::OPTIONS,
        crate::deb::help::COMMANDS,
        crate::query::help::COMMANDS,
        HELP_OPTIONS,
    ];
    let things = || Known::ALL.things().map(|t| t.name);
    Outline::of(OPTIONS, &help)
        .with_words("force", things())
        .with_words("no-force", things())
        .with_words("refuse", things())
        .with_words("assert", super::enquiry::features())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_help_and_parity_agree() {
        crate::parity::expect_consistent(
            "dpkg",
            OPTIONS,
            &[help::COMMANDS, help::BACKEND, help::OPTIONS],
        );
    }
}
