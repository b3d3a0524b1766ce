//! `/.well-known/…`: where clients begin.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::http_error::HttpError;
use crate::oauth::OAuth;
use crate::oauth::issuer::Issuer;
use crate::oauth::metadata::{Document, IssuerMetadata, Place, ResourceMetadata};

/// The metadata document that the address names.
pub(crate) async fn get(State(oauth): State<OAuth>, uri: Uri, headers: HeaderMap) -> Response {
    let found = Document::at(uri.path()).and_then(|document| show(&oauth, document, &headers));
    let Some(mut response) = found else {
        return HttpError::not_found().into_response();
    };
    let reply = response.headers_mut();
    if oauth.has_public_url() {
        let cacheable = HeaderValue::from_static("public, max-age=300");
        reply.insert(header::CACHE_CONTROL, cacheable);
    } else {
        reply.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        reply.insert(header::VARY, HeaderValue::from_static("Host"));
    }
    response
}

fn show(oauth: &OAuth, document: Document<'_>, headers: &HeaderMap) -> Option<Response> {
    let response = match document {
        Document::Issuer(place) => {
            let issuer = issuer(oauth, place, headers)?;
            Json(IssuerMetadata::of(&issuer)).into_response()
        }
        Document::Resource(place, endpoint) => {
            let issuer = issuer(oauth, place, headers)?;
            let resource = match place {
                Place::Root => format!("{}/{}", issuer.base().as_str(), endpoint.as_str()),
                Place::Server | Place::Scope(_) => issuer.resource(endpoint.as_str()),
            };
            Json(ResourceMetadata::of(resource, &issuer)).into_response()
        }
        Document::Keys(place) => {
            issuer(oauth, place, headers)?;
            Json(json!({"keys": []})).into_response()
        }
    };
    Some(response)
}

