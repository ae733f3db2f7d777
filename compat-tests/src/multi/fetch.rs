//! The packages that scenes take, fetched once into `multi/` of the cache by apt itself.
//!
//! * `apt-RELEASE/`: an apt for a system without packages, so that a closure is whole, libc6 included;
//! * `closures/NAME`: the files of a closure, below `apt-RELEASE/cache/archives`;
//! * `corpus/ARCH/PACKAGE/`: bookworm packages of `corpus/ARCH.list`, unpacked.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{During, Res, oracle};

/// A program of a release, with all it depends on.
pub struct Closure {
    /// What scenes call it.
    pub name: &'static str,
    /// Where it comes from.
    pub release: &'static str,
    architecture: &'static str,
    package: &'static str,
}

const fn closure(
    name: &'static str,
    release: &'static str,
    architecture: &'static str,
    package: &'static str,
) -> Closure {
    Closure {
        name,
        release,
        architecture,
        package,
    }
}

const BOOKWORM: &str = "bookworm";
const TRIXIE: &str = "trixie";

/// All closures.
pub const CLOSURES: &[Closure] = &[
    closure("postgresql-15", BOOKWORM, "amd64", "postgresql-15"),
    closure("postgresql-17", TRIXIE, "amd64", "postgresql-17"),
    closure("python3.11", BOOKWORM, "amd64", "python3.11"),
    closure("python3.13", TRIXIE, "amd64", "python3.13"),
    closure("openssl-3.0", BOOKWORM, "amd64", "openssl"),
    closure("openssl-3.5", TRIXIE, "amd64", "openssl"),
    closure("curl-7", BOOKWORM, "amd64", "curl"),
    closure("curl-7-i386", BOOKWORM, "i386", "curl"),
    closure("curl-8", TRIXIE, "amd64", "curl"),
    closure("curl-8-i386", TRIXIE, "i386", "curl"),
    closure("postfix", BOOKWORM, "amd64", "postfix"),
    closure("exim4", BOOKWORM, "amd64", "exim4"),
];

/// What every Debian has, and of which any version will do: the host's does. perl-base is not among them, for
/// perl wants its own version of it.
const OF_THE_HOST: [&str; 13] = [
    "adduser",
    "base-passwd",
    "debconf",
    "dpkg",
    "e2fsprogs",
    "init-system-helpers",
    "libpam-runtime",
    "login.defs",
    "logsave",
    "passwd",
    "sysvinit-utils",
    "tar",
    "usrmerge",
];

/// The architectures of the corpus, with its packages.
pub const CORPUS: [(&str, &str); 3] = [
    ("amd64", include_str!("corpus/amd64.list")),
    ("i386", include_str!("corpus/i386.list")),
    ("arm64", include_str!("corpus/arm64.list")),
];

fn dir() -> PathBuf {
    oracle::dir().join("multi")
}

/// The directory that holds a release's packages.
pub fn archives(release: &str) -> PathBuf {
    dir().join(format!("apt-{release}")).join("cache/archives")
}

/// The directory of an architecture's unpacked packages.
pub fn corpus(architecture: &str) -> PathBuf {
    dir().join("corpus").join(architecture)
}

/// The package file names of a closure that was fetched.
pub fn files(name: &str) -> Res<Vec<String>> {
    let list = dir().join("closures").join(name);
    let text = fs::read_to_string(&list).during(list.display())?;
    Ok(text.lines().map(str::to_owned).collect())
}

/// The closure of that name.
pub fn named(name: &str) -> Res<&'static Closure> {
    CLOSURES
        .iter()
        .find(|c| c.name == name)
        .ok_or_else(|| format!("no closure {name}"))
}

