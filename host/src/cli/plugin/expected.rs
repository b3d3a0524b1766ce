//! `expected.toml`: calls of a tool set and what must come of them.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use bytesize::ByteSize;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::cli::exit::UsageError;
use crate::tools::{Bill, Content, microseconds};

use super::workbench::{Called, Outcome};

/// The file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expected {
    /// What `config.get` answers.
    #[serde(default)]
    pub(super) settings: BTreeMap<String, String>,
    /// Ceilings of every call.
    #[serde(default)]
    pub(super) limits: Ceilings,
    /// The calls, in order.
    #[serde(default, rename = "call")]
    pub(super) calls: Vec<ExpectedCall>,
}

/// One call.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExpectedCall {
    /// What it shows.
    pub(super) name: Option<String>,
    pub(super) tool: String,
    #[serde(default)]
    pub(super) arguments: Map<String, Value>,
    /// What the person answers, by key.
    #[serde(default)]
    pub(super) answers: Map<String, Value>,
    /// Must be part of the structured result.
    structured: Option<Value>,
    /// Must be part of the text.
    text: Option<String>,
    /// The code of the error it must end with.
    error: Option<String>,
    /// Least number of reports of progress.
    progress: Option<usize>,
    #[serde(default)]
    limits: Ceilings,
}

/// What a call may cost.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Ceilings {
    #[serde(with = "humantime_serde")]
    cpu: Option<Duration>,
    #[serde(with = "humantime_serde")]
    wall: Option<Duration>,
    memory: Option<ByteSize>,
}

impl Expected {
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| UsageError(format!("{} cannot be read: {error}", path.display())))?;
        let expected: Self = toml::from_str(&text)
            .map_err(|error| UsageError(format!("{}: {error}", path.display())))?;
        if expected.calls.is_empty() {
            let path = path.display();
            return Err(UsageError(format!("{path} has no [[call]]: nothing is tested")).into());
        }
        Ok(expected)
    }
}

impl ExpectedCall {
    /// What is not as expected, a sentence each.
    pub(super) fn faults(&self, called: &Called, usual: Ceilings) -> Vec<String> {
        let mut faults = match &called.outcome {
            Outcome::Output(output) => {
                let structured = output.structured.as_ref().map(crate::tools::Json::get);
                let text = output.content.iter().filter_map(|content| match content {
                    Content::Text(text) => Some(text.as_str()),
                    _ => None,
                });
                let text = text.chain(structured).collect::<Vec<_>>().join("\n");
                self.of_output(structured, &text)
            }
            Outcome::Failed(failed) if self.error.as_deref() == Some(failed.code) => Vec::new(),
            Outcome::Failed(failed) => vec![format!("it failed: {failed}")],
            // What a client gets that cannot pass the question on.
            Outcome::Asks(_)
                if self.answers.is_empty() && self.error.as_deref() == Some("unsupported") =>
            {
                Vec::new()
            }
            Outcome::Asks(question) => {
                let keys = question.requests.iter().map(|request| &*request.key);
                let keys: Vec<&str> = keys.collect();
                vec![format!("it asks {}; give answers", keys.join(", "))]
            }
        };
        if let Some(least) = self.progress.filter(|least| called.progress < *least) {
            faults.push(format!(
                "it reported progress {} times, expected {least}",
                called.progress
            ));
        }
        if let Some(bill) = &called.bill {
            faults.extend(usual.faults(bill));
            faults.extend(self.limits.faults(bill));
        }
        faults
    }

    fn of_output(&self, structured: Option<&str>, text: &str) -> Vec<String> {
        let mut faults = Vec::new();
        if let Some(code) = &self.error {
            faults.push(format!("it did not fail with {code}"));
        }
        if let Some(expected) = &self.structured {
            match structured.and_then(|json| serde_json::from_str::<Value>(json).ok()) {
                Some(found) => contains("", expected, &found, &mut faults),
                None => faults.push("it has no structured result".to_owned()),
            }
        }
        if let Some(expected) = self
            .text
            .as_ref()
            .filter(|expected| !text.contains(*expected))
        {
            faults.push(format!("its text does not hold {expected:?}"));
        }
        faults
    }
}

impl Ceilings {
    fn faults(self, bill: &Bill) -> Vec<String> {
        let time = |what: &str, limit: Option<Duration>, used: u64| {
            let limit = limit.filter(|limit| used > microseconds(*limit))?;
            Some(format!("it used {used} µs of {what}, more than {limit:?}"))
        };
        let memory = self
            .memory
            .filter(|limit| bill.memory_bytes > limit.as_u64());
        let memory = memory.map(|limit| {
            format!(
                "it used {} bytes of memory, more than {limit}",
                bill.memory_bytes
            )
        });
        [
            time("CPU", self.cpu, bill.cpu_us),
            time("time", self.wall, bill.wall_us),
            memory,
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// Names what of `expected` is not in `found`: members of objects must be there,
/// arrays and all else must be equal element by element.
fn contains(path: &str, expected: &Value, found: &Value, faults: &mut Vec<String>) {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            for (name, expected) in expected {
                let path = format!("{path}.{name}");
                match found.get(name) {
                    Some(found) => contains(&path, expected, found, faults),
                    None => faults.push(format!("{} is missing", shown(&path))),
                }
            }
        }
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
            for (at, (expected, found)) in expected.iter().zip(found).enumerate() {
                contains(&format!("{path}[{at}]"), expected, found, faults);
            }
        }
        (Value::Array(expected), Value::Array(found)) => faults.push(format!(
            "{} has {} elements, expected {}",
            shown(path),
            found.len(),
            expected.len()
        )),
        (Value::Number(one), Value::Number(other)) if one.as_f64() == other.as_f64() => {}
        (expected, found) if expected != found => {
            faults.push(format!("{} is {found}, expected {expected}", shown(path)));
        }
        _ => {}
    }
}

fn shown(path: &str) -> &str {
    match path.trim_start_matches('.') {
        "" => "the result",
        path => path,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_expected_must_be_part_of_what_came() {
        let faults = |expected: Value, found: Value| {
            let mut faults = Vec::new();
            contains("", &expected, &found, &mut faults);
            faults
        };
        let found = json!({"rows": [{"a": 1, "b": 2}, {"a": 2, "b": 3}], "count": 2, "x": null});
        for good in [
            json!({}),
            json!({"count": 2}),
            json!({"count": 2.0}),
            json!({"rows": [{"a": 1}, {}]}),
        ] {
            assert_eq!(faults(good, found.clone()), Vec::<String>::new());
        }
        for (bad, said) in [
            (json!({"count": 3}), "count is 2, expected 3"),
            (
                json!({"rows": [{"a": 1}]}),
                "rows has 2 elements, expected 1",
            ),
            (
                json!({"rows": [{}, {"a": 1}]}),
                "rows[1].a is 2, expected 1",
            ),
            (json!({"y": 1}), "y is missing"),
            (json!([1]), "the result is"),
        ] {
            let faults = faults(bad, found.clone());
            assert!(
                faults.len() == 1 && faults[0].starts_with(said),
                "{faults:?}"
            );
        }
    }
}
