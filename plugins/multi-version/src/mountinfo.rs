//! Reading mountinfo, proc_pid_mountinfo(5).
#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// A mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mount {
    /// Of the file system, `8:1`.
    pub(crate) device: Vec<u8>,
    /// What of the file system is mounted.
    pub(crate) root: PathBuf,
    /// Where.
    pub(crate) point: PathBuf,
    /// `ext4` and the like.
    pub(crate) kind: Vec<u8>,
    /// Options of the file system, as the kernel writes them.
    pub(crate) options: Vec<u8>,
}

/// `\040` and the like.
pub(crate) fn unescape(word: &[u8]) -> PathBuf {
    let mut bytes = Vec::new();
    let mut rest = word;
    while let [head, tail @ ..] = rest {
        let digits = tail.get(..3).filter(|_| *head == b'\\');
        let octal = digits.and_then(|d| std::str::from_utf8(d).ok());
        match octal.and_then(|d| u8::from_str_radix(d, 8).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = tail.get(3..).unwrap_or_default();
            }
            None => {
                bytes.push(*head);
                rest = tail;
            }
        }
    }
    PathBuf::from(OsString::from_vec(bytes))
}

/// The mounts of a mountinfo, in its order: the later of two at one point is on top.
pub(crate) fn mounts(text: &[u8]) -> Vec<Mount> {
    let mount = |line: &[u8]| {
        let mut words = line.split(|b| *b == b' ');
        let device = words.nth(2)?.to_vec();
        let (root, point) = (unescape(words.next()?), unescape(words.next()?));
        // Between them are any number of optional fields.
        let mut words = words.skip_while(|w| *w != b"-").skip(1);
        Some(Mount {
            device,
            root,
            point,
            kind: words.next()?.to_vec(),
            options: words.nth(1)?.to_vec(),
        })
    };
    text.split(|b| *b == b'\n').filter_map(mount).collect()
}

impl Mount {
    /// Where changes of an overlay go, if anywhere.
    pub(crate) fn upper(&self) -> Option<PathBuf> {
        let mut words = self.options.split(|b| *b == b',');
        words
            .find_map(|w| w.strip_prefix(b"upperdir="))
            .map(unescape)
    }

    /// The layers of an overlay, topmost first; none for other file systems.
    pub(crate) fn layers(&self) -> Vec<PathBuf> {
        if self.kind != b"overlay" {
            return Vec::new();
        }
        let option = |word: &[u8]| {
            let value = word.strip_prefix(b"lowerdir+=");
            let value = value.or_else(|| word.strip_prefix(b"lowerdir="))?;
            let paths = value.split(|b| *b == b':').filter(|p| !p.is_empty());
            Some(paths.map(unescape).collect::<Vec<_>>())
        };
        let words = self.options.split(|b| *b == b',');
        words.filter_map(option).flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn a_line_and_its_layers() {
        let info = b"1 0 8:1 /@root /a\\040b rw shared:1 master:2 - ext4 /dev/a rw\n\
            2 1 0:50 / /usr ro - overlay overlay ro,lowerdir=/x:/y\\040z,redirect_dir=on\n\
            3 1 0:51 / /usr ro - overlay overlay ro,lowerdir+=/x,lowerdir+=/y\nbroken\n";
        let all = mounts(info);
        assert_eq!(all.len(), 3);
        assert_eq!(all[0].point, Path::new("/a b"));
        assert!(all[0].layers().is_empty());
        assert_eq!(all[1].layers(), [Path::new("/x"), Path::new("/y z")]);
        assert_eq!(all[2].layers(), [Path::new("/x"), Path::new("/y")]);
    }
}
