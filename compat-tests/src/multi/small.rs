//! What can be shown with small packages: how they are linked, that the host is left alone, versions side by
//! side, slots, hidden versions, orphans.

use super::Extent;
use super::fixtures::{self, TRIPLET};
use super::objects;
use super::system::{System, VAR_SYS};
use crate::Res;
use crate::deb::deb;

/// dpkg-ng with the option that all this is about.
pub const MV: &str = "dpkg-ng --multi-version";

/// Linking, running, listing, removing, and the way back.
pub fn run(s: &System, _: Extent) -> Res<()> {
    fixtures::make(s)?;
    let host = s.host()?;
    let debs = fixtures::debs(
        s,
        &[
            "libc6",
            "libfix1_1",
            "fix",
            "libmid1",
            "fixmid",
            "fixdata_1",
        ],
    )?;
    s.must(&format!("{MV} -i {debs}"))?;

    s.part("linking", || linked(s));
    s.part("search order", || search_order(s));
    s.part("started by its name", || {
        for who in ["root", "user"] {
            let run = |line: &str| match who {
                "root" => s.must(line),
                _ => s.must_user(line),
            };
            for name in ["fix", "fixmid"] {
                s.same_text(
                    format!("{name} of current-system as {who}"),
                    "libfix 1\n",
                    &run(&format!("{VAR_SYS}/current-system/bin/{name}"))?,
                );
                s.same_text(
                    format!("run {name} as {who}"),
                    "libfix 1\n",
                    &run(&format!("dpkg-ng run -- {name}"))?,
                );
            }
            // It reads a file below /usr/share by its name.
            s.same_text(
                format!("run fixdata as {who}"),
                "data 1\n",
                &run("dpkg-ng run -- fixdata")?,
            );
            s.same_text(
                format!("fixdata of current-system as {who}"),
                "data 1\n",
                &run(&format!("{VAR_SYS}/current-system/bin/fixdata"))?,
            );
        }
        let said = s.sh("dpkg-ng run -- sh -c 'exit 7'")?;
        s.same("exit code through run", &7, &said.code);
        let said = s.sh("dpkg-ng run -- sh -c 'kill -TERM $$'")?;
        s.expect(said.code > 128, || {
            format!("a signal through run: exit {}", said.code)
        });
        Ok(())
    });
    s.part("its own libc", || own_libc(s));
    s.part("set-user-ID", || set_id(s));
    s.part("lists", || lists(s));
    s.part("conffiles", || conffiles(s));
    s.part("the host is as before", || {
        s.same_text("the host", &host, &s.host()?);
        for name in ["fix", "fixdata", "libfix1"] {
            s.refused(&format!("dpkg-query -W {name}"), &["no packages found"])?;
        }
        Ok(())
    });
    s.part("removing and the way back", || {
        s.must(&format!("{MV} -r fix"))?;
        s.same(
            "fix is gone",
            &false,
            &s.outside(format!("{VAR_SYS}/current-system/bin/fix"))
                .exists(),
        );
        s.must("dpkg-ng view rollback system")?;
        s.same_text(
            "fix after rollback",
            "libfix 1\n",
            &s.must("dpkg-ng run -- fix")?,
        );
        s.must(&format!("{MV} -P fix fixmid fixdata"))?;
        s.same_text("the host in the end", &host, &s.host()?);
        Ok(())
    });
    Ok(())
}

