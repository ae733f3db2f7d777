use std::io::{Read as _, Write as _};

use super::*;
use crate::msg;

fn pack(params: &Params, data: &[u8]) -> Vec<u8> {
    let mut encoder = Encoder::new(params, Vec::new(), msg!("packing")).unwrap();
    for piece in data.chunks(70_001) {
        encoder.write_all(piece).unwrap();
    }
    encoder.finish().unwrap()
}

fn unpack(compressor: Compressor, data: &[u8]) -> (Vec<u8>, Option<String>) {
    let mut out = Vec::new();
    let mut decoder = Decoder::new(&Params::new(compressor), data, msg!("D"), 4).unwrap();
    let error = decoder.read_to_end(&mut out).err();
    let text = error.map(|e| crate::archive::take_error(e, || msg!("?")).to_string());
    (out, text)
}

fn checked(compressor: Compressor) -> Params {
    let mut params = Params::new(compressor);
    params.check().unwrap();
    params
}

/// Bytes that compress, but not to nothing.
fn sample(len: usize) -> Vec<u8> {
    let mut state = 1u32;
    (0..len)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 28) as u8
        })
        .collect()
}

#[test]
fn every_format_round_trips() {
    for compressor in Compressor::ALL {
        for len in [0, 1, 131_072, 700_000] {
            let data = sample(len);
            let packed = pack(&checked(compressor), &data);
            let (out, error) = unpack(compressor, &packed);
            assert_eq!(error, None, "{compressor:?} {len}");
            assert!(out == data, "{compressor:?} {len}");
        }
    }
}

#[test]
fn words_for_cut_input() {
    // Seen from dpkg-deb 1.22.22 with members cut in half.
    let cut = |c: Compressor| {
        let packed = pack(&checked(c), &sample(300_000));
        unpack(c, &packed[..packed.len() / 2]).1
    };
    assert_eq!(
        cut(Compressor::Gzip).unwrap(),
        "D: internal gzip read error: buffer error"
    );
    assert_eq!(
        cut(Compressor::Xz).unwrap(),
        "D: lzma error: internal error (bug)"
    );
    assert_eq!(
        cut(Compressor::Lzma).unwrap(),
        "D: lzma error: internal error (bug)"
    );
    assert_eq!(
        cut(Compressor::Bzip2).unwrap(),
        "D: internal bzip2 read error: 'UNEXPECTED_EOF'"
    );
    assert_eq!(cut(Compressor::Zstd), None);
    assert_eq!(cut(Compressor::None), None);
}

#[test]
fn words_for_wrong_input() {
    let word = |c, data: &[u8]| unpack(c, data).1;
    let junk = b"this is no compressed data at all";
    assert_eq!(
        word(Compressor::Xz, junk).unwrap(),
        "D: lzma error: file format not recognized"
    );
    assert_eq!(
        word(Compressor::Bzip2, junk).unwrap(),
        "D: internal bzip2 read error: 'DATA_ERROR_MAGIC'"
    );
    assert_eq!(
        word(Compressor::Zstd, junk).unwrap(),
        "D: zstd error: Unknown frame descriptor"
    );
    // gzread passes on what has no gzip magic.
    assert_eq!(unpack(Compressor::Gzip, junk), (junk.to_vec(), None));
    let mut gz = pack(&checked(Compressor::Gzip), b"abc");
    let at = gz.len() - 8;
    gz[at] ^= 1;
    assert_eq!(
        word(Compressor::Gzip, &gz).unwrap(),
        "D: internal gzip read error: '<fd:4>: incorrect data check'"
    );
}

#[test]
fn what_follows_a_stream_is_left_alone() {
    for compressor in Compressor::ALL {
        if matches!(compressor, Compressor::None | Compressor::Lzma) {
            continue;
        }
        let mut packed = pack(&checked(compressor), b"abc");
        packed.extend_from_slice(b"trailing");
        assert_eq!(unpack(compressor, &packed), (b"abc".to_vec(), None));
    }
    // Concatenated members: gzip goes on, the others stop.
    for (compressor, want) in [
        (Compressor::Gzip, &b"abcabc"[..]),
        (Compressor::Xz, b"abc"),
        (Compressor::Zstd, b"abc"),
        (Compressor::Bzip2, b"abc"),
    ] {
        let packed = pack(&checked(compressor), b"abc").repeat(2);
        assert_eq!(unpack(compressor, &packed), (want.to_vec(), None));
    }
}

#[test]
fn parameters_are_checked_as_dpkg_does() {
    let check = |compressor, level, strategy| {
        let mut params = Params {
            compressor,
            level,
            strategy,
            threads_max: -1,
        };
        params
            .check()
            .map(|()| (params.compressor, params.level))
            .map_err(|e| e.to_string())
    };
    use Compressor::*;
    assert_eq!(check(Gzip, -1, Strategy::None), Ok((Gzip, 9)));
    assert_eq!(check(Gzip, 0, Strategy::None), Ok((None, 0)));
    assert_eq!(check(Xz, -1, Strategy::Extreme), Ok((Xz, 6)));
    assert_eq!(check(Zstd, 19, Strategy::None), Ok((Zstd, 19)));
    assert_eq!(
        check(Zstd, 23, Strategy::None),
        Err("invalid compression level 23".into())
    );
    assert_eq!(
        check(Xz, 10, Strategy::None),
        Err("invalid compression level 10".into())
    );
    assert_eq!(
        check(Xz, 6, Strategy::Rle),
        Err("unknown compression strategy".into())
    );
}

#[test]
fn memory_information() {
    let text = b"MemTotal: 9 kB\nMemFree:  1 kB\nBuffers: 2 kB\nSwapCached: 7 kB\nCached: 3 kB\n";
    assert_eq!(meminfo_available(text), Some(6 * 1024));
    assert_eq!(meminfo_available(b"MemFree: 1 kB\n"), Option::None);
    assert_eq!(
        meminfo_available(b"MemFree: x kB\nBuffers: 1 kB\nCached: 1 kB\n"),
        Option::None
    );
}
