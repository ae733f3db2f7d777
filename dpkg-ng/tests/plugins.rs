//! Plugins in C and Rust through the real program: what they may do, and which are refused.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

const DPKG_NG: &str = env!("CARGO_BIN_EXE_dpkg-ng");

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Where what is compiled here stays; nobody else can write to it.
fn built() -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("plugins");
    fs::create_dir_all(&dir).unwrap();
    dir
}

fn run(command: &mut Command) -> String {
    let done = command.output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{command:?}: {said}");
    said
}

/// A shared object from C.
fn compile(name: &str, source: &str, flags: &[&str]) -> PathBuf {
    let out = built().join(name);
    let part = built().join(format!("{name}.{}", std::process::id()));
    let mut cc = Command::new("cc");
    cc.args([
        "-std=c11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC",
    ]);
    cc.args(["-fvisibility=hidden", "-Wno-overflow", "-I"]);
    cc.arg(top().join("plugins/abi/include"));
    cc.args(flags).arg("-o").arg(&part).arg(top().join(source));
    run(&mut cc);
    fs::rename(part, &out).unwrap();
    out
}

fn c_plugin() -> &'static Path {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(|| compile("example-c.so", "plugins/example-c/example.c", &[]))
}

/// The example in Rust, built by the cargo that builds this.
fn rust_plugin() -> &'static Path {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(|| {
        let target = built().join("target");
        let mut cargo = Command::new(env!("CARGO"));
        cargo.current_dir(top());
        cargo.args([
            "build",
            "--quiet",
            "-p",
            "dpkgng-example-plugin",
            "--target-dir",
        ]);
        run(cargo.arg(&target));
        target.join("debug/libdpkgng_example_plugin.so")
    })
}

/// A root with a database, and packages.
struct Root(tempfile::TempDir);

impl Root {
    fn new() -> Root {
        let root = Root(tempfile::tempdir().unwrap());
        for dir in ["info", "updates", "triggers"] {
            fs::create_dir_all(root.path("root/var/lib/dpkg").join(dir)).unwrap();
        }
        fs::write(root.path("root/var/lib/dpkg/status"), "").unwrap();
        root
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn deb(&self, name: &str, fields: &str, files: &[(&str, &str, u32)]) -> PathBuf {
        let tree = self.path(&format!("tree-{name}"));
        fs::create_dir_all(tree.join("DEBIAN")).unwrap();
        let control = format!(
            "Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: T <t@e.x>\n{fields}\
             Description: x\n"
        );
        fs::write(tree.join("DEBIAN/control"), control).unwrap();
        for (path, content, mode) in files {
            let path = tree.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(*mode)).unwrap();
        }
        let deb = self.path(&format!("{name}.deb"));
        let mut build = Command::new(DPKG_NG);
        build.args(["dpkg-deb", "-Znone", "--root-owner-group", "-b"]);
        run(build.arg(tree).arg(&deb));
        deb
    }

    /// Run dpkg-ng with a plugin: exit code, standard output and error.
    fn ng(&self, plugin: &Path, args: &[&str]) -> (i32, String, String) {
        let mut command = Command::new(DPKG_NG);
        command.arg("--plugin").arg(plugin).args(args);
        self.outcome(&mut command)
    }

    fn outcome(&self, command: &mut Command) -> (i32, String, String) {
        let path = "/usr/sbin:/usr/bin:/sbin:/bin";
        command
            .env("PATH", path)
            .env("LC_ALL", "C")
            .env_remove("DPKG_ROOT");
        let done = command
            .stdin(Stdio::null())
            .current_dir(self.0.path())
            .output()
            .unwrap();
        let here = format!("{}/", self.0.path().display());
        let text = |b: &[u8]| String::from_utf8_lossy(b).replace(&here, "");
        (
            done.status.code().unwrap_or(-1),
            text(&done.stdout),
            text(&done.stderr),
        )
    }

