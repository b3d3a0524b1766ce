//! What a registration (RFC 7591) asks for, judged; and its answer.

use serde::Serialize;
use serde_json::{Map, Value};

use super::name;
use super::redirect::{self, RedirectProblem};
use crate::oauth::access::ScopeAccess;
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::principal::Rights;
use crate::state::{Client, ClientAuthentication, ClientKind, IssuedSecret, NewClient};

/// A registration that can be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Requested {
    pub(crate) client: NewClient,
    /// `application_type`, which changes nothing here.
    application_type: Option<&'static str>,
    /// `scope`, as far as there is any of it here.
    scope: Option<String>,
}

/// Why it cannot.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RegistrationProblem {
    #[error("the registration must be a JSON object: {0}")]
    NotJson(String),
    #[error("{0} must be {1}")]
    Type(&'static str, &'static str),
    #[error("redirect_uris must name between 1 and {MAX_REDIRECTS} URIs")]
    RedirectCount,
    #[error(transparent)]
    Redirect(#[from] RedirectProblem),
    #[error("client_name is longer than 100 characters")]
    NameTooLong,
    #[error("token_endpoint_auth_method must be none, client_secret_post or client_secret_basic")]
    Authentication,
}

impl From<RegistrationProblem> for OAuthError {
    fn from(problem: RegistrationProblem) -> Self {
        let code = match problem {
            RegistrationProblem::RedirectCount | RegistrationProblem::Redirect(_) => {
                ErrorCode::InvalidRedirectUri
            }
            _ => ErrorCode::InvalidClientMetadata,
        };
        let mut sentence = problem.to_string();
        sentence.push('.');
        Self::new(code, sentence)
    }
}

impl Requested {
    /// Reads the metadata that a client of `scope` sent. Members that mean
    /// nothing here are ignored, and grants that there are not are left out of
    /// the answer (RFC 7591 §2, §3.2.1).
    pub(crate) fn parse(body: &[u8], scope: &ScopeAccess) -> Result<Self, RegistrationProblem> {
        let metadata: Map<String, Value> = serde_json::from_slice(body)
            .map_err(|error| RegistrationProblem::NotJson(position(&error)))?;
        let metadata = Metadata(&metadata);
        let authentication = match metadata.text("token_endpoint_auth_method")? {
            None | Some("client_secret_basic") => ClientAuthentication::ClientSecretBasic,
            Some("client_secret_post") => ClientAuthentication::ClientSecretPost,
            Some("none") => ClientAuthentication::None,
            Some(_) => return Err(RegistrationProblem::Authentication),
        };
        let name = metadata.text("client_name")?.unwrap_or_default();
        let application_type = match metadata.text("application_type")? {
            Some("native") => Some("native"),
            Some("web") => Some("web"),
            _ => None,
        };
        Ok(Self {
            client: NewClient {
                scope: scope.name.clone(),
                name: name::clean(name).ok_or(RegistrationProblem::NameTooLong)?,
                redirect_uris: metadata.redirect_uris(scope)?,
                authentication,
                kind: ClientKind::Registered,
            },
            application_type,
            scope: metadata
                .text("scope")?
                .and_then(|text| granted(text, scope)),
        })
    }
}

/// Client information response (RFC 7591 §3.2.1): what holds from now on, which
/// may be less than what was asked for.
#[derive(Debug, Serialize)]
pub(crate) struct Registered<'a> {
    client_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<&'a str>,
    /// Some clients read no fraction, and miss it when there is a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret_expires_at: Option<u8>,
    client_id_issued_at: i64,
    #[serde(skip_serializing_if = "str::is_empty")]
    client_name: &'a str,
    redirect_uris: &'a [String],
    token_endpoint_auth_method: ClientAuthentication,
    grant_types: [&'static str; 2],
    response_types: [&'static str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    application_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
}

impl<'a> Registered<'a> {
    pub(crate) fn new(
        client: &'a Client,
        secret: Option<&'a IssuedSecret>,
        requested: &'a Requested,
    ) -> Self {
        Self {
            client_id: &client.id,
            client_secret: secret.map(IssuedSecret::expose),
            client_secret_expires_at: secret.map(|_| 0),
            client_id_issued_at: client.created_at.seconds(),
            client_name: &client.name,
            redirect_uris: &client.redirect_uris,
            token_endpoint_auth_method: client.authentication,
            grant_types: ["authorization_code", "refresh_token"],
            response_types: ["code"],
            application_type: requested.application_type,
            scope: requested.scope.as_deref(),
        }
    }
}

/// Members of the metadata; `null` counts as absent.
struct Metadata<'a>(&'a Map<String, Value>);

