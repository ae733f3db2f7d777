//! Numbers of `elf.h` under their names there: goblin's, and what it does not have.

pub use goblin::elf::dynamic::*;
pub use goblin::elf::header::*;
pub use goblin::elf::program_header::*;
pub use goblin::elf::section_header::*;
pub use goblin::elf::sym::*;

/// As many program headers as `e_phnum` can't tell.
pub const PN_XNUM: u16 = 0xffff;
/// Where MIPS' DT_MIPS_RLD_MAP is, from this entry's own address.
pub const DT_MIPS_RLD_MAP_REL: u64 = 0x7000_0035;
/// What glibc takes for a string as well: names of files.
pub const DT_CONFIG: u64 = 0x6fff_fefa;
/// See [`DT_CONFIG`].
pub const DT_DEPAUDIT: u64 = 0x6fff_fefb;
/// See [`DT_CONFIG`].
pub const DT_AUDIT: u64 = 0x6fff_fefc;
/// See [`DT_CONFIG`].
pub const DT_AUXILIARY: u64 = 0x7fff_fffd;
/// See [`DT_CONFIG`].
pub const DT_FILTER: u64 = 0x7fff_ffff;
/// What Alpha's files say, whatever the gABI has.
pub const EM_ALPHA: u16 = 0x9026;
