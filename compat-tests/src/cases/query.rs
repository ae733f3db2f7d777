//! dpkg-query, and what dpkg shows of the database.

use super::Cases;
use crate::deb::deb;
use crate::world::World;

fn populate(w: &mut World) {
    w.run("$D --add-architecture i386");
    w.install(&[
        deb("alpha", "1:2.0-1")
            .arch("amd64")
            .field("Section", "utils")
            .field("Priority", "important")
            .field("Source", "alpha-src (1:2.0-0)")
            .field("Homepage", "http://example.org/")
            .field("Installed-Size", "123")
            .field("Depends", "beta (>= 1) | gamma")
            .field("Tag", "one::two, three::four")
            .field("X-Own", "value")
            .field("Description", "first line that is quite long so that it must be cut somewhere\n more\n .\n  verbatim\n last")
            .file("/usr/share/alpha/data", "x")
            .conffile("/etc/alpha.conf", "x\n"),
        deb("beta", "1").field("Origin", "Here").field("Bugs", "debbugs://x").file("/usr/share/beta/data", "x"),
        deb("a-package-with-a-really-long-name-indeed", "1.2.3+really4.5.6-7ubuntu8.9~10").field("Essential", "no"),
        deb("delta", "2").scripts(),
        deb("lib", "1").arch("amd64").field("Multi-Arch", "same"),
        deb("lib", "1").arch("i386").field("Multi-Arch", "same"),
    ]);
    w.ok("$D -r delta");
    w.ok("echo alpha hold | $D --set-selections");
    let u = w.deb(&deb("unpacked", "3").field("Depends", "never"));
    w.run(&format!("$D --unpack {u}"));
    w.run("echo 'ghost install' | $D --set-selections");
}

