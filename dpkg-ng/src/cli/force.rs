//! `--force-…` and `DPKG_FORCE`, for every tool that has them.

use libdpkgng::force::{Asked, ForceSet, Known};
use libdpkgng::report::{Event, Reporter};

use super::{Process, Step, Stop};

/// What is in force before the command line is read (`set_force_default`): what `DPKG_FORCE`
/// says, or else the defaults.
///
/// # Errors
/// A usage error for an unknown thing; the end, after `help`.
pub fn initial(process: &mut Process, known: Known) -> Step<ForceSet> {
    let Some(list) = process.env.get("DPKG_FORCE").map(|v| v.to_owned()) else {
        return Ok(ForceSet::defaults(known));
    };
    let mut force = ForceSet::none(known);
    if !list.is_empty() {
        obey(&mut force, process, list.as_encoded_bytes(), true)?;
    }
    Ok(force)
}

/// Obey `--force-LIST` (`on`) or `--refuse-LIST` (`parse_force`).
///
/// # Errors
/// A usage error for an unknown thing; the end, after `help`.
pub fn obey(force: &mut ForceSet, process: &mut Process, list: &[u8], on: bool) -> Step {
    match force.parse(list, on)? {
        Asked::Changed => Ok(()),
        Asked::Help => {
            let (force, program) = (*force, process.program());
            let text = process.report.with_catalog(|c| force.help(program, c));
            process.report.event(&Event::Data(&text));
            process.flush_output()?;
            Err(Stop::Exit(0))
        }
    }
}
