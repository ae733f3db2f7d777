//! update-alternatives called wrongly, or on admin files that are corrupt.

use super::Cases;
use super::alternatives::{begin, install};

pub(super) fn add(c: &mut Cases) {
    c.add("alternatives/usage", |w| {
        for args in [
            "",
            "--help",
            "--version",
            "--help --nonsense",
            "--quiet --version x",
            "--nonsense --help",
            "--altdir /x --admindir /y --help",
            "--root /r --help",
            "x",
            "''",
            "-?",
            "-",
            "--",
            "--quiet",
            "--root=/x --get-selections",
            "--Query x",
            "--que x",
            "--query x y",
            "--query x --list y",
            "--all --all",
            "--install --install",
            "--set x /y --install",
            "--install /l n /p 1 --query x",
            "--query",
            "--list",
            "--display",
            "--auto",
            "--config",
            "--remove-all",
            "--remove",
            "--remove x",
            "--set",
            "--set x",
            "--set x y",
            "--set x/y /z",
            "--set 'x y' /z",
            "--remove x y",
            "--query x/y",
            "--query 'x y'",
            "--query \"x\ty\"",
            "--query --list",
            "--query ''",
            "--query .",
            "--query ..",
            "--auto ..",
            "--config /",
            "--install",
            "--install /l",
            "--install /l n",
            "--install /l n /p",
            "--install /l n /p x",
            "--install /l n /p ''",
            "--install /l n /p 1x",
            "--install /l n /p '1 '",
            "--install /l n /p 2147483648",
            "--install /l n /p -2147483649",
            "--install /l n /p 99999999999999999999",
            "--install /l n /p 99999999999999999999x",
            "--install /l n /l 1",
            "--install /l n /l x",
            "--slave",
            "--slave /a b /c",
            "--query x --slave /a b /c",
            "--install /l n /p 1 --slave",
            "--install /l n /p 1 --slave /a b",
            "--install /l n /p 1 --slave /a b /a",
            "--install /l n /p 1 --slave /a n /c",
            "--install /l n /p 1 --slave /l b /c",
            "--install /l n /p 1 --slave /a b /c --slave /d b /e",
            "--install /l n /p 1 --slave /a b /c --slave /a d /e",
            "--install /l n /p 1 --slave /a b /c --slave /d e /c",
            "--slave /a b /c --install /l n /p 1",
            "--log",
            "--altdir",
            "--admindir",
            "--instdir",
            "--root",
            "--get-selections --root",
        ] {
            w.run(&format!("update-alternatives {args}"));
        }
        w.run("update-alternatives --quiet --query none; update-alternatives --quiet nonsense");
        w.run("DPKG_DEBUG=x DPKG_COLORS=always update-alternatives --query none");
        w.run("DPKG_COLORS=always update-alternatives --list");
        w.run("update-alternatives --help >/dev/full; update-alternatives --get-selections >/dev/full; update-alternatives --version | :");
    });
    c.add("alternatives/priorities", |w| {
        begin(w);
        for p in ["2147483647", "-2147483648", " 7", "+8", "007", "-0"] {
            w.ok(&format!(
                "$A --install /usr/bin/thing thing /opt/one '{p}'; $A --query thing"
            ));
        }
        w.stdin("\n").ok("$A --config thing");
    });
    c.add("alternatives/corrupt", |w| {
        begin(w);
        w.ok(&format!("$A {}; $A --install /usr/bin/other other /opt/two 5", install("one", 10)));
        for text in [
            "",
            "\n",
            "garbage\n",
            "auto",
            "auto\n",
            "auto\n/usr/bin/thing",
            "auto\n/usr/bin/thing\n",
            "auto\n/usr/bin/thing\n\n",
            "auto\n/usr/bin/thing\n\n\n",
            "AUTO\n/usr/bin/thing\n\n\n",
            "auto\n/usr/bin/thing\ns\n",
            "auto\n/usr/bin/thing\ns\n/usr/man/s\n",
            "auto\n/usr/bin/thing\ns\n/usr/man/s\ns\n/usr/man/t\n\n\n",
            "auto\n/usr/bin/thing\ns\n/usr/man/s\nt\n/usr/man/s\n\n\n",
            "auto\n/usr/bin/thing\ns\n/usr/bin/thing\n\n\n",
            "auto\n/usr/bin/thing\n\n/opt/one\n",
            "auto\n/usr/bin/thing\n\n/opt/one\n10\n",
            "auto\n/usr/bin/thing\n\n/opt/one\nten\n\n",
            "auto\n/usr/bin/thing\n\n/opt/one\n10 \n\n",
            "auto\n/usr/bin/thing\n\n/opt/one\n99999999999\n\n",
            "auto\n/usr/bin/thing\n\n/opt/one\n10\n/opt/one\n20\n\n",
            "auto\n/usr/bin/thing\n\n/opt/gone\nten\n/opt/one\n20\n\n",
            "auto\n/usr/bin/thing\n\n/opt/gone\n1\n/opt/gone\n2\n/opt/one\n20\n\n",
            "auto\n/usr/bin/thing\n\n/opt/gone\n",
            "auto\n/usr/bin/thing\n\n/opt/one/below\n5\n\n",
            "auto\n/usr/bin/thing\n\nopt/one\n5\n\n",
            "manual\n/usr/bin/thing\n\n/opt/two\n5\n/opt/one\n5\n\ntrailing\n",
            "auto\n/usr/bin/thing\nb\n/usr/man/b\na\n/usr/man/a\n\n/opt/two\n5\n/opt/two.so\n/opt/two.man\n/opt/one\n5\n\n\n\n",
            "auto\n\n\n/opt/one\n5\n\n",
            "auto\nrelative\n\n/opt/one\n5\n\n",
            "au\0to\n/usr/bin/thing\n\n\n",
            "auto\n/usr/bin/thing\n\n/opt/one\n1\x001\n\n",
        ] {
            if text.is_empty() {
                // With a stray link, stock is led by memory that it has freed.
                w.prepare("rm $R/etc/alternatives/thing*");
            }
            w.write("/var/lib/dpkg/alternatives/thing", text);
            w.run("$A --query thing; $A --display thing; $A --list thing; $A --get-selections");
            w.run(&format!("$A {}", install("two", 20)));
            if text.is_empty() {
                w.prepare("rm $R/etc/alternatives/thing*");
            }
            w.write("/var/lib/dpkg/alternatives/thing", text);
            w.run("$A --auto thing");
            w.write("/var/lib/dpkg/alternatives/thing", text);
            w.run("$A --set thing /opt/one");
            w.write("/var/lib/dpkg/alternatives/thing", text);
            w.run("$A --verbose --remove thing /opt/one");
            w.write("/var/lib/dpkg/alternatives/thing", text);
            w.run("$A --remove-all thing");
            w.write("/var/lib/dpkg/alternatives/thing", text);
            w.run("$A --install /usr/bin/other other /opt/one 9");
            w.stdin("thing auto x\nother manual /opt/two\n").run("$A --set-selections");
            w.run(&format!("rm -f $R/var/lib/dpkg/alternatives/thing $R/etc/alternatives/thing*; $A {}", install("one", 10)));
        }
    });
    c.add("alternatives/odd-admin-directory", |w| {
        begin(w);
        w.run("$A --install /usr/bin/thing thing /opt/one 1");
        w.run("mkdir $R/var/lib/dpkg/alternatives/dir; echo auto >$R/var/lib/dpkg/alternatives/x.dpkg-tmp; touch $R/var/lib/dpkg/alternatives/.dpkg-tmp $R/var/lib/dpkg/alternatives/.hidden; ln -s nowhere $R/var/lib/dpkg/alternatives/dangling; ln -s loop $R/var/lib/dpkg/alternatives/looping");
        w.run("$A --get-selections; $A --query dir; $A --query dangling; $A --query x.dpkg-tmp; $A --query .hidden");
        w.run("$A --install /usr/bin/x dangling /opt/one 1; $A --install /usr/bin/y dir /opt/one 1");
        w.run("ln -s loop $R/var/lib/dpkg/alternatives/loop; $A --get-selections; $A --query loop; $A --install /usr/bin/z z /opt/one 1");
        w.run("rm $R/var/lib/dpkg/alternatives/loop; cp $R/var/lib/dpkg/alternatives/thing $R/var/lib/dpkg/alternatives/twin; $A --get-selections");
        w.run("$A --install /usr/bin/thing thing /opt/two 2");
        w.run("$A --install /usr/bin/thing twin /opt/two 2; $A --install /usr/bin/thing2 twin /opt/two 2");
        w.run("mkdir $R/var/lib/dpkg/alternatives/thing.dpkg-tmp; $A --set thing /opt/one");
    });
    c.add("alternatives/full-disk", |w| {
        begin(w);
        w.prepare("mkdir $R/var/lib/dpkg/alternatives");
        // A limit of nothing, as nothing else lets both open the file and not write it.
        let full = "trap '' 25; ulimit -f 0";
        w.run(&format!("{full}; $A {}", install("one", 10)));
        // So that what is written is a block, or one byte more.
        for last in [203, 204] {
            let length = |i| if i == 29 { last } else { 200 };
            let paths = (10..30).map(|i| format!("/opt/{i:x<0$}", length(i) - 5));
            let choices: String = paths.map(|path| format!("{path}\n1\n")).collect();
            w.write("/var/lib/dpkg/alternatives/thing", &format!("auto\n/usr/bin/thing\n\n{choices}\n"));
            w.prepare("cd $R; for f in $(grep /opt $R/var/lib/dpkg/alternatives/thing); do touch .$f; done; rm -f etc/alternatives/thing");
            w.run(&format!("{full}; $A --install /usr/bin/thing thing /opt/one 3"));
        }
    });
}
