//! What a rewritten file shall say, and what of it a file does not say yet.

use super::consts::*;
use super::fault::Fault;
use super::image::{Image, PATH_MAX};
use super::machine;
use super::rewrite::{Skip, Unsupported};

/// Which tag carries the search path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PathTag {
    /// DT_RUNPATH: after LD_LIBRARY_PATH, for the file's own needs. The default.
    #[default]
    Runpath,
    /// DT_RPATH: before LD_LIBRARY_PATH, for what the needs need, too (`--link-mode=rpath`).
    Rpath,
}

impl PathTag {
    pub(super) fn tag(self) -> u64 {
        match self {
            PathTag::Runpath => DT_RUNPATH,
            PathTag::Rpath => DT_RPATH,
        }
    }
}

/// What the rewritten files of one installation have in common.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// The ld.so to start programs with, where glibc's is named now. It stands beside
    /// the `libc.so.6` that `path` finds first.
    pub interpreter: Option<Vec<u8>>,
    /// Interpreters that are not glibc's: as named now, and where they are to be found.
    pub foreign_interpreters: Vec<(Vec<u8>, Vec<u8>)>,
    /// The directories to search first.
    pub path: Vec<Vec<u8>>,
    /// Below what the absolute directories of existing entries are found first; each entry gives
    /// one for each of these, before itself.
    pub reroot: Vec<Vec<u8>>,
    /// Where the file is in its package, such as `/usr/lib/foo`: an entry with `$ORIGIN` gives one below each of
    /// `reroot`, too, as ld.so takes the directory of the symbolic link a library was found by.
    pub origin: Option<Vec<u8>>,
    /// Sonames to need besides, behind the present ones: a program's own need comes
    /// before the needs of its libraries.
    pub needed: Vec<Vec<u8>>,
    /// The tag of the search path.
    pub tag: PathTag,
}

/// What one file is to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Goal {
    /// Another interpreter, if it shall change.
    pub interpreter: Option<Vec<u8>>,
    /// What the dynamic table is to say, if it shall change.
    pub dynamic: Option<DynamicGoal>,
}

/// What the dynamic table is to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DynamicGoal {
    /// DT_RPATH or DT_RUNPATH.
    pub tag: u64,
    /// The search path, colons between its directories; `None` if there shall be none.
    pub path: Option<Vec<u8>>,
    /// Sonames to add.
    pub needed: Vec<Vec<u8>>,
}

impl DynamicGoal {
    /// The strings it takes, each with its NUL: the path first.
    pub fn strings(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for string in self.path.iter().chain(&self.needed) {
            out.extend_from_slice(string);
            out.push(0);
        }
        out
    }
}

impl Wish {
    /// Whether it can be written into an ELF file at all.
    fn check(&self) -> Result<(), Unsupported> {
        let interpreters = self.foreign_interpreters.iter().map(|(_, new)| new);
        for path in self.interpreter.iter().chain(interpreters) {
            if path.is_empty() || path.contains(&0) || path.len() as u64 >= PATH_MAX {
                return Err(Unsupported::Wish);
            }
        }
        let dirs = self.path.iter().chain(&self.reroot);
        let dirs = dirs.chain(&self.origin);
        if dirs.clone().any(|d| d.is_empty() || d.contains(&b':'))
            || dirs.chain(&self.needed).any(|d| d.contains(&0))
            || self.needed.iter().any(Vec::is_empty)
        {
            return Err(Unsupported::Wish);
        }
        Ok(())
    }

    /// What `image` is to say and does not say yet.
    pub(super) fn goal(&self, image: &Image) -> Result<Result<Goal, Skip>, Unsupported> {
        self.check()?;
        let interpreter = image.interpreter().map_err(Unsupported::Input)?;
        let mut needed = Vec::new();
        for offset in image.dynamic.iter().flat_map(|d| d.values(DT_NEEDED)) {
            let name = image.string(offset);
            needed.push(name.ok_or(Unsupported::Input(Fault::DanglingString))?);
        }
        let target = match &interpreter {
            None if image.dynamic.is_none() => return Ok(Err(Skip::Static)),
            None if needed.is_empty() => return Ok(Err(Skip::NeedsNothing)),
            None => None,
            Some(now) if machine::is_glibc_interpreter(now) => self.interpreter.as_ref(),
            Some(now) => match self
                .foreign_interpreters
                .iter()
                .find(|(old, new)| old == now || new == now)
            {
                Some((_, new)) => Some(new),
                None => return Ok(Err(Skip::ForeignInterpreter)),
            },
        };
        let goal = Goal {
            interpreter: target.filter(|t| Some(*t) != interpreter.as_ref()).cloned(),
            dynamic: self.dynamic_goal(image, &needed)?,
        };
        if goal.interpreter.is_none() && goal.dynamic.is_none() {
            return Ok(Err(Skip::AlreadySo));
        }
        Ok(Ok(goal))
    }

