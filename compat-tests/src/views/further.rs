//! Scenarios of the archive's packages whose scripts do what none of [`real`](super::real) does.

use super::real::{ACCOUNTS, MAN_DB};
use super::scenario::{
    BOOKWORM_UPDATED, ON_BOOKWORM, ON_TRIXIE, Scenario, TRIXIE_UPDATED, apt, dpkg, exec, row, says,
    shell, sources,
};

/// Of a kernel's links.
const TOP: &str = "/ itself is the machine's: what scripts make there is told and not kept";

/// All of them.
pub const ALL: &[Scenario] = &[
    // ucf, certificates, and a second of a package's own files made by its trigger.
    Scenario {
        name: "dovecot-update",
        steps: &[
            apt("install dovecot-imapd"),
            shell("echo 'mail_location = maildir:~/Maildir' >>/etc/dovecot/conf.d/10-mail.conf"),
            sources(BOOKWORM_UPDATED),
            apt("install --only-upgrade dovecot-core dovecot-imapd"),
            apt("remove dovecot-imapd"),
            apt("purge dovecot-core dovecot-imapd"),
        ],
        programs: &[says(
            "ls -A /etc/dovecot /var/lib/dovecot 2>&1; getent passwd dovecot",
            &["dovecot:x:"],
        )],
        rows: ACCOUNTS,
        ..ON_BOOKWORM
    },
    // A directory that a script gives to a user by dpkg-statoverride.
    Scenario {
        name: "squid-update",
        steps: &[
            apt("install squid"),
            shell("squid -k parse >/dev/null 2>&1; echo $?; stat -c '%U %a' /var/log/squid"),
            sources(BOOKWORM_UPDATED),
            apt("install --only-upgrade squid squid-common"),
            apt("remove squid"),
            apt("purge squid squid-common squid-langpack"),
        ],
        programs: &[says(
            "ls -A /etc/squid /var/log/squid /var/spool/squid 2>&1",
            &["No such file"],
        )],
        ..ON_BOOKWORM
    },
    // A database made by a script from debconf's answers.
    Scenario {
        name: "slapd",
        steps: &[
            shell(
                "printf '%s\\n' 'slapd slapd/domain string example.org' 'slapd shared/organization string example' \
                   'slapd slapd/password1 password x' 'slapd slapd/password2 password x' | debconf-set-selections",
            ),
            apt("install slapd ldap-utils"),
            shell("slapcat 2>/dev/null | grep ^dn:"),
            exec("dpkg-reconfigure -f noninteractive slapd"),
            apt("remove slapd"),
            apt("install slapd"),
        ],
        programs: &[says(
            "slapcat 2>/dev/null | grep ^dn:; getent passwd openldap",
            &["dc=example,dc=org"],
        )],
        rows: &[row(
            "path /var/backups/unknown-*.ldapdb*",
            "named after the second in which the old database was put aside",
        )],
        ..ON_BOOKWORM
    },
    // A file of the base system that scripts edit.
    Scenario {
        name: "nss",
        steps: &[
            apt("install libnss-myhostname libnss-systemd"),
            shell("grep ^hosts /etc/nsswitch.conf; getent hosts localhost"),
            apt("install libnss-mdns"),
            apt("remove libnss-myhostname"),
            apt("purge libnss-mdns libnss-systemd libnss-myhostname"),
        ],
        programs: &[says("cat /etc/nsswitch.conf", &["hosts:"])],
        ..ON_BOOKWORM
    },
    // Capabilities, groups and modes that scripts give to files of packages.
    Scenario {
        name: "capabilities",
        steps: &[
            apt("install libcap2-bin iputils-ping mtr-tiny plocate at"),
            shell(
                "getcap /usr/bin/ping /usr/bin/mtr-packet; stat -c '%a %U:%G %n' /usr/bin/plocate /usr/bin/at",
            ),
            apt("install --reinstall iputils-ping plocate"),
            shell("dpkg-statoverride --list | sort; getcap /usr/bin/ping"),
            apt("remove plocate"),
            apt("purge at plocate"),
        ],
        programs: &[says(
            "getcap /usr/bin/ping; ls -A /var/lib/plocate /var/spool/cron 2>&1",
            &["cap_net_raw"],
        )],
        ..ON_BOOKWORM
    },
    // Lists in /etc that several packages have their lines in.
    Scenario {
        name: "lists-of-etc",
        steps: &[
            apt("install zsh mksh openbsd-inetd fingerd mailcap w3m"),
            shell("cat /etc/shells /etc/inetd.conf; grep -c w3m /etc/mailcap"),
            apt("install fish --no-install-recommends"),
            apt("remove fingerd mksh"),
            apt("install mksh"),
            apt("purge zsh fingerd w3m mailcap"),
        ],
        programs: &[says(
            "cat /etc/shells; grep -v ^# /etc/inetd.conf; fish -c 'echo (math 6 x 7)'",
            &["/usr/bin/fish", "42"],
        )],
        rows: &[ACCOUNTS[0], MAN_DB],
        ..ON_BOOKWORM
    },
    // dbconfig-common: a database of another package's, and its program updated.
    Scenario {
        name: "roundcube-update",
        steps: &[
            shell(
                "printf '%s\\n' 'roundcube-core roundcube/dbconfig-install boolean true' \
                   'roundcube-core roundcube/database-type select sqlite3' | debconf-set-selections",
            ),
            apt("install roundcube-sqlite3 roundcube-core php-cli"),
            sources(BOOKWORM_UPDATED),
            apt("install --only-upgrade roundcube-core roundcube-sqlite3"),
            apt("remove roundcube-core"),
            apt("purge roundcube-core roundcube-sqlite3 dbconfig-common"),
        ],
        programs: &[says(
            "ls -A /etc/roundcube /var/lib/roundcube /etc/dbconfig-common 2>&1",
            &["No such file"],
        )],
        ..ON_BOOKWORM
    },
    Scenario {
        name: "tomcat-update",
        steps: &[
            apt("install tomcat10"),
            shell("sed -i 's/8080/8081/' /etc/tomcat10/server.xml"),
            sources(BOOKWORM_UPDATED),
            apt("install --only-upgrade tomcat10 tomcat10-common libtomcat10-java"),
            apt("remove tomcat10"),
            apt("purge tomcat10"),
        ],
        programs: &[says(
            "grep -c 8081 /etc/tomcat10/server.xml; ls -A /var/lib/tomcat10 2>&1",
            &["No such file"],
        )],
        rows: ACCOUNTS,
        ..ON_BOOKWORM
    },
    // Formats, maps and file name databases by triggers.
    Scenario {
        name: "tex",
        steps: &[
            apt("install texlive-base"),
            shell("kpsewhich plain.tex; ls /var/lib/texmf/web2c/*"),
            apt("install tex-gyre"),
            apt("remove tex-gyre"),
            apt("purge texlive-base tex-gyre"),
        ],
        programs: &[says("ls -A /etc/texmf /var/lib/texmf 2>&1", &["web2c"])],
        ..ON_BOOKWORM
    },
    // Registered by the packages' own scripts in a cache below /usr.
    Scenario {
        name: "mono",
        steps: &[
            apt("install mono-runtime libmono-system-core4.0-cil mono-gac"),
            shell("gacutil -l | grep -c PublicKeyToken"),
            apt("remove libmono-system-core4.0-cil"),
            apt("autoremove --purge"),
        ],
        programs: &[says("mono --version | head -1", &["Mono JIT"])],
        ..ON_BOOKWORM
    },
    // A kernel: /boot, and links in / itself.
    Scenario {
        name: "kernel",
        steps: &[
            apt("install linux-image-cloud-amd64"),
            shell("ls /boot; ls -l /vmlinuz /initrd.img | sed 's/.* //'"),
            apt("install --reinstall initramfs-tools"),
            apt("purge linux-image-cloud-amd64 'linux-image-6*'"),
        ],
        programs: &[says(
            "ls -A /boot /lib/modules /vmlinuz 2>&1",
            &["No such file"],
        )],
        rows: &[
            row("path /vmlinuz*", TOP),
            row("path /initrd.img*", TOP),
            row("said", TOP),
            row("said dpkg", TOP),
        ],
        ..ON_BOOKWORM
    },
    Scenario {
        name: "cups",
        steps: &[
            apt("install cups-daemon cups-client"),
            shell("cupsd -t; stat -c '%U:%G %a' /etc/cups/ppd /var/spool/cups"),
            exec("dpkg-reconfigure -f noninteractive cups-daemon"),
            apt("remove cups-daemon"),
            apt("purge cups-daemon cups-client cups-common"),
        ],
        programs: &[says(
            "ls -A /etc/cups /var/spool/cups /var/log/cups 2>&1",
            &["No such file"],
        )],
        rows: ACCOUNTS,
        ..ON_BOOKWORM
    },
    // Files of two releases of the archive, on the newer one.
    Scenario {
        name: "trixie-haproxy-update",
        steps: &[
            apt("install haproxy"),
            shell(
                "echo '# mine' >>/etc/haproxy/haproxy.cfg; haproxy -c -f /etc/haproxy/haproxy.cfg 2>&1",
            ),
            sources(TRIXIE_UPDATED),
            apt("install --only-upgrade -o Dpkg::Options::=--force-confold haproxy"),
            apt("remove haproxy"),
            dpkg("-P haproxy"),
        ],
        programs: &[says(
            "ls -A /etc/haproxy /var/lib/haproxy 2>&1",
            &["No such file"],
        )],
        rows: ACCOUNTS,
        ..ON_TRIXIE
    },
    Scenario {
        name: "trixie-cloud-init",
        steps: &[
            shell(
                "echo 'cloud-init cloud-init/datasources multiselect NoCloud, None' | debconf-set-selections",
            ),
            apt("install cloud-init"),
            shell(
                "ls /etc/cloud/cloud.cfg.d; cloud-init --version; cloud-init schema --system 2>&1 | head -3",
            ),
            exec("dpkg-reconfigure -f noninteractive cloud-init"),
            apt("remove cloud-init"),
            apt("purge cloud-init"),
        ],
        programs: &[says(
            "ls -A /etc/cloud /var/lib/cloud 2>&1",
            &["No such file"],
        )],
        ..ON_TRIXIE
    },
    Scenario {
        name: "trixie-nfs",
        steps: &[
            apt("install nfs-common ntpsec"),
            shell("stat -c '%U %a' /var/lib/nfs /var/lib/ntpsec; cat /etc/idmapd.conf"),
            apt("install --reinstall nfs-common"),
            apt("remove nfs-common ntpsec"),
            apt("purge nfs-common ntpsec rpcbind"),
        ],
        programs: &[says(
            "ls -A /var/lib/nfs /etc/ntpsec 2>&1; getent passwd statd ntpsec",
            &["statd"],
        )],
        rows: ACCOUNTS,
        ..ON_TRIXIE
    },
    Scenario {
        name: "trixie-samba",
        steps: &[
            apt("install samba winbind libpam-winbind"),
            shell(
                "testparm -s 2>/dev/null | grep workgroup; grep -c winbind /etc/pam.d/common-auth",
            ),
            exec("dpkg-reconfigure -f noninteractive samba-common"),
            apt("remove libpam-winbind winbind"),
            apt("purge samba samba-common winbind libpam-winbind"),
        ],
        programs: &[says(
            "ls -A /etc/samba /var/lib/samba 2>&1; cat /etc/pam.d/common-auth",
            &["pam_unix.so"],
        )],
        rows: ACCOUNTS,
        ..ON_TRIXIE
    },
];
