//! How each column type is described and how its values are measured
//! (MS-TDS §2.2.5.4 and §2.2.5.5).

use super::packet::{PacketOut, PacketWriter};
use super::text::COLLATION;
use crate::value::{Length, SqlType, Udt};

/// What stands before a value of a type, and how NULL is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// A byte of length, 0 for NULL.
    ByteLength,
    /// Two bytes of length, 0xFFFF for NULL.
    ShortLength,
    /// Partially length-prefixed: eight bytes of length, then chunks.
    Plp,
    /// A text pointer and four bytes of length.
    TextPointer,
    /// Four bytes of length, then the base type with its value.
    Variant,
}

impl Layout {
    pub(crate) fn of(sql_type: SqlType) -> Self {
        match sql_type {
            SqlType::Char(_)
            | SqlType::NChar(_)
            | SqlType::Binary(_)
            | SqlType::RowVersion
            | SqlType::VarChar(Length::Limited(_))
            | SqlType::NVarChar(Length::Limited(_))
            | SqlType::VarBinary(Length::Limited(_)) => Self::ShortLength,
            SqlType::VarChar(Length::Max)
            | SqlType::NVarChar(Length::Max)
            | SqlType::VarBinary(Length::Max)
            | SqlType::Xml
            | SqlType::Udt(_) => Self::Plp,
            SqlType::Text | SqlType::NText | SqlType::Image => Self::TextPointer,
            SqlType::Variant => Self::Variant,
            _ => Self::ByteLength,
        }
    }

    /// Bytes of a NULL in a ROW token.
    pub(crate) fn null_length(self) -> usize {
        match self {
            Self::ByteLength | Self::TextPointer => 1,
            Self::ShortLength => 2,
            Self::Plp => 8,
            Self::Variant => 4,
        }
    }
}

/// Writes TYPE_INFO. Every type that can be NULL is described by its nullable
/// form, also where the column is not, so that no value is without a form.
pub(crate) fn put<O: PacketOut>(out: &mut PacketWriter<O>, sql_type: SqlType, database: &str) {
    match sql_type {
        SqlType::Bit => out.put(&[BITN, 1]),
        SqlType::TinyInt => out.put(&[INTN, 1]),
        SqlType::SmallInt => out.put(&[INTN, 2]),
        SqlType::Int => out.put(&[INTN, 4]),
        SqlType::BigInt => out.put(&[INTN, 8]),
        SqlType::Real => out.put(&[FLTN, 4]),
        SqlType::Float => out.put(&[FLTN, 8]),
        SqlType::Decimal { precision, scale } => {
            let length = decimal_length(precision);
            out.put(&[
                DECIMALN,
                u8::try_from(length).unwrap_or_default(),
                precision,
                scale,
            ]);
        }
        SqlType::SmallMoney => out.put(&[MONEYN, 4]),
        SqlType::Money => out.put(&[MONEYN, 8]),
        SqlType::Char(length) => characters(out, BIGCHAR, length),
        SqlType::VarChar(length) => characters(out, BIGVARCHAR, bytes_of(length, 1)),
        SqlType::NChar(length) => characters(out, NCHAR, length.saturating_mul(2)),
        SqlType::NVarChar(length) => characters(out, NVARCHAR, bytes_of(length, 2)),
        SqlType::Text => {
            out.u8(TEXT);
            out.u32(i32::MAX.unsigned_abs());
            out.put(&COLLATION);
        }
        SqlType::NText => {
            out.u8(NTEXT);
            out.u32(i32::MAX.unsigned_abs() - 1);
            out.put(&COLLATION);
        }
        SqlType::Image => {
            out.u8(IMAGE);
            out.u32(i32::MAX.unsigned_abs());
        }
        SqlType::Binary(length) => sized(out, BIGBINARY, length),
        SqlType::VarBinary(length) => sized(out, BIGVARBINARY, bytes_of(length, 1)),
        SqlType::RowVersion => sized(out, BIGBINARY, 8),
        SqlType::UniqueIdentifier => out.put(&[GUID, 16]),
        SqlType::Date => out.u8(DATEN),
        SqlType::Time(scale) => out.put(&[TIMEN, scale]),
        SqlType::DateTime => out.put(&[DATETIMEN, 8]),
        SqlType::SmallDateTime => out.put(&[DATETIMEN, 4]),
        SqlType::DateTime2(scale) => out.put(&[DATETIME2N, scale]),
        SqlType::DateTimeOffset(scale) => out.put(&[DATETIMEOFFSETN, scale]),
        SqlType::Xml => out.put(&[XML, 0]),
        SqlType::Variant => {
            out.u8(VARIANT);
            out.u32(VARIANT_LIMIT);
        }
        SqlType::Udt(udt) => {
            let (limit, name, class) = match udt {
                Udt::Geography => (u16::MAX, "geography", "SqlGeography"),
                Udt::Geometry => (u16::MAX, "geometry", "SqlGeometry"),
                Udt::HierarchyId => (892, "hierarchyid", "SqlHierarchyId"),
            };
            out.u8(UDT);
            out.u16(limit);
            out.b_varchar(database);
            out.b_varchar("sys");
            out.b_varchar(name);
            out.us_varchar(&format!(
                "Microsoft.SqlServer.Types.{class}, Microsoft.SqlServer.Types, \
                 Version=11.0.0.0, Culture=neutral, PublicKeyToken=89845dcd8080cc91"
            ));
        }
    }
}

