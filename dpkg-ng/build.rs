//! Links the unwinder into the program. Rust's standard library asks for `libgcc_s.so`, whose
//! loading costs a sixth of a start; a linker script of that name leads to the static one.

use std::path::PathBuf;

fn main() {
    // Nothing it reads; itself is not where the plugin that shares it would have its own.
    println!("cargo::rerun-if-changed=Cargo.toml");
    let gnu = std::env::var("CARGO_CFG_TARGET_ENV").is_ok_and(|env| env == "gnu");
    let Some(dir) = std::env::var_os("OUT_DIR").filter(|_| gnu) else {
        return;
    };
    let script = PathBuf::from(&dir).join("libgcc_s.so");
    match std::fs::write(&script, "INPUT(-lgcc_eh -lgcc)\n") {
        Ok(()) => println!(
            "cargo::rustc-link-search=native={}",
            PathBuf::from(dir).display()
        ),
        Err(e) => println!("cargo::warning={}: {e}", script.display()),
    }
}
