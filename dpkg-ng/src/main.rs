//! One multicall binary that stands in for the programs of the Debian `dpkg` package.
fn main() {}
