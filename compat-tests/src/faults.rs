//! Fails each system call of our `dpkg` that touches the system or an archive, once, and shows that the
//! failure is noticed and that the next run ends where an undisturbed one does.
//!
//! The scenarios are those of [`crate::kill`]. Our program runs under `strace`, which makes the n-th call
//! of a kind fail, for every kind and n (or a sample of them) and with the errors that a kind can have: `EIO`;
//! `ENOSPC` where something is allocated; `EACCES` and `EMFILE` where something is opened. Then:
//!
//! - the run ends with an error that has the kernel's words for it, or it arrives where an undisturbed run
//!   does, because the call was one that helps but is not needed. No flush and no write is such a call:
//!   theirs is always an error, those in [`FORGIVEN`] aside. A log whose lines are lost is told of,
//!   unless the user may not write it (`EACCES`), as with stock;
//! - the same command, run again (with `--configure -a` before it where it needs that), succeeds and arrives
//!   there.
//!
//! In the scenario `helper` that is done to each call of dpkg-maintscript-helper, too.
//!
//! Only the calls of the program's first thread are failed, and none that do not name the system or an
//! archive: the dynamic linker's and those on pipes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::kill::{
    self, NAMES, RUN, START, Scenario, Undisturbed, WRECK, copy, dpkg, helper_calls, logged,
    prepare, state, wrapped,
};
use crate::report::{Totals, diff};
use crate::sandbox::{Who, enter};
use crate::snapshot::now;
use crate::{During, Res};

/// The calls, and beside `EIO` the errors each is given.
const CALLS: &[(&str, &[&str])] = &[
    ("openat", &["EACCES", "EMFILE", "ENOSPC"]),
    ("openat2", &["EACCES", "EMFILE", "ENOSPC"]),
    ("read", &[]),
    ("pread64", &[]),
    ("getdents64", &[]),
    ("newfstatat", &["EACCES"]),
    ("fstat", &[]),
    ("statx", &["EACCES"]),
    ("readlink", &["EACCES"]),
    ("readlinkat", &["EACCES"]),
    ("write", &["ENOSPC"]),
    ("pwrite64", &["ENOSPC"]),
    ("copy_file_range", &["ENOSPC"]),
    ("ftruncate", &[]),
    ("fallocate", &["ENOSPC"]),
    ("fsync", &["ENOSPC"]),
    ("fdatasync", &["ENOSPC"]),
    ("sync_file_range", &[]),
    ("syncfs", &[]),
    ("rename", &["ENOSPC", "EACCES"]),
    ("renameat", &["ENOSPC", "EACCES"]),
    ("renameat2", &["ENOSPC", "EACCES"]),
    ("link", &["ENOSPC", "EACCES"]),
    ("linkat", &["ENOSPC", "EACCES"]),
    ("symlink", &["ENOSPC", "EACCES"]),
    ("symlinkat", &["ENOSPC", "EACCES"]),
    ("mkdir", &["ENOSPC", "EACCES"]),
    ("mkdirat", &["ENOSPC", "EACCES"]),
    ("mknod", &["ENOSPC", "EACCES"]),
    ("mknodat", &["ENOSPC", "EACCES"]),
    ("unlink", &["EACCES"]),
    ("unlinkat", &["EACCES"]),
    ("rmdir", &["EACCES"]),
    ("chmod", &["EACCES"]),
    ("fchmod", &["EPERM"]),
    ("fchmodat", &["EACCES"]),
    ("fchmodat2", &["EACCES"]),
    ("chown", &["EPERM"]),
    ("lchown", &["EPERM"]),
    ("fchown", &["EPERM"]),
    ("fchownat", &["EPERM"]),
    ("utimensat", &["EPERM"]),
    ("chdir", &["EACCES"]),
    ("fchdir", &["EACCES"]),
];

/// A failed one of these is an error, even where the state is what it should be.
const NEVER_IN_VAIN: &[&str] = &[
    "write",
    "pwrite64",
    "fsync",
    "fdatasync",
    "syncfs",
    "rename",
    "renameat",
    "renameat2",
];

