//! Must-show 7: killed before any call that changes something, the current generation is whole and usable, and the
//! command can be given again, after which nothing is left of the wreck.

use super::Extent;
use super::fixtures;
use super::small::MV;
use super::system::{System, VAR_SYS};
use crate::Res;
use crate::watch::{Calls, Victim, watch};

/// How many moments a sample has.
const SAMPLE: usize = 16;

struct Kill {
    /// What to do before.
    before: Vec<String>,
    command: String,
    /// What `fix` may say in the wreck, and what it says in the end.
    during: &'static [&'static str],
    after: &'static str,
}

/// A new library version for a program, with another program.
pub fn install(s: &System, extent: Extent) -> Res<()> {
    let (before, new) = start(s)?;
    let kill = Kill {
        before,
        command: format!("dpkg-ng --view system -i {new}"),
        during: &["libfix 1\n", "libfix 2\n"],
        after: "libfix 2\n",
    };
    kills(s, &kill, extent)
}

/// To the generation before.
pub fn switch(s: &System, extent: Extent) -> Res<()> {
    let (mut before, new) = start(s)?;
    before.push(format!("dpkg-ng --view system -i {new}"));
    let kill = Kill {
        before,
        command: "dpkg-ng view switch system@1".into(),
        during: &["libfix 1\n", "libfix 2\n"],
        after: "libfix 1\n",
    };
    kills(s, &kill, extent)
}

/// To the older library, for all.
pub fn relink(s: &System, extent: Extent) -> Res<()> {
    let (mut before, new) = start(s)?;
    before.push(format!("dpkg-ng --view system -i {new}"));
    let kill = Kill {
        before,
        command: "dpkg-ng relink libfix.so.1=1".into(),
        during: &["libfix 1\n", "libfix 2\n"],
        after: "libfix 1\n",
    };
    kills(s, &kill, extent)
}

/// Of a generation, a package and a realization.
pub fn gc(s: &System, extent: Extent) -> Res<()> {
    let (mut before, new) = start(s)?;
    before.push(format!("dpkg-ng --view system -i {new}"));
    before.push(format!("{MV} -r fix-too"));
    let kill = Kill {
        before,
        command: "dpkg-ng gc --keep 1".into(),
        during: &["libfix 2\n"],
        after: "libfix 2\n",
    };
    kills(s, &kill, extent)
}

/// The first commands, and the packages of the second.
fn start(s: &System) -> Res<(Vec<String>, String)> {
    fixtures::make(s)?;
    let first = fixtures::debs(s, &["libfix1_1", "fix", "fix-too", "fixdata_1"])?;
    let new = fixtures::debs(s, &["libfix1_2", "fixnew", "fixdata_2"])?;
    Ok((vec![format!("{MV} -i {first}")], new))
}

const SAVED: &str = "/tmp/saved";
const SAID: &str = "/tmp/said";

/// Everything of the current generation can be read, no link of it leads nowhere, and its program runs. Prints
/// what the program says.
const LOOK: &str = "
set -e
G=$(readlink -f /var/sys/current-system)
[ -f $G/manifest ]
find $G/ -type f -exec cat {} + >/dev/null
find $G/lib $G/bin -xtype l >/tmp/dangling
[ ! -s /tmp/dangling ] || { echo dangling:; cat /tmp/dangling; exit 1; }
$G/bin/fix
/var/sys/current-system/bin/fix >/dev/null
";

fn kills(s: &System, kill: &Kill, extent: Extent) -> Res<()> {
    for line in &kill.before {
        s.must(line)?;
    }
    let reset = format!("rm -rf {VAR_SYS}/* && cp -a {SAVED}/. {VAR_SYS}/");
    s.must(&format!("cp -a {VAR_SYS} {SAVED}"))?;
    let host = s.host()?;
    let said = s.outside(SAID);
    let nothing = || None;
    let whole = watch(
        s.command(&kill.command),
        &said,
        Calls::Changes,
        None,
        &nothing,
    )?;
    if whole.code != Some(0) {
        return Err(format!(
            "{}, undisturbed: exit {:?}\n{}",
            kill.command, whole.code, whole.said
        ));
    }
    s.same_text("undisturbed", kill.after, &s.must(LOOK)?);
    let points = whole.points;
    let step = match extent {
        Extent::All => 1,
        Extent::Sample => points.len().div_ceil(SAMPLE).max(1),
    };
    let mut killed = 0;
    for n in (step / 2..points.len()).step_by(step) {
        for victim in [Victim::All, Victim::Caller] {
            if extent == Extent::Sample && victim == Victim::Caller && (n / step) % 4 != 0 {
                continue;
            }
            s.must(&reset)?;
            let died = watch(
                s.command(&kill.command),
                &said,
                Calls::Changes,
                Some((n, victim)),
                &nothing,
            )?;
            if !died.killed {
                // The number of calls varies a little with the order of threads.
                continue;
            }
            killed += 1;
            let point = died.points.get(n).cloned().unwrap_or_default();
            let at = format!("{}, killed {victim:?} at {point}", kill.command);
            let look = s.sh(LOOK)?;
            let usable = look.code == 0 && kill.during.contains(&look.text.as_str());
            s.expect(usable, || {
                format!("{at}: not usable: exit {}\n{}", look.code, look.text)
            });
            // A child alone that died is an error of the command, which may have cleaned up itself.
            let again = s.sh(&kill.command)?;
            s.expect(again.code == 0, || {
                format!("{at}, again: exit {}\n{}", again.code, again.text)
            });
            let look = s.sh(LOOK)?;
            s.expect(look.code == 0 && look.text == kill.after, || {
                format!("{at}, again: not usable: exit {}\n{}", look.code, look.text)
            });
            let left = s.must(&format!("ls -A {VAR_SYS}/tmp"))?;
            s.same_text(format!("{at}: left behind"), "", left.trim());
        }
    }
    println!("    {} points, {killed} kills", points.len());
    s.expect(killed > 0, || "nothing was killed".into());
    s.same_text("the host", &host, &s.host()?);
    Ok(())
}
