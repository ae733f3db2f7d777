use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32};

use super::*;
use crate::generation::{Disk, Step};
use crate::testing::host;

/// An entry of a tar archive.
#[derive(Clone)]
struct Tar<'a> {
    kind: u8,
    name: &'a str,
    link: &'a str,
    content: &'a [u8],
    mode: u32,
}

fn file<'a>(name: &'a str, content: &'a str) -> Tar<'a> {
    Tar {
        kind: b'0',
        name,
        link: "",
        content: content.as_bytes(),
        mode: 0o644,
    }
}

fn link<'a>(kind: u8, name: &'a str, to: &'a str) -> Tar<'a> {
    Tar {
        kind,
        link: to,
        mode: 0o777,
        ..file(name, "")
    }
}

fn dir(name: &str) -> Tar<'_> {
    Tar {
        kind: b'5',
        mode: 0o755,
        ..file(name, "")
    }
}

/// Whose files we make: our own, that anybody may give.
fn us() -> (u32, u32) {
    let dir = tempfile::tempdir().unwrap();
    let is = fs::metadata(dir.path()).unwrap();
    (is.uid(), is.gid())
}

fn tar(entries: &[Tar<'_>]) -> Vec<u8> {
    let (uid, gid) = us();
    let mut out = Vec::new();
    for entry in entries {
        let mut head = [0u8; 512];
        let mut put = |at: usize, bytes: &[u8]| head[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, entry.name.as_bytes());
        put(100, format!("{:07o}", entry.mode).as_bytes());
        put(108, format!("{uid:07o}").as_bytes());
        put(116, format!("{gid:07o}").as_bytes());
        put(124, format!("{:011o}", entry.content.len()).as_bytes());
        put(136, format!("{:011o}", 1_000_000_000).as_bytes());
        put(148, b"        ");
        put(156, &[entry.kind]);
        put(157, entry.link.as_bytes());
        put(257, b"ustar  \0");
        let sum: u32 = head.iter().map(|b| u32::from(*b)).sum();
        head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        out.extend(head);
        out.extend(entry.content);
        out.resize(out.len().next_multiple_of(512), 0);
    }
    out.resize(out.len() + 1024, 0);
    out
}

fn ar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = b"!<arch>\n".to_vec();
    for (name, content) in members {
        let len = content.len();
        let head = format!(
            "{name:<16}{:<12}{:<6}{:<6}{:<8}{len:<10}`\n",
            0, 0, 0, 100_644
        );
        out.extend(head.as_bytes());
        out.extend(*content);
        if len % 2 == 1 {
            out.push(b'\n');
        }
    }
    out
}

fn control(name: &str, fields: &str) -> String {
    format!(
        "Package: {name}\nVersion: 1:2.0-1\nArchitecture: amd64\nMaintainer: T <t@e.x>\n{fields}\
         Description: x\n"
    )
}

struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Place {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("outside")).unwrap();
        fs::write(dir.path().join("outside/file"), "untouched").unwrap();
        Place { dir }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    fn sys(&self, disk: Disk) -> Sys {
        Sys::open(Layout::new(self.path("sys")), disk, false).unwrap()
    }

    /// A package with these control files and these entries.
    fn deb_of(&self, name: &str, control: &[Tar<'_>], data: &[Tar<'_>]) -> PathBuf {
        let deb = self.path(&format!("{name}.deb"));
        let members = [
            ("debian-binary", &b"2.0\n"[..]),
            ("control.tar", &tar(control)),
            ("data.tar", &tar(data)),
        ];
        fs::write(&deb, ar(&members)).unwrap();
        deb
    }

    fn deb(&self, name: &str, data: &[Tar<'_>]) -> PathBuf {
        let control = control(name, "");
        let mut postinst = file("./postinst", "#!/bin/sh\n");
        postinst.mode = 0o755;
        self.deb_of(
            name,
            &[dir("./"), file("./control", &control), postinst],
            data,
        )
    }

    fn store(&self, debs: &[PathBuf]) -> Result<Vec<Stored>, StoreError> {
        store(host().0, &self.sys(Disk::default()), debs)
    }

    /// The payload of a package that can be stored.
    fn stored(&self, deb: &Path) -> PathBuf {
        let stored = self.store(&[deb.into()]).unwrap();
        self.path("sys/store").join(stored[0].id.to_string())
    }

    /// Why a package can't be stored: it is left to dpkg, and nothing of it stays.
    fn refused(&self, deb: &Path) -> String {
        assert_eq!(self.store(&[deb.into()]).unwrap(), []);
        let aside = self.path("aside");
        let (host, disk) = (host().0, Disk::default());
        let opened = Deb::open(host.services(), deb);
        let refused = opened.and_then(|deb| deb.unpack(host.services(), &disk, &aside));
        let refused = refused.unwrap_err().to_string();
        disk.remove_tree(&aside).unwrap();
        assert_eq!(self.names("sys/store"), [""; 0], "{refused}");
        assert_eq!(self.names("sys/tmp"), [""; 0], "{refused}");
        assert_eq!(self.names("outside"), ["file"], "{refused}");
        let file = fs::read_to_string(self.path("outside/file")).unwrap();
        assert_eq!(file, "untouched", "{refused}");
        refused
    }

    fn names(&self, dir: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(dir)).unwrap();
        let mut names: Vec<String> = entries
            .map(|e| e.unwrap().file_name().to_str().unwrap().to_owned())
            .collect();
        names.sort();
        names
    }
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

