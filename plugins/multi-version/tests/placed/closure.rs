//! A closure that the C compiler makes: a program, a library in the middle, one at the base in two builds, and the
//! machine's libc; its plan by hand, and running it where `/var/sys` is the scratch directory.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::{Entry, Placed, host_architecture, public};
use crate::built_by::Corpus;
use dpkgng_multi_version::elf::{Image, View};
use dpkgng_multi_version::facts::Facts;
use dpkgng_multi_version::layout::{GenerationNumber, InstallationId, RealizationId, Soname};
use dpkgng_multi_version::link::{self, Linker, architecture_of};
use dpkgng_multi_version::manifest::Realization;
use dpkgng_multi_version::plan::{Lib, Link, Offered};

pub const MID: &str = "libmid.so.1";
pub const BASE: &str = "libbase.so.1";
pub const EXTRA: &str = "libextra.so.1";

const PROGRAM: &str = r#"
#include <stdio.h>
#include <string.h>
int mid(void);
int main(void) {
    char line[4096];
    FILE *maps = fopen("/proc/self/maps", "r");
    printf("%d\n", mid());
    while (fgets(line, sizeof line, maps))
        if (strchr(line, '/') && strstr(line, "r-xp")) fputs(strchr(line, '/'), stdout);
    return 0;
}
"#;

pub fn soname(name: &str) -> Soname {
    name.parse().unwrap()
}

/// What of a plan linking goes by.
pub struct Planned {
    pub realizations: Vec<Realization>,
    pub realized: BTreeMap<InstallationId, RealizationId>,
    pub libraries: Lib,
    pub links: Vec<Link>,
    /// Links that no package has.
    pub made: BTreeMap<PathBuf, PathBuf>,
}

impl Planned {
    pub fn link(&self) -> link::Planned<'_> {
        link::Planned {
            realizations: &self.realizations,
            realized: &self.realized,
            libraries: &self.libraries,
            links: &self.links,
            tree: self.realized.values().collect(),
            made: self.made.clone(),
            only: None,
        }
    }

    /// Have the view take a library of another package.
    pub fn offer(&mut self, name: &str, provider: &InstallationId) {
        let realization = self.realized[provider].clone();
        let offered = Offered {
            installation: provider.clone(),
            realization,
        };
        let offers = self.libraries.entry(host_architecture()).or_default();
        offers.insert(soname(name), offered);
    }
}

/// The closure, stored.
pub struct Closure {
    pub placed: Placed,
    pub corpus: Corpus,
    /// The interpreter's file name.
    pub loader: String,
    pub libc: InstallationId,
    /// Both builds of the base: 1 and 2.
    pub base: [InstallationId; 2],
    pub mid: InstallationId,
    pub program: InstallationId,
}

impl Closure {
    pub fn new() -> Closure {
        Closure::on(Placed::new())
    }

    pub fn on(mut placed: Placed) -> Closure {
        let corpus = Corpus::new();
        let public = public();
        let at = |name: &str| format!("{public}/{name}");
        let write = |name: &str, text: &str| fs::write(corpus.path(name), text).unwrap();
        let library = |name: &str, source: &str, more: &[&str]| {
            let soname = format!("-Wl,-soname,{name}");
            let first = [
                "-shared",
                "-fPIC",
                &soname,
                source,
                "-L.",
                "-Wl,--no-as-needed",
            ];
            corpus.cc(name, &[&first[..], more].concat())
        };
        let mut base = Vec::new();
        for build in [1, 2, 3] {
            write("base.c", &format!("int base(void) {{ return {build}; }}\n"));
            write(
                "extra.c",
                "int base(void); int extra(void) { return 10 * base(); }\n",
            );
            let base_bytes = library(BASE, "base.c", &[]);
            let extra = library(EXTRA, "extra.c", &["-l:libbase.so.1"]);
            if build == 3 {
                // For LD_LIBRARY_PATH.
                fs::create_dir(placed.dir.path().join("sys/other")).unwrap();
                fs::write(placed.dir.path().join("sys/other").join(BASE), &base_bytes).unwrap();
                continue;
            }
            let (real, link) = (at("libbase.so.1.0"), at(BASE));
            let files = [
                (&real[..], Entry::File(&base_bytes, 0o644)),
                (&link, Entry::Link("libbase.so.1.0")),
                (&at(EXTRA), Entry::File(&extra, 0o644)),
            ];
            base.push(placed.package("libbase1", &format!("{build}.0"), &files));
        }
        write(
            "mid.c",
            "int base(void); int mid(void) { return 100 + base(); }\n",
        );
        let mid = library(MID, "mid.c", &["-l:libbase.so.1"]);
        let mid = placed.package("libmid1", "1.0", &[(&at(MID), Entry::File(&mid, 0o644))]);
        write("prog.c", PROGRAM);
        let program = corpus.cc(
            "prog",
            &["prog.c", "-L.", "-l:libmid.so.1", "-Wl,-rpath-link,."],
        );
        let image = Image::read(View::of(&program)).unwrap();
        let interpreter = String::from_utf8(image.interpreter().unwrap().unwrap()).unwrap();
        let files = [
            ("usr/bin/prog", Entry::File(&program, 0o755)),
            ("usr/share/doc/prog/copyright", Entry::File(b"yours", 0o644)),
        ];
        let program = placed.package("prog", "1.0", &files);
        let real = fs::canonicalize(&interpreter).unwrap();
        let loader = interpreter.rsplit('/').next().unwrap().to_owned();
        let (ld, libc) = (fs::read(&real), fs::read(real.with_file_name("libc.so.6")));
        let (ld, libc) = (ld.unwrap(), libc.unwrap());
        let files = [
            (&at("libc.so.6")[..], Entry::File(&libc, 0o755)),
            (&at(&loader), Entry::File(&ld, 0o755)),
        ];
        let libc = placed.package("libc6", "2.0", &files);
        let base = base.try_into().unwrap();
        Closure {
            placed,
            corpus,
            loader,
            libc,
            base,
            mid,
            program,
        }
    }

