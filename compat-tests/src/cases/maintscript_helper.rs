//! dpkg-maintscript-helper, called by hand and from the scripts of real packages.

use super::Cases;
use crate::deb::{Deb, deb};
use crate::world::World;

pub(super) fn add(c: &mut Cases) {
    usage(c);
    by_hand(c);
    conffiles(c);
    switches(c);
    refused(c);
}

/// Whether a script runs the helper inside the root, or outside with `DPKG_ROOT`.
#[derive(Clone, Copy)]
enum Where {
    Inside,
    Outside,
}

/// A package whose scripts say what they were called with and run these helper commands.
fn scripted(version: &str, commands: &[&str]) -> Deb {
    let mut d = deb("pk", version).file("/usr/share/pk/v", &format!("{version}\n"));
    for name in ["preinst", "postinst", "prerm", "postrm"] {
        let mut body = format!("echo \"{name} $*\"; set -e\n");
        for command in commands {
            body.push_str(&format!("dpkg-maintscript-helper {command} -- \"$@\"\n"));
        }
        body.push_str(&format!(
            "if [ -e \"$DPKG_ROOT/fail/{version}.{name}.$1\" ]; then exit 3; fi\n"
        ));
        d = d.script(name, &body);
    }
    d
}

fn usage(c: &mut Cases) {
    c.add("helper/usage", |w| {
        for line in [
            "", "help", "--help", "'-?'", "-h", "-xy", "--version", "nonsense", "''", "--nonsense",
            "rm_conffile", "mv_conffile", "symlink_to_dir", "dir_to_symlink", "supports",
            "rm_conffile --", "rm_conffile /etc/x -- ", "rm_conffile /etc/x 1 2 3",
            "_internal_pkg_must_own_file", "_internal_pkg_must_own_file pk /etc/x",
            "'a\\tb\\\\c\\101'",
        ] {
            w.run(&format!("dpkg-maintscript-helper {line}"));
        }
        w.run("PROGNAME=other dpkg-maintscript-helper nonsense");
        w.run("PROGNAME=other dpkg-maintscript-helper help");
        w.run("DPKG_COLORS=always dpkg-maintscript-helper nonsense");
        w.run("DPKG_COLORS=always dpkg-maintscript-helper supports x");
        w.run("DPKG_COLORS=always DPKG_DEBUG=1 DPKG_MAINTSCRIPT_NAME=prerm DPKG_MAINTSCRIPT_PACKAGE=pk dpkg-maintscript-helper rm_conffile /c -- upgrade 1");
    });
    c.add("helper/supports", |w| {
        for variables in [
            "",
            "DPKG_MAINTSCRIPT_NAME=postinst",
            "DPKG_MAINTSCRIPT_PACKAGE=pk",
            "DPKG_MAINTSCRIPT_NAME=x DPKG_MAINTSCRIPT_PACKAGE=y",
            "DPKG_MAINTSCRIPT_NAME= DPKG_MAINTSCRIPT_PACKAGE=y",
        ] {
            for command in [
                "rm_conffile",
                "mv_conffile",
                "symlink_to_dir",
                "dir_to_symlink",
                "supports",
                "help",
                "",
                "x y",
            ] {
                w.run(&format!(
                    "{variables} dpkg-maintscript-helper supports {command}"
                ));
            }
        }
    });
    c.add("helper/roots", |w| {
        w.env("DPKG_MAINTSCRIPT_NAME", "postrm");
        w.env("DPKG_MAINTSCRIPT_PACKAGE", "pk");
        w.prepare("mkdir -p /t/w/r/etc; ln -s r /t/w/link; ln -s nowhere /t/w/dangling");
        for root in ["/t/w/r", "/t/w/link/", "r", "/", "//", "/t/w/nothing", "/t/w/no/thing", "", "/t/w/dangling", "/etc/passwd/x"] {
            w.run(&format!("touch r/etc/c.dpkg-bak; DPKG_ROOT='{root}' dpkg-maintscript-helper rm_conffile /etc/c -- purge; ls r/etc; rm -f r/etc/*"));
            w.run(&format!("DPKG_ROOT='{root}' dpkg-maintscript-helper help >/dev/null"));
        }
        w.run("DPKG_ROOT=/t/w/no/thing dpkg-maintscript-helper");
    });
}

