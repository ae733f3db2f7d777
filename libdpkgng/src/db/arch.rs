//! `arch`, the foreign architectures, and `arch-native`, the native one of a chroot (arch.c).

use std::io::Write;

use super::Dirs;
use crate::arch::{ArchTable, ArchType, BUILD_ARCHITECTURE};
use crate::error::{OrFail, Result};
use crate::msg;
use crate::sys::atomic::AtomicFile;
use crate::sys::lines::Lines;

/// C's `_POSIX2_LINE_MAX`, the size of the buffer dpkg reads a line into.
const LINE_MAX: usize = 2048;

/// The table of a database: the built-in names, `arch-native` and `arch`.
pub fn load(dirs: &Dirs) -> Result<ArchTable> {
    let mut arches = ArchTable::new(BUILD_ARCHITECTURE);
    load_into(dirs, &mut arches)?;
    Ok(arches)
}

/// Add what the database says to a table (`dpkg_arch_load_list`). A missing or unreadable
/// `arch` leaves the table to be saved.
pub fn load_into(dirs: &Dirs, arches: &mut ArchTable) -> Result<()> {
    load_native(dirs, arches);
    let path = dirs.admin("arch");
    let Ok(mut file) = path.read() else {
        arches.dirty = true;
        return Ok(());
    };
    let mut lines = Lines::read(&mut file, path.shown(), LINE_MAX)?;
    while let Some(name) = lines.next_line()? {
        arches.add(&String::from_utf8_lossy(name));
    }
    Ok(())
}

/// Below an instdir its own `arch-native` counts (`dpkg_arch_load_native`).
pub fn load_native(dirs: &Dirs, arches: &mut ArchTable) {
    if dirs.inst_is_root() {
        return;
    }
    let Ok(content) = crate::sys::file::slurp(&dirs.admin("arch-native")) else {
        return;
    };
    let name = content.strip_suffix(b"\n").unwrap_or(&content);
    if !content.is_empty() {
        arches.set_native(&String::from_utf8_lossy(name));
    }
}

/// Write `arch`, when the foreign architectures changed (`dpkg_arch_save_list`).
pub fn save(dirs: &Dirs, arches: &mut ArchTable) -> Result<()> {
    if !arches.dirty {
        return Ok(());
    }
    let mut file = AtomicFile::create(&dirs.admin("arch"), true)?;
    for (_, name, kind) in arches.iter() {
        if matches!(kind, ArchType::Native | ArchType::Foreign) {
            writeln!(file, "{name}").or_fail(|| msg!("error writing to architecture list"))?;
        }
    }
    file.sync()?;
    file.commit(false)?;
    crate::sys::dir::sync(&dirs.admin_dir())?;
    arches.dirty = false;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_architectures_are_kept() {
        let dir = tempfile::tempdir().expect("tempdir");
        let dirs = Dirs::new(dir.path().join("dpkg"), Default::default());
        let mut arches = load(&dirs).expect("a missing file is fine");
        assert!(arches.dirty);
        arches.add("i386");
        arches.add("riscv64");
        save(&dirs, &mut arches).expect("save");
        let text = std::fs::read_to_string(dirs.admin("arch").shown_path()).expect("read");
        assert_eq!(text, format!("{BUILD_ARCHITECTURE}\ni386\nriscv64\n"));
        let mut again = load(&dirs).expect("load");
        let id = again.find("riscv64");
        assert_eq!(again.kind(id), ArchType::Foreign);
        std::fs::write(dirs.admin("arch").shown_path(), "amd64\ni386").expect("write");
        let error = load(&dirs).expect_err("no newline").to_string();
        assert!(error.starts_with("too-long line or missing newline in '"));
    }
}
