//! Names of a writing statement are of this database: none of other databases, and none
//! of linked servers, neither to write to nor to copy from; of the catalogue those that a
//! reading statement may name.

use super::super::denial::Denial;
use super::super::functions;
use super::super::mentions::{Mention, mentions};
use super::super::relations::{self, folded, is_catalogue};

/// A name of three parts is a table of another database wherever one can stand, so columns
/// go by an alias; `alias.Doc.value('…', '…')` of an xml column is what passes.
pub(super) fn check(sql: &str) -> Result<(), Denial> {
    let Some(mentions) = mentions(sql) else {
        return Ok(());
    };
    for mention in &mentions.names {
        if is_kept_back(mention) {
            let what = format!("The name {}", super::shown(&mention.parts.join(".")));
            let (code, hint) = match mention.called {
                true => ("function-not-allowed", FUNCTION),
                false => ("table-not-allowed", relations::CATALOGUE),
            };
            return Err(Denial::policy(code, sql, mention.at, &what, hint));
        }
        let reason = match mention.parts.as_slice() {
            [_] => continue,
            [first, _] if !first.is_empty() => continue,
            [owner, _, method]
                if is_method(mention, method) && is_named(&mentions.names, owner) =>
            {
                continue;
            }
            [_, _, _] if mention.called => METHOD,
            [_, _] | [_, _, _] => OTHER,
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

/// Whether it is a function of the catalogue, or a view that does not describe tables.
fn is_kept_back(mention: &Mention) -> bool {
    let (schema, name) = match mention.parts.as_slice() {
        [name] if !mention.is_column => (None, name),
        [schema, name] => (Some(folded(schema)), name),
        _ => return false,
    };
    let name = folded(name);
    match schema.as_deref() {
        Some(schema) if is_catalogue(schema) => {
            let describes = relations::describes(Some(schema), &name) == Some(true);
            !functions::is_clr_type(&name) && (mention.called || !describes)
        }
        // Behind another name it is a column.
        Some(schema) if !schema.eq_ignore_ascii_case("dbo") => false,
        // The views of SQL Server 2000.
        _ => relations::describes(None, &name) == Some(false),
    }
}

/// Of xml columns.
fn is_method(mention: &Mention, name: &str) -> bool {
    mention.has_literals && ["exist", "modify", "nodes", "query", "value"].contains(&name)
}

/// Whether a table or an alias has that name.
fn is_named(names: &[Mention], owner: &str) -> bool {
    let same = |one: &String| folded(one).eq_ignore_ascii_case(&folded(owner));
    names
        .iter()
        .any(|name| matches!(name.parts.as_slice(), [only] | [_, only] if same(only)))
}

const FUNCTION: &str = "Use SQL Server's built-in functions, without a schema, and functions of \
    this database.";
const OTHER: &str = "Other databases cannot be reached from here: name tables of this one, as \
    schema.table, and columns by an alias.";
const METHOD: &str = "Other databases cannot be reached from here: call functions of this one, as \
    schema.function, and methods of a column without its table, as Geo.STDistance(…).";
const LINKED: &str = "Linked servers and other databases cannot be reached from here: name tables \
    of this database, as schema.table, and columns by an alias.";
