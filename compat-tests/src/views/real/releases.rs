//! Conffiles changed by hand, and the next release.

use super::OF_THE_HOST;
use crate::views::scenario::{BOTH, ON_BOOKWORM, Scenario, TRIXIE, apt, row, says, shell, sources};

/// They all.
pub const ALL: &[Scenario] = &[
    Scenario {
        name: "conffiles-of-next",
        suites: BOTH,
        steps: &[
            apt("install -t bookworm nano logrotate"),
            shell("echo 'set linenumbers' >>/etc/nanorc; echo '# mine' >>/etc/logrotate.conf"),
            apt("install -t trixie -o Dpkg::Options::=--force-confold nano"),
            apt("install -t trixie -o Dpkg::Options::=--force-confnew logrotate"),
        ],
        programs: &[says(
            "tail -1 /etc/nanorc; tail -1 /etc/logrotate.conf; nano --version | head -1",
            &["linenumbers", "version 8"],
        )],
        ..ON_BOOKWORM
    },
    Scenario {
        name: "one-of-next",
        steps: &[
            apt("install curl python3"),
            sources(BOTH),
            apt("install -t trixie curl"),
            apt("install -t trixie python3"),
        ],
        programs: &[says(
            "curl --version | head -1; python3 --version",
            &["curl 8.14", "3.13"],
        )],
        rows: &[
            row(
                "host *",
                "zstd is on the host alone: in the view nothing asks for its next version, nor for what that needs",
            ),
            row("* gcc-14-base:amd64", "the same: libgcc-s1 needs it"),
            row("path /usr/share/doc/gcc-14-base*", "the same"),
            row(
                "said dpkg",
                "what on the host alone, or of its base, depends on libdb5.3 is no matter of the view's",
            ),
        ],
        ..ON_BOOKWORM
    },
    Scenario {
        name: "release-upgrade",
        steps: &[
            apt("install nginx git python3-yaml vim man-db sudo"),
            sources(TRIXIE),
            apt("dist-upgrade -o Dpkg::Options::=--force-confold"),
            apt("autoremove --purge"),
        ],
        programs: &[says(
            "nginx -v 2>&1; git --version; python3 -c 'import sys, yaml; print(sys.version_info[:2])'; vim --version | head -1",
            &["nginx/1.26", "git version 2.47", "(3, 13)", "9.1"],
        )],
        rows: &[
            OF_THE_HOST[0],
            row(
                "diversion *by dash",
                "dash is such a package: its next version takes its diversions away",
            ),
            row(
                "path /etc/pam.d/common-session*",
                "the same: of libpam-runtime",
            ),
            row("path /etc/shells", "the same: of debianutils and dash"),
            row("path /var/lib/shells.state", "the same: of debianutils"),
            row(
                "path /var/cache/man/*",
                "the same: which pages there are; and what man-db makes of files with several names",
            ),
            row(
                "said dpkg",
                "the same: what of such packages is removed, and what dpkg says of it",
            ),
            row(
                "said Unpacking passwd *",
                "the same: login has not given its files to passwd before",
            ),
            row(
                "template *",
                "the same: of debconf, libpam-modules, libpam0g and tzdata",
            ),
            row(
                "stanza e2fsprogs:amd64",
                "debootstrap has left the old priority in `available`, which dpkg goes by; a view's has nothing of the host's",
            ),
            row(
                "marks perl:amd64",
                "somebody has installed it on the host, and in the view it came along with git",
            ),
        ],
        ..ON_BOOKWORM
    },
];
