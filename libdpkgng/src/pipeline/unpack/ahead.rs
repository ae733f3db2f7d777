//! What may be done of an archive before its turn, and within which bounds.
//!
//! Archives are opened in the order of the command line, a few ahead of the one at hand. As many
//! threads as there are processors take them in that order and make [`Entries`] of them: they
//! decompress, read the tar, and hold what comes out ready. Nothing of that has an effect that
//! anybody could see: small content waits in memory, larger content in files that have no name
//! (`O_TMPFILE`) on the file system of the instdir, so that placing it is giving it a name. Where
//! it goes, and with which owner and mode, is decided when it is its turn.
//!
//! Bounds: [`Budget`] has a number of bytes in memory for all archives together, of which a part is
//! kept for the one at hand, so that it never waits for those behind it; of bytes in files, for
//! which there has to be plenty of room on the disk; and of descriptors. Content that does not fit
//! waits in its archive until it does.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use crossbeam_channel::{Receiver, Sender, unbounded};

use super::super::{Action, Run};
use super::entries::Entries;
use super::source::{Batch, Producer};
use crate::archive::deb::DebFile;
use crate::error::Result;
use crate::sys::inherited;
use crate::sys::place::{Place, Spot, Stat};

/// Memory that an archive may have in any case.
const LEAST: usize = 512 * 1024;
/// Bytes that may be in unnamed files.
const DISK: u64 = 512 << 20;
/// What is to be free on the disk beyond that.
const DISK_SPARE: u64 = 1 << 30;
/// Unnamed files that are open at once, at most, and the descriptors that are left to others.
const FILES: (usize, usize) = (384, 640);
/// The largest archive that one thread alone decompresses, in bytes. Smaller ones are read several at
/// a time; behind a larger one memory would be full before it is read.
const ONE_THREAD: u64 = 16 << 20;

/// What the archives that are read ahead have taken, and may take.
pub(super) struct Budget {
    memory: usize,
    taken: Mutex<Taken>,
    given_back: Condvar,
}

#[derive(Default)]
struct Taken {
    memory: usize,
    disk: u64,
    files: usize,
    /// Threads that wait for memory.
    waiting: usize,
    /// Some archive is decompressed by several threads.
    several: bool,
}

/// Whose turn it is, and who is not wanted any more.
#[derive(Default)]
pub(super) struct Turn {
    at_hand: AtomicBool,
    dropped: AtomicBool,
    /// Memory that this archive has taken; changed with the budget locked.
    memory: AtomicUsize,
}

