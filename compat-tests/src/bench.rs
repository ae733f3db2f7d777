//! Time and memory of ours beside stock's, in one run and on one machine.
//!
//! Figures of a busy machine say little by themselves, so each measurement runs stock and ours in
//! turn, and the medians of both and their ratio are what is printed. A sample is one command in a
//! process of its own: wall time, CPU time (user and system) and the largest resident set of the
//! command or a child of it, which the kernel does not tell apart from the 4 MiB of the sampler.
//!
//! * Start-up: commands of each tool that read little or nothing.
//! * Reading: a made-up system of 3,000 packages and 400,000 files (`bench/system` of the cache),
//!   asked, and given one tiny package.
//! * Unpacking: `--unpack` of 100 real packages, those of the archive cache that have no `preinst`
//!   (there is no shell in an empty root), or those of the directory `DPKG_BENCH_DEBS`. Each
//!   time into a fresh root on the disk of the cache, with the default durability.
//!
//! Both sides see the stock system as their root and run the same command lines in it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

use crate::deb::deb;
use crate::sandbox::{Who, bind, command, empty_database, our_binary, place};
use crate::{During, Res, oracle, real, runner};

/// Packages of the made-up system.
const PACKAGES: usize = 3_000;
/// Its paths; those that only one package has are files, the others directories.
const FILES: usize = 400_000;
/// Packages to unpack.
const UNPACKED: usize = 100;
/// The command line before the archives. Not all that they depend on is among them.
const UNPACK: &[&str] = &[
    "dpkg",
    "--root=/mnt/w/fresh",
    "--force-depends,conflicts,breaks,overwrite",
    "--unpack",
];

/// A group of measurements, in the order they are made.
const GROUPS: [&str; 3] = ["start", "read", "unpack"];

/// A command line.
type Words = &'static [&'static str];

/// One that is measured.
struct Measurement {
    group: &'static str,
    args: Words,
}

const fn of(group: &'static str, args: Words) -> Measurement {
    Measurement { group, args }
}

const MEASUREMENTS: &[Measurement] = &[
    of("start", &["dpkg", "--print-architecture"]),
    of(
        "start",
        &["dpkg", "--compare-versions", "1:1.0-1", "lt", "1:1.0-1+b1"],
    ),
    of("start", &["dpkg-query", "-W"]),
    of("start", &["update-alternatives", "--query", "awk"]),
    of("start", &["dpkg-deb", "--version"]),
    of("start", &["dpkg-split", "--version"]),
    of("start", &["dpkg-divert", "--truename", "/bin/sh"]),
    of("start", &["dpkg-statoverride", "--version"]),
    of("start", &["dpkg-trigger", "--check-supported"]),
    of(
        "start",
        &["dpkg-trigger", "--no-act", "--by-package=x", "/usr/share/x"],
    ),
    of("start", &["dpkg-realpath", "/etc/os-release"]),
    of("start", &["dpkg-maintscript-helper", "--version"]),
    of("start", &["start-stop-daemon", "--status", "--pid=1"]),
    of("read", &["dpkg-query", "--root=/mnt/w/system", "-W"]),
    of("read", &["dpkg", "--root=/mnt/w/system", "-l"]),
    of(
        "read",
        &["dpkg-query", "--root=/mnt/w/system", "-s", "package-1500"],
    ),
    of(
        "read",
        &["dpkg-query", "--root=/mnt/w/system", "-L", "package-1500"],
    ),
    of(
        "read",
        &[
            "dpkg",
            "--root=/mnt/w/system",
            "-S",
            "/usr/share/package-1500/file-7",
        ],
    ),
    of(
        "read",
        &["dpkg", "--root=/mnt/w/system", "-S", "*no-such-file*"],
    ),
    of(
        "read",
        &[
            "dpkg",
            "--root=/mnt/w/system",
            "--force-unsafe-io",
            "-i",
            "/mnt/w/tiny.deb",
        ],
    ),
    of(
        "read",
        &["dpkg", "--root=/mnt/w/system", "-i", "/mnt/w/tiny.deb"],
    ),
    of("unpack", UNPACK),
];

/// What one run of a command took.
#[derive(Clone, Copy, Debug)]
struct Sample {
    /// Seconds.
    wall: f64,
    /// Seconds, user and system.
    cpu: f64,
    /// KiB.
    rss: f64,
    /// Exit code.
    code: i32,
}

