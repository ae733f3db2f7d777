//! A private copy of a stock system for one run.
//!
//! The process moves into a mount namespace of its own, lays a tmpfs over the oracle with
//! overlayfs, and changes root into it. When the process ends the kernel drops it all: there is
//! nothing to clean up and two runs never meet. Inside:
//!
//! * `/`: the stock system, writable; what was changed is also seen at `/t/up/main`;
//! * `/t`: a tmpfs (so that hard links keep their inode) with the run's files;
//! * `/t/root`: a second copy of the system with an empty database, for `--root=/t/root`;
//!   its changes are at `/t/up/root`;
//! * `/t/bin`: the programs under test, first in `PATH`; also inside `/t/root`.

use std::ffi::OsStr;
use std::fs;
use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::stat::{Mode, SFlag, mknod};

use crate::{During, Res, catalogue, oracle};

/// Whose programs a run uses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Who {
    /// Stock dpkg's.
    Theirs,
    /// dpkg-ng's.
    Ours,
}

impl Who {
    /// `theirs` or `ours`.
    pub fn name(self) -> &'static str {
        match self {
            Who::Theirs => "theirs",
            Who::Ours => "ours",
        }
    }

    /// The reverse of [`Who::name`].
    pub fn parse(s: &str) -> Option<Who> {
        match s {
            "theirs" => Some(Who::Theirs),
            "ours" => Some(Who::Ours),
            _ => None,
        }
    }
}

/// All names under which stock dpkg's package brings a program that a case may call.
const TOOLS: [&str; 12] = [
    "dpkg",
    "dpkg-db-backup",
    "dpkg-deb",
    "dpkg-query",
    "dpkg-divert",
    "dpkg-statoverride",
    "dpkg-trigger",
    "dpkg-split",
    "dpkg-realpath",
    "dpkg-maintscript-helper",
    "update-alternatives",
    "start-stop-daemon",
];

/// The names that our binary answers to; stock's programs stand in for the others.
/// `DPKG_NG_TOOLS` (blank-separated) overrides.
pub fn our_tools(ours: &Path) -> Res<Vec<String>> {
    let names = match std::env::var("DPKG_NG_TOOLS") {
        Ok(names) => names,
        Err(_) => {
            let out = Command::new(ours)
                .arg("--tools")
                .output()
                .during(ours.display())?;
            String::from_utf8_lossy(&out.stdout).into_owned()
        }
    };
    Ok(names.split_whitespace().map(str::to_owned).collect())
}

/// Our binary: `DPKG_NG_BIN`, or the debug build beside the running program.
pub fn our_binary() -> Res<PathBuf> {
    if let Some(bin) = std::env::var_os("DPKG_NG_BIN") {
        return fs::canonicalize(&bin).during(Path::new(&bin).display());
    }
    let exe = std::env::current_exe().during("own path")?;
    exe.ancestors()
        .skip(1)
        .take(2)
        .map(|d| d.join("dpkg-ng"))
        .find(|p| p.is_file())
        .ok_or_else(|| "no dpkg-ng binary: cargo build -p dpkg-ng, or set DPKG_NG_BIN".into())
}

/// The variable with options, without dashes, that our dpkg has in a configuration file: to see that
/// nothing depends on one.
pub const OUR_OPTIONS: &str = "COMPAT_OUR_OPTIONS";

