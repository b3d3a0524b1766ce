//! JSON Schemas from types, in the plain form that every client digests:
//! no `$schema`, no `$ref`, no integer `format`, and a root object that takes
//! nothing undeclared.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// What a tool can be called with.
pub trait Arguments: DeserializeOwned + JsonSchema {}

impl<T: DeserializeOwned + JsonSchema> Arguments for T {}

/// For a tool without arguments.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoArguments {}

/// The input schema of a type of arguments.
pub(crate) fn of_arguments<A: JsonSchema>() -> String {
    let schema = plain::<A>(SchemaSettings::draft2020_12());
    let mut root = schema.as_object().cloned().unwrap_or_default();
    root.insert("additionalProperties".to_owned(), Value::Bool(false));
    root.entry("properties")
        .or_insert_with(|| Value::Object(Map::new()));
    Value::Object(root).to_string()
}

/// The output schema of a type that serde writes.
pub(crate) fn of_output<T: JsonSchema>() -> String {
    plain::<T>(SchemaSettings::draft2020_12().for_serialize()).to_string()
}

fn plain<T: JsonSchema>(settings: SchemaSettings) -> Value {
    let mut settings = settings.with(|settings| settings.inline_subschemas = true);
    settings.meta_schema = None;
    let mut schema = settings
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value();
    if let Some(root) = schema.as_object_mut() {
        // The name and the comment of the Rust type say nothing to a model.
        root.remove("title");
        root.remove("description");
    }
    simplify(&mut schema);
    schema
}

/// `"format": "uint32"` and the like mean nothing outside Rust.
fn simplify(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if object
                .get("format")
                .and_then(Value::as_str)
                .is_some_and(|format| format.starts_with("uint") || format.starts_with("int"))
            {
                object.remove("format");
            }
            object.values_mut().for_each(simplify);
        }
        Value::Array(array) => array.iter_mut().for_each(simplify),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Deserialize, JsonSchema)]
    struct Inner {
        #[expect(dead_code, reason = "only its schema matters")]
        a: u32,
    }

    /// Not for the model.
    #[derive(Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only its schema matters")]
    struct Sample {
        /// Table to read.
        table_name: String,
        /// How many rows.
        #[serde(default = "ten")]
        #[schemars(range(min = 1, max = 100))]
        limit: u32,
        #[serde(default)]
        inner: Vec<Inner>,
    }

    fn ten() -> u32 {
        10
    }

    #[test]
    fn a_schema_is_plain_closed_and_takes_its_words_from_the_fields() {
        let schema: Value = serde_json::from_str(&of_arguments::<Sample>()).unwrap();
        assert_eq!(
            schema,
            json!({
                "type": "object",
                "additionalProperties": false,
                "required": ["table_name"],
                "properties": {
                    "table_name": {"type": "string", "description": "Table to read."},
                    "limit": {
                        "type": "integer", "description": "How many rows.",
                        "minimum": 1, "maximum": 100, "default": 10
                    },
                    "inner": {
                        "type": "array",
                        "items": {
                            "type": "object", "required": ["a"],
                            "properties": {"a": {"type": "integer", "minimum": 0}}
                        }
                    }
                }
            })
        );
    }

    #[test]
    fn no_arguments_is_an_empty_closed_object() {
        let schema: Value = serde_json::from_str(&of_arguments::<NoArguments>()).unwrap();
        assert_eq!(
            schema,
            json!({"type": "object", "properties": {}, "additionalProperties": false})
        );
    }
}
