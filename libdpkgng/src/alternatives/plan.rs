//! What an update will say and do, decided before anything is done.
//!
//! A [`Plan`] is plain data, and making one only looks at the disk. Its order is the contract:
//! messages stand where stock says them, between the changes, and a decision that fails becomes
//! the last step of its list, so that what stock would have done before is still done.

use super::tree::Kind;
use super::{Group, Mode, TMP_EXT, Tree};
use crate::err;
use crate::error::{Error, Result};
use crate::msg;
use crate::msg::{Arg, Msg};
use crate::report::{Event, debug};

/// One thing to say or do. Paths are those of the installed system.
#[derive(Clone, Debug)]
pub enum Step {
    /// Tell this.
    Say(Event<'static>),
    /// Make the alternatives directory.
    MakeAltdir,
    /// Make a link under a temporary name.
    Stage {
        /// Where it leads.
        target: Vec<u8>,
        /// The temporary name.
        link: Vec<u8>,
    },
    /// Give something its final name.
    Rename {
        /// The temporary or former name.
        from: Vec<u8>,
        /// The final name.
        to: Vec<u8>,
    },
    /// Give a link the time of the file it leads to, before it has its name: one that has it is
    /// not looked at again.
    TakeTime {
        /// The temporary name.
        staged: Vec<u8>,
        /// The final name, for messages.
        link: Vec<u8>,
        /// The file.
        from: Vec<u8>,
    },
    /// Remove a file that may be missing.
    Unlink(Vec<u8>),
    /// Remove the admin file.
    UnlinkAdmin,
    /// Make durable what was done to these names.
    Settle(Vec<Vec<u8>>),
    /// End here.
    Fail(Error),
}

/// An update of one group.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// First: what is said, and links being staged.
    pub prepare: Vec<Step>,
    /// Then the admin file is replaced, if the group was modified; with this mode.
    pub mode: Option<Mode>,
    /// Whether the group goes altogether, so that there is nothing to save.
    pub gone: bool,
    /// Then the links are put in place.
    pub commit: Vec<Step>,
}

/// Why a group's links are not as they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Broken {
    /// Slave links were added or moved in this run.
    SlaveChanged,
    /// Something else.
    Link,
}

/// A string that may be missing, as glibc's printf shows it.
fn or_null(text: Option<&[u8]>) -> &[u8] {
    text.unwrap_or(b"(null)")
}

/// The names that these steps give and take.
fn changed(steps: &[Step]) -> Vec<Vec<u8>> {
    let name = |step: &Step| match step {
        Step::Rename { to: name, .. } | Step::Unlink(name) => Some(name.clone()),
        _ => None,
    };
    steps.iter().filter_map(name).collect()
}

/// A link's temporary name.
pub(super) fn staged(link: &[u8]) -> Vec<u8> {
    [link, TMP_EXT.as_bytes()].concat()
}

impl Plan {
    /// Decide what brings a group up to date (`alternative_update`): `current` is what its link
    /// led to when the run began, `new` what it is to lead to from now on, where that is known.
    pub fn update(tree: &Tree, group: &Group, current: Option<&[u8]>, new: Option<&[u8]>) -> Plan {
        let mut plan = Plan::default();
        let decided = if group.choices.is_empty() {
            plan.log(msg!("link group %s fully removed", &group.name));
            plan.remove(tree, group)
        } else {
            plan.change(tree, group, current, new)
        };
        if let Err(e) = decided {
            plan.prepare.push(Step::Fail(e));
        }
        let placed = changed(&plan.commit);
        if !placed.is_empty() {
            plan.commit.push(Step::Settle(placed));
        }
        plan
    }

    fn say(&mut self, event: Event<'static>) {
        self.prepare.push(Step::Say(event));
    }

    fn log(&mut self, text: Msg) {
        self.say(Event::Log(text));
    }

    fn warn(&mut self, text: Msg) {
        self.say(Event::Warning(text));
    }

    /// Take everything away (`alternative_remove_files`).
    fn remove(&mut self, tree: &Tree, group: &Group) -> Result<()> {
        self.gone = true;
        let slaves = group.slaves.iter().map(|s| (&s.name, &s.link));
        for (name, link) in std::iter::once((&group.name, &group.link)).chain(slaves) {
            self.prepare.push(Step::Unlink(staged(link)));
            if tree.can_remove(link)? {
                self.prepare.push(Step::Unlink(link.clone()));
            }
            let alt = tree.alt(name);
            self.prepare.push(Step::Unlink(staged(&alt)));
            self.prepare.push(Step::Unlink(alt));
        }
        // Without its file nobody knows of links that came back.
        self.prepare.push(Step::Settle(changed(&self.prepare)));
        self.prepare.push(Step::UnlinkAdmin);
        Ok(())
    }

