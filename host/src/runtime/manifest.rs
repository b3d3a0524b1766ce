//! What `describe` returned, checked: a guest's words are hostile until then.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::value::RawValue;

use super::bindings::mssql_mcp::database::db_query::JsonShape;
use super::bindings::mssql_mcp::tools::types as wit;
use super::error::LoadError;
use crate::excerpt::excerpt;
use crate::tools::{Access, Annotations, Icon, Manifest, Schema, Tool};

/// A manifest, and what each tool gives back.
pub(super) struct Checked {
    pub(super) manifest: Manifest,
    /// Of tools that hand back rows, the shape of these.
    pub(super) rows: Vec<(String, JsonShape)>,
    /// Of tools that declare another structured result, its schema.
    pub(super) results: HashMap<String, Arc<Schema>>,
}

pub(super) fn check(manifest: wit::Manifest, can_write: bool) -> Result<Checked, LoadError> {
    let mut names = HashSet::new();
    let mut rows = Vec::new();
    let mut results = HashMap::new();
    at_most("tools", manifest.tools.len(), MAX_TOOLS)?;
    text("the name of the tool set", &manifest.name, MAX_NAME)?;
    text("its version", &manifest.version, MAX_NAME)?;
    for (what, value) in [
        ("its description", &manifest.description),
        ("its instructions", &manifest.instructions),
    ] {
        if let Some(value) = value {
            text(what, value, MAX_TEXT)?;
        }
    }
    let mut tools = Vec::with_capacity(manifest.tools.len());
    for tool in manifest.tools {
        if !is_tool_name(&tool.name) {
            return Err(refuse(format!(
                "the tool name {:?}; use 1 to 64 of A-Z a-z 0-9 _ -",
                tool.name
            )));
        }
        if !names.insert(tool.name.clone()) {
            return Err(refuse(format!("two tools named \"{}\"", tool.name)));
        }
        let rows_of = match tool.output {
            Some(wit::OutputShape::Rows(shape)) => Some(shape),
            _ => None,
        };
        let (tool, schema) = check_tool(tool, can_write)?;
        match (rows_of, schema) {
            (Some(shape), _) => rows.push((tool.name.clone(), shape)),
            (None, Some(schema)) => _ = results.insert(tool.name.clone(), Arc::new(schema)),
            (None, None) => {}
        }
        tools.push(tool);
    }
    Ok(Checked {
        manifest: Manifest {
            name: manifest.name,
            version: manifest.version,
            description: manifest.description,
            instructions: manifest.instructions,
            tools,
        },
        rows,
        results,
    })
}

/// The tool, and the compiled schema of its structured result.
fn check_tool(tool: wit::Tool, can_write: bool) -> Result<(Tool, Option<Schema>), LoadError> {
    let name = tool.name;
    let of = |what: &str| format!("the {what} of tool \"{name}\"");
    text(&of("description"), &tool.description, MAX_TEXT)?;
    if let Some(title) = &tool.title {
        text(&of("title"), title, MAX_NAME)?;
    }
    if matches!(tool.access, wit::Access::Write) && !can_write {
        return Err(refuse(format!(
            "tool \"{name}\" as one that writes, but the component does not import db-execute"
        )));
    }
    let input_schema = json(&of("input schema"), tool.input_schema)?;
    Schema::of_arguments(&input_schema).map_err(|error| {
        refuse(format!(
            "{} that cannot be used: {error}",
            of("input schema")
        ))
    })?;
    if input_schema.get().contains("\"x-mcp-header\"") {
        return Err(refuse(format!(
            "{} with \"x-mcp-header\": no argument is sent in a header here; leave it out",
            of("input schema")
        )));
    }
    let output_schema = match tool.output {
        None => None,
        Some(wit::OutputShape::Schema(schema)) => Some(json(&of("output schema"), schema)?),
        Some(wit::OutputShape::Rows(JsonShape::Objects)) => {
            Some(json("", ROWS_OF_OBJECTS.to_owned())?)
        }
        Some(wit::OutputShape::Rows(JsonShape::Arrays)) => {
            Some(json("", ROWS_OF_ARRAYS.to_owned())?)
        }
    };
    let compiled = output_schema.as_deref().map(Schema::of_result).transpose();
    let compiled = compiled.map_err(|error| {
        refuse(format!(
            "{} that cannot be used: {error}",
            of("output schema")
        ))
    })?;
    let meta = tool.meta.map(|meta| json(&of("meta"), meta)).transpose()?;
    if meta
        .as_ref()
        .is_some_and(|meta| !meta.get().trim_start().starts_with('{'))
    {
        return Err(refuse(format!("{} that is not a JSON object", of("meta"))));
    }
    let writes = matches!(tool.access, wit::Access::Write);
    let icons = tool.icons.into_iter().map(|icon| check_icon(&name, icon));
    let icons = icons.collect::<Result<Vec<_>, _>>()?;
    at_most(&format!("icons of tool \"{name}\""), icons.len(), MAX_ICONS)?;
    let tool = Tool {
        title: tool.title,
        description: tool.description,
        access: if writes { Access::Write } else { Access::Read },
        input_schema,
        output_schema,
        annotations: Annotations {
            // A hint that contradicts what the tool can do is corrected.
            read_only_hint: !writes && tool.annotations.read_only.unwrap_or(true),
            destructive_hint: writes && tool.annotations.destructive.unwrap_or(true),
            idempotent_hint: tool.annotations.idempotent.unwrap_or(!writes),
            open_world_hint: tool.annotations.open_world.unwrap_or(false),
        },
        icons,
        meta,
        name,
    };
    Ok((tool, compiled))
}

