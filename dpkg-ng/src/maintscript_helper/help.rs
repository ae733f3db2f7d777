//! The texts of dpkg-maintscript-helper's `--help` and `--version`. Stock's are not translated.

use crate::cli::REFERENCE_VERSION;

/// The text of `--help`, without the program's name.
#[rustfmt::skip]
pub(super) const USAGE: &str = concat!(
    " <command> <parameter>... -- <maintainer-script-parameter>...\n",
    "\n",
    "Commands:\n",
    "  supports <command>\n",
    "        Returns 0 (success) if the given command is supported, 1 otherwise.\n",
    "  rm_conffile <conffile> [<last-version> [<package>]]\n",
    "        Remove obsolete conffile. Must be called in preinst, postinst and\n",
    "        postrm.\n",
    "  mv_conffile <old-conf> <new-conf> [<last-version> [<package>]]\n",
    "        Rename a conffile. Must be called in preinst, postinst and postrm.\n",
    "  symlink_to_dir <pathname> <old-symlink-target> [<last-version> [<package>]]\n",
    "        Replace a symlink with a directory. Must be called in preinst,\n",
    "        postinst and postrm.\n",
    "  dir_to_symlink <pathname> <new-symlink-target> [<last-version> [<package>]]\n",
    "        Replace a directory with a symlink. Must be called in preinst,\n",
    "        postinst and postrm.\n",
    "  help\n",
    "  -?, --help\n",
    "        Show this help message.\n",
    "      --version\n",
    "        Show the version.\n",
);

/// `--help`
pub fn usage(program: &[u8]) -> Vec<u8> {
    [b"Usage: ", program, USAGE.as_bytes()].concat()
}

/// `--version`
pub fn version(program: &[u8]) -> Vec<u8> {
    let text = format!(
        " version {REFERENCE_VERSION}.\n\
         This is dpkg-ng {}, a re-implementation of dpkg.\n\
         \n\
         This is free software; see the GNU General Public License version 2 or\n\
         later for copying conditions. There is NO warranty.\n",
        env!("CARGO_PKG_VERSION")
    );
    [b"Debian ", program, text.as_bytes()].concat()
}
