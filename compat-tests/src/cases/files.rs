//! Placing files: collisions, replacing, diversions, overrides, links, kinds, filters.

use super::Cases;
use crate::deb::{Kind, deb};

pub(super) fn add(c: &mut Cases) {
    c.add("files/collision", |w| {
        w.install(&[deb("a", "1")
            .file("/usr/share/f", "a\n")
            .file("/usr/share/a-only", "a\n")]);
        let b = w.deb(
            &deb("b", "1")
                .file("/usr/share/a-first", "b\n")
                .file("/usr/share/f", "b\n")
                .scripts(),
        );
        w.exit(1, &format!("$D -i {b}"));
        w.ok(&format!("$D --force-overwrite -i {b}"));
        w.run("$Q -S /usr/share/f; $Q -L a");
        w.ok("$D -P b");
        w.run("$D -V a");
    });
    for replaces in ["a", "a (<< 2)", "a (= 1)", "a (>> 1)", "x, a"] {
        c.add(
            &format!(
                "files/replaces-{}",
                replaces.replace([' ', '(', ')', '<', '>', '='], "_")
            ),
            move |w| {
                w.install(&[deb("a", "1")
                    .file("/usr/share/f", "a\n")
                    .file("/usr/share/other", "a\n")]);
                let b = w.deb(
                    &deb("b", "1")
                        .file("/usr/share/f", "b\n")
                        .field("Replaces", replaces),
                );
                w.run(&format!("$D -i {b}"));
                w.run("$Q -S /usr/share/f; $Q -L a");
                let a2 = w.deb(&deb("a", "1.5").file("/usr/share/f", "a\n"));
                w.run(&format!("$D -i {a2}"));
                w.run("$D -r a");
                w.run("$D -r b");
            },
        );
    }
    c.add("files/directory-against-file", |w| {
        w.install(&[deb("a", "1")
            .dir("/usr/share/d")
            .file("/usr/share/f", "x\n")]);
        let b = w.deb(&deb("b", "1").file("/usr/share/d", "b\n"));
        w.run(&format!("$D -i {b}"));
        let b = w.deb(&deb("b", "1").dir("/usr/share/f"));
        w.run(&format!("$D -i {b}"));
        w.run(&format!(
            "$D --force-overwrite-dir --force-overwrite -i {b}"
        ));
        let b = w.deb(&deb("c", "1").file("/usr/share/d", "b\n"));
        w.run(&format!("$D --force-overwrite-dir -i {b}"));
        w.run(&format!(
            "$D --force-overwrite-dir --force-overwrite -i {b}"
        ));
    });
    c.add("files/absolute-link-out-of-the-root", |w| {
        w.prepare("mkdir -p /outside $R/outside $R/opt; ln -s /outside $R/opt/l");
        let pk = w.deb(&deb("pk", "1").file("/opt/l/f", "x"));
        w.ok(&format!(
            "dpkg --root=/ --admindir=$R/var/lib/dpkg --no-act -i {pk}"
        ));
        let line = format!("$D -i {pk}; test -e /outside/f");
        w.deviates("absolute symbolic links below --root", 0, 1, &line);
    });
    c.add("files/fails-early-and-late", |w| {
        w.install(&[deb("other", "1").file("/opt/a", "x").file("/opt/z", "x")]);
        // Between two of stock's pieces (32 KiB) and what its two pipes and buffers hold, it is a race
        // whether the process that copies the archive has written all of it when nobody reads any more.
        for size in [10_000, 40_000, 300_000, 600_000] {
            for z in ["none", "gzip"] {
                for first in ["a", "z"] {
                    let mut d = deb("pk", "1").file("/opt/m", &"x".repeat(size)).scripts();
                    d = d
                        .file(&format!("/opt/{first}"), "x")
                        .option(&format!("-Z{z}"));
                    let pk = w.deb(&d);
                    w.exit(1, &format!("$D -i {pk}"));
                }
            }
        }
    });
    c.add("files/shared-directories-stay-until-last", |w| {
        w.install(&[
            deb("a", "1").file("/opt/d/e/a", "a"),
            deb("b", "1").file("/opt/d/e/b", "b"),
        ]);
        w.ok("$D -r a");
        w.write("/opt/d/e/local", "x");
        w.ok("$D -r b");
    });
    c.add("files/admin-made-directory-a-link", |w| {
        w.install(&[deb("a", "1").file("/opt/d/f", "1\n")]);
        w.prepare("mv $R/opt/d $R/opt/real; ln -s real $R/opt/d");
        let a2 = w.deb(
            &deb("a", "2")
                .file("/opt/d/f", "2\n")
                .file("/opt/d/g", "2\n"),
        );
        w.ok(&format!("$D -i {a2}"));
        w.ok("$D -P a");
    });
    c.add("files/directory-becomes-link", |w| {
        w.install(&[deb("a", "1").file("/opt/d/f", "1\n")]);
        let a2 = w.deb(
            &deb("a", "2")
                .file("/opt/real/f", "2\n")
                .link("/opt/d", "real"),
        );
        w.run(&format!("$D -i {a2}"));
        w.run("$D -P a");
    });
    c.add("files/link-becomes-directory", |w| {
        w.install(&[deb("a", "1")
            .file("/opt/real/f", "1\n")
            .link("/opt/d", "real")]);
        let a2 = w.deb(&deb("a", "2").file("/opt/d/f", "2\n"));
        w.run(&format!("$D -i {a2}"));
        w.run("$D -P a");
    });
    c.add("files/maintscript-helper-switches", |w| {
        let helper = "exec dpkg-maintscript-helper";
        let scripts = |d: crate::deb::Deb, line: &str| {
            ["preinst", "postinst", "postrm"]
                .iter()
                .fold(d, |d, s| d.script(s, &format!("{helper} {line} -- \"$@\"")))
        };
        w.install(&[deb("a", "1")
            .file("/opt/d/f", "1\n")
            .file("/opt/x", "1\n")
            .conffile("/etc/c", "c\n")]);
        let a2 = w.deb(&scripts(
            deb("a", "2")
                .file("/opt/real/f", "2\n")
                .link("/opt/d", "real"),
            "dir_to_symlink /opt/d real 2~",
        ));
        w.run(&format!("$D -i {a2}"));
        let a3 = w.deb(&scripts(
            deb("a", "3").file("/opt/d/f", "3\n"),
            "symlink_to_dir /opt/d real 3~",
        ));
        w.run(&format!("$D -i {a3}"));
        let a4 = w.deb(&scripts(deb("a", "4"), "rm_conffile /etc/c 4~"));
        w.run(&format!("$D -i {a4}"));
        w.run("$D -P a");
    });
    c.add("files/kinds-change-on-upgrade", |w| {
        let p = "/opt/thing";
        let kinds = [
            Kind::File("text\n".into()),
            Kind::Link("elsewhere".into()),
            Kind::Fifo,
            Kind::Char(1, 3),
            Kind::File("again\n".into()),
            Kind::Dir,
            Kind::File("last\n".into()),
        ];
        for (n, kind) in kinds.iter().enumerate() {
            let d = w.deb(&deb("a", &n.to_string()).entry(p, kind.clone()));
            w.run(&format!("$D -i {d}"));
        }
        w.run("$D -P a");
    });
    c.add("files/hard-links", |w| {
        let at = |v: &str| {
            deb("a", v)
                .file("/opt/a", v)
                .entry("/opt/b", Kind::Hard("/opt/a".into()))
                .entry("/opt/sub/c", Kind::Hard("/opt/a".into()))
                .entry("/opt/fifo", Kind::Fifo)
                .entry("/opt/fifo2", Kind::Hard("/opt/fifo".into()))
        };
        w.install(&[at("1")]);
        let d = w.deb(&at("2"));
        w.ok(&format!("$D -i {d}"));
        w.ok("$D -P a");
    });
    c.add("files/hard-link-diverted", |w| {
        w.ok("dpkg-divert --root=$R --add --rename --divert /opt/a.away /opt/a");
        w.install(&[deb("a", "1")
            .file("/opt/a", "x\n")
            .entry("/opt/b", Kind::Hard("/opt/a".into()))]);
        w.ok("$D -P a");
    });
    for by in ["--local", "--package other", "--package pk"] {
        c.add(
            &format!(
                "files/diverted-{}",
                by.trim_start_matches('-').replace(' ', "-")
            ),
            move |w| {
                w.install(&[deb("pk", "1")
                    .file("/opt/x", "1\n")
                    .conffile("/etc/x", "1\n")]);
                w.ok(&format!(
                    "dpkg-divert --root=$R {by} --add --rename --divert /opt/x.away /opt/x"
                ));
                w.ok(&format!(
                    "dpkg-divert --root=$R {by} --add --rename --divert /etc/x.away /etc/x"
                ));
                w.write("/opt/x", "mine\n");
                let d = w.deb(
                    &deb("pk", "2")
                        .file("/opt/x", "2\n")
                        .conffile("/etc/x", "2\n"),
                );
                w.run(&format!("$D -i {d}"));
                w.run("$Q -S /opt/x /opt/x.away /etc/x; $Q -L pk; $D -V pk; $D -L pk; $D -S x");
                let other = w.deb(&deb("other", "1").file("/opt/x", "other\n"));
                w.run(&format!("$D -i {other}"));
                w.run("$D -r pk");
                w.run("$D -P pk");
                w.run("$D -P other");
                w.run("dpkg-divert --root=$R --list");
            },
        );
    }
    c.add("files/statoverride", |w| {
        w.ok("dpkg-statoverride --root=$R --add root mail 2755 /opt/f");
        w.ok("dpkg-statoverride --root=$R --add man adm 0750 /opt/d");
        w.ok("dpkg-statoverride --root=$R --add daemon bin 0600 /etc/conf");
        w.install(&[deb("pk", "1")
            .file("/opt/f", "x")
            .file("/opt/d/g", "y")
            .conffile("/etc/conf", "1\n")]);
        let d = w.deb(
            &deb("pk", "2")
                .file("/opt/f", "x")
                .dir("/opt/d")
                .conffile("/etc/conf", "2\n"),
        );
        w.ok(&format!("$D -i {d}"));
        w.ok("$D -P pk");
    });
    for (name, content) in [
        ("unknown-user", "nobodyhere root 0755 /opt/f\n"),
        ("unknown-group", "root nobodyhere 0755 /opt/f\n"),
        ("bad-mode", "root root 99 /opt/f\n"),
        ("no-newline", "root root 0755 /opt/f"),
        ("too-few", "root root\n"),
        ("numeric", "#12 #34 0711 /opt/f\n"),
        ("empty-line", "\n"),
        (
            "duplicate",
            "root root 0755 /opt/f\nroot root 0700 /opt/f\n",
        ),
    ] {
        c.add(&format!("files/statoverride-file-{name}"), move |w| {
            w.write("/var/lib/dpkg/statoverride", content);
            let d = w.deb(&deb("pk", "1").file("/opt/f", "x"));
            w.run(&format!("$D -i {d}"));
            w.run(&format!("$D --force-statoverride-remove -i {d}"));
        });
    }
    c.add("files/same-package-twice-in-one-run", |w| {
        let d = w.deb(&deb("pk", "1").file("/opt/f", "x").scripts());
        w.run(&format!("$D -i {d} {d}"));
    });
    c.add("files/downgrade-and-same", |w| {
        w.install(&[deb("pk", "2").file("/opt/f", "2").scripts()]);
        let d = w.deb(&deb("pk", "1").file("/opt/f", "1").scripts());
        w.run(&format!("$D -i {d}"));
        let e = w.deb(&deb("pk", "2").file("/opt/f", "2").scripts());
        w.run(&format!("$D --refuse-downgrade -i {d} {e}"));
        w.run(&format!("$D -E -i {e}"));
        w.run(&format!("$D --skip-same-version -i {e}"));
        w.run(&format!("$D --refuse-downgrade -i {d}"));
        w.run(&format!("$D -G -E -i {d} {e}"));
    });
    for (name, options) in [
        ("exclude", "--path-exclude=/usr/share/doc/*"),
        (
            "exclude-include",
            "--path-exclude=/usr/share/doc/* --path-include=/usr/share/doc/pk/copyright",
        ),
        (
            "include-exclude",
            "--path-include=/usr/share/doc/pk/copyright --path-exclude=/usr/share/doc/*",
        ),
        ("question", "--path-exclude=/opt/?"),
        ("class", "--path-exclude=/opt/[a-b]"),
        ("directory", "--path-exclude=/usr/share/doc"),
        ("all", "--path-exclude=*"),
        ("links", "--path-exclude=/opt/a --path-exclude=/opt/link"),
    ] {
        c.add(&format!("files/filter-{name}"), move |w| {
            let d = w.deb(
                &deb("pk", "1")
                    .file("/usr/share/doc/pk/copyright", "c")
                    .file("/usr/share/doc/pk/examples/x", "x")
                    .file("/opt/a", "a")
                    .entry("/opt/b", Kind::Hard("/opt/a".into()))
                    .entry("/opt/c", Kind::Hard("/opt/a".into()))
                    .link("/opt/link", "a")
                    .conffile("/etc/conf", "x\n"),
            );
            w.run(&format!("$D {options} -i {d}"));
            w.run("$Q -L pk; $D -V pk; $Q -S copyright");
            w.run(&format!("$D -i {d}"));
            w.run("$D -P pk");
        });
    }
    c.add("files/leftovers-of-an-interrupted-run", |w| {
        w.write("/opt/f.dpkg-new", "left\n");
        w.write("/opt/f.dpkg-tmp", "left\n");
        w.prepare("mkdir -p $R/opt/g.dpkg-new/sub $R/var/lib/dpkg/tmp.ci; echo x > $R/var/lib/dpkg/tmp.ci/x");
        w.install(&[deb("pk", "1").file("/opt/f", "1").file("/opt/g", "1")]);
        w.ok("$D -P pk");
    });
    c.add("files/removed-by-hand", |w| {
        w.install(&[deb("pk", "1")
            .file("/opt/d/f", "1")
            .file("/opt/d/g", "1")
            .scripts()]);
        w.prepare("rm -r $R/opt/d");
        w.run("$D -V pk; $D --verify-format rpm -V");
        w.ok("$D -r pk");
    });
    c.add("files/old-names-same-inode", |w| {
        // The old name reaches the new file through a link: it must not be removed.
        w.install(&[deb("pk", "1").file("/opt/old/f", "1")]);
        w.prepare("mv $R/opt/old $R/opt/new; ln -s new $R/opt/old");
        let d = w.deb(&deb("pk", "2").file("/opt/new/f", "2"));
        w.run(&format!("$D -i {d}"));
    });
    c.add("files/many-owners-and-modes", |w| {
        let mut d = deb("pk", "1");
        for (n, mode) in [0o644u32, 0o755, 0o4755, 0o2755, 0o1777, 0o000, 0o6711]
            .into_iter()
            .enumerate()
        {
            d = d
                .file(&format!("/opt/{n}"), "x")
                .mode(mode)
                .owner(n as u32, 100 + n as u32);
        }
        w.install(&[d.clone()]);
        w.prepare("chmod 777 $R/opt/0; chown 9:9 $R/opt/1");
        w.run("$D -V pk");
        w.install(&[d]);
    });
    c.add("files/odd-names", |w| {
        w.install(&[deb("pk", "1")
            .file("/opt/with space", "x")
            .file("/opt/tab\there", "x")
            .file("/opt/é\u{1F600}", "x")
            .file("/opt/back\\slash", "x")
            .file("/opt/-dash", "x")
            .file("/opt/star*", "x")
            .link("/opt/l", "with space/é")]);
        w.run("$Q -L pk; $Q -S '/opt/star*' '/opt/with space' 'back\\slash' 'opt/é'; $D -V");
        w.ok("$D -P pk");
    });
    c.add("files/long-names", |w| {
        let long = "n".repeat(200);
        let path = format!("/opt/{long}/{long}/{long}");
        w.install(&[deb("pk", "1")
            .file(&path, "x")
            .link(&format!("{path}l"), &"t/".repeat(150))]);
        w.run("$Q -L pk");
        w.ok("$D -P pk");
    });
    c.add("files/unsafe-io-and-instdir", |w| {
        let d = w.deb(&deb("pk", "1").file("/opt/f", "x").scripts());
        w.run("mkdir /t/w/inst /t/w/adm && cp -r $R/var/lib/dpkg/. /t/w/adm");
        w.run(&format!("dpkg --instdir=/t/w/inst --admindir=/t/w/adm --force-unsafe-io --force-script-chrootless -i {d}"));
        w.run("dpkg-query --admindir=/t/w/adm -L pk");
    });
    c.add("files/whole-system", |w| {
        let d = w.deb(
            &deb("pk", "1")
                .file("/opt/f", "x")
                .conffile("/etc/pk", "1\n")
                .script(
                    "postinst",
                    "echo $DPKG_ROOT. $*; dpkg-query -W -f '${Status}\\n' pk",
                ),
        );
        w.ok(&format!("dpkg -i {d}"));
        w.ok("dpkg -l pk; dpkg -s pk; dpkg -S /opt/f");
        w.ok("dpkg -P pk");
    });
}
