//! A run of apt over a world.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::generation::DiskError;
use crate::layout::{Layout, ViewName};
use crate::rootless::is_mapped;
use crate::world::WorldDir;

/// Why apt can't run over a view.
#[derive(Debug, thiserror::Error)]
pub enum AptError {
    /// What apt needs besides can't be written.
    #[error("cannot prepare '{}' for apt: {source}", .path.display())]
    Prepare {
        /// What.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file of a view's, or one that a person named, can't be read.
    #[error("cannot read '{}': {source}", .path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A path that can't stand in a configuration of apt's.
    #[error("'{}' can't stand in a configuration of apt's", .0.display())]
    Path(PathBuf),
    /// Suites are named, and the host has no sources to say where they are.
    #[error(
        "suite {0}: apt on the host has no sources to take it from (view create --source FILE)"
    )]
    NoSources(String),
    /// A change failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
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

/// The host's lists.
const LISTS: &str = "/var/lib/apt/lists";
/// The programs of apt; what is not one of these is a command of the first.
const PROGRAMS: [&str; 4] = ["apt-get", "apt", "apt-cache", "apt-mark"];
/// Commands that would upgrade whatever can be.
const UPGRADES: [&str; 3] = ["upgrade", "dist-upgrade", "full-upgrade"];

/// A view's directory for apt.
pub struct Private(pub(super) PathBuf);

impl Private {
    /// Of a view.
    pub fn of(layout: &Layout, view: &ViewName) -> Private {
        Private(layout.view(view).join("apt"))
    }

    /// Sources, pins and keys of its own; the host's are used where it is not there.
    pub fn etc(&self) -> PathBuf {
        self.0.join("etc")
    }

    pub(super) fn lists(&self) -> PathBuf {
        self.0.join("lists")
    }
}

/// A run.
pub struct Session<'a> {
    /// The view's directory.
    pub private: &'a Private,
    /// Over which view.
    pub view: &'a ViewName,
    /// The world that apt sees, pending.
    pub world: &'a WorldDir,
    /// The pending generation.
    pub pending: &'a Path,
    /// apt's marks of that world.
    pub marks: &'a Path,
    /// This dpkg-ng, and what it is told before all else (`--plugin=FILE`).
    pub dpkg: (PathBuf, Vec<OsString>),
}

