//! apt over a view: it resolves into the view's status, unchanged, and calls dpkg-ng for the rest.
//!
//! # What apt calls
//!
//! Watched with apt 2.6.1 (bookworm) and 3.0.3 (trixie), `Dir::Bin::dpkg` being a program that writes down how it
//! is called: update, install, --reinstall, remove, --purge remove, autoremove, dist-upgrade, -f install, a
//! conflicting package, a .deb by path, apt-mark hold/unhold/auto. In front of each stand the words of
//! `DPkg::Options`, and with apt 3.0, when `Dir::State::status` is not the host's, `--admindir DIR/`, which is that
//! file's directory. Descriptor N is a pipe. Standard input is apt's own (`/dev/null` if that is).
//!
//! | call | when, and what apt makes of it |
//! |---|---|
//! | `--print-foreign-architectures` | by every apt program, once (3.0) or twice (2.6) as it starts, and again after each run of dpkg; a name per line; not called if `APT::Architectures` is set |
//! | `--assert-multi-arch` | before each run of dpkg, and before each `--set-selections`; by exit code: 0 is yes |
//! | `--assert-protected-field` | before each run of dpkg; by exit code |
//! | `--set-selections` | before a removal, with `NAME:ARCH deinstall` or `NAME:ARCH purge` on standard input, a line each, *all* that will be removed; by apt-mark with `hold`, `install`. It must succeed |
//! | `--merge-avail -` | by apt-mark hold, where a package is not in `available`: stanzas on standard input |
//! | `--status-fd N --no-triggers --unpack --auto-deconfigure FILE…` | to unpack; up to some packages by their paths |
//! | `--status-fd N --no-triggers --unpack --auto-deconfigure --recursive DIR` | to unpack more: DIR in /tmp has links `00-NAME_VERSION_ARCH.deb`, `01-…`, whose order counts |
//! | `--status-fd N --no-triggers --configure NAME:ARCH…` | before what Pre-Depends on them is unpacked |
//! | `--status-fd N --no-triggers --configure --pending` | between a removal and a purge |
//! | `--status-fd N --configure --pending` | at the end of every run, also of one that only removes; triggers with it |
//! | `--status-fd N --no-triggers --force-depends --abort-after=1 --remove NAME:ARCH…` | to remove, also what a newcomer conflicts with (before its `--unpack`), and first for what is to be purged |
//! | `--status-fd N --no-triggers --purge --pending` | to purge: what a `--set-selections` just before this said `purge` of |
//!
//! NAME has `:all` for such a package, and always an architecture. apt-get --reinstall is a plain `--unpack` of the
//! present version. In the environment of changing calls: `DPKG_FRONTEND_LOCKED=true`, `DPKG_COLORS=never`.
//!
//! # Files
//!
//! - Locks: `lock-frontend`, then `lock` (fcntl), in the directory of `Dir::State::status`, held while it thinks;
//!   `lock` is let go of while dpkg runs. They are opened for writing (`O_CREAT`).
//! - `extended_states` is read as apt starts. What came along is written there **before** the first call that changes
//!   something, beside it and renamed: so `--unpack` can read from it who is an auto ([`Marks`]). `apt-get install`
//!   of an auto that is there, apt-mark and autoremove change it without any call.
//! - `status` is read as apt starts and after the run, by its path: so `views/VIEW/current/dpkg/status`, which is the
//!   new generation's by then.
//! - `DPkg::Pre-Install-Pkgs` (debconf's preconfigure) runs before, `DPkg::Post-Invoke` after dpkg, as on the host.
//! # What it is given
//!
//! A configuration behind the host's (`-c`), [`Session::configuration`]: the pending world's `status`, the marks of that world, this
//! dpkg-ng with the transaction to take part in, logs, cache and (after an `update`, or with sources of its own) lists of
//! the view, and none of the host's `DPkg::Options` and hooks around dpkg (debconf's and others' speak of the host). Else sources,
//! keys, pins and lists are the host's, which are only read.
//!
//! An upgrade of a view is about what the view has: what the host lends is left alone ([`Session::left_alone`]), unless the upgrade of
//! something of the view's own depends on it.
#![forbid(unsafe_code)]

mod marks;
mod session;
mod sources;

pub use marks::Marks;
pub use session::{AptError, Private, Session, Simulation, is_of_all_worlds};
