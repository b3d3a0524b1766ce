//! The whole log of everything that has to do with secrets, at its finest: not
//! one of them is in it.

use integration_tests::{Browser, McpClient, OAuthClient, VERIFIER, oauth_register, sign_in};
use serde_json::{Value, json};

use super::binary::{Process, Site, free_address};

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_the_log_of_processes_and_commands_that_tell_all() {
    let site = Site::telling_all().await;
    let store = format!("sqlite:{}", site.path("state.db").display());
    let process = site.start(free_address().await, &store).await;
    let mut secrets = Secrets::default();
    secrets.add("code verifier", VERIFIER);
    secrets.add("database password", site.database_password());

    people(&site, &process, &mut secrets).await;
    let browser = Browser::new();
    let client = registered(&process, &mut secrets).await;
    a_client_from_code_to_revocation(&client, &browser, &mut secrets).await;
    let client = preregistered(&site, &process, &mut secrets).await;
    a_client_from_code_to_revocation(&client, &browser, &mut secrets).await;
    a_token_where_none_belongs(&site, &process, &mut secrets).await;
    a_new_password(&process, &browser, &mut secrets).await;
    process.kill().await;

    let log = site.log();
    for told in ["TRACE", ANA, BOB, "sign_in", "invalid_grant", "access"] {
        assert!(log.contains(told), "{told} is not in the log");
    }
    secrets.are_not_in(&log);
}

/// Ana is added with a password; Bob is invited, and sets one.
async fn people(site: &Site, process: &Process, secrets: &mut Secrets) {
    let file = site.path("password");
    std::fs::write(&file, secrets.add("password", ANAS)).expect("a file");
    let file = file.to_str().expect("a path in UTF-8");
    let add = ["user", "add", ANA, "--password-file", file];
    site.ask(process, &add).await;

    let invited = site.ask(process, &["user", "invite", BOB]).await;
    let link = text(&invited, "link");
    let (_, token) = link.split_once("token=").expect("a token");
    secrets.add("invitation", token);
    let browser = Browser::new();
    let page = browser.get(&link).await;
    let password = secrets.add("password by invitation", BOBS);
    let fields = [("password", password), ("again", password)];
    let page = browser
        .submit(&page, ("action", "set-password"), &fields)
        .await;
    assert!(page.status < 400, "{page:?}");
    // Good once, and a refusal is no reason to tell it either.
    assert_eq!(browser.get(&link).await.status, 404);
    secrets.of(&browser);
}

/// One that is given a secret when it registers.
async fn registered(process: &Process, secrets: &mut Secrets) -> OAuthClient {
    let issuer = issuer(process);
    let (status, reply) = oauth_register(
        &issuer,
        &json!({
            "client_name": "Registered",
            "redirect_uris": [REDIRECT],
            "token_endpoint_auth_method": "client_secret_post",
        }),
    )
    .await;
    assert_eq!(status, 201, "{reply}");
    confidential(&issuer, &reply, secrets)
}

/// One that the operator gave a secret.
async fn preregistered(site: &Site, process: &Process, secrets: &mut Secrets) -> OAuthClient {
    let add = [
        "client",
        "add",
        "--scope",
        "claude",
        "--name",
        "Preregistered",
        "--redirect-uri",
        REDIRECT,
    ];
    let reply = site.ask(process, &add).await;
    confidential(&issuer(process), &reply, secrets)
}

fn confidential(issuer: &str, reply: &Value, secrets: &mut Secrets) -> OAuthClient {
    let secret = text(reply, "client_secret");
    let mut client = OAuthClient::new(issuer, &text(reply, "client_id"), REDIRECT);
    client.secret = Some(secrets.add("client secret", &secret).to_owned());
    client
}

/// Everything a client does, with the mistakes that are logged as such.
async fn a_client_from_code_to_revocation(
    client: &OAuthClient,
    browser: &Browser,
    secrets: &mut Secrets,
) {
    let page = browser.get(&client.authorize_url(&[])).await;
    if page.body.contains("name=\"password\"") {
        let wrong = secrets.add("wrong password", "not the password of ana");
        let page = sign_in(browser, &page, ANA, wrong).await;
        sign_in(browser, &page, ANA, ANAS).await;
    }
    let page = browser.get(&client.authorize_url(&[])).await;
    let (_, hidden) = page.form(("action", "allow"));
    let (name, value) = hidden.iter().find(|(name, _)| name == "csrf").expect("one");
    secrets.add(name, value);
    let page = browser.submit(&page, ("action", "allow"), &[]).await;
    let code = page.parameter("code").unwrap_or_else(|| panic!("{page:?}"));
    secrets.add("code", &code);
    secrets.of(browser);

    let wrong = secrets.add("wrong verifier", &"v".repeat(64)).to_owned();
    let (refused, _) = client.exchange(&code, &[("code_verifier", &wrong)]).await;
    assert_eq!(refused, 400);
    let (refused, _) = client
        .exchange(&code, &[("client_secret", "not-the-clients-secret")])
        .await;
    assert_eq!(refused, 401);
    secrets.add("wrong client secret", "not-the-clients-secret");

    let page = browser.get(&client.authorize_url(&[])).await;
    let page = browser.submit(&page, ("action", "allow"), &[]).await;
    let code = page.parameter("code").unwrap_or_else(|| panic!("{page:?}"));
    secrets.add("code", &code);
    let (ok, first) = client.exchange(&code, &[]).await;
    assert_eq!(ok, 200, "{first}");
    secrets.add_tokens(&first);
    let (ok, second) = client.refresh(&text(&first, "refresh_token"), &[]).await;
    assert_eq!(ok, 200, "{second}");
    secrets.add_tokens(&second);
    assert_eq!(call(client, &text(&second, "access_token")).await, 200);
    assert_eq!(client.exchange(&code, &[]).await.0, 400);
    client.revoke(&text(&second, "refresh_token")).await;
    client.revoke("not-a-token-of-ours").await;
}