/// Must-show 2: interpreter and search path of every file that the loader reads.
pub fn linked(s: &System) -> Res<()> {
    let inst = s.outside(format!("{VAR_SYS}/inst"));
    let mut programs = 0;
    let mut seen = 0;
    for file in objects::below(&inst) {
        let linking = objects::linking(&file)?;
        // Static programs, and libraries that need nothing (the loader is one), have nothing to be led to.
        if !linking.dynamic || (linking.interpreter.is_none() && linking.needed.is_empty()) {
            continue;
        }
        seen += 1;
        let inside = file.strip_prefix(&inst).unwrap_or(&file);
        let id = inside.iter().next().unwrap_or_default().to_string_lossy();
        let own = format!("{VAR_SYS}/inst/{id}/lib");
        let wanted = [own.clone(), format!("{VAR_SYS}/current-system/lib")];
        s.expect(linking.runpath.starts_with(&wanted), || {
            format!("{}: runpath {:?}", file.display(), linking.runpath)
        });
        s.expect(linking.rpath.is_empty(), || {
            format!("{}: rpath {:?}", file.display(), linking.rpath)
        });
        let Some(interpreter) = linking.interpreter else {
            continue;
        };
        programs += 1;
        s.expect(interpreter.starts_with(&format!("{own}/ld-")), || {
            format!("{}: interpreter {interpreter}", file.display())
        });
        let there = s.sh(&format!("test -x {interpreter}"))?.code == 0;
        s.expect(there, || format!("{interpreter} is not there"));
    }
    s.expect(programs > 0 && seen > programs, || {
        format!("{programs} programs, {seen} objects in inst/")
    });
    Ok(())
}

/// Must-show 2: what the loader itself says it does.
fn search_order(s: &System) -> Res<()> {
    s.must(&format!(
        "mkdir -p /tmp/alt && dpkg-deb -x $(ls /debs/made/libfix1_2_*) /tmp/alt2 && cp -L /tmp/alt2{TRIPLET}/libfix.so.1 /tmp/alt/"
    ))?;
    let program = format!("$(ls -d {VAR_SYS}/inst/fix_1_amd64-*/usr/bin/fix)");
    s.same_text(
        "with LD_LIBRARY_PATH",
        "libfix 2\n",
        &s.must(&format!("LD_LIBRARY_PATH=/tmp/alt {program}"))?,
    );
    s.same_text("without", "libfix 1\n", &s.must(&program)?);
    let said = s.must(&format!(
        "LD_DEBUG=libs LD_LIBRARY_PATH=/tmp/alt:/tmp/none {program}"
    ))?;
    let searches: Vec<&str> = said
        .lines()
        .filter(|l| l.contains("search path=") || l.contains("find library="))
        .collect();
    let libc = searches
        .iter()
        .position(|l| l.contains("find library=libc.so.6"));
    let after = libc.map_or(&searches[..0], |n| {
        searches.get(n + 1..).unwrap_or_default()
    });
    let [first, second, ..] = after else {
        return Err(format!("ld.so says nothing of libc.so.6:\n{said}"));
    };
    s.expect(
        first.contains("/tmp/alt") && first.contains("(LD_LIBRARY_PATH)"),
        || format!("first searched: {first}"),
    );
    let own = second.contains(&format!("search path={VAR_SYS}/inst/fix_1_amd64-"))
        && second.contains("(RUNPATH from file");
    s.expect(own, || format!("then searched: {second}"));
    Ok(())
}

/// The libc of the view is the one that its programs map, also where the host has the same.
fn own_libc(s: &System) -> Res<()> {
    s.start(
        "own-libc",
        true,
        "exec /var/sys/current-system/bin/fix sleep",
    )?;
    s.wait_for("own-libc", "speak", || s.log("own-libc").contains("libfix"))?;
    let foreign: Vec<String> = s
        .files_mapped("own-libc")
        .into_iter()
        .filter(|f| f.contains(".so") && !f.starts_with(VAR_SYS))
        .collect();
    s.same("libraries mapped from elsewhere", &Vec::new(), &foreign);
    s.stop("own-libc");
    Ok(())
}

