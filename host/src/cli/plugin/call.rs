//! `mssql-mcp plugin call`: one call, as a client would make it.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use serde_json::value::RawValue;
use tokio_util::sync::CancellationToken;

use super::workbench::Workbench;
use crate::cli::exit::{NothingDone, UsageError, print};
use crate::tools::{CallContext, CallError, Content, Reply};

pub(super) async fn run(
    file: &Path,
    tool: &str,
    arguments: &str,
    settings: &[(String, String)],
) -> anyhow::Result<()> {
    let arguments: Box<RawValue> = serde_json::from_str(arguments)
        .map_err(|error| UsageError(format!("the arguments are not JSON: {error}")))?;
    let workbench = Workbench::set(file, settings).await?;
    let scope = workbench.scope()?;
    let context = CallContext::new(Arc::clone(&scope.name), None, CancellationToken::new());
    let called = scope.tools.load_full().call(tool, Some(&arguments), context).await;
    match called {
        Ok(Reply::Complete(output)) => {
            if let Some(structured) = &output.structured {
                print(structured.get())?;
            }
            for content in &output.content {
                match content {
                    Content::Text(text) => print(text)?,
                    other => print(&format!("{other:?}"))?,
                }
            }
            Ok(())
        }
        Ok(Reply::Ask(question)) => print(&format!("{question:?}")),
        Err(CallError::Tool(error)) => {
            Err(NothingDone(serde_json::to_string(&error).context("an error as JSON")?).into())
        }
        Err(error) => Err(UsageError(error.to_string()).into()),
    }
}
