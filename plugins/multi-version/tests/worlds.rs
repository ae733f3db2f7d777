//! Worlds of packages that the C compiler makes: planned, linked, put into trees, exported, and run from there.

#[expect(dead_code, reason = "of a corpus that other tests use, too")]
mod built_by;
#[expect(dead_code, reason = "of a closure that other tests use, too")]
mod placed;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use dpkgng_multi_version::decide::Versions;
use dpkgng_multi_version::decide::abi::Verdict as Abi;
use dpkgng_multi_version::export::{self, How, Why, WhyNot};
use dpkgng_multi_version::facts::Facts;
use dpkgng_multi_version::generation::Disk;
use dpkgng_multi_version::layout::{
    Architecture, GenerationNumber, InstallationId, SideName, Soname, Version, ViewName,
};
use dpkgng_multi_version::link::{Linker, POLICY, made_links};
use dpkgng_multi_version::manifest::{Manifest, Reason, SetId, State};
use dpkgng_multi_version::place::{self, Former, Placed as Outcome, Verdict};
use dpkgng_multi_version::plan::{
    Files, Known, LinkPlan, Observed, ObservedMember, ObservedWorld, Origin, Rules, plan,
};
use dpkgng_multi_version::world::WorldDir;
use placed::{Entry, Placed, host_architecture, public};

/// Versions of one number; every library suits everybody.
struct Plain;

impl Versions for Plain {
    fn compare(&self, a: &Version, b: &Version) -> std::cmp::Ordering {
        a.as_str().cmp(b.as_str())
    }
}

impl Files for Plain {
    fn verdict(
        &self,
        _: &InstallationId,
        _: &Architecture,
        _: &Soname,
        _: Option<&InstallationId>,
        _: &InstallationId,
    ) -> Abi {
        Abi::default()
    }

    fn can_be_overridden(&self, _: &InstallationId) -> bool {
        true
    }
}

/// A generation of the view `system`, in its place.
struct Rig {
    placed: Placed,
    observed: Observed,
    former: Option<LinkPlan>,
}

const GREET: &str = "libgreet.so.1";

impl Rig {
    fn new() -> Rig {
        let placed = Placed::new();
        let observed = Observed {
            worlds: vec![ObservedWorld::default()],
        };
        let rig = Rig {
            placed,
            observed,
            former: None,
        };
        fs::create_dir_all(rig.dir()).unwrap();
        symlink("gen/1", rig.placed.layout.current(&ViewName::system())).unwrap();
        for dir in ["main/root", "main/etc/alternatives"] {
            fs::create_dir_all(rig.dir().join(dir)).unwrap();
        }
        rig
    }

    fn dir(&self) -> PathBuf {
        self.placed
            .layout
            .generation(&ViewName::system(), GenerationNumber::FIRST)
    }

    fn cc(&self, source: &str, args: &[&str]) -> Vec<u8> {
        let (from, to) = (
            self.placed.dir.path().join("s.c"),
            self.placed.dir.path().join("out"),
        );
        fs::write(&from, source).unwrap();
        let mut command = Command::new("cc");
        command
            .arg(&from)
            .args(args)
            .arg("-o")
            .arg(&to)
            .current_dir(self.placed.dir.path());
        assert!(command.status().unwrap().success());
        fs::read(&to).unwrap()
    }

    /// A library that gives a number.
    fn greet(&mut self, version: &str) -> InstallationId {
        let source = format!("int greet(void) {{ return {version}; }}\n");
        let bytes = self.cc(
            &source,
            &["-shared", "-fPIC", &format!("-Wl,-soname,{GREET}")],
        );
        fs::write(self.placed.dir.path().join(GREET), &bytes).unwrap();
        let path = format!("{}/{GREET}", public());
        self.placed
            .package("libgreet", version, &[(&path, Entry::File(&bytes, 0o644))])
    }

    /// A program that prints it, and does something more.
    fn program(&self, more: &str) -> Vec<u8> {
        let source = format!(
            "#include <stdio.h>\n#include <dlfcn.h>\nint greet(void);\n\
             int main(void) {{ {more} return printf(\"%d\\n\", greet()) < 0; }}\n"
        );
        self.cc(&source, &[&format!("-l:{GREET}"), "-L."])
    }

    fn member(id: &InstallationId, source: &str, reason: Reason) -> ObservedMember {
        ObservedMember {
            name: id.package().clone(),
            version: id.version().clone(),
            architecture: id.architecture().clone(),
            source: source.into(),
            state: State::Installed,
            reason,
            origin: Origin::Store(id.clone()),
            control: Default::default(),
            rpath: false,
        }
    }

