//! Traces for a collector (OTLP over HTTP, protobuf), by the environment variables of
//! OpenTelemetry. Without them there are none, and no span for them is made.
//!
//! Spans for traces have the target `otel`; the log does not show them. What ends up in
//! a full queue is dropped, so that a slow collector slows nothing.

use std::env;
use std::path::PathBuf;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use tokio::runtime::Handle;
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

use super::collector::{Collector, CollectorError};

/// Traces on their way to a collector.
#[derive(Debug)]
pub struct Traces(SdkTracerProvider);

/// Traces were asked for and cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum TracesError {
    /// What is asked for is another protocol.
    #[error(
        "{variable} is \"{value}\"; traces are sent as http/protobuf: write that, and the \
         address of a collector that takes it (port 4318 by convention)"
    )]
    Protocol {
        /// Which.
        variable: &'static str,
        /// Its value.
        value: String,
    },
    /// There is no way to it.
    #[error("{0}")]
    Collector(#[from] CollectorError),
    /// What the variables say is of no use.
    #[error("traces cannot be sent: {0}; look at the variables OTEL_EXPORTER_OTLP_*")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
}

/// What the environment asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    endpoint: String,
    authority: Option<PathBuf>,
    /// Whether something names the service.
    named: bool,
}

impl Wanted {
    /// `None` where no traces are wanted.
    pub(super) fn from_env() -> Result<Option<Self>, TracesError> {
        Self::from(&|name| env::var(name).ok().filter(|value| !value.is_empty()))
    }

    fn from(get: &dyn Fn(&'static str) -> Option<String>) -> Result<Option<Self>, TracesError> {
        let is = |name, value: &str| get(name).is_some_and(|it| it.eq_ignore_ascii_case(value));
        let endpoint = get(TRACES_ENDPOINT).or_else(|| get(ENDPOINT));
        let Some(endpoint) = endpoint else {
            return Ok(None);
        };
        if is("OTEL_SDK_DISABLED", "true") || is("OTEL_TRACES_EXPORTER", "none") {
            return Ok(None);
        }
        for variable in [
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
            "OTEL_EXPORTER_OTLP_PROTOCOL",
        ] {
            match get(variable) {
                Some(value) if value == "http/protobuf" => break,
                Some(value) => return Err(TracesError::Protocol { variable, value }),
                None => {}
            }
        }
        let authority = get("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE")
            .or_else(|| get("OTEL_EXPORTER_OTLP_CERTIFICATE"));
        let attributes = get("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default();
        Ok(Some(Self {
            endpoint,
            authority: authority.map(PathBuf::from),
            named: get("OTEL_SERVICE_NAME").is_some() || attributes.contains("service.name="),
        }))
    }
}

impl Traces {
    /// Sends traces as `wanted`, from `runtime`. The rest of the variables (headers,
    /// sampler, queue) are read by the libraries.
    pub(super) fn start(wanted: Wanted, runtime: Handle) -> Result<Self, TracesError> {
        let collector = Collector::new(runtime, &wanted.endpoint, wanted.authority)?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_http_client(collector)
            .build()?;
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let mut resource = Resource::builder().with_attribute(version);
        if !wanted.named {
            resource = resource.with_service_name(env!("CARGO_PKG_NAME"));
        }
        let provider = SdkTracerProvider::builder()
            .with_resource(resource.build())
            .with_batch_exporter(exporter)
            .build();
        Ok(Self(provider))
    }

    /// Takes the spans that are for traces.
    pub(super) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: tracing::Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        let layer: OpenTelemetryLayer<S, SdkTracer> =
            tracing_opentelemetry::layer().with_tracer(self.0.tracer("mssql-mcp"));
        layer
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(filter_fn(|metadata| metadata.target() == TARGET))
    }

    /// Sends what is left, for a few seconds at most. Not on a thread of a runtime.
    pub fn stop(self) {
        if let Err(error) = self.0.shutdown_with_timeout(LAST_SPANS) {
            tracing::debug!(%error, "the last traces are lost");
        }
    }
}

pub(super) const TARGET: &str = "otel";
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
/// What the end of the process waits for.
const LAST_SPANS: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(environment: &[(&str, &str)]) -> Result<Option<Wanted>, TracesError> {
        Wanted::from(&|name| {
            let found = environment.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn there_are_traces_where_a_collector_is_named_and_nothing_is_against_it() {
        assert_eq!(wanted(&[]).unwrap(), None);
        assert_eq!(wanted(&[("OTEL_SERVICE_NAME", "x")]).unwrap(), None);
        let here = (ENDPOINT, "http://127.0.0.1:4318");
        assert!(wanted(&[here]).unwrap().is_some());
        for against in [
            ("OTEL_SDK_DISABLED", "true"),
            ("OTEL_TRACES_EXPORTER", "none"),
        ] {
            assert_eq!(wanted(&[here, against]).unwrap(), None, "{against:?}");
        }
        let own = (TRACES_ENDPOINT, "https://traces.example.com/v1/traces");
        let wanted = wanted(&[here, own, ("OTEL_SERVICE_NAME", "x")]).unwrap();
        let wanted = wanted.unwrap();
        assert_eq!(wanted.endpoint, own.1);
        assert!(wanted.named);
    }

    #[test]
    fn another_protocol_is_refused_with_what_to_write() {
        let here = (ENDPOINT, "http://127.0.0.1:4317");
        let said = wanted(&[here, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]);
        let said = said.unwrap_err().to_string();
        assert!(
            said.contains("OTEL_EXPORTER_OTLP_PROTOCOL is \"grpc\""),
            "{said}"
        );
        assert!(said.contains("http/protobuf"), "{said}");
        let own = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf");
        let both = wanted(&[here, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"), own]);
        assert!(both.unwrap().is_some(), "the narrower variable wins");
    }
}
