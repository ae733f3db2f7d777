//! A package's selection (want), error flag and status: dpkg(1) "Package states",
//! "Package selection states", "Package flags"; the words of the `Status` field.

/// Tables of words come as `(word, value)`, in the order of dpkg's own `namevalue` tables.
macro_rules! words {
    ($(#[$m:meta])* $name:ident { $($(#[$vm:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$m])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { #[default] $($(#[$vm])* $variant),+ }
        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];
            /// The word as the database and the command line have it.
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }
            /// The value of a word; case is ignored, as in the database.
            pub fn from_word(word: &[u8]) -> Option<$name> {
                $name::ALL.iter().copied().find(|v| v.as_str().as_bytes().eq_ignore_ascii_case(word))
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(self.as_str()) }
        }
    };
}

words! {
    /// What the administrator wants.
    Want {
        /// Not said.
        Unknown = "unknown",
        /// Wanted.
        Install = "install",
        /// Not to be handled by dpkg unless forced.
        Hold = "hold",
        /// To be removed, conffiles kept.
        Deinstall = "deinstall",
        /// To be removed with its conffiles.
        Purge = "purge",
    }
}

words! {
    /// The error flag.
    EFlag {
        /// Nothing special.
        Ok = "ok",
        /// Broken, must be installed again before it can be removed.
        ReinstReq = "reinstreq",
    }
}

words! {
    /// How far installed. The order is meaningful: later is more installed.
    Status {
        /// Not installed.
        NotInstalled = "not-installed",
        /// Only conffiles (or the postrm) are left.
        ConfigFiles = "config-files",
        /// Unpacking started and did not finish.
        HalfInstalled = "half-installed",
        /// Unpacked, not configured.
        Unpacked = "unpacked",
        /// Configuration started and did not finish.
        HalfConfigured = "half-configured",
        /// Awaits trigger processing by another package.
        TriggersAwaited = "triggers-awaited",
        /// Has been triggered.
        TriggersPending = "triggers-pending",
        /// Installed.
        Installed = "installed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_round_trip_and_ignore_case() {
        for s in Status::ALL {
            assert_eq!(
                Status::from_word(s.as_str().to_uppercase().as_bytes()),
                Some(*s)
            );
        }
        assert_eq!(Want::from_word(b"holds"), None);
        assert!(Status::Unpacked < Status::HalfConfigured);
    }
}
