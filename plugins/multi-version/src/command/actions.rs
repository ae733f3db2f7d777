//! dpkg's actions on a view.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use dpkgng_plugin::{Failed, Host, Services};

use super::apt::Told;
use super::change::{change, present};
use super::options::{Action, Line, UsageError};
use super::selections::Selections;
use super::views;
use crate::admindir;
use crate::context::Selector;
use crate::facts;
use crate::generation::Reader;
use crate::layout::{Architecture, InstallationId, Layout, Place, RealizationId, inside};
use crate::link::{LinkError, Linker, Verified};
use crate::manifest::{Manifest, Member, Reason, State};
use crate::plan::Request;
use crate::query::{self, Asked};
use crate::store;

/// Do what a command line says.
pub fn act(host: Host, layout: &Layout, line: &Line, args: &[OsString]) -> Result<i32, Failed> {
    let own = layout.current(&line.view).join(inside::ADMINDIR);
    if line.admindir.as_ref().is_some_and(|dir| *dir != own) {
        return Err(UsageError::NotInViews("--admindir".into()).into());
    }
    match line.action {
        Action::Install | Action::Unpack | Action::Remove | Action::Purge | Action::Configure => {
            let tx = crate::engine::Transaction::begin(host, layout, &line.view)?;
            let passed: Vec<OsString> = args
                .iter()
                .filter(|a| !a.to_string_lossy().starts_with("--view") && *a != "--multi-version")
                .cloned()
                .collect();
            let code = tx.dpkg(&tx.main(), &passed)?;
            if code == 0 {
                tx.keep()?;
            }
            Ok(code)
        }
        Action::Remove | Action::Purge => remove(host, layout, line),
        Action::Configure => configure(host, layout, line),
        // Triggers are run by what activates them: none is ever left for later.
        Action::Triggers | Action::MergeAvail => Ok(0),
        Action::SetSelections => set_selections(layout, line),
        Action::Dpkg => dpkg(host, layout, line),
        Action::List | Action::ListFiles | Action::Search | Action::Status | Action::Verify => {
            ask(host, layout, line)
        }
    }
}

/// `-i`, `--unpack`
fn install(host: Host, layout: &Layout, line: &Line) -> Result<i32, Failed> {
    let debs = archives(line)?;
    let sys = super::open(layout)?;
    let present = present(&sys, &line.view)?;
    let mut install = Vec::new();
    let told = Told::by(host, line)?;
    for stored in store::store(host, &sys, &debs)? {
        let name = stored.id.package();
        let reason = match () {
            () if line.as_auto.contains(name) => Some(Reason::Auto),
            () if line.as_wanted.contains(name) => Some(Reason::Want),
            () => told.as_ref().map(|told| told.reason(&stored.id)),
        };
        install.push((stored.id, reason));
    }
    let request = Request {
        install,
        side_by_side: line.multi_version,
        own_libraries: line.own_libraries,
        unpack_only: line.action == Action::Unpack,
        hide: line.hide.clone(),
        unhide: line.unhide.clone(),
        link_mode: line.link_mode,
        // As with dpkg, what is only unpacked may lack what it depends on.
        force_depends: line.force_depends || line.action == Action::Unpack,
        ..Request::default()
    };
    change(host, &sys, line, present.as_ref(), &request)
}

/// The .debs of a command line.
fn archives(line: &Line) -> Result<Vec<PathBuf>, Failed> {
    if line.operands.is_empty() {
        let action = match line.action {
            Action::Unpack => "--unpack",
            _ => "--install",
        };
        return Err(UsageError::NoOperand(action.into(), "package archive").into());
    }
    let mut debs: Vec<PathBuf> = line.operands.iter().map(PathBuf::from).collect();
    if line.recursive {
        let mut found = Vec::new();
        for top in debs {
            below(&top, &mut found)?;
        }
        // apt's links are named in the order it wants.
        found.sort();
        debs = found;
    }
    Ok(debs)
}

