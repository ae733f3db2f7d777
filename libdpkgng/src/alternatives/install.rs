//! `--install`: a choice is added to a group, which may be new, and whose links may get new
//! names by it.

use super::adminfile::Reading;
use super::plan::Step;
use super::tree::Kind;
use super::{Alternatives, Choice, Group, Mode, PROGNAME, SlaveLink};
use crate::bail;
use crate::error::Result;
use crate::msg;
use crate::report::Event;

/// What `--install` and its `--slave`s say.
#[derive(Clone, Debug)]
pub struct Install {
    /// The group as these arguments describe it: in automatic mode, without choices.
    pub group: Group,
    /// The choice to add.
    pub choice: Choice,
}

/// Check a name (`alternative_check_name`).
///
/// # Errors
/// It has a slash or a blank.
pub fn check_name(name: &[u8]) -> Result<()> {
    if name.iter().any(|c| matches!(c, b'/' | b' ' | b'\t')) {
        bail!(
            "alternative name (%s) must not contain '/' and spaces",
            name
        );
    }
    Ok(())
}

/// Check the name of a link.
///
/// # Errors
/// It is not absolute.
pub fn check_link(link: &[u8]) -> Result<()> {
    if !link.starts_with(b"/") {
        bail!("alternative link is not absolute as it should be: %s", link);
    }
    Ok(())
}

/// Check the path of a choice or of a slave's file.
///
/// # Errors
/// It is not absolute.
pub fn check_path(path: &[u8]) -> Result<()> {
    if !path.starts_with(b"/") {
        bail!("alternative path is not absolute as it should be: %s", path);
    }
    Ok(())
}

/// All groups, searched in their order.
struct Known(Vec<Group>);

impl Known {
    /// The first group that a name belongs to, as its own or as a slave's.
    fn by_name(&self, name: &[u8]) -> Option<&Group> {
        let has = |g: &&Group| g.name == name || g.slave(name).is_some();
        self.0.iter().find(has)
    }

    /// The first group that has a link.
    fn by_link(&self, link: &[u8]) -> Option<&Group> {
        let has = |g: &&Group| g.link == link || g.slaves.iter().any(|s| s.link == link);
        self.0.iter().find(has)
    }
}

impl Alternatives<'_> {
    /// `--install`
    ///
    /// # Errors
    /// Arguments that contradict each other or other groups; what an update cannot do.
    pub fn install(&mut self, request: &Install) -> Result<()> {
        self.check(request)?;
        let wanted = &request.group;
        let known = self.load(&wanted.name, Reading::Named)?;
        self.log_invocation()?;
        let (mut group, current) = match known {
            Some(mut group) => {
                let current = self.select_mode(&mut group)?;
                self.evolve(&mut group, request, current.as_deref())?;
                (group, current)
            }
            None => {
                let mut group = wanted.clone();
                group.modified = true;
                group.current = Some(self.look_at_stray_link(&wanted.name)?);
                // Wherever a stray link leads, the new group's links are made. Stock compares
                // with memory that it has freed.
                (group, None)
            }
        };
        group.add_choice(request.choice.clone());
        let mut new = None;
        if group.mode == Mode::Auto {
            new = self.best(&mut group)?;
        } else {
            let text = "automatic updates of %s/%s are disabled; leaving it alone";
            let text = msg!(text, &self.tree.dirs.altdir, &group.name);
            self.say(Event::Verbose(text))?;
            let text = "to return to automatic updates use '%s --auto %s'";
            self.say(Event::Verbose(msg!(text, PROGNAME, &group.name)))?;
        }
        self.update(&mut group, current.as_deref(), new.as_deref())
    }

    /// See that no link or name belongs to another group, and that everything is well-formed
    /// (`alternative_check_install_args`).
    fn check(&mut self, request: &Install) -> Result<()> {
        let Install { group, choice } = request;
        check_name(&group.name)?;
        check_link(&group.link)?;
        check_path(&choice.path)?;
        let known = Known(self.load_all()?);
        let other = |found: Option<_>| found.filter(|f: &&Group| f.name != group.name);
        if let Some(found) = other(known.by_name(&group.name)) {
            bail!(
                "alternative %s can't be master: it is a slave of %s",
                &group.name,
                &found.name
            );
        }
        if let Some(found) = other(known.by_link(&group.link)) {
            let found = known.by_name(&found.name).unwrap_or(found);
            bail!(
                "alternative link %s is already managed by %s",
                &group.link,
                &found.name
            );
        }
        if self.tree.is_missing(&choice.path)? {
            bail!(
                "alternative path %s%s doesn't exist",
                &self.tree.dirs.instdir,
                &choice.path
            );
        }
        for slave in &group.slaves {
            check_slave(&known, request, slave)?;
        }
        Ok(())
    }

    /// Let links have the names that the request gives them (`alternative_evolve`). Each is
    /// renamed before the next is looked at.
    fn evolve(
        &mut self,
        group: &mut Group,
        request: &Install,
        current: Option<&[u8]>,
    ) -> Result<()> {
        let new = &request.group.link;
        if self.tree.classify(&group.link)? == Kind::Symlink && group.link != *new {
            let text = "renaming %s link from %s%s to %s%s";
            self.rename_link(group, text, (&group.name, &group.link, new))?;
        }
        group.modified |= group.link != *new;
        group.link.clone_from(new);
        for slave in &request.group.slaves {
            let updated = self.evolve_slave(group, request, slave, current)?;
            group.add_slave(SlaveLink {
                updated,
                ..slave.clone()
            });
        }
        Ok(())
    }

    /// The same for one slave link; whether it is new or has a new name.
    fn evolve_slave(
        &mut self,
        group: &Group,
        request: &Install,
        slave: &SlaveLink,
        current: Option<&[u8]>,
    ) -> Result<bool> {
        let Some(old) = group.slave(&slave.name) else {
            return Ok(true);
        };
        if old.link == slave.link || self.tree.classify(&old.link)? != Kind::Symlink {
            return Ok(false);
        }
        let file = if current == Some(&request.choice.path) {
            request.choice.slave(&slave.name).map(<[u8]>::to_vec)
        } else {
            self.tree.target(&self.tree.alt(&slave.name))?
        };
        let keep = match file {
            Some(file) => !self.tree.is_missing(&file)?,
            None => false,
        };
        if keep {
            let text = "renaming %s slave link from %s%s to %s%s";
            self.rename_link(group, text, (&slave.name, &old.link, &slave.link))?;
        } else {
            let gone = Step::Settle(vec![old.link.clone()]);
            self.steps(group, vec![Step::Unlink(old.link.clone()), gone])?;
        }
        Ok(true)
    }

    fn rename_link(
        &mut self,
        group: &Group,
        text: &'static str,
        (name, from, to): (&[u8], &[u8], &[u8]),
    ) -> Result<()> {
        let instdir = &self.tree.dirs.instdir;
        let text = msg!(text, name, instdir, from, instdir, to);
        let (from, to) = (from.to_vec(), to.to_vec());
        self.steps(
            group,
            vec![
                Step::Say(Event::Info(text)),
                Step::Rename {
                    from: from.clone(),
                    to: to.clone(),
                },
                Step::Settle(vec![to, from]),
            ],
        )
    }
}

