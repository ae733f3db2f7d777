//! Realizations of what the C compiler makes, and programs running from them where `/var/sys` is a scratch directory.

#[expect(dead_code, reason = "of a corpus that other tests use, too")]
mod built_by;
mod placed;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use dpkgng_multi_version::elf::{DynamicInfo, Image, View};
use dpkgng_multi_version::generation::{Disk, Step, Sys};
use dpkgng_multi_version::layout::InstallationId;
use dpkgng_multi_version::link::{Abi, Difference, LinkError, Owner, What, restore};
use dpkgng_multi_version::manifest::Realization;
use dpkgng_multi_version::plan::Files;
use placed::closure::{BASE, Closure, MID, soname};
use placed::{Entry, Placed, host_architecture, public};

#[test]
fn programs_run_with_what_was_planned() {
    let closure = Closure::new();
    let old = closure.overridden(true);
    let mut plan = closure.plan([closure.libraries(), vec![old.clone()]].concat());
    let linker = closure.linker().strict(true);
    let sys = closure.placed.sys();
    let mut seen = Vec::new();
    let made = linker
        .make(&sys, &plan.realizations, &mut |p| seen.push((p.done, p.of)))
        .unwrap();
    assert!(made.iter().all(|m| m.new && m.unlinked.is_empty()));
    assert_eq!(seen, [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]);
    let checked = linker.check(&plan.link()).unwrap();
    assert_eq!(checked.differences, []);
    assert!(checked.needs > 10 && checked.objects == 8, "{checked:?}");

    // Another program of the same package, as the view has it.
    let new = closure.placed.plain(&closure.program);
    let current = closure.plan([closure.libraries(), vec![new.clone()]].concat());
    let made = linker
        .make(&sys, &current.realizations, &mut |_| {})
        .unwrap();
    assert_eq!(made.iter().filter(|m| m.new).count(), 1);
    linker.check(&current.link()).unwrap().accept().unwrap();
    closure.switch(&current);

    let Some(by_view) = closure.run(&new, &[]) else {
        return;
    };
    assert_eq!(by_view[0], "102");
    let by_itself = closure.run(&old, &[]).unwrap();
    assert_eq!(by_itself[0], "101");
    for (said, base) in [(&by_view, &closure.base[1]), (&by_itself, &closure.base[0])] {
        let base = closure.with_own(base).id().to_string();
        assert!(
            said.iter()
                .any(|l| l.contains(&format!("/var/sys/inst/{base}/")))
        );
        // The program, its interpreter, libc, both libraries: nothing of the host's.
        let files = said.iter().filter(|l| l.starts_with('/'));
        assert!(
            files.clone().all(|l| l.starts_with("/var/sys/inst/")),
            "{said:?}"
        );
        assert_eq!(files.count(), 5, "{said:?}");
    }
    let other = [("LD_LIBRARY_PATH", "/var/sys/other")];
    assert_eq!(closure.run(&new, &other).unwrap()[0], "103");
    assert_eq!(closure.run(&old, &other).unwrap()[0], "103");

    // Another choice is another lib/ of the system: no file is touched.
    plan.offer(BASE, &closure.base[0]);
    closure.switch(&plan);
    assert_eq!(closure.run(&new, &[]).unwrap()[0], "101");
}

