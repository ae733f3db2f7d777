//! What happens to a system in its life with the packages, step by step, each watched: at no call of
//! any process may a program of dpkg's be missing. At the end the system is as it was.

use std::collections::BTreeMap;
use std::path::Path;

use super::system::{RUN, SAID, System, command_in, diversions, missing, programs};
use crate::snapshot::{Snapshot, now};
use crate::watch::{Calls, watch};
use crate::{During, Res};

/// A life, as shell lines; each must succeed.
pub struct Scene {
    /// Its name.
    pub name: &'static str,
    lines: &'static [&'static str],
}

/// The words of the lines.
pub const WORDS: &str = include_str!("words.sh");

/// What README.Debian says to do when our binary is lost: there nothing works for a while.
const LOST: &str = "lost";

/// All of them.
pub const SCENES: &[Scene] = &[
    Scene {
        name: "beside",
        lines: &[
            "dpkg -i ng1.deb; stock; dpkg-ng --version; dpkg-ng -l dpkg-ng; dpkg-ng dpkg-query -W dpkg-ng",
            "dpkg-ng -i ng2.deb; stock",
            "dpkg --purge dpkg-ng; stock",
        ],
    },
    Scene {
        name: "as-dpkg",
        lines: &[
            "dpkg -i ng1.deb as1.deb; ours",
            "apt install ./probe.deb; [ -f /probe ]; [ $(probing) = probe ]; apt purge probe; rm /probe; ours",
            "apt install ./ng2.deb ./as2.deb; ours",
            "dpkg -i ng2.deb as2.deb; ours",
            "refused dpkg --force-all -r dpkg-ng; ours",
            "dpkg -r dpkg-ng dpkg-ng-as-dpkg; stock",
            "dpkg --purge dpkg-ng-as-dpkg; stock",
        ],
    },
    Scene {
        name: "apt",
        lines: &[
            "apt install ./ng1.deb ./as1.deb; ours",
            "apt remove dpkg-ng; stock; refused command -v dpkg-ng",
            "apt install ./ng2.deb ./as2.deb; ours",
            "apt purge dpkg-ng-as-dpkg; stock",
            "apt purge dpkg-ng; stock",
        ],
    },
    Scene {
        name: "by-ours",
        lines: &[
            "dpkg -i ng1.deb",
            "dpkg-ng -i as1.deb; ours",
            "dpkg-ng -i ng2.deb as2.deb; ours",
            "dpkg-ng --purge dpkg-ng-as-dpkg; stock",
            "dpkg-ng --purge dpkg-ng; stock",
        ],
    },
    Scene {
        name: "by-stock",
        lines: &[
            "dpkg -i ng1.deb as1.deb; ours",
            "dpkg.distrib -i ng2.deb as2.deb; ours",
            "dpkg.distrib --unpack as1.deb; ours 2>/dev/null || :; dpkg.distrib --purge dpkg-ng-as-dpkg; stock",
            "dpkg --purge dpkg-ng; stock",
        ],
    },
    Scene {
        name: "fewer-tools",
        lines: &[
            "dpkg -i ng1.deb as1.deb; ours",
            "dpkg -i ng3.deb as3.deb; [ ! -L /usr/bin/dpkg-query ]; [ -L /usr/bin/dpkg ]; dpkg -V dpkg; apt-get check",
            "dpkg -i ng2.deb as2.deb; ours",
            "dpkg --purge dpkg-ng-as-dpkg dpkg-ng; stock",
        ],
    },
    Scene {
        name: "deconfigured",
        lines: &[
            "dpkg -i ng1.deb as1.deb; ours",
            // Another package takes dpkg-ng's place: what depends on that is deconfigured first.
            "mkdir -p w/DEBIAN; printf '%s\\n' 'Package: foe' 'Version: 1' 'Architecture: all' 'Maintainer: M <m@example.org>' \
             'Conflicts: dpkg-ng' 'Replaces: dpkg-ng' 'Description: foe' >w/DEBIAN/control; dpkg-deb -b w foe.deb; rm -r w",
            "refused dpkg --auto-deconfigure -i foe.deb; [ ! -L /usr/bin/dpkg ]; [ ! -e /usr/bin/dpkg-ng ]; dpkg -V dpkg",
            "dpkg --purge foe dpkg-ng-as-dpkg; stock",
        ],
    },
    Scene {
        name: LOST,
        lines: &[
            "dpkg -i ng1.deb as1.deb; ours",
            "rm /usr/bin/dpkg-ng; dpkg.distrib --force-bad-path --remove dpkg-ng-as-dpkg; stock",
            "dpkg -i ng1.deb as1.deb; rm -r /usr/lib/dpkg-ng/tools; dpkg --force-bad-path -i as1.deb; \
             [ \"$(readlink -f \"$(command -v update-alternatives)\")\" = /usr/bin/dpkg-ng ]; update-alternatives --query awk",
            "dpkg -i ng1.deb as1.deb; ours; rm -r /usr/lib/dpkg-ng/tools; dpkg --force-bad-path --purge dpkg-ng-as-dpkg; stock",
            "dpkg --purge dpkg-ng dpkg-ng-as-dpkg; stock",
        ],
    },
    Scene {
        name: "dpkg-under-it",
        lines: &[
            "dpkg -i ng1.deb as1.deb; ours",
            "apt install ./dpkg2.deb; ours",
            "dpkg -i ng2.deb as2.deb; ours",
            "dpkg --purge dpkg-ng dpkg-ng-as-dpkg; stock; again",
        ],
    },
    Scene {
        name: "dpkg-moved-under-it",
        lines: &[
            "dpkg -i ng1.deb as1.deb; ours",
            "dpkg -i dpkg3.deb; ours",
            "dpkg -i ng2.deb as2.deb; ours",
            "apt remove dpkg-ng; stock; again",
            "dpkg --purge dpkg-ng-as-dpkg; stock",
        ],
    },
    Scene {
        name: "dpkg-by-stock-under-it",
        lines: &[
            "dpkg -i ng1.deb as1.deb; ours",
            "dpkg.distrib -i dpkg3.deb; ours",
            "dpkg.distrib --purge dpkg-ng-as-dpkg dpkg-ng; stock; again",
        ],
    },
];

