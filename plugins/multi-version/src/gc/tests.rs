use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};

use super::*;
use crate::generation::{Claim, Disk, Hold, Step, Sys};
use crate::layout::{InstallationId, Layout, RealizationId, Sha256, Version, ViewName, inside};
use crate::manifest::{Installation, Realization};
use crate::testing::{generation, member};

struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Place {
        let place = Place {
            dir: tempfile::tempdir().unwrap(),
        };
        fs::create_dir_all(place.path("proc/self")).unwrap();
        let info = "1 0 8:1 / / rw - ext4 /dev/a rw\n";
        fs::write(place.path("proc/self/mountinfo"), info).unwrap();
        place
    }

    fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    fn proc(&self) -> PathBuf {
        self.path("proc")
    }

    fn layout(&self) -> Layout {
        Layout::new(fs::canonicalize(self.dir.path()).unwrap().join("sys"))
    }

    fn sys(&self) -> Sys {
        Sys::open(self.layout(), Disk::default(), false).unwrap()
    }

    /// A package in the store, linked with `overrides`.
    fn package(&self, name: &str, overrides: &[(&str, &RealizationId)]) -> RealizationId {
        let sha256 = Sha256::of(name.as_bytes());
        let installation = Installation {
            package: name.parse().unwrap(),
            version: Version::new("1").unwrap(),
            architecture: "amd64".parse().unwrap(),
            sha256,
            size: 1,
            setuid: Vec::new(),
        };
        let overrides = overrides.iter();
        let realization = Realization {
            installation: installation.id(),
            sha256,
            overrides: overrides
                .map(|(s, r)| (s.parse().unwrap(), (*r).clone()))
                .collect(),
            own: BTreeSet::new(),
            needed: BTreeSet::new(),
            rpath: false,
            policy: 1,
        };
        let layout = self.layout();
        let store = layout.installation(&installation.id());
        let inst = layout.realization(&realization.id());
        for dir in [
            store.join("DEBIAN"),
            inst.join("DEBIAN"),
            store.join("usr/bin"),
            inst.join("usr/bin"),
        ] {
            fs::create_dir_all(dir).unwrap();
        }
        fs::write(
            store.join(inside::INSTALLATION),
            installation.to_text().unwrap(),
        )
        .unwrap();
        fs::write(inst.join(inside::REALIZATION), realization.to_text()).unwrap();
        fs::copy("/bin/sleep", store.join("usr/bin/sleep")).unwrap();
        fs::hard_link(store.join("usr/bin/sleep"), inst.join("usr/bin/sleep")).unwrap();
        realization.id()
    }

    fn generation(&self, sys: &Sys, packages: &[&RealizationId]) -> StoreKey {
        let view: ViewName = "system".parse().unwrap();
        let members: Vec<_> = packages.iter().map(|id| member(id, &["main"])).collect();
        let layout = self.layout();
        let number = generation(sys, &view, &members, &|id| layout.realization(id));
        StoreKey::Generation(view, number)
    }

    /// A process of a made-up `/proc`.
    fn process(&self, pid: u32, link: Option<(&str, &Path)>, maps: &str, mountinfo: &str) {
        let dir = self.proc().join(pid.to_string());
        fs::create_dir_all(&dir).unwrap();
        for name in ["root", "cwd", "exe"] {
            let target = link.filter(|(n, _)| *n == name);
            symlink(target.map_or(Path::new("/"), |(_, t)| t), dir.join(name)).unwrap();
        }
        fs::write(dir.join("maps"), maps).unwrap();
        fs::write(dir.join("mountinfo"), mountinfo).unwrap();
        let us = rustix::process::geteuid().as_raw();
        let status = format!("Name:\tx\nUid:\t{us}\t0\t0\t0\n");
        fs::write(dir.join("status"), status).unwrap();
    }
}

fn installation_of(place: &Place, id: &RealizationId) -> InstallationId {
    let path = place.layout().realization(id).join(inside::REALIZATION);
    let text = fs::read_to_string(path).unwrap();
    Realization::from_text(&text, id).unwrap().installation
}

fn removed(plan: &Plan) -> BTreeSet<String> {
    let package = |k: &StoreKey| match k {
        StoreKey::Installation(id) => format!("store {}", id.package()),
        StoreKey::Realization(id) => format!("inst {}", id.package()),
        StoreKey::Generation(_, number) => format!("gen {number}"),
    };
    plan.remove.iter().map(|r| package(&r.key)).collect()
}

fn none() -> BTreeSet<u32> {
    BTreeSet::new()
}

fn set(words: &[&str]) -> BTreeSet<String> {
    words.iter().map(|w| w.to_string()).collect()
}

