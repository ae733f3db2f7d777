//! `dpkg-statoverride`: commands, options, `--update`, forcing, a database that is wrong.

use super::Cases;
use crate::deb::deb;
use crate::world::{USER, World};

/// `dpkg-statoverride` on the root.
fn statoverride(w: &mut World, args: &str) {
    w.run(&format!("dpkg-statoverride --root=$R {args}"));
}

const RECORD: &str = "root root 755 /opt/a\nman mail 2640 /opt/b\n#4000 #4001 7777 /usr/bin/c\nnobody-knows root 600 /opt/d\n";

fn with_database(w: &mut World) {
    w.write("/var/lib/dpkg/statoverride", RECORD);
}

pub(super) fn add(c: &mut Cases) {
    command_line(c);
    adding(c);
    updating(c);
    removing_and_listing(c);
    forcing(c);
    database(c);
    surroundings(c);
}

fn command_line(c: &mut Cases) {
    for (name, args) in [
        ("help", "--help"),
        ("help-short", "-?"),
        ("version", "--version"),
        ("nothing", ""),
        ("no-action", "/opt/f"),
        ("unknown-option", "--jachsmitbju"),
        ("unknown-short-option", "-x"),
        ("two-actions", "--add --remove /opt/f"),
        ("value-for-a-flag", "--update=yes --list"),
        ("value-for-force", "--force=all --list"),
        ("admindir-without-value", "--admindir"),
        ("add-nothing", "--add"),
        ("add-three", "--add root root 644"),
        ("add-five", "--add root root 644 /opt/f /opt/g"),
        ("add-with-newline", "--add root root 644 '/opt/f\ng'"),
        ("remove-nothing", "--remove"),
        ("remove-two", "--remove /opt/f /opt/g"),
        ("force-unknown", "--force-nonsense --list"),
        ("force-without-thing", "--force- --list"),
        ("force-help", "--force-help"),
        ("no-force-help", "--no-force-help"),
        ("refuse-without-thing", "--refuse"),
        ("force-in-two-words", "--no-force all --list"),
    ] {
        c.add(&format!("statoverride/command-line-{name}"), move |w| {
            statoverride(w, args);
        });
    }
}

fn adding(c: &mut Cases) {
    for (name, words) in [
        ("names", "man mail 644 /opt/f"),
        ("numbers", "'#12' '#34' 644 /opt/f"),
        ("numbers-without-name", "'#4711' '#4712' 644 /opt/f"),
        ("numbers-plain", "0 0 644 /opt/f"),
        ("number-negative", "'#-1' root 644 /opt/f"),
        ("number-minus-zero", "'#-0' '#+8' 644 /opt/f"),
        ("number-large", "'#4294967294' '#4294967297' 644 /opt/f"),
        ("number-minus-one", "'#4294967295' root 644 /opt/f"),
        (
            "number-too-large",
            "'#99999999999999999999' root 644 /opt/f",
        ),
        ("number-empty", "'#' root 644 /opt/f"),
        ("number-with-tail", "root '#1x' 644 /opt/f"),
        ("number-with-blanks", "'# 7' '#\t8' 644 /opt/f"),
        ("number-hexadecimal", "'#0x10' root 644 /opt/f"),
        ("unknown-user", "nobody-knows root 644 /opt/f"),
        ("unknown-group", "root nobody-knows 644 /opt/f"),
        ("unknown-both", "nobody-knows nobody-knows x /opt/f"),
        ("empty-user", "'' root 644 /opt/f"),
        ("mode-largest", "root root 7777 /opt/f"),
        ("mode-too-large", "root root 10000 /opt/f"),
        ("mode-zeroes", "root root 00000755 /opt/f"),
        ("mode-zero", "root root 0 /opt/f"),
        ("mode-not-octal", "root root 888 /opt/f"),
        ("mode-negative", "root root -1 /opt/f"),
        ("mode-empty", "root root '' /opt/f"),
        ("mode-words", "root root u=rwx /opt/f"),
        ("mode-signed", "root root +644 /opt/f"),
        ("mode-prefixed", "root root 0x1 /opt/f"),
        (
            "mode-overflow",
            "root root 7777777777777777777777777 /opt/f",
        ),
        ("slash-at-end", "root root 644 /opt/d/"),
        ("slashes-at-end", "root root 644 /opt/d//./"),
        ("the-root", "root root 755 /"),
        ("relative", "root root 644 opt/f"),
        ("spelled-otherwise", "root root 644 //./opt/f"),
        ("blanks", "root root 644 '/opt/with space'"),
        ("empty-path", "root root 644 ''"),
        ("colon", "root:root root 644 /opt/f"),
    ] {
        c.add(&format!("statoverride/add-{name}"), move |w| {
            statoverride(w, &format!("--add {words}"));
            statoverride(w, "--list");
            statoverride(
                w,
                &format!("--quiet --force-statoverride-add --add {words}"),
            );
        });
    }
    c.add("statoverride/add-twice", |w| {
        statoverride(w, "--add root root 644 /opt/f");
        statoverride(w, "--add man man 600 /opt/f");
        statoverride(w, "--quiet --add man man 600 /opt/f/");
        statoverride(w, "--force-statoverride-add --add man man 600 /opt/f");
        statoverride(w, "--force --add mail mail 640 /opt/f");
        statoverride(w, "--force-all --add mail mail 641 /opt/f");
        statoverride(
            w,
            "--force-statoverride-add --add nobody-knows mail 641 /opt/f",
        );
        statoverride(
            w,
            "--force-all --refuse-statoverride-add --add man man 644 /opt/f",
        );
        statoverride(w, "--list");
    });
    c.add("statoverride/names-that-are-no-text", |w| {
        statoverride(w, "--add root root 644 \"$(printf '/opt/\\351')\"");
        statoverride(w, "--list");
        statoverride(w, "--remove \"$(printf '/opt/\\351')\"");
    });
}

