//! Kills a command at its every moment: whoever makes a call that changes the system, and once all
//! processes, once only the caller. In each wreck all programs of dpkg's must work, two ways
//! must lead on to the state that the undisturbed command leaves, and one back to stock.

use std::path::Path;

use super::scenes::WORDS;
use super::system::{RUN, SAID, System, command_in, missing, must, programs, sh, state};
use crate::Res;
use crate::report::diff;
use crate::snapshot::now;
use crate::watch::{Calls, Victim, watch};

/// One command on a system made ready by stock.
pub struct Kill {
    /// `kill-` and this is its name.
    pub name: &'static str,
    before: &'static str,
    command: &'static str,
}

const BOTH: &str = "dpkg -i /t/debs/ng1.deb /t/debs/as1.deb";

/// What was being unpacked may have to be forced away.
const BACK: &str = "dpkg --purge --force-remove-reinstreq dpkg-ng-as-dpkg dpkg-ng; stock";

/// All of them. Who runs the command follows from what is there: stock, or ours.
pub const KILLS: &[Kill] = &[
    Kill {
        name: "install",
        before: ":",
        command: BOTH,
    },
    Kill {
        name: "install-by-ours",
        before: "dpkg -i /t/debs/ng1.deb",
        command: "dpkg-ng -i /t/debs/as1.deb",
    },
    Kill {
        name: "upgrade",
        before: BOTH,
        command: "dpkg -i /t/debs/ng2.deb /t/debs/as2.deb",
    },
    Kill {
        name: "remove",
        before: BOTH,
        command: "dpkg --purge dpkg-ng dpkg-ng-as-dpkg",
    },
    Kill {
        name: "remove-by-stock",
        before: BOTH,
        command: "$(command -v dpkg.distrib || echo dpkg) --purge dpkg-ng-as-dpkg dpkg-ng",
    },
    Kill {
        name: "remove-unpacked",
        before: "dpkg -i /t/debs/ng1.deb /t/debs/as1.deb; dpkg --unpack /t/debs/as2.deb",
        command: "dpkg --purge dpkg-ng-as-dpkg",
    },
    Kill {
        name: "dpkg-under-it",
        before: BOTH,
        command: "dpkg -i /t/debs/dpkg2.deb",
    },
    Kill {
        name: "dpkg-moved-under-it",
        before: BOTH,
        command: "dpkg -i /t/debs/dpkg3.deb",
    },
];

/// Kills at so many moments, or at all of them.
pub fn run(name: &str, moments: Option<usize>) -> Res<()> {
    let kill = KILLS
        .iter()
        .find(|k| k.name == name)
        .ok_or_else(|| format!("no kill-{name}"))?;
    let since = now();
    let programs = programs()?;
    let look = || missing(&programs).map(|p| format!("{p} is missing"));
    let start = System::default().begin()?;
    must(kill.before)?;

    let whole = start.begin()?;
    let undisturbed = watch(
        command_in(kill.command),
        Path::new(SAID),
        Calls::Names,
        None,
        &look,
    )?;
    if undisturbed.code != Some(0) {
        return Err(format!(
            "undisturbed: {:?}\n{}",
            undisturbed.code, undisturbed.said
        ));
    }
    let end = state(since);
    whole.discard()?;
    let points = undisturbed.points;
    let mut failures: Vec<String> = undisturbed.seen.into_iter().collect();

    let all = moments.is_none();
    let step = moments.map_or(1, |m| points.len().div_ceil(m).max(1));
    let mut kills = 0;
    for n in (step / 2..points.len()).step_by(step) {
        let victims: &[Victim] = match all {
            true => &[Victim::All, Victim::Caller],
            false if (n / step).is_multiple_of(4) => &[Victim::Caller],
            false => &[Victim::All],
        };
        for &victim in victims {
            let wreck = start.begin()?;
            let died = watch(
                command_in(kill.command),
                Path::new(SAID),
                Calls::Names,
                Some((n, victim)),
                &look,
            )?;
            let at = format!(
                "killed {victim:?} at {}",
                died.points.get(n).map_or("no point", String::as_str)
            );
            if !died.killed {
                // The number of calls varies a little with the order of threads.
                wreck.discard()?;
                continue;
            }
            kills += 1;
            failures.extend(died.seen.map(|what| format!("{at}: {what}")));
            failures.extend(look().map(|what| format!("{at}: {what}")));
            let (code, said) = sh(
                "dpkg --version && dpkg-query -W dpkg && dpkg-deb --version && dpkg-divert --list",
            )?;
            if code != 0 {
                failures.push(format!("{at}: dpkg does not work: exit {code}\n{said}"));
            }
            for configure in [true, false] {
                let way = wreck.begin()?;
                if let Err(e) = recover(kill, configure, &end, since) {
                    failures.push(format!("{at}, {e}"));
                }
                failures.extend(look().map(|what| format!("{at}, recovered: {what}")));
                way.discard()?;
            }
            if !name.starts_with("dpkg-") {
                let way = wreck.begin()?;
                let (code, said) = sh(&format!("{WORDS}{BACK}"))?;
                if code != 0 {
                    failures.push(format!("{at}: no way back: exit {code}\n{said}"));
                }
                way.discard()?;
            }
            wreck.discard()?;
        }
    }
    println!(
        "{name}: {kills} kills at {} points, {} failures",
        points.len(),
        failures.len()
    );
    if failures.is_empty() && kills > 0 {
        return Ok(());
    }
    Err(failures.join("\n"))
}

/// Goes on from the wreck at [`RUN`] until the state is the one wanted.
fn recover(kill: &Kill, configure: bool, end: &str, since: i64) -> Res<()> {
    let again = "dpkg --configure -a";
    // The first may fail: what is half installed cannot be configured.
    let steps = match configure {
        true => [again, kill.command],
        false => [kill.command, again],
    };
    let mut said = String::new();
    let mut last = 0;
    for step in steps {
        let (code, words) = sh(step)?;
        last = code;
        said.push_str(&format!("$ {step}: exit {code}\n{words}"));
        if !configure && code == 0 && state(since) == end {
            return Ok(());
        }
    }
    let now = state(since);
    if last == 0 && now == end {
        return Ok(());
    }
    let way = if configure {
        "configured first"
    } else {
        "run again"
    };
    Err(format!(
        "{way} in {RUN}: exit {last}\n{said}{}",
        diff(end, &now)
    ))
}
