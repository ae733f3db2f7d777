//! A root of its own for a test: a database, files, and what was said.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::{Action, Options, Run};
use crate::arch::ArchTable;
use crate::archive::build::{BuildOptions, build};
use crate::archive::compress::{Compressor, Params};
use crate::archive::deb::DebVersion;
use crate::db::{Database, Dirs};
use crate::error::Result;
use crate::force::{Force, ForceSet, Known};
use crate::msg::Msg;
use crate::pkg::PkgId;
use crate::report::{Event, Prompter, Reporter, Silent};

/// What was said, line by line as stock would write it; status-fd lines start with `3: `.
#[derive(Clone, Default)]
pub(crate) struct Said(Rc<RefCell<String>>);

impl Said {
    fn add(&self, text: String) {
        self.0.borrow_mut().push_str(&text);
    }
    /// All of it, emptied.
    pub(crate) fn take(&self) -> String {
        std::mem::take(&mut self.0.borrow_mut())
    }
}

impl Reporter for Said {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Output(m) | Event::Stderr(m) => self.add(m.to_string()),
            Event::Warning(m) => self.add(format!("dpkg: warning: {m}\n")),
            Event::Notice(m) => self.add(format!("dpkg: {m}\n")),
            Event::StatusFd(m) => self.add(format!("3: {}\n", m.to_string().replace('\n', " "))),
            Event::Processing { action, pkg } => {
                self.add(format!("3: processing: {action}: {pkg}\n"))
            }
            Event::Status {
                pkg_nonambig,
                status,
                ..
            } => self.add(format!("3: status: {pkg_nonambig}: {status}\n")),
            _ => {}
        }
    }
}

