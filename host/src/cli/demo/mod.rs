//! `mssql-mcp demo`: everything on one machine with no set-up.

mod snippets;

use std::collections::BTreeSet;
use std::env;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use demo_sqlserver::DemoServer;
use tempfile::TempDir;

use super::exit::{UsageError, print};
use super::operator::OperatorPage;
use super::{DemoArguments, serve};
use crate::app::{self, App, AppHealth, ToolSetFiles};
use crate::clock::Clock;
use crate::config::{Config, SignIn};
use crate::entropy::Entropy;
use crate::oauth::{LOCAL_SUBJECT, OAuth, OPERATORS, Passwords, PublicUrl};
use crate::principal::Rights;
use crate::server::{self, Authentication, HostGuard};
use crate::state::{HostKey, SecretKind, Secrets, Store, Tokens};
use crate::telemetry;

pub(super) async fn run(arguments: DemoArguments) -> anyhow::Result<()> {
    let page = arguments.admin_listen.map(|page| ("--admin-listen", page));
    for (option, address) in [("--listen", arguments.listen)].into_iter().chain(page) {
        if !address.ip().is_loopback() {
            return Err(UsageError(format!(
                "{option} {address}: the demo serves this machine only; listen on 127.0.0.1"
            ))
            .into());
        }
    }
    let public_url = arguments.public_url.as_deref().map(PublicUrl::parse);
    let public_url = public_url
        .transpose()
        .map_err(|error| UsageError(format!("--public-url: {error}")))?;
    let public_url = public_url.as_ref().map(PublicUrl::as_str);
    let shutdown = serve::stop_signal()?;
    let listener = serve::bind(arguments.listen, "--listen 127.0.0.1:PORT").await?;
    let address = listener.local_addr()?;
    telemetry::start_metrics()?;
    let mut stage = Stage::set(public_url, address).await?;
    stage.config.http.admin_listen = arguments.admin_listen;
    let app = Arc::new(stage.app().await?);
    let (authentication, entrance) = if arguments.no_auth {
        (Authentication::Off, Entrance::Open)
    } else {
        let (oauth, entrance) = stage.entrance().await?;
        (Authentication::OAuth(oauth), entrance)
    };
    let oauth = match &authentication {
        Authentication::OAuth(oauth) => Some(oauth.clone()),
        Authentication::Off => None,
    };
    let guard = HostGuard::new(address, public_url)?;
    let health = AppHealth::watch(Arc::clone(&app), shutdown.clone()).await;
    let state = serve::state(&app, &stage.config, guard, authentication, &health)?;
    app.watch(&shutdown)?;
    let page = OperatorPage {
        app: &app,
        health: &health,
        oauth: oauth.as_ref(),
        edge: state.edge(),
        reload: None,
    };
    let page = page.open(&stage.config, &stage.key, &shutdown).await?;
    let base = public_url.map_or_else(|| format!("http://{address}"), ToOwned::to_owned);
    print(&snippets::ready(&base, &entrance, stage.tool_sets()))?;
    if let Some(page) = page {
        print(&format!("The operator page is on http://{page}"))?;
    }
    server::serve(listener, state, shutdown).await;
    Ok(())
}

/// How one gets in.
enum Entrance {
    /// By asking.
    Open,
    /// By a click on this machine, or with this token.
    Consent {
        /// An access token of the scope `claude`.
        token: String,
    },
    /// With a password, or with this token.
    Password {
        /// The person.
        name: &'static str,
        /// The password.
        password: String,
        /// An access token of the scope `claude`.
        token: String,
    },
}

/// The embedded SQL Server with its sample company, and what serves it.
pub(super) struct Stage {
    config: Config,
    key: HostKey,
    _server: DemoServer,
    _folder: TempDir,
}

impl Stage {
    /// Pages of records are at `listen`, where there is no public address; nowhere
    /// with port 0.
    pub(super) async fn set(public_url: Option<&str>, listen: SocketAddr) -> anyhow::Result<Self> {
        let server = DemoServer::start().await?;
        tracing::info!(
            address = %server.address(),
            "the database is the embedded one of mssql-mcp with a sample company, not SQL Server"
        );
        let folder = tempfile::tempdir()?;
        let certificate = folder.path().join("demo.pem");
        std::fs::write(&certificate, server.certificate_pem())?;
        let tool_sets = folder.path().join("tool-sets");
        std::fs::create_dir(&tool_sets)?;
        for component in SERVED {
            let path = tool_sets.join(component.name).with_extension("wasm");
            std::fs::write(path, component.wasm)?;
        }
        let mut config = Config::parse(
            &config(&server, &certificate, public_url),
            "the demo's configuration",
        )?;
        config.http.listen = listen;
        config.tool_sets.dir = tool_sets;
        config.tool_sets.cache = cache();
        Ok(Self {
            config,
            key: key()?,
            _server: server,
            _folder: folder,
        })
    }

    /// The folder whose components serve, and may be replaced while they do.
    fn tool_sets(&self) -> &Path {
        &self.config.tool_sets.dir
    }

    pub(super) async fn app(&self) -> anyhow::Result<App> {
        let files = ToolSetFiles::Folder(self.tool_sets().to_owned());
        Ok(App::build(&self.config, &files, &self.key, serve::compiler()).await?)
    }

