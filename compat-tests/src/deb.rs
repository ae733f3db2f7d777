//! Test packages, told in a few words and built by stock's `dpkg-deb` so that both runs install
//! the very same bytes.

use std::fs;
use std::os::unix::fs::{PermissionsExt, lchown, symlink};
use std::path::{Path, PathBuf};

use nix::fcntl::AT_FDCWD;
use nix::sys::stat::{Mode, SFlag, UtimensatFlags, makedev, mknod, utimensat};
use nix::sys::time::TimeSpec;

use crate::sandbox::command;
use crate::{During, Res};

/// The time that everything in a test package carries unless told otherwise.
pub const TIME: i64 = 1_000_000_000;

/// What a path of a package is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file with this content.
    File(String),
    /// A directory.
    Dir,
    /// A symbolic link to this target.
    Link(String),
    /// A hard link to another path of the same package.
    Hard(String),
    /// A named pipe.
    Fifo,
    /// A character device with these numbers.
    Char(u64, u64),
    /// A block device with these numbers.
    Block(u64, u64),
}

/// One path of a package.
#[derive(Clone, Debug)]
pub struct Entry {
    path: String,
    kind: Kind,
    mode: u32,
    owner: (u32, u32),
    mtime: i64,
}

/// A binary package to be built.
#[derive(Clone, Debug)]
pub struct Deb {
    /// The `Package` field.
    pub name: String,
    /// The `Version` field.
    pub version: String,
    arch: String,
    fields: Vec<(String, String)>,
    entries: Vec<Entry>,
    copies: Vec<(String, PathBuf, u32)>,
    control: Vec<(String, String, u32)>,
    options: Vec<String>,
}

/// A package without files, `Architecture: all`.
pub fn deb(name: &str, version: &str) -> Deb {
    Deb {
        name: name.into(),
        version: version.into(),
        arch: "all".into(),
        fields: Vec::new(),
        entries: Vec::new(),
        copies: Vec::new(),
        control: Vec::new(),
        options: vec!["-Znone".into()],
    }
}

impl Deb {
    /// Sets the architecture.
    pub fn arch(mut self, arch: &str) -> Deb {
        self.arch = arch.into();
        self
    }

    /// Adds a control field.
    pub fn field(mut self, name: &str, value: &str) -> Deb {
        self.fields.push((name.into(), value.into()));
        self
    }

    /// Adds a regular file.
    pub fn file(self, path: &str, content: &str) -> Deb {
        self.entry(path, Kind::File(content.into()))
    }

    /// Adds a copy of a file outside, with this mode.
    pub fn copy(mut self, path: &str, from: &Path, mode: u32) -> Deb {
        let path = path.trim_start_matches('/').into();
        self.copies.push((path, from.to_owned(), mode));
        self
    }

    /// Adds a directory.
    pub fn dir(self, path: &str) -> Deb {
        self.entry(path, Kind::Dir)
    }

    /// Adds a symbolic link.
    pub fn link(self, path: &str, target: &str) -> Deb {
        self.entry(path, Kind::Link(target.into()))
    }

    /// Adds a path of any kind, owned by root, with the usual mode.
    pub fn entry(mut self, path: &str, kind: Kind) -> Deb {
        let mode = if matches!(kind, Kind::Dir) {
            0o755
        } else {
            0o644
        };
        self.entries.push(Entry {
            path: path.trim_start_matches('/').into(),
            kind,
            mode,
            owner: (0, 0),
            mtime: TIME,
        });
        self
    }

    /// Sets the mode of the path added last.
    pub fn mode(mut self, mode: u32) -> Deb {
        if let Some(e) = self.entries.last_mut() {
            e.mode = mode;
        }
        self
    }

    /// Sets the owner of the path added last.
    pub fn owner(mut self, uid: u32, gid: u32) -> Deb {
        if let Some(e) = self.entries.last_mut() {
            e.owner = (uid, gid);
        }
        self
    }

    /// Sets the time of the path added last.
    pub fn mtime(mut self, mtime: i64) -> Deb {
        if let Some(e) = self.entries.last_mut() {
            e.mtime = mtime;
        }
        self
    }

    /// Adds a file and lists it as a conffile.
    pub fn conffile(self, path: &str, content: &str) -> Deb {
        self.file(path, content).conffile_line(path)
    }

    /// Adds a line to the `conffiles` control file.
    pub fn conffile_line(mut self, line: &str) -> Deb {
        match self.control.iter_mut().find(|c| c.0 == "conffiles") {
            Some(c) => c.1.push_str(&format!("{line}\n")),
            None => self
                .control
                .push(("conffiles".into(), format!("{line}\n"), 0o644)),
        }
        self
    }

    /// Adds a control file.
    pub fn control(mut self, name: &str, content: &str) -> Deb {
        self.control.push((name.into(), content.into(), 0o644));
        self
    }

    /// Adds a maintainer script.
    pub fn script(mut self, name: &str, body: &str) -> Deb {
        self.control
            .push((name.into(), format!("#!/bin/sh\n{body}\n"), 0o755));
        self
    }

    /// Adds all four maintainer scripts, each of which writes its call to `/calls` of the root,
    /// and fails if there is a file `/fail/PACKAGE-VERSION.SCRIPT.ACTION` there.
    pub fn scripts(mut self) -> Deb {
        for name in ["preinst", "postinst", "prerm", "postrm"] {
            let body = format!(
                "echo \"{0} {1} {name} $*\" >>\"$DPKG_ROOT/calls\"\n\
                 if [ -e \"$DPKG_ROOT/fail/{0}-{1}.{name}.$1\" ]; then exit 3; fi\n",
                self.name, self.version
            );
            self = self.script(name, &body);
        }
        self
    }

