//! `shipping_times`: reads more rows than one result may have, page by page, and
//! tells how far it is.

use mssql_mcp_sdk::{
    Cursor, DEFAULT_DATABASE, Failure, Host, NoArguments, Reply, Tool, ToolInfo, Value, int_param,
};
use schemars::JsonSchema;
use serde::Serialize;

use crate::unexpected;

pub(crate) struct ShippingTimes;

#[derive(Serialize, JsonSchema)]
struct Times {
    /// Orders that were shipped.
    orders: usize,
    /// Half of them were shipped in so many days; null without orders.
    median_days: Option<i64>,
    /// Nine of ten were.
    ninth_decile_days: Option<i64>,
    slowest_days: Option<i64>,
}

impl<H: Host> Tool<H> for ShippingTimes {
    const NAME: &'static str = "shipping_times";
    type Arguments = NoArguments;

    fn info(&self) -> ToolInfo {
        ToolInfo::reading(
            "Shipping times",
            "Days from order to shipping over all orders that were shipped: median, ninth decile \
             and the slowest. Takes no arguments.",
        )
        .returns::<Times>()
    }

    fn call(&self, host: &H, _: NoArguments) -> Result<Reply<H::Cursor>, Failure> {
        let total = count(host)?;
        let mut days = Vec::new();
        let mut after = 0;
        loop {
            let page = page(host, after)?;
            let Some((last, _)) = page.last() else {
                break;
            };
            after = *last;
            days.extend(page.iter().map(|(_, days)| *days));
            host.progress(
                approximate(days.len()),
                Some(approximate(total.max(days.len()))),
                Some("orders read"),
            );
            if page.len() < PAGE {
                break;
            }
        }
        days.sort_unstable();
        Reply::json(&Times {
            orders: days.len(),
            median_days: quantile(&days, 5),
            ninth_decile_days: quantile(&days, 9),
            slowest_days: days.last().copied(),
        })
    }
}

fn count<H: Host>(host: &H) -> Result<usize, Failure> {
    let cursor = host.query(DEFAULT_DATABASE, COUNT, &[], None)?;
    match cursor.next(1)?.rows.first().map(Vec::as_slice) {
        Some([Value::Int(count)]) => usize::try_from(*count).map_err(|_| unexpected()),
        _ => Err(unexpected()),
    }
}

/// The next orders by number, each with its days. The page begins behind the last
/// number, not at an offset: each costs the same, and none is read twice.
fn page<H: Host>(host: &H, after: i64) -> Result<Vec<(i64, i64)>, Failure> {
    let params = [int_param("after", after)];
    let cursor = host.query(DEFAULT_DATABASE, NEXT_PAGE, &params, None)?;
    let rows = cursor.next(u32::try_from(PAGE).unwrap_or(u32::MAX))?.rows;
    let days = rows.iter().map(|row| match row.as_slice() {
        [Value::Int(order), Value::Int(days)] => Ok((*order, *days)),
        _ => Err(unexpected()),
    });
    days.collect()
}

/// The least value that so many tenths of all do not exceed.
fn quantile(sorted: &[i64], tenths: usize) -> Option<i64> {
    let rank = (sorted.len() * tenths).div_ceil(10);
    sorted.get(rank.checked_sub(1)?).copied()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a bar on a screen, not a number to go on with"
)]
fn approximate(count: usize) -> f64 {
    count as f64
}

/// Rows of one statement: below the 1 000 that a scope allows unless told.
const PAGE: usize = 500;

const COUNT: &str = "SELECT COUNT(*) FROM dbo.Orders WHERE ShippedDate IS NOT NULL";

/// The number is that of [`PAGE`].
const NEXT_PAGE: &str = "
SELECT TOP (500) OrderID, DATEDIFF(day, OrderDate, ShippedDate) AS Days
FROM dbo.Orders
WHERE OrderID > @after AND ShippedDate IS NOT NULL
ORDER BY OrderID";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_one_of_the_values() {
        let days: Vec<i64> = (1..=10).collect();
        assert_eq!(quantile(&days, 5), Some(5));
        assert_eq!(quantile(&days, 9), Some(9));
        assert_eq!(quantile(&[7], 5), Some(7));
        assert_eq!(quantile(&[], 5), None);
    }

    #[test]
    fn the_statement_asks_for_one_page() {
        assert!(NEXT_PAGE.contains(&format!("TOP ({PAGE})")));
    }
}
