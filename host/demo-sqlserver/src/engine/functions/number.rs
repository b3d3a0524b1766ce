//! Arithmetic with SQL Server's overflow, division and rounding.

use rusqlite::Connection;
use rusqlite::types::Value as Stored;

use super::{Args, strict};
use crate::engine::error::{Result, divide_by_zero, error, overflow};
use crate::engine::storage::{decimal_key, decimal_of};
use crate::engine::{decimal, types};
use crate::value::SqlType;

pub(super) fn register(c: &Connection) -> rusqlite::Result<()> {
    strict(c, "fits", 2, |a| {
        fits(a.int(0), a.sql_type(1)).map(Stored::Integer)
    })?;
    strict(c, "int_op", 4, |a| {
        int_op(a.text(0), a.int(1), a.int(2), a.sql_type(3)).map(Stored::Integer)
    })?;
    strict(c, "float_op", 4, |a| {
        float_op(a.text(0), a.real(1), a.real(2), a.sql_type(3)).map(Stored::Real)
    })?;
    strict(c, "dec_op", 6, |a| decimal_op(a).map(blob))?;
    strict(c, "dec_neg", 1, |a| Ok(blob(-decimal_of(a.blob(0)))))?;
    strict(c, "dec_sign", 1, |a| {
        Ok(Stored::Integer(decimal_of(a.blob(0)).signum() as i64))
    })?;
    // dec_round(value, scale, places, truncate)
    strict(c, "dec_round", 4, |a| {
        let (_, scale) = types::decimal_shape(a.sql_type(1));
        round(decimal_of(a.blob(0)), scale, a.int(2), a.int(3) != 0)
            .and_then(|d| {
                let (precision, scale) = types::decimal_shape(a.sql_type(1));
                decimal::fit(d, precision, scale)
            })
            .map(blob)
    })?;
    strict(c, "int_round", 4, |a| {
        let (sql_type, scale) = (
            a.sql_type(1),
            if types::is_money(a.sql_type(1)) { 4 } else { 0 },
        );
        let rounded = round(a.int(0).into(), scale, a.int(2), a.int(3) != 0)?;
        fits(
            i64::try_from(rounded).map_err(|_| overflow(sql_type))?,
            sql_type,
        )
        .map(Stored::Integer)
    })?;
    strict(c, "float_round", 3, |a| {
        Ok(Stored::Real(float_round(
            a.real(0),
            a.int(1),
            a.int(2) != 0,
        )))
    })?;
    // dec_step(value, scale, up): FLOOR and CEILING, whole digits
    strict(c, "dec_step", 3, |a| {
        let unit = decimal::pow10(u32::try_from(a.int(1)).unwrap_or(0));
        let value = decimal_of(a.blob(0));
        Ok(blob(if a.int(2) != 0 {
            -(-value).div_euclid(unit)
        } else {
            value.div_euclid(unit)
        }))
    })?;
    strict(c, "math", 2, |a| {
        math(a.text(0), a.real(1), 0.0).map(Stored::Real)
    })?;
    strict(c, "math2", 3, |a| {
        math(a.text(0), a.real(1), a.real(2)).map(Stored::Real)
    })
}

fn blob(value: i128) -> Stored {
    Stored::Blob(decimal_key(value).to_vec())
}

fn fits(value: i64, sql_type: SqlType) -> Result<i64> {
    let ok = match sql_type {
        SqlType::Bit => return Ok(i64::from(value != 0)),
        SqlType::TinyInt => u8::try_from(value).is_ok(),
        SqlType::SmallInt => i16::try_from(value).is_ok(),
        SqlType::Int | SqlType::SmallMoney => i32::try_from(value).is_ok(),
        _ => true,
    };
    if ok {
        Ok(value)
    } else {
        Err(overflow(sql_type))
    }
}

/// Integers, and money as ten-thousandths.
fn int_op(op: &str, a: i64, b: i64, sql_type: SqlType) -> Result<i64> {
    let money = types::is_money(sql_type);
    if b == 0 && matches!(op, "/" | "%") {
        return Err(divide_by_zero());
    }
    let result = match op {
        "+" => a.checked_add(b),
        "-" => a.checked_sub(b),
        "*" if money => {
            i64::try_from(decimal::round_div(i128::from(a) * i128::from(b), 10_000)).ok()
        }
        "*" => a.checked_mul(b),
        "/" if money => i64::try_from(i128::from(a) * 10_000 / i128::from(b)).ok(),
        "/" => a.checked_div(b),
        "%" => Some(a.wrapping_rem(b)),
        _ => None,
    };
    fits(result.ok_or_else(|| overflow(sql_type))?, sql_type)
}

