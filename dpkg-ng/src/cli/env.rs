//! The environment as a value: read once, changed by us, handed to children.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::process::Command;

use libdpkgng::sys::inherited;

/// Environment variables in their order. The process's own environment is never changed, so
/// tools that call each other in-process see what stock's see after `execvp`.
#[derive(Clone, Debug, Default)]
pub struct Env(Vec<Variable>);

/// A name and its value: borrowed from what the process was given, or ours.
pub type Variable = (Cow<'static, OsStr>, Cow<'static, OsStr>);

impl Env {
    /// The environment this process was given.
    pub fn inherited() -> Env {
        let given = inherited::environment().into_iter();
        Env(given.map(|(n, v)| (n.into(), v.into())).collect())
    }

    /// A variable's value.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        let found = self.0.iter().find(|(n, _)| **n == *name);
        found.map(|(_, value)| &**value)
    }

    /// A variable's value, if it is there and not empty.
    pub fn get_nonempty(&self, name: &str) -> Option<&OsStr> {
        self.get(name).filter(|v| !v.is_empty())
    }

    /// Set a variable, in its old place if it had one.
    pub fn set(&mut self, name: &str, value: &[u8]) {
        let value = Cow::Owned(OsStr::from_bytes(value).to_owned());
        match self.0.iter_mut().find(|(n, _)| **n == *name) {
            Some(slot) => slot.1 = value,
            None => self.0.push((Cow::Owned(OsString::from(name)), value)),
        }
    }

    /// Drop a variable.
    pub fn unset(&mut self, name: &str) {
        self.0.retain(|(n, _)| **n != *name);
    }

    /// Every variable.
    pub fn vars(&self) -> &[Variable] {
        &self.0
    }

    /// Have `command` run in this environment.
    pub fn apply(&self, command: &mut Command) {
        command.env_clear();
        command.envs(self.0.iter().map(|(n, v)| (n, v)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setting_replaces_and_unsetting_removes() {
        let mut env = Env::default();
        env.set("A", b"1");
        env.set("B", b"");
        env.set("A", b"2");
        assert_eq!(env.get("A"), Some(OsStr::new("2")));
        assert_eq!(
            (env.get("B"), env.get_nonempty("B")),
            (Some(OsStr::new("")), None)
        );
        env.unset("A");
        assert_eq!(env.vars().len(), 1);
    }
}
