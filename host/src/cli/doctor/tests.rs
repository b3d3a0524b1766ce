use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Json, Router};
use serde_json::{Value, json};
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
    NoRootDocument,
    NoAuthentication,
    TwoHeaders,
    NoHeader,
    WrongIssuer,
    NoS256,
    RegistrationAnswers200,
    RegistrationRefuses,
    AuthorizeRedirects307,
    PageForEverything,
}

/// A server with one fault; gives the base address.
async fn server(fault: Fault) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base: Arc<str> = format!("http://{}", listener.local_addr().unwrap()).into();
    let at = Arc::clone(&base);
    let router = Router::new().fallback(move |request: Request<Body>| {
        let base = Arc::clone(&at);
        async move {
            answer(
                fault,
                &base,
                request.method().as_str(),
                request.uri().path(),
            )
        }
    });
    tokio::spawn(axum_serve(listener, router));
    base.to_string()
}

async fn axum_serve(listener: TcpListener, router: Router) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            return;
        };
        let service = hyper_util::service::TowerToHyperService::new(router.clone());
        tokio::spawn(
            hyper::server::conn::http1::Builder::new()
                .serve_connection(hyper_util::rt::TokioIo::new(stream), service),
        );
    }
}

fn answer(fault: Fault, base: &str, method: &str, path: &str) -> Response {
    let document = |value: Value| Json(value).into_response();
    let status = |code: u16| StatusCode::from_u16(code).unwrap().into_response();
    match (method, path) {
        (_, "/s/mcp") if fault == Fault::Redirect => Redirect::temporary("/s/mcp/").into_response(),
        ("POST", "/s/mcp") => {
            let metadata = format!(
                "Bearer resource_metadata=\"{base}/.well-known/oauth-protected-resource/s/mcp\""
            );
            match fault {
                Fault::NoAuthentication => status(200),
                Fault::NoHeader => status(401),
                Fault::TwoHeaders => {
                    let mut response = status(401);
                    for value in [&*metadata, "Basic"] {
                        response
                            .headers_mut()
                            .append(header::WWW_AUTHENTICATE, value.parse().unwrap());
                    }
                    response
                }
                _ => (
                    StatusCode::UNAUTHORIZED,
                    [(header::WWW_AUTHENTICATE, metadata)],
                )
                    .into_response(),
            }
        }
        (_, "/s/mcp") => status(405),
        (_, "/.well-known/oauth-protected-resource/s/mcp") => document(json!({
            "resource": match fault {
                Fault::SlashInResource => format!("{base}/s/mcp/"),
                Fault::OriginAsResource => base.to_owned(),
                _ => format!("{base}/s/mcp"),
            },
            "authorization_servers": [format!("{base}/s")],
        })),
        (
            _,
            "/.well-known/oauth-authorization-server/s" | "/.well-known/openid-configuration/s",
        ) => document(json!({
            "issuer": if fault == Fault::WrongIssuer { base.to_owned() } else { format!("{base}/s") },
            "authorization_endpoint": format!("{base}/s/authorize"),
            "token_endpoint": format!("{base}/s/token"),
            "registration_endpoint": format!("{base}/s/register"),
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": if fault == Fault::NoS256 { json!([]) } else { json!(["S256"]) },
            "token_endpoint_auth_methods_supported": ["none"],
            "client_id_metadata_document_supported": true,
            "authorization_response_iss_parameter_supported": true,
        })),
        ("POST", "/s/register") => match fault {
            Fault::RegistrationAnswers200 => document(json!({"client_id": "c"})),
            Fault::RegistrationRefuses => (
                StatusCode::BAD_REQUEST,
                Json(json!({"error": "invalid_redirect_uri", "error_description": "not allowed"})),
            )
                .into_response(),
            _ => (StatusCode::CREATED, Json(json!({"client_id": "c"}))).into_response(),
        },
        (_, "/s/authorize") if fault == Fault::AuthorizeRedirects307 => {
            Redirect::temporary("/elsewhere").into_response()
        }
        (_, "/s/authorize") => status(200),
        ("POST", "/token" | "/register") => (
            StatusCode::BAD_REQUEST,
            Json(json!({"error": "invalid_request"})),
        )
            .into_response(),
        (
            _,
            "/.well-known/oauth-protected-resource" | "/.well-known/oauth-authorization-server",
        ) if fault != Fault::NoRootDocument => document(json!({"resource": base})),
        _ if fault == Fault::PageForEverything => status(200),
        _ => status(404),
    }
}

async fn report(fault: Fault) -> String {
    let base = server(fault).await;
    let asker = Asker::new(&format!("{base}/s/mcp")).unwrap();
    let mut text = String::new();
    for client in [CLAUDE, CHATGPT] {
        let mut report = Report::default();
        walk(&asker, client, &mut report).await.unwrap();
        text += &report.to_string();
        assert_eq!(
            report.failures(),
            report.to_string().matches("FAIL").count()
        );
    }
    text
}

#[tokio::test]
async fn a_good_server_is_green() {
    let text = report(Fault::Nothing).await;
    assert!(!text.contains("FAIL") && !text.contains("note"), "{text}");
}

#[tokio::test]
async fn each_fault_is_named_with_what_it_does() {
    for (fault, sentence) in [
        (Fault::SlashInResource, "by a slash"),
        (Fault::OriginAsResource, "signs in and then never calls"),
        (Fault::Redirect, "turn POST into GET"),
        (Fault::NoRootDocument, "does not implement OAuth"),
        (Fault::NoAuthentication, "answers 200, not 401"),
        (Fault::TwoHeaders, "not exactly one WWW-Authenticate"),
        (Fault::NoHeader, "not exactly one WWW-Authenticate"),
        (Fault::WrongIssuer, "character by character (RFC 8414"),
        (Fault::NoS256, "does not list S256"),
        (Fault::RegistrationAnswers200, "registration answers 200"),
        (Fault::RegistrationRefuses, "allowed_redirect_hosts"),
        (Fault::AuthorizeRedirects307, "307 and 308"),
        (Fault::PageForEverything, "It must be 404"),
    ] {
        let text = report(fault).await;
        assert!(
            text.contains("FAIL") && text.contains(sentence),
            "{fault:?}: {text}"
        );
    }
}

#[test]
fn what_is_no_address_is_said_so() {
    for typed in ["data.example.com", "ftp://x", ""] {
        assert!(
            Asker::new(typed)
                .unwrap_err()
                .contains("is not the address")
        );
    }
}
