//! Scripts that really run: in a private mount namespace of the test's thread, where /etc, /var/lib/dpkg, /run and
//! ldconfig's memory are scratch.

use std::fs::{self, Permissions};
use std::os::unix::fs::symlink;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_bind, mount_change};
use rustix::thread::{CapabilitySet, UnshareFlags};

use super::triggers::{Party, Role, Triggers};
use super::*;
use crate::layout::{InstallationId, Sha256, Version};

struct Rig {
    dir: tempfile::TempDir,
    layout: Layout,
    disk: Disk,
}

/// The view's database.
const STATUS: &str =
    "Package: x\nStatus: deinstall ok config-files\nVersion: 1\nArchitecture: all\n";
/// What a script is told.
const TOLD: &str = "/usr/share/told";

impl Rig {
    /// None, where nothing may be mounted.
    #[allow(unsafe_code)]
    fn new() -> Option<Rig> {
        let capable = rustix::thread::capabilities(None).unwrap().effective;
        if !capable.contains(CapabilitySet::SYS_ADMIN) {
            not_run::not_run("that takes CAP_SYS_ADMIN");
            return None;
        }
        let dir = tempfile::tempdir_in("/var/tmp").unwrap();
        let layout = Layout::new(dir.path().join("sys"));
        let rig = Rig {
            dir,
            layout,
            disk: Disk::default(),
        };
        drop(crate::generation::Sys::open(rig.layout.clone(), Disk::default(), false).unwrap());
        // SAFETY: the descriptor table stays shared.
        unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNS) }.unwrap();
        mount_change(
            "/",
            MountPropagationFlags::PRIVATE | MountPropagationFlags::REC,
        )
        .unwrap();
        for (path, text) in [
            ("etc/passwd", "root:x:0:0::/:/bin/sh\n"),
            ("etc/ld.so.cache", "the host's"),
            ("etc/alternatives/keep", "x"),
            ("db/status", "the host's\n"),
            ("db/info/format", "1\n"),
        ] {
            rig.host(path, text);
        }
        fs::create_dir_all(rig.path("cache")).unwrap();
        mount_bind(rig.path("etc"), "/etc").unwrap();
        mount_bind(rig.path("db"), "/var/lib/dpkg").unwrap();
        if Path::new("/var/cache/ldconfig").is_dir() {
            mount_bind(rig.path("cache"), "/var/cache/ldconfig").unwrap();
        }
        fs::create_dir_all(rig.path("srv")).unwrap();
        mount_bind(rig.path("srv"), "/srv").unwrap();
        mount("none", "/run", "tmpfs", MountFlags::empty(), None).unwrap();
        fs::create_dir_all("/run/systemd/system").unwrap();
        rig.generation(1);
        Some(rig)
    }

    fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    fn host(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn building(&self, number: u32) -> PathBuf {
        self.layout.tmp().join(format!("system-{number}"))
    }

    fn generation(&self, number: u32) {
        let building = self.building(number);
        for dir in ["root/usr/share", "dpkg/info"] {
            fs::create_dir_all(building.join(dir)).unwrap();
        }
        fs::write(building.join("dpkg/status"), STATUS).unwrap();
    }

    /// A package in the store, with scripts, and a file that is linked into the tree.
    fn package(&self, name: &str, version: &str, scripts: &[(&str, &str)]) -> InstallationId {
        let hash = Sha256::of(format!("{name}{version}").as_bytes());
        let (name, arch) = (name.parse().unwrap(), "amd64".parse().unwrap());
        let id = InstallationId::new(&name, &Version::new(version).unwrap(), &arch, &hash);
        let store = self.layout.installation(&id);
        fs::create_dir_all(store.join("DEBIAN")).unwrap();
        for (script, text) in scripts {
            let path = store.join("DEBIAN").join(script);
            let shell = if *script == "triggers" {
                ""
            } else {
                "#!/bin/sh\nset -e\n"
            };
            fs::write(&path, format!("{shell}{text}\n")).unwrap();
            fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
        }
        id
    }

    fn file(&self, id: &InstallationId, number: u32, path: &str, text: &str) -> PathBuf {
        let (from, to) = (
            self.layout.installation(id).join(path),
            self.building(number).join("root").join(path),
        );
        for path in [&from, &to] {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
        }
        fs::write(&from, text).unwrap();
        fs::hard_link(&from, &to).unwrap();
        from
    }

    fn work<'w>(&'w self, building: &'w Path) -> Work<'w> {
        Work {
            disk: &self.disk,
            layout: &self.layout,
            building,
            members: &[],
            running_version: "1.22.22".into(),
        }
    }

    fn install(&self, number: u32, ids: &[&InstallationId]) -> Result<(Outcome, Etc), ScriptError> {
        let tasks: Vec<Task> = ids.iter().map(|id| fresh(id, None)).collect();
        self.act(number, &tasks)
    }

    fn act(&self, number: u32, tasks: &[Task]) -> Result<(Outcome, Etc), ScriptError> {
        let building = self.building(number);
        let work = self.work(&building);
        let (mut outcome, mut etc) = (Outcome::default(), Etc::before(Path::new("/etc"))?);
        work.run(calls(tasks), &mut etc, &mut outcome, &mut |_| ())?;
        work.end(&mut etc)?;
        Ok((outcome, etc))
    }

    fn tree(&self, number: u32, path: &str) -> PathBuf {
        self.building(number).join("root").join(path)
    }
}

