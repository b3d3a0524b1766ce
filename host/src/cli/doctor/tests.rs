use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::report::Report;
use super::request::Asker;
use super::walk::{CHATGPT, CLAUDE, walk};

/// What is wrong with the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Nothing,
    SlashInResource,
    OriginAsResource,
    Redirect,
    GetHangs,
    PostAnswers(u16),
    TwoHeaders,
    NoHeader,
    OtherHeader,
    NoResourceDocument,
    WrongIssuer,
    SlashInIssuer,
    OtherAlias,
    EndpointElsewhere,
    NoS256,
    NoPublicClients,
    NoFlags,
    RegistrationAnswers(u16),
    FloatInRegistration,
    AuthorizeRedirects307,
    AuthorizeSendsBack,
    NoRootDocument,
    NoRootEndpoints,
    PageForEverything,
    HtmlFor404,
}

/// A server with one fault; gives the base address.
async fn server(fault: Fault) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base: Arc<str> = format!("http://{}", listener.local_addr().unwrap()).into();
    let at = Arc::clone(&base);
    let router = Router::new().fallback(move |request: Request<Body>| {
        let base = Arc::clone(&at);
        async move {
            let (method, path) = (request.method().as_str(), request.uri().path());
            if fault == Fault::GetHangs && (method, path) == ("GET", "/s/mcp") {
                std::future::pending::<()>().await;
            }
            answer(fault, &base, method, path)
        }
    });
    tokio::spawn(accept(listener, router));
    base.to_string()
}

async fn accept(listener: TcpListener, router: Router) {
    while let Ok((stream, _)) = listener.accept().await {
        let service = hyper_util::service::TowerToHyperService::new(router.clone());
        tokio::spawn(
            hyper::server::conn::http1::Builder::new()
                .serve_connection(hyper_util::rt::TokioIo::new(stream), service),
        );
    }
}

fn answer(fault: Fault, base: &str, method: &str, path: &str) -> Response {
    match (method, path) {
        (_, "/s/mcp") if fault == Fault::Redirect => Redirect::temporary("/s/mcp/").into_response(),
        ("POST", "/s/mcp") => unauthorized(fault, base),
        (_, "/s/mcp") => status(405),
        (_, "/.well-known/oauth-protected-resource/s/mcp")
            if fault != Fault::NoResourceDocument =>
        {
            Json(json!({
                "resource": match fault {
                    Fault::SlashInResource => format!("{base}/s/mcp/"),
                    Fault::OriginAsResource => base.to_owned(),
                    _ => format!("{base}/s/mcp"),
                },
                "authorization_servers": [format!("{base}/s")],
            }))
            .into_response()
        }
        (_, "/.well-known/openid-configuration/s") if fault == Fault::OtherAlias => status(404),
        (
            _,
            "/.well-known/oauth-authorization-server/s"
            | "/.well-known/openid-configuration/s"
            | "/s/.well-known/openid-configuration",
        ) => Json(metadata(fault, base)).into_response(),
        ("POST", "/s/register") => registered(fault),
        (_, "/s/authorize") => match fault {
            Fault::AuthorizeRedirects307 => Redirect::temporary("/elsewhere").into_response(),
            Fault::AuthorizeSendsBack => {
                let location = format!("{}?error=invalid_target", CLAUDE.redirect_uri);
                Redirect::to(&location).into_response()
            }
            _ => status(200),
        },
        (_, "/authorize" | "/token" | "/register") if fault != Fault::NoRootEndpoints => {
            status(400)
        }
        (
            _,
            "/.well-known/oauth-protected-resource" | "/.well-known/oauth-authorization-server",
        ) if fault != Fault::NoRootDocument => Json(json!({ "resource": base })).into_response(),
        _ if fault == Fault::PageForEverything => status(200),
        _ if fault == Fault::HtmlFor404 => {
            (StatusCode::NOT_FOUND, "<p>nothing here</p>").into_response()
        }
        _ => (StatusCode::NOT_FOUND, Json(json!({ "error": "not_found" }))).into_response(),
    }
}

