//! What dpkg and apt print, taken apart: what scripts said is what stands between dpkg's own lines.
//!
//! apt's plan, its progress and the order of packages are not compared: only the lines under each heading of dpkg's.

use super::record::Subjects;
use crate::snapshot::normalise;

/// The heading of dpkg's that a line is, in a form that does not depend on where the package file is.
fn heading(line: &str) -> Option<String> {
    if let Some(rest) = line.strip_prefix("Preparing to unpack ") {
        let file = rest.trim_end_matches(" ...");
        let name = file.rsplit('/').next().unwrap_or(file);
        let number = name
            .split_once('-')
            .filter(|(n, _)| n.bytes().all(|b| b.is_ascii_digit()));
        return Some(format!(
            "Preparing to unpack {}",
            number.map_or(name, |n| n.1)
        ));
    }
    let leads = [
        "Selecting previously unselected package ",
        "De-configuring ",
        "Unpacking ",
        "Setting up ",
        "Processing triggers for ",
        "Removing ",
        "Purging configuration files for ",
    ];
    let dots = line.ends_with(" ...") || line.starts_with("Selecting ");
    let ours = dots && leads.iter().any(|l| line.starts_with(l));
    ours.then(|| line.trim_end_matches('.').trim_end().to_owned())
}

/// Lines of dpkg's and apt's progress that are nobody's words.
fn progress(line: &str) -> bool {
    line.starts_with("(Reading database ...")
        || line.ends_with("files and directories currently installed.)")
        || line.starts_with("Scanning processes")
        // What a view's command ends with.
        || (line.starts_with("View ") && line.contains(" is at generation "))
        || (line.starts_with("dpkg-ng: nothing of view ") && line.ends_with(" has changed"))
        || (line.starts_with("dpkg-ng: view ") && line.contains(" is as it was; "))
        // The lists are read-only, and what stands above it is chance.
        || line.starts_with("W: chmod 0755 of directory /var/lib/apt/lists/auxfiles failed")
        || line.is_empty()
}

/// The lines under each heading that has any; `apt` has the errors of apt, `dpkg` those of dpkg.
pub fn sections(text: &str) -> Subjects {
    let mut out = Subjects::new();
    let mut now: Option<String> = None;
    // Whether the line before was dpkg's own, which goes on in those that begin with a blank.
    let mut its_own = false;
    for line in text.lines() {
        // What stands before a carriage return was overwritten.
        let line = line
            .trim_end_matches('\r')
            .rsplit('\r')
            .next()
            .unwrap_or("");
        if progress(line) {
            continue;
        }
        // Each calls itself by its name.
        let line = line.replace("/usr/bin/dpkg-ng ", "/usr/bin/dpkg ");
        let line = match line.strip_prefix("dpkg-ng: ") {
            Some(rest) => format!("dpkg: {rest}"),
            None => line,
        };
        its_own = line.starts_with("dpkg: ")
            || line.starts_with("Errors were encountered while processing")
            || (its_own && line.starts_with(' '));
        if line.starts_with("E: ") {
            add(&mut out, "said apt", &line);
        } else if its_own {
            add(&mut out, "said dpkg", &line);
        } else if let Some(heading) = heading(&line) {
            now = Some(format!("said {heading}"));
        } else if let Some(key) = &now {
            add(&mut out, key, &line);
        }
    }
    out
}

/// Output of a command that has no headings.
pub fn whole(text: &str) -> String {
    text.lines().map(|l| normalise(l) + "\n").collect()
}

/// The same of a command that may change a view.
pub fn of_change(text: &str) -> String {
    let lines = text.lines().filter(|l| !progress(l));
    lines.map(|l| normalise(l) + "\n").collect()
}

fn add(out: &mut Subjects, key: &str, line: &str) {
    let text = out.entry(key.to_owned()).or_default();
    text.push_str(&normalise(line));
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::sections;

    #[test]
    fn scripts_speak_between_dpkgs_lines() {
        let seen = sections(
            "Reading package lists...\nThe following NEW packages will be installed:\n  a\n\
             Selecting previously unselected package a.\n(Reading database ... \r(Reading database ... 5%\r\
             (Reading database ... 12 files and directories currently installed.)\n\
             Preparing to unpack .../0-a_1_all.deb ...\nUnpacking a (1) ...\nSetting up a (1) ...\nhello\n\
             dpkg: error processing package c (--configure):\n c failed\nProcessing triggers for b (2) ...\nE: bad\n",
        );
        assert_eq!(
            seen.get("said Setting up a (1)").map(String::as_str),
            Some("hello\n")
        );
        assert_eq!(seen.get("said apt").map(String::as_str), Some("E: bad\n"));
        assert_eq!(
            seen.get("said dpkg").map(String::as_str),
            Some("dpkg: error processing package c (--configure):\n c failed\n")
        );
        assert_eq!(seen.len(), 3);
    }
}
