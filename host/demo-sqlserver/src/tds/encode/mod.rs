//! Values as ROW, NBCROW and RETURNVALUE carry them (MS-TDS §2.2.5.2 and
//! §2.2.5.5).

use super::date_time;
use super::packet::{PacketOut, PacketWriter};
use super::text;
use super::type_info::{self, Layout};
use crate::value::{Length, SqlType, Value};

/// A value that its column's type cannot hold.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Misfit;

/// Bytes of the value alone, without what [`Layout`] puts before it; 0 for
/// NULL.
///
/// # Errors
/// Where the type cannot hold the value.
pub(crate) fn length(sql_type: SqlType, value: &Value) -> Result<usize, Misfit> {
    let length = match (sql_type, value) {
        (_, Value::Null) => 0,
        (SqlType::Bit, Value::Bit(_)) => 1,
        (SqlType::TinyInt, Value::Int(value)) if u8::try_from(*value).is_ok() => 1,
        (SqlType::SmallInt, Value::Int(value)) if i16::try_from(*value).is_ok() => 2,
        (SqlType::Int, Value::Int(value)) if i32::try_from(*value).is_ok() => 4,
        (SqlType::BigInt, Value::Int(_)) => 8,
        (SqlType::Real, Value::Real(_)) => 4,
        (SqlType::Float, Value::Float(_)) => 8,
        (SqlType::Decimal { precision, .. }, Value::Decimal(value))
            if value.unsigned_abs() < 10_u128.pow(u32::from(precision.min(38))) =>
        {
            type_info::decimal_length(precision)
        }
        (SqlType::SmallMoney, Value::Money(value)) if i32::try_from(*value).is_ok() => 4,
        (SqlType::Money, Value::Money(_)) => 8,
        (SqlType::Char(limit), Value::Text(text)) => padded(text::length(text), limit, 1)?,
        (SqlType::NChar(limit), Value::Text(text)) => padded(utf16_length(text), limit, 2)?,
        (SqlType::Binary(limit), Value::Bytes(bytes)) => padded(bytes.len(), limit, 1)?,
        (SqlType::VarChar(length), Value::Text(text)) => {
            limited(text::length(text), length == Length::Max)?
        }
        (SqlType::NVarChar(length), Value::Text(text)) => {
            limited(utf16_length(text), length == Length::Max)?
        }
        (SqlType::VarBinary(length), Value::Bytes(bytes)) => {
            limited(bytes.len(), length == Length::Max)?
        }
        (SqlType::Text, Value::Text(text)) => text::length(text),
        (SqlType::NText | SqlType::Xml, Value::Text(text)) => utf16_length(text),
        (SqlType::RowVersion, Value::Bytes(bytes)) if bytes.len() == 8 => 8,
        (SqlType::Image | SqlType::Udt(_), Value::Bytes(bytes)) => bytes.len(),
        (SqlType::UniqueIdentifier, Value::Guid(_)) => 16,
        (SqlType::Date, Value::Date(days)) if *days <= date_time::LAST_DATE => 3,
        (SqlType::Time(scale), Value::Time(units)) if *units < date_time::DAY => {
            date_time::time_length(scale)
        }
        (SqlType::DateTime, Value::DateTime(days, units)) if in_calendar(*days, *units) => 8,
        (SqlType::SmallDateTime, Value::DateTime(days, units))
            if in_calendar(*days, *units) && date_time::small_datetime(*days, *units).is_some() =>
        {
            4
        }
        (SqlType::DateTime2(scale), Value::DateTime(days, units)) if in_calendar(*days, *units) => {
            date_time::time_length(scale) + 3
        }
        (SqlType::DateTimeOffset(scale), Value::DateTimeOffset(days, units, offset))
            if in_calendar(*days, *units) && (-840..=840).contains(offset) =>
        {
            date_time::time_length(scale) + 5
        }
        (SqlType::Variant, Value::Variant(inner)) => {
            let (base, value) = inner.as_ref();
            let properties = variant_properties(*base).ok_or(Misfit)?;
            if *value == Value::Null {
                return Err(Misfit);
            }
            2 + properties.length() + length(*base, value)?
        }
        _ => return Err(Misfit),
    };
    if u32::try_from(length).is_ok() {
        Ok(length)
    } else {
        Err(Misfit)
    }
}

