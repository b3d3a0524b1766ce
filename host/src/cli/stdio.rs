//! `mssql-mcp stdio`: one scope for a client that starts us itself.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::io::BufReader;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::mcp::transport::stdio;

use super::StdioArguments;
use super::exit::UsageError;

/// Without a server there are no pages to lead to, unless a public one has them.
const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

pub(super) async fn run(arguments: StdioArguments) -> anyhow::Result<()> {
    #[cfg(feature = "demo")]
    if arguments.demo {
        let stage = super::demo::Stage::set(None, NOWHERE).await?;
        let app = Arc::new(stage.app().await?);
        return serve(&app, arguments.scope.as_deref()).await;
    }
    let mut config = arguments.config.source().read()?;
    config.http.listen = NOWHERE;
    let key = crate::app::host_key(&config)?;
    let app = Arc::new(super::serve::app(&config, &key).await?);
    serve(&app, arguments.scope.as_deref()).await
}

async fn serve(app: &Arc<App>, scope: Option<&str>) -> anyhow::Result<()> {
    let default_scope = app.default_scope();
    let name = scope.unwrap_or(&default_scope);
    let Some(scope) = app.scope(name) else {
        let scopes = app.scopes();
        let known: Vec<&str> = scopes.iter().map(|scope| &*scope.name).collect();
        return Err(UsageError(format!(
            "there is no scope \"{name}\"; there is {}",
            known.join(", ")
        ))
        .into());
    };
    let stop = CancellationToken::new();
    let _stop = stop.clone().drop_guard();
    app.watch(&stop)?;
    let input = BufReader::new(tokio::io::stdin());
    stdio::serve(&scope.mcp, input, tokio::io::stdout()).await?;
    Ok(())
}
