//! Actions that change packages: the command line's plain value becomes a run of the library.

use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use libdpkgng::arch::{ArchTable, BUILD_ARCHITECTURE};
use libdpkgng::db::Database;
use libdpkgng::error::Result;
use libdpkgng::pipeline::{Action, Options, Run};
use libdpkgng::pkg::PkgId;
use libdpkgng::pkgspec;
use libdpkgng::sys::heap;

use super::args::DpkgArgs;
use crate::cli::{Process, REFERENCE_VERSION, Step};
use crate::prompt::Terminal;

/// The size of what decoders of archives have for as long as they live, not of what is had all the
/// time: each such block costs its pages anew.
const LARGE_BLOCK: i32 = 4 << 20;

/// The database of the command line's directories, not opened yet.
pub fn database(process: &Process, args: &DpkgArgs) -> Database {
    let mut db = Database::new(args.dirs.clone(), ArchTable::new(BUILD_ARCHITECTURE));
    let below_root = |name| {
        let path = process.env.get_nonempty(name)?;
        Some(path.as_bytes().into())
    };
    db.sysusers.passwd = below_root("DPKG_PATH_PASSWD");
    db.sysusers.group = below_root("DPKG_PATH_GROUP");
    // What a plugin installs may be elsewhere than its admindir says.
    let from = args.settings.path_index.filter(|_| args.hooks.is_empty());
    db.set_path_index(from.map(|paths| usize::try_from(paths).unwrap_or(0)));
    db.set_frontend_locked(process.env.get("DPKG_FRONTEND_LOCKED").is_some());
    db
}

/// A run over a database that is not opened yet.
pub fn start(process: &Process, args: &mut DpkgArgs, db: Database, opts: Options) -> Run {
    let (env, report) = (process.env.clone(), process.report.clone());
    let prompt = Terminal::new(env, report.clone(), args.settings.pager);
    Run::new(
        db,
        opts,
        Box::new(report),
        Box::new(prompt),
        std::mem::take(&mut args.hooks),
    )
}

/// `--install`, `--unpack`, `--record-avail`, `--configure`, `--triggers-only`, `--remove`,
/// `--purge`.
pub fn run(process: &mut Process, args: &mut DpkgArgs, action: Action) -> Step<i32> {
    let mut db = database(process, args);
    let ignore_depends = ignored(&mut db, args)?;
    let opts = options(process, args, action, ignore_depends);
    let mut run = start(process, args, db, opts);
    let names = || args.args.iter().map(|a| a.as_bytes().to_vec());
    let result = match action {
        Action::Install | Action::Unpack | Action::RecordAvail => {
            heap::give_back_from(LARGE_BLOCK);
            let archives: Vec<PathBuf> = args.args.iter().map(PathBuf::from).collect();
            run.archive_files(&archives)
        }
        Action::Configure | Action::TriggersOnly | Action::Remove | Action::Purge => {
            run.packages(&names().collect::<Vec<_>>())
        }
    };
    let code = result?.max(run.finish());
    // The process is about to end, which frees their memory faster than we could.
    let Database { table, fsys, .. } = run.db;
    std::mem::forget((table, fsys));
    Ok(code)
}

/// `--ignore-depends`: the packages, as the table knows them before the database is read.
fn ignored(db: &mut Database, args: &DpkgArgs) -> Result<Vec<PkgId>> {
    let parse = |name: &std::ffi::OsString| {
        pkgspec::package_arg(&mut db.table, "ignore-depends", name.as_bytes())
    };
    args.settings.ignore_depends.iter().map(parse).collect()
}

/// The command line's settings as the library's.
pub fn options(
    process: &Process,
    args: &DpkgArgs,
    action: Action,
    ignore_depends: Vec<PkgId>,
) -> Options {
    let s = &args.settings;
    let text = |os: &std::ffi::OsStr| os.to_string_lossy().into_owned();
    Options {
        action,
        act: s.act,
        alsoselect: s.also_select,
        autodeconf: s.auto_deconfigure,
        debsig: s.debsig,
        pending: s.pending,
        recursive: s.recursive,
        skipsame: s.skip_same_version,
        triggers: args.process_triggers(),
        ahead: usize::try_from(s.read_ahead).map_or(0, |mib| mib.saturating_mul(1 << 20)),
        abort_after: s.abort_after,
        force: s.force,
        ignore_depends,
        filters: s.filters.clone(),
        tmpdir: match process.env.get("TMPDIR") {
            Some(dir) if dir.is_empty() => PathBuf::from("/"),
            Some(dir) => PathBuf::from(dir),
            None => PathBuf::from("/tmp"),
        },
        script_env: process
            .env
            .vars()
            .iter()
            .map(|(name, value)| (text(name), value.as_bytes().to_vec()))
            .collect(),
        running_version: REFERENCE_VERSION.to_owned(),
    }
}
