//! The texts of `--help` and `--version`.

use libdpkgng::alternatives::{Dirs, PROGNAME};
use libdpkgng::msg;

use super::voice::Voice;
use crate::cli::REFERENCE_VERSION;
use crate::cli::text::{LICENCE, ours};

/// The first line.
#[rustfmt::skip]
const USAGE: &str = concat!(
    "Usage: %s [<option> ...] <command>\n",
    "\n",
);

/// The commands.
#[rustfmt::skip]
pub(super) const COMMANDS: &str = concat!(
    "Commands:\n",
    "  --install <link> <name> <path> <priority>\n",
    "    [--slave <link> <name> <path>] ...\n",
    "                           add a group of alternatives to the system.\n",
    "  --remove <name> <path>   remove <path> from the <name> group alternative.\n",
    "  --remove-all <name>      remove <name> group from the alternatives system.\n",
    "  --auto <name>            switch the master link <name> to automatic mode.\n",
    "  --display <name>         display information about the <name> group.\n",
    "  --query <name>           machine parseable version of --display <name>.\n",
    "  --list <name>            display all targets of the <name> group.\n",
    "  --get-selections         list master alternative names and their status.\n",
    "  --set-selections         read alternative status from standard input.\n",
    "  --config <name>          show alternatives for the <name> group and ask the\n",
    "                           user to select which one to use.\n",
    "  --set <name> <path>      set <path> as alternative for <name>.\n",
    "  --all                    call --config on all alternatives.\n",
    "\n",
);

/// What the placeholders mean; takes the altdir.
#[rustfmt::skip]
const PLACEHOLDERS: &str = concat!(
    "<link> is the symlink pointing to %s/<name>.\n",
    "  (e.g. /usr/bin/pager)\n",
    "<name> is the master name for this link group.\n",
    "  (e.g. pager)\n",
    "<path> is the location of one of the alternative target files.\n",
    "  (e.g. /usr/bin/less)\n",
    "<priority> is an integer; options with higher numbers have higher priority in\n",
    "  automatic mode.\n",
    "\n",
);

/// The options; takes the altdir and the admindir.
#[rustfmt::skip]
pub(super) const OPTIONS: &str = concat!(
    "Options:\n",
    "  --altdir <directory>     change the alternatives directory\n",
    "                             (default is %s).\n",
    "  --admindir <directory>   change the administrative directory\n",
    "                             (default is %s).\n",
    "  --instdir <directory>    change the installation directory.\n",
    "  --root <directory>       change the filesystem root directory.\n",
    "  --log <file>             change the log file.\n",
    "  --force                  allow replacing files with alternative links.\n",
    "  --skip-auto              skip prompt for alternatives correctly configured\n",
    "                           in automatic mode (relevant for --config only)\n",
    "  --quiet                  quiet operation, minimal output.\n",
    "  --verbose                verbose operation, more output.\n",
    "  --debug                  debug output, way more output.\n",
    "  --help                   show this help message.\n",
    "  --version                show the version.\n",
);

/// `--help`, with the directories as options before it have set them.
pub fn print_usage(voice: &mut Voice, dirs: &Dirs) {
    voice.output(msg!(USAGE, PROGNAME));
    voice.output(msg!(COMMANDS));
    voice.output(msg!(PLACEHOLDERS, &dirs.altdir));
    voice.output(msg!(OPTIONS, &dirs.altdir, &dirs.admdir));
}

/// `--version`
pub fn print_version(voice: &mut Voice) {
    voice.output(msg!("%s version %s.\n", PROGNAME, REFERENCE_VERSION));
    voice.output(msg!("\n"));
    voice.output(ours());
    voice.output(msg!(LICENCE));
}
