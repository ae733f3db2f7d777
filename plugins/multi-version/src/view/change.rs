//! `view switch`, `rollback`, `rm`, `pin` and `unpin`: each is done by the time it is said.

use std::collections::BTreeSet;
use std::path::Path;

use super::{Done, Place, ViewError, proc};
use crate::gc::{GcError, Why};
use crate::generation::{Reader, Sys};
use crate::layout::{Pin, StoreKey, ViewName};
use crate::output::{Json, Out, json};
use crate::state;

/// Say what is so now.
fn say(out: &mut Out<'_>, text: &str, fields: Vec<(&'static str, Json)>) -> Done<i32> {
    match out.json {
        true => out.value(&json::object(fields))?,
        false => out.line(text)?,
    }
    Ok(0)
}

/// Say at which generation a view is.
pub fn at(reader: &Reader, view: &ViewName, out: &mut Out<'_>) -> Done<i32> {
    let place = Place {
        view: view.clone(),
        number: None,
    };
    let number = place.number(reader)?;
    let fields = vec![
        ("view", json::text(view)),
        ("current", super::list::generation(number)),
    ];
    say(out, &format!("{view} is at generation {number}"), fields)
}

/// `view switch V@GEN`; `with_etc`: /etc, too, as that generation's transaction left it.
pub fn switch(sys: &Sys, to: &Place, with_etc: bool, out: &mut Out<'_>) -> Done<i32> {
    let number = to.number(sys)?;
    sys.switch(&to.view, number)?;
    if with_etc {
        state::restore_etc(sys.disk(), sys.layout(), &to.view, number)?;
    }
    at(sys, &to.view, out)
}

/// `view rollback V`
pub fn rollback(sys: &Sys, view: &ViewName, with_etc: bool, out: &mut Out<'_>) -> Done<i32> {
    if sys.list(view)?.is_empty() {
        return Err(ViewError::NoView(view.clone()));
    }
    let number = sys.rollback(view)?;
    if with_etc {
        state::restore_etc(sys.disk(), sys.layout(), view, number)?;
    }
    at(sys, view, out)
}

/// `view rm V` or `view rm V@GEN`: refused, as long as somebody uses it, or may (`harmless`: processes that can't be
/// looked into and use nothing here).
pub fn remove(sys: &Sys, what: &Place, harmless: &BTreeSet<u32>, out: &mut Out<'_>) -> Done<i32> {
    remove_as(sys, what, proc(), harmless, out)
}

pub(super) fn remove_as(
    sys: &Sys,
    what: &Place,
    proc: &Path,
    harmless: &BTreeSet<u32>,
    out: &mut Out<'_>,
) -> Done<i32> {
    let numbers: Vec<_> = sys.list(&what.view)?.iter().map(|l| l.number).collect();
    if numbers.is_empty() {
        return Err(ViewError::NoView(what.view.clone()));
    }
    let numbers = what.number.map_or(numbers, |number| vec![number]);
    let roots = sys.roots(0, proc)?;
    if let Some(pid) = roots.hidden.iter().find(|pid| !harmless.contains(pid)) {
        return Err(GcError::Hidden(*pid).into());
    }
    for number in numbers {
        let key = StoreKey::Generation(what.view.clone(), number);
        let whys = roots.keep.get(&key).into_iter().flatten();
        let mut users = whys.filter(|w| !matches!(w, Why::Current | Why::Newest));
        if let Some(why) = users.next() {
            let why = Box::new(why.clone());
            return Err(ViewError::InUse(what.view.clone(), number, why));
        }
    }
    match what.number {
        Some(number) => {
            sys.manifest(&what.view, number)?;
            sys.forget(&what.view, number)?;
        }
        None => sys.forget_view(&what.view)?,
    }
    say(
        out,
        &format!("{what} is removed"),
        vec![("removed", json::text(what))],
    )
}

/// `view pin NAME V[@GEN]`
pub fn pin(sys: &Sys, name: &Pin, what: &Place, out: &mut Out<'_>) -> Done<i32> {
    let number = what.number(sys)?;
    sys.manifest(&what.view, number)?;
    sys.pin(name, &StoreKey::Generation(what.view.clone(), number))?;
    let place = format!("{}@{number}", what.view);
    let fields = vec![("pin", json::text(name)), ("keeps", json::text(&place))];
    say(out, &format!("{name} keeps {place}"), fields)
}

/// `view unpin NAME`
pub fn unpin(sys: &Sys, name: &Pin, out: &mut Out<'_>) -> Done<i32> {
    sys.unpin(name)?;
    say(
        out,
        &format!("{name} keeps nothing"),
        vec![("pin", json::text(name)), ("keeps", Json::Null)],
    )
}
