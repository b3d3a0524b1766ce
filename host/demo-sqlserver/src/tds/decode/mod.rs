//! Typed values as clients send them in RPC requests (MS-TDS §2.2.5).

use std::borrow::Cow;

use super::ProtocolError;
use super::date_time::{self, LAST_DATE};
use super::encode::mixed_endian;
use super::reader::{Reader, utf16};
use super::text::{self, COLLATION};
use super::type_info as token;
use crate::value::{Length, SqlType, Udt, Value};

/// Reads TYPE_INFO and the value after it.
pub(crate) fn typed_value(reader: &mut Reader<'_>) -> Result<(SqlType, Value), ProtocolError> {
    let declared = Declared::read(reader)?;
    let bytes = declared.layout.read(reader)?;
    let value = match (declared.layout, bytes) {
        (_, None) => Value::Null,
        (Layout::Variant, Some(bytes)) => variant(&bytes)?,
        (_, Some(bytes)) => value(declared.sql_type, declared.collation, &bytes)?,
    };
    Ok((declared.sql_type, value))
}

/// TYPE_INFO as far as reading needs it.
struct Declared {
    sql_type: SqlType,
    layout: Layout,
    collation: [u8; 5],
}

/// What stands before a value in a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// Always so many bytes.
    Fixed(usize),
    /// A byte of length, 0 for NULL.
    Byte,
    /// Two bytes of length, 0xFFFF for NULL.
    Short,
    /// Four bytes of length, 0xFFFFFFFF for NULL.
    Long,
    /// Eight bytes of length, then chunks.
    Plp,
    /// Four bytes of length, 0 for NULL.
    Variant,
}

impl Declared {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ProtocolError> {
        let (sql_type, layout) = match reader.u8()? {
            token::NULL => (SqlType::NVarChar(Length::Limited(1)), Layout::Fixed(0)),
            token::INTN => (integer(reader.u8()?)?, Layout::Byte),
            token::BITN => (one_of(reader.u8()?, &[(1, SqlType::Bit)])?, Layout::Byte),
            token::FLTN => (
                one_of(reader.u8()?, &[(4, SqlType::Real), (8, SqlType::Float)])?,
                Layout::Byte,
            ),
            token::MONEYN => (
                one_of(
                    reader.u8()?,
                    &[(4, SqlType::SmallMoney), (8, SqlType::Money)],
                )?,
                Layout::Byte,
            ),
            token::DATETIMEN => {
                let types = [(4, SqlType::SmallDateTime), (8, SqlType::DateTime)];
                (one_of(reader.u8()?, &types)?, Layout::Byte)
            }
            token::GUID => {
                let sql_type = one_of(
                    reader.u8()?,
                    &[
                        (0, SqlType::UniqueIdentifier),
                        (16, SqlType::UniqueIdentifier),
                    ],
                )?;
                (sql_type, Layout::Byte)
            }
            token::DATEN => (SqlType::Date, Layout::Byte),
            token::TIMEN => (SqlType::Time(scale(reader)?), Layout::Byte),
            token::DATETIME2N => (SqlType::DateTime2(scale(reader)?), Layout::Byte),
            token::DATETIMEOFFSETN => (SqlType::DateTimeOffset(scale(reader)?), Layout::Byte),
            token::DECIMALN | token::NUMERICN | token::DECIMAL | token::NUMERIC => {
                let _length = reader.u8()?;
                (decimal(reader.u8()?, reader.u8()?)?, Layout::Byte)
            }
            token::CHAR => (SqlType::Char(reader.u8()?.into()), Layout::Byte),
            token::VARCHAR => (
                SqlType::VarChar(limited(reader.u8()?.into(), 1)),
                Layout::Byte,
            ),
            token::BINARY => (SqlType::Binary(reader.u8()?.into()), Layout::Byte),
            token::VARBINARY => (
                SqlType::VarBinary(limited(reader.u8()?.into(), 1)),
                Layout::Byte,
            ),
            kind @ (token::BIGVARBINARY | token::BIGVARCHAR | token::NVARCHAR) => {
                return Self::variable(kind, reader);
            }
            token::BIGBINARY => (SqlType::Binary(reader.u16()?), Layout::Short),
            token::BIGCHAR => {
                let sql_type = SqlType::Char(reader.u16()?);
                return Self::collated(sql_type, Layout::Short, reader);
            }
            token::NCHAR => {
                let sql_type = SqlType::NChar(reader.u16()? / 2);
                return Self::collated(sql_type, Layout::Short, reader);
            }
            token::TEXT => {
                reader.u32()?;
                return Self::collated(SqlType::Text, Layout::Long, reader);
            }
            token::NTEXT => {
                reader.u32()?;
                return Self::collated(SqlType::NText, Layout::Long, reader);
            }
            token::IMAGE => {
                reader.u32()?;
                (SqlType::Image, Layout::Long)
            }
            token::XML => {
                if reader.u8()? != 0 {
                    reader.b_varchar()?;
                    reader.b_varchar()?;
                    reader.us_varchar()?;
                }
                (SqlType::Xml, Layout::Plp)
            }
            token::UDT => {
                reader.b_varchar()?;
                reader.b_varchar()?;
                let name = reader.b_varchar()?;
                let udt = match name.to_ascii_lowercase().as_str() {
                    "geography" => Udt::Geography,
                    "geometry" => Udt::Geometry,
                    "hierarchyid" => Udt::HierarchyId,
                    _ => return Err(ProtocolError::Unsupported("CLR types of the client")),
                };
                (SqlType::Udt(udt), Layout::Plp)
            }
            token::VARIANT => {
                reader.u32()?;
                (SqlType::Variant, Layout::Variant)
            }
            token::TVP => {
                return Err(ProtocolError::Unsupported("table-valued parameters"));
            }
            fixed => fixed_type(fixed)?,
        };
        Ok(Self {
            sql_type,
            layout,
            collation: COLLATION,
        })
    }

