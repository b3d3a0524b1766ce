//! What of a database a scope may read: tables and views, masked columns, user
//! functions.
//!
//! The guard says which names a statement reads and where; the policy looks
//! them up in the catalogue, refuses those that are kept back, and puts a
//! derived table with the mask in place of each reference to a masked table. It
//! changes those places and nothing else, so that lines stay lines.
//!
//! ```text
//! guard::inspect → Seen → Standing (catalogue, 30 s) → rewrite → the server
//! ```

mod facts;
mod mask;
mod pattern;
mod rewrite;
mod standing;
mod views;
mod write;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use pattern::Pattern;
pub(super) use standing::Standing;
use tokio::sync::Mutex;

use super::Inner;
use super::catalog::{self, KEPT, Tables};
use super::error::Error;
use super::guard::{self, Checked};
use super::value::Query;

/// What an operator wrote of a scope's policy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicyConfig {
    /// Tables and views that may be read, as `schema.name` with `*`; without any, all.
    pub allow: Vec<String>,
    /// Those that may not, whatever `allow` says.
    pub deny: Vec<String>,
    /// Columns whose values are masked, as `schema.table.column` with `*`.
    pub mask: Vec<String>,
    /// User functions that may be called, as `schema.name`.
    pub functions: Vec<String>,
}

/// The policy of a scope on one database.
pub struct Policy {
    allow: Vec<Pattern>,
    deny: Vec<Pattern>,
    mask: Vec<Pattern>,
    functions: Vec<(String, String)>,
    /// Of the list of tables that was read last.
    standing: ArcSwapOption<(Arc<Tables>, Arc<Standing>)>,
    /// Held by whoever works it out: the others wait for that one.
    reading: Mutex<()>,
}

/// A reading statement as it may be sent.
pub(super) struct Admitted {
    pub(super) checked: Checked,
    /// Columns of the result that come from a mask, where that can be told.
    pub(super) masked: Vec<String>,
}

impl Policy {
    /// None where nothing is configured.
    ///
    /// # Errors
    /// An entry that is not a name of as many parts as it needs, after its key.
    pub fn new(config: &PolicyConfig) -> Result<Option<Self>, Error> {
        if *config == PolicyConfig::default() {
            return Ok(None);
        }
        let functions = config
            .functions
            .iter()
            .map(|text| function(text).ok_or_else(|| malformed("functions", text, FUNCTION)))
            .collect::<Result<_, _>>()?;
        Ok(Some(Self {
            allow: patterns("tables.allow", &config.allow, 2)?,
            deny: patterns("tables.deny", &config.deny, 2)?,
            mask: patterns("mask", &config.mask, 3)?,
            functions,
            standing: ArcSwapOption::empty(),
            reading: Mutex::default(),
        }))
    }

    /// Whether it is about tables at all.
    fn is_about_tables(&self) -> bool {
        !(self.allow.is_empty() && self.deny.is_empty() && self.mask.is_empty())
    }

    /// Whether the patterns let this table or view be read, apart from what a view reads.
    fn lets_read(&self, schema: &str, name: &str) -> bool {
        let any = |patterns: &[Pattern]| {
            patterns
                .iter()
                .any(|pattern| pattern.matches(&[schema, name]))
        };
        !any(&self.deny) && (self.allow.is_empty() || any(&self.allow))
    }

    /// Whether `allow` has this very name, without `*`.
    fn lists(&self, schema: &str, name: &str) -> bool {
        self.allow
            .iter()
            .any(|pattern| pattern.is_exact(2) && pattern.matches(&[schema, name]))
    }

    /// A view of the catalogue shows every table, so `allow` must name its schema.
    fn lets_read_catalogue(&self, schema: &str, name: &str) -> bool {
        self.lets_read(schema, name)
            && self
                .allow
                .iter()
                .any(|pattern| pattern.is_exact(1) && pattern.matches(&[schema, name]))
    }

    fn lets_call(&self, schema: &str, name: &str) -> bool {
        let same = |a: &str, b: &str| a.to_lowercase() == b.to_lowercase();
        self.functions
            .iter()
            .any(|(of, function)| same(of, schema) && same(function, name))
    }

