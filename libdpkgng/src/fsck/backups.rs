//! `/var/backups`, where dpkg-db-backup keeps a week of copies: `NAME.0`, then `NAME.1.gz` and on.

use std::io::Read as _;

use super::scan::{Scan, read};
use super::{FILE_MAX, Where, text};
use crate::archive::compress::{Compressor, Decoder, Params};
use crate::archive::tar::{Kind as Entry, TarReader};
use crate::msg;

/// How many copies are looked for.
const COPIES: usize = 7;

/// A copy of a file.
pub(super) struct Copy {
    /// The copy itself.
    pub file: Where,
    /// What is in it, unpacked.
    pub data: Vec<u8>,
    /// When the content last changed: copies keep the time of what they are of.
    pub mtime: i64,
}

/// The copies of a file, the newest first. What cannot be read is no help, and passed over.
pub(super) fn of(scan: &Scan<'_>, name: &[u8]) -> Vec<Copy> {
    let mut found = Vec::new();
    for number in 0..COPIES {
        for suffix in ["", ".gz"] {
            let path = format!(
                "/var/backups/{}.{number}{suffix}",
                String::from_utf8_lossy(name)
            );
            let file = Where::System(path.into_bytes());
            let spot = file.spot(scan.dirs);
            let (Ok(Some(Some(data))), Ok(stat)) = (read(&spot), spot.stat()) else {
                continue;
            };
            let mtime = stat.mtime;
            let data = match suffix {
                "" => Some(data),
                _ => unpacked(&data),
            };
            found.extend(data.map(|data| Copy { file, data, mtime }));
        }
    }
    found
}

/// What is in a file of gzip, if it is whole and not too large.
fn unpacked(data: &[u8]) -> Option<Vec<u8>> {
    let params = Params::new(Compressor::Gzip);
    let decoder = Decoder::new(&params, data, msg!("backup"), -1).ok()?;
    let mut out = Vec::new();
    decoder.take(FILE_MAX + 1).read_to_end(&mut out).ok()?;
    (out.len() as u64 <= FILE_MAX).then_some(out)
}

/// A copy of a damaged file of the database that was made of it as it was: it has its time, and what is left
/// of the file agrees.
pub(super) fn of_same_time(scan: &Scan<'_>, name: &[u8], damaged: &[u8]) -> Option<Copy> {
    let stat = Where::Admin(name.to_vec()).spot(scan.dirs).stat().ok()?;
    let copies = of(scan, &[b"dpkg.", name].concat()).into_iter();
    let mut same = copies.filter(|c| c.mtime == stat.mtime && text::explains(damaged, &c.data));
    same.next()
}

/// The copies of a file of `alternatives/`, the newest first.
pub(super) fn of_alternative(scan: &Scan<'_>, name: &[u8]) -> Vec<(Where, Vec<u8>)> {
    let wanted = [b"alternatives/", name].concat();
    let archives = of(scan, b"alternatives.tar");
    let member = |Copy { file, data, .. }: Copy| {
        let mut tar = TarReader::new(&data[..]);
        while let Ok(Some(entry)) = tar.next_entry() {
            let path = entry.name.strip_prefix(b"./").unwrap_or(&entry.name);
            if entry.kind == Entry::File && path == wanted {
                let mut content = Vec::new();
                tar.read_to_end(&mut content).ok()?;
                return Some((file, content));
            }
        }
        None
    };
    archives.into_iter().filter_map(member).collect()
}
