//! The views of the company.

use crate::schema::View;

pub(super) fn all() -> Vec<View> {
    [
        (
            "dbo",
            "Order Subtotals",
            "Value of each order after discount",
            "SELECT d.OrderID, SUM(CONVERT(money, d.UnitPrice * d.Quantity * (1 - d.Discount))) AS Subtotal \
             FROM dbo.[Order Details] AS d GROUP BY d.OrderID",
        ),
        (
            "dbo",
            "Current Product List",
            "Products that are still sold",
            "SELECT p.ProductID, p.ProductName, c.CategoryName, p.UnitPrice \
             FROM dbo.Products AS p INNER JOIN dbo.Categories AS c ON c.CategoryID = p.CategoryID \
             WHERE p.Discontinued = 0",
        ),
        (
            "dbo",
            "LowStock",
            "Products on sale whose stock and orders are below the reorder level",
            "SELECT p.ProductID, p.ProductName, p.UnitsInStock, p.UnitsOnOrder, p.ReorderLevel, s.CompanyName AS Supplier \
             FROM dbo.Products AS p INNER JOIN dbo.Suppliers AS s ON s.SupplierID = p.SupplierID \
             WHERE p.Discontinued = 0 AND p.UnitsInStock + p.UnitsOnOrder < p.ReorderLevel",
        ),
        (
            "dbo",
            "LateOrders",
            "Orders that were shipped after the day the customer wanted them by",
            "SELECT o.OrderID, c.CustomerID, c.CompanyName, o.ShipCity, o.ShipCountry, o.RequiredDate, o.ShippedDate, \
             DATEDIFF(day, o.RequiredDate, o.ShippedDate) AS DaysLate \
             FROM dbo.Orders AS o INNER JOIN dbo.Customers AS c ON c.CustomerID = o.CustomerID \
             WHERE o.ShippedDate > o.RequiredDate",
        ),
        (
            "Sales",
            "CustomerRevenue",
            "Orders and revenue of each customer",
            "SELECT c.CustomerID, c.CompanyName, c.Country, COUNT(o.OrderID) AS Orders, SUM(o.Revenue) AS Revenue \
             FROM dbo.Customers AS c LEFT OUTER JOIN dbo.Orders AS o ON o.CustomerID = c.CustomerID \
             GROUP BY c.CustomerID, c.CompanyName, c.Country",
        ),
        (
            "Sales",
            "Customers",
            "Customers as the sales department sees them",
            "SELECT c.CustomerID, c.CompanyName, c.City, c.Country FROM dbo.Customers AS c",
        ),
    ]
    .into_iter()
    .map(|(schema, name, comment, definition)| View {
        schema: schema.to_owned(),
        name: name.to_owned(),
        definition: definition.to_owned(),
        comment: Some(comment.to_owned()),
    })
    .collect()
}
