//! What happened at the authorization server: one line for the audit, one
//! count for the metrics. Never a secret.

use std::net::IpAddr;

use super::error::OAuthError;
use crate::principal::Rights;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// A client registered.
    Registration,
    /// A person signed in.
    SignIn,
    /// A person allowed or refused a client.
    Consent,
    /// What a person had allowed before held still.
    RememberedConsent,
    /// A code was exchanged.
    CodeExchange,
    /// A refresh token was exchanged.
    Refresh,
    /// A token was revoked.
    Revocation,
    /// A person set a password.
    Password,
    /// A person withdrew a consent.
    Withdrawal,
    /// A token was used.
    Access,
}

impl Action {
    fn name(self) -> &'static str {
        match self {
            Self::Registration => "registration",
            Self::SignIn => "sign_in",
            Self::Consent => "consent",
            Self::RememberedConsent => "remembered_consent",
            Self::CodeExchange => "code_exchange",
            Self::Refresh => "refresh",
            Self::Revocation => "revocation",
            Self::Password => "password",
            Self::Withdrawal => "withdrawal",
            Self::Access => "access",
        }
    }
}

/// Who and where; what is not known is left out.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Details<'a> {
    pub(crate) scope: &'a str,
    pub(crate) subject: &'a str,
    pub(crate) client_id: &'a str,
    pub(crate) client_name: &'a str,
    /// What was given.
    pub(crate) rights: Option<Rights>,
    pub(crate) address: Option<IpAddr>,
}

impl<'a> Details<'a> {
    /// About a person, and nothing else.
    pub(crate) fn of(subject: &'a str) -> Self {
        Self {
            subject,
            ..Self::default()
        }
    }
}

/// Notes that something was done.
pub(crate) fn done(action: Action, details: Details<'_>) {
    let name = action.name();
    metrics::counter!("oauth_events_total", "event" => name, "scope" => details.scope.to_owned(), "outcome" => "done")
        .increment(1);
    match action {
        Action::Registration => metrics::counter!("oauth_registrations_total").increment(1),
        Action::CodeExchange | Action::Refresh => {
            metrics::counter!("oauth_token_exchanges_total").increment(1);
        }
        _ => {}
    }
    tracing::info!(
        target: "audit",
        event = name,
        outcome = "done",
        scope = details.scope,
        subject = details.subject,
        client_id = details.client_id,
        client_name = details.client_name,
        rights = details.rights.map(tracing::field::display),
        address = details.address.map(tracing::field::display),
    );
}

/// Notes what the operator did with a command, which nobody asks for metrics.
pub(crate) fn by_operator(event: &'static str, details: Details<'_>) {
    tracing::info!(
        target: "audit",
        event,
        outcome = "done",
        by = "operator",
        scope = details.scope,
        subject = details.subject,
        client_id = details.client_id,
        rights = details.rights.map(tracing::field::display),
    );
}

/// Notes that something was refused, and why.
pub(crate) fn refused(action: Action, details: Details<'_>, error: &OAuthError) {
    let (name, code) = (action.name(), error.code.as_str());
    metrics::counter!("oauth_events_total", "event" => name, "scope" => details.scope.to_owned(), "outcome" => "refused")
        .increment(1);
    metrics::counter!("oauth_errors_total", "event" => name, "code" => code).increment(1);
    tracing::info!(
        target: "audit",
        event = name,
        outcome = "refused",
        code,
        reason = error.reason.as_deref().unwrap_or(&error.description),
        scope = details.scope,
        subject = details.subject,
        client_id = details.client_id,
        client_name = details.client_name,
        address = details.address.map(tracing::field::display),
    );
}

/// Notes that a token was refused. Only what is `of_note` is for the audit:
/// anybody can send garbage, and must not fill it with that.
pub(crate) fn token_refused(
    details: Details<'_>,
    code: &'static str,
    reason: &'static str,
    of_note: bool,
) {
    let name = Action::Access.name();
    metrics::counter!("oauth_errors_total", "event" => name, "code" => code).increment(1);
    if !of_note {
        tracing::debug!(code, reason, "an access token was refused");
        return;
    }
    tracing::info!(
        target: "audit",
        event = name,
        outcome = "refused",
        code,
        reason,
        scope = details.scope,
        address = details.address.map(tracing::field::display),
    );
}
