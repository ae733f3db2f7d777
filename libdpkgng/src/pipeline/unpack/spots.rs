//! The three names of a path that is being placed, and removing what is in their way.

use super::super::Run;
use crate::error::{Error, OrFail, Result};
use crate::report::{Event, debug};
use crate::sys::place::Spot;
use crate::sys::remove::{self, TreeError};
use crate::{bail, msg};

/// Suffix of the old object while the package is unpacked.
pub const TMP_SUFFIX: &[u8] = b".dpkg-tmp";
/// Suffix of the new object until it is renamed into place.
pub const NEW_SUFFIX: &[u8] = b".dpkg-new";

/// A path of the installed system under its three names (`fnamevb`, `fnametmpvb`,
/// `fnamenewvb`).
#[derive(Clone, Debug)]
pub struct Spots {
    shown: Vec<u8>,
    /// The path itself.
    pub main: Spot,
    /// The old object, put aside.
    pub tmp: Spot,
    /// The new object, not yet in place.
    pub new: Spot,
}

impl Spots {
    /// The path on this system, for messages and for functions that take paths.
    pub fn shown_main(&self) -> Vec<u8> {
        self.shown.clone()
    }
    /// The same with `.dpkg-tmp`.
    pub fn shown_tmp(&self) -> Vec<u8> {
        [&self.shown, TMP_SUFFIX].concat()
    }
    /// The same with `.dpkg-new`.
    pub fn shown_new(&self) -> Vec<u8> {
        [&self.shown, NEW_SUFFIX].concat()
    }
}

impl Run {
    /// `setupfnamevbs()`
    pub(super) fn spots(&mut self, name: &[u8]) -> Spots {
        let place = self.unpack.place();
        let shown = place.path(name);
        let main = place.spot(name);
        let spots = Spots {
            tmp: main.with_suffix(TMP_SUFFIX),
            new: main.with_suffix(NEW_SUFFIX),
            main,
            shown,
        };
        self.report.debug(debug::EACHFILEDETAIL, || {
            msg!(
                "setupvnamevbs main='%s' tmp='%s' new='%s'",
                spots.shown_main(),
                spots.shown_tmp(),
                spots.shown_new()
            )
        });
        spots
    }

    /// `path_remove_tree()` of something of ours.
    pub(super) fn remove_tree_at(&mut self, spot: &Spot) -> Result<()> {
        self.remove_tree(spot, spot.shown())
    }

    /// `path_remove_tree()`: `shown` is the spot's path on this system.
    pub(super) fn remove_tree(&mut self, spot: &Spot, shown: &[u8]) -> Result<()> {
        if crate::fsys::skip_slash_dotslash(shown).is_empty() {
            let text = msg!("pathname '%s' reduces to nothing", shown);
            return Err(Error::internal(text));
        }
        let report = &mut *self.report;
        report.debug(debug::EACHFILE, || {
            msg!("%s '%s'", "path_remove_tree", shown)
        });
        let deep = || {
            report.debug(debug::EACHFILE, || {
                msg!("%s running rm -rf '%s'", "path_remove_tree", shown)
            });
        };
        match remove::remove_tree(spot, deep) {
            Ok(()) => Ok(()),
            Err(TreeError::Top(e)) => {
                Err(e).or_fail(|| msg!("unable to securely remove '%.255s'", shown))
            }
            Err(TreeError::Below(path, e)) => {
                let path = [shown, &path].concat();
                let quoted = [b"'", &path[..], b"'"].concat();
                let what = msg!("cannot remove %s", quoted).of("coreutils");
                let line = msg!("%s: %s: %s\n", "rm", what, e);
                self.report.event(&Event::Stderr(line));
                bail!(
                    "%s subprocess returned error exit status %d",
                    msg!("rm command for cleanup"),
                    1
                )
            }
        }
    }
}
