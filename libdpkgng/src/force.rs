//! The force set: which problems are only warned about (`--force-…`, dpkg(1)).
//!
//! One table, [`THINGS`], holds every thing in the order of `--force-help`, which is also the
//! order in which the set is handed to children in `DPKG_FORCE`. A tool that knows only some
//! of them (dpkg-divert, dpkg-statoverride) gives [`Known`]; that limits what is shown and
//! handed on, never what is accepted.

use crate::error::{Error, Result};
use crate::msg::{Catalog, Msg};
use crate::{err, msg};

/// A thing that can be forced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Force {
    /// Wrong or no architecture.
    Architecture,
    /// Programs missing in `PATH`.
    BadPath,
    /// A failed authenticity check.
    BadVerify,
    /// Wrong version syntax.
    BadVersion,
    /// Breaking another package.
    Breaks,
    /// Ask about a changed conffile even without a new version.
    ConffAsk,
    /// Take the default answer for conffiles.
    ConffDef,
    /// Put missing conffiles back.
    ConffMiss,
    /// Take the new conffile.
    ConffNew,
    /// Keep the old conffile.
    ConffOld,
    /// Configure packages that may help, unasked.
    ConfigureAny,
    /// Conflicts.
    Conflicts,
    /// All dependency problems.
    Depends,
    /// Versions in dependencies.
    DependsVersion,
    /// Replacing a newer version.
    Downgrade,
    /// Packages on hold.
    Hold,
    /// Not being root.
    NonRoot,
    /// Overwriting another package's file.
    Overwrite,
    /// Overwriting another package's directory with a file.
    OverwriteDir,
    /// Overwriting a diverted file.
    OverwriteDiverted,
    /// Removing an Essential package.
    RemoveEssential,
    /// Removing a package that must be installed again.
    RemoveReinstreq,
    /// Maintainer scripts without chroot.
    ScriptChrootless,
    /// No syncing while unpacking.
    UnsafeIo,
    /// Overwriting a statoverride.
    StatoverrideAdd,
    /// Removing a statoverride that is not there.
    StatoverrideDel,
    /// Use MAC security (SELinux).
    SecurityMac,
    /// Removing a Protected package.
    RemoveProtected,
}

/// The things a tool knows of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known(u32);

impl Known {
    /// Every thing, named or not.
    pub const ALL: Known = Known(u32::MAX);

    /// These alone.
    pub const fn only(things: &[Force]) -> Known {
        let mut mask = 0;
        let mut i = 0;
        while i < things.len() {
            mask |= bit(things[i]);
            i += 1;
        }
        Known(mask)
    }

    /// Their rows, and that of `all`.
    pub fn things(self) -> impl Iterator<Item = &'static Thing> {
        let known = move |thing: &&Thing| thing.force.is_none_or(|f| self.0 & bit(f) != 0);
        THINGS.iter().filter(known)
    }
}

const fn bit(force: Force) -> u32 {
    1 << force as u32
}

/// What `--force-help` marks a thing with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Nothing: off by default, harmless.
    None,
    /// `[*]`: on by default.
    Default,
    /// `[!]`: can damage the installation.
    Damage,
}

impl Mark {
    fn as_str(self) -> &'static str {
        match self {
            Mark::None => "   ",
            Mark::Default => "[*]",
            Mark::Damage => "[!]",
        }
    }
}

/// One row of the table.
#[derive(Debug)]
pub struct Thing {
    /// The word on the command line.
    pub name: &'static str,
    /// What it stands for; `None` is `all`.
    pub force: Option<Force>,
    /// Its mark in the help.
    pub mark: Mark,
    /// dpkg's description (a msgid); may span lines.
    pub description: &'static str,
}

impl Thing {
    fn bits(&self) -> u32 {
        self.force.map_or(u32::MAX, bit)
    }
}

const fn thing(
    name: &'static str,
    force: Option<Force>,
    mark: Mark,
    description: &'static str,
) -> Thing {
    Thing {
        name,
        force,
        mark,
        description,
    }
}

