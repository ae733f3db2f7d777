//! Links real packages, checks them, holds the check against ld.so itself, verifies and undoes them.
//!
//!     cargo run --release -p dpkgng-multi-version --example link-debs -- SCRATCH DEB…
//!
//! The packages are unpacked by dpkg-deb into SCRATCH/sys, once. Of several providers of a soname the first .deb's is
//! the view's. As root, each program's closure is then asked of ld.so (`LD_TRACE_LOADED_OBJECTS`) where SCRATCH/sys
//! is `/var/sys`, and compared with what the check expects.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use dpkgng_multi_version::elf::is_glibc_interpreter;
use dpkgng_multi_version::facts::{Control, Facts, Payload};
use dpkgng_multi_version::generation::{Disk, Sys};
use dpkgng_multi_version::layout::{
    Architecture, GenerationNumber, InstallationId, Layout, Sha256, Soname, Version, inside,
};
use dpkgng_multi_version::link::{self, Abi, Linker, POLICY, Planned, architecture_of, provided};
use dpkgng_multi_version::manifest::{Installation, Realization, SetId};
use dpkgng_multi_version::plan::{Files, Lib, Link, Offered};

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let Some(scratch) = arguments.next() else {
        eprintln!("usage: link-debs SCRATCH DEB…");
        return ExitCode::from(2);
    };
    let layout = Layout::new(scratch.join("sys"));
    fs::create_dir_all(&scratch).expect("a scratch directory");
    drop(Sys::open(layout.clone(), Disk::default(), false).expect("a layout"));
    let start = Instant::now();
    let mut facts: Vec<Facts> = arguments.filter_map(|deb| stored(&layout, &deb)).collect();
    let mut ids = BTreeSet::new();
    facts.retain(|f| ids.insert(f.id.clone()));
    told("unpacked", facts.len(), "packages", start);

    let host: Architecture = "amd64".parse().expect("a name");
    let linker = Linker::new(&layout, host, &facts);
    let plan = Plan::of(&facts);
    let sys = Sys::open(layout.clone(), Disk::default(), false).expect("a layout");
    let start = Instant::now();
    let made = linker
        .make(&sys, &plan.realizations, &mut |_| {})
        .expect("linked");
    told(
        "linked",
        made.iter().filter(|m| m.new).count(),
        "realizations",
        start,
    );
    for made in &made {
        for unlinked in &made.unlinked {
            println!(
                "  not linked: {}: {}: {}",
                made.id.package(),
                unlinked.path.display(),
                unlinked.why
            );
        }
    }
    let planned = plan.planned();
    let start = Instant::now();
    let checked = linker.check(&planned).expect("checked");
    told("checked", checked.objects, "objects", start);
    println!(
        "  {} needs, {} differences, {} may be",
        checked.needs,
        checked.differences.len(),
        checked.may.len()
    );
    for difference in checked.differences.iter().take(40) {
        println!("  {difference}");
    }
    for difference in checked.may.iter().take(10) {
        println!("  may: {difference}");
    }
    let start = Instant::now();
    let (mut files, mut wrong) = (0, 0);
    for (made, facts) in made.iter().zip(&facts) {
        for differs in linker.verify(&made.id).expect("verified") {
            println!("  differs: {} {:?}", differs.path.display(), differs.what);
            wrong += 1;
        }
        for object in &facts.objects {
            // The whole of a package's records is read for each.
            let now = link::restore(&layout, &made.id, &object.path).expect("restored");
            let was = fs::read(layout.installation(&facts.id).join(&object.path));
            wrong += usize::from(now != was.expect("read"));
            files += 1;
        }
    }
    told("verified and undone", files, "objects", start);
    wrong += traced(&linker, &layout, &facts, &planned);
    wrong += judged(&layout, &facts, &plan.links);
    match wrong == 0 && checked.differences.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

fn told(what: &str, count: usize, of: &str, start: Instant) {
    println!(
        "{what} {count} {of}: {:.2} s",
        start.elapsed().as_secs_f64()
    );
}

