//! Must-show 8: without the option nothing below `/var/sys` is opened, and without the plugin the error says what
//! to install.

use super::Extent;
use super::fixtures;
use super::small::MV;
use super::system::System;
use crate::Res;

/// What dpkg-ng does as dpkg; `$D` is a package file.
const COMMANDS: &[&str] = &[
    "dpkg-ng --version",
    "dpkg-ng --help",
    "dpkg-ng -l",
    "dpkg-ng -s dpkg",
    "dpkg-ng -L dpkg",
    "dpkg-ng -S /bin/sh",
    "dpkg-ng --audit",
    "dpkg-ng -i $D",
    "dpkg-ng -V fixdata",
    "dpkg-ng -r fixdata",
    "dpkg-ng -P fixdata",
    "dpkg-ng --configure -a",
    "dpkg-ng dpkg-query -W",
    "dpkg-ng dpkg-deb -c $D",
    "dpkg-ng dpkg-divert --list",
    "dpkg-ng update-alternatives --get-selections",
    "dpkg-ng dpkg-trigger --check-supported",
];

/// Every command under strace, on a system that has views.
pub fn run(s: &System, _: Extent) -> Res<()> {
    fixtures::make(s)?;
    // Without a libc of its own, whose files of locales it could miss, a program is exported as it is.
    let debs = fixtures::debs(s, &["libfix1_1", "fix"])?;
    let data = fixtures::debs(s, &["fixdata_1"])?;
    s.part("with the option it is seen", || {
        // That the trace would show it.
        s.must(&format!("strace -f -o /tmp/trace {MV} -i {debs}"))?;
        let seen = s.must("grep -c /var/sys /tmp/trace")?;
        s.expect(seen.trim() != "0", || "nothing is traced".into());
        Ok(())
    });
    s.part("silent without it", || {
        for line in COMMANDS {
            s.must(&format!(
                "D={data}; strace -f -o /tmp/trace {line} >/dev/null"
            ))?;
            let seen = s.must("grep /var/sys /tmp/trace || :")?;
            s.same_text(line, "", &seen);
            let plugin = s.must("grep multi-version.so /tmp/trace || :")?;
            s.same_text(format!("{line}: the plugin"), "", &plugin);
        }
        Ok(())
    });
    s.must("mv /usr/lib/dpkg-ng/plugins/multi-version.so /tmp/plugin")?;
    s.part("without the plugin", || {
        for line in [
            &format!("{MV} -i {debs}"),
            "dpkg-ng --view system -l",
            "dpkg-ng run -- true",
            "dpkg-ng view list",
            "dpkg-ng gc --dry-run",
            "dpkg-ng relink libfix.so.1=2",
        ] {
            s.refused(line, &["dpkg-ng-multi-version"])?;
        }
        Ok(())
    });
    s.must("mv /usr/bin/dpkg-ng /tmp/dpkg-ng")?;
    s.part("what was linked needs neither", || {
        s.same_text(
            "fix without dpkg-ng",
            "libfix 1\n",
            &s.must("/var/sys/current-system/bin/fix")?,
        );
        s.same_text(
            "fix as it is linked",
            "libfix 1\n",
            &s.must("$(ls -d /var/sys/inst/fix_1_amd64-*/usr/bin/fix)")?,
        );
        Ok(())
    });
    s.must("mv /tmp/dpkg-ng /usr/bin; mv /tmp/plugin /usr/lib/dpkg-ng/plugins/multi-version.so")?;
    s.part("a plugin that is not root's", || {
        for (wrong, right) in [("chmod 666", "chmod 644"), ("chown 1000", "chown 0")] {
            let file = "/usr/lib/dpkg-ng/plugins/multi-version.so";
            s.must(&format!("{wrong} {file}"))?;
            s.refused(&format!("{MV} -l"), &["multi-version.so"])?;
            s.must(&format!("{right} {file}"))?;
        }
        s.must(&format!("{MV} -l"))?;
        Ok(())
    });
    Ok(())
}
