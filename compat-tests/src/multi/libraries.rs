//! Must-shows 4 and 6: a library chosen for one program while those between are shared, and a library chosen
//! anew for all, checked, without a file being rewritten, and taken back.

use std::path::PathBuf;

use super::fixtures::{self, compile};
use super::small::{MV, linked};
use super::system::{System, VAR_SYS};
use super::{Extent, fetch, objects};
use crate::Res;
use crate::deb::deb;

/// The package files of a closure as arguments, those of packages that pass.
pub fn debs_of(closure: &str, pass: impl Fn(&str) -> bool) -> Res<String> {
    let release = fetch::named(closure)?.release;
    let files: Vec<String> = fetch::files(closure)?
        .iter()
        .filter(|f| pass(fetch::package_of(f)))
        .map(|f| format!("/debs/{release}/{f}"))
        .collect();
    Ok(files.join(" "))
}

/// The file of a closure's package.
fn file_of(closure: &str, package: &str) -> Res<String> {
    fetch::files(closure)?
        .into_iter()
        .find(|f| fetch::package_of(f) == package)
        .ok_or_else(|| format!("no {package} in {closure}"))
}

/// The version of a closure's package.
pub fn version_of(closure: &str, package: &str) -> Res<String> {
    Ok(fetch::version_of(&file_of(closure, package)?))
}

/// Where a closure's package has the file of that name, outside, as the archive has it.
fn original(s: &System, closure: &str, package: &str, name: &str) -> Res<PathBuf> {
    let deb = fetch::path(fetch::named(closure)?, &file_of(closure, package)?);
    let tree = fetch::unpack(&deb, &s.outside("/tmp/unpacked"))?;
    objects::below(&tree)
        .into_iter()
        .find(|p| p.file_name().is_some_and(|f| f == name))
        .ok_or_else(|| format!("no {name} in {package} of {closure}"))
}

/// The build id that the archive's file has.
pub fn id_of(s: &System, closure: &str, package: &str, name: &str) -> Res<String> {
    objects::build_id(&original(s, closure, package, name)?)
}

/// The same with small packages.
pub fn small(s: &System, _: Extent) -> Res<()> {
    fixtures::make(s)?;
    let debs = fixtures::debs(
        s,
        &["libc6", "libfix1_1", "fix", "fix-too", "libmid1", "fixmid"],
    )?;
    s.must(&format!("{MV} -i {debs}"))?;
    s.must(&format!("{MV} -i {}", fixtures::debs(s, &["libfix1_2"])?))?;
    let says = |program: &str, wanted: &str| -> Res<()> {
        let direct = s.must(&format!("{VAR_SYS}/current-system/bin/{program}"))?;
        s.same_text(format!("{program} alone"), wanted, &direct);
        let run = s.must(&format!("dpkg-ng run -- {program}"))?;
        s.same_text(format!("run {program}"), wanted, &run);
        Ok(())
    };
    // All do with both, and most came with the older one: it stays.
    for program in ["fix", "fix-too", "fixmid"] {
        says(program, "libfix 1\n")?;
    }
    s.must("dpkg-ng relink libfix.so.1=2")?;
    for program in ["fix", "fix-too", "fixmid"] {
        says(program, "libfix 2\n")?;
    }
    let at = s.must(&format!("basename $(readlink -f {VAR_SYS}/current-system)"))?;
    let back = format!("dpkg-ng view switch system@{}", at.trim());
    s.part("for all", || {
        let before = s.checksums(&format!("{VAR_SYS}/inst"))?;
        s.must("dpkg-ng relink libfix.so.1=1")?;
        for program in ["fix", "fix-too", "fixmid"] {
            says(program, "libfix 1\n")?;
        }
        let after = s.checksums(&format!("{VAR_SYS}/inst"))?;
        for (file, sum) in &before {
            s.same(file, &Some(sum), &after.get(file));
        }
        s.must("dpkg-ng view rollback system")?;
        for program in ["fix", "fix-too", "fixmid"] {
            says(program, "libfix 2\n")?;
        }
        Ok(())
    });
    s.part("for one, directly", || {
        s.must("dpkg-ng relink libfix.so.1=1 --only fix")?;
        says("fix", "libfix 1\n")?;
        says("fix-too", "libfix 2\n")?;
        says("fixmid", "libfix 2\n")?;
        s.must(&back).map(drop)
    });
    s.part("for one, through a library", || {
        s.must("dpkg-ng relink libfix.so.1=1 --only fixmid")?;
        says("fixmid", "libfix 1\n")?;
        says("fix", "libfix 2\n")?;
        linked(s)?;
        s.must(&back)?;
        says("fixmid", "libfix 2\n")
    });
    s.part("a symbol in use is missing", || {
        // Beside the others it is no choice for the system's library …
        s.must(&format!("{MV} -i {}", fixtures::debs(s, &["libfix1_3"])?))?;
        says("fix", "libfix 2\n")?;
        // … nor may a person make it one.
        let at = s.must(&format!("readlink -f {VAR_SYS}/current-system"))?;
        s.refused("dpkg-ng relink libfix.so.1=3 --check", &["fix", "fix_old"])?;
        s.refused("dpkg-ng relink libfix.so.1=3", &["fix", "fix_old"])?;
        s.refused(
            "dpkg-ng relink libfix.so.1=3 --only fix",
            &["fix", "fix_old"],
        )?;
        s.same_text(
            "the current generation",
            &at,
            &s.must(&format!("readlink -f {VAR_SYS}/current-system"))?,
        );
        s.refused("dpkg-ng relink libfix.so.1=9", &["libfix"])?;
        s.refused("dpkg-ng relink libnone.so.1=1", &["libnone"])?;
        s.must("dpkg-ng relink libfix.so.1=1 --check")?;
        says("fix", "libfix 2\n")
    });
    Ok(())
}

