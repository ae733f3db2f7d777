//! Maintainer scripts: calls, environment, fallbacks (script.c). Policy §6.1 and §6.5.
//!
//! A script runs below the instdir by a change of root, or, with `--force-script-chrootless`,
//! outside of it. After every script the files it may have changed behind our back are looked
//! at again: diversions and activated triggers. When a script fails this is owed until the
//! failure was reported (see [`errors`](super::errors)).

use std::os::unix::ffi::{OsStrExt, OsStringExt};

use super::Run;
use super::errors::Undo;
use crate::error::{Error, OrFail, Result};
use crate::force::Force;
use crate::hooks::Scope;
use crate::msg::Msg;
use crate::pkg::{NameWhen, PkgId, Which};
use crate::report::{Event, debug};
use crate::state::Status;
use crate::sys::exec_label::ExecLabel;
use crate::sys::locale;
use crate::sys::place::{Absence, Spot};
use crate::sys::process::{self, Ended, Outcome, RunError, Step};
use crate::{bail, err, msg};

/// One call about to be made.
struct Call<'a> {
    pkg: PkgId,
    /// Whose architecture the script is told: the installed or the new package's.
    which: Which,
    /// `prerm`…
    script: &'a str,
    /// How messages call it.
    desc: Msg,
    path: Spot,
    args: &'a [&'a str],
}

/// What to do when a child ended badly (`subproc_flags`).
#[derive(Clone, Copy, PartialEq, Eq)]
enum OnFailure {
    Raise,
    Warn,
}

/// How a child ended, in words (`subproc_check`); `None` when well.
pub(crate) fn ending(ended: Ended, desc: &Msg) -> Option<Msg> {
    Some(match ended {
        Ended::Exit(0) => return None,
        Ended::Exit(code) => msg!("%s subprocess returned error exit status %d", desc, code),
        Ended::Signal(libc::SIGINT, _) => msg!("%s subprocess was interrupted", desc),
        Ended::Signal(signal, core) => msg!(
            "%s subprocess was killed by signal (%s)%s",
            desc,
            locale::strsignal(signal),
            if core {
                msg!(", core dumped")
            } else {
                msg!("")
            }
        ),
        Ended::Other(raw) => {
            msg!("%s subprocess failed with wait status code %d", desc, raw)
        }
    })
}

/// That no child could be started or waited for; ends the run, as in stock.
pub(crate) fn run_error(error: RunError, desc: &Msg) -> Error {
    match error {
        RunError::Nul => err!("unable to execute %s (%s)", desc, "\\0"),
        RunError::Fork(e) => Error::os(msg!("fork failed"), e).fatal(),
        RunError::Ignore(signal, e) => {
            let name = locale::strsignal(signal);
            let id = "unable to ignore signal %s before running %.250s";
            Error::os(msg!(id, name, desc), e)
        }
        RunError::Wait(e) => Error::os(msg!("wait for %s subprocess failed", desc), e).fatal(),
    }
}

impl Run {
    /// Run a script of the installed package, if it has it (`maintscript_installed`).
    /// `script`: `prerm`…; `desc`: how errors call it (`pre-removal`); the error says how it
    /// failed. True when it was run.
    pub fn script_installed(
        &mut self,
        pkg: PkgId,
        script: &str,
        desc: &str,
        args: &[&str],
    ) -> Result<bool> {
        let ran = self.installed(pkg, script, desc, args)?;
        if ran {
            self.post_script_tasks()?;
        }
        Ok(ran)
    }

    /// Run the postinst; triggers are left to [`Run::post_postinst_tasks`]
    /// (`maintscript_postinst`).
    pub fn script_postinst(&mut self, pkg: PkgId, args: &[&str]) -> Result<bool> {
        let ran = self.installed(pkg, "postinst", "post-installation", args)?;
        if ran {
            self.db.ensure_diversions(&mut *self.report)?;
        }
        Ok(ran)
    }

