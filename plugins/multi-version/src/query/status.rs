//! `--status NAME…`: the stanza of dpkg's status file, and below it what a view knows besides.

use super::{Answer, Asked, Done, QueryError};
use crate::admindir::conffiles;
use crate::manifest::Member;
use crate::output::{Json, Out};

/// Print what is known of packages.
pub fn status(asked: &Asked<'_>, names: &[String], out: &mut Out<'_>) -> Done {
    const VERB: &str = "status";
    if names.is_empty() {
        return Err(QueryError::NoArgument(VERB, "package name"));
    }
    let (mut answer, mut values) = (Answer::default(), Vec::new());
    for (at, name) in names.iter().enumerate() {
        let found = asked.named(VERB, name)?;
        if found.is_empty() {
            answer.missed(format!(
                "package '{name}' is not installed and no information is available"
            ));
        }
        let last = found.len().saturating_sub(1);
        for (nth, member) in found.into_iter().enumerate() {
            if out.json {
                values.push(json(asked, member)?);
                continue;
            }
            let mut text = stanza(asked, member)?;
            if nth < last || at + 1 < names.len() {
                text.push(b'\n');
            }
            out.bytes(&text)?;
        }
    }
    if out.json {
        out.value(&Json::List(values))?;
    }
    Ok(answer)
}

/// What is not in the control file: names and values.
fn besides(asked: &Asked<'_>, member: &Member) -> Vec<(&'static str, String)> {
    let of = &asked.manifest;
    let mut fields = vec![
        ("View", format!("{}@{}", of.view, of.number)),
        ("Reason", member.reason.to_string()),
        ("Realization", member.realization.to_string()),
    ];
    if let Some(slot) = &member.slot {
        fields.push(("Slot", slot.to_string()));
    }
    if member.own_libraries {
        fields.push(("Own-Libraries", "yes".into()));
    }
    for relaxed in &member.relaxed {
        let with = &relaxed.with;
        let (name, version) = (with.package(), with.version());
        fields.push((
            "Relaxed",
            format!("{} with {name} {version}", relaxed.field),
        ));
    }
    fields
}

fn stanza(asked: &Asked<'_>, member: &Member) -> Done<Vec<u8>> {
    let conffiles = conffiles(&asked.payload(member)?)?;
    let mut text = Vec::new();
    let control = asked.control(member)?;
    control.stanza(member.state, &conffiles, &mut text);
    // Without the empty line behind it.
    text.pop();
    for (name, value) in besides(asked, member) {
        text.extend_from_slice(format!("{name}: {value}\n").as_bytes());
    }
    Ok(text)
}

fn json(asked: &Asked<'_>, member: &Member) -> Done<Json> {
    let control = asked.control(member)?;
    let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let pair = |name: String, value: String| {
        Json::Map(vec![
            ("name", Json::Text(name)),
            ("value", Json::Text(value)),
        ])
    };
    let fields = control.fields().map(|(n, v)| pair(lossy(n), lossy(v)));
    let more = besides(asked, member).into_iter();
    let more = more.map(|(name, value)| pair(name.into(), value));
    Ok(Json::Map(vec![
        ("package", Json::text(member.realization.package())),
        ("version", Json::text(member.realization.version())),
        (
            "architecture",
            Json::text(member.realization.architecture()),
        ),
        ("state", Json::text(member.state)),
        ("fields", Json::list(fields.chain(more))),
    ]))
}
