//! Aggregates that SQLite has not: exact decimal sums, and deviations.

use rusqlite::Connection;
use rusqlite::functions::{Aggregate, Context, FunctionFlags, WindowAggregate};
use rusqlite::types::{Value as Stored, ValueRef};

use crate::engine::error::{into_sqlite, overflow};
use crate::engine::storage::{decimal_key, decimal_of};
use crate::value::SqlType;

pub(super) fn register(c: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    c.create_window_function("dec_sum", 1, flags, DecimalSum)?;
    for (name, population, root) in [
        ("stdev", false, true),
        ("stdevp", true, true),
        ("var", false, false),
        ("varp", true, false),
    ] {
        c.create_window_function(name, 1, flags, Deviation { population, root })?;
    }
    Ok(())
}

struct DecimalSum;

#[derive(Default)]
struct Sum {
    total: i128,
    count: u64,
}

impl DecimalSum {
    fn step(context: &Context<'_>, sum: &mut Sum, remove: bool) -> rusqlite::Result<()> {
        if let ValueRef::Blob(key) = context.get_raw(0) {
            let value = decimal_of(key);
            let next = if remove {
                sum.total.checked_sub(value)
            } else {
                sum.total.checked_add(value)
            };
            let out = || {
                into_sqlite(&overflow(SqlType::Decimal {
                    precision: 38,
                    scale: 0,
                }))
            };
            sum.total = next
                .filter(|t| t.unsigned_abs() <= crate::engine::decimal::MAX.unsigned_abs())
                .ok_or_else(out)?;
            sum.count = if remove {
                sum.count.saturating_sub(1)
            } else {
                sum.count + 1
            };
        }
        Ok(())
    }

    fn answer(sum: Option<&Sum>) -> Stored {
        sum.filter(|s| s.count > 0).map_or(Stored::Null, |s| {
            Stored::Blob(decimal_key(s.total).to_vec())
        })
    }
}

impl Aggregate<Sum, Stored> for DecimalSum {
    fn init(&self, _: &mut Context<'_>) -> rusqlite::Result<Sum> {
        Ok(Sum::default())
    }

    fn step(&self, context: &mut Context<'_>, sum: &mut Sum) -> rusqlite::Result<()> {
        Self::step(context, sum, false)
    }

    fn finalize(&self, _: &mut Context<'_>, sum: Option<Sum>) -> rusqlite::Result<Stored> {
        Ok(Self::answer(sum.as_ref()))
    }
}

impl WindowAggregate<Sum, Stored> for DecimalSum {
    fn value(&self, sum: Option<&mut Sum>) -> rusqlite::Result<Stored> {
        Ok(Self::answer(sum.as_deref()))
    }

    fn inverse(&self, context: &mut Context<'_>, sum: &mut Sum) -> rusqlite::Result<()> {
        Self::step(context, sum, true)
    }
}

/// STDEV and its kin: the values are kept, so that two passes give the digits
/// that a running variance would lose.
struct Deviation {
    population: bool,
    root: bool,
}

impl Deviation {
    fn answer(&self, values: Option<&Vec<f64>>) -> Stored {
        let Some(values) = values.filter(|v| !v.is_empty()) else {
            return Stored::Null;
        };
        let count = values.len() as f64;
        let divisor = if self.population { count } else { count - 1.0 };
        if divisor <= 0.0 {
            return Stored::Null;
        }
        let mean = values.iter().sum::<f64>() / count;
        let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / divisor;
        Stored::Real(if self.root { variance.sqrt() } else { variance })
    }
}

impl Aggregate<Vec<f64>, Stored> for Deviation {
    fn init(&self, _: &mut Context<'_>) -> rusqlite::Result<Vec<f64>> {
        Ok(Vec::new())
    }

    fn step(&self, context: &mut Context<'_>, values: &mut Vec<f64>) -> rusqlite::Result<()> {
        values.extend(number(context));
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, values: Option<Vec<f64>>) -> rusqlite::Result<Stored> {
        Ok(self.answer(values.as_ref()))
    }
}

impl WindowAggregate<Vec<f64>, Stored> for Deviation {
    fn value(&self, values: Option<&mut Vec<f64>>) -> rusqlite::Result<Stored> {
        Ok(self.answer(values.as_deref()))
    }

    fn inverse(&self, context: &mut Context<'_>, values: &mut Vec<f64>) -> rusqlite::Result<()> {
        if let Some(gone) = number(context)
            && let Some(at) = values.iter().position(|v| v.to_bits() == gone.to_bits())
        {
            values.remove(at);
        }
        Ok(())
    }
}

fn number(context: &Context<'_>) -> Option<f64> {
    match context.get_raw(0) {
        ValueRef::Real(r) => Some(r),
        ValueRef::Integer(i) => Some(i as f64),
        _ => None,
    }
}
