//! The steps, in the order in which a client takes them.

use serde_json::json;
use url::Url;

use super::report::Report;
use super::request::{Answer, Asker};

/// What one client does differently.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walker {
    pub(super) title: &'static str,
    redirect_uri: &'static str,
    name: &'static str,
    /// Looks at the documents of the root as well.
    probes_root: bool,
}

pub(super) const CLAUDE: Walker = Walker {
    title: "As Claude does it:",
    redirect_uri: "https://claude.ai/api/mcp/auth_callback",
    name: "Claude",
    probes_root: false,
};

pub(super) const CHATGPT: Walker = Walker {
    title: "As ChatGPT does it:",
    redirect_uri: "https://chatgpt.com/connector_platform_oauth_redirect",
    name: "ChatGPT",
    probes_root: true,
};

/// Takes every step that the ones before it allow.
pub(super) async fn walk(
    asker: &Asker,
    walker: Walker,
    report: &mut Report,
) -> std::io::Result<()> {
    address(asker, report);
    endpoint(asker, report).await?;
    let Some(metadata) = challenge(asker, report).await? else {
        return Ok(());
    };
    if let Some(issuer) = protected_resource(asker, &metadata, report).await?
        && let Some(server) = authorization_server(asker, &issuer, report).await?
    {
        register_and_authorize(asker, walker, &server, report).await?;
    }
    root(asker, walker, report).await
}

fn address(asker: &Asker, report: &mut Report) {
    let typed = &asker.typed;
    if typed.ends_with('/') {
        report.doubtful(
            format!("the address {typed} ends in a slash"),
            "Clients compare it with the metadata character by character: type it without.",
        );
    }
    if asker.url.scheme() == "http" && !is_loopback(&asker.url) {
        report.bad(
            format!("{typed} is http"),
            "Clients send tokens over https only: put the server behind TLS.",
        );
    } else if asker.url.port().is_some() && !is_loopback(&asker.url) {
        report.doubtful(
            format!("{typed} has a port of its own"),
            "Claude connects to port 443 alone: use a reverse proxy.",
        );
    }
}

/// Probes that must neither redirect nor hang.
async fn endpoint(asker: &Asker, report: &mut Report) -> std::io::Result<()> {
    let head = asker.head(&asker.typed).await?;
    no_redirect("HEAD", &head, report);
    let get = asker.get(&asker.typed).await?;
    no_redirect("GET", &get, report);
    report.check(
        get.status != 404,
        format!("GET answers at once, with {}", get.status),
        "There is nothing at this address: it ends in the scope and /mcp or /sse.",
    );
    Ok(())
}

fn no_redirect(method: &str, answer: &Answer, report: &mut Report) {
    if let Some(location) = answer.redirects() {
        report.bad(
            format!("{method} is redirected ({}) to {location}", answer.status),
            "Clients drop the token, or turn POST into GET, when they are redirected: serve the \
             address itself.",
        );
    }
}

/// 401 and its header: where the metadata is.
async fn challenge(asker: &Asker, report: &mut Report) -> std::io::Result<Option<String>> {
    let answer = asker.first_contact().await?;
    if answer.redirects().is_some() {
        no_redirect("POST", &answer, report);
        return Ok(None);
    }
    if answer.status != 401 {
        report.bad(
            format!("POST without a token answers {}, not 401", answer.status),
            "Clients begin to sign in on 401 alone: the token must be checked before anything \
             else, and OAuth must be on.",
        );
        return Ok(None);
    }
    report.good("POST without a token answers 401");
    let mut headers = answer.headers.get_all("www-authenticate").iter();
    let (Some(header), None) = (headers.next(), headers.next()) else {
        report.bad(
            "there is not exactly one WWW-Authenticate header",
            "It names the metadata; without it, or with several lines, no sign-in begins.",
        );
        return Ok(None);
    };
    let header = header.to_str().unwrap_or_default();
    let metadata = header
        .strip_prefix("Bearer ")
        .and_then(|rest| rest.split_once("resource_metadata=\""))
        .and_then(|(_, rest)| rest.split_once('"'))
        .map(|(address, _)| address.to_owned());
    report.check(
        metadata.is_some(),
        format!("WWW-Authenticate: {header}"),
        "It must be one line of the form Bearer resource_metadata=\"https://…\".",
    );
    Ok(metadata)
}