/// Fetches those closures of `names` that are not there.
pub fn closures(names: &[&str]) -> Res<()> {
    for name in names {
        let closure = named(name)?;
        let list = dir().join("closures").join(name);
        if list.exists() {
            continue;
        }
        eprintln!("fetching {name} of {}", closure.release);
        let apt = || -> Res<Command> {
            let mut c = apt(closure.release, closure.architecture)?;
            c.args(["-y", "--no-install-recommends"]);
            Ok(c)
        };
        oracle::run(apt()?.args(["--download-only", "install", closure.package]))?;
        // What is there already would not be named.
        let none = dir().join("none");
        fs::create_dir_all(none.join("partial")).during(none.display())?;
        let out = apt()?
            .args(["--print-uris", "install", closure.package, "-o"])
            .arg(format!("Dir::Cache::archives={}", none.display()))
            .output()
            .during("apt-get")?;
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        let mut names: Vec<&str> = text
            .lines()
            .filter(|l| l.starts_with('\''))
            .filter_map(|l| l.split(' ').nth(1))
            .filter(|f| !OF_THE_HOST.contains(&package_of(f)))
            .collect();
        names.sort_unstable();
        if names.is_empty() {
            return Err(format!(
                "apt-get names no packages of {name}:\n{text}{}",
                String::from_utf8_lossy(&out.stderr)
            ));
        }
        fs::create_dir_all(dir().join("closures")).during("closures")?;
        fs::write(&list, names.join("\n") + "\n").during(list.display())?;
    }
    Ok(())
}

/// The package of a file name.
pub fn package_of(file: &str) -> &str {
    file.split('_').next().unwrap_or(file)
}

/// The version of a file name, as dpkg prints it.
pub fn version_of(file: &str) -> String {
    let version = file.split('_').nth(1).unwrap_or_default();
    version.replace("%3a", ":")
}

/// Fetches and unpacks what is not there of the corpus.
pub fn the_corpus() -> Res<()> {
    for (architecture, list) in CORPUS {
        let to = corpus(architecture);
        let done = to.with_extension("done");
        if done.exists() {
            continue;
        }
        eprintln!(
            "fetching {} packages of {architecture}",
            list.lines().count()
        );
        let debs = to.with_extension("debs");
        fs::create_dir_all(&debs).during(debs.display())?;
        oracle::run(
            apt(BOOKWORM, architecture)?
                .arg("download")
                .args(list.lines())
                .current_dir(&debs),
        )?;
        for entry in fs::read_dir(&debs).during(debs.display())?.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if !name.ends_with(".deb") {
                continue;
            }
            let tree = to.join(package_of(&name));
            fs::create_dir_all(&tree).during(tree.display())?;
            oracle::run(
                Command::new("dpkg-deb")
                    .arg("-x")
                    .args([entry.path(), tree]),
            )?;
        }
        fs::write(&done, "").during(done.display())?;
    }
    Ok(())
}

/// apt for a system of one architecture where nothing is installed.
fn apt(release: &str, architecture: &str) -> Res<Command> {
    let base = dir().join(format!("apt-{release}"));
    let command = |architecture: &str| {
        let mut c = oracle::apt_get(&base);
        c.args(["-o", "Acquire::Languages=none"]);
        c.arg("-o").arg(format!("APT::Architecture={architecture}"));
        // The first is the native one.
        for a in [architecture].into_iter().chain(CORPUS.map(|c| c.0)) {
            c.arg("-o").arg(format!("APT::Architectures::={a}"));
        }
        c
    };
    let done = base.join("updated");
    if !done.exists() {
        oracle::configure_apt(
            &base,
            &format!("deb {} {release} main\n", oracle::mirror()?),
        )?;
        oracle::run(command("amd64").arg("update"))?;
        fs::write(&done, "").during(done.display())?;
    }
    Ok(command(architecture))
}

/// Where a package file of a closure is, outside.
pub fn path(closure: &Closure, file: &str) -> PathBuf {
    archives(closure.release).join(file)
}

/// Unpacks a package file into a new directory below `scratch`.
pub fn unpack(file: &Path, scratch: &Path) -> Res<PathBuf> {
    let name = file.file_name().unwrap_or_default();
    let to = scratch.join(name);
    if !to.exists() {
        fs::create_dir_all(&to).during(to.display())?;
        oracle::run(Command::new("dpkg-deb").arg("-x").args([file, &to]))?;
    }
    Ok(to)
}
