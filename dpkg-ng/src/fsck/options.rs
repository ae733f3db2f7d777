//! fsck's option table.

use std::convert::Infallible;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use libdpkgng::report::{Event, Reporter};

use super::help;
use crate::cli::{Dirs, LONG, Opt, Stop};
use crate::completions::{Kind, Outline};

/// What the options have set.
#[derive(Debug)]
pub struct Settings {
    /// `--root`, `--instdir`, `--admindir`
    pub dirs: Dirs,
    /// `--repair`
    pub repair: bool,
    /// `--no-files`
    pub files: bool,
    /// `--download`
    pub download: bool,
    /// `--json`
    pub json: bool,
    /// `--verbose`
    pub verbose: bool,
    /// `--debs`
    pub debs: Vec<PathBuf>,
    /// `--path-exclude` and `--path-include`, in order
    pub filters: Vec<(Vec<u8>, bool)>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            dirs: Dirs::default(),
            repair: false,
            files: true,
            download: false,
            json: false,
            verbose: false,
            debs: Vec::new(),
            filters: Vec::new(),
        }
    }
}

/// Every option of fsck.
#[rustfmt::skip]
pub static OPTIONS: &[Opt<Infallible, Settings>] = &[
    Opt::flag("repair", LONG, |s, _| { s.repair = true; Ok(()) }),
    Opt::flag("no-files", LONG, |s, _| { s.files = false; Ok(()) }),
    Opt::flag("files", LONG, |s, _| { s.files = true; Ok(()) }),
    Opt::value("debs", LONG, |s, _, _, v| { s.debs.push(v.into()); Ok(()) }),
    Opt::flag("download", LONG, |s, _| { s.download = true; Ok(()) }),
    Opt::flag("json", LONG, |s, _| { s.json = true; Ok(()) }),
    Opt::flag("verbose", 'v', |s, _| { s.verbose = true; Ok(()) }),
    Opt::value("path-exclude", LONG, |s, _, _, v| { s.filters.push((v.as_bytes().into(), false)); Ok(()) }),
    Opt::value("path-include", LONG, |s, _, _, v| { s.filters.push((v.as_bytes().into(), true)); Ok(()) }),
    Opt::value("admindir", LONG, |s, _, _, v| Ok(s.dirs.set_admindir(v)?)),
    Opt::value("instdir", LONG, |s, p, _, v| Ok(s.dirs.set_instdir(&p.env, v)?)),
    Opt::value("root", LONG, |s, p, _, v| Ok(s.dirs.set_root(&p.env, v)?)),
    Opt::flag("help", '?', |_, p| {
        for text in [help::USAGE, help::OPTIONS, help::END] {
            p.report.event(&Event::Data(text.as_bytes()));
        }
        p.flush_output()?;
        Err(Stop::Exit(0))
    }),
];

/// What completions are made from.
pub fn outline() -> Outline {
    Outline::of(OPTIONS, &[help::OPTIONS]).with_operands(vec![Kind::Package])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_tells_of_every_option_and_no_other() {
        let described: Vec<String> = crate::cli::text::options_in(help::OPTIONS);
        for row in OPTIONS {
            let long = row.name.long();
            assert!(described.iter().any(|d| d == long), "{long}");
        }
        for word in &described {
            assert!(crate::cli::table::knows(OPTIONS, word), "{word}");
        }
    }
}
