//! Guest library: a tool set is a struct.
//!
//! A tool is a type with typed arguments; its schema comes from the fields and
//! their doc comments. A tool set is a list of them, made by a function that
//! [`export!`] turns into the component:
//!
//! ```
//! use mssql_mcp_sdk::{DEFAULT_DATABASE, Failure, Host, Reply, Tool, ToolInfo, ToolSet};
//! use schemars::JsonSchema;
//! use serde::Deserialize;
//!
//! /// What `orders_of` is called with.
//! #[derive(Deserialize, JsonSchema)]
//! #[serde(deny_unknown_fields)]
//! struct OrdersOf {
//!     /// Customer number, such as ALFKI.
//!     customer: String,
//! }
//!
//! struct OrdersOfCustomer;
//!
//! impl<H: Host> Tool<H> for OrdersOfCustomer {
//!     const NAME: &'static str = "orders_of";
//!     type Arguments = OrdersOf;
//!
//!     fn info(&self) -> ToolInfo {
//!         ToolInfo::reading("Orders of a customer", "All orders of one customer.")
//!     }
//!
//!     fn call(&self, host: &H, arguments: OrdersOf) -> Result<Reply<H::Cursor>, Failure> {
//!         let rows = host.query(
//!             DEFAULT_DATABASE,
//!             "SELECT * FROM dbo.Orders WHERE CustomerID = @customer",
//!             &[mssql_mcp_sdk::text_param("customer", &arguments.customer)],
//!             None,
//!         )?;
//!         Ok(Reply::rows(rows))
//!     }
//! }
//!
//! fn tool_set<H: Host + 'static>() -> ToolSet<H> {
//!     ToolSet::new("orders", "1.0.0").tool(OrdersOfCustomer)
//! }
//!
//! mssql_mcp_sdk::export!(tool_set);
//! # fn main() {}
//! ```
//!
//! Everything the tool asks of the outside goes through [`Host`], so the tool
//! runs in an ordinary test against [`testing::FakeHost`].

pub mod bindings;
pub mod host;
pub mod sql;
pub mod statement;
pub mod testing;

mod imports;
mod reply;
mod schema;
mod tool;

pub use bindings::exports::mssql_mcp::tools::provider::{
    Blob, Content, Failure, FieldError, Link, Problem, Question,
};
pub use bindings::mssql_mcp::database::db_catalog::{Table, TableName};
pub use bindings::mssql_mcp::database::db_query::{Batch, JsonShape, Truncation};
pub use bindings::mssql_mcp::database::types::{
    Column, Date, Datetime, Error, LimitKind, Options, Param, ServerError, Time, Value,
};
pub use bindings::mssql_mcp::tools::types::{Access, Annotations, Manifest, OutputShape};
pub use host::{Cursor, DEFAULT_DATABASE, Execute, Host, Sharing};
pub use imports::Component;
pub use reply::{Output, Reply, Structured};
pub use schema::{Arguments, NoArguments};
pub use sql::{int_param, quote, quote_table, text_param};
pub use tool::{Tool, ToolInfo, ToolSet};

/// Makes a component of a function `fn<H: Host>() -> ToolSet<H>` (with a tool
/// that writes: `fn<H: Host + Execute>()`). Expands to nothing outside wasm.
#[macro_export]
macro_rules! export {
    ($tool_set:path) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            use $crate::bindings::exports::mssql_mcp::tools::provider as contract;

            struct Exported;

            impl contract::Guest for Exported {
                fn describe() -> contract::Manifest {
                    let tool_set: $crate::ToolSet<$crate::Component> = $tool_set();
                    tool_set.manifest()
                }

                fn call(
                    tool: ::std::string::String,
                    arguments: ::std::string::String,
                ) -> ::std::result::Result<contract::Reply, contract::Failure> {
                    let tool_set: $crate::ToolSet<$crate::Component> = $tool_set();
                    tool_set
                        .call(&$crate::Component, &tool, &arguments)
                        .map(::std::convert::Into::into)
                }
            }

    $crate::bindings::export!(Exported with_types_in $crate::bindings);
        };
    };
}