/// Clients fetch it or draw it: an image, from the web or in the text itself.
fn check_icon(tool: &str, icon: wit::Icon) -> Result<Icon, LoadError> {
    let what = format!("an icon of tool \"{tool}\"");
    text(&what, &icon.src, MAX_ICON)?;
    let drawn = ["png", "jpeg", "webp", "gif"]
        .iter()
        .any(|kind| icon.src.starts_with(&format!("data:image/{kind};")));
    if !(icon.src.starts_with("https://") || drawn) || icon.src.contains(char::is_whitespace) {
        return Err(refuse(format!(
            "{what} that is neither an https: address nor a PNG, JPEG, WebP or GIF as data: URI"
        )));
    }
    if icon.sizes.len() > MAX_ICONS {
        return Err(refuse(format!("{what} with {} sizes", icon.sizes.len())));
    }
    for detail in icon.mime_type.iter().chain(&icon.sizes) {
        text(&what, detail, MAX_NAME)?;
    }
    Ok(Icon {
        src: icon.src,
        mime_type: icon.mime_type,
        sizes: icon.sizes,
        theme: icon.theme.map(|theme| match theme {
            wit::Theme::Light => "light",
            wit::Theme::Dark => "dark",
        }),
    })
}

fn is_tool_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// A guest's own words in a message.
pub(super) fn quoted(text: &str) -> String {
    format!("{:?}", excerpt(text, QUOTED_CHARS))
}

/// Text that a model or an operator will read: bounded, and without the
/// characters that hide or reorder what follows them.
pub(super) fn text(what: &str, value: &str, limit: usize) -> Result<(), LoadError> {
    if value.len() > limit {
        return Err(refuse(format!(
            "{what} with {} bytes; the limit is {limit}",
            value.len()
        )));
    }
    match value
        .chars()
        .find(|&c| (c.is_control() && !matches!(c, '\n' | '\t')) || is_hidden(c))
    {
        Some(c) => Err(refuse(format!(
            "{what} with the character U+{:04X}",
            u32::from(c)
        ))),
        None => Ok(()),
    }
}