/// A scene that leaves another dpkg than it found.
fn other_dpkg(name: &str) -> bool {
    name.starts_with("dpkg-")
}

/// Plays a scene.
pub fn run(name: &str) -> Res<()> {
    let scene = SCENES
        .iter()
        .find(|s| s.name == name)
        .ok_or_else(|| format!("no scene {name}"))?;
    let since = now();
    let programs = programs()?;
    let look = || {
        let gone = missing(&programs).filter(|_| name != LOST);
        gone.map(|p| format!("{p} is missing"))
    };
    let system = System::default().begin()?;
    let mut moments = 0;
    for line in scene.lines {
        let out = watch(
            command_in(&format!("{WORDS}{line}")),
            Path::new(SAID),
            Calls::Names,
            None,
            &look,
        )?;
        moments += out.points.len();
        if out.code != Some(0) {
            return Err(format!("{line}: exit {:?}\n{}", out.code, out.said));
        }
        if let Some(what) = out.seen.or_else(look) {
            return Err(format!("{line}: {what}"));
        }
    }
    println!(
        "{name}: {} steps, looked at {moments} moments",
        scene.lines.len()
    );
    if other_dpkg(name) {
        return Ok(());
    }
    let wrong = left(&system, since);
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(format!("not as before:\n{}", wrong.join("\n"))),
    }
}

/// What is otherwise than it was before, apart from logs, backups, locks and caches.
fn left(system: &System, since: i64) -> Vec<String> {
    let mut before = Snapshot::hashed();
    before.walk("", Path::new("/"), since, &|p| {
        ["t", "proc", "sys", "dev"].contains(&p)
    });
    let own = |p: &str| {
        [
            "/var/log",
            "/var/cache",
            "/dev",
            "/proc",
            "/var/lib/apt",
            "/run",
        ]
        .iter()
        .any(|d| p.starts_with(d))
            || ["-old", "/lock", "/lock-frontend", "/Lock"]
                .iter()
                .any(|end| p.ends_with(end))
    };
    let timeless = |what: &str| match what.split_once('@') {
        Some((kind, _)) if what.starts_with("dir ") => kind.to_owned(),
        _ => what.to_owned(),
    };
    let mut wrong = Vec::new();
    let changed: BTreeMap<String, String> = system.changed(since);
    for (path, what) in changed.iter().filter(|(p, _)| !own(p)) {
        let was = before.entries.get(path).map_or("removed", String::as_str);
        if timeless(was) == timeless(what) || same_text(path) {
            continue;
        }
        wrong.push(format!("{path}\n  was {was}\n  is  {what}"));
    }
    let run = Path::new(RUN).join("var/lib/dpkg");
    let (was, is) = (diversions(Path::new("/var/lib/dpkg")), diversions(&run));
    if was != is {
        wrong.push(format!("diversions were {was}, are {is}"));
    }
    wrong
}

/// Files of the database that are written anew, with the same text.
fn same_text(path: &str) -> bool {
    let read = |root: &str| std::fs::read(format!("{root}{path}")).during(path);
    path.starts_with("/var/lib/dpkg/")
        && (path.ends_with("/diversions")
            // Missing or empty is the same.
            || (path.ends_with("/statoverride") && read(RUN).is_ok_and(|t| t.is_empty()))
            || matches!((read(""), read(RUN)), (Ok(a), Ok(b)) if a == b))
}
