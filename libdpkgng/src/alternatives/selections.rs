//! `--get-selections` and `--set-selections`: all groups with their modes and choices.

use std::io::BufRead;

use super::{Alternatives, Group, Mode};
use crate::bail;
use crate::error::{OrFail, Result};
use crate::msg;
use crate::report::{Event, debug};
use crate::sys::lines::Fgets;

/// The longest line, with newline and terminator.
const LONGEST: usize = 1024;

/// A group as `--get-selections` lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// Its name.
    pub name: Vec<u8>,
    /// Who chooses.
    pub mode: Mode,
    /// What its link leads to.
    pub current: Option<Vec<u8>>,
}

/// A line of selections.
#[derive(Debug, PartialEq, Eq)]
struct Line<'a> {
    name: &'a [u8],
    status: &'a [u8],
    choice: &'a [u8],
}

/// Take a line apart; the error is what stock shows of one that is no selection.
fn parse(line: &[u8]) -> Result<Line<'_>, &[u8]> {
    let blank = |c: &u8| matches!(c, b' ' | b'\t');
    let word = |text: &[u8]| text.iter().position(blank);
    let skip = |text: &[u8]| text.iter().position(|c| !blank(c)).unwrap_or(text.len());
    let name_end = word(line).ok_or(line)?;
    // From here on stock has cut the line behind the name.
    let (name, rest) = line.split_at(name_end);
    let rest = &rest[skip(rest)..];
    let (status, rest) = rest.split_at(word(rest).ok_or(name)?);
    let choice = &rest[skip(rest)..];
    if choice.is_empty() {
        return Err(name);
    }
    Ok(Line {
        name,
        status,
        choice,
    })
}

impl Alternatives<'_> {
    /// `--get-selections`; each as soon as it is known.
    ///
    /// # Errors
    /// A group or a link cannot be read.
    pub fn get_selections(
        &mut self,
        mut each: impl FnMut(&mut Self, Selection) -> Result<()>,
    ) -> Result<()> {
        for mut group in self.load_all()? {
            let current = self.current(&mut group)?;
            let selection = Selection {
                name: group.name,
                mode: group.mode,
                current,
            };
            each(self, selection)?;
        }
        Ok(())
    }

    /// `--set-selections`; each line is obeyed before the next is read.
    ///
    /// # Errors
    /// A line is too long, or cannot be read; what an update cannot do.
    pub fn set_selections(&mut self, input: &mut dyn BufRead) -> Result<()> {
        self.log_invocation()?;
        let mut groups = self.load_all()?;
        let mut lines = Fgets::new(input);
        let desc = || msg!("<standard input>");
        loop {
            let line = lines.next(LONGEST);
            let Some(mut line) = line.or_fail(|| msg!("read error in %.250s", desc()))? else {
                return Ok(());
            };
            if line.pop() != Some(b'\n') {
                let text = "line too long or not terminated while trying to read %s";
                bail!(text, desc());
            }
            match parse(&line) {
                Ok(line) => self.set_selection(&mut groups, &line)?,
                Err(shown) => {
                    let text = msg!("skip invalid selection line: %s", shown);
                    self.say(Event::Info(text))?;
                }
            }
        }
    }

    fn set_selection(&mut self, groups: &mut [Group], line: &Line<'_>) -> Result<()> {
        let Line {
            name,
            status,
            choice,
        } = *line;
        self.report.debug(debug::GENERAL, || {
            msg!("set_selection(%s, %s, %s)", name, status, choice)
        });
        let Some(group) = groups.iter_mut().find(|g| g.name == name) else {
            return self.say(Event::Info(msg!("skip unknown alternative %s", name)));
        };
        let new = if status == b"auto" {
            let text = msg!("selecting alternative %s as auto", name);
            self.say(Event::Info(text))?;
            self.set_auto(group)?
        } else if group.choice(choice).is_some() {
            let text = msg!("selecting alternative %s as choice %s", name, choice);
            self.say(Event::Info(text))?;
            self.set_manual(group, choice)?;
            Some(choice.to_vec())
        } else {
            let text = "alternative %s unchanged because choice %s is not available";
            self.say(Event::Info(msg!(text, name, choice)))?;
            None
        };
        let Some(new) = new else {
            return Ok(());
        };
        let current = self.select_mode(group)?;
        self.update(group, current.as_deref(), Some(&new))
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn lines_are_three_words_the_last_with_blanks() {
        for (line, name, status, choice) in [
            ("a  auto \t/x y ", "a", "auto", "/x y "),
            (" manual /x", "", "manual", "/x"),
        ] {
            let line = parse(line.as_bytes()).unwrap();
            let expected = [name, status, choice].map(str::as_bytes);
            assert_eq!([line.name, line.status, line.choice], expected);
        }
        for (line, shown) in [
            ("", ""),
            ("word", "word"),
            ("a auto", "a"),
            ("a auto ", "a"),
            ("a ", "a"),
        ] {
            assert_eq!(parse(line.as_bytes()), Err(shown.as_bytes()));
        }
    }
}
