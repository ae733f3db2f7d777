//! Host functions about databases of packages.

use std::cell::RefCell;
use std::ffi::{OsStr, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use abi::Str;
use dpkgng_plugin_abi as abi;

use super::{HostBox, Loan, Walk, answer, arg, given, set, write_sized};
use crate::arch::{ArchTable, BUILD_ARCHITECTURE};
use crate::control::{self, ParseFlags};
use crate::db::modstatdb::{AvailMode, OpenMode};
use crate::db::{Database, Dirs};
use crate::error::Result;
use crate::force::{ForceSet, Known};
use crate::hooks::HookSet;
use crate::msg::Msg;
use crate::pipeline::{Action, Istobe, Options, Run};
use crate::pkg::{DepType, PkgId, PkgTable, Possi, Which};
use crate::plugin::hook::PluginHook;
use crate::report::{Prompter, Silent};
use crate::version::{Epoch, Relation};
use crate::{bail, err};

/// What a handle of packages points to.
pub(in crate::plugin) enum View<'a> {
    /// The table of a run, lent to a hook.
    Lent(&'a PkgTable),
    /// One that was opened. Not to be changed while it is looked at.
    Opened(Box<RefCell<Run>>),
}

impl View<'_> {
    /// The handle.
    pub(in crate::plugin) fn handle(&self) -> *const abi::Packages {
        std::ptr::from_ref(self).cast()
    }

    fn look<T>(&self, body: impl FnOnce(&PkgTable) -> Result<T>) -> Result<T> {
        match self {
            View::Lent(table) => body(table),
            View::Opened(run) => match run.try_borrow() {
                Ok(run) => body(&run.db.table),
                Err(_) => bail!("the database is being judged: use what the hook was given"),
            },
        }
    }

    fn change<T>(&self, body: impl FnOnce(&mut Run) -> Result<T>) -> Result<T> {
        match self {
            View::Lent(_) => bail!("what a hook was given cannot be changed"),
            View::Opened(run) => match run.try_borrow_mut() {
                Ok(mut run) => body(&mut run),
                Err(_) => bail!("the database is in use"),
            },
        }
    }
}

/// # Safety
/// A handle that is still good.
unsafe fn view<'a>(packages: *const abi::Packages) -> Result<&'a View<'a>> {
    // SAFETY: the caller's promise.
    unsafe { packages.cast::<View<'a>>().as_ref() }.ok_or_else(|| err!("no packages"))
}

/// Nobody is asked while relations are judged.
struct Nobody;
impl Prompter for Nobody {
    fn ask(&mut self, _: &Msg) -> Result<Option<Vec<u8>>> {
        Ok(None)
    }
    fn shell(&mut self, _: &[(&str, &[u8])]) -> Result<()> {
        Ok(())
    }
    fn diff(&mut self, _: &Path, _: &Path) -> Result<()> {
        Ok(())
    }
}

/// Options of a run that does nothing.
fn judging() -> Options {
    Options {
        action: Action::Install,
        act: false,
        alsoselect: true,
        autodeconf: false,
        debsig: false,
        pending: false,
        recursive: false,
        skipsame: false,
        triggers: false,
        ahead: 0,
        abort_after: 0,
        force: ForceSet::none(Known::ALL),
        ignore_depends: Vec::new(),
        filters: Default::default(),
        tmpdir: PathBuf::new(),
        script_env: Vec::new(),
        running_version: String::new(),
    }
}