/// Answers in order; end of file after the last.
struct Answers(VecDeque<&'static str>, Said);

impl Prompter for Answers {
    fn ask(&mut self, prompt: &Msg) -> Result<Option<Vec<u8>>> {
        let answer = self.0.pop_front();
        self.1.add(format!("{prompt}{}\n", answer.unwrap_or("")));
        Ok(answer.map(|a| a.as_bytes().to_vec()))
    }
    fn shell(&mut self, env: &[(&str, &[u8])]) -> Result<()> {
        let names: Vec<_> = env.iter().map(|(n, _)| *n).collect();
        self.1.add(format!("<shell {}>\n", names.join(" ")));
        Ok(())
    }
    fn diff(&mut self, old: &Path, new: &Path) -> Result<()> {
        let base = |p: &Path| p.file_name().unwrap().to_string_lossy().into_owned();
        self.1.add(format!("<diff {} {}>\n", base(old), base(new)));
        Ok(())
    }
}

pub(crate) struct Rig {
    root: tempfile::TempDir,
    pub(crate) said: Said,
    pub(crate) force: Vec<Force>,
    pub(crate) answers: Vec<&'static str>,
    pub(crate) ignore: Vec<&'static str>,
    pub(crate) abort_after: i32,
}

impl Rig {
    /// A root with this status file.
    pub(crate) fn new(status: &str) -> Rig {
        let root = tempfile::tempdir().unwrap();
        let rig = Rig {
            root,
            said: Said::default(),
            force: vec![Force::ScriptChrootless, Force::NonRoot],
            answers: Vec::new(),
            ignore: Vec::new(),
            abort_after: 50,
        };
        rig.put("/var/lib/dpkg/status", status);
        rig.put("/var/lib/dpkg/info/format", "1\n");
        rig.put("/var/lib/dpkg/arch", "amd64\ni386\n");
        std::fs::create_dir_all(rig.path("/var/lib/dpkg/updates")).unwrap();
        std::fs::create_dir_all(rig.path("/var/lib/dpkg/triggers")).unwrap();
        rig
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path.trim_start_matches('/'))
    }

    pub(crate) fn put(&self, path: &str, text: &str) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn script(&self, name: &str, text: &str) {
        let path = format!("/var/lib/dpkg/info/{name}");
        self.put(&path, &format!("#!/bin/sh\n{text}\n"));
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(self.path(&path), mode).unwrap();
    }

    pub(crate) fn get(&self, path: &str) -> Option<String> {
        std::fs::read_to_string(self.path(path)).ok()
    }

    /// A run that has not opened its database yet.
    pub(crate) fn run(&self, action: Action) -> Run {
        let instdir = self.root.path().to_path_buf();
        let dirs = Dirs::new(self.path("/var/lib/dpkg"), instdir);
        let mut db = Database::new(dirs, ArchTable::new("amd64"));
        let ignore = self.ignore.iter();
        let ignore: Vec<PkgId> = ignore
            .map(|n| db.table.find_singleton(n).unwrap())
            .collect();
        let mut force = ForceSet::defaults(Known::ALL);
        self.force.iter().for_each(|f| force.set(*f));
        let path = b"/usr/sbin:/usr/bin:/sbin:/bin".to_vec();
        force.set(Force::BadPath);
        let opts = Options {
            action,
            act: true,
            alsoselect: true,
            autodeconf: false,
            debsig: false,
            pending: false,
            recursive: false,
            skipsame: false,
            triggers: true,
            ahead: crate::pipeline::unpack::AHEAD,
            abort_after: self.abort_after,
            force,
            ignore_depends: ignore,
            filters: Default::default(),
            tmpdir: "/tmp".into(),
            script_env: vec![("PATH".into(), path)],
            running_version: "1.22.22".into(),
        };
        let answers = Answers(self.answers.iter().copied().collect(), self.said.clone());
        let report = Box::new(self.said.clone());
        Run::new(db, opts, report, Box::new(answers), Default::default())
    }

    /// An archive of a tree: `files` are its paths with their contents (`None` for a
    /// directory), those below `DEBIAN` are control files, of mode 0755 if they start with `#!`.
    /// `change` may do more to the tree before it is packed.
    pub(crate) fn deb(
        &self,
        control: &str,
        files: &[(&str, Option<&str>)],
        change: impl FnOnce(&Path),
    ) -> PathBuf {
        let dir = tempfile::tempdir().unwrap();
        let tree = dir.path().join("tree");
        let mut all = vec![("DEBIAN/control", Some(control))];
        all.extend_from_slice(files);
        for (path, content) in all {
            let path = tree.join(path);
            let Some(content) = content else {
                std::fs::create_dir_all(path).unwrap();
                continue;
            };
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, content).unwrap();
            let mode = if content.starts_with("#!") {
                0o755
            } else {
                0o644
            };
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        }
        change(&tree);
        let options = BuildOptions {
            check: false,
            root_owner_group: false,
            uniform_compression: true,
            params: Params::new(Compressor::None),
            format: DebVersion::CURRENT,
            timestamp: Ok(1_000_000_000),
            tmpdir: "/tmp".into(),
            progname: "dpkg-deb".into(),
            info_prefix: Vec::new(),
            hint_prefix: Vec::new(),
        };
        std::fs::create_dir_all(self.path("/debs")).unwrap();
        let count = std::fs::read_dir(self.path("/debs")).unwrap().count();
        let deb = self.path(&format!("/debs/{count}.deb"));
        build(&tree, Some(&deb), &options, &mut Silent).unwrap();
        deb
    }

    /// What was said, without the root's path.
    pub(crate) fn take_said(&self) -> String {
        let root = self.root.path().to_string_lossy().into_owned();
        self.said.take().replace(&root, "")
    }

    /// Run an action on packages; what it said (the root's path left out), and its exit code.
    pub(crate) fn dpkg(&self, action: Action, names: &[&str]) -> (String, i32) {
        let mut run = self.run(action);
        let names: Vec<_> = names.iter().map(|n| n.as_bytes().to_vec()).collect();
        run.packages(&names).unwrap();
        let code = run.finish();
        (self.take_said(), code)
    }
}

/// A stanza of the status file; `extra` holds further lines.
pub(crate) fn stanza(name: &str, status: &str, extra: &str) -> String {
    format!(
        "Package: {name}\nStatus: {status}\nMaintainer: T <t@e.x>\nArchitecture: amd64\n\
         Version: 1.0\n{extra}Description: x\n\n"
    )
}

pub(crate) const UNPACKED: &str = "install ok unpacked";
pub(crate) const INSTALLED: &str = "install ok installed";
