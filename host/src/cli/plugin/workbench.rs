//! One component in a scope of its own, on the embedded database.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use demo_sqlserver::DemoServer;
use tempfile::TempDir;

use crate::app::{App, ServedScope, ToolSetFiles};
use crate::cli::exit::UsageError;
use crate::config::Config;
use crate::state::HostKey;

/// The component, and all that it runs on.
pub(super) struct Workbench {
    pub(super) app: App,
    _server: DemoServer,
    _folder: TempDir,
}

impl Workbench {
    pub(super) async fn set(file: &Path, settings: &[(String, String)]) -> anyhow::Result<Self> {
        let name = file
            .file_stem()
            .and_then(|stem| stem.to_str())
            .filter(|_| file.extension().is_some_and(|extension| extension == "wasm"))
            .ok_or_else(|| UsageError(format!("{} is no NAME.wasm", file.display())))?;
        let server = DemoServer::start().await?;
        let folder = tempfile::tempdir()?;
        let certificate = folder.path().join("demo.pem");
        std::fs::write(&certificate, server.certificate_pem())?;
        let mut text = "[oauth]\nenabled = false\n[state]\nstore = \"memory\"\n".to_owned();
        for (label, account) in [("demo", server.reader()), ("writer", server.writer())] {
            write!(
                text,
                "[databases.{label}]\nhost = \"127.0.0.1\"\nport = {}\ndatabase = {:?}\nuser = {:?}\n\
                 password = {:?}\nca_file = '{}'\n",
                server.address().port(),
                server.database(),
                account.user,
                account.password,
                certificate.display(),
            )?;
        }
        write!(
            text,
            "[scopes.{SCOPE}]\ntool_sets = [{name:?}]\ndatabases = [\"demo\"]\n\
             read_only = false\nwrite_database = \"writer\"\n[scopes.{SCOPE}.config.{name:?}]\n"
        )?;
        for (key, value) in settings {
            writeln!(text, "{key:?} = {value:?}")?;
        }
        let config = Config::parse(&text, "the workbench's configuration")?;
        let parent = file.parent().unwrap_or(Path::new("."));
        let files = ToolSetFiles::Folder(parent.to_owned());
        let app = App::build(&config, &files, &HostKey::random()?, crate::cli::serve::compiler()).await?;
        Ok(Self {
            app,
            _server: server,
            _folder: folder,
        })
    }

    pub(super) fn scope(&self) -> anyhow::Result<Arc<ServedScope>> {
        self.app.scope(SCOPE).context("the workbench has no scope")
    }
}

/// `KEY=VALUE`
pub(super) fn setting(text: &str) -> Result<(String, String), String> {
    let (key, value) = text
        .split_once('=')
        .ok_or_else(|| "write KEY=VALUE".to_owned())?;
    Ok((key.to_owned(), value.to_owned()))
}

const SCOPE: &str = "workbench";
