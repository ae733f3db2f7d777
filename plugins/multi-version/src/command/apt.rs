//! `view apt`, `view create` and `upgrade`: apt over the worlds of views, a transaction each.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use dpkgng_plugin::{Failed, Host};

use super::actions::end;
use super::cli::{Apt, Create, Upgrade};
use super::line::Line;
use crate::apt::{Private, is_of_all_worlds};
use crate::engine::{Asked, Over, Transaction};
use crate::generation::{Disk, Reader};
use crate::layout::{Layout, ViewName};
use crate::state::Settings;

/// Where dpkg-ng finds the plugin without being told.
const INSTALLED: &str = "/usr/lib/dpkg-ng/plugins/multi-version.so";

/// Run apt over a view; `command`: the command line.
pub fn apt(host: Host, layout: &Layout, apt: &Apt, command: String) -> Result<i32, Failed> {
    let mut asked = Asked {
        command,
        ..Asked::default()
    };
    let transaction = Transaction::begin(host, layout, &apt.view)?;
    let side = apt
        .into
        .as_ref()
        .map(|side| transaction.side(side))
        .transpose()?;
    let main = transaction.main();
    let over = match &side {
        Some(side) => Over::World(side),
        None if apt.beside => Over::Beside,
        None if is_of_all_worlds(&apt.args) => Over::All,
        None => Over::World(&main),
    };
    let code = transaction.apt(over, &(ourselves()?, plugin()), &apt.args, &mut asked)?;
    let line = Line {
        keep_failed: apt.keep_failed,
        ..Line::new(apt.view.clone())
    };
    end(host, &line, transaction, &asked, code)
}

/// `upgrade`: each view in its turn; what fails of one is no reason not to go on with the others.
pub fn upgrade(
    host: Host,
    layout: &Layout,
    upgrade: &Upgrade,
    command: &str,
) -> Result<i32, Failed> {
    let reader = Reader::new(layout.clone());
    let views = match upgrade.all {
        true => reader.views()?,
        false => upgrade.views.clone(),
    };
    let mut args: Vec<OsString> = vec!["dist-upgrade".into()];
    args.extend(upgrade.yes.then(|| "-y".into()));
    args.extend(upgrade.no_act.then(|| "-s".into()));
    let mut became = Vec::new();
    let mut code = 0;
    for view in &views {
        if views.len() > 1 {
            host.notice(format!("upgrading view {view}"))?;
        }
        let before = reader.current(view)?;
        let of_one = upgrade_one(host, layout, view, &args, command);
        let after = reader.current(view)?;
        let number = after.map_or_else(String::new, |n| n.to_string());
        became.push(match of_one {
            Ok(0) if upgrade.no_act => continue,
            Ok(0) if before == after => {
                format!("{view} has the newest of all, at generation {number}")
            }
            Ok(0) => format!("{view} is at generation {number}"),
            failed => {
                code = 1;
                let why =
                    failed.map_or_else(|e| e.to_string(), |code| format!("apt ended with {code}"));
                match after {
                    Some(number) => format!("{view} is as it was, at generation {number}: {why}"),
                    None => format!("{view}: {why}"),
                }
            }
        });
    }
    for line in became {
        host.output(format!("{line}\n"))?;
    }
    Ok(code)
}

fn upgrade_one(
    host: Host,
    layout: &Layout,
    view: &ViewName,
    args: &[OsString],
    command: &str,
) -> Result<i32, Failed> {
    if Reader::new(layout.clone()).current(view)?.is_none() {
        return Err(crate::engine::EngineError::NoView(view.clone()).into());
    }
    let transaction = Transaction::begin(host, layout, view)?;
    let mut asked = Asked {
        command: command.into(),
        ..Asked::default()
    };
    let dpkg = (ourselves()?, plugin());
    let private = Private::of(layout, view);
    let mut code = 0;
    // The host's lists are the host's to refresh.
    if private.has_sources()? {
        code = transaction.apt(
            Over::World(&transaction.main()),
            &dpkg,
            &["update".into()],
            &mut asked,
        )?;
    }
    if code == 0 {
        code = transaction.apt(Over::All, &dpkg, args, &mut asked)?;
    }
    if code != 0 {
        transaction.fail(false)?;
        return Ok(code);
    }
    transaction.commit(&asked)?;
    Ok(0)
}

/// `view create`: one without packages; `command`: the command line.
pub fn create(host: Host, layout: &Layout, asked: &Create, command: String) -> Result<(), Failed> {
    let mut settings = Settings::usual(&asked.view);
    settings.state = asked.state.unwrap_or(settings.state);
    settings.suites.clone_from(&asked.suites);
    let transaction = Transaction::create(host, layout, &asked.view, &settings)?;
    let (private, disk) = (Private::of(layout, &asked.view), Disk::default());
    for file in &asked.sources {
        private.add_source(&disk, file)?;
    }
    private.ask_for(&disk, &asked.suites)?;
    transaction.commit(&Asked {
        command,
        ..Asked::default()
    })?;
    Ok(())
}

fn ourselves() -> Result<PathBuf, Failed> {
    std::env::current_exe()
        .map_err(|e| Failed::new(format!("cannot tell which program this is: {e}")))
}

/// What dpkg-ng must be told to find this plugin: nothing, where it is installed.
fn plugin() -> Vec<OsString> {
    match own_file() {
        Some(file) if file != Path::new(INSTALLED) => {
            let mut option = OsString::from("--plugin=");
            option.push(file);
            vec![option]
        }
        _ => Vec::new(),
    }
}

/// The file this code was loaded from.
fn own_file() -> Option<PathBuf> {
    let here: fn() -> Option<PathBuf> = own_file;
    let here = here as usize;
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    let holds = |line: &&str| {
        let range = line.split(' ').next().and_then(|r| r.split_once('-'));
        let number = |word| usize::from_str_radix(word, 16).ok();
        let range = range.and_then(|(a, b)| Some(number(a)?..number(b)?));
        range.is_some_and(|range| range.contains(&here))
    };
    let line = maps.lines().find(holds)?;
    let path = line.get(line.find('/')?..)?;
    Some(PathBuf::from(path)).filter(|path| path.extension().is_some_and(|e| e == "so"))
}
