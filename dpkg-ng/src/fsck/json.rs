//! What fsck found as JSON, for programs. Bytes that are no UTF-8 are replaced by U+FFFD.

use libdpkgng::db::Dirs;
use libdpkgng::fsck::{Action, Fault, Findings};

use super::Repaired;
use super::words;

/// A value that is written as it stands.
struct Raw(String);

/// Text as a JSON string.
fn string(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if c < ' ' || c == '\u{7f}' => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn bytes(text: &[u8]) -> Raw {
    Raw(string(&String::from_utf8_lossy(text)))
}

fn optional(value: Option<Raw>) -> Raw {
    value.unwrap_or(Raw("null".into()))
}

fn object(members: Vec<(&str, Raw)>) -> Raw {
    let members: Vec<String> = members
        .into_iter()
        .map(|(name, value)| format!("\"{name}\":{}", value.0))
        .collect();
    Raw(format!("{{{}}}", members.join(",")))
}

fn array(values: impl Iterator<Item = Raw>) -> Raw {
    let values: Vec<String> = values.map(|v| v.0).collect();
    Raw(format!("[{}]", values.join(",")))
}

fn fault(fault: &Fault, dirs: &Dirs) -> Raw {
    let text = |t: String| Raw(string(&t));
    let repair = fault.repair.as_ref().map(|r| {
        object(vec![
            ("action", Raw(string(action(&r.action)))),
            ("what", text(words::repair(r, dirs))),
            ("from", optional(words::source(&r.source, dirs).map(text))),
        ])
    });
    object(vec![
        ("kind", Raw(string(fault.kind.as_str()))),
        ("severity", Raw(string(fault.severity().as_str()))),
        ("file", bytes(&fault.file.shown(dirs))),
        ("line", optional(fault.line.map(|l| Raw(l.to_string())))),
        ("package", optional(fault.package.clone().map(text))),
        ("text", Raw(string(words::sentence(fault.kind)))),
        ("detail", bytes(&fault.detail)),
        ("repair", optional(repair)),
        (
            "way_out",
            optional(words::way_out(&fault.way_out, dirs).map(text)),
        ),
    ])
}

fn action(action: &Action) -> &'static str {
    match action {
        Action::Write { .. } => "write",
        Action::SetAside(_) => "set-aside",
        Action::Rename(..) => "rename",
        Action::Link(..) => "link",
        Action::Mode(..) => "mode",
        Action::Extract { .. } => "extract",
    }
}

fn repaired(repaired: &Repaired, dirs: &Dirs) -> Raw {
    let done = &repaired.done;
    let (kept, error) = match &done.outcome {
        Ok(kept) => (kept.as_ref().map(|k| bytes(k)), None),
        Err(e) => (None, Some(Raw(string(&e.to_string())))),
    };
    object(vec![
        ("file", bytes(&done.repair.target().shown(dirs))),
        ("action", Raw(string(action(&done.repair.action)))),
        ("what", Raw(string(&words::repair(&done.repair, dirs)))),
        (
            "faults",
            array(repaired.faults.iter().map(|f| Raw(string(f.kind.as_str())))),
        ),
        ("kept", optional(kept)),
        ("error", optional(error)),
    ])
}

/// All of it, one line.
pub fn render(findings: &Findings, done: &[Repaired], code: i32, dirs: &Dirs) -> String {
    let why = |errno| std::io::Error::from_raw_os_error(errno).to_string();
    let unchecked = findings.unchecked.iter().map(|u| {
        object(vec![
            ("file", bytes(&u.file.shown(dirs))),
            ("error", Raw(string(&why(u.errno)))),
        ])
    });
    let all = object(vec![
        ("packages", Raw(findings.packages.to_string())),
        ("paths", Raw(findings.paths.to_string())),
        (
            "faults",
            array(findings.faults.iter().map(|f| fault(f, dirs))),
        ),
        ("repaired", array(done.iter().map(|d| repaired(d, dirs)))),
        ("unchecked", array(unchecked)),
        ("exit", Raw(code.to_string())),
    ]);
    all.0 + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped() {
        assert_eq!(string("a\"\\\n\u{1}ü"), "\"a\\\"\\\\\\n\\u0001ü\"");
        assert_eq!(bytes(b"\xff").0, "\"\u{fffd}\"");
        assert_eq!(
            object(vec![(
                "a",
                array([Raw("1".into()), optional(None)].into_iter())
            )])
            .0,
            "{\"a\":[1,null]}"
        );
    }
}
