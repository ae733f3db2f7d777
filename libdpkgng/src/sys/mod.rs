//! The only system calls. One of the two modules with `unsafe` code (the other is `plugin`).
//!
//! Everything goes through libc's functions, never raw system calls: fakeroot and test beds
//! interpose them (see `shared/stock-facts.md`). `openat2`, which glibc does not wrap and
//! nobody interposes, is the one exception.
#![allow(unsafe_code)]

pub mod child;
pub mod clock;
pub mod collate;
pub mod daemon;
pub mod exec_label;
pub mod fnmatch;
pub mod heap;
pub mod inherited;
pub mod locale;
pub mod place;
pub mod process;
pub mod remove;
pub mod selinux;
pub mod signal;
pub mod writeback;

pub mod atomic;
pub mod dir;
pub mod extent;
pub mod file;
pub mod lines;
pub mod lock;
pub mod realpath;
pub mod stdio;
pub mod wide;
pub mod zlib;
