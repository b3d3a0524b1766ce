//! `mssql-mcp plugin call`: one call, as a client would make it, with its bill.

use std::path::Path;

use anyhow::Context as _;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::workbench::{BenchArguments, Outcome, Workbench};
use crate::cli::exit::{NothingDone, UsageError, print};
use crate::tools::{Bill, Content};

pub(super) async fn run(
    file: &Path,
    tool: &str,
    arguments: &str,
    answers: &[(String, Value)],
    bench: &BenchArguments,
) -> anyhow::Result<()> {
    let arguments: Box<RawValue> = serde_json::from_str(arguments)
        .map_err(|error| UsageError(format!("the arguments are not JSON: {error}")))?;
    let answers: Map<String, Value> = answers.iter().cloned().collect();
    let workbench = Workbench::set(file, bench).await?;
    let called = workbench.call(tool, &arguments, &answers).await?;
    let bill = called.bill.as_ref().map(written);
    match called.outcome {
        Outcome::Output(output) => {
            if let Some(structured) = &output.structured {
                print(structured.get())?;
            }
            for content in &output.content {
                print(&item(content))?;
            }
        }
        Outcome::Failed(error) => {
            if let Some(bill) = bill {
                print(&bill)?;
            }
            let error = serde_json::to_string(&error).context("an error as JSON")?;
            return Err(NothingDone(error).into());
        }
        Outcome::Asks(question) => {
            print("It asks:")?;
            for request in &question.requests {
                let method = request.method.as_str();
                print(&format!("  {}  {method} {}", request.key, request.params))?;
            }
            print(
                "Answer with --answer 'KEY={\"action\": \"accept\", \"content\": {…}}', once for \
                 each.",
            )?;
        }
    }
    bill.map_or(Ok(()), |bill| print(&bill))
}

fn item(content: &Content) -> String {
    match content {
        Content::Text(text) => text.clone(),
        Content::Image(blob) | Content::Audio(blob) => {
            format!("[{}, {} bytes]", blob.mime_type, blob.data.len())
        }
        Content::Link { uri, name, .. } => format!("[{name}] {uri}"),
        Content::Raw(json) => json.get().to_owned(),
    }
}

/// The bill on one line.
pub(super) fn written(bill: &Bill) -> String {
    format!(
        "-- {} wall, {} CPU, {} database, {} instance, {:.1} MiB memory, {} rows",
        time(bill.wall_us),
        time(bill.cpu_us),
        time(bill.database_us),
        time(bill.instantiation_us),
        mebibytes(bill.memory_bytes),
        bill.rows,
    )
}

/// Microseconds, in the unit that fits.
pub(super) fn time(microseconds: u64) -> String {
    match microseconds {
        0..1_000 => format!("{microseconds} µs"),
        1_000..1_000_000 => format!("{:.1} ms", fraction(microseconds, 1_000)),
        _ => format!("{:.2} s", fraction(microseconds, 1_000_000)),
    }
}

/// Bytes in MiB.
pub(super) fn mebibytes(bytes: u64) -> f64 {
    fraction(bytes, 1 << 20)
}

#[expect(clippy::cast_precision_loss, reason = "it is rounded to two digits")]
fn fraction(value: u64, unit: u64) -> f64 {
    value as f64 / unit as f64
}
