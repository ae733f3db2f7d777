//! What packages of another architecture are to say, which is data alone.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::linking::Linking;
use super::*;
use crate::elf::{Port, Target};
use crate::facts::{Control, Object};
use crate::layout::{Sha256, Version};
use crate::manifest::Installation;

fn i386() -> Target {
    Target {
        machine: 3,
        layout: crate::elf::Layout {
            wide: false,
            big: false,
        },
        abi: 0,
    }
}

fn facts(architecture: &str, objects: Vec<Object>, paths: &[&str]) -> Facts {
    let installation = Installation {
        package: "foo".parse().unwrap(),
        version: Version::new("1").unwrap(),
        architecture: architecture.parse().unwrap(),
        sha256: Sha256::of(b"foo"),
        size: 0,
        setuid: Vec::new(),
    };
    Facts {
        id: installation.id(),
        installation,
        control: Control::default(),
        objects,
        paths: paths.iter().map(PathBuf::from).collect(),
        damaged: Vec::new(),
    }
}

fn object(path: &str, target: Target, interpreter: &str) -> Object {
    Object {
        path: path.into(),
        target,
        interpreter: Some(interpreter.into()).filter(|_| !interpreter.is_empty()),
        soname: None,
        names: Vec::new(),
        rpath: false,
        public: false,
        needed: Vec::new(),
        mentions: Vec::new(),
    }
}

fn realization(facts: &Facts) -> Realization {
    Realization {
        installation: facts.id.clone(),
        sha256: facts.installation.sha256,
        overrides: BTreeMap::new(),
        own: BTreeSet::new(),
        needed: BTreeSet::from(["libx.so.1".parse().unwrap()]),
        rpath: true,
        policy: POLICY,
    }
}

#[test]
fn another_architecture_looks_in_a_directory_of_its_own() {
    assert_eq!(Port::of(&i386()).unwrap().architecture, "i386");
    let program = object("usr/bin/p", i386(), "/lib/ld-linux.so.2");
    let facts = facts("amd64", vec![program.clone()], &["usr/bin/p"]);
    let realization = realization(&facts);
    let layout = Layout::new("/elsewhere");
    let linker = |host: &str| Linker::new(&layout, host.parse().unwrap(), [&facts]);
    let linking = |linker| Linking::new(linker, &realization, &|_| Ok(None)).unwrap();
    let home = format!("/var/sys/inst/{}", realization.id());
    let text = |all: Vec<Vec<u8>>| String::from_utf8(all.join(&b':')).unwrap();

    let on_amd64 = linker("amd64");
    let wish = linking(&on_amd64).wish(&program);
    let system = "/var/sys/current-system/lib";
    let path = format!("{home}/lib:{system}:{system}/i386-linux-gnu");
    assert_eq!(text(wish.path), path);
    let interpreter = format!("{home}/lib/ld-linux.so.2");
    assert_eq!(wish.interpreter, Some(interpreter.into_bytes()));
    assert_eq!(wish.needed, [b"libx.so.1"]);
    assert_eq!(wish.tag, crate::elf::PathTag::Rpath);
    let lib: Vec<_> = linking(&on_amd64).lib.into_values().collect();
    assert_eq!(
        lib,
        [Path::new(system).join("i386-linux-gnu/ld-linux.so.2")]
    );

    let on_i386 = linker("i386");
    let wish = linking(&on_i386).wish(&program);
    assert_eq!(text(wish.path), format!("{home}/lib:{system}"));
    let lib: Vec<_> = linking(&on_i386).lib.into_values().collect();
    assert_eq!(lib, [Path::new(system).join("ld-linux.so.2")]);
}

#[test]
fn other_interpreters_are_ours_when_the_package_brings_them() {
    let amd64 = Port::named("amd64").unwrap();
    let target = Target {
        machine: 62,
        layout: crate::elf::Layout {
            wide: true,
            big: false,
        },
        abi: 0,
    };
    assert_eq!(Port::of(&target), Some(amd64));
    let klibc = object("usr/lib/klibc/bin/sh", target, "/lib/klibc-x.so");
    let wish = |paths: &[&str]| {
        let facts = facts("amd64", vec![klibc.clone()], paths);
        let realization = realization(&facts);
        let layout = Layout::new("/elsewhere");
        let linker = Linker::new(&layout, "amd64".parse().unwrap(), [&facts]);
        let linking = Linking::new(&linker, &realization, &|_| Ok(None)).unwrap();
        assert!(linking.lib.is_empty());
        let wish = linking.wish(&klibc);
        assert_eq!(wish.interpreter, None);
        wish.foreign_interpreters
    };
    assert!(wish(&["usr/lib/klibc/bin/sh"]).is_empty());
    let [(old, new)] = &wish(&["usr/lib/klibc/bin/sh", "usr/lib/klibc-x.so"])[..] else {
        panic!();
    };
    assert_eq!(old, b"/lib/klibc-x.so");
    assert!(
        new.starts_with(b"/var/sys/inst/foo_1_amd64-") && new.ends_with(b"/usr/lib/klibc-x.so")
    );
}

#[test]
fn no_undo_record_is_trusted() {
    use super::undo::Records;
    let own = std::fs::read("/proc/self/exe").unwrap();
    let wish = crate::elf::Wish {
        path: vec![b"/x".to_vec()],
        ..Default::default()
    };
    let crate::elf::Outcome::Edit(_, edit) = crate::elf::rewrite(&own, &wish) else {
        panic!();
    };
    let mut records = Records::default();
    let number = records.add("a".into(), edit.undo.clone());
    records.also(number, "b\nc".into());
    records.add("d".into(), edit.undo);
    let raw = records.encode();
    assert_eq!(Records::decode(&raw), Ok(records));
    for cut in 0..raw.len() {
        assert!(Records::decode(&raw[..cut]).is_err());
    }
    for at in 0..raw.len() {
        let mut bad = raw.clone();
        bad[at] ^= 4;
        assert!(Records::decode(&bad).is_err(), "{at}");
    }
}
