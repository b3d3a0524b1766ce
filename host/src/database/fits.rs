//! What the type that a parameter is declared with would cut or round: the server does
//! that without a word.

use tiberius::ColumnData;
use tiberius::numeric::Numeric;

/// Refuses what would not arrive whole in the type `declared`. Text is not looked into:
/// the server reads it, as it reads a literal.
pub(super) fn check(data: &ColumnData<'_>, declared: &str) -> Result<(), String> {
    let into = Declared::of(declared);
    match data {
        ColumnData::String(Some(text)) => into.text(text),
        ColumnData::Binary(Some(bytes)) => match into.base.as_str() {
            "binary" | "varbinary" => into.has_room(bytes.len(), "bytes"),
            _ => Ok(()),
        },
        ColumnData::I32(Some(number)) => into.integer(i64::from(*number)),
        ColumnData::I64(Some(number)) => into.integer(*number),
        ColumnData::F32(Some(number)) => into.float(&number.to_string()),
        ColumnData::F64(Some(number)) => into.float(&number.to_string()),
        ColumnData::Numeric(Some(number)) => into.decimal(*number),
        ColumnData::Date(Some(_)) => into.written(10),
        ColumnData::Time(Some(time)) => {
            into.written(16)?;
            into.time_of_day(time.increments())
        }
        ColumnData::DateTime2(Some(value)) => {
            into.written(27)?;
            into.date_and_time(value.time().increments())
        }
        ColumnData::DateTimeOffset(Some(value)) => {
            into.written(34)?;
            into.with_offset(value.datetime2().time().increments())
        }
        _ => Ok(()),
    }
}

/// `decimal(18, 4)`, taken apart.
struct Declared<'a> {
    text: &'a str,
    base: String,
    /// Whether anything stands in parentheses.
    sized: bool,
    first: Option<usize>,
    second: Option<usize>,
}

impl<'a> Declared<'a> {
    fn of(text: &'a str) -> Self {
        let (base, arguments) = text.split_once('(').unwrap_or((text, ""));
        let arguments = arguments.trim_end_matches(')');
        let mut numbers = arguments
            .split(',')
            .map(|number| number.trim().parse::<usize>().ok());
        Self {
            text,
            base: base.trim().to_ascii_lowercase(),
            sized: !arguments.is_empty(),
            first: numbers.next().flatten(),
            second: numbers.next().flatten(),
        }
    }

    fn is_text(&self) -> bool {
        matches!(
            self.base.as_str(),
            "char" | "varchar" | "nchar" | "nvarchar" | "sysname"
        )
    }

    fn has_room(&self, has: usize, what: &str) -> Result<(), String> {
        let room = match (self.base.as_str(), self.sized) {
            ("sysname", _) => Some(128),
            (_, true) => self.first,
            // T-SQL's own default.
            (_, false) => Some(1),
        };
        match room {
            Some(room) if has > room => Err(format!(
                "it has {has} {what} and {} would cut it; declare more, or max",
                self.text
            )),
            _ => Ok(()),
        }
    }

    fn text(&self, text: &str) -> Result<(), String> {
        match self.base.as_str() {
            "nchar" | "nvarchar" | "sysname" => {
                self.has_room(text.encode_utf16().count(), "UTF-16 code units")
            }
            // How many bytes a letter takes, the column's collation alone knows.
            "char" | "varchar" => self.has_room(text.chars().count(), "characters"),
            _ => Ok(()),
        }
    }

    /// What the server writes out as `length` characters where text is declared.
    fn written(&self, length: usize) -> Result<(), String> {
        match self.is_text() {
            true => self.has_room(length, "characters as text"),
            false => Ok(()),
        }
    }

    fn integer(&self, number: i64) -> Result<(), String> {
        match self.base.as_str() {
            "bit" => self.bit(matches!(number, 0 | 1)),
            "float" | "real" => {
                let exact = match self.base == "real" || self.first.is_some_and(|bits| bits <= 24) {
                    true => 1_u64 << 24,
                    false => 1 << 53,
                };
                // Above it every second one alone is there.
                match number.unsigned_abs() <= exact {
                    true => Ok(()),
                    false => Err(format!("{} would round it; declare bigint", self.text)),
                }
            }
            "binary" | "varbinary" => {
                self.has_room(if i32::try_from(number).is_ok() { 4 } else { 8 }, "bytes")
            }
            // Without the room for it there would be an asterisk.
            _ => self.written(number.to_string().len()),
        }
    }

    /// `number` is a float's shortest text, which is what somebody wrote: the server
    /// rounds to the very same where it has room for these decimals.
    fn float(&self, number: &str) -> Result<(), String> {
        let has = number
            .split_once('.')
            .map_or(0, |(_, fraction)| fraction.len());
        match self.base.as_str() {
            "bigint" | "int" | "smallint" | "tinyint" if has > 0 => Err(format!(
                "it has a fraction, and {} would cut it; declare float",
                self.text
            )),
            "bit" => self.bit(matches!(number, "0" | "-0" | "1")),
            _ if self.is_text() => {
                let digits: String = number.chars().filter(char::is_ascii_digit).collect();
                match digits.trim_matches('0').len() {
                    0..=FLOAT_AS_TEXT => Ok(()),
                    has => Err(format!(
                        "it has {has} digits, and as {} a float keeps {FLOAT_AS_TEXT}; pass it \
                         as text or as a decimal",
                        self.text
                    )),
                }
            }
            _ => self.decimals(has),
        }
    }

