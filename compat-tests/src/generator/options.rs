//! Random options for the commands that change the system.

use super::rng::Rng;
use super::spec::Package;

/// The force things and how often each is wanted: those that make more succeed come often.
const FORCE: [(usize, &str); 30] = [
    (12, "depends"),
    (8, "overwrite"),
    (6, "conflicts"),
    (6, "breaks"),
    (6, "confold"),
    (6, "confnew"),
    (5, "confdef"),
    (5, "confmiss"),
    (3, "confask"),
    (4, "remove-reinstreq"),
    (3, "remove-essential"),
    (3, "remove-protected"),
    (4, "hold"),
    (4, "configure-any"),
    (2, "downgrade"),
    (5, "depends-version"),
    (3, "overwrite-dir"),
    (3, "overwrite-diverted"),
    (2, "statoverride-add"),
    (2, "statoverride-remove"),
    (2, "script-chrootless"),
    (2, "architecture"),
    (2, "bad-path"),
    (2, "bad-version"),
    (2, "bad-verify"),
    (1, "not-root"),
    (4, "unsafe-io"),
    (2, "all"),
    (1, "nothing"),
    (3, "confnew,confdef"),
];

/// None, most often, or up to four options.
pub fn random(rng: &mut Rng, packages: &[Package]) -> Vec<String> {
    let mut words = Vec::new();
    let count = rng.weighted(&[(58, 0), (22, 1), (12, 2), (6, 3), (2, 4)]);
    for _ in 0..count.unwrap_or(0) {
        words.push(one(rng, packages));
    }
    words
}

fn one(rng: &mut Rng, packages: &[Package]) -> String {
    let name = rng.pick(packages).map_or("pa", |p| p.name.as_str());
    match rng.below(100) {
        0..=52 => {
            let how = rng.weighted(&[(85, "force"), (8, "no-force"), (7, "refuse")]);
            let what = rng.weighted(&FORCE).unwrap_or("depends");
            format!("--{}-{what}", how.unwrap_or("force"))
        }
        53..=58 => "--no-triggers".into(),
        59..=60 => "--triggers".into(),
        61..=68 => rng.word(&["-B", "--auto-deconfigure"]).into(),
        69..=72 => rng.word(&["-O", "--selected-only"]).into(),
        73..=76 => rng.word(&["-G", "--refuse-downgrade"]).into(),
        77..=80 => rng.word(&["-E", "--skip-same-version"]).into(),
        81..=84 => rng.word(&["--no-act", "--dry-run", "--simulate"]).into(),
        85..=89 => format!("--ignore-depends={name}"),
        90..=92 => format!("--abort-after={}", rng.range(1, 3)),
        93..=95 => rng
            .word(&[
                "--path-exclude=/srv/common/*",
                "--path-exclude=/srv/*/f",
                "--path-exclude=/etc/*",
                "--path-exclude=/srv/*",
                "--path-include=/srv/*/f",
            ])
            .into(),
        96 => "--verify-format=rpm".into(),
        97 => "--robot".into(),
        98 => "--no-debsig".into(),
        _ => rng
            .word(&["--no-force-overwrite", "--force-x", "--abort-after=x"])
            .into(),
    }
}