/// Every thing, in the order of `--force-help`.
#[rustfmt::skip]
pub const THINGS: &[Thing] = &[
    thing("all", None, Mark::Damage, "Set all force options"),
    thing("security-mac", Some(Force::SecurityMac), Mark::Default, "Use MAC based security if available"),
    thing("downgrade", Some(Force::Downgrade), Mark::Default, "Replace a package with a lower version"),
    thing("configure-any", Some(Force::ConfigureAny), Mark::None, "Configure any package which may help this one"),
    thing("hold", Some(Force::Hold), Mark::None, "Install or remove incidental packages even when on hold"),
    thing("not-root", Some(Force::NonRoot), Mark::None, "Try to (de)install things even when not root"),
    thing("bad-path", Some(Force::BadPath), Mark::None, "PATH is missing important programs, problems likely"),
    thing("bad-verify", Some(Force::BadVerify), Mark::None, "Install a package even if it fails authenticity check"),
    thing("bad-version", Some(Force::BadVersion), Mark::None, "Process even packages with wrong versions"),
    thing("statoverride-add", Some(Force::StatoverrideAdd), Mark::None, "Overwrite an existing stat override when adding it"),
    thing("statoverride-remove", Some(Force::StatoverrideDel), Mark::None, "Ignore a missing stat override when removing it"),
    thing("overwrite", Some(Force::Overwrite), Mark::None, "Overwrite a file from one package with another"),
    thing("overwrite-diverted", Some(Force::OverwriteDiverted), Mark::None, "Overwrite a diverted file with an undiverted version"),
    thing("overwrite-dir", Some(Force::OverwriteDir), Mark::Damage, "Overwrite one package's directory with another's file"),
    thing("unsafe-io", Some(Force::UnsafeIo), Mark::Damage, "Do not perform safe I/O operations when unpacking"),
    thing("script-chrootless", Some(Force::ScriptChrootless), Mark::Damage, "Do not chroot into maintainer script environment"),
    thing("confnew", Some(Force::ConffNew), Mark::Damage, "Always use the new config files, don't prompt"),
    thing("confold", Some(Force::ConffOld), Mark::Damage, "Always use the old config files, don't prompt"),
    thing("confdef", Some(Force::ConffDef), Mark::Damage, "Use the default option for new config files if one\nis available, don't prompt. If no default can be found,\nyou will be prompted unless one of the confold or\nconfnew options is also given"),
    thing("confmiss", Some(Force::ConffMiss), Mark::Damage, "Always install missing config files"),
    thing("confask", Some(Force::ConffAsk), Mark::Damage, "Offer to replace config files with no new versions"),
    thing("architecture", Some(Force::Architecture), Mark::Damage, "Process even packages with wrong or no architecture"),
    thing("breaks", Some(Force::Breaks), Mark::Damage, "Install even if it would break another package"),
    thing("conflicts", Some(Force::Conflicts), Mark::Damage, "Allow installation of conflicting packages"),
    thing("depends", Some(Force::Depends), Mark::Damage, "Turn all dependency problems into warnings"),
    thing("depends-version", Some(Force::DependsVersion), Mark::Damage, "Turn dependency version problems into warnings"),
    thing("remove-reinstreq", Some(Force::RemoveReinstreq), Mark::Damage, "Remove packages which require installation"),
    thing("remove-protected", Some(Force::RemoveProtected), Mark::Damage, "Remove a protected package"),
    thing("remove-essential", Some(Force::RemoveEssential), Mark::Damage, "Remove an essential package"),
];

/// What a list of things asked for.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The set was changed.
    Changed,
    /// The list was `help`: print [`ForceSet::help`] and exit 0.
    Help,
}

/// The things in force.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ForceSet {
    known: Known,
    bits: u32,
}

impl ForceSet {
    /// Nothing forced, in a tool that knows of `known`.
    pub fn none(known: Known) -> ForceSet {
        ForceSet { known, bits: 0 }
    }

    /// The built-in defaults. Not to be used when the environment has `DPKG_FORCE`, even an
    /// empty one: then start from [`ForceSet::none`] and [`ForceSet::parse`] its value, if it
    /// is not empty.
    pub fn defaults(known: Known) -> ForceSet {
        let on = THINGS.iter().filter(|t| t.mark == Mark::Default);
        let bits = on.fold(0, |bits, t| bits | t.bits());
        ForceSet { known, bits }
    }

    /// `in_force()`
    pub fn has(self, force: Force) -> bool {
        self.bits & bit(force) != 0
    }

    /// Put one thing in force.
    pub fn set(&mut self, force: Force) {
        self.bits |= bit(force);
    }

    /// Take one thing out of force.
    pub fn reset(&mut self, force: Force) {
        self.bits &= !bit(force);
    }

    /// Obey `--force-LIST` (`on`) or `--refuse-LIST`. Things before a wrong one are obeyed.
    ///
    /// # Errors
    /// A usage error for an unknown thing.
    pub fn parse(&mut self, list: &[u8], on: bool) -> Result<Asked> {
        if list == b"help" {
            return Ok(Asked::Help);
        }
        for word in list.split(|&b| b == b',') {
            let Some(thing) = THINGS.iter().find(|t| t.name.as_bytes() == word) else {
                return Err(Error::usage(msg!(
                    "unknown force/refuse option '%.*s'",
                    word.len().min(250),
                    word
                )));
            };
            if on {
                self.bits |= thing.bits();
            } else {
                self.bits &= !thing.bits();
            }
        }
        Ok(Asked::Changed)
    }

