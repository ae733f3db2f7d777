use super::Request;
use super::made::*;

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

pub const OLD: [&str; 4] = ["curl=7", "libcurl=7", "libssl=3.0", "libc=2.36"];
pub const NEW: [&str; 4] = ["curl=8", "libcurl=8", "libssl=3.5", "libc=2.41"];

pub fn own(request: Request) -> Request {
    Request {
        own_libraries: true,
        ..request
    }
}

#[test]
fn the_vote_and_who_needs_another() {
    let made = Made::new(SUITES);
    let mut view = View::new(&made);
    let plan = view.go(&install(&[&OLD[..], &["getent=2.36"]].concat()));
    assert_eq!(
        library(&plan, "libc.so.6"),
        "libc=2.36, the only one possible"
    );
    let plan = view.go(&install(&NEW));
    for soname in ["libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2"] {
        assert_eq!(library(&plan, soname), "libc=2.41, fewest overrides");
    }
    assert_eq!(
        library(&plan, "libssl.so.3"),
        "libssl=3.5, fewest overrides"
    );
    assert_eq!(link(&plan, "curl=7", "libc.so.6"), "libc=2.41");
    assert_eq!(
        link(&plan, "curl=7", "libcurl.so.4"),
        "libcurl=7: needs libcurl (= 7)"
    );
    assert_eq!(link(&plan, "curl=8", "libcurl.so.4"), "libcurl=8");
    assert_eq!(link(&plan, "libcurl=7", "libssl.so.3"), "libssl=3.5");
    // Interpreter and libc are of one build.
    assert_eq!(
        link(&plan, "getent=2.36", "libc.so.6"),
        "libc=2.36: needs libc (= 2.36)"
    );
    assert_eq!(
        link(&plan, "getent=2.36", "ld-linux-x86-64.so.2"),
        "libc=2.36: needs libc (= 2.36)"
    );
    assert_eq!(link(&plan, "libc=2.36", "libc.so.6"), "libc=2.36: its own");
}

#[test]
fn own_libraries() {
    let made = Made::new(SUITES);
    for first_old in [true, false] {
        let mut view = View::new(&made);
        let (first, second) = if first_old { (OLD, NEW) } else { (NEW, OLD) };
        view.go(&own(install(&first)));
        let plan = view.go(&own(install(&second)));
        for (app, libcurl, libssl, libc) in [
            ("curl=7", "libcurl=7", "libssl=3.0", "libc=2.36"),
            ("curl=8", "libcurl=8", "libssl=3.5", "libc=2.41"),
        ] {
            let came = |provider: &str| format!("{provider}: came with it");
            assert_eq!(link(&plan, app, "libcurl.so.4"), came(libcurl));
            assert_eq!(link(&plan, app, "ld-linux-x86-64.so.2"), came(libc));
            assert_eq!(link(&plan, libcurl, "libssl.so.3"), came(libssl));
            assert_eq!(link(&plan, libssl, "libc.so.6"), came(libc));
            assert_eq!(
                link(&plan, libssl, "libcrypto.so.3"),
                format!("{libssl}: its own")
            );
        }
        // What comes later takes the view's.
        let plan = view.go(&install(&["tool"]));
        assert_eq!(link(&plan, "tool=1", "libssl.so.3"), "libssl=3.5");
        assert_eq!(
            link(&plan, "curl=7", "libc.so.6"),
            "libc=2.36: came with it"
        );
    }
}

