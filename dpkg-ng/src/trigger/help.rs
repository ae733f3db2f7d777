//! The texts of dpkg-trigger's `--help`, `--version` and usage errors.

use libdpkgng::error::Result;
use libdpkgng::msg;

use crate::cli::text::{self, HELP_OPTIONS};
use crate::cli::{ADMINDIR, Process};

/// What usage errors end with.
pub const HINT: &str = "Type dpkg-trigger --help for help about this utility.";

/// The first lines; takes the tool twice.
#[rustfmt::skip]
const USAGE: &str = concat!(
    "Usage: %s [<option>...] <trigger-name>\n",
    "       %s [<option>...] <command>\n",
    "\n",
);

/// The commands.
#[rustfmt::skip]
pub(super) const COMMANDS: &str = concat!(
    "Commands:\n",
    "  --check-supported                Check if the running dpkg supports triggers.\n",
    "\n",
);

/// The options.
#[rustfmt::skip]
pub(super) const OPTIONS: &str = concat!(
    "Options:\n",
    "  --admindir=<directory>           Use <directory> instead of %s.\n",
    "  --root=<directory>               Use <directory> instead of %s.\n",
    "  --by-package=<package>           Override trigger awaiter (normally set\n",
    "                                     by dpkg).\n",
    "  --await                          Package needs to await the processing.\n",
    "  --no-await                       No package needs to await the processing.\n",
    "  --no-act                         Just test - don't actually change anything.\n",
    "\n",
);

/// `--help`
pub fn print_usage(process: &mut Process) -> Result<i32> {
    let parts = vec![
        msg!(USAGE, "dpkg-trigger", "dpkg-trigger"),
        msg!(COMMANDS),
        msg!(HELP_OPTIONS),
        msg!(OPTIONS, ADMINDIR, "/"),
    ];
    text::print_help(process, parts)
}

/// `--version`
pub fn print_version(process: &mut Process) -> Result<i32> {
    let first = msg!(
        "Debian %s package trigger utility version %s.\n",
        "dpkg-trigger",
        text::reference_release()
    );
    text::print_version(process, first)
}
