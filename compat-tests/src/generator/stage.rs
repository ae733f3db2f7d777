//! Runs scenarios in a sandbox, many in one process, each on a fresh root.
//!
//! The root is a directory on a tmpfs with nothing in it but the sandbox's `/usr` and programs
//! (mounted, and not looked at afterwards), an empty database, and what scripts need. A scenario
//! comes in as text with its length in front, and what was seen goes out in the same way, one text
//! per step.
//!
//! A scenario about a view happens in the root, as [`view`] says for ours, and [`chroot`] for stock.
//!
//! `COMPAT_STOCK_FOR` holds words, blank-separated: a command with one of them is run by stock's
//! program on both sides, which leaves the others to be compared.

use std::fs;
use std::io::{BufRead, Write};
use std::os::unix::fs::symlink;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use nix::mount::{MsFlags, mount};
use nix::sys::signal::{Signal, killpg};
use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use nix::unistd::Pid;

use super::build::{self, PROBE};
use super::spec::{Scenario, Step};
use super::{chroot, text, view};
use crate::deb::{TIME, stamp};
use crate::multi::system::our_plugin;
use crate::sandbox::{Who, bind, command, empty_database, enter_wholly};
use crate::snapshot::{Snapshot, normalise};
use crate::{During, Res};

/// Where `--root` points.
pub const ROOT: &str = "/t/g/root";
const DEBS: &str = "/t/g/root/t/debs";
const OUT: &str = "/t/g/root/t/out";

/// What of the root outlives a scenario.
const KEPT: [&str; 3] = ["usr", "t", "proc"];

/// How long one command may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// The time of what the administrator changes, which dpkg has to keep.
const EDITED: i64 = 1_500_000_000;

/// What is younger than this was made by the command under test.
pub const RECENT: i64 = 1_600_000_000;

/// What stands in place of the exit code of a command that had to be stopped.
const LATE: &str = "  exit by timeout\n";

/// What every maintainer script does first: it writes down its call, its environment, and what it
/// finds of the tree and of the journal of the database, of each package the last note, which shows
/// the order of effects.
const PROBE_TEXT: &str = r#"echo "running $me $1"
{
echo "call $me $*"
echo " env $DPKG_MAINTSCRIPT_PACKAGE:$DPKG_MAINTSCRIPT_ARCH $DPKG_MAINTSCRIPT_NAME x$DPKG_MAINTSCRIPT_PACKAGE_REFCOUNT root=$DPKG_ROOT admindir=$DPKG_ADMINDIR version=$DPKG_RUNNING_VERSION debug=$DPKG_MAINTSCRIPT_DEBUG colors=$DPKG_COLORS cwd=$PWD"
echo " force $DPKG_FORCE"
echo " tree" "$DPKG_ROOT"/srv/* "$DPKG_ROOT"/srv/*/* "$DPKG_ROOT"/etc/*/*
echo " info" "$DPKG_ADMINDIR"/info/*.* "$DPKG_ADMINDIR"/tmp.ci/* "$DPKG_ADMINDIR"/updates/[!0-9]*
for f in "$DPKG_ADMINDIR"/updates/[0-9]*; do
  [ -e "$f" ] || continue
  note=; of=
  while read -r l; do
    case "$l" in
    Package:*|Architecture:*) of="$of$l " ;;
    Status:*|Triggers-*|Config-Version:*) note="$note$l " ;;
    esac
  done <"$f"
  echo "${f##*/} $of: $note"
done | sort -r | {
  seen=
  while read -r f l; do
    case "$seen" in *"[${l%% : *}]"*) continue ;; esac
    seen="$seen[${l%% : *}]"
    echo " note $l"
  done
} | sort
} >>"$DPKG_ROOT/t/out/calls"
"#;

