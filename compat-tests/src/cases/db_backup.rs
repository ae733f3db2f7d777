//! dpkg-db-backup, and the shell functions and tables that come with it.

use super::Cases;
use crate::deb::deb;
use crate::sandbox::Who;
use crate::world::World;

const TABLES: [(&str, &str); 4] = [
    ("cputable", include_str!("../../../data/cputable")),
    ("ostable", include_str!("../../../data/ostable")),
    ("tupletable", include_str!("../../../data/tupletable")),
    ("abitable", include_str!("../../../data/abitable")),
];
const FUNCTIONS: &str = include_str!("../../../data/sh/dpkg-error.sh");
const KEEPER: &str = include_str!("../../../data/libexec/dpkg-db-keeper");

/// Puts a data file of ours, or stock's, where a case can use it.
fn place(w: &mut World, ours: &str, theirs: &str, at: &str) {
    let done = match w.who {
        Who::Ours => std::fs::write(at, ours),
        Who::Theirs => std::fs::copy(theirs, at).map(|_| ()),
    };
    w.expect(done.is_ok(), &format!("{at} is there"));
}

/// What there is in /var/backups: names, owners and ages, and a sum of what is inside. Compressed
/// files tell when they were made, so that the directory is where it is not looked at as a whole.
const LIST: &str = "cd /var/backups && for f in *; do case $f in *.gz) zcat $f;; *.tar*) tar tvf $f | grep -v ' pager';; *) cat $f;; esac | sha256sum | cut -c1-12; time=$(stat -c %Y $f); [ $(($(date +%s) - time)) -gt 600 ] || time=now; stat -c \"%n %a %u:%g $time\" $f; done";

/// Puts /var/backups there.
const AWAY: &str =
    "cp -a /var/backups /t/debs/backups; rm -r /var/backups; ln -s /t/debs/backups /var/backups; ";

pub(super) fn add(c: &mut Cases) {
    backup(c);
    functions(c);
    c.add("db-backup/tables", |w| {
        for (name, ours) in TABLES {
            let at = format!("/t/debs/{name}");
            place(w, ours, &format!("/usr/share/dpkg/{name}"), &at);
            // Comments are our own; the version in the first line and the rows are not.
            w.run(&format!("grep -e '^[^#]' -e Version= {at} | tr -s '\\t'"));
        }
    });
    c.add("db-backup/keeper", |w| {
        if !std::path::Path::new("/usr/libexec/dpkg/dpkg-db-keeper").exists() {
            return;
        }
        place(w, KEEPER, "/usr/libexec/dpkg/dpkg-db-keeper", "/t/debs/keeper");
        w.run("sh /t/debs/keeper");
        w.prepare("mkdir /t/w/bin; printf '#!/bin/sh\\necho git \"$@\" in $PWD; [ $1 != init ] || mkdir .git; exit 3\\n' >/t/w/bin/git; chmod 755 /t/w/bin/git; mkdir /t/w/adm");
        w.run("PATH=/t/w/bin:$PATH sh /t/debs/keeper");
        w.run("PATH=/t/w/bin:$PATH sh /t/debs/keeper");
        w.run("PATH=/t/w/bin:$PATH DPKG_ADMINDIR=/t/w/adm sh /t/debs/keeper");
        w.run("PATH=/t/w/bin:$PATH DPKG_ROOT=/t/root sh /t/debs/keeper");
    });
}

