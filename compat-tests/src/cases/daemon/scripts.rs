//! The calls that Debian's init scripts make: /lib/lsb/init-functions, init-d-script and the
//! scripts of services.

use super::super::Cases;
use super::{case, each, run};

/// These functions call it by its place, not from PATH.
const LSB: &str =
    "sed -i s,/sbin/start-stop-daemon,/t/bin/start-stop-daemon, /lib/lsb/init-functions";

pub(super) fn add(c: &mut Cases) {
    case(c, "scripts/lsb-start-daemon", |w| {
        w.prepare(LSB);
        each(
            w,
            &[
                ". /lib/lsb/init-functions; start_daemon /bin/echo hello; echo $?; start_daemon -n 5 /usr/bin/nice; start_daemon -f /bin/echo forced; start_daemon -p /tmp/p -- /bin/echo x --verbose",
                ". /lib/lsb/init-functions; sleep 50 & named $! sleep; echo $! >/tmp/p; start_daemon -p /tmp/p /bin/sleep 5; echo $?; start_daemon -f -n -1 -p /tmp/p /bin/echo y; echo $?; start_daemon -p '' /bin/sleep 50; echo $?",
                ". /lib/lsb/init-functions; cd /tmp; start_daemon /bin/pwd; start_daemon /none; echo $?",
            ],
        )
    });
    case(c, "scripts/lsb-killproc", |w| {
        w.prepare(LSB);
        each(
            w,
            &[
                ". /lib/lsb/init-functions; sleep 50 & named $! sleep; echo $! >/tmp/p; killproc -p /tmp/p /bin/sleep; echo $?; killproc -p /tmp/p /bin/sleep; echo $?; ls /tmp/p",
                ". /lib/lsb/init-functions; sleep 50 & named $! sleep; echo $! >/tmp/p; killproc -p /tmp/p /bin/sleep TERM; echo $?; wait; killproc -p /tmp/p /bin/sleep 15; echo $?; ls /tmp/p",
                ". /lib/lsb/init-functions; sleep 50 & named $! sleep; mkdir -p /var/run; echo $! >/var/run/sleep.pid; killproc /bin/sleep -HUP; echo $?; wait; killproc /bin/sleep SIGUSR1; echo $?; killproc /bin/sleep; echo $?; killproc /bin/none; echo $?",
            ],
        )
    });
    case(c, "scripts/init-d-script", |w| {
        // do_start_cmd, do_stop_cmd and do_reload_signal, as that file has them.
        run(
            w,
            "P=/tmp/p; $S --start --quiet --pidfile $P --exec /bin/sleep --background --make-pidfile -- 50; echo $?; read N <$P; named $N sleep; \
            $S --start --quiet --pidfile $P --exec /bin/sleep --background --make-pidfile -- 50; echo $?; $S --stop --signal 0 --quiet --pidfile $P --exec /bin/sleep; echo $?; \
            $S --stop --quiet --retry=CONT/0/TERM/30/KILL/5 --pidfile $P --exec /bin/sleep; echo $?; $S --stop --quiet --oknodo --retry=0/30/KILL/5 --exec /bin/sleep; echo $?; \
            $S --stop --quiet --retry=CONT/0/TERM/30/KILL/5 --pidfile $P --exec /bin/sleep; echo $?",
        );
        run(
            w,
            "$S --start --quiet --name none --exec /bin/echo -- hello; $S --stop --quiet --retry=CONT/0/TERM/30/KILL/5 --name none --exec /bin/echo; echo $?",
        );
    });
    case(c, "scripts/init-d-script-itself", |w| {
        w.prepare("cat >/t/debs/service <<'END'\n#!/bin/sh\nif [ true != \"$INIT_D_SCRIPT_SOURCED\" ]; then set \"$0\" \"$@\"; INIT_D_SCRIPT_SOURCED=true . /lib/init/init-d-script; fi\n### BEGIN INIT INFO\n# Provides: service\n# Required-Start:\n# Required-Stop:\n# Default-Start:\n# Default-Stop:\n# Short-Description: x\n### END INIT INFO\nDESC=Service\nDAEMON=/bin/sleep\nDAEMON_ARGS=50\nPIDFILE=/tmp/service.pid\nSTART_ARGS='--background --make-pidfile'\nEND\nchmod 755 /t/debs/service");
        run(
            w,
            "/t/debs/service status; echo $?; /t/debs/service start; echo $?; read N </tmp/service.pid; named $N sleep; /t/debs/service start; echo $?; /t/debs/service status; echo $?; /t/debs/service stop; echo $?; /t/debs/service stop; echo $?; ls /tmp",
        );
    });
    case(c, "scripts/dbus", |w| {
        each(
            w,
            &[
                "$S --start --quiet --pidfile /tmp/p --exec /bin/sleep -b -m -- 50; read N </tmp/p; named $N sleep; $S --stop --retry 30 --quiet --oknodo --pidfile /tmp/p --user root; echo $?; $S --stop --retry 30 --quiet --oknodo --pidfile /tmp/p --user root; echo $?",
            ],
        )
    });
    case(c, "scripts/openbsd-inetd", |w| {
        each(
            w,
            &[
                "$S --start --quiet --pidfile /tmp/inetd.pid --startas /bin/sh -- -c 'echo $$ >/tmp/inetd.pid; echo started'; echo $?; $S --stop --quiet --oknodo --pidfile /tmp/inetd.pid; echo $?; $S --stop --signal 1 --quiet --oknodo --pidfile /tmp/inetd.pid; echo $?",
            ],
        )
    });
    case(c, "scripts/exim4", |w| {
        each(
            w,
            &[
                "$S --start --pidfile /tmp/exim.pid --exec /bin/echo -- -bd -q30m; sleep 50 & named $! sleep; echo $! >/tmp/exim.pid; $S --stop --retry=60 --quiet --oknodo --exec /bin/sleep --pidfile /tmp/exim.pid; echo $?; $S --stop --retry 60 --quiet --oknodo --remove-pidfile --pidfile /tmp/exim.pid --exec /bin/sleep; echo $?; ls /tmp/exim.pid",
                "$S --start --exec /bin/echo --pidfile /none -- -bd; echo $?; sleep 50 & named $! sleep; $S --stop --signal HUP --exec /bin/sleep; echo $?",
            ],
        )
    });
    case(c, "scripts/sshd-and-cron", |w| {
        each(
            w,
            &[
                "$S --start --quiet --oknodo --chuid 0:0 --pidfile /tmp/sshd.pid --exec /usr/bin/id -- -G; echo $?; $S --stop --quiet --oknodo --pidfile /tmp/sshd.pid --exec /usr/sbin/sshd; echo $?",
                "$S --stop --quiet --oknodo --signal 1 --pidfile /tmp/p --exec /bin/sleep; echo $?",
                "sleep 50 & named $! sleep; echo $! >/tmp/p; $S --status --pidfile /tmp/p --name sleep && echo running; $S --stop --quiet --retry=TERM/30/KILL/5 --pidfile /tmp/p --name sleep; echo $?; $S --status --pidfile /tmp/p --name sleep; echo $?",
            ],
        )
    });
    case(c, "scripts/skeleton", |w| {
        each(
            w,
            &[
                "D='--start --quiet --pidfile /tmp/p --exec /bin/sleep'; $S $D --test >/dev/null; echo $?; $S $D -b -m -- 50; echo $?; read N </tmp/p; named $N sleep; $S $D --test >/dev/null; echo $?; $S --stop --quiet --retry=TERM/30/KILL/5 --pidfile /tmp/p --name sleep; echo $?; $S --stop --quiet --oknodo --retry=0/30/KILL/5 --exec /bin/sleep; echo $?",
            ],
        )
    });
    case(c, "scripts/database-server", |w| {
        each(
            w,
            &[
                "$S --start --chuid daemon:daemon --umask 007 --chdir /tmp --background --make-pidfile --pidfile /tmp/p --notify-await --notify-timeout 30 --startas /t/debs/tell -- 2 READY=1; echo $?; $S --status --pidfile /tmp/p --user daemon; echo $?; $S --stop --user daemon --retry forever/TERM/30 --pidfile /tmp/p --remove-pidfile -v; echo $?; ls /tmp/p",
            ],
        )
    });
}