    /// Authorization servers whose state ends with the process, and a token to
    /// begin with.
    async fn entrance(&self) -> anyhow::Result<(OAuth, Entrance)> {
        let store = Store::memory(Clock::system(), Secrets::new(&self.key, Entropy::system()));
        let oauth = app::oauth(&self.config, store)?;
        let store = oauth.store();
        if self.config.oauth.sign_in == SignIn::Consent {
            let token = issue(store, LOCAL_SUBJECT).await?;
            return Ok((oauth, Entrance::Consent { token }));
        }
        let entropy = Entropy::system();
        let password = URL_SAFE_NO_PAD.encode(entropy.bytes::<15>()?);
        let hash = Passwords::new(entropy)
            .hash(password.clone().into())
            .await?;
        store
            .add_person(PERSON, Some(&hash), &BTreeSet::from([OPERATORS.to_owned()]))
            .await?;
        let token = issue(store, PERSON).await?;
        let entrance = Entrance::Password {
            name: PERSON,
            password,
            token,
        };
        Ok((oauth, entrance))
    }
}

async fn issue(store: &Store, person: &str) -> anyhow::Result<String> {
    let secret = store.secrets().issue(SecretKind::AccessToken)?;
    let tokens = Tokens::access_only(secret.hash, TOKEN_TTL);
    store
        .issue_token("claude", person, CLIENT, Rights::READ, tokens)
        .await?;
    Ok(secret.expose().to_owned())
}

/// Who signs in to a demo that the world can reach.
const PERSON: &str = "demo";
/// What audit and lists call the client of the printed token.
const CLIENT: &str = "demo";
/// Longer than anybody looks at a demo.
const TOKEN_TTL: Duration = Duration::from_secs(30 * 24 * 3_600);

/// The demo is configured as production is, by TOML.
fn config(server: &DemoServer, certificate: &Path, public_url: Option<&str>) -> String {
    let (sign_in, http) = match public_url {
        None => ("consent", String::new()),
        Some(url) => ("password", format!("[http]\npublic_url = {url:?}\n")),
    };
    let database = server.section("demo", server.reader(), certificate);
    format!(
        r#"
default_scope = "claude"

{http}
[oauth]
sign_in = "{sign_in}"

[state]
store = "memory"

{database}
[scopes.claude]
tool_sets = ["claude-tools"]
databases = ["demo"]
people = ["*"]

[scopes.chatgpt]
tool_sets = ["chatgpt-search-fetch"]
databases = ["demo"]
people = ["*"]

[scopes.demo]
tool_sets = ["claude-tools", "chatgpt-search-fetch", "*"]
databases = ["demo"]
people = ["*"]
"#
    )
}

/// The tool sets to begin with.
const SERVED: [plugin_bundle::Component; 2] = [
    plugin_bundle::CLAUDE_TOOLS,
    plugin_bundle::CHATGPT_SEARCH_FETCH,
];

/// Where this user's programs keep what they could make again.
pub(super) fn cache() -> Option<PathBuf> {
    let cache = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| env::home_dir().map(|home| home.join(".cache")))?;
    let folder = cache.join("mssql-mcp");
    std::fs::create_dir_all(&folder).is_ok().then_some(folder)
}

/// Ids that the demo gave out stay good after a restart, where this user has a
/// folder for such things.
pub(super) fn key() -> anyhow::Result<HostKey> {
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

#[cfg(test)]
mod tests {
    use super::*;

    async fn entrance(public_url: Option<&str>) -> (OAuth, Entrance) {
        let stage = Stage::set(public_url, ([127, 0, 0, 1], 0).into())
            .await
            .unwrap();
        stage.entrance().await.unwrap()
    }

    async fn owner(oauth: &OAuth, token: &str) -> (String, String) {
        let store = oauth.store();
        let hash = store.secrets().recognise(SecretKind::AccessToken, token);
        let known = store.known_token(hash.unwrap()).await.unwrap().unwrap();
        assert_eq!(known.grant.scope, "claude");
        (known.grant.subject, known.grant.client_id)
    }

    #[tokio::test]
    async fn on_this_machine_a_click_lets_in_and_the_token_is_good() {
        let (oauth, entrance) = entrance(None).await;
        let Entrance::Consent { token } = entrance else {
            panic!("the demo asks for a password on loopback");
        };
        let owner = owner(&oauth, &token).await;
        assert_eq!(owner, (LOCAL_SUBJECT.to_owned(), "demo".to_owned()));
    }

    #[tokio::test]
    async fn behind_a_public_address_there_is_one_person_with_the_printed_password() {
        let (oauth, entrance) = entrance(Some("https://demo.example.com")).await;
        let Entrance::Password {
            name,
            password,
            token,
        } = entrance
        else {
            panic!("whoever reaches the public address comes in");
        };
        assert_eq!(owner(&oauth, &token).await.0, name);
        let people = oauth.store().people().await.unwrap();
        assert_eq!(people.len(), 1);
        let passwords = Passwords::new(Entropy::system());
        let hash = people[0].password.clone();
        assert!(passwords.verify(password.into(), hash).await);
    }
}
