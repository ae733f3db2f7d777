//! The words for what fsck finds and does.

use libdpkgng::db::Dirs;
use libdpkgng::fsck::{Action, Fault, Kind, Repair, Source, WayOut, Where};

/// What is wrong, as a sentence without its end.
pub fn sentence(kind: Kind) -> &'static str {
    match kind {
        Kind::Missing => "the file is missing",
        Kind::Empty => "the file is empty",
        Kind::NotRegular => "not a regular file, or larger than any such file is",
        Kind::Unreadable => "cannot be read",
        Kind::ZeroFilled => "NUL bytes, as in blocks that never reached the disk",
        Kind::NoFinalNewline => "the last line has no newline: something may be cut off",
        Kind::Syntax => "dpkg cannot read this",
        Kind::Duplicate => "the entry is there twice",
        Kind::EmptyLine => "an empty line",
        Kind::EntriesLost => "entries are lost that the copy has and the system still follows",
        Kind::BadPath => "not a path that a package can have",
        Kind::StanzaLost => "the package has its files, but no stanza",
        Kind::JournalDamaged => "a note of dpkg without a single whole stanza",
        Kind::UnknownUser => "an override for a user that does not exist",
        Kind::UnknownGroup => "an override for a group that does not exist",
        Kind::UnknownDiverter => "a diversion by a package that is not installed",
        Kind::ListMissing => "files list file for package missing",
        Kind::NotListed => "the list lacks files that md5sums has",
        Kind::NotExecutable => "the script is not executable",
        Kind::NoInterpreter => "the script does not begin with #!",
        Kind::WrongQualifier => "the name has an architecture too much or too little",
        Kind::NotInstalled => "of a package that is not installed",
        Kind::Leftover => "left behind by a run that ended early",
        Kind::ConffileMissing => "the configuration file was removed",
        Kind::InterestMissing => "an interest in a trigger is lost",
        Kind::InterestStale => "an interest that no installed package has",
        Kind::LinkMissing => "the link of an alternative is missing",
        Kind::LinkDangling => "the link of an alternative leads to nothing",
        Kind::LinkElsewhere => "the link of an alternative leads elsewhere",
        Kind::NotALink => "not a link, where an alternative has one",
        Kind::GroupLost => "the file of this group of alternatives is lost, its link is not",
        Kind::FileMissing => "a file of the package is missing",
        Kind::FileChanged => "a file of the package has other content than md5sums says",
        Kind::FileType => "a file of the package is no regular file any more",
    }
}

/// Bytes for a terminal: what is no printable text is shown as `\xNN`.
pub fn printable(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c.is_control() {
                true => c
                    .to_string()
                    .bytes()
                    .for_each(|b| out.push_str(&format!("\\x{b:02x}"))),
                false => out.push(c),
            }
        }
        chunk
            .invalid()
            .iter()
            .for_each(|b| out.push_str(&format!("\\x{b:02x}")));
    }
    out
}

/// The path of a file on this machine.
pub fn path(file: &Where, dirs: &Dirs) -> String {
    printable(&file.shown(dirs))
}

/// `FILE:LINE: error: what it is (package NAME): detail [kind]`
pub fn fault(fault: &Fault, dirs: &Dirs) -> String {
    let mut out = path(&fault.file, dirs);
    if let Some(line) = fault.line {
        out.push_str(&format!(":{line}"));
    }
    out.push_str(&format!(
        ": {}: {}",
        fault.severity().as_str(),
        sentence(fault.kind)
    ));
    if let Some(package) = &fault.package {
        out.push_str(&format!(" (package {})", printable(package.as_bytes())));
    }
    if !fault.detail.is_empty() {
        out.push_str(&format!(": {}", printable(&fault.detail)));
    }
    out
}

/// From where a repair takes what it puts in place.
pub fn source(source: &Source, dirs: &Dirs) -> Option<String> {
    match source {
        Source::Itself => None,
        Source::Database => Some("the rest of the database".into()),
        Source::Copy(files) => {
            let shown: Vec<String> = files.iter().map(|f| path(f, dirs)).collect();
            Some(shown.join(", "))
        }
        Source::Archive(file) => Some(printable(file)),
    }
}

/// What a repair does, in the imperative.
pub fn repair(repair: &Repair, dirs: &Dirs) -> String {
    let from = source(&repair.source, dirs)
        .map(|s| format!(" from {s}"))
        .unwrap_or_default();
    match &repair.action {
        Action::Write { .. } => format!("write it anew{from}"),
        Action::SetAside(_) => "move it away".into(),
        Action::Rename(_, to) => format!("rename it to {}", path(to, dirs)),
        Action::Link(_, target) => format!("link it to {}", printable(target)),
        Action::Mode(_, mode) => format!("give it mode {mode:04o}"),
        Action::Extract { .. } => format!("put it back{from}"),
    }
}

/// What a person may do; nothing where nothing needs to be done.
pub fn way_out(way: &WayOut, dirs: &Dirs) -> Option<String> {
    match way {
        WayOut::Nothing => None,
        WayOut::Reinstall(package) => Some(format!(
            "apt-get install --reinstall {}",
            printable(package.as_bytes())
        )),
        WayOut::Run(command) => Some(printable(command.as_bytes())),
        WayOut::Edit(None) => Some("correct it with an editor".into()),
        WayOut::Edit(Some(copy)) => Some(format!(
            "correct it with an editor; {} may help",
            path(copy, dirs)
        )),
        WayOut::MoveAway => Some("move it away".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_text() {
        assert_eq!(printable("a ü\u{1b}[1m".as_bytes()), "a ü\\x1b[1m");
        assert_eq!(
            printable(b"a\xff\0\nb\xc2\x9b"),
            "a\\xff\\x00\\x0ab\\xc2\\x9b"
        );
    }

    #[test]
    fn every_kind_has_a_sentence_of_its_own() {
        let mut sentences: Vec<&str> = Kind::ALL.iter().map(|k| sentence(*k)).collect();
        sentences.sort();
        sentences.dedup();
        assert_eq!(sentences.len(), Kind::ALL.len());
    }
}
