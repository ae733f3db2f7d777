//! Stock's side of a scenario about a view: the chroot that the view is held against.
//!
//! It begins with the database that a view begins with, and as a command that fails leaves a view as it was, what one
//! does here is taken back.

use std::fs;
use std::path::Path;

use super::stage::{ROOT, clear};
use super::view;
use crate::{During, Res, oracle};

/// Where the root is kept while a step is done.
const SAVED: &str = "/t/g/saved";

/// What of the root a step may change. What scripts noted on the side (`t/out/calls`, `once`) stays, as in a view.
const CHANGING: [&str; 4] = ["etc", "opt", "srv", "var"];

/// What a view's database has from the beginning, beside `status`; as new as there.
const BEGINNING: [(&str, &str); 7] = [
    ("available", ""),
    ("info/format", "1\n"),
    ("info/base-files.list", view::BASE_LIST),
    ("info/usr-is-merged.list", "/.\n"),
    ("info/usr-is-merged.md5sums", ""),
    ("triggers/File", ""),
    ("triggers/Unincorp", ""),
];

/// Gives the root, which is made, what a view's database has.
pub fn prepare() -> Res<()> {
    let admindir = Path::new(ROOT).join("var/lib/dpkg");
    fs::create_dir(admindir.join("alternatives")).during("alternatives")?;
    let status = [view::BASE, view::MERGED_USR].concat();
    fs::write(admindir.join("status"), status).during("status")?;
    for (name, content) in BEGINNING {
        fs::write(admindir.join(name), content).during(name)?;
    }
    Ok(())
}

/// Keeps the root as it is now.
pub fn save() -> Res<()> {
    fs::create_dir_all(SAVED).during(SAVED)?;
    copy(ROOT, SAVED)
}

/// Makes the root what it was.
pub fn put_back() -> Res<()> {
    copy(SAVED, ROOT)
}

fn copy(from: &str, to: &str) -> Res<()> {
    let kept = fs::read_dir(to).during(to)?.flatten();
    let kept: Vec<_> = kept.map(|e| e.file_name()).collect();
    let kept: Vec<&str> = kept
        .iter()
        .filter_map(|name| name.to_str().filter(|name| !CHANGING.contains(name)))
        .collect();
    clear(Path::new(to), &kept)?;
    let mut c = crate::sandbox::command("cp");
    c.arg("-a");
    c.args(CHANGING.map(|name| format!("{from}/{name}")));
    oracle::run(c.arg(to))
}
