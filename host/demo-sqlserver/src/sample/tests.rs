//! The rows of the company keep what its tables promise.

use std::collections::{BTreeMap, BTreeSet};

use super::company;
use crate::schema::{Database, Table};
use crate::value::{Length, SqlType, Value};

#[test]
fn the_company_has_more_than_ten_thousand_rows_and_is_the_same_each_time() {
    let (first, second) = (company(), company());
    let rows: usize = first.tables.iter().map(|table| table.rows.len()).sum();
    assert!(rows > 10_000, "{rows} rows");
    assert!(first.tables.len() >= 12);
    for (one, other) in first.tables.iter().zip(&second.tables) {
        assert_eq!(one.rows, other.rows, "{}", one.name);
        assert!(one.rows.len() > 2, "{}", one.name);
    }
}

#[test]
fn every_value_fits_its_column() {
    for table in &company().tables {
        let stored: Vec<_> = table
            .columns
            .iter()
            .filter(|column| column.computed.is_none())
            .collect();
        for row in &table.rows {
            assert_eq!(row.len(), stored.len(), "{}", table.name);
            for (value, column) in row.iter().zip(&stored) {
                assert!(
                    fits(value, column.sql_type, column.nullable),
                    "{}.{}: {value:?}",
                    table.name,
                    column.name
                );
            }
        }
    }
}

#[test]
fn keys_are_unique() {
    for table in &company().tables {
        for key in table.primary_key.iter().chain(&table.unique) {
            let mut seen = BTreeSet::new();
            for row in &table.rows {
                let values = key_of(table, row, &key.columns);
                assert!(seen.insert(values.clone()), "{}: {values}", key.name);
            }
        }
    }
}

#[test]
fn every_foreign_key_finds_its_row() {
    let database = company();
    for table in &database.tables {
        for key in &table.foreign_keys {
            let target = find(&database, &key.references.0, &key.references.1);
            let targets: BTreeSet<String> = target
                .rows
                .iter()
                .map(|row| key_of(target, row, &key.referenced_columns))
                .collect();
            for row in &table.rows {
                let null = key
                    .columns
                    .iter()
                    .any(|name| *value(table, row, name) == Value::Null);
                let values = key_of(table, row, &key.columns);
                assert!(null || targets.contains(&values), "{}: {values}", key.name);
            }
        }
    }
}

#[test]
fn every_check_holds() {
    for table in &company().tables {
        for check in &table.checks {
            for condition in check.definition.split(" AND ") {
                let (left, operator, right) = comparison(condition);
                for row in &table.rows {
                    let (Some(left), Some(right)) =
                        (operand(table, row, left), operand(table, row, right))
                    else {
                        continue;
                    };
                    let holds = match operator {
                        ">=" => left >= right,
                        "<=" => left <= right,
                        ">" => left > right,
                        _ => left < right,
                    };
                    assert!(holds, "{}: {left} {operator} {right}", check.name);
                }
            }
        }
    }
}

/// The parts of `[Quantity]>(0)`, whatever brackets are around them.
fn comparison(condition: &str) -> (&str, &str, &str) {
    let operator = [">=", "<=", ">", "<"]
        .into_iter()
        .find(|operator| condition.contains(operator))
        .unwrap();
    let (left, right) = condition.split_once(operator).unwrap();
    (
        left.trim_matches(['(', ')']),
        operator,
        right.trim_matches(['(', ')']),
    )
}

/// A number, or the value of a column; `None` for NULL, which fails no check.
fn operand(table: &Table, row: &[Value], text: &str) -> Option<f64> {
    let Some(name) = text.strip_prefix('[') else {
        return Some(text.parse().unwrap());
    };
    match value(table, row, name.trim_end_matches(']')) {
        Value::Int(value) => Some(*value as f64),
        Value::Money(value) => Some(*value as f64 / 10_000.0),
        Value::Real(value) => Some(f64::from(*value)),
        Value::DateTime(day, ticks) => Some(f64::from(*day) + *ticks as f64 / 864e9),
        Value::Null => None,
        other => panic!("{other:?}"),
    }
}

