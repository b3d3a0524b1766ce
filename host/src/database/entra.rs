//! Access tokens of Microsoft Entra in place of a password: from a file that
//! something else keeps fresh, or from the token endpoint with a client's own
//! credentials (RFC 6749 §4.4).

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;
use url::Url;

/// Where tokens come from. Clones share what they know.
#[derive(Clone)]
pub struct TokenSource(Arc<Source>);

enum Source {
    File(PathBuf),
    Client {
        credentials: ClientCredentials,
        http: reqwest::Client,
        /// One asks, the others wait for its answer.
        latest: Mutex<Option<Fetched>>,
    },
}

/// A client's own credentials at a token endpoint.
#[derive(Debug, Clone)]
pub struct ClientCredentials {
    /// `https://login.microsoftonline.com/TENANT/oauth2/v2.0/token`
    pub endpoint: Url,
    /// Application (client) id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
}

/// A token, and until when what it opened may be used.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) secret: SecretString,
    /// As far as it says so itself.
    pub(super) expires: Option<Instant>,
}

#[derive(Clone)]
struct Fetched {
    token: Token,
    refresh: Instant,
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file.
    #[error("token_file: {} cannot be read: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// There is nothing in it, or its time is over.
    #[error("token_file: {} holds {what}; have it written anew", path.display())]
    Stale {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The client for requests cannot be made.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
    /// No answer.
    #[error("the token endpoint cannot be reached: {0}")]
    Unreachable(String),
    /// An answer that is no token.
    #[error("the token endpoint answered {status}: {reason}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// Its `error`, without what else it says.
        reason: String,
    },
}

impl TokenSource {
    /// Tokens of a file, which is read for each connection: what writes it may
    /// replace it at any time.
    pub fn file(path: PathBuf) -> Self {
        Self(Arc::new(Source::File(path)))
    }

    /// Tokens of a token endpoint.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub fn client(credentials: ClientCredentials) -> Result<Self, TokenError> {
        let http = client(&credentials.endpoint)?;
        Ok(Self(Arc::new(Source::Client {
            credentials,
            http,
            latest: Mutex::new(None),
        })))
    }

    /// A token that is good now.
    pub(super) async fn token(&self) -> Result<Token, TokenError> {
        match &*self.0 {
            Source::File(path) => {
                let path = path.clone();
                let read = std::fs::read_to_string(&path);
                let text = read.map_err(|source| TokenError::File {
                    path: path.clone(),
                    source,
                })?;
                of_file(path, text.trim(), SystemTime::now())
            }
            Source::Client {
                credentials,
                http,
                latest,
            } => {
                let mut latest = latest.lock().await;
                if let Some(fetched) = &*latest
                    && Instant::now() < fetched.refresh
                {
                    return Ok(fetched.token.clone());
                }
                match fetch(credentials, http).await {
                    Ok(fetched) => {
                        let token = fetched.token.clone();
                        *latest = Some(fetched);
                        Ok(token)
                    }
                    // The one of before is still good for a while.
                    Err(error) => match &*latest {
                        Some(before) if before.token.is_good() => {
                            tracing::warn!(%error, "no new token; the one of before still serves");
                            Ok(before.token.clone())
                        }
                        _ => Err(error),
                    },
                }
            }
        }
    }
}

impl Token {
    fn is_good(&self) -> bool {
        self.expires
            .is_none_or(|expires| Instant::now() + MARGIN < expires)
    }
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Source::File(path) => f.debug_tuple("File").field(path).finish(),
            Source::Client { credentials, .. } => credentials.fmt(f),
        }
    }
}

fn of_file(path: PathBuf, text: &str, now: SystemTime) -> Result<Token, TokenError> {
    if text.is_empty() {
        return Err(TokenError::Stale {
            path,
            what: "nothing",
        });
    }
    let left = expiry(text).map(|expiry| expiry.duration_since(now).unwrap_or_default());
    if left.is_some_and(|left| left.is_zero()) {
        return Err(TokenError::Stale {
            path,
            what: "a token whose time is over",
        });
    }
    Ok(Token {
        secret: SecretString::from(text.to_owned()),
        expires: left.and_then(|left| Instant::now().checked_add(left)),
    })
}