    /// Arguments that make dpkg work on the root as anybody.
    fn here(&self) -> [String; 4] {
        [
            format!("--root={}", self.path("root").display()),
            "--force-not-root".into(),
            "--force-bad-path".into(),
            "--force-script-chrootless".into(),
        ]
    }

    fn dpkg(&self, plugin: &Path, args: &[&str]) -> (i32, String, String) {
        let here = self.here();
        let here = here.iter().map(String::as_str);
        self.ng(
            plugin,
            &here.chain(args.iter().copied()).collect::<Vec<_>>(),
        )
    }

    fn get(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.path(path)).ok()
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_plugin_in_c_listens_vetoes_and_rewrites() {
    let root = Root::new();
    let files = [
        ("usr/loud.shout", "hear me\n", 0o644),
        ("usr/plain", "p\n", 0o600),
    ];
    let deb = root.deb("a", "", &files);
    let (code, _, said) = root.dpkg(c_plugin(), &["-i", text(&deb)]);
    assert_eq!(code, 0, "{said}");
    let heard: Vec<_> = said
        .lines()
        .filter(|l| l.starts_with("dpkg-ng: "))
        .collect();
    let expected = [
        "dpkg-ng: before install",
        "dpkg-ng: before a 1 unpack",
        "dpkg-ng: before a 1 /usr",
        "dpkg-ng: after a 1 /usr",
        "dpkg-ng: before a 1 /usr/loud.shout",
        "dpkg-ng: before a 1 /usr/plain",
        "dpkg-ng: after a 1 /usr/loud.shout",
        "dpkg-ng: after a 1 /usr/plain",
        "dpkg-ng: after a 1 unpack",
        "dpkg-ng: before a 1 configure",
        "dpkg-ng: after a 1 configure",
        "dpkg-ng: after install",
    ];
    assert_eq!(heard, expected);
    assert_eq!(
        root.get("root/usr/loud.shout").as_deref(),
        Some("HEAR ME\n")
    );
    let mode = fs::metadata(root.path("root/usr/loud.shout"))
        .unwrap()
        .mode();
    assert_eq!(mode & 0o7777, 0o644);
    // What dpkg knows of it is what is there.
    let mut verify = Command::new(DPKG_NG);
    let (code, out, said) = root.outcome(verify.args(root.here()).args(["--verify", "a"]));
    assert_eq!((code, &*out, &*said), (0, "", ""));

    let precious = root.deb("precious", "", &[("usr/p", "", 0o644)]);
    let (code, _, said) = root.dpkg(c_plugin(), &["-i", text(&precious)]);
    assert_eq!(code, 1);
    let veto = "dpkg: error processing archive precious.deb (--install):\n \
                plugin example-c: precious is not to be touched\n";
    assert!(said.contains(veto), "{said}");
    assert!(
        said.ends_with(
            "dpkg-ng: after install failed\nErrors were encountered while \
                            processing:\n precious.deb\n"
        ),
        "{said}"
    );
    assert_eq!(root.get("root/usr/p"), None);
}

#[test]
fn a_plugin_in_c_brings_a_command() {
    let root = Root::new();
    let deb = root.deb("a", "", &[("usr/x", "x\n", 0o644)]);
    let (code, out, said) = root.ng(c_plugin(), &["example-c", text(&deb)]);
    let expected = "Package is a\nVersion is 1\nArchitecture is all\nMaintainer is T <t@e.x>\n\
                    Description is x\n\
                    73cb3858a687a8494ca3323053016282f3dad39d42cf62ca4e79dda2aac7d9ac  ./usr/x\n";
    assert_eq!((code, &*out, &*said), (0, expected, ""));
    let (code, _, said) = root.ng(c_plugin(), &["example-c"]);
    let expected = "dpkg-ng: error: plugin example-c: example-c needs one package file\n";
    assert_eq!((code, &*said), (2, expected));
    let (code, _, said) = root.ng(c_plugin(), &["example-c", "no.deb"]);
    let expected = "dpkg-ng: error: plugin example-c: failed to read archive 'no.deb': No such \
                    file or directory\n";
    assert_eq!((code, &*said), (2, expected));
    fs::write(root.path("cut.deb"), &fs::read(&deb).unwrap()[..900]).unwrap();
    let (code, _, said) = root.ng(c_plugin(), &["example-c", "cut.deb"]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("partially read tar header"), "{said}");
}

#[test]
fn a_plugin_in_rust_runs_dpkg_with_its_hooks() {
    let root = Root::new();
    let one = root.deb(
        "one",
        "Depends: rain-somewhere\n",
        &[("usr/x", "1\n", 0o644)],
    );
    let two = root.deb("two-alone", "Conflicts: one\n", &[("usr/x", "2\n", 0o644)]);
    fs::create_dir(root.path("out")).unwrap();
    let out = root.path("out");
    let here = root.here();
    let mut args = vec!["example-rust", "into", text(&out)];
    args.extend(here.iter().map(String::as_str));
    args.extend(["-i", text(&one), text(&two)]);
    let (code, _, said) = root.ng(rust_plugin(), &args);
    assert_eq!(code, 0, "{said}");
    assert_eq!(root.get("out/one/usr/x").as_deref(), Some("1\n"));
    assert_eq!(root.get("out/two-alone/usr/x").as_deref(), Some("2\n"));
    assert_eq!(root.get("root/usr/x"), None);
    let admindir = root.path("root/var/lib/dpkg");
    let (code, listed, _) = root.ng(rust_plugin(), &["example-rust", "list", text(&admindir)]);
    let expected = "one all 1 install installed\ntwo-alone all 1 install installed\n";
    assert_eq!((code, &*listed), (0, expected));
    // The exit code is dpkg's.
    args.truncate(args.len() - 3);
    args.extend(["-i", "nothing.deb"]);
    let (code, _, said) = root.ng(rust_plugin(), &args);
    assert_eq!(code, 2, "{said}");
}

#[test]
fn a_plugin_has_the_content_of_an_archive() {
    let root = Root::new();
    let files = [("usr/a", "a\n", 0o755), ("var/b", "b\n", 0o644)];
    let deb = root.deb("kept", "", &files);
    let store = root.path("store");
    let args = ["example-rust", "store", text(&deb), text(&store)];
    let (code, said, err) = root.ng(rust_plugin(), &args);
    assert_eq!((code, said, err), (0, String::new(), String::new()));
    // Nothing but the control member is read of the archive.
    let bytes = fs::read(&deb).unwrap();
    let data = b"data.tar";
    let at = bytes.windows(data.len()).position(|w| w == data).unwrap();
    fs::write(&deb, &bytes[..at + 60]).unwrap();
    let here = root.here();
    let mut args = vec!["example-rust", "once", text(&store)];
    args.extend(here.iter().map(String::as_str));
    args.extend(["--log=/dev/null", "-i", text(&deb)]);
    let (code, _, err) = root.ng(rust_plugin(), &args);
    assert_eq!((code, &*err), (0, ""));
    for (path, content, mode) in files {
        let placed = fs::metadata(root.path("root").join(path)).unwrap();
        let kept = fs::metadata(store.join("kept.deb/files").join(path)).unwrap();
        assert_eq!(placed.mode() & 0o7777, mode);
        assert_eq!(
            fs::read_to_string(root.path("root").join(path)).unwrap(),
            content
        );
        // As root everything has its owner; the plugin does not want /var to be linked.
        let linked = placed.ino() == kept.ino();
        assert_eq!(linked, path == "usr/a" && placed.uid() == 0, "{path}");
    }
}

#[test]
fn services_for_a_plugin() {
    let root = Root::new();
    let rust = |args: &[&str]| {
        let mut all = vec!["example-rust"];
        all.extend(args);
        root.ng(rust_plugin(), &all)
    };
    let (code, out, _) = rust(&["relations", "a | b:any (>= 1:2-3), c"]);
    assert_eq!(
        (code, &*out),
        (0, "0.0 a   \n0.1 b any >= 1:2-3\n1.0 c   \n")
    );
    let (code, _, said) = rust(&["relations", "a | | b"]);
    assert_eq!(code, 2);
    assert!(
        said.starts_with("dpkg-ng: error: plugin example-rust: 'Depends' field, "),
        "{said}"
    );

    let admindir = root.path("root/var/lib/dpkg");
    let stanza = |name: &str| {
        format!(
            "Package: {name}\nStatus: install ok installed\nMaintainer: T <t@e.x>\n\
             Architecture: all\nVersion: 1\nDescription: x\n\n"
        )
    };
    fs::write(admindir.join("status"), stanza("a") + &stanza("b")).unwrap();
    let control = root.path("control");
    fs::write(
        &control,
        "Package: n\nVersion: 1\nArchitecture: all\nMaintainer: T <t@e.x>\n\
         Depends: a, b (>= 2)\nConflicts: c, b\nDescription: x\n",
    )
    .unwrap();
    let (code, out, said) = rust(&["judge", text(&admindir), text(&control)]);
    let expected = "Depends: fails at 1\n n depends on b (>= 2)\n  b is installed, but is \
                    version 1.\n\n\
                    Conflicts: fails at 1 b\n n conflicts with b\n  b (version 1) is present \
                    and installed.\n\n";
    assert_eq!((code, &*out, &*said), (0, expected, ""));
    // Nothing was written or locked.
    let mut left: Vec<_> = fs::read_dir(&admindir)
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["info", "status", "triggers", "updates"]);

