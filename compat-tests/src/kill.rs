//! Kills our `dpkg` before each system call that changes something, and shows that the state it
//! leaves is one to go on from.
//!
//! A scenario is a system prepared by stock and one command. The command runs once undisturbed by
//! stock: the tree and database it leaves are what every recovery must arrive at. Then ours runs
//! under `strace`, which sends it `SIGKILL` at the n-th call of a kind, for every kind and n (or a
//! sample of them). From each such wreck four ways lead on, each on a copy: `--configure -a` and the
//! same command again, or the command first and, if that alone does not suffice (triggers are
//! pending, or a dependency was left half configured), `--configure -a` after it; by ours and by stock.
//!
//! Three windows are told apart because dpkg's order of effects has them. A package without conffiles and
//! postrm that is being removed is for a moment in the state `config-files` before it is gone: killed
//! there, it takes `--purge` to finish (our packages have a postrm). A package that disappears loses
//! its files in `info/` after its status says so (with stock before that, and killed there it stays,
//! without files): what is left of them the next run of ours removes, and stock leaves. A new
//! conffile is renamed into place before its hash is noted: killed there, the old hash stays, and the
//! next upgrade asks where it need not.
//!
//! In the scenario `helper` dpkg-maintscript-helper is killed, too, in each of its calls, and dpkg goes
//! on from there.
//!
//! Only dpkg's own process dies: a script that was running ends by itself, as it would when the
//! kernel or an administrator kills dpkg.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::deb::{Deb, Kind, deb};
use crate::report::{Totals, diff};
use crate::sandbox::{OUR_OPTIONS, Who, command, empty_database, enter};
use crate::snapshot::{Snapshot, now};
use crate::{During, Res};

/// The system calls before which a kill can make a difference to what is on disk, or to what runs.
const CALLS: &str = "rename,renameat,renameat2,unlink,unlinkat,rmdir,link,linkat,symlink,symlinkat,\
mkdir,mkdirat,mknod,mknodat,openat,openat2,creat,fsync,fdatasync,sync_file_range,chmod,fchmod,\
fchmodat,chown,lchown,fchown,fchownat,utimensat,ftruncate,fallocate,write,pwrite64,copy_file_range,\
wait4,waitid,clone,clone3,vfork";

pub(crate) const START: &str = "/t/k/start";
pub(crate) const WRECK: &str = "/t/k/wreck";
/// Where every run happens, so that paths in messages and scripts are always the same.
pub(crate) const RUN: &str = "/t/k/run";

/// How many points of each scenario a quick run takes.
const SAMPLE: usize = 14;

pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// Prepares the system: shell lines in which `$D` is stock's dpkg on it.
    before: Vec<String>,
    /// Options and arguments of the dpkg that is killed; another tool's begin with its name.
    pub(crate) command: String,
}

/// The names of all scenarios.
pub const NAMES: [&str; 14] = [
    "install",
    "upgrade",
    "upgrade-keep",
    "configure",
    "remove",
    "purge",
    "takeover",
    "selections",
    "divert",
    "undivert",
    "statoverride",
    "alternatives",
    "unalternatives",
    "helper",
];

fn build(d: &Deb) -> Res<String> {
    d.build(Path::new("/t/debs"))
}

fn main_package(version: &str) -> Deb {
    let divert = "dpkg-divert --package pk --add --rename --divert /opt/base.real /opt/base";
    let mut d = deb("pk", version)
        .field("Depends", "base")
        .dir("/opt/pk")
        .file("/opt/pk/same", "same in all versions\n")
        .file("/opt/pk/text", &format!("text of {version}\n"))
        .entry("/opt/pk/hard", Kind::Hard("/opt/pk/text".into()))
        .link("/opt/pk/link", &format!("to-{version}"))
        .file(&format!("/opt/pk/only-{version}"), "x")
        .file(&format!("/opt/pk/d{version}/deep/file"), "y")
        .file("/opt/watched/pk", version)
        .file("/opt/base", "pk's base\n")
        .conffile("/etc/pk/changed", &format!("changed in {version}\n"))
        .conffile("/etc/pk/edited", &format!("edited, {version}\n"))
        .conffile("/etc/pk/steady", "steady\n")
        .script("preinst", &format!("{divert} >/dev/null"))
        .script("postinst", "echo done >\"$DPKG_ROOT/opt/by-postinst\"")
        .script("prerm", "rm -f \"$DPKG_ROOT/opt/by-postinst\"")
        .script(
            "postrm",
            "[ \"$1\" != remove ] || dpkg-divert --package pk --remove --rename /opt/base >/dev/null",
        );
    if version == "1" {
        d = d.conffile("/etc/pk/dropped", "dropped\n");
    }
    d
}