#[test]
fn a_pin_for_one_reaches_what_it_shares() {
    let made = Made::new(SUITES);
    let mut view = View::new(&made);
    view.go(&install(&NEW));
    view.go(&install(&["libssl=3.0", "libc=2.36", "tool"]));
    // curl 8 needs libcurl 8, which needs what libssl 3.0 has not.
    let error = view.error(&pin("libssl.so.3", "libssl=3.0", Some("curl")));
    assert_eq!(
        error,
        "curl 8, /usr/bin/curl: no version of libssl.so.3 suits all it loads: \
         libssl 3.0: libcurl 8 needs libssl (>= 3.5); libssl 3.5: pinned for curl"
    );
    // tool can.
    let plan = view.go(&pin("libssl.so.3", "libssl=3.0", Some("tool")));
    assert_eq!(
        link(&plan, "tool=1", "libssl.so.3"),
        "libssl=3.0: pinned for tool"
    );
    assert_eq!(
        link(&plan, "tool=1", "libcrypto.so.3"),
        "libssl=3.0: with its libssl.so.3"
    );

    let mut view = View::new(&made);
    view.go(&install(&OLD));
    view.go(&install(&["libssl=3.5", "libc=2.41"]));
    let plan = view.go(&pin("libssl.so.3", "libssl=3.5", None));
    assert_eq!(library(&plan, "libssl.so.3"), "libssl=3.5, pinned");
    assert_eq!(library(&plan, "libcrypto.so.3"), "libssl=3.5, pinned");
    let plan = view.go(&pin("libssl.so.3", "libssl=3.0", Some("curl")));
    assert_eq!(
        link(&plan, "curl=7", "libssl.so.3"),
        "libssl=3.0: pinned for curl"
    );
    let curl = plan
        .realizations
        .iter()
        .find(|r| r.installation == id("curl=7"))
        .unwrap();
    assert_eq!(curl.needed, ["libssl.so.3".parse().unwrap()].into());
    assert_eq!(
        link(&plan, "libcurl=7", "libssl.so.3"),
        "libssl=3.5",
        "others keep the view's"
    );
    assert_eq!(plan.pins.len(), 2);
    // Pinned providers are needed, and stay.
    assert!(!plan.needed.orphans.contains(&id("libssl=3.0")));
    let refused = view.error(&remove(&["libssl=3.0"]));
    assert!(refused.contains("in the view"), "{refused}");
    let plan = view.go(&Request {
        unpin: vec![(
            "libssl.so.3".parse().unwrap(),
            Some("curl".parse().unwrap()),
        )],
        ..Request::default()
    });
    assert_eq!(plan.pins.len(), 1);
    let curl = plan
        .realizations
        .iter()
        .find(|r| r.installation == id("curl=7"))
        .unwrap();
    assert!(curl.needed.is_empty());
}

/// `relink PACKAGE=VERSION`: all its libraries, of which a program may load some.
#[test]
fn pins_of_all_of_a_package() {
    let made = Made::new(SUITES);
    let mut view = View::new(&made);
    view.go(&install(&[
        "curl=7",
        "libcurl=7",
        "libssl=3.0",
        "libc=2.36",
    ]));
    let all = |provider: &str, sonames: &[&str]| Request {
        pin: sonames
            .iter()
            .flat_map(|s| pin(s, provider, Some("curl")).pin)
            .collect(),
        ..install(&[provider])
    };
    let request = all(
        "libc=2.41",
        &["libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2"],
    );
    let plan = view.go(&request);
    assert_eq!(
        link(&plan, "curl=7", "libc.so.6"),
        "libc=2.41: pinned for curl"
    );
    assert_eq!(plan.pins.len(), 3);
}

#[test]
fn pins_that_nothing_would_see() {
    let made = Made::new(SUITES);
    let mut view = View::new(&made);
    view.go(&install(&OLD));
    view.go(&install(&["libssl=3.5", "libc=2.41", "getent=2.36"]));
    assert_eq!(
        view.error(&pin("libssl.so.3", "libssl=3.5", Some("getent"))),
        "getent 2.36 can't be given libssl.so.3 of libssl 3.5: none of its programs loads that"
    );
    assert_eq!(
        view.error(&pin("libcurl.so.4", "libcurl=7", Some("libssl"))),
        "libssl 3.0 can't be given libcurl.so.4 of libcurl 7: it does not need that itself, and has no program that could"
    );
    assert_eq!(
        view.error(&pin("libssl.so.3", "libssl=3.5", Some("absent"))),
        "libssl.so.3 can't be pinned to libssl 3.5: its consumer is not in the view"
    );
    assert_eq!(
        view.error(&pin("libssl.so.3", "libc=2.41", None)),
        "libssl.so.3 can't be pinned to libc 2.41: it has no such library for everybody"
    );
    assert_eq!(
        view.error(&pin("libcurl.so.4", "libcurl=8", None)),
        "libcurl.so.4 can't be pinned to libcurl 8: it is not, or no longer, in the view"
    );
}

