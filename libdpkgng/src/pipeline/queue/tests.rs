//! Whole runs over small databases. What is expected was seen in stock 1.22.22.

use crate::force::Force;
use crate::pipeline::Action;
use crate::pipeline::rig::{INSTALLED, Rig, UNPACKED, stanza};

/// The lines of a run that are not for status descriptors.
fn spoken(said: &str) -> String {
    let lines = said.lines().filter(|l| !l.starts_with("3: "));
    lines.flat_map(|l| [l, "\n"]).collect()
}

#[test]
fn order_follows_dependencies_and_cycles_are_broken() {
    let chain = stanza("a", UNPACKED, "Depends: b\n") + &stanza("b", UNPACKED, "Depends: c\n");
    let done = "Setting up c (1.0) ...\nSetting up b (1.0) ...\nSetting up a (1.0) ...\n";
    for last in ["", "Depends: a\n"] {
        let rig = Rig::new(&(chain.clone() + &stanza("c", UNPACKED, last)));
        let (said, code) = rig.dpkg(Action::Configure, &["a", "b", "c"]);
        assert_eq!((spoken(&said).as_str(), code), (done, 0));
    }
}

#[test]
fn a_cycle_is_broken_where_no_postinst_is() {
    let status = stanza("a", UNPACKED, "Depends: b\n") + &stanza("b", UNPACKED, "Depends: a\n");
    let rig = Rig::new(&status);
    rig.script("a.postinst", "exit 0");
    let (said, _) = rig.dpkg(Action::Configure, &["a", "b"]);
    let b_first = "Setting up b (1.0) ...\nSetting up a (1.0) ...\n";
    assert_eq!(spoken(&said), b_first);
}

#[test]
fn wrong_versions_can_be_forced() {
    let status = stanza("a", UNPACKED, "Depends: b (>= 2)\n") + &stanza("b", INSTALLED, "");
    let mut rig = Rig::new(&status);
    let (said, code) = rig.dpkg(Action::Configure, &["a"]);
    assert_eq!(
        said,
        "\
dpkg: dependency problems prevent configuration of a:
 a depends on b (>= 2); however:
  Version of b on system is 1.0.

dpkg: error processing package a (--configure):
 dependency problems - leaving unconfigured
3: status: a : error : dependency problems - leaving unconfigured
Errors were encountered while processing:
 a
"
    );
    assert_eq!(code, 1);
    rig.force.push(Force::DependsVersion);
    let (said, code) = rig.dpkg(Action::Configure, &["a"]);
    assert_eq!(
        spoken(&said),
        "\
dpkg: a: dependency problems, but configuring anyway as you requested:
 a depends on b (>= 2); however:
  Version of b on system is 1.0.

Setting up a (1.0) ...
"
    );
    assert_eq!(code, 0);
}

#[test]
fn breaks_prevent_configuring() {
    let provides = "Provides: v\n";
    let breaks = "Config-Version: 1.0\nBreaks: v, a (= 1.0)\n";
    let status =
        stanza("a", UNPACKED, provides) + &stanza("b", "install ok half-configured", breaks);
    let mut rig = Rig::new(&status);
    let (said, _) = rig.dpkg(Action::Configure, &["a"]);
    let why = "dpkg: dependency problems prevent configuration of a:\n \
               b (1.0) breaks a (= 1.0) and is broken due to postinst failure.\n  \
               Version of a to be configured is 1.0.\n";
    assert!(said.starts_with(why), "{said}");
    let virt = " b (1.0) breaks v and is broken due to postinst failure.\n  \
                a (1.0) provides v.\n";
    assert!(said.contains(virt), "{said}");
    rig.ignore = vec!["b"];
    assert_eq!(rig.dpkg(Action::Configure, &["a"]).1, 0);
}

#[test]
fn what_a_package_provides_to_itself_is_there() {
    let rig = Rig::new(&stanza("a", UNPACKED, "Depends: v\nProvides: v\n"));
    assert_eq!(rig.dpkg(Action::Configure, &["a"]).1, 0);
}