fn by_hand(c: &mut Cases) {
    for command in [
        "rm_conffile",
        "mv_conffile",
        "symlink_to_dir",
        "dir_to_symlink",
    ] {
        c.add(&format!("helper/demands-{command}"), move |w| {
            let args = |paths: [&str; 2]| match command {
                "rm_conffile" => paths[0].to_owned(),
                _ => paths.join(" "),
            };
            let good = args(["/etc/a", "/etc/b"]);
            let mut lines = vec![
                format!("{good}"),
                format!("{good} 1"),
                format!("{good} --"),
                format!("{good} 1 pk --"),
                format!("{good} 1 pk -- ''"),
                format!("{good} -- upgrade"),
                format!("{good} 1 -- upgrade 1"),
                format!("{good} 1 pk -- upgrade 1"),
                format!("{good} 1 pk extra things -- upgrade 1"),
                format!("{good} bad_version -- upgrade 1"),
                format!("{good} 1: -- upgrade 1"),
                format!("{good} 1-~ -- upgrade 1"),
                format!("{good} '1 2' -- upgrade 1"),
                format!("{good} -1 -- upgrade 1"),
                format!("{good} 2 -- upgrade bad_version"),
                format!("{good} 2 -- upgrade '<unknown>'"),
                format!("{good} '' '' -- upgrade 1"),
                format!("-- upgrade 1"),
            ];
            for paths in [["etc/a", "/etc/b"], ["/etc/a", "etc/b"], ["''", "/etc/b"], ["/etc/a", "''"], ["/etc/a/", "/etc/b/"], ["/", "/"], ["/etc/a", "-x"]] {
                lines.push(format!("{} 1 -- upgrade 1", args(paths)));
            }
            for (variables, script) in [
                ("", ""),
                ("DPKG_MAINTSCRIPT_PACKAGE=pk", ""),
                ("", "preinst"),
                ("DPKG_MAINTSCRIPT_PACKAGE=pk", "preinst"),
                ("DPKG_MAINTSCRIPT_PACKAGE=pk DPKG_MAINTSCRIPT_ARCH=amd64", "postinst"),
                ("DPKG_MAINTSCRIPT_PACKAGE=pk DPKG_DEBUG=1", "postrm"),
                ("DPKG_MAINTSCRIPT_PACKAGE=pk DPKG_DEBUG=yes", "prerm"),
            ] {
                for line in &lines {
                    w.run(&format!("DPKG_ROOT=$R {variables} DPKG_MAINTSCRIPT_NAME={script} dpkg-maintscript-helper {command} {line}"));
                }
            }
        });
    }
    c.add("helper/versions", |w| {
        w.install(&[deb("pk", "1").conffile("/etc/c", "c\n")]);
        w.env("DPKG_MAINTSCRIPT_NAME", "preinst");
        w.env("DPKG_MAINTSCRIPT_PACKAGE", "pk");
        w.env("DPKG_ROOT", "/t/root");
        for (last, from) in [("1", "1"), ("1", "1~"), ("1", "1+b1"), ("1-1~", "1-1"), ("1:1", "2"), ("1", "1:0"), ("''", "9"), ("1", "''"), ("2", "a"), ("2", "1_2")] {
            for action in ["install", "upgrade", "abort-upgrade", "configure", "''"] {
                w.run(&format!("dpkg-maintscript-helper rm_conffile /etc/c {last} pk -- {action} {from}; ls $R/etc/c*; [ ! -e $R/etc/c.dpkg-remove ] || mv $R/etc/c.dpkg-remove $R/etc/c"));
            }
        }
        w.env("DPKG_DEBUG", "1");
        w.run("dpkg-maintscript-helper rm_conffile /etc/c 1 pk -- upgrade 1");
    });
    c.add("helper/conffile-patterns", |w| {
        w.install(&[deb("pk", "1")
            .conffile("/etc/a.c", "1\n").conffile("/etc/a-c", "2\n").conffile("/etc/a+b~c", "3\n")
            .conffile("/etc/x[1]", "4\n").conffile("/etc/y*", "5\n").conffile("/etc/d$x", "6\n")
            .conffile("/etc/ü", "7\n").conffile("/etc/q'q", "8\n").conffile("/etc/b\\s", "9\n")
            .conffile("/etc/dir/sub/f", "10\n").conffile("/etc/^c", "11\n")]);
        w.env("DPKG_MAINTSCRIPT_NAME", "preinst");
        w.env("DPKG_MAINTSCRIPT_PACKAGE", "pk");
        w.env("DPKG_ROOT", "/t/root");
        for name in ["a.c", "a-c", "a+b~c", "x[1]", "y*", "d$x", "ü", "q'q", "b\\s", "dir/sub/f", "^c", "dir", "nothing"] {
            w.run(&format!("dpkg-maintscript-helper rm_conffile \"/etc/$(printf '%s' \"{}\")\" 1 pk -- upgrade 1; ls -R $R/etc | grep dpkg-", name.replace('\\', "\\\\\\\\").replace('$', "\\$")));
        }
    });
    c.add("helper/package-arguments", |w| {
        w.install(&[deb("pk", "1").arch("amd64").field("Multi-Arch", "same").conffile("/etc/c", "c\n")]);
        w.env("DPKG_MAINTSCRIPT_NAME", "preinst");
        w.env("DPKG_MAINTSCRIPT_PACKAGE", "pk");
        w.env("DPKG_ROOT", "/t/root");
        for package in ["pk", "pk:amd64", "pk:i386", "other", "Bad_Name", "'p*'", "''", "-x"] {
            w.run(&format!("dpkg-maintscript-helper rm_conffile /etc/c 1 {package} -- upgrade 1; ls $R/etc/c*; mv $R/etc/c.dpkg-remove $R/etc/c"));
            w.run(&format!("DPKG_MAINTSCRIPT_ARCH=amd64 dpkg-maintscript-helper rm_conffile /etc/c 1 {package} -- upgrade 1; ls $R/etc/c*; mv $R/etc/c.dpkg-* $R/etc/c"));
        }
    });
    c.add("helper/conffile-is-something-else", |w| {
        w.install(&[deb("pk", "1").conffile("/etc/c", "c\n").conffile("/etc/l", "l\n").conffile("/etc/x", "x\n")]);
        w.env("DPKG_MAINTSCRIPT_PACKAGE", "pk");
        w.env("DPKG_ROOT", "/t/root");
        let all = |w: &mut World, file: &str| {
            for (script, call) in [("preinst", "upgrade 1"), ("postinst", "configure 1"), ("postrm", "abort-upgrade 1"), ("postrm", "purge")] {
                w.run(&format!("DPKG_MAINTSCRIPT_NAME={script} dpkg-maintscript-helper rm_conffile {file} 1 -- {call}; ls -l $R/etc | grep -o ' {}.*'", &file[5..]));
            }
        };
        w.prepare("cd $R/etc; rm c; mkdir c; ln -sf /nonexistent l; rm x; ln -s c x");
        all(w, "/etc/c");
        all(w, "/etc/l");
        all(w, "/etc/x");
        w.prepare("cd $R/etc; rm -rf c*; echo c >c; mkdir c.dpkg-remove c.dpkg-backup c.dpkg-bak");
        all(w, "/etc/c");
        w.prepare("cd $R/etc; rm -rf c*; echo changed >c; echo old >c.dpkg-bak; echo older >c.dpkg-backup; echo r >c.dpkg-remove");
        all(w, "/etc/c");
    });
    c.add("helper/as-user", |w| {
        let d = w.deb(&deb("pk", "1").conffile("/etc/c", "c\n").file("/opt/d/f", "f\n"));
        w.user(Some(crate::world::USER));
        w.run(&format!("$D -i {d}"));
        w.env("DPKG_MAINTSCRIPT_PACKAGE", "pk");
        w.env("DPKG_ROOT", "/t/user/root");
        w.env("DPKG_MAINTSCRIPT_NAME", "preinst");
        w.run("dpkg-maintscript-helper rm_conffile /etc/c 1 -- upgrade 1; ls $R/etc");
        w.run("dpkg-maintscript-helper dir_to_symlink /opt/d ../x 1 -- upgrade 1; find $R/opt");
        w.run("chmod 555 $R/opt; DPKG_MAINTSCRIPT_NAME=postrm dpkg-maintscript-helper dir_to_symlink /opt/d ../x 1 -- abort-upgrade 1; find $R/opt; chmod 755 $R/opt");
        w.run("chmod 555 $R/etc; DPKG_MAINTSCRIPT_NAME=postinst dpkg-maintscript-helper rm_conffile /etc/c 1 -- configure 1; ls $R/etc; chmod 755 $R/etc");
        w.run("umask 077; DPKG_MAINTSCRIPT_NAME=postrm dpkg-maintscript-helper dir_to_symlink /opt/d ../x 1 -- abort-upgrade 1; find $R/opt");
        // Stock would go on from what that has left by moving it into the backup.
        w.prepare("cd /t/user/root/opt; rmdir d; mv d.dpkg-backup d");
        w.run("umask 077; dpkg-maintscript-helper dir_to_symlink /opt/d ../x 1 -- upgrade 1; ls -la $R/opt $R/opt/d | cut -c1-10");
    });
    c.add("helper/not-found", |w| {
        w.install(&[deb("pk", "1").conffile("/etc/c", "c\n")]);
        w.env("DPKG_MAINTSCRIPT_PACKAGE", "pk");
        w.env("DPKG_MAINTSCRIPT_NAME", "preinst");
        w.env("DPKG_ROOT", "/t/root");
        w.env("DPKG_ADMINDIR", "/t/w/nothing");
        w.run("dpkg-maintscript-helper rm_conffile /etc/c 1 -- upgrade 1; ls $R/etc/c*");
        w.run("dpkg-maintscript-helper dir_to_symlink /etc x 1 -- upgrade 1");
        w.env("DPKG_ADMINDIR", "/t/root/var/lib/dpkg");
        w.run("dpkg-maintscript-helper rm_conffile /etc/c 1 -- upgrade 1; ls $R/etc/c*");
    });
}

