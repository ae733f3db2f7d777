//! With an index of paths a run says and does what it does without, and reads hardly a list.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const DPKG_NG: &str = env!("CARGO_BIN_EXE_dpkg-ng");

const PACKAGES: usize = 60;

/// A system with some packages.
struct System {
    dir: tempfile::TempDir,
    option: &'static str,
}

impl System {
    fn new(option: &'static str) -> System {
        let dir = tempfile::tempdir().unwrap();
        let system = System { dir, option };
        for sub in ["info", "updates", "triggers"] {
            fs::create_dir_all(system.path("var/lib/dpkg").join(sub)).unwrap();
        }
        fs::create_dir_all(system.path("var/cache")).unwrap();
        let mut status = String::new();
        for n in 0..PACKAGES {
            write!(
                status,
                "Package: p{n}\nStatus: install ok installed\nMaintainer: T <t@e.x>\n"
            )
            .unwrap();
            status += "Architecture: all\nVersion: 1\nDescription: x\n\n";
            let list = format!(
                "/.\n/usr\n/usr/share\n/usr/share/p{n}\n/usr/share/p{n}/file\n/usr/share/p{n}/more\n"
            );
            fs::write(system.list(n), list).unwrap();
            let share = system.path("usr/share").join(format!("p{n}"));
            fs::create_dir_all(&share).unwrap();
            fs::write(share.join("file"), "").unwrap();
            fs::write(share.join("more"), "").unwrap();
        }
        fs::write(system.path("var/lib/dpkg/status"), status).unwrap();
        fs::write(system.path("var/lib/dpkg/info/format"), "1\n").unwrap();
        system
    }

    fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    fn list(&self, n: usize) -> PathBuf {
        self.path(&format!("var/lib/dpkg/info/p{n}.list"))
    }

    fn index(&self) -> PathBuf {
        self.path("var/cache/dpkg-ng/paths")
    }

    /// What a command said, and how it ended.
    fn dpkg(&self, arguments: &[&str]) -> String {
        self.run(Command::new(DPKG_NG), arguments)
    }

    fn run(&self, mut command: Command, arguments: &[&str]) -> String {
        let root = self.dir.path().display().to_string();
        command.args(["dpkg", &format!("--root={root}"), self.option]);
        command.args(["--force-not-root", "--force-bad-path"]);
        command.args(["--force-script-chrootless", "--log=/dev/null"]);
        command
            .args(arguments)
            .stdin(Stdio::null())
            .env("LC_ALL", "C");
        let done = command.output().unwrap();
        let text = [done.stdout, done.stderr].concat();
        let text = String::from_utf8_lossy(&text).replace(&root, "ROOT");
        format!("{arguments:?} {:?}\n{text}", done.status.code())
    }

    /// The database.
    fn state(&self) -> String {
        let mut state = fs::read_to_string(self.path("var/lib/dpkg/status")).unwrap();
        let info = fs::read_dir(self.path("var/lib/dpkg/info")).unwrap();
        let mut files: Vec<_> = info.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            let name = file.file_name().unwrap().display();
            write!(state, "== {name}\n{text}").unwrap();
        }
        state
    }
}

fn deb(dir: &Path, name: &str, fields: &str, files: &[&str]) -> String {
    let tree = dir.join(name);
    fs::create_dir_all(tree.join("DEBIAN")).unwrap();
    let control = format!(
        "Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: T <t@e.x>\n{fields}Description: x\n"
    );
    fs::write(tree.join("DEBIAN/control"), control).unwrap();
    for path in files {
        let path = tree.join(path.trim_start_matches('/'));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, name).unwrap();
    }
    let deb = dir.join(format!("{name}.deb"));
    let mut build = Command::new(DPKG_NG);
    build.args(["dpkg-deb", "-Zgzip", "--root-owner-group", "-b"]);
    let done = build.arg(tree).arg(&deb).output().unwrap();
    assert!(done.status.success());
    deb.display().to_string()
}

/// Until what is there is so old that its time tells of every change.
fn wait_until_old(systems: &[&System]) {
    let newest = systems
        .iter()
        .flat_map(|s| (0..PACKAGES).map(|n| s.list(n)));
    let newest = newest.map(|list| fs::metadata(list).unwrap().ctime()).max();
    let old = UNIX_EPOCH + Duration::from_secs(newest.unwrap() as u64 + 4);
    while let Ok(left) = old.duration_since(SystemTime::now()) {
        std::thread::sleep(left);
    }
}

#[test]
fn it_is_as_if_all_lists_were_read() {
    let (with, without) = (
        System::new("--path-index=0"),
        System::new("--no-path-index"),
    );
    let debs = tempfile::tempdir().unwrap();
    let deb = |name: &str, fields: &str, files: &[&str]| deb(debs.path(), name, fields, files);
    let plain = deb("plain", "", &["/usr/share/plain/file"]);
    let clash = deb("clash", "", &["/usr/share/p3/file"]);
    let odd = deb("odd", "", &["/odd/path"]);
    let taker = deb(
        "taker",
        "Replaces: p7\n",
        &["/usr/share/p7/file", "/usr/share/t"],
    );
    let whole = deb(
        "whole",
        "Replaces: p9\n",
        &["/usr/share/p9/file", "/usr/share/p9/more"],
    );
    wait_until_old(&[&with, &without]);

    let both = |arguments: &[&str]| {
        let said = with.dpkg(arguments);
        assert_eq!(said, without.dpkg(arguments));
        assert_eq!(with.state(), without.state(), "{arguments:?}");
        said
    };
    both(&["-i", &plain]);
    assert!(!without.index().exists());
    let is = fs::metadata(with.index()).expect("an index");
    assert_eq!(is.mode() & 0o777, 0o600);

    // Only what changed since is read.
    let mut strace = Command::new("strace");
    strace.args(["-f", "-e", "trace=openat,openat2", DPKG_NG]);
    match Command::new("strace").arg("-V").output() {
        Ok(_) => {
            let said = with.run(strace, &["--dry-run", "-i", &clash]);
            assert!(said.contains("plain.list"), "{said}");
            assert!(!said.contains("p8.list"), "{said}");
        }
        Err(_) => not_run::not_run("no strace here"),
    }

    let said = both(&["-i", &clash]);
    assert!(said.contains("which is also in package p3"), "{said}");
    for system in [&with, &without] {
        let list = fs::read_to_string(system.list(5)).unwrap();
        fs::write(system.list(5), list + "/odd/path\n").unwrap();
        fs::create_dir(system.path("odd")).unwrap();
        fs::write(system.path("odd/path"), "").unwrap();
    }
    let said = both(&["-i", &odd]);
    assert!(said.contains("which is also in package p5"), "{said}");
    both(&["-i", &taker]);
    let left = fs::read_to_string(with.list(7)).unwrap();
    assert!(!left.contains("file"), "{left}");
    let said = both(&["-i", &whole]);
    assert!(said.contains("disappearance of p9"), "{said}");
    let said = both(&["-r", "p11", "p12"]);
    assert!(said.contains("Removing p12"), "{said}");

    // One that is damaged, or that others could have written, is none.
    let index = fs::read(with.index()).unwrap();
    fs::write(with.index(), &index[..index.len() / 2]).unwrap();
    both(&["-r", "p13"]);
    fs::set_permissions(with.index(), fs::Permissions::from_mode(0o666)).unwrap();
    both(&["-r", "p14"]);
    fs::remove_file(with.index()).unwrap();
    fs::create_dir(with.index()).unwrap();
    both(&["-r", "p15"]);
}