/// Enters a sandbox with `who`'s programs and runs what comes on standard input until it ends.
pub fn serve(release: &str, who: &str) -> Res<()> {
    let who = Who::parse(who).ok_or("not theirs or ours")?;
    let own = std::env::current_exe().during("own path")?;
    let mut extra = vec![(own, view::OURSELVES)];
    if let (Who::Ours, Ok(plugin)) = (who, our_plugin()) {
        extra.push((plugin, view::PLUGIN));
    }
    enter_wholly(release, who, &extra)?;
    fs::create_dir_all(ROOT).during(ROOT)?;
    // A view's context is made of mounts, of which the outermost is over the root's own.
    bind(ROOT, Path::new(ROOT), false)?;
    for d in [
        DEBS,
        OUT,
        "/t/g/root/usr",
        "/t/g/root/t/bin",
        "/t/g/root/proc",
    ] {
        fs::create_dir_all(d).during(d)?;
    }
    let usr = Path::new(ROOT).join("usr");
    bind("/usr", &usr, false)?;
    let flags = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
    mount(None::<&str>, &usr, None::<&str>, flags, None::<&str>).during("read-only /usr")?;
    bind("/t/bin", &Path::new(ROOT).join("t/bin"), true)?;
    bind("/proc", &Path::new(ROOT).join("proc"), true)?;
    let mut input = std::io::stdin().lock();
    while let Some(message) = receive(&mut input)? {
        let scenario = text::read(&message)?;
        let mut out = Vec::new();
        for seen in run(&scenario, who)? {
            send(&mut out, &seen)?;
        }
        send(&mut out, END)?;
        let mut stdout = std::io::stdout().lock();
        stdout.write_all(&out).during("answer")?;
        stdout.flush().during("answer")?;
    }
    Ok(())
}

/// What follows the last step.
pub const END: &str = "end of scenario";

/// Writes one message.
pub fn send(to: &mut impl Write, message: &str) -> Res<()> {
    write!(to, "{}\n{message}", message.len()).during("send")
}

/// Reads one message; nothing at the end.
pub fn receive(from: &mut impl BufRead) -> Res<Option<String>> {
    let mut head = String::new();
    if from.read_line(&mut head).during("receive")? == 0 {
        return Ok(None);
    }
    let length: usize = head.trim().parse().during(&head)?;
    let mut data = vec![0; length];
    from.read_exact(&mut data).during("receive")?;
    Ok(Some(String::from_utf8_lossy(&data).into_owned()))
}

/// Where a scenario happens.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// On the root, by options.
    Below,
    /// In it.
    Inside,
    /// In it, and compared with a view.
    Chroot,
    /// In it, on a view.
    View,
}

impl Place {
    fn of(s: &Scenario, who: Who) -> Place {
        match (s.view, s.inside, who) {
            (true, _, Who::Ours) => Place::View,
            (true, _, Who::Theirs) => Place::Chroot,
            (false, true, _) => Place::Inside,
            (false, false, _) => Place::Below,
        }
    }

    fn look(self) -> Res<Snapshot> {
        match self {
            Place::Below | Place::Inside => Ok(snapshot()),
            Place::Chroot => Ok(view::look(Path::new(ROOT))),
            Place::View => view::look_inside(),
        }
    }

    fn edit(self, step: &Step) -> Res<()> {
        match self {
            Place::View | Place::Chroot => view::edit(step, self == Place::View),
            _ => edit(step, Path::new(ROOT)),
        }
    }
}

