//! Who is interested in what: `triggers/File`, `triggers/NAME`, and the `triggers` control
//! files they come from (triglib.c).

use std::collections::HashMap;

use super::{Interest, Kind};
use crate::db::Database;
use crate::db::dbfile::replace;
use crate::err;
use crate::error::{Error, OrFail, Result};
use crate::fsys::NodeId;
use crate::msg;
use crate::name::check_trigger;
use crate::pkg::{NameWhen, PkgId, Which};
use crate::pkgspec::parse_pkg;
use crate::sys::atomic::AtomicFile;
use crate::sys::dir;
use crate::sys::lines::Lines;
use crate::sys::place::{Absence, Spot};

/// The file of interests in paths.
const TRIGGERSFILE: &[u8] = b"File";

/// The longest line of `triggers/File` and `triggers/NAME`, with newline and terminator.
pub(super) const INTEREST_LINE: usize = 1024;

/// The longest line of a `triggers` control file, with newline and terminator.
const MAXTRIGDIRECTIVE: usize = 256;

/// Whether the one who activates a trigger awaits its processing (`trig_options`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Await {
    /// It does.
    Await,
    /// It does not.
    NoAwait,
}

impl Await {
    /// The option of an interest file's line, and the line without it
    /// (`trig_parse_trigger_options`). Unknown words mean to await.
    pub(super) fn split(line: &[u8]) -> (&[u8], Await) {
        match memchr::memchr(b'/', line) {
            None => (line, Await::Await),
            Some(slash) if &line[slash + 1..] == b"noawait" => (&line[..slash], Await::NoAwait),
            Some(slash) => (&line[..slash], Await::Await),
        }
    }

    fn suffix(self) -> &'static [u8] {
        match self {
            Await::Await => b"",
            Await::NoAwait => b"/noawait",
        }
    }
}

/// One interest in a path (`trigfileint`).
#[derive(Clone, Copy, Debug)]
pub(super) struct FileInterest {
    pub(super) pkg: PkgId,
    which: Which,
    node: NodeId,
    pub(super) options: Await,
}

/// `triggers/File` in core.
#[derive(Debug, Default)]
pub(super) struct FileInterests {
    /// In the file's order; what was dropped leaves a hole.
    all: Vec<Option<FileInterest>>,
    /// Indices into `all`, the latest interest in a path first, as dpkg keeps them.
    by_node: HashMap<NodeId, Vec<usize>>,
    /// `None` until the file was read; then whether it must be written.
    edited: Option<bool>,
}

/// How an interest changes (dpkg's `signum`).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    Delete,
    Add,
    /// Add, and it is an error if it is there already.
    AddNew,
}

/// A line of a `triggers` control file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Directive {
    /// An interest, or else an activation.
    pub(super) is_interest: bool,
    pub(super) trigger: Vec<u8>,
    pub(super) options: Await,
}

/// The directives of a `triggers` control file (`trig_parse_ci`), one by one, as what comes
/// before an error takes effect.
pub(super) struct CiFile<'a> {
    path: &'a Spot,
    lines: Lines<'a>,
}

impl<'a> CiFile<'a> {
    /// Open it; a missing file is `None`.
    pub(super) fn open(path: &'a Spot) -> Result<Option<CiFile<'a>>> {
        let open = path.read().if_there();
        let open = open.or_fail(|| msg!("unable to open triggers ci file '%.250s'", path))?;
        let Some(mut file) = open else {
            return Ok(None);
        };
        let lines = Lines::read(&mut file, path.shown(), MAXTRIGDIRECTIVE)?;
        Ok(Some(CiFile { path, lines }))
    }

    /// The next directive.
    pub(super) fn next_directive(&mut self) -> Result<Option<Directive>> {
        let blank = |c: &u8| matches!(c, b' ' | b'\t');
        while let Some(line) = self.lines.next_line()? {
            let skip = line.iter().take_while(|c| blank(c)).count();
            let line = &line[skip..];
            let tail = line.iter().rev().take_while(|c| blank(c)).count();
            let line = &line[..line.len() - tail];
            if matches!(line.first(), None | Some(b'#')) {
                continue;
            }
            let Some(end) = line.iter().position(blank) else {
                return Err(err!("triggers ci file contains unknown directive syntax"));
            };
            let (command, rest) = line.split_at(end);
            let skip = rest.iter().take_while(|c| blank(c)).count();
            let trigger = &rest[skip..];
            let (is_interest, options) = match command {
                b"interest" | b"interest-await" => (true, Await::Await),
                b"interest-noawait" => (true, Await::NoAwait),
                b"activate" | b"activate-await" => (false, Await::Await),
                b"activate-noawait" => (false, Await::NoAwait),
                _ => {
                    return Err(err!(
                        "triggers ci file contains unknown directive '%.250s'",
                        command
                    ));
                }
            };
            if let Some(why) = check_trigger(trigger) {
                return Err(err!(
                    "triggers ci file '%.250s' contains illegal trigger syntax in trigger name '%.250s': %.250s",
                    self.path,
                    trigger,
                    why
                ));
            }
            return Ok(Some(Directive {
                is_interest,
                trigger: trigger.to_vec(),
                options,
            }));
        }
        Ok(None)
    }
}

impl FileInterests {
    /// The interests in a path, the latest first.
    pub(super) fn of(&self, node: NodeId) -> Vec<FileInterest> {
        let indices = self.by_node.get(&node).map_or(&[][..], |v| v);
        indices.iter().filter_map(|i| self.all[*i]).collect()
    }

