//! The tool `dpkg-db-backup`: copies of what the database holds of the administrator's choices,
//! in `/var/backups`, kept for a week.
//!
//! Stock's is a shell script. `NAME.0` is the newest copy and plain, older ones are compressed:
//! that is savelog(8)'s work, as packing the alternatives is tar(1)'s.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use libdpkgng::sys::process;

use crate::cli::{ADMINDIR, Env};
use crate::completions::{Outline, Shape, Value};
use crate::shell::{self, Words, own_path};

/// What the tool is called.
const NAME: &str = "dpkg-db-backup";
/// Where the copies are.
const BACKUPS: &str = "/var/backups";
/// How many are kept.
const ROTATE: &[u8] = b"7";
/// The files of the database that are one set: all are copied when one has changed.
const FILES: [&str; 4] = ["arch", "status", "diversions", "statoverride"];
/// The directory that is packed.
const ALTERNATIVES: &str = "alternatives";

/// What completions are made from.
pub fn outline() -> Outline {
    let rotate = Shape {
        long: Some("rotate"),
        short: None,
        value: Value::Equals,
    };
    Outline::new(vec![rotate], &[])
}

/// Run dpkg-db-backup; `args` are without the program's name.
pub fn main(env: Env, args: &[OsString]) -> i32 {
    let path = own_path(NAME);
    let mut rotate = ROTATE;
    for arg in args {
        rotate = arg.as_bytes().strip_prefix(b"--rotate=").unwrap_or(rotate);
    }
    let search = env.get("PATH").unwrap_or_default().as_bytes();
    for program in ["tar", "savelog"] {
        if !process::in_path(search, program) {
            let text = format!("cannot find required program '{program}'");
            return Words::new(&env, &path).error(text.as_bytes()).0;
        }
    }
    if std::env::set_current_dir(BACKUPS).is_err() {
        // The words of the script's `cd`, which names its line.
        let line = [&*path, b": 48: cd: can't cd to ", BACKUPS.as_bytes(), b"\n"];
        // Where this cannot be written, nobody is left to tell.
        let _ = io::stderr().write_all(&line.concat());
        return 0;
    }
    let backup = Backup { env, rotate };
    if FILES.iter().any(|name| backup.is_due(name)) {
        FILES.iter().for_each(|name| backup.copy(name));
    }
    backup.pack_alternatives()
}

fn of_database(name: &str) -> String {
    format!("{ADMINDIR}/{name}")
}

/// `cmp -s`, as far as both can be read.
fn have_same_content(a: &str, b: &str) -> io::Result<bool> {
    let (a, b) = (File::open(a)?, File::open(b)?);
    let (mut left, mut right) = (Vec::new(), Vec::new());
    loop {
        left.clear();
        right.clear();
        (&a).take(1 << 16).read_to_end(&mut left)?;
        (&b).take(1 << 16).read_to_end(&mut right)?;
        if left != right || left.is_empty() {
            return Ok(left == right);
        }
    }
}

struct Backup<'a> {
    env: Env,
    rotate: &'a [u8],
}

impl Backup<'_> {
    /// Whether a file of the database differs from its newest copy. Nothing and an empty file are
    /// the same.
    fn is_due(&self, name: &str) -> bool {
        let (copy, file) = (format!("dpkg.{name}.0"), of_database(name));
        let is_empty = |path: &str| !std::fs::metadata(path).is_ok_and(|m| m.len() > 0);
        if is_empty(&copy) && is_empty(&file) {
            return false;
        }
        let same = have_same_content(&copy, &file).unwrap_or_else(|_| {
            // It has its own words on some that cannot.
            let args = [&b"-s"[..], copy.as_bytes(), file.as_bytes()];
            self.run(shell::command(&self.env, "cmp", &args), false) == 0
        });
        !same
    }

    /// Run a program; a failure is its own to tell, and does not keep the others from running.
    fn run(&self, mut command: Command, quiet: bool) -> i32 {
        if quiet {
            command.stdout(Stdio::null()).stderr(Stdio::null());
        }
        command.status().map_or(127, shell::code)
    }

    /// Make this the newest copy.
    fn rotate(&self, name: &str) -> i32 {
        let args = [b"-c", self.rotate, name.as_bytes()];
        let mut command = shell::command(&self.env, "savelog", &args);
        command.stdout(Stdio::null());
        self.run(command, false)
    }

    fn copy(&self, name: &str) {
        let (file, copy) = (of_database(name), format!("dpkg.{name}"));
        let (program, args) = match Path::new(&file).exists() {
            true => ("cp", vec![&b"-p"[..], file.as_bytes(), copy.as_bytes()]),
            false => ("touch", vec![copy.as_bytes()]),
        };
        self.run(shell::command(&self.env, program, &args), false);
        self.rotate(&copy);
    }

    /// The alternatives as a tar, unless the newest one says the same. The exit code is that of
    /// the last step.
    fn pack_alternatives(&self) -> i32 {
        let archive = format!("{ALTERNATIVES}.tar");
        let newest = format!("{archive}.0");
        let tar = |what: &[u8], archive: &str| {
            let args = [
                what,
                archive.as_bytes(),
                b"-C",
                ADMINDIR.as_bytes(),
                ALTERNATIVES.as_bytes(),
            ];
            self.run(shell::command(&self.env, "tar", &args), true)
        };
        if Path::new(&newest).exists() && tar(b"-df", &newest) == 0 {
            return 0;
        }
        tar(b"-cf", &archive);
        self.rotate(&archive)
    }
}
