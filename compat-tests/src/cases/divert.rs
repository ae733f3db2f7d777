//! `dpkg-divert`: commands, options, moving files aside and back, a database that is wrong.

use super::Cases;
use crate::deb::{Deb, deb};
use crate::world::{USER, World};

/// `dpkg-divert` on the root.
fn divert(w: &mut World, args: &str) {
    w.run(&format!("dpkg-divert --root=$R {args}"));
}

/// A file of the root to divert.
fn with_file(w: &mut World) {
    w.write("/opt/f", "text\n");
}

const RECORD: &str = "/opt/a\n/opt/a.away\n:\n/opt/b\n/opt/b.away\npk\n/usr/bin/c\n/usr/bin/c.distrib\nother-package\n";

fn with_database(w: &mut World) {
    w.write("/var/lib/dpkg/diversions", RECORD);
}

pub(super) fn add(c: &mut Cases) {
    command_line(c);
    adding(c);
    removing(c);
    renaming(c);
    packages(c);
    enquiries(c);
    database(c);
    directories(c);
}

fn command_line(c: &mut Cases) {
    for (name, args) in [
        ("help", "--help"),
        ("help-short", "-?"),
        ("version", "--version"),
        ("nothing", ""),
        ("unknown-option", "--jachsmitbju"),
        ("unknown-short-option", "-x"),
        ("two-actions", "--add --remove /opt/f"),
        ("action-twice", "--list --list"),
        ("value-for-a-flag", "--rename=yes /opt/f"),
        ("divert-without-value", "--divert"),
        ("package-without-value", "--package"),
        ("admindir-without-value", "--admindir"),
        ("divert-not-absolute", "--divert opt/x /opt/f"),
        ("divert-with-newline", "--divert '/opt/x\ny' /opt/f"),
        ("divert-empty", "--divert '' /opt/f"),
        ("package-with-newline", "--package 'a\nb' /opt/f"),
        ("add-nothing", "--add"),
        ("add-two", "--no-rename --add /opt/f /opt/g"),
        ("add-not-absolute", "--no-rename --add opt/f"),
        ("add-empty", "--no-rename --add ''"),
        ("add-with-newline", "--no-rename --add '/opt/f\ng'"),
        ("add-directory", "--no-rename --add /opt"),
        ("add-directory-slash", "--no-rename --add /opt/"),
        ("add-below-a-file", "--no-rename --add /opt/f/x"),
        ("add-to-itself", "--no-rename --divert /opt/f --add /opt/f"),
        ("remove-nothing", "--no-rename --remove"),
        ("remove-two", "--no-rename --remove /opt/f /opt/g"),
        ("remove-not-absolute", "--no-rename --remove opt/f"),
        ("remove-with-newline", "--no-rename --remove '/opt/f\ng'"),
        ("listpackage-nothing", "--listpackage"),
        ("listpackage-two", "--listpackage /opt/f /opt/g"),
        ("listpackage-not-absolute", "--listpackage opt/f"),
        ("listpackage-with-newline", "--listpackage '/opt/f\ng'"),
        ("truename-nothing", "--truename"),
        ("truename-two", "--truename /opt/f /opt/g"),
        ("truename-not-absolute", "--truename opt/f"),
        ("after-dashes", "--no-rename -- /opt/f"),
        ("file-before-option", "/opt/f --no-rename"),
    ] {
        c.add(&format!("divert/command-line-{name}"), move |w| {
            with_file(w);
            divert(w, args);
        });
    }
    c.add("divert/package-name-from-environment-with-newline", |w| {
        with_file(w);
        w.env("DPKG_MAINTSCRIPT_PACKAGE", "a\nb");
        divert(w, "--no-rename /opt/f");
        divert(w, "--no-rename --local /opt/f");
        divert(w, "--list");
    });
}

