//! The meaning of each field (`f_*` of fields.c).

use super::ParseFlags;
use super::context::Context;
use super::fields::{FieldInfo, FieldKind};
use crate::arch::{ArchType, check_name};
use crate::deb822::is_space;
use crate::error::Result;
use crate::fsys::skip_slash_dotslash;
use crate::msg;
use crate::msg::Msg;
use crate::name::{check_package, check_trigger};
use crate::pkg::{
    ArchiveDetails, Bytes, Conffile, Dependency, MultiArch, PkgBin, PkgId, PkgTable, Priority,
    SetId,
};
use crate::pkgspec;
use crate::relations::{self, Judge};
use crate::state::{EFlag, Status, Want};
use crate::version::Version;

/// The package being read, before it has a place in the table.
#[derive(Default)]
pub(super) struct Draft {
    pub set: Option<SetId>,
    pub want: Want,
    pub eflag: EFlag,
    pub status: Status,
    pub priority: Priority,
    pub section: Option<Bytes>,
    pub configversion: Version,
    /// Its `depends` stays empty until the end; see `depends`.
    pub bin: PkgBin,
    pub depends: Vec<Dependency>,
    pub archives: Vec<ArchiveDetails>,
    /// In the order in which the field is written back: the reverse of the text's.
    pub trigpend: Vec<Box<str>>,
    pub trigaw: Vec<PkgId>,
}

/// Why a word is none of its table's.
fn no_word(rest: &[u8]) -> Msg {
    if rest.is_empty() {
        msg!("is missing a value")
    } else {
        msg!("has invalid value '%.50s'", rest)
    }
}

/// Find the first of `words` that `text` starts with, in any case, and what follows it and
/// the blanks after it. dpkg asks for no blank behind the word: `yesterday` is `yes` and junk.
fn word<'t, T: Copy>(text: &'t [u8], words: &[(&str, T)]) -> Option<(T, &'t [u8])> {
    let starts = |w: &str| {
        text.get(..w.len())
            .is_some_and(|t| t.eq_ignore_ascii_case(w.as_bytes()))
    };
    let (w, value) = words.iter().find(|(w, _)| starts(w))?;
    let rest = &text[w.len()..];
    let blanks = rest.iter().take_while(|c| is_space(**c)).count();
    Some((*value, &rest[blanks..]))
}

/// The only word of a value (`PARSE_NV_LAST`).
fn last_word<T: Copy>(text: &[u8], words: &[(&str, T)]) -> Result<T, Msg> {
    match word(text, words) {
        Some((value, b"")) => Ok(value),
        Some(_) => Err(msg!("has trailing junk")),
        None => Err(no_word(text)),
    }
}

const BOOLEANS: &[(&str, bool)] = &[("no", false), ("yes", true)];

const MULTIARCHES: &[(&str, MultiArch)] = &[
    ("no", MultiArch::No),
    ("same", MultiArch::Same),
    ("allowed", MultiArch::Allowed),
    ("foreign", MultiArch::Foreign),
];

/// dpkg's table of words has a hole before `unknown`, so that is a word like any other.
fn priority(text: &[u8]) -> Result<Priority, Msg> {
    const WORDS: &[(&str, u8)] = &[
        ("required", 0),
        ("important", 1),
        ("standard", 2),
        ("optional", 3),
        ("extra", 4),
    ];
    Ok(match word(text, WORDS) {
        None => Priority::Other(text.into()),
        Some((_, rest)) if !rest.is_empty() => return Err(msg!("has trailing junk")),
        Some((0, _)) => Priority::Required,
        Some((1, _)) => Priority::Important,
        Some((2, _)) => Priority::Standard,
        Some((3, _)) => Priority::Optional,
        Some(_) => Priority::Extra,
    })
}

/// `words!(Want)`: the table of a state's words.
macro_rules! words {
    ($t:ty) => {
        &<$t>::ALL
            .iter()
            .map(|v| (v.as_str(), *v))
            .collect::<Vec<_>>()
    };
}

