//! The command line with `--multi-version` or `--view`: one table of what it may have, and the parser.
//!
//! Names and habits are dpkg's (dpkg(1)); what dpkg has and a view can't do is refused by name.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::elf::PathTag;
use crate::layout::{GenerationNumber, PackageName, Place, ViewName};
use crate::manifest::Hide;

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// `--install`
    Install,
    /// `--unpack`
    Unpack,
    /// `--configure`
    Configure,
    /// `--triggers-only`
    Triggers,
    /// `--remove`
    Remove,
    /// `--purge`
    Purge,
    /// `--list`
    List,
    /// `--listfiles`
    ListFiles,
    /// `--search`
    Search,
    /// `--status`
    Status,
    /// `--verify`
    Verify,
    /// `--set-selections`
    SetSelections,
    /// `--merge-avail`, which apt says when it marks packages: a view's `available` stays empty.
    MergeAvail,
    /// What dpkg does itself, with the view's database: it changes nothing.
    Dpkg,
}

/// How a graph is to be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Graph {
    /// For graphviz.
    Dot,
    /// For a browser.
    Svg,
}

/// A command line.
#[derive(Debug, Clone)]
pub struct Line {
    /// `--multi-version`: what is there stays.
    pub multi_version: bool,
    /// `--view`
    pub view: ViewName,
    /// `--view V@GEN`: the current one, if none is named. Only what reads takes one.
    pub generation: Option<GenerationNumber>,
    /// What to do.
    pub action: Action,
    /// `--pending`, `-a`
    pub pending: bool,
    /// The rest.
    pub operands: Vec<OsString>,
    /// `--recursive`
    pub recursive: bool,
    /// `--skip-same-version`
    pub skip_same_version: bool,
    /// `--refuse-downgrade`
    pub refuse_downgrade: bool,
    /// `--no-act`
    pub no_act: bool,
    /// `--no-scripts`
    pub no_scripts: bool,
    /// `--no-triggers`
    pub no_triggers: bool,
    /// `--own-libraries`
    pub own_libraries: bool,
    /// `--force-depends`
    pub force_depends: bool,
    /// `--link-mode`
    pub link_mode: PathTag,
    /// `--hide`
    pub hide: Vec<Hide>,
    /// `--unhide`
    pub unhide: Vec<Hide>,
    /// `--as-auto`
    pub as_auto: Vec<PackageName>,
    /// `--as-wanted`
    pub as_wanted: Vec<PackageName>,
    /// `--admindir`, which must be the view's own: apt 3 says it.
    pub admindir: Option<PathBuf>,
    /// `--auto-marks`: apt's file of what comes along.
    pub auto_marks: Option<PathBuf>,
    /// `--explain`
    pub explain: bool,
    /// `--graph`
    pub graph: Option<Graph>,
    /// `--json`
    pub json: bool,
    /// `--status-fd`
    pub status_fd: bool,
    /// Options that say how dpkg is to speak, to be handed on to it.
    pub dpkg: Vec<OsString>,
}

/// What is wrong with a command line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UsageError {
    /// An option nobody knows.
    #[error("unknown option {0}")]
    Unknown(String),
    /// One of dpkg's that a view can't do.
    #[error("{0} can't be done in a view")]
    NotInViews(String),
    /// A value is missing.
    #[error("{0} takes a value")]
    NoValue(String),
    /// A value is given and can't be.
    #[error("{0} takes no value")]
    Value(String),
    /// A value is wrong.
    #[error("{option}: {why}")]
    Wrong {
        /// The option.
        option: String,
        /// What is wrong.
        why: String,
    },
    /// Two actions.
    #[error("conflicting actions {0} and {1}")]
    TwoActions(String, String),
    /// No action.
    #[error("need an action: -i, -r, -P, --configure, -l, -L, -S, -s or -V")]
    NoAction,
    /// A generation to change.
    #[error("a generation can't be changed: it is the view that gets another")]
    OldGeneration,
    /// No operands.
    #[error("{0} needs at least one {1}")]
    NoOperand(String, &'static str),
}

/// What an option is for.
#[derive(Clone, Copy)]
enum Is {
    Action(Action),
    /// An action of dpkg's that only reads.
    Reads,
    /// One that a view can't do.
    Refused,
    Flag(fn(&mut Line)),
    Value(fn(&mut Line, &str) -> Result<(), String>),
    /// Handed on to dpkg; with a value if so.
    Speaks(bool),
}

struct Opt {
    short: Option<u8>,
    long: &'static str,
    is: Is,
}

const fn opt(short: u8, long: &'static str, is: Is) -> Opt {
    Opt {
        short: Some(short),
        long,
        is,
    }
}

