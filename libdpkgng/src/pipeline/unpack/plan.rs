//! What an archive is and whether it may be unpacked. Nothing of the installed system changes
//! here; `--no-act` ends with it.

use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::super::{Action, Deconf, Istobe, Run};
use super::ahead::{Data, Opened};
use super::unwind::Undo;
use crate::arch::{ArchId, ArchType};
use crate::archive::deb::DebFile;
use crate::archive::extract::extract_control;
use crate::archive::split::PartInfo;
use crate::archive::tar::Owners;
use crate::control;
use crate::db::Database;
use crate::error::{Error, OrFail, Result};
use crate::force::Force;
use crate::msg::Msg;
use crate::pipeline::maintscript::{ending, run_error};
use crate::pipeline::trigproc::TrigprocType;
use crate::pkg::{ArchiveDetails, DepType, NameWhen, PkgId, Which};
use crate::report::{Event, Silent};
use crate::state::{EFlag, Status, Want};
use crate::sys::place::{Absence, Spot};
use crate::sys::process::{self, Ended};
use crate::{bail, err, msg, sys};

/// Where control members are unpacked below the admindir, so that they can be renamed into
/// `info/`.
const CONTROL_DIR_TMP: &str = "tmp.ci";
/// The archive put together out of parts.
const REASSEMBLE_TMP: &str = "reassemble.deb";
/// What stock leaves reading archives to.
const BACKEND: &str = "dpkg-deb";
const SPLITTER: &str = "dpkg-split";
const DEBSIG_VERIFY: &str = "/usr/bin/debsig-verify";

/// An archive whose control member has been read.
#[must_use]
pub struct Candidate {
    shown: Msg,
    control: ControlDir,
    pkg: PkgId,
    data: Option<Data>,
}

/// The unpacked control member.
pub struct ControlDir {
    /// Where it is.
    pub(super) path: Spot,
    /// Its files, and then the directory, as messages name them. They get names in `info/` later,
    /// and must not turn up empty there after a power cut.
    pub(super) to_sync: Vec<(Vec<u8>, File)>,
}

/// An archive that is going to be unpacked.
#[must_use]
pub struct Plan {
    /// The package.
    pub pkg: PkgId,
    pub(super) control: ControlDir,
    pub(super) data: Data,
    /// Packages to be deconfigured for it, in this order.
    pub(super) deconfigure: Vec<Deconf>,
    /// Packages to be removed in favour of it.
    pub(super) conflictors: Vec<PkgId>,
}

/// Answers about users and groups, each asked for once in an archive (scripts may change them
/// between archives).
#[derive(Default)]
pub(super) struct OwnerCache {
    users: Vec<(Box<[u8]>, Option<u32>)>,
    groups: Vec<(Box<[u8]>, Option<u32>)>,
}

/// Names of users and groups in the installed system.
pub(super) struct SystemOwners<'a> {
    pub(super) db: &'a Database,
    pub(super) cache: &'a mut OwnerCache,
}

/// The answer for `name`, asked for the first time only.
fn once(
    known: &mut Vec<(Box<[u8]>, Option<u32>)>,
    name: &[u8],
    ask: impl FnOnce() -> Result<Option<u32>>,
) -> Result<Option<u32>> {
    if let Some((_, id)) = known.iter().find(|(n, _)| **n == *name) {
        return Ok(*id);
    }
    let id = ask()?;
    known.push((name.into(), id));
    Ok(id)
}

impl Owners for SystemOwners<'_> {
    fn uid(&mut self, name: &[u8]) -> Result<Option<u32>> {
        once(&mut self.cache.users, name, || self.db.uid_of(name))
    }
    fn gid(&mut self, name: &[u8]) -> Result<Option<u32>> {
        once(&mut self.cache.groups, name, || self.db.gid_of(name))
    }
}

/// How an archive's path is shown while it is processed: leading directories give way to
/// `.../` as long as it is longer than 30 bytes (`summarize_filename`).
fn summarize(path: &[u8]) -> Msg {
    let mut rest = path;
    while rest.len() > 30 {
        match memchr::memchr(b'/', rest) {
            Some(slash) => rest = &rest[slash + 1..],
            None => break,
        }
    }
    if rest.len() == path.len() {
        return Msg::verbatim(path);
    }
    msg!(".../%s", rest)
}

