//! A file of stanzas into the table: the loop, the checks on a whole stanza, and the place a
//! stanza gets (parse.c).

use super::context::Context;
use super::fields::{self, FIELDS};
use super::read::Draft;
use super::scope::{Scope, flawless};
use super::{FileKind, ParseFlags};
use crate::arch::ArchId;
use crate::bail;
use crate::deb822::{Scanner, blank_line_problem};
use crate::error::{Error, Result};
use crate::msg;
use crate::msg::Msg;
use crate::pkg::{ArbitraryField, MultiArch, PkgBin, PkgId, PkgTable, Priority, SetId, Which};
use crate::relations::Judge;
use crate::report::{Reporter, Silent};
use crate::state::{EFlag, Status, Want};
use crate::version::Epoch;

/// Read stanzas from memory; `name` is what messages call the file. As
/// [`parse_file`](super::parse_file) otherwise.
pub fn parse_bytes(
    name: &[u8],
    data: &[u8],
    flags: ParseFlags,
    table: &mut PkgTable,
    report: &mut dyn Reporter,
) -> Result<(usize, Option<PkgId>)> {
    if data.is_empty() && flags.contains(ParseFlags::ALLOW_EMPTY) {
        return Ok((0, None));
    }
    let mut parser = Parser::new(name, flags, &Scope::All, report);
    parser.feed(data, table)?;
    parser.finish()
}

/// Why a stanza cannot be taken over.
#[derive(Clone, Debug)]
pub struct Flaw {
    /// The line of the file, the first being 1.
    pub line: usize,
    /// What is wrong there, without the place.
    pub reason: Msg,
}

/// Read one stanza of a `status`, `available` or journal file by itself, so that its neighbours can
/// be read although it is wrong. `line` is that of its first line. Warnings go nowhere.
///
/// # Errors
/// What [`parse_bytes`] would end the run with.
pub fn parse_stanza(
    data: &[u8],
    line: usize,
    flags: ParseFlags,
    table: &mut PkgTable,
) -> std::result::Result<Option<PkgId>, Flaw> {
    let mut report = Silent;
    let mut parser = Parser::new(b"", flags, &Scope::All, &mut report);
    parser.ctx.line = line.saturating_sub(1);
    match parser.feed(data, table) {
        Ok(()) => Ok(parser.last),
        Err(e) => Err(Flaw {
            line: parser.ctx.line.max(line),
            reason: super::context::reason(e.msg),
        }),
    }
}

/// A file being read, of which the text comes in one or several parts.
pub(super) struct Parser<'a> {
    ctx: Context<'a>,
    scope: &'a Scope,
    which: Which,
    count: usize,
    last: Option<PkgId>,
}

impl<'a> Parser<'a> {
    pub fn new(
        name: &'a [u8],
        flags: ParseFlags,
        scope: &'a Scope,
        report: &'a mut dyn Reporter,
    ) -> Parser<'a> {
        let which = if flags.contains(ParseFlags::RECORD_AVAILABLE) {
            Which::Available
        } else {
            Which::Installed
        };
        Parser {
            ctx: Context {
                file: name,
                flags,
                kind: flags.kind(),
                line: 0,
                set: None,
                arch: ArchId::NONE,
                multiarch: MultiArch::No,
                report,
            },
            scope,
            which,
            count: 0,
            last: None,
        }
    }

    /// Read the stanzas of a part. All parts but the last must end in an empty line: there the
    /// scanner's verdicts do not depend on whether anything follows.
    pub fn feed(&mut self, data: &[u8], table: &mut PkgTable) -> Result<()> {
        let (ctx, scope, which) = (&mut self.ctx, self.scope, self.which);
        let only_one = ctx.kind == FileKind::Control;
        let skip_older =
            ctx.flags.contains(ParseFlags::IGNORE_OLDER) || ctx.kind == FileKind::Available;
        let mut scan = Scanner::from_line(data, ctx.line);
        loop {
            ctx.reset();
            if !scan.begin() {
                ctx.line = scan.line();
                return Ok(());
            }
            let mut draft = Draft::default();
            read_stanza(&mut scan, scope, &mut draft, table, ctx)?;
            if self.count > 0 && only_one {
                let msg = msg!("several package info entries found, only one allowed");
                return Err(ctx.error(table, msg));
            }
            let set = verify(&mut draft, table, ctx)?;
            let slot = find_slot(set, &draft, table, ctx)?;
            let known = &table[slot].bin(which).version;
            if skip_older && known.is_informative() && draft.bin.version < *known {
                continue;
            }
            store(draft, slot, which, table, ctx);
            self.last = Some(slot);
            self.count += 1;
        }
    }

    /// The number of packages taken over, and the last of them.
    pub fn finish(self) -> Result<(usize, Option<PkgId>)> {
        if self.ctx.kind == FileKind::Control && self.count == 0 {
            bail!("no package information in '%.255s'", self.ctx.file);
        }
        Ok((self.count, self.last))
    }
}

