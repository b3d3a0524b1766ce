//! The load test: 1, 10 and 100 clients that call tools without a pause, over HTTP.
//! `just load` starts the product with the sample company for it; `just load --url
//! URL --token TOKEN` goes to one that runs.

mod figures;
mod site;

use std::time::{Duration, Instant};

use clap::Parser;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use figures::{Figures, Outcome};
use site::Site;

#[derive(Parser)]
struct Arguments {
    /// Address of an MCP endpoint that runs, such as https://data.example.com/demo/mcp
    #[arg(long)]
    url: Option<String>,
    /// An access token of it; all clients use the one
    #[arg(long, env = "LOAD_TOKEN", requires = "url")]
    token: Option<String>,
    /// The program to start where no address is given; without it that of this build
    #[arg(long)]
    program: Option<std::path::PathBuf>,
    /// Numbers of clients
    #[arg(long, value_delimiter = ',', default_value = "1,10,100")]
    clients: Vec<usize>,
    /// Calls for each number of clients, shared among them
    #[arg(long, default_value_t = 4_000)]
    calls: usize,
    /// What `cargo test` and `cargo bench` add
    #[arg(long, hide = true)]
    bench: bool,
    /// As few as show that it runs
    #[arg(long, hide = true)]
    test: bool,
}

fn main() {
    let mut arguments = Arguments::parse();
    if arguments.test {
        (arguments.clients, arguments.calls) = (vec![1, 10], 80);
    }
    let runtime = Runtime::new().expect("a runtime");
    runtime.block_on(run(arguments));
}

async fn run(arguments: Arguments) {
    integration_tests::prepare_clients();
    let most = arguments.clients.iter().copied().max().unwrap_or_default();
    let site = match &arguments.url {
        Some(url) => Site::running(url, arguments.token.clone()),
        None => Site::start(arguments.program.as_deref(), most).await,
    };
    println!("{}", figures::HEAD);
    let mut of_tools = Figures::default();
    for count in arguments.clients {
        let figures = load(&site, count, arguments.calls).await;
        println!("{}", figures.row(&count.to_string()));
        of_tools.add(&figures);
    }
    println!("\n{}", figures::TOOLS_HEAD);
    for (tool, figures) in of_tools.by_tool() {
        println!("{}", figures.row(&tool));
    }
    for (code, count) in of_tools.failures() {
        println!("\nfailed with {code}: {count}");
    }
}

/// So many clients, each with a connection of its own and one call after the other.
async fn load(site: &Site, count: usize, calls: usize) -> Figures {
    let each = calls.div_ceil(count).max(CALLS.len());
    let clients: Vec<Client> = (0..count).map(|number| Client::new(site, number)).collect();
    // Connections, sessions of the database and code are warm when it counts.
    let mut warm = JoinSet::new();
    for client in clients {
        warm.spawn(async move {
            client.initialize().await;
            for number in 0..CALLS.len() {
                client.call(number).await;
            }
            client
        });
    }
    let clients = warm.join_all().await;
    let began = Instant::now();
    let mut working = JoinSet::new();
    for (offset, client) in clients.into_iter().enumerate() {
        working.spawn(async move {
            let mut outcomes = Vec::with_capacity(each);
            for number in 0..each {
                outcomes.push(client.call(offset + number).await);
            }
            outcomes
        });
    }
    let outcomes = working.join_all().await;
    Figures::new(outcomes.into_iter().flatten().collect(), began.elapsed())
}

/// What clients call, in turn: the tools of Claude, and the customer's queries of
/// ChatGPT's `search`.
const CALLS: [(&str, &str); 8] = [
    ("list_tables", "{}"),
    ("search", r#"{"query":"list tables"}"#),
    ("describe_table", r#"{"table_name":"Customers"}"#),
    ("search", r#"{"query":"describe Customers"}"#),
    ("get_table_sample", r#"{"table_name":"Orders","limit":10}"#),
    ("search", r#"{"query":"sample Orders limit 10"}"#),
    ("execute_sql", r#"{"query":"SELECT TOP 5 * FROM Products"}"#),
    ("search", r#"{"query":"SELECT TOP 5 * FROM Products"}"#),
];

struct Client {
    http: reqwest::Client,
    url: String,
    token: Option<String>,
}

impl Client {
    fn new(site: &Site, number: usize) -> Self {
        let http = reqwest::Client::builder().timeout(PATIENCE).build();
        Self {
            http: http.expect("a client"),
            url: site.url.clone(),
            token: site.token(number),
        }
    }

    async fn initialize(&self) {
        let info = json!({"name": "load", "version": "1"});
        let params = json!({"protocolVersion": VERSION, "capabilities": {}, "clientInfo": info});
        let reply = self.post("initialize", params).await;
        if let Err(code) = reply {
            panic!("{} does not begin a session: {code}", self.url);
        }
    }

    async fn call(&self, number: usize) -> Outcome {
        let (tool, arguments) = CALLS[number % CALLS.len()];
        let arguments: Value = serde_json::from_str(arguments).expect("JSON");
        let began = Instant::now();
        let reply = self
            .post("tools/call", json!({"name": tool, "arguments": arguments}))
            .await;
        Outcome {
            tool,
            took: began.elapsed(),
            failed: reply.err(),
        }
    }

    /// The result has come to its last byte; or a code that says why there is none.
    async fn post(&self, method: &str, params: Value) -> Result<(), String> {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let mut request = self.http.post(&self.url).json(&body);
        request = request.header("Accept", "application/json, text/event-stream");
        request = request.header("MCP-Protocol-Version", VERSION);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let broken = |error: reqwest::Error| match error.is_timeout() {
            true => "no answer in time".to_owned(),
            false => "broken connection".to_owned(),
        };
        let response = request.send().await.map_err(broken)?;
        let status = response.status();
        let body = response.bytes().await.map_err(broken)?;
        if !status.is_success() {
            return Err(format!("HTTP {}", status.as_u16()));
        }
        let reply: Value = serde_json::from_slice(&body).map_err(|_| "no JSON".to_owned())?;
        if let Some(error) = reply.get("error") {
            return Err(format!("JSON-RPC {}", error["code"]));
        }
        let result = &reply["result"];
        if result["isError"] == json!(true) {
            let text = result["content"][0]["text"].as_str().unwrap_or_default();
            let error: Value = serde_json::from_str(text).unwrap_or_default();
            return Err(error["code"].as_str().unwrap_or("an error").to_owned());
        }
        Ok(())
    }
}

const VERSION: &str = "2025-06-18";
const PATIENCE: Duration = Duration::from_secs(60);
