//! One `[tool.parameters.x]` of a tool.

use mssql_mcp_sdk::{Param, Value};
use serde_json::value::RawValue;

use crate::kind::Kind;
use crate::limits::Limits;
use crate::mistake::{Mistake, hint};
use crate::section::{Entry, Section};
use crate::sql_type;

/// A parameter.
#[derive(Debug)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) kind: Kind,
    /// Many of the kind, bound as one JSON text.
    pub(crate) array: bool,
    pub(crate) min_items: Option<u32>,
    pub(crate) max_items: Option<u32>,
    pub(crate) limits: Limits,
    pub(crate) required: bool,
    /// A JSON text.
    pub(crate) default: Option<Box<RawValue>>,
    sql_type: Option<String>,
}

impl Parameter {
    /// Reads the table of the parameter with this name.
    pub(crate) fn read(name: &str, section: &Section<'_>) -> Result<Self, Mistake> {
        section.only(&KEYS)?;
        let (kind, array) = kind(section)?;
        let declared = section.text("sql_type")?;
        if declared.is_some() && array {
            return Err(section.mistake(
                "sql_type",
                "is not for an array, which is bound as one JSON text",
            ));
        }
        let room = declared.map_or(Ok(None), sql_type::check);
        let room = room.map_err(|message| section.mistake("sql_type", message))?;
        let kind = match declared {
            Some(declared) if kind == Kind::Datetime && has_offset(declared) => {
                Kind::DatetimeOffset
            }
            _ => kind,
        };
        if let Some(key) = ["min_items", "max_items"]
            .into_iter()
            .find(|key| section.has(key))
            && !array
        {
            return Err(section.mistake(key, "goes with the type \"array\""));
        }
        let mut parameter = Self {
            name: name.to_owned(),
            description: section
                .required("description", "to a model what to give")?
                .to_owned(),
            kind,
            array,
            min_items: section.count("min_items", 0)?,
            max_items: section.count("max_items", 1)?,
            limits: Limits::read(section, kind, room)?,
            required: true,
            default: None,
            sql_type: declared.map(str::to_owned),
        };
        parameter.default = parameter.read_default(section)?;
        parameter.required = match (section.flag("required")?, &parameter.default) {
            (Some(true), Some(_)) => {
                return Err(section.mistake("required", "is not for a parameter with a default"));
            }
            (Some(required), None) => required,
            (_, default) => default.is_none(),
        };
        Ok(parameter)
    }

    /// What to bind for an argument, which may be missing.
    pub(crate) fn bind(&self, argument: Option<&RawValue>) -> Result<Param, String> {
        let argument = argument.filter(|json| json.get() != "null");
        match argument.or(self.default.as_deref()) {
            Some(json) => Ok(self.param(self.value(json)?)),
            None if self.required => Err("is missing".to_owned()),
            None => Ok(self.param(Value::Null)),
        }
    }

    /// What to bind to try the statement out: the default or NULL.
    pub(crate) fn bind_for_a_try(&self) -> Param {
        let default = self.default.as_deref().map(|json| self.value(json));
        self.param(default.and_then(Result::ok).unwrap_or(Value::Null))
    }

    fn param(&self, value: Value) -> Param {
        let sql_type = match (&self.sql_type, &value) {
            (Some(declared), _) => Some(declared.as_str()),
            (None, _) if self.array => Some("nvarchar(max)"),
            (None, Value::Null) => Some(self.kind.sql_type()),
            // The host declares the smallest type that holds the value.
            (None, _) => None,
        };
        Param {
            name: self.name.clone(),
            sql_type: sql_type.map(str::to_owned),
            value,
        }
    }

    fn value(&self, json: &RawValue) -> Result<Value, String> {
        if !self.array {
            return self.one(json);
        }
        let items: Vec<&RawValue> = serde_json::from_str(json.get()).map_err(|_| {
            format!(
                "{json} is not a list with {} in each place",
                self.kind.example()
            )
        })?;
        let count = u32::try_from(items.len()).unwrap_or(u32::MAX);
        if self.min_items.is_some_and(|min| count < min) {
            return Err(format!("{count} are too few"));
        }
        if self.max_items.is_some_and(|max| count > max) {
            return Err(format!("{count} are too many"));
        }
        items
            .into_iter()
            .try_for_each(|item| self.one(item).map(drop))?;
        Ok(Value::Text(json.get().to_owned()))
    }

    fn one(&self, json: &RawValue) -> Result<Value, String> {
        let value = self.kind.value(json);
        let value = value.ok_or_else(|| format!("{json} is not {}", self.kind.example()))?;
        self.limits.check(self.kind, json, &value)?;
        Ok(value)
    }

    fn read_default(&self, section: &Section<'_>) -> Result<Option<Box<RawValue>>, Mistake> {
        let Some(entry) = section.get("default") else {
            return Ok(None);
        };
        let json = if self.array {
            self.list(section, entry)?
        } else {
            let one = self.kind.literal(entry.get_ref());
            one.ok_or_else(|| section.wrong("default", self.kind.example(), entry))?
        };
        match self.value(&json) {
            Ok(_) => Ok(Some(json)),
            Err(message) => Err(section.mistake("default", message)),
        }
    }

    fn list(&self, section: &Section<'_>, entry: Entry<'_>) -> Result<Box<RawValue>, Mistake> {
        let wanted = format!("a list with {} in each place", self.kind.example());
        let wrong = |found| section.wrong("default", &wanted, found);
        let items = entry.get_ref().as_array().ok_or_else(|| wrong(entry))?;
        let items = items.iter().map(|item| {
            let json = self.kind.literal(item.get_ref());
            json.map(|json| json.get().to_owned())
                .ok_or_else(|| wrong(item))
        });
        let items = items.collect::<Result<Vec<_>, _>>()?;
        RawValue::from_string(format!("[{}]", items.join(","))).map_err(|_| wrong(entry))
    }
}

/// The type, or that of the items of an array.
fn kind(section: &Section<'_>) -> Result<(Kind, bool), Mistake> {
    let name = section.required("type", "what values it takes")?;
    let array = name == "array";
    let (key, name) = if array {
        (
            "items",
            section.required("items", "the type of the values in it")?,
        )
    } else if section.has("items") {
        return Err(section.mistake("items", "goes with the type \"array\""));
    } else {
        ("type", name)
    };
    let mut known = Kind::NAMES.to_vec();
    if !array {
        known.push("array");
    }
    let kind = Kind::named(name).ok_or_else(|| {
        let message = match hint(name, &known) {
            hint if hint.is_empty() => {
                format!("there is no type \"{name}\"; there is {}", known.join(", "))
            }
            hint => format!("there is no type \"{name}\"{hint}"),
        };
        section.mistake(key, message)
    })?;
    Ok((kind, array))
}

fn has_offset(sql_type: &str) -> bool {
    let sql_type = sql_type.trim_start().to_ascii_lowercase();
    sql_type.starts_with("datetimeoffset")
}

/// What a client and SQL Server both take for a name.
pub(crate) fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (1..=64).contains(&name.len())
        && name.bytes().all(plain)
        && !name.starts_with(|first: char| first.is_ascii_digit())
        // The host's own parameters begin so.
        && !name.to_ascii_lowercase().starts_with("mcp_")
}

const KEYS: [&str; 14] = [
    "type",
    "items",
    "description",
    "sql_type",
    "default",
    "required",
    "enum",
    "min",
    "max",
    "min_length",
    "max_length",
    "pattern",
    "min_items",
    "max_items",
];
