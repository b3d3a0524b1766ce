//! `mssql-mcp doctor URL`: walks the way that Claude and ChatGPT take from an
//! address to a sign-in page, and says which step would fail and why.

mod address;
mod discovery;
mod registration;
mod report;
mod request;
mod walk;

#[cfg(test)]
mod tests;

use std::env;
use std::io::{self, IsTerminal};

use self::report::Report;
use self::request::Asker;
use super::exit::{NothingDone, UsageError, print};

/// `mssql-mcp doctor`
#[derive(Debug, clap::Args)]
pub(super) struct DoctorArguments {
    #[arg(
        help = "The address as it is typed into the client, such as https://data.example.com/claude/mcp"
    )]
    url: String,
}

pub(super) async fn run(arguments: DoctorArguments) -> anyhow::Result<()> {
    let asker = Asker::new(&arguments.url, request::BUDGET).map_err(UsageError)?;
    let colour = io::stdout().is_terminal() && env::var_os("NO_COLOR").is_none();
    let mut failures = 0;
    for client in [walk::CLAUDE, walk::CHATGPT] {
        let mut report = Report::default();
        walk::walk(&asker, client, &mut report).await?;
        print(&format!("{}\n{}", client.title, report.text(colour)))?;
        failures += report.failures();
    }
    match failures {
        0 => print("A connector finds everything that it needs."),
        1 => Err(NothingDone("one step fails; the line above says what to change".into()).into()),
        _ => Err(NothingDone(format!(
            "{failures} steps fail; begin with the first, others may follow from it"
        ))
        .into()),
    }
}
