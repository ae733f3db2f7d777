//! Which paths dpkg was told not to install: `path-exclude` and `path-include` in the configuration
//! files of the installed system, dpkg.cfg(5).

use std::io;

use super::scan::read;
use super::{Where, text};
use crate::db::Dirs;
use crate::filter::Filters;
use crate::report::Silent;
use crate::sys::place::{Absence, names};

/// Where they are; those in the directory come first.
const FILES: [&str; 2] = ["/etc/dpkg/dpkg.cfg.d", "/etc/dpkg/dpkg.cfg"];

/// What the installed system's configuration excludes.
///
/// # Errors
/// A file or the directory cannot be read.
pub fn excludes(dirs: &Dirs) -> io::Result<Filters> {
    let mut filters = Filters::new();
    let dir = Where::System(FILES[0].into()).spot(dirs);
    let open = dir
        .open(libc::O_RDONLY | libc::O_DIRECTORY, true)
        .if_there()?;
    let mut listed = open.map_or(Ok(Vec::new()), names)?;
    let good = |c: &u8| c.is_ascii_alphanumeric() || *c == b'_' || *c == b'-';
    listed.retain(|name| name.iter().all(good));
    listed.sort();
    let mut files: Vec<Vec<u8>> = listed
        .iter()
        .map(|name| [FILES[0].as_bytes(), b"/", name].concat())
        .collect();
    files.push(FILES[1].into());
    for file in files {
        let content = read(&Where::System(file).spot(dirs))?.flatten();
        for (_, line) in text::lines(&content.unwrap_or_default()) {
            if let Some((pattern, include)) = filter(line) {
                filters.add(pattern, include, &mut Silent);
            }
        }
    }
    Ok(filters)
}

/// The pattern of a line, and whether it includes.
fn filter(line: &[u8]) -> Option<(&[u8], bool)> {
    let (rest, include) = match line.strip_prefix(b"path-exclude") {
        Some(rest) => (rest, false),
        None => (line.strip_prefix(b"path-include")?, true),
    };
    let first = rest.first().filter(|c| matches!(c, b'=' | b' ' | b'\t'))?;
    let value = rest.get(1..)?;
    let value = value
        .strip_prefix(b"=")
        .filter(|_| *first != b'=')
        .unwrap_or(value);
    let value = value.trim_ascii();
    let quoted = match value {
        [q @ (b'"' | b'\''), inner @ .., last] if q == last => inner,
        _ => value,
    };
    Some((quoted, include))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_configuration() {
        for (line, found) in [
            (
                "path-exclude=/usr/share/doc/*",
                Some(("/usr/share/doc/*", false)),
            ),
            ("path-include /a ", Some(("/a", true))),
            ("path-exclude '/a b'", Some(("/a b", false))),
            ("# path-exclude=/a", None),
            ("path-excluded=/a", None),
            ("no-debsig", None),
        ] {
            let expected = found.map(|(p, i)| (p.as_bytes(), i));
            assert_eq!(filter(line.as_bytes()), expected, "{line}");
        }
    }
}
