//! Texts that the tools share: the frame of `--help`, what follows `--version`.
//!
//! Each constant is one of dpkg's msgids, whole, because catalogues are keyed by them.

use libdpkgng::arch::BUILD_ARCHITECTURE;
use libdpkgng::error::Result;
use libdpkgng::msg;
use libdpkgng::msg::Msg;

use super::Process;

/// The version of dpkg whose behaviour this is.
pub const REFERENCE_VERSION: &str = "1.22.22";

/// The first line of `--help`; takes the tool.
#[rustfmt::skip]
pub const USAGE: &str = concat!(
    "Usage: %s [<option>...] <command>\n",
    "\n",
);

/// `--help` on itself.
#[rustfmt::skip]
pub const HELP_OPTIONS: &str = concat!(
    "  -?, --help                       Show this help message.\n",
    "      --version                    Show the version.\n",
    "\n",
);

/// What a showformat looks like.
#[rustfmt::skip]
pub const FORMAT_SYNTAX: &str = concat!(
    "Format syntax:\n",
    "  A format is a string that will be output for each package. The format\n",
    "  can include the standard escape sequences \\n (newline), \\r (carriage\n",
    "  return) or \\\\ (plain backslash). Package information can be included\n",
    "  by inserting variable references to package fields using the ${var[;width]}\n",
    "  syntax. Fields will be right-aligned unless the width is negative in which\n",
    "  case left alignment will be used.\n",
);

/// The first line of `--version` of the tools that say nothing else of themselves; takes the
/// tool and the release.
pub const VERSION: &str = "Debian %s version %s.\n";

/// The reference version with the architecture this was compiled for.
pub fn reference_release() -> String {
    format!("{REFERENCE_VERSION} ({BUILD_ARCHITECTURE})")
}

/// Who we are, in `--version`.
pub fn ours() -> Msg {
    msg!(
        "This is dpkg-ng %s, a re-implementation of dpkg.\n",
        env!("CARGO_PKG_VERSION")
    )
}

/// The end of `--version`.
#[rustfmt::skip]
pub const LICENCE: &str = concat!(
    "This is free software; see the GNU General Public License version 2 or\n",
    "later for copying conditions. There is NO warranty.\n",
);

/// `--version`: a first line in stock's form, which apt and scripts parse, then our own.
///
/// # Errors
/// Standard output cannot be written.
pub fn print_version(process: &mut Process, first: Msg) -> Result<i32> {
    process.report.output(first);
    process.report.output(ours());
    process.report.output(msg!(LICENCE));
    process.flush_output()?;
    Ok(0)
}

/// `--help`: the parts one after the other.
///
/// # Errors
/// Standard output cannot be written.
pub fn print_help(process: &mut Process, parts: Vec<Msg>) -> Result<i32> {
    for part in parts {
        process.report.output(part);
    }
    process.flush_output()?;
    Ok(0)
}

/// The long options a help text speaks of, `--[no-]word` as both of its forms.
#[cfg(test)]
pub fn options_in(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("--") {
        let before = text[..at].chars().next_back();
        if !matches!(before, None | Some(' ' | '|' | '\n')) {
            continue;
        }
        let rest = &text[at + 2..];
        let (optional, rest) = match rest.strip_prefix("[no-]") {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let word: String = rest
            .chars()
            .take_while(|c| c.is_ascii_lowercase() || *c == '-')
            .collect();
        if optional {
            found.push(format!("no-{word}"));
        }
        found.push(word);
    }
    found
}
