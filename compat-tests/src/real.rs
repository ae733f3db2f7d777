//! Real systems: the same steps of apt (or of dpkg alone) on a whole Debian, once with stock and
//! once with ours, compared path by path, stanza by stanza and log line by log line.
//!
//! Stock runs twice: what differs between its two runs (caches, generated keys, times) is no
//! difference of ours. Its records stay in `real/RELEASE-PLAN/` of the cache until `--fresh`.
//! Packages are downloaded once into `archives-RELEASE/`.

mod bootstrap;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::sandbox::{Who, command, enter_on};
use crate::snapshot::{Snapshot, normalise, now};
use crate::{During, Res, oracle};

/// Servers, toolchains, desktop libraries, a kernel with its initramfs, systemd, Java, TeX: with what
/// they depend on, well over 300 packages.
const LARGE: &str = "systemd systemd-sysv dbus udev linux-image-amd64 initramfs-tools apache2 nginx-light \
    postgresql mariadb-server openssh-server postfix bind9 samba-common-bin gcc g++ clang \
    python3-dev rustc golang-go default-jre-headless texlive-latex-base emacs-nox vim git subversion \
    libgtk-3-0 libqt5widgets5 firefox-esr fonts-dejavu gnome-icon-theme dconf-cli shared-mime-info \
    man-db cron rsyslog logrotate ca-certificates tzdata locales aspell-en ispell wamerican info \
    php-cli ruby perl-doc sgml-base xml-core docbook-xml iptables network-manager cups \
    libc6:i386 libstdc++6:i386 libgtk2.0-0:i386 zlib1g:i386";

/// A few packages that have triggers, alternatives, conffiles and diversions.
const SMALL: &str = "man-db vim-tiny nano less info cron logrotate openssl ca-certificates sgml-base xml-core \
    shared-mime-info libc6:i386 zlib1g:i386 python3-minimal netcat-openbsd bash-completion";

/// What is done to a system, step by step.
fn steps(release: &str, plan: &str) -> Option<Vec<(&'static str, String)>> {
    let apt = "apt-get -q -y --no-install-recommends -o Dir::Bin::dpkg=/t/bin/dpkg -o APT::Sandbox::User=root \
               -o Dpkg::Use-Pty=0 -o APT::Keep-Downloaded-Packages=1 -o Dpkg::Options::=--force-confold --allow-remove-essential";
    let list = match plan {
        "large" | "archives" | "large-upgrade" => LARGE,
        "small" | "upgrade" => SMALL,
        "bootstrap" => return Some(bootstrap::steps(release)),
        _ => return None,
    };
    // A name that this release does not have is left out, the same way on both sides.
    let have = format!(
        "L=; for p in {list}; do apt-cache show $p >/dev/null 2>&1 && L=\"$L $p\"; done; echo $L >/t/list; cat /t/list"
    );
    let mut out = vec![
        ("foreign", "dpkg --add-architecture i386".to_owned()),
        ("names", have),
    ];
    match plan {
        "archives" => {
            // No apt: all files at once, then again for those that had to wait for others.
            out.push((
                "unpack",
                "dpkg -i --force-confold $(apt-get -q -y --no-install-recommends --print-uris install $(cat /t/list) \
                 | sed -n \"s,^'[^']*' \\([^ ]*\\) .*,/var/cache/apt/archives/\\1,p\"); echo $?".into(),
            ));
            out.push((
                "again",
                "dpkg -i --force-confold $(apt-get -q -y --no-install-recommends --print-uris install $(cat /t/list) \
                 | sed -n \"s,^'[^']*' \\([^ ]*\\) .*,/var/cache/apt/archives/\\1,p\"); dpkg --configure -a; echo $?".into(),
            ));
        }
        _ => out.push(("install", format!("{apt} install $(cat /t/list)"))),
    }
    if to_next(plan) {
        out.push((
            "upgrade",
            format!(
                "sed -i s/bookworm/trixie/ /etc/apt/sources.list; mount --bind /t/lists-next /var/lib/apt/lists; {apt} dist-upgrade"
            ),
        ));
    } else {
        let some = "$(awk '{for (i = 1; i <= NF; i += 3) if ($i !~ /:/) print $i}' /t/list)";
        let others = "$(awk '{for (i = 2; i <= NF; i += 3) if ($i !~ /:/) print $i}' /t/list)";
        out.push(("reinstall", format!("{apt} --reinstall install {some}")));
        out.push(("upgrade", format!("{apt} dist-upgrade")));
        out.push(("remove", format!("{apt} remove {some}")));
        out.push(("purge", format!("{apt} purge {others}")));
    }
    out.push(("foreign-away", format!("{apt} remove '.*:i386'")));
    out.push(("autoremove", format!("{apt} autoremove --purge")));
    out.push((
        "verify",
        "dpkg -V; dpkg --audit; dpkg -l; dpkg --configure -a".into(),
    ));
    Some(out)
}

