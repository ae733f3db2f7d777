//! The texts of dpkg-divert's `--help`, `--version` and usage errors.

use libdpkgng::error::Result;
use libdpkgng::msg;

use crate::cli::Process;
use crate::cli::text::{self, USAGE, VERSION};

/// What usage errors end with.
pub const HINT: &str = "Use --help for help about diverting files.";

/// The commands.
#[rustfmt::skip]
pub(super) const COMMANDS: &str = concat!(
    "Commands:\n",
    "  [--add] <file>           add a diversion.\n",
    "  --remove <file>          remove the diversion.\n",
    "  --list [<glob-pattern>]  show file diversions.\n",
    "  --listpackage <file>     show what package diverts the file.\n",
    "  --truename <file>        return the diverted file.\n",
    "\n",
);

/// The options.
#[rustfmt::skip]
pub(super) const OPTIONS: &str = concat!(
    "Options:\n",
    "  --package <package>      name of the package whose copy of <file> will not\n",
    "                             be diverted.\n",
    "  --local                  all packages' versions are diverted.\n",
    "  --divert <divert-to>     the name used by other packages' versions.\n",
    "  --rename                 actually move the file aside (or back).\n",
    "  --no-rename              do not move the file aside (or back) (default).\n",
    "  --admindir <directory>   set the directory with the diversions file.\n",
    "  --instdir <directory>    set the root directory, but not the admin dir.\n",
    "  --root <directory>       set the directory of the root filesystem.\n",
    "  --test                   don't do anything, just demonstrate.\n",
    "  --quiet                  quiet operation, minimal output.\n",
    "  --help                   show this help message.\n",
    "  --version                show the version.\n",
    "\n",
);

/// What holds when nothing is said.
#[rustfmt::skip]
const DEFAULTS: &str = concat!(
    "When adding, default is --local and --divert <original>.distrib.\n",
    "When removing, --package or --local and --divert must match if specified.\n",
    "Package preinst/postrm scripts should always specify --package and --divert.\n",
);

/// `--help`
pub fn print_usage(process: &mut Process) -> Result<i32> {
    let parts = vec![
        msg!(USAGE, "dpkg-divert"),
        msg!(COMMANDS),
        msg!(OPTIONS),
        msg!(DEFAULTS),
    ];
    text::print_help(process, parts)
}

/// `--version`
pub fn print_version(process: &mut Process) -> Result<i32> {
    let first = msg!(VERSION, "dpkg-divert", text::reference_release());
    text::print_version(process, first)
}
