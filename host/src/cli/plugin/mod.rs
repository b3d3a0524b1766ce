//! `mssql-mcp plugin`: what people who write tool sets, and operators who are
//! handed one, do with a file before it serves.

mod call;
mod workbench;

use std::path::PathBuf;

/// `mssql-mcp plugin`
#[derive(Debug, clap::Args)]
pub(super) struct PluginArguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Call one tool of a component, on the embedded database
    Call {
        /// The component
        file: PathBuf,
        /// The tool's name
        tool: String,
        /// Its arguments, a JSON object
        #[arg(default_value = "{}")]
        arguments: String,
        /// A setting of the tool set, as its scope would give it
        #[arg(long = "set", value_name = "KEY=VALUE", value_parser = workbench::setting)]
        settings: Vec<(String, String)>,
    },
}

pub(super) async fn run(arguments: PluginArguments) -> anyhow::Result<()> {
    match arguments.command {
        Command::Call {
            file,
            tool,
            arguments,
            settings,
        } => call::run(&file, &tool, &arguments, &settings).await,
    }
}
