//! Architecture names and what they are to this system: native, foreign, `all`, `any`, unknown.
//!
//! Mirrors `ADMINDIR/arch` and `ADMINDIR/arch-native` (read and written by `db::arch`). An
//! [`ArchId`] is an index into one [`ArchTable`]; the built-in ones are constants.

use crate::msg::Msg;
use crate::{msg, msgc};

/// Debian's name of the architecture this program was compiled for.
pub const BUILD_ARCHITECTURE: &str = if cfg!(target_arch = "x86_64") {
    if cfg!(target_pointer_width = "32") {
        "x32"
    } else {
        "amd64"
    }
} else if cfg!(target_arch = "x86") {
    "i386"
} else if cfg!(target_arch = "aarch64") {
    "arm64"
} else if cfg!(target_arch = "arm") {
    if cfg!(target_abi = "eabihf") {
        "armhf"
    } else {
        "armel"
    }
} else if cfg!(target_arch = "powerpc64") {
    if cfg!(target_endian = "little") {
        "ppc64el"
    } else {
        "ppc64"
    }
} else if cfg!(target_arch = "powerpc") {
    "powerpc"
} else if cfg!(target_arch = "riscv64") {
    "riscv64"
} else if cfg!(target_arch = "s390x") {
    "s390x"
} else if cfg!(target_arch = "loongarch64") {
    "loong64"
} else if cfg!(target_arch = "mips64") {
    if cfg!(target_endian = "little") {
        "mips64el"
    } else {
        "mips64"
    }
} else if cfg!(target_arch = "mips") {
    if cfg!(target_endian = "little") {
        "mipsel"
    } else {
        "mips"
    }
} else if cfg!(target_arch = "sparc64") {
    "sparc64"
} else if cfg!(target_arch = "m68k") {
    "m68k"
} else {
    "unknown"
};

/// What an architecture is to this system (`dpkg_arch_type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArchType {
    /// No `Architecture` field was given.
    None,
    /// The field was given and empty.
    Empty,
    /// Not a legal name.
    Illegal,
    /// `any`
    Wildcard,
    /// `all`
    All,
    /// The system's own.
    Native,
    /// Added by `--add-architecture`.
    Foreign,
    /// A legal name that nobody added.
    Unknown,
}

/// An entry of an [`ArchTable`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ArchId(u16);

impl ArchId {
    /// No architecture given.
    pub const NONE: ArchId = ArchId(0);
    /// An empty field.
    pub const EMPTY: ArchId = ArchId(1);
    /// The native architecture.
    pub const NATIVE: ArchId = ArchId(2);
    /// `all`
    pub const ALL: ArchId = ArchId(3);
    /// `any`
    pub const ANY: ArchId = ArchId(4);
}

/// Every architecture name seen in this run, in the order of first sight.
#[derive(Clone, Debug)]
pub struct ArchTable {
    entries: Vec<(Box<str>, ArchType)>,
    /// The set of foreign architectures differs from the file's.
    pub dirty: bool,
}

impl ArchTable {
    /// The built-in names, with this native architecture.
    pub fn new(native: &str) -> ArchTable {
        let entry = |n: &str, t| (n.into(), t);
        ArchTable {
            entries: vec![
                entry("", ArchType::None),
                entry("", ArchType::Empty),
                entry(native, ArchType::Native),
                entry("all", ArchType::All),
                entry("any", ArchType::Wildcard),
            ],
            dirty: false,
        }
    }

    /// Override the native name (`arch-native`).
    pub fn set_native(&mut self, name: &str) {
        self.entries[usize::from(ArchId::NATIVE.0)].0 = name.into();
    }

