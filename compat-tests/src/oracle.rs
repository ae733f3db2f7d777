//! The stock systems and sources that everything is compared with, made once in a cache directory.
//!
//! Layout of the cache (`DPKG_ORACLE_DIR`, default `/var/tmp/dpkg-ng-oracle`):
//!
//! * `trixie/`, `bookworm/`: minimal systems, plus the tools dpkg's tests call;
//! * `locales-trixie/`, …: locales, and what the C library says in them, laid over the systems by
//!   every run (minimal systems have none);
//! * `src/trixie/`, …: dpkg's sources as the two releases ship them;
//! * `mnt/`: the mount point for the private copies, always empty outside of a run.
//!
//! A part that is complete has a `.done-PART` file beside it, so an interrupted build starts that
//! part anew. The mirror is the one in the machine's own apt configuration.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::fcntl::{Flock, FlockArg};

use crate::{During, Res, catalogue};

/// The releases there are roots of, oldest last.
pub const RELEASES: [&str; 2] = ["trixie", "bookworm"];

/// The locales of the systems: what cases are run in, as localedef takes it.
const LOCALES: [(&str, &str, &str); 8] = [
    ("de_DE", "UTF-8", "de_DE.UTF-8"),
    ("de_DE", "ISO-8859-1", "de_DE"),
    ("de_AT", "UTF-8", "de_AT.UTF-8"),
    ("fr_FR", "UTF-8", "fr_FR.UTF-8"),
    ("ja_JP", "UTF-8", "ja_JP.UTF-8"),
    ("ja_JP", "EUC-JP", "ja_JP.eucJP"),
    ("pl_PL", "UTF-8", "pl_PL.UTF-8"),
    ("ru_RU", "KOI8-R", "ru_RU.KOI8-R"),
];

/// What dpkg's tests call beyond a minimal system.
const EXTRA: [&str; 7] = [
    "make", "perl", "xz-utils", "bzip2", "zstd", "fakeroot", "strace",
];

/// The cache directory.
pub fn dir() -> PathBuf {
    std::env::var_os("DPKG_ORACLE_DIR")
        .map(PathBuf::from)
        .unwrap_or_else(|| PathBuf::from("/var/tmp/dpkg-ng-oracle"))
}

/// The root directory of a stock system.
pub fn root(release: &str) -> PathBuf {
    dir().join(release)
}

/// What is laid over a root directory.
pub fn locales(release: &str) -> PathBuf {
    dir().join(format!("locales-{release}"))
}

/// The source tree of the dpkg that a release ships; `head` is what `DPKG_HEAD_SRC` points to.
pub fn source(release: &str) -> Option<PathBuf> {
    if release == "head" {
        return std::env::var_os("DPKG_HEAD_SRC")
            .map(PathBuf::from)
            .filter(|p| p.join("tests").is_dir());
    }
    let link = dir().join("src").join(release);
    link.join("tests").is_dir().then_some(link)
}

/// Whether both systems and both sources are there.
pub fn ready() -> bool {
    RELEASES
        .iter()
        .flat_map(|r| [(*r).to_owned(), format!("src-{r}"), format!("locales-{r}")])
        .all(|part| done(&part).exists())
}

fn done(part: &str) -> PathBuf {
    dir().join(format!(".done-{part}"))
}

/// Makes what is missing of the cache. Must be root.
pub fn build() -> Res<()> {
    let dir = dir();
    for sub in ["mnt", "src"] {
        fs::create_dir_all(dir.join(sub)).during(dir.display())?;
    }
    let lock = fs::File::create(dir.join(".lock")).during("oracle lock")?;
    let _lock =
        Flock::lock(lock, FlockArg::LockExclusive).map_err(|(_, e)| format!("lock: {e}"))?;
    for release in RELEASES {
        if !done(release).exists() {
            build_root(release)?;
            fs::write(done(release), "").during("mark")?;
        }
        let part = format!("src-{release}");
        if !done(&part).exists() {
            build_source(release)?;
            fs::write(done(&part), "").during("mark")?;
        }
        let part = format!("locales-{release}");
        if !done(&part).exists() {
            build_locales(release)?;
            fs::write(done(&part), "").during("mark")?;
        }
    }
    Ok(())
}

