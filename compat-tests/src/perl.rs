//! dpkg's tests in Perl for its command-line tools, run against the programs under test as
//! installed. They speak TAP; ours must pass each test that stock passes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::report::Totals;
use crate::runner::{self, UnderTest};
use crate::sandbox::{Who, command, enter};
use crate::{During, Res, oracle};

/// The tests, in dpkg's source.
pub const SCRIPTS: [&str; 1] = ["utils/t/update_alternatives.t"];

/// Number and title of each test, and whether it passed.
type Verdicts = BTreeMap<String, bool>;

/// Runs the tests of the release's source. `exe` is the `compat` binary.
pub fn run(exe: &Path, release: &str) -> Res<Totals> {
    let source = oracle::source(release)
        .ok_or_else(|| format!("no dpkg source for {release}: compat oracle (or DPKG_HEAD_SRC)"))?;
    let under_test = UnderTest::from_env()?;
    let mut totals = Totals::default();
    let on = oracle::RELEASES.contains(&release).then_some(release);
    if under_test != UnderTest::Theirs && !on.map_or(Ok(true), runner::runs_on)? {
        totals.ignored = SCRIPTS.len();
        return Ok(totals);
    }
    for script in SCRIPTS {
        let (stock, _) = match under_test {
            UnderTest::Ours => Default::default(),
            _ => observe(exe, release, &source, script, Who::Theirs)?,
        };
        if under_test == UnderTest::Theirs {
            judge(script, &mut totals, &stock, &stock);
            continue;
        }
        let (ours, text) = observe(exe, release, &source, script, Who::Ours)?;
        let failed = totals.failed.len();
        if stock.is_empty() {
            judge(script, &mut totals, &ours, &ours);
        } else {
            let expected = stock.into_iter().filter(|(_, passed)| *passed).collect();
            judge(script, &mut totals, &expected, &ours);
        }
        if totals.failed.len() > failed {
            println!("{text}");
        }
    }
    Ok(totals)
}

/// Holds what was seen against the tests that there are to be.
fn judge(script: &str, totals: &mut Totals, expected: &Verdicts, seen: &Verdicts) {
    for test in expected.keys() {
        if seen.get(test).is_some_and(|passed| *passed) {
            totals.passed += 1;
        } else {
            println!("test {script} {test} ... FAILED");
            totals.failed.push(format!("{script} {test}"));
        }
    }
    println!("{script}: {} tests", expected.len());
}

fn observe(
    exe: &Path,
    release: &str,
    source: &Path,
    script: &str,
    who: Who,
) -> Res<(Verdicts, String)> {
    let out = Command::new(exe)
        .args(["--perl-in-sandbox", release, who.name(), script])
        .arg(source)
        .output()
        .during(exe.display())?;
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&out.stderr);
    let verdicts = verdicts(&text);
    if verdicts.is_empty() || !out.status.success() {
        return Err(format!("{script}: {text}{stderr}"));
    }
    let planned = text.lines().find_map(|l| l.strip_prefix("1.."));
    if planned != Some(verdicts.len().to_string().as_str()) {
        let count = verdicts.len();
        return Err(format!("{script} ended after {count} tests: {stderr}"));
    }
    Ok((verdicts, format!("{text}{stderr}")))
}

/// Reads TAP: `ok 1 - title`, `not ok 2 - title`.
fn verdicts(text: &str) -> Verdicts {
    let mut out = Verdicts::new();
    for line in text.lines() {
        let (passed, rest) = match line.strip_prefix("not ok ") {
            Some(rest) => (false, rest),
            None => match line.strip_prefix("ok ") {
                Some(rest) => (true, rest),
                None => continue,
            },
        };
        out.insert(rest.to_owned(), passed);
    }
    out
}

/// Runs one script in this process's sandbox; prints what it prints.
pub fn in_sandbox(args: &[String]) -> Res<()> {
    let [release, who, script, source] = args else {
        return Err("not for use by hand".into());
    };
    let who = Who::parse(who).ok_or("not theirs or ours")?;
    // A source tree that is no release's is run on the newest system.
    let release = if oracle::RELEASES.contains(&release.as_str()) {
        release
    } else {
        oracle::RELEASES[0]
    };
    enter(release, who, &[(source.into(), "src")])?;
    let dir = Path::new("/t/perl");
    fs::create_dir(dir).during(dir.display())?;
    let script = Path::new("/t/src").join(script);
    // That tests fail is for the reader of their words to see.
    command("perl")
        .arg(&script)
        .env("PERL5LIB", "/t/src/scripts")
        .env("srcdir", script.ancestors().nth(2).unwrap_or(dir))
        .env("builddir", "/t/bin")
        .current_dir(dir)
        .stdin(Stdio::null())
        .status()
        .during("perl")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::verdicts;

    #[test]
    fn tap_is_read() {
        let seen = verdicts("1..3\nok 1 - a b\n# ok 7\nnot ok 2 - c\nok 3\n");
        let seen: Vec<_> = seen.iter().map(|(t, p)| (t.as_str(), *p)).collect();
        assert_eq!(seen, [("1 - a b", true), ("2 - c", false), ("3", true)]);
    }
}
