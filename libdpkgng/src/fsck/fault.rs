//! What is wrong, as data.

use super::{Unchecked, Wanted};
use crate::db::Dirs;
use crate::sys::place::Spot;

/// How bad a fault is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Allowed, but good to know; no reason to call a system damaged.
    Note,
    /// Nothing fails by it.
    Warning,
    /// dpkg refuses to work, loses something, or a package is incomplete.
    Error,
}

impl Severity {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $word:literal $severity:ident;)+) => {
        /// What a fault is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind { $($(#[$doc])* $name),+ }
        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Kind] = &[$(Kind::$name),+];
            /// Its name, which stays what it is: for programs.
            pub const fn as_str(self) -> &'static str {
                match self { $(Kind::$name => $word),+ }
            }
            /// How bad it is.
            pub const fn severity(self) -> Severity {
                match self { $(Kind::$name => Severity::$severity),+ }
            }
        }
    };
}

kinds! {
    /// A file of the database is not there, though there must have been one.
    Missing = "missing" Error;
    /// It is empty, though it must have had content.
    Empty = "empty" Error;
    /// It is no regular file, or above the size that is read.
    NotRegular = "not-regular" Error;
    /// Reading failed.
    Unreadable = "unreadable" Error;
    /// It has NUL bytes, as blocks that never got to the disk.
    ZeroFilled = "zero-filled" Error;
    /// Its last line has no newline: it was cut, or dpkg will refuse it.
    NoFinalNewline = "no-final-newline" Error;
    /// dpkg cannot parse it; the detail is its reason.
    Syntax = "syntax" Error;
    /// An entry is there twice.
    Duplicate = "duplicate" Error;
    /// An empty line where dpkg takes none.
    EmptyLine = "empty-line" Error;
    /// Entries that its copy has, and the system shows to hold, are gone; the detail is their number.
    EntriesLost = "entries-lost" Error;
    /// A path that is relative or has `..` in it.
    BadPath = "bad-path" Error;
    /// A package is in other files, but its stanza is gone.
    StanzaLost = "stanza-lost" Error;
    /// A file of `updates/` says nothing that dpkg can read.
    JournalDamaged = "journal-damaged" Error;
    /// A statoverride of a user that is not there.
    UnknownUser = "unknown-user" Error;
    /// A statoverride of a group that is not there.
    UnknownGroup = "unknown-group" Error;
    /// A diversion by a package that is not installed.
    UnknownDiverter = "unknown-diverter" Note;
    /// An installed package without its list of files.
    ListMissing = "list-missing" Error;
    /// A path that has a digest and is not in the list.
    NotListed = "not-listed" Error;
    /// A maintainer script that cannot be executed.
    NotExecutable = "not-executable" Error;
    /// A maintainer script that says nowhere what runs it.
    NoInterpreter = "no-interpreter" Error;
    /// A control file whose name has an architecture, and should not, or the other way round.
    WrongQualifier = "wrong-qualifier" Error;
    /// Something of a package that is not installed.
    NotInstalled = "not-installed" Warning;
    /// What a run of dpkg that ended early left behind.
    Leftover = "leftover" Warning;
    /// A conffile that is not there, which an administrator may want.
    ConffileMissing = "conffile-missing" Note;
    /// An interest that a package states and `triggers/` lacks.
    InterestMissing = "interest-missing" Error;
    /// An interest in `triggers/` that no installed package states.
    InterestStale = "interest-stale" Warning;
    /// A link of alternatives is not there.
    LinkMissing = "link-missing" Error;
    /// It leads to nothing.
    LinkDangling = "link-dangling" Error;
    /// It leads elsewhere than its group says.
    LinkElsewhere = "link-elsewhere" Warning;
    /// In its place is something that is no link.
    NotALink = "not-a-link" Warning;
    /// Links of alternatives that no group knows.
    GroupLost = "group-lost" Error;
    /// A file of a package is not there.
    FileMissing = "file-missing" Error;
    /// It has other content than md5sums says.
    FileChanged = "file-changed" Error;
    /// It should be a regular file, and is none.
    FileType = "file-type" Error;
}

/// A file by the tree it belongs to; resolved only when something is done with it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Where {
    /// A name in the directory of the database.
    Admin(Vec<u8>),
    /// An absolute path of the installed system.
    System(Vec<u8>),
}

