//! What can be wrong with an ELF file, in words for whoever packaged it.

use super::layout::TooLarge;

/// A file that does not hold what a loader needs, or not where it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[expect(missing_docs, reason = "each says it in its message")]
pub enum Fault {
    #[error("not an ELF file")]
    NotElf,
    #[error("ELF class, byte order or version is unknown")]
    Ident,
    #[error("the program header table is not whole")]
    Table,
    #[error("there are more program headers than the kernel reads")]
    ManySegments,
    #[error("a segment's contents are not in the file")]
    Contents,
    #[error("a segment is larger in the file than in memory")]
    Sizes,
    #[error("a segment's address disagrees with its offset")]
    Alignment,
    #[error("segments to load overlap with different contents, or lie outside what ld.so maps")]
    Order,
    #[error("nothing is to be loaded")]
    NothingToLoad,
    #[error("there are several PT_{0} segments")]
    Several(&'static str),
    #[error("PT_PHDR does not stand for the program header table")]
    PhdrSegment,
    #[error("the interpreter is not a mapped string")]
    Interpreter,
    #[error("the dynamic table is not mapped or has no end")]
    Dynamic,
    #[error("the dynamic string table is not mapped")]
    Strings,
    #[error("an entry of the dynamic table points to no string")]
    DanglingString,
    #[error("an entry of the dynamic table points to what is not mapped")]
    DanglingTable,
    #[error("a symbol, version or note table is damaged")]
    Symbols,
    #[error("a symbol hash table is damaged")]
    Hash,
    #[error("a number does not fit the file's class")]
    TooLarge,
}

impl From<TooLarge> for Fault {
    fn from(_: TooLarge) -> Fault {
        Fault::TooLarge
    }
}