pub(super) fn add(c: &mut Cases) {
    c.add("query/list", |w| {
        populate(w);
        for line in [
            "$Q -l",
            "$Q --list alpha",
            "$Q -l 'a*'",
            "$Q -l '*' nothing",
            "$Q -l nothing 'none*'",
            "$Q -l lib lib:i386 'l?b' '[ab]*'",
            "$D -l",
            "$D --list alpha beta",
            "COLUMNS=200 $Q -l",
            "COLUMNS=60 $Q -l",
            "COLUMNS=bad $Q -l",
            "$Q --no-pager -l",
            "$Q -l ghost delta",
        ] {
            w.run(line);
        }
    });
    c.add("query/list-on-a-terminal", |w| {
        populate(w);
        w.env("PAGER", "cat");
        for line in [
            "script -qec 'stty cols 100; dpkg-query --root=/t/root -l' /dev/null",
            "script -qec 'stty cols 70; dpkg-query --root=/t/root --no-pager -l' /dev/null",
            "DPKG_PAGER='sed s/^/P:/' script -qec 'dpkg-query --root=/t/root -l' /dev/null",
            "DPKG_COLORS=always $D -r nothing",
            "DPKG_COLORS=always $D --audit",
        ] {
            w.run(line);
        }
    });
    c.add("query/status", |w| {
        populate(w);
        for line in [
            "$Q -s",
            "$Q -s alpha",
            "$Q -s alpha nothing beta",
            "$Q -s lib",
            "$Q -s lib:i386",
            "$Q -s ghost",
            "$Q -s delta",
            "$D -s alpha",
            "$Q -p alpha",
            "$D -p beta nothing",
            "$Q -p",
            "$Q -s 'a*'",
            "$Q -s Bad_Name",
            "$Q -s alpha:bad-arch",
        ] {
            w.run(line);
        }
    });
    c.add("query/files", |w| {
        populate(w);
        for line in [
            "$Q -L alpha",
            "$Q -L alpha nothing",
            "$Q -L",
            "$Q -L delta",
            "$Q -L ghost",
            "$Q -L lib:i386 beta",
            "$D -L beta",
            "$Q -S data",
            "$Q -S /usr/share/alpha/data",
            "$Q -S 'share/*/data'",
            "$Q -S /usr/share",
            "$Q -S nothing /etc",
            "$Q -S",
            "$Q -S /usr/share/",
            "$Q -S '/usr//share'",
            "$Q -S '*'",
            "$D -S alpha",
            "$Q -S '/usr/share/[ab]*'",
            "$Q -c alpha",
            "$Q -c alpha md5sums",
            "$Q -c alpha list",
            "$Q -c alpha nothing",
            "$Q --control-list alpha",
            "$Q --control-list nothing",
            "$Q --control-show alpha conffiles",
            "$Q --control-show alpha nothing",
            "$Q --control-show alpha list",
            "$Q --control-path alpha conffiles",
            "$Q --control-show alpha ../status",
            "$Q -c",
            "$Q --control-list delta",
        ] {
            w.run(line);
        }
    });
    c.add("query/format", |w| {
        populate(w);
        for f in [
            "${Package}\\n",
            "${Package;20}|${Version;-10}|\\n",
            "${Package;3}|\\n",
            "${binary:Package} ${db:Status-Abbrev}|\\n",
            "${db:Status-Want} ${db:Status-Status} ${db:Status-Eflag}\\n",
            "${Status}\\n",
            "${binary:Summary}\\n",
            "${binary:Synopsis}\\n",
            "${source:Package} ${source:Version} ${source:Upstream-Version} ${Source}\\n",
            "${db-fsys:Files}",
            "${db-fsys:Last-Modified;2}\\n",
            "${Conffiles}\\n",
            "${X-Own} ${x-own} ${Tag}\\n",
            "${Nothing}|\\n",
            "${Description}\\n",
            "${Depends}|${Essential}|${Multi-Arch}\\n",
            "${Installed-Size}\\t${Section}\\r\\n",
            "${Architecture}\\\\ \\q \\n",
            "${Package",
            "$Package $ {x}\\n",
            "${}\\n",
            "${;5}\\n",
            "${Package;x}\\n",
            "${Package;}\\n",
            "${Package;99999999999}\\n",
            "no newline",
            "",
            "${Config-Version}|${Status}\\n",
            "${Homepage} ${Origin} ${Bugs}\\n",
            "${Filename}|${Size}|${MD5sum}|${SHA256}\\n",
            "${Protected}\\n",
            "${Priority} ${Maintainer}\\n",
            "${Triggers-Pending}|${Triggers-Awaited}\\n",
            "${binary:Package;-30}<\\n",
            "${db:Status-Abbrev;10}<\\n",
            "é${Package;12}é\\n",
        ] {
            w.run(&format!("$Q -W -f '{f}'"));
        }
        w.run("$Q --show");
        w.run("$Q -W --showformat='${Package}\\n' alpha 'l*' nothing");
        w.run("$Q -f '${Package}\\n'");
        w.run("$D -W");
        w.run("$Q -W --load-avail; $Q --load-avail -l");
    });
    c.add("query/format-missing-lists", |w| {
        w.install(&["m", "zz", "b", "aa", "k", "d"].map(|name| deb(name, "1").file(&format!("/opt/{name}"), "")));
        w.prepare("cd $R/var/lib/dpkg/info; rm zz.list b.list k.list d.list; printf '/opt\n/opt/m' >m.list");
        w.run("$Q -W -f '${Package}${db-fsys:Files}' k zz");
        w.prepare("cd $R/var/lib/dpkg/info; echo >>m.list");
        w.run("$Q -W -f '${Package}${db-fsys:Files}' 'm' 'z*' none");
    });
    c.add("query/selections", |w| {
        populate(w);
        for line in [
            "$D --get-selections",
            "$D --get-selections 'a*'",
            "$D --get-selections nothing",
            "$D --get-selections '*'",
            "echo 'beta deinstall' | $D --set-selections",
            "printf 'alpha purge\\nlib:i386 hold\\n\\n# c\\n' | $D --set-selections",
            "echo 'beta nonsense' | $D --set-selections",
            "echo 'beta' | $D --set-selections",
            "echo 'Bad_Name install' | $D --set-selections",
            "echo 'beta install extra' | $D --set-selections",
            "printf 'beta hold' | $D --set-selections",
            "echo 'never install' | $D --set-selections",
            "$D --get-selections",
            "$D --clear-selections",
            "$D --get-selections",
            "$D -r --pending",
            "$D --yet-to-unpack",
            "$D -P -a",
        ] {
            w.run(line);
        }
    });
    c.add("query/hold", |w| {
        w.install(&[deb("pk", "1").scripts()]);
        w.ok("echo pk hold | $D --set-selections");
        let v2 = w.deb(&deb("pk", "2").scripts());
        w.run(&format!("$D -i {v2}"));
        w.run(&format!("$D --refuse-hold -i {v2}"));
        w.run("mkdir /t/w/x; cp /t/debs/*.deb /t/w/x; $D -R -i /t/w/x");
        w.run(&format!("$D --force-hold -i {v2}"));
        w.run("$D -r pk");
    });
    c.add("query/avail", |w| {
        populate(w);
        let text = "Package: beta\\nVersion: 9\\nArchitecture: all\\nMaintainer: x\\nDescription: d\\nFilename: pool/b.deb\\nSize: 5\\nMD5sum: 00\\n\\nPackage: new\\nVersion: 1\\nArchitecture: amd64\\nSection: x\\nPriority: extra\\nMaintainer: x\\nDescription: d\\n long\\n";
        w.prepare(&format!("printf '{text}' >/t/w/Packages"));
        for line in [
            "$D --update-avail /t/w/Packages", "$D -p beta new", "$Q -p beta", "$Q -W --load-avail -f '${Package} ${Version}\\n'", "$D --merge-avail /t/w/Packages",
            "cat /t/w/Packages | $D --update-avail -", "cat /t/w/Packages | $D --merge-avail", "$D --update-avail /no/such", "$D --update-avail",
            "$D --yet-to-unpack", "$D --predep-package", "$D --forget-old-unavail", "$D --clear-avail", "$D -A /t/debs/beta_1_all.deb", "$D --record-avail /t/debs/*.deb",
            "printf 'Package: x\\nVersion: b@d\\n' | $D --merge-avail -", "printf 'nonsense\\n' | $D --merge-avail -",
        ] {
            w.run(line);
        }
    });
    c.add("query/audit-and-verify", |w| {
        populate(w);
        let broken = w.deb(&deb("broken", "1").script("postinst", "exit 1"));
        w.run(&format!("$D -i {broken}"));
        let half = w.deb(&deb("half", "1").script("preinst", "exit 1").script("postrm", "exit 1"));
        w.run(&format!("$D -i {half}"));
        for line in [
            "$D --audit", "$D -C", "$D --audit alpha", "$D --audit broken unpacked", "$D --audit nothing", "$D --audit half",
            "$D -V", "$D -V alpha beta", "$D --verify nothing", "$D -V --verify-format=rpm", "$D -V --verify-format=bad",
        ] {
            w.run(line);
        }
        w.write("/etc/alpha.conf", "changed\n");
        w.write("/usr/share/alpha/data", "changed");
        w.prepare("rm $R/usr/share/beta/data");
        w.run("$D -V");
        w.prepare("rm $R/usr/share/alpha/data; mkdir $R/usr/share/alpha/data; rm $R/var/lib/dpkg/info/delta.* ; echo nonsense >> $R/var/lib/dpkg/info/beta.md5sums");
        w.run("$D -V alpha; $D -V beta; $D --audit");
        w.prepare("rm $R/var/lib/dpkg/info/alpha.list $R/var/lib/dpkg/info/beta.md5sums");
        w.run("$D -V; $D --audit; $Q -L alpha; $Q -l");
    });
    c.add("query/no-database", |w| {
        for line in [
            "dpkg-query --admindir=/no/such -l",
            "dpkg-query --admindir=/no/such -W x",
            "dpkg --admindir=/no/such -l",
            "dpkg --admindir=/no/such -i x.deb",
            "dpkg --admindir=/no/such --audit",
            "dpkg --root=/no/such -r x",
            "dpkg-query --root=relative -l",
            "dpkg --root= -l",
        ] {
            w.run(line);
        }
    });
    c.add("query/system", |w| {
        for line in [
            "dpkg -l",
            "dpkg -s libc6",
            "dpkg -L dpkg",
            "dpkg -S bin/dpkg",
            "dpkg-query -W",
            "dpkg-query -W -f '${Package} ${Version} ${Depends}\\n'",
            "dpkg --get-selections",
            "dpkg --audit",
            "dpkg -V",
            "dpkg-query -s",
            "dpkg -p libc6",
            "dpkg-query -S /bin/sh /lib/x86_64-linux-gnu /usr/bin/sh",
            "dpkg-query --control-show libc6 shlibs",
        ] {
            w.run(line);
        }
    });
}
