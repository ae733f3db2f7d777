//! Views as commands, maintainer scripts in them, and apt into them: with small packages.

use super::Extent;
use super::fixtures;
use super::small::MV;
use super::system::{System, VAR_SYS};
use crate::Res;
use crate::deb::deb;

/// Making, copying, comparing, switching, forgetting.
pub fn run(s: &System, _: Extent) -> Res<()> {
    fixtures::make(s)?;
    let host = s.host()?;
    let first = fixtures::debs(s, &["libc6", "libfix1_1", "fix", "fixdata_1"])?;
    s.must(&format!("{MV} -i {first}"))?;
    s.part("one of its own", || {
        s.must("dpkg-ng view create lab")?;
        let new = fixtures::debs(s, &["libc6", "libfix1_2", "fix"])?;
        s.must(&format!("{MV} --view lab -i {new}"))?;
        s.same_text(
            "in lab",
            "libfix 2\n",
            &s.must("dpkg-ng run --view lab -- fix")?,
        );
        s.same_text("in system", "libfix 1\n", &s.must("dpkg-ng run -- fix")?);
        s.same_text(
            "in lab as the user",
            "libfix 2\n",
            &s.must_user("dpkg-ng run --view lab -- fix")?,
        );
        let list = s.must("dpkg-ng view list")?;
        s.says("view list", &list, &["system", "lab"]);
        Ok(())
    });
    s.part("a clone", || {
        s.must("dpkg-ng view clone system copy")?;
        let new = fixtures::debs(s, &["libfix1_2", "fixnew"])?;
        s.must(&format!("dpkg-ng --view copy -i {new}"))?;
        s.same_text(
            "in copy",
            "libfix 2\n",
            &s.must("dpkg-ng run --view copy -- fix")?,
        );
        s.same_text("in system", "libfix 1\n", &s.must("dpkg-ng run -- fix")?);
        let differs = s.must("dpkg-ng view diff system copy")?;
        s.says("view diff", &differs, &["libfix1"]);
        s.expect(!differs.contains("fixdata"), || {
            format!("the same in both, and named:\n{differs}")
        });
        Ok(())
    });
    s.part("as dpkg does it", || {
        // A new version takes the old one's place, as apt expects.
        s.must(&format!(
            "dpkg-ng --view copy -i {}",
            fixtures::debs(s, &["fixdata_2"])?
        ))?;
        s.same_text(
            "fixdata",
            "data 2\n",
            &s.must("dpkg-ng run --view copy -- fixdata")?,
        );
        let list = s.must("dpkg-ng --view copy -l fixdata")?;
        let versions = list.lines().filter(|l| l.contains("fixdata")).count();
        s.same("versions of fixdata", &1, &versions);
        // So is what it refuses, and then nothing has happened.
        let at =
            "readlink /var/sys/views/copy/current; ls /var/sys/views/copy/gen; ls -A /var/sys/tmp";
        let before = s.must(at)?;
        let foe = fixtures::debs(s, &["foe"])?;
        let words = [
            "conflicting packages - not installing foe",
            "view copy is as it was",
        ];
        s.refused(&format!("dpkg-ng --view copy -i {foe}"), &words)?;
        s.refused(
            &format!("dpkg-ng --view copy -i --keep-failed {foe}"),
            &["failed"],
        )?;
        s.refused("dpkg-ng --view copy -r libfix1", &["dependency problems"])?;
        s.refused("dpkg-ng --view copy -i /debs/made/none.deb", &["none.deb"])?;
        s.same_text("the generations", &before, &s.must(at)?);
        s.same_text(
            "what failed, for a look",
            "data 2\n",
            &s.must("cat /var/sys/views/copy/failed/main/root/usr/share/fixdata/text")?,
        );
        Ok(())
    });
    s.part("generations", || {
        let new = fixtures::debs(s, &["libfix1_2", "fixnew"])?;
        s.must(&format!("dpkg-ng --view system -i {new}"))?;
        s.same_text("the newest", "libfix 2\n", &s.must("dpkg-ng run -- fix")?);
        s.same_text(
            "an older one",
            "libfix 1\n",
            &s.must("dpkg-ng run --view system@1 -- fix")?,
        );
        let differs = s.must("dpkg-ng view diff system@1 system@2")?;
        s.says("view diff", &differs, &["libfix1"]);
        s.must("dpkg-ng view switch system@1")?;
        s.same_text("switched", "libfix 1\n", &s.must("dpkg-ng run -- fix")?);
        s.refused("dpkg-ng view rm system@1", &["system"])?;
        s.must("dpkg-ng view rm system@2")?;
        s.refused("dpkg-ng view switch system@2", &["system"])?;
        s.refused("dpkg-ng view rollback system", &["system"])?;
        s.must("dpkg-ng view rm copy")?;
        let list = s.must("dpkg-ng view list")?;
        s.expect(!list.contains("copy"), || format!("still there:\n{list}"));
        Ok(())
    });
    s.part("for programs and eyes", || {
        for line in [
            "dpkg-ng view list --json",
            "dpkg-ng view diff system lab --json",
            "dpkg-ng view list system --json",
            &format!("{MV} --explain --json"),
            "dpkg-ng relink libfix.so.1=1 --check --json",
            &format!(
                "{MV} --no-act --json -i {}",
                fixtures::debs(s, &["fixnew", "libfix1_2"])?
            ),
        ] {
            let text = s.must(&format!("{line} 2>/tmp/json.err"))?;
            let perl = s.outside("/tmp/json");
            std::fs::write(&perl, &text).map_err(|e| e.to_string())?;
            s.must("perl -MJSON::PP -0777 -ne 'JSON::PP->new->decode($_)' /tmp/json")
                .map_err(|e| format!("{line}: {e}\n{text}"))?;
        }
        let new = fixtures::debs(s, &["fixnew", "libfix1_2"])?;
        let dot = s.must(&format!("{MV} --no-act --graph=dot -i {new}"))?;
        s.says("--graph=dot", &dot, &["digraph", "fixnew", "libfix"]);
        let list = s.must(&format!("{MV} -l"))?;
        s.expect(!list.contains("fixnew"), || "--no-act acted".into());
        Ok(())
    });
    s.part("who may", || {
        for line in [
            format!("{MV} -i {}", fixtures::debs(s, &["fixnew", "libfix1_2"])?),
            format!("{MV} -r fix"),
            "dpkg-ng view switch system@1".to_owned(),
            "dpkg-ng gc".to_owned(),
            "dpkg-ng relink libfix.so.1=1".to_owned(),
        ] {
            // Without it, it would be about a store of theirs.
            let line = format!("{line} --store={VAR_SYS}");
            let said = s.user(&line)?;
            s.expect((1..=2).contains(&said.code), || {
                format!("as user: {line}: exit {}\n{}", said.code, said.text)
            });
        }
        let list = s.must_user(&format!("{MV} -l"))?;
        s.says("-l as user", &list, &["fix"]);
        Ok(())
    });
    s.same_text("the host", &host, &s.host()?);
    Ok(())
}

