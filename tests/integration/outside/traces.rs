//! Traces of the program at a collector: a receiver of OTLP in this test, which reads
//! what comes as OpenTelemetry's own types.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use integration_tests::McpClient;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Attribute;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use prost::Message;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::timeout;

use super::binary::{Process, Site, free_address};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";
const OTHER_TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

#[tokio::test(flavor = "multi_thread")]
async fn one_call_is_five_spans_of_the_clients_trace() {
    let mut collector = Collector::start().await;
    let site = Site::new()
        .await
        .with("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url())
        .with("OTEL_EXPORTER_OTLP_HEADERS", "x-key=let%20me%20in")
        .with("OTEL_BSP_SCHEDULE_DELAY", "100");
    let process = start(&site).await;
    let token = token(&site, &process).await;
    let call = execute("SELECT ProductName FROM Products WHERE ProductID = 77");
    let header = format!("00-{TRACE}-{PARENT}-01");
    let reply = post(&process, &token, &call, Some(&header)).await;
    assert_eq!(reply["result"]["isError"], false, "{reply}");

    let spans = collector
        .spans(|spans| levels(spans, TRACE).is_some())
        .await;
    let [http, mcp, tool, guest, sql] = levels(&spans, TRACE).expect("five levels");
    assert_eq!(hex(&http.parent_span_id), PARENT);
    let kinds = [http, mcp, tool, guest, sql].map(|span| span.kind());
    assert_eq!(
        kinds,
        [
            SpanKind::Server,
            SpanKind::Server,
            SpanKind::Internal,
            SpanKind::Internal,
            SpanKind::Client
        ]
    );
    for (span, name) in [
        (http, "POST /{scope}/mcp"),
        (mcp, "tools/call execute_sql"),
        (tool, "execute_tool execute_sql"),
        (guest, "guest claude-tools"),
        (sql, "SELECT Products"),
    ] {
        assert_eq!(span.name, name);
    }
    for (span, name, value) in [
        (http, "http.request.method", "POST"),
        (http, "http.route", "/{scope}/mcp"),
        (http, "http.response.status_code", "200"),
        (mcp, "mcp.method.name", "tools/call"),
        (mcp, "gen_ai.tool.name", "execute_sql"),
        (mcp, "rpc.system", "jsonrpc"),
        (tool, "gen_ai.operation.name", "execute_tool"),
        (tool, "mssql_mcp.tool_set", "claude-tools"),
        (sql, "db.system.name", "microsoft.sql_server"),
        (sql, "db.operation.name", "SELECT"),
        (
            sql,
            "db.query.text",
            "SELECT ProductName FROM Products WHERE ProductID = ?",
        ),
        (sql, "db.response.returned_rows", "1"),
    ] {
        assert_eq!(attribute(span, name).as_deref(), Some(value), "{name}");
    }
    for name in ["mssql_mcp.guest.cpu_us", "mssql_mcp.guest.memory_bytes"] {
        let used: f64 = attribute(guest, name)
            .expect(name)
            .parse()
            .expect("a number");
        assert!(used > 0.0, "{name}");
    }
    let resource = &collector.resource;
    assert_eq!(resource["service.name"], "mssql-mcp");
    assert_eq!(collector.keys, ["let me in"]);

    // The log knows the trace too.
    process.terminate().await;
    let log = site.log();
    let line = log.lines().find(|line| line.contains("tool_call"));
    assert!(line.expect("an audit line").contains(TRACE), "{log}");
    // No literal, no token, nobody.
    let told = format!("{spans:?}");
    for secret in ["= 77", &token, "local"] {
        assert!(!told.contains(secret), "{secret}: {told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_can_name_its_trace_and_failures_are_marked() {
    let mut collector = Collector::start().await;
    let site = Site::new()
        .await
        .with("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url())
        .with("OTEL_SERVICE_NAME", "data")
        // The last spans come when the process stops.
        .with("OTEL_BSP_SCHEDULE_DELAY", "3600000");
    let process = start(&site).await;
    let token = token(&site, &process).await;
    let mut call = execute("SELECT * FROM NoSuchTable");
    call["params"]["_meta"] = json!({"traceparent": format!("00-{OTHER_TRACE}-{PARENT}-01")});
    let reply = post(&process, &token, &call, None).await;
    assert_eq!(reply["result"]["isError"], true, "{reply}");
    process.terminate().await;

    let of_tool = |spans: &[Span]| named(spans, "execute_tool execute_sql").is_some();
    let spans = collector.spans(of_tool).await;
    let mcp = named(&spans, "tools/call execute_sql").expect("a span");
    assert_eq!(hex(&mcp.trace_id), OTHER_TRACE);
    assert_eq!(hex(&mcp.parent_span_id), PARENT);
    let http = spans.iter().find(|span| {
        let links = mcp.links.iter();
        span.name == "POST /{scope}/mcp"
            && links
                .map(|link| &link.span_id)
                .any(|id| *id == span.span_id)
    });
    let http = http.expect("the request is linked");
    assert_ne!(http.trace_id, mcp.trace_id);
    let tool = named(&spans, "execute_tool execute_sql").expect("a span");
    assert_eq!(tool.parent_span_id, mcp.span_id);
    for (span, kind) in [(mcp, "tool_error"), (tool, "server-error")] {
        assert_eq!(attribute(span, "error.type").as_deref(), Some(kind));
        let status = span.status.as_ref().expect("a status");
        assert_eq!(status.code, 2, "{}", span.name);
    }
    assert_eq!(collector.resource["service.name"], "data");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_not_there_is_said_once_and_costs_no_call() {
    let nowhere = free_address().await;
    let site = Site::new()
        .await
        .with("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{nowhere}"))
        .with("OTEL_BSP_SCHEDULE_DELAY", "10");
    let process = start(&site).await;
    let token = token(&site, &process).await;
    let call = execute("SELECT 1 AS one");
    let failed = async {
        loop {
            let reply = post(&process, &token, &call, None).await;
            assert_eq!(reply["result"]["isError"], false, "{reply}");
            let url = format!("http://{}/metrics", process.address);
            let reply = reqwest::get(url).await.expect("the server answers");
            let text = reply.text().await.expect("text");
            let several = text.lines().any(|line| {
                let count = line.strip_prefix("trace_exports_total{outcome=\"failed\"} ");
                count.is_some_and(|count| count.parse::<f64>().expect("a number") >= 3.0)
            });
            if several {
                return;
            }
        }
    };
    timeout(PATIENCE, failed).await.expect("three batches fail");
    process.terminate().await;
    let log = site.log();
    let said = log
        .lines()
        .filter(|line| line.contains("traces are not delivered"));
    assert_eq!(said.count(), 1, "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_collector_there_are_no_traces_and_the_protocol_must_be_ours() {
    let site = Site::new().await.with("OTEL_SERVICE_NAME", "data");
    let process = start(&site).await;
    let token = token(&site, &process).await;
    post(&process, &token, &execute("SELECT 1 AS one"), None).await;
    process.terminate().await;
    assert!(site.log().contains("tool_call"));
    assert!(!site.log().contains("trace_id"), "{}", site.log());

    let site = Site::new()
        .await
        .with("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4317")
        .with("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    let code = site.refused(free_address().await).await;
    assert_eq!(code, 64);
    assert!(site.log().contains("http/protobuf"), "{}", site.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_line_of_a_request_has_its_id_its_scope_and_its_person() {
    let site = Site::new().await.with("LOG_FORMAT", "json");
    let process = start(&site).await;
    let token = token(&site, &process).await;
    post(&process, &token, &execute("SELECT 1 AS one"), None).await;
    process.terminate().await;
    let log = site.log();
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")))
        .collect();
    let call = lines
        .iter()
        .find(|line| line["fields"]["event"] == "tool_call");
    let span = &call.expect("an audit line")["span"];
    assert!(span["request_id"].is_string(), "{span}");
    assert_eq!(span["scope"], "claude", "{span}");
    assert_eq!(span["subject"], "local", "{span}");

    let site = Site::new().await.with("LOG_FORMAT", "xml");
    assert_eq!(site.refused(free_address().await).await, 64);
    assert!(site.log().contains("json or pretty"), "{}", site.log());
}

async fn start(site: &Site) -> Process {
    let store = format!("sqlite:{}", site.path("state.db").display());
    site.start(free_address().await, &store).await
}

async fn token(site: &Site, process: &Process) -> String {
    let issue = ["token", "issue", "--scope", "claude", "--user", "local"];
    let issued = site.ask(process, &issue).await;
    issued["access_token"].as_str().expect("a token").to_owned()
}

fn execute(query: &str) -> Value {
    let params = json!({"name": "execute_sql", "arguments": {"query": query}});
    json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params})
}

async fn post(process: &Process, token: &str, body: &Value, traceparent: Option<&str>) -> Value {
    let url = format!("http://{}/claude/mcp", process.address);
    let Some(traceparent) = traceparent else {
        return McpClient::new(url, Some(token.to_owned()))
            .post(body)
            .await
            .1;
    };
    let request = reqwest::Client::new()
        .post(url)
        .bearer_auth(token)
        .json(body);
    let request = request
        .header("Accept", "application/json, text/event-stream")
        .header("traceparent", traceparent);
    let reply = request.send().await.expect("the server answers");
    reply.json().await.expect("JSON")
}

fn named<'a>(spans: &'a [Span], name: &str) -> Option<&'a Span> {
    spans.iter().find(|span| span.name == name)
}

/// The spans of one call in that trace, each the child of the one before.
fn levels<'a>(spans: &'a [Span], trace: &str) -> Option<[&'a Span; 5]> {
    let child = |of: &Span| {
        let mut of_trace = spans.iter().filter(|span| hex(&span.trace_id) == trace);
        // The statement that asks what the log-in may do is beside the call's own.
        of_trace
            .find(|span| span.parent_span_id == of.span_id && !span.name.starts_with("SELECT ?"))
    };
    let http = spans
        .iter()
        .find(|span| hex(&span.trace_id) == trace && hex(&span.parent_span_id) == PARENT)?;
    let mcp = child(http)?;
    let tool = child(mcp)?;
    let guest = child(tool)?;
    let mut statements = spans
        .iter()
        .filter(|span| span.parent_span_id == guest.span_id);
    let sql = statements.find(|span| span.name == "SELECT Products")?;
    Some([http, mcp, tool, guest, sql])
}

fn attribute(span: &Span, name: &str) -> Option<String> {
    let found = span
        .attributes
        .iter()
        .find(|attribute| attribute.key == name)?;
    text(found.value.as_ref())
}

fn text(value: Option<&AnyValue>) -> Option<String> {
    Some(match value?.value.as_ref()? {
        Attribute::StringValue(text) => text.clone(),
        Attribute::IntValue(number) => number.to_string(),
        other => format!("{other:?}"),
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A receiver of OTLP over HTTP.
struct Collector {
    address: SocketAddr,
    batches: UnboundedReceiver<(ExportTraceServiceRequest, Option<String>)>,
    kept: Vec<Span>,
    /// Of the last batch.
    resource: BTreeMap<String, String>,
    /// What the header `x-key` said.
    keys: Vec<String>,
}

impl Collector {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (sender, batches) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(receive(stream, sender.clone()));
            }
        });
        Self {
            address,
            batches,
            kept: Vec::new(),
            resource: BTreeMap::new(),
            keys: Vec::new(),
        }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What came so far, once it is enough.
    async fn spans(&mut self, enough: impl Fn(&[Span]) -> bool) -> Vec<Span> {
        let come = async {
            while !enough(&self.kept) {
                let (batch, key) = self.batches.recv().await.expect("a receiver");
                for of_resource in batch.resource_spans {
                    let resource = of_resource.resource.unwrap_or_default();
                    self.resource = resource.attributes.into_iter().map(pair).collect();
                    for of_scope in of_resource.scope_spans {
                        self.kept.extend(of_scope.spans);
                    }
                }
                if let Some(key) = key.filter(|key| !self.keys.contains(key)) {
                    self.keys.push(key);
                }
            }
        };
        let come = timeout(PATIENCE, come).await;
        assert!(come.is_ok(), "these came: {:#?}", self.kept);
        self.kept.clone()
    }
}

fn pair(attribute: KeyValue) -> (String, String) {
    let value = text(attribute.value.as_ref()).unwrap_or_default();
    (attribute.key, value)
}

/// Answers requests of one connection, and passes on what they bring.
async fn receive(
    stream: TcpStream,
    batches: UnboundedSender<(ExportTraceServiceRequest, Option<String>)>,
) {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut length, mut key, mut line) = (0, None, String::new());
        loop {
            line.clear();
            if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                return;
            }
            if line.starts_with("POST") {
                assert!(line.starts_with("POST /v1/traces "), "{line}");
            }
            let Some((name, value)) = line.trim_end().split_once(": ") else {
                if line == "\r\n" {
                    break;
                }
                continue;
            };
            match &*name.to_ascii_lowercase() {
                "content-length" => length = value.parse().expect("a number"),
                "content-type" => assert_eq!(value, "application/x-protobuf"),
                "x-key" => key = Some(value.to_owned()),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.expect("a whole body");
        let batch = ExportTraceServiceRequest::decode(&*body).expect("protobuf");
        let reply = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(reply).await.expect("sent");
        // The test may be over.
        let _ = batches.send((batch, key));
    }
}

const PATIENCE: Duration = Duration::from_secs(60);
