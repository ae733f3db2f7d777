//! For zsh: the specifications that `_arguments` takes, a function per tool.

use std::fmt::Write as _;

use super::outline::Item;
use super::{Kind, Tools, Value};
use crate::{own, plugins};

/// What does not depend on tools.
const FRAME: &str = include_str!("frame.zsh");

/// The script.
pub fn script(tools: &Tools) -> String {
    let mut out = format!("#compdef {}\n", tools.commands.join(" "));
    // Nothing written to a string fails.
    let names: Vec<&str> = tools.tools.iter().map(|t| t.name).collect();
    let _ = writeln!(
        out,
        "typeset -ga _dpkg_ng_commands=({})",
        tools.commands.join(" ")
    );
    let _ = writeln!(out, "typeset -ga _dpkg_ng_tools=({})", names.join(" "));
    let plugins: Vec<&str> = plugins::commands().collect();
    let _ = writeln!(out, "typeset -ga _dpkg_ng_plugins=({})", plugins.join(" "));
    let commands: Vec<&str> = tools.own.iter().map(|t| t.name).collect();
    let commands = commands.join(" ");
    let _ = writeln!(out, "typeset -ga _dpkg_ng_own_commands=({commands})");
    let own: Vec<String> = own::OPTIONS
        .iter()
        .map(|o| quote(&format!("--{}:{}", o.name, o.about)))
        .collect();
    let _ = writeln!(out, "typeset -ga _dpkg_ng_own=({})", own.join(" "));
    for tool in tools.tools.iter().chain(&tools.own) {
        let word = tool.word();
        let mut operands = String::new();
        let mut specs = String::new();
        for item in &tool.outline.items {
            let names = names_of(item);
            if item.shape.value == Value::None && !item.kinds.is_empty() {
                let _ = writeln!(
                    operands,
                    "        ({}) kinds=({}) ;;",
                    names.join("|"),
                    actions(&item.kinds)
                );
            }
            for name in &names {
                let _ = writeln!(specs, "        {}", quote(&spec(item, name, &names)));
            }
        }
        let _ = write!(
            out,
            "\n_dpkg_ng_{word}_operands() {{\n    local word\n    local -a kinds=({})\n    for word in $words; do\n        case $word in\n{operands}        esac\n    done\n    _dpkg_ng_add $kinds\n}}\n",
            actions(&tool.outline.operands)
        );
        let _ = write!(
            out,
            "_dpkg_ng_{word}() {{\n    local -a specs=(\n{specs}        '*:argument:_dpkg_ng_{word}_operands'\n    )\n    _arguments -s $specs\n}}\n"
        );
    }
    out.push('\n');
    out.push_str(FRAME);
    out
}

fn names_of(item: &Item) -> Vec<String> {
    let short = item.shape.short.map(|s| format!("-{s}"));
    let long = item.shape.long.map(|l| format!("--{l}"));
    short.into_iter().chain(long).collect()
}

/// The specification of an option under one of its names.
fn spec(item: &Item, name: &str, names: &[String]) -> String {
    let about = escape(&item.about);
    let message = item.shape.long.unwrap_or("value");
    let others = match names {
        [_, _] => format!("({})", names.join(" ")),
        _ => String::new(),
    };
    let words = item.kinds.iter().find_map(|k| match k {
        Kind::Words(words) => Some(words.join(" ")),
        _ => None,
    });
    match (item.shape.value, words) {
        (Value::None, _) => format!("{others}{name}[{about}]"),
        (Value::Suffix, Some(words)) => {
            format!("*{name}--[{about}]:{message}:_sequence compadd - {words}")
        }
        (Value::Suffix, None) => format!("*{name}--[{about}]:{message}: "),
        (value, words) => {
            let joint = match value {
                Value::Next => "",
                _ if name.starts_with("--") => "=",
                _ => "+",
            };
            let action = match words {
                Some(words) => format!("({words})"),
                None if item.kinds.is_empty() => " ".to_owned(),
                None => format!("_dpkg_ng_add {}", actions(&item.kinds)),
            };
            format!("*{name}{joint}[{about}]:{message}:{action}")
        }
    }
}

/// The kinds by the names that the frame has for them.
fn actions(kinds: &[Kind]) -> String {
    let words = kinds.iter().filter_map(|kind| match kind {
        Kind::File => Some("file"),
        Kind::Directory => Some("directory"),
        Kind::Deb => Some("deb"),
        Kind::Package => Some("package"),
        Kind::Architecture => Some("architecture"),
        Kind::Alternative => Some("alternative"),
        Kind::Words(_) => None,
    });
    words.collect::<Vec<_>>().join(" ")
}

/// What may not stand in a description.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('[', "\\[")
        .replace(']', "\\]")
        .replace(':', "\\:")
}

fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
