//! How a daemon is scheduled: its policy for the processor (sched(7)) and its class for input
//! and output (ioprio_set(2)).

use super::unsigned;
use crate::error::{Error, Result};
use crate::msg;
use crate::sys::daemon;

/// A policy or class, by the name it was given, and a priority within it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Priority {
    /// As on the command line.
    pub name: Vec<u8>,
    /// The kernel's number for it.
    pub class: i32,
    /// Within the class.
    pub priority: i32,
}

/// ioprio_set(2): the class is in the bits above these.
const CLASS_SHIFT: i32 = 13;
const IO_LOWEST: i32 = 7;

fn split(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    match text.iter().position(|c| *c == b':') {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    }
}

/// `POLICY[:PRIORITY]` of `--procsched`.
///
/// # Errors
/// A usage error; a priority that is no number is a plain one.
pub fn process(text: &[u8]) -> Result<Priority> {
    let (name, given) = split(text);
    let given = given
        .map_or(Ok(0), |text| unsigned(text, 10))
        .map_err(|e| e.error(msg!("invalid process scheduler priority")))?;
    let (class, priority) = match name {
        b"other" => (libc::SCHED_OTHER, 0),
        b"fifo" => (libc::SCHED_FIFO, given),
        b"rr" => (libc::SCHED_RR, given),
        _ => return Err(Error::usage(msg!("invalid process scheduler policy"))),
    };
    let (least, greatest) = daemon::priorities(class);
    if priority < least {
        return Err(Error::usage(msg!(
            "process scheduler priority less than min"
        )));
    }
    if priority > greatest {
        return Err(Error::usage(msg!(
            "process scheduler priority greater than max"
        )));
    }
    Ok(Priority {
        name: name.to_vec(),
        class,
        priority,
    })
}

/// `CLASS[:PRIORITY]` of `--iosched`.
///
/// # Errors
/// A usage error; a priority that is no number is a plain one.
pub fn io(text: &[u8]) -> Result<Priority> {
    let (name, given) = split(text);
    let given = given
        .map_or(Ok(4), |text| unsigned(text, 10))
        .map_err(|e| e.error(msg!("invalid IO scheduler priority")))?;
    let (class, priority) = match name {
        b"real-time" => (1, given),
        b"best-effort" => (2, given),
        b"idle" => (3, IO_LOWEST),
        _ => return Err(Error::usage(msg!("invalid IO scheduler policy"))),
    };
    if priority > IO_LOWEST {
        return Err(Error::usage(msg!("IO scheduler priority greater than max")));
    }
    Ok(Priority {
        name: name.to_vec(),
        class,
        priority,
    })
}

impl Priority {
    /// The number that ioprio_set(2) takes.
    pub fn io_value(&self) -> i32 {
        self.class << CLASS_SHIFT | self.priority
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    fn number(priority: Priority) -> (i32, i32) {
        (priority.class, priority.priority)
    }

    #[test]
    fn policies() {
        assert_eq!(number(process(b"other:50").unwrap()), (0, 0));
        assert_eq!(number(process(b"fifo:1").unwrap()), (1, 1));
        assert_eq!(number(process(b"rr:99").unwrap()), (2, 99));
        for wrong in ["fifo", "fifo:0", "rr:100", "batch", "", "Other"] {
            let error = process(wrong.as_bytes()).unwrap_err();
            assert_eq!(error.kind, Kind::Usage, "{wrong}");
        }
        assert_eq!(process(b"fifo:x").unwrap_err().kind, Kind::Failure);
    }

    #[test]
    fn classes() {
        assert_eq!(io(b"real-time").unwrap().io_value(), 1 << 13 | 4);
        assert_eq!(io(b"best-effort:0").unwrap().io_value(), 2 << 13);
        assert_eq!(io(b"idle:9").unwrap().io_value(), 3 << 13 | 7);
        assert_eq!(io(b"best-effort:8").unwrap_err().kind, Kind::Usage);
        assert_eq!(io(b"best-effort:").unwrap_err().kind, Kind::Failure);
    }
}
