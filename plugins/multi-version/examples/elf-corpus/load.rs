//! A root of rewritten files, in which ld.so loads them.
//!
//! Every package of the corpus is copied into one merged-usr root, rewritten on the way; interpreter and libraries
//! are linked into [`files::INSTALL`] and [`files::SYSTEM`] there, and nothing is where the loader would
//! look by itself: the old interpreter's path does not exist, nor does `ld.so.cache`, nor do the
//! default directories hold a `lib*.so*`. What then starts, starts by what was written into it.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::rc::Rc;

use dpkgng_multi_version::elf::resolve::{Environment, Files, Object, Process};
use dpkgng_multi_version::elf::{
    self, DynamicInfo, Image, Outcome, Target, View, is_glibc_interpreter,
};

use super::files;

/// Builds the root and loads everything; as root, since it takes chroot.
pub fn run(root: &Path, dirs: &[PathBuf]) -> bool {
    // The loader reads $ORIGIN from /proc, which is mounted where nobody else sees it.
    if std::env::var_os(INSIDE).is_none() {
        let again = std::env::current_exe().and_then(|exe| {
            let mut command = Command::new("unshare");
            command
                .arg("--mount")
                .arg(exe)
                .args(std::env::args_os().skip(1));
            command.env(INSIDE, "1").status()
        });
        return again.is_ok_and(|s| s.success());
    }
    match build(root, dirs).and_then(|objects| load_all(root, &objects)) {
        Ok(right) => right,
        Err(error) => {
            println!("{}: {error}", root.display());
            false
        }
    }
}

const INSIDE: &str = "ELF_CORPUS_INSIDE";

/// What was placed: inside the root, with what it is.
struct Placed {
    path: PathBuf,
    from: PathBuf,
    program: bool,
    edited: bool,
    target: Target,
}

/// Copies packages into the root.
fn build(root: &Path, dirs: &[PathBuf]) -> io::Result<Vec<Placed>> {
    for dir in [
        "usr/bin",
        "usr/sbin",
        "usr/lib",
        "usr/lib64",
        "tmp",
        "dev",
        "proc",
        "etc",
    ] {
        fs::create_dir_all(root.join(dir))?;
    }
    for dir in ["bin", "sbin", "lib", "lib64"] {
        let _ = symlink(Path::new("usr").join(dir), root.join(dir));
    }
    fs::write(root.join("dev/null"), "")?;
    let mut placed = Vec::new();
    let mut libraries: BTreeMap<Vec<u8>, PathBuf> = BTreeMap::new();
    for dir in dirs {
        let mut packages: Vec<_> = fs::read_dir(dir)?.flatten().map(|e| e.path()).collect();
        packages.sort();
        for package in packages {
            copy(root, &package, &package, &mut placed, &mut libraries)?;
        }
    }
    let inst = inside(root, files::INSTALL);
    let system = inside(root, files::SYSTEM);
    fs::create_dir_all(&inst)?;
    fs::create_dir_all(&system)?;
    for (soname, path) in &libraries {
        let name = OsStr::from_bytes(soname);
        // libc's own and the loader beside the program, the others in the system's directory.
        let loader = is_glibc_interpreter(soname) || soname == b"libc.so.6";
        let dir = if loader { &inst } else { &system };
        let _ = symlink(path, dir.join(name));
    }
    Ok(placed)
}

fn inside(root: &Path, path: impl AsRef<Path>) -> PathBuf {
    let path = path.as_ref();
    root.join(path.strip_prefix("/").unwrap_or(path))
}

/// Where a package's path is in a merged-usr root; libraries in default directories go aside.
fn merged(path: &Path) -> PathBuf {
    let merged = match path.iter().next().and_then(OsStr::to_str) {
        Some("bin" | "sbin" | "lib" | "lib32" | "lib64" | "libx32") => Path::new("usr").join(path),
        _ => path.to_owned(),
    };
    let parent = merged.parent().and_then(Path::to_str).unwrap_or_default();
    let default = parent == "usr/lib"
        || parent == "usr/lib64"
        || (parent.starts_with("usr/lib/")
            && parent.ends_with("-linux-gnu")
            && parent.matches('/').count() == 2);
    let name = merged
        .file_name()
        .and_then(OsStr::to_str)
        .unwrap_or_default();
    if default && name.contains(".so") {
        return Path::new("usr/aside").join(name);
    }
    merged
}