fn adding(c: &mut Cases) {
    c.add("divert/add-default", |w| {
        with_file(w);
        divert(w, "/opt/f");
        divert(w, "--list");
        divert(w, "--add /opt/f");
        divert(w, "--quiet --no-rename --add /opt/f");
    });
    for (name, how) in [
        ("local", "--local"),
        ("package", "--package pk"),
        ("package-upper-case", "--package PK"),
        ("package-odd-name", "--package '!! ?'"),
        ("package-colon", "--package :"),
        ("package-empty", "--package ''"),
        ("package-then-local", "--package pk --local"),
        ("local-then-package", "--local --package pk"),
        ("divert", "--divert /opt/elsewhere"),
        ("package-divert", "--package pk --divert /opt/elsewhere"),
        ("twice-divert", "--divert /opt/one --divert /opt/two"),
        ("quiet", "--quiet"),
        ("test", "--test"),
        ("test-rename", "--test --rename"),
        ("rename-no-rename", "--rename --no-rename"),
    ] {
        c.add(&format!("divert/add-{name}"), move |w| {
            with_file(w);
            divert(w, &format!("--no-rename {how} --add /opt/f"));
            divert(w, "--list; dpkg-divert --root=$R --listpackage /opt/f");
            divert(w, &format!("--no-rename {how} --remove /opt/f"));
        });
    }
    for (name, args) in [
        ("the-same", "--local --divert /opt/a.away /opt/a"),
        ("other-target", "--local --divert /opt/a.other /opt/a"),
        ("other-package", "--package x --divert /opt/a.away /opt/a"),
        ("default-target", "/opt/a"),
        ("target-taken", "--divert /opt/a.away /opt/new"),
        ("target-is-diverted", "--divert /opt/b /opt/new"),
        ("file-is-a-target", "--divert /opt/new /opt/b.away"),
        ("both", "--divert /opt/b.away /opt/a"),
        ("crosswise", "--divert /opt/a /opt/a.away"),
        ("spelled-otherwise", "--divert /opt/a.away //opt/a"),
        ("target-spelled-otherwise", "--divert /./opt/a.away /opt/a"),
        ("quiet", "--quiet --package x /opt/b"),
        ("test", "--test --package x /opt/b"),
    ] {
        c.add(&format!("divert/clash-{name}"), move |w| {
            with_database(w);
            divert(w, &format!("--no-rename {args}"));
        });
    }
    c.add("divert/spelled-otherwise", |w| {
        with_file(w);
        divert(w, "--rename --divert /./opt/f.x --add //opt/./f");
        divert(
            w,
            "--list; dpkg-divert --root=$R --truename /opt/./f; ls $R/opt",
        );
        divert(w, "--rename --remove ///opt/./f");
    });
    c.add("divert/another-spelling-of-itself", |w| {
        with_file(w);
        w.deviates(
            "dpkg-divert of a path to another spelling of itself",
            0,
            2,
            "dpkg-divert --root=$R --no-rename --divert //opt/f --add /opt/f",
        );
    });
    c.add("divert/names-that-are-no-text", |w| {
        divert(w, "--no-rename --add \"$(printf '/opt/\\351')\"");
        divert(
            w,
            "--list; dpkg-divert --root=$R --truename \"$(printf '/opt/\\351')\"",
        );
        divert(w, "--no-rename --add '/opt/with space\ttab'");
        divert(w, "--list '*space*'");
    });
    c.add("divert/long-names", |w| {
        // The database's lines are limited when they are read, not when they are written.
        divert(w, "--no-rename --add /opt/$(printf %01100d 0)");
        divert(w, "--list");
    });
}

