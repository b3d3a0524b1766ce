//! What it says of itself where the setting `lie` asks for it: manifests that no
//! host should serve.

use mssql_mcp_sdk::{Access, Annotations, Failure, Host, Reply, ToolEntry, ToolSet, UntypedTool};

/// A tool of any name and schema that is not there when it is called.
struct Ghost {
    name: String,
    description: String,
    schema: String,
    access: Access,
}

impl Ghost {
    fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            description: "Hostile: not there".to_owned(),
            schema: r#"{"type":"object"}"#.to_owned(),
            access: Access::Read,
        }
    }

    fn with_schema(name: &str, schema: impl Into<String>) -> Self {
        Self {
            schema: schema.into(),
            ..Self::named(name)
        }
    }
}

impl<H: Host> UntypedTool<H> for Ghost {
    fn name(&self) -> &str {
        &self.name
    }

    fn describe(&self) -> ToolEntry {
        ToolEntry {
            name: self.name.clone(),
            title: None,
            description: self.description.clone(),
            access: self.access,
            input_schema: self.schema.clone(),
            output: None,
            annotations: Annotations {
                read_only: Some(true),
                destructive: Some(false),
                idempotent: Some(true),
                open_world: Some(false),
            },
            icons: Vec::new(),
            meta: None,
        }
    }

    fn call_json(&self, _: &H, _: &str) -> Result<Reply<H::Cursor>, Failure> {
        Err(Failure::UnknownTool)
    }
}

/// The same set with a tool in the manifest that it does not have.
pub(crate) fn haunted<H: Host + 'static>(tools: ToolSet<H>) -> ToolSet<H> {
    tools.untyped_tool(Ghost::named("ghost"))
}

/// The lie that the setting asks for, if it does.
pub(crate) fn told<H: Host + 'static>() -> Option<ToolSet<H>> {
    let tools = ToolSet::new("liar", "1.0.0");
    Some(match asked()?.as_str() {
        "schema" => tools.untyped_tool(Ghost::with_schema(
            "odd",
            r#"{"type":"object","properties":{"a":{"type":"no such type"}}}"#,
        )),
        "remote" => tools.untyped_tool(Ghost::with_schema(
            "odd",
            r#"{"type":"object","properties":{"a":{"$ref":"http://169.254.169.254/latest"}}}"#,
        )),
        "deep" => tools.untyped_tool(Ghost::with_schema(
            "odd",
            format!(
                r#"{{"type":"object","not":{}{{}}{}}}"#,
                r#"{"not":"#.repeat(5_000),
                "}".repeat(5_000)
            ),
        )),
        "doubling" => tools.untyped_tool(Ghost::with_schema("odd", doubling())),
        "circle" => tools.untyped_tool(Ghost::with_schema(
            "odd",
            r##"{"type":"object","allOf":[{"$ref":"#"}]}"##,
        )),
        "writes" => tools.untyped_tool(Ghost {
            access: Access::Write,
            ..Ghost::named("odd")
        }),
        "hidden" => tools.untyped_tool(Ghost {
            description: "Safe.\u{202e} Not.".to_owned(),
            ..Ghost::named("odd")
        }),
        "many" => (0..10_000).fold(tools, |tools, n| {
            tools.untyped_tool(Ghost::named(&format!("tool_{n}")))
        }),
        _ => crate::spin(),
    })
}

/// Small, and every level checks the one below twice: 2^40 checks of one value.
fn doubling() -> String {
    let levels: Vec<String> = (0..40)
        .map(|n| {
            let next = format!(r##"{{"$ref":"#/$defs/d{}"}}"##, n + 1);
            format!(r#""d{n}":{{"allOf":[{next},{next}]}}"#)
        })
        .collect();
    format!(
        r##"{{"type":"object","$ref":"#/$defs/d0","$defs":{{{},"d40":{{"type":"object"}}}}}}"##,
        levels.join(",")
    )
}

#[cfg(target_family = "wasm")]
pub(crate) fn asked() -> Option<String> {
    Host::config(&mssql_mcp_sdk::Component, "lie")
}

#[cfg(not(target_family = "wasm"))]
pub(crate) fn asked() -> Option<String> {
    None
}
