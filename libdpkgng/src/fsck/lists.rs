//! `list` and `md5sums` of one package: what it has, and what that contains.
//!
//! Without an archive at hand, a file that lacks nothing but its last newline gets it, if the two files and the
//! system agree on the last line; a line that is there twice is dropped.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::control::{Package, shorten};
use super::scan::{Content, Scan};
use super::{Action, Fault, Kind, Repair, Source, Where, text};
use crate::digest::md5_reader;
use crate::state::Status;

/// Hexadecimal digits of an MD5 digest.
const DIGEST: usize = 32;

impl Package {
    /// Read and judge md5sums; gives the digests by path.
    pub(super) fn digests(&mut self, scan: &mut Scan<'_>) -> HashMap<Vec<u8>, Vec<u8>> {
        let file = scan.control_file(self.pkg, "md5sums");
        let mut digests = HashMap::new();
        let Content::Data(data) = scan.read(&file) else {
            return digests;
        };
        let mut faults = Vec::new();
        let mut good: Vec<&[u8]> = Vec::new();
        let fault = |kind, line| Fault::new(kind, file.clone()).at(line);
        let last = (!text::is_terminated(&data)).then(|| text::line_count(&data));
        for (line, content) in text::lines(&data) {
            if content.contains(&0) {
                faults.push(fault(Kind::ZeroFilled, line));
                break;
            }
            let cut = last == Some(line);
            if cut {
                faults.push(fault(Kind::NoFinalNewline, line));
            }
            let Some((digest, path)) = digest_line(content) else {
                if !cut {
                    faults.push(fault(Kind::Syntax, line).detail(shorten(content)));
                }
                continue;
            };
            if cut && !digest_is_whole(scan, digest, path) {
                continue;
            }
            let path = [b"/", path].concat();
            let before = digests.insert(path, digest.to_vec());
            if before.is_some_and(|before| before == digest) {
                faults.push(fault(Kind::Duplicate, line).detail(shorten(content)));
            } else {
                good.push(content);
            }
        }
        if !faults.is_empty() {
            let mut repair = self.archived(scan, &file, "md5sums");
            let harmless = |f: &Fault| match f.kind {
                Kind::Duplicate => true,
                // Else it was not taken for whole.
                Kind::NoFinalNewline => good.last().is_some_and(|line| data.ends_with(line)),
                _ => false,
            };
            if repair.is_none() && faults.iter().all(harmless) {
                repair = Some(rewrite(&file, &good));
            }
            self.faults(scan, faults, repair);
        }
        scan.digests.insert(self.pkg, digests.clone());
        digests
    }

    /// Read and judge the list.
    pub(super) fn list(&mut self, scan: &mut Scan<'_>, digests: &HashMap<Vec<u8>, Vec<u8>>) {
        let file = scan.control_file(self.pkg, "list");
        let data = match scan.read(&file) {
            Content::Unread => return,
            Content::Data(data) => data,
            Content::Missing => {
                if scan.is_unpacked(self.pkg) {
                    let repair = self.archived(scan, &file, "list");
                    self.fault(scan, Fault::new(Kind::ListMissing, file), repair);
                }
                return;
            }
        };
        let fault = |kind, line| Fault::new(kind, file.clone()).at(line);
        let mut faults = Vec::new();
        if data.is_empty() && scan.is_unpacked(self.pkg) {
            faults.push(Fault::new(Kind::Empty, file.clone()));
        }
        let mut paths: Vec<Vec<u8>> = Vec::new();
        let mut seen: HashSet<&[u8]> = HashSet::new();
        for (line, path) in text::lines(&data) {
            if path.contains(&0) {
                faults.push(fault(Kind::ZeroFilled, line));
                break;
            }
            if path.is_empty() || path == b"/" {
                faults.push(fault(Kind::EmptyLine, line));
            } else if !text::is_good_path(path) {
                faults.push(fault(Kind::BadPath, line).detail(shorten(path)));
            } else if !seen.insert(path) {
                faults.push(fault(Kind::Duplicate, line).detail(path));
            } else {
                paths.push(path.to_vec());
            }
        }
        let cut = !text::is_terminated(&data) && text::nul_line(&data).is_none();
        if cut {
            faults.push(fault(Kind::NoFinalNewline, text::line_count(&data)));
        }
        let unlisted: BTreeSet<&Vec<u8>> =
            digests.keys().filter(|p| !seen.contains(&p[..])).collect();
        // dpkg keeps the list of a package whose files are gone, for its conffiles.
        let listed_all =
            unlisted.is_empty() || scan.db.table[self.pkg].status() == Status::ConfigFiles;
        if faults.is_empty() && !listed_all {
            let count = unlisted.len();
            let first = unlisted
                .first()
                .map(|p| String::from_utf8_lossy(p).into_owned());
            let detail = match (count, first) {
                (1, Some(first)) => first,
                (_, first) => format!("{} and {} more", first.unwrap_or_default(), count - 1),
            };
            faults.push(Fault::new(Kind::NotListed, file.clone()).detail(detail));
        }
        if faults.is_empty() {
            self.digests_are_there(scan, &paths);
            scan.lists.insert(self.pkg, paths);
            return;
        }
        let mut repair = self.archived(scan, &file, "list");
        if repair.is_none() && listed_all {
            let harmless = |f: &Fault| {
                matches!(
                    f.kind,
                    Kind::Duplicate | Kind::EmptyLine | Kind::NoFinalNewline
                )
            };
            let whole = !cut || paths.last().is_some_and(|last| last_is_whole(scan, last));
            if !paths.is_empty() && whole && faults.iter().all(harmless) {
                let lines: Vec<&[u8]> = paths.iter().map(|p| &p[..]).collect();
                repair = Some(rewrite(&file, &lines));
            }
        }
        // Of what is known of its files no more is said: it may be wrong.
        self.faults(scan, faults, repair);
    }
}