const fn long(long: &'static str, is: Is) -> Opt {
    Opt {
        short: None,
        long,
        is,
    }
}

fn parsed<T: FromStr>(list: &mut Vec<T>, value: &str) -> Result<(), String>
where
    T::Err: ToString,
{
    list.push(value.parse().map_err(|e: T::Err| e.to_string())?);
    Ok(())
}

/// Every option.
const OPTIONS: &[Opt] = &[
    opt(b'i', "install", Is::Action(Action::Install)),
    long("unpack", Is::Action(Action::Unpack)),
    long("configure", Is::Action(Action::Configure)),
    long("triggers-only", Is::Action(Action::Triggers)),
    opt(b'r', "remove", Is::Action(Action::Remove)),
    opt(b'P', "purge", Is::Action(Action::Purge)),
    opt(b'l', "list", Is::Action(Action::List)),
    opt(b'L', "listfiles", Is::Action(Action::ListFiles)),
    opt(b'S', "search", Is::Action(Action::Search)),
    opt(b's', "status", Is::Action(Action::Status)),
    opt(b'V', "verify", Is::Action(Action::Verify)),
    opt(b'C', "audit", Is::Reads),
    opt(b'p', "print-avail", Is::Reads),
    long("get-selections", Is::Reads),
    long("print-architecture", Is::Reads),
    long("print-foreign-architectures", Is::Reads),
    long("assert-support-predepends", Is::Reads),
    long("assert-working-epoch", Is::Reads),
    long("assert-long-filenames", Is::Reads),
    long("assert-multi-conrep", Is::Reads),
    long("assert-multi-arch", Is::Reads),
    long("assert-versioned-provides", Is::Reads),
    long("assert-protected-field", Is::Reads),
    long("compare-versions", Is::Reads),
    long("yet-to-unpack", Is::Reads),
    long("predep-package", Is::Reads),
    opt(b'A', "record-avail", Is::Refused),
    long("update-avail", Is::Refused),
    long("merge-avail", Is::Action(Action::MergeAvail)),
    long("clear-avail", Is::Refused),
    long("forget-old-unavail", Is::Refused),
    long("set-selections", Is::Action(Action::SetSelections)),
    long("clear-selections", Is::Refused),
    long("add-architecture", Is::Refused),
    long("remove-architecture", Is::Refused),
    long("root", Is::Refused),
    long("instdir", Is::Refused),
    long(
        "admindir",
        Is::Value(|l, v| {
            l.admindir = Some(v.into());
            Ok(())
        }),
    ),
    long("multi-version", Is::Flag(|l| l.multi_version = true)),
    long(
        "view",
        Is::Value(|l, v| {
            let place: Place = v
                .parse()
                .map_err(|e: crate::layout::WordError| e.to_string())?;
            (l.view, l.generation) = (place.view, place.number);
            Ok(())
        }),
    ),
    opt(b'a', "pending", Is::Flag(|l| l.pending = true)),
    long("no-act", Is::Flag(|l| l.no_act = true)),
    long("dry-run", Is::Flag(|l| l.no_act = true)),
    long("simulate", Is::Flag(|l| l.no_act = true)),
    long("no-scripts", Is::Flag(|l| l.no_scripts = true)),
    long("no-triggers", Is::Flag(|l| l.no_triggers = true)),
    long("triggers", Is::Flag(|l| l.no_triggers = false)),
    long("own-libraries", Is::Flag(|l| l.own_libraries = true)),
    long("force-depends", Is::Flag(|l| l.force_depends = true)),
    long("force-all", Is::Flag(|l| l.force_depends = true)),
    long(
        "link-mode",
        Is::Value(|l, v| {
            l.link_mode = match v {
                "runpath" => PathTag::Runpath,
                "rpath" => PathTag::Rpath,
                _ => return Err(format!("'{v}' is neither runpath nor rpath")),
            };
            Ok(())
        }),
    ),
    long("hide", Is::Value(|l, v| parsed(&mut l.hide, v))),
    long("unhide", Is::Value(|l, v| parsed(&mut l.unhide, v))),
    long("as-auto", Is::Value(|l, v| parsed(&mut l.as_auto, v))),
    long("as-wanted", Is::Value(|l, v| parsed(&mut l.as_wanted, v))),
    long(
        "auto-marks",
        Is::Value(|l, v| {
            l.auto_marks = Some(v.into());
            Ok(())
        }),
    ),
    long("explain", Is::Flag(|l| l.explain = true)),
    long(
        "graph",
        Is::Value(|l, v| {
            l.graph = match v {
                "dot" => Some(Graph::Dot),
                "svg" => Some(Graph::Svg),
                _ => return Err(format!("'{v}' is neither dot nor svg")),
            };
            Ok(())
        }),
    ),
    long("json", Is::Flag(|l| l.json = true)),
    long("status-fd", Is::Speaks(true)),
    long("status-logger", Is::Speaks(true)),
    long("log", Is::Speaks(true)),
    opt(b'D', "debug", Is::Speaks(true)),
    opt(b'B', "auto-deconfigure", Is::Flag(|_| {})),
    opt(b'R', "recursive", Is::Flag(|l| l.recursive = true)),
    opt(b'O', "selected-only", Is::Refused),
    opt(
        b'E',
        "skip-same-version",
        Is::Flag(|l| l.skip_same_version = true),
    ),
    opt(
        b'G',
        "refuse-downgrade",
        Is::Flag(|l| l.refuse_downgrade = true),
    ),
    long("no-pager", Is::Speaks(false)),
    long("no-debsig", Is::Speaks(false)),
    long("abort-after", Is::Speaks(true)),
];

