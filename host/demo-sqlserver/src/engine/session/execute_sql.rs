//! `EXEC sp_executesql` inside a batch: a statement with variables of its own,
//! and `WITH RESULT SETS`, which converts what it returns.

use super::{Session, Variable};
use crate::engine::batch::{self, Exec, Kind};
use crate::engine::catalog::same;
use crate::engine::convert::convert;
use crate::engine::error::{Result, error, unsupported};
use crate::value::{Column, Flow, Sink, SqlError, SqlType, Value};

impl Session {
    /// Runs the statement with the parameters that it is given.
    pub(super) fn nested(&mut self, exec: &Exec, sink: &mut dyn Sink) -> Result<()> {
        let mut arguments = exec.arguments.iter();
        let Some((_, statement)) = arguments.next() else {
            return Err(error(
                201,
                "Procedure or function 'sp_executesql' expects parameter '@stmt', which was not supplied.",
            ));
        };
        let statement = self.evaluate_text(statement)?;
        let declared = match arguments.next() {
            Some((_, declared)) => declaration(&self.evaluate_text(declared)?)?,
            None => Vec::new(),
        };
        let mut variables = Vec::with_capacity(declared.len());
        for (at, (name, sql_type)) in declared.into_iter().enumerate() {
            let given = arguments
                .clone()
                .find(|(key, _)| key.as_ref().is_some_and(|key| same(key, &name)))
                .or_else(|| arguments.clone().nth(at).filter(|(key, _)| key.is_none()));
            let Some((_, value)) = given else {
                return Err(error(
                    8178,
                    format!(
                        "The parameterized query expects the parameter '{name}', which was not supplied."
                    ),
                ));
            };
            variables.push(Variable {
                value: self.evaluate(value, sql_type)?,
                name,
                sql_type,
            });
        }
        let outer = std::mem::replace(&mut self.context.variables, variables);
        let options = self.options;
        let result = match &exec.shape {
            None => self.run_batch(&statement, sink),
            Some(shape) => {
                let mut shaped = Shaped::new(shape, sink);
                let result = self.run_batch(&statement, &mut shaped);
                shaped.failed.map_or(result, Err)
            }
        };
        self.options = options;
        self.context.variables = outer;
        result
    }
}

/// The parameters of a declaration such as `@a int, @b nvarchar(10)`.
fn declaration(text: &str) -> Result<Vec<(String, SqlType)>> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let (statements, _) = batch::parse(&format!("DECLARE {text}"))?;
    let mut statements = statements.into_iter().map(|statement| statement.kind);
    match (statements.next(), statements.next()) {
        (Some(Kind::Declare(list)), None) => Ok(list
            .into_iter()
            .map(|(name, sql_type, _)| (name, sql_type))
            .collect()),
        _ => Err(unsupported("this declaration of parameters")),
    }
}

/// Converts the rows of a result to the types of `WITH RESULT SETS`.
struct Shaped<'a> {
    shape: &'a [(String, SqlType)],
    from: Vec<SqlType>,
    sink: &'a mut dyn Sink,
    failed: Option<SqlError>,
}

impl<'a> Shaped<'a> {
    fn new(shape: &'a [(String, SqlType)], sink: &'a mut dyn Sink) -> Self {
        Self {
            shape,
            from: Vec::new(),
            sink,
            failed: None,
        }
    }

    fn fail(&mut self, error: SqlError) -> Flow {
        self.failed = Some(error);
        Flow::Stop
    }
}

impl Sink for Shaped<'_> {
    fn columns(&mut self, columns: &[Column]) -> Flow {
        if !self.from.is_empty() {
            return self.fail(error(
                11_535,
                "EXECUTE statement failed because its WITH RESULT SETS clause specified 1 result set(s), and the statement tried to send more result sets than this.",
            ));
        }
        if columns.len() != self.shape.len() {
            return self.fail(error(
                11_537,
                format!(
                    "EXECUTE statement failed because its WITH RESULT SETS clause specified {} column(s) for result set number 1, but the statement sent {} column(s) at run time.",
                    self.shape.len(),
                    columns.len()
                ),
            ));
        }
        self.from = columns.iter().map(|column| column.sql_type).collect();
        let shaped: Vec<Column> = self
            .shape
            .iter()
            .map(|(name, sql_type)| Column {
                name: name.clone(),
                sql_type: *sql_type,
                nullable: true,
                identity: false,
            })
            .collect();
        self.sink.columns(&shaped)
    }

    fn row(&mut self, values: &[Value]) -> Flow {
        let converted: Result<Vec<Value>> = values
            .iter()
            .zip(self.from.iter().zip(self.shape))
            .map(|(value, (from, (_, to)))| {
                if from == to {
                    Ok(value.clone())
                } else {
                    convert(value.clone(), *from, *to, None)
                }
            })
            .collect();
        match converted {
            Ok(values) => self.sink.row(&values),
            Err(error) => self.fail(error),
        }
    }

    fn done(&mut self, rows: Option<u64>) -> Flow {
        self.sink.done(rows)
    }

    fn info(&mut self, message: &SqlError) -> Flow {
        self.sink.info(message)
    }
}
