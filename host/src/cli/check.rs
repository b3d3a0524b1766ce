//! `mssql-mcp check`: everything that serving needs, without serving: the
//! configuration, its files, the certificate, the state, tool sets, and each database with
//! what its log-in may do. One line a finding.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;
use std::time::Duration;

use super::config::ConfigArguments;
use super::exit::{NothingDone, print};
use super::serve;
use crate::app::{self, App, BuildError, ToolSetFiles};
use crate::clock::Clock;
use crate::config::{Config, Source, StoreKind};
use crate::database::Database;
use crate::entropy::Entropy;
use crate::server::HostGuard;
use crate::state::HostKey;

/// `mssql-mcp check`
#[derive(Debug, clap::Args)]
pub(super) struct CheckArguments {
    #[command(flatten)]
    config: ConfigArguments,
}

pub(super) async fn run(arguments: CheckArguments) -> anyhow::Result<()> {
    let source = arguments.config.source();
    let findings = Box::pin(findings(&source)).await;
    for finding in &findings {
        print(finding)?;
    }
    match findings.len() {
        0 => print(&format!("{}: nothing found", source.name())),
        1 => Err(NothingDone("1 finding".to_owned()).into()),
        count => Err(NothingDone(format!("{count} findings")).into()),
    }
}

async fn findings(source: &Source) -> Vec<String> {
    let config = match source.read() {
        Ok(config) => config,
        Err(error) => return vec![error.to_string()],
    };
    let mut findings = of_listener(&config);
    let prepared = || -> Result<HostKey, BuildError> {
        app::access(&config)?;
        app::host_key(&config)
    };
    let key = match prepared() {
        Ok(key) => key,
        Err(error) => {
            findings.push(error.to_string());
            return findings;
        }
    };
    findings.extend(of_state(&config, &key).await);
    // Building the product is some 19 KiB of state.
    let files = ToolSetFiles::Folder(config.tool_sets.dir.clone());
    match Box::pin(App::check(&config, &files, &key, serve::compiler())).await {
        Ok(app) => findings.extend(of_databases(&app).await),
        Err(error) => findings.push(error.to_string()),
    }
    findings
}

/// Why people and tokens cannot be read.
async fn of_state(config: &Config, key: &HostKey) -> Option<String> {
    if !config.oauth.enabled {
        return None;
    }
    match config.state.kind()? {
        // To open it is to bring it up to date, which is for the server that serves.
        StoreKind::Sqlite(file) => return of_file(file).err(),
        StoreKind::Redis => {}
        StoreKind::Memory => return None,
    }
    let read = async {
        let store = app::open_store(config, key, Clock::system(), Entropy::system());
        let store = store.await.map_err(|error| error.to_string())?;
        let people = store.people().await;
        people.map_err(|error| format!("state.store: {error}"))
    };
    match tokio::time::timeout(PATIENCE, read).await {
        Ok(read) => read.err(),
        Err(_) => Some(format!(
            "state.store: no answer within {} seconds",
            PATIENCE.as_secs()
        )),
    }
}

/// One that is not there is made by the server, which then owns it.
fn of_file(file: &Path) -> Result<(), String> {
    let mut found = match File::open(file) {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => {
            return Err(format!(
                "state.store: the file {} cannot be read: {error}",
                file.display()
            ));
        }
    };
    let mut head = [0; SQLITE.len()];
    match found.read(&mut head) {
        // It was made and nothing is in it yet.
        Ok(0) => Ok(()),
        Ok(_) if head == SQLITE => Ok(()),
        _ => Err(format!(
            "state.store: the file {} is no SQLite database; name another, or move it away",
            file.display()
        )),
    }
}

/// What is wrong with the public address and the certificate.
fn of_listener(config: &Config) -> Vec<String> {
    let public_url = config.http.public_url.as_deref();
    let guard = HostGuard::new(config.http.listen, public_url);
    let mut findings: Vec<String> = guard.err().iter().map(ToString::to_string).collect();
    match serve::tls(config) {
        Ok(Some(tls)) => {
            let host = public_url.and_then(|url| url::Url::parse(url).ok());
            let host = host.as_ref().and_then(url::Url::host_str);
            findings.extend(tls.findings(host));
        }
        Ok(None) => {}
        Err(error) => findings.push(error.to_string()),
    }
    findings
}

async fn of_databases(app: &App) -> Vec<String> {
    let mut findings = Vec::new();
    for scope in app.scopes() {
        let reading = scope.databases.iter();
        for (label, database) in reading {
            let found = of_log_in(database, scope.read_only).await;
            findings.extend(found.map(|found| format!("{}, {label}: {found}", scope.name)));
        }
        if let Some(writer) = scope.writer() {
            let found = answer(writer.ping()).await.err();
            findings.extend(found.map(|found| format!("{}, write_database: {found}", scope.name)));
        }
    }
    findings
}

