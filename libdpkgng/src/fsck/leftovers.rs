//! What a run of dpkg that ended early left in the directory of the database.

use super::scan::Scan;
use super::{Action, Fault, Kind, Repair, Source, WayOut, Where};

/// The directory into which control files are unpacked, and the archive that dpkg-split joins.
const LEFT: [&[u8]; 2] = [b"tmp.ci", b"reassemble.deb"];

pub(super) fn check(scan: &mut Scan<'_>) {
    for name in LEFT {
        let file = Where::Admin(name.to_vec());
        if scan.exists(&file) {
            let repair = Repair::new(Action::SetAside(file.clone()), Source::Itself);
            let fault = Fault::new(Kind::Leftover, file).way_out(WayOut::MoveAway);
            scan.fault(fault.repair(Some(repair)));
        }
    }
}
