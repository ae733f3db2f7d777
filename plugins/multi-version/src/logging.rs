//! `DPKG_NG_LOG=error|warn|info|debug|trace`: what contexts, linking and transactions do, told on standard error.
//!
//! | level | what |
//! |---|---|
//! | info | stores, transactions, runs of dpkg, generations |
//! | debug | namespaces, mounts, realizations, what is collected |
//! | trace | every change of the disk |

use std::io::Write;

use log::{LevelFilter, Log, Metadata, Record};

/// The variable.
const VARIABLE: &str = "DPKG_NG_LOG";

struct Stderr;

impl Log for Stderr {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let text = record
                .args()
                .to_string()
                .replace(|c: char| c.is_control(), "?");
            let (level, pid) = (record.level(), std::process::id());
            // There is nobody to tell that it can't be told.
            let _ = writeln!(std::io::stderr(), "dpkg-ng[{pid}]: {level}: {text}");
        }
    }

    fn flush(&self) {}
}

/// Tell what the environment asks for. What is no level is nothing.
pub fn start() {
    let level = std::env::var(VARIABLE).ok();
    let level = level.and_then(|word| word.parse::<LevelFilter>().ok());
    if let Some(level) = level
        && log::set_logger(&Stderr).is_ok()
    {
        log::set_max_level(level);
    }
}