    let (code, out, _) = rust(&["ask"]);
    assert_eq!((code, &*out), (0, "nothing\n"));
    let (code, out, _) = rust(&["stray"]);
    let expected = "called on another thread than the plugin was loaded by\n";
    assert_eq!((code, &*out), (0, expected));
    let deb = root.deb("p", "", &[]);
    for how in [&["panic"][..], &["panic", text(&deb)]] {
        let (code, _, said) = rust(how);
        assert_eq!(code, 2);
        assert!(
            said.ends_with("dpkg-ng: error: plugin example-rust: it panicked\n"),
            "{said}"
        );
    }
    let (code, out, said) = rust(&["stanzas", text(&control)]);
    assert_eq!((code, &*said), (0, ""));
    let expected = "Package=<n>\nVersion=<1>\nArchitecture=<all>\nMaintainer=<T <t@e.x>>\n\
                    Depends=<a, b (>= 2)>\nConflicts=<c, b>\nDescription=<x>\n\
                    it is about n\n";
    assert_eq!(out, expected);
    for (a, b, order) in [
        ("1:0", "2", "Greater"),
        ("1~rc", "1", "Less"),
        ("1-0", "1", "Equal"),
    ] {
        let (code, out, _) = rust(&["compare", a, b]);
        assert_eq!((code, out.trim_end()), (0, order), "{a} {b}");
    }
    assert_eq!(rust(&["compare", "1 2", "1"]).0, 2);
    fs::write(&control, "").unwrap();
    let (code, out, _) = rust(&["digest", text(&control)]);
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n";
    assert_eq!((code, &*out), (0, empty));
    let (code, _, said) = rust(&[]);
    let expected = "dpkg-ng: error: plugin example-rust: what is example-rust to do?\n";
    assert_eq!((code, &*said), (2, expected));
}