/// Scripts see the view and its database, never the host's.
pub fn scripts(s: &System, _: Extent) -> Res<()> {
    fixtures::make(s)?;
    let made = s.outside("/debs/made");
    let scripted = |name: &str, body: &str| {
        deb(name, "1")
            .field("Depends", "fix")
            .file(&format!("/usr/share/{name}/file"), "x\n")
            .script("postinst", body)
    };
    scripted(
        "fixpost",
        "set -e\n{ echo \"$0\" | grep -o 'postinst$'; echo \"$@\"; fix; dpkg-query -W fix; dpkg-query -W -f '${Status}\\n' fixpost
         cat /usr/share/fixpost/file /usr/share/hostonly; dpkg-query -W -f '${Package}\\n' tar hostonly 2>/dev/null; } >/var/lib/fixpost.out 2>&1 || :",
    )
    .build(&made)?;
    scripted("fixbad", "echo this is bad >&2; exit 3").build(&made)?;
    deb("hostonly", "1")
        .file("/usr/share/hostonly", "x\n")
        .build(&made)?;
    s.must(&format!("dpkg -i {}", fixtures::debs(s, &["hostonly"])?))?;
    scripted(
        "fixalt",
        "update-alternatives --install /usr/bin/alt alt /usr/bin/fix 10\ndpkg-divert --package fixalt --add --no-rename /usr/share/fixalt/other\nldconfig",
    )
    .script("prerm", "update-alternatives --remove alt /usr/bin/fix")
    .build(&made)?;
    let host = s.host()?;
    let first = fixtures::debs(s, &["libc6", "libfix1_1", "fix"])?;
    s.must(&format!("{MV} -i {first}"))?;
    s.part("what is right below /", || {
        scripted("fixtop", "for f in /fixtop /usr/../fixtop /fixtop.d/x; do mkdir -p ${f%/*}; echo x >$f; done; true")
            .build(&made)?;
        s.must(&format!("{MV} -i {}", fixtures::debs(s, &["fixtop"])?))?;
        let left = s.must("ls -d /fixtop* || :")?;
        s.expect(!left.contains("\n/fixtop") && !left.starts_with("/fixtop"), || {
            format!("of the host's / there is {left}")
        });
        s.must(&format!("{MV} -P fixtop"))?;
        Ok(())
    });
    s.part("in a context", || {
        s.must(&format!("{MV} -i {}", fixtures::debs(s, &["fixpost"])?))?;
        let said = s.must("cat /var/lib/fixpost.out")?;
        // The base system is part of every world; of what else the host has only the files are seen.
        s.same_text(
            "postinst",
            "postinst\nconfigure \nlibfix 1\nfix\t1\ninstall ok half-configured\nx\nx\ntar\n",
            &said,
        );
        Ok(())
    });
    s.part("tools of dpkg's", || {
        s.must(&format!("{MV} -i {}", fixtures::debs(s, &["fixalt"])?))?;
        s.same_text(
            "the alternative",
            "libfix 1\n",
            &s.must("dpkg-ng run -- alt")?,
        );
        s.must(&format!("{MV} -r fixalt"))?;
        s.same("gone", &false, &(s.sh("dpkg-ng run -- alt")?.code == 0));
        Ok(())
    });
    s.part("in a side world that goes with its package", || {
        let out = "/tmp/fixslot.out";
        for version in ["1", "2"] {
            deb("fixslot", version)
                .file("/usr/share/fixslot/file", &format!("{version}\n"))
                .script("prerm", &format!("echo \"$1 $(cat /usr/share/fixslot/file)\" >>{out}"))
                .script(
                    "postrm",
                    &format!("echo \"$1 $(cat /usr/share/fixslot/file 2>/dev/null)\" >>{out}; echo left >/var/lib/fixslot"),
                )
                .build(&made)?;
            let version = format!("fixslot_{version}");
            s.must(&format!("{MV} -i {}", fixtures::debs(s, &[&version])?))?;
        }
        let side = format!("{VAR_SYS}/current-system/worlds/fixslot@2");
        s.must(&format!("[ -d {side} ]; cat {out} 2>/dev/null || :"))?;
        s.must(&format!("rm -f {out}; {MV} -P fixslot"))?;
        s.same_text("in the main world", "remove 1\nremove \npurge \n", &s.must(&format!("cat {out}"))?);
        s.must(&format!("rm {out} /var/lib/fixslot; {MV} --world fixslot@2 -P fixslot"))?;
        s.same_text("in its own", "remove 2\nremove \npurge \n", &s.must(&format!("cat {out}"))?);
        s.same("the world", &false, &s.outside(&side).exists());
        // Its state is its own.
        s.same("on the host", &false, &s.outside("/var/lib/fixslot").exists());
        Ok(())
    });
    s.part("one that fails", || {
        let at = s.must(&format!("readlink -f {VAR_SYS}/current-system"))?;
        s.refused(
            &format!("{MV} -i {}", fixtures::debs(s, &["fixbad"])?),
            &["fixbad", "this is bad"],
        )?;
        s.same_text(
            "the current generation",
            &at,
            &s.must(&format!("readlink -f {VAR_SYS}/current-system"))?,
        );
        s.same_text("fix", "libfix 1\n", &s.must("dpkg-ng run -- fix")?);
        Ok(())
    });
    s.same_text("the host", &host, &s.host()?);
    Ok(())
}