fn updating(c: &mut Cases) {
    for (name, make) in [
        ("file", "echo x >$R/opt/f"),
        ("setuid-file", "echo x >$R/opt/f; chmod 6755 $R/opt/f"),
        ("directory", "mkdir $R/opt/f"),
        ("missing", ":"),
        ("symlink", "echo x >$R/opt/real; ln -s real $R/opt/f"),
        (
            "chain-of-symlinks",
            "mkdir $R/opt/d; echo x >$R/opt/d/real; ln -s ../d/./real $R/opt/d/l; ln -s d/l $R/opt/f",
        ),
        ("dangling-symlink", "ln -s nowhere $R/opt/f"),
        ("looping-symlink", "ln -s f $R/opt/f"),
        ("fifo", "mkfifo $R/opt/f"),
        ("device", "mknod $R/opt/f c 1 3"),
        (
            "through-a-symlink",
            "mkdir $R/srv/real; echo x >$R/srv/real/f; rmdir $R/opt; ln -s srv/real $R/opt",
        ),
        ("below-a-file", "rmdir $R/opt; echo x >$R/opt"),
    ] {
        c.add(&format!("statoverride/update-{name}"), move |w| {
            w.prepare(make);
            statoverride(w, "--update --add man mail 4750 /opt/f");
            statoverride(
                w,
                "--quiet --update --force-statoverride-add --add '#7' '#8' 0 /opt/f",
            );
        });
    }
    c.add("statoverride/update-refused", |w| {
        w.prepare("echo x >$R/opt/f");
        statoverride(w, "--add root root 644 /opt/f");
        statoverride(w, "--update --add man mail 600 /opt/f");
        statoverride(w, "--update --add nobody-knows mail 600 /opt/g");
        statoverride(w, "--update --force-all --add man mail 600 /opt/f");
    });
    c.add("statoverride/update-relative", |w| {
        // The path is appended to the root's as it stands.
        w.prepare("mkdir $R/opt/d; echo x >$R/opt/d/f; echo x >/t/w/f; ln -s f /t/w/l; echo x >$R/opt/dx");
        w.run("dpkg-statoverride --admindir=$R/var/lib/dpkg --update --add man mail 600 f");
        w.run("dpkg-statoverride --admindir=$R/var/lib/dpkg --update --add man mail 640 l");
        w.run("dpkg-statoverride --admindir=$R/var/lib/dpkg --instdir=$R/opt/d --update --add root root 600 x");
        w.run("dpkg-statoverride --admindir=$R/var/lib/dpkg --instdir=$R/opt/d --update --add root root 600 f");
    });
    c.add("statoverride/update-in-the-running-system", |w| {
        w.run("mkdir /srv/real; ln -s /srv/real /srv/link; echo x >/srv/real/f; ln -s /srv/link/f /srv/l; dpkg-statoverride --update --add man mail 600 /srv/l");
        w.run("dpkg-statoverride --list '/srv/*'; dpkg-statoverride --remove /srv/l");
    });
    c.add("statoverride/update-read-only", |w| {
        w.prepare("mount -t tmpfs none $R/mnt; echo x >$R/mnt/f; chown 1:1 $R/mnt/f; mount -o remount,ro $R/mnt");
        statoverride(w, "--update --add root root 600 /mnt/f");
        statoverride(w, "--force-all --update --add root root 600 /mnt/f");
        statoverride(w, "--list");
    });
    c.add("statoverride/update-without-mac", |w| {
        w.prepare("echo x >$R/opt/f");
        statoverride(
            w,
            "--no-force-security-mac --update --add man mail 600 /opt/f",
        );
    });
}

