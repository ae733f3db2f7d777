/* The interface between dpkg-ng and its plugins. Made from plugins/abi/src: do not edit.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DPKGNG_PLUGIN_H
#define DPKGNG_PLUGIN_H

// What dpkg-ng and its plugins share: C types, no code of either side.
//
// A plugin is a shared object that exports one function, `dpkgng_plugin_entry` (`Entry`),
// and links nothing of dpkg-ng. It hands over a table of functions (`Plugin`) and is given
// one (`Host`). The C header `include/dpkgng-plugin.h` is made from these files.
//
// # Rules of the border
//
// - **Tables grow at their end.** Every structure starts with its size in bytes, the two
//   tables also with the version they are of. Whoever reads a structure reads no further than
//   its size; what is not there counts as null or zero. A function pointer may be null in any
//   version: the one who calls looks first. A major version changes when something is taken
//   away or gets another meaning, a minor version when something is added.
// - **Nobody owns what the other one made.** Text is a pointer and a length (`Str`), any
//   bytes, not terminated, and lent: an argument until the call returns; what a plugin
//   returns until the next call into it; what a host function returns until the same thread
//   calls the same function again. Handles have the lifetime their function states.
// - **Nothing unwinds across.** A plugin in Rust wraps what may panic in `guard`, one in
//   C++ catches all. Host functions never unwind or jump.
// - **Results** are an `i32`: negative for a failure (`ERROR`; its text is at
//   `Host::error`, or was set by `Host::set_error`), `NO` (0) for done, none, no, and
//   `YES` (1) where there is something to tell apart.
// - **Threads.** The host calls a plugin on one thread. Host functions are called on that
//   thread and while the host is in a call to the plugin, except those marked *any thread*;
//   a handle belongs to one thread at a time.
// - **Units.** Sizes in bytes, times in seconds since the epoch, modes as in `chmod(2)`
//   without the type, descriptors as of this process. Paths in a package start with `/`.
// - A plugin is never unloaded. It must not change the environment, the working directory,
//   the umask, signal dispositions or locale, must not end the process, and must leave no
//   child behind when it returns. But a command (`Plugin::command`) may end by becoming
//   another program; it flushes with `SAY_FLUSH` before.


#include <stddef.h>
#include <stdint.h>

// Major version of this interface. Both sides must have the same.
#define DPKGNG_ABI_MAJOR 1

// Minor version of this interface. A plugin that needs a later one than its host has is
// refused.
#define DPKGNG_ABI_MINOR 1

// Done; there is none; no.
#define DPKGNG_NO 0

// There is one; yes.
#define DPKGNG_YES 1

// It failed; the text says why.
#define DPKGNG_ERROR -1

// The plugin's code panicked.
#define DPKGNG_PANICKED -2

// `Host::say`: as it is, to standard output.
#define DPKGNG_SAY_OUTPUT 1

// `Host::say`: a line on standard error after the program's name; without newline.
#define DPKGNG_SAY_NOTICE 2

// `Host::say`: the same as a warning.
#define DPKGNG_SAY_WARNING 3

// `Host::say`: a line of dpkg's log (the command line's `--log`); without newline.
#define DPKGNG_SAY_LOG 4

// `Host::say`: a line for the command line's `--status-fd`s; without newline.
#define DPKGNG_SAY_STATUS_FD 5

// `Host::say`: nothing, but write out all that was said.
#define DPKGNG_SAY_FLUSH 6

// The description of what is installed.
#define DPKGNG_INSTALLED 0

// The description of what is available: in a run, of what is about to be installed.
#define DPKGNG_AVAILABLE 1

// A relation field, and a relation of it.
#define DPKGNG_DEPENDS 1

// `Pre-Depends`
#define DPKGNG_PRE_DEPENDS 2

// `Recommends`
#define DPKGNG_RECOMMENDS 3

// `Suggests`
#define DPKGNG_SUGGESTS 4

// `Enhances`
#define DPKGNG_ENHANCES 5

// `Conflicts`
#define DPKGNG_CONFLICTS 6

// `Breaks`
#define DPKGNG_BREAKS 7

// `Provides`
#define DPKGNG_PROVIDES 8

// `Replaces`
#define DPKGNG_REPLACES 9

// How versions are compared: not at all.
#define DPKGNG_OP_NONE 0

// `=`
#define DPKGNG_OP_EQ 1

// `<<`
#define DPKGNG_OP_LT 2

// `<=`
#define DPKGNG_OP_LE 3

// `>>`
#define DPKGNG_OP_GT 4

// `>=`
#define DPKGNG_OP_GE 5

// A regular file.
#define DPKGNG_FILE 1

// A hard link to a file of the archive.
#define DPKGNG_HARD_LINK 2

// A symbolic link.
#define DPKGNG_SYMLINK 3

// A character device.
#define DPKGNG_CHAR_DEVICE 4

// A block device.
#define DPKGNG_BLOCK_DEVICE 5

// A directory.
#define DPKGNG_DIRECTORY 6

// A named pipe.
#define DPKGNG_FIFO 7

// MD5, 32 digits.
#define DPKGNG_MD5 1

// SHA-256, 64 digits.
#define DPKGNG_SHA256 2

// `Host::packages_expect`: the package stays as it is.
#define DPKGNG_STAYS 0

// `Host::packages_expect`: it is to be removed.
#define DPKGNG_TO_BE_REMOVED 1

// `Host::packages_expect`: what is available of it is to be installed.
#define DPKGNG_TO_BE_INSTALLED 2

// A `Claim` of an option: `--NAME` or `--NAME=VALUE` anywhere before `--`.
#define DPKGNG_CLAIM_OPTION 1

// A `Claim` of a command: `NAME` as the first argument.
#define DPKGNG_CLAIM_COMMAND 2

// A `Scope`: the whole run; nothing was locked or read before `pre`, all is written at
// `post`.
#define DPKGNG_SCOPE_RUN 1

// A `Scope`: a step of a package.
#define DPKGNG_SCOPE_PACKAGE 2

// A `Scope`: a maintainer script that is there and is called.
#define DPKGNG_SCOPE_SCRIPT 3

// A `Scope`: a path of an archive that is placed.
#define DPKGNG_SCOPE_FILE 4

// The step of `SCOPE_PACKAGE`: unpacked.
#define DPKGNG_STEP_UNPACK 1

// Configured.
#define DPKGNG_STEP_CONFIGURE 2

// Removed, conffiles kept; also in favour of another package.
#define DPKGNG_STEP_REMOVE 3

// Conffiles removed, within a removal or later.
#define DPKGNG_STEP_PURGE 4

// Triggers processed.
#define DPKGNG_STEP_TRIGGERS 5

// Disappearing, as another package has taken over all its files; too late to undo that.
#define DPKGNG_STEP_DISAPPEAR 6

// No package.
#define DPKGNG_NO_PACKAGE UINT32_MAX

// A package file whose data member is being read; lent to an `EntryFn`.
struct dpkgng_deb;

// A digest being computed.
struct dpkgng_digest;

// A database of packages: lent to a hook, or opened by `Host::packages_open`.
struct dpkgng_packages;

// One paragraph of a control file; lent to a `StanzaFn`.
struct dpkgng_stanza;

// Bytes lent: see the rules above. An empty one may have a null pointer.
struct dpkgng_str {
    // Where they are.
    const uint8_t *data;
    // How many.
    size_t len;
};

// What a table starts with.
struct dpkgng_header {
    // Size of the table in bytes, this header included.
    uint32_t size;
    // `ABI_MAJOR` of the one who made it.
    uint16_t major;
    // For the host its `ABI_MINOR`; for a plugin the earliest one it can do with.
    uint16_t minor;
};

// What is done between a `pre` and a `post`.
struct dpkgng_scope {
    // Size of this structure.
    uint32_t size;
    // One of the `SCOPE_…`.
    uint32_t kind;
    // One of the `STEP_…`, or 0.
    uint32_t step;
    // Whose; `NO_PACKAGE` for a run.
    uint32_t package;
    // The long name of dpkg's action, the kind of script (`postinst`), or the path.
    struct dpkgng_str name;
    // The script's arguments.
    const struct dpkgng_str *args;
    // How many.
    size_t arg_count;
    // At `post` of a script: its raw wait status. -1: it did not run.
    int32_t status;
    // At `post`: whether all of it was done.
    int32_t ok;
};

// One alternative of a relation field.
struct dpkgng_relation {
    // Size of this structure.
    uint32_t size;
    // `DEPENDS` and its like.
    uint32_t kind;
    // Which of the relations that commas separate, from 0.
    uint32_t group;
    // Which of its alternatives, from 0.
    uint32_t alternative;
    // The package it names.
    struct dpkgng_str name;
    // The architecture written behind the name; empty when there is none.
    struct dpkgng_str architecture;
    // `OP_NONE` and its like.
    uint32_t op;
    // The version; empty with `OP_NONE`.
    struct dpkgng_str version;
};

// The content of an archive's regular files, on disk already. Descriptors are lent until the
// function that set them returns.
struct dpkgng_payload {
    // Size of this structure, set by the host.
    uint32_t size;
    // A file that holds the data member without the content of its files, as
    // `Host::deb_entries_headers` writes it.
    int32_t headers;
    // The directory below which `Hooks::payload_file` finds the files. All of them are there,
    // durable, and written to by nobody; symbolic links on the way do not lead out of it.
    int32_t root;
};

// Where a `Payload` has one file.
struct dpkgng_payload_file {
    // Size of this structure, set by the host.
    uint32_t size;
    // Whether what is placed may be the same inode, where it has the right owner, mode and time;
    // set to yes by the host.
    int32_t link;
    // Below the payload's root, from a slash.
    struct dpkgng_str path;
};

// Functions that may know of and change what dpkg does. `packages` is lent for the call.
// With `--no-act` nothing is done between a pre and a post.
struct dpkgng_hooks {
    // Size of this structure.
    uint32_t size;
    // Before something is done. An error vetoes: it fails as any other error would there,
    // what was begun is unwound, and this plugin gets no `post` for it.
    int32_t (*pre)(void *data,
                   const struct dpkgng_packages *packages,
                   const struct dpkgng_scope *scope);
    // After it, whenever `pre` agreed, whatever happened between.
    void (*post)(void *data,
                 const struct dpkgng_packages *packages,
                 const struct dpkgng_scope *scope);
    // Where the files of a package go instead of `--instdir`: an existing directory. To be
    // answered in the same way until the package is removed. Yes: `path` was set.
    int32_t (*install_path)(void *data,
                            const struct dpkgng_packages *packages,
                            uint32_t package,
                            struct dpkgng_str *path);
    // Whether a package counts as not there while a relation of `by` is judged. `which` is
    // `INSTALLED`(crate::INSTALLED) or `AVAILABLE`(crate::AVAILABLE).
    int32_t (*hides)(void *data,
                     const struct dpkgng_packages *packages,
                     uint32_t by,
                     uint32_t package,
                     uint32_t which);
    // Whether an alternative of a Depends or Pre-Depends of `by` is satisfied by what dpkg
    // does not know of.
    int32_t (*satisfies)(void *data,
                         const struct dpkgng_packages *packages,
                         uint32_t by,
                         const struct dpkgng_relation *relation);
    // Whether the content of a regular file is to be seen and maybe rewritten. Not asked for
    // further hard links to a file. Null: none is.
    int32_t (*wants_content)(void *data,
                             const struct dpkgng_packages *packages,
                             uint32_t package,
                             struct dpkgng_str path);
    // Rewrite a file just extracted, in place, through `fd`: open for reading and writing, at
    // its start, the host's to close. It gets its owner, mode and times after that, and what
    // it then contains is what the database says of it. An error fails the archive.
    int32_t (*rewrite)(void *data,
                       const struct dpkgng_packages *packages,
                       uint32_t package,
                       struct dpkgng_str path,
                       int32_t fd);
    // Since 1.1. Whether the content of an archive is on disk already; yes: `payload` was set. Then
    // its data member is not decompressed; its files are linked into place, or copied. Asked once
    // for each archive that is going to be unpacked, maybe while one before it is at hand.
    // `archive` is the open file, not to be moved in or closed, `path` what it was named by.
    int32_t (*payload)(void *data,
                       const struct dpkgng_packages *packages,
                       struct dpkgng_str path,
                       int32_t archive,
                       struct dpkgng_payload *payload);
    // Since 1.1. Where the payload given for the archive at hand has the regular file `path`, as
    // the archive has it, from the root. No, or a null function: at its own path.
    int32_t (*payload_file)(void *data,
                            const struct dpkgng_packages *packages,
                            uint32_t package,
                            struct dpkgng_str path,
                            struct dpkgng_payload_file *file);
    // Since 1.1. Which file is to be compared with the digest that the archive had for an installed
    // package's `path`, where what stands there was made of it since. Yes: `file` was set.
    int32_t (*shipped)(void *data,
                       const struct dpkgng_packages *packages,
                       uint32_t package,
                       struct dpkgng_str path,
                       struct dpkgng_str *file);
};

// The same for a package.
typedef int32_t (*dpkgng_package_fn)(void *user, uint32_t package);

// What a package is.
struct dpkgng_package_info {
    // Size of this structure.
    uint32_t size;
    // Its place in the database, as functions take it.
    uint32_t package;
    // Its name.
    struct dpkgng_str name;
    // Its architecture.
    struct dpkgng_str architecture;
    // Its version; empty when there is none.
    struct dpkgng_str version;
    // The three words of the `Status` field.
    struct dpkgng_str want;
    // The error flag.
    struct dpkgng_str error_flag;
    // How far it is installed.
    struct dpkgng_str status;
};

// What became of the relations of a package.
struct dpkgng_verdict {
    // Size of this structure.
    uint32_t size;
    // The first relation of the field that does not hold, from 0.
    uint32_t group;
    // The package whose removal (or deconfiguration) would do, or `NO_PACKAGE`.
    uint32_t culprit;
    // dpkg's explanation, lines.
    struct dpkgng_str why;
};

// Called for one control file; what it returns but `NO`(crate::NO) ends the walk and is
// what that returns.
typedef int32_t (*dpkgng_member_fn)(void *user,
                                    struct dpkgng_str name,
                                    struct dpkgng_str content,
                                    uint32_t mode);

// An entry of a package's data member.
struct dpkgng_tar_entry {
    // Size of this structure.
    uint32_t size;
    // `FILE` and its like.
    uint32_t kind;
    // As the archive has it, usually `./usr/…`; a directory without slash at its end.
    struct dpkgng_str name;
    // The target of a link.
    struct dpkgng_str link;
    // Length of the content; 0 for all but files.
    uint64_t length;
    // Permission bits.
    uint32_t mode;
    // Owner: the number of the archive.
    uint32_t uid;
    // Group: the number of the archive.
    uint32_t gid;
    // Device number.
    uint32_t major;
    // Device number.
    uint32_t minor;
    // Modification time.
    int64_t mtime;
    // Name of the owner, maybe empty.
    struct dpkgng_str user;
    // Name of the group, maybe empty.
    struct dpkgng_str group;
};

// The same for an entry of the data member.
typedef int32_t (*dpkgng_entry_fn)(void *user,
                                   struct dpkgng_deb *deb,
                                   const struct dpkgng_tar_entry *entry);

// The same for a stanza.
typedef int32_t (*dpkgng_stanza_fn)(void *user, const struct dpkgng_stanza *stanza);

// The same for a field.
typedef int32_t (*dpkgng_field_fn)(void *user, struct dpkgng_str name, struct dpkgng_str value);

// The same for an alternative.
typedef int32_t (*dpkgng_relation_fn)(void *user, const struct dpkgng_relation *relation);

// The host's table. Each function takes the table itself first.
struct dpkgng_host {
    // Size and version.
    struct dpkgng_header header;
    // *Any thread.* The text of this thread's last failure.
    struct dpkgng_str (*error)(const struct dpkgng_host *host);
    // *Any thread.* Set it, before returning `ERROR`(crate::ERROR). Without newline.
    void (*set_error)(const struct dpkgng_host *host, struct dpkgng_str text);
    // Say something; `kind` is one of the `SAY_…`.
    int32_t (*say)(const struct dpkgng_host *host, uint32_t kind, struct dpkgng_str text);
    // How far long work is, drawn where someone watches: `done` of `total` (0: unknown) of
    // `what`. `done` equal to `total` ends it.
    int32_t (*progress)(const struct dpkgng_host *host,
                        uint64_t done,
                        uint64_t total,
                        struct dpkgng_str what);
    // Ask a question; yes: `answer` was set, without newline; no: there is nobody to answer.
    int32_t (*ask)(const struct dpkgng_host *host,
                   struct dpkgng_str question,
                   struct dpkgng_str *answer);
    // Run dpkg with these arguments (no program's name), exactly as the command line would,
    // in this process, with these hooks (may be null) and their `data`. Calls may be nested.
    int32_t (*dpkg)(const struct dpkgng_host *host,
                    const struct dpkgng_str *args,
                    size_t arg_count,
                    const struct dpkgng_hooks *hooks,
                    void *data,
                    int32_t *exit_code);
    // Read the database of `admindir` (of the system below `instdir`, empty for this one),
    // without locking or changing it. `hooks` may be null; of them `hides` and `satisfies`
    // count.
    int32_t (*packages_open)(const struct dpkgng_host *host,
                             struct dpkgng_str admindir,
                             struct dpkgng_str instdir,
                             const struct dpkgng_hooks *hooks,
                             void *data,
                             struct dpkgng_packages **packages);
    // Close what `packages_open` gave.
    void (*packages_close)(const struct dpkgng_host *host, struct dpkgng_packages *packages);
    // Every package, sorted by name and architecture.
    int32_t (*packages_each)(const struct dpkgng_host *host,
                             const struct dpkgng_packages *packages,
                             dpkgng_package_fn each,
                             void *user);
    // The package of a name (`name` or `name:arch`, which `dpkg --status` would take). Yes:
    // `package` was set; the database knows it, though it need not be installed.
    int32_t (*packages_find)(const struct dpkgng_host *host,
                             const struct dpkgng_packages *packages,
                             struct dpkgng_str name,
                             uint32_t *package);
    // What a package is. The plugin sets `info->size`; the host fills that much.
    int32_t (*package_info)(const struct dpkgng_host *host,
                            const struct dpkgng_packages *packages,
                            uint32_t package,
                            uint32_t which,
                            struct dpkgng_package_info *info);
    // Its paragraph, as in the status (or available) file.
    int32_t (*package_stanza)(const struct dpkgng_host *host,
                              const struct dpkgng_packages *packages,
                              uint32_t package,
                              uint32_t which,
                              struct dpkgng_str *text);
    // Read a paragraph (of a package's `control`) as what is available. Only for what
    // `packages_open` gave, and nothing is written.
    int32_t (*packages_add)(const struct dpkgng_host *host,
                            struct dpkgng_packages *packages,
                            struct dpkgng_str control,
                            uint32_t *package);
    // What is going to happen to a package while relations are judged: `STAYS`,
    // `TO_BE_REMOVED`, `TO_BE_INSTALLED`.
    int32_t (*packages_expect)(const struct dpkgng_host *host,
                               struct dpkgng_packages *packages,
                               uint32_t package,
                               uint32_t what);
    // Judge a relation field of a package as dpkg does: yes, all of it holds, or no, with
    // `verdict` (may be null; the plugin sets its size) telling of the first that does not.
    // Recommends and Suggests are judged like Depends. What is judged is the field of what is
    // to be installed, or else of what is installed.
    int32_t (*packages_judge)(const struct dpkgng_host *host,
                              struct dpkgng_packages *packages,
                              uint32_t package,
                              uint32_t kind,
                              struct dpkgng_verdict *verdict);
    // *Any thread.* Every control file of the package file `path`, in the archive's order.
    int32_t (*deb_members)(const struct dpkgng_host *host,
                           struct dpkgng_str path,
                           dpkgng_member_fn each,
                           void *user);
    // *Any thread.* Every entry of its data member, as it is decompressed: in the archive's
    // order, but symbolic links after all others, as dpkg unpacks them.
    int32_t (*deb_entries)(const struct dpkgng_host *host,
                           struct dpkgng_str path,
                           dpkgng_entry_fn each,
                           void *user);
    // *Any thread.* Read content of the entry at hand: `got` is how much, 0 at its end.
    int32_t (*deb_read)(const struct dpkgng_host *host,
                        struct dpkgng_deb *deb,
                        uint8_t *buffer,
                        size_t len,
                        size_t *got);
    // *Any thread.* Place the entry at hand below the directory `dir`, with its mode, times and (for root)
    // owner; what is there already gives way unless it is a directory. No symbolic link is
    // followed on the way, `..` is refused, directories that lack are made. `changed` (may be
    // null) is what to place it as: a copy of the entry with another name, link, mode or
    // owner. Devices and named pipes are refused. Directories get their modes and times when
    // the walk ends well. `dir` must be the same throughout a walk.
    int32_t (*deb_place)(const struct dpkgng_host *host,
                         struct dpkgng_deb *deb,
                         int32_t dir,
                         const struct dpkgng_tar_entry *changed);
    // *Any thread.* Every stanza of a text in the syntax of control files.
    int32_t (*stanzas)(const struct dpkgng_host *host,
                       struct dpkgng_str text,
                       dpkgng_stanza_fn each,
                       void *user);
    // *Any thread.* A field by its name, in any case of letters. Yes: `value` was set, and
    // points into the text given to `stanzas`.
    int32_t (*stanza_field)(const struct dpkgng_host *host,
                            const struct dpkgng_stanza *stanza,
                            struct dpkgng_str name,
                            struct dpkgng_str *value);
    // *Any thread.* Every field, in order.
    int32_t (*stanza_fields)(const struct dpkgng_host *host,
                             const struct dpkgng_stanza *stanza,
                             dpkgng_field_fn each,
                             void *user);
    // *Any thread.* Every alternative of the value of a relation field of this kind.
    int32_t (*relations)(const struct dpkgng_host *host,
                         uint32_t kind,
                         struct dpkgng_str text,
                         dpkgng_relation_fn each,
                         void *user);
    // *Any thread.* Whether `a OP b` holds of two versions.
    int32_t (*version_holds)(const struct dpkgng_host *host,
                             struct dpkgng_str a,
                             uint32_t op,
                             struct dpkgng_str b);
    // *Any thread.* A new digest (`MD5`, `SHA256`).
    int32_t (*digest_new)(const struct dpkgng_host *host,
                          uint32_t kind,
                          struct dpkgng_digest **digest);
    // *Any thread.* Add bytes.
    int32_t (*digest_update)(const struct dpkgng_host *host,
                             struct dpkgng_digest *digest,
                             struct dpkgng_str bytes);
    // *Any thread.* The digest in lower-case hexadecimal; ends `digest`. `hex` may be null.
    int32_t (*digest_finish)(const struct dpkgng_host *host,
                             struct dpkgng_digest *digest,
                             struct dpkgng_str *hex);
    // *Any thread.* The architecture this dpkg-ng is made for, in Debian's words.
    struct dpkgng_str (*architecture)(const struct dpkgng_host *host);
    // The version of dpkg this dpkg-ng is, as maintainer scripts see it in
    // `DPKG_RUNNING_VERSION`.
    struct dpkgng_str (*dpkg_version)(const struct dpkgng_host *host);
    // Since 1.1. *Any thread.* `deb_entries`, and what the data member is without the content of
    // its files is written to `headers`, an open file, for a `Payload`(crate::Payload).
    int32_t (*deb_entries_headers)(const struct dpkgng_host *host,
                                   struct dpkgng_str path,
                                   int32_t headers,
                                   dpkgng_entry_fn each,
                                   void *user);
    // Run another of dpkg's tools (`dpkg-query`, `update-alternatives`) with these arguments, as its command line would,
    // in this process. Since minor version 1.
    int32_t (*tool)(const struct dpkgng_host *host,
                    struct dpkgng_str name,
                    const struct dpkgng_str *args,
                    size_t arg_count,
                    int32_t *exit_code);
};

// A part of the command line that belongs to a plugin. `dpkg-ng` finds the plugin by the file
// `NAME.so` (maybe a link) in its directory, and no option of dpkg's can be claimed.
struct dpkgng_claim {
    // Size of this structure, which is the distance to the next one too.
    uint32_t size;
    // `CLAIM_OPTION` or `CLAIM_COMMAND`.
    uint32_t kind;
    // Without dashes.
    struct dpkgng_str name;
};

// A plugin's table.
struct dpkgng_plugin {
    // Size and version.
    struct dpkgng_header header;
    // Its name, for messages.
    struct dpkgng_str name;
    // Its version, for messages.
    struct dpkgng_str version;
    // Called once before all others, and like the entry in the child process first: the
    // host's functions, which stay, and where to put what is given back as `data` in each
    // call. An error refuses the plugin.
    int32_t (*init)(const struct dpkgng_host *host, void **data);
    // What of a command line is the plugin's, an array.
    const struct dpkgng_claim *claims;
    // Length of that array.
    size_t claim_count;
    // Run a command line that has one of the claims in it. `args` is all of it, without the
    // program's name and without `--plugin PATH`; `exit_code` becomes that of dpkg-ng. An
    // error is told as dpkg's are and gives 2.
    int32_t (*command)(void *data,
                       const struct dpkgng_str *args,
                       size_t arg_count,
                       int32_t *exit_code);
    // The hooks for a command line of dpkg's own, when the plugin was asked for by
    // `--plugin` and claims nothing of it. May be null.
    const struct dpkgng_hooks *hooks;
};

// The one symbol of a plugin, `dpkgng_plugin_entry`: given the host's version, its table,
// which stays where it is, or null when it can't work with this host. The host calls it in a
// child process first, to see whether that survives: no effect outside the process.
typedef const struct dpkgng_plugin *(*dpkgng_entry)(uint32_t host_major, uint32_t host_minor);

#ifdef __cplusplus
extern "C" {
#endif

/* What a plugin exports (see dpkgng_entry). */
#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
extern const struct dpkgng_plugin *dpkgng_plugin_entry(uint32_t host_major, uint32_t host_minor);

#ifdef __cplusplus
}
#endif

/* Whether a structure that starts with its size or a table has a member, and it is set. */
#define DPKGNG_HAS(table, member) \
	(*(const uint32_t *)(table) >= (size_t)((const char *)&(table)->member - \
	                                        (const char *)(table)) + \
	                                       sizeof((table)->member) && \
	 (table)->member != NULL)

/* The initializer of a dpkgng_str of a string literal's bytes. */
#define DPKGNG_STR(literal) { (const uint8_t *)(literal), sizeof(literal) - 1 }

#endif /* DPKGNG_PLUGIN_H */
