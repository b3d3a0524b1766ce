//! Queries in the style of Northwind's, each with its whole answer.

use super::*;

#[test]
fn top_and_paging_take_their_rows() {
    assert_eq!(
        ask("SELECT TOP 2 CustomerID, CompanyName FROM Customers ORDER BY CustomerID"),
        ["ALFKI|Alfreds Futterkiste", "AROUT|Around the Horn"]
    );
    assert_eq!(
        ask("SELECT TOP (1) * FROM [Order Details] ORDER BY Quantity DESC"),
        ["3|3|42.4000|40"]
    );
    assert_eq!(
        ask("SELECT OrderID FROM dbo.Orders ORDER BY OrderID OFFSET 1 ROWS FETCH NEXT 2 ROWS ONLY"),
        ["2", "3"]
    );
    assert_eq!(
        ask("SELECT TOP 1 WITH TIES ProductID, UnitPrice FROM Products ORDER BY UnitPrice DESC")
            .len(),
        2
    );
    assert_eq!(
        ask("SELECT TOP 50 PERCENT ProductID FROM Products ORDER BY ProductID"),
        ["1", "2"]
    );
}

#[test]
fn groups_ignore_case_and_count() {
    let mut rows = ask(
        "SELECT ISNULL(ShipRegion, 'n/a') AS region, COUNT(*) AS n FROM dbo.Orders GROUP BY ISNULL(ShipRegion,'n/a')",
    );
    rows.sort();
    assert_eq!(rows, ["OR|2", "n/a|2"]);
    assert_eq!(
        ask(
            "SELECT YEAR(OrderDate) AS y, MONTH(OrderDate) AS m, SUM(Freight) AS f FROM Orders GROUP BY YEAR(OrderDate), MONTH(OrderDate) ORDER BY y, m"
        ),
        [
            "1996|7|32.3800",
            "1996|12|11.6150",
            "1997|1|65.8300",
            "1998|1|-0.5000"
        ]
    );
    assert_eq!(ask("SELECT DISTINCT ShipCountry FROM Orders WHERE ShipCountry COLLATE Latin1_General_CI_AI = 'usa'").len(), 1);
}

#[test]
fn dates_are_computed_as_sql_server_does() {
    assert_eq!(
        ask("SELECT GETDATE(), DATEADD(day, -30, GETDATE())"),
        ["May  6 2024  7:08AM|Apr  6 2024  7:08AM"]
    );
    assert_eq!(
        ask(
            "SELECT DATEDIFF(day, OrderDate, ShippedDate) FROM Orders WHERE ShippedDate IS NOT NULL ORDER BY OrderID"
        ),
        ["12", "2", "0"]
    );
    assert_eq!(
        ask("SELECT CONVERT(varchar(10), OrderDate, 120) FROM Orders WHERE OrderID = 2"),
        ["1996-12-31"]
    );
    assert_eq!(
        ask(
            "SELECT OrderID FROM Orders WHERE OrderDate >= '1997-01-01' AND OrderDate < DATEADD(year, 1, '1997-01-01')"
        ),
        ["3"]
    );
    assert_eq!(
        ask(
            "SELECT FORMAT(OrderDate, 'yyyy-MM'), DATENAME(month, OrderDate), DATEPART(quarter, OrderDate), EOMONTH(OrderDate) FROM Orders WHERE OrderID = 1"
        ),
        ["1996-07|July|3|1996-07-31"]
    );
}

#[test]
fn numbers_convert_by_their_rules() {
    assert_eq!(
        ask(
            "SELECT CAST(Freight AS int), CAST(Freight AS decimal(10,2)), CONVERT(int, Freight) FROM Orders WHERE OrderID IN (2, 4) ORDER BY OrderID"
        ),
        ["12|11.62|12", "-1|-0.50|-1"]
    );
    assert_eq!(
        ask("SELECT COUNT_BIG(*), AVG(CAST(Freight AS float)), STDEV(Freight) FROM Orders"),
        ["4|27.3313|29.0357"]
    );
    assert_eq!(
        ask(
            "SELECT CAST(1 AS bit), N'x', CONVERT(varchar(10), 0xFF, 1), $1.5, LEN(CAST(NEWID() AS varchar(36)))"
        ),
        ["1|x|0xFF|1.5000|36"]
    );
}