/// The environment every command in a sandbox starts from.
pub const ENV: [(&str, &str); 6] = [
    (
        "PATH",
        "/t/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    ),
    ("LC_ALL", "C.UTF-8"),
    ("TZ", "UTC0"),
    ("HOME", "/t/home"),
    ("TERM", "dumb"),
    ("DEBIAN_FRONTEND", "noninteractive"),
];

/// Moves this process, which must have no other threads, into a private copy of `release` with
/// `who`'s programs. `extra` are directories or files of the machine seen read-only in the sandbox.
pub fn enter(release: &str, who: Who, extra: &[(PathBuf, &str)]) -> Res<()> {
    enter_on(release, who, extra, None)
}

/// Like [`enter`]; what is changed of the system goes to `disk` (emptied before), for runs that do
/// not fit into memory. Nothing is flushed to that disk.
pub fn enter_on(
    release: &str,
    who: Who,
    extra: &[(PathBuf, &str)],
    disk: Option<&Path>,
) -> Res<()> {
    let merged = lay(release, who, extra, disk)?;
    nix::unistd::chroot(&merged).during("chroot")?;
    std::env::set_current_dir("/t/w").during("chdir")
}

/// Like [`enter`], but the copy becomes the root of the mount namespace, so that who comes back to one by setns(2), as
/// views do, is in it, too.
pub fn enter_wholly(release: &str, who: Who, extra: &[(PathBuf, &str)]) -> Res<()> {
    let merged = lay(release, who, extra, None)?;
    std::env::set_current_dir(&merged).during(merged.display())?;
    nix::unistd::pivot_root(".", ".").during("pivot_root")?;
    nix::mount::umount2(".", nix::mount::MntFlags::MNT_DETACH).during("umount")?;
    std::env::set_current_dir("/t/w").during("chdir")
}

/// Makes the copy, in a mount namespace of this process; gives where it is.
fn lay(release: &str, who: Who, extra: &[(PathBuf, &str)], disk: Option<&Path>) -> Res<PathBuf> {
    let lower = oracle::root(release);
    let layers = vec![oracle::locales(release), lower.clone()];
    let base = oracle::dir().join("mnt");
    let ours = match who {
        Who::Ours => Some(our_binary()?),
        Who::Theirs => None,
    };
    let our_names = match &ours {
        Some(ours) => our_tools(ours)?,
        None => Vec::new(),
    };
    unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWIPC)
        .during("unshare (are you root?)")?;
    mnt(
        None::<&str>,
        "/",
        None,
        MsFlags::MS_REC | MsFlags::MS_PRIVATE,
        None,
    )?;
    mnt(
        Some("tmpfs"),
        &base,
        Some("tmpfs"),
        MsFlags::empty(),
        Some("mode=755"),
    )?;
    let mut main = layers.clone();
    if let (Some(_), Ok(options)) = (&ours, std::env::var(OUR_OPTIONS)) {
        main.insert(0, configured(&base, &lower, &options)?);
    }
    let merged = base.join("merged");
    fs::create_dir(&merged).during("merged")?;
    let upper_base = disk.unwrap_or(&base);
    if let Some(disk) = disk {
        if disk.exists() {
            fs::remove_dir_all(disk).during(disk.display())?;
        }
        fs::create_dir_all(disk).during(disk.display())?;
    }
    overlay(&main, upper_base, "main", &merged, disk.is_some())?;
    let t = merged.join("t");
    for d in ["t", "proc", "dev", "sys"] {
        let _ = fs::create_dir(merged.join(d));
    }
    devices(&merged.join("dev"))?;
    proc(&merged.join("proc"))?;
    mnt(
        Some("tmpfs"),
        &t,
        Some("tmpfs"),
        MsFlags::empty(),
        Some("mode=755"),
    )?;
    for d in [
        "bin", "home", "w", "debs", "root", "up", "up/main", "up/root",
    ] {
        fs::create_dir(t.join(d)).during(d)?;
    }
    overlay(&layers, &base, "root", &t.join("root"), false)?;
    let bin = t.join("bin");
    if let Some(ours) = &ours {
        place(ours, &bin, our_names.iter().map(String::as_str))?;
    }
    for tool in TOOLS {
        if our_names.iter().any(|x| x == tool) {
            continue;
        }
        let dir = ["usr/bin", "usr/sbin", "usr/libexec/dpkg"]
            .into_iter()
            .find(|dir| lower.join(dir).join(tool).exists())
            .ok_or_else(|| format!("no stock {tool} in {release}"))?;
        symlink(Path::new("/").join(dir).join(tool), bin.join(tool)).during(tool)?;
    }
    for (from, to) in extra {
        let to = t.join(to);
        if from.is_dir() {
            fs::create_dir_all(&to).during(to.display())?;
        } else {
            fs::write(&to, "").during(to.display())?;
        }
        bind(from, &to, false)?;
    }
    empty_database(&t.join("root/var/lib/dpkg"))?;
    fs::create_dir_all(t.join("root/t/bin")).during("t/bin")?;
    bind(&bin, &t.join("root/t/bin"), true)?;
    bind(upper_base.join("main-upper"), &t.join("up/main"), false)?;
    bind(base.join("root-upper"), &t.join("up/root"), false)?;
    fs::write(merged.join("var/log/dpkg.log"), "").during("dpkg.log")?;
    Ok(merged)
}

/// A layer with these options for dpkg, whose directories are as old as those of `system`.
fn configured(base: &Path, system: &Path, options: &str) -> Res<PathBuf> {
    let layer = base.join("options");
    let parts = "etc/dpkg/dpkg.cfg.d";
    fs::create_dir_all(layer.join(parts)).during(parts)?;
    let lines = options.split_whitespace().map(|o| format!("{o}\n"));
    fs::write(layer.join(parts).join("compat"), lines.collect::<String>()).during("options")?;
    for dir in Path::new(parts).ancestors() {
        let time = fs::metadata(system.join(dir))
            .during(dir.display())?
            .mtime();
        crate::deb::stamp(&layer.join(dir), time)?;
    }
    Ok(layer)
}

/// Shows /proc at `to`, but no package may turn the machine's knobs.
pub fn proc(to: &Path) -> Res<()> {
    bind("/proc", to, true)?;
    let knobs = to.join("sys");
    bind("/proc/sys", &knobs, false)?;
    mnt(
        None::<&str>,
        &knobs,
        None,
        MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY,
        None,
    )
}

