//! `mssql-mcp:database/*`: queries, the catalogue and writes, in the terms of
//! the contract.

use std::sync::atomic::Ordering;

use wasmtime::component::Resource;

use crate::database::{self, Cursor, Database, Options, Page, Query};
use crate::runtime::bindings::mssql_mcp::database::db_catalog::{self, Table, TableName};
use crate::runtime::bindings::mssql_mcp::database::db_query::{
    self, Batch, Column, Error, JsonShape, Param, Stats, Truncation,
};
use crate::runtime::bindings::mssql_mcp::database::{db_execute, types};
use crate::runtime::problem;
use crate::runtime::state::StoreState;

use super::convert;

/// What a guest's cursor handle stands for.
#[expect(unreachable_pub, reason = "the generated bindings export it again")]
pub struct GuestCursor(Cursor);

impl GuestCursor {
    pub(in crate::runtime) fn into_inner(self) -> Cursor {
        self.0
    }
}

impl StoreState {
    /// Puts what statements cost that the guest neither closed nor handed back on
    /// the bill.
    pub(in crate::runtime) fn settle(&mut self) {
        if self.cursor_open {
            let cursors = self.table.iter_mut();
            let cursors = cursors.filter_map(|entry| entry.downcast_ref::<GuestCursor>());
            for cursor in cursors {
                self.meter.statement(cursor.0.stats());
            }
        }
    }
}

impl types::Host for StoreState {}

impl crate::runtime::bindings::mssql_mcp::tools::types::Host for StoreState {}

impl db_query::Host for StoreState {
    async fn query(
        &mut self,
        database: String,
        sql: String,
        params: Vec<Param>,
        options: Option<types::Options>,
    ) -> wasmtime::Result<Result<Resource<GuestCursor>, Error>> {
        let query = self.statement(sql, params, options)?;
        self.open(&database, query).await
    }

    async fn query_page(
        &mut self,
        database: String,
        sql: String,
        params: Vec<Param>,
        options: Option<types::Options>,
        page: u32,
        page_size: Option<u32>,
    ) -> wasmtime::Result<Result<Resource<GuestCursor>, Error>> {
        let mut query = self.statement(sql, params, options)?;
        query.options.page = Some(Page {
            number: page,
            size: page_size,
        });
        self.open(&database, query).await
    }
}

impl db_query::HostCursor for StoreState {
    async fn columns(&mut self, cursor: Resource<GuestCursor>) -> wasmtime::Result<Vec<Column>> {
        let cursor = self.table.get(&cursor)?;
        Ok(cursor.0.columns().iter().map(convert::column).collect())
    }

    async fn next(
        &mut self,
        cursor: Resource<GuestCursor>,
        max_rows: u32,
    ) -> wasmtime::Result<Result<Batch, Error>> {
        let cursor = self.table.get_mut(&cursor)?;
        Ok(match cursor.0.next(max_rows).await {
            Ok(batch) => Ok(convert::batch(batch)),
            Err(error) => Err(self.told(error)),
        })
    }

    async fn to_json(
        &mut self,
        cursor: Resource<GuestCursor>,
        shape: JsonShape,
    ) -> wasmtime::Result<Result<String, Error>> {
        let cursor = self.table.get_mut(&cursor)?;
        let text = match cursor.0.to_json(convert::shape(shape)).await {
            Ok(text) => text,
            Err(error) => return Ok(Err(self.told(error))),
        };
        if !self.memory.fits(text.len()) {
            return Ok(Err(Error::Limit(types::LimitKind::Bytes)));
        }
        Ok(Ok(text))
    }

    async fn truncated(
        &mut self,
        cursor: Resource<GuestCursor>,
    ) -> wasmtime::Result<Option<Truncation>> {
        let cursor = self.table.get(&cursor)?;
        Ok(cursor.0.truncated().map(|truncation| Truncation {
            by: truncation.by.as_str().to_owned(),
            limit: truncation.limit,
        }))
    }