/// All fields of one stanza.
fn read_stanza(
    scan: &mut Scanner<'_>,
    scope: &Scope,
    draft: &mut Draft,
    table: &mut PkgTable,
    ctx: &mut Context<'_>,
) -> Result<()> {
    let mut seen = 0u64;
    let mut next = 0;
    let mut blanks = Vec::new();
    loop {
        let field = scan.field();
        if !scan.blank_lines().is_empty() {
            let name = match &field {
                Ok(Some(f)) => f.name,
                _ => scan.field_name(),
            };
            blanks.extend_from_slice(scan.blank_lines());
            for line in blanks.drain(..) {
                ctx.line = line;
                ctx.lax_problem(table, blank_line_problem(name))?;
            }
        }
        ctx.line = scan.line();
        let Some(field) = field.map_err(|m| ctx.error(table, m))? else {
            break;
        };
        // Values are C strings in dpkg.
        let value = match memchr::memchr(0, field.value) {
            Some(nul) => &field.value[..nul],
            None => field.value,
        };
        let known = fields::index(field.name, next).and_then(|i| Some((i, FIELDS.get(i)?)));
        let Some((i, info)) = known else {
            add_arbitrary(field.name, value, &mut draft.bin, table, ctx)?;
            continue;
        };
        if seen & (1 << i) != 0 {
            let msg = msg!("duplicate value for '%s' field", info.name);
            return Err(ctx.error(table, msg));
        }
        seen |= 1 << i;
        next = i + 1;
        // What comes before the name is kept, whoever's it is.
        if let Some(set) = draft.set
            && let Some(part) = scope.part_for(&table[set].name)
            && flawless(part, info.kind, value, draft, table)
        {
            continue;
        }
        draft.field(info, value, table, ctx)?;
    }
    scan.finish();
    ctx.line = scan.line();
    Ok(())
}

fn add_arbitrary(
    name: &[u8],
    value: &[u8],
    bin: &mut PkgBin,
    table: &PkgTable,
    ctx: &Context<'_>,
) -> Result<()> {
    let len = name.len();
    if len < 2 {
        let msg = msg!("user-defined field name '%.*s' too short", len, name);
        return Err(ctx.error(table, msg));
    }
    if bin.arbs.iter().any(|a| a.name.eq_ignore_ascii_case(name)) {
        let msg = msg!("duplicate value for user-defined field '%.*s'", len, name);
        return Err(ctx.error(table, msg));
    }
    bin.arbs.push(ArbitraryField {
        name: name.into(),
        value: value.into(),
    });
    Ok(())
}

