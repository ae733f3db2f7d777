//! Libraries that have a soname by a link only, or only for their package, and objects that stay as they are: what is
//! linked, what the check says, and what runs.

#[expect(dead_code, reason = "of a corpus that other tests use, too")]
mod built_by;
#[expect(dead_code, reason = "of packages that other tests use, too")]
mod placed;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

use dpkgng_multi_version::layout::InstallationId;
use dpkgng_multi_version::link::{Abi, Kind, LinkError, Owner, made_links};
use dpkgng_multi_version::manifest::Realization;
use dpkgng_multi_version::plan::Files;
use placed::closure::{BASE, Closure, Planned, soname};
use placed::{Entry, host_architecture, public};

const PROGRAM: &str = r#"
#include <stdio.h>
int value(void);
int main(void) { printf("%d\n", value()); return 0; }
"#;

/// A library of one function.
fn library(closure: &Closure, file: &str, soname: &str, value: u32) -> Vec<u8> {
    let text = format!("int value(void) {{ return {value}; }}\n");
    fs::write(closure.corpus.path("value.c"), text).unwrap();
    let named = format!("-Wl,-soname,{soname}");
    let arguments = ["-shared", "-fPIC", &named, "value.c"];
    closure.corpus.cc(file, &arguments)
}

/// A program that needs a library of this soname.
fn program(closure: &Closure, soname: &str, more: &[&str]) -> Vec<u8> {
    library(closure, soname, soname, 0);
    fs::write(closure.corpus.path("program.c"), PROGRAM).unwrap();
    let named = format!("-l:{soname}");
    let first = ["program.c", "-L.", &named];
    closure.corpus.cc("program", &[&first[..], more].concat())
}

/// Libraries, and these.
fn plan(closure: &Closure, ids: &[&InstallationId]) -> Planned {
    let plain = ids.iter().map(|id| closure.placed.plain(id));
    closure.plan([closure.libraries(), plain.collect()].concat())
}

/// The view takes a soname from a package.
fn decide(plan: &mut Planned, name: &str, provider: &InstallationId) {
    plan.offer(name, provider);
    for link in plan.links.iter_mut().filter(|l| l.soname == soname(name)) {
        link.provider = Some(provider.clone());
    }
}

/// Links and checks; what is wrong.
fn check(closure: &Closure, plan: &Planned) -> Vec<String> {
    let linker = closure.linker();
    let sys = closure.placed.sys();
    linker.make(&sys, &plan.realizations, &mut |_| {}).unwrap();
    let checked = linker.check(&plan.link()).unwrap();
    checked
        .differences
        .iter()
        .map(ToString::to_string)
        .collect()
}

/// What a program says, run with a plan's libraries; what was expected, where nothing can be run.
fn said(closure: &Closure, plan: &Planned, of: &InstallationId, expected: &str) -> String {
    closure.switch(plan);
    let realization = plan.realizations.iter().find(|r| r.installation == *of);
    let said = closure.run(realization.unwrap(), &[]);
    said.map_or(expected.to_owned(), |lines| lines[0].clone())
}

#[test]
fn a_link_of_the_package_is_a_name() {
    let mut closure = Closure::new();
    let program = program(&closure, "libreal.so.7.0", &[]);
    let real = library(&closure, "real", "libreal.so.7", 7);
    let at = |name: &str| format!("{}/{name}", public());
    let files = [
        (&at("libreal.so.7.2")[..], Entry::File(&real, 0o644)),
        (&at("libreal.so.7.0"), Entry::Link("libreal.so.7.2")),
        (&at("libreal.so"), Entry::Link("libreal.so.7.0")),
    ];
    let real = closure.placed.package("libreal7.0", "1", &files);
    let files = [("usr/bin/prog", Entry::File(&program, 0o755))];
    let program = closure.placed.package("real", "1", &files);
    let names: Vec<&str> = closure.facts(&real).objects[0]
        .names
        .iter()
        .map(|n| n.as_str())
        .collect();
    assert_eq!(names, ["libreal.so", "libreal.so.7.0", "libreal.so.7.2"]);
    let mut plan = plan(&closure, &[&real, &program]);
    decide(&mut plan, "libreal.so.7", &real);
    // The plan knows sonames alone.
    let link = plan
        .links
        .iter()
        .find(|l| l.soname == soname("libreal.so.7.0"));
    assert_eq!(link.unwrap().provider, None);
    assert_eq!(check(&closure, &plan), [""; 0]);
    let lib = closure.linker().system_libraries(&plan.link()).unwrap();
    assert!(lib[Path::new("libreal.so.7.0")].ends_with("libreal.so.7.2"));
    assert!(
        !lib.contains_key(Path::new("libreal.so")),
        "nobody asks for it"
    );
    assert_eq!(said(&closure, &plan, &program, "7"), "7");
}

