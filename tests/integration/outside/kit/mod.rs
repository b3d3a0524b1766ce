//! What people who write tool sets do: build with the project's own `./build`, test
//! natively, and check, inspect and test the component with the program.

mod guide;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::process::Command;
use tokio::time::timeout;

use super::{INSTALL, binary, installed};

#[tokio::test(flavor = "multi_thread")]
async fn the_example_in_rust_is_as_it_says() {
    // What is tested natively is a member of the workspace.
    example("rust", "customer-desk", "find_orders", None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_in_python_is_as_it_says() {
    example("python", "sales-desk", "orders_of", Some(&["./test"])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_in_javascript_is_as_it_says() {
    let tests = ["node", "--test"];
    example("javascript", "order-desk", "orders_between", Some(&tests)).await;
}

async fn example(language: &str, name: &str, tool: &str, tests: Option<&[&str]>) {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins/examples");
    let project = Project::at(examples.join(language), name).await;
    project.run(&["./build"]).await;
    if let Some(tests) = tests {
        project.run(tests).await;
    }
    project.plugin("check", &[]).await;
    let inspected = project.plugin("inspect", &["--json"]).await;
    let inspected: Value = serde_json::from_str(&inspected).expect("JSON");
    assert!(
        inspected.to_string().contains(&format!("{tool:?}")),
        "{inspected}"
    );
    let said = project.plugin("test", &[]).await;
    assert!(said.ends_with("all as expected"), "{said}");
}

/// A folder in which a tool set is written.
struct Project {
    program: &'static Path,
    folder: PathBuf,
    wasm: String,
}

impl Project {
    async fn at(folder: PathBuf, name: &str) -> Self {
        Self {
            program: binary::binary().await,
            folder,
            wasm: format!("dist/{name}.wasm"),
        }
    }

    /// Runs a command to its good end; what it printed.
    async fn run(&self, words: &[&str]) -> String {
        finished(self.command(words)).await
    }

    /// Runs `mssql-mcp plugin WHAT dist/NAME.wasm ARGUMENTS`.
    async fn plugin(&self, what: &str, arguments: &[&str]) -> String {
        let mut command = self.command(&[self.program.to_str().expect("a path in Unicode")]);
        command.args(["plugin", what, &self.wasm]).args(arguments);
        finished(command).await
    }

    /// A command in the folder, which installs what `tests/outside/install` fetched.
    /// `cargo test` compiles for all projects in one place.
    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).current_dir(&self.folder);
        quiet(&mut command);
        command
            .env("PIP_NO_INDEX", "1")
            .env("PIP_FIND_LINKS", installed(".wheels", ".wheels/installed"))
            .env("npm_config_offline", "true")
            .env("npm_config_cache", installed(".npm", ".npm/installed"))
            .env("CARGO_NET_OFFLINE", "true")
            .env(
                "CARGO_TARGET_DIR",
                concat!(env!("CARGO_TARGET_TMPDIR"), "/rust"),
            );
        command
    }
}

async fn finished(mut command: Command) -> String {
    command.stdin(Stdio::null()).kill_on_drop(true);
    let name = format!("{:?}", command.as_std());
    let output = timeout(PATIENCE, command.output()).await;
    let output = output.unwrap_or_else(|_| panic!("{name}: still running after {PATIENCE:?}"));
    let output = output.unwrap_or_else(|error| panic!("{name}: {error}; {INSTALL}"));
    let printed = String::from_utf8_lossy(&output.stdout);
    print!("{printed}{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{name}: {}", output.status);
    printed.trim_end().to_owned()
}

/// What the program compiled and knows is kept for the next test; it tells nothing
/// but what is wrong.
fn quiet(command: &mut Command) {
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR"));
    command
        .env("LOG_LEVEL", "warn")
        .env("XDG_CACHE_HOME", kept.join("cache"))
        .env("XDG_STATE_HOME", kept.join("state"));
}

/// How long something takes, and what came of it.
async fn timed<T>(work: impl Future<Output = T>) -> (Duration, T) {
    let started = Instant::now();
    let done = work.await;
    (started.elapsed(), done)
}

/// Many times what a first build in Rust takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(600);
