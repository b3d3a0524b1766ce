//! What the figures are for: ratios of medians, beside what they should be.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// Where criterion keeps its figures.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("criterion")
}

/// Prints the ratios whose figures are there: with a filter, or under
/// `--test`, not all of them are.
pub(crate) fn print() {
    let lines: Vec<String> = RATIOS.iter().filter_map(line).collect();
    if !lines.is_empty() {
        println!("Ratios of medians:\n{}", lines.join("\n"));
    }
}

struct Ratio {
    what: &'static str,
    of: &'static str,
    to: &'static str,
    /// The ratio to reach, where there is one.
    goal: Option<f64>,
}

fn line(ratio: &Ratio) -> Option<String> {
    let (of, to) = (median(ratio.of)?, median(ratio.to)?);
    let goal = ratio
        .goal
        .map_or_else(String::new, |goal| format!(" (goal {goal:.2})"));
    Some(format!(
        "  {:<48} {:>9.3} ms / {:>9.3} ms = {:.3}{goal}",
        ratio.what,
        of / 1e6,
        to / 1e6,
        of / to
    ))
}

/// Nanoseconds.
fn median(benchmark: &str) -> Option<f64> {
    let file = folder().join(benchmark).join("new").join("estimates.json");
    let estimates: Value = serde_json::from_str(&fs::read_to_string(file).ok()?).ok()?;
    estimates["median"]["point_estimate"].as_f64()
}

const RATIOS: [Ratio; 6] = [
    Ratio {
        what: "execute_sql, one row: wasm to native",
        of: "tool_call/wasm",
        to: "tool_call/native",
        goal: Some(1.05),
    },
    Ratio {
        what: "10 000 rows through execute_sql to bare driver",
        of: "rows_10000/through_wasm",
        to: "rows_10000/bare_driver",
        goal: Some(1.15),
    },
    Ratio {
        what: "10 000 rows, structured.rows to bare driver",
        of: "rows_10000/document",
        to: "rows_10000/bare_driver",
        goal: None,
    },
    Ratio {
        what: "10 000 rows, to-json to bare driver",
        of: "rows_10000/to_json",
        to: "rows_10000/bare_driver",
        goal: None,
    },
    Ratio {
        what: "10 000 rows, typed batches to bare driver",
        of: "rows_10000/typed_batches",
        to: "rows_10000/bare_driver",
        goal: None,
    },
    Ratio {
        what: "execute_sql over HTTP, with a token to without",
        of: "http_call/token",
        to: "http_call/open",
        goal: None,
    },
];
