//! The user's locale: what it is taken from, and where translations come from.
//!
//! Messages are dpkg's, word by word, so the catalogues that Debian's dpkg package ships
//! (`/usr/share/locale/LANGUAGE/LC_MESSAGES/dpkg.mo`) translate them.

use libdpkgng::msg::{Catalog, English};
use libdpkgng::sys::locale::{self, Catalogues};

use crate::cli::Env;

/// dpkg's `LOCALEDIR`.
const CATALOGUES: &str = "/usr/share/locale";

/// Take the locale from the environment for this tool, as stock's does. To be called once,
/// first of all.
pub fn follow(tool: &str, env: &Env) {
    let wanted = match tool {
        // Stock's speak English only.
        "dpkg-db-backup" | "dpkg-maintscript-helper" | "start-stop-daemon" => false,
        // Stock's is a program of its own.
        "update-alternatives" => true,
        // Dpkg::Gettext(3perl)
        _ => !env
            .get("DPKG_NLS")
            .is_some_and(|v| v.is_empty() || v == "0"),
    };
    if wanted {
        locale::follow_environment(is_uniform(env));
    }
}

/// Whether the environment asks for one locale in all categories.
fn is_uniform(env: &Env) -> bool {
    let category = |name: &str| name.starts_with("LC_") && env.get_nonempty(name).is_some();
    env.get_nonempty("LC_ALL").is_some()
        || !env
            .vars()
            .iter()
            .any(|(n, _)| n.to_str().is_some_and(category))
}

/// The catalogue that messages are translated with.
pub fn messages() -> Box<dyn Catalog> {
    match Catalogues::open(CATALOGUES) {
        Some(catalogues) => Box::new(catalogues),
        None => Box::new(English),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_locale_for_all_categories() {
        let mut env = Env::default();
        assert!(is_uniform(&env));
        env.set("LANG", b"de_DE.UTF-8");
        assert!(is_uniform(&env));
        env.set("LC_TIME", b"");
        assert!(is_uniform(&env));
        env.set("LC_TIME", b"C");
        assert!(!is_uniform(&env));
        env.set("LC_ALL", b"ja_JP.UTF-8");
        assert!(is_uniform(&env));
    }
}
