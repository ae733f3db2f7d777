//! Packages in parts: deb-split(5).
//!
//! A part is an ar archive of two members: `debian-split`, lines of text that say which piece of
//! which package this is, and `data.N`, the piece. [`PartInfo::read`] reads the head of one,
//! [`Source`] cuts a package into parts, [`join`] puts parts given by name together, and
//! [`Depot`] is the queue in which parts wait for the others of their package
//! (`ADMINDIR/parts`).

mod cut;
mod depot;
mod join;
mod number;
mod part;

pub use cut::{Layout, PartSize, Source};
pub use depot::{Auto, Depot};
pub use join::join;
pub use part::PartInfo;

/// The format that is written.
const VERSION: &str = "2.1";
/// The member that says what a part is.
const MAGIC_MEMBER: &str = "debian-split";
/// What of a part's size is left to the headers.
const HEADER_ALLOWANCE: u64 = 1024;
/// How package files end.
const DEB_EXTENSION: &str = ".deb";
/// How many digits an MD5 checksum has.
const MD5_LEN: usize = 32;
