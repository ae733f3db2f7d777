//! Wrong input and bad luck: the exit code, the words, and a state that can be recovered.

use super::Cases;
use crate::deb::deb;

pub(super) fn add(c: &mut Cases) {
    c.add("wrong/no-such-file", |w| {
        w.run("$D -i nothing.deb");
        w.run("$D -i nothing");
        w.run("$D -i /t/w");
        let a = w.deb(&deb("a", "1"));
        w.run(&format!("$D -i nothing.deb {a}"));
        w.run(&format!("$D --unpack {a} nothing.deb"));
        w.run("$D --configure -a");
        w.run("$D -i /dev/null; $D -i ''");
    });
    c.add("wrong/locked", |w| {
        let a = w.deb(&deb("a", "1"));
        let hold = |file: &str, line: &str| {
            format!(
                "perl -e 'use Fcntl; open(F,\">>\",\"$ENV{{R}}/var/lib/dpkg/{file}\"); my $f=pack(\"s s l! l! i\",F_WRLCK,0,0,0,0); fcntl(F,F_SETLK,$f) or die; print \"x\"; $|=1; print \"\\n\"; sleep 20' >/t/w/held & L=$!; while ! [ -s /t/w/held ]; do sleep 0.05; done; {line}; C=$?; kill $L; wait 2>/dev/null; rm /t/w/held; exit $C"
            )
        };
        for file in ["lock", "lock-frontend"] {
            for line in [format!("$D -i {a}"), "$D --configure -a".into(), "$D -r a".into(), "$Q -l".into(), "echo a hold | $D --set-selections".into(), "$D --audit".into(), "$D --clear-avail".into()] {
                w.run(&hold(file, &line));
            }
            w.run(&hold(file, &format!("DPKG_FRONTEND_LOCKED=1 $D -i {a}")));
        }
        w.run(&hold("triggers/Lock", &format!("$D -i {a}")));
    });
    c.add("wrong/no-space", |w| {
        w.prepare("mkdir /t/w/small; mount -t tmpfs -o size=300k none /t/w/small; mkdir -p /t/w/small/var/lib; cp -r $R/var/lib/dpkg /t/w/small/var/lib/dpkg");
        let big = w.deb(&deb("big", "1").file("/opt/a", "a").file("/opt/big", &"x".repeat(600_000)).scripts());
        w.run(&format!("dpkg --root=/t/w/small --force-script-chrootless -i {big}"));
        w.run("dpkg-query --root=/t/w/small -s big");
        let small = w.deb(&deb("big", "2").file("/opt/a", "b"));
        w.run(&format!("dpkg --root=/t/w/small --force-script-chrootless -i {small}"));
        w.run("dd if=/dev/zero of=/t/w/small/fill 2>/dev/null; dpkg --root=/t/w/small --force-script-chrootless -r big");
        w.run("rm /t/w/small/fill; dpkg --root=/t/w/small --configure -a; dpkg --root=/t/w/small --force-script-chrootless -r big; umount /t/w/small");
    });
    c.add("wrong/full-disk", |w| {
        // Space for less and less: in the journal, the control files, the database.
        let d = w.deb(&deb("pk", "1").file("/opt/a", "a").conffile("/etc/c", "c").scripts());
        w.prepare("mkdir /t/w/small");
        for kilobytes in [4, 8, 12, 16, 20, 24, 28, 32, 36, 40] {
            w.prepare(&format!("mount -t tmpfs -o size={kilobytes}k none /t/w/small; mkdir -p /t/w/small/var/lib; cp -r $R/var/lib/dpkg /t/w/small/var/lib/dpkg"));
            let dpkg = "dpkg --root=/t/w/small --force-script-chrootless";
            w.run(&format!("{dpkg} -i {d}"));
            w.run("mount -o remount,size=1m /t/w/small; dpkg-query --root=/t/w/small -W -f '${Package} ${Status}\\n'");
            w.run(&format!("{dpkg} --configure -a; {dpkg} -i {d}"));
            w.prepare("umount /t/w/small");
        }
    });
    c.add("wrong/file-size-limit", |w| {
        let d = w.deb(&deb("pk", "1").file("/opt/a", &"a".repeat(9000)));
        for blocks in [0, 2, 8, 12, 100] {
            w.run(&format!("ulimit -f {blocks}; $D -i {d}"));
            w.run(&format!("ulimit -f {blocks}; trap '' XFSZ; $D -i {d}"));
            w.run("$D --configure -a; $Q -W; $D -P pk");
        }
    });
    c.add("wrong/no-inodes", |w| {
        w.prepare("mkdir /t/w/small; mount -t tmpfs -o nr_inodes=40 none /t/w/small; mkdir -p /t/w/small/var/lib; cp -r $R/var/lib/dpkg /t/w/small/var/lib/dpkg");
        // As many as one piece of 32 KiB holds: whether stock's dpkg-deb is done with a second one
        // when nobody reads any more depends on the clock.
        let mut d = deb("many", "1");
        for n in 0..28 {
            d = d.file(&format!("/opt/{n}"), "x");
        }
        let d = w.deb(&d);
        w.run(&format!("dpkg --root=/t/w/small -i {d}"));
        w.run("dpkg-query --root=/t/w/small -s many; find /t/w/small | sort; umount /t/w/small");
    });
    c.add("wrong/read-only-root", |w| {
        w.prepare("mkdir -p /t/w/ro/var/lib /t/w/ro/opt; cp -r $R/var/lib/dpkg /t/w/ro/var/lib/dpkg; mount --bind /t/w/ro/opt /t/w/ro/opt; mount -o remount,bind,ro /t/w/ro/opt");
        let d = w.deb(&deb("pk", "1").file("/opt/f", "x"));
        w.run(&format!("dpkg --root=/t/w/ro -i {d}"));
        w.run("dpkg-query --root=/t/w/ro -s pk");
        w.run("umount /t/w/ro/opt; mount --bind /t/w/ro/var/lib/dpkg /t/w/ro/var/lib/dpkg; mount -o remount,bind,ro /t/w/ro/var/lib/dpkg");
        w.run(&format!("dpkg --root=/t/w/ro -i {d}; dpkg --root=/t/w/ro -r pk; dpkg-query --root=/t/w/ro -l; dpkg --root=/t/w/ro --audit; umount /t/w/ro/var/lib/dpkg"));
    });
    c.add("wrong/missing-parts-of-the-database", |w| {
        let d = w.deb(&deb("pk", "1").file("/opt/f", "x"));
        for part in [
            "info",
            "updates",
            "triggers",
            "available",
            "status",
            "parts",
        ] {
            w.prepare(&format!("rm -rf $R/var/lib/dpkg/{part}"));
            w.run(&format!("$D -i {d}"));
            w.run("$Q -l");
        }
    });
    c.add("wrong/list-file", |w| {
        w.install(&[
            deb("pk", "1").file("/opt/f", "x"),
            deb("other", "1").file("/opt/g", "x"),
        ]);
        for content in [
            "",
            "\\n",
            "relative\\n",
            "/opt/f",
            "/.\\n\\n/opt\\n",
            "/.\\n//opt//f\\n/opt/\\n",
        ] {
            w.prepare(&format!("printf '{content}' >$R/var/lib/dpkg/info/pk.list"));
            w.run("$Q -L pk; $Q -S /opt/f; $D -r other");
            let d = w.deb(&deb("other", "1").file("/opt/g", "x"));
            w.run(&format!("$D -i {d}"));
        }
        w.prepare("rm $R/var/lib/dpkg/info/pk.list");
        w.run("$D -r other; $D -r pk");
    });
    c.add("wrong/killed-and-recovered", |w| {
        // Kill dpkg from within each script, then let it recover.
        for (n, script) in ["preinst", "postinst"].into_iter().enumerate() {
            let name = format!("k{n}");
            let d = w.deb(
                &deb(&name, "1")
                    .file(&format!("/opt/{name}"), "x")
                    .script(script, "[ -e /opt/no-kill ] || kill -9 $PPID; sleep 0.3"),
            );
            w.run(&format!("$D -i {d}; sleep 0.5"));
            w.run("$Q -l; $D --audit");
            w.write("/opt/no-kill", "");
            w.run("$D --configure -a");
            w.run(&format!("$D -i {d}"));
            w.prepare("rm $R/opt/no-kill");
        }
    });
    c.add("wrong/journal", |w| {
        // What a killed run leaves in updates/.
        w.install(&[deb("pk", "1").file("/opt/f", "x")]);
        let stanza = "Package: pk\\nStatus: install ok half-configured\\nMaintainer: Test <test@example.org>\\nArchitecture: all\\nVersion: 1\\nDescription: test package\\n";
        w.prepare(&format!("printf '{stanza}' >$R/var/lib/dpkg/updates/0000"));
        w.run("$Q -s pk");
        w.run("$D --configure -a");
        w.prepare(&format!("printf '{stanza}' >$R/var/lib/dpkg/updates/0000; echo x >$R/var/lib/dpkg/updates/tmp.i; echo x >$R/var/lib/dpkg/updates/00zz; echo junk >$R/var/lib/dpkg/updates/0001"));
        w.run("$Q -l; $D --audit; $D --configure -a");
        w.prepare("rm $R/var/lib/dpkg/updates/*; printf 'Package: pk\\nVersion' >$R/var/lib/dpkg/updates/0000");
        w.run("$D --configure -a");
        w.prepare(&format!("printf '{stanza}' >$R/var/lib/dpkg/updates/12345"));
        w.run("rm $R/var/lib/dpkg/updates/0000; $D --configure -a; $Q -l");
    });
    c.add("wrong/reinstreq", |w| {
        w.install(&[deb("pk", "1").scripts()]);
        w.prepare("sed -i 's/install ok installed/install reinstreq half-installed/' $R/var/lib/dpkg/status");
        w.run("$D -r pk; $D --configure pk; $D --audit; $Q -l");
        w.run("$D --force-remove-reinstreq -r pk");
        w.run("$D -P pk");
    });
}
