//! dpkg's own functional suite (`tests/t-*` of its source), made strong.
//!
//! Many of its tests look at exit codes only. Here each call of a tool is recorded: arguments, exit
//! code, output, and what it changed of the database and of the tree. The records of stock and of
//! ours must be equal, besides the verdict of the test itself. Every test runs in its own sandbox
//! on a fresh database.
//!
//! `baseline/suite-RELEASE-USER.tsv` holds stock's verdict for each test.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{chown, symlink};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use crate::report::{Totals, diff};
use crate::runner::{UnderTest, each};
use crate::sandbox::{ENV, Who, command, enter};
use crate::snapshot::{Snapshot, normalise, now};
use crate::world::USER;
use crate::{During, Res, oracle};

/// Where the wrappers put their records.
const TRACE: &str = "/t/trace";

/// Tests that need a terminal or gigabytes.
const MANUAL: [&str; 2] = ["t-conffile-prompt", "t-deb-lfs"];

/// Runs the suite that `release` ships, as root or as a user. `record` writes the baseline anew.
pub fn run(exe: &Path, release: &str, user: bool, record: bool, names: &[String]) -> Res<Totals> {
    let source = oracle::source(release).ok_or_else(|| {
        format!("no dpkg source for {release}: compat oracle (or DPKG_HEAD_SRC for head)")
    })?;
    let under_test = if record {
        UnderTest::Theirs
    } else {
        UnderTest::from_env()?
    };
    let tests: Vec<String> = list(&source.join("tests"))?
        .into_iter()
        .filter(|t| names.is_empty() || names.iter().any(|n| t.contains(n.as_str())))
        .collect();
    let who = if user { "user" } else { "root" };
    let baseline_file = baseline(&format!("suite-{release}-{who}"));
    let known = read_baseline(&baseline_file);
    let totals = Mutex::new(Totals::default());
    let verdicts = Mutex::new(BTreeMap::new());
    each(&tests, |test| {
        let call = |side: Who| observe(exe, release, &source, side, who, test);
        let verdict = (|| {
            let theirs = match under_test {
                UnderTest::Ours => None,
                _ => Some(call(Who::Theirs)?),
            };
            let expected = known.get(test).map_or("none recorded", String::as_str);
            if let Some((stock, _)) = &theirs {
                if let Ok(mut v) = verdicts.lock() {
                    v.insert(test.clone(), stock.clone());
                }
                if !record && stock != expected {
                    return Err(format!(
                        "stock's own verdict is {stock}, recorded is {expected}\n"
                    ));
                }
            }
            if under_test == UnderTest::Theirs {
                return Ok(());
            }
            let (ours, seen) = call(Who::Ours)?;
            if let Some((_, stock_seen)) = theirs
                && stock_seen != seen
            {
                return Err(format!(
                    "verdict {ours}, stock's {expected}\n{}",
                    diff(&stock_seen, &seen)
                ));
            }
            if ours != expected {
                return Err(format!("verdict {ours}, stock's {expected}\n"));
            }
            Ok(())
        })();
        let Ok(mut totals) = totals.lock() else {
            return;
        };
        match verdict {
            Ok(()) => {
                totals.passed += 1;
                println!("test {release}/{who}/{test} ... ok");
            }
            Err(report) => {
                println!("test {release}/{who}/{test} ... FAILED\n{report}");
                totals.failed.push(format!("{release}/{who}/{test}"));
            }
        }
    });
    if record {
        write_baseline(&baseline_file, &verdicts.into_inner().during("verdicts")?)?;
    }
    totals.into_inner().during("totals")
}

/// The recorded verdicts live beside the source of this crate.
pub fn baseline(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("baseline")
        .join(format!("{name}.tsv"))
}

/// Test name to verdict.
pub fn read_baseline(file: &Path) -> BTreeMap<String, String> {
    fs::read_to_string(file)
        .unwrap_or_default()
        .lines()
        .filter_map(|l| l.split_once('\t'))
        .map(|(t, v)| (t.to_owned(), v.to_owned()))
        .collect()
}