/// Everything that can happen to a package whose scripts run these commands.
fn life(w: &mut World, old: &Deb, new: &Deb, place: Where, prepare: &str, fail: &str) {
    let old = w.deb(old);
    let new = w.deb(new);
    let dpkg = match place {
        Where::Inside => "$D",
        Where::Outside => "$D --force-script-chrootless",
    };
    w.run(&format!("{dpkg} -i {old}"));
    if !prepare.is_empty() {
        w.prepare(&format!("cd $R; {prepare}"));
    }
    if !fail.is_empty() {
        w.make_fail(fail);
    }
    w.run(&format!("{dpkg} -i {new}"));
    if !fail.is_empty() {
        w.make_work(fail);
        w.run(&format!("{dpkg} --configure -a; {dpkg} -i {new}"));
    }
    w.run(&format!("{dpkg} -r pk"));
    w.run(&format!("{dpkg} -i {old}; {dpkg} -r pk; {dpkg} -i {new}"));
    w.run(&format!("{dpkg} -P pk"));
    w.run(&format!(
        "{dpkg} -i {new}; {dpkg} -i --force-downgrade {old}; {dpkg} -P pk"
    ));
}

/// The calls of new scripts that an upgrade may fail in.
const FAILURES: [(&str, &str); 5] = [
    ("works", ""),
    ("preinst-fails", "2.preinst.upgrade"),
    ("old-postrm-fails", "1.postrm.upgrade"),
    ("postinst-fails", "2.postinst.configure"),
    ("prerm-fails", "1.prerm.upgrade"),
];