/// Whether a plan ends on the next release.
fn to_next(plan: &str) -> bool {
    plan.ends_with("upgrade")
}

/// Runs a plan (see [`steps`]); true if nothing of ours differs.
pub fn run(exe: &Path, release: &str, plan: &str, fresh: bool, only_theirs: bool) -> Res<bool> {
    if steps(release, plan).is_none() {
        return Err("plans: small, large, archives, upgrade, large-upgrade, bootstrap".into());
    }
    let dir = records(release, plan);
    prepare(exe, release, plan, fresh)?;
    let mut records = Vec::new();
    for (side, who) in [
        ("stock-1", Who::Theirs),
        ("stock-2", Who::Theirs),
        ("ours", Who::Ours),
    ] {
        if who == Who::Ours && only_theirs {
            continue;
        }
        let record = dir.join(format!("{side}.record"));
        if who == Who::Ours || fresh || !record.exists() {
            eprintln!("{release}-{plan}: running {side}");
            call(exe, &[release, plan, who.name(), side], &record)?;
        }
        records.push(read(&record)?);
    }
    let [first, second, rest @ ..] = &records[..] else {
        return Err("no records".into());
    };
    // A file that time gets into may by chance be the same in one of the steps.
    let volatile_paths: BTreeSet<&str> = first
        .keys()
        .chain(second.keys())
        .filter(|k| first.get(*k) != second.get(*k))
        .filter_map(|k| path_of(k))
        .collect();
    let volatile: BTreeSet<&String> = first
        .keys()
        .chain(second.keys())
        .chain(rest.iter().flat_map(BTreeMap::keys))
        .filter(|k| match path_of(k) {
            Some(path) => volatile_paths.contains(path),
            None => first.get(*k) != second.get(*k),
        })
        .collect();
    println!(
        "{release}-{plan}: {} things seen, {} of them differ between two stock runs",
        first.len(),
        volatile.len()
    );
    for key in &volatile {
        println!("  volatile {key}");
    }
    let Some(ours) = rest.first() else {
        return Ok(true);
    };
    let mut same = true;
    for key in first
        .keys()
        .chain(ours.keys().filter(|k| !first.contains_key(*k)))
    {
        if volatile.contains(key) || first.get(key) == ours.get(key) {
            continue;
        }
        same = false;
        println!("differs: {key}");
        let text = |r: &BTreeMap<String, String>| {
            r.get(key).map_or("(absent)\n".into(), |t| format!("{t}\n"))
        };
        print!("{}", crate::report::diff(&text(first), &text(ours)));
    }
    println!(
        "{release}-{plan}: {}",
        if same { "the same" } else { "DIFFERENT" }
    );
    Ok(same)
}

/// The path that a record's key is about: `STEP /path`.
fn path_of(key: &str) -> Option<&str> {
    let (_, subject) = key.split_once(' ')?;
    subject.starts_with('/').then_some(subject)
}

