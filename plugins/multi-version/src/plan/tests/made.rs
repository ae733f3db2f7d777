//! Little worlds, written down as text.
//!
//! ```text
//! NAME=VERSION[:ARCHITECTURE]
//!  Depends: a (>= 1) | b, c:any        likewise Conflicts, Breaks, Provides, Multi-Arch
//!  file PATH CONTENT
//!  program PATH SONAME…                a program, what it needs
//!  library SONAME SONAME…              one for everybody, what it needs
//!  module PATH SONAME…                 any other
//!  exports SYMBOL…                     what its libraries have
//!  takes SYMBOL…                       what its objects take
//!  rigid                               it can't be rewritten
//!  config                              it has conffiles
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
use crate::manifest::{Installation, Manifest};

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
    content: BTreeMap<PathBuf, String>,
    exports: BTreeSet<String>,
    takes: BTreeSet<String>,
    rigid: bool,
    config: bool,
}

/// The packages there are.
pub struct Made {
    pub facts: BTreeMap<InstallationId, Facts>,
    inside: BTreeMap<InstallationId, Inside>,
    pub host: Vec<HostPackage>,
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
            host: Vec::new(),
            native: "amd64".parse().unwrap(),
        };
        let mut at: Option<InstallationId> = None;
        for line in text.lines().filter(|l| !l.trim().is_empty()) {
            match line.trim().strip_prefix("host ") {
                Some(package) => made.host(package),
                None if line.trim().contains('=') && !line.trim().contains(' ') => {
                    at = Some(made.package(line.trim()));
                }
                None => made.line(at.as_ref().unwrap(), line.trim()),
            }
        }
        for facts in made.facts.values_mut() {
            facts.paths.sort();
            facts.objects.sort_by(|a, b| a.path.cmp(&b.path));
        }
        made
    }

    /// `NAME=VERSION [PROVIDES…]`
    fn host(&mut self, text: &str) {
        let (named, provides) = text.split_once(' ').unwrap_or((text, ""));
        let id = id(named);
        self.host.push(HostPackage {
            name: id.package().clone(),
            version: id.version().clone(),
            architecture: id.architecture().clone(),
            multi_arch: MultiArch::No,
            provides: if provides.is_empty() {
                Vec::new()
            } else {
                provided(provides)
            },
        });
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
            inside.content.insert(path.clone(), spec(id));
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
            "Conflicts:" => facts.control.conflicts = relations(rest),
            "Breaks:" => facts.control.breaks = relations(rest),
            "Replaces:" => facts.control.replaces = relations(rest),
            "Provides:" => facts.control.provides = provided(rest),
            "Multi-Arch:" => facts.control.multi_arch = multi_arch(rest),
            "file" => {
                facts.paths.push(first.into());
                inside.content.insert(first.into(), others.into());
            }
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
            "exports" => inside.exports = symbols().collect(),
            "takes" => inside.takes = symbols().collect(),
            "rigid" => inside.rigid = true,
            "config" => inside.config = true,
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

    fn same(&self, a: &InstallationId, b: &InstallationId, path: &Path) -> bool {
        self.inside[a].content[path] == self.inside[b].content[path]
    }

    fn leaves_config(&self, package: &InstallationId) -> bool {
        self.inside[package].config
    }
}

/// A view of such a world.
pub struct View<'m> {
    pub made: &'m Made,
    pub manifest: Option<Manifest>,
    pub realizations: BTreeMap<RealizationId, Realization>,
}

/// `-i` with these, each `NAME=VERSION[:ARCHITECTURE]`, as `--multi-version` does it.
pub fn install(specs: &[&str]) -> Request {
    Request {
        install: specs.iter().map(|s| (id(s), None)).collect(),
        side_by_side: true,
        ..Request::default()
    }
}

/// The same as dpkg does it.
pub fn upgrade(specs: &[&str]) -> Request {
    Request {
        side_by_side: false,
        ..install(specs)
    }
}

pub fn remove(specs: &[&str]) -> Request {
    Request {
        remove: specs.iter().map(|s| id(s)).collect(),
        ..Request::default()
    }
}

pub fn pin(soname: &str, provider: &str, only: Option<&str>) -> Request {
    Request {
        pin: vec![LibraryPin {
            soname: soname.parse().unwrap(),
            provider: id(provider),
            only: only.map(|o| o.parse().unwrap()),
        }],
        ..Request::default()
    }
}

pub fn hide(rules: &[&str]) -> Request {
    Request {
        hide: rules.iter().map(|h| h.parse().unwrap()).collect(),
        ..Request::default()
    }
}

