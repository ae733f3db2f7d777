//! Symbolic links and paths that lead out of the root: nothing outside is touched or read.
//!
//! Outside lies `/canary`, inside `$R/canary`, with the same names. A package has its files in
//! `/opt/l`, which then becomes a link to `/canary/d`, by some way. Where stock follows that out
//! of the root, ours must leave the canary as it was; where it does not, both do the same.

use super::Cases;
use crate::deb::{Deb, deb};
use crate::world::World;

/// The row of `parity.tsv` that tells of all of them.
const OUT: &str = "absolute symbolic links below --root";

/// What `/opt/l` becomes; with `/opt/via`, `/opt/via2` on the way for the third.
const WAYS_OUT: [(&str, &str); 3] = [
    ("absolute", "/canary/d"),
    ("climbing", "../../../../../../../../canary/d"),
    ("several", "via"),
];

/// True, to the shell, when the canary is as it was made.
const KEPT: &str = "test \"$(find /canary -printf '%p %M %u %l %T@ %s\\n' | sort; cat /canary/d/*)\" = \"$(cat /t/kept)\"";

/// Lays out both canaries, and remembers the one outside.
fn canary(w: &mut World) {
    w.prepare(
        "mkdir -p /canary/d $R/canary $R/opt
         for f in f g app.conf app.conf.dpkg-new app.conf.dpkg-old app.conf~ f.distrib; do
             echo canary >/canary/d/$f
         done
         chmod 600 /canary/d/*
         touch -d @1000000000 /canary/d/* /canary/d /canary
         { find /canary -printf '%p %M %u %l %T@ %s\\n' | sort; cat /canary/d/*; } >/t/kept",
    );
}

fn package(version: &str) -> Deb {
    deb("pk", version)
        .file("/opt/l/f", &format!("f {version}\n"))
        .file("/opt/l/g", "g\n")
        .conffile("/opt/l/app.conf", &format!("conf {version}\n"))
}

/// Makes `/opt/l` a link, its content staying reachable in the root.
fn lead_out(w: &mut World, target: &str) {
    w.prepare(&format!(
        "mv $R/opt/l $R/canary/d; ln -s /canary/d $R/opt/via2; ln -s via2 $R/opt/via
         ln -s {target} $R/opt/l"
    ));
}

/// What is done to the package, and whether its version 2 is unpacked before.
const STEPS: [(&str, bool, &str); 9] = [
    ("unpack", false, "$D --unpack $V2"),
    ("configure", true, "$D --force-confnew --configure pk"),
    ("configure-keep", true, "$D --force-confold --configure pk"),
    ("remove", false, "$D -r pk"),
    ("purge", false, "$D -P pk"),
    (
        "divert",
        false,
        "dpkg-divert --root=$R --rename --divert /opt/l/f.new --add /opt/l/f",
    ),
    (
        "undivert",
        false,
        "dpkg-divert --root=$R --no-rename --divert /opt/l/f.distrib --add /opt/l/h && dpkg-divert --root=$R --rename --remove /opt/l/h",
    ),
    (
        "statoverride",
        false,
        "dpkg-statoverride --root=$R --update --add root root 4711 /opt/l/f",
    ),
    (
        "alternatives",
        false,
        "update-alternatives --root $R --altdir /opt/l --install /opt/l/x x.alt /opt/l/g 5",
    ),
];

pub(super) fn add(c: &mut Cases) {
    for (step, unpacked, line) in STEPS {
        for (way, target) in WAYS_OUT {
            c.add(&format!("links/{step}-{way}"), move |w| {
                begin(w, unpacked);
                canary(w);
                lead_out(w, target);
                let line = format!("{line}; {KEPT}");
                w.deviates(OUT, 1, 0, &line);
            });
        }
        // Within the root, and to where nothing is, both go the same way.
        for (way, target) in [("inside", "../canary/d"), ("dangling", "../canary/none")] {
            c.add(&format!("links/{step}-{way}"), move |w| {
                begin(w, unpacked);
                canary(w);
                lead_out(w, target);
                w.run(line);
                w.run(KEPT);
            });
        }
    }
    for (way, target) in WAYS_OUT {
        c.add(&format!("links/verify-{way}"), move |w| {
            begin(w, false);
            canary(w);
            lead_out(w, target);
            w.deviates(OUT, 1, 0, "test -z \"$($D -V pk)\"");
        });
    }
    c.add("links/verify-last-component", |w| {
        begin(w, false);
        canary(w);
        w.prepare(
            "mkdir $R/canary/d; mv $R/opt/l/f $R/canary/d/f; ln -s /canary/d/f $R/opt/l/f
             mv $R/opt/l/g $R/opt/l/h; ln -s h $R/opt/l/g; ln -sf none $R/opt/l/app.conf",
        );
        w.deviates(OUT, 1, 0, "$D -V pk | grep '^.M[.].* /opt/l/f$'");
        w.prepare("rm $R/opt/l/f");
        w.run("$D -V pk");
        w.run(KEPT);
    });
    c.add("links/last-component", |w| {
        begin(w, false);
        canary(w);
        w.prepare("for f in f app.conf; do ln -sf /canary/d/$f $R/opt/l/$f; done");
        w.ok("$D --force-confold -i $V2");
        w.ok("$D -r pk");
        w.ok("$D -P pk");
        w.ok(KEPT);
    });
    c.add("links/statoverride-last-component", |w| {
        begin(w, false);
        canary(w);
        w.prepare("ln -sf /canary/d/f $R/opt/l/f");
        let line =
            format!("dpkg-statoverride --root=$R --update --add root root 4711 /opt/l/f; {KEPT}");
        w.deviates(OUT, 1, 0, &line);
    });
    climbing_names(c);
    database(c);
    control(c);
}

/// Version 1 is installed, and version 2 built (and unpacked).
fn begin(w: &mut World, unpacked: bool) {
    w.install(&[package("1")]);
    let v2 = w.deb(&package("2"));
    w.env("V2", &v2);
    if unpacked {
        w.write("/opt/l/app.conf", "mine\n");
        w.ok("$D --unpack $V2");
    }
}

/// What the database says, with `..` in it.
fn climbing_names(c: &mut Cases) {
    let up = "/../../../../../../canary/d";
    c.add("links/list-that-climbs", move |w| {
        begin(w, false);
        canary(w);
        w.prepare(&format!("echo {up}/f >>$R/var/lib/dpkg/info/pk.list"));
        w.deviates(OUT, 1, 0, &format!("$D -P pk; {KEPT}"));
    });
    c.add("links/conffile-that-climbs", move |w| {
        begin(w, false);
        canary(w);
        w.prepare(&format!(
            "cd $R/var/lib/dpkg; echo {up}/app.conf >>info/pk.list
             sed -i 's, /opt/l/app.conf, {up}/app.conf,' status"
        ));
        w.deviates(OUT, 1, 0, &format!("$D -P pk; {KEPT}"));
    });
    c.add("links/diversion-that-climbs", move |w| {
        begin(w, false);
        canary(w);
        w.prepare(&format!(
            "printf '/opt/l/f\\n{up}/f\\n:\\n' >$R/var/lib/dpkg/diversions"
        ));
        w.deviates(OUT, 1, 0, &format!("$D -i $V2; {KEPT}"));
    });
    c.add("links/parent-of-the-root", |w| {
        begin(w, false);
        canary(w);
        w.prepare("echo /.. >>$R/var/lib/dpkg/info/pk.list; stat -c %a,%Y $R/.. >/t/parent");
        w.run("$D -P pk >/dev/null 2>&1; stat -c %a,%Y $R/.. | cmp - /t/parent");
    });
}

/// Links in place of what the database writes.
fn database(c: &mut Cases) {
    const NAME: &str = "links in place of files that the database writes";
    for (file, line) in [
        ("status-new", "$D -i $V2"),
        ("updates/tmp.i", "$D -i $V2"),
        ("available-new", "$D --clear-avail"),
        ("info/pk.list-new", "$D -i $V2"),
        (
            "triggers/Unincorp.new",
            "dpkg-trigger --root=$R --by-package=pk x",
        ),
        ("triggers/File-new", "$D -i $TRIG"),
        ("triggers/named-new", "$D -i $TRIG"),
        ("arch-new", "$D --add-architecture i386"),
        (
            "diversions-new",
            "dpkg-divert --root=$R --no-rename --add /opt/l/f",
        ),
        (
            "statoverride-new",
            "dpkg-statoverride --root=$R --add root root 600 /opt/l/f",
        ),
        (
            "alternatives/x.dpkg-tmp",
            "update-alternatives --root $R --install /opt/x x /opt/l/f 5",
        ),
    ] {
        for (way, target) in [("link", "/canary/d/f"), ("dangling", "/canary/d/new")] {
            let name = format!("links/{}-{way}", file.replace('/', "-"));
            c.add(&name, move |w| {
                begin(w, false);
                let triggers = "interest /opt/l\ninterest named\n";
                let trig = w.deb(&deb("trig", "1").control("triggers", triggers));
                w.env("TRIG", &trig);
                canary(w);
                w.prepare(&format!(
                    "cd $R/var/lib/dpkg; mkdir -p alternatives; touch triggers/Unincorp
                     ln -sf {target} {file}"
                ));
                w.deviates(NAME, 1, 0, &format!("{line} && {KEPT}"));
            });
        }
    }
    for lock in ["lock", "lock-frontend", "triggers/Lock"] {
        c.add(&format!("links/{}", lock.replace('/', "-")), move |w| {
            begin(w, false);
            canary(w);
            w.prepare(&format!(
                "cd $R/var/lib/dpkg; rm -f {lock}; ln -s /canary/d/f {lock}; touch triggers/Unincorp"
            ));
            w.deviates(NAME, 1, 0, &format!("$D -i $V2; {KEPT}"));
        });
    }
    // On the way, in the middle of the database.
    for dir in ["info", "updates", "triggers"] {
        c.add(&format!("links/{dir}-elsewhere"), move |w| {
            begin(w, false);
            canary(w);
            w.prepare(&format!(
                "cp -a $R/var/lib/dpkg/{dir} /canary/; mv $R/var/lib/dpkg/{dir} $R/canary/
                 ln -s /canary/{dir} $R/var/lib/dpkg/{dir}
                 {{ find /canary -printf '%p %M %u %l %T@ %s\\n' | sort; cat /canary/d/*; }} >/t/kept"
            ));
            w.deviates(OUT, 1, 0, &format!("$D -i $V2 && {KEPT}"));
        });
    }
    c.add("links/admindir-elsewhere", |w| {
        begin(w, false);
        canary(w);
        w.prepare(
            "mkdir $R/elsewhere; mv $R/var/lib $R/elsewhere/; ln -s /elsewhere/lib $R/var/lib
             mkdir /elsewhere; cp -a $R/elsewhere/lib /elsewhere/
             find /elsewhere -printf '%p %M %l %T@ %s\\n' | sort >/t/elsewhere",
        );
        w.deviates(
            OUT,
            1,
            0,
            "$D -i $V2 && find /elsewhere -printf '%p %M %l %T@ %s\\n' | sort | cmp - /t/elsewhere",
        );
    });
}

/// Links among the control files of an archive and of an installed package.
fn control(c: &mut Cases) {
    const NAME: &str = "control files that are links";
    for file in ["postinst", "preinst", "md5sums", "other"] {
        c.add(&format!("links/control-{file}"), move |w| {
            begin(w, false);
            canary(w);
            w.prepare(&format!(
                "mkdir -p /t/ln/DEBIAN; cd /t/ln/DEBIAN
                 printf 'Package: ln\\nVersion: 1\\nArchitecture: all\\nMaintainer: m\\nDescription: d\\n' >control
                 dpkg-deb -Znone --nocheck -b /t/ln /t/debs/plain.deb
                 ln -s /canary/d/f {file}; cd /t/debs; tar -C /t/ln/DEBIAN -cf control.tar .
                 dpkg-deb --fsys-tarfile plain.deb >data.tar; echo 2.0 >debian-binary
                 {{ printf '!<arch>\\n'; for m in debian-binary control.tar data.tar; do
                     printf '%-16s%-12d%-6d%-6d%-8s%-10d`\\n' $m 0 0 0 100644 $(stat -c %s $m); cat $m
                     [ $(($(stat -c %s $m) % 2)) = 0 ] || echo
                 done; }} >ln.deb"
            ));
            w.deviates(
                NAME,
                1,
                0,
                &format!("$D -i /t/debs/ln.deb; ! test -L $R/var/lib/dpkg/info/ln.{file} && {KEPT}"),
            );
        });
    }
    // A file first, and then a link in its place.
    c.add("links/control-file-and-then-link", |w| {
        begin(w, false);
        canary(w);
        w.prepare(
            "mkdir -p /t/ln/DEBIAN; cd /t/ln/DEBIAN
             printf 'Package: ln\\nVersion: 1\\nArchitecture: all\\nMaintainer: m\\nDescription: d\\n' >control
             printf '#!/bin/sh\\n' >preinst; chmod 755 preinst
             dpkg-deb -Znone --nocheck -b /t/ln /t/debs/plain.deb
             cd /t/debs; tar -C /t/ln/DEBIAN -cf control.tar .
             ln -sf /canary/d/f /t/ln/DEBIAN/preinst; tar -C /t/ln/DEBIAN -rf control.tar ./preinst
             dpkg-deb --fsys-tarfile plain.deb >data.tar; echo 2.0 >debian-binary
             { printf '!<arch>\\n'; for m in debian-binary control.tar data.tar; do
                 printf '%-16s%-12d%-6d%-6d%-8s%-10d`\\n' $m 0 0 0 100644 $(stat -c %s $m); cat $m
                 [ $(($(stat -c %s $m) % 2)) = 0 ] || echo
             done; } >ln.deb",
        );
        w.deviates(
            NAME,
            1,
            0,
            &format!("$D -i /t/debs/ln.deb; ! test -L $R/var/lib/dpkg/info/ln.preinst && {KEPT}"),
        );
    });
    // The other way round it is a file.
    c.add("links/control-link-and-then-file", |w| {
        begin(w, false);
        canary(w);
        w.prepare(
            "mkdir -p /t/ln/DEBIAN; cd /t/ln/DEBIAN
             printf 'Package: ln\\nVersion: 1\\nArchitecture: all\\nMaintainer: m\\nDescription: d\\n' >control
             dpkg-deb -Znone --nocheck -b /t/ln /t/debs/plain.deb
             ln -s /canary/d/f preinst; touch -h -d @1000000000 *
             cd /t/debs; tar -C /t/ln/DEBIAN -cf control.tar ./control ./preinst
             rm /t/ln/DEBIAN/preinst; printf '#!/bin/sh\\n' >/t/ln/DEBIAN/preinst
             chmod 755 /t/ln/DEBIAN/preinst; touch -d @1000000000 /t/ln/DEBIAN/preinst
             tar -C /t/ln/DEBIAN -rf control.tar ./preinst
             dpkg-deb --fsys-tarfile plain.deb >data.tar; echo 2.0 >debian-binary
             { printf '!<arch>\\n'; for m in debian-binary control.tar data.tar; do
                 printf '%-16s%-12d%-6d%-6d%-8s%-10d`\\n' $m 0 0 0 100644 $(stat -c %s $m); cat $m
                 [ $(($(stat -c %s $m) % 2)) = 0 ] || echo
             done; } >ln.deb",
        );
        w.run("$D -i /t/debs/ln.deb");
        w.run(KEPT);
    });
    c.add("links/control-sibling", |w| {
        w.prepare(
            "mkdir -p /t/ln/DEBIAN; cd /t/ln/DEBIAN
             printf 'Package: ln\\nVersion: 1\\nArchitecture: all\\nMaintainer: m\\nDescription: d\\n' >control
             printf '#!/bin/sh\\necho $0 $*\\n' >postrm; chmod 755 postrm; ln -s postrm preinst
             dpkg-deb -Znone -b /t/ln /t/debs/ln.deb",
        );
        w.ok("$D -i /t/debs/ln.deb");
        w.ok("$D -P ln");
    });
    c.add("links/script-out-of-the-root", |w| {
        w.install(&[deb("s", "1").script("postrm", "exit 0")]);
        canary(w);
        w.prepare("ln -sf /canary/d/f $R/var/lib/dpkg/info/s.postrm");
        w.deviates(OUT, 1, 0, &format!("$D -P s; {KEPT}"));
    });
}