/// A package whose second version calls each command of dpkg-maintscript-helper in all its scripts.
fn helped(version: &str) -> Deb {
    let d = deb("hp", version).dir("/opt/hp").dir("/opt/hp/target");
    if version == "1" {
        return d
            .conffile("/etc/hp/gone", "gone\n")
            .conffile("/etc/hp/gone-edited", "gone\n")
            .conffile("/etc/hp/old", "moves\n")
            .link("/opt/hp/link", "target")
            .dir("/opt/hp/dir")
            .file("/opt/hp/dir/file", "file\n");
    }
    let calls = [
        "rm_conffile /etc/hp/gone 2~",
        "rm_conffile /etc/hp/gone-edited 2~",
        "mv_conffile /etc/hp/old /etc/hp/new 2~",
        "symlink_to_dir /opt/hp/link target 2~",
        "dir_to_symlink /opt/hp/dir target 2~",
    ];
    let call = |call: &&str| format!("dpkg-maintscript-helper {call} hp -- \"$@\"\n");
    let calls: String = std::iter::once("set -e\n".to_owned())
        .chain(calls.iter().map(call))
        .collect();
    let scripts = ["preinst", "postinst", "prerm", "postrm"];
    let d = scripts.iter().fold(d, |d, script| d.script(script, &calls));
    d.conffile("/etc/hp/new", "moves\n")
        .dir("/opt/hp/link")
        .file("/opt/hp/link/file", "in a directory\n")
        .file("/opt/hp/target/file", "new file\n")
}

impl Scenario {
    /// The command's options on conffiles, which recovery has to be given too.
    pub(crate) fn forced(&self) -> &'static str {
        if self.command.contains("confnew") {
            "--force-confnew"
        } else {
            "--force-confold"
        }
    }

    pub(crate) fn make(name: &'static str) -> Res<Scenario> {
        let base = build(
            &deb("base", "1")
                .file("/opt/base", "base's own\n")
                .file("/opt/base-too", "base's own\n")
                .control(
                    "triggers",
                    "interest-noawait /opt/watched\ninterest named\n",
                )
                .script(
                    "postinst",
                    "cat \"$DPKG_ROOT\"/opt/watched/* >\"$DPKG_ROOT/opt/by-trigger\" 2>/dev/null || :",
                )
                .script("postrm", "rm -f \"$DPKG_ROOT/opt/by-trigger\""),
        )?;
        let one = build(&main_package("1"))?;
        let two = build(&main_package("2"))?;
        let other = build(
            &deb("zz", "1")
                .field("Depends", "pk")
                .file("/opt/zz", "zz")
                .script("postrm", ":")
                .control("triggers", "activate named\n"),
        )?;
        let edit = "echo mine >$R/etc/pk/edited".to_owned();
        let installed = vec![format!("$D -i {base}"), format!("$D -i {one} {other}")];
        let (before, command) = match name {
            "install" => (vec![format!("$D -i {base}")], format!("-i {one} {other}")),
            "upgrade" => (
                [installed, vec![edit]].concat(),
                format!("--force-confnew -i {two} {other}"),
            ),
            "upgrade-keep" => (
                [installed, vec![edit]].concat(),
                format!("--force-confold -i {two}"),
            ),
            "configure" => (
                vec![
                    format!("$D -i {base} {one}"),
                    edit,
                    format!("$D --no-triggers --unpack {two} {other}"),
                ],
                "--force-confnew --configure -a".into(),
            ),
            "remove" => (installed, "-r zz pk".into()),
            "purge" => (
                [installed, vec![edit]].concat(),
                "--purge zz pk base".into(),
            ),
            "takeover" => {
                // All of one package's files go to another, so that it disappears; a directory
                // becomes a link, and a package in the way is removed.
                let old = build(
                    &deb("old", "1")
                        .file("/opt/t/a", "old a")
                        .file("/opt/t/b", "old b"),
                )?;
                let foe = build(
                    &deb("foe", "1")
                        .file("/opt/foe", "foe")
                        .script("postrm", ":"),
                )?;
                let new = build(
                    &deb("new", "1")
                        .field("Replaces", "old, foe")
                        .field("Conflicts", "foe")
                        .file("/opt/t/a", "new a")
                        .file("/opt/t/b", "new b"),
                )?;
                (
                    vec![format!("$D -i {old} {foe}")],
                    format!("-B --auto-deconfigure -i {new}"),
                )
            }
            "selections" => (installed, "--clear-selections".into()),
            "divert" => (
                installed,
                "dpkg-divert --quiet --local --rename --divert /opt/zz.mine --add /opt/zz".into(),
            ),
            "undivert" => (
                [
                    installed,
                    vec![
                        "/usr/bin/dpkg-divert --root=$R --quiet --local --rename --divert /opt/zz.mine --add /opt/zz"
                            .to_owned(),
                    ],
                ]
                .concat(),
                "dpkg-divert --quiet --local --rename --remove /opt/zz".into(),
            ),
            "statoverride" => (
                installed,
                "dpkg-statoverride --quiet --force-statoverride-add --update --add '#0' '#0' 0640 /opt/zz"
                    .into(),
            ),
            "alternatives" => (
                vec![format!("$D -i {base}"), alternative("/opt/base", 5)],
                alternative("/opt/base-too", 9),
            ),
            "unalternatives" => (
                vec![
                    format!("$D -i {base}"),
                    alternative("/opt/base", 5),
                    alternative("/opt/base-too", 9),
                ],
                "update-alternatives --quiet --remove way /opt/base-too".into(),
            ),
            "helper" => {
                let (one, two) = (build(&helped("1"))?, build(&helped("2"))?);
                // An edited one that is moved is not the same after an undisturbed second run.
                let edit = "echo mine >$R/etc/hp/gone-edited";
                (
                    vec![format!("$D -i {base}"), format!("$D -i {one}"), edit.into()],
                    format!("--force-confold -i {two}"),
                )
            }
            _ => return Err(format!("no scenario {name}")),
        };
        let before = before
            .into_iter()
            .map(|line: String| {
                line.replace(
                    "update-alternatives ",
                    "/usr/bin/update-alternatives --root $R ",
                )
            })
            .collect();
        Ok(Scenario {
            name,
            before,
            command,
        })
    }
}

