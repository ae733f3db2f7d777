//! The Debian packages `dpkg-ng` and `dpkg-ng-as-dpkg`: built from `debian/`, then installed, upgraded,
//! reinstalled, removed and purged on stock systems by stock and by ours, and killed at that.
//!
//! What must hold is in `debian/README.source`: above all that at no moment one of dpkg's programs
//! is missing. [`scenes`] go through a system's life step by step, [`kills`] through the moments of
//! one command; [`upgrade`] takes a system to the next release.

mod kills;
mod scenes;
mod system;
mod upgrade;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::report::Totals;
use crate::sandbox::{Who, command, enter};
use crate::{During, Res, oracle, real};

/// Where the tree of this repository is.
fn repository() -> Res<PathBuf> {
    fs::canonicalize(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).during("the repository")
}

/// Builds the packages of this tree, as `debian/rules` says, into the build directory of `exe`;
/// `noopt` with cargo's dev profile. `DPKG_NG_DEBS` names a directory of packages built before.
pub fn build(exe: &Path, noopt: bool) -> Res<PathBuf> {
    if let Some(dir) = std::env::var_os("DPKG_NG_DEBS") {
        return fs::canonicalize(&dir).during(Path::new(&dir).display());
    }
    oracle::need("dh", "debhelper")?;
    let target = exe.ancestors().nth(2).ok_or("compat is in no directory")?;
    let to = target.join("packages");
    if to.exists() {
        fs::remove_dir_all(&to).during(to.display())?;
    }
    fs::create_dir_all(&to).during(to.display())?;
    let tree = repository()?;
    oracle::run(Command::new("dh_clean").current_dir(&tree))?;
    let mut rules = Command::new("debian/rules");
    rules
        .arg("binary")
        .arg(format!("DEBS={}", to.display()))
        .current_dir(&tree)
        .env_remove("CARGO_TARGET_DIR");
    if noopt {
        rules
            .env("DEB_BUILD_OPTIONS", "noopt")
            .env("CARGO_TARGET_DIR", target);
    }
    oracle::run(&mut rules)?;
    Ok(to)
}

/// Makes in `/t/debs`, by stock's programs, all packages that scenes and kills use: the two of `/t/ng`,
/// the same in later versions, a later dpkg than the system's, and one with scripts.
fn make_packages() -> Res<()> {
    let script = include_str!("make.sh");
    let out = command("sh")
        .args(["-c", script])
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .output()
        .during("sh")?;
    if out.status.success() {
        return Ok(());
    }
    Err(format!(
        "making packages: {}",
        String::from_utf8_lossy(&out.stderr)
    ))
}

/// Runs a scene or the kills of one command in the sandbox that this process enters.
pub fn in_sandbox(args: &[String]) -> Res<()> {
    let [debs, release, name, extent] = args else {
        return Err("packages: debs, release, name, extent".into());
    };
    let mut shown = vec![(PathBuf::from(debs), "ng")];
    if name == upgrade::NAME {
        shown.extend(upgrade::needed(release));
    }
    enter(release, Who::Theirs, &shown)?;
    fs::create_dir("/t/k").during("/t/k")?;
    make_packages()?;
    if name == upgrade::NAME {
        return upgrade::run();
    }
    match name.strip_prefix("kill-") {
        Some(kill) => kills::run(kill, extent.parse().ok()),
        None => scenes::run(name),
    }
}

/// The names of the scenes, kills and upgrades of a release that contain one of `filters`; all, if there are none.
pub fn matching(release: &str, filters: &[String]) -> Vec<String> {
    let kills = kills::KILLS.iter().map(|k| format!("kill-{}", k.name));
    let scenes = scenes::SCENES.iter().map(|s| s.name.to_owned());
    let upgrades = (release == "bookworm").then(|| upgrade::NAME.to_owned());
    scenes
        .chain(kills)
        .chain(upgrades)
        .filter(|name| filters.is_empty() || filters.iter().any(|f| name.contains(f.as_str())))
        .collect()
}

/// Runs those whose name contains one of `filters` (all, if there are none), with the packages in `debs`;
/// `extent` is how many moments to kill at, or `all`.
pub fn run(
    exe: &Path,
    debs: &Path,
    release: &str,
    extent: &str,
    filters: &[String],
) -> Res<Totals> {
    let mut totals = Totals::default();
    for name in matching(release, filters) {
        if name == upgrade::NAME {
            real::prepare(exe, release, "upgrade", false)?;
        }
        let out = Command::new(exe)
            .arg("--packages-in-sandbox")
            .arg(debs)
            .args([release, &name, extent])
            .output()
            .during(exe.display())?;
        print!("{}", String::from_utf8_lossy(&out.stdout));
        if out.status.success() {
            totals.passed += 1;
            println!("test packages/{name} ... ok");
        } else {
            println!(
                "test packages/{name} ... FAILED\n{}",
                String::from_utf8_lossy(&out.stderr)
            );
            totals.failed.push(name);
        }
    }
    Ok(totals)
}
