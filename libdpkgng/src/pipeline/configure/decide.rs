//! What becomes of a conffile, decided as plain data; and the question about it, as text.
//! Policy §10.7.3, dpkg(1) `--force-conf…`.

use crate::force::Force;
use crate::msg;
use crate::msg::Msg;
use crate::pipeline::depcon::explain::concat;

bitflags::bitflags! {
    /// What to do with a conffile, and what is known about it (`conffopt`; debug lines show
    /// the bits).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct What: u32 {
        /// Ask.
        const PROMPT = 1 << 0;
        /// Keep the file that is there.
        const KEEP = 1 << 1;
        /// Put the new one in its place.
        const INSTALL = 1 << 2;
        /// And leave the other one beside it.
        const BACKUP = 1 << 3;
        /// There is none yet.
        const NEW_CONFF = 1 << 4;
        /// It is a conffile for the first time, and there is a file already.
        const IS_NEW = 1 << 5;
        /// Unused by dpkg; keeps the bits in place.
        const IS_OLD = 1 << 6;
        /// It was removed by the user.
        const USER_DEL = 1 << 7;
    }
}

/// The file that is there, as [`Run::md5hash`](crate::pipeline::Run) tells it, is not.
pub const NONEXISTENT: &[u8] = b"nonexistent";
/// The recorded hash of a conffile that was not unpacked before.
pub const NEW_CONFFILE: &[u8] = b"newconffile";
/// No hash could be told.
pub const EMPTY: &[u8] = b"-";

/// The force options that bear on conffiles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forces {
    /// `confask`
    pub ask: bool,
    /// `confdef`
    pub def: bool,
    /// `confmiss`
    pub miss: bool,
    /// `confnew`
    pub new: bool,
    /// `confold`
    pub old: bool,
}

impl Forces {
    /// Those in force.
    pub fn of(force: &crate::force::ForceSet) -> Forces {
        Forces {
            ask: force.has(Force::ConffAsk),
            def: force.has(Force::ConffDef),
            miss: force.has(Force::ConffMiss),
            new: force.has(Force::ConffNew),
            old: force.has(Force::ConffOld),
        }
    }
}

/// The decision about one conffile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What to do.
    pub what: What,
    /// Whether the user changed it; -1 when it does not matter.
    pub useredited: i32,
    /// Whether the maintainer changed it; -1 when it does not matter.
    pub distedited: i32,
    /// A missing file is put back because that is forced; worth saying.
    pub put_back: bool,
}

/// Decide by the hashes: of the file that is there, of the one now shipped, and of the one
/// shipped last (as recorded).
pub fn decide(current: &[u8], shipped: &[u8], recorded: &[u8], force: Forces) -> Decision {
    let settled = |what| Decision {
        what,
        useredited: -1,
        distedited: -1,
        put_back: false,
    };
    // Whether user and maintainer edited it decides.
    let table = |user: bool, dist: bool| match (user, dist) {
        (_, false) => What::KEEP,
        (false, true) => What::INSTALL,
        (true, true) => What::PROMPT | What::KEEP,
    };
    let missing = current == NONEXISTENT;
    if current == shipped {
        return settled(What::KEEP);
    }
    if missing && force.miss {
        return Decision {
            put_back: true,
            ..settled(What::NEW_CONFF | What::INSTALL)
        };
    }
    if recorded == NEW_CONFFILE {
        if missing {
            return settled(What::NEW_CONFF | What::INSTALL);
        }
        return Decision {
            what: table(true, true) | What::IS_NEW,
            useredited: 1,
            distedited: 1,
            put_back: false,
        };
    }
    let (user, dist) = (recorded != current, recorded != shipped);
    let mut what = match force.ask && user {
        true => What::PROMPT | What::KEEP,
        false => table(user, dist),
    };
    what.set(What::USER_DEL, missing);
    Decision {
        what,
        useredited: user.into(),
        distedited: dist.into(),
        put_back: false,
    }
}

/// A conffile about which there is something to ask.
pub struct Question<'a> {
    /// Its path in the package.
    pub path: &'a [u8],
    /// The file that is there.
    pub current: &'a [u8],
    /// The new one beside it.
    pub shipped: &'a [u8],
    /// Where a hook has the package go, which both begin with; empty without one.
    pub elsewhere: &'a [u8],
    /// What was decided so far.
    pub decision: Decision,
}

/// What a user may answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// `Y`, `I`
    Install,
    /// `N`, `O`
    Keep,
    /// `D`
    Diff,
    /// `Z`
    Shell,
    /// Anything else: ask again.
    Unclear,
}

