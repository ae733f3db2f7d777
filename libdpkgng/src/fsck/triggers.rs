//! `triggers/`: who is interested in what, against what the packages' own `triggers` files state.
//!
//! `File` and the files by trigger name hold nothing that those do not: they can be made again at any time. A damaged
//! `Unincorp` is set aside: dpkg, finding none, takes every trigger as activated.

use std::collections::BTreeMap;

use super::scan::{Content, Scan};
use super::{Action, Fault, Kind, Repair, Source, WayOut, Where, text};
use crate::db::trigdb::deferred::{Receiver, parse};
use crate::error::Result;
use crate::name::{check_package, check_trigger};
use crate::pkg::{NameWhen, PkgId, Which};
use crate::state::Status;

/// What is in the directory that is no trigger's.
const OTHERS: [&[u8]; 4] = [b"File", b"Unincorp", b"Lock", b"Unincorp.new"];

/// An interest: trigger and package, each as the files have them.
type Interest = (Vec<u8>, Vec<u8>);

pub(super) fn check(scan: &mut Scan<'_>) {
    let stated = stated(scan);
    let names = scan.names(&Where::Admin(b"triggers".to_vec()));
    let mut files: Vec<Vec<u8>> = stated.keys().map(|(trigger, _)| file_of(trigger)).collect();
    files.extend(names.into_iter().filter(|n| !OTHERS.contains(&&n[..])));
    files.push(b"File".to_vec());
    files.sort();
    files.dedup();
    for name in files {
        interests(scan, &name, &stated);
    }
    unincorporated(scan);
}

/// In which file an interest is.
fn file_of(trigger: &[u8]) -> Vec<u8> {
    match trigger.first() {
        Some(b'/') => b"File".to_vec(),
        _ => trigger.to_vec(),
    }
}

/// What packages state, each with its option.
fn stated(scan: &mut Scan<'_>) -> BTreeMap<Interest, &'static [u8]> {
    let mut found = BTreeMap::new();
    for pkg in scan.packages() {
        let stem = scan.stem(pkg);
        if !scan.is_unpacked(pkg) || !scan.has_control_file(&stem, "triggers") {
            continue;
        }
        let file = scan.control_file(pkg, "triggers");
        let Content::Data(data) = scan.read(&file) else {
            continue;
        };
        let table = &scan.db.table;
        let name = table
            .bin_name(pkg, Which::Installed, NameWhen::Same)
            .into_bytes();
        for (line, content) in text::lines(&data) {
            match directive(content) {
                Ok(Some((trigger, option))) => {
                    found.insert((trigger.to_vec(), name.clone()), option);
                }
                Ok(None) => {}
                Err(()) => damaged(scan, pkg, &file, line, content),
            }
        }
    }
    found
}

fn damaged(scan: &mut Scan<'_>, pkg: PkgId, file: &Where, line: usize, content: &[u8]) {
    // Of one that is filled with NULs that was said.
    if content.contains(&0) {
        return;
    }
    let wanted = scan.wanted(pkg);
    let repair = scan.debs.find(&wanted).and_then(|archive| {
        let (content, _) = archive.control.get(&b"triggers"[..])?;
        let source = Source::Archive(archive.path.as_os_str().as_encoded_bytes().to_vec());
        let (file, content) = (file.clone(), content.clone());
        Some(Repair::new(
            Action::Write {
                file,
                content,
                mode: None,
            },
            source,
        ))
    });
    let name = scan.name(pkg);
    let fault = Fault::new(Kind::Syntax, file.clone())
        .at(line)
        .of(&name)
        .detail(content);
    let fault = fault.way_out(WayOut::Reinstall(name)).wants(&wanted);
    scan.fault(fault.repair(repair));
}

/// A trigger, and an option.
type Directive<'l> = (&'l [u8], &'static [u8]);

/// An interest that a line states, and its option; an error for what dpkg does not take.
fn directive(line: &[u8]) -> Result<Option<Directive<'_>>, ()> {
    let mut words = line
        .split(|c| matches!(c, b' ' | b'\t'))
        .filter(|w| !w.is_empty());
    let (Some(word), trigger) = (words.next(), words.next()) else {
        return Ok(None);
    };
    if word.first() == Some(&b'#') {
        return Ok(None);
    }
    let trigger = trigger
        .filter(|t| words.next().is_none() && check_trigger(t).is_none())
        .ok_or(())?;
    match word {
        b"interest" | b"interest-await" => Ok(Some((trigger, b""))),
        b"interest-noawait" => Ok(Some((trigger, b"/noawait"))),
        b"activate" | b"activate-await" | b"activate-noawait" => Ok(None),
        _ => Err(()),
    }
}

