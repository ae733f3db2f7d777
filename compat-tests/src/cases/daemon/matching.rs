//! Which processes are a daemon: every way to say so, and which pid files are trusted.

use super::super::Cases;
use super::{AS_USER, case, each, run, within};

pub(super) fn add(c: &mut Cases) {
    case(c, "match/exec", |w| {
        each(
            w,
            &[
                "sleep 50 & named $! sleep; $S -T -x /bin/sleep; echo $?; $S -T -x /usr/bin/sleep; echo $?; $S -T -x /bin/true; echo $?",
                "sleep 50 & named $! sleep; $S -S -x /bin/sleep -- 60; echo $?; $S -S -o -x /bin/sleep; echo $?; $S -S -q -x /bin/sleep; echo $?",
                "sleep 50 & named $! sleep; ln -s /bin/sleep /tmp/link; $S -T -x /tmp/link; echo $?; cd /; $S -T -x bin/sleep; echo $?; $S -T -d /bin -x sleep; echo $?",
                "/t/debs/deaf & written /t/debs/is-deaf; $S -T -x /t/debs/deaf; echo $?; $S -T -x /usr/bin/perl; echo $?",
            ],
        )
    });
    case(c, "match/exec-replaced", |w| {
        each(
            w,
            &[
                "cp /bin/sleep /tmp/d; /tmp/d 50 & named $! d; rm /tmp/d; $S -T -x /tmp/d; cp /bin/sleep /tmp/d; $S -T -x /tmp/d; echo $?",
                "cp /bin/sleep /tmp/d; /tmp/d 50 & named $! d; mv /tmp/d /tmp/e; $S -T -x /tmp/e; echo $?",
                "cp /bin/sleep '/tmp/d (deleted)'; '/tmp/d (deleted)' 50 & named $! 'd (deleted)'; $S -T -x '/tmp/d (deleted)'; echo $?",
                "cp /bin/sleep /tmp/d; /tmp/d 50 & named $! d; cp /bin/true /tmp/n; mv /tmp/n /tmp/d; $S -T -x /tmp/d; echo $?; $S -S -v -x /tmp/d -t",
            ],
        )
    });
    case(c, "match/exec-in-chroot", |w| {
        each(
            w,
            &[
                "chroot /t/root /bin/sleep 50 & named $! sleep; $S -T -x /bin/sleep; echo $?; $S -T -r /t/root -x /bin/sleep; echo $?; $S -K -r /t/root -x /bin/sleep; echo $?",
                "$S -T -r /t/root -x bin/sleep; echo $?; $S -T -r /t/root -d /bin -x sleep; echo $?",
            ],
        )
    });
    case(c, "match/long-executable-name", |w| {
        let dir = format!("/tmp/{}", vec!["d".repeat(90); 3].join("/"));
        let line = format!(
            "mkdir -p {dir}; cp /bin/sleep {dir}/d; {dir}/d 50 & named $! d; $S -T -x {dir}/d"
        );
        w.deviates("start-stop-daemon long executable", 3, 0, &within(&line));
    });
    case(c, "match/name", |w| {
        each(
            w,
            &[
                "sleep 50 & named $! sleep; $S -T -n sleep; echo $?; $S -T -n slee; echo $?; $S -T -n SLEEP; echo $?; $S -S -n sleep -x /bin/true; echo $?",
                "cp /bin/sleep /tmp/abcdefghijklmnopq; /tmp/abcdefghijklmnopq 50 & named $! abcdefghijklmno; $S -T -n abcdefghijklmno; echo $?; $S -T -n abcdefghijklmnopq; echo $?",
                "cp /bin/sleep '/tmp/a b'; '/tmp/a b' 50 & named $! 'a b'; $S -T -n 'a b'; echo $?; $S -T -n a; echo $?; $S -K -v -n 'a b'; echo $?",
                "cp /bin/sleep '/tmp/ a'; '/tmp/ a' 50 & named $! ' a'; $S -T -n a; echo $?; $S -T -n ' a'; echo $?",
                r"cp /bin/sleep '/tmp/a\b'; '/tmp/a\b' 50 & named $! 'a\b'; $S -T -n 'a\b'; echo $?; $S -T -n 'a\\b'; echo $?",
            ],
        )
    });
    case(c, "match/pid", |w| {
        each(
            w,
            &[
                "sleep 50 & named $! sleep; $S -T --pid $!; echo $?; $S -T --pid 4000; echo $?; $S -T --pid $! -n sleep; echo $?; $S -T --pid $! -n x; echo $?; $S -T --pid $! -x /bin/true; echo $?",
                "sleep 50 & named $! sleep; $S -S --pid $! -x /bin/true; echo $?; $S -S --pid $! -x /bin/sleep; echo $?; $S -S --pid $! -a /bin/true; echo $?",
                "sleep 50 & named $! sleep; $S -K -v --pid $!; echo $?; wait; $S -K -v --pid $!; echo $?; $S -K -o --pid 4000; echo $?",
            ],
        )
    });
    case(c, "match/pid-of-a-thread", |w| {
        each(
            w,
            &["perl -e 'exec \"sleep\", \"50\"' & named $! sleep; $S -T --pid $! -u root; echo $?"],
        )
    });
    case(c, "match/ppid", |w| {
        each(
            w,
            &[
                "sleep 50 & named $! sleep; $S -T --ppid 1 -n sleep; echo $?; $S -T --ppid $!; echo $?; $S -T --ppid 4000; echo $?; $S -K -t --ppid 1 -n sleep; $S -K -t --ppid 4000",
                "(sleep 50 & sleep 51 & echo x >/tmp/f; sleep 52) & written /tmp/f; P=$!; named $((P+1)) sleep; named $((P+2)) sleep; named $P sleep; $S -K -v --ppid $P; echo $?; $S -K --ppid 4000; echo $?",
                "sh -c 'exec 3</proc/self/status; while read -r k v <&3; do [ $k = PPid: ] && echo $v; done'; $S -T --ppid 1; echo $?",
            ],
        )
    });
    case(c, "match/user", |w| {
        each(
            w,
            &[
                "setpriv --reuid=1000 --clear-groups sleep 50 & named $! sleep; $S -T -u 1000; echo $?; $S -T -u 1001; echo $?; $S -K -v -u 1000; echo $?; { wait $!; } 2>/dev/null; $S -K -u 1000 -o; echo $?",
                "setpriv --reuid=65534 --clear-groups sleep 50 & named $! sleep; $S -T -u nobody; echo $?; $S -T -u nobody -n sleep; echo $?; $S -T -u root -n sleep; echo $?; $S -T -u daemon; echo $?; $S -K -t -u nobody; $S -S -u nobody -a /bin/true; echo $?",
                "setpriv --reuid=65534 --clear-groups sleep 50 & named $! sleep; $S -K -u nobody -s KILL; echo $?; { wait $!; } 2>/dev/null; $S -K -u nobody; echo $?; $S -K -u daemon; echo $?",
            ],
        )
    });
    case(c, "match/all-together", |w| {
        each(
            w,
            &[
                "sleep 50 & named $! sleep; echo $! >/tmp/p; $S -T -p /tmp/p -x /bin/sleep -n sleep -u root --ppid 1; echo $?; $S -T -p /tmp/p -x /bin/sleep -n sleep -u root --ppid 2; echo $?; $S -T -p /tmp/p -x /bin/sleep -n sleep -u 5 --ppid 1; echo $?; $S -T -p /tmp/p -x /bin/sleep -n x; echo $?; $S -T -p /tmp/p -x /bin/true; echo $?",
            ],
        )
    });
    case(c, "match/several-processes", |w| {
        each(
            w,
            &[
                "for i in 1 2 3 4; do sleep 5$i & named $! sleep; done; $S -K -t -n sleep; $S -K -v -n sleep; echo $?; wait; $S -T -n sleep; echo $?",
                "for i in 1 2 3; do sleep 5$i & named $! sleep; done; $S -K -v -R 30 -x /bin/sleep; echo $?",
            ],
        )
    });
    case(c, "match/itself", |w| {
        each(
            w,
            &[
                "$S -T -u root; echo $?",
                "$S -T -x $(readlink -f /t/bin/start-stop-daemon); echo $?",
                "$S -T -n start-stop-daemo; echo $?",
                "$S -K -s 0 -v -u root; echo $?",
            ],
        )
    });
    pidfiles(c);
    case(c, "match/no-proc", |w| {
        each(
            w,
            &[
                "mount -t tmpfs none /proc; $S -T -n x; echo $?; $S -K -n x; echo $?; $S -S -x /bin/echo -- x; echo $?; $S -T --pid 1; echo $?; $S -T --pid 1 -n sh; echo $?",
                "mount -t tmpfs none /proc; echo 1 >/tmp/p; $S -T -p /tmp/p; echo $?; $S -T -p /none; echo $?",
            ],
        )
    });
    case(c, "match/as-a-user", |w| {
        each(
            w,
            &[
                &format!(
                    "sleep 50 & named $! sleep; {AS_USER} $S -T -n sleep; echo $?; {AS_USER} $S -T --pid $!; echo $?; {AS_USER} $S -K -v --pid $!; echo $?; {AS_USER} $S -K -v -R 1 -n sleep; echo $?; {AS_USER} $S -K -s 0 --pid $!; echo $?"
                ),
                &format!(
                    "sleep 50 & named $! sleep; {AS_USER} $S -T -x /bin/sleep; echo $?; {AS_USER} $S -K -x /bin/sleep; echo $?"
                ),
                &format!(
                    "{AS_USER} sleep 50 & named $! sleep; {AS_USER} $S -T -x /bin/sleep; echo $?; {AS_USER} $S -K -v -x /bin/sleep; echo $?"
                ),
                &format!(
                    "{AS_USER} sleep 50 & named $! sleep; sleep 51 & named $! sleep; {AS_USER} $S -K -v -n sleep; echo $?"
                ),
            ],
        );
    });
    case(c, "match/status-codes", |w| {
        each(
            w,
            &[
                "$S -T -p /none; echo $?; echo 4000 >/tmp/p; $S -T -p /tmp/p; echo $?; echo x >/tmp/p; $S -T -p /tmp/p; echo $?; echo 1 >/tmp/p; $S -T -p /tmp/p; echo $?",
                "$S -T -q -n none; echo $?; $S -T -o -n none; echo $?; $S -T -v -p /none; echo $?; $S -T -t -n sh; echo $?; $S -T -t -p /none; echo $?",
                "echo 1 >/tmp/p; chmod 666 /tmp/p; $S -T -p /tmp/p; echo $?; chown 5:5 /tmp/p; chmod 644 /tmp/p; $S -T -p /tmp/p; echo $?; $S -T -x /none -p /tmp/p; echo $?; $S -T -p /tmp/p/x; echo $?",
            ],
        )
    });
}

