//! One row of every type through the driver.

use std::borrow::Cow;

use demo_sqlserver::Tls;
use tiberius::time::{Date, DateTime, DateTime2, DateTimeOffset, SmallDateTime, Time};
use tiberius::{ColumnData, EncryptionLevel, Uuid, numeric::Numeric, xml::XmlData};

use crate::backend::{AFTERNOON, GUID, LEAP_DAY, every_type};
use crate::support::{Running, connect};

fn expected() -> Vec<ColumnData<'static>> {
    let text = |text: &str| ColumnData::String(Some(Cow::Owned(text.to_owned())));
    let bytes = |bytes: &[u8]| ColumnData::Binary(Some(Cow::Owned(bytes.to_vec())));
    let numeric = |value, scale| ColumnData::Numeric(Some(Numeric::new_with_scale(value, scale)));
    let datetime2 = DateTime2::new(Date::new(LEAP_DAY), Time::new(AFTERNOON, 7));
    vec![
        ColumnData::Bit(Some(true)),
        ColumnData::U8(Some(200)),
        ColumnData::I16(Some(-32_768)),
        ColumnData::I32(Some(-2_147_483_648)),
        ColumnData::I64(Some(i64::MAX)),
        ColumnData::F32(Some(0.1)),
        ColumnData::F64(Some(0.1)),
        numeric(-(10_i128.pow(38) - 1), 10),
        ColumnData::F64(Some(-1.234_5)),
        ColumnData::F64(Some(12_345_678.901_2)),
        text("Été  "),
        text("Œuvre €"),
        text(""),
        text("日本  "),
        text("\u{1F600} ñ"),
        text(&"日".repeat(9_000)),
        text("old text"),
        text("旧"),
        bytes(&[0xDE, 0xAD, 0, 0]),
        bytes(&[0, 255]),
        bytes(&[7; 10_000]),
        bytes(&[1, 2, 3]),
        bytes(&[0, 0, 0, 0, 0, 0, 7, 0xD1]),
        ColumnData::Guid(Some(Uuid::from_bytes(GUID))),
        ColumnData::Date(Some(Date::new(LEAP_DAY))),
        ColumnData::Time(Some(Time::new(AFTERNOON, 7))),
        ColumnData::Time(Some(Time::new(47_655, 0))),
        ColumnData::DateTime(Some(DateTime::new(45_349, 14_296_537))),
        ColumnData::SmallDateTime(Some(SmallDateTime::new(45_349, 794))),
        ColumnData::DateTime2(Some(datetime2)),
        ColumnData::DateTimeOffset(Some(DateTimeOffset::new(datetime2, 330))),
        ColumnData::Xml(Some(Cow::Owned(XmlData::new("<a>é</a>")))),
        ColumnData::I32(Some(42)),
        text("ñ"),
        numeric(-1_250, 2),
        bytes(&[0xE6, 0x10, 0, 0, 1]),
        bytes(&[0x58]),
    ]
}

#[tokio::test]
async fn a_row_of_every_type_arrives_exactly() {
    let server = Running::start(Tls::AsAsked).await;
    // The smallest packets split every long value and many short ones.
    for packet_size in [512, 4_096, 32_767] {
        let mut config = server.config(EncryptionLevel::Off);
        config.packet_size(packet_size);
        let mut client = connect(config).await.unwrap();
        let stream = client.simple_query("SELECT every type").await.unwrap();
        let row = stream.into_row().await.unwrap().unwrap();
        assert_eq!(row.len(), expected().len());
        for ((column, data), expected) in row.cells().zip(expected()) {
            assert_eq!(*data, expected, "{}", column.name());
        }
    }
}

#[tokio::test]
async fn nulls_of_every_type_arrive_as_nulls() {
    let server = Running::start(Tls::AsAsked).await;
    let mut client = server.connect(EncryptionLevel::Off).await;
    let stream = client.simple_query("SELECT nulls").await.unwrap();
    let row = stream.into_row().await.unwrap().unwrap();
    assert_eq!(row.len(), every_type().len());
    for (column, data) in row.cells() {
        let shown = format!("{data:?}");
        assert!(shown.ends_with("(None)"), "{}: {shown}", column.name());
    }
}
