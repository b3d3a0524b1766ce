//! Aggregates with SQL Server's result types; the same source serves windows.

use sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause,
    FunctionArguments,
};

use super::query::direction;
use super::{Compiler, Typed};
use crate::engine::error::{Result, error, unsupported};
use crate::engine::types;
use crate::value::SqlType;

/// Whether the name is an aggregate's.
pub(super) fn is_name(name: &str) -> bool {
    const NAMES: [&str; 15] = [
        "COUNT",
        "COUNT_BIG",
        "SUM",
        "AVG",
        "MIN",
        "MAX",
        "STDEV",
        "STDEVP",
        "VAR",
        "VARP",
        "STRING_AGG",
        "GROUPING",
        "GROUPING_ID",
        "APPROX_COUNT_DISTINCT",
        "CHECKSUM_AGG",
    ];
    NAMES.iter().any(|n| n.eq_ignore_ascii_case(name))
}

/// Arguments of a function call.
pub(super) struct Arguments<'a> {
    pub(super) distinct: bool,
    pub(super) star: bool,
    pub(super) exprs: Vec<&'a Expr>,
}

/// Takes a call apart.
pub(super) fn arguments(function: &Function) -> Result<Arguments<'_>> {
    let mut result = Arguments {
        distinct: false,
        star: false,
        exprs: Vec::new(),
    };
    match &function.args {
        FunctionArguments::None => {}
        FunctionArguments::Subquery(_) => {
            return Err(unsupported("a subquery as the only argument"));
        }
        FunctionArguments::List(list) => {
            result.distinct =
                matches!(list.duplicate_treatment, Some(DuplicateTreatment::Distinct));
            for clause in &list.clauses {
                if !matches!(clause, FunctionArgumentClause::IgnoreOrRespectNulls(_)) {
                    return Err(unsupported(format_args!("{clause} in a call")));
                }
            }
            for argument in &list.args {
                match argument {
                    FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) => result.exprs.push(e),
                    FunctionArg::Unnamed(FunctionArgExpr::Wildcard) => result.star = true,
                    other => return Err(unsupported(format_args!("the argument {other}"))),
                }
            }
        }
    }
    Ok(result)
}

