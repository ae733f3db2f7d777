//! The user's language: what is said in it, what it is taken from, and how tables line up in it.
//!
//! That every text of every case is translated where stock translates it is seen by running the
//! whole library in another language (`COMPAT_LANGUAGE`, see `catalogue`).

use super::Cases;
use crate::deb::deb;
use crate::world::World;

/// Locales with dpkg's catalogue in another character set, another language, another plural.
const LOCALES: [&str; 7] = [
    "de_DE.UTF-8",
    "de_DE",
    "fr_FR.UTF-8",
    "ja_JP.UTF-8",
    "ja_JP.eucJP",
    "pl_PL.UTF-8",
    "ru_RU.KOI8-R",
];

/// What most commands say.
fn tour(w: &mut World) {
    let v1 = w.deb(&deb("pk", "1").conffile("/etc/pk.conf", "one\n").scripts());
    let v2 = w.deb(&deb("pk", "2").conffile("/etc/pk.conf", "two\n").scripts());
    let needy = w.deb(&deb("needy", "1").field("Depends", "nothing (>= 2) | never, pk (>> 3)"));
    w.run(&format!("$D -i {v1}"));
    w.write("/etc/pk.conf", "local\n");
    w.stdin("d\nz\nexit\ny\n")
        .run(&format!("PAGER=cat $D -i {v2}"));
    w.run(&format!("$D -i {needy}"));
    w.run("$Q -l; $Q -s pk nothing; $Q -W -f '${Package} ${binary:Summary}\\n'");
    w.run("$Q -l nothing");
    w.run("$D --audit; $D -V; $D --get-selections nothing");
    for line in [
        "--help",
        "--version",
        "-Dhelp",
        "--force-help",
        "--assert-help",
    ] {
        w.run(&format!("dpkg {line}"));
    }
    w.run("dpkg-query --help; dpkg-query --version; dpkg-deb --help; dpkg-deb --version");
    w.run("dpkg; dpkg --nonsense; dpkg -i; dpkg-query -l -L; dpkg-deb -x; dpkg-deb -Zfoo -b x");
    w.run("$D -i /no/such.deb; dpkg-deb -I /t/w; dpkg-deb -c /dev/null; dpkg-deb -b /no/such");
    w.run(&format!(
        "dpkg-deb -I {v2}; dpkg-deb -c {v2}; dpkg-deb -I {v2} none"
    ));
    w.run("dpkg --compare-versions 1 lt-nl x_; dpkg --validate-pkgname A_; dpkg --admindir=/no -l");
    w.make_fail("pk-2.prerm.remove");
    w.run("$D -r pk");
    w.make_work("pk-2.prerm.remove");
    w.run("$D -P pk needy");
}

/// Packages whose descriptions take one column a character, two, and none.
fn wide(w: &mut World) {
    w.install(&[
        deb("accents", "1").field(
            "Description",
            "Größenübersicht für Äpfel, naïve café, ñandú",
        ),
        deb("wide", "1").field(
            "Description",
            "日本語の説明文です。とても長いので切り取られるかもしれません。",
        ),
        deb("combining", "1").field(
            "Description",
            "e\u{301}a\u{308}o\u{302} zero\u{200b}width \u{1f600} smile",
        ),
        deb("broken", "1").field("Description", "Wu\\377rst \\303 end"),
    ]);
    w.prepare("sed -i 's/\\\\377/\\xff/; s/\\\\303/\\xc3/' $R/var/lib/dpkg/status");
}