/// In the current generation it is set, in store and realizations never.
fn set_id(s: &System) -> Res<()> {
    let set = s.must(&format!(
        "find {VAR_SYS}/store {VAR_SYS}/inst -type f -perm /6000"
    ))?;
    s.same_text("set-id files outside of generations", "", &set);
    s.same_text(
        "the program's mode",
        "4755\n",
        &s.must(&format!(
            "stat -L -c %a {VAR_SYS}/current-system/main/root/usr/bin/fixsuid"
        ))?,
    );
    let bits = "cd /var/sys && find . -type f -perm /6000 -printf '%m %p\\n' | sort";
    s.same_text(
        "the only one",
        "4755 ./views/system/gen/1/main/root/usr/bin/fixsuid\n",
        &s.must(bits)?,
    );
    // What dpkg-statoverride and scripts made of them counts, not the archive.
    deb("fixbits", "1")
        .field("Depends", "fix")
        .file("/usr/bin/fixbits", "#!/bin/sh\n")
        .mode(0o755)
        .script(
            "preinst",
            "set -e
            dpkg-statoverride --force-all --update --add root root 0755 /usr/bin/fixsuid
            dpkg-statoverride --add root root 4711 /usr/bin/fixover",
        )
        .script("postinst", "chmod 2755 /usr/bin/fixbits")
        .build(&s.outside("/debs/made"))?;
    deb("fixover", "1")
        .field("Depends", "fixbits")
        .file("/usr/bin/fixover", "#!/bin/sh\n")
        .mode(0o755)
        .build(&s.outside("/debs/made"))?;
    s.must(&format!("{MV} -i {}", fixtures::debs(s, &["fixbits"])?))?;
    s.must(&format!("{MV} -i {}", fixtures::debs(s, &["fixover"])?))?;
    let with = "2755 ./views/system/gen/3/main/root/usr/bin/fixbits
4711 ./views/system/gen/3/main/root/usr/bin/fixover
";
    s.same_text("as overridden", with, &s.must(bits)?);
    s.must("dpkg-ng view switch system@1")?;
    s.same_text(
        "rolled back",
        "4755 ./views/system/gen/1/main/root/usr/bin/fixsuid\n",
        &s.must(bits)?,
    );
    s.must("dpkg-ng view switch system@3")?;
    s.same_text("and again", with, &s.must(bits)?);
    s.must("dpkg-ng view clone system@1 bits && dpkg-ng view rm system@1")?;
    let clone = "4755 ./views/bits/gen/1/main/root/usr/bin/fixsuid\n";
    s.same_text("a clone of what lost them", &format!("{clone}{with}"), &{
        let mut lines: Vec<String> = s.must(bits)?.lines().map(str::to_owned).collect();
        lines.sort_by_key(|l| l.split(' ').nth(1).map(str::to_owned));
        lines.join("\n") + "\n"
    });
    s.must(&format!("dpkg-ng view rm bits; {MV} -P fixbits fixover"))?;
    Ok(())
}

/// Those of the view `system` are on the host, where nothing was in the way; of another view, in its state.
fn conffiles(s: &System) -> Res<()> {
    let file = "/etc/fixdata.conf";
    let everywhere = |what: &str, wanted: &str| -> Res<()> {
        s.same_text(
            format!("{what}, host"),
            wanted,
            &s.must(&format!("cat {file}"))?,
        );
        let run = format!("dpkg-ng run -- cat {file}");
        s.same_text(format!("{what}, root"), wanted, &s.must(&run)?);
        s.same_text(format!("{what}, user"), wanted, &s.must_user(&run)?);
        Ok(())
    };
    everywhere("brought", "data 1\n")?;
    s.must(&format!("echo mine >{file}"))?;
    everywhere("edited", "mine\n")?;
    let two = fixtures::debs(s, &["fixdata_2"])?;
    s.must(&format!("dpkg-ng --view system --force-confold -i {two}"))?;
    everywhere("kept by an upgrade", "mine\n")?;
    // The own view has its own.
    s.must(&format!(
        "dpkg-ng view create own && dpkg-ng --view own --force-confnew -i {two}"
    ))?;
    let own = format!("dpkg-ng run --view own -- cat {file}");
    s.same_text("pristine in own", "data 2\n", &s.must(&own)?);
    s.must(&format!(
        "dpkg-ng run --view own -- sh -c 'echo own >{file}'"
    ))?;
    s.same_text("edited in own", "own\n", &s.must_user(&own)?);
    everywhere("beside it", "mine\n")?;
    s.must("dpkg-ng --view own -P fixdata")?;
    s.refused(&own, &[])?;
    everywhere("purged in own", "mine\n")?;
    // What somebody has changed stays; what nobody has goes with its package.
    s.must(&format!("echo data 1 >{file}; {MV} -P fixdata"))?;
    s.same("purged", &false, &s.outside(file).exists());
    s.must(&format!("echo host >{file}"))?;
    s.must(&format!(
        "{MV} --force-confold -i {}",
        fixtures::debs(s, &["fixdata_1"])?
    ))?;
    everywhere("the host's own", "host\n")?;
    s.must(&format!("{MV} -P fixdata"))?;
    s.same_text(
        "not the view's to remove",
        "host\n",
        &s.must(&format!("cat {file}"))?,
    );
    s.must(&format!(
        "rm {file}; {MV} -i {}",
        fixtures::debs(s, &["fixdata_1"])?
    ))
    .map(drop)
}

