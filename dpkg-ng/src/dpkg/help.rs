//! The texts of dpkg's `--help`, `-Dhelp` and of its usage errors. One constant per msgid.

use libdpkgng::error::Result;
use libdpkgng::msg;
use libdpkgng::report::debug;

use crate::cli::text::{self, HELP_OPTIONS, USAGE};
use crate::cli::{ADMINDIR, Process};

/// What usage errors end with.
#[rustfmt::skip]
pub const HINT: &str = concat!(
    "Type dpkg --help for help about installing and deinstalling packages [*];\n",
    "Use 'apt' or 'aptitude' for user-friendly package management;\n",
    "Type dpkg -Dhelp for a list of dpkg debug flag values;\n",
    "Type dpkg --force-help for a list of forcing options;\n",
    "Type dpkg-deb --help for help about manipulating *.deb files;\n",
    "\n",
    "Options marked [*] produce a lot of output - pipe it through 'less' or 'more' !",
);

/// The commands.
#[rustfmt::skip]
pub(super) const COMMANDS: &str = concat!(
    "Commands:\n",
    "  -i|--install       <.deb file name>... | -R|--recursive <directory>...\n",
    "  --unpack           <.deb file name>... | -R|--recursive <directory>...\n",
    "  -A|--record-avail  <.deb file name>... | -R|--recursive <directory>...\n",
    "  --configure        <package>... | -a|--pending\n",
    "  --triggers-only    <package>... | -a|--pending\n",
    "  -r|--remove        <package>... | -a|--pending\n",
    "  -P|--purge         <package>... | -a|--pending\n",
    "  -V|--verify [<package>...]       Verify the integrity of package(s).\n",
    "  --get-selections [<pattern>...]  Get list of selections to stdout.\n",
    "  --set-selections                 Set package selections from stdin.\n",
    "  --clear-selections               Deselect every non-essential package.\n",
    "  --update-avail [<Packages-file>] Replace available packages info.\n",
    "  --merge-avail [<Packages-file>]  Merge with info from file.\n",
    "  --clear-avail                    Erase existing available info.\n",
    "  --forget-old-unavail             Forget uninstalled unavailable pkgs.\n",
    "  -s|--status [<package>...]       Display package status details.\n",
    "  -p|--print-avail [<package>...]  Display available version details.\n",
    "  -L|--listfiles <package>...      List files 'owned' by package(s).\n",
    "  -l|--list [<pattern>...]         List packages concisely.\n",
    "  -S|--search <pattern>...         Find package(s) owning file(s).\n",
    "  -C|--audit [<package>...]        Check for broken package(s).\n",
    "  --yet-to-unpack                  Print packages selected for installation.\n",
    "  --predep-package                 Print pre-dependencies to unpack.\n",
    "  --add-architecture <arch>        Add <arch> to the list of architectures.\n",
    "  --remove-architecture <arch>     Remove <arch> from the list of architectures.\n",
    "  --print-architecture             Print dpkg architecture.\n",
    "  --print-foreign-architectures    Print allowed foreign architectures.\n",
    "  --assert-help                    Show help on assertions.\n",
    "  --assert-<feature>               Assert support for the specified feature.\n",
    "  --validate-<thing> <string>      Validate a <thing>'s <string>.\n",
    "  --compare-versions <a> <op> <b>  Compare version numbers - see below.\n",
    "  --force-help                     Show help on forcing.\n",
    "  -Dh|--debug=help                 Show help on debugging.\n",
    "\n",
);

/// What `--validate-…` takes.
#[rustfmt::skip]
const VALIDATABLE: &str = concat!(
    "Validatable things: pkgname, archname, trigname, version.\n",
    "\n",
);

/// The commands that are handed to dpkg-deb.
#[rustfmt::skip]
pub(super) const BACKEND: &str = concat!(
    "Use dpkg with -b, --build, -c, --contents, -e, --control, -I, --info,\n",
    "  -f, --field, -x, --extract, -X, --vextract, --ctrl-tarfile, --fsys-tarfile\n",
    "on archives (type %s --help).\n",
    "\n",
);

