use std::cmp::Ordering;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

use super::*;
use crate::decide::Versions;
use crate::facts::{Control as Relations, Op, Relation};
use crate::layout::{RealizationId, Sha256, SlotName};
use crate::manifest::{Installation, Relaxed, RelaxedField};

/// Versions of these tests are numbers.
struct Numbers;

impl Versions for Numbers {
    fn compare(&self, a: &Version, b: &Version) -> Ordering {
        let number = |v: &Version| v.as_str().parse::<u32>().unwrap_or(0);
        number(a).cmp(&number(b))
    }
}

/// A package of a view.
#[derive(Clone)]
struct Made {
    facts: Facts,
    member: Member,
}

impl Made {
    /// `NAME:ARCH=VERSION`
    fn new(spec: &str) -> Made {
        let (name, version) = spec.split_once('=').unwrap();
        let (name, arch) = name.split_once(':').unwrap_or((name, "amd64"));
        let sha256 = Sha256::of(spec.as_bytes());
        let installation = Installation {
            package: name.parse().unwrap(),
            version: version.parse().unwrap(),
            architecture: arch.parse().unwrap(),
            sha256,
            size: 1,
            setuid: Vec::new(),
        };
        let id = installation.id();
        let realization =
            RealizationId::new(id.package(), id.version(), id.architecture(), &sha256);
        Made {
            facts: Facts {
                id,
                installation,
                control: Relations::default(),
                objects: Vec::new(),
                paths: Vec::new(),
                damaged: Vec::new(),
            },
            member: Member {
                realization,
                reason: Reason::Want,
                state: State::Installed,
                own_libraries: false,
                slot: None,
                uses: std::collections::BTreeMap::new(),
                relaxed: Vec::new(),
                setuid: Vec::new(),
            },
        }
    }

    fn same(mut self) -> Made {
        self.facts.control.multi_arch = MultiArch::Same;
        self
    }

    fn in_slot(mut self) -> Made {
        self.member.slot = Some(SlotName::new("slot").unwrap());
        self
    }

    fn needs(mut self, name: &str, version: Option<(Op, &str)>) -> Made {
        self.facts.control.depends.push(vec![Relation {
            name: name.parse().unwrap(),
            architecture: None,
            version: version.map(|(op, v)| (op, v.parse().unwrap())),
        }]);
        self
    }

    fn conflicts(mut self, with: &Made) -> Made {
        self.member.relaxed.push(Relaxed {
            field: RelaxedField::Conflicts,
            with: with.member.realization.clone(),
        });
        self
    }
}

fn chosen(made: &[&Made]) -> (Vec<String>, Vec<String>) {
    let present: Vec<Present<'_>> = made
        .iter()
        .map(|m| Present {
            member: &m.member,
            facts: &m.facts,
        })
        .collect();
    let (shown, out) = choose(&present, &"amd64".parse().unwrap(), &Numbers);
    let word =
        |id: &InstallationId| format!("{}:{}={}", id.package(), id.architecture(), id.version());
    let mut shown: Vec<String> = shown.iter().map(|p| word(&p.facts.id)).collect();
    shown.sort();
    let out = out.iter().map(|(id, why)| format!("{}: {why}", word(id)));
    (shown, out.collect())
}

#[test]
fn of_several_versions_that_in_root_or_the_newest() {
    let (one, two) = (Made::new("foo=1"), Made::new("foo=2"));
    assert_eq!(chosen(&[&one, &two]).0, ["foo:amd64=2"]);
    let (shown, out) = chosen(&[&one, &two.clone().in_slot()]);
    assert_eq!(shown, ["foo:amd64=1"]);
    let why = "foo:amd64=2: another version of it is shown: foo:amd64 1";
    assert_eq!(out, [why]);
    let mut gone = two;
    gone.member.state = State::ConfigFiles;
    assert_eq!(chosen(&[&one, &gone]).0, ["foo:amd64=1"]);
}

#[test]
fn architectures_that_a_database_can_hold_at_once() {
    let (native, foreign) = (Made::new("foo=1"), Made::new("foo:i386=1"));
    assert_eq!(chosen(&[&foreign, &native]).0, ["foo:amd64=1"]);
    let (native, foreign) = (native.same(), foreign.same());
    let both = ["foo:amd64=1", "foo:i386=1"];
    assert_eq!(chosen(&[&foreign, &native]).0, both);
    let newer = Made::new("foo:i386=2").same();
    assert_eq!(chosen(&[&newer, &native]).0, ["foo:amd64=1"]);
}

#[test]
fn what_conflicts_and_what_needs_it_is_left_out() {
    let postfix = Made::new("postfix=1");
    let exim = Made::new("exim=1").in_slot().conflicts(&postfix);
    let front = Made::new("exim-front=1").needs("exim", None);
    let other = Made::new("other=1").needs("postfix", Some((Op::Ge, "1")));
    let (shown, out) = chosen(&[&exim, &front, &postfix, &other]);
    assert_eq!(shown, ["other:amd64=1", "postfix:amd64=1"]);
    let needs = "exim-front:amd64=1: depends on exim 1, which is left out";
    assert_eq!(out.len(), 2);
    assert!(out.contains(&needs.to_string()));
    assert!(out.contains(&"exim:amd64=1: conflicts with postfix 1".to_string()));
}