/// `-l`, `-s`, `-L`, `-S`, `-V` know what was installed.
fn lists(s: &System) -> Res<()> {
    let list = s.must(&format!("{MV} -l"))?;
    s.says("-l", &list, &["fix ", "libfix1", "fixdata"]);
    let status = s.must(&format!("{MV} -s fix"))?;
    s.says("-s", &status, &["Package: fix\n", "Version: 1\n"]);
    let files = s.must(&format!("{MV} -L fix"))?;
    s.says("-L", &files, &["/usr/bin/fix\n"]);
    let owner = s.must(&format!("{MV} -S /usr/bin/fix"))?;
    s.says("-S", &owner, &["fix"]);
    s.same_text("-V", "", &s.must(&format!("{MV} -V"))?);
    let shown = s.must(&format!("{MV} -W -f '${{Package}}=${{Version}}\\n' 'fix*'"))?;
    s.same_text("-W", "fix=1\nfixdata=1\nfixmid=1\n", &shown);
    // It is dpkg's, which has no such format.
    s.refused(&format!("{MV} -l --json"), &["--json"])?;
    Ok(())
}

/// Versions side by side, and hidden ones.
pub fn choices(s: &System, _: Extent) -> Res<()> {
    fixtures::make(s)?;
    let old = fixtures::debs(
        s,
        &[
            "libc6",
            "libfix1_1",
            "fix",
            "fix-too",
            "libmid1",
            "fixmid",
            "fixdata_1",
        ],
    )?;
    let along = ["libc6", "libfix1", "libmid1"].map(|name| format!("--as-auto {name}"));
    s.must(&format!("{MV} {} -i {old}", along.join(" ")))?;
    s.part("a hidden upgrade", || {
        // The dependent keeps the old one, everyone else gets the new one.
        let new = fixtures::debs(s, &["libfix1_2", "fixnew"])?;
        let why = s.must(&format!(
            "{MV} --hide 'libfix1=2:for fix' --explain --as-auto libfix1 -i {new}"
        ))?;
        s.says("--explain", &why, &["libfix1", "fix", "idden"]);
        for (program, wanted) in [("fix", "libfix 1\n"), ("fixnew", "libfix 2\n")] {
            let run = s.must(&format!("dpkg-ng run -- {program}"))?;
            s.same_text(format!("run {program}"), wanted, &run);
            let direct = s.must(&format!("{VAR_SYS}/current-system/bin/{program}"))?;
            s.same_text(format!("{program} alone"), wanted, &direct);
        }
        // dpkg has one; the other is kept for who is not to see that.
        let list = s.must(&format!("{MV} -W -f '${{Version}}\\n' libfix1"))?;
        s.same_text("libfix1 in -W", "2\n", &list);
        let manifest = s.must(&format!("cat {VAR_SYS}/current-system/manifest"))?;
        let kept = "Package: libfix1\nVersion: 1\n";
        s.says(
            "the manifest",
            &manifest,
            &[kept, "Package: libfix1\nVersion: 2\n"],
        );
        s.must("dpkg-ng gc --keep 1")?;
        s.same_text("after gc", "libfix 1\n", &s.must("dpkg-ng run -- fix")?);
        linked(s)
    });
    s.part("seen again", || {
        s.must(&format!("{MV} --unhide 'libfix1=2:for fix'"))?;
        // With the new one nobody has to be given another: that decides for all.
        for program in ["fix", "fix-too", "fixmid", "fixnew"] {
            let run = s.must(&format!("dpkg-ng run -- {program}"))?;
            s.same_text(format!("run {program}"), "libfix 2\n", &run);
        }
        Ok(())
    });
    s.part("two versions of the same paths", || {
        s.must(&format!("{MV} -i $(ls /debs/made/fixdata_2_*)"))?;
        for version in ["1", "2"] {
            for (who, run) in [
                ("root", System::must as fn(&System, &str) -> _),
                ("user", System::must_user),
            ] {
                s.same_text(
                    format!("fixdata={version} as {who}"),
                    &format!("data {version}\n"),
                    &run(s, &format!("dpkg-ng run -p fixdata={version} -- fixdata"))?,
                );
            }
            let name = if version == "1" {
                "fixdata"
            } else {
                "fixdata@fixdata@2"
            };
            s.same_text(
                format!("{name} alone"),
                &format!("data {version}\n"),
                &s.must(&format!("{VAR_SYS}/current-system/bin/{name}"))?,
            );
        }
        // Each world has one, and is whole: the other programs are there, too.
        for (world, version) in [("", "1"), ("--world fixdata@2", "2")] {
            let list = s.must(&format!("{MV} {world} -W -f '${{Version}}\\n' fixdata"))?;
            s.same_text(format!("-W {world}"), &format!("{version}\n"), &list);
            s.same_text("-V", "", &s.must(&format!("{MV} {world} -V"))?);
        }
        let both = "dpkg-ng run --world fixdata@2 -- sh -c 'fixdata; fixmid'";
        s.same_text("in its world", "data 2\nlibfix 2\n", &s.must(both)?);
        s.must(&format!("{MV} -P fixdata"))?;
        let two = s.must("dpkg-ng run -p fixdata -- fixdata")?;
        s.same_text("fixdata=2", "data 2\n", &two);
        s.same(
            "fixdata=1 is gone",
            &false,
            &(s.sh("dpkg-ng run -p fixdata=1 -- fixdata")?.code == 0),
        );
        // Without it the side world is as the main one, and goes.
        s.must(&format!("{MV} --world fixdata@2 -P fixdata"))?;
        s.same_text(
            "worlds",
            "",
            &s.must(&format!(
                "ls {VAR_SYS}/current-system/worlds 2>/dev/null || :"
            ))?,
        );
        Ok(())
    });
    s.part("orphans", || {
        let gone = s.must(&format!("{MV} --explain -r fixmid"))?;
        s.says("-r --explain", &gone, &["libmid1", "rphan"]);
        // They are apt's to collect.
        let list = s.must(&format!("{MV} -l"))?;
        s.says("-l with an orphan", &list, &["libmid1"]);
        s.must("dpkg-ng view apt system -- autoremove -y")?;
        let list = s.must(&format!("{MV} -l"))?;
        s.expect(!list.contains("libmid1"), || {
            format!("still there:\n{list}")
        });
        s.says("-l", &list, &["libfix1", "fixnew"]);
        let collected = s.must("dpkg-ng gc --keep 1")?;
        s.says("gc", &collected, &["libmid1"]);
        s.same_text(
            "in the store",
            "",
            &s.must(&format!("ls {VAR_SYS}/store | grep libmid1 || :"))?,
        );
        s.same_text("fix", "libfix 2\n", &s.must("dpkg-ng run -- fix")?);
        Ok(())
    });
    Ok(())
}

