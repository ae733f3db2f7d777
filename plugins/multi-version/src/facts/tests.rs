use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use super::*;
use crate::layout::Sha256;
use crate::testing::host;

/// A store with one package in it.
struct Place {
    dir: tempfile::TempDir,
    id: InstallationId,
}

const CONTROL: &str = "\
Package: foo
Version: 1:2.0-1
Architecture: amd64
Essential: YES
Multi-Arch: Same
Pre-Depends: libc6 (>= 2.36)
depends: liba:any (>> 1) | libb, r_base | x, LIBC
Conflicts: bar (<< 2), baz
Breaks: old:i386 (<= 1~)
Replaces: bar
Provides: foo-api (= 3), virtual, what:i386 (= 1)
Maintainer: T <t@e.x>
Description: x
 .
 more
";

impl Place {
    fn new(control: &str) -> Place {
        let dir = tempfile::tempdir().unwrap();
        let sha256 = Sha256::of(b"foo.deb");
        let installation = Installation {
            package: "foo".parse().unwrap(),
            version: Version::new("1:2.0-1").unwrap(),
            architecture: "amd64".parse().unwrap(),
            sha256,
            size: 1,
            setuid: Vec::new(),
        };
        let id = installation.id();
        let place = Place { dir, id };
        place.put(inside::CONTROL, control);
        place.put(inside::INSTALLATION, installation.to_text().unwrap());
        place
    }

    fn layout(&self) -> Layout {
        Layout::new(self.dir.path())
    }

    fn top(&self) -> PathBuf {
        self.layout().installation(&self.id)
    }

