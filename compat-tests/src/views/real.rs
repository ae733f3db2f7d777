//! Scenarios of the archive's packages, chosen for their scripts.

use super::scenario::{
    BOOKWORM, BOOKWORM_UPDATED, Files, ON_BOOKWORM, Scenario, apt, dpkg, says, shell, sources,
};

/// All of them.
pub const ALL: &[Scenario] = &[
    Scenario {
        name: "perl-reinstall",
        steps: &[
            apt("install perl libwww-perl libxml-parser-perl"),
            apt("install --reinstall perl perl-modules-5.36 libperl5.36 perl-base"),
            apt("install --reinstall libxml-parser-perl"),
        ],
        programs: &[says(
            "perl -MXML::Parser -MLWP -e 'print \"$LWP::VERSION $XML::Parser::VERSION\\n\"'",
            &["6."],
        )],
        ..ON_BOOKWORM
    },
    Scenario {
        name: "python3-yaml",
        steps: &[
            apt("install python3-yaml python3-six"),
            apt("remove python3-yaml"),
            apt("install python3-yaml"),
            dpkg("-r python3-yaml"),
            apt("purge python3-six"),
            apt("autoremove --purge"),
        ],
        programs: &[says("ls /usr/lib/python3/dist-packages 2>&1", &[""])],
        ..ON_BOOKWORM
    },
    Scenario {
        name: "ca-certificates",
        steps: &[apt("install ca-certificates"), apt("purge ca-certificates")],
        programs: &[says("ls -A /etc/ssl /etc/ca-certificates 2>&1", &["certs"])],
        ..ON_BOOKWORM
    },
    Scenario {
        name: "apache2-modules",
        steps: &[
            apt("install apache2 libapache2-mod-php"),
            shell(
                "a2enmod rewrite headers; a2dismod -f status; echo '<?php echo 6 * 7;' >/var/www/html/x.php",
            ),
            apt("remove libapache2-mod-php8.2"),
            apt("purge apache2 libapache2-mod-php8.2"),
        ],
        programs: &[says("ls /etc/apache2 2>&1", &["apache2"])],
        ..ON_BOOKWORM
    },
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
            apt("install openssh-server"),
            sources(BOOKWORM_UPDATED),
            apt(
                "install --only-upgrade libpam0g libpam-modules libpam-modules-bin libpam-runtime openssh-server",
            ),
        ],
        programs: &[
            says(
                "pam-auth-update --package; cat /etc/pam.d/common-auth",
                &["pam_unix.so"],
            ),
            says("sshd -T | grep -i usepam", &["usepam yes"]),
        ],
        ..ON_BOOKWORM
    },
];