fn removing_and_listing(c: &mut Cases) {
    for (name, args) in [
        ("remove", "--remove /opt/a"),
        ("remove-slash", "--remove /opt/a/"),
        ("remove-slash-quiet", "--quiet --remove /opt/a/."),
        ("remove-spelled-otherwise", "--remove //opt/a"),
        ("remove-relative", "--remove opt/a"),
        ("remove-unknown-user", "--remove /opt/d"),
        ("remove-none", "--remove /opt/none"),
        ("remove-none-quiet", "--quiet --remove /opt/none"),
        (
            "remove-none-forced",
            "--force-statoverride-remove --remove /opt/none",
        ),
        ("remove-none-force", "--force --remove /opt/none"),
        ("remove-none-update", "--update --remove /opt/none"),
        ("remove-update", "--update --remove /opt/a"),
        ("remove-update-quiet", "--quiet --update --remove /opt/a"),
        ("list", "--list"),
        ("list-path", "--list /opt/a"),
        ("list-path-slash", "--list /opt/a/"),
        ("list-path-slash-quiet", "--quiet --list /opt/a/"),
        ("list-patterns", "--list '*/c' '/opt/[ab]' '*/c'"),
        ("list-star", "--list '*'"),
        ("list-directory", "--list /opt"),
        ("list-none", "--list '/none*'"),
        ("list-empty", "--list ''"),
        ("list-user", "--list root"),
    ] {
        c.add(&format!("statoverride/{name}"), move |w| {
            with_database(w);
            statoverride(w, args);
        });
    }
    c.add("statoverride/list-nothing", |w| {
        statoverride(w, "--list");
        w.write("/var/lib/dpkg/statoverride", "");
        statoverride(w, "--list");
        statoverride(w, "--remove /opt/none");
        statoverride(w, "--add root root 644 /opt/f");
        statoverride(w, "--remove /opt/f");
        statoverride(w, "--list");
    });
    c.add("statoverride/order-of-many", |w| {
        let text: String = (0..300)
            .map(|n| format!("#{n} root {:o} /opt/{}/file\n", n % 512, n * 7))
            .collect();
        w.write("/var/lib/dpkg/statoverride", &text);
        statoverride(w, "--list");
        statoverride(w, "--add man man 644 /usr/bin/new");
        statoverride(w, "--remove /opt/14/file");
    });
    c.add("statoverride/full-device", |w| {
        with_database(w);
        statoverride(w, "--list >/dev/full");
        statoverride(w, "--help >/dev/full");
        statoverride(w, "--list | true");
    });
}

fn forcing(c: &mut Cases) {
    for (name, value) in [
        ("empty", ""),
        ("all", "all"),
        ("add", "statoverride-add"),
        ("remove", "statoverride-remove,not-root"),
        ("of-dpkg", "depends,confnew"),
        ("help", "help"),
        ("unknown", "nonsense"),
        ("empty-word", "not-root,,all"),
    ] {
        c.add(
            &format!("statoverride/environment-force-{name}"),
            move |w| {
                with_database(w);
                w.env("DPKG_FORCE", value);
                statoverride(w, "--add man man 600 /opt/a");
                statoverride(w, "--remove /opt/none");
                statoverride(w, "--force-help");
                statoverride(w, "--refuse-all --remove /opt/none");
                statoverride(w, "--bogus");
            },
        );
    }
}

