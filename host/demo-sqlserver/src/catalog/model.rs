//! The facts the catalogue views tell: every object, column and index of the
//! database with its id.

use super::sheet::ordinal;
use super::{ViewColumn, object_id};
use crate::schema::{Check, ColumnDef, Database, ForeignKey, Key, Table, View};
use crate::value::SqlType;

pub(super) struct Model<'a> {
    pub(super) database: &'a Database,
    /// Name and `schema_id`.
    pub(super) schemas: Vec<(&'a str, i32)>,
    pub(super) objects: Vec<Object<'a>>,
    pub(super) columns: Vec<Column<'a>>,
    pub(super) indexes: Vec<IndexFact<'a>>,
}

/// A row of `sys.objects`.
pub(super) struct Object<'a> {
    pub(super) id: i32,
    pub(super) schema: &'a str,
    pub(super) schema_id: i32,
    pub(super) name: String,
    /// 0, or the table of a constraint.
    pub(super) parent_id: i32,
    pub(super) kind: Kind<'a>,
}

#[derive(Clone, Copy)]
pub(super) enum Kind<'a> {
    Table(&'a Table),
    View(&'a View),
    /// One of the catalogue's own.
    SystemView,
    PrimaryKey(&'a Table, &'a Key),
    Unique(&'a Table, &'a Key),
    ForeignKey(&'a Table, &'a ForeignKey),
    Check(&'a Table, &'a Check),
    /// The column's ordinal and its expression.
    Default(i32, &'a str),
}

/// A column of a table or view.
#[derive(Clone)]
pub(super) struct Column<'a> {
    pub(super) object_id: i32,
    pub(super) schema: &'a str,
    pub(super) table: &'a str,
    pub(super) id: i32,
    pub(super) name: String,
    pub(super) sql_type: SqlType,
    pub(super) nullable: bool,
    /// A table's column; a view's has none.
    pub(super) definition: Option<&'a ColumnDef>,
}

/// An index of a table, its heap included.
#[derive(Clone)]
pub(super) struct IndexFact<'a> {
    pub(super) object_id: i32,
    pub(super) table: &'a Table,
    /// 0 the heap, 1 the clustered index, from 2 the others.
    pub(super) id: i32,
    pub(super) name: Option<&'a str>,
    pub(super) unique: bool,
    pub(super) primary_key: bool,
    pub(super) unique_constraint: bool,
    pub(super) keys: Vec<(&'a str, bool)>,
    pub(super) included: Vec<&'a str>,
}

impl<'a> Model<'a> {
    pub(super) fn of(
        database: &'a Database,
        view_columns: &dyn Fn(&View) -> Vec<ViewColumn>,
    ) -> Self {
        let mut model = Self {
            database,
            schemas: schemas(database),
            objects: Vec::new(),
            columns: Vec::new(),
            indexes: Vec::new(),
        };
        for table in &database.tables {
            model.add_table(table);
        }
        for view in &database.views {
            let id = model.add(&view.schema, &view.name, 0, Kind::View(view));
            let columns = view_columns(view);
            model.columns.extend(columns.into_iter().enumerate().map(
                |(index, (name, sql_type, nullable))| Column {
                    object_id: id,
                    schema: &view.schema,
                    table: &view.name,
                    id: ordinal(index),
                    name,
                    sql_type,
                    nullable,
                    definition: None,
                },
            ));
        }
        model
    }

    /// The clustered or unique index that a foreign key refers to.
    pub(super) fn referenced_index(&self, key: &ForeignKey) -> Option<&IndexFact<'a>> {
        let (schema, table) = &key.references;
        let id = object_id(schema, table);
        self.indexes.iter().find(|index| {
            index.object_id == id
                && index.unique
                && index.keys.len() == key.referenced_columns.len()
                && index
                    .keys
                    .iter()
                    .all(|(name, _)| key.referenced_columns.iter().any(|column| column == name))
        })
    }

    fn add_table(&mut self, table: &'a Table) {
        let id = self.add(&table.schema, &table.name, 0, Kind::Table(table));
        if let Some(key) = &table.primary_key {
            self.add(&table.schema, &key.name, id, Kind::PrimaryKey(table, key));
        }
        for key in &table.unique {
            self.add(&table.schema, &key.name, id, Kind::Unique(table, key));
        }
        for key in &table.foreign_keys {
            self.add(&table.schema, &key.name, id, Kind::ForeignKey(table, key));
        }
        for check in &table.checks {
            self.add(&table.schema, &check.name, id, Kind::Check(table, check));
        }
        for (index, column) in table.columns.iter().enumerate() {
            if let Some(expression) = &column.default {
                let name = default_name(&table.name, &column.name);
                self.add(
                    &table.schema,
                    &name,
                    id,
                    Kind::Default(ordinal(index), expression),
                );
            }
            self.columns.push(Column {
                object_id: id,
                schema: &table.schema,
                table: &table.name,
                id: ordinal(index),
                name: column.name.clone(),
                sql_type: column.sql_type,
                nullable: column.nullable,
                definition: Some(column),
            });
        }
        self.indexes.extend(indexes(id, table));
    }

    fn add(&mut self, schema: &'a str, name: &str, parent_id: i32, kind: Kind<'a>) -> i32 {
        let id = object_id(schema, name);
        self.objects.push(Object {
            id,
            schema,
            schema_id: schema_id(&self.schemas, schema),
            name: name.to_owned(),
            parent_id,
            kind,
        });
        id
    }
}