/// Has update-alternatives take a file of the package `base`.
fn alternative(path: &str, priority: u32) -> String {
    format!(
        "update-alternatives --quiet --install /opt/way way {path} {priority} \
         --slave /opt/way.1 way.1 {path}"
    )
}

/// What an undisturbed run begins and ends with.
pub(crate) struct Undisturbed {
    /// The state before it.
    pub(crate) start: String,
    /// The state after it.
    pub(crate) end: String,
    /// What it has written to alternatives.log.
    pub(crate) log: String,
}

/// Prepares the system that the sandbox's run begins with, and gives what an undisturbed run of
/// stock makes of it; ours must end there too.
pub(crate) fn prepare(s: &Scenario, since: i64) -> Res<Undisturbed> {
    empty_database(&Path::new(RUN).join("var/lib/dpkg"))?;
    for line in &s.before {
        let (code, said) = shell(line)?;
        if code != 0 {
            return Err(format!("{line}: exit {code}\n{said}"));
        }
    }
    copy(RUN, START)?;
    let start = state(since);
    let (mut end, mut log) = (String::new(), String::new());
    for who in [Who::Theirs, Who::Ours] {
        copy(START, RUN)?;
        let (code, said) = dpkg("", who, &s.command)?;
        if code != 0 {
            return Err(format!("{}, undisturbed: exit {code}\n{said}", who.name()));
        }
        let (state, said) = (state(since), logged()?);
        if who == Who::Theirs {
            (end, log) = (state, said);
        } else if end != state || log != said {
            let differ = [diff(&end, &state), diff(&log, &said)].concat();
            return Err(format!("undisturbed runs differ:\n{differ}"));
        }
    }
    Ok(Undisturbed { start, end, log })
}

const ALTERNATIVES_LOG: &str = "var/log/alternatives.log";

/// The lines of alternatives.log, without their times. It is not part of the state: whoever goes on
/// after a kill says so there.
pub(crate) fn logged() -> Res<String> {
    let path = Path::new(RUN).join(ALTERNATIVES_LOG);
    let log = match fs::read_to_string(&path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(String::new()),
        log => log.during(path.display())?,
    };
    let timeless = |line: &str| line.splitn(4, ' ').nth(3).unwrap_or(line).to_owned() + "\n";
    Ok(log.lines().map(timeless).collect())
}

