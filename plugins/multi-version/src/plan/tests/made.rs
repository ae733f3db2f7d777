//! Little worlds, written down as text.
//!
//! ```text
//! NAME=VERSION[:ARCHITECTURE]
//!  Depends: a (>= 1) | b, c:any        likewise Provides, Multi-Arch
//!  program PATH SONAME…                a program, what it needs
//!  library SONAME SONAME…              one for everybody, what it needs
//!  module PATH SONAME…                 any other
//!  exports SYMBOL…                     what its libraries have
//!  takes SYMBOL…                       what its objects take
//!  rigid                               it can't be rewritten
//! ```

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::super::*;
use crate::decide::Versions;
use crate::decide::abi::Verdict;
use crate::elf::symbols::Versioned;
use crate::elf::{Layout, Target};
use crate::facts::{Control, Facts, MultiArch, Object, Op, Provided};
use crate::layout::{Sha256, Version};
use crate::manifest::{Hide, Installation, LibraryPin, Reason, State};

/// Versions of numbers with dots.
pub struct Numbers;

impl Versions for Numbers {
    fn compare(&self, a: &Version, b: &Version) -> Ordering {
        let numbers = |v: &Version| -> Vec<u32> {
            v.as_str().split('.').map(|n| n.parse().unwrap()).collect()
        };
        numbers(a).cmp(&numbers(b))
    }
}

#[derive(Default)]
struct Inside {
    exports: BTreeSet<String>,
    takes: BTreeSet<String>,
    rigid: bool,
}

/// The packages there are.
pub struct Made {
    pub facts: BTreeMap<InstallationId, Facts>,
    inside: BTreeMap<InstallationId, Inside>,
    pub native: Architecture,
}

fn words(text: &str) -> Vec<Soname> {
    text.split_whitespace()
        .map(|w| w.parse().unwrap())
        .collect()
}

fn relation(text: &str) -> Relation {
    let (named, version) = match text.trim().split_once(" (") {
        Some((named, version)) => (named, Some(version.trim_end_matches(')'))),
        None => (text.trim(), None),
    };
    let (name, architecture) = match named.split_once(':') {
        Some((name, architecture)) => (name, Some(architecture.to_string())),
        None => (named, None),
    };
    let version = version.map(|v| {
        let (op, version) = v.split_once(' ').unwrap();
        let op = match op {
            "<<" => Op::Lt,
            "<=" => Op::Le,
            "=" => Op::Eq,
            ">=" => Op::Ge,
            ">>" => Op::Gt,
            other => panic!("{other}"),
        };
        (op, version.parse().unwrap())
    });
    Relation {
        name: name.parse().unwrap(),
        architecture,
        version,
    }
}

fn relations(text: &str) -> Vec<Relation> {
    text.split(',').map(relation).collect()
}

fn provided(text: &str) -> Vec<Provided> {
    let of = |r: Relation| Provided {
        name: r.name,
        version: r.version.map(|(_, v)| v),
        architecture: r.architecture.map(|a| a.parse().unwrap()),
    };
    relations(text).into_iter().map(of).collect()
}

fn multi_arch(text: &str) -> MultiArch {
    match text {
        "same" => MultiArch::Same,
        "foreign" => MultiArch::Foreign,
        "allowed" => MultiArch::Allowed,
        other => panic!("{other}"),
    }
}

fn target(architecture: &str) -> (Target, &'static str, &'static str) {
    let layout = |wide| Layout { wide, big: false };
    let target = |machine, wide| Target {
        machine,
        layout: layout(wide),
        abi: 0,
    };
    match architecture {
        "i386" => (target(3, false), "i386-linux-gnu", "/lib/ld-linux.so.2"),
        _ => (
            target(62, true),
            "x86_64-linux-gnu",
            "/lib64/ld-linux-x86-64.so.2",
        ),
    }
}

/// The name of a package in the store: `NAME=VERSION[:ARCHITECTURE]`.
pub fn id(spec: &str) -> InstallationId {
    let (named, architecture) = spec.split_once(':').unwrap_or((spec, "amd64"));
    let (name, version) = named.split_once('=').unwrap_or((named, "1"));
    let sum = sum(name, version, architecture);
    let version = Version::new(version).unwrap();
    InstallationId::new(
        &name.parse().unwrap(),
        &version,
        &architecture.parse().unwrap(),
        &sum,
    )
}

fn sum(name: &str, version: &str, architecture: &str) -> Sha256 {
    Sha256::of(format!("{name} {version} {architecture}").as_bytes())
}

/// As [`id`] reads it.
pub fn spec(id: &InstallationId) -> String {
    match id.architecture().as_str() {
        "amd64" => format!("{}={}", id.package(), id.version()),
        other => format!("{}={}:{other}", id.package(), id.version()),
    }
}

