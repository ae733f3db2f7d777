use super::made::*;
use super::{Reason, Request, State};
use crate::layout::InstallationId;

fn pairs(list: &[(InstallationId, InstallationId)]) -> String {
    let pair =
        |(old, new): &(InstallationId, InstallationId)| format!("{} > {}", spec(old), spec(new));
    list.iter().map(pair).collect::<Vec<_>>().join(" ")
}

const LIBRARY: &str = "
app=1
 Depends: lib
strict=1
 Depends: lib (<< 2)
lib=1
lib=2
lib=3
other=1
 Depends: lib
";

#[test]
fn dpkg_replaces_and_multi_version_does_not() {
    let made = Made::new(LIBRARY);
    let mut view = View::new(&made);
    view.go(&install(&["app", "lib=1"]));
    let beside = view.plan(&install(&["lib=2"])).unwrap();
    assert_eq!(shown(&beside), "app=1 (lib=1) lib=2");
    let plan = view.go(&upgrade(&["lib=2"]));
    assert_eq!(
        shown(&plan),
        "app=1 (lib=2)",
        "an upgrade of an auto is one"
    );
    assert_eq!(pairs(&plan.replaced), "lib=1 > lib=2");
    assert_eq!(edges(&plan, "app=1"), "lib=2");
}

#[test]
fn what_a_member_needs_stays_beside() {
    let made = Made::new(LIBRARY);
    let mut view = View::new(&made);
    view.go(&install(&["strict", "lib=1"]));
    let plan = view.go(&upgrade(&["lib=2"]));
    assert_eq!(shown(&plan), "(lib=1) (lib=2) strict=1");
    assert_eq!((plan.replaced.len(), plan.kept.len()), (0, 1));
    let kept = &plan.kept[0];
    assert_eq!(
        (spec(&kept.by), kept.needs.as_str()),
        ("strict=1".into(), "lib (<< 2)")
    );
    // With who needed it, it becomes an orphan, and goes with the next upgrade.
    let plan = view.go(&remove(&["strict"]));
    assert_eq!(plan.needed.orphans.len(), 2);
    let plan = view.go(&upgrade(&["lib=3"]));
    assert_eq!(shown(&plan), "lib=3");
}

#[test]
fn orphans_are_not_upgraded_for_others() {
    let made = Made::new(LIBRARY);
    let mut view = View::new(&made);
    view.go(&install(&["app", "lib=1"]));
    view.go(&remove(&["app"]));
    let plan = view.go(&upgrade(&["other", "lib=2"]));
    assert_eq!(shown(&plan), "(lib=1) (lib=2) other=1");
    assert_eq!(plan.needed.orphans, [id("lib=1")].into());
    let plan = view.go(&upgrade(&["lib=3"]));
    assert_eq!(
        shown(&plan),
        "(lib=1) (lib=3) other=1".replace("(lib=1) (lib=3)", "(lib=3)")
    );
}

#[test]
fn a_hidden_upgrade_stays_for_one() {
    let made = Made::new(
        "
foobar=1
 Depends: libfoo
 program usr/bin/foobar libfoo.so.1
barbaz=1
 Depends: libfoo (>= 1.1)
 program usr/bin/barbaz libfoo.so.1
libfoo=1.1
 library libfoo.so.1
libfoo=1.2
 library libfoo.so.1
barbaz=2
 Depends: libfoo (>= 1.2)
 program usr/bin/barbaz libfoo.so.1
",
    );
    for one_by_one in [false, true] {
        let mut view = View::new(&made);
        view.go(&install(&["foobar", "barbaz", "libfoo=1.1"]));
        let hides = hide(&["libfoo=1.2:for foobar"]);
        let upgrade = upgrade(&["libfoo=1.2", "barbaz=2"]);
        let plan = if one_by_one {
            view.go(&hides);
            view.go(&upgrade)
        } else {
            view.go(&Request {
                hide: hides.hide,
                ..upgrade
            })
        };
        assert_eq!(
            shown(&plan),
            "barbaz=2 foobar=1 (libfoo=1.1@libfoo-1.1) (libfoo=1.2)".replace(
                "@libfoo-1.1",
                if plan.slots.is_empty() {
                    ""
                } else {
                    "@libfoo-1.1"
                }
            )
        );
        assert_eq!(edges(&plan, "foobar=1"), "libfoo=1.1");
        assert_eq!(edges(&plan, "barbaz=2"), "libfoo=1.2");
        assert_eq!(plan.edges.iter().flat_map(|e| &e.hidden).count(), 1);
        let foobar = link(&plan, "foobar=1", "libfoo.so.1");
        let barbaz = link(&plan, "barbaz=2", "libfoo.so.1");
        assert!(foobar.starts_with("libfoo=1.1"), "{foobar}");
        assert!(barbaz.starts_with("libfoo=1.2"), "{barbaz}");
        // Seen again, and the old one taken away: both have the new one.
        view.go(&Request {
            unhide: vec!["libfoo=1.2:for foobar".parse().unwrap()],
            ..Request::default()
        });
        let plan = view.go(&remove(&["libfoo=1.1"]));
        assert_eq!(edges(&plan, "foobar=1"), "libfoo=1.2");
        assert_eq!(plan.hides.len(), 0);
    }
}

