//! Must-show 5: two packages that conflict, both usable.

use super::Extent;
use super::libraries::debs_of;
use super::small::MV;
use super::system::{System, VAR_SYS};
use crate::Res;

/// postfix, then exim4 beside it.
pub fn run(s: &System, _: Extent) -> Res<()> {
    let host = s.host()?;
    // /etc is the host's business: this is what scripts or an administrator would have made.
    s.must(
        "mkdir -p /etc/postfix /etc/exim4 /var/spool/postfix; echo compatibility_level=3.6 >/etc/postfix/main.cf
        echo Debian-exim:x:150:150::/var/spool/exim4:/usr/sbin/nologin >>/etc/passwd
        echo postfix:x:151:151::/var/spool/postfix:/usr/sbin/nologin >>/etc/passwd
        printf '%s\\n' Debian-exim:x:150: postfix:x:151: postdrop:x:152: >>/etc/group
        echo primary_hostname = here.example.org >/etc/exim4/exim4.conf",
    )?;
    s.must(&format!(
        "{MV} --as-wanted postfix -i {}",
        debs_of("postfix", |_| true)?
    ))?;
    let why = s.must(&format!(
        "{MV} --explain --as-wanted exim4 --as-wanted exim4-daemon-light -i {}",
        debs_of("exim4", |_| true)?
    ))?;
    s.says(
        "--explain",
        &why,
        &["postfix", "exim4-daemon-light", "Conflicts", "ignored"],
    );
    s.part("both run", || {
        let said = s.must("dpkg-ng run -p postfix -- postconf mail_version")?;
        s.says("postconf", &said, &["mail_version = 3.7."]);
        let said = s.must("dpkg-ng run -p exim4-daemon-light -- exim4 -bV")?;
        s.says("exim4", &said, &["Exim version 4.96"]);
        // The path that both own.
        let said = s.must("dpkg-ng run -p exim4-daemon-light -- /usr/sbin/sendmail -bV")?;
        s.says("exim's sendmail", &said, &["Exim version 4.96"]);
        let said = s.sh("dpkg-ng run -p postfix -- /usr/sbin/sendmail -bV")?;
        s.expect(said.text.contains("unsupported: -bV"), || {
            format!("postfix's sendmail: exit {}\n{}", said.code, said.text)
        });
        Ok(())
    });
    s.part("noted", || {
        let manifest = s.must(&format!("cat {VAR_SYS}/current-system/manifest"))?;
        s.says("the manifest", &manifest, &["Relaxed:"]);
        let list = s.must(&format!("{MV} -l"))?;
        s.says("-l", &list, &["postfix", "exim4-daemon-light"]);
        Ok(())
    });
    s.part("exported", || {
        let bin = s.must(&format!("ls {VAR_SYS}/current-system/bin"))?;
        s.says(
            "bin/",
            &bin,
            &["postconf\n", "exim4\n", "sendmail\n", "sendmail@"],
        );
        Ok(())
    });
    s.same_text("the host", &host, &s.host()?);
    Ok(())
}