/// apt resolves, fetches and verifies; dpkg-ng installs into the view.
pub fn apt(s: &System, _: Extent) -> Res<()> {
    fixtures::make(s)?;
    s.must(
        "cd /debs/made && for f in *.deb; do
            dpkg-deb -f $f; echo Filename: ./$f; echo Size: $(stat -c %s $f)
            echo SHA256: $(sha256sum <$f | cut -d' ' -f1); echo
        done >Packages
        echo 'deb [trusted=yes] file:/debs/made ./' >/etc/apt/sources.list; rm -rf /var/lib/apt/lists/*
        apt-get -q -o APT::Sandbox::User=root update",
    )?;
    let host = s.host()?;
    s.must("dpkg-ng view create work")?;
    s.part("install", || {
        s.must("dpkg-ng view apt work -- install -y fixnew")?;
        s.same_text(
            "fixnew",
            "libfix 3\n",
            &s.must("dpkg-ng run --view work -- fixnew")?,
        );
        let list = s.must("dpkg-ng --view work -l")?;
        s.says("-l", &list, &["fixnew", "libfix1", "libc6"]);
        Ok(())
    });
    s.part("what it says of itself", || {
        let said = s.must("dpkg-ng view apt work -- install -y fixnew")?;
        s.says("again", &said, &["fixnew is already the newest version"]);
        s.must("dpkg-ng view apt work -- check")?;
        Ok(())
    });
    s.part("downgrade and remove", || {
        s.must("dpkg-ng view apt work -- install -y --allow-downgrades libfix1=2")?;
        s.same_text(
            "fixnew",
            "libfix 2\n",
            &s.must("dpkg-ng run --view work -- fixnew")?,
        );
        s.must("dpkg-ng view apt work -- remove -y fixnew")?;
        let list = s.must("dpkg-ng --view work -l")?;
        s.expect(!list.contains("fixnew"), || format!("still there:\n{list}"));
        // It was named on a command line, too.
        s.must("dpkg-ng view apt work -- markauto libfix1")?;
        s.must("dpkg-ng view apt work -- autoremove -y")?;
        let list = s.must("dpkg-ng --view work -l")?;
        s.expect(!list.contains("libfix1"), || {
            format!("still there:\n{list}")
        });
        Ok(())
    });
    s.same_text("the host", &host, &s.host()?);
    Ok(())
}
