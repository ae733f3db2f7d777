//! The processes that a set of traits describes.

use std::path::PathBuf;

use super::pidfile::{self, Content};
use super::process::{FileId, Identity, Pid};
use crate::error::Result;

/// Something that is so of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trait {
    /// It executes this file.
    Executable(FileId),
    /// It was started by this one, or handed over to it.
    Parent(Pid),
    /// It runs as this user.
    Owner(u32),
    /// It has this name.
    Name(Vec<u8>),
}

impl Trait {
    fn holds(&self, pid: Pid) -> bool {
        match self {
            Trait::Executable(file) => pid.executable().as_ref() == Some(file),
            Trait::Parent(parent) => pid.parent().as_ref() == Some(parent),
            Trait::Owner(uid) => pid.owner().as_ref() == Some(uid),
            Trait::Name(name) => pid.name().as_ref() == Some(name),
        }
    }
}

/// Which processes come into question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Among {
    /// Every one.
    All,
    /// This one.
    Pid(Pid),
    /// The one in this pid file.
    Pidfile(PathBuf),
}

/// A search that can be made again and again.
#[derive(Debug)]
pub struct Search {
    among: Among,
    traits: Vec<Trait>,
    alive: bool,
    /// The one process in question, from when it was first seen on, and what it says of the
    /// daemon when it is gone.
    only: Option<(Identity, Status)>,
}

/// What [`Among`] comes to.
enum Candidates {
    All,
    /// This one, and what it says of the daemon if it is not it.
    One(Pid, Status),
    /// Nobody, and what that says of the daemon.
    Nobody(Status),
}

/// What is known of a daemon, in the order of certainty that it runs; the numbers are the exit
/// codes of the LSB for the status of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// It runs.
    Running = 0,
    /// It does not, yet there is its pid file.
    DeadPidfile = 1,
    /// It does not.
    Dead = 3,
    /// That cannot be said.
    Unknown = 4,
}

/// What a search finds.
#[derive(Debug)]
pub struct Found {
    /// What that says of the daemon.
    pub status: Status,
    /// The processes, the last in `/proc` first.
    pub processes: Vec<Pid>,
}

impl Found {
    fn nobody(status: Status) -> Found {
        Found {
            status,
            processes: Vec::new(),
        }
    }
}

impl Search {
    /// For all `among` those that have the traits, and, if `alive`, are there at all (of a number
    /// without any trait nothing else says so).
    pub fn new(among: Among, traits: Vec<Trait>, alive: bool) -> Search {
        Search {
            among,
            traits,
            alive,
            only: None,
        }
    }

    /// Look who is there now.
    ///
    /// # Errors
    /// `/proc` or the pid file cannot be read, or the pid file cannot be trusted.
    pub fn once(&self) -> Result<Found> {
        match self.candidates()? {
            Candidates::All => self.look_at_all(),
            Candidates::One(pid, missing) => self.look_at(pid, missing),
            Candidates::Nobody(status) => Ok(Found::nobody(status)),
        }
    }

    /// Like [`Search::once`], again and again: a number that is in question stands for the same
    /// process each time, and a pid file that has named one is not read any more.
    ///
    /// # Errors
    /// As there.
    pub fn again(&mut self) -> Result<Found> {
        match self.only {
            Some((one, missing)) if one.is_taken() => Ok(Found::nobody(missing)),
            Some((one, missing)) => self.look_at(one.pid, missing),
            None => match self.candidates()? {
                Candidates::All => self.look_at_all(),
                Candidates::One(pid, missing) => {
                    self.only = Some((Identity::of(pid), missing));
                    self.look_at(pid, missing)
                }
                Candidates::Nobody(status) => Ok(Found::nobody(status)),
            },
        }
    }

    fn candidates(&self) -> Result<Candidates> {
        Ok(match &self.among {
            Among::All => Candidates::All,
            Among::Pid(pid) => Candidates::One(*pid, Status::Dead),
            Among::Pidfile(path) => match pidfile::read(path, self.traits.is_empty())? {
                Content::Absent => Candidates::Nobody(Status::Dead),
                Content::Nobody => Candidates::Nobody(Status::DeadPidfile),
                Content::Nonsense => Candidates::Nobody(Status::Unknown),
                Content::Pid(pid) => Candidates::One(pid, Status::DeadPidfile),
            },
        })
    }

    fn look_at(&self, pid: Pid, missing: Status) -> Result<Found> {
        Ok(match self.is_wanted(pid)? {
            true => Found {
                status: Status::Running,
                processes: vec![pid],
            },
            false => Found::nobody(missing),
        })
    }

    fn look_at_all(&self) -> Result<Found> {
        let mut processes = Vec::new();
        for pid in Pid::all()? {
            if self.is_wanted(pid)? {
                processes.push(pid);
            }
        }
        processes.reverse();
        let status = match processes.is_empty() {
            true => Status::Dead,
            false => Status::Running,
        };
        Ok(Found { status, processes })
    }

    fn is_wanted(&self, pid: Pid) -> Result<bool> {
        Ok(self.traits.iter().all(|t| t.holds(pid)) && (!self.alive || pid.is_running()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_found_by_its_traits() {
        let own = Pid::own();
        let traits = vec![
            Trait::Executable(own.executable().unwrap()),
            Trait::Name(own.name().unwrap()),
            Trait::Owner(own.owner().unwrap()),
            Trait::Parent(own.parent().unwrap()),
        ];
        let found = Search::new(Among::All, traits.clone(), true)
            .once()
            .unwrap();
        assert_eq!(
            (found.status, found.processes),
            (Status::Running, vec![own])
        );
        let mut one = Search::new(Among::Pid(own), traits, true);
        assert_eq!(one.again().unwrap().status, Status::Running);
        assert_eq!(one.again().unwrap().processes, [own]);
        let other = vec![Trait::Name(b"another".to_vec())];
        let found = Search::new(Among::Pid(own), other, true).once().unwrap();
        assert_eq!(found.status, Status::Dead);
    }

    #[test]
    fn a_pid_file_tells_three_ends_apart() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pid");
        let other = vec![Trait::Name(b"another".to_vec())];
        let mut search = Search::new(Among::Pidfile(path.clone()), other, true);
        assert_eq!(search.again().unwrap().status, Status::Dead);
        std::fs::write(&path, "x").unwrap();
        assert_eq!(search.again().unwrap().status, Status::Unknown);
        std::fs::write(&path, std::process::id().to_string()).unwrap();
        assert_eq!(search.again().unwrap().status, Status::DeadPidfile);
    }
}
