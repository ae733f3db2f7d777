//! Package specifiers, `name[:arch]`, possibly patterns (pkg-spec.c).

use crate::arch::{ArchId, ArchType, check_name};
use crate::error::{Error, Result};
use crate::msg;
use crate::msg::Msg;
use crate::name::check_package;
use crate::pkg::{PkgId, PkgTable, Which};
use crate::sys::fnmatch::Pattern;

/// What a specifier without an architecture stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoArch {
    /// The only installed instance (`PKG_SPEC_ARCH_SINGLE`).
    Single,
    /// Every instance (`PKG_SPEC_ARCH_WILDCARD`).
    Wildcard,
}

/// A specifier (`pkg_spec`).
#[derive(Clone, Debug)]
pub struct PkgSpec {
    name: Vec<u8>,
    arch: ArchId,
    no_arch: NoArch,
    name_pattern: Option<Pattern>,
    arch_pattern: Option<Pattern>,
}

impl PkgSpec {
    /// Parse `text` (`pkg_spec_parse`); with `patterns`, shell patterns are recognised in both
    /// parts. The error is dpkg's reason why it is illegal.
    pub fn parse(
        table: &mut PkgTable,
        text: &[u8],
        patterns: bool,
        no_arch: NoArch,
    ) -> Result<PkgSpec, Msg> {
        let spec = PkgSpec::parse_unchecked(table, text, patterns, no_arch);
        match spec.is_illegal(table) {
            Some(why) => Err(why),
            None => Ok(spec),
        }
    }

    /// The same for callers to whom an illegal specifier is one that matches nothing.
    pub fn parse_unchecked(
        table: &mut PkgTable,
        text: &[u8],
        patterns: bool,
        no_arch: NoArch,
    ) -> PkgSpec {
        let (name, arch) = match memchr::memchr(b':', text) {
            None => (text, None),
            Some(i) => (&text[..i], Some(&text[i + 1..])),
        };
        PkgSpec::build(table, name, arch, patterns, no_arch)
    }

    /// The same from its two parts (`pkg_spec_set`).
    pub fn new(
        table: &mut PkgTable,
        name: &[u8],
        arch: Option<&[u8]>,
        patterns: bool,
        no_arch: NoArch,
    ) -> Result<PkgSpec, Msg> {
        let spec = PkgSpec::build(table, name, arch, patterns, no_arch);
        match spec.is_illegal(table) {
            Some(why) => Err(why),
            None => Ok(spec),
        }
    }

    fn build(
        table: &mut PkgTable,
        name: &[u8],
        arch: Option<&[u8]>,
        patterns: bool,
        no_arch: NoArch,
    ) -> PkgSpec {
        let pattern = |text: &[u8]| {
            let wild = patterns && text.iter().any(|c| b"*[?\\".contains(c));
            wild.then(|| Pattern::new(text))
        };
        let id = match arch {
            None => ArchId::NONE,
            Some(arch) => table.arches.find(&String::from_utf8_lossy(arch)),
        };
        PkgSpec {
            name: name.to_vec(),
            arch: id,
            no_arch,
            name_pattern: pattern(name),
            arch_pattern: arch.and_then(pattern),
        }
    }

    fn is_illegal(&self, table: &mut PkgTable) -> Option<Msg> {
        let arch_name = table.arches.name(self.arch).to_owned();
        if self.name_pattern.is_none()
            && let Some(why) = check_package(&self.name)
        {
            let separator = if self.arch == ArchId::NONE { "" } else { ":" };
            return Some(msg!(
                "illegal package name in specifier '%s%s%s': %s",
                &self.name,
                separator,
                arch_name,
                why
            ));
        }
        let illegal = table.arches.kind(self.arch) == ArchType::Illegal;
        if (self.arch_pattern.is_none() && illegal) || self.arch == ArchId::EMPTY {
            let why = check_name(&arch_name).unwrap_or_else(|| msg!(""));
            return Some(msg!(
                "illegal architecture name in specifier '%s:%s': %s",
                &self.name,
                arch_name,
                why
            ));
        }
        if self.arch_pattern.is_none() && self.no_arch == NoArch::Single {
            // dpkg enters even a pattern into its table here; nothing can observe that.
            let name = std::str::from_utf8(&self.name).ok()?;
            if self.name_pattern.is_some() {
                return None;
            }
            let set = table.find_set(name);
            if self.arch == ArchId::NONE && table.installed_instances(set) > 1 {
                return Some(msg!(
                    "ambiguous package name '%s' with more than one installed instance",
                    &self.name
                ));
            }
        }
        None
    }

    /// The name part as given.
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// The architecture part; [`ArchId::NONE`] when there is none.
    pub fn arch(&self) -> ArchId {
        self.arch
    }

    /// Whether the name is a pattern.
    pub fn name_is_pattern(&self) -> bool {
        self.name_pattern.is_some()
    }

    /// Whether the architecture is a pattern.
    pub fn arch_is_pattern(&self) -> bool {
        self.arch_pattern.is_some()
    }

    fn matches_arch(&self, table: &PkgTable, pkg: PkgId, arch: ArchId) -> bool {
        if let Some(pattern) = &self.arch_pattern {
            return pattern.matches(&Pattern::subject(table.arches.name(arch).as_bytes()));
        }
        if self.arch != ArchId::NONE {
            return self.arch == arch;
        }
        match self.no_arch {
            NoArch::Single => table.installed_instances(table[pkg].set) <= 1,
            NoArch::Wildcard => true,
        }
    }

