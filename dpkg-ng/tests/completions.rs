//! The completions, loaded in the shells that they are for.
//!
//! A shell that this machine does not have is reported as such.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A command line whose last word is to be completed, and what that must offer.
const LINES: &[(&[&str], &str)] = &[
    (&["dpkg", "--roo"], "--root"),
    (&["dpkg", "-i", "arch"], "archive.deb"),
    (&["dpkg", "--remove", "one"], "one-package"),
    (&["dpkg", "--force-confm"], "--force-confmiss"),
    (&["dpkg", "--assert-protected"], "--assert-protected-field"),
    (&["dpkg-deb", "-Z", "zs"], "zstd"),
    (&["dpkg-query", "-L", "one"], "one-package"),
    (&["dpkg-divert", "--trueb"], ""),
    (&["dpkg-divert", "--truen"], "--truename"),
    (&["update-alternatives", "--display", "pag"], "pager"),
    (&["dpkg-ng", "--pari"], "--parity"),
    (&["dpkg-ng", "update-al"], "update-alternatives"),
    (&["dpkg-ng", "dpkg-deb", "--raw-ext"], "--raw-extract"),
    (&["dpkg-ng", "--purge", "one"], "one-package"),
    (&["dpkg-ng", "upg"], "upgrade"),
    (&["dpkg-ng", "fsc"], "fsck"),
    (&["dpkg-ng", "fsck", "--rep"], "--repair"),
    (&["dpkg-ng", "fsck", "one"], "one-package"),
    (&["dpkg-ng", "view", "cre"], "create"),
    (&["dpkg-ng", "run", "--view", "we"], "web"),
];

/// A directory with the script for a shell, a system of two packages, and files to complete.
fn stage(shell: &str) -> Option<PathBuf> {
    let there = Command::new(shell)
        .args(["-c", "exit"])
        .stderr(Stdio::null())
        .status();
    if there.is_err() {
        not_run::not_run(format!("no {shell} here"));
        return None;
    }
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(shell);
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(dir.join("bin")).expect("bin");
    let out = Command::new(env!("CARGO_BIN_EXE_dpkg-ng"))
        .args(["--completions", shell])
        .output()
        .expect("dpkg-ng");
    assert!(out.status.success());
    fs::write(dir.join("script"), out.stdout).expect("script");
    fs::write(dir.join("archive.deb"), "").expect("archive");
    for (name, says) in [
        ("dpkg-query", "one-package\\ntwo-package\\n"),
        ("update-alternatives", "pager   auto   /bin/less\\n"),
        // What a plugin would say.
        ("dpkg-ng", "create\\tMake a view\\nweb\\t\\n"),
    ] {
        let program = dir.join("bin").join(name);
        fs::write(&program, format!("#!/bin/sh\nprintf '{says}'\n")).expect("program");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("mode");
    }
    Some(dir)
}

/// Run a script of a shell in such a directory.
fn run(shell: &str, options: &[&str], dir: &Path, script: &str) -> String {
    let path = std::env::var("PATH").unwrap_or_default();
    let out = Command::new("timeout")
        .args(["60", shell])
        .args(options)
        .args(["-c", script])
        .current_dir(dir)
        .env("HOME", dir)
        .env("TERM", "dumb")
        .env("PATH", format!("{}:{path}", dir.join("bin").display()))
        .output()
        .expect("the shell");
    let stderr = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{shell}: {stderr}");
    assert_eq!(stderr, "", "{shell}");
    String::from_utf8_lossy(&out.stdout).into_owned()
}

fn check(shell: &str, words: &[&str], expected: &str, offered: &str) {
    let found = offered
        .split_whitespace()
        .any(|w| w.trim_end_matches('=') == expected);
    let found = found || (expected.is_empty() && offered.trim().is_empty());
    assert!(found, "{shell} {words:?}: {offered:?}");
}

#[test]
fn bash_completes() {
    let Some(dir) = stage("bash") else { return };
    for (words, expected) in LINES {
        let quoted: String = words.iter().map(|w| format!(" '{w}'")).collect();
        let script = format!(
            "source ./script; COMP_WORDS=({quoted}); COMP_CWORD={}; _dpkg_ng '{}'; echo \"${{COMPREPLY[*]}}\"",
            words.len() - 1,
            words[0]
        );
        let offered = run("bash", &["--norc"], &dir, &script);
        check("bash", words, expected, &offered);
    }
    let split = "source ./script; COMP_WORDS=(dpkg --root = ./bi); COMP_CWORD=3; _dpkg_ng dpkg; echo ${COMPREPLY[*]}";
    assert_eq!(run("bash", &["--norc"], &dir, split), "./bin\n");
}

#[test]
fn fish_completes() {
    let Some(dir) = stage("fish") else { return };
    for (words, expected) in LINES {
        let script = format!("source ./script; complete -C '{}'", words.join(" "));
        let offered = run("fish", &["--no-config"], &dir, &script);
        check("fish", words, expected, &offered);
    }
}

#[test]
fn zsh_completes() {
    let Some(dir) = stage("zsh") else { return };
    // A shell of its own at a terminal: what a tabulator makes of the line is seen there.
    let mut script = String::from(
        "zmodload zsh/zpty\nzpty z zsh -f -i\n\
        zpty -w z 'PS1=; autoload -Uz compinit && compinit -u -D; source ./script; print REA''DY'\n\
        zpty -r -m z seen '*READY*'\n",
    );
    for (words, expected) in LINES.iter().filter(|(_, expected)| !expected.is_empty()) {
        let line = words.join(" ");
        let typed = words.last().copied().unwrap_or_default();
        let rest = expected.strip_prefix(typed).unwrap_or(expected);
        script.push_str(&format!(
            "zpty -w -n z '{line}'$'\\t'\nzpty -r -m z seen '*{line}*{rest}*' || exit 1\n\
            zpty -w z $'\\x15print DO\"\"NE'\nzpty -r -m z seen '*DONE*' || exit 1\n",
        ));
    }
    script.push_str("zpty -d z\n");
    run("zsh", &["-f"], &dir, &script);
}
