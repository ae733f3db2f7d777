//! What dpkg-query knows of a package's files.

use std::cell::RefCell;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::sync::Once;

use nix::sys::stat::umask;

use super::call::argument;
use super::files;
use super::{Helper, INTERNAL_API};
use crate::cli::REFERENCE_VERSION;
use crate::locale;
use crate::query::{self, Answer};
use crate::shell::{self, Exit, Step, Words, os};

/// The list of a package's files. It is asked for anew for each file, as dpkg-query may have
/// something to say each time, unless it had nothing to say the first time.
pub struct FileList {
    package: Vec<u8>,
    known: RefCell<Option<Vec<u8>>>,
}

impl FileList {
    /// That of this package.
    pub fn of(package: &[u8]) -> FileList {
        FileList {
            package: package.to_vec(),
            known: RefCell::new(None),
        }
    }
}

/// Whether a line of `list` is a line of `file` (`grep -F -q -x FILE`).
fn has_line(list: &[u8], file: &[u8]) -> bool {
    let list = list.strip_suffix(b"\n").unwrap_or(list);
    let mut lines = list.split(|c| *c == b'\n');
    lines.any(|line| file.split(|c| *c == b'\n').any(|f| f == line))
}

impl Helper {
    /// `$(dpkg-query ARGS)`
    ///
    /// A package that it does not know (exit code 1) is none of ours, and has no files. What it
    /// could not read must not be taken for that, as the script does.
    fn query(&self, args: &[&[u8]]) -> Step<Answer> {
        // The script speaks English, dpkg-query the user's language.
        static FOLLOW: Once = Once::new();
        FOLLOW.call_once(|| locale::follow("dpkg-query", &self.env));
        let args: Vec<OsString> = args.iter().map(|a| os(a).to_owned()).collect();
        let answer = query::answer(self.env.clone(), &args);
        // dpkg's tools have their own.
        umask(self.umask);
        match answer.code {
            0 | 1 => Ok(answer),
            code => Err(Exit(code)),
        }
    }

    /// `ensure_package_owns_file`
    pub fn owns(&self, list: &FileList, file: &[u8]) -> Step<bool> {
        let mut known = list.known.borrow_mut();
        let owned = match &*known {
            Some(lines) => has_line(lines, file),
            None => {
                let answer = self.query(&[b"-L", &list.package])?;
                let owned = has_line(&answer.output, file);
                if answer.quiet {
                    *known = Some(answer.output);
                }
                owned
            }
        };
        if !owned {
            self.words.debug(|| {
                let line: [&[u8]; 6] = [
                    b"File '",
                    file,
                    b"' not owned by package  '",
                    &list.package,
                    b"', skipping ",
                    &self.command,
                ];
                line.concat()
            });
        }
        Ok(owned)
    }

    /// The package's conffiles as lines of ` PATH MD5SUM [FLAG]`.
    pub fn conffiles(&self, package: &[u8], format: &str) -> Step<Vec<u8>> {
        let format = ["-f=", format].concat();
        Ok(self.query(&[b"-W", format.as_bytes(), package])?.output)
    }

    /// The checksum of the conffile as it came with the package.
    pub fn shipped_md5sum(&self, package: &[u8], conffile: &[u8]) -> Step<Vec<u8>> {
        let list = self.conffiles(package, "${Conffiles}")?;
        if let Some(found) = field_of(&list, conffile) {
            return Ok(found);
        }
        // The name is a pattern to the script; what it means in full, sed knows.
        let script = [b"\\'^ ", conffile, b" ' { s/ obsolete$//; s/.* //; p }"].concat();
        shell::filter(&self.env, "sed", &[b"-n", b"-e", &script], &list)
    }

    /// `symlink_match`: whether a link has this target, as it is written or in the end.
    pub fn leads_to(&self, link: &[u8], target: &[u8]) -> Step<bool> {
        let written = self.readlink(&self.below_root(link, ""))?;
        Ok(written == target || self.resolves_to(link, target))
    }

    /// Whether that is the path's canonical form inside the root.
    pub fn resolves_to(&self, path: &[u8], target: &[u8]) -> bool {
        let real = shell::output(&self.env, "dpkg-realpath", &[path], false);
        real.is_ok_and(|(_, real)| shell::substituted(&real) == target)
    }
}

/// What the script's sed finds for a name in which nothing but `.` has a meaning; `None` where
/// that is not so.
fn field_of(list: &[u8], conffile: &[u8]) -> Option<Vec<u8>> {
    let plain = |c: &u8| c.is_ascii_alphanumeric() || b"/_-+.,:~@=%".contains(c);
    if !conffile.iter().all(plain) || !list.is_ascii() {
        return None;
    }
    let is_it = |line: &&[u8]| {
        let found = line
            .strip_prefix(b" ")
            .and_then(|l| l.get(..conffile.len()));
        found.is_some_and(|f| f.iter().zip(conffile).all(|(a, b)| a == b || *b == b'.'))
            && line.get(conffile.len() + 1) == Some(&b' ')
    };
    let sums = list.split(|c| *c == b'\n').filter(is_it).map(|line| {
        let line = line.strip_suffix(b" obsolete").unwrap_or(line);
        line.rsplit(|c| *c == b' ').next().unwrap_or_default()
    });
    Some(shell::substituted(&sums.collect::<Vec<_>>().join(&b'\n')))
}

/// `_internal_pkg_must_own_file`: what the script has xargs call for each file.
pub fn must_own_file(helper: &Helper, args: &[OsString]) -> Step {
    if helper.variable(INTERNAL_API) != REFERENCE_VERSION.as_bytes() {
        return Err(helper.words.error(b"internal API used by external command"));
    }
    let file = argument(args, 1);
    let list = FileList::of(argument(args, 0));
    helper.must_own(&list, file)
}

impl Helper {
    /// An error unless the package owns a file of the root.
    pub fn must_own(&self, list: &FileList, file: &[u8]) -> Step {
        let file = file.strip_prefix(&*self.root).unwrap_or(file);
        // What cannot be told is not taken for owned.
        if self.owns(list, file).unwrap_or(false) {
            return Ok(());
        }
        let text = [
            b"file '",
            file,
            b"' not owned by package '",
            &list.package,
            b"'",
        ];
        Err(self.words.error(&text.concat()))
    }

    /// Whether the package owns a whole tree; what it does not own is named.
    pub fn must_own_tree(&self, package: &[u8], tree: &[u8]) -> Step<bool> {
        let inner = Helper {
            env: self.env.clone(),
            path: self.path.clone(),
            root: self.root.clone(),
            words: Words::new(&self.env, &self.path),
            command: b"_internal_pkg_must_own_file".to_vec(),
            umask: self.umask,
        };
        let list = FileList::of(package);
        let mut all = true;
        for file in files::find(&self.env, tree)? {
            let owned = inner.must_own(&list, os(&file).as_bytes());
            all &= owned.is_ok();
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_patterns() {
        let list = b"\n /etc/a.c 11\n /etc/a-c 22 obsolete\n /etc/b 33 remove-on-upgrade";
        let of = |name: &str| {
            let found = field_of(list, name.as_bytes())?;
            Some(String::from_utf8_lossy(&found).into_owned())
        };
        assert_eq!(of("/etc/a.c"), Some("11\n22".into()));
        assert_eq!(of("/etc/a-c"), Some("22".into()));
        assert_eq!(of("/etc/b"), Some("remove-on-upgrade".into()));
        assert_eq!(of("/etc"), Some(String::new()));
        assert_eq!(of("/etc/[ab]"), None);
    }
}