async fn of_log_in(database: &Database, must_only_read: bool) -> Option<String> {
    match answer(database.posture()).await {
        Ok(posture) if must_only_read && !posture.only_reads() => Some(format!(
            "{}; in SQL Server: {}",
            posture.sentence(),
            posture.remedy()
        )),
        Ok(_) => None,
        Err(sentence) => Some(sentence),
    }
}

/// What a database says, or why it says nothing.
async fn answer<T>(
    asked: impl Future<Output = Result<T, crate::database::Error>>,
) -> Result<T, String> {
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(answer) => answer.map_err(|error| error.to_string()),
        Err(_) => Err(format!(
            "the database did not answer within {} seconds",
            PATIENCE.as_secs()
        )),
    }
}

/// What every file of SQLite begins with.
const SQLITE: [u8; 16] = *b"SQLite format 3\0";
const PATIENCE: Duration = Duration::from_secs(15);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Environment;

    async fn of(text: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mssql-mcp.toml");
        let dir = folder.path().display();
        let text = text.replace("DIR", &dir.to_string());
        std::fs::write(&file, text).unwrap();
        findings(&Source::new(Some(file), Environment::default())).await
    }

    #[tokio::test]
    async fn what_keeps_it_from_serving_is_a_finding_that_names_the_key() {
        let missing = of("[databases.d]\nhost = \"h\"\n").await;
        assert!(missing[0].contains("database"), "{missing:?}");
        let text = "[oauth]\nenabled = false\n[state]\nstore = \"memory\"\n[tool_sets]\n\
            dir = 'DIR'\n[databases.d]\nhost = \"127.0.0.1\"\nport = 1\ndatabase = \"d\"\n\
            user = \"u\"\npassword = \"p\"\n[scopes.claude]\ntool_sets = [\"nothing-here\"]\n\
            databases = [\"d\"]\n";
        let missing = of(text).await;
        assert_eq!(missing.len(), 1);
        assert!(missing[0].contains("nothing-here"), "{missing:?}");
        let tls = "[http]\ntls = { certificate = 'DIR/c.pem', key = 'DIR/k.pem' }\n";
        let missing = of(&format!("{tls}{text}")).await;
        assert_eq!(missing.len(), 2, "{missing:?}");
        assert!(
            missing[0].starts_with("http.tls.certificate: "),
            "{missing:?}"
        );
        for (policy, found) in [
            (
                "mask = [\"dbo.Customers\"]",
                "scopes.claude.mask: \"dbo.Customers\" is not schema.table.column",
            ),
            (
                "tables = { deny = [\"Salaries\"] }",
                "scopes.claude.tables.deny: \"Salaries\" is not schema.name",
            ),
        ] {
            let refused = of(&format!("{text}{policy}\n")).await;
            assert_eq!(refused.len(), 1);
            assert!(refused[0].starts_with(found), "{refused:?}");
        }
    }

    #[tokio::test]
    async fn a_state_that_cannot_be_read_is_a_finding_and_one_to_come_is_not() {
        let found = async |store: &str, made: Option<&str>| {
            let folder = tempfile::tempdir().unwrap();
            let dir = folder.path().display();
            let file = folder.path().join("mssql-mcp.toml");
            let text = format!(
                "[http]\npublic_url = \"https://data.example.com\"\n[state]\n\
                 store = \"{store}\"\nkey_file = 'DIR/key'\n[tool_sets]\ndir = 'DIR'\n\
                 [databases.d]\nhost = \"127.0.0.1\"\nport = 1\ndatabase = \"d\"\n\
                 user = \"u\"\npassword = \"p\"\n[scopes.claude]\n\
                 tool_sets = [\"nothing-here\"]\ndatabases = [\"d\"]\n"
            );
            std::fs::write(&file, text.replace("DIR", &dir.to_string())).unwrap();
            if let Some(content) = made {
                std::fs::write(folder.path().join("state.db"), content).unwrap();
            }
            let findings = findings(&Source::new(Some(file), Environment::default())).await;
            let is_left = folder.path().join("state.db").exists();
            (findings, is_left)
        };
        let of_state = |findings: &[String]| {
            let of_state = |finding: &&String| finding.contains("state.store");
            findings.iter().filter(of_state).count()
        };
        let (findings, made) = found("sqlite:DIR/state.db", None).await;
        assert_eq!((of_state(&findings), made), (0, false), "{findings:?}");
        let other = "something else, and long enough to be no SQLite file";
        let (findings, _) = found("sqlite:DIR/state.db", Some(other)).await;
        assert_eq!(of_state(&findings), 1, "{findings:?}");
        let (findings, _) = found("redis://:hunter2@127.0.0.1:1", None).await;
        assert_eq!(findings.len(), 2, "{findings:?}");
        assert!(findings[0].contains("Redis"), "{findings:?}");
        assert!(!findings[0].contains("hunter2"), "{findings:?}");
    }
}