impl Compiler<'_> {
    /// An aggregate without OVER.
    pub(super) fn aggregate_call(&mut self, name: &str, function: &Function) -> Result<Typed> {
        let call = arguments(function)?;
        if matches!(name, "GROUPING" | "GROUPING_ID") {
            return self.grouping(&call.exprs);
        }
        let inner = self.ungrouped(|c| c.aggregate(name, function, &call, ""))?;
        self.add_aggregate(inner)
    }

    /// The source of an aggregate; `over` is empty or a window clause.
    pub(super) fn aggregate(
        &mut self,
        name: &str,
        function: &Function,
        call: &Arguments<'_>,
        over: &str,
    ) -> Result<Typed> {
        if call.distinct && !over.is_empty() {
            return Err(error(
                10759,
                "Use of DISTINCT is not allowed with the OVER clause.",
            ));
        }
        let distinct = if call.distinct { "DISTINCT " } else { "" };
        if matches!(name, "COUNT" | "COUNT_BIG" | "APPROX_COUNT_DISTINCT") {
            let distinct = if name == "APPROX_COUNT_DISTINCT" {
                "DISTINCT "
            } else {
                distinct
            };
            let argument = match call.exprs.as_slice() {
                [] if call.star => "*".to_owned(),
                [one] => self.expr(one)?.key(),
                _ => return Err(wrong_count(name)),
            };
            let sql_type = if name == "COUNT" {
                SqlType::Int
            } else {
                SqlType::BigInt
            };
            return Ok(Typed::new(
                format!("COUNT({distinct}{argument}){over}"),
                sql_type,
                false,
            ));
        }
        if name == "STRING_AGG" {
            return self.string_agg(function, call, over);
        }
        let [argument] = call.exprs.as_slice() else {
            return Err(wrong_count(name));
        };
        let value = self.expr(argument)?;
        let sql_type = value.sql_type;
        let invalid = || {
            error(
                8117,
                format!(
                    "Operand data type {} is invalid for {} operator.",
                    types::base_name(sql_type),
                    name.to_lowercase()
                ),
            )
        };
        if matches!(name, "MIN" | "MAX") {
            if sql_type == SqlType::Bit
                || matches!(
                    sql_type,
                    SqlType::Variant
                        | SqlType::Xml
                        | SqlType::Udt(_)
                        | SqlType::Text
                        | SqlType::NText
                        | SqlType::Image
                )
            {
                return Err(invalid());
            }
            // The stored bytes of datetimeoffset begin with the instant.
            let key = if types::is_text(sql_type) {
                value.key()
            } else {
                value.sql.clone()
            };
            return Ok(Typed::new(format!("{name}({key}){over}"), sql_type, true));
        }
        if !types::is_number(sql_type) || sql_type == SqlType::Bit {
            return Err(invalid());
        }
        let sum = |value: &Typed| match value.sql_type {
            SqlType::Decimal { .. } => format!("dec_sum({distinct}{}){over}", value.sql),
            _ => format!("SUM({distinct}{}){over}", value.sql),
        };
        match name {
            "SUM" => {
                let result = sum_type(sql_type);
                let sql = match result {
                    SqlType::Int => format!("fits({}, {})", sum(&value), types::code(result)),
                    _ => sum(&value),
                };
                Ok(Typed::new(sql, result, true))
            }
            "AVG" => {
                let count = format!("COUNT({distinct}{}){over}", value.sql);
                Ok(match sum_type(sql_type) {
                    SqlType::Decimal { scale, .. } => {
                        let result = SqlType::Decimal {
                            precision: 38,
                            scale: scale.max(6),
                        };
                        let divisor = Typed::new(count, SqlType::BigInt, false);
                        let divisor = self.cast(
                            divisor,
                            SqlType::Decimal {
                                precision: 19,
                                scale: 0,
                            },
                        );
                        // Of no rows there is no sum either, so the zero count is never divided by.
                        let sql = format!(
                            "CASE WHEN {} IS NULL THEN NULL ELSE dec_op('/', {}, {scale}, {}, 0, {}) END",
                            sum(&value),
                            sum(&value),
                            divisor.sql,
                            types::code(result)
                        );
                        Typed::new(format!("({sql})"), result, true)
                    }
                    result @ SqlType::Float => {
                        Typed::new(format!("AVG({distinct}{}){over}", value.sql), result, true)
                    }
                    result => Typed::new(format!("({} / {count})", sum(&value)), result, true),
                })
            }
            "STDEV" | "STDEVP" | "VAR" | "VARP" => {
                let value = self.cast(value, SqlType::Float);
                Ok(Typed::new(
                    format!("{}({distinct}{}){over}", name.to_lowercase(), value.sql),
                    SqlType::Float,
                    true,
                ))
            }
            other => Err(unsupported(format_args!("the aggregate {other}"))),
        }
    }

    fn string_agg(
        &mut self,
        function: &Function,
        call: &Arguments<'_>,
        over: &str,
    ) -> Result<Typed> {
        if !over.is_empty() || call.distinct {
            return Err(error(
                102,
                "Incorrect syntax: STRING_AGG takes neither OVER nor DISTINCT.",
            ));
        }
        let [value, separator] = call.exprs.as_slice() else {
            return Err(wrong_count("STRING_AGG"));
        };
        let (value, separator) = (self.expr(value)?, self.expr(separator)?);
        let value = self.as_text(value, SqlType::NVarChar(crate::value::Length::Max))?;
        let order = function
            .within_group
            .iter()
            .map(|o| {
                self.expr(&o.expr)
                    .map(|k| format!("{}{}", k.key(), direction(o)))
            })
            .collect::<Result<Vec<_>>>()?;
        let order = if order.is_empty() {
            String::new()
        } else {
            format!(" ORDER BY {}", order.join(", "))
        };
        let (unicode, length) = types::text_shape(value.sql_type);
        // Strings up to a page stay there; beyond it SQL Server fails, and so does this.
        let sql_type = types::text_type(unicode, length.map(|_| 8000));
        let joined = format!("string_agg({}, {}{order})", value.sql, separator.sql);
        let sql = if length.is_some() {
            format!("agg_fits({joined}, {})", if unicode { 4000 } else { 8000 })
        } else {
            joined
        };
        Ok(Typed::new(sql, sql_type, true))
    }
}

/// The type of SUM over a type.
fn sum_type(sql_type: SqlType) -> SqlType {
    match sql_type {
        SqlType::TinyInt | SqlType::SmallInt | SqlType::Int => SqlType::Int,
        SqlType::Decimal { scale, .. } => SqlType::Decimal {
            precision: 38,
            scale,
        },
        SqlType::SmallMoney => SqlType::Money,
        SqlType::Real => SqlType::Float,
        other => other,
    }
}

pub(super) fn wrong_count(name: &str) -> crate::value::SqlError {
    error(
        174,
        format!(
            "The {} function requires a different number of arguments.",
            name.to_lowercase()
        ),
    )
}
