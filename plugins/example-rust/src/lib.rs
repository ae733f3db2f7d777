//! A plugin in Rust: the command `example-rust`, which installs packages into directories of
//! their own, and shows the services that a plugin has.
//!
//! ```text
//! dpkg-ng --plugin libdpkgng_example_plugin.so example-rust COMMAND
//!     into DIR DPKG-ARGUMENTS…  run dpkg; the files of each package go to DIR/NAME, conflicts
//!                               are not seen, and what is called *-somewhere counts as there
//!     once DIR DPKG-ARGUMENTS…  run dpkg; what is in DIR/NAME.deb/files is not unpacked from
//!                               NAME.deb once more, but linked from there
//!     store DEB DIR             what `once` wants, DIR/NAME.deb, of an archive
//!     place DEB DIR             place a package's files below DIR, without setuid bits
//!     relations FIELD           what a Depends field says
//!     stanzas FILE              the fields of a control file
//!     compare A B               which of two versions is newer
//!     digest FILE               its SHA-256
//!     judge ADMINDIR CONTROL    what of the relations of a control file holds there
//!     list ADMINDIR             what is installed there
//!     ask                       ask something
//!     stray                     call the host from another thread
//!     panic                     break, also in the middle of a walk
//! ```
//!
//! It is written with `dpkgng-plugin`, and nothing of it is global.

use std::ffi::OsString;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use dpkgng_plugin::{
    Claim, DigestKind, Expect, Failed, Field, Hooks, Host, Op, PackageNumber, Packages, Payload,
    PayloadFile, Plugin, Relation, Verdict, Which, export,
};

struct Example;

export!(Example);

impl Plugin for Example {
    const NAME: &str = "example-rust";
    const VERSION: &str = "1";
    const CLAIMS: &[Claim] = &[Claim::Command("example-rust")];

    fn command(host: Host, args: &[OsString]) -> Result<i32, Failed> {
        let args: Vec<&[u8]> = args.iter().skip(1).map(|a| a.as_bytes()).collect();
        match args[..] {
            [b"into", dir, ..] => {
                let into = Into { dir: path(dir) };
                let rest: Vec<&Path> = args.iter().skip(2).map(|a| path(a)).collect();
                return host.dpkg(&rest, Some(&into));
            }
            [b"once", dir, ..] => {
                let once = Once { dir: path(dir) };
                let rest: Vec<&Path> = args.iter().skip(2).map(|a| path(a)).collect();
                return host.dpkg(&rest, Some(&once));
            }
            [b"store", deb, dir] => store(host, path(deb), path(dir))?,
            [b"place", deb, dir] => place(host, path(deb), path(dir))?,
            [b"relations", field] => relations(host, field)?,
            [b"stanzas", file] => stanzas(host, &std::fs::read(path(file))?)?,
            [b"compare", a, b] => {
                let order = host.version_compare(a, b)?;
                host.output(format!("{order:?}\n"))?;
            }
            [b"digest", file] => {
                let mut digest = host.digest(DigestKind::Sha256)?;
                digest.update(&std::fs::read(path(file))?)?;
                host.output(digest.finish()? + "\n")?;
            }
            [b"judge", admindir, control] => {
                judge(host, path(admindir), &std::fs::read(path(control))?)?;
            }
            [b"list", admindir] => list(host, path(admindir))?,
            [b"ask"] => {
                let said = host.ask("What? ")?.unwrap_or_else(|| b"nothing".to_vec());
                host.output([&said[..], b"\n"].concat())?;
            }
            [b"stray"] => stray(host)?,
            [b"panic"] => panic!("as asked"),
            [b"panic", deb] => {
                host.deb_entries(path(deb), |_| -> Result<(), Failed> { panic!("as asked") })?;
            }
            _ => return Err(Failed::new("what is example-rust to do?")),
        }
        Ok(0)
    }
}

fn path(bytes: &[u8]) -> &Path {
    Path::new(std::ffi::OsStr::from_bytes(bytes))
}

/// Installs packages into directories of their own.
struct Into<'a> {
    dir: &'a Path,
}

impl Hooks for Into<'_> {
    fn install_path(
        &self,
        packages: &Packages<'_>,
        package: PackageNumber,
    ) -> Result<Option<PathBuf>, Failed> {
        let name = packages.info(package, Which::Installed)?.name;
        let dir = self.dir.join(name);
        std::fs::create_dir_all(&dir)?;
        Ok(Some(dir))
    }

    fn hides(
        &self,
        packages: &Packages<'_>,
        by: PackageNumber,
        package: PackageNumber,
        _: Which,
    ) -> Result<bool, Failed> {
        let by = packages.info(by, Which::Installed)?.name;
        let other = packages.info(package, Which::Installed)?.name;
        Ok(by != other && (by.contains("alone") || other.contains("alone")))
    }

    fn satisfies(
        &self,
        _: &Packages<'_>,
        _: PackageNumber,
        relation: &Relation,
    ) -> Result<bool, Failed> {
        Ok(relation.name.ends_with("-somewhere"))
    }
}

