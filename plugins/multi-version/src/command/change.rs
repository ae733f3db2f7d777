//! What changes a view: from a request to its next generation, made current.
//!
//! ```text
//! plan → show → link → begin → trees, lib/, dpkg/, bin/ → scripts → finish → switch
//! ```
//!
//! Whatever fails, and whenever it is interrupted, the view is as it was: all is made aside, and one rename makes
//! it current (see [`crate::generation`]).

use std::time::{SystemTime, UNIX_EPOCH};

use dpkgng_plugin::{Failed, Host};

use super::knowledge::Knowledge;
use super::options::Line;
use super::selections::Selections;
use super::{maintscripts, options, steps, views};
use crate::generation::{Reader, Sys};
use crate::layout::{GenerationNumber, ViewName, inside};
use crate::link::{Linker, Made, Planned, Progress};
use crate::manifest::Manifest;
use crate::plan::{Plan, Request};
use crate::show::{self, Graph};
use crate::{admindir, build, export};

/// The view's current manifest; none of a view without generation.
pub fn present(sys: &Reader, view: &ViewName) -> Result<Option<Manifest>, Failed> {
    Ok(match sys.current(view)? {
        Some(number) => Some(sys.manifest(view, number)?),
        None => None,
    })
}

/// Plan a request, show what is asked for, and, unless `--no-act` is, carry it out. Gives the exit code.
pub fn change(
    host: Host,
    sys: &Sys,
    line: &Line,
    present: Option<&Manifest>,
    request: &Request,
) -> Result<i32, Failed> {
    let newcomers = request.install.iter().map(|(id, _)| id.clone()).collect();
    let knowledge = Knowledge::read(host.services(), sys, present, &newcomers)?;
    let plan = knowledge.plan(sys.layout(), present, request)?;
    if let Some(graph) = line.graph {
        let drawn = Graph::of(&plan);
        host.output(match graph {
            options::Graph::Dot => show::dot(&drawn),
            options::Graph::Svg => show::svg(&drawn, &format!("View {}", line.view)),
        })?;
    }
    if line.explain || line.json {
        views::with_out(host, line.json, |out| show::explain(&plan, out))?;
    }
    if line.no_act {
        return Ok(0);
    }
    Change {
        host,
        sys,
        line,
        knowledge: &knowledge,
        plan: &plan,
        present,
        request,
    }
    .carry_out()
}

/// A change that is planned.
pub struct Change<'c> {
    /// Who hears of it.
    pub host: Host,
    /// Where it is made.
    pub sys: &'c Sys,
    /// What was said.
    pub line: &'c Line,
    /// What it was decided by.
    pub knowledge: &'c Knowledge,
    /// What was decided.
    pub plan: &'c Plan,
    /// What the view holds.
    pub present: Option<&'c Manifest>,
    /// What was asked for.
    pub request: &'c Request,
}

impl Change<'_> {
    fn carry_out(&self) -> Result<i32, Failed> {
        let steps = steps::steps(self.present, self.plan, self.knowledge, &self.request.purge);
        if self.unchanged() && steps.is_empty() {
            self.host.notice("nothing to do")?;
            return Ok(0);
        }
        for step in &steps {
            step.announce(self.host, self.line.json)?;
        }
        let (layout, disk) = (self.sys.layout(), self.sys.disk());
        let linker = Linker::new(
            layout,
            self.knowledge.native.clone(),
            self.knowledge.facts.values(),
        );
        let made = linker.make(self.sys, &self.plan.realizations, &mut |p: Progress<'_>| {
            self.progress(p.done, p.of, "linking");
        })?;
        self.tell_unlinked(&made)?;
        let planned = Planned::of(self.plan);
        for difference in linker.check(&planned)?.accept()?.differences {
            self.host.warning(difference.to_string())?;
        }
        let libraries = linker.system_libraries(&planned)?;

        let view = &self.line.view;
        let mut building = self.sys.begin(view)?;
        build::lay_trees(&mut building, layout, self.plan, &mut |done, of| {
            self.progress(done, of, "building");
        })?;
        build::link_libraries(disk, building.path(), &libraries)?;
        let mut manifest = self.manifest(building.number());
        let contents = self.knowledge.contents(self.plan);
        let admindir = building.path().join(inside::ADMINDIR);
        admindir::write(disk, layout, &admindir, &contents)?;
        let selections = Selections::of(layout, view)?;
        admindir::select(disk, &admindir, |name, architecture| {
            selections.of_installed(name, architecture)
        })?;
        let mut left = maintscripts::run(self, &building, &steps, &mut manifest)?;
        let exports = export::decide(layout, building.path(), &manifest)?;
        export::write(disk, building.path(), &exports)?;
        let number = building.finish(manifest)?;
        // Scripts can be run again, so what a kill leaves of this is mended by the same command.
        left.put(self, &layout.generation(view, number))?;
        self.sys.switch(view, number)?;
        for call in &left.skipped {
            self.host.notice(format!("not run: {call}"))?;
        }
        for step in &steps {
            step.done(self.host)?;
        }
        if !self.line.json {
            let at = format!("View {view} is at generation {number}.\n");
            self.host.output(at)?;
        }
        Ok(0)
    }

    /// It is no reason to fail that nobody sees it.
    fn progress(&self, done: usize, of: usize, what: &str) {
        drop(self.host.progress(done as u64, of as u64, what));
    }

    fn unchanged(&self) -> bool {
        self.present.is_some_and(|present| {
            let slots: Vec<_> = self.plan.slots.keys().collect();
            present.packages == self.plan.members
                && present.hides == self.plan.hides
                && present.pins == self.plan.pins
                && present.slots.iter().collect::<Vec<_>>() == slots
        })
    }

    fn tell_unlinked(&self, made: &[Made]) -> Result<(), Failed> {
        for made in made.iter().filter(|m| m.new) {
            for unlinked in made.unlinked.iter().filter(|u| u.is_warning()) {
                self.host.warning(format!(
                    "{} {}: /{} keeps its interpreter and libraries ({}); dpkg-ng run can start it",
                    made.id.package(),
                    made.id.version(),
                    unlinked.path.display(),
                    unlinked.why,
                ))?;
            }
        }
        Ok(())
    }

    fn manifest(&self, number: GenerationNumber) -> Manifest {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Manifest {
            view: self.line.view.clone(),
            number,
            created: now.map_or(0, |d| d.as_secs()),
            parent: None,
            slots: self.plan.slots.keys().cloned().collect(),
            hides: self.plan.hides.clone(),
            pins: self.plan.pins.clone(),
            packages: self.plan.members.clone(),
        }
    }
}