    fn world(&mut self, name: &str) -> &mut ObservedWorld {
        let name: Option<SideName> = (name != "main").then(|| name.parse().unwrap());
        let at = self.observed.worlds.iter().position(|w| w.name == name);
        let at = at.unwrap_or_else(|| {
            self.observed.worlds.push(ObservedWorld {
                name,
                ..ObservedWorld::default()
            });
            self.observed.worlds.len() - 1
        });
        &mut self.observed.worlds[at]
    }

    fn world_dir(&self, name: &str) -> WorldDir {
        match name {
            "main" => WorldDir::main(&self.dir()),
            side => WorldDir::side(&self.dir(), side),
        }
    }

    /// Have a package in a world, its files by hard links of the store's.
    fn install(&mut self, world: &str, id: &InstallationId, source: &str, reason: Reason) {
        self.world(world)
            .members
            .push(Rig::member(id, source, reason));
        let tree = self.world_dir(world).tree();
        let facts = self.placed.facts.iter().find(|f| f.id == *id).unwrap();
        for path in &facts.paths {
            let (from, to) = (
                self.placed.layout.installation(id).join(path),
                tree.join(path),
            );
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::hard_link(from, to).unwrap();
        }
    }

    fn facts(&self) -> BTreeMap<InstallationId, Facts> {
        self.placed
            .facts
            .iter()
            .map(|f| (f.id.clone(), f.clone()))
            .collect()
    }

    fn linker(&self) -> Linker<'_> {
        let linker = Linker::new(&self.placed.layout, host_architecture(), &self.placed.facts);
        linker.seen_at(self.placed.layout.root())
    }

    /// Plan, make, place; the main world's outcome.
    fn link(&mut self) -> Outcome {
        let facts = self.facts();
        let native = host_architecture();
        let known = Known {
            facts: &facts,
            native: &native,
            policy: POLICY,
            versions: &Plain,
            files: &Plain,
        };
        let plan = plan(&known, &self.observed, &Rules::default()).unwrap();
        assert_eq!(plan.warnings, []);
        let (sys, linker) = (self.placed.sys(), self.linker());
        linker.make(&sys, &plan.realizations, &mut |_| {}).unwrap();
        let former = self
            .former
            .as_ref()
            .map(manifest)
            .map(|m| Former::of(&m))
            .unwrap_or_default();
        let mut outcome = None;
        for world in &plan.worlds {
            let name = world.name.as_ref().map_or("main", SideName::as_str);
            let dir = self.world_dir(name);
            let placed = place::place(&self.placed.layout, &dir, world, &facts, &former).unwrap();
            outcome.get_or_insert(placed);
        }
        place::write_libs(sys.disk(), &linker, &self.dir(), &plan).unwrap();
        let report = place::check(&linker, &plan).unwrap();
        assert_eq!(
            (report.verdict(), report.lines()),
            (Verdict::Fine, Vec::new())
        );
        drop(linker);
        self.former = Some(plan);
        outcome.unwrap()
    }

    fn export(&self, view: &ViewName) -> export::Commands {
        let (facts, linker) = (self.facts(), self.linker());
        let commands = export::decide(&export::Generation {
            layout: &self.placed.layout,
            dir: &self.dir(),
            view,
            observed: &self.observed,
            plan: self.former.as_ref().unwrap(),
            facts: &facts,
            linker: &linker,
        });
        let commands = commands.unwrap();
        export::write(
            &Disk::default(),
            &self.dir(),
            view,
            GenerationNumber::FIRST,
            &commands,
        )
        .unwrap();
        commands
    }
}

fn manifest(plan: &LinkPlan) -> Manifest {
    Manifest {
        view: ViewName::system(),
        number: GenerationNumber::FIRST,
        created: 0,
        parent: None,
        command: String::new(),
        sides: BTreeMap::new(),
        hides: Vec::new(),
        pins: Vec::new(),
        packages: plan.members(),
    }
}

fn inode(path: &Path) -> u64 {
    fs::symlink_metadata(path).unwrap().ino()
}

fn run(program: &Path) -> String {
    let ran = Command::new(program).output().unwrap();
    String::from_utf8(ran.stdout).unwrap() + &String::from_utf8_lossy(&ran.stderr)
}

