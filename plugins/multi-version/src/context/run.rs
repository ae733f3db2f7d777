//! `dpkg-ng run [--view V[@GEN]] [-p PKG[=VERSION][:ARCH]]… [--pure] [--] CMD [ARG…]`
//!
//! The generation is held from before it is looked at until the command is executed, when mountinfo tells of it; no
//! lock is needed or taken, which would make `run` wait for an installation, or an installation fail for it.
#![allow(unsafe_code)]

use std::ffi::{CString, OsStr, OsString, c_char};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::{ContextError, Host, Mounts, OwnStore, Wanted, Who};
use crate::generation::{GenerationError, Hold, is_there};
use crate::layout::{
    Architecture, GenerationNumber, Layout, PackageName, SideName, VAR_SYS, ViewName,
};
use crate::manifest::{Manifest, Member};

/// What stands on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// `--view V`
    pub view: ViewName,
    /// `@GEN`; the current one without.
    pub generation: Option<GenerationNumber>,
    /// `-p`
    pub packages: Vec<Selector>,
    /// `--world`: a side world.
    pub world: Option<SideName>,
    /// `--pure`
    pub pure: bool,
    /// The command and its arguments.
    pub command: Vec<OsString>,
}

/// `PKG[=VERSION][:ARCH]`, `PKG[:ARCH][=VERSION]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    /// The package.
    pub package: PackageName,
    /// Behind `=`, or `:`, or both, as it was written: a version may have a colon in it.
    pub rest: Option<(char, String)>,
}

/// Why a command could not be run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The generation can't be used.
    #[error(transparent)]
    Generation(#[from] GenerationError),
    /// The view has none.
    #[error("there is no view {0}, or it has no current generation")]
    NoView(ViewName),
    /// `-p` names nothing of the generation.
    #[error("{0} is not in generation {2} of view {1}{3}")]
    NoPackage(Selector, ViewName, GenerationNumber, String),
    /// `-p` names packages that no world has together.
    #[error("no world of the generation has all of {}", .0.iter().map(Selector::to_string).collect::<Vec<_>>().join(", "))]
    Apart(Vec<Selector>),
    /// No context.
    #[error(transparent)]
    Context(#[from] ContextError),
    /// The command can't be executed.
    #[error("cannot run '{}': {source}", .command.display())]
    Exec {
        /// The command.
        command: OsString,
        /// Why not.
        source: io::Error,
    },
}

impl RunError {
    /// The exit status, as env(1) has it.
    pub fn status(&self) -> i32 {
        match self {
            RunError::Exec { source, .. } if source.kind() == io::ErrorKind::NotFound => 127,
            RunError::Exec { .. } => 126,
            _ => 125,
        }
    }
}

impl std::fmt::Display for Selector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.package.fmt(f)?;
        match &self.rest {
            Some((separator, rest)) => write!(f, "{separator}{rest}"),
            None => Ok(()),
        }
    }
}

impl std::str::FromStr for Selector {
    type Err = crate::layout::WordError;
    fn from_str(word: &str) -> Result<Selector, Self::Err> {
        let at = word.find(['=', ':']);
        let (package, rest) = word.split_at(at.unwrap_or(word.len()));
        let mut letters = rest.chars();
        Ok(Selector {
            package: package.parse()?,
            rest: letters.next().map(|s| (s, letters.as_str().into())),
        })
    }
}

impl Selector {
    /// Whether it names this package.
    pub fn is(&self, member: &Member) -> bool {
        let id = &member.realization;
        let of_architecture = |a: &str| a.parse().ok().as_ref() == Some(id.architecture());
        *id.package() == self.package
            && match &self.rest {
                None => true,
                Some((':', rest)) => match rest.split_once('=') {
                    Some((a, v)) => of_architecture(a) && v == id.version().as_str(),
                    None => of_architecture(rest),
                },
                Some((_, version)) => {
                    let parts = version.rsplit_once(':');
                    version == id.version().as_str()
                        || parts
                            .is_some_and(|(v, a)| v == id.version().as_str() && of_architecture(a))
                }
            }
    }
}