impl<'a> Metadata<'a> {
    fn get(&self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    fn text(&self, name: &'static str) -> Result<Option<&'a str>, RegistrationProblem> {
        self.get(name)
            .map(|value| {
                value
                    .as_str()
                    .ok_or(RegistrationProblem::Type(name, "a string"))
            })
            .transpose()
    }

    fn redirect_uris(&self, scope: &ScopeAccess) -> Result<Vec<String>, RegistrationProblem> {
        let strings = RegistrationProblem::Type("redirect_uris", "an array of strings");
        let list = self.get("redirect_uris").map_or(Ok(&[][..]), |value| {
            value.as_array().map(Vec::as_slice).ok_or(strings.clone())
        })?;
        if list.is_empty() || list.len() > MAX_REDIRECTS {
            return Err(RegistrationProblem::RedirectCount);
        }
        let mut uris = Vec::with_capacity(list.len());
        for uri in list {
            let uri = uri.as_str().ok_or_else(|| strings.clone())?;
            redirect::check(uri, &scope.redirects)?;
            uris.push(uri.to_owned());
        }
        Ok(uris)
    }
}

/// The part of the scope `text` that can be had here.
fn granted(text: &str, scope: &ScopeAccess) -> Option<String> {
    let rights = Rights::parse(text).and(scope.rights());
    let offline = text.split(' ').any(|word| word == "offline_access");
    match (rights.is_empty(), offline) {
        (true, true) => Some("offline_access".to_owned()),
        (true, false) => None,
        (false, true) => Some(format!("{rights} offline_access")),
        (false, false) => Some(rights.to_string()),
    }
}

/// Where the text goes wrong, without a word of the text.
fn position(error: &serde_json::Error) -> String {
    let what = if error.is_data() {
        "it is another kind of value"
    } else {
        "it cannot be read"
    };
    format!("{what} (line {}, column {})", error.line(), error.column())
}

const MAX_REDIRECTS: usize = 20;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::oauth::access::RedirectRule;

    fn scope() -> ScopeAccess {
        ScopeAccess {
            name: "claude".to_owned(),
            people: Vec::new(),
            writers: Vec::new(),
            writable: false,
            redirects: RedirectRule::well_known(),
            claims: std::collections::BTreeSet::new(),
        }
    }

    fn parse(metadata: &Value) -> Result<Requested, RegistrationProblem> {
        Requested::parse(metadata.to_string().as_bytes(), &scope())
    }

    #[test]
    fn a_registration_with_much_more_than_is_needed_is_accepted() {
        let requested = parse(&json!({
            "redirect_uris": ["https://claude.ai/api/mcp/auth_callback", "http://localhost/cb"],
            "client_name": "Claude\u{202e}",
            "grant_types": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:x"],
            "response_types": ["code", "token"],
            "token_endpoint_auth_method": "none",
            "scope": "mcp:read mcp:write openid offline_access",
            "application_type": "native",
            "client_uri": "https://claude.ai",
            "logo_uri": null,
            "contacts": ["a@example.com"],
            "something_new": {"x": [1, 2]},
        }))
        .unwrap();
        assert_eq!(requested.client.name, "Claude");
        assert_eq!(requested.client.redirect_uris.len(), 2);
        assert_eq!(requested.client.authentication, ClientAuthentication::None);
        assert_eq!(requested.application_type, Some("native"));
        assert_eq!(requested.scope.as_deref(), Some("mcp:read offline_access"));
    }

    #[test]
    fn without_a_method_the_client_gets_a_secret_for_basic() {
        let requested = parse(&json!({"redirect_uris": ["https://claude.ai/cb"]})).unwrap();
        let method = requested.client.authentication;
        assert_eq!(method, ClientAuthentication::ClientSecretBasic);
        assert_eq!(requested.client.name, "");
    }

    #[test]
    fn each_fault_has_its_code_and_a_sentence() {
        let many: Vec<_> = (0..21).map(|n| format!("http://localhost:{n}/")).collect();
        let good = json!(["https://claude.ai/cb"]);
        for (metadata, code) in [
            (json!([]), ErrorCode::InvalidClientMetadata),
            (json!("x"), ErrorCode::InvalidClientMetadata),
            (json!({}), ErrorCode::InvalidRedirectUri),
            (json!({"redirect_uris": []}), ErrorCode::InvalidRedirectUri),
            (
                json!({"redirect_uris": many}),
                ErrorCode::InvalidRedirectUri,
            ),
            (
                json!({"redirect_uris": ["javascript:alert(1)"]}),
                ErrorCode::InvalidRedirectUri,
            ),
            (
                json!({"redirect_uris": ["https://claude.ai/cb", "https://chatgpt.com.evil.com/"]}),
                ErrorCode::InvalidRedirectUri,
            ),
            (
                json!({"redirect_uris": "https://claude.ai/cb"}),
                ErrorCode::InvalidClientMetadata,
            ),
            (
                json!({"redirect_uris": [1]}),
                ErrorCode::InvalidClientMetadata,
            ),
            (
                json!({"redirect_uris": good, "client_name": 1}),
                ErrorCode::InvalidClientMetadata,
            ),
            (
                json!({"redirect_uris": good, "client_name": "x".repeat(101)}),
                ErrorCode::InvalidClientMetadata,
            ),
            (
                json!({"redirect_uris": good, "token_endpoint_auth_method": "private_key_jwt"}),
                ErrorCode::InvalidClientMetadata,
            ),
        ] {
            let error = OAuthError::from(parse(&metadata).unwrap_err());
            assert_eq!(error.code, code, "{metadata}");
            assert!(error.description.ends_with('.'), "{metadata}");
        }
    }

    #[test]
    fn what_is_not_json_is_described_without_repeating_it() {
        let problem = Requested::parse(b"{\"redirect_uris\": <script>", &scope()).unwrap_err();
        assert!(!problem.to_string().contains("script"), "{problem}");
    }
}