#[test]
fn a_package_is_stored_as_merged_usr_has_it() {
    let place = Place::new();
    let mut su = file("./bin/su", "su");
    su.mode = 0o4755;
    let deb = place.deb(
        "tool",
        &[
            dir("./"),
            dir("./bin"),
            su,
            link(b'1', "./usr/bin/sudo", "./bin/su"),
            dir("./etc"),
            file("./etc/tool.conf", "conf"),
            link(b'2', "./lib64", "usr/lib64"),
            link(b'2', "./usr/bin/abs", "/etc/tool.conf"),
            file("./opt/deep/er/x", "x"),
            file("./lib/y", "y"),
            link(b'2', "./usr/lib/y", "/lib/y"),
            file("./usr/lib/y", "y"),
        ],
    );
    let top = place.stored(&deb);
    assert!(top.to_str().unwrap().contains("/tool_1%3a2.0-1_amd64-"));
    let names = |path: &str| {
        let path = top.join(path);
        place.names(path.to_str().unwrap())
    };
    assert_eq!(names(""), ["DEBIAN", "etc", "opt", "usr"]);
    assert_eq!(names("usr"), ["bin", "lib"]);
    assert_eq!(names("usr/bin"), ["abs", "su", "sudo"]);
    assert_eq!(
        names("DEBIAN"),
        ["control", "headers", "installation", "objects", "postinst"]
    );
    assert_eq!(mode(&top.join("DEBIAN/postinst")), 0o755);
    assert_eq!(mode(&top.join("DEBIAN/control")), 0o644);
    assert_eq!(mode(&top.join("opt/deep")), 0o755);
    let su = fs::metadata(top.join("usr/bin/su")).unwrap();
    assert_eq!((su.mode() & 0o7777, su.nlink()), (0o755, 2));
    assert_eq!(su.mtime(), 1_000_000_000);
    let abs = fs::read_link(top.join("usr/bin/abs")).unwrap();
    assert_eq!(abs, Path::new("/etc/tool.conf"));

    let layout = Layout::new(place.path("sys"));
    let name: PackageName = "tool".parse().unwrap();
    let found = find(&layout, &name, None, None).unwrap();
    let facts = facts::read(host().0.services(), &layout, &found[0]).unwrap();
    assert_eq!(facts.installation.size, 2 + 4 + 1 + 1);
    let (uid, gid) = us();
    let setuid: Vec<_> = facts
        .installation
        .setuid
        .iter()
        .map(|s| {
            assert_eq!((s.mode, s.uid, s.gid), (0o4755, uid, gid));
            s.path.to_str().unwrap()
        })
        .collect();
    assert_eq!(setuid, ["usr/bin/su", "usr/bin/sudo"]);
    let paths: Vec<_> = facts.paths.iter().map(|p| p.to_str().unwrap()).collect();
    assert_eq!(
        paths,
        [
            "etc/tool.conf",
            "opt/deep/er/x",
            "usr/bin/abs",
            "usr/bin/su",
            "usr/bin/sudo",
            "usr/lib/y"
        ]
    );

    // A second time nothing is done; and other versions and names are not it.
    let steps = Arc::new(AtomicU32::new(0));
    let seen = steps.clone();
    let sys = place.sys(Disk::watched(Box::new(move |_| {
        seen.fetch_add(1, Ordering::Relaxed);
        Ok(())
    })));
    let before = steps.load(Ordering::Relaxed);
    let again = store(host().0, &sys, &[deb.clone(), deb]).unwrap();
    assert!(again.iter().all(|s| !s.new && s.id == found[0]));
    assert_eq!(steps.load(Ordering::Relaxed), before);
    let other = Version::new("2.0-1").unwrap();
    assert!(find(&layout, &name, Some(&other), None).unwrap().is_empty());
    assert!(
        find(&layout, &name, None, Some(&"i386".parse().unwrap()))
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        find(&layout, &name, Some(found[0].version()), None).unwrap(),
        found
    );
}