fn conffiles(c: &mut Cases) {
    let states = [
        ("unchanged", ""),
        ("changed", "echo changed >etc/c"),
        ("gone", "rm etc/c"),
        (
            "leftovers",
            "echo a >etc/c.dpkg-bak; echo b >etc/c.dpkg-remove; echo c >etc/c.dpkg-backup",
        ),
    ];
    for (state, prepare) in states {
        for (how, fail) in FAILURES {
            c.add(&format!("helper/rm_conffile-{state}-{how}"), move |w| {
                let old = scripted("1", &[])
                    .conffile("/etc/c", "c\n")
                    .conffile("/etc/other", "o\n");
                let new = scripted("2", &["rm_conffile /etc/c 1~x"]).conffile("/etc/other", "o\n");
                life(w, &old, &new, Where::Inside, prepare, fail);
            });
            c.add(&format!("helper/mv_conffile-{state}-{how}"), move |w| {
                let old = scripted("1", &[]).conffile("/etc/c", "c\n");
                let new = scripted("2", &["mv_conffile /etc/c /etc/new.d/n 2~ pk"])
                    .conffile("/etc/new.d/n", "new\n");
                life(w, &old, &new, Where::Outside, prepare, fail);
            });
        }
    }
    c.add("helper/rm_conffile-to-other-package", |w| {
        let old = scripted("1", &[]).conffile("/etc/c", "c\n");
        let new = scripted("2", &["rm_conffile /etc/c 1"]);
        w.install(&[old]);
        w.install(&[deb("other", "1")
            .conffile("/etc/c", "c\n")
            .field("Replaces", "pk")]);
        let new = w.deb(&new);
        w.run(&format!("$D -i {new}"));
        w.run("$D -P pk; $D -P other");
    });
}