/// Every `*.deb` below a directory; links to files are followed, links to directories are not.
fn below(top: &Path, found: &mut Vec<PathBuf>) -> Result<(), Failed> {
    let cannot = |e| Failed::new(format!("cannot read '{}': {e}", top.display()));
    for entry in std::fs::read_dir(top).map_err(cannot)? {
        let entry = entry.map_err(cannot)?;
        let path = entry.path();
        if entry.file_type().map_err(cannot)?.is_dir() {
            below(&path, found)?;
        } else if path.as_os_str().as_bytes().ends_with(b".deb") {
            found.push(path);
        }
    }
    Ok(())
}

/// `-r`, `-P`
fn remove(host: Host, layout: &Layout, line: &Line) -> Result<i32, Failed> {
    let sys = super::open(layout)?;
    let present = present(&sys, &line.view)?;
    let mut selections = Selections::of(layout, &line.view)?;
    let want = match line.action {
        Action::Purge => "purge",
        _ => "deinstall",
    };
    let mut named = names(line)?;
    let mut gone = BTreeSet::new();
    if line.pending {
        for name in selections.wanting(want) {
            let selector = parse(name)?;
            // What apt removed itself meanwhile is no longer there.
            if any(present.as_ref(), &selector) {
                named.push(selector);
            }
        }
        selections.done(want);
    } else if named.is_empty() {
        return Err(UsageError::NoOperand(format!("--{}", action(line)), "package name").into());
    }
    let mut code = 0;
    for selector in &named {
        match the_one(&sys, present.as_ref(), selector)? {
            Some(id) => drop(gone.insert(id)),
            None => {
                host.warning(format!(
                    "ignoring request to remove {selector} which isn't installed"
                ))?;
            }
        }
    }
    if !gone.is_empty() {
        let mut request = Request {
            side_by_side: line.multi_version,
            force_depends: line.force_depends,
            link_mode: line.link_mode,
            ..Request::default()
        };
        match line.action {
            Action::Purge => request.purge = gone,
            _ => request.remove = gone,
        }
        code = change(host, &sys, line, present.as_ref(), &request)?;
    }
    if line.pending && !line.no_act && present.is_some() {
        selections.keep(layout, &line.view, sys.disk())?;
    }
    Ok(code)
}

fn action(line: &Line) -> &'static str {
    match line.action {
        Action::Purge => "purge",
        Action::Configure => "configure",
        _ => "remove",
    }
}

/// `--configure`
fn configure(host: Host, layout: &Layout, line: &Line) -> Result<i32, Failed> {
    let sys = super::open(layout)?;
    let present = present(&sys, &line.view)?;
    let mut configure = BTreeSet::new();
    if line.pending {
        for member in present.iter().flat_map(|m| &m.packages) {
            if member.state == State::Unpacked {
                configure.insert(sys.realization(&member.realization)?.installation);
            }
        }
    } else {
        let named = names(line)?;
        if named.is_empty() {
            return Err(UsageError::NoOperand("--configure".into(), "package name").into());
        }
        for selector in &named {
            let Some(id) = the_one(&sys, present.as_ref(), selector)? else {
                let text = format!("package {selector} is not installed");
                return Err(Failed::new(text));
            };
            configure.insert(id);
        }
    }
    if configure.is_empty() {
        return Ok(0);
    }
    let request = Request {
        configure,
        side_by_side: true,
        force_depends: line.force_depends,
        link_mode: line.link_mode,
        ..Request::default()
    };
    change(host, &sys, line, present.as_ref(), &request)
}

fn names(line: &Line) -> Result<Vec<Selector>, Failed> {
    let texts = line.operands.iter().map(|o| o.to_string_lossy());
    texts.map(|t| parse(&t)).collect()
}

fn parse(text: &str) -> Result<Selector, Failed> {
    text.parse()
        .map_err(|e| Failed::new(format!("'{text}' is no package of a view: {e}")))
}

fn members<'m>(
    present: Option<&'m Manifest>,
    selector: &'m Selector,
) -> impl Iterator<Item = &'m Member> {
    let all = present.map_or(&[][..], |m| &m.packages);
    all.iter().filter(|m| selector.is(m))
}