pub(super) unsafe extern "C" fn open(
    host: *const abi::Host,
    admindir: Str,
    instdir: Str,
    hooks: *const abi::Hooks,
    data: *mut c_void,
    packages: *mut *mut abi::Packages,
) -> i32 {
    answer(|| {
        // SAFETY: our table.
        let host = unsafe { HostBox::of(host) }?;
        host.frontend()?;
        if packages.is_null() {
            bail!("no room for packages");
        }
        // SAFETY: arguments.
        let [admindir, instdir] =
            unsafe { [arg(admindir), arg(instdir)] }.map(|b| PathBuf::from(OsStr::from_bytes(b)));
        let mut db = Database::new(
            Dirs::new(admindir, instdir),
            ArchTable::new(BUILD_ARCHITECTURE),
        );
        db.open(OpenMode::ReadOnly, AvailMode::None, &mut Silent)?;
        let mut set_of_hooks = HookSet::default();
        if !hooks.is_null() {
            // SAFETY: hooks of the plugin, which stay as long as the handle.
            let hook = unsafe { PluginHook::new(host, hooks, data) };
            set_of_hooks.push(Box::new(hook));
        }
        let run = Run::new(
            db,
            judging(),
            Box::new(Silent),
            Box::new(Nobody),
            set_of_hooks,
        );
        let opened = Box::new(View::Opened(Box::new(RefCell::new(run))));
        // SAFETY: the plugin's room for it.
        unsafe { set(packages, Box::into_raw(opened).cast()) };
        Ok(abi::NO)
    })
}