#[test]
fn an_override_that_holds_for_nobody_is_an_error() {
    let closure = Closure::new();
    let without_need = closure.overridden(false);
    let linker = closure.linker().strict(true);
    let sys = closure.placed.sys();
    let plan = closure.plan([closure.libraries(), vec![without_need.clone()]].concat());
    linker.make(&sys, &plan.realizations, &mut |_| {}).unwrap();
    let checked = linker.check(&plan.link()).unwrap();
    let [difference] = &checked.differences[..] else {
        panic!("{checked:?}");
    };
    assert_eq!(difference.package, closure.program);
    assert_eq!(difference.object, Path::new("usr/bin/prog"));
    assert_eq!(difference.soname, BASE);
    let mid = (closure.mid.clone(), format!("{}/{MID}", public()).into());
    assert_eq!(difference.by, Some(mid));
    let [old, new] = [0, 1].map(|n| closure.with_own(&closure.base[n]).id());
    assert_eq!(difference.expected, Owner::Package(old.clone()));
    assert_eq!(difference.found, Owner::Package(new));
    let said = checked.accept().unwrap_err().to_string();
    assert!(
        said.starts_with("usr/bin/prog of prog 1.0: libbase.so.1, needed by "),
        "{said}"
    );

    // A realization of the library in the middle does what a need of the program does.
    let mut mid = closure.placed.plain(&closure.mid);
    mid.overrides = BTreeMap::from([(soname(BASE), old.clone())]);
    let mut program = closure.placed.plain(&closure.program);
    program.overrides = BTreeMap::from([(soname(BASE), old), (soname(MID), mid.id())]);
    let mut plan = closure.plan([closure.libraries(), vec![program.clone()]].concat());
    plan.realizations.insert(4, mid.clone());
    let plain = closure.placed.plain(&closure.mid).id();
    linker.make(&sys, &plan.realizations, &mut |_| {}).unwrap();
    let checked = linker.check(&plan.link()).unwrap();
    assert_eq!(checked.differences, [], "{plain}");
    closure.switch(&plan);
    if let Some(said) = closure.run(&program, &[]) {
        assert_eq!(said[0], "101");
    }

    // Who asks for the plain one there gets another than was planned.
    let both = closure.with_own(&closure.base[0]).id();
    let file = closure
        .placed
        .layout
        .realization(&both)
        .join(public())
        .join(BASE);
    fs::remove_file(&file).unwrap();
    fs::remove_file(file.with_file_name("libbase.so.1.0")).unwrap();
    let checked = linker.check(&plan.link()).unwrap();
    assert!(checked.differences.iter().any(|d| d.found != d.expected));
}

#[test]
fn what_the_host_has_and_what_plugins_lack() {
    let mut closure = Closure::new();
    let source =
        "int main(void) { return 0; }\nconst char *may = \"libextra.so.1 libnone.so.1\";\n";
    fs::write(closure.corpus.path("host.c"), source).unwrap();
    let needs_math = ["host.c", "-Wl,--no-as-needed", "-lm"];
    let program = closure.corpus.cc("host", &needs_math);
    let library = |needed: &str| {
        let stub = ["-shared", "-fPIC", "-Wl,-soname,libstub.so.1", "answer.c"];
        closure.corpus.cc("libstub.so.1", &stub);
        let bytes = closure.corpus.cc(
            needed,
            &[
                "-shared",
                "-fPIC",
                "-Wl,--no-as-needed",
                "answer.c",
                "-L.",
                "-l:libstub.so.1",
            ],
        );
        (format!("{}/{needed}", public()), bytes)
    };
    let ((public_path, public_lib), (_, plugin)) = (library("libpublic.so"), library("plugin.so"));
    let lacking = closure.corpus.cc(
        "lacking",
        &["host.c", "-L.", "-Wl,--no-as-needed", "-l:libstub.so.1"],
    );
    let files = [
        ("usr/bin/host", Entry::File(&program, 0o755)),
        (&public_path[..], Entry::File(&public_lib, 0o644)),
        ("usr/lib/host/plugin.so", Entry::File(&plugin, 0o644)),
    ];
    let host = closure.placed.package("host", "1", &files);
    let files = [("usr/bin/lacking", Entry::File(&lacking, 0o755))];
    let lacking = closure.placed.package("lacking", "1", &files);
    let plain = [&host, &lacking].map(|id| closure.placed.plain(id));
    let plan = closure.plan([closure.libraries(), plain.to_vec()].concat());
    let linker = closure.linker();
    linker
        .make(&closure.placed.sys(), &plan.realizations, &mut |_| {})
        .unwrap();
    let checked = linker.check(&plan.link()).unwrap();
    // Its own interpreter, but libm of the host: as planned. That a program lacks something is an error.
    let shown = |all: &[Difference]| -> Vec<String> {
        let shown = all
            .iter()
            .map(|d| format!("{} {}", d.object.display(), d.soname));
        shown.collect()
    };
    assert_eq!(
        shown(&checked.differences),
        ["usr/bin/lacking libstub.so.1"]
    );
    assert_eq!(checked.differences[0].expected, Owner::Host);
    assert_eq!(checked.differences[0].found, Owner::Nobody);
    let public = format!("{public_path} libstub.so.1");
    let plugin = "usr/lib/host/plugin.so libstub.so.1".to_owned();
    assert_eq!(shown(&checked.may), [plugin, public]);
}

