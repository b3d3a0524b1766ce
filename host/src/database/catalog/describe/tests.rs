//! Catalogue rows assembled into the document.

use serde_json::{Value as Json, json};

use super::*;

fn text(value: &str) -> ColumnData<'static> {
    ColumnData::String(Some(value.to_owned().into()))
}

fn none() -> ColumnData<'static> {
    ColumnData::String(None)
}

fn int(value: i32) -> ColumnData<'static> {
    ColumnData::I32(Some(value))
}

fn bit(value: bool) -> ColumnData<'static> {
    ColumnData::Bit(Some(value))
}

fn key(name: &str, kind: &str, column: &str) -> Vec<ColumnData<'static>> {
    vec![text(name), text(kind), text(column)]
}

fn link(id: i32, parent: i32, target: i32, columns: (&str, &str)) -> Vec<ColumnData<'static>> {
    vec![
        int(id),
        int(parent),
        int(target),
        text(&format!("FK_{id}")),
        text("dbo"),
        text(&format!("t{parent}")),
        text(columns.0),
        text("dbo"),
        text(&format!("t{target}")),
        text(columns.1),
    ]
}

fn index(name: &str, column: &str, descending: bool, included: bool) -> Vec<ColumnData<'static>> {
    vec![
        text(name),
        text("NONCLUSTERED"),
        bit(true),
        none(),
        text(column),
        bit(descending),
        bit(included),
    ]
}

fn document() -> Json {
    let table = Table {
        in_default_schema: true,
        name: TableName {
            schema: "dbo".into(),
            name: "t1".into(),
        },
        kind: "table",
        approximate_rows: Some(7),
        comment: Some("c".into()),
        object_id: 1,
    };
    let columns = vec![vec![
        text("Price"),
        text("Amount"),
        text("decimal"),
        int(9),
        int(18),
        int(4),
        bit(false),
        bit(false),
        text("((0))"),
        none(),
        none(),
        none(),
        bit(true),
    ]];
    let keys = vec![
        key("PK_t1", "PK", "b"),
        key("PK_t1", "PK", "a"),
        key("UQ_1", "UQ", "x"),
        key("UQ_1", "UQ", "y"),
    ];
    let links = vec![
        link(10, 1, 2, ("a", "p")),
        link(10, 1, 2, ("b", "q")),
        link(11, 1, 1, ("parent", "id")),
        link(12, 3, 1, ("t1", "id")),
    ];
    let checks = vec![vec![text("CK_1"), text("([a]>(0))")]];
    let indexes = vec![
        index("IX_1", "a", true, false),
        index("IX_1", "b", false, false),
        index("IX_1", "c", false, true),
    ];
    let details = assemble(&table, vec![columns, keys, links, checks, indexes]);
    serde_json::to_value(details).unwrap()
}

#[test]
fn columns_have_their_exact_type_and_nulls_where_nothing_is_defined() {
    let document = document();
    assert_eq!(
        document["columns"],
        json!([{
            "name": "Price", "type": "decimal(18,4)", "nullable": false, "default": "((0))",
            "identity": false, "computed": null, "sparse": true, "comment": null
        }])
    );
    assert_eq!(document["column_count"], 1);
    assert_eq!(document["rows"], 7);
}

#[test]
fn composite_keys_keep_key_order() {
    let document = document();
    assert_eq!(document["primary_keys"], json!(["b", "a"]));
    assert_eq!(
        document["unique"],
        json!([{"name": "UQ_1", "columns": ["x", "y"]}])
    );
}

