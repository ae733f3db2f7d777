use super::*;
use crate::archive::ar::ArWriter;
use crate::archive::compress::Encoder;
use crate::report::Silent;
use std::io::Write as _;

fn deb(members: &[(&str, &[u8])]) -> tempfile::NamedTempFile {
    let mut ar = ArWriter::new(Vec::new(), b"", 0);
    ar.put_magic().unwrap();
    for (name, data) in members {
        ar.put_member(name, data).unwrap();
    }
    file(&ar.into_inner())
}

fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn gz(data: &[u8]) -> Vec<u8> {
    let mut params = Params::new(Compressor::Gzip);
    params.check().unwrap();
    let mut e = Encoder::new(&params, Vec::new(), msg!("")).unwrap();
    e.write_all(data).unwrap();
    e.finish().unwrap()
}

/// What a part holds, or the error with the file called X.
fn part(file: &tempfile::NamedTempFile, part: Part) -> std::result::Result<Vec<u8>, String> {
    let name = file.path().display().to_string();
    let run = || -> Result<Vec<u8>> {
        let mut out = Vec::new();
        let mut stream = DebFile::open(file.path())?
            .member(part, &mut Silent)?
            .stream(-1)?;
        stream
            .read_to_end(&mut out)
            .map_err(|e| crate::archive::take_error(e, || msg!("?")))?;
        match stream.paste() {
            Paste::Failed(e) => Err(e),
            _ => Ok(out),
        }
    };
    run().map_err(|e| e.to_string().replace(&name, "X"))
}

const MAGIC20: (&str, &[u8]) = ("debian-binary", b"2.0\n");

#[test]
fn both_parts_in_any_order() {
    let control = gz(b"control");
    let f = deb(&[
        MAGIC20,
        ("_x", b"abc"),
        ("control.tar.gz", &control),
        ("data.tar", b"data"),
        ("junk", b""),
    ]);
    assert_eq!(part(&f, Part::Data).unwrap(), b"data");
    assert_eq!(part(&f, Part::Control).unwrap(), b"control");
}

#[test]
fn verdicts_on_members() {
    // src/at/deb-format.at of dpkg.
    let c = ("control.tar", &b"c"[..]);
    let d = ("data.tar", &b"d"[..]);
    let error = |members: &[(&str, &[u8])], p| part(&deb(members), p).unwrap_err();
    assert_eq!(
        error(&[c, d], Part::Control),
        "file 'X' is not a Debian binary archive (try dpkg-split?)"
    );
    assert_eq!(
        error(&[MAGIC20, d], Part::Control),
        "archive 'X' has premature member 'data.tar' before 'control.tar', giving up"
    );
    assert_eq!(
        error(&[MAGIC20, c], Part::Data),
        "unexpected end of file in archive member header in X"
    );
    assert_eq!(
        error(&[MAGIC20, MAGIC20, c, d], Part::Control),
        "archive 'X' has premature member 'debian-binary' before 'control.tar', giving up"
    );
    assert_eq!(
        error(&[MAGIC20, c, c, d], Part::Data),
        "archive 'X' contains two control members, giving up"
    );
    assert_eq!(
        error(&[MAGIC20, c, ("unknown", b""), d], Part::Data),
        "archive 'X' has premature member 'unknown' before 'data.tar', giving up"
    );
    assert_eq!(
        error(&[MAGIC20, ("control.tar.bz2", b"")], Part::Control),
        "archive 'X' uses unknown compression for member 'control.tar.bz2', giving up"
    );
    assert_eq!(
        error(&[("debian-binary", b"3.0\n"), c, d], Part::Control),
        "archive is format version 3.0; get a newer dpkg-deb"
    );
    assert_eq!(
        error(&[("debian-binary", b"2.0"), c, d], Part::Control),
        "archive has no newlines in header"
    );
}

#[test]
fn verdicts_on_files() {
    let error = |bytes: &[u8]| part(&file(bytes), Part::Control).unwrap_err();
    assert_eq!(
        error(b""),
        "unexpected end of file in archive magic version number in X"
    );
    assert_eq!(
        error(b"something else\n"),
        "'X' is not a Debian format archive"
    );
    assert_eq!(error(b"!<arch>\r\n"), "'X' is not a Debian format archive");
    assert_eq!(
        error(b"0.93\n"),
        "unexpected end of file in archive control member size in X"
    );
    assert_eq!(
        error(b"0.939000\nx\n"),
        "archive has malformed control member size 'x\n'"
    );
}

#[test]
fn members_cut_off() {
    let f = deb(&[MAGIC20, ("control.tar", b"c"), ("data.tar", &[1; 2000])]);
    let len = f.as_file().metadata().unwrap().len();
    f.as_file().set_len(len - 1000).unwrap();
    assert_eq!(
        part(&f, Part::Data).unwrap_err(),
        "cannot copy archive member from 'X' to decompressor pipe: unexpected end of file or stream"
    );
}

#[test]
fn the_old_format() {
    let (control, data) = (gz(b"control"), gz(b"data"));
    let mut bytes = format!("0.939000\n{}\n", control.len()).into_bytes();
    bytes.extend(&control);
    bytes.extend(&data);
    let f = file(&bytes);
    assert_eq!(part(&f, Part::Control).unwrap(), b"control");
    assert_eq!(part(&f, Part::Data).unwrap(), b"data");
    let member = DebFile::open(f.path())
        .unwrap()
        .member(Part::Control, &mut Silent)
        .unwrap();
    assert_eq!(member.version, DebVersion::OLD);
    assert_eq!(member.main_size, Some(data.len() as i64));
}

#[test]
fn format_versions() {
    // lib/dpkg/t/t-deb-version.c of dpkg.
    let ok = |text: &[u8]| DebVersion::parse(text).map(|v| (v.major, v.minor)).unwrap();
    assert_eq!(ok(b"0.0"), (0, 0));
    assert_eq!(ok(b"1.1\n"), (1, 1));
    assert_eq!(ok(b"1.001"), (1, 1));
    assert_eq!(ok(b"1.0010"), (1, 10));
    assert_eq!(ok(b"0.939000"), (0, 939_000));
    assert_eq!(ok(b"1.1\0junk"), (1, 1));
    for bad in [
        &b""[..],
        b"a",
        b"a.b",
        b"a~b",
        b" 1.1",
        b"2 .2",
        b"3. 3",
        b"4.4 ",
        b" 5.5 ",
        b"9999999999999.0",
    ] {
        assert!(DebVersion::parse(bad).is_err(), "{bad:?}");
    }
}