    /// How the tables stand, from a catalogue that is no older than `age`.
    async fn standing(&self, inner: &Inner, age: Duration) -> Result<Arc<Standing>, Error> {
        let tables = catalog::newer(inner, age).await?;
        if let Some(standing) = self.known(&tables) {
            return Ok(standing);
        }
        let _turn = self.reading.lock().await;
        // Another call may have worked it out meanwhile.
        if let Some(standing) = self.known(&tables) {
            return Ok(standing);
        }
        let facts = facts::read(inner, self, &tables).await?;
        let standing = Arc::new(Standing::of(self, &tables, &facts));
        let known = Arc::new((tables, Arc::clone(&standing)));
        self.standing.store(Some(known));
        Ok(standing)
    }

    fn known(&self, tables: &Arc<Tables>) -> Option<Arc<Standing>> {
        let known = self.standing.load();
        let (of, standing) = &**known.as_ref()?;
        Arc::ptr_eq(of, tables).then(|| Arc::clone(standing))
    }
}

/// Passes a statement that reads, or says why not. `query.sql` becomes what may be sent.
pub(super) async fn admit(inner: &Inner, query: &mut Query) -> Result<Admitted, Error> {
    let names: Vec<&str> = query.params.iter().map(|p| p.name.as_str()).collect();
    let Some(policy) = &inner.policy else {
        return Ok(Admitted {
            checked: guard::check(&query.sql, &names).map_err(Error::Denied)?,
            masked: Vec::new(),
        });
    };
    let (checked, seen) =
        guard::inspect(&query.sql, &names, &policy.functions).map_err(Error::Denied)?;
    let mut admitted = Admitted {
        checked,
        masked: Vec::new(),
    };
    if policy.is_about_tables() && !(seen.relations.is_empty() && seen.metadata.is_empty()) {
        let standing = policy.standing(inner, KEPT).await?;
        let rewritten =
            rewrite::apply(policy, &standing, &query.sql, &seen).map_err(Error::Denied)?;
        admitted.masked = rewritten.masked;
        if let Some(sql) = rewritten.sql {
            admitted.checked.page_at = guard::page_at(&sql);
            query.sql = sql;
        }
    }
    Ok(admitted)
}

/// Passes a statement that writes, which must not name what is kept back or
/// masked.
pub(super) async fn admit_write(inner: &Inner, sql: &str) -> Result<(), Error> {
    let Some(policy) = inner.policy.as_ref().filter(|it| it.is_about_tables()) else {
        return Ok(());
    };
    let standing = policy.standing(inner, KEPT).await?;
    write::check(policy, &standing, sql).map_err(Error::Denied)
}

/// How the tables stand, where a policy is about them.
pub(super) async fn standing(inner: &Inner, age: Duration) -> Result<Option<Arc<Standing>>, Error> {
    match inner.policy.as_ref().filter(|it| it.is_about_tables()) {
        Some(policy) => policy.standing(inner, age).await.map(Some),
        None => Ok(None),
    }
}

/// The tables and views that may be read, as they were no longer ago than `age`.
pub(super) async fn visible(inner: &Inner, age: Duration) -> Result<Arc<Tables>, Error> {
    match standing(inner, age).await? {
        Some(standing) => Ok(standing.visible()),
        None => catalog::newer(inner, age).await,
    }
}

fn patterns(key: &str, entries: &[String], parts: usize) -> Result<Vec<Pattern>, Error> {
    let example = if parts == 2 { TABLE } else { COLUMN };
    entries
        .iter()
        .map(|text| Pattern::parse(text, parts).ok_or_else(|| malformed(key, text, example)))
        .collect()
}

/// A function is one name, not a pattern: what it does is known of that one.
fn function(text: &str) -> Option<(String, String)> {
    let pattern = Pattern::parse(text, 2)?;
    match pattern.texts()?.as_slice() {
        [schema, name] => Some(((*schema).to_owned(), (*name).to_owned())),
        _ => None,
    }
}

fn malformed(key: &str, text: &str, example: &str) -> Error {
    Error::Other(format!("{key}: \"{text}\" is not {example}"))
}

const TABLE: &str = "schema.name; write dbo.Orders, dbo.* or dbo.[Order Details]";
const COLUMN: &str = "schema.table.column; write dbo.Customers.Email";
const FUNCTION: &str = "schema.name of one function; write dbo.fn_x";

#[cfg(test)]
mod generated;
#[cfg(test)]
mod tests;
