//! A host of our own lends to a world.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use dpkgng_plugin::{Field, Services};

use super::*;
use crate::generation::Disk;
use crate::testing::{exists, host, put, read};

struct Rig {
    dir: tempfile::TempDir,
    world: WorldDir,
    disk: Disk,
}

fn make_whiteout(path: &Path) -> rustix::io::Result<()> {
    let kind = rustix::fs::FileType::CharacterDevice;
    rustix::fs::mknodat(rustix::fs::CWD, path, kind, rustix::fs::Mode::empty(), 0)
}

fn is_whiteout(path: impl AsRef<Path>) -> bool {
    fs::symlink_metadata(path).is_ok_and(|is| is.file_type().is_char_device() && is.rdev() == 0)
}

/// A stanza, with what else it has.
fn stanza(name: &str, version: &str, more: &str) -> String {
    let arch = match more.contains("Architecture:") {
        true => "",
        false => "Architecture: amd64\n",
    };
    let status = match more.contains("Status:") {
        true => "",
        false => "Status: install ok installed\n",
    };
    format!(
        "Package: {name}\n{status}Priority: optional\nSection: x\nMaintainer: M <m@x>\n{arch}Version: {version}\n{more}Description: {name}\n\n"
    )
}

const ALL: &[(&str, &str, &str)] = &[
    ("bash", "5", "Essential: yes\nPre-Depends: libc6 (>= 2)\n"),
    ("libc6", "2.41", "Multi-Arch: same\nDepends: libgcc-s1\n"),
    ("libgcc-s1", "14", "Multi-Arch: same\n"),
    ("dpkg", "1.22", "Depends: tar (>= 1.28) | bsdtar\n"),
    ("tar", "1.35", ""),
    ("adduser", "3", "Depends: passwd, perl:any | virtual-perl\n"),
    ("passwd", "4", ""),
    (
        "perl",
        "5.40",
        "Multi-Arch: allowed\nProvides: libfoo-perl (= 1.5), virtual-perl\n",
    ),
    ("vim", "9", "Depends: libc6\nProvides: editor\n"),
    ("half", "1", "Status: install ok half-configured\n"),
    ("libx", "1", "Architecture: i386\nMulti-Arch: same\n"),
];

impl Rig {
    fn new() -> Rig {
        let dir = tempfile::tempdir_in("/var/tmp").unwrap();
        let world = WorldDir::main(&dir.path().join("gen"));
        fs::create_dir_all(world.path()).unwrap();
        let rig = Rig {
            dir,
            world,
            disk: Disk::default(),
        };
        rig.status(ALL, &["adduser"]);
        for (package, paths) in [
            (
                "bash",
                "/.\n/bin\n/bin/bash\n/etc\n/usr\n/usr/share\n/usr/share/bash\n/usr/share/bash/old\n",
            ),
            (
                "dpkg",
                "/.\n/usr\n/usr/bin\n/usr/bin/dpkg\n/usr/sbin\n/usr/sbin/start-stop-daemon\n",
            ),
            ("libc6:amd64", "/.\n/usr/lib/libc.so.6\n"),
            ("vim", "/.\n/usr\n/usr/bin\n/usr/bin/vim.basic\n"),
        ] {
            rig.put(&format!("var/lib/dpkg/info/{package}.list"), paths);
            rig.put(&format!("var/lib/dpkg/info/{package}.md5sums"), "");
            for path in paths
                .lines()
                .filter(|p| !p.ends_with("usr") && p.contains("/usr/") || p.ends_with("bash"))
            {
                let path = String::from_utf8(pieces::merged(path.as_bytes())).unwrap();
                if path.contains("bin/") || path.contains("lib/") || path.ends_with("old") {
                    rig.put(&path, "host's");
                }
            }
        }
        rig.put("var/lib/dpkg/info/bash.postinst", "#!/bin/sh\n");
        let postinst = rig.host("var/lib/dpkg/info/bash.postinst");
        fs::set_permissions(postinst, fs::Permissions::from_mode(0o755)).unwrap();
        rig.put(
            "var/lib/dpkg/triggers/File",
            "/usr/x libc6/noawait\n/usr/y vim\n",
        );
        rig.put(
            "var/lib/dpkg/triggers/ldconfig",
            "vim\nlibc6:amd64/noawait\n",
        );
        rig.put("var/lib/dpkg/triggers/editors", "vim\n");
        rig.put(
            "var/lib/dpkg/diversions",
            "/usr/bin/vim.basic\n/usr/bin/vim.real\nx\n/sbin/start-stop-daemon\n/usr/sbin/ssd.real\nguard\n",
        );
        rig.put(
            "var/lib/dpkg/statoverride",
            "root adm 4754 /bin/bash\nroot root 755 /usr/bin/vim.basic\n",
        );
        rig.put(
            "var/lib/dpkg/alternatives/shell",
            "auto\n/usr/bin/shell\n\n/usr/bin/bash\n10\n\n",
        );
        rig.put(
            "var/lib/dpkg/alternatives/editor",
            "auto\n/usr/bin/editor\n\n/usr/bin/vim.basic\n10\n\n",
        );
        rig
    }

