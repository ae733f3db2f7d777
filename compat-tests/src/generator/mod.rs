//! The differential random generator: makes packages and command sequences from a seed, runs each
//! against stock and against ours in equal roots, compares everything after every step, and
//! shrinks what differs to a report that can be read and replayed.
//!
//! * [`rng`] numbers; [`spec`] what a scenario is; [`text`] its form as text.
//! * [`packages`], [`relations`], [`scripts`], [`steps`], [`options`]: what is made at random.
//! * [`alternatives`]: the same for update-alternatives, with links and files for packages.
//! * [`view`], [`chroot`]: the two sides when ours runs on a view.
//! * [`build`] packages as bytes; [`stage`] runs scenarios in a sandbox; [`pair`] runs both sides.
//! * [`mod@shrink`] and [`stats`].

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::report::{Totals, diff};
use crate::runner::UnderTest;
use crate::sandbox::Who;
use crate::{During, Res};
use pair::Pair;
use rng::Rng;
use shrink::{Found, shrink, try_out};
use spec::Scenario;
use stats::Stats;

pub mod alternatives;
pub mod build;
pub mod chroot;
pub mod options;
pub mod packages;
pub mod pair;
pub mod relations;
pub mod rng;
pub mod scripts;
pub mod shrink;
pub mod spec;
pub mod stage;
pub mod stats;
pub mod steps;
pub mod text;
pub mod view;

/// How to call it.
pub const USAGE: &str = "\
  random [--seed N] [--count M] [--steps K] [--keep-going] [--stats] [--out DIR] [--no-shrink]
         [--stock-twice] [--print] [--alternatives | --view]
                             run M random scenarios of about K steps, from seed N on; at the first
                             difference (with --keep-going: at each new kind) write a small one to
                             DIR; --stock-twice compares stock with itself;
                             --alternatives is about update-alternatives alone; --view runs ours
                             on a view, and stock's in a chroot
  random --replay PATH       run the scenario in a file, or all in a directory, and show what
                             differs (with --print, what stock does, or with DPKG_UNDER_TEST=ours what ours does)
";

struct Plan {
    release: String,
    second: Who,
    seed: u64,
    count: u64,
    steps: usize,
    keep_going: bool,
    stats: bool,
    shrink: bool,
    print: bool,
    alternatives: bool,
    view: bool,
    out: PathBuf,
    replay: Option<PathBuf>,
}

impl Plan {
    fn read(args: &[String]) -> Res<Plan> {
        let mut plan = Plan {
            release: "trixie".into(),
            second: Who::Ours,
            seed: 1,
            count: 100,
            steps: 10,
            keep_going: false,
            stats: false,
            shrink: true,
            print: false,
            alternatives: false,
            view: false,
            out: std::env::temp_dir().join("compat-random"),
            replay: None,
        };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
            match arg.as_str() {
                "--release" => plan.release.clone_from(value()?),
                "--seed" => plan.seed = value()?.parse().during(arg)?,
                "--count" => plan.count = value()?.parse().during(arg)?,
                "--steps" => plan.steps = value()?.parse().during(arg)?,
                "--out" => plan.out = value()?.into(),
                "--replay" => plan.replay = Some(value()?.into()),
                "--keep-going" => plan.keep_going = true,
                "--stats" => plan.stats = true,
                "--no-shrink" => plan.shrink = false,
                "--print" => plan.print = true,
                "--alternatives" => plan.alternatives = true,
                "--view" => plan.view = true,
                "--stock-twice" => plan.second = Who::Theirs,
                _ => return Err(format!("random: {arg}?\n{USAGE}")),
            }
        }
        if plan.alternatives && plan.view {
            return Err("random: --alternatives and --view are about different things".into());
        }
        Ok(plan)
    }
}

impl Plan {
    /// The scenario that belongs to a seed.
    fn scenario(&self, seed: u64) -> Scenario {
        let mut rng = Rng::new(seed);
        let low = self.steps / 2;
        if self.alternatives {
            let count = rng.range(low, low + self.steps);
            return alternatives::random(&mut rng, seed, count);
        }
        let mut s = packages::random(&mut rng, seed, self.view);
        let count = rng.range(low, low + self.steps);
        steps::random(&mut rng, &mut s, count);
        s
    }
}

/// Runs the subcommand; whether there was no difference. `exe` is the `compat` binary.
pub fn command(exe: &Path, args: &[String]) -> Res<bool> {
    let plan = Plan::read(args)?;
    match &plan.replay {
        Some(file) => {
            let totals = replay(exe, &plan, file)?;
            if !plan.print {
                totals.print("random");
            }
            Ok(totals.failed.is_empty())
        }
        None if plan.print => {
            for seed in plan.seed..plan.seed + plan.count {
                print!("{}", text::write(&plan.scenario(seed)));
            }
            Ok(true)
        }
        None => batch(exe, &plan),
    }
}

fn replay(exe: &Path, plan: &Plan, path: &Path) -> Res<Totals> {
    let files = match path.is_dir() {
        true => scenarios_in(path)?,
        false => vec![path.to_owned()],
    };
    let mut pair = Pair::new(exe, &plan.release, plan.second);
    let mut totals = Totals::default();
    for file in &files {
        let text = fs::read_to_string(file).during(file.display())?;
        let scenario = text::read(&text).during(file.display())?;
        if plan.print {
            let seen = pair.run(&scenario)?;
            let side = match UnderTest::from_env()? {
                UnderTest::Ours => seen.ours,
                _ => seen.theirs,
            };
            print!("{}", side.concat());
            continue;
        }
        match try_out(&mut pair, &scenario)? {
            Some(found) => {
                print!("{}", report(&found));
                totals.failed.push(file.display().to_string());
            }
            None => totals.passed += 1,
        }
    }
    Ok(totals)
}

