//! The command lines of `run`, `view`, `gc`, `relink`, `upgrade` and `doctor`.
//!
//! What begins with an action of dpkg's is not here: that grammar is dpkg's ([`line`](super::line)).

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::builder::StyledStr;
use clap::{Args, Parser, Subcommand};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};

use super::stores::layouts;
use crate::context::Selector;
use crate::generation::Reader;
use crate::layout::{PackageName, Pin, Place, SideName, ViewName};
use crate::state::StateKind;

/// A command line of ours, without the program's name.
#[derive(Debug, Parser)]
#[command(
    name = "dpkg-ng",
    no_binary_name = true,
    disable_help_subcommand = true
)]
#[command(about = "Several versions of packages side by side", after_help = AFTER)]
pub struct Words {
    /// The store: your own without root, else /var/sys
    #[arg(long, value_name = "DIRECTORY", global = true)]
    pub store: Option<PathBuf>,
    /// The command
    #[command(subcommand)]
    pub command: Cli,
}

/// A command of ours.
#[derive(Debug, Subcommand)]
pub enum Cli {
    /// Run a command with a view's packages on /usr
    Run(Run),
    /// Make, look at and change views
    #[command(subcommand)]
    View(View),
    /// Remove what no generation, pin or process needs
    Gc(Gc),
    /// Link what is in a view with another version of a library
    Relink(Relink),
    /// Bring views to the newest versions of what they have
    Upgrade(Upgrade),
    /// Say what of views can be had here, and what is in the way
    Doctor(Json),
    /// What may come next on a command line, for a shell
    #[command(hide = true)]
    Complete(Complete),
}

const AFTER: &str = "\
dpkg's own actions on a view, with its own options:
  dpkg-ng --view <view> [<option>...] <action>
  dpkg-ng --multi-version [--view <view>] [<option>...] -i <archive>...

Options of those:
      --multi-version        Leave what is there: what conflicts with it comes into a side world
      --view <view>          The view; \"system\" without it. What only reads takes <view>@<generation>
      --store <directory>    The store: your own without root, else /var/sys
      --world <world>        The side world that it is about
      --own-libraries        Link what comes with the libraries of the same command line
      --link-mode runpath|rpath
                             The tag of the search path
      --strict               It is an error if what comes can't be linked
      --hide <package>=<version>[:for <dependent>], --unhide ...
                             Do not let a version be seen, or let it again
      --as-auto <package>, --as-wanted <package>
                             Whether it counts as asked for
      --keep-failed          Keep what failed for a look
      --explain              Say what was decided, and why
      --graph[=dot]          Show who uses which version of what: a tree, or for Graphviz
      --json                 Print for programs
--hide, --explain and --graph without an action are about the view as it stands.

dpkg-ng-multi-version(1) tells more.";