fn fresh(id: &InstallationId, slot: Option<&str>) -> Task {
    Task::Install {
        new: id.clone(),
        slot: slot.map(|s| s.parse().unwrap()),
        old: None,
        configure: true,
    }
}

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn what_is_called_when() {
    let id = |name: &str, version: &str| {
        let arch = "amd64".parse().unwrap();
        let hash = Sha256::of(version.as_bytes());
        InstallationId::new(
            &name.parse().unwrap(),
            &Version::new(version).unwrap(),
            &arch,
            &hash,
        )
    };
    let tasks = [
        fresh(&id("new", "1"), None),
        Task::Install {
            new: id("up", "2"),
            slot: None,
            old: Some(id("up", "1")),
            configure: true,
        },
        Task::Install {
            new: id("unpacked", "1"),
            slot: None,
            old: None,
            configure: false,
        },
        Task::Configure {
            package: id("waiting", "1"),
            slot: None,
            last: None,
        },
        Task::Remove {
            package: id("gone", "1"),
            slot: None,
            purge: true,
        },
        Task::Purge {
            package: id("old", "1"),
            slot: None,
        },
    ];
    let shown: Vec<String> = calls(&tasks).iter().map(Call::to_string).collect();
    assert_eq!(
        shown,
        [
            "up=1: prerm upgrade 2",
            "gone=1: prerm remove",
            "new=1: preinst install",
            "up=2: preinst upgrade 1 2",
            "unpacked=1: preinst install",
            "up=1: postrm upgrade 2",
            "gone=1: postrm remove",
            "gone=1: postrm purge",
            "old=1: postrm purge",
            "new=1: postinst configure ",
            "up=2: postinst configure 1",
            "waiting=1: postinst configure ",
        ]
    );
}

