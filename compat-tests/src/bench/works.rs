//! What is measured.

use std::fs;

use super::set::Set;
use super::system::{self, Size};
use super::{Bench, Res};
use crate::During;

/// The works, by name, in the order in which they are done.
pub const NAMES: [&str; 9] = [
    "unpack", "unsafe", "life", "tiny", "read", "deb", "start", "growth", "limits",
];

/// Commands on one system, one after another.
pub struct Work {
    /// The system.
    pub start: Start,
    /// On which disks.
    pub flushes: Flushes,
    /// What a read costs on them, microseconds.
    pub read_us: u64,
    /// Whether system calls are counted. Where many scripts run they would be theirs.
    pub calls: bool,
    /// The commands.
    pub steps: Vec<Step>,
}

/// What system a work starts on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Stock's minimal system.
    System,
    /// That, with a made-up database.
    Made(Size),
}

/// On which disks a work is done.
pub enum Flushes {
    /// On every one that is asked for.
    Each,
    /// On the first, for it changes little or nothing.
    First,
}

/// One command.
pub struct Step {
    /// What the table calls it.
    pub what: String,
    /// The command line; `{n}` is the number of the time.
    pub args: Vec<String>,
    /// How often it is done on one system. The first of several times is one more, and not counted.
    pub times: usize,
    /// Whether the filesystem is mounted anew before.
    pub cold: bool,
    /// Its exit code.
    pub code: f64,
    /// What of the result is to be the same.
    pub same: Same,
    /// What is removed afterwards, from the root of the system.
    pub remove: Vec<&'static str>,
}

/// What of a result is to be the same on both sides.
pub enum Same {
    /// Nothing but the exit code.
    Nothing,
    /// What was written to standard output.
    Output,
    /// Packages of each state, number of files.
    System,
    /// A directory's number of files; of a file the size, which is shown.
    Made(&'static str),
}

/// A step that is done once and may say what it likes.
fn step(what: &str, args: &[&str]) -> Step {
    Step {
        what: what.to_owned(),
        args: args.iter().map(|a| (*a).to_owned()).collect(),
        times: 1,
        cold: false,
        code: 0.0,
        same: Same::Nothing,
        remove: Vec::new(),
    }
}

impl Step {
    fn with(mut self, args: &[String]) -> Step {
        self.args.extend_from_slice(args);
        self
    }

    fn same(mut self, same: Same) -> Step {
        self.same = same;
        self
    }

    fn times(mut self, times: usize) -> Step {
        self.times = times;
        self
    }

    fn cold(mut self) -> Step {
        self.cold = true;
        self
    }

    fn removed(mut self, path: &'static str) -> Step {
        self.remove.push(path);
        self
    }
}

/// How large things are.
struct Sizes {
    /// The database that is read.
    database: Size,
    /// MiB of the tree that is packed.
    tree: usize,
    /// Small packages to install.
    packages: [usize; 3],
    /// Paths of databases.
    paths: [usize; 3],
}

const FULL: Sizes = Sizes {
    database: Size {
        packages: 3_000,
        paths: 400_000,
    },
    tree: 100,
    packages: [500, 1_000, 2_000],
    paths: [100_000, 400_000, 1_600_000],
};

const QUICK: Sizes = Sizes {
    database: Size {
        packages: 60,
        paths: 6_000,
    },
    tree: 0,
    packages: [2, 4, 8],
    paths: [1_000, 4_000, 16_000],
};

/// One command for the whole set finds what some Pre-Depends name unpacked, but not configured.
const FORCE: &str = "--force-depends";
/// systemd is among what the set depends on.
const PROTECTED: &str = "--force-remove-protected";
/// How often a short command is done on one system.
const SHORT: usize = 5;
/// What a read costs where nothing is in memory, microseconds: about that of a SATA SSD.
const COLD_READ_US: u64 = 100;

/// What the works take, made once, in the memory that is seen at `/t`.
pub struct Material {
    /// What there is, in words.
    pub text: String,
    /// Package files.
    debs: Vec<String>,
    /// The names of their packages.
    packages: Vec<String>,
    sizes: Sizes,
}

impl Material {
    /// Makes what the works of the plan take.
    pub fn make(bench: &Bench, set: Option<Set>) -> Res<Material> {
        let wanted =
            |w: &str| bench.plan.works.is_empty() || bench.plan.works.iter().any(|n| n == w);
        let sizes = if bench.plan.quick { QUICK } else { FULL };
        let shared = bench.shared();
        let made = shared.join("made");
        fs::create_dir(&made).during("made")?;
        system::small(&made, "tiny", SHORT + 1)?;
        if wanted("growth") {
            system::small(&made, "small", sizes.packages[2])?;
        }
        let mut text = "Quick: the figures say nothing.".to_owned();
        let mut debs = Vec::new();
        let mut packages = Vec::new();
        let to = shared.join("set");
        fs::create_dir(&to).during("set")?;
        match set {
            Some(set) => {
                for file in &set.files {
                    fs::copy(set.dir.join(file), to.join(file)).during(file)?;
                    debs.push(format!("/t/set/{file}"));
                }
                packages.extend(set.packages().map(str::to_owned));
                text = format!(
                    "The set: {} packages, {} MB.",
                    debs.len(),
                    set.bytes()? / 1_000_000
                );
            }
            None => {
                system::small(&to, "small", sizes.packages[2])?;
                for n in 0..sizes.packages[2] {
                    debs.push(format!("/t/set/small-{n}.deb"));
                    packages.push(format!("small-{n}"));
                }
            }
        }
        let material = Material {
            text,
            debs,
            packages,
            sizes,
        };
        if wanted("deb") {
            bench.prepare(&material.archives())?;
        }
        if wanted("limits") {
            let debs = material.debs.join(" ");
            bench.prepare(&format!(
                "mkdir /t/tars; n=0; for deb in {debs}; do n=$((n+1)); dpkg-deb --fsys-tarfile $deb >/t/tars/$n.tar; done"
            ))?;
        }
        Ok(material)
    }

