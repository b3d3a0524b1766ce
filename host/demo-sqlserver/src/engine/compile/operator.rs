//! Binary operators: by static type, exact or refused.

use sqlparser::ast::{BinaryOperator, Expr};

use super::{Compiler, Typed};
use crate::engine::error::{Result, clash, error, unsupported};
use crate::engine::{storage, types};
use crate::value::SqlType;

impl Compiler<'_> {
    pub(super) fn binary(
        &mut self,
        left: &Expr,
        op: &BinaryOperator,
        right: &Expr,
    ) -> Result<Typed> {
        let (a, b) = (self.expr(left)?, self.expr(right)?);
        match op {
            BinaryOperator::Plus => self.arithmetic('+', a, b),
            BinaryOperator::Minus => self.arithmetic('-', a, b),
            BinaryOperator::Multiply => self.arithmetic('*', a, b),
            BinaryOperator::Divide => self.arithmetic('/', a, b),
            BinaryOperator::Modulo => self.arithmetic('%', a, b),
            BinaryOperator::BitwiseAnd => self.bitwise("&", &a, &b),
            BinaryOperator::BitwiseOr => self.bitwise("|", &a, &b),
            BinaryOperator::BitwiseXor => {
                let both = self.bitwise("|", &a, &b)?;
                let common = self.bitwise("&", &a, &b)?;
                Ok(Typed::new(
                    format!("({} - {})", both.sql, common.sql),
                    both.sql_type,
                    both.nullable,
                ))
            }
            BinaryOperator::StringConcat => self.concatenate(&a, &b),
            other => Err(error(
                102,
                format!(
                    "Incorrect syntax near '{other}': a condition stands where a value is expected."
                ),
            )),
        }
    }

    /// `+ - * / %`
    pub(super) fn arithmetic(&mut self, op: char, mut a: Typed, mut b: Typed) -> Result<Typed> {
        // An untyped NULL takes the other side's type.
        if a.is_null() {
            a = self.cast(a, b.sql_type);
        } else if b.is_null() {
            b = self.cast(b, a.sql_type);
        }
        let (ta, tb) = (a.sql_type, b.sql_type);
        let nullable = a.nullable || b.nullable;
        if op == '+' && types::is_text(ta) && types::is_text(tb) {
            return self.concatenate(&a, &b);
        }
        if op == '+' && types::is_binary(ta) && types::is_binary(tb) {
            return Err(unsupported("concatenation of binary values"));
        }
        let old = |t| matches!(t, SqlType::DateTime | SqlType::SmallDateTime);
        if matches!(op, '+' | '-') && (old(ta) || old(tb)) {
            return self.shift(op, a, b);
        }
        if types::is_temporal(ta) || types::is_temporal(tb) {
            return Err(if types::is_number(ta) || types::is_number(tb) {
                clash(ta, tb)
            } else {
                error(
                    8117,
                    format!(
                        "Operand data type {} is invalid for {} operator.",
                        types::base_name(ta),
                        operator_name(op)
                    ),
                )
            });
        }
        // Text becomes the number that the other side is.
        if types::is_text(ta) && types::is_number(tb) {
            a = self.cast(a, tb);
        } else if types::is_text(tb) && types::is_number(ta) {
            b = self.cast(b, ta);
        } else if types::is_binary(ta) && types::is_integer(tb) {
            a = self.cast(a, tb);
        } else if types::is_binary(tb) && types::is_integer(ta) {
            b = self.cast(b, ta);
        }
        for side in [&a, &b] {
            if !types::is_number(side.sql_type)
                || (side.sql_type == SqlType::Bit && a.sql_type == b.sql_type)
            {
                return Err(error(
                    8117,
                    format!(
                        "Operand data type {} is invalid for {} operator.",
                        types::base_name(side.sql_type),
                        operator_name(op)
                    ),
                ));
            }
        }
        // A whole-number literal beside a decimal counts with its own digits.
        let (a, b) = (
            self.literal_decimal(a, b.sql_type),
            self.literal_decimal(b, ta),
        );
        let result = types::arithmetic(op, a.sql_type, b.sql_type)?;
        let sql = match result {
            SqlType::Decimal { .. } => {
                let ((p1, s1), (p2, s2)) = (
                    types::decimal_shape(a.sql_type),
                    types::decimal_shape(b.sql_type),
                );
                let a = self.cast(
                    a,
                    SqlType::Decimal {
                        precision: p1,
                        scale: s1,
                    },
                );
                let b = self.cast(
                    b,
                    SqlType::Decimal {
                        precision: p2,
                        scale: s2,
                    },
                );
                format!(
                    "dec_op('{op}', {}, {s1}, {}, {s2}, {})",
                    a.sql,
                    b.sql,
                    types::code(result)
                )
            }
            SqlType::Float | SqlType::Real => {
                if op == '%' {
                    return Err(error(
                        402,
                        "The data types float and float are incompatible in the modulo operator.",
                    ));
                }
                let (a, b) = (self.cast(a, SqlType::Float), self.cast(b, SqlType::Float));
                format!(
                    "float_op('{op}', {}, {}, {})",
                    a.sql,
                    b.sql,
                    types::code(result)
                )
            }
            _ => {
                let (a, b) = (self.cast(a, result), self.cast(b, result));
                format!(
                    "int_op('{op}', {}, {}, {})",
                    a.sql,
                    b.sql,
                    types::code(result)
                )
            }
        };
        Ok(Typed::new(sql, result, nullable))
    }

    fn literal_decimal(&self, value: Typed, other: SqlType) -> Typed {
        match (&value.constant, other) {
            (Some(crate::value::Value::Int(i)), SqlType::Decimal { .. })
                if types::is_integer(value.sql_type) =>
            {
                let digits = u8::try_from(i.unsigned_abs().to_string().len()).unwrap_or(19);
                self.cast(
                    value,
                    SqlType::Decimal {
                        precision: digits,
                        scale: 0,
                    },
                )
            }
            _ => value,
        }
    }

    /// datetime ± number or datetime: days since 1900.
    fn shift(&mut self, op: char, a: Typed, b: Typed) -> Result<Typed> {
        let result = if types::is_temporal(a.sql_type) {
            a.sql_type
        } else {
            b.sql_type
        };
        let other = if types::is_temporal(a.sql_type) {
            b.sql_type
        } else {
            a.sql_type
        };
        if types::is_temporal(other) && !matches!(other, SqlType::DateTime | SqlType::SmallDateTime)
        {
            return Err(error(
                402,
                format!(
                    "The data types {} and {} are incompatible in the {} operator.",
                    types::base_name(a.sql_type),
                    types::base_name(b.sql_type),
                    operator_name(op)
                ),
            ));
        }
        let nullable = a.nullable || b.nullable;
        let (a, b) = (
            self.cast(a, SqlType::DateTime),
            self.cast(b, SqlType::DateTime),
        );
        let base = crate::engine::datetime::BASE_1900;
        let sql = format!(
            "conv(({} {op} ({} - {base})), {}, {}, NULL)",
            a.sql,
            b.sql,
            types::code(SqlType::DateTime2(7)),
            types::code(result)
        );
        Ok(Typed::new(sql, result, nullable))
    }

    pub(super) fn concatenate(&mut self, a: &Typed, b: &Typed) -> Result<Typed> {
        let ((u1, n1), (u2, n2)) = (types::text_shape(a.sql_type), types::text_shape(b.sql_type));
        let unicode = u1 || u2;
        let length = n1.zip(n2).map(|(x, y)| u32::from(x) + u32::from(y));
        let limit = if unicode { 4000 } else { 8000 };
        let sql_type = types::text_type(unicode, length);
        let joined = format!("({} || {})", a.sql, b.sql);
        let sql = if length.is_some_and(|n| n > limit) {
            format!("t_difference_cut({joined}, {limit})")
        } else {
            joined
        };
        Ok(Typed {
            collation: a.collation.or(b.collation),
            ..Typed::new(sql, sql_type, a.nullable || b.nullable)
        })
    }

    fn bitwise(&mut self, op: &str, a: &Typed, b: &Typed) -> Result<Typed> {
        // One side may be binary: it is taken for a number of the other's type.
        let binary = |t: SqlType| matches!(t, SqlType::Binary(_) | SqlType::VarBinary(_));
        if binary(a.sql_type) && types::is_integer(b.sql_type) {
            let a = self.cast(a.clone(), b.sql_type);
            return self.bitwise(op, &a, b);
        }
        if binary(b.sql_type) && types::is_integer(a.sql_type) {
            let b = self.cast(b.clone(), a.sql_type);
            return self.bitwise(op, a, &b);
        }
        if !types::is_integer(a.sql_type) || !types::is_integer(b.sql_type) {
            return Err(error(
                402,
                format!(
                    "The data types {} and {} are incompatible in the '{op}' operator.",
                    types::base_name(a.sql_type),
                    types::base_name(b.sql_type)
                ),
            ));
        }
        let result = types::common(a.sql_type, b.sql_type)?;
        Ok(Typed::new(
            format!("({} {op} {})", a.sql, b.sql),
            result,
            a.nullable || b.nullable,
        ))
    }

    /// A comparison as a SQLite condition.
    pub(super) fn compare(&mut self, a: Typed, op: &str, b: Typed) -> Result<String> {
        let (a, b) = self.comparable(a, b)?;
        Ok(format!("({} {op} {})", a.key(), b.key()))
    }

    /// Both sides in one representation.
    pub(super) fn comparable(&mut self, mut a: Typed, mut b: Typed) -> Result<(Typed, Typed)> {
        if a.is_null() {
            a = self.cast(a, b.sql_type);
        } else if b.is_null() {
            b = self.cast(b, a.sql_type);
        }
        let mut common = types::common(a.sql_type, b.sql_type)?;
        match common {
            SqlType::Variant | SqlType::Udt(_) => {
                return Err(unsupported(format_args!(
                    "comparison of {}",
                    types::base_name(common)
                )));
            }
            SqlType::Xml | SqlType::Text | SqlType::NText | SqlType::Image => {
                return Err(error(
                    402,
                    format!(
                        "The data types {} and {} are incompatible in the equal to operator.",
                        types::base_name(a.sql_type),
                        types::base_name(b.sql_type)
                    ),
                ));
            }
            // Only the scale matters for comparing, and no digit may be lost.
            SqlType::Decimal { scale, .. } => {
                let scale = [&a, &b]
                    .iter()
                    .filter_map(|t| match &t.constant {
                        None if types::is_number(t.sql_type) => {
                            Some(types::decimal_shape(t.sql_type).1)
                        }
                        Some(_) if !types::is_text(t.sql_type) => {
                            Some(types::decimal_shape(t.sql_type).1)
                        }
                        _ => None,
                    })
                    .max()
                    .unwrap_or(scale);
                common = SqlType::Decimal {
                    precision: 38,
                    scale,
                };
            }
            _ => {}
        }
        if types::is_text(common) {
            if let (Some(x), Some(y)) = (a.collation, b.collation)
                && x != y
            {
                return Err(error(
                    468,
                    "Cannot resolve the collation conflict in the equal to operation.",
                ));
            }
            let collation = a.collation.or(b.collation);
            (a.collation, b.collation) = (collation, collation);
            return Ok((a, b));
        }
        if types::is_binary(common) && types::is_binary(a.sql_type) && types::is_binary(b.sql_type)
        {
            return Ok((a, b));
        }
        let number_literal = |t: &Typed| t.constant.is_some();
        // A small integer column against an int literal: SQLite compares as is.
        if types::is_integer(a.sql_type)
            && types::is_integer(b.sql_type)
            && (number_literal(&a) || number_literal(&b) || common != SqlType::Bit)
        {
            return Ok((a, b));
        }
        Ok((self.cast(a, common), self.cast(b, common)))
    }

    /// One day in ticks times a day number, for date values among instants.
    pub(super) fn instant(&mut self, value: &Typed) -> Option<String> {
        Some(match value.sql_type {
            SqlType::Date => format!("({} * {})", value.sql, storage::DAY),
            SqlType::Time(_) => format!("({} + {})", value.sql, crate::engine::datetime::BASE_1900),
            SqlType::DateTime | SqlType::SmallDateTime | SqlType::DateTime2(_) => value.sql.clone(),
            SqlType::DateTimeOffset(_) => format!("dto_local({})", value.sql),
            _ => return None,
        })
    }
}

fn operator_name(op: char) -> &'static str {
    match op {
        '+' => "add",
        '-' => "subtract",
        '*' => "multiply",
        '/' => "divide",
        _ => "modulo",
    }
}
