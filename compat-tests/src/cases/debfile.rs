//! dpkg-deb: reading and building archives.

use super::Cases;
use crate::deb::{Kind, deb};
use crate::world::World;

const TREE: &str = "mkdir -p /t/w/p/DEBIAN /t/w/p/opt/d; printf 'Package: p\\nVersion: 1\\nArchitecture: all\\nMaintainer: x\\nDescription: d\\n' >/t/w/p/DEBIAN/control; echo x >/t/w/p/opt/d/f; find /t/w/p -exec touch -h -d @1000000000 {} +; ";

/// Writes an ar archive of the files that follow it.
const AR: &str = r#"perl -e 'print "!<arch>\n"; for (@ARGV) { open F, "<", $_ or die; local $/; $c = <F>; printf "%-16s%-12d%-6d%-6d%-8s%-10d`\n%s", $_, 0, 0, 0, 100644, length $c, $c; print "\n" if length($c) % 2 }'"#;

pub(super) fn add(c: &mut Cases) {
    c.add("deb/read", |w| {
        let mut d = deb("pk", "1.2-3")
            .field("Depends", "a, b (>= 1)")
            .field("Description", "short\n long\n .\n more")
            .dir("/opt/d")
            .mode(0o1777)
            .file("/opt/d/f", "text\n")
            .mode(0o4755)
            .owner(1, 2)
            .entry("/opt/d/h", Kind::Hard("/opt/d/f".into()))
            .link("/opt/d/l", "f")
            .entry("/opt/fifo", Kind::Fifo)
            .entry("/opt/chr", Kind::Char(1, 3))
            .entry("/opt/blk", Kind::Block(8, 1))
            .conffile("/etc/c", "c\n")
            .script("postinst", "exit 0");
        for z in ["none", "gzip", "xz", "zstd"] {
            d = d.option(&format!("-Z{z}"));
            let p = w.deb(&d);
            for line in [
                "dpkg-deb -c {p}",
                "dpkg-deb -I {p}",
                "dpkg-deb --info {p} control conffiles nothing",
                "dpkg-deb -f {p}",
                "dpkg-deb -f {p} Package depends Nothing",
                "dpkg-deb -W {p}",
                "dpkg-deb -W --showformat='${Package}=${Version} ${Nothing}\\n' {p}",
                "dpkg-deb --ctrl-tarfile {p} | tar tv",
                "dpkg-deb --fsys-tarfile {p} | sha256sum",
                "dpkg-deb -x {p} /t/w/x",
                "dpkg-deb -X {p} /t/w/X; rm -r /t/w/x /t/w/X",
                "dpkg-deb -e {p} /t/w/e; rm -r /t/w/e",
                "dpkg-deb -R {p} /t/w/R; rm -r /t/w/R",
                "cd /t/w; dpkg-deb -e {p}; rm -r DEBIAN",
                "dpkg-deb -c - <{p}",
                "dpkg-deb -I - <{p}",
                "dpkg-deb -f - Package <{p}",
                "dpkg-deb --fsys-tarfile - <{p} | tar t",
                "dpkg-deb --ctrl-tarfile - <{p} | tar t",
                "dpkg-deb -x {p}",
                "dpkg-deb -x",
                "dpkg-deb -x {p} /no/such/dir",
            ] {
                w.run(&line.replace("{p}", &p));
            }
        }
    });
    c.add("deb/components-as-paths", |w| {
        let p = w.deb(&deb("pk", "1").script("postinst", "exit 0"));
        w.prepare(&format!("cd /t/w; dpkg-deb -R {p} tree; mkdir -p tree/DEBIAN/d/e; echo inner >tree/DEBIAN/d/f; chmod -R go-w tree; SOURCE_DATE_EPOCH=1 dpkg-deb -Znone -b tree x.deb; rm -r tree"));
        for component in [
            "./control", "control/", "/control", ".//./control", "control/.", "control/x", "", ".", "/", "d", "d/",
            "d/f", "./d//f", "d/f/", "d/none", "d/e", "none/", "none/x",
        ] {
            w.run(&format!("dpkg-deb -I x.deb '{component}'; dpkg-deb -I x.deb postinst none '{component}' control"));
        }
        w.run("dpkg-deb -I x.deb");
    });
    // What a control member may hold that no builder puts there.
    for (name, make) in [
        (
            "control-is-a-directory",
            "mkdir c/control; tar -C c --mtime=@0 -cf control.tar .",
        ),
        (
            "control-is-a-link",
            "ln -s md5sums c/control; echo x >c/md5sums; tar -C c --mtime=@0 -cf control.tar .",
        ),
        (
            "zeros-after",
            "cp p/DEBIAN/control c/control; tar -C c --mtime=@0 -cf control.tar .; head -c 3000000 /dev/zero >>control.tar",
        ),
        (
            "few-zeros-after",
            "cp p/DEBIAN/control c/control; tar -C c --mtime=@0 -cf control.tar .; head -c 20480 /dev/zero >>control.tar",
        ),
        (
            "zeros-after-packed",
            "cp p/DEBIAN/control c/control; tar -C c --mtime=@0 -cf control.tar .; head -c 3000000 /dev/zero >>control.tar; gzip -n control.tar",
        ),
        ("zeros-alone", "head -c 3000000 /dev/zero >control.tar"),
    ] {
        c.add(&format!("deb/{name}"), move |w| {
            w.prepare(TREE);
            w.prepare(&format!(
                "cd /t/w; mkdir c; {make}; printf '2.0\\n' >debian-binary; tar -C p/opt -cf data.tar .; \
                 {AR} debian-binary control.tar* data.tar >/t/debs/x.deb; touch /tmp/x"
            ));
            for line in [
                "dpkg-deb -I /t/debs/x.deb",
                "dpkg-deb -I /t/debs/x.deb control",
                "dpkg-deb -f /t/debs/x.deb",
                "dpkg-deb -f /t/debs/x.deb Package",
                "dpkg-deb -W /t/debs/x.deb",
                "dpkg-deb -e /t/debs/x.deb e",
                "dpkg --unpack /t/debs/x.deb",
            ] {
                w.run(line);
            }
        });
    }
    c.add("deb/build", |w| {
        w.prepare(TREE);
        w.env("SOURCE_DATE_EPOCH", "1000000000");
        for options in ["-Znone", "-Zgzip", "-Zgzip -z1", "-Zgzip -Sfixed", "-Zxz", "-Zxz -z0 -Sextreme", "-Zzstd", "-Zzstd -z3", "-Znone --uniform-compression", "--no-uniform-compression -Znone", "-Znone --root-owner-group", "-Znone --deb-format=0.939000", "-Zgzip --deb-format=0.939000", "-Znone --deb-format=2.0", "--threads-max=2 -Zxz", "-Znone -v", "-Znone -D", ""] {
            w.run(&format!("dpkg-deb {options} -b p x.deb; dpkg-deb -I x.deb; dpkg-deb --fsys-tarfile x.deb | sha256sum; dpkg-deb --ctrl-tarfile x.deb | sha256sum; ar t x.deb; rm -f x.deb"));
        }
        for options in ["-Znone", "-Zgzip", "-Znone --deb-format=0.939000"] {
            w.run(&format!("dpkg-deb {options} -b p x.deb; sha256sum x.deb"));
        }
        for options in ["-Znonsense", "-z99", "-z x", "-Sx", "-Sfiltered", "-Sextreme -Zgzip", "--deb-format=9", "--deb-format", "--threads-max=x", "-Zbzip2", "-Zlzma", "-Znone -z5"] {
            w.run(&format!("dpkg-deb {options} -b p x.deb; rm -f x.deb"));
        }
        w.run("dpkg-deb -b p; ls; dpkg-deb -b p .; ls; dpkg-deb -b p /no/such/x.deb; dpkg-deb -b; dpkg-deb -b nothing; dpkg-deb -b p a b; rm -f *.deb");
    });
    for (name, change) in [
        ("no-control", "rm p/DEBIAN/control"),
        ("no-package", "sed -i /Package/d p/DEBIAN/control"),
        ("no-version", "sed -i /Version/d p/DEBIAN/control"),
        ("no-maintainer", "sed -i /Maintainer/d p/DEBIAN/control"),
        ("no-description", "sed -i /Description/d p/DEBIAN/control"),
        ("no-architecture", "sed -i /Architecture/d p/DEBIAN/control"),
        (
            "bad-package",
            "sed -i s/Package:.*/Package:\\ B_D/ p/DEBIAN/control",
        ),
        (
            "bad-version",
            "sed -i s/Version:.*/Version:\\ b@d/ p/DEBIAN/control",
        ),
        (
            "version-letter",
            "sed -i s/Version:.*/Version:\\ a1/ p/DEBIAN/control",
        ),
        ("odd-priority", "echo Priority: silly >>p/DEBIAN/control"),
        (
            "user-field",
            "echo X-Thing: y >>p/DEBIAN/control; echo Unheard: z >>p/DEBIAN/control",
        ),
        ("twice", "echo Version: 2 >>p/DEBIAN/control"),
        (
            "two-stanzas",
            "printf '\\nPackage: q\\n' >>p/DEBIAN/control",
        ),
        ("no-newline", "printf 'X-A: b' >>p/DEBIAN/control"),
        ("no-colon", "echo nonsense >>p/DEBIAN/control"),
        (
            "status-field",
            "echo 'Status: install ok installed' >>p/DEBIAN/control",
        ),
        ("empty-field", "echo 'Section:' >>p/DEBIAN/control"),
        (
            "script-mode",
            "printf '#!/bin/sh\\n' >p/DEBIAN/postinst; chmod 644 p/DEBIAN/postinst",
        ),
        ("script-link", "ln -s /bin/true p/DEBIAN/postinst"),
        ("script-dir", "mkdir p/DEBIAN/postinst"),
        ("control-mode", "chmod 700 p/DEBIAN"),
        ("conffile-missing", "echo /etc/x >p/DEBIAN/conffiles"),
        ("conffile-relative", "echo etc/x >p/DEBIAN/conffiles"),
        (
            "conffile-twice",
            "mkdir p/etc; echo x >p/etc/x; printf '/etc/x\\n/etc/x\\n' >p/DEBIAN/conffiles",
        ),
        (
            "conffile-dir",
            "mkdir -p p/etc/x; echo /etc/x >p/DEBIAN/conffiles",
        ),
        (
            "conffile-flag",
            "echo 'remove-on-upgrade /etc/x' >p/DEBIAN/conffiles",
        ),
        (
            "conffile-flag-present",
            "mkdir p/etc; echo x >p/etc/x; echo 'remove-on-upgrade /etc/x' >p/DEBIAN/conffiles",
        ),
        (
            "conffile-bad-flag",
            "echo 'whatever /etc/x' >p/DEBIAN/conffiles",
        ),
        ("conffile-blank", "printf '\\n' >p/DEBIAN/conffiles"),
        (
            "conffile-nul",
            "printf '/opt/d/f\\n\\0x\\n' >p/DEBIAN/conffiles",
        ),
        (
            "conffile-trailing",
            "mkdir p/etc; echo x >p/etc/x; printf '/etc/x  \\n' >p/DEBIAN/conffiles",
        ),
        ("triggers-bad", "echo 'nonsense x' >p/DEBIAN/triggers"),
        ("owner", "chown 4242:4343 p/opt/d/f"),
        ("odd-mode", "chmod 0 p/opt/d/f; chmod 7777 p/opt/d"),
        ("no-files", "rm -r p/opt"),
        ("newline-name", "touch \"p/opt/a\nb\""),
        (
            "long-name",
            "mkdir -p p/opt/$(printf %0200d 1)/$(printf %0200d 2); touch p/opt/$(printf %0200d 1)/$(printf %0200d 2)/f",
        ),
        ("big-uid", "chown 3000000000 p/opt/d/f"),
        ("old-time", "touch -d @-5 p/opt/d/f"),
    ] {
        c.add(&format!("deb/build-{name}"), move |w| {
            w.prepare(&format!("{TREE} cd /t/w; {change}; find p -newermt @1500000000 -exec touch -h -d @1000000000 {{}} +"));
            w.env("SOURCE_DATE_EPOCH", "1000000000");
            w.run("dpkg-deb -Znone -b p x.deb");
            w.run("rm -f x.deb; dpkg-deb --nocheck -Znone -b p x.deb; dpkg-deb -I x.deb; dpkg-deb -c x.deb; rm -f x.deb");
        });
    }
    for (name, change) in [
        ("empty", ": >x.deb"),
        ("text", "echo hello >x.deb"),
        ("magic-only", "printf '!<arch>\\n' >x.deb"),
        ("bad-version", "sed -i 's/^2\\.0$/3.0/' x.deb"),
        ("minor-version", "sed -i 's/^2\\.0$/2.9/' x.deb"),
        (
            "no-binary-member",
            "sed -i 's/debian-binary   /debian-bogusry   /' x.deb",
        ),
        (
            "control-renamed",
            "sed -i 's/control.tar     /control.xyz     /' x.deb",
        ),
        (
            "data-renamed",
            "sed -i 's/data.tar        /data.xyz        /' x.deb",
        ),
        (
            "control-as-gz",
            "sed -i 's/control.tar     /control.tar.gz  /' x.deb",
        ),
        (
            "data-as-xz",
            "sed -i 's/data.tar        /data.tar.xz     /' x.deb",
        ),
        (
            "data-as-zst",
            "sed -i 's/data.tar        /data.tar.zst    /' x.deb",
        ),
        (
            "control-size-negative",
            "printf '%-10s' -900 | dd of=x.deb bs=1 seek=120 conv=notrunc 2>/dev/null",
        ),
        ("bad-magic-in-header", "sed -i 's/`$/x/' x.deb"),
        ("trailing-junk", "echo junk >>x.deb"),
        (
            "extra-member",
            "printf '%-16s%-12s%-6s%-6s%-8s%-10s`\\n' _extra 0 0 0 100644 4 >>x.deb; printf 'abcd' >>x.deb",
        ),
        (
            "other-member",
            "printf '%-16s%-12s%-6s%-6s%-8s%-10s`\\n' extra 0 0 0 100644 4 >>x.deb; printf 'abcd' >>x.deb",
        ),
        ("old-format-junk", "printf '0.939000\\nxx\\n' >x.deb"),
        ("old-format-short", "printf '0.939000\\n100\\nabc' >x.deb"),
        ("directory", "rm x.deb; mkdir x.deb"),
        ("unreadable-name", "rm x.deb"),
        ("html", "printf '<!DOCTYPE html><html>' >x.deb"),
        ("crlf", "printf '!<arch>\\r\\ndebian-binary' >x.deb"),
    ] {
        c.add(&format!("deb/damaged-{name}"), move |w| {
            let p = w.deb(&deb("pk", "1").file("/opt/f", "text\n"));
            w.prepare(&format!("cp {p} /t/w/x.deb; cd /t/w; {change}"));
            for line in [
                "dpkg-deb -I x.deb",
                "dpkg-deb -c x.deb",
                "dpkg-deb -f x.deb",
                "dpkg-deb -x x.deb o",
                "dpkg-deb -e x.deb e",
                "dpkg-deb -W x.deb",
                "$D -i x.deb",
                "$Q -l",
            ] {
                w.run(line);
            }
        });
    }
    for z in ["none", "gzip", "xz", "zstd"] {
        c.add(&format!("deb/truncated-{z}"), move |w| {
            let p = w.deb(
                &deb("pk", "1")
                    .file("/opt/f", &"text of some length ".repeat(300))
                    .option(&format!("-Z{z}")),
            );
            let size = std::fs::metadata(&p).map_or(0, |m| m.len());
            let offsets = [
                1,
                8,
                30,
                68,
                72,
                73,
                100,
                131,
                132,
                133,
                140,
                200,
                300,
                size / 2,
                size * 3 / 4,
                size - 200,
                size - 20,
                size - 2,
                size - 1,
            ];
            for at in offsets.into_iter().filter(|a| *a < size) {
                w.run(&format!(
                    "head -c {at} {p} >t.deb; dpkg-deb -I t.deb; dpkg-deb -c t.deb"
                ));
                w.run("$D -i t.deb");
                w.run("$Q -s pk; rm -f t.deb");
            }
            w.ok(&format!("$D -i {p}"));
        });
    }
    c.add("deb/reader-goes-away", |w| {
        let p = w.deb(&deb("pk", "1").file("/opt/f", &"x".repeat(1_000_000)));
        w.run(&format!(
            "{{ dpkg-deb --fsys-tarfile {p}; echo $? >code; }} | head -c 1; cat code"
        ));
    });
    let with_data = |w: &mut World, data: &str| {
        w.prepare(TREE);
        w.prepare(&format!(
            "cd /t/w; mkdir -p t/opt; echo g >t/opt/g; echo f >t/opt/f; touch -h -d @1000000000 t/opt/*; {data}; \
             printf '2.0\\n' >debian-binary; tar -C p/DEBIAN -cf control.tar ./control; \
             {AR} debian-binary control.tar data.tar >/t/debs/x.deb"
        ));
    };
    for (name, second) in [
        ("link", "ln -s g t/opt/f"),
        ("link-to-nowhere", "ln -s h t/opt/f"),
        ("link-to-directory", "ln -s . t/opt/f"),
        ("file", "echo again >t/opt/f"),
        ("directory", "mkdir t/opt/f"),
        ("pipe", "mkfifo t/opt/f"),
    ] {
        c.add(&format!("deb/file-and-then-{name}"), move |w| {
            with_data(w, &format!("tar -C t -cf data.tar ./opt/g ./opt/f; rm t/opt/f; {second}; touch -h -d @1000000000 t/opt/f; tar -C t -rf data.tar ./opt/f"));
            w.run("$D -i /t/debs/x.deb");
            w.run("$D -V; $D -P p");
        });
    }
    c.add("deb/hard-link-to-link", move |w| {
        with_data(
            w,
            "ln t/opt/f t/opt/m; tar -C t --transform 's,f$,l,RSh' -cf data.tar ./opt/f ./opt/m",
        );
        w.prepare("ln -s nowhere $R/opt/l");
        let name = "hard links to symbolic links in an archive";
        w.deviates(name, 1, 0, "$D -i /t/debs/x.deb");
    });
    c.add("deb/script-is-a-link", |w| {
        w.prepare(TREE);
        w.prepare(&format!(
            "cd /t/w; mkdir c; cp p/DEBIAN/control c; ln -s script c/preinst; printf '2.0\\n' >debian-binary; \
             printf '#!/bin/sh\\n' >c/script; tar -T/dev/null -cf data.tar; \
             for x in 755:y 644:x; do chmod ${{x%:*}} c/script; tar -C c --mtime=@0 -cf control.tar .; \
             {AR} debian-binary control.tar data.tar >/t/debs/${{x#*:}}.deb; done"
        ));
        w.ok("$D -i /t/debs/y.deb");
        w.ok("$D -P p");
        let name = "maintainer scripts that are links to what cannot be executed";
        w.deviates(name, 0, 1, "$D -i /t/debs/x.deb");
    });
    for (name, first, second) in [
        ("link", "ln -s g t/opt/f", "echo f >t/opt/f"),
        ("link-to-nowhere", "ln -s h t/opt/f", "echo f >t/opt/f"),
        ("link-to-directory", "ln -s . t/opt/f", "echo f >t/opt/f"),
        ("link-out", "ln -s /tmp/none t/opt/f", "echo f >t/opt/f"),
        ("link-and-link", "ln -s g t/opt/f", "ln -s h t/opt/f"),
        ("link-and-directory", "ln -s g t/opt/f", "mkdir t/opt/f"),
    ] {
        c.add(&format!("deb/{name}-and-then-file"), move |w| {
            with_data(w, &format!("rm t/opt/f; {first}; touch -h -d @1000000000 t/opt/f; tar -C t -cf data.tar ./opt/g ./opt/f; rm t/opt/f; {second}; touch -h -d @1000000000 t/opt/f; tar -C t -rf data.tar ./opt/f"));
            w.run("$D -i /t/debs/x.deb");
            w.run("$D -V; $D -P p");
        });
    }
    for version in [
        "0.931",
        "0.93",
        "0.931000",
        "0.930000",
        "0.9310000",
        "0.9390000",
        "0.9390001",
        "0.940000",
    ] {
        c.add(&format!("deb/old-format-{version}"), move |w| {
            let deb = deb("pk", "1").file("/opt/f", "x");
            let p = w.deb(&deb.option("-Zgzip").option("--deb-format=0.939000"));
            w.prepare(&format!("cd /t/w; sed '1s/.*/{version}/' {p} >x.deb"));
            for line in [
                "dpkg-deb -I x.deb",
                "dpkg-deb -c x.deb",
                "dpkg-deb -f x.deb",
                "$D -i x.deb",
                "$Q -l",
            ] {
                w.run(line);
            }
        });
    }
    c.add("deb/old-format", |w| {
        let p = w.deb(
            &deb("pk", "1")
                .file("/opt/f", "x")
                .conffile("/etc/c", "1\n")
                .option("-Zgzip")
                .option("--deb-format=0.939000"),
        );
        w.run(&format!(
            "dpkg-deb -I {p}; dpkg-deb -c {p}; dpkg-deb -f {p}"
        ));
        w.run(&format!("$D -i {p}"));
        w.run("$D -P pk");
    });
}
