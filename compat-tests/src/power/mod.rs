//! A system whose power is cut while dpkg works, in a virtual machine: what the kernel had not yet
//! written is lost, which no killed process shows.
//!
//! The machine's first process (`init.sh`) installs, upgrades and purges packages without end; how, is in
//! `dpkg.sh`, and for versions side by side in `multi.sh`. At a random moment the machine is killed. Started
//! again, it looks whether every file is whole, runs `dpkg --configure -a`, then the interrupted command once
//! more, and looks at everything; then it goes on. In the end the system starts as usual, and systemd must
//! find nothing failed.
//!
//! With `--without-sync` no sync of dpkg's is carried out, and the test fails: that is how it is known to be
//! able to. (`--force-unsafe-io` is not as bad: dpkg still has the kernel begin to write each file.)

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use crate::generator::rng::Rng;
use crate::report::Totals;
use crate::sandbox::{Who, command, enter_on};
use crate::{During, Res, oracle, real};

/// How long a machine may take to say what is awaited; it is an emulated one.
const PATIENCE: Duration = Duration::from_secs(600);
/// The longest wait between a command's start and the cut, in milliseconds.
const LATEST: usize = 15_000;

/// What to do.
pub struct Plan<'a> {
    /// The system's release.
    pub release: &'a str,
    /// Where our packages are; without them it is stock's dpkg.
    pub debs: Option<&'a Path>,
    /// How often the power is cut.
    pub cuts: usize,
    /// Whether versions come side by side.
    pub multi: bool,
    /// Whether dpkg's syncs are left out.
    pub without_sync: bool,
}

/// Makes the system, in a sandbox.
pub fn in_sandbox(args: &[String]) -> Res<()> {
    let [release, out, debs @ ..] = args else {
        return Err("power: release, out, debs".into());
    };
    let guest = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src/power"));
    let mut shown = vec![
        (real::archives(release), "archives"),
        (real::lists(release), "lists"),
        (PathBuf::from(out), "out"),
        (guest, "guest"),
    ];
    shown.extend(debs.iter().map(|debs| (PathBuf::from(debs), "ng")));
    let disk = oracle::dir().join("disk").join(format!("power-{release}"));
    enter_on(release, Who::Theirs, &shown, Some(&disk))?;
    // The programs by their own names: what is installed is what is tested.
    let made = command("sh")
        .args(["-c", include_str!("make.sh"), "make.sh"])
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .output()
        .during("sh")?;
    match made.status.success() {
        true => Ok(()),
        false => Err(format!(
            "making the system: {}{}",
            String::from_utf8_lossy(&made.stdout),
            String::from_utf8_lossy(&made.stderr)
        )),
    }
}

/// Makes the system, cuts its power, starts it.
pub fn run(exe: &Path, plan: &Plan) -> Res<Totals> {
    oracle::need("qemu-system-x86_64", "qemu-system-x86")?;
    let whose = match plan.debs {
        None => "theirs",
        Some(_) if plan.multi => "multi",
        Some(_) => "ours",
    };
    let dir = oracle::dir()
        .join("power")
        .join(format!("{}-{whose}", plan.release));
    for d in [
        dir.clone(),
        real::archives(plan.release).join("partial"),
        real::lists(plan.release).join("partial"),
    ] {
        fs::create_dir_all(&d).during(d.display())?;
    }
    let made = Command::new(exe)
        .args(["--power-in-sandbox", plan.release])
        .arg(&dir)
        .args(plan.debs)
        .status()
        .during(exe.display())?;
    if !made.success() {
        return Err(format!("making the system: {made}"));
    }
    let machine = Machine { dir };
    let words = [
        (plan.multi, "power.multi"),
        (plan.without_sync, "power.without-sync"),
    ];
    let words: Vec<&str> = words.iter().filter(|w| w.0).map(|w| w.1).collect();
    let parameters = format!("init=/srv/power/init.sh {}", words.join(" "));
    let seed = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |t| t.as_secs());
    let mut rng = Rng::new(seed);
    let mut totals = Totals::default();
    let mut at = String::new();
    for cut in 0..=plan.cuts {
        let last = if cut == plan.cuts { "power.last" } else { "" };
        let mut running = machine.start(&format!("{parameters} {last}"))?;
        let said = running.until(|said| said.contains("\nstep ") || said.starts_with("step "))?;
        if cut > 0 {
            let sound = said.lines().any(|l| l == "sound");
            totals.count(&format!("power/cut-{cut}"), sound);
            if !sound {
                // The disk stays as it is, to be looked at.
                println!("{at}; then:\n{said}");
                return Ok(totals);
            }
        }
        if cut < plan.cuts {
            let after = Duration::from_millis(rng.below(LATEST) as u64);
            sleep(after);
            let said = running.said()?;
            let step = said.lines().rfind(|l| l.starts_with("step "));
            let (step, after) = (step.unwrap_or_default(), after.as_secs_f32());
            at = format!("cut in {step}, {after:.1} s on");
            println!("{at}");
        }
    }
    let said = machine.start("")?.until(|_| false)?;
    // Nothing failed, the database was backed up, and audit and verify had nothing to say.
    totals.count("power/system", said == "system: running\nend\n");
    println!("{said}");
    Ok(totals)
}

/// A machine with its disk, kernel and initramfs.
struct Machine {
    dir: PathBuf,
}

/// A machine that is on; dropped, its power is cut.
struct Running {
    qemu: Child,
    line: PathBuf,
}

impl Machine {
    fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    fn start(&self, parameters: &str) -> Res<Running> {
        let line = self.file("said");
        fs::write(&line, "").during(line.display())?;
        let path = |name| self.file(name).display().to_string();
        let qemu = Command::new("qemu-system-x86_64")
            // qemu 7.2 emulates cmpxchg16b so that a kernel's memory breaks; without it, kernels do something else.
            .args(["-accel", "tcg", "-cpu", "Westmere,-cx16"])
            .args(["-m", "1024", "-display", "none", "-no-reboot"])
            .args(["-kernel", &path("kernel"), "-initrd", &path("initrd")])
            .arg("-append")
            // ext4 itself would sync a file that is renamed over another.
            .arg(format!(
                "root=/dev/vda rootflags=noauto_da_alloc rw console=ttyS0 quiet panic=-1 {parameters}"
            ))
            .args(["-serial", &format!("file:{}", path("console"))])
            .args(["-serial", &format!("file:{}", path("said"))])
            .arg("-drive")
            .arg(format!("file={},if=virtio,format=raw", path("disk")))
            .stdin(Stdio::null())
            .spawn()
            .during("qemu-system-x86_64")?;
        Ok(Running { qemu, line })
    }
}

impl Running {
    fn said(&self) -> Res<String> {
        let text = fs::read(&self.line).during(self.line.display())?;
        Ok(String::from_utf8_lossy(&text).replace('\r', ""))
    }

    /// Waits until `enough` of what it said, or it ends, and gives all of it.
    fn until(&mut self, enough: impl Fn(&str) -> bool) -> Res<String> {
        let begun = Instant::now();
        loop {
            let said = self.said()?;
            if enough(&said) {
                return Ok(said);
            }
            if self.qemu.try_wait().during("qemu")?.is_some() {
                return self.said();
            }
            if begun.elapsed() > PATIENCE {
                return Err(format!("the machine does not get on; it said:\n{said}"));
            }
            sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
    }
}
