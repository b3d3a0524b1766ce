//! An entry in the log: of scopes without a file, and where the file cannot take
//! it.

use super::entry::{Entry, Event, Outcome};
use super::line::{self, Normalise};

macro_rules! tell {
    ($level:ident, $entry:ident, $statements:ident, $sentence:expr) => {{
        let call = $entry.call.as_deref();
        let figures = call.and_then(|call| call.figures);
        let reload = $entry.reload.as_deref();
        let origin = $entry.origin.as_deref();
        tracing::$level!(
            target: "audit",
            event = $entry.event.name(),
            outcome = $entry.outcome.name(),
            code = $entry.code.as_deref(),
            by = $entry.by,
            reason = $entry.reason.as_deref(),
            scope = $entry.scope.as_deref(),
            subject = $entry.subject.as_deref(),
            client_id = $entry.client_id.as_deref(),
            client_name = $entry.client_name.as_deref()
                .or(origin.and_then(|origin| origin.client_name.as_deref())),
            rights = $entry.rights.as_deref(),
            action = $entry.action,
            address = origin.and_then(|origin| origin.address).map(tracing::field::display),
            request_id = origin.map(|origin| &*origin.request_id),
            tool_set = call.map(|call| call.tool_set.as_str())
                .or(reload.and_then(|reload| reload.tool_set.as_deref())),
            digest = call.map(|call| &*call.digest)
                .or(reload.and_then(|reload| reload.digest.as_deref())),
            tool = call.map(|call| call.tool.as_str()),
            statements = $statements,
            rows = figures.map(|figures| figures.rows),
            bytes = figures.map(|figures| figures.bytes),
            wall_us = figures.map(|figures| figures.wall_us),
            queue_us = figures.map(|figures| figures.queue_us),
            instantiation_us = figures.map(|figures| figures.instantiation_us),
            database_us = figures.map(|figures| figures.database_us),
            cpu_us = figures.map(|figures| figures.cpu_us),
            memory_bytes = figures.map(|figures| figures.memory_bytes),
            before = reload.and_then(|reload| reload.before.as_deref()),
            scopes = reload.map(|reload| reload.scopes),
            took_ms = reload.and_then(|reload| reload.took_ms),
            suppressed = Some($entry.suppressed).filter(|count| *count > 0),
            "{}", $sentence
        );
    }};
}

/// Writes it. What the operator has to mend is a warning.
pub(super) fn tell(entry: &Entry, normalise: Option<Normalise>, texts: bool) {
    if !tracing::enabled!(target: "audit", tracing::Level::INFO) {
        return;
    }
    let statements = line::statements(entry, normalise, texts);
    let statements = statements.as_deref();
    let to_mend = matches!(entry.event, Event::Reload | Event::Configuration)
        && matches!(entry.outcome, Outcome::Refused | Outcome::Parked);
    if to_mend {
        tell!(
            warn,
            entry,
            statements,
            entry.reason.as_deref().unwrap_or_default()
        );
    } else {
        tell!(info, entry, statements, "");
    }
}