/// The spot of an archive, whose path somebody gave.
pub(super) fn given(archive: &Path) -> Spot {
    Spot::path(archive.as_os_str().as_bytes())
}

/// Whether a file begins as every `.deb` of format 2 does, with a whole header of its first
/// member; such a file is no part of a split one.
pub(super) fn is_plain_deb(path: &Path) -> bool {
    let mut head = [0; 68];
    let read = given(path)
        .read()
        .and_then(|mut f| std::io::Read::read(&mut f, &mut head));
    matches!(read, Ok(n) if n == head.len())
        && head.starts_with(b"!<arch>\ndebian-binary")
        && head.ends_with(b"`\n")
}

impl Run {
    /// Run another program to its end (`subproc_fork`, `execlp`, `subproc_reap`); when it
    /// cannot be started, that is told on standard error and counts as exit status 2.
    fn run_program(&mut self, what: Msg, program: &str, args: &[&[u8]]) -> Result<Ended> {
        let mut argv = vec![program.as_bytes().to_vec()];
        argv.extend(args.iter().map(|a| a.to_vec()));
        let env = self.opts.script_env.iter();
        let command = process::Command {
            program: program.as_bytes().to_vec(),
            argv,
            env: env
                .map(|(name, value)| (name.clone().into_bytes(), value.clone()))
                .collect(),
            ..process::Command::default()
        };
        let outcome = process::run(&command).map_err(|e| run_error(e, &what))?;
        if let Some((_, e)) = outcome.failed {
            let error = Error::os(msg!("unable to execute %s (%s)", what, program), e);
            let line = msg!("%s (subprocess): %s\n", "dpkg", error.msg);
            self.report.event(&Event::Stderr(line));
        }
        Ok(outcome.ended)
    }

    /// Everything up to knowing which package an archive holds. `None`: there is nothing more
    /// to do with it, and all is well.
    pub(super) fn read_candidate(&mut self, archive: &Path) -> Result<Option<Candidate>> {
        let mut archive = archive.to_owned();
        let mut shown = summarize(archive.as_os_str().as_bytes());
        let stat = given(&archive)
            .stat()
            .or_fail(|| msg!("cannot access archive '%s'", &archive))?;
        // What is put together out of parts exists only when we act.
        if self.opts.act {
            match self.reassemble(&archive)? {
                Reassembled::NotAPart => {}
                Reassembled::Complete(whole) => {
                    archive = whole;
                    shown = msg!("reassembled package file");
                }
                Reassembled::Incomplete => return Ok(None),
            }
        }
        if self.opts.debsig {
            self.verify_signature(&archive)?;
        }
        let Opened { deb, data } = self.opened(&archive)?;
        let cidir = self.control_dir()?;
        self.unpack.unwind.push(Undo::ControlDir(cidir.clone()));
        let to_sync = self.unpack_control(&archive, deb, &cidir)?;
        let pkg = self.read_control(&cidir)?;

        if self.db.table[pkg].archives.is_empty() {
            self.db.table[pkg].archives.push(ArchiveDetails::default());
        }
        if let Some(details) = self.db.table[pkg].archives.first_mut() {
            details.size = Some(stat.size.to_string().into_bytes().into());
        }
        if self.opts.action == Action::RecordAvail {
            let name = self
                .db
                .table
                .bin_name(pkg, Which::Available, NameWhen::NonAmbig);
            self.report
                .output(msg!("Recorded info about %s from %s.\n", name, shown));
            return Ok(None);
        }
        Ok(Some(Candidate {
            shown,
            control: ControlDir {
                path: cidir,
                to_sync,
            },
            pkg,
            data,
        }))
    }

