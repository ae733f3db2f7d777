//! Views held against a chroot: the same steps of apt and dpkg in both, then everything compared.
//!
//! A chroot is what a system of one's own would be, and so is a view. A [`scenario`] says what is done and
//! what is run afterwards; [`side`] does it on a [`machine`] and writes a [`record`]; [`compare`] finds what differs.
//! A difference that may be is a row of the scenario with its reason; a row that matches nothing is a fault.
//!
//! * Stock's records are kept in `views/stock/` of the cache, under a name made of the scenario, the system and
//!   apt's lists, so that a changed archive makes them anew. `--fresh` fetches lists anew.
//! * [`real`] and [`further`] have the scenarios of the archive's packages, [`small`] those of packages that [`made`] makes.
//! * What is compared: exit codes; what stands below each of dpkg's lines ([`said`]); packages with state, version, `-s`,
//!   `-L` and apt's marks; every path but those that [`tree`] names with its reason, accounts and debconf's
//!   answers entry by entry; alternatives, diversions, overrides; the output of programs. ELF files: all sections but those that
//!   linking is about ([`elf`]).

mod archive;
mod compare;
mod elf;
mod further;
mod machine;
mod made;
mod real;
mod record;
mod said;
mod scenario;
mod side;
mod small;
mod tree;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use crate::report::{Totals, diff};
use crate::runner::{UnderTest, each};
use crate::snapshot::hex;
use crate::{During, Res, multi, oracle};
use compare::{Difference, differences, judge};
use machine::Machine;
use record::Seen;
use scenario::{Row, Scenario, State, row};
use side::Side;

/// How long one side of a scenario may take, in seconds.
const PATIENCE: u32 = 3600;
/// To be raised when what is looked at changes, so that stock's records are made anew.
const FORMAT: u32 = 2;
/// How many differences are printed; all are in the report.
const PRINTED: usize = 30;

/// What may differ in any scenario.
const EVERYWHERE: &[Row] = &[
    row(
        "path /var/lib/systemd/deb-systemd-*",
        "which units scripts have enabled is the world's, as the links are, and seen by scripts alone",
    ),
    row("path /etc/machine-id", "the machine's identity"),
    row("path /etc/mtab", "what the kernel says is mounted"),
    row(
        "path /root*",
        "what scripts write to a user's home stays nowhere",
    ),
];

/// What may differ in a view of a user's own.
const AS_USER: &[Row] = &[row(
    "path /run*",
    "scripts have a /run of their own, which stays nowhere",
)];

/// What to do.
#[derive(Clone, Copy, Default)]
pub struct Options {
    /// Fetch lists, and run stock, anew.
    pub fresh: bool,
    /// Leave the systems of both sides for a look.
    pub keep: bool,
    /// A view of a user's own, without root.
    pub user: bool,
    /// Run stock a third time in place of the view: what differs then is the harness's fault.
    pub stock: bool,
}

fn scenarios() -> impl Iterator<Item = &'static Scenario> {
    small::ALL
        .iter()
        .chain(real::ALL.iter().copied().flatten())
        .chain(further::ALL)
}

/// The names of all scenarios.
pub fn names() -> Vec<&'static str> {
    scenarios().map(|s| s.name).collect()
}

/// How many of them need nothing of the archive.
pub fn small() -> usize {
    small::ALL.len()
}

/// How many of these are compared with a user's own view, too.
pub fn small_as_user() -> usize {
    let all = small::ALL.iter();
    all.filter(|s| s.not_as_user.is_none()).count()
}

