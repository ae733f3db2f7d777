//! The C header: made from the Rust types, kept in `include/`, and to C what they are to Rust.
//!
//! `UPDATE_HEADER=1 cargo test -p dpkgng-plugin-abi` writes it anew.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use cbindgen::{Braces, Builder, Config, DocumentationStyle, ExportConfig, Language, Style};

const FILES: [&str; 3] = ["lib.rs", "plugin.rs", "host.rs"];
const BEFORE: &str =
    "/* The interface between dpkg-ng and its plugins. Made from plugins/abi/src: do not edit.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DPKGNG_PLUGIN_H
#define DPKGNG_PLUGIN_H
";
const AFTER: &str = "#ifdef __cplusplus
extern \"C\" {
#endif

/* What a plugin exports (see dpkgng_entry). */
#if defined(__GNUC__)
__attribute__((visibility(\"default\")))
#endif
extern const struct dpkgng_plugin *dpkgng_plugin_entry(uint32_t host_major, uint32_t host_minor);

#ifdef __cplusplus
}
#endif

/* Whether a structure that starts with its size or a table has a member, and it is set. */
#define DPKGNG_HAS(table, member) \\
\t(*(const uint32_t *)(table) >= (size_t)((const char *)&(table)->member - \\
\t                                        (const char *)(table)) + \\
\t                                       sizeof((table)->member) && \\
\t (table)->member != NULL)

/* The initializer of a dpkgng_str of a string literal's bytes. */
#define DPKGNG_STR(literal) { (const uint8_t *)(literal), sizeof(literal) - 1 }

#endif /* DPKGNG_PLUGIN_H */";

fn base() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// `PackageInfo` as C has names.
fn snake(name: &str) -> String {
    let mut out = String::new();
    for (i, c) in name.char_indices() {
        if c.is_uppercase() && i > 0 {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}

/// The public names that follow `keyword` in the sources.
fn public(keyword: &str) -> Vec<String> {
    let mut names = Vec::new();
    for file in FILES {
        let text = std::fs::read_to_string(base().join("src").join(file)).unwrap();
        for line in text.lines() {
            let Some(rest) = line.strip_prefix(&format!("pub {keyword} ")) else {
                continue;
            };
            let name = rest
                .split(|c: char| !c.is_alphanumeric() && c != '_')
                .next();
            names.push(name.unwrap().to_owned());
        }
    }
    names
}

fn types() -> Vec<String> {
    [public("struct"), public("type")].concat()
}

fn generated() -> String {
    let mut export = ExportConfig::default();
    for name in types() {
        export
            .rename
            .insert(name.clone(), format!("dpkgng_{}", snake(&name)));
    }
    for name in public("const") {
        export.rename.insert(name.clone(), format!("DPKGNG_{name}"));
    }
    export.include = types();
    let mut config = Config {
        language: Language::C,
        style: Style::Tag,
        braces: Braces::SameLine,
        documentation_style: DocumentationStyle::C99,
        line_length: 96,
        tab_width: 4,
        cpp_compat: true,
        usize_is_size_t: true,
        header: Some(format!("{BEFORE}\n{}", rules())),
        trailer: Some(AFTER.into()),
        no_includes: true,
        sys_includes: vec!["stddef.h".into(), "stdint.h".into()],
        export,
        ..Config::default()
    };
    config.function.must_use = None;
    let mut builder = Builder::new().with_config(config);
    for file in FILES {
        builder = builder.with_src(base().join("src").join(file));
    }
    let mut text = Vec::new();
    builder.generate().expect("cbindgen").write(&mut text);
    // Links mean nothing to C.
    let text = String::from_utf8(text).unwrap();
    text.replace("[`", "`").replace("`]", "`")
}

/// What lib.rs says first, the rules of the border.
fn rules() -> String {
    let text = std::fs::read_to_string(base().join("src/lib.rs")).unwrap();
    let said = text.lines().map_while(|l| l.strip_prefix("//!"));
    said.fold(String::new(), |all, line| format!("{all}//{line}\n"))
}

fn header() -> PathBuf {
    base().join("include/dpkgng-plugin.h")
}

#[test]
fn the_header_is_what_the_types_are() {
    let made = generated();
    if std::env::var_os("UPDATE_HEADER").is_some() {
        std::fs::write(header(), &made).unwrap();
    }
    let kept = std::fs::read_to_string(header()).unwrap_or_default();
    assert!(
        made == kept,
        "include/dpkgng-plugin.h is not what the types are; UPDATE_HEADER=1 writes it anew"
    );
}

/// Compile a program that includes the header.
fn compile(compiler: &str, flags: &[&str], source: &str, dir: &Path) -> PathBuf {
    let suffix = if flags.contains(&"-std=c++17") {
        "cc"
    } else {
        "c"
    };
    let file = dir.join(format!("probe.{suffix}"));
    std::fs::write(&file, source).unwrap();
    let out = dir.join("probe");
    let done = Command::new(compiler)
        .args(flags)
        .args(["-Wall", "-Wextra", "-Werror", "-pedantic", "-I"])
        .arg(base().join("include"))
        .arg(&file)
        .arg("-o")
        .arg(&out)
        .output()
        .expect("a C compiler");
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    out
}

/// Sizes and places of members, by the name C has for them.
macro_rules! layout {
    ($out:ident, $program:ident, $($rust:ident: $($member:ident)+;)+) => {$(
        let c = format!("dpkgng_{}", snake(stringify!($rust)));
        writeln!($program, "printf(\"{c} %zu\\n\", sizeof(struct {c}));").unwrap();
        writeln!($out, "{c} {}", size_of::<dpkgng_plugin_abi::$rust>()).unwrap();
        $(
            let m = stringify!($member);
            writeln!($program, "printf(\"{c}.{m} %zu\\n\", offsetof(struct {c}, {m}));").unwrap();
            let offset = std::mem::offset_of!(dpkgng_plugin_abi::$rust, $member);
            writeln!($out, "{c}.{m} {offset}").unwrap();
        )+
    )+};
}

#[test]
fn c_and_rust_agree_on_the_layout() {
    let dir = tempfile::tempdir().unwrap();
    let (mut expected, mut body) = (String::new(), String::new());
    layout! { expected, body,
        Str: data len;
        Header: size major minor;
        Plugin: header name version init claims claim_count command hooks;
        Claim: size kind name;
        Scope: size kind step package name args arg_count status ok;
        Payload: size headers root;
        PayloadFile: size link path;
        Hooks: size pre post install_path hides satisfies wants_content rewrite payload
            payload_file shipped;
        TarEntry: size kind name link length mode uid gid major minor mtime user group;
        PackageInfo: size package name architecture version want error_flag status;
        Relation: size kind group alternative name architecture op version;
        Verdict: size group culprit why;
        Host: header error set_error say progress ask dpkg packages_open packages_close
            packages_each packages_find package_info package_stanza packages_add
            packages_expect packages_judge deb_members deb_entries deb_read deb_place stanzas
            stanza_field stanza_fields relations version_holds digest_new digest_update digest_finish architecture
            deb_entries_headers;
    }
    let source = format!(
        "#include <stdio.h>\n#include <dpkgng-plugin.h>\nint main(void) {{\n{body}return 0;\n}}\n"
    );
    let program = compile("cc", &["-std=c11"], &source, dir.path());
    let said = Command::new(program).output().unwrap().stdout;
    assert_eq!(String::from_utf8(said).unwrap(), expected);
}

#[test]
fn the_header_is_c99() {
    let dir = tempfile::tempdir().unwrap();
    let source = "#include <dpkgng-plugin.h>\nint main(void) { return DPKGNG_NO; }\n";
    compile("cc", &["-std=c99"], source, dir.path());
}

#[test]
fn the_header_is_cpp() {
    if Command::new("c++").arg("--version").output().is_err() {
        return not_run::not_run("no c++ here");
    }
    let dir = tempfile::tempdir().unwrap();
    let source = "#include <dpkgng-plugin.h>\nint main(void) { return DPKGNG_NO; }\n";
    compile("c++", &["-std=c++17"], source, dir.path());
}