    fn status(&self, packages: &[(&str, &str, &str)], important: &[&str]) {
        let one = |(name, version, more): &(&str, &str, &str)| {
            let text = stanza(name, version, more);
            match important.contains(name) {
                true => text.replace("Priority: optional", "Priority: important"),
                false => text,
            }
        };
        let text: String = packages.iter().map(one).collect();
        // As dpkg does: by rename, with another inode.
        let path = self.host("var/lib/dpkg/status");
        put(&path.with_extension("new"), &text);
        fs::rename(path.with_extension("new"), path).unwrap();
    }

    /// Whether this kernel lets us make whiteouts; since Linux 5.8 it lets anybody.
    fn can_hide(&self) -> bool {
        match make_whiteout(&self.dir.path().join("whiteout")) {
            Err(rustix::io::Errno::PERM) => {
                not_run::not_run("it needs whiteouts, which are denied");
                false
            }
            made => made.map(|()| true).unwrap(),
        }
    }

    fn host(&self, path: &str) -> PathBuf {
        self.dir.path().join("host").join(path)
    }

    fn put(&self, path: &str, text: &str) {
        put(&self.host(path), text);
    }

    fn lend(&self) -> Lent {
        let (host, _) = host();
        lend(host, &self.disk, &self.host(""), &self.world).unwrap()
    }

    fn settle(&self) -> Settled {
        let (host, _) = host();
        settle(host, &self.disk, &self.host(""), &self.world).unwrap()
    }

    fn admindir(&self, path: &str) -> PathBuf {
        self.world.admindir().join(path)
    }

    /// The packages that the world's database knows: name, version, status.
    fn known(&self) -> Vec<String> {
        let (host, _) = host();
        let all = super::host::read(host, &self.world.admindir(), Path::new("")).unwrap();
        let line =
            |k: &super::host::Known| format!("{} {} {}", k.key.0, k.version, k.word("Status"));
        all.iter().map(line).collect()
    }

    /// What a run leaves of a package that the view brings.
    fn install(&self, name: &str, version: &str, more: &str, paths: &[&str]) {
        let path = self.admindir("status");
        let old = read(&path);
        let others = old.split("\n\n").filter(|s| !s.is_empty());
        let others = others.filter(|s| !s.starts_with(&format!("Package: {name}\n")));
        let mut text: String = others.map(|s| format!("{s}\n\n")).collect();
        text.push_str(&stanza(name, version, more));
        put(&path, &text);
        let list: BTreeSet<&Path> = paths
            .iter()
            .flat_map(|p| Path::new(p).ancestors())
            .collect();
        let list = list.iter().filter(|p| !p.as_os_str().is_empty());
        let list: String = list.map(|p| format!("/{}\n", p.display())).collect();
        let info = self.admindir(&format!("info/{name}.list"));
        let _ = fs::remove_file(&info);
        put(&info, &format!("/.\n{list}"));
        for path in paths {
            put(&self.world.tree().join(path), "view's");
        }
        let mut lines = fs::read_to_string(self.world.installations()).unwrap_or_default();
        lines.push_str(&format!("{name}:amd64 {name}_{version}_amd64-0\n"));
        put(&self.world.installations(), &lines);
    }
}

