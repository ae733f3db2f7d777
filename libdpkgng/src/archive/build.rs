//! Building `.deb` files: `dpkg-deb --build` (dpkg's build.c).
//!
//! The checks come first and in dpkg's order; the archive is written in place, member by member,
//! each packed into an unlinked temporary file before (its size stands in front of it). Packing is
//! deterministic: [`treewalk`](super::treewalk) order with symbolic links last, GNU tar bytes,
//! times clamped. The same tree gives the same bytes.

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::ar::ArWriter;
use super::compress::{Compressor, Encoder, Params};
use super::deb::{CONTROL_MEMBER, DATA_MEMBER, DebVersion, MAGIC_MEMBER};
use super::take_error;
use super::tarwrite::{PackOptions, TarWriter, path_below};
use super::treewalk::TreeWalk;
use crate::error::{Error, OrFail as _, Result};
use crate::msg::Msg;
use crate::report::{Event, Reporter};
use crate::{bail, err, msg, msgn};

mod check;

/// The directory of a tree that holds the control files.
pub const CONTROL_DIR: &str = "DEBIAN";
const EXTENSION: &str = ".deb";

/// The options of `--build`.
#[derive(Clone, Debug)]
pub struct BuildOptions {
    /// Check the control files (off: `--no-check`).
    pub check: bool,
    /// Everything in the data member belongs to root.
    pub root_owner_group: bool,
    /// The control member is compressed like the data member.
    pub uniform_compression: bool,
    /// How to compress; checked before.
    pub params: Params,
    /// [`DebVersion::CURRENT`] or [`DebVersion::OLD`].
    pub format: DebVersion,
    /// Later times are clamped to this (`SOURCE_DATE_EPOCH` or now). An error is raised once
    /// the checks are done.
    pub timestamp: Result<i64>,
    /// Where temporary files go.
    pub tmpdir: PathBuf,
    /// The program's name, for what dpkg says from a child process.
    pub progname: String,
    /// What lines of information start with (`dpkg-deb:`, maybe in colour).
    pub info_prefix: Vec<u8>,
    /// What hints start with (`dpkg-deb: hint:`).
    pub hint_prefix: Vec<u8>,
}

/// Build a package from `dir` into `dest`: a file, a directory, or (none) beside `dir`.
pub fn build(
    dir: &Path,
    dest: Option<&Path>,
    options: &BuildOptions,
    report: &mut dyn Reporter,
) -> Result<()> {
    let target = destination(dir, dest)?;
    let ctrl_dir = joined(dir, CONTROL_DIR.as_bytes());
    let info = |report: &mut dyn Reporter, text: Msg| {
        report.event(&Event::Output(msg!("%s %s\n", &options.info_prefix, text)));
    };
    let target = if options.check {
        let id = check::check_build_files(&ctrl_dir, dir, options, report)?;
        let target = match (target, dest) {
            (Some(target), _) => target,
            (None, dest) => joined(
                dest.unwrap_or(dir),
                &[
                    &id.name[..],
                    b"_",
                    &id.version,
                    b"_",
                    &id.arch,
                    EXTENSION.as_bytes(),
                ]
                .concat(),
            ),
        };
        info(
            report,
            msg!("building package '%s' in '%s'.", &id.name, &target),
        );
        target
    } else {
        let Some(target) = target else {
            bail!("target is directory - cannot skip control file check");
        };
        report.warning(msg!("not checking contents of control area"));
        info(
            report,
            msg!("building an unknown package in '%s'.", &target),
        );
        target
    };
    report.event(&Event::Flush);
    report.check()?;
    let timestamp = options.timestamp.clone()?;
    write_deb(dir, &ctrl_dir, &target, timestamp, options, report)
}