#[test]
fn linked_files_take_the_place_of_the_packages_own() {
    let mut rig = Rig::new();
    let greet = rig.greet("1");
    let bytes = rig.program("");
    let prog = rig.placed.package(
        "prog",
        "1",
        &[
            ("usr/bin/prog", Entry::File(&bytes, 0o755)),
            ("usr/bin/name", Entry::Name("usr/bin/prog")),
            ("usr/bin/own", Entry::File(&bytes, 0o755)),
            ("usr/bin/theirs", Entry::File(&bytes, 0o755)),
            ("usr/bin/gone", Entry::File(&bytes, 0o755)),
            ("usr/lib/prog/there", Entry::File(&bytes, 0o755)),
            ("var/lib/prog/state", Entry::File(&bytes, 0o755)),
        ],
    );
    rig.install("main", &greet, "greet", Reason::Auto);
    rig.install("main", &prog, "prog", Reason::Want);
    let tree = rig.world_dir("main").tree();
    // As dpkg has it, set-id by the administrator.
    fs::remove_file(tree.join("usr/bin/own")).unwrap();
    fs::write(tree.join("usr/bin/own"), &bytes).unwrap();
    fs::set_permissions(tree.join("usr/bin/own"), fs::Permissions::from_mode(0o4711)).unwrap();
    // Another package's, by a diversion.
    fs::remove_file(tree.join("usr/bin/theirs")).unwrap();
    fs::write(tree.join("usr/bin/theirs"), "#!/bin/sh\n").unwrap();
    fs::remove_file(tree.join("usr/bin/gone")).unwrap();
    // A planted link leads nowhere.
    let outside = rig.placed.dir.path().join("outside");
    fs::rename(tree.join("usr/lib/prog"), &outside).unwrap();
    symlink(&outside, tree.join("usr/lib/prog")).unwrap();
    let before = inode(&outside.join("there"));

    let outcome = rig.link();
    let told: Vec<(&str, &str)> = outcome
        .as_it_stands
        .iter()
        .map(|a| (a.path.to_str().unwrap(), a.why.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (
                "usr/bin/theirs",
                "another file, of another package or changed here, stands at its path"
            ),
            ("var/lib/prog/state", "it is not below /usr or /opt"),
        ]
    );
    // The library takes nothing from others, and is one file in all its realizations.
    assert_eq!((outcome.placed, outcome.there), (3, 1));
    let home = {
        let plan = rig.former.as_ref().unwrap();
        rig.placed
            .layout
            .realization(&plan.main().unwrap().members[&prog].realization)
    };
    for path in ["usr/bin/prog", "usr/bin/name"] {
        assert_eq!(inode(&tree.join(path)), inode(&home.join(path)), "{path}");
    }
    let own = fs::metadata(tree.join("usr/bin/own")).unwrap();
    assert_eq!((own.mode() & 0o7777, own.nlink()), (0o4711, 1));
    assert_eq!(
        fs::read(tree.join("usr/bin/own")).unwrap(),
        fs::read(home.join("usr/bin/own")).unwrap()
    );
    assert_eq!(
        fs::read(tree.join("usr/bin/theirs")).unwrap(),
        b"#!/bin/sh\n"
    );
    assert!(!tree.join("usr/bin/gone").exists());
    assert_eq!(inode(&outside.join("there")), before);
    assert_eq!(run(&tree.join("usr/bin/prog")), "1\n");

    // Again there is nothing to do.
    let again = rig.link();
    assert_eq!((again.placed, again.there), (0, 4));
    assert_eq!(again.as_it_stands, outcome.as_it_stands);
    // Back as the .deb has them.
    let former = Former::of(&manifest(rig.former.as_ref().unwrap()));
    let facts = rig.facts();
    let back = place::restore(
        &rig.placed.layout,
        &rig.world_dir("main"),
        &facts[&prog],
        &former,
    )
    .unwrap();
    assert_eq!(back.placed, 3);
    let store = rig.placed.layout.installation(&prog);
    assert_eq!(
        inode(&tree.join("usr/bin/prog")),
        inode(&store.join("usr/bin/prog"))
    );
    assert_eq!(
        fs::metadata(tree.join("usr/bin/own")).unwrap().mode() & 0o7777,
        0o4711
    );
    assert_eq!(fs::read(tree.join("usr/bin/own")).unwrap(), bytes);
}