#[test]
fn what_cannot_be_linked_is_refused() {
    let closure = Closure::new();
    let linker = closure.linker();
    let sys = closure.placed.sys();
    let refused = |realization: Realization| {
        let made = linker.make(
            &sys,
            &[closure.libraries(), vec![realization]].concat(),
            &mut |_| {},
        );
        assert_eq!(
            fs::read_dir(closure.placed.layout.realizations())
                .unwrap()
                .count(),
            0
        );
        made.unwrap_err()
    };
    let plain = || closure.placed.plain(&closure.program);
    let mut apart = plain();
    let libc = closure.with_own(&closure.libc).id();
    apart.overrides = BTreeMap::from([(soname(&closure.loader), libc.clone())]);
    assert!(matches!(refused(apart), LinkError::LibcApart(_)));
    let mut absent = plain();
    absent.overrides = BTreeMap::from([(soname(BASE), plain().id())]);
    assert!(matches!(refused(absent), LinkError::NoProvider(..)));
    let mut without = plain();
    without.overrides = BTreeMap::from([(soname("libnone.so"), libc)]);
    assert!(matches!(refused(without), LinkError::NotProvided(..)));
    let mut other = plain();
    other.policy = 7;
    assert!(matches!(refused(other), LinkError::OtherPolicy(_, 7)));
    let mut hash = plain();
    hash.sha256 = dpkgng_multi_version::layout::Sha256::of(b"another");
    assert!(matches!(refused(hash), LinkError::OtherDeb(_)));
    let home = closure.placed.layout.installation(&closure.program);
    fs::create_dir(home.join("lib")).unwrap();
    assert!(matches!(refused(plain()), LinkError::LibInPayload(_)));
    fs::remove_dir(home.join("lib")).unwrap();
    let program = home.join("usr/bin/prog");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o4755)).unwrap();
    assert!(matches!(refused(plain()), LinkError::Generation(_)));
}

#[test]
fn the_interpreter_is_from_where_libc_is() {
    let closure = Closure::new();
    let libc = closure.with_own(&closure.libc);
    let mut own = closure.placed.plain(&closure.program);
    own.overrides = BTreeMap::from([(soname("libc.so.6"), libc.id())]);
    own.needed = BTreeSet::from([soname("libc.so.6")]);
    let plain = closure.placed.plain(&closure.program);
    let all = [libc.clone(), own.clone(), plain.clone()];
    closure
        .linker()
        .make(&closure.placed.sys(), &all, &mut |_| {})
        .unwrap();
    let loader = |realization: &Realization| {
        let home = closure.placed.layout.realization(&realization.id());
        fs::read_link(home.join("lib").join(&closure.loader)).unwrap()
    };
    let inside = Path::new(&public()).join(&closure.loader);
    let home = Path::new("/var/sys/inst").join(libc.id().to_string());
    assert_eq!(loader(&own), home.join(&inside));
    assert_eq!(loader(&libc), home.join(&inside));
    let system = Path::new("/var/sys/current-system/lib");
    assert_eq!(loader(&plain), system.join(&closure.loader));
    let program = closure
        .placed
        .layout
        .realization(&own.id())
        .join("usr/bin/prog");
    let bytes = fs::read(program).unwrap();
    let info = DynamicInfo::of(&Image::read(View::of(&bytes)).unwrap()).unwrap();
    let lib = format!("/var/sys/inst/{}/lib", own.id());
    let text = |b: Option<Vec<u8>>| String::from_utf8(b.unwrap()).unwrap();
    assert_eq!(text(info.interpreter), format!("{lib}/{}", closure.loader));
    assert_eq!(text(info.runpath), format!("{lib}:{}", system.display()));
}

/// A package of everything that is not just a program.
fn odd(closure: &mut Closure) -> InstallationId {
    let room = closure
        .corpus
        .program("room", &["-Wl,-rpath,$ORIGIN/../lib/odd:/usr/lib/odd"]);
    let plain = closure.corpus.program("plain", &[]);
    let mut damaged = plain.clone();
    // The first PT_LOAD's p_memsz: less than there is in the file.
    let image = Image::read(View::of(&plain)).unwrap();
    let place = image.segments.iter().position(|s| s.p_type == 1).unwrap() as u64;
    let at =
        (image.phoff + place * image.layout.phdr_len() + image.layout.phdr_len() - 16) as usize;
    damaged[at..at + 8].copy_from_slice(&8u64.to_le_bytes());
    let files = [
        ("etc/odd.conf", Entry::File(b"x = y\n", 0o600)),
        ("usr/bin/a-script", Entry::File(b"#!/bin/sh\n", 0o755)),
        ("usr/bin/damaged", Entry::File(&damaged, 0o755)),
        ("usr/bin/one", Entry::File(&room, 0o750)),
        ("usr/bin/to-one", Entry::Link("one")),
        ("usr/bin/two", Entry::Name("usr/bin/one")),
        ("usr/share/odd/text", Entry::Name("etc/odd.conf")),
    ];
    closure.placed.package("odd", "1:2.3", &files)
}

