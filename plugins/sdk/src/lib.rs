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
pub mod databases;
pub mod host;
#[cfg(feature = "offers")]
pub mod offers;
pub mod sql;
pub mod statement;
pub mod testing;

mod asking;
mod imports;
mod lexer;
mod reply;
mod schema;
mod tool;

pub use asking::{Answer, Answers, Ask};
pub use bindings::exports::mssql_mcp::tools::provider::{
    Blob, Content, Failure, FieldError, Link, Problem, Question,
};
pub use bindings::mssql_mcp::database::db_catalog::{Table, TableName};
pub use bindings::mssql_mcp::database::db_query::{Batch, JsonShape, Truncation};
pub use bindings::mssql_mcp::database::types::{
    Column, Date, Datetime, DatetimeOffset, Denial, Error, LimitKind, Options, Param, ServerError,
    Time, Value,
};
pub use bindings::mssql_mcp::host::call::Ability;
pub use bindings::mssql_mcp::tools::types::{
    Access, Annotations, Icon, Manifest, OutputShape, Theme, Tool as ToolEntry,
};
pub use databases::{Databases, On};
pub use host::{Cursor, DEFAULT_DATABASE, Execute, Host, Sharing};
pub use imports::Component;
pub use reply::{Output, Reply, Structured};
pub use schema::{Arguments, NoArguments};
pub use sql::{int_param, quote, quote_table, text_param};
pub use tool::{Tool, ToolInfo, ToolSet, UntypedTool};

/// Makes a component of a function that gives the [`ToolSet`]: `fn<H: Host>()`,
/// with a tool that writes `fn<H: Host + Execute>()`. Expands to nothing outside
/// wasm.
///
/// With the feature `offers` the second argument is a value that implements the
/// trait of that name. With the feature `self-test` the last one names a
/// function `fn<H: Host>(&H) -> Result<(), String>`, which runs when the tool set
/// is loaded and can read; its error rejects the new version and keeps the one
/// that is serving, unless a database was away meanwhile:
///
/// ```text
/// mssql_mcp_sdk::export!(tool_set);
/// mssql_mcp_sdk::export!(tool_set, offers);
/// mssql_mcp_sdk::export!(tool_set, self_test = test);
/// mssql_mcp_sdk::export!(tool_set, offers, self_test = test);
/// ```
#[macro_export]
macro_rules! export {
    ($tool_set:path) => {
        $crate::export!(@component (@provider $tool_set));
    };
    ($tool_set:path, self_test = $self_test:path) => {
        $crate::export!(@component (@provider $tool_set) (@self_test $self_test));
    };
    ($tool_set:path, $offers:expr) => {
        $crate::export!(@component (@provider $tool_set) (@offers $offers));
    };
    ($tool_set:path, $offers:expr, self_test = $self_test:path) => {
        $crate::export!(
            @component (@provider $tool_set) (@offers $offers) (@self_test $self_test)
        );
    };
    (@component $(($($part:tt)*))*) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            $($crate::export!($($part)*);)*
            $crate::bindings::export!(Exported with_types_in $crate::bindings);
        };
    };
    (@provider $tool_set:path) => {
        struct Exported;

        impl $crate::bindings::exports::mssql_mcp::tools::provider::Guest for Exported {
            fn describe() -> $crate::Manifest {
                let tool_set: $crate::ToolSet<$crate::Component> = $tool_set();
                tool_set.manifest()
            }

            fn call(
                tool: ::std::string::String,
                arguments: ::std::string::String,
            ) -> ::std::result::Result<
                $crate::bindings::exports::mssql_mcp::tools::provider::Reply,
                $crate::Failure,
            > {
                let tool_set: $crate::ToolSet<$crate::Component> = $tool_set();
                tool_set
                    .call(&$crate::Component, &tool, &arguments)
                    .map(::std::convert::Into::into)
            }
        }
    };
    (@self_test $self_test:path) => {
        impl $crate::bindings::exports::mssql_mcp::tools::lifecycle::Guest for Exported {
            fn self_test() -> ::std::result::Result<(), ::std::string::String> {
                $self_test(&$crate::Component)
            }
        }
    };
    (@offers $offers:expr) => {
        impl $crate::bindings::exports::mssql_mcp::tools::resources::Guest for Exported {
            fn templates() -> ::std::vec::Vec<$crate::offers::Template> {
                $crate::offers::Offers::<$crate::Component>::templates(&$offers)
            }

            fn list()
            -> ::std::result::Result<::std::vec::Vec<$crate::offers::Entry>, $crate::Failure> {
                $crate::offers::Offers::resources(&$offers, &$crate::Component)
            }

            fn read(
                uri: ::std::string::String,
            ) -> ::std::result::Result<
                ::std::option::Option<::std::vec::Vec<$crate::offers::Contents>>,
                $crate::Failure,
            > {
                $crate::offers::Offers::read(&$offers, &$crate::Component, &uri)
            }
        }

        impl $crate::bindings::exports::mssql_mcp::tools::prompts::Guest for Exported {
            fn list() -> ::std::vec::Vec<$crate::offers::Prompt> {
                $crate::offers::Offers::<$crate::Component>::prompts(&$offers)
            }

            fn get(
                name: ::std::string::String,
                arguments: ::std::vec::Vec<(::std::string::String, ::std::string::String)>,
            ) -> ::std::result::Result<$crate::offers::PromptReply, $crate::Failure> {
                $crate::offers::Offers::prompt(&$offers, &$crate::Component, &name, &arguments)
            }
        }
    };
}
