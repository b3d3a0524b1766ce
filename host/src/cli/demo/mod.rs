//! `mssql-mcp demo`: everything on one machine with no set-up.

mod snippets;

use std::env;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use demo_sqlserver::DemoServer;
use tempfile::TempDir;

use super::exit::{UsageError, print};
use super::{DemoArguments, serve};
use crate::app::{App, ToolSetFiles};
use crate::clock::Clock;
use crate::config::Config;
use crate::entropy::Entropy;
use crate::oauth::{
    Admission, LOCAL_SUBJECT, OAuth, OAuthConfig, RedirectRule, ScopeAccess, SignInMethod,
};
use crate::principal::Rights;
use crate::server::{self, Authentication, HostGuard};
use crate::state::{HostKey, SecretKind, Secrets, Store, Tokens};

pub(super) async fn run(arguments: DemoArguments) -> anyhow::Result<()> {
    if !arguments.listen.ip().is_loopback() {
        return Err(UsageError(format!(
            "--listen {}: the demo serves this machine only; listen on 127.0.0.1",
            arguments.listen
        ))
        .into());
    }
    let shutdown = serve::stop_signal()?;
    let listener = serve::bind(arguments.listen, "--listen 127.0.0.1:PORT").await?;
    let stage = Stage::set().await?;
    let app = Arc::new(stage.app().await?);
    let (authentication, token) = if arguments.no_auth {
        (Authentication::Off, None)
    } else {
        let oauth = stage.oauth(&app);
        let token = new_token(&oauth).await?;
        (Authentication::OAuth(oauth), Some(token))
    };
    let address = listener.local_addr()?;
    let guard = HostGuard::new(address, None)?;
    let state = serve::state(&app, guard, authentication, &shutdown).await?;
    print(&snippets::ready(address, token.as_deref()))?;
    server::serve(listener, state, shutdown).await;
    Ok(())
}

/// The embedded SQL Server with its sample company, and what serves it.
pub(super) struct Stage {
    config: Config,
    key: HostKey,
    _server: DemoServer,
    _certificate: TempDir,
}

impl Stage {
    pub(super) async fn set() -> anyhow::Result<Self> {
        let server = DemoServer::start().await?;
        tracing::info!(
            address = %server.address(),
            "the database is the embedded one of mssql-mcp with a sample company, not SQL Server"
        );
        let folder = tempfile::tempdir()?;
        let certificate = folder.path().join("demo.pem");
        std::fs::write(&certificate, server.certificate_pem())?;
        let config = Config::parse(
            &config(&server, &certificate.display().to_string()),
            "the demo's configuration",
        )?;
        Ok(Self {
            config,
            key: key()?,
            _server: server,
            _certificate: folder,
        })
    }

    /// Whoever is at this machine may enter, after a click.
    fn oauth(&self, app: &App) -> OAuth {
        let secrets = Secrets::new(&self.key, Entropy::system());
        let scopes = app.scopes().iter().map(|scope| ScopeAccess {
            name: scope.name.to_string(),
            people: vec![Admission::Everybody],
            writers: Vec::new(),
            writable: false,
            redirects: RedirectRule::well_known(),
        });
        OAuth::new(OAuthConfig {
            store: Store::memory(Clock::system(), secrets),
            scopes: scopes.collect(),
            default_scope: app.default_scope().to_string(),
            root_discovery: app.default_scope().to_string(),
            public_url: None,
            sign_in: SignInMethod::Consent,
            access_token_ttl: TOKEN_TTL,
            refresh_token_ttl: TOKEN_TTL,
        })
    }

    pub(super) async fn app(&self) -> anyhow::Result<App> {
        let bundle = plugin_bundle::ALL
            .iter()
            .map(|component| (component.name, component.wasm));
        let files = ToolSetFiles::Bundled(bundle.collect());
        Ok(App::build(&self.config, &files, &self.key).await?)
    }
}

/// The demo is configured as production is, by TOML.
fn config(server: &DemoServer, certificate: &str) -> String {
    let log_in = server.reader();
    format!(
        r#"
default_scope = "claude"

[databases.demo]
host = "127.0.0.1"
port = {port}
database = "{database}"
user = "{user}"
password = "{password}"
ca_file = '{certificate}'

[scopes.claude]
tool_sets = ["claude-tools"]
databases = ["demo"]

[scopes.chatgpt]
tool_sets = ["chatgpt-search-fetch"]
databases = ["demo"]

[scopes.demo]
tool_sets = ["claude-tools", "chatgpt-search-fetch"]
databases = ["demo"]
"#,
        port = server.address().port(),
        database = server.database(),
        user = log_in.user,
        password = log_in.password,
    )
}

/// Ids that the demo gave out stay good after a restart, where this user has a
/// folder for such things.
fn key() -> anyhow::Result<HostKey> {
    let state = env::var_os("XDG_STATE_HOME")
        .map(PathBuf::from)
        .or_else(|| env::home_dir().map(|home| home.join(".local").join("state")));
    match state {
        Some(folder) => match HostKey::load_or_create(&folder.join("mssql-mcp").join("demo-key")) {
            Ok(key) => Ok(key),
            Err(error) => {
                tracing::warn!("{error}; ids of results end with this process");
                Ok(HostKey::random()?)
            }
        },
        None => Ok(HostKey::random()?),
    }
}

/// For the line that the demo prints.
async fn new_token(oauth: &OAuth) -> anyhow::Result<String> {
    let secret = oauth.store().secrets().issue(SecretKind::AccessToken)?;
    let tokens = Tokens {
        access: secret.hash,
        access_ttl: TOKEN_TTL,
        refresh: None,
        refresh_ttl: TOKEN_TTL,
    };
    let (scope, rights) = ("claude", Rights::READ);
    let store = oauth.store();
    store
        .issue_token(scope, LOCAL_SUBJECT, "demo", rights, tokens)
        .await?;
    Ok(secret.expose().to_owned())
}

/// As long as anybody looks at a demo.
const TOKEN_TTL: Duration = Duration::from_secs(24 * 60 * 60);