    fn decimal(&self, number: Numeric) -> Result<(), String> {
        let value = number.value();
        match self.base.as_str() {
            "bit" => self
                .bit(value == 0 || 10_i128.checked_pow(u32::from(number.scale())) == Some(value)),
            _ => self.decimals(decimals(number)),
        }
    }

    /// Whether there is room for `has` digits behind the point.
    fn decimals(&self, has: usize) -> Result<(), String> {
        let room = match self.base.as_str() {
            "decimal" | "numeric" => self.second.unwrap_or(0),
            "money" | "smallmoney" => 4,
            "bigint" | "int" | "smallint" | "tinyint" => 0,
            _ => return Ok(()),
        };
        match has > room {
            true => Err(format!(
                "it has {has} decimals and {} would round it; declare the scale that it has",
                self.text
            )),
            false => Ok(()),
        }
    }

    fn bit(&self, is_bit: bool) -> Result<(), String> {
        match is_bit {
            true => Ok(()),
            false => Err("a bit is 0 or 1, and any other number would become 1".to_owned()),
        }
    }

    /// `ticks` are of 100 ns, since midnight.
    fn date_and_time(&self, ticks: u64) -> Result<(), String> {
        match self.base.as_str() {
            "date" if ticks == 0 => Ok(()),
            "date" | "time" => Err(format!(
                "it is a date with a time of day, and {} would cut it; declare datetime2",
                self.text
            )),
            _ => self.time_of_day(ticks),
        }
    }

    fn with_offset(&self, ticks: u64) -> Result<(), String> {
        match self.base.as_str() {
            "date" | "time" | "datetime" | "smalldatetime" | "datetime2" => Err(format!(
                "it has an offset from UTC, and {} would lose that; declare datetimeoffset",
                self.text
            )),
            _ => self.time_of_day(ticks),
        }
    }

    /// Whether the type has this very time of day.
    fn time_of_day(&self, ticks: u64) -> Result<(), String> {
        let has = match self.base.as_str() {
            "smalldatetime" => ticks.is_multiple_of(TICKS_OF_A_MINUTE),
            // Of 1/300 s; their thousandths end so.
            "datetime" => {
                ticks.is_multiple_of(TICKS_OF_A_MILLISECOND)
                    && matches!(ticks / TICKS_OF_A_MILLISECOND % 10, 0 | 3 | 7)
            }
            "time" | "datetime2" | "datetimeoffset" => {
                let scale = self.first.and_then(|scale| u32::try_from(scale).ok());
                let left_out = 7_u32.saturating_sub(scale.unwrap_or(7));
                ticks.is_multiple_of(10_u64.pow(left_out))
            }
            _ => true,
        };
        match has {
            true => Ok(()),
            false => Err(format!(
                "{} would round its time of day; declare datetime2, datetimeoffset or time, \
                 with the digits that it has",
                self.text
            )),
        }
    }
}

/// Digits behind the point, without zeros at the end.
fn decimals(number: Numeric) -> usize {
    let (mut value, mut scale) = (number.value(), usize::from(number.scale()));
    while scale > 0 && value % 10 == 0 {
        value /= 10;
        scale -= 1;
    }
    scale
}

/// Digits of a float that the server makes text of.
const FLOAT_AS_TEXT: usize = 6;
const TICKS_OF_A_MILLISECOND: u64 = 10_000;
const TICKS_OF_A_MINUTE: u64 = 600_000_000;

#[cfg(test)]
mod tests {
    use super::super::error::Error;
    use super::super::params;
    use super::super::value::{Date, DateTime, DateTimeOffset, Param, Time, Value};

    fn one(value: Value, declared: &str) -> Result<(), Error> {
        let param = Param {
            name: "p".to_owned(),
            value,
            sql_type: Some(declared.to_owned()),
        };
        params::bind(vec![param]).map(drop)
    }

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    fn decimal(digits: &str) -> Value {
        Value::Decimal(digits.to_owned())
    }

    fn at(nanos: u64) -> DateTime {
        let date = Date {
            year: 2024,
            month: 1,
            day: 15,
        };
        DateTime {
            date,
            time: Time { nanos },
        }
    }

    fn datetime(nanos: u64) -> Value {
        Value::DateTime(at(nanos))
    }

