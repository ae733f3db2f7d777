//! What ld.so will load, told without running anything.
//!
//! A model of glibc's search (`elf/dl-load.c`, `_dl_map_object`; ld.so(8)): a name already
//! loaded, then DT_RPATH of the loader and of those that loaded it, LD_LIBRARY_PATH, the loader's own
//! DT_RUNPATH, the cache, the default directories. RUNPATH helps only the object that has it.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::info::{DynamicInfo, Target};

/// Tells what stands at a path.
pub trait Files {
    /// The ELF object at an absolute path, symlinks followed as the kernel would; `None` if there is none.
    fn object(&self, path: &[u8]) -> Option<Rc<Object>>;
}

/// A file that may be loaded.
#[derive(Debug, Clone)]
pub struct Object {
    /// Equal for two paths to one file: device and inode, or whatever identifies it.
    pub identity: (u64, u64),
    /// Where `$ORIGIN` points: the directory of the file, symlinks in it resolved. `None` takes the
    /// directory it was found by, as ld.so does for libraries.
    pub origin: Option<Vec<u8>>,
    /// What its dynamic table says.
    pub info: DynamicInfo,
}

/// What a process brings along.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// LD_LIBRARY_PATH's directories; an empty one is the current directory.
    pub library_path: Vec<Vec<u8>>,
    /// `/etc/ld.so.cache`: soname to path, for the program's target.
    pub cache: BTreeMap<Vec<u8>, Vec<u8>>,
    /// ld.so's own directories, in order.
    pub default_dirs: Vec<Vec<u8>>,
    /// Subdirectories tried before each directory, such as `glibc-hwcaps/x86-64-v3`.
    pub hwcaps: Vec<Vec<u8>>,
    /// What `$LIB` stands for, such as `lib/x86_64-linux-gnu`.
    pub lib: Vec<u8>,
    /// What `$PLATFORM` stands for; nothing, if nobody knows: then what has it in it is not looked at.
    pub platform: Vec<u8>,
    /// The current directory, for relative paths.
    pub cwd: Vec<u8>,
    /// AT_SECURE: setuid, setgid or capabilities.
    pub secure: bool,
}

/// An object in a process.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The path it was found by.
    pub path: Vec<u8>,
    /// The file.
    pub object: Rc<Object>,
    /// Which loaded object asked for it first, by place; none for the program and ld.so.
    pub loader: Option<usize>,
    /// Under which names it is known, its soname apart.
    names: Vec<Vec<u8>>,
}

/// One need of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// Who needs it, by place among the loaded.
    pub by: usize,
    /// As written in DT_NEEDED, or as given to dlopen.
    pub name: Vec<u8>,
    /// What satisfies it, by place; none if nothing was found.
    pub found: Option<usize>,
    /// How.
    pub through: Through,
    /// For [`Through::Rpath`], whose DT_RPATH it was, by place.
    pub rpath_of: Option<usize>,
}

/// By which rule a name was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Through {
    /// It was loaded already.
    Loaded,
    /// The name is a path.
    Path,
    /// DT_RPATH of the loader or of one of its loaders.
    Rpath,
    /// LD_LIBRARY_PATH.
    LibraryPath,
    /// The loader's DT_RUNPATH.
    Runpath,
    /// `ld.so.cache`.
    Cache,
    /// The default directories.
    DefaultDirs,
    /// Not at all.
    Nothing,
}

/// What a process has loaded: a program, its closure, and what was dlopened since.
pub struct Process<'f, F: Files> {
    files: &'f F,
    environment: &'f Environment,
    target: Target,
    /// The program first, then ld.so if it is known, then libraries in the order of loading.
    pub loaded: Vec<Loaded>,
    /// Every need, in the order of looking.
    pub needs: Vec<Need>,
}

/// A file and the path it was found by.
type Hit = (Vec<u8>, Rc<Object>);

/// More objects than any process loads; needs beyond are not looked for.
const MANY: usize = 1 << 14;