#[test]
fn strings_are_joined_cut_and_matched() {
    assert_eq!(
        ask(
            "SELECT c.CategoryName, STRING_AGG(p.ProductName, ', ') WITHIN GROUP (ORDER BY p.ProductName DESC) FROM Categories c JOIN Products p ON p.CategoryID = c.CategoryID GROUP BY c.CategoryName ORDER BY 1"
        ),
        [
            "Beverages|Chang, Chai",
            "Condiments|Chocolade, Chef Anton's Gumbo Mix"
        ]
    );
    assert_eq!(
        ask("SELECT FirstName + ' ' + LastName, LEN(LastName) FROM Employees ORDER BY EmployeeID"),
        ["Nancy Davolio|7", "NULL|8"]
    );
    assert_eq!(
        ask(
            "SELECT CONCAT(FirstName, ' ', LastName), COALESCE(Region, 'none'), NULLIF(City,'') FROM Employees ORDER BY EmployeeID"
        ),
        ["Nancy Davolio|WA|Seattle", " Buchanan|none|NULL"]
    );
    assert_eq!(
        ask(
            "SELECT UPPER(LEFT(CompanyName, 3)), CHARINDEX('a', CompanyName), SUBSTRING(CompanyName, 1, 4), REPLACE(CompanyName,'a','b') FROM Customers WHERE CustomerID = 'alfki'"
        ),
        ["ALF|1|Alfr|blfreds Futterkiste"]
    );
    assert_eq!(
        ask("SELECT ProductName FROM Products WHERE ProductName LIKE 'Ch[ae]%' ORDER BY 1"),
        ["Chai", "Chang", "Chef Anton's Gumbo Mix"]
    );
}

#[test]
fn ctes_windows_and_iif_work_over_groups() {
    assert_eq!(
        ask(
            "WITH monthly AS (SELECT YEAR(OrderDate) AS y, SUM(Freight) AS f FROM Orders GROUP BY YEAR(OrderDate)) SELECT y, f, LAG(f) OVER (ORDER BY y) AS prev FROM monthly ORDER BY y"
        ),
        [
            "1996|43.9950|NULL",
            "1997|65.8300|43.9950",
            "1998|-0.5000|65.8300"
        ]
    );
    assert_eq!(
        ask(
            "SELECT IIF(Freight > 20, 'high', 'low') AS band, COUNT(*) AS n FROM Orders GROUP BY IIF(Freight > 20, 'high', 'low') ORDER BY band"
        ),
        ["high|2", "low|2"]
    );
    assert_eq!(
        ask(
            "SELECT ROW_NUMBER() OVER (PARTITION BY ShipCountry ORDER BY Freight DESC) AS rn, OrderID FROM Orders ORDER BY OrderID"
        ),
        ["1|1", "2|2", "1|3", "1|4"]
    );
    assert_eq!(
        ask(
            "SELECT CustomerID, RANK() OVER (ORDER BY SUM(Freight) DESC) FROM Orders GROUP BY CustomerID ORDER BY 2"
        ),
        ["AROUT|1", "ALFKI|2", "GREAL|3"]
    );
    assert_eq!(
        ask(
            "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT SUM(i) FROM n"
        ),
        ["15"]
    );
    assert_eq!(
        fails("WITH n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n) SELECT MAX(i) FROM n")
            .number,
        530
    );
}

#[test]
fn apply_sees_the_row_on_its_left() {
    assert_eq!(
        ask(
            "SELECT o.OrderID, x.n FROM Orders o CROSS APPLY (SELECT COUNT(*) AS n FROM [Order Details] d WHERE d.OrderID = o.OrderID) x ORDER BY 1"
        ),
        ["1|2", "2|1", "3|1", "4|0"]
    );
    assert_eq!(
        ask(
            "SELECT o.OrderID, x.Quantity, x.UnitPrice FROM Orders o OUTER APPLY (SELECT TOP 1 d.Quantity, d.UnitPrice FROM [Order Details] d WHERE d.OrderID = o.OrderID ORDER BY d.Quantity DESC) x ORDER BY 1"
        ),
        ["1|12|14.0000", "2|9|18.6000", "3|40|42.4000", "4|NULL|NULL"]
    );
    assert_eq!(
        ask(
            "SELECT o.OrderID, v.x FROM Orders o CROSS APPLY (VALUES (o.OrderID * 1.5)) v(x) WHERE o.OrderID < 3 ORDER BY 1"
        ),
        ["1|1.5", "2|3.0"]
    );
}