/// Conflicts: peacefully where it can be, otherwise both.
pub fn conflicts(s: &System, _: Extent) -> Res<()> {
    fixtures::make(s)?;
    let made = s.outside("/debs/made");
    let program = |d: crate::deb::Deb, name: &str| {
        d.file(
            &format!("/usr/bin/{name}"),
            &format!("#!/bin/sh\necho {name}\n"),
        )
        .mode(0o755)
    };
    for d in [
        deb("sup-a", "1").field("Provides", "support"),
        deb("sup-b", "1").field("Provides", "support"),
        deb("app", "1").field("Depends", "sup-a | support"),
        deb("strict", "1")
            .field("Depends", "sup-b")
            .field("Conflicts", "sup-a"),
    ] {
        let name = d.name.clone();
        program(d, &name).build(&made)?;
    }
    s.part("dpkg's own", || {
        let debs = fixtures::debs(s, &["sup-a", "app"])?;
        s.must(&format!("dpkg-ng --view system --as-auto sup-a -i {debs}"))?;
        let strict = fixtures::debs(s, &["sup-b", "strict"])?;
        let said = s.refused(
            &format!("dpkg-ng --view system -i {strict}"),
            &["conflicting packages - not installing strict"],
        )?;
        s.says("what became of it", &said, &["view system is as it was"]);
        s.same_text(
            "the generation",
            "1\n",
            &s.must(&format!("ls {VAR_SYS}/views/system/gen"))?,
        );
        Ok(())
    });
    s.part("a support package gives way", || {
        let why = s.must(&format!(
            "{MV} --explain -i {}",
            fixtures::debs(s, &["strict", "sup-b"])?
        ))?;
        s.says("--explain", &why, &["sup-a", "sup-b", "strict"]);
        // In the newcomer's world; what is there stays.
        let names = |world: &str| -> Res<String> {
            let line = "-W -f '${db:Status-Status} ${Package}\n' app 'str*' 'sup-*' 2>/dev/null | sed -n 's/^installed //p'";
            s.must(&format!("{MV} {world} {line}"))
        };
        s.same_text("the main world", "app\nsup-a\n", &names("")?);
        s.same_text(
            "its world",
            "app\nstrict\nsup-b\n",
            &names("--world strict@1")?,
        );
        for (package, program) in [
            ("strict", "app"),
            ("strict", "strict"),
            ("strict", "sup-b"),
            ("sup-a", "app"),
        ] {
            let wanted = format!("{program}\n");
            let said = s.must(&format!("dpkg-ng run -p {package} -- {program}"))?;
            s.same_text(format!("{program} of {package}'s world"), &wanted, &said);
        }
        // What came along only is not exported.
        for program in ["app", "strict", "sup-b"] {
            let said = s.must(&format!("{VAR_SYS}/current-system/bin/{program}"))?;
            s.same_text(format!("{program} alone"), &format!("{program}\n"), &said);
        }
        Ok(())
    });
    s.part("both wanted", || {
        s.must(&format!("{MV} -i {}", fixtures::debs(s, &["fixdata_1"])?))?;
        let why = s.must(&format!(
            "{MV} --explain -i {}",
            fixtures::debs(s, &["foe"])?
        ))?;
        s.says("--explain", &why, &["foe", "fixdata", "onflict"]);
        for (package, wanted) in [("fixdata", "data 1\n"), ("foe", "foe\n")] {
            s.same_text(
                package,
                wanted,
                &s.must(&format!("dpkg-ng run -p {package} -- fixdata"))?,
            );
        }
        let manifest = s.must(&format!("cat {VAR_SYS}/current-system/manifest"))?;
        s.says("the manifest", &manifest, &["Relaxed:"]);
        let exported = s.must(&format!(
            "cd {VAR_SYS}/current-system/bin && ls -d fixdata fixdata@*"
        ))?;
        s.same("commands exported", &2, &exported.lines().count());
        let mut said: Vec<String> = Vec::new();
        for name in exported.lines() {
            said.push(s.must(&format!("{VAR_SYS}/current-system/bin/{name}"))?);
        }
        said.sort();
        s.same(
            "what they say",
            &vec!["data 1\n".to_owned(), "foe\n".to_owned()],
            &said,
        );
        Ok(())
    });
    Ok(())
}