/// A token of a script, in the address and with a letter too much.
async fn a_token_where_none_belongs(site: &Site, process: &Process, secrets: &mut Secrets) {
    let issue = ["token", "issue", "--scope", "claude", "--user", ANA];
    let issued = site.ask(process, &issue).await;
    let token = secrets
        .add("token for a script", &text(&issued, "access_token"))
        .to_owned();
    let client = OAuthClient::new(&issuer(process), "none", REDIRECT);
    assert_eq!(call(&client, &token).await, 200);
    assert_eq!(call(&client, &format!("{token}x")).await, 401);
    let url = format!("{}/mcp?access_token={token}", issuer(process));
    assert_eq!(Browser::new().get(&url).await.status, 401);
}

async fn a_new_password(process: &Process, browser: &Browser, secrets: &mut Secrets) {
    let page = browser
        .get(&format!("http://{}/account", process.address))
        .await;
    let new = secrets.add("new password", "a password of these days");
    let fields = [("current", ANAS), ("password", new), ("again", new)];
    let page = browser
        .submit(&page, ("action", "change-password"), &fields)
        .await;
    assert!(page.status < 400, "{page:?}");
    secrets.of(browser);
}

async fn call(client: &OAuthClient, token: &str) -> u16 {
    let endpoint = McpClient::new(format!("{}/mcp", client.issuer), Some(token.to_owned()));
    let params = json!({"name": "list_tables", "arguments": {}});
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
    endpoint.post(&call).await.0
}

fn issuer(process: &Process) -> String {
    format!("http://{}/claude", process.address)
}

fn text(reply: &Value, name: &str) -> String {
    let value = reply[name].as_str();
    value
        .unwrap_or_else(|| panic!("no {name}: {reply}"))
        .to_owned()
}

/// What must not be told, with what it is.
#[derive(Default)]
struct Secrets(Vec<(String, String)>);

impl Secrets {
    fn add(&mut self, what: &str, secret: &str) -> &str {
        assert!(secret.len() > 7, "{what}: {secret:?} is too short to find");
        self.0.push((what.to_owned(), secret.to_owned()));
        &self.0.last().expect("it was added").1
    }

    fn add_tokens(&mut self, reply: &Value) {
        for name in ["access_token", "refresh_token"] {
            self.add(name, &text(reply, name));
        }
    }

    /// The cookies of `browser`.
    fn of(&mut self, browser: &Browser) {
        let cookies = browser.cookies();
        assert!(!cookies.is_empty(), "it was given none");
        for (name, value) in &cookies {
            self.add(name, value);
        }
    }

    /// In none of the forms in which a log could hold them: as they are, as a
    /// form or an address writes them, or as the numbers of their bytes.
    fn are_not_in(&self, log: &str) {
        let mut told = Vec::new();
        for (what, secret) in &self.0 {
            let encoded: String = form_urlencoded(secret);
            let numbers = format!("{:?}", &secret.as_bytes()[..8]);
            let numbers = numbers.trim_matches(['[', ']']);
            if let Some(line) = log.lines().find(|line| {
                line.contains(secret.as_str()) || line.contains(&encoded) || line.contains(numbers)
            }) {
                told.push(format!("{what}: {line}"));
            }
        }
        assert!(told.is_empty(), "{}", told.join("\n"));
    }
}

fn form_urlencoded(text: &str) -> String {
    let pair = reqwest::Url::parse_with_params("a:", [("", text)]).expect("an address");
    pair.query()
        .expect("one")
        .trim_start_matches('=')
        .to_owned()
}

const ANA: &str = "ana@example.com";
const ANAS: &str = "correct horse battery";
const BOB: &str = "bob@example.com";
const BOBS: &str = "staple correct horse";
/// Nobody listens there: what counts is where a browser would be sent.
const REDIRECT: &str = "http://127.0.0.1/callback";