impl Turn {
    /// It is its turn.
    pub(super) fn is_at_hand(&self) {
        self.at_hand.store(true, Ordering::Release);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl Budget {
    pub(super) fn new(memory: usize) -> Arc<Budget> {
        Arc::new(Budget {
            memory,
            taken: Mutex::default(),
            given_back: Condvar::new(),
        })
    }

    /// Wait until an archive may have this much memory. `None`: nobody wants it any more.
    pub(super) fn take(self: &Arc<Budget>, turn: &Arc<Turn>, bytes: usize) -> Option<Claim> {
        let kept = (self.memory / 8).max(LEAST);
        let mut taken = lock(&self.taken);
        loop {
            if turn.dropped.load(Ordering::Acquire) {
                return None;
            }
            let own = turn.memory.load(Ordering::Relaxed);
            let (mine, all) = (own + bytes, taken.memory + bytes);
            let fits = match turn.at_hand.load(Ordering::Acquire) {
                true => mine <= kept || all <= self.memory,
                false => mine <= LEAST || all <= self.memory.saturating_sub(kept),
            };
            if fits || own == 0 {
                turn.memory.store(mine, Ordering::Relaxed);
                taken.memory = all;
                return Some(Claim {
                    budget: self.clone(),
                    turn: turn.clone(),
                    bytes,
                });
            }
            taken.waiting += 1;
            let waited = self.given_back.wait(taken);
            taken = waited.unwrap_or_else(|poisoned| poisoned.into_inner());
            taken.waiting -= 1;
        }
    }

    /// Wait until a large archive may be decompressed by several threads, which hold several blocks of
    /// 24 MiB: one archive at a time. What is at hand, or not wanted any more, does not wait, least of
    /// all for one behind it, and gets `None` while another one is.
    pub(super) fn several(self: &Arc<Budget>, turn: &Turn) -> Option<Several> {
        let mut taken = lock(&self.taken);
        loop {
            if !taken.several {
                taken.several = true;
                return Some(Several(self.clone()));
            }
            if turn.at_hand.load(Ordering::Acquire) || turn.dropped.load(Ordering::Acquire) {
                return None;
            }
            let waited = self.given_back.wait(taken);
            taken = waited.unwrap_or_else(|poisoned| poisoned.into_inner());
        }
    }

    #[cfg(test)]
    pub(super) fn memory_taken(&self) -> usize {
        lock(&self.taken).memory
    }

    /// Something of a turn has changed.
    fn look_again(&self) {
        drop(lock(&self.taken));
        self.given_back.notify_all();
    }
}

/// Memory taken; given back when this is dropped.
pub(super) struct Claim {
    budget: Arc<Budget>,
    turn: Arc<Turn>,
    bytes: usize,
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut taken = lock(&self.budget.taken);
        taken.memory = taken.memory.saturating_sub(self.bytes);
        self.turn.memory.fetch_sub(self.bytes, Ordering::Relaxed);
        let heard = taken.waiting > 0;
        drop(taken);
        if heard {
            self.budget.given_back.notify_all();
        }
    }
}

/// An archive is decompressed by several threads until this is dropped.
pub(super) struct Several(Arc<Budget>);

impl Drop for Several {
    fn drop(&mut self) {
        lock(&self.0.taken).several = false;
        self.0.given_back.notify_all();
    }
}

/// Where content waits that is too large for memory.
#[derive(Clone)]
pub(super) struct Staging {
    dir: Spot,
    budget: Arc<Budget>,
    /// There are no unnamed files here.
    useless: Arc<AtomicBool>,
    /// How many may be open.
    files: usize,
    /// Bytes that have to be free beside what waits.
    spare: u64,
}

/// A file without a name.
pub(super) struct Unnamed {
    pub(super) file: std::fs::File,
    pub(super) claim: DiskClaim,
}

/// Room taken on the disk; given back when this is dropped.
pub(super) struct DiskClaim {
    budget: Arc<Budget>,
    pub(super) size: u64,
}

impl Drop for DiskClaim {
    fn drop(&mut self) {
        let mut taken = lock(&self.budget.taken);
        taken.disk = taken.disk.saturating_sub(self.size);
        taken.files = taken.files.saturating_sub(1);
    }
}

impl Staging {
    /// A file for so many bytes, if there is one to be had.
    pub(super) fn file(&self, size: u64) -> Option<Unnamed> {
        if self.useless.load(Ordering::Relaxed) {
            return None;
        }
        let mut taken = lock(&self.budget.taken);
        let disk = taken.disk.checked_add(size).filter(|all| *all <= DISK)?;
        if taken.files >= self.files {
            return None;
        }
        let free = self.dir.free_space().ok()?;
        if free < disk.saturating_add(self.spare) {
            return None;
        }
        match self.dir.unnamed() {
            Ok(file) => {
                taken.disk = disk;
                taken.files += 1;
                Some(Unnamed {
                    file,
                    claim: DiskClaim {
                        budget: self.budget.clone(),
                        size,
                    },
                })
            }
            Err(_) => {
                self.useless.store(true, Ordering::Relaxed);
                None
            }
        }
    }
}

/// An archive for a thread to read.
struct Job {
    producer: Producer,
    turn: Arc<Turn>,
    send: Sender<Batch>,
}

/// The threads. They end when this is dropped and they have noticed.
pub(super) struct Pool {
    jobs: Sender<Job>,
    queue: Receiver<Job>,
    budget: Arc<Budget>,
    staging: Staging,
    threads: usize,
    started: usize,
}

impl Pool {
    pub(super) fn new(memory: usize, instdir: &Path) -> Pool {
        let (jobs, queue) = unbounded();
        let budget = Budget::new(memory);
        Pool {
            jobs,
            queue,
            staging: Staging {
                dir: Place::new(instdir).spot(b"/"),
                budget: budget.clone(),
                useless: Arc::default(),
                files: inherited::descriptors_max()
                    .saturating_sub(FILES.1)
                    .min(FILES.0),
                spare: DISK_SPARE,
            },
            budget,
            threads: std::thread::available_parallelism().map_or(1, |n| n.get()),
            started: 0,
        }
    }