#[test]
fn indexes_and_keys_name_columns_that_exist_and_constraint_names_are_unique() {
    let database = company();
    let mut names = BTreeSet::new();
    for table in &database.tables {
        let columns: BTreeSet<&str> = table
            .columns
            .iter()
            .map(|column| column.name.as_str())
            .collect();
        let keys = table.primary_key.iter().chain(&table.unique);
        let mut used: Vec<(&str, &str)> = Vec::new();
        used.extend(keys.flat_map(|key| {
            key.columns
                .iter()
                .map(|column| (key.name.as_str(), column.as_str()))
        }));
        used.extend(table.foreign_keys.iter().flat_map(|key| {
            key.columns
                .iter()
                .map(|column| (key.name.as_str(), column.as_str()))
        }));
        for index in &table.indexes {
            used.extend(
                index
                    .columns
                    .iter()
                    .map(|(column, _)| (index.name.as_str(), column.as_str())),
            );
            used.extend(
                index
                    .included
                    .iter()
                    .map(|column| (index.name.as_str(), column.as_str())),
            );
        }
        for (name, column) in &used {
            assert!(columns.contains(column), "{name}: {column}");
        }
        let constraints: BTreeSet<&str> = used
            .iter()
            .map(|(name, _)| *name)
            .chain(table.checks.iter().map(|check| check.name.as_str()))
            .collect();
        for name in constraints {
            assert!(
                names.insert((table.schema.clone(), name.to_owned())),
                "{name} twice"
            );
        }
    }
}

#[test]
fn revenue_of_an_order_is_the_value_of_its_lines() {
    let database = company();
    let lines = find(&database, "dbo", "Order Details");
    let mut sums: BTreeMap<i64, f64> = BTreeMap::new();
    for row in &lines.rows {
        let (Value::Int(order), Value::Money(price), Value::Int(quantity), Value::Real(discount)) =
            (&row[0], &row[2], &row[3], &row[4])
        else {
            panic!("{row:?}");
        };
        assert!(*quantity > 0 && *price >= 0 && (0.0..=1.0).contains(discount));
        *sums.entry(*order).or_default() += *price as f64
            * *quantity as f64
            * (1.0 - (f64::from(*discount) * 100.0).round() / 100.0);
    }
    let orders = find(&database, "dbo", "Orders");
    for row in &orders.rows {
        let (Value::Int(order), Value::Money(revenue)) =
            (value(orders, row, "OrderID"), value(orders, row, "Revenue"))
        else {
            panic!("{row:?}");
        };
        assert!((sums[order] - *revenue as f64).abs() < 1.0, "{order}");
    }
}

#[test]
fn questions_a_demonstration_asks_have_answers() {
    let database = company();
    let orders = find(&database, "dbo", "Orders");
    let late_to_berlin = orders.rows.iter().filter(|row| {
        let day = |name| match value(orders, row, name) {
            Value::DateTime(day, _) => Some(*day),
            _ => None,
        };
        day("ShippedDate").is_some_and(|shipped| Some(shipped) > day("RequiredDate"))
            && *value(orders, row, "ShipCity") == Value::Text("Berlin".to_owned())
    });
    assert!(late_to_berlin.count() > 3);
    let products = find(&database, "dbo", "Products");
    let starts = |start: &str| {
        products.rows.iter().any(|row| matches!(value(products, row, "ProductName"), Value::Text(name) if name.starts_with(start)))
    };
    assert!(starts("Cha") && starts("Che"));
    let dear = products.rows.iter().filter(|row| matches!(value(products, row, "UnitPrice"), Value::Money(price) if *price > 1_000_000));
    assert!(dear.count() >= 5, "products above 100");
    let int = |row: &[Value], name| match value(products, row, name) {
        Value::Int(number) => *number,
        other => panic!("{other:?}"),
    };
    assert!(
        products
            .rows
            .iter()
            .any(|row| int(row, "UnitsInStock") + int(row, "UnitsOnOrder")
                < int(row, "ReorderLevel"))
    );
    let employees = find(&database, "dbo", "Employees");
    let first_of_1993 = super::calendar::day(1993, 1, 1);
    let hired = employees.rows.iter().filter(|row| matches!(value(employees, row, "HireDate"), Value::DateTime(day, _) if (first_of_1993..first_of_1993 + 365).contains(day)));
    assert!(hired.count() >= 3);
}

fn find<'a>(database: &'a Database, schema: &str, name: &str) -> &'a Table {
    database
        .tables
        .iter()
        .find(|table| table.schema == schema && table.name == name)
        .unwrap()
}

