//! How each table of the database stands to a policy, at one moment.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::facts::Facts;
use super::mask::Masked;
use super::{Policy, views};
use crate::database::catalog::{Table, Tables, nearest};
use crate::database::guard::{folded, mentions};

/// The tables and views of a database under a policy.
pub(in crate::database) struct Standing {
    tables: Vec<Known>,
    /// Indexes of `tables` by name in lower case.
    by_name: HashMap<String, Vec<usize>>,
    /// Schema and name in lower case.
    synonyms: HashSet<(String, String)>,
    /// What is not open, and synonyms, by their names as the loosest of collations
    /// compares them; the schemas in the same form.
    protected: HashMap<String, Vec<String>>,
    visible: Arc<Tables>,
}

/// One of them.
struct Known {
    table: Table,
    state: State,
}

/// How it may be read.
#[derive(Debug)]
pub(super) enum State {
    /// Not at all.
    Hidden,
    /// As it is.
    Open,
    /// Through its mask.
    Masked(Masked),
}

/// What a name in a statement means.
pub(super) struct Meaning<'a> {
    pub(super) table: &'a Table,
    pub(super) state: &'a State,
    /// The server would look in the log-in's own schema first, where a synonym may stand:
    /// the name must be sent with its schema.
    pub(super) needs_schema: bool,
}

impl Standing {
    pub(super) fn of(policy: &Policy, tables: &[Table], facts: &Facts) -> Self {
        let by_id: HashMap<i64, &Table> = tables.iter().map(|t| (t.object_id, t)).collect();
        let base = |table: &Table| {
            let base = facts.history.get(&table.object_id)?;
            by_id.get(base).copied()
        };
        let denied = |table: &Table| {
            policy
                .deny
                .iter()
                .any(|deny| deny.matches(&[&table.name.schema, &table.name.name]))
        };
        let masks = |table: &Table| {
            is_named_by_a_mask(policy, table)
                || base(table).is_some_and(|base| is_named_by_a_mask(policy, base))
        };
        let mut open = HashSet::new();
        let mut masked = HashMap::new();
        for table in tables {
            let history_of = base(table);
            let mut readable = table.kind == "table"
                && policy.lets_read(&table.name.schema, &table.name.name)
                && !history_of.is_some_and(denied);
            if masks(table) {
                let of = history_of.map(|base| {
                    let columns = facts.columns.get(&base.object_id);
                    (&base.name, columns.map(Vec::as_slice).unwrap_or_default())
                });
                let columns = facts.columns.get(&table.object_id);
                let mask = columns.and_then(|all| Masked::of(policy, &table.name, of, all));
                match mask {
                    Some(mask) => _ = masked.insert(table.object_id, mask),
                    None => {
                        tracing::warn!(
                            table = %table.name,
                            "mask names a column that the table does not have: it is kept back"
                        );
                        readable = false;
                    }
                }
            }
            if readable {
                open.insert(table.object_id);
            }
        }
        let views = views::readable(policy, tables, facts, &open, &masked);
        let known: Vec<Known> = tables
            .iter()
            .map(|table| {
                let id = table.object_id;
                let unmaskable = masks(table) && !masked.contains_key(&id);
                let state = if unmaskable || !(open.contains(&id) || views.contains(&id)) {
                    State::Hidden
                } else {
                    masked.remove(&id).map_or(State::Open, State::Masked)
                };
                Known {
                    table: table.clone(),
                    state,
                }
            })
            .collect();
        Self::new(known, facts)
    }

    fn new(tables: Vec<Known>, facts: &Facts) -> Self {
        let mut by_name: HashMap<String, Vec<usize>> = HashMap::with_capacity(tables.len());
        for (index, known) in tables.iter().enumerate() {
            let name = known.table.name.name.to_lowercase();
            by_name.entry(name).or_default().push(index);
        }
        let mut protected: HashMap<String, Vec<String>> = HashMap::new();
        let closed = tables
            .iter()
            .filter(|known| !matches!(known.state, State::Open))
            .map(|known| (&known.table.name.schema, &known.table.name.name));
        let synonyms = facts.synonyms.iter().map(|(schema, name)| (schema, name));
        for (schema, name) in closed.chain(synonyms) {
            protected
                .entry(loose(name))
                .or_default()
                .push(loose(schema));
        }
        let visible = tables
            .iter()
            .filter(|known| !matches!(known.state, State::Hidden))
            .map(|known| known.table.clone())
            .collect();
        Self {
            tables,
            by_name,
            synonyms: facts
                .synonyms
                .iter()
                .map(|(schema, name)| (schema.to_lowercase(), name.to_lowercase()))
                .collect(),
            protected,
            visible: Arc::new(Tables::new(visible)),
        }
    }