impl Draft {
    /// Take over one field.
    pub fn field(
        &mut self,
        info: &FieldInfo,
        value: &[u8],
        table: &mut PkgTable,
        ctx: &mut Context<'_>,
    ) -> Result<()> {
        let text = || (!value.is_empty()).then(|| Bytes::from(value));
        let available = ctx.flags.contains(ParseFlags::RECORD_AVAILABLE);
        match info.kind {
            FieldKind::Package => self.package(info, value, table, ctx)?,
            FieldKind::Essential => {
                self.bin.essential = boolean(info, value, table, ctx)?;
            }
            FieldKind::Protected => {
                self.bin.protected = boolean(info, value, table, ctx)?;
            }
            FieldKind::Status => {
                reject_status(info, table, ctx)?;
                if !available {
                    self.status(info, value, table, ctx)?;
                }
            }
            FieldKind::Priority => self.priority(info, value, table, ctx)?,
            FieldKind::Section => {
                if !value.is_empty() {
                    self.section = text();
                }
            }
            FieldKind::InstalledSize => self.bin.installed_size = text(),
            FieldKind::Origin => self.bin.origin = text(),
            FieldKind::Maintainer => self.bin.maintainer = text(),
            FieldKind::Bugs => self.bin.bugs = text(),
            FieldKind::Source => self.bin.source = text(),
            FieldKind::Description => self.bin.description = text(),
            FieldKind::Architecture => self.architecture(info, value, table, ctx),
            FieldKind::MultiArch => {
                if !value.is_empty() {
                    self.bin.multiarch = last_word(value, MULTIARCHES).map_err(|why| {
                        let msg = msg!(
                            "quadstate (foreign/allowed/same/no) '%s' field: %s",
                            info.name,
                            why
                        );
                        ctx.error(table, msg)
                    })?;
                    ctx.multiarch = self.bin.multiarch;
                }
            }
            FieldKind::Version => {
                self.bin.version = ctx.version(table, value, &|| {
                    msg!("'%s' field value '%.250s'", info.name, value)
                })?;
            }
            FieldKind::ConfigVersion => {
                reject_status(info, table, ctx)?;
                if !available {
                    self.configversion = ctx.version(table, value, &|| {
                        msg!("'%s' field value '%.250s'", info.name, value)
                    })?;
                }
            }
            FieldKind::Relation(kind) => {
                relations::parse(value, info.name, kind, table, ctx, &mut self.depends)?;
            }
            FieldKind::ObsoleteRelation(kind) => {
                ctx.warning(table, msg!("obsolete '%s' field used", info.name));
                relations::parse(value, info.name, kind, table, ctx, &mut self.depends)?;
            }
            FieldKind::ObsoleteClass => {
                ctx.warning(table, msg!("obsolete '%s' field used", info.name));
                self.priority(info, value, table, ctx)?;
            }
            FieldKind::ObsoleteRevision => {
                ctx.warning(table, msg!("obsolete '%s' field used", info.name));
                self.revision(value);
            }
            FieldKind::Conffiles => self.conffiles(info, value, table, ctx)?,
            FieldKind::Filename => {
                self.archives(info, value, table, ctx, |a| &mut a.name)?;
            }
            FieldKind::Size => self.archives(info, value, table, ctx, |a| &mut a.size)?,
            FieldKind::Md5sum => self.archives(info, value, table, ctx, |a| &mut a.md5sum)?,
            FieldKind::MsdosFilename => {
                self.archives(info, value, table, ctx, |a| &mut a.msdosname)?;
            }
            FieldKind::TriggersPending => {
                reject_status(info, table, ctx)?;
                self.triggers_pending(value, table, ctx)?;
            }
            FieldKind::TriggersAwaited => {
                reject_status(info, table, ctx)?;
                self.triggers_awaited(value, table, ctx)?;
            }
        }
        Ok(())
    }

    fn package(
        &mut self,
        info: &FieldInfo,
        value: &[u8],
        table: &mut PkgTable,
        ctx: &mut Context<'_>,
    ) -> Result<()> {
        let name = match check_package(value) {
            None => std::str::from_utf8(value).unwrap_or_default(),
            Some(why) => {
                let msg = msg!("invalid package name in '%s' field: %s", info.name, why);
                return Err(ctx.error(table, msg));
            }
        };
        let set = table.find_set(name);
        self.set = Some(set);
        ctx.set = Some(set);
        Ok(())
    }

