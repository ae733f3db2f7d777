//! What the dynamic table says to whoever links, loads or packages a file.

use super::consts::*;
use super::fault::Fault;
use super::image::Image;
use super::layout::Layout;

/// For which machine and ABI a file is: only files that agree load each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Target {
    /// `e_machine`.
    pub machine: u16,
    /// Class and byte order.
    pub layout: Layout,
    /// The bits of `e_flags` that part ABIs: ARM's float ABI, RISC-V's, PowerPC64's version.
    pub abi: u32,
}

impl Target {
    /// Of a file.
    pub fn of(image: &Image) -> Target {
        let mask = match image.machine {
            EM_ARM => 0x600,
            EM_RISCV => 0x6,
            EM_PPC64 => 0x3,
            _ => 0,
        };
        Target {
            machine: image.machine,
            layout: image.layout,
            abi: image.flags & mask,
        }
    }

    /// Whether ld.so of one would load the other.
    pub fn loads(&self, other: &Target) -> bool {
        let alike = self.machine == other.machine && self.layout == other.layout;
        // Old ARM files say nothing about floats, ld.so takes them.
        alike
            && (self.abi == other.abi
                || (self.machine == EM_ARM && (self.abi == 0 || other.abi == 0)))
    }
}

/// The dynamic table's strings and what decides about loading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DynamicInfo {
    /// Machine and ABI.
    pub target: Target,
    /// `ET_EXEC` or `ET_DYN`.
    pub kind: u16,
    /// PT_INTERP.
    pub interpreter: Option<Vec<u8>>,
    /// DT_NEEDED, in order.
    pub needed: Vec<Vec<u8>>,
    /// DT_SONAME.
    pub soname: Option<Vec<u8>>,
    /// DT_RPATH.
    pub rpath: Option<Vec<u8>>,
    /// DT_RUNPATH.
    pub runpath: Option<Vec<u8>>,
    /// DF_1_NODEFLIB: the default directories are not for it.
    pub no_default_dirs: bool,
}

impl DynamicInfo {
    /// Of a file; one without a dynamic table has none of these.
    pub fn of(image: &Image) -> Result<DynamicInfo, Fault> {
        let value = |tag| image.dynamic.as_ref().and_then(|d| d.value(tag));
        let text = |tag| match value(tag) {
            Some(offset) => image.string(offset).map(Some).ok_or(Fault::DanglingString),
            None => Ok(None),
        };
        let mut needed = Vec::new();
        for offset in image.dynamic.iter().flat_map(|d| d.values(DT_NEEDED)) {
            needed.push(image.string(offset).ok_or(Fault::DanglingString)?);
        }
        Ok(DynamicInfo {
            target: Target::of(image),
            kind: image.kind,
            interpreter: image.interpreter()?,
            needed,
            soname: text(DT_SONAME)?,
            rpath: text(DT_RPATH)?,
            runpath: text(DT_RUNPATH)?,
            no_default_dirs: value(DT_FLAGS_1).is_some_and(|f| f & DF_1_NODEFLIB != 0),
        })
    }
}
