//! JSON Schemas of tools: compiled once at load, checked at every call, with
//! answers that name the field.

use jsonschema::{Draft, PatternOptions, ValidationError, Validator};
use serde_json::Value;
use serde_json::value::RawValue;

use super::effort::{self, Bounds};
use super::patterns;
use crate::excerpt::excerpt;

/// A compiled JSON Schema 2020-12.
#[derive(Debug)]
pub struct Schema {
    validator: Validator,
    work: Work,
}

/// What checking a value takes, at most.
#[derive(Debug, Clone, Copy)]
struct Work {
    /// Looks at one place of it.
    looks: usize,
    /// References whose outcome is kept for an object or a list of it.
    kept: usize,
    /// The most that may be kept.
    most_kept: usize,
    /// States of patterns for one byte of its texts.
    states: usize,
    /// Whether items of a list are held against each other.
    compares: bool,
    /// How many times [`MOST_LOOKS`] and [`MOST_STEPS`] there may be.
    patience: usize,
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
        let (document, work) = parse(text, 1, MOST_KEPT)?;
        if document.get("type").and_then(Value::as_str) != Some("object") {
            return Err(SchemaError::NotAnObject);
        }
        Self::compile(&document, work)
    }

    /// Compiles the schema of a tool's structured result.
    pub fn of_result(text: &RawValue) -> Result<Self, SchemaError> {
        // Results are larger, and the thread that checks them is their tool set's.
        // What is kept meanwhile is for its caller to count.
        let (document, work) = parse(text, 4, usize::MAX)?;
        Self::compile(&document, work)
    }

    /// Whether JSON of so many bytes is checked in less than a millisecond, whatever it is.
    pub fn is_quick(&self, bytes: usize) -> bool {
        let work = self.work;
        bytes.saturating_mul(work.looks) <= QUICK_LOOKS
            && bytes.saturating_mul(work.states) <= QUICK_STEPS
            && !(work.compares && bytes > QUICK_TO_COMPARE)
    }

    /// Bytes that checking `instance` takes beside it, at most: the validator keeps what
    /// each reference of a schema that recurs found at each object and list.
    pub fn keeps(&self, instance: &Value) -> usize {
        match self.work.kept {
            0 => 0,
            kept => {
                let outcomes = Extent::of(instance).containers.saturating_mul(kept);
                outcomes.saturating_mul(OUTCOME)
            }
        }
    }

    /// Checks `instance`; the error lists at most eight findings.
    pub fn check(&self, instance: &Value) -> Result<(), Vec<ArgumentError>> {
        let looks = self.work.allows(instance)?;
        if self.validator.is_valid(instance) {
            return Ok(());
        }
        // The validator collects every finding before it gives the first.
        if looks > MOST_LISTED {
            return Err(vec![ArgumentError {
                path: String::new(),
                message: "it does not fit the schema; give less at once to be told where".into(),
            }]);
        }
        let errors = self.validator.iter_errors(instance).take(MAX_ERRORS);
        Err(errors.map(|error| ArgumentError::from(&error)).collect())
    }

    fn compile(document: &Value, work: Work) -> Result<Self, SchemaError> {
        let validator = jsonschema::options()
            .with_draft(Draft::Draft202012)
            // In time linear to the text: a tool set's patterns run on the front
            // door's threads. Look-around and back-references do not compile.
            .with_pattern_options(
                PatternOptions::regex()
                    .size_limit(patterns::SIZE)
                    .dfa_size_limit(patterns::MEMORY),
            )
            .build(document)
            .map_err(|error| SchemaError::Invalid(error.to_string()))?;
        Ok(Self { validator, work })
    }
}

impl From<&ValidationError<'_>> for ArgumentError {
    /// Shows the value where it is short.
    fn from(error: &ValidationError<'_>) -> Self {
        let message = error.to_string();
        Self {
            path: error.instance_path().to_string(),
            message: match message.len() {
                0..=MAX_MESSAGE => message,
                _ => excerpt(&error.masked().to_string(), MAX_MESSAGE).to_owned(),
            },
        }
    }
}

