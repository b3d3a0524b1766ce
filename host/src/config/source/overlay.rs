//! Variables over a table: `MSSQL_MCP__SCOPES__CLAUDE__MAX_ROWS` is the key
//! `scopes.claude.max_rows`, and wins over the file.

use std::collections::BTreeSet;

use toml::{Table, Value};

use super::environment::{Environment, PREFIX};
use super::schema::{self, Below};
use crate::config::ConfigError;
use crate::config::error::{is_about_secrets, list, nearest};

type Path = Vec<String>;

/// Puts every variable in its place in `table`.
pub(super) fn overlay(table: &mut Table, environment: &Environment) -> Result<(), ConfigError> {
    let file = table.clone();
    let mut set = BTreeSet::new();
    for (variable, text) in environment.overrides() {
        let path = place(variable, table)?;
        let value = value(variable, &path, text)?;
        put(table, &path, value).map_err(|key| {
            ConfigError::rule(
                variable,
                format!("{key} is a value and has no keys below it"),
            )
        })?;
        set.insert((path, variable));
    }
    forget_the_other_way(table, &set);
    complete(table, &file, &set)
}

/// The key that a variable stands for. Names that the operator chose are taken from
/// `table` where they are there.
fn place(variable: &str, table: &Table) -> Result<Path, ConfigError> {
    let mut path = Path::new();
    let mut written = PREFIX.trim_end_matches('_').to_owned();
    let segments = variable.strip_prefix(PREFIX).unwrap_or_default();
    for segment in segments.split(SEPARATOR) {
        let key = match schema::below(&path) {
            Below::Keys(known) => match known.iter().find(|key| is_written(key, segment)) {
                Some(key) => key.clone(),
                None => return Err(unknown(variable, &written, segment, &known)),
            },
            Below::Names => named(variable, segment, &path, table)?,
            Below::Nothing => {
                let key = path.join(".");
                let message = format!("{key} has no keys below it; its variable is {written}");
                return Err(ConfigError::rule(variable, message));
            }
        };
        path.push(key);
        written = format!("{written}{SEPARATOR}{segment}");
    }
    Ok(path)
}

/// A name that the operator chose, from the file or new.
fn named(
    variable: &str,
    segment: &str,
    path: &[String],
    table: &Table,
) -> Result<String, ConfigError> {
    let there = at(table, path).map(|table| table.keys().filter(|key| is_written(key, segment)));
    let there: Vec<&str> = there.into_iter().flatten().map(String::as_str).collect();
    match there.as_slice() {
        [name] => return Ok((*name).to_owned()),
        [_, _, ..] => {
            let message = format!("could mean {}; set this one in the file", list(&there));
            return Err(ConfigError::rule(variable, message));
        }
        [] => {}
    }
    if segment.is_empty() {
        return Err(ConfigError::rule(variable, "has a name without letters"));
    }
    // Names of scopes and of tool sets are written with hyphens.
    let hyphens = match path {
        [scopes] => scopes == "scopes",
        [.., last] => last == "config",
        [] => false,
    };
    let new = if segment.contains(|c: char| c.is_ascii_lowercase()) {
        segment.to_owned()
    } else {
        segment.to_ascii_lowercase()
    };
    Ok(if hyphens { new.replace('_', "-") } else { new })
}

fn unknown(variable: &str, written: &str, segment: &str, known: &[String]) -> ConfigError {
    let names: Vec<String> = known.iter().map(|key| as_written(key)).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let upper = segment.to_ascii_uppercase();
    let hint = match nearest(&upper, &names) {
        Some(near) => format!("did you mean {written}{SEPARATOR}{near}?"),
        None => format!("after {written}{SEPARATOR} there is {}", list(&names)),
    };
    ConfigError::rule(variable, format!("is the name of no key; {hint}"))
}