fn run(s: &Scenario, who: Who) -> Res<Vec<String>> {
    let place = Place::of(s, who);
    prepare()?;
    match place {
        Place::Chroot => chroot::prepare()?,
        Place::View => view::prepare()?,
        _ => {}
    }
    for p in &s.packages {
        let path = Path::new(DEBS).join(p.file());
        fs::write(&path, build::deb(p)).during(path.display())?;
    }
    let mut promises = match place {
        Place::View => Some(view::Promises::begin(s.seed)?),
        _ => None,
    };
    let mut before = place.look()?;
    let mut seen = Vec::new();
    for step in &s.steps {
        if place == Place::Chroot {
            chroot::save()?;
        }
        let Acted { mut text, failed } = act(step, place)?;
        if text.ends_with(LATE) {
            // Where it was stopped is chance, and so is what follows.
            seen.push(text);
            break;
        }
        if failed && place == Place::Chroot {
            chroot::put_back()?;
        }
        let after = place.look()?;
        text.push_str(&after.changes(&before));
        if let Some(promises) = &mut promises {
            text.push_str(&promises.kept(failed, &before, &after)?);
        }
        before = after;
        seen.push(text);
    }
    Ok(seen)
}

/// Makes the root as it is before the first step.
fn prepare() -> Res<()> {
    let root = Path::new(ROOT);
    clear(root, &KEPT)?;
    clear(Path::new(DEBS), &[])?;
    for d in [
        "etc",
        "srv",
        "opt",
        "dev",
        "tmp",
        "once",
        "var/cache",
        "var/log",
    ] {
        fs::create_dir_all(root.join(d)).during(d)?;
    }
    for l in ["bin", "sbin", "lib", "lib64"] {
        symlink(format!("usr/{l}"), root.join(l)).during(l)?;
    }
    let null = root.join("dev/null");
    mknod(
        &null,
        SFlag::S_IFCHR,
        Mode::from_bits_truncate(0o666),
        makedev(1, 3),
    )
    .during("null")?;
    for (name, content) in [
        (PROBE, PROBE_TEXT),
        (
            "etc/passwd",
            "root:x:0:0::/:/bin/sh\nuser:x:7:8::/:/bin/sh\n",
        ),
        ("etc/group", "root:x:0:\ngroup:x:8:\n"),
    ] {
        fs::write(root.join(name.trim_start_matches('/')), content).during(name)?;
    }
    empty_database(&root.join("var/lib/dpkg"))?;
    settle(root)
}

/// Gives what was prepared an old time, so that what dpkg touches can be told from it.
fn settle(dir: &Path) -> Res<()> {
    for entry in fs::read_dir(dir).during(dir.display())?.flatten() {
        if KEPT.iter().any(|k| entry.file_name() == *k) {
            continue;
        }
        let path = entry.path();
        if entry.file_type().is_ok_and(|t| t.is_dir()) {
            settle(&path)?;
        } else {
            stamp(&path, TIME)?;
        }
    }
    stamp(dir, TIME)
}

/// Empties a directory, but for some names.
pub fn clear(dir: &Path, keep: &[&str]) -> Res<()> {
    for entry in fs::read_dir(dir).during(dir.display())?.flatten() {
        if keep.iter().any(|k| entry.file_name() == *k) {
            continue;
        }
        remove(&entry.path())?;
    }
    Ok(())
}

fn remove(path: &Path) -> Res<()> {
    match fs::symlink_metadata(path) {
        Ok(m) if m.is_dir() => fs::remove_dir_all(path).during(path.display()),
        Ok(_) => fs::remove_file(path).during(path.display()),
        Err(_) => Ok(()),
    }
}

fn snapshot() -> Snapshot {
    const NOT: [&str; 9] = [
        "usr", "t", "dev", "bin", "sbin", "lib", "lib64", "probe", "proc",
    ];
    let mut s = Snapshot::default();
    s.walk("", Path::new(ROOT), RECENT, &|p| NOT.contains(&p));
    s
}

/// What a step did.
struct Acted {
    text: String,
    /// Whether it is a command that did not end with 0.
    failed: bool,
}

fn act(step: &Step, place: Place) -> Res<Acted> {
    let (path, head) = match step {
        Step::Run { words, stdin } => return execute(words, stdin, place),
        other => edited(other).ok_or("not an edit")?,
    };
    place.edit(step)?;
    Ok(Acted {
        text: format!("$ {head} {path}\n"),
        failed: false,
    })
}