/// Runs the scenarios whose name contains one of `names`: `all`, or `small` alone, are those; none: all.
pub fn run(exe: &Path, names: &[String], options: Options) -> Res<Totals> {
    let mut chosen: Vec<&Scenario> = match names {
        [] => scenarios().collect(),
        [one] if one == "small" => small::ALL.iter().collect(),
        _ => scenarios()
            .filter(|s| names.iter().any(|n| s.name.contains(n.as_str())))
            .collect(),
    };
    if chosen.is_empty() {
        return Err(format!(
            "no scenario {}; there are: {}",
            names.join(" "),
            self::names().join(" ")
        ));
    }
    for (program, package) in [("ip", "iproute2"), ("dpkg-deb", "dpkg")] {
        oracle::need(program, package)?;
    }
    multi::system::our_plugin()?;
    if options.fresh {
        archive::forget()?;
    }
    let totals = Mutex::new(Totals::default());
    let reason = |s: &Scenario| {
        match s.state {
            State::Host => Some("a user has no say about the host's state"),
            State::Own => s.not_as_user,
        }
        .filter(|_| options.user)
    };
    for scenario in &chosen {
        if let Some(why) = reason(scenario) {
            println!("{}: not compared: {why}", scenario.name);
        }
    }
    chosen.retain(|s| reason(s).is_none());
    each(&chosen, |scenario| {
        let verdict = one(exe, scenario, options);
        let Ok(mut totals) = totals.lock() else {
            return;
        };
        let passed = matches!(&verdict, Ok(v) if v.passed);
        match verdict {
            Ok(verdict) => print!("{}", verdict.text),
            Err(e) => println!("{}: not compared: {e}", scenario.name),
        }
        let kind = if options.user { "user-views" } else { "views" };
        totals.count(&format!("{kind}/{}", scenario.name), passed);
    });
    let totals = totals.into_inner().during("totals")?;
    println!("{} passed, {} failed", totals.passed, totals.failed.len());
    Ok(totals)
}

/// How a scenario went.
struct Verdict {
    passed: bool,
    text: String,
}

fn one(exe: &Path, scenario: &Scenario, options: Options) -> Res<Verdict> {
    archive::prepare(scenario)?;
    // Another process may be at the same one.
    let _lock = archive::lock(&format!("run/{}.lock", scenario.name))?;
    let key = hex(format!("{FORMAT} {scenario:?}\n{}", archive::state(scenario)?).as_bytes());
    // Once is enough to see whether a scenario is right.
    let stock_alone = UnderTest::from_env()? == UnderTest::Theirs;
    let mut stock = Vec::new();
    for n in 1..=if stock_alone { 1 } else { 2 } {
        let file = archive::dir().join(format!("stock/{}-{key}.{n}", scenario.name));
        if !file.exists() {
            call(exe, scenario, &format!("stock-{n}"), &file, options)?;
        }
        stock.push(Seen::read(&file)?);
    }
    if stock_alone {
        return Ok(Verdict {
            passed: true,
            text: String::new(),
        });
    }
    let stock: [Seen; 2] = stock.try_into().map_err(|_| "stock runs twice")?;
    let side = match options {
        Options { stock: true, .. } => "stock-3",
        Options { user: true, .. } => Side::User.name(),
        _ => Side::View.name(),
    };
    let file = run_dir(scenario, side).with_extension("record");
    call(exe, scenario, side, &file, options)?;
    let seen = Seen::read(&file)?;
    fs::remove_file(&file).during(file.display())?;
    let (stock, seen) = match options.user {
        true => (stock.map(Seen::without_owners), seen.without_owners()),
        false => (stock, seen),
    };
    let rows: Vec<Row> = match options.stock {
        true => Vec::new(),
        false => {
            let as_user = if options.user { AS_USER } else { &[] };
            let rows = scenario.rows.iter().chain(EVERYWHERE).chain(as_user);
            rows.copied().collect()
        }
    };
    let (wrong, counts) = judge(differences(&stock, &seen), &rows);
    let unused: Vec<Row> = rows
        .iter()
        .zip(&counts)
        .take(scenario.rows.len())
        .filter(|(_, n)| **n == 0 && !options.stock && !options.user)
        .map(|(r, _)| *r)
        .collect();
    let mut text = String::new();
    for row in &unused {
        text.push_str(&format!(
            "  row matches nothing: {} ({})\n",
            row.of, row.why
        ));
    }
    for (row, count) in rows.iter().zip(&counts).filter(|(_, n)| **n > 0) {
        text.push_str(&format!("  allowed, {count}: {}: {}\n", row.of, row.why));
    }
    let whole = report(scenario, &wrong, usize::MAX);
    let to = archive::dir().join(format!("{}.report", scenario.name));
    fs::write(&to, &whole).during(to.display())?;
    text.push_str(&report(scenario, &wrong, PRINTED));
    if wrong.len() > PRINTED {
        text.push_str(&format!("  all {} in {}\n", wrong.len(), to.display()));
    }
    Ok(Verdict {
        passed: wrong.is_empty() && unused.is_empty(),
        text,
    })
}

