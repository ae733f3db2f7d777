use std::path::PathBuf;

use super::*;
use crate::layout::RealizationId;
use crate::link::{Verified, What};
use crate::manifest::{Reason, State};
use crate::output::Out;
use crate::view::tests::Made;

fn asked(reader: &Reader) -> Asked<'_> {
    let place = "system".parse().unwrap();
    Asked::of(reader, &place, &"amd64".parse().unwrap()).unwrap()
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|w| w.to_string()).collect()
}

/// Code, standard output and notices.
fn said(
    json: bool,
    act: impl FnOnce(&mut Out<'_>) -> Result<Answer, QueryError>,
) -> (i32, String, Vec<String>) {
    let mut bytes = Vec::new();
    let answer = act(&mut Out::new(&mut bytes, None, json)).unwrap();
    (
        answer.code,
        String::from_utf8(bytes).unwrap(),
        answer.notices,
    )
}

fn filled() -> Made {
    let made = Made::new();
    let conffile = [
        ("etc/foo.conf", "x\n"),
        ("DEBIAN/conffiles", "/etc/foo.conf\n"),
        ("usr/bin/foo", "1"),
    ];
    let one = made.package("foo=1", &conffile);
    let mut two = made.package("foo=2", &[("usr/bin/foo", "2")]);
    two.slot = Some("foo-2".parse().unwrap());
    two.state = State::Unpacked;
    let mut lib = made.package(
        "libbar1:i386=1:3.0-1",
        &[("usr/lib/i386-linux-gnu/libbar.so.1", "b")],
    );
    lib.reason = Reason::Auto;
    let mut gone = made.package(
        "gone=1",
        &[
            ("etc/gone/c", "c"),
            ("usr/bin/gone", "g"),
            ("DEBIAN/conffiles", "/etc/gone/c\n"),
        ],
    );
    gone.state = State::ConfigFiles;
    made.generation("system", &[one, two, lib, gone]);
    made
}

#[test]
fn all_versions_in_dpkgs_table() {
    let made = filled();
    let reader = Reader::new(made.layout());
    let asked = asked(&reader);
    let (code, text, notices) = said(false, |o| list(&asked, &[], o));
    assert_eq!((code, notices.len()), (0, 0));
    assert_eq!(
        text,
        "Desired=Unknown/Install/Remove/Purge/Hold\n\
         | Status=Not/Inst/Conf-files/Unpacked/halF-conf/Half-inst/trig-aWait/Trig-pend\n\
         |/ Err?=(none)/Reinst-required (Status,Err: uppercase=bad)\n\
         ||/ Name           Version      Architecture Reason Slot  Description\n\
         +++-==============-============-============-======-=====-=================================\n\
         ii  foo            1            amd64        want   -     the foo package\n\
         iU  foo            2            amd64        want   foo-2 the foo package\n\
         rc  gone           1            amd64        want   -     the gone package\n\
         ii  libbar1:i386   1:3.0-1      i386         auto   -     the libbar1 package\n"
    );
    let only = |patterns: &[&str]| {
        let (code, text, notices) = said(false, |o| list(&asked, &words(patterns), o));
        (code, text.lines().skip(5).count(), notices)
    };
    assert_eq!(only(&["foo"]).1, 2);
    assert_eq!(only(&["foo=2"]).1, 1);
    assert_eq!(only(&["lib*:i386", "foo=1"]).1, 2);
    assert_eq!(only(&["libbar1:i386=1:3.0-1"]).1, 1);
    let missed = vec!["no packages found matching nosuch".to_string()];
    assert_eq!(only(&["nosuch", "g*"]), (1, 1, missed));
    let (_, json, _) = said(true, |o| list(&asked, &words(&["foo=2"]), o));
    assert!(
        json.contains("\"slot\": \"foo-2\",\n    \"own_libraries\": false,"),
        "{json}"
    );
    let mut bytes = Vec::new();
    list(&asked, &[], &mut Out::new(&mut bytes, Some(70), false)).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.lines().skip(3).all(|l| l.len() <= 70), "{text}");
}

