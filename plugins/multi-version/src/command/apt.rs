//! `view apt VIEW [--world SIDE] -- ARGS…`: apt over a world of a view, as one transaction.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use dpkgng_plugin::{Failed, Host};

use super::actions::end;
use super::line::Line;
use crate::engine::{Asked, Committed, Transaction};
use crate::layout::{Layout, ViewName};
use crate::manifest::command_line;
use crate::state::Settings;

/// Where dpkg-ng finds the plugin without being told.
const INSTALLED: &str = "/usr/lib/dpkg-ng/plugins/multi-version.so";

/// Run apt over a view.
pub fn apt(host: Host, layout: &Layout, args: &[OsString]) -> Result<i32, Failed> {
    const USAGE: &str = "view apt: VIEW -- ARGUMENT...";
    let (view, rest) = args.split_first().ok_or_else(|| Failed::new(USAGE))?;
    let view: ViewName = view.to_string_lossy().parse()?;
    let rest = match rest.split_first() {
        Some((dashes, rest)) if dashes == "--" => rest,
        _ => rest,
    };
    if rest.is_empty() {
        return Err(Failed::new(USAGE));
    }
    let words: Vec<OsString> = ["dpkg-ng", "view", "apt"]
        .iter()
        .map(OsString::from)
        .collect();
    let asked = Asked {
        command: command_line(&[&words, args].concat()),
        ..Asked::default()
    };
    let transaction = Transaction::begin(host, layout, &view)?;
    let code = transaction.apt(&transaction.main(), &(ourselves()?, plugin()), rest)?;
    end(host, &Line::new(view), transaction, &asked, code)
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

/// `view create V`: one without packages.
pub fn create(
    host: Host,
    layout: &Layout,
    view: &ViewName,
    settings: Option<Settings>,
) -> Result<Committed, Failed> {
    let asked = Asked {
        command: format!("dpkg-ng view create {view}"),
        ..Asked::default()
    };
    let transaction = Transaction::create(host, layout, view, settings)?;
    Ok(transaction.commit(&asked)?.0)
}
