//! The small system: made by stock, with everything in it that a database can have.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use super::damage::Without;
use super::run_ok;
use crate::deb::{Deb, TIME, deb, stamp};
use crate::sandbox::command;
use crate::{During, Res};

/// The system as it was made.
pub const PRISTINE: &str = "/t/pristine";
/// The copy that is damaged. Of the same length, so that no text about one is longer than about the other.
pub const CASE: &str = "/t/thecase1";

/// Where archives are at hand.
const CACHE: &str = "var/cache/apt/archives";

fn debs() -> Vec<Deb> {
    vec![
        deb("tool", "1.0-1")
            .arch("amd64")
            .file("/usr/bin/tool", "#!/bin/sh\necho tool\n")
            .mode(0o755)
            .file("/usr/share/tool/a", "a\n")
            .file("/usr/share/tool/b", "b\n")
            .file("/usr/share/tool/c", "c\n")
            .link("/usr/bin/tool-link", "tool")
            .conffile("/etc/tool.conf", "tool = 1\n")
            .script("postinst", "exit 0")
            .script("prerm", "exit 0")
            .control(
                "triggers",
                "interest-noawait /usr/share/tool\ninterest-noawait tool-trigger\n",
            ),
        deb("liba", "2:1.1")
            .arch("amd64")
            .field("Multi-Arch", "same")
            .file("/usr/lib/liba.so.1", "liba\n")
            .file("/usr/share/doc/liba/copyright", "free\n")
            .control(
                "triggers",
                "interest-noawait /usr/lib/liba\ninterest-noawait tool-trigger\n",
            ),
        deb("data", "1")
            .file("/usr/share/data/one", "one\n")
            .file("/usr/share/data/two", "two\n")
            .file("/usr/share/doc/data/copyright", "free\n"),
        deb("edit1", "1")
            .file("/usr/bin/edit1", "1\n")
            .file("/usr/share/man/edit1.1", "1\n"),
        deb("edit2", "1")
            .file("/usr/bin/edit2", "2\n")
            .file("/usr/share/man/edit2.1", "2\n"),
        deb("old", "1")
            .conffile("/etc/old.conf", "old\n")
            .file("/usr/bin/old", "old\n"),
    ]
}

/// Runs one of stock's programs on a root; gives what it says.
fn stock(root: &Path, words: &[&str]) -> Res<String> {
    let root = root.display().to_string();
    let mut line = command(words[0]);
    match words[0] {
        "dpkg" => line.args(["--root", &root, "--force-script-chrootless"]),
        _ => line.args(["--root", &root]),
    };
    let out = line.args(&words[1..]).output().during(words.join(" "))?;
    let text = [out.stdout, out.stderr].concat();
    let text = String::from_utf8_lossy(&text).replace(&root, "ROOT");
    let code = out.status.code().unwrap_or(-1);
    Ok(format!("$ {}\n{text}exit {code}\n", words.join(" ")))
}

fn must(root: &Path, words: &[&str]) -> Res<()> {
    let said = stock(root, words)?;
    match said.ends_with("exit 0\n") {
        true => Ok(()),
        false => Err(said),
    }
}

