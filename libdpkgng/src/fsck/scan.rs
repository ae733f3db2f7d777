//! What a check knows so far, and how it reads.

use std::collections::{BTreeMap, HashMap};
use std::io::Read as _;

use super::debs::Debs;
use super::text;
use super::{FILE_MAX, Fault, Findings, Kind, Options, Unchecked, Wanted, Where};
use crate::arch::{ArchTable, BUILD_ARCHITECTURE};
use crate::db::{Database, Dirs, arch};
use crate::error::{OrFail, Result};
use crate::msg;
use crate::pkg::{Bytes, MultiArch, NameWhen, PkgId};
use crate::state::Status;
use crate::sys::place::{Absence, Spot, names};
use crate::version::Epoch;

/// What became of reading a file.
pub(super) enum Content {
    /// There is none.
    Missing,
    /// It cannot be read, which was noted.
    Unread,
    /// This is in it.
    Data(Vec<u8>),
}

/// A diversion as it stands in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Diversion {
    pub from: Vec<u8>,
    pub to: Vec<u8>,
    /// The package whose files stay; `:` for none.
    pub by: Vec<u8>,
}

/// The state of a check.
pub(super) struct Scan<'a> {
    pub dirs: &'a Dirs,
    pub options: &'a Options,
    /// Its table has what could be read of `status` and the journal.
    pub db: Database,
    pub faults: Vec<Fault>,
    pub unchecked: Vec<Unchecked>,
    /// The files in `info/`: kinds by what stands before the last dot.
    pub info: BTreeMap<Vec<u8>, Vec<Vec<u8>>>,
    /// Nothing is missing of `status` and the journal, so that what they lack is not installed.
    pub status_is_whole: bool,
    /// The paths of packages.
    pub lists: HashMap<PkgId, Vec<Vec<u8>>>,
    /// Their digests, by path with its slash.
    pub digests: HashMap<PkgId, HashMap<Vec<u8>, Vec<u8>>>,
    pub diversions: Vec<Diversion>,
    pub debs: Debs,
    pub paths: usize,
    pub unknown: Vec<Vec<u8>>,
}

