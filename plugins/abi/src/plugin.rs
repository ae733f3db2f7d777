//! What a plugin hands over.

use std::ffi::c_void;

use crate::{Header, Host, Packages, Relation, Str};

/// The one symbol of a plugin, `dpkgng_plugin_entry`: given the host's version, its table,
/// which stays where it is, or null when it can't work with this host. The host calls it in a
/// child process first, to see whether that survives: no effect outside the process.
pub type Entry = unsafe extern "C" fn(host_major: u32, host_minor: u32) -> *const Plugin;

/// A plugin's table.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Plugin {
    /// Size and version.
    pub header: Header,
    /// Its name, for messages.
    pub name: Str,
    /// Its version, for messages.
    pub version: Str,
    /// Called once before all others, and like the entry in the child process first: the
    /// host's functions, which stay, and where to put what is given back as `data` in each
    /// call. An error refuses the plugin.
    pub init: Option<unsafe extern "C" fn(host: *const Host, data: *mut *mut c_void) -> i32>,
    /// What of a command line is the plugin's, an array.
    pub claims: *const Claim,
    /// Length of that array.
    pub claim_count: usize,
    /// Run a command line that has one of the claims in it. `args` is all of it, without the
    /// program's name and without `--plugin PATH`; `exit_code` becomes that of dpkg-ng. An
    /// error is told as dpkg's are and gives 2.
    pub command: Option<
        unsafe extern "C" fn(
            data: *mut c_void,
            args: *const Str,
            arg_count: usize,
            exit_code: *mut i32,
        ) -> i32,
    >,
    /// The hooks for a command line of dpkg's own, when the plugin was asked for by
    /// `--plugin` and claims nothing of it. May be null.
    pub hooks: *const Hooks,
}

/// A [`Claim`] of an option: `--NAME` or `--NAME=VALUE` anywhere before `--`.
pub const CLAIM_OPTION: u32 = 1;
/// A [`Claim`] of a command: `NAME` as the first argument.
pub const CLAIM_COMMAND: u32 = 2;

/// A part of the command line that belongs to a plugin. `dpkg-ng` finds the plugin by the file
/// `NAME.so` (maybe a link) in its directory, and no option of dpkg's can be claimed.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Claim {
    /// Size of this structure, which is the distance to the next one too.
    pub size: u32,
    /// [`CLAIM_OPTION`] or [`CLAIM_COMMAND`].
    pub kind: u32,
    /// Without dashes.
    pub name: Str,
}

/// A [`Scope`]: the whole run; nothing was locked or read before `pre`, all is written at
/// `post`.
pub const SCOPE_RUN: u32 = 1;
/// A [`Scope`]: a step of a package.
pub const SCOPE_PACKAGE: u32 = 2;
/// A [`Scope`]: a maintainer script that is there and is called.
pub const SCOPE_SCRIPT: u32 = 3;
/// A [`Scope`]: a path of an archive that is placed.
pub const SCOPE_FILE: u32 = 4;

/// The step of [`SCOPE_PACKAGE`]: unpacked.
pub const STEP_UNPACK: u32 = 1;
/// Configured.
pub const STEP_CONFIGURE: u32 = 2;
/// Removed, conffiles kept; also in favour of another package.
pub const STEP_REMOVE: u32 = 3;
/// Conffiles removed, within a removal or later.
pub const STEP_PURGE: u32 = 4;
/// Triggers processed.
pub const STEP_TRIGGERS: u32 = 5;
/// Disappearing, as another package has taken over all its files; too late to undo that.
pub const STEP_DISAPPEAR: u32 = 6;

/// No package.
pub const NO_PACKAGE: u32 = u32::MAX;

/// What is done between a `pre` and a `post`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Scope {
    /// Size of this structure.
    pub size: u32,
    /// One of the `SCOPE_…`.
    pub kind: u32,
    /// One of the `STEP_…`, or 0.
    pub step: u32,
    /// Whose; [`NO_PACKAGE`] for a run.
    pub package: u32,
    /// The long name of dpkg's action, the kind of script (`postinst`), or the path.
    pub name: Str,
    /// The script's arguments.
    pub args: *const Str,
    /// How many.
    pub arg_count: usize,
    /// At `post` of a script: its raw wait status. -1: it did not run.
    pub status: i32,
    /// At `post`: whether all of it was done.
    pub ok: i32,
}

