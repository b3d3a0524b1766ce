//! Expressions that yield values.

use sqlparser::ast::{CastKind, DataType, Expr, Query, UnaryOperator};

use super::{Compiler, Typed, literal};
use crate::engine::catalog::same;
use crate::engine::error::{Result, error, syntax, unsupported};
use crate::engine::{collation, types};
use crate::value::SqlType;

impl Compiler<'_> {
    /// Compiles an expression.
    pub(crate) fn expr(&mut self, e: &Expr) -> Result<Typed> {
        self.deeper(|c| match c.grouped_match(e)? {
            Some(key) => Ok(key),
            None => c.expr_inner(e),
        })
    }

    fn expr_inner(&mut self, e: &Expr) -> Result<Typed> {
        match e {
            Expr::Value(v) => literal::literal(&v.value),
            Expr::Nested(inner) => self.expr(inner),
            Expr::Identifier(ident)
                if ident.quote_style.is_none() && ident.value.starts_with('@') =>
            {
                self.variable(&ident.value)
            }
            Expr::Identifier(ident)
                if ident.quote_style == Some('"') || ident.quote_style == Some('[') =>
            {
                self.column(&[], &ident.value)
            }
            Expr::Identifier(ident) => self
                .column(&[], &ident.value)
                .or_else(|e| self.niladic(&ident.value).ok_or(e)),
            Expr::CompoundIdentifier(idents) => {
                let names: Vec<&str> = idents.iter().map(|i| i.value.as_str()).collect();
                let Some((name, qualifier)) = names.split_last() else {
                    return Err(syntax("."));
                };
                self.column(qualifier, name)
            }
            Expr::BinaryOp { left, op, right } => self.binary(left, op, right),
            Expr::UnaryOp { op, expr } => {
                let value = self.expr(expr)?;
                self.unary(*op, value)
            }
            Expr::Cast {
                kind,
                expr,
                data_type,
                ..
            } => {
                let value = self.expr(expr)?;
                let to = declared(data_type, 30)?;
                let mut typed = self.cast_styled(
                    value,
                    to,
                    None,
                    matches!(kind, CastKind::TryCast | CastKind::SafeCast),
                );
                // This NULL has a type, unlike the bare one.
                if typed.is_null() {
                    typed.constant = None;
                }
                Ok(typed)
            }
            Expr::Convert {
                is_try,
                expr,
                data_type: Some(data_type),
                styles,
                ..
            } => {
                let value = self.expr(expr)?;
                let to = declared(data_type, 30)?;
                let style = match styles.first() {
                    None => None,
                    Some(style) => Some(self.constant_integer(style, "a style of CONVERT")?),
                };
                self.convert_styled(value, to, style, *is_try)
            }
            Expr::Case {
                operand,
                conditions,
                else_result,
                ..
            } => self.case(operand.as_deref(), conditions, else_result.as_deref()),
            Expr::Function(function) => self.function(function),
            Expr::Subquery(query) => self.scalar_subquery(query),
            Expr::Collate { expr, collation } => {
                let value = self.expr(expr)?;
                let name = collation.to_string();
                let Some(found) = collation::by_name(name.trim_matches(['[', ']'])) else {
                    return Err(error(448, format!("Invalid collation '{name}'.")));
                };
                if !types::is_text(value.sql_type) {
                    return Err(error(
                        447,
                        format!(
                            "Expression type {} is invalid for COLLATE clause.",
                            types::base_name(value.sql_type)
                        ),
                    ));
                }
                Ok(Typed {
                    collation: Some(found),
                    ..value
                })
            }
            Expr::Substring {
                expr,
                substring_from: Some(from),
                substring_for: Some(length),
                ..
            } => {
                let arguments = [self.expr(expr)?, self.expr(from)?, self.expr(length)?];
                self.substring(arguments)
            }
            Expr::Trim {
                trim_where,
                trim_what,
                expr,
                trim_characters,
            } => {
                let value = self.expr(expr)?;
                let what = match (trim_what, trim_characters.as_deref()) {
                    (Some(what), _) => Some(self.expr(what)?),
                    (None, Some([what, ..])) => Some(self.expr(what)?),
                    _ => None,
                };
                self.trim(
                    value,
                    what,
                    trim_where.as_ref().map(ToString::to_string).as_deref(),
                )
            }
            Expr::Ceil { expr, .. } => {
                let value = self.expr(expr)?;
                self.step(value, true)
            }
            Expr::Floor { expr, .. } => {
                let value = self.expr(expr)?;
                self.step(value, false)
            }
            Expr::AtTimeZone {
                timestamp,
                time_zone,
            } => {
                let value = self.expr(timestamp)?;
                let zone = self.expr(time_zone)?;
                self.at_time_zone(&value, &zone)
            }
            Expr::TypedString(typed) => {
                let text = match &typed.value.value {
                    sqlparser::ast::Value::SingleQuotedString(text) => literal::string(text, false),
                    other => return Err(syntax(other)),
                };
                let to = match typed.data_type {
                    DataType::Date | DataType::Timestamp(..) | DataType::Time(..)
                        if typed.uses_odbc_syntax =>
                    {
                        SqlType::DateTime
                    }
                    _ => return Err(syntax(&typed.value.value)),
                };
                Ok(self.cast(text, to))
            }
            Expr::IsNull(_)
            | Expr::IsNotNull(_)
            | Expr::InList { .. }
            | Expr::InSubquery { .. }
            | Expr::Between { .. }
            | Expr::Like { .. }
            | Expr::Exists { .. } => Err(error(
                102,
                "Incorrect syntax: a condition stands where a value is expected.",
            )),
            other => Err(unsupported(format_args!("the expression {}", short(other)))),
        }
    }

    fn variable(&mut self, name: &str) -> Result<Typed> {
        if let Some(system) = self.system_variable(name) {
            return Ok(system);
        }
        let position = self
            .context
            .variables
            .iter()
            .position(|v| same(&v.name, name));
        match position.and_then(|p| self.context.variables.get(p).map(|v| (p, v))) {
            Some((position, variable)) => Ok(Typed::new(
                format!("?{}", position + 1),
                variable.sql_type,
                true,
            )),
            None => Err(error(
                137,
                format!("Must declare the scalar variable \"{name}\"."),
            )),
        }
    }

    fn unary(&mut self, op: UnaryOperator, value: Typed) -> Result<Typed> {
        let sql_type = value.sql_type;
        match op {
            UnaryOperator::Plus => Ok(value),
            UnaryOperator::Minus => {
                if let Some(constant) = &value.constant
                    && let Some(negated) = negate(constant)
                {
                    return Ok(Typed::constant(negated, sql_type));
                }
                let sql = match sql_type {
                    SqlType::Decimal { .. } => format!("dec_neg({})", value.sql),
                    t if types::is_float(t) => format!("(-{})", value.sql),
                    t if types::is_integer(t) && t != SqlType::Bit || types::is_money(t) => {
                        format!("int_op('-', 0, {}, {})", value.sql, types::code(t))
                    }
                    t => {
                        return Err(error(
                            8117,
                            format!(
                                "Operand data type {} is invalid for minus operator.",
                                types::base_name(t)
                            ),
                        ));
                    }
                };
                Ok(Typed::new(sql, sql_type, value.nullable))
            }
            UnaryOperator::BitwiseNot if sql_type == SqlType::Bit => Ok(Typed::new(
                format!("(1 - {})", value.sql),
                sql_type,
                value.nullable,
            )),
            UnaryOperator::BitwiseNot if sql_type == SqlType::TinyInt => Ok(Typed::new(
                format!("(255 - {})", value.sql),
                sql_type,
                value.nullable,
            )),
            UnaryOperator::BitwiseNot if types::is_integer(sql_type) => Ok(Typed::new(
                format!("(~{})", value.sql),
                sql_type,
                value.nullable,
            )),
            other => Err(unsupported(format_args!("the operator {other} here"))),
        }
    }

    fn convert_styled(
        &mut self,
        value: Typed,
        to: SqlType,
        style: Option<i64>,
        lenient: bool,
    ) -> Result<Typed> {
        let from = value.sql_type;
        // A style counts only between text and times, binary, money or float.
        let counts = (types::is_text(to) && !types::is_text(from) && !types::is_integer(from))
            || (types::is_text(from) && (types::is_binary(to)));
        if let (Some(style), true, true) = (style, types::is_text(from), types::is_temporal(to)) {
            return self.parse_styled(value, to, style, lenient);
        }
        Ok(self.cast_styled(value, to, style.filter(|_| counts), lenient))
    }

    /// Text to time by style: the unambiguous forms, and the day-first ones rewritten.
    fn parse_styled(
        &mut self,
        value: Typed,
        to: SqlType,
        style: i64,
        lenient: bool,
    ) -> Result<Typed> {
        match style {
            0 | 1 | 9 | 10 | 20 | 21 | 23 | 25 | 100 | 101 | 107 | 109 | 110 | 111 | 112 | 12
            | 120 | 121 | 126 | 127 | 6 | 7 | 106 | 8 | 108 | 114 => {
                Ok(self.cast_styled(value, to, None, lenient))
            }
            other => Err(unsupported(format_args!(
                "CONVERT from text to a date with style {other}"
            ))),
        }
    }

    fn case(
        &mut self,
        operand: Option<&Expr>,
        conditions: &[sqlparser::ast::CaseWhen],
        otherwise: Option<&Expr>,
    ) -> Result<Typed> {
        let mut tests = Vec::with_capacity(conditions.len());
        let mut results = Vec::with_capacity(conditions.len() + 1);
        for when in conditions {
            tests.push(match operand {
                Some(operand) => {
                    let (left, right) = (self.expr(operand)?, self.expr(&when.condition)?);
                    self.compare(left, "=", right)?
                }
                None => self.predicate(&when.condition)?,
            });
            results.push(self.expr(&when.result)?);
        }
        if let Some(otherwise) = otherwise {
            results.push(self.expr(otherwise)?);
        }
        self.choose(&tests, results, otherwise.is_some())
    }

    /// CASE over compiled parts: one type for all results.
    pub(super) fn choose(
        &mut self,
        tests: &[String],
        results: Vec<Typed>,
        complete: bool,
    ) -> Result<Typed> {
        let sql_type = self.common_type(&results)?;
        let nullable = !complete || results.iter().any(|r| r.nullable);
        let mut results = results.into_iter().map(|r| self.cast(r, sql_type));
        let mut sql = String::from("(CASE");
        for test in tests {
            let result = results.next().map_or("NULL".into(), |r| r.sql);
            sql.push_str(&format!(" WHEN {test} THEN {result}"));
        }
        if let Some(last) = results.next() {
            sql.push_str(&format!(" ELSE {}", last.sql));
        }
        sql.push_str(" END)");
        Ok(Typed::new(sql, sql_type, nullable))
    }

    /// The type that all values take; NULL literals have no say.
    pub(super) fn common_type(&self, values: &[Typed]) -> Result<SqlType> {
        let mut result: Option<SqlType> = None;
        for value in values.iter().filter(|v| !v.is_null()) {
            result = Some(match result {
                None => value.sql_type,
                Some(sofar) => types::common(sofar, value.sql_type)?,
            });
        }
        Ok(result.unwrap_or(SqlType::Int))
    }

    fn scalar_subquery(&mut self, query: &Query) -> Result<Typed> {
        let compiled = self.query(query)?;
        let [column] = compiled.columns.as_slice() else {
            return Err(error(
                116,
                "Only one expression can be specified in the select list when the subquery is not introduced with EXISTS.",
            ));
        };
        // SQLite takes the first row where SQL Server refuses a second one.
        let sql = if compiled.single_row {
            format!("({})", compiled.sql)
        } else {
            format!(
                "(SELECT only_one(COUNT(*), MIN(r0)) FROM (SELECT r0 FROM ({}) LIMIT 2))",
                compiled.sql
            )
        };
        Ok(Typed::new(sql, column.sql_type, true))
    }

    /// A constant integer argument.
    pub(super) fn constant_integer(&mut self, e: &Expr, what: &str) -> Result<i64> {
        let value = self.expr(e)?;
        match self.cast(value, SqlType::BigInt).constant {
            Some(crate::value::Value::Int(i)) => Ok(i),
            _ => Err(unsupported(format_args!("{what} that is not a constant"))),
        }
    }
}

/// The type of a declaration.
pub(crate) fn declared(data_type: &DataType, default_length: u16) -> Result<SqlType> {
    types::parse(
        &data_type.to_string().replace(['[', ']'], ""),
        default_length,
    )
}

fn negate(value: &crate::value::Value) -> Option<crate::value::Value> {
    use crate::value::Value;
    Some(match value {
        Value::Int(i) => Value::Int(i.checked_neg()?),
        Value::Decimal(d) => Value::Decimal(-d),
        Value::Money(m) => Value::Money(m.checked_neg()?),
        Value::Float(f) => Value::Float(-f),
        _ => return None,
    })
}

/// Enough of an expression to recognise it in a message.
fn short(e: &Expr) -> String {
    e.to_string().chars().take(60).collect()
}
