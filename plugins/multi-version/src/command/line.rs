//! A command line of dpkg's on a view: what of it is the plugin's own, and what is handed on to dpkg as it stands.
//!
//! dpkg's grammar (dpkg(1)) is followed as far as it takes to tell actions, values and operands apart; whatever is wrong
//! with the rest, dpkg says.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::elf::PathTag;
use crate::layout::{GenerationNumber, PackageName, Place, SideName, ViewName};
use crate::manifest::Hide;

/// What is to be done, as far as it makes a difference here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// `--install`, `--unpack`: archives come.
    Archives,
    /// Another that changes a world's database.
    Change,
    /// One that only reads it.
    Read,
    /// `--verify`, which reads files, too.
    Verify,
    /// `--show`, of dpkg-query's own.
    Show,
}

/// How a graph is to be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Graph {
    /// On the terminal.
    Tree,
    /// For graphviz.
    Dot,
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
    /// `--store`
    pub store: Option<PathBuf>,
    /// `--world`: a side world.
    pub world: Option<SideName>,
    /// `--transaction`: the pending generation of the command that called us.
    pub transaction: Option<PathBuf>,
    /// What to do; none is for dpkg to complain of.
    pub action: Option<Action>,
    /// Archives, names, patterns.
    pub operands: Vec<OsString>,
    /// `--recursive`
    pub recursive: bool,
    /// `--no-act`
    pub no_act: bool,
    /// `--own-libraries`
    pub own_libraries: bool,
    /// `--strict`: what can't be linked is an error.
    pub strict: bool,
    /// `--keep-failed`
    pub keep_failed: bool,
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
    /// `--explain`
    pub explain: bool,
    /// `--graph`
    pub graph: Option<Graph>,
    /// `--json`
    pub json: bool,
    /// For dpkg, as it stands.
    pub dpkg: Vec<OsString>,
}

/// What is wrong with a command line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UsageError {
    /// One of dpkg's that a view can't do.
    #[error("{0} can't be said of a view, which has its own")]
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
    /// A generation to change.
    #[error("a generation can't be changed: it is the view that gets another")]
    OldGeneration,
}

type Set = fn(&mut Line, &str) -> Result<(), String>;

/// What an option is for.
#[derive(Clone, Copy)]
enum Is {
    /// An action of dpkg's.
    Action(Action),
    /// Another option of dpkg's, which is looked at.
    Seen(fn(&mut Line)),
    /// One that takes a value.
    Valued,
    /// One that would lead elsewhere.
    Refused,
    /// Ours.
    Own(fn(&mut Line)),
    /// Ours, with a value.
    OwnValued(Set),
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
    list.push(one(value)?);
    Ok(())
}

fn one<T: FromStr>(value: &str) -> Result<T, String>
where
    T::Err: ToString,
{
    value.parse().map_err(|e: T::Err| e.to_string())
}

