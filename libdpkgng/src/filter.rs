//! SKELETON (owner: cli).

/// `--path-exclude` and `--path-include`, in order.
#[derive(Clone, Debug, Default)]
pub struct Filters {}
