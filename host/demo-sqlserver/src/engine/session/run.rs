//! Runs the statements of a batch.

use std::sync::PoisonError;
use std::time::Duration;

use rusqlite::types::Value as Stored;
use sqlparser::ast::{Expr, Query, SelectItem, SetExpr, Statement as Ast};

use super::{Session, Variable, json};
use crate::engine::batch::{self, Kind, Statement};
use crate::engine::catalog::same;
use crate::engine::compile::write::Write;
use crate::engine::compile::{Compiled, Compiler};
use crate::engine::convert::convert;
use crate::engine::error::{Result, error, from_sqlite, interrupted, unsupported};
use crate::engine::storage::{decode, encode};
use crate::value::{Flow, Sink, SqlError, SqlType, Value};

/// Whether the batch goes on.
#[derive(PartialEq, Eq)]
enum Next {
    Statement,
    End,
}

impl Session {
    pub(super) fn run_batch(&mut self, sql: &str, sink: &mut dyn Sink) -> Result<()> {
        let (statements, recursion) = batch::parse(sql)?;
        self.run_all(&statements, recursion.unwrap_or(100), sink)
            .map(|_| ())
    }

    fn cancelled(&self) -> bool {
        *self.cancel.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run_all(
        &mut self,
        statements: &[Statement],
        recursion: u32,
        sink: &mut dyn Sink,
    ) -> Result<Next> {
        for statement in statements {
            if self.cancelled() {
                return Err(interrupted());
            }
            self.context.now = (self.shared.clock)();
            match self.run(&statement.kind, recursion, sink) {
                Ok(Next::Statement) => {}
                Ok(Next::End) => return Ok(Next::End),
                // SQLite stopped while it prepares has several words for that.
                Err(_) if self.cancelled() => return Err(interrupted()),
                Err(e) => {
                    // The victim of a deadlock loses its transaction.
                    if e.number == 1205 && self.context.transactions > 0 {
                        let _ = self.rollback();
                    }
                    return Err(SqlError {
                        line: e.line.max(statement.line),
                        ..e
                    });
                }
            }
        }
        Ok(Next::Statement)
    }

    fn run(&mut self, kind: &Kind, recursion: u32, sink: &mut dyn Sink) -> Result<Next> {
        match kind {
            Kind::Sql(ast) => {
                if self.options.implicit && self.context.transactions == 0 {
                    self.begin()?;
                }
                return self.run_sql(ast, recursion, sink);
            }
            Kind::RowCount(e) => match self.evaluate(e, SqlType::BigInt)? {
                Value::Int(n) if n >= 0 => self.options.row_limit = n.unsigned_abs(),
                _ => {
                    return Err(error(
                        507,
                        "Invalid argument for SET ROWCOUNT. Must be a non-null non-negative integer.",
                    ));
                }
            },
            Kind::NoCount(on) => self.options.no_count = *on,
            Kind::Implicit(on) => self.options.implicit = *on,
            Kind::Accepted => {}
            Kind::Use(name) => {
                if !same(name, &self.shared.catalog.database) {
                    return Err(error(
                        911,
                        format!(
                            "Database '{name}' does not exist. Make sure that the name is entered correctly."
                        ),
                    ));
                }
            }
            Kind::Declare(list) => {
                for (name, sql_type, first) in list {
                    if self.context.variables.iter().any(|v| same(&v.name, name)) {
                        return Err(error(
                            134,
                            format!(
                                "The variable name '{name}' has already been declared. Variable names must be unique within a query batch or stored procedure."
                            ),
                        ));
                    }
                    let value = match first {
                        Some(e) => self.evaluate(e, *sql_type)?,
                        None => Value::Null,
                    };
                    self.context.variables.push(Variable {
                        name: name.clone(),
                        sql_type: *sql_type,
                        value,
                    });
                }
            }
            Kind::Assign(name, e) => {
                let sql_type = self.variable(name)?.sql_type;
                let value = self.evaluate(e, sql_type)?;
                self.variable(name)?.value = value;
            }
            Kind::Begin => self.begin()?,
            Kind::Commit => self.commit()?,
            Kind::Rollback(None) => self.rollback()?,
            Kind::Rollback(Some(name)) => self.rollback_to(name)?,
            Kind::Save(name) => self.save(name)?,
            Kind::Print(e) => {
                let message = self.evaluate_text(e)?;
                let info = SqlError {
                    severity: 0,
                    ..error(0, message)
                };
                return Ok(flow(sink.info(&info)));
            }
            Kind::Raise(number, parts) => {
                let [message, severity, state] = parts.as_ref();
                let message = self.evaluate_text(message)?;
                let small = |v: Value| {
                    if let Value::Int(i) = v {
                        u8::try_from(i).unwrap_or(16)
                    } else {
                        16
                    }
                };
                let (severity, state) = (
                    small(self.evaluate(severity, SqlType::Int)?),
                    small(self.evaluate(state, SqlType::Int)?),
                );
                let raised = SqlError {
                    severity,
                    state,
                    ..error(*number, message)
                };
                if severity < 11 {
                    return Ok(flow(sink.info(&raised)));
                }
                return Err(raised);
            }
            Kind::Wait(e) => {
                let text = self.evaluate_text(e)?;
                let Value::Time(time) = convert(
                    Value::Text(text),
                    SqlType::VarChar(crate::value::Length::Max),
                    SqlType::Time(7),
                    None,
                )?
                else {
                    return Err(error(
                        148,
                        "Incorrect time syntax in time string used with WAITFOR.",
                    ));
                };
                let guard = self.cancel.0.lock().unwrap_or_else(PoisonError::into_inner);
                let (guard, _) = self
                    .cancel
                    .1
                    .wait_timeout_while(guard, Duration::from_nanos(time * 100), |stopped| {
                        !*stopped
                    })
                    .unwrap_or_else(PoisonError::into_inner);
                if *guard {
                    return Err(interrupted());
                }
            }
            Kind::Exec(exec) if exec.name.eq_ignore_ascii_case("sp_executesql") => {
                return self.nested(exec, sink).map(|()| Next::Statement);
            }
            Kind::Exec(exec) => self.exec(&exec.name, &exec.arguments)?,
            Kind::If(condition, then, otherwise) => {
                let sql = format!(
                    "SELECT CASE WHEN {} THEN 1 ELSE 0 END",
                    self.compiler(recursion).predicate(condition)?
                );
                let holds = self
                    .connection
                    .query_row(&sql, rusqlite::params_from_iter(self.used(&sql)?), |r| {
                        r.get::<_, i64>(0)
                    })
                    .map_err(|e| from_sqlite(&e))?;
                return self.run_all(if holds == 1 { then } else { otherwise }, recursion, sink);
            }
            Kind::Return => return Ok(Next::End),
        }
        Ok(flow(sink.done(None)))
    }

    fn run_sql(&mut self, ast: &Ast, recursion: u32, sink: &mut dyn Sink) -> Result<Next> {
        let limit = self.options.row_limit;
        let write = match ast {
            Ast::Query(query) => {
                if let Some(names) = assigned(query)? {
                    return self.assign_from(query, &names, recursion, sink);
                }
                let compiled = self.compiler(recursion).query(query)?;
                return match &query.for_clause {
                    None => self.rows(&compiled, sink),
                    Some(clause) => self.for_clause(&compiled, clause, query, sink),
                };
            }
            Ast::Insert(insert) => self.compiler(recursion).insert(insert, limit)?,
            Ast::Update(update) => self.compiler(recursion).update(update, limit)?,
            Ast::Delete(delete) => self.compiler(recursion).delete(delete, limit)?,
            _ => return Err(unsupported("this statement")),
        };
        self.write(&write, sink)
    }

    fn write(&mut self, write: &Write, sink: &mut dyn Sink) -> Result<Next> {
        let parameters = self.used(&write.sql)?;
        let mut statement = self
            .connection
            .prepare(&write.sql)
            .map_err(|e| from_sqlite(&e))?;
        let changed = statement
            .execute(rusqlite::params_from_iter(parameters))
            .map_err(|e| self.shared.explain(from_sqlite(&e), write))?;
        drop(statement);
        self.context.row_count = i64::try_from(changed).unwrap_or(i64::MAX);
        if write.verb == "INSERT" {
            self.context.identity = self
                .last_identity
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .or(self.context.identity);
        }
        Ok(flow(
            sink.done((!self.options.no_count).then_some(changed as u64)),
        ))
    }

    fn rows(&mut self, compiled: &Compiled, sink: &mut dyn Sink) -> Result<Next> {
        let mut count = 0_u64;
        let (limit, no_count) = (self.options.row_limit, self.options.no_count);
        let parameters = self.used(&compiled.sql)?;
        let mut statement = self
            .connection
            .prepare_cached(&compiled.sql)
            .map_err(|e| from_sqlite(&e))?;
        let mut rows = statement
            .query(rusqlite::params_from_iter(parameters))
            .map_err(|e| from_sqlite(&e))?;
        if sink.columns(&compiled.result_columns()) == Flow::Stop {
            return Ok(Next::End);
        }
        let mut values = Vec::with_capacity(compiled.columns.len());
        while limit == 0 || count < limit {
            let Some(row) = rows.next().map_err(|e| from_sqlite(&e))? else {
                break;
            };
            values.clear();
            for (index, column) in compiled.columns.iter().enumerate() {
                values.push(decode(
                    row.get_ref(index).map_err(|e| from_sqlite(&e))?,
                    column.sql_type,
                ));
            }
            count += 1;
            if sink.row(&values) == Flow::Stop {
                return Ok(Next::End);
            }
        }
        drop(rows);
        drop(statement);
        self.context.row_count = i64::try_from(count).unwrap_or(i64::MAX);
        Ok(flow(sink.done((!no_count).then_some(count))))
    }

    fn for_clause(
        &mut self,
        compiled: &Compiled,
        clause: &sqlparser::ast::ForClause,
        query: &Query,
        sink: &mut dyn Sink,
    ) -> Result<Next> {
        let mut text = json::Document::new(compiled, clause, query)?;
        let mut collect = json::Collect(&mut text);
        self.rows(compiled, &mut collect)?;
        let chunks = text.finish()?;
        if sink.columns(&json::columns()) == Flow::Stop {
            return Ok(Next::End);
        }
        let count = chunks.len() as u64;
        for chunk in chunks {
            if sink.row(&[Value::Text(chunk)]) == Flow::Stop {
                return Ok(Next::End);
            }
        }
        Ok(flow(sink.done((!self.options.no_count).then_some(count))))
    }

    /// SELECT @a = …: the last row's values stay.
    fn assign_from(
        &mut self,
        query: &Query,
        names: &[String],
        recursion: u32,
        sink: &mut dyn Sink,
    ) -> Result<Next> {
        let compiled = self.compiler(recursion).query(query)?;
        let mut last = Last(None);
        self.rows(&compiled, &mut last)?;
        if let Some(values) = last.0 {
            for ((name, value), column) in names.iter().zip(values).zip(&compiled.columns) {
                let variable = self.variable(name)?;
                variable.value = convert(value, column.sql_type, variable.sql_type, None)?;
            }
        }
        Ok(flow(sink.done(None)))
    }

    fn exec(&mut self, name: &str, arguments: &[(Option<String>, Expr)]) -> Result<()> {
        if !name.eq_ignore_ascii_case("sp_set_session_context") {
            return Err(unsupported(format_args!("the procedure {name}")));
        }
        let argument = |key: &str, at: usize| {
            arguments
                .iter()
                .find(|(k, _)| k.as_ref().is_some_and(|k| k.eq_ignore_ascii_case(key)))
                .or_else(|| arguments.get(at).filter(|(k, _)| k.is_none()))
                .map(|(_, e)| e)
        };
        let (Some(key), Some(value)) = (argument("@key", 0), argument("@value", 1)) else {
            return Err(error(
                201,
                "Procedure or function 'sp_set_session_context' expects parameter '@value', which was not supplied.",
            ));
        };
        let read_only = match argument("@read_only", 2) {
            Some(e) => self.evaluate(e, SqlType::Bit)? == Value::Bit(true),
            None => false,
        };
        let key = self.evaluate_text(key)?;
        let value = self.evaluate(value, SqlType::Variant)?;
        let values = &mut self.context.session_values;
        let set = values
            .iter()
            .position(|(k, ..)| k.eq_ignore_ascii_case(&key));
        if let Some(set) = set {
            if let Some((_, _, true)) = values.get(set) {
                return Err(error(
                    15_664,
                    format!(
                        "Cannot set key '{key}' in the session context. The key has been set as read_only for this session."
                    ),
                ));
            }
            values.remove(set);
        }
        values.push((key, value, read_only));
        Ok(())
    }

    pub(super) fn evaluate(&mut self, e: &Expr, to: SqlType) -> Result<Value> {
        let typed = self.compiler(100).expr(e)?;
        let sql = format!("SELECT {}", typed.sql);
        let parameters = self.used(&sql)?;
        let value = self
            .connection
            .query_row(&sql, rusqlite::params_from_iter(parameters), |row| {
                Ok(decode(row.get_ref(0)?, typed.sql_type))
            })
            .map_err(|e| from_sqlite(&e))?;
        convert(value, typed.sql_type, to, None)
    }

    pub(super) fn evaluate_text(&mut self, e: &Expr) -> Result<String> {
        match self.evaluate(e, SqlType::NVarChar(crate::value::Length::Max))? {
            Value::Text(text) => Ok(text),
            _ => Ok(String::new()),
        }
    }

    fn compiler(&self, recursion: u32) -> Compiler<'_> {
        let mut compiler = Compiler::new(&self.shared.catalog, &self.context);
        compiler.max_recursion = recursion;
        compiler
    }

