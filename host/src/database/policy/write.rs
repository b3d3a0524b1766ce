//! A statement that writes names nothing that is kept back or masked: neither
//! to change it nor to copy from it.

use super::Policy;
use super::standing::Standing;
use crate::database::guard::{
    Denial, Mention, folded, is_catalogue, is_server_schema, mentions, tells_of_objects,
};

pub(super) fn check(policy: &Policy, standing: &Standing, sql: &str) -> Result<(), Denial> {
    // It passed the guard, which reads it in the same way.
    let Some(mentions) = mentions(sql) else {
        return Err(refused(sql, 0, "A statement that cannot be read for sure"));
    };
    for mention in &mentions.names {
        let mut before = None;
        for part in &mention.parts {
            if !part.is_empty() && !mention.is_column {
                let schema = before.filter(|schema: &&String| !schema.is_empty());
                if standing.protects(schema.map(String::as_str), part) {
                    let what = format!("{} in a statement that writes", mention.parts.join("."));
                    return Err(refused(sql, mention.at, &what));
                }
            }
            before = Some(part);
        }
        if let [schema, name] = mention.parts.as_slice()
            && is_catalogue(&folded(schema))
            && !policy.lets_read_catalogue(schema, name)
        {
            let what = format!("{} in a statement that writes", mention.parts.join("."));
            return Err(refused(sql, mention.at, &what));
        }
        if mention.called
            && tells_of_objects(&mention.parts)
            && !policy.lets_read_catalogue("sys", "objects")
        {
            let name = mention.parts.join(".");
            return Err(Denial::catalogue_function(sql, mention.at, &name));
        }
        if calls_unlisted(policy, standing, mention) {
            let what = format!("The function {}", mention.parts.join("."));
            return Err(Denial::policy(
                "function-not-allowed",
                sql,
                mention.at,
                &what,
                "Use SQL Server's built-in functions.",
            ));
        }
    }
    Ok(())
}

/// `dbo.f(…)` reads what it likes; `dbo.t (a, b)` is a table with its columns, and
/// `t.Doc.value(…)` a method.
fn calls_unlisted(policy: &Policy, standing: &Standing, mention: &Mention) -> bool {
    match mention.parts.as_slice() {
        [schema, name] => {
            mention.called
                && !mention.defines
                && !standing.is_readable(schema, name)
                && !policy.lets_call(schema, name)
                && !is_method(schema, name, mention.has_literals)
        }
        [_] => mention.is_unknown_source && !mention.is_column,
        _ => false,
    }
}

/// Of xml columns, which a write may take values from and modify: their arguments are
/// literals.
fn is_method(owner: &str, name: &str, has_literals: bool) -> bool {
    has_literals
        && !is_server_schema(owner)
        && ["exist", "modify", "nodes", "query", "value"].contains(&name)
}

fn refused(sql: &str, at: usize, what: &str) -> Denial {
    Denial::policy(
        "table-not-allowed",
        sql,
        at,
        what,
        "Write only to tables that list_tables shows and that have no masked columns.",
    )
}
