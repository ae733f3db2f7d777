//! For bash: two functions per tool that say what an option takes, and one that reads the line.

use std::fmt::Write as _;

use super::{Kind, Tools, Value};
use crate::{own, plugins};

/// What does not depend on tools.
const FRAME: &str = include_str!("frame.bash");

/// The script.
pub fn script(tools: &Tools) -> String {
    let mut out = FRAME.to_owned();
    let names: Vec<&str> = tools.tools.iter().map(|t| t.name).collect();
    // Nothing written to a string fails.
    let _ = writeln!(out, "\n_dpkg_ng_tools='{}'", names.join(" "));
    let _ = writeln!(
        out,
        "_dpkg_ng_own='{}'",
        own::options().collect::<Vec<_>>().join(" ")
    );
    let plugins: Vec<&str> = plugins::commands().collect();
    let _ = writeln!(out, "_dpkg_ng_plugins='{}'", plugins.join(" "));
    let own: Vec<&str> = tools.own.iter().map(|t| t.name).collect();
    let _ = writeln!(out, "_dpkg_ng_own_commands='{}'", own.join(" "));
    for tool in tools.tools.iter().chain(&tools.own) {
        let word = tool.word();
        let mut options = Vec::new();
        let (mut values, mut operands) = (String::new(), String::new());
        for item in &tool.outline.items {
            let mut names = Vec::new();
            names.extend(item.shape.short.map(|s| format!("-{s}")));
            names.extend(item.shape.long.map(|l| format!("--{l}")));
            let kinds = kinds(&item.kinds);
            match item.shape.value {
                Value::Suffix => {
                    let long = item.shape.long.unwrap_or_default();
                    for kind in &item.kinds {
                        if let Kind::Words(words) = kind {
                            options.extend(words.iter().map(|w| format!("--{long}-{w}")));
                        }
                    }
                    continue;
                }
                Value::None => {
                    if !item.kinds.is_empty() {
                        let _ =
                            writeln!(operands, "    {}) _dpkg_ng_kinds={kinds} ;;", case(&names));
                    }
                }
                Value::Equals | Value::Next => {
                    let _ = writeln!(values, "    {}) _dpkg_ng_kinds={kinds} ;;", case(&names));
                }
            }
            options.extend(item.shape.short.map(|s| format!("-{s}")));
            let equals = if item.shape.value == Value::Equals {
                "="
            } else {
                ""
            };
            options.extend(item.shape.long.map(|l| format!("--{l}{equals}")));
        }
        let _ = write!(
            out,
            "\n_dpkg_ng_{word}_options='{}'\n_dpkg_ng_{word}_value() {{\n    case $1 in\n{values}    *) return 1 ;;\n    esac\n}}\n",
            options.join(" ")
        );
        let default = super::bash::kinds(&tool.outline.operands);
        let _ = write!(
            out,
            "_dpkg_ng_{word}_operand() {{\n    case $1 in\n{operands}    '') _dpkg_ng_kinds={default} ;;\n    esac\n}}\n"
        );
    }
    let _ = writeln!(out, "\ncomplete -F _dpkg_ng {}", tools.commands.join(" "));
    out
}

fn case(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|n| format!("'{n}'")).collect();
    quoted.join(" | ")
}

/// The kinds as one word of the shell.
fn kinds(kinds: &[Kind]) -> String {
    let words: Vec<String> = kinds
        .iter()
        .map(|kind| match kind {
            Kind::File => "file".to_owned(),
            Kind::Directory => "directory".to_owned(),
            Kind::Deb => "deb".to_owned(),
            Kind::Package => "package".to_owned(),
            Kind::Architecture => "architecture".to_owned(),
            Kind::Alternative => "alternative".to_owned(),
            Kind::Words(words) => format!("words:{}", words.join(":")),
        })
        .collect();
    format!("'{}'", words.join(" "))
}