impl<'m> View<'m> {
    pub fn new(made: &'m Made) -> View<'m> {
        View {
            made,
            manifest: None,
            realizations: BTreeMap::new(),
        }
    }

    /// What would be.
    pub fn plan(&self, request: &Request) -> Result<Plan, PlanError> {
        let host = HostTable::new(&self.made.host, &self.made.native, &Numbers);
        let world = World {
            facts: &self.made.facts,
            realizations: &self.realizations,
            native: &self.made.native,
            policy: 1,
            versions: &Numbers,
            host: &host,
            files: self.made,
        };
        plan(&world, self.manifest.as_ref(), request)
    }

    /// Make it so; whatever the request, the plan must be sound, and nothing be left to do.
    pub fn go(&mut self, request: &Request) -> Plan {
        match self.try_go(request) {
            Ok(plan) => plan,
            Err(e) => panic!("{e}"),
        }
    }

    pub fn try_go(&mut self, request: &Request) -> Result<Plan, PlanError> {
        let plan = self.plan(request)?;
        let again = self.plan(request);
        assert_eq!(
            format!("{plan:?}"),
            format!("{:?}", again.unwrap()),
            "the same twice"
        );
        super::sound::check(self, &plan);
        for realization in &plan.realizations {
            self.realizations
                .insert(realization.id(), realization.clone());
        }
        self.manifest = Some(Manifest {
            view: "system".parse().unwrap(),
            number: "1".parse().unwrap(),
            created: 0,
            parent: None,
            slots: plan.slots.keys().cloned().collect(),
            hides: plan.hides.clone(),
            pins: plan.pins.clone(),
            packages: plan.members.clone(),
        });
        let text = self.manifest.as_ref().unwrap().to_text();
        assert_eq!(
            Manifest::from_text(&text).as_ref(),
            Ok(self.manifest.as_ref().unwrap())
        );
        let again = self.plan(&Request::default()).unwrap();
        assert_eq!(shown(&again), shown(&plan), "nothing is left to do");
        for (a, b) in again.members.iter().zip(&plan.members) {
            assert_eq!(a, b, "nothing is left to do");
        }
        assert_eq!(again.realizations, plan.realizations);
        assert_eq!(again.libraries, plan.libraries);
        Ok(plan)
    }

    /// The error of a request.
    pub fn error(&self, request: &Request) -> String {
        match self.plan(request) {
            Ok(_) => panic!("there is a plan"),
            Err(e) => e.to_string(),
        }
    }
}

/// The members of a plan: `NAME=VERSION`, autos in parentheses, those in slots with `@SLOT`.
pub fn shown(plan: &Plan) -> String {
    let installation: BTreeMap<&RealizationId, &InstallationId> =
        plan.realized.iter().map(|(i, r)| (r, i)).collect();
    let member = |m: &Member| {
        let Some(id) = installation.get(&m.realization) else {
            return format!("[{}]", m.realization.package());
        };
        let slot = m.slot.as_ref().map_or(String::new(), |s| format!("@{s}"));
        match m.reason {
            Reason::Want => format!("{}{slot}", spec(id)),
            Reason::Auto => format!("({}{slot})", spec(id)),
        }
    };
    let mut members: Vec<String> = plan.members.iter().map(member).collect();
    members.sort_by_key(|m| m.trim_start_matches('(').to_string());
    members.join(" ")
}

/// From whom a consumer gets a library, and why, if it is by its own lib/.
pub fn link(plan: &Plan, consumer: &str, soname: &str) -> String {
    let about = |l: &&Link| spec(&l.consumer) == consumer && l.soname.as_str() == soname;
    let link = plan.links.iter().find(about).unwrap();
    let provider = link.provider.as_ref().map_or("host".into(), spec);
    match &link.overriding {
        Some(why) => format!("{provider}: {why}"),
        None => provider,
    }
}

/// The view's provider of a library, and by which criterion.
pub fn library(plan: &Plan, soname: &str) -> String {
    let all = plan.libraries.values().flatten();
    let decision = all
        .into_iter()
        .find(|d| d.soname.as_str() == soname)
        .unwrap();
    format!("{}, {}", spec(&decision.provider), decision.by)
}

/// Who satisfies the dependencies of a package.
pub fn edges(plan: &Plan, from: &str) -> String {
    let of = plan.edges.iter().filter(|e| spec(&e.from) == from);
    let by = |e: &Edge| match &e.by {
        Satisfied::By(id) => spec(id),
        Satisfied::ByHost(name) => format!("host {name}"),
        Satisfied::Unmet => "unmet".into(),
    };
    of.map(by).collect::<Vec<_>>().join(", ")
}
