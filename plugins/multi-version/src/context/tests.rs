use std::fs;
use std::os::unix::fs::symlink;

use super::*;
use crate::layout::Layout;

/// A host and a layout, in directories of a test.
struct Rig {
    dir: tempfile::TempDir,
    layout: Layout,
}

impl Rig {
    fn new() -> Rig {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::new(dir.path().join("sys"));
        let rig = Rig { dir, layout };
        for path in ["usr/bin", "usr/lib", "etc/alternatives", "etc/ssl"] {
            rig.host_dir(path);
        }
        for name in ["bin", "lib"] {
            symlink(Path::new("usr").join(name), rig.root().join(name)).unwrap();
        }
        fs::create_dir_all(rig.layout.host()).unwrap();
        symlink("views/system/current", rig.layout.current_system()).unwrap();
        rig
    }

    fn root(&self) -> PathBuf {
        self.dir.path().join("root")
    }

    fn host_dir(&self, path: &str) {
        fs::create_dir_all(self.root().join(path)).unwrap();
    }

    fn generation(&self) -> PathBuf {
        self.layout.generation(&view(), GenerationNumber::FIRST)
    }

    /// A file of the generation.
    fn holds(&self, path: &str) {
        let path = self.generation().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }

    fn decide(&self, how: How) -> Result<Vec<String>, ContextError> {
        let root = self.root();
        let points = how.mounted.iter();
        let lines =
            points.map(|p| format!("1 0 8:1 / {} rw - ext4 /dev/a rw\n", root.join(p).display()));
        let text: String = lines.collect();
        let side: Option<SideName> = how.side.map(|s| s.parse().unwrap());
        let wanted = Wanted {
            layout: &self.layout,
            view: &view(),
            number: GenerationNumber::FIRST,
            side: side.as_ref(),
            pure: how.pure,
        };
        fs::create_dir_all(wanted.world().tree()).unwrap();
        let host = Host::at(root.clone(), &self.layout, how.privileged, text.as_bytes()).unwrap();
        let mounts = Mounts::decide(&wanted, &host)?;
        assert_eq!(mounts.user_namespace, !how.privileged);
        let (root, sys) = (root.display(), self.layout.root().display().to_string());
        let short = |path: &PathBuf| {
            let path = path.display().to_string();
            path.replace(&self.generation().display().to_string(), "GEN")
                .replace(&sys, "SYS")
                .replace(&root.to_string(), "")
        };
        let all = |paths: &[PathBuf]| paths.iter().map(short).collect::<Vec<_>>().join(":");
        let line = |mount: &Mount| match mount {
            Mount::Ground { at, link, to, .. } => {
                format!("{} {} {}", short(at), short(link), short(to))
            }
            Mount::Overlay {
                at,
                layers,
                upper,
                keep,
            } => {
                let upper = upper.as_ref().map(|u| format!("{}>", short(&u.dir)));
                let upper = upper.unwrap_or_default();
                format!("{} = {upper}{} keep {}", short(at), all(layers), all(keep))
            }
            Mount::Bind {
                what,
                at,
                read_only,
            } => {
                let how = if *read_only { " read-only" } else { "" };
                format!("{} - {}{how}", short(at), short(what))
            }
            Mount::Alone { what, at } => format!("{} alone {}", short(at), short(what)),
            Mount::Hide { at } => format!("hide {}", short(at)),
        };
        Ok(mounts.mounts.iter().map(line).collect())
    }
}

fn view() -> ViewName {
    "system".parse().unwrap()
}

#[derive(Default)]
struct How {
    privileged: bool,
    pure: bool,
    side: Option<&'static str>,
    mounted: &'static [&'static str],
}

const GROUND: &str = "SYS/host SYS/current-system GEN/main";

#[test]
fn what_is_laid_over_what() {
    let rig = Rig::new();
    let plain = || rig.decide(How::default()).unwrap();
    assert_eq!(plain(), [GROUND]);
    let pure = How {
        pure: true,
        ..How::default()
    };
    let nothing = rig.decide(pure);
    assert!(matches!(nothing, Err(ContextError::NothingInIt(_))));
    rig.holds("main/root/usr/bin/a");
    rig.holds("main/root/opt/c");
    // Mount points of a transaction are empty, and its links are none.
    fs::create_dir_all(rig.generation().join("main/root/var")).unwrap();
    symlink("usr/bin", rig.generation().join("main/root/bin")).unwrap();
    let usr = "/usr = GEN/main/root/usr:SYS/host/usr keep ";
    assert_eq!(plain(), [GROUND, usr]);
    rig.host_dir("opt");
    let opt = "/opt = GEN/main/root/opt:SYS/host/opt keep ";
    assert_eq!(plain(), [GROUND, opt, usr]);
    let pure = How {
        pure: true,
        mounted: &["usr/local"],
        ..How::default()
    };
    let usr = "/usr - GEN/main/root/usr read-only";
    assert_eq!(rig.decide(pure).unwrap(), [GROUND, opt, usr]);
}

