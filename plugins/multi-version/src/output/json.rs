//! JSON (RFC 8259), written.

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number.
    Number(u64),
    /// Text.
    Text(String),
    /// `[…]`
    List(Vec<Json>),
    /// `{…}`, in this order.
    Map(Vec<(&'static str, Json)>),
}

impl Json {
    /// Of what is written as it is displayed.
    pub fn text(value: impl ToString) -> Json {
        Json::Text(value.to_string())
    }

    /// The same, or null.
    pub fn maybe(value: Option<impl ToString>) -> Json {
        value.map_or(Json::Null, Json::text)
    }

    /// A list.
    pub fn list(values: impl IntoIterator<Item = Json>) -> Json {
        Json::List(values.into_iter().collect())
    }

    /// A list of texts.
    pub fn texts<T: ToString>(values: impl IntoIterator<Item = T>) -> Json {
        Json::list(values.into_iter().map(Json::text))
    }

    /// On lines, indented by two blanks; without newline at its end.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        self.write(0, &mut text);
        text
    }

    fn write(&self, depth: usize, to: &mut String) {
        match self {
            Json::Null => to.push_str("null"),
            Json::Bool(yes) => to.push_str(if *yes { "true" } else { "false" }),
            Json::Number(number) => to.push_str(&number.to_string()),
            Json::Text(text) => quote(text, to),
            Json::List(values) => {
                let flat = !values
                    .iter()
                    .any(|v| matches!(v, Json::List(_) | Json::Map(_)));
                let items = values.iter().map(|value| (None, value));
                items_of(['[', ']'], items, flat, depth, to);
            }
            Json::Map(fields) => {
                let items = fields.iter().map(|(name, value)| (Some(*name), value));
                items_of(['{', '}'], items, false, depth, to);
            }
        }
    }
}

/// Items between brackets, one a line; `flat`: all in one.
fn items_of<'j>(
    [open, close]: [char; 2],
    items: impl Iterator<Item = (Option<&'static str>, &'j Json)>,
    flat: bool,
    depth: usize,
    to: &mut String,
) {
    to.push(open);
    let mut any = false;
    for (name, value) in items {
        match (any, flat) {
            (true, true) => to.push_str(", "),
            (true, false) => to.push(','),
            (false, _) => {}
        }
        any = true;
        if !flat {
            to.push('\n');
            to.push_str(&"  ".repeat(depth + 1));
        }
        if let Some(name) = name {
            quote(name, to);
            to.push_str(": ");
        }
        value.write(depth + 1, to);
    }
    if any && !flat {
        to.push('\n');
        to.push_str(&"  ".repeat(depth));
    }
    to.push(close);
}

fn quote(text: &str, to: &mut String) {
    to.push('"');
    for c in text.chars() {
        match c {
            '"' => to.push_str("\\\""),
            '\\' => to.push_str("\\\\"),
            '\n' => to.push_str("\\n"),
            '\t' => to.push_str("\\t"),
            c if c.is_control() => to.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => to.push(c),
        }
    }
    to.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_can_read_it() {
        let value = Json::Map(vec![
            ("a", Json::texts(["x", "\"y\"\\\n\u{1}é\u{7f}"])),
            ("b", Json::List(vec![Json::Map(Vec::new()), Json::Null])),
            ("c", Json::List(Vec::new())),
            (
                "d",
                Json::Map(vec![("e", Json::Number(7)), ("f", Json::Bool(true))]),
            ),
        ]);
        assert_eq!(
            value.to_text(),
            "{\n  \"a\": [\"x\", \"\\\"y\\\"\\\\\\n\\u0001é\\u007f\"],\n  \"b\": [\n    {},\n    null\n  ],\n  \
             \"c\": [],\n  \"d\": {\n    \"e\": 7,\n    \"f\": true\n  }\n}"
        );
    }
}
