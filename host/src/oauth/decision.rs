//! What a person decides about an authorization request, without I/O: only an
//! [`Admitted`] person can be asked, only what is [`Consented`] becomes a code.

use std::time::Duration;

use super::access::ScopeAccess;
use super::authorization::AuthorizationRequest;
use super::pages::Destination;
use super::people::Visitor;
use crate::clock::Timestamp;
use crate::principal::Rights;
use crate::state::{AuthorizationCode, Client, Consent, SecretHash};

/// A good request of a known client.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) client: Client,
    /// The client's redirect URI that the request's is: another port of a
    /// loopback address is no other decision.
    pub(crate) registered: String,
    pub(crate) request: AuthorizationRequest,
}

/// A person who may enter the scope, before a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Admitted<'a> {
    scope: &'a ScopeAccess,
    asked: &'a Asked,
    visitor: &'a Visitor,
    rights: Rights,
}

/// What the person allowed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Consented<'a>(Admitted<'a>);

impl<'a> Admitted<'a> {
    /// None for a person who may not enter.
    pub(crate) fn new(
        scope: &'a ScopeAccess,
        asked: &'a Asked,
        visitor: &'a Visitor,
    ) -> Option<Self> {
        let may = scope.rights_of(&visitor.subject, &visitor.groups);
        let rights = asked.request.rights.and(may);
        (!rights.is_empty()).then_some(Self {
            scope,
            asked,
            visitor,
            rights,
        })
    }

    /// What is asked of what the person may give.
    pub(crate) fn rights(&self) -> Rights {
        self.rights
    }

    /// The person says yes.
    pub(crate) fn allow(self) -> Consented<'a> {
        Consented(self)
    }

    /// What the person said before holds still. Never so for a program on the
    /// person's machine: any other can listen on its port or claim its scheme.
    pub(crate) fn remembered(self, consent: Option<&Consent>) -> Option<Consented<'a>> {
        let request = &self.asked.request;
        let holds = consent.is_some_and(|consent| self.rights.within(consent.rights))
            && !request.ask_anew
            && !Destination::of(&request.redirect).is_local();
        holds.then_some(Consented(self))
    }
}

impl Consented<'_> {
    /// To be remembered, together with what was allowed before.
    pub(crate) fn consent(&self, before: Option<&Consent>, now: Timestamp) -> Consent {
        let Self(admitted) = self;
        let client = &admitted.asked.client;
        Consent {
            subject: admitted.visitor.subject.clone(),
            scope: admitted.scope.name.clone(),
            client_id: client.id.clone(),
            client_name: client.name.clone(),
            redirect_uri: admitted.asked.registered.clone(),
            rights: before
                .map_or(Rights::NONE, |before| before.rights)
                .or(admitted.rights),
            given_at: now,
        }
    }

    /// The record of the code with that hash.
    pub(crate) fn code(&self, hash: SecretHash, now: Timestamp) -> AuthorizationCode {
        let Self(admitted) = self;
        let Asked {
            client, request, ..
        } = admitted.asked;
        AuthorizationCode {
            hash,
            scope: admitted.scope.name.clone(),
            client_id: client.id.clone(),
            client_name: client.name.clone(),
            redirect_uri: request.redirect_uri.clone(),
            code_challenge: request.code_challenge.clone(),
            resource: request.resource.clone(),
            subject: admitted.visitor.subject.clone(),
            rights: admitted.rights,
            expires_at: now.after(CODE_TTL),
            redeemed: None,
            forget_at: now.after(CODE_MEMORY),
        }
    }
}

/// Clients redeem within a second or two.
const CODE_TTL: Duration = Duration::from_secs(60);
/// A code that comes back later than that can end nothing any more but a grant
/// that was refreshed since.
const CODE_MEMORY: Duration = Duration::from_secs(24 * 3_600);
