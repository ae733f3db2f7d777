//! What is whose, by path. Paths are relative to `/`.
//!
//! The tables are the documentation: each row has its reason.

use std::path::Path;

use super::StateKind;

/// A path, all that is below it, and why it is in a table.
pub type Row = (&'static str, &'static str);

/// What of the host's /var shows in an own one, writable.
pub const SHOWN: &[Row] = &[
    (
        "var/tmp",
        "users' temporary files, as those in /tmp are the host's",
    ),
    (
        "var/mail",
        "the mailboxes of the machine's users, who are the same in a context",
    ),
];

/// What of the host's /var shows in a context of an own one, read-only; not to scripts, which may want to remove it.
pub const SHOWN_IN_CONTEXTS: &[Row] = &[
    (
        "var/lib/sss",
        "sockets and maps by which libnss_sss finds the host's users",
    ),
    ("var/lib/extrausers", "users, for libnss_extrausers"),
];

/// What a new own /var has from the host's besides what the packages of the base list: state of the base's scripts that
/// goes with the host's /etc, which shows.
pub const SEEDS: &[Row] = &[
    (
        "var/lib/pam",
        "pam-auth-update: the profiles that /etc/pam.d/common-* are made of",
    ),
    (
        "var/lib/shells.state",
        "update-shells: what of /etc/shells it has written",
    ),
    (
        "var/lib/ucf",
        "ucf: what the files of /etc were that it takes care of",
    ),
    (
        "var/lib/systemd/deb-systemd-helper-enabled",
        "deb-systemd-helper: which links of /etc/systemd it has made",
    ),
    ("var/lib/systemd/deb-systemd-helper-masked", "the same"),
    (
        "var/lib/systemd/deb-systemd-user-helper-enabled",
        "the same",
    ),
    ("var/lib/systemd/deb-systemd-user-helper-masked", "the same"),
    (
        "var/lib/dbus/machine-id",
        "the machine's identity, for who looks for it at its old place",
    ),
    (
        "var/cache/debconf",
        "debconf's answers to questions of packages of the base, and of no others",
    ),
];

/// What is carried nowhere.
pub const NOWHERE: &[Row] = &[
    ("etc/machine-id", "the machine's identity"),
    ("etc/hostname", "the machine's identity"),
    (
        "etc/resolv.conf",
        "the machine's network, which programs rewrite at any time",
    ),
    ("etc/mtab", "a link to what the kernel says"),
    (
        "etc/.updated",
        "systemd's note that the machine's /etc is up to date",
    ),
    (
        "var/.updated",
        "systemd's note that the machine's /var is up to date",
    ),
    (
        "etc/ld.so.cache",
        "ldconfig's list of the libraries of one /usr; a world's are found by its lib/",
    ),
    ("etc/ld.so.cache~", "the same, while it is written"),
    ("var/cache/ldconfig", "ldconfig's memory of such a list"),
    ("etc/.pwd.lock", "a lock"),
    ("etc/passwd.lock", "a lock"),
    ("etc/group.lock", "a lock"),
    ("etc/shadow.lock", "a lock"),
    ("etc/gshadow.lock", "a lock"),
    ("etc/subuid.lock", "a lock"),
    ("etc/subgid.lock", "a lock"),
    (
        "etc/passwd-",
        "what accounts were before; entries are added to the host's as it is",
    ),
    ("etc/group-", "the same"),
    ("etc/shadow-", "the same"),
    ("etc/gshadow-", "the same"),
    ("etc/subuid-", "the same"),
    ("etc/subgid-", "the same"),
    (
        "var/tmp",
        "temporary files; where the host's shows, the point that it is mounted on",
    ),
    ("var/lib/dpkg", "the point that the admindir is mounted on"),
    ("var/sys", "the point that all of this is mounted on"),
];

/// What speaks of `/usr`, and so is the world's.
pub const OF_USR: &[Row] = &[
    (
        "etc/alternatives",
        "links of names in /usr to other names in /usr",
    ),
    (
        "etc/systemd/system",
        "links to units in /usr/lib/systemd/system: which of them start",
    ),
    (
        "etc/systemd/user",
        "links to units in /usr/lib/systemd/user",
    ),
    ("etc/rc0.d", "links that say which services stop and start"),
    ("etc/rc1.d", "the same"),
    ("etc/rc2.d", "the same"),
    ("etc/rc3.d", "the same"),
    ("etc/rc4.d", "the same"),
    ("etc/rc5.d", "the same"),
    ("etc/rc6.d", "the same"),
    ("etc/rcS.d", "the same"),
    ("etc/ld.so.conf.d", "directories of /usr with libraries"),
    (
        "var/lib/systemd/deb-systemd-helper-enabled",
        "which of the links in etc/systemd/system deb-systemd-helper has made",
    ),
    ("var/lib/systemd/deb-systemd-helper-masked", "the same"),
    (
        "var/lib/systemd/deb-systemd-user-helper-enabled",
        "the same of etc/systemd/user",
    ),
    ("var/lib/systemd/deb-systemd-user-helper-masked", "the same"),
];

/// Databases of packaging tools about the packages of a system: of `State: host` they are the world's, as the host's
/// tools would take what the world has in /usr for something of the host's. Seen by scripts alone.
pub const OF_TOOLS: &[Row] = &[
    ("var/cache/debconf", "questions, and their answers"),
    ("var/lib/ucf", "what packages' files in /etc were"),
    (
        "var/lib/emacsen-common",
        "which Emacsen and add-ons are installed: byte-compiled in /usr",
    ),
    ("var/lib/python", "which Pythons are installed"),
    (
        "var/lib/dictionaries-common",
        "which dictionaries are installed",
    ),
    ("var/cache/dictionaries-common", "the same"),
    ("var/lib/sgml-base", "the catalogues that are installed"),
    ("var/lib/xml-core", "the same"),
    (
        "var/lib/apache2",
        "what a2enmod and its like were told by scripts",
    ),
    ("var/lib/php", "what phpenmod was told by scripts"),
    ("var/lib/doc-base", "the documents that are installed"),
];

/// Where a change to what the host has is not worth a word: everything that runs changes it.
pub const QUIET: &[Row] = &[
    ("var/log", "programs log what they do"),
    ("var/cache", "is made again from what it is a cache of"),
];

/// Files of accounts, [`Additions`](super::Additions).
pub const ACCOUNTS: [&str; 6] = ["passwd", "group", "shadow", "gshadow", "subuid", "subgid"];

/// Whether a table has a path.
pub fn has(table: &[Row], path: &Path) -> bool {
    table.iter().any(|(row, _)| path.starts_with(row))
}

/// The tables of what is the world's.
pub(super) fn of_world(kind: StateKind) -> impl Iterator<Item = &'static Path> {
    let of_tools = match kind {
        StateKind::Host => OF_TOOLS,
        StateKind::Own => &[],
    };
    OF_USR
        .iter()
        .chain(of_tools)
        .map(|(row, _)| Path::new(*row))
}
