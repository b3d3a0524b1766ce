//! What kind of statement a text is, to choose the import that runs it, and the
//! parameters it takes. Not a guard: the host decides what may run.

use crate::lexer::{Token, Tokens};

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
    let mut words = words(text);
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

/// The parameters that `text` uses, without the `@`, each once, in order. The
/// host takes no statement that declares variables, so every `@name` is one.
#[must_use]
pub fn parameters(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for token in Tokens::of(text) {
        if let Token::Variable(name) = token
            && !names.contains(&name)
        {
            names.push(name);
        }
    }
    names
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

/// The words outside parentheses.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_usize;
    Tokens::of(text).filter_map(move |token| {
        match token {
            Token::Mark('(') => depth += 1,
            Token::Mark(')') => depth = depth.saturating_sub(1),
            Token::Word(word) if depth == 0 => return Some(word),
            _ => {}
        }
        None
    })
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
    fn parameters_are_listed_once_as_they_are_written() {
        assert_eq!(
            parameters("SELECT @b, '@x' FROM t WHERE a = @a OR @b IS NULL OR @B = @@SPID"),
            ["b", "a", "B"]
        );
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