impl Question<'_> {
    /// A file of the question as a user knows it: not by where a hook has it.
    pub fn shown<'f>(&self, file: &'f [u8]) -> &'f [u8] {
        file.strip_prefix(self.elsewhere).unwrap_or(file)
    }

    /// What the question is about: the file, and who changed it.
    pub fn heading(&self) -> Msg {
        let Decision {
            what,
            useredited,
            distedited,
            ..
        } = self.decision;
        let mut parts = vec![msg!("\n")];
        let current = self.shown(self.current);
        parts.push(if self.path == current {
            msg!("Configuration file '%s'\n", self.path)
        } else {
            let id = "Configuration file '%s' (actually '%s')\n";
            msg!(id, self.path, current)
        });
        if what.contains(What::IS_NEW) {
            parts.push(msg!(
                " ==> File on system created by you or by a script.\n \
                 ==> File also in package provided by package maintainer.\n"
            ));
            return concat(&parts);
        }
        parts.push(if useredited == 0 {
            msg!("     Not modified since installation.\n")
        } else if !what.contains(What::USER_DEL) {
            msg!(" ==> Modified (by you or by a script) since installation.\n")
        } else {
            msg!(" ==> Deleted (by you or by a script) since installation.\n")
        });
        parts.push(if distedited != 0 {
            msg!(" ==> Package distributor has shipped an updated version.\n")
        } else {
            msg!("     Version in package is the same as at last installation.\n")
        });
        concat(&parts)
    }

    /// The answer that the options give, and what is said about it.
    pub fn forced(&self, force: Forces) -> Option<(Answer, Msg)> {
        let what = self.decision.what;
        let has_default = what.intersects(What::KEEP | What::INSTALL);
        if !(force.def && has_default) {
            if force.new {
                let line = msg!(" ==> Using new file as you requested.\n");
                return Some((Answer::Install, line));
            }
            if force.old {
                let line = msg!(" ==> Using current old file as you requested.\n");
                return Some((Answer::Keep, line));
            }
        }
        if force.def && what.contains(What::KEEP) {
            let line = msg!(" ==> Keeping old config file as default.\n");
            return Some((Answer::Keep, line));
        }
        if force.def && what.contains(What::INSTALL) {
            let line = msg!(" ==> Using new config file as default.\n");
            return Some((Answer::Install, line));
        }
        None
    }

    /// The menu and the prompt, without a newline at the end.
    pub fn menu(&self) -> Msg {
        let what = self.decision.what;
        let mut parts = vec![msg!(
            "   What would you like to do about it ?  Your options are:\n    \
             Y or I  : install the package maintainer's version\n    \
             N or O  : keep your currently-installed version\n      \
             D     : show the differences between the versions\n      \
             Z     : start a shell to examine the situation\n"
        )];
        let default = if what.contains(What::KEEP) {
            let line = msg!(" The default action is to keep your current version.\n");
            parts.push(line);
            msg!("[default=N]")
        } else if what.contains(What::INSTALL) {
            let line = msg!(" The default action is to install the new version.\n");
            parts.push(line);
            msg!("[default=Y]")
        } else {
            msg!("[no default]")
        };
        let base = self.path.rsplit(|c| *c == b'/').next().unwrap_or(self.path);
        parts.push(msg!("*** %s (Y/I/N/O/D/Z) %s ? ", base, default));
        concat(&parts)
    }

    /// What a line of answer means: its first character that is no blank counts.
    pub fn interpret(&self, line: &[u8]) -> Answer {
        let what = self.decision.what;
        // isspace() of the C locale, which knows the vertical tab beside what Rust counts; a NUL is to
        // stock as no character yet.
        let blank = |c: &u8| c.is_ascii_whitespace() || matches!(c, 0 | 0x0b);
        match line.iter().find(|c| !blank(c)).map(u8::to_ascii_lowercase) {
            Some(b'y' | b'i') => Answer::Install,
            Some(b'n' | b'o') => Answer::Keep,
            Some(b'd') => Answer::Diff,
            Some(b'z') => Answer::Shell,
            None if what.contains(What::KEEP) => Answer::Keep,
            None if what.contains(What::INSTALL) => Answer::Install,
            Some(_) | None => Answer::Unclear,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO: Forces = Forces {
        ask: false,
        def: false,
        miss: false,
        new: false,
        old: false,
    };

    #[test]
    fn hashes_decide() {
        let ask = What::PROMPT | What::KEEP;
        let new = What::NEW_CONFF | What::INSTALL;
        let miss = Forces { miss: true, ..NO };
        let confask = Forces { ask: true, ..NO };
        type Row<'a> = (&'a str, &'a str, &'a str, Forces, What, i32, i32);
        let table: &[Row<'_>] = &[
            // current, shipped, recorded, force, what, user edited, maintainer edited
            ("a", "a", "a", NO, What::KEEP, -1, -1),
            ("b", "b", "a", NO, What::KEEP, -1, -1),
            ("a", "b", "a", NO, What::INSTALL, 0, 1),
            ("b", "a", "a", NO, What::KEEP, 1, 0),
            ("b", "c", "a", NO, ask, 1, 1),
            ("b", "a", "a", confask, ask, 1, 0),
            ("a", "b", "a", confask, What::INSTALL, 0, 1),
            ("nonexistent", "b", "a", NO, ask | What::USER_DEL, 1, 1),
            (
                "nonexistent",
                "a",
                "a",
                NO,
                What::KEEP | What::USER_DEL,
                1,
                0,
            ),
            ("nonexistent", "a", "a", miss, new, -1, -1),
            ("nonexistent", "a", "newconffile", NO, new, -1, -1),
            ("b", "a", "newconffile", NO, ask | What::IS_NEW, 1, 1),
            ("-", "a", "a", NO, What::KEEP, 1, 0),
            ("b", "a", "-", NO, ask, 1, 1),
        ];
        for (current, shipped, recorded, force, what, user, dist) in table {
            let (c, s, r) = (current.as_bytes(), shipped.as_bytes(), recorded.as_bytes());
            let d = decide(c, s, r, *force);
            let case = format!("{current} {shipped} {recorded} {force:?}");
            assert_eq!(d.what, *what, "{case}");
            assert_eq!((d.useredited, d.distedited), (*user, *dist), "{case}");
            assert_eq!(d.put_back, force.miss && *current == "nonexistent");
        }
    }

    fn question(what: What) -> Question<'static> {
        Question {
            path: b"/etc/x.conf",
            current: b"/etc/x.conf",
            shipped: b"/etc/x.conf.dpkg-new",
            elsewhere: b"",
            decision: Decision {
                what,
                useredited: 1,
                distedited: 1,
                put_back: false,
            },
        }
    }

    #[test]
    fn options_answer() {
        let answer = |what, force| question(what).forced(force).map(|(a, _)| a);
        let (keep, both) = (What::KEEP, What::PROMPT | What::INSTALL);
        let f = |def, new, old| Forces {
            def,
            new,
            old,
            ..NO
        };
        assert_eq!(answer(keep, NO), None);
        assert_eq!(answer(keep, f(true, true, false)), Some(Answer::Keep));
        assert_eq!(answer(both, f(true, false, true)), Some(Answer::Install));
        assert_eq!(answer(keep, f(false, true, true)), Some(Answer::Install));
        assert_eq!(answer(keep, f(false, false, true)), Some(Answer::Keep));
        assert_eq!(
            answer(What::PROMPT, f(true, false, true)),
            Some(Answer::Keep)
        );
        assert_eq!(answer(What::PROMPT, f(true, false, false)), None);
    }

    #[test]
    fn users_answer() {
        let keep = question(What::PROMPT | What::KEEP);
        for (line, answer) in [
            (" y", Answer::Install),
            ("Install", Answer::Install),
            ("N", Answer::Keep),
            ("o", Answer::Keep),
            ("D", Answer::Diff),
            ("z", Answer::Shell),
            ("q", Answer::Unclear),
            ("\t \x0b", Answer::Keep),
            ("", Answer::Keep),
        ] {
            assert_eq!(keep.interpret(line.as_bytes()), answer, "{line:?}");
        }
        let install = question(What::PROMPT | What::INSTALL);
        assert_eq!(install.interpret(b""), Answer::Install);
        assert_eq!(question(What::PROMPT).interpret(b""), Answer::Unclear);
    }

    /// As stock 1.22.22 writes it.
    #[test]
    fn question_text() {
        let q = question(What::PROMPT | What::KEEP);
        assert_eq!(
            q.heading().to_string() + &q.menu().to_string(),
            "
Configuration file '/etc/x.conf'
 ==> Modified (by you or by a script) since installation.
 ==> Package distributor has shipped an updated version.
   What would you like to do about it ?  Your options are:
    Y or I  : install the package maintainer's version
    N or O  : keep your currently-installed version
      D     : show the differences between the versions
      Z     : start a shell to examine the situation
 The default action is to keep your current version.
*** x.conf (Y/I/N/O/D/Z) [default=N] ? "
        );
        let mut q = question(What::PROMPT | What::KEEP | What::IS_NEW);
        q.current = b"/srv/x";
        assert_eq!(
            q.heading().to_string(),
            "
Configuration file '/etc/x.conf' (actually '/srv/x')
 ==> File on system created by you or by a script.
 ==> File also in package provided by package maintainer.
"
        );
    }
}
