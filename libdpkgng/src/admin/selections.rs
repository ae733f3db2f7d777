//! `--get-selections`, `--set-selections`, `--clear-selections`: what the administrator wants
//! of each package (select.c).

use std::io::{self, BufRead, Bytes, Read};

use super::flush;
use crate::db::Database;
use crate::db::modstatdb::{AvailMode, OpenMode};
use crate::error::{Error, OrFail, Result};
use crate::pkg::{NameWhen, PkgId, Which};
use crate::pkgspec::{NoArch, PkgSpec, parse_pkg};
use crate::report::Reporter;
use crate::state::{Status, Want};
use crate::{bail, msg};

fn print(db: &Database, pkg: PkgId, report: &mut dyn Reporter) {
    let want = db.table[pkg].want;
    if want == Want::Unknown {
        return;
    }
    let name = db.table.name(pkg, NameWhen::NonAmbig);
    let tabs = 6usize.saturating_sub(name.len() / 8).max(1);
    let tabs = &"\t\t\t\t\t\t"[..tabs];
    report.output(msg!("%s%s%s\n", name, tabs, want.as_str()));
}

/// `--get-selections [PATTERN…]`: without patterns, all packages that are somehow there.
///
/// # Errors
/// A database that cannot be read.
pub fn get_selections(
    db: &mut Database,
    patterns: &[Vec<u8>],
    report: &mut dyn Reporter,
) -> Result<i32> {
    db.open(OpenMode::ReadOnly, AvailMode::None, report)?;
    let pkgs = db.table.sorted();
    if patterns.is_empty() {
        for pkg in &pkgs {
            if db.table[*pkg].status() != Status::NotInstalled {
                print(db, *pkg, report);
            }
        }
    }
    for pattern in patterns {
        let mut found = false;
        // What is no specifier matches nothing.
        let spec = PkgSpec::parse(&mut db.table, pattern, true, NoArch::Wildcard);
        if let Ok(spec) = spec {
            for pkg in &pkgs {
                if spec.matches(&db.table, *pkg, Which::Installed) {
                    print(db, *pkg, report);
                    found = true;
                }
            }
        }
        if !found {
            report.notice(msg!("no packages found matching %s", pattern));
        }
    }
    flush(report)?;
    db.shutdown(report)?;
    Ok(0)
}

/// The characters of the input, counting lines as dpkg does.
struct Input<'a> {
    bytes: Bytes<&'a mut dyn BufRead>,
    failed: Option<io::Error>,
}

impl Input<'_> {
    fn next(&mut self) -> Option<u8> {
        let byte = self.bytes.next()?;
        byte.map_err(|e| self.failed = Some(e)).ok()
    }
}

fn is_space(c: u8) -> bool {
    matches!(c, b' ' | b'\t'..=b'\r')
}

/// One line of the input: its number, package and word.
struct Line {
    number: usize,
    name: Vec<u8>,
    word: Vec<u8>,
    /// Nothing follows, not even a newline.
    last: bool,
}

/// The next line that says something; `number` is where the input stands.
fn next_line(input: &mut Input<'_>, number: &mut usize) -> Result<Option<Line>> {
    let mut c;
    loop {
        loop {
            c = input.next();
            if c == Some(b'\n') {
                *number += 1;
            }
            if !c.is_some_and(is_space) {
                break;
            }
        }
        if c != Some(b'#') {
            break;
        }
        while c.is_some() && c != Some(b'\n') {
            c = input.next();
        }
        if c.is_some() {
            *number += 1;
        }
    }
    let Some(first) = c else { return Ok(None) };

    let mut name = vec![first];
    loop {
        match input.next() {
            None => bail!("unexpected end of file in package name at line %d", *number),
            Some(b'\n') => bail!("unexpected end of line in package name at line %d", *number),
            Some(c) if is_space(c) => break,
            Some(c) => name.push(c),
        }
    }
    let mut word = Vec::new();
    loop {
        match input.next() {
            None => bail!(
                "unexpected end of file after package name at line %d",
                *number
            ),
            Some(b'\n') => bail!(
                "unexpected end of line after package name at line %d",
                *number
            ),
            Some(c) if is_space(c) => {}
            Some(c) => {
                word.push(c);
                break;
            }
        }
    }
    let mut c;
    loop {
        c = input.next();
        match c {
            Some(c) if !is_space(c) => word.push(c),
            _ => break,
        }
    }
    while c.is_some() && c != Some(b'\n') {
        c = input.next();
        if !c.is_some_and(is_space) {
            bail!(
                "unexpected data after package and selection at line %d",
                *number
            );
        }
    }
    Ok(Some(Line {
        number: *number,
        name,
        word,
        last: c.is_none(),
    }))
}

