//! What can be shown with small packages: how they are linked, that the host is left alone, versions side by
//! side, slots, hidden versions, orphans.

use super::Extent;
use super::fixtures::{self, TRIPLET};
use super::objects;
use super::system::{System, VAR_SYS};
use crate::Res;

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
    s.part("conffiles", || {
        // Pristine where the host has none; the host's wins.
        for who in ["root", "user"] {
            let run = |line: &str| match who {
                "root" => s.must(line),
                _ => s.must_user(line),
            };
            let read = "dpkg-ng run -- cat /etc/fixdata.conf";
            s.must("rm -f /etc/fixdata.conf")?;
            s.same_text(format!("pristine, as {who}"), "data 1\n", &run(read)?);
            s.must("echo host >/etc/fixdata.conf")?;
            s.same_text(format!("the host's, as {who}"), "host\n", &run(read)?);
        }
        s.must("rm -f /etc/fixdata.conf").map(drop)
    });
    s.part("lists", || lists(s));
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
            "stat -L -c %a {VAR_SYS}/current-system/root/usr/bin/fixsuid"
        ))?,
    );
    Ok(())
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
    s.must(&format!("{MV} -l --json"))?;
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
    s.must(&format!("{MV} -i {old}"))?;
    s.part("a hidden upgrade", || {
        // The dependent keeps the old one, everyone else gets the new one.
        let new = fixtures::debs(s, &["libfix1_2", "fixnew"])?;
        let why = s.must(&format!(
            "{MV} --hide 'libfix1=2:for fix' --explain -i {new}"
        ))?;
        s.says("--explain", &why, &["libfix1", "fix", "idden"]);
        for (program, wanted) in [("fix", "libfix 1\n"), ("fixnew", "libfix 2\n")] {
            let run = s.must(&format!("dpkg-ng run -- {program}"))?;
            s.same_text(format!("run {program}"), wanted, &run);
            let direct = s.must(&format!("{VAR_SYS}/current-system/bin/{program}"))?;
            s.same_text(format!("{program} alone"), wanted, &direct);
        }
        let list = s.must(&format!("{MV} -l libfix1"))?;
        let versions = list.lines().filter(|l| l.contains("libfix1")).count();
        s.same("versions of libfix1 in -l", &2, &versions);
        linked(s)
    });
    s.part("seen again", || {
        s.must(&format!(
            "{MV} --unhide 'libfix1=2:for fix' -i $(ls /debs/made/fix_1_*)"
        ))?;
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
            s.same_text(
                format!("fixdata={version}"),
                &format!("data {version}\n"),
                &s.must(&format!("dpkg-ng run -p fixdata={version} -- fixdata"))?,
            );
            s.same_text(
                format!("fixdata={version} as user"),
                &format!("data {version}\n"),
                &s.must_user(&format!("dpkg-ng run -p fixdata={version} -- fixdata"))?,
            );
        }
        s.must(&format!("{MV} -r fixdata=1"))?;
        s.same_text("fixdata=2", "data 2\n", &s.must("dpkg-ng run -- fixdata")?);
        s.same(
            "fixdata=1 is gone",
            &false,
            &(s.sh("dpkg-ng run -p fixdata=1 -- fixdata")?.code == 0),
        );
        Ok(())
    });
    s.part("orphans", || {
        let gone = s.must(&format!("{MV} --explain -r fixmid"))?;
        s.says("-r --explain", &gone, &["libmid1", "rphan"]);
        let list = s.must(&format!("{MV} -l"))?;
        s.says("-l with an orphan", &list, &["libmid1"]);
        let collected = s.must("dpkg-ng gc --keep 1")?;
        s.says("gc", &collected, &["libmid1"]);
        let list = s.must(&format!("{MV} -l"))?;
        s.expect(!list.contains("libmid1"), || {
            format!("still there:\n{list}")
        });
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
    use crate::deb::deb;
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
    s.part("a support package gives way", || {
        s.must(&format!(
            "{MV} -i {}",
            fixtures::debs(s, &["sup-a", "app"])?
        ))?;
        let why = s.must(&format!(
            "{MV} --explain -i {}",
            fixtures::debs(s, &["strict", "sup-b"])?
        ))?;
        s.says("--explain", &why, &["sup-a", "sup-b", "strict"]);
        let list = s.must(&format!("{MV} -l"))?;
        s.expect(!list.contains("sup-a "), || {
            format!("sup-a is there:\n{list}")
        });
        for name in ["app", "strict", "sup-b"] {
            let wanted = format!("{name}\n");
            s.same_text(name, &wanted, &s.must(&format!("dpkg-ng run -- {name}"))?);
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
