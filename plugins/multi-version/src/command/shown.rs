//! Plans and what became of them, printed.

use dpkgng_plugin::{Failed, Host};

use super::line::Line;
use crate::plan::LinkPlan;

/// A plan, as the command line asks for it.
pub fn plan(host: Host, plan: &LinkPlan, line: &Line) -> Result<(), Failed> {
    let _ = (host, plan, line);
    Ok(())
}
