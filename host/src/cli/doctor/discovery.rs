//! The documents: of the protected resource (RFC 9728), of the authorization
//! server (RFC 8414), and those at the root.

use url::Url;

use super::report::Report;
use super::request::{Answer, Asker};
use super::walk::answered;
use crate::oauth::is_loopback;

/// Reads the metadata of the endpoint, at the address that the 401 named or else
/// where clients guess; gives the issuer.
pub(super) async fn protected_resource(
    asker: &Asker,
    named: Option<String>,
    report: &mut Report,
) -> Option<String> {
    let guessed = asker.at_root(&format!("{RESOURCE}{}", asker.url.path()));
    let address = named.unwrap_or_else(|| guessed.clone());
    let answer = document(asker, &address, report).await?;
    if address != guessed {
        let other = asker.get(&guessed).await;
        let same = other.is_ok_and(|other| other.json == answer.json);
        report.check(
            same,
            format!("GET {guessed}, where clients guess it, → the same"),
            "Clients that do not read the header look there (RFC 9728 §3.1): serve it there too.",
        );
    }
    let typed = &asker.typed;
    let resource = answer.text("resource").unwrap_or("missing");
    let advice = if resource.trim_end_matches('/') == typed.trim_end_matches('/') {
        format!(
            "It differs from the typed {typed} by the slash at the end, and clients compare \
             character by character: both must be without it."
        )
    } else {
        format!(
            "It is not the typed {typed}: the client signs in and then never calls. Check public_url \
             and what the proxy does to the path and to Host."
        )
    };
    report.check(resource == typed, format!("resource → {resource}"), advice);
    let servers = answer.member("authorization_servers");
    let issuer = servers.and_then(|servers| servers.get(0)?.as_str());
    report.check(
        issuer.is_some(),
        format!("authorization_servers → {}", issuer.unwrap_or("none")),
        "The list must name an issuer; Claude uses the first alone.",
    );
    issuer.map(ToOwned::to_owned)
}

/// Reads the issuer's own document, and its aliases.
pub(super) async fn authorization_server(
    asker: &Asker,
    issuer: &str,
    report: &mut Report,
) -> Option<Answer> {
    let Ok(url) = Url::parse(issuer) else {
        report.bad(
            format!("the issuer {issuer} is not an address"),
            "It must be an https address: check public_url.",
        );
        return None;
    };
    let path = url.path().trim_end_matches('/');
    let origin = url.origin().ascii_serialization();
    let address = format!("{origin}{SERVER}{path}");
    let answer = document(asker, &address, report).await?;
    let says = answer.text("issuer").unwrap_or("missing");
    report.check(
        says == issuer,
        format!("issuer → {says}"),
        format!(
            "It must be {issuer}, character by character and without a slash at the end (RFC 8414 \
             §3.3): check public_url."
        ),
    );
    endpoints(&url, &answer, report);
    abilities(&answer, report);
    // OpenID Connect appends the suffix where RFC 8414 inserts it.
    let mut aliases = vec![format!("{origin}{OPENID}{path}")];
    if !path.is_empty() {
        aliases.push(format!("{origin}{path}{OPENID}"));
    }
    for alias in aliases {
        let what = format!("GET {alias}");
        let Some(other) = answered(&what, asker.get(&alias).await, report) else {
            continue;
        };
        report.check(
            other.json == answer.json,
            format!("{what} → {}, the same document", other.status),
            "It is another document or none; some clients look there first: serve the same one.",
        );
    }
    Some(answer)
}

/// The documents that ChatGPT looks for at the root, and one that is nowhere.
pub(super) async fn root_documents(asker: &Asker, report: &mut Report) {
    for path in [RESOURCE, SERVER] {
        let what = format!("GET {}", asker.at_root(path));
        let Some(answer) = answered(&what, asker.get(&asker.at_root(path)).await, report) else {
            continue;
        };
        report.check(
            answer.status == 200 && answer.json.is_some(),
            format!("{what} → {}", answer.status),
            "ChatGPT says that the server \"does not implement OAuth\" without the documents of the \
             root: set default_scope or root_discovery, and let the proxy pass /.well-known/.",
        );
    }
    let nowhere = asker.at_root("/.well-known/there-is-no-such-thing");
    let what = format!("GET {nowhere}");
    let Some(answer) = answered(&what, asker.get(&nowhere).await, report) else {
        return;
    };
    let came = format!("{what} → {}", answer.status);
    if answer.status == 404 && answer.json.is_none() {
        report.doubtful(came, "The 404 is not JSON, which some clients try to read.");
        return;
    }
    report.check(
        answer.status == 404,
        came,
        "It must be 404: a page for every address makes ChatGPT fail, and 401 stops discovery.",
    );
}

async fn document(asker: &Asker, address: &str, report: &mut Report) -> Option<Answer> {
    let what = format!("GET {address}");
    let answer = answered(&what, asker.get(address).await, report)?;
    let good = answer.status == 200 && answer.json.is_some();
    let form = if answer.json.is_some() {
        ""
    } else {
        ", no JSON"
    };
    report.check(
        good,
        format!("{what} → {}{form}", answer.status),
        "It must be 200 with JSON, without a token and without a redirect: let the proxy pass \
         /.well-known/ as it is.",
    );
    good.then_some(answer)
}

fn endpoints(issuer: &Url, server: &Answer, report: &mut Report) {
    for name in [
        "authorization_endpoint",
        "token_endpoint",
        "registration_endpoint",
    ] {
        let said = server.text(name);
        let url = said.and_then(|text| Url::parse(text).ok());
        let safe = url.is_some_and(|url| {
            url.origin() == issuer.origin() && (url.scheme() == "https" || is_loopback(&url))
        });
        report.check(
            safe,
            format!("{name} → {}", said.unwrap_or("missing")),
            "It must be an https address at the issuer's own host: check public_url.",
        );
    }
}

/// What the server says that it can.
fn abilities(server: &Answer, report: &mut Report) {
    for (list, entry, advice) in [
        (
            "code_challenge_methods_supported",
            "S256",
            "Clients must refuse a server that does not list S256 (PKCE).",
        ),
        (
            "response_types_supported",
            "code",
            "There is no other way to a token.",
        ),
        (
            "token_endpoint_auth_methods_supported",
            "none",
            "Claude and ChatGPT are public clients, and have no secret.",
        ),
    ] {
        let has = server.lists(list, entry);
        let came = if has { entry } else { "not there" };
        report.check(has, format!("{entry} in {list} → {came}"), advice);
    }
    for (flag, without) in [
        (
            "client_id_metadata_document_supported",
            "Clients have to register in its place.",
        ),
        (
            "authorization_response_iss_parameter_supported",
            "ChatGPT then uses another redirect address for each connector.",
        ),
    ] {
        if server.says(flag) {
            report.good(format!("{flag} → true"));
        } else {
            report.doubtful(format!("{flag} → not true"), without);
        }
    }
}

const RESOURCE: &str = "/.well-known/oauth-protected-resource";
const SERVER: &str = "/.well-known/oauth-authorization-server";
const OPENID: &str = "/.well-known/openid-configuration";