fn unauthorized(fault: Fault, base: &str) -> Response {
    let challenge = format!(
        "Bearer resource_metadata=\"{base}/.well-known/oauth-protected-resource/s/mcp\", \
         scope=\"mcp:read\""
    );
    let values = match fault {
        Fault::PostAnswers(code) => return status(code),
        Fault::NoHeader => vec![],
        Fault::TwoHeaders => vec![&*challenge, "Basic"],
        Fault::OtherHeader => vec!["Bearer realm=\"x\""],
        _ => vec![&*challenge],
    };
    let mut response = status(401);
    for value in values {
        let headers = response.headers_mut();
        headers.append(header::WWW_AUTHENTICATE, value.parse().unwrap());
    }
    response
}

fn metadata(fault: Fault, base: &str) -> Value {
    let issuer = match fault {
        Fault::WrongIssuer => base.to_owned(),
        Fault::SlashInIssuer => format!("{base}/s/"),
        _ => format!("{base}/s"),
    };
    let token = match fault {
        Fault::EndpointElsewhere => "https://elsewhere.example/token".to_owned(),
        _ => format!("{base}/s/token"),
    };
    let list = |absent: bool, entry: &str| if absent { json!([]) } else { json!([entry]) };
    json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{base}/s/authorize"),
        "token_endpoint": token,
        "registration_endpoint": format!("{base}/s/register"),
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": list(fault == Fault::NoS256, "S256"),
        "token_endpoint_auth_methods_supported": list(fault == Fault::NoPublicClients, "none"),
        "client_id_metadata_document_supported": fault != Fault::NoFlags,
        "authorization_response_iss_parameter_supported": fault != Fault::NoFlags,
    })
}

fn registered(fault: Fault) -> Response {
    let mut client = json!({
        "client_id": "c",
        "client_id_issued_at": 1_700_000_000,
        "redirect_uris": [CLAUDE.redirect_uri, CHATGPT.redirect_uri],
    });
    if fault == Fault::FloatInRegistration {
        client["client_secret"] = json!("s");
        client["client_secret_expires_at"] = json!(0.5);
    }
    let code = match fault {
        Fault::RegistrationAnswers(code) => code,
        _ => 201,
    };
    (StatusCode::from_u16(code).unwrap(), Json(client)).into_response()
}

fn status(code: u16) -> Response {
    StatusCode::from_u16(code).unwrap().into_response()
}

/// The report of both walks to `base`.
async fn report(base: &str, budget: Duration) -> String {
    let asker = Asker::new(&format!("{base}/s/mcp"), budget).unwrap();
    let mut text = String::new();
    for client in [CLAUDE, CHATGPT] {
        let mut report = Report::default();
        walk(&asker, client, &mut report).await.unwrap();
        let one = report.text(false);
        assert_eq!(report.failures(), one.matches("FAIL").count());
        text += &one;
    }
    text
}

#[tokio::test]
async fn a_good_server_is_green() {
    let text = report(&server(Fault::Nothing).await, GENEROUS).await;
    assert!(!text.contains("FAIL") && !text.contains("note"), "{text}");
    for asked in [
        "→ 401",
        "S256",
        "claude.ai/api/mcp/auth_callback → 201",
        "chatgpt.com/connector_platform_oauth_redirect → 201",
        "with a good request → 200",
    ] {
        assert!(text.contains(asked), "{asked}: {text}");
    }
}

