//! The command `mssql-mcp`: arguments to command, errors to exit codes.

use std::process;
use std::time::Duration;

use clap::Parser;
use mssql_mcp::cli::{Arguments, ExitCode};
use mssql_mcp::runtime::{COMPILE_COMMAND, compile_here};
use mssql_mcp::telemetry::{self, StartError};

fn main() -> process::ExitCode {
    let mut raw = std::env::args().skip(1);
    if raw.next().is_some_and(|first| first == COMPILE_COMMAND) {
        return compile_here(raw).into();
    }
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are errors to clap, and go to stdout.
            let _ = error.print();
            let code = if error.use_stderr() {
                ExitCode::Usage
            } else {
                ExitCode::Done
            };
            return (code as u8).into();
        }
    };
    let runtime = tokio::runtime::Runtime::new();
    let handle = runtime
        .as_ref()
        .ok()
        .map(|runtime| runtime.handle().clone());
    let handle = handle.filter(|_| arguments.is_traced());
    let traces = match telemetry::start_log(arguments.log_style(), handle) {
        Ok(traces) => traces,
        Err(StartError::Log(_)) => return (ExitCode::Software as u8).into(),
        Err(error) => {
            tracing::error!("{error}");
            return (ExitCode::Usage as u8).into();
        }
    };
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "the machine gives no threads");
            return (ExitCode::Unavailable as u8).into();
        }
    };
    let result = runtime.block_on(arguments.run());
    if let Some(traces) = traces {
        traces.stop();
    }
    // A statement of the embedded database may still run on a thread that
    // nothing can interrupt.
    runtime.shutdown_timeout(LAST_THREADS);
    match result {
        Ok(()) => (ExitCode::Done as u8).into(),
        Err(error) => {
            // Every message holds that of its source already.
            tracing::error!("{error}");
            (ExitCode::of(&error) as u8).into()
        }
    }
}

/// How long the process waits for its threads when all else has ended.
const LAST_THREADS: Duration = Duration::from_secs(1);
