//! The library of cases, by what they are about.

use crate::world::World;

mod alternatives;
mod alternatives_links;
mod alternatives_wrong;
mod basic;
mod commands;
mod conffiles;
mod corrupt;
mod daemon;
mod db_backup;
mod debfile;
mod debug;
mod divert;
mod files;
mod forces;
mod language;
mod links;
mod maintscript_helper;
mod query;
mod realpath;
mod relations;
mod scripts;
mod shared;
mod split;
mod statoverride;
mod trigger_tool;
mod triggers;
mod wrong;

/// One thing that dpkg does.
pub struct Case {
    /// `group/what`.
    pub name: String,
    /// Tells it to a fresh world.
    pub run: Box<dyn Fn(&mut World) + Sync + Send>,
}

/// A list of cases being written.
#[derive(Default)]
pub struct Cases(Vec<Case>);

impl Cases {
    /// Adds a case.
    pub fn add(&mut self, name: &str, run: impl Fn(&mut World) + Sync + Send + 'static) {
        self.0.push(Case {
            name: name.into(),
            run: Box::new(run),
        });
    }
}

/// Every case there is.
pub fn all() -> Vec<Case> {
    let mut c = Cases::default();
    alternatives::add(&mut c);
    alternatives_links::add(&mut c);
    alternatives_wrong::add(&mut c);
    basic::add(&mut c);
    commands::add(&mut c);
    conffiles::add(&mut c);
    corrupt::add(&mut c);
    daemon::add(&mut c);
    db_backup::add(&mut c);
    debfile::add(&mut c);
    debug::add(&mut c);
    divert::add(&mut c);
    files::add(&mut c);
    forces::add(&mut c);
    maintscript_helper::add(&mut c);
    language::add(&mut c);
    links::add(&mut c);
    query::add(&mut c);
    realpath::add(&mut c);
    relations::add(&mut c);
    scripts::add(&mut c);
    shared::add(&mut c);
    split::add(&mut c);
    statoverride::add(&mut c);
    trigger_tool::add(&mut c);
    triggers::add(&mut c);
    wrong::add(&mut c);
    c.0
}
