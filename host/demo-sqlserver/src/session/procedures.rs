//! The procedures that drivers call by RPC (MS-TDS §2.2.6.6).

use super::describe;
use super::prepared::{Statement, error};
use super::reply::Reply;
use super::worker::Worker;
use crate::tds::packet::PacketOut;
use crate::tds::request::{Argument, Call, Procedure};
use crate::value::{Parameter, SqlError, SqlType, Value};

impl Worker {
    /// Runs one call to its DONEPROC.
    pub(super) fn call<O: PacketOut>(&mut self, call: Call, reply: &mut Reply<'_, O>) {
        reply.enter_procedure();
        let mut outputs = outputs(&call.arguments);
        let status = match self.run(call, &mut outputs, reply) {
            Ok(()) => 0,
            Err(Failure::Reported(number)) => number,
            Err(Failure::Own(error)) => {
                reply.message(&error);
                error.number
            }
        };
        reply.procedure_done(status, &outputs);
    }

    fn run<O: PacketOut>(
        &mut self,
        call: Call,
        outputs: &mut [(u16, Parameter)],
        reply: &mut Reply<'_, O>,
    ) -> Result<(), Failure> {
        let Some(procedure) = Known::from(&call.procedure) else {
            return Err(not_found(&call.procedure).into());
        };
        let mut arguments = Arguments::new(call.arguments);
        match procedure {
            Known::ExecuteSql => {
                let sql = arguments.text("@stmt")?;
                let declared = arguments.optional_text("@params")?;
                let statement = Statement::new(sql, &declared);
                self.execute_statement(&statement, arguments, reply)
            }
            Known::Prepare => {
                arguments.skip();
                let declared = arguments.optional_text("@params")?;
                let sql = arguments.text("@stmt")?;
                let handle = self.prepared.prepare(Statement::new(sql, &declared))?;
                set_handle(outputs, handle);
                Ok(())
            }
            Known::PrepareAndExecute => {
                arguments.skip();
                let declared = arguments.optional_text("@params")?;
                let sql = arguments.text("@stmt")?;
                let handle = self.prepared.prepare(Statement::new(sql, &declared))?;
                set_handle(outputs, handle);
                let statement = self.prepared.get(handle)?;
                self.execute_statement(&statement, arguments, reply)
            }
            Known::Execute => {
                let statement = self.prepared.get(arguments.handle()?)?;
                self.execute_statement(&statement, arguments, reply)
            }
            Known::Unprepare => Ok(self.prepared.unprepare(arguments.handle()?)?),
            Known::ResetConnection => {
                self.reset();
                Ok(())
            }
            Known::SetSessionContext => {
                let sql = set_session_context(&arguments)?;
                self.execute(&sql, None, reply)
                    .map_err(|error| Failure::Reported(error.number))
            }
            Known::DescribeFirstResultSet => {
                let sql = arguments.text("@tsql")?;
                let columns = describe::first_result_set(self.session.as_mut(), &sql)?;
                describe::put(&columns, reply);
                Ok(())
            }
        }
    }

    fn execute_statement<O: PacketOut>(
        &mut self,
        statement: &Statement,
        arguments: Arguments,
        reply: &mut Reply<'_, O>,
    ) -> Result<(), Failure> {
        let mut parameters = arguments.rest;
        statement.bind(&mut parameters)?;
        self.execute(&statement.sql, Some(&parameters), reply)
            .map_err(|error| Failure::Reported(error.number))
    }
}

/// Why a procedure ends with a status.
enum Failure {
    /// The client has the error already.
    Reported(i32),
    Own(SqlError),
}

impl From<SqlError> for Failure {
    fn from(error: SqlError) -> Self {
        Self::Own(error)
    }
}

/// The procedures that are served.
#[derive(Debug, Clone, Copy)]
enum Known {
    ExecuteSql,
    Prepare,
    PrepareAndExecute,
    Execute,
    Unprepare,
    ResetConnection,
    SetSessionContext,
    DescribeFirstResultSet,
}

