//! `dpkg-trigger`: activations noted in `triggers/Unincorp` for dpkg to look at
//! (src/trigger/main.c).
//!
//! No database is opened: names are checked, whether anybody is interested is dpkg's question.

use crate::arch::ArchTable;
use crate::db::Dirs;
use crate::db::trigdb::TRIGGERSDIR;
use crate::db::trigdb::deferred::{self, Flags, Receiver, Start};
use crate::error::{Error, Result};
use crate::msg;
use crate::name::check_trigger;
use crate::pkg::{NameWhen, PkgTable};
use crate::pkgspec;
use crate::report::Reporter;

/// Who awaits the processing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Awaiter {
    /// Nobody: `--no-await`, or `-` as the package.
    Nobody,
    /// The package of `--by-package`.
    Package(Vec<u8>),
    /// The package whose maintainer script is running, and its architecture.
    Script(Vec<u8>, Vec<u8>),
}

/// How `Unincorp` calls nobody.
const NOBODY: &[u8] = b"-";

impl Awaiter {
    /// What `Unincorp` is to say. As no database is open, no package is known to be
    /// `Multi-Arch: same`, and architectures go.
    fn name(&self, table: &mut PkgTable) -> Result<Vec<u8>> {
        let (found, given) = match self {
            Awaiter::Nobody => return Ok(NOBODY.to_vec()),
            Awaiter::Package(name) => (pkgspec::parse_pkg(table, name)?, Some(name)),
            Awaiter::Script(name, arch) => (pkgspec::find_pkg(table, name, arch)?, None),
        };
        match found {
            Ok(pkg) => Ok(table.name(pkg, NameWhen::Same).into_bytes()),
            Err(why) => Err(Error::usage(msg!(
                "illegal awaited package name '%.250s': %.250s",
                // What stock's C library makes of a name that was not given.
                given.map_or(&b"(null)"[..], |g| g),
                why
            ))),
        }
    }
}

/// `dpkg-trigger TRIGGER`: note that it was activated. Without `act` (`--no-act`) nothing is
/// changed. A database without `triggers/` is left alone.
///
/// # Errors
/// Of usage, when a name is wrong; an `Unincorp` that cannot be read, parsed or written.
pub fn activate(
    dirs: &Dirs,
    arches: ArchTable,
    trigger: &[u8],
    awaiter: &Awaiter,
    act: bool,
) -> Result<()> {
    let awaiter = awaiter.name(&mut PkgTable::new(arches))?;
    if let Some(why) = check_trigger(trigger) {
        return Err(Error::usage(msg!(
            "invalid trigger name '%.250s': %.250s",
            trigger,
            why
        )));
    }
    let flags = Flags {
        write: act,
        write_if_empty: act,
        write_if_missing: false,
    };
    let mut update = match deferred::start(&dirs.admin(TRIGGERSDIR), flags)? {
        Start::NoDir | Start::Empty | Start::Missing => return Ok(()),
        Start::Fresh(update) | Start::Ok(update) => update,
    };
    let mut addition = Addition {
        trigger,
        awaiter: &awaiter,
        here: false,
        done: false,
        text: Vec::new(),
    };
    let parsed = deferred::parse(&update.old()?, &update.name(), &mut addition);
    if parsed.is_ok() && !addition.done {
        addition.text.extend(addition.new_line());
    }
    // What came before an error is in the new file, which does not get its name then.
    update.put(&addition.text)?;
    parsed?;
    update.done()
}

/// `dpkg-trigger --check-supported`: whether dpkg has ever recorded triggers here, as an exit
/// code.
///
/// # Errors
/// An `Unincorp` that cannot be read.
pub fn check_supported(dirs: &Dirs, report: &mut dyn Reporter) -> Result<i32> {
    match deferred::start(&dirs.admin(TRIGGERSDIR), Flags::default())? {
        Start::Ok(_) | Start::Empty | Start::Fresh(_) => Ok(0),
        Start::NoDir => {
            report.notice(msg!("triggers data directory not yet created"));
            Ok(1)
        }
        Start::Missing => {
            report.notice(msg!("trigger records not yet in existence"));
            Ok(1)
        }
    }
}

/// `Unincorp` being copied: the first line of our trigger gets our awaiter in front.
struct Addition<'a> {
    trigger: &'a [u8],
    awaiter: &'a [u8],
    /// Whether this is a line of our trigger.
    here: bool,
    done: bool,
    text: Vec<u8>,
}

impl Addition<'_> {
    fn new_line(&self) -> Vec<u8> {
        [self.trigger, b" ", self.awaiter, b"\n"].concat()
    }

    fn add_awaiter(&mut self, name: &[u8]) {
        self.text.push(b' ');
        self.text.extend_from_slice(name);
    }
}

impl Receiver for Addition<'_> {
    fn begin(&mut self, trigger: &[u8]) -> Result<()> {
        self.here = trigger == self.trigger;
        self.text.extend_from_slice(trigger);
        if self.here && !self.done {
            self.add_awaiter(self.awaiter);
            self.done = true;
        }
        Ok(())
    }

    fn package(&mut self, name: &[u8]) -> Result<()> {
        if !self.here || name != self.awaiter {
            self.add_awaiter(name);
        }
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        self.text.push(b'\n');
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::BUILD_ARCHITECTURE;

    #[test]
    fn the_awaiter_comes_first_and_once() {
        let dir = tempfile::tempdir().expect("tempdir");
        let triggers = dir.path().join(TRIGGERSDIR);
        std::fs::create_dir(&triggers).expect("mkdir");
        let file = triggers.join("Unincorp");
        let dirs = Dirs::new(dir.path().to_owned(), Default::default());
        let add = |old: &str, trigger: &str, awaiter: &Awaiter| {
            std::fs::write(&file, old).expect("write");
            let arches = ArchTable::new(BUILD_ARCHITECTURE);
            let done = activate(&dirs, arches, trigger.as_bytes(), awaiter, true);
            done.map_err(|e| e.to_string())
                .map(|()| std::fs::read_to_string(&file).expect("read"))
        };
        let pk = Awaiter::Package(b"PK:i386".to_vec());
        let is = |text: &str| Ok(text.to_owned());
        assert_eq!(add("", "t", &pk), is("t pk\n"));
        assert_eq!(add("t a\n", "t", &pk), is("t pk a\n"));
        assert_eq!(add("t a pk\nu b\n", "t", &pk), is("t pk a\nu b\n"));
        assert_eq!(add("t pk\nt pk a\n", "t", &pk), is("t pk\nt a\n"));
        assert_eq!(add("# c\nu -\n", "t", &Awaiter::Nobody), is("u -\nt -\n"));
        assert!(add("", "t\t", &pk).is_err_and(|e| e.starts_with("invalid trigger name 't\t'")));
        let script = Awaiter::Script(b"!".to_vec(), b"amd64".to_vec());
        let illegal = "illegal awaited package name '(null)': illegal package name in specifier '!:amd64': must start";
        assert!(add("", "t", &script).is_err_and(|e| e.starts_with(illegal)));
    }
}