/// A line of an interest file: trigger, package, option.
fn interest<'l>(file: &'l [u8], line: &'l [u8]) -> Option<(&'l [u8], &'l [u8])> {
    let (trigger, rest) = match file {
        b"File" => {
            let space = memchr::memchr(b' ', line).filter(|_| line.first() == Some(&b'/'))?;
            (line.get(..space)?, line.get(space + 1..)?)
        }
        name => (name, line),
    };
    let package = rest.split(|c| *c == b'/').next()?;
    let name = package.split(|c| *c == b':').next()?;
    check_package(name).is_none().then_some((trigger, package))
}

fn interests(scan: &mut Scan<'_>, name: &[u8], stated: &BTreeMap<Interest, &'static [u8]>) {
    let file = Where::Admin([b"triggers/", name].concat());
    let data = match scan.read(&file) {
        Content::Unread => return,
        Content::Missing => Vec::new(),
        Content::Data(data) => data,
    };
    let fault = |kind, line| Fault::new(kind, file.clone()).at(line);
    let mut faults = Vec::new();
    if let Some(line) = text::nul_line(&data) {
        faults.push(fault(Kind::ZeroFilled, line));
    } else if !text::is_terminated(&data) {
        faults.push(fault(Kind::NoFinalNewline, text::line_count(&data)));
    }
    let mut kept: Vec<(Interest, &[u8])> = Vec::new();
    let mut damaged = !faults.is_empty();
    for (line, content) in text::lines(&data) {
        if content.contains(&0) {
            break;
        }
        let Some((trigger, package)) = interest(name, content) else {
            faults.push(fault(Kind::Syntax, line).detail(content));
            damaged = true;
            continue;
        };
        let key = (trigger.to_vec(), package.to_vec());
        let shown = String::from_utf8_lossy(package).into_owned();
        if kept.iter().any(|(k, _)| *k == key) {
            faults.push(fault(Kind::Duplicate, line).of(&shown).detail(trigger));
            damaged = true;
        } else if !stated.contains_key(&key) {
            // What the last, cut line says is no interest.
            // Nor is one of a package that is on its way in or out.
            if !damaged && scan.status_is_whole && !is_half_installed(scan, package) {
                faults.push(fault(Kind::InterestStale, line).of(&shown).detail(trigger));
            }
        } else {
            kept.push((key, content));
        }
    }
    let cut = !text::is_terminated(&data);
    if cut {
        // Its option may be cut off.
        let last = data.split(|c| *c == b'\n').next_back().unwrap_or_default();
        kept.retain(|(_, line)| *line != last);
    }
    let mut lines: Vec<Vec<u8>> = kept.iter().map(|(_, line)| line.to_vec()).collect();
    for ((trigger, package), option) in stated.iter().filter(|((t, _), _)| file_of(t) == name) {
        let key = (trigger.clone(), package.clone());
        if kept.iter().any(|(k, _)| *k == key) {
            continue;
        }
        if !cut && text::nul_line(&data).is_none() {
            let package = String::from_utf8_lossy(package).into_owned();
            let fault = Fault::new(Kind::InterestMissing, file.clone());
            faults.push(fault.of(&package).detail(trigger.clone()));
        }
        let head: &[u8] = if name == b"File" { trigger } else { b"" };
        let space: &[u8] = if name == b"File" { b" " } else { b"" };
        lines.push([head, space, package, option].concat());
    }
    if faults.is_empty() {
        return;
    }
    let action = match lines.is_empty() {
        true => Action::SetAside(file.clone()),
        false => Action::Write {
            file: file.clone(),
            content: text::join(lines.iter().map(|l| &l[..])),
            mode: None,
        },
    };
    // What packages state is known only if it is known which there are.
    let repair = scan
        .status_is_whole
        .then(|| Repair::new(action, Source::Database));
    for fault in faults {
        scan.fault(fault.way_out(WayOut::Edit(None)).repair(repair.clone()));
    }
}