/// Become the command, in its context; `own`: of a store that is to be entered first. `flush` writes out what was said before.
pub fn run(
    layout: &Layout,
    own: Option<&OwnStore>,
    options: &Options,
    flush: &mut dyn FnMut(),
) -> RunError {
    let (_outside, joined) = match own.map(|own| enter_own(own, options)).transpose() {
        Ok(Some((hold, joined))) => (Some(hold), joined),
        Ok(None) => (None, false),
        Err(e) => return e,
    };
    if joined {
        flush();
        return execute(&options.command);
    }
    let (_hold, mounts, host) = match prepare(layout, options) {
        Ok(prepared) => prepared,
        Err(e) => return e,
    };
    flush();
    // A command of a view that starts another one of it, by its exported name, is there already.
    let entered = match mounts.are_here(&host) {
        true => Ok(()),
        false => mounts.join().and_then(|joined| match joined {
            true => Ok(()),
            false => mounts.enter(),
        }),
    };
    match entered {
        Ok(()) => execute(&options.command),
        Err(e) => e.into(),
    }
}

/// Enter a user's own store, or a context of it that is there already; whether it was that. The generation is held.
fn enter_own(own: &OwnStore, options: &Options) -> Result<(Hold, bool), RunError> {
    let (hold, side) = choose(&Layout::new(own.dir()), options)?;
    let world = Wanted {
        layout: &Layout::new(VAR_SYS),
        view: &options.view,
        number: hold.number(),
        side: side.as_ref(),
        pure: options.pure,
    };
    let joined = own.join(&world)?;
    if !joined {
        own.enter(Who::Oneself)?;
    }
    Ok((hold, joined))
}

/// The generation, held, and the world of it that is meant.
fn choose(layout: &Layout, options: &Options) -> Result<(Hold, Option<SideName>), RunError> {
    let view = &options.view;
    let current = || Hold::current(layout, view)?.ok_or_else(|| RunError::NoView(view.clone()));
    let hold = match options.generation {
        Some(number) => Hold::take(layout, view, number)?,
        None => current()?,
    };
    let side = match options.packages.is_empty() {
        true => options.world.clone(),
        false => world(&hold.manifest()?, &options.packages)?,
    };
    Ok((hold, side))
}

/// What the command needs, and the generation held.
fn prepare(layout: &Layout, options: &Options) -> Result<(Hold, Mounts, Host), RunError> {
    // Mountinfo, by which collection finds contexts, has no links in its paths.
    let root = std::fs::canonicalize(layout.root()).unwrap_or_else(|_| layout.root().into());
    let layout = &Layout::new(root);
    let (hold, side) = choose(layout, options)?;
    let wanted = Wanted {
        layout,
        view: &options.view,
        number: hold.number(),
        side: side.as_ref(),
        pure: options.pure,
    };
    let host = Host::look(layout)?;
    let mounts = Mounts::decide(&wanted, &host)?;
    Ok((hold, mounts, host))
}

/// The world that has all of these packages: the main one, if it does.
fn world(manifest: &Manifest, packages: &[Selector]) -> Result<Option<SideName>, RunError> {
    let has = |world: &Option<SideName>, selector: &Selector| {
        manifest.world(world.as_ref()).any(|(m, _)| selector.is(m))
    };
    let sides = manifest.sides.keys().cloned().map(Some);
    let worlds: Vec<Option<SideName>> = std::iter::once(None).chain(sides).collect();
    for selector in packages {
        if !worlds.iter().any(|world| has(world, selector)) {
            let of_name = |m: &&Member| *m.realization.package() == selector.package;
            let there: Vec<String> = manifest
                .packages
                .iter()
                .filter(of_name)
                .map(shown)
                .collect();
            let others = there.iter().map(|m| format!(" {}={m}", selector.package));
            let others = match there.is_empty() {
                true => String::new(),
                false => format!("; there is{}", others.collect::<String>()),
            };
            let (view, number) = (manifest.view.clone(), manifest.number);
            return Err(RunError::NoPackage(selector.clone(), view, number, others));
        }
    }
    let all = |world: &Option<SideName>| packages.iter().all(|s| has(world, s));
    let found = worlds.into_iter().find(all);
    found.ok_or_else(|| RunError::Apart(packages.to_vec()))
}

