//! Maintainer scripts: every call of Policy chapter 6, and what happens when one of them fails.

use super::Cases;
use crate::deb::{Deb, deb};
use crate::world::World;

fn pk(v: &str) -> Deb {
    deb("pk", v)
        .file("/usr/share/pk/common", &format!("{v}\n"))
        .file(&format!("/usr/share/pk/only-{v}"), "x\n")
        .conffile("/etc/pk.conf", &format!("{v}\n"))
        .scripts()
}

/// Fails the given calls, runs the command, lets the calls work again, and goes on.
fn fails(w: &mut World, calls: &[&str], line: &str, then: &[&str]) {
    for call in calls {
        w.make_fail(call);
    }
    w.run(line);
    w.run("$Q -s pk; $D --audit");
    for call in calls {
        w.make_work(call);
    }
    for line in then {
        w.run(line);
    }
}

pub(super) fn add(c: &mut Cases) {
    for (name, calls) in [
        ("preinst", vec!["pk-1.preinst.install"]),
        (
            "preinst+postrm",
            vec!["pk-1.preinst.install", "pk-1.postrm.abort-install"],
        ),
        ("postinst", vec!["pk-1.postinst.configure"]),
    ] {
        c.add(&format!("scripts/install-fails-in-{name}"), move |w| {
            let v1 = w.deb(&pk("1"));
            fails(
                w,
                &calls,
                &format!("$D -i {v1}"),
                &["$D --configure -a", &format!("$D -i {v1}"), "$D -P pk"],
            );
        });
    }
    c.add("scripts/install-again-after-remove", |w| {
        let v1 = w.deb(&pk("1"));
        w.ok(&format!("$D -i {v1}"));
        w.ok("$D -r pk");
        let v2 = w.deb(&pk("2"));
        fails(
            w,
            &["pk-2.preinst.install"],
            &format!("$D -i {v2}"),
            &[&format!("$D -i {v2}")],
        );
    });
    for (name, calls) in [
        ("old-prerm", vec!["pk-1.prerm.upgrade"]),
        (
            "both-prerm",
            vec!["pk-1.prerm.upgrade", "pk-2.prerm.failed-upgrade"],
        ),
        (
            "both-prerm+abort",
            vec![
                "pk-1.prerm.upgrade",
                "pk-2.prerm.failed-upgrade",
                "pk-1.postinst.abort-upgrade",
            ],
        ),
        ("new-preinst", vec!["pk-2.preinst.upgrade"]),
        (
            "new-preinst+postrm",
            vec!["pk-2.preinst.upgrade", "pk-2.postrm.abort-upgrade"],
        ),
        (
            "new-preinst+abort",
            vec!["pk-2.preinst.upgrade", "pk-1.postinst.abort-upgrade"],
        ),
        ("old-postrm", vec!["pk-1.postrm.upgrade"]),
        (
            "both-postrm",
            vec!["pk-1.postrm.upgrade", "pk-2.postrm.failed-upgrade"],
        ),
        (
            "both-postrm+old-preinst",
            vec![
                "pk-1.postrm.upgrade",
                "pk-2.postrm.failed-upgrade",
                "pk-1.preinst.abort-upgrade",
            ],
        ),
        (
            "both-postrm+new-postrm",
            vec![
                "pk-1.postrm.upgrade",
                "pk-2.postrm.failed-upgrade",
                "pk-2.postrm.abort-upgrade",
            ],
        ),
        (
            "both-postrm+old-postinst",
            vec![
                "pk-1.postrm.upgrade",
                "pk-2.postrm.failed-upgrade",
                "pk-1.postinst.abort-upgrade",
            ],
        ),
        ("new-postinst", vec!["pk-2.postinst.configure"]),
    ] {
        c.add(&format!("scripts/upgrade-fails-in-{name}"), move |w| {
            w.install(&[pk("1")]);
            let v2 = w.deb(&pk("2"));
            let again = format!("$D -i {v2}");
            fails(
                w,
                &calls,
                &again,
                &["$D --configure -a", &again, "$D -r pk", "$D -P pk"],
            );
        });
    }
    for (name, calls) in [
        ("prerm", vec!["pk-1.prerm.remove"]),
        (
            "prerm+abort",
            vec!["pk-1.prerm.remove", "pk-1.postinst.abort-remove"],
        ),
        ("postrm", vec!["pk-1.postrm.remove"]),
        ("purge", vec!["pk-1.postrm.purge"]),
    ] {
        for how in ["-r", "-P"] {
            let calls = calls.clone();
            c.add(&format!("scripts/remove{how}-fails-in-{name}"), move |w| {
                w.install(&[pk("1")]);
                let line = format!("$D {how} pk");
                fails(
                    w,
                    &calls,
                    &line,
                    &["$D --configure -a", &line, "$D -P pk", "$D -P pk"],
                );
            });
        }
    }
    // A package that stands in the way: it is removed, or deconfigured, or that fails.
    for (name, calls) in [
        ("nothing", vec![]),
        ("its-prerm", vec!["old-1.prerm.remove"]),
        (
            "its-prerm+abort",
            vec!["old-1.prerm.remove", "old-1.postinst.abort-remove"],
        ),
        ("its-postrm", vec!["old-1.postrm.remove"]),
        ("preinst", vec!["pk-1.preinst.install"]),
        (
            "preinst+abort",
            vec!["pk-1.preinst.install", "old-1.postinst.abort-remove"],
        ),
        ("users-prerm", vec!["user-1.prerm.deconfigure"]),
        (
            "users-prerm+abort",
            vec![
                "user-1.prerm.deconfigure",
                "user-1.postinst.abort-deconfigure",
            ],
        ),
        (
            "users-abort",
            vec!["pk-1.preinst.install", "user-1.postinst.abort-deconfigure"],
        ),
    ] {
        for auto in ["", "--auto-deconfigure "] {
            let name = format!(
                "scripts/conflictor{}-{name}",
                if auto.is_empty() { "" } else { "-auto" }
            );
            let calls = calls.clone();
            c.add(&name, move |w| {
                w.install(&[
                    deb("old", "1")
                        .file("/usr/share/both", "old\n")
                        .conffile("/etc/old", "x\n")
                        .scripts(),
                    deb("user", "1").field("Depends", "old").scripts(),
                ]);
                let v1 = w.deb(
                    &pk("1")
                        .file("/usr/share/both", "new\n")
                        .field("Conflicts", "old")
                        .field("Replaces", "old")
                        .field("Provides", "old"),
                );
                let line = format!("$D {auto}-i {v1}");
                fails(w, &calls, &line, &["$D --configure -a", &line, "$D -P old"]);
            });
        }
    }
    for (name, calls) in [
        ("nothing", vec![]),
        ("prerm", vec!["broken-1.prerm.deconfigure"]),
        (
            "prerm+abort",
            vec![
                "broken-1.prerm.deconfigure",
                "broken-1.postinst.abort-deconfigure",
            ],
        ),
        ("preinst", vec!["pk-1.preinst.install"]),
        (
            "preinst+abort",
            vec![
                "pk-1.preinst.install",
                "broken-1.postinst.abort-deconfigure",
            ],
        ),
    ] {
        for auto in ["", "-B "] {
            let name = format!(
                "scripts/breaks{}-{name}",
                if auto.is_empty() { "" } else { "-auto" }
            );
            let calls = calls.clone();
            c.add(&name, move |w| {
                w.install(&[
                    deb("broken", "1").scripts(),
                    deb("user", "1").field("Depends", "broken").scripts(),
                ]);
                let v1 = w.deb(&pk("1").field("Breaks", "broken (<< 2)"));
                let b2 = w.deb(&deb("broken", "2").scripts());
                let line = format!("$D {auto}-i {v1}");
                fails(
                    w,
                    &calls,
                    &line,
                    &[
                        "$D --configure -a",
                        &format!("$D -i {b2}"),
                        "$D --configure -a",
                    ],
                );
            });
        }
    }
    c.add("scripts/disappear", |w| {
        w.install(&[deb("old", "1").file("/usr/share/f", "old\n").scripts()]);
        let v1 = w.deb(
            &pk("1")
                .file("/usr/share/f", "new\n")
                .field("Replaces", "old"),
        );
        w.ok(&format!("$D -i {v1}"));
        w.run("$Q -s old");
    });
    c.add("scripts/disappear-fails", |w| {
        w.install(&[deb("old", "1").file("/usr/share/f", "old\n").scripts()]);
        let v1 = w.deb(
            &pk("1")
                .file("/usr/share/f", "new\n")
                .field("Replaces", "old"),
        );
        fails(
            w,
            &["old-1.postrm.disappear"],
            &format!("$D -i {v1}"),
            &["$Q -s old"],
        );
    });
    c.add("scripts/environment", |w| {
        let body = "{ echo \"$DPKG_MAINTSCRIPT_NAME $*\"; env | grep -e ^DPKG -e ^PATH -e ^PWD | sort; pwd; umask; } >>\"$DPKG_ROOT/env\"";
        let all = |v: &str| {
            ["preinst", "postinst", "prerm", "postrm"]
                .iter()
                .fold(deb("pk", v).arch("amd64"), |d, s| d.script(s, body))
        };
        w.install(&[all("1")]);
        let v2 = w.deb(&all("2"));
        w.ok(&format!("$D -D0 --force-confold -i {v2}"));
        w.ok("$D -r pk");
        w.ok("$D -P pk");
    });
    c.add("scripts/environment-chrootless", |w| {
        let body = "{ echo \"$DPKG_MAINTSCRIPT_NAME $*\"; env | grep ^DPKG | sort; pwd; } >>\"$DPKG_ROOT/env\"";
        w.user(Some(crate::world::USER));
        let v1 = w.deb(&deb("pk", "1").script("postinst", body).script("prerm", body));
        w.ok(&format!("$D -i {v1}"));
        w.ok("$D -P pk");
    });
    for (name, body) in [
        ("exit-1", "exit 1"),
        ("exit-255", "exit 255"),
        ("killed", "kill -9 $$"),
        ("segv", "kill -SEGV $$"),
        ("int", "kill -INT $$"),
        ("stderr", "echo out; echo err >&2"),
        ("reads-stdin", "read x; echo \"got $x\""),
    ] {
        c.add(&format!("scripts/postinst-{name}"), move |w| {
            let v1 = w.deb(&deb("pk", "1").script("postinst", body));
            w.stdin("answer\n").run(&format!("$D -i {v1}"));
            w.run("$Q -s pk");
        });
    }
    c.add("scripts/closed-descriptors", |w| {
        let body = "for i in 0 1 2; do true >&$i || echo $i is closed >>/log; done; cat >>/log";
        let v1 = w.deb(&deb("pk", "1").script("postinst", body));
        for closed in ["<&-", "2>&-"] {
            w.run(&format!("$D -i {v1} {closed}"));
        }
        // Stock's lock has in it what was written.
        for closed in [">&-", "<&- >&- 2>&-"] {
            w.run(&format!("$D -i {v1} {closed}; code=$?; : >$R/var/lib/dpkg/lock; : >$R/var/lib/dpkg/lock-frontend; exit $code"));
        }
    });
    c.add("scripts/bad-interpreter", |w| {
        let v1 = w.deb(&deb("pk", "1").control("postinst", "#!/no/such/interpreter\n"));
        w.prepare("true");
        w.run(&format!("$D -i {v1}"));
        w.run("chmod 755 $R/var/lib/dpkg/info/pk.postinst; $D --configure pk");
    });
    c.add("scripts/not-executable", |w| {
        let v1 = w.deb(&deb("pk", "1").control("postinst", "#!/bin/sh\necho hello\n"));
        w.run(&format!("$D -i {v1}"));
        w.run("$D -P pk");
    });
    c.add("scripts/no-shebang", |w| {
        let v1 = w.deb(&deb("pk", "1").script("prerm", "").control("config", "x"));
        w.prepare("true");
        w.ok(&format!("$D -i {v1}"));
        w.prepare("printf 'echo hello\\n' > $R/var/lib/dpkg/info/pk.prerm");
        w.run("$D -r pk");
    });
    c.add("scripts/force-bad-path-and-missing-tools", |w| {
        // Stock runs tar and rm from PATH.
        w.prepare("mkdir /t/w/few; ln -s /usr/bin/sh /usr/bin/tar /usr/bin/rm /t/w/few");
        let v1 = w.deb(&pk("1"));
        w.run(&format!("PATH=/t/bin /t/bin/dpkg --root=$R -i {v1}"));
        w.run(&format!(
            "PATH=/t/bin:/t/w/few /t/bin/dpkg --root=$R --force-bad-path -i {v1}"
        ));
        w.prepare("rm /t/w/few/tar /t/w/few/rm");
        let v2 = w.deb(&pk("2"));
        let line = format!("PATH=/t/bin:/t/w/few /t/bin/dpkg --root=$R --force-bad-path -i {v2}");
        w.deviates("tar and rm for dpkg", 1, 0, &line);
    });
    c.add("scripts/output-cannot-be-written", |w| {
        // In stock's complaint stands the error of whatever call came last.
        let full = ">/dev/full 2>/dev/null";
        let (a, b) = (w.deb(&pk("1")), w.deb(&deb("other", "1").scripts()));
        w.exit(2, &format!("dpkg --root=$R -i {a} {b} {full}"));
        w.exit(1, &format!("dpkg --root=$R --configure -a {full}"));
        w.ok(&format!("$D -i {a} {b}"));
        w.exit(1, &format!("dpkg --root=$R -r pk other {full}"));
        w.exit(1, &format!("dpkg --root=$R -P pk other {full}"));
    });
    c.add("scripts/status-cannot-be-written", |w| {
        let v1 = w.deb(&pk("1"));
        for action in [
            &format!("--unpack {v1}"),
            "--configure -a",
            "-r pk",
            "-P pk",
        ] {
            w.exit(2, &format!("$D --status-fd=8 {action} 8>/dev/full"));
            w.run(&format!("$D {action}"));
        }
    });
    c.add("scripts/hooks", |w| {
        let v1 = w.deb(&pk("1"));
        w.run(&format!(
            "$D --pre-invoke='echo pre $DPKG_HOOK_ACTION' --post-invoke='echo post $DPKG_HOOK_ACTION' -i {v1}"
        ));
        w.run("$D --pre-invoke='exit 4' -r pk");
        w.run("$D --post-invoke='exit 5' -r pk");
        w.run("$D --status-logger='cat >/t/w/logged' -P pk");
        w.run(&format!("$D --pre-invoke=/no/such -i {v1}"));
    });
    c.add("scripts/calls-dpkg-query-and-divert", |w| {
        let body = "dpkg-query -W -f '${Status}\\n' pk; dpkg --compare-versions 1 lt 2 && echo older\n\
                    dpkg-divert --package pk --add --rename --divert /usr/share/x.real /usr/share/x\n";
        w.write("/usr/share/x", "local\n");
        let v1 = w.deb(&deb("pk", "1").script("preinst", body).file("/usr/share/x", "of pk\n"));
        w.ok(&format!("$D -i {v1}"));
        let v2 = w.deb(&deb("other", "1").file("/usr/share/x", "of other\n"));
        w.ok(&format!("$D -i {v2}"));
        w.ok("$D -P other");
        w.ok("$D -P pk");
    });
    // Archives are opened before their turn; what counts is what they are then.
    c.add("scripts/change-archives-to-come", |w| {
        let b1 = w.deb(&deb("b", "1").file("/usr/share/b", "1\n"));
        let b2 = w.deb(&deb("b", "2").file("/usr/share/b", "2\n"));
        let c1 = w.deb(&deb("c", "1").file("/usr/share/c", "1\n"));
        let c2 = w.deb(&deb("c", "2").file("/usr/share/c", "2\n"));
        let d1 = w.deb(&deb("d", "1").file("/usr/share/d", "1\n"));
        let body = format!("mv {b2} {b1}; cat {c2} >{c1}; mv {d1} /t/w/moved");
        let a1 = w.deb(&deb("a", "1").script("preinst", &body));
        w.run(&format!(
            "$D --force-script-chrootless --unpack {a1} {b1} {c1} {d1}"
        ));
        w.run("$Q -W; cat $R/usr/share/[bcd]");
    });
    c.add("scripts/abort-after", |w| {
        let bad: Vec<_> = (0..4)
            .map(|n| w.deb(&deb(&format!("bad{n}"), "1").script("preinst", "exit 1")))
            .collect();
        w.run(&format!("$D --abort-after=2 -i {}", bad.join(" ")));
        w.run(&format!("$D --abort-after=0 -i {}", bad.join(" ")));
        w.run(&format!("$D -i {}", bad.join(" ")));
    });
}
