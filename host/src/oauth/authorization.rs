//! The authorization request (RFC 6749 §4.1.1), judged in the order that
//! decides where an error may go: client and redirect URI first, and nothing
//! leaves this server before both are good.

use url::Url;

use super::error::{ErrorCode, OAuthError};
use super::issuer::Issuer;
use super::parameters::{Parameters, Repeated};
use super::pkce::is_challenge;
use crate::principal::{OAuthScope, Rights};

/// A request whose client and redirect URI have not been looked at.
#[derive(Debug)]
pub(crate) struct Unverified {
    parameters: Parameters,
    /// `client_id`
    pub(crate) client_id: String,
    /// `redirect_uri`
    pub(crate) redirect_uri: String,
}

/// Why a request cannot even be answered by a redirect.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unanswerable {
    #[error("the parameter {0} is missing")]
    Missing(&'static str),
    #[error(transparent)]
    Repeated(#[from] Repeated),
}

/// A good request: what the person is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AuthorizationRequest {
    /// `redirect_uri` as it was sent; it is the client's.
    pub(crate) redirect_uri: String,
    /// The same, read.
    pub(crate) redirect: Url,
    /// `state`, given back as it is.
    pub(crate) state: Option<String>,
    /// `code_challenge`, by S256.
    pub(crate) code_challenge: String,
    /// The first `resource`.
    pub(crate) resource: Option<String>,
    /// The rights in `scope`; reading where it names none.
    pub(crate) rights: Rights,
    /// `prompt=none`: the person must not be asked anything.
    pub(crate) silent: bool,
    /// `prompt=consent` and its like: the person is to be asked although all is
    /// known (OpenID Connect Core §3.1.2.1).
    pub(crate) ask_anew: bool,
}

/// An error that goes to the client by redirect (RFC 6749 §4.1.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) redirect_uri: String,
    pub(crate) state: Option<String>,
    pub(crate) error: OAuthError,
}

impl Unverified {
    /// Reads the query.
    pub(crate) fn parse(query: &str) -> Result<Self, Unanswerable> {
        let parameters = Parameters::parse(query.as_bytes());
        let needed = |name: &'static str| {
            let value = parameters.one(name)?.map(ToOwned::to_owned);
            value.ok_or(Unanswerable::Missing(name))
        };
        let (client_id, redirect_uri) = (needed("client_id")?, needed("redirect_uri")?);
        Ok(Self {
            parameters,
            client_id,
            redirect_uri,
        })
    }

    /// Judges the rest, once the redirect URI is known to be the client's.
    pub(crate) fn judge(
        self,
        issuer: &Issuer,
        default_scope: &str,
    ) -> Result<AuthorizationRequest, Refused> {
        let state = self.parameters.one("state").ok().flatten();
        let state = state.map(ToOwned::to_owned);
        self.checked(issuer, default_scope)
            .map_err(|error| Refused {
                redirect_uri: self.redirect_uri.clone(),
                state,
                error,
            })
    }

    fn checked(
        &self,
        issuer: &Issuer,
        default_scope: &str,
    ) -> Result<AuthorizationRequest, OAuthError> {
        let parameters = &self.parameters;
        if let Some(repeated) = parameters.repeated() {
            return Err(repeated.into());
        }
        let invalid = |text: &str| OAuthError::new(ErrorCode::InvalidRequest, text);
        match parameters.one("response_type")? {
            Some("code") => {}
            None => return Err(invalid("response_type is missing; it must be code.")),
            Some(_) => {
                return Err(OAuthError::new(
                    ErrorCode::UnsupportedResponseType,
                    "response_type must be code.",
                ));
            }
        }
        if !matches!(parameters.one("response_mode")?, None | Some("query")) {
            return Err(invalid("response_mode must be query."));
        }
        if parameters.one("request")?.is_some() || parameters.one("request_uri")?.is_some() {
            return Err(invalid("Request objects are not supported."));
        }
        let state = parameters.one("state")?;
        if state.is_some_and(|state| state.len() > MAX_STATE) {
            return Err(invalid("state is longer than 4000 characters."));
        }
        if parameters.one("code_challenge_method")? != Some("S256") {
            return Err(invalid("code_challenge_method must be S256 (RFC 7636)."));
        }
        let challenge = parameters.one("code_challenge")?;
        let challenge = challenge
            .filter(|challenge| is_challenge(challenge))
            .ok_or_else(|| invalid("code_challenge must be 43 characters of base64url."))?;
        let mut resources = parameters.all("resource").peekable();
        let resource = resources.peek().map(|resource| (*resource).to_owned());
        if let Some(other) = resources.find(|resource| !issuer.is_audience(resource, default_scope))
        {
            return Err(OAuthError::new(
                ErrorCode::InvalidTarget,
                "resource must be the address of an MCP endpoint of this authorization server.",
            )
            .because(other));
        }
        let asked = parameters.one("scope")?.map(Rights::parse);
        let prompt = parameters.one("prompt")?.unwrap_or_default();
        let prompt: Vec<&str> = prompt.split_ascii_whitespace().collect();
        let silent = prompt.contains(&"none");
        if silent && prompt.len() > 1 {
            return Err(invalid("prompt is none and something else."));
        }
        let redirect = Url::parse(&self.redirect_uri)
            .map_err(|_| invalid("redirect_uri is not an absolute URI."))?;
        Ok(AuthorizationRequest {
            redirect_uri: self.redirect_uri.clone(),
            redirect,
            state: state.map(ToOwned::to_owned),
            code_challenge: challenge.to_owned(),
            resource,
            // Who may write may read.
            rights: asked
                .unwrap_or_default()
                .or(Rights::from_iter([OAuthScope::Read])),
            silent,
            ask_anew: prompt.iter().any(|word| ASK_ANEW.contains(word)),
        })
    }
}

