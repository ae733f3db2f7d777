//! The upgrade of a system to the next release, with `dpkg-ng-as-dpkg` in place and the package dpkg
//! among what is upgraded; then back to stock. A second system goes the same way with stock alone: both
//! must end with the same packages and the same programs of dpkg's.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use super::scenes::WORDS;
use super::system::{RUN, System, missing, must, programs};
use crate::report::diff;
use crate::sandbox::bind;
use crate::{During, Res, real};

/// Its name among the scenes.
pub const NAME: &str = "dist-upgrade";

/// What the sandbox must show: the packages and lists that `compat real upgrade` fetches.
pub fn needed(release: &str) -> Vec<(PathBuf, &'static str)> {
    vec![
        (real::archives(release), "archives"),
        (real::lists(release), "lists"),
        (real::lists("trixie"), "lists-next"),
    ]
}

/// Goes both ways and compares.
pub fn run() -> Res<()> {
    let with = life(true)?;
    let without = life(false)?;
    if with == without {
        return Ok(());
    }
    Err(format!("not as without us:\n{}", diff(&without, &with)))
}

fn shown(from: &str, to: &str) -> Res<()> {
    bind(from, &Path::new(RUN).join(to), false)
}

/// The packages and dpkg's programs at the end.
fn life(with: bool) -> Res<String> {
    let say = |line: &str| must(&format!("{WORDS}{line}"));
    let system = System::default().begin()?;
    shown("/t/archives", "var/cache/apt/archives")?;
    shown("/t/lists", "var/lib/apt/lists")?;
    say("dpkg --add-architecture i386")?;
    if with {
        say("dpkg -i ng1.deb as1.deb; ours")?;
    }
    say("sed -i s/bookworm/trixie/ /etc/apt/sources.list")?;
    shown("/t/lists-next", "var/lib/apt/lists")?;
    let upgrade = || {
        say(
            "apt -o APT::Keep-Downloaded-Packages=1 -o Dpkg::Options::=--force-confold --no-install-recommends dist-upgrade",
        )
    };
    if with {
        let moments = while_looking(upgrade)?;
        println!("{NAME}: looked at {moments} moments");
        say("ours; dpkg-query -W dpkg | grep -q 1[.]22")?;
        say("apt remove dpkg-ng; stock; dpkg --version | grep -q 1[.]22")?;
        say("dpkg --purge dpkg-ng-as-dpkg; stock")?;
    } else {
        upgrade()?;
    }
    let end = say(
        "dpkg-query -W -f '${Package}:${Architecture} ${Version} ${db:Status-Abbrev}\\n'; \
         dpkg-divert --list | sort; \
         dpkg-query -L dpkg | grep -E '/(s?bin|libexec/dpkg)/.' | xargs ls -l --time-style=+%s; \
         dpkg-query -L dpkg | grep -E '/(s?bin|libexec/dpkg)/.' | xargs sha256sum",
    )?;
    system.discard()?;
    Ok(end)
}

/// Does the work and looks all the time whether a program is missing; says how often it looked.
fn while_looking(work: impl Fn() -> Res<String>) -> Res<usize> {
    // What the next release does not have any more goes with it.
    let programs: Vec<_> = programs()?
        .into_iter()
        .filter(|p| !p.ends_with("usrunmess"))
        .collect();
    let done = AtomicBool::new(false);
    let moments = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                if let Some(program) = missing(&programs) {
                    return Err(format!("{program} was missing"));
                }
                moments.fetch_add(1, Ordering::Relaxed);
                std::thread::sleep(Duration::from_micros(200));
            }
            Ok(())
        });
        let worked = work();
        done.store(true, Ordering::Relaxed);
        let seen = watcher.join().map_err(|_| "the watcher died".to_owned());
        worked?;
        seen?.during("while upgrading")
    })?;
    Ok(moments.into_inner())
}