#[test]
fn files_are_placed_below_a_directory_and_nowhere_else() {
    let root = Root::new();
    let tree = root.path("tree-a");
    fs::create_dir_all(tree.join("usr/d")).unwrap();
    fs::write(tree.join("usr/d/first"), "f").unwrap();
    fs::hard_link(tree.join("usr/d/first"), tree.join("usr/d/second")).unwrap();
    symlink("d/first", tree.join("usr/link")).unwrap();
    let deb = root.deb(
        "a",
        "",
        &[("usr/tool", "t", 0o4755), ("usr/locked/x", "x", 0o400)],
    );
    fs::create_dir(root.path("below")).unwrap();
    let below = root.path("below");
    let place = |dir: &Path| {
        root.ng(
            rust_plugin(),
            &["example-rust", "place", text(&deb), text(dir)],
        )
    };
    let (code, _, said) = place(&below);
    assert_eq!(code, 0, "{said}");
    let tool = fs::metadata(below.join("usr/tool")).unwrap();
    assert_eq!(tool.mode() & 0o7777, 0o755);
    let [first, second] =
        ["first", "second"].map(|n| fs::metadata(below.join("usr/d").join(n)).unwrap().ino());
    assert_eq!(first, second);
    let link = fs::read_link(below.join("usr/link")).unwrap();
    assert_eq!(link, Path::new("d/first"));

    // A planted link on the way is not followed.
    let trap = root.path("trap");
    let outside = root.path("outside");
    fs::create_dir(&trap).unwrap();
    fs::create_dir(&outside).unwrap();
    symlink(&outside, trap.join("usr")).unwrap();
    let (code, _, said) = place(&trap);
    assert_eq!(code, 2);
    assert!(
        said.starts_with("dpkg-ng: error: plugin example-rust: unable to create"),
        "{said}"
    );
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
}

