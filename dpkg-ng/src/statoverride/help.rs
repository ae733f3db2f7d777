//! The texts of dpkg-statoverride's `--help`, `--version` and usage errors.

use libdpkgng::error::Result;
use libdpkgng::msg;

use crate::cli::Process;
use crate::cli::text::{self, VERSION};

/// What usage errors end with.
pub const HINT: &str = "Use --help for help about overriding file stat information.";

/// The first line; takes the tool.
#[rustfmt::skip]
const USAGE: &str = concat!(
    "Usage: %s [<option> ...] <command>\n",
    "\n",
);

/// The commands.
#[rustfmt::skip]
pub(super) const COMMANDS: &str = concat!(
    "Commands:\n",
    "  --add <owner> <group> <mode> <path>\n",
    "                           add a new <path> entry into the database.\n",
    "  --remove <path>          remove <path> from the database.\n",
    "  --list [<glob-pattern>]  list current overrides in the database.\n",
    "\n",
);

/// The options.
#[rustfmt::skip]
pub(super) const OPTIONS: &str = concat!(
    "Options:\n",
    "  --admindir <directory>   set the directory with the statoverride file.\n",
    "  --instdir <directory>    set the root directory, but not the admin dir.\n",
    "  --root <directory>       set the directory of the root filesystem.\n",
    "  --update                 immediately update <path> permissions.\n",
    "  --force                  deprecated alias for --force-all.\n",
    "  --force-<thing>[,...]    override problems (see --force-help).\n",
    "  --no-force-<thing>[,...] stop when problems encountered.\n",
    "  --refuse-<thing>[,...]   ditto.\n",
    "  --quiet                  quiet operation, minimal output.\n",
    "  --help                   show this help message.\n",
    "  --version                show the version.\n",
    "\n",
);

/// `--help`
pub fn print_usage(process: &mut Process) -> Result<i32> {
    let parts = vec![
        msg!(USAGE, "dpkg-statoverride"),
        msg!(COMMANDS),
        msg!(OPTIONS),
    ];
    text::print_help(process, parts)
}

/// `--version`
pub fn print_version(process: &mut Process) -> Result<i32> {
    let first = msg!(VERSION, "dpkg-statoverride", text::reference_release());
    text::print_version(process, first)
}
