//! Money that the driver cannot hold: it hands money on as an `f64`, which
//! loses digits from 2^39. Such a result is read a second time, as decimal.

use std::fmt::Write;
use std::sync::Arc;

use tiberius::ColumnData;

use super::convert::Kind;
use super::cursor::Opened;
use super::error::Error;
use super::manager::AUTOCOMMIT;
use super::params::{self, Bound};
use super::value::Query;

/// What running a statement once more takes.
#[derive(Clone)]
pub(super) struct Again {
    /// The statement with its parameters.
    pub(super) query: Arc<Query>,
    /// The statement of one page of it.
    pub(super) paged: Option<Arc<str>>,
    /// Its `SET ROWCOUNT`.
    pub(super) rowcount: Option<i32>,
    /// It runs in no transaction of ours.
    pub(super) autocommit: bool,
}

impl Again {
    /// The statement that yields the same columns with money as decimal(19,4);
    /// `None` where the types are not known well enough to say them again.
    pub(super) fn statement(&self, opened: &Opened) -> Option<Result<(String, Bound), Error>> {
        let shape = shape(opened)?;
        Some(params::bind(self.query.params.clone()).map(|bound| self.wrap(bound, &shape)))
    }

    fn wrap(&self, mut bound: Bound, shape: &str) -> (String, Bound) {
        let mut sql = String::with_capacity(shape.len() + 128);
        if self.autocommit {
            sql.push_str(AUTOCOMMIT);
        }
        if let Some(rows) = self.rowcount {
            // Writing to a String cannot fail.
            _ = write!(sql, "SET ROWCOUNT {rows}; ");
        }
        sql.push_str("EXEC sp_executesql @mcp_statement");
        if !bound.values.is_empty() {
            sql.push_str(", @mcp_parameters");
            for (name, _) in &bound.values {
                _ = write!(sql, ", {name} = {name}");
            }
        }
        _ = write!(sql, " WITH RESULT SETS (({shape}))");
        let declared = std::mem::take(&mut bound.declaration);
        bound.declaration = format!(
            "{declared}{}@mcp_statement nvarchar(max),@mcp_parameters nvarchar(max)",
            if declared.is_empty() { "" } else { "," }
        );
        let statement = self.paged.as_deref().unwrap_or(&self.query.sql).to_owned();
        bound.values.push((
            "@mcp_statement".to_owned(),
            ColumnData::String(Some(statement.into())),
        ));
        bound.values.push((
            "@mcp_parameters".to_owned(),
            ColumnData::String(Some(declared.into())),
        ));
        (sql, bound)
    }
}

/// The kinds of the second reading: money is decimal there.
pub(super) fn kinds(kinds: &[Kind]) -> Vec<Kind> {
    kinds
        .iter()
        .map(|kind| match kind {
            Kind::Money => Kind::Plain,
            kind => *kind,
        })
        .collect()
}

/// The columns of `WITH RESULT SETS`.
fn shape(opened: &Opened) -> Option<String> {
    if !opened.exact_types || !opened.kinds.contains(&Kind::Money) {
        return None;
    }
    let mut shape = String::new();
    for (index, (column, kind)) in opened.columns.iter().zip(&opened.kinds).enumerate() {
        if index > 0 {
            shape.push_str(", ");
        }
        let declared = match kind {
            Kind::Money => "decimal(19,4)".to_owned(),
            _ => declared(&column.sql_type)?,
        };
        // The names are ours: columns without one, or two of one, are allowed.
        _ = write!(shape, "c{index} {declared} NULL");
    }
    Some(shape)
}