/// What is in a pid file, and who may have put it there.
fn pidfiles(c: &mut Cases) {
    case(c, "pidfile/contents", |w| {
        for content in [
            "1",
            "1\\n",
            " \\t\\n1 x",
            "+1",
            "1abc",
            "",
            "\\n",
            "abc",
            "x1",
            "0x1",
            "01",
            "4294967297",
            "99999999999999999999",
            "4000",
            "1 2",
            "\\0001",
        ] {
            run(
                w,
                &format!(
                    "printf '{content}' >/tmp/p; $S -T -p /tmp/p -n sh; echo $?; $S -K -s 0 -v -n sh -p /tmp/p; echo $?; $S -S -p /tmp/p -n sh -x /bin/echo -- started; echo $?"
                ),
            );
        }
    });
    case(c, "pidfile/groups", |w| {
        // In stock the number of a group, or of everybody, is signalled. Ours finds nobody there.
        for content in ["-1", "0"] {
            let line = within(&format!(
                "setsid sleep 50 & named $! sleep; echo {content} >/tmp/p; $S -K -s 0 -p /tmp/p"
            ));
            w.deviates("start-stop-daemon pidfile of no process", 0, 1, &line);
        }
        run(w, "echo -4000 >/tmp/p; $S -T -n sh -p /tmp/p; echo x");
    });
    case(c, "pidfile/not-a-file", |w| {
        each(
            w,
            &[
                "$S -T -p /tmp; echo $?; mkdir -m 755 /tmp/d; $S -T -p /tmp/d; echo $?; $S -K -p /tmp/d; echo $?",
                "$S -T -p /none/x; echo $?; $S -K -p /none/x; echo $?; $S -K -p ''; echo $?; $S -T -p /etc/passwd/x; echo $?",
                "ln -s /none /tmp/p; $S -T -p /tmp/p; echo $?; ln -sf p /tmp/p; $S -T -p /tmp/p; echo $?",
                "echo 1 >/tmp/q; ln -s q /tmp/p; $S -T -p /tmp/p; echo $?",
            ],
        )
    });
    case(c, "pidfile/world-writable", |w| {
        each(
            w,
            &[
                "echo 1 >/tmp/p; chmod 646 /tmp/p; $S -T -p /tmp/p; echo $?; $S -K -p /tmp/p; echo $?; $S -K -p /tmp/p -n sh; echo $?; $S -S -p /tmp/p -x /bin/echo; echo $?",
                "echo 1 >/tmp/p; chmod 602 /tmp/p; $S -K -x /bin/sh -p /tmp/p; echo $?; chmod 664 /tmp/p; $S -T -p /tmp/p; echo $?; ln -s p /tmp/q; chmod 666 /tmp/p; $S -T -p /tmp/q; echo $?",
            ],
        )
    });
    case(c, "pidfile/forged", |w| {
        each(
            w,
            &[
                "sleep 50 & named $! sleep; echo $! >/tmp/p; chown 1000:1000 /tmp/p; $S -K -p /tmp/p; echo $?; alive $!; $S -K -p /tmp/p -u root -t; echo $?; $S -K -p /tmp/p -n sleep -t; echo $?; $S -K -p /tmp/p -x /bin/true; echo $?; alive $!",
                "sleep 50 & named $! sleep; echo $! >/tmp/p; chown 1000:0 /tmp/p; $S -K -p /tmp/p; echo $?; chown 0:1000 /tmp/p; $S -K -p /tmp/p; echo $?; $S -T -p /tmp/p; echo $?; $S -S -p /tmp/p -a /bin/echo; echo $?; $S -S -p /tmp/p -x /bin/echo; echo $?; alive $!",
                "sleep 50 & named $! sleep; echo $! >/tmp/p; chown 1000:1000 /tmp/p; $S -K -p /tmp/p --ppid 1 -t; echo $?; $S -K -p /tmp/p --ppid 4000; echo $?; $S -K -R 1 -p /tmp/p; echo $?",
            ],
        )
    });
    case(c, "pidfile/of-a-user", |w| {
        each(
            w,
            &[
                &format!(
                    "{AS_USER} sleep 50 & named $! sleep; echo $! >/tmp/p; chown 1000:1000 /tmp/p; {AS_USER} $S -T -p /tmp/p; echo $?; {AS_USER} $S -K -v -p /tmp/p; echo $?"
                ),
                &format!(
                    "echo 1 >/tmp/p; {AS_USER} $S -T -p /tmp/p; echo $?; chown 1001:1000 /tmp/p; {AS_USER} $S -T -p /tmp/p; echo $?; chmod 600 /tmp/p; {AS_USER} $S -T -p /tmp/p; echo $?; {AS_USER} $S -K -p /tmp/p; echo $?"
                ),
            ],
        );
    });
    case(c, "pidfile/dev-null", |w| {
        each(
            w,
            &[
                "$S -T -p /dev/null; echo $?; $S -K -p /dev/null; echo $?; $S -S -p /dev/null -x /bin/echo -- x; echo $?; sleep 50 & named $! sleep; $S -S -p /dev/null -x /bin/sleep -- 0; echo $?; $S -T -p //dev/null; echo $?",
            ],
        )
    });
}
