//! Registration (RFC 7591) as the client does it, the page that follows, and the
//! addresses that old clients guess.

use serde_json::{Value, json};
use url::Url;

use super::report::Report;
use super::request::{Answer, Asker};
use super::walk::{Walker, answered};

/// Registers with the client's own redirect URI, and asks for the page.
pub(super) async fn register_and_authorize(
    asker: &Asker,
    walker: Walker,
    server: &Answer,
    report: &mut Report,
) {
    let Some(id) = register(asker, walker, server, report).await else {
        return;
    };
    if let Some(endpoint) = server.text("authorization_endpoint") {
        authorize(asker, walker, endpoint, &id, report).await;
    }
}

/// What clients of 2025-03-26, and newer ones that found no metadata, guess.
pub(super) async fn root_endpoints(asker: &Asker, report: &mut Report) {
    let [authorize, token, register] =
        ["/authorize", "/token", "/register"].map(|path| asker.at_root(path));
    let answers = [
        (format!("GET {authorize}"), asker.get(&authorize).await),
        (format!("POST {token}"), asker.post_form(&token, "").await),
        (
            format!("POST {register}"),
            asker.post_json(&register, &json!({})).await,
        ),
    ];
    for (what, result) in answers {
        let Some(answer) = answered(&what, result, report) else {
            continue;
        };
        // An empty request is refused by whoever understands it.
        report.check(
            matches!(answer.status, 400 | 401),
            format!("{what} with nothing in it → {}", answer.status),
            "It must be 400: clients that read no metadata guess this address, so serve it at the \
             root too (default_scope).",
        );
    }
}

async fn register(
    asker: &Asker,
    walker: Walker,
    server: &Answer,
    report: &mut Report,
) -> Option<String> {
    let endpoint = server.text("registration_endpoint")?;
    let metadata = json!({
        "client_name": walker.name,
        "redirect_uris": [walker.redirect_uri],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "application_type": "web",
    });
    let what = format!("POST {endpoint} with {}", walker.redirect_uri);
    let answer = answered(&what, asker.post_json(endpoint, &metadata).await, report)?;
    let why = answer.text("error_description");
    let why = why.map_or_else(String::new, |why| format!(": {why}"));
    let came = format!("{what} → {}{why}", answer.status);
    if answer.status != 201 {
        report.bad(came, not_201(answer.status, walker));
        return None;
    }
    report.good(came);
    let id = answer.text("client_id");
    report.check(
        id.is_some(),
        format!("client_id → {}", id.unwrap_or("missing")),
        "A client cannot go on without its id.",
    );
    report.check(
        answer.lists("redirect_uris", walker.redirect_uri),
        "redirect_uris → with the one that was sent",
        "The answer must repeat what was registered (RFC 7591 §3.2.1).",
    );
    let issued = answer.member("client_id_issued_at");
    report.check(
        issued.is_none_or(Value::is_u64),
        "client_id_issued_at → an integer or nothing",
        "Clients read it as an integer.",
    );
    let (secret, expires) = (
        answer.text("client_secret"),
        answer.member("client_secret_expires_at"),
    );
    report.check(
        expires.map_or(secret.is_none(), Value::is_u64),
        "client_secret_expires_at → an integer, or there is no secret",
        "A secret without an integer client_secret_expires_at breaks clients; 0 is for ever.",
    );
    id.map(ToOwned::to_owned)
}

fn not_201(status: u16, walker: Walker) -> String {
    match status {
        200 => "It must be 201 (RFC 7591 §3.2.1); some clients take nothing else.".to_owned(),
        400 => format!(
            "{} must be able to register with {}: look at allowed_redirect_hosts.",
            walker.name, walker.redirect_uri
        ),
        401 | 403 => "Registration must be open: clients have no token yet.".to_owned(),
        422 => "Members that are not known must be ignored, never refused with 422.".to_owned(),
        429 => {
            "Claude registers for each connection, from few addresses: raise the limit of the proxy."
                .to_owned()
        }
        _ => "It must be 201 (RFC 7591 §3.2.1).".to_owned(),
    }
}

async fn authorize(asker: &Asker, walker: Walker, endpoint: &str, id: &str, report: &mut Report) {
    let parameters = [
        ("response_type", "code"),
        ("client_id", id),
        ("redirect_uri", walker.redirect_uri),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("state", "doctor"),
        ("resource", &asker.typed),
        ("scope", "mcp:read"),
    ];
    let Ok(url) = Url::parse_with_params(endpoint, parameters) else {
        return;
    };
    let what = format!("GET {endpoint} with a good request");
    let Some(answer) = answered(&what, asker.get(url.as_str()).await, report) else {
        return;
    };
    let location = answer.redirects().unwrap_or_default();
    let to = match location {
        "" => String::new(),
        location => format!(" to {location}"),
    };
    let refused = location.starts_with(walker.redirect_uri);
    report.check(
        matches!(answer.status, 200 | 302 | 303) && !refused,
        format!("{what} → {}{to}", answer.status),
        match answer.status {
            307 | 308 => {
                "307 and 308 repeat a POST at the client's callback, which Claude refuses: answer \
                 302 or 303."
            }
            _ if refused => {
                "The client is sent back at once, with the error that is in the address: nobody is \
                 asked to sign in."
            }
            _ => "It must show a page where a person signs in.",
        },
    );
}

/// The challenge of RFC 7636 appendix B: the code is never fetched.
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
