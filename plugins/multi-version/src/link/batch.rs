//! Many realizations at once: made on two threads, durable by one syncfs, named in order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use super::linking::Linking;
use super::make::Maker;
use super::unlinked::{self, Unlinked};
use super::{Done, LinkError, Linker, read_error};
use crate::generation::{Sys, is_there};
use crate::layout::{InstallationId, RealizationId};
use crate::manifest::Realization;

/// One thread waits for the disk while the other decides.
const THREADS: usize = 2;

/// How far it is.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'p> {
    /// How many are made.
    pub done: usize,
    /// Of how many that were absent.
    pub of: usize,
    /// The one made last.
    pub last: &'p RealizationId,
}

/// A realization that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Which.
    pub id: RealizationId,
    /// Whether it was not there before.
    pub new: bool,
    /// What of it could not be rewritten.
    pub unlinked: Vec<Unlinked>,
}

impl<'a> Linker<'a> {
    /// Make those of `realizations` that are not there; a provider of overrides is there, or stands before. All of
    /// them are there and durable when this returns, in the order of the list.
    pub fn make(
        &self,
        sys: &Sys,
        realizations: &[Realization],
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Done<Vec<Made>> {
        let listed = self.listed(realizations);
        let others = |id: &RealizationId| self.installation_of(&listed, id);
        let mut made: Vec<Made> = Vec::new();
        let mut absent = Vec::new();
        let mut ids = BTreeSet::new();
        for realization in realizations {
            let id = realization.id();
            // Of one that is listed twice, the first is made.
            let new = self.record(&id)?.is_none() && ids.insert(id.clone());
            if new {
                log::debug!("link {id}");
                absent.push((made.len(), Linking::new(self, realization, &others)?));
            }
            let unlinked = Vec::new();
            made.push(Made { id, new, unlinked });
        }
        self.make_absent(sys, &absent, &mut made, progress)?;
        for made in made.iter_mut().filter(|m| !m.new) {
            made.unlinked = unlinked::read(self.layout, &made.id)?;
        }
        Ok(made)
    }

    fn make_absent(
        &self,
        sys: &Sys,
        absent: &[(usize, Linking<'_>)],
        made: &mut [Made],
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Done {
        if absent.is_empty() {
            return Ok(());
        }
        // The largest first, so that neither thread is left with it alone.
        let mut by_size: Vec<&(usize, Linking)> = absent.iter().collect();
        by_size.sort_by_key(|(_, l)| std::cmp::Reverse(l.facts.installation.size));
        let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
        let work = || {
            if failed.load(Ordering::Relaxed) {
                return None;
            }
            let (place, linking) = by_size.get(next.fetch_add(1, Ordering::Relaxed))?;
            let done = Maker::new(self.layout, sys.disk(), linking).make();
            failed.fetch_or(done.is_err(), Ordering::Relaxed);
            Some((*place, done))
        };
        let mut first_error = None;
        thread::scope(|scope| {
            let (send, receive) = mpsc::channel();
            for _ in 0..THREADS.min(absent.len()) {
                let send = send.clone();
                scope.spawn(move || {
                    while let Some(done) = work() {
                        if send.send(done).is_err() {
                            break;
                        }
                    }
                });
            }
            drop(send);
            let mut done = 0;
            for (place, result) in receive {
                match (result, made.get_mut(place)) {
                    (Ok(unlinked), Some(made)) => {
                        made.unlinked = unlinked;
                        done += 1;
                        progress(Progress {
                            done,
                            of: absent.len(),
                            last: &made.id,
                        });
                    }
                    (Ok(_), None) => {}
                    (Err(error), _) => first_error = first_error.take().or(Some(error)),
                }
            }
        });
        if let Some(error) = first_error {
            return Err(error);
        }
        self.accept(made, absent)?;
        let (disk, inst) = (sys.disk(), self.layout.realizations());
        disk.sync_fs(&self.layout.tmp())?;
        for (_, linking) in absent {
            let to = self.layout.realization(&linking.id);
            if is_there(&to).map_err(|e| read_error(&to, e))? {
                // Rubbish: what is there has its record.
                disk.remove_tree(&to)?;
            }
            disk.rename(&self.layout.tmp().join(linking.id.to_string()), &to)?;
        }
        Ok(disk.sync_dir(&inst)?)
    }

    /// An error, if something was not rewritten and that is one.
    fn accept(&self, made: &[Made], absent: &[(usize, Linking<'_>)]) -> Done {
        let refused = absent.iter().flat_map(|(place, linking)| {
            let unlinked = made.get(*place).into_iter().flat_map(|m| &m.unlinked);
            let refused = unlinked.filter(|u| u.is_warning());
            refused.map(|u| (linking.facts.id.clone(), u.clone()))
        });
        let refused: Vec<_> = refused.filter(|_| self.strict).collect();
        match refused.is_empty() {
            true => Ok(()),
            false => Err(LinkError::Refused(refused)),
        }
    }

    /// Realizations by their name.
    pub(super) fn listed<'r>(
        &self,
        realizations: &'r [Realization],
    ) -> BTreeMap<RealizationId, &'r Realization> {
        realizations.iter().map(|r| (r.id(), r)).collect()
    }

    /// Of what a realization is, listed or there.
    pub(super) fn installation_of(
        &self,
        listed: &BTreeMap<RealizationId, &Realization>,
        id: &RealizationId,
    ) -> Done<Option<InstallationId>> {
        match listed.get(id) {
            Some(realization) => Ok(Some(realization.installation.clone())),
            None => Ok(self.record(id)?.map(|r| r.installation)),
        }
    }
}