/// What is said when a plugin is refused, its path left out; nothing else was done.
fn refusal(plugin: &Path) -> String {
    let root = Root::new();
    let deb = root.deb("a", "", &[("usr/x", "x\n", 0o644)]);
    let before = fs::read(root.path("root/var/lib/dpkg/status")).unwrap();
    let (code, out, said) = root.dpkg(plugin, &["-i", text(&deb)]);
    assert_eq!((code, &*out), (2, ""), "{plugin:?} {said}");
    assert_eq!(root.get("root/usr/x"), None);
    assert!(!root.path("root/var/lib/dpkg/lock").exists());
    assert_eq!(
        fs::read(root.path("root/var/lib/dpkg/status")).unwrap(),
        before
    );
    let real = plugin.canonicalize().unwrap_or(plugin.to_owned());
    let said = said.replace(text(&real), "P");
    said.strip_prefix("dpkg-ng: error: ")
        .expect(&said)
        .trim_end()
        .to_owned()
}

#[test]
fn bad_plugins_are_refused() {
    let bad = [
        "is too old: it is made for interface 0.0, this is 1.1",
        "is too new: it needs interface 2.0, this is 1.1",
        "is too new: it needs interface 1.2, this is 1.1",
        "does not work with this dpkg-ng",
        "crashed (Segmentation fault) when it was tried",
        "crashed (Segmentation fault) when it was tried",
        "crashed (Segmentation fault) when it was tried",
        "ended its process (exit status 0) when it was tried",
        "did not start within 10 seconds when it was tried",
        "has a wrong size of its table",
        "failed to start: no disk in the drive",
        "'P' is no plugin of dpkg-ng: it lacks dpkgng_plugin_entry",
        "cannot load plugin 'P': undefined symbol: not_there",
        "has a wrong table: it claims commands and runs none",
        "has a wrong name",
        "has a wrong list of claims",
    ];
    for (index, why) in bad.iter().enumerate() {
        let number = format!("-DBAD={}", index + 1);
        let plugin = compile(
            &format!("bad{index}.so"),
            "dpkg-ng/tests/plugins/bad.c",
            &[&number],
        );
        let expected = match why.contains("'P'") {
            true => (*why).to_owned(),
            false => format!("plugin 'P' {why}"),
        };
        assert_eq!(refusal(&plugin), expected);
    }
    let text = built().join("text.so");
    fs::write(&text, "hello\n").unwrap();
    assert_eq!(refusal(&text), "cannot load plugin 'P': file too short");
}