/// Runs the measurements of the named groups (all, if none is named), each `runs` times a side, and
/// prints a line for each. `exe` is the `compat` binary. False if a run fails.
pub fn run(exe: &Path, release: &str, runs: usize, groups: &[String]) -> Res<bool> {
    if let Some(other) = groups.iter().find(|g| !GROUPS.contains(&g.as_str())) {
        return Err(format!("bench {other}: not one of {}", GROUPS.join(", ")));
    }
    // What is measured is what is shipped.
    let ours = runner::release_binary()?;
    let wanted = |g: &str| groups.is_empty() || groups.iter().any(|w| w == g);
    let dir = oracle::dir().join("bench");
    fs::create_dir_all(&dir).during(dir.display())?;
    let mut debs = PathBuf::from("/var/empty");
    let mut names = Vec::new();
    if wanted("read") {
        make_system(&dir)?;
    }
    if wanted("unpack") {
        debs = match std::env::var_os("DPKG_BENCH_DEBS") {
            Some(dir) => PathBuf::from(dir),
            None => real::fetch_archives(exe, release)?,
        };
        names = choose(&debs)?;
        println!("unpacking {} packages of {}", names.len(), debs.display());
    }
    println!(
        "medians of {runs}; milliseconds and MiB; stock, ours, ours/stock\n{:<44} {:^22}  {:^22}  {:^22}",
        "", "wall", "cpu", "peak memory"
    );
    let mut same = true;
    for m in MEASUREMENTS.iter().filter(|m| wanted(m.group)) {
        let mut samples = [Vec::new(), Vec::new()];
        // The first of each side warms the caches and is not counted.
        for round in 0..=runs {
            for (side, who) in [Who::Theirs, Who::Ours].into_iter().enumerate() {
                if m.group == "unpack" {
                    empty_root(&dir.join("fresh"))?;
                }
                let sample = call(exe, &ours, release, who, &debs, m.args, &names)?;
                if round > 0 {
                    samples[side].push(sample);
                }
            }
        }
        let [theirs, ours] = samples.map(|s| Medians::of(&s));
        println!("{}", line(m, &theirs, &ours));
        // A run that fails at once is fast, and says nothing.
        if theirs.codes != ours.codes || theirs.codes != [0] {
            println!("  exit codes: {:?} {:?}", theirs.codes, ours.codes);
            same = false;
        }
    }
    let _ = fs::remove_dir_all(dir.join("fresh"));
    Ok(same)
}

struct Medians {
    wall: f64,
    cpu: f64,
    rss: f64,
    /// All exit codes seen.
    codes: Vec<i32>,
}

impl Medians {
    fn of(samples: &[Sample]) -> Medians {
        let median = |of: fn(&Sample) -> f64| {
            let mut all: Vec<f64> = samples.iter().map(of).collect();
            all.sort_by(f64::total_cmp);
            all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
        };
        let mut codes: Vec<i32> = samples.iter().map(|s| s.code).collect();
        codes.sort_unstable();
        codes.dedup();
        Medians {
            wall: median(|s| s.wall),
            cpu: median(|s| s.cpu),
            rss: median(|s| s.rss) / 1024.0,
            codes,
        }
    }
}

fn line(m: &Measurement, theirs: &Medians, ours: &Medians) -> String {
    let mut words: Vec<&str> = m.args.to_vec();
    words.retain(|w| !w.starts_with("--root="));
    let what = words
        .join(" ")
        .replace("/mnt/w/", "")
        .replace("--force-depends,conflicts,breaks,overwrite ", "");
    let mut out = format!("{what:<44}");
    for (a, b, digits) in [
        (theirs.wall * 1e3, ours.wall * 1e3, 2),
        (theirs.cpu * 1e3, ours.cpu * 1e3, 2),
        (theirs.rss, ours.rss, 1),
    ] {
        if a > 0.0 && b > 0.0 {
            let _ = write!(out, " {a:>7.digits$} {b:>7.digits$} x{:<5.2} ", b / a);
        }
    }
    out.trim_end().to_owned()
}

