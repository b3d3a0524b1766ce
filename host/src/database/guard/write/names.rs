//! Names of a writing statement are of this database: none of other databases, and none
//! of linked servers, neither to write to nor to copy from.

use super::super::denial::Denial;
use super::super::mentions::{Mention, mentions};
use super::super::relations::folded;

/// `schema.table.column` and `table.Doc.value('…', '…')` have three parts as well: they
/// are of a table that the statement names for itself.
pub(super) fn check(sql: &str) -> Result<(), Denial> {
    let Some(mentions) = mentions(sql) else {
        return Ok(());
    };
    let names = &mentions.names;
    for mention in names {
        let reason = match mention.parts.as_slice() {
            [_] => continue,
            [first, _] if !first.is_empty() => continue,
            [owner, column, method] if is_method(mention, method) => {
                match is_named(names, owner) || names.iter().any(|name| ends(name, owner, column)) {
                    true => continue,
                    false => OTHER,
                }
            }
            [schema, table, _] => match names.iter().any(|name| ends(name, schema, table)) {
                true => continue,
                false => OTHER,
            },
            [schema, table, _, method] if is_method(mention, method) => {
                match names.iter().any(|name| ends(name, schema, table)) {
                    true => continue,
                    false => LINKED,
                }
            }
            [_, _] => OTHER,
            _ => LINKED,
        };
        let what = format!("The name {}", super::shown(&mention.parts.join(".")));
        return Err(Denial::policy(
            "table-not-allowed",
            sql,
            mention.at,
            &what,
            reason,
        ));
    }
    Ok(())
}

/// Of xml columns.
fn is_method(mention: &Mention, name: &str) -> bool {
    mention.has_literals && ["exist", "modify", "nodes", "query", "value"].contains(&name)
}

/// Whether the statement names `schema.table` where two parts are all there is.
fn ends(name: &Mention, schema: &str, table: &str) -> bool {
    let same = |one: &str, other: &str| folded(one).eq_ignore_ascii_case(&folded(other));
    matches!(name.parts.as_slice(), [own_schema, own_table]
        if !schema.is_empty() && same(own_schema, schema) && same(own_table, table))
}

/// Whether a table or an alias has that name.
fn is_named(names: &[Mention], owner: &str) -> bool {
    let same = |one: &String| folded(one).eq_ignore_ascii_case(&folded(owner));
    names
        .iter()
        .any(|name| matches!(name.parts.as_slice(), [only] | [_, only] if same(only)))
}

const OTHER: &str = "Other databases cannot be reached from here: name tables of this one, as \
    schema.table, and columns by an alias.";
const LINKED: &str = "Linked servers and other databases cannot be reached from here: name tables \
    of this database, as schema.table, and columns by an alias.";
