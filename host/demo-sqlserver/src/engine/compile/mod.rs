//! T-SQL to SQLite: every expression is compiled with its SQL Server type, so
//! that operators, comparisons and result columns have SQL Server's rules.

mod aggregate;
mod call;
mod date_call;
mod describe;
mod expression;
mod from;
mod group;
mod literal;
mod metadata;
mod operator;
mod pivot;
mod predicate;
mod query;
mod select;
mod text_call;
mod window;
pub(crate) mod write;

use sqlparser::ast::{Ident, ObjectName, ObjectNamePart};

use super::catalog::{Catalog, same};
use super::collation;
use super::convert::convert;
use super::error::{Result, error, unsupported};
use super::session::Context;
use super::{storage, types};
use crate::value::{SqlType, Value};

pub(crate) use self::query::Compiled;

/// An expression in SQLite's language, and what is known of it.
#[derive(Debug, Clone)]
pub(crate) struct Typed {
    /// SQLite source, safe to place as an operand.
    pub(crate) sql: String,
    /// Its SQL Server type; the SQLite value has that type's representation.
    pub(crate) sql_type: SqlType,
    /// Whether NULL can occur.
    pub(crate) nullable: bool,
    /// Whether it is an IDENTITY column.
    pub(crate) identity: bool,
    /// The value of a constant.
    pub(crate) constant: Option<Value>,
    /// A collation that COLLATE asked for.
    pub(crate) collation: Option<&'static str>,
}

impl Typed {
    fn new(sql: impl Into<String>, sql_type: SqlType, nullable: bool) -> Self {
        Self {
            sql: sql.into(),
            sql_type,
            nullable,
            identity: false,
            constant: None,
            collation: None,
        }
    }

    fn constant(value: Value, sql_type: SqlType) -> Self {
        let (sql, nullable) = (storage::literal(&value), value == Value::Null);
        Self {
            constant: Some(value),
            ..Self::new(sql, sql_type, nullable)
        }
    }

    /// The source as a key of ORDER BY, GROUP BY or a comparison.
    fn key(&self) -> String {
        if types::is_text(self.sql_type) {
            format!(
                "{} COLLATE {}",
                self.sql,
                self.collation.unwrap_or(collation::DEFAULT)
            )
        } else if let SqlType::DateTimeOffset(_) = self.sql_type {
            format!("dto_utc({})", self.sql)
        } else {
            self.sql.clone()
        }
    }

    fn is_null(&self) -> bool {
        self.constant == Some(Value::Null)
    }
}

/// A column that a FROM clause offers.
#[derive(Debug, Clone)]
struct SourceColumn {
    name: String,
    typed: Typed,
}

/// One table, view or derived table in FROM.
#[derive(Debug, Clone)]
struct Source {
    /// Alias, or the table's own name.
    alias: String,
    /// Its schema, where it has no alias.
    schema: Option<String>,
    columns: Vec<SourceColumn>,
}

#[derive(Debug, Default)]
struct Scope {
    sources: Vec<Source>,
    group: Option<group::Group>,
}

#[derive(Debug, Clone)]
struct Cte {
    name: String,
    sql_name: String,
    columns: Vec<query::OutColumn>,
    /// Set while the CTE's own recursive part is compiled.
    level: bool,
}

/// Compiles one statement.
pub(crate) struct Compiler<'a> {
    catalog: &'a Catalog,
    context: &'a Context,
    scopes: Vec<Scope>,
    ctes: Vec<Cte>,
    next: usize,
    depth: usize,
    /// The extra column of a recursive part, until its SELECT takes it.
    recursion: Option<String>,
    /// Whether the table is meant whose policy is being followed.
    behind_policy: bool,
    /// OPTION (MAXRECURSION n)
    pub(crate) max_recursion: u32,
}

/// How deep expressions and queries may nest: half of a megabyte of stack at worst.
const MAX_DEPTH: usize = 100;

