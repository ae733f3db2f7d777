//! Stopping: signals to every process a search finds, until none is left or the schedule ends.

use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::pidfile;
use super::process::Pid;
use super::schedule::{Schedule, Step};
use super::search::Search;
use crate::error::Result;
use crate::msg;
use crate::msg::Msg;
use crate::report::{Event, Reporter, debug};

/// Never ask after processes more often than this.
const SHORTEST_PAUSE: Duration = Duration::from_millis(20);

/// What to stop, and how.
#[derive(Debug)]
pub struct Stop {
    /// The processes.
    pub search: Search,
    /// What messages call them.
    pub what: Msg,
    /// The signal, where there is no schedule.
    pub signal: i32,
    /// When to send what.
    pub schedule: Option<Schedule>,
    /// Only say what would be sent.
    pub test: bool,
    /// The pid file to remove when they are gone.
    pub remove_pidfile: Option<PathBuf>,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Processes were sent a signal, and with a schedule they ended.
    Done,
    /// There was none.
    Nothing,
    /// There still are some.
    Refused,
}

/// The state of one run.
struct Run<'a> {
    stop: &'a mut Stop,
    reporter: &'a mut dyn Reporter,
    /// Which round of signals this is.
    round: u32,
    /// Those that the last signal reached, the first in `/proc` first.
    reached: Vec<Pid>,
    count_reached: usize,
    count_missed: usize,
    any_reached: bool,
}

impl Stop {
    /// Do it.
    ///
    /// # Errors
    /// The processes cannot be searched for, or the pid file not be removed.
    pub fn run(mut self, reporter: &mut dyn Reporter) -> Result<Stopped> {
        if self.test && self.schedule.take().is_some() {
            reporter.output(msg!("Ignoring --retry in test mode\n"));
        }
        let schedule = self.schedule.take();
        let run = Run {
            stop: &mut self,
            reporter,
            round: 0,
            reached: Vec::new(),
            count_reached: 0,
            count_missed: 0,
            any_reached: false,
        };
        match schedule {
            None => run.once(),
            Some(schedule) => run.follow(&schedule),
        }
    }
}

impl Run<'_> {
    fn once(mut self) -> Result<Stopped> {
        self.send(self.stop.signal)?;
        self.summary();
        if self.count_missed > 0 {
            let count = self.count_missed;
            self.reporter
                .output(msg!("%d pids were not killed\n", count));
        }
        self.any_reached = self.count_reached > 0;
        self.finish()
    }

    fn follow(mut self, schedule: &Schedule) -> Result<Stopped> {
        let mut position = 0;
        loop {
            let Some(step) = schedule.steps.get(position) else {
                match schedule.forever_from {
                    Some(from) => position = from,
                    None => break,
                }
                continue;
            };
            position += 1;
            match *step {
                Step::Signal(signal) => {
                    self.send(signal)?;
                    self.summary();
                    self.round = self.round.saturating_add(1);
                    if self.count_reached == 0 {
                        return self.finish();
                    }
                    self.any_reached = true;
                }
                Step::Wait(seconds) => {
                    if self.wait(Duration::from_secs(seconds.into()))? {
                        return self.finish();
                    }
                }
            }
        }
        let (what, count) = (&self.stop.what, self.count_reached);
        self.reporter.output(msg!(
            "Program %s, %d process(es), refused to die.\n",
            what,
            count
        ));
        Ok(Stopped::Refused)
    }

    /// Send a signal to all that are there now.
    fn send(&mut self, signal: i32) -> Result<()> {
        self.count_reached = 0;
        self.count_missed = 0;
        let found = self.stop.search.again()?.processes;
        if found.is_empty() {
            return Ok(());
        }
        self.reached.clear();
        for pid in found {
            if self.stop.test {
                self.reporter
                    .output(msg!("Would send signal %d to %d.\n", signal, pid));
                self.count_reached += 1;
                continue;
            }
            match pid.signal(signal) {
                Ok(()) => {
                    self.reached.insert(0, pid);
                    self.count_reached += 1;
                }
                Err(e) => {
                    if signal != 0 {
                        let what = msg!("failed to kill %d: %s", pid, e);
                        self.reporter.warning(what);
                    }
                    self.count_missed += 1;
                }
            }
        }
        Ok(())
    }

    /// Tell whom the last signal that found anybody reached.
    fn summary(&mut self) {
        if self.reporter.debug_flags() & debug::GENERAL == 0 || self.reached.is_empty() {
            return;
        }
        let pids: String = self.reached.iter().map(|pid| format!(" {pid}")).collect();
        let retry = match self.round {
            0 => Msg::verbatim(""),
            round => msg!(", retry #%d", round),
        };
        let what = &self.stop.what;
        self.reporter.event(&Event::Debug {
            flag: debug::GENERAL,
            text: msg!("Stopped %s (pid%s)%s.\n", what, pids, retry),
        });
    }

    /// Watch for a time whether all end; true as soon as they have. Each pause is a growing
    /// multiple of what it took to look, so that looking takes little of a busy machine and
    /// an idle one is not kept waiting. No time is still time for one look: stock's clock has
    /// not moved on by then.
    fn wait(&mut self, time: Duration) -> Result<bool> {
        let begin = Instant::now();
        let mut ratio = 1;
        loop {
            let before = begin.elapsed();
            if before > time && ratio > 1 {
                return Ok(false);
            }
            self.send(0)?;
            if self.count_reached == 0 {
                return Ok(true);
            }
            let after = begin.elapsed();
            if after >= time {
                return Ok(false);
            }
            ratio = (ratio + 1).min(10);
            let pause = (after - before).saturating_mul(ratio).min(time - after);
            sleep(pause.max(SHORTEST_PAUSE));
        }
    }

    fn finish(self) -> Result<Stopped> {
        if let Some(path) = self
            .stop
            .remove_pidfile
            .as_deref()
            .filter(|_| !self.stop.test)
        {
            pidfile::remove(path)?;
        }
        if self.any_reached {
            return Ok(Stopped::Done);
        }
        let what = &self.stop.what;
        self.reporter
            .output(msg!("No %s found running; none killed.\n", what));
        Ok(Stopped::Nothing)
    }
}

#[cfg(test)]
mod tests {
    use super::super::search::{Among, Trait};
    use super::*;
    use crate::report::Silent;

    fn stop(schedule: &str, command: &str) -> (Stopped, std::process::Child) {
        let mut child = std::process::Command::new("/bin/sh")
            .args(["-c", command])
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        // It has set its traps when it says so.
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut [0; 1]).unwrap();
        let pid = Pid::new(child.id() as i32).unwrap();
        let parent = Trait::Parent(Pid::own());
        let stop = Stop {
            search: Search::new(Among::Pid(pid), vec![parent], false),
            what: Msg::verbatim("it"),
            signal: libc::SIGTERM,
            schedule: Some(Schedule::parse(schedule.as_bytes(), libc::SIGTERM).unwrap()),
            test: false,
            remove_pidfile: None,
        };
        (stop.run(&mut Silent).unwrap(), child)
    }

    #[test]
    fn who_ignores_all_signals_refuses() {
        let (outcome, mut child) = stop(
            "TERM/0/HUP/0",
            "trap '' TERM HUP; echo; while :; do sleep 0.1; done",
        );
        assert_eq!(outcome, Stopped::Refused);
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
