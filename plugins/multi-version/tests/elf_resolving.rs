//! The model of ld.so's search, rule by rule (ld.so(8)). `elf-corpus load` holds it against ld.so itself.

use std::collections::BTreeMap;
use std::rc::Rc;

use dpkgng_multi_version::elf::resolve::{Environment, Files, Object, Process, Through};
use dpkgng_multi_version::elf::{DynamicInfo, Layout, Target};

const TARGET: Target = Target {
    machine: 62,
    layout: Layout {
        wide: true,
        big: false,
    },
    abi: 0,
};

#[derive(Default)]
struct World(BTreeMap<Vec<u8>, Rc<Object>>);

impl Files for World {
    fn object(&self, path: &[u8]) -> Option<Rc<Object>> {
        self.0.get(path).cloned()
    }
}

impl World {
    /// A file: `path`, then words: `SONAME`, `needs:NAME`, `rpath:PATH`, `runpath:PATH`, `i386`,
    /// `interp:PATH`, `nodeflib`.
    fn with(mut self, path: &str, words: &[&str]) -> World {
        let mut info = DynamicInfo {
            target: TARGET,
            kind: 3,
            interpreter: None,
            needed: Vec::new(),
            soname: None,
            rpath: None,
            runpath: None,
            no_default_dirs: false,
        };
        for word in words {
            let (key, value) = word.split_once(':').unwrap_or((word, ""));
            let bytes = value.as_bytes().to_vec();
            match key {
                "needs" => info.needed.push(bytes),
                "rpath" => info.rpath = Some(bytes),
                "runpath" => info.runpath = Some(bytes),
                "interp" => info.interpreter = Some(bytes),
                "nodeflib" => info.no_default_dirs = true,
                "i386" => info.target.machine = 3,
                soname => info.soname = Some(soname.as_bytes().to_vec()),
            }
        }
        let identity = (1, self.0.len() as u64);
        let origin = None;
        self.0.insert(
            path.into(),
            Rc::new(Object {
                identity,
                origin,
                info,
            }),
        );
        self
    }

    /// Another name of a file.
    fn link(mut self, path: &str, to: &str) -> World {
        let object = Rc::clone(&self.0[to.as_bytes()]);
        self.0.insert(path.into(), object);
        self
    }

    /// How each need of `/p` and its closure is met: `name=path` or `name=-`.
    fn resolve(&self, environment: &Environment) -> Vec<String> {
        let process = Process::start(self, environment, b"/p").unwrap();
        let text = |b: &[u8]| String::from_utf8(b.to_vec()).unwrap();
        let needs = process.needs.iter().map(|need| {
            let path = need.found.map(|n| text(&process.loaded[n].path));
            format!("{}={}", text(&need.name), path.as_deref().unwrap_or("-"))
        });
        needs.collect()
    }
}

fn usual() -> Environment {
    Environment {
        default_dirs: vec![b"/lib".to_vec(), b"/usr/lib".to_vec()],
        lib: b"lib/x86_64-linux-gnu".to_vec(),
        cwd: b"/cwd".to_vec(),
        ..Environment::default()
    }
}

#[test]
fn library_path_comes_before_runpath_and_after_rpath() {
    let world = |tag| {
        World::default()
            .with("/p", &["needs:a.so", tag])
            .with("/r/a.so", &[])
            .with("/l/a.so", &[])
            .with("/lib/a.so", &[])
    };
    let mut environment = usual();
    assert_eq!(world("runpath:/r").resolve(&environment), ["a.so=/r/a.so"]);
    environment.library_path = vec![b"/l".to_vec()];
    assert_eq!(world("runpath:/r").resolve(&environment), ["a.so=/l/a.so"]);
    assert_eq!(world("rpath:/r").resolve(&environment), ["a.so=/r/a.so"]);
    environment.secure = true;
    assert_eq!(world("runpath:/r").resolve(&environment), ["a.so=/r/a.so"]);
    assert_eq!(
        world("runpath:/none").resolve(&environment),
        ["a.so=/lib/a.so"]
    );
}

#[test]
fn runpath_is_not_handed_down_and_rpath_is() {
    let world = |program, library| {
        World::default()
            .with("/p", &["needs:a.so", program])
            .with("/r/a.so", &["needs:b.so", library])
            .with("/r/b.so", &[])
    };
    let environment = usual();
    let found = |p, l| world(p, l).resolve(&environment)[1].clone();
    assert_eq!(found("runpath:/r", "a.so"), "b.so=-");
    assert_eq!(found("rpath:/r", "a.so"), "b.so=/r/b.so");
    // Its own RUNPATH frees the library from everybody's RPATH, and voids its own.
    assert_eq!(found("rpath:/r", "runpath:/none"), "b.so=-");
    assert_eq!(found("runpath:/r", "runpath:$ORIGIN"), "b.so=/r/b.so");
}

#[test]
fn both_tags_count_as_runpath_alone() {
    let world = World::default()
        .with("/p", &["needs:a.so", "rpath:/r", "runpath:/n"])
        .with("/r/a.so", &[]);
    assert_eq!(world.resolve(&usual()), ["a.so=-"]);
}