/// Directional overrides, zero-width characters and tags.
fn is_hidden(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

fn json(what: &str, value: String) -> Result<Arc<RawValue>, LoadError> {
    RawValue::from_string(value)
        .map(Arc::from)
        .map_err(|error| refuse(format!("{what} that is not JSON: {error}")))
}

/// Refuses more of something than are served.
pub(super) fn at_most(what: &str, count: usize, limit: usize) -> Result<(), LoadError> {
    if count > limit {
        return Err(refuse(format!(
            "{count} {what}; at most {limit} are served"
        )));
    }
    Ok(())
}

pub(super) fn refuse(what: String) -> LoadError {
    LoadError::Manifest(what)
}

/// Tools of one set: more than a model can choose from.
const MAX_TOOLS: usize = 64;
/// Icons of one tool: some sizes for both backgrounds.
const MAX_ICONS: usize = 8;
/// Bytes of an icon, which every listing carries.
const MAX_ICON: usize = 16 << 10;
const QUOTED_CHARS: usize = 64;
/// Bytes of a name, title or version.
pub(super) const MAX_NAME: usize = 256;
/// Bytes of a description.
pub(super) const MAX_TEXT: usize = 8 << 10;

/// The schema of `structured.rows` with rows as objects.
const ROWS_OF_OBJECTS: &str = r#"{"type":"object","properties":{"columns":{"type":"array","description":"Names and SQL Server types, in order","items":{"type":"object","properties":{"name":{"type":"string"},"type":{"type":"string"}},"required":["name","type"]}},"results":{"type":"array","description":"One object a row. Decimals, money and large integers are strings with exact digits","items":{"type":"object"}},"row_count":{"type":"integer"},"truncated":{"type":["object","null"],"description":"Null when complete, else the limit that cut the result","properties":{"by":{"type":"string"},"limit":{"type":"integer"}}}},"required":["columns","results","row_count","truncated"]}"#;
/// The schema of `structured.rows` with rows as arrays.
const ROWS_OF_ARRAYS: &str = r#"{"type":"object","properties":{"columns":{"type":"array","description":"Names and SQL Server types, in order","items":{"type":"object","properties":{"name":{"type":"string"},"type":{"type":"string"}},"required":["name","type"]}},"results":{"type":"array","description":"One array a row, values in the order of columns. Decimals, money and large integers are strings with exact digits","items":{"type":"array"}},"row_count":{"type":"integer"},"truncated":{"type":["object","null"],"description":"Null when complete, else the limit that cut the result","properties":{"by":{"type":"string"},"limit":{"type":"integer"}}}},"required":["columns","results","row_count","truncated"]}"#;

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(name: &str) -> wit::Tool {
        wit::Tool {
            name: name.to_owned(),
            title: None,
            description: "d".to_owned(),
            access: wit::Access::Read,
            input_schema: r#"{"type":"object"}"#.to_owned(),
            output: None,
            annotations: wit::Annotations {
                read_only: None,
                destructive: None,
                idempotent: None,
                open_world: None,
            },
            icons: Vec::new(),
            meta: None,
        }
    }

    fn icon(src: &str) -> wit::Icon {
        wit::Icon {
            src: src.to_owned(),
            mime_type: None,
            sizes: Vec::new(),
            theme: None,
        }
    }

    fn refusal(change: impl FnOnce(&mut wit::Manifest)) -> String {
        let mut manifest = wit::Manifest {
            name: "n".to_owned(),
            version: "1".to_owned(),
            description: None,
            instructions: None,
            tools: vec![tool("a")],
        };
        change(&mut manifest);
        match check(manifest, false) {
            Err(error) => error.to_string(),
            Ok(_) => "accepted".to_owned(),
        }
    }

    #[test]
    fn a_plain_manifest_is_accepted() {
        assert_eq!(refusal(|_| ()), "accepted");
    }

    #[test]
    fn lies_and_nonsense_are_refused_with_the_tool_named() {
        type Change = fn(&mut wit::Manifest);
        let cases: [(&str, Change); 12] = [
            ("neither an https:", |m| {
                m.tools[0].icons = vec![icon("data:image/svg+xml;base64,AAAA")];
            }),
            ("no argument is sent in a header", |m| {
                m.tools[0].input_schema =
                    r#"{"type":"object","properties":{"a":{"type":"string","x-mcp-header":"A"}}}"#
                        .to_owned();
            }),
            ("neither an https:", |m| {
                m.tools[0].icons = vec![icon("javascript:alert(1)")];
            }),
            ("at most 8", |m| {
                m.tools[0].icons = vec![icon("https://example.com/i.png"); 9];
            }),
            ("two tools named \"a\"", |m| m.tools.push(tool("a"))),
            ("tool name \"a b\"", |m| m.tools.push(tool("a b"))),
            ("tool name \"\"", |m| m.tools.push(tool(""))),
            ("input schema of tool \"a\"", |m| {
                m.tools[0].input_schema = "{".to_owned();
            }),
            ("does not import db-execute", |m| {
                m.tools[0].access = wit::Access::Write;
            }),
            ("U+202E", |m| {
                m.tools[0].description = "safe\u{202e}".to_owned();
            }),
            ("not a JSON object", |m| {
                m.tools[0].meta = Some("[]".to_owned());
            }),
            ("at most 64", |m| {
                m.tools = (0..65).map(|n| tool(&n.to_string())).collect();
            }),
        ];
        for (expected, change) in cases {
            let said = refusal(change);
            assert!(said.contains(expected), "{said}");
        }
    }

    #[test]
    fn the_published_row_schemas_compile() {
        for schema in [ROWS_OF_OBJECTS, ROWS_OF_ARRAYS] {
            Schema::of_result(&json("", schema.to_owned()).unwrap()).unwrap();
        }
    }
}