fn copy(
    root: &Path,
    package: &Path,
    dir: &Path,
    placed: &mut Vec<Placed>,
    libraries: &mut BTreeMap<Vec<u8>, PathBuf>,
) -> io::Result<()> {
    for entry in fs::read_dir(dir)?.flatten() {
        let from = entry.path();
        let kind = entry.file_type()?;
        let inner = merged(from.strip_prefix(package).unwrap_or(&from));
        let to = root.join(&inner);
        if kind.is_dir() {
            copy(root, package, &from, placed, libraries)?;
            continue;
        }
        if to.symlink_metadata().is_ok() {
            continue;
        }
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent)?;
        }
        if kind.is_symlink() {
            let target = fs::read_link(&from)?;
            let aside = inner.starts_with("usr/aside") && target.iter().count() == 1;
            let elsewhere = inner
                .starts_with("usr/aside")
                .then(|| target.file_name())
                .flatten();
            match elsewhere {
                Some(name) if !aside => symlink(name, &to)?,
                _ => symlink(&target, &to)?,
            }
            continue;
        }
        if !kind.is_file() {
            continue;
        }
        let bytes = fs::read(&from)?;
        let Ok(image) = Image::read(View::of(&bytes)) else {
            // Data matters to few programs' --version; images that sit beside a program do.
            if from.extension().is_some_and(|e| e == "core") {
                fs::write(&to, &bytes)?;
            }
            continue;
        };
        let outcome = elf::rewrite(&bytes, &files::wish(&bytes));
        let edited = matches!(outcome, Outcome::Edit(..));
        let mode = fs::metadata(&from)?.mode();
        match outcome {
            Outcome::Edit(_, edit) => fs::write(&to, edit.apply(&bytes))?,
            _ => fs::write(&to, &bytes)?,
        }
        fs::set_permissions(&to, fs::Permissions::from_mode(mode & 0o777))?;
        let Ok(info) = DynamicInfo::of(&image) else {
            continue;
        };
        let path = Path::new("/").join(&inner);
        let shared = inner.starts_with("usr/aside");
        if let Some(soname) = info.soname.filter(|_| shared) {
            libraries.entry(soname).or_insert_with(|| path.clone());
        }
        if image.dynamic.is_some() {
            placed.push(Placed {
                path,
                from: from.clone(),
                program: info.interpreter.is_some() && mode & 0o111 != 0,
                edited,
                target: Target::of(&image),
            });
        }
    }
    Ok(())
}

#[derive(Default)]
struct Counts {
    programs: usize,
    libraries: usize,
    incomplete: usize,
    listed: usize,
    agreed: usize,
    ran: usize,
    failed: usize,
}

