//! The real packages: what apt installs of [`NAMES`] on the minimal system of a release.
//!
//! They are fetched once, into the directory that `compat real` shares, and `bench/set-RELEASE` of the
//! cache has their file names, which have the versions, in the order in which they are installed: every
//! package after what it depends on.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::{During, Res, oracle, real};

/// Compilers, editors, interpreters, libraries, documents: with what they depend on nearly 300 packages, and
/// few services, whose scripts take long. A name that a release does not have is left out.
const NAMES: &str = "dbus gcc g++ golang-go python3-dev python3-numpy emacs-nox vim git subversion \
    libgtk-3-0t64 libgtk-3-0 firefox-esr fonts-dejavu gnome-icon-theme dconf-cli shared-mime-info man-db cron \
    logrotate ca-certificates tzdata locales wamerican info php-cli ruby perl-doc sgml-base xml-core \
    docbook-xml docbook-xsl iptables cmake nodejs";

/// Package files, in the order in which they can be installed.
pub struct Set {
    /// Where they are.
    pub dir: PathBuf,
    /// Their names.
    pub files: Vec<String>,
}

impl Set {
    /// The names of the packages.
    pub fn packages(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|f| package(f))
    }

    /// The bytes of all files.
    pub fn bytes(&self) -> Res<u64> {
        let size = |f| {
            let file = self.dir.join(f);
            Ok(fs::metadata(&file).during(file.display())?.len())
        };
        self.files.iter().map(size).sum()
    }
}

fn package(file: &str) -> &str {
    file.split('_').next().unwrap_or(file)
}

/// The set of a release, fetched if it is not there.
pub fn real(release: &str) -> Res<Set> {
    let record = oracle::dir().join(format!("bench/set-{release}"));
    let dir = real::archives(release);
    let text = fs::read_to_string(&record).unwrap_or_default();
    let mut files: Vec<String> = text.lines().map(str::to_owned).collect();
    if files.is_empty() || !files.iter().all(|f| dir.join(f).is_file()) {
        files = fetch(release)?;
        files = in_order(&dir, files)?;
        fs::write(&record, files.join("\n") + "\n").during(record.display())?;
    }
    Ok(Set { dir, files })
}

/// Has the release's own apt fetch them, in a copy of the system that is gone afterwards.
fn fetch(release: &str) -> Res<Vec<String>> {
    eprintln!("fetching some 430 MB of packages of {release}, once");
    for dir in [real::archives(release), real::lists(release)] {
        fs::create_dir_all(dir.join("partial")).during(dir.display())?;
    }
    let script = format!(
        "mount -t tmpfs -o mode=755 tmpfs \"$MNT\"
        cd \"$MNT\"
        mkdir up work root
        mount -t overlay -o \"lowerdir=$ROOT,upperdir=up,workdir=work\" overlay root
        mount --bind \"$DEBS\" root/var/cache/apt/archives
        mount --bind \"$LISTS\" root/var/lib/apt/lists
        apt() {{ chroot root apt-get -q -y --no-install-recommends -o APT::Sandbox::User=root \\
            -o APT::Keep-Downloaded-Packages=1 \"$@\"; }}
        apt update >&2
        have=
        for name in {NAMES}; do
            if chroot root apt-cache show $name >/dev/null 2>&1; then have=\"$have $name\"; fi
        done
        # Before they are there, for of those that are nothing is printed.
        mkdir none none/partial
        apt --print-uris -o Dir::Cache::archives=/none install $have |
            sed -n \"s,^'[^']*' \\([^ ]*\\) .*,\\1,p\"
        apt --download-only install $have >&2"
    );
    let out = Command::new("unshare")
        .args(["-m", "sh", "-ec", &script])
        .env("MNT", oracle::dir().join("mnt"))
        .env("ROOT", oracle::root(release))
        .env("DEBS", real::archives(release))
        .env("LISTS", real::lists(release))
        .env("DEBIAN_FRONTEND", "noninteractive")
        .env("LC_ALL", "C.UTF-8")
        .stderr(std::process::Stdio::inherit())
        .output()
        .during("unshare")?;
    let text = String::from_utf8_lossy(&out.stdout);
    let files: Vec<String> = text.lines().map(str::to_owned).collect();
    if !out.status.success() || files.is_empty() {
        return Err(format!("fetching packages of {release}: {}", out.status));
    }
    Ok(files)
}

/// Puts every package after those of the set that it depends on, as far as these do not go in circles.
fn in_order(dir: &std::path::Path, files: Vec<String>) -> Res<Vec<String>> {
    let mut needs = BTreeMap::new();
    for file in &files {
        let out = Command::new("dpkg-deb")
            .arg("-f")
            .arg(dir.join(file))
            .args(["Pre-Depends", "Depends"])
            .output()
            .during("dpkg-deb")?;
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        // Pre-Depends come first, and are in order even where there is a circle.
        let names: Vec<String> = text
            .lines()
            .filter_map(|l| Some(l.split_once(": ")?.1))
            .flat_map(|value| value.split([',', '|']))
            .filter_map(|d| d.split_whitespace().next())
            .map(|d| d.split(':').next().unwrap_or(d).to_owned())
            .collect();
        needs.insert(package(file), (file, names));
    }
    let mut order = Vec::new();
    let mut seen = BTreeSet::new();
    for file in &files {
        visit(package(file), &needs, &mut seen, &mut order);
    }
    Ok(order)
}

fn visit<'a>(
    name: &'a str,
    needs: &'a BTreeMap<&str, (&String, Vec<String>)>,
    seen: &mut BTreeSet<&'a str>,
    order: &mut Vec<String>,
) {
    let Some((file, names)) = needs.get(name) else {
        return;
    };
    if !seen.insert(name) {
        return;
    }
    for other in names {
        visit(other, needs, seen, order);
    }
    order.push((*file).clone());
}
