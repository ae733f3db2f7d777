//! Servers.

use super::ACCOUNTS;
use crate::views::scenario::{ON_BOOKWORM, ON_TRIXIE, Scenario, apt, row, says, shell};

/// They all.
pub const ALL: &[Scenario] = &[
    Scenario {
        name: "apache2-modules",
        steps: &[
            apt("install apache2 libapache2-mod-php"),
            shell(
                "a2enmod rewrite headers; a2dismod -f status; echo '<?php echo 6 * 7;' >/var/www/html/x.php",
            ),
            apt("install --reinstall apache2"),
            shell("apache2ctl -t -D DUMP_MODULES 2>/dev/null | sort"),
            apt("remove libapache2-mod-php8.2"),
            apt("purge apache2 libapache2-mod-php8.2"),
        ],
        programs: &[says("ls /etc/apache2 /var/www/html 2>&1", &["x.php"])],
        rows: &[row(
            "said Setting up *apache2*",
            "dpkg comes to the module first where more of what apache2 needs is still to be configured",
        )],
        ..ON_BOOKWORM
    },
    Scenario {
        name: "trixie-apache2",
        steps: &[
            apt("install apache2 libapache2-mod-wsgi-py3"),
            shell("a2enmod ssl; a2ensite default-ssl; a2disconf serve-cgi-bin"),
        ],
        programs: &[says(
            "apache2ctl -t -D DUMP_MODULES 2>/dev/null | sort",
            &["wsgi_module", "ssl_module"],
        )],
        ..ON_TRIXIE
    },
    Scenario {
        name: "postgresql",
        steps: &[
            apt("install postgresql"),
            apt("install --reinstall postgresql-15"),
            apt("remove postgresql-15"),
        ],
        programs: &[says(
            "ls /etc/postgresql/15/main /var/lib/postgresql/15; pg_lsclusters",
            &["postgresql.conf"],
        )],
        ..ON_BOOKWORM
    },
    Scenario {
        name: "trixie-postgresql",
        steps: &[apt("install postgresql"), apt("install postgresql-contrib")],
        programs: &[says(
            "pg_ctlcluster 17 main start; cd /tmp; su postgres -c \"psql -Atc 'select 6*7'\"; pg_ctlcluster 17 main stop",
            &["42"],
        )],
        ..ON_TRIXIE
    },
    Scenario {
        name: "mariadb",
        steps: &[
            apt("install mariadb-server"),
            apt("remove mariadb-server"),
            apt("install mariadb-server"),
        ],
        programs: &[says(
            "install -d -o mysql /run/mysqld; mariadbd --user=mysql >/tmp/log 2>&1 & \
             for n in $(seq 60); do mariadb -e 'select 6*7' 2>/dev/null && break; sleep 1; done; mariadb-admin shutdown; wait",
            &["42"],
        )],
        ..ON_BOOKWORM
    },
    Scenario {
        name: "redis",
        steps: &[
            apt("install redis-server"),
            shell("sed -i 's/^port .*/port 7777/' /etc/redis/redis.conf"),
            apt("install --reinstall redis-server redis-tools"),
            apt("remove redis-server"),
            apt("install redis-server"),
        ],
        programs: &[says(
            "redis-server /etc/redis/redis.conf --daemonize no >/dev/null & sleep 2; redis-cli -p 7777 set a b; redis-cli -p 7777 get a; \
             redis-cli -p 7777 shutdown nosave; wait",
            &["OK", "b"],
        )],
        ..ON_BOOKWORM
    },
    Scenario {
        name: "postfix",
        steps: &[
            shell(
                "printf '%s\\n' 'postfix postfix/main_mailer_type select Local only' 'postfix postfix/mailname string here.example.org' | debconf-set-selections",
            ),
            apt("install postfix"),
            shell(
                "postconf -e 'home_mailbox = Maildir/'; echo 'root: nobody' >>/etc/aliases; newaliases",
            ),
            apt("install --reinstall postfix"),
            apt("purge postfix"),
        ],
        programs: &[says(
            "ls /etc/postfix /var/spool/postfix /etc/mailname /etc/aliases 2>&1",
            &["/etc/aliases"],
        )],
        rows: ACCOUNTS,
        ..ON_BOOKWORM
    },
    Scenario {
        name: "exim4",
        steps: &[
            shell(
                "printf '%s\\n' 'exim4-config exim4/dc_eximconfig_configtype select local delivery only; not on a network' | debconf-set-selections",
            ),
            apt("install exim4-daemon-light bsd-mailx"),
            shell("update-exim4.conf && exim4 -bP primary_hostname"),
            apt("remove exim4-daemon-light"),
        ],
        programs: &[says(
            "ls /etc/exim4 /var/spool/exim4 2>&1",
            &["update-exim4.conf.conf"],
        )],
        ..ON_BOOKWORM
    },
    Scenario {
        name: "openssh",
        steps: &[
            apt("install openssh-server"),
            shell("sed -i 's/^#Port .*/Port 2222/' /etc/ssh/sshd_config; rm /etc/ssh/moduli"),
            apt("install --reinstall -o Dpkg::Options::=--force-confold openssh-server"),
            apt("remove openssh-server"),
            apt("purge openssh-server"),
        ],
        programs: &[says("ls /etc/ssh", &["ssh_config"])],
        rows: ACCOUNTS,
        ..ON_BOOKWORM
    },
    Scenario {
        name: "trixie-openssh",
        steps: &[
            apt("install openssh-server"),
            apt("install --reinstall openssh-server"),
        ],
        programs: &[
            says(
                "install -d /run/sshd; sshd -T | grep -E '^(port|usepam)'",
                &["port 22"],
            ),
            says("getent passwd sshd", &["sshd"]),
        ],
        ..ON_TRIXIE
    },
    Scenario {
        name: "nginx",
        steps: &[
            apt("install nginx libnginx-mod-http-echo"),
            apt("remove libnginx-mod-http-echo"),
            shell("nginx -t 2>&1"),
            apt("purge nginx nginx-common"),
        ],
        programs: &[says(
            "ls /etc/nginx /var/log/nginx 2>&1; getent passwd www-data",
            &["www-data"],
        )],
        ..ON_BOOKWORM
    },
    Scenario {
        name: "bind9",
        steps: &[
            apt("install bind9"),
            apt("remove bind9"),
            apt("purge bind9"),
        ],
        programs: &[says(
            "ls /etc/bind /var/cache/bind 2>&1; getent passwd bind",
            &["bind"],
        )],
        rows: &[
            row(
                "account *",
                "accounts are the host's: what a view brought is never removed",
            ),
            row("program ls /etc/bind *", "the same"),
        ],
        ..ON_TRIXIE
    },
];