#[test]
fn who_is_loaded_satisfies_by_name_and_by_soname() {
    // The program's own need comes first: its library satisfies the middle one's, too.
    let world = World::default()
        .with(
            "/p",
            &["needs:curl.so", "needs:ssl.so.3", "runpath:/mine:/sys"],
        )
        .with("/sys/curl.so", &["needs:ssl.so.3", "runpath:/sys"])
        .with("/sys/ssl.so.3", &["ssl.so.3"])
        .with("/mine/ssl.so.3", &["ssl.so.3"]);
    assert_eq!(
        world.resolve(&usual()),
        [
            "curl.so=/sys/curl.so",
            "ssl.so.3=/mine/ssl.so.3",
            "ssl.so.3=/mine/ssl.so.3"
        ]
    );
    let other_name = World::default()
        .with("/p", &["needs:x.so", "needs:real.so.1", "runpath:/r"])
        .with("/r/x.so", &["real.so.1"])
        .with("/r/real.so.1", &["real.so.1"]);
    assert_eq!(
        other_name.resolve(&usual()),
        ["x.so=/r/x.so", "real.so.1=/r/x.so"]
    );
    let one_file = World::default()
        .with("/p", &["needs:x.so", "needs:y.so", "runpath:/r"])
        .with("/r/x.so", &[])
        .link("/r/y.so", "/r/x.so");
    assert_eq!(one_file.resolve(&usual()), ["x.so=/r/x.so", "y.so=/r/x.so"]);
}

#[test]
fn the_interpreter_is_loaded_already() {
    let world = World::default()
        .with("/p", &["interp:/i/ld.so.2", "needs:c.so", "runpath:/r"])
        .with("/i/ld.so.2", &["ld.so.2"])
        .with("/r/c.so", &["needs:ld.so.2"]);
    assert_eq!(
        world.resolve(&usual()),
        ["c.so=/r/c.so", "ld.so.2=/i/ld.so.2"]
    );
}

#[test]
fn other_machines_files_are_passed_over() {
    let world = World::default()
        .with("/p", &["needs:a.so", "runpath:/32:/64"])
        .with("/32/a.so", &["i386"])
        .with("/64/a.so", &[]);
    assert_eq!(world.resolve(&usual()), ["a.so=/64/a.so"]);
}

#[test]
fn cache_default_directories_and_hwcaps() {
    let world = World::default()
        .with("/p", &["needs:a.so", "needs:b.so"])
        .with("/usr/lib/a.so", &[])
        .with("/opt/b.so", &[])
        .with("/lib/hw/a.so", &[]);
    let mut environment = usual();
    environment
        .cache
        .insert(b"b.so".to_vec(), b"/opt/b.so".to_vec());
    assert_eq!(
        world.resolve(&environment),
        ["a.so=/usr/lib/a.so", "b.so=/opt/b.so"]
    );
    environment.hwcaps = vec![b"hw".to_vec()];
    assert_eq!(world.resolve(&environment)[0], "a.so=/lib/hw/a.so");
    let without = World::default()
        .with("/p", &["needs:a.so", "nodeflib"])
        .with("/lib/a.so", &[]);
    environment
        .cache
        .insert(b"a.so".to_vec(), b"/lib/a.so".to_vec());
    assert_eq!(without.resolve(&environment), ["a.so=-"]);
}

#[test]
fn tokens_paths_and_relative_directories() {
    let world = World::default()
        .with(
            "/p",
            &[
                "needs:/x/${LIB}/a.so",
                "needs:b.so",
                "needs:./c.so",
                "runpath::$LIB/y",
            ],
        )
        .with("/x/lib/x86_64-linux-gnu/a.so", &[])
        .with("/cwd/b.so", &[])
        .with("/cwd/./c.so", &[]);
    assert_eq!(
        world.resolve(&usual()),
        [
            "/x/${LIB}/a.so=/x/lib/x86_64-linux-gnu/a.so",
            "b.so=/cwd/b.so",
            "./c.so=/cwd/./c.so"
        ]
    );
}

#[test]
fn origin_of_setuid_programs_must_be_trusted() {
    let world = |dir: &str| {
        World::default()
            .with("/p", &["needs:a.so", &format!("runpath:{dir}")])
            .with("/x/a.so", &[])
            .with("//x/a.so", &[])
            .with("//../lib/a.so", &[])
    };
    let mut environment = usual();
    environment.default_dirs = vec![b"/lib".to_vec()];
    assert_eq!(world("$ORIGIN/x").resolve(&environment), ["a.so=//x/a.so"]);
    environment.secure = true;
    assert_eq!(world("$ORIGIN/x").resolve(&environment), ["a.so=-"]);
    assert_eq!(world("/x").resolve(&environment), ["a.so=/x/a.so"]);
    assert_eq!(
        world("$ORIGIN/../lib").resolve(&environment),
        ["a.so=//../lib/a.so"]
    );
}

#[test]
fn dlopen_searches_for_whoever_calls_it() {
    let world = World::default()
        .with("/p", &["needs:a.so", "runpath:/r"])
        .with("/r/a.so", &["runpath:/plugins"])
        .with("/plugins/m.so", &["needs:n.so"]);
    let environment = usual();
    let mut process = Process::start(&world, &environment, b"/p").unwrap();
    assert_eq!(process.dlopen(0, b"m.so"), None);
    let place = process.dlopen(1, b"m.so").unwrap();
    assert_eq!(process.loaded[place].path, b"/plugins/m.so");
    let last = process.needs.last().unwrap();
    assert_eq!(
        (&last.name[..], last.through),
        (&b"n.so"[..], Through::Nothing)
    );
    assert_eq!(process.missing().count(), 2);
}

#[test]
fn needs_may_run_in_circles() {
    let world = World::default()
        .with("/p", &["needs:a.so", "runpath:/r"])
        .with("/r/a.so", &["needs:b.so", "runpath:/r"])
        .with("/r/b.so", &["needs:a.so", "needs:b.so", "runpath:/r"]);
    assert_eq!(
        world.resolve(&usual()),
        [
            "a.so=/r/a.so",
            "b.so=/r/b.so",
            "a.so=/r/a.so",
            "b.so=/r/b.so"
        ]
    );
}
