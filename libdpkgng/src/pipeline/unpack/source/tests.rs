//! What comes out is the same whoever makes it and wherever it waits.

use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::super::ahead::{Budget, Pool, Turn};
use super::super::entries::Entries;
use super::*;
use crate::archive::ar::ArWriter;
use crate::archive::compress::{Compressor, Encoder, Params};

fn header(name: &str, flag: u8, size: usize, link: &str) -> Vec<u8> {
    let mut block = [0u8; 512];
    let mut put = |at: usize, text: &[u8]| block[at..at + text.len()].copy_from_slice(text);
    put(0, name.as_bytes());
    put(100, b"0000644\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, format!("{size:011o}\0").as_bytes());
    put(136, b"00000000007\0");
    put(148, b"        ");
    put(156, &[flag]);
    put(157, link.as_bytes());
    put(257, b"ustar  \0");
    let sum: u32 = block.iter().map(|&b| u32::from(b)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block.to_vec()
}

/// Bytes that do not compress to nothing.
fn content(size: usize, seed: u32) -> Vec<u8> {
    let mut state = seed | 1;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 28) as u8
    };
    (0..size).map(|_| next()).collect()
}

const SIZES: [usize; 9] = [0, 1, 511, 512, 100_000, 262_144, 262_145, 700_000, 3];

fn tar() -> Vec<u8> {
    let mut out = header("./", b'5', 0, "");
    for (n, size) in SIZES.iter().enumerate() {
        out.extend(header(&format!("./f{n}"), b'0', *size, ""));
        out.extend(content(*size, n as u32));
        out.resize(out.len().next_multiple_of(512), 0);
        out.extend(header(&format!("./l{n}"), b'2', 0, "f0"));
    }
    out.resize(out.len() + 10_240, 0);
    out
}

fn archive(data: &[u8], compressor: Compressor) -> tempfile::NamedTempFile {
    let mut params = Params::new(compressor);
    params.check().unwrap();
    let mut encoder = Encoder::new(&params, Vec::new(), msg!("")).unwrap();
    encoder.write_all(data).unwrap();
    let data = encoder.finish().unwrap();
    let mut ar = ArWriter::new(Vec::new(), b"", 0);
    ar.put_magic().unwrap();
    ar.put_member("debian-binary", b"2.0\n").unwrap();
    ar.put_member("control.tar", b"").unwrap();
    let name = match compressor {
        Compressor::None => "data.tar",
        _ => "data.tar.xz",
    };
    ar.put_member(name, &data).unwrap();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&ar.into_inner()).unwrap();
    file
}

/// All that is to be seen of an archive, a line each; the first `skipped` contents are not read.
fn seen(mut entries: Entries, skipped: usize) -> Vec<String> {
    let mut lines = Vec::new();
    loop {
        match entries.next_entry() {
            Ok(Some(entry)) => {
                let name = String::from_utf8_lossy(&entry.name).into_owned();
                lines.push(format!("{name} {:?} {}", entry.kind, entry.size));
                if lines.len() <= skipped {
                    continue;
                }
                let mut data = Vec::new();
                let read = entries.read_to_end(&mut data);
                let sum = crate::digest::md5_reader(&mut &data[..]).unwrap();
                lines.push(format!("{} bytes, {sum}", data.len()));
                if let Err(e) = read {
                    lines.push(format!("content: {}", take_error(e, || msg!("failed")).msg));
                    break;
                }
                if let Err(e) = entries.skip_padding() {
                    lines.push(format!("padding: {}", e.msg));
                    break;
                }
            }
            Ok(None) => {
                lines.push(format!("the end, well: {}", entries.finished_well()));
                break;
            }
            Err(e) => {
                lines.push(format!("entry: {}", e.msg));
                break;
            }
        }
    }
    lines.extend(entries.complaints().iter().map(Msg::to_string));
    lines.extend(entries.abandon().iter().map(Msg::to_string));
    lines
}

fn open(file: &tempfile::NamedTempFile) -> DebFile {
    DebFile::open(file.path()).unwrap()
}

/// The same archive by whoever could make its entries.
fn by_everybody(file: &tempfile::NamedTempFile, skipped: usize) -> Vec<String> {
    let here = seen(Entries::here(Producer::new(open(file), None)), skipped);
    let dir = tempfile::tempdir().unwrap();
    for memory in [1, 600 << 10, 64 << 20] {
        for now in [true, false] {
            let mut pool = Pool::new(memory, dir.path());
            pool.spare_disk(0);
            let entries = pool.read(&open(file), now);
            entries.at_hand();
            assert_eq!(seen(entries, skipped), here, "{memory} {now}");
        }
    }
    // Nothing has a name.
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    here
}