const BASE: [&str; 10] = [
    "adduser",
    "bash",
    "dpkg",
    "libc6",
    "libgcc-s1",
    "passwd",
    "perl",
    "tar",
    "usr-is-merged",
    "",
];

#[test]
fn the_base_and_nothing_else() {
    let rig = Rig::new();
    let lent = rig.lend();
    let names: Vec<&str> = lent.packages.keys().map(|k| k.0.as_str()).collect();
    assert_eq!(names, BASE[..9]);
    assert!(lent.has("libc6", "amd64", "2.41") && !lent.has("libc6", "amd64", "2.42"));
    let known = rig.known();
    assert_eq!(known.len(), 9);
    assert!(
        known.iter().all(|k| k.ends_with(" install ok installed")),
        "{known:?}"
    );
    let hosts = fs::metadata(rig.host("var/lib/dpkg/info/bash.postinst")).unwrap();
    let ours = fs::metadata(rig.admindir("info/bash.postinst")).unwrap();
    assert_eq!(hosts.ino(), ours.ino());
    assert!(
        exists(rig.admindir("info/libc6:amd64.list")) && !exists(rig.admindir("info/vim.list"))
    );
    assert_eq!(
        read(rig.admindir("triggers/File")),
        "/usr/x libc6/noawait\n"
    );
    assert_eq!(
        read(rig.admindir("triggers/ldconfig")),
        "libc6:amd64/noawait\n"
    );
    assert!(!exists(rig.admindir("triggers/editors")));
    // By whoever diverts it: where a file of the base is has to be known.
    assert_eq!(
        read(rig.admindir("diversions")),
        "/sbin/start-stop-daemon\n/usr/sbin/ssd.real\nguard\n"
    );
    assert_eq!(
        read(rig.admindir("statoverride")),
        "root adm 4754 /bin/bash\n"
    );
    assert!(
        exists(rig.admindir("alternatives/shell")) && !exists(rig.admindir("alternatives/editor"))
    );
    assert_eq!(Lent::read(&rig.world).unwrap(), lent);
}

#[test]
fn anew_when_the_host_has_changed_and_only_then() {
    let rig = Rig::new();
    let first = rig.lend();
    let path = rig.admindir("status");
    let ino = || fs::metadata(&path).unwrap().ino();
    let (was, text) = (ino(), read(&path));
    assert_eq!(rig.lend(), first);
    assert_eq!(ino(), was);
    // A hold of the view's stays.
    put(
        &path,
        &text.replacen(
            "Package: tar\nStatus: install",
            "Package: tar\nStatus: hold",
            1,
        ),
    );
    rig.install("vim", "10", "", &["usr/bin/vim.basic"]);
    let mut packages = ALL.to_vec();
    packages[0].1 = "6";
    packages.retain(|p| p.0 != "passwd" && p.0 != "adduser");
    rig.put("var/lib/dpkg/triggers/ldconfig", "vim\n");
    rig.put("var/lib/dpkg/triggers/more", "bash\n");
    rig.put(
        "var/lib/dpkg/alternatives/shell",
        "manual\n/usr/bin/shell\n\n/usr/bin/bash\n10\n\n",
    );
    rig.status(&packages, &[]);
    let lent = rig.lend();
    let names: Vec<&str> = lent.packages.keys().map(|k| k.0.as_str()).collect();
    assert_eq!(
        names,
        ["bash", "dpkg", "libc6", "libgcc-s1", "tar", "usr-is-merged"]
    );
    let known = rig.known();
    assert!(
        known.contains(&"bash 6 install ok installed".into()),
        "{known:?}"
    );
    assert!(
        known.contains(&"tar 1.35 hold ok installed".into()),
        "{known:?}"
    );
    assert!(
        known.contains(&"vim 10 install ok installed".into()),
        "{known:?}"
    );
    assert_eq!(known.len(), 7);
    assert!(!exists(rig.admindir("triggers/ldconfig")));
    assert_eq!(read(rig.admindir("triggers/more")), "bash\n");
    assert!(read(rig.admindir("alternatives/shell")).starts_with("manual"));
    assert!(exists(rig.admindir("info/vim.list")));
}