/// What of a control file names a package.
fn field(deb: &Path, name: &str) -> String {
    let output = Command::new("dpkg-deb")
        .arg("-f")
        .arg(deb)
        .arg(name)
        .output();
    let output = output.expect("dpkg-deb runs");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn stored(layout: &Layout, deb: &Path) -> Option<Facts> {
    let bytes = fs::read(deb).expect("a .deb");
    let mut installation = Installation {
        package: field(deb, "Package").parse().ok()?,
        version: Version::new(&field(deb, "Version")).ok()?,
        architecture: field(deb, "Architecture").parse().ok()?,
        sha256: Sha256::of(&bytes),
        size: bytes.len() as u64,
        setuid: Vec::new(),
    };
    let id = installation.id();
    let home = layout.installation(&id);
    if !home.is_dir() {
        let aside = layout.tmp().join(id.to_string());
        let unpacked = Command::new("dpkg-deb")
            .arg("-R")
            .arg(deb)
            .arg(&aside)
            .status();
        assert!(unpacked.is_ok_and(|s| s.success()), "{}", deb.display());
        merge_usr(&aside);
        drop_set_id(&aside, &aside, &mut installation.setuid);
        installation.setuid.sort();
        let text = installation.to_text().expect("a text");
        fs::write(aside.join(inside::INSTALLATION), text).expect("written");
        fs::rename(aside, &home).expect("renamed");
    }
    let Payload {
        objects,
        paths,
        damaged,
    } = Payload::derive(&home).expect("facts");
    Some(Facts {
        id,
        installation,
        control: Control::default(),
        objects,
        paths,
        damaged,
    })
}

fn merge_usr(home: &Path) {
    for name in ["bin", "sbin", "lib", "lib32", "lib64", "libx32"] {
        let from = home.join(name);
        if from.is_symlink() {
            // base-files: /usr is merged.
            fs::remove_file(from).expect("removed");
        } else if from.is_dir() {
            let to = home.join("usr");
            fs::create_dir_all(&to).expect("usr");
            let merged = Command::new("cp").arg("-al").arg(&from).arg(&to).status();
            assert!(merged.is_ok_and(|s| s.success()), "{}", from.display());
            fs::remove_dir_all(from).expect("merged");
        }
    }
}

fn drop_set_id(home: &Path, dir: &Path, found: &mut Vec<SetId>) {
    for entry in fs::read_dir(dir).expect("a directory").flatten() {
        let (is, path) = (entry.metadata().expect("metadata"), entry.path());
        if is.is_dir() {
            drop_set_id(home, &path, found);
        } else if is.is_file() && is.permissions().mode() & 0o6000 != 0 {
            let mode = is.permissions().mode() & 0o7777;
            let path_in = path.strip_prefix(home).expect("below").into();
            found.push(SetId {
                path: path_in,
                mode,
                uid: 0,
                gid: 0,
                capability: None,
            });
            fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o1777)).expect("a mode");
        }
    }
}

struct Plan {
    realizations: Vec<Realization>,
    realized: BTreeMap<InstallationId, dpkgng_multi_version::layout::RealizationId>,
    libraries: Lib,
    links: Vec<Link>,
}

impl Plan {
    fn of(facts: &[Facts]) -> Plan {
        let mut providers: BTreeMap<(Architecture, Soname), &Facts> = BTreeMap::new();
        for package in facts {
            for object in package.objects.iter().filter(|o| o.public) {
                if let Some(soname) = &object.soname {
                    let key = (architecture_of(object, package), soname.clone());
                    providers.entry(key).or_insert(package);
                }
            }
        }
        let realizations: Vec<Realization> = facts.iter().map(realization).collect();
        let realized: BTreeMap<_, _> = realizations
            .iter()
            .map(|r| (r.installation.clone(), r.id()))
            .collect();
        let mut libraries = Lib::new();
        for ((architecture, soname), package) in &providers {
            let (installation, realization) = (package.id.clone(), realized[&package.id].clone());
            let offers = libraries.entry(architecture.clone()).or_default();
            offers.insert(
                soname.clone(),
                Offered {
                    installation,
                    realization,
                },
            );
        }
        let mut links = Vec::new();
        for package in facts {
            let mut told = BTreeSet::new();
            for object in &package.objects {
                let architecture = architecture_of(object, package);
                for soname in &object.needed {
                    if told.insert((architecture.clone(), soname.clone())) {
                        let own = provided(package, soname, &architecture).map(|_| package);
                        let system = || providers.get(&(architecture.clone(), soname.clone()));
                        let private = || {
                            facts
                                .iter()
                                .find(|f| provided(f, soname, &architecture).is_some())
                        };
                        let provider = own.or_else(|| system().copied()).or_else(private);
                        links.push(Link {
                            consumer: package.id.clone(),
                            architecture: architecture.clone(),
                            soname: soname.clone(),
                            provider: provider.map(|p| p.id.clone()),
                            overriding: None,
                        });
                    }
                }
            }
        }
        Plan {
            realized,
            realizations,
            libraries,
            links,
        }
    }

    fn planned(&self) -> Planned<'_> {
        Planned {
            realizations: &self.realizations,
            realized: &self.realized,
            libraries: &self.libraries,
            links: &self.links,
            tree: self.realized.values().collect(),
            made: BTreeMap::new(),
            only: None,
        }
    }
}

fn realization(package: &Facts) -> Realization {
    let objects = package.objects.iter().filter(|o| o.public);
    Realization {
        installation: package.id.clone(),
        sha256: package.installation.sha256,
        overrides: BTreeMap::new(),
        own: objects.filter_map(|o| o.soname.clone()).collect(),
        needed: BTreeSet::new(),
        rpath: false,
        policy: POLICY,
    }
}

