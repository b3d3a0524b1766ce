//! `sys.dm_exec_describe_first_result_set`: the columns that a statement would
//! return, as drivers and clients ask for them.

use sqlparser::ast::{Expr, FunctionArg, FunctionArgExpr, Statement, TableAlias, Value as Literal};

use super::literal;
use super::{Compiler, SourceColumn, Typed};
use crate::catalog::declared;
use crate::engine::batch::{self, Kind};
use crate::engine::catalog::same;
use crate::engine::error::{Result, unsupported};
use crate::value::{Column, Length, SqlType, Value};

/// Upper case, as names of functions are compared.
pub(super) const NAME: &str = "SYS.DM_EXEC_DESCRIBE_FIRST_RESULT_SET";

impl Compiler<'_> {
    /// One row a column; one row of NULLs for a statement that cannot be
    /// described, as the server has it.
    pub(super) fn describe(&mut self, args: &[FunctionArg], alias: Option<&TableAlias>) -> Result<String> {
        let statement = args.first().and_then(|argument| self.text_of(argument));
        let Some(statement) = statement else {
            return Err(unsupported("describing anything but a literal or a variable"));
        };
        let rows: Vec<String> = match self.columns_of(&statement) {
            Some(columns) => columns.iter().zip(1..).map(row).collect(),
            None => vec!["(NULL, NULL, NULL, NULL, NULL)".to_owned()],
        };
        let t = self.unique("t");
        let name = SqlType::NVarChar(Length::Limited(128));
        let long = SqlType::NVarChar(Length::Limited(256));
        let columns = [
            ("column_ordinal", SqlType::Int),
            ("name", name),
            ("is_nullable", SqlType::Bit),
            ("system_type_name", long),
            ("user_type_name", name),
        ];
        let sources = columns
            .iter()
            .zip(1..)
            .map(|((column, sql_type), n)| SourceColumn {
                name: (*column).to_owned(),
                typed: Typed::new(format!("{t}.column{n}"), *sql_type, true),
            })
            .collect();
        self.add_source(alias, "dm_exec_describe_first_result_set", Some("sys"), sources)?;
        Ok(format!("(VALUES {}) AS {t}", rows.join(", ")))
    }

    fn text_of(&self, argument: &FunctionArg) -> Option<String> {
        let FunctionArg::Unnamed(FunctionArgExpr::Expr(expression)) = argument else {
            return None;
        };
        match expression {
            Expr::Identifier(name) => {
                let mut variables = self.context.variables.iter();
                match &variables.find(|variable| same(&variable.name, &name.value))?.value {
                    Value::Text(text) => Some(text.clone()),
                    _ => None,
                }
            }
            Expr::Value(value) => match &value.value {
                Literal::SingleQuotedString(text) | Literal::NationalStringLiteral(text) => Some(text.clone()),
                _ => None,
            },
            _ => None,
        }
    }

    /// The columns of the first query of a batch, where it has one that compiles.
    fn columns_of(&self, statement: &str) -> Option<Vec<Column>> {
        let (statements, _) = batch::parse(statement).ok()?;
        let query = statements.iter().find_map(|statement| match &statement.kind {
            Kind::Sql(sql) => match sql.as_ref() {
                Statement::Query(query) => Some(query),
                _ => None,
            },
            _ => None,
        })?;
        let compiled = Compiler::new(self.catalog, self.context).query(query).ok()?;
        Some(compiled.result_columns())
    }
}

/// Ordinal, name, nullability, and the type under the name that fits its kind.
fn row((column, ordinal): (&Column, i32)) -> String {
    let text = |text: &str| literal::string(text, true).sql;
    let declared = text(&declared(column.sql_type));
    let (system, user) = match column.sql_type {
        SqlType::Udt(_) => ("NULL".to_owned(), declared),
        _ => (declared, "NULL".to_owned()),
    };
    let nullable = u8::from(column.nullable);
    format!("({ordinal}, {}, {nullable}, {system}, {user})", text(&column.name))
}
