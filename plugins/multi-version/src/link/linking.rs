//! How one package is linked, as data: what its objects are to say, and what stands in its `lib/`.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::{Done, LinkError, Linker, POLICY, Wanted};
use crate::elf::{PathTag, Port, Wish, is_glibc_interpreter};
use crate::facts::{Facts, Object};
use crate::layout::{Architecture, InstallationId, Layout, RealizationId, Soname, inside, merged};
use crate::manifest::Realization;

/// The library an interpreter belongs to.
const LIBC: &str = "libc.so.6";

/// Which architecture an object of a package is for: not always the package's (libc6-i386).
pub fn architecture_of(object: &Object, facts: &Facts) -> Architecture {
    let port = Port::of(&object.target).and_then(|p| p.architecture.parse().ok());
    port.unwrap_or_else(|| facts.installation.architecture.clone())
}

/// The same, if it is among `architectures`; of an object that does not say its ABI, the package's, if its machine is
/// that one's.
pub(super) fn among(
    architectures: &BTreeSet<Architecture>,
    object: &Object,
    facts: &Facts,
) -> Option<Architecture> {
    let own = &facts.installation.architecture;
    let architecture = match Port::of(&object.target) {
        Some(port) => port.architecture.parse().ok()?,
        None if Port::named(own.as_str())?.takes(&object.target) => own.clone(),
        None => return None,
    };
    architectures
        .contains(&architecture)
        .then_some(architecture)
}

/// The object of a package that a soname leads to, or another name of it where ld.so looks for everybody: of several one
/// for this architecture, there, and by the plainest name.
pub fn provided<'f>(
    facts: &'f Facts,
    soname: &Soname,
    architecture: &Architecture,
) -> Option<&'f Object> {
    let is = |object: &&Object| match &object.soname {
        Some(own) => own == soname || object.names.contains(soname),
        None if object.names.contains(soname) => true,
        None => {
            object.interpreter.is_none() && file_name(&object.path) == soname.as_str().as_bytes()
        }
    };
    let rank = |object: &&Object| {
        let path = object.path.as_os_str();
        (
            architecture_of(object, facts) != *architecture,
            object.soname.as_ref().is_some_and(|own| own != soname),
            !object.public,
            file_name(&object.path) != soname.as_str().as_bytes(),
            path.len(),
            path.to_owned(),
        )
    };
    facts.objects.iter().filter(is).min_by_key(rank)
}

fn file_name(path: &Path) -> &[u8] {
    path.file_name().map_or(&[], OsStrExt::as_bytes)
}

fn bytes(path: impl AsRef<Path>) -> Vec<u8> {
    path.as_ref().as_os_str().as_bytes().to_vec()
}

/// A package with its linking.
pub(super) struct Linking<'a> {
    pub id: RealizationId,
    pub facts: &'a Facts,
    pub realization: &'a Realization,
    /// What stands in `lib/`, and where it leads as programs see it.
    pub lib: BTreeMap<Soname, PathBuf>,
    /// `$INSTALLPATH` and the current system, as programs see them.
    home: PathBuf,
    system: PathBuf,
    host: Architecture,
    architectures: Option<&'a BTreeSet<Architecture>>,
}

/// From where a soname of a `lib/` is: its own package, or another.
type Source<'r> = Option<&'r RealizationId>;

/// Tells which installation a realization is of.
pub(super) type Others<'o> = &'o dyn Fn(&RealizationId) -> Done<Option<InstallationId>>;

