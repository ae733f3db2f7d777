//! dpkg-statoverride's option table (dpkg-statoverride(1)), in stock's order.

use crate::completions::Outline;
use libdpkgng::msg;

use super::args::{Action, Settings};
use super::help;
use crate::cli::{Effect, Opt, Process, Step, force};

type Row = Opt<Action, Settings>;

const fn action(long: &'static str, short: char, action: Action) -> Row {
    Opt::new(long, short, Effect::Action(action))
}

/// No short name.
const LONG: char = '\0';

/// Every option of dpkg-statoverride.
#[rustfmt::skip]
pub static OPTIONS: &[Row] = &[
    action("add", LONG, Action::Add),
    action("remove", LONG, Action::Remove),
    action("list", LONG, Action::List),
    action("help", '?', Action::Help),
    action("version", LONG, Action::Version),
    Opt::new("admindir", LONG, Effect::Value(|s, _, _, v| Ok(s.dirs.set_admindir(v)?))),
    Opt::new("instdir", LONG, Effect::Value(|s, p, _, v| Ok(s.dirs.set_instdir(&p.env, v)?))),
    Opt::new("root", LONG, Effect::Value(|s, p, _, v| Ok(s.dirs.set_root(&p.env, v)?))),
    Opt::new("quiet", LONG, Effect::Flag(|s, _| { s.quiet = true; Ok(()) })),
    Opt::new("force", LONG, Effect::Flag(force_all)),
    Opt::new("force", LONG, Effect::Suffix(|s, p, _, v| force::obey(&mut s.force, p, v.as_encoded_bytes(), true))),
    Opt::new("no-force", LONG, Effect::Suffix(|s, p, _, v| force::obey(&mut s.force, p, v.as_encoded_bytes(), false))),
    Opt::new("refuse", LONG, Effect::Suffix(|s, p, _, v| force::obey(&mut s.force, p, v.as_encoded_bytes(), false))),
    Opt::new("update", LONG, Effect::Flag(|s, _| { s.update = true; Ok(()) })),
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