/// One sample, taken by a process that changes its root (`--bench-in-sandbox`).
fn call(
    exe: &Path,
    ours: &Path,
    release: &str,
    who: Who,
    debs: &Path,
    args: &[&str],
    names: &[String],
) -> Res<Sample> {
    let mut c = Command::new(exe);
    c.args(["--bench-in-sandbox", release, who.name()])
        .env("DPKG_NG_BIN", ours)
        .arg(debs)
        .args(args);
    if args == UNPACK {
        c.args(names.iter().map(|n| format!("/mnt/debs/{n}")));
    }
    let out = c.output().during(exe.display())?;
    let text = String::from_utf8_lossy(&out.stdout);
    let numbers: Vec<f64> = text.split(' ').filter_map(|n| n.parse().ok()).collect();
    match numbers[..] {
        [wall, cpu, rss, code] => Ok(Sample {
            wall,
            cpu,
            rss,
            code: code as i32,
        }),
        _ => Err(String::from_utf8_lossy(&out.stderr).into_owned()),
    }
}

/// The other side of [`call`]: runs one command in the stock system and prints what it took.
pub fn in_sandbox(args: &[String]) -> Res<()> {
    let [release, who, debs, program, rest @ ..] = args else {
        return Err("not for use by hand".into());
    };
    let who = Who::parse(who).ok_or("not theirs or ours")?;
    let root = oracle::root(release);
    let ours = match who {
        Who::Ours => Some(our_binary()?),
        Who::Theirs => None,
    };
    unshare(CloneFlags::CLONE_NEWNS).during("unshare (are you root?)")?;
    let none = None::<&str>;
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(none, "/", none, private, none).during("private mounts")?;
    let mnt = root.join("mnt");
    let tmpfs = Some("tmpfs");
    mount(tmpfs, &mnt, tmpfs, MsFlags::empty(), Some("mode=755")).during("tmpfs")?;
    for d in ["bin", "w", "debs"] {
        fs::create_dir(mnt.join(d)).during(d)?;
    }
    bind(oracle::dir().join("bench"), &mnt.join("w"), false)?;
    if Path::new(debs).is_dir() {
        bind(debs, &mnt.join("debs"), false)?;
    }
    bind("/proc", &root.join("proc"), true)?;
    let mut path = String::from("/usr/sbin:/usr/bin");
    if let Some(ours) = ours {
        let tools: BTreeSet<&str> = MEASUREMENTS.iter().map(|m| m.args[0]).collect();
        place(&ours, &mnt.join("bin"), tools)?;
        path.insert_str(0, "/mnt/bin:");
    }
    nix::unistd::chroot(&root).during("chroot")?;
    std::env::set_current_dir("/").during("chdir")?;
    let program = path
        .split(':')
        .map(|d| Path::new(d).join(program))
        .find(|p| p.exists())
        .ok_or("no such program")?;
    // Nothing of an earlier run is to be written back during this one.
    nix::unistd::sync();
    let start = Instant::now();
    let status = command(program)
        .args(rest)
        .env("PATH", &path)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .during("the command")?;
    let wall = start.elapsed().as_secs_f64();
    let used = getrusage(UsageWho::RUSAGE_CHILDREN).during("getrusage")?;
    let cpu = used.user_time().num_microseconds() + used.system_time().num_microseconds();
    // A child starts with the peak of who started it: what does not go beyond that is not seen.
    let own = getrusage(UsageWho::RUSAGE_SELF).during("getrusage")?;
    let peak = used.max_rss();
    print!(
        "{wall} {} {} {}",
        cpu as f64 / 1e6,
        if peak > own.max_rss() { peak } else { 0 },
        status.code().unwrap_or(-1)
    );
    Ok(())
}

fn empty_root(root: &Path) -> Res<()> {
    if root.exists() {
        fs::remove_dir_all(root).during(root.display())?;
    }
    empty_database(&root.join("var/lib/dpkg"))
}

