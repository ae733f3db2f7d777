use super::made::*;

#[test]
fn alternatives_versions_and_provided_names() {
    let made = Made::new(
        "
app=1
 Depends: mta | other, lib (>= 2), virt (>= 3), virt (<< 5)
other=1
postfix=1
 Provides: mta, virt
lib=1
lib=2
real=9
 Provides: virt (= 4)
",
    );
    let mut view = View::new(&made);
    let plan = view.go(&install(&[
        "app", "other", "postfix", "lib=1", "lib=2", "real=9",
    ]));
    // The first alternative, the newest; an unversioned name satisfies no version.
    assert_eq!(edges(&plan, "app=1"), "postfix=1, lib=2, real=9, real=9");
    assert_eq!(
        shown(&plan),
        "app=1 lib=1 (lib=2) other=1 (postfix=1) (real=9)"
    );
}

#[test]
fn all_that_is_unmet_is_said() {
    let made = Made::new(
        "
app=1
 Depends: absent | absent2, lib (>= 2), hid, arm:i386
lib=1
hid=1
arm=1
tool=1
 Depends: app (>= 2)
",
    );
    let view = View::new(&made);
    let request = super::Request {
        hide: hide(&["hid=1:for app"]).hide,
        ..install(&["app", "lib", "hid", "arm", "tool"])
    };
    assert_eq!(
        view.error(&request),
        "unmet dependencies:
 app 1 needs absent | absent2 (not there; not there)
 app 1 needs lib (>= 2) (there is lib 1)
 app 1 needs hid (hidden by hid=1:for app)
 app 1 needs arm:i386 (there for amd64)
 tool 1 needs app (>= 2) (there is app 1)"
    );
    let mut view = View::new(&made);
    let forced = view.go(&super::Request {
        force_depends: true,
        ..request
    });
    assert_eq!(forced.unmet.len(), 5);
    assert_eq!(edges(&forced, "app=1"), "unmet, unmet, unmet, unmet");
    // What was so before does not stand in the way of what comes later.
    assert_eq!(view.go(&super::Request::default()).unmet.len(), 5);
}

#[test]
fn removing_what_is_needed_is_refused() {
    let made = Made::new("app=1\n Depends: lib\n config\nlib=1\n config");
    let mut view = View::new(&made);
    view.go(&install(&["app", "lib"]));
    let error = view.error(&remove(&["lib"]));
    assert_eq!(error, "unmet dependencies:\n app 1 needs lib (lib 1 goes)");
    let absent = view.error(&remove(&["lib=2"]));
    assert_eq!(absent, "lib 2 (amd64) is not in the view");
    let plan = view.go(&remove(&["app"]));
    assert_eq!(shown(&plan), "[app] (lib=1)");
    assert_eq!(plan.needed.orphans.len(), 1);
    let plan = view.go(&super::Request {
        purge: [id("app"), id("lib")].into(),
        ..super::Request::default()
    });
    assert_eq!(shown(&plan), "");
}

#[test]
fn the_host_satisfies_what_the_view_does_not() {
    let made = Made::new(
        "
host libc=2
host dash=1 shell
app=1
 Depends: libc, shell, debconf | libc:amd64
other=1
 Depends: libc:any
libc=3
",
    );
    let mut view = View::new(&made);
    let plan = view.go(&install(&["app"]));
    assert_eq!(edges(&plan, "app=1"), "host libc, host dash, host libc");
}

#[test]
fn any_is_for_who_allows_it() {
    let made = Made::new(
        "
python=3
 Multi-Arch: allowed
tool=1:i386
 Depends: python:any
other=1:i386
 Depends: python
",
    );
    let view = View::new(&made);
    assert!(view.plan(&install(&["python=3", "tool=1:i386"])).is_ok());
    assert_eq!(
        view.error(&install(&["python=3", "other=1:i386"])),
        "unmet dependencies:\n other 1 needs python (there for amd64)"
    );
}

#[test]
fn a_foreign_closure_needs_no_foreign_architecture() {
    let made = Made::new(
        "
host libc=2
curl=7:i386
 Depends: libcurl (= 7), libc, certs, awk
 program usr/bin/curl libcurl.so.4 libc.so.6
libcurl=7:i386
 Multi-Arch: same
 Depends: libc
 library libcurl.so.4 libc.so.6
libc=2:i386
 Multi-Arch: same
 library libc.so.6
 library ld-linux.so.2
libc=2
 Multi-Arch: same
 library libc.so.6
 library ld-linux-x86-64.so.2
libcurl=7
 Multi-Arch: same
 library libcurl.so.4
certs=1:all
 Depends: openssl
openssl=3
gawk=5
 Multi-Arch: foreign
 Provides: awk
",
    );
    let mut view = View::new(&made);
    let common = ["certs=1:all", "openssl=3", "gawk=5"];
    let closure = ["curl=7:i386", "libcurl=7:i386", "libc=2:i386"];
    let plan = view.go(&install(&[&closure[..], &common].concat()));
    assert_eq!(
        edges(&plan, "curl=7:i386"),
        "libcurl=7:i386, libc=2:i386, certs=1:all, gawk=5"
    );
    assert_eq!(edges(&plan, "certs=1:all"), "openssl=3");
    assert_eq!(link(&plan, "curl=7:i386", "libc.so.6"), "libc=2:i386");
    let both = view.go(&install(&["libc=2", "libcurl=7"]));
    assert_eq!(link(&both, "curl=7:i386", "libc.so.6"), "libc=2:i386");
    assert_eq!(both.libraries.len(), 2);
    // The host's own libc is no i386 one.
    let view = View::new(&made);
    let alone = view.error(&install(&["libcurl=7:i386"]));
    assert_eq!(
        alone,
        "unmet dependencies:\n libcurl 7 needs libc (not there)"
    );
}

#[test]
fn newcomers_keep_together_and_later_plans_keep_to_it() {
    let made = Made::new(
        "
app=1
 Depends: lib (>= 1)
app=2
 Depends: lib (>= 1)
lib=1
lib=2
lib=3
",
    );
    let mut view = View::new(&made);
    view.go(&install(&["app=2", "lib=2"]));
    let plan = view.go(&install(&["app=1", "lib=1"]));
    assert_eq!(edges(&plan, "app=1"), "lib=1");
    assert_eq!(edges(&plan, "app=2"), "lib=2");
    let plan = view.go(&install(&["lib=3"]));
    assert_eq!(
        (edges(&plan, "app=1"), edges(&plan, "app=2")),
        ("lib=1".into(), "lib=2".into())
    );
    let plan = view.go(&remove(&["lib=1"]));
    assert_eq!(edges(&plan, "app=1"), "lib=3");
    assert_eq!(shown(&plan), "app=1 app=2 (lib=2) lib=3");
}