impl Known {
    fn from(procedure: &Procedure) -> Option<Self> {
        let name = match procedure {
            Procedure::Number(10) => return Some(Self::ExecuteSql),
            Procedure::Number(11) => return Some(Self::Prepare),
            Procedure::Number(12) => return Some(Self::Execute),
            Procedure::Number(13) => return Some(Self::PrepareAndExecute),
            Procedure::Number(15) => return Some(Self::Unprepare),
            Procedure::Number(_) => return None,
            Procedure::Name(name) => name,
        };
        let name: String = name
            .chars()
            .filter(|character| !matches!(character, '[' | ']' | '"'))
            .collect();
        let (_, last) = name.rsplit_once('.').unwrap_or(("", &name));
        Some(match last.to_ascii_lowercase().as_str() {
            "sp_executesql" => Self::ExecuteSql,
            "sp_prepare" => Self::Prepare,
            "sp_prepexec" => Self::PrepareAndExecute,
            "sp_execute" => Self::Execute,
            "sp_unprepare" => Self::Unprepare,
            "sp_reset_connection" => Self::ResetConnection,
            "sp_set_session_context" => Self::SetSessionContext,
            "sp_describe_first_result_set" => Self::DescribeFirstResultSet,
            _ => return None,
        })
    }
}

/// The arguments of a call that are not taken yet.
struct Arguments {
    rest: Vec<Parameter>,
}

impl Arguments {
    fn new(arguments: Vec<Argument>) -> Self {
        Self {
            rest: arguments
                .into_iter()
                .map(|argument| argument.parameter)
                .collect(),
        }
    }

    fn next(&mut self) -> Option<Parameter> {
        if self.rest.is_empty() {
            None
        } else {
            Some(self.rest.remove(0))
        }
    }

    fn skip(&mut self) {
        self.next();
    }

    /// The next argument as text. Drivers send the procedures' own by position.
    fn text(&mut self, name: &str) -> Result<String, SqlError> {
        match self.next().map(|argument| argument.value) {
            Some(Value::Text(text)) => Ok(text),
            _ => Err(missing(name)),
        }
    }

    /// The next argument as text, empty where it is NULL or absent.
    fn optional_text(&mut self, name: &str) -> Result<String, SqlError> {
        match self.next().map(|argument| argument.value) {
            Some(Value::Text(text)) => Ok(text),
            Some(Value::Null) | None => Ok(String::new()),
            Some(_) => Err(missing(name)),
        }
    }

    fn handle(&mut self) -> Result<i32, SqlError> {
        match self.next().map(|argument| argument.value) {
            Some(Value::Int(handle)) => i32::try_from(handle).map_err(|_| missing("@handle")),
            _ => Err(missing("@handle")),
        }
    }
}

/// The arguments that the client wants back, with what it sent in them. A
/// statement of this engine does not assign to parameters.
fn outputs(arguments: &[Argument]) -> Vec<(u16, Parameter)> {
    (0..)
        .zip(arguments)
        .filter(|(_, argument)| argument.output)
        .map(|(ordinal, argument)| (ordinal, argument.parameter.clone()))
        .collect()
}

fn set_handle(outputs: &mut [(u16, Parameter)], handle: i32) {
    if let Some((0, parameter)) = outputs.first_mut() {
        parameter.sql_type = SqlType::Int;
        parameter.value = Value::Int(handle.into());
    }
}

/// `sp_set_session_context` as the statement that does it.
fn set_session_context(arguments: &Arguments) -> Result<String, SqlError> {
    let names = ["@key", "@value", "@read_only"];
    let mut sql = "EXEC sp_set_session_context".to_owned();
    for (index, argument) in arguments.rest.iter().enumerate() {
        let position = names.get(index).copied().unwrap_or("@read_only");
        let name = names
            .into_iter()
            .find(|name| name.eq_ignore_ascii_case(&argument.name))
            .unwrap_or(position);
        let literal = literal(&argument.value).ok_or_else(|| missing(name))?;
        sql.push_str(if index == 0 { " " } else { ", " });
        sql.push_str(&format!("{name} = {literal}"));
    }
    Ok(sql)
}

fn literal(value: &Value) -> Option<String> {
    Some(match value {
        Value::Null => "NULL".to_owned(),
        Value::Bit(value) => u8::from(*value).to_string(),
        Value::Int(value) => value.to_string(),
        Value::Float(value) => format!("{value:e}"),
        Value::Text(text) => format!("N'{}'", text.replace('\'', "''")),
        Value::Variant(inner) => return literal(&inner.1),
        _ => return None,
    })
}

fn missing(name: &str) -> SqlError {
    error(
        201,
        format!("Procedure expects parameter '{name}', which was not supplied as it should be."),
    )
}

fn not_found(procedure: &Procedure) -> SqlError {
    let name = match procedure {
        Procedure::Number(number) => format!("#{number}"),
        Procedure::Name(name) => name.clone(),
    };
    error(2_812, format!("Could not find stored procedure '{name}'."))
}
