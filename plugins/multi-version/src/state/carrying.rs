//! Carrying changes out.

use std::path::Path;

use super::{Done, Kept};
use crate::generation::Disk;
use crate::layout::{GenerationNumber, Layout, ViewName};

/// Carry out the changes of all worlds of a generation that has its name, as far as it was not done before, and forget
/// the log and the scratch. Gives what was not carried over.
///
/// # Errors
/// Accounts that clash are one before anything is changed.
pub fn carry_out(
    disk: &Disk,
    layout: &Layout,
    view: &ViewName,
    number: GenerationNumber,
    host: &Path,
) -> Done<Vec<Kept>> {
    let _ = (disk, layout, view, number, host);
    unimplemented!()
}

/// The generations of a view whose changes are not carried out, or whose state is not restored: what a kill leaves.
/// The former are to be carried out and made current.
pub fn unfinished(layout: &Layout, view: &ViewName) -> Done<Vec<GenerationNumber>> {
    let _ = (layout, view);
    unimplemented!()
}
