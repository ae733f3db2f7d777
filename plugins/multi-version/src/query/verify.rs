//! `--verify [NAME…]`: what is not as the .deb has it, rewritten files being taken back in thought.

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;

use super::{Answer, Asked, Done};
use crate::admindir::conffiles;
use crate::layout::RealizationId;
use crate::link::{LinkError, Verified, What};
use crate::manifest::{Member, State};
use crate::output::{Json, Out};

/// Print what differs of packages; of all, if none is named. `of` is the linker's comparison.
pub fn verify(
    asked: &Asked<'_>,
    names: &[String],
    of: &dyn Fn(&RealizationId) -> Result<Vec<Verified>, LinkError>,
    out: &mut Out<'_>,
) -> Done {
    let (mut answer, mut members) = (Answer::default(), Vec::new());
    if names.is_empty() {
        members = asked.members();
    }
    for name in names {
        let found = asked.named("verify", name)?;
        if found.is_empty() {
            answer.missed(format!("package '{name}' is not installed"));
        }
        members.extend(found);
    }
    let (mut seen, mut values) = (BTreeSet::new(), Vec::new());
    for member in members {
        let once = seen.insert(&member.realization);
        if once && member.state != State::ConfigFiles {
            let wrong = of(&member.realization).map_err(Box::new)?;
            print(asked, member, &wrong, &mut values, out)?;
        }
    }
    if out.json {
        out.value(&Json::List(values))?;
    }
    Ok(answer)
}

fn print(
    asked: &Asked<'_>,
    member: &Member,
    wrong: &[Verified],
    values: &mut Vec<Json>,
    out: &mut Out<'_>,
) -> Done<()> {
    if wrong.is_empty() {
        return Ok(());
    }
    let conffiles: BTreeSet<Vec<u8>> = conffiles(&asked.payload(member)?)?
        .into_iter()
        .map(|(path, _)| path.into_bytes())
        .collect();
    for Verified { path, what } in wrong {
        let path = [b"/", path.as_os_str().as_bytes()].concat();
        let (columns, word, why) = match what {
            What::Missing => ("missing  ", "missing", String::new()),
            What::Unreadable(why) => ("missing  ", "unreadable", format!(" ({why})")),
            What::NoFile => ("?M5??????", "no file", String::new()),
            What::Changed => ("??5??????", "changed", String::new()),
        };
        let is_conffile = conffiles.contains(&path);
        if out.json {
            values.push(Json::Map(vec![
                ("package", Json::text(&member.realization)),
                ("path", Json::text(String::from_utf8_lossy(&path))),
                ("what", Json::text(word)),
                ("conffile", Json::Bool(is_conffile)),
            ]));
            continue;
        }
        let kind = if is_conffile { "c" } else { " " };
        let head = format!("{columns} {kind} ");
        out.bytes(&[head.as_bytes(), &path, why.as_bytes(), b"\n"].concat())?;
    }
    Ok(())
}
