//! The kinds of damage, and what becomes of each.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::deb::stamp;
use crate::{During, Res};

/// Where a fault is.
pub enum Line {
    /// In the whole file.
    None,
    /// In this line.
    At(usize),
    /// Where the first NUL is.
    Nul,
    /// In the last one, which has no newline.
    Last,
}

/// What comes of a repair.
#[derive(PartialEq, Eq)]
pub enum Outcome {
    /// Everything is as it was.
    Repaired,
    /// It is only named, with what a person may do.
    Named,
}
use Outcome::{Named, Repaired};

/// What is taken from the system, so that repairs cannot come from there.
pub enum Without {
    /// Archives of the packages.
    Archives,
    /// `-old`
    Copies,
    /// `/var/backups`
    Backups,
}

/// One row.
pub struct Case {
    pub name: &'static str,
    /// What is damaged, below the root.
    pub file: &'static str,
    pub damage: fn(&Path) -> Res<()>,
    pub without: &'static [Without],
    /// What ours says it is.
    pub kind: &'static str,
    pub line: Line,
    pub outcome: Outcome,
    /// Whether something is replaced that has to be kept.
    pub keeps: bool,
    /// Whether dpkg runs triggers afterwards, as some may have been lost.
    pub triggers_run: bool,
}

const fn case(
    name: &'static str,
    file: &'static str,
    damage: fn(&Path) -> Res<()>,
    kind: &'static str,
    line: Line,
    outcome: Outcome,
) -> Case {
    Case {
        name,
        file,
        damage,
        without: &[],
        kind,
        line,
        outcome,
        keeps: true,
        triggers_run: false,
    }
}

impl Case {
    const fn without(self, without: &'static [Without]) -> Case {
        Case { without, ..self }
    }
    const fn triggers_run(self) -> Case {
        Case {
            triggers_run: true,
            ..self
        }
    }
    const fn lost(self) -> Case {
        Case {
            keeps: false,
            ..self
        }
    }
}

fn change(file: &Path, change: impl FnOnce(Vec<u8>) -> Vec<u8>) -> Res<()> {
    let old = fs::read(file).during(file.display())?;
    let new = change(old.clone());
    if new == old {
        return Err(format!("{} is not damaged", file.display()));
    }
    fs::write(file, new).during(file.display())
}

/// Cut in the middle, and of a line.
pub fn half(file: &Path) -> Res<()> {
    change(file, |mut data| {
        let mut at = data.len() / 2;
        while data[at - 1] == b'\n' || data[at] == b'\n' {
            at += 1;
        }
        data.truncate(at);
        data
    })
}

/// The second half never got to the disk.
pub fn zero_half(file: &Path) -> Res<()> {
    change(file, |mut data| {
        let at = data.len() / 2;
        data[at..].fill(0);
        data
    })
}

/// A block in the middle never did.
fn zero_block(file: &Path) -> Res<()> {
    change(file, |mut data| {
        let third = data.len() / 3;
        data[third..2 * third].fill(0);
        data
    })
}

/// Nothing of it did.
fn zero_all(file: &Path) -> Res<()> {
    change(file, |data| vec![0; data.len()])
}

fn double(file: &Path) -> Res<()> {
    change(file, |data| data.repeat(2))
}

fn no_newline(file: &Path) -> Res<()> {
    change(file, |mut data| {
        while data.last() == Some(&b'\n') {
            data.pop();
        }
        data
    })
}

fn empty(file: &Path) -> Res<()> {
    change(file, |_| Vec::new())
}

pub fn lose(file: &Path) -> Res<()> {
    fs::remove_file(file).during(file.display())
}

fn make(file: &Path) -> Res<()> {
    fs::write(file, "half done").during(file.display())
}

fn make_dir(file: &Path) -> Res<()> {
    fs::create_dir(file).during(file.display())?;
    make(&file.join("control"))
}

/// The last stanza is gone as a whole.
fn stanza_lost(file: &Path) -> Res<()> {
    change(file, |data| {
        let text = String::from_utf8_lossy(&data).into_owned();
        let end = text.find("\n\nPackage: tool\n").map_or(0, |at| at + 2);
        data[..end].to_vec()
    })
}

/// The last stanza is damaged, and the copy tells of another version.
fn other_version(file: &Path) -> Res<()> {
    let old = file.with_file_name("status-old");
    change(&old, |data| {
        String::from_utf8_lossy(&data)
            .replace("Version: 1.0-1", "Version: 0.9-1")
            .into_bytes()
    })?;
    half_of_tool(file)
}