fn shown(member: &Member) -> String {
    let id = &member.realization;
    let architecture: &Architecture = id.architecture();
    format!("{}:{architecture}", id.version())
}

/// execvp(3): neither the signal mask nor SIGPIPE's disposition, which std's own would reset, are touched.
fn execute(command: &[OsString]) -> RunError {
    let failed = |source| RunError::Exec {
        command: command.first().cloned().unwrap_or_default(),
        source,
    };
    let words = command.iter().map(|w| CString::new(w.as_bytes()));
    let words: Vec<CString> = match words.collect() {
        Ok(words) => words,
        Err(e) => return failed(e.into()),
    };
    let Some(program) = words.first() else {
        return failed(io::ErrorKind::InvalidInput.into());
    };
    let mut pointers: Vec<*const c_char> = words.iter().map(|w| w.as_ptr()).collect();
    pointers.push(std::ptr::null());
    // SAFETY: the program's name and each argument end in a zero byte, the list of them in a null pointer, and
    // all live until the call returns, which it does only if nothing was executed.
    unsafe { libc::execvp(program.as_ptr(), pointers.as_ptr()) };
    let error = io::Error::last_os_error();
    // As env(1) and shells have it: a file that is there, but whose interpreter is not, can't be run.
    let there = Path::new(OsStr::from_bytes(program.as_bytes()));
    if error.kind() == io::ErrorKind::NotFound
        && program.as_bytes().contains(&b'/')
        && is_there(there).unwrap_or(true)
    {
        let text = format!("its interpreter is missing ({error})");
        return failed(io::Error::other(text));
    }
    failed(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::{RealizationId, Sha256, Version};
    use crate::manifest::{Reason, Side, Standing, State};

    fn member(name: &str, version: &str, arch: &str, worlds: &[&str]) -> Member {
        let (name, version) = (name.parse().unwrap(), Version::new(version).unwrap());
        let (arch, hash) = (arch.parse().unwrap(), Sha256::of(b"x"));
        let standing = Standing {
            reason: Reason::Want,
            state: State::Installed,
        };
        let world = |w: &&str| (*w != "main").then(|| w.parse().unwrap());
        Member {
            realization: RealizationId::new(&name, &version, &arch, &hash),
            worlds: worlds.iter().map(|w| (world(w), standing)).collect(),
        }
    }

    #[test]
    fn packages_and_their_worlds() {
        let manifest = Manifest {
            view: "system".parse().unwrap(),
            number: GenerationNumber::FIRST,
            created: 0,
            parent: None,
            command: String::new(),
            sides: ["curl@4", "exim@1"]
                .map(|s| (s.parse().unwrap(), Side::default()))
                .into(),
            hides: Vec::new(),
            pins: Vec::new(),
            packages: vec![
                member("plain", "1", "amd64", &["main", "curl@4", "exim@1"]),
                member("curl", "1:2-3", "amd64", &["main", "exim@1"]),
                member("curl", "4", "amd64", &["curl@4"]),
                member("exim", "1", "amd64", &["exim@1"]),
                member("kept", "1", "amd64", &[]),
            ],
        };
        let of = |line: &str| {
            let packages: Vec<Selector> = line.split(' ').map(|w| w.parse().unwrap()).collect();
            world(&manifest, &packages).map(|w| w.map_or("main".into(), |s| s.to_string()))
        };
        for (line, expected) in [
            ("plain", "main"),
            ("curl", "main"),
            ("curl=4", "curl@4"),
            ("curl=4 plain", "curl@4"),
            ("exim curl", "exim@1"),
            ("exim:amd64 plain=1", "exim@1"),
        ] {
            assert_eq!(of(line).unwrap(), expected, "{line}");
        }
        let apart = of("exim curl=4").unwrap_err();
        assert!(matches!(apart, RunError::Apart(..)));
        for line in ["gone", "curl=2", "curl:arm64", "kept"] {
            let error = of(line).unwrap_err();
            assert!(matches!(error, RunError::NoPackage(..)), "{line}");
            assert_eq!(error.status(), 125);
        }
        let text = of("curl=2").unwrap_err().to_string();
        assert!(
            text.ends_with("; there is curl=1:2-3:amd64 curl=4:amd64"),
            "{text}"
        );
    }
}
