//! A run of apt over a view.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Marks;
use crate::generation::{GenerationError, Reader};
use crate::layout::{Architecture, GenerationNumber, Layout, ViewName, inside};
use crate::manifest::{Member, Reason};

/// Why apt can't run over a view.
#[derive(Debug, thiserror::Error)]
pub enum AptError {
    /// The view can't be used.
    #[error(transparent)]
    Generation(#[from] GenerationError),
    /// It has no current generation.
    #[error("there is no view {0} with a current generation; view create makes one")]
    NoView(ViewName),
    /// What apt needs besides can't be written.
    #[error("cannot prepare '{}': {source}", .path.display())]
    Prepare {
        /// What.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A path that can't stand in a configuration of apt's.
    #[error("'{}' can't stand in a configuration of apt's", .0.display())]
    Path(PathBuf),
    /// It can't be started.
    #[error("cannot run {program}: {source}")]
    Run {
        /// The program.
        program: &'static str,
        /// Why not.
        source: io::Error,
    },
}

type Done<T = ()> = Result<T, AptError>;

/// The programs of apt; what is not one of these is a command of the first.
const PROGRAMS: [&str; 4] = ["apt-get", "apt", "apt-cache", "apt-mark"];

/// A run.
pub struct Session<'a> {
    /// Where everything is.
    pub layout: &'a Layout,
    /// Over which view.
    pub view: &'a ViewName,
    /// This dpkg-ng, and what it is told before all else (`--plugin=FILE`).
    pub dpkg: (PathBuf, Vec<OsString>),
    /// The architecture it is made for.
    pub native: Architecture,
    /// A directory for apt to write to.
    pub private: PathBuf,
    /// Whether lists and archives are the host's (root), or in the directory.
    pub of_host: bool,
}

impl Session<'_> {
    fn states(&self) -> PathBuf {
        self.private.join("extended_states")
    }

    /// What apt is configured by.
    pub fn configuration(&self, args: &[OsString]) -> Done<Vec<u8>> {
        let mut text = Vec::from(
            "#clear DPkg::Options;\n#clear DPkg::Pre-Invoke;\n#clear DPkg::Post-Invoke;\n\
             #clear DPkg::Pre-Install-Pkgs;\n",
        );
        let admindir = self.layout.current(self.view).join(inside::ADMINDIR);
        let mut paths = vec![
            ("Dir::State::status", admindir.join("status")),
            ("Dir::State::extended_states", self.states()),
            ("Dir::Bin::dpkg", self.dpkg.0.clone()),
            ("Dir::Log", self.private.join("log")),
        ];
        if !self.of_host {
            if self.has_lists(args) {
                paths.push(("Dir::State::lists", self.private.join("lists")));
            }
            paths.push(("Dir::Cache", self.private.join("cache")));
        }
        // What is cached is made of the status, too.
        paths.push(("Dir::Cache::pkgcache", self.private.join("pkgcache.bin")));
        paths.push((
            "Dir::Cache::srcpkgcache",
            self.private.join("srcpkgcache.bin"),
        ));
        for (option, path) in &paths {
            line(option, path.as_os_str(), path, &mut text)?;
        }
        let states = self.states();
        let mut marks = OsString::from("--auto-marks=");
        marks.push(&states);
        let view = OsString::from(format!("--view={}", self.view));
        for option in self.dpkg.1.iter().chain([&view, &marks]) {
            line("DPkg::Options::", option, &states, &mut text)?;
        }
        Ok(text)
    }

    /// Whether lists of its own are meant: when there are some, or are going to be. Else the host's are read.
    fn has_lists(&self, args: &[OsString]) -> bool {
        let own = fs::read_dir(self.private.join("lists"));
        let mut own = own.into_iter().flatten().flatten();
        let is_list = |name: OsString| name.as_bytes().ends_with(b"Release");
        own.any(|entry| is_list(entry.file_name())) || args.iter().any(|arg| arg == "update")
    }

    /// Write what apt needs: gives the marks it starts with.
    fn prepare(&self, args: &[OsString]) -> Done<Marks> {
        let number = self.current()?;
        let prepare = |path: &Path, done: io::Result<()>| {
            done.map_err(|source| AptError::Prepare {
                path: path.into(),
                source,
            })
        };
        for dir in ["log", "lists/partial", "cache/archives/partial"] {
            let dir = self.private.join(dir);
            prepare(&dir, fs::create_dir_all(&dir))?;
        }
        let generation = self.layout.generation(self.view, number);
        let from = generation.join(inside::ADMINDIR).join("extended_states");
        let states = self.states();
        prepare(&states, fs::copy(&from, &states).map(drop))?;
        let configuration = self.private.join("apt.conf");
        prepare(
            &configuration,
            fs::write(&configuration, self.configuration(args)?),
        )?;
        self.marks()
    }

    fn current(&self) -> Done<GenerationNumber> {
        let reader = Reader::new(self.layout.clone());
        let current = reader.current(self.view)?;
        current.ok_or_else(|| AptError::NoView(self.view.clone()))
    }

    fn marks(&self) -> Done<Marks> {
        let path = self.states();
        Marks::read(&path).map_err(|source| AptError::Prepare { path, source })
    }

    /// Run `ARGS…`: apt-get's, unless the first is another of apt's programs. `run` starts it and waits. Gives the
    /// exit code, and what apt marked without a call of dpkg-ng's.
    pub fn run(
        &self,
        args: &[OsString],
        run: impl FnOnce(&mut Command) -> io::Result<i32>,
    ) -> Done<(i32, Vec<(Member, Reason)>)> {
        let before = self.prepare(args)?;
        let first = args.first().map(OsString::as_os_str);
        let named = PROGRAMS.into_iter().find(|p| first == Some(OsStr::new(p)));
        let program = named.unwrap_or("apt-get");
        let rest = args.get(usize::from(named.is_some())..).unwrap_or_default();
        let mut command = Command::new(program);
        command
            .arg("-c")
            .arg(self.private.join("apt.conf"))
            .args(rest);
        let code = run(&mut command).map_err(|source| AptError::Run { program, source })?;
        Ok((code, self.changed(&before)?))
    }

    /// What apt has marked otherwise than the view has it now.
    pub fn changed(&self, before: &Marks) -> Done<Vec<(Member, Reason)>> {
        let reader = Reader::new(self.layout.clone());
        let manifest = reader.manifest(self.view, self.current()?)?;
        let marks = self.marks()?;
        let changed = marks.changed(before, &manifest, &self.native).into_iter();
        Ok(changed
            .map(|(member, reason)| (member.clone(), reason))
            .collect())
    }
}

/// `OPTION "VALUE";`; there is no way to have a quote or a newline in it.
fn line(option: &str, value: &OsStr, path: &Path, to: &mut Vec<u8>) -> Done {
    let bytes = value.as_bytes();
    if bytes
        .iter()
        .any(|b| matches!(b, b'"' | b'\n' | b'\\' | b'\0'))
    {
        return Err(AptError::Path(path.into()));
    }
    to.extend_from_slice(&[option.as_bytes(), b" \"", bytes, b"\";\n"].concat());
    Ok(())
}