fn any(present: Option<&Manifest>, selector: &Selector) -> bool {
    members(present, selector).next().is_some()
}

/// The one package that a name means.
fn the_one(
    reader: &Reader,
    present: Option<&Manifest>,
    selector: &Selector,
) -> Result<Option<InstallationId>, Failed> {
    let found: Vec<&Member> = members(present, selector).collect();
    match found[..] {
        [] => Ok(None),
        [member] => Ok(Some(reader.realization(&member.realization)?.installation)),
        _ => {
            let choices = found.iter().map(|m| {
                let id = &m.realization;
                format!("\n {}={}:{}", id.package(), id.version(), id.architecture())
            });
            let choices: String = choices.collect();
            Err(Failed::new(format!("{selector} could be any of:{choices}")))
        }
    }
}

/// `--set-selections`
fn set_selections(layout: &Layout, line: &Line) -> Result<i32, Failed> {
    let mut text = String::new();
    // dpkg's own limit is memory; a line per package of a distribution is well below this.
    let mut input = std::io::stdin().lock().take(64 << 20);
    input.read_to_string(&mut text)?;
    let sys = super::open(layout)?;
    let mut selections = Selections::of(layout, &line.view)?;
    selections.extend(Selections::parse(&text)?);
    let Some(current) = sys.current(&line.view)? else {
        return Err(Failed::new(format!("there is no view {}", line.view)));
    };
    selections.keep(layout, &line.view, sys.disk())?;
    let admindir = layout
        .generation(&line.view, current)
        .join(inside::ADMINDIR);
    admindir::select(sys.disk(), &admindir, |name, architecture| {
        selections.of_installed(name, architecture)
    })?;
    Ok(0)
}

/// What dpkg-query and `dpkg --verify` answer, of all versions.
fn ask(host: Host, layout: &Layout, line: &Line) -> Result<i32, Failed> {
    let reader = Reader::new(layout.clone());
    let place = Place {
        view: line.view.clone(),
        number: line.generation,
    };
    let native: Architecture = host.services().architecture()?.parse()?;
    let asked = Asked::of(&reader, &place, &native)?;
    let operands = line.operands.iter();
    let words: Vec<String> = operands.map(|o| o.to_string_lossy().into_owned()).collect();
    let answer = views::with_out(host, line.json, |out| match line.action {
        Action::ListFiles => query::list_files(&asked, &words, out),
        Action::Search => query::search(&asked, &words, out),
        Action::Status => query::status(&asked, &words, out),
        Action::Verify => {
            let verified = |id: &RealizationId| verified(host.services(), &reader, &native, id);
            query::verify(&asked, &words, &verified, out)
        }
        _ => query::list(&asked, &words, out),
    })?;
    for notice in &answer.notices {
        host.notice(notice)?;
    }
    Ok(answer.code)
}

/// What differs in a realization from what its package says of its files.
fn verified(
    services: Services,
    reader: &Reader,
    native: &Architecture,
    id: &RealizationId,
) -> Result<Vec<Verified>, LinkError> {
    let installation = reader.realization(id)?.installation;
    let facts = facts::read(services, reader.layout(), &installation)?;
    Linker::new(reader.layout(), native.clone(), [&facts]).verify(id)
}

/// What dpkg does itself, on the view's database.
fn dpkg(host: Host, layout: &Layout, line: &Line) -> Result<i32, Failed> {
    let reader = Reader::new(layout.clone());
    let mut args: Vec<OsString> = Vec::new();
    let number = match line.generation {
        None => reader.current(&line.view)?,
        named => named,
    };
    if let Some(number) = number {
        let generation = layout.generation(&line.view, number);
        let mut option = OsString::from("--admindir=");
        option.push(generation.join(inside::ADMINDIR));
        args.push(option);
    }
    args.extend(line.operands.iter().cloned());
    host.dpkg(&args, None)
}