/// Writes a value that [`length`] accepted, with its length before it.
pub(crate) fn put<O: PacketOut>(
    out: &mut PacketWriter<O>,
    sql_type: SqlType,
    value: &Value,
    length: usize,
) {
    let layout = Layout::of(sql_type);
    if *value == Value::Null {
        put_null(out, layout);
        return;
    }
    // Every `length` below fits: `length()` bounds it by type and by four bytes.
    let short = u16::try_from(length).unwrap_or(u16::MAX);
    let long = u32::try_from(length).unwrap_or(u32::MAX);
    match layout {
        Layout::ByteLength => out.u8(u8::try_from(length).unwrap_or(u8::MAX)),
        Layout::ShortLength => out.u16(short),
        Layout::Plp => {
            out.u64(u64::from(long));
            if long > 0 {
                out.u32(long);
                put_body(out, sql_type, value, length);
            }
            out.u32(0);
            return;
        }
        Layout::TextPointer => {
            out.u8(16);
            out.put(b"dummy textptr\0\0\0");
            out.put(b"dummyTS\0");
            out.u32(long);
        }
        Layout::Variant => out.u32(long),
    }
    put_body(out, sql_type, value, length);
}

fn put_null<O: PacketOut>(out: &mut PacketWriter<O>, layout: Layout) {
    match layout {
        Layout::ByteLength | Layout::TextPointer => out.u8(0),
        Layout::ShortLength => out.u16(u16::MAX),
        Layout::Plp => out.u64(u64::MAX),
        Layout::Variant => out.u32(0),
    }
}

fn put_body<O: PacketOut>(
    out: &mut PacketWriter<O>,
    sql_type: SqlType,
    value: &Value,
    length: usize,
) {
    match (sql_type, value) {
        (_, Value::Bit(value)) => out.u8(u8::from(*value)),
        (_, Value::Int(value)) => low_bytes(out, value.cast_unsigned().into(), length),
        (_, Value::Real(value)) => out.put(&value.to_le_bytes()),
        (_, Value::Float(value)) => out.put(&value.to_le_bytes()),
        (_, Value::Decimal(value)) => {
            out.u8(u8::from(*value >= 0));
            low_bytes(out, value.unsigned_abs(), length.saturating_sub(1));
        }
        (SqlType::SmallMoney, Value::Money(value)) => {
            low_bytes(out, value.cast_unsigned().into(), 4);
        }
        // The high half goes first.
        (_, Value::Money(value)) => out.u64(value.cast_unsigned().rotate_left(32)),
        (SqlType::Char(_) | SqlType::VarChar(_) | SqlType::Text, Value::Text(text)) => {
            text::put(out, text);
            pad(out, length.saturating_sub(text::length(text)), b" ");
        }
        (_, Value::Text(text)) => {
            out.utf16(text);
            if matches!(sql_type, SqlType::NChar(_)) {
                pad(out, length.saturating_sub(utf16_length(text)) / 2, b" \0");
            }
        }
        (_, Value::Bytes(bytes)) => {
            out.put(bytes);
            pad(out, length.saturating_sub(bytes.len()), b"\0");
        }
        (_, Value::Guid(guid)) => out.put(&mixed_endian(*guid)),
        (_, Value::Date(days)) => put_date(out, *days),
        (SqlType::Time(scale), Value::Time(units)) => {
            let (time, _) = date_time::scaled(*units, scale);
            low_bytes(out, time.into(), length);
        }
        (SqlType::DateTime, Value::DateTime(days, units)) => {
            let (days, ticks) = date_time::datetime(*days, *units);
            out.u32(days.cast_unsigned());
            out.u32(ticks);
        }
        (SqlType::SmallDateTime, Value::DateTime(days, units)) => {
            let (days, minutes) = date_time::small_datetime(*days, *units).unwrap_or_default();
            out.u16(days);
            out.u16(minutes);
        }
        (SqlType::DateTime2(scale), Value::DateTime(days, units)) => {
            put_date_time(out, *days, *units, scale);
        }
        (SqlType::DateTimeOffset(scale), Value::DateTimeOffset(days, units, offset)) => {
            put_date_time(out, *days, *units, scale);
            out.put(&offset.to_le_bytes());
        }
        (_, Value::Variant(inner)) => {
            let (base, value) = inner.as_ref();
            if let Some(properties) = variant_properties(*base) {
                properties.put(out);
                let length = length.saturating_sub(2 + properties.length());
                put_body(out, *base, value, length);
            }
        }
        // `length` accepts nothing else.
        (_, Value::Null | Value::Time(_) | Value::DateTime(..) | Value::DateTimeOffset(..)) => {}
    }
}

/// The base type of a sql_variant and what describes it (MS-TDS §2.2.5.5.4).
struct VariantProperties {
    token: u8,
    properties: [u8; 7],
    count: usize,
}

impl VariantProperties {
    fn new(token: u8, properties: &[u8]) -> Self {
        let mut all = [0; 7];
        for (to, from) in all.iter_mut().zip(properties) {
            *to = *from;
        }
        Self {
            token,
            properties: all,
            count: properties.len(),
        }
    }

