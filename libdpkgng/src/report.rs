//! The one way out: typed events to a [`Reporter`], questions to a [`Prompter`].
//!
//! Terminal text, status-fd lines and dpkg.log lines are receivers of the same events. The
//! library emits every event at the moment stock dpkg would write its line, so receivers can
//! write as they go and the interleaving is stock's.

use crate::error::Result;
use crate::force::{Force, ForceSet};
use crate::msg::{English, Msg};

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// A line for standard output (`printf`): progress such as `Setting up foo (1.0) ...`.
    /// The text carries its own newline, as some lines are written in parts.
    Output(Msg),
    /// Raw bytes for standard output, where the text is data and not a message.
    Data(&'a [u8]),
    /// `dpkg: …` on standard output (`info()`).
    Info(Msg),
    /// The same, where the user asked for more words (`update-alternatives --verbose`).
    Verbose(Msg),
    /// `dpkg: warning: …`
    Warning(Msg),
    /// `dpkg: …` (`notice()`).
    Notice(Msg),
    /// A line for standard error without any prefix; carries its own newline.
    Stderr(Msg),
    /// A debug line of `-D`; `flag` is the octal area it belongs to.
    Debug {
        /// One of the [`debug`] bits.
        flag: u32,
        /// The text, without prefix.
        text: Msg,
    },
    /// A package's status changed: `status: PKG: STATUS` and `status STATUS PKG VERSION`.
    Status {
        /// The name, architecture-qualified always (`pnaw_always`), for the log.
        pkg: &'a str,
        /// The name, qualified where needed (`pnaw_nonambig`), for the status descriptors.
        pkg_nonambig: &'a str,
        /// The status word, e.g. `half-configured`.
        status: &'a str,
        /// The installed version, or `<none>`.
        version: &'a str,
    },
    /// A step starts: status-fd `processing: ACTION: PKG`.
    Processing {
        /// `install`, `upgrade`, `configure`, `trigproc`, `remove`, `purge`, `disappear`.
        action: &'a str,
        /// The name, as status-fd shows it.
        pkg: &'a str,
    },
    /// A line of dpkg.log only, without its time stamp.
    Log(Msg),
    /// A line for the status descriptors only, without newline.
    StatusFd(Msg),
    /// Force the receivers to flush what they hold; where they cannot, [`Reporter::check`] tells.
    Flush,
}

/// Debug areas (`-D`, dpkg(1)).
pub mod debug {
    /// Generally helpful progress information.
    pub const GENERAL: u32 = 0o1;
    /// Invocation and status of maintainer scripts.
    pub const SCRIPTS: u32 = 0o2;
    /// Output for each file processed.
    pub const EACHFILE: u32 = 0o10;
    /// Output for each configuration file.
    pub const CONFF: u32 = 0o20;
    /// Dependencies and conflicts.
    pub const DEPCON: u32 = 0o40;
    /// Lots of output for each file processed.
    pub const EACHFILEDETAIL: u32 = 0o100;
    /// Lots of output for each configuration file.
    pub const CONFFDETAIL: u32 = 0o200;
    /// Lots of output about dependencies and conflicts.
    pub const DEPCONDETAIL: u32 = 0o400;
    /// Lots of drivel about e.g. the dpkg/info directory.
    pub const VERYDETAIL: u32 = 0o1000;
    /// Insane amounts of drivel.
    pub const STUPIDLYVERBOSE: u32 = 0o2000;
    /// Trigger activation and processing.
    pub const TRIGGERS: u32 = 0o10000;
    /// Lots of output about triggers.
    pub const TRIGGERSDETAIL: u32 = 0o20000;
    /// Silly amounts of output about triggers.
    pub const TRIGGERSSTUPID: u32 = 0o40000;
}

/// Receives everything the library has to say.
pub trait Reporter {
    /// Take note of one event. A receiver that cannot write keeps that to itself until asked;
    /// errors that must end the run are returned from [`Reporter::check`].
    fn event(&mut self, event: &Event<'_>);

    /// The debug areas anyone listens to; the library skips building other debug texts.
    fn debug_flags(&self) -> u32 {
        0
    }

    /// A text as this receiver would show it, for layouts that depend on its length.
    fn words(&self, text: &Msg) -> Vec<u8> {
        text.render(&English)
    }

    /// Whether standard output is a terminal: progress is drawn only there.
    fn stdout_is_terminal(&self) -> bool {
        false
    }

    /// A standing failure of a receiver (a status descriptor that cannot be written).
    fn check(&mut self) -> Result<()> {
        Ok(())
    }
}

/// Short forms, so that call sites read like dpkg's `warning()` and `notice()`.
impl dyn Reporter + '_ {
    /// `warning()`
    pub fn warning(&mut self, msg: Msg) {
        self.event(&Event::Warning(msg));
    }
    /// `notice()`
    pub fn notice(&mut self, msg: Msg) {
        self.event(&Event::Notice(msg));
    }
    /// `printf()`
    pub fn output(&mut self, msg: Msg) {
        self.event(&Event::Output(msg));
    }
    /// `debug()`: `text` is built only when someone listens to `flag`.
    pub fn debug(&mut self, flag: u32, text: impl FnOnce() -> Msg) {
        if self.debug_flags() & flag != 0 {
            self.event(&Event::Debug { flag, text: text() });
        }
    }
    /// `forcibleerr()`: the problem as an error, or as warnings if `force` is in the set.
    ///
    /// # Errors
    /// The problem.
    pub fn forcible(&mut self, set: ForceSet, force: Force, problem: Msg) -> Result<()> {
        for line in set.forgive(force, problem)? {
            self.warning(line);
        }
        Ok(())
    }
}

/// Drops every event; for reads whose warnings were already reported.
pub struct Silent;
impl Reporter for Silent {
    fn event(&mut self, _: &Event<'_>) {}
}

/// What a user can be asked: only the conffile question of Policy §10.7.3 and configure.c.
pub trait Prompter {
    /// Show `prompt` and read one line from standard input, without its newline.
    /// `None` at end of file. An `Err` ends the package being configured.
    fn ask(&mut self, prompt: &Msg) -> Result<Option<Vec<u8>>>;
    /// Suspend for the `Z` answer: run a shell on the terminal, with these variables set.
    fn shell(&mut self, env: &[(&str, &[u8])]) -> Result<()>;
    /// Show the difference between two files (`D`).
    fn diff(&mut self, old: &std::path::Path, new: &std::path::Path) -> Result<()>;
}