/// `exp` of a JSON Web Token (RFC 7519 §4.1.4). Whether it is genuine is for the
/// database to say.
fn expiry(token: &str) -> Option<SystemTime> {
    #[derive(Deserialize)]
    struct Claims {
        exp: u64,
    }
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Claims = serde_json::from_slice(&payload).ok()?;
    UNIX_EPOCH.checked_add(Duration::from_secs(claims.exp))
}

/// RFC 6749 §4.4.2 and §5.1
async fn fetch(
    credentials: &ClientCredentials,
    http: &reqwest::Client,
) -> Result<Fetched, TokenError> {
    #[derive(Deserialize)]
    struct Answer {
        access_token: SecretString,
        expires_in: u64,
    }
    #[derive(Deserialize)]
    struct Refusal {
        error: String,
    }
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", &*credentials.client_id),
        ("client_secret", credentials.client_secret.expose_secret()),
        ("scope", SCOPE),
    ];
    let asked = Instant::now();
    let request = http.post(credentials.endpoint.clone()).form(&form);
    let unreachable =
        |error: reqwest::Error| TokenError::Unreachable(error.without_url().to_string());
    let response = request.send().await.map_err(unreachable)?;
    let status = response.status();
    let refused = |reason: String| TokenError::Refused {
        status: status.as_u16(),
        reason,
    };
    let body = response.bytes().await.map_err(unreachable)?;
    if !status.is_success() {
        let refusal = serde_json::from_slice::<Refusal>(&body);
        let reason = refusal.map_or_else(|_| "no reason given".to_owned(), |said| said.error);
        return Err(refused(reason));
    }
    let answer: Answer = serde_json::from_slice(&body)
        .map_err(|_| refused("no access_token with an expires_in".to_owned()))?;
    let life = Duration::from_secs(answer.expires_in).min(LONGEST);
    Ok(Fetched {
        token: Token {
            secret: answer.access_token,
            expires: Some(asked + life),
        },
        refresh: asked + life * 4 / 5,
    })
}

