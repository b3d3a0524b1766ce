//! Tools that hand the host more than it should take: handles, log lines, cached
//! values, content, questions.

use std::io::Write;

use mssql_mcp_sdk::{
    Ask, Content, Failure, Host, Output, Reply, Sharing, Structured, Tool, ToolInfo,
};
use serde_json::json;

use crate::{Amount, NoArguments, content, text};

tool!(Flood, "flood", NoArguments, |_host, _given| {
    for n in 0..100_000 {
        let _ = writeln!(std::io::stdout(), "line {n} of a flood");
    }
    Ok(text("flooded"))
});

tool!(FloodLog, "flood_log", NoArguments, |_host, _given| {
    for _ in 0..100_000 {
        // One letter: what a line costs is what the host writes around it.
        log("x");
    }
    Ok(text("flooded"))
});

tool!(
    FloodHandles,
    "flood_handles",
    NoArguments,
    |_host, _given| {
        let mut held = 0_u64;
        loop {
            hold_one();
            held += 1;
            if held == 1_000_000 {
                return Ok(text("held a million"));
            }
        }
    }
);

tool!(FloodCache, "flood_cache", Amount, |host, given| {
    let value = vec![7_u8; 1 << 20];
    for n in 0..given.mib {
        host.cache_set(Sharing::PerScope, &format!("key {n}"), &value, u64::MAX);
    }
    Ok(text("cached"))
});

tool!(FloodBlocks, "flood_blocks", NoArguments, |_host, _given| {
    Ok(Reply::Output(Output {
        content: (0..1_000_000)
            .map(|_| Content::Text("x".to_owned()))
            .collect(),
        structured: None,
        meta: None,
    }))
});

tool!(HugeJson, "huge_json", Amount, |_host, given| {
    let json = format!("{{\"a\":\"{}\"}}", "x".repeat(given.mib << 20));
    Ok(Reply::Output(Output {
        content: Vec::new(),
        structured: Some(Structured::Json(json)),
        meta: None,
    }))
});

/// How long a text, in bytes.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Length {
    /// Bytes
    bytes: usize,
}

tool!(Escapes, "escapes", Length, |_host, given| {
    // Each becomes six characters of JSON.
    Ok(content(Content::Text("\u{1}".repeat(given.bytes))))
});

tool!(
    FloodProgress,
    "flood_progress",
    NoArguments,
    |host, _given| {
        for n in 0..1_000_000_u32 {
            host.progress(f64::from(n), None, Some("more"));
        }
        Ok(text("told"))
    }
);

tool!(
    FloodQuestions,
    "flood_questions",
    NoArguments,
    |_host, _given| {
        let mut ask = Ask::new();
        for n in 0..10_000 {
            let schema = json!({"type": "object", "properties": {}});
            ask = ask.form(&n.to_string(), "And this?", &schema);
        }
        Ok(ask.reply())
    }
);

#[cfg(target_family = "wasm")]
fn log(message: &str) {
    use mssql_mcp_sdk::bindings::mssql_mcp::host::log;
    log::log(log::Level::Info, message, &[]);
}

#[cfg(not(target_family = "wasm"))]
fn log(_: &str) {}

/// Takes one handle of the host and never gives it back.
#[cfg(target_family = "wasm")]
fn hold_one() {
    const AN_HOUR: u64 = 3_600_000_000_000;
    std::mem::forget(wasip2::clocks::monotonic_clock::subscribe_duration(AN_HOUR));
}

#[cfg(not(target_family = "wasm"))]
fn hold_one() {}
