//! W3C Trace Context: which trace a request belongs to.

use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::{TraceContextExt as _, TraceId};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// What a caller says of the trace that it is in.
#[derive(Clone, Copy, Debug, Default)]
pub struct Remote<'a> {
    /// `traceparent`
    pub traceparent: Option<&'a str>,
    /// `tracestate`
    pub tracestate: Option<&'a str>,
}

impl Extractor for Remote<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        match key {
            "traceparent" => self.traceparent,
            "tracestate" => self.tracestate,
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent", "tracestate"]
    }
}

impl Remote<'_> {
    /// The caller's span, if what it says of it can be read.
    fn context(&self) -> Option<Context> {
        self.traceparent?;
        let context = TraceContextPropagator::new().extract_with_context(&Context::new(), self);
        context.span().span_context().is_valid().then_some(context)
    }
}

/// Has `span`, which was not entered yet, be the child of the caller's.
pub fn adopt(span: &Span, remote: Remote<'_>) {
    if let Some(context) = remote.context() {
        // It fails where nobody collects traces.
        let _ = span.set_parent(context);
    }
}

/// The same for a message that names a trace beside the request which brought it. One
/// of the same trace stays below that request; one of another is linked to it.
pub fn adopt_message(span: &Span, remote: Remote<'_>) {
    let Some(context) = remote.context() else {
        return;
    };
    let around = Span::current().context();
    let around = around.span().span_context().clone();
    if around.trace_id() == context.span().span_context().trace_id() {
        return;
    }
    let _ = span.set_parent(context);
    if around.is_valid() {
        span.add_link(around);
    }
}

/// The trace that `span` belongs to, as the collector shows it.
pub fn trace_id(span: &Span) -> Option<String> {
    if span.is_disabled() {
        return None;
    }
    let id = span.context().span().span_context().trace_id();
    (id != TraceId::INVALID).then(|| id.to_string())
}