    /// `deb_reassemble()`. dpkg-split is run for parts only, also for those that it will not
    /// make sense of; stock asks it about every archive.
    fn reassemble(&mut self, archive: &Path) -> Result<Reassembled> {
        let whole = self.db.dirs.admin(REASSEMBLE_TMP);
        let gone = whole.unlink().if_there();
        gone.or_fail(|| msg!("error ensuring '%.250s' doesn't exist", &whole))?;
        self.unpack.unwind.push(Undo::Reassembled(whole.clone()));
        if let Ok(None) = PartInfo::read(archive) {
            return Ok(Reassembled::NotAPart);
        }
        let output = whole.host_path();
        let args = [
            &b"-Qao"[..],
            output.as_os_str().as_bytes(),
            archive.as_os_str().as_bytes(),
        ];
        let status = self.run_program(msg!("split package reassembly"), SPLITTER, &args)?;
        match status {
            Ended::Exit(0) => match whole.stat().if_there() {
                Ok(Some(_)) => Ok(Reassembled::Complete(output)),
                Ok(None) => Ok(Reassembled::Incomplete),
                Err(_) => Ok(Reassembled::NotAPart),
            },
            Ended::Exit(1) => Ok(Reassembled::NotAPart),
            Ended::Exit(code) => {
                bail!(
                    "subprocess %s returned error exit status %d",
                    SPLITTER,
                    code
                )
            }
            other => match ending(other, &msg!(SPLITTER)) {
                Some(text) => Err(Error::new(text)),
                None => Ok(Reassembled::NotAPart),
            },
        }
    }

    /// `deb_verify()`; asked anew for each archive, as the verifier may come and go with one.
    fn verify_signature(&mut self, archive: &Path) -> Result<()> {
        if !process::is_executable(Path::new(DEBSIG_VERIFY)) {
            return Ok(());
        }
        self.report.output(msg!("Authenticating %s ...\n", archive));
        let args = [&b"-q"[..], archive.as_os_str().as_bytes()];
        let status =
            self.run_program(msg!("package signature verification"), DEBSIG_VERIFY, &args)?;
        if status == Ended::Exit(0) {
            self.report.output(msg!("passed\n"));
        } else if self.opts.force.has(Force::BadVerify) {
            self.report.notice(msg!(
                "verification on package %s failed; but installing anyway as you requested",
                archive
            ));
        } else {
            bail!("verification on package %s failed!", archive);
        }
        Ok(())
    }

    /// `get_control_dir()`: an empty place for the control member.
    fn control_dir(&mut self) -> Result<Spot> {
        if !self.opts.act {
            let template = self.opts.tmpdir.join("dpkg.XXXXXX");
            let dir = nix::unistd::mkdtemp(&template)
                .or_fail(|| msg!("unable to create temporary directory"))?;
            return Ok(Spot::path(dir.as_os_str().as_bytes()));
        }
        let dir = self.db.dirs.admin(CONTROL_DIR_TMP);
        self.remove_tree_at(&dir)?;
        Ok(dir)
    }

    /// What stock has `dpkg-deb --control` do. Ours does it here, and leaves what it cannot make
    /// sense of to that program: it knows tars that are not dpkg's, and has its own words.
    fn unpack_control(
        &mut self,
        archive: &Path,
        deb: Result<DebFile>,
        cidir: &Spot,
    ) -> Result<Vec<(Vec<u8>, File)>> {
        let mut owners = SystemOwners {
            db: &self.db,
            cache: &mut OwnerCache::default(),
        };
        // What there is to say of an archive that fails, the tool says.
        let extracted = deb.and_then(|deb| extract_control(&deb, cidir, &mut owners, &mut Silent));
        let control = cidir.child(b"control");
        let there = control.exists().if_there();
        let there = there.or_fail(|| msg!("cannot stat file '%s'", &control))?;
        if extracted.is_err() || there.is_none() {
            self.remove_tree_at(cidir)?;
            let dir = cidir.host_path();
            let args = [
                &b"--control"[..],
                archive.as_os_str().as_bytes(),
                dir.as_os_str().as_bytes(),
            ];
            let what = msg!("package control information extraction");
            let ended = self.run_program(what, BACKEND, &args)?;
            if let Some(text) = ending(ended, &msg!("%s --control", BACKEND)) {
                return Err(Error::new(text));
            }
        }
        // It may be another directory of that name by now.
        sys::dir::open_contents(&cidir.again())
    }

