//! Stopping: one signal, or a schedule of them.

use super::super::Cases;
use super::{AS_USER, case, each, run, within};

pub(super) fn add(c: &mut Cases) {
    case(c, "stop/once", |w| {
        each(
            w,
            &[
                "exec 2>/dev/null; sleep 50 & named $! sleep; $S -K -n sleep; echo $?; wait $!; echo $?",
                "sleep 50 & named $! sleep; $S -K -v -n sleep; echo $?",
                "sleep 50 & named $! sleep; $S -K -q -n sleep; echo $?",
                "$S -K -n none; echo $?; $S -K -q -n none; echo $?; $S -K -v -n none; echo $?; $S -K -o -n none; echo $?; $S -K -oq -n none; echo $?",
            ],
        )
    });
    case(c, "stop/what-was-not-found", |w| {
        each(
            w,
            &[
                "$S -K -x /bin/sleep; $S -K -n none -x /bin/sleep; $S -K -p /none; $S -K --pid 4000 -u daemon; $S -K --ppid 4000; $S -K -u daemon; $S -K -x /bin/sleep -p /none; $S -K --ppid 4000 -u daemon; $S -K -u 1234; $S -K -d /bin -x sleep; $S -K -p /none --ppid 4",
                "$S -K -v --pid 4000; echo $?; echo 4000 >/tmp/p; $S -K -p /tmp/p; echo $?; $S -K -q -p /tmp/p; echo $?; $S -K -o -p /tmp/p; echo $?; $S -K -s 0 -p /tmp/p; echo $?",
            ],
        )
    });
    case(c, "stop/what-is-stopped", |w| {
        each(
            w,
            &[
                "sleep 50 & named $! sleep; echo $! >/tmp/p; for o in '-x /bin/sleep' '-p /tmp/p' \"--pid $!\" '-n sleep --ppid 1' \"--ppid 1 --pid $!\" \"-u root --pid $!\" '-x /bin/sleep -n sleep' '-p /tmp/p -x /bin/sleep' \"-u root -p /tmp/p\"; do $S -K -v -s 0 $o; done",
            ],
        )
    });
    case(c, "stop/signals", |w| {
        // The shell tells of a killed job, or not, depending on when it looks.
        for signal in ["HUP", "USR1", "9", "KILL", "64"] {
            run(
                w,
                &format!(
                    "exec 2>/dev/null; sleep 50 & named $! sleep; $S -K -v -s {signal} --pid $!; echo $?; wait $!; echo $?"
                ),
            );
        }
        for signal in ["STOP", "0", "65", "999", "CONT", "2147483647"] {
            run(
                w,
                &format!(
                    "sleep 50 & named $! sleep; $S -K -v -s {signal} --pid $!; echo $?; alive $!"
                ),
            );
        }
    });
    case(c, "stop/test-mode", |w| {
        each(
            w,
            &[
                "sleep 50 & named $! sleep; $S -K -t -n sleep; echo $?; $S -K -t -s KILL -n sleep; $S -K -t -q -n sleep; echo $?; $S -K -t -v -R 5 -n sleep; echo $?; $S -K -t -q -R 5 -n sleep; alive $!; $S -K -t -n none; echo $?",
                "echo $$ >/tmp/p; $S -K -t -p /tmp/p --remove-pidfile; cat /tmp/p; $S -K -t -p /tmp/none --remove-pidfile; echo $?",
            ],
        )
    });
    case(c, "stop/remove-pidfile", |w| {
        each(
            w,
            &[
                "sleep 50 & named $! sleep; echo $! >/tmp/p; $S -K -p /tmp/p --remove-pidfile; echo $?; ls /tmp/p; $S -K -p /tmp/p --remove-pidfile; echo $?; $S -K -o -p /tmp/p --remove-pidfile; echo $?",
                "echo 4000 >/tmp/p; $S -K -p /tmp/p --remove-pidfile; echo $?; ls /tmp/p; echo x >/tmp/p; $S -K -p /tmp/p --remove-pidfile; echo $?; ls /tmp/p; mkdir /tmp/d; $S -K -p /tmp/d --remove-pidfile; echo $?; chmod 755 /tmp/d; $S -K -p /tmp/d --remove-pidfile; echo $?",
                "/t/debs/deaf & written /t/debs/is-deaf; echo $! >/tmp/p; $S -K -p /tmp/p --remove-pidfile -R TERM/0/KILL/30; echo $?; ls /tmp/p; $S -K -p /tmp/p --remove-pidfile; echo $?; ls /tmp/p",
                "echo 4000 >/tmp/q; ln -s q /tmp/p; $S -K -p /tmp/p --remove-pidfile; ls /tmp; echo 4000 >/tmp/p; chmod 666 /tmp/p; $S -K -p /tmp/p --remove-pidfile; echo $?; ls /tmp",
                &format!(
                    "echo 4000 >/tmp/p; chmod 755 /tmp; {AS_USER} $S -K -p /tmp/p --remove-pidfile; echo $?; {AS_USER} $S -K -q -p /tmp/p --remove-pidfile; echo $?"
                ),
            ],
        )
    });
    retry(c);
    case(c, "stop/reused-pid", |w| {
        // The daemon ends at TERM, and another process gets its number before anybody looks again.
        let line = "perl -e '$SIG{TERM} = sub { open F, \">\", \"/t/debs/told\"; print F 1; close F; select undef, undef, undef, 0.01 until -e \"/tmp/go\"; exit }; open F, \">\", \"/t/debs/is-deaf\"; print F 1; close F; sleep 60 while 1' & P=$!; written /t/debs/is-deaf; \
            $S -K -q --pid $P -R TERM/5/KILL/5 & Q=$!; written /t/debs/told; kill -STOP $Q; until read -r a a s a <\"/proc/$Q/stat\" && [ $s = T ]; do :; done; \
            echo x >/tmp/go; wait $P; echo $((P-1)) >/proc/sys/kernel/ns_last_pid; sleep 50 & [ $! = $P ] || exit 99; kill -CONT $Q; wait $Q; kill -0 $P";
        w.deviates("start-stop-daemon reused pid", 1, 0, &within(line));
    });
}