/// `run`
#[derive(Debug, Args, PartialEq, Eq)]
pub struct Run {
    /// The view, or one of its generations
    #[arg(long, value_name = "VIEW[@GENERATION]", default_value_t = system(), add = places())]
    pub view: Place,
    /// A package that the command needs: the world that has all of these is entered
    #[arg(short, long = "package", value_name = "PACKAGE[=VERSION][:ARCH]")]
    pub packages: Vec<Selector>,
    /// The side world to enter
    #[arg(long, value_name = "WORLD", conflicts_with = "packages")]
    pub world: Option<SideName>,
    /// Show nothing of the host's /usr
    #[arg(long)]
    pub pure: bool,
    /// The command, and its arguments
    #[arg(required = true, trailing_var_arg = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// `view`
#[derive(Debug, Subcommand)]
pub enum View {
    /// Make a view without packages
    Create(Create),
    /// Make a view with what another has
    Clone {
        /// The view, or one of its generations
        #[arg(value_name = "VIEW[@GENERATION]", add = places())]
        from: Place,
        /// The name of the new one
        new: ViewName,
        #[command(flatten)]
        json: Json,
    },
    /// List views, the generations of one, or its commands
    List {
        /// The view
        #[arg(value_name = "VIEW[@GENERATION]", add = places())]
        view: Option<Place>,
        /// List the commands it exports, and those it does not, with the reason
        #[arg(long, requires = "view")]
        commands: bool,
        #[command(flatten)]
        json: Json,
    },
    /// Say how two generations differ
    Diff {
        /// The older one
        #[arg(value_name = "VIEW[@GENERATION]", add = places())]
        old: Place,
        /// The newer one
        #[arg(value_name = "VIEW[@GENERATION]", add = places())]
        new: Place,
        #[command(flatten)]
        json: Json,
    },
    /// Make another generation of a view the current one
    Switch {
        /// The generation
        #[arg(value_name = "VIEW@GENERATION", add = places())]
        to: Place,
        /// Have /etc as that generation's transaction left it, too
        #[arg(long)]
        with_etc: bool,
        #[command(flatten)]
        json: Json,
    },
    /// Make the generation before the current one current
    Rollback {
        /// The view
        #[arg(add = places())]
        view: ViewName,
        /// Have /etc as that generation's transaction left it, too
        #[arg(long)]
        with_etc: bool,
        #[command(flatten)]
        json: Json,
    },
    /// Remove a view, or a generation of it
    Rm {
        /// What
        #[arg(value_name = "VIEW[@GENERATION]", add = places())]
        what: Place,
        #[command(flatten)]
        processes: Processes,
        #[command(flatten)]
        json: Json,
    },
    /// Keep a generation from being collected
    Pin {
        /// What to call that
        name: Pin,
        /// Which generation
        #[arg(value_name = "VIEW[@GENERATION]", add = places())]
        what: Place,
        #[command(flatten)]
        json: Json,
    },
    /// Let go of what is kept
    Unpin {
        /// What it was called
        name: Pin,
        #[command(flatten)]
        json: Json,
    },
    /// Run apt over a view, as one transaction
    Apt(Apt),
    /// Run a command that changes a view, as one transaction
    Exec(Exec),
}

/// `view create`
#[derive(Debug, Args)]
pub struct Create {
    /// Its name
    pub view: ViewName,
    /// Whose /etc and /var its packages have: "host" or "own"
    #[arg(long, value_name = "WHOSE")]
    pub state: Option<StateKind>,
    /// A suite that apt takes its packages from, instead of the host's; of several, the first unless -t says another
    #[arg(long = "suite", value_name = "SUITE")]
    pub suites: Vec<String>,
    /// A sources.list(5) file for it, instead of the host's
    #[arg(long = "source", value_name = "FILE")]
    pub sources: Vec<PathBuf>,
    #[command(flatten)]
    pub json: Json,
}

/// `view apt`
#[derive(Debug, Args)]
pub struct Apt {
    /// The view
    #[arg(add = places())]
    pub view: ViewName,
    /// What would replace anything comes into a side world of its own
    #[arg(long, conflicts_with = "into")]
    pub beside: bool,
    /// The side world it is about
    #[arg(long, value_name = "WORLD")]
    pub into: Option<SideName>,
    /// Keep what failed for a look
    #[arg(long)]
    pub keep_failed: bool,
    /// What apt-get is told; or apt, apt-cache, apt-mark with what that is told
    #[arg(required = true, trailing_var_arg = true, value_name = "ARGUMENT")]
    pub args: Vec<OsString>,
}

/// `view exec`
#[derive(Debug, Args)]
pub struct Exec {
    /// The view
    #[arg(add = places())]
    pub view: ViewName,
    /// The side world it is about
    #[arg(long, value_name = "WORLD")]
    pub into: Option<SideName>,
    /// Keep what failed for a look
    #[arg(long)]
    pub keep_failed: bool,
    /// The command, and its arguments
    #[arg(required = true, trailing_var_arg = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// `gc`
#[derive(Debug, Args)]
pub struct Gc {
    /// Only say what would go
    #[arg(long, visible_aliases = ["no-act", "simulate"])]
    pub dry_run: bool,
    /// How many of the newest generations of each view stay; all, without it
    #[arg(long, value_name = "N")]
    pub keep: Option<usize>,
    /// Say what keeps a path of the store
    #[arg(long, value_name = "PATH")]
    pub why: Option<PathBuf>,
    #[command(flatten)]
    pub processes: Processes,
    #[command(flatten)]
    pub json: Json,
}

/// `relink`
#[derive(Debug, Args)]
pub struct Relink {
    /// A soname, or a package, which means all its libraries; and its version, or "auto" to take that back
    #[arg(value_name = "LIBRARY=VERSION")]
    pub library: String,
    /// For one package alone
    #[arg(long, value_name = "PACKAGE")]
    pub only: Option<PackageName>,
    /// In which view
    #[arg(long, default_value_t = ViewName::system(), conflicts_with = "all", add = places())]
    pub view: ViewName,
    /// In every view that has it
    #[arg(long)]
    pub all: bool,
    /// Only say what would be
    #[arg(long)]
    pub check: bool,
    /// Say what was decided, and why
    #[arg(long)]
    pub explain: bool,
    #[command(flatten)]
    pub json: Json,
}

/// `upgrade`
#[derive(Debug, Args)]
pub struct Upgrade {
    /// The views
    #[arg(required_unless_present = "all", conflicts_with = "all", add = places())]
    pub views: Vec<ViewName>,
    /// All that there are
    #[arg(long)]
    pub all: bool,
    /// Only say what would be
    #[arg(long, visible_aliases = ["dry-run", "simulate"])]
    pub no_act: bool,
    /// Ask nothing
    #[arg(short, long)]
    pub yes: bool,
}

/// `complete`
#[derive(Debug, Args)]
pub struct Complete {
    /// Which of the words is to be completed, from 0
    pub at: usize,
    /// The words, without the program's name
    #[arg(last = true)]
    pub words: Vec<OsString>,
}

/// What is printed for programs.
#[derive(Debug, Args)]
pub struct Json {
    /// Print for programs
    #[arg(long)]
    pub json: bool,
}

/// What is known of processes that can't be looked into.
#[derive(Debug, Args)]
pub struct Processes {
    /// A process that can't be looked into, and uses nothing here
    #[arg(long = "ignore-process", value_name = "PID")]
    pub harmless: Vec<u32>,
}

fn system() -> Place {
    Place {
        view: ViewName::system(),
        number: None,
    }
}

/// Views and, behind `@`, their generations.
fn places() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| {
        let typed = typed.to_string_lossy();
        let names = layouts().into_iter().flat_map(|layout| {
            let reader = Reader::new(layout);
            let views = reader.views().unwrap_or_default();
            let names: Vec<String> = match typed.split_once('@') {
                None => views.iter().map(ToString::to_string).collect(),
                Some((view, _)) => views
                    .iter()
                    .filter(|v| v.as_str() == view)
                    .flat_map(|v| {
                        let listed = reader.list(v).unwrap_or_default().into_iter();
                        listed.map(move |l| format!("{v}@{}", l.number))
                    })
                    .collect(),
            };
            names
        });
        let fit = names.into_iter().filter(|n| n.starts_with(&*typed));
        fit.map(CompletionCandidate::new).collect()
    })
}