/// The checks of one `--slave`.
fn check_slave(known: &Known, request: &Install, slave: &SlaveLink) -> Result<()> {
    let Install { group, choice } = request;
    let file = choice.slaves.iter().find(|(n, _)| *n == slave.name);
    check_name(&slave.name)?;
    check_link(&slave.link)?;
    check_path(file.map_or(b"", |(_, f)| f))?;
    if let Some(found) = known.by_name(&slave.name)
        && found.name != group.name
    {
        if found.name == slave.name {
            bail!(
                "alternative %s can't be slave of %s: it is a master alternative",
                &slave.name,
                &group.name
            );
        }
        bail!(
            "alternative %s can't be slave of %s: it is a slave of %s",
            &slave.name,
            &group.name,
            &found.name
        );
    }
    let Some(found) = known.by_link(&slave.link) else {
        return Ok(());
    };
    if found.name != group.name {
        bail!(
            "alternative link %s is already managed by %s",
            &slave.link,
            &found.name
        );
    }
    match found.slaves.iter().find(|s| s.link == slave.link) {
        Some(other) if other.name != slave.name => Err(crate::err!(
            "alternative link %s is already managed by %s (slave of %s)",
            &slave.link,
            &other.name,
            &found.name
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Dirs, Tree};
    use super::*;
    use crate::report::Silent;
    use std::fs;
    use std::path::Path;

    #[test]
    fn a_stray_link_is_led_to_the_new_group() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir_all(at("alt")).unwrap();
        for file in ["old", "new"] {
            fs::write(at(file), "").unwrap();
        }
        for stray in ["/old", "/new", "/nowhere"] {
            let _ = fs::remove_dir_all(at("adm"));
            let _ = fs::remove_file(at("alt/g"));
            std::os::unix::fs::symlink(stray, at("alt/g")).unwrap();
            let bytes = |p: &Path| p.to_str().unwrap().as_bytes().to_vec();
            let mut alternatives = Alternatives {
                tree: Tree::new(
                    Dirs {
                        instdir: bytes(dir.path()),
                        altdir: b"/alt".to_vec(),
                        admdir: bytes(&at("adm")),
                    },
                    false,
                ),
                invocation: Vec::new(),
                report: &mut Silent,
            };
            let request = Install {
                group: Group::new(b"g", b"/link", Mode::Auto),
                choice: Choice {
                    path: b"/new".to_vec(),
                    priority: 1,
                    slaves: Vec::new(),
                },
            };
            alternatives.install(&request).unwrap();
            let target = |name: &str| fs::read_link(at(name)).unwrap();
            assert_eq!(target("alt/g"), Path::new("/new"), "{stray}");
            assert_eq!(target("link"), Path::new("/alt/g"));
            assert_eq!(
                fs::read_to_string(at("adm/g")).unwrap(),
                "auto\n/link\n\n/new\n1\n\n"
            );
        }
    }
}
