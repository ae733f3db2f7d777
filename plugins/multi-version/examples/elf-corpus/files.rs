//! The files of a corpus, the wish they are rewritten by, and time.

use std::collections::HashSet;
use std::fs;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use dpkgng_multi_version::elf::{Image, View, Wish, is_glibc_interpreter};

/// Where rewritten files find the loader and libraries, as long as real names are.
pub const INSTALL: &str =
    "/var/sys/inst/libreoffice-common_7.4.7-1+deb12u8_amd64-0123456789abcdef/lib";
pub const SYSTEM: &str = "/var/sys/current-system/lib";

/// An ELF file of the corpus.
pub struct File {
    pub path: PathBuf,
    /// The package's directory.
    pub package: PathBuf,
}

/// Every ELF file below the packages of `dirs`, an inode once, in order of names.
pub fn elf_files(dirs: &[PathBuf]) -> Vec<File> {
    let mut found = Vec::new();
    for dir in dirs {
        for package in children(dir) {
            let mut seen = HashSet::new();
            walk(&package, &package, &mut seen, &mut found);
        }
    }
    found
}

fn children(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else {
        return Vec::new();
    };
    let mut all: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
    all.sort();
    all
}

fn walk(package: &Path, dir: &Path, seen: &mut HashSet<(u64, u64)>, found: &mut Vec<File>) {
    for path in children(dir) {
        let Ok(meta) = fs::symlink_metadata(&path) else {
            continue;
        };
        if meta.is_dir() {
            walk(package, &path, seen, found);
        } else if meta.is_file()
            && meta.len() > 4
            && (meta.nlink() == 1 || seen.insert((meta.dev(), meta.ino())))
            && is_elf(&path)
        {
            found.push(File {
                path,
                package: package.to_owned(),
            });
        }
    }
}

fn is_elf(path: &Path) -> bool {
    let mut magic = [0; 4];
    let file = fs::File::open(path).and_then(|mut f| f.read_exact(&mut magic));
    file.is_ok() && magic == *b"\x7fELF"
}

/// The wish for one file: glibc's ld.so of the same name below [`INSTALL`].
pub fn wish(bytes: &[u8]) -> Wish {
    let image = Image::read(View::of(bytes)).ok();
    let old = image.and_then(|i| i.interpreter().ok()).flatten();
    let name = old.filter(|o| is_glibc_interpreter(o));
    let name = name.unwrap_or_else(|| b"ld.so.1".to_vec());
    let name = name.rsplit(|b| *b == b'/').next().unwrap_or_default();
    Wish {
        interpreter: Some([INSTALL.as_bytes(), b"/", name].concat()),
        path: vec![INSTALL.into(), SYSTEM.into()],
        ..Wish::default()
    }
}

/// Seconds of CPU this process and the children it waited for have used.
pub fn cpu() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or_default();
    let fields: Vec<f64> = after
        .split_whitespace()
        .skip(11)
        .take(4)
        .filter_map(|f| f.parse().ok())
        .collect();
    // proc(5): in clock ticks, which are hundredths to everyone.
    fields.iter().sum::<f64>() / 100.0
}

/// The middle one.
pub fn median(mut all: Vec<u64>) -> u64 {
    all.sort_unstable();
    all.get(all.len() / 2).copied().unwrap_or(0)
}
