//! Scenarios of the archive's packages, chosen for their scripts.
//!
//! What each is for stands in its name: `bookworm` or `trixie` in front says the release, where there are both.

use super::scenario::{
    BOOKWORM, BOOKWORM_UPDATED, BOTH, Files, ON_BOOKWORM, ON_TRIXIE, Row, Scenario, State, TRIXIE,
    TRIXIE_UPDATED, apt, dpkg, exec, row, says, shell, sources,
};

/// What `dist-upgrade` does to the packages of the base system, which a view leaves to its host.
const OF_THE_HOST: &[Row] = &[
    row(
        "host *",
        "dist-upgrade of a view leaves alone what the view takes from the host and nothing asks for anew",
    ),
    row(
        "path /var/log/alternatives.log",
        "the same: it tells of alternatives of such packages",
    ),
];

/// How man-db's index tells pages from links to them.
pub const MAN_DB: Row = row(
    "path /var/cache/man/*index.db",
    "man-db takes a page with several names (st_nlink) for linked, and each file of a view has one in the store, too: of links it has seen before it says 'A' for 'B'",
);

/// Why a program sees nothing of what the world of a view with the host's state has in `/etc` and `/var`.
const SCRIPTS_ALONE: &str = "which services start, and databases of packaging tools, are the world's and seen by scripts alone: a context has the host's /etc and /var";

/// What a purge leaves of accounts.
pub const ACCOUNTS: &[Row] = &[row(
    "account *",
    "accounts are the host's: what a view brought is never removed",
)];

