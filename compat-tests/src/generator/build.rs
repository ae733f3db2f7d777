//! A package as the bytes of a .deb file, written here because starting `dpkg-deb` thousands of
//! times is slow. Members are not compressed.

use super::spec::{Package, Script};
use crate::deb::{Kind, TIME};

/// Where a script finds what all of them do first; see [`super::stage`].
pub const PROBE: &str = "/probe";

/// The whole file.
pub fn deb(p: &Package) -> Vec<u8> {
    let mut out = b"!<arch>\n".to_vec();
    member(&mut out, "debian-binary", b"2.0\n");
    member(&mut out, "control.tar", &control(p));
    member(&mut out, "data.tar", &data(p));
    out.truncate(out.len().saturating_sub(p.cut));
    out
}

fn member(out: &mut Vec<u8>, name: &str, data: &[u8]) {
    out.extend(
        format!(
            "{name:<16}{TIME:<12}0     0     100644  {:<10}`\n",
            data.len()
        )
        .bytes(),
    );
    out.extend(data);
    if data.len() % 2 == 1 {
        out.push(b'\n');
    }
}

fn control(p: &Package) -> Vec<u8> {
    let mut tar = Tar::default();
    tar.entry("./", b'5', 0o755, TIME, "", b"");
    let mut text = format!(
        "Package: {}\nVersion: {}\nArchitecture: {}\n",
        p.name, p.version, p.arch
    );
    let given = |n: &str| p.fields.iter().any(|f| f.0 == n);
    if !given("Maintainer") {
        text.push_str("Maintainer: T <t@example.org>\n");
    }
    for (name, value) in &p.fields {
        text.push_str(&format!("{name}: {value}\n"));
    }
    if !given("Description") {
        text.push_str("Description: random package\n");
    }
    let mut file = |name: &str, mode, content: &str| {
        tar.entry(
            &format!("./{name}"),
            b'0',
            mode,
            TIME,
            "",
            content.as_bytes(),
        );
    };
    file("control", 0o644, &text);
    for (name, lines) in [("conffiles", &p.conffiles), ("triggers", &p.triggers)] {
        if !lines.is_empty() {
            file(name, 0o644, &format!("{}\n", lines.join("\n")));
        }
    }
    for (name, content) in &p.control {
        file(name, 0o644, content);
    }
    for s in &p.scripts {
        file(&s.name, 0o755, &script(p, s));
    }
    tar.finish()
}

fn script(p: &Package, s: &Script) -> String {
    let mut out = format!(
        "#!/bin/sh\nme=\"{} {} {}\"\n. \"$DPKG_ROOT{PROBE}\"\n",
        p.name, p.version, s.name
    );
    for (number, r) in s.rules.iter().enumerate() {
        let run = if r.once {
            let mark = format!("\"$DPKG_ROOT/once/{}.{number}\"", s.name);
            let mark = mark.replace("/once/", &format!("/once/{}-{}.", p.name, p.version));
            format!("[ -e {mark} ] || {{ : >{mark}; {}; }}", r.run)
        } else {
            r.run.clone()
        };
        out.push_str(&format!("case \"$1\" in {}) {run} ;; esac\n", r.on));
    }
    out.push_str("exit 0\n");
    out
}

fn data(p: &Package) -> Vec<u8> {
    let mut tar = Tar::default();
    tar.entry("./", b'5', 0o755, TIME, "", b"");
    let mut seen = Vec::new();
    let (hard, mut others): (Vec<_>, Vec<_>) = p
        .entries
        .iter()
        .partition(|e| matches!(e.kind, Kind::Hard(_)));
    others.sort_by(|a, b| a.path.cmp(&b.path));
    for e in others.into_iter().chain(hard) {
        let parents = e
            .path
            .match_indices('/')
            .skip(1)
            .map(|(at, _)| &e.path[..at]);
        for parent in parents {
            let given = p.entries.iter().any(|e| e.path == parent);
            if !given && !seen.contains(&parent) {
                seen.push(parent);
                tar.entry(&format!(".{parent}/"), b'5', 0o755, TIME, "", b"");
            }
        }
        let name = format!(".{}", e.path);
        let mut put = |name: &str, kind, link: &str, data: &[u8]| {
            tar.entry(name, kind, e.mode, e.mtime, link, data);
        };
        match &e.kind {
            Kind::Dir => put(&format!("{name}/"), b'5', "", b""),
            Kind::File(content) => put(&name, b'0', "", content.as_bytes()),
            Kind::Link(target) => put(&name, b'2', target, b""),
            Kind::Hard(target) => put(&name, b'1', &format!(".{target}"), b""),
            // The generator makes no devices: they would work in the sandbox.
            Kind::Fifo | Kind::Char(..) | Kind::Block(..) => put(&name, b'6', "", b""),
        }
    }
    tar.finish()
}

#[derive(Default)]
struct Tar(Vec<u8>);

impl Tar {
    /// GNU format, as `dpkg-deb` writes it, without the extension for long names.
    fn entry(&mut self, name: &str, kind: u8, mode: u32, mtime: i64, link: &str, data: &[u8]) {
        let mut block = [0u8; 512];
        let mut put = |at: usize, bytes: &[u8]| {
            for (to, from) in block[at..].iter_mut().zip(bytes) {
                *to = *from;
            }
        };
        put(0, name.as_bytes());
        put(100, format!("{mode:07o}").as_bytes());
        put(108, b"0000000");
        put(116, b"0000000");
        put(124, format!("{:011o}", data.len()).as_bytes());
        put(136, format!("{mtime:011o}").as_bytes());
        put(148, b"        ");
        put(156, &[kind]);
        put(157, link.as_bytes());
        put(257, b"ustar  \0");
        put(265, b"root");
        put(297, b"root");
        let sum: u32 = block.iter().map(|b| u32::from(*b)).sum();
        for (to, from) in block[148..].iter_mut().zip(format!("{sum:06o}\0 ").bytes()) {
            *to = from;
        }
        self.0.extend(block);
        self.0.extend(data);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
    }

    fn finish(mut self) -> Vec<u8> {
        self.0
            .resize((self.0.len() + 1024).next_multiple_of(10240), 0);
        self.0
    }
}
