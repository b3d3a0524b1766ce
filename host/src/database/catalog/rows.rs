//! Cells of catalogue rows, whichever width the server gives a number.

use tiberius::ColumnData;

use crate::database::convert::{self, Kind};
use crate::database::value::Value;

/// The cells of one row, taken in order; a missing cell reads as NULL.
pub(in crate::database) struct Cells(std::vec::IntoIter<ColumnData<'static>>);

impl Cells {
    pub(in crate::database) fn new(row: Vec<ColumnData<'static>>) -> Self {
        Self(row.into_iter())
    }

    pub(in crate::database) fn text(&mut self) -> Option<String> {
        match self.next()? {
            // Catalogue codes such as `U ` are char(2).
            Value::Text(text) => Some(text.trim_end().to_owned()),
            Value::Int(number) => Some(number.to_string()),
            _ => None,
        }
    }

    pub(in crate::database) fn number(&mut self) -> Option<i64> {
        match self.next()? {
            Value::Int(number) => Some(number),
            Value::Bit(bit) => Some(bit.into()),
            Value::Decimal(digits) => digits.split('.').next()?.parse().ok(),
            _ => None,
        }
    }

    pub(in crate::database) fn bit(&mut self) -> bool {
        self.number().is_some_and(|number| number != 0)
    }

    fn next(&mut self) -> Option<Value> {
        Some(convert::value(Kind::FixedChar, "", self.0.next()?))
    }
}
