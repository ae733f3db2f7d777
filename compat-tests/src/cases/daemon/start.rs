//! Starting: in the foreground and the background, and all that a daemon is given.

use super::super::Cases;
use super::{AS_USER, case, each, run, within};

pub(super) fn add(c: &mut Cases) {
    foreground(c);
    background(c);
    surroundings(c);
    notify(c);
}

fn foreground(c: &mut Cases) {
    case(c, "start/foreground", |w| {
        each(
            w,
            &[
                "$S -S -x /bin/echo -- hello; echo $?",
                "$S -S -v -x /bin/echo -- hello; echo $?",
                "$S -S -q -x /bin/echo -- hello; echo $?",
                "$S -S -x /bin/false; echo $?",
                "$S -S -x /bin/sh -- -c 'exit 42'; echo $?",
                "$S -S -x /bin/cat -n nobody <<X\nline\nX",
                "$S -S -n none -a /bin/sh -- -c 'echo $0 \"$@\"' a b; echo $?",
            ],
        )
    });
    case(c, "start/startas", |w| {
        each(
            w,
            &[
                "$S -S -x /bin/sleep -a /bin/echo -- hello; echo $?; $S -S -x /bin/sleep -a /none; echo $?; $S -S -x /bin/sleep -a /tmp; echo $?; $S -S -x /bin/sleep -a /etc/passwd; echo $?",
                "$S -S -x /bin/sleep -a echo; echo $?; $S -S -d /bin -x /bin/sleep -a echo -- hello; echo $?; cd /bin; $S -S -x /bin/sleep -a ./echo; echo $?; $S -S -p /none -a bin/echo x; echo $?",
                "printf 'echo $0 $@\\n' >/tmp/s; chmod 755 /tmp/s; $S -S -n none -a /tmp/s; echo $?; printf '#!/none\\n' >/tmp/s; $S -S -n none -a /tmp/s; echo $?; printf '#!/bin/echo x\\n' >/tmp/s; $S -S -n none -a /tmp/s y; echo $?",
            ],
        )
    });
    case(c, "start/foreground-process", |w| {
        each(
            w,
            &[
                "exec 7>/tmp/x; trap '' HUP; $S -S -x /bin/sleep -- 50 & named $! sleep; /t/debs/show $!",
                "$S -S -n none -a /usr/bin/env | grep -v '^_='",
                "trap '' PIPE INT; $S -S -x /bin/grep -- Sig[PBIC] /proc/self/status",
                "$S -S -x /bin/grep -- Sig[PBIC] /proc/self/status",
                "sh -c 'exec <&-; exec $0 -S -x /bin/echo hello' $S",
                "$S -S -x /bin/cat <&-; echo $?; $S -S -x /bin/echo -- x >&-; echo $?; $S -S -n none -a /bin/sh -- -c 'for i in 0 1 2; do readlink /proc/$$/fd/$i || echo $i is closed; done' <&- 2>&-",
            ],
        )
    });
    case(c, "start/make-pidfile", |w| {
        each(
            w,
            &[
                "$S -S -m -p /tmp/p -x /bin/cat -- /tmp/p; echo $?; $S -S -m -p /none/p -x /bin/echo -- x; echo $?; $S -S -m -p /tmp -x /bin/echo -- x; echo $?",
                "umask 077; $S -S -m -p /tmp/p -x /bin/true; ls -l /tmp/p | cut -c-10; rm /tmp/p; $S -S -k 0 -m -p /tmp/p -x /bin/true; ls -l /tmp/p | cut -c-10; $S -S -k 0 -m -p /tmp/p -x /bin/true; echo $?",
                "echo long content >/tmp/p; $S -S -m -p /tmp/p -x /bin/cat -- /tmp/p; ln -s /tmp/target /tmp/l; $S -S -m -p /tmp/l -x /bin/echo -- x; echo $?; echo x >/tmp/target; $S -S -m -p /tmp/l -x /bin/echo -- x; echo $?; cat /tmp/target",
                "echo 1 >/tmp/p; $S -S -m -p /tmp/p -x /bin/cat -- /tmp/p; echo $?; $S -S -m -p /tmp/p -n sh -a /bin/cat -- /tmp/p; echo $?; cat /tmp/p",
                "$S -S -m -p /dev/full -x /bin/echo -- x; echo $?; $S -S -m -p /dev/null -x /bin/echo -- x; echo $?; cd /tmp; $S -S -m -p rel -x /bin/echo; cat /tmp/rel; $S -S -t -m -p /tmp/none -x /bin/true; ls /tmp/none",
            ],
        )
    });
    case(c, "start/test-mode", |w| {
        each(
            w,
            &[
                "$S -S -t -x /bin/true -- a b; $S -S -t -q -x /bin/true; $S -S -t -v -x /bin/true -c nobody; $S -S -t -x /bin/true -c nobody:mail -r / -N 5 -P rr:5 -I idle",
                "$S -S -t -x /bin/true -N -3 -g mail; $S -S -t -x /bin/true -N 0; $S -S -t -x /bin/true -N x; $S -S -t -x /bin/true -N ' 7y'; $S -S -t -x /bin/true -N 99999999999; $S -S -t -x /bin/true -P fifo:1 -b -m -p /tmp/p; ls /tmp/p",
                "sleep 50 & named $! sleep; $S -S -t -x /bin/sleep; echo $?; $S -S -t -o -v -x /bin/sleep; echo $?",
                "$S -S -t -x /bin/true -- $(seq 3000) | tail -c 30",
            ],
        )
    });
    case(c, "start/verbose-output", |w| {
        each(
            w,
            &[
                "$S -S -v -x /bin/true; echo $?; $S -S -v -x /bin/true -a /none; echo $?; $S -S -v -b -x /bin/true -a /none; echo $?",
                "$S -S -v -b -x /bin/true -m -p /none/x; echo $?",
                "script -qec 'start-stop-daemon -S -v -x /bin/true' /dev/null </dev/null",
                // What the terminal shows ends with the first process that runs in it.
                "script -qec 'start-stop-daemon -S -v -b -n none -a /bin/sh -- -c \"echo x >/tmp/f\"; until [ -s /tmp/f ]; do :; done' /dev/null </dev/null",
            ],
        )
    });
}

