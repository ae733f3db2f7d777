//! What differs from machine to machine, and which interpreters are glibc's.

use super::consts::*;
use super::info::Target;
use super::layout::Layout;

/// A port of Debian's to Linux and glibc: what its files look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Port {
    /// Its name, such as `amd64`.
    pub architecture: &'static str,
    /// The name of its library directory, such as `x86_64-linux-gnu`.
    pub triplet: &'static str,
    target: Target,
}

/// What the kernel calls a port's processors (AT_PLATFORM), where all have one name.
const PLATFORMS: [(&str, &str); 4] = [
    ("amd64", "x86_64"),
    ("x32", "x86_64"),
    ("i386", "i686"),
    ("arm64", "aarch64"),
];

const fn port(
    architecture: &'static str,
    triplet: &'static str,
    machine: u16,
    (bits, big): (u8, bool),
    abi: u32,
) -> Port {
    let wide = bits == 64;
    let layout = Layout { wide, big };
    let target = Target {
        machine,
        layout,
        abi,
    };
    Port {
        architecture,
        triplet,
        target,
    }
}

const LITTLE: bool = false;
const BIG: bool = true;

/// dpkg's `cputable` and `tupletable`, and the processors' ABIs: `e_machine`, class, byte order, the bits of `e_flags`.
const PORTS: [Port; 15] = [
    port("amd64", "x86_64-linux-gnu", EM_X86_64, (64, LITTLE), 0),
    port("i386", "i386-linux-gnu", EM_386, (32, LITTLE), 0),
    port("x32", "x86_64-linux-gnux32", EM_X86_64, (32, LITTLE), 0),
    port("arm64", "aarch64-linux-gnu", EM_AARCH64, (64, LITTLE), 0),
    port("armhf", "arm-linux-gnueabihf", EM_ARM, (32, LITTLE), 0x400),
    port("armel", "arm-linux-gnueabi", EM_ARM, (32, LITTLE), 0x200),
    port("riscv64", "riscv64-linux-gnu", EM_RISCV, (64, LITTLE), 0x4),
    port(
        "ppc64el",
        "powerpc64le-linux-gnu",
        EM_PPC64,
        (64, LITTLE),
        2,
    ),
    port("ppc64", "powerpc64-linux-gnu", EM_PPC64, (64, BIG), 1),
    port("powerpc", "powerpc-linux-gnu", EM_PPC, (32, BIG), 0),
    port("s390x", "s390x-linux-gnu", EM_S390, (64, BIG), 0),
    port(
        "loong64",
        "loongarch64-linux-gnu",
        EM_LOONGARCH,
        (64, LITTLE),
        0,
    ),
    port(
        "mips64el",
        "mips64el-linux-gnuabi64",
        EM_MIPS,
        (64, LITTLE),
        0,
    ),
    port("mipsel", "mipsel-linux-gnu", EM_MIPS, (32, LITTLE), 0),
    port("alpha", "alpha-linux-gnu", EM_ALPHA, (64, LITTLE), 0),
];

impl Port {
    /// The port a file is for.
    pub fn of(target: &Target) -> Option<&'static Port> {
        PORTS.iter().find(|p| p.target == *target)
    }

    /// What `$PLATFORM` stands for; nothing, where that is another on each processor.
    pub fn platform(&self) -> &'static str {
        let own = PLATFORMS
            .iter()
            .find(|(name, _)| *name == self.architecture);
        own.map_or("", |(_, platform)| platform)
    }

    /// Whether a file for `target` runs where this port's do: one that does not say which ABI it is of does, too.
    pub fn takes(&self, target: &Target) -> bool {
        self.target.loads(target)
    }

    /// The port of this name.
    pub fn named(architecture: &str) -> Option<&'static Port> {
        PORTS.iter().find(|p| p.architecture == architecture)
    }
}

/// The largest page a kernel for the machine may use: psABI's maximum where it has one.
pub fn largest_page(machine: u16) -> u64 {
    match machine {
        EM_AARCH64 | EM_ARM | EM_PPC | EM_PPC64 | EM_MIPS | EM_LOONGARCH => 0x1_0000,
        EM_ALPHA => 0x1_0000,
        EM_386 | EM_X86_64 | EM_S390 | EM_RISCV => 0x1000,
        _ => 0x1_0000,
    }
}

/// Bytes of an entry of DT_HASH: 4, but 8 on Alpha and 64-bit s390.
pub fn hash_entry_len(machine: u16, layout: Layout) -> u64 {
    match machine {
        EM_ALPHA => 8,
        EM_S390 if layout.wide => 8,
        _ => 4,
    }
}

/// Where user space ends for a 32-bit fixed-address program; everything else has room.
pub fn highest_address(layout: Layout) -> u64 {
    if layout.wide {
        0x0000_7fff_0000_0000
    } else {
        0xbf00_0000
    }
}

/// Whether a PT_INTERP is glibc's ld.so, by the names its ports use (`ld-linux-x86-64.so.2`,
/// `ld-linux.so.2`, `ld64.so.2`, `ld.so.1`, …). klibc's and musl's are not.
pub fn is_glibc_interpreter(path: &[u8]) -> bool {
    let name = path.rsplit(|b| *b == b'/').next().unwrap_or(path);
    let stem_then_version = |stem: &[u8]| {
        name.strip_prefix(stem)
            .is_some_and(|rest| !rest.is_empty() && rest.iter().all(u8::is_ascii_digit))
    };
    stem_then_version(b"ld.so.")
        || stem_then_version(b"ld64.so.")
        || (name.starts_with(b"ld-linux") && memchr::memmem::find(name, b".so.").is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn glibc_is_told_from_the_others() {
        for yes in [
            "/lib64/ld-linux-x86-64.so.2",
            "/lib/ld-linux.so.2",
            "/lib/ld-linux-aarch64.so.1",
            "/lib/ld-linux-armhf.so.3",
            "/lib64/ld64.so.2",
            "/lib/ld64.so.1",
            "/lib/ld.so.1",
            "/lib/ld-linux-riscv64-lp64d.so.1",
        ] {
            assert!(is_glibc_interpreter(yes.as_bytes()), "{yes}");
        }
        for no in [
            "/lib/klibc-BrxyGBnBLYEaK0kBXYAcbPgLVWE.so",
            "/lib/ld-musl-x86_64.so.1",
            "/lib/ld.so",
            "",
        ] {
            assert!(!is_glibc_interpreter(no.as_bytes()), "{no}");
        }
    }
}
