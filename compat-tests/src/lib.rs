//! Holds dpkg-ng against stock dpkg.
