//! Random maintainer scripts and trigger declarations.

use super::packages::{Pool, TRIGGERS};
use super::rng::Rng;
use super::spec::{Package, Rule, Script};
use crate::deb::Kind;

/// Every first argument that each script may be called with.
pub const CALLS: [(&str, &[&str]); 4] = [
    ("preinst", &["install", "upgrade", "abort-upgrade"]),
    (
        "postinst",
        &[
            "configure",
            "triggered",
            "abort-upgrade",
            "abort-remove",
            "abort-deconfigure",
        ],
    ),
    (
        "prerm",
        &["remove", "upgrade", "failed-upgrade", "deconfigure"],
    ),
    (
        "postrm",
        &[
            "remove",
            "purge",
            "upgrade",
            "failed-upgrade",
            "abort-install",
            "abort-upgrade",
            "disappear",
        ],
    ),
];

fn rule(on: &str, run: &str) -> Rule {
    Rule {
        on: on.into(),
        once: false,
        run: run.into(),
    }
}

/// Adds maintainer scripts.
pub fn add(rng: &mut Rng, pool: &Pool, p: &mut Package) {
    for (name, calls) in CALLS {
        if !rng.chance(75) {
            continue;
        }
        let mut rules = Vec::new();
        if pool.features.triggers && rng.chance(30) {
            let options = rng.word(&["", "", "--no-await ", "--await "]);
            let trigger = trigger(rng);
            let on = rng.word(calls);
            rules.push(rule(on, &format!("dpkg-trigger {options}{trigger}")));
        }
        if pool.features.admin {
            admin(rng, pool, p, name, &mut rules);
        }
        if pool.features.state {
            write(rng, p, calls, &mut rules);
        }
        if pool.features.failing && rng.chance(40) {
            let on = if rng.chance(90) { rng.word(calls) } else { "*" };
            rules.push(Rule {
                on: on.into(),
                once: rng.chance(55),
                run: rng
                    .word(&["exit 1", "exit 3", "kill -9 $$", "exit 2"])
                    .into(),
            });
        }
        if pool.features.crash && rng.chance(25) {
            // What an interrupted dpkg leaves has to be taken up by the next.
            rules.push(Rule {
                on: rng.word(calls).into(),
                once: rng.chance(80),
                run: "kill -9 $PPID".into(),
            });
        }
        if rng.chance(4) {
            rules.push(rule("*", "echo to stderr >&2"));
        }
        p.scripts.push(Script {
            name: name.into(),
            rules,
        });
    }
}

/// Whether a path is one of several names that a file of the package has.
fn is_linked(p: &Package, path: &str) -> bool {
    p.entries.iter().any(|e| match &e.kind {
        Kind::Hard(target) => e.path == path || target == path,
        _ => false,
    })
}

fn admin(rng: &mut Rng, pool: &Pool, p: &Package, script: &str, rules: &mut Vec<Rule>) {
    let target = match rng.pick(&p.entries) {
        Some(e) if rng.chance(30) => e.path.clone(),
        _ => rng
            .word(&[
                "/srv/common/one",
                "/srv/common/two",
                "/srv/pa/f",
                "/srv/pb/f",
            ])
            .to_owned(),
    };
    let name = &p.name;
    match script {
        "preinst" if rng.chance(40) => {
            let how = rng.word(&["--rename", "--rename", "--no-rename"]);
            rules.push(rule(
                "install|upgrade",
                &format!("dpkg-divert --package {name} --add {how} --divert {target}.div {target}"),
            ));
        }
        "postrm" if rng.chance(30) => rules.push(rule(
            "remove|abort-install",
            &format!("dpkg-divert --package {name} --remove --rename {target}"),
        )),
        "postinst" if rng.chance(30) && !(pool.features.view && is_linked(p, &target)) => rules
            .push(rule(
                "configure",
                &format!("dpkg-statoverride --force-all --update --add user group 2750 {target}"),
            )),
        "prerm" if rng.chance(15) => rules.push(rule(
            "remove",
            &format!("dpkg-statoverride --force-all --remove {target}"),
        )),
        _ => {}
    }
}

/// What scripts make, change and remove beside what packages have.
fn write(rng: &mut Rng, p: &Package, calls: &[&str], rules: &mut Vec<Rule>) {
    let top = rng.word(&[
        "/srv", "/srv", "/etc", "/etc", "/var/lib", "/var/lib", "/opt",
    ]);
    let dir = match rng.below(4) {
        0 => format!("{top}/common"),
        _ => format!("{top}/{}", p.name),
    };
    let packaged = rng.pick(&p.entries).map(|e| e.path.clone());
    let packaged = packaged.filter(|path| !is_linked(p, path));
    let packaged = packaged.unwrap_or_else(|| format!("{dir}/made"));
    while rng.chance(60) {
        let on = if rng.chance(50) {
            calls[0]
        } else {
            rng.word(calls)
        };
        let run = match rng.below(14) {
            0 => format!("mkdir -p {dir}; echo \"$1 by $me\" >{dir}/made"),
            1 => format!("mkdir -p {dir}; echo \"$1 by $me\" >>{dir}/grown"),
            2 => format!("mkdir -p {dir}/sub/deep; : >{dir}/sub/deep/empty"),
            3 => format!("mkdir -p {dir}; ln -sfn $1 {dir}/link"),
            4 => format!("rm -f {dir}/made {dir}/grown"),
            5 => format!("rm -rf {dir}"),
            6 => format!(
                "mkdir -p {dir}; : >{dir}/x; mv -f {dir}/x {dir}/moved; ln -f {dir}/moved {dir}/twin"
            ),
            7 => format!("[ ! -f {packaged} ] || echo changed >>{packaged}"),
            8 => format!(
                "[ ! -e {packaged} ] || chmod 2750 {packaged}; [ ! -e {packaged} ] || chown 7:8 {packaged}"
            ),
            9 => format!("[ -d {packaged} ] || rm -f {packaged}"),
            10 => format!("[ ! -d {dir} ] || mv {dir} {dir}.away; rm -rf {dir}.away"),
            11 | 12 => {
                let priority = rng.word(&["10", "20", "30"]);
                format!(
                    "mkdir -p /srv/bin; update-alternatives --install /srv/bin/tool tool {packaged} {priority}"
                )
            }
            _ => format!("update-alternatives --remove tool {packaged}"),
        };
        rules.push(rule(on, &run));
    }
}

/// A trigger: a name, or a path that packages of a scenario have.
pub fn trigger(rng: &mut Rng) -> &'static str {
    if rng.chance(60) {
        return rng.word(&TRIGGERS);
    }
    rng.word(&["/srv/common", "/srv/pa", "/srv/pb", "/etc/pa", "/srv"])
}

/// Adds trigger declarations.
pub fn triggers(rng: &mut Rng, p: &mut Package) {
    while rng.chance(60) && p.triggers.len() < 4 {
        let directive = rng.word(&[
            "interest",
            "interest",
            "interest-await",
            "interest-noawait",
            "activate",
            "activate",
            "activate-await",
            "activate-noawait",
        ]);
        let line = format!("{directive} {}", trigger(rng));
        // Stock refuses a package that names a trigger twice in the same way.
        if !p.triggers.contains(&line) || rng.chance(5) {
            p.triggers.push(line);
        }
    }
}
