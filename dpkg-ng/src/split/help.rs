//! The texts of dpkg-split's `--help`, `--version` and usage errors.

use libdpkgng::error::Result;
use libdpkgng::msg;

use super::DEPOT;
use crate::cli::text::{self, HELP_OPTIONS};
use crate::cli::{ADMINDIR, Process};

/// What usage errors end with.
pub const HINT: &str = "Type dpkg-split --help for help.";

/// The first line of `--help`: not that of the other tools.
const USAGE: &str = "Usage: %s [<option> ...] <command>\n\n";

/// The commands.
#[rustfmt::skip]
pub(super) const COMMANDS: &str = concat!(
    "Commands:\n",
    "  -s|--split <file> [<prefix>]     Split an archive.\n",
    "  -j|--join <part> <part> ...      Join parts together.\n",
    "  -I|--info <part> ...             Display info about a part.\n",
    "  -a|--auto -o <complete> <part>   Auto-accumulate parts.\n",
    "  -l|--listq                       List unmatched pieces.\n",
    "  -d|--discard [<filename> ...]    Discard unmatched pieces.\n",
    "\n",
);

/// The options.
#[rustfmt::skip]
pub(super) const OPTIONS: &str = concat!(
    "Options:\n",
    "      --depotdir <directory>       Use <directory> instead of %s/%s.\n",
    "      --admindir <directory>       Use <directory> instead of %s.\n",
    "      --root <directory>           Use <directory> instead of %s.\n",
    "  -S, --partsize <size>            In KiB, for -s (default is 450).\n",
    "  -o, --output <file>              Filename, for -j (default is\n",
    "                                     <package>_<version>_<arch>.deb).\n",
    "  -Q, --npquiet                    Be quiet when -a is not a part.\n",
    "      --msdos                      Generate 8.3 filenames.\n",
    "\n",
);

/// What the exit codes mean.
#[rustfmt::skip]
const EXIT_STATUS: &str = concat!(
    "Exit status:\n",
    "  0 = ok\n",
    "  1 = with --auto, file is not a part\n",
    "  2 = trouble\n",
);

/// `--help`
pub fn print_usage(process: &mut Process) -> Result<i32> {
    let parts = vec![
        msg!(USAGE, "dpkg-split"),
        msg!(COMMANDS),
        msg!(HELP_OPTIONS),
        msg!(OPTIONS, ADMINDIR, DEPOT, ADMINDIR, "/"),
        msg!(EXIT_STATUS),
    ];
    text::print_help(process, parts)
}

/// `--version`
pub fn print_version(process: &mut Process) -> Result<i32> {
    let first = msg!(
        "Debian '%s' package split/join tool; version %s.\n",
        "dpkg-split",
        text::reference_release()
    );
    text::print_version(process, first)
}
