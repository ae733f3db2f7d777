//! What a killed process leaves, and what the next one makes of it.

use std::fs;

use super::*;
use crate::arch::ArchTable;
use crate::db::Dirs;
use crate::report::Event;

#[derive(Default)]
struct Lines(Vec<String>);
impl Reporter for Lines {
    fn event(&mut self, event: &Event<'_>) {
        if let Event::Status {
            pkg,
            pkg_nonambig,
            status,
            version,
        } = event
        {
            self.0
                .push(format!("{pkg} {pkg_nonambig} {status} {version}"));
        }
    }
}

const STATUS: &str = "Package: a\nStatus: install ok unpacked\nMaintainer: m\nArchitecture: amd64\nVersion: 1\nDescription: d\n\n";

fn opened(dir: &std::path::Path, mode: OpenMode) -> Database {
    let dirs = Dirs::new(dir.to_owned(), Default::default());
    let mut db = Database::new(dirs, ArchTable::new("amd64"));
    let got = db.open(mode, AvailMode::None, &mut Lines::default());
    assert_eq!(got.expect("open"), mode);
    db
}

fn database() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("tempdir");
    fs::create_dir_all(dir.path().join("updates")).expect("updates");
    fs::write(dir.path().join("status"), STATUS).expect("status");
    dir
}

fn listing(dir: &std::path::Path) -> Vec<String> {
    let entries = fs::read_dir(dir.join("updates")).expect("updates");
    let name = |e: io::Result<fs::DirEntry>| e.expect("entry").file_name();
    let mut names: Vec<String> = entries
        .map(|e| name(e).to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn what_was_noted_to_be_gone_leaves_nothing() {
    let dir = database();
    let info = dir.path().join("info");
    fs::create_dir(&info).expect("info");
    let files = [
        "a.list",
        "a.md5sums",
        "a:amd64.list",
        "ab.list",
        "a:i386.list",
    ];
    for file in files {
        fs::write(info.join(file), "").expect("info file");
    }
    let mut db = opened(dir.path(), OpenMode::Write);
    let pkg = db.table.find_singleton("a").expect("a");
    db.table.set_status(pkg, Status::NotInstalled);
    db.table.blank_bin(pkg, Which::Installed);
    db.note_gone(pkg, &mut Lines::default()).expect("note");
    let left = |of: &[&str]| {
        for file in files {
            assert_eq!(info.join(file).exists(), of.contains(&file), "{file}");
        }
    };
    left(&files);
    db.unlock();
    drop(db);
    // Whoever only looks changes nothing.
    drop(opened(dir.path(), OpenMode::ReadOnly));
    left(&files);
    let mut db = opened(dir.path(), OpenMode::Write);
    left(&["ab.list", "a:i386.list"]);
    db.shutdown(&mut Lines::default()).expect("shutdown");
}

#[test]
fn a_note_survives_a_kill() {
    let dir = database();
    let mut db = opened(dir.path(), OpenMode::Write);
    let pkg = db.table.find_singleton("a").expect("a");
    let mut lines = Lines::default();
    for status in [Status::HalfConfigured, Status::Installed] {
        db.table.set_status(pkg, status);
        db.note(pkg, &mut lines).expect("note");
    }
    db.note(pkg, &mut lines).expect("nothing new");
    assert_eq!(
        lines.0,
        ["a:amd64 a half-configured 1", "a:amd64 a installed 1"]
    );
    assert_eq!(listing(dir.path()), ["0000", "0001", "tmp.i"]);
    let read = |name: &str| fs::read_to_string(dir.path().join(name)).expect("read");
    assert_eq!(read("status"), STATUS);
    let installed = STATUS.replace("unpacked", "installed");
    assert_eq!(read("updates/0001"), installed.trim_end().to_owned() + "\n");
    assert_eq!(read("updates/tmp.i"), "#padding\n".repeat(512));
    // The process goes without a word.
    drop(db);

    let db = opened(dir.path(), OpenMode::ReadOnly);
    assert_eq!(db.table[pkg].status(), Status::Installed);
    assert_eq!(read("status"), STATUS);
    let mut db = opened(dir.path(), OpenMode::Write);
    assert_eq!(read("status"), installed);
    assert_eq!(read("status-old"), STATUS);
    assert_eq!(listing(dir.path()), ["tmp.i"]);
    db.shutdown(&mut Lines::default()).expect("shutdown");
    assert!(listing(dir.path()).is_empty());
}

#[test]
fn the_journal_is_emptied_when_it_is_full() {
    let dir = database();
    let mut db = opened(dir.path(), OpenMode::Write);
    let pkg = db.table.find_singleton("a").expect("a");
    for n in 0..=JOURNAL_MAX {
        let odd = n % 2 == 1;
        db.table.set_status(
            pkg,
            if odd {
                Status::Installed
            } else {
                Status::HalfConfigured
            },
        );
        db.note(pkg, &mut Lines::default()).expect("note");
    }
    assert_eq!(listing(dir.path()), ["tmp.i"]);
    db.note(pkg, &mut Lines::default()).expect("note");
    assert_eq!(listing(dir.path()), ["0000", "tmp.i"]);
}

#[test]
fn a_note_to_be_written_later_is() {
    let dir = database();
    let mut db = opened(dir.path(), OpenMode::Write);
    let pkg = db.table.find_singleton("a").expect("a");
    let mut lines = Lines::default();
    db.table.set_status(pkg, Status::HalfConfigured);
    db.note_later(pkg, &mut lines).expect("note");
    assert_eq!(listing(dir.path()), ["tmp.i"]);
    // One note for both, told of each.
    db.table.set_status(pkg, Status::Installed);
    db.note_unsettled(pkg, &mut lines).expect("note");
    assert_eq!(listing(dir.path()), ["0000", "tmp.i"]);
    assert_eq!(lines.0.len(), 2);
    // Another package's, or settling, comes after it.
    db.table.set_status(pkg, Status::HalfConfigured);
    db.note_later(pkg, &mut lines).expect("note");
    db.settle().expect("settle");
    assert_eq!(listing(dir.path()), ["0000", "0001", "tmp.i"]);
}

#[test]
fn reading_writes_nothing() {
    let dir = tempfile::tempdir().expect("tempdir");
    let mut db = opened(dir.path(), OpenMode::ReadOnly);
    assert!(db.checkpoint(&mut Lines::default()).is_err());
    db.shutdown(&mut Lines::default()).expect("shutdown");
    assert_eq!(fs::read_dir(dir.path()).expect("dir").count(), 0);
}