impl<'a> Linking<'a> {
    pub fn new(
        linker: &Linker<'a>,
        realization: &'a Realization,
        others: Others,
    ) -> Done<Linking<'a>> {
        let facts = linker.facts(&realization.installation)?;
        if facts.installation.sha256 != realization.sha256 {
            return Err(LinkError::OtherDeb(facts.id.clone()));
        }
        if realization.policy != POLICY {
            return Err(LinkError::OtherPolicy(facts.id.clone(), realization.policy));
        }
        let id = realization.id();
        let mut linking = Linking {
            home: linker.home(&id),
            id,
            facts,
            realization,
            lib: BTreeMap::new(),
            system: Layout::new(&linker.seen).current_system(),
            host: linker.host.clone(),
            architectures: linker.architectures,
        };
        let own = realization.own.iter().map(|s| (s, None));
        let others_have = realization.overrides.iter().map(|(s, p)| (s, Some(p)));
        for (soname, source) in own.chain(others_have) {
            let path = linking.leads_to(linker, source, soname, others)?;
            linking.lib.insert(soname.clone(), path);
        }
        for object in &facts.objects {
            if let Some(name) = glibc_interpreter(object)
                && linking.other_machine(object).is_none()
            {
                let path = linking.interpreter(linker, object, &name, others)?;
                linking.lib.insert(name, path);
            }
        }
        Ok(linking)
    }

    /// The machine of an object, if the world is not for that.
    pub fn other_machine(&self, object: &Object) -> Option<String> {
        let ours = |all| among(all, object, self.facts).is_some();
        if self.architectures.is_none_or(ours) {
            return None;
        }
        Some(match Port::of(&object.target) {
            Some(port) => port.architecture.to_owned(),
            None => format!("machine {}", object.target.machine),
        })
    }

    fn source(&self, soname: &Soname) -> Option<Source<'a>> {
        match self.realization.overrides.get(soname) {
            Some(other) => Some(Some(other)),
            None => self.realization.own.contains(soname).then_some(None),
        }
    }

    /// The file of a soname, as programs see it.
    fn leads_to(
        &self,
        linker: &Linker<'a>,
        source: Source<'a>,
        soname: &Soname,
        others: Others,
    ) -> Done<PathBuf> {
        let (provider, home) = match source {
            None => (self.facts, self.home.clone()),
            Some(other) => {
                let of = others(other)?;
                let of =
                    of.ok_or_else(|| LinkError::NoProvider(self.wanted(soname), other.clone()))?;
                (linker.facts(&of)?, linker.home(other))
            }
        };
        let architecture = &self.facts.installation.architecture;
        let object = provided(provider, soname, architecture);
        let object = object
            .ok_or_else(|| LinkError::NotProvided(self.wanted(soname), provider.id.clone()))?;
        Ok(home.join(&object.path))
    }

    /// An interpreter: from where its libc is.
    fn interpreter(
        &self,
        linker: &Linker<'a>,
        object: &Object,
        name: &Soname,
        others: Others,
    ) -> Done<PathBuf> {
        let libc = Soname::new(LIBC).ok().and_then(|l| self.source(&l));
        match (self.source(name), libc) {
            (None, None) => Ok(self.system_lib(object).join(name.as_str())),
            (None, Some(libc)) => self.leads_to(linker, libc, name, others),
            (own, libc) if own == libc => self.leads_to(linker, own.flatten(), name, others),
            _ => Err(LinkError::LibcApart(self.wanted(name))),
        }
    }

    fn wanted(&self, name: &Soname) -> Box<Wanted> {
        let (package, name) = (self.facts.id.clone(), name.clone());
        Box::new(Wanted { package, name })
    }

    /// The directory of the current system that has libraries for an object.
    fn system_lib(&self, object: &Object) -> PathBuf {
        let lib = self.system.join(inside::LIB);
        let own = architecture_of(object, self.facts);
        match Port::named(own.as_str()) {
            Some(port) if own != self.host => lib.join(port.triplet),
            _ => lib,
        }
    }

    /// What an object is to say.
    pub fn wish(&self, object: &Object) -> Wish {
        let lib = self.home.join(inside::LIB);
        let system = self.system.join(inside::LIB);
        let foreign = Some(self.system_lib(object)).filter(|l| *l != system);
        let path = [&lib, &system].into_iter().chain(&foreign).map(bytes);
        let is_program = object.interpreter.is_some() && object.soname.is_none();
        let needed = self.realization.needed.iter().filter(|_| is_program);
        let directory = object.path.parent().unwrap_or(Path::new(""));
        Wish {
            interpreter: glibc_interpreter(object).map(|name| bytes(lib.join(name.as_str()))),
            foreign_interpreters: self.foreign_interpreter(object).into_iter().collect(),
            path: path.collect(),
            reroot: vec![bytes(&self.home), bytes(self.system.join(inside::TREE))],
            origin: Some(bytes(Path::new("/").join(directory))),
            needed: needed.map(|n| n.as_str().as_bytes().to_vec()).collect(),
            tag: match self.realization.rpath {
                true => PathTag::Rpath,
                false => PathTag::Runpath,
            },
        }
    }

    /// An interpreter that is not glibc's, if the package brings it itself.
    fn foreign_interpreter(&self, object: &Object) -> Option<(Vec<u8>, Vec<u8>)> {
        let now = object.interpreter.as_ref()?;
        if is_glibc_interpreter(now.as_os_str().as_bytes()) {
            return None;
        }
        let merged = merged(now)?;
        let own = self.facts.paths.binary_search(&merged).is_ok();
        own.then(|| (bytes(now), bytes(self.home.join(merged))))
    }
}

/// The file name of a glibc interpreter that an object names.
fn glibc_interpreter(object: &Object) -> Option<Soname> {
    let path = object.interpreter.as_ref()?;
    if !is_glibc_interpreter(path.as_os_str().as_bytes()) {
        return None;
    }
    Soname::new(path.file_name().and_then(OsStr::to_str)?).ok()
}
