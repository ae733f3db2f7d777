//! What one random run consists of: packages, and what is done with them.

use crate::deb::Kind;

/// A run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scenario {
    /// Where it came from.
    pub seed: u64,
    /// Whether the programs run inside the root, rather than on it with `--root`.
    pub inside: bool,
    /// Whether ours runs on a view, of which the root is the host; stock's then is as [`super::chroot`] has it.
    pub view: bool,
    /// The packages that the steps name by their file names.
    pub packages: Vec<Package>,
    /// What is done, in order.
    pub steps: Vec<Step>,
}

/// A binary package.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Package {
    /// The `Package` field.
    pub name: String,
    /// The `Version` field.
    pub version: String,
    /// The `Architecture` field.
    pub arch: String,
    /// All other control fields.
    pub fields: Vec<(String, String)>,
    /// The paths in it. Missing parents are made.
    pub entries: Vec<Entry>,
    /// The lines of `conffiles`.
    pub conffiles: Vec<String>,
    /// The lines of `triggers`.
    pub triggers: Vec<String>,
    /// Other control files: name and content.
    pub control: Vec<(String, String)>,
    /// The maintainer scripts.
    pub scripts: Vec<Script>,
    /// How many bytes the end of the file lacks.
    pub cut: usize,
}

/// One path of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// From the root, with the leading slash.
    pub path: String,
    /// What it is.
    pub kind: Kind,
    /// Permission bits.
    pub mode: u32,
    /// Seconds since the epoch.
    pub mtime: i64,
}

/// A maintainer script: it notes its call, then follows its rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// `preinst`, `postinst`, `prerm`, `postrm`.
    pub name: String,
    /// What it does when called in a certain way, in order.
    pub rules: Vec<Rule>,
}

/// A part of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The first argument of the call that this is for (a shell pattern).
    pub on: String,
    /// Only the first time in a run.
    pub once: bool,
    /// A shell command.
    pub run: String,
}

/// Something that is done, after which everything is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Runs a program of dpkg's; options for the root and the outputs are added.
    Run {
        /// Its name and arguments.
        words: Vec<String>,
        /// What it reads.
        stdin: String,
    },
    /// Makes a file of the root anew, as an administrator does.
    Write {
        /// Which.
        path: String,
        /// With what in it.
        content: String,
    },
    /// Removes a path of the root, with all below it.
    Delete {
        /// Which.
        path: String,
    },
    /// Makes a symbolic link in the root, in place of what was there.
    Link {
        /// Where.
        path: String,
        /// To what.
        target: String,
    },
    /// Makes a directory in the root.
    Mkdir {
        /// Which.
        path: String,
    },
}

impl Package {
    /// What the steps call it.
    pub fn file(&self) -> String {
        let version = match self.version.split_once(':') {
            Some((_, v)) => v,
            None => &self.version,
        };
        format!("{}_{version}_{}.deb", self.name, self.arch)
    }

    /// The value of a field, empty if there is none.
    pub fn field(&self, name: &str) -> &str {
        self.fields
            .iter()
            .find(|f| f.0 == name)
            .map_or("", |f| f.1.as_str())
    }
}

impl Scenario {
    /// Takes out packages that no step names, unless a step takes all there are.
    pub fn drop_unused(&mut self) {
        let all = self.steps.iter().any(|s| match s {
            Step::Run { words, .. } => words.iter().any(|w| w == "-R" || w == "."),
            _ => false,
        });
        if all {
            return;
        }
        let steps = &self.steps;
        self.packages.retain(|p| {
            let file = p.file();
            steps.iter().any(|s| match s {
                Step::Run { words, .. } => words.contains(&file),
                _ => false,
            })
        });
    }
}
