//! What the system is run by.

use super::ACCOUNTS;
use crate::views::scenario::{ON_BOOKWORM, ON_TRIXIE, Scenario, apt, row, says, shell};

/// They all.
pub const ALL: &[Scenario] = &[
    Scenario {
        name: "systemd-units",
        steps: &[
            apt("install systemd rsyslog"),
            shell("systemctl disable rsyslog.service; systemctl mask systemd-timesyncd.service"),
            apt("install --reinstall rsyslog"),
            apt("install haveged"),
            apt("remove haveged"),
            apt("purge haveged rsyslog"),
        ],
        programs: &[says(
            "systemctl is-enabled systemd-timesyncd.service 2>&1",
            &["masked"],
        )],
        ..ON_BOOKWORM
    },
    Scenario {
        name: "trixie-systemd",
        steps: &[
            apt("install systemd systemd-sysv libpam-systemd dbus"),
            apt("install polkitd"),
            apt("purge polkitd"),
        ],
        programs: &[
            says("systemctl --version | head -1", &["systemd 257"]),
            says("cat /etc/pam.d/common-session", &["pam_systemd.so"]),
        ],
        ..ON_TRIXIE
    },
    Scenario {
        name: "cron",
        steps: &[
            apt("install cron logrotate anacron"),
            shell("echo '0 1 * * * root true' >/etc/cron.d/own; echo '1 1 * * * true' | crontab -"),
            apt("remove anacron"),
            apt("purge cron"),
        ],
        programs: &[says(
            "ls /etc/cron.d /var/spool/cron 2>&1; getent group crontab",
            &["own"],
        )],
        ..ON_BOOKWORM
    },
    Scenario {
        name: "users",
        steps: &[
            apt("install uuid-runtime tcpdump dnsmasq-base avahi-daemon"),
            apt("remove avahi-daemon"),
            apt("purge avahi-daemon uuid-runtime tcpdump"),
        ],
        programs: &[says(
            "getent passwd messagebus dnsmasq; ls -ld /var/lib/* | wc -l",
            &["messagebus"],
        )],
        rows: ACCOUNTS,
        ..ON_BOOKWORM
    },
    Scenario {
        name: "sudo",
        steps: &[
            apt("install sudo"),
            shell(
                "echo 'nobody ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/own; chmod 440 /etc/sudoers.d/own; echo '# mine' >>/etc/sudoers",
            ),
            apt("install --reinstall -o Dpkg::Options::=--force-confnew sudo"),
            apt("remove sudo").exits(100),
        ],
        programs: &[says(
            "stat -c '%a %U %n' /usr/bin/sudo; visudo -c; sudo -l | tail -2",
            &["4755 root /usr/bin/sudo"],
        )],
        rows: &[row(
            "host * libc-bin:amd64",
            "a command that fails leaves the view as it was",
        )],
        ..ON_BOOKWORM
    },
];