fn switches(c: &mut Cases) {
    for (kind, target) in [
        ("absolute", "/opt/real"),
        ("relative", "real"),
        ("up", "../opt/real"),
    ] {
        for (how, fail) in FAILURES {
            c.add(&format!("helper/dir_to_symlink-{kind}-{how}"), move |w| {
                let old = scripted("1", &[])
                    .file("/opt/d/f", "f\n")
                    .file("/opt/d/sub/g", "g\n")
                    .file("/opt/real/r", "r\n");
                let new = scripted("2", &[&format!("dir_to_symlink /opt/d/ {target} 1")])
                    .file("/opt/real/f", "f2\n")
                    .file("/opt/real/sub/g", "g2\n")
                    .file("/opt/real/r", "r2\n");
                life(w, &old, &new, Where::Inside, "", fail);
            });
            c.add(&format!("helper/symlink_to_dir-{kind}-{how}"), move |w| {
                let old = scripted("1", &[])
                    .link("/opt/d", target)
                    .file("/opt/real/f", "f\n");
                let new = scripted("2", &[&format!("symlink_to_dir /opt/d {target} 1")])
                    .file("/opt/d/f", "f2\n")
                    .file("/opt/real/f", "r2\n");
                let place = if kind == "up" {
                    Where::Outside
                } else {
                    Where::Inside
                };
                life(w, &old, &new, place, "", fail);
            });
        }
    }
    for (name, prepare) in [
        ("link-elsewhere", "ln -sfn ../etc opt/d"),
        ("link-resolved", "ln -sfn /t/../opt/./real opt/d"),
        ("link-is-file", "rm opt/d; echo x >opt/d"),
        ("link-gone", "rm opt/d"),
        ("backup-there", "ln -s real opt/d.dpkg-backup"),
        ("backup-dir-there", "mkdir opt/d.dpkg-backup"),
    ] {
        c.add(&format!("helper/symlink_to_dir-{name}"), move |w| {
            let old = scripted("1", &[])
                .link("/opt/d", "/opt/real")
                .file("/opt/real/f", "f\n");
            let new = scripted("2", &["symlink_to_dir /opt/d /opt/real"])
                .file("/opt/d/f", "f2\n")
                .dir("/opt/real");
            life(w, &old, &new, Where::Outside, prepare, "2.preinst.upgrade");
        });
    }
    for (name, prepare) in [
        (
            "foreign-file",
            "echo x >opt/d/foreign; echo y >opt/d/sub/foreign",
        ),
        ("foreign-conffile", "echo x >etc/c"),
        ("is-link", "rm -r opt/d; ln -s real opt/d"),
        ("is-gone", "rm -r opt/d"),
        ("is-file", "rm -r opt/d; echo x >opt/d"),
        ("backup-there", "mkdir opt/d.dpkg-backup"),
        ("backup-file-there", "echo x >opt/d.dpkg-backup"),
        ("target-gone", "rm -r opt/real"),
    ] {
        for where_ in ["inside", "outside"] {
            c.add(
                &format!("helper/dir_to_symlink-{name}-{where_}"),
                move |w| {
                    let old = scripted("1", &[])
                        .file("/opt/d/f", "f\n")
                        .file("/opt/d/sub/g", "g\n")
                        .file("/opt/real/r", "r\n");
                    let new = scripted("2", &["dir_to_symlink /opt/d /opt/real"])
                        .file("/opt/real/f", "f2\n")
                        .file("/opt/real/sub/g", "g2\n");
                    let place = if where_ == "inside" {
                        Where::Inside
                    } else {
                        Where::Outside
                    };
                    life(w, &old, &new, place, prepare, "");
                },
            );
        }
    }
    c.add("helper/staging", |w| {
        let old = scripted("1", &[])
            .file("/opt/d/f", "f\n")
            .file("/opt/real/r", "r\n");
        let new = scripted("2", &["dir_to_symlink /opt/d real 1"]).file("/opt/real/r", "r2\n");
        w.install(&[old]);
        let new = w.deb(&new);
        w.run(&format!("$D --unpack {new}; find $R/opt"));
        let other = w.deb(
            &deb("other", "1")
                .file("/opt/d/o", "o\n")
                .file("/opt/d/sub/p", "p\n")
                .file("/opt/d/r", "clash\n")
                .file("/opt/d/.hidden", "h\n"),
        );
        w.run(&format!("$D --unpack {other}; find $R/opt"));
        w.run("$D --configure -a; find $R/opt | sort");
        w.run("$D -P pk other; find $R/opt");
    });
    c.add("helper/staging-clash", |w| {
        let old = scripted("1", &[])
            .file("/opt/d/f", "f\n")
            .file("/opt/real/sub/r", "r\n");
        let new = scripted("2", &["dir_to_symlink /opt/d real 1"]).file("/opt/real/sub/r", "r2\n");
        w.install(&[old]);
        let new = w.deb(&new);
        let other = w.deb(
            &deb("other", "1")
                .file("/opt/d/sub/p", "p\n")
                .file("/opt/d/x", "x\n"),
        );
        w.run(&format!("$D --unpack {new} {other}; find $R/opt"));
        w.run("$D --configure -a; find $R/opt | sort");
        w.run("$D --configure -a; find $R/opt | sort");
    });
}