#[test]
fn what_the_view_has_of_its_own_stays() {
    let rig = Rig::new();
    rig.lend();
    rig.install("bash", "7", "Essential: yes\n", &["usr/bin/bash"]);
    put(
        &rig.admindir("alternatives/shell"),
        "auto\n/usr/bin/shell\n\n/usr/bin/bash\n99\n\n",
    );
    // Removed: with what is left of it, and without.
    let text = read(rig.admindir("status"));
    let without: String = text
        .split_inclusive("\n\n")
        .filter(|s| !s.starts_with("Package: passwd\n"))
        .map(|s| match s.starts_with("Package: tar\n") {
            true => s.replace("install ok installed", "deinstall ok config-files"),
            false => s.into(),
        })
        .collect();
    put(&rig.admindir("status"), &without);
    let settled = rig.settle();
    let own: Vec<&str> = settled.lent.own.iter().map(|k| k.0.as_str()).collect();
    assert_eq!(own, ["bash", "passwd", "tar"]);
    let mut packages = ALL.to_vec();
    packages[0].1 = "8";
    rig.status(&packages, &["adduser"]);
    rig.lend();
    let known = rig.known();
    assert!(
        known.contains(&"bash 7 install ok installed".into()),
        "{known:?}"
    );
    assert!(
        known.contains(&"tar 1.35 deinstall ok config-files".into()),
        "{known:?}"
    );
    assert!(!known.iter().any(|k| k.starts_with("passwd ")), "{known:?}");
    assert_eq!(
        read(rig.admindir("info/bash.list")),
        "/.\n/usr\n/usr/bin\n/usr/bin/bash\n"
    );
    assert!(read(rig.admindir("alternatives/shell")).contains("99"));
}

#[test]
fn files_of_the_hosts_version_are_hidden() {
    let rig = Rig::new();
    if !rig.can_hide() {
        return;
    }
    rig.lend();
    let tree = rig.world.tree();
    assert_eq!(rig.settle().hidden, Vec::<PathBuf>::new());
    // Of the base, one upgraded and one removed; and one that only the host had.
    let bash = ["usr/bin/bash", "usr/share/bash/new"];
    rig.install("bash", "6", "Essential: yes\n", &bash);
    rig.install("vim", "10", "", &["usr/bin/vi"]);
    let text = read(rig.admindir("status"));
    let without: String = text
        .split_inclusive("\n\n")
        .filter(|s| !s.starts_with("Package: dpkg\n"))
        .collect();
    put(&rig.admindir("status"), &without);
    rig.put("usr/bin/vim.real", "host's");
    rig.put("usr/sbin/ssd.real", "host's");
    let settled = rig.settle();
    let mut hidden = settled.hidden.clone();
    hidden.sort();
    // Diverted names are others': what is ours is where it was diverted to.
    let wanted = [
        "usr/bin/dpkg",
        "usr/bin/vim.real",
        "usr/sbin/ssd.real",
        "usr/share/bash/old",
    ];
    assert_eq!(hidden, wanted.map(PathBuf::from));
    for path in wanted {
        assert!(is_whiteout(tree.join(path)), "{path}");
    }
    assert_eq!(read(tree.join("usr/bin/bash")), "view's");
    let modes = ["host/usr/share/bash", "gen/main/root/usr/share/bash"];
    let modes = modes.map(|p| fs::metadata(rig.dir.path().join(p)).unwrap().mode());
    assert_eq!(modes[0], modes[1]);
    let again = rig.settle();
    assert!(again.hidden.is_empty() && again.shown.is_empty());
    assert_eq!(again.lent, settled.lent);
    // A package has one of them again; vim is gone from the view, and the host's shows.
    fs::remove_file(tree.join("usr/share/bash/old")).unwrap();
    put(&tree.join("usr/share/bash/old"), "view's");
    let without: String = read(rig.admindir("status"))
        .split_inclusive("\n\n")
        .filter(|s| !s.starts_with("Package: vim\n"))
        .collect();
    put(&rig.admindir("status"), &without);
    let settled = rig.settle();
    assert_eq!(settled.shown, [Path::new("usr/bin/vim.real")]);
    assert_eq!(read(tree.join("usr/share/bash/old")), "view's");
    assert!(!exists(tree.join("usr/bin/vim.real")) && is_whiteout(tree.join("usr/bin/dpkg")));
}