    /// The tables and views that may be read.
    pub(super) fn visible(&self) -> Arc<Tables> {
        Arc::clone(&self.visible)
    }

    /// What the server takes the name for: without a schema one of the log-in's own, then
    /// one of `dbo`. None where it is no table, or where only the database's collation
    /// could tell which.
    pub(super) fn find(&self, schema: Option<&str>, name: &str) -> Option<Meaning<'_>> {
        let known = self.named(name);
        if let Some(schema) = schema {
            let lower = schema.to_lowercase();
            let of = known.filter(|it| it.table.name.schema.to_lowercase() == lower);
            return one(of, Some(schema), name).map(|it| it.meaning(false));
        }
        let known: Vec<&Known> = known.collect();
        let of = |own: bool| {
            known.iter().copied().filter(move |it| {
                it.table.in_default_schema == own && (own || it.table.name.schema == "dbo")
            })
        };
        if of(true).next().is_some() {
            return one(of(true), None, name).map(|it| it.meaning(false));
        }
        one(of(false), None, name).map(|it| it.meaning(true))
    }

    /// Whether a table or view of this name may be read.
    pub(in crate::database) fn is_readable(&self, schema: &str, name: &str) -> bool {
        self.find(Some(schema), name)
            .is_some_and(|found| !matches!(found.state, State::Hidden))
    }

    /// Whether the policy masks this column.
    pub(in crate::database) fn is_masked(&self, schema: &str, table: &str, column: &str) -> bool {
        match self.find(Some(schema), table) {
            Some(Meaning {
                state: State::Masked(masked),
                ..
            }) => masked.secrets().any(|secret| secret == column),
            _ => false,
        }
    }

    /// Whether a definition names a table that is kept back, or cannot be read.
    pub(in crate::database) fn tells_of_hidden(&self, definition: &str) -> bool {
        let Some(mentions) = mentions(definition) else {
            return true;
        };
        mentions.names.iter().any(|mention| {
            let pairs = mention.parts.iter().zip(mention.parts.iter().skip(1));
            pairs.into_iter().any(|(schema, name)| {
                self.find(Some(schema), name)
                    .is_some_and(|found| matches!(found.state, State::Hidden))
            })
        })
    }

    /// Readable names most like `given`.
    pub(super) fn nearest(&self, given: &str) -> Vec<String> {
        nearest(&self.visible, given)
    }

    /// Whether a table that is hidden or masked, or a synonym, has this name. Without a
    /// schema, one that may be read in the log-in's schema or in `dbo` is meant first.
    pub(super) fn protects(&self, schema: Option<&str>, name: &str) -> bool {
        let lower = name.to_lowercase();
        let synonym = self.synonyms.iter().any(|(of, synonym)| {
            *synonym == lower && schema.is_none_or(|schema| *of == schema.to_lowercase())
        });
        let table = match self.find(schema, name) {
            Some(found) => !matches!(found.state, State::Open),
            None => self.protected.get(&loose(name)).is_some_and(|schemas| {
                let meant = schema.map(loose);
                schemas
                    .iter()
                    .any(|of| meant.as_ref().is_none_or(|meant| meant == of))
            }),
        };
        synonym || table
    }

    fn named(&self, name: &str) -> impl Iterator<Item = &Known> {
        let indexes = self.by_name.get(&name.to_lowercase());
        let indexes = indexes.map(Vec::as_slice).unwrap_or_default();
        indexes.iter().filter_map(|index| self.tables.get(*index))
    }
}

impl Known {
    fn meaning(&self, needs_schema: bool) -> Meaning<'_> {
        Meaning {
            table: &self.table,
            state: &self.state,
            needs_schema,
        }
    }
}

/// A name as the loosest of collations compares it.
fn loose(name: &str) -> String {
    folded(name).to_lowercase()
}

/// The only one, or of several that differ in case the one that is written so.
fn one<'a>(
    mut known: impl Iterator<Item = &'a Known>,
    schema: Option<&str>,
    name: &str,
) -> Option<&'a Known> {
    let first = known.next()?;
    let rest: Vec<&Known> = known.collect();
    if rest.is_empty() {
        return Some(first);
    }
    std::iter::once(first).chain(rest).find(|known| {
        known.table.name.name == name
            && schema.is_none_or(|schema| known.table.name.schema == schema)
    })
}

fn is_named_by_a_mask(policy: &Policy, table: &Table) -> bool {
    policy
        .mask
        .iter()
        .any(|mask| mask.matches(&[&table.name.schema, &table.name.name]))
}