impl Made {
    pub fn new(text: &str) -> Made {
        let mut made = Made {
            facts: BTreeMap::new(),
            inside: BTreeMap::new(),
            native: "amd64".parse().unwrap(),
        };
        let mut at: Option<InstallationId> = None;
        for line in text.lines().filter(|l| !l.trim().is_empty()) {
            match line.trim() {
                named if named.contains('=') && !named.contains(' ') => {
                    at = Some(made.package(named));
                }
                line => made.line(at.as_ref().unwrap(), line),
            }
        }
        for facts in made.facts.values_mut() {
            facts.paths.sort();
            facts.objects.sort_by(|a, b| a.path.cmp(&b.path));
        }
        made
    }

    fn package(&mut self, named: &str) -> InstallationId {
        let id = id(named);
        let words = (id.package(), id.version(), id.architecture());
        let sha256 = sum(words.0.as_str(), words.1.as_str(), words.2.as_str());
        let facts = Facts {
            id: id.clone(),
            installation: Installation {
                package: id.package().clone(),
                version: id.version().clone(),
                architecture: id.architecture().clone(),
                sha256,
                size: 0,
                setuid: Vec::new(),
            },
            control: Control::default(),
            objects: Vec::new(),
            paths: Vec::new(),
            damaged: Vec::new(),
        };
        self.facts.insert(id.clone(), facts);
        self.inside.insert(id.clone(), Inside::default());
        id
    }

    fn line(&mut self, id: &InstallationId, line: &str) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let facts = self.facts.get_mut(id).unwrap();
        let inside = self.inside.get_mut(id).unwrap();
        let symbols = || rest.split_whitespace().map(str::to_string);
        let (target, triplet, interpreter) = target(id.architecture().as_str());
        let mut object = |path: PathBuf, needed: &str| {
            facts.paths.push(path.clone());
            facts.objects.push(Object {
                path,
                target,
                interpreter: None,
                soname: None,
                names: Vec::new(),
                rpath: false,
                public: false,
                needed: words(needed),
                mentions: Vec::new(),
            });
            facts.objects.len() - 1
        };
        let (first, others) = rest.split_once(' ').unwrap_or((rest, ""));
        match word {
            "Depends:" => {
                let groups = rest.split(',');
                let group = |g: &str| g.split('|').map(relation).collect();
                facts.control.depends = groups.map(group).collect();
            }
            "Provides:" => facts.control.provides = provided(rest),
            "Multi-Arch:" => facts.control.multi_arch = multi_arch(rest),
            "program" => {
                let at = object(first.into(), others);
                facts.objects[at].interpreter = Some(interpreter.into());
            }
            "library" => {
                let path = Path::new("usr/lib").join(triplet).join(first);
                let at = object(path, others);
                facts.objects[at].soname = Some(first.parse().unwrap());
                facts.objects[at].public = true;
            }
            "module" => {
                object(first.into(), others);
            }
            "named" => {
                // A library in a directory of its own: PATH SONAME SONAME…
                let (soname, others) = others.split_once(' ').unwrap_or((others, ""));
                let at = object(first.into(), others);
                facts.objects[at].soname = Some(soname.parse().unwrap());
            }
            "exports" => inside.exports = symbols().collect(),
            "takes" => inside.takes = symbols().collect(),
            "rigid" => inside.rigid = true,
            other => panic!("{other}"),
        }
    }
}

impl Files for Made {
    /// A symbol is `LIBRARY:NAME`, `LIBRARY` a soname up to its `.so`; one with `PRIVATE` in it is of one build.
    fn verdict(
        &self,
        consumer: &InstallationId,
        _: &Architecture,
        soname: &Soname,
        _: Option<&InstallationId>,
        candidate: &InstallationId,
    ) -> Verdict {
        let mut verdict = Verdict::default();
        let about = |s: &&String| {
            let of = soname.as_str().split(".so").next();
            of == s.split(':').next()
        };
        for symbol in self.inside[consumer].takes.iter().filter(about) {
            let name = symbol.as_bytes().to_vec();
            if symbol.contains("PRIVATE") {
                verdict.private.insert(name);
            } else if !self.inside[candidate].exports.contains(symbol) {
                verdict.missing.insert(Versioned {
                    name,
                    version: None,
                });
            }
        }
        verdict
    }

    fn can_be_overridden(&self, package: &InstallationId) -> bool {
        !self.inside[package].rigid
    }
}

