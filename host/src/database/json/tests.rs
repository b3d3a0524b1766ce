//! Cells and rows as JSON.

use std::borrow::Cow;

use tiberius::{numeric::Numeric, time};

use super::*;

fn column(name: &str) -> Column {
    Column {
        name: name.into(),
        sql_type: "int".into(),
        nullable: true,
        masked: false,
    }
}

fn cell(kind: Kind, binary: Binary, max: usize, data: &ColumnData<'static>) -> (String, Encoder) {
    let columns = [column("a")];
    let mut encoder = Encoder::new(&columns, &[kind], JsonShape::Arrays, binary, max);
    let mut out = Vec::new();
    encoder.row(&mut out, std::iter::once(data));
    let text = String::from_utf8(out).unwrap();
    serde_json::from_str::<serde_json::Value>(&text).expect("valid JSON");
    let inner = text
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned();
    (inner, encoder)
}

fn plain(data: &ColumnData<'static>) -> String {
    cell(Kind::Plain, Binary::Base64, 1_000, data).0
}

#[test]
fn every_type_is_written_exactly() {
    let second = 47_655_u64;
    let ticks = second * 10_000_000 + 1_234_567;
    let moment = |scale: u8| {
        time::DateTime2::new(
            time::Date::new(738_944),
            time::Time::new(ticks / 10_u64.pow(7 - u32::from(scale)), scale),
        )
    };
    for (data, json) in [
        (ColumnData::Bit(Some(true)), "true"),
        (ColumnData::U8(Some(200)), "200"),
        (ColumnData::I16(Some(-7)), "-7"),
        (
            ColumnData::I64(Some(9_007_199_254_740_991)),
            "9007199254740991",
        ),
        (
            ColumnData::I64(Some(9_007_199_254_740_993)),
            "\"9007199254740993\"",
        ),
        (ColumnData::I64(Some(i64::MIN)), "\"-9223372036854775808\""),
        (ColumnData::F32(Some(0.1)), "0.1"),
        (ColumnData::F64(Some(1e300)), "1e+300"),
        (
            ColumnData::Numeric(Some(Numeric::new_with_scale(1250, 2))),
            "\"12.50\"",
        ),
        (
            ColumnData::String(Some("a\"\\\n\u{1}é".into())),
            "\"a\\\"\\\\\\n\\u0001é\"",
        ),
        (
            ColumnData::Date(Some(time::Date::new(738_944))),
            "\"2024-02-29\"",
        ),
        (
            ColumnData::Time(Some(moment(7).time())),
            "\"13:14:15.1234567\"",
        ),
        (
            ColumnData::DateTime2(Some(moment(3))),
            "\"2024-02-29T13:14:15.123\"",
        ),
        (
            ColumnData::DateTime2(Some(moment(0))),
            "\"2024-02-29T13:14:15\"",
        ),
        (
            ColumnData::DateTime(Some(time::DateTime::new(45_349, 14_296_537))),
            "\"2024-02-29T13:14:15.123\"",
        ),
        (
            ColumnData::SmallDateTime(Some(time::SmallDateTime::new(45_349, 794))),
            "\"2024-02-29T13:14:00\"",
        ),
        (
            ColumnData::DateTimeOffset(Some(time::DateTimeOffset::new(moment(7), 330))),
            "\"2024-02-29T18:44:15.1234567+05:30\"",
        ),
        (
            ColumnData::Binary(Some(vec![0xDE, 0xAD, 0xBE, 0xEF].into())),
            "\"3q2+7w==\"",
        ),
        (ColumnData::I32(None), "null"),
    ] {
        assert_eq!(plain(&data), json);
    }
}

#[test]
fn binary_follows_the_setting_but_rowversion_and_clr_types_are_hexadecimal() {
    let bytes = || ColumnData::Binary(Some(Cow::Owned(vec![0, 0, 0, 0, 0, 0, 7, 0xD1])));
    assert_eq!(
        cell(Kind::Plain, Binary::Hex, 100, &bytes()).0,
        "\"0x00000000000007D1\""
    );
    for kind in [Kind::RowVersion, Kind::Udt] {
        assert_eq!(
            cell(kind, Binary::Base64, 100, &bytes()).0,
            "\"0x00000000000007D1\""
        );
    }
}