impl Line {
    /// An action on a view, with nothing else said.
    pub fn new(view: ViewName, action: Action) -> Line {
        Line {
            multi_version: false,
            view,
            generation: None,
            action,
            pending: false,
            operands: Vec::new(),
            recursive: false,
            skip_same_version: false,
            refuse_downgrade: false,
            no_act: false,
            no_scripts: false,
            no_triggers: false,
            own_libraries: false,
            force_depends: false,
            link_mode: PathTag::Runpath,
            hide: Vec::new(),
            unhide: Vec::new(),
            as_auto: Vec::new(),
            as_wanted: Vec::new(),
            admindir: None,
            auto_marks: None,
            explain: false,
            graph: None,
            json: false,
            status_fd: false,
            dpkg: Vec::new(),
        }
    }

    /// Read a command line.
    pub fn parse(args: &[OsString]) -> Result<Line, UsageError> {
        Parser {
            line: Line::new(ViewName::system(), Action::Dpkg),
            action: None,
        }
        .parse(args)
    }
}

struct Parser {
    line: Line,
    /// The action and how it was spelt.
    action: Option<String>,
}

impl Parser {
    fn parse(mut self, args: &[OsString]) -> Result<Line, UsageError> {
        let mut left = args.iter();
        while let Some(arg) = left.next() {
            let bytes = arg.as_bytes();
            match bytes {
                b"--" => {
                    self.line.operands.extend(left.by_ref().cloned());
                }
                [b'-', b'-', name @ ..] => {
                    let mut parts = name.splitn(2, |b| *b == b'=');
                    let name = text(parts.next().unwrap_or_default());
                    let value = parts.next().map(text);
                    let spelt = format!("--{name}");
                    // The other force options are about what a view never does.
                    let forced = ["force-", "no-force-", "refuse-"];
                    let found = OPTIONS.iter().find(|o| o.long == name);
                    match found {
                        Some(opt) => self.option(opt, spelt, value, &mut left)?,
                        None if forced.iter().any(|f| name.starts_with(f)) => {}
                        None => return Err(UsageError::Unknown(spelt)),
                    }
                }
                [b'-', letters @ ..] if !letters.is_empty() => {
                    self.letters(letters, &mut left)?;
                }
                _ => self.line.operands.push(arg.clone()),
            }
        }
        if self.action.is_none() {
            return Err(UsageError::NoAction);
        }
        let reads = [
            Action::List,
            Action::ListFiles,
            Action::Search,
            Action::Status,
            Action::Verify,
            Action::Dpkg,
        ];
        if self.line.generation.is_some() && !reads.contains(&self.line.action) {
            return Err(UsageError::OldGeneration);
        }
        Ok(self.line)
    }

