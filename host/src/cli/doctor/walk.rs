//! The steps in the order in which a client takes them, and the first of them:
//! the endpoint that is typed.

use std::io;

use super::report::Report;
use super::request::{Answer, Asker, Failure};
use super::{address, discovery, registration};

/// What one client does differently.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walker {
    pub(super) title: &'static str,
    pub(super) name: &'static str,
    pub(super) redirect_uri: &'static str,
    /// Looks at the documents of the root as well.
    pub(super) probes_root: bool,
}

pub(super) const CLAUDE: Walker = Walker {
    title: "As Claude does it:",
    name: "Claude",
    redirect_uri: "https://claude.ai/api/mcp/auth_callback",
    probes_root: false,
};

pub(super) const CHATGPT: Walker = Walker {
    title: "As ChatGPT does it:",
    name: "ChatGPT",
    redirect_uri: "https://chatgpt.com/connector_platform_oauth_redirect",
    probes_root: true,
};

/// Takes every step that the ones before it allow.
///
/// # Errors
/// There is no server at the address.
pub(super) async fn walk(asker: &Asker, walker: Walker, report: &mut Report) -> io::Result<()> {
    address::examine(&asker.typed, &asker.url, report).await;
    if !endpoint(asker, report).await? {
        return Ok(());
    }
    let Some(named) = challenge(asker, report).await else {
        return Ok(());
    };
    if let Some(issuer) = discovery::protected_resource(asker, named, report).await
        && let Some(server) = discovery::authorization_server(asker, &issuer, report).await
    {
        registration::register_and_authorize(asker, walker, &server, report).await;
    }
    if walker.probes_root {
        discovery::root_documents(asker, report).await;
    }
    registration::root_endpoints(asker, report).await;
    Ok(())
}

/// The answer to the request `what`; a step that fails where none came.
pub(super) fn answered(
    what: &str,
    result: Result<Answer, Failure>,
    report: &mut Report,
) -> Option<Answer> {
    let failure = match result {
        Ok(answer) => return Some(answer),
        Err(failure) => failure,
    };
    let advice = match failure {
        Failure::Unreachable(_) => {
            "A connector must reach every address that the metadata names: check public_url and the \
             proxy."
        }
        Failure::Silent(_) => {
            "Clients wait 10 s for an answer, and see a request that hangs as a dead server: answer \
             at once, and turn off buffering in the proxy."
        }
        Failure::Folded => {
            "Header lines that are folded (RFC 9112 §5.2) are refused by clients: write each header \
             on one line."
        }
        Failure::Malformed(_) => {
            "Clients need HTTP/1.1 or HTTP/2: check what the proxy sends to this address."
        }
    };
    report.bad(format!("{what} → {failure}"), advice);
    None
}

/// `HEAD` and `GET` must neither redirect nor hang. Whether there is an endpoint
/// to go on with.
async fn endpoint(asker: &Asker, report: &mut Report) -> io::Result<bool> {
    let typed = &asker.typed;
    let head = match asker.head(typed).await {
        Err(failure @ Failure::Unreachable(_)) => {
            return Err(io::Error::other(format!(
                "{typed} cannot be reached: {failure}; check the address and that the server runs"
            )));
        }
        result => result,
    };
    let mut there = true;
    for (method, result) in [("HEAD", head), ("GET", asker.get(typed).await)] {
        let what = format!("{method} {typed}");
        let Some(answer) = answered(&what, result, report) else {
            continue;
        };
        if is_redirected(&what, &answer, report) {
            there = false;
            continue;
        }
        there &= answer.status != 404;
        report.check(
            answer.status != 404 && answer.status < 500,
            format!("{what} → {}", answer.status),
            match answer.status {
                404 => "There is nothing here: an address ends in the scope and /mcp or /sse.",
                _ => "The server, or the proxy before it, fails: look into its log.",
            },
        );
    }
    Ok(there)
}

/// 401, and the address of the metadata that its header names, if it does.
/// `None` when no client would go on.
async fn challenge(asker: &Asker, report: &mut Report) -> Option<Option<String>> {
    let what = format!("POST {} without a token", asker.typed);
    let answer = match asker.first_contact().await {
        Err(Failure::Folded) => {
            answered(&what, Err(Failure::Folded), report);
            return Some(None);
        }
        result => answered(&what, result, report)?,
    };
    if is_redirected(&what, &answer, report) {
        return None;
    }
    let came = format!("{what} → {}", answer.status);
    if answer.status != 401 {
        report.bad(came, not_401(answer.status));
        return None;
    }
    report.good(came);
    Some(metadata_address(&answer, report))
}

fn metadata_address(answer: &Answer, report: &mut Report) -> Option<String> {
    let mut headers = answer.headers.get_all("www-authenticate").iter();
    let (Some(header), None) = (headers.next(), headers.next()) else {
        report.bad(
            "the 401 has not exactly one WWW-Authenticate",
            "It names the metadata; without it, or with several, no sign-in begins.",
        );
        return None;
    };
    let header = header.to_str().unwrap_or_default();
    let address = header
        .strip_prefix("Bearer ")
        .and_then(|rest| rest.split_once("resource_metadata=\""))
        .and_then(|(_, rest)| rest.split_once('"'))
        .map(|(address, _)| address.to_owned());
    report.check(
        address.is_some(),
        format!("WWW-Authenticate: {header}"),
        "It must be of the form Bearer resource_metadata=\"https://…\" (RFC 9728 §5.1).",
    );
    address
}

fn is_redirected(what: &str, answer: &Answer, report: &mut Report) -> bool {
    let Some(location) = answer.redirects() else {
        return false;
    };
    report.bad(
        format!("{what} → {} to {location}", answer.status),
        "Clients that are redirected drop the token, or turn POST into GET: serve the address \
         itself, without adding or taking a slash.",
    );
    true
}

fn not_401(status: u16) -> &'static str {
    match status {
        200..300 => {
            "It must be 401: clients begin to sign in on that alone. Turn oauth.enabled on, and let \
             the token be checked before anything else."
        }
        403 => {
            "It must be 401. A firewall or a rule against robots may stand before the server, which \
             must let Claude-User pass; or the proxy sends a Host that the server does not know."
        }
        404 => "There is nothing here: an address ends in the scope and /mcp or /sse.",
        406 => "It must be 401, whatever the Accept header says: check the token first.",
        500.. => "The server, or the proxy before it, fails: look into its log.",
        _ => {
            "It must be 401: the token must be checked before headers, method and body are judged."
        }
    }
}