fn database(c: &mut Cases) {
    for (name, text) in [
        ("no-newline", "root root 644 /opt/f"),
        ("empty-line", "root root 644 /opt/f\n\n"),
        ("three-fields", "root root 644\n"),
        ("one-field", "root\n"),
        ("empty-path", "root root 644 \n"),
        ("two-blanks", "root  root 644 /opt/f\n"),
        ("bad-mode", "root root rw /opt/f\n"),
        ("mode-too-large", "root root 10644 /opt/f\n"),
        ("bad-number", "#x root 644 /opt/f\n"),
        ("number-negative", "#-2 root 644 /opt/f\n"),
        ("twice", "root root 644 /opt/f\nman man 600 /opt/f\n"),
        (
            "twice-spelled-otherwise",
            "root root 644 /opt/f\nman man 600 //opt/f\n",
        ),
        ("slash-at-end", "root root 644 /opt/f/\n"),
        ("not-absolute", "root root 644 opt/f\n"),
        ("unknown-user", "nobody-knows root 644 /opt/f\n"),
        ("unknown-group", "root nobody-knows 644 /opt/f\n"),
        ("number-of-a-name", "#0 #8 0644 /opt/f\n"),
        ("blank-in-path", "root root 644 /opt/a b\n"),
        ("nul", "root root 644 /opt/f\0g\n"),
    ] {
        c.add(&format!("statoverride/database-{name}"), move |w| {
            w.write("/var/lib/dpkg/statoverride", text);
            statoverride(w, "--list");
            statoverride(w, "--add root root 755 /opt/x");
            statoverride(w, "--remove /opt/f");
        });
    }
    c.add("statoverride/database-is-a-directory", |w| {
        w.prepare("mkdir $R/var/lib/dpkg/statoverride");
        statoverride(w, "--list");
        statoverride(w, "--add root root 755 /opt/x");
    });
    c.add("statoverride/leftovers", |w| {
        with_database(w);
        w.write("/var/lib/dpkg/statoverride-new", "garbage");
        w.write("/var/lib/dpkg/statoverride-old", "garbage");
        statoverride(w, "--add root root 755 /opt/x");
        w.prepare("cd $R/var/lib/dpkg; rm statoverride-old; mkdir statoverride-old");
        statoverride(w, "--remove /opt/x");
        w.prepare("cd $R/var/lib/dpkg; rmdir statoverride-old; rm -f statoverride-new; mkdir statoverride-new");
        statoverride(w, "--remove /opt/x");
    });
    c.add("statoverride/no-database", |w| {
        w.run("dpkg-statoverride --admindir=/t/w/none --list");
        w.run("dpkg-statoverride --admindir=/t/w/none --add root root 644 /opt/f");
        w.run("dpkg-statoverride --admindir=/t/w/none --remove /opt/f");
    });
}

