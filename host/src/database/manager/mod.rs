//! Opens connections for the pool: TCP, named instances, one routing hop, TLS,
//! log-in and the settings of the session.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{StreamExt, TryStreamExt};
use secrecy::ExposeSecret;
use tiberius::{AuthMethod, EncryptionLevel, SqlBrowser};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::timeout;

use super::config::{DatabaseConfig, Encrypt, QueryLimits};
use super::context::Identity;
use super::entra::TokenError;
use super::error::{Error, is_transient};
use super::reader;
use super::socket::{Received, Socket};

type Client = tiberius::Client<Socket>;

/// One physical connection.
pub(super) struct Connection {
    /// The driver's side of it.
    pub(super) client: Client,
    /// How much of the item under way has come.
    pub(super) received: Arc<Received>,
    /// A request is under way, or its reply was not read to the end: the
    /// stream is at an unknown place and nobody may use it again.
    pub(super) armed: bool,
    /// The one caller that the server was told of.
    whose: Option<Identity>,
    opened: Instant,
    /// When the token ends by which it was opened.
    expires: Option<Instant>,
    last_used: Instant,
}

impl Connection {
    fn new(client: Client, received: Arc<Received>, expires: Option<Instant>) -> Self {
        let now = Instant::now();
        Self {
            client,
            received,
            armed: false,
            whose: None,
            opened: now,
            expires,
            last_used: now,
        }
    }

    /// Whose it is for good, if anybody's.
    pub(super) fn whose(&self) -> Option<&Identity> {
        self.whose.as_ref()
    }

    /// Whether it was opened longer ago than `age`, or its token has ended.
    pub(super) fn is_older_than(&self, age: Duration) -> bool {
        self.opened.elapsed() > age || self.has_expired()
    }

    fn has_expired(&self) -> bool {
        self.expires
            .is_some_and(|expires| expires <= Instant::now())
    }

    /// Tells the server for whom the statements are that follow.
    pub(super) async fn tell(&mut self, identity: Identity) -> Result<(), Error> {
        // Half of it may be told already when this fails or is given up.
        self.armed = true;
        self.whose = Some(identity.clone());
        let (sql, bound) = identity.statement();
        let told = timeout(TELLING_TIMEOUT, async {
            let mut stream = reader::send(&mut self.client, sql, bound).await?;
            while let Some(item) = stream.next().await {
                item?;
            }
            Ok::<(), tiberius::error::Error>(())
        });
        match told.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => {
                tracing::error!(%error, "SESSION_CONTEXT could not be set");
                Err(match Error::from_driver(error) {
                    Error::Server(_) | Error::Unsupported(_) => Error::Withheld(UNTOLD.to_owned()),
                    error => error,
                })
            }
            Err(_) => Err(Error::Unavailable(UNREACHABLE)),
        }
    }

    /// Whether it still answers and holds no transaction; not asked where it was
    /// used a moment ago.
    pub(super) async fn is_sound(&mut self) -> Result<(), Error> {
        if self.has_expired() {
            return Err(Error::Other("its access token has ended".to_owned()));
        }
        if self.last_used.elapsed() < FRESH {
            return Ok(());
        }
        self.armed = true;
        self.received.restart();
        let probe = async {
            let stream = self.client.simple_query("SELECT @@TRANCOUNT").await?;
            stream.into_row().await
        };
        let open = match timeout(PROBE_TIMEOUT, probe).await {
            Ok(Ok(row)) => row.and_then(|row| row.try_get::<i32, _>(0).ok().flatten()),
            Ok(Err(error)) => return Err(Error::from_driver(error)),
            Err(_) => return Err(Error::Unavailable(UNREACHABLE)),
        };
        if open != Some(0) {
            return Err(Error::Other("an idle connection held a transaction".into()));
        }
        self.disarm();
        Ok(())
    }

    /// Whether it was open by `then`, used or not: the pool opens some that the
    /// caller who wanted them did not need any more.
    pub(super) fn was_there(&self, then: Instant) -> bool {
        self.last_used < then
    }

    /// Marks the reply as read to its end.
    pub(super) fn disarm(&mut self) {
        self.armed = false;
        self.last_used = Instant::now();
    }
}

