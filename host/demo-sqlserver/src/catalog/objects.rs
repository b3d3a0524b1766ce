//! `sys.objects`, `sys.tables`, `sys.views` and the modules; and the kinds of
//! object this database has none of.

use super::model::{Kind, Model, Object, schema_id};
use super::object_id;
use super::server::CREATED;
use super::sheet::{
    Field, NVARCHAR_MAX, SYSNAME, absent, int, never, nvarchar, optional, required, sheet, text,
};
use crate::schema::Table;
use crate::value::SqlType::{Bit, Char, DateTime, Int, SmallInt, TinyInt, Variant};
use crate::value::Value;

/// What stands for a row of `sys.objects`.
pub(super) trait AsObject {
    fn object(&self) -> &Object<'_>;
}

impl AsObject for Object<'_> {
    fn object(&self) -> &Object<'_> {
        self
    }
}

impl AsObject for &Object<'_> {
    fn object(&self) -> &Object<'_> {
        self
    }
}

pub(super) fn tables(model: &Model<'_>) -> Vec<Table> {
    let of = |wanted: fn(&Kind<'_>) -> bool| {
        model
            .objects
            .iter()
            .filter(move |object| wanted(&object.kind))
    };
    let none = std::iter::empty::<&Object<'_>>;
    vec![
        sheet("sys", "objects", &fields(), &model.objects),
        sheet(
            "sys",
            "tables",
            &table_fields(),
            of(|kind| matches!(kind, Kind::Table(_))),
        ),
        sheet(
            "sys",
            "views",
            &view_fields(),
            of(|kind| matches!(kind, Kind::View(_))),
        ),
        sheet(
            "sys",
            "sql_modules",
            &module_fields(),
            of(|kind| matches!(kind, Kind::View(_))),
        ),
        sheet("sys", "procedures", &procedure_fields(), none()),
        sheet("sys", "synonyms", &synonym_fields(), none()),
        sheet("sys", "sequences", &sequence_fields(), none()),
        sheet("sys", "triggers", &trigger_fields(), none()),
        sheet("sys", "parameters", &parameter_fields(), none()),
        sheet(
            "sys",
            "sql_expression_dependencies",
            &dependency_fields(),
            dependencies(model),
        ),
    ]
}

/// The objects of the database, the catalogue views in `system`, and itself.
pub(super) fn all_objects(model: &Model<'_>, system: &[Table]) -> Table {
    let views = system
        .iter()
        .map(|table| (table.schema.as_str(), table.name.as_str()))
        .chain([("sys", "all_objects"), ("sys", "all_columns")])
        .map(|(schema, name)| Object {
            id: object_id(schema, name),
            schema,
            schema_id: schema_id(&model.schemas, schema),
            name: name.to_owned(),
            parent_id: 0,
            kind: Kind::SystemView,
        });
    let own = model.objects.iter().map(|object| Object {
        name: object.name.clone(),
        ..*object
    });
    sheet("sys", "all_objects", &fields(), own.chain(views))
}

/// The text of a view.
pub(super) fn module(object: &Object<'_>) -> Value {
    match object.kind {
        Kind::View(view) => text(format!(
            "CREATE VIEW [{}].[{}] AS {}",
            view.schema, view.name, view.definition
        )),
        _ => Value::Null,
    }
}

/// The columns that every view over objects begins with.
pub(super) fn fields<T: AsObject>() -> Vec<Field<T>> {
    vec![
        required("name", SYSNAME, |row: &T| text(row.object().name.as_str())),
        required("object_id", Int, |row: &T| int(row.object().id)),
        absent("principal_id", Int),
        required("schema_id", Int, |row: &T| int(row.object().schema_id)),
        required("parent_object_id", Int, |row: &T| {
            int(row.object().parent_id)
        }),
        required("type", Char(2), |row: &T| text(row.object().code().0)),
        optional("type_desc", nvarchar(60), |row: &T| {
            text(row.object().code().1)
        }),
        required("create_date", DateTime, |_| CREATED),
        required("modify_date", DateTime, |_| CREATED),
        required("is_ms_shipped", Bit, |row: &T| {
            Value::Bit(matches!(row.object().kind, Kind::SystemView))
        }),
        never("is_published"),
        never("is_schema_published"),
    ]
}

fn table_fields<T: AsObject>() -> Vec<Field<T>> {
    let mut fields = fields();
    fields.extend([
        required("lob_data_space_id", Int, |_| int(0)),
        required("max_column_id_used", Int, |row: &T| {
            match row.object().kind {
                Kind::Table(table) => Value::Int(super::sheet::count(table.columns.len())),
                _ => int(0),
            }
        }),
        required("uses_ansi_nulls", Bit, |_| Value::Bit(true)),
        never("is_replicated"),
        never("is_memory_optimized"),
        required("durability", TinyInt, |_| int(0)),
        optional("durability_desc", nvarchar(60), |_| text("SCHEMA_AND_DATA")),
        required("temporal_type", TinyInt, |_| int(0)),
        optional("temporal_type_desc", nvarchar(60), |_| {
            text("NON_TEMPORAL_TABLE")
        }),
        absent("history_table_id", Int),
        never("is_external"),
        never("is_node"),
        never("is_edge"),
    ]);
    fields
}

