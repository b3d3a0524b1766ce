//! What `describe` returned, checked: a guest's words are hostile until then.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::bindings::mssql_mcp::database::db_query::JsonShape;
use super::bindings::mssql_mcp::tools::types as wit;
use super::error::LoadError;
use crate::excerpt::excerpt;
use crate::json_value;
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
    // First, so that what is compiled is the document that everybody reads.
    all_visible(&of("input schema"), &input_schema)?;
    no_header(&of("input schema"), &input_schema)?;
    let arguments = Schema::of_arguments(&input_schema).map_err(|error| {
        refuse(format!(
            "{} that cannot be used: {error}",
            of("input schema")
        ))
    })?;
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
    if let Some(schema) = &output_schema {
        all_visible(&of("output schema"), schema)?;
    }
    let result = output_schema.as_deref().map(Schema::of_result).transpose();
    let result = result.map_err(|error| {
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
    if let Some(meta) = &meta {
        all_visible(&of("meta"), meta)?;
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
        compiled: Some(Arc::new(arguments)),
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
    Ok((tool, result))
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
    visible(what, value)
}

/// Without the characters that hide or reorder what follows them, of any length.
fn visible(what: &str, value: &str) -> Result<(), LoadError> {
    match unseen(value) {
        Some(c) => Err(refuse(format!(
            "{what} with the character U+{:04X}",
            u32::from(c)
        ))),
        None => Ok(()),
    }
}

/// The first character that nobody sees.
fn unseen(value: &str) -> Option<char> {
    let mut before = None;
    let mut rest = value.chars().peekable();
    while let Some(c) = rest.next() {
        let control = c.is_control() && !matches!(c, '\n' | '\t');
        let hidden = is_hidden(c) && !is_style(before, c, rest.peek().copied());
        if control || hidden {
            return Some(c);
        }
        before = Some(c);
    }
    None
}

/// What Unicode calls default ignorable, and annotations between lines: directional
/// overrides, zero-width characters, soft hyphens, fillers, variation selectors, tags.
fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// The choice between a character as text and as a picture, which many keyboards put
/// behind a symbol: one, behind what is seen, or in a keycap. Runs of them, those behind
/// plain letters, and the other 254 selectors can carry a byte each that only a model
/// reads.
fn is_style(before: Option<char>, c: char, after: Option<char>) -> bool {
    let chooses = matches!(c, '\u{fe0e}' | '\u{fe0f}');
    chooses
        && before.is_some_and(|before| {
            let keycap = matches!(before, '0'..='9' | '#' | '*') && after == Some('\u{20e3}');
            keycap || !(before.is_ascii() || before.is_whitespace() || is_hidden(before))
        })
}

/// Models read all of a document, down to names and choices.
fn all_visible(what: &str, document: &RawValue) -> Result<(), LoadError> {
    let mut reader = serde_json::Deserializer::from_str(document.get());
    every_text(what, &mut reader, |_, text| visible(what, text))
}

/// However its name is written: an escape in it is the same name.
fn no_header(what: &str, schema: &RawValue) -> Result<(), LoadError> {
    let mut reader = serde_json::Deserializer::from_str(schema.get());
    every_text(what, &mut reader, |part, text| {
        if part == Part::Name && text == HEADER {
            return Err(refuse(format!(
                "{what} with \"{HEADER}\": no argument is sent in a header here; leave it out"
            )));
        }
        Ok(())
    })
}

/// What a text of a JSON document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The name of a member.
    Name,
    /// A value.
    Text,
}

/// Looks at every text of a document until one is refused. One that readers do not agree
/// on is refused too, with a name twice in one object or a name that this host's own
/// reader takes for another thing: clients get the document as it is, and what they read
/// must be what was checked and accepted.
pub(super) fn every_text<'de, D: Deserializer<'de>>(
    what: &str,
    document: D,
    look: impl FnMut(Part, &str) -> Result<(), LoadError>,
) -> Result<(), LoadError> {
    let mut walk = Walk {
        what,
        look,
        fault: None,
    };
    let walked = DeserializeSeed::deserialize(&mut walk, document);
    match (walk.fault, walked) {
        (Some(fault), _) => Err(fault),
        (None, Err(error)) => Err(refuse(format!("{what} that cannot be read: {error}"))),
        (None, Ok(())) => Ok(()),
    }
}

/// On its way through a document.
struct Walk<'a, F> {
    what: &'a str,
    look: F,
    /// Why it went no further; an error of the document's reader cannot carry it.
    fault: Option<LoadError>,
}

