//! What a scenario is: data, that both sides are driven by.

/// Suites of the archive in `sources.list`; [`MADE`] alone stands for the packages the harness makes.
pub type Suites = &'static [&'static str];

/// The release alone, as the stock systems were made.
pub const BOOKWORM: Suites = &["bookworm"];
/// With what came after it.
pub const BOOKWORM_UPDATED: Suites = &["bookworm", "bookworm-updates", "bookworm-security"];
/// Both releases.
pub const BOTH: Suites = &["bookworm", "trixie"];
/// The release alone.
pub const TRIXIE: Suites = &["trixie"];
/// With what came after it.
pub const TRIXIE_UPDATED: Suites = &["trixie", "trixie-updates", "trixie-security"];
/// The packages that [`super::made`] makes.
pub const MADE: Suites = &["made"];

/// Whose `/etc` and `/var` the view works on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// Its own; what a view has unless told otherwise.
    Own,
    /// The host's, to which it may only add.
    Host,
}

/// One thing done to the system.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum What {
    /// apt-get, or another program of apt if the first word is one. In the view: `dpkg-ng view apt`.
    Apt(&'static str),
    /// dpkg, with words that a shell expands. In the view: `dpkg-ng --view`.
    Dpkg(&'static str),
    /// A shell line of the administrator. In the view: `dpkg-ng run`.
    Shell(&'static str),
    /// A shell line of his that changes what is in `/usr` or dpkg's database. In the view: `dpkg-ng view exec`.
    Exec(&'static str),
    /// Other suites in `sources.list`, on the view's side in that of the host.
    Sources(Suites),
}

/// A step, with the exit code that stock has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step {
    /// What is done.
    pub what: What,
    /// How it ends in the chroot; another end there is a fault of the scenario, or of the network.
    pub code: i32,
}

impl Step {
    const fn new(what: What) -> Step {
        Step { what, code: 0 }
    }

    /// The same step, which stock ends with this exit code.
    pub const fn exits(self, code: i32) -> Step {
        Step { code, ..self }
    }

    /// Whether it may change what packages there are.
    pub fn changes(&self) -> bool {
        matches!(self.what, What::Apt(_) | What::Dpkg(_) | What::Exec(_))
    }
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.what {
            What::Apt(line) => write!(f, "apt {line}"),
            What::Dpkg(line) => write!(f, "dpkg {line}"),
            What::Shell(line) => write!(f, "sh: {line}"),
            What::Exec(line) => write!(f, "exec: {line}"),
            What::Sources(suites) => write!(f, "sources: {}", suites.join(" ")),
        }
    }
}

/// A line for apt-get, which asks nothing and installs no recommended packages.
pub const fn apt(line: &'static str) -> Step {
    Step::new(What::Apt(line))
}

/// A line for dpkg.
pub const fn dpkg(line: &'static str) -> Step {
    Step::new(What::Dpkg(line))
}

/// A line for a shell.
pub const fn shell(line: &'static str) -> Step {
    Step::new(What::Shell(line))
}

/// A line for a shell, which changes what is in `/usr` or dpkg's database.
pub const fn exec(line: &'static str) -> Step {
    Step::new(What::Exec(line))
}

/// Other suites.
pub const fn sources(suites: Suites) -> Step {
    Step::new(What::Sources(suites))
}

/// A shell line run when all steps are done, in a network of its own.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// The shell line.
    pub line: &'static str,
    /// What it says in the chroot, among other things; that it does not is a fault of the scenario.
    pub says: &'static [&'static str],
}

/// A program that says all of `words`.
pub const fn says(line: &'static str, words: &'static [&'static str]) -> Program {
    Program { line, says: words }
}

/// A difference that may be.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The subject of the difference, as the report names it; `*` stands for anything.
    pub of: &'static str,
    /// Why it may be.
    pub why: &'static str,
}

/// A row of a scenario's table.
pub const fn row(of: &'static str, why: &'static str) -> Row {
    Row { of, why }
}

/// Packages of the archive put into `/debs` as files, each `NAME`, `NAME=VERSION` or `NAME/SUITE`.
#[derive(Clone, Copy, Debug)]
pub struct Files {
    /// Where apt looks for them.
    pub suites: Suites,
    /// Which.
    pub packages: &'static [&'static str],
}

/// One life of a system.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// The name it is asked for by.
    pub name: &'static str,
    /// Of the stock system.
    pub release: &'static str,
    /// What apt knows in the beginning.
    pub suites: Suites,
    /// What stands in `/debs`, if anything.
    pub files: Option<Files>,
    /// Whose `/etc` and `/var` the view has.
    pub state: State,
    /// Whether the steps end with everything purged: then a host that was added to is as before.
    pub purged: bool,
    /// Why a user's own view can't be compared in it.
    pub not_as_user: Option<&'static str>,
    /// What is done.
    pub steps: &'static [Step],
    /// What is run afterwards.
    pub programs: &'static [Program],
    /// What may differ.
    pub rows: &'static [Row],
}

/// One of bookworm, with nothing in it.
pub const ON_BOOKWORM: Scenario = Scenario {
    name: "",
    release: "bookworm",
    suites: BOOKWORM,
    files: None,
    state: State::Own,
    purged: false,
    not_as_user: None,
    steps: &[],
    programs: &[],
    rows: &[],
};

/// One of trixie, with nothing in it.
pub const ON_TRIXIE: Scenario = Scenario {
    release: "trixie",
    suites: TRIXIE,
    ..ON_BOOKWORM
};

impl Scenario {
    /// All suites it uses, each set once.
    pub fn all_suites(&self) -> Vec<Suites> {
        let mut all = vec![self.suites];
        all.extend(self.files.map(|f| f.suites));
        all.extend(self.steps.iter().filter_map(|s| match s.what {
            What::Sources(suites) => Some(suites),
            _ => None,
        }));
        all.sort_unstable();
        all.dedup();
        all
    }
}