fn client(endpoint: &Url) -> Result<reqwest::Client, TokenError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(aws_lc_rs::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| TokenError::Tls(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = reqwest::Client::builder()
        .use_preconfigured_tls(tls)
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(TIMEOUT)
        .timeout(TIMEOUT);
    // What is on this machine is not behind a proxy.
    let client = match endpoint.scheme() {
        "http" => client.no_proxy(),
        _ => client,
    };
    client
        .build()
        .map_err(|error| TokenError::Tls(error.to_string()))
}

/// Everything that was granted to the client at the database service.
const SCOPE: &str = "https://database.windows.net/.default";
const TIMEOUT: Duration = Duration::from_secs(10);
/// Longer lives are not believed.
const LONGEST: Duration = Duration::from_secs(24 * 3_600);
/// A token this close to its end is no more handed out.
const MARGIN: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use serde_json::{Value, json};
    use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    fn jwt(claims: &Value) -> String {
        format!("e30.{}.x", URL_SAFE_NO_PAD.encode(claims.to_string()))
    }

    #[test]
    fn a_token_of_a_file_ends_when_it_says_so_and_is_refused_afterwards() {
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        let read = |text: &str| of_file(PathBuf::from("t"), text, at(1_000));
        let token = read(&jwt(&json!({"exp": 1_600}))).unwrap();
        let left = token.expires.unwrap() - Instant::now();
        assert!(
            left > Duration::from_secs(590) && left <= Duration::from_secs(600),
            "{left:?}"
        );
        assert!(read("opaque").unwrap().expires.is_none());
        for (text, what) in [("", "nothing"), (&*jwt(&json!({"exp": 1_000})), "over")] {
            let refused = read(text).err().unwrap().to_string();
            assert!(refused.contains(what), "{refused}");
        }
    }

    #[tokio::test]
    async fn a_file_is_read_anew_for_each_connection() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let source = TokenSource::file(file.path().to_owned());
        for text in ["one\n", "two"] {
            std::fs::write(file.path(), text).unwrap();
            let token = source.token().await.unwrap();
            assert_eq!(token.secret.expose_secret(), text.trim());
        }
        file.close().unwrap();
        let gone = source.token().await.err().unwrap();
        assert!(matches!(gone, TokenError::File { .. }), "{gone}");
    }

    /// A token endpoint that gives tokens of `life` seconds, numbered from 1; of 0
    /// it refuses.
    async fn endpoint(life: Arc<AtomicUsize>) -> Url {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let mut number = 0;
            while let Ok((socket, _)) = listener.accept().await {
                let mut socket = BufReader::new(socket);
                let form = form(&mut socket).await;
                let life = life.load(Ordering::SeqCst);
                let sound = form["grant_type"] == "client_credentials"
                    && form["client_secret"] == "s3cret"
                    && form["client_id"] == "app"
                    && form["scope"] == SCOPE;
                let (status, body) = if life > 0 && sound {
                    number += 1;
                    let token = format!("token {number}");
                    ("200 OK", json!({"access_token": token, "expires_in": life}))
                } else {
                    let refusal = json!({"error": "invalid_client", "error_description": "s3cret"});
                    ("401 Unauthorized", refusal)
                };
                let body = body.to_string();
                let length = body.len();
                let answer = format!(
                    "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
                );
                socket.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        Url::parse(&format!("http://{address}/tenant/oauth2/v2.0/token")).unwrap()
    }

    /// The form of one request.
    async fn form(socket: &mut BufReader<TcpStream>) -> HashMap<String, String> {
        let mut length = 0;
        loop {
            let mut line = String::new();
            socket.read_line(&mut line).await.unwrap();
            let line = line.trim().to_ascii_lowercase();
            if let Some(given) = line.strip_prefix("content-length:") {
                length = given.trim().parse().unwrap();
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        socket.read_exact(&mut body).await.unwrap();
        url::form_urlencoded::parse(&body).into_owned().collect()
    }

    fn source(endpoint: Url) -> TokenSource {
        TokenSource::client(ClientCredentials {
            endpoint,
            client_id: "app".to_owned(),
            client_secret: "s3cret".to_owned().into(),
        })
        .unwrap()
    }

    async fn next(source: &TokenSource) -> Result<String, TokenError> {
        let token = source.token().await?;
        Ok(token.secret.expose_secret().to_owned())
    }

    #[tokio::test]
    async fn a_token_serves_for_most_of_its_life_and_the_next_one_afterwards() {
        let life = Arc::new(AtomicUsize::new(3_600));
        let source = source(endpoint(Arc::clone(&life)).await);
        let (one, other) = tokio::join!(next(&source), next(&source));
        assert_eq!((&*one.unwrap(), &*other.unwrap()), ("token 1", "token 1"));
        if let Source::Client { latest, .. } = &*source.0 {
            let mut latest = latest.lock().await;
            let fetched = latest.as_mut().unwrap();
            let life = fetched.token.expires.unwrap() - fetched.refresh;
            assert_eq!(life, Duration::from_secs(720));
            fetched.refresh = Instant::now();
        }
        assert_eq!(next(&source).await.unwrap(), "token 2");
        // No new one is to be had, and the old one is still good.
        life.store(0, Ordering::SeqCst);
        if let Source::Client { latest, .. } = &*source.0 {
            latest.lock().await.as_mut().unwrap().refresh = Instant::now();
        }
        assert_eq!(next(&source).await.unwrap(), "token 2");
    }

    #[tokio::test]
    async fn a_refusal_is_told_without_secrets() {
        let source = source(endpoint(Arc::default()).await);
        let refused = next(&source).await.unwrap_err();
        assert!(
            matches!(&refused, TokenError::Refused { status: 401, reason } if reason == "invalid_client"),
            "{refused}"
        );
        assert!(!format!("{refused} {source:?}").contains("s3cret"));
    }
}
