//! A private copy of a stock system, as the root of a mount namespace: the chroot, or the host of the view.
//!
//! What is changed of it is in a directory of its own, which says at once what of the host a command touched. In
//! the system, beside what the release has:
//!
//! * `/debs/lists/SUITES`: apt's lists, of which one is shown at `/var/lib/apt/lists`, read only;
//! * `/debs/files`: the package files of the scenario; `/debs/made`: those the harness makes;
//! * `/var/cache/apt/archives`: what was fetched for any scenario, by hard links;
//! * on the view's side dpkg-ng with its plugin, and `/var/sys`, on the disk of the cache.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::mount::MsFlags;

use super::archive;
use super::scenario::{MADE, Scenario, Suites};
use super::side;
use crate::multi::system::{hold, our_plugin};
use crate::sandbox::{bind, command, devices, mnt, our_binary, overlay};
use crate::{During, Res, oracle};

/// How long one command may take, in seconds.
const PATIENCE: u32 = 900;
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// How apt behaves on both sides.
const APT: &str = "APT::Get::Assume-Yes \"true\";
APT::Install-Recommends \"false\";
APT::Sandbox::User \"root\";
Acquire::Languages \"none\";
Acquire::Retries \"3\";
Dpkg::Use-Pty \"0\";
quiet \"1\";
";

/// The system.
pub struct Machine {
    dir: PathBuf,
    root: PathBuf,
    inside: String,
    holder: Child,
}

/// What a command said, both outputs in one, and how it ended: 128 and the signal, if by one.
pub struct Said {
    /// The exit code.
    pub code: i32,
    /// What it said.
    pub text: String,
}

/// One word for a shell.
pub fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

impl Machine {
    /// Makes the system in `dir`, in the namespaces that this process was started in; if `again`, with what is there.
    pub fn enter(scenario: &Scenario, dir: &Path, with_view: bool, again: bool) -> Res<Machine> {
        let base = oracle::dir().join("mnt");
        mnt(
            Some("tmpfs"),
            &base,
            Some("tmpfs"),
            MsFlags::empty(),
            Some("mode=755"),
        )?;
        let root = base.join("merged");
        fs::create_dir(&root).during("merged")?;
        if !again && dir.exists() {
            fs::remove_dir_all(dir).during(dir.display())?;
        }
        fs::create_dir_all(dir).during(dir.display())?;
        let layer = match again {
            // What was there is seen, and stays as it is.
            true => dir.join("look"),
            false => dir.to_owned(),
        };
        let mut layers = vec![oracle::root(scenario.release)];
        if again {
            layers.insert(0, dir.join("main-upper"));
            let _ = fs::remove_dir_all(&layer);
            fs::create_dir_all(&layer).during(layer.display())?;
        }
        overlay(&layers, &layer, "main", &root, true)?;
        devices(&root.join("dev"))?;
        mnt(
            Some("proc"),
            root.join("proc"),
            Some("proc"),
            MsFlags::empty(),
            None,
        )?;
        // No package may turn the machine's knobs.
        let knobs = root.join("proc/sys");
        bind(&knobs, &knobs, false)?;
        read_only(&knobs)?;
        let show = |from: PathBuf, to: &str| -> Res<()> {
            let to = root.join(to);
            for d in [&from, &to] {
                fs::create_dir_all(d).during(d.display())?;
            }
            bind(from, &to, false)
        };
        let archives = dir.join("archives");
        archive::lend(&archives)?;
        show(archives, "var/cache/apt/archives")?;
        show(archive::lists_dir(), "debs/lists")?;
        show(archive::files_dir(scenario.name), "debs/files")?;
        show(archive::made_dir(), "debs/made")?;
        if with_view {
            show(dir.join("var-sys"), "var/sys")?;
            show(dir.join("home"), side::HOME.trim_start_matches('/'))?;
        }
        let machine = |holder, inside| Machine {
            dir: dir.to_owned(),
            root: root.clone(),
            inside,
            holder,
        };
        if again {
            let (holder, inside) = hold(&root)?;
            let machine = machine(holder, inside);
            machine.sources(scenario.suites)?;
            return Ok(machine);
        }
        for file in ["etc/resolv.conf", "etc/hosts"] {
            fs::copy(Path::new("/").join(file), root.join(file)).during(file)?;
        }
        fs::write(root.join("etc/apt/apt.conf.d/90compat"), APT).during("90compat")?;
        if with_view {
            let plugins = "usr/lib/dpkg-ng/plugins";
            fs::create_dir_all(root.join(plugins)).during(plugins)?;
            for (from, to, mode) in [
                (our_binary()?, "usr/bin/dpkg-ng".to_owned(), 0o755),
                (our_plugin()?, format!("{plugins}/multi-version.so"), 0o644),
            ] {
                let to = root.join(to);
                fs::copy(&from, &to).during(to.display())?;
                fs::set_permissions(&to, fs::Permissions::from_mode(mode)).during(to.display())?;
            }
        }
        let (holder, inside) = hold(&root)?;
        let machine = machine(holder, inside);
        machine.must(
            "hostname compat; echo compat >/etc/hostname; echo 127.0.1.1 compat >>/etc/hosts",
        )?;
        machine.sources(scenario.suites)?;
        // What apt and dpkg make on the way is there before anything is compared.
        machine.must("ldconfig; dpkg --audit; apt-get -q check; apt-mark showauto")?;
        Ok(machine)
    }

