//! Whole files in and out. The expectations are what dpkg 1.22.22 was seen to do
//! (`dpkg --admindir=D --set-selections </dev/null`).

use super::*;
use crate::arch::ArchTable;
use crate::pkg::Which;
use crate::report::{Event, Reporter};

#[derive(Default)]
struct Heard(Vec<String>);
impl Reporter for Heard {
    fn event(&mut self, event: &Event<'_>) {
        if let Event::Warning(m) = event {
            self.0.push(m.to_string());
        }
    }
}

/// The file written again, with the warnings, or the error.
fn again(text: &str, flags: ParseFlags) -> Result<(String, Vec<String>), String> {
    let mut table = PkgTable::new(ArchTable::new("amd64"));
    let mut heard = Heard::default();
    parse_bytes(b"F", text.as_bytes(), flags, &mut table, &mut heard).map_err(|e| e.to_string())?;
    let which = match flags.contains(ParseFlags::RECORD_AVAILABLE) {
        true => Which::Available,
        false => Which::Installed,
    };
    let mut out = Vec::new();
    write_stanzas(&mut out, std::path::Path::new("F"), &table, which).map_err(|e| e.to_string())?;
    let out = String::from_utf8_lossy(&out).into_owned();
    Ok((out, heard.0))
}

fn with(extra: &str) -> String {
    format!(
        "Package: a\nStatus: install ok installed\nMaintainer: m\nArchitecture: amd64\nVersion: 1\nDescription: d\n{extra}"
    )
}

fn status(extra: &str) -> Result<(String, Vec<String>), String> {
    again(&with(extra), ParseFlags::STATUS)
}

#[test]
fn fields_come_out_in_dpkgs_order_and_spelling() {
    let text = "Zz: last\nVersion: 0:1-1\nDEPENDS: b(>=1)|c:any , \n d\nConffiles:\n /x  h\n ./y h obsolete\nDescription: d\n  e\nArchitecture: i386\nmaintainer:m\nStatus: INSTALL ok installed\nPackage: A\nEssential: no\nPriority: unknown\n";
    let expected = "Package: a\nStatus: install ok installed\nPriority: unknown\nMaintainer: m\nArchitecture: i386\nVersion: 1-1\nDepends: b (>= 1) | c:any, d\nConffiles:\n /x  h\n /y h obsolete\nDescription: d\n  e\nZz: last\n\n";
    assert_eq!(
        again(text, ParseFlags::STATUS),
        Ok((expected.to_owned(), vec![]))
    );
}

#[test]
fn errors_name_the_place() {
    for (extra, error) in [
        (
            "Version: 2\n",
            "parsing file 'F' near line 7 package 'a':\n duplicate value for 'Version' field",
        ),
        (
            "X: 1\n",
            "parsing file 'F' near line 7 package 'a':\n user-defined field name 'X' too short",
        ),
        (
            "Essential: yesterday\n",
            "parsing file 'F' near line 7 package 'a':\n boolean (yes/no) 'Essential' field: has trailing junk",
        ),
        (
            "Config-Version: 2\n",
            "parsing file 'F' near line 8 package 'a':\n 'Config-Version' field present for package with inappropriate 'Status' field",
        ),
        (
            "Filename: x\n",
            "parsing file 'F' near line 7 package 'a':\n archive details 'Filename' field not allowed in status file",
        ),
        (
            "Conffiles:\n /etc/a\n",
            "parsing file 'F' near line 8 package 'a':\n value for 'Conffiles' field has malformed line '/etc/a'",
        ),
        (
            "Depends: b (= 1 2)\n",
            "parsing file 'F' near line 7 package 'a':\n 'Depends' field, reference to 'b': version contains '2' instead of ')'",
        ),
        (
            "\nPackage: a\nArchitecture: i386\nStatus: install ok installed\nVersion: 1\nDescription: d\nMaintainer: m\n",
            "parsing file 'F' near line 14 package 'a:i386':\n multiple non-coinstallable package instances present; most probably due to an upgrade from an unofficial dpkg",
        ),
    ] {
        assert_eq!(status(extra), Err(error.to_owned()), "{extra}");
    }
}

#[test]
fn oddities_are_warned_about() {
    for (extra, warning, written) in [
        (
            "Xx: a\n \n b\n",
            "parsing file 'F' near line 7 package 'a':\n blank line in value of field 'Xx'",
            "Xx: a\n \n b\n\n",
        ),
        (
            "Depends: b (< 1)\n",
            "parsing file 'F' near line 7 package 'a':\n 'Depends' field, reference to 'b':\n '<' is obsolete, use '<=' or '<<' instead",
            "Depends: b (<= 1)\nDescription: d\n\n",
        ),
        (
            "Package-Revision: 5\n",
            "parsing file 'F' near line 7 package 'a':\n obsolete 'Package-Revision' field used",
            "Version: 1-5\nDescription: d\n\n",
        ),
    ] {
        let (out, heard) = status(extra).expect(extra);
        assert_eq!(heard, [warning]);
        assert!(out.ends_with(written), "{out}");
    }
}

