//! Users and groups by name or number, as the machine knows them (getpwnam(3), getgrnam(3)).

use std::path::PathBuf;

use nix::unistd::{Gid, Group, Uid, User};

use super::{failed, unsigned};
use crate::error::{Error, Result};
use crate::msg;

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The name.
    pub name: Vec<u8>,
    /// The number.
    pub uid: u32,
    /// The group that the user is always in.
    pub gid: u32,
    /// The home directory.
    pub home: PathBuf,
}

/// What a question to the databases comes to: names that are no text are nobody's.
fn found<T>(answer: nix::Result<Option<T>>, kind: &'static str, name: &[u8]) -> Result<T> {
    let problem = msg!(kind, name);
    match answer {
        Ok(Some(entry)) => Ok(entry),
        Ok(None) => Err(Error::new(problem)),
        Err(e) => Err(failed(problem, e)),
    }
}

fn user_by_name(name: &[u8]) -> nix::Result<Option<User>> {
    std::str::from_utf8(name).map_or(Ok(None), User::from_name)
}

const NO_USER: &str = "user '%s' not found";
const NO_GROUP: &str = "group '%s' not found";

impl Account {
    /// A user that must exist, by name or number.
    ///
    /// # Errors
    /// There is none.
    pub fn find(text: &[u8]) -> Result<Account> {
        let answer = match unsigned(text, 10) {
            Ok(uid) => User::from_uid(Uid::from_raw(uid as u32)),
            Err(_) => user_by_name(text),
        };
        let user = found(answer, NO_USER, text)?;
        Ok(Account {
            name: user.name.into_bytes(),
            uid: user.uid.as_raw(),
            gid: user.gid.as_raw(),
            home: user.dir,
        })
    }
}

/// A user's number; one that is given as a number need not be anybody's.
///
/// # Errors
/// There is no user of this name.
pub fn uid(text: &[u8]) -> Result<u32> {
    match unsigned(text, 10) {
        Ok(uid) => Ok(uid as u32),
        Err(_) => Ok(found(user_by_name(text), NO_USER, text)?.uid.as_raw()),
    }
}

/// A group's name and number; one that is given as a number keeps that for its name.
///
/// # Errors
/// There is no group of this name.
pub fn group(text: &[u8]) -> Result<(Vec<u8>, u32)> {
    if let Ok(gid) = unsigned(text, 10) {
        return Ok((text.to_vec(), gid as u32));
    }
    let answer = std::str::from_utf8(text).map_or(Ok(None), Group::from_name);
    let Group { name, gid, .. } = found(answer, NO_GROUP, text)?;
    Ok((name.into_bytes(), Gid::as_raw(gid)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers() {
        assert_eq!(Account::find(b"0").unwrap().name, b"root");
        assert_eq!(Account::find(b"root").unwrap().gid, 0);
        assert_eq!(uid(b"4242424").unwrap(), 4_242_424);
        assert_eq!(group(b"+7").unwrap(), (b"+7".to_vec(), 7));
        assert_eq!(group(b"root").unwrap().1, 0);
        let error = Account::find(b"no\xffbody").unwrap_err();
        assert!(error.to_string().ends_with("' not found"));
    }
}
