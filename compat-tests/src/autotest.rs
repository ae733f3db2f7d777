//! dpkg's autotest cases for its command-line tools (`src/at` of its source), run against the
//! programs under test as installed.
//!
//! `baseline/autotest-RELEASE.tsv` holds stock's verdict for each case when root runs it,
//! `autotest-RELEASE-user.tsv` when a user does, which some cases ask for.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::report::Totals;
use crate::runner::UnderTest;
use crate::sandbox::{Who, command, enter};
use crate::suite::{baseline, read_baseline, write_baseline};
use crate::world::USER;
use crate::{During, Res, oracle};

/// Runs the cases of the release's source. Ours must pass all that stock passes, and those that
/// stock's bugs fail may pass.
pub fn run(exe: &Path, release: &str, user: bool, record: bool) -> Res<Totals> {
    let source = oracle::source(release)
        .ok_or_else(|| format!("no dpkg source for {release}: compat oracle (or DPKG_HEAD_SRC)"))?;
    let under_test = if record {
        UnderTest::Theirs
    } else {
        UnderTest::from_env()?
    };
    let script = testsuite(release, &source)?;
    let name = match user {
        true => &format!("{release}-user"),
        false => release,
    };
    let file = baseline(&format!("autotest-{name}"));
    let known = read_baseline(&file);
    let mut totals = Totals::default();
    if under_test != UnderTest::Ours {
        let (stock, _) = observe(exe, &source, &script, Who::Theirs, user)?;
        if record {
            write_baseline(&file, &stock)?;
        }
        if under_test == UnderTest::Theirs {
            judge(
                name,
                &mut totals,
                &stock,
                if record { &stock } else { &known },
                "",
            );
            return Ok(totals);
        }
        if stock != known {
            totals
                .failed
                .push(format!("{name}: stock's verdicts are not those recorded"));
        }
    }
    let (ours, log) = observe(exe, &source, &script, Who::Ours, user)?;
    judge(name, &mut totals, &ours, &known, &log);
    Ok(totals)
}

fn judge(
    release: &str,
    totals: &mut Totals,
    seen: &BTreeMap<String, String>,
    known: &BTreeMap<String, String>,
    log: &str,
) {
    for (test, expected) in known {
        let verdict = seen.get(test).map_or("missing", String::as_str);
        if verdict == expected || verdict == "ok" {
            println!("test {release}/{test} ... ok");
            totals.passed += 1;
        } else {
            println!("test {release}/{test} ... FAILED: {verdict}, stock's {expected}");
            totals.failed.push(format!("{release}/{test}"));
        }
    }
    if !totals.failed.is_empty() {
        println!("{log}");
    }
}

/// The generated script: shipped with a release, made with autom4te from a development tree.
fn testsuite(release: &str, source: &Path) -> Res<PathBuf> {
    let shipped = source.join("src/at/testsuite");
    if shipped.exists() {
        return Ok(shipped);
    }
    let dir = oracle::dir().join(format!("at-{release}"));
    if dir.exists() {
        fs::remove_dir_all(&dir).during(dir.display())?;
    }
    fs::create_dir_all(&dir).during(dir.display())?;
    for e in fs::read_dir(source.join("src/at"))
        .during("src/at")?
        .flatten()
    {
        fs::copy(e.path(), dir.join(e.file_name())).during("copy")?;
    }
    let names =
        ["NAME", "TARNAME", "STRING"].map(|n| format!("m4_define([AT_PACKAGE_{n}], [dpkg])\n"));
    let rest =
        ["VERSION", "URL", "BUGREPORT"].map(|n| format!("m4_define([AT_PACKAGE_{n}], [none])\n"));
    fs::write(dir.join("package.m4"), names.concat() + &rest.concat()).during("package.m4")?;
    oracle::need("autom4te", "autoconf")?;
    oracle::run(
        Command::new("autom4te")
            .args([
                "--language=autotest",
                "-I",
                ".",
                "-o",
                "testsuite",
                "testsuite.at",
            ])
            .current_dir(&dir),
    )?;
    Ok(dir.join("testsuite"))
}