    fn knows(self, force: Force) -> bool {
        self.known.0 & bit(force) != 0
    }

    /// The set as a list for `DPKG_FORCE`, which children start from.
    pub fn names(self) -> String {
        THINGS
            .iter()
            .filter(|t| t.force.is_some_and(|f| self.knows(f) && self.has(f)))
            .map(|t| t.name)
            .collect::<Vec<_>>()
            .join(",")
    }

    /// The table of `--force-help`, for standard output.
    pub fn help(self, program: &str, catalog: &dyn Catalog) -> Vec<u8> {
        let mut out = msg!(
            "%s forcing options - control behavior when problems found:\n  warn but continue:  --force-<thing>,<thing>,...\n  stop with error:    --refuse-<thing>,<thing>,... | --no-force-<thing>,...\n Forcing things:\n",
            program
        )
        .render(catalog);
        for thing in self.known.things() {
            let description = msg!(thing.description).render(catalog);
            // strtok(3): empty lines do not count.
            let lines = description.split(|&b| b == b'\n').filter(|l| !l.is_empty());
            let (mut mark, mut name) = (thing.mark, thing.name);
            for line in lines {
                let row = msg!("  %s %-18s %s\n", mark.as_str(), name, line);
                out.extend_from_slice(&row.render(catalog));
                (mark, name) = (Mark::None, "");
            }
        }
        out.extend_from_slice(&msg!("\nWARNING - use of options marked [!] can seriously damage your installation.\nForcing options marked [*] are enabled by default.\n").render(catalog));
        out.extend_from_slice(
            &msg!("\nCurrently enabled options:\n %s\n", self.names()).render(catalog),
        );
        out
    }

    /// `forcibleerr`: `Err(problem)` unless `force` is in force; then the problem is given back
    /// to be warned about, after a line that says why it is not an error.
    pub fn forgive(self, force: Force, problem: Msg) -> Result<[Msg; 2]> {
        if self.has(force) {
            Ok([msg!("overriding problem because --force enabled:"), problem])
        } else {
            Err(err!("%s", problem))
        }
    }

    /// `forcible_nonroot_error`: a refused permission is no error under `--force-not-root`.
    pub fn forgive_not_root(self, result: std::io::Result<()>) -> std::io::Result<()> {
        match result {
            Err(e) if self.has(Force::NonRoot) && e.raw_os_error() == Some(libc::EPERM) => Ok(()),
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_the_marked_ones() {
        assert_eq!(
            ForceSet::defaults(Known::ALL).names(),
            "security-mac,downgrade"
        );
    }

    #[test]
    fn lists_add_and_take_away_in_order() {
        let mut f = ForceSet::none(Known::ALL);
        assert_eq!(f.parse(b"all", true).ok(), Some(Asked::Changed));
        assert!(THINGS.iter().filter_map(|t| t.force).all(|t| f.has(t)));
        assert_eq!(f.parse(b"depends,hold", false).ok(), Some(Asked::Changed));
        assert!(!f.has(Force::Hold) && f.has(Force::Breaks));
        assert_eq!(f.parse(b"all", false).ok(), Some(Asked::Changed));
        assert_eq!(f.names(), "");
        assert_eq!(f.parse(b"help", true).ok(), Some(Asked::Help));
        let e = f.parse(b"hold,,depends", true).unwrap_err();
        assert_eq!(e.to_string(), "unknown force/refuse option ''");
        assert_eq!(f.names(), "hold");
        assert!(f.parse(b"hold,help", true).is_err());
    }

    #[test]
    fn a_mask_limits_what_is_shown_and_handed_on() {
        let mut f = ForceSet::none(Known::only(&[Force::NonRoot, Force::Overwrite]));
        assert!(f.parse(b"depends,overwrite", true).is_ok());
        assert_eq!(f.names(), "overwrite");
        let help = f.help("dpkg-divert", &crate::msg::English);
        let help = String::from_utf8_lossy(&help);
        assert!(help.contains("  [!] all                Set all force options\n"));
        assert!(help.contains("not-root") && !help.contains("confdef"));
        assert!(help.ends_with("\nCurrently enabled options:\n overwrite\n"));
    }

    #[test]
    fn every_thing_has_one_row() {
        let mut all = THINGS.iter().filter_map(|t| t.force).collect::<Vec<_>>();
        all.sort_by_key(|f| bit(*f));
        let bits: Vec<u32> = all.iter().map(|f| bit(*f)).collect();
        let expected: Vec<u32> = (0..28).map(|i| 1 << i).collect();
        assert_eq!(bits, expected);
    }
}
