//! Where the parser is, for messages, and how strict it is (parsehelp.c).

use super::{FileKind, ParseFlags};
use crate::arch::ArchId;
use crate::error::{Error, Result};
use crate::msg;
use crate::msg::{Arg, Msg};
use crate::pkg::{MultiArch, PkgTable, SetId};
use crate::relations::Judge;
use crate::report::Reporter;
use crate::version::Version;

/// The place in the file, as far as it is known, and the receiver of warnings.
pub(super) struct Context<'a> {
    pub file: &'a [u8],
    pub flags: ParseFlags,
    pub kind: FileKind,
    pub line: usize,
    /// The package of the stanza, once its name was read.
    pub set: Option<SetId>,
    pub arch: ArchId,
    pub multiarch: MultiArch,
    pub report: &'a mut dyn Reporter,
}

impl Context<'_> {
    /// Start a stanza: nothing is known of its package.
    pub fn reset(&mut self) {
        self.set = None;
        self.arch = ArchId::NONE;
        self.multiarch = MultiArch::No;
    }

    /// The name of the package being read, with its architecture where that is needed.
    fn package(&self, table: &PkgTable, set: SetId) -> String {
        let foreign = !matches!(
            self.arch,
            ArchId::NONE | ArchId::EMPTY | ArchId::NATIVE | ArchId::ALL
        );
        let qualifier = if foreign || self.multiarch == MultiArch::Same {
            table.arches.qualifier(self.arch)
        } else {
            String::new()
        };
        format!("{}{qualifier}", table[set].name)
    }

    /// `msg` with file, line and package in front of it.
    fn place(&self, table: &PkgTable, msg: Msg) -> Msg {
        let place = match self.set {
            Some(set) => msg!(
                "parsing file '%s' near line %d package '%s':\n ",
                self.file,
                self.line,
                self.package(table, set)
            ),
            None => msg!(
                "parsing file '%.255s' near line %d:\n ",
                self.file,
                self.line
            ),
        };
        msg!("%s%s", place, msg)
    }
}

/// What [`Context::place`] put the place in front of.
pub(super) fn reason(placed: Msg) -> Msg {
    match <[Arg; 2]>::try_from(placed.args) {
        Ok([_, Arg::Msg(reason)]) => *reason,
        Ok([_, other]) => Msg::verbatim(other),
        Err(args) => Msg { args, ..placed },
    }
}

impl Judge for Context<'_> {
    fn warning(&mut self, table: &PkgTable, msg: Msg) {
        let msg = self.place(table, msg);
        self.report.warning(msg);
    }

    fn error(&self, table: &PkgTable, msg: Msg) -> Error {
        Error::new(self.place(table, msg))
    }

    fn lax_problem(&mut self, table: &PkgTable, msg: Msg) -> Result<()> {
        if !self.flags.contains(ParseFlags::LAX_STANZA) {
            return Err(self.error(table, msg));
        }
        self.warning(table, msg);
        Ok(())
    }

    fn version(
        &mut self,
        table: &PkgTable,
        text: &[u8],
        what: &dyn Fn() -> Msg,
    ) -> Result<Version> {
        let (version, problem) = Version::parse(text);
        if let Some(problem) = problem {
            let msg = msg!("%s: %s", what(), problem.msg);
            if problem.fatal || !self.flags.contains(ParseFlags::LAX_VERSION) {
                return Err(self.error(table, msg));
            }
            self.warning(table, msg);
        }
        Ok(version)
    }
}