    /// Lead the links to the new choice, or repair them.
    fn change(
        &mut self,
        tree: &Tree,
        group: &Group,
        current: Option<&[u8]>,
        new: Option<&[u8]>,
    ) -> Result<()> {
        if let Some(new) = new.filter(|new| current != Some(*new)) {
            let text = "link group %s updated to point to %s";
            self.log(msg!(text, &group.name, new));
            let text = match group.mode {
                Mode::Auto => "using %s to provide %s (%s) in auto mode",
                Mode::Manual => "using %s to provide %s (%s) in manual mode",
            };
            self.say(Event::Info(msg!(text, new, &group.link, &group.name)));
            self.say(Event::Debug {
                flag: debug::GENERAL,
                text: msg!("prepare_install(%s)", new),
            });
            return self.install(tree, group, new);
        }
        match broken(tree, group)? {
            None => Ok(()),
            Some(why) => self.repair(tree, group, current, why),
        }
    }

    fn repair(
        &mut self,
        tree: &Tree,
        group: &Group,
        current: Option<&[u8]>,
        why: Broken,
    ) -> Result<()> {
        let name = &group.name;
        match why {
            Broken::SlaveChanged => {
                self.log(msg!("link group %s updated with changed slaves", name));
                let text = concat!(
                    "updating alternative %s ",
                    "because link group %s has changed slave links"
                );
                self.say(Event::Info(msg!(text, or_null(current), name)));
            }
            Broken::Link => {
                self.log(msg!("auto-repair link group %s", name));
                let text = concat!(
                    "forcing reinstallation of alternative %s ",
                    "because link group %s is broken"
                );
                self.warn(msg!(text, or_null(current), name));
            }
        }
        let Some(current) = current else {
            return Ok(());
        };
        if group.choice(current).is_some() {
            return self.install(tree, group, current);
        }
        let Some(best) = group.best(group.current.as_ref().and_then(Option::as_deref)) else {
            return Ok(());
        };
        let text = concat!(
            "current alternative %s is unknown, ",
            "switching to %s for link group %s"
        );
        self.warn(msg!(text, current, &best.path, name));
        if group.mode != Mode::Auto {
            self.say(group.mode_line(Mode::Auto));
            self.mode = Some(Mode::Auto);
        }
        self.install(tree, group, &best.path)
    }

    /// Lead all links to a choice (`alternative_prepare_install`).
    fn install(&mut self, tree: &Tree, group: &Group, path: &[u8]) -> Result<()> {
        let choice = group
            .choice(path)
            .ok_or_else(|| err!("can't install unknown choice %s", path))?;
        self.install_link(tree, &group.name, &group.link, path)?;
        for slave in &group.slaves {
            let file = choice.slave(&slave.name);
            if let Some(file) = file {
                if !tree.is_missing(file)? {
                    self.install_link(tree, &slave.name, &slave.link, file)?;
                    continue;
                }
                self.warn(msg!(
                    concat!(
                        "skip creation of %s because associated ",
                        "file %s (of link group %s) doesn't exist"
                    ),
                    &slave.link,
                    file,
                    &group.name
                ));
            }
            if tree.can_remove(&slave.link)? {
                self.commit.push(Step::Unlink(slave.link.clone()));
            } else {
                let text = "not removing %s since it's not a symlink";
                self.warn(msg!(text, &slave.link));
            }
            self.commit.push(Step::Unlink(tree.alt(&slave.name)));
        }
        Ok(())
    }

    /// Lead `link` through the alternatives directory to `file`.
    fn install_link(&mut self, tree: &Tree, name: &[u8], link: &[u8], file: &[u8]) -> Result<()> {
        let staging = |s: &Step| matches!(s, Step::MakeAltdir);
        if !self.prepare.iter().any(staging) && tree.is_missing(&tree.dirs.altdir)? {
            self.prepare.push(Step::MakeAltdir);
        }
        let alt = tree.alt(name);
        self.stage(tree, file, &alt)?;
        if self.needs_update(tree, link, &alt)? {
            self.stage(tree, &alt, link)?;
        }
        Ok(())
    }

    /// Stage a link to be put in place at the end; a new one gets the time of its target.
    fn stage(&mut self, tree: &Tree, target: &[u8], link: &[u8]) -> Result<()> {
        let tmp = staged(link);
        self.prepare.push(Step::Stage {
            target: target.to_vec(),
            link: tmp.clone(),
        });
        if tree.needs_time(link)? {
            self.commit.push(Step::TakeTime {
                staged: tmp.clone(),
                link: link.to_vec(),
                from: target.to_vec(),
            });
        }
        self.commit.push(Step::Rename {
            from: tmp,
            to: link.to_vec(),
        });
        Ok(())
    }

