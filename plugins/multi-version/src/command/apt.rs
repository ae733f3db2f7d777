//! `view apt VIEW -- ARGS…`, and what apt's calls of dpkg-ng take from it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use dpkgng_plugin::{Failed, Host, run_in_our_place};

use super::change::{change, present};
use super::options::Line;
use crate::apt::{Marks, Session};
use crate::layout::{Architecture, InstallationId, Layout, ViewName};
use crate::manifest::Reason;
use crate::plan::Request;

/// Where dpkg-ng finds the plugin without being told.
const INSTALLED: &str = "/usr/lib/dpkg-ng/plugins/multi-version.so";

/// Run apt over a view, and then note what it marked.
pub fn apt(host: Host, layout: &Layout, args: &[OsString]) -> Result<i32, Failed> {
    const USAGE: &str = "view apt: VIEW -- ARGUMENT...";
    let (view, args) = args.split_first().ok_or_else(|| Failed::new(USAGE))?;
    let view: ViewName = view.to_string_lossy().parse()?;
    let args = match args.split_first() {
        Some((dashes, args)) if dashes == "--" => args,
        _ => args,
    };
    if args.is_empty() {
        return Err(Failed::new(USAGE));
    }
    let of_host = rustix::process::geteuid().is_root();
    let private = match of_host {
        true => layout.view(&view).join("apt"),
        false => cache()?.join(view.as_str()),
    };
    let session = Session {
        layout,
        view: &view,
        dpkg: (ourselves()?, plugin()),
        native: host.services().architecture()?.parse()?,
        private,
        of_host,
    };
    host.flush()?;
    let (code, changed) = session.run(args, run_in_our_place)?;
    if !changed.is_empty() {
        note(host, layout, &view, changed)?;
    }
    Ok(code)
}

/// Make a generation in which these packages have other reasons.
fn note(
    host: Host,
    layout: &Layout,
    view: &ViewName,
    changed: Vec<(crate::manifest::Member, Reason)>,
) -> Result<i32, Failed> {
    let sys = super::open(layout)?;
    let mut install = Vec::new();
    for (member, reason) in changed {
        let realization = sys.realization(&member.realization)?;
        install.push((realization.installation, Some(reason)));
    }
    let words = [
        "--multi-version".into(),
        format!("--view={view}"),
        "--configure".into(),
        "--pending".into(),
    ];
    let line = Line::parse(&words.map(OsString::from))?;
    let request = Request {
        install,
        side_by_side: true,
        force_depends: true,
        ..Request::default()
    };
    change(host, &sys, &line, present(&sys, view)?.as_ref(), &request)
}

/// Why each package of a command line of apt's is there.
pub struct Told {
    marks: Marks,
    native: Architecture,
}

impl Told {
    /// By `--auto-marks`, if it is given.
    pub fn by(host: Host, line: &Line) -> Result<Option<Told>, Failed> {
        let Some(path) = &line.auto_marks else {
            return Ok(None);
        };
        let cannot = |e| Failed::new(format!("cannot read '{}': {e}", path.display()));
        let marks = Marks::read(path).map_err(cannot)?;
        let native = host.services().architecture()?.parse()?;
        Ok(Some(Told { marks, native }))
    }

    /// Of this package.
    pub fn reason(&self, id: &InstallationId) -> Reason {
        let name = id.package().as_str();
        self.marks.reason(name, id.architecture(), &self.native)
    }
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

/// Where a user's own lists and archives are: basedir-spec(7).
fn cache() -> Result<PathBuf, Failed> {
    let absolute = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|p| p.is_absolute())
    };
    let cache = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")));
    let cache =
        cache.ok_or_else(|| Failed::new("there is no HOME to keep lists and archives in"))?;
    Ok(cache.join("dpkg-ng/views"))
}
