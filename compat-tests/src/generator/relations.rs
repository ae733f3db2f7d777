//! Random relations between packages.

use super::packages::Pool;
use super::rng::Rng;
use super::spec::Package;

/// A name that no package has, only Provides.
pub const VIRTUAL: &str = "virt";

/// Adds relation fields to a package.
pub fn add(rng: &mut Rng, pool: &Pool, p: &mut Package) {
    let f = &pool.features;
    let mut put = |rng: &mut Rng, name: &str, percent: usize, style: Style| {
        if rng.chance(percent) {
            let value = list(rng, pool, &p.name, style);
            p.fields.push((name.into(), value));
        }
    };
    if f.depends {
        put(rng, "Depends", 50, Style::Alternatives);
        put(rng, "Pre-Depends", 15, Style::Alternatives);
        put(rng, "Recommends", 8, Style::Alternatives);
        put(rng, "Suggests", 8, Style::Alternatives);
        put(rng, "Enhances", 8, Style::Plain);
    }
    if f.conflicts {
        put(rng, "Conflicts", 22, Style::Plain);
        put(rng, "Breaks", 25, Style::Plain);
    }
    if f.provides {
        put(rng, "Provides", 30, Style::Provides);
    }
    if f.provides || f.overlap {
        put(rng, "Replaces", 35, Style::Plain);
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Style {
    Alternatives,
    Plain,
    Provides,
}

fn list(rng: &mut Rng, pool: &Pool, own: &str, style: Style) -> String {
    let count = rng.weighted(&[(70, 1), (25, 2), (5, 3)]).unwrap_or(1);
    let items: Vec<String> = (0..count)
        .map(|_| {
            let mut item = one(rng, pool, own, style);
            while style == Style::Alternatives && rng.chance(20) {
                item = format!("{item} | {}", one(rng, pool, own, style));
            }
            item
        })
        .collect();
    items.join(", ")
}

fn one(rng: &mut Rng, pool: &Pool, own: &str, style: Style) -> String {
    let virtual_share = if style == Style::Provides { 70 } else { 12 };
    let mut name = if pool.features.provides && rng.chance(virtual_share) {
        VIRTUAL.to_owned()
    } else {
        let names: Vec<&String> = pool.names.iter().filter(|n| *n != own).collect();
        match rng.pick(&names) {
            // A package may also name itself: it conflicts with all others that provide it.
            Some(name) if rng.chance(97) => (*name).clone(),
            _ => own.to_owned(),
        }
    };
    if pool.features.multiarch && style != Style::Provides && rng.chance(20) {
        name.push_str(rng.word(&[":any", ":any", ":amd64", ":i386"]));
    }
    let version = rng.pick(&pool.versions).copied().unwrap_or("1");
    if style == Style::Provides {
        return if rng.chance(40) {
            format!("{name} (= {version})")
        } else {
            name
        };
    }
    if rng.chance(40) {
        let operator = rng.word(&[">=", ">=", ">=", "<<", "<=", "=", ">>"]);
        return format!("{name} ({operator} {version})");
    }
    name
}
