//! Making a generation current, going back, forgetting.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::files::{is_there, unless_absent};
use super::{Done, GenerationError, Sys, read_error};
use crate::layout::{GenerationNumber, ViewName, inside};

/// Hears of what takes long.
pub type Told<'t> = &'t mut dyn FnMut(usize, usize);

/// The view that `current-system` follows.
pub(super) const SYSTEM: &str = "system";

impl Sys {
    /// Make a generation current. It is by the time this returns, also after a power cut.
    pub fn switch(&self, view: &ViewName, number: GenerationNumber) -> Done {
        log::info!("view {view}: generation {number} becomes current");
        // It is there, and whole.
        self.manifest(view, number)?;
        self.grant_set_ids(view, number)?;
        let (aside, current) = (
            self.layout().tmp().join("current"),
            self.layout().current(view),
        );
        self.replace_link(&Path::new("gen").join(number.to_string()), &aside, &current)?;
        self.disk.sync_dir(&self.layout().view(view))?;
        if view.as_str() == SYSTEM {
            self.follow_system()?;
        }
        self.settle_set_ids(view)
    }

    /// Make the generation current that was so when the current one was made; if it is gone, the newest that
    /// is older.
    pub fn rollback(&self, view: &ViewName) -> Done<GenerationNumber> {
        let nothing = || GenerationError::NothingBefore(view.clone());
        let current = self.current(view)?.ok_or_else(nothing)?;
        let parent = self.manifest(view, current)?.parent;
        let listed = self.list(view)?;
        let mut numbers = listed.iter().map(|l| l.number);
        let parent = parent.filter(|p| listed.iter().any(|l| l.number == *p));
        let before = parent.or_else(|| numbers.rfind(|n| *n < current));
        let before = before.ok_or_else(nothing)?;
        self.switch(view, before)?;
        Ok(before)
    }

    /// Forget a generation that is not current.
    pub fn forget(&self, view: &ViewName, number: GenerationNumber) -> Done {
        if self.current(view)? == Some(number) {
            return Err(GenerationError::IsCurrent(view.clone(), number));
        }
        self.remove(&self.layout().generation(view, number), inside::MANIFEST)
    }

    /// Forget a view with all its generations, but not the system's. What of it is left by a kill is a view
    /// without a current generation.
    pub fn forget_view(&self, view: &ViewName) -> Done {
        if view.as_str() == SYSTEM {
            return Err(GenerationError::IsSystem);
        }
        self.disk.remove_file(&self.layout().current(view))?;
        self.disk.sync_dir(&self.layout().view(view))?;
        for listed in self.list(view)? {
            self.forget(view, listed.number)?;
        }
        self.disk.remove_tree(&self.layout().view(view))?;
        Ok(self.disk.sync_dir(&self.layout().views())?)
    }

    /// Remove a directory, its metadata first, so that what is half gone is known to be rubbish.
    /// Takes no space.
    pub(crate) fn remove(&self, dir: &Path, metadata: &str) -> Done {
        let metadata = dir.join(metadata);
        if is_there(&metadata).map_err(read_error(&metadata))? {
            self.disk.remove_file(&metadata)?;
            self.disk.sync_dir(metadata.parent().unwrap_or(dir))?;
        }
        Ok(self.disk.remove_tree(dir)?)
    }

    /// As [`Sys::remove`], of many: each is rubbish for good before any is taken away, and one flush does for all.
    /// `told` hears how many are done, of how many.
    pub(crate) fn remove_all(&self, all: &[(PathBuf, &str)], told: Told<'_>) -> Done {
        for (dir, metadata) in all {
            self.disk.remove_file(&dir.join(metadata))?;
        }
        if !all.is_empty() {
            self.disk.sync_fs(self.layout().root())?;
        }
        let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let work = |told: Told<'_>| -> Done {
            while let Some((dir, _)) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                log::debug!("collect {}", dir.display());
                self.disk.remove_tree(dir)?;
                told(done.fetch_add(1, Ordering::Relaxed) + 1, all.len());
            }
            Ok(())
        };
        // A few are gone before a thread has begun.
        let threads = match all.len() {
            0..=16 => 0,
            _ => std::thread::available_parallelism().map_or(0, |n| n.get().min(4) - 1),
        };
        std::thread::scope(|scope| {
            let others: Vec<_> = (0..threads)
                .map(|_| scope.spawn(|| work(&mut |_, _| {})))
                .collect();
            let mut done = work(told);
            for other in others {
                let theirs = other
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
                done = done.and(theirs);
            }
            done
        })
    }

    /// `current-system`, which once made never changes: the view's own link does.
    pub(super) fn follow_system(&self) -> Done {
        let link = self.layout().current_system();
        let target = Path::new("views").join(SYSTEM).join("current");
        let now = unless_absent(std::fs::read_link(&link)).map_err(read_error(&link))?;
        if now.is_some_and(|now| now == target) {
            return Ok(());
        }
        let aside = self.layout().tmp().join("current-system");
        self.replace_link(&target, &aside, &link)?;
        Ok(self.disk.sync_dir(self.layout().root())?)
    }

    /// Make `link` point to `target`, at once: `aside` is a name in `tmp/`.
    pub(crate) fn replace_link(&self, target: &Path, aside: &Path, link: &Path) -> Done {
        self.disk.remove_file(aside)?;
        self.disk.symlink(target, aside)?;
        Ok(self.disk.rename(aside, link)?)
    }
}
