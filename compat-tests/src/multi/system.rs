//! A bookworm system with dpkg-ng and its plugin, in which a scene happens.
//!
//! The process is in mount, process, network and IPC namespaces of its own and stays outside of the system's root, so
//! that it looks at it with this machine's readelf; only commands enter another mount namespace, whose root the system
//! is (in a mere chroot nobody may make user namespaces). All that was started ends with this process. In the
//! system, beside what bookworm has:
//!
//! * `/usr/bin/dpkg-ng` and `/usr/lib/dpkg-ng/plugins/multi-version.so`;
//! * `/var/sys`, a file system of its own, empty;
//! * `/debs/RELEASE/`: the packages that were fetched; `/debs/made/`: those a scene makes;
//! * a user `tester`, number 1000.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::mount::MsFlags;

use super::fetch;
use super::objects;
use crate::sandbox::{bind, command, devices, mnt, our_binary, overlay};
use crate::{During, Res, oracle};

/// Where the view's things are, in the system.
pub const VAR_SYS: &str = "/var/sys";
/// How long a command may take, in seconds.
const PATIENCE: u64 = 600;
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// The variable by which processes that were started are found again.
const MARK: &str = "COMPAT_MARK";

/// Where `/var/sys` is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// On the disk of the cache.
    Disk,
    /// In memory, so many MiB.
    Memory(u32),
}

/// What a command said, both outputs in one, and how it ended: 128 and the signal, if by one.
pub struct Said {
    /// The exit code.
    pub code: i32,
    /// What it said.
    pub text: String,
}

/// The system, and what was not as it should be.
pub struct System {
    root: PathBuf,
    /// The mount namespace with the system as its root.
    inside: String,
    wrong: RefCell<Vec<String>>,
    started: RefCell<Vec<Child>>,
    checks: Cell<usize>,
    disk: Option<PathBuf>,
}

/// The plugin under test: `DPKG_NG_PLUGIN`, or the one built beside dpkg-ng.
pub fn our_plugin() -> Res<PathBuf> {
    if let Some(file) = std::env::var_os("DPKG_NG_PLUGIN") {
        return fs::canonicalize(&file).during(Path::new(&file).display());
    }
    let file = our_binary()?.with_file_name("libdpkgng_multi_version.so");
    match file.is_file() {
        true => Ok(file),
        false => Err(format!(
            "no {}, beside dpkg-ng: set DPKG_NG_PLUGIN",
            file.display()
        )),
    }
}

impl System {
    /// Makes the system, in the namespaces that this process was started in.
    pub fn enter(scene: &str, room: Room) -> Res<System> {
        let mount = |what, to: &Path, options: Option<&str>| {
            mnt(Some(what), to, Some(what), MsFlags::empty(), options)
        };
        let base = oracle::dir().join("mnt");
        mount("tmpfs", &base, Some("mode=755"))?;
        let root = base.join("merged");
        fs::create_dir(&root).during("merged")?;
        overlay(&[oracle::root("bookworm")], &base, "main", &root, false)?;
        devices(&root.join("dev"))?;
        mount("proc", &root.join("proc"), None)?;
        let mut disk = None;
        let var_sys = root.join(VAR_SYS.trim_start_matches('/'));
        fs::create_dir_all(&var_sys).during(VAR_SYS)?;
        match room {
            Room::Memory(size) => {
                mount("tmpfs", &var_sys, Some(&format!("mode=755,size={size}m")))?;
            }
            Room::Disk => {
                let dir = oracle::dir().join("multi/var-sys").join(scene);
                if dir.exists() {
                    fs::remove_dir_all(&dir).during(dir.display())?;
                }
                fs::create_dir_all(&dir).during(dir.display())?;
                bind(&dir, &var_sys, false)?;
                disk = Some(dir);
            }
        }
        let corpus = fetch::corpus("amd64").with_extension("debs");
        for (name, from) in [
            ("bookworm", fetch::archives("bookworm")),
            ("trixie", fetch::archives("trixie")),
            ("corpus", corpus),
        ] {
            let to = root.join("debs").join(name);
            fs::create_dir_all(&to).during(to.display())?;
            if from.is_dir() {
                bind(from, &to, false)?;
            }
        }
        for dir in ["debs/made", "home/tester"] {
            fs::create_dir_all(root.join(dir)).during(dir)?;
        }
        for (from, to, mode) in [
            (our_binary()?, "usr/bin/dpkg-ng", 0o755),
            (
                our_plugin()?,
                "usr/lib/dpkg-ng/plugins/multi-version.so",
                0o644,
            ),
        ] {
            let to = root.join(to);
            if let Some(dir) = to.parent() {
                fs::create_dir_all(dir).during(dir.display())?;
            }
            fs::copy(&from, &to).during(to.display())?;
            fs::set_permissions(&to, fs::Permissions::from_mode(mode)).during(to.display())?;
        }
        oracle::run(Command::new("ip").args(["link", "set", "lo", "up"]))?;
        let (holder, inside) = hold(&root)?;
        let system = System {
            root,
            inside,
            wrong: RefCell::default(),
            started: RefCell::new(vec![holder]),
            checks: Cell::new(0),
            disk,
        };
        // What apt and dpkg make on the way is there before anything is compared.
        system.must(
            "echo tester:x:1000:1000::/home/tester:/bin/sh >>/etc/passwd
            echo tester:x:1000: >>/etc/group
            chown 1000:1000 /home/tester
            ldconfig; dpkg --audit; apt-get -q check",
        )?;
        Ok(system)
    }