fn write_deb(
    dir: &Path,
    ctrl_dir: &Path,
    target: &Path,
    timestamp: i64,
    options: &BuildOptions,
    report: &mut dyn Reporter,
) -> Result<()> {
    let file = File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o644)
        .open(target)
        .or_fail(|| msg!("unable to create '%.255s'", target))?;
    let target_name = target.as_os_str().as_bytes();
    let mut ar = ArWriter::new(file, target_name, timestamp);
    let old_format = options.format.major == 0;

    let control = Member {
        dir: ctrl_dir,
        what: "control member",
        data: false,
        params: if options.uniform_compression {
            options.params
        } else {
            let mut params = Params::new(Compressor::Gzip);
            params.check()?;
            params
        },
        pack: PackOptions {
            timestamp,
            control_modes: true,
            root_owner_group: true,
        },
    };
    let (mut packed, size) = control.pack_aside(options, report)?;
    if old_format {
        let head = format!("{:<8}\n{size}\n", "0.939000");
        let out = ar.get_mut();
        out.write_all(head.as_bytes())
            .or_fail(|| msg!("error writing '%s'", target))?;
        std::io::copy(&mut packed, out).map_err(|e| {
            let problem = take_error(e, || msg!("failed to write")).msg;
            err!(
                "cannot copy '%s' into archive '%s': %s",
                msg!("control member"),
                target,
                problem
            )
        })?;
    } else {
        ar.put_magic()?;
        ar.put_member(MAGIC_MEMBER, b"2.0\n")?;
        let name = format!("{CONTROL_MEMBER}{}", control.params.compressor.extension());
        ar.put_member_from(&name, &mut packed, size)?;
    }

    let data = Member {
        dir,
        what: "data member",
        data: true,
        params: options.params,
        pack: PackOptions {
            timestamp,
            control_modes: false,
            root_owner_group: options.root_owner_group,
        },
    };
    if old_format {
        data.pack_into(ar.get_mut(), options, report)?;
    } else {
        let (mut packed, size) = data.pack_aside(options, report)?;
        let name = format!("{DATA_MEMBER}{}", data.params.compressor.extension());
        ar.put_member_from(&name, &mut packed, size)?;
    }
    ar.into_inner()
        .sync_all()
        .or_fail(|| msg!("unable to sync file '%s'", target))
}

/// One tar member to be.
struct Member<'a> {
    dir: &'a Path,
    /// Its name in messages.
    what: &'static str,
    /// The data member: control directory left out, symbolic links last.
    data: bool,
    params: Params,
    pack: PackOptions,
}