/// What may stand at a place of a command line: a word and, behind a tabulator, what it is about; a line each.
pub fn complete(complete: &Complete) -> String {
    let mut command = <Words as clap::CommandFactory>::command();
    let dir = std::env::current_dir().ok();
    // The engine expects the program's name.
    let words = std::iter::once("dpkg-ng".into()).chain(complete.words.iter().cloned());
    command = command.no_binary_name(false);
    let found = clap_complete::engine::complete(
        &mut command,
        words.collect(),
        complete.at + 1,
        dir.as_deref(),
    );
    let line = |c: &CompletionCandidate| {
        let help = c.get_help().map(StyledStr::to_string).unwrap_or_default();
        let value = c.get_value().to_string_lossy();
        format!("{value}\t{}\n", help.lines().next().unwrap_or_default())
    };
    let shown = found.iter().flatten().filter(|c| !c.is_hide_set());
    shown.map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Words::try_parse_from(line.split_whitespace()).map(|words| words.command)
    }

    #[test]
    fn it_is_sound() {
        Words::command().debug_assert();
    }

    #[test]
    fn what_is_run_has_its_own_options() {
        let run = |line: &str| match parse(line) {
            Ok(Cli::Run(run)) => run,
            other => panic!("{line}: {other:?}"),
        };
        let plain = run("run ls -l --view x");
        assert_eq!(plain.command, ["ls", "-l", "--view", "x"]);
        assert_eq!(plain.view, system());
        let full = run("run --view=work@3 -p curl=1:2-3 --package exim4 --pure -- -x --");
        assert_eq!(full.command, ["-x", "--"]);
        assert_eq!(full.view.to_string(), "work@3");
        assert!(full.pure && full.packages.len() == 2);
        for line in [
            "run",
            "run --pure --",
            "run -x ls",
            "run --pure=1 ls",
            "run -p",
            "run --view ../x ls",
            "run --view a@0 ls",
            "run -p A ls",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn apt_has_its_own_options() {
        let Ok(Cli::View(View::Apt(apt))) = parse("view apt web --beside -- install -t trixie x")
        else {
            panic!()
        };
        assert!(apt.beside && apt.args == ["install", "-t", "trixie", "x"]);
        let Ok(Cli::View(View::Apt(apt))) = parse("view apt web install -y x") else {
            panic!()
        };
        assert_eq!(apt.args, ["install", "-y", "x"]);
        assert!(parse("view apt web --beside --into a@1 -- install x").is_err());
        assert!(parse("view apt web").is_err());
        let Ok(Cli::View(View::Exec(exec))) = parse("view exec web -- update-alternatives --all")
        else {
            panic!("not taken");
        };
        assert_eq!(exec.command, ["update-alternatives", "--all"]);
        assert!(parse("view exec web").is_err());
    }

    #[test]
    fn each_command_tells_of_itself() {
        let mut all = Words::command();
        all.build();
        let mut left: Vec<&clap::Command> = all.get_subcommands().collect();
        while let Some(command) = left.pop() {
            assert!(command.get_about().is_some(), "{}", command.get_name());
            for arg in command.get_arguments() {
                assert!(
                    arg.get_help().is_some(),
                    "{} {}",
                    command.get_name(),
                    arg.get_id()
                );
            }
            left.extend(command.get_subcommands());
        }
    }

    #[test]
    fn what_may_come_next() {
        let offered = |words: &str| {
            let words: Vec<OsString> = words.split(' ').map(OsString::from).collect();
            complete(&Complete {
                at: words.len() - 1,
                words,
            })
        };
        assert!(offered("view cre").starts_with("create\tMake a view"));
        assert!(offered("view create x --su").contains("--suite\t"));
        assert!(offered("").contains("upgrade\t") && !offered("").contains("complete"));
    }
}