    /// The control file into the table: as what is available.
    fn read_control(&mut self, cidir: &Spot) -> Result<PkgId> {
        let mut flags = match self.opts.action {
            Action::RecordAvail => control::ParseFlags::AVAILABLE,
            _ => control::ParseFlags::BINARY,
        };
        flags |= control::ParseFlags::IGNORE_ARCHIVES;
        if self.opts.force.has(Force::BadVersion) {
            flags |= control::ParseFlags::LAX_VERSION;
        }
        let file = cidir.child(b"control");
        let (_, pkg) = control::parse_file(&file, flags, &mut self.db.table, &mut *self.report)?;
        // Read as a description of what is available, an older version is passed over.
        pkg.ok_or_else(|| err!("no package information in '%.255s'", &file))
    }

    /// Decide: architecture, selection and version, relations. `None`: it is left alone, and
    /// all is well.
    pub(super) fn plan(&mut self, candidate: Candidate) -> Result<Option<Plan>> {
        let Candidate {
            shown,
            control,
            pkg,
            data,
        } = candidate;
        let arches = &self.db.table.arches;
        let arch = self.db.table[pkg].available.arch;
        if !matches!(
            arches.kind(arch),
            ArchType::All | ArchType::Native | ArchType::Foreign
        ) {
            let text = msg!(
                "package architecture (%s) does not match system (%s)",
                arches.name(arch),
                arches.name(ArchId::NATIVE)
            );
            self.forcible(Force::Architecture, text)?;
        }
        let mut deconfigure = Vec::new();
        self.clear_istobes();
        if !self.want_to_install(pkg) {
            return Ok(None);
        }
        self.db.table[pkg].want = Want::Install;

        // Other instances that are not of the same version have to wait for theirs.
        let set = self.db.table[pkg].set;
        for other in self.db.table[set].pkgs.clone() {
            let table = &self.db.table;
            if other != pkg
                && table[other].status() > Status::HalfConfigured
                && table[pkg].available.version != table[other].installed.version
            {
                self.enqueue_deconfigure(&mut deconfigure, other, None, Want::Unknown);
            }
        }
        self.check_relations(&mut deconfigure, pkg, &shown)?;

        self.db.ensure_all_files(&mut *self.report)?;
        self.db.ensure_files(pkg, &mut *self.report)?;
        self.db.fsys.forget_run_state();
        self.db.ensure_file_interests()?;

        self.report
            .output(msg!("Preparing to unpack %s ...\n", &shown));
        match self.db.table[pkg].status() {
            Status::NotInstalled | Status::ConfigFiles => {
                self.log_action("install", pkg, Which::Available)?;
            }
            _ => self.log_action("upgrade", pkg, Which::Installed)?,
        }
        // Without data we are not to act.
        let conflictors = self.unpack.conflictors.clone();
        Ok(data.map(|data| Plan {
            pkg,
            control,
            data,
            deconfigure,
            conflictors,
        }))
    }

    /// `pkg_check_depcon()`: Pre-Depends, Breaks, Conflicts in both directions.
    fn check_relations(&mut self, queue: &mut Vec<Deconf>, pkg: PkgId, shown: &Msg) -> Result<()> {
        self.state(pkg).istobe = Istobe::InstallNew;
        let depends = self.db.table[pkg].available.depends.clone();
        for dep in depends.iter() {
            match dep.kind {
                DepType::Conflicts => self.check_conflict(queue, pkg, dep, pkg, shown)?,
                DepType::Breaks => self.check_new_breaks(queue, dep, pkg, shown)?,
                DepType::Provides => {
                    for possi in dep.possi.iter().take(1) {
                        self.check_conflicts_with(queue, possi.ed, pkg, shown)?;
                    }
                }
                DepType::PreDepends => self.check_predepends(dep, pkg, shown)?,
                DepType::Suggests
                | DepType::Recommends
                | DepType::Depends
                | DepType::Replaces
                | DepType::Enhances => {}
            }
        }
        self.check_conflicts_with(queue, self.db.table[pkg].set, pkg, shown)
    }

