//! Must-show 9: how long it takes to build a view, to switch, to enter a context, and to rewrite files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::small::MV;
use super::system::{Room, System, VAR_SYS};
use super::{Extent, corpus, fetch, sandboxed};
use crate::{During, Res};

/// What the sandbox is called.
pub const NAME: &str = "speed";
/// How many packages the view has at least.
const PACKAGES: usize = 300;
/// How many times a short thing is done.
const TIMES: usize = 200;

/// All measurements; true if they could be made.
pub fn run(exe: &Path) -> Res<bool> {
    corpus::prepare()?;
    fetch::closures(&["postgresql-15", "curl-7"])?;
    let done = sandboxed(exe, &[NAME, "all"])
        .status()
        .during(exe.display())?;
    Ok(done.success())
}

/// Measures in the namespaces that this process was started in.
pub fn in_sandbox(_: Extent) -> Res<()> {
    let s = System::enter(NAME, Room::Disk)?;
    let debs = packages()?;
    println!("seconds, unless said otherwise");
    let count = debs.len();
    let (last, most) = debs.split_last().ok_or("no packages")?;
    let most = most.join(" ");
    let took = timed(|| s.must(&format!("{MV} --force-depends -i {most}")))?;
    line(
        &format!("install {} packages (unpack, link, view)", count - 1),
        took,
    );
    let took = timed(|| s.must(&format!("{MV} --force-depends -i {last}")))?;
    line(
        &format!("build a view of {count} installed packages by adding one"),
        took,
    );
    let took = timed(|| s.must("dpkg-ng view clone system other"))?;
    line(&format!("clone a view of {count} packages"), took);
    let mut took = Vec::new();
    for n in 0..20 {
        let to = format!("dpkg-ng view switch system@{}", 1 + n % 2);
        took.push(timed(|| s.must(&to))?);
    }
    line(
        "switch, with the start of dpkg-ng (median of 20)",
        median(took),
    );
    let mut at = BTreeMap::new();
    for command in ["/bin/true", "dpkg-ng run -- /bin/true", "dpkg-ng --version"] {
        let program = s.must(&format!(
            "cat >/tmp/loop <<'E'\nuse Time::HiRes 'time'; my @t; open STDOUT, '>', '/dev/null';\n\
             for (1..{TIMES}) {{ my $s = time; system(@ARGV) == 0 or die; push @t, time - $s }}\n\
             @t = sort {{ $a <=> $b }} @t; printf STDERR '%.6f', $t[@t / 2];\nE\nperl /tmp/loop {command}"
        ))?;
        let seconds: f64 = program.trim().parse().during(&program)?;
        println!(
            "{:<60} {:>9.3} ms",
            format!("{command} (median of {TIMES})"),
            seconds * 1000.0
        );
        at.insert(command, seconds);
    }
    let bare = at.get("/bin/true").copied().unwrap_or(f64::NAN);
    let run = at
        .get("dpkg-ng run -- /bin/true")
        .copied()
        .unwrap_or(f64::NAN);
    println!(
        "{:<60} {:>9.3} ms",
        "entering a context beside a bare exec",
        (run - bare) * 1000.0
    );
    let links = s.must(&format!(
        "find {VAR_SYS}/current-system/root -type f | wc -l"
    ))?;
    println!("{:<60} {:>9}", "files of the view", links.trim());

    println!("rewriting, beside patchelf, all of the corpus of amd64:");
    let out = Command::new(corpus::elf_corpus()?)
        .args(["patchelf", "patchelf"])
        .arg(fetch::corpus("amd64"))
        .env("TMPDIR", s.outside("/tmp"))
        .stderr(Stdio::inherit())
        .output()
        .during("elf-corpus")?;
    for line in String::from_utf8_lossy(&out.stdout).lines() {
        if !line.starts_with("refused:") {
            println!("  {line}");
        }
    }
    s.expect(true, String::new);
    s.finish()
}

fn line(what: &str, took: Duration) {
    println!("{what:<60} {:>9.3}", took.as_secs_f64());
}

fn timed<T>(work: impl FnOnce() -> Res<T>) -> Res<Duration> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed())
}

fn median(mut all: Vec<Duration>) -> Duration {
    all.sort();
    all.get(all.len() / 2).copied().unwrap_or_default()
}

/// About three hundred package files of the corpus with what they need of it.
fn packages() -> Res<Vec<String>> {
    let from = fetch::corpus("amd64").with_extension("debs");
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(&from).during(from.display())?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".deb") {
            files.insert(fetch::package_of(&name).to_owned(), name);
        }
    }
    let mut chosen = BTreeSet::new();
    // Spread over the alphabet.
    let names: Vec<&String> = files.keys().collect();
    let order = (0..7).flat_map(|n| names.iter().skip(n).step_by(7));
    for name in order {
        let mut todo = vec![(*name).clone()];
        while let Some(package) = todo.pop() {
            let Some(file) = files.get(&package) else {
                continue;
            };
            if chosen.insert(file.clone()) {
                todo.extend(depends(&from.join(file))?);
            }
        }
        if chosen.len() >= PACKAGES {
            break;
        }
    }
    Ok(chosen.iter().map(|n| format!("/debs/corpus/{n}")).collect())
}

/// The names in a package's dependencies.
fn depends(file: &Path) -> Res<Vec<String>> {
    let out = Command::new("dpkg-deb")
        .arg("-f")
        .arg(file)
        .args(["Pre-Depends", "Depends"])
        .output()
        .during("dpkg-deb")?;
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let names = text
        .lines()
        .filter_map(|l| l.split_once(": "))
        .flat_map(|(_, value)| value.split([',', '|']))
        .filter_map(|d| d.split_whitespace().next())
        .map(|d| d.split(':').next().unwrap_or(d).to_owned());
    Ok(names.collect())
}