    /// Whether anyone is interested in any path.
    pub(super) fn is_empty(&self) -> bool {
        self.by_node.is_empty()
    }
}

impl Database {
    /// `trk_file_interest_change()`
    fn change_file_interest(
        &mut self,
        trigger: &[u8],
        pkg: PkgId,
        which: Which,
        change: Change,
        options: Await,
    ) -> Result<()> {
        let node = match change {
            Change::Delete => match self.fsys.lookup(trigger) {
                Some(node) => node,
                None => return Ok(()),
            },
            _ => self.fsys.find(trigger),
        };
        let files = &mut self.triggers.files;
        let here = files.by_node.get(&node).map_or(&[][..], |v| v);
        let of_pkg = |i: &usize| files.all[*i].is_some_and(|t| t.pkg == pkg);
        let found = here.iter().position(of_pkg);
        let Some(place) = found else {
            if change != Change::Delete {
                let index = files.all.len();
                files.all.push(Some(FileInterest {
                    pkg,
                    which,
                    node,
                    options,
                }));
                files.by_node.entry(node).or_default().insert(0, index);
                files.edited = Some(true);
            }
            return Ok(());
        };
        let index = here[place];
        match change {
            Change::AddNew => Err(err!(
                "duplicate file trigger interest for filename '%.250s' and package '%.250s'",
                trigger,
                self.table.bin_name(pkg, which, NameWhen::NonAmbig)
            )),
            Change::Add => {
                // The options change in core; like dpkg, that alone is no reason to write.
                if let Some(interest) = &mut files.all[index] {
                    interest.options = options;
                }
                Ok(())
            }
            Change::Delete => {
                files.all[index] = None;
                if let Some(here) = files.by_node.get_mut(&node) {
                    here.remove(place);
                    if here.is_empty() {
                        files.by_node.remove(&node);
                    }
                }
                files.edited = Some(true);
                Ok(())
            }
        }
    }

    /// `trk_explicit_interest_change()`: rewrite `triggers/NAME`.
    fn change_explicit_interest(
        &mut self,
        trigger: &[u8],
        pkg: PkgId,
        which: Which,
        change: Change,
        options: Await,
    ) -> Result<()> {
        let triggers = self.triggers_dir();
        let path = self.triggers_file(trigger);
        let old = super::read_explicit(&path)?;
        let file = AtomicFile::create(&path, false)?;
        let mut content = Vec::new();
        let mut lines = Lines::over(
            old.as_deref().unwrap_or_default(),
            path.shown(),
            INTEREST_LINE,
        );
        while let Some(line) = lines.next_line()? {
            let (name, options) = Await::split(line);
            if self.interest_pkg(&path, name)? != pkg {
                content.extend_from_slice(name);
                content.extend_from_slice(options.suffix());
                content.push(b'\n');
            }
        }
        if change != Change::Delete {
            let name = self.table.bin_name(pkg, which, NameWhen::Same);
            content.extend_from_slice(name.as_bytes());
            content.extend_from_slice(options.suffix());
            content.push(b'\n');
        }
        if content.is_empty() {
            file.remove()?;
        } else {
            drop(file);
            replace(&path, &content)?;
        }
        dir::sync(&triggers)
    }

    /// The package a line of `triggers/NAME` names.
    pub(super) fn interest_pkg(&mut self, path: &Spot, name: &[u8]) -> Result<PkgId> {
        parse_pkg(&mut self.table, name)?.map_err(|why| {
            err!(
                "trigger interest file '%.250s' syntax error; illegal package name '%.250s': %.250s",
                path,
                name,
                why
            )
        })
    }