/// The options.
#[rustfmt::skip]
pub(super) const OPTIONS: &str = concat!(
    "Options:\n",
    "  --admindir=<directory>     Use <directory> instead of %s.\n",
    "  --root=<directory>         Install on a different root directory.\n",
    "  --instdir=<directory>      Change installation dir without changing admin dir.\n",
    "  --pre-invoke=<command>     Set a pre-invoke hook.\n",
    "  --post-invoke=<command>    Set a post-invoke hook.\n",
    "  --path-exclude=<pattern>   Do not install paths which match a shell pattern.\n",
    "  --path-include=<pattern>   Re-include a pattern after a previous exclusion.\n",
    "  -O|--selected-only         Skip packages not selected for install/upgrade.\n",
    "  -E|--skip-same-version     Skip packages with same installed version/arch.\n",
    "  -G|--refuse-downgrade      Skip packages with earlier version than installed.\n",
    "  -B|--auto-deconfigure      Install even if it would break some other package.\n",
    "  --[no-]triggers            Skip or force consequential trigger processing.\n",
    "  --verify-format=<format>   Verify output format (supported: 'rpm').\n",
    "  --no-pager                 Disables the use of any pager.\n",
    "  --no-debsig                Do not try to verify package signatures.\n",
    "  --no-act|--dry-run|--simulate\n",
    "                             Just say what we would do - don't do it.\n",
    "  -D|--debug=<octal>         Enable debugging (see -Dhelp or --debug=help).\n",
    "  --status-fd <n>            Send status change updates to file descriptor <n>.\n",
    "  --status-logger=<command>  Send status change updates to <command>'s stdin.\n",
    "  --log=<filename>           Log status changes and actions to <filename>.\n",
    "  --ignore-depends=<package>[,...]\n",
    "                             Ignore dependencies involving <package>.\n",
    "  --force-<thing>[,...]      Override problems (see --force-help).\n",
    "  --no-force-<thing>[,...]   Stop when problems encountered.\n",
    "  --refuse-<thing>[,...]     Ditto.\n",
    "  --abort-after <n>          Abort after encountering <n> errors.\n",
    "  --robot                    Use machine-readable output on some commands.\n",
    "\n",
);

/// What `--compare-versions` takes.
#[rustfmt::skip]
const OPERATORS: &str = concat!(
    "Comparison operators for --compare-versions are:\n",
    "  lt le eq ne ge gt       (treat empty version as earlier than any version);\n",
    "  lt-nl le-nl ge-nl gt-nl (treat empty version as later than any version);\n",
    "  < << <= = >= >> >       (only for compatibility with control file syntax).\n",
    "\n",
);

/// Where else to look.
#[rustfmt::skip]
const FRONTENDS: &str = "Use 'apt' or 'aptitude' for user-friendly package management.\n";

/// `--help`
pub fn print_usage(process: &mut Process) -> Result<i32> {
    let parts = vec![
        msg!(USAGE, "dpkg"),
        msg!(COMMANDS),
        msg!(HELP_OPTIONS),
        msg!(VALIDATABLE),
        msg!(BACKEND, "dpkg-deb"),
        msg!(OPTIONS, ADMINDIR),
        msg!(OPERATORS),
        msg!(FRONTENDS),
    ];
    text::print_help(process, parts)
}

/// `--version`
pub fn print_version(process: &mut Process, robot: bool) -> Result<i32> {
    if robot {
        process.report.output(msg!("%s", text::REFERENCE_VERSION));
        process.flush_output()?;
        return Ok(0);
    }
    let first = msg!(
        "Debian '%s' package management program version %s.\n",
        "dpkg",
        text::reference_release()
    );
    text::print_version(process, first)
}

/// The debug areas as `-Dhelp` lists them: bits, dpkg's name, description.
const DEBUG_AREAS: &[(u32, &str, &str)] = &[
    (
        debug::GENERAL,
        "general",
        "Generally helpful progress information",
    ),
    (
        debug::SCRIPTS,
        "scripts",
        "Invocation and status of maintainer scripts",
    ),
    (
        debug::EACHFILE,
        "eachfile",
        "Output for each file processed",
    ),
    (
        debug::EACHFILEDETAIL,
        "eachfiledetail",
        "Lots of output for each file processed",
    ),
    (debug::CONFF, "conff", "Output for each configuration file"),
    (
        debug::CONFFDETAIL,
        "conffdetail",
        "Lots of output for each configuration file",
    ),
    (debug::DEPCON, "depcon", "Dependencies and conflicts"),
    (
        debug::DEPCONDETAIL,
        "depcondetail",
        "Lots of dependencies/conflicts output",
    ),
    (
        debug::TRIGGERS,
        "triggers",
        "Trigger activation and processing",
    ),
    (
        debug::TRIGGERSDETAIL,
        "triggersdetail",
        "Lots of output regarding triggers",
    ),
    (
        debug::TRIGGERSSTUPID,
        "triggersstupid",
        "Silly amounts of output regarding triggers",
    ),
    (
        debug::VERYDETAIL,
        "veryverbose",
        "Lots of drivel about eg the dpkg/info directory",
    ),
    (
        debug::STUPIDLYVERBOSE,
        "stupidlyverbose",
        "Insane amounts of drivel",
    ),
];

/// `--debug=help`
pub fn print_debug_areas(process: &mut Process) -> Result<()> {
    process.report.output(msg!(
        concat!(
            "%s debugging option, --debug=<octal> or -D<octal>:\n",
            "\n",
            " Number  Ref. in source   Description\n"
        ),
        "dpkg"
    ));
    for (flag, name, description) in DEBUG_AREAS {
        let description = msg!(description);
        process
            .report
            .output(msg!(" %6o  %-16s %s\n", *flag, *name, description));
    }
    process.report.output(msg!(concat!(
        "\n",
        "Debugging options can be mixed using bitwise-or.\n",
        "Note that the meanings and values are subject to change.\n"
    )));
    process.flush_output()
}
