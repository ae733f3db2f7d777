//! Several versions side by side, shown by running them: real packages of bookworm and trixie, and small ones
//! made for the purpose, on a bookworm system.
//!
//! What must hold is in `dpkg-ng-multi-version(1)`; what a scene expects is stated in it, from packages, readelf,
//! the loader's own words and `/proc`, never from what the plugin says of itself.
//!
//! * [`fetch`] gets packages, [`fixtures`] makes some; [`system`] is where a scene happens;
//! * [`small`], [`side_by_side`], [`libraries`], [`mail`], [`views`], [`silent`], [`hostile`], [`collect`],
//!   [`wrecks`], [`own_store`], [`corpus`] are the scenes;
//! * [`speed`] measures.

mod collect;
mod corpus;
mod fetch;
mod fixtures;
mod hostile;
mod libraries;
mod mail;
mod objects;
mod own_store;
mod side_by_side;
mod silent;
mod small;
pub mod speed;
pub(crate) mod system;
mod views;
mod wrecks;

use std::path::Path;
use std::process::Command;

use crate::report::Totals;
use crate::{During, Res, oracle, runner};
use system::{Room, System};

/// How much of a scene to do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// A sample.
    Sample,
    /// All of it.
    All,
}

struct Scene {
    name: &'static str,
    /// The closures it takes.
    closures: &'static [&'static str],
    room: Room,
    run: fn(&System, Extent) -> Res<()>,
}

const CORPUS: &str = "corpus";
const SMALL: Room = Room::Memory(2048);

/// Those that fetch nothing.
const FAST: &[Scene] = &[
    scene("small", &[], small::run),
    scene("choices", &[], small::choices),
    scene("conflicts", &[], small::conflicts),
    scene("libraries", &[], libraries::small),
    scene("views", &[], views::run),
    scene("scripts", &[], views::scripts),
    scene("apt", &[], views::apt),
    Scene {
        room: Room::Disk,
        ..scene("own-store", &[], own_store::run)
    },
    scene("silent", &[], silent::run),
    scene("hostile", &[], hostile::run),
    scene("collect", &[], collect::run),
    Scene {
        room: Room::Memory(192),
        ..scene("full-disk", &[], collect::full_disk)
    },
    scene("wreck-install", &[], wrecks::install),
    scene("wreck-switch", &[], wrecks::switch),
    scene("wreck-relink", &[], wrecks::relink),
    scene("wreck-gc", &[], wrecks::gc),
];

/// Those that take packages of the archive.
const REAL: &[Scene] = &[
    Scene {
        room: Room::Disk,
        ..scene("side-by-side", side_by_side::CLOSURES, side_by_side::run)
    },
    scene("pinned-curl", &["curl-7", "openssl-3.5"], libraries::curl),
    scene(
        "relink",
        &["openssl-3.0", "openssl-3.5", "python3.11"],
        libraries::relink,
    ),
    scene("mail", &["postfix", "exim4"], mail::run),
    scene(CORPUS, &[], corpus::run),
];

const fn scene(
    name: &'static str,
    closures: &'static [&'static str],
    run: fn(&System, Extent) -> Res<()>,
) -> Scene {
    Scene {
        name,
        closures,
        room: SMALL,
        run,
    }
}

fn scenes() -> impl Iterator<Item = &'static Scene> {
    FAST.iter().chain(REAL)
}

/// The names of all scenes.
pub fn names() -> Vec<&'static str> {
    scenes().map(|s| s.name).collect()
}

/// How many scenes [`run`] does when no names are given.
pub fn sample() -> usize {
    FAST.len()
}

/// Runs the scenes of those names; none: the fast ones, `all`: all.
pub fn run(exe: &Path, names: &[String], extent: Extent) -> Res<Totals> {
    let all = names.iter().any(|n| n == "all");
    let chosen: Vec<&Scene> = match names {
        [] => FAST.iter().collect(),
        _ => scenes()
            .filter(|s| all || names.iter().any(|n| n == s.name))
            .collect(),
    };
    if let Some(name) = names
        .iter()
        .find(|n| *n != "all" && !scenes().any(|s| s.name == **n))
    {
        return Err(format!(
            "no scene {name}; there are: all {}",
            self::names().join(" ")
        ));
    }
    for (program, package) in [("readelf", "binutils"), ("ip", "iproute2"), ("cc", "gcc")] {
        oracle::need(program, package)?;
    }
    system::our_plugin()?;
    let mut totals = Totals::default();
    if !runner::runs_on("bookworm")? {
        totals.ignored = chosen.len();
        return Ok(totals);
    }
    for scene in chosen {
        fetch::closures(scene.closures)?;
        if scene.name == CORPUS {
            corpus::prepare()?;
        }
        println!("scene {}", scene.name);
        let word = match extent {
            Extent::All => "all",
            Extent::Sample => "sample",
        };
        let out = sandboxed(exe, &[scene.name, word])
            .status()
            .during(exe.display())?;
        if out.success() {
            totals.passed += 1;
            println!("test multi/{} ... ok", scene.name);
        } else {
            println!("test multi/{} ... FAILED", scene.name);
            totals.failed.push(scene.name.to_owned());
        }
    }
    Ok(totals)
}

/// This program in namespaces of its own: mounts, processes (which end with it), network.
fn sandboxed(exe: &Path, args: &[&str]) -> Command {
    let mut c = Command::new("unshare");
    c.args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"])
        .args(["--net", "--ipc"])
        .arg(exe)
        .arg("--multi-in-sandbox")
        .args(args);
    c
}

/// Does a scene in the namespaces that this process was started in.
pub fn in_sandbox(args: &[String]) -> Res<()> {
    let [name, extent] = args else {
        return Err("not for use by hand".into());
    };
    let extent = match extent.as_str() {
        "all" => Extent::All,
        _ => Extent::Sample,
    };
    if name == speed::NAME {
        return speed::in_sandbox(extent);
    }
    let scene = scenes()
        .find(|s| s.name == name)
        .ok_or_else(|| format!("no scene {name}"))?;
    let system = System::enter(scene.name, scene.room)?;
    let done = (scene.run)(&system, extent);
    system.expect(done.is_ok(), || done.err().unwrap_or_default());
    system.finish()
}