pub(super) fn add(c: &mut Cases) {
    for locale in LOCALES {
        c.add(&format!("language/tour-{locale}"), move |w| {
            w.env("LC_ALL", locale);
            tour(w);
        });
        c.add(&format!("language/columns-{locale}"), move |w| {
            wide(w);
            w.env("LC_ALL", locale);
            w.run("$Q -l");
            w.run("$Q -l accents never 'w*'");
            for columns in [20, 79, 80, 81, 85, 100] {
                w.run(&format!(
                    "script -qec 'stty cols {columns}; dpkg-query --no-pager --root=/t/root -l' /dev/null"
                ));
            }
            w.run("$Q -W -f '[${Package;-10}] [${binary:Summary;30}] [${binary:Summary;-12}]\\n'");
        });
        c.add(&format!("language/plurals-{locale}"), move |w| {
            w.env("LC_ALL", locale);
            for count in [1u32, 2, 4, 5, 11, 21, 22, 25, 112] {
                // The last of fourteen has no section.
                let section = |i| match i % 14 {
                    13 => String::new(),
                    n => format!("Section: s{n}\\n"),
                };
                let list: String = (0..count)
                    .map(|i| format!("Package: p{i}\\nStatus: install ok not-installed\\n{}Architecture: all\\n\\n", section(i)))
                    .collect();
                w.prepare(&format!("printf '{list}' >$R/var/lib/dpkg/status"));
                w.run("$D --yet-to-unpack");
            }
            w.prepare(": >$R/var/lib/dpkg/status");
            let v1 = w.deb(&deb("pk", "1").file("/a", "").file("/b", ""));
            w.run(&format!("$D -i {v1} {v1}"));
            w.run("echo 'pk hold' | $D --set-selections; $D -r pk; $D -P --pending");
            w.run("for n in 1 2 5; do $D --abort-after=$n -r n1 n2 n3 n4 n5 n6; done");
        });
    }
    c.add("language/environment", |w| {
        let say = "dpkg --nonsense; dpkg-query -s nothing; dpkg-deb -c /no/such";
        for env in [
            "LC_ALL=C LANGUAGE=de",
            "LC_ALL=POSIX LANGUAGE=de",
            "LC_ALL=C.UTF-8 LANGUAGE=de",
            "LC_ALL=de_DE.UTF-8 LANGUAGE=",
            "LC_ALL=de_DE.UTF-8 LANGUAGE=fr",
            "LC_ALL=de_DE.UTF-8 LANGUAGE=xx:pl:fr",
            "LC_ALL=de_DE.UTF-8 LANGUAGE=en",
            "LC_ALL=de_DE.UTF-8 LANGUAGE=en:de",
            "LC_ALL=de_DE LANGUAGE=ja",
            "LC_ALL=de_AT.UTF-8",
            "LC_ALL=de_DE@euro",
            "LC_ALL=german",
            "LC_ALL=xx_XX.UTF-8",
            "LC_ALL=xx_XX.UTF-8 LANGUAGE=de",
            "LC_ALL= LANG=de_DE.UTF-8",
            "LC_ALL= LANG=de_DE.UTF-8 LC_MESSAGES=C",
            "LC_ALL= LANG=de_DE.UTF-8 LC_MESSAGES=fr_FR.UTF-8",
            "LC_ALL= LANG=de_DE.UTF-8 LC_CTYPE=C",
            "LC_ALL= LANG=de_DE.UTF-8 LC_CTYPE=de_DE",
            "LC_ALL= LANG=de_DE.UTF-8 LC_TIME=xx_XX",
            "LC_ALL= LANG=C LC_MESSAGES=de_DE.UTF-8",
            "LC_ALL= LANG=xx_XX LC_MESSAGES=de_DE.UTF-8",
            "LC_ALL= LANG=",
            "LC_ALL=de_DE.UTF-8 LOCPATH=/nowhere",
            "LC_ALL=de_DE.UTF-8 DPKG_NLS=0",
            "LC_ALL=de_DE.UTF-8 DPKG_NLS=",
            "LC_ALL=de_DE.UTF-8 DPKG_NLS=1",
            "LC_ALL=de_DE.UTF-8 DPKG_NLS=no",
            "LC_ALL=de_DE.UTF-8 DPKG_NLS=00",
        ] {
            w.run(&format!("export {env}; {say}"));
        }
        w.run("unset LC_ALL; LANG=fr_FR.UTF-8; export LANG; dpkg --nonsense");
        w.run("unset LC_ALL LANG; dpkg --nonsense");
    });
    c.add("language/broken-catalogue", |w| {
        let dir = "/usr/share/locale/de/LC_MESSAGES";
        w.env("LC_ALL", "de_DE.UTF-8");
        let file = format!("{dir}/dpkg.mo");
        for spoil in [
            format!(": >{file}"),
            format!("printf nonsense >{file}"),
            format!("rm {file}"),
            format!("mkdir -p {file}"),
        ] {
            w.prepare(&spoil);
            w.run("dpkg --nonsense; dpkg-query -l nothing");
        }
    });
    c.add("language/other-programs", |w| {
        w.env("LC_ALL", "de_DE.UTF-8");
        w.env("SOURCE_DATE_EPOCH", "1000000000");
        w.prepare(
            "mkdir -p /t/w/x/DEBIAN; cd /t/w/x; printf 'Package: x\\nVersion: 1\\nArchitecture: all\\n\
            Maintainer: m\\nDescription: d\\n' >DEBIAN/control; perl -MSocket -e \
            'socket(S,AF_UNIX,SOCK_STREAM,0); bind(S,sockaddr_un(\"socket\"))'",
        );
        w.run("dpkg-deb -b x x.deb >/dev/null; dpkg-deb -c x.deb");
        w.run("dpkg-deb -Znone -b x /dev/full");
        w.run("dpkg-deb --help >/dev/full; dpkg-query -l >/dev/full; dpkg --help >/dev/full");
    });
}
