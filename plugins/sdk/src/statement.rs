//! What kind of statement a text is, to choose the import that runs it. Not a
//! guard: the host decides what may run.

/// The keyword that says what a statement does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// SELECT, with or without common table expressions.
    Select,
    /// INSERT, UPDATE, DELETE or MERGE, with or without them.
    Change,
    /// Any other word of T-SQL that begins a statement.
    Other,
}

/// The verb of `text`, or `None` when it does not begin as a statement does:
/// then it is something that a person said.
#[must_use]
pub fn verb(text: &str) -> Option<Verb> {
    let text = text.trim_start_matches(|character: char| {
        character.is_whitespace() || matches!(character, ';' | '(')
    });
    let mut words = Words {
        rest: text,
        depth: 0,
    };
    let first = words.next()?;
    if !first.eq_ignore_ascii_case("with") {
        return classify(first).or_else(|| {
            STATEMENTS
                .iter()
                .any(|keyword| first.eq_ignore_ascii_case(keyword))
                .then_some(Verb::Other)
        });
    }
    // `WITH name [(columns)] AS (…)`: the verb is the first one outside the
    // parentheses. "with many orders" is not a statement.
    let mut defined = false;
    for word in words {
        if word.eq_ignore_ascii_case("as") {
            defined = true;
        } else if let Some(verb) = classify(word).filter(|_| defined) {
            return Some(verb);
        }
    }
    defined.then_some(Verb::Other)
}

fn classify(word: &str) -> Option<Verb> {
    if word.eq_ignore_ascii_case("select") {
        return Some(Verb::Select);
    }
    ["insert", "update", "delete", "merge"]
        .iter()
        .any(|keyword| word.eq_ignore_ascii_case(keyword))
        .then_some(Verb::Change)
}

/// The words outside parentheses, strings, quoted names and comments.
struct Words<'a> {
    rest: &'a str,
    depth: usize,
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        loop {
            let first = self.rest.chars().next()?;
            if self.rest.starts_with("--") {
                self.skip_past("\n", 2);
            } else if self.rest.starts_with("/*") {
                self.skip_past("*/", 2);
            } else if let Some(end) = closing(first) {
                self.skip_past(end, 1);
            } else if first.is_alphanumeric() || first == '_' {
                let end = self
                    .rest
                    .find(|character: char| !character.is_alphanumeric() && character != '_')
                    .unwrap_or(self.rest.len());
                let (word, rest) = self.rest.split_at(end);
                self.rest = rest;
                if self.depth == 0 {
                    return Some(word);
                }
            } else {
                match first {
                    '(' => self.depth += 1,
                    ')' => self.depth = self.depth.saturating_sub(1),
                    _ => {}
                }
                self.skip(first.len_utf8());
            }
        }
    }
}

impl Words<'_> {
    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or("");
    }

    fn skip_past(&mut self, end: &str, from: usize) {
        self.skip(from);
        let past = self
            .rest
            .find(end)
            .map_or(self.rest.len(), |at| at + end.len());
        self.skip(past);
    }
}

fn closing(first: char) -> Option<&'static str> {
    match first {
        '\'' => Some("'"),
        '"' => Some("\""),
        '[' => Some("]"),
        _ => None,
    }
}

/// What else begins a statement of T-SQL and hardly ever a sentence; the guard
/// refuses each of them with a better message than a search without hits.
const STATEMENTS: [&str; 16] = [
    "alter", "backup", "begin", "create", "dbcc", "declare", "deny", "drop", "exec", "execute",
    "grant", "kill", "restore", "revoke", "truncate", "waitfor",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verb_is_found_behind_comments_parentheses_and_semicolons() {
        for sql in [
            "SELECT 1",
            "  select*from t",
            "(SELECT 1) UNION (SELECT 2)",
            "-- a DELETE\nSELECT 1",
            "/* UPDATE */ SELECT 1",
            ";WITH c AS (SELECT 1 AS a) SELECT * FROM c",
        ] {
            assert_eq!(verb(sql), Some(Verb::Select), "{sql}");
        }
    }

    #[test]
    fn common_table_expressions_do_not_hide_a_change() {
        for sql in [
            "DELETE FROM t",
            "WITH c AS (SELECT 1 AS a) DELETE FROM c",
            "WITH [delete] (a) AS (SELECT ') SELECT' AS a), d AS (SELECT 2) UPDATE t SET a = 1",
            "merge into t using s on 1=1",
        ] {
            assert_eq!(verb(sql), Some(Verb::Change), "{sql}");
        }
    }

    #[test]
    fn words_of_a_person_are_no_statement() {
        for text in [
            "with many orders",
            "top 10 customers",
            "10 mejores clientes",
            "",
            "'select'",
        ] {
            assert_eq!(verb(text), None, "{text}");
        }
        assert_eq!(verb("DROP TABLE t"), Some(Verb::Other));
    }
}