    fn installed(&mut self, pkg: PkgId, script: &str, desc: &str, args: &[&str]) -> Result<bool> {
        let name = self.db.table.name(pkg, NameWhen::NonAmbig);
        let call = Call {
            pkg,
            which: Which::Installed,
            script,
            desc: msg!("installed %s package %s script", name, desc),
            path: self.db.infodb_file(pkg, Which::Installed, script),
            args,
        };
        let Some(mode) = mode_of(&call)? else {
            self.report.debug(debug::SCRIPTS, || {
                msg!("vmaintscript_installed nonexistent %s", script)
            });
            return Ok(false);
        };
        self.execute(&call, mode, OnFailure::Raise)?;
        Ok(true)
    }

    /// Run a script out of the control directory `cidir` of the archive being unpacked
    /// (`maintscript_new`).
    pub fn script_new(
        &mut self,
        pkg: PkgId,
        script: &str,
        desc: &str,
        cidir: &Spot,
        args: &[&str],
    ) -> Result<bool> {
        let call = self.new_call(pkg, script, desc, cidir, args);
        let Some(mode) = mode_of(&call)? else {
            self.report.debug(debug::SCRIPTS, || {
                msg!("maintscript_new nonexistent %s '%s'", script, &call.path)
            });
            return Ok(false);
        };
        self.execute(&call, mode, OnFailure::Raise)?;
        self.post_script_tasks()?;
        Ok(true)
    }