impl<'f, F: Files> Process<'f, F> {
    /// Starts the program (or library, as `ldd` does) at `path`. `None` where there is none.
    pub fn start(
        files: &'f F,
        environment: &'f Environment,
        path: &[u8],
    ) -> Option<Process<'f, F>> {
        let object = files.object(path)?;
        let target = object.info.target;
        let interpreter = object.info.interpreter.clone();
        let mut process = Process {
            files,
            environment,
            target,
            loaded: vec![Loaded {
                path: path.to_vec(),
                object,
                loader: None,
                names: Vec::new(),
            }],
            needs: Vec::new(),
        };
        if let Some(path) = interpreter
            && let Some(object) = files.object(&path)
        {
            process.loaded.push(Loaded {
                path: path.clone(),
                object,
                loader: None,
                names: vec![path],
            });
        }
        process.close(0);
        Some(process)
    }

    /// dlopen of `name` by a loaded object; returns what is missing or the place of the object.
    pub fn dlopen(&mut self, by: usize, name: &[u8]) -> Option<usize> {
        let before = self.loaded.len();
        let found = self.need(by, name);
        self.close(before);
        found
    }

    /// Needs that nothing satisfied.
    pub fn missing(&self) -> impl Iterator<Item = &Need> {
        self.needs.iter().filter(|n| n.found.is_none())
    }

    /// Loads the needs of all objects from `place` on, breadth first.
    fn close(&mut self, mut place: usize) {
        while let Some(loaded) = self.loaded.get(place) {
            let object = Rc::clone(&loaded.object);
            for name in &object.info.needed {
                self.need(place, name);
            }
            place += 1;
        }
    }

    fn need(&mut self, by: usize, name: &[u8]) -> Option<usize> {
        let mut rpath_of = None;
        let (found, through) = match self.known(name) {
            Some(place) => (Some(place), Through::Loaded),
            None => match self.search(by, name, &mut rpath_of) {
                Some((path, object, through)) => (self.enter(by, name, path, object), through),
                None => (None, Through::Nothing),
            },
        };
        self.needs.push(Need {
            by,
            name: name.to_vec(),
            found,
            through,
            rpath_of,
        });
        found
    }

    /// What is loaded under that name or has it as its soname.
    fn known(&self, name: &[u8]) -> Option<usize> {
        self.loaded.iter().position(|l| {
            l.names.iter().any(|n| n == name) || l.object.info.soname.as_deref() == Some(name)
        })
    }

    /// Enters a file, or another name of one that is there.
    fn enter(
        &mut self,
        by: usize,
        name: &[u8],
        path: Vec<u8>,
        object: Rc<Object>,
    ) -> Option<usize> {
        let same = |l: &Loaded| l.object.identity == object.identity;
        if let Some(place) = self.loaded.iter().position(same) {
            let known = self.loaded.get_mut(place)?;
            known.names.push(name.to_vec());
            return Some(place);
        }
        if self.loaded.len() >= MANY {
            return None;
        }
        self.loaded.push(Loaded {
            names: vec![name.to_vec(), path.clone()],
            path,
            object,
            loader: Some(by),
        });
        Some(self.loaded.len() - 1)
    }

    fn search(
        &self,
        by: usize,
        name: &[u8],
        rpath_of: &mut Option<usize>,
    ) -> Option<(Vec<u8>, Rc<Object>, Through)> {
        let loader = self.loaded.get(by)?;
        if name.contains(&b'/') {
            let path = self.expand(loader, name)?;
            let (path, object) = self.open(&self.absolute(&path))?;
            return Some((path, object, Through::Path));
        }
        let info = &loader.object.info;
        let found = |through| move |(path, object)| (path, object, through);
        if info.runpath.is_none()
            && let Some((place, hit)) = self.search_rpaths(by, name)
        {
            *rpath_of = Some(place);
            return Some(found(Through::Rpath)(hit));
        }
        if !self.environment.secure {
            let dirs = self.environment.library_path.iter();
            let dirs = dirs.map(|d| self.expand(loader, d).unwrap_or_default());
            if let Some(hit) = self.search_dirs(dirs, name) {
                return Some(found(Through::LibraryPath)(hit));
            }
        }
        if let Some(path) = &info.runpath
            && let Some(hit) = self.search_path(loader, path, name)
        {
            return Some(found(Through::Runpath)(hit));
        }
        if let Some(hit) = self.search_cache(info.no_default_dirs, name) {
            return Some(found(Through::Cache)(hit));
        }
        if info.no_default_dirs {
            return None;
        }
        let dirs = self.environment.default_dirs.iter().cloned();
        self.search_dirs(dirs, name)
            .map(found(Through::DefaultDirs))
    }

    /// DT_RPATH of the loader, of its loader and so on, and of the program; one that has
    /// DT_RUNPATH has no DT_RPATH. With whose it was, by place.
    fn search_rpaths(&self, by: usize, name: &[u8]) -> Option<(usize, Hit)> {
        let mut next = Some(by);
        let mut met_program = false;
        while let Some(place) = next {
            met_program |= place == 0;
            if let Some(hit) = self.search_rpath(place, name) {
                return Some((place, hit));
            }
            // A loader was loaded before what it loads: this ends.
            next = self.loaded.get(place)?.loader.filter(|l| *l < place);
        }
        if met_program {
            return None;
        }
        Some((0, self.search_rpath(0, name)?))
    }

    fn search_rpath(&self, place: usize, name: &[u8]) -> Option<Hit> {
        let loaded = self.loaded.get(place)?;
        let info = &loaded.object.info;
        let path = info.rpath.as_ref().filter(|_| info.runpath.is_none())?;
        self.search_path(loaded, path, name)
    }

    fn search_path(&self, loaded: &Loaded, path: &[u8], name: &[u8]) -> Option<Hit> {
        if path.is_empty() {
            return None;
        }
        let dirs = path.split(|b| *b == b':');
        let dirs = dirs.filter_map(|d| self.expand(loaded, d));
        self.search_dirs(dirs, name)
    }

    fn search_cache(&self, no_default: bool, name: &[u8]) -> Option<Hit> {
        let path = self.environment.cache.get(name)?;
        let in_default =
            |dir: &Vec<u8>| path.starts_with(dir) && path.get(dir.len()) == Some(&b'/');
        if no_default && self.environment.default_dirs.iter().any(in_default) {
            return None;
        }
        self.open(path)
    }

    fn search_dirs(&self, dirs: impl Iterator<Item = Vec<u8>>, name: &[u8]) -> Option<Hit> {
        for dir in dirs {
            let dir = self.absolute(&dir);
            for hwcap in &self.environment.hwcaps {
                let path = [&dir, &b"/"[..], hwcap, b"/", name].concat();
                if let Some(hit) = self.open(&path) {
                    return Some(hit);
                }
            }
            if let Some(hit) = self.open(&[&dir, &b"/"[..], name].concat()) {
                return Some(hit);
            }
        }
        None
    }

    /// A file for another machine is passed over.
    fn open(&self, path: &[u8]) -> Option<Hit> {
        let object = self.files.object(path)?;
        let fits = self.target.loads(&object.info.target);
        fits.then(|| (path.to_vec(), object))
    }

    fn absolute(&self, path: &[u8]) -> Vec<u8> {
        let path = path
            .strip_suffix(b"/")
            .filter(|p| !p.is_empty())
            .unwrap_or(path);
        match path {
            [b'/', ..] => path.to_vec(),
            [] => self.environment.cwd.clone(),
            _ => [&self.environment.cwd, &b"/"[..], path].concat(),
        }
    }

    /// Replaces `$ORIGIN`, `$LIB` and `$PLATFORM`. `None` where a setuid program may not use it, or nobody knows what
    /// one stands for.
    fn expand(&self, loaded: &Loaded, text: &[u8]) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        let mut rest = text;
        let mut with_origin = false;
        while let Some(at) = memchr::memchr(b'$', rest) {
            let (before, token) = rest.split_at(at);
            out.extend_from_slice(before);
            let (value, len) = self.token(loaded, token);
            if value.is_empty() {
                return None;
            }
            with_origin |= token
                .get(..len)
                .is_some_and(|t| t.ends_with(b"ORIGIN") || t.ends_with(b"ORIGIN}"));
            out.extend_from_slice(&value);
            rest = token.get(len..).unwrap_or_default();
        }
        out.extend_from_slice(rest);
        if with_origin && self.environment.secure && !self.trusted(&out) {
            return None;
        }
        Some(out)
    }

    /// A token's value and length; a dollar that starts none stands for itself.
    fn token(&self, loaded: &Loaded, text: &[u8]) -> (Vec<u8>, usize) {
        let own = [
            (&b"ORIGIN"[..], origin(loaded)),
            (b"LIB", self.environment.lib.clone()),
            (b"PLATFORM", self.environment.platform.clone()),
        ];
        for (name, value) in own {
            let braced = [b"${", name, b"}"].concat();
            if text.starts_with(&braced) {
                return (value, braced.len());
            }
            let bare = [b"$", name].concat();
            let ends = |b: &u8| !b.is_ascii_alphanumeric() && *b != b'_';
            if text.starts_with(&bare) && text.get(bare.len()).is_none_or(ends) {
                return (value, bare.len());
            }
        }
        (b"$".to_vec(), 1)
    }

    /// Whether a directory is one of the loader's own.
    fn trusted(&self, dir: &[u8]) -> bool {
        let dir = normal(dir);
        self.environment
            .default_dirs
            .iter()
            .any(|d| normal(d) == dir)
    }
}

/// The directory of a loaded object.
fn origin(loaded: &Loaded) -> Vec<u8> {
    if let Some(origin) = &loaded.object.origin {
        return origin.clone();
    }
    let end = loaded.path.iter().rposition(|b| *b == b'/').unwrap_or(0);
    let dir = loaded.path.get(..end.max(1)).unwrap_or_default();
    dir.to_vec()
}

/// A path without empty, `.` and `..` parts.
fn normal(path: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    for part in path.split(|b| *b == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts
}
