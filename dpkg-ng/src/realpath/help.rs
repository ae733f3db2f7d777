//! The texts of dpkg-realpath's `--help`, `--version` and usage errors.

use libdpkgng::error::Result;
use libdpkgng::msg;

use crate::cli::Process;
use crate::cli::text::{self, VERSION};

/// What usage errors end with.
pub const HINT: &str = "Use --help for help about this utility.";

/// The first line; takes the tool.
#[rustfmt::skip]
const USAGE: &str = concat!(
    "Usage: %s [<option>...] <pathname>\n",
    "\n",
);

/// The options.
#[rustfmt::skip]
pub(super) const HELP: &str = concat!(
    "Options:\n",
    "  -z, --zero                   end output line with NUL, not newline.\n",
    "      --instdir <directory>    set the root directory.\n",
    "      --root <directory>       set the root directory.\n",
    "      --version                show the version.\n",
    "      --help                   show this help message.\n",
    "\n",
);

/// `--help`
pub fn print_usage(process: &mut Process) -> Result<i32> {
    text::print_help(process, vec![msg!(USAGE, "dpkg-realpath"), msg!(HELP)])
}

/// `--version`
pub fn print_version(process: &mut Process) -> Result<i32> {
    let first = msg!(VERSION, "dpkg-realpath", text::reference_release());
    text::print_version(process, first)
}
