//! `compat`: the command line over this crate.

use std::process::ExitCode;

use compat_tests::report::Totals;
use compat_tests::sandbox::Who;
use compat_tests::{
    Res, autotest, bench, cases, faults, fsck, generator, kill, multi, oracle, packages, perl,
    power, real, runner, suite, views,
};

const USAGE: &str = "\
usage: compat COMMAND
  oracle                     make the stock systems and sources
  cases [--release R] [--list] [--show] [NAME…]
                             run the cases whose name contains NAME; --show prints what stock does
  suite [--release R] [--user] [--record] [TEST…]
                             run dpkg's functional suite (R: trixie, bookworm, head)
  autotest [--release R] [--user] [--record]
                             run dpkg's src/at tests
  perl [--release R]         run dpkg's tests in Perl of update-alternatives
  real [--release R] [--fresh] small|large|archives|upgrade|large-upgrade|bootstrap
                             the same steps on a whole system, with stock and with ours
  multi [--all] [all|SCENE…]  versions side by side, with real programs; alone: the scenes that fetch nothing
  views [--list] [--fresh] [--keep] [--stock] [--user] [NAME…]
                             the same steps of apt in a stock chroot and in a view, compared; `small`: those
                             that fetch nothing; --stock: stock once more instead of the view; --user: a view
                             of a user's own, made without root
  bench [--release R] [--runs N] [--flush-us N[,N…]] [--fs ext4|xfs|btrfs] [--no-calls]
        [--quick] [unpack|unsafe|life|tiny|read|deb|start|growth|limits…]
                             time, memory, flushes and system calls of ours beside stock's, on a disk whose
                             flushes take N microseconds (0 and 1,000); --quick: whether it works, in seconds
  bench multi                time of views, contexts and rewriting
  kill [--release R] [--all] [NAME…]
                             kill ours at a sample of moments, or at every one, and recover
  faults [--release R] [--all] [NAME…]
                             fail a sample of system calls of ours, or every one, and run it again
  fsck [NAME…]               the kinds of damage that dpkg-ng fsck names and repairs, and repairs that are killed
  packages [--release R] [--noopt] [--all] [NAME…]
                             build our Debian packages, install, upgrade, remove and kill that
  power [--release R] [--runs N] [--without-sync] [multi]
                             cut the power of a virtual machine N times while dpkg works, and recover
DPKG_UNDER_TEST=theirs|ours|both  DPKG_NG_BIN  DPKG_ORACLE_DIR  DPKG_HEAD_SRC  COMPAT_JOBS
                DPKG_NG_PLUGIN
COMPAT_LANGUAGE=marked|LOCALE   what cases are run in, beside C.UTF-8
COMPAT_OUR_OPTIONS='no-read-ahead …'  what our dpkg finds in its configuration
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(e) => {
            eprintln!("{e}");
            ExitCode::from(2)
        }
    }
}

struct Options {
    release: String,
    runs: Option<usize>,
    flush_us: Vec<u64>,
    fs: String,
    flags: Vec<String>,
    names: Vec<String>,
}

fn options(args: &[String]) -> Res<Options> {
    let mut o = Options {
        release: "trixie".into(),
        runs: None,
        flush_us: vec![0, 1_000],
        fs: "ext4".into(),
        flags: Vec::new(),
        names: Vec::new(),
    };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if arg == "--release" {
            o.release = args.next().ok_or("--release needs a value")?.clone();
        } else if arg == "--runs" {
            let value = args.next().ok_or("--runs needs a value")?;
            let runs = value.parse().map_err(|e| format!("--runs {value}: {e}"))?;
            o.runs = Some(runs);
        } else if arg == "--flush-us" {
            let value = args.next().ok_or("--flush-us needs a value")?;
            let numbers: Result<Vec<u64>, _> = value.split(',').map(str::parse).collect();
            o.flush_us = numbers.map_err(|e| format!("--flush-us {value}: {e}"))?;
        } else if arg == "--fs" {
            o.fs = args.next().ok_or("--fs needs a value")?.clone();
        } else if let Some(flag) = arg.strip_prefix("--") {
            o.flags.push(flag.into());
        } else {
            o.names.push(arg.clone());
        }
    }
    Ok(o)
}