fn build_root(release: &str) -> Res<()> {
    let to = root(release);
    if to.exists() {
        fs::remove_dir_all(&to).during(to.display())?;
    }
    let ready_made = Path::new("/var/tmp/oracle").join(release);
    if ready_made.join("var/lib/dpkg/status").exists() {
        eprintln!("oracle: copying {}", ready_made.display());
        run(Command::new("cp")
            .args(["-a", "--reflink=auto"])
            .arg(&ready_made)
            .arg(&to))?;
    } else {
        need("debootstrap", "debootstrap")?;
        eprintln!("oracle: debootstrap {release}");
        run(Command::new("debootstrap")
            .args(["--variant=minbase", release])
            .arg(&to)
            .arg(mirror()?))?;
    }
    // Without it names may still resolve: that is for apt to say.
    let _ = fs::copy("/etc/resolv.conf", to.join("etc/resolv.conf"));
    // No daemon may start in there.
    let policy = to.join("usr/sbin/policy-rc.d");
    fs::write(&policy, "#!/bin/sh\nexit 101\n").during(policy.display())?;
    run(Command::new("chmod").arg("755").arg(&policy))?;
    for args in [
        vec!["update"],
        [&["install", "-y", "--no-install-recommends"], &EXTRA[..]].concat(),
        vec!["clean"],
    ] {
        run(Command::new("chroot")
            .arg(&to)
            .arg("apt-get")
            .args(["-q", "-o", "APT::Sandbox::User=root"])
            .args(args)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .env("LC_ALL", "C.UTF-8"))?;
    }
    Ok(())
}