    /// Makes `/t/tree` of real packages, and packages of it: one xz block, several, zstd.
    fn archives(&self) -> String {
        // From all over the set.
        let debs: Vec<&str> = self.debs.iter().step_by(7).map(String::as_str).collect();
        format!(
            "mkdir -p /t/tree/DEBIAN
            for deb in {}; do
                dpkg-deb -x $deb /t/tree
                if [ $(du -sm /t/tree | cut -f1) -gt {} ]; then break; fi
            done
            printf 'Package: tree\\nVersion: 1\\nArchitecture: all\\nMaintainer: a\\nDescription: b\\n' >/t/tree/DEBIAN/control
            cd /t/made
            dpkg-deb -Zxz -b /t/tree several.deb
            dpkg-deb -Zzstd -b /t/tree zstd.deb
            # dpkg-deb makes blocks of 24 MiB.
            dpkg-deb --ctrl-tarfile zstd.deb | xz -T1 >control.tar.xz
            dpkg-deb --fsys-tarfile zstd.deb | xz -T1 >data.tar.xz
            echo 2.0 >debian-binary
            printf '!<arch>\\n' >one.deb
            for f in debian-binary control.tar.xz data.tar.xz; do
                size=$(stat -c %s $f)
                printf '%-16s%-12s%-6s%-6s%-8s%-10s`\\n' $f 0 0 0 100644 $size >>one.deb
                cat $f >>one.deb
                if [ $((size % 2)) = 1 ]; then echo >>one.deb; fi
                rm $f
            done",
            debs.join(" "),
            self.sizes.tree
        )
    }
}

/// The works of that name.
pub fn works(name: &str, m: &Material) -> Vec<Work> {
    let work = |start, flushes, calls, steps| Work {
        start,
        flushes,
        read_us: 0,
        calls,
        steps,
    };
    let debs = |args: &[&str], what: &str| step(what, args).with(&m.debs).same(Same::System);
    let packages =
        |args: &[&str], what: &str| step(what, args).with(&m.packages).same(Same::System);
    let tiny = |what: &str| {
        step(what, &["dpkg", "-i", "/t/made/tiny-{n}.deb"])
            .times(SHORT)
            .same(Same::System)
    };
    let made = Start::Made(m.sizes.database);
    match name {
        "unpack" => vec![work(
            Start::System,
            Flushes::Each,
            true,
            vec![debs(&["dpkg", FORCE, "--unpack"], "`--unpack` of the set")],
        )],
        "unsafe" => vec![work(
            Start::System,
            Flushes::Each,
            false,
            vec![debs(
                &["dpkg", FORCE, "--force-unsafe-io", "--unpack"],
                "the same, `--force-unsafe-io`",
            )],
        )],
        "life" => vec![work(
            Start::System,
            Flushes::Each,
            false,
            vec![
                debs(&["dpkg", FORCE, "-i"], "`-i` of the set"),
                step("then `-V` of everything", &["dpkg", "-V"])
                    .times(2)
                    .same(Same::Output),
                debs(
                    &["dpkg", FORCE, "--unpack"],
                    "then `--unpack` over themselves",
                ),
                step("then `--configure -a`", &["dpkg", "--configure", "-a"]).same(Same::System),
                packages(&["dpkg", PROTECTED, "-r"], "then `-r`"),
                packages(&["dpkg", PROTECTED, "-P"], "then `-P`"),
            ],
        )],
        "tiny" => {
            let size = format!(
                "{} packages, {} paths",
                m.sizes.database.packages, m.sizes.database.paths
            );
            let warm = tiny(&format!("`-i tiny.deb` on {size}"));
            let cold = tiny("the same, nothing in memory").cold();
            vec![
                work(made, Flushes::Each, true, vec![warm]),
                Work {
                    read_us: COLD_READ_US,
                    ..work(made, Flushes::Each, false, vec![cold])
                },
            ]
        }
        "read" => vec![work(made, Flushes::First, true, queries(m.sizes.database))],
        "deb" => vec![work(Start::System, Flushes::First, true, dpkg_deb())],
        "start" => vec![work(Start::System, Flushes::First, true, starts())],
        "growth" => {
            let mut all = Vec::new();
            for count in m.sizes.packages {
                let small: Vec<String> = (0..count)
                    .map(|n| format!("/t/made/small-{n}.deb"))
                    .collect();
                let install = step(&format!("`-i` of {count} small packages"), &["dpkg", "-i"])
                    .with(&small)
                    .same(Same::System);
                all.push(work(Start::System, Flushes::First, false, vec![install]));
            }
            for paths in m.sizes.paths {
                let size = Size {
                    paths,
                    ..m.sizes.database
                };
                let at = |what: &str| format!("{what}, {paths} paths");
                let query = step(&at("`-S path`"), &["dpkg", "-S", &a_path(size)])
                    .times(SHORT)
                    .same(Same::Output);
                let steps = vec![tiny(&at("`-i tiny.deb`")), query];
                all.push(work(Start::Made(size), Flushes::First, false, steps));
            }
            all
        }
        _ => vec![work(Start::System, Flushes::First, false, limits())],
    }
}

/// A path of the middle of a made-up database.
fn a_path(size: Size) -> String {
    format!("/usr/share/package-{}/file-1", size.packages / 2)
}

fn queries(size: Size) -> Vec<Step> {
    let package = format!("package-{}", size.packages / 2);
    let path = a_path(size);
    let pattern = format!("*{package}/file-1");
    [
        ("`-S path` there", vec!["dpkg", "-S", &path]),
        ("`-S pattern`", vec!["dpkg", "-S", &pattern]),
        ("`-L`", vec!["dpkg", "-L", &package]),
        ("`-s`", vec!["dpkg", "-s", &package]),
        ("`-l`", vec!["dpkg", "-l"]),
        ("`-W`", vec!["dpkg-query", "-W"]),
    ]
    .iter()
    .map(|(what, args)| step(what, args).times(2 * SHORT).same(Same::Output))
    .collect()
}

fn dpkg_deb() -> Vec<Step> {
    let mut steps = Vec::new();
    for (file, what) in [
        ("one", "one xz block"),
        ("several", "several xz blocks"),
        ("zstd", "zstd"),
    ] {
        let deb = format!("/t/made/{file}.deb");
        steps.push(
            step(
                &format!("`dpkg-deb -x`, {what}"),
                &["dpkg-deb", "-x", &deb, "/w/x"],
            )
            .times(2)
            .same(Same::Made("w/x"))
            .removed("w/x"),
        );
        steps.push(
            step(&format!("`dpkg-deb -c`, {what}"), &["dpkg-deb", "-c", &deb])
                .times(2)
                .same(Same::Output),
        );
    }
    for format in ["none", "gzip", "xz", "zstd"] {
        let option = format!("-Z{format}");
        let args = ["dpkg-deb", &option, "-b", "/t/tree", "/w/built.deb"];
        steps.push(
            step(&format!("`dpkg-deb -b`, {format}"), &args)
                .same(Same::Made("w/built.deb"))
                .removed("w/built.deb"),
        );
    }
    steps
}

/// Commands that read little or nothing.
fn starts() -> Vec<Step> {
    let commands: [&[&str]; 13] = [
        &["dpkg", "--print-architecture"],
        &["dpkg", "--compare-versions", "1:1.0-1", "lt", "1:1.0-1+b1"],
        &["dpkg-query", "-W"],
        &["update-alternatives", "--query", "awk"],
        &["dpkg-deb", "--version"],
        &["dpkg-split", "--version"],
        &["dpkg-divert", "--truename", "/bin/sh"],
        &["dpkg-statoverride", "--version"],
        &["dpkg-trigger", "--check-supported"],
        &["dpkg-trigger", "--no-act", "--by-package=x", "/usr/share/x"],
        &["dpkg-realpath", "/etc/os-release"],
        &["dpkg-maintscript-helper", "--version"],
        &["start-stop-daemon", "--status", "--pid=1"],
    ];
    let start = |args: &&[&str]| step(&format!("`{}`", args.join(" ")), args).times(2 * SHORT);
    commands.iter().map(start).collect()
}

/// What the machine can do with the set on all cores. But for the decoder both sides run the same programs.
fn limits() -> Vec<Step> {
    let all = |what: &str, line: &str| {
        step(
            what,
            &[
                "/bin/sh",
                "-ec",
                &line.replace("{all}", "xargs -0 -P $(nproc)"),
            ],
        )
    };
    vec![
        all(
            "limit: decoding the set, all cores (each side's dpkg-deb)",
            "cd /t; ls -S set | tr '\\n' '\\0' | (cd set; {all} -n 1 sh -c 'dpkg-deb --fsys-tarfile \"$0\" >/dev/null')",
        ),
        all(
            "limit: writing its files, all cores, then sync (tar)",
            "mkdir /w/x; ls -S /t/tars | tr '\\n' '\\0' | (cd /t/tars; {all} -n 1 tar -C /w/x -xf); sync -f /w/x",
        ),
        all(
            "limit: hashing its files, all cores (md5sum)",
            "find /w/x -type f -print0 | {all} -n 100 md5sum >/dev/null",
        )
        .times(2),
    ]
}
