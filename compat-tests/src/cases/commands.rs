//! The command lines themselves: options, configuration, environment, help, and pure functions.

use super::Cases;
use crate::deb::deb;
use crate::world::{USER, World};

pub(super) fn add(c: &mut Cases) {
    c.add("commands/usage", |w| {
        for tool in ["dpkg", "dpkg-deb", "dpkg-query"] {
            for args in [
                "--help",
                "-?",
                "--version",
                "",
                "--nonsense",
                "-Y",
                "--help extra",
                "--root",
                "--version --help",
                "-l -L",
            ] {
                w.run(&format!("{tool} {args}"));
            }
        }
        for args in [
            "--force-help",
            "-Dhelp",
            "-Dh",
            "-D777777777",
            "-Dx",
            "--force-nonsense",
            "--no-force-nonsense",
            "--refuse-nonsense",
            "--force-",
            "--abort-after=x",
            "--abort-after",
            "--status-fd=x",
            "--status-fd=99",
            "--status-fd -1",
            "-i",
            "-r",
            "-i -r",
            "--robot --version",
            "-i -i",
            "--root=/t/root --configure",
            "--root=/t/root -r",
            "--root=/t/root --configure -a x",
            "--no-act=yes",
        ] {
            w.run(&format!("dpkg {args}"));
        }
    });
    c.add("commands/output-that-gets-nowhere", |w| {
        w.install(&[deb("pk", "1").file("/opt/f", "f\n").script("postinst", ":")]);
        let archive = w.deb(&deb("other", "1"));
        w.env("SOURCE_DATE_EPOCH", "1");
        w.run(&format!("dpkg-split -S5 -s {archive} part"));
        let line = |w: &mut World, command: &str, redirections: &[&str]| {
            for redirection in redirections {
                w.run(&format!("{command} {redirection}"));
            }
        };
        let output = [">/dev/full", ">&-", ">&- 2>&-"];
        for command in [
            "dpkg --force-help",
            "dpkg-query --help",
            "$Q -W",
            "$Q -l",
            "$Q -s pk",
            "$Q -p pk",
            "$Q -L pk",
            "$Q -S opt",
            "$Q --control-list pk",
            "$Q --control-path pk",
            "$Q --control-show pk postinst",
            "$D -l",
            "dpkg-divert --root=$R --no-rename --test --add /opt/f",
            "dpkg-statoverride --root=$R --list",
            "dpkg-statoverride --root=$R --force-help --list",
            "dpkg-trigger --help",
            "dpkg-split --help",
            "dpkg-split -I part.1of6.deb",
            "update-alternatives --help",
            "update-alternatives --get-selections",
            "update-alternatives --list pager",
            "dpkg --print-architecture",
            "dpkg-realpath /opt",
            "dpkg-maintscript-helper --help 2>/dev/null",
        ] {
            line(w, command, &output);
        }
        for words in [
            "-I",
            "-I %",
            "-f",
            "-f % Package",
            "-W",
            "-c",
            "--ctrl-tarfile",
        ] {
            let words = match words.split_once(" %") {
                Some((option, rest)) => format!("{option} {archive}{rest}"),
                None => format!("{words} {archive}"),
            };
            line(w, &format!("dpkg-deb {words}"), &output);
        }
        line(w, &format!("dpkg-deb -I {archive} control"), &output);
        let errors = ["2>/dev/full", "2>&-"];
        for command in ["-W", "-l", "-s", "-p", "-L", "-S"] {
            line(w, &format!("$Q {command} none"), &errors);
        }
        w.run("update-alternatives --set-selections <&-");
        w.run("dpkg-split -I - <&-; dpkg-deb -I - <&-; dpkg --root=$R --update-avail - <&-");
    });
    c.add("commands/output-that-does-not-block", |w| {
        w.install(&[deb("pk", "1")]);
        let non_blocking = "perl -MFcntl -e 'open F, \">\", \"/tmp/pid\"; print F $$; close F; fcntl STDOUT, F_SETFL, O_WRONLY | O_NONBLOCK; exec @ARGV'";
        let more_than_a_pipe = "$(head -c 100000 /dev/zero | tr '\\0' x)";
        // Nobody reads before it waits, or has ended.
        let stuck = "[ -s /tmp/code ] || grep -q 'dpkg-query) S' /proc/$(cat /tmp/pid)/stat";
        w.deviates(
            "standard output that does not block",
            2,
            0,
            &format!(
                "{{ {non_blocking} $Q -W -f {more_than_a_pipe}; echo $? >/tmp/code; }} | {{ until {stuck}; do sleep 0.05; done 2>/dev/null; cat >/dev/null; }}; exit $(cat /tmp/code)"
            ),
        );
    });
    // Where stock's locks get the numbers of what is closed, and its output.
    c.add("commands/started-without-output", |w| {
        let archive = w.deb(
            &deb("pk", "1")
                .file("/opt/f", "f\n")
                .conffile("/etc/c", "1\n"),
        );
        let next = w.deb(&deb("pk", "2").conffile("/etc/c", "2\n"));
        const EMPTY: &str = "for f in lock lock-frontend; do : >$R/var/lib/dpkg/$f; done";
        for (command, closed) in [
            (format!("-i {archive}"), ">&-"),
            ("-r pk".to_owned(), ">&- <&-"),
            (format!("-i {archive}"), "2>&-"),
            (format!("-i {next}; echo changed >$R/etc/c"), ">&-"),
            (format!("-i {archive}"), "<&-"),
            ("-P pk none".to_owned(), ">&-"),
            ("-i none.deb".to_owned(), "2>&-"),
        ] {
            w.run(&format!(
                "dpkg --root=$R {command} {closed}; echo $?; {EMPTY}"
            ));
        }
    });
    c.add("commands/compare-versions", |w| {
        let versions = ["1", "1.0", "1:0", "0:1", "1~", "1-1", "1+b1", "a1", "", "1.0a", "2:1~rc1-3", "é", "1_2", "-1", "1:"];
        for a in versions {
            let mut line = String::new();
            for b in versions {
                for op in ["lt", "le", "eq", "ne", "ge", "gt", "lt-nl", "le-nl", "ge-nl", "gt-nl", "<", "<<", "<=", "=", ">=", ">>", ">"] {
                    line.push_str(&format!("dpkg --compare-versions '{a}' '{op}' '{b}'; echo \"{a} {op} {b}: $?\"; "));
                }
            }
            w.run(&line);
        }
        w.run("dpkg --compare-versions 1 2; dpkg --compare-versions 1 nonsense 2; dpkg --compare-versions");
    });
    c.add("commands/validate", |w| {
        for (what, values) in [
            (
                "pkgname",
                vec!["good", "Good", "g", "1x", "a_b", "a+b.c-d", "", "-a", "new"],
            ),
            ("trigname", vec!["good", "/a/path", "a b", "", "é", "x~y"]),
            (
                "archname",
                vec![
                    "amd64", "any", "all", "x y", "", "-x", "a-b-c", "source", "UPPER",
                ],
            ),
            (
                "version",
                vec![
                    "1",
                    "1:2-3",
                    "x1",
                    "",
                    "1 2",
                    ":1",
                    "1:",
                    "99999999999:1",
                    "1-",
                    "1~+.:-",
                ],
            ),
        ] {
            for v in values {
                w.run(&format!("dpkg --validate-{what} '{v}'"));
            }
            w.run(&format!(
                "dpkg --validate-{what}; dpkg --validate-{what} a b"
            ));
        }
    });
    c.add("commands/assert", |w| {
        for f in [
            "support-predepends",
            "working-epoch",
            "long-filenames",
            "multi-conrep",
            "multi-arch",
            "versioned-provides",
            "protected-field",
            "nonsense",
            "help",
        ] {
            w.run(&format!("dpkg --assert-{f}; dpkg --root=$R --assert-{f}"));
        }
    });
    c.add("commands/force-and-privilege", |w| {
        let d = w.deb(&deb("pk", "1").file("/opt/f", "x"));
        w.user(Some(USER));
        for line in [
            "dpkg --root=$R -i {d}",
            "dpkg --force-help",
            "dpkg --root=$R --force-not-root -i {d}",
            "dpkg --root=$R --force-all -r pk",
            "$D -i {d}",
            "dpkg-query --root=$R -l",
            "dpkg --root=$R --force-not-root --audit",
            "dpkg --root=$R -s pk",
            "$D --unpack {d}",
            "$D -P pk",
            "dpkg -r pk",
            "dpkg --configure -a",
            "dpkg --set-selections </dev/null",
            "dpkg --set-selections 0>/dev/null",
        ] {
            w.run(&line.replace("{d}", &d));
        }
    });
    c.add("commands/user-cannot-write", |w| {
        let d = w.deb(&deb("pk", "1").file("/opt/f", "x").file("/srv/g", "y"));
        w.user(Some(USER));
        w.run("mkdir $R/srv; chmod 555 $R/srv");
        w.run(&format!("$D -i {d}"));
        w.run("$Q -s pk");
        w.run(&format!(
            "chmod 755 $R/srv; $D -i {d}; chmod 555 $R/var/lib/dpkg"
        ));
        w.run("$D -r pk");
        w.run("chmod 555 $R/var/lib/dpkg/info; chmod 755 $R/var/lib/dpkg; $D -r pk");
        w.run("chmod 755 $R/var/lib/dpkg/info; chmod 000 $R/var/lib/dpkg/status; $Q -l; $D -r pk");
    });
    c.add("commands/user-install", |w| {
        w.user(Some(USER));
        let d = w.deb(
            &deb("pk", "1")
                .file("/opt/f", "x")
                .mode(0o4755)
                .conffile("/etc/c", "1\n")
                .scripts(),
        );
        w.run(&format!("$D -i {d}"));
        let e = w.deb(
            &deb("pk", "2")
                .file("/opt/f", "x")
                .conffile("/etc/c", "2\n")
                .scripts(),
        );
        w.run(&format!("$D -i {e}"));
        w.run("$D -P pk");
    });
    c.add("commands/fakeroot", |w| {
        let d = w.deb(&deb("pk", "1").file("/opt/f", "x").owner(3, 4).entry("/opt/dev", crate::deb::Kind::Char(1, 3)).conffile("/etc/c", "1\n"));
        w.user(Some(USER));
        w.run(&format!("fakeroot sh -c \"dpkg --root=$R --force-script-chrootless --log=/t/user/log -i {d}; stat -c '%u %g %F' $R/opt/f $R/opt/dev\""));
    });
    c.add("commands/configuration-files", |w| {
        let d = w.deb(&deb("pk", "1").file("/usr/share/doc/pk/x", "x").file("/opt/f", "x"));
        w.prepare("mkdir -p /etc/dpkg/dpkg.cfg.d; printf '# c\\npath-exclude=/usr/share/doc/*\\n\\nforce-confold\\n' >/etc/dpkg/dpkg.cfg.d/10x; printf 'path-include \"/opt/*\"\\n' >/t/home/.dpkg.cfg; printf 'nonsense\\n' >/etc/dpkg/dpkg.cfg.d/no.dots");
        w.run(&format!("$D -i {d}"));
        w.run("$Q -L pk");
        for (n, text) in ["nonsense", "root", "no-act=yes", "abort-after", "abort-after x", "install", "path-exclude='open", "-D1", "force-nonsense", "debug=x", "robot", "log = /t/w/l", "status-fd 9", "  no-act  "].iter().enumerate() {
            w.prepare(&format!("cat >/etc/dpkg/dpkg.cfg.d/20x <<'E'\n# {n}\n{text}\nE"));
            w.run("$D --get-selections");
        }
        w.prepare("rm /etc/dpkg/dpkg.cfg.d/20x; chmod 000 /etc/dpkg/dpkg.cfg.d/10x; mkdir /etc/dpkg/dpkg.cfg.d/dir");
        w.run("$D --get-selections");
        w.prepare("rm -r /etc/dpkg/dpkg.cfg.d/dir");
        w.run("echo 'admindir=/no/such' >/etc/dpkg/dpkg-query.cfg; dpkg-query -W dpkg");
    });
    c.add("commands/environment", |w| {
        let d = w.deb(&deb("pk", "1").file("/opt/f", "x").scripts());
        for line in [
            "DPKG_ROOT=$R dpkg -i {d}",
            "DPKG_ROOT=$R dpkg-query -W",
            "DPKG_ADMINDIR=$R/var/lib/dpkg dpkg-query -W",
            "DPKG_FORCE=confold,nonsense $D -r pk",
            "DPKG_FORCE=all dpkg --force-help | head -20",
            "DPKG_FORCE= $D -l",
            "DPKG_DEBUG=1 dpkg --version",
            "DPKG_DEBUG=1 dpkg-query --root=/x --version",
            "DPKG_DEBUG=x dpkg --version",
            "DPKG_DEBUG=help dpkg-deb --version",
            "DPKG_COLORS=nonsense $D -r never",
            "DPKG_DEBUG=1 dpkg --instdir=//a/./b/ --version",
            "DPKG_ROOT=/a//b/../c DPKG_DEBUG=1 dpkg --version",
            "unset HOME; $D -l",
        ] {
            w.run(&line.replace("{d}", &d));
        }
    });
    c.add("commands/dry-run", |w| {
        w.install(&[deb("pk", "1")
            .file("/opt/f", "x")
            .conffile("/etc/c", "1\n")
            .scripts()]);
        let d = w.deb(
            &deb("pk", "2")
                .file("/opt/f", "x")
                .conffile("/etc/c", "2\n")
                .scripts(),
        );
        let e = w.deb(&deb("new", "1").field("Depends", "never"));
        for line in [
            "$D --no-act -i {d}",
            "$D --dry-run -r pk",
            "$D --simulate -P pk",
            "$D --no-act -i {d} {e}",
            "$D --no-act --unpack {d}",
            "$D --no-act --configure -a",
            "echo pk hold | $D --no-act --set-selections",
            "$D --no-act --pre-invoke='echo hook' -r pk",
        ] {
            w.run(&line.replace("{d}", &d).replace("{e}", &e));
        }
    });
    c.add("commands/recursive", |w| {
        for n in ["a", "b", "c"] {
            w.deb(&deb(n, "1").file(&format!("/opt/{n}"), "x"));
        }
        w.prepare("mkdir -p /t/w/x/y; cp /t/debs/a*.deb /t/w/x; cp /t/debs/b*.deb /t/w/x/y; cp /t/debs/c*.deb /t/w/x/y/c.notdeb; ln -s /t/debs/c_1_all.deb /t/w/x/c.deb; mkdir /t/w/empty");
        w.run("$D -R --unpack /t/w/x");
        w.run("$D -R -i /t/w/x /t/w/empty");
        w.run("$D -R -i /t/w/empty");
        w.run("$D -R -i /no/such");
        w.run("$D -R -i /t/debs/a_1_all.deb");
        w.run("$D -O -i /t/debs/a_1_all.deb");
        w.run("$D -R -i");
    });
    c.add("commands/selected-only", |w| {
        let a = w.deb(&deb("a", "1"));
        w.run(&format!("$D -O -i {a}"));
        w.run("echo a install | $D --set-selections");
        w.run(&format!("$D --selected-only -i {a}"));
    });
    c.add("commands/log", |w| {
        let a = w.deb(&deb("a", "1").script("postinst", "echo said; echo loud >&2"));
        w.run(&format!(
            "$D --log=/t/w/log -i {a}; sed 's/^[^ ]* [^ ]*/T/' /t/w/log; rm /t/w/log"
        ));
        w.run(&format!("$D --log=/no/such/log -i {a}"));
        w.run("$D --status-logger='cat >/t/w/st' -r a; sleep 0.2; cat /t/w/st");
        w.run("$D --status-logger='exit 3' -P a");
    });
    c.add("commands/deb-actions-through-dpkg", |w| {
        let a = w.deb(&deb("a", "1").file("/opt/f", "x"));
        for line in [
            "dpkg -I {a}",
            "dpkg -c {a}",
            "dpkg -f {a}",
            "dpkg -x {a} /t/w/x",
            "dpkg -e {a} /t/w/e",
            "dpkg -W {a}",
            "dpkg --fsys-tarfile {a} | tar t",
            "dpkg --ctrl-tarfile {a} | tar t",
            "dpkg -X {a} /t/w/x",
            "dpkg --info nothing.deb",
            "dpkg --field {a} Package Version",
        ] {
            w.run(&line.replace("{a}", &a));
        }
    });
    c.add("commands/forget-and-reinstate", |w| {
        w.install(&[deb("a", "1").conffile("/etc/a", "x\n")]);
        w.run("$D -r a; $D --forget-old-unavail; $Q -l");
        w.run("$D -P a; $Q -l; $D --configure a; $D -r a; $D -P a");
        w.run("$D --configure nothing; $D --configure a nothing");
        w.run("$D --configure -a; $D -r -a; $D --unpack -a; $D --purge --pending");
    });
}
