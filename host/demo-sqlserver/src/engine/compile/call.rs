//! Scalar functions by name: conditions, conversion, mathematics and JSON here,
//! text, dates and metadata in their own files.

use sqlparser::ast::{Expr, Function};

use super::aggregate::{arguments, is_name, wrong_count};
use super::{Compiler, Typed};
use crate::engine::error::{Result, error, unsupported};
use crate::engine::types;
use crate::value::{Length, SqlType, Udt};

impl Compiler<'_> {
    pub(super) fn function(&mut self, function: &Function) -> Result<Typed> {
        if let Some(text) = self.clr_text(function)? {
            return Ok(text);
        }
        let name = function.name.to_string().to_ascii_uppercase();
        if let Some(over) = &function.over {
            return self.window_call(&name, function, over);
        }
        if is_name(&name) {
            return self.aggregate_call(&name, function);
        }
        let call = arguments(function)?;
        if call.star {
            return Err(crate::engine::error::syntax("*"));
        }
        if name == "IIF" {
            let [test, yes, no] = call.exprs.as_slice() else {
                return Err(wrong_count(&name));
            };
            let test = self.predicate(test)?;
            let results = vec![self.expr(yes)?, self.expr(no)?];
            return self.choose(&[test], results, true);
        }
        // Before the arguments, which may be no values: DATE_BUCKET(week, …).
        if MISSING.contains(&name.as_str()) {
            return Err(unsupported(format_args!("the function {name}")));
        }
        if let Some(typed) = self.date_call(&name, &call.exprs)? {
            return Ok(typed);
        }
        let values = call
            .exprs
            .iter()
            .map(|e| self.expr(e))
            .collect::<Result<Vec<_>>>()?;
        if let Some(typed) = self.text_call(&name, &values)? {
            return Ok(typed);
        }
        if let Some(typed) = self.metadata_call(&name, &values)? {
            return Ok(typed);
        }
        self.general_call(&name, values)
    }

    /// `column.STAsText()`, `column.ToString()`: a value of a CLR type as text.
    fn clr_text(&mut self, function: &Function) -> Result<Option<Typed>> {
        let parts = super::parts(&function.name)?;
        let Some((method, column)) = parts.split_last().filter(|(_, column)| !column.is_empty())
        else {
            return Ok(None);
        };
        let spatial = method.value.eq_ignore_ascii_case("STAsText");
        if !spatial && !method.value.eq_ignore_ascii_case("ToString") {
            return Ok(None);
        }
        if !arguments(function)?.exprs.is_empty() {
            return Err(wrong_count(&method.value));
        }
        let column = column.iter().map(|part| (*part).clone()).collect();
        let value = self.expr(&Expr::CompoundIdentifier(column))?;
        match value.sql_type {
            SqlType::Udt(Udt::HierarchyId) if spatial => {}
            SqlType::Udt(_) => {
                let text = format!("clr_text({}, {})", value.sql, types::code(value.sql_type));
                let length = SqlType::NVarChar(Length::Max);
                return Ok(Some(Typed::new(text, length, value.nullable)));
            }
            _ => {}
        }
        Err(unsupported(format_args!("the method {}", method.value)))
    }

    fn general_call(&mut self, name: &str, values: Vec<Typed>) -> Result<Typed> {
        match (name, values.as_slice()) {
            ("ISNULL", [value, other]) => {
                let sql_type = if value.is_null() {
                    other.sql_type
                } else {
                    value.sql_type
                };
                let nullable = value.nullable && other.nullable;
                let (value, other) = (
                    self.cast(value.clone(), sql_type),
                    self.cast(other.clone(), sql_type),
                );
                let collation = value.collation;
                Ok(Typed {
                    collation,
                    ..Typed::new(
                        format!("COALESCE({}, {})", value.sql, other.sql),
                        sql_type,
                        nullable,
                    )
                })
            }
            ("COALESCE", [_, _, ..]) => {
                let sql_type = self.common_type(&values)?;
                let nullable = values.iter().all(|v| v.nullable);
                let list: Vec<String> = values
                    .into_iter()
                    .map(|v| self.cast(v, sql_type).sql)
                    .collect();
                Ok(Typed::new(
                    format!("COALESCE({})", list.join(", ")),
                    sql_type,
                    nullable,
                ))
            }
            ("NULLIF", [a, b]) => {
                let test = self.compare(a.clone(), "=", b.clone())?;
                Ok(Typed::new(
                    format!("(CASE WHEN {test} THEN NULL ELSE {} END)", a.sql),
                    a.sql_type,
                    true,
                ))
            }
            ("CHOOSE", [index, rest @ ..]) if !rest.is_empty() => {
                let index = self.cast(index.clone(), SqlType::Int);
                let tests: Vec<String> = (1..=rest.len())
                    .map(|i| format!("{} = {i}", index.sql))
                    .collect();
                self.choose(&tests, rest.to_vec(), false)
            }
            ("GREATEST" | "LEAST", [_, ..]) => self.extreme(name == "GREATEST", values),
            ("NEWID" | "NEWSEQUENTIALID", []) => Ok(Typed::new(
                "guid_v4(randomblob(16))",
                SqlType::UniqueIdentifier,
                false,
            )),
            ("ABS", [value]) => self.absolute(value),
            ("SIGN", [value]) => Ok(match value.sql_type {
                SqlType::Decimal { .. } => {
                    let sign = Typed::new(
                        format!("dec_sign({})", value.sql),
                        SqlType::Int,
                        value.nullable,
                    );
                    self.cast(sign, value.sql_type)
                }
                t if types::is_money(t) => {
                    Typed::new(format!("(sign({}) * 10000)", value.sql), t, value.nullable)
                }
                t if types::is_integer(t) => {
                    Typed::new(format!("sign({})", value.sql), t, value.nullable)
                }
                _ => {
                    let value = self.cast(value.clone(), SqlType::Float);
                    Typed::new(
                        format!("CAST(sign({}) AS REAL)", value.sql),
                        SqlType::Float,
                        value.nullable,
                    )
                }
            }),
            ("ROUND", [value, places, rest @ ..]) => {
                self.round(value.clone(), places.clone(), rest.first().cloned())
            }
            ("CEILING" | "FLOOR", [value]) => self.step(value.clone(), name == "CEILING"),
            ("PI", []) => Ok(Typed::new("pi()", SqlType::Float, false)),
            ("RAND", [_]) => Err(unsupported("RAND with a seed")),
            ("RAND", []) => Ok(Typed::new(
                "((random() >> 11 & 9007199254740991) / 9007199254740992.0)",
                SqlType::Float,
                false,
            )),
            ("POWER", [base, exponent]) => {
                let result = base.sql_type;
                let nullable = base.nullable || exponent.nullable;
                let (x, y) = (
                    self.cast(base.clone(), SqlType::Float),
                    self.cast(exponent.clone(), SqlType::Float),
                );
                let power = Typed::new(
                    format!("math2('power', {}, {})", x.sql, y.sql),
                    SqlType::Float,
                    nullable,
                );
                if matches!(result, SqlType::Decimal { .. } | SqlType::BigInt) {
                    return Err(unsupported(
                        "POWER of an exact number beyond int; cast it to float",
                    ));
                }
                let to = if types::is_integer(result) {
                    SqlType::Int
                } else if types::is_money(result) {
                    result
                } else {
                    SqlType::Float
                };
                Ok(self.cast(power, to))
            }
            ("LOG", [value, base]) => {
                let (x, y) = (
                    self.cast(value.clone(), SqlType::Float),
                    self.cast(base.clone(), SqlType::Float),
                );
                Ok(Typed::new(
                    format!("math2('log', {}, {})", x.sql, y.sql),
                    SqlType::Float,
                    x.nullable || y.nullable,
                ))
            }
            ("ATN2", [a, b]) => {
                let (x, y) = (
                    self.cast(a.clone(), SqlType::Float),
                    self.cast(b.clone(), SqlType::Float),
                );
                Ok(Typed::new(
                    format!("math2('atn2', {}, {})", x.sql, y.sql),
                    SqlType::Float,
                    x.nullable || y.nullable,
                ))
            }
            (
                "SQRT" | "SQUARE" | "EXP" | "LOG" | "LOG10" | "SIN" | "COS" | "TAN" | "COT"
                | "ASIN" | "ACOS" | "ATAN",
                [value],
            ) => {
                let value = self.cast(value.clone(), SqlType::Float);
                Ok(Typed::new(
                    format!("math('{}', {})", name.to_lowercase(), value.sql),
                    SqlType::Float,
                    value.nullable,
                ))
            }
            ("DEGREES" | "RADIANS", [value]) if types::is_float(value.sql_type) => Ok(Typed::new(
                format!("math('{}', {})", name.to_lowercase(), value.sql),
                SqlType::Float,
                value.nullable,
            )),
            ("ISNUMERIC", [value]) => {
                let text = self.as_text(value.clone(), SqlType::NVarChar(Length::Max))?;
                let (float, money) = (types::code(SqlType::Float), types::code(SqlType::Money));
                let from = types::code(text.sql_type);
                let sql = format!(
                    "(CASE WHEN trim({0}) <> '' AND (try_conv({0}, {from}, {float}, NULL) IS NOT NULL OR try_conv({0}, {from}, {money}, NULL) IS NOT NULL) THEN 1 ELSE 0 END)",
                    text.sql
                );
                Ok(Typed::new(sql, SqlType::Int, false))
            }
            ("ISJSON", [json]) => Ok(Typed::new(
                format!("j_is({})", json.sql),
                SqlType::Int,
                json.nullable,
            )),
            ("JSON_VALUE", [json, path]) => Ok(Typed::new(
                format!("j_value({}, {})", json.sql, path.sql),
                SqlType::NVarChar(Length::Limited(4000)),
                true,
            )),
            ("JSON_QUERY", [json, rest @ ..]) => {
                let path = rest.first().map_or("'$'", |p| p.sql.as_str());
                Ok(Typed::new(
                    format!("j_query({}, {path})", json.sql),
                    SqlType::NVarChar(Length::Max),
                    true,
                ))
            }
            _ if known(name) => Err(wrong_count(name)),
            _ => {
                if name.contains('.') {
                    return Err(unsupported(format_args!(
                        "the user-defined function {name}"
                    )));
                }
                Err(error(
                    195,
                    format!("'{name}' is not a recognized built-in function name."),
                ))
            }
        }
    }

    fn extreme(&mut self, greatest: bool, values: Vec<Typed>) -> Result<Typed> {
        let sql_type = self.common_type(&values)?;
        let nullable = values.iter().all(|v| v.nullable);
        let op = if greatest { ">=" } else { "<=" };
        let mut values = values
            .into_iter()
            .map(|v| self.cast(v, sql_type))
            .collect::<Vec<_>>()
            .into_iter();
        let first = values.next().ok_or_else(|| wrong_count("GREATEST"))?;
        values.try_fold(first, |best, next| {
            let test = self.compare(best.clone(), op, next.clone())?;
            let sql = format!(
                "(CASE WHEN {1} IS NULL OR {test} THEN {0} ELSE {1} END)",
                best.sql, next.sql
            );
            Ok(Typed::new(sql, sql_type, nullable))
        })
    }

    fn absolute(&mut self, value: &Typed) -> Result<Typed> {
        let code = types::code(value.sql_type);
        let (sql, sql_type) = match value.sql_type {
            t @ SqlType::Decimal { .. } => (
                format!(
                    "(CASE WHEN dec_sign({0}) < 0 THEN dec_neg({0}) ELSE {0} END)",
                    value.sql
                ),
                t,
            ),
            t if types::is_integer(t) || types::is_money(t) => (
                format!(
                    "(CASE WHEN {0} < 0 THEN int_op('-', 0, {0}, {code}) ELSE {0} END)",
                    value.sql
                ),
                t,
            ),
            _ => (
                format!("abs({})", self.cast(value.clone(), SqlType::Float).sql),
                SqlType::Float,
            ),
        };
        Ok(Typed::new(sql, sql_type, value.nullable))
    }

    fn round(&mut self, value: Typed, places: Typed, truncate: Option<Typed>) -> Result<Typed> {
        let nullable = value.nullable || places.nullable;
        let places = self.cast(places, SqlType::Int);
        let cut = match truncate {
            Some(t) => format!("({} <> 0)", self.cast(t, SqlType::Int).sql),
            None => "0".into(),
        };
        let code = types::code(value.sql_type);
        Ok(match value.sql_type {
            t @ SqlType::Decimal { .. } => Typed::new(
                format!("dec_round({}, {code}, {}, {cut})", value.sql, places.sql),
                t,
                nullable,
            ),
            t if types::is_integer(t) || types::is_money(t) => Typed::new(
                format!("int_round({}, {code}, {}, {cut})", value.sql, places.sql),
                t,
                nullable,
            ),
            _ => {
                let value = self.cast(value, SqlType::Float);
                Typed::new(
                    format!("float_round({}, {}, {cut})", value.sql, places.sql),
                    SqlType::Float,
                    nullable,
                )
            }
        })
    }

    /// FLOOR and CEILING
    pub(super) fn step(&mut self, value: Typed, up: bool) -> Result<Typed> {
        let nullable = value.nullable;
        Ok(match value.sql_type {
            SqlType::Decimal { precision, scale } => Typed::new(
                format!("dec_step({}, {scale}, {})", value.sql, u8::from(up)),
                SqlType::Decimal {
                    precision,
                    scale: 0,
                },
                nullable,
            ),
            t if types::is_integer(t) => value,
            t if types::is_money(t) => {
                let as_decimal = self.cast(
                    value,
                    SqlType::Decimal {
                        precision: 19,
                        scale: 4,
                    },
                );
                let stepped = Typed::new(
                    format!("dec_step({}, 4, {})", as_decimal.sql, u8::from(up)),
                    SqlType::Decimal {
                        precision: 19,
                        scale: 0,
                    },
                    nullable,
                );
                self.cast(stepped, t)
            }
            _ => {
                let value = self.cast(value, SqlType::Float);
                Typed::new(
                    format!(
                        "math('{}', {})",
                        if up { "ceiling" } else { "floor" },
                        value.sql
                    ),
                    SqlType::Float,
                    nullable,
                )
            }
        })
    }
}

