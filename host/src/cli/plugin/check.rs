//! `mssql-mcp plugin check`: everything that loading a file would check, in every
//! scope that would use it, without serving it.

use std::path::{Path, PathBuf};

use super::workbench::{BenchArguments, Workbench, tool_set_name};
use crate::app::{self, App, ToolSetFiles};
use crate::cli::config::ConfigArguments;
use crate::cli::exit::{NothingDone, UsageError, print};
use crate::cli::serve;
use crate::config::Source;

/// What `plugin check` checks against.
#[derive(Debug, clap::Args)]
pub(super) struct CheckArguments {
    /// The component
    file: PathBuf,
    // The scopes that name the tool set, their limits, pins and the lock.
    #[command(flatten)]
    config: ConfigArguments,
    /// A setting of the tool set, where there is no configuration
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = super::workbench::setting)]
    settings: Vec<(String, String)>,
}

pub(super) async fn run(arguments: &CheckArguments) -> anyhow::Result<()> {
    let file = &arguments.file;
    let source = arguments.config.source();
    if source.is_given() {
        in_scopes(file, &source).await
    } else {
        alone(file, &arguments.settings).await
    }
}

/// On the embedded database, under the usual limits, with the right to write.
async fn alone(file: &Path, settings: &[(String, String)]) -> anyhow::Result<()> {
    let bench = BenchArguments::with(settings);
    let workbench = Workbench::set(file, &bench).await.map_err(found)?;
    let version = workbench.version().await?;
    let tools = workbench.scope()?.tools.load().list(None).count();
    print(&format!("ok  sha256:{}", version.digest))?;
    print(&format!("ok  {tools} tools that anybody may call"))?;
    if version
        .imports
        .iter()
        .any(|import| import.contains("/db-execute@"))
    {
        print("note  it writes: a read-only scope refuses it")?;
    }
    Ok(())
}

/// As the server with that configuration would load it.
async fn in_scopes(file: &Path, source: &Source) -> anyhow::Result<()> {
    let name = tool_set_name(file)?;
    let mut config = source.read()?;
    let lock = app::lock(&config);
    let key = app::host_key(&config)?;
    config.scopes.retain(|_, scope| {
        let mut entries = scope.tool_sets.iter();
        entries.any(|entry| entry.file == name || entry.is_rest())
    });
    if config.scopes.is_empty() {
        return Err(UsageError(format!(
            "no scope of {} names the tool set \"{name}\"",
            source.name()
        ))
        .into());
    }
    config.default_scope = None;
    config.root_discovery = None;
    config.tool_sets.lock = Some("off".into());
    let folder = tempfile::tempdir()?;
    // Beside those that it is to serve with.
    for entry in std::fs::read_dir(&config.tool_sets.dir)?.flatten() {
        let other = entry.path();
        if other.extension().is_some_and(|found| found == "wasm") && other.is_file() {
            std::fs::copy(&other, folder.path().join(entry.file_name()))?;
        }
    }
    let copy = folder.path().join(&name).with_extension("wasm");
    std::fs::copy(file, copy)
        .map_err(|error| UsageError(format!("{} cannot be read: {error}", file.display())))?;
    let files = ToolSetFiles::Folder(folder.path().to_owned());
    let app = App::check(&config, &files, &key, serve::compiler()).await;
    let app = app.map_err(|error| found(error.into()))?;
    let status = app.tool_sets().remove(&name).unwrap_or_default();
    if let Some(problem) = status.problem {
        return Err(NothingDone(problem.sentence).into());
    }
    for scope in app.scopes() {
        let scope_name = &*scope.name;
        // The other tool sets of the scope would serve all the same.
        if let Some(why) = status.left_out.get(scope_name) {
            print(&format!("left out  scope {scope_name}: {why}"))?;
            continue;
        }
        if let Some(sentence) = status.untested.get(scope_name) {
            print(&format!(
                "note  scope {scope_name}: a database is away, so its self-test says nothing: \
                 {sentence}"
            ))?;
        }
        let tools = scope.tools.load().list(None).count();
        print(&format!("ok  scope {scope_name}: {tools} tools"))?;
    }
    let Some(version) = app.version(&name).await else {
        return Ok(());
    };
    let waiting = match lock {
        Some(lock) => lock.compare(&name, &version)?,
        None => Vec::new(),
    };
    if waiting.is_empty() {
        print("ok  the lock lets it serve")?;
        return match status.left_out.len() {
            0 => Ok(()),
            1 => Err(NothingDone("1 scope would do without it".to_owned()).into()),
            count => Err(NothingDone(format!("{count} scopes would do without it")).into()),
        };
    }
    for change in &waiting {
        print(&format!("waits  {change}"))?;
    }
    Err(NothingDone(format!(
        "the version would wait until it is accepted with: mssql-mcp plugin accept {name}"
    ))
    .into())
}

/// What is wrong with the file is what was looked for.
fn found(error: anyhow::Error) -> anyhow::Error {
    match error.downcast_ref::<app::BuildError>() {
        Some(_) => NothingDone(error.to_string()).into(),
        None => error,
    }
}