fn scenarios_in(dir: &Path) -> Res<Vec<PathBuf>> {
    let entries = fs::read_dir(dir).during(dir.display())?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
    files.sort();
    Ok(files)
}

/// How many scenarios [`sample_of_alternatives`] takes.
pub const SAMPLE: usize = 40;

/// A fixed sample of the scenarios about update-alternatives.
pub fn sample_of_alternatives(exe: &Path) -> Res<Totals> {
    let count = SAMPLE.to_string();
    let args = ["--alternatives", "--keep-going", "--count", &count];
    let plan = Plan::read(&args.map(str::to_owned))?;
    compare(exe, &plan)
}

/// How many random scenarios [`sample_of_views`] takes.
const SAMPLE_OF_VIEWS: usize = 8;

/// Scenarios in which a view once differed.
fn found() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("found/views")
}

/// How many scenarios [`sample_of_views`] takes.
pub fn count_of_views() -> usize {
    SAMPLE_OF_VIEWS + scenarios_in(&found()).map_or(0, |found| found.len())
}

/// A fixed sample of the scenarios in a view, and those that were found by more of them.
pub fn sample_of_views(exe: &Path) -> Res<Totals> {
    let count = SAMPLE_OF_VIEWS.to_string();
    let args = ["--view", "--keep-going", "--count", &count];
    let plan = Plan::read(&args.map(str::to_owned))?;
    let mut totals = compare(exe, &plan)?;
    totals.add(replay(exe, &plan, &found())?);
    Ok(totals)
}

fn batch(exe: &Path, plan: &Plan) -> Res<bool> {
    let totals = compare(exe, plan)?;
    totals.print("random");
    Ok(totals.failed.is_empty())
}

/// Runs the scenarios of a plan; those that differ are the ones that failed.
fn compare(exe: &Path, plan: &Plan) -> Res<Totals> {
    let next = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    let stats = Mutex::new(Stats::default());
    let kinds = Mutex::new(BTreeSet::new());
    let differing = Mutex::new(Vec::new());
    let errors = Mutex::new(Vec::new());
    let work = || -> Res<()> {
        let mut pair = Pair::new(exe, &plan.release, plan.second);
        while !stop.load(Ordering::Relaxed) {
            let n = next.fetch_add(1, Ordering::Relaxed) as u64;
            if n >= plan.count {
                break;
            }
            let scenario = plan.scenario(plan.seed + n);
            let seen = pair.run(&scenario)?;
            if let Ok(mut stats) = stats.lock() {
                stats.count(&scenario, &seen.theirs);
            }
            if (n + 1).is_multiple_of(100) {
                eprintln!("{} of {} begun", n + 1, plan.count);
            }
            let Some(step) = seen.difference() else {
                continue;
            };
            if let Ok(mut differing) = differing.lock() {
                differing.push(format!("seed {}", scenario.seed));
            }
            if !plan.keep_going {
                stop.store(true, Ordering::Relaxed);
            }
            let text = |side: &[String]| side.get(step).cloned().unwrap_or_default();
            let (theirs, ours) = (text(&seen.theirs), text(&seen.ours));
            let signature = pair::signature(&theirs, &ours);
            if !kinds.lock().is_ok_and(|mut k| k.insert(signature.clone())) {
                continue;
            }
            let mut found = Found {
                scenario,
                step,
                theirs,
                ours,
                signature,
            };
            if plan.shrink {
                found = shrink(&mut pair, found, 400)?;
            }
            let file = plan.out.join(format!("seed-{}.txt", found.scenario.seed));
            fs::create_dir_all(&plan.out).during(plan.out.display())?;
            fs::write(&file, report(&found)).during(file.display())?;
            println!("seed {}: {}", found.scenario.seed, found.signature);
            println!("    {}", file.display());
        }
        Ok(())
    };
    let workers: Vec<u8> = vec![0; jobs()];
    crate::runner::each(&workers, |_| {
        if let Err(e) = work() {
            stop.store(true, Ordering::Relaxed);
            if let Ok(mut errors) = errors.lock() {
                errors.push(e);
            }
        }
    });
    if plan.stats {
        stats.lock().during("stats")?.print();
    }
    let errors = errors.into_inner().during("errors")?;
    if !errors.is_empty() {
        return Err(errors.join("\n"));
    }
    let ran = (plan.count as usize).min(next.into_inner());
    let failed = differing.into_inner().during("differing")?;
    Ok(Totals {
        passed: ran.saturating_sub(failed.len()),
        failed,
        ignored: 0,
    })
}

fn jobs() -> usize {
    let set = std::env::var("COMPAT_JOBS").ok();
    set.and_then(|j| j.parse().ok()).unwrap_or(2).max(1)
}

/// A difference as text that begins with the scenario, for `--replay`.
fn report(found: &Found) -> String {
    format!(
        "# {}\n# compat random --replay THIS-FILE\n{}---- difference after step {} ----\n{}---- stock, in full ----\n{}",
        found.signature,
        text::write(&found.scenario),
        found.step + 1,
        diff(&found.theirs, &found.ours),
        found.theirs,
    )
}
