//! From claims (OpenID Connect Core §5.1) to a subject and its groups.

use std::collections::{BTreeMap, BTreeSet};

use openidconnect::core::CoreGenderClaim;
use openidconnect::{AdditionalClaims, IdTokenClaims, UserInfoClaims};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::ProviderError;
use super::settings::OidcSettings;

/// Who has signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::oauth) struct Identity {
    /// As [`OidcSettings`] says.
    pub(in crate::oauth) subject: String,
    /// Exactly the groups of the claim, where one is configured.
    pub(in crate::oauth) groups: Option<BTreeSet<String>>,
    /// Those claims that are to be kept and that the provider knows, as text.
    pub(in crate::oauth) claims: BTreeMap<String, String>,
}

/// Claims that the specification does not name.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub(super) struct Rest(BTreeMap<String, Value>);

impl AdditionalClaims for Rest {}

/// The claims that matter here, from an ID token and, if need be, from
/// userinfo.
#[derive(Clone, Debug)]
pub(super) struct Claims {
    sub: String,
    email: Option<String>,
    email_verified: bool,
    rest: Rest,
    /// All of them, also those that the specification names.
    all: BTreeMap<String, Value>,
}

impl Claims {
    pub(super) fn from_id_token(claims: &IdTokenClaims<Rest, CoreGenderClaim>) -> Self {
        Self {
            all: all(claims),
            sub: claims.subject().to_string(),
            email: claims.email().map(|email| email.to_string()),
            email_verified: claims.email_verified() == Some(true),
            rest: claims.additional_claims().clone(),
        }
    }

    /// Whether userinfo may say more.
    pub(super) fn lacks(&self, settings: &OidcSettings) -> bool {
        let groups = settings.groups_claim.as_ref();
        self.email.is_none()
            || groups.is_some_and(|claim| !self.rest.0.contains_key(claim))
            || settings
                .claims
                .iter()
                .any(|claim| !self.all.contains_key(claim))
    }

    /// With what the ID token does not have; the address and whether it is
    /// verified go together.
    #[must_use]
    pub(super) fn with_user_info(mut self, more: &UserInfoClaims<Rest, CoreGenderClaim>) -> Self {
        if self.email.is_none() {
            self.email = more.email().map(|email| email.to_string());
            self.email_verified = more.email_verified() == Some(true);
        }
        for (name, value) in &more.additional_claims().0 {
            let entry = self.rest.0.entry(name.clone());
            entry.or_insert_with(|| value.clone());
        }
        for (name, value) in all(more) {
            // Whether an address is verified was decided above.
            if !name.starts_with("email") {
                self.all.entry(name).or_insert(value);
            }
        }
        self
    }

    /// Who that is.
    pub(super) fn identify(self, settings: &OidcSettings) -> Result<Identity, ProviderError> {
        let groups = settings.groups_claim.as_ref();
        let groups = groups.map(|claim| match self.rest.0.get(claim) {
            Some(value) => read_groups(claim, value),
            None => BTreeSet::new(),
        });
        let claims = self.kept(settings);
        let subject = match self.email {
            Some(email) if self.email_verified => email.to_lowercase(),
            _ if self.sub.contains('@') => {
                return Err(ProviderError::Invalid(
                    "sub looks like an e-mail address, and email_verified is not true".to_owned(),
                ));
            }
            _ => self.sub,
        };
        let fit = !subject.trim().is_empty()
            && subject.len() <= MAX_SUBJECT_BYTES
            && !subject.contains(char::is_control);
        if !fit {
            return Err(ProviderError::Invalid(format!(
                "the subject is empty, longer than {MAX_SUBJECT_BYTES} bytes, or has control \
                 characters"
            )));
        }
        Ok(Identity {
            subject,
            groups,
            claims,
        })
    }

    /// The claims that the configuration names; an address only if verified.
    fn kept(&self, settings: &OidcSettings) -> BTreeMap<String, String> {
        let value = |name: &String| match name.as_str() {
            "sub" => Some(self.sub.clone()),
            "email" => self.email.clone().filter(|_| self.email_verified),
            name => self.all.get(name).and_then(as_text),
        };
        let named = settings.claims.iter();
        let known = named.filter_map(|name| Some((name.clone(), value(name)?)));
        known
            .filter(|(name, value)| {
                let fits = value.len() <= MAX_CLAIM_BYTES;
                if !fits {
                    tracing::warn!(
                        name,
                        "a claim longer than {MAX_CLAIM_BYTES} bytes is not kept"
                    );
                }
                fits
            })
            .collect()
    }
}

/// What a set of claims is as JSON.
fn all<T: Serialize>(claims: &T) -> BTreeMap<String, Value> {
    match serde_json::to_value(claims) {
        Ok(Value::Object(all)) => all.into_iter().collect(),
        _ => BTreeMap::new(),
    }
}