    /// The id of `name`, added as unknown (or illegal) when new. Empty is [`ArchId::EMPTY`].
    /// Past 65,000 distinct names (hostile input) every new one is the same illegal name.
    pub fn find(&mut self, name: &str) -> ArchId {
        if name.is_empty() {
            return ArchId::EMPTY;
        }
        let known = self.entries.iter().skip(2).position(|(n, _)| **n == *name);
        if let Some(i) = known {
            return ArchId(i as u16 + 2);
        }
        if self.entries.len() >= 65_000 {
            return ArchId(self.entries.len() as u16 - 1);
        }
        let kind = match check_name(name) {
            None => ArchType::Unknown,
            Some(_) => ArchType::Illegal,
        };
        self.entries.push((name.into(), kind));
        ArchId(self.entries.len() as u16 - 1)
    }

    /// `--add-architecture`, or a line of the `arch` file.
    pub fn add(&mut self, name: &str) -> ArchId {
        let id = self.find(name);
        if self.kind(id) == ArchType::Unknown {
            self.entries[usize::from(id.0)].1 = ArchType::Foreign;
            self.dirty = true;
        }
        id
    }

    /// `--remove-architecture`.
    pub fn unmark(&mut self, id: ArchId) {
        if self.kind(id) == ArchType::Foreign {
            self.entries[usize::from(id.0)].1 = ArchType::Unknown;
            self.dirty = true;
        }
    }

    /// The name; empty for [`ArchId::NONE`] and [`ArchId::EMPTY`].
    pub fn name(&self, id: ArchId) -> &str {
        &self.entries[usize::from(id.0)].0
    }

    /// What it is to this system.
    pub fn kind(&self, id: ArchId) -> ArchType {
        self.entries[usize::from(id.0)].1
    }

    /// `dpkg_arch_describe()`: the name, or `<none>` or `<empty>` in the user's words.
    pub fn describe(&self, id: ArchId) -> Msg {
        match id {
            ArchId::NONE => msgc!("architecture", "<none>"),
            ArchId::EMPTY => msgc!("architecture", "<empty>"),
            _ => Msg::verbatim(self.name(id)),
        }
    }

    /// `:arch`, or nothing for none and empty (`varbuf_add_archqual`).
    pub fn qualifier(&self, id: ArchId) -> String {
        match id {
            ArchId::NONE | ArchId::EMPTY => String::new(),
            _ => format!(":{}", self.name(id)),
        }
    }

    /// All real names (not none and empty), in dpkg's order: native, all, any, then as seen.
    pub fn iter(&self) -> impl Iterator<Item = (ArchId, &str, ArchType)> {
        let numbered = self.entries.iter().enumerate().skip(2);
        numbered.map(|(i, (n, t))| (ArchId(i as u16), &**n, *t))
    }
}

/// Why `name` is no architecture name (`dpkg_arch_name_is_illegal`), or `None`.
pub fn check_name(name: &str) -> Option<Msg> {
    let bytes = name.as_bytes();
    let first = bytes.first().copied();
    if first.is_none() {
        return Some(msg!("may not be empty string"));
    }
    if !first.is_some_and(|c| c.is_ascii_alphanumeric()) {
        return Some(msg!("must start with an alphanumeric"));
    }
    let bad = bytes
        .iter()
        .find(|c| !c.is_ascii_alphanumeric() && **c != b'-')?;
    Some(msg!(
        "character '%c' not allowed (only letters, digits and characters '%s')",
        *bad,
        "-"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adding_and_unmarking() {
        let mut t = ArchTable::new("amd64");
        assert_eq!(t.find("amd64"), ArchId::NATIVE);
        assert_eq!(t.find("all"), ArchId::ALL);
        let i386 = t.find("i386");
        assert_eq!(t.kind(i386), ArchType::Unknown);
        assert_eq!(t.add("i386"), i386);
        assert_eq!((t.kind(i386), t.dirty), (ArchType::Foreign, true));
        t.unmark(i386);
        assert_eq!(t.kind(i386), ArchType::Unknown);
        let bad = t.find("-x");
        assert_eq!(t.kind(bad), ArchType::Illegal);
        assert_eq!(t.describe(ArchId::NONE).to_string(), "<none>");
    }
}