/// The checks and corrections on a whole stanza (`pkg_parse_verify`). Returns the name's set.
fn verify(draft: &mut Draft, table: &PkgTable, ctx: &mut Context<'_>) -> Result<SetId> {
    let available = ctx.flags.contains(ParseFlags::RECORD_AVAILABLE);
    let status = draft.status;
    let Some(set) = draft.set else {
        return Err(ctx.error(table, msg!("missing '%s' field", "Package")));
    };
    // What is being unpacked for the first time has not got all its fields yet.
    if available || !matches!(status, Status::NotInstalled | Status::HalfInstalled) {
        let bin = &mut draft.bin;
        for (value, field) in [
            (&mut bin.description, "Description"),
            (&mut bin.maintainer, "Maintainer"),
        ] {
            if value.is_none() {
                ctx.warning(table, msg!("missing '%s' field", field));
                *value = Some(Box::default());
            }
        }
        if draft.bin.version.version().is_empty() {
            return Err(ctx.error(table, msg!("missing '%s' field", "Version")));
        }
    }
    // Packages in state config-files may stem from a dpkg that did not keep the field.
    if available || status > Status::HalfInstalled {
        if draft.bin.arch == ArchId::NONE {
            ctx.warning(table, msg!("missing '%s' field", "Architecture"));
        } else if draft.bin.arch == ArchId::EMPTY {
            ctx.warning(table, msg!("empty value for '%s' field", "Architecture"));
        }
    }
    // None marks unused slots of the table.
    if draft.bin.arch == ArchId::NONE {
        draft.bin.arch = ArchId::EMPTY;
        ctx.arch = ArchId::EMPTY;
    }
    if draft.bin.multiarch == MultiArch::Same {
        if draft.bin.arch == ArchId::EMPTY {
            let msg = msg!(
                "package has '%s' field but is missing architecture",
                "Multi-Arch: same"
            );
            return Err(ctx.error(table, msg));
        }
        if draft.bin.arch == ArchId::ALL {
            let msg = msg!(
                "package has '%s' field but is architecture '%s'",
                "Multi-Arch: same",
                "all"
            );
            return Err(ctx.error(table, msg));
        }
    }
    for possi in draft.depends.iter_mut().flat_map(|d| &mut d.possi) {
        if possi.arch == ArchId::NONE {
            possi.arch = draft.bin.arch;
        }
    }

    if !available {
        let configured = matches!(status, Status::Installed | Status::TriggersPending);
        if !draft.configversion.version().is_empty() {
            if configured || status == Status::NotInstalled {
                let msg = msg!(
                    "'%s' field present for package with inappropriate '%s' field",
                    "Config-Version",
                    "Status"
                );
                return Err(ctx.error(table, msg));
            }
        } else if configured {
            draft.configversion = draft.bin.version.clone();
        }
    }
    verify_triggers(draft, table, ctx)?;

    if !available && status == Status::NotInstalled {
        if !draft.bin.conffiles.is_empty() {
            let msg = msg!(
                "package has status %s and has conffiles, forgetting them",
                status.as_str()
            );
            ctx.warning(table, msg);
            draft.bin.conffiles.clear();
        }
        if draft.eflag == EFlag::Ok {
            forget_leftovers(draft, ctx.kind);
        }
    }
    Ok(set)
}

/// What is awaited and pending must go with the status.
fn verify_triggers(draft: &Draft, table: &PkgTable, ctx: &Context<'_>) -> Result<()> {
    let status = draft.status;
    let fail = |m| Err(ctx.error(table, m));
    if !draft.trigaw.is_empty()
        && (status <= Status::ConfigFiles || status >= Status::TriggersPending)
    {
        return fail(msg!(
            "package has status %s but triggers are awaited",
            status.as_str()
        ));
    }
    if status == Status::TriggersAwaited && draft.trigaw.is_empty() {
        return fail(msg!(
            "package has status %s but no triggers awaited",
            status.as_str()
        ));
    }
    if !draft.trigpend.is_empty()
        && !matches!(status, Status::TriggersPending | Status::TriggersAwaited)
    {
        return fail(msg!(
            "package has status %s but triggers are pending",
            status.as_str()
        ));
    }
    if status == Status::TriggersPending && draft.trigpend.is_empty() {
        return fail(msg!(
            "package has status %s but no triggers pending",
            status.as_str()
        ));
    }
    Ok(())
}

/// Packages that are not installed and not asked for go away with the next writing of the
/// database; so do selections that name no architecture.
fn forget_leftovers(draft: &mut Draft, kind: FileKind) {
    if matches!(draft.want, Want::Purge | Want::Deinstall) {
        draft.want = Want::Unknown;
    }
    if kind == FileKind::Status && draft.want == Want::Install && draft.bin.arch == ArchId::EMPTY {
        draft.want = Want::Unknown;
    }
    if draft.want == Want::Unknown {
        let (arch, multiarch) = (draft.bin.arch, draft.bin.multiarch);
        draft.bin = PkgBin {
            arch,
            multiarch,
            ..PkgBin::default()
        };
        draft.depends.clear();
    }
}

