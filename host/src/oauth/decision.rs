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
    /// What the code will be good for.
    pub(crate) fn rights(&self) -> Rights {
        self.0.rights
    }

    /// To be remembered.
    pub(crate) fn consent(&self, now: Timestamp) -> Consent {
        let Self(admitted) = self;
        let client = &admitted.asked.client;
        Consent {
            subject: admitted.visitor.subject.clone(),
            scope: admitted.scope.name.clone(),
            client_id: client.id.clone(),
            client_name: client.name.clone(),
            redirect_uri: admitted.asked.registered.clone(),
            rights: admitted.rights,
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use url::Url;

    use super::*;
    use crate::state::{ClientAuthentication, ClientKind};

    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    fn scope() -> ScopeAccess {
        ScopeAccess {
            name: "claude".to_owned(),
            people: vec!["ana".parse().unwrap(), "bob".parse().unwrap()],
            writers: vec!["ana".parse().unwrap()],
            writable: true,
            redirects: Vec::new(),
            claims: std::collections::BTreeSet::new(),
        }
    }

    fn visitor(subject: &str) -> Visitor {
        Visitor {
            subject: subject.to_owned(),
            claims: std::collections::BTreeMap::new(),
            groups: BTreeSet::new(),
            has_signed_in: true,
        }
    }

    fn asked(redirect: &str, rights: Rights) -> Asked {
        Asked {
            client: Client {
                id: "c".to_owned(),
                scope: "claude".to_owned(),
                name: "Claude".to_owned(),
                redirect_uris: vec![redirect.to_owned()],
                authentication: ClientAuthentication::None,
                secret: None,
                kind: ClientKind::Registered,
                created_at: NOW,
                used_at: None,
                expires_at: None,
            },
            registered: redirect.to_owned(),
            request: AuthorizationRequest {
                redirect_uri: redirect.to_owned(),
                redirect: Url::parse(redirect).unwrap(),
                state: None,
                code_challenge: "challenge".to_owned(),
                resource: None,
                rights,
                silent: false,
                ask_anew: false,
            },
        }
    }

    #[test]
    fn nobody_gives_away_more_than_is_asked_and_may_be_given() {
        let scope = scope();
        for (subject, wanted, given) in [
            ("ana", Rights::ALL, Some(Rights::ALL)),
            ("ana", Rights::READ, Some(Rights::READ)),
            ("bob", Rights::ALL, Some(Rights::READ)),
            ("eve", Rights::READ, None),
        ] {
            let (asked, visitor) = (asked("https://claude.ai/cb", wanted), visitor(subject));
            let admitted = Admitted::new(&scope, &asked, &visitor);
            assert_eq!(
                admitted.map(|admitted| admitted.rights()),
                given,
                "{subject}"
            );
        }
    }

    #[test]
    fn a_consent_is_remembered_for_web_sites_and_what_was_allowed() {
        let (scope, ana) = (scope(), visitor("ana"));
        for (redirect, wanted, remembered, holds) in [
            ("https://claude.ai/cb", Rights::READ, Rights::READ, true),
            ("https://claude.ai/cb", Rights::READ, Rights::ALL, true),
            ("https://claude.ai/cb", Rights::ALL, Rights::READ, false),
            ("http://127.0.0.1:1/cb", Rights::READ, Rights::ALL, false),
            ("http://[::1]/cb", Rights::READ, Rights::ALL, false),
            ("http://localhost/cb", Rights::READ, Rights::ALL, false),
            ("https://localhost/cb", Rights::READ, Rights::ALL, false),
            ("cursor://cb", Rights::READ, Rights::ALL, false),
        ] {
            let before = {
                let asked = asked(redirect, remembered);
                let admitted = Admitted::new(&scope, &asked, &ana).unwrap();
                admitted.allow().consent(NOW)
            };
            let asked = asked(redirect, wanted);
            let admitted = Admitted::new(&scope, &asked, &ana).unwrap();
            assert!(admitted.remembered(None).is_none());
            let consented = admitted.remembered(Some(&before));
            assert_eq!(consented.is_some(), holds, "{redirect} {wanted}");
        }
    }
}