/// A dpkg (or another tool) on the run's root: its exit code (128 + signal) and all it said.
pub(crate) fn dpkg(wrapper: &str, who: Who, args: &str) -> Res<(i32, String)> {
    let bin = match who {
        Who::Ours => "/t/bin",
        Who::Theirs => "/usr/bin",
    };
    if let Some((tool, args)) = args.split_once(' ').filter(|_| !args.starts_with('-')) {
        return shell(&format!("exec {wrapper} {bin}/{tool} --root {RUN} {args}"));
    }
    let program = format!("{bin}/dpkg");
    let options = std::env::var(OUR_OPTIONS).ok().filter(|_| who == Who::Ours);
    let options = options.unwrap_or_default();
    let options = options.split_whitespace().map(|o| format!("--{o} "));
    let options: String = options.collect();
    shell(&format!(
        "exec {wrapper} {program} --root={RUN} --force-script-chrootless --log=/dev/null {options}{args}"
    ))
}

pub(crate) fn shell(line: &str) -> Res<(i32, String)> {
    let out = command("timeout")
        .args(["--foreground", "-k", "5", "60", "sh", "-c"])
        .arg(format!("umask 022; exec 2>&1; {line}"))
        .env("R", RUN)
        .env(
            "D",
            format!("/usr/bin/dpkg --root={RUN} --force-script-chrootless --log=/dev/null"),
        )
        .stdin(Stdio::null())
        // A script that outlives dpkg holds this pipe: we return when it has ended.
        .output()
        .during(line)?;
    let code = out
        .status
        .code()
        .unwrap_or_else(|| 128 + out.status.signal().unwrap_or(0));
    Ok((code, String::from_utf8_lossy(&out.stdout).into_owned()))
}

pub(crate) fn copy(from: &str, to: &str) -> Res<()> {
    if Path::new(to).exists() {
        fs::remove_dir_all(to).during(to)?;
    }
    let done = Command::new("cp")
        .args(["-a", from, to])
        .status()
        .during("cp")?;
    done.success()
        .then_some(())
        .ok_or_else(|| format!("cp {from} {to}"))
}

/// The state that has to be the same: all but the backups, whose age differs by design, and
/// alternatives.log.
pub(crate) fn state(since: i64) -> String {
    let mut s = Snapshot::default();
    s.walk("", Path::new(RUN), since, &|p| {
        p == ALTERNATIVES_LOG || (p.starts_with("var/lib/dpkg/") && p.ends_with("-old"))
    });
    s.entries
        .iter()
        .map(|(path, what)| format!("{path} {what}\n"))
        .collect()
}

/// Whether all that is wrong at the end is hashes of conffiles that are those from before.
fn hash_not_noted(whole: &str, start: &str, end: &str) -> bool {
    let wrong: Vec<&str> = end
        .lines()
        .filter(|l| !whole.lines().any(|w| w == *l))
        .collect();
    let lines = |text: &str| text.lines().count();
    lines(whole) == lines(end)
        && !wrong.is_empty()
        && wrong.iter().all(|l| {
            let old = l.ends_with(" newconffile") || start.lines().any(|s| s == *l);
            l.starts_with("    |  /etc/") && old
        })
}

/// Whether the package `old` is between losing its status and its file list.
fn disappearing() -> Res<bool> {
    if !Path::new(RUN).join("var/lib/dpkg/info/old.list").exists() {
        return Ok(false);
    }
    let (code, _) = shell(&format!("/usr/bin/dpkg-query --root={RUN} -s old"))?;
    Ok(code != 0)
}

/// The points of the scenario at which to kill: a call and which one of its kind.
fn points(s: &Scenario) -> Res<Vec<(String, usize)>> {
    copy(START, RUN)?;
    let (code, said) = dpkg(
        &format!("strace -o /t/k/trace -e signal=none -e trace={CALLS}"),
        Who::Ours,
        &s.command,
    )?;
    if code != 0 {
        return Err(format!("{}: exit {code} under strace:\n{said}", s.name));
    }
    Ok(changing(&fs::read("/t/k/trace").during("trace")?))
}

