//! Caches, catalogues, alternatives.

use super::{MAN_DB, SCRIPTS_ALONE};
use crate::views::scenario::{
    ON_BOOKWORM, ON_TRIXIE, Scenario, State, apt, dpkg, exec, row, says, shell,
};

/// They all.
pub const ALL: &[Scenario] = &[
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
];