    async fn stats(&mut self, cursor: Resource<GuestCursor>) -> wasmtime::Result<Stats> {
        Ok(convert::stats(&self.table.get(&cursor)?.0.stats()))
    }

    async fn drop(&mut self, cursor: Resource<GuestCursor>) -> wasmtime::Result<()> {
        let cursor = self.table.delete(cursor)?;
        self.meter.statement(cursor.0.stats());
        self.cursor_open = false;
        Ok(())
    }
}

impl db_catalog::Host for StoreState {
    async fn tables(&mut self, database: String) -> wasmtime::Result<Result<Vec<Table>, Error>> {
        self.call()?;
        let tables = match self.readable(&database) {
            Ok(database) => self.meter.waiting(database.tables()).await,
            Err(error) => return Ok(Err(error)),
        };
        Ok(tables
            .map(|tables| tables.iter().map(convert::table).collect())
            .map_err(|error| self.told(error)))
    }

    async fn describe(
        &mut self,
        database: String,
        table: TableName,
    ) -> wasmtime::Result<Result<String, Error>> {
        self.call()?;
        let name = convert::table_name(table);
        Ok(match self.readable(&database) {
            Ok(database) => self
                .meter
                .waiting(database.describe(&name))
                .await
                .map_err(|error| self.told(error)),
            Err(error) => Err(error),
        })
    }

    async fn primary_key(
        &mut self,
        database: String,
        table: TableName,
    ) -> wasmtime::Result<Result<Vec<String>, Error>> {
        self.call()?;
        let name = convert::table_name(table);
        Ok(match self.readable(&database) {
            Ok(database) => self
                .meter
                .waiting(database.primary_key(&name))
                .await
                .map_err(|error| self.told(error)),
            Err(error) => Err(error),
        })
    }

    async fn resolve(
        &mut self,
        database: String,
        name: String,
    ) -> wasmtime::Result<Result<TableName, Error>> {
        self.call()?;
        Ok(match self.readable(&database) {
            Ok(database) => match self.meter.waiting(database.resolve(&name)).await {
                Ok(found) => Ok(TableName {
                    schema: found.schema,
                    name: found.name,
                }),
                Err(error) => Err(self.told(error)),
            },
            Err(error) => Err(error),
        })
    }
}

impl db_execute::Host for StoreState {
    async fn execute(
        &mut self,
        database: String,
        sql: String,
        params: Vec<Param>,
        options: Option<types::Options>,
    ) -> wasmtime::Result<Result<db_execute::Outcome, Error>> {
        let query = self.statement(sql, params, options)?;
        let Some(writer) = self.scope.writer.clone() else {
            return Err(wasmtime::format_err!(
                "db-execute in a scope that does not grant it"
            ));
        };
        // What was tried is noted, also where it is refused.
        let noted = self.meter.begins(&query.sql, true);
        if let Err(error) = self.may_execute(&database, &writer, noted) {
            return Ok(Err(self.refused(error)));
        }
        let finality = &self.meter.finality;
        Ok(match writer.execute_telling(query, finality).await {
            Ok(outcome) => {
                self.meter.statement(outcome.stats);
                self.meter.changed();
                Ok(db_execute::Outcome {
                    rows_affected: outcome.rows_affected,
                    stats: convert::stats(&outcome.stats),
                })
            }
            Err(error) => Err(self.failed(error)),
        })
    }
}

impl StoreState {
    async fn open(
        &mut self,
        label: &str,
        query: Query,
    ) -> wasmtime::Result<Result<Resource<GuestCursor>, Error>> {
        self.meter.begins(&query.sql, false);
        if self.cursor_open {
            let error = Error::Limit(types::LimitKind::Concurrency);
            return Ok(Err(self.refused(error)));
        }
        let database = match self.readable(label) {
            Ok(database) => database.clone(),
            Err(error) => return Ok(Err(self.refused(error))),
        };
        match database.query(query).await {
            Ok(cursor) => {
                let handle = self.table.push(GuestCursor(cursor))?;
                self.cursor_open = true;
                Ok(Ok(handle))
            }
            Err(error) => Ok(Err(self.failed(error))),
        }
    }