/// A claim as it is handed on; what is nothing or empty is no claim.
fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        value => Some(value.to_string()),
    }
}

/// An array of strings or one string; what is neither names no group.
fn read_groups(claim: &str, value: &Value) -> BTreeSet<String> {
    let listed = match value {
        Value::Array(values) => values.as_slice(),
        value => std::slice::from_ref(value),
    };
    let fits = |name: &&str| !name.is_empty() && name.len() <= MAX_GROUP_BYTES;
    let names = listed.iter().filter_map(Value::as_str).filter(fits);
    let groups: BTreeSet<String> = names.take(MAX_GROUPS).map(ToOwned::to_owned).collect();
    if groups.len() < listed.len() {
        tracing::warn!(
            claim,
            listed = listed.len(),
            taken = groups.len(),
            "some groups of a person were not taken: only {MAX_GROUPS} names of up to \
             {MAX_GROUP_BYTES} bytes are"
        );
    }
    groups
}

/// OpenID Connect Core §2 bounds `sub` by this; an address has 254 at most.
const MAX_SUBJECT_BYTES: usize = 255;
/// Microsoft Entra lists 200 and leaves out the claim beyond.
const MAX_GROUPS: usize = 1_000;
const MAX_GROUP_BYTES: usize = 256;
/// More than SESSION_CONTEXT takes of one value.
const MAX_CLAIM_BYTES: usize = 16 << 10;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::settings::OidcIssuer;
    use super::*;

    fn identify(
        sub: &str,
        email: Option<&str>,
        verified: bool,
        groups: Value,
    ) -> Result<Identity, ProviderError> {
        let claims = Claims {
            sub: sub.to_owned(),
            email: email.map(ToOwned::to_owned),
            email_verified: verified,
            all: BTreeMap::from([
                ("department".to_owned(), json!(7)),
                ("name".to_owned(), json!("Ana")),
                ("empty".to_owned(), json!("")),
                ("email".to_owned(), json!(email)),
            ]),
            rest: Rest(BTreeMap::from([("groups".to_owned(), groups)])),
        };
        claims.identify(&OidcSettings {
            claims: ["department", "empty", "email", "sub", "office"]
                .map(str::to_owned)
                .into(),
            issuer: OidcIssuer::parse("https://login.example.com").unwrap(),
            client_id: "mssql-mcp".to_owned(),
            client_secret: None,
            groups_claim: Some("groups".to_owned()),
        })
    }

    #[test]
    fn only_a_verified_address_is_a_subject() {
        let subject = |sub, email, verified| {
            identify(sub, email, verified, json!([])).map(|identity| identity.subject)
        };
        let ana = Some("Ana@Example.com");
        assert_eq!(subject("7F", ana, true).unwrap(), "ana@example.com");
        assert_eq!(subject("7F", ana, false).unwrap(), "7F");
        assert_eq!(subject("7F", None, true).unwrap(), "7F");
        for (sub, email) in [
            ("ana@example.com", None),
            ("ana@example.com", ana),
            ("", None),
            ("a\nb", None),
            (&"x".repeat(256), None),
        ] {
            assert!(subject(sub, email, false).is_err(), "{sub}");
        }
    }

    #[test]
    fn claims_are_kept_as_text_and_an_address_only_if_it_is_verified() {
        let claims = |verified| {
            let identity = identify("1001", Some("Ana@Example.com"), verified, Value::Null);
            identity.unwrap().claims
        };
        let kept = |pairs: &[(&str, &str)]| {
            let owned = |(name, value): &(&str, &str)| (name.to_string(), value.to_string());
            pairs.iter().map(owned).collect::<BTreeMap<_, _>>()
        };
        let some = [("department", "7"), ("sub", "1001")];
        assert_eq!(claims(false), kept(&some));
        let verified = [("email", "Ana@Example.com"), some[0], some[1]];
        assert_eq!(claims(true), kept(&verified));
    }

    #[test]
    fn groups_are_strings_and_bounded() {
        let groups = |value| {
            let identity = identify("ana", None, false, value).unwrap();
            let groups = identity.groups.unwrap();
            groups.into_iter().collect::<Vec<_>>()
        };
        assert_eq!(groups(json!(["b", "a", "a"])), ["a", "b"]);
        assert_eq!(groups(json!("a")), ["a"]);
        assert_eq!(groups(json!(["a", 1, null, ["c"], ""])), ["a"]);
        assert!(groups(json!({"a": true})).is_empty());
        assert!(groups(json!(["x".repeat(257)])).is_empty());
        let many: Vec<String> = (0..2_000).map(|number| number.to_string()).collect();
        assert_eq!(groups(json!(many)).len(), MAX_GROUPS);
    }
}
