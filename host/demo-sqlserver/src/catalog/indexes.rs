//! Indexes with their columns, and the rows and pages they hold.

use super::model::{IndexFact, Model, column_id};
use super::sheet::{
    Field, NVARCHAR_MAX, SYSNAME, absent, count, int, maybe, never, nvarchar, optional, ordinal,
    required, sheet, text,
};
use crate::schema::Table;
use crate::value::SqlType::{BigInt, Bit, Int, SmallInt, TinyInt};
use crate::value::Value;

pub(super) fn tables(model: &Model<'_>) -> Vec<Table> {
    let partitions = || {
        model
            .indexes
            .iter()
            .zip(FIRST_PARTITION..)
            .map(|(index, id)| Partition { index, id })
    };
    vec![
        sheet("sys", "indexes", &index_fields(), &model.indexes),
        sheet("sys", "index_columns", &column_fields(), columns(model)),
        sheet("sys", "partitions", &partition_fields(), partitions()),
        sheet(
            "sys",
            "dm_db_partition_stats",
            &statistics_fields(),
            partitions(),
        ),
        // No table is spread.
        sheet("sys", "partition_schemes", &scheme_fields(), None::<()>),
        sheet("sys", "partition_functions", &function_fields(), None::<()>),
    ]
}

fn scheme_fields() -> Vec<Field<()>> {
    vec![
        absent("name", SYSNAME),
        absent("data_space_id", Int),
        absent("function_id", Int),
    ]
}

fn function_fields() -> Vec<Field<()>> {
    vec![
        absent("name", SYSNAME),
        absent("function_id", Int),
        absent("fanout", Int),
        absent("boundary_value_on_right", Bit),
    ]
}

struct IndexColumn {
    object_id: i32,
    index_id: i32,
    place: i32,
    column_id: i32,
    /// 0 for an included column.
    key_ordinal: i32,
    descending: bool,
}

struct Partition<'a> {
    index: &'a IndexFact<'a>,
    id: i64,
}

impl Partition<'_> {
    fn rows(&self) -> i64 {
        count(self.index.table.rows.len())
    }

    /// Pages of 8 KiB, taking a row for 100 bytes.
    fn pages(&self) -> i64 {
        self.rows() / 80 + 1
    }
}

fn columns(model: &Model<'_>) -> Vec<IndexColumn> {
    let mut columns = Vec::new();
    for index in &model.indexes {
        let keys = index
            .keys
            .iter()
            .enumerate()
            .map(|(place, &(name, descending))| (name, ordinal(place), descending));
        let included = index.included.iter().map(|&name| (name, 0, false));
        columns.extend(keys.chain(included).enumerate().map(
            |(place, (name, key_ordinal, descending))| IndexColumn {
                object_id: index.object_id,
                index_id: index.id,
                place: ordinal(place),
                column_id: column_id(&index.table.columns, name),
                key_ordinal,
                descending,
            },
        ));
    }
    columns
}

fn index_fields<'a>() -> Vec<Field<&'a IndexFact<'a>>> {
    vec![
        required("object_id", Int, |row| int(row.object_id)),
        optional("name", SYSNAME, |row| maybe(row.name, text)),
        required("index_id", Int, |row| int(row.id)),
        required("type", TinyInt, |row| int(row.id.min(2))),
        optional("type_desc", nvarchar(60), |row| {
            text(match row.id {
                0 => "HEAP",
                1 => "CLUSTERED",
                _ => "NONCLUSTERED",
            })
        }),
        optional("is_unique", Bit, |row| Value::Bit(row.unique)),
        optional("data_space_id", Int, |_| int(1)),
        never("ignore_dup_key"),
        required("is_primary_key", Bit, |row| Value::Bit(row.primary_key)),
        required("is_unique_constraint", Bit, |row| {
            Value::Bit(row.unique_constraint)
        }),
        required("fill_factor", TinyInt, |_| int(0)),
        never("is_padded"),
        never("is_disabled"),
        never("is_hypothetical"),
        never("is_ignored_in_optimization"),
        required("allow_row_locks", Bit, |_| Value::Bit(true)),
        required("allow_page_locks", Bit, |_| Value::Bit(true)),
        never("has_filter"),
        absent("filter_definition", NVARCHAR_MAX),
        absent("compression_delay", Int),
        never("suppress_dup_key_messages"),
        never("auto_created"),
        never("optimize_for_sequential_key"),
    ]
}

fn column_fields() -> Vec<Field<IndexColumn>> {
    vec![
        required("object_id", Int, |row| int(row.object_id)),
        required("index_id", Int, |row| int(row.index_id)),
        required("index_column_id", Int, |row| int(row.place)),
        required("column_id", Int, |row| int(row.column_id)),
        required("key_ordinal", TinyInt, |row| int(row.key_ordinal)),
        required("partition_ordinal", TinyInt, |_| int(0)),
        required("is_descending_key", Bit, |row| Value::Bit(row.descending)),
        required("is_included_column", Bit, |row| {
            Value::Bit(row.key_ordinal == 0)
        }),
        required("column_store_order_ordinal", TinyInt, |_| int(0)),
    ]
}

fn partition_fields<'a>() -> Vec<Field<Partition<'a>>> {
    vec![
        required("partition_id", BigInt, |row| int(row.id)),
        required("object_id", Int, |row| int(row.index.object_id)),
        required("index_id", Int, |row| int(row.index.id)),
        required("partition_number", Int, |_| int(1)),
        required("hobt_id", BigInt, |row| int(row.id)),
        optional("rows", BigInt, |row| int(row.rows())),
        required("filestream_filegroup_id", SmallInt, |_| int(0)),
        required("data_compression", TinyInt, |_| int(0)),
        optional("data_compression_desc", nvarchar(60), |_| text("NONE")),
    ]
}

fn statistics_fields<'a>() -> Vec<Field<Partition<'a>>> {
    vec![
        optional("partition_id", BigInt, |row| int(row.id)),
        required("object_id", Int, |row| int(row.index.object_id)),
        required("index_id", Int, |row| int(row.index.id)),
        required("partition_number", Int, |_| int(1)),
        optional("in_row_data_page_count", BigInt, |row| int(row.pages())),
        optional("in_row_used_page_count", BigInt, |row| int(row.pages() + 1)),
        optional("in_row_reserved_page_count", BigInt, |row| {
            int(row.pages() + 1)
        }),
        optional("lob_used_page_count", BigInt, |_| int(0)),
        optional("lob_reserved_page_count", BigInt, |_| int(0)),
        optional("row_overflow_used_page_count", BigInt, |_| int(0)),
        optional("row_overflow_reserved_page_count", BigInt, |_| int(0)),
        optional("used_page_count", BigInt, |row| int(row.pages() + 1)),
        optional("reserved_page_count", BigInt, |row| int(row.pages() + 1)),
        optional("row_count", BigInt, |row| int(row.rows())),
    ]
}

/// Where SQL Server begins to number the partitions of users' tables.
const FIRST_PARTITION: i64 = 72_057_594_037_927_936;
