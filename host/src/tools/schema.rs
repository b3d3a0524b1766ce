//! JSON Schemas of tools: compiled once at load, checked at every call, with
//! answers that name the field.

use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::Value;
use serde_json::value::RawValue;

use super::effort;

/// A compiled JSON Schema 2020-12.
#[derive(Debug)]
pub struct Schema {
    validator: Validator,
}

/// Why a tool's schema cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The text is not JSON.
    #[error("the schema is not JSON: {0}")]
    Syntax(#[from] serde_json::Error),
    /// The root does not describe an object, as MCP requires of tool arguments.
    #[error("the root of the schema must have \"type\": \"object\"")]
    NotAnObject,
    /// The text is larger than 64 KiB.
    #[error("the schema has {0} bytes, the limit is {MAX_BYTES}")]
    TooLarge(usize),
    /// Nested deeper than 32 levels.
    #[error("the schema nests deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// A reference that leaves the document: nothing is ever fetched.
    #[error("the schema refers to \"{0}\"; only references within the schema are followed")]
    RemoteReference(String),
    /// Small to read and endless to check with.
    #[error("{0}")]
    Effort(String),
    /// Not a valid schema.
    #[error("not a valid JSON Schema: {0}")]
    Invalid(String),
}

/// One way in which arguments miss their schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArgumentError {
    /// JSON Pointer of the offending value (RFC 6901); empty for the whole.
    pub path: String,
    /// What is wrong with it.
    pub message: String,
}

impl Schema {
    /// Compiles the schema of a tool's arguments, whose root is an object.
    pub fn of_arguments(text: &RawValue) -> Result<Self, SchemaError> {
        let document = parse(text)?;
        if document.get("type").and_then(Value::as_str) != Some("object") {
            return Err(SchemaError::NotAnObject);
        }
        Self::compile(&document)
    }

    /// Compiles the schema of a tool's structured result.
    pub fn of_result(text: &RawValue) -> Result<Self, SchemaError> {
        Self::compile(&parse(text)?)
    }

    /// Checks `instance`; the error lists at most eight findings.
    pub fn check(&self, instance: &Value) -> Result<(), Vec<ArgumentError>> {
        if self.validator.is_valid(instance) {
            return Ok(());
        }
        Err(self
            .validator
            .iter_errors(instance)
            .take(MAX_ERRORS)
            .map(|error| ArgumentError {
                path: error.instance_path().to_string(),
                message: error.to_string(),
            })
            .collect())
    }

    fn compile(document: &Value) -> Result<Self, SchemaError> {
        let validator = jsonschema::options()
            .with_draft(Draft::Draft202012)
            // In time linear to the text: a tool set's patterns run on the front
            // door's threads. Look-around and back-references do not compile.
            .with_pattern_options(PatternOptions::regex())
            .build(document)
            .map_err(|error| SchemaError::Invalid(error.to_string()))?;
        Ok(Self { validator })
    }
}

fn parse(text: &RawValue) -> Result<Value, SchemaError> {
    if text.get().len() > MAX_BYTES {
        return Err(SchemaError::TooLarge(text.get().len()));
    }
    let document: Value = serde_json::from_str(text.get())?;
    inspect(&document, 0)?;
    effort::bounded(&document).map_err(SchemaError::Effort)?;
    Ok(document)
}

fn inspect(value: &Value, depth: usize) -> Result<(), SchemaError> {
    if depth > MAX_DEPTH {
        return Err(SchemaError::TooDeep);
    }
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                if let ("$ref" | "$dynamicRef", Some(target)) = (key.as_str(), member.as_str())
                    && !target.starts_with('#')
                {
                    return Err(SchemaError::RemoteReference(target.to_owned()));
                }
                inspect(member, depth + 1)?;
            }
            Ok(())
        }
        Value::Array(items) => items.iter().try_for_each(|item| inspect(item, depth + 1)),
        _ => Ok(()),
    }
}

/// Longest schema of a tool, in bytes.
const MAX_BYTES: usize = 64 * 1024;
/// Deepest nesting of a tool's schema.
const MAX_DEPTH: usize = 32;
/// Findings listed of one set of arguments: enough to mend a call in one go.
const MAX_ERRORS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn raw(value: &Value) -> Box<RawValue> {
        RawValue::from_string(value.to_string()).unwrap()
    }

    #[test]
    fn the_field_that_is_wrong_is_named() {
        let schema = Schema::of_arguments(&raw(&json!({
            "type": "object",
            "properties": {"limit": {"type": "integer", "minimum": 1}},
            "additionalProperties": false
        })))
        .unwrap();
        let errors = schema.check(&json!({"limit": 0})).unwrap_err();
        assert_eq!(errors[0].path, "/limit");
        assert!(schema.check(&json!({"limit": 3})).is_ok());
        assert_eq!(
            schema
                .check(&json!({"limit": 0, "x": 1}))
                .unwrap_err()
                .len(),
            2
        );
    }

    #[test]
    fn a_schema_that_would_be_fetched_is_refused() {
        let text =
            raw(&json!({"type": "object", "properties": {"a": {"$ref": "http://127.0.0.1/x"}}}));
        assert!(matches!(
            Schema::of_arguments(&text),
            Err(SchemaError::RemoteReference(_))
        ));
    }

    #[test]
    fn a_pattern_that_could_backtrack_without_end_is_refused() {
        let with = |pattern: &str| {
            raw(&json!({"type": "object", "properties": {"a": {"pattern": pattern}}}))
        };
        assert!(matches!(
            Schema::of_arguments(&with("^(a+)+(?!b)$")),
            Err(SchemaError::Invalid(_))
        ));
        let schema = Schema::of_arguments(&with("^(a+)+$")).unwrap();
        let long = format!("{}b", "a".repeat(10_000));
        assert_eq!(schema.check(&json!({"a": long})).unwrap_err().len(), 1);
    }

    #[test]
    fn deep_large_and_rootless_schemas_are_refused() {
        let mut deep = json!({});
        for _ in 0..MAX_DEPTH {
            deep = json!({"properties": {"a": deep}});
        }
        deep["type"] = json!("object");
        assert!(matches!(
            Schema::of_arguments(&raw(&deep)),
            Err(SchemaError::TooDeep)
        ));
        assert!(matches!(
            Schema::of_arguments(&raw(&json!({"type": "array"}))),
            Err(SchemaError::NotAnObject)
        ));
        let large = json!({"type": "object", "description": "x".repeat(MAX_BYTES)});
        assert!(matches!(
            Schema::of_arguments(&raw(&large)),
            Err(SchemaError::TooLarge(_))
        ));
    }
}
