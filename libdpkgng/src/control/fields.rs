//! The fields dpkg gives a meaning to, in the order it writes them (`fieldinfos`).

use crate::pkg::DepType;

/// What a field holds, and thereby how it is read and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum FieldKind {
    Package,
    Essential,
    Protected,
    Status,
    Priority,
    Section,
    InstalledSize,
    Origin,
    Maintainer,
    Bugs,
    Architecture,
    MultiArch,
    Source,
    Version,
    ConfigVersion,
    Relation(DepType),
    Conffiles,
    Filename,
    Size,
    Md5sum,
    MsdosFilename,
    Description,
    TriggersPending,
    TriggersAwaited,
    /// Read as the relation it became; never written.
    ObsoleteRelation(DepType),
    /// `Class`, read as `Priority`; never written.
    ObsoleteClass,
    /// The three spellings of a separate revision; never written.
    ObsoleteRevision,
}

/// One row of [`FIELDS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldInfo {
    /// The name as dpkg writes it.
    pub name: &'static str,
    /// What it holds.
    pub kind: FieldKind,
}

macro_rules! fields {
    ($($name:literal $kind:expr;)+) => {
        &[$(FieldInfo { name: $name, kind: $kind }),+]
    };
}

/// All of them. Scripts see this order in `status`.
pub(super) const FIELDS: &[FieldInfo] = {
    use DepType::*;
    use FieldKind as K;
    fields! {
        "Package" K::Package;
        "Essential" K::Essential;
        "Protected" K::Protected;
        "Status" K::Status;
        "Priority" K::Priority;
        "Section" K::Section;
        "Installed-Size" K::InstalledSize;
        "Origin" K::Origin;
        "Maintainer" K::Maintainer;
        "Bugs" K::Bugs;
        "Architecture" K::Architecture;
        "Multi-Arch" K::MultiArch;
        "Source" K::Source;
        "Version" K::Version;
        "Config-Version" K::ConfigVersion;
        "Replaces" K::Relation(Replaces);
        "Provides" K::Relation(Provides);
        "Depends" K::Relation(Depends);
        "Pre-Depends" K::Relation(PreDepends);
        "Recommends" K::Relation(Recommends);
        "Suggests" K::Relation(Suggests);
        "Breaks" K::Relation(Breaks);
        "Conflicts" K::Relation(Conflicts);
        "Enhances" K::Relation(Enhances);
        "Conffiles" K::Conffiles;
        "Filename" K::Filename;
        "Size" K::Size;
        "MD5sum" K::Md5sum;
        "MSDOS-Filename" K::MsdosFilename;
        "Description" K::Description;
        "Triggers-Pending" K::TriggersPending;
        "Triggers-Awaited" K::TriggersAwaited;
        "Recommended" K::ObsoleteRelation(Recommends);
        "Optional" K::ObsoleteRelation(Suggests);
        "Class" K::ObsoleteClass;
        "Revision" K::ObsoleteRevision;
        "Package-Revision" K::ObsoleteRevision;
        "Package_Revision" K::ObsoleteRevision;
    }
};

/// How many fields dpkg gives a meaning to.
pub const FIELD_COUNT: usize = FIELDS.len();

/// The index into [`FIELDS`] of a name in any case. `guess` is where to look first: files of the
/// database have their fields in this order.
pub(super) fn index(name: &[u8], guess: usize) -> Option<usize> {
    let is = |f: &FieldInfo| {
        let known = f.name.as_bytes();
        known == name || known.eq_ignore_ascii_case(name)
    };
    let (before, after) = FIELDS.split_at(guess.min(FIELDS.len()));
    let found = after.iter().position(is).map(|i| guess + i);
    found.or_else(|| before.iter().position(is))
}

/// The field of a name in any case (`find_field_info`).
pub fn field(name: &[u8]) -> Option<&'static FieldInfo> {
    index(name, 0).and_then(|i| FIELDS.get(i))
}
