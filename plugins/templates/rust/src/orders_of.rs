//! `orders_of`: a query whose rows go to the client as they come.

use mssql_mcp_sdk::{
    DEFAULT_DATABASE, Failure, Host, JsonShape, Reply, Tool, ToolInfo, int_param, text_param,
};
use schemars::JsonSchema;
use serde::Deserialize;

pub struct OrdersOf;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    /// Customer number, such as ADLEA.
    #[schemars(length(min = 1, max = 5))]
    customer: String,
    /// How many orders.
    #[serde(default = "default_limit")]
    #[schemars(range(min = 1, max = 100))]
    limit: u32,
}

impl<H: Host> Tool<H> for OrdersOf {
    const NAME: &'static str = "orders_of";
    type Arguments = Arguments;

    fn info(&self) -> ToolInfo {
        ToolInfo::reading(
            "Orders of a customer",
            "The newest orders of one customer with their value, newest first. ShippedDate is \
             null while an order is open. An unknown customer has no orders.",
        )
        .returns_rows(JsonShape::Objects)
    }

    fn call(&self, host: &H, arguments: Arguments) -> Result<Reply<H::Cursor>, Failure> {
        // The host has checked the arguments against the schema. Values are
        // parameters, never part of the statement.
        let rows = host.query(
            DEFAULT_DATABASE,
            SQL,
            &[
                text_param("customer", &arguments.customer),
                int_param("limit", arguments.limit.into()),
            ],
            None,
        )?;
        Ok(Reply::rows(rows))
    }
}

fn default_limit() -> u32 {
    10
}

const SQL: &str = "\
    SELECT TOP (@limit) o.OrderID, o.OrderDate, o.ShippedDate, s.Subtotal \
    FROM dbo.Orders AS o JOIN dbo.[Order Subtotals] AS s ON s.OrderID = o.OrderID \
    WHERE o.CustomerID = @customer ORDER BY o.OrderDate DESC, o.OrderID DESC";
