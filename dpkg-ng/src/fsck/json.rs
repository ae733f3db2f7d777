//! What fsck found as JSON, for programs. Bytes that are no UTF-8 are replaced by U+FFFD.

use libdpkgng::db::Dirs;
use libdpkgng::fsck::{Action, Fault, Findings};
use serde_json::{Value, json};

use super::Repaired;
use super::words;

fn text(bytes: &[u8]) -> Value {
    String::from_utf8_lossy(bytes).into()
}

fn fault(fault: &Fault, dirs: &Dirs) -> Value {
    let repair = fault.repair.as_ref().map(|repair| {
        json!({
            "action": action(&repair.action),
            "what": words::repair(repair, dirs),
            "from": words::source(&repair.source, dirs),
        })
    });
    json!({
        "kind": fault.kind.as_str(),
        "severity": fault.severity().as_str(),
        "file": text(&fault.file.shown(dirs)),
        "line": fault.line,
        "package": fault.package,
        "text": words::sentence(fault.kind),
        "detail": text(&fault.detail),
        "repair": repair,
        "way_out": words::way_out(&fault.way_out, dirs),
    })
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

fn repaired(repaired: &Repaired, dirs: &Dirs) -> Value {
    let done = &repaired.done;
    let (kept, error) = match &done.outcome {
        Ok(kept) => (kept.as_deref().map(text), None),
        Err(e) => (None, Some(e.to_string())),
    };
    let faults = repaired.faults.iter().map(|fault| fault.kind.as_str());
    json!({
        "file": text(&done.repair.target().shown(dirs)),
        "action": action(&done.repair.action),
        "what": words::repair(&done.repair, dirs),
        "faults": faults.collect::<Value>(),
        "kept": kept,
        "error": error,
    })
}

/// All of it, one line.
pub fn render(findings: &Findings, done: &[Repaired], code: i32, dirs: &Dirs) -> String {
    let unchecked = findings.unchecked.iter().map(|unchecked| {
        let why = std::io::Error::from_raw_os_error(unchecked.errno);
        json!({
            "file": text(&unchecked.file.shown(dirs)),
            "error": why.to_string(),
        })
    });
    let all = json!({
        "packages": findings.packages,
        "paths": findings.paths,
        "faults": findings.faults.iter().map(|f| fault(f, dirs)).collect::<Value>(),
        "repaired": done.iter().map(|d| repaired(d, dirs)).collect::<Value>(),
        "unchecked": unchecked.collect::<Value>(),
        "exit": code,
    });
    format!("{all}\n")
}
