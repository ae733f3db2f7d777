//! update-alternatives: every command on groups that are in order, its options and directories.

use super::Cases;
use crate::world::{USER, World};

/// Makes the files that choices are, and `$A`.
pub(super) fn begin(w: &mut World) {
    w.env("A", "update-alternatives --root /t/root");
    for file in ["one", "two", "three", "four"] {
        for end in ["", ".man", ".so"] {
            w.write(&format!("/opt/{file}{end}"), "");
        }
    }
    w.prepare("rm -f $R/var/log/alternatives.log; mkdir -p $R/usr/man $R/usr/doc");
}

/// Arguments that install a choice with two slaves.
pub(super) fn install(file: &str, priority: i32) -> String {
    format!(
        "--install /usr/bin/thing thing /opt/{file} {priority} \
         --slave /usr/man/thing thing.man /opt/{file}.man \
         --slave /usr/doc/thing thing.doc /opt/{file}.so"
    )
}

const SHOW: &str = "$A --display thing; $A --query thing; $A --list thing; $A --get-selections";

pub(super) fn add(c: &mut Cases) {
    c.add("alternatives/auto", |w| {
        begin(w);
        for (file, priority) in [("two", 20), ("one", 10), ("three", 30), ("four", 30)] {
            w.ok(&format!("$A {}", install(file, priority)));
            w.ok(SHOW);
        }
        w.ok(&format!("$A {}", install("four", 31)));
        w.ok(&format!("$A {}", install("four", 5)));
        w.ok(&format!("$A {}", install("three", 30)));
        for file in ["three", "two", "nothing", "one", "four", "four"] {
            w.ok(&format!("$A --remove thing /opt/{file}"));
            w.run(SHOW);
        }
    });
    c.add("alternatives/manual", |w| {
        begin(w);
        for (file, priority) in [("two", 20), ("one", 10), ("three", 30)] {
            w.ok(&format!("$A {}", install(file, priority)));
        }
        w.ok("$A --set thing /opt/one");
        w.ok(SHOW);
        w.ok("$A --set thing /opt/one");
        w.ok(&format!("$A --verbose {}", install("four", 90)));
        w.ok("$A --set thing /opt/four; $A --remove thing /opt/two");
        w.exit(2, "$A --set thing /opt/two");
        w.ok("$A --auto thing");
        w.ok("$A --auto thing");
        w.ok("$A --set thing /opt/one; $A --remove thing /opt/one");
        w.ok(SHOW);
        w.ok("$A --remove-all thing");
        w.exit(2, "$A --remove-all thing");
    });
    c.add("alternatives/slaves-of-some", |w| {
        begin(w);
        w.ok("$A --install /usr/bin/thing thing /opt/one 10");
        w.ok("$A --install /usr/bin/thing thing /opt/two 20 --slave /usr/man/thing thing.man /opt/two.man");
        w.ok("$A --install /usr/bin/thing thing /opt/three 15 --slave /usr/doc/thing thing.doc /opt/three.so --slave /usr/man/a a.man /opt/none");
        w.ok(SHOW);
        w.ok("$A --set thing /opt/three");
        w.ok("$A --set thing /opt/one");
        w.ok("$A --auto thing");
        w.ok("$A --install /usr/bin/thing thing /opt/two 20");
        w.ok("$A --verbose --install /usr/bin/thing thing /opt/three 15");
        w.ok(SHOW);
        w.ok("$A --install /usr/bin/thing thing /opt/two 20 --slave /usr/man/thing thing.man /opt/two.man --slave /usr/doc/n new /opt/two.so");
        w.ok("$A --install /usr/bin/thing thing /opt/one 20 --slave /usr/doc/m newer /opt/two.so");
        w.ok("$A --remove-all thing");
    });
    c.add("alternatives/config", |w| {
        begin(w);
        w.exit(2, "$A --config thing");
        w.ok("$A --install /usr/bin/thing thing /opt/one 10");
        w.stdin("\n").ok("$A --config thing");
        for (file, priority) in [("two", -20), ("three", 300)] {
            w.ok(&format!("$A {}", install(file, priority)));
        }
        w.ok("ln -s one $R/opt/a-path-that-is-longer-than-fifteen; $A --install /usr/bin/thing thing /opt/a-path-that-is-longer-than-fifteen 0");
        for answers in [
            "\n", "1\n", "\n", "0\n", "2\n", "9\n4\n", "/opt/one\n", "/opt/none\n3\n", " 3\n", "3 \n0\n", "-1\n", "-1\n\n",
            "4294967297\n", "99999999999999999999\n2\n", "+2\n", "0x1\n1\n", "", "1", "11", "nonsense", "\0\n1\n", "x\0\n1\n", "02\n",
        ] {
            w.stdin(answers).ok("$A --config thing");
        }
        w.stdin(&format!("{}1\n", "x".repeat(255))).run("$A --config thing");
        w.stdin(&format!("{}1\n", "x".repeat(254))).run("$A --config thing");
        w.stdin("1\n").run("$A --skip-auto --config thing");
        w.run("$A --auto thing");
        w.stdin("1\n").run("$A --skip-auto --config thing");
        w.stdin("1\n").run("$A --quiet --config thing");
        w.run("rm $R/opt/[ota]*");
        w.stdin("1\n").run("$A --config thing");
    });
    c.add("alternatives/all", |w| {
        begin(w);
        w.stdin("1\n").ok("$A --all");
        for name in ["b", "a", "c"] {
            for (file, priority) in [("one", 1), ("two", 2)] {
                w.ok(&format!(
                    "$A --install /usr/bin/{name} {name} /opt/{file} {priority}"
                ));
            }
        }
        w.stdin("1\n\n0\n").ok("$A --all");
        w.stdin("1\n").ok("$A --all");
        w.stdin("2\n2\n2\n2\n").ok("$A --skip-auto --all");
        w.run("rm $R/usr/bin/b $R/etc/alternatives/c; ln -sf /opt/three $R/etc/alternatives/a");
        w.ok("yes '' | $A --force --all");
        w.ok("$A --get-selections");
        w.run("rm $R/opt/*");
        w.stdin("1\n1\n1\n").ok("$A --all");
    });
    c.add("alternatives/selections", |w| {
        begin(w);
        w.ok("$A --get-selections; $A --set-selections </dev/null");
        for name in ["b", "a-name-that-is-much-longer-than-thirty-bytes", "c"] {
            for (file, priority) in [("one", 1), ("two", 2)] {
                w.ok(&format!("$A --install /usr/bin/{name} {name} /opt/{file} {priority} --slave /usr/man/{name} {name}.1 /opt/{file}.man"));
            }
        }
        w.ok("$A --get-selections");
        for lines in [
            "b manual /opt/one\nc auto /opt/one\n",
            "b   auto\t\t/nowhere\nnone auto /x\n",
            "b manual /opt/three\nc wrong /opt/one\n",
            "b\n",
            "\n",
            "b auto\n",
            "b auto \n",
            " b auto /opt/one\n",
            "b manual /opt/one \n",
            "b manual /opt/one\nb auto x\nb manual /opt/one\nb manual /opt/two\n",
            "b manual /opt/one\nc manual /opt/one",
            "b manual /opt/two\nc man\0ual /opt/one\n",
        ] {
            w.stdin(lines).run("$A --set-selections");
            w.stdin(lines).run("$A --debug --set-selections");
        }
        w.stdin(&format!("b auto {}\n", "x".repeat(1015))).run("$A --set-selections");
        w.stdin(&format!("b auto {}\n", "x".repeat(1016))).run("$A --set-selections");
        w.stdin("b manual /opt/one\n").ok("$A --quiet --set-selections");
        w.ok("$A --get-selections >/t/w/saved; $A --auto b; $A --set-selections </t/w/saved");
        w.run("$A --set-selections </t/w");
        w.run("rm $R/usr/bin/b $R/etc/alternatives/c");
        w.stdin("b manual /opt/two\nc manual /opt/one\nb manual /opt/one\n").run("$A --set-selections; $A --get-selections");
    });
    c.add("alternatives/verbosity", |w| {
        begin(w);
        for level in [
            "--quiet",
            "--verbose",
            "--debug",
            "--debug --quiet",
            "--quiet --verbose",
        ] {
            w.ok(&format!("$A {level} {}", install("one", 10)));
            w.ok(&format!("$A {level} {}", install("two", 20)));
            w.run(&format!("$A {level} --set thing /opt/nothing"));
            w.run(&format!("$A {level} --set thing /opt/one"));
            w.run(&format!("rm $R/usr/man/thing; $A {level} --auto thing"));
            w.run(&format!("rm $R/usr/man/thing; $A {level} --auto thing"));
            w.run(&format!(
                "$A {level} --remove thing /opt/three; $A {level} --remove none /opt/three"
            ));
            w.run(&format!("$A {level} --remove-all thing"));
        }
    });
    c.add("alternatives/directories", |w| {
        begin(w);
        for env in ["", "DPKG_ROOT=/t/root", "DPKG_ADMINDIR=/t/w/adm", "DPKG_ROOT=/t/root DPKG_ADMINDIR=/t/w/adm", "DPKG_ROOT= DPKG_ADMINDIR="] {
            for options in [
                "",
                "--root /t/w/r",
                "--instdir /t/w/r",
                "--instdir ''",
                "--admindir /t/w/a",
                "--altdir /t/w/alt",
                "--altdir /t/root/alt",
                "--root /t/w/r --altdir /t/w/r/alt",
                "--altdir /t/w/r/alt --root /t/w/r",
                "--altdir /t/w/r/alt --instdir /t/w/r",
                "--altdir /t/root/alt --instdir /t/w",
                "--instdir /longerthanroot --altdir /t/root/alt",
                "--admindir /t/w/a --root /t/w/r",
                "--root /t/w/r --admindir /t/w/a --altdir x",
                "--root / --admindir rel/adm",
            ] {
                w.run(&format!("{env} update-alternatives {options} --debug --log /t/w/log --get-selections; {env} update-alternatives {options} --help | grep -e default -e pointing"));
            }
        }
        w.run(&format!("DPKG_ROOT=/t/root update-alternatives {}", install("one", 1)));
        w.run("DPKG_ADMINDIR=/t/root/var/lib/dpkg update-alternatives --query thing");
        w.run(&format!("$A --altdir /alt/deep --admindir /t/w/adm/deep --log /log/deep/file {}", install("two", 2)));
        w.run("cd /t/w; $A --altdir alt --admindir adm --log log --install /usr/bin/x x /opt/one 1");
        w.run("$A --log /dev/null --install /usr/bin/y y /opt/one 1; $A --log /opt/one/log --auto y");
        w.run("update-alternatives --altdir /t/w/alt --admindir /t/w/adm2 --log /t/w/log --install /t/w/link name /bin/sh 5");
    });
    c.add("alternatives/log", |w| {
        begin(w);
        w.ok(&format!("$A --log /log {}", install("one", 1)));
        w.ok("$A --log /log --set thing /opt/one; $A --log /log --auto thing");
        w.ok("$A --log /log --display thing; $A --log /log --get-selections; $A --log /log --list thing");
        w.ok("$A --log /log --remove none /opt/one");
        w.exit(2, "$A --log /log --auto none");
        w.run(&format!("$A --log /log --install /usr/bin/{0} {0} /opt/one 1", "x".repeat(1900)));
        w.run(&format!("$A --log /log --install /usr/bin/x {0} /opt/one 1 --slave /usr/man/{1} b /opt/two", "a".repeat(100), "y".repeat(240)));
        for log in ["/log/below", "log", "/new/dir/log", "/etc", ""] {
            w.run(&format!("$A --log '{log}' --auto thing"));
        }
        // Ours says that its line is lost.
        w.run("$A --log /dev/full --auto thing 2>/dev/null");
        w.run("TZ=Etc/GMT-5 $A --log /tz --auto thing; cut -d: -f2 $R/tz | wc -l");
        for args in ["--install /t/w/link n /bin/sh 1", "--set n /bin/sh", "--set n /bin/none", "--auto n", "--config n", "--remove-all n"] {
            w.stdin("1\n").run(&format!("update-alternatives --altdir /t/w/alt --admindir /t/w/adm --log /dev/stdout {args} 2>&1"));
        }
    });
    c.add("alternatives/input", |w| {
        begin(w);
        for (file, priority) in [("one", 1), ("two", 2)] {
            w.ok(&format!("$A {}", install(file, priority)));
        }
        w.prepare("printf '1\\n2\\nthing auto x\\n' >/t/w/in; printf 'thing auto %02000d\\nrest\\n' 0 >/t/w/long; (echo; seq 3000) >/t/w/more");
        w.ok("{ $A --config thing; $A --config thing; $A --set-selections; cat; } </t/w/in");
        w.ok("{ $A --set-selections; cat; } </t/w/long");
        w.ok("cat /t/w/more | { $A --config thing; wc -c; }");
        w.run("$A --config thing 0>/t/w/out");
        w.run("$A --set-selections 0>/t/w/out");
    });
    c.add("alternatives/nobody-listens", |w| {
        begin(w);
        for (file, priority) in [("one", 1), ("two", 2)] {
            w.ok(&format!("$A {}", install(file, priority)));
        }
        w.prepare("mkfifo /t/w/pipe");
        for args in [
            "--set thing /opt/one",
            "--auto thing",
            "--quiet --set thing /opt/one",
            "--remove thing /opt/one",
            "--skip-auto --config thing",
            "--install /usr/bin/new thing /opt/one 3",
            "--verbose --install /usr/bin/thing thing /opt/one 1",
            "--get-selections",
            "--query thing",
            "--remove-all thing",
        ] {
            w.run(&format!(
                "exec 3<>/t/w/pipe 4>/t/w/pipe 3<&-; $A {args} >&4; echo $?; rm -f $R/usr/man/thing"
            ));
        }
    });
    c.add("alternatives/user", |w| {
        begin(w);
        w.ok(&format!("$A {}", install("one", 1)));
        w.user(Some(USER));
        w.run("$A --query thing; $A --get-selections; $A --list thing; $A --display thing");
        w.run("$A --auto thing");
        w.run("$A --set thing /opt/one");
        w.run(&format!("$A {}", install("two", 2)));
        w.run("$A --remove thing /opt/one; $A --remove-all thing");
        w.run("mkdir -p /t/user/u; update-alternatives --altdir /t/user/u/alt --admindir /t/user/u/adm --install /t/user/u/link n /bin/sh 1");
        w.run("update-alternatives --log /t/user/u/log --altdir /t/user/u/alt --admindir /t/user/u/adm --install /t/user/u/link n /bin/dash 2");
        w.run("chmod 000 /t/user/u/adm/n; update-alternatives --altdir /t/user/u/alt --admindir /t/user/u/adm --get-selections");
        w.run("chmod 000 /t/user/u/adm; update-alternatives --altdir /t/user/u/alt --admindir /t/user/u/adm --get-selections");
    });
    c.add("alternatives/of-the-system", |w| {
        w.run("update-alternatives --get-selections; update-alternatives --display pager; update-alternatives --query awk");
        w.stdin("2\n").run("update-alternatives --config pager");
        w.run("update-alternatives --auto pager; update-alternatives --remove-all awk");
    });
}
