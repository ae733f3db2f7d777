//! Time and memory of ours beside stock's, on a disk whose flushes take a stated time ([`disk`]).
//!
//! Figures of a machine say little by themselves, least of all those of a busy one, so each work is done by stock and
//! by ours in turn, and what counts are the medians of both and their ratio.
//!
//! A [`Work`] is a list of steps on one system. Every run of it gets a new disk image in memory with a
//! filesystem of its own, copied from a template that both sides share: a stock system ([`Start`]). A [`Step`] is
//! one command in a chroot there, timed by `compat-meter`, which tells of it:
//!
//! * its wall time, and that of the maintainer scripts: the interpreters of these systems (dash, bash, perl) are
//!   stood in for by `compat-meter`, which notes how long each script took. "Outside of scripts" is the
//!   difference; starting an interpreter, a millisecond a script, is outside of it on both sides;
//! * the largest resident set of the command or a child of it, and the CPU time, scripts aside;
//! * flushes that reached the disk until the command ended;
//! * system calls, counted by strace in a run of its own that is not timed.
//!
//! A run that fails is fast and says nothing, so exit codes must be the same, and what came of the command,
//! too: what it wrote, or the packages of each state and the number of files, directories and links.
//!
//! Where the machine itself may be the limit, the work `limits` shows what it can do: decoding, hashing, writing the
//! same files on all cores and nothing else.

pub mod disk;
mod set;
mod system;
mod works;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::mount::{MntFlags, MsFlags, umount2};
use nix::sched::{CloneFlags, unshare};
use sha2::{Digest, Sha256};

use crate::report::Totals;
use crate::sandbox::{self, Who, bind, command, mnt, place};
use crate::{During, Res, oracle, runner};
use disk::{Counts, Delays, Disk, Mounted};
use works::{Flushes, Same, Start, Step, Work};

/// What is to be measured, and on what.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Of which release stock is.
    pub release: String,
    /// The filesystem: ext4, xfs or btrfs.
    pub fs: String,
    /// What a flush costs, microseconds: all works on the first, those that change a system on each.
    pub flush_us: Vec<u64>,
    /// How often each side does a work.
    pub runs: usize,
    /// Names of works; all, if there are none.
    pub works: Vec<String>,
    /// Whether system calls are counted: strace takes its time.
    pub calls: bool,
    /// Small made-up packages and one run, to see whether it all works. Takes the debug build of ours.
    pub quick: bool,
}

/// Filesystems that there are.
const FILESYSTEMS: [&str; 3] = ["ext4", "xfs", "btrfs"];
/// Bytes of a disk.
const DISK: u64 = 12 << 30;
/// Where the programs of ours are in the systems.
const OURS: &str = "/opt/dpkg-ng";
/// Stood in for by `compat-meter`.
const INTERPRETERS: [&str; 3] = ["dash", "bash", "perl"];
/// What the system has at `/t`: memory that both sides and the bench see.
const SHARED: &str = "t";

/// What one run of a step took.
#[derive(Clone, Debug, Default)]
struct Sample {
    /// Seconds.
    wall: f64,
    /// Seconds of it in maintainer scripts.
    scripts: f64,
    /// KiB.
    peak: f64,
    /// Seconds, user and system.
    cpu: f64,
    /// What the disk saw.
    disk: Counts,
    /// System calls, if they were counted.
    calls: Option<u64>,
    /// Exit code, and what came of it.
    seen: String,
    /// Bytes of what was made, if that is a matter of the step.
    size: Option<u64>,
}

/// The samples of both sides of a step: stock's, ours.
type Pair = [Vec<Sample>; 2];

/// What all works share.
struct Bench<'a> {
    exe: &'a Path,
    plan: &'a Plan,
    /// A tmpfs that is gone with this process.
    room: PathBuf,
    /// Whether all was the same on both sides so far.
    same: Cell<bool>,
}