    /// The error of the statement that began last; the audit knows its code.
    fn failed(&self, error: database::Error) -> Error {
        self.meter.failed(problem::code_of(&error));
        self.told(error)
    }

    /// An error as the guest is told of it; of a database that is away the host keeps
    /// that in mind.
    fn told(&self, error: database::Error) -> Error {
        let error = convert::error(error);
        if matches!(error, Error::Unavailable(_)) {
            self.away.store(true, Ordering::Relaxed);
        }
        error
    }

    /// The same of one that the database did not see.
    fn refused(&self, error: Error) -> Error {
        self.meter
            .failed(problem::from_contract(error.clone()).code);
        error
    }

    /// Whether a change of that database may be tried; `noted` where it will be told.
    fn may_execute(&self, label: &str, writer: &Database, noted: bool) -> Result<(), Error> {
        if !self.may_write() {
            return Err(Error::Denied(types::Denial {
                code: "write-not-allowed".to_owned(),
                message: "This tool is declared as one that reads; writing is not allowed in \
                          read-only mode."
                    .to_owned(),
                hint: Some("Use a tool that writes, where the scope has one.".to_owned()),
            }));
        }
        self.writable(label, writer)?;
        if self.cursor_open {
            return Err(Error::Limit(types::LimitKind::Concurrency));
        }
        if !noted {
            let reason = "belongs into another call: this one has tried as many changes as can be \
                          told in the audit";
            return Err(Error::InvalidParameter((
                "sql".to_owned(),
                reason.to_owned(),
            )));
        }
        Ok(())
    }

    /// The database behind a label; `""` is the scope's first.
    fn readable(&self, label: &str) -> Result<&Database, Error> {
        let databases = &self.scope.databases;
        databases
            .iter()
            .find(|(name, _)| label.is_empty() || name == label)
            .map(|(_, database)| database)
            .ok_or_else(|| {
                Error::UnknownName(databases.iter().map(|(name, _)| name.clone()).collect())
            })
    }

    /// A scope writes through one log-in: what is changed is where the caller reads.
    fn writable(&self, label: &str, writer: &Database) -> Result<(), Error> {
        let asked = self.readable(label)?;
        let databases = &self.scope.databases;
        if databases.len() == 1 {
            return Ok(());
        }
        // A replica that is read has another server's name.
        let by_server = databases
            .iter()
            .any(|(_, database)| database.is_same_place(writer, true));
        let mut fit = databases
            .iter()
            .filter(|(_, database)| database.is_same_place(writer, by_server));
        // Two of one name on servers of other names: which of them is not known.
        let only = fit.next().filter(|_| by_server || fit.next().is_none());
        if only.is_some() && asked.is_same_place(writer, by_server) {
            return Ok(());
        }
        let reason = match only {
            Some((name, _)) => format!(
                "cannot be written to here, only \"{name}\" can; write database = \"{name}\""
            ),
            None => "cannot be written to here".to_owned(),
        };
        Err(Error::InvalidParameter(("database".to_owned(), reason)))
    }

    fn statement(
        &self,
        sql: String,
        params: Vec<Param>,
        options: Option<types::Options>,
    ) -> wasmtime::Result<Query> {
        let (context, deadline) = self.call()?;
        let options = options.map(convert::options).unwrap_or_default();
        Ok(Query {
            sql,
            params: params.into_iter().map(convert::param).collect(),
            options: Options {
                timeout: Some(convert::timeout(options.timeout, deadline)),
                ..options
            },
            cancel: context.cancel.clone(),
            principal: context.principal.clone(),
        })
    }
}

/// The contract's form of an error, for those who word it.
pub(in crate::runtime) fn to_contract(error: database::Error) -> Error {
    convert::error(error)
}
