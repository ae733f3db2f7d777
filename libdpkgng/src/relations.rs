//! The relation fields (`Depends` and its kin): their syntax, read and written; deb-control(5),
//! Policy §7.1 (`f_dependency` of fields.c, `varbufdependency` of dump.c).

use crate::arch::{ArchId, ArchType, check_name};
use crate::deb822::is_space;
use crate::error::{Error, Result};
use crate::msg;
use crate::msg::Msg;
use crate::name::check_package;
use crate::pkg::{DepType, Dependency, PkgTable, Possi};
use crate::version::{Epoch, Relation, Version};

/// Whoever knows where the text being parsed stands, and how strict to be with it.
pub trait Judge {
    /// Something odd.
    fn warning(&mut self, table: &PkgTable, msg: Msg);
    /// Something wrong.
    fn error(&self, table: &PkgTable, msg: Msg) -> Error;
    /// Something wrong that lax parsers only warn about.
    fn lax_problem(&mut self, table: &PkgTable, msg: Msg) -> Result<()>;
    /// Parse a version; `what` says what has it.
    fn version(&mut self, table: &PkgTable, text: &[u8], what: &dyn Fn() -> Msg)
    -> Result<Version>;
}

/// Where the parser stands in the text.
struct Cursor<'a> {
    text: &'a [u8],
    pos: usize,
}

impl<'a> Cursor<'a> {
    /// The current character, 0 at the end.
    fn peek(&self) -> u8 {
        self.text.get(self.pos).copied().unwrap_or(0)
    }
    fn bump(&mut self) {
        self.pos += 1;
    }
    fn skip_space(&mut self) {
        while is_space(self.peek()) {
            self.pos += 1;
        }
    }
    /// Take what stands before the first character for which `stop` holds.
    fn take_until(&mut self, stop: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.text.get(self.pos..).unwrap_or_default();
        let len = rest.iter().position(|c| stop(*c)).unwrap_or(rest.len());
        self.pos += len;
        &rest[..len]
    }
}

/// Parse the value of the relation field `field` of the given kind and append it to `out`.
///
/// An architecture that is not written is `any` for Conflicts, Breaks and Replaces, else
/// [`ArchId::NONE`], to be replaced by the package's own once that is known.
pub fn parse(
    value: &[u8],
    field: &str,
    kind: DepType,
    table: &mut PkgTable,
    judge: &mut dyn Judge,
    out: &mut Vec<Dependency>,
) -> Result<()> {
    if value.is_empty() {
        return Ok(());
    }
    let mut cur = Cursor {
        text: value,
        pos: 0,
    };
    loop {
        let mut possi = Vec::with_capacity(1);
        loop {
            possi.push(parse_possi(&mut cur, field, kind, table, judge)?);
            match cur.peek() {
                0 | b',' => break,
                b'|' => {}
                _ => {
                    let name = possi.last().map_or("", |p: &Possi| &*table[p.ed].name);
                    return Err(judge.error(
                        table,
                        msg!(
                            "'%s' field, syntax error after reference to package '%.255s'",
                            field,
                            name
                        ),
                    ));
                }
            }
            if matches!(
                kind,
                DepType::Conflicts | DepType::Breaks | DepType::Provides | DepType::Replaces
            ) {
                let msg = msg!("alternatives ('|') not allowed in '%s' field", field);
                return Err(judge.error(table, msg));
            }
            cur.bump();
            cur.skip_space();
        }
        possi.shrink_to_fit();
        out.push(Dependency { kind, possi });
        if cur.peek() == 0 {
            return Ok(());
        }
        cur.bump();
        cur.skip_space();
    }
}

fn parse_possi(
    cur: &mut Cursor<'_>,
    field: &str,
    kind: DepType,
    table: &mut PkgTable,
    judge: &mut dyn Judge,
) -> Result<Possi> {
    let name = cur.take_until(|c| is_space(c) || matches!(c, b':' | b'(' | b',' | b'|'));
    if name.is_empty() {
        return Err(judge.error(
            table,
            msg!(
                "'%s' field, missing package name, or garbage where package name expected",
                field
            ),
        ));
    }
    let legal = match check_package(name) {
        None => std::str::from_utf8(name).ok(),
        Some(why) => {
            let msg = msg!(
                "'%s' field, invalid package name '%.255s': %s",
                field,
                name,
                why
            );
            return Err(judge.error(table, msg));
        }
    };
    let ed = table.find_set(legal.unwrap_or_default());

    let (arch, arch_is_implicit) = if cur.peek() == b':' {
        cur.bump();
        let arch = cur.take_until(|c| is_space(c) || matches!(c, b'(' | b',' | b'|'));
        if arch.is_empty() {
            return Err(judge.error(
                table,
                msg!(
                    "'%s' field, missing architecture name, or garbage where architecture name expected",
                    field
                ),
            ));
        }
        let text = String::from_utf8_lossy(arch);
        let id = table.arches.find(&text);
        if table.arches.kind(id) == ArchType::Illegal {
            let why = check_name(&text).unwrap_or_else(|| msg!(""));
            return Err(judge.error(
                table,
                msg!(
                    "'%s' field, reference to '%.255s': invalid architecture name '%.255s': %s",
                    field,
                    name,
                    arch,
                    why
                ),
            ));
        }
        (id, false)
    } else if matches!(
        kind,
        DepType::Conflicts | DepType::Breaks | DepType::Replaces
    ) {
        (ArchId::ANY, true)
    } else {
        (ArchId::NONE, true)
    };

    cur.skip_space();
    let (relation, version) = if cur.peek() == b'(' {
        parse_restriction(cur, field, name, kind, table, judge)?
    } else {
        (Relation::None, Version::default())
    };
    Ok(Possi {
        ed,
        arch,
        arch_is_implicit,
        relation,
        version,
    })
}

