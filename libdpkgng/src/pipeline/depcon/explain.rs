//! What is wrong with dependencies, in dpkg's words, gathered line by line.

use crate::msg;
use crate::msg::{Arg, Msg};
use crate::state::Status;

/// Lines of an explanation; each message carries its own newline. Used like a message
/// argument: `msg!("dependency problems prevent …:\n%s", &explanation)`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explanation {
    parts: Vec<Msg>,
}

impl Explanation {
    /// Add a part.
    pub fn push(&mut self, part: Msg) {
        self.parts.push(part);
    }

    /// Add all parts of another one.
    pub fn append(&mut self, other: Explanation) {
        self.parts.extend(other.parts);
    }

    /// Add parts.
    pub fn extend(&mut self, parts: impl IntoIterator<Item = Msg>) {
        self.parts.extend(parts);
    }

    /// Whether nothing was said.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// How many parts there are, for [`Explanation::truncate`].
    pub fn len(&self) -> usize {
        self.parts.len()
    }

    /// Take back what was said since there were `len` parts.
    pub fn truncate(&mut self, len: usize) {
        self.parts.truncate(len);
    }

    /// The whole as one message.
    pub fn to_msg(&self) -> Msg {
        concat(&self.parts)
    }
}

impl From<&Explanation> for Arg {
    fn from(e: &Explanation) -> Arg {
        Arg::from(e.to_msg())
    }
}

impl From<Explanation> for Arg {
    fn from(e: Explanation) -> Arg {
        Arg::from(e.to_msg())
    }
}

/// One message out of many. A balanced tree, so that rendering never recurses deep however
/// many there are.
pub(crate) fn concat(parts: &[Msg]) -> Msg {
    match parts {
        [] => msg!(""),
        [one] => one.clone(),
        _ => {
            let (a, b) = parts.split_at(parts.len() / 2);
            msg!("%s%s", concat(a), concat(b))
        }
    }
}

/// How explanations call a status (dpkg's `statusstrings`).
pub fn status_words(status: Status) -> Msg {
    match status {
        Status::NotInstalled => msg!("not installed"),
        Status::ConfigFiles => msg!("not installed but configs remain"),
        Status::HalfInstalled => msg!("broken due to failed removal or installation"),
        Status::Unpacked => msg!("unpacked but not configured"),
        Status::HalfConfigured => msg!("broken due to postinst failure"),
        Status::TriggersAwaited => msg!("awaiting trigger processing by another package"),
        Status::TriggersPending => msg!("triggered"),
        Status::Installed => msg!("installed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_render_in_order_and_can_be_taken_back() {
        let mut e = Explanation::default();
        assert_eq!(e.to_msg().to_string(), "");
        for i in 0..100_000 {
            e.push(msg!("%d,", i));
        }
        let text = e.to_msg().to_string();
        assert!(text.starts_with("0,1,2,") && text.ends_with("99998,99999,"));
        e.truncate(2);
        e.push(status_words(Status::Unpacked));
        assert_eq!(
            msg!("[%s]", &e).to_string(),
            "[0,1,unpacked but not configured]"
        );
    }
}