#[test]
fn what_generations_and_pins_reach_is_kept() {
    let place = Place::new();
    let sys = place.sys();
    let lib = place.package("lib", &[]);
    let app = place.package("app", &[("libx.so.1", &lib)]);
    let old = place.package("old", &[]);
    let loose = place.package("loose", &[]);
    place.generation(&sys, &[&old]);
    let current = place.generation(&sys, &[&app]);
    let plan = |keep| sys.plan_collection(keep, &place.proc()).unwrap();
    let all = plan(0);
    assert_eq!(
        removed(&all),
        set(&[
            "gen 1",
            "inst old",
            "store old",
            "inst loose",
            "store loose"
        ])
    );
    assert!(all.bytes() > 2 * fs::metadata("/bin/sleep").unwrap().len());
    assert_eq!(removed(&plan(2)), set(&["inst loose", "store loose"]));

    let file = place.layout().realization(&lib).join("usr/bin/sleep");
    let chain = all.why(sys.layout(), &file).unwrap();
    assert_eq!(
        chain,
        [
            (
                StoreKey::Realization(lib),
                Why::PartOf(StoreKey::Realization(app.clone()))
            ),
            (StoreKey::Realization(app), Why::PartOf(current.clone())),
            (current.clone(), Why::Current),
        ]
    );
    let gone = place.layout().realization(&loose);
    assert_eq!(all.why(sys.layout(), &gone), None);

    let mine = "mine".parse().unwrap();
    sys.pin(&mine, &current).unwrap();
    sys.pin(&mine, &StoreKey::Realization(loose.clone()))
        .unwrap();
    assert_eq!(removed(&plan(2)), set(&[]));
    let pinned = plan(2).why(sys.layout(), &gone).unwrap();
    assert_eq!(pinned[0].1, Why::Pinned(mine.clone()));
    sys.unpin(&mine).unwrap();
    sys.unpin(&mine).unwrap();

    let loose_plan = plan(2);
    assert_eq!(removed(&loose_plan), set(&["inst loose", "store loose"]));
    assert!(gone.exists());
    sys.collect(&loose_plan, &place.proc(), &none(), &mut |_, _| {})
        .unwrap();
    let absent = sys.pin(&mine, &StoreKey::Realization(loose));
    assert!(matches!(absent, Err(GcError::Nameless(_))));
    assert!(!gone.exists());
    assert_eq!(removed(&plan(2)), set(&[]));
}

#[test]
fn a_root_that_names_nothing_stops_collection() {
    let place = Place::new();
    let sys = place.sys();
    place.package("loose", &[]);
    symlink("nowhere", place.layout().roots().join("mine")).unwrap();
    let plan = sys.plan_collection(1, &place.proc());
    assert!(matches!(plan, Err(GcError::Nameless(_))));
}

#[test]
fn what_processes_use_is_kept() {
    let place = Place::new();
    let sys = place.sys();
    let id = place.package("foo", &[]);
    let generation = place.generation(&sys, &[&id]);
    place.generation(&sys, &[]);
    let (layout, none) = (place.layout(), "1 0 8:1 / / rw - ext4 /dev/a rw\n");
    let inst = layout.realization(&id);
    let file = inst.join("usr/bin/sleep");
    let root = layout.root().display();
    let kept = |key: &StoreKey| {
        let plan = sys.plan_collection(0, &place.proc()).unwrap();
        let kept = plan.keep.get(key).cloned().unwrap_or_default();
        fs::remove_dir_all(place.proc().join("7")).unwrap();
        kept.iter().any(|w| matches!(w, Why::Process(7, _)))
    };
    let realization = StoreKey::Realization(id.clone());
    place.process(7, None, "", none);
    assert!(!kept(&realization));
    for link in ["root", "cwd", "exe"] {
        place.process(7, Some((link, &file)), "", none);
        assert!(kept(&realization), "{link}");
    }
    let line = format!(
        "7f00-7f01 r-xp 00000000 08:01 12    {} (deleted)\n",
        file.display()
    );
    place.process(7, None, &line, none);
    assert!(kept(&realization));
    let bind = format!("2 1 8:1 {root}/{generation}/main/root/usr /usr ro - ext4 /dev/a rw\n");
    place.process(7, None, "", &bind);
    assert!(kept(&generation));
    // A user's own store has its name in contexts, and nobody else is in it.
    let named =
        "2 1 0:50 / /usr ro - overlay o rw,lowerdir=/var/sys/views/system/gen/1/main/root:/x\n";
    place.process(7, None, "", named);
    let others = place.proc().join("7/status");
    assert_eq!(generation.to_string(), "views/system/gen/1");
    assert!(kept(&generation));
    if !rustix::process::geteuid().is_root() {
        place.process(7, None, "", &bind);
        fs::write(others, "Uid:\t0\t0\t0\t0\n").unwrap();
        assert!(!kept(&generation));
    }
    let other_device = bind.replace("8:1", "8:2");
    place.process(7, None, "", &other_device);
    assert!(!kept(&generation));
    for option in ["lowerdir=/x:", "lowerdir+=", "lowerdir=/y,lowerdir+="] {
        let overlay = format!(
            "2 1 0:50 / /usr ro - overlay o rw,{option}{}\n",
            inst.display()
        );
        place.process(7, None, "", &overlay);
        assert!(kept(&realization), "{option}");
    }
}

