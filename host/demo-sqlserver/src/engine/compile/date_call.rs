//! Date functions: the unit is a word, not an expression.

use sqlparser::ast::Expr;

use super::{Compiler, Typed};
use crate::engine::datetime::Part;
use crate::engine::error::{Result, error, unsupported};
use crate::engine::{storage, types};
use crate::value::{SqlType, Value};

impl Compiler<'_> {
    /// A date function, or None where the name is another's.
    pub(super) fn date_call(&mut self, name: &str, exprs: &[&Expr]) -> Result<Option<Typed>> {
        Ok(Some(match (name, exprs) {
            (
                "GETDATE" | "CURRENT_TIMESTAMP" | "GETUTCDATE" | "SYSDATETIME" | "SYSUTCDATETIME"
                | "SYSDATETIMEOFFSET",
                [],
            ) => self.now(name),
            ("DATEADD", [unit, number, date]) => {
                let part = self.part(unit, name)?;
                let number = self.expr(number)?;
                let number = self.cast(number, SqlType::BigInt);
                let date = self.date_argument(date, SqlType::DateTime)?;
                self.date_add(part, &number, &date)
            }
            ("DATEDIFF" | "DATEDIFF_BIG", [unit, from, to]) => {
                let part = self.part(unit, name)?;
                let (from, to) = (
                    self.date_argument(from, SqlType::DateTime2(7))?,
                    self.date_argument(to, SqlType::DateTime2(7))?,
                );
                let nullable = from.nullable || to.nullable;
                let big = name == "DATEDIFF_BIG";
                let sql = format!(
                    "dt_diff({}, {}, {}, {})",
                    part.code(),
                    self.utc(&from)?,
                    self.utc(&to)?,
                    u8::from(big)
                );
                Typed::new(
                    sql,
                    if big { SqlType::BigInt } else { SqlType::Int },
                    nullable,
                )
            }
            ("DATEPART" | "DATENAME", [unit, date]) => {
                let part = self.part(unit, name)?;
                let date = self.date_argument(date, SqlType::DateTime2(7))?;
                self.date_part(part, &date, name == "DATENAME")?
            }
            ("YEAR" | "MONTH" | "DAY", [date]) => {
                let part = Part::parse(name).unwrap_or(Part::Day);
                let date = self.date_argument(date, SqlType::DateTime2(7))?;
                self.date_part(part, &date, false)?
            }
            ("DATETRUNC", [unit, date]) => {
                let part = self.part(unit, name)?;
                let date = self.date_argument(date, SqlType::DateTime2(7))?;
                let local = self.local(&date)?;
                let sql = format!("dt_trunc({}, {local})", part.code());
                match date.sql_type {
                    SqlType::Date => Typed::new(
                        format!("({sql} / {})", storage::DAY),
                        date.sql_type,
                        date.nullable,
                    ),
                    SqlType::DateTime | SqlType::SmallDateTime | SqlType::DateTime2(_) => {
                        Typed::new(sql, date.sql_type, date.nullable)
                    }
                    other => {
                        return Err(unsupported(format_args!(
                            "DATETRUNC of {}",
                            types::base_name(other)
                        )));
                    }
                }
            }
            ("EOMONTH", [date, rest @ ..]) => {
                let date = self.date_argument(date, SqlType::DateTime2(7))?;
                let months = match rest.first() {
                    Some(e) => {
                        let value = self.expr(e)?;
                        self.cast(value, SqlType::Int).sql
                    }
                    None => "0".into(),
                };
                Typed::new(
                    format!("dt_eomonth({}, {months})", self.local(&date)?),
                    SqlType::Date,
                    true,
                )
            }
            ("ISDATE", [value]) => {
                let value = self.expr(value)?;
                let tried = self.cast_styled(value, SqlType::DateTime, None, true);
                Typed::new(format!("({} IS NOT NULL)", tried.sql), SqlType::Int, false)
            }
            ("DATEFROMPARTS", [_, _, _]) => {
                let list = self.integers(exprs)?;
                Typed::new(format!("dt_from_parts({list})"), SqlType::Date, true)
            }
            ("TIMEFROMPARTS", [_, _, _, _, precision]) => {
                let scale =
                    u8::try_from(self.constant_integer(precision, "a precision")?).unwrap_or(7);
                let list = self.integers(exprs)?;
                Typed::new(format!("dt_time_parts({list})"), SqlType::Time(scale), true)
            }
            (
                "DATETIMEFROMPARTS" | "SMALLDATETIMEFROMPARTS" | "DATETIME2FROMPARTS",
                [year, month, day, hour, minute, rest @ ..],
            ) if rest.len() <= 3 => {
                let date = self.integers(&[*year, *month, *day])?;
                let (sql_type, tail) = match (name, rest) {
                    ("SMALLDATETIMEFROMPARTS", []) => {
                        (SqlType::SmallDateTime, "0, 0, 7".to_owned())
                    }
                    ("DATETIMEFROMPARTS", [_, _]) => {
                        (SqlType::DateTime, format!("{}, 3", self.integers(rest)?))
                    }
                    ("DATETIME2FROMPARTS", [_, _, precision]) => {
                        let scale = u8::try_from(self.constant_integer(precision, "a precision")?)
                            .unwrap_or(7);
                        (SqlType::DateTime2(scale), self.integers(rest)?)
                    }
                    _ => return Err(super::aggregate::wrong_count(name)),
                };
                let time = self.integers(&[*hour, *minute])?;
                let sql = format!(
                    "(dt_from_parts({date}) * {} + dt_time_parts({time}, {tail}))",
                    storage::DAY
                );
                let exact = Typed::new(sql, SqlType::DateTime2(7), true);
                self.cast(exact, sql_type)
            }
            _ => return Ok(None),
        }))
    }

    /// The statement's one instant, in the type of each clock function.
    pub(super) fn now(&self, name: &str) -> Typed {
        let instant = self.context.now;
        let (days, time) = storage::days_and_time(instant);
        let value = match name {
            "SYSDATETIMEOFFSET" => {
                return Typed {
                    nullable: false,
                    ..Typed::constant(
                        Value::DateTimeOffset(days, time, 0),
                        SqlType::DateTimeOffset(7),
                    )
                };
            }
            _ => Value::DateTime(days, time),
        };
        let exact = Typed::constant(value, SqlType::DateTime2(7));
        let sql_type = if name.starts_with("SYS") {
            SqlType::DateTime2(7)
        } else {
            SqlType::DateTime
        };
        self.cast(exact, sql_type)
    }

    fn integers(&mut self, exprs: &[&Expr]) -> Result<String> {
        let list = exprs
            .iter()
            .map(|e| {
                let value = self.expr(e)?;
                Ok(self.cast(value, SqlType::Int).sql)
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(list.join(", "))
    }

    fn part(&self, e: &Expr, function: &str) -> Result<Part> {
        let name = match e {
            Expr::Identifier(ident) => ident.value.clone(),
            other => other.to_string(),
        };
        Part::parse(&name).ok_or_else(|| {
            error(
                155,
                format!(
                    "'{name}' is not a recognized {} option.",
                    function.to_lowercase()
                ),
            )
        })
    }

    /// A date argument; text and numbers become `otherwise`.
    fn date_argument(&mut self, e: &Expr, otherwise: SqlType) -> Result<Typed> {
        let value = self.expr(e)?;
        if types::is_temporal(value.sql_type) {
            return Ok(value);
        }
        if types::is_text(value.sql_type) {
            return Ok(self.cast(value, otherwise));
        }
        if types::is_number(value.sql_type) || value.is_null() {
            return Ok(self.cast(value, SqlType::DateTime));
        }
        Err(error(
            8116,
            format!(
                "Argument data type {} is invalid for argument of a date function.",
                types::base_name(value.sql_type)
            ),
        ))
    }

    fn date_add(&mut self, part: Part, number: &Typed, date: &Typed) -> Typed {
        let nullable = date.nullable || number.nullable;
        let (code, sql_type) = (types::code(date.sql_type), date.sql_type);
        let add =
            |instant: &str| format!("dt_add({}, {}, {instant}, {code})", part.code(), number.sql);
        let sql = match sql_type {
            SqlType::Date => format!(
                "({} / {})",
                add(&format!("({} * {})", date.sql, storage::DAY)),
                storage::DAY
            ),
            SqlType::DateTimeOffset(_) => {
                // Months are counted on the local calendar, the offset stays.
                let moved = add(&format!("dto_local({})", date.sql));
                format!(
                    "dto_make({moved} - (dto_local({0}) - dto_utc({0})), dto_offset({0}))",
                    date.sql
                )
            }
            _ => add(&date.sql),
        };
        Typed::new(sql, sql_type, nullable)
    }

    fn date_part(&mut self, part: Part, date: &Typed, named: bool) -> Result<Typed> {
        let time_only = matches!(date.sql_type, SqlType::Time(_));
        let clock = matches!(
            part,
            Part::Hour
                | Part::Minute
                | Part::Second
                | Part::Millisecond
                | Part::Microsecond
                | Part::Nanosecond
        );
        if (time_only && !clock) || (date.sql_type == SqlType::Date && clock) {
            return Err(error(
                9810,
                format!(
                    "The datepart is not supported by date function datepart for data type {}.",
                    types::base_name(date.sql_type)
                ),
            ));
        }
        let offset = match date.sql_type {
            SqlType::DateTimeOffset(_) => format!("dto_offset({})", date.sql),
            _ => "0".into(),
        };
        let function = if named { "dt_name" } else { "dt_part" };
        let sql = format!(
            "{function}({}, {}, {offset})",
            part.code(),
            self.local(date)?
        );
        Ok(Typed::new(
            sql,
            if named {
                types::text_type(true, Some(30))
            } else {
                SqlType::Int
            },
            date.nullable,
        ))
    }

    fn local(&mut self, date: &Typed) -> Result<String> {
        self.instant(date).ok_or_else(|| {
            unsupported(format_args!(
                "a date function over {}",
                types::base_name(date.sql_type)
            ))
        })
    }

    fn utc(&mut self, date: &Typed) -> Result<String> {
        match date.sql_type {
            SqlType::DateTimeOffset(_) => Ok(format!("dto_utc({})", date.sql)),
            _ => self.local(date),
        }
    }

    /// `x AT TIME ZONE 'UTC'`
    pub(super) fn at_time_zone(&mut self, value: &Typed, zone: &Typed) -> Result<Typed> {
        if !matches!(&zone.constant, Some(Value::Text(z)) if z.eq_ignore_ascii_case("utc")) {
            return Err(unsupported("AT TIME ZONE other than 'UTC'"));
        }
        let scale = match value.sql_type {
            SqlType::DateTime2(s) | SqlType::DateTimeOffset(s) => s,
            SqlType::DateTime => 3,
            SqlType::SmallDateTime => 0,
            other => {
                return Err(error(
                    8116,
                    format!(
                        "Argument data type {} is invalid for argument 1 of AT TIME ZONE function.",
                        types::base_name(other)
                    ),
                ));
            }
        };
        let utc = self.utc(value)?;
        Ok(Typed::new(
            format!("dto_make({utc}, 0)"),
            SqlType::DateTimeOffset(scale),
            value.nullable,
        ))
    }
}