/// Functions that exist with other arguments.
fn known(name: &str) -> bool {
    [
        "ISNULL",
        "COALESCE",
        "NULLIF",
        "CHOOSE",
        "ABS",
        "SIGN",
        "ROUND",
        "POWER",
        "LOG",
        "SQRT",
        "ISJSON",
        "JSON_VALUE",
        "JSON_QUERY",
    ]
    .contains(&name)
}

/// Functions of SQL Server that are not here, to tell them from misspellings.
const MISSING: [&str; 58] = [
    "CHECKSUM",
    "BINARY_CHECKSUM",
    "HASHBYTES",
    "SOUNDEX",
    "DIFFERENCE",
    "JSON_MODIFY",
    "PARSE",
    "TRY_PARSE",
    "COMPRESS",
    "DECOMPRESS",
    "SWITCHOFFSET",
    "TODATETIMEOFFSET",
    "DATE_BUCKET",
    "PARSENAME",
    "STRING_ESCAPE",
    "CONTAINS",
    "FREETEXT",
    "ENCRYPTBYKEY",
    "UNICODE_NORMALIZE",
    "SQL_VARIANT_PROPERTY",
    "DEGREES",
    "RADIANS",
    "JSON_ARRAY",
    "JSON_OBJECT",
    "BASE64_DECODE",
    "BASE64_ENCODE",
    "BIT_COUNT",
    "CURRENT_TIMEZONE",
    "CURRENT_TIMEZONE_ID",
    "DATETIMEOFFSETFROMPARTS",
    "EDIT_DISTANCE",
    "EDIT_DISTANCE_SIMILARITY",
    "FORMATMESSAGE",
    "GENERATE_SERIES",
    "GET_BIT",
    "GETANSINULL",
    "IDENT_CURRENT",
    "IDENT_INCR",
    "IDENT_SEED",
    "INDEX_COL",
    "JARO_WINKLER_DISTANCE",
    "JARO_WINKLER_SIMILARITY",
    "JSON_CONTAINS",
    "JSON_PATH_EXISTS",
    "LEFT_SHIFT",
    "PRODUCT",
    "REGEXP_COUNT",
    "REGEXP_INSTR",
    "REGEXP_LIKE",
    "REGEXP_REPLACE",
    "REGEXP_SUBSTR",
    "RIGHT_SHIFT",
    "SET_BIT",
    "STATS_DATE",
    "TERTIARY_WEIGHTS",
    "TYPE_ID",
    "UNISTR",
    "USER_ID",
];
