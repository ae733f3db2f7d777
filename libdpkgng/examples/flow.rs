use libdpkgng::{db::*, msg::*, pipeline::*, report::*, *};
use std::io::Write;
use std::path::*;
struct R {
    flags: u32,
    fd: bool,
    log: Option<std::fs::File>,
}
impl R {
    fn fdw(&self, s: String) {
        if self.fd {
            libdpkgng::sys::inherited::write_all(3, (s.replace('\n', " ") + "\n").as_bytes())
                .unwrap();
        }
    }
    fn logw(&mut self, s: String) {
        if let Some(f) = &mut self.log {
            writeln!(f, "2020-01-01 00:00:00 {s}").unwrap();
        }
    }
}
impl Reporter for R {
    fn debug_flags(&self) -> u32 {
        self.flags
    }
    fn event(&mut self, e: &Event<'_>) {
        match e {
            Event::Output(m) => {
                std::io::stdout().write_all(&m.render(&English)).unwrap();
                std::io::stdout().flush().unwrap();
            }
            Event::Data(d) => {
                std::io::stdout().write_all(d).unwrap();
                std::io::stdout().flush().unwrap();
            }
            Event::Warning(m) => eprintln!("dpkg: warning: {m}"),
            Event::Notice(m) => eprintln!("dpkg: {m}"),
            Event::Stderr(m) => eprint!("{m}"),
            Event::Debug { flag, text } => eprintln!("D{flag:06o}: {text}"),
            Event::Log(m) => self.logw(m.to_string()),
            Event::StatusFd(m) => self.fdw(m.to_string()),
            Event::Processing { action, pkg } => self.fdw(format!("processing: {action}: {pkg}")),
            Event::Status {
                pkg,
                pkg_nonambig,
                status,
                version,
            } => {
                self.logw(format!("status {status} {pkg} {version}"));
                self.fdw(format!("status: {pkg_nonambig}: {status}"));
            }
            _ => {}
        }
    }
}
struct P;
impl Prompter for P {
    fn ask(&mut self, p: &Msg) -> error::Result<Option<Vec<u8>>> {
        eprint!("{p}");
        let mut l = Vec::new();
        let mut b = [0u8];
        loop {
            use std::io::Read;
            match std::io::stdin().read(&mut b) {
                Ok(1) => {
                    if b[0] == b'\n' {
                        return Ok(Some(l));
                    } else {
                        l.push(b[0])
                    }
                }
                _ => return Ok(None),
            }
        }
    }
    fn shell(&mut self, _: &[(&str, &[u8])]) -> error::Result<()> {
        Ok(())
    }
    fn diff(&mut self, _: &Path, _: &Path) -> error::Result<()> {
        Ok(())
    }
}
fn main() {
    let mut root = PathBuf::new();
    let mut admin = PathBuf::from("/var/lib/dpkg");
    let mut names = vec![];
    let mut flags = 0;
    let mut fd = false;
    let mut log = None;
    let mut force = force::ForceSet::defaults(force::Known::ALL);
    let mut action = Action::Configure;
    let mut act = true;
    let mut pending = false;
    let mut ignore = vec![];
    let mut abort = 50;
    for a in std::env::args().skip(1) {
        if let Some(r) = a.strip_prefix("--root=") {
            root = r.into();
            admin = format!("{r}/var/lib/dpkg").into();
        } else if let Some(r) = a.strip_prefix("--admindir=") {
            admin = r.into();
        } else if let Some(r) = a.strip_prefix("--force-") {
            let _ = force.parse(r.as_bytes(), true).unwrap();
        } else if let Some(r) = a.strip_prefix("--log=") {
            log = Some(std::fs::File::create(r).unwrap());
        } else if let Some(r) = a.strip_prefix("--abort-after=") {
            abort = r.parse().unwrap();
        } else if let Some(r) = a.strip_prefix("--ignore-depends=") {
            ignore.push(r.to_string());
        } else if a == "--status-fd=3" {
            fd = true
        } else if a == "--no-act" {
            act = false
        } else if a == "--pending" {
            pending = true
        } else if let Some(r) = a.strip_prefix("-D") {
            flags = u32::from_str_radix(r, 8).unwrap();
        } else if a == "--configure" {
            action = Action::Configure
        } else if a == "--remove" {
            action = Action::Remove
        } else if a == "--purge" {
            action = Action::Purge
        } else if a == "--triggers-only" {
            action = Action::TriggersOnly
        } else {
            names.push(a.into_bytes())
        }
    }
    let mut arches = libdpkgng::arch::ArchTable::new("amd64");
    let dirs = Dirs {
        admindir: admin.clone(),
        instdir: root.clone(),
    };
    let _ = &mut arches;
    let mut db = Database::new(dirs, arches);
    let ignore_depends = ignore
        .iter()
        .map(|n| {
            pkgspec::parse_pkg(&mut db.table, n.as_bytes())
                .unwrap()
                .unwrap()
        })
        .collect();
    let mut env: Vec<(String, Vec<u8>)> =
        std::env::vars().map(|(a, b)| (a, b.into_bytes())).collect();
    env.push(("DPKG_FORCE".into(), force.names().into_bytes()));
    let trig = Some(!(action == Action::TriggersOnly && !names.is_empty()));
    let opts = Options {
        action,
        act,
        alsoselect: true,
        autodeconf: false,
        debsig: false,
        pending,
        recursive: false,
        skipsame: false,
        triggers: trig,
        abort_after: abort,
        force,
        ignore_depends,
        filters: Default::default(),
        tmpdir: "/tmp".into(),
        script_env: env,
        running_version: "1.22.22".into(),
        script_admindir: admin,
    };
    let mut run = Run::new(
        db,
        opts,
        Box::new(R { flags, fd, log }),
        Box::new(P),
        Default::default(),
    );
    let code = match run.packages(&names) {
        Ok(_) => run.finish(),
        Err(e) => {
            eprintln!("dpkg: error: {e}");
            if e.kind == error::Kind::Usage {
                eprint!(
                    "\nType dpkg --help for help about installing and deinstalling packages [*];\nUse 'apt' or 'aptitude' for user-friendly package management;\nType dpkg -Dhelp for a list of dpkg debug flag values;\nType dpkg --force-help for a list of forcing options;\nType dpkg-deb --help for help about manipulating *.deb files;\n\nOptions marked [*] produce a lot of output - pipe it through 'less' or 'more' !\n"
                )
            }
            2
        }
    };
    std::process::exit(code);
}
