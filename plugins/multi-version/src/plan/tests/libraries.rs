use super::made::*;
use super::{LibraryPin, LinkPlan, Rules};

/// Two builds of a libc, a libssl for each, and what is built on them.
pub const SUITES: &str = "
libc=2.36
 library libc.so.6 ld-linux-x86-64.so.2
 library libm.so.6 libc.so.6
 library ld-linux-x86-64.so.2
 exports libc:2.36 libc:PRIVATE
 takes libc:PRIVATE
libc=2.41
 library libc.so.6 ld-linux-x86-64.so.2
 library libm.so.6 libc.so.6
 library ld-linux-x86-64.so.2
 exports libc:2.36 libc:2.38 libc:PRIVATE
 takes libc:PRIVATE
libssl=3.0
 Depends: libc (>= 2.36)
 library libssl.so.3 libcrypto.so.3 libc.so.6
 library libcrypto.so.3 libc.so.6
 exports libssl:3.0 libcrypto:3.0
 takes libc:2.36 libcrypto:3.0
libssl=3.5
 Depends: libc (>= 2.38)
 library libssl.so.3 libcrypto.so.3 libc.so.6
 library libcrypto.so.3 libc.so.6
 exports libssl:3.0 libssl:3.5 libcrypto:3.0 libcrypto:3.5
 takes libc:2.36 libc:2.38 libcrypto:3.0 libcrypto:3.5
libcurl=7
 Depends: libssl (>= 3.0), libc (>= 2.36)
 library libcurl.so.4 libssl.so.3 libc.so.6
 exports libcurl:7
 takes libssl:3.0 libc:2.36
libcurl=8
 Depends: libssl (>= 3.5), libc (>= 2.38)
 library libcurl.so.4 libssl.so.3 libc.so.6
 exports libcurl:7 libcurl:8
 takes libssl:3.0 libssl:3.5 libc:2.36 libc:2.38
curl=7
 Depends: libcurl (= 7), libc (>= 2.36)
 program usr/bin/curl libcurl.so.4 libc.so.6
 takes libcurl:7 libc:2.36
curl=8
 Depends: libcurl (= 8), libc (>= 2.38)
 program usr/bin/curl libcurl.so.4 libc.so.6
 takes libcurl:7 libcurl:8 libc:2.36 libc:2.38
getent=2.36
 Depends: libc (= 2.36)
 program usr/bin/getent libc.so.6
 takes libc:PRIVATE
tool=1
 Depends: libssl (>= 3.0), libc (>= 2.36)
 program usr/bin/tool libssl.so.3 libcrypto.so.3 libm.so.6 libc.so.6
 takes libssl:3.0 libc:2.36
";

pub const OLD: [&str; 4] = ["curl=7", "(libcurl=7)", "(libssl=3.0)", "(libc=2.36)"];
pub const NEW: [&str; 4] = ["curl=8", "(libcurl=8)", "(libssl=3.5)", "(libc=2.41)"];

/// A main world of the old suite and what else, and a side world of the new.
fn both(made: &Made, more: &[&str], pins: &[LibraryPin]) -> LinkPlan {
    let main = [&OLD[..], more].concat();
    go(
        made,
        &[("main", &main), ("curl@8", &NEW)],
        &rules(&[], pins),
    )
}

/// The old suite and what else.
fn alone(made: &Made, more: &[&str], pins: &[LibraryPin]) -> LinkPlan {
    go(
        made,
        &[("main", &[&OLD[..], more].concat())],
        &rules(&[], pins),
    )
}

#[test]
fn one_world_needs_no_override() {
    let made = Made::new(SUITES);
    let plan = alone(&made, &["tool=1", "getent=2.36"], &[]);
    assert!(
        plan.realizations
            .iter()
            .all(|r| r.overrides.is_empty() && r.needed.is_empty())
    );
    assert_eq!(
        library(&plan, "*", "libc.so.6"),
        "libc=2.36, the only one possible"
    );
    assert_eq!(link(&plan, "main", "tool=1", "libssl.so.3"), "libssl=3.0");
    assert_eq!(
        link(&plan, "main", "libssl=3.0", "libcrypto.so.3"),
        "libssl=3.0: its own"
    );
    assert_eq!(warnings(&plan), [""; 0]);
}

