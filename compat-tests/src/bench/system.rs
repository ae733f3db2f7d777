//! Made-up packages: a database of any size, and small packages to install.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::deb::deb;
use crate::sandbox::empty_database;
use crate::{During, Res};

/// How large a database is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Size {
    /// Installed packages.
    pub packages: usize,
    /// Their paths; those that only one package has are files, the others directories.
    pub paths: usize,
}

/// Makes `admindir` the database of such a system. The files themselves are not made.
pub fn make(admindir: &Path, size: Size) -> Res<()> {
    empty_database(admindir)?;
    fs::write(admindir.join("info/format"), "1\n").during("format")?;
    let mut status = String::new();
    for n in 0..size.packages {
        stanza(&mut status, size.packages, n);
        let file = |ext| admindir.join(format!("info/package-{n}.{ext}"));
        let (list, sums) = paths(size, n);
        fs::write(file("list"), list).during("list")?;
        fs::write(file("md5sums"), sums).during("md5sums")?;
    }
    fs::write(admindir.join("status"), status).during("status")
}

/// Builds `count` packages, named `NAME-0.deb` and so on, each with a directory of a few short files.
pub fn small(dir: &Path, name: &str, count: usize) -> Res<()> {
    for n in 0..count {
        let package = format!("{name}-{n}");
        let mut made = deb(&package, "1");
        for file in 0..8 {
            let text = format!("file {file} of {package}\n").repeat(20 + 50 * file);
            made = made.file(&format!("/usr/share/{package}/file-{file}"), &text);
        }
        let built = made.build(dir)?;
        let to = dir.join(format!("{package}.deb"));
        fs::rename(built, &to).during(to.display())?;
    }
    Ok(())
}

/// About what a stanza of a real system is: 1 KiB, some relations.
fn stanza(out: &mut String, packages: usize, n: usize) {
    let other = |k: usize| n.wrapping_mul(7919).wrapping_add(k * 104_729) % packages;
    let _ = write!(
        out,
        "Package: package-{n}\nStatus: install ok installed\nPriority: optional\nSection: libs\n\
         Installed-Size: {}\nMaintainer: Some Team <team-{}@lists.example.org>\nArchitecture: all\n\
         Source: source-{}\nVersion: {}.{}.{}-{}\nProvides: virtual-{} (= {})\n\
         Depends: package-{} (>= 0.1), package-{} | virtual-{}, package-{} (>= 0.2~rc1)\n\
         Recommends: package-{}, nowhere-{n}\nSuggests: nowhere-{} | nowhere-{}\n",
        n * 3,
        n % 50,
        n / 3,
        n % 7 + 1,
        n % 13,
        n % 5,
        n % 3 + 1,
        n % 400,
        n % 9,
        other(1),
        other(2),
        n % 400,
        other(3),
        other(4),
        n + 1,
        n + 2,
    );
    if n.is_multiple_of(8) {
        let _ = write!(
            out,
            "Conffiles:\n /etc/package-{n}.conf 0123456789abcdef0123456789abcdef\n"
        );
    }
    let _ = writeln!(out, "Description: package number {n} of a made-up system");
    for part in 0..4 {
        let _ = writeln!(
            out,
            " The {part}th line of what there is to say about it, as long as such lines are."
        );
    }
    let _ = write!(
        out,
        " .\n And an end.\nHomepage: https://www.example.org/package/{n}\n\n"
    );
}

/// The file list of a package and its checksums.
fn paths(size: Size, n: usize) -> (String, String) {
    let mut list = String::from("/.\n/usr\n/usr/share\n/usr/lib\n/usr/share/doc\n");
    let mut sums = String::new();
    // With these, and the few directories that all have, it comes to `size.paths`.
    let own = [
        format!("/usr/share/package-{n}"),
        format!("/usr/share/doc/package-{n}"),
        format!("/usr/lib/package-{n}"),
    ];
    let from = size.paths * n / size.packages;
    let mut left = (size.paths * (n + 1) / size.packages - from).saturating_sub(own.len());
    for (d, dir) in own.iter().enumerate() {
        let _ = writeln!(list, "{dir}");
        let here = if d == 2 { left } else { left / (3 - d) };
        left -= here;
        for f in 0..here {
            let _ = writeln!(list, "{dir}/file-{f}");
            let _ = writeln!(
                sums,
                "0123456789abcdef0123456789abcdef  {}/file-{f}",
                &dir[1..]
            );
        }
    }
    (list, sums)
}
