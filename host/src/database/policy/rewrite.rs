//! Decides on every name of a reading statement, and puts masks in place.

use std::ops::Range;

use super::Policy;
use super::standing::{Standing, State};
use crate::database::catalog::bracketed;
use crate::database::guard::{Cte, Denial, Relation, RelationKind, Seen};

/// What may be sent.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Rewritten {
    /// None where the statement may go as it is.
    pub(super) sql: Option<String>,
    /// Result columns that are masked, where that is certain.
    pub(super) masked: Vec<String>,
}

pub(super) fn apply(
    policy: &Policy,
    standing: &Standing,
    sql: &str,
    seen: &Seen,
) -> Result<Rewritten, Denial> {
    if let Some(call) = seen.metadata.first()
        && !policy.lets_read_catalogue("sys", "objects")
    {
        return Err(Denial::catalogue_function(sql, call.at, &call.name));
    }
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let mut rewritten = Rewritten::default();
    // Schema and name of the tables that have become derived ones.
    let mut derived: Vec<(&str, &str)> = Vec::new();
    for relation in &seen.relations {
        let Some(found) = meaning(policy, standing, sql, relation)? else {
            continue;
        };
        let name = &found.table.name;
        match found.state {
            State::Hidden => return Err(kept_back(standing, sql, relation)),
            State::Open if found.needs_schema => {
                let start = relation.name.start;
                edits.push((start..start, format!("{}.", bracketed(&name.schema))));
            }
            State::Open => {}
            State::Masked(_) if let Some(at) = searched(seen, relation) => {
                return Err(full_text(sql, at));
            }
            State::Masked(_) if relation.picks_index => {
                return Err(Denial::policy(
                    "column-not-allowed",
                    sql,
                    relation.name.start,
                    "An index picked for a table with masked columns",
                    "Leave INDEX and FORCESEEK out.",
                ));
            }
            State::Masked(masked) => {
                let select = masked.select(|column| is_named(sql, column));
                let alias = alias(sql, relation).unwrap_or_else(|| bracketed(&name.name));
                let belongs = without_alias(sql, relation);
                edits.push((
                    relation.whole.clone(),
                    format!("{select}{belongs}) AS {alias}"),
                ));
                derived.push((&name.schema, &name.name));
                if seen.plain {
                    rewritten.masked = masked.secrets().map(str::to_owned).collect();
                }
            }
        }
    }
    // A derived table has no schema: dbo.Customers.Email becomes [Customers].Email.
    for column in &seen.qualified {
        let [schema, table, rest @ ..] = column.parts.as_slice() else {
            continue;
        };
        let of = derived.iter().find(|(of, name)| {
            same(of, schema) && same(name, table) && (column.star || !rest.is_empty())
        });
        if let Some((_, name)) = of {
            edits.push((column.first.clone(), bracketed(name)));
        }
    }
    if !edits.is_empty() {
        rewritten.sql = Some(edited(sql, edits)?);
    }
    Ok(rewritten)
}

/// The table that a relation is; none for a common table expression and a view of the
/// catalogue that may be read.
fn meaning<'s>(
    policy: &Policy,
    standing: &'s Standing,
    sql: &str,
    relation: &Relation,
) -> Result<Option<super::standing::Meaning<'s>>, Denial> {
    let schema = relation.schema.as_deref();
    if relation.kind == RelationKind::Catalogue {
        let allowed = policy.lets_read_catalogue(schema.unwrap_or("sys"), &relation.table);
        return if allowed {
            Ok(None)
        } else {
            let hint = "Use list_tables and describe_table.".to_owned();
            let name = written(sql, &relation.name);
            Err(Denial::kept_back(sql, relation.name.start, name, hint))
        };
    }
    let by_name = relation.kind == RelationKind::Table;
    if by_name && relation.cte == Cte::Exact {
        // So that nothing kept back hangs on where the expression ends.
        if standing.protects(None, &relation.table) {
            return Err(Denial::policy(
                "statement-not-allowed",
                sql,
                relation.name.start,
                "A common table expression of this name",
                "Give the common table expression another name.",
            ));
        }
        return Ok(None);
    }
    let other_case = by_name && relation.cte == Cte::OtherCase;
    match standing.find(schema, &relation.table) {
        Some(_) if other_case => Err(Denial::policy(
            "statement-not-allowed",
            sql,
            relation.name.start,
            "A name that may be a table's or that of a common table expression",
            "Write the common table expression's name in the same case everywhere.",
        )),
        Some(found) => Ok(Some(found)),
        None if other_case && !standing.protects(None, &relation.table) => Ok(None),
        None => Err(kept_back(standing, sql, relation)),
    }
}

