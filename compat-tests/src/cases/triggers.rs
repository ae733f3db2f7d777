//! Triggers: interest, activation, awaiting, processing, deferral and cycles.

use super::Cases;
use crate::deb::{Deb, deb};

fn interested(lines: &str) -> Deb {
    deb("t", "1").control("triggers", lines).scripts()
}

pub(super) fn add(c: &mut Cases) {
    for kind in ["interest", "interest-await", "interest-noawait"] {
        for activate in ["activate", "activate-await", "activate-noawait"] {
            c.add(&format!("triggers/{kind}-{activate}"), move |w| {
                w.install(&[interested(&format!("{kind} ping\n"))]);
                let a = w.deb(&deb("a", "1").control("triggers", &format!("{activate} ping\n")).scripts());
                w.ok(&format!("$D --no-triggers --unpack {a}"));
                w.run("$Q -l; $D --audit; $Q -W -f '${Package} ${Triggers-Pending} ${Triggers-Awaited}\\n'");
                w.ok("$D --no-triggers --configure a");
                w.run("$Q -l; $Q -s t a");
                w.ok("$D --triggers-only -a");
                w.ok("$D --no-triggers -r a");
                w.ok("$D --configure --pending");
            });
        }
        c.add(&format!("triggers/{kind}-file"), move |w| {
            w.install(&[interested(&format!(
                "{kind} /opt/watched\n{kind} /opt/one-file\n"
            ))]);
            let a = w.deb(
                &deb("a", "1")
                    .file("/opt/watched/x", "x")
                    .file("/opt/one-file", "x"),
            );
            w.ok(&format!("$D -i {a}"));
            let a2 = w.deb(&deb("a", "2").file("/opt/watched-not/x", "x"));
            w.ok(&format!("$D -i {a2}"));
            w.ok("$D -P a");
            w.run("$D -P t");
        });
        c.add(&format!("triggers/{kind}-fails"), move |w| {
            w.install(&[interested(&format!("{kind} /opt/watched\n"))]);
            w.make_fail("t-1.postinst.triggered");
            let a = w.deb(&deb("a", "1").file("/opt/watched/x", "x").scripts());
            w.run(&format!("$D -i {a}"));
            w.run("$Q -l; $D --audit");
            w.run("$D --configure -a");
            w.make_work("t-1.postinst.triggered");
            w.run("$D --configure -a");
        });
    }
    c.add("triggers/dpkg-trigger-in-postinst", |w| {
        w.install(&[interested("interest ping\ninterest-noawait pong\n")]);
        let a = w.deb(
            &deb("a", "1")
                .script(
                    "postinst",
                    "dpkg-trigger ping; dpkg-trigger --no-await pong; dpkg-trigger nobody-cares",
                )
                .script("postrm", "dpkg-trigger ping"),
        );
        w.ok(&format!("$D --no-triggers -i {a}"));
        w.run("$Q -s a t");
        w.ok("$D --triggers-only t");
        w.ok("$D --configure -a");
        w.ok("$D -P a");
    });
    c.add("triggers/dpkg-trigger-by-hand", |w| {
        w.install(&[interested("interest ping\n")]);
        w.run("dpkg-trigger --root=$R --by-package=t ping");
        w.run("$Q -l");
        w.run("$D --configure -a");
        w.run(
            "dpkg-trigger --root=$R --by-package=t --no-await ping; $D --triggers-only --pending",
        );
        w.run("$D --triggers-only t");
        w.run("$D --triggers-only never; $D --triggers-only");
    });
    c.add("triggers/self", |w| {
        let d = w.deb(
            &deb("t", "1")
                .control("triggers", "interest ping\n")
                .script("postinst", "echo \"$@\"; dpkg-trigger ping"),
        );
        w.run(&format!("$D -i {d}"));
        w.run("$D --configure -a");
    });
    c.add("triggers/self-noawait-file", |w| {
        let at = |v: &str| {
            deb("t", v)
                .control("triggers", "interest-noawait /opt/t\n")
                .file("/opt/t/x", v)
                .scripts()
        };
        w.install(&[at("1")]);
        let d = w.deb(&at("2"));
        w.ok(&format!("$D -i {d}"));
    });
    c.add("triggers/cycle-of-two", |w| {
        let mk = |n: &str, mine: &str, other: &str| {
            deb(n, "1")
                .control("triggers", &format!("interest {mine}\n"))
                .script(
                    "postinst",
                    &format!("echo {n} \"$@\"; [ \"$1\" != triggered ] || dpkg-trigger {other}"),
                )
        };
        w.install(&[mk("a", "ta", "tb"), mk("b", "tb", "ta")]);
        w.run("dpkg-trigger --root=$R --by-package=a tb; $D --configure -a");
        w.run("$Q -l; $D --audit");
        w.run("$D --configure -a");
    });
    c.add("triggers/pending-survives-remove-and-upgrade", |w| {
        w.install(&[
            interested("interest ping\n"),
            deb("a", "1").control("triggers", "activate ping\n"),
        ]);
        let a2 = w.deb(
            &deb("a", "2")
                .control("triggers", "activate ping\n")
                .scripts(),
        );
        w.ok(&format!("$D --no-triggers -i {a2}"));
        w.run("$D --no-triggers -r t");
        w.run("$Q -s a t");
        w.run("$D --configure -a");
        let t2 = w.deb(
            &deb("t", "2")
                .control("triggers", "interest pong\n")
                .scripts(),
        );
        w.run(&format!("$D -i {t2}"));
    });
    c.add("triggers/interested-package-unpacked", |w| {
        let t = w.deb(&interested("interest /opt/watched\n"));
        let a = w.deb(&deb("a", "1").file("/opt/watched/f", "x"));
        w.ok(&format!("$D --unpack {t} {a}"));
        w.ok("$D --configure a");
        w.run("$Q -l");
        w.ok("$D --configure -a");
    });
    c.add("triggers/interest-unmet-depends", |w| {
        w.install(&[
            deb("dep", "1"),
            interested("interest ping\n").field("Depends", "dep"),
        ]);
        w.ok("dpkg-trigger --root=$R --by-package=t ping");
        w.run("$D --force-depends --no-triggers -r dep");
        w.run("$D --configure -a");
        w.run("$D --triggers-only -a");
    });
    for (name, lines) in [
        ("unknown-directive", "wonder ping\n"),
        ("no-name", "interest\n"),
        ("bad-name", "interest p\u{e9}ng\n"),
        (
            "comments",
            "# hello\n\ninterest ping # tail\n  interest-noawait pong  \n",
        ),
        ("no-newline", "interest ping"),
        ("twice", "interest ping\ninterest-noawait ping\n"),
        ("slash-end", "interest /opt/watched/\n"),
        ("dots", "interest /opt/../opt/x\n"),
    ] {
        c.add(&format!("triggers/control-file-{name}"), move |w| {
            let d = w.deb(&interested(lines));
            w.run(&format!("$D -i {d}"));
            let a = w.deb(&deb("a", "1").file("/opt/watched/f", "x"));
            w.run(&format!("$D -i {a}"));
            w.run("$D -P t a");
        });
    }
    c.add("triggers/many-at-once", |w| {
        let ts: Vec<_> = (0..5)
            .map(|n| {
                deb(&format!("t{n}"), "1")
                    .control("triggers", "interest /opt/watched\ninterest ping\n")
                    .scripts()
            })
            .collect();
        w.install(&ts);
        let a = w.deb(
            &deb("a", "1")
                .file("/opt/watched/f", "x")
                .control("triggers", "activate ping\n")
                .scripts(),
        );
        let b = w.deb(
            &deb("b", "1")
                .file("/opt/watched/g", "x")
                .field("Depends", "a")
                .scripts(),
        );
        w.ok(&format!("$D -i {a} {b}"));
        w.ok("$D -r a b");
        w.ok("$D -P t0 t1 t2 t3 t4");
    });
    for (name, file, content) in [
        ("unincorp-bad", "Unincorp", "ping\n"),
        ("unincorp-unknown", "Unincorp", "nobody -\n"),
        ("unincorp-dash", "Unincorp", "ping -\n"),
        ("unincorp-packages", "Unincorp", "ping t other\n"),
        ("unincorp-comment", "Unincorp", "# x\n"),
        ("file-bad", "File", "no-slash t\n"),
        ("file-unknown-package", "File", "/opt/x never\n"),
        ("file-junk", "File", "/opt/x\n"),
        ("named-bad", "ping", "T%\n"),
        ("named-empty", "ping", ""),
    ] {
        c.add(&format!("triggers/db-{name}"), move |w| {
            w.install(&[interested("interest ping\n")]);
            w.write(&format!("/var/lib/dpkg/triggers/{file}"), content);
            let a = w.deb(
                &deb("a", "1")
                    .file("/opt/x/f", "x")
                    .control("triggers", "activate ping\n"),
            );
            w.run(&format!("$D -i {a}"));
            w.run("$D --configure -a; $Q -l");
        });
    }
}
