//! Random packages: a few names, each in a few versions, that share paths and depend on each other.
//!
//! Every scenario draws which features it has at all. Few at a time keep it plausible (most steps
//! succeed), and that some are absent lets others be reached.

use super::relations;
use super::rng::Rng;
use super::scripts;
use super::spec::{Entry, Package, Scenario};
use crate::deb::{Kind, TIME};

/// Which features the packages of a scenario may have.
#[derive(Clone, Copy, Debug)]
pub struct Features {
    /// Depends, Pre-Depends, Recommends, Suggests, Enhances.
    pub depends: bool,
    /// Conflicts, Breaks.
    pub conflicts: bool,
    /// Provides and Replaces.
    pub provides: bool,
    /// Configuration files.
    pub conffiles: bool,
    /// Trigger declarations and activations.
    pub triggers: bool,
    /// Maintainer scripts.
    pub scripts: bool,
    /// Maintainer scripts that fail.
    pub failing: bool,
    /// Maintainer scripts that kill dpkg.
    pub crash: bool,
    /// Scripts that call `dpkg-divert` and `dpkg-statoverride`.
    pub admin: bool,
    /// Paths that more than one package has.
    pub overlap: bool,
    /// Paths that change their type from version to version.
    pub changing: bool,
    /// Two architectures, Multi-Arch.
    pub multiarch: bool,
    /// Essential and Protected.
    pub essential: bool,
    /// For a view. Its scripts leave files with several names alone: when one is written to by its one name, overlayfs
    /// makes that another file.
    pub view: bool,
    /// Paths below /var, and scripts that write and remove: for views, whose state is a place of its own.
    pub state: bool,
}

impl Features {
    fn random(rng: &mut Rng, view: bool) -> Features {
        Features {
            depends: rng.chance(55),
            conflicts: rng.chance(30),
            provides: rng.chance(35),
            conffiles: rng.chance(55),
            triggers: rng.chance(40),
            scripts: rng.chance(85),
            failing: rng.chance(45),
            crash: rng.chance(12),
            admin: rng.chance(20),
            overlap: rng.chance(35),
            changing: rng.chance(35),
            multiarch: rng.chance(30),
            essential: rng.chance(15),
            view,
            state: view && rng.chance(50),
        }
    }
}

/// Every version a package may have, in ascending order.
pub const VERSIONS: [&str; 7] = ["0.9~rc1", "1", "1.1-1", "1.1-1+b1", "2", "1:0.5", "1:0.5-2"];

/// Names of triggers that are not paths.
pub const TRIGGERS: [&str; 2] = ["tone", "ttwo"];

/// What the parts of a package are chosen from.
pub struct Pool {
    /// What there is in this scenario.
    pub features: Features,
    /// The names of the packages.
    pub names: Vec<String>,
    /// The versions that this scenario uses.
    pub versions: Vec<&'static str>,
}

/// A scenario with packages and no steps; for a view, or else for a root.
pub fn random(rng: &mut Rng, seed: u64, view: bool) -> Scenario {
    let features = Features::random(rng, view);
    let count = rng.weighted(&[(90, 2), (10, 6)]).unwrap_or(2) + rng.below(5);
    let mut versions = VERSIONS.to_vec();
    while versions.len() > 3 {
        versions.remove(rng.below(versions.len()));
    }
    let pool = Pool {
        features,
        names: (0..count)
            .map(|n| format!("p{}", char::from(b'a' + n as u8)))
            .collect(),
        versions,
    };
    let mut packages = Vec::new();
    for name in &pool.names {
        let kind = family(rng, &pool);
        let many = rng.weighted(&[(25, 1), (50, 2), (25, 3)]).unwrap_or(1);
        let mut versions = pool.versions.clone();
        while versions.len() > many {
            versions.remove(rng.below(versions.len()));
        }
        for (nth, version) in versions.iter().enumerate() {
            for arch in kind.arches {
                let mut p = package(rng, &pool, name, version, arch, kind.multi, nth);
                if features.overlap && rng.chance(25) {
                    take_over(rng, &packages, &mut p);
                }
                packages.push(p);
            }
        }
    }
    let inside = rng.chance(50) || view;
    if !inside {
        let links = packages
            .iter_mut()
            .flat_map(|p: &mut Package| p.entries.iter_mut());
        for e in links {
            if let Kind::Link(target) = &mut e.kind {
                *target = seen_from_below(target);
            }
        }
    }
    Scenario {
        seed,
        inside,
        view,
        packages,
        steps: Vec::new(),
    }
}

/// A target of a link below `/srv/NAME` or `/etc/NAME` that stays in the root. On a root that one
/// is not in, stock follows absolute links to outside of it, and dpkg-ng on purpose does not.
pub fn seen_from_below(target: &str) -> String {
    match target
        .strip_prefix("/srv/")
        .or(target.strip_prefix("/etc/"))
    {
        Some(rest) => format!("../{rest}"),
        None => target.to_owned(),
    }
}

