//! A damaged database: what is refused, what is warned about, and in which words.

use super::Cases;
use crate::deb::deb;

const GOOD: &str = "Package: pk\nStatus: install ok installed\nMaintainer: x\nArchitecture: all\nVersion: 1\nDescription: d\n";

pub(super) fn add(c: &mut Cases) {
    let stanzas: [(&str, &str); 61] = [
        ("good", GOOD),
        (
            "no-end-newline",
            "Package: pk\nStatus: install ok installed\nVersion: 1\nDescription: d",
        ),
        ("no-colon", "Package: pk\nStatus install ok installed\n"),
        ("eof-in-name", "Package: pk\nStat"),
        ("eof-after-colon", "Package: pk\nStatus:"),
        ("no-package", "Status: install ok installed\nVersion: 1\n"),
        (
            "bad-package",
            "Package: P_k\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n",
        ),
        (
            "package-space",
            "Package: p k\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n",
        ),
        (
            "no-version",
            "Package: pk\nStatus: install ok installed\nArchitecture: all\n",
        ),
        (
            "bad-version",
            "Package: pk\nStatus: install ok installed\nVersion: b@d\nArchitecture: all\n",
        ),
        (
            "letter-version",
            "Package: pk\nStatus: install ok installed\nVersion: a1\nArchitecture: all\n",
        ),
        (
            "empty-version",
            "Package: pk\nStatus: install ok installed\nVersion:\nArchitecture: all\n",
        ),
        (
            "epoch",
            "Package: pk\nStatus: install ok installed\nVersion: x:1\nArchitecture: all\n",
        ),
        (
            "no-architecture",
            "Package: pk\nStatus: install ok installed\nVersion: 1\n",
        ),
        (
            "empty-architecture",
            "Package: pk\nStatus: install ok installed\nVersion: 1\nArchitecture:\n",
        ),
        (
            "bad-architecture",
            "Package: pk\nStatus: install ok installed\nVersion: 1\nArchitecture: a b\n",
        ),
        (
            "foreign",
            "Package: pk\nStatus: install ok installed\nVersion: 1\nArchitecture: armhf\n",
        ),
        (
            "all-same",
            "Package: pk\nStatus: install ok installed\nVersion: 1\nArchitecture: all\nMulti-Arch: same\n",
        ),
        (
            "bad-multi-arch",
            "Package: pk\nStatus: install ok installed\nVersion: 1\nArchitecture: all\nMulti-Arch: maybe\n",
        ),
        (
            "no-maintainer",
            "Package: pk\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n",
        ),
        (
            "status-short",
            "Package: pk\nStatus: install ok\nVersion: 1\nArchitecture: all\n",
        ),
        (
            "status-want",
            "Package: pk\nStatus: desire ok installed\nVersion: 1\nArchitecture: all\n",
        ),
        (
            "status-flag",
            "Package: pk\nStatus: install fine installed\nVersion: 1\nArchitecture: all\n",
        ),
        (
            "status-state",
            "Package: pk\nStatus: install ok done\nVersion: 1\nArchitecture: all\n",
        ),
        (
            "status-extra",
            "Package: pk\nStatus: install ok installed now\nVersion: 1\nArchitecture: all\n",
        ),
        (
            "status-case",
            "Package: pk\nStatus: Install OK Installed\nVersion: 1\nArchitecture: all\n",
        ),
        (
            "hold-flag",
            "Package: pk\nStatus: install hold installed\nVersion: 1\nArchitecture: all\n",
        ),
        (
            "half-conf-no-config-version",
            "Package: pk\nStatus: install ok half-configured\nVersion: 1\nArchitecture: all\n",
        ),
        (
            "config-version-installed",
            "Package: pk\nStatus: install ok installed\nVersion: 1\nConfig-Version: 0\nArchitecture: all\n",
        ),
        (
            "bad-config-version",
            "Package: pk\nStatus: install ok unpacked\nVersion: 1\nConfig-Version: @\nArchitecture: all\n",
        ),
        (
            "config-files-without",
            "Package: pk\nStatus: deinstall ok config-files\nVersion: 1\nArchitecture: all\n",
        ),
        (
            "config-files-with",
            "Package: pk\nStatus: deinstall ok config-files\nVersion: 1\nArchitecture: all\nConffiles:\n /etc/x 0123456789abcdef0123456789abcdef\n",
        ),
        (
            "not-installed",
            "Package: pk\nStatus: deinstall ok not-installed\nArchitecture: all\n",
        ),
        (
            "field-twice",
            "Package: pk\nStatus: install ok installed\nVersion: 1\nVersion: 2\nArchitecture: all\n",
        ),
        (
            "unknown-twice",
            "Package: pk\nStatus: install ok installed\nVersion: 1\nX: 1\nX: 2\nArchitecture: all\n",
        ),
        (
            "unknown-fields",
            "Package: pk\nStatus: install ok installed\nVersion: 1\nArchitecture: all\nZeta: 1\nAlpha: 2\n folded\n",
        ),
        (
            "odd-case",
            "PACKAGE: pk\nstatus: install ok installed\nVERSION: 1\narchitecture: all\nmaintainer: x\n",
        ),
        (
            "odd-order",
            "Description: d\nVersion: 1\nArchitecture: all\nStatus: install ok installed\nPackage: pk\n",
        ),
        (
            "essential-odd",
            "Package: pk\nStatus: install ok installed\nVersion: 1\nArchitecture: all\nEssential: maybe\n",
        ),
        (
            "priority-odd",
            "Package: pk\nStatus: install ok installed\nVersion: 1\nArchitecture: all\nPriority: whatever\nSection:\n",
        ),
        (
            "priority-empty",
            "Package: pk\nStatus: install ok installed\nVersion: 1\nArchitecture: all\nPriority:\n",
        ),
        (
            "conffiles-bad",
            "Package: pk\nStatus: install ok installed\nVersion: 1\nArchitecture: all\nConffiles:\n /etc/x\n",
        ),
        (
            "conffiles-no-space",
            "Package: pk\nStatus: install ok installed\nVersion: 1\nArchitecture: all\nConffiles:\n/etc/x 0123\n",
        ),
        (
            "conffiles-flags",
            "Package: pk\nStatus: install ok installed\nVersion: 1\nArchitecture: all\nConffiles:\n /etc/x 0123456789abcdef0123456789abcdef obsolete\n /etc/y newconffile\n /etc/z 0123456789abcdef0123456789abcdef remove-on-upgrade\n /etc/w 0123456789abcdef0123456789abcdef what\n",
        ),
        (
            "conffiles-relative",
            "Package: pk\nStatus: install ok installed\nVersion: 1\nArchitecture: all\nConffiles:\n etc/x 0123456789abcdef0123456789abcdef\n",
        ),
        (
            "depends-ops",
            "Package: pk\nStatus: install ok installed\nVersion: 1\nArchitecture: all\nDepends: a (< 1), b (> 2), c (=> 3)\n",
        ),
        (
            "depends-junk",
            "Package: pk\nStatus: install ok installed\nVersion: 1\nArchitecture: all\nDepends: a b c\n",
        ),
        (
            "depends-trailing",
            "Package: pk\nStatus: install ok installed\nVersion: 1\nArchitecture: all\nDepends: a, b,\n",
        ),
        (
            "depends-folded",
            "Package: pk\nStatus: install ok installed\nVersion: 1\nArchitecture: all\nDepends: a,\n b | c,\n d (>= 1)\n",
        ),
        (
            "provides-alternatives",
            "Package: pk\nStatus: install ok installed\nVersion: 1\nArchitecture: all\nProvides: a | b\n",
        ),
        (
            "triggers-pending",
            "Package: pk\nStatus: install ok triggers-pending\nVersion: 1\nArchitecture: all\nTriggers-Pending: ping /opt\n",
        ),
        (
            "triggers-pending-none",
            "Package: pk\nStatus: install ok triggers-pending\nVersion: 1\nArchitecture: all\n",
        ),
        (
            "triggers-pending-installed",
            "Package: pk\nStatus: install ok installed\nVersion: 1\nArchitecture: all\nTriggers-Pending: ping\n",
        ),
        (
            "triggers-awaited",
            "Package: pk\nStatus: install ok triggers-awaited\nVersion: 1\nArchitecture: all\nTriggers-Awaited: other\n",
        ),
        (
            "triggers-bad-name",
            "Package: pk\nStatus: install ok triggers-pending\nVersion: 1\nArchitecture: all\nTriggers-Pending: p\u{e9}\n",
        ),
        (
            "blank-with-space",
            "Package: pk\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n \nPackage: q\n",
        ),
        (
            "leading-space",
            " Package: pk\nStatus: install ok installed\n",
        ),
        (
            "crlf",
            "Package: pk\r\nStatus: install ok installed\r\nVersion: 1\r\nArchitecture: all\r\n",
        ),
        (
            "control-z",
            "Package: pk\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n\u{1a}\n",
        ),
        (
            "name-space-colon",
            "Package : pk\nStatus : install ok installed\nVersion : 1\nArchitecture : all\n",
        ),
        (
            "many-blank-lines",
            "\n\n\nPackage: pk\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n\n\n\nPackage: q\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n\n\n",
        ),
    ];
    for (name, text) in stanzas {
        c.add(&format!("corrupt/status-{name}"), move |w| {
            w.write("/var/lib/dpkg/status", text);
            w.prepare("printf '/.\\n' >$R/var/lib/dpkg/info/pk.list");
            w.run("$Q -l");
            w.run("$Q -s");
            w.run("$D --audit");
            let d = w.deb(&deb("other", "1"));
            // Writes the whole file anew.
            w.run(&format!("$D -i {d}"));
            w.run("$D --configure -a");
        });
    }
    c.add("corrupt/status-two-packages-same-name", |w| {
        let two = format!("{GOOD}\n{}", GOOD.replace("Version: 1", "Version: 2"));
        w.write("/var/lib/dpkg/status", &two);
        w.run("$Q -l; $D --configure -a; echo pk hold | $D --set-selections");
    });
    c.add("corrupt/status-where-stock-crashes", |w| {
        w.write("/var/lib/dpkg/status", &format!("{GOOD}Depends: a (=)\n"));
        let name = "an empty version in a relation";
        w.deviates(name, 139, 2, "$Q -l");
        w.deviates(name, 139, 2, "$D --audit");
    });
    c.add("corrupt/available", |w| {
        for text in [
            "Package: pk\nVersion: 2\nArchitecture: all\nStatus: install ok installed\n",
            "Package: pk\nVersion: 2\nArchitecture: all\nConfig-Version: 3\n",
            "Package: pk\nVersion: b@d\nArchitecture: all\n",
            "Package: pk\nVersion: 2\nArchitecture: all\nMSDOS-Filename: x\nClass: standard\nRevision: 4\n",
            "nonsense\n",
            "Package: pk\nVersion: 2\nFilename: a b\nSize: 1\nMD5sum: x\n",
            "Package: pk\nVersion: 2\nArchitecture: all\nFilename: a b\nSize: 1 2\nMD5sum: x y z\n",
            "Package: pk\nVersion: 2\nArchitecture: all\nOptional: z\nRecommended: y\nPackage-Revision: 3\n",
        ] {
            w.write("/var/lib/dpkg/status", GOOD);
            w.write("/var/lib/dpkg/available", text);
            w.run("$D -p pk; $Q -p pk; $D --yet-to-unpack");
            w.run("echo pk hold | $D --set-selections");
            w.run("printf '' | $D --merge-avail -");
        }
    });
    for (name, content) in [
        ("odd-lines", "/opt/a\n/opt/b\n"),
        ("no-newline", "/opt/a\n/opt/b\n:"),
        ("duplicate", "/opt/a\n/opt/b\n:\n/opt/a\n/opt/c\n:\n"),
        ("unknown-package", "/opt/a\n/opt/b\nnever\n"),
        ("bad-package", "/opt/a\n/opt/b\nB_D\n"),
        ("empty-line", "\n\n\n"),
        ("relative", "opt/a\nopt/b\n:\n"),
    ] {
        c.add(&format!("corrupt/diversions-{name}"), move |w| {
            w.write("/var/lib/dpkg/diversions", content);
            let d = w.deb(&deb("pk", "1").file("/opt/a", "x"));
            w.run(&format!("$D -i {d}"));
            w.run("$Q -S /opt/a; $Q -L pk");
        });
    }
    for (name, content) in [
        ("unknown", "2\n"),
        ("empty", ""),
        ("text", "x\n"),
        ("one", "1\n"),
        ("zero", "0\n"),
    ] {
        c.add(&format!("corrupt/info-format-{name}"), move |w| {
            w.write("/var/lib/dpkg/info/format", content);
            let d = w.deb(&deb("pk", "1").file("/opt/a", "x"));
            w.run(&format!("$D -i {d}"));
            w.run("$Q -L pk");
        });
    }
    c.add("corrupt/info-format-directory", |w| {
        w.prepare("rm -f $R/var/lib/dpkg/info/format; mkdir $R/var/lib/dpkg/info/format");
        let d = w.deb(&deb("pk", "1").file("/opt/a", "x"));
        w.run(&format!("$D -i {d}"));
        w.run("$D -V");
    });
    for (name, content) in [
        ("junk", "b@d\n"),
        ("native", "amd64\n"),
        ("no-newline", "i386"),
        ("empty", ""),
        ("several", "i386\narmhf\ni386\n"),
        ("any", "any\nall\n"),
    ] {
        c.add(&format!("corrupt/arch-{name}"), move |w| {
            w.write("/var/lib/dpkg/arch", content);
            w.run("$D --print-foreign-architectures; $Q -l; $D --add-architecture arm64; $D --remove-architecture i386");
        });
    }
}
