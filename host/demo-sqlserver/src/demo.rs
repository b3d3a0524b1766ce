//! The embedded SQL Server as the demo and the tests start it: sample company,
//! two log-ins, a loopback port.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::Utc;
use secrecy::ExposeSecret;
use tokio::sync::broadcast;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::backend::{Backend, BackendSession, Interrupter, LogIn};
use crate::catalog;
use crate::engine::{self, Engine, EngineError, Session, User};
use crate::sample;
use crate::schema::Database;
use crate::server::{Event, Server, ServerConfig};
use crate::value::{Parameter, Sink, SqlError};

/// A running embedded server; stops when dropped.
pub struct DemoServer {
    address: SocketAddr,
    certificate: String,
    database: String,
    reader: Account,
    writer: Account,
    tokens: Tokens,
    events: broadcast::Receiver<Event>,
    _stop: DropGuard,
}

/// A SQL log-in of the embedded server, made at start.
#[derive(Debug, Clone)]
pub struct Account {
    /// Name
    pub user: String,
    /// Password; worth nothing outside this process
    pub password: String,
    may_write: bool,
}

/// Why the embedded server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The sample company cannot be made.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The port cannot be bound.
    #[error("the embedded SQL Server cannot listen: {0}")]
    Listen(#[from] io::Error),
    /// The thread that makes the sample company was lost.
    #[error("making the sample company panicked; this is a bug")]
    Lost,
}

impl DemoServer {
    /// Makes the sample company and serves it on a port of 127.0.0.1.
    ///
    /// # Errors
    /// Where it cannot be made, or no port be bound.
    pub async fn start() -> Result<Self, StartError> {
        Self::start_with(|_| ()).await
    }

    /// The same, of a company that `change` has changed.
    ///
    /// # Errors
    /// As for [`start`](Self::start).
    pub async fn start_with(
        change: impl FnOnce(&mut Database) + Send + 'static,
    ) -> Result<Self, StartError> {
        let engine = tokio::task::spawn_blocking(|| company(change))
            .await
            .map_err(|_| StartError::Lost)??;
        let account = |user: &str, may_write| Account {
            user: user.to_owned(),
            password: uuid::Uuid::new_v4().simple().to_string(),
            may_write,
        };
        let (reader, writer) = (account("mcp_reader", false), account("mcp_writer", true));
        let tokens = Tokens::default();
        let backend = Accounts {
            tokens: Arc::clone(&tokens),
            engine,
            known: [reader.clone(), writer.clone()],
        };
        let database = backend.engine.database().to_owned();
        let server = Server::bind(ServerConfig::default(), Arc::new(backend)).await?;
        let stop = CancellationToken::new();
        let (address, events) = (server.local_addr(), server.events());
        let certificate = server.certificate_pem().unwrap_or_default().to_owned();
        tokio::spawn(server.serve(stop.clone()));
        Ok(Self {
            address,
            certificate,
            database,
            reader,
            writer,
            tokens,
            events,
            _stop: stop.drop_guard(),
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its self-made certificate, to be trusted by clients.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.certificate
    }

    /// Name of its database.
    #[must_use]
    pub fn database(&self) -> &str {
        &self.database
    }

    /// A log-in that can only read.
    #[must_use]
    pub fn reader(&self) -> &Account {
        &self.reader
    }

    /// A log-in that can also write.
    #[must_use]
    pub fn writer(&self) -> &Account {
        &self.writer
    }

    /// The section of the product's configuration that logs in here as `account`;
    /// `ca_file` holds the certificate.
    #[must_use]
    pub fn section(&self, label: &str, account: &Account, ca_file: &Path) -> String {
        format!(
            "[databases.{label}]\nhost = \"127.0.0.1\"\nport = {}\ndatabase = {:?}\nuser = {:?}\n\
             password = {:?}\nca_file = '{}'\n",
            self.address.port(),
            self.database,
            account.user,
            account.password,
            ca_file.display(),
        )
    }

    /// Lets in whoever brings this access token, as the log-in that can only read;
    /// no other token from now on.
    pub fn accept_token(&self, token: &str) {
        *self.tokens.lock().unwrap_or_else(PoisonError::into_inner) = Some(token.to_owned());
    }

    /// What happens on the server from now on.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.events.resubscribe()
    }
}

/// The engine behind the log-ins that it knows.
struct Accounts {
    engine: Engine,
    tokens: Tokens,
    known: [Account; 2],
}

impl Accounts {
    fn by_token(&self, token: &str) -> Option<&Account> {
        let accepted = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let accepted = accepted.as_deref() == Some(token);
        self.known.first().filter(|_| accepted)
    }
}

/// The access token that is good.
type Tokens = Arc<Mutex<Option<String>>>;

impl Backend for Accounts {
    fn log_in(&self, log_in: &LogIn) -> Result<Box<dyn BackendSession>, SqlError> {
        let known = self
            .known
            .iter()
            .find(|account| account.user.eq_ignore_ascii_case(&log_in.user));
        let account = match &log_in.token {
            Some(token) => self.by_token(token.expose_secret()),
            None => known.filter(|account| account.password == log_in.password.expose_secret()),
        };
        let Some(account) = account else {
            return Err(failed(
                18456,
                format!("Login failed for user '{}'.", log_in.user),
            ));
        };
        let database = self.engine.database();
        if !log_in.database.is_empty() && !log_in.database.eq_ignore_ascii_case(database) {
            let message = format!(
                "Cannot open database \"{}\" requested by the login. The login failed.",
                log_in.database
            );
            return Err(failed(4060, message));
        }
        let user = User {
            name: account.user.clone(),
            may_write: account.may_write,
        };
        match self.engine.session(user) {
            Ok(session) => Ok(Box::new(EngineSession {
                session,
                database: database.to_owned(),
            })),
            Err(error) => Err(failed(17892, error.to_string())),
        }
    }
}

struct EngineSession {
    session: Session,
    database: String,
}

impl BackendSession for EngineSession {
    fn database(&self) -> &str {
        &self.database
    }

