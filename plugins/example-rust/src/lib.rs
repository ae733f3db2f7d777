//! A plugin in Rust: the command `example-rust`, which installs packages into directories of
//! their own, and shows the services that a plugin has.
//!
//! ```text
//! dpkg-ng --plugin libdpkgng_example_plugin.so example-rust COMMAND
//!     into DIR DPKG-ARGUMENTS…  run dpkg; the files of each package go to DIR/NAME, conflicts
//!                               are not seen, and what is called *-somewhere counts as there
//!     place DEB DIR             place a package's files below DIR, without setuid bits
//!     relations FIELD           what a Depends field says
//!     judge ADMINDIR CONTROL    what of the relations of a control file holds there
//!     list ADMINDIR             what is installed there
//!     ask                       ask something
//!     stray                     call the host from another thread
//!     panic                     break
//! ```
//!
//! Whatever may panic runs in [`abi::guard`]; nothing of the plugin is global but its tables.
#![allow(unsafe_code)]

mod host;

use std::cell::RefCell;
use std::ffi::{OsStr, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use abi::{ERROR, NO, Packages, Str, YES};
use dpkgng_plugin_abi as abi;
use host::{Failed, Host};

/// What is kept between calls. Calls nest (hooks, in a command that runs dpkg), so that nobody
/// has it alone.
struct State {
    host: Host,
    /// Where packages go, while `into` runs.
    dir: RefCell<Vec<u8>>,
    /// The path lent last.
    path: RefCell<Vec<u8>>,
}

/// Run the body of a function that has `data` and may fail.
fn enter(data: *mut c_void, body: impl FnOnce(&State) -> Result<i32, Failed>) -> i32 {
    abi::guard(|| {
        // SAFETY: what `init` gave, on the one thread we are called on.
        let state = unsafe { &*data.cast::<State>() };
        let host = state.host;
        match body(state) {
            Ok(number) => number,
            Err(Failed(text)) => {
                if let Some(text) = text {
                    host.set_error(&text);
                }
                ERROR
            }
        }
    })
}

unsafe extern "C" fn init(table: *const abi::Host, data: *mut *mut c_void) -> i32 {
    abi::guard(|| {
        let state = State {
            host: Host(table),
            dir: RefCell::default(),
            path: RefCell::default(),
        };
        // SAFETY: the host's room for it.
        unsafe { data.write(Box::into_raw(Box::new(state)).cast()) };
        NO
    })
}

unsafe extern "C" fn command(
    data: *mut c_void,
    args: *const Str,
    arg_count: usize,
    exit_code: *mut i32,
) -> i32 {
    enter(data, |state| {
        // SAFETY: so many arguments, lent for this call.
        let args: Vec<&[u8]> = (0..arg_count)
            .map(|i| unsafe { args.add(i).read().bytes() })
            .collect();
        let code = run(state, args.get(1..).unwrap_or_default(), data)?;
        // SAFETY: the host's room for it.
        unsafe { exit_code.write(code) };
        Ok(NO)
    })
}

fn run(state: &State, args: &[&[u8]], data: *mut c_void) -> Result<i32, Failed> {
    let host = state.host;
    match args {
        [b"into", dir, rest @ ..] => {
            state.dir.replace(dir.to_vec());
            host.dpkg(rest, &HOOKS, data)
        }
        [b"place", deb, dir] => {
            let top = std::fs::File::open(path(dir))?;
            host.place_without_setuid(deb, &top)?;
            Ok(0)
        }
        [b"relations", field] => {
            host.relations(abi::DEPENDS, field, |r| {
                // SAFETY: lent for this call.
                let [name, arch, version] =
                    [r.name, r.architecture, r.version].map(|s| text(unsafe { s.bytes() }));
                let line = format!(
                    "{}.{} {name} {arch} {} {version}\n",
                    r.group, r.alternative, r.op
                );
                host.say(abi::SAY_OUTPUT, &line);
            })?;
            Ok(0)
        }
        [b"judge", admindir, control] => {
            let control = std::fs::read(path(control))?;
            judge(host, admindir, &control)
        }
        [b"list", admindir] => {
            let packages = host.open(admindir)?;
            for package in packages.all()? {
                let line = packages.describe(package)?;
                host.say(abi::SAY_OUTPUT, &line);
            }
            Ok(0)
        }
        [b"ask"] => {
            let said = host.ask("What? ")?;
            let said = said.map_or("nothing".into(), |s| text(&s));
            host.say(abi::SAY_OUTPUT, &format!("{said}\n"));
            Ok(0)
        }
        [b"stray"] => {
            let table = host.0 as usize;
            let other = std::thread::spawn(move || {
                let host = Host(table as *const abi::Host);
                let result = host.say(abi::SAY_OUTPUT, "never\n");
                format!("{result} {}\n", host.error())
            });
            let told = other.join().unwrap_or_default();
            host.say(abi::SAY_OUTPUT, &told);
            Ok(0)
        }
        [b"panic"] => panic!("as asked"),
        _ => Err(Failed::new("what is example-rust to do?")),
    }
}

/// Say of each relation field of a control file whether it holds.
fn judge(host: Host, admindir: &[u8], control: &[u8]) -> Result<i32, Failed> {
    let packages = host.open(admindir)?;
    let package = packages.add(control)?;
    packages.expect(package, abi::TO_BE_INSTALLED)?;
    for (kind, name) in [(abi::DEPENDS, "Depends"), (abi::CONFLICTS, "Conflicts")] {
        let verdict = packages.judge(package, kind)?;
        host.say(abi::SAY_OUTPUT, &format!("{name}: {verdict}\n"));
    }
    Ok(0)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn path(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}

unsafe extern "C" fn install_path(
    data: *mut c_void,
    packages: *const Packages,
    package: u32,
    to: *mut Str,
) -> i32 {
    enter(data, |state| {
        let name = state.host.name(packages, package)?;
        let dir = [&state.dir.borrow()[..], b"/", name.as_bytes()].concat();
        std::fs::create_dir_all(path(&dir))?;
        let mut lent = state.path.borrow_mut();
        *lent = dir;
        // SAFETY: the host's room for it.
        unsafe { to.write(Str::new(&lent)) };
        Ok(YES)
    })
}

unsafe extern "C" fn hides(
    data: *mut c_void,
    packages: *const Packages,
    by: u32,
    package: u32,
    _: u32,
) -> i32 {
    enter(data, |state| {
        let names = [by, package].map(|p| state.host.name(packages, p));
        Ok(match names {
            [Ok(by), Ok(other)] if by != other => {
                i32::from(by.contains("alone") || other.contains("alone"))
            }
            [Err(e), _] | [_, Err(e)] => return Err(e),
            _ => NO,
        })
    })
}

unsafe extern "C" fn satisfies(
    data: *mut c_void,
    _: *const Packages,
    _: u32,
    relation: *const abi::Relation,
) -> i32 {
    enter(data, |_| {
        // SAFETY: lent for this call.
        let name = unsafe { (*relation).name.bytes() };
        Ok(i32::from(name.ends_with(b"-somewhere")))
    })
}

static HOOKS: abi::Hooks = abi::Hooks {
    size: size_of::<abi::Hooks>() as u32,
    pre: None,
    post: None,
    install_path: Some(install_path),
    hides: Some(hides),
    satisfies: Some(satisfies),
    wants_content: None,
    rewrite: None,
};

/// Tables have pointers; these lead to what never changes.
struct Shared<T>(T);
// SAFETY: never written.
unsafe impl<T> Sync for Shared<T> {}

static CLAIMS: Shared<[abi::Claim; 1]> = Shared([abi::Claim {
    size: size_of::<abi::Claim>() as u32,
    kind: abi::CLAIM_COMMAND,
    name: Str::new(b"example-rust"),
}]);

static PLUGIN: Shared<abi::Plugin> = Shared(abi::Plugin {
    header: abi::Header::of::<abi::Plugin>(0),
    name: Str::new(b"example-rust"),
    version: Str::new(b"1"),
    init: Some(init),
    claims: &raw const CLAIMS.0 as *const abi::Claim,
    claim_count: 1,
    command: Some(command),
    hooks: std::ptr::null(),
});

/// What dpkg-ng looks for.
#[unsafe(no_mangle)]
pub extern "C" fn dpkgng_plugin_entry(_: u32, _: u32) -> *const abi::Plugin {
    &raw const PLUGIN.0
}