#[test]
fn what_is_held_is_kept_and_what_goes_cannot_be_held() {
    let place = Place::new();
    let sys = place.sys();
    let id = place.package("foo", &[]);
    let old = place.generation(&sys, &[&id]);
    place.generation(&sys, &[]);
    let StoreKey::Generation(view, number) = &old else {
        panic!("{old}");
    };
    let take = || Hold::take(sys.layout(), view, *number);
    let hold = take().unwrap();
    assert_eq!(hold.manifest().unwrap().packages[0].realization, id);
    let plan = || sys.plan_collection(0, &place.proc()).unwrap();
    assert!(plan().keep[&old].contains(&Why::Held));
    drop(hold);
    let planned = plan();
    assert!(planned.remove.iter().any(|r| r.key == old));
    let hold = take().unwrap();
    sys.collect(&planned, &place.proc(), &none(), &mut |_, _| {})
        .unwrap();
    assert!(take().is_ok() && place.layout().realization(&id).exists());
    drop(hold);
    let claim = Claim::of(&place.layout().generation(view, *number)).unwrap();
    assert!(matches!(take(), Err(GenerationError::NoGeneration(..))));
    drop(claim);
    let mut told = Vec::new();
    sys.collect(&planned, &place.proc(), &none(), &mut |done, of| {
        told.push((done, of));
    })
    .unwrap();
    // The generation, the realization, the installation.
    assert_eq!(told, [(1, 1); 3]);
    assert!(matches!(take(), Err(GenerationError::NoGeneration(..))));
    assert!(!place.layout().realization(&id).exists());
}

/// Ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_real_process_keeps_what_it_runs_also_when_it_began_after_the_plan() {
    let place = Place::new();
    let sys = place.sys();
    // Of the machine's processes only ours: others may be hidden from who tests.
    let proc = &place.path("ours");
    fs::create_dir(proc).unwrap();
    symlink("/proc/self", proc.join("self")).unwrap();
    let early = place.package("early", &[]);
    let late = place.package("late", &[]);
    let idle = place.package("idle", &[]);
    let run = |id: &RealizationId| {
        let program = place.layout().realization(id).join("usr/bin/sleep");
        let running = Running(Command::new(program).arg("60").spawn().unwrap());
        let pid = running.0.id().to_string();
        symlink(Path::new("/proc").join(&pid), proc.join(&pid)).unwrap();
        running
    };
    let _early = run(&early);
    let plan = sys.plan_collection(1, proc).unwrap();
    assert_eq!(plan.hidden, none());
    let unseen = Plan {
        hidden: BTreeSet::from([7]),
        ..Plan::default()
    };
    let refused = sys.collect(&unseen, proc, &none(), &mut |_, _| {});
    assert!(matches!(refused, Err(GcError::Hidden(7))));
    sys.collect(&unseen, proc, &unseen.hidden, &mut |_, _| {})
        .unwrap();
    assert_eq!(
        removed(&plan),
        set(&["inst late", "store late", "inst idle", "store idle"])
    );
    let _late = run(&late);
    sys.collect(&plan, proc, &none(), &mut |_, _| {}).unwrap();
    for (id, there) in [(&early, true), (&late, true), (&idle, false)] {
        assert_eq!(place.layout().realization(id).exists(), there, "{id}");
    }
    assert!(
        place
            .layout()
            .installation(&installation_of(&place, &late))
            .exists()
    );
}

#[test]
fn killed_at_any_step_and_on_a_full_disk() {
    for step in 0.. {
        let place = Place::new();
        let sys = place.sys();
        let used = place.package("used", &[]);
        let old = place.package("old", &[]);
        place.generation(&sys, &[&old]);
        place.generation(&sys, &[&used]);
        drop(sys);
        let steps: Arc<Mutex<Vec<Step>>> = Arc::default();
        let seen = steps.clone();
        let watcher = move |now: &Step| {
            // A full disk: whatever needs room fails.
            let frees = now.what.starts_with("remove") || now.what.starts_with("sync");
            let there = now.what == "make directory" && now.path.is_dir();
            if !(frees || there) || seen.lock().unwrap().len() == step {
                return Err(io::Error::other("killed, or disk full"));
            }
            seen.lock().unwrap().push(now.clone());
            Ok(())
        };
        let disk = Disk::watched(Box::new(watcher));
        let collect = |sys: &Sys| {
            let plan = sys.plan_collection(0, &place.proc())?;
            sys.collect(&plan, &place.proc(), &none(), &mut |_, _| {})
        };
        let opened = Sys::open(place.layout(), disk, false);
        let done = opened.map_err(GcError::from).and_then(|sys| collect(&sys));
        let sys = place.sys();
        let program = place
            .layout()
            .current_system()
            .join("main/root/usr/bin/sleep");
        assert!(
            program.exists()
                && place
                    .layout()
                    .realization(&used)
                    .join("usr/bin/sleep")
                    .exists()
        );
        collect(&sys).unwrap();
        assert!(!place.layout().realization(&old).exists());
        assert_eq!(fs::read_dir(place.layout().store()).unwrap().count(), 1);
        if done.is_ok() {
            assert!(step > 8, "{step}");
            return;
        }
    }
}
