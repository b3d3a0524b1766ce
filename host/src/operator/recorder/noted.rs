//! One thing that happened, as the page tells it.

use crate::audit::Entry;
use crate::clock::Timestamp;
use crate::excerpt::excerpt;
use crate::oauth::pages::shown;

/// An audit entry without what the page has no room for. What is not known is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::operator) struct Noted {
    pub(in crate::operator) at: Timestamp,
    pub(in crate::operator) event: &'static str,
    pub(in crate::operator) outcome: &'static str,
    /// The code of a refusal, or what an operator did.
    pub(in crate::operator) code: String,
    pub(in crate::operator) reason: String,
    pub(in crate::operator) scope: String,
    pub(in crate::operator) subject: String,
    pub(in crate::operator) client: String,
    /// A tool, or a tool set that was reloaded.
    pub(in crate::operator) tool: String,
    pub(in crate::operator) address: String,
}

impl Noted {
    pub(super) fn of(entry: &Entry) -> Self {
        let (call, reload) = (entry.call.as_deref(), entry.reload.as_deref());
        let origin = entry.origin.as_deref();
        let client = entry.client_name.as_deref();
        let client = client.or(origin.and_then(|origin| origin.client_name.as_deref()));
        let client = client.or(entry.client_id.as_deref());
        let tool = call.map(|call| call.tool.as_str());
        let tool = tool.or(reload.and_then(|reload| reload.tool_set.as_deref()));
        let address = origin.and_then(|origin| origin.address);
        let own = entry.code.as_deref().or(entry.action).unwrap_or_default();
        Self {
            at: entry.at,
            event: entry.event.name(),
            outcome: entry.outcome.name(),
            code: own.to_owned(),
            reason: excerpt(entry.reason.as_deref().unwrap_or_default(), REASON).to_owned(),
            scope: entry.scope.as_deref().unwrap_or_default().to_owned(),
            subject: shown(entry.subject.as_deref().unwrap_or_default()),
            client: shown(client.unwrap_or_default()),
            tool: shown(tool.unwrap_or_default()),
            address: address
                .map(|address| address.to_string())
                .unwrap_or_default(),
        }
    }
}

/// Characters.
const REASON: usize = 200;
