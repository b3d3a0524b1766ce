//! Names with `*` in them, as an operator writes tables and columns.

use crate::database::catalog::split;

/// `schema.name` or `schema.table.column`; `*` stands for any letters, also none,
/// except in brackets, where it is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    /// In lower case.
    text: String,
    wild: bool,
}

impl Pattern {
    /// Reads a pattern of `count` parts; none where it has another number of them
    /// or broken quotes.
    pub(super) fn parse(text: &str, count: usize) -> Option<Self> {
        let parts = split(text)?.into_iter().map(|part| Part {
            wild: !part.is_quoted && part.text.contains('*'),
            text: part.text.to_lowercase(),
        });
        let parts: Vec<Part> = parts.collect();
        (parts.len() == count).then_some(Self { parts })
    }

    /// Whether the first parts are these names, in any case.
    pub(super) fn matches(&self, names: &[&str]) -> bool {
        names.len() <= self.parts.len()
            && self
                .parts
                .iter()
                .zip(names)
                .all(|(part, name)| part.matches(&name.to_lowercase()))
    }

    /// Whether the first `parts` of it have no `*`.
    pub(super) fn is_exact(&self, parts: usize) -> bool {
        self.parts.iter().take(parts).all(|part| !part.wild)
    }

    /// Its parts in lower case, if none has a `*`.
    pub(super) fn texts(&self) -> Option<Vec<&str>> {
        self.parts
            .iter()
            .map(|part| (!part.wild).then_some(part.text.as_str()))
            .collect()
    }

    /// Whether its last part is this name, in any case.
    pub(super) fn ends_with(&self, name: &str) -> bool {
        self.parts
            .last()
            .is_some_and(|part| part.matches(&name.to_lowercase()))
    }
}

impl Part {
    fn matches(&self, name: &str) -> bool {
        if !self.wild {
            return self.text == name;
        }
        let mut pieces = self.text.split('*');
        let Some(mut rest) = name.strip_prefix(pieces.next().unwrap_or_default()) else {
            return false;
        };
        let Some(last) = pieces.next_back() else {
            return rest.is_empty();
        };
        for piece in pieces {
            match rest.find(piece) {
                Some(at) => rest = rest.get(at + piece.len()..).unwrap_or_default(),
                None => return false,
            }
        }
        rest.ends_with(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_in_any_case_and_with_stars() {
        for (pattern, name, matches) in [
            ("dbo.Salaries", ["DBO", "salaries"], true),
            ("dbo.*", ["dbo", "Order Details"], true),
            ("dbo.*", ["sales", "Orders"], false),
            ("*.*", ["x", "y"], true),
            ("*.tmp_*_old", ["a", "TMP_1_OLD"], true),
            ("*.tmp_*_old", ["a", "tmp_old"], false),
            ("dbo.a*a", ["dbo", "a"], false),
            ("dbo.[Order Details]", ["dbo", "order details"], true),
            ("dbo.Order Details", ["dbo", "Order Details"], true),
            ("[a.b].\"c\"\"d\"", ["A.B", "c\"d"], true),
            ("dbo.[x*]", ["dbo", "x*"], true),
            ("dbo.[x*]", ["dbo", "xy"], false),
            ("dbo.[a]]b]", ["dbo", "a]b"], true),
            ("dbo.ÄRZTE", ["dbo", "ärzte"], true),
        ] {
            let parsed = Pattern::parse(pattern, 2).expect(pattern);
            assert_eq!(parsed.matches(&name), matches, "{pattern} {name:?}");
        }
    }

    #[test]
    fn another_number_of_parts_or_broken_quotes_is_no_pattern() {
        for text in [
            "", "Salaries", "a.b.c", "dbo.", ".x", "dbo.[x", "dbo.[x]y", "dbo..x",
        ] {
            assert_eq!(Pattern::parse(text, 2), None, "{text}");
        }
        assert!(Pattern::parse("dbo.Customers.Email", 3).is_some());
    }
}
