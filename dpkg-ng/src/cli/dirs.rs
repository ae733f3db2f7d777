//! The root directory and the database directory, and who sets which.
//!
//! `--root` sets both, `--instdir` the root alone (the database stays where it was at that
//! moment), `--admindir` the database alone; `DPKG_ROOT` and `DPKG_ADMINDIR` are what holds
//! until an option says otherwise. Names are made canonical by the file system, or word by
//! word where they do not exist.

use std::ffi::OsStr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use libdpkgng::db;
use libdpkgng::error::{Error, Result};
use libdpkgng::msg;
use libdpkgng::report::debug;
use libdpkgng::sys::realpath;

use super::{Env, Process};

/// The database directory inside the root directory.
pub const ADMINDIR: &str = "/var/lib/dpkg";

/// The two directories; each is fixed at its first use.
#[derive(Clone, Debug, Default)]
pub struct Dirs {
    root: Option<Vec<u8>>,
    admin: Option<Vec<u8>>,
}

impl Dirs {
    /// The root directory: empty for `/`, never with a slash at its end.
    ///
    /// # Errors
    /// `DPKG_ROOT` cannot be made canonical.
    pub fn root(&mut self, env: &Env) -> Result<&[u8]> {
        if self.root.is_none() {
            self.root = Some(match env.get("DPKG_ROOT") {
                None => Vec::new(),
                Some(dir) => normalize_root(dir.as_bytes())?,
            });
        }
        Ok(self.root.as_deref().unwrap_or_default())
    }

    /// The database directory.
    ///
    /// # Errors
    /// `DPKG_ROOT` or `DPKG_ADMINDIR` cannot be made canonical.
    pub fn admin(&mut self, env: &Env) -> Result<&[u8]> {
        if self.admin.is_none() {
            let below_root = self.below_root(env, ADMINDIR.as_bytes())?;
            self.admin = Some(match env.get("DPKG_ADMINDIR") {
                Some(dir) => canonicalize(dir.as_bytes())?,
                None => below_root,
            });
        }
        Ok(self.admin.as_deref().unwrap_or_default())
    }

    /// Both, for good, and said to who debugs.
    ///
    /// # Errors
    /// A name cannot be made canonical.
    pub fn settle(mut self, process: &mut Process) -> Result<db::Dirs> {
        let path = |bytes: &[u8]| OsStr::from_bytes(bytes).into();
        let instdir = path(self.root(&process.env)?);
        let dirs = db::Dirs::new(path(self.admin(&process.env)?), instdir);
        process.report.debug(debug::GENERAL, || {
            msg!("root=%s admindir=%s", &dirs.instdir, &dirs.admindir)
        });
        Ok(dirs)
    }

    /// `path` inside the root directory.
    fn below_root(&mut self, env: &Env, path: &[u8]) -> Result<Vec<u8>> {
        let skip = path.iter().take_while(|&&b| b == b'/').count();
        let mut full = self.root(env)?.to_vec();
        full.push(b'/');
        full.extend_from_slice(&path[skip..]);
        Ok(full)
    }

    /// `--instdir`
    ///
    /// # Errors
    /// A name cannot be made canonical.
    pub fn set_instdir(&mut self, env: &Env, dir: &OsStr) -> Result<()> {
        self.admin(env)?;
        self.root = Some(normalize_root(dir.as_bytes())?);
        Ok(())
    }

    /// `--admindir`
    ///
    /// # Errors
    /// The name cannot be made canonical.
    pub fn set_admindir(&mut self, dir: &OsStr) -> Result<()> {
        self.admin = Some(canonicalize(dir.as_bytes())?);
        Ok(())
    }

    /// `--root`
    ///
    /// # Errors
    /// The name cannot be made canonical.
    pub fn set_root(&mut self, env: &Env, dir: &OsStr) -> Result<()> {
        self.root = Some(normalize_root(dir.as_bytes())?);
        let root = self.root(env)?;
        let admin = realpath::below(root, ADMINDIR.as_bytes(), b"")?;
        self.admin = Some([root, &admin].concat());
        Ok(())
    }
}

