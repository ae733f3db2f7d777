//! Running a script: in a thread of its own, whose mount namespace is the script's.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use rustix::fs::Mode;

use super::calls::{Call, Script};
use super::made;
use super::mounts::{decide, guard};
use super::{Etc, ScriptError, WORK, Work};
use crate::context::{ContextError, Host, Mounts};
use crate::layout::inside;
use crate::manifest::{Member, State};

/// What invoke-rc.d and deb-systemd-invoke ask: nothing may be done to services.
const POLICY: &str = "#!/bin/sh\nexit 101\n";
/// Where commands are looked for; what a view exports would enter another context.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// What debconf wants to find beside a script.
const LENT: &[&str] = &["config", "templates"];

/// Ready to run.
pub(super) struct Running<'w> {
    work: &'w Work<'w>,
    etc: &'w Etc,
    host: Host,
}

impl<'w> Running<'w> {
    pub(super) fn new(work: &'w Work<'w>, etc: &'w Etc) -> Result<Running<'w>, ScriptError> {
        let host = Host::look(work.layout)?;
        if !host.privileged {
            return Err(ScriptError::NeedsRoot);
        }
        let disk = work.disk;
        let own = work.building.join(WORK);
        let policy = guard(work).join("usr/sbin/policy-rc.d");
        disk.make_dir(&own)?;
        for dir in ["usr", "etc", "guard", "guard/usr", "guard/usr/sbin"] {
            disk.make_dir(&own.join(dir))?;
        }
        if !policy.exists() {
            disk.write(&policy, POLICY.as_bytes())?;
            let mode = fs::Permissions::from_mode(0o755);
            fs::set_permissions(&policy, mode).map_err(|e| ScriptError::read(&policy, e))?;
        }
        let admindir = work.building.join(inside::ADMINDIR);
        for dir in ["", "info", "triggers", "alternatives", "updates", "parts"] {
            disk.make_dir(&admindir.join(dir))?;
        }
        // Without it dpkg-trigger believes that there are no triggers yet.
        let unincorp = admindir.join(super::triggers::UNINCORP);
        if !unincorp.exists() {
            disk.write(&unincorp, b"")?;
        }
        Ok(Running { work, etc, host })
    }

    /// Run a script; that it fails is [`ScriptError::Failed`].
    pub(super) fn call(&self, call: &Call) -> Result<(), ScriptError> {
        let (work, slot) = (self.work, call.slot.as_ref());
        for (made, name) in [(work.made(slot), "usr"), (work.made(None), "etc")] {
            made::begin(work.disk, &made)?;
            let (dir, like) = (made.join(name), self.host.root.join(name));
            work.disk.make_dir(&dir)?;
            let like = fs::symlink_metadata(&like).map_err(|e| ScriptError::read(&like, e))?;
            work.disk.adopt(&dir, &like)?;
        }
        let mounts = decide(work, slot, self.etc, &self.host)?;
        let groups = self.alternatives()?;
        let lent = self.lend(call)?;
        let ended = self.execute(call, &mounts, self.command(call, &lent.script));
        for path in &lent.files {
            work.disk.remove_file(path)?;
        }
        for (aside, path) in &lent.others {
            work.disk.rename(aside, path)?;
        }
        let status = ended?;
        if !status.success() {
            return Err(ScriptError::Failed {
                call: Box::new(call.clone()),
                status,
            });
        }
        self.choose(call, &mounts, &groups)
    }

    fn execute(
        &self,
        call: &Call,
        mounts: &Mounts,
        mut command: Command,
    ) -> Result<ExitStatus, ScriptError> {
        let path = PathBuf::from(command.get_program());
        // What is unshared, and the umask with it, is the thread's.
        let inside = || -> Result<io::Result<ExitStatus>, ContextError> {
            mounts.enter()?;
            rustix::process::umask(Mode::from_raw_mode(0o022));
            Ok(command.status())
        };
        let ended = std::thread::scope(|scope| scope.spawn(inside).join());
        let (call, panicked) = (Box::new(call.clone()), || {
            io::Error::other("a thread ended")
        });
        match ended {
            Ok(Ok(Ok(status))) => Ok(status),
            Ok(Err(source)) => Err(ScriptError::Context { call, source }),
            Ok(Ok(Err(source))) => Err(ScriptError::Exec { call, path, source }),
            Err(_) => Err(ScriptError::Exec {
                call,
                path,
                source: panicked(),
            }),
        }
    }

    /// In the environment that dpkg gives; PATH is always its default.
    fn command(&self, call: &Call, script: &Path) -> Command {
        let id = &call.installation;
        let same =
            |m: &&Member| m.realization.package() == id.package() && m.state != State::ConfigFiles;
        let count = self.work.members.iter().filter(same).count().max(1);
        let mut command = Command::new(script);
        command
            .args(&call.arguments)
            .current_dir("/")
            .env("PATH", PATH)
            .env("DPKG_ADMINDIR", "/var/lib/dpkg")
            .env("DPKG_ROOT", "")
            .env("DPKG_MAINTSCRIPT_PACKAGE", id.package().as_str())
            .env("DPKG_MAINTSCRIPT_PACKAGE_REFCOUNT", count.to_string())
            .env("DPKG_MAINTSCRIPT_ARCH", id.architecture().as_str())
            .env("DPKG_MAINTSCRIPT_NAME", call.script.name())
            .env("DPKG_MAINTSCRIPT_DEBUG", "0")
            .env("DPKG_RUNNING_VERSION", &self.work.running_version);
        command
    }

    /// Put a script where dpkg has it, as scripts and debconf look at their own names: preinst in tmp.ci/, the others
    /// in info/. What is there already is the same file, if the package is in the database.
    fn lend(&self, call: &Call) -> Result<Lent, ScriptError> {
        let (work, id) = (self.work, &call.installation);
        let admindir = work.building.join(inside::ADMINDIR);
        let from = work.layout.installation(id).join(inside::METADATA);
        let name = call.script.name();
        let is_preinst = call.script == Script::Preinst;
        let named = |file: &str| match is_preinst {
            true => format!("tmp.ci/{file}"),
            false => {
                let qualified = format!("info/{}:{}", id.package(), id.architecture());
                match admindir.join(format!("{qualified}.list")).exists() {
                    true => format!("{qualified}.{file}"),
                    false => format!("info/{}.{file}", id.package()),
                }
            }
        };
        if is_preinst {
            work.disk.make_dir(&admindir.join("tmp.ci"))?;
        }
        let (mut files, mut others) = (Vec::new(), Vec::new());
        for file in std::iter::once(name).chain(LENT.iter().copied()) {
            let (source, to) = (from.join(file), admindir.join(named(file)));
            if !source.is_file() {
                continue;
            }
            if to.exists() {
                let bytes = |path: &Path| fs::read(path).map_err(|e| ScriptError::read(path, e));
                if bytes(&source)? == bytes(&to)? {
                    continue;
                }
                // Another version's.
                let aside = admindir.join(format!("{}-other", named(file)));
                work.disk.rename(&to, &aside)?;
                others.push((aside, to.clone()));
            }
            work.disk.copy(&source, &to)?;
            files.push(to);
        }
        Ok(Lent {
            script: Path::new("/var/lib/dpkg").join(named(name)),
            files,
            others,
        })
    }

    /// The names of alternatives in the database.
    fn alternatives(&self) -> Result<Vec<std::ffi::OsString>, ScriptError> {
        let dir = self
            .work
            .building
            .join(inside::ADMINDIR)
            .join("alternatives");
        let read =
            || -> io::Result<Vec<_>> { fs::read_dir(&dir)?.map(|e| Ok(e?.file_name())).collect() };
        let mut names = read().map_err(|e| ScriptError::read(&dir, e))?;
        names.sort();
        Ok(names)
    }

    /// A group that is new in the view, while the host has one that points elsewhere, was taken for one that was
    /// changed by hand.
    fn choose(
        &self,
        call: &Call,
        mounts: &Mounts,
        before: &[std::ffi::OsString],
    ) -> Result<(), ScriptError> {
        let chosen = self.work.made(None).join("etc/alternatives");
        for group in self.alternatives()? {
            let known = before.contains(&group);
            if known || fs::symlink_metadata(chosen.join(&group)).is_ok() {
                continue;
            }
            let mut command = Command::new("update-alternatives");
            command
                .arg("--auto")
                .arg(&group)
                .env("PATH", PATH)
                .current_dir("/");
            let status = self.execute(call, mounts, command)?;
            if !status.success() {
                return Err(ScriptError::Failed {
                    call: Box::new(call.clone()),
                    status,
                });
            }
        }
        Ok(())
    }
}

/// A script in place.
struct Lent {
    /// As it is executed.
    script: PathBuf,
    /// What is to be removed again.
    files: Vec<PathBuf>,
    /// What is to be put back: where it is now, and its place.
    others: Vec<(PathBuf, PathBuf)>,
}
