//! The multi-version plugin of dpkg-ng.
//!
//! | floor | modules |
//! |---|---|
//! | 0 | [`elf`]: reading and rewriting ELF files, and what the loader will find |
//! | 0 | [`layout`]: where things are below `/var/sys`, and what they are called |
//! | 0 | [`world`]: where things of one world of a generation are
//! | 0 | [`output`]: tables for a person, JSON for programs |
//! | 1 | [`manifest`]: what is written down about installations, realizations and generations |
//! | 2 | [`facts`]: what is known of a package in the store: its relations, its ELF objects |
//! | 3 | [`decide`]: which library, which conflicts, which versions, as data with reasons |
//! | 3 | [`generation`]: building, switching and forgetting them, so that a kill at any point is harmless |
//! | 4 | [`admindir`]: a generation as a dpkg database, for dpkg-query and apt |
//! | 4 | [`base`]: what the host lends a world
//! | 4 | [`context`]: a process for which a generation is on `/usr`; `dpkg-ng run` |
//! | 4 | [`store`]: a .deb into the store |
//! | 4 | [`gc`]: collecting what nothing needs |
//! | 4 | [`plan`]: from a generation and a request to the next generation, with all reasons |
//! | 5 | [`scripts`]: maintainer scripts, in a context of the generation that is being built |
//! | 5 | [`link`]: linked packages made, resolved as ld.so would, looked at and had back |
//! | 5 | [`show`]: a plan with its reasons, as tables, JSON, DOT and SVG |
//! | 5 | [`state`]: whose `/etc` and `/var`, and what becomes of what is written there
//! | 5 | [`view`]: the commands about views, and `gc` |
//! | 5 | [`apt`]: what apt calls, and running it over a view |
//! | 5 | [`build`]: what a generation is made of, laid out |
//! | 6 | [`export`]: commands for a PATH outside of contexts |
//! | 6 | [`query`]: `-l`, `-L`, `-S`, `-s`, `-V` |
//! | 6 | [`command`]: what of a command line is the plugin's |
//! | 7 | `entry`: what dpkg-ng finds in the plugin |
//!
//! # The way of a .deb
//!
//! ```text
//! DEB…    ─store→   store/ID        payload (merged /usr, no set-id bits) and DEBIAN/{control,…,installation,objects}
//! store/  ─facts→   Facts           of every package of the view and every newcomer
//! Facts, Manifest, Request
//!         ─plan→    Plan            members, linking, slots; nothing is changed up to here but store/
//! Plan    ─link→    inst/ID         rewritten copies, hard links, lib/; each resolved as the loader would, and compared
//!         ─build→   tmp/VIEW-N      manifest, root/, slots/S/root/, lib/, bin/, dpkg/
//!         ─scripts→                 in a context of tmp/VIEW-N
//!         ─finish, switch→ views/VIEW/gen/N, current
//! ```
//!
//! # A generation, `views/VIEW/gen/N/`
//!
//! ```text
//! manifest            what it holds
//! root/               all packages without a slot, laid over each other: usr/, etc/ (pristine conffiles), …
//! slots/SLOT/root/    the packages of a slot. A slot is a tree in the generation, not a view of its own, so that
//!                     one rename switches all of it
//! lib/SONAME          -> the provider's file in inst/, of the host's architecture; of others in lib/TRIPLET/SONAME
//! made/               what scripts made or changed of usr/ and etc/, for the next generation; slots/SLOT/made/
//! here                -> itself: what a context mounts on current-system
//! bin/CMD             exported commands: CMD, or CMD@SLOT where the name is taken
//! dpkg/               a dpkg database: status, info/, arch …; of several versions of a package it has the one that
//!                     is in root/
//! ```
//!
//! # Rules of the command line
//!
//! - `--multi-version -i` leaves what is there: another version of a package comes beside the present one.
//!   `--view V` alone does as dpkg does (for apt): a new version takes the place of the old one.
//! - What `-i` names is wanted; what of it another one of the same command line depends on and the view did not
//!   want before is an auto, unless it was named alone (`--as-auto`, `--as-wanted` say otherwise).
//! - A generation is all or nothing. Unmet dependencies fail the command and change nothing but store/.
//! - A relation that nothing in the view satisfies may be satisfied by a package of the host's dpkg database;
//!   that is listed, as the host is then part of the closure.
//! - All programs of a generation take a library from `lib/`, which the vote fills; with `--own-libraries` the
//!   newcomers get the versions of their own command line through `$INSTALLPATH/lib`.
//! - In a context of a view, `/usr` is slot over root over the host's /usr, and `/var/sys/current-system` leads
//!   to the view's generation, so that one realization serves every view.

pub mod admindir;
pub mod apt;
pub mod base;
pub mod build;
pub mod command;
pub mod context;
pub mod decide;
pub mod elf;
pub mod engine;
mod entry;
pub mod export;
pub mod facts;
pub mod gc;
pub mod generation;
pub mod layout;
pub mod link;
pub mod manifest;
mod mountinfo;
pub mod output;
pub mod plan;
pub mod query;
pub mod scripts;
pub mod show;
pub mod state;
pub mod store;
#[cfg(test)]
mod testing;
pub mod view;
pub mod world;
