//! Packages that try to leave the directory they are unpacked to, or to pass for others.

use std::process::Command;

use super::Extent;
use super::fixtures;
use super::small::MV;
use super::system::{System, VAR_SYS};
use crate::{Res, oracle};

/// Makes `NAME.deb` of `$C`, a control file's text, and `data.tar` in the current directory.
const PACK: &str = r#"
set -e
cd "$WORK"; rm -rf t; mkdir t; cd t
mkdir -p a/usr/share b/usr/share/x c
ln -s /etc/planted a/usr/share/x
echo owned >b/usr/share/x/owned
echo one >c/h1; ln c/h1 c/h2
pack() {
    printf '%s\n' "$2" 'Maintainer: M <m@example.org>' 'Description: d' >control
    tar -cf control.tar ./control
    echo 2.0 >debian-binary
    rm -f "../$1.deb"; ar rc "../$1.deb" debian-binary control.tar data.tar
}
field() { printf 'Package: %s\nVersion: %s\nArchitecture: all' "$1" "${2-1}"; }

tar -cf data.tar -C a ./usr; tar -rf data.tar -C b ./usr/share/x/owned; pack evil-link "$(field evil-link)"
tar -cf data.tar -C b --transform 's,^\./usr/share/x,./../../../../../etc,' ./usr/share/x/owned; pack evil-dots "$(field evil-dots)"
tar -P -cf data.tar -C b --transform 's,^\./usr/share/x,/etc/planted,' ./usr/share/x/owned; pack evil-absolute "$(field evil-absolute)"
tar -P -cf data.tar -C c --transform 's,^\./h1,../../../../etc/passwd,RSh' ./h1 ./h2; pack evil-hard "$(field evil-hard)"
mkdir -p d/DEBIAN; for f in control installation objects; do echo "Package: forged" >d/DEBIAN/$f; done
tar -cf data.tar -C d .; pack evil-forged "$(field evil-forged)"
tar -cf data.tar -C c ./h1
pack evil-name "$(field ../../evil)"
pack evil-version "$(field evil-version 1/../../../evil)"
pack evil-dollar "$(field evil-dollar '1$ORIGIN')"
head -c 100 data.tar >x; mv x data.tar; pack evil-short "$(field evil-short)"
"#;

/// Each is refused, or unpacked where it belongs; nothing of the host changes, and the view goes on.
pub fn run(s: &System, _: Extent) -> Res<()> {
    fixtures::make(s)?;
    let made = s.outside("/debs/made");
    oracle::run(Command::new("sh").args(["-c", PACK]).env("WORK", &made))?;
    s.must("mkdir /etc/planted")?;
    let debs = fixtures::debs(s, &["libc6", "libfix1_1", "fix"])?;
    // What a package brings to /etc is this view's own.
    let mv = format!("{MV} --view lab");
    s.must(&format!("dpkg-ng view create lab && {mv} -i {debs}"))?;
    let etc = "find / -xdev -path /proc -prune -o -path /tmp -prune -o -path /debs -prune -o -path /var/sys -prune \
               -o -path /var/log -prune -o -printf '%p %y %#m %s %T@\\n' | sort";
    let before = s.must(etc)?;
    let fixed = s.must(&format!(
        "cd {VAR_SYS}; find store inst -type f | xargs md5sum"
    ))?;
    for name in [
        "evil-link",
        "evil-dots",
        "evil-absolute",
        "evil-hard",
        "evil-forged",
        "evil-name",
        "evil-version",
        "evil-dollar",
        "evil-short",
    ] {
        s.part(name, || {
            let said = s.sh(&format!("{mv} -i /debs/made/{name}.deb"))?;
            s.expect((0..=2).contains(&said.code), || {
                format!("exit {}\n{}", said.code, said.text)
            });
            s.expect(!said.text.contains("panicked"), || said.text.clone());
            println!(
                "      exit {}: {}",
                said.code,
                said.text.lines().last().unwrap_or_default()
            );
            s.same_text("outside of /var/sys", &before, &s.must(etc)?);
            let there = s.must(&format!("cd {VAR_SYS}; find store inst -type f | xargs md5sum"))?;
            for line in fixed.lines() {
                s.expect(there.contains(line), || format!("changed: {line}"));
            }
            let strange = s.must(&format!("ls -A {VAR_SYS} | grep -vxE 'store|inst|host|views|current-system|roots|tmp|lock' || :"))?;
            s.same_text("strange in /var/sys", "", &strange);
            s.same_text("fix", "libfix 1\n", &s.must("dpkg-ng run --view lab -- fix")?);
            if said.code == 0 {
                let status = s.must(&format!("{mv} -s {name}"))?;
                s.says("-s", &status, &[&format!("Package: {name}\n")]);
                s.must(&format!("{mv} -P {name}"))?;
            }
            Ok(())
        });
    }
    s.part("on the host's /etc", || {
        // Where the view has that as its state, what is new there is placed, and taken back. Sizes and times of directories aside.
        let files = |text: &str| -> Vec<String> {
            let line = |l: &str| match l.split(' ').nth(1) {
                Some("d") => l.rsplitn(3, ' ').last().unwrap_or(l).to_owned(),
                _ => l.to_owned(),
            };
            text.lines().map(line).collect()
        };
        let before = files(&s.must(etc)?);
        for (name, file) in [
            ("evil-dots", "/etc/owned"),
            ("evil-absolute", "/etc/planted/owned"),
        ] {
            s.must(&format!("{MV} -i /debs/made/{name}.deb"))?;
            let more = files(&s.must(etc)?);
            let more: Vec<&String> = more.iter().filter(|l| !before.contains(l)).collect();
            let placed = more.iter().map(|l| l.split(' ').next().unwrap_or_default());
            s.same("placed", &vec![file], &placed.collect());
            s.must(&format!("{MV} -P {name}"))?;
            s.same("taken back", &before, &files(&s.must(etc)?));
        }
        Ok(())
    });
    // What dpkg itself refuses.
    for name in ["evil-name", "evil-version", "evil-short"] {
        s.refused(&format!("{mv} -i /debs/made/{name}.deb"), &[])?;
    }
    Ok(())
}