#[test]
fn a_gap_that_the_view_had_before_is_not_closed_by_leaving_out() {
    let (old, new) = (Made::new("lib=1"), Made::new("lib=2"));
    let on_old = Made::new("app=1").needs("lib", Some((Op::Eq, "1")));
    let on_host = Made::new("tool=1").needs("perl", None);
    let (shown, out) = chosen(&[&old, &new, &on_old, &on_host]);
    assert_eq!(shown, ["lib:amd64=2", "tool:amd64=1"]);
    assert_eq!(out.len(), 2);
}

#[test]
fn a_control_file_cannot_smuggle_a_stanza_or_a_state() {
    let control = b"Package: foo\nstatus: hold ok installed\nConffiles:\n /etc/x 0\nVersion: 1\nDescription: x\n y\n";
    let mut text = Vec::new();
    let conffiles = [("/etc/foo".to_string(), "00".to_string())];
    Control::parse(control)
        .unwrap()
        .stanza(State::ConfigFiles, &conffiles, &mut text);
    assert_eq!(
        String::from_utf8(text).unwrap(),
        "Package: foo\nStatus: deinstall ok config-files\nVersion: 1\nConfig-Version: 1\n\
         Conffiles:\n /etc/foo 00\nDescription: x\n y\n\n"
    );
    let two = b"Package: foo\n \t\n\nPackage: evil\n";
    assert_eq!(Control::parse(two), Err(ControlError::NotOne));
    assert_eq!(Control::parse(b" x\n"), Err(ControlError::Line(1)));
    assert_eq!(Control::parse(b"\n\n"), Err(ControlError::NotOne));
}