    /// Have an archive read after those before it; `now`, if it is its turn already: all threads
    /// may be waiting with others then, so that it gets one of its own.
    pub(super) fn read(&mut self, deb: &DebFile, now: bool) -> Entries {
        let mut own = None;
        let ready = if now {
            let (jobs, queue) = unbounded();
            own = Some(jobs);
            self.start(queue)
        } else {
            if self.started < self.threads && self.start(self.queue.clone()) {
                self.started += 1;
            }
            self.started > 0
        };
        if !ready {
            return Entries::here(Producer::new(deb.clone(), None));
        }
        let turn = Arc::new(Turn::default());
        if now {
            turn.is_at_hand();
        }
        let (send, receive) = unbounded();
        // Whoever takes it is there.
        let _ = own.as_ref().unwrap_or(&self.jobs).send(Job {
            producer: Producer::new(deb.clone(), Some(self.staging.clone())),
            turn: turn.clone(),
            send,
        });
        Entries::from_thread(receive, Reader::new(self.budget.clone(), turn))
    }

    /// Have content wait in files however full the disk is.
    #[cfg(test)]
    pub(super) fn spare_disk(&mut self, spare: u64) {
        self.staging.spare = spare;
    }

    fn start(&self, queue: Receiver<Job>) -> bool {
        let budget = self.budget.clone();
        let thread = std::thread::Builder::new()
            .name("archive".to_owned())
            .spawn(move || work(&queue, &budget));
        thread.is_ok()
    }
}

fn work(queue: &Receiver<Job>, budget: &Arc<Budget>) {
    while let Ok(Job {
        mut producer,
        turn,
        send,
    }) = queue.recv()
    {
        let large = producer.archive_size() > ONE_THREAD;
        let several = large.then(|| budget.several(&turn)).flatten();
        producer.threads = if several.is_some() { -1 } else { 1 };
        if turn.dropped.load(Ordering::Acquire) {
            continue;
        }
        while let Some(mut batch) = producer.next() {
            let Some(claim) = budget.take(&turn, batch.bytes) else {
                break; // Nobody wants it any more.
            };
            batch.claim = Some(claim);
            if send.send(batch).is_err() {
                break;
            }
        }
    }
}

/// The reader's end of an archive that a thread reads.
pub(super) struct Reader {
    budget: Arc<Budget>,
    turn: Arc<Turn>,
}

impl Reader {
    fn new(budget: Arc<Budget>, turn: Arc<Turn>) -> Reader {
        Reader { budget, turn }
    }

