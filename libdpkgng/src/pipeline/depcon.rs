//! SKELETON: owner fills in.

use super::Run;
use crate::msg::Msg;
use crate::pkg::{Dependency, PkgId, PossiRef};

/// What became of a dependency (`depisok`).
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// It is satisfied.
    pub ok: bool,
    /// Why not (or, for conflicts, what is in the way); dpkg's text.
    pub whynot: Vec<u8>,
    /// The package whose removal (or deconfiguration) would fix it.
    pub fixbyrm: Option<PkgId>,
    /// The package that would fix it were its awaited triggers processed.
    pub fixbytrigaw: Option<PkgId>,
}

impl Run {
    /// `depisok()` for a dependency of `up`. `want_fixbyrm`: the caller passes a non-NULL fixbyrm in stock.
    pub fn depisok(
        &mut self,
        up: PkgId,
        dep: &Dependency,
        want_fixbyrm: bool,
        want_fixbytrigaw: bool,
        allow_unconfigured: bool,
    ) -> Verdict {
        let _ = (up, dep, want_fixbyrm, want_fixbytrigaw, allow_unconfigured);
        unimplemented!()
    }
    /// `describedepcon()`
    pub fn describe_depcon(&self, up: PkgId, dep: &Dependency) -> Msg {
        let _ = (up, dep);
        unimplemented!()
    }
    /// `force_depends()`
    pub fn force_depends(&self, possi: &crate::pkg::Possi) -> bool {
        let _ = possi;
        unimplemented!()
    }
    /// `force_breaks()`
    pub fn force_breaks(&self, possi: &crate::pkg::Possi) -> bool {
        let _ = possi;
        unimplemented!()
    }
    /// `force_conflicts()`
    pub fn force_conflicts(&self, possi: &crate::pkg::Possi) -> bool {
        let _ = possi;
        unimplemented!()
    }
    /// `ignore_depends()`
    pub fn ignore_depends(&self, pkg: PkgId) -> bool {
        let _ = pkg;
        unimplemented!()
    }
    /// `findbreakcycle()`
    pub fn find_break_cycle(&mut self, pkg: PkgId) -> bool {
        let _ = pkg;
        unimplemented!()
    }
    /// `deparchsatisfied`/`archsatisfied` of a possibility against a package's description.
    pub fn arch_satisfied(
        &self,
        pkg: PkgId,
        which: crate::pkg::Which,
        possi: &crate::pkg::Possi,
    ) -> bool {
        let _ = (pkg, which, possi);
        unimplemented!()
    }
    /// Whether the version and architecture a possibility asks for are those of a package's description
    /// (`versionsatisfied`, `pkg_virtual_deppossi_satisfied` are beside it).
    pub fn version_satisfied(
        &self,
        pkg: PkgId,
        which: crate::pkg::Which,
        possi: &crate::pkg::Possi,
    ) -> bool {
        let _ = (pkg, which, possi);
        unimplemented!()
    }
    /// All instances a possibility may mean (`deppossi_pkg_iter`).
    pub fn possi_pkgs(
        &self,
        possi: &crate::pkg::Possi,
        which: Option<crate::pkg::Which>,
    ) -> Vec<PkgId> {
        let _ = (possi, which);
        unimplemented!()
    }
    /// Whether a cycle was broken at this possibility.
    pub fn is_cycle_break(&self, r: PossiRef) -> bool {
        self.cycle_breaks.contains(&r)
    }
}
