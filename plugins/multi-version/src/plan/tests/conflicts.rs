use super::made::*;
use super::{Plan, RelaxedField, Request};

fn relaxed(plan: &Plan) -> String {
    let one =
        |c: &crate::decide::Conflict| format!("{} {} {}", spec(&c.by), c.field, spec(&c.with));
    plan.conflicts
        .relaxed
        .iter()
        .map(one)
        .collect::<Vec<_>>()
        .join(", ")
}

pub const MAIL: &str = "
postfix=3
 Provides: mta
 Conflicts: mta
 Replaces: mta
 file usr/sbin/sendmail postfix
 file usr/sbin/postfix x
exim4=4
 Depends: exim4-daemon | mta
exim4-daemon=4
 Depends: exim4-base
 Provides: mta
 Conflicts: mta
 Replaces: mta
 file usr/sbin/sendmail exim
 file usr/sbin/exim4 x
exim4-base=4
 file usr/sbin/eximstats x
nullmailer=1
 Provides: mta
 Conflicts: mta
";

#[test]
fn both_mail_servers() {
    let made = Made::new(MAIL);
    let mut view = View::new(&made);
    assert_eq!(
        relaxed(&view.go(&install(&["postfix=3"]))),
        "",
        "nobody conflicts with itself"
    );
    let plan = view.go(&install(&["exim4=4", "exim4-daemon=4", "exim4-base=4"]));
    assert_eq!(
        shown(&plan),
        "(exim4-base=4) (exim4-daemon=4@exim4) exim4=4 postfix=3"
    );
    assert_eq!(
        relaxed(&plan),
        "exim4-daemon=4 Conflicts postfix=3, postfix=3 Conflicts exim4-daemon=4"
    );
    let postfix = plan
        .members
        .iter()
        .find(|m| m.realization.package().as_str() == "postfix");
    assert_eq!(postfix.unwrap().relaxed[0].field, RelaxedField::Conflicts);
    // Without the other it is no longer in the way, nor is the conflict.
    let plan = view.go(&remove(&["postfix=3"]));
    assert_eq!(shown(&plan), "(exim4-base=4) (exim4-daemon=4) exim4=4");
    assert_eq!((relaxed(&plan).as_str(), plan.slots.len()), ("", 0));
}

#[test]
fn a_support_package_gives_way() {
    let made = Made::new(
        "
app=1
 Depends: helper
 file usr/bin/app x
helper=1
helper=2
new=1
 Conflicts: helper (<< 2)
",
    );
    let mut view = View::new(&made);
    view.go(&install(&["app", "helper=1"]));
    let plan = view.go(&install(&["new"]));
    assert_eq!(shown(&plan), "app=1 (helper=2) new=1");
    let peace = &plan.conflicts.peace[0];
    assert_eq!(
        (spec(&peace.old), spec(peace.new.as_ref().unwrap())),
        ("helper=1".into(), "helper=2".into())
    );
    assert_eq!(edges(&plan, "app=1"), "helper=2");
    // Not if it is wanted.
    let mut view = View::new(&made);
    view.go(&install(&["helper=1"]));
    let plan = view.go(&install(&["new"]));
    assert_eq!(
        (shown(&plan).as_str(), relaxed(&plan).as_str()),
        ("helper=1 new=1", "new=1 Conflicts helper=1")
    );
    // What was left as it is, stays so, though it could be resolved now.
    let plan = view.go(&Request {
        install: vec![(id("helper=1"), Some(super::Reason::Auto))],
        ..install(&[])
    });
    assert_eq!(shown(&plan), "(helper=1) new=1");
}

const SSL: &str = "
old=1
 Depends: libssl3 (>= 3.0)
 program usr/bin/old libssl.so.3
libssl3=3.0
 library libssl.so.3
new=1
 Depends: libssl3t64 (>= 3.5)
 program usr/bin/new libssl.so.3
libssl3t64=3.5
 Provides: libssl3 (= 3.5)
 Breaks: libssl3 (<< 3.5)
 Replaces: libssl3
 library libssl.so.3
strict=1
 Depends: libssl3 (<< 3.1)
 program usr/bin/strict libssl.so.3
";

#[test]
fn breaks_of_another_version_are_relaxed_where_both_are_needed() {
    let made = Made::new(SSL);
    let mut view = View::new(&made);
    view.go(&install(&["old", "libssl3=3.0"]));
    let peaceful = view.plan(&install(&["new", "libssl3t64=3.5"])).unwrap();
    assert_eq!(shown(&peaceful), "(libssl3t64=3.5) new=1 old=1");
    assert_eq!(edges(&peaceful, "old=1"), "libssl3t64=3.5");
    // Its own library is needed as it is.
    let mut own = View::new(&made);
    own.go(&Request {
        own_libraries: true,
        ..install(&["old", "libssl3=3.0"])
    });
    let plan = own.go(&install(&["new", "libssl3t64=3.5"]));
    assert_eq!(relaxed(&plan), "libssl3t64=3.5 Breaks libssl3=3.0");
    assert_eq!(
        link(&plan, "old=1", "libssl.so.3"),
        "libssl3=3.0: came with it"
    );
    assert_eq!(link(&plan, "new=1", "libssl.so.3"), "libssl3t64=3.5");
    // So does a version that is asked for.
    let mut view = View::new(&made);
    view.go(&install(&["strict", "libssl3=3.0"]));
    let plan = view.go(&install(&["new", "libssl3t64=3.5"]));
    assert_eq!(relaxed(&plan), "libssl3t64=3.5 Breaks libssl3=3.0");
    assert!(link(&plan, "strict=1", "libssl.so.3").starts_with("libssl3=3.0"));
    assert!(link(&plan, "new=1", "libssl.so.3").starts_with("libssl3t64=3.5"));
}

#[test]
fn versions_of_one_package_do_not_conflict() {
    let made = Made::new(
        "aa=1\n Conflicts: aa, virt\n Provides: virt\naa=2\n Conflicts: virt\n Provides: virt\n Breaks: aa (<< 2)",
    );
    let plan = View::new(&made).go(&install(&["aa=1", "aa=2"]));
    assert_eq!(
        (shown(&plan).as_str(), relaxed(&plan).as_str()),
        ("aa=1 aa=2", "")
    );
}