/// All of them.
pub const ALL: &[Scenario] = &[
    // Libraries that everything uses.
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
    // Languages and their modules.
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
            apt("purge python3-yaml python3-six"),
            apt("autoremove --purge"),
        ],
        programs: &[says(
            "ls /usr/lib/python3/dist-packages 2>&1",
            &["No such file"],
        )],
        ..ON_BOOKWORM
    },
    Scenario {
        name: "trixie-python",
        steps: &[
            apt("install python3-yaml python3-numpy python3-venv"),
            apt("remove python3-venv"),
        ],
        programs: &[says(
            "python3 -c 'import numpy, yaml; print(yaml.dump([int(numpy.arange(7).sum())]))'",
            &["- 21"],
        )],
        ..ON_TRIXIE
    },
    Scenario {
        name: "php",
        steps: &[
            apt("install php-cli php-mbstring php-xml"),
            shell("phpdismod mbstring"),
            apt("install php-fpm"),
            apt("purge php8.2-xml"),
        ],
        programs: &[
            says(
                "php -r 'echo PHP_VERSION, \"\\n\"; var_dump(function_exists(\"mb_strlen\"));'",
                &["8.2", "false"],
            ),
            says("php-fpm8.2 -t 2>&1 | sed 's/^[^]]*] //'", &["successful"]),
        ],
        ..ON_BOOKWORM
    },
    Scenario {
        name: "ruby",
        steps: &[
            apt("install ruby ruby-nokogiri"),
            apt("remove ruby-nokogiri"),
            apt("install ruby-nokogiri rake"),
        ],
        programs: &[
            says(
                "ruby -rnokogiri -e 'puts Nokogiri::XML(\"<a>b</a>\").text'",
                &["b"],
            ),
            says(
                "gem list --local 2>/dev/null | grep -E 'nokogiri|rake'",
                &["nokogiri"],
            ),
        ],
        ..ON_BOOKWORM
    },
    Scenario {
        name: "node",
        steps: &[apt("install nodejs node-semver"), apt("purge node-semver")],
        programs: &[says(
            "node -e 'console.log(process.version, process.versions.openssl)'",
            &["v18"],
        )],
        ..ON_BOOKWORM
    },
    Scenario {
        name: "java",
        steps: &[
            apt("install default-jre-headless"),
            apt("install --reinstall ca-certificates-java"),
        ],
        programs: &[
            says("java -version 2>&1", &["openjdk version \"17"]),
            says(
                "keytool -list -cacerts -storepass changeit 2>/dev/null | grep -c trustedCertEntry",
                &["1"],
            ),
            says("readlink -f /usr/bin/java", &["/usr/lib/jvm/"]),
        ],
        ..ON_BOOKWORM
    },
    Scenario {
        name: "headers-gcc",
        steps: &[
            apt("install gcc libc6-dev linux-headers-amd64"),
            apt("remove linux-headers-amd64"),
            apt("autoremove"),
        ],
        programs: &[says(
            "cd /tmp && echo 'int puts(const char *); int main(void) { return puts(\"built\") < 0; }' >t.c && gcc -o t t.c && ./t",
            &["built"],
        )],
        ..ON_BOOKWORM
    },
    Scenario {
        name: "trixie-gcc",
        steps: &[
            apt("install g++ make"),
            apt("install --reinstall gcc-14 libc6-dev"),
        ],
        programs: &[says(
            "cd /tmp && printf '#include <iostream>\\nint main() { std::cout << __VERSION__ << std::endl; }' >t.cc && g++ -o t t.cc && ./t",
            &["14."],
        )],
        ..ON_TRIXIE
    },
    // Servers.
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
    // What the system is run by.
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
    // Caches, catalogues, alternatives.
    Scenario {
        name: "ca-certificates",
        steps: &[apt("install ca-certificates"), apt("purge ca-certificates")],
        programs: &[says("ls -A /etc/ssl /etc/ca-certificates 2>&1", &["certs"])],
        ..ON_BOOKWORM
    },
    Scenario {
        name: "ca-certificates-on-host",
        state: State::Host,
        purged: true,
        steps: &[
            apt("install ca-certificates"),
            apt("purge ca-certificates openssl"),
        ],
        programs: &[says("ls -A /etc/ca-certificates 2>&1", &["No such file"])],
        rows: &[
            row("debconf *", SCRIPTS_ALONE),
            row("template *", SCRIPTS_ALONE),
        ],
        ..ON_BOOKWORM
    },
    Scenario {
        name: "redis-on-host",
        state: State::Host,
        purged: true,
        steps: &[
            apt("install redis-server"),
            apt("purge redis-server redis-tools"),
        ],
        programs: &[says(
            "ls -A /etc/redis /var/lib/redis 2>&1",
            &["No such file"],
        )],
        rows: &[
            row("override *", SCRIPTS_ALONE),
            row("path /etc/rc*", SCRIPTS_ALONE),
            row("path /etc/systemd/system/*", SCRIPTS_ALONE),
            row(
                "account *",
                "accounts are the host's: what a view brought is never removed",
            ),
        ],
        ..ON_BOOKWORM
    },
    Scenario {
        name: "blas",
        steps: &[
            apt("install libblas3 liblapack3 python3-numpy"),
            apt("install libopenblas0-pthread"),
            exec(
                "update-alternatives --set libblas.so.3-x86_64-linux-gnu /usr/lib/x86_64-linux-gnu/blas/libblas.so.3",
            ),
            apt("remove libblas3"),
        ],
        programs: &[
            says(
                "python3 -c 'import numpy; print(numpy.dot([1, 2], [3, 4]))'",
                &["11"],
            ),
            says(
                "readlink -f /usr/lib/x86_64-linux-gnu/libblas.so.3",
                &["openblas"],
            ),
        ],
        ..ON_BOOKWORM
    },
    Scenario {
        name: "vim-alternatives",
        steps: &[
            apt("install vim-tiny nano"),
            apt("install vim"),
            exec("update-alternatives --set editor /usr/bin/vim.tiny"),
            apt("remove vim"),
            apt("purge vim-tiny"),
        ],
        programs: &[
            says(
                "readlink -f /usr/bin/editor; readlink /etc/alternatives/editor",
                &["/usr/bin/nano"],
            ),
            says("nano --version | head -1", &["nano"]),
        ],
        ..ON_BOOKWORM
    },
    Scenario {
        name: "fonts",
        steps: &[
            apt("install fontconfig fonts-dejavu-core fonts-liberation xfonts-base"),
            apt("remove fonts-liberation"),
            apt("purge xfonts-base"),
        ],
        programs: &[says("fc-match sans; fc-list | wc -l", &["DejaVu"])],
        ..ON_BOOKWORM
    },
    Scenario {
        name: "schemas",
        steps: &[
            apt(
                "install libglib2.0-bin gsettings-desktop-schemas shared-mime-info hicolor-icon-theme desktop-file-utils",
            ),
            apt("install --reinstall gsettings-desktop-schemas"),
            apt("remove gsettings-desktop-schemas"),
            apt("autoremove"),
        ],
        programs: &[says(
            "gio info -a standard::content-type /etc/passwd",
            &["standard::content-type"],
        )],
        ..ON_BOOKWORM
    },
    Scenario {
        name: "xml-catalogs",
        steps: &[
            apt("install docbook-xml sgml-data libxml2-utils"),
            apt("remove docbook-xml"),
            apt("purge docbook-xml sgml-data"),
        ],
        programs: &[says(
            "ls /etc/xml /etc/sgml /var/lib/xml-core 2>&1",
            &["catalog"],
        )],
        ..ON_BOOKWORM
    },
    Scenario {
        name: "dictionaries",
        steps: &[
            apt("install aspell-en wamerican ispell iamerican hunspell-en-us"),
            apt("remove wamerican"),
            apt("purge iamerican ispell"),
        ],
        programs: &[says("echo helo | aspell -a | tail -2", &["hello"])],
        ..ON_BOOKWORM
    },
    Scenario {
        name: "man-db",
        steps: &[
            shell("echo man-db man-db/auto-update boolean true | debconf-set-selections"),
            apt("install man-db bsdextrautils manpages"),
            apt("install hello"),
            apt("remove manpages"),
        ],
        programs: &[says("man -w hello; man -k greeting", &["hello"])],
        rows: &[MAN_DB],
        ..ON_BOOKWORM
    },
    Scenario {
        name: "locales",
        steps: &[
            shell(
                "printf '%s\\n' 'locales locales/locales_to_be_generated multiselect de_DE.UTF-8 UTF-8' 'locales locales/default_environment_locale select de_DE.UTF-8' | debconf-set-selections",
            ),
            apt("install locales"),
            shell("echo 'fr_FR.UTF-8 UTF-8' >>/etc/locale.gen; locale-gen"),
            apt("install --reinstall locales"),
        ],
        programs: &[
            says("locale -a; cat /etc/default/locale", &["de_DE.utf8"]),
            says("LC_ALL=de_DE.UTF-8 date -d 2020-01-01 +%A", &["Mittwoch"]),
        ],
        ..ON_BOOKWORM
    },
    Scenario {
        name: "preseed",
        steps: &[
            shell(
                "printf '%s\\n' 'tzdata tzdata/Areas select Europe' 'tzdata tzdata/Zones/Europe select Berlin' \
                   'keyboard-configuration keyboard-configuration/xkb-keymap select de' \
                   'dictionaries-common dictionaries-common/default-wordlist select british (Webster)' \
                   'debconf debconf/priority select critical' | debconf-set-selections",
            ),
            apt("install keyboard-configuration console-setup"),
            shell("debconf-show keyboard-configuration | sort"),
            apt("purge console-setup keyboard-configuration"),
        ],
        programs: &[says("ls /etc/default", &["useradd"])],
        ..ON_BOOKWORM
    },
    Scenario {
        name: "emacs",
        steps: &[
            apt("install emacs-nox elpa-magit"),
            apt("remove elpa-magit"),
            apt("purge emacs-nox emacs-common emacsen-common"),
        ],
        programs: &[says(
            "ls -A /usr/share/emacs /etc/emacs /var/lib/emacsen-common 2>&1",
            &["No such file"],
        )],
        ..ON_BOOKWORM
    },
    Scenario {
        name: "trixie-emacs",
        steps: &[apt("install emacs-nox elpa-markdown-mode")],
        programs: &[says(
            "emacs --batch --eval '(progn (require (quote markdown-mode)) (princ emacs-version))'",
            &["30."],
        )],
        ..ON_TRIXIE
    },
    Scenario {
        name: "desktop",
        steps: &[
            apt("install xvfb galculator x11-utils"),
            apt("install --reinstall galculator"),
        ],
        programs: &[says(
            "Xvfb :9 >/dev/null 2>&1 & export DISPLAY=:9; sleep 2; galculator >/dev/null 2>&1 & \
             for n in $(seq 30); do xwininfo -root -tree | grep -o '\"galculator\"' | head -1 | grep . && break; sleep 1; done; kill %2 %1",
            &["galculator"],
        )],
        ..ON_BOOKWORM
    },
    Scenario {
        name: "i386",
        steps: &[
            dpkg("--add-architecture i386"),
            apt("install hello:i386 libzstd1:i386"),
            apt("remove hello:i386"),
            apt("install hello:i386"),
        ],
        programs: &[says(
            "hello; head -c 5 /usr/bin/hello | od -An -tx1",
            &["Hello, world!", "01"],
        )],
        ..ON_BOOKWORM
    },
    // Conffiles changed by hand, and the next release.
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
