//! What this machine's readelf says of ELF files.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{During, Res};

/// What of a file's program headers and dynamic table matters here.
#[derive(Debug, Default, PartialEq, Eq, Clone)]
pub struct Linking {
    /// The program interpreter.
    pub interpreter: Option<String>,
    /// The directories of DT_RUNPATH.
    pub runpath: Vec<String>,
    /// The directories of DT_RPATH.
    pub rpath: Vec<String>,
    /// DT_NEEDED.
    pub needed: Vec<String>,
    /// Whether there is a dynamic table at all.
    pub dynamic: bool,
    /// Whether the table says that it is a program.
    pub pie: bool,
    /// Whether there is a table of all symbols.
    pub symtab: bool,
}

fn readelf(options: &str, file: &Path) -> Res<String> {
    let out = Command::new("readelf")
        .arg(options)
        .arg(file)
        .env("LC_ALL", "C")
        .output()
        .during("readelf")?;
    Ok(String::from_utf8_lossy(&out.stdout).into_owned())
}

/// The build id of a file.
pub fn build_id(file: &Path) -> Res<String> {
    let text = readelf("-nW", file)?;
    text.lines()
        .find_map(|l| l.split_once("Build ID: "))
        .map(|(_, id)| id.trim().to_owned())
        .ok_or_else(|| format!("{}: no build id", file.display()))
}

/// Reads what `readelf -d` and `-l` show.
pub fn linking(file: &Path) -> Res<Linking> {
    let mut found = Linking::default();
    for line in readelf("-dlSW", file)?.lines() {
        if let Some((_, rest)) = line.split_once("program interpreter: ") {
            found.interpreter = Some(rest.trim_end_matches(']').to_owned());
            continue;
        }
        found.symtab |= line.contains(" .symtab ");
        let Some((tag, rest)) = line.split_once(") ") else {
            continue;
        };
        let Some(tag) = tag.split_once(" (").map(|t| t.1) else {
            continue;
        };
        found.dynamic |= tag == "STRTAB";
        found.pie |= tag == "FLAGS_1" && rest.contains("PIE");
        let Some((_, value)) = rest.split_once('[') else {
            continue;
        };
        let value = value.trim_end().trim_end_matches(']');
        let dirs = || value.split(':').map(str::to_owned).collect();
        match tag {
            "RUNPATH" => found.runpath = dirs(),
            "RPATH" => found.rpath = dirs(),
            "NEEDED" => found.needed.push(value.to_owned()),
            _ => {}
        }
    }
    Ok(found)
}

/// What readelf -h says.
pub fn header(file: &Path) -> Res<String> {
    let text = readelf("-hW", file)?;
    let line = text.lines().find(|l| l.trim_start().starts_with("Type:"));
    Ok(line.unwrap_or_default().to_owned())
}

/// Whether a file begins as ELF files do.
pub fn is_elf(file: &Path) -> bool {
    use std::io::Read;
    let mut magic = [0; 4];
    std::fs::File::open(file).is_ok_and(|mut f| f.read_exact(&mut magic).is_ok())
        && magic == *b"\x7fELF"
}

/// All ELF files below a directory, no symbolic links.
pub fn below(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut todo = vec![dir.to_owned()];
    while let Some(dir) = todo.pop() {
        for entry in std::fs::read_dir(&dir).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => todo.push(entry.path()),
                Ok(kind) if kind.is_file() && is_elf(&entry.path()) => found.push(entry.path()),
                _ => {}
            }
        }
    }
    found.sort();
    found
}