fn value<'a>(table: &Table, row: &'a [Value], name: &str) -> &'a Value {
    let stored = table
        .columns
        .iter()
        .filter(|column| column.computed.is_none());
    &row[stored
        .into_iter()
        .position(|column| column.name == name)
        .unwrap()]
}

fn key_of(table: &Table, row: &[Value], columns: &[String]) -> String {
    let values: Vec<&Value> = columns.iter().map(|name| value(table, row, name)).collect();
    format!("{values:?}")
}

/// Whether a column of that type can hold the value.
pub(crate) fn fits(value: &Value, sql_type: SqlType, nullable: bool) -> bool {
    let units = |text: &str| text.encode_utf16().count();
    match (value, sql_type) {
        (Value::Null, _) => nullable,
        (Value::Bit(_), SqlType::Bit) => true,
        (Value::Int(value), SqlType::TinyInt) => u8::try_from(*value).is_ok(),
        (Value::Int(value), SqlType::SmallInt) => i16::try_from(*value).is_ok(),
        (Value::Int(value), SqlType::Int) => i32::try_from(*value).is_ok(),
        (Value::Int(_), SqlType::BigInt) => true,
        (Value::Real(value), SqlType::Real) => value.is_finite(),
        (Value::Float(value), SqlType::Float) => value.is_finite(),
        (Value::Decimal(value), SqlType::Decimal { precision, .. }) => {
            value.unsigned_abs() < 10_u128.pow(precision.into())
        }
        (Value::Money(value), SqlType::SmallMoney) => i32::try_from(*value).is_ok(),
        (Value::Money(_), SqlType::Money) => true,
        (Value::Text(text), SqlType::Char(length)) => {
            text.chars().count() == usize::from(length) && in_1252(text)
        }
        (Value::Text(text), SqlType::NChar(length)) => units(text) == usize::from(length),
        (Value::Text(text), SqlType::VarChar(Length::Limited(length))) => {
            text.chars().count() <= usize::from(length) && in_1252(text)
        }
        (Value::Text(text), SqlType::VarChar(Length::Max) | SqlType::Text) => in_1252(text),
        (Value::Text(text), SqlType::NVarChar(Length::Limited(length))) => {
            units(text) <= usize::from(length)
        }
        (Value::Text(_), SqlType::NVarChar(Length::Max) | SqlType::NText | SqlType::Xml) => true,
        (Value::Bytes(bytes), SqlType::Binary(length)) => bytes.len() == usize::from(length),
        (Value::Bytes(bytes), SqlType::VarBinary(Length::Limited(length))) => {
            bytes.len() <= usize::from(length)
        }
        (Value::Bytes(bytes), SqlType::RowVersion) => bytes.len() == 8,
        (Value::Bytes(_), SqlType::VarBinary(Length::Max) | SqlType::Image | SqlType::Udt(_)) => {
            true
        }
        (Value::Guid(_), SqlType::UniqueIdentifier) => true,
        (Value::Date(day), SqlType::Date) => *day <= LAST_DAY,
        (Value::Time(ticks), SqlType::Time(scale)) => whole(*ticks, scale),
        (Value::DateTime(day, ticks), SqlType::DateTime2(scale)) => {
            *day <= LAST_DAY && whole(*ticks, scale)
        }
        (Value::DateTime(day, ticks), SqlType::DateTime) => {
            (FIRST_DATETIME..=LAST_DAY).contains(day) && whole(*ticks, 3)
        }
        (Value::DateTime(_, ticks), SqlType::SmallDateTime) => ticks.is_multiple_of(600_000_000),
        (Value::DateTimeOffset(day, ticks, offset), SqlType::DateTimeOffset(scale)) => {
            *day <= LAST_DAY && whole(*ticks, scale) && offset.abs() <= 840
        }
        (Value::Variant(inner), SqlType::Variant) => fits(&inner.1, inner.0, false),
        _ => false,
    }
}

/// Whether the fraction of the second has no more digits than the scale.
fn whole(ticks: u64, scale: u8) -> bool {
    ticks < 864_000_000_000 && ticks.is_multiple_of(10_u64.pow(7 - u32::from(scale)))
}

fn in_1252(text: &str) -> bool {
    !encoding_rs::WINDOWS_1252.encode(text).2
}

/// 9999-12-31.
const LAST_DAY: u32 = 3_652_058;
/// 1753-01-01.
const FIRST_DATETIME: u32 = 639_905;