fn removing(c: &mut Cases) {
    for (name, args) in [
        ("any", "/opt/a"),
        ("any-of-a-package", "/opt/b"),
        ("local", "--local /opt/a"),
        ("local-divert", "--local --divert /opt/a.away /opt/a"),
        ("package", "--package pk /opt/b"),
        ("local-but-package", "--local /opt/b"),
        ("package-but-local", "--package pk /opt/a"),
        ("other-package", "--package x --divert /opt/b.away /opt/b"),
        ("other-target", "--divert /opt/b.other /opt/b"),
        (
            "other-target-package",
            "--package pk --divert /opt/x /opt/b",
        ),
        ("other-target-local", "--local --divert /opt/x /opt/a"),
        ("target", "/opt/a.away"),
        ("unknown", "/opt/unknown"),
        ("unknown-local", "--local --divert /opt/x /opt/unknown"),
        ("unknown-package", "--package x /opt/unknown"),
        (
            "unknown-package-divert",
            "--package x --divert /y /opt/unknown",
        ),
        ("unknown-divert", "--divert /opt/x /opt/unknown"),
        ("unknown-quiet", "--quiet /opt/unknown"),
        ("quiet", "--quiet /opt/a"),
        ("test", "--test /opt/a"),
        ("spelled-otherwise", "//opt/a"),
    ] {
        c.add(&format!("divert/remove-{name}"), move |w| {
            with_database(w);
            divert(
                w,
                &format!("--no-rename {args}; dpkg-divert --root=$R --no-rename --remove {args}"),
            );
        });
    }
    c.add("divert/remove-all", |w| {
        with_database(w);
        divert(w, "--remove /opt/a");
        divert(w, "--remove --no-rename --package other-package /usr/bin/c");
        divert(w, "--remove --rename /opt/b");
        divert(w, "--list");
        w.run("wc -c $R/var/lib/dpkg/diversions*");
    });
}