#[test]
fn a_payload_is_as_it_was_but_for_what_was_rewritten() {
    let mut closure = Closure::new();
    let id = odd(&mut closure);
    let layout = closure.placed.layout.clone();
    let store = layout.installation(&id);
    let one = store.join("usr/bin/one");
    let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::new(1_000_000_000, 5);
    fs::File::options()
        .write(true)
        .open(&one)
        .unwrap()
        .set_modified(time)
        .unwrap();
    let attribute = rustix::fs::lsetxattr(&one, "user.test", b"x", rustix::fs::XattrFlags::empty());
    if let Err(e) = &attribute {
        eprintln!("no extended attributes here: {e}");
    }
    fs::set_permissions(
        store.join("usr/share/odd"),
        fs::Permissions::from_mode(0o2711),
    )
    .unwrap();
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    if is_root {
        std::os::unix::fs::chown(&one, Some(1234), Some(2345)).unwrap();
        std::os::unix::fs::chown(store.join("usr/share/odd"), Some(12), Some(23)).unwrap();
    } else {
        eprintln!("owners are not changed: not root");
    }

    let realization = closure.placed.plain(&id);
    let linker = closure.linker();
    let made = linker
        .make(
            &closure.placed.sys(),
            std::slice::from_ref(&realization),
            &mut |_| {},
        )
        .unwrap();
    let [made] = &made[..] else { panic!() };
    let [unlinked] = &made.unlinked[..] else {
        panic!("{made:?}")
    };
    assert_eq!(unlinked.path, Path::new("usr/bin/damaged"));
    let twice = [realization.clone(), realization.clone()];
    fs::remove_dir_all(layout.realization(&made.id)).unwrap();
    let made = linker
        .make(&closure.placed.sys(), &twice, &mut |_| {})
        .unwrap();
    assert_eq!((made[0].new, made[1].new), (true, false));
    assert_eq!(made[0].unlinked, made[1].unlinked);
    let made = &made[0];
    let again = linker
        .make(
            &closure.placed.sys(),
            std::slice::from_ref(&realization),
            &mut |_| panic!(),
        )
        .unwrap();
    assert_eq!((again[0].new, &again[0].unlinked), (false, &made.unlinked));

    let home = layout.realization(&made.id);
    let is = |path: &str| fs::symlink_metadata(home.join(path)).unwrap();
    let was = |path: &str| fs::symlink_metadata(store.join(path)).unwrap();
    for path in [
        "etc/odd.conf",
        "usr/share/odd/text",
        "usr/bin/a-script",
        "usr/bin/damaged",
        "usr/bin/to-one",
    ] {
        assert_eq!(is(path).ino(), was(path).ino(), "{path}");
    }
    assert_eq!(is("usr/bin/one").ino(), is("usr/bin/two").ino());
    assert_eq!(is("usr/bin/one").nlink(), 2);
    let facts = |m: fs::Metadata| (m.mode(), m.uid(), m.gid(), m.mtime(), m.mtime_nsec());
    assert_eq!(facts(is("usr/bin/one")), facts(was("usr/bin/one")));
    assert_eq!(is("usr/share/odd").mode() & 0o7777, 0o711);
    assert_eq!(is("usr/share/odd").uid(), was("usr/share/odd").uid());
    if attribute.is_ok() {
        let mut value = [0; 4];
        let len = rustix::fs::lgetxattr(home.join("usr/bin/two"), "user.test", &mut value[..]);
        assert_eq!(len.map(|n| value[..n].to_vec()), Ok(b"x".to_vec()));
    }

    // Its own search path behind ours, where the package's files and others' are.
    let bytes = fs::read(home.join("usr/bin/one")).unwrap();
    let info = DynamicInfo::of(&Image::read(View::of(&bytes)).unwrap()).unwrap();
    let (inst, system) = (
        format!("/var/sys/inst/{}", made.id),
        "/var/sys/current-system",
    );
    let expected = [
        format!("{inst}/lib"),
        format!("{system}/lib"),
        "$ORIGIN/../lib/odd".into(),
        format!("{inst}/usr/bin/../lib/odd"),
        format!("{system}/root/usr/bin/../lib/odd"),
        format!("{inst}/usr/lib/odd"),
        format!("{system}/root/usr/lib/odd"),
        "/usr/lib/odd".into(),
    ];
    assert_eq!(
        String::from_utf8(info.runpath.unwrap()).unwrap(),
        expected.join(":")
    );
    assert!(inst.contains("odd_1%3a2.3_"));

    // The .deb's bytes.
    for path in [
        "usr/bin/one",
        "usr/bin/two",
        "usr/bin/damaged",
        "etc/odd.conf",
    ] {
        let bytes = restore(&layout, &made.id, Path::new(path)).unwrap();
        assert_eq!(bytes, fs::read(store.join(path)).unwrap(), "{path}");
    }
    assert_ne!(
        fs::read(home.join("usr/bin/one")).unwrap(),
        fs::read(&one).unwrap()
    );

    assert_eq!(linker.verify(&made.id).unwrap(), []);
    fs::write(home.join("usr/bin/a-script"), "#!/bin/false\n").unwrap();
    fs::remove_file(home.join("usr/bin/to-one")).unwrap();
    fs::remove_file(home.join("usr/bin/damaged")).unwrap();
    fs::create_dir(home.join("usr/bin/damaged")).unwrap();
    fs::OpenOptions::new()
        .append(true)
        .open(home.join("usr/bin/two"))
        .unwrap()
        .write_all(b"x")
        .unwrap();
    let wrong = linker.verify(&made.id).unwrap();
    let wrong: Vec<_> = wrong
        .iter()
        .map(|w| (w.path.to_str().unwrap(), &w.what))
        .collect();
    let expected = [
        ("usr/bin/a-script", &What::Changed),
        ("usr/bin/damaged", &What::NoFile),
        ("usr/bin/one", &What::Changed),
        ("usr/bin/to-one", &What::Missing),
        ("usr/bin/two", &What::Changed),
    ];
    assert_eq!(wrong, expected);
    assert!(restore(&layout, &made.id, Path::new("usr/bin/one")).is_err());
}