/// A world: `NAME=VERSION[:ARCHITECTURE]`, what came along in parentheses, what the host lends as `host:NAME=VERSION`.
pub fn world(made: &Made, name: &str, specs: &[&str]) -> ObservedWorld {
    let member = |spec: &&str| {
        let auto = spec.strip_prefix('(').and_then(|s| s.strip_suffix(')'));
        let plain = auto.unwrap_or(spec);
        let of_host = plain.strip_prefix("host:");
        let id = id(of_host.unwrap_or(plain));
        let control = made.facts.get(&id).map(|f| f.control.clone());
        ObservedMember {
            name: id.package().clone(),
            version: id.version().clone(),
            architecture: id.architecture().clone(),
            source: id.package().to_string(),
            state: State::Installed,
            reason: if auto.is_some() {
                Reason::Auto
            } else {
                Reason::Want
            },
            control: control.unwrap_or_default(),
            origin: match of_host {
                Some(_) => Origin::Host,
                None => Origin::Store(id),
            },
            rpath: false,
        }
    };
    ObservedWorld {
        name: (name != "main").then(|| name.parse().unwrap()),
        members: specs.iter().map(member).collect(),
        made: BTreeMap::new(),
    }
}

/// Hides, then pins.
pub fn rules(hides: &[&str], pins: &[LibraryPin]) -> Rules {
    Rules {
        hides: hides.iter().map(|h| h.parse::<Hide>().unwrap()).collect(),
        pins: pins.to_vec(),
    }
}

pub fn pin(soname: &str, provider: &str, only: Option<&str>) -> LibraryPin {
    LibraryPin {
        soname: soname.parse().unwrap(),
        provider: id(provider),
        only: only.map(|o| o.parse().unwrap()),
    }
}

/// The plan of some worlds, which is sound.
pub fn go(made: &Made, worlds: &[(&str, &[&str])], rules: &Rules) -> LinkPlan {
    let worlds = worlds.iter().map(|(name, specs)| world(made, name, specs));
    observe(
        made,
        &Observed {
            worlds: worlds.collect(),
        },
        rules,
    )
}

/// The same of worlds that were made already.
pub fn observe(made: &Made, observed: &Observed, rules: &Rules) -> LinkPlan {
    let known = Known {
        facts: &made.facts,
        native: &made.native,
        policy: 1,
        versions: &Numbers,
        files: made,
    };
    let made_plan = plan(&known, observed, rules).unwrap();
    let mut reversed = observed.clone();
    reversed.worlds.reverse();
    reversed.worlds.iter_mut().for_each(|w| w.members.reverse());
    let again = plan(&known, &reversed, rules).unwrap();
    assert_eq!(
        format!("{made_plan:?}"),
        format!("{again:?}"),
        "whatever the order"
    );
    super::sound::check(made, observed, &made_plan);
    made_plan
}

fn in_world<'p>(plan: &'p LinkPlan, world: &str) -> &'p WorldPlan {
    let name = (world != "main").then(|| world.parse().unwrap());
    plan.world(name.as_ref()).unwrap()
}

/// From whom a consumer gets a library in a world, and why, if it is by its own lib/.
pub fn link(plan: &LinkPlan, world: &str, consumer: &str, soname: &str) -> String {
    let about = |l: &&Link| spec(&l.consumer) == consumer && l.soname.as_str() == soname;
    let link = in_world(plan, world).links.iter().find(about).unwrap();
    let provider = link.provider.as_ref().map_or("host".into(), spec);
    match &link.overriding {
        Some(why) => format!("{provider}: {why}"),
        None => provider,
    }
}

/// A world's provider of a library, or the generation's (`*`), and by which criterion.
pub fn library(plan: &LinkPlan, world: &str, soname: &str) -> String {
    let libraries = match world {
        "*" => &plan.libraries,
        _ => &in_world(plan, world).libraries,
    };
    let decision = libraries
        .values()
        .flatten()
        .find(|d| d.soname.as_str() == soname);
    decision.map_or("host".into(), |d| {
        format!("{}, {}", spec(&d.provider), d.by)
    })
}

/// Who satisfies the dependencies of a package.
pub fn edges(plan: &LinkPlan, world: &str, from: &str) -> String {
    let (id, world) = (id(from), in_world(plan, world));
    let from = (id.package().clone(), id.architecture().clone());
    let by = |e: &Edge| match &e.by {
        Satisfied::By(name, architecture) if *architecture == from.1 => name.to_string(),
        Satisfied::By(name, architecture) => format!("{name}:{architecture}"),
        Satisfied::Elsewhere => "elsewhere".into(),
    };
    let of = world.edges.iter().filter(|e| e.from == from);
    of.map(by).collect::<Vec<_>>().join(", ")
}

/// The realization of a package in a world.
pub fn realization<'p>(plan: &'p LinkPlan, world: &str, package: &str) -> &'p Realization {
    let id = id(package);
    let world = in_world(plan, world);
    let member = world.members.get(&id).map(|m| &m.realization);
    let of = member.or_else(|| world.kept.get(&id)).unwrap();
    plan.realizations.iter().find(|r| r.id() == *of).unwrap()
}

/// The warnings, in words.
pub fn warnings(plan: &LinkPlan) -> Vec<String> {
    plan.warnings.iter().map(ToString::to_string).collect()
}
