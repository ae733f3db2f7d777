//! Must-show 9: how long it takes to build a view, to switch, to enter a context, and to rewrite files.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::small::MV;
use super::system::{Room, System, VAR_SYS};
use super::{Extent, corpus, fetch, sandboxed};
use crate::{During, Res, oracle};

/// What the sandbox is called.
pub const NAME: &str = "speed";
/// How many packages the view has.
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
    let debs = packages(&s)?;
    println!("seconds, unless said otherwise");
    let (last, most) = debs.split_last().ok_or("no packages")?;
    let most = most.join(" ");
    let took = timed(|| s.must(&format!("{MV} --no-scripts --force-depends -i {most}")))?;
    line("install 299 packages (unpack, link, view)", took);
    let took = timed(|| s.must(&format!("{MV} --no-scripts --force-depends -i {last}")))?;
    line("build a view of 300 installed packages by adding one", took);
    let took = timed(|| s.must("dpkg-ng view clone system other"))?;
    line("clone a view of 300 packages", took);
    let mut took = Vec::new();
    for n in 0..20 {
        let to = format!("dpkg-ng view switch system@{}", 1 + n % 2);
        took.push(timed(|| s.must(&to))?);
    }
    line(
        "switch, with the start of dpkg-ng (median of 20)",
        median(took),
    );
    let mut at = std::collections::BTreeMap::new();
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

/// Three hundred package files of the corpus, shown in the system.
fn packages(s: &System) -> Res<Vec<String>> {
    let from = fetch::corpus("amd64").with_extension("debs");
    let to = s.outside("/debs/corpus");
    std::fs::create_dir_all(&to).during(to.display())?;
    crate::sandbox::bind(&from, &to, false)?;
    let mut names: Vec<String> = std::fs::read_dir(&from)
        .during(from.display())?
        .flatten()
        .filter_map(|e| e.file_name().into_string().ok())
        .filter(|n| n.ends_with(".deb"))
        .collect();
    names.sort();
    // Spread over all; libc6 is among them in any case.
    let step = (names.len() / PACKAGES).max(1);
    let libc = names.iter().find(|n| n.starts_with("libc6_")).cloned();
    let some = names.into_iter().step_by(step);
    let mut chosen: Vec<String> = libc.into_iter().chain(some).collect();
    chosen.dedup();
    chosen.truncate(PACKAGES);
    if chosen.len() < PACKAGES {
        return Err(format!("only {} packages", chosen.len()));
    }
    oracle::need("patchelf", "patchelf")?;
    Ok(chosen.iter().map(|n| format!("/debs/corpus/{n}")).collect())
}
