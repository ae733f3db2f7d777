//! Generations made by hand, and the program that enters them, where a user can get at both. It is the example `context`,
//! which `cargo test` builds, but `cargo test --test contexts` does not.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use dpkgng_multi_version::generation::{Disk, Sys};
use dpkgng_multi_version::layout::{Layout, RealizationId, Sha256, Version, ViewName};
use dpkgng_multi_version::manifest::{Manifest, Member, Reason, Standing, State};
use dpkgng_multi_version::world::WorldDir;

/// Who enters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Root,
    User,
}

impl Who {
    /// As whom it can be tried.
    pub fn all() -> Vec<Who> {
        match rustix::process::geteuid().is_root() {
            true => vec![Who::Root, Who::User],
            false => vec![Who::User],
        }
    }
}

/// What a command said.
pub struct Ran {
    pub out: String,
    pub err: String,
    pub status: ExitStatus,
}

pub struct Views {
    dir: tempfile::TempDir,
}

impl Views {
    pub fn new() -> Views {
        let dir = tempfile::tempdir_in("/var/tmp").unwrap();
        fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
        let views = Views { dir };
        drop(Sys::open(views.layout(), Disk::default(), false).unwrap());
        let tests = std::env::current_exe().unwrap();
        let example = tests.ancestors().nth(2).unwrap().join("examples/context");
        fs::copy(example, views.path("context")).unwrap();
        views
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    pub fn layout(&self) -> Layout {
        Layout::new(self.path("sys"))
    }

    /// A file of generation 1 of a view, which is made if there is none: its /etc and /var are the host's.
    pub fn file(&self, view: &str, path: &str, text: &str) -> PathBuf {
        let generation = self.generation(view);
        let path = generation.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    pub fn script(&self, view: &str, path: &str, text: &str) {
        let path = self.file(view, path, &format!("#!/bin/sh\n{text}\n"));
        fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
    }

    fn generation(&self, view: &str) -> PathBuf {
        let view: ViewName = view.parse().unwrap();
        let generation = self.layout().generation(&view, "1".parse().unwrap());
        if !generation.exists() {
            self.world(&WorldDir::main(&generation));
            symlink("gen/1", self.layout().current(&view)).unwrap();
            fs::write(self.layout().view(&view).join("view"), "State: host\n").unwrap();
            self.write(&generation, &manifest(&view));
        }
        generation
    }

    fn world(&self, world: &WorldDir) {
        for dir in [world.tree(), world.etc(), world.lib(), world.admindir()] {
            fs::create_dir_all(dir).unwrap();
        }
        symlink(world.path(), world.here()).unwrap();
    }

    /// Have a view whose /etc and /var are its own.
    pub fn own(&self, view: &str) -> PathBuf {
        self.generation(view);
        let home = self.layout().view(&view.parse().unwrap());
        fs::write(home.join("view"), "State: own\n").unwrap();
        self.state(&home.join("state"));
        home.join("state")
    }

    fn state(&self, dir: &Path) {
        for path in ["etc", "etc.work", "var/sys", "var/tmp", "var/lib/dpkg"] {
            fs::create_dir_all(dir.join(path)).unwrap();
        }
    }

    fn write(&self, generation: &Path, manifest: &Manifest) {
        fs::write(generation.join("manifest"), manifest.to_text()).unwrap();
    }

    /// Have a package in the main world, or in a side world, which is made if there is none.
    pub fn member(&self, view: &str, package: &str, version: &str, side: Option<&str>) {
        let generation = self.generation(view);
        let text = fs::read_to_string(generation.join("manifest")).unwrap();
        let mut manifest = Manifest::from_text(&text).unwrap();
        let version = Version::new(version).unwrap();
        let hash = Sha256::of(package.as_bytes());
        if let Some(side) =
            side.filter(|s| !generation.join("worlds").join(s).join("here").exists())
        {
            self.world(&WorldDir::side(&generation, side));
            let home = self.layout().view(&view.parse().unwrap());
            self.state(&home.join("state").join(side));
            let side = side.parse().unwrap();
            manifest.sides.insert(side, Default::default());
        }
        let (package, arch) = (package.parse().unwrap(), "amd64".parse().unwrap());
        let standing = Standing {
            reason: Reason::Want,
            state: State::Installed,
        };
        manifest.packages.push(Member {
            realization: RealizationId::new(&package, &version, &arch, &hash),
            worlds: [(side.map(|s| s.parse().unwrap()), standing)].into(),
        });
        self.write(&generation, &manifest);
    }

    fn compile(&self, to: &Path, source: &str, flags: &[&str]) {
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        let from = self.path("source.c");
        fs::write(&from, source).unwrap();
        let status = Command::new("gcc")
            .arg(from)
            .arg("-o")
            .arg(to)
            .args(flags)
            .status();
        assert!(status.unwrap().success());
    }

    /// A static program of a view.
    pub fn compiled(&self, view: &str, path: &str, source: &str) {
        let to = self.generation(view).join(path);
        self.compile(&to, source, &["-static"]);
    }

    /// A library of a view's `lib/` that says a word.
    pub fn who_library(&self, view: &str, word: &str) {
        let source = format!("const char *who(void) {{ return \"{word}\"; }}");
        let to = self.generation(view).join("main/lib/libwho.so.1");
        self.compile(&to, &source, &["-shared", "-Wl,-soname,libwho.so.1"]);
    }

    /// A program that says its library's word, found by `current-system`.
    pub fn program(&self) -> String {
        let to = self.path("who");
        if !to.exists() {
            let library = self.generation("system").join("main/lib/libwho.so.1");
            let source = "#include <stdio.h>\nconst char *who(void);\n\
                          int main(void) { puts(who()); return 0; }";
            let current = self.layout().current_system().join("lib");
            let path = format!("-Wl,-rpath,{}", current.display());
            self.compile(&to, source, &[library.to_str().unwrap(), &path]);
        }
        to.display().to_string()
    }

    /// `context run SYS …`.
    pub fn run(&self, who: Who, arguments: &str) -> Ran {
        self.shell(who, &format!("exec CONTEXT run SYS {arguments}"))
    }

    /// A shell's script, CONTEXT, SYS and CURRENT being what they say.
    pub fn shell(&self, who: Who, script: &str) -> Ran {
        let ran = self.command(who, script).output().unwrap();
        Ran {
            out: String::from_utf8(ran.stdout).unwrap(),
            err: String::from_utf8(ran.stderr).unwrap(),
            status: ran.status,
        }
    }

    /// The same, to be started.
    pub fn command(&self, who: Who, script: &str) -> Command {
        let sys = self.path("sys");
        let script = script
            .replace("CONTEXT", self.path("context").to_str().unwrap())
            .replace("CURRENT", sys.join("current-system").to_str().unwrap())
            .replace("SYS", sys.to_str().unwrap());
        let mut command = match (who, Who::all().contains(&Who::Root)) {
            (Who::User, true) => {
                let mut command = Command::new("setpriv");
                command.args(["--reuid", "1000", "--regid", "1000", "--clear-groups", "sh"]);
                command
            }
            _ => Command::new("sh"),
        };
        command
            .arg("-c")
            .arg(script)
            .env("LC_ALL", "C")
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command
    }

    /// Of names, modes, times and content of all below a directory.
    pub fn checksum(&self, dir: &str) -> String {
        let script = format!(
            "cd {dir} && {{ find . -printf '%p %M %u %g %T@ %l\\n'; find . -type f -exec cat {{}} +; }} | sha256sum"
        );
        let ran = Command::new("sh").arg("-c").arg(script).output().unwrap();
        String::from_utf8(ran.stdout).unwrap()
    }
}

fn manifest(view: &ViewName) -> Manifest {
    Manifest {
        view: view.clone(),
        number: "1".parse().unwrap(),
        created: 0,
        parent: None,
        command: String::new(),
        sides: Default::default(),
        hides: Vec::new(),
        pins: Vec::new(),
        packages: Vec::new(),
    }
}