impl Session<'_> {
    /// What apt is configured by, behind the host's own configuration.
    pub fn configuration(&self, args: &[OsString]) -> Done<Vec<u8>> {
        let mut text = Vec::from(
            "#clear DPkg::Options;\n#clear DPkg::Pre-Invoke;\n#clear DPkg::Post-Invoke;\n\
             #clear DPkg::Pre-Install-Pkgs;\n#clear APT::Update::Pre-Invoke;\n#clear APT::Update::Post-Invoke;\n\
             #clear APT::Update::Post-Invoke-Success;\n",
        );
        let private = &self.private.0;
        let mut paths = vec![
            ("Dir::State::status", self.world.admindir().join("status")),
            ("Dir::State::extended_states", self.marks.to_path_buf()),
            ("Dir::Bin::dpkg", self.dpkg.0.clone()),
            ("Dir::Log", private.join("log")),
            ("Dir::Cache", private.join("cache")),
            // What is cached is made of the status, too.
            ("Dir::Cache::pkgcache", self.scratch().join("pkgcache.bin")),
            (
                "Dir::Cache::srcpkgcache",
                self.scratch().join("srcpkgcache.bin"),
            ),
        ];
        if self.has_lists(args)? {
            paths.push(("Dir::State::lists", self.private.lists()));
        }
        let etc = self.private.etc();
        if self.private.has_sources()? {
            for (option, name) in [
                ("Dir::Etc::sourcelist", "sources.list"),
                ("Dir::Etc::sourceparts", "sources.list.d"),
                ("Dir::Etc::preferences", "preferences"),
                ("Dir::Etc::preferencesparts", "preferences.d"),
            ] {
                paths.push((option, etc.join(name)));
            }
        }
        for (option, path) in &paths {
            line(option, path.as_os_str(), path, &mut text)?;
        }
        if is_mapped() {
            // There is nobody else.
            text.extend(b"APT::Sandbox::User \"root\";\n");
        }
        let mut transaction = OsString::from("--transaction=");
        transaction.push(self.pending);
        let mut options = self.dpkg.1.clone();
        options.push(format!("--view={}", self.view).into());
        options.push(transaction);
        if let Some(side) = self.world.side_name() {
            options.push(format!("--world={side}").into());
        }
        for option in &options {
            line("DPkg::Options::", option, self.pending, &mut text)?;
        }
        Ok(text)
    }

    /// What is apt's in the pending generation, and goes with it.
    fn scratch(&self) -> PathBuf {
        self.pending.join("apt.work")
    }

    /// Whether lists of its own are meant: with sources of its own, when there are some, or are going to be. Else the
    /// host's are read.
    fn has_lists(&self, args: &[OsString]) -> Done<bool> {
        // apt wants to make something in them.
        Ok(is_mapped() || self.private.has_sources()? || self.is_updated(args)?)
    }

    /// Whether lists were fetched for this view, or are going to be.
    fn is_updated(&self, args: &[OsString]) -> Done<bool> {
        if args.iter().any(|arg| arg == "update") {
            return Ok(true);
        }
        self.private.has_lists()
    }

    /// Have what stands for the host's lists be what these are now.
    fn link_lists(&self) -> io::Result<()> {
        let lists = self.private.lists();
        for entry in fs::read_dir(&lists)? {
            let entry = entry?;
            if entry.file_type()?.is_symlink() {
                fs::remove_file(entry.path())?;
            }
        }
        for entry in fs::read_dir(LISTS)? {
            let entry = entry?;
            if entry.file_type()?.is_file() && entry.file_name() != "lock" {
                symlink(entry.path(), lists.join(entry.file_name()))?;
            }
        }
        Ok(())
    }

    fn prepare(&self, args: &[OsString]) -> Done<PathBuf> {
        let prepare = |path: &Path, done: io::Result<()>| {
            done.map_err(|source| AptError::Prepare {
                path: path.into(),
                source,
            })
        };
        for dir in ["log", "lists/partial", "cache/archives/partial"] {
            let dir = self.private.0.join(dir);
            prepare(&dir, fs::create_dir_all(&dir))?;
        }
        if is_mapped() && !self.private.has_sources()? && !self.is_updated(args)? {
            prepare(Path::new(LISTS), self.link_lists())?;
        }
        let scratch = self.scratch();
        prepare(&scratch, fs::create_dir_all(&scratch))?;
        let configuration = scratch.join("apt.conf");
        prepare(
            &configuration,
            fs::write(&configuration, self.configuration(args)?),
        )?;
        Ok(configuration)
    }

    /// Run `ARGS…`: apt-get's, unless the first is another of apt's programs. `run` starts it and waits; gives the exit
    /// code.
    pub fn run(
        &self,
        args: &[OsString],
        run: impl FnOnce(&mut Command) -> io::Result<i32>,
    ) -> Done<i32> {
        let configuration = self.prepare(args)?;
        let (program, rest) = program(args);
        let mut command = Command::new(program);
        command.arg("-c").arg(configuration).args(rest);
        run(&mut command).map_err(|source| AptError::Run { program, source })
    }

    /// What a command of apt's would do, as `apt-get -s` says.
    ///
    /// # Errors
    /// It can't be run. What apt can't do it says itself, when it is run in earnest: here that is nothing.
    pub fn simulate(&self, args: &[OsString]) -> Done<Simulation> {
        let configuration = self.prepare(args)?;
        let mut command = Command::new("apt-get");
        command
            .args(["-q", "-q", "-s", "-y", "-o", "Debug::NoLocking=true"])
            .arg("-c")
            .arg(configuration)
            .args(args)
            .env("LC_ALL", "C");
        let output = command.output();
        let output = output.map_err(|source| AptError::Run {
            program: "apt-get",
            source,
        })?;
        Ok(Simulation::parse(&String::from_utf8_lossy(&output.stdout)))
    }

    /// The packages that an upgrade is to leave alone: those the host lends, but for what the upgrade of the view's own
    /// depends on. Empty for any other command.
    pub fn left_alone(
        &self,
        args: &[OsString],
        is_lent: &dyn Fn(&str) -> bool,
    ) -> Done<Vec<String>> {
        let (program, rest) = program(args);
        let mut words = rest
            .iter()
            .filter_map(|a| a.to_str())
            .filter(|a| !a.starts_with('-'));
        let upgrades = words.next().is_some_and(|w| UPGRADES.contains(&w));
        if !upgrades || !matches!(program, "apt-get" | "apt") {
            return Ok(Vec::new());
        }
        let (lent, own): (Vec<String>, Vec<String>) = self
            .simulate(rest)?
            .into_names()
            .partition(|name| is_lent(name));
        if lent.is_empty() {
            return Ok(lent);
        }
        let mut asked: Vec<OsString> = options(rest);
        asked.push("install".into());
        asked.extend(own.iter().map(OsString::from));
        let needed = match own.is_empty() {
            true => Vec::new(),
            false => self.simulate(&asked)?.into_names().collect(),
        };
        Ok(lent
            .into_iter()
            .filter(|name| !needed.contains(name))
            .collect())
    }
}

