//! `revenue_by_country`: a summary that is computed once in ten minutes for the
//! whole scope.

use mssql_mcp_sdk::{
    Cursor, DEFAULT_DATABASE, Failure, Host, NoArguments, Reply, Sharing, Tool, ToolInfo, Value,
};
use schemars::JsonSchema;
use serde::Serialize;

use crate::unexpected;

pub(crate) struct RevenueByCountry;

#[derive(Serialize, JsonSchema)]
struct Revenue {
    /// The best first.
    countries: Vec<Country>,
    /// Revenue of all countries, with exact digits.
    total: String,
}

#[derive(Serialize, JsonSchema)]
struct Country {
    country: String,
    orders: i64,
    /// After discount, with exact digits.
    revenue: String,
    /// Of all revenue, rounded to a tenth.
    percent: f64,
}

impl<H: Host> Tool<H> for RevenueByCountry {
    const NAME: &'static str = "revenue_by_country";
    type Arguments = NoArguments;

    fn info(&self) -> ToolInfo {
        ToolInfo::reading(
            "Revenue by country",
            "Orders, revenue after discount and share of each country that customers are in. At \
             most ten minutes old. Takes no arguments.",
        )
        .returns::<Revenue>()
    }

    fn call(&self, host: &H, _: NoArguments) -> Result<Reply<H::Cursor>, Failure> {
        // Shared by everybody in the scope: right for what everybody may see. Where
        // rows depend on who asks (row-level security), it is `Sharing::PerUser`.
        if let Some(kept) = host.cache_get(Sharing::PerScope, KEY)
            && let Ok(json) = String::from_utf8(kept)
        {
            return Ok(Reply::json_text(json));
        }
        let json = serde_json::to_string(&summary(host)?).map_err(|_| unexpected())?;
        host.cache_set(Sharing::PerScope, KEY, json.as_bytes(), TEN_MINUTES);
        Ok(Reply::json_text(json))
    }
}

fn summary<H: Host>(host: &H) -> Result<Revenue, Failure> {
    let cursor = host.query(DEFAULT_DATABASE, SQL, &[], None)?;
    let mut sums = Vec::new();
    for row in cursor.next(MAX_COUNTRIES)?.rows {
        let [
            Value::Text(country),
            Value::Int(orders),
            Value::Decimal(revenue),
        ] = row.as_slice()
        else {
            return Err(unexpected());
        };
        let amount = ten_thousandths(revenue).ok_or_else(unexpected)?;
        sums.push((country.clone(), *orders, amount));
    }
    // A share of what was left out would be wrong without a sign of it.
    if cursor.truncated().is_some() {
        return Err(unexpected());
    }
    sums.sort_by_key(|(_, _, amount)| std::cmp::Reverse(*amount));
    let total: i128 = sums.iter().map(|(_, _, amount)| amount).sum();
    Ok(Revenue {
        countries: sums
            .into_iter()
            .map(|(country, orders, amount)| Country {
                country,
                orders,
                revenue: money(amount),
                percent: percent(amount, total),
            })
            .collect(),
        total: money(total),
    })
}

/// `money` has four decimals, and arrives as its exact digits. Sums of it are sums
/// of whole numbers: a float would change the last digits.
fn ten_thousandths(digits: &str) -> Option<i128> {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction = format!("{fraction:0<4}");
    if fraction.len() > 4 {
        return None;
    }
    format!("{whole}{fraction}").parse().ok()
}

fn money(amount: i128) -> String {
    let sign = if amount < 0 { "-" } else { "" };
    let amount = amount.unsigned_abs();
    format!("{sign}{}.{:04}", amount / 10_000, amount % 10_000)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a share of a tenth of a percent needs four digits"
)]
fn percent(part: i128, total: i128) -> f64 {
    if total == 0 {
        return 0.0;
    }
    (part as f64 / total as f64 * 1_000.0).round() / 10.0
}

const KEY: &str = "revenue_by_country";
const TEN_MINUTES: u64 = 10 * 60 * 1_000;
/// More than there are.
const MAX_COUNTRIES: u32 = 300;

const SQL: &str = "
SELECT c.Country, COUNT(*) AS Orders, SUM(s.Subtotal) AS Revenue
FROM dbo.Customers AS c
JOIN dbo.Orders AS o ON o.CustomerID = c.CustomerID
JOIN dbo.[Order Subtotals] AS s ON s.OrderID = o.OrderID
GROUP BY c.Country";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_keeps_every_digit() {
        for digits in ["0.0001", "-12.3400", "922337203685477.5807", "7.0000"] {
            assert_eq!(money(ten_thousandths(digits).unwrap()), digits);
        }
        assert_eq!(ten_thousandths("3"), Some(30_000));
        for other in ["a", "1.23456", "1e3"] {
            assert_eq!(ten_thousandths(other), None, "{other}");
        }
    }
}
