//! `dpkg-trigger`: who awaits, what `Unincorp` becomes, locking, a database that is wrong.

use super::Cases;
use crate::deb::deb;
use crate::world::{USER, World};

/// `dpkg-trigger` on the root.
fn trigger(w: &mut World, args: &str) {
    w.run(&format!("dpkg-trigger --root=$R {args}"));
}

const UNINCORP: &str = "/var/lib/dpkg/triggers/Unincorp";

pub(super) fn add(c: &mut Cases) {
    command_line(c);
    awaiters(c);
    unincorp(c);
    surroundings(c);
}

fn command_line(c: &mut Cases) {
    for (name, args) in [
        ("help", "--help"),
        ("help-short", "-?"),
        ("version", "--version"),
        ("nothing", ""),
        ("two-names", "--by-package=pk ping pong"),
        ("unknown-option", "--jachsmitbju"),
        ("unknown-short-option", "-x"),
        ("two-actions", "--check-supported --help"),
        ("value-for-a-flag", "--await=yes ping"),
        ("by-package-without-value", "--by-package"),
        ("by-package-short", "-f pk ping"),
        ("by-package-short-joined", "-fpk ping"),
        ("instdir-is-unknown", "--instdir=/ ping"),
        ("nobody-says-who", "ping"),
        ("check-supported-takes-nothing", "--check-supported ping"),
        ("trigger-is-no-option", "--trigger ping"),
        ("after-dashes", "--by-package=pk -- ping"),
        ("empty-name", "--by-package=pk ''"),
        ("blank-in-name", "--by-package=pk 'a b'"),
        ("newline-in-name", "--by-package=pk 'a\nb'"),
        (
            "no-text-in-name",
            "--by-package=pk \"$(printf 'p\\351ng')\"",
        ),
        ("path-as-name", "--by-package=pk /usr/share/doc"),
        ("unknown-syntax", "--by-package=pk /usr//share/"),
        ("odd-name", "--by-package=pk '!\"#$%&()_'"),
        ("comment-as-name", "--by-package=pk '#ping'"),
    ] {
        c.add(&format!("trigger-tool/command-line-{name}"), move |w| {
            w.write(UNINCORP, "");
            trigger(w, args);
            trigger(w, "--by-package=pk ping");
        });
    }
}

fn awaiters(c: &mut Cases) {
    for (name, args) in [
        ("by-package", "--by-package=pk ping"),
        (
            "by-package-twice",
            "--by-package=pk --by-package other ping",
        ),
        ("by-nobody", "--by-package=- ping"),
        ("by-upper-case", "--by-package=PK ping"),
        ("by-architecture", "--by-package=pk:i386 ping"),
        ("by-native", "--by-package=pk:amd64 ping"),
        ("by-unknown-architecture", "--by-package=pk:nonsense ping"),
        ("by-bad-architecture", "--by-package='pk:!' ping"),
        ("by-empty-architecture", "--by-package=pk: ping"),
        ("by-bad-name", "--by-package='!pk' ping"),
        ("by-empty-name", "--by-package= ping"),
        ("no-await", "--no-await ping"),
        ("no-await-by-package", "--no-await --by-package='!bad' ping"),
        ("no-await-await", "--no-await --await ping"),
        ("await", "--await --by-package=pk ping"),
        ("bad-package-and-name", "--by-package='!' 'a b'"),
        ("no-act", "--no-act --by-package=pk ping"),
        ("no-act-bad-name", "--no-act --by-package=pk 'a b'"),
        ("underscore", "--by-package=p_k ping"),
    ] {
        c.add(&format!("trigger-tool/awaiter-{name}"), move |w| {
            w.write(UNINCORP, "ping other\n/usr/share -\n");
            trigger(w, args);
            w.env("DPKG_MAINTSCRIPT_PACKAGE", "script");
            w.env("DPKG_MAINTSCRIPT_ARCH", "amd64");
            trigger(w, args);
        });
    }
    for (name, package, arch) in [
        ("plain", "pk", "amd64"),
        ("foreign", "pk", "i386"),
        ("all", "pk", "all"),
        ("upper-case", "PK", "amd64"),
        ("bad-name", "!pk", "amd64"),
        ("empty-name", "", "amd64"),
        ("qualified-name", "pk:i386", "amd64"),
        ("bad-architecture", "pk", "!"),
        ("empty-architecture", "pk", ""),
        ("any", "pk", "any"),
    ] {
        c.add(&format!("trigger-tool/script-{name}"), move |w| {
            w.write(UNINCORP, "");
            w.env("DPKG_MAINTSCRIPT_PACKAGE", package);
            trigger(w, "ping");
            w.env("DPKG_MAINTSCRIPT_ARCH", arch);
            trigger(w, "ping");
            trigger(w, "--no-act pong");
            trigger(w, "--no-await pang");
            trigger(w, "--by-package=other ping");
        });
    }
    c.add("trigger-tool/multi-arch-same", |w| {
        w.ok("$D --add-architecture i386");
        let lib = |arch: &str| {
            deb("lib", "1")
                .arch(arch)
                .field("Multi-Arch", "same")
                .script("postinst", "dpkg-trigger ping; dpkg-trigger --no-await pong; dpkg-trigger --by-package=lib:$DPKG_MAINTSCRIPT_ARCH pang")
        };
        let paths = [w.deb(&lib("amd64")), w.deb(&lib("i386"))];
        w.run(&format!("$D --no-triggers -i {}; cat $R{UNINCORP}", paths.join(" ")));
        trigger(w, "--by-package=lib ping");
    });
}

