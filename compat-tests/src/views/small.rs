//! Scenarios of packages that the harness makes: no network, done in seconds.

use super::scenario::{MADE, ON_TRIXIE, Scenario, apt, dpkg, says, shell};

/// With nothing in it.
const SMALL: Scenario = Scenario {
    suites: MADE,
    ..ON_TRIXIE
};

/// All of them.
pub const ALL: &[Scenario] = &[
    Scenario {
        name: "small-life",
        steps: &[
            apt("install life=1 base=1"),
            apt("install --reinstall life=1"),
            apt("dist-upgrade"),
            apt("remove life"),
            apt("autoremove --purge life"),
        ],
        programs: &[says(
            "ls /usr/share/life /etc/life 2>&1; cat /usr/share/base/file",
            &["base 2"],
        )],
        ..SMALL
    },
    Scenario {
        name: "small-conffiles",
        steps: &[
            apt("install life=1 base"),
            shell("echo mine >/etc/life/changing; rm /etc/life/constant"),
            apt("install -o Dpkg::Options::=--force-confold life=2"),
            shell("cat /etc/life/*"),
            apt("install --allow-downgrades -o Dpkg::Options::=--force-confnew life=1"),
            apt("install --reinstall -o Dpkg::Options::=--force-confmiss life=1"),
            dpkg("-r life"),
            dpkg("-P life"),
        ],
        programs: &[says("ls /etc/life 2>&1", &["No such file"])],
        ..SMALL
    },
];
