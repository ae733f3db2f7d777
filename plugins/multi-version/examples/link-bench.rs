//! Linking 1,000 of this machine's ELF objects, beside patchelf on the same files in the same run.
//!
//!     cargo run --release -p dpkgng-multi-version --example link-bench [-- PATCHELF [RUNS]]
//!
//! Ours is [`Linker::make`], with everything it does: rewritten copies with owner, mode, time and attributes, undo
//! records, syncfs, renames; then the check by ld.so's rules. patchelf's is a copy (by the kernel), patchelf, and one
//! syncfs; two at a time, as ours. The median of the runs is told; it fails if ours is not the faster.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use dpkgng_multi_version::elf::{DynamicInfo, Image, Port, View, is_glibc_interpreter};
use dpkgng_multi_version::facts::{Control, Facts, Object};
use dpkgng_multi_version::generation::{Disk, Sys};
use dpkgng_multi_version::layout::{Layout, Sha256, Soname, Version};
use dpkgng_multi_version::link::{Linker, POLICY, Planned, Unlinked};
use dpkgng_multi_version::manifest::{Installation, Realization};

const FILES: usize = 1000;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let tool = arguments.next().unwrap_or_else(|| "patchelf".into());
    let runs = arguments.next().and_then(|r| r.parse().ok()).unwrap_or(5);
    let version = Command::new(&tool).arg("--version").output();
    let Ok(version) = version else {
        eprintln!("{tool} can't be run: apt-get install patchelf");
        return ExitCode::from(2);
    };
    let dir = tempfile::tempdir_in("/var/tmp").expect("a scratch directory");
    let bench = Bench::new(dir.path());
    let (mut ours, mut theirs, mut check) = (Vec::new(), Vec::new(), Vec::new());
    let mut refused = Vec::new();
    for _ in 0..runs {
        let (linked, checked, unlinked) = bench.ours();
        refused = unlinked;
        ours.push(linked);
        check.push(checked);
        theirs.push(bench.theirs(&tool));
    }
    for unlinked in refused {
        println!("not linked: {}: {}", unlinked.path.display(), unlinked.why);
    }
    let [ours, theirs, check] = [ours, theirs, check].map(median);
    let bytes: u64 = bench.facts.installation.size;
    println!(
        "{} objects, {} MB, median of {runs} runs",
        bench.facts.objects.len(),
        bytes >> 20
    );
    println!("link      {ours:.3} s");
    println!(
        "patchelf  {theirs:.3} s  ({})",
        String::from_utf8_lossy(&version.stdout).trim()
    );
    println!(
        "ratio     {:.3}, {:.1} times as fast",
        ours / theirs,
        theirs / ours
    );
    println!("check     {check:.3} s");
    match ours < theirs {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

struct Bench {
    dir: PathBuf,
    layout: Layout,
    facts: Facts,
}

impl Bench {
    fn new(dir: &Path) -> Bench {
        let layout = Layout::new(dir.join("sys"));
        drop(Sys::open(layout.clone(), Disk::default(), false).expect("a layout"));
        let mut installation = Installation {
            package: "bench".parse().expect("a name"),
            version: Version::new("1").expect("a version"),
            architecture: "all".parse().expect("an architecture"),
            sha256: Sha256::of(b"bench"),
            size: 0,
            setuid: Vec::new(),
        };
        let home = layout.installation(&installation.id());
        fs::create_dir_all(home.join("usr/bin")).expect("a payload");
        let mut objects = Vec::new();
        let found = elf_files();
        for number in 0..FILES {
            // A machine with fewer has some twice.
            let from = &found[number % found.len()];
            let name = from.file_name().expect("a name").to_string_lossy();
            let path = Path::new("usr/bin").join(format!("{number:04}-{name}"));
            fs::copy(from, home.join(&path)).expect("a copy");
            let mode = fs::Permissions::from_mode(0o755);
            fs::set_permissions(home.join(&path), mode).expect("a mode");
            let bytes = fs::read(from).expect("a file");
            installation.size += bytes.len() as u64;
            objects.push(object(&bytes, path).expect("an object"));
        }
        fs::create_dir(home.join("DEBIAN")).expect("a payload");
        let text = installation.to_text().expect("a text");
        fs::write(home.join("DEBIAN/installation"), text).expect("a record");
        Bench {
            dir: dir.into(),
            layout,
            facts: Facts {
                id: installation.id(),
                installation,
                control: Control::default(),
                paths: objects.iter().map(|o| o.path.clone()).collect(),
                objects,
                damaged: Vec::new(),
            },
        }
    }

    /// Seconds for linking and for the check, and what was refused.
    fn ours(&self) -> (f64, f64, Vec<Unlinked>) {
        let realization = Realization {
            installation: self.facts.id.clone(),
            sha256: self.facts.installation.sha256,
            overrides: BTreeMap::new(),
            own: BTreeSet::new(),
            needed: BTreeSet::new(),
            rpath: false,
            policy: POLICY,
        };
        let target = &self.facts.objects[0].target;
        let host = Port::of(target).expect("a port").architecture;
        let linker = Linker::new(&self.layout, host.parse().expect("a name"), [&self.facts]);
        let sys = Sys::open(self.layout.clone(), Disk::default(), false).expect("a layout");
        let all = [realization];
        let start = Instant::now();
        let mut made = linker.make(&sys, &all, &mut |_| {}).expect("linked");
        let linked = start.elapsed().as_secs_f64();
        let start = Instant::now();
        let realized = BTreeMap::from([(self.facts.id.clone(), made[0].id.clone())]);
        let planned = Planned {
            realizations: &all,
            realized: &realized,
            libraries: &BTreeMap::new(),
            links: &[],
            tree: vec![&made[0].id],
            made: BTreeMap::new(),
            only: None,
        };
        linker.check(&planned).expect("checked");
        let checked = start.elapsed().as_secs_f64();
        fs::remove_dir_all(self.layout.realization(&made[0].id)).expect("removed");
        let unlinked = made.pop().expect("one").unlinked;
        (linked, checked, unlinked)
    }

    /// Seconds for patchelf.
    fn theirs(&self, tool: &str) -> f64 {
        let home = self.layout.installation(&self.facts.id);
        let to = self.dir.join("patchelf");
        fs::create_dir_all(to.join("usr/bin")).expect("a directory");
        let lib = format!("/var/sys/inst/{}/lib", self.facts.id);
        let paths = format!("{lib}:/var/sys/current-system/lib");
        let next = AtomicUsize::new(0);
        let start = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while let Some(object) =
                        self.facts.objects.get(next.fetch_add(1, Ordering::Relaxed))
                    {
                        let copy = to.join(&object.path);
                        fs::copy(home.join(&object.path), &copy).expect("a copy");
                        let mut command = Command::new(tool);
                        if let Some(interpreter) = &object.interpreter {
                            let name = interpreter.file_name().expect("a name");
                            let path = Path::new(&lib).join(name);
                            command.arg("--set-interpreter").arg(path);
                        }
                        command.args(["--set-rpath", &paths]).arg(&copy);
                        let done = command.stderr(Stdio::null()).status();
                        if !done.is_ok_and(|s| s.success()) {
                            println!("patchelf refused {}", object.path.display());
                        }
                    }
                });
            }
        });
        rustix::fs::syncfs(File::open(&to).expect("a directory")).expect("synced");
        let took = start.elapsed().as_secs_f64();
        fs::remove_dir_all(to).expect("removed");
        took
    }
}