impl<'a> Compiler<'a> {
    /// A compiler for a session.
    pub(crate) fn new(catalog: &'a Catalog, context: &'a Context) -> Self {
        Self {
            catalog,
            context,
            scopes: Vec::new(),
            ctes: Vec::new(),
            next: 0,
            depth: 0,
            recursion: None,
            behind_policy: false,
            max_recursion: 100,
        }
    }

    /// A compiler for expressions over one row of a table, for its own definition.
    pub(crate) fn for_row(catalog: &'a Catalog, context: &'a Context, table: &str) -> Self {
        let mut compiler = Self::new(catalog, context);
        let (schema, name) = table.split_once('.').unwrap_or(("dbo", table));
        let columns = catalog
            .table(schema, name)
            .into_iter()
            .flat_map(|t| t.columns.iter().enumerate());
        let columns = columns
            .map(|(i, c)| SourceColumn {
                name: c.name.clone(),
                typed: Typed::new(format!("c{i}"), c.sql_type, c.nullable),
            })
            .collect();
        let source = Source {
            alias: name.to_owned(),
            schema: Some(schema.to_owned()),
            columns,
        };
        compiler.scopes.push(Scope {
            sources: vec![source],
            group: None,
        });
        compiler
    }

    /// A computed column's expression, in the column's type.
    pub(crate) fn row_expression(&mut self, text: &str, sql_type: SqlType) -> Result<String> {
        let value = self.text_expression(text)?;
        Ok(self.cast(value, sql_type).sql)
    }

    fn unique(&mut self, prefix: &str) -> String {
        self.next += 1;
        format!("{prefix}{}", self.next)
    }

    fn deeper<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth >= MAX_DEPTH {
            return Err(error(
                191,
                "Some part of your SQL statement is nested too deeply. Rewrite the query or break it up into smaller queries.",
            ));
        }
        self.depth += 1;
        let result = work(self);
        self.depth -= 1;
        result
    }

    /// Converts as assignment and operators do, without a style.
    fn cast(&self, value: Typed, to: SqlType) -> Typed {
        self.cast_styled(value, to, None, false)
    }

    /// Converts with a style; `lenient` answers NULL where it fails.
    fn cast_styled(&self, value: Typed, to: SqlType, style: Option<i64>, lenient: bool) -> Typed {
        let from = value.sql_type;
        if from == to && style.is_none() {
            return value;
        }
        if let Some(constant) = &value.constant {
            match convert(constant.clone(), from, to, style) {
                Ok(converted) => {
                    let collation = value.collation;
                    return Typed {
                        collation,
                        ..Typed::constant(converted, to)
                    };
                }
                Err(_) if lenient => return Typed::constant(Value::Null, to),
                // It fails when the row is reached, as SQL Server does.
                Err(_) => {}
            }
        }
        let sql = match native_cast(&value.sql, from, to) {
            Some(sql) if style.is_none() => sql,
            _ => {
                let function = if lenient { "try_conv" } else { "conv" };
                let style = style.map_or("NULL".to_owned(), |s| s.to_string());
                format!(
                    "{function}({}, {}, {}, {style})",
                    value.sql,
                    types::code(from),
                    types::code(to)
                )
            }
        };
        Typed {
            collation: value.collation,
            ..Typed::new(sql, to, value.nullable || lenient)
        }
    }

    /// Finds a column by its name, from the innermost query outwards.
    fn column(&self, qualifier: &[&str], name: &str) -> Result<Typed> {
        for scope in self.scopes.iter().rev() {
            let mut found: Option<&SourceColumn> = None;
            for source in scope.sources.iter().filter(|s| s.answers(qualifier)) {
                for column in source.columns.iter().filter(|c| same(&c.name, name)) {
                    if found.is_some() {
                        return Err(error(209, format!("Ambiguous column name '{name}'.")));
                    }
                    found = Some(column);
                }
            }
            if let Some(column) = found {
                return match &scope.group {
                    None => Ok(column.typed.clone()),
                    Some(group) => group.key(&column.typed.sql).ok_or_else(|| {
                        let of = scope.sources.iter().find(|s| s.columns.iter().any(|c| c.typed.sql == column.typed.sql));
                        error(8120, format!("Column '{}.{name}' is invalid in the select list because it is not contained in either an aggregate function or the GROUP BY clause.", of.map_or("", |s| s.alias.as_str())))
                    }),
                };
            }
        }
        if qualifier.is_empty() {
            Err(error(207, format!("Invalid column name '{name}'.")))
        } else {
            let known = self
                .scopes
                .iter()
                .any(|s| s.sources.iter().any(|s| s.answers(qualifier)));
            if known {
                Err(error(207, format!("Invalid column name '{name}'.")))
            } else {
                Err(error(
                    4104,
                    format!(
                        "The multi-part identifier \"{}.{name}\" could not be bound.",
                        qualifier.join(".")
                    ),
                ))
            }
        }
    }
}

