//! `mssql-mcp plugin`: what people who write tool sets, and operators who are
//! handed one, do with a file before it serves.

#[cfg(feature = "demo")]
mod call;
mod new;
#[cfg(feature = "demo")]
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
    /// Write a project that builds a tool set: tools, tests, guest library, contract
    New {
        /// Name of the tool set, such as order-desk
        name: String,
        /// Language of its sources
        #[arg(long, value_name = "LANGUAGE")]
        lang: new::Language,
        /// Folder to make; without it NAME, here
        #[arg(long, value_name = "DIR")]
        path: Option<PathBuf>,
    },
    /// Call one tool of a component, on the embedded database
    #[cfg(feature = "demo")]
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
        Command::New { name, lang, path } => new::run(&name, lang, path.as_deref()),
        #[cfg(feature = "demo")]
        Command::Call {
            file,
            tool,
            arguments,
            settings,
        } => call::run(&file, &tool, &arguments, &settings).await,
    }
}