fn normalize_root(dir: &[u8]) -> Result<Vec<u8>> {
    let mut dir = canonicalize(dir)?;
    while let [.., before, last] = dir.as_slice() {
        if *last == b'/' || (*before == b'/' && *last == b'.') {
            dir.pop();
        } else {
            break;
        }
    }
    if dir == b"/" {
        dir.clear();
    }
    Ok(dir)
}

/// realpath(3), or the lexical form of a name that does not exist.
fn canonicalize(path: &[u8]) -> Result<Vec<u8>> {
    match std::fs::canonicalize(OsStr::from_bytes(path)) {
        Ok(real) => Ok(real.into_os_string().into_vec()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(canonicalize_lexically(path)),
        Err(e) => Err(Error::os(msg!("cannot canonicalize pathname %s", path), e)),
    }
}

/// `.` and empty words go, `..` takes the word before it along.
fn canonicalize_lexically(path: &[u8]) -> Vec<u8> {
    let absolute = path.first() == Some(&b'/');
    let mut words: Vec<&[u8]> = Vec::new();
    for (i, word) in path.split(|&b| b == b'/').enumerate() {
        match word {
            b".." => {
                if !(absolute && words.len() == 1) {
                    words.pop();
                }
            }
            b"." => {}
            b"" if i > 0 => {}
            word => words.push(word),
        }
    }
    if absolute && words.len() == 1 {
        words.push(b"");
    }
    words.join(&b'/')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of dpkg's t-path.
    #[test]
    fn lexical_forms() {
        for (given, canonical) in [
            ("/", "/"),
            ("//./..//../././//..//..", "/"),
            ("/./foo/..///./bar///../././../..///end//.", "/end"),
            ("foo/../bar/../quux////fox", "quux/fox"),
            (".//aa/../bb///cc/./../dd//", "bb/dd"),
            ("..////../aa/../..///bb/../../cc/dd//", "cc/dd"),
            ("", ""),
        ] {
            let got = canonicalize_lexically(given.as_bytes());
            assert_eq!(String::from_utf8_lossy(&got), canonical, "{given}");
        }
    }

    fn env(vars: &[(&str, &str)]) -> Env {
        let mut env = Env::default();
        for (n, v) in vars {
            env.set(n, v.as_bytes());
        }
        env
    }

    fn shown(dirs: &mut Dirs, env: &Env) -> (String, String) {
        let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
        let admin = text(dirs.admin(env).unwrap());
        (text(dirs.root(env).unwrap()), admin)
    }

    #[test]
    fn options_and_environment_combine_as_in_stock() {
        let none = env(&[]);
        let pair = |r: &str, a: &str| (r.to_owned(), a.to_owned());
        let mut d = Dirs::default();
        assert_eq!(shown(&mut d, &none), pair("", ADMINDIR));
        let mut d = Dirs::default();
        d.set_root(&none, OsStr::new("/nonexistent/r/./")).unwrap();
        assert_eq!(
            shown(&mut d, &none),
            pair("/nonexistent/r", "/nonexistent/r/var/lib/dpkg")
        );
        let mut d = Dirs::default();
        d.set_instdir(&none, OsStr::new("/nonexistent/i")).unwrap();
        assert_eq!(shown(&mut d, &none), pair("/nonexistent/i", ADMINDIR));
        let rooted = env(&[("DPKG_ROOT", "/nonexistent/e/")]);
        let mut d = Dirs::default();
        d.set_instdir(&rooted, OsStr::new("/nonexistent/i"))
            .unwrap();
        assert_eq!(
            shown(&mut d, &rooted),
            pair("/nonexistent/i", "/nonexistent/e/var/lib/dpkg")
        );
        let both = env(&[
            ("DPKG_ROOT", "/nonexistent/e"),
            ("DPKG_ADMINDIR", "/nonexistent/a/../b"),
        ]);
        assert_eq!(
            shown(&mut Dirs::default(), &both),
            pair("/nonexistent/e", "/nonexistent/b")
        );
        let mut d = Dirs::default();
        d.set_admindir(OsStr::new("/nonexistent/x")).unwrap();
        d.set_root(&both, OsStr::new("/")).unwrap();
        assert_eq!(shown(&mut d, &both), pair("", "/var/lib/dpkg"));
    }
}