/// The reverse of [`read_baseline`].
pub fn write_baseline(file: &Path, verdicts: &BTreeMap<String, String>) -> Res<()> {
    let text: String = verdicts
        .iter()
        .map(|(t, v)| format!("{t}\t{v}\n"))
        .collect();
    fs::write(file, text).during(file.display())
}

fn list(tests: &Path) -> Res<Vec<String>> {
    let mut names: Vec<String> = fs::read_dir(tests)
        .during(tests.display())?
        .flatten()
        .filter(|e| e.path().join("Makefile").is_file())
        .map(|e| e.file_name().to_string_lossy().into_owned())
        .filter(|n| n.starts_with("t-") && !MANUAL.contains(&n.as_str()))
        .collect();
    names.sort();
    Ok(names)
}

fn observe(
    exe: &Path,
    release: &str,
    source: &Path,
    side: Who,
    user: &str,
    test: &str,
) -> Res<(String, String)> {
    // The bookworm suite is run with trixie's binaries, too: the reference is one dpkg.
    let _ = release;
    let out = Command::new(exe)
        .args(["--suite-in-sandbox", side.name(), user, test])
        .arg(source)
        .output()
        .during(exe.display())?;
    if !out.status.success() {
        return Err(String::from_utf8_lossy(&out.stderr).into_owned());
    }
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let (verdict, seen) = text.split_once('\n').ok_or("no verdict")?;
    Ok((verdict.to_owned(), seen.to_owned()))
}