/// UserType of COLMETADATA: 80 marks rowversion, which is a binary(8) else.
pub(crate) fn user_type(sql_type: SqlType) -> u32 {
    if sql_type == SqlType::RowVersion {
        80
    } else {
        0
    }
}

/// Bytes of a decimal: its sign and as many words as the precision needs.
pub(crate) fn decimal_length(precision: u8) -> usize {
    match precision {
        0..=9 => 5,
        10..=19 => 9,
        20..=28 => 13,
        _ => 17,
    }
}

fn characters<O: PacketOut>(out: &mut PacketWriter<O>, token: u8, bytes: u16) {
    sized(out, token, bytes);
    out.put(&COLLATION);
}

fn sized<O: PacketOut>(out: &mut PacketWriter<O>, token: u8, bytes: u16) {
    out.u8(token);
    out.u16(bytes);
}

fn bytes_of(length: Length, width: u16) -> u16 {
    match length {
        Length::Limited(length) => length.saturating_mul(width).min(8_000),
        Length::Max => u16::MAX,
    }
}

pub(crate) const NULL: u8 = 0x1F;
pub(crate) const INT1: u8 = 0x30;
pub(crate) const BIT: u8 = 0x32;
pub(crate) const INT2: u8 = 0x34;
pub(crate) const INT4: u8 = 0x38;
pub(crate) const DATETIME4: u8 = 0x3A;
pub(crate) const FLT4: u8 = 0x3B;
pub(crate) const MONEY: u8 = 0x3C;
pub(crate) const DATETIME: u8 = 0x3D;
pub(crate) const FLT8: u8 = 0x3E;
pub(crate) const MONEY4: u8 = 0x7A;
pub(crate) const INT8: u8 = 0x7F;
pub(crate) const GUID: u8 = 0x24;
pub(crate) const INTN: u8 = 0x26;
pub(crate) const DATEN: u8 = 0x28;
pub(crate) const TIMEN: u8 = 0x29;
pub(crate) const DATETIME2N: u8 = 0x2A;
pub(crate) const DATETIMEOFFSETN: u8 = 0x2B;
pub(crate) const BITN: u8 = 0x68;
pub(crate) const DECIMALN: u8 = 0x6A;
pub(crate) const NUMERICN: u8 = 0x6C;
pub(crate) const FLTN: u8 = 0x6D;
pub(crate) const MONEYN: u8 = 0x6E;
pub(crate) const DATETIMEN: u8 = 0x6F;
pub(crate) const DECIMAL: u8 = 0x37;
pub(crate) const NUMERIC: u8 = 0x3F;
pub(crate) const CHAR: u8 = 0x2F;
pub(crate) const VARCHAR: u8 = 0x27;
pub(crate) const BINARY: u8 = 0x2D;
pub(crate) const VARBINARY: u8 = 0x25;
pub(crate) const BIGVARBINARY: u8 = 0xA5;
pub(crate) const BIGVARCHAR: u8 = 0xA7;
pub(crate) const BIGBINARY: u8 = 0xAD;
pub(crate) const BIGCHAR: u8 = 0xAF;
pub(crate) const NVARCHAR: u8 = 0xE7;
pub(crate) const NCHAR: u8 = 0xEF;
pub(crate) const XML: u8 = 0xF1;
pub(crate) const UDT: u8 = 0xF0;
pub(crate) const TVP: u8 = 0xF3;
pub(crate) const TEXT: u8 = 0x23;
pub(crate) const IMAGE: u8 = 0x22;
pub(crate) const NTEXT: u8 = 0x63;
pub(crate) const VARIANT: u8 = 0x62;
/// Bytes of a sql_variant: 8 000 of value, 7 of properties, 2 of type.
const VARIANT_LIMIT: u32 = 8_009;