#[test]
fn packages_that_help_are_configured_when_forced() {
    let status = stanza("a", UNPACKED, "Depends: b\n") + &stanza("b", UNPACKED, "");
    let mut rig = Rig::new(&status);
    let (said, code) = rig.dpkg(Action::Configure, &["a"]);
    assert!(said.contains("  Package b is not configured yet.\n"));
    assert_eq!(code, 1);
    rig.force.push(Force::ConfigureAny);
    let (said, code) = rig.dpkg(Action::Configure, &["a"]);
    assert_eq!(
        spoken(&said),
        "dpkg: also configuring 'b' (required by 'a')\n\
         Setting up b (1.0) ...\nSetting up a (1.0) ...\n"
    );
    assert_eq!(code, 0);
}

#[test]
fn too_many_failures_end_the_run() {
    let status = stanza("a", UNPACKED, "Depends: n\n")
        + &stanza("b", UNPACKED, "Depends: n\n")
        + &stanza("c", UNPACKED, "");
    let mut rig = Rig::new(&status);
    rig.abort_after = 2;
    let (said, code) = rig.dpkg(Action::Configure, &["a", "b", "c"]);
    assert!(
        spoken(&said).ends_with(
            "dpkg: too many errors, stopping\nErrors were encountered while processing:\n a\n b\n\
             Processing was halted because there were too many errors.\n"
        ),
        "{said}"
    );
    assert_eq!(code, 1);
    assert!(!said.contains("Setting up"));
}

#[test]
fn twice_named_is_done_once() {
    let rig = Rig::new(&stanza("a", UNPACKED, ""));
    let (said, _) = rig.dpkg(Action::Configure, &["a", "a"]);
    assert_eq!(
        said,
        "\
Package a listed more than once, only processing once.
Setting up a (1.0) ...
3: processing: configure: a
3: status: a: unpacked
3: status: a: half-configured
3: status: a: installed
"
    );
}

#[test]
fn wrong_states_are_refused() {
    let status = stanza("a", INSTALLED, "")
        + &stanza("b", "install ok half-installed", "")
        + &stanza("c", "deinstall ok config-files", "Config-Version: 1.0\n");
    let rig = Rig::new(&status);
    let (said, _) = rig.dpkg(Action::Configure, &["a", "b", "c", "d"]);
    for line in [
        " package a is already installed and configured\n",
        " package b is not ready for configuration\n \
         cannot configure (current status 'half-installed')\n",
        " package c is not ready for configuration\n \
         cannot configure (current status 'config-files')\n",
        " no package named 'd' is installed, cannot configure\n",
    ] {
        assert!(said.contains(line), "{said}");
    }
}

#[test]
fn removal_looks_at_dependers_and_their_alternatives() {
    let status = stanza("a", INSTALLED, "")
        + &stanza("b", INSTALLED, "Depends: a\n")
        + &stanza("c", INSTALLED, "Depends: b | a\n");
    let rig = Rig::new(&status);
    for name in ["a", "b", "c"] {
        rig.put(&format!("/var/lib/dpkg/info/{name}.list"), "/.\n");
    }
    let (said, code) = rig.dpkg(Action::Remove, &["a", "b"]);
    assert!(
        spoken(&said).contains(
            "Removing b (1.0) ...\n\
             dpkg: dependency problems prevent removal of a:\n \
             c depends on b | a; however:\n  \
             Package b is not installed.\n  \
             Package a is to be removed.\n\n"
        ),
        "{said}"
    );
    assert_eq!(code, 1);
}

#[test]
fn a_provider_that_was_purged_is_still_named() {
    let provides = "Provides: v\n";
    let status = stanza("p1", INSTALLED, provides)
        + &stanza("p2", INSTALLED, provides)
        + &stanza("x", INSTALLED, "Depends: v\n");
    let mut rig = Rig::new(&status);
    rig.force.push(Force::Depends);
    for name in ["p1", "p2", "x"] {
        rig.put(&format!("/var/lib/dpkg/info/{name}.list"), "/.\n");
    }
    let (said, _) = rig.dpkg(Action::Purge, &["p1", "p2"]);
    assert!(
        spoken(&said).contains(
            " x depends on v; however:\n  \
             Package v is not installed.\n  \
             Package p2 which provides v is to be removed.\n  \
             Package p1 which provides v is not installed.\n"
        ),
        "{said}"
    );
}