#[test]
fn directories_that_nobody_has_any_more_are_hidden() {
    let rig = Rig::new();
    if !rig.can_hide() {
        return;
    }
    let dirs = [
        "usr/lib/empty",
        "usr/lib/held",
        "usr/lib/others",
        "usr/lib/kept",
        "usr/lib/old",
        "usr/lib/old/deep",
        "usr/lib/late",
    ];
    let list = |more: &str| {
        let dirs: String = dirs.iter().map(|d| format!("/{d}\n")).collect();
        format!("/.\n/usr\n/usr/lib\n{dirs}/usr/lib/old/deep/file\n{more}")
    };
    for dir in dirs {
        fs::create_dir_all(rig.host(dir)).unwrap();
    }
    rig.put("usr/lib/old/deep/file", "host's");
    rig.put("usr/lib/held/unlisted", "host's");
    rig.put("usr/lib/late/made", "by a script");
    rig.put("var/lib/dpkg/info/bash.list", &list(""));
    rig.put(
        "var/lib/dpkg/info/vim.list",
        "/.\n/usr\n/usr/lib\n/usr/lib/others\n",
    );
    let lent = rig.lend();
    fs::create_dir_all(rig.world.tree()).unwrap();
    make_directories(&rig.disk, &rig.host(""), &rig.world, &lent).unwrap();
    let tree = rig.world.tree();
    assert!(tree.join("usr/lib/old/deep").is_dir());
    assert_eq!(rig.settle().hidden, Vec::<PathBuf>::new());

    // dpkg takes away what it can; in one of them stands a file of the view's that nobody lists.
    rig.install("bash", "6", "Essential: yes\n", &["usr/lib/bash/new"]);
    for dir in ["empty", "held", "others", "old/deep", "old", "late"] {
        fs::remove_dir(tree.join("usr/lib").join(dir)).unwrap();
    }
    put(&tree.join("usr/lib/kept/own"), "view's");
    let settled = rig.settle();
    let hidden: BTreeSet<&Path> = settled.hidden.iter().map(PathBuf::as_path).collect();
    let wanted = ["usr/lib/empty", "usr/lib/old"];
    assert_eq!(hidden, wanted.map(Path::new).into());
    assert_eq!(settled.lent.whiteouts, wanted.map(PathBuf::from).into());
    assert!(wanted.iter().all(|path| is_whiteout(tree.join(path))));
    assert!(!exists(tree.join("usr/lib/held")) && tree.join("usr/lib/kept/own").is_file());
    let again = rig.settle();
    assert!(again.hidden.is_empty() && again.shown.is_empty());
    assert_eq!(again.lent, settled.lent);

    // A script of the view's has removed what was in one; another package of the view lists one; the host's vim has one now.
    fs::create_dir(tree.join("usr/lib/late")).unwrap();
    make_whiteout(&tree.join("usr/lib/late/made")).unwrap();
    fs::remove_file(tree.join("usr/lib/empty")).unwrap();
    rig.install("app", "1", "", &["usr/lib/empty/file"]);
    rig.put(
        "var/lib/dpkg/info/vim.list",
        "/.\n/usr\n/usr/lib\n/usr/lib/others\n/usr/lib/old\n",
    );
    let settled = rig.settle();
    assert_eq!(settled.hidden.last().unwrap(), Path::new("usr/lib/late"));
    assert_eq!(settled.shown, [Path::new("usr/lib/old")]);
    assert!(is_whiteout(tree.join("usr/lib/late")));
    assert!(tree.join("usr/lib/empty/file").is_file());
    // What was in the one that shows is hidden all the same.
    assert!(is_whiteout(tree.join("usr/lib/old/deep")));
}

fn relation(services: Services, text: &str) -> dpkgng_plugin::Relation {
    services.relations(Field::Depends, text.as_bytes()).unwrap()[0][0].clone()
}