fn renaming(c: &mut Cases) {
    c.add("divert/rename-there-and-back", |w| {
        with_file(w);
        w.chmod("/opt/f", 0o4750);
        divert(w, "--rename --divert /opt/g --add /opt/f");
        divert(w, "--rename --divert /opt/g --add /opt/f");
        divert(w, "--rename --remove /opt/f");
    });
    c.add("divert/rename-nothing", |w| {
        divert(w, "--rename --add /opt/none");
        divert(w, "--rename --remove /opt/none");
        divert(w, "--rename --add /nowhere/at/all");
        divert(w, "--rename --remove /nowhere/at/all");
    });
    c.add("divert/rename-over-another-file", |w| {
        with_file(w);
        w.write("/opt/f.distrib", "other\n");
        divert(w, "--rename --add /opt/f");
        divert(w, "--test --rename --add /opt/f");
        divert(w, "--no-rename --add /opt/f");
        divert(w, "--rename --remove /opt/f");
        divert(w, "--test --rename --remove /opt/f");
        divert(w, "--no-rename --remove /opt/f");
    });
    c.add("divert/rename-over-an-equal-file", |w| {
        with_file(w);
        w.write("/opt/f.distrib", "text\n");
        divert(w, "--rename --add /opt/f");
    });
    c.add("divert/rename-to-a-name-of-the-same-file", |w| {
        with_file(w);
        w.prepare("ln $R/opt/f $R/opt/f.distrib");
        divert(w, "--rename --add /opt/f");
        w.prepare("ln $R/opt/f.distrib $R/opt/f");
        divert(w, "--rename --remove /opt/f");
    });
    c.add("divert/rename-to-a-missing-directory", |w| {
        with_file(w);
        divert(w, "--rename --divert /opt/none/f --add /opt/f");
        divert(w, "--test --rename --divert /opt/none/f --add /opt/f");
        divert(w, "--no-rename --divert /opt/none/f --add /opt/f");
        divert(w, "--rename --remove /opt/f");
    });
    c.add("divert/rename-to-below-a-file", |w| {
        with_file(w);
        w.write("/opt/g", "text\n");
        divert(w, "--rename --divert /opt/g/f --add /opt/f");
    });
    c.add("divert/rename-onto-a-directory", |w| {
        with_file(w);
        w.prepare("mkdir $R/opt/d");
        divert(w, "--rename --divert /opt/d --add /opt/f");
        divert(w, "--rename --divert /opt/d/ --add /opt/f");
        divert(w, "--rename --divert /opt/d/g --add /opt/f");
        divert(w, "--rename --remove /opt/f");
    });
    for (name, make) in [
        ("symlink", "ln -s ../etc/passwd $R/opt/f"),
        ("dangling-symlink", "ln -s nowhere $R/opt/f"),
        ("symlink-to-directory", "ln -s ../etc $R/opt/f"),
        ("fifo", "mkfifo $R/opt/f"),
        ("device", "mknod $R/opt/f c 1 3"),
    ] {
        c.add(&format!("divert/rename-{name}"), move |w| {
            w.prepare(make);
            divert(w, "--rename --add /opt/f");
            divert(w, "--rename --remove /opt/f");
        });
    }
    c.add("divert/rename-back-a-directory", |w| {
        with_file(w);
        divert(w, "--rename --add /opt/f");
        w.prepare("rm $R/opt/f.distrib; mkdir $R/opt/f.distrib");
        divert(w, "--rename --remove /opt/f");
    });
    const LOOK: &str =
        "cd $R && find opt mnt -printf '%p %y %m %U:%G %l\\n' | sort; cat opt/f mnt/f";
    for (name, make) in [
        (
            "file",
            "echo text >$R/opt/f; chown 3:4 $R/opt/f; chmod 4751 $R/opt/f",
        ),
        ("symlink", "ln -s ../etc/debian_version $R/opt/f"),
        ("dangling-symlink", "ln -s nowhere $R/opt/f"),
        ("empty", ": >$R/opt/f; chmod 0 $R/opt/f"),
    ] {
        c.add(&format!("divert/rename-across-devices-{name}"), move |w| {
            w.prepare(&format!("mount -t tmpfs -o mode=755 none $R/mnt; {make}"));
            divert(w, &format!("--rename --divert /mnt/f --add /opt/f; {LOOK}"));
            divert(w, &format!("--rename --remove /opt/f; {LOOK}"));
        });
    }
    c.add("divert/rename-across-devices-directory", |w| {
        with_file(w);
        w.prepare("mount -t tmpfs -o mode=755 none $R/mnt");
        divert(w, &format!("--rename --divert /mnt/f --add /opt/f; {LOOK}"));
        w.prepare("rm $R/mnt/f; mkdir $R/mnt/f");
        divert(w, &format!("--rename --remove /opt/f; {LOOK}"));
    });
    c.add("divert/rename-across-devices-full", |w| {
        w.prepare(
            "mount -t tmpfs -o mode=755,size=64k none $R/mnt; head -c 200000 /dev/zero >$R/opt/f",
        );
        divert(w, "--rename --divert /mnt/f --add /opt/f; ls -s $R/mnt");
    });
    c.add("divert/rename-from-a-read-only-file-system", |w| {
        w.prepare("mount -t tmpfs -o mode=755 none $R/mnt; echo text >$R/mnt/f; mount -o remount,ro $R/mnt");
        divert(w, "--rename --add /mnt/f");
        divert(w, "--no-rename --add /mnt/f");
        divert(w, "--rename --divert /mnt/g --add /opt/none");
        with_file(w);
        divert(w, "--rename --divert /mnt/h --add /opt/f");
    });
    c.add("divert/rename-immutable-source", |w| {
        // The source cannot be removed: the copy stays.
        w.prepare("mount -t tmpfs -o mode=755 none $R/mnt; mount -t tmpfs none $R/srv; echo text >$R/srv/f; mkdir $R/srv/x; mount --bind $R/srv/f $R/srv/f");
        divert(w, "--rename --divert /mnt/f --add /srv/f; ls $R/mnt $R/srv");
    });
    c.add("divert/rename-through-a-symlink", |w| {
        w.write("/opt/real/f", "text\n");
        w.prepare("ln -s real $R/opt/link");
        divert(w, "--rename --divert /opt/real/g --add /opt/link/f");
        divert(w, "--rename --remove /opt/link/f");
    });
    c.add("divert/rename-in-the-running-system", |w| {
        w.run("mkdir /srv/real; ln -s /srv/real /srv/link; echo text >/srv/link/f; dpkg-divert --rename --divert /srv/link/g --add /srv/link/f");
        w.run("dpkg-divert --rename --remove /srv/link/f; dpkg-divert --list");
    });
    c.add("divert/rename-leftovers", |w| {
        // What interrupted runs leave behind.
        with_file(w);
        w.write("/opt/f.dpkg-divert.tmp", "old\n");
        w.write("/opt/f.distrib.dpkg-divert.tmp", "old\n");
        w.write("/var/lib/dpkg/diversions-new", "garbage");
        divert(w, "--rename --add /opt/f");
        w.write("/var/lib/dpkg/diversions-old", "garbage");
        divert(w, "--rename --remove /opt/f");
    });
    c.add("divert/rename-interrupted-between-database-and-file", |w| {
        with_file(w);
        w.write("/var/lib/dpkg/diversions", "/opt/f\n/opt/f.distrib\n:\n");
        divert(w, "--rename --add /opt/f");
        divert(w, "--rename --remove /opt/f");
    });
    c.add("divert/rename-temporary-is-a-directory", |w| {
        with_file(w);
        w.prepare("mkdir $R/opt/f.dpkg-divert.tmp");
        divert(w, "--rename --add /opt/f");
    });
    for (name, link) in [
        ("source", "f.dpkg-divert.tmp"),
        ("target", "f.distrib.dpkg-divert.tmp"),
    ] {
        c.add(&format!("divert/rename-planted-link-at-{name}"), move |w| {
            with_file(w);
            w.write("/opt/victim", "precious\n");
            w.prepare(&format!("ln -s victim $R/opt/{link}"));
            w.deviates(
                "dpkg-divert where PATH.dpkg-divert.tmp is a symbolic link",
                0,
                2,
                "dpkg-divert --root=$R --rename --add /opt/f",
            );
            let ours = w.read("/opt/victim") == "precious\n";
            let expected = w.who == crate::sandbox::Who::Ours;
            w.expect(ours == expected, "only ours leaves the victim alone");
        });
    }
    c.add("divert/rename-order-of-output", |w| {
        with_file(w);
        w.write("/opt/f.distrib", "other\n");
        divert(w, "--rename --add /opt/f 2>&1");
        divert(w, "--add /opt/x 2>&1");
    });
}

