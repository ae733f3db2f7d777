//! ELF files: reading what matters for linking, rewriting interpreter and search path, and telling what
//! the loader will find.
//!
//! Everything here is a pure function of bytes; nothing opens a file, and no input makes it
//! panic, loop or take memory out of proportion.
//!
//! | | |
//! |---|---|
//! | [`rewrite`](rewrite::rewrite) | from bytes and a [`Wish`] to skip, an [`Edit`] with its [`Undo`], or unsupported |
//! | [`Image`], [`DynamicInfo`] | headers and dynamic table |
//! | [`symbols`], [`notes`], [`sonames`] | versions and symbols, build-id and dlopen metadata, names that look like sonames |
//! | [`resolve`] | ld.so's search |
#![forbid(unsafe_code)]

pub mod consts;
mod draft;
mod fault;
mod growth;
mod image;
mod info;
mod layout;
mod machine;
pub mod notes;
mod padding;
mod patch;
pub mod resolve;
pub mod rewrite;
mod slot;
pub mod sonames;
pub mod symbols;
mod verify;
mod view;
mod wish;

pub use fault::Fault;
pub use image::{Dynamic, Image};
pub use info::{DynamicInfo, Target};

pub use layout::{Layout, Record, Section, Segment};
pub use machine::{Port, is_glibc_interpreter};
pub use patch::{Edit, Undo, UndoError};
pub use rewrite::{Outcome, Skip, Tier, Unsupported, rewrite};
pub use verify::check;
pub use view::{View, Write};
pub use wish::{PathTag, Wish};