fn is_half_installed(scan: &Scan<'_>, package: &[u8]) -> bool {
    let table = &scan.db.table;
    let half = |p: &PkgId| table[*p].status() == Status::HalfInstalled;
    let named = |p: &PkgId| {
        table
            .bin_name(*p, Which::Installed, NameWhen::Same)
            .as_bytes()
            == package
    };
    scan.packages().iter().any(|p| half(p) && named(p))
}

/// Nothing is to be done with what is read.
struct Reader;

impl Receiver for Reader {
    fn begin(&mut self, _: &[u8]) -> Result<()> {
        Ok(())
    }
    fn package(&mut self, _: &[u8]) -> Result<()> {
        Ok(())
    }
    fn end(&mut self) -> Result<()> {
        Ok(())
    }
}

fn unincorporated(scan: &mut Scan<'_>) {
    let file = Where::Admin(b"triggers/Unincorp".to_vec());
    let Content::Data(data) = scan.read(&file) else {
        return;
    };
    let spot = file.spot(scan.dirs);
    let fault = if let Some(line) = text::nul_line(&data) {
        Fault::new(Kind::ZeroFilled, file.clone()).at(line)
    } else if !text::is_terminated(&data) {
        Fault::new(Kind::NoFinalNewline, file.clone()).at(text::line_count(&data))
    } else {
        let mut wrong = None;
        for (line, content) in text::lines(&data) {
            let one = [content, b"\n"].concat();
            if content.is_empty() || parse(&one, &spot, &mut Reader).is_err() {
                wrong = Some((line, content));
                break;
            }
        }
        let Some((line, content)) = wrong else {
            return;
        };
        Fault::new(Kind::Syntax, file.clone())
            .at(line)
            .detail(content)
    };
    let repair = Repair::new(Action::SetAside(file), Source::Itself);
    scan.fault(fault.way_out(WayOut::MoveAway).repair(Some(repair)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_of_packages() {
        let read = |line: &'static str| directive(line.as_bytes());
        assert_eq!(read("interest /a"), Ok(Some((&b"/a"[..], &b""[..]))));
        assert_eq!(
            read(" interest-noawait\tx "),
            Ok(Some((&b"x"[..], &b"/noawait"[..])))
        );
        assert_eq!(read("activate x"), Ok(None));
        assert_eq!(read("# x"), Ok(None));
        assert_eq!(read(""), Ok(None));
        assert_eq!(read("interest"), Err(()));
        assert_eq!(read("interested x"), Err(()));
    }

    #[test]
    fn lines_of_interest_files() {
        let read =
            |file: &'static str, line: &'static str| interest(file.as_bytes(), line.as_bytes());
        assert_eq!(
            read("File", "/a b:x/noawait"),
            Some((&b"/a"[..], &b"b:x"[..]))
        );
        assert_eq!(read("File", "a b"), None);
        assert_eq!(read("File", "/a"), None);
        assert_eq!(read("t", "b/noawait"), Some((&b"t"[..], &b"b"[..])));
        assert_eq!(read("t", "b c"), None);
        assert_eq!(read("t", ""), None);
    }
}