#[tokio::test]
async fn each_fault_is_red_with_what_it_does_and_what_to_change() {
    for (fault, sentence) in [
        (Fault::SlashInResource, "by the slash at the end"),
        (Fault::OriginAsResource, "signs in and then never calls"),
        (Fault::Redirect, "turn POST into GET"),
        (Fault::PostAnswers(200), "Turn oauth.enabled on"),
        (Fault::PostAnswers(403), "rule against robots"),
        (Fault::PostAnswers(406), "whatever the Accept header says"),
        (Fault::PostAnswers(400), "before headers, method and body"),
        (Fault::TwoHeaders, "not exactly one WWW-Authenticate"),
        (Fault::NoHeader, "not exactly one WWW-Authenticate"),
        (Fault::OtherHeader, "of the form Bearer resource_metadata="),
        (Fault::NoResourceDocument, "It must be 200 with JSON"),
        (Fault::WrongIssuer, "character by character and without"),
        (Fault::SlashInIssuer, "without a slash at the end"),
        (Fault::OtherAlias, "some clients look there first"),
        (Fault::EndpointElsewhere, "at the issuer's own host"),
        (Fault::NoS256, "does not list S256"),
        (Fault::NoPublicClients, "are public clients"),
        (Fault::RegistrationAnswers(200), "RFC 7591 §3.2.1"),
        (
            Fault::RegistrationAnswers(400),
            "look at allowed_redirect_hosts",
        ),
        (Fault::RegistrationAnswers(422), "never refused with 422"),
        (Fault::RegistrationAnswers(429), "raise the limit"),
        (
            Fault::FloatInRegistration,
            "integer client_secret_expires_at",
        ),
        (Fault::AuthorizeRedirects307, "307 and 308"),
        (Fault::AuthorizeSendsBack, "nobody is asked to sign in"),
        (Fault::NoRootDocument, "does not implement OAuth"),
        (Fault::NoRootEndpoints, "read no metadata guess"),
        (Fault::PageForEverything, "a page for every address"),
    ] {
        let text = report(&server(fault).await, GENEROUS).await;
        let red = text.lines().zip(text.lines().skip(1));
        let named = red
            .filter(|(step, _)| step.contains("FAIL"))
            .any(|(step, advice)| step.contains(sentence) || advice.contains(sentence));
        assert!(named, "{fault:?}: {text}");
    }
}

#[tokio::test]
async fn what_some_clients_do_without_is_a_note() {
    for (fault, sentence) in [
        (Fault::NoFlags, "register in its place"),
        (Fault::HtmlFor404, "The 404 is not JSON"),
    ] {
        let text = report(&server(fault).await, GENEROUS).await;
        assert!(
            text.contains(sentence) && !text.contains("FAIL"),
            "{fault:?}: {text}"
        );
    }
}

#[tokio::test]
async fn a_request_that_hangs_is_red_and_the_others_are_made() {
    let text = report(&server(Fault::GetHangs).await, Duration::from_millis(300)).await;
    assert!(
        text.contains("FAIL  GET") && text.contains("turn off buffering"),
        "{text}"
    );
    assert!(text.contains("→ 401"), "{text}");
}

#[tokio::test]
async fn a_header_folded_over_two_lines_is_red() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4_096];
            let length = stream.read(&mut request).await.unwrap();
            let answer = if request[..length].starts_with(b"POST") {
                "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\n  \
                 resource_metadata=\"http://x\"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            } else {
                "HTTP/1.1 405 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            };
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    let text = report(&base, GENEROUS).await;
    assert!(text.contains("goes on in the next line"), "{text}");
    assert!(text.contains("write each header on one line"), "{text}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_error_of_its_own() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let typed = format!("http://{}/s/mcp", listener.local_addr().unwrap());
    drop(listener);
    let asker = Asker::new(&typed, GENEROUS).unwrap();
    let error = walk(&asker, CLAUDE, &mut Report::default()).await;
    let error = anyhow::Error::from(error.unwrap_err());
    assert!(error.to_string().contains("cannot be reached"), "{error}");
    assert_eq!(
        crate::cli::ExitCode::of(&error),
        crate::cli::ExitCode::Unavailable
    );
}

#[test]
fn what_is_no_address_is_said_so() {
    for typed in ["data.example.com", "ftp://x", ""] {
        let error = Asker::new(typed, GENEROUS).unwrap_err();
        assert!(error.contains("is not the address"), "{error}");
    }
}

const GENEROUS: Duration = Duration::from_secs(10);
