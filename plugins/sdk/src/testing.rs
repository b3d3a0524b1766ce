//! A host for tests: a catalogue, answers to statements, and a record of what
//! was asked.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt;

use crate::host::{Cursor, Execute, Host, Sharing};
use crate::{
    Ability, Batch, Column, Error, JsonShape, Options, Param, Table, TableName, Truncation, Value,
};

type Answer<T> = Box<dyn Fn(&str, &[Param]) -> Result<T, Error>>;

/// A host whose database is the tables and answers given to it.
pub struct FakeHost {
    tables: Vec<FakeTable>,
    answer: Answer<FakeCursor>,
    execution: Answer<u64>,
    config: HashMap<String, String>,
    cache: RefCell<HashMap<String, Vec<u8>>>,
    caches: Cell<bool>,
    queries: RefCell<Vec<Sent>>,
    executions: RefCell<Vec<Sent>>,
    remaining_ms: u64,
    answers: Option<(String, Vec<u8>)>,
    abilities: Vec<Ability>,
}

/// A statement as the host got it.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    /// The label of the database.
    pub database: String,
    /// The text.
    pub sql: String,
    /// What was bound.
    pub params: Vec<Param>,
    /// The limits that were asked for.
    pub options: Option<Options>,
    /// The page that was asked for, and its size.
    pub page: Option<(u32, Option<u32>)>,
}

/// A table of the fake catalogue.
#[derive(Debug, Clone)]
pub struct FakeTable {
    /// Its entry in the list of tables.
    pub table: Table,
    /// Columns of the primary key.
    pub primary_key: Vec<String>,
    /// What describing it answers, a JSON document.
    pub description: String,
}

/// Rows that are already there.
#[derive(Debug, Default)]
pub struct FakeCursor {
    columns: Vec<Column>,
    rows: RefCell<Vec<Vec<Value>>>,
    truncated: Option<Truncation>,
}

impl Default for FakeHost {
    fn default() -> Self {
        Self {
            tables: Vec::new(),
            answer: Box::new(|_, _| Ok(FakeCursor::default())),
            execution: Box::new(|_, _| Ok(1)),
            config: HashMap::new(),
            cache: RefCell::default(),
            caches: Cell::new(false),
            queries: RefCell::default(),
            executions: RefCell::default(),
            remaining_ms: 30_000,
            answers: None,
            abilities: Vec::new(),
        }
    }
}

impl FakeHost {
    /// A host without tables, which answers every query with no rows and every
    /// change with one row affected.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a table to the catalogue.
    #[must_use]
    pub fn table(mut self, table: FakeTable) -> Self {
        self.tables.push(table);
        self
    }

    /// Answers queries.
    #[must_use]
    pub fn answering(
        mut self,
        answer: impl Fn(&str, &[Param]) -> Result<FakeCursor, Error> + 'static,
    ) -> Self {
        self.answer = Box::new(answer);
        self
    }

    /// Answers changes, with the rows affected.
    #[must_use]
    pub fn executing(
        mut self,
        execution: impl Fn(&str, &[Param]) -> Result<u64, Error> + 'static,
    ) -> Self {
        self.execution = Box::new(execution);
        self
    }

    /// The call may still take this many milliseconds, instead of 30 000.
    #[must_use]
    pub fn remaining(mut self, milliseconds: u64) -> Self {
        self.remaining_ms = milliseconds;
        self
    }

