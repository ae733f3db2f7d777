//! What a plugin in Rust is written with. A plugin links this crate, is a `cdylib`, and has no
//! `unsafe` of its own:
//!
//! ```
//! use std::ffi::OsString;
//! use dpkgng_plugin::{Claim, Failed, Host, Plugin, export};
//!
//! struct Greeting;
//!
//! impl Plugin for Greeting {
//!     const NAME: &str = "greeting";
//!     const VERSION: &str = "1";
//!     const CLAIMS: &[Claim] = &[Claim::Command("greet")];
//!
//!     fn command(host: Host, args: &[OsString]) -> Result<i32, Failed> {
//!         host.output(format!("{} arguments\n", args.len()))?;
//!         Ok(0)
//!     }
//! }
//!
//! export!(Greeting);
//! ```
//!
//! | | |
//! |---|---|
//! | [`Plugin`], [`export!`] | what a plugin states, and the symbol that dpkg-ng looks for |
//! | [`Host`] | dpkg-ng: speaking, asking, running dpkg; on the thread that the plugin is called on |
//! | [`Services`] | the rest of it, on any thread: package files, control files, versions, digests |
//! | [`Entry`] | an entry of a package's data member, to be read or placed |
//! | [`Packages`], [`Database`] | databases of packages, lent to a hook or opened |
//! | [`Hooks`] | what may know of and change what dpkg does |
//! | [`run_in_our_place`], [`fork_in_our_place`] | another program, or a copy of this one, to which signals go meanwhile |
//!
//! What is guaranteed: text that is lent for a call is copied within it; no panic crosses the
//! border in either direction; a function that this dpkg-ng lacks is an error; what belongs to
//! a thread does not leave it. All `unsafe` of plugins is here; what its comments take for
//! granted are the rules at the head of `dpkgng-plugin-abi`.
#![allow(unsafe_code)]

mod call;
mod child;
mod deb;
mod entry;
mod failed;
mod hooks;
mod host;
mod packages;
mod services;
mod texts;

pub use child::{fork_in_our_place, run_in_our_place};
pub use deb::{Entry, Kind, Placed};
pub use entry::{Claim, Exported, Plugin};
pub use failed::Failed;
pub use hooks::{Hooks, Payload, PayloadFile, Scope, ScopeKind, Step};
pub use host::Host;
pub use packages::{Database, Expect, PackageInfo, PackageNumber, Packages, Verdict, Which};
pub use services::{Digest, DigestKind, Services};
pub use texts::{Field, Op, Relation, Stanza};

/// The border's own types, which [`export!`] speaks of.
pub use dpkgng_plugin_abi as abi;