/// The value that the key takes: TOML where that fits, else the text, else a list
/// with commas.
fn value(variable: &str, path: &[String], text: &str) -> Result<Value, ConfigError> {
    let secret = path
        .last()
        .is_some_and(|key| is_about_secrets(key) && !key.ends_with("_file"));
    let plain = Value::String(text.to_owned());
    let read: Option<Value> = text.trim().parse().ok();
    let word = text.trim().to_ascii_lowercase();
    let truth = matches!(&*word, "true" | "false").then(|| Value::Boolean(word == "true"));
    let items = match &read {
        Some(Value::String(unquoted)) => unquoted.split(','),
        _ => text.split(','),
    };
    let items = items.map(str::trim).filter(|item| !item.is_empty());
    let items = Value::Array(items.map(|item| Value::String(item.to_owned())).collect());
    let structured = matches!(read, Some(Value::Array(_) | Value::Table(_)));
    let meant = read.clone().filter(|_| structured && !secret);
    let candidates = [
        // A password may look like anything.
        read.filter(|_| !secret),
        truth,
        Some(plain.clone()),
        Some(items).filter(|_| !structured),
    ];
    let mut candidates = candidates.into_iter().flatten();
    if let Some(fits) = candidates.find(|value| schema::refusal(path, value).is_none()) {
        return Ok(fits);
    }
    let why = schema::refusal(path, &meant.unwrap_or(plain)).unwrap_or_default();
    // Serde quotes the value.
    let quotes = secret || is_about_secrets(variable) || is_about_secrets(text);
    let why = match why.split_once(", ") {
        Some((_, expected)) if quotes => expected.to_owned(),
        None if quotes => "its value has the wrong type".to_owned(),
        _ => why,
    };
    let unit = if why.ends_with("a duration") {
        ", such as 30s"
    } else {
        ""
    };
    Err(ConfigError::rule(variable, why + unit))
}

/// Puts `value` at `path`; the error is the key above it that holds a value.
fn put(table: &mut Table, path: &[String], value: Value) -> Result<(), String> {
    let [before @ .., last] = path else {
        return Ok(());
    };
    let mut table = table;
    for key in before {
        let below = table
            .entry(key.clone())
            .or_insert_with(|| Value::Table(Table::new()));
        table = match below {
            Value::Table(below) => below,
            _ => return Err(key.clone()),
        };
    }
    table.insert(last.clone(), value);
    Ok(())
}

/// A secret can be written or be in a file; the variable for the one wins over the
/// file's line for the other.
fn forget_the_other_way(table: &mut Table, set: &BTreeSet<(Path, &str)>) {
    for (path, _) in set {
        let [before @ .., last] = path.as_slice() else {
            continue;
        };
        let Some((one, other)) = WAYS
            .iter()
            .find(|(one, other)| last == one || last == other)
        else {
            continue;
        };
        let other = if last == one { other } else { one };
        let mut sibling = before.to_vec();
        sibling.push((*other).to_owned());
        if !set.iter().any(|(path, _)| *path == sibling)
            && let Some(table) = at_mut(table, before)
        {
            table.remove(*other);
        }
    }
}

/// A mistake in the name of a scope or a database makes a new one, which is not whole.
fn complete(table: &Table, file: &Table, set: &BTreeSet<(Path, &str)>) -> Result<(), ConfigError> {
    for (path, variable) in set {
        let [kind, name, ..] = path.as_slice() else {
            continue;
        };
        let place = [kind.clone(), name.clone()];
        let before = at(file, std::slice::from_ref(kind));
        if before.is_some_and(|before| before.contains_key(name)) {
            continue;
        }
        let Some(missing) = at(table, &place).and_then(|new| schema::missing(&place, new)) else {
            continue;
        };
        // Filled in later, where there is one database.
        if missing == "databases" {
            continue;
        }
        let known: Vec<&str> = before
            .into_iter()
            .flat_map(Table::keys)
            .map(|key| &**key)
            .collect();
        let hint = match nearest(name, &known) {
            Some(near) => format!("did you mean {kind}.{near}? A new one"),
            None => "it is a new one, which".to_owned(),
        };
        let message = format!("there is no {kind}.{name}; {hint} needs {missing} too");
        return Err(ConfigError::rule(variable, message));
    }
    Ok(())
}

fn at<'a>(table: &'a Table, path: &[String]) -> Option<&'a Table> {
    let mut table = table;
    for key in path {
        table = table.get(key)?.as_table()?;
    }
    Some(table)
}

fn at_mut<'a>(table: &'a mut Table, path: &[String]) -> Option<&'a mut Table> {
    let mut table = table;
    for key in path {
        table = table.get_mut(key)?.as_table_mut()?;
    }
    Some(table)
}

/// Whether a segment of a variable means this key.
fn is_written(key: &str, segment: &str) -> bool {
    as_written(key).eq_ignore_ascii_case(segment)
}

/// A key as variables have it.
pub(super) fn as_written(key: &str) -> String {
    let letters = key
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' });
    letters.collect::<String>().to_ascii_uppercase()
}

/// Between the keys of a path.
pub(super) const SEPARATOR: &str = "__";
/// Two keys for one secret.
const WAYS: [(&str, &str); 2] = [
    ("password", "password_file"),
    ("client_secret", "client_secret_file"),
];