/// The names of the packages to unpack, spread evenly over the native ones without a `preinst`.
fn choose(debs: &Path) -> Res<Vec<String>> {
    let arch = Command::new("dpkg")
        .arg("--print-architecture")
        .output()
        .during("dpkg")?;
    let arch = String::from_utf8_lossy(&arch.stdout).trim().to_owned();
    let mut names: Vec<String> = fs::read_dir(debs)
        .during(debs.display())?
        .flatten()
        .filter_map(|e| e.file_name().into_string().ok())
        .filter(|n| n.ends_with("_all.deb") || n.ends_with(&format!("_{arch}.deb")))
        .collect();
    names.sort();
    // One version of each package.
    names.dedup_by(|a, b| a.split('_').next() == b.split('_').next());
    names.retain(|n| {
        Command::new("dpkg-deb")
            .arg("-I")
            .arg(debs.join(n))
            .arg("preinst")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|s| !s.success())
    });
    if names.len() < UNPACKED {
        return Err(format!(
            "{}: only {} packages to unpack",
            debs.display(),
            names.len()
        ));
    }
    let all = names.len();
    Ok((0..UNPACKED)
        .filter_map(|i| names.get(i * all / UNPACKED).cloned())
        .collect())
}

/// Makes the system to read, unless it is there.
fn make_system(dir: &Path) -> Res<()> {
    let tiny = deb("tiny", "1").build(dir)?;
    fs::rename(tiny, dir.join("tiny.deb")).during("tiny.deb")?;
    let system = dir.join("system");
    let done = dir.join(".done-system");
    if done.exists() {
        return Ok(());
    }
    empty_root(&system)?;
    let admin = system.join("var/lib/dpkg");
    fs::write(admin.join("info/format"), "1\n").during("format")?;
    let mut status = String::new();
    for n in 0..PACKAGES {
        stanza(&mut status, n);
        let file = |ext| admin.join(format!("info/package-{n}.{ext}"));
        let (list, sums) = paths(n);
        fs::write(file("list"), list).during("list")?;
        fs::write(file("md5sums"), sums).during("md5sums")?;
    }
    fs::write(admin.join("status"), status).during("status")?;
    fs::write(done, "").during("mark")
}

/// About what a stanza of a real system is: 1 KiB, some relations.
fn stanza(out: &mut String, n: usize) {
    let other = |k: usize| n.wrapping_mul(7919).wrapping_add(k * 104_729) % PACKAGES;
    let _ = write!(
        out,
        "Package: package-{n}\nStatus: install ok installed\nPriority: optional\nSection: libs\n\
         Installed-Size: {}\nMaintainer: Some Team <team-{}@lists.example.org>\nArchitecture: all\n\
         Source: source-{}\nVersion: {}.{}.{}-{}\nProvides: virtual-{} (= {})\n\
         Depends: package-{} (>= 0.1), package-{} | virtual-{}, package-{} (>= 0.2~rc1)\n\
         Recommends: package-{}, nowhere-{n}\nSuggests: nowhere-{} | nowhere-{}\n",
        n * 3,
        n % 50,
        n / 3,
        n % 7 + 1,
        n % 13,
        n % 5,
        n % 3 + 1,
        n % 400,
        n % 9,
        other(1),
        other(2),
        n % 400,
        other(3),
        other(4),
        n + 1,
        n + 2,
    );
    if n.is_multiple_of(8) {
        let _ = write!(
            out,
            "Conffiles:\n /etc/package-{n}.conf 0123456789abcdef0123456789abcdef\n"
        );
    }
    let _ = writeln!(out, "Description: package number {n} of a made-up system");
    for part in 0..4 {
        let _ = writeln!(
            out,
            " The {part}th line of what there is to say about it, as long as such lines are."
        );
    }
    let _ = write!(
        out,
        " .\n And an end.\nHomepage: https://www.example.org/package/{n}\n\n"
    );
}

/// The file list of a package and its checksums.
fn paths(n: usize) -> (String, String) {
    let mut list = String::from("/.\n/usr\n/usr/share\n/usr/lib\n/usr/share/doc\n");
    let mut sums = String::new();
    // With these, and the few directories that all have, it comes to FILES.
    let own = [
        format!("/usr/share/package-{n}"),
        format!("/usr/share/doc/package-{n}"),
        format!("/usr/lib/package-{n}"),
    ];
    let from = FILES * n / PACKAGES;
    let mut left = FILES * (n + 1) / PACKAGES - from - own.len();
    for (d, dir) in own.iter().enumerate() {
        let _ = writeln!(list, "{dir}");
        let here = if d == 2 { left } else { left / (3 - d) };
        left -= here;
        for f in 0..here {
            let _ = writeln!(list, "{dir}/file-{f}");
            let _ = writeln!(
                sums,
                "0123456789abcdef0123456789abcdef  {}/file-{f}",
                &dir[1..]
            );
        }
    }
    (list, sums)
}
