//! Several architectures: co-installation, shared files, qualified names.

use super::Cases;
use crate::deb::{Deb, deb};

fn lib(arch: &str, v: &str) -> Deb {
    deb("lib", v)
        .arch(arch)
        .field("Multi-Arch", "same")
        .file(&format!("/usr/lib/{arch}/lib"), arch)
        .file("/usr/share/lib/common", "same\n")
        .conffile("/etc/lib.conf", &format!("conf {v}\n"))
        .scripts()
}

pub(super) fn add(c: &mut Cases) {
    c.add("multiarch/same", |w| {
        w.ok("$D --add-architecture i386; $D --print-foreign-architectures; $D --print-architecture");
        w.install(&[lib("amd64", "1"), lib("i386", "1")]);
        w.run("$Q -l; $Q -L lib; $Q -L lib:i386; $Q -S common; $Q -W 'lib*'; $Q -s lib:i386; $D -V lib");
        w.run("$D --remove-architecture i386");
        let a2 = w.deb(&lib("amd64", "2"));
        let i2 = w.deb(&lib("i386", "2"));
        w.run(&format!("$D -i {a2}"));
        w.run(&format!("$D -i {a2} {i2}"));
        w.run("$D -r lib");
        w.run("$D -r lib:amd64");
        w.run("$D -P lib:i386");
        w.run("$D -P lib:amd64");
        w.run("$D --remove-architecture i386");
    });
    c.add("multiarch/same-file-differs", |w| {
        w.ok("$D --add-architecture i386");
        w.install(&[lib("amd64", "1")]);
        let d = w.deb(
            &lib("i386", "1")
                .file("/usr/share/lib/common2", "x")
                .file("/usr/share/lib/common", "differs\n"),
        );
        w.run(&format!("$D -i {d}"));
        w.run(&format!("$D --force-overwrite -i {d}"));
    });
    c.add("multiarch/same-configured-together", |w| {
        w.ok("$D --add-architecture i386");
        w.install(&[lib("amd64", "1"), lib("i386", "1")]);
        let a2 = w.deb(&lib("amd64", "2"));
        let i2 = w.deb(&lib("i386", "2"));
        w.run(&format!("$D --unpack {a2}"));
        w.run("$D --configure lib:amd64");
        w.run(&format!("$D --unpack {i2}"));
        w.run("$D --configure lib:i386");
        w.run("$D --configure -a");
    });
    c.add("multiarch/not-same-not-together", |w| {
        w.ok("$D --add-architecture i386");
        let one = |arch: &str, v: &str| {
            deb("tool", v)
                .arch(arch)
                .file("/usr/bin/tool", arch)
                .scripts()
        };
        w.install(&[one("amd64", "1")]);
        let d = w.deb(&one("i386", "1"));
        w.run(&format!("$D -i {d}"));
        w.run("$Q -l; $Q -L tool:amd64; $Q -W tool:any");
        let all = w.deb(&deb("tool", "2").file("/usr/bin/tool", "all"));
        w.run(&format!("$D -i {all}"));
        w.run("$Q -l");
    });
    c.add("multiarch/same-and-none", |w| {
        w.ok("$D --add-architecture i386");
        let none = |arch: &str| deb("lib", "1").arch(arch).file("/usr/lib/x", arch);
        w.install(&[lib("amd64", "1")]);
        let d = w.deb(&none("i386"));
        w.run(&format!("$D -i {d}"));
        w.run("$Q -l");
    });
    for (name, multi, depends) in [
        ("plain-foreign", "foreign", "dep"),
        ("plain-no", "no", "dep"),
        ("any-allowed", "allowed", "dep:any"),
        ("any-no", "no", "dep:any"),
        ("native-allowed", "allowed", "dep"),
        ("qualified", "no", "dep:i386"),
        ("qualified-wrong", "no", "dep:armhf"),
    ] {
        c.add(&format!("multiarch/depends-{name}"), move |w| {
            w.ok("$D --add-architecture i386");
            w.install(&[deb("dep", "1").arch("i386").field("Multi-Arch", multi)]);
            let d = w.deb(&deb("pk", "1").arch("amd64").field("Depends", depends));
            w.run(&format!("$D -i {d}"));
            w.run("$D -r dep");
            w.run("$D --configure -a");
        });
    }
    c.add("multiarch/wrong-architecture", |w| {
        let d = w.deb(&deb("pk", "1").arch("armhf").file("/opt/f", "x"));
        w.exit(1, &format!("$D -i {d}"));
        w.ok(&format!("$D --force-architecture -i {d}"));
        w.run("$Q -l; $Q -s pk; $D --audit");
        let e = w.deb(&deb("pk2", "1").arch("nonsense"));
        w.run(&format!("$D -i {e}"));
        w.run("$D --add-architecture 'bad arch'; $D --add-architecture amd64; $D --add-architecture all; $D --add-architecture _x");
        w.run("$D --remove-architecture amd64; $D --remove-architecture armhf; $D --remove-architecture never");
    });
}