/// The calls of a trace that change something, each with its number among those of its kind.
fn changing(trace: &[u8]) -> Vec<(String, usize)> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut points = Vec::new();
    for line in String::from_utf8_lossy(trace).lines() {
        let Some((call, args)) = line.split_once('(') else {
            continue;
        };
        let n = seen.entry(call.to_owned()).or_default();
        *n += 1;
        // Reading changes nothing, and writing to standard output nothing on disk.
        let harmless = (call.starts_with("open") && args.contains("O_RDONLY"))
            || (call == "write" && (args.starts_with("1,") || args.starts_with("2,")));
        if !harmless {
            points.push((call.to_owned(), *n));
        }
    }
    points
}

/// A program in the way of dpkg-maintscript-helper that runs the call of number `$HELPER_AT` of a run
/// of dpkg under strace.
const WRAPPED: &str = "#!/bin/sh
n=$(($(cat /t/k/calls) + 1))
echo $n >/t/k/calls
[ $n = \"$HELPER_AT\" ] || exec /t/bin/dpkg-maintscript-helper \"$@\"
exec strace -o /t/k/trace -e signal=none $HELPER_STRACE /t/bin/dpkg-maintscript-helper \"$@\"
";

/// How often dpkg-maintscript-helper was called in the latest run of [`wrapped`].
pub(crate) fn helper_calls() -> Res<usize> {
    let calls = fs::read_to_string("/t/k/calls").during("/t/k/calls")?;
    calls.trim().parse().map_err(|e| format!("{calls}: {e}"))
}

/// The command of a scenario with the call of number `at` of dpkg-maintscript-helper under strace.
pub(crate) fn wrapped(s: &Scenario, at: usize, strace: &str) -> Res<(i32, String)> {
    let (dir, program) = ("/t/k/wrap", "/t/k/wrap/dpkg-maintscript-helper");
    fs::create_dir_all(dir).during(dir)?;
    fs::write(program, WRAPPED).during(program)?;
    fs::set_permissions(program, fs::Permissions::from_mode(0o755)).during(program)?;
    fs::write("/t/k/calls", "0").during("/t/k/calls")?;
    let env = format!("env PATH={dir}:$PATH HELPER_AT={at} HELPER_STRACE='{strace}'");
    dpkg(&env, Who::Ours, &s.command)
}

/// Kills dpkg-maintscript-helper, at each of its calls (or a sample) that changes something, and runs
/// the same command again: how many kills, and how many did not arrive.
fn kill_the_helper(s: &Scenario, whole: &str, since: i64, extent: &str) -> Res<(usize, usize)> {
    let mut points = Vec::new();
    for at in 1.. {
        copy(START, RUN)?;
        wrapped(s, at, &format!("-e trace={CALLS}"))?;
        if helper_calls()? < at {
            break;
        }
        let trace = fs::read("/t/k/trace").during("trace")?;
        points.extend(changing(&trace).into_iter().map(|point| (at, point)));
    }
    let step = match extent {
        "all" => 1,
        _ => points.len().div_ceil(SAMPLE).max(1),
    };
    let (mut kills, mut failures) = (0, 0);
    for (n, (at, (call, nth))) in points.iter().enumerate() {
        if n % step != step / 2 {
            continue;
        }
        copy(START, RUN)?;
        let kill = format!("-e trace={call} -e inject={call}:signal=KILL:when={nth}");
        let (code, mut said) = wrapped(s, *at, &kill)?;
        kills += 1;
        let mut end = state(since);
        let mut ok = code == 0 && end == whole;
        if !ok {
            let (again, words) = dpkg("", Who::Ours, &s.command)?;
            said.push_str(&format!("again: exit {again}\n{words}"));
            end = state(since);
            ok = again == 0 && end == whole;
        }
        if !ok {
            failures += 1;
            let name = s.name;
            println!("{name}, call {at} killed at {call} number {nth}:\n{said}");
            println!("{}", diff(whole, &end));
        }
    }
    Ok((kills, failures))
}

/// Runs a scenario in the sandbox this process enters, and prints one line per failure.
pub fn in_sandbox(args: &[String]) -> Res<()> {
    let [release, name, extent] = args else {
        return Err("kill: release, scenario, extent".into());
    };
    let name = NAMES
        .into_iter()
        .find(|n| n == name)
        .ok_or_else(|| format!("no scenario {name}"))?;
    enter(release, Who::Ours, &[])?;
    // Stock reads that, too.
    if std::env::var_os(OUR_OPTIONS).is_some() {
        let options = "/etc/dpkg/dpkg.cfg.d/compat";
        fs::remove_file(options).during(options)?;
    }
    fs::create_dir("/t/k").during("/t/k")?;
    let since = now();
    let s = Scenario::make(name)?;
    let Undisturbed {
        start, end: whole, ..
    } = prepare(&s, since)?;
    let all = points(&s)?;
    let step = match extent.as_str() {
        "all" => 1,
        _ => all.len().div_ceil(SAMPLE).max(1),
    };
    let mut kills = 0;
    let mut failures = 0;
    let mut windows = 0;
    for (n, (call, nth)) in all.iter().enumerate().filter(|(n, _)| n % step == step / 2) {
        let at = format!("{name}, killed at {call} number {nth}");
        copy(START, RUN)?;
        let wrapper = format!(
            "strace -o /dev/null -e signal=none -e trace={call} -e inject={call}:signal=KILL:when={nth}"
        );
        let (code, said) = dpkg(&wrapper, Who::Ours, &s.command)?;
        if code != 128 + 9 {
            // The last calls of a run may vary by one or two with the order of threads.
            if code == 0 {
                continue;
            }
            println!("{at}: exit {code}\n{said}");
            failures += 1;
            continue;
        }
        kills += 1;
        let disappearing = name == "takeover" && disappearing()?;
        copy(RUN, WRECK)?;
        let ways = [
            (Who::Ours, false),
            (Who::Theirs, true),
            (Who::Theirs, false),
            (Who::Ours, true),
        ];
        let ways = match extent.as_str() {
            "all" => &ways[..],
            _ if n % 2 == 0 => &ways[..2],
            _ => &ways[2..],
        };
        for &(who, configure) in ways {
            // Stock's dpkg-divert does not move the file that an interrupted run has left.
            if name == "divert" && who == Who::Theirs {
                continue;
            }
            if disappearing && who == Who::Theirs {
                windows += 1;
                continue;
            }
            copy(WRECK, RUN)?;
            let again = format!("{} --configure -a", s.forced());
            // What is half installed cannot be configured, and what depends on the half configured
            // not be unpacked and configured: the last step is the one that must succeed.
            let steps = match configure {
                true => [again.as_str(), &s.command, ""],
                false => [s.command.as_str(), &again, &s.command],
            };
            let (mut code, mut said) = (0, String::new());
            for step in steps.into_iter().filter(|s| !s.is_empty()) {
                let (exit, words) = dpkg("", who, step)?;
                code = exit;
                said.push_str(&format!("{step}: exit {exit}\n{words}"));
                if !configure && code == 0 && state(since) == whole {
                    break;
                }
            }
            let end = state(since);
            let same = end == whole;
            if code == 0 && !same && hash_not_noted(&whole, &start, &end) {
                windows += 1;
            } else if code != 0 || !same {
                failures += 1;
                let how = if configure {
                    "--configure -a first"
                } else {
                    "rerun"
                };
                println!(
                    "{at}, {how} by {}:\n{said}{}",
                    who.name(),
                    diff(&whole, &end)
                );
            }
        }
    }
    if name == "helper" {
        let (more, failed) = kill_the_helper(&s, &whole, since, extent)?;
        println!("{name}: {more} kills of dpkg-maintscript-helper itself, {failed} not recovered");
        kills += more;
        failures += failed;
    }
    println!(
        "{name}: {kills} kills at {} points, {failures} not recovered, {windows} in dpkg's own window",
        all.len()
    );
    if failures == 0 && kills > 0 {
        return Ok(());
    }
    Err(format!("{name}: {failures} failures, {kills} kills"))
}

/// Runs the scenarios whose name contains one of `filters` (all, if there are none); `extent` is
/// `all` or `sample`.
pub fn run(exe: &Path, release: &str, extent: &str, filters: &[String]) -> Res<Totals> {
    run_each(exe, "kill", [release, extent], &NAMES, filters)
}

/// Runs those of the scenarios whose name contains one of `filters` (all, if there are none), each
/// in a process of its own, which enters a sandbox.
pub(crate) fn run_each(
    exe: &Path,
    what: &str,
    [release, extent]: [&str; 2],
    names: &[&str],
    filters: &[String],
) -> Res<Totals> {
    let mut totals = Totals::default();
    for name in names {
        if !filters.is_empty() && !filters.iter().any(|f| name.contains(f.as_str())) {
            continue;
        }
        let status = Command::new(exe)
            .arg(format!("--{what}-in-sandbox"))
            .args([release, name, extent])
            .status()
            .during(exe.display())?;
        totals.count(&format!("{what}/{name}"), status.success());
    }
    Ok(totals)
}