    /// Sets a setting of the tool set.
    #[must_use]
    pub fn setting(mut self, key: &str, value: &str) -> Self {
        self.config.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Keeps what is put into the cache; without this everything vanishes.
    #[must_use]
    pub fn caching(self) -> Self {
        self.caches.set(true);
        self
    }

    /// The client can be asked for this.
    #[must_use]
    pub fn able(mut self, ability: Ability) -> Self {
        self.abilities.push(ability);
        self
    }

    /// The call is the repeat of one that asked.
    #[must_use]
    pub fn answered(mut self, answers: &str, state: &[u8]) -> Self {
        self.answers = Some((answers.to_owned(), state.to_vec()));
        self
    }

    /// The statements queried so far, with their parameters.
    #[must_use]
    pub fn statements(&self) -> Vec<(String, Vec<Param>)> {
        let queries = self.queries.borrow();
        queries
            .iter()
            .map(|sent| (sent.sql.clone(), sent.params.clone()))
            .collect()
    }

    /// The statements executed so far.
    #[must_use]
    pub fn executed(&self) -> Vec<String> {
        let executions = self.executions.borrow();
        executions.iter().map(|sent| sent.sql.clone()).collect()
    }

    /// The queries so far, with everything that came with them.
    #[must_use]
    pub fn queries(&self) -> Vec<Sent> {
        self.queries.borrow().clone()
    }

    /// The changes so far, with everything that came with them.
    #[must_use]
    pub fn executions(&self) -> Vec<Sent> {
        self.executions.borrow().clone()
    }

    fn find(&self, table: &TableName) -> Result<&FakeTable, Error> {
        self.tables
            .iter()
            .find(|candidate| candidate.table.name == *table)
            .ok_or_else(|| Error::UnknownName(Vec::new()))
    }
}

impl fmt::Debug for FakeHost {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("FakeHost")
            .field("tables", &self.tables.len())
            .finish_non_exhaustive()
    }
}

impl Sent {
    fn new(database: &str, sql: &str, params: &[Param], options: Option<Options>) -> Self {
        Self {
            database: database.to_owned(),
            sql: sql.to_owned(),
            params: params.to_vec(),
            options,
            page: None,
        }
    }
}

impl FakeTable {
    /// A table with the description `{"columns":[…]}` of `columns`, each a name
    /// and a type.
    #[must_use]
    pub fn new(schema: &str, name: &str, primary_key: &[&str], columns: &[(&str, &str)]) -> Self {
        let columns: Vec<_> = columns
            .iter()
            .map(|(name, sql_type)| serde_json::json!({"name": name, "type": sql_type}))
            .collect();
        let description = serde_json::json!({
            "schema": schema,
            "table": name,
            "columns": columns,
            "primary_keys": primary_key,
            "foreign_keys": [],
        });
        Self {
            table: Table {
                name: TableName {
                    schema: schema.to_owned(),
                    name: name.to_owned(),
                },
                kind: "table".to_owned(),
                approximate_rows: Some(100),
                comment: None,
            },
            primary_key: primary_key
                .iter()
                .map(|&column| column.to_owned())
                .collect(),
            description: description.to_string(),
        }
    }
}

impl FakeCursor {
    /// A result of columns (name and type) and rows.
    #[must_use]
    pub fn new(columns: &[(&str, &str)], rows: Vec<Vec<Value>>) -> Self {
        let columns = columns
            .iter()
            .map(|(name, sql_type)| Column {
                name: (*name).to_owned(),
                sql_type: (*sql_type).to_owned(),
                nullable: true,
                masked: false,
            })
            .collect();
        Self {
            columns,
            rows: RefCell::new(rows),
            truncated: None,
        }
    }

    /// Says that rows are missing.
    #[must_use]
    pub fn truncated_by(mut self, by: &str, limit: u64) -> Self {
        self.truncated = Some(Truncation {
            by: by.to_owned(),
            limit,
        });
        self
    }
}

impl Host for FakeHost {
    type Cursor = FakeCursor;

    fn query(
        &self,
        database: &str,
        sql: &str,
        params: &[Param],
        options: Option<Options>,
    ) -> Result<FakeCursor, Error> {
        let sent = Sent::new(database, sql, params, options);
        self.queries.borrow_mut().push(sent);
        (self.answer)(sql, params)
    }

    fn query_page(
        &self,
        database: &str,
        sql: &str,
        params: &[Param],
        options: Option<Options>,
        page: u32,
        page_size: Option<u32>,
    ) -> Result<FakeCursor, Error> {
        self.queries.borrow_mut().push(Sent {
            page: Some((page, page_size)),
            ..Sent::new(database, sql, params, options)
        });
        (self.answer)(sql, params)
    }