fn call(exe: &Path, args: &[&str], to: &Path) -> Res<()> {
    let out = fs::File::create(to.with_extension("part")).during(to.display())?;
    let status = Command::new(exe)
        .arg("--real-in-sandbox")
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::from(out))
        .status()
        .during(exe.display())?;
    if !status.success() {
        return Err(format!("{args:?}: {status}"));
    }
    fs::rename(to.with_extension("part"), to).during(to.display())
}

/// Where the records of a plan are.
fn records(release: &str, plan: &str) -> PathBuf {
    oracle::dir().join("real").join(format!("{release}-{plan}"))
}

/// Where the packages of a release are kept.
pub(crate) fn archives(release: &str) -> PathBuf {
    oracle::dir().join(format!("archives-{release}"))
}

/// Where apt's lists of them are.
pub(crate) fn lists(release: &str) -> PathBuf {
    oracle::dir().join(format!("lists-{release}"))
}

/// Fetches package lists with the second architecture, and all packages a plan takes.
pub(crate) fn prepare(exe: &Path, release: &str, plan: &str, fresh: bool) -> Res<()> {
    let next = if to_next(plan) { "trixie" } else { release };
    let dir = records(release, plan);
    let stamp = dir.join("fetched");
    if stamp.exists() && !fresh {
        return Ok(());
    }
    fs::create_dir_all(&dir).during(dir.display())?;
    for r in [release, next] {
        fs::create_dir_all(archives(r).join("partial")).during("archives")?;
        fs::create_dir_all(lists(r).join("partial")).during("lists")?;
    }
    call(exe, &[release, plan, "theirs", "fetch"], &stamp)
}

/// The other side: does the steps in this process's sandbox, prints the record.
pub fn in_sandbox(args: &[String]) -> Res<()> {
    let [release, plan, who, side] = args else {
        return Err("not for use by hand".into());
    };
    let who = Who::parse(who).ok_or("not theirs or ours")?;
    let next = if to_next(plan) {
        "trixie"
    } else {
        release.as_str()
    };
    let disk = oracle::dir()
        .join("disk")
        .join(format!("{release}-{plan}-{side}"));
    let extra = [
        (archives(release), "archives"),
        (lists(release), "lists"),
        (archives(next), "archives-next"),
        (lists(next), "lists-next"),
    ];
    enter_on(release, who, &extra, Some(&disk))?;
    let result = inside(release, plan, side);
    // The tree is of no use any more, and it is large. Seen from inside it is at /t/up/main.
    if let Ok(entries) = fs::read_dir("/t/up/main") {
        for e in entries.flatten() {
            let p = e.path();
            let _ = if p.is_dir() && !p.is_symlink() {
                fs::remove_dir_all(&p)
            } else {
                fs::remove_file(&p)
            };
        }
    }
    result
}

fn sh(line: &str) -> Res<(i32, String)> {
    let out = command("sh")
        .args(["-c", &format!("exec 2>&1; umask 022; cd /; {line}")])
        .env("HOME", "/root")
        .stdin(Stdio::null())
        .output()
        .during("sh")?;
    Ok((
        out.status.code().unwrap_or(-1),
        String::from_utf8_lossy(&out.stdout).into_owned(),
    ))
}

fn must(line: &str) -> Res<()> {
    match sh(line)? {
        (0, _) => Ok(()),
        (code, text) => Err(format!("{line}: exit {code}\n{text}")),
    }
}

fn inside(release: &str, plan: &str, side: &str) -> Res<()> {
    let since = now();
    must(
        "mount --bind /t/archives /var/cache/apt/archives && mount --bind /t/lists /var/lib/apt/lists",
    )?;
    if side == "fetch" {
        return fetch(release, plan);
    }
    let mut before = BTreeMap::new();
    let mut log_seen = 0;
    for (step, line) in steps(release, plan).unwrap_or_default() {
        let (code, text) = sh(&line)?;
        eprintln!("  {side} {step}: exit {code}");
        if code != 0 {
            eprintln!(
                "{}",
                text.lines().rev().take(15).collect::<Vec<_>>().join("\n")
            );
        }
        record(&format!("{step} exit"), &code.to_string());
        let text: Vec<_> = text.lines().filter(|l| !noise(l)).map(normalise).collect();
        record(&format!("{step} output"), &text.join("\n"));
        let log = fs::read_to_string("/var/log/dpkg.log").unwrap_or_default();
        let new = log.get(log_seen..).unwrap_or(&log);
        record(
            &format!("{step} log"),
            &new.lines().map(normalise).collect::<Vec<_>>().join("\n"),
        );
        log_seen = log.len();
        let seen = look(plan, since)?;
        for (key, value) in &seen {
            if before.get(key) != Some(value) {
                record(&format!("{step} {key}"), value);
            }
        }
        for key in before.keys().filter(|k| !seen.contains_key(*k)) {
            record(&format!("{step} {key}"), "gone");
        }
        before = seen;
    }
    Ok(())
}

