//! A user without root, with a store of their own: the life of a view, who may do what, and what stays of it.

use super::Extent;
use super::fixtures;
use super::system::{System, VAR_SYS};
use crate::Res;
use crate::deb::deb;

/// Where the user's store is.
const STORE: &str = "/home/tester/.local/share/dpkg-ng";

/// All of it.
pub fn run(s: &System, _: Extent) -> Res<()> {
    fixtures::make(s)?;
    scripted(s)?;
    // Overlayfs writes to no overlay, as the system's own root is one.
    s.must(&format!(
        "mkdir {VAR_SYS}/home; chown 1000:1000 {VAR_SYS}/home; mount --bind {VAR_SYS}/home /home/tester"
    ))?;
    let host = s.host()?;
    let machine = "find /var/sys -path /var/sys/home -prune -o -print | sort";
    let before = s.must(machine)?;
    let first = fixtures::debs(s, &["libc6", "libfix1_1", "fix", "fixdata_1"])?;

    s.part("a view of one's own", || {
        s.must_user("dpkg-ng view create mine")?;
        s.must_user(&format!("dpkg-ng --view mine -i {first}"))?;
        for (line, says) in [
            ("dpkg-ng run --view mine fix", "libfix 1\n"),
            ("dpkg-ng run --view mine fixdata", "data 1\n"),
            (
                "dpkg-ng run --view mine -- dpkg-ng run --view mine fix",
                "libfix 1\n",
            ),
            (&format!("{STORE}/views/mine/current/bin/fix"), "libfix 1\n"),
            ("dpkg-ng run --view mine id -u", "1000\n"),
            (
                "dpkg-ng --view mine -W -f '${Status}\\n' fix",
                "install ok installed\n",
            ),
            ("dpkg-ng --view mine -S /usr/bin/fix", "fix: /usr/bin/fix\n"),
        ] {
            s.same_text(line, says, &s.must_user(line)?);
        }
        let said = s.user("dpkg-ng run --view mine -- sh -c 'exit 7'")?;
        s.same("exit code through run", &7, &said.code);
        Ok(())
    });
    s.part("scripts", || {
        s.must_user(&format!(
            "dpkg-ng --view mine -i {}",
            fixtures::debs(s, &["fixroot"])?
        ))?;
        s.same_text(
            "what the script saw",
            "root\nown\nsomebody:x:\n",
            &s.must_user("dpkg-ng run --view mine cat /var/lib/fixroot.out")?,
        );
        s.same_text(
            "who was added",
            "somebody:x:",
            s.must_user("dpkg-ng run --view mine grep -o somebody:x: /etc/passwd")?
                .trim_end(),
        );
        let bad = fixtures::debs(s, &["fixbad"])?;
        let said = s.user(&format!("dpkg-ng --view mine -i {bad}"))?;
        s.same("a script that fails", &1, &said.code);
        s.says(
            "a script that fails",
            &said.text,
            &["this is bad", "view mine is as it was"],
        );
        let said = s.user("dpkg-ng --view mine -s fixbad")?;
        s.same("what failed is not there", &1, &said.code);
        Ok(())
    });
    s.part("upgrade, way back, removal", || {
        let second = fixtures::debs(s, &["libfix1_2", "fixdata_2"])?;
        let inside = "dpkg-ng run --view mine sh -c 'fix; fixdata; cat /etc/fixdata.conf'";
        s.must_user(&format!("dpkg-ng --view mine -i {second}"))?;
        s.same_text(
            "the new ones",
            "libfix 2\ndata 2\ndata 2\n",
            &s.must_user(inside)?,
        );
        s.must_user("dpkg-ng view rollback mine")?;
        // /etc stays.
        s.same_text(
            "as before",
            "libfix 1\ndata 1\ndata 2\n",
            &s.must_user(inside)?,
        );
        s.must_user("dpkg-ng --view mine -P fixdata fixroot")?;
        let said = s.user("dpkg-ng run --view mine fixdata")?;
        s.same("what was purged", &127, &said.code);
        Ok(())
    });
    s.part("a command of one's own", || {
        s.must_user("dpkg-ng view exec mine -- sh -c 'echo of root >/etc/default/execd; id -u'")?;
        s.same_text(
            "what it wrote",
            "of root\n",
            &s.must_user("dpkg-ng run --view mine cat /etc/default/execd")?,
        );
        Ok(())
    });
    s.part("apt", || {
        s.must_user("dpkg-ng view apt mine -- apt-mark showauto")?;
        s.must_user(&format!(
            "dpkg-ng view apt mine -- install -y {}",
            fixtures::debs(s, &["fixdata_2"])?
        ))?;
        s.must_user("dpkg-ng view apt mine -- purge -y fixdata")?;
        Ok(())
    });
    s.part("set-id bits", || {
        s.same_text(
            "set-id files",
            "",
            &s.must(&format!("find {STORE} -type f -perm /6000"))?,
        );
        let noted = s.must(&format!("cat {STORE}/views/mine/current/set-id"))?;
        s.says("noted", &noted, &["usr/bin/fixsuid"]);
        Ok(())
    });
    s.part("collection", || {
        s.start(
            "own",
            true,
            "dpkg-ng run --view mine@2 -- sh -c 'echo up; exec sleep 600'",
        )?;
        s.wait_for("own", "a context", || s.log("own").contains("up"))?;
        s.must_user("dpkg-ng gc --keep 1")?;
        let there = |n: u32| -> Res<bool> {
            let said = s.sh(&format!("test -e {STORE}/views/mine/gen/{n}"))?;
            Ok(said.code == 0)
        };
        s.same(
            "what runs, what not",
            &(true, false),
            &(there(2)?, there(1)?),
        );
        s.stop("own");
        s.must_user("dpkg-ng gc --keep 1")?;
        s.same("what ran", &false, &there(2)?);
        Ok(())
    });
    s.part("two in one context", || {
        let conf = "dpkg-ng run --view mine -- sh -c";
        s.must_user(&format!("dpkg-ng --view mine -i {}", fixtures::debs(s, &["fixroot"])?))?;
        s.start(
            "one",
            true,
            &format!(
                "{conf} 'cat /etc/fixroot/two 2>/dev/null; echo up; until test -e /etc/fixroot/two; do sleep 0.1; done; cat /etc/fixroot/two; exec sleep 600'"
            ),
        )?;
        s.wait_for("one", "a context", || s.log("one").contains("up"))?;
        s.must_user(&format!("cd /home/tester && {conf} 'echo two >/etc/fixroot/two; pwd'"))?;
        s.wait_for("one", "what another wrote", || s.log("one").contains("two"))?;
        s.same_text(
            "where the second is",
            "/home/tester\n",
            &s.must_user(&format!("cd /home/tester && {conf} pwd"))?,
        );
        s.must_user("dpkg-ng run --view mine --pure -- fix")?;
        s.stop("one");
        s.same_text("what stays", "two\n", &s.must_user(&format!("{conf} 'cat /etc/fixroot/two'"))?);
        Ok(())
    });
    s.part("doctor", || {
        let said = s.must_user("dpkg-ng doctor")?;
        s.says(
            "doctor",
            &said,
            &[
                "in a user namespace",
                "view mine",
                "/usr/bin/fixsuid of view mine",
                "current/bin",
            ],
        );
        let bad = said
            .lines()
            .any(|l| l.split_whitespace().nth(1) == Some("bad"));
        s.expect(!bad, || format!("something is bad:\n{said}"));
        s.must_user("dpkg-ng doctor --json")?;
        let elsewhere = s.user("XDG_DATA_HOME=/home dpkg-ng doctor")?;
        s.same("no store yet is not bad", &0, &elsewhere.code);
        s.must("mkdir -m 777 -p /tmp/open/store")?;
        let open = s.user("dpkg-ng doctor --store /tmp/open/store")?;
        s.same("a store that others can write to", &1, &open.code);
        s.says(
            "a store that others can write to",
            &open.text,
            &["can't be your store"],
        );
        let root = s.must("dpkg-ng doctor")?;
        s.says("doctor as root", &root, &["in a mount namespace"]);
        let left = s.must(&format!("ls {STORE}/tmp"))?;
        s.same_text("what doctor leaves", "", &left);
        Ok(())
    });
    s.part("whose it is", || {
        s.must(&format!("chmod 770 {STORE}"))?;
        for line in [
            "dpkg-ng --view mine -r fix",
            "dpkg-ng run --view mine fix",
            "dpkg-ng view list",
        ] {
            let said = s.user(line)?;
            s.expect(said.code != 0, || format!("{line}: taken"));
            s.says(line, &said.text, &["can't be your store"]);
        }
        s.must(&format!("chmod 700 {STORE}"))?;
        for line in [
            "view create x",
            "--view mine -r fix",
            "run --view mine fix",
            "gc",
        ] {
            let line = format!("dpkg-ng {line} --store {STORE}").replace("fix --store", "--store");
            let said = s.sh(&line)?;
            s.expect(said.code != 0, || format!("root, {line}: taken"));
        }
        let said = s.user("dpkg-ng --store /var/sys --view mine -r fix")?;
        s.expect(said.code != 0, || "a user changes the machine's".into());
        s.says("a user on the machine's", &said.text, &["root"]);
        Ok(())
    });
    s.part("the machine", || {
        s.same_text("the host", &host, &s.host()?);
        s.same_text("the machine's store", &before, &s.must(machine)?);
        s.must(&format!(
            "dpkg-ng view create theirs && dpkg-ng --view theirs -i {first}"
        ))?;
        s.same_text(
            "the machine's view",
            "libfix 1\n",
            &s.must_user("dpkg-ng run --view theirs fix")?,
        );
        s.must_user("dpkg-ng view list theirs")?;
        Ok(())
    });
    s.part("all of it goes", || {
        s.must_user("dpkg-ng view rm mine && dpkg-ng gc")?;
        let left = s.must(&format!("cd {STORE} && find . -type f"))?;
        s.same_text("what is left", "./lock\n", &left);
        Ok(())
    });
    Ok(())
}

/// Packages whose scripts want to be root.
fn scripted(s: &System) -> Res<()> {
    let made = s.outside("/debs/made");
    deb("fixroot", "1")
        .file("/usr/share/fixroot/file", "x\n")
        .conffile("/etc/fixroot/conf", "x\n")
        .script(
            "postinst",
            "set -e
            [ \"$1\" = configure ] || exit 0
            getent group somebody >/dev/null || groupadd --system somebody
            getent passwd somebody >/dev/null || useradd --system --gid somebody somebody
            install -d -o somebody -g somebody -m 4750 /var/lib/fixroot
            chown -R somebody:somebody /usr/share/fixroot
            echo own >/etc/default/fixroot; echo x >>/etc/shells; touch /root/x /run/x
            { id -un; cat /etc/default/fixroot; grep -o somebody:x: /etc/group; } >/var/lib/fixroot.out",
        )
        .script("postrm", "if [ \"$1\" = purge ]; then rm -rf /var/lib/fixroot* /etc/default/fixroot; fi")
        .build(&made)?;
    deb("fixbad", "1")
        .file("/usr/share/fixbad/file", "x\n")
        .script("postinst", "echo this is bad >&2; exit 3")
        .build(&made)
        .map(drop)
}