/// The issuer of a place. The root's own is only named where its document is
/// found at the root: where that shows another scope's, the default scope's
/// issuer at its path stands for it, with the same clients and tokens.
fn issuer(oauth: &OAuth, place: Place<'_>, headers: &HeaderMap) -> Option<Issuer> {
    let default_scope = oauth.shared.default_scope.as_str();
    let shown = oauth.shared.root_discovery.as_str();
    let path = match place {
        Place::Scope(name) => Some(name),
        _ if shown == default_scope => None,
        Place::Server => Some(shown),
        Place::Root => Some(default_scope),
    };
    oauth.issuer(path, headers)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Request;
    use serde_json::json;

    use crate::oauth::testing::{config, get, oauth, send};
    use crate::oauth::{OAuth, OAuthConfig};

    fn server(change: impl FnOnce(&mut OAuthConfig)) -> OAuth {
        let (mut config, _) = config();
        change(&mut config);
        OAuth::new(config)
    }

    #[tokio::test]
    async fn an_issuers_document_is_the_same_at_every_alias() {
        let (oauth, _) = oauth();
        let at = "oauth-authorization-server";
        let first = get(&oauth, &format!("/.well-known/{at}/writer")).await;
        assert_eq!(first.status, 200);
        assert_eq!(
            first.json(),
            json!({
                "issuer": "https://data.example.com/writer",
                "authorization_endpoint": "https://data.example.com/writer/authorize",
                "token_endpoint": "https://data.example.com/writer/token",
                "registration_endpoint": "https://data.example.com/writer/register",
                "revocation_endpoint": "https://data.example.com/writer/revoke",
                "scopes_supported": ["mcp:read", "mcp:write", "offline_access"],
                "response_types_supported": ["code"],
                "response_modes_supported": ["query"],
                "grant_types_supported": ["authorization_code", "refresh_token"],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported":
                    ["none", "client_secret_post", "client_secret_basic"],
                "revocation_endpoint_auth_methods_supported":
                    ["none", "client_secret_post", "client_secret_basic"],
                "client_id_metadata_document_supported": true,
                "authorization_response_iss_parameter_supported": true,
                "jwks_uri": "https://data.example.com/writer/.well-known/jwks.json",
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
            })
        );
        for path in [
            "/.well-known/openid-configuration/writer",
            "/.well-known/openid-configuration/writer/sse",
            "/.well-known/oauth-authorization-server/writer/mcp",
            "/writer/.well-known/oauth-authorization-server",
            "/writer/.well-known/openid-configuration",
            "/writer/sse/.well-known/openid-configuration",
        ] {
            assert_eq!(get(&oauth, path).await.text, first.text, "{path}");
        }
        let keys = get(&oauth, "/writer/.well-known/jwks.json").await;
        assert_eq!(keys.json(), json!({"keys": []}));
    }

    #[tokio::test]
    async fn the_resource_is_the_address_that_was_asked_about() {
        let (oauth, _) = oauth();
        for (path, resource, issuer) in [
            ("/.well-known/oauth-protected-resource", "/sse", ""),
            ("/.well-known/oauth-protected-resource/sse", "/sse", ""),
            ("/.well-known/oauth-protected-resource/mcp", "/mcp", ""),
            ("/mcp/.well-known/oauth-protected-resource", "/mcp", ""),
            (
                "/.well-known/oauth-protected-resource/chatgpt/sse",
                "/chatgpt/sse",
                "/chatgpt",
            ),
            (
                "/.well-known/oauth-protected-resource/chatgpt/mcp",
                "/chatgpt/mcp",
                "/chatgpt",
            ),
            (
                "/.well-known/oauth-protected-resource/claude/mcp",
                "/claude/mcp",
                "/claude",
            ),
            (
                "/chatgpt/.well-known/oauth-protected-resource",
                "/chatgpt/sse",
                "/chatgpt",
            ),
            (
                "/chatgpt/mcp/.well-known/oauth-protected-resource",
                "/chatgpt/mcp",
                "/chatgpt",
            ),
        ] {
            let document = get(&oauth, path).await.json();
            let base = "https://data.example.com";
            assert_eq!(document["resource"], format!("{base}{resource}"), "{path}");
            let issuers = json!([format!("{base}{issuer}")]);
            assert_eq!(document["authorization_servers"], issuers, "{path}");
            assert_eq!(document["scopes_supported"], json!(["mcp:read"]), "{path}");
            assert_eq!(document["bearer_methods_supported"], json!(["header"]));
        }
    }

    #[tokio::test]
    async fn the_issuer_that_a_resource_names_describes_itself_with_that_name() {
        for root_discovery in ["claude", "chatgpt"] {
            let oauth = server(|config| config.root_discovery = root_discovery.to_owned());
            for path in ["", "/sse", "/mcp", "/claude/sse", "/chatgpt/mcp"] {
                let address = format!("/.well-known/oauth-protected-resource{path}");
                let resource = get(&oauth, &address).await.json();
                let issuer = resource["authorization_servers"][0].as_str().unwrap();
                let path = issuer.strip_prefix("https://data.example.com").unwrap();
                for name in ["oauth-authorization-server", "openid-configuration"] {
                    let document = get(&oauth, &format!("/.well-known/{name}{path}")).await;
                    assert_eq!(
                        document.json()["issuer"],
                        issuer,
                        "{root_discovery} {address}"
                    );
                }
            }
        }
    }

    #[tokio::test]
    async fn the_root_shows_the_scope_that_the_operator_chose() {
        let oauth = server(|config| config.root_discovery = "chatgpt".to_owned());
        let document = get(&oauth, "/.well-known/oauth-protected-resource").await;
        let resource = "https://data.example.com/chatgpt/sse";
        assert_eq!(document.json()["resource"], resource);
        let document = get(&oauth, "/.well-known/oauth-authorization-server").await;
        assert_eq!(
            document.json()["issuer"],
            "https://data.example.com/chatgpt"
        );
        let document = get(&oauth, "/.well-known/oauth-protected-resource/sse").await;
        assert_eq!(document.json()["resource"], "https://data.example.com/sse");
    }

    #[tokio::test]
    async fn what_is_not_there_is_a_json_404() {
        let (oauth, _) = oauth();
        for path in [
            "/.well-known/oauth-protected-resource/nobody/sse",
            "/.well-known/oauth-protected-resource/claude/other",
            "/.well-known/oauth-authorization-server/nobody",
            "/.well-known/security.txt",
            "/nobody/.well-known/openid-configuration",
        ] {
            let reply = get(&oauth, path).await;
            assert_eq!(reply.error(), (404, "not_found".to_owned()), "{path}");
            assert_eq!(reply.header("access-control-allow-origin"), "*", "{path}");
        }
    }

    #[tokio::test]
    async fn documents_are_public_and_may_be_kept_for_five_minutes() {
        let (oauth, _) = oauth();
        let path = "/.well-known/oauth-authorization-server";
        let reply = get(&oauth, path).await;
        assert_eq!(reply.header("cache-control"), "public, max-age=300");
        assert_eq!(reply.header("content-type"), "application/json");
        assert_eq!(reply.header("access-control-allow-origin"), "*");
        for (method, status) in [("HEAD", 200), ("OPTIONS", 204), ("POST", 405)] {
            let request = Request::builder().method(method).uri(path);
            let reply = send(&oauth, request.body(Body::empty()).unwrap()).await;
            assert_eq!(reply.status, status, "{method}");
            assert_eq!(reply.header("access-control-allow-origin"), "*", "{method}");
        }
    }

    #[tokio::test]
    async fn without_a_public_url_the_documents_name_the_loopback_name_that_was_used() {
        let oauth = server(|config| config.public_url = None);
        let path = "/.well-known/oauth-protected-resource/claude/sse";
        for (host, resource) in [
            ("localhost:8008", Some("http://localhost:8008/claude/sse")),
            ("127.0.0.1:8008", Some("http://127.0.0.1:8008/claude/sse")),
            ("evil.example.com", None),
        ] {
            let request = Request::get(path).header("host", host);
            let reply = send(&oauth, request.body(Body::empty()).unwrap()).await;
            let Some(resource) = resource else {
                assert_eq!(reply.status, 404, "{host}");
                continue;
            };
            assert_eq!(reply.json()["resource"], resource);
            assert_eq!(reply.header("cache-control"), "no-store");
            assert_eq!(reply.header("vary"), "Host");
        }
    }
}