impl Where {
    /// The file itself.
    pub fn spot(&self, dirs: &Dirs) -> Spot {
        match self {
            Where::Admin(name) => dirs.admin(name),
            Where::System(path) => dirs.inst(path),
        }
    }

    /// Its path on this machine.
    pub fn shown(&self, dirs: &Dirs) -> Vec<u8> {
        self.spot(dirs).shown().to_vec()
    }
}

/// What a person may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WayOut {
    /// Nothing needs to be done.
    Nothing,
    /// Install this package again, in the version it has.
    Reinstall(String),
    /// Run this command.
    Run(String),
    /// Correct the file with an editor; the former one is a copy that may help.
    Edit(Option<Where>),
    /// Move it out of the way.
    MoveAway,
}

/// Where what is written comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// From the file that it replaces.
    Itself,
    /// From the rest of the database.
    Database,
    /// From these copies.
    Copy(Vec<Where>),
    /// From this archive.
    Archive(Vec<u8>),
}

/// A change that takes no guess.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Give a file this content; with this mode, if it has to have one.
    Write {
        /// The file.
        file: Where,
        /// What it is to contain.
        content: Vec<u8>,
        /// Permission bits; those of the file that is replaced, if not said.
        mode: Option<u32>,
    },
    /// Move a file away.
    SetAside(Where),
    /// Give a file its right name; nothing has that.
    Rename(Where, Where),
    /// Make a symbolic link.
    Link(Where, Vec<u8>),
    /// Set permission bits.
    Mode(Where, u32),
    /// Put a member of an archive in its place.
    Extract {
        /// The path where it goes.
        file: Where,
        /// The path it has in the archive, with its leading slash.
        member: Vec<u8>,
        /// The MD5 digest it has to have, if it is a file.
        digest: Option<Vec<u8>>,
    },
}

/// A plan: what is done, and from what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repair {
    /// The change.
    pub action: Action,
    /// What is put in place comes from there.
    pub source: Source,
}

impl Repair {
    pub(super) fn new(action: Action, source: Source) -> Repair {
        Repair { action, source }
    }

    /// The file that changes.
    pub fn target(&self) -> &Where {
        match &self.action {
            Action::Write { file, .. } | Action::Extract { file, .. } => file,
            Action::SetAside(file) | Action::Rename(file, _) => file,
            Action::Link(file, _) | Action::Mode(file, _) => file,
        }
    }
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What.
    pub kind: Kind,
    /// In which file.
    pub file: Where,
    /// In which line of it, the first being 1.
    pub line: Option<usize>,
    /// Of which package, with its architecture where that is needed.
    pub package: Option<String>,
    /// What in particular: an entry, a path, dpkg's reason; may be empty.
    pub detail: Vec<u8>,
    /// What a person may do.
    pub way_out: WayOut,
    /// What needs no person.
    pub repair: Option<Repair>,
    /// The package of which an archive would bring what is lost.
    pub wanted: Option<Wanted>,
}

impl Fault {
    pub(super) fn new(kind: Kind, file: Where) -> Fault {
        Fault {
            kind,
            file,
            line: None,
            package: None,
            detail: Vec::new(),
            way_out: WayOut::Nothing,
            repair: None,
            wanted: None,
        }
    }

    pub(super) fn at(mut self, line: usize) -> Fault {
        self.line = Some(line);
        self
    }

    pub(super) fn of(mut self, package: &str) -> Fault {
        self.package = Some(package.to_owned());
        self
    }

    pub(super) fn detail(mut self, detail: impl Into<Vec<u8>>) -> Fault {
        self.detail = detail.into();
        self
    }

    pub(super) fn way_out(mut self, way: WayOut) -> Fault {
        self.way_out = way;
        self
    }

    pub(super) fn repair(mut self, repair: Option<Repair>) -> Fault {
        self.repair = repair;
        self
    }

    pub(super) fn wants(mut self, wanted: &Wanted) -> Fault {
        self.wanted = Some(wanted.clone());
        self
    }

    /// How bad it is.
    pub fn severity(&self) -> Severity {
        self.kind.severity()
    }
}

impl Unchecked {
    /// Whether that is for want of permission.
    pub fn is_forbidden(&self) -> bool {
        matches!(self.errno, libc::EACCES | libc::EPERM)
    }
}