fn report(scenario: &Scenario, wrong: &[Difference], most: usize) -> String {
    let mut text = String::new();
    let mut at = None;
    if !wrong.is_empty() {
        text.push_str(&format!("{}: {} differences\n", scenario.name, wrong.len()));
    }
    for difference in wrong.iter().take(most) {
        if at != Some(difference.moment) {
            at = Some(difference.moment);
            let step = difference.moment.checked_sub(1);
            let step = step.and_then(|n| scenario.steps.get(n));
            let name = step.map_or("afterwards".to_owned(), ToString::to_string);
            text.push_str(&format!("  after step {}, {name}\n", difference.moment));
        }
        let Difference {
            subject,
            stock,
            view,
            ..
        } = difference;
        let or = |t: &str| match t {
            "" => "nothing".to_owned(),
            t => t.trim_end().to_owned(),
        };
        if subject.starts_with("promise ") {
            let view = or(view).replace('\n', "\n        ");
            text.push_str(&format!("    {subject}: {view}\n"));
        } else if stock.contains('\n') || view.contains('\n') {
            text.push_str(&format!("    {subject}:\n"));
            let texts = [stock, view].map(|t| or(t) + "\n");
            for line in diff(&texts[0], &texts[1]).lines().skip(1) {
                text.push_str(&format!("      {line}\n"));
            }
        } else {
            let (stock, view) = (or(stock), or(view));
            text.push_str(&format!("    {subject}: {stock}, in the view {view}\n"));
        }
    }
    text
}

fn run_dir(scenario: &Scenario, side: &str) -> PathBuf {
    archive::dir().join(format!("run/{}-{side}", scenario.name))
}

/// Does one side in namespaces of its own.
fn call(exe: &Path, scenario: &Scenario, side: &str, to: &Path, options: Options) -> Res<()> {
    let dir = run_dir(scenario, side);
    let log = dir.with_extension("log");
    let file = fs::File::create(&log).during(log.display())?;
    let status = Command::new("timeout")
        .args(["-k", "10", &PATIENCE.to_string()])
        .args([
            "unshare",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
        ])
        .args(["--ipc", "--uts"])
        .arg(exe)
        .args(["--views-in-sandbox", scenario.name, side])
        .arg(to)
        .stdout(file.try_clone().during(log.display())?)
        .stderr(file)
        .status()
        .during(exe.display())?;
    if options.keep {
        println!(
            "left: {}; look at it with: unshare --mount --pid --fork --mount-proc --ipc --uts {} --views-in-sandbox {} {side} look",
            dir.display(),
            exe.display(),
            scenario.name
        );
    } else if dir.exists() {
        fs::remove_dir_all(&dir).during(dir.display())?;
    }
    if status.success() {
        return Ok(());
    }
    let said = fs::read_to_string(&log).during(log.display())?;
    Err(format!("{side}: {status}\n{said}"))
}

/// Does one side in the namespaces that this process was started in, and writes the record to the file named.
pub fn in_sandbox(args: &[String]) -> Res<()> {
    let [name, side, to] = args else {
        return Err("not for use by hand".into());
    };
    let scenario = scenarios()
        .find(|s| s.name == name)
        .ok_or_else(|| format!("no scenario {name}"))?;
    let dir = run_dir(scenario, side);
    let kind = match side.as_str() {
        side if side == Side::View.name() => Side::View,
        side if side == Side::User.name() => Side::User,
        _ => Side::Chroot,
    };
    if to == "look" {
        let machine = Machine::enter(scenario, &dir, kind.has_view(), true)?;
        machine.shell()?;
        return machine.leave();
    }
    let machine = Machine::enter(scenario, &dir, kind.has_view(), false)?;
    let seen = side::run(scenario, &machine, kind);
    machine.leave()?;
    seen?.write(Path::new(to))
}