/// A store with a package of these files and control members.
fn store(layout: &Layout, made: &Made, extra: &str, files: &[(&str, &str)]) {
    let id = &made.facts.id;
    let payload = layout.installation(id);
    let multi_arch = match made.facts.control.multi_arch {
        MultiArch::Same => "Multi-Arch: same\n",
        _ => "",
    };
    let control = format!(
        "Package: {}\nVersion: {}\nArchitecture: {}\n{multi_arch}Maintainer: M <m@x>\n{extra}Description: x\n y\n",
        id.package(),
        id.version(),
        id.architecture(),
    );
    for (path, content) in [("DEBIAN/control", control.as_str())].iter().chain(files) {
        let path = payload.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

/// Runs a command with the database as `$D`, of this machine's dpkg and in each of the oracle's roots.
fn judged(dir: &Path, script: &str) -> Vec<(String, Output)> {
    let oracle = std::env::var_os("DPKG_ORACLE_DIR");
    let oracle = oracle.map_or("/var/tmp/dpkg-ng-oracle".into(), PathBuf::from);
    let mut outputs = Vec::new();
    for release in ["bookworm", "trixie"] {
        let root = oracle.join(release);
        let inner = "mount -t tmpfs t \"$1/tmp\" && mkdir \"$1/tmp/d\" && mount --bind \"$2\" \"$1/tmp/d\" \
             || exit 77; exec chroot \"$1\" env -i PATH=/usr/sbin:/usr/bin D=/tmp/d sh -c \"$3\"";
        let ran = Command::new("unshare")
            .args(["--mount", "sh", "-c", inner, "sh"])
            .args([root.as_os_str(), dir.as_os_str()])
            .arg(script)
            .output();
        match ran {
            Ok(output) if output.status.code() == Some(77) => {}
            Ok(output) if output.stderr.starts_with(b"unshare: ") => {}
            Ok(output) => outputs.push((release.to_string(), output)),
            Err(_) => {}
        }
    }
    if outputs.is_empty() {
        not_run::not_run("comparing with stock takes root and the stock systems");
    }
    outputs
}

/// What it printed, and that it said nothing else and succeeded.
fn assert_prints(dir: &Path, script: &str, expected: &str) {
    for (release, output) in judged(dir, script) {
        let (out, err) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        assert_eq!(
            (out.as_ref(), err.as_ref(), output.status.code()),
            (expected, "", Some(0)),
            "{release}: {script}"
        );
    }
}

#[test]
fn stock_dpkg_and_apt_accept_it() {
    let place = tempfile::tempdir().unwrap();
    let layout = Layout::new(place.path().join("sys"));
    let (foo, foreign) = (Made::new("foo=1").same(), Made::new("foo:i386=1").same());
    let bar = Made::new("bar:all=1").needs("perl", None);
    let mut gone = Made::new("gone=1");
    gone.member.state = State::ConfigFiles;
    let mut half = Made::new("half=1");
    (half.member.state, half.member.reason) = (State::Unpacked, Reason::Auto);
    store(
        &layout,
        &foo,
        "",
        &[("usr/lib/foo", "x"), ("DEBIAN/postinst", "#!/bin/sh\n")],
    );
    store(&layout, &foreign, "", &[("usr/lib/foo32", "x")]);
    store(
        &layout,
        &bar,
        "Depends: perl (>= 5), foo\n",
        &[
            ("etc/bar.conf", "configured\n"),
            ("usr/lib/bar", "x"),
            (
                "DEBIAN/conffiles",
                "/etc/bar.conf\nremove-on-upgrade /etc/old\n",
            ),
            (
                "DEBIAN/md5sums",
                "9dd4e461268c8034f5c8564e155c67a6  lib/bar\n",
            ),
            (
                "DEBIAN/triggers",
                "interest-noawait /usr/share/x\ninterest bar-made # why\nactivate y\n",
            ),
        ],
    );
    store(
        &layout,
        &gone,
        "",
        &[
            ("etc/gone/c", "c"),
            ("usr/bin/gone", "x"),
            ("DEBIAN/conffiles", "/etc/gone/c\n"),
            ("DEBIAN/postrm", "#!/bin/sh\n"),
            ("DEBIAN/prerm", "#!/bin/sh\n"),
        ],
    );
    store(&layout, &half, "", &[("usr/bin/half", "x")]);
    let made = [foo, foreign, bar, gone, half];
    let shown = made.iter().map(|m| Present {
        member: &m.member,
        facts: &m.facts,
    });
    let contents = Contents {
        shown: shown.collect(),
        host: vec![OfHost {
            name: "perl".parse().unwrap(),
            version: "5.40.1-6".parse().unwrap(),
            architecture: "amd64".parse().unwrap(),
            multi_arch: MultiArch::Allowed,
            provides: Some("libtest-simple-perl (= 1.3)".into()),
        }],
        native: "amd64".parse().unwrap(),
        architectures: made
            .iter()
            .map(|m| m.facts.id.architecture().clone())
            .collect(),
    };
    let dir = place.path().join("dpkg");
    write(&Disk::default(), &layout, &dir, &contents).unwrap();

    let query = |rest: &str| format!("dpkg-query --admindir=$D {rest}");
    assert_prints(
        &dir,
        &query(r"-W -f '${binary:Package} ${Version} ${db:Status-Abbrev}\n'"),
        "bar 1 ii \nfoo:amd64 1 ii \nfoo:i386 1 ii \ngone 1 rc \nhalf 1 iU \nperl 5.40.1-6 hi \n",
    );
    assert_prints(
        &dir,
        &query("-L foo:i386"),
        "/.\n/usr\n/usr/lib\n/usr/lib/foo32\n",
    );
    assert_prints(
        &dir,
        &query("-L gone"),
        "/.\n/etc\n/etc/gone\n/etc/gone/c\n",
    );
    assert_prints(&dir, &query("-S /usr/lib/bar"), "bar: /usr/lib/bar\n");
    assert_prints(&dir, &query("--control-list gone | sort"), "postrm\n");
    assert_prints(
        &dir,
        &query("--control-list foo:amd64 | sort"),
        "md5sums\npostinst\n",
    );
    assert_prints(
        &dir,
        "dpkg-query --admindir=$D -W -f '${Conffiles}\\n' bar",
        &format!(" /etc/bar.conf {}\n", md5_of("configured\n")),
    );
    assert_prints(
        &dir,
        "dpkg --admindir=$D --print-foreign-architectures",
        "i386\n",
    );
    // Only what is really half-done is found fault with.
    for (release, output) in judged(&dir, "dpkg --admindir=$D --audit") {
        let said = String::from_utf8_lossy(&output.stdout);
        let faults: Vec<&str> = said.lines().filter(|l| l.starts_with(' ')).collect();
        assert_eq!(faults, [" half                 x"], "{release}: {said}");
        assert_eq!(output.stderr, b"", "{release}");
    }
    let apt = "apt-get -qq -o Dir::State::status=$D/status -o Dir::State::extended_states=$D/extended_states \
        -o Dir::State::lists=/tmp/l -o Dir::Cache=/tmp/c -o Dir::Etc::sourcelist=/dev/null \
        -o APT::Architectures::=amd64 -o APT::Architectures::=i386";
    assert_prints(
        &dir,
        &format!("mkdir -p /tmp/l/partial /tmp/c; {apt} check"),
        "",
    );
    for (release, output) in judged(
        &dir,
        &format!("mkdir -p /tmp/l/partial /tmp/c; {apt} -s autoremove"),
    ) {
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            said.contains("Remv half [1]") && !said.contains("perl"),
            "{release}: {said}"
        );
    }
    // The database does not own what it shares with the store.
    assert!(dir.join("info/foo:amd64.postinst").exists());
    assert_eq!(
        fs::read_to_string(dir.join("triggers/File")).unwrap()
            + &fs::read_to_string(dir.join("triggers/bar-made")).unwrap(),
        "/usr/share/x bar/noawait\nbar\n"
    );
    let sums = fs::read_to_string(dir.join("info/bar.md5sums")).unwrap();
    assert!(sums.ends_with("  usr/lib/bar\n"), "{sums}");
}

fn md5_of(text: &str) -> String {
    use md5::Digest;
    let digest = md5::Md5::digest(text.as_bytes());
    digest.iter().map(|b| format!("{b:02x}")).collect()
}
