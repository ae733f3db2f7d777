//! The texts of dpkg-deb's `--help`, `--version` and usage errors.

use libdpkgng::error::Result;
use libdpkgng::msg;

use crate::cli::Process;
use crate::cli::text::{self, FORMAT_SYNTAX, HELP_OPTIONS, USAGE};

/// What usage errors end with.
pub const HINT: &str = concat!(
    "Type dpkg-deb --help for help about manipulating *.deb files;\n",
    "Type dpkg --help for help about installing and deinstalling packages.",
);

/// The commands.
#[rustfmt::skip]
pub const COMMANDS: &str = concat!(
    "Commands:\n",
    "  -b|--build <directory> [<deb>]   Build an archive.\n",
    "  -c|--contents <deb>              List contents.\n",
    "  -I|--info <deb> [<cfile>...]     Show info to stdout.\n",
    "  -W|--show <deb>                  Show information on package(s)\n",
    "  -f|--field <deb> [<cfield>...]   Show field(s) to stdout.\n",
    "  -e|--control <deb> [<directory>] Extract control info.\n",
    "  -x|--extract <deb> <directory>   Extract files.\n",
    "  -X|--vextract <deb> <directory>  Extract & list files.\n",
    "  -R|--raw-extract <deb> <directory>\n",
    "                                   Extract control info and files.\n",
    "  --ctrl-tarfile <deb>             Output control tarfile.\n",
    "  --fsys-tarfile <deb>             Output filesystem tarfile.\n",
    "\n",
);

/// What commands take.
#[rustfmt::skip]
const ARGUMENTS: &str = concat!(
    "<deb> is the filename of a Debian format archive.\n",
    "<cfile> is the name of an administrative file component.\n",
    "<cfield> is the name of a field in the main 'control' file.\n",
    "\n",
);

/// The options.
#[rustfmt::skip]
pub(super) const OPTIONS: &str = concat!(
    "Options:\n",
    "  -v, --verbose                    Enable verbose output.\n",
    "  -D, --debug                      Enable debugging output.\n",
    "      --showformat=<format>        Use alternative format for --show.\n",
    "      --deb-format=<format>        Select archive format.\n",
    "                                     Allowed values: 0.939000, 2.0 (default).\n",
    "      --no-check                   Suppress all checks (build bad packages).\n",
    "      --nocheck                    Alias for --no-check.\n",
    "      --root-owner-group           Forces the owner and groups to root.\n",
    "      --threads-max=<threads>      Use at most <threads> with compressor.\n",
    "      --[no-]uniform-compression   Use the compression params on all members.\n",
    "  -Z, --compression=<compressor>   Set build compression type.\n",
    "                                     Allowed types: gzip, xz, zstd, none.\n",
    "  -z, --compression-level=<level>  Set build compression level.\n",
    "  -S, --compression-strategy=<name>\n",
    "                                   Set build compression strategy.\n",
    "                                     Allowed values: none; extreme (xz);\n",
    "                                     filtered, huffman, rle, fixed (gzip).\n",
    "\n",
);

/// Where else to look.
#[rustfmt::skip]
const FRONTENDS: &str = concat!(
    "\n",
    "Use 'dpkg' to install and remove packages from your system, or\n",
    "'apt' or 'aptitude' for user-friendly package management. Packages\n",
    "unpacked using 'dpkg-deb --extract' will be incorrectly installed !\n",
);

/// `--help`
pub fn print_usage(process: &mut Process) -> Result<i32> {
    let parts = vec![
        msg!(USAGE, "dpkg-deb"),
        msg!(COMMANDS),
        msg!(HELP_OPTIONS),
        msg!(ARGUMENTS),
        msg!(OPTIONS),
        msg!(FORMAT_SYNTAX),
        msg!(FRONTENDS),
    ];
    text::print_help(process, parts)
}

/// `--version`
pub fn print_version(process: &mut Process) -> Result<i32> {
    let first = msg!(
        "Debian '%s' package archive backend version %s.\n",
        "dpkg-deb",
        text::reference_release()
    );
    text::print_version(process, first)
}
