//! `--status-fd` and the standard inputs of `--status-logger`s.

use std::os::fd::RawFd;

use libdpkgng::error::{Error, Result};
use libdpkgng::msg;
use libdpkgng::sys::inherited;

/// The descriptors that get status lines; the one added last is written first.
#[derive(Debug, Default)]
pub struct StatusFds(Vec<RawFd>);

impl StatusFds {
    /// Write to this descriptor too, and keep it from children.
    pub fn add(&mut self, fd: RawFd) -> Result<()> {
        let what = || msg!("<package status and progress file descriptor>");
        inherited::set_close_on_exec(fd).map_err(|(reading, e)| {
            let text = if reading {
                msg!("unable to read filedescriptor flags for %.250s", what())
            } else {
                msg!("unable to set close-on-exec flag for %.250s", what())
            };
            Error::os(text, e)
        })?;
        self.0.push(fd);
        Ok(())
    }

    /// Send one line; line ends inside it become blanks.
    pub fn send(&mut self, text: &[u8]) -> Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        let mut line: Vec<u8> = text
            .iter()
            .map(|&b| if b == b'\n' { b' ' } else { b })
            .collect();
        line.push(b'\n');
        for &fd in self.0.iter().rev() {
            inherited::write_all(fd, &line)
                .map_err(|e| Error::os(msg!("unable to write to status fd %d", fd), e))?;
        }
        Ok(())
    }
}
