//! Wire values against the type table.

use tiberius::{Column as Wire, ColumnData, ColumnType, numeric::Numeric, time};

use super::*;

fn plain(data: ColumnData<'static>) -> Value {
    value(Kind::Plain, "", data)
}

#[test]
fn a_description_gives_the_exact_type_and_the_wire_a_fallback() {
    let wire = Wire::new("Price".into(), ColumnType::Numericn);
    let described = Described {
        name: "Price".into(),
        sql_type: "decimal(18,4)".into(),
        nullable: false,
    };
    let (exact, _) = column(&wire, Some(&described));
    assert_eq!(
        (exact.sql_type.as_str(), exact.nullable),
        ("decimal(18,4)", false)
    );
    let (rough, _) = column(&wire, None);
    assert_eq!((rough.sql_type.as_str(), rough.nullable), ("numeric", true));
}

#[test]
fn a_rowversion_is_told_from_other_binary_by_its_description() {
    let wire = Wire::new("v".into(), ColumnType::BigBinary);
    let described = |sql_type: &str| Described {
        name: "v".into(),
        sql_type: sql_type.into(),
        nullable: false,
    };
    assert_eq!(
        column(&wire, Some(&described("timestamp"))).1,
        Kind::RowVersion
    );
    assert_eq!(column(&wire, Some(&described("binary(8)"))).1, Kind::Plain);
}

#[test]
fn datetime_rounds_to_thirds_of_a_hundredth_as_everywhere() {
    for (ticks, millis) in [
        (0, 0),
        (1, 3),
        (2, 7),
        (3, 10),
        (299, 997),
        (25_919_999, 86_399_997),
    ] {
        let shown = datetime(time::DateTime::new(0, ticks));
        assert_eq!(shown.time.nanos, millis * 1_000_000, "{ticks}");
        assert_eq!(shown.date.year, 1900);
    }
}

#[test]
fn an_offset_moves_the_date_with_the_clock() {
    let utc = |ticks| time::DateTime2::new(time::Date::new(738_944), time::Time::new(ticks, 7));
    let east = datetime_offset(time::DateTimeOffset::new(utc(23 * 36_000_000_000), 330));
    assert_eq!((east.local.date.month, east.local.date.day), (3, 1));
    assert_eq!(east.local.time.nanos, 16_200_000_000_000);
    let west = datetime_offset(time::DateTimeOffset::new(utc(0), -60));
    assert_eq!((west.local.date.month, west.local.date.day), (2, 28));
}

#[test]
fn every_variant_keeps_its_value() {
    assert_eq!(plain(ColumnData::U8(Some(200))), Value::Int(200));
    assert_eq!(plain(ColumnData::I64(Some(i64::MIN))), Value::Int(i64::MIN));
    assert_eq!(plain(ColumnData::F32(Some(0.1))), Value::Real(0.1));
    assert_eq!(
        plain(ColumnData::Numeric(Some(Numeric::new_with_scale(-5, 2)))),
        Value::Decimal("-0.05".into())
    );
    assert_eq!(
        value(Kind::Money, "money", ColumnData::F64(Some(12.5))),
        Value::Decimal("12.5000".into())
    );
    // Not a decimal with digits that the server never had.
    assert_eq!(
        value(
            Kind::Money,
            "money",
            ColumnData::F64(Some(922_337_203_685_477.6))
        ),
        Value::Float(922_337_203_685_477.6)
    );
    assert_eq!(
        value(
            Kind::FixedChar,
            "char(4)",
            ColumnData::String(Some("a b   ".into()))
        ),
        Value::Text("a b".into())
    );
    assert_eq!(
        value(
            Kind::Udt,
            "hierarchyid",
            ColumnData::Binary(Some(vec![0x5A, 0xC0].into()))
        ),
        Value::Other {
            sql_type: "hierarchyid".into(),
            text: "0x5AC0".into()
        }
    );
    let guid = tiberius::Uuid::from_u128(0xABCD);
    assert_eq!(
        plain(ColumnData::Guid(Some(guid))),
        Value::Uuid("00000000-0000-0000-0000-00000000ABCD".into())
    );
    assert_eq!(plain(ColumnData::String(None)), Value::Null);
}
