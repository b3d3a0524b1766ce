//! What a value is held to beyond its type. The host holds the model to the
//! JSON Schema; the same rules hold for the defaults in the file.

use mssql_mcp_sdk::Value;
use regex_syntax::ast::parse::Parser;
use serde_json::value::RawValue;

use crate::kind::Kind;
use crate::mistake::Mistake;
use crate::section::Section;

/// Limits of one value, or of each in an array.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    /// JSON texts.
    pub(crate) any_of: Vec<Box<RawValue>>,
    pub(crate) min: Option<Box<RawValue>>,
    pub(crate) max: Option<Box<RawValue>>,
    pub(crate) min_length: Option<u32>,
    pub(crate) max_length: Option<u32>,
    pub(crate) pattern: Option<String>,
}

impl Limits {
    /// Reads them; `room` is the most characters that the declared type holds.
    pub(crate) fn read(
        section: &Section<'_>,
        kind: Kind,
        room: Option<u32>,
    ) -> Result<Self, Mistake> {
        for key in ["min_length", "max_length", "pattern"] {
            if section.has(key) && kind != Kind::String {
                return Err(section.mistake(key, "goes with the type \"string\""));
            }
        }
        for key in ["min", "max"] {
            if section.has(key) && !kind.is_number() {
                return Err(section.mistake(
                    key,
                    "goes with the types \"integer\", \"number\" and \"decimal\"",
                ));
            }
        }
        let limits = Self {
            any_of: any_of(section, kind)?,
            min: literal(section, "min", kind)?,
            max: literal(section, "max", kind)?,
            min_length: section.count("min_length", 0)?,
            max_length: section.count("max_length", 1)?,
            pattern: pattern(section)?,
        };
        if let (Some(min), Some(max)) = (&limits.min, &limits.max)
            && kind
                .compare(min, max)
                .is_some_and(std::cmp::Ordering::is_gt)
        {
            return Err(section.mistake("min", format!("{min} is more than the max, {max}")));
        }
        if let (Some(min), Some(max)) = (limits.min_length, limits.max_length)
            && min > max
        {
            return Err(section.mistake(
                "min_length",
                format!("{min} is more than the max_length, {max}"),
            ));
        }
        limits.within(section, kind, room)
    }

    /// A longer value would be cut without a word, so none gets that far.
    fn within(
        mut self,
        section: &Section<'_>,
        kind: Kind,
        room: Option<u32>,
    ) -> Result<Self, Mistake> {
        let Some(room) = room.filter(|_| kind == Kind::String) else {
            return Ok(self);
        };
        for key in ["min_length", "max_length"] {
            if section.count(key, 0)?.is_some_and(|length| length > room) {
                return Err(section.mistake(
                    key,
                    format!("is more than the {room} characters that sql_type has room for"),
                ));
            }
        }
        self.max_length = self.max_length.or(Some(room));
        Ok(self)
    }

    /// Whether a value, given as JSON too, keeps them; why not otherwise. A
    /// pattern is for the host alone.
    pub(crate) fn check(&self, kind: Kind, json: &RawValue, value: &Value) -> Result<(), String> {
        let is = |a: &RawValue| kind.value(a).is_some_and(|known| known == *value);
        if !self.any_of.is_empty() && !self.any_of.iter().any(|known| is(known)) {
            let known: Vec<_> = self.any_of.iter().map(|known| known.get()).collect();
            return Err(format!("{json} is none of {}", known.join(", ")));
        }
        let order = |bound: &RawValue| kind.compare(json, bound);
        if let Some(min) = &self.min
            && order(min).is_some_and(std::cmp::Ordering::is_lt)
        {
            return Err(format!("{json} is less than {min}"));
        }
        if let Some(max) = &self.max
            && order(max).is_some_and(std::cmp::Ordering::is_gt)
        {
            return Err(format!("{json} is more than {max}"));
        }
        if let Value::Text(text) = value {
            let length = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
            if self.min_length.is_some_and(|min| length < min) {
                return Err(format!("{json} is too short"));
            }
            if self.max_length.is_some_and(|max| length > max) {
                return Err(format!("{json} is too long"));
            }
        }
        Ok(())
    }
}

fn literal(section: &Section<'_>, key: &str, kind: Kind) -> Result<Option<Box<RawValue>>, Mistake> {
    let Some(entry) = section.get(key) else {
        return Ok(None);
    };
    match kind.literal(entry.get_ref()) {
        Some(json) => Ok(Some(json)),
        None => Err(section.wrong(key, kind.example(), entry)),
    }
}

fn any_of(section: &Section<'_>, kind: Kind) -> Result<Vec<Box<RawValue>>, Mistake> {
    let Some(entry) = section.get("enum") else {
        return Ok(Vec::new());
    };
    if !matches!(kind, Kind::String | Kind::Integer | Kind::Number) {
        return Err(section.mistake(
            "enum",
            "goes with the types \"string\", \"integer\" and \"number\"",
        ));
    }
    let values = entry
        .get_ref()
        .as_array()
        .filter(|values| !values.is_empty());
    let values = values.ok_or_else(|| section.wrong("enum", "a list of values", entry))?;
    let literals = values.iter().map(|entry| {
        let json = kind.literal(entry.get_ref());
        json.ok_or_else(|| {
            section.wrong(
                "enum",
                &format!("a list with {} in each place", kind.example()),
                entry,
            )
        })
    });
    literals.collect()
}

fn pattern(section: &Section<'_>) -> Result<Option<String>, Mistake> {
    let Some(pattern) = section.text("pattern")? else {
        return Ok(None);
    };
    match Parser::new().parse(pattern) {
        Ok(_) => Ok(Some(pattern.to_owned())),
        Err(error) => Err(section.mistake(
            "pattern",
            format!("{pattern:?} cannot be used: {}", error.kind()),
        )),
    }
}