#[test]
fn a_pin_for_all_and_who_keeps_the_old() {
    let made = Made::new(SUITES);
    let plan = alone(
        &made,
        &["tool=1"],
        &[pin("libssl.so.3", "libssl=3.5", None)],
    );
    // libssl 3.5 needs a newer libc, which this world has not: what it needs is no reason, it is what is there.
    for soname in ["libssl.so.3", "libcrypto.so.3"] {
        assert_eq!(library(&plan, "main", soname), "libssl=3.5, pinned");
        assert_eq!(library(&plan, "*", soname), "libssl=3.5, pinned");
    }
    assert_eq!(link(&plan, "main", "tool=1", "libssl.so.3"), "libssl=3.5");
    assert_eq!(plan.main().unwrap().kept.len(), 1);
    let kept = plan.members().into_iter().find(|m| m.worlds.is_empty());
    assert_eq!(kept.unwrap().realization.version().as_str(), "3.5");

    let old = "
lib=1
 library libl.so.1
 exports libl:old libl:both
lib=2
 library libl.so.1
 exports libl:both
app=1
 Depends: lib
 program usr/bin/app libl.so.1
 takes libl:old
other=1
 Depends: lib
 program usr/bin/other libl.so.1
 takes libl:both
rigid=1
 Depends: lib (<< 2)
 program usr/bin/rigid libl.so.1
 rigid
";
    let made = Made::new(old);
    let members = ["app", "other", "(lib=1)"];
    let pins = rules(&[], &[pin("libl.so.1", "lib=2", None)]);
    let plan = go(&made, &[("main", &members)], &pins);
    assert_eq!(link(&plan, "main", "other=1", "libl.so.1"), "lib=2");
    assert_eq!(
        link(&plan, "main", "app=1", "libl.so.1"),
        "lib=1: needs symbol libl:old"
    );
    let plan = go(
        &made,
        &[("main", &[&members[..], &["rigid"]].concat())],
        &pins,
    );
    assert_eq!(
        library(&plan, "main", "libl.so.1"),
        "lib=1, the only one possible"
    );
    assert_eq!(
        warnings(&plan),
        [
            "libl.so.1 is not that of lib 2 in world main: rigid 1 needs lib (<< 2), and can't be given another"
        ]
    );
}

#[test]
fn a_pin_for_one_reaches_what_it_shares() {
    let made = Made::new(SUITES);
    // curl's libssl is libcurl's: the program asks for it first.
    let plan = alone(
        &made,
        &["tool=1"],
        &[pin("libssl.so.3", "libssl=3.5", Some("curl"))],
    );
    assert_eq!(
        link(&plan, "main", "curl=7", "libssl.so.3"),
        "libssl=3.5: pinned for curl"
    );
    let curl = realization(&plan, "main", "curl=7");
    assert!(curl.needed.contains(&"libssl.so.3".parse().unwrap()));
    assert_eq!(
        link(&plan, "main", "libcurl=7", "libssl.so.3"),
        "libssl=3.0",
        "others keep the world's"
    );
    assert_eq!(link(&plan, "main", "tool=1", "libssl.so.3"), "libssl=3.0");
    assert_eq!(warnings(&plan), [""; 0]);
    // tool needs it itself.
    let plan = alone(
        &made,
        &["tool=1"],
        &[pin("libssl.so.3", "libssl=3.5", Some("tool"))],
    );
    assert_eq!(
        link(&plan, "main", "tool=1", "libssl.so.3"),
        "libssl=3.5: pinned for tool"
    );
    assert_eq!(
        link(&plan, "main", "tool=1", "libcrypto.so.3"),
        "libssl=3.5: with its libssl.so.3"
    );

    // What does not suit all that the program loads is not followed.
    let new = [&NEW[..], &["tool=1"]].concat();
    let pins = [pin("libssl.so.3", "libssl=3.0", Some("curl"))];
    let plan = go(&made, &[("main", &new)], &rules(&[], &pins));
    assert_eq!(
        warnings(&plan),
        [
            "libssl.so.3 is not that of libssl 3.0 for curl in world main: libcurl 8 needs libssl (>= 3.5)"
        ]
    );
    assert!(realization(&plan, "main", "curl=8").overrides.is_empty());
    let pins = [pin("libc.so.6", "libc=2.36", Some("tool"))];
    let plan = go(&made, &[("main", &new)], &rules(&[], &pins));
    assert_eq!(
        warnings(&plan),
        [
            "libc.so.6 is not that of libc 2.36 for tool in world main: libssl 3.5 needs libc (>= 2.38)"
        ]
    );
}