fn view_fields<T: AsObject>() -> Vec<Field<T>> {
    let mut fields = fields();
    fields.extend([
        never("is_replicated"),
        never("has_replication_filter"),
        never("has_opaque_metadata"),
        never("has_unchecked_assembly_data"),
        never("with_check_option"),
        never("is_date_correlation_view"),
    ]);
    fields
}

fn module_fields<T: AsObject>() -> Vec<Field<T>> {
    vec![
        required("object_id", Int, |row: &T| int(row.object().id)),
        optional("definition", NVARCHAR_MAX, |row: &T| module(row.object())),
        required("uses_ansi_nulls", Bit, |_| Value::Bit(true)),
        required("uses_quoted_identifier", Bit, |_| Value::Bit(true)),
        never("is_schema_bound"),
        never("uses_database_collation"),
        never("is_recompiled"),
        never("null_on_null_input"),
        absent("execute_as_principal_id", Int),
        never("uses_native_compilation"),
    ]
}

fn procedure_fields<T: AsObject>() -> Vec<Field<T>> {
    let mut fields = fields();
    fields.extend([
        never("is_auto_executed"),
        never("is_execution_replicated"),
        never("is_repl_serializable_only"),
        never("skips_repl_constraints"),
    ]);
    fields
}

fn synonym_fields<T: AsObject>() -> Vec<Field<T>> {
    let mut fields = fields();
    fields.push(absent("base_object_name", nvarchar(1035)));
    fields
}

fn sequence_fields<T: AsObject>() -> Vec<Field<T>> {
    let mut fields = fields();
    fields.extend([
        absent("start_value", Variant),
        absent("increment", Variant),
        absent("minimum_value", Variant),
        absent("maximum_value", Variant),
        absent("is_cycling", Bit),
        absent("current_value", Variant),
    ]);
    fields
}

fn trigger_fields<T: AsObject>() -> Vec<Field<T>> {
    vec![
        absent("name", SYSNAME),
        absent("object_id", Int),
        absent("parent_class", TinyInt),
        absent("parent_class_desc", nvarchar(60)),
        absent("parent_id", Int),
        absent("type", Char(2)),
        absent("type_desc", nvarchar(60)),
        absent("create_date", DateTime),
        absent("modify_date", DateTime),
        never("is_ms_shipped"),
        never("is_disabled"),
        never("is_not_for_replication"),
        never("is_instead_of_trigger"),
    ]
}

/// A view and a table or view that it reads.
type Dependency<'a> = (&'a Object<'a>, &'a Object<'a>);

/// What the views read: their texts name everything with its schema.
fn dependencies<'a>(model: &'a Model<'_>) -> Vec<Dependency<'a>> {
    let read = |object: &&Object<'_>| matches!(object.kind, Kind::Table(_) | Kind::View(_));
    let mut dependencies = Vec::new();
    for view in &model.objects {
        let Kind::View(text) = view.kind else {
            continue;
        };
        let read = model.objects.iter().filter(read);
        let named = read.filter(|object| names(&text.definition, object));
        dependencies.extend(named.map(|object| (view, object)));
    }
    dependencies
}

fn names(definition: &str, object: &Object<'_>) -> bool {
    let plain = format!("{}.{}", object.schema, object.name);
    let ends = |(at, name): (usize, &str)| {
        let rest = definition.get(at + name.len()..).unwrap_or_default();
        !rest.starts_with(|next: char| next.is_alphanumeric() || next == '_')
    };
    definition.match_indices(&plain).any(ends)
        || definition.contains(&format!("{}.[{}]", object.schema, object.name))
}

fn dependency_fields<'a>() -> Vec<Field<Dependency<'a>>> {
    vec![
        required("referencing_id", Int, |row: &Dependency<'_>| int(row.0.id)),
        required("referencing_minor_id", Int, |_| int(0)),
        required("referencing_class", TinyInt, |_| int(1)),
        optional("referencing_class_desc", nvarchar(60), |_| {
            text("OBJECT_OR_COLUMN")
        }),
        never("is_schema_bound_reference"),
        required("referenced_class", TinyInt, |_| int(1)),
        optional("referenced_class_desc", nvarchar(60), |_| {
            text("OBJECT_OR_COLUMN")
        }),
        absent("referenced_server_name", SYSNAME),
        absent("referenced_database_name", SYSNAME),
        optional("referenced_schema_name", SYSNAME, |row: &Dependency<'_>| {
            text(row.1.schema)
        }),
        required("referenced_entity_name", SYSNAME, |row: &Dependency<'_>| {
            text(row.1.name.as_str())
        }),
        optional("referenced_id", Int, |row: &Dependency<'_>| int(row.1.id)),
        required("referenced_minor_id", Int, |_| int(0)),
        never("is_caller_dependent"),
        never("is_ambiguous"),
    ]
}

fn parameter_fields<T>() -> Vec<Field<T>> {
    vec![
        absent("object_id", Int),
        absent("name", SYSNAME),
        absent("parameter_id", Int),
        absent("system_type_id", TinyInt),
        absent("user_type_id", Int),
        absent("max_length", SmallInt),
        absent("precision", TinyInt),
        absent("scale", TinyInt),
        never("is_output"),
        never("has_default_value"),
        absent("default_value", Variant),
        absent("is_nullable", Bit),
    ]
}
