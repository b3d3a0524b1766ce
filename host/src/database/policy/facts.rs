//! What a policy asks the catalogue: synonyms, history tables, what views read,
//! and the columns of masked tables.

use std::collections::{HashMap, HashSet};

use super::Policy;
use super::mask::Column;
use crate::database::catalog::{Cells, Table};
use crate::database::error::Error;
use crate::database::{Inner, query};

/// The catalogue's answers.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Schema and name.
    pub(super) synonyms: Vec<(String, String)>,
    /// From a history table to the table whose history it is.
    pub(super) history: HashMap<i64, i64>,
    /// What each view reads; none where the server does not tell.
    pub(super) dependencies: Option<HashMap<i64, Vec<Dependency>>>,
    /// Texts of the views that read masked tables or may read the catalogue; `None` of
    /// one that the server keeps to itself.
    pub(super) definitions: HashMap<i64, Option<String>>,
    /// Columns of the tables and views that `mask` names, with their histories and the tables
    /// whose histories they are, in order.
    pub(super) columns: HashMap<i64, Vec<Column>>,
}

/// One object that a view reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dependency {
    /// None for what is elsewhere, or not there.
    pub(super) id: Option<i64>,
    pub(super) schema: String,
    pub(super) name: String,
}

pub(super) async fn read(inner: &Inner, policy: &Policy, tables: &[Table]) -> Result<Facts, Error> {
    let mut facts = Facts::default();
    let sets = query::internal(inner, OBJECTS, Vec::new()).await?;
    let mut sets = sets.into_iter();
    for row in sets.next().unwrap_or_default() {
        let mut cells = Cells::new(row);
        if let (Some(schema), Some(name)) = (cells.text(), cells.text()) {
            facts.synonyms.push((schema, name));
        }
    }
    for row in sets.next().unwrap_or_default() {
        let mut cells = Cells::new(row);
        if let (Some(base), Some(history)) = (cells.number(), cells.number()) {
            facts.history.insert(history, base);
        }
    }
    let masked = masked(policy, tables, &facts.history);
    if !masked.is_empty() {
        let bases = masked.iter().filter_map(|id| facts.history.get(id));
        let known: HashSet<i64> = masked.iter().chain(bases).copied().collect();
        facts.columns = columns(inner, &known).await?;
    }
    if tables.iter().any(|table| table.kind == "view") {
        facts.dependencies = optional(dependencies(inner).await)?;
        if let Some(dependencies) = &facts.dependencies {
            let readers = dependencies.iter().filter(|(_, reads)| {
                reads
                    .iter()
                    .any(|one| one.id.is_some_and(|id| masked.contains(&id)))
            });
            let readers: Vec<i64> = readers.map(|(id, _)| *id).collect();
            match optional(definitions(inner, &readers).await)? {
                Some(definitions) => facts.definitions = definitions,
                None => facts.dependencies = None,
            }
        }
    }
    Ok(facts)
}

/// The tables and views that `mask` is about, with the histories of such.
fn masked(policy: &Policy, tables: &[Table], history: &HashMap<i64, i64>) -> HashSet<i64> {
    let named: HashSet<i64> = tables
        .iter()
        .filter(|table| {
            let name = [table.name.schema.as_str(), table.name.name.as_str()];
            policy.mask.iter().any(|mask| mask.matches(&name))
        })
        .map(|table| table.object_id)
        .collect();
    let histories = history
        .iter()
        .filter(|(_, base)| named.contains(base))
        .map(|(history, _)| *history);
    named.iter().copied().chain(histories).collect()
}

/// What the server refuses to tell is unknown; any other failure is one.
fn optional<T>(answer: Result<T, Error>) -> Result<Option<T>, Error> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(Error::Server(error)) if !error.retryable => {
            tracing::info!(
                number = error.number,
                "the log-in may not see what views read: those that tables.allow does not list by \
                 name are kept back"
            );
            Ok(None)
        }
        Err(Error::Unsupported(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn dependencies(inner: &Inner) -> Result<HashMap<i64, Vec<Dependency>>, Error> {
    let mut dependencies: HashMap<i64, Vec<Dependency>> = HashMap::new();
    let sets = query::internal(inner, DEPENDENCIES, Vec::new()).await?;
    for row in sets.into_iter().flatten() {
        let mut cells = Cells::new(row);
        let Some(view) = cells.number() else { continue };
        dependencies.entry(view).or_default().push(Dependency {
            id: cells.number(),
            schema: cells.text().unwrap_or_default(),
            name: cells.text().unwrap_or_default(),
        });
    }
    Ok(dependencies)
}

async fn definitions(
    inner: &Inner,
    readers: &[i64],
) -> Result<HashMap<i64, Option<String>>, Error> {
    let sql = format!("{DEFINITIONS} OR m.object_id IN (0{})", list(readers));
    let sets = query::internal(inner, &sql, Vec::new()).await?;
    let definition = |row| {
        let mut cells = Cells::new(row);
        Some((cells.number()?, cells.text()))
    };
    Ok(sets.into_iter().flatten().filter_map(definition).collect())
}

async fn columns(inner: &Inner, tables: &HashSet<i64>) -> Result<HashMap<i64, Vec<Column>>, Error> {
    let ids: Vec<i64> = tables.iter().copied().collect();
    let sql = format!(
        "{COLUMNS} WHERE c.object_id IN (0{}) ORDER BY c.object_id, c.column_id",
        list(&ids)
    );
    let sets = query::internal(inner, &sql, Vec::new()).await?;
    let mut columns: HashMap<i64, Vec<Column>> = HashMap::new();
    for row in sets.into_iter().flatten() {
        let mut cells = Cells::new(row);
        let Some(table) = cells.number() else {
            continue;
        };
        if let Some(column) = Column::read(&mut cells) {
            columns.entry(table).or_default().push(column);
        }
    }
    Ok(columns)
}

fn list(ids: &[i64]) -> String {
    ids.iter().map(|id| format!(",{id}")).collect()
}

const OBJECTS: &str = "\
SELECT s.name, y.name FROM sys.synonyms AS y JOIN sys.schemas AS s ON s.schema_id = y.schema_id;
SELECT object_id, history_table_id FROM sys.tables WHERE history_table_id IS NOT NULL";

/// Class 1 is an object; types and the like hold no rows.
const DEPENDENCIES: &str = "\
SELECT d.referencing_id, d.referenced_id, d.referenced_schema_name, d.referenced_entity_name
FROM sys.sql_expression_dependencies AS d
JOIN sys.views AS v ON v.object_id = d.referencing_id
WHERE d.referencing_class = 1 AND d.referenced_class = 1";

/// What views read of the catalogue is no dependency: it shows in their text.
const DEFINITIONS: &str = "\
SELECT m.object_id, m.definition
FROM sys.sql_modules AS m JOIN sys.views AS v ON v.object_id = m.object_id
WHERE m.definition IS NULL OR LOWER(m.definition) LIKE N'%sys%'
   OR LOWER(m.definition) LIKE N'%information[_]schema%'";

const COLUMNS: &str = "\
SELECT c.object_id, c.name, t.name, s.name, b.name, c.max_length, c.precision, c.scale,
       c.is_hidden, c.is_column_set, c.is_computed, k.definition
FROM sys.columns AS c
JOIN sys.types AS t ON t.user_type_id = c.user_type_id
JOIN sys.schemas AS s ON s.schema_id = t.schema_id
LEFT JOIN sys.types AS b ON b.user_type_id = c.system_type_id
LEFT JOIN sys.computed_columns AS k ON k.object_id = c.object_id AND k.column_id = c.column_id";