    fn letters<'a>(
        &mut self,
        letters: &[u8],
        left: &mut impl Iterator<Item = &'a OsString>,
    ) -> Result<(), UsageError> {
        for (at, letter) in letters.iter().enumerate() {
            let spelt = format!("-{}", char::from(*letter));
            let found = OPTIONS.iter().find(|o| o.short == Some(*letter));
            let opt = found.ok_or_else(|| UsageError::Unknown(spelt.clone()))?;
            if let Is::Speaks(true) | Is::Value(_) = opt.is {
                let rest = letters.get(at + 1..).filter(|r| !r.is_empty()).map(text);
                let rest = rest.map(|r| r.strip_prefix('=').unwrap_or(&r).to_owned());
                return self.option(opt, spelt, rest, left);
            }
            self.option(opt, spelt, None, left)?;
        }
        Ok(())
    }

    fn option<'a>(
        &mut self,
        opt: &Opt,
        spelt: String,
        value: Option<String>,
        left: &mut impl Iterator<Item = &'a OsString>,
    ) -> Result<(), UsageError> {
        let mut taken = |value: Option<String>| {
            let next = || left.next().map(|v| text(v.as_bytes()));
            let value = value.or_else(next);
            value.ok_or_else(|| UsageError::NoValue(spelt.clone()))
        };
        match opt.is {
            Is::Value(set) => {
                let value = taken(value)?;
                let option = spelt;
                return set(&mut self.line, &value)
                    .map_err(|why| UsageError::Wrong { option, why });
            }
            Is::Speaks(true) => {
                let value = taken(value)?;
                self.line.status_fd |= opt.long == "status-fd";
                self.line
                    .dpkg
                    .push(format!("--{}={value}", opt.long).into());
                return Ok(());
            }
            Is::Refused => return Err(UsageError::NotInViews(spelt)),
            _ if value.is_some() => return Err(UsageError::Value(spelt)),
            Is::Flag(set) => set(&mut self.line),
            Is::Speaks(false) => self.line.dpkg.push(format!("--{}", opt.long).into()),
            Is::Action(action) => self.act(action, spelt)?,
            Is::Reads => {
                self.line
                    .operands
                    .insert(0, format!("--{}", opt.long).into());
                self.act(Action::Dpkg, spelt)?;
            }
        }
        Ok(())
    }

    fn act(&mut self, action: Action, spelt: String) -> Result<(), UsageError> {
        match &self.action {
            Some(first) => Err(UsageError::TwoActions(spelt, first.clone())),
            None => {
                self.line.action = action;
                self.action = Some(spelt);
                Ok(())
            }
        }
    }
}

fn text(bytes: &[u8]) -> String {
    OsStr::from_bytes(bytes).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Line, UsageError> {
        let args: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        Line::parse(&args)
    }

    #[test]
    fn as_a_person_writes_it() {
        let line = parse("--multi-version -i a.deb --hide foo b.deb");
        assert!(matches!(line, Err(UsageError::Wrong { .. })), "{line:?}");
        let line =
            parse("--multi-version -i a.deb --hide foo=1 --link-mode=rpath b.deb -- -c").unwrap();
        assert_eq!(line.action, Action::Install);
        assert_eq!(line.operands, ["a.deb", "b.deb", "-c"]);
        assert!(line.multi_version && line.link_mode == PathTag::Rpath && line.hide.len() == 1);
        assert_eq!(line.view.as_str(), "system");
    }

    #[test]
    fn as_apt_writes_it() {
        let line = parse(
            "--view=work --status-fd 12 --no-triggers --unpack --auto-deconfigure --recursive d",
        );
        assert!(line.unwrap().recursive);
        let line = parse(
            "--view=work --force-remove-reinstreq --status-fd 12 --no-triggers --unpack /a.deb",
        );
        let line = line.unwrap();
        assert_eq!((line.view.as_str(), line.action), ("work", Action::Unpack));
        assert!(line.status_fd && line.no_triggers && !line.multi_version);
        assert_eq!(line.dpkg, ["--status-fd=12"]);
        let line = parse("--view=work --print-foreign-architectures").unwrap();
        assert_eq!(line.action, Action::Dpkg);
        assert_eq!(line.operands, ["--print-foreign-architectures"]);
    }

    #[test]
    fn wrong_ones() {
        for (line, why) in [
            ("--multi-version", UsageError::NoAction),
            ("-i -r a", UsageError::TwoActions("-r".into(), "-i".into())),
            ("-i --root=/x a", UsageError::NotInViews("--root".into())),
            ("-i --view", UsageError::NoValue("--view".into())),
            ("-i --json=1", UsageError::Value("--json".into())),
            ("-ix", UsageError::Unknown("-x".into())),
        ] {
            assert_eq!(parse(line).unwrap_err(), why, "{line}");
        }
    }

    #[test]
    fn the_table_names_each_once() {
        for (at, opt) in OPTIONS.iter().enumerate() {
            let rest = OPTIONS.get(at + 1..).unwrap_or_default();
            assert!(rest.iter().all(|o| o.long != opt.long), "--{}", opt.long);
            let twice = rest
                .iter()
                .any(|o| o.short.is_some() && o.short == opt.short);
            assert!(!twice, "--{}", opt.long);
        }
    }

    #[test]
    fn help_tells_of_each() {
        let help = include_str!("help.txt");
        let told = |name: &str| {
            let words = help.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
            words.into_iter().any(|w| w == name)
        };
        for opt in OPTIONS {
            if matches!(opt.is, Is::Action(_) | Is::Flag(_) | Is::Value(_))
                && opt.long != "admindir"
            {
                assert!(told(&format!("--{}", opt.long)), "--{}", opt.long);
            }
        }
    }
}