#[test]
fn a_script_is_told_what_dpkg_tells_and_writes_to_the_view_alone() {
    let Some(rig) = Rig::new() else { return };
    let postinst = format!(
        "{{ echo \"$0 $@|$#\"; pwd; umask; env | grep -E '^(DPKG_|PATH)' | sort; }} >{TOLD}\n\
         echo changed >>/usr/share/foo/data; rm /usr/share/foo/gone; rm -r /usr/share/foo/dir; mkdir /usr/share/foo/dir\n\
         chmod 600 /usr/share/foo/mode; ln -s x /usr/share/foo/link; mkdir -p /usr/local/share/made/by\n\
         cp /usr/bin/env /usr/share/foo/tool; chmod 4755 /usr/share/foo/tool\n\
         cat /var/lib/dpkg/status >/usr/share/status-seen; echo more >>/var/lib/dpkg/status; echo x >/var/lib/dpkg/stray; ! echo x >>/var/lib/dpkg/info/foo.postinst\n\
         ls /srv/foo >/usr/share/srv-seen; ls -A /run/systemd >/usr/share/systemd-seen; /usr/sbin/policy-rc.d ssh start || echo $? >/usr/share/policy-seen"
    );
    let id = rig.package(
        "foo",
        "1:2-3",
        &[("postinst", &postinst), ("templates", "t")],
    );
    let own = ["data", "gone", "dir/file", "mode"]
        .map(|f| rig.file(&id, 1, &format!("usr/share/foo/{f}"), f));
    for path in ["srv/foo/state", "srv/there"] {
        let path = rig.layout.installation(&id).join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "state").unwrap();
    }
    rig.host("srv/there", "the host's");
    let (outcome, etc) = rig.install(1, &[&id]).unwrap();
    assert_eq!(outcome.ran.len(), 1);
    assert_eq!(etc.paths().count(), 0);

    let told = read(rig.tree(1, "usr/share/told"));
    let expected = "/var/lib/dpkg/info/foo.postinst configure |2\n/\n0022\n\
        DPKG_ADMINDIR=/var/lib/dpkg\nDPKG_MAINTSCRIPT_ARCH=amd64\nDPKG_MAINTSCRIPT_DEBUG=0\n\
        DPKG_MAINTSCRIPT_NAME=postinst\nDPKG_MAINTSCRIPT_PACKAGE=foo\nDPKG_MAINTSCRIPT_PACKAGE_REFCOUNT=1\n\
        DPKG_ROOT=\nDPKG_RUNNING_VERSION=1.22.22\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n";
    assert_eq!(told, expected);

    // The store is as it was, and the tree has inodes of its own where it differs.
    for path in &own {
        let name = path
            .to_str()
            .unwrap()
            .rsplit("foo/")
            .next()
            .unwrap()
            .to_owned();
        assert_eq!(read(path), name);
        assert_eq!(path.metadata().unwrap().mode() & 0o7777, 0o644);
    }
    let share = |path: &str| rig.tree(1, &format!("usr/share/{path}"));
    assert_eq!(read(share("foo/data")), "datachanged\n");
    assert!(
        !share("foo/gone").exists() && share("foo/dir").is_dir() && !share("foo/dir/file").exists()
    );
    assert_eq!(share("foo/mode").metadata().unwrap().mode() & 0o777, 0o600);
    assert!(share("foo/link").is_symlink() && rig.tree(1, "usr/local/share/made/by").is_dir());
    assert!(!Path::new("/usr/local/share/made").exists() && !Path::new(TOLD).exists());
    let tool = share("foo/tool").metadata().unwrap();
    assert_eq!((tool.mode() & 0o7777, tool.nlink()), (0o755, 1));
    let set_id = outcome.bits[0].set_id.as_ref().unwrap();
    assert_eq!(
        (set_id.path.as_path(), set_id.mode),
        (Path::new("usr/share/foo/tool"), 0o4755)
    );

    // What it brings to /srv.
    assert_eq!(
        outcome.state,
        [Path::new("/srv/foo"), Path::new("/srv/foo/state")]
    );
    assert_eq!(read(rig.path("srv/foo/state")), "state");
    assert_eq!(read(rig.path("srv/there")), "the host's");
    assert!(read(share("srv-seen")).ends_with("state\n"));

    // The databases.
    assert_eq!(read(share("status-seen")), STATUS);
    assert_eq!(read(rig.path("db/status")), "the host's\n");
    assert!(!rig.path("db/stray").exists() && rig.building(1).join("dpkg/stray").exists());
    assert_eq!(
        read(rig.building(1).join("dpkg/status")),
        format!("{STATUS}more\n")
    );
    let info = fs::read_dir(rig.building(1).join("dpkg/info")).unwrap();
    assert_eq!(info.count(), 0);

    assert_eq!(
        (read(share("systemd-seen")), read(share("policy-seen"))),
        (String::new(), "101\n".into())
    );
    assert!(!rig.tree(1, "usr/sbin").exists() && !rig.building(1).join("work").exists());
}