/// The selection a word names: like dpkg, any word that starts with one of them.
fn want_of(word: &[u8]) -> Option<Want> {
    let starts = |want: &Want| {
        let name = want.as_str().as_bytes();
        let head = word.get(..name.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(name))
    };
    Want::ALL.iter().copied().find(starts)
}

/// `--set-selections`: take over lines of package and selection from `input`. Without `act`
/// (`--no-act`) nothing is written.
///
/// # Errors
/// Input that is wrong (nothing is written then), or a database that cannot be read or
/// written.
pub fn set_selections(
    db: &mut Database,
    act: bool,
    input: &mut dyn BufRead,
    report: &mut dyn Reporter,
) -> Result<i32> {
    open_to_change(db, act, AvailMode::Read, report)?;
    let mut input = Input {
        bytes: input.bytes(),
        failed: None,
    };
    let mut number = 1;
    let mut outdated = false;
    while let Some(line) = next_line(&mut input, &mut number)? {
        let pkg = parse_pkg(&mut db.table, &line.name)?.map_err(|why| {
            Error::new(msg!(
                "illegal package name at line %d: %.250s",
                line.number,
                why
            ))
        })?;
        let p = &db.table[pkg];
        if !p.is_informative(Which::Installed) && !p.is_informative(Which::Available) {
            outdated = true;
            report.warning(msg!(
                "package not in status nor available database at line %d: %.250s",
                line.number,
                &line.name
            ));
            number += 1;
            continue;
        }
        let Some(want) = want_of(&line.word) else {
            bail!(
                "unknown wanted status at line %d: %.250s",
                line.number,
                &line.word
            );
        };
        db.table[pkg].want = want;
        if line.last {
            break;
        }
        number += 1;
    }
    let read = input.failed.map_or(Ok(()), Err);
    read.or_fail(|| msg!("read error on standard input"))?;
    db.shutdown(report)?;
    if outdated {
        report.warning(msg!(
            "found unknown packages; this might mean the available database\nis outdated, and needs to be updated through a frontend method;\nplease see the FAQ <https://wiki.debian.org/Teams/Dpkg/FAQ#set-selections>"
        ));
    }
    Ok(0)
}

/// `--clear-selections`: nothing that is not essential is wanted any more.
///
/// # Errors
/// A database that cannot be read or written.
pub fn clear_selections(db: &mut Database, act: bool, report: &mut dyn Reporter) -> Result<i32> {
    open_to_change(db, act, AvailMode::None, report)?;
    for pkg in db.table.in_hash_order() {
        let p = &mut db.table[pkg];
        let needed = p.installed.essential || p.installed.protected;
        if !needed && p.want != Want::Unknown {
            p.want = Want::Deinstall;
        }
    }
    db.shutdown(report)?;
    Ok(0)
}

fn open_to_change(
    db: &mut Database,
    act: bool,
    available: AvailMode,
    report: &mut dyn Reporter,
) -> Result<()> {
    let mode = match act {
        true => OpenMode::Write,
        false => OpenMode::ReadOnly,
    };
    db.open(mode, available, report)?;
    db.infodb_upgrade(report)
}
