//! Archives that mean harm: thousands of damaged and malicious `.deb` files are read in this process.
//! Nothing may panic, hang, or be written outside of the directory given.
#![allow(
    clippy::disallowed_methods,
    reason = "tests make the systems that are worked on"
)]

use std::fs;
use std::io::Read;
use std::path::Path;

use libdpkgng::arch::ArchTable;
use libdpkgng::archive::deb::{DebFile, Part, Paste};
use libdpkgng::archive::extract::extract_control;
use libdpkgng::archive::tar::{Owners, TarReader};
use libdpkgng::control::{ParseFlags, parse_file};
use libdpkgng::error::Result;
use libdpkgng::pkg::PkgTable;
use libdpkgng::report::Silent;
use libdpkgng::sys::place::Spot;

const CONTROL: &[u8] = b"Package: pk\nVersion: 1:2-3\nArchitecture: all\nMaintainer: x <x@y>\n\
Depends: a (>= 1), b | c\nProvides: x (= 1)\nConffiles:\n /etc/c 0123\nDescription: d\n long\n .\n";

struct Nobody;

impl Owners for Nobody {
    fn uid(&mut self, _name: &[u8]) -> Result<Option<u32>> {
        Ok(None)
    }
    fn gid(&mut self, _name: &[u8]) -> Result<Option<u32>> {
        Ok(None)
    }
}

/// A xorshift generator: the same inputs in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n.max(1) as u64) as usize
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