/// Calls of those whose failing may leave the exit code as it is: the call, what is in its line, and why.
const FORGIVEN: &[(&str, &str, &str)] = &[
    (
        "write",
        "/var/lib/dpkg/tmp.ci/",
        "what could not be unpacked is unpacked once more, by dpkg-deb",
    ),
    (
        "renameat",
        "/alternatives>",
        "what rename(2) cannot, mv(1) does, as with stock",
    ),
    (
        "rename",
        "/t/k/run/",
        "the same in dpkg-maintscript-helper, the only one to give whole paths",
    ),
    (
        "write",
        "/alternatives.log>",
        "a script must not fail because a log's disk is full; it is told",
    ),
];

const TRACE: &str = "/t/k/trace";

/// How many points of each scenario a quick run takes.
const SAMPLE: usize = 16;

/// One call of the run: its kind, which one of that kind, and how strace wrote it.
struct Point {
    /// Where it is not dpkg that makes it: which call of dpkg-maintscript-helper does.
    helper: Option<usize>,
    call: &'static str,
    nth: usize,
    line: String,
}

/// Runs a scenario's command, or dpkg-maintscript-helper in it when it is called for that time, under strace.
fn traced(s: &Scenario, helper: Option<usize>, strace: &str) -> Res<(i32, String)> {
    copy(START, RUN)?;
    match helper {
        None => {
            let wrapper = format!("strace -o {TRACE} -e signal=none {strace}");
            dpkg(&wrapper, Who::Ours, &s.command)
        }
        Some(at) => wrapped(s, at, strace),
    }
}

/// The calls of the undisturbed run that touch the system or an archive; with `helper`, those of
/// dpkg-maintscript-helper when it is called for that time.
fn points(s: &Scenario, helper: Option<usize>) -> Res<Vec<Point>> {
    let calls: Vec<&str> = CALLS.iter().map(|c| c.0).collect();
    let strace = format!("-y -e trace={}", calls.join(","));
    let (code, said) = traced(s, helper, &strace)?;
    if code != 0 {
        return Err(format!("{}: exit {code} under strace:\n{said}", s.name));
    }
    let trace = fs::read(TRACE).during(TRACE)?;
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut points = Vec::new();
    for line in String::from_utf8_lossy(&trace).lines() {
        let name = line.split_once('(').map(|c| c.0);
        let Some((call, _)) = CALLS.iter().find(|c| name == Some(c.0)) else {
            continue;
        };
        let nth = seen.entry(call).or_default();
        *nth += 1;
        let touches = line.contains(RUN) || line.contains("/t/debs/");
        if touches && !line.contains("<pipe:[") {
            points.push(Point {
                helper,
                call,
                nth: *nth,
                line: line.into(),
            });
        }
    }
    Ok(points)
}

/// Those of the whole scenario.
fn all_points(s: &Scenario) -> Res<Vec<Point>> {
    let mut all = points(s, None)?;
    if s.name == "helper" {
        for at in 1.. {
            let more = points(s, Some(at))?;
            if helper_calls()? < at {
                break;
            }
            all.extend(more);
        }
    }
    Ok(all)
}

/// The kernel's words for an error.
fn words(error: &str) -> &'static str {
    match error {
        "ENOSPC" => "No space left on device",
        "EACCES" => "Permission denied",
        "EMFILE" => "Too many open files",
        "EPERM" => "Operation not permitted",
        _ => "Input/output error",
    }
}

/// What stock says of a database that may not be written, without the kernel's words and with the path.
const NOT_PERMITTED: &[&str] = &[
    "required read/write access to the dpkg database directory",
    "do not have permission to lock the dpkg database directory",
];

/// Whether the error was named.
fn named(said: &str, error: &str) -> bool {
    said.contains(words(error))
        || (error == "EACCES" && NOT_PERMITTED.iter().any(|text| said.contains(text)))
}

/// Whether the call need not succeed.
fn is_forgiven(point: &Point) -> bool {
    let is_it =
        |(call, word, _): &(&str, &str, &str)| point.call == *call && point.line.contains(word);
    FORGIVEN.iter().any(is_it)
}

