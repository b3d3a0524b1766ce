//! The person is asked, allows or denies; a code goes to the client.

use axum::http::StatusCode;
use axum::response::Response;

use super::{Outcome, Visit};
use crate::oauth::audit::{self, Details, Event};
use crate::oauth::decision::{Admitted, Asked, Consented};
use crate::oauth::endpoints::answers::see_other;
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::pages::{ConsentPage, ErrorPage, WayOut, respond, respond_leading_to};
use crate::oauth::people::Visitor;
use crate::state::{Allowed, Consent, SecretKind, StoreError};

impl Visit {
    /// The page of consent, or a code at once where the person has allowed it
    /// before.
    pub(super) async fn ask_for_consent(
        &self,
        asked: &Asked,
        visitor: &Visitor,
    ) -> Outcome<Response> {
        let admitted = self.admit(asked, visitor)?;
        let before = self.stored(self.consent_before(asked, visitor).await)?;
        if let Some(consented) = admitted.remembered(before.as_ref()) {
            let given = self.give_code(&consented, asked, visitor, false).await;
            return self.stored(given);
        }
        if asked.request.silent {
            let error = cannot_ask(ErrorCode::ConsentRequired);
            let refused = asked.request.refused(error);
            return Ok(self.send_back(&refused, &asked.client, &visitor.subject));
        }
        let page = ConsentPage {
            t: self.caller.texts(),
            target: &self.target,
            csrf: &self.caller.browser.csrf_token(&self.target),
            asking: &asked.asking(),
            scope: &self.issuer.scope().name,
            resource: &self.issuer.identifier(),
            rights: admitted.rights(),
            subject: visitor.has_signed_in.then_some(&*visitor.subject),
        };
        let places = self.places(asked);
        Ok(respond_leading_to(
            StatusCode::OK,
            self.caller.language,
            &page,
            &places,
        ))
    }

    pub(super) async fn allow(&self, asked: &Asked) -> Outcome<Response> {
        let Some(visitor) = self.visitor().await? else {
            return Ok(see_other(&self.target));
        };
        let consented = self.admit(asked, &visitor)?.allow();
        let given = self.give_code(&consented, asked, &visitor, true).await;
        self.stored(given)
    }

    pub(super) async fn deny(&self, asked: &Asked) -> Outcome<Response> {
        let Some(visitor) = self.visitor().await? else {
            return Ok(see_other(&self.target));
        };
        let denied = OAuthError::new(ErrorCode::AccessDenied, "The person did not allow it.");
        let refused = asked.request.refused(denied);
        Ok(self.send_back(&refused, &asked.client, &visitor.subject))
    }

    pub(super) fn cannot_ask_for_sign_in(&self, asked: &Asked) -> Response {
        let refused = asked.request.refused(cannot_ask(ErrorCode::LoginRequired));
        self.send_back(&refused, &asked.client, "")
    }

    /// A page for who may not enter; it names nothing but the person.
    fn admit<'a>(&'a self, asked: &'a Asked, visitor: &'a Visitor) -> Outcome<Admitted<'a>> {
        if let Some(admitted) = Admitted::new(self.issuer.scope(), asked, visitor) {
            return Ok(admitted);
        }
        let error = OAuthError::new(ErrorCode::AccessDenied, "not among the people of the scope");
        audit::refused(
            &self.caller.oauth,
            Event::Consent,
            self.details_of(asked, visitor),
            &error,
        );
        let troubles = &self.caller.texts().troubles;
        let token = self.caller.browser.csrf_token(&self.target);
        let page = ErrorPage {
            about: Some(&visitor.subject),
            way_out: visitor.has_signed_in.then_some(WayOut::Button {
                target: &self.target,
                csrf: &token,
                action: "sign-out",
                label: troubles.somebody_else,
            }),
            ..ErrorPage::new(self.caller.texts(), &troubles.not_admitted)
        };
        Err(respond(StatusCode::FORBIDDEN, self.caller.language, &page).into())
    }

    async fn consent_before(
        &self,
        asked: &Asked,
        visitor: &Visitor,
    ) -> Result<Option<Consent>, StoreError> {
        let store = &self.caller.oauth.shared.store;
        let scope = &self.issuer.scope().name;
        let consent = store.consent(&visitor.subject, scope, &asked.client.id, &asked.registered);
        consent.await
    }

    async fn give_code(
        &self,
        consented: &Consented<'_>,
        asked: &Asked,
        visitor: &Visitor,
        given: bool,
    ) -> Result<Response, StoreError> {
        let store = &self.caller.oauth.shared.store;
        let code = store.secrets().issue(SecretKind::AuthorizationCode)?;
        let now = store.clock().now();
        let allowed = Allowed {
            consent: &consented.consent(now),
            code: &consented.code(code.hash, now),
            given,
            signed_in: visitor.has_signed_in,
        };
        if !store.allow(allowed).await? {
            // Withdrawn or removed meanwhile: from the beginning.
            return Ok(see_other(&self.target));
        }
        let action = if given {
            Event::Consent
        } else {
            Event::RememberedConsent
        };
        let details = Details {
            rights: Some(consented.rights()),
            ..self.details_of(asked, visitor)
        };
        audit::done(&self.caller.oauth, action, details);
        let iss = self.issuer.identifier();
        Ok(see_other(&asked.request.granted(code.expose(), &iss)))
    }

    fn details_of<'a>(&'a self, asked: &'a Asked, visitor: &'a Visitor) -> Details<'a> {
        Details {
            subject: &visitor.subject,
            ..self.details(&asked.client)
        }
    }
}

fn cannot_ask(code: ErrorCode) -> OAuthError {
    OAuthError::new(code, "The person has to be asked, and prompt is none.")
}