/// Measures and prints a table. `exe` is the `compat` binary. False if a command fails, or if what came of it is not what came
/// of stock's.
pub fn run(exe: &Path, plan: &Plan) -> Res<bool> {
    if !FILESYSTEMS.contains(&plan.fs.as_str()) {
        return Err(format!(
            "--fs {}: not one of {}",
            plan.fs,
            FILESYSTEMS.join(", ")
        ));
    }
    if plan.flush_us.is_empty() || plan.runs == 0 {
        return Err("nothing to measure: --flush-us and --runs need a number".into());
    }
    let known = works::NAMES;
    if let Some(other) = plan.works.iter().find(|w| !known.contains(&w.as_str())) {
        return Err(format!("bench {other}: not one of {}", known.join(", ")));
    }
    let package = match plan.fs.as_str() {
        "ext4" => "e2fsprogs",
        "xfs" => "xfsprogs",
        _ => "btrfs-progs",
    };
    oracle::need(&format!("mkfs.{}", plan.fs), package)?;
    // What is measured is what is shipped.
    let ours = match plan.quick {
        true => sandbox::our_binary()?,
        false => runner::release_binary()?,
    };
    let set = match plan.quick {
        true => None,
        false => {
            fs::create_dir_all(oracle::dir().join("bench")).during("bench")?;
            Some(set::real(&plan.release)?)
        }
    };
    let room = room()?;
    for dir in [SHARED, "drive", "root", "bin"] {
        fs::create_dir(room.join(dir)).during(dir)?;
    }
    let bench = Bench {
        exe,
        plan,
        room,
        same: Cell::new(true),
    };
    bench.make_system(&ours)?;
    let material = works::Material::make(&bench, set)?;
    bench.head(&material)?;
    for name in known {
        if plan.works.is_empty() || plan.works.iter().any(|w| w == name) {
            for work in works::works(name, &material) {
                bench.work(&work)?;
            }
        }
    }
    println!("\nLoad at the end: {}.", load());
    Ok(bench.same.get())
}

/// How many things [`test`] looks at.
pub const TESTS: usize = 4;

/// Whether the disk counts what it does and takes its time, and whether every work can be done. Where the kernel lets
/// nobody serve a file system, as in many containers, none is looked at.
pub fn test(exe: &Path) -> Res<Totals> {
    let mut totals = Totals::default();
    if fs::File::open("/dev/fuse").is_err() {
        totals.ignored = TESTS;
        return Ok(totals);
    }
    let quick = Command::new(exe)
        .args(["bench", "--quick"])
        .status()
        .during(exe.display())?;
    totals.count("quick", quick.success());
    let room = room()?;
    let (image, drive) = (room.join("image"), room.join("drive"));
    fs::create_dir(&drive).during("drive")?;
    fs::write(&image, [7; 1 << 16]).during("image")?;
    let delays = Delays {
        flush_us: 20_000,
        read_us: 0,
    };
    let disk = Disk::new(exe, &image, &drive, delays)?;
    let file = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(disk.bytes())
        .during("disk")?;
    let start = Instant::now();
    for n in 0..5 {
        file.write_all_at(&[n; 4096], u64::from(n) * 8192)
            .during("write")?;
        file.sync_all().during("flush")?;
    }
    let took = start.elapsed();
    let mut content = [0; 1 << 16];
    file.read_exact_at(&mut content, 0).during("read")?;
    drop(file);
    let counts = disk.counts()?;
    let as_written = content
        .chunks(4096)
        .enumerate()
        .all(|(n, page)| page == [if n % 2 == 0 && n < 10 { n as u8 / 2 } else { 7 }; 4096]);
    totals.count("the disk keeps what is written", as_written);
    let seen = (counts.flushes, counts.bytes);
    totals.count("the disk counts", seen == (5, 5 * 4096));
    totals.count("a flush takes its time", took >= Duration::from_millis(100));
    Ok(totals)
}

/// A tmpfs in a mount namespace of this process: it is gone when that is.
fn room() -> Res<PathBuf> {
    let room = oracle::dir().join("mnt");
    unshare(CloneFlags::CLONE_NEWNS).during("unshare (are you root?)")?;
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mnt(None::<&str>, "/", None, private, None)?;
    let options = Some("mode=755,size=90%");
    mnt(
        Some("tmpfs"),
        &room,
        Some("tmpfs"),
        MsFlags::empty(),
        options,
    )?;
    Ok(room)
}

fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