fn unincorp(c: &mut Cases) {
    for (name, text) in [
        ("empty", ""),
        ("other", "pong a\n"),
        ("same", "ping pk\n"),
        ("same-and-others", "ping a pk b\n"),
        ("others", "ping a b\n"),
        ("nobody", "ping -\n"),
        ("twice", "ping a\npong b\nping pk c\n"),
        ("same-twice", "ping pk pk pk\n"),
        ("comments", "# one\nping a # two\n  # three\npong -\n"),
        ("blanks", "  ping \t a\t b  \n"),
        ("empty-line", "pong a\n\npang b\n"),
        ("blank-line", "pong a\n  \npang b\n"),
        ("no-package", "ping\n"),
        ("no-package-but-blank", "ping \n"),
        ("bad-package", "pong a\nping A\n"),
        ("bad-package-later", "ping a!\n"),
        ("dash-package", "ping -a\n"),
        ("qualified", "ping a:i386 b:amd64\n"),
        ("no-newline", "ping a"),
        ("control-character", "pong a\n\u{1}ping a\n"),
        ("nul", "pong a\0b\n"),
        ("path", "/usr/share/doc a\n"),
        ("tail", "ping a#b c\n"),
    ] {
        c.add(&format!("trigger-tool/unincorp-{name}"), move |w| {
            w.write(UNINCORP, text);
            trigger(w, "--no-act --by-package=pk ping");
            trigger(w, "--by-package=pk ping");
            trigger(w, "--by-package=pk ping");
            trigger(w, "--check-supported");
        });
    }
    c.add("trigger-tool/unincorp-too-long", |w| {
        for length in [2040, 2041, 2042, 2043, 4000] {
            w.write(UNINCORP, &format!("ping {}\n", "x".repeat(length)));
            trigger(w, "--by-package=pk pong");
        }
    });
    c.add("trigger-tool/many", |w| {
        w.write(UNINCORP, "");
        w.run("for n in 1 2 3; do for t in a b /c; do dpkg-trigger --root=$R --by-package=pk$n $t; done; done");
        w.run("$D --configure -a");
    });
    c.add("trigger-tool/unincorp-missing", |w| {
        trigger(w, "--check-supported");
        trigger(w, "--by-package=pk ping");
        trigger(w, "--no-act --by-package=pk ping");
        w.prepare("rm -rf $R/var/lib/dpkg/triggers");
        trigger(w, "--check-supported");
        trigger(w, "--by-package=pk ping");
        trigger(w, "--no-act --by-package=pk ping");
        w.prepare("rm -rf $R/var/lib/dpkg");
        trigger(w, "--check-supported");
        trigger(w, "--by-package=pk ping");
    });
    for (name, make) in [
        ("unincorp-is-a-directory", "mkdir Unincorp"),
        ("new-is-a-directory", "touch Unincorp; mkdir Unincorp.new"),
        (
            "new-is-left-over",
            "touch Unincorp; echo garbage >Unincorp.new",
        ),
        ("lock-is-a-directory", "touch Unincorp; mkdir Lock"),
        ("lock-has-content", "touch Unincorp; echo garbage >Lock"),
        (
            "lock-is-a-dangling-link",
            "touch Unincorp; ln -s none/at/all Lock",
        ),
        (
            "triggers-is-a-file",
            "cd ..; rmdir triggers; touch triggers",
        ),
        (
            "unincorp-is-a-symlink",
            "echo ping a >../elsewhere; ln -s ../elsewhere Unincorp",
        ),
    ] {
        c.add(&format!("trigger-tool/{name}"), move |w| {
            w.prepare(&format!("cd $R/var/lib/dpkg/triggers; {make}"));
            trigger(w, "--check-supported");
            trigger(w, "--no-act --by-package=pk ping");
            trigger(w, "--by-package=pk ping");
        });
    }
}