impl Package {
    /// An empty md5sums is that of a package that has no files but conffiles.
    fn digests_are_there(&mut self, scan: &mut Scan<'_>, paths: &[Vec<u8>]) {
        let file = scan.control_file(self.pkg, "md5sums");
        if !file
            .spot(scan.dirs)
            .stat()
            .is_ok_and(|stat| stat.is_file() && stat.size == 0)
        {
            return;
        }
        let conffiles = &scan.db.table[self.pkg].installed.conffiles;
        let mut paths = paths
            .iter()
            .filter(|p| !conffiles.iter().any(|c| *c.name == p[..]));
        let is_file = |p: &Vec<u8>| {
            let stat = Where::System(p.clone()).spot(scan.dirs).lstat();
            stat.is_ok_and(|stat| stat.is_file())
        };
        if paths.any(is_file) {
            let repair = self.archived(scan, &file, "md5sums");
            self.fault(scan, Fault::new(Kind::Empty, file), repair);
        }
    }
}

/// The file with these lines of it.
fn rewrite(file: &Where, lines: &[&[u8]]) -> Repair {
    let action = Action::Write {
        file: file.clone(),
        content: text::join(lines.iter().copied()),
        mode: None,
    };
    Repair::new(action, Source::Itself)
}

/// Whether a line of md5sums is what the system has, so that nothing is cut off.
fn digest_is_whole(scan: &Scan<'_>, digest: &[u8], path: &[u8]) -> bool {
    let file = Where::System([b"/", path].concat()).spot(scan.dirs);
    // What cannot be read shows nothing.
    let found = file.read().and_then(|mut file| md5_reader(&mut file));
    found.is_ok_and(|found| found.as_bytes() == digest)
}

/// Whether the last path of a list is not the beginning of another: it is there, and leads to no more.
fn last_is_whole(scan: &Scan<'_>, path: &[u8]) -> bool {
    let stat = Where::System(path.to_vec()).spot(scan.dirs).lstat();
    stat.is_ok_and(|stat| !stat.is_dir())
}

/// A line of md5sums: digest and path, which has no slash in front.
fn digest_line(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let (digest, rest) = line.split_at_checked(DIGEST)?;
    let path = rest.strip_prefix(b"  ")?;
    let path = path.strip_suffix(b"/").unwrap_or(path);
    let path = path.strip_prefix(b"./").unwrap_or(path);
    let path = path.strip_prefix(b"/").unwrap_or(path);
    let hexadecimal = digest.iter().all(u8::is_ascii_hexdigit);
    (hexadecimal && !path.is_empty()).then_some((digest, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_md5sums() {
        let digest = "0123456789abcdef0123456789abcdef";
        let read = |text: String| {
            digest_line(text.as_bytes()).map(|(_, p)| String::from_utf8_lossy(p).into_owned())
        };
        assert_eq!(
            read(format!("{digest}  usr/bin/a")).as_deref(),
            Some("usr/bin/a")
        );
        assert_eq!(
            read(format!("{digest}  ./usr/bin/a")).as_deref(),
            Some("usr/bin/a")
        );
        for bad in [
            String::new(),
            digest.into(),
            format!("{digest} a"),
            format!("{digest}  "),
            format!("x{digest}  a"),
        ] {
            assert_eq!(read(bad.clone()), None, "{bad}");
        }
    }
}
