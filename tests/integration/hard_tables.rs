//! Tables that are hard to read: without keys, with odd names, wide, of strange types.

use demo_sqlserver::schema::{ColumnDef, Key, Table};
use demo_sqlserver::{Length, SqlType, Udt, Value as Cell};
use integration_tests::{Browser, Product};
use serde_json::{Value, json};

const TEXT: SqlType = SqlType::NVarChar(Length::Limited(60));

/// All that a name may have, in the middle and at both ends.
const ODD: &str = "]['\".%_ 🙂ñ-- /*1";

fn column(name: &str, sql_type: SqlType) -> ColumnDef {
    ColumnDef {
        name: name.to_owned(),
        sql_type,
        nullable: true,
        default: None,
        identity: None,
        computed: None,
        comment: None,
    }
}

fn table(name: &str, key: &[&str], columns: Vec<ColumnDef>, rows: Vec<Vec<Cell>>) -> Table {
    let key = (!key.is_empty()).then(|| Key {
        name: "PK_of_it".to_owned(),
        columns: key.iter().map(|&column| column.to_owned()).collect(),
    });
    Table {
        schema: "odd one".to_owned(),
        name: name.to_owned(),
        columns,
        primary_key: key,
        rows,
        ..Table::default()
    }
}

fn text(value: &str) -> Cell {
    Cell::Text(value.to_owned())
}

fn tables() -> Vec<Table> {
    let long = "n".repeat(128);
    let wide = (0..500).map(|at| column(&format!("c{at}"), TEXT)).collect();
    let wide_row = |start: usize| {
        (start..start + 500)
            .map(|at| text(&at.to_string()))
            .collect()
    };
    let mut doubled = column("twice", SqlType::Int);
    doubled.computed = Some("([n]*(2))".to_owned());
    vec![
        table(
            ODD,
            &[ODD, "n"],
            vec![
                column(ODD, TEXT),
                column("n", SqlType::Int),
                column("]", TEXT),
            ],
            vec![
                vec![text("a,b/%ü'.\"]"), Cell::Int(-7), text("<script>")],
                vec![text(" "), Cell::Int(0), Cell::Null],
            ],
        ),
        table(
            "1st. of all",
            &["dbo.n"],
            vec![column("dbo.n", SqlType::BigInt)],
            vec![
                vec![Cell::Int(i64::MIN)],
                vec![Cell::Int(9_007_199_254_740_993)],
            ],
        ),
        table(
            &long,
            &[&long],
            vec![column(&long, TEXT)],
            vec![vec![text("x")]],
        ),
        table(
            "no key",
            &[],
            vec![column("a", TEXT), column("b", SqlType::Int)],
            vec![
                vec![text("same"), Cell::Int(1)],
                vec![text("same"), Cell::Int(1)],
            ],
        ),
        table("wide", &["c0"], wide, vec![wide_row(0), wide_row(1000)]),
        table(
            "strange",
            &["id"],
            vec![
                column("id", SqlType::Int),
                column("place", SqlType::Udt(Udt::Geography)),
                column("shape", SqlType::Udt(Udt::Geometry)),
                column("node", SqlType::Udt(Udt::HierarchyId)),
                column("raw", SqlType::VarBinary(Length::Max)),
                column("doc", SqlType::Xml),
                column("any", SqlType::Variant),
            ],
            vec![
                vec![
                    Cell::Int(1),
                    Cell::Null,
                    Cell::Null,
                    Cell::Bytes(vec![0x5B, 0x40]),
                    Cell::Bytes(vec![0; 200_000]),
                    text("<a b=\"c\"/>"),
                    Cell::Variant(Box::new((SqlType::Int, Cell::Int(5)))),
                ],
                vec![
                    Cell::Int(2),
                    Cell::Null,
                    Cell::Null,
                    Cell::Null,
                    Cell::Null,
                    Cell::Null,
                    Cell::Null,
                ],
            ],
        ),
        table(
            "bytes",
            &["k"],
            vec![column("k", SqlType::Binary(2)), column("v", TEXT)],
            vec![vec![Cell::Bytes(vec![0, 255]), text("first")]],
        ),
        table(
            "nothing",
            &["a"],
            vec![column("a", SqlType::Int)],
            Vec::new(),
        ),
        table(
            "computed",
            &["n"],
            vec![column("n", SqlType::Int), doubled],
            vec![vec![Cell::Int(21)]],
        ),
    ]
}

