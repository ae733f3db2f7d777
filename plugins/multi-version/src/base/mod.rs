//! The base: what the host lends a world.
//!
//! A world is a whole system: maintainer scripts and apt look for what any Debian system has. So the host's base system is
//! part of every world's admindir, as installed as it is on the host, and its files show through from the host's `/usr`:
//!
//! - packages that are Essential, Protected, or of Priority required or important, dpkg and apt; and what these depend on
//!   (Pre-Depends, Depends) as the host satisfies it;
//! - `usr-is-merged`, as every view's `/usr` is;
//! - of these packages: stanzas, info files, trigger interests, diversions, statoverrides, groups of alternatives.
//!
//! ```text
//! base::lend      at begin: the base as it is on the host now; nothing where the view has something of its own
//! Satisfies       in a run: whether another package of the host does for a dependency
//! base::settle    before commit: what became of the base; whiteouts for files of the host that the world has not
//! ```
//!
//! `lent`, in the world's directory, says what was lent and of which state of the host's database ([`Lent`]).
//! A package in the world's database that is in `lent` with this version is the host's; all others are the view's.
#![forbid(unsafe_code)]

mod error;
mod lend;
mod lent;
mod satisfies;
mod settle;

pub use error::BaseError;
pub use lend::lend;
pub use lent::{Lent, PackageKey};
pub use satisfies::Satisfies;
pub use settle::{Settled, settle};

type Done<T = ()> = Result<T, BaseError>;