/// What the driver and the server are told of a scope's limits.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    command_timeout: Duration,
    /// From the first byte to a connection that can be used.
    open_timeout: Duration,
    /// In bytes.
    text_size: usize,
}

/// An attempt to connect that failed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failure {
    /// When it began: that of an earlier caller says nothing of the server now.
    pub(super) begun: Instant,
    /// Why, for the model.
    pub(super) sentence: &'static str,
}

/// bb8's maker of connections.
pub(super) struct Manager {
    config: DatabaseConfig,
    bounds: Bounds,
    io: Handle,
    failures: Failures,
}

/// The latest failed attempt to connect. It is told when bb8 no longer counts on that
/// attempt, so that whoever hears of it can ask for another.
#[derive(Debug, Clone)]
pub(super) struct Failures(watch::Sender<Failure>);

impl Failures {
    /// Sees every failed attempt from here on.
    pub(super) fn subscribe(&self) -> watch::Receiver<Failure> {
        self.0.subscribe()
    }

    /// The last one, or a word for none.
    pub(super) fn latest(&self) -> Failure {
        *self.0.borrow()
    }
}

impl bb8::ErrorSink<Error> for Failures {
    fn sink(&self, _: Error) {
        self.0.send_modify(|_| {});
    }

    fn boxed_clone(&self) -> Box<dyn bb8::ErrorSink<Error>> {
        Box::new(self.clone())
    }
}

impl Manager {
    /// The scope's time for a statement comes first; the driver's own, which cannot tell
    /// the model anything, five seconds later.
    pub(super) fn new(config: DatabaseConfig, limits: &QueryLimits, io: Handle) -> Self {
        let acquire_timeout = config.pool.acquire_timeout;
        Self {
            config,
            bounds: Bounds {
                // Nobody waits longer. A tenth less, so that who waits learns why.
                open_timeout: OPEN_TIMEOUT.min(acquire_timeout.mul_f64(0.9)),
                command_timeout: limits.timeout + Duration::from_secs(5),
                text_size: text_size(limits.max_cell),
            },
            io,
            failures: Failures(watch::Sender::new(Failure {
                begun: Instant::now(),
                sentence: UNREACHABLE,
            })),
        }
    }

    /// What its attempts come to.
    pub(super) fn failures(&self) -> Failures {
        self.failures.clone()
    }

    fn failed(&self, begun: Instant, error: &dyn std::error::Error, sentence: &'static str) {
        tracing::warn!(
            host = self.config.host,
            port = self.config.port,
            database = self.config.database,
            %error,
            "cannot connect to the database"
        );
        self.failures.0.send_if_modified(|failure| {
            *failure = Failure { begun, sentence };
            false
        });
    }
}

impl bb8::ManageConnection for Manager {
    type Connection = Connection;
    type Error = Error;

    async fn connect(&self) -> Result<Connection, Error> {
        let begun = Instant::now();
        let config = self.config.clone();
        let bounds = self.bounds;
        // The socket belongs to the reactor of the runtime that opened it.
        let opened = self
            .io
            .spawn(async move {
                let log_in = LogIn::of(&config).await?;
                let opened = timeout(
                    bounds.open_timeout,
                    open_patiently(&config, &log_in, bounds),
                );
                let opened = opened
                    .await
                    .unwrap_or_else(|_| Err(timed_out("the server did not get ready in time")));
                let (client, received) = opened?;
                Ok::<_, NotOpened>((client, received, log_in.expires))
            })
            .await;
        match opened {
            Ok(Ok((client, received, expires))) => Ok(Connection::new(client, received, expires)),
            Ok(Err(NotOpened::Driver(error))) => {
                self.failed(begun, &error, explain(&error));
                Err(Error::Unavailable(explain(&error)))
            }
            Ok(Err(NotOpened::Token(error))) => {
                self.failed(begun, &error, NO_TOKEN);
                Err(Error::Unavailable(NO_TOKEN))
            }
            Err(error) => {
                self.failed(begun, &error, UNREACHABLE);
                Err(Error::Other(format!("opening a connection: {error}")))
            }
        }
    }

    async fn is_valid(&self, connection: &mut Connection) -> Result<(), Error> {
        connection.is_sound().await
    }

