//! Real clients against the product: scripts of `tests/outside`, run as
//! programs of their own. A missing program or package is a failure.

mod binary;
mod clients;
mod deployment;
mod deployment_scripts;
mod document;
mod durability;
mod edge;
mod keeping;
mod kit;
mod logs;
mod mcp;
mod nginx;
mod oauth;
mod oidc;
mod operator;
mod oracle;
mod prometheus;
mod redis;
mod tap;
mod tds;
mod tool_sets;
mod traces;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::timeout;

/// Runs a Python script of `tests/outside`.
fn python(script: &str) -> Command {
    let program = installed(".venv/bin/python", ".venv/installed");
    let mut command = Command::new(program);
    command.arg(folder().join(script));
    command
}

/// Runs a Python script of `tests/outside` with version 1 of the SDK.
fn older_python(script: &str) -> Command {
    let program = installed(".venv-1/bin/python", ".venv-1/installed");
    let mut command = Command::new(program);
    command.arg(folder().join(script));
    command
}

/// Runs a Node script of `tests/outside`.
fn node(script: &str) -> Command {
    installed(".", "node_modules/.installed");
    let mut command = Command::new("node");
    command.arg(folder().join(script));
    command
}

/// Runs a Node script of `tests/outside` that wants a newer Node than the
/// machine may have.
fn newer_node(script: &str) -> Command {
    installed(".", "node_modules/.installed");
    let mut command = Command::new(installed(".venv/bin/node", ".venv/installed"));
    command.arg(folder().join(script));
    command
}

/// A file of `tests/outside` that is good once `stamp` is there.
fn installed(file: &str, stamp: &str) -> PathBuf {
    assert!(
        folder().join(stamp).exists(),
        "tests/outside/{stamp} is missing: {INSTALL}"
    );
    folder().join(file)
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("outside")
}

/// Runs a script to its end and prints what it printed; its last line, or
/// panics where it failed.
async fn finish(command: &mut Command, input: &str) -> String {
    match outcome(command, input).await {
        Ok(line) => line,
        Err(reason) => panic!("{reason}"),
    }
}

/// The same, with the failure as a value.
async fn outcome(command: &mut Command, input: &str) -> Result<String, String> {
    let name = format!("{:?}", command.as_std());
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(format!("{name}: no such program; {INSTALL}"));
        }
        Err(error) => return Err(format!("{name}: {error}")),
    };
    let mut stdin = child.stdin.take().expect("a pipe");
    // A script that fails early does not read it all; how it failed says more.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    // A script may be asked to do nothing for a while.
    let idle = std::env::var("IDLE_SECONDS").ok();
    let idle = idle.map_or(0, |seconds| seconds.parse().expect("a number"));
    let patience = PATIENCE + Duration::from_secs(idle);
    let Ok(output) = timeout(patience, child.wait_with_output()).await else {
        return Err(format!("{name}: still running after {patience:?}"));
    };
    let output = output.expect("its output");
    let (printed, complaints) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    print!("{printed}{complaints}");
    if output.status.success() {
        Ok(printed.lines().last().unwrap_or_default().to_owned())
    } else {
        Err(format!(
            "{name}: {}; if a package is missing, {INSTALL}\n{printed}{complaints}",
            output.status
        ))
    }
}

const INSTALL: &str = "run tests/outside/install";
/// Many times what the slowest script takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);