/// A note of dpkg of a state that status has.
fn note_cut(file: &Path) -> Res<()> {
    let status = fs::read_to_string(file.with_file_name("../status")).during("status")?;
    let stanza = status
        .split("\n\n")
        .find(|s| s.starts_with("Package: tool\n"))
        .unwrap_or_default();
    let end = stanza.find("Version: 1.0-1\n").map_or(0, |at| at + 20);
    fs::write(file, &stanza[..end]).during(file.display())
}

/// One of a state that it has not.
fn note_of_news(file: &Path) -> Res<()> {
    note_cut(file)?;
    change(file, |data| {
        String::from_utf8_lossy(&data)
            .replace("ok installed", "ok half-configured")
            .into_bytes()
    })
}

fn zeros(file: &Path) -> Res<()> {
    fs::write(file, [0; 4608]).during(file.display())
}

fn nothing(file: &Path) -> Res<()> {
    fs::write(file, "").during(file.display())
}

fn not_executable(file: &Path) -> Res<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(file, fs::Permissions::from_mode(0o644)).during(file.display())
}

fn other_content(file: &Path) -> Res<()> {
    fs::write(file, "other\n").during(file.display())
}

/// Damage that leaves the time of the file, as that of blocks does.
fn same_time(file: &Path, damage: fn(&Path) -> Res<()>) -> Res<()> {
    let time = fs::metadata(file).during(file.display())?.mtime();
    damage(file)?;
    stamp(file, time)
}

/// The line of a path is gone.
fn line_lost(file: &Path) -> Res<()> {
    change(file, |data| {
        String::from_utf8_lossy(&data)
            .replace("/usr/share/tool/c\n", "")
            .into_bytes()
    })
}

/// Its list is lost, too: what a damaged stanza names is there, whatever else is.
fn half_and_list_lost(file: &Path) -> Res<()> {
    lose(&file.with_file_name("info/tool.list"))?;
    half_of_tool(file)
}

/// The last stanza is cut behind its version.
fn half_of_tool(file: &Path) -> Res<()> {
    change(file, |mut data| {
        let cut = data
            .windows(16)
            .position(|w| w == b"\nVersion: 1.0-1\n")
            .map_or(0, |at| at + 16);
        data.truncate(cut + 5);
        data
    })
}

const STATUS: &str = "var/lib/dpkg/status";
const LIST: &str = "var/lib/dpkg/info/tool.list";
const SUMS: &str = "var/lib/dpkg/info/tool.md5sums";
const SCRIPT: &str = "var/lib/dpkg/info/tool.postinst";
const DIVERT: &str = "var/lib/dpkg/diversions";
const ARCH: &str = "var/lib/dpkg/arch";
const STAT: &str = "var/lib/dpkg/statoverride";
const GROUP: &str = "var/lib/dpkg/alternatives/editor";
const FILE: &str = "var/lib/dpkg/triggers/File";
const NAMED: &str = "var/lib/dpkg/triggers/tool-trigger";
const UNINCORP: &str = "var/lib/dpkg/triggers/Unincorp";
const NOTE: &str = "var/lib/dpkg/updates/0000";

const ZERO: &str = "zero-filled";
const CUT: &str = "no-final-newline";
const TWICE: &str = "duplicate";