    /// A path of the system as seen from outside.
    pub fn outside(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// A shell line as root.
    pub fn command(&self, line: &str) -> Command {
        self.command_of(line, "exec sh -c \"$1\"")
    }

    /// A shell line as the user.
    fn user_command(&self, line: &str) -> Command {
        self.command_of(
            line,
            "export HOME=/home/tester; exec setpriv --reuid 1000 --regid 1000 --clear-groups sh -c \"$1\"",
        )
    }

    fn command_of(&self, line: &str, how: &str) -> Command {
        let mut c = command("nsenter");
        c.arg(&self.inside)
            .args(["sh", "-c"])
            .arg(format!("umask 022; exec 2>&1; cd /tmp; {how}"))
            .args(["sh", line])
            .env("PATH", PATH)
            .env("HOME", "/root")
            .stdin(Stdio::null());
        c
    }

    /// Runs a shell line as root.
    pub fn sh(&self, line: &str) -> Res<Said> {
        run(self.command(line), line)
    }

    /// Runs a shell line as the user.
    pub fn user(&self, line: &str) -> Res<Said> {
        run(self.user_command(line), line)
    }

    /// Runs a shell line as root; that it fails ends the scene.
    pub fn must(&self, line: &str) -> Res<String> {
        succeeded(self.sh(line)?, line)
    }

    /// Runs a shell line as the user; that it fails ends the scene.
    pub fn must_user(&self, line: &str) -> Res<String> {
        succeeded(self.user(line)?, line)
    }

    /// Runs a shell line that is to fail without crashing, and to say all of `words`.
    pub fn refused(&self, line: &str, words: &[&str]) -> Res<String> {
        let said = self.sh(line)?;
        let failed = (1..=2).contains(&said.code);
        self.expect(failed, || {
            format!("{line}: exit {}, not refused\n{}", said.code, said.text)
        });
        self.says(line, &said.text, words);
        Ok(said.text)
    }

    /// That a text has all of `words` in it.
    pub fn says(&self, what: &str, text: &str, words: &[&str]) {
        for word in words {
            self.expect(text.contains(word), || {
                format!("{what}: does not say {word:?}\n{text}")
            });
        }
    }

    /// Notes what is wrong, if anything is; the scene goes on.
    pub fn expect(&self, right: bool, what: impl FnOnce() -> String) {
        self.checks.set(self.checks.get() + 1);
        if !right {
            self.wrong.borrow_mut().push(what());
        }
    }

    /// Notes when two things differ.
    pub fn same<T: PartialEq + std::fmt::Debug>(&self, what: impl Display, want: &T, is: &T) {
        self.expect(want == is, || {
            format!("{what}\n  should be {want:?}\n  is        {is:?}")
        });
    }

    /// Notes when two texts differ.
    pub fn same_text(&self, what: impl Display, want: &str, is: &str) {
        self.expect(want == is, || {
            format!("{what}:\n{}", crate::report::diff(want, is))
        });
    }

    /// Does one part of a scene, which may fail without ending the others.
    pub fn part(&self, what: &str, work: impl FnOnce() -> Res<()>) {
        let start = Instant::now();
        let before = self.wrong.borrow().len();
        let done = work();
        self.expect(done.is_ok(), || done.err().unwrap_or_default());
        let failed = self.wrong.borrow().len() > before;
        println!(
            "    {what}: {} ({:.1} s)",
            if failed { "FAILED" } else { "ok" },
            start.elapsed().as_secs_f64()
        );
    }

    /// The end of a scene: what was wrong.
    pub fn finish(self) -> Res<()> {
        for mut child in self.started.borrow_mut().drain(..) {
            let _ = child.kill();
            let _ = child.wait();
        }
        if let Some(dir) = &self.disk {
            let _ = fs::remove_dir_all(dir);
        }
        let wrong = self.wrong.borrow();
        let checks = self.checks.get();
        println!("    {checks} checks, {} wrong", wrong.len());
        match wrong.is_empty() && checks > 0 {
            true => Ok(()),
            false => Err(wrong.join("\n--\n")),
        }
    }

    /// Starts a shell line, as the user if told, that goes on; it is found again by `mark`.
    pub fn start(&self, mark: &str, as_user: bool, line: &str) -> Res<()> {
        let mut c = match as_user {
            true => self.user_command(line),
            false => self.command(line),
        };
        let log = self.outside(format!("/tmp/{mark}.log"));
        let out = fs::File::create(&log).during(log.display())?;
        let child = c.env(MARK, mark).stdout(out).spawn().during(line)?;
        self.started.borrow_mut().push(child);
        Ok(())
    }

    /// What a started line has said so far.
    pub fn log(&self, mark: &str) -> String {
        let log = self.outside(format!("/tmp/{mark}.log"));
        String::from_utf8_lossy(&fs::read(log).unwrap_or_default()).into_owned()
    }

    /// The processes of a started line, children included.
    pub fn processes(&self, mark: &str) -> Vec<u32> {
        let entry = format!("{MARK}={mark}");
        let Ok(all) = fs::read_dir("/proc") else {
            return Vec::new();
        };
        all.flatten()
            .filter_map(|e| e.file_name().to_str()?.parse().ok())
            .filter(|pid: &u32| {
                let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
                environment
                    .split(|b| *b == 0)
                    .any(|e| e == entry.as_bytes())
            })
            .collect()
    }

    /// Ends the processes of a started line.
    pub fn stop(&self, mark: &str) {
        for pid in self.processes(mark) {
            let pid = nix::unistd::Pid::from_raw(pid.cast_signed());
            let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL);
        }
        let deadline = Instant::now() + Duration::from_secs(5);
        while !self.processes(mark).is_empty() && Instant::now() < deadline {
            for child in self.started.borrow_mut().iter_mut() {
                let _ = child.try_wait();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until `ready`; that it never comes ends the scene.
    pub fn wait(&self, what: &str, mut ready: impl FnMut() -> bool) -> Res<()> {
        let deadline = Instant::now() + Duration::from_secs(60);
        while Instant::now() < deadline {
            if ready() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Err(format!("{what}: waited for a minute"))
    }

    /// What the processes of a started line have mapped under the file name `name`: the build ids.
    pub fn mapped(&self, mark: &str, name: &str) -> BTreeSet<String> {
        let mut ids = BTreeSet::new();
        for pid in self.processes(mark) {
            for (range, path) in maps(pid) {
                if path.rsplit('/').next() == Some(name) {
                    // Also a file of another mount namespace, or one that was removed.
                    let file = PathBuf::from(format!("/proc/{pid}/map_files/{range}"));
                    ids.insert(objects::build_id(&file).unwrap_or_else(|e| e));
                }
            }
        }
        ids
    }

    /// Every file that processes of a started line have mapped: those with a slash in their name.
    pub fn files_mapped(&self, mark: &str) -> BTreeSet<String> {
        self.processes(mark)
            .into_iter()
            .flat_map(maps)
            .map(|(_, path)| path)
            .filter(|path| path.starts_with('/'))
            .collect()
    }

    /// Waits until a started line is `ready`; that it ends before is an error, with what it said and mapped.
    pub fn wait_for(&self, mark: &str, what: &str, mut ready: impl FnMut() -> bool) -> Res<()> {
        let mut alone = 0;
        let mut done = false;
        let waited = self.wait(&format!("{mark} to {what}"), || {
            done = ready();
            alone = match self.processes(mark).is_empty() {
                true => alone + 1,
                false => 0,
            };
            // It may be seen a little late.
            done || alone > 20
        });
        if done {
            return Ok(());
        }
        let files: Vec<_> = self.files_mapped(mark).into_iter().collect();
        Err(format!(
            "{}\nsaid: {}\nmapped: {}",
            waited
                .err()
                .unwrap_or_else(|| format!("{mark} ended before it could {what}")),
            self.log(mark),
            files.join("\n        ")
        ))
    }

    /// Waits until a started line maps `name`, and holds the build ids against the wanted one.
    pub fn maps_only(&self, mark: &str, name: &str, wanted: &str) -> Res<()> {
        self.wait_for(mark, &format!("map {name}"), || {
            !self.mapped(mark, name).is_empty()
        })?;
        let wanted = BTreeSet::from([wanted.to_owned()]);
        self.same(
            format!("build id of {name} in {mark}"),
            &wanted,
            &self.mapped(mark, name),
        );
        Ok(())
    }

    /// Everything of the host that a view must not touch: `/usr`, dpkg's database, and what dpkg and apt say of it.
    pub fn host(&self) -> Res<String> {
        let text = self.must(
            "find /usr /var/lib/dpkg -xdev -type f -print0 | sort -z | xargs -0 md5sum
            find /usr /var/lib/dpkg -xdev ! -type f -printf '%p %y %#m %U %G %l\\n' | sort
            find /usr /var/lib/dpkg -xdev -type f -printf '%p %#m %U %G %n\\n' | sort
            dpkg --audit; apt-get -q check; dpkg -l; update-alternatives --get-selections
            ls -l /etc/alternatives",
        )?;
        Ok(text)
    }

    /// Checksums of all files below a directory.
    pub fn checksums(&self, dir: &str) -> Res<BTreeMap<String, String>> {
        let text = self.must(&format!(
            "find {dir} -type f -print0 | sort -z | xargs -r0 sha256sum"
        ))?;
        Ok(text
            .lines()
            .filter_map(|l| l.split_once("  "))
            .map(|(sum, path)| (path.to_owned(), sum.to_owned()))
            .collect())
    }
}

/// Starts a process that holds a mount namespace with the system as its root; the option for nsenter.
pub(crate) fn hold(root: &Path) -> Res<(Child, String)> {
    let mut child = command("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-ec"])
        .arg("cd \"$0\"; pivot_root . .; umount -l .; echo; exec sleep infinity")
        .arg(root)
        .env("PATH", PATH)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .during("unshare")?;
    let mut line = [0];
    let out = child.stdout.as_mut().ok_or("no pipe")?;
    out.read_exact(&mut line).during("pivot_root")?;
    let inside = format!("--mount=/proc/{}/ns/mnt", child.id());
    Ok((child, inside))
}

/// The mapped files of a process, with where they are in its memory.
fn maps(pid: u32) -> Vec<(String, String)> {
    let text = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default();
    text.lines()
        .filter_map(|line| {
            let range = line.split(' ').next()?;
            let path = line.splitn(6, ' ').nth(5)?.trim_start();
            let path = path.strip_suffix(" (deleted)").unwrap_or(path);
            path.contains('/').then(|| (short(range), path.to_owned()))
        })
        .collect()
}

/// The range as `map_files` names it, without leading zeros.
fn short(range: &str) -> String {
    let short = |n: &str| match n.trim_start_matches('0') {
        "" => "0".to_owned(),
        n => n.to_owned(),
    };
    match range.split_once('-') {
        Some((from, to)) => format!("{}-{}", short(from), short(to)),
        None => range.to_owned(),
    }
}

fn run(c: Command, line: &str) -> Res<Said> {
    let mut patient = command("timeout");
    patient
        .args(["-k", "5", &PATIENCE.to_string()])
        .arg(c.get_program())
        .args(c.get_args())
        .stdin(Stdio::null());
    for (name, value) in c.get_envs() {
        match value {
            Some(value) => patient.env(name, value),
            None => patient.env_remove(name),
        };
    }
    let out = patient.output().during(line)?;
    let mut text = String::from_utf8_lossy(&out.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&out.stderr));
    let code = out
        .status
        .code()
        .unwrap_or_else(|| 128 + out.status.signal().unwrap_or(0));
    Ok(Said { code, text })
}

fn succeeded(said: Said, line: &str) -> Res<String> {
    match said.code {
        0 => Ok(said.text),
        code => Err(format!("{line}: exit {code}\n{}", said.text)),
    }
}
