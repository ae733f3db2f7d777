//! Which scripts are called, in which order, with which arguments: Policy 6.5 and 6.6.

use std::fmt;

use crate::layout::{InstallationId, SlotName, Version};

/// A maintainer script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Script {
    /// `preinst`
    Preinst,
    /// `postinst`
    Postinst,
    /// `prerm`
    Prerm,
    /// `postrm`
    Postrm,
}

impl Script {
    /// Its file's name.
    pub fn name(self) -> &'static str {
        match self {
            Script::Preinst => "preinst",
            Script::Postinst => "postinst",
            Script::Prerm => "prerm",
            Script::Postrm => "postrm",
        }
    }
}

/// A script to be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Whose.
    pub installation: InstallationId,
    /// The slot it is in.
    pub slot: Option<SlotName>,
    /// Which.
    pub script: Script,
    /// With what.
    pub arguments: Vec<String>,
    /// What is called if it fails; nothing: then all fails.
    pub fallback: Option<Box<Call>>,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = &self.installation;
        let (name, arguments) = (self.script.name(), self.arguments.join(" "));
        write!(f, "{}={}: {name} {arguments}", id.package(), id.version())
    }
}

/// What is done with a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// It is new.
    Install {
        /// What.
        new: InstallationId,
        /// Where.
        slot: Option<SlotName>,
        /// What it takes the place of.
        old: Option<InstallationId>,
        /// Whether it is to be configured now; not with `--unpack`.
        configure: bool,
    },
    /// It was unpacked, and is to be configured.
    Configure {
        /// What.
        package: InstallationId,
        /// Where.
        slot: Option<SlotName>,
        /// The version that was configured last.
        last: Option<Version>,
    },
    /// It goes.
    Remove {
        /// What.
        package: InstallationId,
        /// Where it was.
        slot: Option<SlotName>,
        /// With its configuration.
        purge: bool,
    },
    /// It was removed, and its configuration goes.
    Purge {
        /// What.
        package: InstallationId,
        /// Where it was.
        slot: Option<SlotName>,
    },
}

/// All calls for these, providers before their consumers: prerm, preinst, postrm, postinst.
pub fn calls(tasks: &[Task]) -> Vec<Call> {
    let mut phases: [Vec<Call>; 4] = Default::default();
    let [leaving, coming, left, configuring] = &mut phases;
    for task in tasks {
        match task {
            Task::Install {
                new,
                slot,
                old,
                configure,
            } => {
                let call = |of: &_, script, words: &[&str]| call(of, slot, script, words);
                let version = new.version().as_str();
                let mut last = "";
                match old {
                    None => coming.push(call(new, Script::Preinst, &["install"])),
                    Some(old) => {
                        last = old.version().as_str();
                        for (script, calls) in
                            [(Script::Prerm, &mut *leaving), (Script::Postrm, &mut *left)]
                        {
                            let instead = call(new, script, &["failed-upgrade", last, version]);
                            let mut first = call(old, script, &["upgrade", version]);
                            first.fallback = Some(Box::new(instead));
                            calls.push(first);
                        }
                        let words = ["upgrade", last, version];
                        coming.push(call(new, Script::Preinst, &words));
                    }
                }
                if *configure {
                    configuring.push(call(new, Script::Postinst, &["configure", last]));
                }
            }
            Task::Configure {
                package,
                slot,
                last,
            } => {
                let last = last.as_ref().map_or("", Version::as_str);
                let words = ["configure", last];
                configuring.push(call(package, slot, Script::Postinst, &words));
            }
            Task::Remove {
                package,
                slot,
                purge,
            } => {
                leaving.push(call(package, slot, Script::Prerm, &["remove"]));
                left.push(call(package, slot, Script::Postrm, &["remove"]));
                if *purge {
                    left.push(call(package, slot, Script::Postrm, &["purge"]));
                }
            }
            Task::Purge { package, slot } => {
                left.push(call(package, slot, Script::Postrm, &["purge"]));
            }
        }
    }
    phases.into_iter().flatten().collect()
}

pub(super) fn call(
    of: &InstallationId,
    slot: &Option<SlotName>,
    script: Script,
    words: &[&str],
) -> Call {
    Call {
        installation: of.clone(),
        slot: slot.clone(),
        script,
        arguments: words.iter().map(|w| w.to_string()).collect(),
        fallback: None,
    }
}
