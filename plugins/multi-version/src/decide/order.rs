//! dpkg's order of versions, by the host.

use std::cmp::Ordering;

use dpkgng_plugin::Services;

use super::Versions;
use crate::layout::Version;

/// The host's order. What the host does not take for a version is older than what it does.
#[derive(Clone, Copy)]
pub struct HostOrder(pub Services);

impl Versions for HostOrder {
    fn compare(&self, a: &Version, b: &Version) -> Ordering {
        let HostOrder(host) = self;
        let order = host.version_compare(a.as_str(), b.as_str());
        order.unwrap_or_else(|_| {
            let key = |v: &Version| host.version_compare(v.as_str(), v.as_str()).is_ok();
            (key(a), a.as_str()).cmp(&(key(b), b.as_str()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_dpkg_has_them() {
        let (host, _) = crate::testing::host();
        let order = HostOrder(host.services());
        let sorted = ["1:", "a:b", "1~rc1", "1", "1-1", "1.10", "1:0"];
        for (n, a) in sorted.iter().enumerate() {
            for (m, b) in sorted.iter().enumerate() {
                let [left, right] = [a, b].map(|v| Version::new(v).unwrap());
                assert_eq!(order.compare(&left, &right), n.cmp(&m), "{a} {b}");
            }
        }
        let [zero, none] = ["1-0", "1"].map(|v| Version::new(v).unwrap());
        assert_eq!(order.compare(&zero, &none), Ordering::Equal);
    }
}
