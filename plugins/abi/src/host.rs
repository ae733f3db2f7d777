//! What the host offers.

use std::ffi::c_void;

use crate::{Header, Hooks, Str};

/// A database of packages: lent to a hook, or opened by [`Host::packages_open`].
pub struct Packages {
    _opaque: [u8; 0],
}
/// A package file whose data member is being read; lent to an [`EntryFn`].
pub struct Deb {
    _opaque: [u8; 0],
}
/// One paragraph of a control file; lent to a [`StanzaFn`].
pub struct Stanza {
    _opaque: [u8; 0],
}
/// A digest being computed.
pub struct Digest {
    _opaque: [u8; 0],
}

/// [`Host::say`]: as it is, to standard output.
pub const SAY_OUTPUT: u32 = 1;
/// [`Host::say`]: a line on standard error after the program's name; without newline.
pub const SAY_NOTICE: u32 = 2;
/// [`Host::say`]: the same as a warning.
pub const SAY_WARNING: u32 = 3;
/// [`Host::say`]: a line of dpkg's log (the command line's `--log`); without newline.
pub const SAY_LOG: u32 = 4;
/// [`Host::say`]: a line for the command line's `--status-fd`s; without newline.
pub const SAY_STATUS_FD: u32 = 5;

/// [`Host::say`]: nothing, but write out all that was said.
pub const SAY_FLUSH: u32 = 6;

/// The description of what is installed.
pub const INSTALLED: u32 = 0;
/// The description of what is available: in a run, of what is about to be installed.
pub const AVAILABLE: u32 = 1;

/// A relation field, and a relation of it.
pub const DEPENDS: u32 = 1;
/// `Pre-Depends`
pub const PRE_DEPENDS: u32 = 2;
/// `Recommends`
pub const RECOMMENDS: u32 = 3;
/// `Suggests`
pub const SUGGESTS: u32 = 4;
/// `Enhances`
pub const ENHANCES: u32 = 5;
/// `Conflicts`
pub const CONFLICTS: u32 = 6;
/// `Breaks`
pub const BREAKS: u32 = 7;
/// `Provides`
pub const PROVIDES: u32 = 8;
/// `Replaces`
pub const REPLACES: u32 = 9;

/// How versions are compared: not at all.
pub const OP_NONE: u32 = 0;
/// `=`
pub const OP_EQ: u32 = 1;
/// `<<`
pub const OP_LT: u32 = 2;
/// `<=`
pub const OP_LE: u32 = 3;
/// `>>`
pub const OP_GT: u32 = 4;
/// `>=`
pub const OP_GE: u32 = 5;

/// A regular file.
pub const FILE: u32 = 1;
/// A hard link to a file of the archive.
pub const HARD_LINK: u32 = 2;
/// A symbolic link.
pub const SYMLINK: u32 = 3;
/// A character device.
pub const CHAR_DEVICE: u32 = 4;
/// A block device.
pub const BLOCK_DEVICE: u32 = 5;
/// A directory.
pub const DIRECTORY: u32 = 6;
/// A named pipe.
pub const FIFO: u32 = 7;

/// MD5, 32 digits.
pub const MD5: u32 = 1;
/// SHA-256, 64 digits.
pub const SHA256: u32 = 2;

/// [`Host::packages_expect`]: the package stays as it is.
pub const STAYS: u32 = 0;
/// [`Host::packages_expect`]: it is to be removed.
pub const TO_BE_REMOVED: u32 = 1;
/// [`Host::packages_expect`]: what is available of it is to be installed.
pub const TO_BE_INSTALLED: u32 = 2;

/// An entry of a package's data member.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct TarEntry {
    /// Size of this structure.
    pub size: u32,
    /// [`FILE`] and its like.
    pub kind: u32,
    /// As the archive has it, usually `./usr/…`; a directory without slash at its end.
    pub name: Str,
    /// The target of a link.
    pub link: Str,
    /// Length of the content; 0 for all but files.
    pub length: u64,
    /// Permission bits.
    pub mode: u32,
    /// Owner: the number of the archive.
    pub uid: u32,
    /// Group: the number of the archive.
    pub gid: u32,
    /// Device number.
    pub major: u32,
    /// Device number.
    pub minor: u32,
    /// Modification time.
    pub mtime: i64,
    /// Name of the owner, maybe empty.
    pub user: Str,
    /// Name of the group, maybe empty.
    pub group: Str,
}