impl Bench<'_> {
    fn shared(&self) -> PathBuf {
        self.room.join(SHARED)
    }

    /// What was measured, on what, and the head of the table.
    fn head(&self, material: &works::Material) -> Res<()> {
        let plan = self.plan;
        let words = |text: &str, lead: &str| {
            let line = text.lines().find(|l| l.starts_with(lead));
            let value = line.and_then(|l| l.split_once(':'));
            value.map_or("?".to_owned(), |(_, v)| v.trim().to_owned())
        };
        let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let kernel = fs::read_to_string("/proc/version").unwrap_or_default();
        let kib: u64 = words(&memory, "MemTotal")
            .split(' ')
            .next()
            .and_then(|n| n.parse().ok())
            .unwrap_or(0);
        let today = Command::new("date").args(["-u", "+%F"]).output();
        let today = today.map_or_else(
            |e| e.to_string(),
            |out| String::from_utf8_lossy(&out.stdout).into_owned(),
        );
        let cores = std::thread::available_parallelism().map_or(0, |n| n.get());
        println!(
            "{}, stock: {}'s. {}\n{cores} cores of {}, {} GiB, Linux {}. A new {} for each run; medians of {}\n\
             (least–most). Load at the start: {}.\n",
            today.trim(),
            plan.release,
            material.text,
            words(&cpu, "model name"),
            (kib + (1 << 19)) >> 20,
            kernel.split(' ').nth(2).unwrap_or("?"),
            plan.fs,
            plan.runs,
            load()
        );
        println!(
            "| work | flush, µs | stock | ours | × | CPU, s: stock, ours | peak, MiB | flushes | system calls |\n\
             |---|---:|---:|---:|---:|---:|---:|---:|---:|"
        );
        Ok(())
    }

    /// Does a work, on each disk that is asked for, and prints its rows.
    fn work(&self, work: &Work) -> Res<()> {
        let template = self.template(work.start)?;
        let disks = match work.flushes {
            Flushes::Each => &self.plan.flush_us[..],
            Flushes::First => &self.plan.flush_us[..1],
        };
        // They depend on the work, not on the disk.
        let mut calls = BTreeMap::new();
        for (n, flush_us) in disks.iter().enumerate() {
            let delays = Delays {
                flush_us: *flush_us,
                read_us: work.read_us,
            };
            let mut all: Vec<Pair> = work.steps.iter().map(|_| Pair::default()).collect();
            for round in 0..self.plan.runs {
                let mut sides = [(0, Who::Theirs), (1, Who::Ours)];
                if round % 2 == 1 {
                    sides.reverse();
                }
                for (side, who) in sides {
                    let taken = self.run(work, &template, delays, who, false)?;
                    for (pair, samples) in all.iter_mut().zip(taken) {
                        pair[side].extend(samples);
                    }
                }
            }
            if n == 0 && work.calls && self.plan.calls {
                for (side, who) in [(0, Who::Theirs), (1, Who::Ours)] {
                    let taken = self.run(work, &template, delays, who, true)?;
                    for (step, samples) in taken.iter().enumerate() {
                        calls.insert((step, side), samples.last().and_then(|s| s.calls));
                    }
                }
            }
            for (step, pair) in all.iter().enumerate() {
                let calls = [0, 1].map(|side| calls.get(&(step, side)).copied().flatten());
                self.rows(&work.steps[step], *flush_us, pair, calls);
            }
        }
        if work.start != Start::System {
            fs::remove_file(&template).during(template.display())?;
        }
        Ok(())
    }

    /// One side's run of all steps on a new disk; the samples of each.
    fn run(
        &self,
        work: &Work,
        template: &Path,
        delays: Delays,
        who: Who,
        trace: bool,
    ) -> Res<Vec<Vec<Sample>>> {
        let mut session = Session::new(self, template, delays, who)?;
        let mut all = Vec::new();
        for step in &work.steps {
            let mut samples = Vec::new();
            // The first of several warms the caches and is not counted.
            let warm = usize::from(step.times > 1);
            let times = if trace { 1 } else { step.times };
            for n in 0..warm + times {
                let sample = session
                    .step(step, n, trace && n == warm)
                    .map_err(|e| format!("{}, {}: {e}", step.what, who.name()))?;
                if n >= warm {
                    samples.push(sample);
                }
            }
            all.push(samples);
        }
        Ok(all)
    }

    /// Prints what came of a step.
    fn rows(&self, step: &Step, flush_us: u64, pair: &Pair, calls: [Option<u64>; 2]) {
        let spread = |of: &dyn Fn(&Sample) -> f64| {
            [0, 1].map(|side| Spread::of(pair[side].iter().map(of).collect()))
        };
        let both = |of: &dyn Fn(&Sample) -> f64| {
            let text = |v: f64| match v {
                0.0 => "0".to_owned(),
                v if v < 1.0 => format!("{v:.2}"),
                v if v < 10.0 => format!("{v:.1}"),
                v => format!("{v:.0}"),
            };
            spread(of).map(|s| text(s.median)).join(", ")
        };
        let time = |what: &str, of: &dyn Fn(&Sample) -> f64, rest: &str| {
            let [theirs, ours] = spread(of);
            let small = theirs.median.max(ours.median) < 1.0;
            println!(
                "| {what} | {flush_us} | {} | {} | {:.2} | {rest} |",
                theirs.time(small),
                ours.time(small),
                theirs.median / ours.median
            );
        };
        let mut what = step.what.clone();
        if pair.iter().flatten().any(|s| s.size.is_some()) {
            let bytes = both(&|s| s.size.unwrap_or(0) as f64);
            let _ = write!(what, " (bytes: {bytes})");
        }
        let calls = match calls {
            [Some(theirs), Some(ours)] => format!("{theirs}, {ours}"),
            _ => String::new(),
        };
        let rest = format!(
            "{} | {} | {} | {calls}",
            both(&|s| s.cpu),
            both(&|s| s.peak / 1024.0),
            both(&|s| s.disk.flushes as f64)
        );
        time(&what, &|s| s.wall, &rest);
        if pair.iter().flatten().any(|s| s.scripts > 0.0) {
            time("… outside of scripts", &|s| s.wall - s.scripts, " | | | ");
        }
        let _ = std::io::stdout().flush();
        // The same on both sides, every time.
        let [theirs, ours] = pair;
        let mut together = theirs.iter().zip(ours);
        if let Some((theirs, ours)) = together.find(|(a, b)| a.seen != b.seen) {
            let diff = crate::report::diff(&theirs.seen, &ours.seen);
            eprintln!("{}: NOT THE SAME\n{diff}", step.what);
            self.same.set(false);
        }
        let sizes = [0, 1].map(|side| pair[side].first().and_then(|s| s.size).unwrap_or(0) as f64);
        if sizes[1] > sizes[0] * 1.01 {
            eprintln!("{}: more than 1 % larger than stock's", step.what);
            self.same.set(false);
        }
    }

    /// The image of the system, which all others are made from: stock's, with ours beside it, and the interpreters measured.
    fn make_system(&self, ours: &Path) -> Res<()> {
        let image = self.room.join("system.img");
        let file = fs::File::create(&image).during(image.display())?;
        file.set_len(DISK).during(image.display())?;
        let mut mkfs = Command::new(format!("mkfs.{}", self.plan.fs));
        match self.plan.fs.as_str() {
            // Nothing is to be left for the kernel to do later.
            "ext4" => mkfs.args(["-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0"]),
            _ => mkfs.args(["-q", "-f"]),
        };
        oracle::run(mkfs.arg(&image))?;
        let bin = self.room.join("bin");
        let names = sandbox::our_tools(ours)?;
        place(ours, &bin, names.iter().map(String::as_str))?;
        let meter = self.exe.with_file_name("compat-meter");
        if !meter.is_file() {
            let hint = "cargo build -p compat-tests makes it";
            return Err(format!("no {}: {hint}", meter.display()));
        }
        self.change(&image, |root| {
            let mut cp = Command::new("cp");
            oracle::run(
                cp.arg("-a")
                    .arg(oracle::root(&self.plan.release).join("."))
                    .arg(root),
            )?;
            let opt = root.join(OURS.trim_start_matches('/'));
            oracle::run(Command::new("cp").arg("-a").arg(&bin).arg(&opt))?;
            for dir in ["usr/lib/compat-meter", SHARED, "w"] {
                fs::create_dir_all(root.join(dir)).during(dir)?;
            }
            let copy = |to: &str| {
                let to = root.join(to);
                fs::copy(&meter, &to).during(to.display()).map(drop)
            };
            copy("usr/bin/compat-meter")?;
            for name in INTERPRETERS {
                let at = root.join("usr/bin").join(name);
                let real = root.join("usr/lib/compat-meter").join(name);
                fs::rename(&at, &real).during(at.display())?;
                copy(&format!("usr/bin/{name}"))?;
            }
            Ok(())
        })
    }

    /// Mounts an image, has it changed, and unmounts it.
    fn change(&self, image: &Path, work: impl FnOnce(&Path) -> Res<()>) -> Res<()> {
        let root = self.room.join("root");
        let mut mount = Command::new("mount");
        oracle::run(mount.args(["-o", "loop"]).arg(image).arg(&root))?;
        let done = work(&root);
        umount2(&root, MntFlags::empty()).during("umount")?;
        done
    }

    /// The image that a work starts from.
    fn template(&self, start: Start) -> Res<PathBuf> {
        let system = self.room.join("system.img");
        let Start::Made(size) = start else {
            return Ok(system);
        };
        let image = self.room.join("made.img");
        copy(&system, &image)?;
        self.change(&image, |root| {
            system::make(&root.join("var/lib/dpkg"), size)
        })?;
        Ok(image)
    }

    /// Runs a line of shell as stock would, in a system of its own, with `/t` as it is for the works.
    fn prepare(&self, line: &str) -> Res<String> {
        let system = self.room.join("system.img");
        let session = Session::new(self, &system, Delays::default(), Who::Theirs)?;
        let out = session
            .command(&["/bin/sh", "-ec", line])
            .output()
            .during("chroot")?;
        if !out.status.success() {
            let stderr = String::from_utf8_lossy(&out.stderr);
            return Err(format!("{line}: {}\n{stderr}", out.status));
        }
        Ok(String::from_utf8_lossy(&out.stdout).into_owned())
    }
}

