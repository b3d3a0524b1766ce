//! What a document says, judged by the document alone.

use serde_json::{Map, Value};

use super::DocumentError;
use crate::oauth::clients::name;

/// Of a client without a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Document {
    /// Unverified.
    pub(crate) client_name: String,
    /// As they stand there; the scope's rules have yet to judge them.
    pub(crate) redirect_uris: Vec<String>,
}

impl Document {
    /// Reads the document at the address `client_id`.
    pub(super) fn parse(body: &[u8], client_id: &str) -> Result<Self, DocumentError> {
        let members: Map<String, Value> = serde_json::from_slice(body)
            .map_err(|_| DocumentError::Member("client_id, client_name and redirect_uris"))?;
        let text = |name: &'static str| {
            let value = members.get(name).and_then(Value::as_str);
            value.ok_or(DocumentError::Member(name))
        };
        if text("client_id")? != client_id {
            return Err(DocumentError::OtherClientId);
        }
        let shared_secret = text("token_endpoint_auth_method").is_ok_and(|method| {
            [
                "client_secret_basic",
                "client_secret_post",
                "client_secret_jwt",
            ]
            .contains(&method)
        });
        if shared_secret || members.contains_key("client_secret") {
            return Err(DocumentError::Secret);
        }
        let client_name = name::clean(text("client_name")?)
            .filter(|name| !name.is_empty())
            .ok_or(DocumentError::Member(
                "a client_name of 1 to 100 characters",
            ))?;
        let uris = members.get("redirect_uris").and_then(Value::as_array);
        let uris = uris.filter(|uris| !uris.is_empty()).and_then(|uris| {
            let uris = uris.iter().map(|uri| uri.as_str().map(str::to_owned));
            uris.collect::<Option<Vec<String>>>()
        });
        Ok(Self {
            client_name,
            redirect_uris: uris.ok_or(DocumentError::Member("redirect_uris"))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ID: &str = "https://client.example/metadata.json";

    fn parse(changes: &Value) -> Result<Document, DocumentError> {
        let mut document = json!({
            "client_id": ID,
            "client_name": "Client\u{202e}",
            "redirect_uris": ["https://client.example/cb", "http://localhost/cb"],
            "token_endpoint_auth_method": "none",
            "something": {"else": []},
        });
        for (name, value) in changes.as_object().unwrap() {
            document[name] = value.clone();
        }
        Document::parse(document.to_string().as_bytes(), ID)
    }

    #[test]
    fn a_good_document_is_read() {
        let document = parse(&json!({})).unwrap();
        assert_eq!(document.client_name, "Client");
        assert_eq!(document.redirect_uris.len(), 2);
        // It need not use what this server does not offer.
        assert!(parse(&json!({"token_endpoint_auth_method": "private_key_jwt"})).is_ok());
    }

    #[test]
    fn each_fault_is_named() {
        for (changes, error) in [
            (
                json!({"client_id": "https://client.example/metadata.json/"}),
                DocumentError::OtherClientId,
            ),
            (
                json!({"client_id": null}),
                DocumentError::Member("client_id"),
            ),
            (
                json!({"client_name": null}),
                DocumentError::Member("client_name"),
            ),
            (
                json!({"client_name": "\u{200b}"}),
                DocumentError::Member("a client_name of 1 to 100 characters"),
            ),
            (
                json!({"redirect_uris": []}),
                DocumentError::Member("redirect_uris"),
            ),
            (
                json!({"redirect_uris": [1]}),
                DocumentError::Member("redirect_uris"),
            ),
            (
                json!({"redirect_uris": "x"}),
                DocumentError::Member("redirect_uris"),
            ),
            (
                json!({"token_endpoint_auth_method": "client_secret_basic"}),
                DocumentError::Secret,
            ),
            (json!({"client_secret": "x"}), DocumentError::Secret),
        ] {
            assert_eq!(parse(&changes), Err(error), "{changes}");
        }
        for body in ["", "[]", "<html>", "\"x\""] {
            assert!(Document::parse(body.as_bytes(), ID).is_err(), "{body}");
        }
    }
}
