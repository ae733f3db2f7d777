//! Why there is no plan; and what a plan could not do as it should.

use std::fmt;
use std::path::PathBuf;

use crate::layout::{InstallationId, SideName, Soname};
use crate::manifest::{Hide, LibraryPin};

/// Why nothing can be planned: something was not looked up before. What persons ask for and can't have is a [`Warning`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The store has nothing about a package.
    #[error("nothing is known of {0}")]
    NoFacts(InstallationId),
    /// There is no main world.
    #[error("no main world was observed")]
    NoMain,
}

/// What a plan could not do as it should. Nothing of it keeps a package from being installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// A person's choice that is not followed, in a world, or nowhere.
    Pin {
        /// The choice.
        pin: LibraryPin,
        /// Where; `None`: in no world.
        world: Option<Option<SideName>>,
        /// Why not.
        why: String,
    },
    /// A version is hidden from somebody who needs it, and there is no other.
    Hide {
        /// The rule.
        hide: Hide,
        /// From whom.
        from: InstallationId,
    },
    /// A program will load what does not suit something of its process, outside of contexts or anywhere.
    Process {
        /// Whose.
        package: InstallationId,
        /// The program, relative to the payload.
        program: PathBuf,
        /// The library.
        soname: Soname,
        /// What is wrong.
        why: String,
    },
}

/// `NAME VERSION`
pub(super) fn named(id: &InstallationId) -> String {
    format!("{} {}", id.package(), id.version())
}

/// A world as messages call it.
pub fn world_name(world: Option<&SideName>) -> &str {
    world.map_or("main", SideName::as_str)
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::Pin { pin, world, why } => {
                write!(f, "{} is not that of {}", pin.soname, named(&pin.provider))?;
                if let Some(only) = &pin.only {
                    write!(f, " for {only}")?;
                }
                if let Some(world) = world {
                    write!(f, " in world {}", world_name(world.as_ref()))?;
                }
                write!(f, ": {why}")
            }
            Warning::Hide { hide, from } => write!(
                f,
                "{} sees {}: there is no other version of {}, though {hide} is to be hidden",
                named(from),
                hide.version,
                hide.package
            ),
            Warning::Process {
                package,
                program,
                soname,
                why,
            } => write!(
                f,
                "{}, /{}: its {soname} does not suit all it loads: {why}",
                named(package),
                program.display()
            ),
        }
    }
}