    /// It is its turn.
    pub(super) fn at_hand(&self) {
        self.turn.is_at_hand();
        self.budget.look_again();
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.turn.dropped.store(true, Ordering::Release);
        self.budget.look_again();
    }
}

/// The data member of an archive.
pub struct Data {
    pub(super) entries: Entries,
    /// Where its content is, if it is on disk already: the number of the hook that knows, and the
    /// directory.
    pub(super) payload: Option<(usize, Place)>,
}

/// An archive that was opened, once for both of its members.
pub struct Opened {
    /// For the control member.
    pub deb: Result<DebFile>,
    /// Nothing where nobody is going to want it.
    pub data: Option<Data>,
}

/// What tells whether the file at a path is still the one that was opened, and as it was.
fn identity(archive: &Path) -> Option<Stat> {
    super::plan::given(archive).stat().ok()
}

/// An archive that was opened before its turn.
struct Early {
    /// Its number and path on the command line.
    number: usize,
    path: PathBuf,
    identity: Option<Stat>,
    opened: Result<Opened>,
}

/// Archives that were opened before their turn.
#[derive(Default)]
pub struct Ahead {
    opened: VecDeque<Early>,
    /// Up to which number that was done.
    next: usize,
    pool: Option<Pool>,
}

impl std::fmt::Debug for Ahead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.opened.iter().map(|early| &early.path))
            .finish()
    }
}

impl Ahead {
    /// Let go of the archives up to this number: their turn is over.
    pub(super) fn forget(&mut self, number: usize) {
        self.opened.retain(|early| early.number > number);
    }
}

impl Run {
    /// Open an archive; a failure shows when it is read from.
    ///
    /// # Errors
    /// That of a hook.
    fn open_archive(&mut self, archive: &Path, now: bool) -> Result<Opened> {
        let deb = DebFile::open(archive);
        if !self.opts.act || self.opts.action == Action::RecordAvail {
            return Ok(Opened { deb, data: None });
        }
        let data = match &deb {
            Ok(deb) => match self.hooks.payload(&self.db.table, deb)? {
                Some((by, payload)) => Data {
                    entries: Entries::here(Producer::of_headers(payload.headers)),
                    payload: Some((by, Place::within(payload.root))),
                },
                None => Data {
                    entries: self.read_archive(deb, now),
                    payload: None,
                },
            },
            Err(e) => Data {
                entries: Entries::here(Producer::broken(e.clone())),
                payload: None,
            },
        };
        let data = Some(data);
        Ok(Opened { deb, data })
    }

    fn read_archive(&mut self, deb: &DebFile, now: bool) -> Entries {
        if self.opts.ahead == 0 {
            return Entries::here(Producer::new(deb.clone(), None));
        }
        let (memory, instdir) = (self.opts.ahead, &self.db.dirs.instdir);
        let pool = &mut self.unpack.ahead.pool;
        let pool = pool.get_or_insert_with(|| Pool::new(memory, instdir));
        pool.read(deb, now)
    }

    /// Open the archives from number `at` on, as far as they may be before their turn.
    pub(super) fn open_ahead(&mut self, archives: &[PathBuf], at: usize) {
        if self.opts.ahead == 0 || !self.opts.act || self.opts.action == Action::RecordAvail {
            return;
        }
        let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
        // Enough for every thread to have one while others are ready.
        let end = at + 1 + (4 * threads).min(32);
        let from = self.unpack.ahead.next.max(at);
        for (number, archive) in archives.iter().enumerate().take(end).skip(from) {
            self.unpack.ahead.next = number + 1;
            // What is put together out of parts is not there yet.
            if super::plan::is_plain_deb(archive) {
                let early = Early {
                    number,
                    path: archive.clone(),
                    identity: identity(archive),
                    opened: self.open_archive(archive, false),
                };
                self.unpack.ahead.opened.push_back(early);
            }
        }
    }

    /// The archive whose turn it is: the first of those opened, if a script has not changed it since,
    /// or one that was not.
    ///
    /// # Errors
    /// That of a hook.
    pub(super) fn opened(&mut self, archive: &Path) -> Result<Opened> {
        let ahead = &mut self.unpack.ahead.opened;
        let early = match ahead.front() {
            Some(early) if early.path == archive => ahead.pop_front(),
            _ => None,
        };
        let opened = match early {
            Some(early) if early.identity == identity(archive) => early.opened?,
            _ => self.open_archive(archive, true)?,
        };
        if let Some(data) = &opened.data {
            data.entries.at_hand();
        }
        Ok(opened)
    }
}
