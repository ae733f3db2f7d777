//! What dpkg says of a world: run on its database, which nobody changes. A query that reads files is run in a context of the
//! world.

use std::path::{Path, PathBuf};

use dpkgng_plugin::{Failed, Hooks, Host, fork_in_our_place};

use super::EngineError;
use super::shipped::Shipped;
use super::transaction::is_made;
use crate::context::{self, Mounts, Wanted};
use crate::generation::{Hold, Reader};
use crate::layout::{Layout, Place, SideName};
use crate::world::WorldDir;

/// What is asked.
#[derive(Debug, Clone)]
pub struct Query {
    /// Which view, and which generation.
    pub place: Place,
    /// Which side world; none for the main one.
    pub world: Option<SideName>,
    /// Of a pending generation instead.
    pub transaction: Option<PathBuf>,
    /// Whether the files of packages are looked at.
    pub reads_files: bool,
}

/// Ask: `ask` is given the admindir; gives the exit code.
///
/// # Errors
/// There is no such world, or no context of it.
pub fn query(
    host: Host,
    layout: &Layout,
    query: &Query,
    ask: impl FnOnce(Host, &Path, Option<&dyn Hooks>) -> Result<i32, Failed>,
) -> Result<i32, EngineError> {
    let world = |generation: &Path| match &query.world {
        Some(side) => WorldDir::side(generation, side.as_str()),
        None => WorldDir::main(generation),
    };
    let there = |world: &WorldDir| match (is_made(world)?, &query.world) {
        (false, Some(side)) => Err(EngineError::NoWorld(query.place.clone(), side.clone())),
        _ => Ok(()),
    };
    if let Some(dir) = &query.transaction {
        let world = world(dir);
        there(&world)?;
        return Ok(ask(host, &world.admindir(), None)?);
    }
    let reader = Reader::new(layout.clone());
    let view = &query.place.view;
    let number = match query.place.number {
        Some(number) => number,
        None => reader
            .current(view)?
            .ok_or_else(|| EngineError::NoView(view.clone()))?,
    };
    // It stays while it is read.
    let hold = Hold::take(layout, view, number)?;
    let world = world(&layout.generation(view, number));
    there(&world)?;
    if !query.reads_files {
        return Ok(ask(host, &world.admindir(), None)?);
    }
    let shipped = Shipped::read(&reader, &hold.manifest()?, &world)?;
    let side = query.world.as_ref();
    let wanted = Wanted {
        layout,
        view,
        number,
        side,
        pure: false,
    };
    let mounts = Mounts::decide(&wanted, &context::Host::look(layout)?)?;
    host.flush()?;
    let code = fork_in_our_place(|| {
        let asked = mounts.enter().map_err(EngineError::from);
        let asked = asked.and_then(|()| Ok(ask(host, &world.admindir(), Some(&shipped))?));
        let code = asked.unwrap_or_else(|e| {
            // There is nobody else to tell.
            drop(host.notice(format!("error: {e}")));
            2
        });
        drop(host.flush());
        code
    });
    drop(hold);
    code.map_err(EngineError::path("ask about", Path::new("/")))
}