/// This machine's programs and libraries that need a library.
fn elf_files() -> Vec<PathBuf> {
    let mut dirs = vec![
        PathBuf::from("/usr/bin"),
        "/usr/sbin".into(),
        "/usr/lib".into(),
    ];
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            let Ok(is) = entry.metadata() else { continue };
            if is.is_dir() {
                dirs.push(entry.path());
            } else if is.is_file() && seen.insert((is.dev(), is.ino())) {
                let mut magic = [0; 4];
                let read = File::open(entry.path()).and_then(|mut f| f.read_exact(&mut magic));
                let is_elf = read.is_ok() && magic == *b"\x7fELF";
                // Compilers and debuggers would be most of the bytes.
                if is_elf && is.len() < 1 << 24 {
                    found.push(entry.path());
                }
            }
        }
    }
    found.sort();
    found.retain(|path| fs::read(path).is_ok_and(|b| object(&b, path.clone()).is_some()));
    // A like choice from everywhere.
    let step = (found.len() / FILES).max(1);
    found.into_iter().step_by(step).take(FILES).collect()
}

fn object(bytes: &[u8], path: PathBuf) -> Option<Object> {
    let image = Image::read(View::of(bytes)).ok()?;
    let info = DynamicInfo::of(&image).ok()?;
    let text = |b: &Vec<u8>| String::from_utf8(b.clone()).ok();
    let glibc = info
        .interpreter
        .as_ref()
        .is_none_or(|i| is_glibc_interpreter(i));
    if info.needed.is_empty() || !glibc {
        return None;
    }
    let needed = info
        .needed
        .iter()
        .filter_map(|n| Soname::new(&text(n)?).ok());
    Some(Object {
        path,
        target: info.target,
        interpreter: info.interpreter.as_ref().and_then(text).map(PathBuf::from),
        soname: None,
        names: Vec::new(),
        rpath: false,
        public: false,
        needed: needed.collect(),
        mentions: Vec::new(),
    })
}
