use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::*;
use crate::layout::{InstallationId, RealizationId, Sha256, SideName, Version};

fn installation() -> Installation {
    Installation {
        package: "mount".parse().unwrap(),
        version: Version::new("1:2.41-5").unwrap(),
        architecture: "amd64".parse().unwrap(),
        sha256: Sha256::of(b"mount.deb"),
        size: 1234,
        setuid: vec![SetId {
            path: PathBuf::from(OsStr::from_bytes(b"usr/bin/a %\n\xff")),
            mode: 0o4755,
            uid: 0,
            gid: 5,
            capability: None,
        }],
    }
}

/// A text that is whole, but was not written by us.
fn changed(text: &str, from: &str, to: &str) -> String {
    let text = stanza::unseal(text).unwrap();
    assert!(text.contains(from), "{from}");
    stanza::seal(text.replacen(from, to, 1))
}

fn realization(deb: &[u8], overrides: &[(&str, &RealizationId)]) -> Realization {
    let sha256 = Sha256::of(deb);
    let version = Version::new("1.0").unwrap();
    let (name, arch) = ("foo".parse().unwrap(), "amd64".parse().unwrap());
    let overrides = overrides.iter();
    Realization {
        installation: InstallationId::new(&name, &version, &arch, &sha256),
        sha256,
        overrides: overrides
            .map(|(s, r)| (s.parse().unwrap(), (*r).clone()))
            .collect(),
        own: BTreeSet::new(),
        needed: BTreeSet::new(),
        rpath: false,
        policy: 1,
    }
}

#[test]
fn an_installation_survives() {
    let ours = installation();
    let text = ours.to_text().unwrap();
    assert!(text.contains("Setuid:\n 4755 0 5 usr/bin/a%20%25%0a%ff\n"));
    assert_eq!(Installation::from_text(&text, &ours.id()), Ok(ours.clone()));
    let other = realization(b"x", &[]).installation;
    assert!(Installation::from_text(&text, &other).is_err());
    for (from, to) in [
        ("usr/bin", "../bin"),
        ("usr/bin", "/bin"),
        ("4755", "0755"),
        ("4755", "14755"),
        ("%ff", "%f"),
        ("Size", "Sise"),
        ("amd64", "amd_64"),
        ("\nSize", "\n\nSize"),
        ("Size: 1234", "Size: 1234\nSize: 1234"),
    ] {
        let changed = changed(&text, from, to);
        assert!(
            Installation::from_text(&changed, &ours.id()).is_err(),
            "{changed}"
        );
    }
}

#[test]
fn no_cut_file_is_read() {
    let ours = installation();
    let text = ours.to_text().unwrap();
    for end in 0..text.len() {
        let read = Installation::from_text(&text[..end], &ours.id());
        assert!(read.is_err(), "{:?}", &text[..end]);
    }
}

#[test]
fn every_input_of_a_realization_is_in_its_name() {
    let a = realization(b"a", &[]).id();
    let b = realization(b"b", &[]).id();
    let plain = realization(b"deb", &[]);
    let one = realization(b"deb", &[("libx.so.1", &a)]);
    let two = realization(b"deb", &[("liby.so.1", &a), ("libx.so.1", &a)]);
    let mut policy = one.clone();
    policy.policy = 2;
    let other_soname = realization(b"deb", &[("libz.so.1", &a)]);
    let mut own = one.clone();
    own.own = BTreeSet::from(["liby.so.1".parse().unwrap()]);
    let mut needed = one.clone();
    needed.needed = own.own.clone();
    let all = [
        &plain,
        &one,
        &two,
        &policy,
        &own,
        &needed,
        &other_soname,
        &realization(b"deb", &[("libx.so.1", &b)]),
        &realization(b"other", &[("libx.so.1", &a)]),
    ];
    for (n, left) in all.iter().enumerate() {
        let read = Realization::from_text(&left.to_text(), &left.id());
        assert_eq!(read.as_ref(), Ok(*left));
        for right in &all[n + 1..] {
            assert_ne!(left.id(), right.id());
            assert!(Realization::from_text(&left.to_text(), &right.id()).is_err());
        }
    }
    let swapped = realization(b"deb", &[("libx.so.1", &a), ("liby.so.1", &a)]);
    assert_eq!(two.id(), swapped.id());
}

