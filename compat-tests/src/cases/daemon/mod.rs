//! start-stop-daemon: daemons really started, found and stopped.
//!
//! Every line runs in a process namespace of its own, whose first process is the shell of the
//! line. Nothing outside can be signalled, what is left running ends with the line, and the
//! numbers of processes are the same in every run, so that they are compared too. Lines
//! therefore must not fork a number of times that depends on the clock. What is to happen in time
//! has seconds for it, for the machine may be busy.

use super::Cases;
use crate::world::{Outcome, World};

mod matching;
mod options;
mod scripts;
mod start;
mod stop;

pub(super) fn add(c: &mut Cases) {
    options::add(c);
    matching::add(c);
    start::add(c);
    stop::add(c);
    scripts::add(c);
}

/// What every line begins with. `/tmp` is empty; then, with the shell's own means only,
/// `named PID NAME`, `written FILE` and, of one line, `told FILE` wait until that is so; `alive PID`
/// tells. Who is named also sleeps: what has just been executed has its libraries open.
const FUNCTIONS: &str = r#"S=start-stop-daemon
rm -rf /tmp/* /t/debs/is-deaf /t/debs/told
named() { until { read -r n <"/proc/$1/stat"; } 2>/dev/null && case $n in "$1 ($2) "[SZ]*) ;; *) false ;; esac; do :; done; }
written() { until [ -s "$1" ]; do :; done; }
told() { until read -r n <"$1"; do :; done 2>/dev/null; }
alive() { if kill -0 "$1" 2>/dev/null; then echo "$1 lives"; else echo "$1 is gone"; fi; }
"#;

/// Shows what a daemon has from who started it.
const SHOW: &str = r#"#!/usr/bin/perl
my $pid = shift;
sub slurp { local $/; open(my $f, '<', "/proc/$pid/$_[0]") or return "?"; my $t = <$f>; $t =~ tr/\0/ /; $t }
print "args: ", slurp("cmdline"), "\n";
print "$_: ", readlink("/proc/$pid/$_"), "\n" for qw(cwd root exe);
for my $fd (sort { $a <=> $b } map { m{([0-9]+)$} } glob "/proc/$pid/fd/*") {
    print "fd $fd: ", readlink("/proc/$pid/fd/$fd"), "\n";
}
my $status = slurp("status");
print "$1\n" while $status =~ /^((?:Name|Umask|PPid|Uid|Gid|Groups|SigBlk|SigIgn|NSsid):.*)$/mg;
my @stat = split / /, (slurp("stat") =~ /\) (.*)/s)[0];
print "nice $stat[16] tty $stat[4] rt priority $stat[37] policy $stat[38]\n";
print "io: ", `ionice -p $pid`;
print "env: $_\n" for grep { /^(HOME|NOTIFY_SOCKET|TMPDIR)=/ } split / /, slurp("environ");
"#;

/// A daemon that tells its socket what its arguments say, each after a pause of that many tenths.
const TELL: &str = r#"#!/usr/bin/perl
use Socket;
socket(my $s, PF_UNIX, SOCK_DGRAM, 0) or die;
my $to = sockaddr_un($ENV{NOTIFY_SOCKET});
while (defined(my $pause = shift)) {
    select undef, undef, undef, $pause / 10;
    my $text = shift;
    $text =~ s/\\n/\n/g;
    send($s, $text, 0, $to) or exit 7;
}
open(my $f, '>', "/t/debs/told"); print $f "told\n"; close $f;
sleep 60;
"#;

/// A daemon that does not mind signals: those that it is given, or TERM. It writes to
/// /t/debs/is-deaf when it is.
const DEAF: &str = r#"#!/usr/bin/perl
$SIG{$_} = 'IGNORE' for @ARGV ? @ARGV : 'TERM';
open(my $f, '>>', "/t/debs/is-deaf"); print $f "deaf\n"; close $f;
sleep 60;
"#;

/// A case that begins with the daemons above in place.
fn case(c: &mut Cases, name: &str, run: impl Fn(&mut World) + Sync + Send + 'static) {
    c.add(&format!("daemon/{name}"), move |w| {
        for (file, text) in [
            ("f", FUNCTIONS),
            ("show", SHOW),
            ("tell", TELL),
            ("deaf", DEAF),
        ] {
            w.prepare(&format!(
                "cat >/t/debs/{file} <<'END'\n{text}END\nchmod 755 /t/debs/{file}"
            ));
        }
        run(w);
    });
}

/// Runs a line of shell in a process namespace of its own.
fn run(w: &mut World, line: &str) -> Outcome {
    let line = within(line);
    w.run(&line)
}

/// The command that runs a line so.
fn within(line: &str) -> String {
    let script = line.replace('\'', r"'\''");
    format!("exec unshare --pid --fork --kill-child --mount-proc sh -c '. /t/debs/f; {script}'")
}

/// Runs each line by itself.
fn each(w: &mut World, lines: &[&str]) {
    for line in lines {
        run(w, line);
    }
}

/// The prefix that makes the user 1000 of a command.
const AS_USER: &str = "setpriv --reuid=1000 --regid=1000 --clear-groups";
