//! `find_orders`: what the model wrote becomes parameters; rows go through.

use mssql_mcp_sdk::sql::contains_pattern;
use mssql_mcp_sdk::{
    DEFAULT_DATABASE, Failure, Host, JsonShape, Reply, Tool, ToolInfo, int_param, text_param,
};
use schemars::JsonSchema;
use serde::Deserialize;

pub(crate) struct FindOrders;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Arguments {
    /// Part of the company's name, such as Adler.
    #[schemars(length(min = 1, max = 40))]
    company: String,
    /// Only orders that are not shipped yet.
    #[serde(default)]
    open_only: bool,
    /// How many orders.
    #[serde(default = "default_limit")]
    #[schemars(range(min = 1, max = 200))]
    limit: u32,
}

impl<H: Host> Tool<H> for FindOrders {
    const NAME: &'static str = "find_orders";
    type Arguments = Arguments;

    fn info(&self) -> ToolInfo {
        ToolInfo::reading(
            "Find orders",
            "Orders of the companies whose name has `company` in it, newest first, with their \
             value after discount. ShippedDate is null while an order is open. No rows: no such \
             company, or no such order.",
        )
        .returns_rows(JsonShape::Objects)
    }

    fn call(&self, host: &H, arguments: Arguments) -> Result<Reply<H::Cursor>, Failure> {
        let rows = host.query(
            DEFAULT_DATABASE,
            SQL,
            &[
                // `%` and `_` in a name mean themselves.
                text_param("company", &contains_pattern(&arguments.company)),
                int_param("open_only", arguments.open_only.into()),
                int_param("limit", arguments.limit.into()),
            ],
            None,
        )?;
        Ok(Reply::rows(rows))
    }
}

fn default_limit() -> u32 {
    20
}

/// One text for every call: the server keeps one plan.
const SQL: &str = r"
SELECT TOP (@limit) o.OrderID, c.CompanyName, o.OrderDate, o.ShippedDate, s.Subtotal
FROM dbo.Orders AS o
JOIN dbo.Customers AS c ON c.CustomerID = o.CustomerID
JOIN dbo.[Order Subtotals] AS s ON s.OrderID = o.OrderID
WHERE c.CompanyName LIKE @company ESCAPE '\' AND (@open_only = 0 OR o.ShippedDate IS NULL)
ORDER BY o.OrderDate DESC, o.OrderID DESC";
