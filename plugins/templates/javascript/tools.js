// The tools of __NAME__.

import { containsPattern, fail, json, rows, toolSet } from "./mssql-mcp.js";

export default toolSet({
  name: "__NAME__",
  version: "0.1.0",
  description: "Orders and products of the sample company.",
  instructions:
    "find_products finds what is sold, orders_of what a customer bought, order_total what one order is worth.",
  tools: {
    find_products: {
      title: "Find products",
      description:
        "Products whose name contains a word, with price and stock. Products that are no longer sold are left out.",
      input: {
        word: { type: "string", minLength: 1, description: "Part of the product's name." },
        limit: { type: "integer", minimum: 1, maximum: 100, default: 20, description: "How many at most." },
      },
      output: "rows",
      call({ word, limit }, host) {
        const sql = `SELECT TOP (@limit) p.ProductID, p.ProductName, c.CategoryName, p.UnitPrice, p.UnitsInStock
          FROM dbo.Products AS p LEFT JOIN dbo.Categories AS c ON c.CategoryID = p.CategoryID
          WHERE p.Discontinued = 0 AND p.ProductName LIKE @word ESCAPE '\\'
          ORDER BY p.ProductName`;
        return rows(host.query(sql, { word: containsPattern(word), limit }));
      },
    },

    orders_of: {
      title: "Orders of a customer",
      description: "All orders of one customer, the newest first.",
      input: { customer: { type: "string", pattern: "^[A-Za-z]{5}$", description: "Customer number, such as YELLA." } },
      output: "rows",
      call({ customer }, host) {
        const sql = `SELECT OrderID, OrderDate, ShippedDate, ShipCity, ShipCountry, Freight
          FROM dbo.Orders WHERE CustomerID = @customer ORDER BY OrderDate DESC, OrderID DESC`;
        return rows(host.query(sql, { customer }));
      },
    },

    order_total: {
      title: "Total of an order",
      description: "What one order is worth after discounts, without freight, and how many lines it has.",
      input: { order: { type: "integer", description: "Order number, such as 10248." } },
      output: {
        order: { type: "integer" },
        customer: { type: ["string", "null"], description: "Customer number." },
        lines: { type: "integer" },
        total: { type: "string", description: "In US dollars, with exact digits." },
      },
      call({ order }, host) {
        // SQL Server does the sum: its decimals are exact, JavaScript's numbers are not.
        const sql = `SELECT o.CustomerID, COUNT(*) AS lines,
            CAST(SUM(d.UnitPrice * d.Quantity * (1 - CAST(d.Discount AS decimal(5, 4)))) AS decimal(19, 2)) AS total
          FROM dbo.Orders AS o JOIN dbo.[Order Details] AS d ON d.OrderID = o.OrderID
          WHERE o.OrderID = @order GROUP BY o.CustomerID`;
        const found = host.query(sql, { order }).first();
        if (!found) fail("not-found", `There is no order ${order}.`, "orders_of lists the orders of a customer.");
        return json({ order, customer: found.CustomerID, lines: found.lines, total: found.total });
      },
    },
  },
});
