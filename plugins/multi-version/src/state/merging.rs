//! Merging an upper directory into a target that is an upper directory itself (`state/etc` over the world's and the host's; the
//! world's `etc/` over the host's), or that nothing is under (`state/var`).
//!
//! A directory that the target has, too, is gone into; everything else takes the place of what is there. A whiteout stays
//! one as long as it hides something.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::{FileType, Stat};

use super::place::{Found, Root};
use super::sorting::{Scratch, Steps};
use super::{Done, Kept, Step, Wanted, Why, upper};

pub(super) struct Merging<'m> {
    pub target: &'m Root,
    pub scratch: &'m Scratch<'m>,
    /// Roots of what is under the target, the first on top.
    pub under: &'m [PathBuf],
}

/// What the target has at a path.
enum There {
    Nothing,
    Dir,
    Other(Stat),
    Whiteout,
}

/// Merge what is at or below a row of a table, relative to `/`.
pub(super) fn row(
    target: &Root,
    scratch: &Scratch<'_>,
    under: &[PathBuf],
    row: &Path,
    steps: &mut Steps,
) -> Done {
    let merging = Merging {
        target,
        scratch,
        under,
    };
    let mut gone = false;
    let mut ups: Vec<&Path> = row.ancestors().skip(1).collect();
    ups.reverse();
    for up in ups.iter().filter(|up| !up.as_os_str().is_empty()) {
        match upper::look(&scratch.at(up))? {
            Some((upper::Kind::Whiteout, _)) => gone = true,
            Some((upper::Kind::Dir { opaque }, _)) => gone |= opaque,
            _ => {}
        }
    }
    let is = upper::look(&scratch.at(row))?;
    if is.is_none() && !gone {
        return Ok(());
    }
    if !matches!(is, None | Some((upper::Kind::Whiteout, _))) {
        for up in ups.iter().filter(|up| !up.as_os_str().is_empty()) {
            if let There::Nothing = merging.there(up)? {
                steps.push(Step::Make(up.to_path_buf()));
            }
        }
    }
    match is {
        None => merging.away(row, steps),
        Some(_) => merging.entry(row, steps, &mut Vec::new(), false),
    }
}

impl Merging<'_> {
    /// All that was written where a layer is.
    pub(super) fn layer(&self, at: &Path, steps: &mut Steps, kept: &mut Vec<Kept>) -> Done {
        if at.components().count() > 1 && upper::names(&self.scratch.at(at))?.is_empty() {
            return Ok(());
        }
        let ups: Vec<&Path> = at
            .ancestors()
            .filter(|a| !a.as_os_str().is_empty())
            .collect();
        for up in ups.iter().rev() {
            if let There::Nothing = self.there(up)? {
                steps.push(Step::Make(up.to_path_buf()));
            }
        }
        self.inside(at, steps, kept, true)
    }

    fn inside(&self, dir: &Path, steps: &mut Steps, kept: &mut Vec<Kept>, state: bool) -> Done {
        for name in upper::names(&self.scratch.at(dir))? {
            let path = dir.join(name);
            // What is laid there comes by itself.
            if !self.scratch.layers.iter().any(|(at, _)| *at == path) {
                self.entry(&path, steps, kept, state)?;
            }
        }
        steps.push(Step::Dress(dir.into()));
        Ok(())
    }

    /// Whether what is in the state may have been changed by programs that run meanwhile: `state`.
    fn entry(&self, path: &Path, steps: &mut Steps, kept: &mut Vec<Kept>, state: bool) -> Done {
        let from = self.scratch.at(path);
        let Some((kind, is)) = upper::look(&from)? else {
            return Ok(());
        };
        match kind {
            upper::Kind::Whiteout => return self.away(path, steps),
            upper::Kind::Dir { opaque: false } => match self.there(path)? {
                There::Dir => return self.inside(path, steps, kept, state),
                There::Nothing if self.says_nothing(path, &is)? => return Ok(()),
                // Over a whiteout that is under its upper directory overlayfs says nothing: that hides what is there as it is.
                There::Whiteout if self.hides(path)? => {
                    self.purify(&from)?;
                    upper::make_opaque(&from, &from)?;
                    steps.push(Step::Move(path.into()));
                    return Ok(());
                }
                _ => {}
            },
            upper::Kind::Dir { opaque: true } => {}
            upper::Kind::Other => {
                if let There::Other(was) = self.there(path)?
                    && state
                    && changed_since(&was, &is)
                {
                    kept.push(Kept {
                        path: path.into(),
                        wanted: Wanted::Change,
                        why: Why::ChangedMeanwhile,
                    });
                    return Ok(());
                }
            }
        }
        self.purify(&from)?;
        steps.push(Step::Move(path.into()));
        Ok(())
    }

    /// What was there is gone.
    fn away(&self, path: &Path, steps: &mut Steps) -> Done {
        let there = self.there(path)?;
        match (self.hides(path)?, there) {
            (true, There::Whiteout) => {}
            (true, _) => steps.push(Step::Hide(path.into())),
            (false, There::Nothing) => {}
            (false, _) => steps.push(Step::Drop(path.into())),
        }
        Ok(())
    }

    fn there(&self, path: &Path) -> Done<There> {
        Ok(match self.target.look(path)? {
            Found::There(_, is) => match FileType::from_raw_mode(is.st_mode) {
                FileType::Directory => There::Dir,
                FileType::CharacterDevice if is.st_rdev == 0 => There::Whiteout,
                _ => There::Other(is),
            },
            _ => There::Nothing,
        })
    }

    /// Whether something under the target would be seen.
    fn hides(&self, path: &Path) -> Done<bool> {
        for root in self.under {
            if let Some((kind, _)) = upper::look(&root.join(path))? {
                return Ok(kind != upper::Kind::Whiteout);
            }
        }
        Ok(false)
    }

    /// Whether a directory that the target lacks is empty, and like what is under the target: it was looked into.
    fn says_nothing(&self, path: &Path, is: &Metadata) -> Done<bool> {
        if !upper::names(&self.scratch.at(path))?.is_empty() {
            return Ok(false);
        }
        for root in self.under {
            if let Some(under) = upper::stat(&root.join(path))? {
                let facts = |m: &Metadata| (m.mode(), m.uid(), m.gid());
                return Ok(facts(&under) == facts(is));
            }
        }
        Ok(false)
    }

    /// Make of what overlayfs left what the target is to have.
    fn purify(&self, path: &Path) -> Done {
        let Some((kind, _)) = upper::look(path)? else {
            return Ok(());
        };
        let over = !self.under.is_empty();
        match kind {
            upper::Kind::Whiteout if over => Ok(()),
            // It hides nothing.
            upper::Kind::Whiteout => {
                std::fs::remove_file(path).map_err(|e| super::StateError::io("remove", path, e))
            }
            upper::Kind::Other => upper::forget_notes(path, false),
            upper::Kind::Dir { .. } => {
                for name in upper::names(path)? {
                    self.purify(&path.join(name))?;
                }
                upper::forget_notes(path, over)
            }
        }
    }
}

/// Whether what a transaction found at a place was changed after it made a copy of it, or something else in its stead. Where
/// the file system does not tell when, it was not.
fn changed_since(was: &Stat, made: &Metadata) -> bool {
    let Ok(made) = made.created() else {
        return false;
    };
    let changed = Duration::new(
        u64::try_from(was.st_ctime).unwrap_or_default(),
        u32::try_from(was.st_ctime_nsec).unwrap_or_default(),
    );
    SystemTime::UNIX_EPOCH + changed > made
}