/// A type to declare for a column of `sql_type`. Text would take the collation
/// of the database, and with it a code page, so it becomes Unicode.
fn declared(sql_type: &str) -> Option<String> {
    let plain = sql_type
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'(' | b')' | b',' | b'_'));
    if !plain {
        return None;
    }
    let (base, length) = match sql_type.split_once('(') {
        Some((base, rest)) => (base, rest.strip_suffix(')')?),
        None => (sql_type, ""),
    };
    Some(match (base, length.parse::<u16>()) {
        ("char" | "varchar", Ok(length @ 1..=4_000)) => format!("n{base}({length})"),
        ("char" | "varchar" | "text" | "ntext", _) => "nvarchar(max)".to_owned(),
        ("image", _) => "varbinary(max)".to_owned(),
        ("rowversion" | "timestamp", _) => "binary(8)".to_owned(),
        _ => sql_type.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use tokio_util::sync::CancellationToken;

    use super::super::value::{Column, Options, Param, Value};
    use super::*;

    fn opened(columns: &[(&str, Kind)]) -> Opened {
        Opened {
            columns: columns
                .iter()
                .map(|(sql_type, _)| Column {
                    name: String::new(),
                    sql_type: (*sql_type).to_owned(),
                    nullable: true,
                    masked: false,
                })
                .collect(),
            kinds: columns.iter().map(|(_, kind)| *kind).collect(),
            exact_types: true,
        }
    }

    fn again(params: Vec<Param>) -> Again {
        Again {
            query: Arc::new(Query {
                sql: "SELECT m FROM t".to_owned(),
                params,
                options: Options::default(),
                cancel: CancellationToken::new(),
                principal: None,
            }),
            paged: None,
            rowcount: Some(11),
            autocommit: false,
        }
    }

    #[test]
    fn money_becomes_decimal_and_text_becomes_unicode() {
        let opened = opened(&[
            ("money", Kind::Money),
            ("varchar(20)", Kind::Plain),
            ("char(8000)", Kind::FixedChar),
            ("rowversion", Kind::RowVersion),
            ("decimal(38,10)", Kind::Plain),
        ]);
        assert_eq!(
            shape(&opened).as_deref(),
            Some(
                "c0 decimal(19,4) NULL, c1 nvarchar(20) NULL, c2 nvarchar(max) NULL, \
                 c3 binary(8) NULL, c4 decimal(38,10) NULL"
            )
        );
    }

    #[test]
    fn what_a_server_calls_a_type_does_not_become_a_statement() {
        for sql_type in ["int NULL)); DROP TABLE t --", "a type", "[x]", "varchar(5"] {
            let opened = opened(&[("money", Kind::Money), (sql_type, Kind::Plain)]);
            assert_eq!(shape(&opened), None, "{sql_type}");
        }
    }

    #[test]
    fn types_without_lengths_are_not_said_again() {
        let mut opened = opened(&[("money", Kind::Money), ("nvarchar", Kind::Plain)]);
        opened.exact_types = false;
        assert!(again(Vec::new()).statement(&opened).is_none());
    }

    #[test]
    fn parameters_go_through_both_calls() {
        let param = Param {
            name: "least".to_owned(),
            value: Value::Int(3),
            sql_type: None,
        };
        let opened = opened(&[("money", Kind::Money)]);
        let (sql, bound) = again(vec![param]).statement(&opened).unwrap().unwrap();
        assert_eq!(
            sql,
            "SET ROWCOUNT 11; EXEC sp_executesql @mcp_statement, @mcp_parameters, \
             @least = @least WITH RESULT SETS ((c0 decimal(19,4) NULL))"
        );
        assert_eq!(
            bound.declaration,
            "@least int,@mcp_statement nvarchar(max),@mcp_parameters nvarchar(max)"
        );
        let names: Vec<_> = bound.values.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["@least", "@mcp_statement", "@mcp_parameters"]);
    }

    #[test]
    fn what_ran_in_no_transaction_runs_so_again() {
        let again = Again {
            autocommit: true,
            ..again(Vec::new())
        };
        let opened = opened(&[("money", Kind::Money)]);
        let (sql, _) = again.statement(&opened).unwrap().unwrap();
        let begin = "SET IMPLICIT_TRANSACTIONS OFF; SET ROWCOUNT 11; EXEC sp_executesql";
        assert!(sql.starts_with(begin), "{sql}");
    }
}
