//! The command line: its grammar, and everything it refuses.

use super::super::Cases;
use super::{case, each, run};

/// Usage that is wrong, or only just right, by what it is about.
const LINES: &[(&str, &[&str])] = &[
    (
        "help",
        &["$S --help", "$S -H --nonsense", "$S -t --he", "$S -K -S -H"],
    ),
    (
        "nothing",
        &[
            "$S",
            "$S x",
            "$S --",
            "$S ''",
            "$S -",
            "$S -S",
            "$S -K",
            "$S -T",
            "$S -x /bin/true",
        ],
    ),
    (
        "unknown",
        &[
            "$S --nonsense",
            "$S --nonsense=x",
            "$S -Z",
            "$S -qZ",
            "$S -:",
            "$S '-;'",
            "$S -W x",
            "$S --status --nonsense",
            "$S -T -Z",
            "$S ---help",
        ],
    ),
    (
        "abbreviations",
        &[
            "$S --hel",
            "$S --st",
            "$S --sta",
            "$S --star",
            "$S --start",
            "$S --sto",
            "$S --stat",
            "$S --p",
            "$S --pi 1",
            "$S --pid 1",
            "$S --pidf",
            "$S --pidfil /none -T",
            "$S --no",
            "$S --n x",
            "$S --not",
            "$S --notify-t",
            "$S --c",
            "$S --ch /",
            "$S --chu x",
            "$S --chr",
            "$S --=x",
            "$S --s=x",
            "$S --p=x",
            "$S --re",
            "$S --ret 1",
            "$S --ver",
            "$S --vers | head -n 2",
            "$S --u",
            "$S --i",
        ],
    ),
    (
        "missing-values",
        &[
            "$S -a",
            "$S --startas",
            "$S -n",
            "$S --name",
            "$S --pid",
            "$S --ppid",
            "$S -p",
            "$S -s",
            "$S -u",
            "$S -g",
            "$S -r",
            "$S -x",
            "$S -c",
            "$S -N",
            "$S -P",
            "$S -I",
            "$S -k",
            "$S --notify-timeout",
            "$S -O",
            "$S -R",
            "$S -d",
            "$S -T -d",
            "$S -Sx",
        ],
    ),
    (
        "unwanted-values",
        &[
            "$S --start=x",
            "$S --quiet=",
            "$S --he=x",
            "$S --stat=1",
            "$S -T --test=x",
            "$S --notify-a=1",
            "$S --no-close=no",
        ],
    ),
    (
        "two-commands",
        &[
            "$S -S -K",
            "$S -S -S",
            "$S -K -T",
            "$S -T -K",
            "$S -T -S -n x",
            "$S --start --start --exec /bin/true",
            "$S -T -T -n none",
        ],
    ),
    (
        "pid-values",
        &[
            "$S -K --pid 0",
            "$S -K --pid x",
            "$S -K --pid ''",
            "$S -K --pid -1",
            "$S -K --pid 1x",
            "$S -K --pid 99999999999",
            "$S -K --ppid 0",
            "$S -T --ppid x",
            "$S -K --pid ' +4000 '",
            "$S -K --pid ' +4000'",
            "$S -T --pid 0",
        ],
    ),
    (
        "signal-values",
        &[
            "$S -K -n none -s x",
            "$S -K -n none -s SIGTERM",
            "$S -K -n none -s term",
            "$S -K -n none -s -1",
            "$S -K -n none -s ''",
            "$S -K -n none -s 99999999999",
            "$S -T -n none -s x",
            "$S -K -n none -s +9",
        ],
    ),
    (
        "schedules",
        &[
            "$S -K -n none -R x",
            "$S -K -n none -R ''",
            "$S -K -n none -R TERM",
            "$S -K -n none -R forever",
            "$S -K -n none -R 5x",
            "$S -K -n none -R /",
            "$S -K -n none -R /5",
            "$S -K -n none -R 5//6",
            "$S -K -n none -R TERM/x",
            "$S -K -n none -R TERM/-x",
            "$S -K -n none -R TERM/--9",
            "$S -K -n none -R TERM/99999999999",
            "$S -K -n none -R 00000000000000000005/1",
            "$S -K -n none -R TERM/00000000000000000005",
            "$S -K -n none -R 00000000000000000005",
            "$S -K -n none -R TERM/forever",
            "$S -K -n none -R forever/TERM/forever/5",
            "$S -K -n none -R forever/TERM/5",
            "$S -K -n none -R TERM/5/forever/",
            "$S -K -n none -R -TERM/-9/5/KILL/0",
            "$S -T -n none -R x",
            "$S -K -n none -R +9/1",
            "$S -K -n none -R '-/5'",
            "$S -K -n none -R ' 9/5'",
        ],
    ),
    (
        "process-scheduler-values",
        &[
            "$S -S -x /bin/true -t -P x",
            "$S -S -x /bin/true -t -P ''",
            "$S -S -x /bin/true -t -P fifo",
            "$S -S -x /bin/true -t -P fifo:",
            "$S -S -x /bin/true -t -P fifo:x",
            "$S -S -x /bin/true -t -P fifo:99999999999999999999",
            "$S -S -x /bin/true -t -P fifo:9999999999",
            "$S -S -x /bin/true -t -P rr:100",
            "$S -S -x /bin/true -t -P rr:99",
            "$S -S -x /bin/true -t -P other:50",
            "$S -S -x /bin/true -t -P batch",
            "$S -S -x /bin/true -t -P other:x",
            "$S -S -x /bin/true -t -P x:y",
            "$S -S -x /bin/true -t -P fifo:1:2",
            "$S -T -P fifo:x",
            "$S -T -P x",
        ],
    ),
    (
        "io-scheduler-values",
        &[
            "$S -S -x /bin/true -t -I x",
            "$S -S -x /bin/true -t -I real-time:8",
            "$S -S -x /bin/true -t -I best-effort:x",
            "$S -S -x /bin/true -t -I idle:9",
            "$S -S -x /bin/true -t -I idle:x",
            "$S -S -x /bin/true -t -I best-effort:-1",
            "$S -S -x /bin/true -t -I best-effort:99999999999999999999",
            "$S -S -x /bin/true -t -I best-effort",
            "$S -S -x /bin/true -t -I best-effort:0",
            "$S -T -I best-effort:x",
        ],
    ),
    (
        "umask-values",
        &[
            "$S -S -x /bin/true -t -k x",
            "$S -S -x /bin/true -t -k 8",
            "$S -S -x /bin/true -t -k 08",
            "$S -S -x /bin/true -t -k -1",
            "$S -S -x /bin/true -t -k 0x1f",
            "$S -S -x /bin/true -t -k 0b",
            "$S -S -x /bin/true -t -k 0b2",
            "$S -S -x /bin/true -t -k ''",
            "$S -T -k x",
        ],
    ),
    (
        "notify-values",
        &[
            "$S -S -x /bin/true -t --notify-timeout x",
            "$S -S -x /bin/true -t --notify-timeout ''",
            "$S -S -x /bin/true -t --notify-timeout -5",
            "$S -S -x /bin/true -t --notify-timeout 5",
            "$S -S -x /bin/true -t --notify-await",
        ],
    ),
    (
        "what-goes-with-what",
        &[
            "$S -S -p /none",
            "$S -S -n none",
            "$S -S -m -x /bin/true",
            "$S -S --remove-pidfile -x /bin/true",
            "$S -K --pid 4000 -p /none",
            "$S -K -b -n none",
            "$S -T -b -n none",
            "$S -S -C -x /bin/true",
            "$S -S -O /x -x /bin/true",
            "$S -S -b -O x -x /bin/true",
            "$S -S -b -O '' -x /bin/true",
            "$S -K -O /x -n none",
            "$S -K -m -n none",
            "$S -K -C -n none",
            "$S -T -m -n none",
            "$S -S -a /bin/true",
            "$S -S -a /bin/true -u nobody -t",
            "$S -S -x '' -t",
            "$S -S -x /bin/true -a '' -t",
            "$S -K -n ''",
            "$S -K -u ''",
        ],
    ),
    (
        "order-of-complaints",
        &[
            "$S -K -s x --pid x -R x",
            "$S -K -R x -P x",
            "$S -b -k x",
            "$S -O x -b",
            "$S -S -m -C",
            "$S -K -n abcdefghijklmnop -m",
            "$S -m -C -O x",
            "$S -S -x /none -u none -g none -c none",
            "$S -S -x /bin/true -u none -g none -c none",
            "$S -S -x /bin/true -g none -c none",
        ],
    ),
    (
        "long-name",
        &[
            "$S -K -n abcdefghijklmno",
            "$S -K -n abcdefghijklmnop",
            "$S -T -q -n abcdefghijklmnop",
            "$S -S -q -n abcdefghijklmnop -x /bin/true",
            "$S -K -o -n start-stop-daemon",
        ],
    ),
    (
        "chuid-values",
        &[
            "$S -S -x /bin/true -c nobody:",
            "$S -T -c nobody:",
            "$S -c : ",
            "$S -S -x /bin/true -t -c :root",
            "$S -S -x /bin/true -t -c ''",
            "$S -S -x /bin/true -t -c none",
            "$S -S -x /bin/true -t -c 4242",
            "$S -S -x /bin/true -t -c 65534",
            "$S -S -x /bin/true -t -c nobody:none",
            "$S -S -x /bin/true -t -c nobody:12345",
            "$S -S -x /bin/true -t -c -1",
            "$S -T -n none -c none",
        ],
    ),
    (
        "users-and-groups",
        &[
            "$S -K -u none",
            "$S -T -u none",
            "$S -K -u 4242",
            "$S -K -u -1",
            "$S -S -x /bin/true -t -g none",
            "$S -S -x /bin/true -t -g 4242",
            "$S -S -x /bin/true -t -g users",
            "$S -S -x /bin/true -t -g users -c nobody",
            "$S -S -x /bin/true -t -c nobody -g users",
            "$S -S -x /bin/true -t -c nobody:users -g mail",
            "$S -S -x /bin/true -t -g mail -c nobody:users",
        ],
    ),
    (
        "programs",
        &[
            "$S -S -x /none",
            "$S -T -x /none",
            "$S -K -x /none",
            "$S -S -x none",
            "$S -S -x true -d /bin -t",
            "$S -S -x true -d bin -t",
            "$S -S -x bin/true -t",
            "$S -S -x /bin/true -r /none -t",
            "$S -S -x /bin/true -r / -t",
            "$S -K -x none -r /t -d sub",
        ],
    ),
    (
        "operands",
        &[
            "$S -S -x /bin/echo -- a b",
            "$S -S -x /bin/echo a b",
            "$S -S a -x b /bin/echo c",
            "$S -S a -x /bin/echo b --quiet c -- -d e",
            "$S -S -x /bin/echo -- -- a",
            "$S -S -x /bin/echo - -- -",
            "POSIXLY_CORRECT=1 $S -S -x /bin/echo a -q -- b",
            "POSIXLY_CORRECT= $S -S a -x /bin/echo",
            "$S -Sx /bin/echo -- 'a  b' '' c",
            "$S -Sqx/bin/echo -- x",
            "$S -SqN5x /bin/echo -- x",
            "$S -x -- -S",
        ],
    ),
    (
        "names-of-the-program",
        &[
            "/t/bin/start-stop-daemon -Z",
            "cd /t/bin; ./start-stop-daemon --nonsense",
            "/t/bin/start-stop-daemon -S -x /none",
            "/t/bin/start-stop-daemon -K -n abcdefghijklmnop",
            "ln -s /t/bin/start-stop-daemon /tmp/start-stop-daemon.REAL; cd /tmp; ./start-stop-daemon.REAL -Z; ./start-stop-daemon.REAL -K -x /none",
        ],
    ),
    (
        "output-closed",
        &[
            "$S -K -n none >&-; echo $?",
            "$S -K -n none >/dev/full; echo $?",
            "$S -H >/dev/full; echo $?",
            "$S -Z 2>&-; echo $?",
            "$S -S -x /bin/true -t >&-; echo $?",
        ],
    ),
];

