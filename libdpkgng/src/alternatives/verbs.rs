//! The commands that change a group that is there: `--set`, `--auto`, `--remove`,
//! `--remove-all`, `--config`, `--all`.

use super::adminfile::Reading;
use super::{Alternatives, Group, Mode};
use crate::bail;
use crate::error::{OrFail, Result};
use crate::msg;
use crate::report::{Event, Reporter};
use crate::sys::place::Absence;

/// What someone who was asked wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pick {
    /// What there is, in the mode there is.
    Keep,
    /// Automatic mode.
    Auto,
    /// This choice.
    Choice(Vec<u8>),
    /// Nothing was said, or there was nothing to ask.
    Nothing,
}

/// Someone to ask (`--config`).
pub trait Chooser {
    /// Show a group and have one of its choices picked. `current` is what the link in the
    /// alternatives directory leads to.
    ///
    /// # Errors
    /// That end the run.
    fn choose(
        &mut self,
        report: &mut dyn Reporter,
        group: &Group,
        current: Option<&[u8]>,
    ) -> Result<Pick>;
}

impl Alternatives<'_> {
    /// Read a group that must be there.
    ///
    /// # Errors
    /// It is not, or cannot be read.
    pub fn must_load(&mut self, name: &[u8]) -> Result<Group> {
        match self.load(name, Reading::Named)? {
            Some(group) => Ok(group),
            None => bail!("no alternatives for %s", name),
        }
    }

    /// Where the link in the alternatives directory leads (`alternative_get_current`); looked
    /// at once for each group.
    ///
    /// # Errors
    /// Something is there that is no link.
    pub fn current(&self, group: &mut Group) -> Result<Option<Vec<u8>>> {
        if let Some(known) = &group.current {
            return Ok(known.clone());
        }
        let current = self.target_of(&group.name)?;
        group.current = Some(current.clone());
        Ok(current)
    }

    fn target_of(&self, name: &[u8]) -> Result<Option<Vec<u8>>> {
        let link = self.tree.alt(name);
        let target = self.tree.readlink(&link).if_there();
        let instdir = &self.tree.dirs.instdir;
        target.or_fail(|| msg!("cannot stat file '%s%s'", instdir, &link))
    }

    fn set_mode(&mut self, group: &mut Group, mode: Mode) -> Result<()> {
        match group.set_mode(mode) {
            Some(line) => self.say(line),
            None => Ok(()),
        }
    }

    /// Settle who chooses from now on by what the link leads to: somebody may have changed or
    /// removed it (`alternative_select_mode`).
    pub(super) fn select_mode(&mut self, group: &mut Group) -> Result<Option<Vec<u8>>> {
        let current = self.current(group)?;
        if let Some(mode) = self.judge(&group.name, Some(group), current.as_deref())? {
            self.set_mode(group, mode)?;
        }
        Ok(current)
    }

    /// The same for a group that is about to be made: nothing is changed by what is said.
    pub(super) fn look_at_stray_link(&mut self, name: &[u8]) -> Result<Option<Vec<u8>>> {
        let current = self.target_of(name)?;
        self.judge(name, None, current.as_deref())?;
        Ok(current)
    }

    /// The mode that the link speaks for, if it speaks for any; and what there is to say.
    fn judge(
        &mut self,
        name: &[u8],
        group: Option<&Group>,
        current: Option<&[u8]>,
    ) -> Result<Option<Mode>> {
        let Some(current) = current else {
            let text = msg!("setting up automatic selection of %s", name);
            self.say(Event::Verbose(text))?;
            return Ok(Some(Mode::Auto));
        };
        if group.is_some_and(|g| g.choice(current).is_some()) {
            return Ok(None);
        }
        let (text, mode) = if self.tree.is_missing(current)? {
            let text = "%s%s/%s is dangling; it will be updated with best choice";
            (text, Mode::Auto)
        } else if group.is_some_and(|g| g.mode == Mode::Manual) {
            return Ok(None);
        } else {
            let text = concat!(
                "%s%s/%s has been changed (manually or by a script); ",
                "switching to manual updates only"
            );
            (text, Mode::Manual)
        };
        let dirs = &self.tree.dirs;
        let text = msg!(text, &dirs.instdir, &dirs.altdir, name);
        self.say(Event::Warning(text))?;
        Ok(Some(mode))
    }

    /// `--set`
    ///
    /// # Errors
    /// There is no such choice; what an update cannot do.
    pub fn set(&mut self, name: &[u8], path: &[u8]) -> Result<()> {
        let mut group = self.must_load(name)?;
        self.log_invocation()?;
        let current = self.select_mode(&mut group)?;
        self.set_manual(&mut group, path)?;
        self.update(&mut group, current.as_deref(), Some(path))
    }

    pub(super) fn set_manual(&mut self, group: &mut Group, path: &[u8]) -> Result<()> {
        if group.choice(path).is_none() {
            let text = "alternative %s for %s not registered; not setting";
            return Err(crate::error::Error::new(msg!(text, path, &group.name)));
        }
        self.set_mode(group, Mode::Manual)
    }

    /// `--auto`
    ///
    /// # Errors
    /// There is no such group; what an update cannot do.
    pub fn auto(&mut self, name: &[u8]) -> Result<()> {
        let mut group = self.must_load(name)?;
        self.log_invocation()?;
        let current = self.select_mode(&mut group)?;
        let new = self.set_auto(&mut group)?;
        self.update(&mut group, current.as_deref(), new.as_deref())
    }

    /// Give a group to automatic mode; gives the path that is best then.
    pub(super) fn set_auto(&mut self, group: &mut Group) -> Result<Option<Vec<u8>>> {
        self.set_mode(group, Mode::Auto)?;
        if group.choices.is_empty() {
            let text = msg!("there is no program which provides %s", &group.name);
            self.say(Event::Info(text))?;
            return Ok(None);
        }
        self.best(group)
    }

    pub(super) fn best(&self, group: &mut Group) -> Result<Option<Vec<u8>>> {
        let current = self.current(group)?;
        Ok(group.best(current.as_deref()).map(|c| c.path.clone()))
    }

    /// `--remove`. That there is no such group or choice is fine.
    ///
    /// # Errors
    /// What an update cannot do.
    pub fn remove(&mut self, name: &[u8], path: &[u8]) -> Result<()> {
        let Some(mut group) = self.load(name, Reading::Named)? else {
            return self.say(Event::Verbose(msg!("no alternatives for %s", name)));
        };
        self.log_invocation()?;
        let current = self.select_mode(&mut group)?;
        if !group.remove_choice(path) {
            let text = "alternative %s for %s not registered; not removing";
            self.say(Event::Verbose(msg!(text, path, name)))?;
        }
        let mut new = None;
        if current.as_deref() == Some(path) {
            if group.mode == Mode::Manual {
                let text = concat!(
                    "removing manually selected alternative ",
                    "- switching %s to auto mode"
                );
                self.say(Event::Info(msg!(text, name)))?;
                self.set_mode(&mut group, Mode::Auto)?;
            }
            new = self.best(&mut group)?;
        }
        self.update(&mut group, current.as_deref(), new.as_deref())
    }

    /// `--remove-all`
    ///
    /// # Errors
    /// There is no such group; what cannot be removed.
    pub fn remove_all(&mut self, name: &[u8]) -> Result<()> {
        let mut group = self.must_load(name)?;
        self.log_invocation()?;
        let current = self.select_mode(&mut group)?;
        group.choices.clear();
        self.update(&mut group, current.as_deref(), None)
    }

    /// `--config`
    ///
    /// # Errors
    /// There is no such group; what an update cannot do.
    pub fn config(&mut self, name: &[u8], chooser: &mut dyn Chooser) -> Result<()> {
        let mut group = self.must_load(name)?;
        self.log_invocation()?;
        self.configure(&mut group, chooser)
    }

    /// `--all`
    ///
    /// # Errors
    /// What an update cannot do.
    pub fn config_all(&mut self, chooser: &mut dyn Chooser) -> Result<()> {
        self.log_invocation()?;
        for mut group in self.load_all()? {
            self.configure(&mut group, chooser)?;
        }
        Ok(())
    }

    fn configure(&mut self, group: &mut Group, chooser: &mut dyn Chooser) -> Result<()> {
        let current = self.select_mode(group)?;
        let new = match chooser.choose(&mut *self.report, group, current.as_deref())? {
            Pick::Nothing => None,
            Pick::Keep => current.clone(),
            Pick::Auto => {
                self.set_mode(group, Mode::Auto)?;
                self.best(group)?
            }
            Pick::Choice(path) => {
                self.set_manual(group, &path)?;
                Some(path)
            }
        };
        self.update(group, current.as_deref(), new.as_deref())
    }
}
