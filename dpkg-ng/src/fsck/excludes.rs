//! Which paths dpkg was told not to install: `path-exclude` and `path-include` in the configuration
//! files of the installed system, dpkg.cfg(5). Whoever runs this may have others in their home; dpkg
//! runs as root.

use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;

use libdpkgng::db::Dirs;
use libdpkgng::error::{OrFail, Result};
use libdpkgng::filter::Filters;
use libdpkgng::msg;
use libdpkgng::report::Silent;
use libdpkgng::sys::place::{Absence, Spot};

use crate::cli::config;

/// Where they are; those in the directory come first.
const DIRECTORY: &[u8] = b"/etc/dpkg/dpkg.cfg.d";
const FILE: &[u8] = b"/etc/dpkg/dpkg.cfg";

/// What the installed system's configuration excludes. Lines that dpkg would not take are passed over:
/// it is not about them.
///
/// # Errors
/// A file or the directory cannot be read.
pub fn excludes(dirs: &Dirs) -> Result<Filters> {
    let mut filters = Filters::new();
    let fail = |spot: &Spot| msg!("cannot read %s", spot);
    let directory = dirs.inst(DIRECTORY);
    let listed = directory.follow().and_then(|spot| spot.entries());
    let listed = listed.if_there().or_fail(|| fail(&directory))?;
    let mut files = listed.unwrap_or_default();
    files.retain(|(name, _)| config::is_config_name(name.as_os_str().as_bytes()));
    files.sort_by(|(a, _), (b, _)| a.cmp(b));
    let files = files.into_iter().map(|(_, spot)| spot);
    for spot in files.chain([dirs.inst(FILE)]) {
        let open = spot.open(libc::O_RDONLY | libc::O_NONBLOCK, true);
        let Some(file) = open.if_there().or_fail(|| fail(&spot))? else {
            continue;
        };
        let mut content = Vec::new();
        std::fs::File::from(file)
            .take(config::SIZE_LIMIT)
            .read_to_end(&mut content)
            .or_fail(|| fail(&spot))?;
        add(&mut filters, &content);
    }
    Ok(filters)
}

fn add(filters: &mut Filters, content: &[u8]) {
    for line in config::pieces(content) {
        let (pattern, include) = match config::option_of(line) {
            Ok(Some((b"path-exclude", Some(pattern)))) => (pattern, false),
            Ok(Some((b"path-include", Some(pattern)))) => (pattern, true),
            _ => continue,
        };
        filters.add(pattern, include, &mut Silent);
    }
}

#[cfg(test)]
mod tests {
    use libdpkgng::filter::Entry;

    use super::*;

    #[test]
    fn files_of_the_configuration() {
        let dir = tempfile::tempdir().unwrap();
        let etc = dir.path().join("etc/dpkg/dpkg.cfg.d");
        std::fs::create_dir_all(&etc).unwrap();
        let write = |name: &str, text: &str| std::fs::write(etc.join(name), text).unwrap();
        write("a", "no-debsig\npath-exclude=/usr/share/doc/*\n");
        write(
            "b",
            "path-include '/usr/share/doc/a b'\n#path-exclude=/bin\n",
        );
        write("not.this", "path-exclude=/*\n");
        write(
            "../dpkg.cfg",
            "path-excluded=/usr/*\npath-exclude \"/opt\npath-exclude /srv/x\n",
        );
        let dirs = Dirs::new("/nowhere".into(), dir.path().into());
        let filters = excludes(&dirs).unwrap();
        let skips = |path: &str| filters.skips(path.as_bytes(), Entry::Leaf, &mut Silent);
        for (path, skipped) in [
            ("./usr/share/doc/x", true),
            ("./usr/share/doc/a b", false),
            ("./srv/x", true),
            ("./bin", false),
            ("./opt", false),
            ("./usr/x", false),
        ] {
            assert_eq!(skips(path), skipped, "{path}");
        }
        let none = Dirs::new("/nowhere".into(), dir.path().join("var"));
        assert!(excludes(&none).unwrap().is_empty());
    }
}