/// A disk on which the process dies before one of its steps.
fn dying(left: usize) -> (Disk, Arc<AtomicBool>) {
    let (made, dead) = (AtomicUsize::new(0), Arc::new(AtomicBool::new(false)));
    let died = dead.clone();
    let watcher = move |step: &Step| {
        if made.fetch_add(1, Ordering::Relaxed) < left {
            return Ok(());
        }
        if !died.swap(true, Ordering::Relaxed) && step.what == "write" {
            fs::write(&step.path, "").unwrap();
        }
        Err(io::Error::other("killed"))
    };
    (Disk::watched(Box::new(watcher)), dead)
}

#[test]
fn killed_at_any_step() {
    let mut closure = Closure::on(Placed::in_memory());
    let odd = odd(&mut closure);
    let mut all = closure.libraries();
    // libc is large.
    all.remove(0);
    all.extend([closure.overridden(true), closure.placed.plain(&odd)]);
    let layout = closure.placed.layout.clone();
    let linker = closure.linker();
    let mut whole = BTreeMap::new();
    for step in 0.. {
        for entry in fs::read_dir(layout.realizations()).unwrap() {
            fs::remove_dir_all(entry.unwrap().path()).unwrap();
        }
        let (disk, dead) = dying(step);
        let opened = Sys::open(layout.clone(), disk, false);
        let done = opened.map(|sys| linker.make(&sys, &all, &mut |_| {}).is_ok());
        assert_eq!(
            matches!(done, Ok(true)),
            !dead.load(Ordering::Relaxed),
            "{step}"
        );
        let sys = closure.placed.sys();
        assert_eq!(fs::read_dir(layout.tmp()).unwrap().count(), 0);
        // What has its name is whole.
        for entry in fs::read_dir(layout.realizations()).unwrap() {
            let id = entry
                .unwrap()
                .file_name()
                .into_string()
                .unwrap()
                .parse()
                .unwrap();
            assert_eq!(linker.verify(&id).unwrap(), [], "{step}: {id}");
        }
        for made in linker.make(&sys, &all, &mut |_| {}).unwrap() {
            let now = digest(&layout.realization(&made.id));
            assert_eq!(
                *whole.entry(made.id).or_insert_with(|| now.clone()),
                now,
                "{step}"
            );
        }
        if !dead.load(Ordering::Relaxed) {
            assert!(step > 80, "{step}");
            return;
        }
    }
}

