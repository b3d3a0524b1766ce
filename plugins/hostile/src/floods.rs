//! Tools that hand the host more than it should take: handles, log lines, cached
//! values, content, questions, results that are small as text.

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

/// A result of many small objects, each of which takes the host a hundred times its text.
pub(crate) struct FloodMaps;

impl<H: Host> Tool<H> for FloodMaps {
    const NAME: &'static str = "flood_maps";
    type Arguments = Length;

    fn info(&self) -> ToolInfo {
        ToolInfo::reading("flood_maps", "Hostile: flood_maps")
            .returns_schema(r#"{"type":"object"}"#)
    }

    fn call(&self, _: &H, given: Length) -> Result<Reply<H::Cursor>, Failure> {
        Ok(list_of(r#"{"":0}"#, given.bytes))
    }
}

/// A result of many numbers, each of which its schema looks at 900 times.
pub(crate) struct FloodChecks;

impl<H: Host> Tool<H> for FloodChecks {
    const NAME: &'static str = "flood_checks";
    type Arguments = Length;

    fn info(&self) -> ToolInfo {
        let checks: Vec<_> = (0..900).map(|n| json!({"minimum": -n})).collect();
        let schema = json!({
            "type": "object", "properties": {"a": {"items": {"allOf": checks}}}
        });
        ToolInfo::reading("flood_checks", "Hostile: flood_checks")
            .returns_schema(schema.to_string())
    }

    fn call(&self, _: &H, given: Length) -> Result<Reply<H::Cursor>, Failure> {
        Ok(list_of("0", given.bytes))
    }
}

/// A result with a list of so many bytes.
fn list_of<C>(item: &str, bytes: usize) -> Reply<C> {
    let items = vec![item; bytes / (item.len() + 1)];
    Reply::json_text(format!("{{\"a\":[{}]}}", items.join(",")))
}

tool!(
    FloodStreams,
    "flood_streams",
    NoArguments,
    |_host, _given| flood_streams()
);

/// Keeps a stream full for every core that a machine may have.
#[cfg(target_family = "wasm")]
fn flood_streams() -> ! {
    let streams: Vec<_> = (0..64).map(|_| wasip2::cli::stdout::get_stdout()).collect();
    loop {
        for stream in &streams {
            let room = stream.check_write().unwrap_or(0);
            let lines = vec![b'\n'; usize::try_from(room).unwrap_or(0)];
            let _ = stream.write(&lines);
        }
    }
}

#[cfg(not(target_family = "wasm"))]
fn flood_streams() -> ! {
    crate::spin()
}

/// Takes one handle of the host and never gives it back.
#[cfg(target_family = "wasm")]
fn hold_one() {
    const AN_HOUR: u64 = 3_600_000_000_000;
    std::mem::forget(wasip2::clocks::monotonic_clock::subscribe_duration(AN_HOUR));
}

#[cfg(not(target_family = "wasm"))]
fn hold_one() {}