/// Lets ld.so tell what each object loads, every relocation tried, holds that against the model, runs programs.
fn load_all(root: &Path, placed: &[Placed]) -> io::Result<bool> {
    let mount = Command::new("mount")
        .args(["-t", "proc", "proc"])
        .arg(root.join("proc"))
        .status()?;
    if !mount.success() {
        return Err(io::Error::other("cannot mount /proc"));
    }
    let tree = Tree::new(root);
    let environment = Environment {
        cwd: b"/".to_vec(),
        ..Environment::default()
    };
    let loader = fs::read_dir(inside(root, files::INSTALL))?
        .flatten()
        .find(|e| is_glibc_interpreter(e.file_name().as_bytes()));
    let loader = loader.ok_or_else(|| io::Error::other("no ld.so in the corpus"))?;
    let loader = Path::new(files::INSTALL).join(loader.file_name());
    let target = tree
        .object(loader.as_os_str().as_bytes())
        .map(|o| o.info.target);
    let mut counts = Counts::default();
    let mut through: BTreeMap<String, usize> = BTreeMap::new();
    for object in placed.iter().filter(|p| p.edited) {
        if Some(object.target) != target {
            println!("for another loader: {}", object.path.display());
            continue;
        }
        match object.program {
            true => counts.programs += 1,
            false => counts.libraries += 1,
        }
        let Some(process) = Process::start(&tree, &environment, object.path.as_os_str().as_bytes())
        else {
            continue;
        };
        let missing: Vec<_> = process.missing().map(|n| text(&n.name)).collect();
        if !missing.is_empty() {
            // The corpus is not closed for it: the loader must miss the same.
            counts.incomplete += 1;
        }
        for need in &process.needs {
            *through.entry(format!("{:?}", need.through)).or_default() += 1;
        }
        let expected: BTreeSet<String> = process
            .loaded
            .iter()
            .skip(1)
            .map(|l| text(&l.path))
            .collect();
        let output = trace(root, &loader, &[object.path.as_os_str()])?;
        let listed = String::from_utf8_lossy(&output.stdout).into_owned();
        let (found, absent) = parse_list(&listed);
        if !output.status.success() && missing.is_empty() {
            counts.failed += 1;
            println!(
                "not loaded: {}: {}",
                object.path.display(),
                String::from_utf8_lossy(&output.stderr).trim()
            );
            continue;
        }
        counts.listed += usize::from(output.status.success());
        let complaints = unresolved(&output);
        if !complaints.is_empty() && missing.is_empty() {
            let before = as_before(root, object)?;
            let arguments: Vec<&OsStr> = before.iter().map(|a| a.as_os_str()).collect();
            let other = unresolved(&trace(root, &loader, &arguments)?);
            if other != complaints {
                counts.failed += 1;
                let new: Vec<_> = complaints.difference(&other).take(3).collect();
                println!("symbols: {}: {new:?}", object.path.display());
            }
        }
        // In a library's list the loader itself stands in place of an interpreter.
        let differ = |a: &BTreeSet<String>, b: &BTreeSet<String>| -> Vec<String> {
            a.difference(b)
                .filter(|p| !is_glibc_interpreter(p.as_bytes()))
                .cloned()
                .collect()
        };
        let same = missing.iter().cloned().collect::<BTreeSet<_>>() == absent
            && (!missing.is_empty()
                || differ(&expected, &found).is_empty() && differ(&found, &expected).is_empty());
        if same {
            counts.agreed += 1;
        } else {
            println!(
                "the model differs: {}: only model {:?}, only ld.so {:?}, missing {missing:?}, ld.so misses {absent:?}",
                object.path.display(),
                differ(&expected, &found),
                differ(&found, &expected)
            );
        }
        if object.program && missing.is_empty() {
            match runs(root, &loader, object)? {
                None => counts.ran += 1,
                Some(problem) => {
                    counts.failed += 1;
                    println!("--version failed: {}: {problem}", object.path.display());
                }
            }
        }
    }
    println!(
        "{} programs, {} libraries rewritten; {} lack something that is not in the corpus; ld.so loads {}, the model agrees in {}; {} programs started with --version; {} failures",
        counts.programs,
        counts.libraries,
        counts.incomplete,
        counts.listed,
        counts.agreed,
        counts.ran,
        counts.failed
    );
    println!("needs by rule: {through:?}");
    Ok(counts.failed == 0 && counts.agreed == counts.programs + counts.libraries)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn chroot(root: &Path, program: &Path, arguments: &[&OsStr]) -> io::Result<std::process::Output> {
    Command::new("timeout")
        .args(["-s", "KILL", "10", "chroot"])
        .arg(root)
        .arg(program)
        .args(arguments)
        .env_clear()
        .env("PATH", "/usr/bin:/usr/sbin")
        .env("HOME", "/tmp")
        .stdin(Stdio::null())
        .output()
}

/// What `ldd -r` does: lists what is loaded, with every relocation tried.
fn trace(root: &Path, loader: &Path, arguments: &[&OsStr]) -> io::Result<std::process::Output> {
    Command::new("timeout")
        .args(["-s", "KILL", "20", "chroot"])
        .arg(root)
        .args([
            "/usr/bin/env",
            "LD_TRACE_LOADED_OBJECTS=1",
            "LD_WARN=1",
            "LD_BIND_NOW=1",
        ])
        .arg(loader)
        .args(arguments)
        .env_clear()
        .env("PATH", "/usr/bin:/usr/sbin")
        .stdin(Stdio::null())
        .output()
}

/// Arguments by which the same loader starts the unchanged file, beside the rewritten one because of
/// `$ORIGIN`, with the same directories.
fn as_before(root: &Path, object: &Placed) -> io::Result<Vec<std::ffi::OsString>> {
    let mut name = OsStr::new("before-").to_owned();
    name.push(object.path.file_name().unwrap_or_default());
    let path = object.path.with_file_name(name);
    fs::copy(&object.from, inside(root, &path))?;
    let dirs = format!("{}:{}", files::INSTALL, files::SYSTEM);
    Ok(["--library-path".into(), dirs.into(), path.into()].into())
}

/// Starts a program; what went wrong, unless it goes as wrong with the unchanged file.
fn runs(root: &Path, loader: &Path, object: &Placed) -> io::Result<Option<String>> {
    let output = chroot(root, &object.path, &[OsStr::new("--version")])?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let code = output.status.code();
    let words = [
        "error while loading",
        "symbol lookup error",
        "relocation error",
        "version `",
        "cannot execute",
    ];
    // From timeout and chroot: 126 and 127 for not started, above 128 for signals.
    let bad = code.is_none_or(|c| c >= 126) || words.iter().any(|w| said.contains(w));
    if !bad {
        return Ok(None);
    }
    let before = as_before(root, object)?;
    let mut arguments: Vec<&OsStr> = before.iter().map(|a| a.as_os_str()).collect();
    arguments.push(OsStr::new("--version"));
    let other = chroot(root, loader, &arguments)?;
    let problem = format!(
        "{} {}",
        output.status,
        said.lines().next().unwrap_or_default()
    );
    Ok((other.status != output.status).then_some(problem))
}

/// Complaints about symbols, of a trace.
fn unresolved(output: &std::process::Output) -> BTreeSet<String> {
    let all = [&output.stdout[..], &output.stderr[..]].concat();
    let text = String::from_utf8_lossy(&all).replace("/before-", "/");
    let mut found = BTreeSet::new();
    for line in text.lines() {
        if line.contains("undefined symbol")
            || line.contains("symbol lookup")
            || line.contains("version `")
        {
            let symbol = line.split_once("symbol").map_or(line, |(_, rest)| rest);
            found.insert(
                symbol
                    .split('(')
                    .next()
                    .unwrap_or_default()
                    .trim()
                    .to_owned(),
            );
        }
    }
    found
}

/// Paths found and names missing in what `ld.so --list` prints.
fn parse_list(listed: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut found, mut absent) = (BTreeSet::new(), BTreeSet::new());
    for line in listed.lines() {
        let line = line.trim();
        let (name, place) = line.split_once(" => ").unwrap_or((line, line));
        if place.starts_with("not found") {
            absent.insert(name.to_owned());
        } else if let Some((path, _)) = place.rsplit_once(" (0x")
            && path.starts_with('/')
        {
            found.insert(path.to_owned());
        }
    }
    (found, absent)
}