    fn new_call<'a>(
        &self,
        pkg: PkgId,
        script: &'a str,
        desc: &str,
        cidir: &Spot,
        args: &'a [&'a str],
    ) -> Call<'a> {
        let name = self.db.table.name(pkg, NameWhen::NonAmbig);
        Call {
            pkg,
            which: Which::Available,
            script,
            desc: msg!("new %s package %s script", name, desc),
            path: cidir.child(script.as_bytes()),
            args,
        }
    }

    /// Run the old script with `ifok` and the new version; when that fails, the new one with
    /// `iffallback` and both versions (`maintscript_fallback`). Policy §6.6.
    pub fn script_fallback(
        &mut self,
        pkg: PkgId,
        script: &str,
        desc: &str,
        cidir: &Spot,
        ifok: &str,
        iffallback: &str,
    ) -> Result<bool> {
        let table = &self.db.table;
        let new_version = table[pkg].available.version.to_string();
        let old_version = table[pkg].installed.version.to_string();
        let name = table.name(pkg, NameWhen::NonAmbig);
        let args = [ifok, &new_version];
        let old = Call {
            pkg,
            which: Which::Installed,
            script,
            desc: msg!("old %s package %s script", name, desc),
            path: self.db.infodb_file(pkg, Which::Installed, script),
            args: &args,
        };
        match old.path.stat().if_there() {
            Ok(Some(stat)) => {
                let mode = stat.mode;
                if self.execute(&old, mode, OnFailure::Warn)? {
                    self.post_script_tasks()?;
                    return Ok(true);
                }
            }
            Ok(None) => {
                self.report.debug(debug::SCRIPTS, || {
                    msg!(
                        "maintscript_fallback nonexistent %s '%s'",
                        script,
                        &old.path
                    )
                });
                return Ok(false);
            }
            Err(e) => {
                let id = "unable to stat %s '%.250s': %s";
                self.report.warning(msg!(id, &old.desc, &old.path, e));
            }
        }
        let line = msg!("trying script from the new package instead ...");
        self.report.notice(line);

        let args = [iffallback, &old_version, &new_version];
        let new = self.new_call(pkg, script, desc, cidir, &args);
        let Some(mode) = mode_of(&new)? else {
            bail!("there is no script in the new version of the package - giving up");
        };
        self.execute(&new, mode, OnFailure::Raise)?;
        self.report.notice(msg!("... it looks like that went OK"));
        self.post_script_tasks()?;
        Ok(true)
    }

    /// The status after a postinst, noted; then the triggers it activated
    /// (`post_postinst_tasks`). What awaits or has triggers is not simply installed.
    pub fn post_postinst_tasks(&mut self, pkg: PkgId, status: Status) -> Result<()> {
        let p = &self.db.table[pkg];
        let status = if status < Status::TriggersAwaited {
            status
        } else if !p.trigaw.is_empty() {
            Status::TriggersAwaited
        } else if !p.trigpend.is_empty() {
            Status::TriggersPending
        } else {
            Status::Installed
        };
        self.db.table.set_status(pkg, status);
        self.db.note_unsettled(pkg, &mut *self.report)?;
        self.report.debug(debug::TRIGGERSDETAIL, || {
            msg!("post_postinst_tasks - trig_incorporate")
        });
        self.db.incorporate(&mut *self.report)
    }

    /// Diversions and triggers may have changed (`post_script_tasks`).
    pub fn post_script_tasks(&mut self) -> Result<()> {
        self.report.debug(debug::TRIGGERSDETAIL, || {
            msg!("post_script_tasks - ensure_diversions")
        });
        self.db.ensure_diversions(&mut *self.report)?;
        self.report.debug(debug::TRIGGERSDETAIL, || {
            msg!("post_script_tasks - trig_incorporate")
        });
        self.db.incorporate(&mut *self.report)
    }

    /// Run a script between the hooks that want to know. True when it ended well; a bad end
    /// is an error or a warning (`maintscript_exec`).
    fn execute(&mut self, call: &Call<'_>, mode: u32, on_failure: OnFailure) -> Result<bool> {
        if mode & 0o555 != 0o555 {
            // Not through a symbolic link, which may lead out of the package's own files.
            call.path
                .chmod(0o755)
                .or_fail(|| msg!("unable to set execute permissions on '%.250s'", &call.path))?;
        }
        let args: Vec<&[u8]> = call.args.iter().map(|a| a.as_bytes()).collect();
        let (pkg, script) = (call.pkg, call.script);
        let scope = |status| Scope::Script {
            pkg,
            script,
            args: &args,
            status,
        };
        // A script never runs before what was noted is durable.
        self.db.settle()?;
        self.hooks.enter(&self.db.table, &scope(None))?;
        let mut raw = None;
        // Nothing the script may unmount is held, and nothing it may replace is remembered.
        self.forget_places();
        let result = match self.spawn(call, &mut raw) {
            Ok(ended) => match ending(ended, &call.desc) {
                None => Ok(true),
                Some(what) if on_failure == OnFailure::Warn => {
                    self.report.warning(what);
                    Ok(false)
                }
                Some(what) => Err(Error::new(what)),
            },
            Err(e) => Err(e),
        };
        self.forget_places();
        let ok = matches!(result, Ok(true));
        self.hooks.leave(&self.db.table, &scope(raw), ok);
        if result.is_err() {
            self.failures.undo.push(Undo::PostScript);
        }
        result
    }

    /// Forget what was resolved: somebody else has been, or is going to be, at work.
    pub(super) fn forget_places(&self) {
        self.db.dirs.place().forget();
        self.unpack.forget_place();
    }

    /// Start the script and wait for it.
    fn spawn(&mut self, call: &Call<'_>, raw: &mut Option<i32>) -> Result<Ended> {
        let command = match self.command(call) {
            Ok(command) => command,
            // Stock finds out in the child, which says so and exits.
            Err(e) => {
                self.subprocess_error(e.msg);
                return Ok(Ended::Exit(2));
            }
        };
        self.report.debug(debug::SCRIPTS, || {
            let mut args = String::new();
            for arg in call.args {
                args.push(' ');
                args.push_str(arg);
            }
            msg!("fork/exec %s (%s )", &call.path, args)
        });
        let program = call.path.shown();
        let _label = match ExecLabel::for_program(program, c"dpkg_script_t") {
            Ok(label) => label,
            Err(e) => {
                let what = msg!("cannot set security execution context for maintainer script");
                self.subprocess_error(msg!("%s: %s", what, e));
                return Ok(Ended::Exit(2));
            }
        };
        let outcome = process::run(&command).map_err(|e| run_error(e, &call.desc))?;
        *raw = Some(outcome.raw);
        Ok(self.outcome(outcome, &command, &call.desc))
    }

    /// Tell what a child could not do before it became the program, in the child's words.
    fn outcome(&mut self, outcome: Outcome, command: &process::Command, desc: &Msg) -> Ended {
        let Some((step, error)) = outcome.failed else {
            return outcome.ended;
        };
        let path = |p: &Option<Vec<u8>>| p.clone().unwrap_or_default();
        self.subprocess_error(match step {
            Step::Chroot
                if error.raw_os_error() == Some(libc::EPERM)
                    && self.opts.force.has(Force::NonRoot) =>
            {
                msg!(
                    "not enough privileges to change root directory with --force-not-root, \
                     consider using --force-script-chrootless?"
                )
            }
            Step::Chroot => {
                let what = msg!("failed to chroot to '%.250s'", path(&command.chroot));
                msg!("%s: %s", what, error)
            }
            Step::Chdir => {
                let what = msg!("failed to chdir to '%.255s'", path(&command.chdir));
                msg!("%s: %s", what, error)
            }
            Step::Exec => {
                let what = msg!("unable to execute %s (%s)", desc, &command.program);
                msg!("%s: %s", what, error)
            }
        });
        outcome.ended
    }

    /// `print_subproc_error()`
    fn subprocess_error(&mut self, text: Msg) {
        let line = msg!("%s (subprocess): %s\n", "dpkg", text);
        self.report.event(&Event::Stderr(line));
    }

    /// What is to be executed for a call, where, and in which environment.
    fn command(&mut self, call: &Call<'_>) -> Result<process::Command> {
        let instdir = self.db.dirs.instdir.as_os_str().as_bytes().to_vec();
        let admindir = self.db.dirs.admindir.as_os_str().as_bytes().to_vec();
        let path = call.path.shown();
        let chrootless = self.opts.force.has(Force::ScriptChrootless);
        let chroot = !instdir.is_empty() && !chrootless;

        let (program, root, admin) = if chroot {
            let Some(admin) = admindir.strip_prefix(&instdir[..]) else {
                bail!("admindir must be inside instdir for dpkg to work properly");
            };
            let program = path.strip_prefix(&instdir[..]).unwrap_or(path);
            (program.to_vec(), Vec::new(), admin.to_vec())
        } else {
            let program = match instdir.is_empty() {
                true => path.to_vec(),
                // Whatever leads out of the instdir leads back into it.
                false => call.path.host_path().into_os_string().into_vec(),
            };
            (program, instdir.clone(), admindir)
        };
        let chdir = match chrootless && !instdir.is_empty() {
            true => instdir.clone(),
            false => b"/".to_vec(),
        };

        let table = &self.db.table;
        let installed = table.installed_instances(table[call.pkg].set);
        let arch = table.arches.name(table[call.pkg].bin(call.which).arch);
        let debugging = self.report.debug_flags() & debug::SCRIPTS != 0;
        let own: [(&str, Vec<u8>); 8] = [
            ("DPKG_ADMINDIR", admin),
            ("DPKG_ROOT", root),
            ("DPKG_MAINTSCRIPT_PACKAGE", table.set_name(call.pkg).into()),
            (
                "DPKG_MAINTSCRIPT_PACKAGE_REFCOUNT",
                installed.to_string().into_bytes(),
            ),
            ("DPKG_MAINTSCRIPT_ARCH", arch.into()),
            ("DPKG_MAINTSCRIPT_NAME", call.script.into()),
            (
                "DPKG_MAINTSCRIPT_DEBUG",
                if debugging { "1" } else { "0" }.into(),
            ),
            (
                "DPKG_RUNNING_VERSION",
                self.opts.running_version.clone().into(),
            ),
        ];
        let is_own = |name: &str| own.iter().any(|(n, _)| *n == name);
        let given = self.opts.script_env.iter().filter(|(n, _)| !is_own(n));
        let given = given.map(|(n, v)| (n.clone().into_bytes(), v.clone()));
        let mut env: Vec<(Vec<u8>, Vec<u8>)> = given.collect();
        env.extend(own.iter().map(|(n, v)| (n.as_bytes().to_vec(), v.clone())));

        let mut argv = vec![program.clone()];
        argv.extend(call.args.iter().map(|a| a.as_bytes().to_vec()));
        Ok(process::Command {
            program,
            argv,
            env,
            chroot: chroot.then_some(instdir),
            chdir: Some(chdir),
        })
    }
}

