//! The multi-version plugin of dpkg-ng. What views are and how they work: `docs/multi-version.md`.
//!
//! | floor | modules |
//! |---|---|
//! | 0 | [`elf`]: reading and rewriting ELF files, and what the loader will find |
//! | 0 | [`layout`], [`world`]: where things are below `/var/sys`, and what they are called |
//! | 0 | `logging`: `DPKG_NG_LOG` |
//! | 0 | [`rootless`]: whether we are root in a user namespace alone |
//! | 0 | [`output`]: tables for a person, JSON for programs |
//! | 1 | [`manifest`]: what is written down about installations, realizations and generations |
//! | 2 | [`facts`]: what is known of a package in the store: its relations, its ELF objects |
//! | 3 | [`decide`]: which library of several, as data with reasons |
//! | 3 | [`generation`]: naming, switching and forgetting them, so that a kill at any point is harmless |
//! | 4 | [`context`]: a process for which a world is on `/usr`; `dpkg-ng run` |
//! | 4 | [`base`]: what the host lends a world |
//! | 4 | [`state`]: whose `/etc` and `/var`, and what becomes of what is written there |
//! | 4 | [`store`]: a .deb into the store |
//! | 4 | [`gc`]: collecting what nothing needs |
//! | 4 | [`plan`]: how the packages of worlds are linked, with all reasons |
//! | 5 | [`link`], [`place`]: linked packages made, put into trees, resolved as ld.so would |
//! | 5 | [`show`]: a plan with its reasons, as tables, JSON and DOT |
//! | 5 | [`export`]: commands for a PATH outside of contexts |
//! | 5 | [`apt`]: what apt calls, and running it over a world |
//! | 5 | [`view`]: the commands about views, and `gc` |
//! | 5 | [`doctor`]: what of views can be had here |
//! | 6 | [`engine`]: transactions: dpkg on a pending world, and what becomes of it |
//! | 7 | [`command`]: what of a command line is the plugin's |
//! | 8 | `entry`: what dpkg-ng finds in the plugin |

pub mod apt;
pub mod base;
pub mod command;
pub mod context;
pub mod decide;
pub mod doctor;
pub mod elf;
pub mod engine;
mod entry;
pub mod export;
pub mod facts;
pub mod gc;
pub mod generation;
pub mod layout;
pub mod link;
mod logging;
pub mod manifest;
mod mountinfo;
pub mod output;
pub mod place;
pub mod plan;
mod processes;
pub mod rootless;
pub mod show;
pub mod state;
pub mod store;
#[cfg(test)]
mod testing;
pub mod view;
pub mod world;
