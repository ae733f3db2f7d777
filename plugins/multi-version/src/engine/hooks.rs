//! What the pipeline asks while it works on a world.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use dpkgng_plugin::{
    Failed, Hooks, PackageNumber, Packages, Payload, PayloadFile, Relation, Scope, ScopeKind, Step,
};

use super::inside::Inside;
use crate::base::Satisfies;
use crate::layout::{Layout, inside, merged};
use crate::store::Known;

/// The hooks of a run.
pub(super) struct Run<'r> {
    inside: &'r Inside,
    satisfies: &'r Satisfies,
    layout: &'r Layout,
    /// The archives that are in the store, by what dpkg was told.
    archives: &'r BTreeMap<PathBuf, Known>,
    /// The steps that packages are in, the innermost last.
    steps: RefCell<Vec<Step>>,
}

impl<'r> Run<'r> {
    pub fn new(
        inside: &'r Inside,
        satisfies: &'r Satisfies,
        layout: &'r Layout,
        archives: &'r BTreeMap<PathBuf, Known>,
    ) -> Run<'r> {
        Run {
            inside,
            satisfies,
            layout,
            archives,
            steps: RefCell::default(),
        }
    }

    /// Whether dpkg changes the tree in the step it is in.
    fn places(&self) -> bool {
        let within = |step: &Step| !matches!(step, Step::Configure | Step::Triggers);
        self.steps.borrow().iter().any(within)
    }
}

impl Hooks for Run<'_> {
    fn pre(&self, _: &Packages<'_>, scope: &Scope) -> Result<(), Failed> {
        // What went wrong after something was done, where it could not be told.
        if let Some(why) = self.inside.failed() {
            return Err(Failed::new(why));
        }
        match scope.kind {
            ScopeKind::Script => self.inside.enter_scripts()?,
            ScopeKind::Package(step) => {
                self.steps.borrow_mut().push(step);
                if self.places() {
                    self.inside.settle()?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn post(&self, _: &Packages<'_>, scope: &Scope) {
        let done = match scope.kind {
            // What a script of a step that places files wrote is to be there when dpkg goes on.
            ScopeKind::Script if self.places() => {
                self.inside.leave_scripts().and_then(|()| self.inside.settle())
            }
            ScopeKind::Script => self.inside.leave_scripts(),
            ScopeKind::Package(_) => {
                self.steps.borrow_mut().pop();
                Ok(())
            }
            _ => Ok(()),
        };
        if let Err(e) = done {
            self.inside.fail(e);
        }
    }

    // Never an error, which would count as no, and then files would go to the host.
    fn install_path(&self, _: &Packages<'_>, _: PackageNumber) -> Result<Option<PathBuf>, Failed> {
        Ok(Some(self.inside.tree().to_path_buf()))
    }

    fn satisfies(
        &self,
        packages: &Packages<'_>,
        by: PackageNumber,
        relation: &Relation,
    ) -> Result<bool, Failed> {
        let by_host = self.satisfies.by_host(packages, by, relation)?;
        Ok(by_host.is_some())
    }

    // What is in the store is linked from there, and not decompressed once more.
    fn payload(
        &self,
        _: &Packages<'_>,
        path: &Path,
        archive: &File,
    ) -> Result<Option<Payload>, Failed> {
        let Some(known) = self.archives.get(path).filter(|known| known.is(archive)) else {
            return Ok(None);
        };
        let installation = self.layout.installation(&known.id);
        Ok(Some(Payload {
            headers: File::open(installation.join(inside::HEADERS))?,
            root: File::open(&installation)?.into(),
        }))
    }

    fn payload_file(
        &self,
        _: &Packages<'_>,
        _: PackageNumber,
        path: &Path,
    ) -> Result<Option<PayloadFile>, Failed> {
        // The store is merged-usr.
        let path = merged(path).map(|path| Path::new("/").join(path));
        Ok(path.map(|path| PayloadFile { path, link: true }))
    }
}
