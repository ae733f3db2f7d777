//! What `-D` shows: every area, on the ways through dpkg that say most.

use super::Cases;
use crate::deb::{Deb, deb};

/// dpkg with all areas.
const ALL: &str = "$D -D77777";

fn pk(version: &str) -> Deb {
    deb("pk", version)
        .file("/usr/share/pk/common", version)
        .file(&format!("/usr/share/pk/only-{version}"), "x")
        .conffile("/etc/pk.conf", version)
        .conffile("/etc/pk.d/same", "same")
        .scripts()
}

pub(super) fn add(c: &mut Cases) {
    c.add("debug/life", |w| {
        let (v1, v2) = (w.deb(&pk("1")), w.deb(&pk("2")));
        w.ok(&format!("{ALL} -i {v1}"));
        w.ok(&format!("{ALL} -i {v1}"));
        w.write("/etc/pk.d/same", "changed");
        w.ok(&format!("{ALL} -i {v2}"));
        w.ok(&format!("{ALL} --force-downgrade -i {v1}"));
        w.ok(&format!("{ALL} -r pk"));
        w.write("/etc/pk.conf~", "x");
        w.write("/etc/pk.conf.bak", "x");
        w.write("/etc/pk.conf2", "x");
        w.ok(&format!("{ALL} -P pk"));
    });
    c.add("debug/conffile-kept-and-replaced", |w| {
        for force in ["--force-confold", "--force-confnew", "--force-confdef"] {
            w.install(&[pk("1")]);
            w.write("/etc/pk.conf", "changed");
            let v2 = w.deb(&pk("2"));
            w.run(&format!("{ALL} {force} -i {v2}"));
            w.prepare("rm -f $R/etc/pk.conf");
            let v3 = w.deb(&pk("3"));
            w.run(&format!("{ALL} --force-confmiss {force} -i {v3}"));
            w.run(&format!("{ALL} -P pk"));
        }
    });
    c.add("debug/relations", |w| {
        w.install(&[
            deb("dep", "1").field("Provides", "virt (= 2)"),
            deb("old", "1").file("/opt/old", "x").scripts(),
            deb("broken", "1").scripts(),
            deb("user", "1").field("Depends", "virt (>= 1), dep | none"),
        ]);
        let new = w.deb(
            &deb("new", "1")
                .field("Pre-Depends", "dep (>= 1)")
                .field("Depends", "dep, virt (>= 2) | none")
                .field("Conflicts", "old")
                .field("Replaces", "old")
                .field("Breaks", "broken (<< 2)")
                .file("/opt/old", "y")
                .scripts(),
        );
        w.run(&format!("{ALL} -i {new}"));
        w.run(&format!("{ALL} --auto-deconfigure -i {new}"));
        let broken = w.deb(&deb("broken", "2").scripts());
        w.run(&format!("{ALL} -i {broken}"));
        w.run(&format!("{ALL} -r dep"));
        w.run(&format!("{ALL} -r dep user new"));
        w.run(&format!("{ALL} --configure -a"));
    });
    c.add("debug/cycle", |w| {
        let a = w.deb(&deb("a", "1").field("Depends", "b").scripts());
        let b = w.deb(&deb("b", "1").field("Depends", "c"));
        let c = w.deb(&deb("c", "1").field("Depends", "a").scripts());
        w.run(&format!("{ALL} -i {a} {b}"));
        w.run(&format!("{ALL} -i {c}"));
        w.run(&format!("{ALL} -r a b c"));
    });
    c.add("debug/triggers", |w| {
        w.install(&[
            deb("t", "1")
                .control("triggers", "interest named\ninterest-await /opt/watched\n")
                .scripts(),
            deb("u", "1")
                .control("triggers", "interest-noawait /opt/watched\n")
                .scripts(),
        ]);
        let pk = w.deb(
            &deb("pk", "1")
                .control("triggers", "activate named\n")
                .file("/opt/watched/f", "x")
                .scripts(),
        );
        w.run(&format!("{ALL} --no-triggers -i {pk}"));
        w.run(&format!("{ALL} --triggers-only -a"));
        w.run(&format!("{ALL} -r pk"));
        w.run(&format!("{ALL} -P t u pk"));
    });
    c.add("debug/files", |w| {
        w.install(&[
            deb("a", "1").file("/usr/share/f", "a").file("/opt/a", "a"),
            deb("b", "1").file("/opt/b", "b"),
        ]);
        w.prepare("dpkg-divert --root=$R --quiet --rename --add /opt/b; dpkg-statoverride --root=$R --add '#1' '#1' 700 /opt/new");
        let n = w.deb(
            &deb("n", "1")
                .file("/opt/b", "n")
                .file("/opt/new", "n")
                .link("/opt/link", "new")
                .file("/usr/share/f", "n"),
        );
        w.run(&format!("{ALL} -i {n}"));
        w.run(&format!("{ALL} --force-overwrite -i {n}"));
        let r = w.deb(
            &deb("r", "1")
                .file("/opt/a", "r")
                .file("/usr/share/f", "r")
                .field("Replaces", "a, n"),
        );
        w.run(&format!("{ALL} --path-exclude=/opt/x -i {r}"));
        w.run(&format!("{ALL} -V r"));
        w.run(&format!("{ALL} -P n r b"));
    });
    c.add("debug/failures", |w| {
        let (v1, v2) = (w.deb(&pk("1")), w.deb(&pk("2")));
        for (fails, file) in [
            ("pk-1.preinst.install", &v1),
            ("pk-1.postinst.configure", &v1),
            ("pk-1.prerm.upgrade", &v2),
            ("pk-2.preinst.upgrade", &v2),
            ("pk-1.postrm.upgrade", &v2),
        ] {
            w.make_fail(fails);
            w.run(&format!("{ALL} -i {file}"));
            w.make_work(fails);
            w.run(&format!("{ALL} --configure -a"));
        }
        w.make_fail("pk-2.prerm.remove");
        w.run(&format!("{ALL} -r pk"));
        w.make_work("pk-2.prerm.remove");
        w.make_fail("pk-2.postrm.purge");
        w.run(&format!("{ALL} -P pk"));
    });
    c.add("debug/query", |w| {
        w.install(&[pk("1")]);
        w.env("DPKG_DEBUG", "77777");
        for line in [
            "$Q -c pk",
            "$Q --control-list pk",
            "$Q --control-show pk md5sums",
            "$Q -l",
            "$Q -L pk",
            "$Q -S /etc/pk.conf",
            "$D --audit",
            "$D --get-selections",
        ] {
            w.ok(line);
        }
    });
    c.add("debug/multi-arch", |w| {
        w.run("$D --add-architecture i386");
        let same = |arch: &str, version: &str| {
            deb("lib", version)
                .arch(arch)
                .field("Multi-Arch", "same")
                .file("/usr/share/doc/lib", "x")
                .scripts()
        };
        for (arch, version) in [("amd64", "1"), ("i386", "1"), ("i386", "2"), ("amd64", "2")] {
            let file = w.deb(&same(arch, version));
            w.run(&format!("{ALL} -i {file}"));
        }
        w.run(&format!("{ALL} --configure -a"));
        let foreign = w.deb(&deb("lib", "3").arch("amd64").field("Multi-Arch", "foreign"));
        w.run(&format!("{ALL} -P lib:i386"));
        w.run(&format!("{ALL} -i {foreign}"));
    });
}
