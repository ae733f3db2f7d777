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
        let slots: Vec<SideName> = how.slots.iter().map(|s| s.parse().unwrap()).collect();
        let wanted = Wanted {
            layout: &self.layout,
            view: &view(),
            number: GenerationNumber::FIRST,
            slots: &slots,
            pure: how.pure,
        };
        let host = Host::at(root.clone(), &self.layout, how.privileged, text.as_bytes());
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
                at, layers, keep, ..
            } => format!("{} = {} keep {}", short(at), all(layers), all(keep)),
            Mount::Bind { what, at, .. } => format!("{} - {}", short(at), short(what)),
            Mount::Hide { at } => format!("hide {}", short(at)),
        };
        let lacking = mounts
            .lacking
            .iter()
            .map(|l| format!("lacking {}", short(l)));
        Ok(mounts.mounts.iter().map(line).chain(lacking).collect())
    }
}

fn view() -> ViewName {
    "system".parse().unwrap()
}

#[derive(Default)]
struct How {
    privileged: bool,
    pure: bool,
    slots: &'static [&'static str],
    mounted: &'static [&'static str],
}

const GROUND: &str = "SYS/host SYS/current-system GEN";

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
    rig.holds("root/usr/bin/a");
    rig.holds("slots/exim@1/root/usr/bin/b");
    rig.holds("slots/other@1/root/usr/bin/b");
    rig.holds("slots/exim@1/root/opt/c");
    assert_eq!(plain(), [GROUND, "/usr = GEN/root/usr:SYS/host/usr keep "]);
    rig.host_dir("opt");
    let slots = How {
        slots: &["exim@1", "other@1"],
        ..How::default()
    };
    let exim = "GEN/slots/exim@1/root/usr:GEN/slots/other@1/root/usr:GEN/root/usr:SYS/host/usr";
    assert_eq!(
        rig.decide(slots).unwrap(),
        [
            GROUND,
            &format!("/usr = {exim} keep "),
            "/opt = GEN/slots/exim@1/root/opt:/opt keep "
        ]
    );
    let pure = How {
        pure: true,
        mounted: &["usr/local"],
        ..How::default()
    };
    assert_eq!(rig.decide(pure).unwrap(), [GROUND, "/usr - GEN/root/usr"]);
}

#[test]
fn mounts_below_usr_come_back_or_forbid_it() {
    let rig = Rig::new();
    rig.holds("root/usr/bin/a");
    let mounted: &[&str] = &["", "usr", "usr/local", "usr/local/x", "usr/share"];
    let root = How {
        privileged: true,
        mounted,
        ..How::default()
    };
    assert_eq!(
        rig.decide(root).unwrap()[1],
        "/usr = GEN/root/usr:SYS/host/usr keep /usr/local:/usr/share"
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
    rig.holds("root/etc/ssl/openssl.cnf");
    let plain = || rig.decide(How::default()).unwrap();
    assert_eq!(plain(), [GROUND]);
    rig.holds("root/etc/ssl/certs/a.pem");
    let ssl = "/etc/ssl = SYS/host/etc/ssl:GEN/root/etc/ssl keep ";
    assert_eq!(plain(), [GROUND, ssl]);
    rig.holds("root/etc/alternatives/editor");
    let alternatives =
        "/etc/alternatives = GEN/root/etc/alternatives:SYS/host/etc/alternatives keep ";
    assert_eq!(plain(), [GROUND, alternatives, ssl]);
    rig.holds("root/etc/foo.conf");
    let etc = "/etc = SYS/host/etc:GEN/root/etc keep ";
    assert_eq!(plain(), [GROUND, etc, alternatives]);
    let locked = How {
        mounted: &["etc/hosts"],
        ..How::default()
    };
    let expected = [GROUND, alternatives, "lacking /etc"];
    assert_eq!(rig.decide(locked).unwrap(), expected);
    // A link in a tree leads nowhere.
    symlink("/", rig.generation().join("root/opt")).unwrap();
    rig.host_dir("opt");
    assert_eq!(plain(), [GROUND, etc, alternatives]);
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
