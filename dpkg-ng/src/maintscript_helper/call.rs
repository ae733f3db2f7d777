//! The parameters that the four commands share, and what is demanded of them.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;

use libdpkgng::version::Version;

use super::Helper;
use crate::shell::{self, Exit, Step};

/// `PARAMETER… [LAST-VERSION [PACKAGE]] -- ACTION [PARAM]`
pub struct Call {
    /// The last version that needs the change; empty for all.
    pub last_version: Vec<u8>,
    /// The package, with its architecture where that is known.
    pub package: Vec<u8>,
    /// The maintainer script's first parameter.
    pub action: Vec<u8>,
    /// Its second: the version upgraded from.
    pub param: Vec<u8>,
    /// `DPKG_MAINTSCRIPT_NAME`
    pub script: Vec<u8>,
}

/// An argument, empty where there is none.
pub fn argument(args: &[OsString], at: usize) -> &[u8] {
    args.get(at).map(|a| a.as_bytes()).unwrap_or_default()
}

impl Helper {
    /// A variable's value, empty where there is none.
    pub fn variable(&self, name: &str) -> &[u8] {
        self.env.get(name).map(|v| v.as_bytes()).unwrap_or_default()
    }

    /// A path below the root, with something added to its name.
    pub fn below_root(&self, path: &[u8], suffix: &str) -> Vec<u8> {
        [&*self.root, path, suffix.as_bytes()].concat()
    }

    /// Read what follows the first `own` arguments.
    pub fn call(&self, args: &[OsString], own: usize) -> Step<Call> {
        let mut last_version = argument(args, own);
        let mut package = argument(args, own + 1);
        if last_version == b"--" {
            (last_version, package) = (b"", b"");
        }
        let of_environment = || {
            let name = self.variable("DPKG_MAINTSCRIPT_PACKAGE");
            match self.variable("DPKG_MAINTSCRIPT_ARCH") {
                b"" => name.to_vec(),
                arch => [name, arch].join(&b':'),
            }
        };
        let package = match package {
            b"" | b"--" => of_environment(),
            package => package.to_vec(),
        };
        let Some(dashes) = args.iter().position(|a| a == "--") else {
            return Err(self.words.badusage(b"missing arguments after --"));
        };
        Ok(Call {
            last_version: last_version.to_vec(),
            package,
            action: argument(args, dashes + 1).to_vec(),
            param: argument(args, dashes + 2).to_vec(),
            script: self.variable("DPKG_MAINTSCRIPT_NAME").to_vec(),
        })
    }

    /// End with this error unless it holds.
    pub fn demand(&self, holds: bool, error: &str) -> Step {
        match holds {
            true => Ok(()),
            false => Err(self.words.error(error.as_bytes())),
        }
    }

    /// That the maintainer script's environment is there.
    pub fn demand_environment(&self) -> Step {
        for name in ["DPKG_MAINTSCRIPT_NAME", "DPKG_MAINTSCRIPT_PACKAGE"] {
            let text = format!("environment variable {name} is required");
            self.demand(!self.variable(name).is_empty(), &text)?;
        }
        Ok(())
    }

    /// `validate_optional_version`
    pub fn demand_version(&self, version: &[u8]) -> Step {
        if version.is_empty() || is_plain(version) {
            return Ok(());
        }
        let args: [&[u8]; 3] = [b"--validate-version", b"--", version];
        match shell::output(&self.env, "dpkg", &args, true) {
            Ok((0, _)) => Ok(()),
            Ok((_, said)) => Err(self.words.error(&shell::substituted(&said))),
            Err(Exit(_)) => Err(self.words.error(b"dpkg: not found")),
        }
    }