impl AuthorizationRequest {
    /// Where the browser goes with a code.
    pub(crate) fn granted(&self, code: &str, iss: &str) -> String {
        with_parameters(
            &self.redirect_uri,
            &[
                ("code", Some(code)),
                ("state", self.state.as_deref()),
                ("iss", Some(iss)),
            ],
        )
    }

    /// The same request, refused.
    pub(crate) fn refused(&self, error: OAuthError) -> Refused {
        Refused {
            redirect_uri: self.redirect_uri.clone(),
            state: self.state.clone(),
            error,
        }
    }
}

impl Refused {
    /// Where the browser goes with the error; `iss` as RFC 9207 §2 has it.
    pub(crate) fn location(&self, iss: &str) -> String {
        with_parameters(
            &self.redirect_uri,
            &[
                ("error", Some(self.error.code.as_str())),
                ("error_description", Some(&self.error.description)),
                ("state", self.state.as_deref()),
                ("iss", Some(iss)),
            ],
        )
    }
}

/// Adds to the query that is there; the URI itself stays as it was registered.
fn with_parameters(uri: &str, parameters: &[(&str, Option<&str>)]) -> String {
    let present = parameters
        .iter()
        .filter_map(|(name, value)| value.map(|value| (*name, value)));
    match Url::parse(uri) {
        Ok(mut url) => {
            url.query_pairs_mut().extend_pairs(present);
            url.into()
        }
        // It was judged when it was registered.
        Err(_) => uri.to_owned(),
    }
}