/// Makes locales in a copy of the system that is gone afterwards, because the roots are to have
/// no other packages than they have.
fn build_locales(release: &str) -> Res<()> {
    let to = locales(release);
    if to.exists() {
        fs::remove_dir_all(&to).during(to.display())?;
    }
    fs::create_dir_all(&to).during(to.display())?;
    eprintln!("oracle: locales of {release}");
    let define: String = LOCALES
        .iter()
        .map(|(input, charset, name)| {
            format!("chroot root localedef -i {input} -f {charset} {name}\n")
        })
        .collect();
    let script = format!(
        "mount -t tmpfs -o mode=755 tmpfs \"$MNT\"
        cd \"$MNT\"
        mkdir up work root
        mount -t overlay -o \"lowerdir=$ROOT,upperdir=up,workdir=work\" overlay root
        apt() {{ chroot root apt-get -q -o APT::Sandbox::User=root \"$@\"; }}
        apt update
        apt install -y --no-install-recommends locales
        {define}
        mkdir -p \"$TO/usr/lib/locale\" \"$TO/usr/share/locale\"
        cp up/usr/lib/locale/locale-archive \"$TO/usr/lib/locale\"
        for dir in root/usr/share/locale/*/LC_MESSAGES; do
            [ ! -f \"$dir/libc.mo\" ] || (cd root && cp --parents \"${{dir#root/}}/libc.mo\" \"$TO\")
        done"
    );
    run(Command::new("unshare")
        .args(["-m", "sh", "-ec", &script])
        .env("MNT", dir().join("mnt"))
        .env("ROOT", root(release))
        .env("TO", &to)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .env("LC_ALL", "C.UTF-8"))?;
    let source = source(release).ok_or("no source of dpkg")?;
    catalogue::install(&source, &to)
}

fn build_source(release: &str) -> Res<()> {
    need("dpkg-source", "dpkg-dev")?;
    let base = dir().join("src");
    let apt = base.join(format!("apt-{release}"));
    configure_apt(&apt, &format!("deb-src {} {release} main\n", mirror()?))?;
    let apt_get = || {
        let mut c = apt_get(&apt);
        c.args(["-o", "APT::Get::Only-Source=true"]);
        c
    };
    run(apt_get().arg("update"))?;
    let work = base.join(format!("work-{release}"));
    if work.exists() {
        fs::remove_dir_all(&work).during(work.display())?;
    }
    fs::create_dir_all(&work).during(work.display())?;
    run(apt_get()
        .args(["source", "--download-only", "dpkg"])
        .current_dir(&work))?;
    let dsc = fs::read_dir(&work)
        .during(work.display())?
        .flatten()
        .map(|e| e.path())
        .find(|p| p.extension().is_some_and(|x| x == "dsc"))
        .ok_or("apt-get source left no .dsc")?;
    let to = base.join(release);
    if to.exists() {
        fs::remove_dir_all(&to).during(to.display())?;
    }
    run(Command::new("dpkg-source")
        .args(["--no-check", "-x"])
        .arg(&dsc)
        .arg(&to))
}

/// Makes the directories of an apt of its own, on a system without packages, in `base`.
pub fn configure_apt(base: &Path, sources: &str) -> Res<()> {
    for sub in [
        "lists/partial",
        "cache/archives/partial",
        "etc/preferences.d",
    ] {
        fs::create_dir_all(base.join(sub)).during(base.display())?;
    }
    fs::write(base.join("sources.list"), sources).during("sources.list")?;
    fs::write(base.join("status"), "").during("status")
}

/// `apt-get` with the directories that [`configure_apt`] made in `base`.
pub fn apt_get(base: &Path) -> Command {
    let mut c = Command::new("apt-get");
    c.arg("-q");
    for (name, place) in [
        ("Dir::State::lists", "lists"),
        ("Dir::State::status", "status"),
        ("Dir::Cache", "cache"),
        ("Dir::Etc::sourcelist", "sources.list"),
        ("Dir::Etc::sourceparts", "none"),
        ("Dir::Etc::preferencesparts", "etc/preferences.d"),
    ] {
        c.arg("-o")
            .arg(format!("{name}={}", base.join(place).display()));
    }
    c.args(["-o", "APT::Sandbox::User=root"]);
    c
}

/// The archive this machine installs from, as apt says.
pub fn mirror() -> Res<String> {
    let out = Command::new("apt-get")
        .args([
            "indextargets",
            "--format",
            "$(ORIGIN) $(LABEL) $(SITE)",
            "Created-By: Packages",
        ])
        .output()
        .during("apt-get indextargets")?;
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    if let Some(site) = text.lines().find_map(|l| l.strip_prefix("Debian Debian ")) {
        return Ok(site.to_owned());
    }
    // Before the first `apt-get update` there are no targets: read the configured sources.
    let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
    if let Ok(parts) = fs::read_dir("/etc/apt/sources.list.d") {
        files.extend(parts.flatten().map(|e| e.path()));
    }
    files
        .iter()
        .filter_map(|f| fs::read_to_string(f).ok())
        .flat_map(|text| {
            text.lines()
                .filter(|l| !l.trim_start().starts_with('#'))
                .flat_map(|l| l.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
                .collect::<Vec<_>>()
        })
        .find(|w| w.contains("://") && w.trim_end_matches('/').ends_with("/debian"))
        .ok_or_else(|| "no Debian mirror in this machine's apt configuration".to_owned())
}

/// Whether sudo asks for no password.
pub fn has_sudo() -> bool {
    let quiet = Command::new("sudo")
        .args(["-n", "true"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    quiet.is_ok_and(|s| s.success())
}

/// Installs a package of this machine when the program it brings is not there.
pub fn need(program: &str, package: &str) -> Res<()> {
    let found = std::env::var_os("PATH")
        .is_some_and(|p| std::env::split_paths(&p).any(|d| d.join(program).exists()));
    if found {
        return Ok(());
    }
    let apt_get = |args: &[&str]| {
        let line = "DEBIAN_FRONTEND=noninteractive apt-get -q";
        let (first, rest) = match nix::unistd::geteuid().is_root() {
            true => ("env", &[][..]),
            false => ("sudo", &["-n", "env"][..]),
        };
        let mut c = Command::new(first);
        c.args(rest).args(line.split(' '));
        run(c.args(args)).map_err(|e| format!("{program} is needed, of {package}: {e}"))
    };
    apt_get(&["update"])?;
    apt_get(&["install", "-y", "--no-install-recommends", package])
}

/// Runs a command with its output on our stderr, as an error if it fails.
pub fn run(command: &mut Command) -> Res<()> {
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::from(std::io::stderr()))
        .process_group(0)
        .status()
        .during(format!("{:?}", command.get_program()))?;
    if status.success() {
        return Ok(());
    }
    Err(format!("{command:?}: {status}"))
}
