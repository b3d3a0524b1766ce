//! The functions that compiled statements call inside SQLite. None is reachable
//! by name from T-SQL; each takes types as the integers of [`types::code`].

mod aggregate;
mod clr;
mod date;
mod format;
mod json;
mod number;
mod text;

use rusqlite::Connection;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::{Value as Stored, ValueRef};

use super::convert::convert;
use super::error::{Result, error, into_sqlite};
use super::storage::{decode, encode};
use super::{collation, types};
use crate::value::{SqlType, Value};

pub(crate) use self::format::grouped;

/// Registers collations and functions on a connection.
pub(crate) fn register(connection: &Connection) -> rusqlite::Result<()> {
    collation::register(connection)?;
    scalar(connection, "conv", 4, cast)?;
    scalar(connection, "try_conv", 4, |a| cast(a).or(Ok(Stored::Null)))?;
    scalar(connection, "tohex", 1, |a| {
        Ok(match a.raw(0) {
            ValueRef::Blob(b) => Stored::Text(super::convert::hex(b)),
            _ => Stored::Null,
        })
    })?;
    scalar(connection, "recursion", 2, |a| {
        let level = a.int(0) + 1;
        if a.int(1) > 0 && level > a.int(1) {
            return Err(error(
                530,
                format!(
                    "The statement terminated. The maximum recursion {} has been exhausted before statement completion.",
                    a.int(1)
                ),
            ));
        }
        Ok(Stored::Integer(level))
    })?;
    // only_one(rows, value): a subquery as a value has one row
    scalar(connection, "only_one", 2, |a| {
        if a.int(0) > 1 {
            return Err(error(
                512,
                "Subquery returned more than 1 value. This is not permitted when the subquery follows =, !=, <, <= , >, >= or when the subquery is used as an expression.",
            ));
        }
        a.raw(1)
            .try_into()
            .map_err(|_| error(512, "A value is not text."))
    })?;
    // top_percent(rows, percent)
    scalar(connection, "top_percent", 2, |a| {
        let percent = a.real(1);
        if !(0.0..=100.0).contains(&percent) {
            return Err(error(1031, "Percent values must be between 0 and 100."));
        }
        Ok(Stored::Integer(
            (a.int(0) as f64 * percent / 100.0).ceil() as i64
        ))
    })?;
    // guid_v4(sixteen random bytes)
    scalar(connection, "guid_v4", 1, |a| {
        let bytes: [u8; 16] = a.blob(0).try_into().unwrap_or_default();
        Ok(encode(&Value::Guid(
            uuid::Builder::from_random_bytes(bytes)
                .into_uuid()
                .into_bytes(),
        )))
    })?;
    number::register(connection)?;
    text::register(connection)?;
    date::register(connection)?;
    format::register(connection)?;
    json::register(connection)?;
    clr::register(connection)?;
    aggregate::register(connection)
}

/// Arguments of a call.
struct Args<'a, 'b>(&'a Context<'b>);

impl<'a> Args<'a, '_> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn raw(&self, index: usize) -> ValueRef<'a> {
        if index < self.0.len() {
            self.0.get_raw(index)
        } else {
            ValueRef::Null
        }
    }

    fn null(&self, index: usize) -> bool {
        matches!(self.raw(index), ValueRef::Null)
    }

    fn int(&self, index: usize) -> i64 {
        match self.raw(index) {
            ValueRef::Integer(i) => i,
            ValueRef::Real(r) => r as i64,
            _ => 0,
        }
    }

    fn real(&self, index: usize) -> f64 {
        match self.raw(index) {
            ValueRef::Integer(i) => i as f64,
            ValueRef::Real(r) => r,
            _ => 0.0,
        }
    }

    fn text(&self, index: usize) -> &'a str {
        match self.raw(index) {
            ValueRef::Text(t) => std::str::from_utf8(t).unwrap_or_default(),
            _ => "",
        }
    }

    fn blob(&self, index: usize) -> &'a [u8] {
        match self.raw(index) {
            ValueRef::Blob(b) => b,
            _ => &[],
        }
    }

    fn sql_type(&self, index: usize) -> SqlType {
        types::from_code(self.int(index))
    }

    fn any_null(&self) -> bool {
        (0..self.len()).any(|i| self.null(i))
    }
}

/// A function whose result depends on its arguments alone.
fn scalar<F>(
    connection: &Connection,
    name: &str,
    arguments: i32,
    function: F,
) -> rusqlite::Result<()>
where
    F: Fn(&Args<'_, '_>) -> Result<Stored> + Send + 'static,
{
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function(name, arguments, flags, move |context| {
        function(&Args(context)).map_err(|e| into_sqlite(&e))
    })
}

/// One that answers NULL when any argument is NULL.
fn strict<F>(
    connection: &Connection,
    name: &str,
    arguments: i32,
    function: F,
) -> rusqlite::Result<()>
where
    F: Fn(&Args<'_, '_>) -> Result<Stored> + Send + 'static,
{
    scalar(connection, name, arguments, move |a| {
        if a.any_null() {
            Ok(Stored::Null)
        } else {
            function(a)
        }
    })
}

/// conv(value, from, to, style)
fn cast(a: &Args<'_, '_>) -> Result<Stored> {
    let (from, to) = (a.sql_type(1), a.sql_type(2));
    let style = if a.null(3) { None } else { Some(a.int(3)) };
    convert(decode(a.raw(0), from), from, to, style).map(|v| encode(&v))
}
