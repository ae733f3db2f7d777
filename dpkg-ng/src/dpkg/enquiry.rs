//! Actions that answer a question without touching a package.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use libdpkgng::arch;
use libdpkgng::error::Error;
use libdpkgng::name;
use libdpkgng::report::debug;
use libdpkgng::version::{Epoch, Relation, Version, VersionProblem};
use libdpkgng::{err, msg};

use super::args::DpkgArgs;
use crate::cli::{Process, Step, exactly};

/// A feature that scripts may ask for before they rely on it.
struct Feature {
    name: &'static str,
    since: &'static str,
    description: &'static str,
}

#[rustfmt::skip]
const FEATURES: &[Feature] = &[
    Feature { name: "support-predepends", since: "1.1.0", description: "the Pre-Depends field" },
    Feature { name: "working-epoch", since: "1.4.0.7", description: "epochs in versions" },
    Feature { name: "long-filenames", since: "1.4.1.17", description: "long filenames in .deb archives" },
    Feature { name: "multi-conrep", since: "1.4.1.19", description: "multiple Conflicts and Replaces" },
    Feature { name: "multi-arch", since: "1.16.2", description: "multi-arch fields and semantics" },
    Feature { name: "versioned-provides", since: "1.17.11", description: "versioned relationships in the Provides field" },
    Feature { name: "protected-field", since: "1.20.1", description: "the Protected field" },
];

/// What `--assert-` takes.
pub fn features() -> impl Iterator<Item = &'static str> {
    FEATURES.iter().map(|f| f.name).chain(["help"])
}

/// `--assert-FEATURE`: does the dpkg that runs us (a maintainer script's) know it? Outside of
/// maintainer scripts, the dpkg that would run is this one, which does.
pub fn assert_feature(process: &mut Process, args: &DpkgArgs) -> Step<i32> {
    let wanted = args.settings.assert_feature.as_bytes();
    if wanted == b"help" {
        let program = process.program();
        process.report.output(msg!(
            "%s assert options - assert whether features are supported:\n",
            program
        ));
        for f in FEATURES {
            process.report.output(msg!(
                "  %-19s %-9s %s\n",
                f.name,
                f.since,
                msg!(f.description)
            ));
        }
        return Ok(0);
    }
    let Some(feature) = FEATURES.iter().find(|f| f.name.as_bytes() == wanted) else {
        return Err(Error::usage(msg!("unknown --%s-<feature>", args.verb())).into());
    };
    no_arguments(args)?;
    let Some(running) = process.env.get_nonempty("DPKG_RUNNING_VERSION") else {
        return Ok(0);
    };
    let (version, problem) = Version::parse(running.as_bytes());
    if let Some(problem) = problem {
        return Err(err!(
            "cannot parse dpkg running version '%s': %s",
            running,
            problem.msg
        )
        .into());
    }
    let (since, _) = Version::parse(feature.since.as_bytes());
    if Relation::Ge.holds(&version, &since) {
        return Ok(0);
    }
    process.report.output(msg!(
        "Running version of dpkg does not support %s.\n Please upgrade to at least dpkg %s, and then try again.\n",
        msg!(feature.description),
        feature.since
    ));
    Ok(1)
}

/// `--validate-pkgname`
pub fn validate_pkgname(args: &DpkgArgs) -> Step<i32> {
    let [name] = exactly(&args.args)
        .ok_or_else(|| Error::usage(msg!("--%s takes one <pkgname> argument", args.verb())))?;
    if let Some(problem) = name::check_package(name.as_bytes()) {
        return Err(err!("package name '%s' is invalid: %s", name, problem).into());
    }
    Ok(0)
}

/// `--validate-trigname`
pub fn validate_trigname(args: &DpkgArgs) -> Step<i32> {
    let [name] = exactly(&args.args)
        .ok_or_else(|| Error::usage(msg!("--%s takes one <trigname> argument", args.verb())))?;
    if let Some(problem) = name::check_trigger(name.as_bytes()) {
        return Err(err!("trigger name '%s' is invalid: %s", name, problem).into());
    }
    Ok(0)
}

/// `--validate-archname`
pub fn validate_archname(args: &DpkgArgs) -> Step<i32> {
    let [name] = exactly(&args.args)
        .ok_or_else(|| Error::usage(msg!("--%s takes one <archname> argument", args.verb())))?;
    if let Some(problem) = arch::check_name(&name.to_string_lossy()) {
        return Err(err!("architecture name '%s' is invalid: %s", name, problem).into());
    }
    Ok(0)
}

