//! Small packages of real programs, compiled by this machine's C compiler.
//!
//! | package | what it has |
//! |---|---|
//! | `libfix1` 1, 2, 3 | `libfix.so.1`; 2 has a symbol more than 1, 3 lacks one that the programs use |
//! | `libmid1` | `libmid.so.1`, which needs `libfix.so.1` |
//! | `fix` | `/usr/bin/fix` needs `libfix.so.1`; says which it got; `fix sleep` stays; set-uid `fixsuid` |
//! | `fix-too` | the same program by another name |
//! | `fixmid` | `/usr/bin/fixmid` needs `libmid.so.1` alone |
//! | `fixnew` | `/usr/bin/fixnew` needs a symbol that `libfix1` has from 2 on |
//! | `fixdata` 1, 2 | a script that reads `/usr/share/fixdata/text` |
//! | `foe` | conflicts with `fixdata`, and owns the same script |
//!
//! `libc6` is that of the system, packed again, with what it depends on.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::system::System;
use crate::deb::{Deb, deb};
use crate::{During, Res, oracle};

/// The directory of libraries in Debian on amd64.
pub const TRIPLET: &str = "/usr/lib/x86_64-linux-gnu";

const LIBFIX: &str = "
#define _(x) #x
#define S(x) _(x)
const char *fix_version(void) { return \"libfix \" S(V); }
#if V != 3
int fix_old(void) { return 0; }
#endif
#if V >= 2
int fix_new(void) { return 0; }
#endif
";

const LIBMID: &str = "
const char *fix_version(void); int fix_old(void);
const char *mid_version(void) { return fix_old() ? 0 : fix_version(); }
";

const FIX: &str = "
#include <stdio.h>
#include <string.h>
#include <unistd.h>
const char *VERSION(void); int EXTRA(void);
int main(int argc, char **argv) {
    puts(VERSION()); fflush(stdout);
    if (argc > 1 && !strcmp(argv[1], \"sleep\")) for (;;) pause();
    return EXTRA();
}
";

/// Makes all of them in `/debs/made`.
pub fn make(system: &System) -> Res<()> {
    oracle::need("cc", "gcc")?;
    let made = system.outside("/debs/made");
    let work = system.outside("/tmp/fixtures");
    fs::create_dir_all(&work).during(work.display())?;
    let library = |version: &str| -> Res<PathBuf> {
        let dir = work.join(version);
        fs::create_dir_all(&dir).during(dir.display())?;
        let file = dir.join("libfix.so.1");
        let v = format!("-DV={version}");
        compile(LIBFIX, &file, &["-shared", "-Wl,-soname,libfix.so.1", &v])?;
        Ok(file)
    };
    let (one, two, three) = (library("1")?, library("2")?, library("3")?);
    let mid = work.join("libmid.so.1");
    let text = |p: &Path| p.display().to_string();
    let shared = ["-shared", "-Wl,-soname,libmid.so.1"];
    compile(LIBMID, &mid, &[&shared[..], &[&text(&one)]].concat())?;
    let program = |name: &str, version: &str, extra: &str, with: &Path| -> Res<PathBuf> {
        let file = work.join(name);
        let (v, e) = (format!("-DVERSION={version}"), format!("-DEXTRA={extra}"));
        let lookup = format!("-Wl,-rpath-link,{}", text(&work.join("1")));
        compile(FIX, &file, &[&v, &e, &text(with), &lookup])?;
        Ok(file)
    };
    let fix = program("fix", "fix_version", "fix_old", &one)?;
    let new = program("fixnew", "fix_version", "fix_new", &two)?;
    let midprog = program("fixmid", "mid_version", "getpagesize", &mid)?;

    let native = |name: &str, version: &str, depends: &str| -> Deb {
        deb(name, version).arch("amd64").field("Depends", depends)
    };
    let mut all = Vec::new();
    for (version, file) in [("1", &one), ("2", &two), ("3", &three)] {
        all.push(
            native("libfix1", version, "libc6")
                .field("Multi-Arch", "same")
                .copy(&format!("{TRIPLET}/libfix.so.1.{version}"), file, 0o755)
                .link(
                    &format!("{TRIPLET}/libfix.so.1"),
                    &format!("libfix.so.1.{version}"),
                ),
        );
    }
    all.push(native("libmid1", "1", "libc6, libfix1").copy(
        &format!("{TRIPLET}/libmid.so.1"),
        &mid,
        0o755,
    ));
    all.push(
        native("fix", "1", "libc6, libfix1")
            .copy("/usr/bin/fix", &fix, 0o755)
            .copy("/usr/bin/fixsuid", &fix, 0o4755),
    );
    all.push(native("fix-too", "1", "libc6, libfix1").copy("/usr/bin/fix-too", &fix, 0o755));
    all.push(native("fixnew", "1", "libc6, libfix1 (>= 2)").copy("/usr/bin/fixnew", &new, 0o755));
    all.push(native("fixmid", "1", "libc6, libmid1").copy("/usr/bin/fixmid", &midprog, 0o755));
    let script = "#!/bin/sh\ncat /usr/share/fixdata/text\n";
    for version in ["1", "2"] {
        let text = format!("data {version}\n");
        all.push(
            deb("fixdata", version)
                .file("/usr/bin/fixdata", script)
                .mode(0o755)
                .file("/usr/share/fixdata/text", &text)
                .conffile("/etc/fixdata.conf", &text),
        );
    }
    all.push(
        deb("foe", "1")
            .field("Conflicts", "fixdata")
            .file("/usr/bin/fixdata", "#!/bin/sh\necho foe\n")
            .mode(0o755),
    );
    for one in all {
        one.build(&made)?;
    }
    for package in ["libc6", "libgcc-s1", "gcc-12-base"] {
        system.must(&format!("P={package}; {REPACK}"))?;
    }
    Ok(())
}

/// Packs the system's package `$P` again, without its scripts.
const REPACK: &str = "set -e
rm -rf /tmp/repack; mkdir -p /tmp/repack/DEBIAN; cd /tmp/repack
for f in $(dpkg -L $P); do
    [ -d $f ] || { mkdir -p ./${f%/*}; cp -a $f ./$f; }
done
V=$(dpkg-query -W -f '${Version}' $P)
dpkg-query -s $P | sed '/^Status:/d; /^Conffiles:/,/^[^ C]/{/^Conffiles:\\|^ \\//d}' >DEBIAN/control
dpkg-deb -Znone -b . /debs/made/${P}_${V}_amd64.deb
";

/// Compiles one source into `to`.
pub fn compile(source: &str, to: &Path, options: &[&str]) -> Res<()> {
    let file = to.with_extension("c");
    fs::write(&file, source).during(file.display())?;
    oracle::run(
        Command::new("cc")
            .args(["-O1", "-fPIC", "-Wl,--build-id", "-Wl,--as-needed", "-w"])
            .arg("-o")
            .arg(to)
            .arg(&file)
            .args(options),
    )
}

/// The names of fixtures as arguments: `libfix1_1_amd64.deb` and so on, below `/debs/made`; libc6 with them.
pub fn debs(system: &System, names: &[&str]) -> Res<String> {
    let mut found = Vec::new();
    for name in names {
        let line = format!("ls /debs/made/{name}_*.deb | head -n 1");
        found.push(system.must(&line)?.trim().to_owned());
    }
    Ok(found.join(" "))
}