fn observe(
    exe: &Path,
    source: &Path,
    script: &Path,
    who: Who,
    user: bool,
) -> Res<(BTreeMap<String, String>, String)> {
    let out = Command::new(exe)
        .args(["--autotest-in-sandbox", who.name()])
        .arg(if user { "user" } else { "root" })
        .arg(source)
        .arg(script)
        .output()
        .during(exe.display())?;
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    if !out.status.success() {
        return Err(format!("{text}{}", String::from_utf8_lossy(&out.stderr)));
    }
    let (lines, log) = text.split_once(LOG).ok_or("no log")?;
    Ok((verdicts(lines), log.to_owned()))
}

const LOG: &str = "---- log ----\n";

/// Reads autotest's progress lines: `  1: title    ok` or `… FAILED (file.at:12)`.
fn verdicts(text: &str) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    for line in text.lines() {
        let Some((number, rest)) = line.split_once(':') else {
            continue;
        };
        if number.trim().parse::<u32>().is_err() {
            continue;
        }
        for verdict in ["ok", "FAILED", "skipped"] {
            if let Some(at) = rest.find(&format!(" {verdict}")) {
                let title = format!("{} {}", number.trim(), rest[..at].trim());
                out.insert(title, verdict.to_owned());
                break;
            }
        }
    }
    out
}

/// Runs the whole script in this process's sandbox; prints its progress and its log.
pub fn in_sandbox(args: &[String]) -> Res<()> {
    let [who, user, source, script] = args else {
        return Err("not for use by hand".into());
    };
    let who = Who::parse(who).ok_or("not theirs or ours")?;
    enter(
        "trixie",
        who,
        &[(source.into(), "src"), (script.into(), "testsuite")],
    )?;
    let dir = Path::new("/t/at");
    fs::create_dir(dir).during("/t/at")?;
    let template = fs::read_to_string("/t/src/src/at/atlocal.in").during("atlocal.in")?;
    let mut local = template;
    for (name, value) in [
        ("abs_top_builddir", "/t/no-build-tree"),
        ("abs_top_srcdir", "/t/src"),
        ("GREP", "grep"),
        ("EGREP", "grep -E"),
        ("TAR", "tar"),
        ("PERL", "perl"),
        ("SED", "sed"),
        ("prefix", "/usr"),
        ("admindir", "/var/lib/dpkg"),
    ] {
        local = local.replace(&format!("@{name}@"), value);
    }
    // Data of the programs is where the packages put them, not in the source tree.
    let local: String = local
        .lines()
        .filter(|l| !l.contains("DPKG_DATADIR"))
        .map(|l| format!("{l}\n"))
        .collect();
    fs::write(dir.join("atlocal"), local).during("atlocal")?;
    let config = "at_testdir='.'\nabs_builddir='/t/at'\nat_srcdir='.'\nabs_srcdir='/t/at'\n\
                  at_top_srcdir='/t/src'\nabs_top_srcdir='/t/src'\nat_top_build_prefix='/t/no-build-tree/'\n\
                  abs_top_builddir='/t/no-build-tree'\nat_top_builddir='/t/no-build-tree'\n\
                  EXEEXT=''\nAUTOTEST_PATH='/t/bin'\nSHELL='/bin/sh'\n";
    fs::write(dir.join("atconfig"), config).during("atconfig")?;
    let mut suite = command("sh");
    suite
        .args(["/t/testsuite", "--color=never"])
        .env("AUTOTEST_PATH", "/t/bin")
        .current_dir(dir)
        .stdin(Stdio::null());
    if user == "user" {
        for path in [dir, Path::new("/t/home")] {
            chown(path, Some(USER), Some(USER)).during(path.display())?;
        }
        suite.uid(USER).gid(USER);
    }
    let out = suite.output().during("testsuite")?;
    print!("{}", String::from_utf8_lossy(&out.stdout));
    println!("{}", String::from_utf8_lossy(&out.stderr));
    print!("{LOG}");
    let log = fs::read(dir.join("testsuite.log")).unwrap_or_default();
    print!("{}", String::from_utf8_lossy(&log));
    Ok(())
}