/// The root as its programs see it.
struct Tree {
    root: PathBuf,
    seen: std::cell::RefCell<BTreeMap<Vec<u8>, Option<Rc<Object>>>>,
}

impl Tree {
    fn new(root: &Path) -> Tree {
        Tree {
            root: root.to_owned(),
            seen: std::cell::RefCell::default(),
        }
    }

    /// Follows symlinks without leaving the root.
    fn follow(&self, path: &Path) -> Option<PathBuf> {
        let mut todo: Vec<std::ffi::OsString> = path.iter().rev().map(OsStr::to_owned).collect();
        let mut done = PathBuf::from("/");
        for _ in 0..200 {
            let Some(part) = todo.pop() else {
                return Some(done);
            };
            match part.as_bytes() {
                b"/" | b"." => continue,
                b".." => {
                    done.pop();
                    continue;
                }
                _ => {}
            }
            let next = done.join(&part);
            match fs::read_link(inside(&self.root, &next)) {
                Ok(target) => {
                    if target.is_absolute() {
                        done = PathBuf::from("/");
                    }
                    todo.extend(target.iter().rev().map(OsStr::to_owned));
                }
                Err(_) => done = next,
            }
        }
        None
    }

    fn read(&self, path: &[u8]) -> Option<Rc<Object>> {
        let real = self.follow(Path::new(OsStr::from_bytes(path)))?;
        let place = inside(&self.root, real);
        let meta = fs::metadata(&place).ok().filter(fs::Metadata::is_file)?;
        let bytes = fs::read(&place).ok()?;
        let image = Image::read(View::of(&bytes)).ok()?;
        let dir = Path::new(OsStr::from_bytes(path)).parent()?;
        let origin = self.follow(dir)?;
        Some(Rc::new(Object {
            identity: (meta.dev(), meta.ino()),
            origin: Some(origin.as_os_str().as_bytes().to_vec()),
            info: DynamicInfo::of(&image).ok()?,
        }))
    }
}

impl Files for Tree {
    fn object(&self, path: &[u8]) -> Option<Rc<Object>> {
        if let Some(known) = self.seen.borrow().get(path) {
            return known.clone();
        }
        let object = self.read(path);
        self.seen.borrow_mut().insert(path.to_vec(), object.clone());
        object
    }
}