impl Source {
    /// Whether `t.`, `dbo.t.` or `db.dbo.t.` means this source.
    fn answers(&self, qualifier: &[&str]) -> bool {
        match qualifier {
            [] => true,
            [alias] => same(alias, &self.alias),
            [.., schema, table] => {
                same(table, &self.alias)
                    && self
                        .schema
                        .as_ref()
                        .is_some_and(|s| same(s, schema) || schema.is_empty())
            }
        }
    }
}

/// Conversions that SQLite does itself.
fn native_cast(sql: &str, from: SqlType, to: SqlType) -> Option<String> {
    let same = || Some(sql.to_owned());
    let rank = |t: SqlType| match t {
        SqlType::Bit => 0,
        SqlType::TinyInt => 1,
        SqlType::SmallInt => 2,
        SqlType::Int => 3,
        _ => 4,
    };
    match (from, to) {
        (a, b) if types::is_integer(a) && types::is_integer(b) && b != SqlType::Bit => {
            if rank(a) <= rank(b) { same() } else { None }
        }
        (a, SqlType::Float) if types::is_integer(a) => Some(format!("CAST({sql} AS REAL)")),
        (SqlType::Real, SqlType::Float) => same(),
        (
            SqlType::Decimal {
                precision: p,
                scale: s,
            },
            SqlType::Decimal { precision, scale },
        ) if s == scale && precision >= p => same(),
        (SqlType::SmallMoney, SqlType::Money) => same(),
        (
            SqlType::Char(_)
            | SqlType::NChar(_)
            | SqlType::VarChar(_)
            | SqlType::NVarChar(_)
            | SqlType::Text
            | SqlType::NText,
            SqlType::VarChar(_) | SqlType::NVarChar(_),
        ) => {
            let fits = match (types::text_shape(from).1, types::text_shape(to).1) {
                (_, None) => true,
                (Some(a), Some(b)) => a <= b,
                (None, Some(_)) => false,
            };
            // nvarchar to varchar may lose letters: only the function knows.
            (fits && (!types::text_shape(from).0 || types::text_shape(to).0))
                .then(|| sql.to_owned())
        }
        (SqlType::Date, SqlType::DateTime2(_)) => Some(format!("({sql} * {})", storage::DAY)),
        (SqlType::DateTime2(a), SqlType::DateTime2(b)) if a <= b => same(),
        (SqlType::DateTime | SqlType::SmallDateTime, SqlType::DateTime2(7)) => same(),
        (SqlType::SmallDateTime, SqlType::DateTime) => same(),
        (SqlType::Time(a), SqlType::Time(b)) if a <= b => same(),
        _ => None,
    }
}

/// The identifiers of a dotted name.
fn parts(name: &ObjectName) -> Result<Vec<&Ident>> {
    name.0
        .iter()
        .map(|part| match part {
            ObjectNamePart::Identifier(ident) => Ok(ident),
            ObjectNamePart::Function(_) => Err(unsupported("this name")),
        })
        .collect()
}
