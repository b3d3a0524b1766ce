//! `mssql-mcp doctor URL`: walks the way that Claude and ChatGPT take from an
//! address to a token, and says which step would fail and why.

mod report;
mod request;
mod walk;

#[cfg(test)]
mod tests;

use self::report::Report;
use self::request::Asker;
use super::exit::{NothingDone, UsageError, print};

/// `mssql-mcp doctor`
#[derive(Debug, clap::Args)]
pub(super) struct DoctorArguments {
    /// The address as it is typed into the client, such as
    /// https://data.example.com/claude/mcp
    url: String,
}

pub(super) async fn run(arguments: DoctorArguments) -> anyhow::Result<()> {
    let asker = Asker::new(&arguments.url).map_err(UsageError)?;
    let mut red = 0;
    for client in [walk::CLAUDE, walk::CHATGPT] {
        let mut report = Report::default();
        walk::walk(&asker, client, &mut report).await?;
        print(&format!("{}\n{report}", client.title))?;
        red += report.failures();
    }
    if red > 0 {
        return Err(NothingDone(format!("{red} of the steps would fail")).into());
    }
    print("Everything that was asked is as it should be.")
}