fn surroundings(c: &mut Cases) {
    c.add("statoverride/users-of-the-root", |w| {
        w.write(
            "/etc/passwd",
            "root:x:0:0::/:/bin/sh\nonly-here:x:4242:0::/:/bin/sh\n",
        );
        w.write("/etc/group", "root:x:0:\nonly-there:x:4243:\n");
        statoverride(w, "--add only-here only-there 644 /opt/f");
        statoverride(w, "--add man root 644 /opt/g");
        statoverride(w, "--add '#4242' '#4243' 644 /opt/h");
        statoverride(w, "--list");
        w.run("dpkg-statoverride --admindir=$R/var/lib/dpkg --list");
        w.write("/etc/other-passwd", "somebody:x:4242:0::/:/bin/sh\n");
        w.env("DPKG_PATH_PASSWD", "/etc/other-passwd");
        w.env("DPKG_PATH_GROUP", "/etc/none");
        statoverride(w, "--list");
        statoverride(w, "--add somebody mail 600 /opt/i");
        w.env("DPKG_PATH_PASSWD", "");
        statoverride(w, "--list");
        w.prepare("rm $R/etc/passwd $R/etc/group");
        statoverride(w, "--list");
    });
    for (name, options) in [
        ("root", "--root=/t/w/a"),
        ("instdir", "--instdir=/t/w/a"),
        ("admindir", "--admindir=/t/w/b/db"),
        ("instdir-admindir", "--instdir=/t/w/a --admindir=/t/w/b/db"),
        ("admindir-root", "--admindir=/t/w/b/db --root=/t/w/a"),
        ("root-instdir", "--root=/t/w/a --instdir=/t/w/b"),
    ] {
        c.add(&format!("statoverride/directories-{name}"), move |w| {
            w.prepare("for d in a b; do mkdir -p /t/w/$d/var/lib/dpkg /t/w/$d/opt; echo $d >/t/w/$d/opt/f; done; mkdir /t/w/b/db");
            w.run(&format!("DPKG_DEBUG=1 dpkg-statoverride {options} --version"));
            w.run(&format!("dpkg-statoverride {options} --update --add man mail 600 /opt/f"));
            w.env("DPKG_ROOT", "/t/w/b");
            w.run(&format!("DPKG_DEBUG=1 dpkg-statoverride {options} --version"));
            w.env("DPKG_ADMINDIR", "/t/w/b/db");
            w.run(&format!("DPKG_DEBUG=1 dpkg-statoverride {options} --list"));
        });
    }
    c.add("statoverride/user", |w| {
        with_database(w);
        w.prepare("echo x >$R/opt/f; mkdir /t/user; echo x >/t/user/roots");
        w.user(Some(USER));
        w.run("dpkg-statoverride --root=/t/root --list");
        w.run("dpkg-statoverride --root=/t/root --add root root 644 /opt/f");
        w.run("dpkg-statoverride --root=/t/root --remove /opt/a");
        w.run("mkdir $R/opt; echo x >$R/opt/f; dpkg-statoverride --root=$R --update --add root root 640 /opt/f");
        w.run("dpkg-statoverride --root=$R --force-not-root --update --add root root 640 /opt/f");
        w.run("dpkg-statoverride --root=$R --update --add '#1000' '#1000' 4700 /opt/f");
        w.run("dpkg-statoverride --root=$R --force-all --update --add '#1000' '#1000' 4700 /opt/f");
        w.run("dpkg-statoverride --instdir=/t/user --admindir=$R/var/lib/dpkg --force-not-root --update --add root root 640 /roots");
        w.run("chmod 0 $R/var/lib/dpkg/statoverride; dpkg-statoverride --root=$R --list");
    });
    c.add("statoverride/in-maintainer-scripts", |w| {
        let package = |v: &str| {
            deb("pk", v)
                .file("/opt/f", v)
                .script(
                    "preinst",
                    "dpkg-statoverride --list /opt/f || dpkg-statoverride --add man mail 2755 /opt/f",
                )
                .script(
                    "postinst",
                    "dpkg-statoverride --update --add --force-statoverride-add man adm 4750 /opt/f; dpkg-statoverride --list",
                )
                .script("postrm", "dpkg-statoverride --remove /opt/f || echo $?")
        };
        let (v1, v2) = (w.deb(&package("1")), w.deb(&package("2")));
        w.run(&format!("$D -i {v1}"));
        w.run(&format!("$D --force-not-root,statoverride-add -i {v2}"));
        w.run("$D -P pk");
    });
    c.add("statoverride/debug", |w| {
        with_database(w);
        w.env("DPKG_DEBUG", "77777");
        statoverride(w, "--list");
        statoverride(w, "--add root root 755 /opt/x");
        w.env("DPKG_DEBUG", "0");
        w.env("DPKG_COLORS", "always");
        statoverride(w, "--remove /opt/none");
        statoverride(w, "--add");
    });
    c.add("statoverride/lines-of-passwd-that-are-none", |w| {
        let lines = "a:x:7\nb:x:8:\nc:x:9:9\nd:x:10 :9:::\ne:x: 11:+9:::\nf:x:-1:9:::\ng:x:4294967296:9:::\nh:x:12:9a:::\ni:x:013:9\0:::\n\x0bj:x:\x0b14:9:::";
        w.write("/etc/passwd", lines);
        w.write("/etc/group", lines);
        for name in "abcdefghij".chars() {
            statoverride(w, &format!("--add {name} {name} 644 /{name}"));
            statoverride(w, &format!("--add {name} '#10' 644 /{name}"));
            statoverride(w, &format!("--add '#10' {name} 644 /{name}.g"));
        }
        statoverride(w, "--add '#\x0b11' '#13' '\x0b600' /number");
        statoverride(w, "--list");
    });
}
