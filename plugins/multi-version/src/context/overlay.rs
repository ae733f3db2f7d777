//! Mounting an overlay: a layer at a time where the kernel takes them so (6.8), else with all in one option.

use std::ffi::{CString, OsStr};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::CWD;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, MoveMountFlags, fsconfig_create,
    fsconfig_set_string, fsmount, fsopen, mount, move_mount,
};

use super::Upper;
use crate::rootless::is_mapped;

/// fsconfig(2) takes strings shorter than this; mount(2) a page.
const LONGEST: usize = 256;

/// What is changed is to be in the upper directory as it is: no directory as a reference to where it was, no file
/// without its content.
const PLAIN: &[(&str, &str)] = &[(REDIRECT, "off"), ("metacopy", "off"), ("index", "off")];

/// With [`USER_XATTR`] it is off, and must not be said to be.
const REDIRECT: &str = "redirect_dir";

fn plain() -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    let mapped = is_mapped();
    PLAIN
        .iter()
        .filter(move |(name, _)| !(mapped && *name == REDIRECT))
}

/// Has notes be kept where the root of a user namespace may write them.
const USER_XATTR: &str = "userxattr";

/// Lay `layers`, the first on top, over `at`.
pub(super) fn lay(at: &Path, layers: &[PathBuf], upper: Option<&Upper>) -> io::Result<()> {
    let paths = layers.iter().map(PathBuf::as_path);
    let uppers = upper
        .iter()
        .flat_map(|u| [u.dir.as_path(), u.work.as_path()]);
    let short = paths
        .chain(uppers)
        .all(|p| p.as_os_str().len() < LONGEST - 1);
    if short && one_by_one(at, layers, upper).is_ok() {
        return Ok(());
    }
    // Whatever was wrong, this tells it, too.
    let mut options = options(layers, upper);
    if is_mapped() {
        options.extend(format!(",{USER_XATTR}").bytes());
    }
    let options = CString::new(options)?;
    let flags = match upper {
        Some(_) => MountFlags::empty(),
        None => MountFlags::RDONLY,
    };
    Ok(mount(
        "overlay",
        at,
        "overlay",
        flags,
        Some(options.as_c_str()),
    )?)
}

/// What to do where the kernel does not take an upper directory.
pub(super) fn hint(upper: &Path) -> String {
    const OVERLAYFS: u64 = 0x794c_7630;
    match rustix::fs::statfs(upper) {
        Ok(is) if is.f_type as u64 == OVERLAYFS => format!(
            " (overlayfs does not write to itself: '{}' has to be on another file system, in a container on a volume)",
            upper.display()
        ),
        _ => String::new(),
    }
}

fn one_by_one(at: &Path, layers: &[PathBuf], upper: Option<&Upper>) -> io::Result<()> {
    let fs = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_set_string(&fs, "source", "overlay")?;
    for layer in layers {
        fsconfig_set_string(&fs, "lowerdir+", layer.as_path())?;
    }
    if is_mapped() {
        rustix::mount::fsconfig_set_flag(&fs, USER_XATTR)?;
    }
    let attributes = match upper {
        Some(upper) => {
            fsconfig_set_string(&fs, "upperdir", upper.dir.as_path())?;
            fsconfig_set_string(&fs, "workdir", upper.work.as_path())?;
            for (name, value) in plain() {
                fsconfig_set_string(&fs, *name, *value)?;
            }
            MountAttrFlags::empty()
        }
        None => MountAttrFlags::MOUNT_ATTR_RDONLY,
    };
    fsconfig_create(&fs)?;
    let mount = fsmount(&fs, FsMountFlags::FSMOUNT_CLOEXEC, attributes)?;
    let how = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
    Ok(move_mount(&mount, "", CWD, at, how)?)
}

/// The options of mount(2).
fn options(layers: &[PathBuf], upper: Option<&Upper>) -> Vec<u8> {
    let layers = layers.iter().map(|l| escaped(l.as_os_str()));
    let mut options = [b"lowerdir=", &layers.collect::<Vec<_>>().join(&b':')[..]].concat();
    if let Some(Upper { dir, work }) = upper {
        for (name, path) in [(",upperdir=", dir), (",workdir=", work)] {
            options.extend_from_slice(name.as_bytes());
            options.extend(escaped(path.as_os_str()));
        }
        for (name, value) in plain() {
            options.extend(format!(",{name}={value}").bytes());
        }
    }
    options
}

/// A colon separates layers and a comma options.
fn escaped(path: &OsStr) -> Vec<u8> {
    let escape = |b: &u8| match b {
        b':' | b',' | b'\\' => vec![b'\\', *b],
        b => vec![*b],
    };
    path.as_bytes().iter().flat_map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_separates_is_escaped() {
        let layers = ["/a:b".into(), "/c,d\\e".into(), "/usr".into()];
        assert_eq!(options(&layers, None), br"lowerdir=/a\:b:/c\,d\\e:/usr");
        let upper = Upper {
            dir: "/u".into(),
            work: "/w,".into(),
        };
        assert_eq!(
            options(&layers[2..], Some(&upper)),
            br"lowerdir=/usr,upperdir=/u,workdir=/w\,,redirect_dir=off,metacopy=off,index=off"
        );
    }
}
