//! Libraries that everything uses.

use super::OF_THE_HOST;
use crate::views::scenario::{
    BOOKWORM, BOOKWORM_UPDATED, Files, ON_BOOKWORM, ON_TRIXIE, Scenario, TRIXIE_UPDATED, apt, dpkg,
    row, says, sources,
};

/// They all.
pub const ALL: &[Scenario] = &[
    Scenario {
        name: "pam-update",
        files: Some(Files {
            suites: BOOKWORM,
            packages: &[
                "libpam0g",
                "libpam-modules",
                "libpam-modules-bin",
                "libpam-runtime",
            ],
        }),
        steps: &[
            dpkg("-i /debs/files/*.deb"),
            apt("install libpam-tmpdir"),
            sources(BOOKWORM_UPDATED),
            apt("install --only-upgrade libpam0g libpam-modules libpam-modules-bin libpam-runtime"),
            apt("purge libpam-tmpdir"),
        ],
        programs: &[
            says("cat /etc/pam.d/common-session", &["pam_unix.so"]),
            says(
                "ldd /usr/bin/passwd | grep -o 'libpam[^ ]*'",
                &["libpam.so.0"],
            ),
        ],
        ..ON_BOOKWORM
    },
    Scenario {
        name: "pam-dist-upgrade",
        files: Some(Files {
            suites: BOOKWORM,
            packages: &[
                "libpam0g",
                "libpam-modules",
                "libpam-modules-bin",
                "libpam-runtime",
            ],
        }),
        steps: &[
            dpkg("-i /debs/files/*.deb"),
            apt("install openssh-server"),
            sources(BOOKWORM_UPDATED),
            apt("dist-upgrade"),
        ],
        programs: &[says(
            "dpkg-query -W libpam-modules; install -d /run/sshd; sshd -T | grep -i usepam",
            &["usepam yes"],
        )],
        rows: OF_THE_HOST,
        ..ON_BOOKWORM
    },
    Scenario {
        name: "glibc-update",
        suites: BOOKWORM_UPDATED,
        files: Some(Files {
            suites: BOOKWORM_UPDATED,
            packages: &["libc6/bookworm-security", "libc-bin/bookworm-security"],
        }),
        steps: &[
            dpkg("-i /debs/files/*.deb"),
            apt("install hello"),
            apt("install --only-upgrade libc6 libc-bin"),
            apt("install --reinstall libc6 libc-bin"),
        ],
        programs: &[
            says("hello", &["Hello, world!"]),
            says(
                "getent passwd root; ldd --version | head -1",
                &["root:", "2.36"],
            ),
        ],
        rows: &[row(
            "said dpkg",
            "a downgrade is told in the words of dpkg 1.22",
        )],
        ..ON_BOOKWORM
    },
    Scenario {
        name: "openssl-update",
        suites: TRIXIE_UPDATED,
        files: Some(Files {
            suites: TRIXIE_UPDATED,
            packages: &["openssl/trixie-security", "libssl3t64/trixie-security"],
        }),
        steps: &[
            dpkg("-i /debs/files/*.deb"),
            apt("install --only-upgrade openssl libssl3t64"),
        ],
        programs: &[says(
            "openssl version; echo x | openssl sha256",
            &["OpenSSL 3.5"],
        )],
        ..ON_TRIXIE
    },
];
