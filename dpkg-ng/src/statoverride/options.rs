//! dpkg-statoverride's option table (dpkg-statoverride(1)), in stock's order.

use crate::completions::Outline;
use libdpkgng::msg;

use super::args::{Action, Settings};
use super::help;
use crate::cli::{LONG, Opt, Process, Step, force};

type Row = Opt<Action, Settings>;

/// Every option of dpkg-statoverride.
#[rustfmt::skip]
pub static OPTIONS: &[Row] = &[
    Row::action("add", LONG, Action::Add),
    Row::action("remove", LONG, Action::Remove),
    Row::action("list", LONG, Action::List),
    Row::action("help", '?', Action::Help),
    Row::action("version", LONG, Action::Version),
    Row::value("admindir", LONG, |s, _, _, v| Ok(s.dirs.set_admindir(v)?)),
    Row::value("instdir", LONG, |s, p, _, v| Ok(s.dirs.set_instdir(&p.env, v)?)),
    Row::value("root", LONG, |s, p, _, v| Ok(s.dirs.set_root(&p.env, v)?)),
    Row::flag("quiet", LONG, |s, _| { s.quiet = true; Ok(()) }),
    Row::flag("force", LONG, force_all),
    Row::suffix("force", |s, p, _, v| force::obey(&mut s.force, p, v.as_encoded_bytes(), true)),
    Row::suffix("no-force", |s, p, _, v| force::obey(&mut s.force, p, v.as_encoded_bytes(), false)),
    Row::suffix("refuse", |s, p, _, v| force::obey(&mut s.force, p, v.as_encoded_bytes(), false)),
    Row::flag("update", LONG, |s, _| { s.update = true; Ok(()) }),
];

/// The old form of `--force-all`.
fn force_all(settings: &mut Settings, process: &mut Process) -> Step {
    process.report.warning(msg!(
        "deprecated --%s option; use --%s instead",
        "force",
        "force-all"
    ));
    force::obey(&mut settings.force, process, b"all", true)
}

/// What completions are made from.
pub fn outline() -> Outline {
    let things = || super::KNOWN.things().map(|t| t.name);
    Outline::of(OPTIONS, &[help::COMMANDS, help::OPTIONS])
        .with_words("force", things())
        .with_words("no-force", things())
        .with_words("refuse", things())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_help_and_parity_agree() {
        crate::parity::expect_consistent(
            "dpkg-statoverride",
            OPTIONS,
            &[help::COMMANDS, help::OPTIONS],
        );
    }
}
