//! An example of a tool set on the sample company: one tool for each thing that a
//! tool can do beside its query.
//!
//! | tool | shows |
//! |---|---|
//! | `find_orders` | parameters, and rows that never enter the guest |
//! | `revenue_by_country` | typed rows, exact sums, the cache of the scope |
//! | `shipping_times` | more rows than one result may have, page by page, with progress |
//! | `contact_of_customer` | a question to the person before the answer |

mod contact_of_customer;
mod find_orders;
mod revenue_by_country;
mod shipping_times;

use mssql_mcp_sdk::{Failure, Host, ToolSet};

use crate::contact_of_customer::ContactOfCustomer;
use crate::find_orders::FindOrders;
use crate::revenue_by_country::RevenueByCountry;
use crate::shipping_times::ShippingTimes;

/// The tools, in the order they are listed.
#[must_use]
pub fn customer_desk<H: Host + 'static>() -> ToolSet<H> {
    ToolSet::new("customer-desk", env!("CARGO_PKG_VERSION"))
        .description("Orders, revenue, shipping times and contacts of the sample company.")
        .instructions(
            "Orders of the sample company. find_orders begins with a company's name; \
             revenue_by_country and shipping_times are summaries of all orders.",
        )
        .tool(FindOrders)
        .tool(RevenueByCountry)
        .tool(ShippingTimes)
        .tool(ContactOfCustomer)
}

mssql_mcp_sdk::export!(customer_desk);

/// The tables have other columns than this set was written for.
fn unexpected() -> Failure {
    Failure::problem(
        "server-error",
        "The tables are not what this tool was written for.",
        "Read them with another tool, and tell the operator.",
    )
}

#[cfg(test)]
mod tests;
