//! What is decided before anything is done: pure functions from facts to decisions, each with its reason.
//!
//! | | |
//! |---|---|
//! | [`abi`] | whether a library can stand in for another under a consumer |
//! | [`system_library`] | which of several versions of a library a world, or a generation, offers |
//! | [`hidden_by`], [`newest_visible`] | versions that are not to be seen |
//! | [`needed`] | what is wanted, what that needs, and what is an orphan |
#![forbid(unsafe_code)]

pub mod abi;
mod hides;
mod library;
mod order;
mod orphans;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;

pub use hides::{hidden_by, newest_visible};
pub use library::{Consumer, Criterion, Decision, Fit, NoLibrary, Override, Row, system_library};
pub use order::HostOrder;
pub use orphans::{Needed, WhyNeeded, needed};

use crate::layout::Version;

/// dpkg's order of versions.
pub trait Versions {
    /// Which of two is newer.
    fn compare(&self, a: &Version, b: &Version) -> Ordering;
}