#[test]
fn etc_is_changed_at_the_end_or_not_at_all() {
    let Some(rig) = Rig::new() else { return };
    let postinst = "cat /etc/foo.conf >/etc/foo.copy; echo user >>/etc/passwd; mkdir /etc/foo.d\n\
        echo y >/etc/foo.d/y; rm /etc/old; echo z >/etc/ld.so.cache; chmod 640 /etc/secret\n\
        mkdir -p /etc/systemd/system; ln -sf /x /etc/systemd/system/foo.service; rm /etc/foo.conf";
    let id = rig.package("foo", "1", &[("postinst", postinst)]);
    rig.file(&id, 1, "etc/foo.conf", "pristine");
    rig.host("etc/old", "");
    rig.host("etc/secret", "s");
    rig.host("etc/hosts", "h");
    let failing = rig.package("bar", "1", &[("postinst", "echo bar >/etc/bar; exit 3")]);
    let error = rig.install(1, &[&failing]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "bar=1: postinst configure : subprocess returned error exit status 3"
    );
    let again = |rig: &Rig| {
        fs::remove_dir_all(rig.building(1).join("made")).unwrap();
        rig.install(1, &[&id]).unwrap().1
    };
    let etc = again(&rig);
    let paths: Vec<String> = etc.paths().map(|p| p.display().to_string()).collect();
    assert_eq!(paths, ["foo.copy", "foo.d/y", "old", "passwd", "secret"]);
    assert!(rig.path("etc/old").exists() && !rig.path("etc/foo.copy").exists());

    rig.host("etc/passwd", "somebody else\n");
    let refused = etc.put(&rig.disk, &rig.building(1));
    assert!(matches!(refused, Err(ScriptError::Changed(p)) if p.ends_with("passwd")));
    assert!(rig.path("etc/old").exists() && !rig.path("etc/foo.copy").exists());

    again(&rig).put(&rig.disk, &rig.building(1)).unwrap();
    assert_eq!(read(rig.path("etc/foo.copy")), "pristine");
    assert_eq!(read(rig.path("etc/passwd")), "somebody else\nuser\n");
    assert_eq!(read(rig.path("etc/foo.d/y")), "y\n");
    assert_eq!(read(rig.path("etc/ld.so.cache")), "the host's");
    assert_eq!(
        rig.path("etc/secret").metadata().unwrap().mode() & 0o777,
        0o640
    );
    // Neither whiteouts nor strays.
    let mut names: Vec<_> = fs::read_dir(rig.path("etc"))
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "alternatives",
            "foo.copy",
            "foo.d",
            "hosts",
            "ld.so.cache",
            "passwd",
            "secret"
        ]
    );
    let kept = rig.tree(1, "etc/systemd/system/foo.service");
    assert!(kept.is_symlink());
    assert_eq!(read(rig.tree(1, "etc/foo.conf")), "pristine");
    assert!(!rig.building(1).join("made/etc/passwd").exists());
}

#[test]
fn tools_of_dpkg_work_on_the_view() {
    let Some(rig) = Rig::new() else { return };
    symlink("/usr/bin/env", rig.path("etc/alternatives/greet")).unwrap();
    rig.host("cache/aux-cache", "the host's");
    let postinst = "update-alternatives --install /usr/bin/greet greet /usr/share/foo/greet 10\n\
        ldconfig; dpkg-trigger --no-await greeted || :; dpkg-divert --quiet --no-rename --add /usr/bin/none\n\
        dpkg-divert --list >/usr/share/diversions";
    let id = rig.package("foo", "1", &[("postinst", postinst)]);
    rig.file(&id, 1, "usr/share/foo/greet", "#!/bin/sh\n");
    let listening = rig.package(
        "bar",
        "1",
        &[
            ("triggers", "interest-noawait greeted\ninterest ldconfig"),
            ("postinst", "echo \"$@\" >>/usr/share/bar"),
        ],
    );
    let building = rig.building(1);
    let work = rig.work(&building);
    let (mut outcome, mut etc) = (Outcome::default(), Etc::before(Path::new("/etc")).unwrap());
    let mut about = Vec::new();
    let calls = calls(&[fresh(&id, None)]);
    work.run(calls, &mut etc, &mut outcome, &mut |c| {
        about.push(c.to_string())
    })
    .unwrap();
    let party = |id: &InstallationId, role| Party {
        package: id.clone(),
        slot: None,
        triggers: Triggers::read(&rig.layout, id).unwrap(),
        role,
    };
    let parties = [
        party(&listening, Role::Stays),
        party(&id, Role::Comes(Vec::new())),
    ];
    work.trigger(&parties, &mut etc, &mut outcome, &mut |c| {
        about.push(c.to_string())
    })
    .unwrap();
    work.end(&mut etc).unwrap();
    assert_eq!(
        about,
        [
            "foo=1: postinst configure ",
            "bar=1: postinst triggered greeted"
        ]
    );
    assert_eq!(etc.paths().count(), 0, "{etc:?}");
    assert_eq!(read(rig.tree(1, "usr/share/bar")), "triggered greeted\n");
    let link = |path: &Path| fs::read_link(path).unwrap();
    assert_eq!(
        link(&rig.tree(1, "usr/bin/greet")),
        Path::new("/etc/alternatives/greet")
    );
    assert_eq!(
        link(&rig.tree(1, "etc/alternatives/greet")),
        Path::new("/usr/share/foo/greet")
    );
    assert_eq!(
        link(&rig.path("etc/alternatives/greet")),
        Path::new("/usr/bin/env")
    );
    assert!(rig.building(1).join("dpkg/alternatives/greet").exists());
    assert!(
        read(rig.tree(1, "usr/share/diversions"))
            .contains("diversion of /usr/bin/none to /usr/bin/none.distrib by foo")
    );
    assert_eq!(read(rig.path("etc/ld.so.cache")), "the host's");
    assert_eq!(read(rig.path("cache/aux-cache")), "the host's");
    assert_eq!(read(rig.path("db/status")), "the host's\n");
    assert_eq!(fs::read_dir(rig.path("db")).unwrap().count(), 2);

    // The next generation has it, too; not what a package has by then.
    fs::write(rig.building(1).join("made/usr/share/taken"), "made").unwrap();
    rig.generation(2);
    rig.file(&id, 2, "usr/share/taken", "packaged");
    let (building, mut outcome) = (rig.building(2), Outcome::default());
    rig.work(&building)
        .begin(Some((&rig.building(1), &[])), &mut outcome)
        .unwrap();
    assert_eq!(read(rig.tree(2, "usr/share/bar")), "triggered greeted\n");
    assert_eq!(read(rig.tree(2, "usr/share/taken")), "packaged");
    assert!(rig.tree(2, "etc/alternatives/greet").is_symlink());
    assert!(building.join("dpkg/alternatives/greet").exists());
    let inode = |n| rig.tree(n, "usr/share/bar").metadata().unwrap().ino();
    assert_ne!(inode(1), inode(2));
    let (_, etc) = rig.install(2, &[&listening]).unwrap();
    assert_eq!(etc.paths().count(), 0);
    let lines = |n| read(rig.tree(n, "usr/share/bar")).lines().count();
    assert_eq!((lines(1), lines(2)), (1, 2));
}

