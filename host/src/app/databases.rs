//! From what the operator wrote of a database to its pool, and whether its
//! log-in is fit for what the scope may do.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join_all;
use secrecy::SecretString;
use tokio::runtime::Handle;
use url::Url;

use super::{BuildError, ServedScope, bytes};
use crate::config::{
    ApplicationIntent, Auth, BinaryForm, CLAIM, Config, ConfigError, DatabaseSection, Encrypt,
    ScopeSection,
};
use crate::database::{
    self, Binary, ClientCredentials, ContextValue, Database, DatabaseConfig, Policy, PolicyConfig,
    PoolConfig, QueryLimits, SessionContext, TokenSource,
};

/// Opens a scope's pool for the database `label`, to read or to write through;
/// nothing is connected yet.
/// Each scope has pools of its own, so that one cannot take another's places.
pub(super) fn open(
    config: &Config,
    label: &str,
    (name, scope): (&str, &ScopeSection),
    read_only: bool,
    io: &Handle,
) -> Result<Database, BuildError> {
    let Some(section) = config.databases.get(label) else {
        return Err(BuildError::NoDatabase(label.to_owned()));
    };
    let policy = Policy::new(&policy(scope)).map_err(|source| BuildError::Policy {
        scope: name.to_owned(),
        source,
    })?;
    let settings = DatabaseConfig {
        session_context: context(name, scope),
        // Where a scope writes anyway, the log-in it reads through may write too.
        allow_writable_login: section.allow_writable_login || !scope.read_only,
        ..settings(label, section, read_only)?
    };
    let database = Database::with_policy(settings, limits(scope), policy, io.clone());
    let database = database.map_err(|source| BuildError::Database {
        label: label.to_owned(),
        source,
    })?;
    database.count(name, label);
    Ok(database)
}

fn policy(scope: &ScopeSection) -> PolicyConfig {
    PolicyConfig {
        allow: scope.tables.allow.clone().unwrap_or_default(),
        deny: scope.tables.deny.clone(),
        mask: scope.mask.clone(),
        functions: scope.functions.clone(),
    }
}

/// Refuses a scope that only reads and whose log-in can do more. A database that
/// does not answer now is judged before its first statement.
pub(super) async fn check_log_ins<'a>(
    scopes: impl IntoIterator<Item = &'a Arc<ServedScope>>,
) -> Result<(), BuildError> {
    let databases = scopes.into_iter().flat_map(|scope| {
        let databases = scope.databases.iter();
        databases.map(move |(label, database)| check_log_in(scope, label, database))
    });
    try_join_all(databases).await.map(drop)
}

async fn check_log_in(
    scope: &ServedScope,
    label: &str,
    database: &Database,
) -> Result<(), BuildError> {
    let posture = match tokio::time::timeout(PATIENCE, database.posture()).await {
        Ok(Ok(posture)) => posture,
        Ok(Err(error)) => {
            let scope = &*scope.name;
            tracing::warn!(scope, label, %error, "the rights of the log-in are not known yet");
            return Ok(());
        }
        Err(_) => return Ok(()),
    };
    if posture.only_reads() || !scope.read_only {
        return Ok(());
    }
    if database.must_only_read() {
        return Err(BuildError::WritableLogIn {
            scope: scope.name.to_string(),
            label: label.to_owned(),
            sentence: posture.sentence(),
            remedy: posture.remedy(),
        });
    }
    tracing::warn!(
        scope = &*scope.name,
        label,
        remedy = posture.remedy(),
        "{}; allow_writable_login = true lets it serve",
        posture.sentence()
    );
    Ok(())
}