/// Ours, and what of dpkg's has to be told apart. What is not here is dpkg's, and takes no value of its own.
const OPTIONS: &[Opt] = &[
    opt(b'i', "install", Is::Action(Action::Archives)),
    long("unpack", Is::Action(Action::Archives)),
    opt(b'A', "record-avail", Is::Action(Action::Change)),
    long("configure", Is::Action(Action::Change)),
    long("triggers-only", Is::Action(Action::Change)),
    opt(b'r', "remove", Is::Action(Action::Change)),
    opt(b'P', "purge", Is::Action(Action::Change)),
    long("set-selections", Is::Action(Action::Change)),
    long("clear-selections", Is::Action(Action::Change)),
    long("update-avail", Is::Action(Action::Change)),
    long("merge-avail", Is::Action(Action::Change)),
    long("clear-avail", Is::Action(Action::Change)),
    long("forget-old-unavail", Is::Action(Action::Change)),
    long("add-architecture", Is::Action(Action::Change)),
    long("remove-architecture", Is::Action(Action::Change)),
    opt(b'l', "list", Is::Action(Action::Read)),
    opt(b'L', "listfiles", Is::Action(Action::Read)),
    opt(b'S', "search", Is::Action(Action::Read)),
    opt(b's', "status", Is::Action(Action::Read)),
    opt(b'p', "print-avail", Is::Action(Action::Read)),
    opt(b'C', "audit", Is::Action(Action::Read)),
    long("get-selections", Is::Action(Action::Read)),
    long("yet-to-unpack", Is::Action(Action::Read)),
    long("predep-package", Is::Action(Action::Read)),
    long("print-architecture", Is::Action(Action::Read)),
    long("print-foreign-architectures", Is::Action(Action::Read)),
    long("compare-versions", Is::Action(Action::Read)),
    opt(b'c', "contents", Is::Action(Action::Read)),
    opt(b'I', "info", Is::Action(Action::Read)),
    opt(b'V', "verify", Is::Action(Action::Verify)),
    opt(b'W', "show", Is::Action(Action::Show)),
    opt(b'R', "recursive", Is::Seen(|l| l.recursive = true)),
    long("no-act", Is::Seen(|l| l.no_act = true)),
    long("dry-run", Is::Seen(|l| l.no_act = true)),
    long("simulate", Is::Seen(|l| l.no_act = true)),
    long("pre-invoke", Is::Valued),
    long("post-invoke", Is::Valued),
    long("path-exclude", Is::Valued),
    long("path-include", Is::Valued),
    long("verify-format", Is::Valued),
    long("status-logger", Is::Valued),
    long("status-fd", Is::Valued),
    long("log", Is::Valued),
    long("abort-after", Is::Valued),
    long("ignore-depends", Is::Valued),
    opt(b'D', "debug", Is::Valued),
    opt(b'f', "showformat", Is::Valued),
    long("root", Is::Refused),
    long("instdir", Is::Refused),
    // apt 3 says it: the directory of the status file that it was given, which is the world's.
    long("admindir", Is::OwnValued(|_, _| Ok(()))),
    long("multi-version", Is::Own(|l| l.multi_version = true)),
    long(
        "view",
        Is::OwnValued(|l, v| {
            let place: Place = one(v)?;
            (l.view, l.generation) = (place.view, place.number);
            Ok(())
        }),
    ),
    long(
        "store",
        Is::OwnValued(|l, v| {
            l.store = Some(v.into());
            Ok(())
        }),
    ),
    long(
        "world",
        Is::OwnValued(|l, v| {
            l.world = Some(one(v)?);
            Ok(())
        }),
    ),
    long(
        "transaction",
        Is::OwnValued(|l, v| {
            l.transaction = Some(v.into());
            Ok(())
        }),
    ),
    long("own-libraries", Is::Own(|l| l.own_libraries = true)),
    long("strict", Is::Own(|l| l.strict = true)),
    long("keep-failed", Is::Own(|l| l.keep_failed = true)),
    long(
        "link-mode",
        Is::OwnValued(|l, v| {
            l.link_mode = match v {
                "runpath" => PathTag::Runpath,
                "rpath" => PathTag::Rpath,
                _ => return Err(format!("'{v}' is neither runpath nor rpath")),
            };
            Ok(())
        }),
    ),
    long("hide", Is::OwnValued(|l, v| parsed(&mut l.hide, v))),
    long("unhide", Is::OwnValued(|l, v| parsed(&mut l.unhide, v))),
    long("as-auto", Is::OwnValued(|l, v| parsed(&mut l.as_auto, v))),
    long(
        "as-wanted",
        Is::OwnValued(|l, v| parsed(&mut l.as_wanted, v)),
    ),
    long("explain", Is::Own(|l| l.explain = true)),
    long("graph", Is::Own(|l| l.graph = Some(Graph::Tree))),
    long("json", Is::Own(|l| l.json = true)),
];

impl Line {
    /// Of a view, with nothing said yet.
    pub fn new(view: ViewName) -> Line {
        Line {
            multi_version: false,
            view,
            generation: None,
            store: None,
            world: None,
            transaction: None,
            action: None,
            operands: Vec::new(),
            recursive: false,
            no_act: false,
            own_libraries: false,
            strict: false,
            keep_failed: false,
            link_mode: PathTag::Runpath,
            hide: Vec::new(),
            unhide: Vec::new(),
            as_auto: Vec::new(),
            as_wanted: Vec::new(),
            explain: false,
            graph: None,
            json: false,
            dpkg: Vec::new(),
        }
    }

    /// Read a command line.
    ///
    /// # Errors
    /// What is wrong with what is ours.
    pub fn parse(args: &[OsString]) -> Result<Line, UsageError> {
        let mut line = Line::new(ViewName::system());
        let mut left = args.iter();
        while let Some(arg) = left.next() {
            match arg.as_bytes() {
                b"--" => {
                    line.operands.extend(left.by_ref().cloned());
                    break;
                }
                [b'-', b'-', name @ ..] => {
                    let mut parts = name.splitn(2, |b| *b == b'=');
                    let name =
                        String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
                    line.long(arg, &name, parts.next(), &mut left)?;
                }
                [b'-', letters @ ..] if !letters.is_empty() => {
                    line.letters(arg, letters, &mut left)
                }
                _ => line.operands.push(arg.clone()),
            }
        }
        let changes = !matches!(
            line.action,
            Some(Action::Read | Action::Verify | Action::Show) | None
        );
        if line.generation.is_some() && changes {
            return Err(UsageError::OldGeneration);
        }
        Ok(line)
    }

