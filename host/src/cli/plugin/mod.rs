//! `mssql-mcp plugin`: what people who write tool sets, and operators who are
//! handed one, do with a file before it serves.

mod accept;
#[cfg(feature = "demo")]
mod call;
#[cfg(feature = "demo")]
mod check;
#[cfg(feature = "demo")]
mod diff;
#[cfg(feature = "demo")]
mod expected;
#[cfg(feature = "demo")]
mod inspect;
mod new;
#[cfg(feature = "demo")]
mod test;
#[cfg(feature = "demo")]
mod workbench;

use std::path::PathBuf;

use super::config::ConfigArguments;

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
    /// What a component is, and what it could touch
    #[cfg(feature = "demo")]
    Inspect {
        /// The component
        file: PathBuf,
        /// Answer in JSON, for programs
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        bench: workbench::BenchArguments,
    },
    /// All that loading a component would check
    #[cfg(feature = "demo")]
    Check(check::CheckArguments),
    /// Call one tool of a component, and see what it costs
    #[cfg(feature = "demo")]
    Call {
        /// The component
        file: PathBuf,
        /// The tool's name
        tool: String,
        /// Its arguments, a JSON object
        #[arg(default_value = "{}")]
        arguments: String,
        /// What the person answers when the tool asks
        #[arg(long = "answer", value_name = "KEY=JSON", value_parser = answer)]
        answers: Vec<(String, serde_json::Value)>,
        #[command(flatten)]
        bench: workbench::BenchArguments,
    },
    /// Make the calls of expected.toml, and hold the results against it
    #[cfg(feature = "demo")]
    Test {
        /// The component
        file: PathBuf,
        /// What is expected; without it expected.toml beside the component or above
        #[arg(long, value_name = "FILE")]
        expect: Option<PathBuf>,
        #[command(flatten)]
        bench: workbench::BenchArguments,
    },
    /// What changed between two versions, and what of it breaks callers
    #[cfg(feature = "demo")]
    Diff {
        /// The component as it was
        old: PathBuf,
        /// The component as it is
        new: PathBuf,
        #[command(flatten)]
        bench: workbench::BenchArguments,
    },
    /// Let a version serve that waits because it describes itself otherwise
    Accept {
        /// The tool set; without it the names of those that wait
        name: Option<String>,
        /// The version, as it was shown
        #[arg(long, value_name = "SHA256")]
        digest: Option<String>,
        #[command(flatten)]
        config: ConfigArguments,
    },
}

pub(super) async fn run(arguments: PluginArguments) -> anyhow::Result<()> {
    match arguments.command {
        Command::New { name, lang, path } => new::run(&name, lang, path.as_deref()),
        #[cfg(feature = "demo")]
        Command::Inspect { file, json, bench } => inspect::run(&file, json, &bench).await,
        #[cfg(feature = "demo")]
        Command::Check(arguments) => check::run(&arguments).await,
        #[cfg(feature = "demo")]
        Command::Call {
            file,
            tool,
            arguments,
            answers,
            bench,
        } => call::run(&file, &tool, &arguments, &answers, &bench).await,
        #[cfg(feature = "demo")]
        Command::Test {
            file,
            expect,
            bench,
        } => test::run(&file, expect.as_deref(), &bench).await,
        #[cfg(feature = "demo")]
        Command::Diff { old, new, bench } => diff::run(&old, &new, &bench).await,
        Command::Accept {
            name,
            digest,
            config,
        } => accept::run(name.as_deref(), digest.as_deref(), &config.source()),
    }
}

/// `KEY=JSON`
#[cfg(feature = "demo")]
fn answer(text: &str) -> Result<(String, serde_json::Value), String> {
    let (key, json) = text
        .split_once('=')
        .ok_or_else(|| "write KEY=JSON".to_owned())?;
    let value = serde_json::from_str(json).map_err(|error| error.to_string())?;
    Ok((key.to_owned(), value))
}
