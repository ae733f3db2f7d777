//! Must-show 7: collecting never takes what a live process or context uses, and works on a full disk.

use super::Extent;
use super::fixtures;
use super::small::MV;
use super::system::{System, VAR_SYS};
use crate::Res;

/// Installs, removes, and leaves a first generation that nothing but what runs needs.
fn used_then_removed(s: &System, start: impl FnOnce() -> Res<()>) -> Res<()> {
    fixtures::make(s)?;
    // Without a libc of its own a program is exported as it is, and runs outside of contexts.
    let first = fixtures::debs(s, &["libfix1_1", "fix", "fixdata_1"])?;
    s.must(&format!("{MV} -i {first}"))?;
    start()?;
    s.must(&format!(
        "dpkg-ng --view system -i {}",
        fixtures::debs(s, &["libfix1_2", "fix-too"])?
    ))?;
    s.must(&format!("{MV} -P fix fixdata"))?;
    Ok(())
}

/// A process outside of a context, and one in it, go on.
pub fn run(s: &System, _: Extent) -> Res<()> {
    used_then_removed(s, || {
        s.start(
            "alone",
            true,
            &format!("exec {VAR_SYS}/current-system/bin/fix sleep"),
        )?;
        s.start(
            "inside",
            true,
            "exec dpkg-ng run -- sh -c 'echo in; while [ ! -e /tmp/go ]; do sleep 0.05; done; fixdata; fix; echo end'",
        )?;
        s.wait_for("alone", "speak", || s.log("alone").contains("libfix"))?;
        s.wait_for("inside", "speak", || s.log("inside").contains("in\n"))
    })?;
    let mapped = s.files_mapped("alone");
    s.part("what runs is kept", || {
        s.must("dpkg-ng gc --dry-run --keep 1")?;
        s.must("dpkg-ng gc --keep 1")?;
        for file in &mapped {
            s.expect(s.outside(file).exists(), || {
                format!("{file} is mapped by a live process and was removed")
            });
        }
        s.must("touch /tmp/go")?;
        s.wait_for("inside", "end", || s.log("inside").contains("end"))?;
        s.same_text(
            "in the context",
            "in\ndata 1\nlibfix 1\nend\n",
            &s.log("inside"),
        );
        Ok(())
    });
    s.part("why", || {
        let file = mapped
            .iter()
            .find(|f| f.contains("libfix"))
            .ok_or("no libfix mapped")?;
        let why = s.must(&format!("dpkg-ng gc --why {file}"))?;
        s.expect(!why.trim().is_empty(), || format!("no reason for {file}"));
        let pid = s.processes("alone").first().copied().unwrap_or(0);
        s.says("--why", &why, &[&pid.to_string()]);
        Ok(())
    });
    s.part("and goes when it has ended", || {
        s.stop("alone");
        s.stop("inside");
        s.must("dpkg-ng gc --keep 1")?;
        let left = s.must(&format!(
            "cd {VAR_SYS}; ls store inst | grep -e '^fix_' -e '^fixdata' -e '^libfix1_1_' || :"
        ))?;
        s.same_text("left", "", &left);
        s.same_text("fix-too", "libfix 2\n", &s.must("dpkg-ng run -- fix-too")?);
        Ok(())
    });
    s.part("a pin keeps", || {
        s.must("dpkg-ng view pin before system")?;
        s.must(&format!("{MV} -r fix-too"))?;
        s.must("dpkg-ng gc --keep 1")?;
        let kept = s.must(&format!("ls {VAR_SYS}/store"))?;
        s.says("the store", &kept, &["fix-too_1"]);
        s.must("dpkg-ng view unpin before; dpkg-ng gc --keep 1")?;
        let kept = s.must(&format!("ls {VAR_SYS}/store"))?;
        s.expect(!kept.contains("fix-too_1"), || {
            format!("still there:\n{kept}")
        });
        Ok(())
    });
    Ok(())
}

/// On a file system without a free byte or inode it frees what it can.
pub fn full_disk(s: &System, _: Extent) -> Res<()> {
    used_then_removed(s, || Ok(()))?;
    let free = || -> Res<u64> {
        let text = s.must(&format!("stat -f -c '%a %S' {VAR_SYS}"))?;
        let mut numbers = text
            .split_whitespace()
            .filter_map(|n| n.parse::<u64>().ok());
        Ok(numbers.next().unwrap_or(0) * numbers.next().unwrap_or(0))
    };
    s.must(&format!(
        "dd if=/dev/zero of={VAR_SYS}/fill bs=64k 2>/dev/null || :; dd if=/dev/zero of={VAR_SYS}/fill2 bs=1 2>/dev/null || :"
    ))?;
    s.same("bytes free", &0, &free()?);
    s.must("dpkg-ng gc --keep 1")?;
    s.expect(free()? > 0, || "nothing was freed".into());
    s.same_text("fix-too", "libfix 2\n", &s.must("dpkg-ng run -- fix-too")?);
    let left = s.must(&format!("ls {VAR_SYS}/store | grep -e '^fix_' || :"))?;
    s.same_text("left", "", &left);
    // An installation that finds no room fails and leaves nothing.
    s.must(&format!(
        "dd if=/dev/zero of={VAR_SYS}/fill3 bs=64k 2>/dev/null || :"
    ))?;
    let before = s.must(&format!("readlink -f {VAR_SYS}/current-system"))?;
    s.refused(
        &format!("{MV} -i {}", fixtures::debs(s, &["fix", "libmid1"])?),
        &[],
    )?;
    s.same_text(
        "the current generation",
        &before,
        &s.must(&format!("readlink -f {VAR_SYS}/current-system"))?,
    );
    s.same_text("fix-too", "libfix 2\n", &s.must("dpkg-ng run -- fix-too")?);
    Ok(())
}