fn owner(version: &str) -> Deb {
    deb("pk", version)
        .file("/opt/f", "of pk\n")
        .file("/opt/g", "g\n")
}

fn packages(c: &mut Cases) {
    c.add("divert/owned-by-the-diverting-package", |w| {
        w.install(&[owner("1")]);
        divert(w, "--package pk --rename --add /opt/f");
        divert(w, "--quiet --package pk --rename --add /opt/g");
        divert(w, "--package pk --rename --remove /opt/f");
        divert(w, "--package pk --no-rename --remove /opt/g");
        divert(w, "--package other --rename --add /opt/f");
        divert(w, "--package other --rename --remove /opt/f");
    });
    c.add("divert/essential", |w| {
        w.install(&[owner("1").field("Essential", "yes")]);
        divert(w, "--rename --add /opt/f");
        divert(w, "--no-rename --add /opt/g");
        divert(w, "--rename --add /opt/none");
        divert(w, "--quiet --rename --remove /opt/f");
        divert(w, "--quiet --test --rename --add /opt/f");
        divert(w, "--package pk --rename --add /opt/f");
    });
    c.add("divert/essential-without-file-list", |w| {
        w.install(&[owner("1").field("Essential", "yes")]);
        w.prepare("rm $R/var/lib/dpkg/info/pk.list");
        divert(w, "--rename --add /opt/f");
        divert(w, "--package pk --rename --add /opt/g");
    });
    c.add("divert/file-list-broken", |w| {
        w.install(&[owner("1").field("Essential", "yes")]);
        w.write("/var/lib/dpkg/info/pk.list", "/opt\n/opt/f");
        divert(w, "--rename --add /opt/f");
        divert(w, "--no-rename --add /opt/f");
    });
    c.add("divert/environment-of-a-script", |w| {
        with_file(w);
        w.env("DPKG_MAINTSCRIPT_PACKAGE", "pk");
        divert(w, "--no-rename /opt/f");
        divert(w, "--no-rename --local --remove /opt/f");
        divert(w, "--no-rename --package other --remove /opt/f");
        divert(w, "--no-rename --remove /opt/f");
        divert(w, "--no-rename --local /opt/f");
        divert(w, "--no-rename --remove /opt/f");
        w.env("DPKG_MAINTSCRIPT_PACKAGE", "");
        divert(w, "--no-rename /opt/g");
    });
    c.add("divert/shared-by-architectures", |w| {
        w.ok("$D --add-architecture i386");
        let lib = |arch: &str| {
            deb("lib", "1")
                .arch(arch)
                .field("Multi-Arch", "same")
                .file("/opt/f", "same\n")
        };
        w.install(&[lib("amd64"), lib("i386")]);
        divert(w, "--package lib --no-rename /opt/f");
        for arch in ["amd64", "i386", "armhf", "", "!bad"] {
            w.env("DPKG_MAINTSCRIPT_ARCH", arch);
            divert(w, "--package lib --no-rename --test --remove /opt/f");
            divert(w, "--no-rename --test --remove /opt/f");
        }
        w.env("DPKG_MAINTSCRIPT_ARCH", "amd64");
        divert(w, "--quiet --package lib --no-rename --remove /opt/f");
        w.ok("$D -P lib:i386");
        divert(w, "--package lib --rename --remove /opt/f");
    });
    c.add("divert/in-maintainer-scripts", |w| {
        w.install(&[deb("base", "1").file("/opt/f", "base\n").file("/opt/g", "base\n")]);
        let diverting = |v: &str| {
            deb("over", v)
                .file("/opt/f", "over\n")
                .script(
                    "preinst",
                    "dpkg-divert --package over --rename --divert /opt/f.base --add /opt/f; dpkg-divert --no-rename /opt/g; dpkg-divert --list",
                )
                .script(
                    "postrm",
                    "dpkg-divert --package over --rename --divert /opt/f.base --remove /opt/f; dpkg-divert --no-rename --remove /opt/g",
                )
        };
        let v1 = w.deb(&diverting("1"));
        let v2 = w.deb(&diverting("2"));
        w.ok(&format!("$D -i {v1}"));
        let base = w.deb(&deb("base", "2").file("/opt/f", "base 2\n").file("/opt/g", "base 2\n"));
        w.ok(&format!("$D -i {base}"));
        w.run(&format!("$D -i {v2}; $Q -S /opt/f /opt/g"));
        w.run("$D -P over");
        w.run("$Q -S /opt/f; $D -V");
    });
}

