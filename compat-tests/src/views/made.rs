//! Packages that the harness makes, in an archive that apt takes from a directory.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::deb::{Deb, deb};
use crate::{During, Res, oracle};

/// What a script can see of its own package and of the database.
const LOOK: &str = "
look() {
    echo \"$1 $2 $3\"
    for f in $4; do test -e $f && echo \"sees $f: $(cat $f)\"; done
    dpkg-query -W -f '${db:Status-Abbrev}${Version}\\n' $DPKG_MAINTSCRIPT_PACKAGE 2>&1
}
";

fn talks(package: Deb, files: &str) -> Deb {
    let name = package.name.clone();
    ["preinst", "postinst", "prerm", "postrm"]
        .iter()
        .fold(package, |p, script| {
            p.script(
                script,
                &format!("set -e{LOOK}look {name}.{script} \"$1\" \"$2\" \"{files}\""),
            )
        })
}

fn all() -> Vec<Deb> {
    let mut out = Vec::new();
    for version in ["1", "2"] {
        let life = deb("life", version)
            .field("Depends", "base (>= 1)")
            .file("/usr/share/life/file", &format!("{version}\n"))
            .file(&format!("/usr/share/life/only-{version}"), "x\n")
            .conffile("/etc/life/changing", &format!("{version}\n"))
            .conffile("/etc/life/constant", "always\n");
        out.push(talks(
            life,
            "/usr/share/life/file /etc/life/changing /usr/share/base/file",
        ));
        let base = deb("base", version).file("/usr/share/base/file", &format!("base {version}\n"));
        out.push(talks(base, "/usr/share/base/file /usr/share/life/file"));
    }
    out.push(
        deb("user", "1")
            .file("/usr/lib/user/hello", "#!/bin/sh\necho hello\n")
            .mode(0o755)
            .script(
                "postinst",
                "set -e
                if [ \"$1\" = configure ]; then
                    getent passwd user >/dev/null || useradd --system --user-group --no-create-home --home-dir /var/lib/user user
                    install -d -o user -g user -m 750 /var/lib/user
                    echo state >/var/lib/user/state
                    update-alternatives --install /usr/bin/hello hello /usr/lib/user/hello 10
                fi",
            )
            .script(
                "prerm",
                "set -e
                if [ \"$1\" = remove ]; then update-alternatives --remove hello /usr/lib/user/hello; fi",
            )
            .script("postrm", "set -e\nif [ \"$1\" = purge ]; then rm -rf /var/lib/user; fi"),
    );
    out.push(
        deb("cache", "1")
            .control("triggers", "interest-noawait /usr/share/cached\n")
            .script(
                "postinst",
                "set -e\necho \"$@\"\nls /usr/share/cached 2>/dev/null >/usr/share/cache.list || :",
            )
            .script("postrm", "rm -f /usr/share/cache.list"),
    );
    out.push(deb("cached", "1").file("/usr/share/cached/one", "1\n"));
    out.push(
        deb("away", "1")
            .file("/usr/share/base/file", "of away\n")
            .script(
                "preinst",
                "set -e\ndpkg-divert --package away --add --rename --divert /usr/share/base/file.real /usr/share/base/file",
            )
            .script(
                "postrm",
                "set -e\nif [ \"$1\" = remove ]; then dpkg-divert --package away --remove --rename /usr/share/base/file; fi",
            ),
    );
    out.push(
        deb("bad", "1")
            .file("/usr/share/bad/file", "x\n")
            .script("postinst", "echo this is bad; test -e /etc/good"),
    );
    out
}

/// Builds them and the index, if they are not there.
pub fn build(dir: &Path) -> Res<()> {
    let index = dir.join("Packages");
    let packages = all();
    let what = format!("{packages:?}");
    let mark = dir.join("made-of");
    if index.exists() && fs::read_to_string(&mark).is_ok_and(|m| m == what) {
        return Ok(());
    }
    fs::remove_dir_all(dir).during(dir.display())?;
    fs::create_dir_all(dir).during(dir.display())?;
    for package in packages {
        package.build(dir)?;
    }
    oracle::run(
        Command::new("sh")
            .args([
                "-ec",
                "for f in *.deb; do
                    dpkg-deb -f $f; echo Filename: ./$f; echo Size: $(stat -c %s $f)
                    echo SHA256: $(sha256sum <$f | cut -d' ' -f1); echo
                done >Packages.new; mv Packages.new Packages",
            ])
            .current_dir(dir),
    )?;
    fs::write(&mark, what).during(mark.display())
}