struct Family {
    arches: &'static [&'static str],
    multi: &'static str,
}

fn family(rng: &mut Rng, pool: &Pool) -> Family {
    let of = |arches, multi| Family { arches, multi };
    if !pool.features.multiarch {
        return if rng.chance(60) {
            of(&["all"], "")
        } else {
            of(&["amd64"], "")
        };
    }
    match rng.below(10) {
        0 => of(&["all"], ""),
        1 => of(&["all"], "foreign"),
        2 => of(&["amd64"], "allowed"),
        3 => of(&["amd64", "i386"], "foreign"),
        4 => of(&["i386"], ""),
        5 => of(&["amd64", "i386"], ""),
        6 => of(&["amd64", "all"], "foreign"),
        _ => of(&["amd64", "i386"], "same"),
    }
}

fn package(
    rng: &mut Rng,
    pool: &Pool,
    name: &str,
    version: &str,
    arch: &str,
    multi: &str,
    nth: usize,
) -> Package {
    let f = &pool.features;
    let mut p = Package {
        name: name.into(),
        version: version.into(),
        arch: arch.into(),
        ..Package::default()
    };
    let mut field = |name: &str, value: &str| p.fields.push((name.into(), value.into()));
    if !multi.is_empty() {
        field("Multi-Arch", multi);
    }
    if f.essential && rng.chance(25) {
        field(rng.word(&["Essential", "Protected", "Important"]), "yes");
    }
    if rng.chance(30) {
        field("Section", rng.word(&["misc", "libs", "non-free/net"]));
        field("Priority", rng.word(&["optional", "required", "weird"]));
    }
    if rng.chance(10) {
        field("Source", rng.word(&["src", "src (3:1-2)"]));
        field("X-Unknown", "one\n two\n .\n three");
    }
    if rng.chance(10) {
        field("Description", "short\n long\n .\n  more");
    }
    relations::add(rng, pool, &mut p);
    let same = multi == "same";
    files(rng, pool, &mut p, same, nth);
    if f.conffiles && rng.chance(70) {
        conffiles(rng, pool, &mut p, nth);
    }
    if f.state {
        state(rng, &mut p);
    }
    if f.triggers {
        scripts::triggers(rng, &mut p);
    }
    if f.scripts {
        scripts::add(rng, pool, &mut p);
    }
    if rng.chance(2) {
        p.cut = rng
            .word(&["1", "512", "9000", "14000"])
            .parse()
            .unwrap_or(0);
    }
    p
}

/// Gives a package all that another one has, in place of what it had, so that the other may disappear.
fn take_over(rng: &mut Rng, others: &[Package], p: &mut Package) {
    let others: Vec<&Package> = others.iter().filter(|o| o.name != p.name).collect();
    let Some(other) = rng.pick(&others) else {
        return;
    };
    p.entries.clone_from(&other.entries);
    if rng.chance(70) {
        p.conffiles.clone_from(&other.conffiles);
    }
    p.fields.retain(|f| f.0 != "Replaces");
    p.fields.push(("Replaces".into(), other.name.clone()));
    if rng.chance(30) {
        p.fields.retain(|f| f.0 != "Conflicts");
        p.fields.push(("Conflicts".into(), other.name.clone()));
    }
}

/// Paths that several packages may have.
const SHARED: [&str; 5] = [
    "/srv/common/one",
    "/srv/common/two",
    "/srv/common/sub/three",
    "/srv/four",
    "/opt/five",
];

fn time(rng: &mut Rng) -> i64 {
    TIME + 1000 * rng.below(4) as i64
}