impl Member<'_> {
    /// Pack into an unlinked temporary file; returns it rewound, and its size.
    fn pack_aside(&self, options: &BuildOptions, report: &mut dyn Reporter) -> Result<(File, u64)> {
        let template = joined(&options.tmpdir, b"dpkg-deb.XXXXXX");
        let (fd, path) = nix::unistd::mkstemp(&template)
            .or_fail(|| msg!("failed to make temporary file (%s)", msg!(self.what)))?;
        let mut file = File::from(fd);
        std::fs::remove_file(&path).map_err(|_| {
            err!(
                "failed to unlink temporary file (%s), %s",
                msg!(self.what),
                &path
            )
        })?;
        self.pack_into(&mut file, options, report)?;
        file.seek(SeekFrom::Start(0))
            .or_fail(|| msg!("failed to rewind temporary file (%s)", msg!(self.what)))?;
        let size = file
            .metadata()
            .or_fail(|| msg!("failed to stat temporary file (%s)", msg!(self.what)))?
            .size();
        Ok((file, size))
    }

    /// Pack and compress into `out` (`tarball_pack`).
    fn pack_into(
        &self,
        out: &mut File,
        options: &BuildOptions,
        report: &mut dyn Reporter,
    ) -> Result<()> {
        // dpkg compresses in a child process: its reason comes first, then the parent's verdict.
        let in_child = |e: Error, report: &mut dyn Reporter| {
            report.event(&Event::Stderr(msg!(
                "%s (subprocess): %s\n",
                &options.progname,
                &e.msg
            )));
            err!(
                "%s subprocess returned error exit status %d",
                msg!("<compress> from tar -cf"),
                2
            )
        };
        let encoder = match Encoder::new(&self.params, out, msg!("compressing tar member")) {
            Ok(encoder) => encoder,
            Err(e) => return Err(in_child(e, report)),
        };
        if let Err(e) = std::fs::metadata(self.dir) {
            // Stock's tar child finds out as well, and first.
            let text = Error::os(msg!("failed to chdir to '%.255s'", self.dir), e).msg;
            report.event(&Event::Stderr(msg!(
                "%s (subprocess): %s\n",
                &options.progname,
                text
            )));
        }
        let mut tar = TarWriter::new(encoder, self.pack);
        let mut symlinks = Vec::new();
        let mut walk = TreeWalk::new(self.dir)?;
        while let Some(node) = walk.next_node()? {
            if self.data && node.virtname.starts_with(CONTROL_DIR.as_bytes()) {
                continue;
            }
            let name = [b"./", &node.virtname[..]].concat();
            if self.data && options.check && name.contains(&b'\n') {
                bail!("newline not allowed in pathname '%s'", name);
            }
            if self.data && node.is_symlink {
                symlinks.push(name);
            } else if let Err(e) = tar.append(&node.path, &name, report) {
                return Err(in_child(e, report));
            }
        }
        for name in symlinks {
            if let Err(e) = tar.append(&path_below(self.dir, &name), &name, report) {
                return Err(in_child(e, report));
            }
        }
        let finished = tar
            .finish()
            .and_then(|(encoder, status)| encoder.finish().map(|_| status));
        match finished {
            Err(e) => Err(in_child(e, report)),
            Ok(0) => Ok(()),
            Ok(status) => {
                if status == 2 {
                    report.event(&Event::Stderr(msg!(
                        "%s: %s\n",
                        "tar",
                        msg!("Exiting with failure status due to previous errors").of("tar")
                    )));
                }
                bail!(
                    "%s subprocess returned error exit status %d",
                    "tar -cf",
                    status
                )
            }
        }
    }
}

/// `dir/name` as dpkg puts paths together, slashes kept as given.
fn joined(dir: &Path, name: &[u8]) -> PathBuf {
    let mut path = dir.as_os_str().as_bytes().to_vec();
    path.push(b'/');
    path.extend_from_slice(name);
    PathBuf::from(std::ffi::OsString::from_vec(path))
}

/// The file to build, or `None` when that is a directory and the name depends on the package.
fn destination(dir: &Path, dest: Option<&Path>) -> Result<Option<PathBuf>> {
    let Some(dest) = dest else {
        let mut path = dir.as_os_str().as_bytes();
        // `x/`, `x/.` and any more of them are `x`.
        while path.len() > 1 {
            path = match path {
                [head @ .., b'/'] => head,
                [head @ .., b'/', b'.'] => path.get(..head.len() + 1).unwrap_or(head),
                _ => break,
            };
        }
        let path = [path, EXTENSION.as_bytes()].concat();
        return Ok(Some(PathBuf::from(std::ffi::OsString::from_vec(path))));
    };
    match std::fs::metadata(dest) {
        Ok(stat) if stat.is_dir() => Ok(None),
        Ok(_) => Ok(Some(dest.to_owned())),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Some(dest.to_owned())),
        Err(e) => Err(Error::os(
            msg!("unable to check for existence of archive '%.250s'", dest),
            e,
        )),
    }
}

/// The warning that sums up the warnings before it.
fn ignoring(warnings: u64) -> Msg {
    msgn!(
        warnings,
        "ignoring %d warning about the control file(s)",
        "ignoring %d warnings about the control file(s)",
        warnings
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_archives() {
        let name = |dir: &str| {
            let path = destination(Path::new(dir), None).unwrap().unwrap();
            path.display().to_string()
        };
        assert_eq!(name("x"), "x.deb");
        assert_eq!(name("x//"), "x.deb");
        assert_eq!(name("a/x/./."), "a/x.deb");
        assert_eq!(name("."), "..deb");
        assert_eq!(name("/"), "/.deb");
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(destination(Path::new("x"), Some(dir.path())).unwrap(), None);
    }
}
