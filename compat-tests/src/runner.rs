//! Runs cases: each once with stock's programs and once with ours, each in a process of its own.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::cases::{Case, all};
use crate::report::{Totals, diff};
use crate::sandbox::{self, Who, enter};
use crate::world::World;
use crate::{During, Res, oracle};

/// Whose programs are tested: `DPKG_UNDER_TEST`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UnderTest {
    /// Stock alone: is what the cases state true?
    Theirs,
    /// Ours alone: does it do what the cases state?
    Ours,
    /// Both, and compare.
    Both,
}

impl UnderTest {
    /// From the environment; both unless told otherwise.
    pub fn from_env() -> Res<UnderTest> {
        match std::env::var("DPKG_UNDER_TEST").as_deref() {
            Ok("theirs") => Ok(UnderTest::Theirs),
            Ok("ours") => Ok(UnderTest::Ours),
            Ok("both") | Err(_) => Ok(UnderTest::Both),
            Ok(other) => Err(format!("DPKG_UNDER_TEST={other}: not theirs, ours or both")),
        }
    }
}

/// Runs `work` on every item on two threads, in order of the list.
pub fn each<T: Sync>(items: &[T], work: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    let jobs = std::env::var("COMPAT_JOBS")
        .ok()
        .and_then(|j| j.parse().ok())
        .unwrap_or(2usize);
    std::thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    work(item);
                }
            });
        }
    });
}

/// The cases whose name contains one of `filters`; all, if there are none.
pub fn matching(filters: &[String]) -> Vec<Case> {
    all()
        .into_iter()
        .filter(|c| filters.is_empty() || filters.iter().any(|f| c.name.contains(f.as_str())))
        .collect()
}

/// Runs every case whose name contains one of `filters` (all, if there are none) and prints what
/// came of each. `exe` is the `compat` binary.
pub fn run_cases(exe: &Path, filters: &[String], release: &str) -> Res<Totals> {
    let under_test = UnderTest::from_env()?;
    let cases = matching(filters);
    let totals = Mutex::new(Totals::default());
    each(&cases, |case| {
        let verdict = judge(exe, &case.name, release, under_test);
        let Ok(mut totals) = totals.lock() else {
            return;
        };
        match verdict {
            Ok(()) => {
                totals.passed += 1;
                println!("test {} ... ok", case.name);
            }
            Err(report) => {
                println!("test {} ... FAILED\n{report}", case.name);
                totals.failed.push(case.name.clone());
            }
        }
    });
    totals.into_inner().during("totals")
}

fn judge(exe: &Path, name: &str, release: &str, under_test: UnderTest) -> Res<()> {
    let theirs = match under_test {
        UnderTest::Ours => None,
        _ => Some(
            observe(exe, name, release, Who::Theirs)
                .map_err(|e| format!("stock itself does not do what the case states:\n{e}"))?,
        ),
    };
    if under_test == UnderTest::Theirs {
        return Ok(());
    }
    let ours = observe(exe, name, release, Who::Ours);
    match (theirs, ours) {
        (None, Ok(_)) => Ok(()),
        (Some(theirs), Ok(ours)) if theirs == ours => Ok(()),
        (Some(theirs), Ok(ours)) => Err(diff(&theirs, &ours)),
        (Some(theirs), Err(e)) => match e.split_once(JOURNAL) {
            Some((stated, ours)) => Err(format!("{stated}{}", diff(&theirs, ours))),
            None => Err(e),
        },
        (None, Err(e)) => Err(e),
    }
}

const JOURNAL: &str = "---- what was seen ----\n";

/// What one run of one case saw, or why it was not as stated.
pub fn observe(exe: &Path, name: &str, release: &str, who: Who) -> Res<String> {
    let out = Command::new(exe)
        .args(["--in-sandbox", release, who.name(), name])
        .output()
        .during(exe.display())?;
    let seen = String::from_utf8_lossy(&out.stdout).into_owned();
    if out.status.success() {
        return Ok(seen);
    }
    let stderr = String::from_utf8_lossy(&out.stderr);
    Err(format!("{stderr}{JOURNAL}{seen}"))
}

/// The other side of [`observe`]: runs the case in this process.
pub fn in_sandbox(release: &str, who: &str, name: &str) -> Res<()> {
    let who = Who::parse(who).ok_or("not theirs or ours")?;
    let case = all()
        .into_iter()
        .find(|c| c.name == name)
        .ok_or_else(|| format!("no case {name}"))?;
    enter(release, who, &[])?;
    let mut world = World::new(who);
    (case.run)(&mut world);
    let (journal, failures) = world.finish();
    print!("{journal}");
    if failures.is_empty() {
        return Ok(());
    }
    Err(failures.join("\n"))
}

/// Whether whoever this is can compare with stock, which takes mounts and chroots: is root, or may use
/// sudo without a password.
pub fn can_compare() -> bool {
    nix::unistd::geteuid().is_root() || oracle::has_sudo()
}

