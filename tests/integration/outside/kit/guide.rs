//! The first part of `docs/writing-a-tool-set.md`, followed to the letter in each
//! language, from nothing to a tool that was changed while it served. What it takes is
//! printed; the guide's table has it from here.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use integration_tests::McpClient;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use super::{PATIENCE, Project, binary, quiet, timed};

#[tokio::test(flavor = "multi_thread")]
async fn ten_minutes_are_enough_in_each_language() {
    integration_tests::prepare_clients();
    for way in [JAVASCRIPT, PYTHON, RUST] {
        let took = way.follow().await;
        let all: Duration = took.iter().map(|(_, took)| *took).sum();
        println!("{}: {:.1} s in all", way.language, all.as_secs_f64());
        for (step, took) in took {
            println!("  {:>6.1} s  {step}", took.as_secs_f64());
        }
        assert!(all < TEN_MINUTES, "{}: {all:?}", way.language);
    }
}

/// What differs between the languages.
struct Way {
    language: &'static str,
    tests: &'static [&'static str],
    /// The change that the guide tells: where, what, and what it becomes.
    change: (&'static str, &'static str, &'static str),
}

const RUST: Way = Way {
    language: "rust",
    tests: &["cargo", "test", "--quiet"],
    change: ("src/orders_of.rs", "s.Subtotal ", "s.Subtotal, o.ShipVia "),
};
const PYTHON: Way = Way {
    language: "python",
    tests: &["python3", "-m", "unittest"],
    change: (
        "tools.py",
        "ShipCountry, Freight\n",
        "ShipCountry, Freight, ShipVia\n",
    ),
};
const JAVASCRIPT: Way = Way {
    language: "javascript",
    tests: &["npm", "test"],
    change: (
        "tools.js",
        "ShipCountry, Freight\n",
        "ShipCountry, Freight, ShipVia\n",
    ),
};

const NAME: &str = "order-watch";

impl Way {
    async fn follow(&self) -> Vec<(&'static str, Duration)> {
        let parent = tempfile::tempdir().expect("a folder");
        let mut took = Vec::new();
        let mut took = |step, (time, said): (Duration, String)| {
            took.push((step, time));
            (said, took.clone())
        };
        let home = Project::at(parent.path().to_owned(), NAME).await;
        let program = home.program.to_str().expect("a path in Unicode");
        let new = [program, "plugin", "new", NAME, "--lang", self.language];
        took("plugin new", timed(home.run(&new)).await);

        let project = Project::at(parent.path().join(NAME), NAME).await;
        took("first ./build", timed(project.run(&["./build"])).await);
        took("plugin check", timed(project.plugin("check", &[])).await);
        let call = ["orders_of", CUSTOMER];
        took("plugin call", timed(project.plugin("call", &call)).await);
        let (said, _) = took("plugin test", timed(project.plugin("test", &[])).await);
        assert!(said.ends_with("all as expected"), "{said}");
        took("native tests", timed(project.run(self.tests)).await);

        let (ready, mut demo) = timed(Demo::start()).await;
        took("demo is ready", (ready, String::new()));
        let client = McpClient::new(format!("http://{}/demo/mcp", demo.address), None);
        let copied = demo.copy(&project);
        let listed = async || client.tools().await.contains(&"orders_of".to_owned());
        took(
            "from the copy to tools/list",
            (until(listed, copied).await, String::new()),
        );
        assert!(!has_column(&client).await);

        self.make_the_change(&project.folder);
        took("next ./build", timed(project.run(&["./build"])).await);
        let copied = demo.copy(&project);
        let answers = async || has_column(&client).await;
        let (_, took) = took(
            "from the copy to the new column",
            (until(answers, copied).await, String::new()),
        );
        demo.process.kill().await.expect("it was running");
        took
    }

    fn make_the_change(&self, folder: &Path) {
        let (file, before, after) = self.change;
        let path = folder.join(file);
        let text = fs::read_to_string(&path).expect("the source");
        assert_eq!(text.matches(before).count(), 1, "{file}: {before:?}");
        fs::write(path, text.replace(before, after)).expect("the source");
    }
}

async fn has_column(client: &McpClient) -> bool {
    let arguments: Value = serde_json::from_str(CUSTOMER).expect("JSON");
    let called = client.call("orders_of", arguments).await;
    let row = &called.structured()["results"][0];
    assert_ne!(row["OrderID"], json!(null), "{row}");
    row.get("ShipVia").is_some()
}

/// Asks again and again, as no client has to; how long after `since` it was so.
async fn until(holds: impl AsyncFn() -> bool, since: Instant) -> Duration {
    let asked = async {
        while !holds().await {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, asked).await.expect("it comes true");
    since.elapsed()
}

/// `mssql-mcp demo --no-auth`
struct Demo {
    address: SocketAddr,
    /// What it printed after "Tool sets".
    folder: PathBuf,
    process: Child,
}

impl Demo {
    async fn start() -> Self {
        let address = binary::free_address().await;
        let mut command = Command::new(binary::binary().await);
        quiet(&mut command);
        let mut process = command
            .args(["demo", "--no-auth", "--listen", &address.to_string()])
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("mssql-mcp starts");
        let mut printed = BufReader::new(process.stdout.take().expect("a pipe")).lines();
        let folder = async {
            loop {
                let line = printed.next_line().await.expect("its output");
                if line.expect("the folder").starts_with("Tool sets") {
                    let folder = printed.next_line().await.expect("its output");
                    return PathBuf::from(folder.expect("the folder").trim());
                }
            }
        };
        let folder = timeout(PATIENCE, folder).await.expect("it is ready");
        tokio::spawn(async move { while let Ok(Some(_)) = printed.next_line().await {} });
        Self {
            address,
            folder,
            process,
        }
    }

    /// `cp dist/NAME.wasm FOLDER`; when that was.
    fn copy(&self, project: &Project) -> Instant {
        let to = self.folder.join(NAME).with_extension("wasm");
        fs::copy(project.folder.join(&project.wasm), to).expect("a copy");
        Instant::now()
    }
}

const TEN_MINUTES: Duration = Duration::from_secs(600);
const CUSTOMER: &str = r#"{"customer": "ADLEB"}"#;
