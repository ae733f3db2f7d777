//! SKELETON (owner: cli).

/// One `--force-THING`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Force {
    Architecture,
    BadPath,
    BadVerify,
    BadVersion,
    Breaks,
    ConffAsk,
    ConffDef,
    ConffMiss,
    ConffNew,
    ConffOld,
    ConfigureAny,
    Conflicts,
    Depends,
    DependsVersion,
    Downgrade,
    Hold,
    NonRoot,
    Overwrite,
    OverwriteDir,
    OverwriteDiverted,
    RemoveEssential,
    RemoveReinstreq,
    ScriptChrootless,
    UnsafeIo,
    StatoverrideAdd,
    StatoverrideDel,
    SecurityMac,
    RemoveProtected,
}

/// What is forced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ForceSet(u32);

impl ForceSet {
    /// `in_force()`
    pub fn has(self, force: Force) -> bool {
        self.0 & (1 << force as u32) != 0
    }
}