#[test]
fn paths_of_packages_and_back() {
    let made = filled();
    let reader = Reader::new(made.layout());
    let asked = asked(&reader);
    let files = |names: &[&str]| said(false, |o| list_files(&asked, &words(names), o));
    let foo = "/.\n/etc\n/etc/foo.conf\n/usr\n/usr/bin\n/usr/bin/foo\n";
    assert_eq!(files(&["foo=1"]), (0, foo.into(), vec![]));
    assert_eq!(files(&["gone"]).1, "/.\n/etc\n/etc/gone\n/etc/gone/c\n");
    let missed = vec!["package 'nosuch' is not installed".to_string()];
    assert_eq!(files(&["nosuch"]), (1, String::new(), missed));
    let several = list_files(
        &asked,
        &words(&["foo"]),
        &mut Out::new(&mut Vec::new(), None, false),
    );
    assert_eq!(
        several.unwrap_err().to_string(),
        "--listfiles needs a valid package name but 'foo' is not: ambiguous package name 'foo' with more \
         than one installed instance: foo:amd64=1, foo:amd64=2"
    );
    assert!(
        list_files(
            &asked,
            &words(&["A/b"]),
            &mut Out::new(&mut Vec::new(), None, false)
        )
        .is_err()
    );

    let search = |patterns: &[&str]| said(false, |o| search(&asked, &words(patterns), o));
    assert_eq!(search(&["/usr/bin/foo"]).1, "foo=1, foo=2: /usr/bin/foo\n");
    assert_eq!(
        search(&["libbar"]).1,
        "libbar1:i386: /usr/lib/i386-linux-gnu/libbar.so.1\n"
    );
    assert_eq!(search(&["*/c"]).1, "gone: /etc/gone/c\n");
    let missed = vec!["no path found matching pattern /usr/bin/gone".to_string()];
    assert_eq!(search(&["/usr/bin/gone"]), (1, String::new(), missed));
    let member = asked.named("x", "foo=2").unwrap()[0].realization.clone();
    let path = made.layout().realization(&member).join("usr/bin/foo");
    assert_eq!(search(&[path.to_str().unwrap()]).1, "foo=2: /usr/bin/foo\n");
    let path = made
        .layout()
        .root()
        .join("views/system/gen/1/root/usr/bin/foo");
    assert_eq!(
        search(&[path.to_str().unwrap()]).1,
        "foo=1, foo=2: /usr/bin/foo\n"
    );
}

#[test]
fn stanzas() {
    let made = filled();
    let reader = Reader::new(made.layout());
    let asked = asked(&reader);
    let (code, text, _) = said(false, |o| status(&asked, &words(&["foo"]), o));
    assert_eq!(code, 0);
    assert!(
        text.starts_with("Package: foo\nStatus: install ok installed\nVersion: 1\n"),
        "{text}"
    );
    assert!(
        text.contains("Conffiles:\n /etc/foo.conf 401b30e3b8b5d629635a5c613cdb7919\nDescription"),
        "{text}"
    );
    assert!(text.contains("\nView: system@1\nReason: want\n"), "{text}");
    assert!(
        text.contains("\n\nPackage: foo\nStatus: install ok unpacked\n"),
        "{text}"
    );
    assert!(
        text.contains("\nSlot: foo-2\n") && !text.ends_with("\n\n"),
        "{text}"
    );
    let missed = "package 'nosuch' is not installed and no information is available".to_string();
    let none = said(false, |o| status(&asked, &words(&["nosuch"]), o));
    assert_eq!(none, (1, String::new(), vec![missed]));
}

#[test]
fn verified() {
    let made = filled();
    let reader = Reader::new(made.layout());
    let asked = asked(&reader);
    let foo = asked.named("x", "foo=1").unwrap()[0].realization.clone();
    let of = |id: &RealizationId| -> Result<Vec<Verified>, LinkError> {
        let wrong = |path: &str, what| Verified {
            path: PathBuf::from(path),
            what,
        };
        Ok(match *id == foo {
            false => Vec::new(),
            true => vec![
                wrong("etc/foo.conf", What::Changed),
                wrong("usr/bin/foo", What::Missing),
                wrong("usr/x", What::Unreadable("Permission denied".into())),
                wrong("usr/y", What::NoFile),
            ],
        })
    };
    let (code, text, notices) = said(false, |o| verify(&asked, &words(&["nosuch"]), &of, o));
    assert_eq!((code, text.as_str()), (1, ""));
    assert_eq!(notices, ["package 'nosuch' is not installed"]);
    let (code, text, _) = said(false, |o| verify(&asked, &[], &of, o));
    assert_eq!(code, 0);
    assert_eq!(
        text,
        "??5?????? c /etc/foo.conf\nmissing     /usr/bin/foo\n\
         missing     /usr/x (Permission denied)\n?M5??????   /usr/y\n"
    );
}