#[test]
fn worlds_beside_each_other_and_their_commands() {
    let mut rig = Rig::new();
    let old = rig.greet("1");
    let plain = rig.program("");
    let opening = rig.program("if (dlopen(\"x\", 1)) return 1;");
    let naming = rig.program("puts(\"/usr/share/prog/data\");");
    let script: &[u8] = b"#!/bin/sh\n";
    let prog = rig.placed.package(
        "prog",
        "1",
        &[
            ("usr/bin/prog", Entry::File(&plain, 0o755)),
            ("usr/bin/also", Entry::Link("prog")),
            ("usr/sbin/prog", Entry::File(&plain, 0o755)),
            ("usr/bin/opening", Entry::File(&opening, 0o755)),
            ("usr/bin/naming", Entry::File(&naming, 0o755)),
            ("usr/bin/script", Entry::File(script, 0o755)),
            ("usr/bin/text", Entry::File(b"text", 0o644)),
            ("usr/bin/loop", Entry::Link("loop")),
            ("usr/bin/set-id", Entry::File(&naming, 0o755)),
            ("usr/share/prog/data", Entry::File(b"x", 0o644)),
            ("usr/lib/prog/real", Entry::File(&plain, 0o755)),
        ],
    );
    let setuid = SetId {
        path: "usr/bin/set-id".into(),
        mode: 0o4755,
        uid: 0,
        gid: 0,
        capability: None,
    };
    let facts = rig.placed.facts.iter_mut().find(|f| f.id == prog).unwrap();
    facts.installation.setuid.push(setuid);
    let tools = rig.placed.package(
        "tools",
        "1",
        &[("usr/games/it's $HOME", Entry::File(script, 0o755))],
    );
    let auto = rig.placed.package(
        "auto",
        "1",
        &[
            ("usr/bin/auto", Entry::File(script, 0o755)),
            ("usr/bin/more", Entry::File(script, 0o755)),
        ],
    );
    for (id, source, reason) in [
        (&old, "greet", Reason::Auto),
        (&prog, "prog", Reason::Want),
        (&tools, "prog", Reason::Auto),
        (&auto, "auto", Reason::Auto),
    ] {
        rig.install("main", id, source, reason);
    }
    // As update-alternatives makes them.
    let main = rig.world_dir("main");
    for (link, target) in [
        ("alt", "/usr/lib/prog/real"),
        ("nowhere", "/usr/lib/prog/absent"),
    ] {
        symlink(
            format!("/etc/alternatives/{link}"),
            main.tree().join("usr/bin").join(link),
        )
        .unwrap();
        symlink(target, main.etc().join("alternatives").join(link)).unwrap();
    }
    let new = rig.greet("2");
    let newer = rig.program("");
    let beside = rig
        .placed
        .package("prog", "2", &[("usr/bin/prog", Entry::File(&newer, 0o755))]);
    let side = "prog@2";
    for (id, source, reason) in [
        (&new, "greet", Reason::Auto),
        (&beside, "prog", Reason::Want),
        (&tools, "prog", Reason::Auto),
    ] {
        rig.install(side, id, source, reason);
    }
    rig.link();
    let plan = rig.former.as_ref().unwrap();
    assert_eq!(
        plan.members()
            .iter()
            .filter(|m| m.worlds.len() == 2)
            .count(),
        1
    );
    // lib/ of each, and of the generation.
    for (lib, version) in [("lib", "1"), ("main/lib", "1"), ("worlds/prog@2/lib", "2")] {
        let target = fs::read_link(rig.dir().join(lib).join(GREET)).unwrap();
        assert!(
            target
                .to_str()
                .unwrap()
                .contains(&format!("/inst/libgreet_{version}_")),
            "{lib}"
        );
    }

    let commands = rig.export(&ViewName::system());
    let shown = |commands: &export::Commands| -> Vec<String> {
        let how = |how: &How| match how {
            How::Link(to) => format!("-> {}", to.display()),
            How::Launcher(why) => format!("{why:?}"),
        };
        let one = |e: &export::Export| format!("{} {}", e.name.display(), how(&e.how));
        commands.exported.iter().map(one).collect()
    };
    let bin = |name: &str| format!("-> ../main/root/usr/bin/{name}");
    assert_eq!(
        shown(&commands),
        [
            format!("also {}", bin("prog")),
            "alt -> ../main/root/usr/lib/prog/real".into(),
            "it's $HOME NoProgram".into(),
            "loop Leaves(\"/usr/bin/loop\")".into(),
            "naming Names(\"/usr/bin/naming\", \"/usr/share/prog/data\")".into(),
            "opening Dlopens(\"/usr/bin/opening\")".into(),
            format!("prog {}", bin("prog")),
            "prog@prog@2 Renamed".into(),
            "script NoProgram".into(),
            format!("set-id {}", bin("set-id")),
        ]
    );
    let left: Vec<(&str, &WhyNot)> = commands
        .left
        .iter()
        .map(|l| (l.source.command.to_str().unwrap(), &l.why))
        .collect();
    assert_eq!(
        left,
        [
            ("/usr/bin/auto", &WhyNot::CameAlong(2)),
            ("/usr/sbin/prog", &WhyNot::Behind("/usr/bin/prog".into())),
            ("/usr/games/it's $HOME", &WhyNot::SameAsMain),
        ]
    );
    // What was written down says the same.
    let rows = export::read(&rig.dir()).unwrap();
    assert_eq!(rows.len(), commands.exported.len() + left.len());
    assert_eq!(rows[3].why, "/usr/bin/loop leads out of what packages have");
    assert!(rows[1].source.alternative && rows[1].how == "link");
    // And it starts what it says, with arguments as they are.
    assert_eq!(run(&rig.dir().join("bin/also")), "1\n");
    assert_eq!(
        run(&rig.dir().join("worlds/prog@2/root/usr/bin/prog")),
        "2\n",
        "by its own lib/"
    );
    let own = rig.placed.dir.path().join("path");
    fs::create_dir(&own).unwrap();
    fs::write(own.join("dpkg-ng"), "#!/bin/sh\nprintf '[%s]' \"$@\"\n").unwrap();
    fs::set_permissions(own.join("dpkg-ng"), fs::Permissions::from_mode(0o755)).unwrap();
    let said = |name: &str| {
        let mut command = Command::new(rig.dir().join("bin").join(name));
        let path = format!("{}:/usr/bin:/bin", own.display());
        let ran = command
            .args(["a b", "", "$x'\""])
            .env("PATH", path)
            .output();
        String::from_utf8(ran.unwrap().stdout).unwrap()
    };
    assert_eq!(
        said("it's $HOME"),
        "[run][--view][system@1][--][/usr/games/it's $HOME][a b][][$x'\"]"
    );
    assert_eq!(
        said("prog@prog@2"),
        "[run][--view][system@1][--world][prog@2][--][/usr/bin/prog][a b][][$x'\"]"
    );

    // Of another view, programs would find the libraries of the view system.
    let work = rig.export(&"work".parse().unwrap());
    assert!(
        work.exported
            .iter()
            .all(|e| matches!(e.how, How::Launcher(Why::OtherView)))
    );
    assert_eq!(work.exported.len(), commands.exported.len());
}