/// Runs this program anew, by sudo. Returns only what went wrong.
fn again_by_sudo() -> Res<String> {
    // Ours must be built by its owner.
    if std::env::var_os("DPKG_NG_BIN").is_none() {
        build_ours()?;
    }
    let mut sudo = Command::new("sudo");
    sudo.args(["-n", "-E", "--"])
        .arg(std::env::current_exe().during("own path")?)
        .args(std::env::args_os().skip(1));
    if std::env::var_os("DPKG_NG_BIN").is_none() {
        sudo.env("DPKG_NG_BIN", sandbox::our_binary()?);
    }
    Ok(sudo.exec().to_string())
}

/// The `main` of a test program of this crate: `run` with the path of `compat` and the filters of
/// the command line. Where comparing with stock is not possible, the `count` that `run` would have
/// compared are counted as such.
pub fn test_main(
    what: &str,
    compat: &str,
    count: usize,
    run: impl FnOnce(&Path, &[String]) -> Res<Totals>,
) -> ExitCode {
    let filters: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| !a.starts_with('-'))
        .collect();
    let compared = || {
        if !nix::unistd::geteuid().is_root() {
            return Err(again_by_sudo()?);
        }
        get_ready()?;
        run(Path::new(compat), &filters)
    };
    let totals = match can_compare() {
        true => compared(),
        false => Ok(Totals {
            ignored: count,
            ..Totals::default()
        }),
    };
    match totals {
        Ok(totals) => {
            totals.print(what);
            ExitCode::from(u8::from(!totals.failed.is_empty()))
        }
        Err(e) => {
            eprintln!("{e}");
            ExitCode::FAILURE
        }
    }
}

/// The same with some of the cases, unless others are asked for.
pub fn test_sample(what: &str, compat: &str, some: &[String]) -> ExitCode {
    test_main(what, compat, matching(some).len(), |exe, filters| {
        let sample = match filters {
            [] => some,
            given => given,
        };
        run_cases(exe, sample, "trixie")
    })
}

/// Builds our programs and our plugin where this program was built, as it was. What `cargo test --workspace`
/// builds has them but for the plugin's file, which cargo leaves among the parts that tests are linked from.
fn build_ours() -> Res<()> {
    let exe = std::env::current_exe().during("own path")?;
    // TARGET/debug/compat, or TARGET/debug/deps/cases-0123
    let built = match exe.parent() {
        Some(dir) if dir.ends_with("deps") => dir.parent(),
        dir => dir,
    };
    let (Some(target), Some(profile)) = (
        built.and_then(Path::parent),
        built.and_then(Path::file_name),
    ) else {
        return Err(format!("{} is in no build directory", exe.display()));
    };
    let profile = match profile.to_string_lossy() {
        dev if dev == "debug" => "dev".into(),
        other => other,
    };
    build(target, &profile)
}

fn build(target: &Path, profile: &str) -> Res<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    oracle::run(
        build
            .args(["build", "--quiet", "--profile", profile, "--target-dir"])
            .arg(target)
            .args(["-p", "dpkg-ng", "-p", "dpkgng-multi-version"])
            .current_dir(env!("CARGO_MANIFEST_DIR")),
    )
}

/// The release build of our binary, built if need be: `DPKG_NG_BIN`, or that beside the directory
/// of the running program.
pub fn release_binary() -> Res<PathBuf> {
    if std::env::var_os("DPKG_NG_BIN").is_some() {
        return sandbox::our_binary();
    }
    let exe = std::env::current_exe().during("own path")?;
    let target = exe.ancestors().nth(2).ok_or("compat is in no directory")?;
    build(target, "release")?;
    Ok(target.join("release/dpkg-ng"))
}

/// Whether our binary runs on a release: built with a newer C library, it does not. If not, that is said.
pub fn runs_on(release: &str) -> Res<bool> {
    let ours = sandbox::our_binary()?;
    let root = oracle::root(release);
    let libraries = root
        .join("lib")
        .join(format!("{}-linux-gnu", std::env::consts::ARCH));
    let Some(loader) = fs::read_dir(&libraries)
        .during(libraries.display())?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("ld-linux-")
        })
    else {
        return Err(format!("no loader in {}", libraries.display()));
    };
    let out = Command::new(loader)
        .arg("--library-path")
        .arg(&libraries)
        .arg(&ours)
        .arg("--version")
        .output()
        .during(ours.display())?;
    let why = String::from_utf8_lossy(&out.stderr);
    match out.status.success() {
        true => Ok(true),
        false if why.contains("GLIBC_") => {
            eprintln!(
                "not compared: {} does not run on {release}: {}",
                ours.display(),
                why.trim_end()
            );
            Ok(false)
        }
        false => Err(format!("{} on {release}: {why}", ours.display())),
    }
}

/// Makes sure that there is an oracle, and that we may use it.
pub fn get_oracle() -> Res<()> {
    if !nix::unistd::geteuid().is_root() {
        return Err("comparing with stock needs root (mounts and chroots)".into());
    }
    if !oracle::ready() {
        eprintln!(
            "making the stock systems in {} (a few minutes, once)",
            oracle::dir().display()
        );
        oracle::build()?;
    }
    Ok(())
}

/// Makes sure that there is an oracle and a binary of ours, and that we may use them.
pub fn get_ready() -> Res<()> {
    get_oracle()?;
    if UnderTest::from_env()? != UnderTest::Theirs && std::env::var_os("DPKG_NG_BIN").is_none() {
        build_ours()?;
    }
    Ok(())
}
