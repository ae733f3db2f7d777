//! `--config`: the table of choices and the question.

use std::io::BufRead;

use libdpkgng::alternatives::{Choice, Chooser, Group, Mode, Pick};
use libdpkgng::error::Result;
use libdpkgng::report::{Event, Reporter};
use libdpkgng::sys::lines::Fgets;
use libdpkgng::{msg, msgn};

use super::show;
use crate::cli::strtol;

/// The longest answer, with newline and terminator (POSIX's smallest limit for paths).
const LONGEST_ANSWER: usize = 256;
/// The narrowest column of paths.
const PATH_WIDTH: usize = 15;

/// Whoever is at standard input.
pub struct Menu<'a> {
    answers: Fgets<'a>,
    skip_auto: bool,
}

impl<'a> Menu<'a> {
    /// Ask; with `skip_auto` only about groups in manual mode.
    pub fn new(input: &'a mut dyn BufRead, skip_auto: bool) -> Menu<'a> {
        Menu {
            answers: Fgets::new(input),
            skip_auto,
        }
    }

    /// One answer; nothing at the end of the input. A failed read is an end too.
    fn answer(&mut self) -> Option<Vec<u8>> {
        let mut line = self.answers.next(LONGEST_ANSWER).ok().flatten()?;
        // The newline; or the last byte that fitted, or came, without one.
        line.pop()?;
        Some(line)
    }
}

impl Chooser for Menu<'_> {
    fn choose(
        &mut self,
        report: &mut dyn Reporter,
        group: &Group,
        current: Option<&[u8]>,
    ) -> Result<Pick> {
        let Some(best) = group.best(current) else {
            let text = "There is no program which provides %s.";
            report.output(msg!("%s\n", msg!(text, &group.name)));
            report.output(msg!("%s\n", msg!("Nothing to configure.")));
            return Ok(Pick::Nothing);
        };
        if self.skip_auto && group.mode == Mode::Auto {
            show::display_group(report, group);
            show::display_choices(report, group, current);
            return Ok(Pick::Nothing);
        }
        loop {
            table(report, group, best, current);
            report.output(msg!(concat!(
                "Press <enter> to keep the current choice[*], ",
                "or type selection number: "
            )));
            report.event(&Event::Flush);
            let Some(answer) = self.answer() else {
                return Ok(Pick::Nothing);
            };
            if let Some(pick) = understand(group, &answer) {
                return Ok(pick);
            }
        }
    }
}

/// What an answer means, if anything.
fn understand(group: &Group, answer: &[u8]) -> Option<Pick> {
    if answer.is_empty() {
        return Some(Pick::Keep);
    }
    // Stock keeps the number in an int.
    match strtol(answer, 10).map(|n| n as i32) {
        Some(0) => Some(Pick::Auto),
        Some(n) if n > 0 => {
            let index = usize::try_from(n).ok()?.checked_sub(1)?;
            let choice = group.choices.get(index)?;
            Some(Pick::Choice(choice.path.clone()))
        }
        _ => group.choice(answer).map(|c| Pick::Choice(c.path.clone())),
    }
}

fn table(report: &mut dyn Reporter, group: &Group, best: &Choice, current: Option<&[u8]>) {
    let count = group.choices.len();
    let text = msgn!(
        count,
        "There is %d choice for the alternative %s (providing %s).",
        "There are %d choices for the alternative %s (providing %s).",
        count,
        &group.name,
        &group.link
    );
    report.output(msg!("%s\n\n", text));
    let widest = group.choices.iter().map(|c| c.path.len() + 1).max();
    let width = widest.unwrap_or(0).max(PATH_WIDTH);
    report.output(msg!(
        "  %-12.12s %-*.*s %-10.10s %s\n",
        msg!("Selection"),
        width,
        width,
        msg!("Path"),
        msg!("Priority"),
        msg!("Status")
    ));
    report.event(&Event::Data(
        b"------------------------------------------------------------\n",
    ));
    let first = std::iter::once((Mode::Auto, best));
    let manual = group.choices.iter().map(|c| (Mode::Manual, c));
    for (number, (mode, choice)) in first.chain(manual).enumerate() {
        let is_current = group.mode == mode && current == Some(choice.path.as_slice());
        report.output(msg!(
            "%c %-12d %-*s % -10d %s\n",
            if is_current { b'*' } else { b' ' },
            number,
            width,
            &choice.path,
            choice.priority,
            mode.description()
        ));
    }
    report.event(&Event::Data(b"\n"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_numbers_or_paths() {
        let mut group = Group::new(b"g", b"/l", Mode::Auto);
        for path in ["/a", "/b", "7"] {
            group.add_choice(Choice {
                path: path.into(),
                priority: 0,
                slaves: Vec::new(),
            });
        }
        let choice = |p: &str| Some(Pick::Choice(p.into()));
        for (answer, pick) in [
            ("", Some(Pick::Keep)),
            ("0", Some(Pick::Auto)),
            ("-0", Some(Pick::Auto)),
            (" 2", choice("/b")),
            ("2 ", None),
            ("/a", choice("/a")),
            ("4", None),
            ("-1", None),
            ("7", None),
            ("4294967296", Some(Pick::Auto)),
            ("99999999999999999999", None),
        ] {
            assert_eq!(understand(&group, answer.as_bytes()), pick, "{answer}");
        }
    }
}