#[test]
fn a_long_cell_is_cut_at_a_character_and_says_how_much_is_missing() {
    let text = ColumnData::String(Some("aé日本語".into()));
    let (json, encoder) = cell(Kind::Plain, Binary::Base64, 5, &text);
    assert_eq!(json, "\"aé…[+3 chars]\"");
    assert!(encoder.cut);
    let bytes = ColumnData::Binary(Some(vec![0xFF; 7].into()));
    let (json, encoder) = cell(Kind::Plain, Binary::Base64, 8, &bytes);
    assert_eq!(json, "\"////////…[+1 bytes]\"");
    assert!(encoder.cut);
}

#[test]
fn what_the_server_cut_itself_has_no_known_length() {
    let most = 1 << 20;
    for (text, more) in [
        ("a".repeat(most / 2), true),
        ("a".repeat(most / 2 - 1), false),
        ("\u{4e2d}".repeat(most / 3), true),
        ("\u{4e2d}".repeat(most / 3 - 2), false),
    ] {
        let text = ColumnData::String(Some(text.into()));
        let (json, _) = cell(Kind::Plain, Binary::Base64, 10, &text);
        assert_eq!(json.ends_with(" chars or more]\""), more, "{json}");
    }
    let bytes = ColumnData::Binary(Some(vec![0; most].into()));
    let (json, _) = cell(Kind::Plain, Binary::Hex, 10, &bytes);
    assert!(json.ends_with("…[+1048571 bytes or more]\""), "{json}");
}

#[test]
fn a_variant_may_hold_money_that_lost_digits() {
    for (number, lossy) in [(922_337_203_685_477.6, true), (12.5, false)] {
        let number = ColumnData::F64(Some(number));
        let (_, encoder) = cell(Kind::Variant, Binary::Hex, 100, &number);
        assert_eq!(encoder.is_lossy(), lossy);
    }
}

#[test]
fn money_beyond_the_driver_marks_its_column() {
    let columns = [column("a")];
    let mut encoder = Encoder::new(
        &columns,
        &[Kind::Money],
        JsonShape::Objects,
        Binary::Base64,
        100,
    );
    let mut out = Vec::new();
    encoder.row(&mut out, std::iter::once(&ColumnData::F64(Some(19.99))));
    assert!(!encoder.is_lossy());
    encoder.row(&mut out, std::iter::once(&ColumnData::F64(Some(9.2e14))));
    assert!(encoder.is_lossy());
    assert!(out.starts_with(b"{\"a\":\"19.9900\"}{\"a\":\"920000000000000.0000\"}"));
    let mut head = Vec::new();
    encoder.columns(&mut head, &columns);
    assert_eq!(head, b"[{\"name\":\"a\",\"type\":\"int\",\"lossy\":true}]");
}

#[test]
fn repeated_and_empty_names_become_distinct_keys() {
    let columns = ["a", "a", "", "b", "a", "a_2", ""].map(column);
    assert_eq!(
        unique_names(&columns),
        ["a", "a_3", "column_3", "b", "a_4", "a_2", "column_7"]
    );
    let simple = ["a", "a", ""].map(column);
    assert_eq!(unique_names(&simple), ["a", "a_2", "column_3"]);
}

#[test]
fn rows_are_objects_or_arrays() {
    let columns = ["a", "a"].map(column);
    let cells = [ColumnData::I32(Some(1)), ColumnData::I32(None)];
    for (shape, json) in [
        (JsonShape::Objects, r#"{"a":1,"a_2":null}"#),
        (JsonShape::Arrays, "[1,null]"),
    ] {
        let mut out = Vec::new();
        Encoder::new(&columns, &[Kind::Plain; 2], shape, Binary::Base64, 10)
            .row(&mut out, cells.iter());
        assert_eq!(String::from_utf8(out).unwrap(), json);
    }
}
