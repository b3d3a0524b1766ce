//! Every metric there is: its name, its labels and what it says. `docs/metrics.md` is
//! held to it by a test, and so are the places that count.

use metrics::Unit;

/// What a metric is to Prometheus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It is what it is at the moment.
    Gauge,
    /// How often it was how much.
    Histogram,
}

/// One metric.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// As Prometheus knows it.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// What it says.
    pub help: &'static str,
}

impl Kind {
    /// As the exposition format spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

impl Metric {
    fn unit(&self) -> Unit {
        if self.name.ends_with("_seconds") {
            Unit::Seconds
        } else if self.name.contains("_bytes") {
            Unit::Bytes
        } else {
            Unit::Count
        }
    }
}

/// Gives the recorder the text of each, and has those without labels begin at 0: what
/// has not happened yet can be watched for too.
pub(super) fn describe() {
    for metric in METRICS {
        let (name, help, unit) = (metric.name, metric.help, metric.unit());
        match metric.kind {
            Kind::Counter => metrics::describe_counter!(name, unit, help),
            Kind::Gauge => metrics::describe_gauge!(name, unit, help),
            Kind::Histogram => metrics::describe_histogram!(name, unit, help),
        }
        if metric.kind == Kind::Counter && metric.labels.is_empty() {
            metrics::counter!(name).increment(0);
        }
    }
    for (name, label, values) in KNOWN {
        for value in *values {
            metrics::counter!(*name, *label => *value).increment(0);
        }
    }
}

const fn counter(
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
) -> Metric {
    Metric {
        name,
        kind: Kind::Counter,
        labels,
        help,
    }
}

const fn gauge(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    Metric {
        name,
        kind: Kind::Gauge,
        labels,
        help,
    }
}

const fn histogram(
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
) -> Metric {
    Metric {
        name,
        kind: Kind::Histogram,
        labels,
        help,
    }
}

const TOOL: &[&str] = &["scope", "tool_set", "tool_name"];
const TOOL_AND_STATUS: &[&str] = &["scope", "tool_set", "tool_name", "status"];
const DATABASE: &[&str] = &["scope", "database"];
const SCOPE: &[&str] = &["scope"];

/// Counters of one label whose values are known, which begin at 0.
const KNOWN: &[(&str, &str, &[&str])] = &[
    ("audit_lines_total", "to", &["file", "log"]),
    (
        "database_retries_total",
        "reason",
        &["connection", "transient"],
    ),
    (
        "tool_set_reloads_total",
        "outcome",
        &["serves", "refused", "parked"],
    ),
    (
        "configuration_reloads_total",
        "outcome",
        &["serves", "refused"],
    ),
    (
        "tls_handshakes_total",
        "outcome",
        &["done", "failed", "timeout"],
    ),
    ("tls_reloads_total", "outcome", &["serves", "refused"]),
    ("trace_exports_total", "outcome", &["delivered", "failed"]),
];

/// All of them, in the order of the documentation.
pub const METRICS: &[Metric] = &[
    counter(
        "tool_executions_total",
        TOOL_AND_STATUS,
        "Calls by how they ended: ok, asks, or the code of the error.",
    ),
    histogram(
        "tool_execution_seconds",
        TOOL_AND_STATUS,
        "Time of a call, from its arrival at the tool set to its end.",
    ),
    histogram(
        "tool_queue_seconds",
        TOOL,
        "Time a call waited for a place.",
    ),
    histogram(
        "tool_instantiation_seconds",
        TOOL,
        "Time to make the instance of a call.",
    ),
    histogram(
        "tool_cpu_seconds",
        TOOL,
        "CPU time of the guest and of what the host did for it.",
    ),
    histogram(
        "tool_database_seconds",
        TOOL,
        "Time a call waited for the database, its pool included.",
    ),
    histogram(
        "tool_memory_bytes",
        TOOL,
        "Largest memory of the guest in a call.",
    ),
    counter("tool_rows_total", TOOL, "Rows that calls read or changed."),
    counter(
        "tool_bytes_total",
        TOOL,
        "Bytes of the values in those rows, as they were encoded.",
    ),
    counter(
        "refusals_total",
        &["scope", "code"],
        "What was asked for and is not allowed, by the code of the refusal; \
         an empty scope stands for none.",
    ),
    gauge(
        "search_cache_size",
        &[],
        "Entries in the caches of all tool sets, and results that are kept.",
    ),
    gauge(
        "cache_entries",
        &["scope", "cache"],
        "Entries in the cache of a tool set, or `results`.",
    ),
    gauge(
        "cache_bytes",
        &["scope", "cache"],
        "Bytes of keys and values in it.",
    ),
    counter(
        "cache_requests_total",
        &["scope", "cache", "outcome"],
        "Look-ups in it: hit or miss.",
    ),
    gauge(
        "database_up",
        DATABASE,
        "Whether the database answered when it was asked last: 1 or 0.",
    ),
    gauge(
        "database_pool_connections",
        DATABASE,
        "Open connections of a pool.",
    ),
    gauge(
        "database_pool_in_use",
        DATABASE,
        "Connections of a pool that run a statement.",
    ),
    gauge(
        "database_pool_max",
        DATABASE,
        "Most connections that a pool may have.",
    ),
    gauge(
        "database_pool_waiting",
        DATABASE,
        "Statements that wait for a connection.",
    ),
    histogram(
        "database_pool_wait_seconds",
        DATABASE,
        "Time a statement waited for its connection, whether it got one or not.",
    ),
    counter(
        "database_retries_total",
        &["reason"],
        "Statements that were run again: transient, or connection.",
    ),
    gauge(
        "mcp_sessions",
        SCOPE,
        "Sessions that this process keeps in memory.",
    ),
    gauge(
        "mcp_streams",
        SCOPE,
        "Streams that clients have open to listen.",
    ),
    gauge("mcp_calls_in_progress", SCOPE, "Calls under way."),
    gauge(
        "tool_sets",
        &["state"],
        "Files of tool sets: serving, refused or parked; one can serve and have a refused \
         newer version.",
    ),
    gauge(
        "tool_set_version_info",
        &["tool_set", "digest"],
        "1 for the version of a file that serves, by its SHA-256; 0 for one that did, for ten \
         minutes.",
    ),
    counter(
        "tool_set_reloads_total",
        &["outcome"],
        "New versions of tool sets: serves, refused or parked.",
    ),
    histogram(
        "tool_set_reload_seconds",
        &[],
        "Time from the change of a file to its tools.",
    ),
    histogram(
        "tool_set_compile_seconds",
        &["cached"],
        "Time to have native code of a tool set: compiled, or from the cache.",
    ),
    counter(
        "configuration_reloads_total",
        &["outcome"],
        "Changes of the configuration: serves or refused.",
    ),
    counter(
        "http_requests_total",
        &["method", "route", "status"],
        "Requests, by the template of their address; \"other\" is none of ours.",
    ),
    histogram(
        "http_request_seconds",
        &["method", "route"],
        "Time from the head of a request to the head of its reply.",
    ),
    counter(
        "tls_handshakes_total",
        &["outcome"],
        "TLS handshakes: done, failed, or past their time.",
    ),
    counter(
        "tls_reloads_total",
        &["outcome"],
        "Times that another certificate was read: serves or refused.",
    ),
    gauge(
        "tls_certificate_not_after_seconds",
        &[],
        "When the certificate ends, in seconds since 1970; with http.tls only.",
    ),
    counter(
        "oauth_registrations_total",
        &[],
        "Clients that registered themselves.",
    ),
    counter(
        "oauth_token_exchanges_total",
        &[],
        "Codes and refresh tokens that were exchanged for tokens.",
    ),
    gauge(
        "active_tokens",
        &[],
        "Access tokens that are good, of all nodes of the store.",
    ),
    counter(
        "oauth_events_total",
        &["event", "scope", "outcome"],
        "What happened at the authorization server: done or refused.",
    ),
    counter(
        "oauth_errors_total",
        &["event", "code"],
        "What the authorization server and the token check refused, by OAuth's code.",
    ),
    counter(
        "audit_lines_total",
        &["to"],
        "Lines of the audit: to its file, or to the log.",
    ),
    counter(
        "audit_failures_total",
        &[],
        "Times that a line of the audit could not be written; it is tried again.",
    ),
    counter(
        "audit_suppressed_total",
        &[],
        "Lines that strangers caused beyond what is written in a minute.",
    ),
    counter(
        "trace_exports_total",
        &["outcome"],
        "Batches of spans that went to the collector: delivered or failed.",
    ),
    gauge(
        "mssql_mcp_build_info",
        &["version"],
        "Always 1; its label says which version runs.",
    ),
    gauge(
        "process_start_time_seconds",
        &[],
        "When the process started, in seconds since 1970.",
    ),
    counter(
        "process_cpu_seconds_total",
        &[],
        "CPU time of the process, in whole seconds.",
    ),
    gauge(
        "process_resident_memory_bytes",
        &[],
        "Memory of the process; Linux only.",
    ),
    gauge(
        "process_open_fds",
        &[],
        "Files and sockets that the process has open; Linux only.",
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::fs;
    use std::path::Path;

    use super::*;

    /// The names after `counter!(` and the like in every source file, with its macro.
    fn counted() -> BTreeMap<String, BTreeSet<&'static str>> {
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
        let mut found: BTreeMap<String, BTreeSet<&'static str>> = BTreeMap::new();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                if path.ends_with("telemetry/catalogue.rs") {
                    continue;
                }
                let source = fs::read_to_string(&path).unwrap();
                for kind in ["counter", "gauge", "histogram"] {
                    for after in source.split(&format!("metrics::{kind}!(")).skip(1) {
                        let name = after.trim_start().strip_prefix('"');
                        let name = name.and_then(|name| name.split('"').next());
                        let name = name.unwrap_or_else(|| {
                            panic!("{}: a metric without a plain name", path.display())
                        });
                        found.entry(name.to_owned()).or_default().insert(kind);
                    }
                }
            }
        }
        found
    }

    #[test]
    fn what_is_counted_is_in_the_catalogue_and_the_other_way_round() {
        let counted = counted();
        for (name, kinds) in &counted {
            let metric = METRICS.iter().find(|metric| metric.name == name);
            let metric = metric.unwrap_or_else(|| panic!("{name} is not in the catalogue"));
            assert_eq!(*kinds, BTreeSet::from([metric.kind.as_str()]), "{name}");
        }
        for metric in METRICS {
            assert!(
                counted.contains_key(metric.name),
                "nothing counts {}",
                metric.name
            );
        }
    }

    #[test]
    fn the_documentation_lists_every_metric_as_it_is() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/metrics.md");
        let text = fs::read_to_string(path).unwrap();
        let rows: Vec<Vec<&str>> = text
            .lines()
            .filter(|line| line.starts_with("| `"))
            .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
            .collect();
        let documented: Vec<String> = rows.iter().map(|row| row.join(" | ")).collect();
        let expected: Vec<String> = METRICS
            .iter()
            .map(|metric| {
                let labels: Vec<String> = metric
                    .labels
                    .iter()
                    .map(|label| format!("`{label}`"))
                    .collect();
                format!(
                    "`{}` | {} | {} | {}",
                    metric.name,
                    metric.kind.as_str(),
                    labels.join(", "),
                    metric.help
                )
            })
            .collect();
        assert_eq!(documented, expected);
    }

    #[test]
    fn names_follow_the_conventions_of_prometheus() {
        let mut names = BTreeSet::new();
        for metric in METRICS {
            assert!(names.insert(metric.name), "{} is there twice", metric.name);
            assert_eq!(
                metric.name.ends_with("_total"),
                metric.kind == Kind::Counter,
                "{}",
                metric.name
            );
            assert!(metric.help.ends_with('.'), "{}", metric.name);
            let snake = |name: &str| name.bytes().all(|b| b == b'_' || b.is_ascii_lowercase());
            assert!(
                snake(metric.name) && metric.labels.iter().all(|label| snake(label)),
                "{}",
                metric.name
            );
        }
    }

    #[test]
    fn no_label_tells_who_asked_or_what() {
        for metric in METRICS {
            for told in [
                "subject",
                "user",
                "client",
                "client_id",
                "session",
                "query",
                "path",
            ] {
                assert!(
                    !metric.labels.contains(&told),
                    "{} tells {told}",
                    metric.name
                );
            }
        }
    }

    #[test]
    fn what_begins_at_0_is_a_counter_of_that_label_alone() {
        for (name, label, _) in KNOWN {
            let metric = METRICS.iter().find(|metric| metric.name == *name).unwrap();
            assert_eq!((metric.kind, metric.labels), (Kind::Counter, &[*label][..]));
        }
    }
}
