//! For fish: a `complete` per option.

use std::fmt::Write as _;

use super::outline::Item;
use super::{Kind, Tool, Tools, Value};
use crate::{own, plugins};

/// What does not depend on tools.
const FRAME: &str = include_str!("frame.fish");

/// The script.
pub fn script(tools: &Tools) -> String {
    let mut out = FRAME.to_owned();
    let names: Vec<&str> = tools.tools.iter().map(|t| t.name).collect();
    let names = names.join(" ");
    let wanted = |name: &str| tools.commands.iter().any(|c| c == name);
    // Nothing written to a string fails.
    let _ = writeln!(out, "set -g __dpkg_ng_tools {names}");
    let plugins: Vec<&str> = plugins::commands().collect();
    let plugins = plugins.join(" ");
    let _ = writeln!(out, "set -g __dpkg_ng_plugins {plugins}");
    let own: Vec<&str> = tools.own.iter().map(|t| t.name).collect();
    let own = own.join(" ");
    let _ = writeln!(out, "set -g __dpkg_ng_own_commands {own}");
    for tool in &tools.tools {
        if wanted(tool.name) {
            complete_tool(&mut out, tool, tool.name, None);
        }
        // As what dpkg-ng is when it is told nothing else.
        if tool.name == "dpkg" && wanted(own::NAME) {
            complete_tool(&mut out, tool, own::NAME, Some("__dpkg_ng_is_dpkg"));
        }
    }
    if wanted(own::NAME) {
        for command in &tools.own {
            let is_it = format!("__dpkg_ng_is_{}", command.word());
            let name = command.name;
            let _ = writeln!(out, "\nfunction {is_it}\n    __dpkg_ng_is {name}\nend");
            complete_tool(&mut out, command, own::NAME, Some(&is_it));
        }
        let first = "-n __dpkg_ng_first";
        let _ = writeln!(
            out,
            "\ncomplete -c {} -f {first} -a '{names} {own} {plugins}'",
            own::NAME
        );
        for option in own::OPTIONS {
            let about = quote(option.about);
            let _ = writeln!(
                out,
                "complete -c {} {first} -l {} -d {about}",
                own::NAME,
                option.name
            );
        }
        let _ = writeln!(
            out,
            "complete -c {0} -f -n __dpkg_ng_has_tool -a '(__dpkg_ng_delegate)'\n\
            complete -c {0} -f -n __dpkg_ng_has_plugin -a '(__dpkg_ng_plugin)'\n\
            complete -c {0} -f -n __dpkg_ng_completes -a 'bash fish zsh'",
            own::NAME
        );
    }
    out
}

fn complete_tool(out: &mut String, tool: &Tool, command: &str, condition: Option<&str>) {
    let unless = condition.map(|c| format!(" -n {c}")).unwrap_or_default();
    let _ = writeln!(out, "\ncomplete -c {command} -f{unless}");
    for item in &tool.outline.items {
        let about = match item.about.is_empty() {
            true => String::new(),
            false => format!(" -d {}", quote(&item.about)),
        };
        let start = format!("complete -c {command}{unless}");
        if item.shape.value == Value::Suffix {
            let long = item.shape.long.unwrap_or_default();
            for word in words(item) {
                let _ = writeln!(out, "{start} -l {long}-{word}{about}");
            }
            continue;
        }
        let short = item
            .shape
            .short
            .map(|s| format!(" -s {}", quote(&s.to_string())));
        let long = item.shape.long.map(|l| format!(" -l {l}"));
        let names = short.unwrap_or_default() + &long.unwrap_or_default();
        match item.shape.value {
            Value::None => {
                let _ = writeln!(out, "{start}{names}{about}");
                if !item.kinds.is_empty() {
                    let seen: Vec<String> = item
                        .shape
                        .short
                        .iter()
                        .map(|s| format!("-s {s}"))
                        .chain(item.shape.long.map(str::to_owned))
                        .collect();
                    let mut when = format!("__fish_contains_opt {}", seen.join(" "));
                    if let Some(condition) = condition {
                        when = format!("{condition}; and {when}");
                    }
                    let from = candidates(&item.kinds);
                    let _ = writeln!(out, "complete -c {command} -n {} -a {from}", quote(&when));
                }
            }
            _ => {
                let from = candidates(&item.kinds);
                let _ = writeln!(out, "{start}{names} -x -a {from}{about}");
            }
        }
    }
    if !tool.outline.operands.is_empty() {
        let from = candidates(&tool.outline.operands);
        let _ = writeln!(out, "complete -c {command}{unless} -a {from}");
    }
}

fn words(item: &Item) -> impl Iterator<Item = &String> {
    item.kinds.iter().flat_map(|k| match k {
        Kind::Words(words) => words.as_slice(),
        _ => &[],
    })
}

/// What makes a list of these kinds.
fn candidates(kinds: &[Kind]) -> String {
    let each = kinds.iter().map(|kind| match kind {
        Kind::File => "(__fish_complete_path)".to_owned(),
        Kind::Directory => "(__fish_complete_directories)".to_owned(),
        Kind::Deb => "(__fish_complete_suffix .deb)".to_owned(),
        Kind::Package => "(__dpkg_ng_packages)".to_owned(),
        Kind::Architecture => "(__dpkg_ng_architectures)".to_owned(),
        Kind::Alternative => "(__dpkg_ng_alternatives)".to_owned(),
        Kind::Words(words) => words.join(" "),
    });
    quote(&each.collect::<Vec<_>>().join(" "))
}

fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}
