//! From bytes and wishes to a decision: skip, edit, or unsupported.
//!
//! Several ways, the gentlest first ([`Tier`]). Whatever a way proposes is read again as a
//! file and must pass the input's checks and say what was wished ([`super::verify`]);
//! otherwise the next way is tried.

use super::consts::*;
use super::fault::Fault;
use super::image::Image;
use super::patch::Edit;
use super::view::View;
use super::wish::{Goal, Wish};
use super::{growth, padding, verify};

/// What is to become of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It stays as it is, and that is right.
    Skip(Skip),
    /// It is to be written so.
    Edit(Tier, Edit),
    /// It would have to change and cannot.
    Unsupported(Unsupported),
}

/// Why a file is right as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, thiserror::Error)]
pub enum Skip {
    /// No ELF magic.
    #[error("not an ELF file")]
    NotElf,
    /// A relocatable object, a core file.
    #[error("neither a program nor a shared library")]
    OtherKind,
    /// No interpreter and no dynamic table.
    #[error("statically linked")]
    Static,
    /// A static PIE, ld.so, or a library that needs no other.
    #[error("no interpreter and no needed libraries")]
    NeedsNothing,
    /// Debugging information kept apart from its file.
    #[error("detached debugging information")]
    DetachedDebug,
    /// klibc's or musl's, without a place to point it to.
    #[error("its interpreter is not glibc's")]
    ForeignInterpreter,
    /// It says already what is wished.
    #[error("already as wished")]
    AlreadySo,
}

/// How a file was given its strings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tier {
    /// The string table was copied into padding; the file keeps its size.
    Copied,
    /// The strings alone are in padding, past the string table's end.
    Appended,
    /// Another PT_LOAD at the file's end.
    Segment,
    /// That, and the program header table there, too.
    Table,
    /// Into padding, in exchange for a dynamic entry that says nothing new.
    Exchanged,
    /// Another PT_LOAD, the symbol table in it, too.
    Symbols,
    /// Another PT_LOAD and the program header table, as far into the file as into memory, behind a hole.
    Lifted,
}

/// Why a file that would have to change cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Unsupported {
    /// The file is damaged, or unlike what loaders accept.
    #[error("{0}")]
    Input(Fault),
    /// What would have come out is.
    #[error("the result would not load: {0}")]
    Output(Fault),
    /// What would have come out differs in more, or less, than was wished.
    #[error("the result would not be what was wished: {0}")]
    Unwished(&'static str),
    /// Data behind the image (an SBCL core, an archive): the file cannot grow.
    #[error("data follows the ELF image and no padding is left")]
    DataBehind,
    /// Nothing near the program headers can make room, and addresses run too far ahead of offsets
    /// for the table to go to the file's end.
    #[error("no room for another program header")]
    NoHeaderSlot,
    /// No padding is large enough.
    #[error("no padding is large enough")]
    NoPadding,
    /// The address space above the image is not free.
    #[error("no addresses are left above the image")]
    NoAddresses,
    /// Several interpretations, or a table the rewriting does not know.
    #[error("{0}")]
    Layout(&'static str),
    /// The wish holds what ELF strings cannot.
    #[error("the wished interpreter or path cannot be written into an ELF file")]
    Wish,
}

/// Decides what is to become of a file.
pub fn rewrite(base: &[u8], wish: &Wish) -> Outcome {
    let image = match Image::read(View::of(base)) {
        Err(Fault::NotElf) => return Outcome::Skip(Skip::NotElf),
        Err(fault) => return Outcome::Unsupported(Unsupported::Input(fault)),
        Ok(image) => image,
    };
    if !matches!(image.kind, ET_EXEC | ET_DYN) {
        return Outcome::Skip(Skip::OtherKind);
    }
    if image.is_detached_debug() {
        return Outcome::Skip(Skip::DetachedDebug);
    }
    let goal = match wish.goal(&image) {
        Err(why) => return Outcome::Unsupported(why),
        Ok(Err(skip)) => return Outcome::Skip(skip),
        Ok(Ok(goal)) => goal,
    };
    if let Err(fault) = image.check() {
        return Outcome::Unsupported(Unsupported::Input(fault));
    }
    type Way = for<'a> fn(&Image<'a>, &Goal, &'a [u8]) -> Result<Edit, Unsupported>;
    let ways: [(Tier, Way); 7] = [
        (Tier::Copied, padding::copied),
        (Tier::Appended, padding::appended),
        (Tier::Segment, growth::segment),
        (Tier::Table, growth::table),
        (Tier::Exchanged, padding::exchanged),
        (Tier::Symbols, growth::symbols),
        (Tier::Lifted, growth::lifted),
    ];
    let mut why = Unsupported::NoPadding;
    for (tier, way) in ways {
        let checked = way(&image, &goal, base).and_then(|edit| {
            verify::verify(&image, &goal, base, &edit)?;
            Ok(edit)
        });
        match checked {
            Ok(edit) => return Outcome::Edit(tier, edit),
            Err(reason) => why = reason.weightier(why),
        }
    }
    Outcome::Unsupported(why)
}

impl Unsupported {
    /// Of two reasons, what a person should hear: never the lack of padding, if there is another.
    fn weightier(self, earlier: Unsupported) -> Unsupported {
        match (self, earlier) {
            (Unsupported::NoPadding, _) => earlier,
            (_, Unsupported::NoPadding) => self,
            (Unsupported::NoHeaderSlot, _) => earlier,
            _ => self,
        }
    }
}