    /// Shows apt other suites.
    pub fn sources(&self, suites: Suites) -> Res<()> {
        let text = archive::sources(suites)?;
        let file = self.root.join("etc/apt/sources.list");
        fs::write(&file, text).during(file.display())?;
        if suites == MADE {
            return self.must("apt-get -q update").map(drop);
        }
        self.must(&format!(
            "umount /var/lib/apt/lists 2>/dev/null || :
            mount --bind /debs/lists/{key} /var/lib/apt/lists
            mount -o remount,bind,ro /var/lib/apt/lists",
            key = archive::key(suites)
        ))?;
        Ok(())
    }

    /// Runs a shell line of the system's administrator.
    pub fn sh(&self, line: &str) -> Res<Said> {
        self.run(line, false)
    }

    /// Runs it in a network of its own, where only `lo` is.
    pub fn sh_alone(&self, line: &str) -> Res<Said> {
        self.run(line, true)
    }

    /// Runs a shell line; that it fails is an error.
    pub fn must(&self, line: &str) -> Res<String> {
        let said = self.sh(line)?;
        match said.code {
            0 => Ok(said.text),
            code => Err(format!("{line}: exit {code}\n{}", said.text)),
        }
    }

    fn run(&self, line: &str, alone: bool) -> Res<Said> {
        let enter = format!(
            "exec timeout -k 5 {PATIENCE} nsenter {} sh -c 'umask 022; cd /; exec sh -c \"$1\"' sh \"$1\"",
            self.inside
        );
        let mut c = match alone {
            true => {
                let mut c = command("unshare");
                c.args(["--net", "sh", "-c"]);
                c.arg(format!("ip link set lo up; {enter}"));
                c
            }
            false => {
                let mut c = command("sh");
                c.args(["-c", &enter]);
                c
            }
        };
        // A file, not a pipe: a daemon that a script left behind would keep a pipe open.
        let to = self.dir.join("said");
        let out = fs::File::create(&to).during(to.display())?;
        let err = out.try_clone().during(to.display())?;
        let status = c
            .args(["sh", line])
            .env("PATH", PATH)
            .env("HOME", "/root")
            // emacs-install goes by the order of a hash of perl's, which else is another each time.
            .env("PERL_HASH_SEED", "0")
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .status()
            .during(line)?;
        let text = fs::read(&to).during(to.display())?;
        Ok(Said {
            code: status
                .code()
                .unwrap_or_else(|| 128 + status.signal().unwrap_or(0)),
            text: String::from_utf8_lossy(&text).into_owned(),
        })
    }

    /// A shell in the system, for a look.
    pub fn shell(&self) -> Res<()> {
        Command::new("nsenter")
            .arg(&self.inside)
            .args(["bash", "-i"])
            .status()
            .during("bash")?;
        Ok(())
    }

    /// Starts a shell line, made with the words that end it, which waits when it has spoken: its view of the file system is what is
    /// looked at. Gives also what it said.
    pub fn look_through(&self, line: impl FnOnce(&str) -> String) -> Res<(Window, String)> {
        const MARK: &str = "looked at by ";
        let line = line(&format!("echo {MARK}$$; exec cat"));
        let mut child = command("nsenter")
            .arg(&self.inside)
            .args(["sh", "-c", &format!("cd /; {line}")])
            .env("PATH", PATH)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .during(&line)?;
        let out = child.stdout.take().ok_or("no pipe")?;
        let mut said = String::new();
        for text in BufReader::new(out).lines() {
            let text = text.during(&line)?;
            if let Some(Ok(pid)) = text.strip_prefix(MARK).map(str::parse) {
                return Ok((Window { child, pid }, said));
            }
            said.push_str(&text);
            said.push('\n');
        }
        let out = child.wait_with_output().during(&line)?;
        let err = String::from_utf8_lossy(&out.stderr);
        Err(format!("{line}: {said}{err}"))
    }

    /// Where the system is, seen from outside.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What was changed of the system.
    pub fn changed(&self) -> PathBuf {
        self.dir.join("main-upper")
    }

    /// Ends what is running; what was fetched is kept for others.
    pub fn leave(mut self) -> Res<()> {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
        archive::take_back(&self.dir.join("archives"))
    }
}

/// A process whose file system is looked at, until it is dropped.
pub struct Window {
    child: Child,
    pid: u32,
}

impl Window {
    /// The root of what it sees.
    pub fn root(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root", self.pid))
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read_only(at: &Path) -> Res<()> {
    mnt(
        None::<&str>,
        at,
        None,
        MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY,
        None,
    )
}
