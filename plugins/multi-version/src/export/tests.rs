use std::collections::BTreeSet;
use std::os::unix::fs::symlink;
use std::process::Command;

use super::*;
use crate::layout::{RealizationId, Sha256, Version};
use crate::manifest::SetId;

#[test]
fn paths_in_a_program() {
    let bytes = b"\0/usr/share/foo/x\0PATH=/usr/bin:/bin\0../usr/no\0/usr/lib/%s/y\0/usr/../etc\0a/etc/no\0/etc/foo.conf.\n/proc/x\0//usr//share/b/\0/lib64/ld-linux-x86-64.so.2";
    let found: Vec<String> = strings::paths(bytes)
        .iter()
        .map(|p| p.display().to_string())
        .collect();
    assert_eq!(
        found,
        [
            "/bin",
            "/etc/foo.conf.",
            "/lib64/ld-linux-x86-64.so.2",
            "/usr/bin",
            "/usr/lib",
            "/usr/share/b",
            "/usr/share/foo/x"
        ]
    );
    assert_eq!(
        strings::merged(Path::new("/bin/sh")),
        Path::new("usr/bin/sh")
    );
    assert!(strings::is_shared(Path::new("usr/lib/x86_64-linux-gnu")));
    assert!(!strings::is_shared(Path::new(
        "usr/lib/x86_64-linux-gnu/foo"
    )));
    assert!(strings::is_loader(Path::new("/lib64/ld-linux-x86-64.so.2")));
}

struct Rig {
    dir: tempfile::TempDir,
    layout: Layout,
    manifest: Manifest,
}

impl Rig {
    fn new() -> Rig {
        let dir = tempfile::tempdir().unwrap();
        Rig {
            layout: Layout::new(dir.path()),
            dir,
            manifest: Manifest {
                view: "work".parse().unwrap(),
                number: "3".parse().unwrap(),
                created: 0,
                parent: None,
                slots: BTreeSet::new(),
                hides: Vec::new(),
                pins: Vec::new(),
                packages: Vec::new(),
            },
        }
    }

    fn generation(&self) -> PathBuf {
        self.dir.path().join("tmp/work-3")
    }

    fn package(&mut self, name: &str, version: &str, slot: Option<&str>, files: &[(&str, &str)]) {
        let version = Version::new(version).unwrap();
        let hash = Sha256::of(format!("{name}{version}").as_bytes());
        let (name, arch) = (name.parse().unwrap(), "amd64".parse().unwrap());
        let id = RealizationId::new(&name, &version, &arch, &hash);
        let slot: Option<SlotName> = slot.map(|s| s.parse().unwrap());
        let trees = [
            self.layout.realization(&id),
            self.generation().join(inside::tree(slot.as_ref())),
        ];
        for (path, content) in files {
            for tree in &trees {
                let path = tree.join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                if let Some(target) = content.strip_prefix("-> ") {
                    symlink(target, path).unwrap();
                } else if let Some(source) = content.strip_prefix("C ") {
                    let from = self.dir.path().join("source.c");
                    fs::write(&from, source).unwrap();
                    let gcc = Command::new("gcc").arg(from).arg("-o").arg(path).status();
                    assert!(gcc.unwrap().success());
                } else {
                    fs::write(&path, content).unwrap();
                    let mode = if content.starts_with("#!") {
                        0o755
                    } else {
                        0o644
                    };
                    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
                }
            }
        }
        self.manifest.slots.extend(slot.clone());
        self.manifest.packages.push(Member {
            realization: id,
            reason: Reason::Want,
            state: State::Installed,
            own_libraries: false,
            slot,
            uses: BTreeMap::new(),
            relaxed: Vec::new(),
            setuid: Vec::new(),
        });
    }

    fn decide(&self) -> Vec<Export> {
        decide(&self.layout, &self.generation(), &self.manifest).unwrap()
    }
}