/// They all.
#[rustfmt::skip]
pub const TABLE: &[Case] = &[
    case("status-half", STATUS, half, CUT, Line::Last, Repaired),
    case("status-zero-half", STATUS, zero_half, ZERO, Line::Nul, Repaired),
    case("status-zero-block", STATUS, zero_block, ZERO, Line::Nul, Repaired),
    case("status-zero", STATUS, zero_all, ZERO, Line::Nul, Repaired),
    case("status-no-newline", STATUS, no_newline, CUT, Line::Last, Repaired),
    case("status-empty", STATUS, empty, "empty", Line::None, Repaired),
    case("status-lost", STATUS, lose, "missing", Line::None, Repaired).lost(),
    case("status-stanza-lost", STATUS, stanza_lost, "stanza-lost", Line::None, Repaired),
    case("status-half-no-copy", STATUS, half, CUT, Line::Last, Named).without(&[Without::Copies]),
    case("status-lost-no-copy", STATUS, lose, "missing", Line::None, Named).without(&[Without::Copies]),
    case("status-copy-of-other-version", STATUS, other_version, CUT, Line::Last, Named),
    case("status-half-list-lost", STATUS, half_and_list_lost, CUT, Line::Last, Repaired),
    case("note-cut", NOTE, note_cut, CUT, Line::Last, Repaired),
    case("note-of-news-cut", NOTE, note_of_news, CUT, Line::Last, Named),
    case("note-zero", NOTE, zeros, ZERO, Line::At(1), Named),
    case("note-empty", NOTE, nothing, "journal-damaged", Line::At(1), Named),
    case("note-unfinished", "var/lib/dpkg/updates/tmp.i", make, "leftover", Line::None, Repaired).lost(),
    case("list-half", LIST, half, CUT, Line::Last, Repaired),
    case("list-zero-half", LIST, zero_half, ZERO, Line::Nul, Repaired),
    case("list-double", LIST, double, TWICE, Line::At(15), Repaired),
    case("list-no-newline", LIST, no_newline, CUT, Line::Last, Repaired),
    case("list-empty", LIST, empty, "empty", Line::None, Repaired),
    case("list-lost", LIST, lose, "list-missing", Line::None, Repaired).lost(),
    case("list-line-lost", LIST, line_lost, "not-listed", Line::None, Repaired),
    case("list-half-no-archive", LIST, half, CUT, Line::Last, Named).without(&[Without::Archives]),
    case("list-lost-no-archive", LIST, lose, "list-missing", Line::None, Named).without(&[Without::Archives]),
    case("list-double-no-archive", LIST, double, TWICE, Line::At(15), Repaired).without(&[Without::Archives]),
    case("list-no-newline-no-archive", LIST, no_newline, CUT, Line::Last, Repaired).without(&[Without::Archives]),
    case("list-same-lost", "var/lib/dpkg/info/liba:amd64.list", lose, "list-missing", Line::None, Repaired).lost(),
    case("md5sums-half", SUMS, half, CUT, Line::Last, Repaired),
    case("md5sums-zero-half", SUMS, zero_half, ZERO, Line::Nul, Repaired),
    case("md5sums-double", SUMS, double, TWICE, Line::At(6), Repaired),
    case("md5sums-no-newline", SUMS, no_newline, CUT, Line::Last, Repaired),
    case("md5sums-empty", SUMS, empty, "empty", Line::None, Repaired),
    case("md5sums-zero-no-archive", SUMS, zero_half, ZERO, Line::Nul, Named).without(&[Without::Archives]),
    case("md5sums-no-newline-no-archive", SUMS, no_newline, CUT, Line::Last, Repaired).without(&[Without::Archives]),
    case("script-zero", SCRIPT, zero_all, ZERO, Line::At(1), Repaired),
    case("script-empty", SCRIPT, empty, "empty", Line::None, Repaired),
    case("script-not-executable", SCRIPT, not_executable, "not-executable", Line::None, Repaired).lost(),
    case("script-zero-no-archive", SCRIPT, zero_all, ZERO, Line::At(1), Named).without(&[Without::Archives]),
    case("conffiles-half", "var/lib/dpkg/info/tool.conffiles", half, CUT, Line::Last, Repaired),
    case("format-empty", "var/lib/dpkg/info/format", empty, "empty", Line::None, Repaired),
    case("format-lost", "var/lib/dpkg/info/format", lose, "missing", Line::None, Repaired).lost(),
    case("info-stray", "var/lib/dpkg/info/nobody.list", make, "not-installed", Line::None, Repaired).lost(),
    case("info-unfinished", "var/lib/dpkg/info/tool.list-new", make, "leftover", Line::None, Repaired).lost(),
    case("diversions-half", DIVERT, half, CUT, Line::Last, Repaired),
    case("diversions-zero-half", DIVERT, zero_half, ZERO, Line::Nul, Repaired),
    case("diversions-double", DIVERT, double, TWICE, Line::At(7), Repaired),
    case("diversions-no-newline", DIVERT, no_newline, CUT, Line::Last, Repaired),
    case("diversions-empty", DIVERT, empty, "empty", Line::None, Repaired),
    case("diversions-lost", DIVERT, lose, "missing", Line::None, Repaired).lost(),
    case("diversions-half-no-copy", DIVERT, half, CUT, Line::Last, Named).without(&[Without::Copies]),
    case("statoverride-half", STAT, half, CUT, Line::Last, Repaired),
    case("statoverride-zero-half", STAT, zero_half, ZERO, Line::Nul, Repaired),
    case("statoverride-double", STAT, double, TWICE, Line::At(3), Repaired),
    case("statoverride-no-newline", STAT, no_newline, CUT, Line::Last, Repaired),
    case("statoverride-empty", STAT, empty, "empty", Line::None, Repaired),
    case("statoverride-lost", STAT, lose, "missing", Line::None, Repaired).lost(),
    case("statoverride-half-no-copy", STAT, half, CUT, Line::Last, Named).without(&[Without::Copies, Without::Backups]),
    case("statoverride-half-backup-of-same-time", STAT, |f| same_time(f, half), CUT, Line::Last, Repaired).without(&[Without::Copies]),
    case("alternative-half", GROUP, half, CUT, Line::Last, Repaired),
    case("alternative-zero-half", GROUP, zero_half, ZERO, Line::Nul, Repaired),
    case("alternative-empty", GROUP, empty, "empty", Line::None, Repaired),
    case("alternative-lost", GROUP, lose, "group-lost", Line::None, Repaired).lost(),
    case("alternative-lost-no-backup", GROUP, lose, "group-lost", Line::None, Named).without(&[Without::Backups]),
    case("alternative-link-lost", "etc/alternatives/editor", lose, "link-missing", Line::None, Repaired).lost(),
    case("alternative-slave-lost", "etc/alternatives/editor.1", lose, "link-missing", Line::None, Repaired).lost(),
    case("alternative-generic-lost", "usr/bin/editor", lose, "link-missing", Line::None, Repaired).lost(),
    case("triggers-half", FILE, half, CUT, Line::Last, Repaired),
    case("triggers-zero-half", FILE, zero_half, ZERO, Line::Nul, Repaired),
    case("triggers-double", FILE, double, TWICE, Line::At(3), Repaired),
    case("triggers-no-newline", FILE, no_newline, CUT, Line::Last, Repaired),
    case("triggers-empty", FILE, empty, "interest-missing", Line::None, Repaired),
    case("triggers-lost", FILE, lose, "interest-missing", Line::None, Repaired).lost(),
    case("trigger-half", NAMED, half, CUT, Line::Last, Repaired),
    case("trigger-lost", NAMED, lose, "interest-missing", Line::None, Repaired).lost(),
    case("unincorp-zero", UNINCORP, zeros, ZERO, Line::At(1), Repaired).triggers_run(),
    case("control-left", "var/lib/dpkg/tmp.ci", make_dir, "leftover", Line::None, Repaired).lost(),
    case("parts-left", "var/lib/dpkg/reassemble.deb", make, "leftover", Line::None, Repaired).lost(),
    case("file-left", "usr/bin/tool.dpkg-new", make, "leftover", Line::None, Repaired).lost(),
    case("file-lost", "usr/bin/tool", lose, "file-missing", Line::None, Repaired).lost(),
    case("file-link-lost", "usr/bin/tool-link", lose, "file-missing", Line::None, Repaired).lost(),
    case("file-zero", "usr/bin/tool", zero_all, "file-changed", Line::None, Repaired),
    case("file-empty", "usr/lib/liba.so.1", empty, "file-changed", Line::None, Repaired),
    case("file-diverted-changed", "usr/share/tool/a.distrib", other_content, "file-changed", Line::None, Repaired),
    case("file-overridden-changed", "usr/share/data/one", other_content, "file-changed", Line::None, Repaired),
    case("file-lost-no-archive", "usr/bin/tool", lose, "file-missing", Line::None, Named).without(&[Without::Archives]),
    case("arch-no-newline", ARCH, no_newline, CUT, Line::Last, Named).without(&[Without::Backups]),
    case("arch-zero", ARCH, zero_all, ZERO, Line::At(1), Named).without(&[Without::Backups]),
    case("arch-no-newline-old-backup", ARCH, no_newline, CUT, Line::Last, Repaired),
    case("arch-zero-backup-of-same-time", ARCH, |f| same_time(f, zero_all), ZERO, Line::At(1), Repaired),
    case("available-half", "var/lib/dpkg/available", |f| fs::write(f, "Package: x\nVersi").during("x"), CUT, Line::Last, Named),
];
