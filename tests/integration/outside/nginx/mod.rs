//! The product behind nginx with the configuration of production: the template of
//! `nginx/` as `nginx/start` fills it in, Debian's nginx, and a certificate of its own
//! making.

mod clients;
mod rolling;
mod stripped;
mod traffic;
mod upstream;

use std::fs::Permissions;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use integration_tests::Product;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use super::binary::free_address;
use super::{INSTALL, repository};

/// Where tests that are no crowd come from; the limits by address are not for it.
const SHARED: &str = "127.0.0.1/32 1;\n::1/128 1;\n";

/// What one nginx is started with.
pub(super) struct Settings {
    folder: TempDir,
    variables: Vec<(String, String)>,
    http: SocketAddr,
    https: SocketAddr,
}

/// A running nginx; killed when dropped.
pub(super) struct Nginx {
    settings: Settings,
    process: Child,
}

impl Settings {
    /// Two free ports and a folder, with the networks of production.
    pub(super) async fn new() -> Self {
        integration_tests::prepare_clients();
        let folder = tempfile::tempdir().expect("a folder");
        // The workers are nobody, and read it.
        std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).expect("a folder");
        let settings = Self {
            folder,
            variables: Vec::new(),
            http: free_address().await,
            https: free_address().await,
        };
        for name in ["addresses", "issued", "webroot", "run"] {
            std::fs::create_dir(settings.path(name)).expect("a folder");
        }
        for name in ["claude.conf", "chatgpt.conf"] {
            let from = repository().join("nginx/addresses").join(name);
            std::fs::copy(from, settings.path("addresses").join(name)).expect("a file");
        }
        settings.addresses("shared.conf", SHARED);
        settings
    }

    /// Writes a list of networks.
    pub(super) fn addresses(&self, name: &str, text: &str) {
        std::fs::write(self.path("addresses").join(name), text).expect("a file");
    }

    /// Adds a variable of `nginx/start`.
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// What clients put before a path.
    pub(super) fn url(&self) -> String {
        format!("https://localhost:{}", self.https.port())
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, hosts: &[SocketAddr]) -> Command {
        let hosts: Vec<String> = hosts.iter().map(ToString::to_string).collect();
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new("/bin/sh");
        command
            .arg(repository().join("nginx/start"))
            .env("PATH", format!("{path}:/usr/sbin"))
            .env("DOMAIN", "localhost")
            .env("NGINX_HOSTS", hosts.join(" "))
            .env("NGINX_HTTP_PORT", self.http.port().to_string())
            .env("NGINX_HTTPS_PORT", self.https.port().to_string())
            .env(
                "NGINX_TEMPLATE",
                repository().join("nginx/nginx.conf.template"),
            )
            .env("NGINX_ADDRESSES", self.path("addresses"))
            .env("NGINX_CERTIFICATES", self.path("issued"))
            .env("NGINX_SELF_MADE", self.path("self-made"))
            .env("NGINX_WEBROOT", self.path("webroot"))
            .env("NGINX_RUN", self.path("run"))
            .env("NGINX_ACCESS_LOG", self.path("access.log"))
            .env("NGINX_LOOK_EVERY", "1")
            .envs(self.variables.iter().cloned())
            .kill_on_drop(true);
        command
    }

    /// What `nginx -t` makes of the configuration.
    pub(super) async fn check(&self, hosts: &[SocketAddr]) -> Output {
        let output = self.command(hosts).arg("check").output().await;
        output.unwrap_or_else(|error| panic!("nginx/start: {error}; {INSTALL}"))
    }

    /// Starts it in front of a product where a person signs in to `claude`; what a client
    /// needs to do that for her is the last.
    pub(super) async fn start_with_a_person(self) -> (Product, Nginx, String) {
        let product = Product::builder()
            .people(&[ANA])
            .scope_people("claude", &[ANA.0])
            .behind(&self.url())
            .start()
            .await;
        let nginx = self.start(&[product.address]).await;
        let job = json!({"user": ANA.0, "password": ANA.1}).to_string();
        (product, nginx, job)
    }

    /// Starts it in front of `hosts`, and waits until it listens.
    pub(super) async fn start(self, hosts: &[SocketAddr]) -> Nginx {
        let mut command = self.command(hosts);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let mut process = command.spawn().expect("a shell");
        let serves = async {
            // It tells nobody when it does; and its check of the configuration listens, too.
            while !answers(self.http).await {
                let ended = process.try_wait().expect("a process");
                assert!(ended.is_none(), "nginx/start: {ended:?}; {INSTALL}");
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(PATIENCE, serves)
            .await
            .expect("nginx serves in time");
        Nginx {
            settings: self,
            process,
        }
    }
}

/// Whether a server there answers a request.
async fn answers(address: SocketAddr) -> bool {
    let Ok(mut stream) = TcpStream::connect(address).await else {
        return false;
    };
    let mut first = [0];
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await.is_ok()
        && stream.read_exact(&mut first).await.is_ok()
}

impl Nginx {
    /// One in front of `hosts` with nothing special.
    pub(super) async fn before(hosts: &[SocketAddr]) -> Self {
        Settings::new().await.start(hosts).await
    }

    /// What clients put before a path.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.settings.url())
    }

    /// The same without TLS.
    pub(super) fn plain_url(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.settings.http.port())
    }

    /// The certificate that it made itself.
    pub(super) fn certificate(&self) -> PathBuf {
        self.settings.path("self-made/fullchain.pem")
    }

    /// A client that trusts it and comes from `127.0.0.LAST`.
    pub(super) fn client(&self, last: u8) -> reqwest::Client {
        self.client_that_trusts(&self.certificate(), last)
    }

    fn client_that_trusts(&self, certificate: &Path, last: u8) -> reqwest::Client {
        let pem = std::fs::read(certificate).expect("a certificate");
        reqwest::Client::builder()
            .add_root_certificate(reqwest::Certificate::from_pem(&pem).expect("a certificate"))
            .redirect(reqwest::redirect::Policy::none())
            .local_address(IpAddr::V4(Ipv4Addr::new(127, 0, 0, last)))
            .resolve("localhost", self.settings.https)
            .build()
            .expect("a client")
    }

    /// Has a script trust the certificate.
    pub(super) fn trusted_by<'a>(&self, script: &'a mut Command) -> &'a mut Command {
        let certificate = self.certificate();
        script
            .env("SSL_CERT_FILE", &certificate)
            .env("NODE_EXTRA_CA_CERTS", &certificate)
    }

    /// Puts a certificate where Let's Encrypt's would be.
    pub(super) fn issue(&self) -> PathBuf {
        let made = generate_simple_self_signed(vec!["localhost".to_owned()]);
        let CertifiedKey { cert, signing_key } = made.expect("a certificate");
        let folder = self.settings.path("issued/live/localhost");
        std::fs::create_dir_all(&folder).expect("a folder");
        let certificate = folder.join("fullchain.pem");
        std::fs::write(&certificate, cert.pem()).expect("a file");
        std::fs::write(folder.join("privkey.pem"), signing_key.serialize_pem()).expect("a file");
        certificate
    }

    /// Lines of the access log.
    pub(super) fn log(&self) -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(self.settings.path("access.log")).expect("a log");
        text.lines()
            .map(|line| serde_json::from_str(line).expect("a line of JSON"))
            .collect()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // The master ends its workers, which a kill would leave behind.
        let Some(id) = self.process.id() else { return };
        let _ = std::process::Command::new("kill")
            .arg(id.to_string())
            .status();
        for _ in 0..500 {
            if !matches!(self.process.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

const PATIENCE: Duration = Duration::from_secs(30);
const ANA: (&str, &str) = ("ana@example.com", "correct horse battery");