pub(super) fn add(c: &mut Cases) {
    for (name, lines) in LINES {
        case(c, &format!("options/{name}"), |w| each(w, lines));
    }
    case(c, "options/version", |w| {
        for option in ["--version", "-V", "-K -S -V", "-ZV", "-TV"] {
            run(w, &format!("$S {option} | head -n 2"));
        }
    });
    case(c, "options/pidof-is-extra", |w| {
        // What 1.22 does not know, and what 1.23 does with it.
        let name = "start-stop-daemon --pidof";
        let line = super::within("sleep 50 & named $! sleep; $S --pidof --name sleep; exit $?");
        w.deviates(name, 3, 0, &line);
        w.deviates(name, 3, 4, &super::within("$S --pidof"));
        // It is no abbreviation's fault.
        run(w, "$S --pido");
    });
    case(c, "options/slash-at-the-end-of-a-schedule", |w| {
        run(w, "$S -K -n none -R TERM/5/ 2>/dev/null; echo $?");
    });
    case(c, "options/no-user-databases", |w| {
        w.prepare("mv /etc/passwd /etc/passwd.away; mv /etc/group /etc/group.away");
        each(
            w,
            &[
                "$S -K -u nobody",
                "$S -S -x /bin/true -c nobody -t",
                "$S -S -x /bin/true -g mail -t",
                "$S -S -x /bin/true -c 65534 -t",
                "$S -K -u 65534",
            ],
        );
    });
    case(c, "options/language", |w| {
        w.prepare("localedef -i de_DE -f UTF-8 de_DE.UTF-8 || :");
        w.env("LC_ALL", "de_DE.UTF-8");
        each(w, &["$S -Z", "$S -K -x /none", "$S -K -n none", "$S --pi"]);
    });
}