    pub fn linker(&self) -> Linker<'_> {
        Linker::new(&self.placed.layout, host_architecture(), &self.placed.facts)
    }

    pub fn facts(&self, id: &InstallationId) -> &Facts {
        self.placed.facts.iter().find(|f| f.id == *id).unwrap()
    }

    /// What a package has itself, it takes from itself.
    pub fn with_own(&self, id: &InstallationId) -> Realization {
        let mut realization = self.placed.plain(id);
        let objects = self.facts(id).objects.iter();
        realization.own = objects.filter_map(|o| o.soname.clone()).collect();
        realization
    }

    /// Libraries first; both bases are there.
    pub fn libraries(&self) -> Vec<Realization> {
        let [one, two] = &self.base;
        vec![
            self.with_own(&self.libc),
            self.with_own(one),
            self.with_own(two),
            self.placed.plain(&self.mid),
        ]
    }

    /// The program with the old base, which the library in the middle needs.
    pub fn overridden(&self, needed: bool) -> Realization {
        let mut realization = self.placed.plain(&self.program);
        let old = self.with_own(&self.base[0]).id();
        realization.overrides = BTreeMap::from([(soname(BASE), old)]);
        if needed {
            realization.needed = BTreeSet::from([soname(BASE)]);
        }
        realization
    }

    /// A plan of these, in which the view takes the second base.
    pub fn plan(&self, realizations: Vec<Realization>) -> Planned {
        let system = [
            (BASE, &self.base[1]),
            (EXTRA, &self.base[1]),
            (MID, &self.mid),
            ("libc.so.6", &self.libc),
            (&self.loader, &self.libc),
        ];
        let realized: BTreeMap<_, _> = realizations
            .iter()
            .map(|r| (r.installation.clone(), r.id()))
            .collect();
        let offer = |(name, provider): &(&str, &InstallationId)| {
            let realization = realized.get(*provider)?.clone();
            let installation = (*provider).clone();
            Some((
                soname(name),
                Offered {
                    installation,
                    realization,
                },
            ))
        };
        let offered = system.iter().filter_map(offer).collect();
        let of = |r: &Realization, name: &Soname| {
            let named = |(_, id): &(_, _)| r.overrides.get(name) == Some(*id);
            match realized.iter().find(named) {
                Some((provider, _)) => Some(provider.clone()),
                None if r.own.contains(name) => Some(r.installation.clone()),
                None => system
                    .iter()
                    .find(|(n, _)| *n == name.as_str())
                    .map(|(_, p)| (*p).clone()),
            }
        };
        let mut links = Vec::new();
        for realization in &realizations {
            let facts = self.facts(&realization.installation);
            for object in &facts.objects {
                for name in object.needed.iter().chain(&realization.needed) {
                    links.push(Link {
                        consumer: facts.id.clone(),
                        architecture: architecture_of(object, facts),
                        soname: name.clone(),
                        provider: of(realization, name),
                        overriding: None,
                    });
                }
            }
        }
        Planned {
            libraries: [(host_architecture(), offered)].into(),
            realized,
            links,
            realizations,
            made: BTreeMap::new(),
        }
    }

    /// Make `current-system` hold what a plan's generation is to.
    pub fn switch(&self, plan: &Planned) {
        let layout = &self.placed.layout;
        let system = "system".parse().unwrap();
        let current = layout.generation(&system, GenerationNumber::FIRST);
        let _ = fs::remove_dir_all(&current);
        fs::create_dir_all(&current).unwrap();
        let _ = symlink("gen/1", layout.current(&system));
        let _ = symlink("views/system/current", layout.current_system());
        for (name, target) in self.linker().system_libraries(&plan.link()).unwrap() {
            let link = current.join("lib").join(name);
            fs::create_dir_all(link.parent().unwrap()).unwrap();
            symlink(target, link).unwrap();
        }
    }

    /// Run the program of a realization where the scratch directory is `/var/sys`: what it says, or nothing,
    /// where that can't be.
    pub fn run(
        &self,
        realization: &Realization,
        variables: &[(&str, &str)],
    ) -> Option<Vec<String>> {
        let program = Path::new("/var/sys/inst").join(realization.id().to_string());
        let output = run(
            self.placed.layout.root(),
            &program.join("usr/bin/prog"),
            variables,
        )?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{output:?}");
        Some(text.lines().map(str::to_owned).collect())
    }
}

/// Run a program in a namespace with `/var/sys` a directory.
fn run(sys: &Path, program: &Path, variables: &[(&str, &str)]) -> Option<Output> {
    let script = r#"mount --bind "$0" /mnt && mount -t tmpfs tmpfs /var && mkdir /var/sys \
        && mount --bind /mnt /var/sys || exit 77; exec env "$@""#;
    let ran = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", script])
        .arg(sys)
        .args(variables.iter().map(|(n, v)| format!("{n}={v}")))
        .arg(program)
        .env_remove("LD_LIBRARY_PATH")
        .output();
    let Ok(output) = ran else {
        not_run::not_run("no unshare here");
        return None;
    };
    let said = String::from_utf8_lossy(&output.stderr);
    match output.status.code() {
        Some(77) => not_run::not_run("no mount namespaces here"),
        Some(1) if said.starts_with("unshare: ") => not_run::not_run("no user namespaces here"),
        _ => return Some(output),
    }
    None
}