#[test]
fn a_hostile_archive_stays_in_its_directory() {
    let place = Place::new();
    let outside = place.path("outside");
    let out = outside.to_str().unwrap();
    let inner = place.path("outside/new");
    let refused = |data: &[Tar<'_>]| place.refused(&place.deb("hostile", data));
    assert!(refused(&[file("./../../outside/new", "x")]).contains("not a path below the package"));
    assert!(refused(&[file("../outside/file", "x")]).contains("not a path below the package"));
    // Links come last, whatever the archive's order: they meet what was to be written through them.
    for planted in [out, "../../../outside", "."] {
        let refused = |data: &[Tar<'_>]| {
            let twice = place.refused(&place.deb("hostile", data));
            assert!(
                twice.ends_with("' is there twice, and not the same"),
                "{twice}"
            );
        };
        refused(&[
            dir("./a"),
            link(b'2', "./a/b", planted),
            file("./a/b/new", "x"),
        ]);
        refused(&[
            link(b'2', "./b", planted),
            dir("./b/new"),
            file("./b/new/x", "x"),
        ]);
        refused(&[link(b'2', "./b", planted), dir("./b")]);
        refused(&[link(b'2', "./b", planted), file("./b", "x")]);
        refused(&[link(b'2', "./b", planted), link(b'2', "./b", "elsewhere")]);
    }
    let through = refused(&[file("./b", "x"), file("./b/x", "x")]);
    assert_eq!(through, "'b/x' is below 'b', which is no directory");
    let hard = |to: &str| refused(&[link(b'1', "./b", to), file("./b", "x")]);
    assert!(hard(outside.join("file").to_str().unwrap()).contains("no file before it"));
    assert!(hard("../../../outside/file").contains("not a path below the package"));
    let by_link = refused(&[link(b'2', "./a", out), link(b'1', "./b", "./a/file")]);
    assert!(by_link.contains("no file before it"), "{by_link}");
    assert!(refused(&[dir("./DEBIAN"), file("./DEBIAN/control", "x")]).contains("metadata"));
    for kind in [b'3', b'4', b'6'] {
        let special = refused(&[dir("./dev"), link(kind, "./dev/x", "")]);
        assert!(special.starts_with("'dev/x' is a"), "{special}");
    }
    let clash = refused(&[file("./lib/a", "1"), file("./usr/lib/a", "2")]);
    assert_eq!(clash, "'usr/lib/a' is there twice, and not the same");

    // An absolute name is one below the package, and a link may say what it likes.
    let deb = place.deb(
        "fine",
        &[file(inner.to_str().unwrap(), "x"), link(b'2', "./l", out)],
    );
    let top = place.stored(&deb);
    let inside = top.join(inner.strip_prefix("/").unwrap());
    assert_eq!(fs::read_to_string(inside).unwrap(), "x");
    assert_eq!(place.names("outside"), ["file"]);
}

#[test]
fn what_is_no_package_is_refused_and_stores_nothing() {
    let place = Place::new();
    let refused = |deb: &Path, expected: &str| {
        let refused = place.refused(deb);
        assert!(refused.contains(expected), "{refused}");
    };
    let right = control("bad", "");
    let epoch = right.replace("1:2.0", "x:2.0");
    let depends = format!("{right}Depends: a | | b\n");
    let [outside, twice] = [control("../bad", ""), format!("{right}\n{right}")];
    let control = |text| file("./control", text);
    let bad: [(&[Tar<'_>], &str); 10] = [
        (&[], "no control file"),
        (&[control("")], "0 paragraphs"),
        (&[control("Package: bad\n")], "no field Version"),
        (&[control("what is this")], "control file: "),
        (&[control(&outside)], "not a package name"),
        (&[control(&twice)], "2 paragraphs"),
        (&[control(&epoch)], "epoch"),
        (&[control(&depends)], "'Depends' field"),
        (
            &[control(&right), file("./installation", "x")],
            "'installation' cannot be kept: the name is taken",
        ),
        (
            &[control(&right), file("./a/b", "x")],
            "'a/b' cannot be kept: it is in a directory",
        ),
    ];
    for (control, expected) in bad {
        let deb = place.deb_of("bad", control, &[file("./x", "x")]);
        refused(&deb, expected);
    }
    refused(&place.path("outside/file"), "archive");
    refused(&place.path("nothing.deb"), "No such file");
    let cut = place.deb("cut", &[file("./x", &"x".repeat(5000))]);
    let whole = fs::read(&cut).unwrap();
    fs::write(&cut, &whole[..whole.len() - 4000]).unwrap();
    refused(&cut, "unexpected end of file");
    // It keeps no other out.
    let good = place.deb("good", &[file("./x", "x")]);
    let stored = place.store(&[cut, good.clone()]).unwrap();
    assert_eq!((stored.len(), &stored[0].deb), (1, &good));
    assert_eq!(place.names("sys/store"), [stored[0].id.to_string()]);
}

/// A disk on which the process dies before the step `left` counts down to.
fn dying(left: u32) -> (Disk, Arc<AtomicBool>) {
    let (left, dead) = (AtomicU32::new(left), Arc::new(AtomicBool::new(false)));
    let died = dead.clone();
    let watcher = move |step: &Step| {
        let before = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
        if before.is_ok() {
            return Ok(());
        }
        if !died.swap(true, Ordering::SeqCst) && matches!(step.what, "write" | "place") {
            // Half of it is there.
            let _ = fs::write(&step.path, "");
        }
        Err(io::Error::other("killed"))
    };
    (Disk::watched(Box::new(watcher)), dead)
}

#[test]
fn killed_at_any_step() {
    for step in 0.. {
        let place = Place::new();
        drop(place.sys(Disk::default()));
        let debs = ["aa", "bb"].map(|name| place.deb(name, &[dir("./usr"), file("./usr/x", name)]));
        let (disk, dead) = dying(step);
        let opened = Sys::open(Layout::new(place.path("sys")), disk, false);
        let done = opened.map(|sys| store(host().0, &sys, &debs).is_ok());
        let died = dead.load(Ordering::SeqCst);
        assert_eq!(done.unwrap_or(false), !died);
        // What is there is whole, before anything is cleared away and after.
        let whole = || {
            for id in place.names("sys/store") {
                let id: InstallationId = id.parse().unwrap();
                let layout = Layout::new(place.path("sys"));
                facts::read(host().0.services(), &layout, &id).unwrap();
                let x = layout.installation(&id).join("usr/x");
                assert_eq!(fs::read_to_string(x).unwrap(), id.package().as_str());
            }
        };
        whole();
        drop(place.sys(Disk::default()));
        assert_eq!(place.names("sys/tmp"), [""; 0]);
        whole();
        place.store(&debs).unwrap();
        assert_eq!(place.names("sys/store").len(), 2);
        whole();
        if !died {
            assert!(step > 20, "{step}");
            return;
        }
    }
}

#[test]
fn durable_before_it_is_named() {
    let place = Place::new();
    drop(place.sys(Disk::default()));
    let steps = Arc::new(Mutex::new(Vec::new()));
    let seen = steps.clone();
    let sys = place.sys(Disk::watched(Box::new(move |step| {
        seen.lock().unwrap().push(step.what);
        Ok(())
    })));
    let debs = ["aa", "bb"].map(|name| place.deb(name, &[file("./x", name)]));
    let (host, heard) = host();
    store(host, &sys, &debs).unwrap();
    let steps = steps.lock().unwrap();
    let first = steps.iter().position(|s| *s == "sync the file system of");
    let expected = ["sync the file system of", "rename", "rename", "sync"];
    assert_eq!(steps[first.unwrap()..], expected);
    let progress = heard.progress.borrow();
    let progress: Vec<_> = progress.iter().map(|(done, of, _)| (*done, *of)).collect();
    assert_eq!(progress, [(1, 2), (2, 2)]);
}

#[test]
fn the_same_twice_is_stored_once_and_another_by_its_name_not() {
    let place = Place::new();
    let first = place.deb("aa", &[file("./x", "1")]);
    let copy = place.path("copy.deb");
    fs::copy(&first, &copy).unwrap();
    let stored = place.store(&[first.clone(), copy]).unwrap();
    assert_eq!(stored[0].id, stored[1].id);
    place.deb("aa", &[file("./x", "2")]);
    let other = place.store(std::slice::from_ref(&first)).unwrap();
    assert_ne!(other[0].id, stored[0].id);
    assert_eq!(place.names("sys/store").len(), 2);
    // Metadata of another one.
    let [one, two] = [&stored[0].id, &other[0].id].map(|id| {
        place
            .path("sys/store")
            .join(id.to_string())
            .join("DEBIAN/installation")
    });
    fs::copy(one, two).unwrap();
    assert!(matches!(place.store(&[first]), Err(StoreError::Facts(_))));
}

#[test]
fn directories_keep_their_modes() {
    let place = Place::new();
    let mut private = dir("./private");
    private.mode = 0o2700;
    let top = place.stored(&place.deb("aa", &[private, file("./private/x", "x")]));
    assert_eq!(mode(&top.join("private")), 0o700);
    assert_eq!(mode(&top), 0o755);
}
