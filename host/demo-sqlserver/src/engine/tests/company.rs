//! A handful of Northwind's rows.

use crate::engine::convert::convert;
use crate::schema::{ColumnDef, Database, ForeignKey, Key, Table};
use crate::value::{Length, SqlType, Value};

fn text(n: u16) -> SqlType {
    SqlType::NVarChar(Length::Limited(n))
}

fn table(
    schema: &str,
    name: &str,
    columns: &[(&str, SqlType, bool)],
    key: &[&str],
    rows: &[&[&str]],
) -> Table {
    let rows = rows
        .iter()
        .map(|row| {
            row.iter()
                .zip(columns)
                .map(|(cell, (_, sql_type, _))| match *cell {
                    "NULL" => Value::Null,
                    text => convert(
                        Value::Text(text.into()),
                        SqlType::NVarChar(Length::Max),
                        *sql_type,
                        None,
                    )
                    .unwrap(),
                })
                .collect()
        })
        .collect();
    Table {
        schema: schema.into(),
        name: name.into(),
        columns: columns
            .iter()
            .map(|(name, sql_type, nullable)| ColumnDef {
                name: (*name).into(),
                sql_type: *sql_type,
                nullable: *nullable,
                default: None,
                identity: None,
                computed: None,
                comment: None,
            })
            .collect(),
        primary_key: (!key.is_empty()).then(|| Key {
            name: format!("PK_{name}"),
            columns: key.iter().map(|k| (*k).into()).collect(),
        }),
        rows,
        ..Table::default()
    }
}

pub(super) fn company() -> Database {
    let id = SqlType::NChar(5);
    let customers = table(
        "dbo",
        "Customers",
        &[
            ("CustomerID", id, false),
            ("CompanyName", text(40), false),
            ("City", text(15), true),
            ("Country", text(15), true),
        ],
        &["CustomerID"],
        &[
            &["ALFKI", "Alfreds Futterkiste", "Berlin", "Germany"],
            &["AROUT", "Around the Horn", "London", "UK"],
            &["GREAL", "Great Lakes Food Market", "Eugene", "USA"],
            &["BLONP", "Blondesddsl père et fils", "Strasbourg", "France"],
        ],
    );
    let mut orders = table(
        "dbo",
        "Orders",
        &[
            ("OrderID", SqlType::Int, false),
            ("CustomerID", id, true),
            ("OrderDate", SqlType::DateTime, true),
            ("ShippedDate", SqlType::DateTime, true),
            ("Freight", SqlType::Money, true),
            ("ShipCountry", text(15), true),
            ("ShipRegion", text(15), true),
        ],
        &["OrderID"],
        &[
            &[
                "1",
                "ALFKI",
                "1996-07-04",
                "1996-07-16 13:00",
                "32.3800",
                "UK",
                "NULL",
            ],
            &[
                "2",
                "AROUT",
                "1996-12-31 23:00",
                "1997-01-02",
                "11.6150",
                "USA",
                "OR",
            ],
            &["3", "AROUT", "1997-01-01", "NULL", "65.8300", "usa", "or"],
            &[
                "4",
                "GREAL",
                "1998-01-01",
                "1998-01-01",
                "-0.5000",
                "France",
                "NULL",
            ],
        ],
    );
    orders.foreign_keys.push(ForeignKey {
        name: "FK_Orders_Customers".into(),
        columns: vec!["CustomerID".into()],
        references: ("dbo".into(), "Customers".into()),
        referenced_columns: vec!["CustomerID".into()],
    });
    if let Some(first) = orders.columns.first_mut() {
        first.identity = Some((1, 1));
    }
    let details = table(
        "dbo",
        "Order Details",
        &[
            ("OrderID", SqlType::Int, false),
            ("ProductID", SqlType::Int, false),
            ("UnitPrice", SqlType::Money, false),
            ("Quantity", SqlType::SmallInt, false),
        ],
        &["OrderID", "ProductID"],
        &[
            &["1", "1", "14", "12"],
            &["1", "2", "9.8", "10"],
            &["2", "1", "18.6", "9"],
            &["3", "3", "42.4", "40"],
        ],
    );
    let products = table(
        "dbo",
        "Products",
        &[
            ("ProductID", SqlType::Int, false),
            ("ProductName", text(40), false),
            ("CategoryID", SqlType::Int, true),
            ("UnitPrice", SqlType::Money, true),
        ],
        &["ProductID"],
        &[
            &["1", "Chai", "1", "18"],
            &["2", "Chang", "1", "263.5"],
            &["3", "Chef Anton's Gumbo Mix", "2", "21.35"],
            &["4", "Chocolade", "2", "263.5"],
        ],
    );
    let categories = table(
        "dbo",
        "Categories",
        &[
            ("CategoryID", SqlType::Int, false),
            ("CategoryName", text(15), false),
        ],
        &["CategoryID"],
        &[&["1", "Beverages"], &["2", "Condiments"]],
    );
    let employees = table(
        "dbo",
        "Employees",
        &[
            ("EmployeeID", SqlType::Int, false),
            ("LastName", text(20), false),
            ("FirstName", text(10), true),
            ("City", text(15), true),
            ("Region", text(15), true),
        ],
        &["EmployeeID"],
        &[
            &["1", "Davolio", "Nancy", "Seattle", "WA"],
            &["2", "Buchanan", "NULL", "", "NULL"],
        ],
    );
    let mut sales = table(
        "Sales",
        "SalesOrderDetail",
        &[
            ("SalesOrderID", SqlType::Int, false),
            ("ProductID", SqlType::Int, false),
            ("OrderQty", SqlType::SmallInt, false),
            ("UnitPrice", SqlType::Money, false),
            (
                "LineTotal",
                SqlType::Decimal {
                    precision: 38,
                    scale: 6,
                },
                false,
            ),
        ],
        &["SalesOrderID", "ProductID"],
        &[],
    );
    if let Some(total) = sales.columns.last_mut() {
        total.computed = Some("(isnull([UnitPrice]*[OrderQty],(0.0)))".into());
    }
    sales.rows = vec![
        vec![
            Value::Int(1),
            Value::Int(1),
            Value::Int(3),
            Value::Money(333_300),
        ],
        vec![
            Value::Int(1),
            Value::Int(2),
            Value::Int(1),
            Value::Money(100),
        ],
        vec![
            Value::Int(2),
            Value::Int(1),
            Value::Int(2),
            Value::Money(10_000),
        ],
    ];
    Database {
        name: "Northwind".into(),
        schemas: vec!["dbo".into(), "Sales".into()],
        tables: vec![
            customers, orders, details, products, categories, employees, sales,
        ],
        views: Vec::new(),
        policies: Vec::new(),
    }
}

/// As much of the catalogue as the functions read.
pub(super) fn system() -> Vec<Table> {
    let int = SqlType::Int;
    vec![
        table(
            "sys",
            "schemas",
            &[("schema_id", int, false), ("name", text(128), false)],
            &[],
            &[&["1", "dbo"]],
        ),
        table(
            "sys",
            "tables",
            &[
                ("object_id", int, false),
                ("schema_id", int, false),
                ("name", text(128), false),
            ],
            &[],
            &[&["7", "1", "Orders"], &["8", "1", "Order Details"]],
        ),
        table(
            "sys",
            "types",
            &[("user_type_id", int, false), ("name", text(128), false)],
            &[],
            &[&["56", "int"]],
        ),
        table(
            "sys",
            "columns",
            &[
                ("object_id", int, false),
                ("name", text(128), false),
                ("user_type_id", int, false),
            ],
            &[],
            &[&["7", "OrderID", "56"]],
        ),
    ]
}