    /// What is somebody's must not serve another: in the pool it is worth nothing.
    fn has_broken(&self, connection: &mut Connection) -> bool {
        connection.armed || connection.whose.is_some() || connection.has_expired()
    }
}

/// Why there is no connection.
enum NotOpened {
    Driver(tiberius::error::Error),
    Token(TokenError),
}

impl From<tiberius::error::Error> for NotOpened {
    fn from(error: tiberius::error::Error) -> Self {
        Self::Driver(error)
    }
}

/// How one connection logs in.
struct LogIn {
    method: AuthMethod,
    /// When what it logs in with ends.
    expires: Option<Instant>,
}

impl LogIn {
    async fn of(config: &DatabaseConfig) -> Result<Self, NotOpened> {
        let Some(source) = &config.entra else {
            let password = config.password.expose_secret();
            return Ok(Self {
                method: AuthMethod::sql_server(&config.user, password),
                expires: None,
            });
        };
        let token = source.token().await.map_err(NotOpened::Token)?;
        Ok(Self {
            method: AuthMethod::aad_token(token.secret.expose_secret()),
            expires: token.expires,
        })
    }
}

async fn open_patiently(
    config: &DatabaseConfig,
    log_in: &LogIn,
    bounds: Bounds,
) -> tiberius::Result<(Client, Arc<Received>)> {
    match open(config, log_in, bounds).await {
        Err(tiberius::error::Error::Server(token))
            if i32::try_from(token.code()).is_ok_and(is_transient) =>
        {
            tokio::time::sleep(RETRY_AFTER).await;
            open(config, log_in, bounds).await
        }
        opened => opened,
    }
}

async fn open(
    config: &DatabaseConfig,
    log_in: &LogIn,
    bounds: Bounds,
) -> tiberius::Result<(Client, Arc<Received>)> {
    let driver = driver_config(config, log_in, bounds.command_timeout);
    let received = Arc::new(Received::default());
    let mut client = match connect(driver.clone(), config, &received).await {
        Err(tiberius::error::Error::Routing { host, port }) => {
            tracing::debug!(host, port, "the server routed the log-in elsewhere");
            let mut hop = config.clone();
            hop.host = host;
            hop.port = port;
            hop.instance = None;
            let driver = driver_config(&hop, log_in, bounds.command_timeout);
            connect(driver, &hop, &received).await?
        }
        connected => connected?,
    };
    let settings = if config.read_only {
        READ_ONLY_SETTINGS
    } else {
        WRITE_SETTINGS
    };
    let all = format!("{SETTINGS} SET TEXTSIZE {};", bounds.text_size);
    for batch in [&*all, settings] {
        drained(client.simple_query(batch).await?).await?;
    }
    Ok((client, received))
}

/// Reads a reply to its end and keeps nothing of it.
pub(super) async fn drained(mut reply: tiberius::QueryStream<'_>) -> tiberius::Result<()> {
    while reply.try_next().await?.is_some() {}
    Ok(())
}

async fn connect(
    driver: tiberius::Config,
    config: &DatabaseConfig,
    received: &Arc<Received>,
) -> tiberius::Result<Client> {
    let socket = async {
        if config.instance.is_some() {
            TcpStream::connect_named(&driver).await
        } else {
            Ok(TcpStream::connect((config.host.as_str(), config.port)).await?)
        }
    };
    let socket = timeout(CONNECT_TIMEOUT, socket)
        .await
        .map_err(|_| timed_out("no answer to the TCP connection"))??;
    socket.set_nodelay(true)?;
    let socket = Socket::new(socket, Arc::clone(received));
    // The handshake's state is some 18 KiB.
    Box::pin(tiberius::Client::connect(driver, socket)).await
}

fn timed_out(what: &'static str) -> tiberius::error::Error {
    std::io::Error::new(std::io::ErrorKind::TimedOut, what).into()
}