fn checksum(header: &mut [u8]) {
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|b| u32::from(*b)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

fn entry(name: &[u8], kind: u8, target: &[u8], data: &[u8]) -> Vec<u8> {
    let mut h = vec![0u8; 512];
    h[..name.len().min(100)].copy_from_slice(&name[..name.len().min(100)]);
    // A directory that its owner may enter, if that is not root.
    h[100..108].copy_from_slice(match kind {
        b'5' => b"0000755\0",
        _ => b"0000644\0",
    });
    h[108..116].copy_from_slice(b"0000000\0");
    h[116..124].copy_from_slice(b"0000000\0");
    h[124..136].copy_from_slice(format!("{:011o}\0", data.len()).as_bytes());
    h[136..148].copy_from_slice(b"07346545000\0");
    h[156] = kind;
    h[157..157 + target.len()].copy_from_slice(target);
    h[257..265].copy_from_slice(b"ustar  \0");
    checksum(&mut h);
    h.extend_from_slice(data);
    h.resize(h.len().next_multiple_of(512), 0);
    h
}

fn tar(entries: &[Vec<u8>]) -> Vec<u8> {
    [entries.concat(), vec![0; 1024]].concat()
}

fn deb(control: &[u8], data: &[u8]) -> Vec<u8> {
    let mut out = b"!<arch>\n".to_vec();
    for (name, member) in [
        ("debian-binary", &b"2.0\n"[..]),
        ("control.tar", control),
        ("data.tar", data),
    ] {
        let len = member.len();
        let head = format!(
            "{name:<16}{:<12}{:<6}{:<6}{:<8}{len:<10}`\n",
            0, 0, 0, 100_644
        );
        out.extend_from_slice(head.as_bytes());
        out.extend_from_slice(member);
    }
    out
}

fn control() -> Vec<u8> {
    tar(&[
        entry(b"./", b'5', b"", b""),
        entry(b"./control", b'0', b"", CONTROL),
        entry(b"./conffiles", b'0', b"", b"/etc/c\n"),
    ])
}

fn data() -> Vec<u8> {
    tar(&[
        entry(b"./", b'5', b"", b""),
        entry(b"./opt/", b'5', b"", b""),
        entry(b"./opt/f", b'0', b"", &[b'x'; 700]),
        entry(b"./opt/l", b'2', b"f", b""),
        entry(b"./opt/h", b'1', b"./opt/f", b""),
        entry(b"././@LongLink", b'L', b"", &[b'n'; 150]),
        entry(b"nnn", b'0', b"", b"long"),
    ])
}

/// Reads all there is of an archive, as unpacking does; whether it was taken.
fn read(top: &Path, bytes: &[u8]) -> bool {
    let file = top.join("x.deb");
    fs::write(&file, bytes).expect("write");
    let dir = top.join("control");
    let _ = fs::remove_dir_all(&dir);
    let Ok(deb) = DebFile::open(&file) else {
        return false;
    };
    let taken = extract_control(
        &deb,
        &Spot::path(dir.as_os_str().as_encoded_bytes()),
        &mut Nobody,
        &mut Silent,
    )
    .is_ok();
    let mut table = PkgTable::new(ArchTable::new("amd64"));
    let flags = ParseFlags::BINARY;
    let control = Spot::path(dir.join("control").as_os_str().as_encoded_bytes());
    let parsed = parse_file(&control, flags, &mut table, &mut Silent).is_ok();
    let stream = deb
        .member(Part::Data, &mut Silent)
        .and_then(|member| member.stream(-1));
    let Ok(stream) = stream else { return false };
    let mut tar = TarReader::new(stream);
    loop {
        match tar.next_entry() {
            Ok(Some(entry)) => {
                assert!(entry.name.len() <= 1 << 20);
                let _ = std::io::copy(&mut tar.by_ref().take(1 << 20), &mut std::io::sink());
            }
            Ok(None) => break,
            Err(_) => return false,
        }
    }
    taken && parsed && tar.drain().is_ok() && matches!(tar.into_inner().paste(), Paste::Complete)
}

/// Nothing but what [`read`] makes is there.
fn nothing_else(top: &Path) {
    let mut names: Vec<_> = fs::read_dir(top)
        .expect("top")
        .flatten()
        .map(|e| e.file_name())
        .collect();
    names.sort();
    names.retain(|n| n != "control");
    assert_eq!(names, ["outside", "x.deb"]);
    let outside = top.join("outside");
    assert_eq!(fs::read(outside.join("f")).expect("outside"), b"untouched");
    assert_eq!(fs::read_dir(&outside).expect("outside").count(), 1);
}

fn place() -> tempfile::TempDir {
    // In memory where possible: these are many small files.
    let top = tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .expect("tempdir");
    let outside = top.path().join("outside");
    fs::create_dir(&outside).expect("outside");
    fs::write(outside.join("f"), "untouched").expect("outside");
    top
}

#[test]
fn damaged_archives() {
    let top = place();
    let whole = deb(&control(), &data());
    assert!(read(top.path(), &whole), "the archive itself is fine");
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    for cut in (0..whole.len()).step_by(61) {
        read(top.path(), &whole[..cut]);
    }
    for _ in 0..2000 {
        let mut bytes = whole.clone();
        for _ in 0..=dice.below(4) {
            let at = dice.below(bytes.len());
            match dice.below(3) {
                0 => bytes[at] ^= 1 << dice.below(8),
                1 => bytes[at] = dice.pick(b"\0 /.\n09-`\x80\xff"),
                _ => {
                    drop(bytes.drain(at..(at + dice.below(600)).min(whole.len()).min(bytes.len())))
                }
            }
            if bytes.is_empty() {
                break;
            }
        }
        read(top.path(), &bytes);
        // Again, with header checksums that are right.
        let (mut c, mut d) = (control(), data());
        let member = if dice.below(2) == 0 { &mut c } else { &mut d };
        let header = 512 * dice.below(4);
        if let Some(header) = member.get_mut(header..header + 512) {
            let field = dice.pick(&[0, 2, 100, 108, 116, 124, 136, 156, 157, 257, 265, 329, 345]);
            header[field + dice.below(8)] = dice.pick(b"\0 /.\n0123456789LKxgVS\x80\xff");
            checksum(header);
        }
        read(top.path(), &deb(&c, &d));
    }
    nothing_else(top.path());
}

#[test]
fn malicious_control_members() {
    let top = place();
    let good = || entry(b"./control", b'0', b"", CONTROL);
    let absolute = top.path().join("outside/g");
    let members: Vec<Vec<Vec<u8>>> = vec![
        vec![good(), entry(b"../outside/g", b'0', b"", b"x")],
        vec![good(), entry(b"./a/../../outside/g", b'0', b"", b"x")],
        vec![
            good(),
            entry(absolute.as_os_str().as_encoded_bytes(), b'0', b"", b"x"),
        ],
        vec![
            good(),
            entry(b"./o", b'2', b"../outside", b""),
            entry(b"./o/g", b'0', b"", b"x"),
        ],
        vec![
            good(),
            entry(b"./f", b'2', b"../outside/f", b""),
            entry(b"./f", b'0', b"", b"x"),
        ],
        vec![
            good(),
            entry(b"./f", b'1', b"../outside/f", b""),
            entry(b"./f", b'0', b"", b"x"),
        ],
        vec![entry(b"./control", b'6', b"", b"")],
        vec![entry(b"./control", b'3', b"", b"")],
        vec![entry(b"./", b'2', b"../outside", b""), good()],
    ];
    for entries in members {
        read(top.path(), &deb(&tar(&entries), &data()));
        nothing_else(top.path());
    }
}

#[test]
fn sizes_beyond_reason() {
    let top = place();
    for size in [
        b"77777777777\0",
        b"777777777777",
        b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff",
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    ] {
        for kind in *b"0LKx5" {
            let mut huge = entry(b"./huge", kind, b"", b"");
            huge[124..136].copy_from_slice(size);
            checksum(&mut huge);
            assert!(!read(top.path(), &deb(&control(), &tar(&[huge.clone()]))) || kind == b'5');
            read(top.path(), &deb(&tar(&[huge]), &data()));
        }
    }
    let whole = deb(&control(), &data());
    for size in ["9999999999", "-1        ", "0x10      "] {
        for header in [8, 72, 72 + 60 + control().len()] {
            let mut bytes = whole.clone();
            bytes[header + 48..header + 58].copy_from_slice(size.as_bytes());
            assert!(!read(top.path(), &bytes), "{size} at {header}");
        }
    }
}