fn surroundings(c: &mut Cases) {
    c.add("trigger-tool/waits-for-the-lock", |w| {
        w.write(UNINCORP, "");
        const HOLD: &str = "perl -e 'open F,\"+>$ENV{R}/var/lib/dpkg/triggers/Lock\"; $l=pack(\"ssx4qqlx4\",1,0,0,0,0); fcntl(F,6,$l) or die; open S,\">/t/w/held\"; close S; sleep 1; open S,\">/t/w/given-back\"'";
        w.run(&format!("{HOLD} & until [ -e /t/w/held ]; do sleep 0.05; done; dpkg-trigger --root=$R --by-package=pk ping; [ -e /t/w/given-back ] && echo waited; wait"));
        w.run(&format!("rm /t/w/*; {HOLD} & until [ -e /t/w/held ]; do sleep 0.05; done; dpkg-trigger --root=$R --no-act --by-package=pk ping; dpkg-trigger --root=$R --check-supported; [ -e /t/w/given-back ] || echo did not wait; wait"));
    });
    c.add("trigger-tool/many-at-once", |w| {
        w.write(UNINCORP, "");
        w.run("for n in 1 2 3 4 5 6 7 8 9; do dpkg-trigger --root=$R --by-package=pk$n t$n & done; wait; sort $R/var/lib/dpkg/triggers/Unincorp | tee $R/sorted; rm $R/var/lib/dpkg/triggers/Unincorp");
    });
    for (name, options) in [
        ("root", "--root=/t/w/a"),
        ("admindir", "--admindir=/t/w/b/db"),
        ("root-admindir", "--root=/t/w/a --admindir=/t/w/b/db"),
        ("admindir-root", "--admindir=/t/w/b/db --root=/t/w/a"),
        ("none", ""),
    ] {
        c.add(&format!("trigger-tool/directories-{name}"), move |w| {
            w.prepare("for d in a/var/lib/dpkg b/var/lib/dpkg b/db; do mkdir -p /t/w/$d/triggers; touch /t/w/$d/triggers/Unincorp; done");
            w.run(&format!("DPKG_DEBUG=1 dpkg-trigger {options} --version"));
            w.run(&format!("dpkg-trigger {options} --by-package=pk ping"));
            w.env("DPKG_ROOT", "/t/w/b");
            w.run(&format!("DPKG_DEBUG=1 dpkg-trigger {options} --by-package=pk pong"));
            w.env("DPKG_ADMINDIR", "/t/w/b/db");
            w.run(&format!("DPKG_DEBUG=1 dpkg-trigger {options} --check-supported"));
        });
    }
    c.add("trigger-tool/user", |w| {
        w.write(UNINCORP, "");
        w.user(Some(USER));
        w.run("dpkg-trigger --root=/t/root --check-supported");
        w.run("dpkg-trigger --root=/t/root --by-package=pk ping");
        w.run("dpkg-trigger --root=/t/root --no-act --by-package=pk ping");
        w.run("dpkg-trigger --root=$R --by-package=pk ping");
        w.run("touch $R/var/lib/dpkg/triggers/Unincorp; dpkg-trigger --root=$R --by-package=pk ping");
        w.run("chmod 0 $R/var/lib/dpkg/triggers/Unincorp; dpkg-trigger --root=$R --by-package=pk pong; dpkg-trigger --root=$R --check-supported");
        w.run("chmod 0 $R/var/lib/dpkg/triggers; dpkg-trigger --root=$R --by-package=pk pong; dpkg-trigger --root=$R --check-supported; chmod 755 $R/var/lib/dpkg/triggers");
    });
    c.add("trigger-tool/debug", |w| {
        w.write(UNINCORP, "ping a\n");
        w.env("DPKG_DEBUG", "77777");
        trigger(w, "--by-package=pk ping");
        w.env("DPKG_DEBUG", "0");
        w.env("DPKG_COLORS", "always");
        trigger(w, "ping");
        w.prepare("rm $R/var/lib/dpkg/triggers/Unincorp");
        trigger(w, "--check-supported");
    });
    c.add("trigger-tool/processed", |w| {
        w.install(&[deb("t", "1")
            .control("triggers", "interest ping\ninterest-noawait /opt/watched\n")
            .scripts()]);
        w.install(&[deb("a", "1").script(
            "postinst",
            "dpkg-trigger ping; dpkg-trigger --no-await /opt/watched/deep/file; dpkg-trigger --check-supported && echo supported",
        )]);
        trigger(w, "--by-package=a ping");
        trigger(w, "--by-package=a:amd64 ping");
        trigger(w, "--by-package=never ping");
        w.run("$Q -W -f '${Package} ${Status} ${Triggers-Pending} ${Triggers-Awaited}\\n'");
        w.run("$D --triggers-only -a; $D --configure -a; $Q -l");
    });
}
