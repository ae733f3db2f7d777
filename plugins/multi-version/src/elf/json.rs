//! Just enough JSON (RFC 8259) to read `.note.dlopen`: strict, at most eight levels deep.

/// A value. Numbers, `true`, `false` and `null` are recognised and not kept.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Json {
    Text(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
    Other,
}

impl Json {
    /// A member of an object.
    pub fn member(&self, name: &str) -> Option<&Json> {
        let Json::Object(members) = self else {
            return None;
        };
        members.iter().find(|(n, _)| n == name).map(|(_, v)| v)
    }

    /// A string's text.
    pub fn text(&self) -> Option<&str> {
        match self {
            Json::Text(text) => Some(text),
            _ => None,
        }
    }
}

const DEEPEST: u32 = 8;

/// Reads a whole text.
pub(super) fn read(text: &str) -> Option<Json> {
    let mut rest = text;
    let value = value(&mut rest, DEEPEST)?;
    blank(&mut rest);
    rest.is_empty().then_some(value)
}

fn blank(rest: &mut &str) {
    *rest = rest.trim_start_matches([' ', '\t', '\n', '\r']);
}

fn take(rest: &mut &str, token: &str) -> Option<()> {
    blank(rest);
    *rest = rest.strip_prefix(token)?;
    Some(())
}

fn value(rest: &mut &str, deeper: u32) -> Option<Json> {
    blank(rest);
    match rest.chars().next()? {
        '"' => string(rest).map(Json::Text),
        '[' => list(rest, '[', ']', deeper, value).map(Json::Array),
        '{' => list(rest, '{', '}', deeper, member).map(Json::Object),
        _ => scalar(rest),
    }
}

fn member(rest: &mut &str, deeper: u32) -> Option<(String, Json)> {
    blank(rest);
    let name = string(rest)?;
    take(rest, ":")?;
    Some((name, value(rest, deeper)?))
}

fn list<T>(
    rest: &mut &str,
    open: char,
    close: char,
    deeper: u32,
    item: fn(&mut &str, u32) -> Option<T>,
) -> Option<Vec<T>> {
    let deeper = deeper.checked_sub(1)?;
    *rest = rest.strip_prefix(open)?;
    let mut items = Vec::new();
    blank(rest);
    if let Some(after) = rest.strip_prefix(close) {
        *rest = after;
        return Some(items);
    }
    loop {
        items.push(item(rest, deeper)?);
        blank(rest);
        if let Some(after) = rest.strip_prefix(close) {
            *rest = after;
            return Some(items);
        }
        take(rest, ",")?;
    }
}

fn scalar(rest: &mut &str) -> Option<Json> {
    let end = rest.find([',', ']', '}', ' ', '\t', '\n', '\r']);
    let (word, after) = rest.split_at_checked(end.unwrap_or(rest.len()))?;
    let number = word.parse::<f64>().is_ok()
        && word.starts_with(['-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
    if !number && !matches!(word, "true" | "false" | "null") {
        return None;
    }
    *rest = after;
    Some(Json::Other)
}

fn string(rest: &mut &str) -> Option<String> {
    *rest = rest.strip_prefix('"')?;
    let mut out = String::new();
    let mut chars = rest.chars();
    loop {
        match chars.next()? {
            '"' => break,
            '\\' => out.push(match chars.next()? {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                'b' => '\u{8}',
                'f' => '\u{c}',
                'u' => escaped(&mut chars)?,
                c @ ('"' | '\\' | '/') => c,
                _ => return None,
            }),
            c if c < ' ' => return None,
            c => out.push(c),
        }
    }
    *rest = chars.as_str();
    Some(out)
}

fn escaped(chars: &mut std::str::Chars) -> Option<char> {
    let unit = hex(chars)?;
    if !(0xd800..0xdc00).contains(&unit) {
        return char::from_u32(unit);
    }
    let (Some('\\'), Some('u')) = (chars.next(), chars.next()) else {
        return None;
    };
    let low = hex(chars)?.checked_sub(0xdc00).filter(|l| *l < 0x400)?;
    char::from_u32(0x1_0000 + ((unit - 0xd800) << 10) + low)
}

fn hex(chars: &mut std::str::Chars) -> Option<u32> {
    (0..4).try_fold(0, |sum, _| Some(sum << 4 | chars.next()?.to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_or_refused() {
        let found = read(r#" [ {"a" : ["x\u00e9\ud83d\ude00", 1.5e3, null], "b":{}} ] "#).unwrap();
        let Json::Array(items) = found else { panic!() };
        let Some(Json::Array(inner)) = items[0].member("a") else {
            panic!()
        };
        assert_eq!(inner[0].text(), Some("xé😀"));
        for bad in [
            "",
            "[",
            "[1,]",
            "{\"a\"}",
            "\"\u{1}\"",
            "[1] x",
            "nul",
            "[\"\\ud800\"]",
            "[[[[[[[[[[]]]]]]]]]]",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
