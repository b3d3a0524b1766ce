//! `order`: two queries, one document, and a failure that tells a model what to
//! do next.

use mssql_mcp_sdk::{
    Cursor, DEFAULT_DATABASE, Failure, Host, Reply, Tool, ToolInfo, Value, int_param,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub struct OrderTool;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    /// Number of the order, such as 10248.
    order: i64,
}

#[derive(Serialize, JsonSchema)]
struct Order {
    order: i64,
    /// Company that ordered.
    company: String,
    /// Value of all lines after discount, with exact digits.
    subtotal: String,
    lines: Vec<Line>,
}

#[derive(Serialize, JsonSchema)]
struct Line {
    product: String,
    quantity: i64,
    /// Price of one unit, with exact digits.
    unit_price: String,
}

impl<H: Host> Tool<H> for OrderTool {
    const NAME: &'static str = "order";
    type Arguments = Arguments;

    fn info(&self) -> ToolInfo {
        ToolInfo::reading(
            "One order",
            "One order with its customer, its value and its lines. orders_of has the numbers.",
        )
        .returns::<Order>()
    }

    fn call(&self, host: &H, Arguments { order }: Arguments) -> Result<Reply<H::Cursor>, Failure> {
        let head = rows(host, HEAD, order)?;
        let (company, subtotal) = match head.first().map(Vec::as_slice) {
            Some([Value::Text(company), Value::Decimal(subtotal)]) => (company, subtotal),
            Some(_) => return Err(unexpected()),
            None => {
                return Err(Failure::problem(
                    "not-found",
                    format!("There is no order {order}."),
                    "orders_of lists the orders of a customer with their numbers.",
                ));
            }
        };
        let lines = rows(host, LINES, order)?;
        Reply::json(&Order {
            order,
            company: company.clone(),
            subtotal: subtotal.clone(),
            lines: lines
                .iter()
                .map(|row| line(row))
                .collect::<Result<_, _>>()?,
        })
    }
}

/// The rows of a small result. The cursor is closed on return: a call can have
/// one open at a time.
fn rows<H: Host>(host: &H, sql: &str, order: i64) -> Result<Vec<Vec<Value>>, Failure> {
    let cursor = host.query(DEFAULT_DATABASE, sql, &[int_param("order", order)], None)?;
    Ok(cursor.next(MAX_ROWS)?.rows)
}

fn line(row: &[Value]) -> Result<Line, Failure> {
    match row {
        [
            Value::Text(product),
            Value::Int(quantity),
            Value::Decimal(unit_price),
        ] => Ok(Line {
            product: product.clone(),
            quantity: *quantity,
            unit_price: unit_price.clone(),
        }),
        _ => Err(unexpected()),
    }
}

fn unexpected() -> Failure {
    Failure::problem(
        "server-error",
        "The tables are not what this tool was written for.",
        "Read them with another tool, and tell the operator.",
    )
}

/// More lines than any order has.
const MAX_ROWS: u32 = 1_000;

const HEAD: &str = "\
    SELECT c.CompanyName, s.Subtotal FROM dbo.Orders AS o \
    JOIN dbo.Customers AS c ON c.CustomerID = o.CustomerID \
    JOIN dbo.[Order Subtotals] AS s ON s.OrderID = o.OrderID WHERE o.OrderID = @order";

const LINES: &str = "\
    SELECT p.ProductName, d.Quantity, d.UnitPrice FROM dbo.[Order Details] AS d \
    JOIN dbo.Products AS p ON p.ProductID = d.ProductID \
    WHERE d.OrderID = @order ORDER BY d.ProductID";