impl<F: FnMut(Part, &str) -> Result<(), LoadError>> Walk<'_, F> {
    fn see<E: de::Error>(&mut self, part: Part, text: &str) -> Result<(), E> {
        let seen = (self.look)(part, text);
        self.unless(seen)
    }

    /// The name of a member, and whether the object has it already.
    fn see_name<E: de::Error>(&mut self, name: &str, again: bool) -> Result<(), E> {
        self.see(Part::Name, name)?;
        let what = self.what;
        let fault = if again {
            format!(
                "{what} with the member {} twice in one object",
                quoted(name)
            )
        } else if json_value::is_reserved(name) {
            format!("{what} with a member named {}", quoted(name))
        } else {
            return Ok(());
        };
        self.unless(Err(refuse(fault)))
    }

    fn unless<E: de::Error>(&mut self, fine: Result<(), LoadError>) -> Result<(), E> {
        fine.map_err(|fault| {
            self.fault = Some(fault);
            E::custom("a text is refused")
        })
    }
}

impl<'de, F: FnMut(Part, &str) -> Result<(), LoadError>> DeserializeSeed<'de> for &mut Walk<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, document: D) -> Result<(), D::Error> {
        document.deserialize_any(self)
    }
}

impl<'de, F: FnMut(Part, &str) -> Result<(), LoadError>> Visitor<'de> for &mut Walk<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<(), E> {
        self.see(Part::Text, text)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(&mut *self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            self.see_name::<A::Error>(&name, names.contains(&name))?;
            names.insert(name);
            members.next_value_seed(&mut *self)?;
        }
        Ok(())
    }
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
/// Clients of the protocol may send an argument that is marked so in a header.
const HEADER: &str = "x-mcp-header";
/// Bytes of a name, title or version.
pub(super) const MAX_NAME: usize = 256;
/// Bytes of a description.
pub(super) const MAX_TEXT: usize = 8 << 10;

/// The schema of `structured.rows` with rows as objects.
const ROWS_OF_OBJECTS: &str = r#"{"type":"object","properties":{"columns":{"type":"array","description":"Names and SQL Server types, in order","items":{"type":"object","properties":{"name":{"type":"string"},"type":{"type":"string"}},"required":["name","type"]}},"results":{"type":"array","description":"One object a row. Decimals, money and large integers are strings with exact digits","items":{"type":"object"}},"row_count":{"type":"integer"},"truncated":{"type":["object","null"],"description":"Null when complete, else the limit that cut the result","properties":{"by":{"type":"string"},"limit":{"type":"integer"}}}},"required":["columns","results","row_count","truncated"]}"#;
/// The schema of `structured.rows` with rows as arrays.
const ROWS_OF_ARRAYS: &str = r#"{"type":"object","properties":{"columns":{"type":"array","description":"Names and SQL Server types, in order","items":{"type":"object","properties":{"name":{"type":"string"},"type":{"type":"string"}},"required":["name","type"]}},"results":{"type":"array","description":"One array a row, values in the order of columns. Decimals, money and large integers are strings with exact digits","items":{"type":"array"}},"row_count":{"type":"integer"},"truncated":{"type":["object","null"],"description":"Null when complete, else the limit that cut the result","properties":{"by":{"type":"string"},"limit":{"type":"integer"}}}},"required":["columns","results","row_count","truncated"]}"#;

#[cfg(test)]
mod tests;