/// Runs one test in this process's sandbox; prints the verdict and the record.
pub fn in_sandbox(args: &[String]) -> Res<()> {
    let [side, user, test, source] = args else {
        return Err("not for use by hand".into());
    };
    let side = Who::parse(side).ok_or("not theirs or ours")?;
    let wrap = std::env::current_exe()
        .during("own path")?
        .with_file_name("compat-wrap");
    let tests = Path::new(source).join("tests");
    enter("trixie", side, &[(tests, "shipped"), (wrap, "compat-wrap")])?;
    for d in ["/t/wrap", "/t/tests", TRACE] {
        fs::create_dir(d).during(d)?;
    }
    for tool in fs::read_dir("/t/bin").during("/t/bin")?.flatten() {
        symlink(
            "/t/compat-wrap",
            Path::new("/t/wrap").join(tool.file_name()),
        )
        .during("wrap")?;
    }
    let parts = [
        "Makefile",
        "Test.mk",
        "Feature.mk",
        "dpkgdb",
        "dpkginst",
        test.as_str(),
    ];
    for part in parts {
        let from = Path::new("/t/shipped").join(part);
        if from.exists() {
            let done = command("cp").arg("-a").arg(from).arg("/t/tests").status();
            if !done.during("cp")?.success() {
                return Err(format!("copying {part} failed"));
            }
        }
    }
    // Not in a released tree, but made by its build.
    for d in ["info", "triggers", "updates"] {
        fs::create_dir_all(Path::new("/t/tests/dpkgdb").join(d)).during(d)?;
    }
    fs::create_dir_all("/t/tests/dpkginst").during("dpkginst")?;
    for f in ["status", "available"] {
        let f = Path::new("/t/tests/dpkgdb").join(f);
        if !f.exists() {
            fs::write(&f, "").during(f.display())?;
        }
    }
    let mut make = command("timeout");
    make.args(["-k", "5", "120", "make", "-C"])
        .arg(Path::new("/t/tests").join(test))
        .arg("test")
        .env("PATH", format!("/t/wrap:{}", ENV[0].1))
        .env("COMPAT_SINCE", now().to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if user == "user" {
        let done = command("chown")
            .args([
                "-R",
                &format!("{USER}:{USER}"),
                "/t/tests",
                TRACE,
                "/t/home",
            ])
            .status();
        if !done.during("chown")?.success() {
            return Err("chown failed".into());
        }
        chown("/t/w", Some(USER), Some(USER)).during("/t/w")?;
        make.uid(USER).gid(USER);
    } else {
        make.env("DPKG_TESTSUITE_OPTIONS", "as-root");
    }
    write_snapshot(0, 0)?;
    let status = make.status().during("make")?;
    println!("{}", if status.success() { "pass" } else { "fail" });
    let mut before = read_snapshot(0)?;
    for n in 1.. {
        let Ok(head) = fs::read_to_string(record_path(n, "call")) else {
            break;
        };
        let after = read_snapshot(n)?;
        print!("{head}{}", after.changes(&before));
        before = after;
    }
    Ok(())
}

fn record_path(n: usize, what: &str) -> PathBuf {
    Path::new(TRACE).join(format!("{n}.{what}"))
}

fn take(since: i64) -> Snapshot {
    let mut s = Snapshot::default();
    s.walk("", Path::new("/t/up/main"), since, &|p| p == "t");
    // `Lock` files come and stay; everything else of the database counts.
    s.walk("DB", Path::new("/t/tests/dpkgdb"), since, &|_| false);
    s.walk("INST", Path::new("/t/tests/dpkginst"), since, &|_| false);
    s
}

fn write_snapshot(n: usize, since: i64) -> Res<()> {
    let mut out = String::new();
    for (k, v) in take(since).entries {
        out.push_str(&format!("{k}\u{1}{v}\u{2}"));
    }
    fs::write(record_path(n, "snap"), out).during("snapshot")
}

fn read_snapshot(n: usize) -> Res<Snapshot> {
    let path = record_path(n, "snap");
    let text = fs::read_to_string(&path).during(path.display())?;
    Ok(Snapshot::of(
        text.split('\u{2}')
            .filter_map(|e| e.split_once('\u{1}'))
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .collect(),
    ))
}

/// What the wrapper program does. Gives the exit code of the real tool.
pub fn wrap() -> Res<u8> {
    const NESTED: &str = "COMPAT_NESTED";
    let mut args = std::env::args_os();
    let me = PathBuf::from(args.next().unwrap_or_default());
    let tool = me.file_name().unwrap_or_default();
    let args: Vec<OsString> = args.collect();
    let real = Path::new("/t/bin").join(tool);
    let mut c = Command::new(&real);
    c.args(&args);
    // A tool called by a tool or by a maintainer script is a part of the outer call: stock calls
    // dpkg-deb as a program, ours need not.
    if std::env::var_os(NESTED).is_some() {
        return Err(format!("{}: {}", real.display(), c.exec()));
    }
    let out = c
        .env(NESTED, "1")
        .stdin(Stdio::inherit())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .output()
        .during(real.display())?;
    let code = out
        .status
        .code()
        .unwrap_or_else(|| 128 + out.status.signal().unwrap_or(0));
    let n = (1..)
        .find(|n| !record_path(*n, "call").exists())
        .unwrap_or(1);
    let mut head = format!("$ {}", tool.to_string_lossy());
    for arg in &args {
        head.push_str(&format!(" {}", arg.to_string_lossy()));
    }
    head.push_str(&format!("\n  exit {code}\n"));
    for (name, bytes) in [("stdout", &out.stdout), ("stderr", &out.stderr)] {
        for line in String::from_utf8_lossy(bytes).lines() {
            head.push_str(&format!("  {name}: {}\n", normalise(line)));
        }
    }
    fs::write(record_path(n, "call"), head).during("record")?;
    let since = std::env::var("COMPAT_SINCE")
        .ok()
        .and_then(|s| s.parse().ok())
        .unwrap_or(0);
    write_snapshot(n, since)?;
    // The reader may have gone: that is its business.
    let _ = std::io::stdout().write_all(&out.stdout);
    let _ = std::io::stderr().write_all(&out.stderr);
    Ok(u8::try_from(code).unwrap_or(u8::MAX))
}