/// The slot for a stanza (`parse_find_pkg_slot`): one per architecture when reading status;
/// for a new package or a journal entry the only installed instance, if its architecture may
/// change.
fn find_slot(set: SetId, draft: &Draft, table: &mut PkgTable, ctx: &Context<'_>) -> Result<PkgId> {
    let (mut single, mut multi) = (0, 0);
    let mut count = |status: Status, multiarch: MultiArch| {
        if status != Status::NotInstalled {
            match multiarch {
                MultiArch::Same => multi += 1,
                _ => single += 1,
            }
        }
    };
    if ctx.kind == FileKind::Status {
        count(draft.status, draft.bin.multiarch);
    }
    for pkg in &table[set].pkgs {
        count(table[*pkg].status(), table[*pkg].installed.multiarch);
    }
    if single > 1 {
        let msg = msg!(
            "multiple non-coinstallable package instances present; most probably due to an upgrade from an unofficial dpkg"
        );
        return Err(ctx.error(table, msg));
    }
    if single > 0 && multi > 0 {
        let msg = msg!(
            "mixed non-coinstallable and coinstallable package instances present; most probably due to an upgrade from an unofficial dpkg"
        );
        return Err(ctx.error(table, msg));
    }

    let instances = table.installed_instances(set);
    let (arch, multiarch) = (draft.bin.arch, draft.bin.multiarch);
    let singleton = |table: &PkgTable| {
        table.singleton(set).ok_or_else(|| {
            Error::internal(msg!(
                "pkgset '%s' should have one installed instance",
                &*table[set].name
            ))
        })
    };
    if ctx.kind == FileKind::Available {
        if instances == 1 && multiarch != MultiArch::Same {
            return singleton(table);
        }
        return Ok(table.get_pkg(set, arch));
    }
    let selection = ctx.kind == FileKind::Status && draft.status == Status::NotInstalled;
    if instances > 1 && !selection && multiarch != MultiArch::Same {
        let name = &*table[set].name;
        bail!(
            "package %s (%s) with field '%s: %s' is not co-installable with %s which has multiple installed instances",
            format!("{name}{}", table.arches.qualifier(arch)),
            draft.bin.version.describe(Epoch::NonAmbig),
            "Multi-Arch",
            multiarch.as_str(),
            name
        );
    }
    if ctx.kind != FileKind::Status && instances == 1 {
        let only = singleton(table)?;
        let both_same =
            multiarch == MultiArch::Same && table[only].installed.multiarch == MultiArch::Same;
        if !both_same {
            return Ok(only);
        }
    }
    Ok(table.get_pkg(set, arch))
}

/// Put a stanza into its slot (`pkg_parse_copy`).
fn store(draft: Draft, slot: PkgId, which: Which, table: &mut PkgTable, ctx: &Context<'_>) {
    let weak = ctx.flags.contains(ParseFlags::WEAK_CLASSIFICATION);
    let pkg = &mut table[slot];
    if draft.section.is_some() && !(weak && pkg.section.is_some()) {
        pkg.section = draft.section;
    }
    if draft.priority != Priority::Unknown && !(weak && pkg.priority != Priority::Unknown) {
        pkg.priority = draft.priority;
    }
    let mut bin = draft.bin;
    // `set_depends` wants to see the relations there were.
    bin.depends = pkg.bin(which).depends.clone();
    *pkg.bin_mut(which) = bin;
    table.set_depends(slot, which, draft.depends.into());

    if which == Which::Available {
        if !ctx.flags.contains(ParseFlags::IGNORE_ARCHIVES) {
            table[slot].archives = draft.archives;
        }
        return;
    }
    table.set_status(slot, draft.status);
    let pkg = &mut table[slot];
    pkg.want = draft.want;
    pkg.eflag = draft.eflag;
    pkg.configversion = draft.configversion;
    pkg.archives.clear();
    pkg.trigpend = draft.trigpend;
    let awaited_before = std::mem::take(&mut pkg.trigaw);
    for pend in awaited_before {
        table[pend].othertrigaw.retain(|aw| *aw != slot);
    }
    for pend in &draft.trigaw {
        table[*pend].othertrigaw.insert(0, slot);
    }
    table[slot].trigaw = draft.trigaw;
}