/// Makes it.
pub fn build() -> Res<()> {
    let root = Path::new(PRISTINE);
    for dir in [
        "etc/alternatives",
        "var/log",
        "var/backups",
        CACHE,
        "usr/bin",
        "usr/share/man",
    ] {
        fs::create_dir_all(root.join(dir)).during(dir)?;
    }
    for file in ["etc/passwd", "etc/group"] {
        fs::copy(Path::new("/").join(file), root.join(file)).during(file)?;
    }
    let admin = root.join("var/lib/dpkg");
    crate::sandbox::empty_database(&admin)?;
    must(root, &["dpkg", "--add-architecture", "i386"])?;
    let mut install = vec!["dpkg".to_owned(), "-i".to_owned()];
    for deb in debs() {
        let built = deb.build(Path::new("/t/debs"))?;
        // As apt calls it, with the epoch.
        let name = format!("{}_{}_", deb.name, deb.version.replace(':', "%3a"));
        let arch = built.rsplit('_').next().unwrap_or_default();
        fs::copy(&built, root.join(CACHE).join(name + arch)).during(&built)?;
        install.push(built);
    }
    let install: Vec<&str> = install.iter().map(String::as_str).collect();
    must(root, &install)?;
    must(root, &["dpkg", "-r", "old"])?;
    for (name, priority) in [("edit1", "10"), ("edit2", "20")] {
        let (path, page) = (
            format!("/usr/bin/{name}"),
            format!("/usr/share/man/{name}.1"),
        );
        let group = [
            "update-alternatives",
            "--install",
            "/usr/bin/editor",
            "editor",
            &path,
            priority,
        ];
        let slave = ["--slave", "/usr/share/man/editor.1", "editor.1", &page];
        must(root, &[&group[..], &slave].concat())?;
    }
    let divert =
        |verb: &[&str], path: &str| must(root, &[&["dpkg-divert"], verb, &[path]].concat());
    divert(&["--local", "--rename", "--add"], "/usr/share/tool/a")?;
    divert(
        &["--package", "data", "--rename", "--add"],
        "/usr/share/tool/b",
    )?;
    divert(&["--local", "--no-rename", "--add"], "/usr/share/tool/none")?;
    divert(
        &["--local", "--no-rename", "--remove"],
        "/usr/share/tool/none",
    )?;
    let over = "dpkg-statoverride";
    for (group, mode, path) in [
        ("mail", "0640", "/usr/share/data/one"),
        ("adm", "0600", "/usr/share/data/two"),
        ("adm", "0600", "/usr/share/tool/c"),
    ] {
        let add = [over, "--update", "--add", "root", group, mode, path];
        must(root, &add)?;
    }
    must(root, &[over, "--remove", "/usr/share/tool/c"])?;
    let c = root.join("usr/share/tool/c");
    fs::set_permissions(&c, fs::Permissions::from_mode(0o644)).during("mode")?;
    std::os::unix::fs::chown(&c, Some(0), Some(0)).during("owner")?;
    // As a run leaves it that changed nothing.
    fs::copy(admin.join("status"), admin.join("status-old")).during("status-old")?;
    for name in ["arch", "statoverride"] {
        let (file, copy) = (
            admin.join(name),
            root.join(format!("var/backups/dpkg.{name}.0")),
        );
        fs::copy(&file, &copy).during(name)?;
        stamp(&file, TIME)?;
        stamp(&copy, TIME)?;
    }
    let tar = root.join("var/backups/alternatives.tar.0");
    run_ok(
        command("tar")
            .arg("-cf")
            .arg(tar)
            .arg("-C")
            .arg(&admin)
            .arg("alternatives"),
    )?;
    Ok(())
}

/// Takes away what a case is to do without.
pub fn withhold(root: &Path, without: &[Without]) -> Res<()> {
    for what in without {
        match what {
            Without::Archives => {
                fs::remove_dir_all(root.join(CACHE)).during(CACHE)?;
            }
            Without::Copies => {
                for name in ["status-old", "diversions-old", "statoverride-old"] {
                    fs::remove_file(root.join("var/lib/dpkg").join(name)).during(name)?;
                }
            }
            Without::Backups => fs::remove_dir_all(root.join("var/backups")).during("backups")?,
        }
    }
    Ok(())
}

/// What stock says of a system.
pub fn stock_says(root: &Path) -> Res<String> {
    let mut all = String::new();
    for words in [
        &["dpkg", "--audit"][..],
        &["dpkg", "-V"],
        &["dpkg", "-l"],
        &["dpkg", "-L", "tool"],
        &["dpkg", "-L", "liba:amd64"],
        &["dpkg", "-L", "data"],
        &["dpkg", "-L", "old"],
        &["dpkg", "-S", "/usr/bin/tool-link"],
        &["dpkg", "--get-selections"],
        &["dpkg", "--print-foreign-architectures"],
        &["dpkg-divert", "--list"],
        &["dpkg-statoverride", "--list"],
        &["update-alternatives", "--query", "editor"],
        &["update-alternatives", "--get-selections"],
        &["dpkg", "--configure", "-a"],
    ] {
        all.push_str(&stock(root, words)?);
    }
    // In no particular order.
    let mut interests =
        fs::read_to_string(root.join("var/lib/dpkg/triggers/File")).during("File")?;
    interests +=
        &fs::read_to_string(root.join("var/lib/dpkg/triggers/tool-trigger")).during("trigger")?;
    let mut interests: Vec<&str> = interests.lines().collect();
    interests.sort_unstable();
    all.push_str(&interests.join("\n"));
    Ok(all + "\n")
}

/// Everything of a tree, to see that nothing changed.
pub fn snapshot(root: &Path) -> Res<Vec<String>> {
    let mut all = Vec::new();
    let mut left = vec![root.to_owned()];
    while let Some(path) = left.pop() {
        let meta = fs::symlink_metadata(&path).during(path.display())?;
        let content = match meta.is_file() {
            true => fs::read(&path).during(path.display())?,
            false => Vec::new(),
        };
        let times = (
            meta.mtime(),
            meta.mtime_nsec(),
            meta.ctime_nsec(),
            meta.ino(),
        );
        all.push(format!(
            "{} {:o} {times:?} {content:?}",
            path.display(),
            meta.mode()
        ));
        if meta.is_dir() {
            for entry in fs::read_dir(&path).during(path.display())? {
                left.push(entry.during(path.display())?.path());
            }
        }
    }
    all.sort();
    Ok(all)
}