    fn variable(kind: u8, reader: &mut Reader<'_>) -> Result<Self, ProtocolError> {
        let limit = reader.u16()?;
        let (length, layout) = if limit == u16::MAX {
            (Length::Max, Layout::Plp)
        } else {
            let width = if kind == token::NVARCHAR { 2 } else { 1 };
            (limited(limit, width), Layout::Short)
        };
        match kind {
            token::BIGVARCHAR => Self::collated(SqlType::VarChar(length), layout, reader),
            token::NVARCHAR => Self::collated(SqlType::NVarChar(length), layout, reader),
            _ => Ok(Self {
                sql_type: SqlType::VarBinary(length),
                layout,
                collation: COLLATION,
            }),
        }
    }

    fn collated(
        sql_type: SqlType,
        layout: Layout,
        reader: &mut Reader<'_>,
    ) -> Result<Self, ProtocolError> {
        Ok(Self {
            sql_type,
            layout,
            collation: reader.array()?,
        })
    }
}

impl Layout {
    /// The bytes of a value, `None` for NULL.
    fn read<'a>(self, reader: &mut Reader<'a>) -> Result<Option<Cow<'a, [u8]>>, ProtocolError> {
        let length = match self {
            Self::Fixed(0) => return Ok(None),
            Self::Fixed(length) => Some(length),
            Self::Byte => Some(usize::from(reader.u8()?)).filter(|&length| length > 0),
            Self::Short => {
                Some(usize::from(reader.u16()?)).filter(|&length| length != usize::from(u16::MAX))
            }
            Self::Long => {
                let length = reader.u32()?;
                (length != u32::MAX).then_some(to_usize(length)?)
            }
            Self::Variant => Some(to_usize(reader.u32()?)?).filter(|&length| length > 0),
            Self::Plp => return chunks(reader),
        };
        match length {
            Some(length) => Ok(Some(Cow::Borrowed(reader.bytes(length)?))),
            None => Ok(None),
        }
    }
}

/// PLP_BODY. The announced length is not trusted: what is copied is what came.
fn chunks<'a>(reader: &mut Reader<'a>) -> Result<Option<Cow<'a, [u8]>>, ProtocolError> {
    if reader.u64()? == u64::MAX {
        return Ok(None);
    }
    let mut all = Cow::Borrowed(&[][..]);
    loop {
        let length = to_usize(reader.u32()?)?;
        if length == 0 {
            return Ok(Some(all));
        }
        let chunk = reader.bytes(length)?;
        if all.is_empty() {
            all = Cow::Borrowed(chunk);
        } else {
            all.to_mut().extend_from_slice(chunk);
        }
    }
}

