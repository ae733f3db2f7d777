//! `--help` and `--version`. Stock has these in English only.

use crate::cli::REFERENCE_VERSION;

/// The text of `--help`, in its paragraphs.
#[rustfmt::skip]
pub const HELP: [&str; 8] = [
    concat!(
        "Usage: start-stop-daemon [<option>...] <command>\n",
        "\n",
    ),
    concat!(
        "Commands:\n",
        "  -S, --start -- <argument>...  start a program and pass <arguments> to it\n",
        "  -K, --stop                    stop a program\n",
        "  -T, --status                  get the program status\n",
        "  -H, --help                    print help information\n",
        "  -V, --version                 print version\n",
        "\n",
    ),
    concat!(
        "Matching options (at least one is required):\n",
        "      --pid <pid>               pid to check\n",
        "      --ppid <ppid>             parent pid to check\n",
        "  -p, --pidfile <pid-file>      pid file to check\n",
        "  -x, --exec <executable>       program to start/check if it is running\n",
        "  -n, --name <process-name>     process name to check\n",
        "  -u, --user <username|uid>     process owner to check\n",
        "\n",
    ),
    concat!(
        "Options:\n",
        "  -g, --group <group|gid>       run process as this group\n",
        "  -c, --chuid <name|uid[:group|gid]>\n",
        "                                change to this user/group before starting\n",
        "                                  process\n",
        "  -s, --signal <signal>         signal to send (default TERM)\n",
        "  -a, --startas <pathname>      program to start (default is <executable>)\n",
        "  -r, --chroot <directory>      chroot to <directory> before starting\n",
        "  -d, --chdir <directory>       change to <directory> (default is /)\n",
        "  -N, --nicelevel <incr>        add incr to the process' nice level\n",
        "  -P, --procsched <policy[:prio]>\n",
        "                                use <policy> with <prio> for the kernel\n",
        "                                  process scheduler (default prio is 0)\n",
        "  -I, --iosched <class[:prio]>  use <class> with <prio> to set the IO\n",
        "                                  scheduler (default prio is 4)\n",
        "  -k, --umask <mask>            change the umask to <mask> before starting\n",
        "  -b, --background              force the process to detach\n",
        "      --notify-await            wait for a readiness notification\n",
        "      --notify-timeout <int>    timeout after <int> seconds of notify wait\n",
        "  -C, --no-close                do not close any file descriptor\n",
        "  -O, --output <filename>       send stdout and stderr to <filename>\n",
        "  -m, --make-pidfile            create the pidfile before starting\n",
        "      --remove-pidfile          delete the pidfile after stopping\n",
        "  -R, --retry <schedule>        check whether processes die, and retry\n",
        "  -t, --test                    test mode, don't do anything\n",
        "  -o, --oknodo                  exit status 0 (not 1) if nothing done\n",
        "  -q, --quiet                   be more quiet\n",
        "  -v, --verbose                 be more verbose\n",
        "\n",
    ),
    concat!(
        "Retry <schedule> is <item>|/<item>/... where <item> is one of\n",
        " -<signal-num>|[-]<signal-name>  send that signal\n",
        " <timeout>                       wait that many seconds\n",
        " forever                         repeat remainder forever\n",
        "or <schedule> may be just <timeout>, meaning <signal>/<timeout>/KILL/<timeout>\n",
        "\n",
    ),
    concat!(
        "The process scheduler <policy> can be one of:\n",
        "  other, fifo or rr\n",
        "\n",
    ),
    concat!(
        "The IO scheduler <class> can be one of:\n",
        "  real-time, best-effort or idle\n",
        "\n",
    ),
    concat!(
        "Exit status:\n",
        "  0 = done\n",
        "  1 = nothing done (=> 0 if --oknodo)\n",
        "  2 = with --retry, processes would not die\n",
        "  3 = trouble\n",
        "Exit status with --status:\n",
        "  0 = program is running\n",
        "  1 = program is not running and the pid file exists\n",
        "  3 = program is not running\n",
        "  4 = unable to determine status\n",
    ),
];

/// The text of `--version`: its first line is stock's, then it is our own.
pub fn version() -> String {
    format!(
        "start-stop-daemon {REFERENCE_VERSION} for Debian\n\n\
         This is dpkg-ng {}, a re-implementation of dpkg.\n",
        env!("CARGO_PKG_VERSION")
    )
}