impl Work {
    /// Refuses what would take more than some tenths of a second: nothing else runs on the
    /// thread meanwhile. The looks that it may take, otherwise.
    fn allows(self, instance: &Value) -> Result<usize, Vec<ArgumentError>> {
        let Extent {
            places,
            containers,
            bytes,
            longest,
        } = Extent::of(instance);
        let refused = |message: String| {
            Err(vec![ArgumentError {
                path: String::new(),
                message,
            }])
        };
        let most_looks = MOST_LOOKS * self.patience;
        let looks = places.saturating_mul(self.looks);
        if looks > most_looks {
            let most = most_looks / self.looks;
            return refused(format!(
                "it holds {places} values, and {most} are the most that are checked against this \
                 schema; give fewer at once"
            ));
        }
        if containers.saturating_mul(self.kept) > self.most_kept {
            let most = self.most_kept / self.kept.max(1);
            return refused(format!(
                "it holds {containers} objects and lists, and {most} are the most that are \
                 checked against this schema, whose references recur; give fewer at once"
            ));
        }
        let most_steps = MOST_STEPS * self.patience;
        if bytes.saturating_mul(self.states) > most_steps {
            let most = most_steps / self.states.max(1);
            return refused(format!(
                "its texts have {bytes} bytes, and {most} are the most that are matched with the \
                 patterns of this schema; give less at once"
            ));
        }
        if self.compares && longest > MOST_COMPARED {
            return refused(format!(
                "a list of it has {longest} items, and {MOST_COMPARED} are the most where the \
                 schema has uniqueItems; give fewer at once"
            ));
        }
        Ok(looks)
    }
}

/// How large a value is.
#[derive(Default)]
struct Extent {
    /// Values in it, itself among them.
    places: usize,
    /// Objects and lists among these.
    containers: usize,
    /// In its texts and names.
    bytes: usize,
    /// Items of the longest of its lists.
    longest: usize,
}

impl Extent {
    fn of(value: &Value) -> Self {
        let mut extent = Self::default();
        let mut waiting = vec![value];
        while let Some(value) = waiting.pop() {
            extent.places += 1;
            match value {
                Value::String(text) => extent.bytes += text.len(),
                Value::Array(items) => {
                    extent.containers += 1;
                    extent.longest = extent.longest.max(items.len());
                    waiting.extend(items);
                }
                Value::Object(members) => {
                    extent.containers += 1;
                    extent.bytes += members.keys().map(String::len).sum::<usize>();
                    waiting.extend(members.values());
                }
                _ => {}
            }
        }
        extent
    }
}