pub(super) unsafe extern "C" fn close(_: *const abi::Host, packages: *mut abi::Packages) {
    answer(|| {
        // SAFETY: a handle.
        if let View::Lent(_) = unsafe { view(packages) }? {
            bail!("what a hook was given is not to be closed");
        }
        // SAFETY: what `open` made, closed once.
        drop(unsafe { Box::from_raw(packages.cast::<View<'static>>()) });
        Ok(abi::NO)
    });
}

pub(super) unsafe extern "C" fn each(
    _: *const abi::Host,
    packages: *const abi::Packages,
    each: abi::PackageFn,
    user: *mut c_void,
) -> i32 {
    answer(|| {
        let each = given(each)?;
        // SAFETY: a handle.
        let view = unsafe { view(packages) }?;
        let all = view.look(|table| {
            let mut all = table.sorted();
            all.retain(|pkg| is_known(table, *pkg));
            Ok(all)
        })?;
        let mut walk = Walk::new();
        for pkg in all {
            // SAFETY: the plugin's function.
            if !walk.goes_on(unsafe { each(user, pkg.0) }) {
                break;
            }
        }
        Ok(walk.0)
    })
}

/// Whether there is more to a package than that others name it.
fn is_known(table: &PkgTable, pkg: PkgId) -> bool {
    table[pkg].is_informative(Which::Installed) || table[pkg].is_informative(Which::Available)
}

pub(super) unsafe extern "C" fn find(
    _: *const abi::Host,
    packages: *const abi::Packages,
    name: Str,
    package: *mut u32,
) -> i32 {
    answer(|| {
        // SAFETY: a handle and an argument.
        let (view, name) = unsafe { (view(packages)?, arg(name)) };
        let name = String::from_utf8_lossy(name);
        let (name, arch) = match name.split_once(':') {
            Some((name, arch)) => (name, Some(arch)),
            None => (&*name, None),
        };
        let found = view.look(|table| {
            let Some(set) = table.lookup_set(name) else {
                return Ok(None);
            };
            let Some(arch) = arch else {
                let ambiguous = || {
                    err!(
                        "ambiguous package name '%s' with more than one installed instance",
                        name
                    )
                };
                return table.singleton(set).map(Some).ok_or_else(ambiguous);
            };
            let mut pkgs = table[set].pkgs.iter();
            let is_it = |p: &&PkgId| table.arches.name(table[**p].installed.arch) == arch;
            Ok(pkgs.find(is_it).copied())
        })?;
        let known = |pkg: &PkgId| {
            view.look(|table| Ok(is_known(table, *pkg)))
                .unwrap_or(false)
        };
        let Some(pkg) = found.filter(known) else {
            return Ok(abi::NO);
        };
        // SAFETY: the plugin's room for it.
        unsafe { set(package, pkg.0) };
        Ok(abi::YES)
    })
}

/// The package of a number.
fn package(table: &PkgTable, number: u32) -> Result<PkgId> {
    match (number as usize) < table.count() {
        true => Ok(PkgId(number)),
        false => bail!("there is no package %d", number),
    }
}

fn which_of(which: u32) -> Result<Which> {
    match which {
        abi::INSTALLED => Ok(Which::Installed),
        abi::AVAILABLE => Ok(Which::Available),
        _ => bail!("there is no description %d of a package", which),
    }
}

pub(super) unsafe extern "C" fn info(
    _: *const abi::Host,
    packages: *const abi::Packages,
    number: u32,
    which: u32,
    info: *mut abi::PackageInfo,
) -> i32 {
    answer(|| {
        // SAFETY: a handle.
        let view = unsafe { view(packages) }?;
        let which = which_of(which)?;
        let told = view.look(|table| {
            let pkg = package(table, number)?;
            let (p, bin) = (&table[pkg], table[pkg].bin(which));
            let version = match bin.version.is_informative() {
                true => bin.version.to_bytes(Epoch::NonAmbig),
                false => Vec::new(),
            };
            let loan = Loan::of("package_info");
            Ok(abi::PackageInfo {
                size: 0,
                package: number,
                name: loan.lend(table.set_name(pkg).into()),
                architecture: loan.lend(table.arches.name(bin.arch).into()),
                version: loan.lend(version),
                want: Str::new(p.want.as_str().as_bytes()),
                error_flag: Str::new(p.eflag.as_str().as_bytes()),
                status: Str::new(p.status().as_str().as_bytes()),
            })
        })?;
        // SAFETY: the plugin's, as long as it says.
        unsafe { write_sized(info, &told) };
        Ok(abi::NO)
    })
}

pub(super) unsafe extern "C" fn stanza(
    _: *const abi::Host,
    packages: *const abi::Packages,
    number: u32,
    which: u32,
    text: *mut Str,
) -> i32 {
    answer(|| {
        // SAFETY: a handle.
        let view = unsafe { view(packages) }?;
        let which = which_of(which)?;
        let stanza =
            view.look(|table| Ok(control::stanza(table, package(table, number)?, which)))?;
        // SAFETY: the plugin's room for it.
        unsafe { set(text, Loan::of("package_stanza").lend(stanza)) };
        Ok(abi::NO)
    })
}

pub(super) unsafe extern "C" fn add(
    _: *const abi::Host,
    packages: *mut abi::Packages,
    text: Str,
    number: *mut u32,
) -> i32 {
    answer(|| {
        // SAFETY: a handle and an argument.
        let (view, text) = unsafe { (view(packages)?, arg(text)) };
        let pkg = view.change(|run| {
            let flags = ParseFlags::BINARY;
            let table = &mut run.db.table;
            let (_, pkg) = control::parse_bytes(b"control", text, flags, table, &mut Silent)?;
            pkg.ok_or_else(|| err!("no package in the paragraph"))
        })?;
        // SAFETY: the plugin's room for it.
        unsafe { set(number, pkg.0) };
        Ok(abi::NO)
    })
}

pub(super) unsafe extern "C" fn expect(
    _: *const abi::Host,
    packages: *mut abi::Packages,
    number: u32,
    what: u32,
) -> i32 {
    answer(|| {
        // SAFETY: a handle.
        let view = unsafe { view(packages) }?;
        let istobe = match what {
            abi::STAYS => Istobe::Normal,
            abi::TO_BE_REMOVED => Istobe::Remove,
            abi::TO_BE_INSTALLED => Istobe::InstallNew,
            _ => bail!("nothing like %d can happen to a package", what),
        };
        view.change(|run| {
            let pkg = package(&run.db.table, number)?;
            run.state(pkg).istobe = istobe;
            Ok(abi::NO)
        })
    })
}

pub(super) unsafe extern "C" fn judge(
    _: *const abi::Host,
    packages: *mut abi::Packages,
    number: u32,
    kind: u32,
    verdict: *mut abi::Verdict,
) -> i32 {
    answer(|| {
        // SAFETY: a handle.
        let view = unsafe { view(packages) }?;
        let (kind, _) = kind_of(kind)?;
        let problem = view.change(|run| {
            let pkg = package(&run.db.table, number)?;
            let which = match run.istobe(pkg) {
                Istobe::InstallNew => Which::Available,
                _ => Which::Installed,
            };
            let depends = run.db.table[pkg].bin(which).depends.clone();
            let of_kind = depends.iter().filter(|d| d.kind == kind);
            for (group, dep) in of_kind.enumerate() {
                let judged = run.depisok(pkg, dep, true, false, false);
                if !judged.ok {
                    return Ok(Some((group as u32, judged)));
                }
            }
            Ok(None)
        })?;
        let Some((group, judged)) = problem else {
            return Ok(abi::YES);
        };
        let told = abi::Verdict {
            size: 0,
            group,
            culprit: judged.fixbyrm.map_or(abi::NO_PACKAGE, |p| p.0),
            why: Loan::of("packages_judge").lend(judged.whynot.to_msg().to_string().into_bytes()),
        };
        // SAFETY: the plugin's, as long as it says.
        unsafe { write_sized(verdict, &told) };
        Ok(abi::NO)
    })
}

/// The relation fields with their numbers.
const KINDS: [(u32, DepType, &str); 9] = [
    (abi::DEPENDS, DepType::Depends, "Depends"),
    (abi::PRE_DEPENDS, DepType::PreDepends, "Pre-Depends"),
    (abi::RECOMMENDS, DepType::Recommends, "Recommends"),
    (abi::SUGGESTS, DepType::Suggests, "Suggests"),
    (abi::ENHANCES, DepType::Enhances, "Enhances"),
    (abi::CONFLICTS, DepType::Conflicts, "Conflicts"),
    (abi::BREAKS, DepType::Breaks, "Breaks"),
    (abi::PROVIDES, DepType::Provides, "Provides"),
    (abi::REPLACES, DepType::Replaces, "Replaces"),
];

/// The relation field of a number.
pub(super) fn kind_of(number: u32) -> Result<(DepType, &'static str)> {
    let found = KINDS.iter().find(|(n, ..)| *n == number);
    let found = found.map(|(_, kind, field)| (*kind, *field));
    found.ok_or_else(|| err!("there is no relation field %d", number))
}

const OPS: [(u32, Relation); 6] = [
    (abi::OP_NONE, Relation::None),
    (abi::OP_EQ, Relation::Eq),
    (abi::OP_LT, Relation::Lt),
    (abi::OP_LE, Relation::Le),
    (abi::OP_GT, Relation::Gt),
    (abi::OP_GE, Relation::Ge),
];

/// The operator of a number.
pub(super) fn op_of(number: u32) -> Result<Relation> {
    let found = OPS.iter().find(|(n, _)| *n == number).map(|(_, op)| *op);
    found.ok_or_else(|| err!("there is no way %d to compare versions", number))
}

/// The number of an operator.
pub(super) fn op_number(op: Relation) -> u32 {
    let found = OPS.iter().find(|(_, o)| *o == op).map(|(n, _)| *n);
    found.unwrap_or(abi::OP_NONE)
}

/// An alternative as the border has it, for as long as `body` runs.
pub(in crate::plugin) fn relation_of<T>(
    table: &PkgTable,
    kind: DepType,
    possi: &Possi,
    (group, alternative): (u32, u32),
    body: impl FnOnce(*const abi::Relation) -> T,
) -> T {
    let version = match possi.relation {
        Relation::None => Vec::new(),
        _ => possi.version.to_bytes(Epoch::NonAmbig),
    };
    let architecture = match possi.arch_is_implicit {
        true => "",
        false => table.arches.name(possi.arch),
    };
    let number = KINDS.iter().find(|(_, k, _)| *k == kind);
    let relation = abi::Relation {
        size: size_of::<abi::Relation>() as u32,
        kind: number.map_or(0, |(n, ..)| *n),
        group,
        alternative,
        name: Str::new(table[possi.ed].name.as_bytes()),
        architecture: Str::new(architecture.as_bytes()),
        op: op_number(possi.relation),
        version: Str::new(&version),
    };
    body(&relation)
}
