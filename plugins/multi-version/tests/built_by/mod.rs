//! A small corpus that the C compiler makes: every way of linking that matters.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use dpkgng_multi_version::elf::{Image, View, Wish};

const LIBRARY: &str = r#"
#include <stdio.h>
int answer(void) { char b[16]; snprintf(b, sizeof b, "%d", 42); return b[0] == '4' ? 42 : 0; }
"#;

const PROGRAM: &str = r#"
#include <stdio.h>
#include <pthread.h>
int answer(void);
static __thread int each = 7;
static void *work(void *x) { each = answer(); return x; }
int main(void) {
    pthread_t t;
    pthread_create(&t, 0, work, 0);
    pthread_join(t, 0);
    printf("%d %d\n", answer(), each);
    return 0;
}
"#;

const ALONE: &str = "int main(void) { return 0; }\n";

/// A scratch directory with sources and `lib`, where the machine's loader and libc are linked.
pub struct Corpus {
    dir: tempfile::TempDir,
    loader: String,
}

impl Corpus {
    /// With a library `libanswer.so.1` built and in `lib`.
    pub fn new() -> Corpus {
        let dir = tempfile::tempdir().unwrap();
        let corpus = Corpus {
            loader: String::new(),
            dir,
        };
        for (name, text) in [
            ("answer.c", LIBRARY),
            ("main.c", PROGRAM),
            ("alone.c", ALONE),
        ] {
            fs::write(corpus.path(name), text).unwrap();
        }
        fs::create_dir(corpus.path("lib")).unwrap();
        corpus.cc(
            "libanswer.so.1",
            &["-shared", "-fPIC", "-Wl,-soname,libanswer.so.1", "answer.c"],
        );
        symlink("libanswer.so.1", corpus.path("libanswer.so")).unwrap();
        let bytes = corpus.program("probe", &[]);
        let image = Image::read(View::of(&bytes)).unwrap();
        let loader = String::from_utf8(image.interpreter().unwrap().unwrap()).unwrap();
        let real = fs::canonicalize(&loader).unwrap();
        let libc = real.with_file_name("libc.so.6");
        let name = loader.rsplit('/').next().unwrap().to_owned();
        symlink(&real, corpus.path("lib").join(&name)).unwrap();
        symlink(libc, corpus.path("lib/libc.so.6")).unwrap();
        symlink("../libanswer.so.1", corpus.path("lib/libanswer.so.1")).unwrap();
        Corpus {
            loader: name,
            ..corpus
        }
    }

    /// A path in the directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Compiles, and gives what came out.
    pub fn cc(&self, output: &str, arguments: &[&str]) -> Vec<u8> {
        let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
        let done = Command::new(compiler)
            .current_dir(self.dir.path())
            .args(["-o", output])
            .args(arguments)
            .output()
            .unwrap();
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
        fs::read(self.path(output)).unwrap()
    }

    /// The program with the library, linked as told.
    pub fn program(&self, output: &str, arguments: &[&str]) -> Vec<u8> {
        let base = ["main.c", "-L.", "-lanswer", "-pthread"];
        self.cc(output, &[&base[..], arguments].concat())
    }

    /// The loader and libraries in `lib`, which this many bytes of its own path precede.
    pub fn wish(&self, padding: usize) -> Wish {
        // Slashes lengthen a path without changing it.
        let dir = format!("{}{}/lib", "/".repeat(padding), self.dir.path().display());
        Wish {
            interpreter: Some(format!("{dir}/{}", self.loader).into_bytes()),
            path: vec![dir.into_bytes(), b"/var/sys/current-system/lib".to_vec()],
            ..Wish::default()
        }
    }

    /// Writes a program and runs it: what it says, and what its loader says it loads.
    pub fn run(&self, name: &str, bytes: &[u8]) -> (String, String) {
        use std::os::unix::fs::PermissionsExt;
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let said = |command: &mut Command| {
            command.env_remove("LD_LIBRARY_PATH");
            // A child that another test starts meanwhile has the file open until it is another program.
            let output = loop {
                match command.output() {
                    Err(e) if e.kind() == std::io::ErrorKind::ExecutableFileBusy => {
                        std::thread::yield_now();
                    }
                    output => break output.unwrap(),
                }
            };
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(output.status.success(), "{name}: {output:?}");
            text
        };
        let traced = said(Command::new(&path).env("LD_TRACE_LOADED_OBJECTS", "1"));
        (said(&mut Command::new(&path)), traced)
    }

    /// The directory itself.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }
}
