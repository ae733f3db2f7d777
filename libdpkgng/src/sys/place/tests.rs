//! Links, races and odd names on the way to a file.

use super::raw::{openat2_in_root, walk_in_root};
use super::*;
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};

#[test]
fn a_plain_tree_is_what_it_is() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("a/b")).unwrap();
    symlink("b", dir.path().join("a/l")).unwrap();
    let place = Place::new(dir.path());
    let spot = place.spot(b"/a/l/f");
    drop(spot.create().unwrap());
    assert_eq!(
        spot.create().unwrap_err().raw_os_error(),
        Some(libc::EEXIST)
    );
    spot.chmod(0o640).unwrap();
    spot.set_times(5, 7).unwrap();
    let meta = fs::metadata(dir.path().join("a/b/f")).unwrap();
    assert_eq!(
        (meta.mode() & 0o7777, meta.mtime(), meta.atime()),
        (0o640, 7, 5)
    );
    spot.link(&spot.with_suffix(b".dpkg-tmp")).unwrap();
    assert_eq!(spot.lstat().unwrap().nlink, 2);
    spot.rename(&spot.with_suffix(b".new")).unwrap();
    assert!(spot.lstat().is_err());
    place.spot(b"/a/s").symlink(b"/x/y").unwrap();
    assert_eq!(place.spot(b"/a/s").readlink().unwrap(), b"/x/y");
    assert!(place.spot(b"/a/s").lstat().unwrap().is_symlink());
    assert!(place.stat(b"/a/l").unwrap().is_dir());
    place.spot(b"/a/fifo").mkfifo().unwrap();
    let fifo = place.spot(b"/a/fifo").lstat().unwrap();
    assert_eq!(fifo.kind(), libc::S_IFIFO);
    let gone = place.spot(b"/nowhere/x").lstat();
    assert!(gone.if_there().unwrap().is_none());
    let through = place.spot(b"/a/b/f.new/x").lstat().unwrap_err();
    assert_eq!(through.raw_os_error(), Some(libc::ENOTDIR));
    assert!(place.spot(b"/.").lstat().unwrap().is_dir());
    assert_eq!(place.spot(b"/a/b").child(b"c").name(), "c");
    let sibling = place.spot(b"/a/b").sibling(b"s");
    assert_eq!(sibling.shown(), place.path(b"/a/s"));
    assert_eq!(sibling.readlink().unwrap(), b"/x/y");
    assert_eq!(spot.host_path(), dir.path().join("a/l/f"));
}

/// A root with a way out by each kind of link, and what lies outside of it.
fn with_ways_out() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("root");
    fs::create_dir_all(root.join("etc")).unwrap();
    fs::create_dir(dir.path().join("outside")).unwrap();
    fs::write(dir.path().join("outside/file"), "kept").unwrap();
    symlink("../../outside", root.join("up")).unwrap();
    symlink("/etc", root.join("abs")).unwrap();
    symlink("abs", root.join("via")).unwrap();
    symlink("../outside/file", root.join("file")).unwrap();
    symlink("/etc/none", root.join("dangling")).unwrap();
    (dir, root)
}

#[test]
fn links_stay_in_the_root() {
    let (dir, root) = with_ways_out();
    let place = Place::new(&root);
    for out in [
        "/up/file",
        "/etc/../../outside/file",
        "/../outside/file",
        "/file",
    ] {
        let spot = place.spot(out.as_bytes());
        assert!(spot.read().is_err(), "{out}");
        assert!(spot.stat().is_err(), "{out}");
    }
    for up in ["/..", "/etc/../..", "/../.."] {
        let (up, top) = (place.spot(up.as_bytes()), place.spot(b"/"));
        assert_eq!(up.lstat().unwrap(), top.lstat().unwrap());
    }
    drop(place.spot(b"/via/made").create().unwrap());
    assert!(root.join("etc/made").exists());
    assert_eq!(place.spot(b"/via/made").host_path(), root.join("etc/made"));
    let dangling = place.spot(b"/dangling").follow().unwrap();
    assert_eq!(dangling.shown(), place.path(b"/etc/none"));
    let file = place.spot(b"/file");
    // A user's own link is followed, below the root.
    match nix::unistd::geteuid().is_root() {
        true => {
            drop(file.create_anew(0o600).unwrap());
            assert!(file.lstat().unwrap().is_file());
        }
        false => assert!(file.create_anew(0o600).is_err()),
    }
    assert!(place.spot(b"/up").chmod(0o777).is_err());
    let outside = fs::read_dir(dir.path().join("outside")).unwrap();
    assert_eq!(outside.count(), 1);
    assert_eq!(fs::read(dir.path().join("outside/file")).unwrap(), b"kept");
}

#[test]
fn walking_is_resolving() {
    let (_dir, root) = with_ways_out();
    symlink("loop", root.join("loop")).unwrap();
    fs::write(root.join("etc/f"), "").unwrap();
    let fd = Spot::path(root.as_os_str().as_bytes())
        .open(libc::O_PATH | libc::O_DIRECTORY, true)
        .unwrap();
    for path in [
        "",
        "/",
        "etc",
        "//etc/./",
        "via",
        "up",
        "..",
        "etc/../..",
        "via/../etc",
        "loop",
        "etc/f",
        "etc/f/x",
        "none",
        "none/..",
        "dangling",
    ] {
        let id = |opened: io::Result<OwnedFd>| {
            let fd = opened.map_err(|e| e.raw_os_error())?;
            let stat = stat_at(fd.as_raw_fd(), c"", libc::AT_EMPTY_PATH).unwrap();
            Ok::<_, Option<i32>>((stat.dev, stat.ino))
        };
        let walked = id(walk_in_root(fd.as_raw_fd(), path.as_bytes()));
        let opened = id(openat2_in_root(fd.as_raw_fd(), path.as_bytes()));
        if opened != Err(Some(libc::ENOSYS)) {
            assert_eq!(walked, opened, "{path}");
        }
    }
}

#[test]
fn a_remembered_directory_is_forgotten_when_told() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("d")).unwrap();
    let place = Place::new(dir.path());
    drop(place.spot(b"/d/f").create().unwrap());
    fs::rename(dir.path().join("d"), dir.path().join("e")).unwrap();
    fs::create_dir(dir.path().join("d")).unwrap();
    place.forget();
    assert!(place.spot(b"/d/f").lstat().is_err());
}

#[test]
fn a_path_belongs_where_it_lies() {
    let place = Place::new(Path::new("/r"));
    for (path, inside) in [("/r/x", true), ("/r", true), ("/rx", false), ("x", false)] {
        let spot = place.spot_of_path(path.as_bytes());
        assert_eq!(spot.shown(), path.as_bytes());
        let base = spot.place.as_ref().is_some_and(|p| p.base() == b"/r");
        assert_eq!(base, inside, "{path}");
    }
}
