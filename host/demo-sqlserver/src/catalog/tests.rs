//! The catalogue agrees with the sample company and with itself.

use std::collections::BTreeSet;

use super::{declared, object_id, system_tables, type_id, type_name};
use crate::sample::{company, tests::fits};
use crate::schema::{Database, Table};
use crate::value::{Length, SqlType, Udt, Value};

#[test]
fn every_row_fits_the_columns_of_its_view() {
    for table in catalogue(&company()) {
        for row in &table.rows {
            assert_eq!(row.len(), table.columns.len(), "{}", table.name);
            for (value, column) in row.iter().zip(&table.columns) {
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
fn every_column_of_every_table_is_in_sys_columns_in_order() {
    let database = company();
    let tables = catalogue(&database);
    let columns = find(&tables, "columns");
    for table in &database.tables {
        let listed: Vec<&str> =
            rows_of(columns, "object_id", object_id(&table.schema, &table.name))
                .map(|row| text(columns, row, "name"))
                .collect();
        let expected: Vec<&str> = table
            .columns
            .iter()
            .map(|column| column.name.as_str())
            .collect();
        assert_eq!(listed, expected, "{}", table.name);
    }
    let view = object_id("dbo", "LateOrders");
    assert_eq!(rows_of(columns, "object_id", view).count(), 1);
}

#[test]
fn ids_are_unique_and_every_reference_finds_its_object() {
    let tables = catalogue(&company());
    let objects = find(&tables, "all_objects");
    let ids: BTreeSet<i64> = objects
        .rows
        .iter()
        .map(|row| int(objects, row, "object_id"))
        .collect();
    assert_eq!(ids.len(), objects.rows.len());
    for (view, column) in [
        ("all_columns", "object_id"),
        ("indexes", "object_id"),
        ("partitions", "object_id"),
        ("foreign_keys", "parent_object_id"),
        ("foreign_keys", "referenced_object_id"),
        ("foreign_key_columns", "constraint_object_id"),
        ("default_constraints", "object_id"),
        ("extended_properties", "major_id"),
    ] {
        let view = find(&tables, view);
        assert!(!view.rows.is_empty(), "{}", view.name);
        for row in &view.rows {
            assert!(
                ids.contains(&int(view, row, column)),
                "{}.{column}",
                view.name
            );
        }
    }
    let columns = find(&tables, "columns");
    for row in &columns.rows {
        let default = int(columns, row, "default_object_id");
        assert!(default == 0 || ids.contains(&default), "{row:?}");
    }
    assert!(ids.contains(&object_id("SYS", "Tables").into()));
}

#[test]
fn index_columns_are_in_key_order_with_direction_and_included_ones_last() {
    let tables = catalogue(&company());
    let indexes = find(&tables, "indexes");
    let index = indexes
        .rows
        .iter()
        .find(|row| {
            *cell(indexes, row, "name") == Value::Text("IX_Orders_CustomerID_OrderDate".to_owned())
        })
        .unwrap();
    let columns = find(&tables, "index_columns");
    let listed: Vec<_> = rows_of(columns, "object_id", object_id("dbo", "Orders"))
        .filter(|row| cell(columns, row, "index_id") == cell(indexes, index, "index_id"))
        .map(|row| {
            (
                int(columns, row, "column_id"),
                int(columns, row, "key_ordinal"),
                *cell(columns, row, "is_descending_key") == Value::Bit(true),
            )
        })
        .collect();
    assert_eq!(
        listed,
        [(2, 1, false), (4, 2, true), (6, 0, false), (8, 0, false)]
    );
}

#[test]
fn a_composite_foreign_key_lists_its_pairs_in_order() {
    let tables = catalogue(&company());
    let pairs = find(&tables, "foreign_key_columns");
    let key = object_id("Sales", "FK_Returns_Order_Details");
    let listed: Vec<_> = rows_of(pairs, "constraint_object_id", key)
        .map(|row| {
            [
                "constraint_column_id",
                "parent_column_id",
                "referenced_column_id",
            ]
            .map(|name| int(pairs, row, name))
        })
        .collect();
    assert_eq!(listed, [[1, 2, 1], [2, 3, 2]]);
}

#[test]
fn a_table_without_a_primary_key_is_a_heap_and_partitions_count_its_rows() {
    let database = company();
    let tables = catalogue(&database);
    let log = object_id("dbo", "ImportLog");
    let partitions = find(&tables, "partitions");
    let heap = rows_of(partitions, "object_id", log).next().unwrap();
    assert_eq!(int(partitions, heap, "index_id"), 0);
    let rows = database
        .tables
        .iter()
        .find(|table| table.name == "ImportLog")
        .unwrap()
        .rows
        .len();
    assert_eq!(int(partitions, heap, "rows"), i64::try_from(rows).unwrap());
}

#[test]
fn columns_report_length_precision_and_scale_as_sql_server_does() {
    let tables = catalogue(&company());
    let columns = find(&tables, "columns");
    let all_types = object_id("dbo", "AllTypes");
    for (name, expected) in [
        ("c_bit", [104, 104, 1, 1, 0]),
        ("c_decimal", [106, 106, 17, 38, 10]),
        ("c_decimal_5_2", [106, 106, 5, 5, 2]),
        ("c_nvarchar", [231, 231, 100, 0, 0]),
        ("c_varchar_max", [167, 167, -1, 0, 0]),
        ("c_time", [41, 41, 5, 16, 7]),
        ("c_time_0", [41, 41, 3, 8, 0]),
        ("c_datetime2_3", [42, 42, 7, 23, 3]),
        ("c_datetimeoffset", [43, 43, 10, 34, 7]),
        ("c_hierarchyid", [240, 128, 892, 0, 0]),
        ("c_rowversion", [189, 189, 8, 0, 0]),
    ] {
        let row = rows_of(columns, "object_id", all_types)
            .find(|row| text(columns, row, "name") == name)
            .unwrap();
        let facts = [
            "system_type_id",
            "user_type_id",
            "max_length",
            "precision",
            "scale",
        ];
        assert_eq!(
            facts.map(|fact| int(columns, row, fact)),
            expected,
            "{name}"
        );
    }
}

#[test]
fn types_are_found_by_name_and_declared_in_full() {
    assert_eq!(type_name(256), Some("sysname"));
    assert_eq!(type_id("NVARCHAR"), Some(231));
    assert_eq!(type_id("nosuchtype"), None);
    assert_eq!(
        declared(SqlType::Decimal {
            precision: 18,
            scale: 4
        }),
        "decimal(18,4)"
    );
    assert_eq!(declared(SqlType::NVarChar(Length::Max)), "nvarchar(max)");
    assert_eq!(declared(SqlType::Udt(Udt::Geography)), "geography");
}

#[test]
fn objects_were_made_on_the_fifteenth_of_january_2024() {
    let date = chrono::NaiveDate::from_ymd_opt(2024, 1, 15).unwrap();
    let days = chrono::Datelike::num_days_from_ce(&date) - 1;
    let Value::DateTime(day, _) = super::server::CREATED else {
        panic!();
    };
    assert_eq!(i64::from(day), i64::from(days));
}

fn catalogue(database: &Database) -> Vec<Table> {
    system_tables(database, &|_| {
        vec![("OrderID".to_owned(), SqlType::Int, true)]
    })
}

fn find<'a>(tables: &'a [Table], name: &str) -> &'a Table {
    tables.iter().find(|table| table.name == name).unwrap()
}

fn rows_of<'a>(table: &'a Table, column: &'a str, id: i32) -> impl Iterator<Item = &'a Vec<Value>> {
    table
        .rows
        .iter()
        .filter(move |row| int(table, row, column) == i64::from(id))
}

fn cell<'a>(table: &Table, row: &'a [Value], name: &str) -> &'a Value {
    &row[table
        .columns
        .iter()
        .position(|column| column.name == name)
        .unwrap()]
}

fn int(table: &Table, row: &[Value], name: &str) -> i64 {
    match cell(table, row, name) {
        Value::Int(value) => *value,
        other => panic!("{name}: {other:?}"),
    }
}

fn text<'a>(table: &Table, row: &'a [Value], name: &str) -> &'a str {
    match cell(table, row, name) {
        Value::Text(value) => value,
        other => panic!("{name}: {other:?}"),
    }
}
