//! `list_databases`: which labels the argument `database` can name.

use mssql_mcp_sdk::{Databases, Failure, Host, NoArguments, Reply, Tool, ToolInfo};
use schemars::JsonSchema;
use serde::Serialize;

pub(crate) struct ListDatabases(pub(crate) Databases);

impl<H: Host> Tool<H> for ListDatabases {
    const NAME: &'static str = "list_databases";
    type Arguments = NoArguments;

    fn info(&self) -> ToolInfo {
        ToolInfo::reading(
            "List databases",
            "Lists the databases that can be queried, by the names that the argument `database` \
             of the other tools takes. `default` is the one they use without it. A statement \
             reads one database. Takes no arguments.",
        )
        .returns::<Labels>()
    }

    fn call(&self, _: &H, _: NoArguments) -> Result<Reply<H::Cursor>, Failure> {
        let labels = self.0.labels();
        Reply::json(&Labels {
            databases: labels
                .iter()
                .enumerate()
                .map(|(at, name)| Entry {
                    name: name.clone(),
                    default: at == 0,
                })
                .collect(),
            count: labels.len(),
        })
    }
}

#[derive(Serialize, JsonSchema)]
struct Labels {
    databases: Vec<Entry>,
    /// Number of entries in `databases`.
    count: usize,
}

#[derive(Serialize, JsonSchema)]
struct Entry {
    /// What the argument `database` takes.
    name: String,
    /// Whether the tools use it without that argument.
    default: bool,
}