#[test]
fn a_link_of_an_alternative_is_a_name() {
    let mut closure = Closure::new();
    let program = program(&closure, "libblas.so.3", &[]);
    let private = |name: &str| format!("{}/{name}/libblas.so.3", public());
    let mut blas = Vec::new();
    for (name, value) in [("blas", 3), ("openblas", 4)] {
        let bytes = library(&closure, name, "libblas.so.3", value);
        let files = [(&private(name)[..], Entry::File(&bytes, 0o644))];
        blas.push(closure.placed.package(&format!("lib{name}3"), "1", &files));
    }
    let files = [("usr/bin/prog", Entry::File(&program, 0o755))];
    let program = closure.placed.package("numbers", "1", &files);
    let mut plan = plan(&closure, &[&blas[0], &blas[1], &program]);
    for link in plan
        .links
        .iter_mut()
        .filter(|l| l.soname == soname("libblas.so.3"))
    {
        link.provider = Some(blas[0].clone());
    }
    let wrong = check(&closure, &plan);
    assert!(
        wrong.len() == 1 && wrong[0].ends_with("comes from nobody"),
        "{wrong:?}"
    );
    for (name, value) in [("blas", "3"), ("openblas", "4")] {
        let link = PathBuf::from(format!("{}/libblas.so.3", public()));
        plan.made = BTreeMap::from([(link, private(name).into())]);
        assert_eq!(check(&closure, &plan), [""; 0], "{name}");
        assert_eq!(said(&closure, &plan, &program, value), value);
    }
}

#[test]
fn links_that_no_package_has_are_found_in_the_tree() {
    let dir = tempfile::tempdir().unwrap();
    let (tree, etc) = (dir.path().join("tree"), dir.path().join("etc"));
    let lib = tree.join(public());
    fs::create_dir_all(lib.join("blas")).unwrap();
    fs::create_dir_all(tree.join("usr/lib/private")).unwrap();
    fs::create_dir_all(etc.join("alternatives")).unwrap();
    fs::write(lib.join("blas/libblas.so.3"), "x").unwrap();
    fs::write(lib.join("libx.so.1.2"), "x").unwrap();
    let target = format!("/{}/blas/libblas.so.3", public().replace("usr/lib", "lib"));
    symlink(target, etc.join("alternatives/blas")).unwrap();
    for (link, target) in [
        ("libblas.so.3", "/etc/alternatives/blas"),
        ("libx.so.1", "libx.so.1.2"),
        ("libx.so", "./libx.so.1"),
        ("libnone.so", "libnone.so.1"),
        ("libleaves.so", "../../../../../../etc/passwd"),
        ("liba.so", "libb.so"),
        ("libb.so", "liba.so"),
    ] {
        symlink(target, lib.join(link)).unwrap();
    }
    symlink("../x", tree.join("usr/lib/private/libx.so")).unwrap();
    let path = |name: &str| Path::new(&public()).join(name);
    let expected = BTreeMap::from([
        (path("libblas.so.3"), path("blas/libblas.so.3")),
        (path("libx.so.1"), path("libx.so.1.2")),
        (path("libx.so"), path("libx.so.1.2")),
    ]);
    assert_eq!(made_links(&tree, &etc).unwrap(), expected);
    assert_eq!(
        made_links(&dir.path().join("no"), &etc).unwrap(),
        BTreeMap::new()
    );
}

