//! From what the operator wrote of a database to its pool.

use secrecy::SecretString;
use tokio::runtime::Handle;

use super::{BuildError, bytes};
use crate::config::{
    ApplicationIntent, BinaryForm, Config, DatabaseSection, Encrypt, ScopeSection,
};
use crate::database::{
    self, Binary, Database, DatabaseConfig, PolicyConfig, PoolConfig, QueryLimits,
};

/// Opens a scope's pool for the database `label`, to read or to write through;
/// nothing is connected yet.
/// Each scope has pools of its own, so that one cannot take another's places.
pub(super) fn open(
    config: &Config,
    label: &str,
    scope: &ScopeSection,
    read_only: bool,
    io: &Handle,
) -> Result<Database, BuildError> {
    let Some(section) = config.databases.get(label) else {
        return Err(BuildError::NoDatabase(label.to_owned()));
    };
    let settings = settings(label, section, read_only)?;
    Database::with_policy(settings, limits(scope), &policy(scope), io.clone()).map_err(|source| {
        BuildError::Database {
            label: label.to_owned(),
            source,
        }
    })
}

fn policy(scope: &ScopeSection) -> PolicyConfig {
    PolicyConfig {
        allow: scope.tables.allow.clone().unwrap_or_default(),
        deny: scope.tables.deny.clone(),
        mask: scope.mask.clone(),
        functions: scope.functions.clone(),
    }
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
    Ok(DatabaseConfig {
        host,
        port: section.port.unwrap_or(1433),
        instance,
        database: section.database.clone(),
        user: section.user.clone(),
        password,
        encrypt: match section.encrypt {
            Encrypt::Required => database::Encrypt::Required,
            Encrypt::Strict => database::Encrypt::Strict,
            Encrypt::LoginOnly => database::Encrypt::LoginOnly,
            Encrypt::Off => database::Encrypt::Off,
        },
        trust_server_certificate: section.trust_server_certificate,
        ca_file: None,
        ca_pem: section.ca_file.as_deref().map(read).transpose()?,
        application_intent_read_only: section.application_intent == ApplicationIntent::ReadOnly,
        application_name: "mssql-mcp".to_owned(),
        read_only,
        pool: PoolConfig {
            max: section.pool.max,
            acquire_timeout: section.pool.acquire_timeout,
            max_lifetime: section.pool.max_lifetime,
        },
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