/// What an administrator's step is about, and its name.
fn edited(step: &Step) -> Option<(&str, &'static str)> {
    Some(match step {
        Step::Run { .. } => return None,
        Step::Write { path, .. } => (path, "write"),
        Step::Delete { path } => (path, "delete"),
        Step::Link { path, .. } => (path, "symlink"),
        Step::Mkdir { path } => (path, "mkdir"),
    })
}

/// Does what an administrator does below a root.
pub fn edit(step: &Step, root: &Path) -> Res<()> {
    let (path, head) = edited(step).ok_or("not an edit")?;
    let path = root.join(path.trim_start_matches('/'));
    // A step that has nothing to work on (its package was not installed) does nothing.
    let there = fs::symlink_metadata(&path).is_ok();
    let nowhere = path.parent().is_none_or(|p| !p.is_dir());
    if nowhere || (path.is_dir() && head == "write") || (there && head == "mkdir") {
        return Ok(());
    }
    if path.exists() && !path.is_file() && !path.is_dir() {
        // Writing to a pipe would wait for a reader.
        remove(&path)?;
    }
    match step {
        Step::Write { content, .. } => {
            match fs::write(&path, content) {
                // A link that leads nowhere.
                Err(_) if there && !path.exists() => return Ok(()),
                written => written.during(path.display())?,
            }
            stamp(&path, EDITED)?;
        }
        Step::Link { target, .. } => {
            remove(&path)?;
            symlink(target, &path).during(path.display())?;
            stamp(&path, EDITED)?;
        }
        Step::Mkdir { .. } => fs::create_dir(&path).during(path.display())?,
        _ => remove(&path)?,
    }
    Ok(())
}

fn execute(words: &[String], stdin: &str, place: Place) -> Res<Acted> {
    let (tool, arguments) = words.split_first().ok_or("empty command")?;
    let by_stock = std::env::var("COMPAT_STOCK_FOR").unwrap_or_default();
    let stock = |w: &String| by_stock.split(' ').any(|s| s == w);
    let program = if words.iter().any(stock) {
        format!("/usr/bin/{tool}")
    } else {
        tool.clone()
    };
    let file = |name: &str| -> PathBuf { Path::new(OUT).join(name) };
    for name in ["status", "log"] {
        fs::write(file(name), "").during(name)?;
    }
    fs::write(file("stdin"), stdin).during("stdin")?;
    // Not right below the root, which a view's scripts have a scratch over.
    let calls = file("calls");
    fs::write(&calls, "").during("calls")?;
    let inside = place != Place::Below;
    if place == Place::View {
        view::forget_log()?;
    }
    let (shell, below) = if inside {
        (["/usr/sbin/chroot", ROOT, "/bin/sh"].as_slice(), "")
    } else {
        (["/bin/sh"].as_slice(), ROOT)
    };
    let mut c = command(shell[0]);
    c.args(&shell[1..]).arg("-c").arg(format!(
        "cd {below}/t/debs; exec 9>>{below}/t/out/status; exec \"$@\""
    ));
    c.arg("sh");
    match place {
        Place::View => c.args(view::CALL),
        _ => c.arg(&program),
    };
    let alternatives = tool == "update-alternatives";
    let stray = alternatives && remove_stray_link(words)?;
    if alternatives && !inside {
        c.args(["--root", ROOT]);
    } else if !inside {
        c.arg(format!("--root={ROOT}"));
    }
    if tool == "dpkg" {
        c.arg("--status-fd=9");
        // A view's is its own.
        if place != Place::View {
            c.arg(format!("--log={below}/t/out/log"));
        }
    }
    let open = |name: &str| fs::File::create(file(name)).during(name);
    let child = c
        .args(arguments)
        .process_group(0)
        .stdin(Stdio::from(fs::File::open(file("stdin")).during("stdin")?))
        .stdout(Stdio::from(open("stdout")?))
        .stderr(Stdio::from(open("stderr")?))
        .spawn()
        .during(tool)?;
    let mut text = format!("$ {}\n", words.join(" "));
    if stray {
        text.push_str("  (after a stray link was removed)\n");
    }
    let Some(code) = wait(child)? else {
        text.push_str(LATE);
        return Ok(Acted { text, failed: true });
    };
    text.push_str(&format!("  exit {code}\n"));
    let log = match place {
        Place::View => view::log(),
        _ => file("log"),
    };
    let own = |line: &str| match place {
        Place::View => view::said(line),
        _ => Some(line.to_owned()),
    };
    for name in ["stdout", "stderr", "status"] {
        block(&mut text, name, &file(name), &own)?;
    }
    block(&mut text, "log", &log, &own)?;
    block(&mut text, "script", &calls, &own)?;
    Ok(Acted {
        text,
        failed: code != 0,
    })
}