#[test]
fn a_library_that_drops_a_symbol_is_refused() {
    let made = Made::new(
        "
app=1
 Depends: lib
 program usr/bin/app libl.so.1
 takes libl:old
lib=1
 library libl.so.1
 exports libl:old libl:both
lib=2
 library libl.so.1
 exports libl:both
lib=3
 library libl.so.1
 exports libl:old libl:both libl:new
",
    );
    let mut view = View::new(&made);
    view.go(&install(&["app", "lib=1"]));
    view.go(&install(&["lib=3", "lib=2"]));
    assert_eq!(
        view.error(&pin("libl.so.1", "lib=2", None)),
        "no version of libl.so.1 can be the system's; lib 2: app 1 needs symbol libl:old"
    );
    assert_eq!(
        view.error(&pin("libl.so.1", "lib=2", Some("app"))),
        "libl.so.1 can't be pinned to lib 2: app 1 needs symbol libl:old"
    );
    let plan = view.go(&pin("libl.so.1", "lib=3", None));
    assert_eq!(link(&plan, "app=1", "libl.so.1"), "lib=3");
    // Only lib/ is different.
    let before = view.plan(&Request {
        unpin: vec![("libl.so.1".parse().unwrap(), None)],
        ..Request::default()
    });
    let before = before.unwrap();
    assert_eq!(before.members, plan.members);
    assert_ne!(before.libraries, plan.libraries);
}

#[test]
fn a_libc_pulls_the_libraries_of_its_process() {
    let made = Made::new(SUITES);
    let mut view = View::new(&made);
    view.go(&install(&[&OLD[..], &["tool"]].concat()));
    view.go(&install(&NEW));
    let plan = view.plan(&Request::default()).unwrap();
    assert_eq!(link(&plan, "tool=1", "libssl.so.3"), "libssl=3.5");
    // libssl 3.5 needs libc 2.38: with the old libc the program gets the old libssl, too.
    let plan = view.go(&pin("libc.so.6", "libc=2.36", Some("tool")));
    assert_eq!(
        link(&plan, "tool=1", "libc.so.6"),
        "libc=2.36: pinned for tool"
    );
    assert_eq!(
        link(&plan, "tool=1", "libm.so.6"),
        "libc=2.36: with its libc.so.6"
    );
    assert_eq!(
        link(&plan, "tool=1", "libssl.so.3"),
        "libssl=3.0: libssl 3.5 needs libc (>= 2.38)"
    );
    // Where there is none it is refused.
    let error = view.error(&pin("libc.so.6", "libc=2.36", Some("curl")));
    assert!(
        error.starts_with("curl 8, /usr/bin/curl: no version of libc.so.6 suits all it loads"),
        "{error}"
    );
}

#[test]
fn a_library_that_needs_another_is_heeded_by_who_shares_it() {
    let made = Made::new(
        "
app=1
 Depends: mid, base
 program usr/bin/app libmid.so.1 libbase.so.1
mid=1
 Depends: base
 library libmid.so.1 libbase.so.1
 takes libbase:old
base=1
 library libbase.so.1
 exports libbase:old
base=2
 library libbase.so.1
 exports libbase:new
more=1
 Depends: base (>= 2)
 program usr/bin/more libbase.so.1
 takes libbase:new
more2=1
 Depends: base (>= 2)
 program usr/bin/more2 libbase.so.1
 takes libbase:new
",
    );
    let mut view = View::new(&made);
    view.go(&install(&["app", "mid", "base=1"]));
    let plan = view.go(&install(&["more", "more2", "base=2"]));
    assert_eq!(library(&plan, "libbase.so.1"), "base=2, fewest overrides");
    assert_eq!(
        link(&plan, "mid=1", "libbase.so.1"),
        "base=1: needs symbol libbase:old"
    );
    assert_eq!(
        link(&plan, "app=1", "libbase.so.1"),
        "base=1: mid 1 needs symbol libbase:old"
    );
}

#[test]
fn circles_of_libraries_are_the_programs_matter() {
    let made = Made::new(
        "
app=1
 Depends: liba, libz
 program usr/bin/app liba.so.1
liba=1
 Depends: libb
 library liba.so.1 libb.so.1
libb=1
 Depends: liba
 library libb.so.1 liba.so.1 libz.so.1
 Depends: liba, libz
libz=1
 library libz.so.1
liba=2
 Depends: libb
 library liba.so.1 libb.so.1
libb=2
 Depends: liba
 library libb.so.1 liba.so.1
libz=2
 library libz.so.1
",
    );
    let mut view = View::new(&made);
    view.go(&own(install(&["app", "liba=1", "libb=1", "libz=1"])));
    let plan = view.go(&own(install(&["liba=2", "libb=2", "libz=2"])));
    for soname in ["liba.so.1", "libb.so.1"] {
        let decision = library(&plan, soname);
        assert!(decision.contains("=2"), "{decision}");
    }
    let app = plan
        .realizations
        .iter()
        .find(|r| r.installation == id("app=1"))
        .unwrap();
    assert_eq!(
        app.overrides.len(),
        2 + usize::from(app.overrides.len() > 2)
    );
    assert_eq!(link(&plan, "app=1", "liba.so.1"), "liba=1: came with it");
}

