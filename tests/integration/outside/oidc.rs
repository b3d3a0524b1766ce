//! A provider of identities as companies have one, in a process of its own.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::Duration;

use mssql_mcp::oauth::{OidcIssuer, OidcSettings};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::time::timeout;

use super::newer_node;

/// A running provider; killed when dropped.
pub(super) struct Provider {
    issuer: String,
    _child: Child,
    _open: ChildStdin,
    // Closed, a word from the provider would be its end: EPIPE.
    _said: Lines<BufReader<ChildStdout>>,
}

impl Provider {
    /// Knows these people, by e-mail and password, and the group of each, and
    /// tells it in `claims_in`: `id_token` or `userinfo`.
    pub(super) async fn start(claims_in: &str, people: &[((&str, &str), &str)]) -> Self {
        let accounts = people
            .iter()
            .enumerate()
            .map(|(number, ((email, password), group))| {
                json!({
                    "sub": format!("account-{number}"),
                    "email": email,
                    "password": password,
                    "groups": [group],
                })
            });
        let job = json!({
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "callback": CALLBACK,
            "claims_in": claims_in,
            "accounts": accounts.collect::<Vec<_>>(),
        });
        let mut command = newer_node("oidc_provider.mjs");
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn().expect("the provider starts");
        let mut open = child.stdin.take().expect("a pipe");
        let job = format!("{job}\n");
        open.write_all(job.as_bytes()).await.expect("it listens");
        let mut said = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let line = timeout(PATIENCE, said.next_line()).await;
        let line = line.expect("it is ready in time").expect("its output");
        let ready: Value = serde_json::from_str(&line.expect("a line")).expect("JSON");
        Self {
            issuer: ready["issuer"].as_str().expect("an issuer").to_owned(),
            _child: child,
            _open: open,
            _said: said,
        }
    }

    /// What the product has to know of it.
    pub(super) fn settings(&self) -> OidcSettings {
        OidcSettings {
            issuer: OidcIssuer::parse(&self.issuer).expect("an issuer"),
            client_id: CLIENT_ID.to_owned(),
            client_secret: Some(CLIENT_SECRET.into()),
            groups_claim: Some("groups".to_owned()),
            claims: BTreeSet::new(),
        }
    }
}

/// Where the product has people brought back.
const CALLBACK: &str = "/sign-in/oidc/callback";
const CLIENT_ID: &str = "mssql-mcp";
const CLIENT_SECRET: &str = "a secret between provider and product";
const PATIENCE: Duration = Duration::from_secs(60);