    fn characters(token: u8, bytes: u16) -> Self {
        let [a, b, c, d, e] = text::COLLATION;
        let [low, high] = bytes.to_le_bytes();
        Self::new(token, &[a, b, c, d, e, low, high])
    }

    fn length(&self) -> usize {
        self.count
    }

    fn put<O: PacketOut>(&self, out: &mut PacketWriter<O>) {
        out.u8(self.token);
        out.u8(u8::try_from(self.count).unwrap_or_default());
        out.put(self.properties.get(..self.count).unwrap_or_default());
    }
}

fn variant_properties(base: SqlType) -> Option<VariantProperties> {
    let plain = |token| Some(VariantProperties::new(token, &[]));
    match base {
        SqlType::Bit => plain(type_info::BIT),
        SqlType::TinyInt => plain(type_info::INT1),
        SqlType::SmallInt => plain(type_info::INT2),
        SqlType::Int => plain(type_info::INT4),
        SqlType::BigInt => plain(type_info::INT8),
        SqlType::Real => plain(type_info::FLT4),
        SqlType::Float => plain(type_info::FLT8),
        SqlType::SmallMoney => plain(type_info::MONEY4),
        SqlType::Money => plain(type_info::MONEY),
        SqlType::DateTime => plain(type_info::DATETIME),
        SqlType::SmallDateTime => plain(type_info::DATETIME4),
        SqlType::UniqueIdentifier => plain(type_info::GUID),
        SqlType::Date => plain(type_info::DATEN),
        SqlType::Time(scale) => Some(VariantProperties::new(type_info::TIMEN, &[scale])),
        SqlType::DateTime2(scale) => Some(VariantProperties::new(type_info::DATETIME2N, &[scale])),
        SqlType::DateTimeOffset(scale) => {
            Some(VariantProperties::new(type_info::DATETIMEOFFSETN, &[scale]))
        }
        SqlType::Decimal { precision, scale } => Some(VariantProperties::new(
            type_info::DECIMALN,
            &[precision, scale],
        )),
        SqlType::Char(length) => Some(VariantProperties::characters(type_info::BIGCHAR, length)),
        SqlType::VarChar(Length::Limited(length)) => {
            Some(VariantProperties::characters(type_info::BIGVARCHAR, length))
        }
        SqlType::NChar(length) => Some(VariantProperties::characters(
            type_info::NCHAR,
            length.saturating_mul(2),
        )),
        SqlType::NVarChar(Length::Limited(length)) => Some(VariantProperties::characters(
            type_info::NVARCHAR,
            length.saturating_mul(2),
        )),
        SqlType::Binary(length) => Some(VariantProperties::new(
            type_info::BIGBINARY,
            &length.to_le_bytes(),
        )),
        SqlType::VarBinary(Length::Limited(length)) => Some(VariantProperties::new(
            type_info::BIGVARBINARY,
            &length.to_le_bytes(),
        )),
        _ => None,
    }
}

fn put_date<O: PacketOut>(out: &mut PacketWriter<O>, days: u32) {
    low_bytes(out, days.into(), 3);
}

fn put_date_time<O: PacketOut>(out: &mut PacketWriter<O>, days: u32, units: u64, scale: u8) {
    let (time, next_day) = date_time::scaled(units, scale);
    low_bytes(out, time.into(), date_time::time_length(scale));
    put_date(out, (days + u32::from(next_day)).min(date_time::LAST_DATE));
}

fn low_bytes<O: PacketOut>(out: &mut PacketWriter<O>, value: u128, count: usize) {
    let bytes = value.to_le_bytes();
    out.put(bytes.get(..count).unwrap_or(&bytes));
}

fn pad<O: PacketOut>(out: &mut PacketWriter<O>, count: usize, with: &[u8]) {
    for _ in 0..count {
        out.put(with);
    }
}

fn padded(length: usize, limit: u16, width: usize) -> Result<usize, Misfit> {
    let limit = usize::from(limit) * width;
    if length <= limit && limit <= 8_000 {
        Ok(limit)
    } else {
        Err(Misfit)
    }
}

fn limited(length: usize, max: bool) -> Result<usize, Misfit> {
    if max || length <= 8_000 {
        Ok(length)
    } else {
        Err(Misfit)
    }
}

fn utf16_length(text: &str) -> usize {
    if text.is_ascii() {
        text.len() * 2
    } else {
        text.encode_utf16().count() * 2
    }
}

fn in_calendar(days: u32, units: u64) -> bool {
    days <= date_time::LAST_DATE && units < date_time::DAY
}

/// The first three groups of a GUID travel little-endian. Its own inverse.
pub(crate) fn mixed_endian(guid: [u8; 16]) -> [u8; 16] {
    uuid::Uuid::from_bytes(guid).to_bytes_le()
}

#[cfg(test)]
mod tests;