fn run(args: &[String]) -> Res<bool> {
    let Some((command, rest)) = args.split_first() else {
        print!("{USAGE}{}", generator::USAGE);
        return Ok(true);
    };
    let done = |what: &str, totals: Totals| {
        totals.print(what);
        Ok(totals.failed.is_empty())
    };
    match command.as_str() {
        "random" => {
            if !rest.iter().any(|a| a == "--stock-twice") {
                runner::get_ready()?;
            }
            let exe = std::env::current_exe().map_err(|e| e.to_string())?;
            return generator::command(&exe, rest);
        }
        generator::view::INSIDE => match rest {
            [what] => return generator::view::serve_inside(what).map(|()| true),
            _ => return Err(USAGE.into()),
        },
        "--random-in-sandbox" => match rest {
            [release, who] => return generator::stage::serve(release, who).map(|()| true),
            _ => return Err(USAGE.into()),
        },
        _ => {}
    }
    let o = options(rest)?;
    let flag = |name: &str| o.flags.iter().any(|f| f == name);
    match command.as_str() {
        "oracle" => oracle::build().map(|()| true),
        "--in-sandbox" => match rest {
            [release, who, name] => runner::in_sandbox(release, who, name).map(|()| true),
            _ => Err(USAGE.into()),
        },
        "--suite-in-sandbox" => suite::in_sandbox(rest).map(|()| true),
        "--perl-in-sandbox" => perl::in_sandbox(rest).map(|()| true),
        "perl" => {
            runner::get_ready()?;
            let exe = std::env::current_exe().map_err(|e| e.to_string())?;
            done("perl", perl::run(&exe, &o.release)?)
        }
        "--autotest-in-sandbox" => autotest::in_sandbox(rest).map(|()| true),
        "cases" => {
            if flag("list") {
                for case in cases::all() {
                    println!("{}", case.name);
                }
                return Ok(true);
            }
            runner::get_ready()?;
            let exe = std::env::current_exe().map_err(|e| e.to_string())?;
            if flag("show") {
                for case in cases::all() {
                    if o.names.iter().any(|n| case.name.contains(n.as_str())) {
                        let who = Who::Theirs;
                        println!("=== {}", case.name);
                        match runner::observe(&exe, &case.name, &o.release, who) {
                            Ok(seen) => println!("{seen}"),
                            Err(e) => println!("{e}"),
                        }
                    }
                }
                return Ok(true);
            }
            done("cases", runner::run_cases(&exe, &o.names, &o.release)?)
        }
        "--bench-disk" => bench::disk::serve(rest).map(|()| true),
        "bench" => {
            runner::get_oracle()?;
            let exe = std::env::current_exe().map_err(|e| e.to_string())?;
            if o.names == ["multi"] {
                runner::get_ready()?;
                return multi::speed::run(&exe);
            }
            let (quick, no_calls) = (flag("quick"), flag("no-calls"));
            let plan = bench::Plan {
                release: o.release,
                fs: o.fs,
                flush_us: o.flush_us,
                runs: o.runs.unwrap_or(if quick { 1 } else { 3 }),
                works: o.names,
                calls: !no_calls,
                quick,
            };
            bench::run(&exe, &plan)
        }
        "--kill-in-sandbox" => kill::in_sandbox(rest).map(|()| true),
        "kill" => {
            runner::get_ready()?;
            let exe = std::env::current_exe().map_err(|e| e.to_string())?;
            let extent = if flag("all") { "all" } else { "sample" };
            done("kill", kill::run(&exe, &o.release, extent, &o.names)?)
        }
        "--faults-in-sandbox" => faults::in_sandbox(rest).map(|()| true),
        "faults" => {
            runner::get_ready()?;
            let exe = std::env::current_exe().map_err(|e| e.to_string())?;
            let extent = if flag("all") { "all" } else { "sample" };
            done("faults", faults::run(&exe, &o.release, extent, &o.names)?)
        }
        "fsck" => {
            runner::get_ready()?;
            done("kinds of damage", fsck::run(&o.names)?)
        }
        "--multi-in-sandbox" => multi::in_sandbox(rest).map(|()| true),
        "multi" => {
            runner::get_ready()?;
            let exe = std::env::current_exe().map_err(|e| e.to_string())?;
            let extent = match flag("all") {
                true => multi::Extent::All,
                false => multi::Extent::Sample,
            };
            done("multi", multi::run(&exe, &o.names, extent)?)
        }
        "--views-in-sandbox" => views::in_sandbox(rest).map(|()| true),
        "views" => {
            if flag("list") {
                println!("{}", views::names().join("\n"));
                return Ok(true);
            }
            runner::get_oracle()?;
            let exe = std::env::current_exe().map_err(|e| e.to_string())?;
            let options = views::Options {
                fresh: flag("fresh"),
                keep: flag("keep"),
                stock: flag("stock"),
                user: flag("user"),
            };
            let totals = views::run(&exe, &o.names, options)?;
            Ok(totals.failed.is_empty())
        }
        "--packages-in-sandbox" => packages::in_sandbox(rest).map(|()| true),
        "packages" => {
            runner::get_oracle()?;
            let exe = std::env::current_exe().map_err(|e| e.to_string())?;
            let debs = packages::build(&exe, flag("noopt"))?;
            let extent = if flag("all") { "all" } else { "8" };
            let totals = packages::run(&exe, &debs, &o.release, extent, &o.names)?;
            done("packages", totals)
        }
        "--power-in-sandbox" => power::in_sandbox(rest).map(|()| true),
        "power" => {
            runner::get_oracle()?;
            let exe = std::env::current_exe().map_err(|e| e.to_string())?;
            let multi = o.names == ["multi"];
            let debs = match runner::UnderTest::from_env()? {
                runner::UnderTest::Theirs if multi => return Err("stock has no multi".into()),
                _ if !multi && !o.names.is_empty() => return Err(USAGE.into()),
                runner::UnderTest::Theirs => None,
                _ => Some(packages::build(&exe, flag("noopt"))?),
            };
            let plan = power::Plan {
                release: &o.release,
                debs: debs.as_deref(),
                cuts: o.runs.unwrap_or(5),
                multi,
                without_sync: flag("without-sync"),
            };
            done("power", power::run(&exe, &plan)?)
        }
        "--real-in-sandbox" => real::in_sandbox(rest).map(|()| true),
        "real" => {
            runner::get_ready()?;
            let exe = std::env::current_exe().map_err(|e| e.to_string())?;
            let only_theirs = runner::UnderTest::from_env()? == runner::UnderTest::Theirs;
            let mut same = true;
            for plan in &o.names {
                same &= real::run(&exe, &o.release, plan, flag("fresh"), only_theirs)?;
            }
            Ok(same)
        }
        "suite" => {
            runner::get_ready()?;
            let exe = std::env::current_exe().map_err(|e| e.to_string())?;
            done(
                "suite",
                suite::run(&exe, &o.release, flag("user"), flag("record"), &o.names)?,
            )
        }
        "autotest" => {
            runner::get_ready()?;
            let exe = std::env::current_exe().map_err(|e| e.to_string())?;
            done(
                "autotest",
                autotest::run(&exe, &o.release, flag("user"), flag("record"))?,
            )
        }
        _ => Err(USAGE.into()),
    }
}
