//! Everything dpkg does, as a library: data in, events out.
//!
//! The modules stand on floors; every `use crate::…` goes to a lower floor (or, within a
//! floor, to a module named earlier in this list), which `tests/floors.rs` checks.
//!
//! | floor | modules |
//! |---|---|
//! | 0 | [`msg`] [`error`] [`sys`] [`digest`] [`version`] [`arch`] [`state`] [`filter`] |
//! | 1 | [`name`] [`deb822`] [`force`] |
//! | 2 | [`report`] [`relations`] |
//! | 3 | [`pkg`] |
//! | 4 | [`control`] [`archive`] [`fsys`] |
//! | 5 | [`db`] |
//!
//! The library never prints, asks, exits or reads the environment: what it has to say
//! leaves as [`report::Event`]s, what it has to ask goes through [`report::Prompter`].

pub mod arch;
pub mod db;
pub mod error;
pub mod filter;
pub mod force;
pub mod fsys;
pub mod hooks;
pub mod msg;
pub mod pipeline;
pub mod pkg;
pub mod report;
pub mod state;
pub mod sys;
pub mod version;
