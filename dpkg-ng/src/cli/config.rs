//! Configuration files: `/etc/dpkg/TOOL.cfg.d/*`, `/etc/dpkg/TOOL.cfg`, `~/.TOOL.cfg`.
//!
//! A line is an option without its dashes, then blanks or `=`, then its value, perhaps in
//! quotes. Lines are taken in pieces of 1,023 bytes, as stock's buffer does.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use libdpkgng::error::{Error, Result};
use libdpkgng::msg;
use libdpkgng::msg::Msg;

use super::{Parser, Process, Step};

/// Where configuration files live.
const CONFIGDIR: &str = "/etc/dpkg";
/// The longest piece of a line, without its terminator.
const PIECE: usize = 1023;
/// Files beyond this size are no configuration; reading stops there.
pub(crate) const SIZE_LIMIT: u64 = 64 << 20;

fn is_space(c: &u8) -> bool {
    matches!(c, b' ' | b'\t'..=b'\r')
}

impl<A: Copy, S> Parser<A, S> {
    /// Obey the configuration files of `tool`.
    ///
    /// # Errors
    /// Errors in the files, citing file and line, and what the options' effects return.
    pub fn load_config(&mut self, process: &mut Process, tool: &str) -> Step {
        let dir = PathBuf::from(format!("{CONFIGDIR}/{tool}.cfg.d"));
        for name in config_names(&dir)? {
            let mut path = dir.clone().into_os_string();
            path.push("/");
            path.push(name);
            self.load_file(process, Path::new(&path))?;
        }
        let path = format!("{CONFIGDIR}/{tool}.cfg");
        self.load_file(process, Path::new(&path))?;
        if let Some(home) = process.env.get("HOME") {
            let mut path = home.as_bytes().to_vec();
            path.extend_from_slice(format!("/.{tool}.cfg").as_bytes());
            self.load_file(process, Path::new(&OsString::from_vec(path)))?;
        }
        Ok(())
    }

    fn load_file(&mut self, process: &mut Process, path: &Path) -> Step {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(e) => {
                process.report.warning(msg!(
                    "failed to open configuration file '%.255s' for reading: %s",
                    path,
                    e
                ));
                return Ok(());
            }
        };
        let mut text = Vec::new();
        let outcome = file.take(SIZE_LIMIT).read_to_end(&mut text);
        for (i, line) in pieces(&text).enumerate() {
            self.config_line(process, line).map_err(|stop| match stop {
                Line::Stop(stop) => stop,
                Line::Wrong(problem) => {
                    let number = i.saturating_add(1);
                    Error::new(msg!(
                        "configuration error: %s:%d: %s",
                        path,
                        number,
                        problem
                    ))
                    .into()
                }
            })?;
        }
        outcome
            .map_err(|e| {
                Error::os(msg!("read error in configuration file '%.255s'", path), e).into()
            })
            .map(|_| ())
    }

    fn config_line(&mut self, process: &mut Process, line: &[u8]) -> Result<(), Line> {
        let Some((option, mut value)) = option_of(line).map_err(Line::Wrong)? else {
            return Ok(());
        };
        let rows = self.rows;
        let row = rows.iter().find(|row| {
            let Some(tail) = row
                .name
                .long
                .and_then(|long| option.strip_prefix(long.as_bytes()))
            else {
                return false;
            };
            match tail {
                [] => true,
                [b'-', suffix @ ..] if row.takes_suffix() && value.is_none() => {
                    value = Some(suffix);
                    true
                }
                _ => false,
            }
        });
        let Some(row) = row else {
            return Err(Line::Wrong(msg!("unknown option '%s'", option)));
        };
        match (row.takes_value(), value) {
            (true, None) => Err(Line::Wrong(msg!("'%s' needs a value", option))),
            (false, Some(_)) => Err(Line::Wrong(msg!("'%s' does not take a value", option))),
            (_, value) => {
                let value = OsStr::from_bytes(value.unwrap_or_default());
                self.obey(row, process, value).map_err(Line::Stop)
            }
        }
    }
}

/// How a line can end the run.
enum Line {
    /// Wrong by itself: to be cited with file and number.
    Wrong(Msg),
    /// Its option ended the run.
    Stop(super::Stop),
}

/// An option as it is spelled, and its value.
type Spelled<'l> = (&'l [u8], Option<&'l [u8]>);

/// The option of a line; none in a comment or an empty line. The error says what is wrong.
pub(crate) fn option_of(line: &[u8]) -> Result<Option<Spelled<'_>>, Msg> {
    if matches!(line, [] | [b'#', ..]) {
        return Ok(None);
    }
    let end = line
        .iter()
        .position(|c| !c.is_ascii_alphanumeric() && *c != b'-');
    let Some(end) = end else {
        return Ok(Some((line, None)));
    };
    let (option, value) = (&line[..end], &line[end + 1..]);
    let value = value.strip_prefix(b"=").unwrap_or(value);
    let start = value.iter().position(|c| !is_space(c));
    let value = &value[start.unwrap_or(value.len())..];
    match strip_quotes(value) {
        Some(unquoted) => Ok(Some((option, Some(unquoted)))),
        None => Err(msg!("unbalanced quotes in '%s'", option)),
    }
}

/// fgets(3)'s view of a file, each piece cut at a NUL and at the blanks of its end.
pub(crate) fn pieces(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|&b| b == b'\n')
        .flat_map(|line| line.chunks(PIECE))
        .map(|piece| {
            let end = piece.iter().position(|&b| b == 0).unwrap_or(piece.len());
            let kept = piece[..end].iter().rposition(|c| !is_space(c));
            &piece[..kept.map_or(0, |last| last + 1)]
        })
}

/// Without its surrounding quotes, or `None` when only one is there.
fn strip_quotes(value: &[u8]) -> Option<&[u8]> {
    match value {
        [quote @ (b'"' | b'\''), rest @ ..] => match rest {
            [] => Some(b""),
            [inner @ .., last] if last == quote => Some(inner),
            _ => None,
        },
        _ => Some(value),
    }
}

/// The names in a `.cfg.d` directory that count, in order.
fn config_names(dir: &Path) -> Result<Vec<OsString>> {
    let fail = |e| Error::os(msg!("error opening configuration directory '%s'", dir), e);
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(fail(e)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(fail)?.file_name();
        if is_config_name(name.as_bytes()) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Whether a file in a `.cfg.d` directory counts.
pub(crate) fn is_config_name(name: &[u8]) -> bool {
    let good = |c: &u8| c.is_ascii_alphanumeric() || *c == b'_' || *c == b'-';
    name.iter().all(good)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_those_of_fgets() {
        let long = vec![b'x'; 1500];
        let mut text = b"a \t\r\n\n#b\nc\0d\n".to_vec();
        text.extend_from_slice(&long);
        let got: Vec<_> = pieces(&text).collect();
        assert_eq!(got[..4], [&b"a"[..], b"", b"#b", b"c"]);
        assert_eq!((got[4].len(), got[5].len(), got.len()), (1023, 477, 6));
    }

    #[test]
    fn quotes_come_in_pairs() {
        assert_eq!(strip_quotes(b"\"a b\""), Some(&b"a b"[..]));
        assert_eq!(strip_quotes(b"'a\""), None);
        assert_eq!(strip_quotes(b"a'"), Some(&b"a'"[..]));
        assert_eq!(strip_quotes(b"'"), Some(&b""[..]));
    }
}
