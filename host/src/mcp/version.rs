//! The revisions of the protocol, and what differs between them.

use std::fmt;

/// A published revision of MCP, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Revision {
    /// `2024-11-05`
    V2024_11_05,
    /// `2025-03-26`
    V2025_03_26,
    /// `2025-06-18`
    V2025_06_18,
    /// `2025-11-25`
    V2025_11_25,
    /// `2026-07-28`, the first without a handshake.
    V2026_07_28,
}

impl Revision {
    /// Every revision that is served, oldest first.
    pub const ALL: [Self; 5] = [
        Self::V2024_11_05,
        Self::V2025_03_26,
        Self::V2025_06_18,
        Self::V2025_11_25,
        Self::V2026_07_28,
    ];
    /// What a handshake answers to a version it does not know.
    pub const NEWEST_LEGACY: Self = Self::V2025_11_25;
    /// What a legacy request means that names no version (2025-06-18,
    /// basic/transports §Protocol Version Header).
    pub const UNNAMED: Self = Self::V2025_03_26;
    /// The first stateless revision; versions are compared as strings, which
    /// ISO dates allow.
    pub const FIRST_MODERN: Self = Self::V2026_07_28;

    /// The revision named `name`.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|revision| revision.as_str() == name)
    }

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V2024_11_05 => "2024-11-05",
            Self::V2025_03_26 => "2025-03-26",
            Self::V2025_06_18 => "2025-06-18",
            Self::V2025_11_25 => "2025-11-25",
            Self::V2026_07_28 => "2026-07-28",
        }
    }

    /// Without a handshake, with claims in every request.
    pub fn is_modern(self) -> bool {
        self >= Self::FIRST_MODERN
    }

    /// Whether `name` is or will be the name of a modern revision, served here
    /// or not.
    pub(crate) fn names_modern(name: &str) -> bool {
        is_date(name) && name >= Self::FIRST_MODERN.as_str()
    }

    /// JSON-RPC arrays exist in this revision alone.
    pub(crate) fn has_batches(self) -> bool {
        self == Self::V2025_03_26
    }

    /// `Tool.annotations`, audio content.
    pub(crate) fn has_annotations(self) -> bool {
        self >= Self::V2025_03_26
    }

    /// `title` of whatever is listed.
    pub(crate) fn has_titles(self) -> bool {
        self >= Self::V2025_06_18
    }

    /// `outputSchema` and `_meta` of tools, `structuredContent`,
    /// `resource_link` content.
    pub(crate) fn has_structured_content(self) -> bool {
        self >= Self::V2025_06_18
    }

    /// Clients can be asked to show a form.
    pub(crate) fn has_elicitation(self) -> bool {
        self >= Self::V2025_06_18
    }

    /// A stream may end before its reply, for the client to come back for the rest.
    pub(crate) fn has_polling(self) -> bool {
        self >= Self::V2025_11_25
    }

    /// `icons` of tools.
    pub(crate) fn has_icons(self) -> bool {
        self >= Self::V2025_11_25
    }

    /// Until this revision `structuredContent` and the root of `outputSchema`
    /// had to be objects.
    pub(crate) fn structures_any_value(self) -> bool {
        self.is_modern()
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn is_date(name: &str) -> bool {
    name.len() == 10
        && name.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_sort_by_their_names() {
        assert!(Revision::ALL.is_sorted());
        assert!(
            Revision::ALL
                .iter()
                .map(|revision| revision.as_str())
                .is_sorted()
        );
        for revision in Revision::ALL {
            assert_eq!(Revision::parse(revision.as_str()), Some(revision));
        }
    }

    #[test]
    fn only_dates_from_the_first_stateless_revision_on_are_modern() {
        for (name, modern) in [
            ("2026-07-28", true),
            ("2099-01-01", true),
            ("2025-11-25", false),
            ("banana", false),
            ("2026-07-28x", false),
            ("", false),
        ] {
            assert_eq!(Revision::names_modern(name), modern, "{name}");
        }
    }
}