#[test]
fn names_in_the_directories_of_a_package() {
    let mut closure = Closure::new();
    let value = library(&closure, "value", "libother.so.9", 9);
    let lib = public().trim_start_matches("usr/").to_owned();
    let paths = [
        "/usr/lib/app",
        "$ORIGIN/../lib/app",
        "/usr/${LIB}/app",
        "/usr/lib/app/$PLATFORM",
    ];
    let mut number = 0;
    for path in paths {
        for more in [&[][..], &["-Wl,-z,nodefaultlib"]] {
            number += 1;
            let search = format!("-Wl,-rpath,{path}");
            let program = program(&closure, "libx.so.1", &[&[&search[..]], more].concat());
            let own = format!("usr/{lib}/app/libx.so.1");
            let files = [
                ("usr/bin/prog", Entry::File(&program, 0o755)),
                ("usr/lib/app-data/liby.so", Entry::File(&value, 0o644)),
                ("usr/lib/app/libx.so.1", Entry::Link("../app-data/liby.so")),
                (&own[..], Entry::Link("../../app-data/liby.so")),
                ("usr/lib/app/x86_64/libx.so.1", Entry::Link("../libx.so.1")),
                ("usr/lib/app/aarch64/libx.so.1", Entry::Link("../libx.so.1")),
                // What ld.so takes some of Intel's for.
                ("usr/lib/app/haswell/libx.so.1", Entry::Link("../libx.so.1")),
            ];
            // Only where it looks for it.
            let dir = match path {
                "/usr/${LIB}/app" => 3..4,
                "/usr/lib/app/$PLATFORM" => 2..7,
                _ => 2..3,
            };
            let files = files.into_iter().enumerate();
            let files = files.filter(|(n, _)| *n < 2 || dir.contains(n));
            let files: Vec<_> = files.map(|(_, file)| file).collect();
            let id = closure.placed.package("app", &number.to_string(), &files);
            let plan = plan(&closure, &[&id]);
            let what = format!("{path} {more:?}");
            assert_eq!(check(&closure, &plan), [""; 0], "{what}");
            assert_eq!(said(&closure, &plan, &id, "9"), "9", "{what}");
        }
    }
}

#[test]
fn an_rpath_that_others_look_in_stays_one() {
    let mut closure = Closure::new();
    let plugin = library(&closure, "plugin", "libplug.so.1", 5);
    let source = r#"
#include <dlfcn.h>
int value(void) {
    void *h = dlopen("libplug.so.1", RTLD_NOW);
    int (*f)(void) = h ? (int (*)(void)) dlsym(h, "value") : 0;
    return f ? f() : 0;
}
"#;
    fs::write(closure.corpus.path("load.c"), source).unwrap();
    let arguments = ["-shared", "-fPIC", "-Wl,-soname,libload.so.1", "load.c"];
    let load = closure.corpus.cc("load", &arguments);
    let tags = ["-Wl,--disable-new-dtags", "-Wl,-rpath,/usr/lib/app"];
    let program = program(&closure, "libload.so.1", &tags);
    let path = format!("{}/libload.so.1", public());
    let load = closure
        .placed
        .package("libload1", "1", &[(&path, Entry::File(&load, 0o644))]);
    let files = [
        ("usr/bin/prog", Entry::File(&program, 0o755)),
        ("usr/lib/app/libplug.so.1", Entry::File(&plugin, 0o644)),
    ];
    let app = closure.placed.package("app", "1", &files);
    // What ld.so finds for everybody needs nobody's path.
    let everywhere = format!("-Wl,-rpath,/usr/lib/other:/{}", public());
    let tags = ["-Wl,--disable-new-dtags", &everywhere];
    let other = crate::program(&closure, "libload.so.1", &tags);
    let path = format!("{}/libplug.so.1", public());
    let files = [
        ("usr/bin/other", Entry::File(&other, 0o755)),
        (&path[..], Entry::File(&plugin, 0o644)),
    ];
    let other = closure.placed.package("other", "1", &files);
    let facts: BTreeMap<_, _> = closure
        .placed
        .facts
        .iter()
        .map(|f| (f.id.clone(), f.clone()))
        .collect();
    assert!(facts[&app].objects[0].rpath && !facts[&load].objects[0].rpath);
    let host = host_architecture();
    let abi = Abi::new(&closure.placed.layout, &host, &facts);
    let mut all: BTreeSet<_> = facts.keys().cloned().collect();
    assert!(facts[&other].objects[0].rpath);
    all.remove(&app);
    assert_eq!(abi.keeps_rpath(&all), BTreeSet::new());
    all.insert(app.clone());
    all.remove(&other);
    let kept = abi.keeps_rpath(&all);
    assert_eq!(kept, BTreeSet::from([app.clone(), load.clone()]));

    let of = |id: &InstallationId, rpath: bool| Realization {
        rpath,
        ..closure.placed.plain(id)
    };
    for rpath in [false, true] {
        let realizations = vec![of(&load, rpath), of(&app, rpath)];
        let mut plan = closure.plan([closure.libraries(), realizations].concat());
        decide(&mut plan, "libload.so.1", &load);
        assert_eq!(check(&closure, &plan), [""; 0]);
        let expected = if rpath { "5" } else { "0" };
        assert_eq!(said(&closure, &plan, &app, expected), expected);
    }

    // What can't be read is no library that is not there: ELOOP is an error to root, too.
    abi.finish().unwrap();
    let home = closure.placed.layout.installation(&load);
    fs::rename(&home, home.with_extension("away")).unwrap();
    std::os::unix::fs::symlink(&home, &home).unwrap();
    abi.keeps_rpath(&all);
    let failed = abi.finish().unwrap_err().to_string();
    assert!(failed.starts_with("cannot read "), "{failed}");
    assert!(failed.contains("libload1"), "{failed}");
}

