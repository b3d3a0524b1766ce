//! Which views may be read: those that read nothing that is kept back, as far
//! as the server tells.

use std::collections::{HashMap, HashSet};

use super::Policy;
use super::facts::{Dependency, Facts};
use super::mask::Masked;
use crate::database::catalog::Table;
use crate::database::guard::{Mentions, is_catalogue, mentions};

/// Object ids of the readable views. `open` are those of readable tables, `masked` the
/// masks of tables and views.
pub(super) fn readable(
    policy: &Policy,
    tables: &[Table],
    facts: &Facts,
    open: &HashSet<i64>,
    masked: &HashMap<i64, Masked>,
) -> HashSet<i64> {
    let mut readable = HashSet::new();
    let mut pending: Vec<View<'_>> = Vec::new();
    for table in tables.iter().filter(|table| table.kind == "view") {
        let (schema, name) = (&table.name.schema, &table.name.name);
        if !policy.lets_read(schema, name) {
            continue;
        }
        if policy.lists(schema, name) {
            readable.insert(table.object_id);
        } else if let Some(view) = View::of(table.object_id, facts) {
            pending.push(view);
        }
    }
    // Views read views: each round settles those whose sources are settled, and
    // SQL Server nests them 32 deep.
    loop {
        let before = pending.len();
        pending.retain(|view| {
            let settled = view.reads.iter().all(|one| {
                let Some(id) = one.id else { return false };
                let known = open.contains(&id) || readable.contains(&id);
                match masked.get(&id) {
                    Some(masked) => known && view.leaves_out(masked),
                    None => known || policy.lets_call(&one.schema, &one.name),
                }
            });
            if settled {
                readable.insert(view.id);
            }
            !settled
        });
        if pending.len() == before {
            return readable;
        }
    }
}

/// A view whose sources are known.
struct View<'a> {
    id: i64,
    reads: &'a [Dependency],
    /// Of its text, where that was asked for.
    mentions: Option<Mentions>,
}

impl<'a> View<'a> {
    /// None where it is not known what it reads, or where it reads the catalogue.
    fn of(id: i64, facts: &'a Facts) -> Option<Self> {
        let reads = facts.dependencies.as_ref()?.get(&id)?;
        let mentions = match facts.definitions.get(&id) {
            Some(definition) => Some(mentions(definition.as_deref()?)?),
            None => None,
        };
        let reads_catalogue = mentions.as_ref().is_some_and(|mentions| {
            mentions
                .names
                .iter()
                .any(|name| name.parts.iter().any(|part| is_catalogue(part)))
        });
        (!reads_catalogue).then_some(Self {
            id,
            reads,
            mentions,
        })
    }

    /// Whether its text names none of the masked columns, nor all columns at once.
    fn leaves_out(&self, masked: &Masked) -> bool {
        let Some(mentions) = &self.mentions else {
            return false;
        };
        let secrets: Vec<String> = masked.secrets().map(str::to_lowercase).collect();
        !mentions.selects_all
            && !mentions
                .names
                .iter()
                .flat_map(|name| &name.parts)
                .any(|part| secrets.contains(&part.to_lowercase()))
    }
}
