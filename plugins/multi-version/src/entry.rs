//! What dpkg-ng finds in the plugin.

use std::ffi::OsString;

use dpkgng_plugin::{Claim, Failed, Host, Plugin, export};

use crate::command;

struct MultiVersion;

export!(MultiVersion);

impl Plugin for MultiVersion {
    const NAME: &str = "multi-version";
    const VERSION: &str = env!("CARGO_PKG_VERSION");
    const CLAIMS: &[Claim] = &[
        Claim::Option("multi-version"),
        Claim::Option("view"),
        Claim::Command("view"),
        Claim::Command("doctor"),
        Claim::Command("gc"),
        Claim::Command("relink"),
        Claim::Command("run"),
        Claim::Command("upgrade"),
        Claim::Command("complete"),
    ];

    fn command(host: Host, args: &[OsString]) -> Result<i32, Failed> {
        crate::logging::start();
        command::run(host, args)
    }
}