#[test]
fn entries_are_those_of_the_archive() {
    for compressor in [Compressor::None, Compressor::Xz] {
        let file = archive(&tar(), compressor);
        let lines = by_everybody(&file, 0);
        assert_eq!(lines.len(), 2 + 4 * SIZES.len() + 1);
        assert_eq!(lines.last().unwrap(), "the end, well: true");
        for (n, size) in SIZES.iter().enumerate() {
            let sum = crate::digest::md5_reader(&mut &content(*size, n as u32)[..]).unwrap();
            assert!(lines.contains(&format!("./f{n} File {size}")));
            assert!(lines.contains(&format!("{size} bytes, {sum}")), "{n}");
        }
        // What is not read is skipped.
        let lines = by_everybody(&file, 8);
        assert_eq!(lines.last().unwrap(), "the end, well: true");
    }
}

/// Wherever an archive ends too early, or is broken, that shows after all that comes before.
#[test]
fn faults_come_where_they_are() {
    let whole = tar();
    // Where a header could come it may end.
    for at in [0, 512] {
        let file = archive(&whole[..at], Compressor::None);
        let lines = by_everybody(&file, 0);
        assert_eq!(lines.last().unwrap(), "the end, well: true", "{at}");
    }
    for at in [100, 1_537, 5_000, 103_000, 400_000, 900_000] {
        let file = archive(&whole[..at], Compressor::None);
        let lines = by_everybody(&file, 0);
        assert_ne!(
            lines.last().unwrap(),
            "the end, well: true",
            "{at}: {lines:?}"
        );
        by_everybody(&file, 100);
    }
    // The file ends within the member.
    for cut in [1, 600, 200_000] {
        let file = archive(&whole, Compressor::Xz);
        let size = file.as_file().metadata().unwrap().len();
        file.as_file().set_len(size.saturating_sub(cut)).unwrap();
        let lines = by_everybody(&file, 0);
        assert!(
            lines.iter().any(|l| l.contains("end of")),
            "{cut}: {lines:?}"
        );
    }
    let mut broken = whole.clone();
    broken[512 + 148] ^= 1;
    let lines = by_everybody(&archive(&broken, Compressor::None), 0);
    assert!(lines.iter().any(|l| l.contains("checksum")), "{lines:?}");
}

/// Archives behind the one at hand do not keep it from being read, however little memory there
/// is, and those that are dropped end.
#[test]
fn the_archive_at_hand_does_not_wait_for_others() {
    let file = archive(&tar(), Compressor::Xz);
    let dir = tempfile::tempdir().unwrap();
    let mut pool = Pool::new(1, dir.path());
    let behind: Vec<Entries> = (0..20).map(|_| pool.read(&open(&file), false)).collect();
    let late = pool.read(&open(&file), true);
    late.at_hand();
    assert_eq!(seen(late, 0).last().unwrap(), "the end, well: true");
    for entries in behind.into_iter().skip(3) {
        entries.at_hand();
        assert_eq!(seen(entries, 5).last().unwrap(), "the end, well: true");
    }
}

/// One archive at a time has several threads, and what is at hand does not wait for its end.
#[test]
fn the_archive_at_hand_does_not_wait_for_several_threads() {
    let budget = Budget::new(0);
    let [first, second, third]: [Arc<Turn>; 3] = Default::default();
    let several = budget.several(&first);
    assert!(several.is_some());
    second.is_at_hand();
    assert!(budget.several(&second).is_none());
    let waiting = std::thread::spawn({
        let (budget, third) = (budget.clone(), third.clone());
        move || budget.several(&third).is_some()
    });
    drop(several);
    assert!(waiting.join().unwrap());
}

#[test]
fn memory_is_bounded_and_given_back() {
    let budget = Budget::new(10 << 20);
    let (mine, other) = (Arc::new(Turn::default()), Arc::new(Turn::default()));
    let held: Vec<_> = (0..8)
        .map(|_| budget.take(&other, 1 << 20).unwrap())
        .collect();
    let done = Arc::new(AtomicBool::new(false));
    let waiting = std::thread::spawn({
        let (budget, other, done) = (budget.clone(), other.clone(), done.clone());
        move || {
            // A part is kept for the archive at hand.
            let claim = budget.take(&other, 2 << 20);
            done.store(true, Ordering::SeqCst);
            claim.is_some()
        }
    });
    mine.is_at_hand();
    assert!(budget.take(&mine, 1 << 20).is_some());
    std::thread::sleep(Duration::from_millis(20));
    assert!(!done.load(Ordering::SeqCst));
    drop(held);
    assert!(waiting.join().unwrap());
    assert_eq!(budget.memory_taken(), 0);
}
