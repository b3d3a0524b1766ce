//! What a statement may be before it is sent: an exact T-SQL lexer and an
//! allow-list of reserved words, with the rules on names, functions and hints
//! that tokens alone can decide.
//!
//! The log-in is the boundary. The guard refuses early, says why, and stops
//! what rights cannot: locks, waits, other databases, functions that reach
//! outside. T-SQL needs no `;` between statements, so the reserved words carry
//! the rule: they cannot be names unless quoted, and a reading statement needs
//! only some of them.

mod denial;
mod functions;
mod keywords;
mod lexer;
mod mentions;
mod normal;
mod opening;
mod options;
mod order;
mod phrases;
mod relations;
mod rules;
mod seen;
mod special;
mod walk;
mod write;

pub use denial::Denial;
pub(super) use functions::{is_server_schema, tells_of_objects};
pub(super) use mentions::{Mention, Mentions, mentions};
pub use normal::{Normal, normal};
pub(super) use relations::{folded, is_catalogue};
pub use seen::{Alias, Call, Cte, Qualified, Relation, RelationKind, Seen};

/// What is known of a statement that passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checked {
    /// It ends in FOR JSON or FOR XML, whose rows are pieces of one document:
    /// a row cap would cut it.
    pub returns_one_document: bool,
    /// It reads a table or view by name, so that SQL Server opens the implicit
    /// transaction.
    pub reads_a_table: bool,
    /// Its outermost query has an ORDER BY.
    pub ordered: bool,
    /// Where in the text OFFSET and FETCH can be added, in bytes: behind an ORDER BY
    /// that nothing else limits.
    pub page_at: Option<usize>,
}

/// Passes one SELECT. `bound` are the names of its parameters, with or without
/// the `@`.
///
/// # Errors
/// What was refused and where, and the nearest form that passes.
pub fn check(sql: &str, bound: &[&str]) -> Result<Checked, Denial> {
    rules::check(sql, bound, &[], false).map(|(checked, _)| checked)
}

/// As [`check`], with the names that the statement reads, for a policy.
/// `functions` are user functions that may be called, as schema and name.
///
/// # Errors
/// As [`check`].
pub fn inspect(
    sql: &str,
    bound: &[&str],
    functions: &[(String, String)],
) -> Result<(Checked, Seen), Denial> {
    rules::check(sql, bound, functions, true)
}

/// Where a page can be cut out of a statement that passed and was rewritten since.
pub(super) fn page_at(sql: &str) -> Option<usize> {
    let tokens = lexer::lex(sql).ok()?;
    order::find(rules::trim(&tokens)).page_at
}

/// Passes one statement that writes data or defines objects, for scopes that
/// may write.
///
/// # Errors
/// As [`check`].
pub fn check_write(sql: &str, bound: &[&str]) -> Result<(), Denial> {
    write::check(sql, bound)
}

#[cfg(test)]
mod tests;