#[test]
fn a_side_world_is_alone_and_has_its_own_state() {
    let rig = Rig::new();
    rig.holds("main/root/usr/bin/a");
    rig.holds("main/root/opt/c");
    rig.holds("worlds/exim@1/root/usr/bin/b");
    rig.holds("worlds/exim@1/dpkg/status");
    let state = rig.layout.view(&view()).join("state/exim@1");
    for dir in ["etc", "var/lib/dpkg", "var/tmp"] {
        fs::create_dir_all(state.join(dir)).unwrap();
    }
    for dir in ["opt", "var/tmp", "var/mail"] {
        rig.host_dir(dir);
    }
    let side = |privileged| {
        let how = How {
            privileged,
            side: Some("exim@1"),
            ..How::default()
        };
        rig.decide(how).unwrap()
    };
    let etc = "/etc = SYS/views/system/state/exim@1/etc:/etc keep ";
    let var = "SYS/views/system/state/exim@1/var";
    let expected = [
        "SYS/host SYS/current-system GEN/worlds/exim@1",
        "/usr = GEN/worlds/exim@1/root/usr:SYS/host/usr keep ",
        etc,
        &format!("{var}/tmp - /var/tmp"),
        &format!("{var}/lib/dpkg - GEN/worlds/exim@1/dpkg read-only"),
        &format!("/var - {var}"),
    ];
    assert_eq!(side(false), expected);
    // Only root changes it, and so has it writable.
    let root = "/etc = SYS/views/system/state/exim@1/etc>/etc keep ";
    assert_eq!(side(true)[2], root);
}

#[test]
fn mounts_below_usr_come_back_or_forbid_it() {
    let rig = Rig::new();
    rig.holds("main/root/usr/bin/a");
    let mounted: &[&str] = &["", "usr", "usr/local", "usr/local/x", "usr/share"];
    let root = How {
        privileged: true,
        mounted,
        ..How::default()
    };
    assert_eq!(
        rig.decide(root).unwrap()[1],
        "/usr = GEN/main/root/usr:SYS/host/usr keep /usr/local:/usr/share"
    );
    let user = How {
        mounted,
        ..How::default()
    };
    assert!(matches!(rig.decide(user), Err(ContextError::Locked(p)) if p.ends_with("usr/local")));
}

#[test]
fn etc_is_the_hosts_but_for_what_it_lacks() {
    let rig = Rig::new();
    fs::write(rig.root().join("etc/ssl/openssl.cnf"), "").unwrap();
    rig.holds("main/etc/ssl/openssl.cnf");
    let plain = || rig.decide(How::default()).unwrap();
    assert_eq!(plain(), [GROUND]);
    rig.holds("main/etc/ssl/certs/a.pem");
    let ssl = "/etc/ssl = /etc/ssl:GEN/main/etc/ssl keep ";
    assert_eq!(plain(), [GROUND, ssl]);
    rig.holds("main/etc/alternatives/editor");
    let alternatives = "/etc/alternatives = GEN/main/etc/alternatives:/etc/alternatives keep ";
    assert_eq!(plain(), [GROUND, alternatives, ssl]);
    // What is for scripts and for who manages services is not seen.
    rig.holds("main/etc/systemd/system/x.service");
    assert_eq!(plain(), [GROUND, alternatives, ssl]);
}

#[test]
fn hosts_that_will_not_do() {
    let rig = Rig::new();
    fs::remove_file(rig.layout.current_system()).unwrap();
    let decided = rig.decide(How::default());
    assert!(matches!(decided, Err(ContextError::NoCurrentSystem(_))));
    rig.host_dir("sbin");
    let decided = rig.decide(How::default());
    assert!(matches!(decided, Err(ContextError::NotMerged(p)) if p.ends_with("sbin")));
}