/// Copies an image, holes as holes.
fn copy(from: &Path, to: &Path) -> Res<()> {
    let mut cp = Command::new("cp");
    oracle::run(cp.arg("--sparse=always").arg(from).arg(to))
}

/// A disk with a system in use.
struct Session<'a> {
    bench: &'a Bench<'a>,
    who: Who,
    // Dropped in this order.
    mounted: Option<Mounted>,
    disk: Disk,
}

impl<'a> Session<'a> {
    fn new(bench: &'a Bench<'a>, template: &Path, delays: Delays, who: Who) -> Res<Session<'a>> {
        let image = bench.room.join("run.img");
        copy(template, &image)?;
        let disk = Disk::new(bench.exe, &image, &bench.room.join("drive"), delays)?;
        let mut session = Session {
            bench,
            who,
            mounted: None,
            disk,
        };
        session.mount()?;
        Ok(session)
    }

    fn root(&self) -> PathBuf {
        self.bench.room.join("root")
    }

    /// Mounts the system, anew if it is: then nothing of it is in memory.
    fn mount(&mut self) -> Res<()> {
        self.mounted = None;
        let root = self.root();
        self.mounted = Some(self.disk.mount(&self.bench.plan.fs, &root)?);
        bind(self.bench.shared(), &root.join(SHARED), true)?;
        sandbox::devices(&root.join("dev"))?;
        sandbox::proc(&root.join("proc"))
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut c = command("chroot");
        let ours = match self.who {
            Who::Ours => format!("{OURS}:"),
            Who::Theirs => String::new(),
        };
        c.arg(self.root())
            .args(args)
            .env("PATH", format!("{ours}/usr/sbin:/usr/bin"))
            .env("HOME", "/root")
            .current_dir("/")
            .stdin(Stdio::null());
        c
    }

    fn step(&mut self, step: &Step, n: usize, trace: bool) -> Res<Sample> {
        if step.cold {
            self.mount()?;
        }
        let shared = self.bench.shared();
        let file = |name: &str| shared.join(name);
        fs::write(file("scripts"), "").during("scripts")?;
        let mut args: Vec<String> = vec!["/usr/bin/compat-meter".into(), "/t/report".into()];
        if trace {
            let strace = ["/usr/bin/strace", "-f", "-qq", "-c", "-o", "/t/calls"];
            args.extend(strace.map(str::to_owned));
        }
        args.extend(step.args.iter().map(|a| a.replace("{n}", &n.to_string())));
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let (out, err) = (file("out"), file("err"));
        let to = |path: &Path| fs::File::create(path).during(path.display());
        // Nothing of what was before is to be written during this one.
        let root = fs::File::open(self.root()).during("root")?;
        nix::unistd::syncfs(&root).during("syncfs")?;
        drop(root);
        let before = self.disk.counts()?;
        let status = self
            .command(&args)
            .stdout(to(&out)?)
            .stderr(to(&err)?)
            .status()
            .during("chroot")?;
        let disk = self.disk.counts()? - before;
        let said = fs::read(&err).during(err.display())?;
        let said = String::from_utf8_lossy(&said);
        let end: Vec<&str> = said.lines().rev().take(15).collect();
        let report = fs::read_to_string(file("report")).unwrap_or_default();
        let numbers: Vec<f64> = report.split(' ').filter_map(|n| n.parse().ok()).collect();
        let [wall, cpu, peak, code] = numbers[..] else {
            return Err(format!("{status}\n{}", end.join("\n")));
        };
        fs::remove_file(file("report")).during("report")?;
        if code != step.code {
            return Err(format!(
                "exit {code}, last words first:\n{}",
                end.join("\n")
            ));
        }
        let scripts = fs::read_to_string(file("scripts")).during("scripts")?;
        let scripts: f64 = scripts
            .lines()
            .filter_map(|l| l.split(' ').next()?.parse::<f64>().ok())
            .fold(0.0, |sum, seconds| sum + seconds);
        let calls = match trace {
            true => Some(total_calls(&file("calls"))?),
            false => None,
        };
        let mut size = None;
        let seen = match &step.same {
            Same::Output => {
                let out = fs::read(&out).during(out.display())?;
                format!("output: {:x}\n", Sha256::digest(out))
            }
            Same::System => self.system()?,
            Same::Made(path) => {
                let path = self.root().join(path);
                let made = fs::metadata(&path).during(path.display())?;
                if made.is_file() {
                    size = Some(made.len());
                    String::new()
                } else {
                    tally(&path)?
                }
            }
            Same::Nothing => String::new(),
        };
        eprintln!(
            "{}, {}: {wall:.3} s, scripts {scripts:.3}, CPU {cpu:.3}, flushes {}",
            step.what,
            self.who.name(),
            disk.flushes
        );
        for path in &step.remove {
            let path = self.root().join(path);
            match path.is_dir() {
                true => fs::remove_dir_all(&path),
                false => fs::remove_file(&path),
            }
            .during(path.display())?;
        }
        Ok(Sample {
            wall,
            scripts,
            peak,
            cpu,
            disk,
            calls,
            seen,
            size,
        })
    }

    /// The packages of each state, and what there is of files.
    fn system(&self) -> Res<String> {
        let root = self.root();
        let status = root.join("var/lib/dpkg/status");
        let text = fs::read(&status).during(status.display())?;
        let text = String::from_utf8_lossy(&text);
        let mut states: BTreeMap<&str, usize> = BTreeMap::new();
        for state in text.lines().filter_map(|l| l.strip_prefix("Status: ")) {
            *states.entry(state).or_default() += 1;
        }
        let mut seen = String::new();
        for (state, packages) in states {
            let _ = writeln!(seen, "{packages} packages {state}");
        }
        for dir in ["etc", "usr", "var/lib/dpkg/info"] {
            let _ = write!(seen, "{dir}: {}", tally(&root.join(dir))?);
        }
        Ok(seen)
    }
}