    fn variable(&mut self, name: &str) -> Result<&mut Variable> {
        self.context
            .variables
            .iter_mut()
            .find(|v| same(&v.name, name))
            .ok_or_else(|| error(137, format!("Must declare the scalar variable \"{name}\".")))
    }

    /// The values for `?1` … as far as the statement uses them.
    fn used(&self, sql: &str) -> Result<Vec<Stored>> {
        if self.context.variables.is_empty() {
            return Ok(Vec::new());
        }
        let count = self
            .connection
            .prepare_cached(sql)
            .map_err(|e| from_sqlite(&e))?
            .parameter_count();
        Ok(self
            .context
            .variables
            .iter()
            .take(count)
            .map(|v| encode(&v.value))
            .collect())
    }
}

/// The variables that a SELECT assigns, if it does.
fn assigned(query: &Query) -> Result<Option<Vec<String>>> {
    let SetExpr::Select(select) = query.body.as_ref() else {
        return Ok(None);
    };
    let names: Vec<String> = select
        .projection
        .iter()
        .filter_map(|item| match item {
            SelectItem::ExprWithAlias { alias, .. }
                if alias.quote_style.is_none() && alias.value.starts_with('@') =>
            {
                Some(alias.value.clone())
            }
            _ => None,
        })
        .collect();
    match names.len() {
        0 => Ok(None),
        n if n == select.projection.len() => Ok(Some(names)),
        _ => Err(error(
            141,
            "A SELECT statement that assigns a value to a variable must not be combined with data-retrieval operations.",
        )),
    }
}

struct Last(Option<Vec<Value>>);

impl Sink for Last {
    fn columns(&mut self, _: &[crate::value::Column]) -> Flow {
        Flow::Continue
    }

    fn row(&mut self, values: &[Value]) -> Flow {
        self.0 = Some(values.to_vec());
        Flow::Continue
    }

    fn done(&mut self, _: Option<u64>) -> Flow {
        Flow::Continue
    }

    fn info(&mut self, _: &SqlError) -> Flow {
        Flow::Continue
    }
}

fn flow(flow: Flow) -> Next {
    if flow == Flow::Stop {
        Next::End
    } else {
        Next::Statement
    }
}