fn backup(c: &mut Cases) {
    c.add("db-backup/first", |w| {
        w.prepare(AWAY);
        w.run("dpkg-db-backup");
        w.run(LIST);
        w.run("dpkg-db-backup");
        w.run(LIST);
    });
    for (name, change) in [
        ("status", "echo >>/var/lib/dpkg/status"),
        (
            "diversions",
            "printf '/a\\n/b\\n:\\n' >>/var/lib/dpkg/diversions",
        ),
        (
            "statoverride",
            "echo root root 755 /x >/var/lib/dpkg/statoverride",
        ),
        ("statoverride-gone", "rm -f /var/lib/dpkg/statoverride"),
        ("status-empty", ": >/var/lib/dpkg/status"),
        ("status-gone", "rm /var/lib/dpkg/status"),
        ("arch", "echo i386 >/var/lib/dpkg/arch"),
        ("arch-empty", ": >/var/lib/dpkg/arch"),
        (
            "alternatives",
            "cp /var/lib/dpkg/alternatives/pager /var/lib/dpkg/alternatives/other",
        ),
        (
            "alternatives-touched",
            "touch -d @5 /var/lib/dpkg/alternatives/pager",
        ),
        ("alternatives-gone", "rm -r /var/lib/dpkg/alternatives"),
        ("available", "echo >>/var/lib/dpkg/available"),
        (
            "mode",
            "chmod 600 /var/lib/dpkg/status; chown 1:2 /var/lib/dpkg/status",
        ),
        (
            "directory",
            "rm /var/lib/dpkg/status; mkdir /var/lib/dpkg/status",
        ),
        (
            "unreadable",
            "rm /var/lib/dpkg/diversions; mkfifo /var/backups/x; ln -s loop /var/lib/dpkg/diversions; ln -s diversions /var/lib/dpkg/loop; rm /var/backups/x",
        ),
    ] {
        c.add(&format!("db-backup/changed-{name}"), move |w| {
            w.prepare(&format!("{AWAY} /usr/libexec/dpkg/dpkg-db-backup"));
            w.prepare(change);
            w.run("dpkg-db-backup");
            w.run(LIST);
            w.run("dpkg-db-backup");
            w.run(LIST);
        });
    }
    for rotate in [
        "--rotate=3",
        "",
        "--rotate=1 --rotate=2",
        "--rotate=x",
        "--rotate=",
        "--rotate=0",
        "--other x --rotate=2",
    ] {
        c.add(&format!("db-backup/rotation-{}", rotate.replace([' ', '='], "_")), move |w| {
            w.prepare(&format!("{AWAY} mkdir -p /var/lib/dpkg/alternatives"));
            for n in 0..10 {
                w.prepare(&format!("echo {n} >>/var/lib/dpkg/statoverride; echo {n} >/var/lib/dpkg/alternatives/a{n}; touch -d @{n} /var/lib/dpkg/alternatives /var/lib/dpkg/alternatives/a{n}"));
                w.run(&format!("dpkg-db-backup {rotate}"));
            }
            w.run(LIST);
        });
    }
    c.add("db-backup/after-packages", |w| {
        w.prepare(AWAY);
        let p = w.deb(&deb("pk", "1").file("/opt/f", "f\n"));
        w.run(&format!("dpkg -i {p}; dpkg-db-backup; {LIST}"));
        w.run(&format!("dpkg -P pk; dpkg-db-backup; {LIST}"));
    });
    c.add("db-backup/no-directory", |w| {
        w.prepare("rm -rf /var/backups");
        w.run("dpkg-db-backup");
        w.run(": >/var/backups; dpkg-db-backup");
    });
    c.add("db-backup/no-programs", |w| {
        w.prepare("mkdir /t/w/bin; ln -s /t/bin/dpkg-db-backup /t/w/bin/; for t in basename sh cmp cp touch tar; do ln -s $(command -v $t) /t/w/bin/; done");
        w.run("PATH=/t/w/bin dpkg-db-backup");
        w.run("PATH=/t/w/bin DPKG_COLORS=always PROGNAME=x dpkg-db-backup");
        w.prepare("ln -s $(command -v savelog) /t/w/bin; rm /t/w/bin/tar");
        w.run("PATH=/t/w/bin dpkg-db-backup");
    });
    c.add("db-backup/programs-fail", |w| {
        w.prepare(AWAY);
        w.prepare("mkdir /t/w/bin; printf '#!/bin/sh\\necho savelog \"$@\" >&2; echo out; exit 7\\n' >/t/w/bin/savelog; printf '#!/bin/sh\\necho tar \"$@\" >>/t/w/tar; exit 9\\n' >/t/w/bin/tar; chmod 755 /t/w/bin/*");
        w.run("PATH=/t/w/bin:$PATH dpkg-db-backup");
        w.run("touch /var/backups/alternatives.tar.0; PATH=/t/w/bin:$PATH dpkg-db-backup; cat tar");
        w.run("rm bin/savelog; PATH=/t/w/bin:$PATH TAR=/bin/true dpkg-db-backup; cat tar");
    });
    c.add("db-backup/as-user", |w| {
        w.user(Some(crate::world::USER));
        w.run("dpkg-db-backup 2>&1 | sed 's/savelog: .*/savelog: .../'");
    });
}

fn functions(c: &mut Cases) {
    c.add("db-backup/dpkg-error.sh", |w| {
        place(w, FUNCTIONS, "/usr/share/dpkg/sh/dpkg-error.sh", "/t/debs/dpkg-error.sh");
        for colors in ["", "DPKG_COLORS=always", "DPKG_COLORS=never", "DPKG_COLORS=auto", "DPKG_COLORS="] {
            for call in [
                "debug a b", "DPKG_DEBUG=1; debug a 'b  c' d", "error a b; echo not reached",
                "warning 'a\\tb' c", "notice a b", "info a b", "hint a b", "badusage 'a b' c",
                "badusage", "setup_colors; warning x", "(error x); echo $?", "error",
                "printf '%s' \"$COLOR_BOLD_RED$COLOR_NORMAL$COLOR_RESET$COLOR_CYAN\" | od -c",
                "echo $PROGNAME $DPKG_COLORS", "set -e; warning x; info y",
            ] {
                w.prepare(&format!("printf '%s\\n' '. /t/debs/dpkg-error.sh' \"$(cat <<'E'\n{call}\nE\n)\" >/t/debs/script"));
                w.run(&format!("{colors} sh /t/debs/script # {call}"));
                w.run(&format!("{colors} PROGNAME=prog sh /t/debs/script"));
            }
        }
    });
}