impl Object<'_> {
    /// `type` and `type_desc` of `sys.objects`.
    pub(super) fn code(&self) -> (&'static str, &'static str) {
        match self.kind {
            Kind::Table(_) => ("U ", "USER_TABLE"),
            Kind::View(_) | Kind::SystemView => ("V ", "VIEW"),
            Kind::PrimaryKey(..) => ("PK", "PRIMARY_KEY_CONSTRAINT"),
            Kind::Unique(..) => ("UQ", "UNIQUE_CONSTRAINT"),
            Kind::ForeignKey(..) => ("F ", "FOREIGN_KEY_CONSTRAINT"),
            Kind::Check(..) => ("C ", "CHECK_CONSTRAINT"),
            Kind::Default(..) => ("D ", "DEFAULT_CONSTRAINT"),
        }
    }
}

pub(super) fn is_system(schema: &str) -> bool {
    schema.eq_ignore_ascii_case("sys") || schema.eq_ignore_ascii_case("INFORMATION_SCHEMA")
}

pub(super) fn schema_id(schemas: &[(&str, i32)], schema: &str) -> i32 {
    schemas
        .iter()
        .find(|(name, _)| *name == schema)
        .map_or(0, |&(_, id)| id)
}

/// Ordinal of a column in its table; 0 for a name it does not have.
pub(super) fn column_id(columns: &[ColumnDef], name: &str) -> i32 {
    columns
        .iter()
        .position(|column| column.name == name)
        .map_or(0, ordinal)
}

/// The ids that SQL Server gives: four are fixed, 5 and on are the database's.
fn schemas(database: &Database) -> Vec<(&str, i32)> {
    let fixed = [
        ("dbo", 1),
        ("guest", 2),
        ("INFORMATION_SCHEMA", 3),
        ("sys", 4),
    ];
    let own = database
        .schemas
        .iter()
        .map(String::as_str)
        .filter(|name| fixed.iter().all(|(fixed, _)| fixed != name))
        .zip(5..);
    fixed.into_iter().chain(own).collect()
}

/// A name like those SQL Server makes up: `DF__Orders__Freight__0A1B2C3D`.
pub(super) fn default_name(table: &str, column: &str) -> String {
    let short = |name: &str, length| name.chars().take(length).collect::<String>();
    format!(
        "DF__{}__{}__{:08X}",
        short(table, 9),
        short(column, 5),
        object_id(table, column)
    )
}

fn indexes(object_id: i32, table: &Table) -> Vec<IndexFact<'_>> {
    let heap = IndexFact {
        object_id,
        table,
        id: 0,
        name: None,
        unique: false,
        primary_key: false,
        unique_constraint: false,
        keys: Vec::new(),
        included: Vec::new(),
    };
    let first = match &table.primary_key {
        Some(key) => IndexFact {
            id: 1,
            name: Some(&key.name),
            unique: true,
            primary_key: true,
            keys: ascending_columns(key),
            ..heap.clone()
        },
        None => heap.clone(),
    };
    let unique = table.unique.iter().map(|key| IndexFact {
        name: Some(&key.name),
        unique: true,
        unique_constraint: true,
        keys: ascending_columns(key),
        ..heap.clone()
    });
    let others = table.indexes.iter().map(|index| IndexFact {
        name: Some(&index.name),
        unique: index.unique,
        keys: index
            .columns
            .iter()
            .map(|(name, descending)| (name.as_str(), *descending))
            .collect(),
        included: index.included.iter().map(String::as_str).collect(),
        ..heap.clone()
    });
    let nonclustered = unique
        .chain(others)
        .zip(2..)
        .map(|(index, id)| IndexFact { id, ..index });
    std::iter::once(first).chain(nonclustered).collect()
}

fn ascending_columns(key: &Key) -> Vec<(&str, bool)> {
    key.columns
        .iter()
        .map(|name| (name.as_str(), false))
        .collect()
}