    /// Adds an option for `dpkg-deb --build`; without `-Z` among them members are not compressed.
    pub fn option(mut self, option: &str) -> Deb {
        if option.starts_with("-Z") {
            self.options.retain(|o| o != "-Znone");
        }
        self.options.push(option.into());
        self
    }

    /// The name `dpkg-deb` gives the file.
    pub fn file_name(&self) -> String {
        let version = match self.version.split_once(':') {
            Some((_, v)) => v,
            None => &self.version,
        };
        format!("{}_{version}_{}.deb", self.name, self.arch)
    }

    /// Writes the tree that `dpkg-deb --build` takes.
    pub fn lay_out(&self, tree: &Path) -> Res<()> {
        let debian = tree.join("DEBIAN");
        fs::create_dir_all(&debian).during(debian.display())?;
        let mut control = String::new();
        let mut put = |n: &str, v: &str| control.push_str(&format!("{n}: {v}\n"));
        put("Package", &self.name);
        put("Version", &self.version);
        put("Architecture", &self.arch);
        let given = |n: &str| self.fields.iter().any(|f| f.0.eq_ignore_ascii_case(n));
        if !given("Maintainer") {
            put("Maintainer", "Test <test@example.org>");
        }
        for (n, v) in &self.fields {
            if !n.eq_ignore_ascii_case("Description") {
                put(n, v);
            }
        }
        let description = self
            .fields
            .iter()
            .find(|f| f.0.eq_ignore_ascii_case("Description"));
        put("Description", description.map_or("test package", |d| &d.1));
        fs::write(debian.join("control"), control).during("control")?;
        for (name, content, mode) in &self.control {
            let path = debian.join(name);
            fs::write(&path, content).during(name)?;
            fs::set_permissions(&path, fs::Permissions::from_mode(*mode)).during(name)?;
        }
        for entry in &self.entries {
            let path = tree.join(&entry.path);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).during(parent.display())?;
            }
            entry.make(tree, &path).during(&entry.path)?;
        }
        for (path, from, mode) in &self.copies {
            let to = tree.join(path);
            if let Some(parent) = to.parent() {
                fs::create_dir_all(parent).during(parent.display())?;
            }
            fs::copy(from, &to).during(from.display())?;
            fs::set_permissions(&to, fs::Permissions::from_mode(*mode)).during(path)?;
        }
        set_times(tree, TIME)?;
        for entry in &self.entries {
            stamp(&tree.join(&entry.path), entry.mtime)?;
        }
        Ok(())
    }

    /// Builds the package in `dir` and gives the file's path.
    pub fn build(&self, dir: &Path) -> Res<String> {
        let tree = dir.join("tree");
        if tree.exists() {
            fs::remove_dir_all(&tree).during(tree.display())?;
        }
        self.lay_out(&tree)?;
        let file = dir.join(self.file_name());
        let out = command("/usr/bin/dpkg-deb")
            .args(&self.options)
            .arg("--nocheck")
            .arg("-b")
            .arg(&tree)
            .arg(&file)
            .env("SOURCE_DATE_EPOCH", TIME.to_string())
            .output()
            .during("dpkg-deb")?;
        if !out.status.success() {
            return Err(String::from_utf8_lossy(&out.stderr).into_owned());
        }
        fs::remove_dir_all(&tree).during(tree.display())?;
        Ok(file.display().to_string())
    }
}

impl Entry {
    fn make(&self, tree: &Path, path: &Path) -> Res<()> {
        let node =
            |kind, dev| mknod(path, kind, Mode::from_bits_truncate(0o600), dev).during("mknod");
        match &self.kind {
            Kind::File(content) => fs::write(path, content).during("write")?,
            Kind::Dir => fs::create_dir_all(path).during("mkdir")?,
            Kind::Link(target) => {
                symlink(target, path).during("symlink")?;
                return lchown(path, Some(self.owner.0), Some(self.owner.1)).during("lchown");
            }
            Kind::Hard(other) => {
                return fs::hard_link(tree.join(other.trim_start_matches('/')), path)
                    .during("hard link");
            }
            Kind::Fifo => node(SFlag::S_IFIFO, 0)?,
            Kind::Char(a, b) => node(SFlag::S_IFCHR, makedev(*a, *b))?,
            Kind::Block(a, b) => node(SFlag::S_IFBLK, makedev(*a, *b))?,
        }
        lchown(path, Some(self.owner.0), Some(self.owner.1)).during("chown")?;
        fs::set_permissions(path, fs::Permissions::from_mode(self.mode)).during("chmod")
    }
}

/// Gives a path, not what it may link to, a time.
pub fn stamp(path: &Path, time: i64) -> Res<()> {
    let t = TimeSpec::new(time, 0);
    utimensat(AT_FDCWD, path, &t, &t, UtimensatFlags::NoFollowSymlink).during(path.display())
}

fn set_times(dir: &Path, time: i64) -> Res<()> {
    for entry in fs::read_dir(dir).during(dir.display())?.flatten() {
        if entry.file_type().is_ok_and(|t| t.is_dir()) {
            set_times(&entry.path(), time)?;
        } else {
            stamp(&entry.path(), time)?;
        }
    }
    stamp(dir, time)
}