#[test]
fn foreign_keys_are_shown_both_ways_with_their_column_pairs() {
    let document = document();
    assert_eq!(
        document["foreign_keys"],
        json!([
            {"name": "FK_10", "columns": ["a", "b"],
             "references": {"schema": "dbo", "table": "t2", "columns": ["p", "q"]}},
            {"name": "FK_11", "columns": ["parent"],
             "references": {"schema": "dbo", "table": "t1", "columns": ["id"]}},
        ])
    );
    let from: Vec<_> = document["referenced_by"]
        .as_array()
        .unwrap()
        .iter()
        .map(|referrer| referrer["table"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(from, ["t1", "t3"]);
}

#[test]
fn indexes_list_keys_with_direction_and_included_columns_apart() {
    assert_eq!(
        document()["indexes"],
        json!([{"name": "IX_1", "unique": true, "type": "nonclustered",
                "columns": ["a DESC", "b"], "included": ["c"], "filter": null}])
    );
}

#[test]
fn what_a_column_is_declared_with_is_said_where_there_is_something_to_say() {
    let number = vec![
        text("n"),
        text("int"),
        text("int"),
        int(4),
        int(10),
        int(0),
        bit(false),
        bit(true),
        none(),
        none(),
        none(),
        none(),
        bit(false),
        none(),
        text("1000"),
        text("-5"),
        none(),
        bit(false),
    ];
    let alias = vec![
        text("a"),
        text("AccountNumber"),
        text("nvarchar"),
        int(30),
        int(0),
        int(0),
        bit(true),
        bit(false),
        none(),
        text("(upper([b]))"),
        none(),
        text("Latin1_General_BIN2"),
        bit(false),
        bit(true),
        none(),
        none(),
        text("Sales"),
        bit(false),
    ];
    let clr = vec![
        text("g"),
        text("geography"),
        none(),
        int(-1),
        int(0),
        int(0),
        bit(true),
        bit(false),
        none(),
        none(),
        none(),
        none(),
        bit(false),
        none(),
        none(),
        none(),
        none(),
        bit(true),
    ];
    let columns: Vec<Column> = [number, alias, clr]
        .into_iter()
        .filter_map(|row| column(Cells::new(row)))
        .collect();
    assert_eq!(
        serde_json::to_value(columns).unwrap(),
        json!([
            {"name": "n", "type": "int", "nullable": false, "default": null, "identity": true,
             "seed": "1000", "increment": "-5", "computed": null, "comment": null},
            {"name": "a", "type": "nvarchar(15)", "alias": "Sales.AccountNumber",
             "nullable": true, "default": null, "identity": false, "computed": "(upper([b]))",
             "persisted": true, "collation": "Latin1_General_BIN2", "comment": null},
            {"name": "g", "type": "geography", "nullable": true, "default": null,
             "identity": false, "computed": null, "comment": null},
        ])
    );
}

#[test]
fn actions_triggers_partitions_masks_and_history_are_there() {
    let table = Table {
        in_default_schema: true,
        name: TableName {
            schema: "dbo".into(),
            name: "t1".into(),
        },
        kind: "table",
        approximate_rows: None,
        comment: None,
        object_id: 1,
    };
    let mut cascading = link(10, 1, 2, ("a", "p"));
    cascading.extend([text("CASCADE"), text("NO_ACTION")]);
    let mut clearing = link(11, 3, 1, ("b", "q"));
    clearing.extend([text("SET_NULL"), text("SET_DEFAULT")]);
    let email = vec![text("Email"), text("nvarchar"), text("nvarchar"), int(20)];
    let mut details = assemble(
        &table,
        vec![
            vec![email],
            Vec::new(),
            vec![cascading, clearing],
            Vec::new(),
            Vec::new(),
            vec![vec![text("tr_1")], vec![text("tr_2")]],
            vec![vec![
                text("OrderDate"),
                text("ps_year"),
                text("pf_year"),
                int(12),
            ]],
        ],
    );
    add_newer(
        &mut details,
        vec![
            vec![vec![text("Email")]],
            vec![vec![int(1), text("history"), text("t1")]],
        ],
    );
    let document = serde_json::to_value(details).unwrap();
    let key = &document["foreign_keys"][0];
    assert_eq!(
        (&key["on_delete"], key.get("on_update")),
        (&json!("cascade"), None)
    );
    let referrer = &document["referenced_by"][0];
    assert_eq!(referrer["on_delete"], "set null");
    assert_eq!(referrer["on_update"], "set default");
    assert_eq!(document["triggers"], json!(["tr_1", "tr_2"]));
    assert_eq!(
        document["partitioned"],
        json!({"column": "OrderDate", "scheme": "ps_year", "function": "pf_year", "partitions": 12})
    );
    assert_eq!(document["columns"][0]["masked"], true);
    assert_eq!(
        document["temporal"],
        json!({"history_table": {"schema": "history", "table": "t1"}})
    );
}