/// A plugin that lets a panic out aborts, in the process that tries it.
#[test]
fn a_panic_that_gets_out_is_refused() {
    let source = built().join("panics.rs");
    fs::write(
        &source,
        "#[unsafe(no_mangle)] pub extern \"C\" fn dpkgng_plugin_entry(_: u32, _: u32) -> *const u8 \
         { panic!(\"ouch\") }",
    )
    .unwrap();
    let plugin = built().join("panics.so");
    let mut rustc = Command::new("rustc");
    rustc.args(["--edition=2024", "--crate-type=cdylib", "-o"]);
    run(rustc.arg(&plugin).arg(&source));
    assert_eq!(
        refusal(&plugin),
        "plugin 'P' crashed (Aborted) when it was tried"
    );
}

#[test]
fn plugins_of_others_are_refused() {
    let dir = tempfile::Builder::new()
        .prefix("trust")
        .tempdir_in(built())
        .unwrap();
    let plugin = dir.path().join("p.so");
    fs::copy(c_plugin(), &plugin).unwrap();
    let mode = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(&plugin, 0o666);
    let expected = "plugin not loaded, as 'P' is writable by everybody";
    assert_eq!(refusal(&plugin), expected);
    // A link to it is no better.
    let link = dir.path().join("link.so");
    symlink(&plugin, &link).unwrap();
    assert_eq!(refusal(&link), expected);
    mode(&plugin, 0o644);
    let there = dir.path().canonicalize().unwrap();
    mode(dir.path(), 0o777);
    let expected = format!(
        "plugin not loaded, as '{}' is writable by everybody",
        there.display()
    );
    assert_eq!(refusal(&plugin), expected);
    mode(dir.path(), 0o755);
    assert_eq!(
        refusal(dir.path()),
        "plugin not loaded, as 'P' is no regular file"
    );
    if fs::metadata(&plugin).unwrap().uid() == 0 {
        std::os::unix::fs::chown(&plugin, Some(12345), None).unwrap();
        assert_eq!(
            refusal(&plugin),
            "plugin not loaded, as 'P' is owned by user 12345"
        );
        std::os::unix::fs::chown(&plugin, Some(0), Some(12345)).unwrap();
        mode(&plugin, 0o664);
        let expected = "plugin not loaded, as 'P' is writable by group 12345";
        assert_eq!(refusal(&plugin), expected);
    }
}

#[test]
fn what_to_install_when_there_is_none() {
    let root = Root::new();
    let said = |args: &[&str]| {
        let (code, _, said) = root.outcome(Command::new(DPKG_NG).args(args));
        assert_eq!(code, 2);
        said
    };
    let rest = "needs the plugin '/usr/lib/dpkg-ng/plugins/multi-version.so': install the \
                package dpkg-ng-multi-version\n";
    for (args, what) in [
        (&["--multi-version", "-i", "x.deb"][..], "--multi-version"),
        (&["-i", "--view=v", "x.deb"][..], "--view"),
        (&["view", "list"][..], "view"),
    ] {
        assert_eq!(said(args), format!("dpkg-ng: error: {what} {rest}"));
    }
    let expected = "dpkg-ng: error: there is no plugin 'no.so': install the package that brings \
                    it, or give the path of its file\n";
    assert_eq!(said(&["--plugin", "no.so", "-l"]), expected);
    let expected = "dpkg-ng: error: --plugin option takes a value\n";
    assert_eq!(said(&["-l", "--plugin"]), expected);
}