#[test]
fn names_of_libraries_that_no_package_has() {
    let mut rig = Rig::new();
    let one = rig.greet("1");
    let bytes = fs::read(
        rig.placed
            .layout
            .installation(&one)
            .join(public())
            .join(GREET),
    )
    .unwrap();
    let plain = rig.program("");
    let private = format!("{}/greet/{GREET}", public());
    let hidden = rig
        .placed
        .package("greet-alt", "1", &[(&private, Entry::File(&bytes, 0o644))]);
    let prog = rig
        .placed
        .package("prog", "1", &[("usr/bin/prog", Entry::File(&plain, 0o755))]);
    rig.install("main", &hidden, "greet", Reason::Auto);
    rig.install("main", &prog, "prog", Reason::Want);
    let main = rig.world_dir("main");
    let link = format!("{}/{GREET}", public());
    symlink(
        format!("/etc/alternatives/{GREET}"),
        main.tree().join(&link),
    )
    .unwrap();
    symlink(
        format!("/{private}"),
        main.etc().join("alternatives").join(GREET),
    )
    .unwrap();
    // A development link, and one that leads out, are none.
    symlink(GREET, main.tree().join(public()).join("libgreet.so")).unwrap();
    symlink(
        "/var/lib/x.so",
        main.tree().join(public()).join("libx.so.1"),
    )
    .unwrap();
    let made = made_links(&main.tree(), &main.etc()).unwrap();
    let all = [
        (&*link, &*private),
        (&*format!("{}/libgreet.so", public()), &private),
    ];
    let all: BTreeMap<PathBuf, PathBuf> =
        all.into_iter().map(|(l, t)| (l.into(), t.into())).collect();
    assert_eq!(made, all);
    rig.world("main").made = made;
    rig.link();
    assert_eq!(run(&main.tree().join("usr/bin/prog")), "1\n");
}
