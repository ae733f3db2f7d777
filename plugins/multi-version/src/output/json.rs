//! Values for programs (RFC 8259).

use serde_json::Value;

/// A value that is printed for programs.
pub type Json = Value;

/// An object of these fields.
pub fn object<'n>(fields: impl IntoIterator<Item = (&'n str, Json)>) -> Json {
    let fields = fields.into_iter();
    Json::Object(
        fields
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    )
}

/// Of what is written as it is displayed.
pub fn text(value: impl ToString) -> Json {
    Json::String(value.to_string())
}

/// The same, or null.
pub fn maybe(value: Option<impl ToString>) -> Json {
    value.map_or(Json::Null, text)
}

/// A list of texts.
pub fn texts<T: ToString>(values: impl IntoIterator<Item = T>) -> Json {
    values.into_iter().map(text).collect()
}