#[test]
fn what_scripts_did_to_a_packages_file_goes_with_it() {
    let Some(rig) = Rig::new() else { return };
    let postinst = "cd /usr/share/foo; echo more >>text; chgrp 5 tool; chmod 2755 tool; chgrp 5 plain; rm gone\n\
        touch set; chgrp 5 lost; echo mine >mine";
    let id = rig.package("foo", "1", &[("postinst", postinst)]);
    let names = ["text", "tool", "plain", "gone", "set", "lost"];
    let path = |name: &str| format!("usr/share/foo/{name}");
    // A realization of it, with files of its own.
    let member = |number, text: &str, needed: &[&str]| {
        let needed = needed.iter().map(|n| n.parse().unwrap()).collect();
        let realization = crate::manifest::Realization {
            installation: id.clone(),
            sha256: Sha256::of(b"foo1"),
            overrides: Default::default(),
            own: Default::default(),
            needed,
            rpath: false,
            policy: 1,
        };
        let inst = rig.layout.realization(&realization.id());
        rig.generation(number);
        for name in names {
            let (from, to) = (inst.join(path(name)), rig.tree(number, &path(name)));
            fs::create_dir_all(from.parent().unwrap()).unwrap();
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::write(&from, text).unwrap();
            fs::copy(&from, &to).unwrap();
        }
        let set_id = |name: &str| SetId {
            path: path(name).into(),
            mode: 0o4755,
            uid: 0,
            gid: 0,
        };
        vec![Member {
            realization: realization.id(),
            reason: crate::manifest::Reason::Want,
            state: crate::manifest::State::Installed,
            own_libraries: false,
            slot: None,
            uses: Default::default(),
            relaxed: Vec::new(),
            setuid: ["set", "lost"].map(set_id).into(),
        }]
    };
    let shown = |number: u32, members: &[Member]| -> String {
        let mut lines = Vec::new();
        for name in names.iter().chain(&["mine"]) {
            let path = rig.tree(number, &path(name));
            let Ok(is) = fs::symlink_metadata(&path) else {
                lines.push(format!("{name} -"));
                continue;
            };
            lines.push(format!(
                "{name} {:o} {} {}",
                is.mode() & 0o7777,
                is.gid(),
                read(&path).trim()
            ));
        }
        for set_id in &members[0].setuid {
            let name = set_id.path.file_name().unwrap().display();
            let links = fs::metadata(rig.tree(number, set_id.path.to_str().unwrap()))
                .unwrap()
                .nlink();
            lines.push(format!(
                "{name} is {:o} {} {links}",
                set_id.mode, set_id.gid
            ));
        }
        lines.join("\n").replace("\nmore", "+more")
    };
    let mut first = member(1, "one", &[]);
    let building = rig.building(1);
    let mut work = rig.work(&building);
    let (members, mut outcome) = (first.clone(), Outcome::default());
    work.members = &members;
    let mut etc = Etc::before(Path::new("/etc")).unwrap();
    work.run(
        calls(&[fresh(&id, None)]),
        &mut etc,
        &mut outcome,
        &mut |_| (),
    )
    .unwrap();
    work.end(&mut etc).unwrap();
    outcome.note(&rig.layout, &mut first);
    let same = "text 644 0 onemore\ntool 755 5 one\nplain 644 5 one\ngone -\nset 644 0 one\nlost 644 5 one\nmine 644 0 mine\n\
        set is 4755 0 1\ntool is 2755 5 1";
    assert_eq!(shown(1, &first), same);

    let next = |number: u32, previous: u32, was: &[Member], mut is: Vec<Member>| {
        let (building, members, mut outcome) =
            (rig.building(number), is.clone(), Outcome::default());
        let mut work = rig.work(&building);
        work.members = &members;
        work.begin(Some((&rig.building(previous), was)), &mut outcome)
            .unwrap();
        outcome.note(&rig.layout, &mut is);
        (shown(number, &is), is)
    };
    let (again, second) = next(2, 1, &first, member(2, "one", &[]));
    assert_eq!(again, same);
    // Linked anew, its files are others.
    let (linked, third) = next(3, 2, &second, member(3, "two", &["libx.so.1"]));
    let expected = "text 644 0 two\ntool 755 5 two\nplain 644 5 two\ngone -\nset 644 0 two\nlost 644 5 two\nmine 644 0 mine\n\
        set is 4755 0 1\ntool is 2755 5 1";
    assert_eq!(linked, expected);
    let (back, _) = next(4, 3, &third, member(4, "two", &["libx.so.1"]));
    assert_eq!(back, expected);
    // And without the package.
    rig.generation(5);
    let (building, mut outcome) = (rig.building(5), Outcome::default());
    let was = Some((rig.building(4), third));
    let was = was
        .as_ref()
        .map(|(path, members)| (path.as_path(), members.as_slice()));
    rig.work(&building).begin(was, &mut outcome).unwrap();
    let left = fs::read_dir(rig.tree(5, "usr/share/foo")).unwrap();
    let left: Vec<_> = left.map(|e| e.unwrap().file_name()).collect();
    assert_eq!((left, outcome), (vec!["mine".into()], Outcome::default()));
}