/// [`DatabaseConfig::validate`] has excluded the combinations that panic here.
fn driver_config(
    config: &DatabaseConfig,
    log_in: &LogIn,
    command_timeout: Duration,
) -> tiberius::Config {
    let mut driver = tiberius::Config::new();
    driver.host(&config.host);
    match &config.instance {
        Some(instance) => driver.instance_name(instance),
        None => driver.port(config.port),
    }
    driver.database(&config.database);
    driver.application_name(&config.application_name);
    driver.authentication(log_in.method.clone());
    driver.encryption(match config.encrypt {
        Encrypt::Required => EncryptionLevel::Required,
        Encrypt::Strict => EncryptionLevel::Strict,
        Encrypt::LoginOnly => EncryptionLevel::Off,
        Encrypt::Off => EncryptionLevel::NotSupported,
    });
    if config.trust_server_certificate {
        driver.trust_cert();
    }
    if let Some(file) = &config.ca_file {
        driver.trust_cert_ca(file.display());
    }
    if let Some(pem) = &config.ca_pem {
        driver.trust_cert_ca_bundle(pem.clone());
    }
    driver.readonly(config.application_intent_read_only);
    driver.command_timeout(Some(command_timeout));
    driver.handshake_timeout(Some(CONNECT_TIMEOUT));
    // A row with an unpaired surrogate is better shown than refused.
    driver.lossy_utf16_decoding(true);
    driver
}

fn explain(error: &tiberius::error::Error) -> &'static str {
    use tiberius::error::Error as Driver;
    match error {
        Driver::Server(token) => match token.code() {
            18_452 | 18_456 | 18_470 | 18_486..=18_488 => {
                "the database refused the configured log-in; whoever runs this service must correct it"
            }
            4_060 => {
                "the configured database cannot be opened; whoever runs this service must correct its name or rights"
            }
            _ => UNREACHABLE,
        },
        Driver::Tls(_) => {
            "no secure connection to the database could be made; whoever runs this service must check its certificate"
        }
        _ => UNREACHABLE,
    }
}

const UNREACHABLE: &str = "the database cannot be reached at the moment; try again later";
const NO_TOKEN: &str = "the database cannot be logged in to: there is no access token for it; \
    whoever runs this service finds the reason in its log";
const UNTOLD: &str = "which rows may be shown here depends on who asks, and the database could not \
    be told; whoever runs this service finds the reason in its log";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Address, TLS, log-in, a hop and the settings together, at most.
const OPEN_TIMEOUT: Duration = Duration::from_secs(15);
const RETRY_AFTER: Duration = Duration::from_millis(200);
const TELLING_TIMEOUT: Duration = Duration::from_secs(5);
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);
/// A connection used this recently is taken without asking it.
const FRESH: Duration = Duration::from_secs(5);

/// Once per connection: what a result means must not depend on the server's
/// defaults, and what a statement may hold has a bound.
const SETTINGS: &str = "SET ANSI_NULLS ON; SET ANSI_PADDING ON; SET ANSI_WARNINGS ON; \
    SET ARITHABORT ON; SET CONCAT_NULL_YIELDS_NULL ON; SET NUMERIC_ROUNDABORT OFF; \
    SET QUOTED_IDENTIFIER ON; SET XACT_ABORT ON; SET LOCK_TIMEOUT 5000; \
    SET DEADLOCK_PRIORITY LOW; SET DATEFORMAT mdy; SET DATEFIRST 7; \
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;";

/// Bytes that the server sends of one value of which `max_cell` are shown (`TEXTSIZE`).
/// More than that: UTF-16 takes two for a letter.
pub(super) fn text_size(max_cell: usize) -> usize {
    max_cell
        .saturating_mul(2)
        .saturating_add(8)
        .clamp(TEXT_SIZE, MOST_TEXT)
}

/// However little is shown.
const TEXT_SIZE: usize = 1 << 20;
/// Less than the socket lets one item have.
const MOST_TEXT: usize = 24 << 20;

/// The first SELECT opens the transaction that check-in rolls back.
const READ_ONLY_SETTINGS: &str = "SET NOCOUNT ON; SET IMPLICIT_TRANSACTIONS ON;";

/// In front of a SELECT that may run in no transaction of ours; `sp_executesql` puts the
/// setting back at its end.
pub(super) const AUTOCOMMIT: &str = "SET IMPLICIT_TRANSACTIONS OFF; ";

/// Counts are what a write answers.
const WRITE_SETTINGS: &str = "SET NOCOUNT OFF; SET IMPLICIT_TRANSACTIONS OFF;";

#[cfg(test)]
mod tests;
