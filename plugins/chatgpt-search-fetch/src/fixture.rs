//! A trading company as a catalogue: names, keys and types as the classic
//! sample has them, and a second schema.

use mssql_mcp_sdk::testing::{FakeHost, FakeTable};
use serde_json::{Value, json};

/// A host with the company's tables and no rows.
pub(crate) fn host() -> FakeHost {
    TABLES
        .iter()
        .fold(FakeHost::new(), |host, table| host.table(parse(table)))
}

/// `schema.name | key,key | column type, … | columns -> schema.table(columns); …`
fn parse(line: &str) -> FakeTable {
    let parts: Vec<&str> = line.split('|').map(str::trim).collect();
    let (schema, name) = parts[0].split_once('.').unwrap();
    let key: Vec<&str> = parts[1].split(',').filter(|key| !key.is_empty()).collect();
    let columns: Vec<(&str, &str)> = parts[2]
        .split(';')
        .map(|column| column.trim().split_once(' ').unwrap())
        .collect();
    let mut table = FakeTable::new(schema, name, &key, &columns);
    let mut document: Value = serde_json::from_str(&table.description).unwrap();
    document["foreign_keys"] = parts[3]
        .split(';')
        .filter(|link| !link.trim().is_empty())
        .map(|link| {
            let (columns, to) = link.trim().split_once(" -> ").unwrap();
            let (to_schema, to_table) = to.split_once('.').unwrap();
            json!({"name": "FK", "columns": [columns], "references":
                {"schema": to_schema, "table": to_table, "columns": [columns]}})
        })
        .collect();
    table.description = document.to_string();
    table
}

const TABLES: [&str; 13] = [
    "dbo.Categories | CategoryID | CategoryID int; CategoryName nvarchar(15); Description ntext |",
    "dbo.Customers | CustomerID | CustomerID nchar(5); CompanyName nvarchar(40); ContactName \
     nvarchar(30); City nvarchar(15); Country nvarchar(15); Phone nvarchar(24) |",
    "dbo.Employees | EmployeeID | EmployeeID int; LastName nvarchar(20); FirstName nvarchar(10); \
     Title nvarchar(30); BirthDate datetime; HireDate datetime; City nvarchar(15); Country \
     nvarchar(15); ReportsTo int |",
    "dbo.EmployeeTerritories | EmployeeID,TerritoryID | EmployeeID int; TerritoryID nvarchar(20) \
     | EmployeeID -> dbo.Employees; TerritoryID -> dbo.Territories",
    "dbo.Order Details | OrderID,ProductID | OrderID int; ProductID int; UnitPrice money; \
     Quantity smallint; Discount real | OrderID -> dbo.Orders; ProductID -> dbo.Products",
    "dbo.Orders | OrderID | OrderID int; CustomerID nchar(5); EmployeeID int; OrderDate \
     datetime; RequiredDate datetime; ShippedDate datetime; ShipVia int; Freight money; ShipName \
     nvarchar(40); ShipCity nvarchar(15); ShipCountry nvarchar(15) | CustomerID -> \
     dbo.Customers; EmployeeID -> dbo.Employees",
    "dbo.Products | ProductID | ProductID int; ProductName nvarchar(40); SupplierID int; \
     CategoryID int; UnitPrice money; UnitsInStock smallint; ReorderLevel smallint; Discontinued \
     bit | SupplierID -> dbo.Suppliers; CategoryID -> dbo.Categories",
    "dbo.Region | RegionID | RegionID int; RegionDescription nchar(50) |",
    "dbo.Shippers | ShipperID | ShipperID int; CompanyName nvarchar(40); Phone nvarchar(24) |",
    "dbo.Suppliers | SupplierID | SupplierID int; CompanyName nvarchar(40); City nvarchar(15); \
     Country nvarchar(15) |",
    "dbo.Territories | TerritoryID | TerritoryID nvarchar(20); TerritoryDescription nchar(50); \
     RegionID int | RegionID -> dbo.Region",
    "Sales.SalesOrderHeader | SalesOrderID | SalesOrderID int; OrderDate datetime; DueDate \
     datetime; ShipDate datetime; TotalDue money |",
    "Sales.SalesOrderDetail | SalesOrderID,SalesOrderDetailID | SalesOrderID int; \
     SalesOrderDetailID int; OrderQty smallint; UnitPrice money; LineTotal decimal(38,6) | \
     SalesOrderID -> Sales.SalesOrderHeader",
];