/// What a command of apt's would do: names with architecture where that is foreign, as apt has them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Simulation {
    /// What comes new, and its version.
    pub new: Vec<(String, String)>,
    /// What comes in another version than is there, and which.
    pub replaced: Vec<(String, String)>,
    /// What goes.
    pub removed: Vec<String>,
}

impl Simulation {
    /// `Inst NAME [OLD] (NEW RELEASE… [ARCH])`, `Remv NAME [OLD]`, `Purg NAME [OLD]`
    fn parse(text: &str) -> Simulation {
        let mut would = Simulation::default();
        for line in text.lines() {
            let mut words = line.split(' ');
            let (what, name) = (words.next(), words.next().unwrap_or_default().to_owned());
            match what {
                Some("Inst") => {
                    let version = line
                        .split_once('(')
                        .and_then(|(_, rest)| rest.split(' ').next());
                    let package = (name, version.unwrap_or_default().to_owned());
                    match words.next().is_some_and(|w| w.starts_with('[')) {
                        true => would.replaced.push(package),
                        false => would.new.push(package),
                    }
                }
                Some("Remv" | "Purg") => would.removed.push(name),
                _ => {}
            }
        }
        would
    }

    /// What comes, and its version.
    pub fn incoming(&self) -> impl Iterator<Item = &(String, String)> {
        self.new.iter().chain(&self.replaced)
    }

    fn into_names(self) -> impl Iterator<Item = String> {
        self.new
            .into_iter()
            .chain(self.replaced)
            .map(|(name, _)| name)
    }
}

/// Whether a command is about all that there is, and so of every world's: refreshing lists, upgrading.
pub fn is_of_all_worlds(args: &[OsString]) -> bool {
    let (_, rest) = program(args);
    let mut words = rest
        .iter()
        .filter_map(|a| a.to_str())
        .filter(|a| !a.starts_with('-'));
    words.next().is_some_and(|w| UPGRADES.contains(&w))
}

/// Which of apt's programs is meant, and what it is told.
fn program(args: &[OsString]) -> (&'static str, &[OsString]) {
    let first = args.first().map(OsString::as_os_str);
    let named = PROGRAMS.into_iter().find(|p| first == Some(OsStr::new(p)));
    let rest = args.get(usize::from(named.is_some())..).unwrap_or_default();
    (named.unwrap_or("apt-get"), rest)
}