    fn long<'a>(
        &mut self,
        arg: &OsString,
        name: &str,
        value: Option<&[u8]>,
        left: &mut impl Iterator<Item = &'a OsString>,
    ) -> Result<(), UsageError> {
        let spelt = format!("--{name}");
        if let ("graph", Some(kind)) = (name, value) {
            self.graph = match kind {
                b"dot" => Some(Graph::Dot),
                b"tree" => Some(Graph::Tree),
                _ => {
                    let why = format!(
                        "'{}' is neither tree nor dot",
                        String::from_utf8_lossy(kind)
                    );
                    return Err(UsageError::Wrong { option: spelt, why });
                }
            };
            return Ok(());
        }
        let Some(option) = OPTIONS.iter().find(|o| o.long == name) else {
            self.dpkg.push(arg.clone());
            return Ok(());
        };
        match option.is {
            Is::Refused => return Err(UsageError::NotInViews(spelt)),
            Is::Own(_) if value.is_some() => return Err(UsageError::Value(spelt)),
            Is::Own(set) => set(self),
            Is::OwnValued(set) => {
                let value = match value {
                    Some(value) => OsStr::from_bytes(value).to_owned(),
                    None => left
                        .next()
                        .cloned()
                        .ok_or_else(|| UsageError::NoValue(spelt.clone()))?,
                };
                let set = set(self, &value.to_string_lossy());
                set.map_err(|why| UsageError::Wrong { option: spelt, why })?;
            }
            _ => {
                self.dpkg.push(arg.clone());
                self.dpkgs(option, value.is_some(), left);
            }
        }
        Ok(())
    }

    /// One of dpkg's, which is handed on already.
    fn dpkgs<'a>(
        &mut self,
        option: &Opt,
        has_value: bool,
        left: &mut impl Iterator<Item = &'a OsString>,
    ) {
        match option.is {
            Is::Action(action) => {
                // Two are for dpkg to complain of.
                self.action.get_or_insert(action);
            }
            Is::Seen(see) => see(self),
            Is::Valued if !has_value => self.dpkg.extend(left.next().cloned()),
            _ => {}
        }
    }

    /// Short options, of which all are dpkg's.
    fn letters<'a>(
        &mut self,
        arg: &OsString,
        letters: &[u8],
        left: &mut impl Iterator<Item = &'a OsString>,
    ) {
        self.dpkg.push(arg.clone());
        for (at, letter) in letters.iter().enumerate() {
            let Some(option) = OPTIONS.iter().find(|o| o.short == Some(*letter)) else {
                continue;
            };
            let valued = matches!(option.is, Is::Valued);
            self.dpkgs(option, at + 1 < letters.len(), left);
            if valued {
                return;
            }
        }
    }

    /// What dpkg is to be told.
    pub fn to_dpkg(&self) -> Vec<OsString> {
        let mut args = self.dpkg.clone();
        if !self.operands.is_empty() {
            args.push("--".into());
            args.extend(self.operands.iter().cloned());
        }
        args
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Line, UsageError> {
        let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        Line::parse(&words)
    }

    fn handed(line: &Line) -> String {
        let args = line.to_dpkg();
        let args: Vec<_> = args
            .iter()
            .map(|a| a.to_string_lossy().into_owned())
            .collect();
        args.join(" ")
    }

    #[test]
    fn what_is_ours_is_taken_out() {
        let line = parse(
            "--multi-version --view=work -i --own-libraries a.deb --force-all --hide a=1 b.deb",
        )
        .unwrap();
        assert!(line.multi_version && line.own_libraries);
        assert_eq!(line.view.as_str(), "work");
        assert_eq!(line.action, Some(Action::Archives));
        assert_eq!(line.operands, ["a.deb", "b.deb"]);
        assert_eq!(handed(&line), "-i --force-all -- a.deb b.deb");
        assert_eq!(line.hide.len(), 1);
    }

    #[test]
    fn values_of_dpkgs_are_no_operands() {
        let line = parse(
            "--view work --status-fd 5 --log=x -D 77 -D1 --no-triggers --unpack --recursive /tmp/x",
        )
        .unwrap();
        assert_eq!(line.operands, ["/tmp/x"]);
        assert!(line.recursive);
        let all = "--status-fd 5 --log=x -D 77 -D1 --no-triggers --unpack --recursive -- /tmp/x";
        assert_eq!(handed(&line), all);
        let line = parse("-W -f ${Package} x -- -y").unwrap();
        assert_eq!((line.action, line.operands.len()), (Some(Action::Show), 2));
        assert_eq!(handed(&parse("-ri a").unwrap()), "-ri -- a");
    }

    #[test]
    fn what_is_wrong_with_ours() {
        for (line, error) in [
            ("--view", UsageError::NoValue("--view".into())),
            ("--json=1 -l", UsageError::Value("--json".into())),
            ("--root=/x -l", UsageError::NotInViews("--root".into())),
            ("--view a@3 -r x", UsageError::OldGeneration),
        ] {
            assert_eq!(parse(line).unwrap_err(), error, "{line}");
        }
        assert!(matches!(
            parse("--graph=svg -l"),
            Err(UsageError::Wrong { .. })
        ));
        assert!(parse("--view a@3 -l --what-is-this").is_ok());
    }
}
