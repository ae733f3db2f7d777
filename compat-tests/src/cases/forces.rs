//! Each thing that can be forced and the options that choose what is done, where no other case
//! is about them.

use super::Cases;
use crate::deb::{Deb, deb};

/// Ways to speak of one thing.
const WAYS: [&str; 3] = ["--no-force-", "--refuse-", "--force-"];

fn pk(version: &str) -> Deb {
    deb("pk", version)
        .file("/opt/f", version)
        .conffile("/etc/pk.conf", version)
        .scripts()
}

pub(super) fn add(c: &mut Cases) {
    c.add("force/configure-any", |w| {
        let dep = w.deb(&deb("dep", "1").scripts());
        let user = w.deb(&deb("user", "1").field("Depends", "dep").scripts());
        for way in WAYS {
            w.ok(&format!("$D --unpack {dep} {user}"));
            w.run(&format!("$D {way}configure-any --configure user"));
            w.run("$D --configure -a");
            w.run("$D -P user dep");
        }
    });
    c.add("force/bad-verify", |w| {
        let d = w.deb(&pk("1"));
        for status in [0, 1, 10, 11, 13, 15] {
            w.prepare(&format!(
                "printf '#!/bin/sh\\necho \"$@\" >>/t/w/verified\\nexit {status}\\n' >/usr/bin/debsig-verify; chmod 755 /usr/bin/debsig-verify"
            ));
            for options in ["", "--no-debsig", "--force-bad-verify", "--refuse-bad-verify"] {
                w.run(&format!("$D {options} -i {d}"));
            }
        }
        w.prepare("kill() { :; }; printf '#!/bin/sh\\nkill -9 $$\\n' >/usr/bin/debsig-verify");
        w.run(&format!("$D -i {d}"));
    });
    c.add("force/statoverride", |w| {
        w.write(
            "/var/lib/dpkg/statoverride",
            "nobody-there nogroup-there 0640 /opt/f\n",
        );
        let d = w.deb(&pk("1"));
        for thing in ["statoverride-add", "statoverride-remove", "security-mac"] {
            for way in WAYS {
                w.run(&format!("$D {way}{thing} -i {d}"));
                w.run("$D -r pk");
            }
        }
    });
    c.add("force/overwrite-diverted", |w| {
        w.install(&[deb("by", "1"), deb("owner", "1").file("/opt/f.div", "x")]);
        w.prepare("dpkg-divert --root=$R --quiet --package by --add --divert /opt/f.div /opt/f");
        let d = w.deb(&pk("1"));
        for way in WAYS {
            w.run(&format!("$D {way}overwrite-diverted -i {d}"));
            w.run(&format!("$D {way}overwrite {way}overwrite-diverted -i {d}"));
            w.run("$D -P pk");
        }
    });
    c.add("force/bad-version", |w| {
        let d = w.deb(&pk("1"));
        w.ok(&format!(
            "mkdir x; dpkg-deb -R {d} x; sed -i s/^Version.*/Version:x1/ x/DEBIAN/control; find x -exec touch -h -d @1000000000 {{}} +; SOURCE_DATE_EPOCH=1000000000 dpkg-deb --nocheck -b x bad.deb; rm -r x"
        ));
        for way in WAYS {
            w.run(&format!("$D {way}bad-version -i bad.deb"));
            w.run("$D -P pk");
        }
    });
    c.add("force/script-chrootless-and-unsafe-io", |w| {
        let d = w.deb(&pk("1"));
        for way in WAYS {
            w.run(&format!("dpkg --root=$R {way}script-chrootless -i {d}"));
            w.run(&format!("dpkg --root=$R {way}unsafe-io -i {d}"));
            w.run("$D -P pk");
        }
    });
    c.add("force/remove", |w| {
        for way in WAYS {
            w.install(&[
                deb("ess", "1").field("Essential", "yes").scripts(),
                deb("prot", "1").field("Protected", "yes").scripts(),
            ]);
            w.run(&format!("$D {way}remove-essential -r ess"));
            w.run(&format!("$D {way}remove-protected -r prot"));
            let d = w.deb(&pk("1"));
            w.make_fail("pk-1.preinst.install");
            w.make_fail("pk-1.postrm.abort-install");
            w.run(&format!("$D -i {d}"));
            w.make_work("pk-1.preinst.install");
            w.make_work("pk-1.postrm.abort-install");
            w.run(&format!("$D {way}remove-reinstreq -r pk"));
            w.run(&format!("$D {way}remove-reinstreq -P pk"));
            w.run("$D --force-all -P ess prot pk");
        }
    });
    c.add("force/all", |w| {
        w.install(&[pk("2"), deb("other", "1").file("/opt/g", "x")]);
        w.run("echo pk hold | $D --set-selections");
        let old = w.deb(
            &deb("pk", "1")
                .arch("armhf")
                .file("/opt/g", "pk")
                .field("Depends", "none")
                .field("Conflicts", "other"),
        );
        w.run(&format!("$D --no-force-all -i {old}"));
        w.run(&format!("$D --refuse-all -i {old}"));
        w.run(&format!("$D --force-all -i {old}"));
        w.run("$D --force-all --configure -a");
        w.run("$D --force-all -P pk");
    });
    c.add("force/relations", |w| {
        w.install(&[deb("a", "1").scripts(), deb("b", "1").scripts()]);
        for way in WAYS {
            let d = w.deb(&deb("c", "1").field("Conflicts", "a").scripts());
            w.run(&format!("$D {way}conflicts -i {d}"));
            let d = w.deb(&deb("d", "1").field("Breaks", "b").scripts());
            w.run(&format!("$D {way}breaks -i {d}"));
            let d = w.deb(&deb("e", "1").field("Pre-Depends", "a (>= 2), none"));
            w.run(&format!("$D {way}depends-version -i {d}"));
            w.run(&format!("$D {way}depends -i {d}"));
            w.run("$D -P c d e");
        }
    });
    c.add("force/choice-of-packages", |w| {
        let (v1, v2) = (w.deb(&pk("1")), w.deb(&pk("2")));
        let other = w.deb(&deb("other", "1").scripts());
        w.run(&format!("$D --no-also-select -i {v1} {other}"));
        w.run("echo other install | $D --set-selections");
        w.run(&format!("$D --no-also-select --install {v1} {other}"));
        w.run(&format!("$D --install {v1} {other}"));
        w.run(&format!("$D --skip-same-version --install {v1}"));
        w.run(&format!("$D --skip-same-version --install {v2}"));
        w.run(&format!("$D -G --install {v1}"));
        w.run(&format!("$D --refuse-downgrade --install {v1}"));
        w.run("printf 'pk deinstall\\nother purge\\n' | $D --set-selections");
        w.run(&format!("$D --selected-only --install {v2} {other}"));
        w.run("$D --get-selections; $D --get-selections 'o*'");
        w.run("$D --yet-to-unpack; $D --remove --pending");
        w.run("$D --purge --pending");
        w.run(&format!(
            "$D --record-avail {v1} {other}; $D --print-avail pk"
        ));
        w.run("$D --recursive --record-avail /t/debs; $D --print-avail pk");
        w.run("$D --clear-selections; $D --get-selections; $D --clear-avail");
        w.run("$D --predep-package");
    });
    c.add("force/abort-after", |w| {
        let bad: Vec<String> = (0..4)
            .map(|n| w.deb(&deb(&format!("p{n}"), "1").script("preinst", "exit 1")))
            .collect();
        for n in [-1, 0, 1, 2, 4, 50] {
            w.run(&format!("$D --abort-after={n} -i {}", bad.join(" ")));
        }
        w.run(&format!(
            "$D --force-all --abort-after=1 -i {}",
            bad.join(" ")
        ));
        w.run("$D --abort-after=2 -r a b c d");
    });
    c.add("force/ignore-depends", |w| {
        let d = w.deb(
            &deb("pk", "1")
                .field("Depends", "a, b")
                .field("Pre-Depends", "c"),
        );
        for names in [
            "a",
            "a,b",
            "a,b,c",
            "b,c",
            "",
            "a,",
            "a b",
            "A_B",
            "a:amd64,b,c:any",
        ] {
            w.run(&format!("$D --ignore-depends={names} -i {d}"));
            w.run("$D -P pk");
        }
    });
    c.add("force/tmpdir", |w| {
        let d = w.deb(&pk("1"));
        let line = format!("TMPDIR=/no/such dpkg-deb -I {d}");
        w.deviates("TMPDIR", 2, 0, &line);
        for dir in ["/t/w", "/no/such", ""] {
            w.env("TMPDIR", dir);
            w.run(&format!("$D --no-act -i {d}"));
            w.run(&format!(
                "mkdir x; dpkg-deb -R {d} x && dpkg-deb -b x x.deb; rm -rf x x.deb"
            ));
        }
    });
}