    fn status(
        &mut self,
        info: &FieldInfo,
        value: &[u8],
        table: &PkgTable,
        ctx: &Context<'_>,
    ) -> Result<()> {
        let (want, rest) = word(value, words!(Want)).ok_or_else(|| {
            let why = no_word(value);
            ctx.error(
                table,
                msg!("first (want) word in '%s' field: %s", info.name, why),
            )
        })?;
        let (eflag, rest) = word(rest, words!(EFlag)).ok_or_else(|| {
            let why = no_word(rest);
            ctx.error(
                table,
                msg!("second (error) word in '%s' field: %s", info.name, why),
            )
        })?;
        let status = last_word(rest, words!(Status)).map_err(|why| {
            ctx.error(
                table,
                msg!("third (status) word in '%s' field: %s", info.name, why),
            )
        })?;
        (self.want, self.eflag, self.status) = (want, eflag, status);
        Ok(())
    }

    fn priority(
        &mut self,
        info: &FieldInfo,
        value: &[u8],
        table: &PkgTable,
        ctx: &Context<'_>,
    ) -> Result<()> {
        if !value.is_empty() {
            self.priority = priority(value)
                .map_err(|why| ctx.error(table, msg!("word in '%s' field: %s", info.name, why)))?;
        }
        Ok(())
    }

    fn architecture(
        &mut self,
        info: &FieldInfo,
        value: &[u8],
        table: &mut PkgTable,
        ctx: &mut Context<'_>,
    ) {
        let name = String::from_utf8_lossy(value);
        let arch = table.arches.find(&name);
        self.bin.arch = arch;
        ctx.arch = arch;
        if table.arches.kind(arch) == ArchType::Illegal
            && let Some(why) = check_name(&name)
        {
            let msg = msg!(
                "'%s' is not a valid architecture name in '%s' field: %s",
                value,
                info.name,
                why
            );
            ctx.warning(table, msg);
        }
    }

    /// A separate revision; what the version has of one becomes part of its upstream part.
    fn revision(&mut self, value: &[u8]) {
        if value.is_empty() {
            return;
        }
        let old = &self.bin.version;
        let mut version = old.version().to_vec();
        if !old.revision().is_empty() {
            version.push(b'-');
            version.extend_from_slice(old.revision());
        }
        self.bin.version = Version::from_parts(old.epoch, &version, value);
    }

    fn conffiles(
        &mut self,
        info: &FieldInfo,
        value: &[u8],
        table: &PkgTable,
        ctx: &Context<'_>,
    ) -> Result<()> {
        for line in value.split(|c| *c == b'\n') {
            let Some((first, line)) = line.split_first() else {
                continue;
            };
            if *first != b' ' {
                let msg = msg!(
                    "value for '%s' field has line starting with non-space '%c'",
                    info.name,
                    *first
                );
                return Err(ctx.error(table, msg));
            }
            let last_word = |from: usize| {
                conffile_last_word(line, from).ok_or_else(|| {
                    let len = line.len().min(250);
                    ctx.error(
                        table,
                        msg!(
                            "value for '%s' field has malformed line '%.*s'",
                            "Conffiles",
                            len,
                            line
                        ),
                    )
                })
            };
            let (mut hash, mut end) = last_word(line.len())?;
            let remove_on_upgrade = hash == b"remove-on-upgrade";
            if remove_on_upgrade {
                (hash, end) = last_word(end)?;
            }
            let obsolete = hash == b"obsolete";
            if obsolete {
                (hash, end) = last_word(end)?;
            }
            // Slashes and dots may reach into the hash when the path is nothing but those.
            let skipped = line.len() - skip_slash_dotslash(line).len();
            let Some(name) = line.get(skipped..end).filter(|n| !n.is_empty()) else {
                let msg = msg!(
                    "root or empty directory listed as a conffile in '%s' field",
                    info.name
                );
                return Err(ctx.error(table, msg));
            };
            self.bin.conffiles.push(Conffile {
                name: [b"/", name].concat().into(),
                hash: hash.into(),
                obsolete,
                remove_on_upgrade,
            });
        }
        Ok(())
    }

