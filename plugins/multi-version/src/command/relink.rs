//! `dpkg-ng relink LIB=VERSION [--only PKG] [--view V] [--check]`: another version of a library for all of a view, or
//! for one package.
//!
//! LIB is a soname, or a package, which means all its libraries. VERSION is that of the package that provides it,
//! which is in the view, or in the store; `auto` leaves the choice to the vote again. Nothing is rewritten: the
//! next generation's `lib/` leads elsewhere.

use std::collections::BTreeSet;
use std::ffi::OsString;

use dpkgng_plugin::{Failed, Host};

use super::change::{change, present};
use super::options::{Action, Line};
use crate::facts::{self, Facts};
use crate::generation::Sys;
use crate::layout::{InstallationId, Layout, PackageName, Soname, ViewName};
use crate::manifest::{LibraryPin, Manifest, Reason};
use crate::plan::Request;
use crate::store;

/// What stands behind `relink`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Options {
    /// A soname or a package.
    library: String,
    /// None: `auto`.
    version: Option<String>,
    only: Option<PackageName>,
    view: ViewName,
    check: bool,
    explain: bool,
}

impl Options {
    fn parse(args: &[OsString]) -> Result<Options, Failed> {
        let mut options = Options {
            library: String::new(),
            version: None,
            only: None,
            view: ViewName::system(),
            check: false,
            explain: false,
        };
        let mut left = args.iter().map(|a| a.to_string_lossy());
        while let Some(arg) = left.next() {
            let (name, value) = match arg.split_once('=') {
                Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
                _ => (arg.as_ref(), None),
            };
            let mut value = || {
                let value = value
                    .clone()
                    .or_else(|| left.next().map(|v| v.into_owned()));
                value.ok_or_else(|| Failed::new(format!("{name} takes a value")))
            };
            match name {
                "--only" => options.only = Some(value()?.parse()?),
                "--view" => options.view = value()?.parse()?,
                "--check" => options.check = true,
                "--explain" => options.explain = true,
                _ if name.starts_with('-') => {
                    return Err(Failed::new(format!("unknown option {name}")));
                }
                _ if !options.library.is_empty() => {
                    return Err(Failed::new("relink takes one LIBRARY=VERSION"));
                }
                _ => {
                    let (library, version) = arg
                        .split_once('=')
                        .ok_or_else(|| Failed::new("relink needs LIBRARY=VERSION"))?;
                    options.library = library.into();
                    options.version = Some(version.to_owned()).filter(|v| v != "auto");
                }
            }
        }
        match options.library.is_empty() {
            true => Err(Failed::new("relink needs LIBRARY=VERSION")),
            false => Ok(options),
        }
    }
}

/// Run it.
pub fn relink(host: Host, layout: &Layout, args: &[OsString]) -> Result<i32, Failed> {
    let options = Options::parse(args)?;
    let sys = super::open(layout)?;
    let Some(manifest) = present(&sys, &options.view)? else {
        return Err(Failed::new(format!("there is no view {}", options.view)));
    };
    let mut request = Request {
        side_by_side: true,
        ..Request::default()
    };
    match &options.version {
        None => request.unpin = pinned(&manifest, &options),
        Some(version) => {
            let found = providers(host, &sys, &manifest, &options, version)?;
            for (facts, is_member) in &found {
                if !is_member {
                    request.install.push((facts.id.clone(), Some(Reason::Auto)));
                }
                for soname in sonames(facts, &options.library) {
                    request.pin.push(LibraryPin {
                        soname,
                        provider: facts.id.clone(),
                        only: options.only.clone(),
                    });
                }
            }
        }
    }
    if request.pin.is_empty() && request.unpin.is_empty() {
        return Err(Failed::new(match &options.version {
            Some(version) => format!(
                "neither view {} nor the store has version {version} of a package that provides {}",
                options.view, options.library
            ),
            None => format!("{} is left to the vote already", options.library),
        }));
    }
    let line = Line {
        no_act: options.check,
        explain: options.explain || options.check,
        ..Line::new(options.view, Action::Configure)
    };
    change(host, &sys, &line, Some(&manifest), &request)
}

/// The pins that are to be taken back.
fn pinned(manifest: &Manifest, options: &Options) -> Vec<(Soname, Option<PackageName>)> {
    let pins = manifest.pins.iter().filter(|pin| {
        let library = [pin.soname.as_str(), pin.provider.package().as_str()];
        library.contains(&options.library.as_str()) && pin.only == options.only
    });
    pins.map(|p| (p.soname.clone(), p.only.clone())).collect()
}

/// The packages of this version that provide the library, and whether they are in the view: one of each architecture.
fn providers(
    host: Host,
    sys: &Sys,
    manifest: &Manifest,
    options: &Options,
    version: &str,
) -> Result<Vec<(Facts, bool)>, Failed> {
    let mut members = BTreeSet::new();
    for member in &manifest.packages {
        members.insert(sys.realization(&member.realization)?.installation);
    }
    let is_it = |id: &&InstallationId| id.version().as_str() == version;
    let mut found: Vec<(Facts, bool)> = Vec::new();
    let stored = store::all(sys.layout())?;
    let others = stored.iter().filter(|id| !members.contains(id));
    for id in members.iter().chain(others).filter(is_it) {
        let read = facts::read(host.services(), sys.layout(), id)?;
        let known = found
            .iter()
            .any(|(f, _)| f.id.architecture() == id.architecture());
        if !known && !sonames(&read, &options.library).is_empty() {
            found.push((read, members.contains(id)));
        }
    }
    Ok(found)
}

/// What of a package's libraries is meant.
fn sonames(facts: &Facts, library: &str) -> BTreeSet<Soname> {
    let public = facts.objects.iter().filter(|o| o.public);
    let all = public.filter_map(|o| o.soname.clone());
    let whole = facts.id.package().as_str() == library;
    all.filter(|s| whole || s.as_str() == library).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        let args: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        Options::parse(&args).map_err(|e| String::from_utf8_lossy(e.text()).into_owned())
    }

    #[test]
    fn what_can_be_said() {
        let said = parse("libssl.so.3=3.0.17-1~deb12u2 --only curl --check").unwrap();
        assert_eq!(said.version.as_deref(), Some("3.0.17-1~deb12u2"));
        assert_eq!(said.only.unwrap().as_str(), "curl");
        assert!(said.check && said.view.as_str() == "system");
        assert_eq!(parse("libc6=auto --view=x").unwrap().version, None);
        for wrong in ["", "libc6", "a=1 b=2", "--only", "--what", "a=1 --only A"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
