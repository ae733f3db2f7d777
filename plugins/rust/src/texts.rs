//! Control files and relation fields, as dpkg reads them.

use std::ffi::c_void;

use abi::Str;
use dpkgng_plugin_abi as abi;

use crate::call::{Walk, call, copy, copy_word};
use crate::{Failed, Services};

/// A relation field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is called as the field is")]
pub enum Field {
    Depends,
    PreDepends,
    Recommends,
    Suggests,
    Enhances,
    Conflicts,
    Breaks,
    Provides,
    Replaces,
}

impl Field {
    pub(crate) fn number(self) -> u32 {
        match self {
            Field::Depends => abi::DEPENDS,
            Field::PreDepends => abi::PRE_DEPENDS,
            Field::Recommends => abi::RECOMMENDS,
            Field::Suggests => abi::SUGGESTS,
            Field::Enhances => abi::ENHANCES,
            Field::Conflicts => abi::CONFLICTS,
            Field::Breaks => abi::BREAKS,
            Field::Provides => abi::PROVIDES,
            Field::Replaces => abi::REPLACES,
        }
    }
}

/// How versions are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// `<<`
    Lt,
    /// `<=`
    Le,
    /// `=`
    Eq,
    /// `>=`
    Ge,
    /// `>>`
    Gt,
}

impl Op {
    pub(crate) fn number(self) -> u32 {
        match self {
            Op::Lt => abi::OP_LT,
            Op::Le => abi::OP_LE,
            Op::Eq => abi::OP_EQ,
            Op::Ge => abi::OP_GE,
            Op::Gt => abi::OP_GT,
        }
    }

    fn of(number: u32) -> Option<Op> {
        let all = [Op::Lt, Op::Le, Op::Eq, Op::Ge, Op::Gt];
        all.into_iter().find(|op| op.number() == number)
    }
}

/// An alternative of a relation field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    /// The package it names.
    pub name: String,
    /// The architecture written behind the name: a name, or `any`.
    pub architecture: Option<String>,
    /// Which versions.
    pub version: Option<(Op, String)>,
}

impl Relation {
    /// # Safety
    /// It is lent until this returns.
    pub(crate) unsafe fn of(relation: *const abi::Relation) -> Relation {
        // SAFETY: the caller's promise.
        let (name, architecture, op, version) = unsafe {
            let r = &*relation;
            let [name, architecture, version] =
                [r.name, r.architecture, r.version].map(|s| copy_word(s));
            (name, architecture, r.op, version)
        };
        Relation {
            name,
            architecture: Some(architecture).filter(|a| !a.is_empty()),
            version: Op::of(op).map(|op| (op, version)),
        }
    }
}

/// A paragraph of a control file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stanza {
    /// Names and values of its fields, in order.
    pub fields: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Stanza {
    /// The value of a field, whose name is given in any case of letters.
    pub fn field(&self, name: &str) -> Option<&[u8]> {
        let mut fields = self.fields.iter();
        let found = fields.find(|(n, _)| n.eq_ignore_ascii_case(name.as_bytes()));
        found.map(|(_, value)| &value[..])
    }
}

type Fields = Vec<(Vec<u8>, Vec<u8>)>;
type Groups = Vec<Vec<Relation>>;

impl Services {
    /// Every stanza of a text in the syntax of control files.
    ///
    /// # Errors
    /// It is not in that syntax.
    pub fn stanzas(self, text: &[u8]) -> Result<Vec<Stanza>, Failed> {
        type Gathering = (Services, Vec<Stanza>);
        unsafe extern "C" fn one(user: *mut c_void, stanza: *const abi::Stanza) -> i32 {
            // SAFETY: the walk below.
            unsafe {
                Walk::<Gathering>::step(user, |(host, stanzas)| {
                    let fields = host.fields(stanza)?;
                    stanzas.push(Stanza { fields });
                    Ok(())
                })
            }
        }
        let mut walk: Walk<Gathering> = Walk::new((self, Vec::new()));
        let (text, user) = (Str::new(text), walk.user());
        let walked = call!(self.table, stanzas, text, Some(one), user);
        let (_, stanzas) = walk.end(walked.and_then(|r| self.check(r)))?;
        Ok(stanzas)
    }

    /// The fields of a stanza lent meanwhile.
    fn fields(self, stanza: *const abi::Stanza) -> Result<Fields, Failed> {
        unsafe extern "C" fn one(user: *mut c_void, name: Str, value: Str) -> i32 {
            // SAFETY: the walk below, and texts lent for this call.
            unsafe {
                Walk::<Fields>::step(user, |fields| {
                    fields.push((copy(name), copy(value)));
                    Ok(())
                })
            }
        }
        let mut walk: Walk<Fields> = Walk::new(Fields::new());
        let user = walk.user();
        let walked = call!(self.table, stanza_fields, stanza, Some(one), user);
        walk.end(walked.and_then(|r| self.check(r)))
    }

    /// What a relation field says: groups, separated by commas, of alternatives.
    ///
    /// # Errors
    /// dpkg would not take it in a new package.
    pub fn relations(self, field: Field, text: &[u8]) -> Result<Groups, Failed> {
        unsafe extern "C" fn one(user: *mut c_void, relation: *const abi::Relation) -> i32 {
            // SAFETY: the walk below, and a relation lent for this call.
            unsafe {
                Walk::<Groups>::step(user, |groups| {
                    if (*relation).alternative == 0 || groups.is_empty() {
                        groups.push(Vec::new());
                    }
                    if let Some(group) = groups.last_mut() {
                        group.push(Relation::of(relation));
                    }
                    Ok(())
                })
            }
        }
        let mut walk: Walk<Groups> = Walk::new(Groups::new());
        let (kind, text, user) = (field.number(), Str::new(text), walk.user());
        let walked = call!(self.table, relations, kind, text, Some(one), user);
        walk.end(walked.and_then(|r| self.check(r)))
    }
}