    /// Whether the version upgraded from is no later than the last one that needs the change.
    /// What dpkg has something to say to, or debugs, it is asked for.
    pub fn is_upgrade_from(&self, call: &Call) -> bool {
        if call.param.is_empty() {
            return false;
        }
        let (from, last) = (&*call.param, &*call.last_version);
        let silent = self.env.get("DPKG_DEBUG").is_none();
        if silent && is_plain(from) && (last.is_empty() || is_plain(last)) {
            return last.is_empty() || Version::parse(from).0 <= Version::parse(last).0;
        }
        let args: [&[u8]; 5] = [b"--compare-versions", b"--", from, b"le-nl", last];
        shell::run(&self.env, "dpkg", &args).is_ok()
    }

    /// The first two debug lines of a command.
    pub fn debug_call(&self, what: &[u8], call: &Call) {
        self.words.debug(|| {
            let package = self.variable("DPKG_MAINTSCRIPT_PACKAGE");
            let (path, script) = (&*self.path, &*call.script);
            [
                b"Executing ",
                path,
                b" ",
                &*self.command,
                b" in ",
                script,
                b" of ",
                package,
            ]
            .concat()
        });
        self.words.debug(|| {
            let mut line = [what, b" PACKAGE=", &call.package].concat();
            line.extend([&b" LASTVERSION="[..], &call.last_version].concat());
            line.extend([&b" ACTION="[..], &call.action, b" PARAM=", &call.param].concat());
            line
        });
    }

    /// What is said in a script that needs nothing done.
    pub fn debug_not_required(&self, call: &Call) {
        self.words.debug(|| {
            let (path, command) = (&*self.path, &*self.command);
            [path, b" ", command, b" not required in ", &call.script].concat()
        });
    }
}

impl Call {
    /// Whether a new version is about to be unpacked over an old one, or the removed one's rest.
    pub fn begins(&self) -> bool {
        matches!(&*self.action, b"install" | b"upgrade")
    }

    /// Whether that was given up.
    pub fn aborts(&self) -> bool {
        matches!(&*self.action, b"abort-install" | b"abort-upgrade")
    }
}

/// Whether dpkg has nothing to say about a version.
fn is_plain(version: &[u8]) -> bool {
    Version::parse(version).1.is_none()
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::NAME;
    use super::*;
    use crate::cli::Env;
    use crate::shell::Words;

    pub(in super::super) fn helper() -> Helper {
        let mut env = Env::default();
        env.set("DPKG_MAINTSCRIPT_PACKAGE", b"pk");
        env.set("DPKG_MAINTSCRIPT_ARCH", b"amd64");
        Helper {
            words: Words::new(&env, NAME.as_bytes()),
            env,
            path: NAME.into(),
            root: Vec::new(),
            command: b"rm_conffile".to_vec(),
            umask: nix::sys::stat::Mode::empty(),
        }
    }

    #[test]
    fn parameters() {
        let call = |line: &str| {
            let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            let call = helper().call(&args, 1).ok()?;
            let text = |b: Vec<u8>| String::from_utf8_lossy(&b).into_owned();
            Some([call.last_version, call.package, call.action, call.param].map(text))
        };
        let some = |words: [&str; 4]| Some(words.map(str::to_owned));
        assert_eq!(call("/c -- a b"), some(["", "pk:amd64", "a", "b"]));
        assert_eq!(call("/c 1 -- a"), some(["1", "pk:amd64", "a", ""]));
        assert_eq!(call("/c 1 q -- a"), some(["1", "q", "a", ""]));
        assert_eq!(call("/c 1 q x y --"), some(["1", "q", "", ""]));
        assert_eq!(call("/c 1 q"), None);
    }

    #[test]
    fn no_last_version_is_later_than_any() {
        let from = |param: &str, last: &str| {
            let call = Call {
                last_version: last.into(),
                package: Vec::new(),
                action: Vec::new(),
                param: param.into(),
                script: Vec::new(),
            };
            helper().is_upgrade_from(&call)
        };
        assert!(from("9", ""));
        assert!(from("1", "1"));
        assert!(from("1~", "1"));
        assert!(!from("1.1", "1"));
        assert!(!from("", "1"));
    }
}