    fn archives(
        &mut self,
        info: &FieldInfo,
        value: &[u8],
        table: &PkgTable,
        ctx: &Context<'_>,
        part: impl Fn(&mut ArchiveDetails) -> &mut Option<Bytes>,
    ) -> Result<()> {
        let fail = |msg: Msg| Err(ctx.error(table, msg));
        if value.is_empty() {
            return fail(msg!("empty archive details '%s' field", info.name));
        }
        if !ctx.flags.contains(ParseFlags::RECORD_AVAILABLE) {
            return fail(msg!(
                "archive details '%s' field not allowed in status file",
                info.name
            ));
        }
        let may_extend = self.archives.is_empty();
        let mut count = 0;
        // The value has no blanks at either end, so there are no empty words at the ends.
        for word in value.split(|c| is_space(*c)).filter(|w| !w.is_empty()) {
            if count == self.archives.len() {
                if !may_extend {
                    return fail(msg!(
                        "too many values in archive details '%s' field (compared to others)",
                        info.name
                    ));
                }
                self.archives.push(ArchiveDetails::default());
            }
            *part(&mut self.archives[count]) = Some(word.into());
            count += 1;
        }
        if count < self.archives.len() {
            return fail(msg!(
                "too few values in archive details '%s' field (compared to others)",
                info.name
            ));
        }
        Ok(())
    }

    fn triggers_pending(
        &mut self,
        value: &[u8],
        table: &PkgTable,
        ctx: &Context<'_>,
    ) -> Result<()> {
        for word in trigger_words(value) {
            if let Some(why) = check_trigger(word) {
                let msg = msg!("illegal pending trigger name '%.255s': %s", word, why);
                return Err(ctx.error(table, msg));
            }
            let name = String::from_utf8_lossy(word);
            if self.trigpend.iter().any(|t| **t == *name) {
                return Err(ctx.error(table, msg!("duplicate pending trigger '%.255s'", word)));
            }
            self.trigpend.insert(0, name.into());
        }
        Ok(())
    }

    fn triggers_awaited(
        &mut self,
        value: &[u8],
        table: &mut PkgTable,
        ctx: &Context<'_>,
    ) -> Result<()> {
        for word in trigger_words(value) {
            let pend = match pkgspec::parse_pkg(table, word)? {
                Ok(pend) => pend,
                Err(why) => {
                    return Err(ctx.error(
                        table,
                        msg!(
                            "illegal package name in awaited trigger '%.255s': %s",
                            word,
                            why
                        ),
                    ));
                }
            };
            if self.trigaw.contains(&pend) {
                return Err(ctx.error(
                    table,
                    msg!("duplicate awaited trigger package '%.255s'", word),
                ));
            }
            self.trigaw.push(pend);
            if !table.awaited_pend.contains(&pend) {
                table.awaited_pend.push(pend);
            }
        }
        Ok(())
    }
}

fn trigger_words(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let words = value.split(|c| matches!(c, b' ' | b'\t' | b'\n'));
    words.filter(|w| !w.is_empty())
}

/// The last word before `from` in the line of a conffile, and where what stands before it
/// ends: words are separated by single spaces. `None` when the line is malformed. The line is
/// without its leading space, which dpkg counts on being there.
fn conffile_last_word(line: &[u8], from: usize) -> Option<(&[u8], usize)> {
    if from <= 1 {
        return None;
    }
    let space = memchr::memrchr(b' ', line.get(..from)?)?;
    if space <= 1 || space + 1 >= line.len() {
        return None;
    }
    Some((&line[space + 1..from], space))
}

fn boolean(info: &FieldInfo, value: &[u8], table: &PkgTable, ctx: &Context<'_>) -> Result<bool> {
    if value.is_empty() {
        return Ok(false);
    }
    last_word(value, BOOLEANS).map_err(|why| {
        let msg = msg!("boolean (yes/no) '%s' field: %s", info.name, why);
        ctx.error(table, msg)
    })
}

/// Fields of the database only, in a file from elsewhere.
fn reject_status(info: &FieldInfo, table: &PkgTable, ctx: &Context<'_>) -> Result<()> {
    if ctx.flags.contains(ParseFlags::REJECT_STATUS) {
        let msg = msg!(
            "value for '%s' field not allowed in this context",
            info.name
        );
        return Err(ctx.error(table, msg));
    }
    Ok(())
}
