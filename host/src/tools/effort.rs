//! How long checking a value against a schema can take: a few hundred bytes of
//! references that double at each step ask for more checks than a year has
//! nanoseconds, and one that leads back to itself asks for as many as the stack has
//! room for. Such schemas are refused when they are loaded.
//!
//! What is bounded is how often parts of the schema look at one place of a value. All
//! that look at it together are a set; from it follow the sets for the places below.
//! The heaviest set, times the places of a value, is what checking that value takes.

use std::collections::{HashMap, HashSet};

use percent_encoding::percent_decode_str;
use serde_json::Value;
use serde_json::value::Index;

/// The most that is looked at for one place of a value; the error says why no value should
/// be checked with it.
pub(super) fn bounded(document: &Value) -> Result<usize, String> {
    let mut effort = Effort {
        document,
        anchors: HashMap::new(),
        steps: 0,
    };
    effort.name(document, true)?;
    let mut known = HashSet::new();
    let mut heaviest = 1;
    let mut waiting = vec![vec![document]];
    while let Some(parts) = waiting.pop() {
        if !known.insert(identity(&parts)) {
            continue;
        }
        let mut looking = Vec::new();
        for part in parts {
            effort.all_at_one_place(part, &mut Vec::new(), &mut looking)?;
        }
        heaviest = heaviest.max(looking.iter().map(|part| weight(part)).sum());
        let mut below = Below::default();
        for part in looking {
            below.add(part);
        }
        waiting.extend(below.places());
    }
    Ok(heaviest)
}

/// What one part of a schema holds a value against: each entry of its lists counts.
fn weight(part: &Value) -> usize {
    let keys = ["enum", "required", "properties", "patternProperties"];
    let lists = keys.iter().filter_map(|key| part.get(key));
    let entries = lists.map(|list| match list {
        Value::Array(entries) => entries.len(),
        Value::Object(entries) => entries.len(),
        _ => 0,
    });
    1 + entries.sum::<usize>()
}

struct Effort<'a> {
    document: &'a Value,
    /// `$anchor` and `$dynamicAnchor`
    anchors: HashMap<&'a str, &'a Value>,
    steps: usize,
}

impl<'a> Effort<'a> {
    /// Finds what references may name.
    fn name(&mut self, part: &'a Value, is_root: bool) -> Result<(), String> {
        match part {
            Value::Object(members) => {
                for key in ["$anchor", "$dynamicAnchor"] {
                    if let Some(Value::String(name)) = members.get(key) {
                        self.anchors.insert(name, part);
                    }
                }
                // References below it would mean something else.
                if !is_root && matches!(members.get("$id"), Some(Value::String(_))) {
                    return Err("it has \"$id\" below its root".to_owned());
                }
                members
                    .values()
                    .try_for_each(|member| self.name(member, false))
            }
            Value::Array(items) => items.iter().try_for_each(|item| self.name(item, false)),
            _ => Ok(()),
        }
    }

    /// Every part that looks at the same place as `part`, as often as it does.
    fn all_at_one_place(
        &mut self,
        part: &'a Value,
        way: &mut Vec<*const Value>,
        looking: &mut Vec<&'a Value>,
    ) -> Result<(), String> {
        let Some(members) = part.as_object() else {
            return Ok(());
        };
        let this: *const Value = part;
        if way.contains(&this) {
            return Err("it refers to itself without end".to_owned());
        }
        self.steps += 1;
        looking.push(part);
        if looking.len() > MOST_AT_ONE_PLACE || self.steps > MOST_STEPS || way.len() > MOST_DEEP {
            return Err("checking a value with it would take too long".to_owned());
        }
        way.push(this);
        // What was not evaluated is found by evaluating once more.
        let again = ["unevaluatedProperties", "unevaluatedItems"];
        let rounds = 1 + again
            .iter()
            .filter(|key| members.contains_key(**key))
            .count();
        for _ in 0..rounds {
            for (key, member) in members {
                match (key.as_str(), member) {
                    ("allOf" | "anyOf" | "oneOf", Value::Array(parts)) => {
                        for part in parts {
                            self.all_at_one_place(part, way, looking)?;
                        }
                    }
                    ("not" | "if" | "then" | "else", part) => {
                        self.all_at_one_place(part, way, looking)?;
                    }
                    ("dependentSchemas" | "dependencies", Value::Object(parts)) => {
                        for part in parts.values() {
                            self.all_at_one_place(part, way, looking)?;
                        }
                    }
                    ("$ref" | "$dynamicRef", Value::String(target)) => {
                        let part = self.target(target)?;
                        self.all_at_one_place(part, way, looking)?;
                    }
                    _ => {}
                }
            }
        }
        way.pop();
        Ok(())
    }

    fn target(&self, target: &str) -> Result<&'a Value, String> {
        let name = target.strip_prefix('#').unwrap_or(target);
        let name = percent_decode_str(name).decode_utf8_lossy();
        let found = if name.is_empty() || name.starts_with('/') {
            self.document.pointer(&name)
        } else {
            self.anchors.get(&*name).copied()
        };
        found.ok_or_else(|| format!("it refers to \"{target}\", which it does not have"))
    }
}

/// The parts that look at the places below one place.
#[derive(Default)]
struct Below<'a> {
    members: Places<'a, &'a str>,
    items: Places<'a, usize>,
    /// At the names of members.
    names: Vec<&'a Value>,
}