/// The mode of a script, if there is one.
fn mode_of(call: &Call<'_>) -> Result<Option<u32>> {
    let found = call.path.stat().if_there();
    let found = found.or_fail(|| msg!("unable to stat %s '%.250s'", &call.desc, &call.path))?;
    Ok(found.map(|stat| stat.mode))
}

#[cfg(test)]
mod tests {
    use crate::pipeline::Action;
    use crate::pipeline::rig::{INSTALLED, Rig, UNPACKED, stanza};

    #[test]
    fn scripts_are_told_about_themselves() {
        let rig = Rig::new(&stanza("a", UNPACKED, ""));
        rig.script(
            "a.postinst",
            "pwd > out; echo \"$@|$#\" >> out; env | sort >> out",
        );
        let (said, code) = rig.dpkg(Action::Configure, &["a"]);
        assert_eq!(code, 0, "{said}");
        let out = rig.get("/out").unwrap();
        let root = rig
            .path("")
            .to_string_lossy()
            .trim_end_matches('/')
            .to_owned();
        let lines: Vec<_> = out.lines().collect();
        assert_eq!(lines[..2], [root.as_str(), "configure |2"]);
        for line in [
            format!("DPKG_ADMINDIR={root}/var/lib/dpkg"),
            format!("DPKG_ROOT={root}"),
            "DPKG_MAINTSCRIPT_ARCH=amd64".into(),
            "DPKG_MAINTSCRIPT_DEBUG=0".into(),
            "DPKG_MAINTSCRIPT_NAME=postinst".into(),
            "DPKG_MAINTSCRIPT_PACKAGE=a".into(),
            "DPKG_MAINTSCRIPT_PACKAGE_REFCOUNT=1".into(),
            "DPKG_RUNNING_VERSION=1.22.22".into(),
            "PATH=/usr/sbin:/usr/bin:/sbin:/bin".into(),
        ] {
            assert!(lines.contains(&line.as_str()), "{line} in {out}");
        }
    }

