//! Scenarios of the archive's packages, chosen for their scripts.
//!
//! What each is for stands in its name: `bookworm` or `trixie` in front says the release, where there are both.

mod caches;
mod languages;
mod libraries;
mod releases;
mod servers;
mod system;

use super::scenario::{Row, Scenario, row};

/// What `dist-upgrade` does to the packages of the base system, which a view leaves to its host.
const OF_THE_HOST: &[Row] = &[
    row(
        "host *",
        "dist-upgrade of a view leaves alone what the view takes from the host and nothing asks for anew",
    ),
    row(
        "path /var/log/alternatives.log",
        "the same: it tells of alternatives of such packages",
    ),
];

/// How man-db's index tells pages from links to them.
pub const MAN_DB: Row = row(
    "path /var/cache/man/*index.db",
    "man-db takes a page with several names (st_nlink) for linked, and each file of a view has one in the store, too: of links it has seen before it says 'A' for 'B'",
);

/// Why a program sees nothing of what the world of a view with the host's state has in `/etc` and `/var`.
const SCRIPTS_ALONE: &str = "which services start, and databases of packaging tools, are the world's and seen by scripts alone: a context has the host's /etc and /var";

/// What a purge leaves of accounts.
pub const ACCOUNTS: &[Row] = &[row(
    "account *",
    "accounts are the host's: what a view brought is never removed",
)];

/// All of them, by what they are about.
pub const ALL: &[&[Scenario]] = &[
    libraries::ALL,
    languages::ALL,
    servers::ALL,
    system::ALL,
    caches::ALL,
    releases::ALL,
];
