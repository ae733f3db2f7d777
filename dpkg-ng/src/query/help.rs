//! The texts of dpkg-query's `--help`, `--version` and usage errors.

use libdpkgng::error::Result;
use libdpkgng::msg;

use crate::cli::text::{self, FORMAT_SYNTAX, HELP_OPTIONS, USAGE};
use crate::cli::{ADMINDIR, Process};

/// What usage errors end with.
pub const HINT: &str = "Use --help for help about querying packages.";

/// The commands.
#[rustfmt::skip]
pub const COMMANDS: &str = concat!(
    "Commands:\n",
    "  -s, --status [<package>...]      Display package status details.\n",
    "  -p, --print-avail [<package>...] Display available version details.\n",
    "  -L, --listfiles <package>...     List files 'owned' by package(s).\n",
    "  -l, --list [<pattern>...]        List packages concisely.\n",
    "  -W, --show [<pattern>...]        Show information on package(s).\n",
    "  -S, --search <pattern>...        Find package(s) owning file(s).\n",
    "      --control-list <package>     Print the package control file list.\n",
    "      --control-show <package> <file>\n",
    "                                   Show the package control file.\n",
    "  -c, --control-path <package> [<file>]\n",
    "                                   Print path for package control file.\n",
    "\n",
);

/// The options.
#[rustfmt::skip]
pub(super) const OPTIONS: &str = concat!(
    "Options:\n",
    "  --admindir=<directory>           Use <directory> instead of %s.\n",
    "  --root=<directory>               Use <directory> instead of %s.\n",
    "  --load-avail                     Use available file on --show and --list.\n",
    "  --no-pager                       Disables the use of any pager.\n",
    "  -f|--showformat=<format>         Use alternative format for --show.\n",
    "\n",
);

/// `--help`
pub fn print_usage(process: &mut Process) -> Result<i32> {
    let parts = vec![
        msg!(USAGE, "dpkg-query"),
        msg!(COMMANDS),
        msg!(HELP_OPTIONS),
        msg!(OPTIONS, ADMINDIR, "/"),
        msg!(FORMAT_SYNTAX),
    ];
    text::print_help(process, parts)
}

/// `--version`
pub fn print_version(process: &mut Process) -> Result<i32> {
    let first = msg!(
        "Debian %s package management program query tool version %s.\n",
        "dpkg-query",
        text::reference_release()
    );
    text::print_version(process, first)
}