/// What apt says of its own progress and of the network.
fn noise(line: &str) -> bool {
    [
        "Get:",
        "Fetched ",
        "Hit:",
        "Ign:",
        "After this operation",
        "Need to get",
    ]
    .iter()
    .any(|lead| line.starts_with(lead))
}

/// The tree (contents as hashes), and the database stanza by stanza.
fn look(plan: &str, since: i64) -> Res<BTreeMap<String, String>> {
    let mut s = Snapshot::hashed();
    let own = |p: &str| {
        p == "t"
            || [
                "var/log",
                "var/cache/apt",
                "var/lib/apt/lists",
                "dev",
                "proc",
            ]
            .contains(&p)
            || p.starts_with("var/lib/dpkg/status")
            || p.starts_with("var/lib/dpkg/available")
    };
    if plan == "bootstrap" {
        s.walk("", Path::new("/t/up/main"), since, &bootstrap::own);
        return Ok(s.entries);
    }
    s.walk("", Path::new("/t/up/main"), since, &own);
    let mut out = s.entries;
    for file in ["status", "status-old", "available"] {
        let path = Path::new("/var/lib/dpkg").join(file);
        let text = fs::read(&path).during(path.display())?;
        let text = String::from_utf8_lossy(&text).into_owned();
        for stanza in text.split("\n\n") {
            let field = |n: &str| stanza.lines().find_map(|l| l.strip_prefix(n)).unwrap_or("");
            let key = format!("{file}: {}:{}", field("Package: "), field("Architecture: "));
            out.insert(key, stanza.to_owned());
        }
        let order: Vec<_> = text
            .lines()
            .filter_map(|l| l.strip_prefix("Package: "))
            .collect();
        out.insert(format!("{file}: order"), order.join(" "));
    }
    Ok(out)
}

fn fetch(release: &str, plan: &str) -> Res<()> {
    let apt = "apt-get -q -y --no-install-recommends -o APT::Sandbox::User=root -o APT::Keep-Downloaded-Packages=1";
    must(&format!("dpkg --add-architecture i386; {apt} update"))?;
    if plan == "bootstrap" {
        return must(&bootstrap::fetch(release));
    }
    let steps = steps(release, plan).unwrap_or_default();
    let names = steps.iter().find(|s| s.0 == "names").map_or("", |s| &s.1);
    must(names)?;
    let (_, list) = sh("cat /t/list")?;
    eprintln!("packages named: {}", list.trim());
    must(&format!("{apt} --download-only install $(cat /t/list)"))?;
    if to_next(plan) {
        must(&format!("{apt} install $(cat /t/list)"))?;
        must(&format!(
            "sed -i s/bookworm/trixie/ /etc/apt/sources.list; mount --bind /t/lists-next /var/lib/apt/lists; \
             {apt} update && {apt} --download-only dist-upgrade"
        ))?;
    }
    Ok(())
}

fn record(key: &str, value: &str) {
    print!("{key}\u{1}{value}\u{2}");
}

fn read(file: &Path) -> Res<BTreeMap<String, String>> {
    let text = fs::read(file).during(file.display())?;
    Ok(String::from_utf8_lossy(&text)
        .split('\u{2}')
        .filter_map(|e| e.split_once('\u{1}'))
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .collect())
}
