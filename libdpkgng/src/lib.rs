//! Everything dpkg does, as a library: data in, events out.
//!
//! The modules stand on floors; every `use crate::…` goes to the same floor or a lower one,
//! which `tests/floors.rs` checks by this table.
//!
//! | floor | modules |
//! |---|---|
//! | 0 | [`msg`](mod@msg) [`error`] [`sys`] [`digest`] [`version`] [`arch`] [`state`] [`name`] [`number`] |
//! | 1 | [`force`] [`report`] [`filter`] [`deb822`] |
//! | 2 | [`pkg`] |
//! | 2 | [`daemon`] |
//! | 3 | [`fsys`] [`pkgspec`] [`relations`] [`control`] [`archive`] |
//! | 4 | [`db`] |
//! | 5 | [`showformat`] [`query`] |
//! | 5 | [`hooks`] [`alternatives`] |
//! | 6 | [`pipeline`] |
//! | 7 | [`admin`] |
//! | 7 | [`plugin`] |
//! | 8 | [`fsck`] |
//!
//! The library never prints, asks, exits or reads the environment: what it has to say
//! leaves as [`report::Event`]s, what it has to ask goes through [`report::Prompter`].
//!
//! Every path of an installed system is reached through [`sys::place`]; clippy.toml forbids the
//! functions that resolve paths by themselves, and a module in which they are right says why.

#![cfg_attr(
    test,
    allow(
        clippy::disallowed_methods,
        reason = "tests make the systems that are worked on"
    )
)]

pub mod admin;
pub mod alternatives;
pub mod arch;
pub mod archive;
pub mod control;
pub mod daemon;
pub mod db;
pub mod deb822;
pub mod digest;
pub mod error;
pub mod filter;
pub mod force;
pub mod fsck;
pub mod fsys;
pub mod hooks;
pub mod msg;
pub mod name;
pub mod number;
pub mod pipeline;
pub mod pkg;
pub mod pkgspec;
pub mod plugin;
pub mod query;
pub mod relations;
pub mod report;
pub mod showformat;
pub mod state;
pub mod sys;
pub mod version;