    /// Read `triggers/File` once (`trig_file_interests_ensure`).
    ///
    /// # Errors
    /// A file that cannot be read or parsed.
    pub fn ensure_file_interests(&mut self) -> Result<()> {
        if self.triggers.files.edited.is_some() {
            return Ok(());
        }
        let path = self.triggers_file(TRIGGERSFILE);
        let open = path.read().if_there();
        let open = open.or_fail(|| msg!("unable to read file triggers file '%.250s'", &path))?;
        let Some(mut file) = open else {
            self.triggers.files.edited = Some(false);
            return Ok(());
        };
        let mut lines = Lines::read(&mut file, path.shown(), INTEREST_LINE)?;
        while let Some(line) = lines.next_line()? {
            let space = memchr::memchr(b' ', line);
            let Some(space) = space.filter(|_| line[0] == b'/') else {
                return Err(err!("syntax error in file triggers file '%.250s'", &path));
            };
            let (trigger, rest) = (&line[..space], &line[space + 1..]);
            let (name, options) = Await::split(rest);
            let pkg = parse_pkg(&mut self.table, name)?.map_err(|why| {
                err!(
                    "file triggers record mentions illegal package name '%.250s' (for interest in file '%.250s'): %.250s",
                    name,
                    trigger,
                    why
                )
            })?;
            let (which, change) = (Which::Installed, Change::AddNew);
            self.change_file_interest(trigger, pkg, which, change, options)?;
        }
        self.triggers.files.edited = Some(false);
        Ok(())
    }

    /// Write what changed of the interests in paths (`trig_file_interests_save`). Interests in
    /// names are written as they change.
    ///
    /// # Errors
    /// Any failure to write.
    pub fn save_file_interests(&mut self) -> Result<()> {
        if self.triggers.files.edited != Some(true) {
            return Ok(());
        }
        let triggers = self.triggers_dir();
        let path = self.triggers_file(TRIGGERSFILE);
        let mut content = Vec::new();
        for interest in self.triggers.files.all.iter().flatten() {
            let name = self
                .table
                .bin_name(interest.pkg, interest.which, NameWhen::Same);
            content.extend_from_slice(self.fsys.name(interest.node));
            content.push(b' ');
            content.extend_from_slice(name.as_bytes());
            content.extend_from_slice(interest.options.suffix());
            content.push(b'\n');
        }
        if content.is_empty() {
            let gone = path.unlink().if_there();
            gone.or_fail(|| msg!("cannot remove '%.250s'", &path))?;
        } else {
            replace(&path, &content)?;
        }
        dir::sync(&triggers)?;
        self.triggers.files.edited = Some(false);
        Ok(())
    }

    /// Add or drop the interests that a `triggers` control file states (`trig_parse_ci` with
    /// `trig_cicb_interest_add/_delete`). A missing file states none.
    ///
    /// # Errors
    /// A file that cannot be read or parsed; what stands before the error took effect.
    pub fn parse_ci_interests(
        &mut self,
        file: &Spot,
        what: Interest,
        pkg: PkgId,
        which: Which,
    ) -> Result<()> {
        let Some(mut ci) = CiFile::open(file)? else {
            return Ok(());
        };
        while let Some(directive) = ci.next_directive()? {
            if directive.is_interest {
                self.change_interest(&directive, what, pkg, which)?;
            }
        }
        Ok(())
    }