const USER: &str = "
#include <stdio.h>
const char *curl_version(void);
int main(void) { puts(curl_version()); return 0; }
";

/// Must-show 4, with the real ones.
pub fn curl(s: &System, _: Extent) -> Res<()> {
    let libcurl = original(s, "curl-7", "libcurl4", "libcurl.so.4.8.0")?;
    let program = s.outside("/tmp/curluser");
    compile(
        USER,
        &program,
        &[
            &libcurl.display().to_string(),
            "-Wl,--allow-shlib-undefined",
        ],
    )?;
    deb("curluser", "1")
        .arch("amd64")
        .field("Depends", "libc6, libcurl4")
        .copy("/usr/bin/curluser", &program, 0o755)
        .build(&s.outside("/debs/made"))?;
    let old = version_of("curl-7", "libssl3")?;
    let all = debs_of("curl-7", |_| true)?;
    s.must(&format!("{MV} -i {all} /debs/made/curluser_1_amd64.deb"))?;
    // Asked for by name it does not give way to the newer one, which breaks it.
    let libssl3 = debs_of("curl-7", |p| p == "libssl3")?;
    s.must(&format!("{MV} --as-wanted libssl3 -i {libssl3}"))?;
    let newer = debs_of("openssl-3.5", |_| true)?;
    s.must(&format!("{MV} --explain -i {newer}"))?;

    let openssl = |line: &str| -> Res<String> {
        let text = s.must(line)?;
        let word = text.split_whitespace().find(|w| w.starts_with("OpenSSL/"));
        Ok(word.unwrap_or_default().to_owned())
    };
    let curl = format!("{VAR_SYS}/current-system/bin/curl");
    let user = format!("{VAR_SYS}/current-system/bin/curluser");
    for line in [&format!("{curl} --version"), &user] {
        let is = openssl(line)?;
        s.expect(is.starts_with("OpenSSL/3.5."), || format!("{line}: {is}"));
    }
    serve(s, "server", 4430, "openssl-3.5")?;
    s.part("its libssl alone", || {
        s.must(&format!("dpkg-ng relink libssl.so.3={old} --only curl"))?;
        download(s, "alone", &curl, 4430)?;
        let id = id_of(s, "curl-7", "libssl3", "libssl.so.3")?;
        s.maps_only("alone", "libssl.so.3", &id)?;
        let libcurl = objects::build_id(&libcurl)?;
        s.maps_only("alone", "libcurl.so.4.8.0", &libcurl)?;
        s.stop("alone");
        download(s, "context", "dpkg-ng run -- curl", 4430)?;
        s.maps_only("context", "libssl.so.3", &id)?;
        s.stop("context");
        Ok(())
    });
    s.part("all of OpenSSL", || {
        s.must(&format!("dpkg-ng relink libssl3={old} --only curl"))?;
        let is = openssl(&format!("{curl} --version"))?;
        let wanted = format!("OpenSSL/{}", old.split('-').next().unwrap_or_default());
        s.same("what curl says", &wanted, &is);
        let is = openssl(&user)?;
        s.expect(is.starts_with("OpenSSL/3.5."), || {
            format!("another user of libcurl: {is}")
        });
        linked(s)
    });
    Ok(())
}

/// Starts `openssl s_server` of a closure with a large file to fetch.
pub fn serve(s: &System, mark: &str, port: u16, closure: &str) -> Res<()> {
    let version = version_of(closure, "openssl")?;
    s.must(&format!(
        "mkdir -p /tmp/tls && cd /tmp/tls && [ -e key.pem ] || {{
            dd if=/dev/zero of=big bs=1M count=64 2>/dev/null
            printf '[req]\\ndistinguished_name=dn\\n[dn]\\n' >req.cnf
            dpkg-ng run -p openssl={version} -- openssl req -config req.cnf -x509 -newkey rsa:2048 -nodes \
                -subj /CN=localhost -days 30 -keyout key.pem -out cert.pem
            chmod -R a+rX .
        }}"
    ))?;
    s.must("chmod 644 /tmp/tls/key.pem")?;
    s.start(
        mark,
        true,
        &format!(
            "cd /tmp/tls; exec dpkg-ng run -p openssl={version} -- \
             openssl s_server -accept {port} -cert cert.pem -key key.pem -WWW </dev/zero"
        ),
    )?;
    s.wait_for(mark, "accept", || s.log(mark).contains("ACCEPT"))
}