const ASK_ANEW: &[&str] = &["consent", "login", "select_account"];
const MAX_STATE: usize = 4_000;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::oauth::{PublicUrl, ScopeAccess};

    const GOOD: &[(&str, &str)] = &[
        ("client_id", "c"),
        ("redirect_uri", "https://claude.ai/cb?x=1"),
        ("response_type", "code"),
        (
            "code_challenge",
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        ),
        ("code_challenge_method", "S256"),
        ("state", "s t"),
        ("resource", "https://h/claude/sse"),
    ];

    fn issuer() -> Issuer {
        let scope = ScopeAccess {
            name: "claude".to_owned(),
            people: Vec::new(),
            writers: Vec::new(),
            writable: true,
            redirects: Vec::new(),
            claims: std::collections::BTreeSet::new(),
        };
        Issuer::new(
            Arc::new(scope),
            PublicUrl::parse("https://h").unwrap(),
            false,
        )
    }

    fn query(changes: &[(&str, &str)]) -> String {
        let mut pairs = GOOD.to_vec();
        for (name, value) in changes {
            pairs.retain(|(has, _)| has != name);
            if !value.is_empty() {
                pairs.push((name, value));
            }
        }
        url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish()
    }

    fn judge(query: &str) -> Result<AuthorizationRequest, Refused> {
        Unverified::parse(query).unwrap().judge(&issuer(), "claude")
    }

    #[test]
    fn a_good_request_asks_for_what_it_says() {
        let request = judge(&query(&[])).unwrap();
        assert_eq!(request.rights, Rights::READ);
        assert_eq!(
            request.granted("mcp_ac_x", "https://h/claude"),
            "https://claude.ai/cb?x=1&code=mcp_ac_x&state=s+t&iss=https%3A%2F%2Fh%2Fclaude"
        );
        let request = judge(&query(&[("scope", "mcp:write offline_access")])).unwrap();
        assert_eq!(request.rights, Rights::ALL);
        assert!(judge(&query(&[("resource", "")])).is_ok());
    }

    #[test]
    fn an_error_goes_back_with_state_and_issuer() {
        for (changes, code) in [
            (
                ("response_type", "token"),
                ErrorCode::UnsupportedResponseType,
            ),
            (("response_type", ""), ErrorCode::InvalidRequest),
            (("response_mode", "fragment"), ErrorCode::InvalidRequest),
            (
                ("code_challenge_method", "plain"),
                ErrorCode::InvalidRequest,
            ),
            (("code_challenge_method", ""), ErrorCode::InvalidRequest),
            (("code_challenge", ""), ErrorCode::InvalidRequest),
            (("code_challenge", "short"), ErrorCode::InvalidRequest),
            (
                ("resource", "https://h/chatgpt/sse"),
                ErrorCode::InvalidTarget,
            ),
            (("resource", "https://evil.com/"), ErrorCode::InvalidTarget),
            (("request", "x"), ErrorCode::InvalidRequest),
            (
                ("request_uri", "https://evil.com"),
                ErrorCode::InvalidRequest,
            ),
            (("prompt", "none login"), ErrorCode::InvalidRequest),
            (
                (
                    "code_challenge",
                    "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM",
                ),
                ErrorCode::InvalidRequest,
            ),
        ] {
            let refused = judge(&query(&[changes])).unwrap_err();
            assert_eq!(refused.error.code, code, "{changes:?}");
            let location = refused.location("https://h/claude");
            assert!(
                location.starts_with("https://claude.ai/cb?x=1&error="),
                "{location}"
            );
            assert!(location.contains("&state=s+t&iss=https"), "{location}");
        }
    }

    #[test]
    fn repeated_parameters_are_refused_and_a_repeated_state_is_not_given_back() {
        let refused = judge(&format!("{}&state=x", query(&[]))).unwrap_err();
        assert_eq!(refused.error.code, ErrorCode::InvalidRequest);
        assert_eq!(refused.state, None);
        assert!(judge(&format!("{}&resource=https://h/claude/mcp", query(&[]))).is_ok());
    }

    #[test]
    fn a_prompt_says_whether_the_person_may_or_must_be_asked() {
        for (prompt, silent, ask_anew) in [
            ("", false, false),
            ("none", true, false),
            ("consent", false, true),
            ("login consent", false, true),
            ("select_account", false, true),
            ("something", false, false),
        ] {
            let request = judge(&query(&[("prompt", prompt)])).unwrap();
            assert_eq!(
                (request.silent, request.ask_anew),
                (silent, ask_anew),
                "{prompt}"
            );
        }
    }

    #[test]
    fn a_state_has_a_bound() {
        let longest = "x".repeat(MAX_STATE);
        assert!(judge(&query(&[("state", &longest)])).is_ok());
        let refused = judge(&query(&[("state", &format!("{longest}x"))])).unwrap_err();
        assert_eq!(refused.error.code, ErrorCode::InvalidRequest);
    }

    #[test]
    fn without_client_or_redirect_nothing_leaves() {
        for (query, error) in [
            (
                query(&[("client_id", "")]),
                Unanswerable::Missing("client_id"),
            ),
            (
                query(&[("redirect_uri", "")]),
                Unanswerable::Missing("redirect_uri"),
            ),
            (
                format!("{}&redirect_uri=https://evil.com", query(&[])),
                Unanswerable::Repeated(Repeated("redirect_uri".to_owned())),
            ),
        ] {
            assert_eq!(Unverified::parse(&query).unwrap_err(), error);
        }
    }
}
