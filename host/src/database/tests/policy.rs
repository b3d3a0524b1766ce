//! The policy on the embedded SQL Server: what is masked or kept back shows
//! nowhere, and what is told by no comparison.

use serde_json::{Value as Json, json};

use super::{Stage, ask, document};
use crate::database::*;

fn texts(entries: &[&str]) -> Vec<String> {
    entries.iter().map(|entry| (*entry).to_owned()).collect()
}

fn under(stage: &Stage, read_only: bool, policy: &PolicyConfig) -> Database {
    let config = stage.config(read_only);
    let limits = QueryLimits::default();
    let policy = Policy::new(policy).expect("a sound policy");
    Database::with_policy(config, limits, policy, Handle::current()).expect("a configuration")
}

/// Phones and salaries masked, and what the personnel office notes kept back.
fn masks() -> PolicyConfig {
    PolicyConfig {
        deny: texts(&["dbo.SensitiveData"]),
        mask: texts(&["dbo.Customers.Phone", "dbo.Employees.HireDate"]),
        ..PolicyConfig::default()
    }
}

/// A statement that reads the phone, how many rows it gives, and what must be in them.
const MATRIX: &[(&str, usize, &str)] = &[
    (
        "SELECT Phone AS p FROM Customers WHERE CustomerID = '{ID}'",
        1,
        "***",
    ),
    (
        "SELECT c.Phone + '!' AS e FROM dbo.Customers AS c WHERE c.CustomerID = '{ID}'",
        1,
        "***!",
    ),
    (
        "SELECT REVERSE(SUBSTRING(Phone, 1, 2)) AS e FROM Customers WHERE CustomerID = '{ID}'",
        1,
        "**",
    ),
    (
        "SELECT CustomerID FROM Customers WHERE Phone LIKE '[0-9(]%'",
        0,
        "",
    ),
    (
        "SELECT CustomerID FROM Customers WHERE Phone = '{CLEAR}'",
        0,
        "",
    ),
    (
        "SELECT CustomerID FROM Customers WHERE '{CLEAR}' IN (Phone)",
        0,
        "",
    ),
    (
        "SELECT CASE WHEN Phone = '{CLEAR}' THEN 'known' ELSE 'unknown' END AS k FROM Customers WHERE CustomerID = '{ID}'",
        1,
        "\"unknown\"",
    ),
    (
        "SELECT TOP 1 Phone FROM Customers ORDER BY Phone DESC",
        1,
        "***",
    ),
    (
        "SELECT Phone, COUNT(*) AS n FROM Customers GROUP BY Phone",
        1,
        "***",
    ),
    (
        "SELECT COUNT(DISTINCT Phone) AS n FROM Customers",
        1,
        "\"n\":1",
    ),
    (
        "SELECT MAX(Phone) AS m FROM Customers HAVING MIN(Phone) = '***'",
        1,
        "***",
    ),
    (
        "SELECT TOP 3 a.Phone FROM Customers a JOIN dbo.Customers b ON a.Phone = b.Phone",
        3,
        "***",
    ),
    (
        "SELECT o.OrderID FROM Orders o JOIN Customers c ON c.CustomerID = o.CustomerID AND c.Phone = '{CLEAR}'",
        0,
        "",
    ),
    (
        "SELECT (SELECT c.Phone FROM Customers c WHERE c.CustomerID = '{ID}') AS p",
        1,
        "***",
    ),
    (
        "SELECT 1 AS one WHERE EXISTS (SELECT 1 FROM Customers WHERE Phone = '{CLEAR}')",
        0,
        "",
    ),
    (
        "WITH c AS (SELECT CustomerID, Phone AS q FROM Customers) SELECT q FROM c WHERE CustomerID = '{ID}'",
        1,
        "***",
    ),
    (
        "WITH Mine AS (SELECT * FROM dbo.Customers) SELECT Phone FROM Mine WHERE CustomerID = '{ID}'",
        1,
        "***",
    ),
    (
        "SELECT d.p FROM (SELECT Phone AS p, CustomerID FROM dbo.Customers) AS d WHERE d.CustomerID = '{ID}'",
        1,
        "***",
    ),
    (
        "SELECT * FROM Customers WHERE CustomerID = '{ID}'",
        1,
        "***",
    ),
    (
        "SELECT c.* FROM [dbo].[Customers] c WHERE c.CustomerID = '{ID}'",
        1,
        "***",
    ),
    (
        "SELECT dbo.Customers.Phone FROM dbo.Customers WHERE dbo.Customers.CustomerID = '{ID}'",
        1,
        "***",
    ),
    (
        "SELECT CustomerID, Phone FROM Customers WHERE CustomerID = '{ID}' FOR JSON PATH",
        1,
        "***",
    ),
    (
        "SELECT '{CLEAR}' AS p INTERSECT SELECT Phone FROM Customers",
        0,
        "",
    ),
    (
        "SELECT '{CLEAR}' AS p EXCEPT SELECT Phone FROM Customers",
        1,
        "",
    ),
    (
        "SELECT Phone FROM Customers UNION SELECT Phone FROM Customers",
        1,
        "***",
    ),
    (
        "SELECT TOP 1 x.p FROM Orders o CROSS APPLY (SELECT c.Phone AS p FROM Customers c WHERE c.CustomerID = o.CustomerID) x",
        1,
        "***",
    ),
    (
        "SELECT ROW_NUMBER() OVER (PARTITION BY Phone ORDER BY CustomerID) AS n FROM Customers WHERE CustomerID = '{ID}'",
        1,
        "\"n\":1",
    ),
];