/// Where full-text search reads the relation, in bytes.
fn searched(seen: &Seen, relation: &Relation) -> Option<usize> {
    match relation.kind {
        RelationKind::FullText => Some(relation.name.start),
        _ => seen.full_text,
    }
}

/// The index of a table knows the values that are masked in its rows.
fn full_text(sql: &str, at: usize) -> Denial {
    Denial::policy(
        "column-not-allowed",
        sql,
        at,
        "Full-text search in a table with masked columns",
        "Search its other columns with LIKE.",
    )
}

/// The same words for what is not there and for what may not be read.
fn kept_back(standing: &Standing, sql: &str, relation: &Relation) -> Denial {
    let name = written(sql, &relation.name);
    let nearest = standing.nearest(name);
    let hint = if nearest.is_empty() {
        "list_tables shows those that may.".to_owned()
    } else {
        format!("The nearest that may are {}.", nearest.join(", "))
    };
    Denial::kept_back(sql, relation.name.start, name, hint)
}

fn alias(sql: &str, relation: &Relation) -> Option<String> {
    let alias = relation.alias.as_ref()?;
    Some(written(sql, &alias.text).to_owned())
}

/// Hints, times and the sample behind the name, with the lines they stand on.
fn without_alias(sql: &str, relation: &Relation) -> String {
    let (from, to) = (relation.name.end, relation.whole.end);
    match &relation.alias {
        Some(alias) => {
            let before = written(sql, &(from..alias.whole.start));
            // AS and the alias may stand on two lines.
            let lines = written(sql, &alias.whole).matches('\n').count();
            let after = written(sql, &(alias.whole.end..to));
            format!("{before} {}{after}", "\n".repeat(lines))
        }
        None => written(sql, &(from..to)).to_owned(),
    }
}

fn written<'s>(sql: &'s str, range: &Range<usize>) -> &'s str {
    sql.get(range.clone()).unwrap_or_default()
}

fn same(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}

fn is_named(sql: &str, column: &str) -> bool {
    sql.to_lowercase().contains(&column.to_lowercase())
}

fn edited(sql: &str, mut edits: Vec<(Range<usize>, String)>) -> Result<String, Denial> {
    edits.sort_by_key(|(range, _)| (range.start, range.end));
    let size = sql.len() + edits.iter().map(|(_, text)| text.len()).sum::<usize>();
    let refused = |at: usize, what: &str, hint: &str| {
        Denial::policy("statement-not-allowed", sql, at, what, hint)
    };
    if size > MAX_BYTES {
        let what = "A statement that reads masked tables in too many places";
        let hint = "Read each once, in a common table expression.";
        return Err(refused(0, what, hint));
    }
    let mut out = String::with_capacity(size);
    let mut at = 0;
    for (range, text) in edits {
        // A query inside what belongs to another table's name.
        let Some(kept) = sql.get(at..range.start) else {
            let what = "A query inside a sample or time of a table";
            return Err(refused(range.start, what, "Write the value itself."));
        };
        out.push_str(kept);
        out.push_str(&text);
        at = range.end;
    }
    out.push_str(sql.get(at..).unwrap_or_default());
    Ok(out)
}

/// Sixteen times the longest statement: a table of 500 columns in some 40 places.
const MAX_BYTES: usize = 1024 * 1024;