fn refused(c: &mut Cases) {
    c.add("helper/dir_to_symlink-of-conffiles", |w| {
        let old = scripted("1", &[])
            .conffile("/etc/d/c", "c\n")
            .file("/etc/d/f", "f\n");
        let new = scripted("2", &["dir_to_symlink /etc/d /etc/real 1"]).file("/etc/real/c", "c\n");
        w.install(&[old]);
        let new = w.deb(&new);
        w.run(&format!("$D -i {new}; find $R/etc"));
        w.run("$D -r pk; find $R/etc");
        w.run(&format!("$D -i {new}; find $R/etc"));
    });
    c.add("helper/dir_to_symlink-debugged", |w| {
        let old = scripted("1", &[]).file("/opt/d/f", "f\n");
        w.install(&[old]);
        w.prepare("cd $R/opt/d; mkdir -p a/b; echo x >a/b/c; ln -s x 'a b'; mkfifo p");
        w.env("DPKG_MAINTSCRIPT_NAME", "preinst");
        w.env("DPKG_MAINTSCRIPT_PACKAGE", "pk");
        w.env("DPKG_ROOT", "/t/root");
        for debug in ["", "1", "2000", "x"] {
            w.env("DPKG_DEBUG", debug);
            w.run(
                "dpkg-maintscript-helper dir_to_symlink /opt/d /opt/x 1 -- upgrade 1 2>&1 | sort",
            );
        }
        w.env("DPKG_DEBUG", "");
        w.prepare("cd $R/opt/d; rm -r a 'a b' p; printf '\\nbroken\\n' >>$R/var/lib/dpkg/status");
        w.run("dpkg-maintscript-helper dir_to_symlink /opt/d /opt/x 1 -- upgrade 1");
    });
    c.add("helper/two-commands", |w| {
        let old = scripted("1", &[])
            .conffile("/etc/a", "a\n")
            .conffile("/etc/b", "b\n")
            .file("/opt/d/f", "f\n")
            .link("/opt/l", "d");
        let new = scripted(
            "2",
            &[
                "rm_conffile /etc/a",
                "mv_conffile /etc/b /etc/n",
                "dir_to_symlink /opt/d real",
                "symlink_to_dir /opt/l d",
            ],
        )
        .conffile("/etc/n", "n\n")
        .file("/opt/real/f", "f\n")
        .file("/opt/l/f", "f\n");
        life(
            w,
            &old,
            &new,
            Where::Inside,
            "echo changed >>etc/b",
            "2.postinst.configure",
        );
    });
    c.add("helper/with-dpkg-debug", |w| {
        let old = scripted("1", &[]).conffile("/etc/a", "a\n");
        let new = scripted("2", &["rm_conffile /etc/a 1"]);
        let old = w.deb(&old);
        let new = w.deb(&new);
        w.run(&format!("$D -D1 -i {old} 2>&1 | grep -v D00"));
        w.run(&format!("$D -D1 -i {new} 2>&1 | grep -v D00"));
        w.run("DPKG_COLORS=always $D -D1 -P pk 2>&1 | grep -v D00");
    });
}