/// RFC 9728; gives the issuer.
async fn protected_resource(
    asker: &Asker,
    metadata: &str,
    report: &mut Report,
) -> std::io::Result<Option<String>> {
    let inserted = asker.at_root(&format!(
        "/.well-known/oauth-protected-resource{}",
        asker.url.path()
    ));
    report.check(
        metadata == inserted,
        format!("the metadata is at {metadata}"),
        format!("Clients that guess look at {inserted} (RFC 9728 §3.1)."),
    );
    let answer = asker.get(metadata).await?;
    if !is_json(&answer, metadata, report) {
        return Ok(None);
    }
    let resource = answer.text("resource").unwrap_or_default();
    let advice = if resource.trim_end_matches('/') == asker.typed.trim_end_matches('/') {
        format!(
            "It differs from the typed {} by a slash: clients compare character by character.",
            asker.typed
        )
    } else {
        format!(
            "It is not the typed {}: the client signs in and then never calls. Check public_url \
             and what the proxy does to paths and Host.",
            asker.typed
        )
    };
    report.check(
        resource == asker.typed,
        format!("resource is {resource}"),
        advice,
    );
    let servers = answer
        .json
        .as_ref()
        .and_then(|json| json.get("authorization_servers"));
    let issuer = servers.and_then(|servers| servers.get(0)?.as_str());
    report.check(
        issuer.is_some(),
        format!(
            "authorization_servers begins with {}",
            issuer.unwrap_or("nothing")
        ),
        "The list must name one issuer at least; Claude uses the first.",
    );
    Ok(issuer.map(ToOwned::to_owned))
}

/// RFC 8414 and the OpenID Connect alias.
async fn authorization_server(
    asker: &Asker,
    issuer: &str,
    report: &mut Report,
) -> std::io::Result<Option<Answer>> {
    let Ok(url) = Url::parse(issuer) else {
        report.bad(
            format!("the issuer {issuer} is not an address"),
            "It must be an https URL.",
        );
        return Ok(None);
    };
    let path = url.path().trim_end_matches('/');
    let origin = url.origin().ascii_serialization();
    let address = format!("{origin}/.well-known/oauth-authorization-server{path}");
    let answer = asker.get(&address).await?;
    if !is_json(&answer, &address, report) {
        return Ok(None);
    }
    let says = answer.text("issuer").unwrap_or_default();
    report.check(
        says == issuer,
        format!("issuer is {says}"),
        format!("It must be {issuer}, character by character (RFC 8414 §3.3)."),
    );
    for endpoint in [
        "authorization_endpoint",
        "token_endpoint",
        "registration_endpoint",
    ] {
        let at = answer.text(endpoint).and_then(|text| Url::parse(text).ok());
        let safe = at.as_ref().is_some_and(|at| {
            at.origin() == url.origin() && (at.scheme() == "https" || is_loopback(at))
        });
        report.check(
            safe,
            format!(
                "{endpoint} is {}",
                at.map_or_else(|| "missing".to_owned(), String::from)
            ),
            "It must be an https address at the issuer's own host.",
        );
    }
    report.check(
        answer.lists("code_challenge_methods_supported", "S256"),
        "code_challenge_methods_supported has S256",
        "Clients refuse a server that does not list S256.",
    );
    report.check(
        answer.lists("response_types_supported", "code"),
        "response_types_supported has code",
        "There is no other way to a token.",
    );
    report.check(
        answer.lists("token_endpoint_auth_methods_supported", "none"),
        "token_endpoint_auth_methods_supported has none",
        "Claude and ChatGPT are public clients.",
    );
    for (flag, use_of_it) in [
        (
            "client_id_metadata_document_supported",
            "clients register instead",
        ),
        (
            "authorization_response_iss_parameter_supported",
            "ChatGPT then uses a redirect of its own for each connector",
        ),
    ] {
        if answer.says(flag) {
            report.good(format!("{flag} is true"));
        } else {
            report.doubtful(
                format!("{flag} is not true"),
                format!("It works: {use_of_it}."),
            );
        }
    }
    let alias = format!("{origin}/.well-known/openid-configuration{path}");
    let other = asker.get(&alias).await?;
    report.check(
        other.json == answer.json,
        "the OpenID Connect alias is the same document",
        format!(
            "{alias} answers {} with other content; some clients look there first.",
            other.status
        ),
    );
    Ok(Some(answer))
}

