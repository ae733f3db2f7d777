//! What the pipeline asks while it works on a world.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};

use dpkgng_plugin::{
    Failed, Hooks, PackageNumber, Packages, Payload, PayloadFile, Relation, Scope, ScopeKind, Step,
    Which,
};

use super::inside::Inside;
use crate::base::{Lent, Satisfies};
use crate::layout::{Layout, inside, merged};
use crate::store::Known;

/// What the answers come from.
pub(super) struct About<'r> {
    /// What the host satisfies.
    pub satisfies: &'r Satisfies,
    /// What it lends.
    pub lent: &'r Lent,
    /// Who is not to see whom, by name.
    pub hidden: &'r BTreeSet<(String, String)>,
    /// Where the store is.
    pub layout: &'r Layout,
    /// The archives that are in the store, by what dpkg was told.
    pub archives: &'r BTreeMap<PathBuf, Known>,
}

/// The hooks of a run.
pub(super) struct Run<'r> {
    inside: &'r Inside,
    about: About<'r>,
    /// The steps that packages are in, the innermost last.
    steps: RefCell<Vec<Step>>,
}

impl<'r> Run<'r> {
    pub fn new(inside: &'r Inside, about: About<'r>) -> Run<'r> {
        Run {
            inside,
            about,
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
            ScopeKind::Script if self.places() => self
                .inside
                .leave_scripts()
                .and_then(|()| self.inside.settle()),
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
        // The host is consistent in itself, whatever the world has of it.
        let of = packages.info(by, Which::Installed)?;
        if self.about.lent.has(&of.name, &of.architecture, &of.version) {
            return Ok(true);
        }
        let by_host = self.about.satisfies.by_host(packages, by, relation)?;
        Ok(by_host.is_some())
    }

    fn hides(
        &self,
        packages: &Packages<'_>,
        by: PackageNumber,
        package: PackageNumber,
        which: Which,
    ) -> Result<bool, Failed> {
        if self.about.hidden.is_empty() {
            return Ok(false);
        }
        let (by, other) = (
            packages.info(by, which)?.name,
            packages.info(package, which)?.name,
        );
        Ok(self.about.hidden.contains(&(by, other)))
    }

    // What is in the store is linked from there, and not decompressed once more.
    fn payload(
        &self,
        _: &Packages<'_>,
        path: &Path,
        archive: &File,
    ) -> Result<Option<Payload>, Failed> {
        let Some(known) = self
            .about
            .archives
            .get(path)
            .filter(|known| known.is(archive))
        else {
            return Ok(None);
        };
        let installation = self.about.layout.installation(&known.id);
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