/// Who calls dpkg gets dpkg.
#[test]
fn dpkg_itself_has_no_plugins() {
    let root = Root::new();
    for args in [
        &["--plugin", "x"][..],
        &["--multi-version", "-l"][..],
        &["view"][..],
    ] {
        let (code, _, said) = root.outcome(Command::new(DPKG_NG).arg("dpkg").args(args));
        let expected = match args {
            ["view"] => "need an action option".to_owned(),
            _ => format!("unknown option {}", args[0]),
        };
        assert_eq!(code, 2);
        let expected = format!("dpkg: error: {expected}\n");
        assert!(said.starts_with(&expected), "{said}");
    }
}

/// A command line of dpkg's own looks for nothing of a plugin, under either name.
#[test]
fn plain_runs_look_for_no_plugins() {
    let root = Root::new();
    let deb = root.deb("a", "", &[("usr/x", "x\n", 0o644)]);
    let log = root.path("log");
    for name in [&["dpkg"][..], &[]] {
        let mut command = Command::new("strace");
        command
            .args(["-f", "-y", "-e", "trace=%file", "-o"])
            .arg(&log);
        command
            .arg(DPKG_NG)
            .args(name)
            .args(root.here())
            .arg("-i")
            .arg(&deb);
        if command.output().is_err() {
            not_run::not_run("no strace here");
            return;
        }
        let seen = fs::read_to_string(&log).unwrap();
        assert!(seen.contains("/var/lib/dpkg>, \"status\""), "{seen}");
        assert!(!seen.contains("dpkg-ng/plugins"), "{seen}");
        assert!(!seen.contains("/var/sys"), "{seen}");
    }
}

/// Plugins of the directory are found by name, in the running system only. In a root of its
/// own, as the directory is the system's.
#[test]
fn the_directory_of_plugins() {
    let root = Root::new();
    let system = root.path("system");
    let plugins = system.join("usr/lib/dpkg-ng/plugins");
    fs::create_dir_all(&plugins).unwrap();
    fs::copy(c_plugin(), plugins.join("example-c.so")).unwrap();
    symlink("example-c.so", plugins.join("alias.so")).unwrap();
    fs::copy(DPKG_NG, system.join("dpkg-ng")).unwrap();
    let needed = Command::new("ldd").arg(DPKG_NG).output().unwrap();
    let needed = String::from_utf8(needed.stdout).unwrap();
    for library in needed.split_whitespace().filter(|w| w.starts_with('/')) {
        let to = system.join(&library[1..]);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(library, to).unwrap();
    }
    let deb = root.deb("a", "", &[]);
    fs::copy(deb, system.join("a.deb")).unwrap();
    let mut probe = Command::new("unshare");
    if !probe
        .args(["-r", "true"])
        .status()
        .is_ok_and(|s| s.success())
    {
        not_run::not_run("no user namespaces here");
        return;
    }
    let inside = |args: &[&str]| {
        let mut command = Command::new("unshare");
        command.arg("-r").arg("chroot").arg(&system).args(args);
        root.outcome(&mut command)
    };
    let (code, out, said) = inside(&["/dpkg-ng", "example-c", "/a.deb"]);
    assert_eq!(code, 0, "{said}");
    assert!(out.starts_with("Package is a\n"), "{out}");
    // A file by the name is not enough: the plugin has to say so.
    let (code, _, said) = inside(&["/dpkg-ng", "alias", "/a.deb"]);
    let expected = "dpkg-ng: error: plugin '/usr/lib/dpkg-ng/plugins/alias.so' has no 'alias'\n";
    assert_eq!((code, &*said), (2, expected));
    let (code, _, said) = inside(&["/dpkg-ng", "dpkg", "example-c", "/a.deb"]);
    assert_eq!(code, 2);
    assert!(
        said.starts_with("dpkg: error: need an action option\n"),
        "{said}"
    );
    // Another root's directory is none.
    let (code, _, said) = root.outcome(Command::new(DPKG_NG).args([
        &format!("--root={}", system.display()),
        "--example-c",
        "-l",
    ]));
    assert_eq!(code, 2);
    assert!(
        said.starts_with("dpkg: error: unknown option --example-c\n"),
        "{said}"
    );
}