fn float_op(op: &str, a: f64, b: f64, sql_type: SqlType) -> Result<f64> {
    let result = match op {
        "/" if b == 0.0 => return Err(divide_by_zero()),
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        _ => a / b,
    };
    let result = if sql_type == SqlType::Real {
        f64::from(result as f32)
    } else {
        result
    };
    if result.is_finite() {
        Ok(result)
    } else {
        Err(overflow(sql_type))
    }
}

/// dec_op(op, a, scale of a, b, scale of b, result type)
fn decimal_op(args: &Args<'_, '_>) -> Result<i128> {
    let scale = |i| u8::try_from(args.int(i)).unwrap_or(0);
    let (a, sa, b, sb) = (
        decimal_of(args.blob(1)),
        scale(2),
        decimal_of(args.blob(3)),
        scale(4),
    );
    let (precision, to) = types::decimal_shape(args.sql_type(5));
    let common = sa.max(sb);
    match args.text(0) {
        "*" => decimal::multiply(a, sa, b, sb, precision, to),
        "/" => decimal::divide(a, sa, b, sb, precision, to),
        op => {
            let (a, b) = (
                decimal::rescale(a, sa, common)?,
                decimal::rescale(b, sb, common)?,
            );
            let result = match op {
                "+" => a.checked_add(b),
                "-" => a.checked_sub(b),
                _ if b == 0 => return Err(divide_by_zero()),
                _ => a.checked_rem(b),
            };
            let result = result.ok_or_else(|| overflow(args.sql_type(5)))?;
            decimal::fit(decimal::rescale(result, common, to)?, precision, to)
        }
    }
}

/// ROUND(value, places[, truncate]) on digits at a scale, which stays.
fn round(value: i128, scale: u8, places: i64, truncate: bool) -> Result<i128> {
    let drop = i64::from(scale) - places;
    if drop <= 0 {
        return Ok(value);
    }
    let Some(unit) = u32::try_from(drop)
        .ok()
        .filter(|d| *d <= 38)
        .map(decimal::pow10)
    else {
        return Ok(0);
    };
    let whole = if truncate {
        value / unit
    } else {
        decimal::round_div(value, unit)
    };
    whole.checked_mul(unit).ok_or_else(|| {
        overflow(SqlType::Decimal {
            precision: 38,
            scale,
        })
    })
}

fn float_round(value: f64, places: i64, truncate: bool) -> f64 {
    let Ok(places) = i32::try_from(places) else {
        return value;
    };
    let unit = 10_f64.powi(places.clamp(-300, 300));
    let scaled = value * unit;
    if !scaled.is_finite() {
        return value;
    }
    (if truncate {
        scaled.trunc()
    } else {
        scaled.round()
    }) / unit
}

fn math(name: &str, a: f64, b: f64) -> Result<f64> {
    let domain = || error(3623, "An invalid floating point operation occurred.");
    let result = match name {
        "sqrt" if a < 0.0 => return Err(domain()),
        "log" | "log10" if a <= 0.0 => return Err(domain()),
        "asin" | "acos" if a.abs() > 1.0 => return Err(domain()),
        "sqrt" => a.sqrt(),
        "square" => a * a,
        "exp" => a.exp(),
        "log" if b != 0.0 => a.ln() / b.ln(),
        "log" => a.ln(),
        "log10" => a.log10(),
        "power" if a == 0.0 && b < 0.0 => return Err(divide_by_zero()),
        "power" => a.powf(b),
        "sin" => a.sin(),
        "cos" => a.cos(),
        "tan" => a.tan(),
        "cot" => 1.0 / a.tan(),
        "asin" => a.asin(),
        "acos" => a.acos(),
        "atan" => a.atan(),
        "atn2" => a.atan2(b),
        "degrees" => a.to_degrees(),
        "radians" => a.to_radians(),
        "floor" => a.floor(),
        "ceiling" => a.ceil(),
        _ => a,
    };
    if result.is_nan() {
        return Err(domain());
    }
    if result.is_finite() {
        Ok(result)
    } else {
        Err(overflow(SqlType::Float))
    }
}