#[tokio::test]
async fn a_masked_column_shows_nowhere_and_no_comparison_tells_it() {
    let stage = Stage::new().await;
    let clear = stage.reader(QueryLimits::default());
    let sql = "SELECT TOP 1 CustomerID, Phone FROM dbo.Customers WHERE Phone IS NOT NULL";
    let row = document(&clear, sql).await["results"][0].clone();
    let id = row["CustomerID"].as_str().unwrap();
    let phone = row["Phone"].as_str().unwrap();
    let masked = under(&stage, true, &masks());
    let mut unsupported = Vec::new();
    for (sql, rows, shows) in MATRIX {
        let sql = sql.replace("{CLEAR}", phone).replace("{ID}", id);
        let text = match masked.query(ask(&sql)).await {
            Ok(mut cursor) => cursor.document(JsonShape::Objects).await.expect(&sql),
            Err(Error::Unsupported(why)) => {
                unsupported.push(format!("{sql}: {why}"));
                continue;
            }
            Err(error) => panic!("{sql}: {error}"),
        };
        let document: Json = serde_json::from_str(&text).unwrap();
        assert_eq!(document["row_count"], *rows, "{sql}: {text}");
        assert!(text.contains(shows), "{sql}: {text}");
        let given = sql.contains(phone);
        assert!(given || !text.contains(phone), "{sql}: {text}");
    }
    assert!(unsupported.len() <= 2, "{unsupported:#?}");
    // What is told of an error is the mask.
    let error = masked
        .query(ask(
            "SELECT CustomerID FROM Customers WHERE CAST(Phone AS int) = 1",
        ))
        .await;
    let error = error
        .err()
        .map(|error| error.to_string())
        .unwrap_or_default();
    assert!(!error.contains(phone), "{error}");
}

#[tokio::test]
async fn masked_columns_keep_their_types_and_are_marked() {
    let stage = Stage::new().await;
    let clear = stage.reader(QueryLimits::default());
    let masked = under(&stage, true, &masks());
    let sql = "SELECT TOP 2 * FROM dbo.Employees";
    let (before, after) = (document(&clear, sql).await, document(&masked, sql).await);
    let columns = after["columns"].as_array().unwrap();
    assert_eq!(before["columns"].as_array().unwrap().len(), columns.len());
    for (before, after) in before["columns"].as_array().unwrap().iter().zip(columns) {
        assert_eq!(before["name"], after["name"]);
        assert_eq!(before["type"], after["type"], "{after}");
        let is_masked = after["name"] == "HireDate";
        assert_eq!(after.get("masked").is_some(), is_masked, "{after}");
    }
    assert_eq!(after["results"][0]["HireDate"], Json::Null);
    assert_eq!(
        after["results"][0]["LastName"],
        before["results"][0]["LastName"]
    );
    let cursor = masked.query(ask(sql)).await.unwrap();
    let marked: Vec<&str> = cursor
        .columns()
        .iter()
        .filter(|column| column.masked)
        .map(|column| column.name.as_str())
        .collect();
    assert_eq!(marked, ["HireDate"]);
}