/// Starts a transfer that takes longer than anyone looks at it.
pub fn download(s: &System, mark: &str, curl: &str, port: u16) -> Res<()> {
    s.start(
        mark,
        true,
        &format!(
            "exec {curl} -sS -k --limit-rate 50k -o /tmp/{mark}.out https://127.0.0.1:{port}/big"
        ),
    )?;
    let file = s.outside(format!("/tmp/{mark}.out"));
    s.wait_for(mark, "receive", || {
        std::fs::metadata(&file).is_ok_and(|m| m.len() > 0)
    })
}

/// Must-show 6, with the real ones.
pub fn relink(s: &System, _: Extent) -> Res<()> {
    for closure in ["openssl-3.0", "python3.11"] {
        let all = debs_of(closure, |_| true)?;
        s.must(&format!("{MV} -i {all}"))?;
    }
    let wanted = debs_of("openssl-3.0", |p| {
        matches!(p, "libc6" | "libssl3" | "libgcc-s1")
    })?;
    s.must(&format!(
        "{MV} --as-wanted libc6 --as-wanted libssl3 --as-wanted libgcc-s1 -i {wanted}"
    ))?;
    let newer = debs_of("openssl-3.5", |p| p != "openssl")?;
    s.must(&format!("{MV} -i {newer}"))?;

    // In this order: the newer OpenSSL does not run on the older libc.
    let old = [
        ("libssl3", "libssl.so.3", "openssl-3.0"),
        ("libc6", "libc.so.6", "openssl-3.0"),
    ];
    let new = [
        ("libc6", "libc.so.6", "openssl-3.5"),
        ("libssl3t64", "libssl.so.3", "openssl-3.5"),
    ];
    let mut marks = 0;
    let mut holds = |what: &str, set: &[(&str, &str, &str)]| -> Res<()> {
        marks += 1;
        for (mark, line) in [
            (
                format!("python{marks}"),
                "exec dpkg-ng run -- python3.11 -c 'import ssl, time; print(ssl.OPENSSL_VERSION, flush=True); time.sleep(600)'".to_owned(),
            ),
            (
                format!("openssl{marks}"),
                format!("exec {VAR_SYS}/current-system/bin/openssl s_client -connect 127.0.0.1:4439 </dev/zero"),
            ),
        ] {
            s.start(&mark, true, &line)?;
            for (package, file, closure) in set {
                // s_client waits for a server that says nothing.
                let id = id_of(s, closure, package, file)?;
                s.maps_only(&mark, file, &id).map_err(|e| format!("{what}: {e}"))?;
            }
        }
        Ok(())
    };
    s.start(
        "mute",
        true,
        "exec perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(LocalAddr => \"127.0.0.1\", LocalPort => 4439, Listen => 9); while ($c = $s->accept) { push @c, $c }'",
    )?;
    let choose = |set: &[(&str, &str, &str)]| -> Res<()> {
        for (package, _, closure) in set {
            let version = version_of(closure, package)?;
            s.must(&format!("dpkg-ng relink {package}={version}"))?;
        }
        Ok(())
    };
    choose(&old)?;
    holds("before", &old)?;
    let before = s.must(&format!(
        "find {VAR_SYS}/inst -type f -printf '%p %i %T@ %s\\n' | sort"
    ))?;
    let sums = s.checksums(&format!("{VAR_SYS}/inst"))?;
    choose(&new)?;
    holds("relinked", &new)?;
    s.part("no file rewritten", || {
        let now = s.must(&format!(
            "find {VAR_SYS}/inst -type f -printf '%p %i %T@ %s\\n' | sort"
        ))?;
        let now: std::collections::BTreeSet<&str> = now.lines().collect();
        let changed: Vec<&str> = before.lines().filter(|l| !now.contains(l)).collect();
        s.same("files of inst/ changed", &Vec::new(), &changed);
        let after = s.checksums(&format!("{VAR_SYS}/inst"))?;
        for (file, sum) in &sums {
            s.same(file, &Some(sum), &after.get(file));
        }
        Ok(())
    });
    s.must("dpkg-ng view rollback system && dpkg-ng view rollback system")?;
    holds("rolled back", &old)?;
    // Those that were started before still have what they had.
    let id = id_of(s, "openssl-3.5", "libc6", "libc.so.6")?;
    s.maps_only("python2", "libc.so.6", &id)
}
