//! dpkg.log: one line per event, with the local time in front.

use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;

use libdpkgng::msg;
use libdpkgng::msg::Msg;
use libdpkgng::sys::clock::local_now;

/// The log file, opened at its first line.
#[derive(Debug, Default)]
pub struct Log {
    path: Option<OsString>,
    file: Option<File>,
}

impl Log {
    /// Log to this file.
    pub fn set_file(&mut self, path: &OsStr) {
        self.path = Some(path.to_owned());
    }

    /// Write one line. A problem is told, and does not end anything; a file that cannot be
    /// opened is not tried again.
    pub fn write(&mut self, text: &[u8]) -> Option<Msg> {
        let path = self.path.clone()?;
        if self.file.is_none() {
            let mut options = OpenOptions::new();
            match options.append(true).create(true).mode(0o644).open(&path) {
                Ok(file) => self.file = Some(file),
                Err(e) => {
                    self.path = None;
                    return Some(msg!("could not open log '%s': %s", &path, e));
                }
            }
        }
        let now = match local_now() {
            Ok(now) => now,
            Err(e) => {
                return Some(msg!("cannot get local time to log into '%s': %s", &path, e));
            }
        };
        let mut line = format!(
            "{:04}-{:02}-{:02} {:02}:{:02}:{:02} ",
            now.year, now.month, now.day, now.hour, now.minute, now.second
        )
        .into_bytes();
        line.extend_from_slice(text);
        line.push(b'\n');
        let written = self.file.as_mut()?.write_all(&line);
        let e = written.err()?;
        Some(msg!("cannot write to log file '%s': %s", &path, e))
    }
}