    fn put(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.top().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn link(&self, path: &str, to: &str) {
        let path = self.top().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(to, path).unwrap();
    }

    fn read(&self) -> Result<Facts, FactsError> {
        read(host().0.services(), &self.layout(), &self.id)
    }

    /// A shared library, compiled.
    fn library(&self, path: &str, soname: Option<&str>, more: &[&str]) {
        let path = self.top().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let source = self.dir.path().join("a.c");
        let text = "const char *mention = \"libmention.so.7\"; int a(void) { return 1; }\n";
        fs::write(&source, text).unwrap();
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-o"]).arg(path).arg(source);
        cc.args(soname.map(|s| format!("-Wl,-soname,{s}")))
            .args(more);
        assert!(cc.status().unwrap().success());
    }
}

#[test]
fn a_control_file_says_what_dpkg_reads_in_it() {
    let control = Place::new(CONTROL).read().unwrap().control;
    assert!(control.essential && control.multi_arch == MultiArch::Same);
    let texts = |relations: &[Relation]| -> Vec<String> {
        relations.iter().map(|r| format!("{r:?}")).collect()
    };
    let relation = |name: &str, architecture: Option<&str>, version: Option<(Op, &str)>| {
        let relation = Relation {
            name: name.parse().unwrap(),
            architecture: architecture.map(str::to_owned),
            version: version.map(|(op, v)| (op, Version::new(v).unwrap())),
        };
        format!("{relation:?}")
    };
    let depends: Vec<Vec<String>> = control.depends.iter().map(|g| texts(g)).collect();
    assert_eq!(
        depends,
        [
            vec![relation("libc6", None, Some((Op::Ge, "2.36")))],
            vec![
                relation("liba", Some("any"), Some((Op::Gt, "1"))),
                relation("libb", None, None)
            ],
            vec![relation("r_base", None, None), relation("x", None, None)],
            vec![relation("libc", None, None)],
        ]
    );
    let conflicts = texts(&control.conflicts);
    let bar = relation("bar", None, Some((Op::Lt, "2")));
    assert_eq!(conflicts, [bar, relation("baz", None, None)]);
    let old = relation("old", Some("i386"), Some((Op::Le, "1~")));
    assert_eq!(texts(&control.breaks), [old]);
    assert_eq!(texts(&control.replaces), [relation("bar", None, None)]);
    let provided = |name: &str, version: Option<&str>, architecture: Option<&str>| Provided {
        name: name.parse().unwrap(),
        version: version.map(|v| Version::new(v).unwrap()),
        architecture: architecture.map(|a| a.parse().unwrap()),
    };
    assert_eq!(
        control.provides,
        [
            provided("foo-api", Some("3"), None),
            provided("virtual", None, None),
            provided("what", Some("1"), Some("i386")),
        ]
    );
}

#[test]
fn what_is_not_as_it_was_stored_is_an_error() {
    let control = |from: &str, to: &str| Place::new(&CONTROL.replace(from, to));
    for (place, expected) in [
        (
            control("foo\n", "bar\n"),
            "it does not speak of foo_1%3a2.0-1_amd64-",
        ),
        (control("2.0-1", "2.0-2"), "it does not speak of"),
        (control("Same", "sometimes"), "'sometimes' is not known"),
        (control("libc6 (>=", "libc6 (?="), "'Pre-Depends' field"),
        (control("Maintainer", "\nMaintainer"), "it has 2 paragraphs"),
    ] {
        let error = place.read().unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let place = Place::new(CONTROL);
    fs::remove_file(place.top().join(inside::CONTROL)).unwrap();
    assert!(matches!(place.read(), Err(FactsError::Read { .. })));
    let place = Place::new(CONTROL);
    place.put(inside::INSTALLATION, "Package: foo\n");
    assert!(matches!(place.read(), Err(FactsError::Metadata { .. })));
    let place = Place::new(CONTROL);
    let large = File::create(place.top().join(inside::CONTROL)).unwrap();
    large.set_len(LONGEST + 1).unwrap();
    assert!(matches!(place.read(), Err(FactsError::TooLarge(_))));
}

#[test]
fn objects_are_found_and_kept() {
    let place = Place::new(CONTROL);
    place.library(
        "usr/lib/x86_64-linux-gnu/liba.so.1.0",
        Some("liba.so.1"),
        &[],
    );
    place.library("usr/lib/foo/libprivate.so", Some("libprivate.so"), &[]);
    place.library("usr/lib/foo/libshown.so.1", Some("libshown.so.1"), &[]);
    place.library("opt/lib/libconf.so.1", Some("libconf.so.1"), &[]);
    place.library("usr/lib/libplain.so", None, &[]);
    place.library("usr/lib/foo/plain.so", None, &[]);
    place.link("usr/lib/libshown.so.1", "/lib/foo/link");
    place.link("usr/lib/foo/link", "libshown.so.1");
    place.link("usr/lib/loop", "loop");
    place.link("usr/lib/out", "../../../../../etc/passwd");
    place.put(
        "etc/ld.so.conf.d/foo.conf",
        "# x\ninclude y\n /opt/lib # z\n",
    );
    let exe = fs::read(std::env::current_exe().unwrap()).unwrap();
    place.put("usr/bin/program", exe);
    fs::hard_link(
        place.top().join("usr/bin/program"),
        place.top().join("usr/bin/twin"),
    )
    .unwrap();
    place.put("usr/bin/script", "#!/bin/sh\n");
    place.put(
        "usr/lib/damaged.so",
        [b"\x7fELF".as_slice(), &[0xff; 200]].concat(),
    );
    let facts = place.read().unwrap();
    let name = |soname: &Option<Soname>| soname.as_ref().map(|s| s.to_string());
    let found: Vec<(String, bool, Option<String>)> = facts
        .objects
        .iter()
        .map(|o| (o.path.to_str().unwrap().into(), o.public, name(&o.soname)))
        .collect();
    let expected = |path: &str, public, soname: Option<&str>| {
        (path.to_owned(), public, soname.map(str::to_owned))
    };
    assert_eq!(
        found,
        [
            expected("opt/lib/libconf.so.1", true, Some("libconf.so.1")),
            expected("usr/bin/program", false, None),
            expected("usr/bin/twin", false, None),
            expected("usr/lib/foo/libprivate.so", false, Some("libprivate.so")),
            expected("usr/lib/foo/libshown.so.1", true, Some("libshown.so.1")),
            expected("usr/lib/foo/plain.so", false, None),
            expected("usr/lib/libplain.so", true, Some("libplain.so")),
            expected(
                "usr/lib/x86_64-linux-gnu/liba.so.1.0",
                true,
                Some("liba.so.1")
            ),
        ]
    );
    let program = &facts.objects[1];
    assert!(program.interpreter.is_some());
    assert!(
        program
            .needed
            .iter()
            .any(|n| n.as_str().starts_with("libc.so."))
    );
    assert!(
        facts.objects[0]
            .mentions
            .contains(&"libmention.so.7".parse().unwrap())
    );
    assert!(facts.objects.iter().all(|o| o.target == program.target));
    let paths: Vec<_> = facts.paths.iter().map(|p| p.to_str().unwrap()).collect();
    assert!(facts.paths.is_sorted() && paths.len() == 15, "{paths:?}");
    assert!(!paths.iter().any(|p| p.starts_with("DEBIAN")));

    // The same again from what is kept; what is damaged is not believed.
    let text = Payload::derive(&place.top()).unwrap().to_text();
    place.put(inside::OBJECTS, &text);
    fs::remove_dir_all(place.top().join("usr")).unwrap();
    let kept = place.read().unwrap();
    assert_eq!((&kept.objects, &kept.paths), (&facts.objects, &facts.paths));
    for damaged in [
        &text[..text.len() / 2],
        &text.replace("Public: yes", "Public: no"),
        "",
    ] {
        place.put(inside::OBJECTS, damaged);
        let derived = place.read().unwrap();
        assert_eq!(derived.objects.len(), 1, "{damaged}");
    }
}

#[test]
fn strange_paths_are_kept_as_they_are() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let place = Place::new(CONTROL);
    let strange = OsStr::from_bytes(b"usr/a b\n\xff%2f: x");
    place.put("usr/x", "");
    fs::write(place.top().join(strange), "").unwrap();
    let payload = Payload::derive(&place.top()).unwrap();
    assert_eq!(payload.paths, [PathBuf::from(strange), "usr/x".into()]);
    place.put(inside::OBJECTS, payload.to_text());
    assert_eq!(Payload::of(&place.top()).unwrap(), payload);
}