fn enquiries(c: &mut Cases) {
    for (name, args) in [
        ("list", "--list"),
        ("list-all", "--list '*'"),
        ("list-package", "--list pk"),
        ("list-local", "--list :"),
        ("list-file", "--list /opt/a"),
        ("list-target", "--list '*.away'"),
        ("list-many", "--list nothing '/usr/*' '[o]ther*'"),
        ("list-none", "--list nothing"),
        ("list-no-pattern", "--list /opt"),
        ("list-empty", "--list ''"),
        ("list-quiet", "--quiet --list"),
        ("listpackage-local", "--listpackage /opt/a"),
        ("listpackage-package", "--listpackage /opt/b"),
        ("listpackage-target", "--listpackage /opt/b.away"),
        ("listpackage-none", "--listpackage /opt/none"),
        ("listpackage-spelled-otherwise", "--listpackage //opt/./b"),
        ("truename", "--truename /opt/a"),
        ("truename-target", "--truename /opt/a.away"),
        ("truename-none", "--truename /opt/none"),
        ("truename-spelled-otherwise", "--truename //opt/a"),
        ("truename-none-spelled-otherwise", "--truename //opt/none/"),
    ] {
        c.add(&format!("divert/{name}"), move |w| {
            with_database(w);
            divert(w, args);
        });
    }
    c.add("divert/list-into-a-full-device", |w| {
        with_database(w);
        divert(w, "--list >/dev/full");
        divert(w, "--truename /opt/a >/dev/full");
        divert(w, "--no-rename --add /opt/x >/dev/full");
        divert(w, "--help >/dev/full");
        divert(w, "--list | true");
        divert(w, "--list >&-");
    });
}