async fn register_and_authorize(
    asker: &Asker,
    walker: Walker,
    server: &Answer,
    report: &mut Report,
) -> std::io::Result<()> {
    let Some(address) = server.text("registration_endpoint") else {
        return Ok(());
    };
    let metadata = json!({
        "client_name": walker.name,
        "redirect_uris": [walker.redirect_uri],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    });
    let answer = asker.post_json(address, &metadata).await?;
    let id = answer.text("client_id");
    if answer.status != 201 || id.is_none() {
        let why = answer
            .text("error_description")
            .unwrap_or("without a reason");
        report.bad(
            format!("registration answers {} ({why})", answer.status),
            format!(
                "It must answer 201 with a client_id; {} must be allowed by \
                 allowed_redirect_hosts.",
                walker.redirect_uri
            ),
        );
        return Ok(());
    }
    report.good(format!(
        "registration with {} answers 201",
        walker.redirect_uri
    ));
    let expires = answer
        .json
        .as_ref()
        .and_then(|json| json.get("client_secret_expires_at"));
    report.check(
        expires.is_none_or(|value| value.is_u64())
            && (expires.is_some() || answer.text("client_secret").is_none()),
        "client_secret_expires_at is an integer, or there is no secret",
        "A secret without an integer client_secret_expires_at breaks clients.",
    );
    let (Some(authorize), Some(id)) = (server.text("authorization_endpoint"), id) else {
        return Ok(());
    };
    let parameters = [
        ("response_type", "code"),
        ("client_id", id),
        ("redirect_uri", walker.redirect_uri),
        (
            "code_challenge",
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        ),
        ("code_challenge_method", "S256"),
        ("state", "doctor"),
        ("resource", &asker.typed),
        ("scope", "mcp:read"),
    ];
    let Ok(url) = Url::parse_with_params(authorize, parameters) else {
        return Ok(());
    };
    let page = asker.get(url.as_str()).await?;
    report.check(
        page.status == 200 || matches!(page.status, 302 | 303),
        format!("the authorization endpoint answers {}", page.status),
        match page.status {
            307 | 308 => {
                "307 and 308 make browsers repeat a POST at the client's callback: answer 302 or \
                 303."
            }
            _ => "It must show a page to a good request, resource included.",
        },
    );
    Ok(())
}

/// What clients guess at the root.
async fn root(asker: &Asker, walker: Walker, report: &mut Report) -> std::io::Result<()> {
    if walker.probes_root {
        for path in [
            "/.well-known/oauth-protected-resource",
            "/.well-known/oauth-authorization-server",
        ] {
            let address = asker.at_root(path);
            let answer = asker.get(&address).await?;
            report.check(
                answer.status == 200 && answer.json.is_some(),
                format!("{path} answers {}", answer.status),
                "ChatGPT says \"does not implement OAuth\" without the documents of the root.",
            );
        }
        let missing = asker
            .get(&asker.at_root("/.well-known/there-is-no-such-thing"))
            .await?;
        report.check(
            missing.status == 404,
            format!("an unknown well-known address answers {}", missing.status),
            "It must be 404: a page for everything makes ChatGPT fail, and 401 stops discovery.",
        );
    }
    for path in ["/token", "/register"] {
        let answer = asker.post_form(&asker.at_root(path), "").await?;
        report.check(
            matches!(answer.status, 400 | 401) && answer.text("error").is_some(),
            format!("{path} at the root answers {}", answer.status),
            "Clients of 2025-03-26 guess these addresses: serve them there too.",
        );
    }
    Ok(())
}

fn is_json(answer: &Answer, address: &str, report: &mut Report) -> bool {
    let good = answer.status == 200 && answer.json.is_some();
    report.check(
        good,
        format!("{address} answers {}", answer.status),
        "It must answer 200 with JSON, without a token and without a redirect.",
    );
    good
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