#[test]
fn slots_fallbacks_and_what_is_not_run() {
    let Some(rig) = Rig::new() else { return };
    let say = |what: &str| format!("echo {what} $@ >>/usr/share/log");
    let old = rig.package(
        "up",
        "1",
        &[("prerm", "exit 1"), ("postrm", &say("old postrm"))],
    );
    let new = rig.package(
        "up",
        "2",
        &[
            ("prerm", &say("new prerm")),
            (
                "preinst",
                &format!("{}; echo $0 >>/usr/share/log", say("preinst")),
            ),
            ("postinst", &say("postinst")),
        ],
    );
    let upgrade = Task::Install {
        new: new.clone(),
        slot: None,
        old: Some(old.clone()),
        configure: true,
    };
    let (outcome, _) = rig.act(1, std::slice::from_ref(&upgrade)).unwrap();
    assert_eq!(outcome.ran.len(), 4);
    let log = read(rig.tree(1, "usr/share/log"));
    let expected = "new prerm failed-upgrade 1 2\npreinst upgrade 1 2\n/var/lib/dpkg/tmp.ci/preinst\n\
        old postrm upgrade 2\npostinst configure 1\n";
    assert_eq!(log, expected);

    // A slot has its own, and sees the rest.
    let other = rig.package(
        "up",
        "3",
        &[("postinst", "echo slot; cat /usr/share/log >/usr/share/seen")],
    );
    let slot: SlotName = "up-3".parse().unwrap();
    fs::create_dir_all(rig.building(1).join(inside::tree(Some(&slot)))).unwrap();
    let _ = rig.act(1, &[fresh(&other, Some("up-3"))]).unwrap();
    assert!(!rig.tree(1, "usr/share/seen").exists());
    assert_eq!(
        read(rig.building(1).join("slots/up-3/root/usr/share/seen")),
        expected
    );

    let building = rig.building(1);
    assert_eq!(rig.work(&building).there(calls(&[upgrade])).len(), 4);

    let mut sets = rustix::thread::capabilities(None).unwrap();
    sets.effective.remove(CapabilitySet::SYS_ADMIN);
    rustix::thread::set_capabilities(None, sets).unwrap();
    let refused = rig.install(1, &[&new]);
    assert!(matches!(refused, Err(ScriptError::NeedsRoot)));
}
