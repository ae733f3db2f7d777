//! Files of lines, as bytes.

/// The number of the line that a byte is in, the first being 1.
pub(super) fn line_at(data: &[u8], at: usize) -> usize {
    let before = data.get(..at).unwrap_or(data);
    memchr::memchr_iter(b'\n', before).count() + 1
}

/// The line of the first NUL byte.
pub(super) fn nul_line(data: &[u8]) -> Option<usize> {
    memchr::memchr(0, data).map(|at| line_at(data, at))
}

/// Whether the last line has its newline; an empty file has no line.
pub(super) fn is_terminated(data: &[u8]) -> bool {
    matches!(data.last(), None | Some(b'\n'))
}

/// The number of lines, the last one without newline among them.
pub(super) fn line_count(data: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', data).count() + usize::from(!is_terminated(data))
}

/// The lines with their numbers, without their newlines.
pub(super) fn lines(data: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let body = data.strip_suffix(b"\n").unwrap_or(data);
    let some = (!data.is_empty()).then_some(body);
    some.into_iter()
        .flat_map(|body| body.split(|c| *c == b'\n'))
        .enumerate()
        .map(|(i, line)| (i + 1, line))
}

/// Whether a file can have been this content before it was damaged: every whole line of it is a line of the content, what
/// is left of a cut line begins one, and where blocks were filled with NULs, which keeps the length, that is the same.
pub(super) fn explains(damaged: &[u8], content: &[u8]) -> bool {
    let nul = memchr::memchr(0, damaged);
    if nul.is_some() && damaged.len() != content.len() {
        return false;
    }
    let known: std::collections::HashSet<&[u8]> = lines(content).map(|(_, line)| line).collect();
    let head = damaged
        .get(..nul.unwrap_or(damaged.len()))
        .unwrap_or_default();
    let whole = memchr::memrchr(b'\n', head).map_or(0, |n| n + 1);
    let (whole, rest) = head.split_at(whole);
    let all = lines(whole).all(|(_, line)| known.contains(line));
    all && (rest.is_empty() || known.iter().any(|line| line.starts_with(rest)))
}

/// Lines put together again.
pub(super) fn join<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut out = Vec::new();
    for line in lines {
        out.extend_from_slice(line);
        out.push(b'\n');
    }
    out
}

/// Whether a path of a package is one: absolute, without `..`.
pub(super) fn is_good_path(path: &[u8]) -> bool {
    path.first() == Some(&b'/') && !path.split(|c| *c == b'/').any(|part| part == b"..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_numbers() {
        let all = |data: &'static [u8]| lines(data).collect::<Vec<_>>();
        assert_eq!(all(b""), []);
        assert_eq!(all(b"\n"), [(1, &b""[..])]);
        assert_eq!(all(b"a\n\nb"), [(1, &b"a"[..]), (2, b""), (3, b"b")]);
        assert_eq!(
            (line_count(b""), line_count(b"a"), line_count(b"a\n")),
            (0, 1, 1)
        );
        assert_eq!(nul_line(b"a\nb\0"), Some(2));
        assert_eq!(nul_line(b"a\n"), None);
        assert!(is_terminated(b"") && is_terminated(b"\n") && !is_terminated(b"a"));
        assert_eq!(join([&b"a"[..], b"b"]), b"a\nb\n");
    }

    #[test]
    fn what_is_left_tells_what_it_was() {
        let content = b"ab\ncd\nef\n";
        for (damaged, can_be) in [
            (&b""[..], true),
            (b"ab\nc", true),
            (b"ab\nx", false),
            (b"xy\ncd\n", false),
            (b"ab\ncd\0\0\0", false),
            (b"ab\ncd\0\0\0\0", true),
            (b"ab\nc\0\0\0\0\0", true),
            (b"ab\ncd\nef\nab\ncd\nef\n", true),
        ] {
            assert_eq!(explains(damaged, content), can_be, "{damaged:?}");
        }
    }

    #[test]
    fn paths_lead_down() {
        for (path, good) in [
            ("/a", true),
            ("a", false),
            ("/a/../b", false),
            ("/a..b", true),
        ] {
            assert_eq!(is_good_path(path.as_bytes()), good, "{path}");
        }
    }
}
