//! update-alternatives where links, files and groups are not as it left them.

use super::Cases;
use super::alternatives::{begin, install};
use crate::world::World;

/// A group of two choices, the second of which is best.
fn two(w: &mut World) {
    begin(w);
    w.ok(&format!(
        "$A {}; $A {}",
        install("one", 10),
        install("two", 20)
    ));
}

pub(super) fn add(c: &mut Cases) {
    c.add("alternatives/lost-links", |w| {
        two(w);
        for lost in [
            "usr/bin/thing",
            "usr/man/thing",
            "etc/alternatives/thing",
            "etc/alternatives/thing.man",
            "usr/bin/thing $R/etc/alternatives/thing",
        ] {
            for command in [
                "--auto thing".to_owned(),
                "--set thing /opt/two".to_owned(),
                "--remove thing /opt/none".to_owned(),
                install("one", 10),
                install("two", 20),
                "--query thing".to_owned(),
            ] {
                w.run(&format!("rm -f $R/{lost}; $A {command}"));
            }
            w.stdin("\n")
                .run(&format!("rm -f $R/{lost}; $A --config thing"));
            w.run("$A --auto thing");
        }
    });
    c.add("alternatives/changed-links", |w| {
        two(w);
        for (target, link) in [
            ("/opt/one", "etc/alternatives/thing"),
            ("/opt/three", "etc/alternatives/thing"),
            ("/opt/nowhere", "etc/alternatives/thing"),
            ("relative", "etc/alternatives/thing"),
            ("/opt/one.man", "etc/alternatives/thing.man"),
            ("/opt/two", "usr/bin/thing"),
            ("/nowhere", "usr/man/thing"),
        ] {
            for command in [
                "--query thing",
                "--display thing",
                "--remove thing /opt/none",
                "--auto thing",
                "--set thing /opt/two",
            ] {
                w.run(&format!("ln -sfn {target} $R/{link}; $A {command}"));
            }
            w.stdin("\n").run(&format!("ln -sfn {target} $R/{link}; $A --config thing"));
            w.stdin("").run(&format!("ln -sfn {target} $R/{link}; $A --config thing"));
            w.stdin("thing auto x\nthing manual /opt/one\n").run(&format!("ln -sfn {target} $R/{link}; $A --set-selections"));
            w.run(&format!("ln -sfn {target} $R/{link}; $A {}", install("one", 10)));
            w.run(&format!("ln -sfn {target} $R/{link}; $A --remove thing /opt/one; $A {}; $A --auto thing", install("one", 10)));
        }
        w.run("ln -sfn /opt/three $R/etc/alternatives/thing; rm $R/usr/bin/thing; $A --remove thing /opt/one");
    });
    c.add("alternatives/lost-files", |w| {
        two(w);
        w.run("rm $R/opt/two.man; $A --auto thing; $A --query thing");
        w.run(&format!("$A {}", install("two", 21)));
        w.run("rm $R/opt/two; $A --query thing; $A --list thing; $A --get-selections");
        w.run("$A --auto thing");
        w.run("rm $R/opt/one; $A --query thing; $A --display thing; $A --list thing; $A --get-selections");
        w.stdin("thing auto x\n").run("$A --set-selections; $A --all </dev/null");
        w.run("$A --remove thing /opt/one");
        two(w);
        w.run("rm $R/opt/one $R/opt/two; $A --auto thing");
        two(w);
        w.run("rm $R/opt/one $R/opt/two; $A --set thing /opt/one; $A --remove-all thing");
    });
    c.add("alternatives/real-files", |w| {
        begin(w);
        for what in ["usr/bin/thing", "usr/man/thing", "etc/alternatives/thing", "etc/alternatives/thing.man"] {
            w.run(&format!("echo real >$R/{what}; $A {}", install("one", 10)));
            w.run(&format!("$A {}", install("two", 20)));
            w.run("$A --install /usr/bin/thing thing /opt/three 30");
            w.run("$A --query thing; $A --remove thing /opt/three");
            w.run("$A --force --auto thing; $A --remove-all thing");
            w.run(&format!("rm -f $R/{what}; mkdir $R/{what}; $A {}", install("one", 10)));
            w.run("$A --force --set thing /opt/one");
            w.run("$A --force --remove-all thing");
            w.run(&format!("rm -rf $R/{what} $R/var/lib/dpkg/alternatives/* $R/etc/alternatives/thing* $R/usr/*/thing"));
        }
        w.run(&format!("$A {}; echo real >$R/usr/bin/x; rm $R/usr/man/thing; echo real >$R/usr/man/thing", install("one", 1)));
        w.run("$A --install /usr/bin/x thing /opt/one 1; $A --remove thing /opt/one");
        w.run(&format!("echo real >$R/usr/bin/thing; $A --force {}; $A --remove-all thing", install("one", 1)));
    });
    c.add("alternatives/renames", |w| {
        two(w);
        w.ok("$A --install /usr/bin/new thing /opt/one 10 --slave /usr/man/new thing.man /opt/one.man");
        w.ok("$A --install /usr/bin/newer thing /opt/two 20 --slave /usr/man/newer thing.man /opt/two.man --slave /usr/doc/newer thing.doc /opt/none");
        w.run("$A --install /usr/bin/newer thing /opt/two 20 --slave /usr/man/swap thing.doc /opt/two.so --slave /usr/doc/newer thing.man /opt/two.man");
        w.run("$A --install /usr/bin/newer thing /opt/two 20 --slave /usr/doc/newer thing.doc /opt/two.so --slave /usr/man/swap thing.man /opt/two.man");
        w.run("$A --query thing; rm $R/usr/bin/newer $R/usr/doc/newer; echo real >$R/usr/bin/newer");
        w.run("$A --install /usr/bin/last thing /opt/two 20 --slave /usr/doc/last thing.doc /opt/two.so");
        w.run("$A --install /no/such/dir thing /opt/two 20 --slave /usr/doc/last thing.doc /opt/two.so");
        w.run("$A --install /usr/bin/last thing /opt/two 20 --slave /no/such/dir thing.doc /opt/two.so");
        w.run("$A --install /usr/bin/last thing /opt/one 20 --slave /usr/doc/again thing.doc /opt/none");
        w.run("mkdir $R/usr/bin/d; $A --install /usr/bin/d thing /opt/two 20");
        w.run("$A --query thing; $A --remove-all thing");
    });
    c.add("alternatives/cannot-be-placed", |w| {
        begin(w);
        for args in [
            "--install /no/such/link thing /opt/one 1",
            "--install /usr/bin/thing thing /opt/one 1 --slave /no/such/link slave /opt/two",
            "--install /usr/bin/thing thing /opt/one 1 --slave /no/such/link slave /opt/none",
            "--install /opt/one/link thing /opt/one 1",
            "--install /usr/bin/thing thing /opt/one 1 --slave /opt/one/link slave /opt/two",
            "--install /usr/bin thing /opt/one 1",
            "--install / thing /opt/one 1",
            "--install /usr/bin/thing '' /opt/one 1",
            "--install /usr/bin/thing . /opt/one 1",
            "--install /usr/bin/thing thing /opt/one/x 1",
            "--install /usr/bin/thing thing /opt 1",
            "--install /etc/alternatives/thing thing /opt/one 1",
        ] {
            w.run(&format!("$A {args}"));
            w.run("$A --get-selections; $A --query thing");
            w.run("rm -rf $R/var/lib/dpkg/alternatives $R/etc/alternatives/thing* $R/etc/alternatives/slave* $R/usr/bin/thing* $R/usr/bin/thing.dpkg-tmp");
        }
        w.run("mv $R/etc/alternatives $R/etc/alt; $A --install /usr/bin/thing thing /opt/one 1; rm -r $R/etc/alternatives");
        w.run("echo x >$R/etc/alternatives; $A --install /usr/bin/thing thing /opt/one 1; $A --query thing");
        w.run("rm $R/etc/alternatives; ln -s /nowhere $R/etc/alternatives; $A --install /usr/bin/thing thing /opt/one 1");
        w.run("rm $R/etc/alternatives; mv $R/etc/alt $R/etc/alternatives; echo x >$R/var/lib/dpkg/alternatives; $A --install /usr/bin/thing thing /opt/one 1; $A --get-selections; $A --query thing");
        w.run("PATH=/t/bin $A --log /dev/null --install /usr/bin thing /opt/one 1");
    });
    c.add("alternatives/links-between-groups", |w| {
        two(w);
        for args in [
            "--install /usr/bin/x thing.man /opt/one 1",
            "--install /usr/bin/thing other /opt/one 1",
            "--install /usr/man/thing other /opt/one 1",
            "--install /usr/bin/x x /opt/one 1 --slave /usr/bin/y thing /opt/two",
            "--install /usr/bin/x x /opt/one 1 --slave /usr/bin/y thing.man /opt/two",
            "--install /usr/bin/x x /opt/one 1 --slave /usr/bin/thing y /opt/two",
            "--install /usr/bin/x x /opt/one 1 --slave /usr/doc/thing y /opt/two",
            "--install /usr/bin/thing thing /opt/one 1 --slave /usr/doc/thing thing.man /opt/two",
            "--install /usr/bin/thing thing /opt/one 1 --slave /usr/doc/thing new /opt/two",
            "--install /usr/bin/x x /opt/none 1 --slave /usr/doc/thing y /opt/two",
            "--install usr/bin/x x /opt/one 1",
            "--install /usr/bin/x x opt/one 1",
            "--install /usr/bin/x 'x y' /opt/one 1",
            "--install /usr/bin/x x/y /opt/one 1",
            "--install /usr/bin/x x /opt/one 1 --slave usr/x y /opt/two",
            "--install /usr/bin/x x /opt/one 1 --slave /usr/x y opt/two",
            "--install /usr/bin/x x /opt/one 1 --slave /usr/x 'y\tz' /opt/two",
            "--install /usr/bin/x x /opt/one 1 --slave /usr/x y ''",
        ] {
            w.exit(2, &format!("$A {args}"));
        }
        w.ok("$A --install /usr/bin/thing thing /opt/one 1 --slave /usr/man/thing thing.man /opt/two");
    });
    c.add("alternatives/odd-bytes", |w| {
        begin(w);
        w.write("/opt/with blanks", "");
        w.prepare("touch \"$R/opt/$(printf '\\351')\"; touch $R/opt/é");
        // A log that is no UTF-8 would be compared with its times.
        w.env("A", "update-alternatives --root /t/root --log /t/log");
        w.run("$A --install /usr/bin/thing thing '/opt/with blanks' 5 --slave '/usr/man/a b' s /opt/é");
        w.run("$A --install /usr/bin/thing thing \"/opt/$(printf '\\351')\" 6 --slave /usr/man/é ö /opt/one");
        w.run("$A --install /usr/bin/é é /opt/é 6; $A --install /usr/bin/B B /opt/one 6; $A --install /usr/bin/a a /opt/one 6");
        w.run("$A --query thing; $A --display thing; $A --get-selections");
        w.run("LC_ALL=C $A --get-selections; LC_ALL=en_US.UTF-8 $A --get-selections");
        w.run("$A --get-selections >/t/w/saved; $A --set thing '/opt/with blanks'; $A --set-selections </t/w/saved");
        w.stdin("/opt/with blanks\n").run("$A --config thing");
    });
    c.add("alternatives/newlines", |w| {
        begin(w);
        w.write("/opt/new\nline", "");
        w.run("$A --install /usr/bin/thing thing \"$(printf '/opt/new\\nline')\" 1");
        w.run("$A --install /usr/bin/thing thing /opt/one 1 --slave /usr/man/thing m \"$(printf '/opt/new\\nline')\"");
        w.run("$A --get-selections");
    });
    c.add("alternatives/times-of-links", |w| {
        two(w);
        w.run("find $R/etc/alternatives/thing* $R/usr/bin/thing $R/usr/man/thing -printf '%p %T@\\n'");
        w.run("$A --auto thing; rm $R/usr/bin/thing; touch -d @5 $R/opt/two; $A --auto thing");
        w.run("find $R/etc/alternatives/thing* $R/usr/bin/thing $R/usr/man/thing -printf '%p %T@\\n' | sed 's/[0-9]\\{10\\}.*/now/'");
    });
}