#[test]
fn rollup_and_pivot_are_rewritten() {
    let mut rows = ask(
        "SELECT Country, City, COUNT(*) AS n FROM Customers WHERE Country IN ('UK', 'USA') GROUP BY ROLLUP (Country, City)",
    );
    rows.sort();
    assert_eq!(
        rows,
        [
            "NULL|NULL|2",
            "UK|London|1",
            "UK|NULL|1",
            "USA|Eugene|1",
            "USA|NULL|1"
        ]
    );
    assert_eq!(
        ask(
            "SELECT * FROM (SELECT ShipCountry, Freight FROM Orders) s PIVOT (SUM(Freight) FOR ShipCountry IN ([USA],[UK],[Peru])) p"
        ),
        ["77.4450|32.3800|NULL"]
    );
    assert_eq!(
        ask(
            "SELECT GROUPING(Country), COUNT(*) FROM Customers GROUP BY GROUPING SETS ((), (Country)) HAVING COUNT(*) > 1"
        ),
        ["1|4"]
    );
}

#[test]
fn json_is_read_and_written() {
    assert_eq!(
        ask("SELECT value FROM STRING_SPLIT('a,b,c', ',')"),
        ["a", "b", "c"]
    );
    assert_eq!(
        ask(
            r#"SELECT j.sku, j.n FROM OPENJSON('[{"sku":"A","n":2},{"sku":"B"}]') WITH (sku nvarchar(10) '$.sku', n int) j"#
        ),
        ["A|2", "B|NULL"]
    );
    assert_eq!(
        ask(r#"SELECT JSON_VALUE('{"a":1}', '$.a'), ISJSON('{}'), ISJSON('x')"#),
        ["1|1|0"]
    );
    assert_eq!(
        ask(r#"SELECT [key], value, type FROM OPENJSON('{"a":null,"b":[1]}')"#),
        ["a|NULL|0", "b|[1]|4"]
    );
    assert_eq!(
        ask("SELECT OrderID FROM Orders ORDER BY OrderID FOR JSON PATH"),
        [r#"[{"OrderID":1},{"OrderID":2},{"OrderID":3},{"OrderID":4}]"#]
    );
    assert_eq!(
        ask(
            "SELECT TOP 1 OrderID AS [o.id], Freight AS [o.f], ShipRegion AS r FROM Orders ORDER BY OrderID FOR JSON PATH, ROOT('x'), INCLUDE_NULL_VALUES"
        ),
        [r#"{"x":[{"o":{"id":1,"f":32.3800},"r":null}]}"#]
    );
}

#[test]
fn metadata_is_answered() {
    let version = ask("SELECT @@VERSION AS v, DB_NAME() AS d, SUSER_SNAME() AS u");
    assert!(
        version[0].contains("not Microsoft SQL Server")
            && version[0].ends_with("|Northwind|writer"),
        "{version:?}"
    );
    assert_eq!(
        ask("SELECT HAS_PERMS_BY_NAME('dbo.Orders','OBJECT','SELECT') AS p"),
        ["1"]
    );
    assert_eq!(
        ask(
            "SELECT c.name, TYPE_NAME(c.user_type_id) FROM sys.columns c WHERE c.object_id = OBJECT_ID('dbo.orders')"
        ),
        ["OrderID|int"]
    );
    assert_eq!(
        ask(
            "SELECT OBJECT_NAME(8), SCHEMA_NAME(1), OBJECT_ID('[Order Details]'), OBJECT_ID('nothing')"
        ),
        ["Order Details|dbo|8|NULL"]
    );
}

#[test]
fn computed_columns_sum_exactly() {
    assert_eq!(
        ask(
            "SELECT SalesOrderID, SUM(LineTotal) AS total FROM Sales.SalesOrderDetail GROUP BY SalesOrderID HAVING SUM(LineTotal) > 2 ORDER BY total DESC"
        ),
        ["1|100.000000"]
    );
}
