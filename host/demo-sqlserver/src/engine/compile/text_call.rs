//! String functions.

use super::{Compiler, Typed};
use crate::engine::error::{Result, error};
use crate::engine::{collation, types};
use crate::value::{Length, SqlType, Value};

impl Compiler<'_> {
    /// A string function, or None where the name is another's.
    pub(super) fn text_call(&mut self, name: &str, values: &[Typed]) -> Result<Option<Typed>> {
        let max = SqlType::NVarChar(Length::Max);
        Ok(Some(match (name, values) {
            ("LEN", [v]) => {
                let v = self.as_text(v.clone(), max)?;
                Typed::new(format!("t_len({})", v.sql), SqlType::Int, v.nullable)
            }
            ("DATALENGTH", [v]) => {
                let sql = match v.sql_type {
                    t if types::is_text(t) && types::text_shape(t).0 => {
                        format!("(length({}) * 2)", v.sql)
                    }
                    t if types::is_text(t) || types::is_binary(t) => format!("length({})", v.sql),
                    t => format!(
                        "(CASE WHEN {} IS NULL THEN NULL ELSE {} END)",
                        v.sql,
                        width(t)?
                    ),
                };
                Typed::new(sql, SqlType::Int, v.nullable)
            }
            ("LEFT" | "RIGHT", [v, n]) => {
                let v = self.as_text(v.clone(), max)?;
                let n = self.cast(n.clone(), SqlType::Int);
                let length = match n.constant {
                    Some(Value::Int(i)) if i > 0 => u32::try_from(i).ok(),
                    _ => None,
                };
                let (unicode, own) = types::text_shape(v.sql_type);
                let shorter = own.map(|o| length.map_or(u32::from(o), |l| l.min(o.into())));
                Typed::new(
                    format!("t_{}({}, {})", name.to_lowercase(), v.sql, n.sql),
                    types::text_type(unicode, shorter.or(length)),
                    v.nullable || n.nullable,
                )
            }
            ("SUBSTRING", [v, from, length]) => {
                self.substring([v.clone(), from.clone(), length.clone()])?
            }
            ("UPPER" | "LOWER", [v]) => {
                let v = self.as_text(v.clone(), max)?;
                Typed {
                    collation: v.collation,
                    ..Typed::new(
                        format!("t_{}({})", name.to_lowercase(), v.sql),
                        v.sql_type,
                        v.nullable,
                    )
                }
            }
            ("LTRIM", [v, rest @ ..]) => {
                self.trim(v.clone(), rest.first().cloned(), Some("LEADING"))?
            }
            ("RTRIM", [v, rest @ ..]) => {
                self.trim(v.clone(), rest.first().cloned(), Some("TRAILING"))?
            }
            ("TRIM", [v]) => self.trim(v.clone(), None, None)?,
            ("CHARINDEX", [needle, text, rest @ ..]) => {
                let (needle, text) = (
                    self.as_text(needle.clone(), max)?,
                    self.as_text(text.clone(), max)?,
                );
                let start = match rest.first() {
                    Some(s) => self.cast(s.clone(), SqlType::BigInt).sql,
                    None => "1".into(),
                };
                let by = needle
                    .collation
                    .or(text.collation)
                    .unwrap_or(collation::DEFAULT);
                let sql_type = if types::text_shape(text.sql_type).1.is_none() {
                    SqlType::BigInt
                } else {
                    SqlType::Int
                };
                Typed::new(
                    format!("t_find({}, {}, {start}, '{by}')", needle.sql, text.sql),
                    sql_type,
                    needle.nullable || text.nullable,
                )
            }
            ("PATINDEX", [pattern, text]) => {
                let (pattern, text) = (
                    self.as_text(pattern.clone(), max)?,
                    self.as_text(text.clone(), max)?,
                );
                let by = text.collation.unwrap_or(collation::DEFAULT);
                let sql_type = if types::text_shape(text.sql_type).1.is_none() {
                    SqlType::BigInt
                } else {
                    SqlType::Int
                };
                Typed::new(
                    format!("t_patindex({}, {}, '{by}')", pattern.sql, text.sql),
                    sql_type,
                    true,
                )
            }
            ("REPLACE", [text, from, to]) => {
                let [text, from, to] = [text, from, to].map(|v| self.as_text(v.clone(), max));
                let (text, from, to) = (text?, from?, to?);
                let unicode = [&text, &from, &to]
                    .iter()
                    .any(|t| types::text_shape(t.sql_type).0);
                let limited = types::text_shape(text.sql_type).1.map(|_| 8000);
                let by = text.collation.unwrap_or(collation::DEFAULT);
                let sql = format!("t_replace({}, {}, {}, '{by}')", text.sql, from.sql, to.sql);
                Typed::new(
                    sql,
                    types::text_type(unicode, limited),
                    text.nullable || from.nullable || to.nullable,
                )
            }
            ("REPLICATE", [v, n]) => {
                let v = self.as_text(v.clone(), max)?;
                let n = self.cast(n.clone(), SqlType::Int);
                let (unicode, length) = types::text_shape(v.sql_type);
                let limit = length.map(|_| if unicode { 4000 } else { 8000 });
                Typed::new(
                    format!(
                        "t_repeat({}, {}, {})",
                        v.sql,
                        n.sql,
                        limit.unwrap_or(u32::MAX)
                    ),
                    types::text_type(unicode, limit),
                    true,
                )
            }
            ("SPACE", [n]) => {
                let n = self.cast(n.clone(), SqlType::Int);
                Typed::new(
                    format!("t_repeat(' ', {}, 8000)", n.sql),
                    types::text_type(false, Some(8000)),
                    true,
                )
            }
            ("REVERSE", [v]) => {
                let v = self.as_text(v.clone(), max)?;
                Typed::new(format!("t_reverse({})", v.sql), v.sql_type, v.nullable)
            }
            ("STUFF", [text, start, length, insert]) => {
                let (text, insert) = (
                    self.as_text(text.clone(), max)?,
                    self.as_text(insert.clone(), max)?,
                );
                let (start, length) = (
                    self.cast(start.clone(), SqlType::Int),
                    self.cast(length.clone(), SqlType::Int),
                );
                let (u, n) = types::text_shape(text.sql_type);
                let unicode = u || types::text_shape(insert.sql_type).0;
                Typed::new(
                    format!(
                        "t_stuff({}, {}, {}, {})",
                        text.sql, start.sql, length.sql, insert.sql
                    ),
                    types::text_type(unicode, n.map(|_| 8000)),
                    true,
                )
            }
            ("TRANSLATE", [text, from, to]) => {
                let text = self.as_text(text.clone(), max)?;
                Typed::new(
                    format!("t_translate({}, {}, {})", text.sql, from.sql, to.sql),
                    text.sql_type,
                    true,
                )
            }
            ("CONCAT", [_, _, ..]) => self.concat(values, None)?,
            ("CONCAT_WS", [separator, rest @ ..]) if rest.len() >= 2 => {
                self.concat(rest, Some(separator))?
            }
            ("ASCII" | "UNICODE", [v]) => {
                let v = self.as_text(v.clone(), max)?;
                Typed::new(format!("t_ascii({})", v.sql), SqlType::Int, true)
            }
            ("CHAR" | "NCHAR", [v]) => {
                let n = self.cast(v.clone(), SqlType::Int);
                let (sql_type, limit) = if name == "CHAR" {
                    (SqlType::Char(1), 127)
                } else {
                    (SqlType::NChar(1), 65_535)
                };
                if name == "CHAR" && !matches!(n.constant, Some(Value::Int(i)) if i <= limit) {
                    return Err(crate::engine::error::unsupported(
                        "CHAR beyond constants of ASCII; use NCHAR",
                    ));
                }
                Typed::new(format!("t_char({})", n.sql), sql_type, true)
            }
            ("STR", [v, rest @ ..]) => {
                let length = rest
                    .first()
                    .map_or(Some(10), constant)
                    .ok_or_else(|| error(102, "STR takes constants"))?;
                let places = rest
                    .get(1)
                    .map_or(Some(0), constant)
                    .ok_or_else(|| error(102, "STR takes constants"))?;
                let v = self.cast(v.clone(), SqlType::Float);
                let text = format!("printf('%{length}.{places}f', {})", v.sql);
                Typed::new(
                    format!(
                        "(CASE WHEN {} IS NULL THEN NULL WHEN length({text}) > {length} THEN t_repeat('*', {length}, {length}) ELSE {text} END)",
                        v.sql
                    ),
                    types::text_type(false, u32::try_from(length).ok()),
                    v.nullable,
                )
            }
            ("QUOTENAME", [v, rest @ ..]) => {
                let quote = rest.first().map_or("'['", |q| q.sql.as_str());
                let v = self.as_text(v.clone(), max)?;
                Typed::new(
                    format!("t_quotename({}, {quote})", v.sql),
                    types::text_type(true, Some(258)),
                    true,
                )
            }
            ("FORMAT", [v, pattern, rest @ ..]) => {
                if let Some(culture) = rest.first()
                    && !matches!(&culture.constant, Some(Value::Text(c)) if c.eq_ignore_ascii_case("en-us"))
                {
                    return Err(crate::engine::error::unsupported(
                        "FORMAT in another culture than en-US",
                    ));
                }
                Typed::new(
                    format!(
                        "t_format({}, {}, {})",
                        v.sql,
                        types::code(v.sql_type),
                        pattern.sql
                    ),
                    types::text_type(true, Some(4000)),
                    true,
                )
            }
            _ => return Ok(None),
        }))
    }

    pub(super) fn substring(&mut self, [value, from, length]: [Typed; 3]) -> Result<Typed> {
        if types::is_binary(value.sql_type) {
            return Err(crate::engine::error::unsupported(
                "SUBSTRING of binary data",
            ));
        }
        let value = self.as_text(value, SqlType::NVarChar(Length::Max))?;
        let (from, length) = (
            self.cast(from, SqlType::BigInt),
            self.cast(length, SqlType::BigInt),
        );
        let (unicode, own) = types::text_shape(value.sql_type);
        let bound = match length.constant {
            Some(Value::Int(i)) if i > 0 => u32::try_from(i).ok(),
            _ => None,
        };
        let shorter = own.map(|o| bound.map_or(u32::from(o), |l| l.min(o.into())));
        let nullable = value.nullable || from.nullable || length.nullable;
        Ok(Typed::new(
            format!("t_substring({}, {}, {})", value.sql, from.sql, length.sql),
            types::text_type(unicode, shorter.or(bound)),
            nullable,
        ))
    }

    pub(super) fn trim(
        &mut self,
        value: Typed,
        what: Option<Typed>,
        side: Option<&str>,
    ) -> Result<Typed> {
        let value = self.as_text(value, SqlType::NVarChar(Length::Max))?;
        let side = match side.map(str::to_ascii_uppercase).as_deref() {
            Some("LEADING") => 1,
            Some("TRAILING") => 2,
            _ => 0,
        };
        let set = what.map_or("' '".to_owned(), |w| w.sql);
        let (unicode, length) = types::text_shape(value.sql_type);
        let sql_type = types::text_type(unicode, length.map(u32::from));
        Ok(Typed {
            collation: value.collation,
            ..Typed::new(
                format!("t_trim({}, {set}, {side})", value.sql),
                sql_type,
                value.nullable,
            )
        })
    }

    /// CONCAT takes NULL as empty; CONCAT_WS leaves it out.
    fn concat(&mut self, values: &[Typed], separator: Option<&Typed>) -> Result<Typed> {
        let mut unicode = separator.is_some_and(|s| types::text_shape(s.sql_type).0);
        let mut length = Some(0_u32);
        let mut list = Vec::with_capacity(values.len());
        for value in values {
            let text = self.as_text(value.clone(), SqlType::VarChar(Length::Max))?;
            let (u, n) = types::text_shape(text.sql_type);
            unicode |= u;
            length = length.zip(n).map(|(a, b)| a + u32::from(b));
            list.push(text.sql);
        }
        if let Some(separator) = separator {
            let (_, n) = types::text_shape(separator.sql_type);
            let gaps = u32::try_from(values.len().saturating_sub(1)).unwrap_or(0);
            length = length.zip(n).map(|(a, b)| a + gaps * u32::from(b));
            return Ok(Typed::new(
                format!(
                    "concat_ws(COALESCE({}, ''), {})",
                    separator.sql,
                    list.join(", ")
                ),
                types::text_type(unicode, length),
                false,
            ));
        }
        Ok(Typed::new(
            format!("concat({})", list.join(", ")),
            types::text_type(unicode, length),
            false,
        ))
    }
}

fn constant(value: &Typed) -> Option<i64> {
    match value.constant {
        Some(Value::Int(i)) => Some(i),
        _ => None,
    }
}

/// Bytes of a fixed-length value.
fn width(sql_type: SqlType) -> Result<u8> {
    Ok(match sql_type {
        SqlType::Bit | SqlType::TinyInt => 1,
        SqlType::SmallInt => 2,
        SqlType::Int | SqlType::Real | SqlType::SmallMoney | SqlType::SmallDateTime => 4,
        SqlType::BigInt | SqlType::Float | SqlType::Money | SqlType::DateTime => 8,
        SqlType::UniqueIdentifier => 16,
        SqlType::Date => 3,
        _ => return Err(crate::engine::error::unsupported("DATALENGTH of this type")),
    })
}