fn background(c: &mut Cases) {
    case(c, "background/process", |w| {
        each(
            w,
            &[
                "exec 7>/tmp/x; $S -S -b -m -p /tmp/p -x /bin/sleep -- 50; echo $?; read P </tmp/p; echo $P; named $P sleep; /t/debs/show $P",
                "trap '' HUP PIPE; $S -S -b -m -p /tmp/p -x /bin/sleep -- 50; read P </tmp/p; named $P sleep; /t/debs/show $P | grep Sig",
            ],
        )
    });
    case(c, "background/no-close", |w| {
        w.deviates(
            "start-stop-daemon --no-close with --output",
            0,
            1,
            &within(
                "$S -S -b -C -O /tmp/o -m -p /tmp/p -x /bin/sleep -- 50; read P </tmp/p; named $P sleep; [ -e /proc/$P/fd/3 ]",
            ),
        );
        each(
            w,
            &[
                "exec 7>/tmp/x 0</dev/null; $S -S -b -C -m -p /tmp/p -x /bin/sleep -- 50; read P </tmp/p; named $P sleep; /t/debs/show $P",
                "exec 7>/tmp/x 0</dev/null; $S -S -b -C -O /tmp/o -m -p /tmp/p -x /bin/sleep -- 50; read P </tmp/p; named $P sleep; /t/debs/show $P | grep -E '^fd [^3]'",
                "$S -S -b -C -m -p /tmp/p -x /bin/sleep -- 50 <&- 2>&-; read P </tmp/p; named $P sleep; /t/debs/show $P | grep ^fd",
                "$S -S -b -C -n none -a /bin/sh -- -c 'echo out; echo err >&2; echo x >/tmp/f'; written /tmp/f",
            ],
        )
    });
    case(c, "background/output", |w| {
        each(
            w,
            &[
                "$S -S -b -O /tmp/o -n none -a /bin/sh -- -c 'echo out; echo err >&2; echo x >/tmp/f'; written /tmp/f; cat /tmp/o; ls -l /tmp/o | cut -c-10",
                "echo before >/tmp/o; $S -S -b -O /tmp/o -n none -a /bin/sh -- -c 'echo out; echo x >/tmp/f'; written /tmp/f; cat /tmp/o",
                "umask 077; $S -S -b -k 002 -O /tmp/o -n none -a /bin/sh -- -c 'echo x >/tmp/f'; written /tmp/f; ls -l /tmp/o /tmp/f | cut -c-10",
                "$S -S -b -O /tmp/o -m -p /tmp/p -x /bin/sleep -- 50; read P </tmp/p; named $P sleep; /t/debs/show $P | grep ^fd",
                "$S -S -b -O /tmp/o -n none -a /none; echo $?; told /tmp/o; cat /tmp/o",
                "$S -S -b -O /tmp/o -c nobody -n none -a /bin/sh -- -c 'id -un; echo x >/tmp/f'; written /tmp/f; cat /tmp/o; ls -ln /tmp/o | cut -c-20",
            ],
        )
    });
    // What cannot be done is found out by the third process, while the first has ended well.
    for (name, options) in [
        ("output", "-O /none/x"),
        ("chdir", "-d /none"),
        ("chroot", "-r /tmp/none -d /x"),
        ("user", ""),
    ] {
        case(c, &format!("background/fails-at-{name}"), move |w| {
            let who = if name == "user" {
                format!("{AS_USER} $S -c nobody")
            } else {
                "$S".into()
            };
            run(
                w,
                &format!(
                    "{who} -S -b -n none -a /bin/true {options} 2>/tmp/e; echo $?; told /tmp/e; cat /tmp/e"
                ),
            );
        });
    }
    case(c, "background/make-pidfile-fails", |w| {
        each(
            w,
            &[
                "$S -S -b -m -p /none/p -x /bin/true; echo $?",
                "ln -s x /tmp/l; $S -S -b -m -p /tmp/l -x /bin/true; echo $?",
                "$S -S -b -m -p /dev/full -x /bin/true; echo $?",
            ],
        )
    });
    case(c, "background/make-pidfile", |w| {
        each(
            w,
            &[
                "umask 0; $S -S -b -m -p /tmp/p -x /bin/true; cat /tmp/p; ls -l /tmp/p | cut -c-10; umask 077; $S -S -b -m -p /tmp/q -x /bin/true; ls -l /tmp/q | cut -c-10; $S -S -k 077 -b -m -p /tmp/r -x /bin/true; ls -l /tmp/r | cut -c-10",
                "$S -S -b -m -p /tmp/p -x /bin/sleep -- 50; read P </tmp/p; named $P sleep; $S -S -b -m -p /tmp/p -x /bin/sleep -- 50; echo $?; cat /tmp/p; $S -T -p /tmp/p; echo $?; $S -K -v -R 30 -p /tmp/p --remove-pidfile; echo $?; ls /tmp/p",
            ],
        )
    });
    case(c, "background/child-signals", |w| {
        each(
            w,
            &[
                "trap '' CHLD; $S -S -b -m -p /tmp/p -x /bin/sleep -- 50; echo $?; read P </tmp/p; named $P sleep; /t/debs/show $P | grep Sig",
            ],
        )
    });
}