/// Ask ld.so about every program; how often it says otherwise.
fn traced(linker: &Linker, layout: &Layout, facts: &[Facts], plan: &Planned) -> usize {
    let system = "system".parse().expect("a name");
    let current = layout.generation(&system, GenerationNumber::FIRST);
    let _ = fs::remove_dir_all(&current);
    fs::create_dir_all(&current).expect("made");
    let _ = symlink("gen/1", layout.current(&system));
    let _ = symlink("views/system/current", layout.current_system());
    for (name, target) in linker.system_libraries(plan).expect("libraries") {
        let link = current.join("lib").join(name);
        fs::create_dir_all(link.parent().expect("a directory")).expect("made");
        symlink(target, link).expect("linked");
    }
    // As the generation's root/, which is of hard links, too.
    fs::create_dir_all(current.join("root")).expect("made");
    for id in &plan.tree {
        let mut copy = Command::new("cp");
        copy.arg("-aln").arg(layout.realization(id).join("usr"));
        let _ = copy
            .arg(current.join("root"))
            .stderr(std::process::Stdio::null())
            .status();
    }
    let mut programs = String::new();
    for package in facts {
        for object in &package.objects {
            let glibc = |i: &PathBuf| is_glibc_interpreter(i.as_os_str().as_encoded_bytes());
            let amd64 = architecture_of(object, package).as_str() == "amd64";
            if amd64 && object.soname.is_none() && object.interpreter.as_ref().is_some_and(glibc) {
                let home = Layout::new("/var/sys").realization(&plan.realized[&package.id]);
                programs.push_str(&format!("{}\n", home.join(&object.path).display()));
            }
        }
    }
    fs::write(layout.root().join("programs"), &programs).expect("a list");
    let start = Instant::now();
    let script = r#"mount --bind "$0" /mnt && mount -t tmpfs tmpfs /var && mkdir /var/sys &&
        mount --bind /mnt /var/sys && while read -r p; do
        LD_TRACE_LOADED_OBJECTS=1 "$p" 2>&1 | sed "s|^|$p: |"; done < /var/sys/programs"#;
    let output = Command::new("unshare")
        .args(["-m", "bash", "-c", script])
        .arg(layout.root())
        .output();
    let output = output.expect("unshare runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let outside = |line: &&str| {
        line.contains("not found")
            || line.contains(": error while")
            || (line.contains("=> /") && !line.contains("=> /var/sys/"))
    };
    // What the plan itself leaves to the host is not there.
    let absent: BTreeSet<&str> = plan
        .links
        .iter()
        .filter(|l| l.provider.is_none())
        .map(|l| l.soname.as_str())
        .collect();
    let known = |line: &&str| line.split_whitespace().any(|word| absent.contains(word));
    let outside: Vec<&str> = text.lines().filter(outside).collect();
    let unexpected: Vec<&&str> = outside.iter().filter(|l| !known(l)).collect();
    for line in unexpected.iter().take(40) {
        println!("  ld.so: {line}");
    }
    told(
        "traced by ld.so",
        programs.lines().count(),
        "programs",
        start,
    );
    println!(
        "  {} lines, {} that leave /var/sys, {} of them unexpected",
        text.lines().count(),
        outside.len(),
        unexpected.len()
    );
    unexpected.len()
}

/// Ask whether every consumer does with the library it has, and whether it could be given another.
fn judged(layout: &Layout, facts: &[Facts], links: &[Link]) -> usize {
    let all: BTreeMap<_, _> = facts.iter().map(|f| (f.id.clone(), f.clone())).collect();
    let host = "amd64".parse().expect("a name");
    let abi = Abi::new(layout, &host, &all);
    let (start, mut wrong, mut asked) = (Instant::now(), 0, 0);
    for link in links {
        let Some(provider) = &link.provider else {
            continue;
        };
        let own = Some(provider);
        let verdict = abi.verdict(
            &link.consumer,
            &link.architecture,
            &link.soname,
            own,
            provider,
        );
        asked += 1;
        if let Some(symbol) = verdict.missing.first() {
            let name = String::from_utf8_lossy(&symbol.name);
            println!("  {} lacks {name} of {}", link.consumer, link.soname);
            wrong += 1;
        }
    }
    told("judged", asked, "links", start);
    let start = Instant::now();
    let rigid = facts
        .iter()
        .filter(|f| !abi.can_be_overridden(&f.id))
        .count();
    told(
        "asked of",
        facts.len(),
        "packages whether they can be overridden",
        start,
    );
    println!("  {rigid} can't");
    abi.finish().expect("read");
    wrong
}