/// Members of an object, or items of an array.
struct Places<'a, K> {
    /// Parts that look at one of them.
    one: HashMap<K, Vec<&'a Value>>,
    /// Parts that look at any but those that the schema beside them names.
    any: Vec<(&'a Value, Option<&'a Value>)>,
}

impl<K> Default for Places<'_, K> {
    fn default() -> Self {
        Self {
            one: HashMap::new(),
            any: Vec::new(),
        }
    }
}

impl<'a> Below<'a> {
    fn add(&mut self, part: &'a Value) {
        for (key, member) in part.as_object().into_iter().flatten() {
            let rest = |named| (member, part.get(named));
            match (key.as_str(), member) {
                ("properties", Value::Object(parts)) => {
                    for (name, part) in parts {
                        self.members.one.entry(name).or_default().push(part);
                    }
                }
                ("patternProperties", Value::Object(parts)) => {
                    let parts = parts.values().map(|part| (part, None));
                    self.members.any.extend(parts);
                }
                ("additionalProperties" | "unevaluatedProperties", _) => {
                    self.members.any.push(rest("properties"));
                }
                ("prefixItems", Value::Array(parts)) => {
                    for (at, part) in parts.iter().enumerate() {
                        self.items.one.entry(at).or_default().push(part);
                    }
                }
                ("items", Value::Array(parts)) => {
                    let parts = parts.iter().map(|part| (part, None));
                    self.items.any.extend(parts);
                }
                ("items" | "additionalItems" | "unevaluatedItems", _) => {
                    self.items.any.push(rest("prefixItems"));
                }
                ("contains", part) => self.items.any.push((part, None)),
                ("propertyNames", part) => self.names.push(part),
                _ => {}
            }
        }
    }

    fn places(self) -> impl Iterator<Item = Vec<&'a Value>> {
        let below = self.members.sets().chain(self.items.sets());
        below.chain([self.names]).filter(|parts| !parts.is_empty())
    }
}

impl<'a, K: Index> Places<'a, K> {
    fn sets(self) -> impl Iterator<Item = Vec<&'a Value>> {
        let Self { one, any } = self;
        let others = any.iter().map(|(part, _)| *part).collect();
        let sets = one.into_iter().map(move |(at, mut parts)| {
            let named = |beside: &Option<&Value>| beside.is_some_and(|it| it.get(&at).is_some());
            let rest = any.iter().filter(|(_, beside)| !named(beside));
            parts.extend(rest.map(|(part, _)| part));
            parts
        });
        sets.chain([others])
    }
}

/// Tells sets apart; in any order they are the same.
fn identity(parts: &[&Value]) -> Vec<*const Value> {
    let mut identity: Vec<*const Value> = parts.iter().map(|&part| part as *const _).collect();
    identity.sort_unstable();
    identity
}

/// A union of some hundred kinds is far below it.
const MOST_AT_ONE_PLACE: usize = 1_000;
/// What finding out may take: some milliseconds.
const MOST_STEPS: usize = 50_000;
/// References of references.
const MOST_DEEP: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn references_that_double_are_refused() {
        let mut parts = json!({"d20": {}});
        for n in 0..20 {
            let next = json!({"$ref": format!("#/$defs/d{}", n + 1)});
            parts[format!("d{n}")] = json!({"allOf": [next, next]});
        }
        let schema = json!({"type": "object", "$ref": "#/$defs/d0", "$defs": parts});
        assert!(bounded(&schema).unwrap_err().contains("too long"));
        // The same one level of the value further down each time.
        let twice = json!({"allOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/a"}]});
        let schema = json!({"$ref": "#/$defs/a", "$defs": {"a": {"properties": {"x": twice}}}});
        assert!(bounded(&schema).unwrap_err().contains("too long"));
    }

    #[test]
    fn references_in_a_circle_are_refused() {
        for schema in [
            json!({"type": "object", "allOf": [{"$ref": "#"}]}),
            json!({"$ref": "#a", "$defs": {"b": {"$anchor": "a", "not": {"$ref": "#/$defs/%62"}}}}),
        ] {
            assert!(bounded(&schema).unwrap_err().contains("itself"), "{schema}");
        }
        for schema in [
            json!({"$ref": "#/$defs/none"}),
            json!({"properties": {"a": {"$id": "x", "$ref": "#"}}}),
        ] {
            assert!(bounded(&schema).is_err(), "{schema}");
        }
    }

    #[test]
    fn trees_lists_and_large_unions_are_fine() {
        let node = json!({"$ref": "#/$defs/node"});
        let kinds: Vec<Value> = (0..300).map(|n| json!({"const": n})).collect();
        let schema = json!({
            "type": "object",
            "properties": {"tree": node, "kind": {"oneOf": kinds}},
            "$defs": {"node": {
                "properties": {"left": node, "right": node, "$id": {"type": "string"}},
                "additionalProperties": node,
                "prefixItems": [node],
                "items": node,
            }},
        });
        // The 300 of the union, what holds them, and none that look elsewhere.
        assert_eq!(bounded(&schema), Ok(301));
    }

    #[test]
    fn lists_that_a_value_is_held_against_weigh_by_their_length() {
        let names: Vec<String> = (0..50).map(|n| n.to_string()).collect();
        let schema = json!({"items": {"allOf": [{"enum": names}, {"required": names}]}});
        assert_eq!(bounded(&schema), Ok(1 + 51 + 51));
        assert_eq!(bounded(&json!(true)), Ok(1));
    }
}