fn parse(text: &RawValue, patience: usize, most_kept: usize) -> Result<(Value, Work), SchemaError> {
    if text.get().len() > MAX_BYTES {
        return Err(SchemaError::TooLarge(text.get().len()));
    }
    let document: Value = serde_json::from_str(text.get())?;
    inspect(&document, 0)?;
    let Bounds { looks, kept } = effort::bounded(&document).map_err(SchemaError::Effort)?;
    let states = patterns::states(&document).map_err(SchemaError::Effort)?;
    let work = Work {
        looks,
        kept,
        most_kept,
        states,
        compares: compares(&document),
        patience,
    };
    Ok((document, work))
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

/// Whether `uniqueItems` stands anywhere.
fn compares(value: &Value) -> bool {
    match value {
        Value::Object(members) => {
            members.contains_key("uniqueItems") || members.values().any(compares)
        }
        Value::Array(items) => items.iter().any(compares),
        _ => false,
    }
}

/// Longest schema of a tool, in bytes.
const MAX_BYTES: usize = 64 * 1024;
/// Deepest nesting of a tool's schema.
const MAX_DEPTH: usize = 32;
/// Looks at places of one value, some 20 ns each.
const MOST_LOOKS: usize = 1 << 21;
/// Some 0.7 ms of them, since each place has two bytes at least.
const QUICK_LOOKS: usize = 1 << 16;
/// The same of the steps of patterns.
const QUICK_STEPS: usize = 1 << 19;
/// Bytes of lists whose items are held against each other.
const QUICK_TO_COMPARE: usize = 1 << 10;
/// Outcomes of references that are kept for one set of arguments: some 7 MiB.
const MOST_KEPT: usize = 1 << 16;
/// Bytes of one in the validator's map, which has 33 for it: just after it grew, seven of
/// sixteen places are taken, and while it grows its old half is there as well.
const OUTCOME: usize = 112;
/// Looks whose findings may be collected: each has some 300 bytes.
const MOST_LISTED: usize = 50_000;
/// Items of a list that are all held against each other.
const MOST_COMPARED: usize = 1_000;
/// Steps of patterns over its texts, a few ns each at worst.
const MOST_STEPS: usize = 1 << 27;
/// Bytes of a finding that shows the value.
const MAX_MESSAGE: usize = 400;
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
    fn a_value_that_would_take_long_to_check_is_refused_with_what_it_may_hold() {
        let checks: Vec<Value> = (0..900).map(|n| json!({"minimum": -n})).collect();
        let lists = raw(&json!({
            "type": "object", "properties": {"a": {"items": {"allOf": checks}}}
        }));
        let pattern = raw(&json!({
            "type": "object", "properties": {"a": {"pattern": "^[\\p{L} ]{1,20}$"}}
        }));
        let zeros = |count| json!({"a": vec![0; count]});
        let text = |bytes: usize| json!({"a": "a".repeat(bytes)});
        for (schema, fine, too_much, said) in [
            (&lists, zeros(2_000), zeros(20_000), "20002 values"),
            (&pattern, text(20), text(1 << 20), "1048577 bytes"),
        ] {
            let schema = Schema::of_arguments(schema).unwrap();
            assert_eq!(schema.check(&fine), Ok(()));
            let errors = schema.check(&too_much).unwrap_err();
            assert!(errors[0].message.contains(said), "{errors:?}");
        }
        // Of a result more is checked.
        let result = Schema::of_result(&lists).unwrap();
        assert_eq!(result.check(&zeros(8_000)), Ok(()));
        assert!(result.check(&zeros(20_000)).is_err());
    }

    #[test]
    fn what_references_that_recur_make_the_validator_keep_has_a_bound() {
        let to = |n: usize| json!({"$ref": format!("#/$defs/d{n}")});
        let nine: Vec<Value> = (0..9).map(to).collect();
        let parts: Value = (0..9)
            .map(|n| (format!("d{n}"), json!({"items": to(n)})))
            .collect();
        let recurring = raw(&json!({
            "type": "object", "properties": {"a": {"allOf": nine}}, "$defs": parts
        }));
        let lists = |count: usize| json!({"a": vec![json!([]); count]});
        let schema = Schema::of_arguments(&recurring).unwrap();
        assert_eq!(schema.check(&lists(5_000)), Ok(()));
        let errors = schema.check(&lists(10_000)).unwrap_err();
        assert!(errors[0].message.contains("10002 objects"), "{errors:?}");
        let result = Schema::of_result(&recurring).unwrap();
        assert_eq!(result.check(&lists(10_000)), Ok(()));
        assert_eq!(result.keeps(&lists(10_000)), 10_002 * 9 * OUTCOME);
        // Without recursion nothing is kept, however many references there are.
        let plain = raw(&json!({
            "type": "object",
            "properties": {"a": {"items": {"$ref": "#/$defs/row"}}},
            "$defs": {"row": {"type": "array"}},
        }));
        let schema = Schema::of_arguments(&plain).unwrap();
        assert_eq!(schema.check(&lists(100_000)), Ok(()));
        assert_eq!(schema.keeps(&lists(100_000)), 0);
    }

    #[test]
    fn findings_stay_short_and_few_whatever_the_value() {
        let schema = |items: Value| {
            let text = json!({"type": "object", "properties": {"a": {"items": items}}});
            Schema::of_arguments(&raw(&text)).unwrap()
        };
        let numbers = schema(json!({"type": "number", "minimum": 1}));
        let errors = numbers
            .check(&json!({"a": ["x".repeat(10_000)]}))
            .unwrap_err();
        assert!(errors[0].message.contains("number"), "{errors:?}");
        assert!(errors[0].message.len() <= MAX_MESSAGE, "{errors:?}");
        let errors = numbers.check(&json!({"a": vec![0; 200]})).unwrap_err();
        assert_eq!(errors.len(), MAX_ERRORS);
        let errors = numbers.check(&json!({"a": vec![0; 100_000]})).unwrap_err();
        assert_eq!(errors.len(), 1, "{errors:?}");
        let lists = schema(json!({"type": "array", "uniqueItems": true}));
        let numbered = |count: usize| json!({"a": [(0..count).collect::<Vec<_>>()]});
        assert_eq!(lists.check(&numbered(MOST_COMPARED)), Ok(()));
        let errors = lists.check(&numbered(MOST_COMPARED + 1)).unwrap_err();
        assert!(errors[0].message.contains("uniqueItems"), "{errors:?}");
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