fn database(c: &mut Cases) {
    for (name, text) in [
        ("empty", ""),
        ("one-line", "/opt/a\n"),
        ("two-lines", "/opt/a\n/opt/b\n"),
        ("no-newline", "/opt/a\n/opt/b\n:"),
        ("empty-lines", "\n\n\n"),
        ("not-absolute", "opt/a\nopt/b\n:\n"),
        ("spelled-otherwise", "//opt/./a\n/./opt/b\nPK\n"),
        ("twice", "/opt/a\n/opt/b\n:\n/opt/a\n/opt/b\n:\n"),
        ("conflict", "/opt/a\n/opt/b\n:\n/opt/b\n/opt/c\n:\n"),
        ("same-target", "/opt/a\n/opt/t\n:\n/opt/b\n/opt/t\n:\n"),
        ("bad-package", "/opt/a\n/opt/b\n!!\n"),
        ("nul", "/opt/a\0x\n/opt/b\n:\n"),
    ] {
        c.add(&format!("divert/database-{name}"), move |w| {
            w.write("/var/lib/dpkg/diversions", text);
            divert(w, "--list");
            divert(w, "--no-rename --add /opt/x");
            divert(w, "--no-rename --remove /opt/a");
        });
    }
    c.add("divert/database-line-too-long", |w| {
        for length in [1016, 1017, 1018, 1019, 2000] {
            let file = format!("/opt/{}\n/opt/b\n:\n", "x".repeat(length));
            w.write("/var/lib/dpkg/diversions", &file);
            divert(w, "--listpackage /opt/b");
        }
    });
    c.add("divert/database-is-a-directory", |w| {
        w.prepare("mkdir $R/var/lib/dpkg/diversions");
        divert(w, "--list");
        divert(w, "--no-rename /opt/x");
    });
    c.add("divert/backup-is-a-directory", |w| {
        with_database(w);
        w.prepare("mkdir $R/var/lib/dpkg/diversions-old");
        divert(w, "--no-rename /opt/x");
        w.prepare("cd $R/var/lib/dpkg; rm -rf diversions-old diversions-new; mkdir diversions-new");
        divert(w, "--no-rename /opt/x");
    });
    c.add("divert/database-is-a-symlink", |w| {
        w.write("/opt/database", RECORD);
        w.prepare("ln -s ../../../opt/database $R/var/lib/dpkg/diversions");
        divert(w, "--list");
        divert(w, "--no-rename /opt/x");
    });
    c.add("divert/order-of-many", |w| {
        let mut text = String::new();
        for n in 0..300 {
            let owner = if n % 3 == 0 { ":" } else { "pk" };
            text.push_str(&format!(
                "/opt/{n}/file\n/srv/{}/file.away\n{owner}\n",
                n * 7
            ));
        }
        w.write("/var/lib/dpkg/diversions", &text);
        divert(w, "--list");
        divert(w, "--no-rename --add /usr/bin/new");
        divert(w, "--no-rename --remove /opt/7/file");
    });
    c.add("divert/status-is-wrong", |w| {
        w.write("/var/lib/dpkg/status", "Package: pk\nnonsense\n");
        divert(w, "--list");
        divert(w, "--no-rename /opt/x");
        w.prepare("rm $R/var/lib/dpkg/status");
        divert(w, "--list");
        divert(w, "--no-rename /opt/x");
    });
    c.add("divert/locked", |w| {
        // It takes no lock.
        with_database(w);
        w.run("exec 8>$R/var/lib/dpkg/lock; perl -e 'open F,\">&=8\"; $l=pack(\"ssx4qqlx4\",1,0,0,0,0); fcntl(F,6,$l) or die; system @ARGV' dpkg-divert --root=$R --no-rename /opt/x");
    });
}