/// `relink PACKAGE=VERSION`: all its libraries, of which a program may load some.
#[test]
fn pins_of_all_of_a_package() {
    let made = Made::new(SUITES);
    let sonames = ["libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2"];
    let pins = sonames.map(|s| pin(s, "libc=2.41", Some("curl")));
    let plan = alone(&made, &[], &pins);
    assert_eq!(
        link(&plan, "main", "curl=7", "libc.so.6"),
        "libc=2.41: pinned for curl"
    );
    assert_eq!(
        link(&plan, "main", "curl=7", "ld-linux-x86-64.so.2"),
        "libc=2.41: pinned for curl"
    );
    assert_eq!(warnings(&plan), [""; 0]);
}

#[test]
fn pins_that_nothing_would_see() {
    let made = Made::new(SUITES);
    for (pin, why) in [
        (
            pin("libssl.so.3", "libssl=3.5", Some("getent")),
            "libssl.so.3 is not that of libssl 3.5 for getent in world main: none of its programs loads that",
        ),
        (
            pin("libcurl.so.4", "libcurl=8", Some("libssl")),
            "libcurl.so.4 is not that of libcurl 8 for libssl in world main: it does not need that itself, and has no program that could",
        ),
        (
            pin("libssl.so.3", "libssl=3.5", Some("absent")),
            "libssl.so.3 is not that of libssl 3.5 for absent: its consumer is not in the view",
        ),
        (
            pin("libssl.so.3", "libc=2.41", None),
            "libssl.so.3 is not that of libc 2.41: it has no such library for everybody",
        ),
        (
            pin("libcurl.so.4", "libcurl=9", None),
            "libcurl.so.4 is not that of libcurl 9: the store does not have that",
        ),
    ] {
        let plan = alone(&made, &["getent=2.36"], &[pin]);
        assert_eq!(warnings(&plan), [why]);
    }
}

#[test]
fn two_suites_beside_each_other() {
    let made = Made::new(SUITES);
    let plan = both(&made, &["getent=2.36", "tool=1"], &[]);
    for soname in ["libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2"] {
        assert_eq!(library(&plan, "*", soname), "libc=2.36, fewest overrides");
    }
    assert_eq!(
        library(&plan, "curl@8", "libc.so.6"),
        "libc=2.41, the only one possible"
    );
    let outside = |of: &str| format!("{of}: outside of contexts");
    for (consumer, soname, provider) in [
        ("curl=8", "libcurl.so.4", "libcurl=8"),
        ("curl=8", "ld-linux-x86-64.so.2", "libc=2.41"),
        ("libcurl=8", "libssl.so.3", "libssl=3.5"),
        ("libssl=3.5", "libc.so.6", "libc=2.41"),
    ] {
        let link = link(&plan, "curl@8", consumer, soname);
        assert!(link.starts_with(&outside(provider)), "{link}");
    }
    assert_eq!(
        link(&plan, "curl@8", "libssl=3.5", "libcrypto.so.3"),
        "libssl=3.5: its own"
    );
    assert_eq!(link(&plan, "main", "curl=7", "libcurl.so.4"), "libcurl=7");
    let old = plan.main().unwrap().members.values();
    let old: Vec<_> = old.map(|m| &m.realization).collect();
    let overridden = plan.realizations.iter().filter(|r| !r.overrides.is_empty());
    assert!(overridden.clone().all(|r| !old.contains(&&r.id())));
    assert_eq!(
        overridden.count(),
        3,
        "curl, libcurl and libssl: libc needs only itself"
    );
}

#[test]
fn the_host_stays_where_a_world_has_it() {
    let made = Made::new(SUITES);
    let main = ["curl=7", "(libcurl=7)", "(libssl=3.0)", "host:libc=2.36"];
    let plan = go(
        &made,
        &[("main", &main), ("curl@8", &NEW)],
        &Rules::default(),
    );
    for soname in ["libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2"] {
        assert_eq!(library(&plan, "*", soname), "host");
        assert_eq!(
            library(&plan, "curl@8", soname),
            "libc=2.41, the only one possible"
        );
    }
    assert_eq!(link(&plan, "main", "curl=7", "libc.so.6"), "host");
    let link = link(&plan, "curl@8", "curl=8", "libc.so.6");
    assert_eq!(link, "libc=2.41: outside of contexts the host's is in use");
    // A libc for all, in place of the host's, if it suits all.
    let main = [&main[..], &["tool=1"]].concat();
    let pins = [pin("libc.so.6", "libc=2.41", None)];
    let plan = go(&made, &[("main", &main)], &rules(&[], &pins));
    assert_eq!(
        library(&plan, "*", "ld-linux-x86-64.so.2"),
        "libc=2.41, pinned"
    );
    let plan = go(
        &made,
        &[("main", &[&main[..], &["getent=2.36"]].concat())],
        &rules(&[], &pins),
    );
    assert_eq!(
        warnings(&plan),
        [
            "libc.so.6 is not that of libc 2.41 in world main: getent 2.36 needs libc:PRIVATE of its own build, \
          and can't be left with the host's"
        ]
    );
}

