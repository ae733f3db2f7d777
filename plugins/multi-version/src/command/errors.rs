//! Errors of this plugin, as dpkg-ng hears them: their words.

use dpkgng_plugin::Failed;

macro_rules! heard {
    ($($error:ty),* $(,)?) => {$(
        impl From<$error> for Failed {
            fn from(error: $error) -> Failed {
                Failed::new(error.to_string())
            }
        }
    )*};
}

heard!(
    crate::context::ContextError,
    crate::engine::EngineError,
    crate::apt::AptError,
    crate::facts::ControlError,
    crate::facts::FactsError,
    crate::gc::GcError,
    crate::generation::DiskError,
    crate::generation::GenerationError,
    crate::layout::WordError,
    crate::export::ExportError,
    crate::link::LinkError,
    crate::place::PlaceError,
    crate::manifest::ManifestError,
    crate::plan::PlanError,
    crate::store::StoreError,
    crate::view::ViewError,
    crate::state::StateError,
    super::line::UsageError,
);
