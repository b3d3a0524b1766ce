//! Statements that clients prepared, and the parameters that statements
//! declare.

use std::collections::HashMap;
use std::sync::Arc;

use crate::engine;
use crate::value::{Parameter, SqlError};

/// A statement with the parameters it declares.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Statement {
    pub(crate) sql: String,
    /// Names with the `@` and types, in order.
    pub(crate) parameters: Vec<(String, String)>,
}

impl Statement {
    /// `declared` is as `sp_executesql` takes it: `@a int, @b decimal(9,2)`.
    pub(crate) fn new(sql: String, declared: &str) -> Self {
        Self {
            sql,
            parameters: declarations(declared),
        }
    }

    /// Names the arguments that came without a name after the declaration, and
    /// gives each the type that is declared.
    ///
    /// # Errors
    /// 8178 where one is missing, 8144 where there are too many; what a conversion
    /// answers.
    pub(crate) fn bind(&self, arguments: &mut [Parameter]) -> Result<(), SqlError> {
        if arguments.len() > self.parameters.len() {
            return Err(error(
                8144,
                "Procedure or function has too many arguments specified.".to_owned(),
            ));
        }
        for (argument, (name, _)) in arguments.iter_mut().zip(&self.parameters) {
            if argument.name.is_empty() {
                argument.name.clone_from(name);
            }
        }
        for (name, sql_type) in &self.parameters {
            let given = |argument: &&mut Parameter| argument.name.eq_ignore_ascii_case(name);
            if let Some(argument) = arguments.iter_mut().find(given) {
                engine::declare(argument, sql_type)?;
            } else {
                return Err(error(
                    8178,
                    format!(
                        "The parameterized query expects the parameter '{name}', \
                         which was not supplied."
                    ),
                ));
            }
        }
        Ok(())
    }
}

/// The statements that one connection prepared.
#[derive(Debug, Default)]
pub(crate) struct PreparedStatements {
    statements: HashMap<i32, Arc<Statement>>,
    last: i32,
}

impl PreparedStatements {
    /// The handle of a new statement.
    ///
    /// # Errors
    /// 701 where the client holds too many.
    pub(crate) fn prepare(&mut self, statement: Statement) -> Result<i32, SqlError> {
        if self.statements.len() >= LIMIT {
            return Err(error(
                701,
                "There are too many prepared statements; unprepare some.".to_owned(),
            ));
        }
        self.last = self.last.checked_add(1).unwrap_or(1);
        self.statements.insert(self.last, Arc::new(statement));
        Ok(self.last)
    }

    /// # Errors
    /// 8179 where there is none.
    pub(crate) fn get(&self, handle: i32) -> Result<Arc<Statement>, SqlError> {
        self.statements.get(&handle).cloned().ok_or_else(|| {
            error(
                8179,
                format!("Could not find prepared statement with handle {handle}."),
            )
        })
    }

    /// # Errors
    /// 8179 where there is none.
    pub(crate) fn unprepare(&mut self, handle: i32) -> Result<(), SqlError> {
        self.get(handle)?;
        self.statements.remove(&handle);
        Ok(())
    }

    pub(crate) fn clear(&mut self) {
        self.statements.clear();
    }
}

/// An error of severity 16.
pub(crate) fn error(number: i32, message: String) -> SqlError {
    SqlError {
        number,
        state: 1,
        severity: 16,
        message,
        line: 1,
    }
}

/// The first word of each part between the commas outside parentheses, and the
/// rest of it.
fn declarations(declared: &str) -> Vec<(String, String)> {
    let mut depth = 0_usize;
    declared
        .split(|character| {
            match character {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            character == ',' && depth == 0
        })
        .filter_map(|part| part.trim().split_once(char::is_whitespace))
        .filter(|(name, _)| name.starts_with('@'))
        .map(|(name, sql_type)| {
            let sql_type = sql_type.trim();
            let bare = [" OUTPUT", " output", " OUT", " out"]
                .iter()
                .find_map(|output| sql_type.strip_suffix(output));
            (name.to_owned(), bare.unwrap_or(sql_type).to_owned())
        })
        .collect()
}

/// More than any driver keeps.
const LIMIT: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{SqlType, Value};

    fn argument(name: &str) -> Parameter {
        Parameter {
            name: name.to_owned(),
            sql_type: SqlType::Int,
            value: Value::Int(1),
        }
    }

    #[test]
    fn arguments_without_names_take_the_declared_ones() {
        let statement = Statement::new(String::new(), "@a decimal(9,2), @B nvarchar(max) OUTPUT");
        let mut arguments = [argument(""), argument("@b")];
        statement.bind(&mut arguments).unwrap();
        assert_eq!(arguments[0].name, "@a");
        assert_eq!(arguments[0].value, Value::Decimal(100));
        assert_eq!(arguments[1].value, Value::Text("1".to_owned()));
        assert_eq!(
            statement.bind(&mut arguments[..1]).unwrap_err().number,
            8178
        );
        let mut three = [argument(""), argument(""), argument("")];
        assert_eq!(statement.bind(&mut three).unwrap_err().number, 8144);
    }

    #[test]
    fn a_handle_lives_until_it_is_given_up() {
        let mut prepared = PreparedStatements::default();
        let handle = prepared
            .prepare(Statement::new("SELECT 1".to_owned(), ""))
            .unwrap();
        assert_eq!(prepared.get(handle).unwrap().sql, "SELECT 1");
        prepared.unprepare(handle).unwrap();
        assert_eq!(prepared.get(handle).unwrap_err().number, 8179);
    }
}