fn retry(c: &mut Cases) {
    case(c, "retry/ends-at-once", |w| {
        each(
            w,
            &[
                "sleep 50 & named $! sleep; $S -K -v -R 30 -n sleep; echo $?",
                "sleep 50 & named $! sleep; $S -K -q -R 30 -n sleep; echo $?",
                "sleep 50 & named $! sleep; echo $! >/tmp/p; $S -K -v -R TERM/30/KILL/5 -p /tmp/p --remove-pidfile; echo $?; ls /tmp/p",
                "$S -K -v -R 5 -n none; echo $?; $S -K -o -R 5 -n none; echo $?; $S -K -q -R forever/TERM/1 -n none; echo $?",
            ],
        )
    });
    case(c, "retry/ignores-term", |w| {
        each(
            w,
            &[
                "exec 2>/dev/null; /t/debs/deaf & written /t/debs/is-deaf; $S -K -v -R 3 --pid $!; echo $?; wait $!; echo $?",
                "/t/debs/deaf & written /t/debs/is-deaf; $S -K -v -R TERM/1/KILL/30 --pid $!; echo $?",
                "/t/debs/deaf & written /t/debs/is-deaf; $S -K -q -R TERM/1/HUP/30 --pid $!; echo $?",
                "/t/debs/deaf TERM HUP INT & written /t/debs/is-deaf; $S -K -v -R TERM/0/HUP/0/INT/1 --pid $!; echo $?; alive $!",
                "/t/debs/deaf & written /t/debs/is-deaf; $S -K -v -s INT -R 3 --pid $!; echo $?",
            ],
        )
    });
    case(c, "retry/refuses-to-die", |w| {
        each(
            w,
            &[
                "/t/debs/deaf & written /t/debs/is-deaf; $S -K -R TERM/1 --pid $!; echo $?; $S -K -q -R TERM/0 --pid $!; echo $?; $S -K -o -R TERM/0/TERM/0 -v --pid $!; echo $?; alive $!",
                "/t/debs/deaf & written /t/debs/is-deaf; rm /t/debs/is-deaf; /t/debs/deaf HUP TERM & written /t/debs/is-deaf; $S -K -R TERM/0 -x /usr/bin/perl; echo $?",
            ],
        )
    });
    case(c, "retry/only-waits", |w| {
        // In no time stock looks only if its clock is still at the same microsecond.
        run(
            w,
            "sleep 50 & named $! sleep; { $S -K -v -R 0/0 -n sleep; echo $?; } | sed 's/[01] process/N process/'",
        );
        each(
            w,
            &[
                "sleep 50 & named $! sleep; $S -K -v -R 1/0 -n sleep; echo $?; $S -K -R 0/1 -n none; echo $?; $S -K -R 1/0 -o -n none; echo $?; alive $!",
                "sleep 1 & named $! sleep; $S -K -v -R 30/0 -n sleep; echo $?",
            ],
        )
    });
    case(c, "retry/signals-without-pause", |w| {
        each(
            w,
            &[
                "/t/debs/deaf TERM HUP INT & written /t/debs/is-deaf; $S -K -v -R TERM/HUP/INT --pid $!; echo $?",
                "/t/debs/deaf TERM HUP & written /t/debs/is-deaf; $S -K -v -R 0/-0/1/-TERM/0/-1 --pid $!; echo $?",
                "/t/debs/deaf & written /t/debs/is-deaf; $S -K -v -R TERM/-999/1 --pid $!; echo $?",
                "$S -K -R -999/1/-999 -v --pid 1; echo $?",
            ],
        )
    });
    case(c, "retry/forever", |w| {
        each(
            w,
            &[
                // It minds the third TERM.
                "perl -e '$SIG{TERM} = sub { ++$n == 3 and exit }; open F, \">\", \"/t/debs/is-deaf\"; print F 1; close F; sleep 60 while 1' & written /t/debs/is-deaf; $S -K -v -R forever/TERM/2 --pid $!; echo $?",
                "perl -e '$SIG{TERM} = sub { ++$n == 2 and exit }; $SIG{HUP} = \"IGNORE\"; open F, \">\", \"/t/debs/is-deaf\"; print F 1; close F; sleep 60 while 1' & written /t/debs/is-deaf; $S -K -v -R HUP/0/forever/TERM/2 --pid $!; echo $?",
                "/t/debs/deaf & written /t/debs/is-deaf; timeout 2 $S -K -v -R forever/TERM/1 --pid $!; echo $?; alive $!",
            ],
        )
    });
    case(c, "retry/as-a-user", |w| {
        run(
            w,
            &format!(
                "sleep 50 & named $! sleep; {AS_USER} $S -K -R 1 --pid $!; echo $?; {AS_USER} $S -K -q -R 1/TERM/1 --pid $!; echo $?; {AS_USER} $S -K -o -R TERM/1 -x /bin/true --pid $!; echo $?"
            ),
        );
    });
    case(c, "retry/is-gone-in-between", |w| {
        each(
            w,
            &[
                "sleep 4 & named $! sleep; $S -K -v -R CONT/30/TERM/1 -n sleep; echo $?",
                "sleep 4 & named $! sleep; echo $! >/tmp/p; $S -K -R CONT/0/CONT/30/KILL/1 -p /tmp/p --remove-pidfile; echo $?; ls /tmp/p",
            ],
        )
    });
    case(c, "retry/pid-file-goes-first", |w| {
        each(
            w,
            &[
                // The number is read once.
                "perl -e '$SIG{TERM} = sub { unlink \"/tmp/p\" }; open F, \">\", \"/t/debs/is-deaf\"; print F 1; close F; sleep 60 while 1' & written /t/debs/is-deaf; echo $! >/tmp/p; $S -K -v -R TERM/3/KILL/30 -p /tmp/p --remove-pidfile; echo $?; alive $!; ls /tmp/p",
                "perl -e '$SIG{TERM} = sub { open F, \">\", \"/tmp/p\"; print F 1; close F }; open F, \">\", \"/t/debs/is-deaf\"; print F 1; close F; sleep 60 while 1' & written /t/debs/is-deaf; echo $! >/tmp/p; $S -K -v -R TERM/3/KILL/30 -p /tmp/p; echo $?",
            ],
        )
    });
    case(c, "retry/interrupted", |w| {
        each(
            w,
            &[
                "/t/debs/deaf & written /t/debs/is-deaf; timeout -s INT 1 $S -K -R TERM/30 --pid $!; echo $?; timeout -s CONT -k 1 1 $S -K -v -R TERM/30 --pid $!; echo $?",
            ],
        )
    });
}