/// `(RELATION VERSION)`; the cursor is on the opening parenthesis.
fn parse_restriction(
    cur: &mut Cursor<'_>,
    field: &str,
    name: &[u8],
    kind: DepType,
    table: &PkgTable,
    judge: &mut dyn Judge,
) -> Result<(Relation, Version)> {
    cur.bump();
    cur.skip_space();
    let first = cur.peek();
    let relation = match first {
        b'<' | b'>' => {
            cur.bump();
            let second = cur.peek();
            let (strict, inclusive) = match first {
                b'<' => (Relation::Lt, Relation::Le),
                _ => (Relation::Gt, Relation::Ge),
            };
            match second {
                b'=' => {
                    cur.bump();
                    inclusive
                }
                _ if second == first => {
                    cur.bump();
                    strict
                }
                b'<' | b'>' => {
                    return Err(judge.error(
                        table,
                        msg!(
                            "'%s' field, reference to '%.255s':\n bad version relationship %c%c",
                            field,
                            name,
                            first,
                            second
                        ),
                    ));
                }
                _ => {
                    judge.warning(
                        table,
                        msg!(
                            "'%s' field, reference to '%.255s':\n '%c' is obsolete, use '%c=' or '%c%c' instead",
                            field,
                            name,
                            first,
                            first,
                            first,
                            first
                        ),
                    );
                    inclusive
                }
            }
        }
        b'=' => {
            cur.bump();
            Relation::Eq
        }
        _ => {
            judge.warning(
                table,
                msg!(
                    "'%s' field, reference to '%.255s':\n implicit exact match on version number, suggest using '=' instead",
                    field,
                    name
                ),
            );
            Relation::Eq
        }
    };
    if relation != Relation::Eq && kind == DepType::Provides {
        let msg = msg!("only exact versions may be used for '%s' field", field);
        judge.lax_problem(table, msg)?;
    }
    if !is_space(cur.peek()) && !cur.peek().is_ascii_alphanumeric() {
        judge.warning(
            table,
            msg!(
                "'%s' field, reference to '%.255s':\n version value starts with non-alphanumeric, suggest adding a space",
                field,
                name
            ),
        );
    }
    cur.skip_space();
    let text = cur.take_until(|c| is_space(c) || matches!(c, b')' | b'('));
    cur.skip_space();
    match cur.peek() {
        b')' => {}
        0 => {
            let msg = msg!(
                "'%s' field, reference to '%.255s': version unterminated",
                field,
                name
            );
            return Err(judge.error(table, msg));
        }
        other => {
            return Err(judge.error(
                table,
                msg!(
                    "'%s' field, reference to '%.255s': version contains '%c' instead of '%c'",
                    field,
                    name,
                    other,
                    b')'
                ),
            ));
        }
    }
    let version = judge.version(table, text, &|| {
        msg!(
            "'%s' field, reference to '%.255s': version '%s'",
            field,
            name,
            text
        )
    })?;
    cur.bump();
    cur.skip_space();
    Ok((relation, version))
}

/// The relation as fields write it (`varbufdependency`).
pub fn write(table: &PkgTable, dep: &Dependency, out: &mut Vec<u8>) {
    for (i, possi) in dep.possi.iter().enumerate() {
        if i > 0 {
            out.extend_from_slice(b" | ");
        }
        out.extend_from_slice(table[possi.ed].name.as_bytes());
        if !possi.arch_is_implicit {
            out.extend_from_slice(table.arches.qualifier(possi.arch).as_bytes());
        }
        let sign = match possi.relation {
            Relation::None => continue,
            Relation::Eq => "=",
            Relation::Lt => "<<",
            Relation::Le => "<=",
            Relation::Gt => ">>",
            Relation::Ge => ">=",
        };
        out.extend_from_slice(b" (");
        out.extend_from_slice(sign.as_bytes());
        out.push(b' ');
        out.extend_from_slice(&possi.version.to_bytes(Epoch::NonAmbig));
        out.push(b')');
    }
}
