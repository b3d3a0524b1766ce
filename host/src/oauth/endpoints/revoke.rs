//! `S/revoke`: a client gives a token back (RFC 7009).

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};

use super::form::Form;
use crate::oauth::audit::{self, Details, Event};
use crate::oauth::clients::authentication::Credentials;
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::{ClientAddress, Issuer, OAuth};
use crate::state::SecretKind;

/// Revokes the token of the form: an access token alone, a refresh token with
/// all that came of the same consent. A token that is not known is gone
/// already (RFC 7009 §2.2), and `token_type_hint` is not needed.
pub(crate) async fn post(
    State(oauth): State<OAuth>,
    issuer: Issuer,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    form: Result<Form, OAuthError>,
) -> Response {
    let mut client_id = String::new();
    let outcome = match form {
        Ok(form) => revoke(&oauth, &issuer, &headers, &form, &mut client_id).await,
        Err(error) => Err(error),
    };
    let details = Details {
        scope: &issuer.scope().name,
        client_id: &client_id,
        address: Some(address),
        ..Details::default()
    };
    match outcome {
        Ok(found) => {
            if found {
                audit::done(&oauth, Event::Revocation, details);
            }
            [(header::CACHE_CONTROL, "no-store")].into_response()
        }
        Err(error) => {
            audit::refused(&oauth, Event::Revocation, details, &error);
            error.into_response()
        }
    }
}

/// Whether there was something to revoke.
async fn revoke(
    oauth: &OAuth,
    issuer: &Issuer,
    headers: &HeaderMap,
    Form(form): &Form,
    client_id: &mut String,
) -> Result<bool, OAuthError> {
    let credentials = Credentials::read(headers, form)?;
    client_id.clone_from(&credentials.client_id);
    oauth
        .authenticate_client(issuer.scope(), &credentials)
        .await?;
    let Some(token) = form.one("token")? else {
        return Err(OAuthError::new(
            ErrorCode::InvalidRequest,
            "Send the token.",
        ));
    };
    let store = oauth.store();
    let kinds = [SecretKind::AccessToken, SecretKind::RefreshToken];
    let mut hashes = kinds
        .into_iter()
        .filter_map(|kind| store.secrets().recognise(kind, token));
    match hashes.next() {
        Some(hash) => Ok(store.revoke_token(hash, &credentials.client_id).await?),
        None => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::oauth::OAuth;
    use crate::oauth::testing::{oauth, post_form};
    use crate::principal::Rights;
    use crate::state::{
        ClientAuthentication, ClientKind, GrantFilter, IssuedSecret, NewClient, SecretKind, Tokens,
    };

    async fn client(oauth: &OAuth, name: &str) -> String {
        let new = NewClient {
            scope: "claude".to_owned(),
            name: name.to_owned(),
            redirect_uris: vec!["http://localhost/cb".to_owned()],
            authentication: ClientAuthentication::None,
            kind: ClientKind::Registered,
        };
        oauth.store().register_client(&new).await.unwrap().0.id
    }

    async fn tokens(oauth: &OAuth, client: &str) -> (IssuedSecret, IssuedSecret) {
        let secrets = oauth.store().secrets();
        let access = secrets.issue(SecretKind::AccessToken).unwrap();
        let refresh = secrets.issue(SecretKind::RefreshToken).unwrap();
        let tokens = Tokens {
            access: access.hash,
            access_ttl: Duration::from_secs(60),
            refresh: Some(refresh.hash),
            refresh_ttl: Duration::from_secs(600),
        };
        let issued = oauth
            .store()
            .issue_token("claude", "ana", client, Rights::READ, tokens);
        issued.await.unwrap();
        (access, refresh)
    }

    async fn revoke(oauth: &OAuth, token: &str, client: &str) -> u16 {
        let form = [
            ("token", token),
            ("client_id", client),
            ("token_type_hint", "x"),
        ];
        let reply = post_form(oauth, "/claude/revoke", &form).await;
        assert_eq!(reply.header("access-control-allow-origin"), "*");
        assert_eq!(reply.header("cache-control"), "no-store");
        reply.status.as_u16()
    }

    async fn grants(oauth: &OAuth) -> usize {
        oauth
            .store()
            .grants(&GrantFilter::default())
            .await
            .unwrap()
            .len()
    }

    #[tokio::test]
    async fn an_access_token_ends_alone_and_a_refresh_token_with_its_grant() {
        let (oauth, _) = oauth();
        let client = client(&oauth, "Claude").await;
        let (access, refresh) = tokens(&oauth, &client).await;
        assert_eq!(revoke(&oauth, access.expose(), &client).await, 200);
        assert_eq!(oauth.store().known_token(access.hash).await.unwrap(), None);
        assert_eq!(grants(&oauth).await, 1);
        assert_eq!(revoke(&oauth, refresh.expose(), &client).await, 200);
        assert_eq!(grants(&oauth).await, 0);
    }

    #[tokio::test]
    async fn a_token_that_is_not_the_clients_own_lives_on() {
        let (oauth, _) = oauth();
        let own = client(&oauth, "Claude").await;
        let other = client(&oauth, "Other").await;
        let (access, refresh) = tokens(&oauth, &own).await;
        for token in [access.expose(), refresh.expose(), "x", "mcp_at_x"] {
            assert_eq!(revoke(&oauth, token, &other).await, 200, "{token}");
        }
        assert!(
            oauth
                .store()
                .known_token(access.hash)
                .await
                .unwrap()
                .is_some()
        );
    }

    #[tokio::test]
    async fn who_is_no_client_or_sends_no_token_is_told_so() {
        let (oauth, _) = oauth();
        let client = client(&oauth, "Claude").await;
        assert_eq!(revoke(&oauth, "x", "nobody").await, 401);
        assert_eq!(revoke(&oauth, "", &client).await, 400);
    }
}
