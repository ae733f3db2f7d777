mod large;
pub(crate) mod libraries;
pub(crate) mod made;
mod random;
mod sides;
mod sound;

use super::*;
use crate::decide::WhyNeeded;

use made::*;

#[test]
fn a_closure_comes_with_its_reasons() {
    let made = Made::new(
        "
curl=7
 Depends: libcurl (= 7), libc (>= 2), awk
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
mawk=1
 Provides: awk
",
    );
    let members = [
        "(libc=2)",
        "curl=7",
        "(libssl=3)",
        "(libcurl=7)",
        "host:mawk=1",
    ];
    let plan = go(&made, &[("main", &members)], &Rules::default());
    assert_eq!(edges(&plan, "main", "curl=7"), "libcurl, libc, mawk");
    assert_eq!(link(&plan, "main", "curl=7", "libcurl.so.4"), "libcurl=7");
    assert_eq!(
        link(&plan, "main", "curl=7", "ld-linux-x86-64.so.2"),
        "libc=2"
    );
    assert_eq!(
        link(&plan, "main", "libc=2", "ld-linux-x86-64.so.2"),
        "libc=2: its own"
    );
    assert_eq!(
        library(&plan, "main", "libssl.so.3"),
        "libssl=3, the only one possible"
    );
    let main = plan.main().unwrap();
    assert_eq!(main.needed.orphans.len(), 0);
    assert_eq!(
        main.needed.needed[&id("libssl=3")],
        WhyNeeded::By(id("libcurl=7"))
    );
    assert_eq!(main.apart.len(), 1);
    assert!(plan.realizations.iter().all(|r| r.overrides.is_empty()));
}