/// Removes what a call of `--install` would find at the place of the link of a group that it is
/// about to make: stock decides about it by memory that it has freed.
fn remove_stray_link(words: &[String]) -> Res<bool> {
    let Some(at) = words.iter().position(|w| w == "--install") else {
        return Ok(false);
    };
    let Some(name) = words.get(at + 2).filter(|n| !n.is_empty()) else {
        return Ok(false);
    };
    let altdir = words.iter().position(|w| w == "--altdir");
    let altdir = altdir.and_then(|at| words.get(at + 1));
    let altdir = altdir.map_or("/etc/alternatives", String::as_str);
    let admin = format!("{ROOT}/var/lib/dpkg/alternatives/{name}");
    let link = Path::new(ROOT).join(format!("{}/{name}", altdir.trim_start_matches('/')));
    let known = fs::metadata(admin).is_ok_and(|m| m.len() > 0);
    if known || !link.is_symlink() {
        return Ok(false);
    }
    fs::remove_file(&link).during(link.display())?;
    Ok(true)
}

/// Adds what a file has, as far as `own` lets it.
fn block(
    text: &mut String,
    name: &str,
    file: &Path,
    own: &dyn Fn(&str) -> Option<String>,
) -> Res<()> {
    let data = fs::read(file).during(file.display())?;
    let data = match String::from_utf8(data) {
        Ok(s) => s,
        Err(e) => e.as_bytes().escape_ascii().to_string(),
    };
    for line in data.lines() {
        // The unpacker (and tar below it) is a process of its own in stock: when its words come,
        // and which before it is killed, is chance.
        if line.starts_with("dpkg-deb") || line.starts_with("tar: ") {
            continue;
        }
        if let Some(line) = own(line) {
            text.push_str(&format!("  {name}: {}\n", normalise(&line)));
        }
    }
    if !data.is_empty() && !data.ends_with('\n') {
        text.push_str(&format!("  {name}: \\ no newline at end\n"));
    }
    Ok(())
}

/// The exit code, 128 + signal, or nothing if it had to be stopped.
fn wait(mut child: Child) -> Res<Option<i32>> {
    let group = Pid::from_raw(i32::try_from(child.id()).during("pid")?);
    let (done, ended) = mpsc::channel::<()>();
    let guard = std::thread::spawn(move || {
        let late = ended.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout);
        if late {
            let _ = killpg(group, Signal::SIGKILL);
        }
        late
    });
    let status = child.wait().during("wait")?;
    drop(done);
    if guard.join().unwrap_or(false) {
        return Ok(None);
    }
    // A script that killed dpkg goes on without it, and may have more to say.
    let patience = Instant::now() + PATIENCE;
    while status.signal().is_some() && killpg(group, None).is_ok() && Instant::now() < patience {
        std::thread::sleep(Duration::from_millis(5));
    }
    let code = status.code();
    Ok(Some(
        code.unwrap_or_else(|| 128 + status.signal().unwrap_or(0)),
    ))
}