/// Median, least and most of some figures.
struct Spread {
    median: f64,
    least: f64,
    most: f64,
}

impl Spread {
    fn of(mut all: Vec<f64>) -> Spread {
        all.sort_by(f64::total_cmp);
        let at = |n: usize| all.get(n).copied().unwrap_or(f64::NAN);
        let last = all.len().saturating_sub(1);
        Spread {
            median: (at(last / 2) + at(all.len() / 2)) / 2.0,
            least: at(0),
            most: at(last),
        }
    }

    /// As seconds, or milliseconds if it is `small`.
    fn time(&self, small: bool) -> String {
        let (unit, scale) = if small { (" ms", 1e3) } else { (" s", 1.0) };
        let text = |t: f64| {
            let t = t * scale;
            let digits = if t < 10.0 { 2 } else { 1 };
            format!("{t:.digits$}")
        };
        format!(
            "{}{unit} ({}–{})",
            text(self.median),
            text(self.least),
            text(self.most)
        )
    }
}

/// The sum that strace wrote: the fourth column of the line `total`.
fn total_calls(file: &Path) -> Res<u64> {
    let text = fs::read_to_string(file).during(file.display())?;
    text.lines()
        .rfind(|l| l.ends_with(" total"))
        .and_then(|l| l.split_whitespace().nth(3)?.parse().ok())
        .ok_or_else(|| format!("{}: no total", file.display()))
}

/// How many directories, files and links there are below a directory.
fn tally(dir: &Path) -> Res<String> {
    let (mut dirs, mut files, mut links) = (0, 0, 0);
    let mut todo = vec![dir.to_owned()];
    while let Some(dir) = todo.pop() {
        for entry in fs::read_dir(&dir).during(dir.display())? {
            let entry = entry.during(dir.display())?;
            let kind = entry.file_type().during(dir.display())?;
            if kind.is_dir() {
                dirs += 1;
                todo.push(entry.path());
            } else if kind.is_symlink() {
                links += 1;
            } else {
                files += 1;
            }
        }
    }
    Ok(format!(
        "{dirs} directories, {files} files, {links} links\n"
    ))
}