fn directories(c: &mut Cases) {
    for (name, options) in [
        ("root", "--root=/t/w/a"),
        ("instdir", "--instdir=/t/w/a"),
        ("admindir", "--admindir=/t/w/b/db"),
        ("instdir-admindir", "--instdir=/t/w/a --admindir=/t/w/b/db"),
        ("admindir-instdir", "--admindir=/t/w/b/db --instdir=/t/w/a"),
        ("root-admindir", "--root=/t/w/a --admindir=/t/w/b/db"),
        ("admindir-root", "--admindir=/t/w/b/db --root=/t/w/a"),
        ("instdir-root", "--instdir=/t/w/b --root=/t/w/a"),
        ("root-instdir", "--root=/t/w/a --instdir=/t/w/b"),
        ("separate-values", "--root /t/w/a --instdir /t/w/b"),
        (
            "odd-spelling",
            "--root=/t/w/../w//a/. --admindir=../w/b/./db/",
        ),
        ("missing", "--root=/nowhere --admindir=none/at/all"),
    ] {
        c.add(&format!("divert/directories-{name}"), move |w| {
            w.prepare("for d in a b; do mkdir -p /t/w/$d/var/lib/dpkg/info /t/w/$d/opt; echo $d >/t/w/$d/opt/f; touch /t/w/$d/var/lib/dpkg/status; done; cp -r /t/w/b/var/lib/dpkg /t/w/b/db");
            w.run(&format!("DPKG_DEBUG=1 dpkg-divert {options} --version"));
            w.run(&format!("dpkg-divert {options} --rename --add /opt/f"));
            w.env("DPKG_ROOT", "/t/w/b");
            w.run(&format!("DPKG_DEBUG=1 dpkg-divert {options} --version"));
            w.run(&format!("dpkg-divert {options} --list"));
            w.env("DPKG_ADMINDIR", "/t/w/b/db");
            w.run(&format!("DPKG_DEBUG=1 dpkg-divert {options} --version"));
        });
    }
    c.add("divert/debug", |w| {
        with_database(w);
        w.env("DPKG_DEBUG", "77777");
        divert(w, "--list");
        divert(w, "--no-rename /opt/x");
        w.env("DPKG_DEBUG", "nonsense");
        divert(w, "--listpackage /opt/a");
        w.env("DPKG_DEBUG", "0");
        w.env("DPKG_COLORS", "always");
        divert(w, "/opt/x");
        divert(w, "--bogus");
    });
    c.add("divert/user", |w| {
        with_file(w);
        with_database(w);
        w.user(Some(USER));
        w.run("dpkg-divert --root=/t/root --list");
        w.run("dpkg-divert --root=/t/root --no-rename --add /opt/f");
        w.run("dpkg-divert --root=/t/root --rename --add /opt/f");
        w.run("mkdir $R/opt; echo mine >$R/opt/f; dpkg-divert --root=$R --rename --add /opt/f");
        w.run("dpkg-divert --root=$R --rename --remove /opt/f");
        w.run("chmod 0 $R/var/lib/dpkg/diversions; dpkg-divert --root=$R --list");
        w.run("chmod 0 $R/opt; chmod 644 $R/var/lib/dpkg/diversions; dpkg-divert --root=$R --rename --add /opt/f; chmod 755 $R/opt");
    });
    c.add("divert/user-across-devices", |w| {
        w.prepare("mount -t tmpfs -o mode=777 none $R/mnt; echo root >$R/mnt/f; mkdir -p /t/user/db/info; touch /t/user/db/status; chmod -R 777 /t/user/db; mount -t tmpfs -o mode=777 none $R/srv");
        w.user(Some(USER));
        w.run("dpkg-divert --root=/t/root --admindir=/t/user/db --rename --divert /srv/f --add /mnt/f; ls -l /t/root/srv /t/root/mnt | sed 's/ [A-Z][a-z][a-z] .*:../ /'");
    });
}