    /// What installed packages conflict with that name.
    fn check_conflicts_with(
        &mut self,
        queue: &mut Vec<Deconf>,
        set: crate::pkg::SetId,
        pkg: PkgId,
        shown: &Msg,
    ) -> Result<()> {
        for link in self.db.table.depended(set, Which::Installed) {
            let depends = self.db.table.linked_depends(Which::Installed, link);
            match depends.get(link.dep as usize) {
                Some(dep) if dep.kind == DepType::Conflicts => {
                    self.check_conflict(queue, link.pkg, dep, pkg, shown)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn check_predepends(
        &mut self,
        dep: &crate::pkg::Dependency,
        pkg: PkgId,
        shown: &Msg,
    ) -> Result<()> {
        let verdict = self.depisok(pkg, dep, false, true, true);
        if verdict.ok {
            return Ok(());
        }
        if let Some(awaiting) = verdict.fixbytrigaw {
            while let Some(pending) = self.db.table[awaiting].trigaw.first().copied() {
                self.trigproc(pending, TrigprocType::Required)?;
            }
            return Ok(());
        }
        let name = self
            .db
            .table
            .bin_name(pkg, Which::Available, NameWhen::NonAmbig);
        self.report.notice(msg!(
            "regarding %s containing %s, pre-dependency problem:\n%s",
            shown,
            &name,
            verdict.whynot
        ));
        if !self.force_depends(pkg, dep) {
            bail!("pre-dependency problem - not installing %.250s", name);
        }
        self.report
            .warning(msg!("ignoring pre-dependency problem!"));
        Ok(())
    }

    /// Decide whether this version is wanted (`wanttoinstall`).
    fn want_to_install(&mut self, pkg: PkgId) -> bool {
        let table = &self.db.table;
        let name = table.name(pkg, NameWhen::NonAmbig);
        let p = &table[pkg];
        if !matches!(p.want, Want::Install | Want::Hold) {
            let name = table.bin_name(pkg, Which::Available, NameWhen::NonAmbig);
            let line = if self.opts.alsoselect {
                msg!("Selecting previously unselected package %s.\n", name)
            } else {
                msg!("Skipping unselected package %s.\n", name)
            };
            self.report.output(line);
            return self.opts.alsoselect;
        }
        if p.eflag == EFlag::ReinstReq || p.status() < Status::Unpacked {
            return true;
        }
        let (old, new) = (&p.installed.version, &p.available.version);
        match new.cmp(old) {
            std::cmp::Ordering::Greater => true,
            std::cmp::Ordering::Equal => {
                let skip = self.opts.skipsame && p.available.arch == p.installed.arch;
                if skip {
                    self.report.notice(msg!(
                        "package %.250s (%.250s) with same version already installed, skipping",
                        name,
                        old.to_string()
                    ));
                }
                !skip
            }
            std::cmp::Ordering::Less => {
                let forced = self.opts.force.has(Force::Downgrade);
                let (old, new) = (old.to_string(), new.to_string());
                if forced {
                    self.report.warning(msg!(
                        "downgrading %.250s (%.250s) to (%.250s)",
                        name,
                        old,
                        new
                    ));
                } else {
                    self.report.notice(msg!(
                        "will not downgrade %.250s (%.250s) to (%.250s), skipping",
                        name,
                        old,
                        new
                    ));
                }
                forced
            }
        }
    }
}

enum Reassembled {
    NotAPart,
    Complete(PathBuf),
    Incomplete,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_paths_lose_leading_directories() {
        let s = |p: &str| summarize(p.as_bytes()).to_string();
        assert_eq!(s("a/b.deb"), "a/b.deb");
        // 30 bytes are short enough.
        assert_eq!(
            s("/var/cache/apt/archives/ab.deb"),
            "/var/cache/apt/archives/ab.deb"
        );
        assert_eq!(
            s("/var/cache/apt/archives/abc.deb"),
            ".../var/cache/apt/archives/abc.deb"
        );
        assert_eq!(
            s("/var/cache/apt/archives/libfoo_1.0-1_amd64.deb"),
            ".../libfoo_1.0-1_amd64.deb"
        );
        let long = "x".repeat(40);
        assert_eq!(s(&long), long);
        assert_eq!(s(&format!("/d/{long}")), format!(".../{long}"));
    }

    #[test]
    fn only_a_whole_head_counts_as_a_deb() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        let member = |name: &str| format!("!<arch>\n{name:<58}`\n").into_bytes();
        for (content, expected) in [
            (member("debian-binary"), true),
            (member("debian-split"), false),
            (b"!<arch>\ndebian-binary   1".to_vec(), false),
            (Vec::new(), false),
        ] {
            std::fs::write(&path, &content).unwrap();
            assert_eq!(is_plain_deb(&path), expected, "{content:?}");
        }
    }
}