#[tokio::test]
async fn a_table_that_is_kept_back_is_named_nowhere() {
    let stage = Stage::new().await;
    let database = under(&stage, true, &masks());
    for sql in [
        "SELECT * FROM dbo.SensitiveData",
        "SELECT 1 WHERE EXISTS (SELECT 1 FROM sensitivedata WHERE Salary > 1)",
        "SELECT name FROM sys.tables",
        "SELECT OBJECT_ID('dbo.SensitiveData')",
    ] {
        let error = database.query(ask(sql)).await.err();
        let Some(Error::Denied(denial)) = error else {
            panic!("{sql}: {error:?}");
        };
        let hint = denial.hint.unwrap_or_default();
        assert!(!hint.contains("SensitiveData"), "{hint}");
    }
    let tables = database.tables().await.unwrap();
    assert!(
        tables
            .iter()
            .all(|table| table.name.name != "SensitiveData")
    );
    assert!(
        tables.iter().any(|table| table.name.name == "LateOrders"),
        "a view that reads others"
    );
    for given in ["SensitiveData", "dbo.SensitiveDat"] {
        let error = database.resolve(given).await.unwrap_err();
        assert!(
            matches!(&error, Error::UnknownName(names)
            if names.iter().all(|name| !name.contains("SensitiveData"))),
            "{error:?}"
        );
    }
    let name = |name: &str| TableName {
        schema: "dbo".to_owned(),
        name: name.to_owned(),
    };
    let hidden = name("SensitiveData");
    assert!(matches!(
        database.describe(&hidden).await,
        Err(Error::UnknownName(_))
    ));
    assert!(matches!(
        database.primary_key(&hidden).await,
        Err(Error::UnknownName(_))
    ));
    let employees = database.describe(&name("Employees")).await.unwrap();
    assert!(!employees.contains("SensitiveData"), "{employees}");
    let employees: Json = serde_json::from_str(&employees).unwrap();
    let columns = employees["columns"].as_array().unwrap();
    let masked: Vec<&Json> = columns
        .iter()
        .filter(|column| column["masked"] == true)
        .map(|column| &column["name"])
        .collect();
    assert_eq!(masked, [&json!("HireDate")]);
}

#[tokio::test]
async fn views_follow_what_they_read() {
    let stage = Stage::new().await;
    let names = async |policy: &PolicyConfig| {
        let tables = under(&stage, true, policy).tables().await.unwrap();
        let names = tables.iter().map(|table| table.name.to_string());
        names.collect::<Vec<String>>()
    };
    let company = PolicyConfig {
        mask: texts(&["dbo.Customers.CompanyName"]),
        ..PolicyConfig::default()
    };
    let seen = names(&company).await;
    for hidden in ["Sales.Customers", "dbo.LateOrders", "Sales.CustomerRevenue"] {
        assert!(!seen.contains(&hidden.to_owned()), "{hidden}");
    }
    assert!(seen.contains(&"dbo.LowStock".to_owned()));
    let phone = PolicyConfig {
        mask: texts(&["dbo.Customers.Phone"]),
        ..PolicyConfig::default()
    };
    assert!(
        names(&phone).await.contains(&"Sales.Customers".to_owned()),
        "it leaves the phone out"
    );
    let sales = PolicyConfig {
        allow: texts(&["Sales.*"]),
        ..PolicyConfig::default()
    };
    let seen = names(&sales).await;
    assert!(
        !seen.contains(&"Sales.Customers".to_owned()),
        "it reads dbo.Customers"
    );
    assert!(seen.iter().all(|name| name.starts_with("Sales.")));
    let listed = PolicyConfig {
        allow: texts(&["Sales.Customers"]),
        ..PolicyConfig::default()
    };
    assert_eq!(names(&listed).await, ["Sales.Customers"]);
    let database = under(&stage, true, &listed);
    let rows = document(&database, "SELECT TOP 1 CompanyName FROM Sales.Customers").await;
    assert_eq!(rows["row_count"], 1);
    assert!(
        database
            .query(ask("SELECT * FROM dbo.Customers"))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn writes_leave_alone_what_is_kept_back_or_masked() {
    let stage = Stage::new().await;
    let writer = under(&stage, false, &masks());
    for sql in [
        "DELETE FROM dbo.SensitiveData",
        "UPDATE Customers SET City = 'x' WHERE Phone LIKE '0%'",
        "INSERT INTO dbo.Shippers (CompanyName, Phone) SELECT CompanyName, Phone FROM dbo.Customers",
    ] {
        let refused = writer.execute(ask(sql)).await.err();
        assert!(
            matches!(&refused, Some(Error::Denied(denial))
            if denial.code == "table-not-allowed"),
            "{sql}: {refused:?}"
        );
    }
    let sql = "UPDATE dbo.Shippers SET Phone = '1' WHERE ShipperID = 1";
    assert_eq!(writer.execute(ask(sql)).await.unwrap().rows_affected, 1);
}
