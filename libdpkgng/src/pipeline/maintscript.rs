//! SKELETON: owner fills in.

use std::path::Path;

use super::Run;
use crate::error::Result;
use crate::pkg::PkgId;
use crate::state::Status;

impl Run {
    /// `maintscript_installed()`: run a script of the installed package, if it has it. `script`: `prerm`…; `desc`: how errors call
    /// it; the error says how it failed. True when it was run.
    pub fn script_installed(
        &mut self,
        pkg: PkgId,
        script: &str,
        desc: &str,
        args: &[&str],
    ) -> Result<bool> {
        let _ = (pkg, script, desc, args);
        unimplemented!()
    }
    /// `maintscript_new()`: run a script out of the control directory `cidir` of the archive being unpacked.
    pub fn script_new(
        &mut self,
        pkg: PkgId,
        script: &str,
        desc: &str,
        cidir: &Path,
        args: &[&str],
    ) -> Result<bool> {
        let _ = (pkg, script, desc, cidir, args);
        unimplemented!()
    }
    /// `maintscript_fallback()`: the old script with `ifok`; when it fails, the new one with `iffallback`.
    pub fn script_fallback(
        &mut self,
        pkg: PkgId,
        script: &str,
        desc: &str,
        cidir: &Path,
        ifok: &str,
        iffallback: &str,
    ) -> Result<bool> {
        let _ = (pkg, script, desc, cidir, ifok, iffallback);
        unimplemented!()
    }
    /// `maintscript_postinst()`: postinst; trigger incorporation is left to [`Run::post_postinst_tasks`].
    pub fn script_postinst(&mut self, pkg: PkgId, args: &[&str]) -> Result<bool> {
        let _ = (pkg, args);
        unimplemented!()
    }
    /// `post_postinst_tasks()`
    pub fn post_postinst_tasks(&mut self, pkg: PkgId, status: Status) -> Result<()> {
        let _ = (pkg, status);
        unimplemented!()
    }
    /// `post_script_tasks()`: diversions, statoverrides and triggers may have changed.
    pub fn post_script_tasks(&mut self) -> Result<()> {
        unimplemented!()
    }
}