    /// `trig_cicb_interest_change()`
    pub(super) fn change_interest(
        &mut self,
        directive: &Directive,
        what: Interest,
        pkg: PkgId,
        which: Which,
    ) -> Result<()> {
        if self.triggers.files.edited.is_none() {
            return Err(Error::internal(msg!(
                "trigger control file for package %s not read",
                self.table.bin_name(pkg, which, NameWhen::Always)
            )));
        }
        let (trigger, options) = (&directive.trigger[..], directive.options);
        let change = match what {
            Interest::Add => Change::Add,
            Interest::Delete => Change::Delete,
        };
        match Kind::of(trigger) {
            Kind::File => self.change_file_interest(trigger, pkg, which, change, options),
            Kind::Explicit => self.change_explicit_interest(trigger, pkg, which, change, options),
            Kind::Unknown => Err(err!(
                "invalid or unknown syntax in trigger name '%.250s' (in trigger interests for package '%.250s')",
                trigger,
                self.table.bin_name(pkg, which, NameWhen::NonAmbig)
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::{ArchId, ArchTable};
    use crate::db::Dirs;
    use crate::state::Status;

    struct Bed {
        dir: tempfile::TempDir,
        db: Database,
        pkgs: Vec<PkgId>,
    }

    /// A database with the installed packages `aa` and `bb`, and these files.
    fn bed(files: &[(&str, &str)]) -> Bed {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("triggers")).unwrap();
        for (name, content) in files {
            std::fs::write(dir.path().join(name), content).unwrap();
        }
        let dirs = Dirs::new(dir.path().to_owned(), Default::default());
        let mut db = Database::new(dirs, ArchTable::new("amd64"));
        let pkgs = ["aa", "bb"].map(|name| {
            let set = db.table.find_set(name);
            let pkg = db.table.get_pkg(set, ArchId::NATIVE);
            db.table.set_status(pkg, Status::Installed);
            pkg
        });
        Bed {
            dir,
            db,
            pkgs: pkgs.to_vec(),
        }
    }

    impl Bed {
        fn text(&self, name: &str) -> Option<String> {
            std::fs::read_to_string(self.dir.path().join(name)).ok()
        }

        fn interests(&mut self, ci: &str, what: Interest, pkg: usize) -> Result<()> {
            let path = self.dir.path().join("ci");
            std::fs::write(&path, ci).unwrap();
            let path = Spot::path(path.as_os_str().as_encoded_bytes());
            let (pkg, which) = (self.pkgs[pkg], Which::Installed);
            self.db.parse_ci_interests(&path, what, pkg, which)
        }
    }

    #[test]
    fn stated_interests_reach_the_files() {
        let mut bed = bed(&[
            ("triggers/File", "/usr/x bb\n/usr/y aa/noawait\n"),
            ("triggers/named", "bb/noawait\n"),
        ]);
        bed.db.ensure_file_interests().unwrap();
        let ci = "# c\n interest  /usr/x\ninterest-noawait named \n\nactivate other\n";
        bed.interests(ci, Interest::Add, 0).unwrap();
        bed.db.save_file_interests().unwrap();
        assert_eq!(
            bed.text("triggers/named").unwrap(),
            "bb/noawait\naa/noawait\n"
        );
        let file = "/usr/x bb\n/usr/y aa/noawait\n/usr/x aa\n";
        assert_eq!(bed.text("triggers/File").unwrap(), file);
        let node = bed.db.fsys.lookup(b"/usr/x").unwrap();
        let of = bed.db.triggers.files.of(node);
        let of: Vec<PkgId> = of.iter().map(|i| i.pkg).collect();
        assert_eq!(of, bed.pkgs, "the latest first");

        let ci = "interest /usr/x\ninterest-await /usr/y\ninterest named\n";
        bed.interests(ci, Interest::Delete, 0).unwrap();
        bed.interests(ci, Interest::Delete, 1).unwrap();
        bed.db.save_file_interests().unwrap();
        assert_eq!(bed.text("triggers/named"), None);
        assert_eq!(bed.text("triggers/named-new"), None);
        assert_eq!(bed.text("triggers/File"), None);
    }

    #[test]
    fn wrong_control_files_are_refused() {
        let mut bed = bed(&[]);
        bed.db.ensure_file_interests().unwrap();
        let mut says = |ci: &str| {
            let result = bed.interests(ci, Interest::Add, 0);
            result.unwrap_err().to_string()
        };
        let syntax = "triggers ci file contains unknown directive syntax";
        assert_eq!(says("interest\n"), syntax);
        assert_eq!(says("interest \n"), syntax);
        assert_eq!(
            says("listen x\n"),
            "triggers ci file contains unknown directive 'listen'"
        );
        assert!(says("activate a b\n").ends_with(
            "/ci' contains illegal trigger syntax in trigger name 'a b': trigger name contains invalid character"
        ));
        for bad in ["/", "/a/", "/a//b", "a_b", "-a"] {
            assert_eq!(
                says(&format!("interest {bad}\n")),
                format!(
                    "invalid or unknown syntax in trigger name '{bad}' (in trigger interests for package 'aa')"
                )
            );
        }
        assert!(says("interest x").starts_with("too-long line or missing newline in '"));
    }

    #[test]
    fn wrong_interest_files_are_refused() {
        let says = |file: &str| {
            let mut bed = bed(&[("triggers/File", file)]);
            let text = bed.db.ensure_file_interests().unwrap_err().to_string();
            text.replace(&bed.dir.path().display().to_string(), "D")
        };
        let syntax = "syntax error in file triggers file 'D/triggers/File'";
        assert_eq!(says("/a\n"), syntax);
        assert_eq!(says("a aa\n"), syntax);
        assert_eq!(
            says("/a aa\n/a aa/noawait\n"),
            "duplicate file trigger interest for filename '/a' and package 'aa'"
        );
        assert!(says("/a +\n").starts_with(
            "file triggers record mentions illegal package name '+' (for interest in file '/a'): "
        ));
    }
}