/// Runs the command again until it succeeds and arrives at `whole`: what went wrong, if it does not.
fn again(s: &Scenario, whole: &str, since: i64) -> Res<Option<String>> {
    let configure = format!("{} --configure -a", s.forced());
    let mut said = String::new();
    // What was left half configured is configured first, where the command does not do it itself.
    for way in [&[&s.command][..], &[&configure, &s.command][..]] {
        copy(WRECK, RUN)?;
        let mut code = 0;
        for step in way {
            let (exit, told) = dpkg("", Who::Ours, step)?;
            code = exit;
            said.push_str(&format!("{step}: exit {exit}\n{told}"));
        }
        let end = state(since);
        if code == 0 && end == whole {
            return Ok(None);
        }
        said.push_str(&diff(whole, &end));
    }
    Ok(Some(said))
}

/// Runs a scenario in the sandbox this process enters, and prints what failed.
pub fn in_sandbox(args: &[String]) -> Res<()> {
    let [release, name, extent] = args else {
        return Err("faults: release, scenario, extent".into());
    };
    let name = NAMES
        .into_iter()
        .find(|n| n == name)
        .ok_or_else(|| format!("no scenario {name}"))?;
    enter(release, Who::Ours, &[])?;
    fs::create_dir("/t/k").during("/t/k")?;
    let since = now();
    let s = Scenario::make(name)?;
    let Undisturbed {
        end: whole, log, ..
    } = prepare(&s, since)?;
    let all = all_points(&s)?;
    let step = match extent.as_str() {
        "all" => 1,
        _ => all.len().div_ceil(SAMPLE).max(1),
    };
    let (mut faults, mut absorbed, mut failures) = (0, 0, 0);
    for (n, point) in all.iter().enumerate().filter(|(n, _)| n % step == step / 2) {
        let more = CALLS
            .iter()
            .find(|c| c.0 == point.call)
            .map_or(&[][..], |c| c.1);
        let errors: Vec<&str> = ["EIO"].into_iter().chain(more.iter().copied()).collect();
        let errors = match extent.as_str() {
            "all" => &errors[..],
            _ => &errors[n / step % errors.len()..][..1],
        };
        for error in errors {
            let Point {
                helper,
                call,
                nth,
                line,
            } = point;
            let strace = format!("-e trace={call} -e inject={call}:error={error}:when={nth}");
            let (code, said) = traced(&s, *helper, &strace)?;
            // How many calls of a kind there are may vary by one or two with the order of threads.
            let trace = fs::read(TRACE).during(TRACE)?;
            if code == 0 && !String::from_utf8_lossy(&trace).contains("(INJECTED)") {
                continue;
            }
            faults += 1;
            let (end, lines) = (state(since), logged()?);
            copy(RUN, WRECK)?;
            let mut wrong = Vec::new();
            if code == 0 && end != whole {
                wrong.push(format!("not noticed:\n{said}{}", diff(&whole, &end)));
            } else if code == 0 && lines != log && !named(&said, error) && error != &"EACCES" {
                wrong.push(format!("not noticed:\n{said}{}", diff(&log, &lines)));
            } else if code == 0 && NEVER_IN_VAIN.contains(call) && !is_forgiven(point) {
                wrong.push(format!("exit 0:\n{said}"));
            } else if code == 0 {
                absorbed += 1;
            } else if code >= 128 || !named(&said, error) {
                wrong.push(format!("exit {code}, without the error's words:\n{said}"));
            }
            if let Some(told) = again(&s, &whole, since)? {
                wrong.push(format!("not recovered, after exit {code}:\n{said}{told}"));
            }
            if !wrong.is_empty() {
                failures += 1;
                println!(
                    "{name}, {error} at {call} number {nth}: {line}\n{}",
                    wrong.join("\n")
                );
            }
        }
    }
    println!(
        "{name}: {faults} faults at {} points, {absorbed} without consequence, {failures} failures",
        all.len()
    );
    if failures == 0 && faults > 0 {
        return Ok(());
    }
    Err(format!("{name}: {failures} failures of {faults}"))
}

/// Runs the scenarios whose name contains one of `filters` (all, if there are none); `extent` is
/// `all` or `sample`.
pub fn run(exe: &Path, release: &str, extent: &str, filters: &[String]) -> Res<Totals> {
    kill::run_each(exe, "faults", [release, extent], &NAMES, filters)
}