#[test]
fn reasons() {
    let made = Made::new("aa=1\n Depends: bb\nbb=1\n Depends: aa\ncc=1\n Depends: aa\ndd=1");
    for (request, expected) in [
        (install(&["aa", "bb"]), "aa=1 (bb=1)"),
        (install(&["bb", "aa"]), "(aa=1) bb=1"),
        (install(&["aa", "bb", "cc"]), "(aa=1) (bb=1) cc=1"),
        (install(&["dd"]), "dd=1"),
        (
            Request {
                install: vec![(id("dd"), Some(Reason::Auto))],
                ..Request::default()
            },
            "(dd=1)",
        ),
    ] {
        assert_eq!(shown(&View::new(&made).go(&request)), expected);
    }
    let mut view = View::new(&made);
    view.go(&install(&["cc", "aa", "bb"]));
    let plan = view.go(&install(&["aa"]));
    assert_eq!(shown(&plan), "aa=1 (bb=1) cc=1", "the same version again");
    let plan = view.go(&install(&["cc", "aa", "bb"]));
    assert_eq!(shown(&plan), "aa=1 (bb=1) cc=1", "it was wanted before");
}

#[test]
fn states() {
    let made = Made::new("aa=1\nbb=1");
    let states =
        |plan: &super::Plan| -> Vec<State> { plan.members.iter().map(|m| m.state).collect() };
    let mut view = View::new(&made);
    let plan = view.go(&Request {
        unpack_only: true,
        ..install(&["aa", "bb"])
    });
    assert_eq!(states(&plan), [State::Unpacked, State::Unpacked]);
    let plan = view.go(&Request {
        configure: [id("aa")].into(),
        ..Request::default()
    });
    assert_eq!(states(&plan), [State::Installed, State::Unpacked]);
    assert_eq!(
        states(&view.go(&install(&["bb"]))),
        [State::Installed, State::Installed]
    );
    let unpack = Request {
        unpack_only: true,
        ..install(&["bb"])
    };
    assert_eq!(
        states(&view.go(&unpack)),
        [State::Installed, State::Installed]
    );
    let absent = Request {
        configure: [id("aa=2")].into(),
        ..Request::default()
    };
    assert_eq!(view.error(&absent), "aa 2 (amd64) is not in the view");
}

#[test]
fn of_two_named_versions_dpkg_means_the_last() {
    let made = Made::new("aa=1\naa=2\naa=1:i386");
    let mut view = View::new(&made);
    let plan = view.go(&upgrade(&["aa=2", "aa=1", "aa=1:i386"]));
    assert_eq!(shown(&plan), "aa=1 aa=1:i386");
    assert_eq!(
        shown(&view.go(&upgrade(&["aa=1", "aa=2"]))),
        "aa=1:i386 aa=2"
    );
    assert_eq!(
        shown(&view.go(&install(&["aa=1", "aa=2"]))),
        "aa=1 aa=1:i386 aa=2"
    );
}
