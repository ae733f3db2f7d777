use std::io::Read as _;

use super::*;

/// A header block with a right checksum.
fn header(name: &[u8], flag: u8, size: u64, edit: impl FnOnce(&mut [u8; BLOCK])) -> Vec<u8> {
    let mut block = [0u8; BLOCK];
    block[..name.len()].copy_from_slice(name);
    let mut put = |at: usize, text: String| {
        block[at..at + text.len()].copy_from_slice(text.as_bytes());
    };
    put(100, "0000644\0".into());
    put(108, "0000001\0".into());
    put(116, "0000002\0".into());
    put(124, format!("{size:011o}\0"));
    put(136, "00000000007\0".into());
    put(257, "ustar  \0".into());
    block[156] = flag;
    edit(&mut block);
    block[148..156].copy_from_slice(b"        ");
    let sum: u32 = block.iter().map(|&b| u32::from(b)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block.to_vec()
}

fn data(text: &[u8]) -> Vec<u8> {
    let mut padded = text.to_vec();
    padded.resize(text.len().next_multiple_of(BLOCK), 0);
    padded
}

fn read(archive: &[u8]) -> (Vec<TarEntry>, Option<String>) {
    let mut tar = TarReader::new(archive);
    let mut entries = Vec::new();
    loop {
        match tar.next_entry() {
            Ok(Some(entry)) => entries.push(entry),
            Ok(None) => return (entries, None),
            Err(e) => return (entries, Some(e.to_string())),
        }
    }
}

#[test]
fn entries_and_data() {
    let mut archive = header(b"./a", b'0', 3, |h| {
        h[265..269].copy_from_slice(b"root");
        h[297..302].copy_from_slice(b"staff");
    });
    archive.extend(data(b"abc"));
    archive.extend(header(b"./d/", b'0', 0, |_| {}));
    archive.extend(header(b"./e/", b'5', 0, |_| {}));
    archive.extend(header(b"./dev", b'4', 0, |h| {
        h[329..337].copy_from_slice(b"0000010\0");
        h[337..345].copy_from_slice(b"0000003\0");
    }));
    archive.extend([0; 1024]);
    let mut tar = TarReader::new(&archive[..]);
    let file = tar.next_entry().unwrap().unwrap();
    assert_eq!((file.uid, file.gid, file.mtime), (1, 2, 7));
    assert_eq!((file.mode, file.kind), (0o644, Kind::File));
    assert_eq!(file.uname.as_bytes(), b"root");
    assert_eq!(file.gname.as_bytes(), b"staff");
    let mut text = Vec::new();
    tar.read_to_end(&mut text).unwrap();
    assert_eq!(text, b"abc");
    let old = tar.next_entry().unwrap().unwrap();
    assert_eq!((old.kind, old.name.as_slice()), (Kind::File, &b"./d"[..]));
    let dir = tar.next_entry().unwrap().unwrap();
    assert_eq!(
        (dir.kind, dir.name.as_slice()),
        (Kind::Directory, &b"./e"[..])
    );
    assert!(old.slash && !dir.slash);
    let device = tar.next_entry().unwrap().unwrap();
    assert_eq!((device.major, device.minor), (8, 3));
    assert_eq!(tar.next_entry().unwrap(), None);
    assert_eq!(tar.next_entry().unwrap(), None);
}

#[test]
fn symbolic_links_come_last() {
    let mut archive = header(b"./l", b'2', 0, |h| h[157..158].copy_from_slice(b"t"));
    archive.extend(header(b"./f", b'0', 0, |_| {}));
    archive.extend([0; 512]);
    let (entries, _) = read(&archive);
    let names: Vec<_> = entries.iter().map(|e| e.name.as_slice()).collect();
    assert_eq!(names, [&b"./f"[..], b"./l"]);
    assert_eq!(entries[1].linkname, b"t");
}

#[test]
fn long_names_prefixes_and_links() {
    let long = [b"./", &[b'x'; 600][..]].concat();
    let mut archive = header(b"././@LongLink", b'K', 4, |_| {});
    archive.extend(data(b"tgt\0"));
    // The length may or may not count a NUL.
    archive.extend(header(b"././@LongLink", b'L', long.len() as u64, |_| {}));
    archive.extend(data(&long));
    archive.extend(header(b"short", b'1', 0, |_| {}));
    archive.extend(header(b"name", b'0', 0, |h| {
        h[257..265].copy_from_slice(b"ustar\x0000");
        h[345..348].copy_from_slice(b"dir");
    }));
    let (entries, error) = read(&archive);
    assert_eq!(error, None);
    assert_eq!(entries[0].name, long);
    assert_eq!(entries[0].linkname, b"tgt");
    assert_eq!(entries[1].name, b"dir/name");
}

#[test]
fn numbers() {
    // Cases of dpkg's lib/dpkg/t/t-tar.c.
    let max = u64::MAX;
    assert_eq!(unsigned(b"000000000000\0", max), Ok(0));
    assert_eq!(unsigned(b"            \0", max), Ok(0));
    assert_eq!(unsigned(b"            ", max), Err(libc::EINVAL));
    assert_eq!(unsigned(b"000000000010 ", max), Ok(8));
    assert_eq!(unsigned(b"  11111111", max), Ok(0o11111111));
    assert_eq!(unsigned(b"8", max), Err(libc::ERANGE));
    assert_eq!(unsigned(b"1x", max), Err(libc::ERANGE));
    assert_eq!(unsigned(b"1 x", max), Err(libc::EINVAL));
    assert_eq!(
        unsigned(b"77777777777\0", u64::from(u32::MAX)),
        Err(libc::ERANGE)
    );
    let b256 = b"\x80\0\0\0\0\0\0\0\0\0\x01\x02";
    assert_eq!(unsigned(b256, max), Ok(0x102));
    assert_eq!(
        number(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe"),
        Ok(-2i64 as u64)
    );
    assert_eq!(
        unsigned(b"\xff\xff\xff\xff\xff\xff\xff\xfe", u64::from(u32::MAX)),
        Err(libc::ERANGE)
    );
    assert_eq!(number(b"\x80\0\0\0\x80\0\0\0\0\0\0\0"), Err(libc::ERANGE));
    assert_eq!(number(b"\x80\0\0\x01\0\0\0\0\0\0\0\0"), Err(libc::ERANGE));
}

#[test]
fn refusals_in_dpkgs_words() {
    for (flag, text) in [
        (b'S', "unsupported GNU tar header type 'S'"),
        (b'M', "unsupported GNU tar header type 'M'"),
        (b'x', "unsupported PAX tar header type 'x'"),
        (b'A', "unsupported Solaris tar header type 'A'"),
        (b'7', "unknown tar header type '7'"),
    ] {
        assert_eq!(read(&header(b"f", flag, 0, |_| {})).1.unwrap(), text);
    }
    let mut bad = header(b"f", b'0', 0, |_| {});
    bad[0] = b'g';
    assert_eq!(read(&bad).1.unwrap(), "invalid tar header checksum");
    let field = |at: usize| read(&header(b"f", b'0', 0, |h| h[at] = b'9')).1.unwrap();
    assert_eq!(
        field(124),
        "invalid tar header size field (Numerical result out of range)"
    );
    assert_eq!(
        field(108),
        "invalid tar header uid field (Numerical result out of range)"
    );
    assert_eq!(
        read(&header(b"", b'0', 0, |_| {})).1.unwrap(),
        "invalid tar header with empty name field"
    );
    assert_eq!(read(&[1; 100]).1.unwrap(), "partially read tar header");
}

#[test]
fn cut_data_is_an_error() {
    let mut archive = header(b"f", b'0', 600, |_| {});
    archive.extend([7; 512]);
    let mut tar = TarReader::new(&archive[..]);
    tar.next_entry().unwrap().unwrap();
    let e = tar.read_to_end(&mut Vec::new()).unwrap_err();
    assert_eq!(
        take_error(e, || msg!("")).to_string(),
        "unexpected end of file or stream"
    );
    assert_eq!(
        read(&archive).1.unwrap(),
        "unexpected end of file or stream"
    );
}

#[test]
fn no_bytes_make_it_panic() {
    let mut state = 7u32;
    let mut archive = header(b"./a", b'L', 5, |_| {});
    archive.extend(data(b"hello"));
    archive.extend(header(b"./b", b'0', 5, |_| {}));
    archive.extend(data(b"hello"));
    for _ in 0..2_000 {
        let mut mutated = archive.clone();
        for _ in 0..4 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let at = (state >> 8) as usize % mutated.len();
            mutated[at] = state as u8;
        }
        let _ = read(&mutated);
    }
}
