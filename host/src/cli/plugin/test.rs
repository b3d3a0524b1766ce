//! `mssql-mcp plugin test`: the calls of `expected.toml`, on the database and under
//! the limits that the component is to serve with.

use std::path::{Path, PathBuf};

use serde_json::Value;
use serde_json::value::to_raw_value;

use super::call::written;
use super::expected::Expected;
use super::workbench::{BenchArguments, Workbench};
use crate::cli::exit::{NothingDone, UsageError, print};

pub(super) async fn run(
    file: &Path,
    expected: Option<&Path>,
    bench: &BenchArguments,
) -> anyhow::Result<()> {
    let path = match expected {
        Some(path) => path.to_owned(),
        None => beside(file)?,
    };
    let expected = Expected::read(&path)?;
    let mut bench = bench.clone();
    let own = expected.settings.clone().into_iter();
    // What is said on the command line wins.
    bench.settings = own.chain(bench.settings).collect();
    let workbench = Workbench::set(file, &bench).await?;
    let mut failed = 0;
    for call in &expected.calls {
        let arguments = to_raw_value(&Value::Object(call.arguments.clone()))?;
        let called = workbench
            .call(&call.tool, &arguments, &call.answers)
            .await?;
        let faults = call.faults(&called, expected.limits);
        let name = match &call.name {
            Some(name) => format!("{}: {name}", call.tool),
            None => call.tool.clone(),
        };
        let word = if faults.is_empty() { "ok" } else { "FAILED" };
        let bill = called.bill.as_ref().map(written).unwrap_or_default();
        print(&format!("{word}  {name}  {bill}"))?;
        for fault in &faults {
            print(&format!("    {fault}"))?;
        }
        failed += usize::from(!faults.is_empty());
    }
    let all = expected.calls.len();
    if failed > 0 {
        return Err(NothingDone(format!("{failed} of {all} calls are not as expected")).into());
    }
    print(&format!("{all} calls, all as expected"))
}

/// `expected.toml` in the folder of the file or the one above, which is where
/// `plugin new` has it.
fn beside(file: &Path) -> Result<PathBuf, UsageError> {
    let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let mut candidates = file.ancestors().skip(1).take(2);
    candidates
        .find_map(|folder| Some(folder.join(NAME)).filter(|path| path.is_file()))
        .ok_or_else(|| {
            UsageError(format!(
                "there is no {NAME} beside {}; name one with --expect FILE",
                file.display()
            ))
        })
}

const NAME: &str = "expected.toml";
