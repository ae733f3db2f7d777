//! Scenarios of packages that the harness makes: no network, done in seconds.

use super::scenario::{MADE, ON_TRIXIE, Scenario, apt, dpkg, exec, row, says, shell};

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
    Scenario {
        name: "small-users",
        not_as_user: Some("whose state is is shown by a program, and to a user all is their own"),
        steps: &[
            apt("install user"),
            shell("hello; stat -c '%U %G %a' /var/lib/user"),
            apt("install --reinstall user"),
            apt("remove user"),
            apt("purge user"),
        ],
        programs: &[says(
            "getent passwd user; ls -l /usr/bin/hello /var/lib/user 2>&1",
            &["user:x:", "No such file"],
        )],
        ..SMALL
    },
    Scenario {
        name: "small-exec",
        steps: &[
            apt("install user base"),
            exec(
                "update-alternatives --install /usr/bin/hi hi /usr/lib/user/hello 5 --slave /usr/bin/hey hey /usr/lib/user/hello",
            ),
            shell("hi; hey"),
            exec("touch /usr/share/base/left; exit 3").exits(3),
            exec(
                "rm -f /usr/share/base/left; dpkg-divert --rename --add /usr/share/base/file; echo other >/usr/share/base/file; echo mine >/etc/mine",
            ),
            exec("true"),
            apt("install --reinstall base"),
            exec("rm /usr/share/base/file; dpkg-divert --rename --remove /usr/share/base/file"),
        ],
        programs: &[says(
            "cat /usr/share/base/* /etc/mine; ls /usr/bin/hi /usr/bin/hey",
            &["base 2", "mine"],
        )],
        rows: &[row(
            "path /usr/share/base/left",
            "a command that fails leaves the view as it was",
        )],
        ..SMALL
    },
    Scenario {
        name: "small-triggers",
        steps: &[
            apt("install cache cached"),
            apt("remove cached"),
            dpkg("-i /debs/made/cached_1_all.deb"),
            dpkg("-r cache"),
        ],
        programs: &[says(
            "cat /usr/share/cached/one /usr/share/cache.list 2>&1",
            &["1"],
        )],
        ..SMALL
    },
    Scenario {
        name: "small-diversion",
        steps: &[
            apt("install base=1"),
            apt("install away"),
            apt("install base"),
            shell("cat /usr/share/base/file /usr/share/base/file.real"),
            apt("remove away"),
        ],
        programs: &[says("cat /usr/share/base/*", &["base 2"])],
        ..SMALL
    },
    Scenario {
        name: "small-failure",
        steps: &[
            apt("install bad").exits(100),
            shell("touch /etc/good"),
            apt("install bad"),
        ],
        programs: &[says("dpkg-query -W -f '${db:Status-Abbrev}' bad", &["ii"])],
        rows: &[
            row(
                "package b*",
                "a command that fails leaves the view as it was",
            ),
            row(
                "path /usr/share/ba*",
                "a command that fails leaves the view as it was",
            ),
            row("list ba*", "a command that fails leaves the view as it was"),
            row(
                "marks ba*",
                "a command that fails leaves the view as it was",
            ),
        ],
        ..SMALL
    },
];
