//! A copy of an own state of /etc with each generation.

use super::Done;
use crate::generation::Disk;
use crate::layout::{GenerationNumber, Layout, ViewName};

/// Make the state of /etc of a view, and of its side worlds, what a generation's transaction left. What is changed is
/// replaced by rename: contexts that run see it. To be repeated after a kill ([`unfinished`](super::unfinished) tells).
pub fn restore_etc(
    disk: &Disk,
    layout: &Layout,
    view: &ViewName,
    number: GenerationNumber,
) -> Done {
    let _ = (disk, layout, view, number);
    unimplemented!()
}
