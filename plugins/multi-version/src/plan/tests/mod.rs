pub(crate) mod conflicts;
mod large;
pub(crate) mod libraries;
pub(crate) mod made;
mod random;
mod relations;
mod slots;
mod sound;
mod upgrades;

use super::*;
use crate::manifest::{RelaxedField, State};

use made::*;

#[test]
fn a_closure_comes_with_its_reasons() {
    let made = Made::new(
        "
curl=7
 Depends: libcurl (= 7), libc (>= 2)
 program usr/bin/curl libcurl.so.4 libc.so.6
libcurl=7
 Depends: libssl (>= 3), libc (>= 2)
 library libcurl.so.4 libssl.so.3 libc.so.6
libssl=3
 Depends: libc
 library libssl.so.3 libc.so.6
libc=2
 library libc.so.6 ld-linux-x86-64.so.2
 library ld-linux-x86-64.so.2
",
    );
    let mut view = View::new(&made);
    let plan = view.go(&install(&["libc=2", "curl=7", "libssl=3", "libcurl=7"]));
    assert_eq!(shown(&plan), "curl=7 (libc=2) (libcurl=7) (libssl=3)");
    assert_eq!(edges(&plan, "curl=7"), "libcurl=7, libc=2");
    assert_eq!(link(&plan, "curl=7", "libcurl.so.4"), "libcurl=7");
    assert_eq!(link(&plan, "curl=7", "ld-linux-x86-64.so.2"), "libc=2");
    assert_eq!(
        link(&plan, "libc=2", "ld-linux-x86-64.so.2"),
        "libc=2: its own"
    );
    assert_eq!(
        library(&plan, "libssl.so.3"),
        "libssl=3, the only one possible"
    );
    assert_eq!(plan.needed.orphans.len(), 0);
}