fn program(word: &str) -> String {
    format!("C #include <stdio.h>\nint main(void) {{ return puts(\"{word}\") < 0; }}")
}

#[test]
fn links_where_they_do_and_launchers_where_they_must() {
    let mut rig = Rig::new();
    let (plain, naming) = (
        program("plain /usr/share/none"),
        program("reads /usr/share/foo"),
    );
    rig.package(
        "foo",
        "1:2~3",
        None,
        &[
            ("usr/bin/plain", &plain),
            ("usr/bin/also", "-> plain"),
            ("usr/bin/up", "-> ../sbin/naming"),
            ("usr/sbin/naming", &naming),
            ("usr/sbin/plain", &plain),
            ("usr/bin/alternative", "-> /etc/alternatives/x"),
            ("usr/bin/loop", "-> loop"),
            ("usr/bin/script", "#!/bin/sh\n"),
            ("usr/bin/no-command", "text"),
            ("usr/games/it's $HOME", "#!/bin/sh\n"),
            ("usr/share/foo/data", "x"),
            ("usr/bin/set-id", &naming),
        ],
    );
    rig.manifest.packages[0].setuid.push(SetId {
        path: "usr/bin/set-id".into(),
        mode: 0o4755,
        uid: 0,
        gid: 0,
    });
    rig.package("auto", "1", None, &[("usr/bin/auto", "#!/bin/sh\n")]);
    rig.manifest.packages[1].reason = Reason::Auto;
    rig.package(
        "exim4",
        "4",
        Some("exim"),
        &[("usr/bin/script", "#!/bin/sh\n"), ("usr/bin/exim", &plain)],
    );
    let exports = rig.decide();
    let shown: Vec<String> = exports
        .iter()
        .map(|e| match &e.how {
            How::Link(to) => format!("{} -> {}", e.name.display(), to.display()),
            How::Launcher(_, why) => format!("{} {why:?}", e.name.display()),
        })
        .collect();
    assert_eq!(
        shown,
        [
            "also -> ../root/usr/bin/also",
            "alternative Leaves(\"usr/bin/alternative\")",
            "exim -> ../slots/exim/root/usr/bin/exim",
            "it's $HOME NoProgram",
            "loop Leaves(\"usr/bin/loop\")",
            "naming Names(\"/usr/share/foo\")",
            "plain -> ../root/usr/bin/plain",
            "script NoProgram",
            "script@exim Renamed",
            "set-id -> ../root/usr/bin/set-id",
            "up Names(\"/usr/share/foo\")",
        ]
    );
    assert_eq!(rig.decide(), exports);

    // What is written starts what it says, with its arguments as they are.
    write(&Disk::default(), &rig.generation(), &exports).unwrap();
    let bin = rig.generation().join("bin");
    let ran = Command::new(bin.join("also")).output().unwrap();
    assert_eq!(ran.stdout, b"plain /usr/share/none\n");
    let own = rig.dir.path().join("path");
    fs::create_dir(&own).unwrap();
    fs::write(own.join("dpkg-ng"), "#!/bin/sh\nprintf '[%s]' \"$@\"\n").unwrap();
    fs::set_permissions(own.join("dpkg-ng"), fs::Permissions::from_mode(0o755)).unwrap();
    let said = |name: &str| {
        let mut command = Command::new(bin.join(name));
        let path = format!("{}:/usr/bin:/bin", own.display());
        let ran = command
            .args(["a b", "", "$x'\""])
            .env("PATH", path)
            .output();
        String::from_utf8(ran.unwrap().stdout).unwrap()
    };
    assert_eq!(
        said("it's $HOME"),
        "[run][--view][work@3][--][/usr/games/it's $HOME][a b][][$x'\"]"
    );
    assert_eq!(
        said("script@exim"),
        "[run][--view][work@3][-p][exim4=4:amd64][--][/usr/bin/script][a b][][$x'\"]"
    );
}
