//! FOR JSON PATH and AUTO: rows as one text, cut into the rows that SQL Server
//! sends it in.

use serde_json::Value as Json;
use sqlparser::ast::{ForClause, ForJson, Query, SetExpr};

use crate::engine::compile::Compiled;
use crate::engine::convert::to_text;
use crate::engine::error::{Result, error, unsupported};
use crate::engine::types;
use crate::value::{Column, Flow, Length, Sink, SqlError, SqlType, Value};

/// The text under construction.
pub(super) struct Document {
    columns: Vec<(Vec<String>, SqlType)>,
    root: Option<String>,
    nulls: bool,
    wrapper: bool,
    body: String,
    rows: u64,
    failure: Option<SqlError>,
}

impl Document {
    pub(super) fn new(compiled: &Compiled, clause: &ForClause, query: &Query) -> Result<Self> {
        let ForClause::Json {
            for_json,
            root,
            include_null_values,
            without_array_wrapper,
        } = clause
        else {
            return Err(unsupported("FOR XML"));
        };
        if root.is_some() && *without_array_wrapper {
            return Err(error(
                13620,
                "ROOT option and WITHOUT_ARRAY_WRAPPER option cannot be used together in FOR JSON. Remove one of these options.",
            ));
        }
        let auto = matches!(for_json, ForJson::Auto);
        if auto
            && !matches!(query.body.as_ref(), SetExpr::Select(s) if matches!(s.from.as_slice(), [one] if one.joins.is_empty()))
        {
            return Err(unsupported(
                "FOR JSON AUTO over other than one table; use FOR JSON PATH",
            ));
        }
        let mut columns: Vec<(Vec<String>, SqlType)> = Vec::new();
        for column in &compiled.columns {
            if column.name.is_empty() {
                return Err(error(
                    13605,
                    "Column expressions and data sources without names or aliases cannot be formatted as JSON text using FOR JSON clause. Add alias to the unnamed column or table.",
                ));
            }
            let path: Vec<String> = if auto {
                vec![column.name.clone()]
            } else {
                column.name.split('.').map(str::to_owned).collect()
            };
            if columns
                .iter()
                .any(|(other, _)| other.starts_with(&path) || path.starts_with(other))
            {
                return Err(error(
                    13601,
                    format!(
                        "Property '{}' cannot be generated in JSON output due to a conflict with another column name or alias. Use different names and aliases for each column in SELECT list.",
                        column.name
                    ),
                ));
            }
            columns.push((path, column.sql_type));
        }
        Ok(Self {
            columns,
            root: root.clone(),
            nulls: *include_null_values,
            wrapper: !without_array_wrapper,
            body: String::new(),
            rows: 0,
            failure: None,
        })
    }

    /// The text in pieces; no rows give no text.
    pub(super) fn finish(self) -> Result<Vec<String>> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        if self.rows == 0 {
            return Ok(Vec::new());
        }
        let array = if self.wrapper {
            format!("[{}]", self.body)
        } else {
            self.body
        };
        let whole = match self.root {
            Some(root) => format!("{{{}:{array}}}", Json::String(root)),
            None => array,
        };
        let mut pieces = Vec::with_capacity(whole.len() / PIECE + 1);
        let mut piece = String::new();
        let mut units = 0;
        for c in whole.chars() {
            if units + c.len_utf16() > PIECE {
                pieces.push(std::mem::take(&mut piece));
                units = 0;
            }
            units += c.len_utf16();
            piece.push(c);
        }
        pieces.push(piece);
        Ok(pieces)
    }

    fn add(&mut self, values: &[Value]) -> Result<()> {
        if self.rows > 0 {
            self.body.push(',');
        }
        self.rows += 1;
        let mut object = Members::default();
        for ((path, sql_type), value) in self.columns.iter().zip(values) {
            if *value == Value::Null && !self.nulls {
                continue;
            }
            object.put(path, scalar(value, *sql_type)?);
        }
        object.write(&mut self.body);
        Ok(())
    }
}

/// Feeds rows to a document.
pub(super) struct Collect<'a>(pub(super) &'a mut Document);

impl Sink for Collect<'_> {
    fn columns(&mut self, _: &[Column]) -> Flow {
        Flow::Continue
    }

    fn row(&mut self, values: &[Value]) -> Flow {
        match self.0.add(values) {
            Ok(()) => Flow::Continue,
            Err(e) => {
                self.0.failure = Some(e);
                Flow::Stop
            }
        }
    }

    fn done(&mut self, _: Option<u64>) -> Flow {
        Flow::Continue
    }

    fn info(&mut self, _: &SqlError) -> Flow {
        Flow::Continue
    }
}

/// The one column of the result.
pub(super) fn columns() -> [Column; 1] {
    [Column {
        name: "JSON_F52E2B61-18A1-11d1-B105-00805F49916B".into(),
        sql_type: SqlType::NVarChar(Length::Max),
        nullable: true,
        identity: false,
    }]
}

/// Members in the order of the select list, which serde_json's map would sort.
#[derive(Default)]
struct Members(Vec<(String, Member)>);

enum Member {
    Text(String),
    Object(Members),
}

impl Members {
    fn put(&mut self, path: &[String], text: String) {
        match path {
            [] => {}
            [last] => self.0.push((last.clone(), Member::Text(text))),
            [first, rest @ ..] => {
                if let Some((_, Member::Object(inner))) = self
                    .0
                    .iter_mut()
                    .find(|(name, m)| name == first && matches!(m, Member::Object(_)))
                {
                    return inner.put(rest, text);
                }
                let mut inner = Members::default();
                inner.put(rest, text);
                self.0.push((first.clone(), Member::Object(inner)));
            }
        }
    }

    fn write(&self, out: &mut String) {
        out.push('{');
        for (i, (name, member)) in self.0.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            out.push_str(&quoted(name));
            out.push(':');
            match member {
                Member::Text(text) => out.push_str(text),
                Member::Object(inner) => inner.write(out),
            }
        }
        out.push('}');
    }
}

fn scalar(value: &Value, sql_type: SqlType) -> Result<String> {
    Ok(match value {
        Value::Null => "null".into(),
        Value::Bit(b) => b.to_string(),
        Value::Int(_) | Value::Decimal(_) => to_text(value, sql_type, None)?,
        Value::Money(_) | Value::Float(_) | Value::Real(_) => to_text(value, sql_type, Some(2))?,
        Value::Bytes(_) => return Err(unsupported("binary columns in FOR JSON")),
        Value::Variant(inner) => return scalar(&inner.1, inner.0),
        Value::Text(text) => quoted(text),
        _ if types::is_temporal(sql_type) => {
            let text = to_text(value, sql_type, Some(126))?;
            // Trailing zeros of the fraction are left out.
            let text = if text.contains('.') && !matches!(sql_type, SqlType::DateTimeOffset(_)) {
                text.trim_end_matches('0').trim_end_matches('.').to_owned()
            } else {
                text
            };
            quoted(&text)
        }
        _ => quoted(&to_text(value, sql_type, None)?),
    })
}

/// JSON text with SQL Server's escapes: the solidus too.
fn quoted(text: &str) -> String {
    Json::String(text.to_owned())
        .to_string()
        .replace('/', "\\/")
}

/// UTF-16 units in a row of a long text.
const PIECE: usize = 2033;
