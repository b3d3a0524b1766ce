//! How long checking a value against a schema can take: a few hundred bytes of
//! references that double at each step ask for more checks than a year has
//! nanoseconds, and one that leads back to itself asks for as many as the stack has
//! room for. Such schemas are refused when they are loaded.
//!
//! What is bounded is how often parts of the schema look at one place of a value. All
//! that look at it together are a set; from it follow the sets for the places below.
//! The heaviest set, times the places of a value, is what checking that value takes.
//!
//! Finding that out is bounded as well: lists of thousands that meet lists of thousands
//! are refused before they are multiplied.

use std::collections::{HashMap, HashSet};

use percent_encoding::percent_decode_str;
use serde_json::Value;
use serde_json::value::Index;

/// What one place of a value takes, at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    /// How often it is looked at.
    pub(super) looks: usize,
    /// References whose outcome the validator keeps for it, where it is an object or a list.
    pub(super) kept: usize,
}

/// What the heaviest place of a value takes; the error says why no value should be checked
/// with it.
pub(super) fn bounded(document: &Value) -> Result<Bounds, String> {
    let mut effort = Effort {
        document,
        anchors: HashMap::new(),
        steps: 0,
    };
    effort.name(document, true)?;
    let mut known = HashSet::new();
    let mut bounds = Bounds { looks: 1, kept: 0 };
    let mut waiting = vec![vec![document]];
    while let Some(parts) = waiting.pop() {
        if !known.insert(identity(&parts)) {
            continue;
        }
        let mut looking = Vec::new();
        for part in parts {
            effort.all_at_one_place(part, &mut Vec::new(), &mut looking)?;
        }
        let looks: usize = looking.iter().map(|part| weight(part)).sum();
        let named: HashSet<_> = looking.iter().copied().flat_map(references).collect();
        bounds.looks = bounds.looks.max(looks);
        bounds.kept = bounds.kept.max(named.len());
        let mut below = Below::default();
        for part in looking {
            // A part that lies below is put on a list and no more.
            effort.take(below.add(part) / 4)?;
        }
        effort.take(below.multiplied())?;
        waiting.extend(below.places());
    }
    if bounds.kept > 0 && !effort.leads_on() {
        bounds.kept = 0;
    }
    Ok(bounds)
}

/// What one part of a schema holds a value against: each entry of its lists counts.
fn weight(part: &Value) -> usize {
    let keys = [
        "enum",
        "required",
        "properties",
        "patternProperties",
        "dependentRequired",
        "dependencies",
    ];
    let length = |list: &Value| list.as_array().map_or(0, Vec::len);
    let lists = keys.iter().filter_map(|key| part.get(key));
    let entries = lists.map(|list| match list {
        // A dependency is a list of names.
        Value::Object(entries) => entries.len() + entries.values().map(length).sum::<usize>(),
        list => length(list),
    });
    1 + entries.sum::<usize>()
}

