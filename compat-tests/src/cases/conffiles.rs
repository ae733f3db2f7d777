//! Configuration files: what is asked, what the answers do, what stays and what goes.

use super::Cases;
use crate::deb::{Deb, Kind, deb};
use crate::world::World;

const CONF: &str = "/etc/pk.conf";

fn version(v: &str) -> Deb {
    deb("pk", v).conffile(CONF, &format!("shipped {v}\n"))
}

/// Version 1 installed and the file changed, version 2 built.
fn changed(w: &mut World) -> String {
    w.install(&[version("1")]);
    w.write(CONF, "local\n");
    w.deb(&version("2"))
}

pub(super) fn add(c: &mut Cases) {
    for (name, answers) in [
        ("default", "\n"),
        ("n", "n\n"),
        ("o", "O\n"),
        ("y", "y\n"),
        ("i", "I\n"),
        ("junk-then-y", "what\n\x20 \nY\n"),
        ("diff-then-n", "D\nn\n"),
        ("shell-then-y", "z\nexit\ny\n"),
        ("eof", ""),
        ("word", "yes\nno\n"),
        ("blanks", "  n  \n"),
        ("nul", "\0\n"),
        ("nul-then-y", "\0 y\n"),
    ] {
        c.add(&format!("conffile/prompt-{name}"), move |w| {
            let v2 = changed(w);
            w.env("PAGER", "cat");
            w.stdin(answers).run(&format!("$D -i {v2}"));
            w.run("$Q -s pk");
            w.run("$D --configure -a --force-confold");
            w.run("$D -P pk");
        });
    }
    let forces = [
        "confold",
        "confnew",
        "confdef",
        "confask",
        "confmiss",
        "confold,confdef",
        "confnew,confdef",
        "confold,confnew",
        "confask,confnew",
        "confask,confold",
        "confask,confdef",
        "confmiss,confold",
    ];
    for force in forces {
        c.add(
            &format!("conffile/force-{}", force.replace(',', "-")),
            move |w| {
                // Four files: changed by the admin, by the package, by both, by none; one removed.
                let at = |v: &str, a: &str| {
                    deb("pk", v)
                        .conffile("/etc/admin", "same\n")
                        .conffile("/etc/package", &format!("{a}\n"))
                        .conffile("/etc/both", &format!("{a}\n"))
                        .conffile("/etc/none", "same\n")
                        .conffile("/etc/removed", "same\n")
                        .conffile("/etc/removed-changed", &format!("{a}\n"))
                };
                w.install(&[at("1", "a")]);
                w.write("/etc/admin", "local\n");
                w.write("/etc/both", "local\n");
                w.prepare("rm $R/etc/removed $R/etc/removed-changed");
                let v2 = w.deb(&at("2", "b"));
                w.stdin("\n").run(&format!("$D --force-{force} -i {v2}"));
                w.stdin("y\ny\ny\ny\ny\n")
                    .run(&format!("$D --force-{force} -i {v2}"));
                w.run("$D -V");
                w.ok("$D -r pk");
                w.write("/etc/none.dpkg-old", "old\n");
                w.ok("$D -P pk");
            },
        );
    }
    c.add("conffile/same-change-asks-nothing", |w| {
        w.install(&[version("1")]);
        w.write(CONF, "shipped 2\n");
        let v2 = w.deb(&version("2"));
        w.ok(&format!("$D -i {v2}"));
    });
    c.add("conffile/mode-and-owner-kept", |w| {
        w.install(&[version("1")]);
        w.prepare("chmod 640 $R/etc/pk.conf; chown 5:6 $R/etc/pk.conf");
        let v2 = w.deb(&version("2"));
        w.ok(&format!("$D -i {v2}"));
    });
    c.add("conffile/new-file-where-one-is", |w| {
        w.write(CONF, "local\n");
        let v1 = w.deb(&version("1"));
        w.stdin("n\n").run(&format!("$D -i {v1}"));
        w.ok("$D -P pk");
    });
    c.add("conffile/new-file-where-same-is", |w| {
        w.write(CONF, "shipped 1\n");
        let v1 = w.deb(&version("1"));
        w.ok(&format!("$D -i {v1}"));
    });
    c.add("conffile/obsolete", |w| {
        w.install(&[version("1")]);
        let v2 = w.deb(&deb("pk", "2").file("/usr/share/pk/x", "x"));
        w.ok(&format!("$D -i {v2}"));
        w.ok("$Q -W -f '${Conffiles}\\n' pk");
        let v3 = w.deb(&version("3"));
        w.stdin("n\n").run(&format!("$D -i {v3}"));
        let v4 = w.deb(&deb("pk", "4"));
        w.ok(&format!("$D -i {v4}"));
        w.ok("$D -r pk");
        w.ok("$D -P pk");
    });
    for (name, local) in [("untouched", None), ("changed", Some("local\n"))] {
        c.add(&format!("conffile/remove-on-upgrade-{name}"), move |w| {
            w.install(&[version("1")]);
            if let Some(local) = local {
                w.write(CONF, local);
            }
            let v2 = w.deb(&deb("pk", "2").conffile_line("remove-on-upgrade /etc/pk.conf"));
            w.ok(&format!("$D -i {v2}"));
            w.ok("$Q -s pk");
            let v3 = w.deb(&deb("pk", "3"));
            w.ok(&format!("$D -i {v3}"));
            w.ok("$D -P pk");
        });
    }
    c.add("conffile/remove-on-upgrade-missing", |w| {
        w.install(&[version("1")]);
        w.prepare("rm $R/etc/pk.conf");
        let v2 = w.deb(&deb("pk", "2").conffile_line("remove-on-upgrade /etc/pk.conf"));
        w.ok(&format!("$D -i {v2}"));
        w.ok("$D -P pk");
    });
    c.add("conffile/to-another-package", |w| {
        w.install(&[version("1")]);
        w.write(CONF, "local\n");
        let other = w.deb(
            &deb("other", "1")
                .conffile(CONF, "of other\n")
                .field("Replaces", "pk (<< 2)"),
        );
        let v2 = w.deb(&deb("pk", "2"));
        w.stdin("n\n").run(&format!("$D -i {other} {v2}"));
        w.ok("$Q -s pk other");
        w.ok("$D -P pk");
        w.ok("$D -P other");
    });
    c.add("conffile/symlink", |w| {
        w.install(&[version("1")]);
        w.prepare("mv $R/etc/pk.conf $R/etc/real; ln -s real $R/etc/pk.conf");
        let v2 = w.deb(&version("2"));
        w.ok(&format!("$D -i {v2}"));
        w.prepare("rm $R/etc/pk.conf; ln -s nowhere $R/etc/pk.conf");
        let v3 = w.deb(&version("3"));
        w.stdin("y\n").run(&format!("$D -i {v3}"));
        w.prepare("rm $R/etc/pk.conf; ln -s pk.conf $R/etc/pk.conf");
        let v4 = w.deb(&version("4"));
        w.stdin("y\n").run(&format!("$D -i {v4}"));
        w.run("$D -P pk");
    });
    c.add("conffile/is-a-directory", |w| {
        w.install(&[version("1")]);
        w.prepare("rm $R/etc/pk.conf; mkdir $R/etc/pk.conf");
        let v2 = w.deb(&version("2"));
        w.run(&format!("$D -i {v2}"));
        w.run("$D -r pk");
        w.run("$D -P pk");
    });
    c.add("conffile/shipped-as-link", |w| {
        let v1 = w.deb(&deb("pk", "1").link(CONF, "target").conffile_line(CONF));
        w.run(&format!("$D -i {v1}"));
        w.run("$D -P pk");
    });
    c.add("conffile/listed-but-not-shipped", |w| {
        let v1 = w.deb(&deb("pk", "1").conffile_line("/etc/no-such-file"));
        w.run(&format!("$D -i {v1}"));
        w.run("$Q -s pk");
        w.run("$D -P pk");
    });
    c.add("conffile/hard-linked", |w| {
        let v1 = w.deb(
            &deb("pk", "1")
                .conffile("/etc/a", "text\n")
                .entry("/etc/b", Kind::Hard("/etc/a".into()))
                .conffile_line("/etc/b"),
        );
        w.run(&format!("$D -i {v1}"));
        w.run("$D -P pk");
    });
    c.add("conffile/backups-go-on-purge", |w| {
        w.install(&[version("1")]);
        for suffix in [
            "~",
            ".bak",
            "%",
            ".dpkg-tmp",
            ".dpkg-new",
            ".dpkg-old",
            ".dpkg-dist",
            ".dpkg-bak",
            ".~1~",
            ".other",
        ] {
            w.write(&format!("{CONF}{suffix}"), "x");
        }
        w.write("/etc/#pk.conf#", "x");
        w.ok("$D -r pk");
        w.ok("$D -P pk");
    });
    c.add("conffile/reinstall-after-remove", |w| {
        w.install(&[version("1")]);
        w.write(CONF, "local\n");
        w.ok("$D -r pk");
        let v2 = w.deb(&version("2"));
        w.stdin("n\n").run(&format!("$D -i {v2}"));
        w.ok("$D -r pk");
        w.prepare("rm $R/etc/pk.conf");
        w.run(&format!("$D -i {v2}"));
    });
    c.add("conffile/unpack-twice-before-configure", |w| {
        w.install(&[version("1")]);
        for v in ["2", "3"] {
            let d = w.deb(&version(v));
            w.ok(&format!("$D --unpack {d}"));
        }
        w.write(CONF, "local\n");
        w.stdin("d\ny\n").run("$D --configure pk");
    });
    c.add("conffile/names-with-odd-bytes", |w| {
        w.install(&[deb("pk", "1")
            .conffile("/etc/with space", "1\n")
            .conffile("/etc/é", "1\n")]);
        w.write("/etc/with space", "local\n");
        let v2 = w.deb(
            &deb("pk", "2")
                .conffile("/etc/with space", "2\n")
                .conffile("/etc/é", "2\n"),
        );
        w.stdin("n\n").run(&format!("$D -i {v2}"));
        w.ok("$Q -s pk");
        w.ok("$D -P pk");
    });
    c.add("conffile/prompt-on-a-terminal", |w| {
        let v2 = changed(w);
        w.run(&format!(
            "(sleep 1; echo y) | script -qec \"dpkg --root=$R -i {v2}\" /dev/null"
        ));
        w.run("$Q -s pk");
    });
    c.add("conffile/rest-of-standard-input", |w| {
        let v2 = changed(w);
        w.prepare("printf 'y\npk hold\nodd\nrest\n' >/t/w/in");
        w.run(&format!(
            "{{ $D -i {v2}; $D --set-selections; cat; }} </t/w/in"
        ));
        w.run("$D --set-selections 0>/t/w/out");
    });
}