    #[test]
    fn failures_in_words() {
        // Not of SIGINT: tests beside this one ignore it for their own children.
        let names = ["a", "b", "c"];
        let status = names.map(|n| stanza(n, UNPACKED, "")).concat();
        let rig = Rig::new(&status);
        rig.script("a.postinst", "exit 3");
        rig.script("b.postinst", "kill -TERM $$");
        rig.put("/var/lib/dpkg/info/c.postinst", "#!/no/such\n");
        let (said, code) = rig.dpkg(Action::Configure, &names);
        assert_eq!(code, 1);
        for line in [
            " installed a package post-installation script subprocess returned error exit \
             status 3\n",
            " installed b package post-installation script subprocess was killed by signal \
             (Terminated)\n",
            "dpkg (subprocess): unable to execute installed c package post-installation script \
             (/var/lib/dpkg/info/c.postinst): No such file or directory\n",
            " installed c package post-installation script subprocess returned error exit \
             status 2\n",
        ] {
            assert!(said.contains(line), "{line} in {said}");
        }
    }

    /// The report comes first, then the undoing.
    #[test]
    fn a_failing_prerm_is_unwound() {
        let rig = Rig::new(&stanza("a", INSTALLED, ""));
        rig.put("/var/lib/dpkg/info/a.list", "/.\n");
        rig.script("a.prerm", "echo prerm $@ >> log; exit 1");
        rig.script("a.postinst", "echo postinst $@ >> log");
        let (said, _) = rig.dpkg(Action::Remove, &["a"]);
        let end = "3: status: a : error : installed a package pre-removal script subprocess \
                   returned error exit status 1\n3: status: a: installed\n";
        assert!(said.contains(end), "{said}");
        assert_eq!(
            rig.get("/log").unwrap(),
            "prerm remove\npostinst abort-remove\n"
        );
        let status = rig.get("/var/lib/dpkg/status").unwrap();
        assert!(status.contains("Status: deinstall ok installed\n"));

        rig.script("a.postinst", "exit 4");
        let (said, _) = rig.dpkg(Action::Remove, &["a"]);
        let end = "dpkg: error while cleaning up:\n installed a package post-installation \
                   script subprocess returned error exit status 4\n";
        assert!(said.contains(end), "{said}");
        let status = rig.get("/var/lib/dpkg/status").unwrap();
        assert!(status.contains("Status: deinstall ok half-configured\n"));
    }
}