#[test]
fn a_manifest_survives() {
    let a = realization(b"a", &[]).id();
    let b = realization(b"b", &[]).id();
    let hide = |line: &str| line.parse::<Hide>().unwrap();
    let pin = |only: Option<&str>| LibraryPin {
        soname: "libssl.so.3".parse().unwrap(),
        provider: installation().id(),
        only: only.map(|o| o.parse().unwrap()),
    };
    let standing = |reason, state| Standing { reason, state };
    let side: SideName = "exim4@4.96-1".parse().unwrap();
    let mut packages = vec![
        Member {
            realization: a.clone(),
            worlds: BTreeMap::from([
                (None, standing(Reason::Want, State::Installed)),
                (
                    Some(side.clone()),
                    standing(Reason::Auto, State::TriggersPending),
                ),
            ]),
        },
        Member {
            realization: b.clone(),
            worlds: BTreeMap::new(),
        },
    ];
    packages.sort_by(|x, y| x.realization.cmp(&y.realization));
    let relaxed = [
        "Conflicts exim4 postfix",
        "Version libc6 libc6",
        "Path a-b c+d",
    ];
    let ours = Manifest {
        view: "system".parse().unwrap(),
        number: "3".parse().unwrap(),
        created: 1_700_000_000,
        parent: Some("2".parse().unwrap()),
        command: command_line(&["view", "apt", "a b\n", "it's", "", "x=1:2~"].map(Into::into)),
        sides: BTreeMap::from([(
            side,
            Side {
                relaxed: relaxed.map(|r| r.parse().unwrap()).into(),
            },
        )]),
        hides: vec![hide("libfoo=1:1.2"), hide("libfoo=1:1.2:for foobar")],
        pins: vec![pin(None), pin(Some("curl"))],
        packages,
    };
    let text = ours.to_text();
    assert_eq!(Manifest::from_text(&text), Ok(ours.clone()));
    assert!(text.contains("Hides:\n libfoo=1:1.2\n libfoo=1:1.2:for foobar\n"));
    assert!(
        text.contains("\nCommand: view apt 'a b?' 'it'\\''s' '' x=1:2~\n"),
        "{text}"
    );
    assert!(text.contains("Worlds:\n main want installed\n exim4@4.96-1 auto triggers-pending\n"));
    assert_eq!(ours.world(None).count(), 1);
    let empty = Manifest {
        packages: Vec::new(),
        sides: BTreeMap::new(),
        command: String::new(),
        ..ours
    };
    assert_eq!(Manifest::from_text(&empty.to_text()), Ok(empty));
    let read = |from: &str, to: &str| Manifest::from_text(&changed(&text, from, to));
    assert_eq!(read("Format: 2\n", ""), Err(ManifestError::Older));
    assert_eq!(
        read("Format: 2\n", "Format: 3\n"),
        Err(ManifestError::Format(3))
    );
    for (from, to) in [
        (" exim4@4.96-1 auto", " exim4@4.97-1 auto"),
        (" exim4@4.96-1 auto", " exim4@4.96-1 maybe"),
        (" main want", " slot want"),
        ("Conflicts exim4", "Conflicts"),
        ("Package: foo", "Package: bar"),
        (" libfoo=1:1.2", " libfoo"),
        ("\nGeneration", "\nWhat: is this\nGeneration"),
    ] {
        let changed = changed(&text, from, to);
        assert!(Manifest::from_text(&changed).is_err(), "{changed}");
    }
}