/// The options of a command line of apt's that say which versions are meant.
fn options(args: &[OsString]) -> Vec<OsString> {
    let mut kept = Vec::new();
    let mut left = args.iter();
    while let Some(arg) = left.next() {
        match arg.to_str() {
            Some("-t" | "-o" | "--target-release" | "--default-release" | "--option") => {
                kept.push(arg.clone());
                kept.extend(left.next().cloned());
            }
            Some(word) if word.starts_with('-') => kept.push(arg.clone()),
            _ => {}
        }
    }
    kept
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

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn apt_is_led_to_the_pending_world() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::new(dir.path());
        let view: ViewName = "work".parse().unwrap();
        let private = Private::of(&layout, &view);
        let pending = dir.path().join("tmp/work-2");
        let session = |world: &WorldDir, args: &str| {
            let session = Session {
                private: &private,
                view: &view,
                world,
                pending: &pending,
                marks: &pending.join("apt/main"),
                dpkg: ("/usr/bin/dpkg-ng".into(), vec!["--plugin=/p.so".into()]),
            };
            fs::create_dir_all(&pending).unwrap();
            let mut said = Vec::new();
            let code = session.run(&words(args), |command| {
                said = command.get_args().map(OsStr::to_owned).collect();
                said.insert(0, command.get_program().to_owned());
                Ok(7)
            });
            assert_eq!(code.unwrap(), 7);
            (fs::read_to_string(&said[2]).unwrap(), said)
        };
        let main = WorldDir::main(&pending);
        let (conf, said) = session(&main, "apt-mark manual foo");
        assert_eq!(
            (said[0].to_str(), said[3].to_str()),
            (Some("apt-mark"), Some("manual"))
        );
        let own = format!(
            "DPkg::Options:: \"--plugin=/p.so\";\nDPkg::Options:: \"--view=work\";\n\
             DPkg::Options:: \"--transaction={}\";\n",
            pending.display()
        );
        assert!(conf.ends_with(&own), "{conf}");
        assert!(!conf.contains("Dir::State::lists") && !conf.contains("Dir::Etc"));
        let side = WorldDir::side(&pending, "a@1");
        let (conf, said) = session(&side, "update");
        assert!(said[0] == "apt-get" && conf.ends_with("DPkg::Options:: \"--world=a@1\";\n"));
        assert!(conf.contains("Dir::State::lists") && conf.contains("worlds/a@1/dpkg/status"));
        fs::create_dir_all(private.etc()).unwrap();
        assert!(
            session(&main, "install x")
                .0
                .contains("Dir::Etc::sourceparts")
        );
    }

    #[test]
    fn what_a_simulation_says() {
        let would = Simulation::parse(
            "NOTE: x\nInst libc6 [2.36-9] (2.41-12 Debian:13/testing [amd64]) []\n\
             Inst a:i386 (1:2 Debian [i386])\nRemv b [1]\nPurg c [2]\nConf a (1:2 Debian [i386])\n",
        );
        assert_eq!(would.replaced, [("libc6".into(), "2.41-12".into())]);
        assert_eq!(would.new, [("a:i386".into(), "1:2".into())]);
        assert_eq!(would.removed, ["b", "c"]);
        assert!(is_of_all_worlds(&words("apt -y full-upgrade")));
        assert!(!is_of_all_worlds(&words("install upgrade")));
    }

    #[test]
    fn which_versions_are_meant_is_kept() {
        let kept = options(&words(
            "-y -t trixie dist-upgrade -o A=b --no-install-recommends",
        ));
        assert_eq!(kept, words("-y -t trixie -o A=b --no-install-recommends"));
        assert_eq!(program(&words("apt full-upgrade")).0, "apt");
        assert_eq!(
            program(&words("full-upgrade")),
            ("apt-get", &words("full-upgrade")[..])
        );
    }
}