/// What a package is.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct PackageInfo {
    /// Size of this structure.
    pub size: u32,
    /// Its place in the database, as functions take it.
    pub package: u32,
    /// Its name.
    pub name: Str,
    /// Its architecture.
    pub architecture: Str,
    /// Its version; empty when there is none.
    pub version: Str,
    /// The three words of the `Status` field.
    pub want: Str,
    /// The error flag.
    pub error_flag: Str,
    /// How far it is installed.
    pub status: Str,
}

/// One alternative of a relation field.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Relation {
    /// Size of this structure.
    pub size: u32,
    /// [`DEPENDS`] and its like.
    pub kind: u32,
    /// Which of the relations that commas separate, from 0.
    pub group: u32,
    /// Which of its alternatives, from 0.
    pub alternative: u32,
    /// The package it names.
    pub name: Str,
    /// The architecture written behind the name; empty when there is none.
    pub architecture: Str,
    /// [`OP_NONE`] and its like.
    pub op: u32,
    /// The version; empty with [`OP_NONE`].
    pub version: Str,
}

/// What became of the relations of a package.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Verdict {
    /// Size of this structure.
    pub size: u32,
    /// The first relation of the field that does not hold, from 0.
    pub group: u32,
    /// The package whose removal (or deconfiguration) would do, or `NO_PACKAGE`.
    pub culprit: u32,
    /// dpkg's explanation, lines.
    pub why: Str,
}

/// Called for one control file; what it returns but [`NO`](crate::NO) ends the walk and is
/// what that returns.
pub type MemberFn =
    Option<unsafe extern "C" fn(user: *mut c_void, name: Str, content: Str, mode: u32) -> i32>;
/// The same for an entry of the data member.
pub type EntryFn =
    Option<unsafe extern "C" fn(user: *mut c_void, deb: *mut Deb, entry: *const TarEntry) -> i32>;
/// The same for a stanza.
pub type StanzaFn = Option<unsafe extern "C" fn(user: *mut c_void, stanza: *const Stanza) -> i32>;
/// The same for a field.
pub type FieldFn = Option<unsafe extern "C" fn(user: *mut c_void, name: Str, value: Str) -> i32>;
/// The same for an alternative.
pub type RelationFn =
    Option<unsafe extern "C" fn(user: *mut c_void, relation: *const Relation) -> i32>;
/// The same for a package.
pub type PackageFn = Option<unsafe extern "C" fn(user: *mut c_void, package: u32) -> i32>;