/// Puts our programs for these names into `bin`, as they are installed: a link to the tool's own where
/// there is one beside `ours`, else to that.
pub fn place<'a>(ours: &Path, bin: &Path, names: impl IntoIterator<Item = &'a str>) -> Res<()> {
    let show = |program: &Path, name: &str| {
        let to = bin.join(name);
        fs::write(&to, "").during(to.display())?;
        bind(program, &to, false)
    };
    show(ours, "dpkg-ng")?;
    fs::create_dir(bin.join("tools")).during("tools")?;
    for name in names {
        let alone = ours.with_file_name(name);
        let target = match alone.is_file() {
            true => format!("tools/{name}"),
            false => "dpkg-ng".to_owned(),
        };
        if alone.is_file() {
            show(&alone, &target)?;
        }
        symlink(target, bin.join(name)).during(name)?;
    }
    Ok(())
}

/// Makes the files debootstrap makes before the first package is there.
pub fn empty_database(admindir: &Path) -> Res<()> {
    if admindir.exists() {
        fs::remove_dir_all(admindir).during(admindir.display())?;
    }
    for d in ["info", "updates", "triggers", "parts"] {
        fs::create_dir_all(admindir.join(d)).during(d)?;
    }
    for f in ["status", "available"] {
        fs::write(admindir.join(f), "").during(f)?;
    }
    Ok(())
}

/// A command with the sandbox's environment and nothing of ours but the language.
///
/// `COMPAT_LANGUAGE` is a locale to run everything in, or `marked`, which shows every text that is
/// translated as such.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut c = Command::new(program);
    c.env_clear().envs(ENV);
    match std::env::var("COMPAT_LANGUAGE") {
        // In C.UTF-8 there are no other languages.
        Ok(marked) if marked == catalogue::LANGUAGE => {
            c.env("LC_ALL", "de_DE.UTF-8").env("LANGUAGE", marked)
        }
        Ok(locale) => c.env("LC_ALL", locale),
        Err(_) => &mut c,
    };
    c
}

/// A /dev of our own: packages may make and remove nodes there.
pub fn devices(dev: &Path) -> Res<()> {
    mnt(
        Some("tmpfs"),
        dev,
        Some("tmpfs"),
        MsFlags::empty(),
        Some("mode=755"),
    )?;
    for name in ["null", "zero", "full", "random", "urandom", "tty"] {
        let to = dev.join(name);
        let from = Path::new("/dev").join(name);
        let number = fs::metadata(&from).during(from.display())?.rdev();
        // Nodes of our own, for what is done to them must not reach the machine's.
        let mode = Mode::from_bits_truncate(0o666);
        match mknod(&to, SFlag::S_IFCHR, mode, number) {
            Ok(()) => fs::set_permissions(&to, Permissions::from_mode(0o666)).during(name)?,
            Err(_) => {
                fs::write(&to, "").during(to.display())?;
                bind(&from, &to, false)?;
            }
        }
    }
    for d in ["pts", "shm"] {
        fs::create_dir(dev.join(d)).during(d)?;
    }
    let options = "newinstance,ptmxmode=0666,mode=620,gid=5";
    mnt(
        Some("devpts"),
        dev.join("pts"),
        Some("devpts"),
        MsFlags::empty(),
        Some(options),
    )?;
    for (name, target) in [
        ("ptmx", "pts/ptmx"),
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
    ] {
        symlink(target, dev.join(name)).during(name)?;
    }
    Ok(())
}

/// Shows the directories `layers`, uppermost first, at `to`; what is changed of them goes to
/// `base/NAME-upper`. A `volatile` one is not flushed to disk.
pub fn overlay(layers: &[PathBuf], base: &Path, name: &str, to: &Path, volatile: bool) -> Res<()> {
    let upper = base.join(format!("{name}-upper"));
    let work = base.join(format!("{name}-work"));
    for d in [&upper, &work] {
        fs::create_dir(d).during(d.display())?;
    }
    let layers: Vec<_> = layers.iter().map(|l| l.display().to_string()).collect();
    let options = format!(
        "lowerdir={},upperdir={},workdir={}{}",
        layers.join(":"),
        upper.display(),
        work.display(),
        if volatile { ",volatile" } else { "" }
    );
    mnt(
        Some("overlay"),
        to,
        Some("overlay"),
        MsFlags::empty(),
        Some(&options),
    )
}

/// Makes `from` visible at `to`.
pub fn bind(from: impl AsRef<Path>, to: &Path, recursive: bool) -> Res<()> {
    let mut flags = MsFlags::MS_BIND;
    if recursive {
        flags |= MsFlags::MS_REC;
    }
    mnt(Some(from.as_ref().as_os_str()), to, None, flags, None)
}

/// mount(2), with an error that says where.
pub fn mnt<S: AsRef<OsStr> + ?Sized>(
    source: Option<&S>,
    to: impl AsRef<Path>,
    kind: Option<&str>,
    flags: MsFlags,
    data: Option<&str>,
) -> Res<()> {
    mount(source.map(AsRef::as_ref), to.as_ref(), kind, flags, data)
        .during(format!("mount {}", to.as_ref().display()))
}