/// The content of an archive's regular files, on disk already. Descriptors are lent until the
/// function that set them returns.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Payload {
    /// Size of this structure, set by the host.
    pub size: u32,
    /// A file that holds the data member without the content of its files, as
    /// [`Host::deb_entries_headers`] writes it.
    pub headers: i32,
    /// The directory below which [`Hooks::payload_file`] finds the files. All of them are there,
    /// durable, and written to by nobody; symbolic links on the way do not lead out of it.
    pub root: i32,
}

/// Where a [`Payload`] has one file.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct PayloadFile {
    /// Size of this structure, set by the host.
    pub size: u32,
    /// Whether what is placed may be the same inode, where it has the right owner, mode and time;
    /// set to yes by the host.
    pub link: i32,
    /// Below the payload's root, from a slash.
    pub path: Str,
}

/// Functions that may know of and change what dpkg does. `packages` is lent for the call.
/// With `--no-act` nothing is done between a pre and a post.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Hooks {
    /// Size of this structure.
    pub size: u32,
    /// Before something is done. An error vetoes: it fails as any other error would there,
    /// what was begun is unwound, and this plugin gets no `post` for it.
    pub pre: Option<
        unsafe extern "C" fn(
            data: *mut c_void,
            packages: *const Packages,
            scope: *const Scope,
        ) -> i32,
    >,
    /// After it, whenever `pre` agreed, whatever happened between.
    pub post: Option<
        unsafe extern "C" fn(data: *mut c_void, packages: *const Packages, scope: *const Scope),
    >,
    /// Where the files of a package go instead of `--instdir`: an existing directory. To be
    /// answered in the same way until the package is removed. Yes: `path` was set.
    pub install_path: Option<
        unsafe extern "C" fn(
            data: *mut c_void,
            packages: *const Packages,
            package: u32,
            path: *mut Str,
        ) -> i32,
    >,
    /// Whether a package counts as not there while a relation of `by` is judged. `which` is
    /// [`INSTALLED`](crate::INSTALLED) or [`AVAILABLE`](crate::AVAILABLE).
    pub hides: Option<
        unsafe extern "C" fn(
            data: *mut c_void,
            packages: *const Packages,
            by: u32,
            package: u32,
            which: u32,
        ) -> i32,
    >,
    /// Whether an alternative of a Depends or Pre-Depends of `by` is satisfied by what dpkg
    /// does not know of.
    pub satisfies: Option<
        unsafe extern "C" fn(
            data: *mut c_void,
            packages: *const Packages,
            by: u32,
            relation: *const Relation,
        ) -> i32,
    >,
    /// Whether the content of a regular file is to be seen and maybe rewritten. Not asked for
    /// further hard links to a file. Null: none is.
    pub wants_content: Option<
        unsafe extern "C" fn(
            data: *mut c_void,
            packages: *const Packages,
            package: u32,
            path: Str,
        ) -> i32,
    >,
    /// Rewrite a file just extracted, in place, through `fd`: open for reading and writing, at
    /// its start, the host's to close. It gets its owner, mode and times after that, and what
    /// it then contains is what the database says of it. An error fails the archive.
    pub rewrite: Option<
        unsafe extern "C" fn(
            data: *mut c_void,
            packages: *const Packages,
            package: u32,
            path: Str,
            fd: i32,
        ) -> i32,
    >,
    /// Since 1.1. Whether the content of an archive is on disk already; yes: `payload` was set. Then
    /// its data member is not decompressed; its files are linked into place, or copied. Asked once
    /// for each archive that is going to be unpacked, maybe while one before it is at hand.
    /// `archive` is the open file, not to be moved in or closed, `path` what it was named by.
    pub payload: Option<
        unsafe extern "C" fn(
            data: *mut c_void,
            packages: *const Packages,
            path: Str,
            archive: i32,
            payload: *mut Payload,
        ) -> i32,
    >,
    /// Since 1.1. Where the payload given for the archive at hand has the regular file `path`, as
    /// the archive has it, from the root. No, or a null function: at its own path.
    pub payload_file: Option<
        unsafe extern "C" fn(
            data: *mut c_void,
            packages: *const Packages,
            package: u32,
            path: Str,
            file: *mut PayloadFile,
        ) -> i32,
    >,
    /// Since 1.1. Which file is to be compared with the digest that the archive had for an installed
    /// package's `path`, where what stands there was made of it since. Yes: `file` was set.
    pub shipped: Option<
        unsafe extern "C" fn(
            data: *mut c_void,
            packages: *const Packages,
            package: u32,
            path: Str,
            file: *mut Str,
        ) -> i32,
    >,
}