fn settings(
    label: &str,
    section: &DatabaseSection,
    read_only: bool,
) -> Result<DatabaseConfig, BuildError> {
    let (host, instance) = match section.host.split_once('\\') {
        Some((host, instance)) => (host.to_owned(), Some(instance.to_owned())),
        None => (section.host.clone(), None),
    };
    let read = |path: &std::path::Path| {
        std::fs::read(path).map_err(|source| BuildError::DatabaseFile {
            label: label.to_owned(),
            path: path.to_owned(),
            source,
        })
    };
    let password = match (&section.password, &section.password_file) {
        (Some(password), _) => password.clone(),
        (None, Some(path)) => password(&read(path)?),
        (None, None) => SecretString::default(),
    };
    let entra = match section.auth {
        Auth::Sql => None,
        Auth::Entra => Some(entra(label, section, &read)?),
    };
    Ok(DatabaseConfig {
        host,
        port: section.port.unwrap_or(1433),
        instance,
        database: section.database.clone(),
        user: section.user.clone(),
        password,
        entra,
        encrypt: match section.encrypt {
            Encrypt::Required => database::Encrypt::Required,
            Encrypt::Strict => database::Encrypt::Strict,
            Encrypt::LoginOnly => database::Encrypt::LoginOnly,
            Encrypt::Off => database::Encrypt::Off,
        },
        trust_server_certificate: section.trust_server_certificate,
        ca_file: None,
        ca_pem: section.ca_file.as_deref().map(read).transpose()?,
        // Nothing is written on a readable secondary.
        application_intent_read_only: read_only
            && section.application_intent == ApplicationIntent::ReadOnly,
        application_name: "mssql-mcp".to_owned(),
        read_only,
        session_context: None,
        allow_writable_login: false,
        pool: PoolConfig {
            max: section.pool.max,
            acquire_timeout: section.pool.acquire_timeout,
            max_lifetime: section.pool.max_lifetime,
        },
    })
}

/// Where its tokens come from.
fn entra(
    label: &str,
    section: &DatabaseSection,
    read: &dyn Fn(&Path) -> Result<Vec<u8>, BuildError>,
) -> Result<TokenSource, BuildError> {
    if let Some(file) = &section.token_file {
        return Ok(TokenSource::file(file.clone()));
    }
    let wrong = |message: &str| -> BuildError {
        ConfigError::Rule {
            key: format!("databases.{label}.authority"),
            message: message.to_owned(),
        }
        .into()
    };
    let authority = section.authority.as_deref().unwrap_or(AUTHORITY);
    let tenant = section.tenant.as_deref().unwrap_or_default();
    let mut endpoint = Url::parse(authority)
        .map_err(|error| wrong(&format!("{authority:?} is no address: {error}")))?;
    let loopback = matches!(
        endpoint.host_str(),
        Some("localhost" | "127.0.0.1" | "[::1]")
    );
    if endpoint.scheme() != "https" && !(loopback && endpoint.scheme() == "http") {
        return Err(wrong(
            "is not https, and the application's secret is sent there; write an https address",
        ));
    }
    match endpoint.path_segments_mut() {
        Ok(mut path) => {
            path.pop_if_empty();
            path.extend([tenant, "oauth2", "v2.0", "token"]);
        }
        Err(()) => return Err(wrong("cannot be the address of a token endpoint")),
    }
    let client_secret = match (&section.client_secret, &section.client_secret_file) {
        (Some(secret), _) => secret.clone(),
        (None, Some(path)) => password(&read(path)?),
        (None, None) => SecretString::default(),
    };
    let credentials = ClientCredentials {
        endpoint,
        client_id: section.client_id.clone().unwrap_or_default(),
        client_secret,
    };
    TokenSource::client(credentials).map_err(|error| wrong(&error.to_string()))
}

/// Microsoft Entra of the public cloud.
const AUTHORITY: &str = "https://login.microsoftonline.com";

/// What the scope tells the server of who asks.
fn context(name: &str, scope: &ScopeSection) -> Option<SessionContext> {
    let keys = scope.session_context.as_ref()?.iter();
    let value = |value: &String| match value.strip_prefix(CLAIM) {
        Some(claim) => ContextValue::Claim(claim.to_owned()),
        None => ContextValue::Constant(value.clone()),
    };
    Some(SessionContext {
        scope: name.to_owned(),
        keys: keys.map(|(key, text)| (key.clone(), value(text))).collect(),
    })
}

/// The file's content without the line end that editors put there.
fn password(file: &[u8]) -> SecretString {
    SecretString::from(
        String::from_utf8_lossy(file)
            .trim_end_matches(['\r', '\n'])
            .to_owned(),
    )
}

/// A database that takes longer to say who logs in does not keep the others waiting.
const PATIENCE: Duration = Duration::from_secs(5);

fn limits(scope: &ScopeSection) -> QueryLimits {
    QueryLimits {
        max_rows: scope.max_rows,
        max_bytes: bytes(scope.max_bytes),
        max_cell: bytes(scope.max_cell),
        timeout: scope.query_timeout,
        max_rows_affected: scope.max_rows_affected,
        binary: match scope.binary {
            BinaryForm::Base64 => Binary::Base64,
            BinaryForm::Hex => Binary::Hex,
        },
    }
}
