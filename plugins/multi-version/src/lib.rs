//! The multi-version plugin of dpkg-ng.
//!
//! [`elf`] owns what is done to ELF files: reading what the linker left in them, giving them another
//! interpreter and RUNPATH, and telling where the loader will find what they need.
//!
//! | floor | modules |
//! |---|---|
//! | 0 | [`elf`] [`layout`] |
//! | 1 | [`manifest`]: what is written down about installations, realizations and generations |
//! | 2 | [`decide`]: which library, which conflicts, which versions, as data with reasons |
//! | 2 | [`generation`]: building, switching and forgetting them, so that a kill at any point is harmless |
//! | 3 | [`gc`]: collecting what nothing needs |

pub mod decide;
pub mod elf;
pub mod gc;
pub mod generation;
pub mod layout;
pub mod manifest;