/// Everything in a directory but for inodes.
fn digest(dir: &Path) -> String {
    let script = "find . -type l -printf '%p %l\\n' -o -printf '%p %m %U %G\\n' | sort; find . -type f | sort | xargs md5sum";
    let output = Command::new("sh")
        .args(["-c", script])
        .current_dir(dir)
        .output()
        .unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn durable_before_named() {
    let closure = Closure::new();
    let steps = Arc::new(Mutex::new(Vec::new()));
    let seen = steps.clone();
    let watcher = move |step: &Step| {
        seen.lock().unwrap().push(step.clone());
        Ok(())
    };
    let disk = Disk::watched(Box::new(watcher));
    let layout = closure.placed.layout.clone();
    let sys = Sys::open(layout.clone(), disk, false).unwrap();
    let all = closure.libraries();
    closure.linker().make(&sys, &all, &mut |_| {}).unwrap();
    let steps = std::mem::take(&mut *steps.lock().unwrap());
    let shown = |s: &Step| {
        format!(
            "{} {}",
            s.what,
            s.path.strip_prefix(layout.root()).unwrap().display()
        )
    };
    let steps: Vec<String> = steps.iter().map(shown).collect();
    let tail = &steps[steps.len() - 6..];
    let mut expected = vec!["sync the file system of tmp".to_owned()];
    expected.extend(all.iter().map(|r| format!("rename inst/{}", r.id())));
    expected.push("sync inst".into());
    assert_eq!(tail, expected);
    for realization in &all {
        let own = format!("tmp/{}/", realization.id());
        let last = steps.iter().rfind(|s| s.contains(&own)).unwrap();
        assert_eq!(*last, format!("write {own}DEBIAN/realization"));
    }
}

#[test]
fn what_a_consumer_takes_from_a_library() {
    let mut closure = Closure::new();
    fs::write(
        closure.corpus.path("none.c"),
        "int other(void) { return 0; }\n",
    )
    .unwrap();
    let none = closure.corpus.cc(
        "none.so",
        &["-shared", "-fPIC", "-Wl,-soname,libbase.so.1", "none.c"],
    );
    let path = format!("{}/{BASE}", public());
    let none = closure
        .placed
        .package("libbase1", "3.0", &[(&path, Entry::File(&none, 0o644))]);
    let odd = odd(&mut closure);
    let facts: BTreeMap<_, _> = closure
        .placed
        .facts
        .iter()
        .map(|f| (f.id.clone(), f.clone()))
        .collect();
    let host = host_architecture();
    let abi = Abi::new(&closure.placed.layout, &host, &facts);
    let [one, two] = &closure.base;
    let verdict = |candidate| abi.verdict(&closure.mid, &host, &soname(BASE), Some(one), candidate);
    assert!(verdict(two).is_compatible());
    let missing: Vec<_> = verdict(&none).missing.into_iter().map(|s| s.name).collect();
    assert_eq!(missing, [b"base"]);
    // glibc's own: versions count.
    let libc = abi.verdict(
        &closure.program,
        &host,
        &soname("libc.so.6"),
        None,
        &closure.libc,
    );
    assert!(libc.is_compatible(), "{libc:?}");
    let none = abi.verdict(&closure.program, &host, &soname("libc.so.6"), None, one);
    assert!(!none.missing.is_empty());
    assert!(abi.can_be_overridden(&closure.program));
    assert!(!abi.can_be_overridden(&odd));
    abi.finish().unwrap();
    fs::remove_dir_all(closure.placed.layout.installation(two)).unwrap();
    let abi = Abi::new(&closure.placed.layout, &host, &facts);
    abi.verdict(&closure.mid, &host, &soname(BASE), Some(one), two);
    assert!(matches!(abi.finish(), Err(LinkError::Read { .. })));
}
