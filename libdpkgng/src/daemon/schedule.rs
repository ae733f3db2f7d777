//! What to do about a process that does not end: signals and pauses, in turn (`--retry`).

use crate::error::{Error, Result};
use crate::msg;

/// One thing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send this signal.
    Signal(i32),
    /// Watch for so many seconds whether the processes end.
    Wait(u32),
}

/// All there is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// In order.
    pub steps: Vec<Step>,
    /// Where to go on after the last one, if not to end there.
    pub forever_from: Option<usize>,
}

/// One item between slashes.
enum Item {
    Step(Step),
    Forever,
}

/// Longer items are refused.
const LONGEST: usize = 19;

fn item(text: &[u8]) -> Result<Item> {
    if text == b"forever" {
        return Ok(Item::Forever);
    }
    if text.first().is_some_and(u8::is_ascii_digit) {
        let seconds = super::unsigned(text, 10)
            .ok()
            .and_then(|n| u32::try_from(n).ok());
        return seconds
            .map(|n| Item::Step(Step::Wait(n)))
            .ok_or_else(|| Error::usage(msg!("invalid timeout value in schedule")));
    }
    super::signals::parse(text.strip_prefix(b"-").unwrap_or(text))
        .map(|signal| Item::Step(Step::Signal(signal)))
        .ok_or_else(|| {
            Error::usage(msg!(concat!(
                "invalid schedule item (must be [-]<signal-name>, ",
                "-<signal-number>, <timeout> or 'forever'"
            )))
        })
}

impl Schedule {
    /// Read a schedule. A lone timeout stands for `signal`, the timeout, KILL, and the timeout
    /// again.
    ///
    /// # Errors
    /// A usage error.
    pub fn parse(text: &[u8], signal: i32) -> Result<Schedule> {
        if !text.contains(&b'/') {
            let Item::Step(wait @ Step::Wait(_)) = item(text)? else {
                return Err(Error::usage(msg!(
                    "--retry takes timeout, or schedule list of at least two items"
                )));
            };
            return Ok(Schedule {
                steps: vec![
                    Step::Signal(signal),
                    wait,
                    Step::Signal(libc::SIGKILL),
                    wait,
                ],
                forever_from: None,
            });
        }
        let mut steps = Vec::new();
        let mut forever_from = None;
        let ended = text.strip_suffix(b"/");
        for word in ended.unwrap_or(text).split(|c| *c == b'/') {
            if word.len() > LONGEST {
                return Err(Error::usage(msg!(
                    "invalid schedule item: far too long (you must delimit items with slashes)"
                )));
            }
            match item(word)? {
                Item::Step(step) => steps.push(step),
                Item::Forever if forever_from.is_some() => {
                    return Err(Error::usage(msg!(
                        "invalid schedule: 'forever' appears more than once"
                    )));
                }
                Item::Forever => forever_from = Some(steps.len()),
            }
        }
        if forever_from == Some(steps.len()) {
            return Err(Error::usage(msg!(
                "invalid schedule: 'forever' appears last, nothing to repeat"
            )));
        }
        if ended.is_some() {
            // Stock has counted an item after the last slash, and misses it now.
            let count = steps.len() + usize::from(forever_from.is_some());
            return Err(Error::internal(msg!(
                "count=%d != schedule_length=%d",
                count,
                count + 1
            )));
        }
        Ok(Schedule {
            steps,
            forever_from,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<Schedule> {
        Schedule::parse(text.as_bytes(), libc::SIGHUP).ok()
    }

    #[test]
    fn a_lone_timeout_is_a_whole_schedule() {
        let steps = parse("5").unwrap().steps;
        let wait = Step::Wait(5);
        assert_eq!(steps, [Step::Signal(1), wait, Step::Signal(9), wait]);
    }

    #[test]
    fn items_and_where_they_repeat() {
        let schedule = parse("-TERM/HUP/-9/7/forever/INT/1").unwrap();
        assert_eq!(schedule.forever_from, Some(4));
        assert_eq!(schedule.steps.len(), 6);
        assert_eq!(schedule.steps[2..4], [Step::Signal(9), Step::Wait(7)]);
        assert_eq!(parse("forever/0/1").unwrap().forever_from, Some(0));
    }

    #[test]
    fn what_is_refused() {
        for text in [
            "",
            "TERM",
            "forever",
            "5x",
            "TERM/",
            "/5",
            "TERM/5/forever",
            "TERM/forever/5/forever/6",
            "SIGTERM/5",
            "--9/5",
            "TERM/99999999999",
            "TERM/00000000000000000005",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