    /// Whether it means this description of a package (`pkg_spec_match_pkg`).
    pub fn matches(&self, table: &PkgTable, pkg: PkgId, which: Which) -> bool {
        let name = table.set_name(pkg).as_bytes();
        let named = match &self.name_pattern {
            Some(pattern) => pattern.matches(&Pattern::subject(name)),
            None => self.name == name,
        };
        named && self.matches_arch(table, pkg, table[pkg].bin(which).arch)
    }

    /// All packages it means, by their installed descriptions, in dpkg's order: a pattern's in
    /// that of the hash table, a name's in that of its instances (`pkg_spec_iter_*`).
    pub fn packages(&self, table: &mut PkgTable) -> Vec<PkgId> {
        if self.name_is_pattern() {
            let mut all = table.in_hash_order();
            all.retain(|p| self.matches(table, *p, Which::Installed));
            return all;
        }
        let Ok(name) = std::str::from_utf8(&self.name) else {
            return Vec::new();
        };
        let set = table.find_set(name);
        let mut pkgs = table[set].pkgs.clone();
        pkgs.retain(|p| self.matches_arch(table, *p, table[*p].installed.arch));
        pkgs
    }

    fn single(&self, table: &mut PkgTable) -> Result<PkgId> {
        let name = String::from_utf8_lossy(&self.name).into_owned();
        if self.arch == ArchId::NONE {
            return table.find_singleton(&name);
        }
        let set = table.find_set(&name);
        Ok(table.get_pkg(set, self.arch))
    }
}

/// The one package `text` means (`pkg_spec_parse_pkg`). The outer error is fatal in dpkg
/// (`ohshit`), the inner one is handed to the caller.
pub fn parse_pkg(table: &mut PkgTable, text: &[u8]) -> Result<Result<PkgId, Msg>> {
    match PkgSpec::parse(table, text, false, NoArch::Single) {
        Err(why) => Ok(Err(why)),
        Ok(spec) => spec.single(table).map(Ok),
    }
}

/// The same from a name and an architecture, empty for an empty one (`pkg_spec_find_pkg`).
pub fn find_pkg(table: &mut PkgTable, name: &[u8], arch: &[u8]) -> Result<Result<PkgId, Msg>> {
    match PkgSpec::new(table, name, Some(arch), false, NoArch::Single) {
        Err(why) => Ok(Err(why)),
        Ok(spec) => spec.single(table).map(Ok),
    }
}

/// The package that an argument of an option or command names (`dpkg_options_parse_pkgname`);
/// `verb` is its long name without the dashes.
///
/// # Errors
/// Of usage, when it is no package's name.
pub fn package_arg(table: &mut PkgTable, verb: &str, text: &[u8]) -> Result<PkgId> {
    parse_pkg(table, text)?.map_err(|why| {
        Error::usage(msg!(
            "--%s needs a valid package name but '%.250s' is not: %s",
            verb,
            text,
            why
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::ArchTable;
    use crate::state::Status;

    fn table() -> PkgTable {
        let mut t = PkgTable::new(ArchTable::new("amd64"));
        let i386 = t.arches.add("i386");
        for (name, arch) in [
            ("libc", ArchId::NATIVE),
            ("libc", i386),
            ("tool", ArchId::NATIVE),
        ] {
            let set = t.find_set(name);
            let pkg = t.get_pkg(set, arch);
            t.set_status(pkg, Status::Installed);
        }
        t
    }

    fn illegal(text: &str, patterns: bool) -> Option<String> {
        let parsed = PkgSpec::parse(&mut table(), text.as_bytes(), patterns, NoArch::Single);
        parsed.err().map(|m| m.to_string())
    }

    #[test]
    fn reasons_are_stocks() {
        assert_eq!(illegal("tool", false), None);
        assert_eq!(illegal("libc:i386", false), None);
        assert_eq!(illegal("lib*", true), None);
        assert_eq!(
            illegal("libc", false).as_deref(),
            Some("ambiguous package name 'libc' with more than one installed instance")
        );
        assert_eq!(
            illegal("lib*", false).as_deref(),
            Some(
                "illegal package name in specifier 'lib*': character '*' not allowed (only letters, digits and characters '-+._')"
            )
        );
        assert_eq!(
            illegal("!x:i386", false).as_deref(),
            Some(
                "illegal package name in specifier '!x:i386': must start with an alphanumeric character"
            )
        );
        assert_eq!(
            illegal("libc:", false).as_deref(),
            Some("illegal architecture name in specifier 'libc:': may not be empty string")
        );
        assert_eq!(
            illegal("libc:_", false).as_deref(),
            Some(
                "illegal architecture name in specifier 'libc:_': must start with an alphanumeric"
            )
        );
    }

    #[test]
    fn patterns_name_packages() {
        let mut t = table();
        let mut names = |text: &str, no_arch| {
            let spec = PkgSpec::parse(&mut t, text.as_bytes(), true, no_arch).expect(text);
            let mut found = Vec::new();
            for p in spec.packages(&mut t) {
                found.push(t.name(p, crate::pkg::NameWhen::Always));
            }
            found.sort();
            found.join(" ")
        };
        assert_eq!(names("lib*", NoArch::Wildcard), "libc:amd64 libc:i386");
        assert_eq!(names("lib*", NoArch::Single), "");
        assert_eq!(names("*:amd*", NoArch::Single), "libc:amd64 tool:amd64");
        assert_eq!(names("libc:i386", NoArch::Single), "libc:i386");
    }
}
