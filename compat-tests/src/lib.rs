//! Holds dpkg-ng against stock dpkg.
//!
//! Everything here runs stock first: a case whose stated expectation stock does not meet is a
//! wrong case. What is observed (exit code, output, status-fd, log, database, tree) is written as
//! text, once for stock and once for ours, and the two texts must be equal.
//!
//! * [`oracle`] makes the stock systems and sources, in a cache directory.
//! * [`catalogue`] makes a language that shows what is translated.
//! * [`sandbox`] gives a run its private copy of such a system, in a mount namespace.
//! * [`snapshot`] writes down a tree or a database.
//! * [`deb`] and [`world`] are what a case is told with; [`cases`] is the library of them.
//! * [`generator`] makes packages and command sequences at random and compares those.
//! * [`faults`] fails system calls of ours and goes on.
//! * [`fsck`] damages a database and has ours repair it.
//! * [`kill`] kills ours at any moment and recovers.
//! * [`msgids`] checks that every text of ours is a message of dpkg.
//! * [`runner`] runs cases, [`suite`] dpkg's functional tests, [`autotest`] its `src/at` tests,
//!   [`perl`] its tests in Perl, [`real`] whole systems.
//! * [`packages`] installs, upgrades and removes the Debian packages of ours, and kills that.
//! * [`multi`] runs programs of two releases side by side on one system.
//! * [`views`] holds views against a chroot: the same steps of apt in both.
//! * [`watch`] stops a command at its system calls, and kills it there.
//! * [`bench`] compares time and memory.

pub mod autotest;
pub mod bench;
pub mod cases;
pub mod catalogue;
pub mod deb;
pub mod faults;
pub mod fsck;
pub mod generator;
pub mod kill;
pub mod msgids;
pub mod multi;
pub mod oracle;
pub mod packages;
pub mod perl;
pub mod power;
pub mod real;
pub mod report;
pub mod runner;
pub mod sandbox;
pub mod snapshot;
pub mod suite;
pub mod views;
pub mod watch;
pub mod world;

/// A failure of the harness itself, in words.
pub type Res<T> = Result<T, String>;

/// Adds to an error what was being done and to what.
pub trait During<T> {
    /// Turns the error into `what: error`.
    fn during(self, what: impl std::fmt::Display) -> Res<T>;
}

impl<T, E: std::fmt::Display> During<T> for Result<T, E> {
    fn during(self, what: impl std::fmt::Display) -> Res<T> {
        self.map_err(|e| format!("{what}: {e}"))
    }
}