    fn dynamic_goal(
        &self,
        image: &Image,
        present: &[Vec<u8>],
    ) -> Result<Option<DynamicGoal>, Unsupported> {
        let Some(dynamic) = &image.dynamic else {
            return Ok(None);
        };
        // DT_RPATH means nothing beside DT_RUNPATH.
        let old = dynamic.value(DT_RUNPATH).or(dynamic.value(DT_RPATH));
        let old = match old {
            Some(offset) => {
                let path = image.string(offset);
                Some(path.ok_or(Unsupported::Input(Fault::DanglingString))?)
            }
            None => None,
        };
        let path = self.joined(old.as_deref());
        let added = self.needed.iter().filter(|n| !present.contains(n));
        let needed: Vec<Vec<u8>> = added.cloned().collect();
        let tag = self.tag.tag();
        let tags = |t| dynamic.values(t).count();
        let now = (tags(DT_RPATH) + tags(DT_RUNPATH), tags(tag));
        let as_wished = match &path {
            Some(_) => now == (1, 1),
            None => now.0 == 0,
        };
        if needed.is_empty() && path == old && as_wished {
            return Ok(None);
        }
        Ok(Some(DynamicGoal { tag, path, needed }))
    }

    /// Our directories, then the present ones.
    fn joined(&self, old: Option<&[u8]>) -> Option<Vec<u8>> {
        let mut dirs: Vec<Vec<u8>> = self.path.clone();
        // An empty path is none, to ld.so, too; an empty directory in it is the current one.
        let entries = old.filter(|p| !p.is_empty());
        for entry in entries.iter().flat_map(|p| p.split(|b| *b == b':')) {
            if entry.first() == Some(&b'/') {
                // What nobody brought is where it says: with -z nodefaultlib nothing else would find it.
                let below = |root: &Vec<u8>| [root.as_slice(), entry].concat();
                dirs.extend(self.reroot.iter().map(below));
                dirs.push(entry.to_vec());
            } else {
                dirs.push(entry.to_vec());
                if let Some((origin, rest)) = self.origin.as_ref().zip(behind_origin(entry)) {
                    let below = |root: &Vec<u8>| [root.as_slice(), origin, rest].concat();
                    dirs.extend(self.reroot.iter().map(below));
                }
            }
        }
        let mut kept: Vec<Vec<u8>> = Vec::new();
        for dir in dirs {
            if !kept.contains(&dir) {
                kept.push(dir);
            }
        }
        (!kept.is_empty()).then(|| kept.join(&b':'))
    }
}

/// What stands behind `$ORIGIN`: nothing, or a path.
fn behind_origin(entry: &[u8]) -> Option<&[u8]> {
    let names: [&[u8]; 2] = [b"$ORIGIN", b"${ORIGIN}"];
    let rest = names.iter().find_map(|n| entry.strip_prefix(*n))?;
    matches!(rest.first(), None | Some(b'/')).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(old: &str, reroot: &[&str]) -> String {
        let wish = Wish {
            path: vec![b"/i/lib".to_vec(), b"/c/lib".to_vec()],
            reroot: reroot.iter().map(|r| r.as_bytes().to_vec()).collect(),
            origin: Some(b"/usr/lib/o".to_vec()),
            ..Wish::default()
        };
        String::from_utf8(wish.joined(Some(old.as_bytes())).unwrap()).unwrap()
    }

    #[test]
    fn present_entries_stay_behind_ours() {
        assert_eq!(joined("", &[]), "/i/lib:/c/lib");
        assert_eq!(
            joined("$ORIGIN/../x:/c/lib", &[]),
            "/i/lib:/c/lib:$ORIGIN/../x"
        );
        assert_eq!(
            joined("/usr/lib/samba:${ORIGIN}::y:$ORIGINAL", &["/i", "/c"]),
            "/i/lib:/c/lib:/i/usr/lib/samba:/c/usr/lib/samba:/usr/lib/samba:${ORIGIN}:/i/usr/lib/o:/c/usr/lib/o::y:$ORIGINAL"
        );
    }
}