/// One build of a library is in both closures.
#[test]
fn a_shared_library_takes_what_each_process_has() {
    let shared = "
libfoo=1
 Depends: libc (>= 2.36), zlib
 library libfoo.so.1 libz.so.1 libc.so.6
 takes libc:2.36
zlib=1
 library libz.so.1
zlib=2
 library libz.so.1
foo=7
 Depends: libfoo, curl (= 7), libcurl (= 7), zlib (<< 2), libc (<< 2.40)
 program usr/bin/foo libfoo.so.1 libcurl.so.4 libc.so.6
foo=8
 Depends: libfoo, curl (= 8), libcurl (= 8), zlib (>= 2), libc (>= 2.40)
 program usr/bin/foo libfoo.so.1 libcurl.so.4 libc.so.6
";
    let made = Made::new(&format!("{SUITES}{shared}"));
    let mut view = View::new(&made);
    view.go(&own(install(
        &[&OLD[..], &["foo=7", "libfoo", "zlib=1"]].concat(),
    )));
    let plan = view.go(&own(install(
        &[&NEW[..], &["foo=8", "libfoo", "zlib=2"]].concat(),
    )));
    assert_eq!(link(&plan, "foo=7", "libc.so.6"), "libc=2.36: came with it");
    assert_eq!(link(&plan, "foo=8", "libc.so.6"), "libc=2.41: came with it");
    assert_eq!(
        link(&plan, "libfoo=1", "libc.so.6"),
        "libc=2.41",
        "the view's, alone"
    );
    assert_eq!(
        link(&plan, "foo=7", "libz.so.1"),
        "zlib=1: libfoo 1 did not come with it"
    );
    let z = |app: &str| {
        let of = plan
            .realizations
            .iter()
            .find(|r| r.installation == id(app))
            .unwrap();
        of.needed.iter().any(|s| s.as_str() == "libz.so.1")
    };
    assert!(z("foo=7"));
}

#[test]
fn who_can_not_be_rewritten() {
    let made = Made::new(
        "
rigid=1
 Depends: base (<< 2)
 program usr/bin/rigid libbase.so.1
 rigid
base=1
 library libbase.so.1
base=2
 library libbase.so.1
app=2
 Depends: base (>= 2)
 program usr/bin/app libbase.so.1
both=1
 Depends: base (>= 2)
 program usr/bin/both libbase.so.1
 rigid
",
    );
    let mut view = View::new(&made);
    view.go(&install(&["rigid", "base=1"]));
    let plan = view.go(&install(&["app=2", "base=2"]));
    assert_eq!(
        library(&plan, "libbase.so.1"),
        "base=1, the only one possible"
    );
    assert_eq!(
        link(&plan, "app=2", "libbase.so.1"),
        "base=2: needs base (>= 2)"
    );
    assert_eq!(
        view.error(&install(&["both"])),
        "no version of libbase.so.1 can be the system's; \
         base 2: rigid 1 needs base (<< 2); base 1: both 1 needs base (>= 2)"
    );
    let error = view.error(&pin("libbase.so.1", "base=2", Some("rigid")));
    assert_eq!(
        error,
        "rigid 1 can't be given libbase.so.1 of base 2: its files can't be rewritten"
    );
}

#[test]
fn private_libraries_and_those_of_the_host() {
    let made = Made::new(
        "
host libc=2
systemd=252
 Depends: shared
 program usr/bin/systemctl libsystemd-shared.so libc.so.6 libbundled.so.1
 module usr/lib/systemd/libbundled.so.1
shared=252
 module usr/lib/systemd/libsystemd-shared.so libc.so.6
",
    );
    let plan = View::new(&made).go(&install(&["systemd=252", "shared=252"]));
    assert_eq!(link(&plan, "systemd=252", "libc.so.6"), "host");
    let by = |soname: &str| {
        let of = plan
            .links
            .iter()
            .find(|l| l.soname.as_str() == soname)
            .unwrap();
        (of.provider.as_ref().map(spec), of.overriding.clone())
    };
    assert_eq!(
        by("libsystemd-shared.so"),
        (Some("shared=252".into()), None)
    );
    assert_eq!(by("libbundled.so.1"), (Some("systemd=252".into()), None));
}
