//! The texts of `dpkg-ng fsck --help`.

/// What usage errors end with.
pub const HINT: &str = "Type dpkg-ng fsck --help for help.";

/// Before the options.
pub const USAGE: &str = "\
Usage: dpkg-ng fsck [<option>...] [<package>...]

Checks dpkg's database, the alternatives and the files of packages: what is
damaged, missing, left over, and what to do about it. With packages, only their
files are looked at, and all of the database.

";

/// The options.
pub const OPTIONS: &str = "\
Options:
  --repair                   Repair what needs no guess; keep what is replaced
                             in a directory fsck-DATE-TIME of the database.
  --no-files                 Do not compare files with md5sums.
  --files                    Compare them (the default).
  --debs <directory>         Look there for archives, too, to repair from.
  --download                 With --repair: fetch archives that are needed and
                             not at hand, with apt-get download.
  --json                     Write what is found as JSON.
  -v, --verbose              Show all of many, and notes.
  --path-exclude <pattern>   These files may be missing, beside those that
                             dpkg.cfg of the system excludes.
  --path-include <pattern>   These may not.
  --admindir <directory>     Use <directory> instead of /var/lib/dpkg.
  --instdir <directory>      The installed system is in <directory>.
  --root <directory>         Both are below <directory>.
  -?, --help                 Show this help.

";

/// Behind them.
pub const END: &str = "\
Exit status, as fsck(8) has it, the sum of:
  0  nothing is wrong
  1  something was repaired
  4  something is wrong, and was left
  8  something could not be looked at or done
  16 the command line is wrong
";