#[test]
fn other_machines_objects_and_damaged_ones_are_listed() {
    let mut closure = Closure::new();
    let program = closure.corpus.program("program", &[]);
    let mut other = program.clone();
    other[18..20].copy_from_slice(&243u16.to_le_bytes());
    other[48..52].copy_from_slice(&4u32.to_le_bytes());
    let mut damaged = program.clone();
    damaged[4] = 9;
    let files = |damaged: &'static [u8]| {
        [
            ("usr/bin/ours", program.clone()),
            ("usr/lib/cross/theirs", other.clone()),
            ("usr/share/damaged", damaged.to_vec()),
        ]
    };
    let store = |closure: &mut Closure, version: &str, files: &[(&str, Vec<u8>)]| {
        let files: Vec<_> = files
            .iter()
            .map(|(p, b)| (*p, Entry::File(b, 0o755)))
            .collect();
        closure.placed.package("cross", version, &files)
    };
    let whole = store(&mut closure, "1", &files(b"no ELF file at all"));
    let mut bad = files(b"");
    bad[2].1 = damaged;
    let broken = store(&mut closure, "2", &bad);
    let world = BTreeSet::from([host_architecture()]);
    let layout = closure.placed.layout.clone();
    let make = |id: &InstallationId, only: bool, strict: bool| {
        let mut linker = closure.linker().strict(strict);
        if only {
            linker = linker.only(&world);
        }
        let realizations = [closure.placed.plain(id)];
        let made = linker.make(&closure.placed.sys(), &realizations, &mut |_| {});
        made.map(|made| made[0].clone())
    };
    let made = make(&whole, true, true).unwrap();
    let inode = |path: PathBuf| fs::metadata(path).unwrap().ino();
    let (home, stored) = (layout.realization(&made.id), layout.installation(&whole));
    let same = |path: &str| inode(home.join(path)) == inode(stored.join(path));
    assert!(same("usr/lib/cross/theirs") && !same("usr/bin/ours"));
    let [unlinked] = &made.unlinked[..] else {
        panic!("{made:?}");
    };
    assert_eq!(
        (unlinked.path.to_str(), unlinked.kind),
        (Some("usr/lib/cross/theirs"), Kind::Machine)
    );
    assert_eq!(
        unlinked.why,
        "it is for riscv64, of which this view has no packages"
    );
    assert!(!unlinked.is_warning());
    assert_eq!(
        dpkgng_multi_version::link::unlinked(&layout, &made.id).unwrap(),
        made.unlinked
    );
    fs::remove_dir_all(&home).unwrap();
    let made = make(&whole, false, true).unwrap();
    assert_eq!(made.unlinked, []);
    assert!(!same("usr/lib/cross/theirs"));

    match make(&broken, true, true) {
        Err(LinkError::Refused(refused)) => {
            assert_eq!(refused.len(), 1);
            assert_eq!(refused[0].1.path, Path::new("usr/share/damaged"));
        }
        other => panic!("{other:?}"),
    }
    let made = make(&broken, true, false).unwrap();
    let kinds: Vec<Kind> = made.unlinked.iter().map(|u| u.kind).collect();
    assert_eq!(kinds, [Kind::Machine, Kind::Damaged]);
    assert!(
        layout
            .realization(&made.id)
            .join("usr/share/damaged")
            .exists()
    );
}

#[test]
fn what_is_not_as_planned_blocks_nothing_but_where_it_shall() {
    let closure = Closure::new();
    let without_need = closure.overridden(false);
    let plan = closure.plan([closure.libraries(), vec![without_need]].concat());
    let sys = closure.placed.sys();
    let linker = closure.linker();
    linker.make(&sys, &plan.realizations, &mut |_| {}).unwrap();
    let told = linker.check(&plan.link()).unwrap().accept().unwrap();
    let [difference] = &told.differences[..] else {
        panic!("{told:?}");
    };
    assert_eq!(difference.soname, BASE);
    assert!(matches!(difference.expected, Owner::Package(_)));
    let strict = closure.linker().strict(true).check(&plan.link()).unwrap();
    assert!(matches!(strict.accept(), Err(LinkError::Differs(_))));
}