fn value(sql_type: SqlType, collation: [u8; 5], bytes: &[u8]) -> Result<Value, ProtocolError> {
    let mut reader = Reader::new(bytes);
    let value = match sql_type {
        SqlType::Bit => Value::Bit(reader.u8()? != 0),
        SqlType::TinyInt | SqlType::SmallInt | SqlType::Int | SqlType::BigInt => {
            Value::Int(match bytes.len() {
                1 => i64::from(reader.u8()?),
                2 => i64::from(reader.u16()?.cast_signed()),
                4 => i64::from(reader.u32()?.cast_signed()),
                _ => reader.u64()?.cast_signed(),
            })
        }
        SqlType::Real => Value::Real(f32::from_le_bytes(reader.array()?)),
        SqlType::Float => Value::Float(match bytes.len() {
            4 => f32::from_le_bytes(reader.array()?).into(),
            _ => f64::from_le_bytes(reader.array()?),
        }),
        SqlType::Decimal { .. } => decimal_value(&mut reader)?,
        SqlType::SmallMoney | SqlType::Money => Value::Money(match bytes.len() {
            4 => i64::from(reader.u32()?.cast_signed()),
            _ => reader.u64()?.rotate_left(32).cast_signed(),
        }),
        SqlType::Char(_) | SqlType::VarChar(_) | SqlType::Text => {
            return Ok(Value::Text(text::decode(bytes, collation)));
        }
        SqlType::NChar(_) | SqlType::NVarChar(_) | SqlType::NText => {
            return Ok(Value::Text(utf16(bytes)));
        }
        // Clients send xml as UTF-16, with or without a byte order mark.
        SqlType::Xml => {
            let unmarked = bytes.strip_prefix(b"\xFF\xFE").unwrap_or(bytes);
            return Ok(Value::Text(utf16(unmarked)));
        }
        SqlType::Binary(_)
        | SqlType::VarBinary(_)
        | SqlType::Image
        | SqlType::RowVersion
        | SqlType::Udt(_) => return Ok(Value::Bytes(bytes.to_vec())),
        SqlType::UniqueIdentifier => {
            let wire = reader.array()?;
            Value::Guid(mixed_endian(wire))
        }
        SqlType::Date => Value::Date(date(&mut reader)?),
        SqlType::Time(scale) => Value::Time(time(&mut reader, scale)?),
        SqlType::DateTime | SqlType::SmallDateTime => {
            let instant = if bytes.len() == 4 {
                date_time::from_small_datetime(reader.u16()?, reader.u16()?)
            } else {
                date_time::from_datetime(reader.u32()?.cast_signed(), reader.u32()?)
            };
            let (days, units) = instant.ok_or(OUT_OF_CALENDAR)?;
            Value::DateTime(days, units)
        }
        SqlType::DateTime2(scale) => {
            let units = time(&mut reader, scale)?;
            Value::DateTime(date(&mut reader)?, units)
        }
        SqlType::DateTimeOffset(scale) => {
            let units = time(&mut reader, scale)?;
            let days = date(&mut reader)?;
            let minutes = reader.u16()?.cast_signed();
            if !(-840..=840).contains(&minutes) {
                return Err(OUT_OF_CALENDAR);
            }
            Value::DateTimeOffset(days, units, minutes)
        }
        SqlType::Variant => return Err(ProtocolError::Malformed("a sql_variant in another")),
    };
    if reader.is_empty() {
        Ok(value)
    } else {
        Err(ProtocolError::Malformed("a value is longer than its type"))
    }
}

/// A sql_variant: base type, its properties, the value.
fn variant(bytes: &[u8]) -> Result<Value, ProtocolError> {
    let mut reader = Reader::new(bytes);
    let base = reader.u8()?;
    let count = usize::from(reader.u8()?);
    let mut properties = Reader::new(reader.bytes(count)?);
    let mut collation = COLLATION;
    let sql_type = match base {
        token::GUID => SqlType::UniqueIdentifier,
        token::DATEN => SqlType::Date,
        token::TIMEN => SqlType::Time(scale(&mut properties)?),
        token::DATETIME2N => SqlType::DateTime2(scale(&mut properties)?),
        token::DATETIMEOFFSETN => SqlType::DateTimeOffset(scale(&mut properties)?),
        token::DECIMALN | token::NUMERICN => decimal(properties.u8()?, properties.u8()?)?,
        token::BIGBINARY => SqlType::Binary(properties.u16()?),
        token::BIGVARBINARY => SqlType::VarBinary(limited(properties.u16()?, 1)),
        token::BIGCHAR | token::BIGVARCHAR | token::NCHAR | token::NVARCHAR => {
            collation = properties.array()?;
            let length = properties.u16()?;
            match base {
                token::BIGCHAR => SqlType::Char(length),
                token::BIGVARCHAR => SqlType::VarChar(limited(length, 1)),
                token::NCHAR => SqlType::NChar(length / 2),
                _ => SqlType::NVarChar(limited(length, 2)),
            }
        }
        fixed => fixed_type(fixed)?.0,
    };
    let value = value(sql_type, collation, reader.rest())?;
    Ok(Value::Variant(Box::new((sql_type, value))))
}