fn surroundings(c: &mut Cases) {
    case(c, "start/chuid", |w| {
        each(
            w,
            &[
                "$S -S -c nobody -n none -a /bin/sh -- -c 'id; echo $HOME'",
                "$S -S -c nobody:mail -x /usr/bin/id",
                "$S -S -c nobody -g mail -x /usr/bin/id",
                "$S -S -g mail -x /usr/bin/id",
                "$S -S -g 4242 -x /usr/bin/id",
                "$S -S -c 65534 -x /usr/bin/id",
                "$S -S -c 33:34 -x /usr/bin/id",
                "$S -S -c root -x /usr/bin/id; setpriv --groups=5,6 $S -S -c root -x /usr/bin/id; setpriv --groups=5,6 $S -S -c root:mail -x /usr/bin/id; setpriv --groups=5,6 $S -S -g mail -x /usr/bin/id",
                "gpasswd -a nobody mail >/dev/null; $S -S -c nobody -x /usr/bin/id; $S -S -c nobody:news -x /usr/bin/id",
                "$S -S -c www-data -n none -a /bin/sh -- -c 'echo $HOME'; HOME=/x $S -S -c daemon -n none -a /bin/sh -- -c 'echo $HOME'; $S -S -c root -n none -a /bin/sh -- -c 'echo $HOME'",
                "$S -S -b -m -p /tmp/p -c daemon:mail -x /bin/sleep -- 50; read P </tmp/p; named $P sleep; /t/debs/show $P; ls -ln /tmp/p | cut -c-15",
            ],
        )
    });
    case(c, "start/chuid-as-a-user", |w| {
        each(
            w,
            &[
                &format!(
                    "{AS_USER} $S -S -c nobody -x /usr/bin/id; echo $?; {AS_USER} $S -S -c nobody:1000 -x /usr/bin/id; echo $?; {AS_USER} $S -S -g mail -x /usr/bin/id; echo $?; {AS_USER} $S -S -g 1000 -x /usr/bin/id; echo $?"
                ),
                &format!(
                    "echo u:x:1000:1000::/tmp:/bin/sh >>/etc/passwd; {AS_USER} $S -S -c u -n none -a /bin/sh -- -c 'id; echo $HOME'; {AS_USER} $S -S -c u:mail -x /usr/bin/id; echo $?"
                ),
                &format!(
                    "{AS_USER} $S -S -r / -x /bin/true; echo $?; {AS_USER} $S -S -N -5 -x /bin/true; echo $?; {AS_USER} $S -S -P fifo:5 -x /bin/true; echo $?; {AS_USER} $S -S -I real-time:5 -x /bin/true; echo $?; {AS_USER} $S -S -q -I real-time:5 -x /bin/true; echo $?"
                ),
            ],
        );
    });
    case(c, "start/chroot", |w| {
        each(
            w,
            &[
                "$S -S -r /t/root -n none -a /bin/ls -- -d /t/w; echo $?; $S -S -r /t/root -x /bin/pwd; $S -S -r /t/root -d /tmp -x /bin/pwd; $S -S -r /none -n none -a /bin/pwd; echo $?; $S -S -r /etc/passwd -n none -a /bin/pwd; echo $?",
                "cd /t; $S -S -r root -n none -a /bin/pwd; echo $?; $S -S -r . -n none -a /bin/pwd; echo $?; $S -S -r /t/root -d none -n none -a /bin/pwd; echo $?; $S -S -r '' -n none -a /bin/pwd; echo $?",
                "echo u:x:77:78::/:/bin/sh >>/t/root/etc/passwd; $S -S -r /t/root -c u -n none -a /usr/bin/id; echo $?; echo g:x:79:nobody >>/t/root/etc/group; $S -S -r /t/root -c nobody -n none -a /usr/bin/id; echo $?",
                "$S -S -b -r /t/root -m -p /tmp/p -x /bin/sleep -- 50; read P </tmp/p; named $P sleep; /t/debs/show $P; $S -T -p /tmp/p -r /t/root -x /bin/sleep; echo $?",
                "$S -S -r /t/root -m -p /tmp/p -O /tmp/o -b -n none -a /bin/sh -- -c 'echo out; echo x >/tmp/f'; written /t/root/tmp/f; cat /tmp/o; ls /tmp/p /t/root/tmp/p",
            ],
        )
    });
    case(c, "start/chdir", |w| {
        each(
            w,
            &[
                "$S -S -x /bin/pwd; $S -S -d /tmp -x /bin/pwd; $S -S -d tmp -x /bin/pwd; echo $?; cd /; $S -S -d tmp -x /bin/pwd; $S -S -d /none -x /bin/pwd; echo $?; $S -S -d '' -x /bin/pwd; echo $?; $S -S -d /etc/passwd -x /bin/pwd; echo $?",
                "cp /bin/pwd /tmp/mine; $S -S -d /tmp -x mine; echo $?; $S -S -d /tmp -x ./mine; echo $?; cd /tmp; $S -S -x mine; echo $?; $S -S -d . -x mine; echo $?",
            ],
        )
    });
    case(c, "start/nicelevel", |w| {
        each(
            w,
            &[
                "$S -S -N 5 -x /usr/bin/nice; $S -S -N -5 -x /usr/bin/nice; $S -S -N 0 -x /usr/bin/nice; $S -S -N 99 -x /usr/bin/nice; $S -S -N x -x /usr/bin/nice; nice -n 3 $S -S -N -4 -x /usr/bin/nice; nice -n 3 $S -S -N +4 -x /usr/bin/nice",
                "setpriv --reuid=1000 --clear-groups nice -n 1 $S -S -N -2 -x /usr/bin/nice; echo $?",
            ],
        )
    });
    case(c, "start/procsched", |w| {
        each(
            w,
            &[
                "$S -S -P fifo:5 -n none -a /bin/sh -- -c 'chrt -p $$'",
                "$S -S -P rr:99 -n none -a /bin/sh -- -c 'chrt -p $$'",
                "$S -S -P other -n none -a /bin/sh -- -c 'chrt -p $$'",
                "chrt -f 3 $S -S -P other:7 -n none -a /bin/sh -- -c 'chrt -p $$'",
            ],
        )
    });
    case(c, "start/iosched", |w| {
        each(
            w,
            &[
                "$S -S -I idle -n none -a /bin/sh -- -c 'ionice -p $$'",
                "$S -S -I best-effort -n none -a /bin/sh -- -c 'ionice -p $$'",
                "$S -S -I best-effort:0 -n none -a /bin/sh -- -c 'ionice -p $$'",
                "$S -S -I real-time:7 -n none -a /bin/sh -- -c 'ionice -p $$'",
            ],
        )
    });
    case(c, "start/umask", |w| {
        each(
            w,
            &[
                "for m in 0 022 0777 077 7777 18 0x12 01234 0b1010 0B11; do $S -S -k $m -n none -a /bin/sh -- -c umask; done; umask 0123; $S -S -n none -a /bin/sh -- -c umask",
                "$S -S -b -k 027 -m -p /tmp/p -x /bin/sleep -- 50; read P </tmp/p; named $P sleep; /t/debs/show $P | grep Umask; umask 0; $S -S -b -m -p /tmp/q -n none -a /bin/sleep -- 51; read P </tmp/q; named $P sleep; /t/debs/show $P | grep Umask",
            ],
        )
    });
    case(c, "start/everything", |w| {
        each(
            w,
            &[
                "cd /t/w; $S -Sbqm -p /tmp/p -c daemon:mail -d /var -N 4 -P rr:2 -I idle -k 0127 -O /tmp/o -x /bin/sleep -- 50; echo $?; read P </tmp/p; named $P sleep; /t/debs/show $P",
            ],
        )
    });
}

