//! Must-shows 1 and 2: programs of two releases and two architectures at once, each with its own libraries.

use super::Extent;
use super::libraries::{debs_of, download, id_of, serve, version_of};
use super::small::{MV, linked};
use super::system::System;
use crate::Res;

/// What it takes.
pub const CLOSURES: &[&str] = &[
    "postgresql-15",
    "python3.11",
    "openssl-3.0",
    "curl-7",
    "curl-7-i386",
    "postgresql-17",
    "python3.13",
    "openssl-3.5",
    "curl-8",
    "curl-8-i386",
];

/// What is installed together: closures of one release and architecture.
const GROUPS: &[&[&str]] = &[
    &["postgresql-15", "python3.11", "openssl-3.0", "curl-7"],
    &["curl-7-i386"],
    &["postgresql-17", "python3.13", "openssl-3.5", "curl-8"],
    &["curl-8-i386"],
];

/// All of it.
pub fn run(s: &System, _: Extent) -> Res<()> {
    let host = s.host()?;
    for group in GROUPS {
        let mut debs: Vec<String> = Vec::new();
        for closure in *group {
            let all = debs_of(closure, |_| true)?;
            debs.extend(all.split(' ').map(str::to_owned));
        }
        debs.sort();
        debs.dedup();
        let wanted: Vec<String> = group
            .iter()
            .map(|c| format!("--as-wanted {}", package(c)))
            .collect();
        s.part(&format!("install {}", group.join(" ")), || {
            s.must(&format!(
                "{MV} --own-libraries {} -i {}",
                wanted.join(" "),
                debs.join(" ")
            ))
            .map(drop)
        });
    }
    s.part("PostgreSQL", || {
        postgres(s, "postgresql-15", "15", "libssl3", 1)?;
        postgres(s, "postgresql-17", "17", "libssl3t64", 2)
    });
    s.part("Python", || {
        for (closure, program, libssl) in [
            ("python3.11", "python3.11", "libssl3"),
            ("python3.13", "python3.13", "libssl3t64"),
        ] {
            s.start(
                closure,
                true,
                &format!(
                    "exec dpkg-ng run -p {program} -- {program} -c \
                     'import ssl, time; print(ssl.OPENSSL_VERSION, flush=True); time.sleep(600)'"
                ),
            )?;
            own_libraries(s, closure, closure, libssl)?;
        }
        Ok(())
    });
    s.part("OpenSSL", || {
        for (mark, port, closure, libssl) in [
            ("server-1", 4431, "openssl-3.0", "libssl3"),
            ("server-2", 4432, "openssl-3.0", "libssl3"),
            ("server-3", 4433, "openssl-3.5", "libssl3t64"),
            ("server-4", 4434, "openssl-3.5", "libssl3t64"),
        ] {
            serve(s, mark, port, closure)?;
            own_libraries(s, mark, closure, libssl)?;
        }
        Ok(())
    });
    s.part("curl", || {
        for (closure, port, libssl, architecture) in [
            ("curl-7", 4433, "libssl3", "amd64"),
            ("curl-7-i386", 4434, "libssl3", "i386"),
            ("curl-8", 4431, "libssl3t64", "amd64"),
            ("curl-8-i386", 4432, "libssl3t64", "i386"),
        ] {
            let version = version_of(closure, "curl")?;
            let run = format!("dpkg-ng run -p curl={version}:{architecture} -- curl");
            download(s, closure, &run, port)?;
            own_libraries(s, closure, closure, libssl)?;
        }
        Ok(())
    });
    s.part("all at once", || {
        for mark in [
            "postgresql-15",
            "postgresql-17",
            "python3.11",
            "python3.13",
            "server-1",
            "server-2",
            "server-3",
            "server-4",
            "curl-7",
            "curl-7-i386",
            "curl-8",
            "curl-8-i386",
        ] {
            s.expect(!s.mapped(mark, "libc.so.6").is_empty(), || {
                format!("{mark} has ended: {}", s.log(mark))
            });
        }
        Ok(())
    });
    s.part("linking", || linked(s));
    s.part("the host", || {
        s.same_text("the host", &host, &s.host()?);
        for closure in CLOSURES {
            s.refused(
                &format!("dpkg-query -W {}", package(closure)),
                &["no packages found"],
            )?;
        }
        s.same_text(
            "foreign architectures",
            "",
            &s.must("dpkg --print-foreign-architectures")?,
        );
        Ok(())
    });
    Ok(())
}

/// The package that a closure is for.
fn package(closure: &str) -> &str {
    match closure.split('-').next() {
        Some("openssl") => "openssl",
        Some("curl") => "curl",
        _ => closure,
    }
}

/// That the process has mapped libc and libssl of its own closure, and no other.
fn own_libraries(s: &System, mark: &str, closure: &str, libssl: &str) -> Res<()> {
    let libc = id_of(s, closure, "libc6", "libc.so.6")?;
    let ssl = id_of(s, closure, libssl, "libssl.so.3")?;
    s.maps_only(mark, "libc.so.6", &libc)?;
    s.maps_only(mark, "libssl.so.3", &ssl)
}

fn postgres(s: &System, closure: &str, version: &str, libssl: &str, n: u8) -> Res<()> {
    let dir = format!("/tmp/pg{n}");
    let bin = format!("/usr/lib/postgresql/{version}/bin");
    let run = format!("dpkg-ng run -p {closure} --");
    s.must_user(&format!(
        "{run} {bin}/initdb -D {dir} -A trust -U tester --no-sync --locale=C.UTF-8 >/dev/null"
    ))?;
    s.start(
        closure,
        true,
        &format!("exec {run} {bin}/postgres -D {dir} -k {dir} -c listen_addresses= -c fsync=off"),
    )?;
    s.wait_for(closure, "accept", || {
        s.log(closure).contains("ready to accept")
    })?;
    let said = s.must_user(&format!(
        "dpkg-ng run -p postgresql-client-{version} -- {bin}/psql -h {dir} -U tester postgres -Atc \
         'create table t as select generate_series(1, 1000) as n; select version(), sum(n) from t'"
    ))?;
    s.says(
        "psql",
        &said,
        &[&format!("PostgreSQL {version}."), "500500"],
    );
    own_libraries(s, closure, closure, libssl)
}