/// A problem with a version as a warning, or as the error that ends the run.
fn version_problem(process: &mut Process, text: &OsStr, problem: VersionProblem) -> Step {
    let what = msg!("version '%s' has bad syntax", text);
    let line = msg!("%s: %s", what, problem.msg);
    if problem.fatal {
        return Err(Error::new(line).into());
    }
    process.report.warning(line);
    Ok(())
}

/// `--validate-version`
pub fn validate_version(process: &mut Process, args: &DpkgArgs) -> Step<i32> {
    let [text] = exactly(&args.args)
        .ok_or_else(|| Error::usage(msg!("--%s takes one <version> argument", args.verb())))?;
    match Version::parse(text.as_bytes()).1 {
        None => Ok(0),
        Some(problem) => {
            version_problem(process, text, problem)?;
            Ok(1)
        }
    }
}

/// What a comparison operator says of an absent version.
#[derive(Clone, Copy, PartialEq)]
enum Absent {
    /// It is earlier than any version.
    Earlier,
    /// It is later than any version.
    Later,
}

/// Operators of `--compare-versions`: word, which orders make it true (less, equal, greater),
/// what an absent version is, and whether it is obsolete.
#[rustfmt::skip]
const OPERATORS: &[(&str, [bool; 3], Absent, bool)] = &[
    ("le", [true, true, false], Absent::Earlier, false),
    ("lt", [true, false, false], Absent::Earlier, false),
    ("eq", [false, true, false], Absent::Earlier, false),
    ("ne", [true, false, true], Absent::Earlier, false),
    ("ge", [false, true, true], Absent::Earlier, false),
    ("gt", [false, false, true], Absent::Earlier, false),
    ("le-nl", [true, true, false], Absent::Later, false),
    ("lt-nl", [true, false, false], Absent::Later, false),
    ("ge-nl", [false, true, true], Absent::Later, false),
    ("gt-nl", [false, false, true], Absent::Later, false),
    ("<", [true, true, false], Absent::Earlier, true),
    ("<=", [true, true, false], Absent::Earlier, false),
    ("<<", [true, false, false], Absent::Earlier, false),
    ("=", [false, true, false], Absent::Earlier, false),
    (">", [false, true, true], Absent::Earlier, true),
    (">=", [false, true, true], Absent::Earlier, false),
    (">>", [false, false, true], Absent::Earlier, false),
];

/// `--compare-versions`
pub fn compare_versions(process: &mut Process, args: &DpkgArgs) -> Step<i32> {
    let [a, operator, b] = exactly(&args.args).ok_or_else(|| {
        Error::usage(msg!(
            "--compare-versions takes three arguments: <version> <relation> <version>"
        ))
    })?;
    let Some((word, truth, absent, obsolete)) = OPERATORS
        .iter()
        .find(|row| row.0.as_bytes() == operator.as_bytes())
    else {
        return Err(Error::usage(msg!("--compare-versions bad relation")).into());
    };
    if *obsolete {
        process.report.warning(msg!(
            "--%s used with obsolete relation operator '%s'",
            args.verb(),
            *word
        ));
    }
    let mut read = |text: &OsStr| -> Step<Version> {
        if text.is_empty() || text == "<unknown>" {
            return Ok(Version::default());
        }
        let (version, problem) = Version::parse(text.as_bytes());
        if let Some(problem) = problem {
            version_problem(process, text, problem)?;
        }
        Ok(version)
    };
    let (a, b) = (read(a)?, read(b)?);
    let order = match (a.is_informative(), b.is_informative()) {
        (true, true) => {
            let order = a.cmp(&b);
            process.report.debug(debug::GENERAL, || {
                msg!(
                    "cmpversions a='%s' b='%s' r=%d",
                    a.describe_c(Epoch::Always),
                    b.describe_c(Epoch::Always),
                    order as i32
                )
            });
            order as i32
        }
        (false, false) => 0,
        (false, true) => {
            if *absent == Absent::Earlier {
                -1
            } else {
                1
            }
        }
        (true, false) => {
            if *absent == Absent::Earlier {
                1
            } else {
                -1
            }
        }
    };
    let index = (order.signum() + 1) as usize;
    let holds = truth.get(index).copied().unwrap_or(false);
    Ok(i32::from(!holds))
}

/// Actions that take no arguments say so.
pub(super) fn no_arguments(args: &DpkgArgs) -> Result<(), Error> {
    if args.args.is_empty() {
        return Ok(());
    }
    Err(Error::usage(msg!("--%s takes no arguments", args.verb())))
}
