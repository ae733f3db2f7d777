use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use super::*;
use crate::generation::{Disk, Hold, Sys};
use crate::layout::{Layout, Pin, Sha256, StoreKey, inside};
use crate::manifest::{Installation, Member, Realization, Reason, Standing, State};
use crate::output::Out;
use crate::testing::{generation, member};

/// A `/var/sys` with packages and generations that were put there by hand.
pub(crate) struct Made {
    dir: tempfile::TempDir,
}

impl Made {
    pub(crate) fn new() -> Made {
        let made = Made {
            dir: tempfile::tempdir().unwrap(),
        };
        fs::create_dir_all(made.proc().join("self")).unwrap();
        let info = "1 0 8:1 / / rw - ext4 /dev/a rw\n";
        fs::write(made.proc().join("self/mountinfo"), info).unwrap();
        made
    }

    pub(crate) fn layout(&self) -> Layout {
        Layout::new(fs::canonicalize(self.dir.path()).unwrap().join("sys"))
    }

    pub(crate) fn proc(&self) -> PathBuf {
        self.dir.path().join("proc")
    }

    pub(crate) fn sys(&self) -> Sys {
        Sys::open(self.layout(), Disk::default(), false).unwrap()
    }

    /// A package with these files, and members of its control archive (`DEBIAN/…`), linked with nothing.
    pub(crate) fn package(&self, spec: &str, files: &[(&str, &str)]) -> Member {
        let (name, version) = spec.split_once('=').unwrap();
        let (name, arch) = name.split_once(':').unwrap_or((name, "amd64"));
        let sha256 = Sha256::of(spec.as_bytes());
        let installation = Installation {
            package: name.parse().unwrap(),
            version: version.parse().unwrap(),
            architecture: arch.parse().unwrap(),
            sha256,
            size: 1_500_000,
            setuid: Vec::new(),
        };
        let realization = realization_of(&installation);
        let store = self.layout().installation(&installation.id());
        let inst = self.layout().realization(&realization.id());
        let control = format!(
            "Package: {name}\nVersion: {version}\nArchitecture: {arch}\nDescription: the {name} package\n long\n"
        );
        let text = installation.to_text().unwrap();
        let meta = [
            ("DEBIAN/control", control.as_str()),
            (inside::INSTALLATION, &text),
        ];
        for (path, content) in meta.iter().chain(files) {
            let path = store.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        fs::create_dir_all(inst.join("DEBIAN")).unwrap();
        fs::write(inst.join(inside::REALIZATION), realization.to_text()).unwrap();
        for (path, _) in files.iter().filter(|(p, _)| !p.starts_with("DEBIAN")) {
            fs::create_dir_all(inst.join(path).parent().unwrap()).unwrap();
            fs::hard_link(store.join(path), inst.join(path)).unwrap();
        }
        member(&realization.id(), &["main"])
    }

    /// The next generation of a view, with these packages, made current.
    pub(crate) fn generation(&self, view: &str, packages: &[Member]) -> StoreKey {
        let (sys, layout) = (self.sys(), self.layout());
        let view: ViewName = view.parse().unwrap();
        let number = generation(&sys, &view, packages, &|id| layout.realization(id));
        let lib = layout.generation(&view, number).join(inside::LIB);
        fs::create_dir(&lib).unwrap();
        for member in packages {
            let to = layout.realization(&member.realization).join("usr/lib/x.so");
            if to.exists() {
                symlink(to, lib.join("libx.so.1")).unwrap();
            }
        }
        StoreKey::Generation(view, number)
    }
}

fn realization_of(installation: &Installation) -> Realization {
    Realization {
        installation: installation.id(),
        sha256: installation.sha256,
        overrides: BTreeMap::new(),
        own: BTreeSet::new(),
        needed: BTreeSet::new(),
        rpath: false,
        policy: 1,
    }
}

/// What a command prints.
pub(crate) fn printed<E: std::fmt::Debug>(
    json: bool,
    act: impl FnOnce(&mut Out<'_>) -> Result<i32, E>,
) -> (i32, String) {
    let mut bytes = Vec::new();
    let code = act(&mut Out::new(&mut bytes, None, json)).unwrap();
    (code, String::from_utf8(bytes).unwrap())
}

fn place(word: &str) -> Place {
    word.parse().unwrap()
}

fn view(word: &str) -> ViewName {
    word.parse().unwrap()
}

fn came_along(member: &mut Member) {
    for standing in member.worlds.values_mut() {
        standing.reason = Reason::Auto;
    }
}

#[test]
fn listed() {
    let made = Made::new();
    let reader = Reader::new(made.layout());
    assert_eq!(
        printed(false, |o| list(&reader, None, o)),
        (0, String::new())
    );
    assert_eq!(
        printed(true, |o| list(&reader, None, o)),
        (0, "[]\n".into())
    );
    let mut foo = made.package("foo=1", &[]);
    made.generation("system", &[foo.clone()]);
    foo.worlds = member(&foo.realization, &["exim@4"]).worlds;
    let mut bar = made.package("bar=2", &[]);
    came_along(&mut bar);
    let mut left = made.package("left=1", &[]);
    for standing in left.worlds.values_mut() {
        standing.state = State::ConfigFiles;
    }
    made.generation("system", &[foo, bar, left]);
    made.generation("work", &[]);
    made.sys().rollback(&view("system")).unwrap();
    let (_, text) = printed(false, |o| list(&reader, None, o));
    assert_eq!(
        text,
        "View    Generations  Current  Packages  Wanted  Side worlds    Size  Built\n\
         system            2        1         1       1            0  1.5 MB  2026-11-21 16:30 UTC\n\
         work              1        1         0       0            0     0 B  2026-11-21 16:30 UTC\n"
    );
    let (_, text) = printed(false, |o| list(&reader, Some(&view("system")), o));
    assert_eq!(
        text,
        "   Generation  Packages  Wanted  Side worlds    Size  Built\n\
         *           1         1       1            0  1.5 MB  2026-11-21 16:30 UTC\n\
         \x20           2         2       1            1  3.0 MB  2026-11-21 16:30 UTC\n"
    );
    let (_, json) = printed(true, |o| list(&reader, Some(&view("system")), o));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let second = (&json[1]["worlds"][0], &json[1]["size"]);
    assert!(second.0 == "exim@4" && second.1 == 3_000_000, "{json}");
    let none = list(
        &reader,
        Some(&view("none")),
        &mut Out::new(&mut Vec::new(), None, false),
    );
    assert!(matches!(none, Err(ViewError::NoView(_))));
}

#[test]
fn differences() {
    let made = Made::new();
    let old = made.package("libx=1", &[("usr/lib/x.so", "1")]);
    let new = made.package("libx=2", &[("usr/lib/x.so", "2")]);
    let app = made.package("app=1", &[]);
    let mut auto = app.clone();
    came_along(&mut auto);
    let standing = Standing {
        reason: Reason::Want,
        state: State::HalfConfigured,
    };
    auto.worlds.insert(Some("db@2".parse().unwrap()), standing);
    made.generation("system", &[old, app]);
    made.generation("system", &[new, auto, made.package("more=1", &[])]);
    let reader = Reader::new(made.layout());
    let of = |json| {
        printed(json, |o| {
            diff(&reader, &place("system@1"), &place("system"), o)
        })
        .1
    };
    assert_eq!(
        of(false),
        "   What           Name         system@1  system@2\n\
         ~  reason         app:amd64=1  want      auto\n\
         ~  state in db@2  app:amd64=1  absent    half-configured\n\
         ~  package        libx:amd64   1         2\n\
         +  package        more:amd64             1\n\
         ~  library        libx.so.1    libx 1    libx 2\n"
    );
    assert!(of(true).contains("\"kind\": \"library\""));
    let same = printed(false, |o| {
        diff(&reader, &place("system"), &place("system@2"), o)
    });
    assert_eq!(same, (0, String::new()));
}

#[test]
fn switched_pinned_and_removed() {
    let made = Made::new();
    made.generation("system", &[made.package("foo=1", &[("usr/bin/foo", "f")])]);
    for name in ["copy", "work"] {
        made.generation(name, &[]);
    }
    let sys = made.sys();
    let proc = made.proc();
    let none = BTreeSet::new();
    let rm = |what: &str| {
        let mut bytes = Vec::new();
        let mut out = Out::new(&mut bytes, None, false);
        super::change::remove_as(&sys, &place(what), &proc, &none, &mut out)
    };
    let mine: Pin = "mine".parse().unwrap();
    let (_, said) = printed(false, |o| pin(&sys, &mine, &place("copy"), o));
    assert_eq!(said, "mine keeps copy@1\n");
    let used = rm("copy").unwrap_err().to_string();
    assert_eq!(used, "generation 1 of view copy is pinned as mine");
    printed(false, |o| unpin(&sys, &mine, o));
    let hold = Hold::take(sys.layout(), &view("copy"), place("x@1").number.unwrap()).unwrap();
    assert!(matches!(rm("copy"), Err(ViewError::InUse(..))));
    drop(hold);
    assert!(matches!(
        rm("copy@1"),
        Err(ViewError::Generation(GenerationError::IsCurrent(..)))
    ));
    rm("copy").unwrap();
    assert_eq!(sys.views().unwrap(), [view("system"), view("work")]);
    assert!(matches!(rm("copy"), Err(ViewError::NoView(_))));
    assert!(matches!(
        rm("system"),
        Err(ViewError::Generation(GenerationError::IsSystem))
    ));
    drop(sys);

    made.generation("system", &[]);
    let sys = made.sys();
    let (_, said) = printed(true, |o| at(&sys, &view("system"), o));
    assert_eq!(said, "{\n  \"current\": 2,\n  \"view\": \"system\"\n}\n");
    let (_, said) = printed(false, |o| rollback(&sys, &view("system"), false, o));
    assert_eq!(said, "system is at generation 1\n");
    let (_, said) = printed(false, |o| switch(&sys, &place("system@2"), false, o));
    assert_eq!(said, "system is at generation 2\n");
    let gone = switch(
        &sys,
        &place("system@9"),
        false,
        &mut Out::new(&mut Vec::new(), None, false),
    );
    assert!(matches!(
        gone,
        Err(ViewError::Generation(GenerationError::NoGeneration(..)))
    ));
}

#[test]
fn collected_and_why_not() {
    let made = Made::new();
    let (old, new) = (
        made.package("old=1", &[("usr/x", "x")]),
        made.package("new=1", &[]),
    );
    made.generation("system", std::slice::from_ref(&old));
    made.generation("system", std::slice::from_ref(&new));
    let reader = Reader::new(made.layout());
    let proc = made.proc();
    let all = Collection::default();
    let why =
        |of: &Collection, path: PathBuf| printed(false, |o| of.why_as(&reader, &path, &proc, o));
    let inst = made.layout().realization(&old.realization);
    let kept = format!(
        "inst/{}: part of views/system/gen/1\nviews/system/gen/1: one of the newest generations\n",
        old.realization
    );
    assert_eq!(why(&all, inst.join("usr/x")), (0, kept));
    let one = Collection {
        keep: Some(1),
        ..Collection::default()
    };
    let gone = format!("inst/{}: nothing keeps it\n", old.realization);
    assert_eq!(why(&one, inst.clone()), (1, gone));
    let sys = made.sys();
    // Somebody who can't be looked into.
    fs::create_dir(proc.join("7")).unwrap();
    fs::write(proc.join("7/comm"), "secret\n").unwrap();
    let plan = crate::gc::Plan {
        hidden: BTreeSet::from([7]),
        ..crate::gc::Plan::default()
    };
    let (_, text) = printed(false, |o| one.print(&plan, true, &proc, o));
    assert!(text.contains("process 7 (secret)"), "{text}");
    let (code, text) = printed(false, |o| {
        super::gc::collect_as(&sys, &one, &proc, &mut |_, _| {}, o)
    });
    assert!(code == 0 && text.contains("views/system/gen/1"), "{text}");
    assert!(
        text.lines().last().unwrap().starts_with("3 things, "),
        "{text}"
    );
    assert!(!inst.exists() && made.layout().realization(&new.realization).exists());
    let (_, json) = printed(true, |o| {
        super::gc::collect_as(&sys, &one, &proc, &mut |_, _| {}, o)
    });
    assert!(
        json.contains("\"removed\": [],") && json.contains("\"bytes\": 0"),
        "{json}"
    );
}