/// The host's table. Each function takes the table itself first.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Host {
    /// Size and version.
    pub header: Header,

    /// *Any thread.* The text of this thread's last failure.
    pub error: Option<unsafe extern "C" fn(host: *const Host) -> Str>,
    /// *Any thread.* Set it, before returning [`ERROR`](crate::ERROR). Without newline.
    pub set_error: Option<unsafe extern "C" fn(host: *const Host, text: Str)>,

    /// Say something; `kind` is one of the `SAY_…`.
    pub say: Option<unsafe extern "C" fn(host: *const Host, kind: u32, text: Str) -> i32>,
    /// How far long work is, drawn where someone watches: `done` of `total` (0: unknown) of
    /// `what`. `done` equal to `total` ends it.
    pub progress:
        Option<unsafe extern "C" fn(host: *const Host, done: u64, total: u64, what: Str) -> i32>,
    /// Ask a question; yes: `answer` was set, without newline; no: there is nobody to answer.
    pub ask:
        Option<unsafe extern "C" fn(host: *const Host, question: Str, answer: *mut Str) -> i32>,

    /// Run dpkg with these arguments (no program's name), exactly as the command line would,
    /// in this process, with these hooks (may be null) and their `data`. Calls may be nested.
    pub dpkg: Option<
        unsafe extern "C" fn(
            host: *const Host,
            args: *const Str,
            arg_count: usize,
            hooks: *const Hooks,
            data: *mut c_void,
            exit_code: *mut i32,
        ) -> i32,
    >,

    /// Read the database of `admindir` (of the system below `instdir`, empty for this one),
    /// without locking or changing it. `hooks` may be null; of them `hides` and `satisfies`
    /// count.
    pub packages_open: Option<
        unsafe extern "C" fn(
            host: *const Host,
            admindir: Str,
            instdir: Str,
            hooks: *const Hooks,
            data: *mut c_void,
            packages: *mut *mut Packages,
        ) -> i32,
    >,
    /// Close what `packages_open` gave.
    pub packages_close: Option<unsafe extern "C" fn(host: *const Host, packages: *mut Packages)>,
    /// Every package, sorted by name and architecture.
    pub packages_each: Option<
        unsafe extern "C" fn(
            host: *const Host,
            packages: *const Packages,
            each: PackageFn,
            user: *mut c_void,
        ) -> i32,
    >,
    /// The package of a name (`name` or `name:arch`, which `dpkg --status` would take). Yes:
    /// `package` was set; the database knows it, though it need not be installed.
    pub packages_find: Option<
        unsafe extern "C" fn(
            host: *const Host,
            packages: *const Packages,
            name: Str,
            package: *mut u32,
        ) -> i32,
    >,
    /// What a package is. The plugin sets `info->size`; the host fills that much.
    pub package_info: Option<
        unsafe extern "C" fn(
            host: *const Host,
            packages: *const Packages,
            package: u32,
            which: u32,
            info: *mut PackageInfo,
        ) -> i32,
    >,
    /// Its paragraph, as in the status (or available) file.
    pub package_stanza: Option<
        unsafe extern "C" fn(
            host: *const Host,
            packages: *const Packages,
            package: u32,
            which: u32,
            text: *mut Str,
        ) -> i32,
    >,
    /// Read a paragraph (of a package's `control`) as what is available. Only for what
    /// `packages_open` gave, and nothing is written.
    pub packages_add: Option<
        unsafe extern "C" fn(
            host: *const Host,
            packages: *mut Packages,
            control: Str,
            package: *mut u32,
        ) -> i32,
    >,
    /// What is going to happen to a package while relations are judged: [`STAYS`],
    /// [`TO_BE_REMOVED`], [`TO_BE_INSTALLED`].
    pub packages_expect: Option<
        unsafe extern "C" fn(
            host: *const Host,
            packages: *mut Packages,
            package: u32,
            what: u32,
        ) -> i32,
    >,
    /// Judge a relation field of a package as dpkg does: yes, all of it holds, or no, with
    /// `verdict` (may be null; the plugin sets its size) telling of the first that does not.
    /// Recommends and Suggests are judged like Depends. What is judged is the field of what is
    /// to be installed, or else of what is installed.
    pub packages_judge: Option<
        unsafe extern "C" fn(
            host: *const Host,
            packages: *mut Packages,
            package: u32,
            kind: u32,
            verdict: *mut Verdict,
        ) -> i32,
    >,

    /// *Any thread.* Every control file of the package file `path`, in the archive's order.
    pub deb_members: Option<
        unsafe extern "C" fn(
            host: *const Host,
            path: Str,
            each: MemberFn,
            user: *mut c_void,
        ) -> i32,
    >,
    /// *Any thread.* Every entry of its data member, as it is decompressed: in the archive's
    /// order, but symbolic links after all others, as dpkg unpacks them.
    pub deb_entries: Option<
        unsafe extern "C" fn(host: *const Host, path: Str, each: EntryFn, user: *mut c_void) -> i32,
    >,
    /// *Any thread.* Read content of the entry at hand: `got` is how much, 0 at its end.
    pub deb_read: Option<
        unsafe extern "C" fn(
            host: *const Host,
            deb: *mut Deb,
            buffer: *mut u8,
            len: usize,
            got: *mut usize,
        ) -> i32,
    >,
    /// *Any thread.* Place the entry at hand below the directory `dir`, with its mode, times and (for root)
    /// owner; what is there already gives way unless it is a directory. No symbolic link is
    /// followed on the way, `..` is refused, directories that lack are made. `changed` (may be
    /// null) is what to place it as: a copy of the entry with another name, link, mode or
    /// owner. Devices and named pipes are refused. Directories get their modes and times when
    /// the walk ends well. `dir` must be the same throughout a walk.
    pub deb_place: Option<
        unsafe extern "C" fn(
            host: *const Host,
            deb: *mut Deb,
            dir: i32,
            changed: *const TarEntry,
        ) -> i32,
    >,

    /// *Any thread.* Every stanza of a text in the syntax of control files.
    pub stanzas: Option<
        unsafe extern "C" fn(
            host: *const Host,
            text: Str,
            each: StanzaFn,
            user: *mut c_void,
        ) -> i32,
    >,
    /// *Any thread.* A field by its name, in any case of letters. Yes: `value` was set, and
    /// points into the text given to `stanzas`.
    pub stanza_field: Option<
        unsafe extern "C" fn(
            host: *const Host,
            stanza: *const Stanza,
            name: Str,
            value: *mut Str,
        ) -> i32,
    >,
    /// *Any thread.* Every field, in order.
    pub stanza_fields: Option<
        unsafe extern "C" fn(
            host: *const Host,
            stanza: *const Stanza,
            each: FieldFn,
            user: *mut c_void,
        ) -> i32,
    >,
    /// *Any thread.* Every alternative of the value of a relation field of this kind.
    pub relations: Option<
        unsafe extern "C" fn(
            host: *const Host,
            kind: u32,
            text: Str,
            each: RelationFn,
            user: *mut c_void,
        ) -> i32,
    >,
    /// *Any thread.* Whether `a OP b` holds of two versions.
    pub version_holds:
        Option<unsafe extern "C" fn(host: *const Host, a: Str, op: u32, b: Str) -> i32>,

    /// *Any thread.* A new digest ([`MD5`], [`SHA256`]).
    pub digest_new:
        Option<unsafe extern "C" fn(host: *const Host, kind: u32, digest: *mut *mut Digest) -> i32>,
    /// *Any thread.* Add bytes.
    pub digest_update:
        Option<unsafe extern "C" fn(host: *const Host, digest: *mut Digest, bytes: Str) -> i32>,
    /// *Any thread.* The digest in lower-case hexadecimal; ends `digest`. `hex` may be null.
    pub digest_finish:
        Option<unsafe extern "C" fn(host: *const Host, digest: *mut Digest, hex: *mut Str) -> i32>,

    /// *Any thread.* The architecture this dpkg-ng is made for, in Debian's words.
    pub architecture: Option<unsafe extern "C" fn(host: *const Host) -> Str>,
    /// The version of dpkg this dpkg-ng is, as maintainer scripts see it in
    /// `DPKG_RUNNING_VERSION`.
    pub dpkg_version: Option<unsafe extern "C" fn(host: *const Host) -> Str>,
    /// Since 1.1. *Any thread.* `deb_entries`, and what the data member is without the content of
    /// its files is written to `headers`, an open file, for a [`Payload`](crate::Payload).
    pub deb_entries_headers: Option<
        unsafe extern "C" fn(
            host: *const Host,
            path: Str,
            headers: i32,
            each: EntryFn,
            user: *mut c_void,
        ) -> i32,
    >,

    /// Run another of dpkg's tools (`dpkg-query`, `update-alternatives`) with these arguments, as its command line would,
    /// in this process. Since minor version 1.
    pub tool: Option<
        unsafe extern "C" fn(
            host: *const Host,
            name: Str,
            args: *const Str,
            arg_count: usize,
            exit_code: *mut i32,
        ) -> i32,
    >,
}