/// Has the content of archives on disk.
struct Once<'a> {
    dir: &'a Path,
}

impl Hooks for Once<'_> {
    fn payload(&self, _: &Packages<'_>, path: &Path, _: &File) -> Result<Option<Payload>, Failed> {
        let stored = self.dir.join(path.file_name().unwrap_or_default());
        if !stored.exists() {
            return Ok(None);
        }
        Ok(Some(Payload {
            headers: File::open(stored.join("headers"))?,
            root: File::open(stored)?.into(),
        }))
    }

    fn payload_file(
        &self,
        _: &Packages<'_>,
        _: PackageNumber,
        path: &Path,
    ) -> Result<Option<PayloadFile>, Failed> {
        let below = path.strip_prefix("/").unwrap_or(path);
        Ok(Some(PayloadFile {
            path: Path::new("/files").join(below),
            link: !path.starts_with("/var"),
        }))
    }
}

fn store(host: Host, deb: &Path, dir: &Path) -> Result<(), Failed> {
    let stored = dir.join(deb.file_name().unwrap_or_default());
    let files = stored.join("files");
    std::fs::create_dir_all(&files)?;
    let headers = File::create(stored.join("headers"))?;
    let top = File::open(files)?;
    host.deb_entries_headers(deb, &headers, |mut entry| {
        let placed = entry.as_is();
        entry.place(&top, &placed)
    })
}

fn place(host: Host, deb: &Path, dir: &Path) -> Result<(), Failed> {
    let top = File::open(dir)?;
    host.deb_entries(deb, |mut entry| {
        let mut placed = entry.as_is();
        placed.mode &= 0o1777;
        entry.place(&top, &placed)
    })
}

fn relations(host: Host, field: &[u8]) -> Result<(), Failed> {
    for (group, alternatives) in host.relations(Field::Depends, field)?.iter().enumerate() {
        for (number, relation) in alternatives.iter().enumerate() {
            let (op, version) = match &relation.version {
                None => ("", ""),
                Some((op, version)) => (sign(*op), &version[..]),
            };
            let architecture = relation.architecture.as_deref().unwrap_or_default();
            let name = &relation.name;
            let line = format!("{group}.{number} {name} {architecture} {op} {version}\n");
            host.output(line)?;
        }
    }
    Ok(())
}

fn sign(op: Op) -> &'static str {
    match op {
        Op::Lt => "<<",
        Op::Le => "<=",
        Op::Eq => "=",
        Op::Ge => ">=",
        Op::Gt => ">>",
    }
}

fn stanzas(host: Host, text: &[u8]) -> Result<(), Failed> {
    for stanza in host.stanzas(text)? {
        for (name, value) in &stanza.fields {
            host.output([name, &b"=<"[..], value, b">\n"].concat())?;
        }
        let package = stanza.field("PACKAGE").unwrap_or(b"none");
        host.output([b"it is about ", package, b"\n"].concat())?;
    }
    Ok(())
}

/// Say of each relation field of a control file whether it holds.
fn judge(host: Host, admindir: &Path, control: &[u8]) -> Result<(), Failed> {
    let mut packages = host.packages_open(admindir, Path::new(""), None)?;
    let package = packages.add(control)?;
    packages.expect(package, Expect::ToBeInstalled)?;
    for (field, name) in [(Field::Depends, "Depends"), (Field::Conflicts, "Conflicts")] {
        host.output(format!("{name}: "))?;
        match packages.judge(package, field)? {
            Verdict::Holds => host.output("holds\n")?,
            Verdict::Fails {
                group,
                culprit,
                why,
            } => {
                let culprit = match culprit {
                    None => String::new(),
                    Some(culprit) => {
                        format!(" {}", packages.info(culprit, Which::Installed)?.name)
                    }
                };
                host.output(format!("fails at {group}{culprit}\n"))?;
                host.output([&why[..], b"\n"].concat())?;
            }
        }
    }
    Ok(())
}

fn list(host: Host, admindir: &Path) -> Result<(), Failed> {
    let packages = host.packages_open(admindir, Path::new(""), None)?;
    for package in packages.all()? {
        let i = packages.info(package, Which::Installed)?;
        let words = [i.name, i.architecture, i.version, i.want, i.status];
        host.output(words.join(" ") + "\n")?;
    }
    Ok(())
}

/// What the types forbid: dpkg-ng refuses it, too.
#[expect(unsafe_code, reason = "to see what happens")]
fn stray(host: Host) -> Result<(), Failed> {
    let table = host.table() as usize;
    let other = std::thread::spawn(move || {
        // SAFETY: the table; and this is not the thread to call it on.
        let host = unsafe { Host::of(table as *const dpkgng_plugin::abi::Host) };
        host.output("never\n")
    });
    let told = match other.join() {
        Ok(Ok(())) => "it was heard".to_owned(),
        Ok(Err(failed)) => failed.to_string(),
        Err(_) => "it panicked".to_owned(),
    };
    host.output(told + "\n")
}