#[test]
fn what_is_neither_installed_nor_wanted_is_forgotten() {
    for (line, kept) in [
        ("purge ok not-installed", false),
        ("unknown ok not-installed", false),
        ("hold ok not-installed", true),
        ("purge reinstreq not-installed", true),
    ] {
        let text = with("").replace("install ok installed", line);
        let (out, _) = again(&text, ParseFlags::STATUS).expect(line);
        assert_eq!(!out.is_empty(), kept, "{line}");
    }
}

#[test]
fn pending_triggers_turn_round_at_each_reading() {
    let text = with("Triggers-Pending: x y z\n").replace("ok installed", "ok triggers-pending");
    let (out, _) = again(&text, ParseFlags::STATUS).expect("once");
    assert!(out.ends_with("\nTriggers-Pending: z y x\n\n"), "{out}");
    let (out, _) = again(&out, ParseFlags::STATUS).expect("twice");
    assert!(out.ends_with("\nTriggers-Pending: x y z\n\n"), "{out}");
}

#[test]
fn available_keeps_the_newest() {
    let stanza = |v: &str, file: &str| {
        format!(
            "Package: a\nMaintainer: m\nArchitecture: amd64\nVersion: {v}\nFilename: {file}\nSize: 5\nDescription: d\n\n"
        )
    };
    let both = stanza("2", "new") + &stanza("1", "old");
    let (out, _) = again(&both, ParseFlags::AVAILABLE).expect("read");
    assert_eq!(out, stanza("2", "new"));
}

#[test]
fn an_archive_has_one_stanza() {
    let text = "Package: a\nMaintainer: m\nArchitecture: amd64\nVersion: 1\nDescription: d\n";
    assert!(again(text, ParseFlags::BINARY).is_ok());
    assert_eq!(
        again("\n", ParseFlags::BINARY),
        Err("no package information in 'F'".to_owned())
    );
    assert_eq!(
        again(&format!("{text}\n{text}"), ParseFlags::BINARY),
        Err("parsing file 'F' near line 12 package 'a':\n several package info entries found, only one allowed".to_owned())
    );
    assert_eq!(
        again(&format!("{text}Status: install ok installed\n"), ParseFlags::BINARY),
        Err("parsing file 'F' near line 6 package 'a':\n value for 'Status' field not allowed in this context".to_owned())
    );
}

/// What is said of a status file of which so much is read, and the names that are known then.
fn said(text: &str, scope: &Scope) -> (Vec<String>, Vec<String>) {
    let mut table = PkgTable::new(ArchTable::new("amd64"));
    let mut heard = Heard::default();
    let fed = parse::Parser::new(b"F", ParseFlags::STATUS, scope, &mut heard)
        .feed(text.as_bytes(), &mut table);
    heard.0.extend(fed.err().map(|e| e.to_string()));
    let sets = table.sets_in_hash_order();
    let names = sets.iter().map(|s| table[*s].name.to_string()).collect();
    (heard.0, names)
}

#[test]
fn what_is_left_out_is_checked_all_the_same() {
    let scope = Scope::Some(Part {
        mentioned: true,
        ..Part::default()
    });
    let mut left_out = 0;
    for field in [
        "Depends: b (>= 1:1.0~a-1), c:any | d (<< 2), e",
        "Provides: b (= 1), c",
        "Conflicts: b (= 1-), c (<< 2)",
        "Conffiles:\n /etc/b 0123456789abcdef0123456789abcdef obsolete\n /c 0123456789abcdef0123456789abcdef",
        "Maintainer: m\nDescription: d",
        "Maintainer:\nBugs: b",
        "Section: s\nSection: s",
    ] {
        let mut texts = vec![field.to_owned()];
        let replacements = "\0 \n\t,|():<>=-~.+_/1aZ:\u{e9}";
        for (at, old) in field.char_indices() {
            for new in replacements.chars() {
                texts.push(format!("{}{new}{}", &field[..at], &field[at..]));
                texts.push(format!(
                    "{}{new}{}",
                    &field[..at],
                    &field[at + old.len_utf8()..]
                ));
            }
            texts.push(format!("{}{}", &field[..at], &field[at + old.len_utf8()..]));
        }
        for field in texts {
            for state in ["ok installed", "ok not-installed", "ok half-installed"] {
                let text = format!(
                    "Package: a\nStatus: install {state}\nArchitecture: amd64\nVersion: 1\n{field}\n"
                );
                let whole = said(&text, &Scope::All);
                assert_eq!(said(&text, &scope), whole, "{text:?}");
                left_out += usize::from(whole.0.is_empty());
            }
        }
    }
    assert!(left_out > 1000, "{left_out}");
}

#[test]
fn of_packages_that_are_named_all_is_kept() {
    let text = with("Depends: b\n") + "\n" + &with("Depends: b\n").replace(": a", ": c");
    let scope = Scope::Some(Part::of_arguments([&b"C:amd64"[..]]));
    let mut table = PkgTable::new(ArchTable::new("amd64"));
    let mut heard = Heard::default();
    let mut parser = parse::Parser::new(b"F", ParseFlags::STATUS, &scope, &mut heard);
    parser.feed(text.as_bytes(), &mut table).expect("status");
    let mut depends = |name| {
        let pkg = table.find_singleton(name).expect("one");
        table[pkg].installed.depends.len()
    };
    assert_eq!((depends("a"), depends("c")), (0, 1));
}
