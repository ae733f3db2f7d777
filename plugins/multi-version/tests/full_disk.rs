//! Collection on a file system without a free byte and without a free inode: a tmpfs in a mount
//! namespace of its own, in which this program runs again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use dpkgng_multi_version::generation::{Disk, Sys};
use dpkgng_multi_version::layout::{Layout, RealizationId, Sha256, Version, ViewName, inside};
use dpkgng_multi_version::manifest::{
    Installation, Manifest, Member, Realization, Reason, Standing, State,
};
use dpkgng_multi_version::world::WorldDir;

const INNER: &str = "DPKGNG_TEST_FULL_DISK";

#[test]
fn collects_on_a_full_disk() {
    if let Some(dir) = std::env::var_os(INNER) {
        return collect_below(Path::new(&dir));
    }
    let dir = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o size=2m,nr_inodes=300 tmpfs \"$0\" || exit 77; exec \"$@\"";
    let ran = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", script])
        .arg(dir.path())
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "collects_on_a_full_disk", "--nocapture"])
        .env(INNER, dir.path())
        .output();
    let Ok(ran) = ran else {
        return not_run::not_run("no unshare here");
    };
    let said = String::from_utf8_lossy(&ran.stderr);
    match ran.status.code() {
        Some(77) => not_run::not_run("no mount namespaces here"),
        Some(1) if said.starts_with("unshare: ") => not_run::not_run("no user namespaces here"),
        code => assert_eq!(code, Some(0), "{said}"),
    }
}

fn collect_below(dir: &Path) {
    let layout = Layout::new(dir.join("sys"));
    let sys = Sys::open(layout.clone(), Disk::default(), false).unwrap();
    let old = package(&layout, "old");
    let new = package(&layout, "new");
    generation(&sys, &old);
    generation(&sys, &new);
    drop(sys);
    fill(dir);

    // Nobody else: the machine's processes can't be looked into from this user namespace.
    let none = tempfile::tempdir().unwrap();
    let proc = none.path();
    fs::create_dir(proc.join("self")).unwrap();
    let mounts = fs::read("/proc/self/mountinfo").unwrap();
    fs::write(proc.join("self/mountinfo"), mounts).unwrap();
    let sys = Sys::open(layout.clone(), Disk::default(), false).unwrap();
    let plan = sys.plan_collection(1, proc).unwrap();
    assert_eq!(plan.remove.len(), 3, "{:?}", plan.remove);
    sys.collect(&plan, proc, &plan.hidden, &mut |_, _| {})
        .unwrap();
    assert!(!layout.realization(&old).exists());
    let program = layout.current_system().join("main/root/usr/bin/new");
    assert_eq!(fs::metadata(program).unwrap().len(), 100_000);
    // There is room again.
    fs::write(dir.join("more"), vec![1; 50_000]).unwrap();
}

fn package(layout: &Layout, name: &str) -> RealizationId {
    let sha256 = Sha256::of(name.as_bytes());
    let installation = Installation {
        package: name.parse().unwrap(),
        version: Version::new("1").unwrap(),
        architecture: "amd64".parse().unwrap(),
        sha256,
        size: 100_000,
        setuid: Vec::new(),
    };
    let realization = Realization {
        installation: installation.id(),
        sha256,
        overrides: BTreeMap::new(),
        own: BTreeSet::new(),
        needed: BTreeSet::new(),
        rpath: false,
        policy: 1,
    };
    let store = layout.installation(&installation.id());
    let inst = layout.realization(&realization.id());
    for dir in [&store, &inst] {
        fs::create_dir_all(dir.join("DEBIAN")).unwrap();
        fs::create_dir_all(dir.join("usr/bin")).unwrap();
    }
    let text = installation.to_text().unwrap();
    fs::write(store.join(inside::INSTALLATION), text).unwrap();
    fs::write(inst.join(inside::REALIZATION), realization.to_text()).unwrap();
    let program = PathBuf::from("usr/bin").join(name);
    fs::write(store.join(&program), vec![1; 100_000]).unwrap();
    fs::hard_link(store.join(&program), inst.join(&program)).unwrap();
    realization.id()
}

fn generation(sys: &Sys, id: &RealizationId) {
    let view: ViewName = "system".parse().unwrap();
    let (number, dir) = sys.begin_pending(&view).unwrap();
    let bin = WorldDir::main(&dir).tree().join("usr/bin");
    fs::create_dir_all(&bin).unwrap();
    let name = id.package().as_str();
    let program = sys.layout().realization(id).join("usr/bin").join(name);
    fs::hard_link(program, bin.join(name)).unwrap();
    let standing = Standing {
        reason: Reason::Want,
        state: State::Installed,
    };
    let manifest = Manifest {
        view: view.clone(),
        number,
        created: 0,
        parent: None,
        command: String::new(),
        sides: BTreeMap::new(),
        hides: Vec::new(),
        pins: Vec::new(),
        packages: vec![Member {
            realization: id.clone(),
            worlds: [(None, standing)].into(),
        }],
    };
    sys.name(&dir, &manifest).unwrap();
    sys.switch(&view, number).unwrap();
}

/// Takes every byte and every inode.
fn fill(dir: &Path) {
    let mut file = fs::File::create(dir.join("filler")).unwrap();
    while file.write_all(&[1; 4096]).is_ok() {}
    let mut count = 0;
    while fs::write(dir.join(format!("empty{count}")), "").is_ok() {
        count += 1;
    }
    assert!(count > 0 && fs::write(dir.join("another"), "").is_err());
    assert!(file.write_all(&[1]).is_err());
}