    fn tables(&self, _database: &str) -> Result<Vec<Table>, Error> {
        Ok(self.tables.iter().map(|fake| fake.table.clone()).collect())
    }

    fn describe(&self, _database: &str, table: &TableName) -> Result<String, Error> {
        self.find(table).map(|fake| fake.description.clone())
    }

    fn primary_key(&self, _database: &str, table: &TableName) -> Result<Vec<String>, Error> {
        self.find(table).map(|fake| fake.primary_key.clone())
    }

    fn resolve(&self, _database: &str, name: &str) -> Result<TableName, Error> {
        let plain = name.replace(['[', ']'], "");
        let matches: Vec<&TableName> = self
            .tables
            .iter()
            .map(|fake| &fake.table.name)
            .filter(|table| {
                table.name.eq_ignore_ascii_case(&plain)
                    || format!("{}.{}", table.schema, table.name).eq_ignore_ascii_case(&plain)
            })
            .collect();
        match matches.as_slice() {
            [table] => Ok((*table).clone()),
            [] => Err(Error::UnknownName(Vec::new())),
            several => Err(Error::AmbiguousName(
                several
                    .iter()
                    .map(|table| format!("{}.{}", table.schema, table.name))
                    .collect(),
            )),
        }
    }

    fn config(&self, key: &str) -> Option<String> {
        self.config.get(key).cloned()
    }

    fn cache_get(&self, sharing: Sharing, key: &str) -> Option<Vec<u8>> {
        self.cache
            .borrow()
            .get(&format!("{sharing:?}:{key}"))
            .cloned()
    }

    fn cache_set(&self, sharing: Sharing, key: &str, value: &[u8], _ttl_ms: u64) {
        if self.caches.get() {
            self.cache
                .borrow_mut()
                .insert(format!("{sharing:?}:{key}"), value.to_vec());
        }
    }

    fn seal(&self, plain: &[u8]) -> String {
        plain.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn open(&self, sealed: &str) -> Option<Vec<u8>> {
        if !sealed.len().is_multiple_of(2) {
            return None;
        }
        (0..sealed.len())
            .step_by(2)
            .map(|at| {
                sealed
                    .get(at..at + 2)
                    .and_then(|pair| u8::from_str_radix(pair, 16).ok())
            })
            .collect()
    }

    fn remaining_ms(&self) -> u64 {
        self.remaining_ms
    }

    fn progress(&self, _done: f64, _total: Option<f64>, _message: Option<&str>) {}

    fn can_ask(&self, what: Ability) -> bool {
        self.abilities.contains(&what)
    }

    fn answers(&self) -> Option<String> {
        self.answers.as_ref().map(|(answers, _)| answers.clone())
    }

    fn state(&self) -> Option<Vec<u8>> {
        let state = self.answers.as_ref().map(|(_, state)| state.clone());
        state.filter(|state| !state.is_empty())
    }
}

impl Execute for FakeHost {
    fn execute_within(
        &self,
        database: &str,
        sql: &str,
        params: &[Param],
        options: Option<Options>,
    ) -> Result<u64, Error> {
        let sent = Sent::new(database, sql, params, options);
        self.executions.borrow_mut().push(sent);
        (self.execution)(sql, params)
    }
}

impl Cursor for FakeCursor {
    fn columns(&self) -> Vec<Column> {
        self.columns.clone()
    }

    fn next(&self, max_rows: u32) -> Result<Batch, Error> {
        let mut rows = self.rows.borrow_mut();
        let count = rows
            .len()
            .min(usize::try_from(max_rows).unwrap_or(usize::MAX));
        let batch: Vec<_> = rows.drain(..count).collect();
        Ok(Batch {
            rows: batch,
            done: rows.is_empty(),
        })
    }

    fn to_json(&self, _shape: JsonShape) -> Result<String, Error> {
        Err(Error::Unsupported(
            "a fake cursor has no JSON form".to_owned(),
        ))
    }

    fn truncated(&self) -> Option<Truncation> {
        self.truncated.clone()
    }
}