fn quoted(name: &str) -> String {
    format!("[odd one].[{}]", name.replace(']', "]]"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_is_described_sampled_searched_fetched_and_shown() {
    let product = Product::builder().tables(tables()).start().await;
    let client = product.client("demo");
    let listed = client.call("list_tables", json!({})).await;
    let listed: Vec<&str> = listed.structured()["tables"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|table| table["schema"] == "odd one")
        .map(|table| table["name"].as_str().unwrap())
        .collect();
    assert_eq!(listed.len(), tables().len());
    for table in tables() {
        let name = table.name.as_str();
        assert!(listed.contains(&name), "{name}");
        // As listed, after its schema, and quoted.
        for given in [name.to_owned(), format!("odd one.{name}"), quoted(name)] {
            let described = client
                .call("describe_table", json!({ "table_name": given }))
                .await;
            let described = described.structured();
            assert_eq!(described["table"], name, "{given}");
            assert_eq!(described["column_count"], table.columns.len(), "{given}");
        }
        let sample = client
            .call(
                "get_table_sample",
                json!({"table_name": quoted(name), "limit": 3}),
            )
            .await;
        let sample = sample.structured();
        assert_eq!(sample["row_count"], table.rows.len(), "{name}: {sample}");
        let columns: Vec<&Value> = sample["columns"]
            .as_array()
            .unwrap()
            .iter()
            .map(|column| &column["name"])
            .collect();
        let declared: Vec<&str> = table.columns.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(columns, declared, "{name}");
        let query = format!("sample {} limit 3", quoted(name));
        let found = client.call("search", json!({ "query": query })).await;
        let hits = found.structured()["results"].as_array().unwrap().clone();
        assert_eq!(
            hits.len(),
            table.rows.len(),
            "{name}: {}",
            found.structured()
        );
        for hit in hits {
            let fetched = client.call("fetch", json!({"id": hit["id"]})).await;
            let document = fetched.structured();
            assert_eq!(document["id"], hit["id"], "{name}");
            let text = document["text"].as_str().unwrap();
            assert!(
                text.lines().count() >= table.columns.len(),
                "{name}: {text}"
            );
            let url = document["url"].as_str().unwrap();
            assert_eq!(url, hit["url"], "{name}");
            let by_key = table.primary_key.is_some() && name != "bytes";
            assert_eq!(!url.is_empty(), by_key, "{name}: {url}");
            if by_key {
                let path = &url[url.find("/demo/records/").expect("our own page")..];
                let page = Browser::new()
                    .get(&format!("http://{}{path}", product.address))
                    .await;
                assert_eq!(page.status, 200, "{path}: {}", page.body);
                assert!(!page.body.contains("<script"), "{}", page.body);
            }
        }
    }
    let strange = client
        .call("get_table_sample", json!({"table_name": "strange"}))
        .await;
    let row = &strange.structured()["results"][0];
    assert_eq!(row["node"], "/1/2/");
    assert_eq!((&row["place"], &row["any"]), (&Value::Null, &json!(5)));
    assert!(row["raw"].as_str().unwrap().contains("…[+"), "cut");
    let computed = client
        .call("get_table_sample", json!({"table_name": "computed"}))
        .await;
    assert_eq!(
        computed.structured()["results"],
        json!([{"n": 21, "twice": 42}])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_of_every_type_has_places_and_hierarchies_as_text() {
    let product = Product::start().await;
    let sample = product
        .client("claude")
        .call(
            "get_table_sample",
            json!({"table_name": "AllTypes", "limit": 1}),
        )
        .await;
    let row = &sample.structured()["results"][0];
    for (column, start) in [
        ("c_geography", "POINT ("),
        ("c_geometry", "POINT ("),
        ("c_hierarchyid", "/1/2/"),
    ] {
        assert!(row[column].as_str().unwrap().starts_with(start), "{row}");
    }
    let view = product
        .client("claude")
        .call(
            "get_table_sample",
            json!({"table_name": "Sales.CustomerRevenue", "limit": 2}),
        )
        .await;
    assert_eq!(view.structured()["row_count"], 2);
}