fn notify(c: &mut Cases) {
    case(c, "notify/ready", |w| {
        each(
            w,
            &[
                "$S -S -b --notify-await -n none -a /t/debs/tell -- 2 READY=1; echo $?; written /t/debs/told; cat /t/debs/told; ls -A /run | grep notify",
                "$S -S -b --notify-await -n none -a /t/debs/tell -- 1 STATUS=x 1 'MAINPID=5\\nREADY=1\\n'; echo $?; written /t/debs/told",
                "$S -S -b --notify-await --notify-timeout 30 -n none -a /t/debs/tell -- 2 READY=1; echo $?",
                "$S -S -b --notify-await -m -p /tmp/p -c nobody -n none -a /t/debs/tell -- 2 READY=1; echo $?; read P </tmp/p; $S -T -p /tmp/p; echo $?",
            ],
        )
    });
    case(c, "notify/not-ready", |w| {
        each(
            w,
            &[
                "$S -S -b --notify-await --notify-timeout 1 -m -p /tmp/p -n none -a /bin/sleep -- 50; echo $?; ls -A /run | grep notify; $S -T -p /tmp/p; echo $?",
                "$S -S -b --notify-await --notify-timeout 1 -n none -a /t/debs/tell -- 1 READY=0 0 READY=11 0 'STOPPING=1\\n\\nx'; echo $?",
                "$S -S -b --notify-await --notify-timeout 0 -n none -a /bin/sleep -- 50; echo $?",
                "$S -S -b --notify-await --notify-timeout 1 -n none -a /none; echo $?; ls -A /run | grep notify",
            ],
        )
    });
    case(c, "notify/fails", |w| {
        for what in [
            "ERRNO=2",
            "ERRNO=0",
            "ERRNO=x",
            "ERRNO=",
            "ERRNO=99999999999",
            "ERRNO=99999999999999999999",
            "STATUS=x\\nERRNO=13\\nREADY=1",
            "ERRNO=5000",
            "ERRNO=-1",
        ] {
            run(
                w,
                &format!(
                    "$S -S -b --notify-await --notify-timeout 30 -n none -a /t/debs/tell -- 0 '{what}'; echo $?; ls -A /run | grep notify"
                ),
            );
        }
    });
    case(c, "notify/extend", |w| {
        // Stock counts milliseconds where it says microseconds.
        for (time, what) in [
            (3, "1 EXTEND_TIMEOUT_USEC=30000 32 READY=1"),
            (30, "1 EXTEND_TIMEOUT_USEC=200 50 READY=1"),
            (30, "1 EXTEND_TIMEOUT_USEC=x"),
            (30, "1 EXTEND_TIMEOUT_USEC="),
            (30, "1 EXTEND_TIMEOUT_USEC=99999999999999999999"),
            (30, "1 EXTEND_TIMEOUT_USEC=0 50 x"),
            (30, "1 'EXTEND_TIMEOUT_USEC=5000\\nREADY=1'"),
        ] {
            run(
                w,
                &format!(
                    "$S -S -b --notify-await --notify-timeout {time} -n none -a /t/debs/tell -- {what}; echo $?; ls -A /run | grep notify"
                ),
            );
        }
    });
    case(c, "notify/socket", |w| {
        each(
            w,
            &[
                "$S -S -b --notify-await -O /tmp/o -n none -a /bin/sh -- -c 'ls -lnd ${NOTIFY_SOCKET%/*} $NOTIFY_SOCKET | cut -c-20; echo ${NOTIFY_SOCKET%.*}; exec /t/debs/tell 0 READY=1'; echo $?; cat /tmp/o",
                "$S -S -b --notify-await -c nobody:mail -O /tmp/o -n none -a /bin/sh -- -c 'ls -lnd ${NOTIFY_SOCKET%/*} $NOTIFY_SOCKET | cut -c-20; exec /t/debs/tell 0 READY=1'; echo $?; cat /tmp/o",
                "$S -S -b --notify-await -g mail -O /tmp/o -n none -a /bin/sh -- -c 'ls -lnd ${NOTIFY_SOCKET%/*} $NOTIFY_SOCKET | cut -c-20; exec /t/debs/tell 0 READY=1'; echo $?; cat /tmp/o",
                "NOTIFY_SOCKET=/old $S -S -b --notify-await -O /tmp/o -n none -a /bin/sh -- -c 'env | grep -c NOTIFY_SOCKET; exec /t/debs/tell 0 READY=1'; cat /tmp/o; NOTIFY_SOCKET=/old $S -S -n none -a /bin/sh -- -c 'echo $NOTIFY_SOCKET'",
                "mv /run /run.away; mkdir -m 1777 /tmp/t; TMPDIR=/tmp/t $S -S -b --notify-await -O /tmp/o -n none -a /bin/sh -- -c 'echo ${NOTIFY_SOCKET%.*}; exec /t/debs/tell 0 READY=1'; echo $?; cat /tmp/o; rm /tmp/o; $S -S -b --notify-await -O /tmp/o -n none -a /bin/sh -- -c 'echo ${NOTIFY_SOCKET%.*}; exec /t/debs/tell 0 READY=1'; echo $?; cat /tmp/o; mv /run.away /run",
            ],
        )
    });
    case(c, "notify/long-socket-name", |w| {
        w.deviates(
            "start-stop-daemon --notify-await in a directory with a long name",
            0,
            1,
            &within(&format!(
                "D=/tmp/{}; mkdir -m 1777 $D /tmp/p; {AS_USER} env TMPDIR=$D $S -S -b --notify-await --notify-timeout 0 -m -p /tmp/p/p -n none -a /bin/true; [ -e /tmp/p/p ]",
                "d".repeat(90)
            )),
        );
    });
    case(c, "notify/as-a-user", |w| {
        each(
            w,
            &[
                &format!(
                    "chmod 1777 /tmp; {AS_USER} $S -S -b --notify-await -O /tmp/o -n none -a /bin/sh -- -c 'echo ${{NOTIFY_SOCKET%.*}}; exec perl /t/debs/tell 0 READY=1'; echo $?; cat /tmp/o; ls -A /tmp"
                ),
                &format!(
                    "{AS_USER} env TMPDIR=/none $S -S -b --notify-await -n none -a /bin/true 2>&1 | sed 's/notify[.][^ ]*/notify/'"
                ),
                &format!(
                    "{AS_USER} $S -S -b --notify-await -c nobody -n none -a /bin/true; echo $?; ls -A /tmp"
                ),
            ],
        );
    });
    case(c, "notify/verbose", |w| {
        each(
            w,
            &[
                "script -qec 'start-stop-daemon -S -v -b --notify-await --notify-timeout 30 -n none -a /t/debs/tell -- 2 STATUS=x 9 READY=1' /dev/null </dev/null | sed 's/[0-9]*sec [0-9]*nsec/TIME/' | sort",
                "$S -S -v -b --notify-await --notify-timeout 30 -n none -a /t/debs/tell -- 2 STATUS=x 9 READY=1; echo $?",
                "$S -S -v -b --notify-await --notify-timeout 30 -n none -a /t/debs/tell -- 2 STATUS=x 9 ERRNO=5 | sed 's/[0-9]*sec [0-9]*nsec/TIME/'",
            ],
        )
    });
    case(c, "notify/without-background", |w| {
        each(
            w,
            &[
                "$S -S --notify-await -n none -a /bin/sh -- -c 'echo [$NOTIFY_SOCKET]'; echo $?; $S -K --notify-await -n none; echo $?; $S -S -b --notify-timeout 5 -n none -a /bin/true; echo $?",
            ],
        )
    });
}