/// The references of one part of a schema, by keyword and text.
fn references(part: &Value) -> impl Iterator<Item = (&'static str, &str)> {
    let text = move |key: &'static str| Some((key, part.get(key)?.as_str()?));
    REFERENCES.into_iter().filter_map(text)
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
        let this: *const Value = part;
        if way.contains(&this) {
            return Err("it refers to itself without end".to_owned());
        }
        // Mere `true` is looked at as well, thousands of times in a list of them.
        looking.push(part);
        if looking.len() > MOST_AT_ONE_PLACE || way.len() > MOST_DEEP {
            return Err(TOO_LONG.to_owned());
        }
        let Some(members) = part.as_object() else {
            return self.take(1);
        };
        // The usual handful of keywords is one step, and so are some entries of lists.
        self.take(1 + (members.len() + weight(part)) / 8)?;
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

    /// Refuses what takes too many steps to find out about.
    fn take(&mut self, steps: usize) -> Result<(), String> {
        self.steps = self.steps.saturating_add(steps);
        if self.steps > MOST_STEPS {
            return Err(TOO_LONG.to_owned());
        }
        Ok(())
    }

    /// Whether references lead to references without end, or so often that the validator
    /// treats them as if they did: then it keeps what each of them found.
    fn leads_on(&self) -> bool {
        let mut within = HashMap::new();
        let mut targets = self.targets_in(self.document);
        for _ in 0..MOST_NESTED {
            let mut next = HashMap::new();
            for (at, target) in targets {
                let found = within.entry(at).or_insert_with(|| self.targets_in(target));
                next.extend(found.iter().map(|(&at, &target)| (at, target)));
            }
            targets = next;
        }
        !targets.is_empty()
    }

    /// What the references anywhere in `part` name, each once.
    fn targets_in(&self, part: &'a Value) -> HashMap<*const Value, &'a Value> {
        let mut targets = HashMap::new();
        let mut waiting = vec![part];
        while let Some(part) = waiting.pop() {
            for (_, target) in references(part) {
                // One that names nothing leads nowhere; it stands in a constant.
                if let Ok(target) = self.target(target) {
                    targets.insert(std::ptr::from_ref(target), target);
                }
            }
            match part {
                Value::Object(members) => waiting.extend(members.values()),
                Value::Array(items) => waiting.extend(items),
                _ => {}
            }
        }
        targets
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
    /// Adds what `part` says of the places below, and says how many parts that looked
    /// through. Only objects are kept: nothing else says anything of places further down,
    /// and one look is what each place has in any case.
    fn add(&mut self, part: &'a Value) -> usize {
        let mut seen = 0;
        for (key, member) in part.as_object().into_iter().flatten() {
            match (key.as_str(), member) {
                ("properties", Value::Object(parts)) => {
                    seen += parts.len();
                    for (name, part) in parts.iter().filter(|(_, part)| part.is_object()) {
                        self.members.one.entry(name).or_default().push(part);
                    }
                }
                ("patternProperties", Value::Object(parts)) => {
                    seen += parts.len();
                    parts.values().for_each(|part| self.members.add(part, None));
                }
                ("additionalProperties" | "unevaluatedProperties", _) => {
                    self.members.add(member, part.get("properties"));
                }
                ("prefixItems", Value::Array(parts)) => {
                    seen += parts.len();
                    let parts = parts.iter().enumerate();
                    for (at, part) in parts.filter(|(_, part)| part.is_object()) {
                        self.items.one.entry(at).or_default().push(part);
                    }
                }
                ("items", Value::Array(parts)) => {
                    seen += parts.len();
                    parts.iter().for_each(|part| self.items.add(part, None));
                }
                ("items" | "additionalItems" | "unevaluatedItems", _) => {
                    self.items.add(member, part.get("prefixItems"));
                }
                ("contains", part) => self.items.add(part, None),
                ("propertyNames", part) if part.is_object() => self.names.push(part),
                _ => {}
            }
        }
        seen
    }

    /// How many parts all of [`Self::places`] hold together, at most, but for those that
    /// [`Self::add`] told of.
    fn multiplied(&self) -> usize {
        let members = self.members.multiplied();
        members.saturating_add(self.items.multiplied())
    }

    fn places(self) -> impl Iterator<Item = Vec<&'a Value>> {
        let below = self.members.sets().chain(self.items.sets());
        below.chain([self.names]).filter(|parts| !parts.is_empty())
    }
}

impl<'a, K: Index> Places<'a, K> {
    /// Adds a part that looks at any but those that `beside` names.
    fn add(&mut self, part: &'a Value, beside: Option<&'a Value>) {
        if part.is_object() {
            self.any.push((part, beside));
        }
    }

    fn multiplied(&self) -> usize {
        self.one
            .len()
            .saturating_add(1)
            .saturating_mul(self.any.len())
    }

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

/// Keywords that name another part of the schema.
const REFERENCES: [&str; 2] = ["$ref", "$dynamicRef"];
const TOO_LONG: &str = "checking a value with it would take too long";
/// A union of some hundred kinds is far below it.
const MOST_AT_ONE_PLACE: usize = 1_000;
/// What finding out may take: parts that are looked at or through, and what places below
/// hold of them. Some ten milliseconds, and some MiB.
const MOST_STEPS: usize = 200_000;
/// References of references, at one place.
const MOST_DEEP: usize = 128;
/// References of references at any places: `jsonschema` compiles those of more levels as it
/// compiles the ones that recur.
const MOST_NESTED: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn looks(document: &Value) -> Result<usize, String> {
        bounded(document).map(|bounds| bounds.looks)
    }

    #[test]
    fn lists_that_multiply_are_refused_before_they_do() {
        let many = vec![json!({}); 10_000];
        let schema = json!({"type": "object", "prefixItems": many, "items": many});
        assert!(bounded(&schema).unwrap_err().contains("too long"));
        // No schemas: they are left to what refuses them.
        let many = vec![json!(1); 16_000];
        let schema = json!({"type": "object", "prefixItems": many, "items": many});
        assert_eq!(looks(&schema), Ok(1));
        // One large object, behind many references.
        let large: Value = (0..4_000).map(|n| (n.to_string(), json!({}))).collect();
        let reference = json!({"$ref": "#/$defs/large"});
        let many: Value = (0..1_700)
            .map(|n| (n.to_string(), reference.clone()))
            .collect();
        let schema = json!({"properties": many, "$defs": {"large": {"properties": large}}});
        assert!(bounded(&schema).unwrap_err().contains("too long"));
        let at_once = json!({
            "allOf": vec![reference; 400],
            "$defs": {"large": {"properties": large}},
        });
        assert!(bounded(&at_once).unwrap_err().contains("too long"));
        // One list of dependencies, behind many references.
        let dependencies: Value = (0..4_400).map(|n| (format!("{n:x}"), json!([]))).collect();
        let places: Value = (0..200)
            .map(|n| (n.to_string(), json!({"$ref": "#/h"})))
            .collect();
        let schema = json!({
            "type": "object",
            "d": {"dependentRequired": dependencies},
            "h": {"allOf": vec![json!({"$ref": "#/d"}); 480]},
            "properties": places,
        });
        assert!(bounded(&schema).unwrap_err().contains("too long"));
    }

    #[test]
    fn large_schemas_of_the_usual_kind_are_fine() {
        let address: Value = (0..30)
            .map(|n| (n.to_string(), json!({"type": "string"})))
            .collect();
        let address = json!({"properties": address, "additionalProperties": false});
        let members: Value = (0..1_000)
            .map(|n| (n.to_string(), json!({"$ref": "#/$defs/address"})))
            .collect();
        let schema = json!({
            "properties": members,
            "additionalProperties": {"type": "string"},
            "$defs": {"address": address},
        });
        assert_eq!(
            bounded(&schema),
            Ok(Bounds {
                looks: 1_001,
                kept: 0
            })
        );
    }

    #[test]
    fn lists_of_true_and_of_dependencies_weigh_as_well() {
        let every = |count: usize| json!({"items": {"allOf": vec![json!(true); count]}});
        assert_eq!(looks(&every(500)), Ok(501));
        assert!(looks(&every(5_000)).is_err());
        let names: Vec<String> = (0..50).map(|n| n.to_string()).collect();
        assert_eq!(
            looks(&json!({"dependentRequired": {"a": names, "b": names}})),
            Ok(1 + 2 + 100)
        );
    }

    #[test]
    fn what_is_kept_of_references_counts_where_they_recur_or_nest_far() {
        let kept = |document: &Value| bounded(document).unwrap().kept;
        let to = |name: String| json!({"$ref": format!("#/$defs/{name}")});
        // Nine that recur, at every place.
        let nine: Vec<Value> = (0..9).map(|n| to(format!("d{n}"))).collect();
        let parts: Value = (0..9)
            .map(|n| (format!("d{n}"), json!({"items": to(format!("d{n}"))})))
            .collect();
        assert_eq!(kept(&json!({"allOf": nine, "$defs": parts})), 9);
        // One that is named twice is kept once.
        let twice = json!({"allOf": [to("a".into()), to("a".into())], "$defs": {
            "a": {"properties": {"x": to("a".into())}}
        }});
        assert_eq!(kept(&twice), 1);
        // A chain with an end, shorter and longer than what the validator follows.
        let chain = |length: usize| {
            let parts: Value = (0..length)
                .map(|n| match n + 1 {
                    end if end == length => (format!("d{n}"), json!({"type": "string"})),
                    next => (format!("d{n}"), json!({"items": to(format!("d{next}"))})),
                })
                .collect();
            json!({"items": to("d0".into()), "$defs": parts})
        };
        assert_eq!(kept(&chain(8)), 0);
        assert_eq!(kept(&chain(9)), 1);
    }

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
        assert_eq!(
            bounded(&schema),
            Ok(Bounds {
                looks: 301,
                kept: 1
            })
        );
    }

    #[test]
    fn lists_that_a_value_is_held_against_weigh_by_their_length() {
        let names: Vec<String> = (0..50).map(|n| n.to_string()).collect();
        let schema = json!({"items": {"allOf": [{"enum": names}, {"required": names}]}});
        assert_eq!(looks(&schema), Ok(1 + 51 + 51));
        assert_eq!(looks(&json!(true)), Ok(1));
    }
}
