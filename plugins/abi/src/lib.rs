//! The `#[repr(C)]` types that dpkg-ng and its plugins share.