fn fixed_type(kind: u8) -> Result<(SqlType, Layout), ProtocolError> {
    let (sql_type, length) = match kind {
        token::INT1 => (SqlType::TinyInt, 1),
        token::BIT => (SqlType::Bit, 1),
        token::INT2 => (SqlType::SmallInt, 2),
        token::INT4 => (SqlType::Int, 4),
        token::INT8 => (SqlType::BigInt, 8),
        token::FLT4 => (SqlType::Real, 4),
        token::FLT8 => (SqlType::Float, 8),
        token::MONEY4 => (SqlType::SmallMoney, 4),
        token::MONEY => (SqlType::Money, 8),
        token::DATETIME4 => (SqlType::SmallDateTime, 4),
        token::DATETIME => (SqlType::DateTime, 8),
        _ => return Err(ProtocolError::Malformed("an unknown data type")),
    };
    Ok((sql_type, Layout::Fixed(length)))
}

fn integer(length: u8) -> Result<SqlType, ProtocolError> {
    one_of(
        length,
        &[
            (1, SqlType::TinyInt),
            (2, SqlType::SmallInt),
            (4, SqlType::Int),
            (8, SqlType::BigInt),
        ],
    )
}

fn one_of(length: u8, types: &[(u8, SqlType)]) -> Result<SqlType, ProtocolError> {
    types
        .iter()
        .find(|(of, _)| *of == length)
        .map(|(_, sql_type)| *sql_type)
        .ok_or(ProtocolError::Malformed(
            "a type has a length it cannot have",
        ))
}

fn decimal(precision: u8, scale: u8) -> Result<SqlType, ProtocolError> {
    if (1..=38).contains(&precision) && scale <= precision {
        Ok(SqlType::Decimal { precision, scale })
    } else {
        Err(ProtocolError::Malformed(
            "a decimal has a precision it cannot have",
        ))
    }
}

fn decimal_value(reader: &mut Reader<'_>) -> Result<Value, ProtocolError> {
    let positive = reader.u8()? != 0;
    let mut magnitude = [0; 16];
    let digits = reader.bytes(reader.rest().len())?;
    magnitude
        .get_mut(..digits.len())
        .ok_or(ProtocolError::Malformed(
            "a decimal is longer than 38 digits",
        ))?
        .copy_from_slice(digits);
    let magnitude = i128::from_le_bytes(magnitude);
    if magnitude < 0 {
        return Err(ProtocolError::Malformed(
            "a decimal is longer than 38 digits",
        ));
    }
    Ok(Value::Decimal(if positive {
        magnitude
    } else {
        -magnitude
    }))
}

fn scale(reader: &mut Reader<'_>) -> Result<u8, ProtocolError> {
    let scale = reader.u8()?;
    if scale <= 7 {
        Ok(scale)
    } else {
        Err(ProtocolError::Malformed("a time has a scale above 7"))
    }
}

fn date(reader: &mut Reader<'_>) -> Result<u32, ProtocolError> {
    let [a, b, c] = reader.array()?;
    let days = u32::from_le_bytes([a, b, c, 0]);
    if days <= LAST_DATE {
        Ok(days)
    } else {
        Err(OUT_OF_CALENDAR)
    }
}

fn time(reader: &mut Reader<'_>, scale: u8) -> Result<u64, ProtocolError> {
    let mut bytes = [0; 8];
    for (to, from) in bytes
        .iter_mut()
        .zip(reader.bytes(date_time::time_length(scale))?)
    {
        *to = *from;
    }
    date_time::from_scaled(u64::from_le_bytes(bytes), scale).ok_or(OUT_OF_CALENDAR)
}

fn limited(bytes: u16, width: u16) -> Length {
    Length::Limited((bytes / width.max(1)).max(1))
}

fn to_usize(length: u32) -> Result<usize, ProtocolError> {
    usize::try_from(length).map_err(|_| ProtocolError::Truncated)
}

const OUT_OF_CALENDAR: ProtocolError =
    ProtocolError::Malformed("a date or time is outside the calendar");

#[cfg(test)]
mod tests;
