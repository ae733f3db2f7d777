//! What scenarios share of the archive, in `views/` of the cache, so that each thing is fetched once.
//!
//! * `lists/SUITES/`: apt's lists of some suites; `apt-SUITES/`: the apt that fetched them;
//! * `archives/`: all packages that apt fetched for any scenario;
//! * `files/SCENARIO/`: the packages that a scenario takes as files; `made/`: those the harness makes.

use std::fs;
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};

use super::made;
use super::scenario::{MADE, Scenario, Suites};
use crate::snapshot::hex;
use crate::{During, Res, oracle};

/// Where all of it is.
pub fn dir() -> PathBuf {
    oracle::dir().join("views")
}

/// Where the lists are.
pub fn lists_dir() -> PathBuf {
    dir().join("lists")
}

/// Where a scenario's files are.
pub fn files_dir(scenario: &str) -> PathBuf {
    dir().join("files").join(scenario)
}

/// Where the packages are that the harness makes.
pub fn made_dir() -> PathBuf {
    dir().join("made")
}

/// A name for some suites.
pub fn key(suites: Suites) -> String {
    suites.join("+")
}

/// The archive that the stock systems were made from.
fn mirror() -> Res<String> {
    let list = oracle::root("bookworm").join("etc/apt/sources.list");
    let text = fs::read_to_string(&list).during(list.display())?;
    let mirror = text.split_whitespace().find(|w| w.contains("://"));
    let mirror = mirror.ok_or_else(|| format!("{}: no mirror", list.display()))?;
    Ok(mirror.trim_end_matches('/').to_owned())
}

/// What stands in `sources.list`.
pub fn sources(suites: Suites) -> Res<String> {
    if suites == MADE {
        return Ok("deb [trusted=yes] file:/debs/made ./\n".into());
    }
    let mirror = mirror()?;
    let line = |suite: &&str| match suite.ends_with("-security") {
        true => format!("deb {mirror}-security {suite} main\n"),
        false => format!("deb {mirror} {suite} main\n"),
    };
    Ok(suites.iter().map(line).collect())
}

/// A lock, waited for, until it is dropped.
pub fn lock(name: &str) -> Res<Flock<fs::File>> {
    let file = fs::File::create(dir().join(name)).during(name)?;
    Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, e)| format!("{name}: {e}"))
}

/// Fetches what a scenario takes beside what its own apt will fetch.
pub fn prepare(scenario: &Scenario) -> Res<()> {
    for sub in ["lists", "archives", "files", "made", "stock", "run"] {
        let sub = dir().join(sub);
        fs::create_dir_all(&sub).during(sub.display())?;
    }
    let _lock = lock(".lock")?;
    for suites in scenario.all_suites() {
        match suites == MADE {
            true => made::build(&made_dir())?,
            false => lists(suites)?,
        }
    }
    files(scenario)
}

fn apt(suites: Suites) -> std::process::Command {
    let mut c = oracle::apt_get(&dir().join(format!("apt-{}", key(suites))));
    c.arg("-o").arg(format!(
        "Dir::State::lists={}",
        lists_dir().join(key(suites)).display()
    ));
    for option in [
        "Acquire::Languages=none",
        "Acquire::GzipIndexes=false",
        "APT::Architecture=amd64",
        "APT::Architectures::=amd64",
    ] {
        c.args(["-o", option]);
    }
    // Scenarios with a second architecture take the release alone.
    if suites.len() == 1 {
        c.args(["-o", "APT::Architectures::=i386"]);
    }
    c
}

fn lists(suites: Suites) -> Res<()> {
    let base = dir().join(format!("apt-{}", key(suites)));
    let done = base.join("updated");
    if done.exists() {
        return Ok(());
    }
    let lists = lists_dir().join(key(suites)).join("partial");
    fs::create_dir_all(&lists).during(lists.display())?;
    oracle::configure_apt(&base, &sources(suites)?)?;
    oracle::run(apt(suites).arg("update"))?;
    fs::write(&done, "").during(done.display())
}

fn files(scenario: &Scenario) -> Res<()> {
    let to = files_dir(scenario.name);
    fs::create_dir_all(&to).during(to.display())?;
    let Some(files) = scenario.files else {
        return Ok(());
    };
    let done = to.join("done");
    let wanted = files.packages.join("\n");
    if fs::read_to_string(&done).is_ok_and(|d| d == wanted) {
        return Ok(());
    }
    for entry in fs::read_dir(&to).during(to.display())?.flatten() {
        fs::remove_file(entry.path()).during(entry.path().display())?;
    }
    oracle::run(
        apt(files.suites)
            .arg("download")
            .args(files.packages)
            .current_dir(&to),
    )?;
    fs::write(&done, wanted).during(done.display())
}

/// Forgets lists, files and what stock did, so that all is fetched and done anew.
pub fn forget() -> Res<()> {
    let old = fs::read_dir(dir()).map(|d| d.flatten().map(|e| e.path()).collect::<Vec<_>>());
    for path in old.unwrap_or_default() {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("apt-") || ["lists", "files", "stock"].contains(&&*name) {
            fs::remove_dir_all(&path).during(path.display())?;
        }
    }
    Ok(())
}

/// What a scenario's outcome depends on beside itself: the system and the archive.
pub fn state(scenario: &Scenario) -> Res<String> {
    let mut text = String::new();
    let mark = oracle::dir().join(format!(".done-{}", scenario.release));
    let made = fs::metadata(&mark).and_then(|m| m.modified());
    text.push_str(&format!("{:?}\n", made.during(mark.display())?));
    let mut note = |path: &Path| -> Res<()> {
        let data = fs::read(path).during(path.display())?;
        text.push_str(&format!("{} {}\n", path.display(), hex(&data)));
        Ok(())
    };
    let listed = |dir: PathBuf| -> Res<Vec<PathBuf>> {
        let entries = fs::read_dir(&dir).during(dir.display())?;
        let mut all: Vec<_> = entries.flatten().map(|e| e.path()).collect();
        all.retain(|p| p.is_file());
        all.sort();
        Ok(all)
    };
    for suites in scenario.all_suites() {
        let dir = match suites == MADE {
            true => made_dir(),
            false => lists_dir().join(key(suites)),
        };
        for path in listed(dir)? {
            if path.to_string_lossy().ends_with("Release") || suites == MADE {
                note(&path)?;
            }
        }
    }
    for path in listed(files_dir(scenario.name))? {
        note(&path)?;
    }
    Ok(text)
}

/// Puts all packages that were fetched into an empty directory.
pub fn lend(to: &Path) -> Res<()> {
    link_all(&dir().join("archives"), to)
}

/// Keeps what was fetched.
pub fn take_back(from: &Path) -> Res<()> {
    link_all(from, &dir().join("archives"))
}

fn link_all(from: &Path, to: &Path) -> Res<()> {
    let partial = to.join("partial");
    fs::create_dir_all(&partial).during(partial.display())?;
    for entry in fs::read_dir(from).during(from.display())?.flatten() {
        let name = entry.file_name();
        if name.to_string_lossy().ends_with(".deb") && !to.join(&name).exists() {
            // Two scenarios may have fetched the same.
            let _ = fs::hard_link(entry.path(), to.join(&name));
        }
    }
    Ok(())
}