#[test]
fn hidden_upgrades() {
    let made = Made::new(
        "
foobar=1
 Depends: libfoo
 program usr/bin/foobar libfoo.so.1
barbaz=2
 Depends: libfoo (>= 1.2)
 program usr/bin/barbaz libfoo.so.1
libfoo=1.1
 library libfoo.so.1
libfoo=1.2
 library libfoo.so.1
alone=1
 library libalone.so.1
user=1
 Depends: alone
 program usr/bin/user libalone.so.1
",
    );
    let main = ["foobar", "barbaz=2", "(libfoo=1.2)"];
    let plan = |hides: &[&str]| go(&made, &[("main", &main)], &rules(hides, &[]));
    let hidden = plan(&["libfoo=1.2:for foobar"]);
    assert_eq!(
        link(&hidden, "main", "foobar=1", "libfoo.so.1"),
        "libfoo=1.1: does not see libfoo=1.2:for foobar"
    );
    assert_eq!(
        link(&hidden, "main", "barbaz=2", "libfoo.so.1"),
        "libfoo=1.2"
    );
    assert_eq!(hidden.main().unwrap().kept.len(), 1);
    // Who can't do without sees it.
    let hidden = plan(&["libfoo=1.2"]);
    assert_eq!(
        link(&hidden, "main", "foobar=1", "libfoo.so.1"),
        "libfoo=1.1: does not see libfoo=1.2"
    );
    assert_eq!(
        warnings(&hidden),
        [
            "barbaz 2 sees 1.2: there is no other version of libfoo, though libfoo=1.2 is to be hidden"
        ]
    );
    let plan = go(
        &made,
        &[("main", &["user", "alone"])],
        &rules(&["alone=1:for user"], &[]),
    );
    assert_eq!(warnings(&plan).len(), 1);
}

#[test]
fn several_providers_in_one_world() {
    let made = Made::new(
        "
blas=1
 named usr/lib/x86_64-linux-gnu/blas/libblas.so.3 libblas.so.3
openblas=1
 named usr/lib/x86_64-linux-gnu/openblas/libblas.so.3 libblas.so.3
numpy=1
 Depends: blas | openblas
 program usr/bin/numpy libblas.so.3
aa=1
 library libx.so.1
 exports libx:a
bb=1
 library libx.so.1
 exports libx:b
needs-a=1
 Depends: aa
 program usr/bin/a libx.so.1
 takes libx:a
needs-b=1
 Depends: bb
 program usr/bin/b libx.so.1
 takes libx:b
",
    );
    let members = [
        "blas", "openblas", "numpy", "aa", "bb", "needs-a", "needs-b",
    ];
    let mut world = world(&made, "main", &members);
    let link_to = |of: &str| {
        let dir = "usr/lib/x86_64-linux-gnu";
        (
            format!("{dir}/libblas.so.3").into(),
            format!("{dir}/{of}/libblas.so.3").into(),
        )
    };
    for of in ["openblas", "blas"] {
        world.made = [link_to(of)].into();
        let plan = observe(
            &made,
            &super::Observed {
                worlds: vec![world.clone()],
            },
            &Rules::default(),
        );
        assert_eq!(
            link(&plan, "main", "numpy=1", "libblas.so.3"),
            format!("{of}=1")
        );
        let a = link(&plan, "main", "needs-a=1", "libx.so.1");
        let b = link(&plan, "main", "needs-b=1", "libx.so.1");
        assert!(a.starts_with("aa=1") && b.starts_with("bb=1"), "{a} {b}");
        assert_eq!(warnings(&plan), [""; 0]);
    }
}

#[test]
fn private_libraries_and_those_of_the_host() {
    let made = Made::new(
        "
systemd=252
 Depends: shared
 program usr/bin/systemctl libsystemd-shared.so libc.so.6 libbundled.so.1
 module usr/lib/systemd/libbundled.so.1
shared=252
 module usr/lib/systemd/libsystemd-shared.so libc.so.6
",
    );
    let plan = go(
        &made,
        &[("main", &["systemd=252", "shared=252"])],
        &Rules::default(),
    );
    assert_eq!(link(&plan, "main", "systemd=252", "libc.so.6"), "host");
    assert_eq!(
        link(&plan, "main", "systemd=252", "libsystemd-shared.so"),
        "shared=252"
    );
    assert_eq!(
        link(&plan, "main", "systemd=252", "libbundled.so.1"),
        "systemd=252"
    );
}
