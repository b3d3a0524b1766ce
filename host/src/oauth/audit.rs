//! What happened at the authorization server: one line for the audit, one
//! count for the metrics. Never a secret.

use std::net::IpAddr;
use std::sync::Arc;

use super::context::OAuth;
use super::error::OAuthError;
pub(crate) use crate::audit::Event;
use crate::audit::{Entry, Origin, Outcome};
use crate::principal::Rights;

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

/// Notes that something was done.
pub(crate) fn done(oauth: &OAuth, event: Event, details: Details<'_>) {
    let name = event.name();
    metrics::counter!("oauth_events_total", "event" => name, "scope" => details.scope.to_owned(), "outcome" => "done")
        .increment(1);
    match event {
        Event::Registration => metrics::counter!("oauth_registrations_total").increment(1),
        Event::CodeExchange | Event::Refresh => {
            metrics::counter!("oauth_token_exchanges_total").increment(1);
        }
        _ => {}
    }
    oauth.audit().record(entry(event, Outcome::Done, details));
}

/// Notes that something was refused, and why.
pub(crate) fn refused(oauth: &OAuth, event: Event, details: Details<'_>, error: &OAuthError) {
    let (name, code) = (event.name(), error.code.as_str());
    metrics::counter!("oauth_events_total", "event" => name, "scope" => details.scope.to_owned(), "outcome" => "refused")
        .increment(1);
    metrics::counter!("oauth_errors_total", "event" => name, "code" => code).increment(1);
    let reason = error.reason.as_deref().unwrap_or(&error.description);
    let entry = Entry {
        code: Some(code.into()),
        reason: Some(reason.to_owned()),
        ..entry(event, Outcome::Refused, details)
    };
    // A name that was typed proves nothing; of other people it is known who they are.
    if details.subject.is_empty() || event == Event::SignIn {
        oauth.audit().record_of_anybody(entry);
    } else {
        oauth.audit().record(entry);
    }
}

/// Notes that a token was refused. Only what is `of_note` is for the log: anybody
/// can send garbage, and must not fill it with that; a file takes some of it.
pub(crate) fn token_refused(
    oauth: &OAuth,
    details: Details<'_>,
    code: &'static str,
    reason: &'static str,
    of_note: bool,
) {
    let name = Event::Access.name();
    metrics::counter!("oauth_errors_total", "event" => name, "code" => code).increment(1);
    if !of_note && !oauth.audit().has_file(details.scope) {
        tracing::debug!(code, reason, "an access token was refused");
        return;
    }
    oauth.audit().record_of_anybody(Entry {
        code: Some(code.into()),
        reason: Some(reason.to_owned()),
        ..entry(Event::Access, Outcome::Refused, details)
    });
}

fn entry(event: Event, outcome: Outcome, details: Details<'_>) -> Entry {
    let known = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let entry = Entry::new(event, outcome);
    // Where there is no server in front, as in tests, the address is known alone.
    let origin = entry.origin.or_else(|| {
        let address = details.address?;
        Some(Arc::new(Origin {
            address: Some(address),
            ..Origin::default()
        }))
    });
    Entry {
        scope: (!details.scope.is_empty()).then(|| details.scope.into()),
        subject: known(details.subject),
        client_id: known(details.client_id),
        client_name: known(details.client_name),
        rights: details.rights.map(|rights| rights.to_string()),
        origin,
        ..entry
    }
}