impl<'a> Scan<'a> {
    pub fn new(dirs: &'a Dirs, options: &'a Options) -> Result<Scan<'a>> {
        let dir = dirs.admin_dir();
        let open = dir.open(libc::O_RDONLY | libc::O_DIRECTORY, true);
        drop(open.or_fail(|| msg!("unable to access the dpkg database directory %s", &dir))?);
        let mut arches = ArchTable::new(BUILD_ARCHITECTURE);
        arch::load_native(dirs, &mut arches);
        // What is wrong with the file is looked at elsewhere; its good lines count here.
        let listed = dirs.admin("arch").read_all().unwrap_or_default();
        for (_, line) in text::lines(&listed) {
            let line = String::from_utf8_lossy(line);
            if crate::arch::check_name(&line).is_none() {
                arches.add(&line);
            }
        }
        let mut db = Database::new(dirs.clone(), arches);
        let account = |path: &Option<Vec<u8>>| path.as_deref().map(Bytes::from);
        db.sysusers.passwd = account(&options.accounts.0);
        db.sysusers.group = account(&options.accounts.1);
        Ok(Scan {
            dirs,
            options,
            db,
            faults: Vec::new(),
            unchecked: Vec::new(),
            info: BTreeMap::new(),
            status_is_whole: true,
            lists: HashMap::new(),
            digests: HashMap::new(),
            diversions: Vec::new(),
            debs: Debs::new(dirs, &options.debs),
            paths: 0,
            unknown: Vec::new(),
        })
    }

    pub fn finish(mut self) -> Findings {
        let dirs = self.dirs;
        self.faults
            .sort_by_cached_key(|f| (f.file.shown(dirs), f.line, f.kind));
        self.unchecked.sort_by(|a, b| a.file.cmp(&b.file));
        self.unchecked.dedup();
        let table = &self.db.table;
        let is_there = |p: &&PkgId| table[**p].status() != Status::NotInstalled;
        Findings {
            packages: table.sorted().iter().filter(is_there).count(),
            faults: self.faults,
            unchecked: self.unchecked,
            paths: self.paths,
            unknown: self.unknown,
        }
    }

    pub fn fault(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    /// Note that something could not be looked at, or is broken.
    pub fn failed(&mut self, file: &Where, errno: i32) {
        let file = file.clone();
        let unchecked = Unchecked { file, errno };
        if !unchecked.is_forbidden() {
            let why = std::io::Error::from_raw_os_error(errno).to_string();
            self.fault(Fault::new(Kind::Unreadable, unchecked.file.clone()).detail(why));
        }
        self.unchecked.push(unchecked);
    }

    /// The content of a regular file.
    pub fn read(&mut self, file: &Where) -> Content {
        let spot = file.spot(self.dirs);
        match read(&spot) {
            Ok(None) => Content::Missing,
            Ok(Some(Some(data))) => Content::Data(data),
            Ok(Some(None)) => {
                self.fault(Fault::new(Kind::NotRegular, file.clone()));
                Content::Unread
            }
            Err(e) => {
                self.failed(file, e.raw_os_error().unwrap_or(libc::EIO));
                Content::Unread
            }
        }
    }

    /// The names in a directory, sorted; nothing if there is none.
    pub fn names(&mut self, dir: &Where) -> Vec<Vec<u8>> {
        let spot = dir.spot(self.dirs);
        let open = spot.open(libc::O_RDONLY | libc::O_DIRECTORY, true);
        let listed = open.and_then(names).if_there();
        match listed {
            Ok(listed) => {
                let mut listed = listed.unwrap_or_default();
                listed.retain(|name| !matches!(&name[..], b"." | b".."));
                listed.sort();
                listed
            }
            Err(e) => {
                self.failed(dir, e.raw_os_error().unwrap_or(libc::EIO));
                Vec::new()
            }
        }
    }

    /// Whether there is anything at a path, links not followed.
    pub fn exists(&self, file: &Where) -> bool {
        file.spot(self.dirs).lstat().is_ok()
    }

    /// The packages of which anything is installed, in the order of the database.
    pub fn packages(&self) -> Vec<PkgId> {
        let mut all = self.db.table.sorted();
        all.retain(|p| self.db.table[*p].status() != Status::NotInstalled);
        all
    }

    /// Whether the control files and paths of a package have to be there.
    pub fn is_unpacked(&self, pkg: PkgId) -> bool {
        self.db.table[pkg].status() > Status::HalfInstalled
    }

    /// A package's name, with its architecture where that is needed.
    pub fn name(&self, pkg: PkgId) -> String {
        self.db.table.name(pkg, NameWhen::NonAmbig)
    }

    /// Which archive a package was installed from.
    pub fn wanted(&self, pkg: PkgId) -> Wanted {
        let table = &self.db.table;
        let bin = &table[pkg].installed;
        Wanted {
            package: table.set_name(pkg).as_bytes().to_vec(),
            version: bin.version.to_bytes(Epoch::NonAmbig),
            arch: table.arches.name(bin.arch).as_bytes().to_vec(),
        }
    }

    /// What the names of a package's control files begin with.
    pub fn stem(&self, pkg: PkgId) -> Vec<u8> {
        let table = &self.db.table;
        // Where the file that says so is lost, the names do.
        let named = || self.info.keys().any(|stem| stem.contains(&b':'));
        let qualified = self.db.infodb_format().unwrap_or(1) == 1 || named();
        let same = table[pkg].installed.multiarch == MultiArch::Same;
        let when = match same && qualified {
            true => NameWhen::Always,
            false => NameWhen::Never,
        };
        table.name(pkg, when).into_bytes()
    }

    /// A control file of a package.
    pub fn control_file(&self, pkg: PkgId, kind: &str) -> Where {
        let stem = self.stem(pkg);
        Where::Admin([b"info/", &stem[..], b".", kind.as_bytes()].concat())
    }

    /// Whether `info/` has it.
    pub fn has_control_file(&self, stem: &[u8], kind: &str) -> bool {
        let kinds = self.info.get(stem);
        kinds.is_some_and(|kinds| kinds.iter().any(|k| k == kind.as_bytes()))
    }
}

/// The content of a regular file: nothing if it is missing, an inner nothing if it is none or too large.
pub(super) fn read(spot: &Spot) -> std::io::Result<Option<Option<Vec<u8>>>> {
    let Some(stat) = spot.stat().if_there()? else {
        return Ok(None);
    };
    if !stat.is_file() || stat.size > FILE_MAX {
        return Ok(Some(None));
    }
    // It may have become a pipe since.
    let file = spot.open(libc::O_RDONLY | libc::O_NONBLOCK, true);
    let Some(file) = file.if_there()? else {
        return Ok(None);
    };
    let mut data = Vec::new();
    std::fs::File::from(file)
        .take(FILE_MAX)
        .read_to_end(&mut data)?;
    Ok(Some(Some(data)))
}