fn files(rng: &mut Rng, pool: &Pool, p: &mut Package, same: bool, nth: usize) {
    let f = &pool.features;
    let version = p.version.clone();
    let arch = p.arch.clone();
    let own = format!("/srv/{}", p.name);
    let mut put = |path: String, kind: Kind, mode: u32, mtime: i64| {
        if !p.entries.iter().any(|e: &Entry| e.path == path) {
            p.entries.push(Entry {
                path,
                kind,
                mode,
                mtime,
            });
        }
    };
    for name in ["f", "g", "h"] {
        if !rng.chance(55) {
            continue;
        }
        // What all architectures of a Multi-Arch: same package share must have the same content.
        let content = match rng.below(4) {
            0 => String::new(),
            1 => "same\n".into(),
            _ if same && rng.chance(90) => format!("{name} {version}\n"),
            _ => format!("{name} {version} {arch}\n"),
        };
        let mode = if rng.chance(80) { 0o644 } else { 0o4755 };
        let time = time(rng);
        put(format!("{own}/{name}"), Kind::File(content), mode, time);
    }
    if f.overlap {
        for path in SHARED {
            if rng.chance(22) {
                let content = if rng.chance(50) {
                    "common\n"
                } else {
                    version.as_str()
                };
                let kind = if rng.chance(90) {
                    Kind::File(content.to_owned())
                } else {
                    Kind::Link("one".into())
                };
                let time = time(rng);
                put(path.into(), kind, 0o644, time);
            }
        }
    }
    if rng.chance(20) {
        let mode = if rng.chance(50) { 0o755 } else { 0o2775 };
        put("/srv/common".into(), Kind::Dir, mode, TIME);
    }
    if f.changing {
        // The same path as something else in another version, or in another package.
        let path = match rng.below(3) {
            0 => "/srv/common/x".to_owned(),
            _ => format!("{own}/x"),
        };
        let time = time(rng);
        match rng.below(6) {
            0 | 1 => {
                put(path.clone(), Kind::Dir, 0o755, time);
                put(
                    format!("{path}/in"),
                    Kind::File(format!("in {version}\n")),
                    0o644,
                    time,
                );
            }
            2 => put(path, Kind::Dir, 0o700, time),
            3 => put(
                path,
                Kind::Link(rng.word(&["y", "/srv/pa", "f"]).into()),
                0o777,
                time,
            ),
            4 => put(path, Kind::File("x\n".into()), 0o600, time),
            _ => put(path, Kind::Fifo, 0o640, time),
        }
        if rng.chance(40) {
            put(format!("{own}/y"), Kind::Dir, 0o755, TIME);
            put(format!("{own}/y/in"), Kind::File("y\n".into()), 0o644, TIME);
        }
    }
    if rng.chance(15) {
        put(
            format!("{own}/l"),
            Kind::Link(format!("t{nth}")),
            0o777,
            TIME,
        );
    }
    if rng.chance(15) {
        put(
            format!("{own}/f"),
            Kind::File("linked\n".into()),
            0o644,
            TIME,
        );
        put(
            format!("{own}/z"),
            Kind::Hard(format!("{own}/f")),
            0o644,
            TIME,
        );
        if rng.chance(30) {
            put(
                format!("{own}/zz"),
                Kind::Hard(format!("{own}/f")),
                0o644,
                TIME,
            );
        }
    }
    if rng.chance(4) {
        put(
            format!("{own}/blank é"),
            Kind::File("é\n".into()),
            0o644,
            TIME,
        );
    }
    for e in &mut p.entries {
        // A hard link has what it links to.
        if matches!(e.kind, Kind::Hard(_)) {
            e.mtime = TIME;
        }
    }
}

/// Files and directories below /var, some of which several packages may have; and what a generation has no second name
/// for: bits that dpkg takes from files that it removes.
fn state(rng: &mut Rng, p: &mut Package) {
    let own = format!("/var/lib/{}", p.name);
    for e in &mut p.entries {
        match &e.kind {
            Kind::File(_) if e.path.starts_with("/srv") && rng.chance(10) => e.mode = 0o1644,
            Kind::Hard(_) if rng.chance(50) => e.mode = 0o4755,
            _ => {}
        }
    }
    for (path, percent) in [
        (format!("{own}/kept"), 40),
        ("/var/lib/common/sub".to_owned(), 20),
        ("/var/cache/common".to_owned(), 20),
    ] {
        if rng.chance(percent) {
            let mode = rng.word(&["755", "700", "2775"]);
            p.entries.push(Entry {
                path,
                kind: Kind::Dir,
                mode: u32::from_str_radix(mode, 8).unwrap_or(0o755),
                mtime: TIME,
            });
        }
    }
    for name in ["data", "more"] {
        if rng.chance(40) {
            let content = format!("{name} {}\n", p.version);
            let mtime = time(rng);
            p.entries.push(Entry {
                path: format!("{own}/{name}"),
                kind: Kind::File(content),
                mode: 0o644,
                mtime,
            });
        }
    }
}

fn conffiles(rng: &mut Rng, pool: &Pool, p: &mut Package, nth: usize) {
    for name in ["a", "b", "c"] {
        let owner = if pool.features.overlap && rng.chance(15) {
            "px"
        } else {
            p.name.as_str()
        };
        let path = format!("/etc/{owner}/{name}");
        match rng.below(10) {
            0..=5 => {
                let content = if rng.chance(35) {
                    "setting\n".to_owned()
                } else {
                    format!("setting {name} {}\n", p.version)
                };
                let mtime = time(rng);
                p.entries.push(Entry {
                    path: path.clone(),
                    kind: Kind::File(content),
                    mode: 0o644,
                    mtime,
                });
                // Sometimes a file in /etc that is no conffile, or no longer one.
                if rng.chance(92) {
                    p.conffiles.push(path);
                }
            }
            6 if nth > 0 || rng.chance(20) => p.conffiles.push(format!("remove-on-upgrade {path}")),
            7 if rng.chance(10) => p.conffiles.push(path),
            _ => {}
        }
    }
}