    fn with_offset(nanos: u64) -> Value {
        Value::DateTimeOffset(DateTimeOffset {
            local: at(nanos),
            offset_minutes: 330,
        })
    }

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn what_the_declared_type_would_cut_or_round_is_refused() {
        let least = format!("0.{}1", "0".repeat(37));
        for (value, declared, reason) in [
            (text("😀😀😀"), "nchar(5)", "6 UTF-16 code units"),
            (text("abcdef"), "NVARCHAR (5)", "cut"),
            (text("ab"), "varchar", "2 characters"),
            (text(&"a".repeat(129)), "sysname", "129 UTF-16 code units"),
            (Value::Bytes(vec![0; 3]), "varbinary(2)", "3 bytes"),
            (decimal("1.005"), "decimal(9,2)", "round"),
            (decimal("1.5"), "numeric", "1 decimals"),
            (decimal("1.5"), "decimal(9)", "round"),
            (decimal("1.5"), "int", "round"),
            (decimal("1.00001"), "money", "round"),
            (decimal(&least), "decimal(38,37)", "38 decimals"),
            (decimal(&least), "varchar(5)", "cut"),
            (decimal("2"), "bit", "0 or 1"),
            (Value::Float(1.9), "int", "fraction"),
            (Value::Real(1.9), "int", "fraction"),
            (Value::Float(1.005), "decimal(9,2)", "3 decimals"),
            (Value::Float(1.000_05), "money", "5 decimals"),
            (Value::Real(0.125), "numeric(9,2)", "3 decimals"),
            (Value::Float(0.5), "bit", "0 or 1"),
            (Value::Float(1_234_567.0), "nvarchar(50)", "7 digits"),
            (Value::Int((1 << 24) + 1), "real", "round"),
            (Value::Int((1 << 24) + 1), "float(24)", "round"),
            (Value::Int(-(1 << 53) - 1), "float", "round"),
            (Value::Int(70_000), "varbinary(2)", "4 bytes"),
            (Value::Int(1 << 40), "binary(4)", "8 bytes"),
            (Value::Int(5), "bit", "0 or 1"),
            (Value::Int(1 << 40), "bit", "0 or 1"),
            (Value::Int(10), "varchar", "2 characters"),
            (datetime(15 * SECOND), "smalldatetime", "round"),
            (datetime(123_456_700), "datetime", "round"),
            (datetime(125_000_000), "datetime", "round"),
            (datetime(SECOND / 2), "datetime2(0)", "round"),
            (datetime(100), "datetime2(6)", "round"),
            (datetime(SECOND), "date", "time of day"),
            (datetime(0), "time", "time of day"),
            (datetime(0), "varchar(19)", "27 characters"),
            (Value::Time(at(SECOND / 10).time), "time(0)", "round"),
            (Value::Time(at(SECOND / 10).time), "smalldatetime", "round"),
            (with_offset(0), "datetime2", "offset"),
            (with_offset(0), "date", "offset"),
            (with_offset(SECOND / 2), "datetimeoffset(0)", "round"),
        ] {
            let said = format!("{value:?} as {declared}");
            let error = one(value, declared).expect_err(&said).to_string();
            assert!(error.contains(reason), "{said}: {error}");
        }
    }

    #[test]
    fn what_arrives_whole_passes() {
        for (value, declared) in [
            (text("ñandú"), "varchar(5)"),
            (text("😀😀"), "nvarchar(4)"),
            (text(&"a".repeat(9_000)), "nvarchar(max)"),
            (text(&"a".repeat(128)), "sysname"),
            (text("2024-01-01"), "date"),
            (text("1.005"), "decimal(9,2)"),
            (Value::Bytes(vec![0; 3]), "binary(8)"),
            (decimal("1.5000"), "decimal(9,1)"),
            (decimal("-120"), "decimal(9)"),
            (decimal("1.50"), "float"),
            (decimal("1.00"), "bit"),
            (
                decimal(&format!("0.{}1", "0".repeat(37))),
                "decimal(38, 38)",
            ),
            (Value::Null, "char(1)"),
            (Value::Float(2.0), "int"),
            (Value::Float(0.1), "decimal(9,2)"),
            (Value::Real(0.1), "money"),
            (Value::Float(1.0), "bit"),
            (Value::Float(1.5), "nvarchar(10)"),
            (Value::Float(1.005), "real"),
            (Value::Int(1), "bit"),
            (Value::Int(-10), "varchar(3)"),
            (Value::Int(7), "decimal(9,2)"),
            (Value::Int(1 << 24), "real"),
            (Value::Int(1 << 53), "float"),
            (Value::Int(1 << 40), "varbinary(8)"),
            (Value::Bit(true), "int"),
            (datetime(0), "date"),
            (datetime(60 * SECOND), "smalldatetime"),
            (datetime(123_000_000), "datetime"),
            (datetime(SECOND / 2), "datetime2(1)"),
            (datetime(123_456_700), "DateTime2"),
            (datetime(0), "varchar(27)"),
            (Value::Time(at(SECOND).time), "time(0)"),
            (Value::Date(at(0).date), "char(10)"),
            (with_offset(SECOND / 2), "datetimeoffset(3)"),
            (with_offset(100), "datetimeoffset"),
        ] {
            let said = format!("{value:?} as {declared}");
            assert_eq!(one(value, declared), Ok(()), "{said}");
        }
    }
}