    /// Whether a generic name must be made to lead to `alt` (`alternative_path_needs_update`).
    fn needs_update(&mut self, tree: &Tree, link: &[u8], alt: &[u8]) -> Result<bool> {
        if tree.force {
            return Ok(true);
        }
        match tree.classify(link)? {
            Kind::Missing => Ok(true),
            Kind::Other => {
                self.warn(msg!("not replacing %s with a link", link));
                Ok(false)
            }
            Kind::Symlink => {
                let target = tree.readlink(link).map_err(|e| {
                    let instdir = Arg::from(&tree.dirs.instdir);
                    Error::os(msg!("unable to read link '%s%.255s'", instdir, link), e)
                })?;
                Ok(target != alt)
            }
        }
    }
}

/// What is wrong with a group's links, if anything (`alternative_needs_update`).
fn broken(tree: &Tree, group: &Group) -> Result<Option<Broken>> {
    let leads_to = |link: &[u8], target: &[u8]| -> Result<bool> {
        Ok(tree.target(link)?.is_some_and(|t| t == target))
    };
    if !leads_to(&group.link, &tree.alt(&group.name))? {
        return Ok(Some(Broken::Link));
    }
    let Some(current) = group.current.as_ref().and_then(Option::as_deref) else {
        return Ok(Some(Broken::Link));
    };
    let Some(choice) = group.choice(current) else {
        return Ok(None);
    };
    let mut reason = None;
    for slave in &group.slaves {
        let alt = tree.alt(&slave.name);
        let file = match choice.slave(&slave.name) {
            Some(file) if !tree.is_missing(file)? => Some(file),
            _ => None,
        };
        let fine = match file {
            Some(file) => leads_to(&slave.link, &alt)? && leads_to(&alt, file)?,
            None => {
                tree.classify(&slave.link)? == Kind::Missing
                    && tree.classify(&alt)? == Kind::Missing
            }
        };
        match (fine, slave.updated) {
            (true, _) => {}
            (false, true) => reason = Some(Broken::SlaveChanged),
            (false, false) => return Ok(Some(Broken::Link)),
        }
    }
    Ok(reason)
}

#[cfg(test)]
mod tests {
    use super::super::{Choice, Dirs};
    use super::*;

    /// The effects of a plan, in short.
    fn effects(steps: &[Step]) -> Vec<String> {
        let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
        let show = |s: &Step| match s {
            Step::Say(Event::Log(m)) => format!("log {m}"),
            Step::Say(_) => "say".into(),
            Step::MakeAltdir => "altdir".into(),
            Step::Stage { target, link } => format!("{} -> {}", text(link), text(target)),
            Step::Rename { to, .. } => format!("put {}", text(to)),
            Step::TakeTime { link, .. } => format!("date {}", text(link)),
            Step::Unlink(path) => format!("rm {}", text(path)),
            Step::UnlinkAdmin => "rm admin".into(),
            Step::Settle(names) => format!("settle {}", names.len()),
            Step::Fail(e) => format!("fail {e}"),
        };
        steps.iter().map(show).collect()
    }

    fn tree(dir: &tempfile::TempDir) -> Tree {
        let dirs = Dirs {
            instdir: dir.path().to_str().unwrap().into(),
            altdir: b"/alt".to_vec(),
            admdir: b"/nowhere".to_vec(),
        };
        Tree::new(dirs, false)
    }

    fn group() -> Group {
        let mut group = Group::new(b"g", b"/link", Mode::Auto);
        group.current = Some(None);
        group.add_choice(Choice {
            path: b"/file".to_vec(),
            priority: 1,
            slaves: Vec::new(),
        });
        group
    }

    #[test]
    fn staging_comes_before_the_save_and_renames_after() {
        let dir = tempfile::tempdir().unwrap();
        let plan = Plan::update(&tree(&dir), &group(), None, Some(b"/file"));
        assert_eq!(
            effects(&plan.prepare),
            [
                "log link group g updated to point to /file",
                "say",
                "say",
                "altdir",
                "/alt/g.dpkg-tmp -> /file",
                "/link.dpkg-tmp -> /alt/g"
            ]
        );
        assert_eq!(
            effects(&plan.commit),
            [
                "date /alt/g",
                "put /alt/g",
                "date /link",
                "put /link",
                "settle 2"
            ]
        );
        assert!(std::fs::read_dir(dir.path()).unwrap().next().is_none());
    }

    #[test]
    fn a_group_without_choices_goes_and_files_stay() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("link"), "").unwrap();
        let mut group = group();
        group.remove_choice(b"/file");
        let plan = Plan::update(&tree(&dir), &group, None, None);
        assert!(plan.gone && plan.commit.is_empty());
        assert_eq!(
            effects(&plan.prepare)[1..],
            [
                "rm /link.dpkg-tmp",
                "rm /alt/g.dpkg-tmp",
                "rm /alt/g",
                "settle 3",
                "rm admin"
            ]
        );
    }
}