    fn execute(
        &mut self,
        sql: &str,
        parameters: Option<&[Parameter]>,
        sink: &mut dyn Sink,
    ) -> Result<(), SqlError> {
        match parameters {
            None => self.session.execute(sql, &[], sink),
            Some(parameters) => self.session.execute_sql(sql, parameters, sink),
        }
    }

    fn begin(&mut self) -> Result<(), SqlError> {
        self.session.begin()
    }

    fn commit(&mut self) -> Result<(), SqlError> {
        self.session.commit()
    }

    fn rollback(&mut self, savepoint: Option<&str>) -> Result<(), SqlError> {
        match savepoint {
            Some(name) => self.session.rollback_to(name),
            None => self.session.rollback(),
        }
    }

    fn save(&mut self, name: &str) -> Result<(), SqlError> {
        self.session.save(name)
    }

    fn transaction_count(&self) -> u32 {
        self.session.transaction_count()
    }

    fn reset(&mut self) {
        self.session.reset();
    }

    fn interrupter(&self) -> Interrupter {
        self.session.interrupter()
    }
}

/// Takes some tenths of a second.
fn company(change: impl FnOnce(&mut Database)) -> Result<Engine, EngineError> {
    let clock = Arc::new(|| {
        let now = Utc::now();
        let since_1970 =
            now.timestamp() * TICKS_PER_SECOND + i64::from(now.timestamp_subsec_nanos() / 100);
        TICKS_BEFORE_1970 + since_1970
    });
    let mut database = sample::company();
    change(&mut database);
    let mut columns = HashMap::new();
    for view in &database.views {
        let name = (view.schema.as_str(), view.name.as_str());
        columns.insert(name, engine::view_columns(&database, view)?);
    }
    let system = catalog::system_tables(&database, &|view| {
        columns
            .get(&(view.schema.as_str(), view.name.as_str()))
            .cloned()
            .unwrap_or_default()
    });
    Engine::open(database, system, clock)
}

fn failed(number: i32, message: String) -> SqlError {
    SqlError {
        number,
        state: 1,
        severity: 14,
        message,
        line: 1,
    }
}

/// Units of 100 ns.
const TICKS_PER_SECOND: i64 = 10_000_000;
/// From 0001-01-01 to 1970-01-01: 719 162 days.
const TICKS_BEFORE_1970: i64 = 719_162 * 86_400 * TICKS_PER_SECOND;