#[test]
fn what_else_the_host_has_satisfies() {
    let rig = Rig::new();
    let mut packages = ALL.to_vec();
    packages.extend([
        ("libssl3", "3.5.1-1", "Multi-Arch: same\n"),
        ("tool", "2", "Architecture: all\nMulti-Arch: foreign\n"),
        (
            "data",
            "1",
            "Architecture: all\nProvides: old-data (= 4), any-data\n",
        ),
        ("python3", "3.13", "Multi-Arch: allowed\n"),
    ]);
    rig.status(&packages, &["adduser"]);
    let lent = rig.lend();
    let (host, _) = host();
    let satisfies = Satisfies::read(host, &rig.host(""), &lent).unwrap();
    let services = host.services();
    let ask = |text: &str, by: &str| {
        let relation = relation(services, text);
        satisfies.find(&relation, by, |_, _| Ok(true)).unwrap()
    };
    for (text, by, wanted) in [
        ("libssl3", "amd64", Some("libssl3:amd64")),
        ("libssl3 (>= 3.5)", "all", Some("libssl3:amd64")),
        ("libssl3 (>= 3.6)", "amd64", None),
        ("libssl3", "i386", None),
        ("libx", "i386", Some("libx:i386")),
        ("libx", "amd64", None),
        ("tool (= 2)", "i386", Some("tool:all")),
        ("data", "i386", Some("data:all")),
        ("old-data (>= 3)", "amd64", Some("data:all")),
        ("any-data", "amd64", Some("data:all")),
        ("any-data (>= 1)", "amd64", None),
        ("editor", "amd64", Some("vim:amd64")),
        ("python3:any", "i386", Some("python3:amd64")),
        ("python3", "i386", None),
        ("libssl3:any", "i386", None),
        ("half", "amd64", None),
        // Of the base: the world's database tells.
        ("libc6", "amd64", None),
        ("virtual-perl", "amd64", None),
        ("nothing", "amd64", None),
    ] {
        assert_eq!(ask(text, by).as_deref(), wanted, "{text} for {by}");
    }
    let found = satisfies.find(&relation(services, "vim"), "amd64", |_, _| Ok(false));
    assert_eq!(found.unwrap(), None);
    // In a run.
    rig.install("libssl3", "3.0", "Multi-Arch: same\n", &[]);
    rig.install("app", "1", "", &[]);
    let world = rig.world.admindir();
    let database = host.packages_open(&world, Path::new(""), None).unwrap();
    let app = database.find("app").unwrap().unwrap();
    let in_run = |text: &str| {
        satisfies
            .by_host(&database, app, &relation(services, text))
            .unwrap()
    };
    assert_eq!(in_run("libssl3 (>= 3.5)"), None);
    assert_eq!(in_run("vim").as_deref(), Some("vim:amd64"));
}

#[test]
fn a_large_host_is_quick_to_borrow_from() {
    let rig = Rig::new();
    let mut packages: Vec<(String, String)> = Vec::new();
    for n in 0..3000 {
        let more = match n % 10 {
            0 => format!(
                "Priority-X: 1\nDepends: libc6 (>= 2.3), p{} | p{}\n",
                n + 1,
                n + 2
            ),
            _ => format!(
                "Depends: libc6 (>= 2.3), p{}\nProvides: v{n} (= 1)\n",
                (n + 7) % 3000
            ),
        };
        packages.push((format!("p{n}"), more));
    }
    let mut all: Vec<(&str, &str, &str)> = ALL.to_vec();
    all.extend(
        packages
            .iter()
            .map(|(n, m)| (n.as_str(), "1.2-3", m.as_str())),
    );
    rig.status(&all, &["adduser"]);
    let begun = std::time::Instant::now();
    let lent = rig.lend();
    let first = begun.elapsed();
    let begun = std::time::Instant::now();
    rig.lend();
    // Told, not judged: it depends on the machine.
    eprintln!(
        "3,000 packages of the host: {first:?}, unchanged {:?}",
        begun.elapsed()
    );
    assert_eq!(lent.packages.len(), 9);
}

#[test]
fn a_host_without_dpkg_lends_what_every_view_is() {
    let rig = Rig::new();
    fs::remove_dir_all(rig.host("var/lib/dpkg")).unwrap();
    let lent = rig.lend();
    let names: BTreeSet<&str> = lent.packages.keys().map(|k| k.0.as_str()).collect();
    assert_eq!(names, ["usr-is-merged"].into());
    assert_eq!(rig.known(), ["usr-is-merged 39+nmu2 install ok installed"]);
}
